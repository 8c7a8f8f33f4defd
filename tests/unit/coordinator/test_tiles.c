/* The tile server's answers: what is published, all of it, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/store/store.h"
#include "coordinator/tiles.h"
#include "tests/unit/coordinator/published.h"

#define HELD		300u	/* entries in the log */
#define SIZE		270u	/* of the published checkpoint */

struct bench {
	struct rig		 rig;
	struct tiles		*tiles;
	struct buf		 note;
	struct tiles_answer	 a;
	struct err		 err;
};

static int
set_up(void **state)
{
	struct bench	*b = calloc(1, sizeof(*b));
	char		 path[FILE_PATH_MAX];

	assert_non_null(b);
	b->note = BUF_INIT(NOTE_BYTES_MAX);
	b->a = (struct tiles_answer)TILES_ANSWER_INIT;
	rig_init(&b->rig);
	rig_start(&b->rig);
	rig_stop(&b->rig);
	published_fill(&b->rig, HELD);
	published_path(&b->rig, path);
	assert_int_equal(tiles_open(path, b->rig.c.genesis, &b->tiles, &b->err), RC_OK);
	*state = b;
	return 0;
}

static int
tear_down(void **state)
{
	struct bench	*b = *state;

	tiles_close(b->tiles);
	tiles_answer_done(&b->a);
	buf_done(&b->note);
	rig_done(&b->rig);
	free(b);
	return 0;
}

static void
publish(struct bench *b, uint64_t size)
{
	published_note(&b->rig, size, b->rig.c.first->q, &b->note);
}

static unsigned
ask_if(struct bench *b, const char *method, const char *path, const char *have)
{
	tiles_answer_done(&b->a);
	b->a = (struct tiles_answer)TILES_ANSWER_INIT;
	assert_int_equal(tiles_ask(b->tiles, method, path, have, &b->a, &b->err), RC_OK);
	assert_true(b->a.is_bundle || b->a.length == b->a.body.n);
	return b->a.status;
}

static unsigned
ask(struct bench *b, const char *path)
{
	return ask_if(b, "GET", path, NULL);
}

/* A fault of ours: 503, and its code for the log. */
static void
fails(struct bench *b, const char *path, enum rc want)
{
	tiles_answer_done(&b->a);
	b->a = (struct tiles_answer)TILES_ANSWER_INIT;
	assert_int_equal(tiles_ask(b->tiles, "GET", path, NULL, &b->a, &b->err), want);
	assert_int_equal(b->a.status, 503);
	assert_false(b->a.is_bundle);
}

static void
test_nothing_before_a_quorum(void **state)
{
	struct bench	*b = *state;

	assert_int_equal(ask(b, "/checkpoint"), 404);
	assert_non_null(strstr(buf_text(&b->a.body), "cosignatures"));
	assert_string_equal(b->a.cache, "no-store");
	assert_int_equal(ask(b, "/tile/0/000.p/1"), 404);
	assert_int_equal(ask(b, "/tile/entries/000.p/1"), 404);
	/* A note that stands there without its quorum is a fault, not an answer. */
	published_note(&b->rig, SIZE, b->rig.c.first->q - 1u, &b->note);
	fails(b, "/checkpoint", RC_QUORUM);
	fails(b, "/tile/0/000", RC_QUORUM);
	publish(b, SIZE);
	assert_int_equal(ask(b, "/checkpoint"), 200);
	/* What was good does not make the next one so. */
	published_note(&b->rig, SIZE + 1, b->rig.c.first->q - 1u, &b->note);
	fails(b, "/checkpoint", RC_QUORUM);
	publish(b, HELD + 1);
	fails(b, "/checkpoint", RC_BUG);
}

static void
test_checkpoint(void **state)
{
	struct bench	*b = *state;
	char		 etag[sizeof(b->a.etag)], two[2 * sizeof(etag)];

	publish(b, SIZE);
	assert_int_equal(ask(b, "/checkpoint"), 200);
	assert_true(span_eq(buf_view(&b->a.body), buf_view(&b->note)));
	assert_string_equal(b->a.type, "text/plain; charset=utf-8");
	assert_string_equal(b->a.cache, "no-cache");
	memcpy(etag, b->a.etag, sizeof(etag));
	assert_int_equal(ask_if(b, "HEAD", "/checkpoint", NULL), 200);
	assert_int_equal(b->a.length, b->note.n);
	assert_int_equal(ask_if(b, "GET", "/checkpoint", "\"another\""), 200);
	assert_int_equal(ask_if(b, "GET", "/checkpoint", etag), 304);
	assert_int_equal(b->a.length, 0);
	assert_string_equal(b->a.etag, etag);
	(void)snprintf(two, sizeof(two), "\"x\", W/%s", etag);
	assert_int_equal(ask_if(b, "GET", "/checkpoint", two), 304);
	/* The next one is another. */
	publish(b, SIZE + 5);
	assert_int_equal(ask_if(b, "GET", "/checkpoint", etag), 200);
	assert_string_not_equal(b->a.etag, etag);
	assert_true(span_eq(buf_view(&b->a.body), buf_view(&b->note)));
}

/* What a published size of 270 has, though the log holds 300. */
static void
test_what_is_there(void **state)
{
	static const struct {
		const char	*path;
		unsigned	 status, length;	/* 0: of a bundle */
	} cases[] = {
		{ "/tile/0/000", 200, 8192 },
		{ "/tile/0/001.p/14", 200, 14 * 32 },
		{ "/tile/0/001.p/3", 200, 3 * 32 },	/* of a smaller log */
		{ "/tile/0/001.p/15", 404, 0 },		/* held, not published */
		{ "/tile/0/001.p/44", 404, 0 },
		{ "/tile/0/001", 404, 0 },
		{ "/tile/0/002.p/1", 404, 0 },
		{ "/tile/1/000.p/1", 200, 32 },
		{ "/tile/1/000.p/2", 404, 0 },
		{ "/tile/1/000", 404, 0 },
		{ "/tile/2/000.p/1", 404, 0 },
		{ "/tile/7/000.p/1", 404, 0 },
		{ "/tile/entries/000", 200, 0 },
		{ "/tile/entries/001.p/14", 200, 0 },
		{ "/tile/entries/001.p/15", 404, 0 },
		{ "/tile/entries/001", 404, 0 },
		{ "/tile/0/x018/446/744/073/709/551/615", 404, 0 },
	};
	struct bench	*b = *state;
	size_t		 i;

	publish(b, SIZE);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(ask(b, cases[i].path), cases[i].status);
		if (cases[i].length != 0)
			assert_int_equal(b->a.length, cases[i].length);
		if (cases[i].status != 200)
			continue;
		assert_string_equal(b->a.type, "application/octet-stream");
		assert_string_equal(b->a.cache, "public, max-age=31536000, immutable");
		assert_int_equal(ask_if(b, "GET", cases[i].path, b->a.etag), 304);
		assert_false(b->a.is_bundle);
	}
	publish(b, SIZE + 1);
	assert_int_equal(ask(b, "/tile/0/001.p/15"), 200);
}

static void
test_nothing_else(void **state)
{
	static const char	*const paths[] = {
		"", "/", "checkpoint", "/checkpoint/", "/Checkpoint", "//checkpoint", "/checkpoint ", "/log.db",
		"/../log.db", "/tile/0/../0/000", "/tile/00/000", "/tile/0/0", "/tile/0/000.p/0", "/tile/0/000.p/256",
		"/tile/0/000.p/01", "/tile/0/x000/000", "/tile/64/000", "/tile/-1/000", "/tile/0/000/", "/tile/entries",
		"/tile/entries/", "tile/0/000", "/tile/0/%30%30%30", "/blob/00", "/%63heckpoint",
	};
	struct bench	*b = *state;
	char		 path[TILES_PATH_MAX + 2];
	size_t		 i;

	publish(b, SIZE);
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_int_equal(ask(b, paths[i]), 404);
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[TILES_PATH_MAX + 1] = '\0';
	assert_int_equal(ask(b, path), 414);
	path[TILES_PATH_MAX] = '\0';
	assert_int_equal(ask(b, path), 404);
	assert_int_equal(ask_if(b, "POST", "/checkpoint", NULL), 405);
	assert_int_equal(ask_if(b, "PUT", "/tile/0/000", NULL), 405);
	assert_int_equal(ask_if(b, "get", "/checkpoint", NULL), 405);
}

static enum rc
fetch(void *user, const struct tile *t, struct buf *out, struct err *err)
{
	struct bench	*b = user;
	char		 path[TILE_NAME_MAX + 1] = "/";

	(void)err;
	tile_name(t, path + 1);
	assert_int_equal(ask(b, path), 200);
	buf_span(out, buf_view(&b->a.body));
	return RC_OK;
}

static void
test_tiles_hash_to_the_checkpoint(void **state)
{
	struct bench		*b = *state;
	struct tile_reader	*r;
	struct checkpoint	 cp;
	struct tree_path	 path;
	struct err		 err;
	uint8_t			 root[TREE_HASH_BYTES], leaf[TREE_HASH_BYTES];

	publish(b, SIZE);
	assert_int_equal(charter_checkpoint_verify(b->rig.c.first, buf_view(&b->note), true, &cp, NULL, &err), RC_OK);
	assert_int_equal(tile_reader_new(SIZE, fetch, b, &r, &err), RC_OK);
	assert_int_equal(tree_root_at(tile_reader_node, r, SIZE, root, &err), RC_OK);
	assert_memory_equal(root, cp.root, sizeof(root));
	assert_int_equal(tree_inclusion(tile_reader_node, r, 261, SIZE, &path, &err), RC_OK);
	assert_int_equal(tile_reader_node(r, 0, 261, leaf, &err), RC_OK);
	assert_int_equal(tree_inclusion_verify(leaf, 261, SIZE, &path, cp.root, &err), RC_OK);
	tile_reader_free(r);
}

static enum rc
check_leaf(void *user, unsigned at, struct span leaf, struct err *err)
{
	const uint64_t	*first = user;
	struct buf	 want = BUF_INIT(ENTRY_BYTES_MAX);

	(void)err;
	if (*first + at > 0) {
		published_leaf(*first + at, &want);
		assert_true(span_eq(leaf, buf_view(&want)));
	}
	buf_done(&want);
	return RC_OK;
}

/* However small the pieces: as long as was said, and entry for entry what the log holds. */
static void
read_bundle(struct bench *b, const char *path, size_t piece)
{
	struct tiles_cursor	 c;
	struct buf		 all = BUF_INIT(TILE_BUNDLE_BYTES_MAX);
	uint8_t			*p = malloc(piece);
	uint64_t		 first;
	size_t			 n;

	assert_non_null(p);
	assert_int_equal(ask(b, path), 200);
	assert_true(b->a.is_bundle);
	c = tiles_cursor(&b->a.bundle);
	do {
		assert_int_equal(tiles_bundle(b->tiles, &c, p, piece, &n, &b->err), RC_OK);
		buf_add(&all, p, n);
	} while (n > 0);
	assert_int_equal(all.n, b->a.length);
	first = b->a.bundle.index * TILE_WIDTH;
	assert_int_equal(bundle_each(buf_view(&all), b->a.bundle.width, check_leaf, &first, &b->err), RC_OK);
	tiles_cursor_done(&c);
	buf_done(&all);
	free(p);
}

static void
test_bundles(void **state)
{
	struct bench	*b = *state;

	publish(b, SIZE);
	read_bundle(b, "/tile/entries/000", 32768);
	read_bundle(b, "/tile/entries/000", 7);
	read_bundle(b, "/tile/entries/000", 1 << 20);
	read_bundle(b, "/tile/entries/001.p/14", 1);
	read_bundle(b, "/tile/entries/000.p/1", 100);
}

/* The reader has no lock that a writer waits for, and sees what is new at once. */
static void
test_beside_a_writer(void **state)
{
	struct bench	*b = *state;
	unsigned	 i;

	for (i = 1; i < 20; i++) {
		published_fill(&b->rig, HELD + i);
		publish(b, HELD + i);
		assert_int_equal(ask(b, "/checkpoint"), 200);
		assert_true(span_eq(buf_view(&b->a.body), buf_view(&b->note)));
	}
}

static void
test_no_log(void **state)
{
	static const uint8_t	genesis[SHA256_BYTES];
	struct tiles		*t = NULL;
	struct err		 err;

	(void)state;
	assert_int_equal(tiles_open("/nowhere/log.db", genesis, &t, &err), RC_MISSING);
	assert_null(t);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_before_a_quorum, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_checkpoint, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_else, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_tiles_hash_to_the_checkpoint, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bundles, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_beside_a_writer, set_up, tear_down),
		cmocka_unit_test(test_no_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

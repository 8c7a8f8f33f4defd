/* A log read out of a folder: nothing of it is used before it is proved, and what is wrong is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/replay.h"
#include "tests/unit/cli/lab.h"
#include "tests/unit/cli/tree.h"

#define SIZE	300

static char		text[SIZE][32];
static struct span	leaf[SIZE];
static struct tree_folder tree;

static int
setup(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SIZE; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "entry-%03u", i);
		leaf[i] = span_str(text[i]);
	}
	tree_make(&tree, leaf, SIZE);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	tree_done(&tree);
	return 0;
}

struct given { uint64_t next, n; };

static enum rc
give(void *user, uint64_t index, struct span data, struct err *err)
{
	struct given	*g = user;

	(void)err;
	assert_int_equal(index, g->next);
	assert_true(span_eq(data, leaf[index]));
	g->next++;
	g->n++;
	return RC_OK;
}

/* All of it from `first`: the first thing that fails. */
static enum rc
read_all(uint64_t first, struct given *ret, struct err *err)
{
	AUTO(log_source_free) struct log_source *s = NULL;
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(NOTE_BYTES_MAX);
	struct checkpoint		cp;

	*ret = (struct given){ first, 0 };
	TRY(log_source_new(tree.dir, NULL, NULL, &s, err));
	TRY(log_source_checkpoint(s, &cp, &note, err));
	TRY(log_source_at(s, &cp, err));
	return log_source_entries(s, first, give, ret, err);
}

static void
test_good(void **state)
{
	AUTO(log_source_free) struct log_source *s = NULL;
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(NOTE_BYTES_MAX);
	static const uint64_t		first[] = { 0, 1, 255, 256, 257, 299, 300, 301, 1000 };
	struct given			g;
	struct err			err;
	struct checkpoint		cp;
	struct tree_path		path;
	struct tree_range		r = TREE_RANGE_INIT;
	uint8_t				root[TREE_HASH_BYTES], hash[TREE_HASH_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		assert_int_equal(read_all(first[i], &g, &err), RC_OK);
		assert_int_equal(g.n, first[i] >= SIZE ? 0 : SIZE - first[i]);
	}
	assert_int_equal(log_source_new(tree.dir, NULL, NULL, &s, &err), RC_OK);
	assert_int_equal(log_source_checkpoint(s, &cp, &note, &err), RC_OK);
	assert_int_equal(cp.size, SIZE);
	assert_memory_equal(cp.root, tree.cp.root, sizeof(cp.root));
	assert_int_equal(log_source_entries(s, 0, give, &g, &err), RC_BUG);	/* of which checkpoint? */
	assert_int_equal(log_source_node(s, 0, 0, hash, &err), RC_MISSING);
	assert_int_equal(log_source_at(s, &cp, &err), RC_OK);
	assert_int_equal(log_source_at(s, &cp, &err), RC_BUG);
	for (uint64_t old = 1; old <= SIZE; old++) {
		tree_leaf(leaf[old - 1], hash);
		assert_int_equal(tree_range_add(&r, hash, NULL, NULL, &err), RC_OK);
		tree_range_root(&r, root);
		assert_int_equal(log_source_consistency(s, old, &path, &err), RC_OK);
		assert_int_equal(tree_consistency_verify(old, root, SIZE, cp.root, &path, &err), RC_OK);
	}
	assert_int_equal(log_source_consistency(s, SIZE + 1, &path, &err), RC_USAGE);
}

static const struct { const char *name; uint64_t given; } files[] = {
	{ "tile/0/000", 0 }, { "tile/0/001.p/44", 0 }, { "tile/1/000.p/1", 0 },
	{ "tile/entries/000", 0 }, { "tile/entries/001.p/44", 256 },
};

/* What was done to a file: refused, named, and nothing of it or after it was given. */
static void
refused(size_t i, const char *what)
{
	struct given	g;
	struct err	err;
	enum rc		rc = read_all(0, &g, &err);

	if (rc != RC_VERIFY && rc != RC_FORMAT)
		fail_msg("%s, %s: %s", files[i].name, what, rc_name(rc));
	if (strstr(err.msg, files[i].name) == NULL)
		fail_msg("%s, %s: %s", files[i].name, what, err.msg);
	assert_int_equal(g.n, files[i].given);
}

static void
test_broken(void **state)
{
	struct given	g;
	struct err	err;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		AUTO_DONE(buf_done) struct buf	b = BUF_INIT(TILE_BUNDLE_BYTES_MAX + 1);
		size_t				step;

		tree_get(&tree, files[i].name, &b);
		step = b.n / 37 + 1;
		for (size_t at = 0; at < b.n; at += step) {
			b.p[at] ^= 1;
			tree_put(&tree, files[i].name, buf_view(&b));
			refused(i, "a flipped bit");
			b.p[at] ^= 1;
		}
		tree_put(&tree, files[i].name, SPAN(b.p, b.n - 1));
		refused(i, "one byte less");
		tree_put(&tree, files[i].name, SPAN(b.p, 0));
		refused(i, "empty");
		buf_u8(&b, 0);
		tree_put(&tree, files[i].name, buf_view(&b));
		refused(i, "one byte more");
		tree_drop(&tree, files[i].name);
		refused(i, "not there");
		b.n--;
		tree_put(&tree, files[i].name, buf_view(&b));
		assert_int_equal(read_all(0, &g, &err), RC_OK);
	}
}

/* A partial tile may be gone once the full one is there, of which it is the beginning. */
static void
test_full_for_partial(void **state)
{
	static char		more[512][32];
	static struct span	all[512];
	struct tree_folder	larger;
	static const char	*const partial[] = { "tile/0/001.p/44", "tile/entries/001.p/44" },
				*const full[] = { "tile/0/001", "tile/entries/001" };
	struct given		g;
	struct err		err;

	(void)state;
	for (unsigned i = 0; i < 512; i++) {
		(void)snprintf(more[i], sizeof(more[i]), "entry-%03u", i);
		all[i] = span_str(more[i]);
	}
	tree_make(&larger, all, 512);
	for (size_t i = 0; i < 2; i++) {
		AUTO_DONE(buf_done) struct buf	was = BUF_INIT(BIG), b = BUF_INIT(BIG);

		tree_get(&tree, partial[i], &was);
		tree_get(&larger, full[i], &b);
		tree_drop(&tree, partial[i]);
		tree_put(&tree, full[i], buf_view(&b));
		assert_int_equal(read_all(0, &g, &err), RC_OK);
		assert_int_equal(g.n, SIZE);
		b.p[20] ^= 1;
		tree_put(&tree, full[i], buf_view(&b));
		assert_int_equal(read_all(0, &g, &err), RC_VERIFY);
		/* Too short for what is asked of it. */
		tree_put(&tree, full[i], SPAN(b.p, 40));
		assert_int_not_equal(read_all(0, &g, &err), RC_OK);
		tree_drop(&tree, full[i]);
		tree_put(&tree, partial[i], buf_view(&was));
	}
	tree_done(&larger);
	assert_int_equal(read_all(0, &g, &err), RC_OK);
}

static void
test_checkpoint(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(NOTE_BYTES_MAX);
	struct given			g;
	struct err			err;

	(void)state;
	tree_get(&tree, "checkpoint", &b);
	tree_put(&tree, "checkpoint", SPAN_STR("log.example\n301\n" "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n\n"));
	assert_int_equal(read_all(0, &g, &err), RC_VERIFY);		/* no such tiles */
	tree_put(&tree, "checkpoint", SPAN_STR("log.example\n300\n" "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n\n"));
	assert_int_equal(read_all(0, &g, &err), RC_VERIFY);
	assert_non_null(strstr(err.msg, "tile/1/000.p/1"));
	tree_put(&tree, "checkpoint", SPAN(b.p, b.n - 1));
	assert_int_equal(read_all(0, &g, &err), RC_FORMAT);
	tree_drop(&tree, "checkpoint");
	assert_int_equal(read_all(0, &g, &err), RC_UNSURE);
	tree_put(&tree, "checkpoint", buf_view(&b));
}

static void
test_blobs(void **state)
{
	AUTO(log_source_free) struct log_source *s = NULL;
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(BIG);
	char				name[FILE_PATH_MAX + 128], blobs[FILE_PATH_MAX + 8], hex[HEX_BYTES(SHA256_BYTES)];
	char				slashed[FILE_PATH_MAX + 8];
	uint8_t				digest[SHA256_BYTES];
	struct err			err;

	(void)state;
	sha256_one(digest, SPAN_STR("a document"));
	(void)snprintf(blobs, sizeof(blobs), "%s.blobs", tree.dir);
	(void)snprintf(name, sizeof(name), "%s/%s", blobs, hex_write(SPAN_OF(digest), hex));
	(void)snprintf(slashed, sizeof(slashed), "%s//", tree.dir);
	assert_int_equal(log_source_new(slashed, NULL, NULL, &s, &err), RC_OK);
	assert_int_equal(log_source_blob(s, digest, &b, &err), RC_MISSING);
	assert_int_equal(file_write(name, SPAN_STR("a document"), 0600, &err), RC_OK);
	assert_int_equal(log_source_blob(s, digest, &b, &err), RC_OK);
	assert_true(span_eq(buf_view(&b), SPAN_STR("a document")));
	assert_int_equal(file_write(name, SPAN_STR("a documenT"), 0600, &err), RC_OK);
	assert_int_equal(log_source_blob(s, digest, &b, &err), RC_VERIFY);
	assert_non_null(strstr(err.msg, hex));
	log_source_free(TAKE(s));
	/* A URL has none of its own; whoever names the coordinator must have one. */
	assert_int_equal(log_source_new("http://127.0.0.1:1", NULL, NULL, &s, &err), RC_OK);
	assert_int_equal(log_source_blob(s, digest, &b, &err), RC_UNSURE);
	log_source_free(TAKE(s));
	assert_int_equal(log_source_new("http://127.0.0.1:1", blobs, NULL, &s, &err), RC_OK);
	assert_int_equal(log_source_blob(s, digest, &b, &err), RC_VERIFY);
	log_source_free(TAKE(s));
	assert_int_equal(log_source_new(tree.dir, "coordinator", NULL, &s, &err), RC_USAGE);
	assert_int_equal(log_source_new("coordinator", NULL, NULL, &s, &err), RC_USAGE);
	assert_null(s);
}

/* --- documents, to an auditor -------------------------------------------------------------- */

static void
blob_put(const struct tree_folder *t, const uint8_t digest[SHA256_BYTES], int change)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(BIG);
	const struct state		*st = memstate_state(net.mem);
	char				 name[FILE_PATH_MAX + 128], hex[HEX_BYTES(SHA256_BYTES)];
	struct err			 err;

	must(st->blob(st->user, digest, &b, &err), &err);
	(void)snprintf(name, sizeof(name), "%s.blobs/%s", t->dir, hex_write(SPAN(digest, SHA256_BYTES), hex));
	b.p[b.n - 1] ^= (uint8_t)change;
	if (change >= 0)
		must(file_write(name, buf_view(&b), 0600, &err), &err);
	else
		MUST(remove(name) == 0);
}

static enum rc
audit_of(const struct tree_folder *t, struct err *err)
{
	AUTO(replay_free) struct replay *r = NULL;
	AUTO(log_source_free) struct log_source *s = NULL;
	AUTO_DONE(replayed_done) struct replayed ran;
	char	dir[FILE_PATH_MAX + 8];
	static unsigned	n;

	memset(&ran, 0, sizeof(ran));
	(void)snprintf(dir, sizeof(dir), "%s/state%u", t->dir, n++);
	TRY(log_source_new(t->dir, NULL, NULL, &s, err));
	must(replay_open(dir, replica_charter(net.replica), &r, err), err);
	return replay_run(r, s, NULL, NULL, &ran, err);
}

/*
 * A document that is wrong or gone is the source's fault: the entry that names it is not
 * void for that, and the audit does not go on.
 */
static void
test_wrong_document(void **state)
{
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(BIG);
	struct tree_folder		t;
	struct span			all[16];
	struct net_artifact		a;
	uint8_t				request[32], digest[2][SHA256_BYTES];
	struct checkpoint		end;
	struct err			err;
	size_t				n;

	(void)state;
	net_init(&net);
	a = net_seal(&net, "standard");
	net_requested(&net, &a, 1, "standard", request);
	MUST(net.log_entries.n == 3);
	for (size_t i = 0; i < 3; i++)
		all[i] = buf_view(&net.log_entries.leaf[i]);
	tree_make(&t, all, 3);
	lab_end(&end);
	lab_note(&net.log, &end, 0xf, &note);
	tree_put(&t, "checkpoint", buf_view(&note));
	for (size_t i = 0; i < 3; i++) {
		must(entry_blobs(all[i], digest, &n, &err), &err);
		MUST(n == 1);
		blob_put(&t, digest[0], 0);
	}
	if (audit_of(&t, &err) != RC_OK)
		fail_msg("%s", err.msg);
	/* The descriptors of the batch, then the scope of the request; the charter is the auditor's own. */
	for (size_t i = 1; i < 3; i++) {
		must(entry_blobs(all[i], digest, &n, &err), &err);
		blob_put(&t, digest[0], 1);
		assert_int_equal(audit_of(&t, &err), RC_VERIFY);
		assert_non_null(strstr(err.msg, "blob "));
		blob_put(&t, digest[0], -1);
		assert_int_equal(audit_of(&t, &err), RC_VERIFY);
		assert_non_null(strstr(err.msg, "is not there"));
		blob_put(&t, digest[0], 0);
	}
	assert_int_equal(audit_of(&t, &err), RC_OK);
	tree_done(&t);
	net_done(&net);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_full_for_partial),
		cmocka_unit_test(test_checkpoint),
		cmocka_unit_test(test_blobs),
		cmocka_unit_test(test_wrong_document),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

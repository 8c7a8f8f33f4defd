/* Tiles: their names, their bytes, and proofs out of them (log-v1 section 6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/tile.h"
#include "tests/unit/fault.h"
#include "tests/unit/vectors.h"

#define SIZE	UINT64_C(70000)
#define LEVELS	17

/* Every complete node of a log of SIZE small entries. */
static uint8_t	(*node[LEVELS])[TREE_HASH_BYTES];

static struct span
leaf_of(uint64_t i, char text[32])
{
	(void)snprintf(text, 32, "entry-%03u", (unsigned)i);
	return span_str(text);
}

static int
setup(void **state)
{
	char	text[32];

	(void)state;
	for (unsigned l = 0; l < LEVELS; l++) {
		node[l] = calloc(SIZE >> l, TREE_HASH_BYTES);
		assert_non_null(node[l]);
		for (uint64_t i = 0; i < SIZE >> l; i++)
			if (l == 0)
				tree_leaf(leaf_of(i, text), node[0][i]);
			else
				tree_node(node[l - 1][2 * i], node[l - 1][2 * i + 1], node[l][i]);
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (unsigned l = 0; l < LEVELS; l++)
		free(node[l]);
	return 0;
}

static enum rc
read_node(void *user, uint8_t level, uint64_t index, uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	(void)user;
	(void)err;
	assert_true(level < LEVELS && index < SIZE >> level);
	memcpy(ret, node[level][index], TREE_HASH_BYTES);
	return RC_OK;
}

/* --- names ----------------------------------------------------------------------- */

static const struct {
	struct tile	 t;
	const char	*name;
} names[] = {
	{ { false, 0, 0, 256 },		"tile/0/000" },
	{ { false, 0, 999, 256 },	"tile/0/999" },
	{ { false, 0, 1000, 256 },	"tile/0/x001/000" },
	{ { false, 2, 1234067, 256 },	"tile/2/x001/x234/067" },
	{ { false, 7, 0, 127 },		"tile/7/000.p/127" },
	{ { true, 0, 0, 256 },		"tile/entries/000" },
	{ { true, 0, 67, 1 },		"tile/entries/067.p/1" },
	{ { true, 0, 1000000, 255 },	"tile/entries/x001/x000/000.p/255" },
	{ { true, 0, (UINT64_C(1) << 55) - 1, 255 }, "tile/entries/x036/x028/x797/x018/x963/967.p/255" },
};

static void
test_names(void **state)
{
	char		name[TILE_NAME_MAX];
	struct tile	t;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		tile_name(&names[i].t, name);
		assert_string_equal(name, names[i].name);
		assert_int_equal(tile_name_parse(span_str(name), &t, NULL), RC_OK);
		assert_int_equal(t.entries, names[i].t.entries);
		assert_int_equal(t.level, names[i].t.level);
		assert_int_equal(t.index, names[i].t.index);
		assert_int_equal(t.width, names[i].t.width);
	}
}

static const char *const no_names[] = {
	"", "tile", "tile/", "tile/0", "tile/0/", "/tile/0/000", "tile//000", "tiles/0/000", "TILE/0/000",
	"tile/00/000", "tile/8/000", "tile/63/000", "tile/-1/000", "tile/+1/000", "tile/ 0/000", "tile/a/000",
	"tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/1000", "tile/0/x000", "tile/0/x000/001", "tile/0/x000/x001/000",
	"tile/0/x001", "tile/0/x001/", "tile/0/001/000", "tile/0/x001/x000", "tile/0/x1/000", "tile/0/X001/000",
	"tile/0/x001//000", "tile/0/00a", "tile/0/-01", "tile/0/000/", "tile/0/000.p", "tile/0/000.p/",
	"tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/-1", "tile/0/000.p/1/", "tile/0/000.p/1 ",
	"tile/0/000.p/999999999999999999999", "tile/0/000.P/1", "tile/0/000.q/1", "tile/0/000p/1",
	"tile/0/x036/x028/x797/x018/x963/968", "tile/0/x999/x999/x999/x999/x999/x999/999",
	"tile/0/x001/x000/x000/x000/x000/x000/x000/x000/000", "tile/entries", "tile/entries/", "tile/entries/0",
	"tile/entry/000", "tile/0/../000", "tile/0/000\n", "tile/0/000?x", "tile/0/%30%30%30",
};

static void
test_no_names(void **state)
{
	struct tile	t, was;
	uint8_t		*copy;
	enum rc		rc;

	(void)state;
	memset(&was, 7, sizeof(was));
	for (size_t i = 0; i < sizeof(no_names) / sizeof(no_names[0]); i++) {
		copy = heap_copy(no_names[i], strlen(no_names[i]));
		t = was;
		rc = tile_name_parse(SPAN(copy, strlen(no_names[i])), &t, NULL);
		free(copy);
		if (rc != RC_FORMAT)
			fail_msg("%s: %s", no_names[i], rc_name(rc));
		assert_memory_equal(&t, &was, sizeof(t));
	}
}

/* No other bytes are that tile: each single change of a name is another name or none. */
static void
test_one_name_each(void **state)
{
	static const char	good[] = "tile/1/x001/002.p/37";
	char			copy[sizeof(good)], name[TILE_NAME_MAX];
	struct tile		t;

	(void)state;
	for (size_t i = 0; i < sizeof(good) - 1; i++)
		for (unsigned c = 0; c < 256; c++) {
			memcpy(copy, good, sizeof(good));
			copy[i] = (char)c;
			if (tile_name_parse(SPAN(copy, sizeof(good) - 1), &t, NULL) != RC_OK)
				continue;
			tile_name(&t, name);
			assert_int_equal(strlen(name), sizeof(good) - 1);
			assert_memory_equal(name, copy, sizeof(good) - 1);
		}
	for (size_t n = 0; n < sizeof(good) - 1; n++) {
		uint8_t	*cut = heap_copy(good, n);
		enum rc	 rc = tile_name_parse(SPAN(cut, n), &t, NULL);

		free(cut);
		/* A width of one digit less, and none at all, are names too. */
		assert_int_equal(rc, n == sizeof(good) - 2 || n == strlen("tile/1/x001/002") ? RC_OK : RC_FORMAT);
	}
}

/* --- which there are ---------------------------------------------------------------- */

struct seen { unsigned full[9], part[9], width[9]; char last[TILE_NAME_MAX]; };	/* [8]: bundles */

static enum rc
see(void *user, const struct tile *t, struct err *err)
{
	struct seen	*s = user;
	unsigned	 row = t->entries ? 8 : t->level;

	(void)err;
	tile_name(t, s->last);
	assert_true(tile_is_in(t, SIZE));
	if (t->width == TILE_WIDTH) {
		s->full[row]++;
	} else {
		s->part[row]++;
		s->width[row] = t->width;
	}
	return RC_OK;
}

/* The example of C2SP tlog-tiles. */
static void
test_each(void **state)
{
	struct seen	s = { .last = "" };

	(void)state;
	assert_int_equal(tile_each(SIZE, see, &s, NULL), RC_OK);
	assert_int_equal(s.full[8], 273);
	assert_int_equal(s.width[8], 112);
	assert_int_equal(s.full[0], 273);
	assert_int_equal(s.part[0], 1);
	assert_int_equal(s.width[0], 112);
	assert_int_equal(s.full[1], 1);
	assert_int_equal(s.width[1], 17);
	assert_int_equal(s.full[2], 0);
	assert_int_equal(s.part[2], 1);
	assert_int_equal(s.width[2], 1);
	assert_int_equal(s.full[3] + s.part[3], 0);
	assert_string_equal(s.last, "tile/2/000.p/1");
	memset(&s, 0, sizeof(s));
	assert_int_equal(tile_each(256, see, &s, NULL), RC_OK);
	assert_int_equal(s.full[0], 1);
	assert_int_equal(s.part[0], 0);
	assert_int_equal(s.width[1], 1);
	memset(&s, 0, sizeof(s));
	assert_int_equal(tile_each(0, see, &s, NULL), RC_OK);
	assert_string_equal(s.last, "");
}

static const struct {
	struct tile	t;
	uint64_t	size;
	bool		is_in;
} in[] = {
	{ { false, 0, 0, 1 }, 0, false },
	{ { false, 0, 0, 1 }, 1, true },
	{ { false, 0, 0, 2 }, 1, false },
	{ { false, 0, 0, 255 }, 255, true },
	{ { false, 0, 0, 256 }, 255, false },
	{ { false, 0, 0, 256 }, 256, true },
	{ { false, 0, 0, 44 }, 300, true },		/* of a log that was smaller */
	{ { false, 0, 1, 44 }, 300, true },
	{ { false, 0, 1, 45 }, 300, false },
	{ { false, 0, 1, 256 }, 300, false },
	{ { false, 0, 2, 1 }, 300, false },
	{ { false, 1, 0, 1 }, 255, false },
	{ { false, 1, 0, 1 }, 256, true },
	{ { false, 1, 0, 2 }, 511, false },
	{ { true, 0, 1, 44 }, 300, true },
	{ { true, 0, 1, 45 }, 300, false },
	{ { false, 7, 0, 127 }, INT64_MAX, true },
	{ { false, 7, 0, 128 }, INT64_MAX, false },
	{ { false, 0, UINT64_MAX, 256 }, INT64_MAX, false },
	{ { false, 0, UINT64_C(1) << 56, 256 }, 256, false },	/* times 256 is 2^64 */
	{ { false, 0, (UINT64_C(1) << 56) | 1, 1 }, 300, false },
};

static void
test_is_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++)
		if (tile_is_in(&in[i].t, in[i].size) != in[i].is_in)
			fail_msg("row %zu", i);
	assert_int_equal(tile_width_at(0, 1, 300), 44);
	assert_int_equal(tile_width_at(0, 0, 300), 256);
	assert_int_equal(tile_width_at(0, 2, 300), 0);
	assert_int_equal(tile_width_at(1, 0, 255), 0);
}

/* --- bundles ---------------------------------------------------------------------------- */

struct got { unsigned n; size_t bytes; };

static enum rc
get(void *user, unsigned at, struct span leaf, struct err *err)
{
	struct got	*g = user;

	(void)err;
	assert_int_equal(at, g->n);
	g->n++;
	g->bytes += leaf.n;
	return RC_OK;
}

static enum rc
stop_at_1(void *user, unsigned at, struct span leaf, struct err *err)
{
	(void)user;
	(void)leaf;
	return at == 1 ? err_set(err, RC_DENIED, "enough") : RC_OK;
}

static void
test_bundle(void **state)
{
	static uint8_t	big[ENTRY_BYTES_MAX + 1];
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(TILE_BUNDLE_BYTES_MAX);
	struct got	g = { 0, 0 };

	(void)state;
	assert_int_equal(bundle_add(&b, SPAN_STR("one"), NULL), RC_OK);
	assert_int_equal(bundle_add(&b, SPAN_STR(""), NULL), RC_OK);
	assert_int_equal(bundle_add(&b, SPAN_STR("three"), NULL), RC_OK);
	assert_int_equal(b.n, 14);
	assert_memory_equal(b.p, "\0\3one\0\0\0\5three", 14);
	assert_int_equal(bundle_each(buf_view(&b), 3, get, &g, NULL), RC_OK);
	assert_int_equal(g.n, 3);
	assert_int_equal(g.bytes, 8);
	assert_int_equal(bundle_each(buf_view(&b), 3, stop_at_1, NULL, NULL), RC_DENIED);
	/* Nothing of a bundle is given unless all of it is well. */
	g.n = 0;
	assert_int_equal(bundle_each(buf_view(&b), 2, get, &g, NULL), RC_FORMAT);
	assert_int_equal(bundle_each(buf_view(&b), 4, get, &g, NULL), RC_FORMAT);
	for (size_t n = 0; n < b.n; n++) {
		uint8_t	*cut = heap_copy(b.p, n);

		assert_int_equal(bundle_each(SPAN(cut, n), 3, get, &g, NULL), RC_FORMAT);
		free(cut);
	}
	assert_int_equal(g.n, 0);
	assert_int_equal(bundle_each(SPAN(NULL, 0), 0, get, &g, NULL), RC_OK);
	/* The longest entry, and one byte more. */
	buf_reset(&b);
	assert_int_equal(bundle_add(&b, SPAN(big, ENTRY_BYTES_MAX), NULL), RC_OK);
	assert_int_equal(bundle_each(buf_view(&b), 1, get, &g, NULL), RC_OK);
	assert_int_equal(bundle_add(&b, SPAN(big, ENTRY_BYTES_MAX + 1), NULL), RC_LIMIT);
	assert_int_equal(b.n, ENTRY_BYTES_MAX + 2);
	assert_int_equal(bundle_add(&b, SPAN_STR(""), NULL), RC_OK);	/* it is none the worse for it */
	b.max = b.n;
	assert_int_equal(bundle_add(&b, SPAN_STR("x"), NULL), RC_LIMIT);
}

/* --- reading out of tiles -------------------------------------------------------------- */

struct served {
	uint64_t	size;
	const char	*bad;		/* the name of the tile whose bytes are wrong; NULL: none */
	unsigned	 flip;		/* which byte of it */
	int		 more;		/* so many bytes too many or too few */
	enum rc		 rc;		/* instead of it */
	unsigned	 fetched;
};

static enum rc
serve(void *user, const struct tile *t, struct buf *out, struct err *err)
{
	struct served	*s = user;
	char		 name[TILE_NAME_MAX];

	s->fetched++;
	assert_false(t->entries);
	assert_true(tile_is_in(t, s->size));
	assert_true(t->width == tile_width_at(t->level, t->index, s->size));
	tile_name(t, name);
	TRY(tile_hashes(read_node, NULL, t, out, err));
	assert_int_equal(out->n, (size_t)t->width * TREE_HASH_BYTES);
	if (s->bad == NULL || strcmp(s->bad, name) != 0)
		return RC_OK;
	if (s->rc != RC_OK)
		return err_set(err, s->rc, "no");
	out->p[s->flip] ^= 1;
	if (s->more > 0)
		buf_u8(out, 0);
	if (s->more < 0)
		out->n--;
	return RC_OK;
}

static const uint64_t	sizes[] = { 0, 1, 2, 3, 255, 256, 257, 300, 511, 512, 513, 65535, 65536, 65537, 65792, SIZE };

static void
test_reader(void **state)
{
	AUTO(tile_reader_free) struct tile_reader *r = NULL;
	struct tree_path	got = { .n = 0 }, want = { .n = 0 };
	struct served		s;
	uint8_t			root[TREE_HASH_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		s = (struct served){ .size = sizes[i] };
		assert_int_equal(tree_root_at(read_node, NULL, s.size, root, NULL), RC_OK);
		assert_int_equal(tile_reader_new(s.size, serve, &s, &r, NULL), RC_OK);
		assert_int_equal(tile_reader_prove(r, root, NULL), RC_OK);
		for (uint64_t at = 0; at < s.size; at += 1 + s.size / 97) {
			assert_int_equal(tree_inclusion(tile_reader_node, r, at, s.size, &got, NULL), RC_OK);
			assert_int_equal(tree_inclusion(read_node, NULL, at, s.size, &want, NULL), RC_OK);
			assert_memory_equal(&got, &want, 1 + (size_t)want.n * TREE_HASH_BYTES);
			assert_int_equal(tree_consistency(tile_reader_node, r, at, s.size, &got, NULL), RC_OK);
			assert_int_equal(tree_consistency(read_node, NULL, at, s.size, &want, NULL), RC_OK);
			assert_memory_equal(&got, &want, 1 + (size_t)want.n * TREE_HASH_BYTES);
		}
		tile_reader_free(TAKE(r));
	}
}

/* Entries in order cost one fetch a tile: what is above stays. */
static void
test_reader_keeps(void **state)
{
	AUTO(tile_reader_free) struct tile_reader *r = NULL;
	struct served	s = { .size = SIZE };
	uint8_t		root[TREE_HASH_BYTES], hash[TREE_HASH_BYTES];

	(void)state;
	assert_int_equal(tree_root_at(read_node, NULL, SIZE, root, NULL), RC_OK);
	assert_int_equal(tile_reader_new(SIZE, serve, &s, &r, NULL), RC_OK);
	assert_int_equal(tile_reader_prove(r, root, NULL), RC_OK);
	assert_int_equal(s.fetched, 3);
	for (uint64_t i = 0; i < SIZE; i++) {
		assert_int_equal(tile_reader_node(r, 0, i, hash, NULL), RC_OK);
		assert_memory_equal(hash, node[0][i], sizeof(hash));
	}
	assert_int_equal(s.fetched, 3 + 273 + 1);
	assert_int_equal(tile_reader_node(r, 0, SIZE, hash, NULL), RC_MISSING);
	assert_int_equal(tile_reader_node(r, 8, 273, hash, NULL), RC_MISSING);
	assert_int_equal(tile_reader_node(r, 63, 0, hash, NULL), RC_MISSING);
	assert_int_equal(tile_reader_node(r, 255, 0, hash, NULL), RC_MISSING);
	assert_int_equal(tile_reader_node(r, 16, 0, hash, NULL), RC_OK);
	assert_memory_equal(hash, node[16][0], sizeof(hash));
}

/* Reads entry `at` after the proof: RC_OK, or the first thing that fails. */
static enum rc
read_one(struct served *s, uint64_t at, struct err *err)
{
	AUTO(tile_reader_free) struct tile_reader *r = NULL;
	uint8_t	root[TREE_HASH_BYTES], hash[TREE_HASH_BYTES];

	TRY(tree_root_at(read_node, NULL, s->size, root, err));
	TRY(tile_reader_new(s->size, serve, s, &r, err));
	TRY(tile_reader_prove(r, root, err));
	TRY(tile_reader_node(r, 0, at, hash, err));
	assert_memory_equal(hash, node[0][at], sizeof(hash));
	return RC_OK;
}

static const struct { const char *name; uint64_t at; } on_the_way[] = {
	{ "tile/0/000", 0 }, { "tile/0/000", 255 }, { "tile/0/256", 65536 }, { "tile/0/273.p/112", 0 },
	{ "tile/1/000", 7 }, { "tile/1/001.p/17", 7 }, { "tile/2/000.p/1", 7 },
};

static void
test_wrong_tile(void **state)
{
	struct err	err;

	(void)state;
	for (size_t i = 0; i < sizeof(on_the_way) / sizeof(on_the_way[0]); i++) {
		/* Each hash of it matters, the first byte and the last. */
		for (unsigned flip = 0; flip < 32; flip += 31) {
			struct served	s = { .size = SIZE, .bad = on_the_way[i].name, .flip = flip };

			assert_int_equal(read_one(&s, on_the_way[i].at, &err), RC_VERIFY);
			assert_non_null(strstr(err.msg, on_the_way[i].name));
		}
		for (int more = -1; more <= 1; more += 2) {
			struct served	s = { .size = SIZE, .bad = on_the_way[i].name, .more = more };

			assert_int_equal(read_one(&s, on_the_way[i].at, &err), RC_FORMAT);
			assert_non_null(strstr(err.msg, on_the_way[i].name));
		}
		struct served	s = { .size = SIZE, .bad = on_the_way[i].name, .rc = RC_IO };

		assert_int_equal(read_one(&s, on_the_way[i].at, &err), RC_IO);
	}
}

static unsigned	unsteady_turn;

/* The second time it is asked, a server gives another tile than the first time. */
static enum rc
unsteady(void *user, const struct tile *t, struct buf *out, struct err *err)
{
	struct served	*s = user;

	s->bad = t->level == 0 && t->index == 0 && unsteady_turn++ == 0 ? "tile/0/000" : NULL;
	return serve(s, t, out, err);
}

/* What was read before the proof is not believed after it. */
static void
test_before_the_proof(void **state)
{
	AUTO(tile_reader_free) struct tile_reader *r = NULL;
	struct served	s = { .size = 300 };
	uint8_t		root[TREE_HASH_BYTES], hash[TREE_HASH_BYTES];

	(void)state;
	unsteady_turn = 0;
	assert_int_equal(tree_root_at(read_node, NULL, 300, root, NULL), RC_OK);
	assert_int_equal(tile_reader_new(300, unsteady, &s, &r, NULL), RC_OK);
	assert_int_equal(tile_reader_node(r, 0, 0, hash, NULL), RC_OK);
	assert_memory_not_equal(hash, node[0][0], sizeof(hash));
	assert_int_equal(tile_reader_prove(r, root, NULL), RC_OK);
	assert_int_equal(tile_reader_node(r, 0, 0, hash, NULL), RC_OK);
	assert_memory_equal(hash, node[0][0], sizeof(hash));
}

static void
test_limits(void **state)
{
	AUTO(tile_reader_free) struct tile_reader *r = NULL;
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(2 * TREE_HASH_BYTES);
	struct served	s = { .size = 1 };
	struct tile	t = { .width = 3 };

	(void)state;
	assert_int_equal(tile_reader_new(UINT64_C(1) << 63, serve, &s, &r, NULL), RC_LIMIT);
	assert_int_equal(tile_hashes(read_node, NULL, &t, &b, NULL), RC_LIMIT);
	fault_at(1);
	assert_int_equal(tile_reader_new(1, serve, &s, &r, NULL), RC_NOMEM);
	assert_true(fault_fired());
	assert_null(r);
}

/* --- the example tiles that others made ------------------------------------------------- */

static enum rc
example_tile(void *user, const struct tile *t, struct buf *out, struct err *err)
{
	char	path[128], name[TILE_NAME_MAX];

	(void)user;
	(void)err;
	tile_name(t, name);
	(void)snprintf(path, sizeof(path), "log/example-tiles/%s", name);
	out->max = 0;				/* vectors_read() has no bound */
	assert_true(vectors_read(path, out));
	return RC_OK;
}

static enum rc
example_leaf(void *user, unsigned at, struct span leaf, struct err *err)
{
	const struct tile	*t = user;
	char			 text[32];

	(void)err;
	assert_true(span_eq(leaf, leaf_of(t->index * TILE_WIDTH + at, text)));
	return RC_OK;
}

static enum rc
example_one(void *user, const struct tile *t, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(0), ours = BUF_INIT(TILE_HASH_BYTES_MAX);
	struct tile	copy = *t;
	unsigned	*n = user;

	++*n;
	TRY(example_tile(NULL, t, &b, err));
	if (t->entries)
		return bundle_each(buf_view(&b), t->width, example_leaf, &copy, err);
	TRY(tile_hashes(read_node, NULL, t, &ours, err));
	assert_true(span_eq(buf_view(&b), buf_view(&ours)));
	return RC_OK;
}

static void
test_example_tiles(void **state)
{
	AUTO(tile_reader_free) struct tile_reader *r = NULL;
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(0);
	uint8_t		root[TREE_HASH_BYTES];
	unsigned	n = 0;

	(void)state;
	if (!vectors_read("log/example-tiles/checkpoint", &b))
		return;
	/* Its third line: the root that the log of 300 entries has elsewhere too. */
	assert_int_equal(b64_parse_fixed(root, sizeof(root), SPAN(strstr(buf_text(&b), "\n300\n") + 5, 44), NULL), RC_OK);
	assert_int_equal(tile_each(300, example_one, &n, NULL), RC_OK);
	assert_int_equal(n, 5);
	assert_int_equal(tile_reader_new(300, example_tile, NULL, &r, NULL), RC_OK);
	assert_int_equal(tile_reader_prove(r, root, NULL), RC_OK);
	for (uint64_t i = 0; i < 300; i++) {
		uint8_t	hash[TREE_HASH_BYTES];

		assert_int_equal(tile_reader_node(r, 0, i, hash, NULL), RC_OK);
		assert_memory_equal(hash, node[0][i], sizeof(hash));
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_no_names),
		cmocka_unit_test(test_one_name_each),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_is_in),
		cmocka_unit_test(test_bundle),
		cmocka_unit_test(test_reader),
		cmocka_unit_test(test_reader_keeps),
		cmocka_unit_test(test_wrong_tile),
		cmocka_unit_test(test_before_the_proof),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_example_tiles),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

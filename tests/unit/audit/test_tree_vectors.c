/* Trees and proofs that others made (log/ of the vectors). */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/tree.h"
#include "base/json.h"
#include "tests/unit/audit/naive.h"
#include "tests/unit/vectors.h"

#define FILE_MAX	(1 << 20)

static json_t *
load(struct span text)
{
	/* One index is 2^64 - 1, which a json_int_t does not hold. */
	json_t	*v = json_loadb((const char *)text.p, text.n,
	    JSON_DECODE_INT_AS_REAL, NULL);

	assert_non_null(v);
	return v;
}

static void
hex_member(const json_t *v, uint8_t out[TREE_HASH_BYTES])
{
	assert_true(hex_parse(span_str(json_string_value(v)), out, TREE_HASH_BYTES));
}

/* --- the classic eight leaves ---------------------------------------------- */

static void
test_reference_tree(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(FILE_MAX);
	AUTO(json_decref) json_t	*v = NULL;
	uint8_t		leaf[8][TREE_HASH_BYTES], got[TREE_HASH_BYTES], want[TREE_HASH_BYTES];
	uint8_t		data[16];
	const char	*hex;

	(void)state;
	if (!vectors_read("log/rfc6962-reference-tree.json", &b))
		return;
	v = load(buf_view(&b));
	for (size_t i = 0; i < 8; i++) {
		hex = json_string_value(json_array_get(json_object_get(v, "leaves"), i));
		assert_true(hex_parse(span_str(hex), data, strlen(hex) / 2));
		tree_leaf(SPAN(data, strlen(hex) / 2), leaf[i]);
		hex_member(json_array_get(json_object_get(v, "leaf_hashes"), i), want);
		assert_memory_equal(leaf[i], want, sizeof(want));
	}
	for (size_t n = 0; n <= 8; n++) {
		tree_root(leaf, n, got);
		hex_member(json_array_get(json_object_get(v, "roots"), n), want);
		assert_memory_equal(got, want, sizeof(want));
	}
	hex_member(json_object_get(json_object_get(v, "hasher"), "leaf_L123456"), want);
	tree_leaf(SPAN_STR("L123456"), got);
	assert_memory_equal(got, want, sizeof(want));
}

/* --- the example log of 300 entries ------------------------------------------ */

static uint8_t	example[300][TREE_HASH_BYTES];

static enum rc
example_read(void *user, uint8_t level, uint64_t index,
    uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	(void)user;
	(void)err;
	tree_root(example + (index << level), UINT64_C(1) << level, ret);
	return RC_OK;
}

static void
path_is(const struct tree_path *p, const json_t *hashes)
{
	uint8_t	want[TREE_HASH_BYTES];

	assert_int_equal(p->n, json_array_size(hashes));
	for (size_t i = 0; i < p->n; i++) {
		hex_member(json_array_get(hashes, i), want);
		assert_memory_equal(p->hash[i], want, sizeof(want));
	}
}

static void
test_example_log(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(FILE_MAX);
	AUTO(json_decref) json_t	*v = NULL;
	struct tree_path	 p = { .n = 0 };
	const char		*key;
	json_t			*one;
	uint8_t			 got[TREE_HASH_BYTES], want[TREE_HASH_BYTES];
	char			 text[16];
	uint64_t		 x, y;

	(void)state;
	if (!vectors_read("log/example-log.json", &b))
		return;
	v = load(buf_view(&b));
	for (unsigned i = 0; i < 300; i++) {
		(void)snprintf(text, sizeof(text), "entry-%03u", i);
		tree_leaf(span_str(text), example[i]);
	}
	json_object_foreach(json_object_get(v, "roots"), key, one) {
		assert_int_equal(sscanf(key, "%ju", &x), 1);
		assert_int_equal(tree_root_at(example_read, NULL, x, got, NULL), RC_OK);
		hex_member(one, want);
		assert_memory_equal(got, want, sizeof(want));
	}
	json_object_foreach(json_object_get(v, "inclusion"), key, one) {
		assert_int_equal(sscanf(key, "%ju,%ju", &x, &y), 2);
		assert_int_equal(tree_inclusion(example_read, NULL, x, y, &p, NULL), RC_OK);
		path_is(&p, one);
	}
	json_object_foreach(json_object_get(v, "consistency"), key, one) {
		assert_int_equal(sscanf(key, "%ju,%ju", &x, &y), 2);
		assert_int_equal(tree_consistency(example_read, NULL, x, y, &p, NULL), RC_OK);
		path_is(&p, one);
	}
}

/* --- transparency-dev/merkle: proofs that must and must not verify -------------- */

static unsigned	good, bad;

/*
 * Some roots that do not matter there are no hashes at all ("don't care 1"): they
 * stand for any hash that is not the right one.
 */
static void
b64_member(const json_t *obj, const char *name, uint8_t out[TREE_HASH_BYTES], bool *whole)
{
	const char	*s = json_string_value(json_object_get(obj, name));

	assert_non_null(s);
	if (b64_parse_fixed(out, TREE_HASH_BYTES, span_str(s), NULL) == RC_OK)
		return;
	*whole = false;
	sha256_one(out, span_str(s));
}

static uint64_t
uint_member(const json_t *obj, const char *name)
{
	double	v = json_number_value(json_object_get(obj, name));

	return v >= 0x1p64 ? UINT64_MAX : (uint64_t)v;
}

static void
path_member(const json_t *obj, struct tree_path *ret, bool *whole)
{
	const json_t	*a = json_object_get(obj, "proof");

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < json_array_size(a); i++) {
		assert_true(ret->n < TREE_PATH_MAX);
		if (b64_parse_fixed(ret->hash[ret->n++], TREE_HASH_BYTES,
		    span_str(json_string_value(json_array_get(a, i))), NULL) != RC_OK)
			*whole = false;
	}
}

static void
count(const char *path, const json_t *v, enum rc rc, bool whole)
{
	bool	want_err = json_is_true(json_object_get(v, "wantErr"));

	/* A hash of another length cannot reach us: that is a refusal too. */
	if (want_err && !whole && rc == RC_OK)
		rc = RC_FORMAT;
	if ((rc == RC_OK) == want_err)
		fail_msg("%s: %s", path, rc_name(rc));
	if (want_err)
		bad++;
	else
		good++;
}

static void
inclusion_case(const char *path, struct span text)
{
	AUTO(json_decref) json_t	*v = load(text);
	uint8_t			leaf[TREE_HASH_BYTES], root[TREE_HASH_BYTES];
	struct tree_path	p;
	bool			whole = true;

	b64_member(v, "leafHash", leaf, &whole);
	b64_member(v, "root", root, &whole);
	path_member(v, &p, &whole);
	count(path, v, tree_inclusion_verify(leaf, uint_member(v, "leafIdx"),
	    uint_member(v, "treeSize"), &p, root, NULL), whole);
}

static void
consistency_case(const char *path, struct span text)
{
	AUTO(json_decref) json_t	*v = load(text);
	uint8_t			root1[TREE_HASH_BYTES], root2[TREE_HASH_BYTES];
	struct tree_path	p;
	bool			whole = true;

	b64_member(v, "root1", root1, &whole);
	b64_member(v, "root2", root2, &whole);
	path_member(v, &p, &whole);
	count(path, v, tree_consistency_verify(uint_member(v, "size1"), root1,
	    uint_member(v, "size2"), root2, &p, NULL), whole);
}

/*
 * Trees over a range of a log. One that starts at a multiple of its width, rounded up
 * to a power of two, is a tree of its own; any other is none (our logs have no such proofs).
 */
static bool
is_subtree(uint64_t start, uint64_t end)
{
	uint64_t	width = 1;

	if (start >= end)
		return false;
	while (width < end - start && width < UINT64_C(1) << 62)
		width <<= 1;
	return start % width == 0;
}

static void
subtree_inclusion_case(const char *path, struct span text)
{
	AUTO(json_decref) json_t	*v = load(text);
	uint64_t		start = uint_member(v, "start"), end = uint_member(v, "end"), at = uint_member(v, "leafIdx");
	uint8_t			leaf[TREE_HASH_BYTES], root[TREE_HASH_BYTES];
	struct tree_path	p;
	bool			whole = true;

	b64_member(v, "leafHash", leaf, &whole);
	b64_member(v, "root", root, &whole);
	path_member(v, &p, &whole);
	count(path, v, !is_subtree(start, end) || at < start ? RC_VERIFY :
	    tree_inclusion_verify(leaf, at - start, end - start, &p, root, NULL), whole);
}

static unsigned	no_prefix;

/* Of these, what starts at 0 is a consistency proof as we know it; the empty range is not. */
static void
subtree_consistency_case(const char *path, struct span text)
{
	AUTO(json_decref) json_t	*v = load(text);
	uint8_t			root1[TREE_HASH_BYTES], root2[TREE_HASH_BYTES];
	struct tree_path	p;
	bool			whole = true;

	if (uint_member(v, "start") != 0 || uint_member(v, "end") == 0) {
		no_prefix++;
		return;
	}
	b64_member(v, "root1", root1, &whole);
	b64_member(v, "root2", root2, &whole);
	path_member(v, &p, &whole);
	count(path, v, tree_consistency_verify(uint_member(v, "end"), root1, uint_member(v, "size"), root2, &p, NULL),
	    whole);
}

/* --- every file of a folder ---------------------------------------------------- */

static void	(*visit_fn)(const char *path, struct span text);
static size_t	visited;

static int
visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	char	text[4096];
	FILE	*f;
	size_t	n;

	(void)st;
	(void)ftw;
	if (type != FTW_F)
		return 0;
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text), f);
	assert_true(n > 0 && n < sizeof(text));
	(void)fclose(f);
	visit_fn(path, SPAN(text, n));
	visited++;
	return 0;
}

static bool
each_file(const char *name, void (*fn)(const char *path, struct span text))
{
	const char	*dir = getenv("QUORATE_VECTORS");
	char		 path[1024];

	(void)snprintf(path, sizeof(path), "%s/%s",
	    dir == NULL ? "../shared/vectors" : dir, name);
	visit_fn = fn;
	if (nftw(path, visit, 16, FTW_PHYS) == 0)
		return true;
	printf("skipped: vectors %s are not here\n", name);
	return false;
}

static void
test_transparency_dev(void **state)
{
	(void)state;
	good = bad = 0;
	visited = 0;
	if (!each_file("log/testdata/inclusion", inclusion_case) ||
	    !each_file("log/testdata/consistency", consistency_case))
		return;
	assert_int_equal(visited, good + bad);
	assert_true(good >= 10);
	assert_true(bad >= 150);
}

static void
test_subtrees(void **state)
{
	(void)state;
	good = bad = no_prefix = 0;
	visited = 0;
	if (!each_file("log/testdata/subtreeinclusion", subtree_inclusion_case))
		return;
	assert_int_equal(visited, good + bad);
	assert_true(good >= 12);
	assert_true(bad >= 190);
	if (!each_file("log/testdata/subtreeconsistency", subtree_consistency_case))
		return;
	assert_int_equal(visited, good + bad + no_prefix);
	assert_true(visited - no_prefix >= 204 + 80);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_reference_tree),
		cmocka_unit_test(test_example_log),
		cmocka_unit_test(test_transparency_dev),
		cmocka_unit_test(test_subtrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit/entry.h"
#include "audit/store/db.h"
#include "tests/unit/store/place.h"

#define SIZE	50U

static uint8_t	leaf[SIZE][TREE_HASH_BYTES];

static struct span
entry(uint64_t i)
{
	static char	text[32];

	(void)snprintf(text, sizeof(text), "entry-%03ju", (uintmax_t)i);
	return span_str(text);
}

static int
setup(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < SIZE; i++)
		tree_leaf(entry(i), leaf[i]);
	return 0;
}

static void
append_one(struct store *s, uint64_t i)
{
	assert_int_equal(store_begin(s, NULL), RC_OK);
	assert_int_equal(store_append(s, entry(i), NULL), RC_OK);
	assert_int_equal(store_commit(s, NULL), RC_OK);
}

static void
roots_are(struct store *s, uint64_t upto)
{
	uint8_t	got[TREE_HASH_BYTES], want[TREE_HASH_BYTES];

	for (uint64_t n = 0; n <= upto; n++) {
		tree_root(leaf, n, want);
		assert_int_equal(store_root_at(s, n, got, NULL), RC_OK);
		assert_memory_equal(got, want, sizeof(want));
	}
	assert_int_equal(store_root_at(s, upto + 1, got, NULL), RC_MISSING);
	assert_int_equal(store_root_at(s, UINT64_MAX, got, NULL), RC_MISSING);
}

static void
test_append(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(ENTRY_BYTES_MAX);
	struct place		 p;
	struct store		*s, *r;
	struct tree_path	 path;
	uint8_t			 root[TREE_HASH_BYTES], old_root[TREE_HASH_BYTES];

	(void)state;
	place_init(&p);
	s = opened(&p, STORE_CREATE);
	r = opened(&p, STORE_READ);
	for (uint64_t i = 0; i < SIZE; i++) {
		assert_int_equal(store_size(s), i);
		append_one(s, i);
		assert_int_equal(store_size(r), i + 1);	/* the reader follows */
	}
	store_close(s);
	s = opened(&p, STORE_OPEN);
	assert_int_equal(store_size(s), SIZE);
	roots_are(s, SIZE);
	roots_are(r, SIZE);
	for (uint64_t i = 0; i < SIZE; i++) {
		buf_reset(&b);
		assert_int_equal(store_entry(s, i, &b, NULL), RC_OK);
		assert_true(span_eq(buf_view(&b), entry(i)));
		assert_int_equal(store_root_at(s, SIZE, root, NULL), RC_OK);
		assert_int_equal(store_inclusion(s, i, SIZE, &path, NULL), RC_OK);
		assert_int_equal(tree_inclusion_verify(leaf[i], i, SIZE, &path, root, NULL), RC_OK);
		assert_int_equal(store_root_at(s, i, old_root, NULL), RC_OK);
		assert_int_equal(store_consistency(s, i, SIZE, &path, NULL), RC_OK);
		assert_int_equal(tree_consistency_verify(i, old_root, SIZE, root, &path, NULL), RC_OK);
	}
	assert_int_equal(store_entry(s, SIZE, &b, NULL), RC_MISSING);
	assert_int_equal(store_entry(s, UINT64_MAX, &b, NULL), RC_MISSING);
	assert_int_equal(store_inclusion(s, 0, SIZE + 1, &path, NULL), RC_MISSING);
	assert_int_equal(store_inclusion(s, SIZE, SIZE, &path, NULL), RC_USAGE);
	assert_int_equal(store_consistency(s, 1, SIZE + 1, &path, NULL), RC_MISSING);
	assert_int_equal(store_consistency(s, 3, 2, &path, NULL), RC_USAGE);
	store_close(r);
	store_close(s);
	place_done(&p);
}

static void
test_nodes(void **state)
{
	struct place	 p;
	struct store	*s;
	uint8_t		 got[TREE_HASH_BYTES], want[TREE_HASH_BYTES];

	(void)state;
	place_init(&p);
	s = opened(&p, STORE_CREATE);
	assert_int_equal(store_begin(s, NULL), RC_OK);
	for (uint64_t i = 0; i < SIZE; i++)
		assert_int_equal(store_append(s, entry(i), NULL), RC_OK);
	for (uint8_t level = 0; level < 7; level++)
		for (uint64_t i = 0; i <= SIZE >> level; i++) {
			if ((i + 1) << level > SIZE) {
				assert_int_equal(store_node(s, level, i, got, NULL), RC_MISSING);
				continue;
			}
			assert_int_equal(store_node(s, level, i, got, NULL), RC_OK);
			tree_root(leaf + (i << level), UINT64_C(1) << level, want);
			assert_memory_equal(got, want, sizeof(want));
		}
	assert_int_equal(store_node(s, 62, 0, got, NULL), RC_MISSING);
	assert_int_equal(store_node(s, 62, 1, got, NULL), RC_MISSING);
	assert_int_equal(store_node(s, 63, 0, got, NULL), RC_MISSING);
	assert_int_equal(store_node(s, 255, UINT64_MAX, got, NULL), RC_MISSING);
	assert_int_equal(store_node(s, 0, UINT64_MAX, got, NULL), RC_MISSING);
	/* Numbers that would wrap round to a node that is there. */
	assert_int_equal(store_node(s, 1, UINT64_C(1) << 63, got, NULL), RC_MISSING);
	assert_int_equal(store_node(s, 64, 0, got, NULL), RC_MISSING);
	assert_int_equal(store_commit(s, NULL), RC_OK);
	store_close(s);
	place_done(&p);
}

static void
test_rollback(void **state)
{
	struct place	 p;
	struct store	*s;
	uint8_t		 root[TREE_HASH_BYTES];

	(void)state;
	place_init(&p);
	s = opened(&p, STORE_CREATE);
	for (uint64_t i = 0; i < 5; i++)
		append_one(s, i);
	assert_int_equal(store_begin(s, NULL), RC_OK);
	for (uint64_t i = 0; i < 9; i++)
		assert_int_equal(store_append(s, SPAN_STR("another future"), NULL), RC_OK);
	assert_int_equal(store_size(s), 14);
	store_rollback(s);
	assert_int_equal(store_root_at(s, 14, root, NULL), RC_MISSING);
	assert_int_equal(store_size(s), 5);
	roots_are(s, 5);
	for (uint64_t i = 5; i < 20; i++)
		append_one(s, i);
	roots_are(s, 20);
	store_close(s);
	/* A log that cannot be read is not an empty one. */
	s = opened(&p, STORE_OPEN);
	assert_int_equal(sqlite3_exec(s->db, "ALTER TABLE entry RENAME TO gone", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(store_begin(s, NULL), RC_IO);
	assert_int_equal(store_size(s), 20);
	store_close(s);
	place_done(&p);
}

/* Two handles that write: each goes on from what the other committed. */
static void
test_two_writers(void **state)
{
	struct place	 p;
	struct store	*a, *b;

	(void)state;
	place_init(&p);
	a = opened(&p, STORE_CREATE);
	b = opened(&p, STORE_OPEN);
	for (uint64_t i = 0; i < 20; i += 2) {
		append_one(a, i);
		append_one(b, i + 1);
	}
	roots_are(a, 20);
	roots_are(b, 20);
	store_close(a);
	store_close(b);
	place_done(&p);
}

/* A reader's transaction is a snapshot. */
static void
test_snapshot(void **state)
{
	struct place	 p;
	struct store	*s, *r;

	(void)state;
	place_init(&p);
	s = opened(&p, STORE_CREATE);
	append_one(s, 0);
	r = opened(&p, STORE_READ);
	assert_int_equal(store_begin(r, NULL), RC_OK);
	append_one(s, 1);
	assert_int_equal(store_size(r), 1);
	roots_are(r, 1);
	assert_int_equal(store_commit(r, NULL), RC_OK);
	assert_int_equal(store_size(r), 2);
	store_close(r);
	store_close(s);
	place_done(&p);
}

static void
test_limits(void **state)
{
	static uint8_t	 big[ENTRY_BYTES_MAX + 1];
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(ENTRY_BYTES_MAX);
	struct place	 p;
	struct store	*s;

	(void)state;
	place_init(&p);
	s = opened(&p, STORE_CREATE);
	assert_int_equal(store_begin(s, NULL), RC_OK);
	assert_int_equal(store_append(s, SPAN(big, 0), NULL), RC_LIMIT);
	assert_int_equal(store_append(s, SPAN(big, sizeof(big)), NULL), RC_LIMIT);
	assert_int_equal(store_append(s, SPAN(big, ENTRY_BYTES_MAX), NULL), RC_OK);
	assert_int_equal(store_commit(s, NULL), RC_OK);
	assert_int_equal(store_entry(s, 0, &b, NULL), RC_OK);
	assert_int_equal(b.n, ENTRY_BYTES_MAX);
	assert_int_equal(store_entry(s, 0, &BUF_INIT(10), NULL), RC_LIMIT);
	store_close(s);
	place_done(&p);
}

static void
test_verdicts(void **state)
{
	struct verdict	 v = { .type = 3, .effective = true, .why = 0, .time = 1700000000 };
	struct verdict	 void_one = { .why = 1, .time = 5 }, got;
	struct place	 p;
	struct store	*s;
	uint64_t	 index = 99;

	(void)state;
	memset(v.id, 1, sizeof(v.id));
	memset(v.subject, 2, sizeof(v.subject));
	memset(v.state, 3, sizeof(v.state));
	place_init(&p);
	s = opened(&p, STORE_CREATE);
	assert_int_equal(store_verdict_put(s, 0, &v, NULL), RC_BUG);
	assert_int_equal(store_begin(s, NULL), RC_OK);
	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(store_append(s, entry(i), NULL), RC_OK);
	assert_int_equal(store_verdict_put(s, 4, &v, NULL), RC_BUG);
	assert_int_equal(store_verdict_put(s, 0, &void_one, NULL), RC_OK);
	assert_int_equal(store_verdict_put(s, 2, &v, NULL), RC_OK);
	v.effective = false;
	assert_int_equal(store_verdict_put(s, 3, &v, NULL), RC_OK);	/* a replay */
	v.effective = true;
	assert_int_equal(store_commit(s, NULL), RC_OK);
	memset(&got, 9, sizeof(got));
	assert_int_equal(store_verdict(s, 2, &got, NULL), RC_OK);
	assert_int_equal(got.type, 3);
	assert_true(got.effective);
	assert_int_equal(got.why, 0);
	assert_int_equal(got.time, 1700000000);
	assert_memory_equal(got.id, v.id, sizeof(v.id));
	assert_memory_equal(got.subject, v.subject, sizeof(v.subject));
	assert_memory_equal(got.state, v.state, sizeof(v.state));
	assert_int_equal(store_verdict(s, 0, &got, NULL), RC_OK);
	assert_false(got.effective);
	assert_int_equal(got.why, 1);
	assert_memory_equal(got.id, void_one.id, sizeof(v.id));
	assert_int_equal(store_verdict(s, 1, &got, NULL), RC_MISSING);
	assert_int_equal(store_verdict(s, UINT64_MAX, &got, NULL), RC_MISSING);
	assert_int_equal(store_find_statement(s, v.id, &index, NULL), RC_OK);
	assert_int_equal(index, 2);		/* the first, not the replay */
	assert_int_equal(store_find_statement(s, v.state, &index, NULL), RC_MISSING);
	assert_int_equal(store_find_statement(s, void_one.id, &index, NULL), RC_MISSING);
	/* One verdict an entry. */
	assert_int_equal(store_begin(s, NULL), RC_OK);
	assert_int_equal(store_verdict_put(s, 2, &void_one, NULL), RC_BUG);
	assert_int_equal(store_commit(s, NULL), RC_BUG);
	store_close(s);
	place_done(&p);
}

static void
damage(struct store *s, const char *sql)
{
	assert_int_equal(sqlite3_exec(s->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* Rows that we would not have written are a fault, not an answer. */
static void
test_damage(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(ENTRY_BYTES_MAX);
	struct verdict	 v = { .type = 3 };
	struct place	 p;
	struct store	*s = NULL;

	(void)state;
	place_init(&p);
	s = opened(&p, STORE_CREATE);
	append_one(s, 0);
	append_one(s, 1);
	assert_int_equal(store_begin(s, NULL), RC_OK);
	assert_int_equal(store_verdict_put(s, 0, &v, NULL), RC_OK);
	assert_int_equal(store_verdict_put(s, 1, &v, NULL), RC_OK);
	assert_int_equal(store_commit(s, NULL), RC_OK);
	damage(s, "UPDATE verdict SET effective = 2 WHERE idx = 0");
	assert_int_equal(store_verdict(s, 0, &v, NULL), RC_IO);
	damage(s, "UPDATE verdict SET state = x'00' WHERE idx = 1");
	assert_int_equal(store_verdict(s, 1, &v, NULL), RC_IO);
	damage(s, "UPDATE entry SET leaf = x'656e7472792d303039' WHERE idx = 0");
	assert_int_equal(store_entry(s, 0, &b, NULL), RC_IO);
	assert_int_equal(b.n, 0);
	damage(s, "UPDATE node SET hash = x'00' WHERE pos = 1");
	assert_int_equal(store_entry(s, 1, &b, NULL), RC_IO);
	damage(s, "DELETE FROM node");
	store_close(s);
	s = NULL;
	assert_int_equal(store_open(p.db, STORE_OPEN, &s, NULL), RC_IO);
	assert_null(s);
	place_done(&p);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_rollback),
		cmocka_unit_test(test_two_writers),
		cmocka_unit_test(test_snapshot),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

/* A start, and every question, reads a number of pages that grows with the log of the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit/store/db.h"
#include "tests/unit/store/place.h"

#define ENTRIES		100000U

static struct place	place;

static int
setup(void **state)
{
	struct store	*s;
	struct verdict	 v = { .type = 1 };
	char		 text[32];
	struct batch	 b;

	(void)state;
	place_init(&place);
	s = opened(&place, STORE_CREATE);
	assert_int_equal(store_begin(s, NULL), RC_OK);
	for (uint64_t i = 0; i < ENTRIES; i++) {
		(void)snprintf(text, sizeof(text), "entry-%03ju", (uintmax_t)i);
		assert_int_equal(store_append(s, span_str(text), NULL), RC_OK);
		sha256_one(v.id, span_str(text));
		assert_int_equal(store_verdict_put(s, i, &v, NULL), RC_OK);
	}
	for (uint64_t i = 0; i < 10; i++) {
		batch_init(&b, ENTRIES + i, 1000, 300);
		assert_int_equal(batch_apply(s, &b, SPAN_STR("batch"), NULL), RC_OK);
		batch_done(&b);
	}
	assert_int_equal(store_commit(s, NULL), RC_OK);
	store_close(s);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	place_done(&place);
	return 0;
}

static int
pages_read(struct store *s)
{
	int	n = 0, high = 0;

	assert_int_equal(sqlite3_db_status(s->db, SQLITE_DBSTATUS_CACHE_MISS, &n, &high, 0), SQLITE_OK);
	return n;
}

static void
test_start(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(65536);
	struct store		*s;
	struct tree_path	 path;
	struct escrow_at	 at;
	uint64_t		 n = 0;
	uint8_t			 root[SHA256_BYTES], id[ARTIFACT_ID_BYTES];
	int			 before;

	(void)state;
	s = opened(&place, STORE_OPEN);
	assert_int_equal(store_size(s), ENTRIES + 10);
	assert_int_equal(store_root_at(s, ENTRIES + 10, root, NULL), RC_OK);
	assert_int_equal(store_escrow_count(s, &n, NULL), RC_OK);
	assert_int_equal(n, 10000);
	assert_true(pages_read(s) < 60);
	before = pages_read(s);
	assert_int_equal(store_root_at(s, 77777, root, NULL), RC_OK);
	assert_int_equal(store_inclusion(s, 12345, 77777, &path, NULL), RC_OK);
	assert_int_equal(store_consistency(s, 55555, 77777, &path, NULL), RC_OK);
	assert_int_equal(store_entry(s, 50000, &b, NULL), RC_OK);
	sha256_one(root, span_str(buf_text(&b)));
	assert_int_equal(store_find_statement(s, root, &n, NULL), RC_OK);
	assert_int_equal(n, 50000);
	assert_true(pages_read(s) - before < 150);
	before = pages_read(s);
	batch_id(ENTRIES + 3, 7, id);		/* early in its vector of 300 KB */
	assert_int_equal(store_state(s)->escrow_find(s, id, &at, &b, NULL), RC_OK);
	assert_true(pages_read(s) - before < 12);
	store_close(s);
}

static void
test_plans(void **state)
{
	struct store	*s;
	sqlite3_stmt	*st;
	char		*sql;
	const char	*detail;
	unsigned	 steps = 0;

	(void)state;
	s = opened(&place, STORE_READ);
	for (size_t i = SQL_SIZE; i < SQL_STATEMENTS; i++) {
		sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", store_sql[i]);
		assert_non_null(sql);
		assert_int_equal(sqlite3_prepare_v2(s->db, sql, -1, &st, NULL), SQLITE_OK);
		while (sqlite3_step(st) == SQLITE_ROW) {
			detail = (const char *)sqlite3_column_text(st, 3);
			if (strstr(detail, "SCAN") != NULL || strstr(detail, "TEMP") != NULL)
				fail_msg("%s: %s", store_sql[i], detail);
			steps++;
		}
		assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
		sqlite3_free(sql);
	}
	assert_true(steps > 10);
	store_close(s);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_plans),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

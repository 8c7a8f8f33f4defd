#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit/store/db.h"
#include "tests/unit/store/place.h"

static enum rc
open_rc(const char *path, enum store_mode mode)
{
	AUTO(store_close) struct store *s = NULL;

	return store_open(path, mode, &s, NULL);
}

static void
test_modes(void **state)
{
	struct place	 p;
	struct store	*s, *r;
	struct stat	 st;

	(void)state;
	place_init(&p);
	assert_int_equal(open_rc(p.db, STORE_OPEN), RC_MISSING);
	assert_int_equal(open_rc(p.db, STORE_READ), RC_MISSING);
	assert_int_equal(open_rc("/nonexistent/db", STORE_CREATE), RC_IO);
	assert_int_equal(access(p.db, F_OK), -1);
	s = opened(&p, STORE_CREATE);
	assert_int_equal(store_size(s), 0);
	assert_int_equal(stat(p.db, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	r = opened(&p, STORE_READ);
	assert_int_equal(store_put(r, "x", SPAN_STR("1"), NULL), RC_BUG);
	assert_int_equal(store_commit(r, NULL), RC_BUG);
	assert_int_equal(store_begin(r, NULL), RC_OK);
	assert_int_equal(store_append(r, SPAN_STR("e"), NULL), RC_BUG);
	assert_int_equal(store_commit(r, NULL), RC_OK);
	store_close(r);
	store_close(s);
	s = opened(&p, STORE_CREATE);		/* what is there is opened */
	store_close(s);
	s = opened(&p, STORE_OPEN);
	store_close(s);
	store_close(NULL);
	place_done(&p);
}

static void
write_file(const char *path, const void *bytes, size_t n)
{
	FILE	*f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* Beside the store, on its way to the disk or (vfs NULL) on SQLite's own. */
static void
run_sql(const char *path, const char *vfs, const char *sql)
{
	sqlite3	*db;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
test_not_ours(void **state)
{
	static const enum store_mode	modes[] = { STORE_OPEN, STORE_CREATE, STORE_READ };
	struct place	p;
	char		text[8192];

	(void)state;
	place_init(&p);
	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < 3; i++) {
		write_file(p.db, text, sizeof(text));
		assert_int_equal(open_rc(p.db, modes[i]), RC_FORMAT);
	}
	write_file(p.db, "", 0);
	assert_int_equal(open_rc(p.db, STORE_OPEN), RC_FORMAT);
	assert_int_equal(open_rc(p.db, STORE_READ), RC_FORMAT);
	/* A crash between making the file and filling it. */
	assert_int_equal(open_rc(p.db, STORE_CREATE), RC_OK);
	assert_int_equal(open_rc(p.db, STORE_OPEN), RC_OK);
	run_sql(p.db, pages_vfs(), "PRAGMA user_version = 3");
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(open_rc(p.db, modes[i]), RC_FORMAT);
	run_sql(p.db, pages_vfs(), "PRAGMA user_version = 2; PRAGMA application_id = 7");
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(open_rc(p.db, modes[i]), RC_FORMAT);
	place_done(&p);
	/* Somebody else's database without an id is not taken over. */
	place_init(&p);
	run_sql(p.db, NULL, "CREATE TABLE t (a)");
	assert_int_equal(open_rc(p.db, STORE_CREATE), RC_FORMAT);
	place_done(&p);
}

static const char *
setting(struct store *s, const char *sql)
{
	static char	 text[32];
	sqlite3_stmt	*st;

	assert_int_equal(sqlite3_prepare_v2(s->db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	(void)snprintf(text, sizeof(text), "%s", (const char *)sqlite3_column_text(st, 0));
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
	return text;
}

static void
test_settings(void **state)
{
	static const struct { const char *sql, *want; } settings[] = {
		{ "PRAGMA journal_mode", "wal" },
		{ "PRAGMA synchronous", "2" },
		{ "PRAGMA secure_delete", "1" },
		{ "PRAGMA trusted_schema", "0" },
		{ "PRAGMA cell_size_check", "1" },
		{ "PRAGMA mmap_size", "0" },
		{ "PRAGMA busy_timeout", "5000" },
		{ "PRAGMA application_id", "1364545362" },
		{ "PRAGMA user_version", "2" },
		{ "PRAGMA journal_size_limit", "4194304" },
		{ "PRAGMA wal_autocheckpoint", "1024" },
		{ "PRAGMA integrity_check", "ok" },
	};
	struct place	 p;
	struct store	*s;

	(void)state;
	place_init(&p);
	s = opened(&p, STORE_CREATE);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		assert_string_equal(setting(s, settings[i].sql), settings[i].want);
	/* The schema is not to be edited from under us. */
	assert_int_not_equal(sqlite3_exec(s->db,
	    "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = ''",
	    NULL, NULL, NULL), SQLITE_OK);
	store_close(s);
	place_done(&p);
}

static void
test_transactions(void **state)
{
	struct place	 p;
	struct store	*s;

	(void)state;
	place_init(&p);
	s = opened(&p, STORE_CREATE);
	store_rollback(s);
	assert_int_equal(store_commit(s, NULL), RC_BUG);
	assert_int_equal(store_append(s, SPAN_STR("e"), NULL), RC_BUG);
	assert_int_equal(store_begin(s, NULL), RC_OK);
	assert_int_equal(store_begin(s, NULL), RC_BUG);
	assert_int_equal(store_append(s, SPAN_STR("e"), NULL), RC_OK);
	/* SQLite rolled back by itself, as it does when the disk is full. */
	assert_int_equal(sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(store_append(s, SPAN_STR("f"), NULL), RC_IO);
	assert_int_equal(store_put(s, "x", SPAN_STR("f"), NULL), RC_IO);
	assert_int_equal(store_commit(s, NULL), RC_IO);
	assert_int_equal(store_size(s), 0);
	assert_int_equal(store_get(s, "x", &BUF_INIT(10), NULL), RC_MISSING);
	/* A fault breaks the transaction, whatever the caller makes of it. */
	assert_int_equal(store_begin(s, NULL), RC_OK);
	assert_int_equal(store_append(s, SPAN_STR("e"), NULL), RC_OK);
	assert_int_equal(sqlite3_exec(s->db, "DROP TABLE node", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(store_append(s, SPAN_STR("f"), NULL), RC_IO);
	assert_int_equal(store_put(s, "x", SPAN_STR("1"), NULL), RC_IO);
	assert_int_equal(store_commit(s, NULL), RC_IO);
	assert_int_equal(store_size(s), 0);
	assert_int_equal(store_begin(s, NULL), RC_OK);
	assert_int_equal(store_append(s, SPAN_STR("e"), NULL), RC_OK);
	assert_int_equal(store_commit(s, NULL), RC_OK);
	store_close(s);
	/* An open transaction is not committed by closing. */
	s = opened(&p, STORE_OPEN);
	assert_int_equal(store_begin(s, NULL), RC_OK);
	assert_int_equal(store_append(s, SPAN_STR("f"), NULL), RC_OK);
	store_close(s);
	s = opened(&p, STORE_OPEN);
	assert_int_equal(store_size(s), 1);
	store_close(s);
	place_done(&p);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_transactions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

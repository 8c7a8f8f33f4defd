/* Blobs, named values and journals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/store/db.h"
#include "tests/unit/store/place.h"

static struct place	place;
static struct store	*s;

static int
setup(void **state)
{
	(void)state;
	place_init(&place);
	s = opened(&place, STORE_CREATE);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	store_close(s);
	place_done(&place);
	return 0;
}

static void
reopen(void)
{
	store_close(s);
	s = opened(&place, STORE_OPEN);
}

/* One value more than a store takes, zeroed. */
static uint8_t *
too_much(void)
{
	uint8_t	*p = calloc(1, STORE_VALUE_MAX + 1);

	assert_non_null(p);
	return p;
}

static void
test_blobs(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(STORE_VALUE_MAX);
	uint8_t	digest[SHA256_BYTES], again[SHA256_BYTES], none[SHA256_BYTES] = { 0 };
	uint8_t	*big = too_much();
	bool	has = true;

	(void)state;
	assert_int_equal(store_blob_put(s, SPAN_STR("abc"), digest, NULL), RC_OK);
	sha256_one(again, SPAN_STR("abc"));
	assert_memory_equal(digest, again, sizeof(digest));
	assert_int_equal(store_blob_put(s, SPAN_STR("abc"), again, NULL), RC_OK);
	assert_memory_equal(digest, again, sizeof(digest));
	reopen();
	assert_int_equal(store_blob(s, digest, &b, NULL), RC_OK);
	assert_true(span_eq(buf_view(&b), SPAN_STR("abc")));
	assert_int_equal(store_blob_has(s, digest, &has, NULL), RC_OK);
	assert_true(has);
	assert_int_equal(store_blob_has(s, none, &has, NULL), RC_OK);
	assert_false(has);
	assert_int_equal(store_blob(s, none, &b, NULL), RC_MISSING);
	assert_int_equal(store_blob(s, digest, &BUF_INIT(2), NULL), RC_LIMIT);
	/* The empty blob is one too. */
	assert_int_equal(store_blob_put(s, SPAN(NULL, 0), again, NULL), RC_OK);
	buf_reset(&b);
	assert_int_equal(store_blob(s, again, &b, NULL), RC_OK);
	assert_int_equal(b.n, 0);
	assert_int_equal(store_blob_put(s, SPAN(big, STORE_VALUE_MAX), again, NULL), RC_OK);
	assert_int_equal(store_blob(s, again, &b, NULL), RC_OK);
	assert_int_equal(b.n, STORE_VALUE_MAX);
	assert_int_equal(store_blob_put(s, SPAN(big, STORE_VALUE_MAX + 1), again, NULL), RC_LIMIT);
	free(big);
	assert_int_equal(sqlite3_exec(s->db, "UPDATE blob SET bytes = x'00' WHERE bytes = x'616263'",
	    NULL, NULL, NULL), SQLITE_OK);
	buf_reset(&b);
	assert_int_equal(store_blob(s, digest, &b, NULL), RC_IO);
	assert_int_equal(b.n, 0);
}

static void
test_values(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(100);
	char	name[STORE_NAME_MAX + 2];
	uint8_t	*big = too_much();

	(void)state;
	assert_int_equal(store_get(s, "genesis", &b, NULL), RC_MISSING);
	assert_int_equal(store_put(s, "genesis", SPAN_STR("one"), NULL), RC_OK);
	assert_int_equal(store_put(s, "genesis", SPAN_STR("two"), NULL), RC_OK);
	assert_int_equal(store_put(s, "cosigned", SPAN(NULL, 0), NULL), RC_OK);
	reopen();
	assert_int_equal(store_get(s, "genesis", &b, NULL), RC_OK);
	assert_true(span_eq(buf_view(&b), SPAN_STR("two")));
	assert_int_equal(store_get(s, "cosigned", &b, NULL), RC_OK);
	assert_int_equal(b.n, 3);
	/* With the transaction, or not at all. */
	assert_int_equal(store_begin(s, NULL), RC_OK);
	assert_int_equal(store_put(s, "genesis", SPAN_STR("three"), NULL), RC_OK);
	store_rollback(s);
	buf_reset(&b);
	assert_int_equal(store_get(s, "genesis", &b, NULL), RC_OK);
	assert_true(span_eq(buf_view(&b), SPAN_STR("two")));
	memset(name, 'n', sizeof(name));
	name[STORE_NAME_MAX + 1] = '\0';
	assert_int_equal(store_put(s, name, SPAN_STR("x"), NULL), RC_BUG);
	assert_int_equal(store_put(s, "", SPAN_STR("x"), NULL), RC_BUG);
	assert_int_equal(store_put(s, name + 1, SPAN_STR("x"), NULL), RC_OK);
	assert_int_equal(store_put(s, "big", SPAN(big, STORE_VALUE_MAX + 1), NULL), RC_LIMIT);
	free(big);
}

struct walk {
	char		seen[64];
	unsigned	stop_at;	/* the nth row answers RC_DENIED; 0: none */
	unsigned	n;
	bool		delete_rows;
};

static enum rc
row(void *user, struct span key, struct span value, struct err *err)
{
	struct walk	*w = user;

	assert_int_equal(value.n, 2);
	assert_int_equal(value.p[0], key.p[0]);
	strncat(w->seen, (const char *)key.p, key.n);
	if (++w->n == w->stop_at)
		return err_set(err, RC_DENIED, "stop");
	if (w->delete_rows)
		TRY(store_journal_del(s, "held", key, err));
	return RC_OK;
}

static struct walk
walk(const char *journal, const char *after, size_t max, struct walk how, enum rc want)
{
	assert_int_equal(store_journal_each(s, journal, span_str(after), max, row, &how, NULL), want);
	return how;
}

static void
fill(const char *journal, const char *keys)
{
	char	value[2] = "_.";

	for (; *keys != '\0'; keys++) {
		value[0] = *keys;
		assert_int_equal(store_journal_put(s, journal, SPAN(keys, 1), SPAN(value, 2), NULL), RC_OK);
	}
}

static void
test_journals(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(100);

	(void)state;
	assert_int_equal(store_journal_get(s, "held", SPAN_STR("a"), &b, NULL), RC_MISSING);
	fill("held", "dbaec");
	fill("hele", "zy");
	fill("held", "b");		/* replaces */
	reopen();
	assert_int_equal(store_journal_get(s, "held", SPAN_STR("a"), &b, NULL), RC_OK);
	assert_true(span_eq(buf_view(&b), SPAN_STR("a.")));
	assert_string_equal(walk("held", "", 100, (struct walk){ .n = 0 }, RC_OK).seen, "abcde");
	assert_string_equal(walk("held", "b", 2, (struct walk){ .n = 0 }, RC_OK).seen, "cd");
	assert_string_equal(walk("held", "e", 2, (struct walk){ .n = 0 }, RC_OK).seen, "");
	assert_string_equal(walk("held", "", 0, (struct walk){ .n = 0 }, RC_OK).seen, "");
	assert_string_equal(walk("other", "", 9, (struct walk){ .n = 0 }, RC_OK).seen, "");
	assert_string_equal(walk("held", "", 9, (struct walk){ .stop_at = 2 }, RC_DENIED).seen, "ab");
	assert_int_equal(store_journal_del(s, "held", SPAN_STR("c"), NULL), RC_OK);
	assert_int_equal(store_journal_del(s, "held", SPAN_STR("c"), NULL), RC_OK);
	assert_string_equal(walk("held", "", 9, (struct walk){ .n = 0 }, RC_OK).seen, "abde");
	/* The walker may change what it walks. */
	assert_string_equal(walk("held", "", 9, (struct walk){ .delete_rows = true }, RC_OK).seen, "abde");
	assert_string_equal(walk("held", "", 9, (struct walk){ .n = 0 }, RC_OK).seen, "");
	assert_string_equal(walk("hele", "", 9, (struct walk){ .n = 0 }, RC_OK).seen, "yz");
}

static void
test_journal_limits(void **state)
{
	uint8_t	key[STORE_KEY_MAX + 1] = { 1 };
	uint8_t	*big = too_much();

	(void)state;
	assert_int_equal(store_journal_put(s, "j", SPAN(key, 0), SPAN_STR("v"), NULL), RC_LIMIT);
	assert_int_equal(store_journal_put(s, "j", SPAN(key, sizeof(key)), SPAN_STR("v"), NULL), RC_LIMIT);
	assert_int_equal(store_journal_put(s, "j", SPAN(key, STORE_KEY_MAX), SPAN_STR("v"), NULL), RC_OK);
	assert_int_equal(store_journal_put(s, "", SPAN(key, 1), SPAN_STR("v"), NULL), RC_BUG);
	assert_int_equal(store_journal_put(s, "j", SPAN(key, 1), SPAN(big, STORE_VALUE_MAX + 1), NULL), RC_LIMIT);
	assert_int_equal(store_journal_put(s, "j", SPAN(key, 1), SPAN(big, STORE_VALUE_MAX), NULL), RC_OK);
	assert_int_equal(store_journal_each(s, "j", SPAN(key, sizeof(key)), 9, row, NULL, NULL), RC_LIMIT);
	free(big);
	/* Also inside a transaction that broke. */
	assert_int_equal(store_begin(s, NULL), RC_OK);
	assert_int_equal(sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(store_journal_put(s, "j", SPAN(key, 1), SPAN_STR("v"), NULL), RC_IO);
	assert_int_equal(store_journal_del(s, "j", SPAN(key, 1), NULL), RC_IO);
	assert_int_equal(store_blob_put(s, SPAN_STR("v"), key, NULL), RC_IO);
	store_rollback(s);
}

/* --- one store made from another --------------------------------------------------- */

static bool
keep(void *user, const char *journal, struct span k)
{
	size_t	*n = user;

	(*n)++;
	if (journal == NULL)
		return !span_eq(k, SPAN_STR("not"));
	return strcmp(journal, "j") == 0 || k.p[0] != 2;
}

static void
test_copy(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(STORE_VALUE_MAX);
	struct place	beside;
	struct store	*to;
	size_t		 n = 0;

	(void)state;
	place_init(&beside);
	to = opened(&beside, STORE_CREATE);
	assert_int_equal(store_copy_own(s, to, keep, &n, NULL), RC_OK);
	assert_int_equal(n, 0);
	assert_int_equal(store_put(s, "a", SPAN_STR("1"), NULL), RC_OK);
	assert_int_equal(store_put(s, "not", SPAN_STR("2"), NULL), RC_OK);
	assert_int_equal(store_put(s, "z", SPAN_STR(""), NULL), RC_OK);
	assert_int_equal(store_journal_put(s, "k", SPAN_STR("\1"), SPAN_STR("3"), NULL), RC_OK);
	assert_int_equal(store_journal_put(s, "k", SPAN_STR("\2"), SPAN_STR("4"), NULL), RC_OK);
	assert_int_equal(store_journal_put(s, "j", SPAN_STR("\2"), SPAN_STR("5"), NULL), RC_OK);
	assert_int_equal(store_begin(to, NULL), RC_OK);
	assert_int_equal(store_copy_own(s, to, keep, &n, NULL), RC_OK);
	assert_int_equal(n, 6);
	assert_int_equal(store_commit(to, NULL), RC_OK);
	assert_int_equal(store_get(to, "a", &b, NULL), RC_OK);
	assert_int_equal(store_get(to, "z", &b, NULL), RC_OK);
	assert_int_equal(store_journal_get(to, "k", SPAN_STR("\1"), &b, NULL), RC_OK);
	assert_int_equal(store_journal_get(to, "j", SPAN_STR("\2"), &b, NULL), RC_OK);
	assert_true(span_eq(buf_view(&b), SPAN_STR("135")));
	assert_int_equal(store_get(to, "not", &b, NULL), RC_MISSING);
	assert_int_equal(store_journal_get(to, "k", SPAN_STR("\2"), &b, NULL), RC_MISSING);
	assert_non_null(strrchr(store_path(to), '/'));
	assert_string_not_equal(store_path(to), store_path(s));
	store_close(to);
	place_done(&beside);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(test_blobs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_journals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_journal_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_copy, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A page that is not as it was written is an error of whoever asks for it, and never an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit/store/db.h"
#include "tests/unit/store/place.h"

#define RECORDS	300
#define PAGE	STORE_PAGE_BYTES

struct image {
	uint8_t	*p;
	size_t	 n;
};

static void
key_of(unsigned i, uint8_t key[4])
{
	memcpy(key, &(uint8_t[4]){ 'k', (uint8_t)(i >> 8), (uint8_t)i, 0 }, 4);
}

static void
value_of(unsigned i, uint8_t value[100])
{
	memset(value, (int)(i * 7 % 251), 100);
}

static void
fill(const char *path)
{
	struct store	*s = NULL;
	uint8_t		 key[4], value[100], vector[48 * 1000];
	unsigned	 i;

	assert_int_equal(store_open(path, STORE_CREATE, &s, NULL), RC_OK);
	assert_int_equal(store_begin(s, NULL), RC_OK);
	for (i = 0; i < RECORDS; i++) {
		key_of(i, key);
		value_of(i, value);
		assert_int_equal(store_journal_put(s, "act", SPAN_OF(key), SPAN_OF(value), NULL), RC_OK);
	}
	memset(vector, 0x5a, sizeof(vector));
	assert_int_equal(store_shares_put(s, 7, SPAN_OF(vector), NULL), RC_OK);
	assert_int_equal(store_commit(s, NULL), RC_OK);
	store_close(s);			/* the last handle: all of it is in the one file */
}

static struct image
image_read(const char *path)
{
	FILE		*f = fopen(path, "rb");
	struct image	 m = { NULL, 0 };

	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	m.n = (size_t)ftell(f);
	rewind(f);
	assert_non_null(m.p = malloc(m.n));
	assert_int_equal(fread(m.p, 1, m.n, f), m.n);
	assert_int_equal(fclose(f), 0);
	return m;
}

static void
file_write(const char *path, const uint8_t *p, size_t n)
{
	FILE	*f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void
image_write(const char *path, const uint8_t *p, size_t n)
{
	char	 other[512];

	file_write(path, p, n);
	(void)snprintf(other, sizeof(other), "%s-wal", path);
	(void)unlink(other);
	(void)snprintf(other, sizeof(other), "%s-shm", path);
	(void)unlink(other);
}

/* Nothing is there that was not written; how many answers were refused. */
static unsigned
refused(const char *path)
{
	struct store	*s = NULL;
	uint8_t		 key[4], value[100], share[48], want[48];
	unsigned	 i, n = 0;
	enum rc		 rc;

	memset(want, 0x5a, sizeof(want));
	if (store_open(path, STORE_OPEN, &s, NULL) != RC_OK)
		return RECORDS + 1000;
	for (i = 0; i < RECORDS; i++) {
		AUTO_DONE(buf_done) struct buf got = BUF_INIT(200);

		key_of(i, key);
		value_of(i, value);
		rc = store_journal_get(s, "act", SPAN_OF(key), &got, NULL);
		assert_true(rc == RC_OK || rc == RC_IO);	/* above all not RC_MISSING */
		assert_true(rc != RC_OK || span_eq(buf_view(&got), SPAN_OF(value)));
		n += rc != RC_OK;
	}
	for (i = 0; i < 1000; i += 25) {
		rc = store_share(s, 7, i, share, sizeof(share), NULL);
		assert_true(rc == RC_OK || rc == RC_IO);
		assert_true(rc != RC_OK || memcmp(share, want, sizeof(share)) == 0);
		n += rc != RC_OK;
	}
	store_close(s);
	return n;
}

static struct place	place;
static struct image	good;

static int
set_up(void **state)
{
	(void)state;
	place_init(&place);
	fill(place.db);
	good = image_read(place.db);
	assert_int_equal(refused(place.db), 0);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	free(good.p);
	place_done(&place);
	return 0;
}

/* What some damage to the file comes to, which is put right again. */
static unsigned
with(const uint8_t *p, size_t n)
{
	unsigned	got;

	image_write(place.db, p, n);
	got = refused(place.db);
	image_write(place.db, good.p, good.n);
	return got;
}

/* One bit, anywhere: pages that nothing points to may have it and be none the wiser. */
static void
one_bit(void **state)
{
	size_t		at;
	unsigned	noticed = 0, all = 0;

	(void)state;
	for (at = 5; at < good.n; at += 1009) {
		good.p[at] ^= 0x10;
		image_write(place.db, good.p, good.n);
		good.p[at] ^= 0x10;
		noticed += refused(place.db) != 0;
		all++;
	}
	image_write(place.db, good.p, good.n);
	assert_true(noticed > all / 2);
	assert_int_equal(refused(place.db), 0);
}

static void
whole_pages(void **state)
{
	uint8_t		*p = malloc(good.n);
	size_t		 i, pages = good.n / PAGE, step;
	unsigned	 zeroed = 0, torn = 0, swapped = 0;

	(void)state;
	assert_non_null(p);
	assert_true(pages > 20);
	step = pages / 20;
	for (i = 0; i + step < pages; i += step) {
		memcpy(p, good.p, good.n);
		memset(p + i * PAGE, 0, PAGE);
		zeroed += with(p, good.n) != 0;
		memcpy(p, good.p, good.n);
		memset(p + i * PAGE + PAGE / 2, 0, PAGE / 2);
		torn += with(p, good.n) != 0;
		memcpy(p, good.p, good.n);
		memcpy(p + i * PAGE, good.p + (i + step) * PAGE, PAGE);
		memcpy(p + (i + step) * PAGE, good.p + i * PAGE, PAGE);
		swapped += with(p, good.n) != 0;
	}
	assert_true(zeroed > 10 && torn > 10 && swapped > 10);
	free(p);
}

/* Not even the byte that says that there are digests. */
static void
no_room(void **state)
{
	(void)state;
	good.p[20] = 0;
	image_write(place.db, good.p, good.n);
	good.p[20] = STORE_PAGE_SUM;
	assert_int_equal(refused(place.db), RECORDS + 1000);
	image_write(place.db, good.p, good.n);
}

/* A file that ends too early is no shorter list. */
static void
cut_short(void **state)
{
	size_t	n;

	(void)state;
	for (n = PAGE; n < good.n; n += good.n / 7 / 512 * 512)
		assert_int_not_equal(with(good.p, n), 0);
}

/* Nor is its last page, of which the rest is gone, one that ends with zeros. */
static void
cut_within_a_page(void **state)
{
	size_t	less;

	(void)state;
	for (less = 10; less < PAGE; less += 509)
		assert_int_not_equal(with(good.p, good.n - less), 0);
}

/* Beside a write-ahead log SQLite does not look how long the file is. */
static void
cut_under_a_log(void **state)
{
	char		 wal[512];
	struct store	*s = NULL;
	struct image	 log;
	size_t		 less;

	(void)state;
	assert_int_equal(store_open(place.db, STORE_OPEN, &s, NULL), RC_OK);
	assert_int_equal(store_begin(s, NULL), RC_OK);
	assert_int_equal(store_put(s, "one", SPAN_STR("more"), NULL), RC_OK);
	assert_int_equal(store_commit(s, NULL), RC_OK);
	(void)snprintf(wal, sizeof(wal), "%s-wal", place.db);
	log = image_read(wal);
	store_close(s);
	for (less = 0; less <= 2 * PAGE; less += PAGE) {
		image_write(place.db, good.p, good.n - less);
		file_write(wal, log.p, log.n);
		assert_int_equal(refused(place.db) != 0, less != 0);
	}
	image_write(place.db, good.p, good.n);
	free(log.p);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(one_bit), cmocka_unit_test(whole_pages), cmocka_unit_test(cut_short),
		cmocka_unit_test(cut_within_a_page), cmocka_unit_test(cut_under_a_log), cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

/*
 * The one reading of a package: files and leaves across windows, in whatever order the jobs
 * run; each byte of the bulk is read once; what is found first does not depend on who ran.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evidence/crc32.h"
#include "evidence/package_text.h"
#include "evidence/verify.h"
#include "tests/unit/evidence/world.h"

#define WINDOW	((size_t)2 << 20)	/* as in verify_pass.c */
#define IMAGE	(2 * WINDOW + 300000)

static struct world	w;
static struct memfile	f;

static void
up(size_t image, uint8_t log2)
{
	memset(&w, 0, sizeof(w));
	w.image = image;
	w.segment_log2 = log2;
	net_init(&w.net);
	world_run(&w, "standard", world_nothing_between);
	assert_true(world_package(&w, &f));
}

static void
down(void)
{
	memfile_done(&f);
	world_down(&w);
}

/* --- who runs jobs --------------------------------------------------------------------- */

static size_t	jobs;

static void
forwards(void *user, size_t n, void (*job)(void *arg, size_t i), void *arg)
{
	(void)user;
	jobs += n;
	for (size_t i = 0; i < n; i++)
		job(arg, i);
}

static void
backwards(void *user, size_t n, void (*job)(void *arg, size_t i), void *arg)
{
	(void)user;
	jobs += n;
	while (n-- > 0)
		job(arg, n);
}

/* The last third first. */
static void
shuffled(void *user, size_t n, void (*job)(void *arg, size_t i), void *arg)
{
	(void)user;
	for (size_t i = 0; i < n; i++)
		job(arg, (i + n - n / 3) % n);
}

static const struct parallel	ways[] = { { forwards, NULL }, { backwards, NULL }, { shuffled, NULL } };
#define WAYS	(sizeof(ways) / sizeof(ways[0]))

struct counted { struct memfile *file; uint64_t bytes; uint64_t fail_past; };

static enum rc
counted_read(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	struct counted	*c = user;

	c->bytes += n;
	if (c->fail_past > 0 && c->bytes > c->fail_past) {
		c->fail_past = 0;
		return err_set(err, RC_IO, "the disk was away");
	}
	return memfile_read(c->file, at, out, n, err);
}

static enum rc
verify(const struct parallel *how, struct counted *c, struct package_report *ret, struct err *err)
{
	struct package_trust	trust = { .genesis = w.net.genesis, .now = w.net.now, .parallel = how };

	return package_verify(counted_read, c, f.b.n, &trust, ret, err);
}

static struct package_report
report(const struct parallel *how)
{
	struct counted		c = { &f, 0, 0 };
	struct package_report	r;
	struct err		err;

	if (verify(how, &c, &r, &err) != RC_OK)
		fail_msg("%s", err.msg);
	return r;
}

/* --- bytes that change, with a good CRC -------------------------------------------------- */

static uint8_t *
find_name(const char *name, size_t from)
{
	uint8_t	*p = memmem(f.b.p + from, f.b.n - from, name, strlen(name));

	assert_non_null(p);
	return p;
}

static void
put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

/* Of segment `segment` of artifact 0's image. */
static void
change(uint32_t segment, uint64_t at)
{
	package_name	name;
	struct zip	*z;
	struct zip_entry e;
	uint32_t	crc;

	name_segment(w.artifact[0].id, "image", segment, name);
	assert_int_equal(zip_open(memfile_read, &f, f.b.n, &z, NULL), RC_OK);
	assert_int_equal(zip_find(z, name, NULL, &e, NULL), RC_OK);
	zip_free(z);
	f.b.p[e.at + at] ^= 1;
	crc = crc32_more(0, SPAN(f.b.p + e.at, e.size));
	put32(f.b.p + e.at - strlen(name) - 16, crc);
	/* In the directory, which comes after what the manifests say of it. */
	for (uint8_t *p = f.b.p + e.at;;) {
		p = find_name(name, (size_t)(p - f.b.p) + 1);
		if (memcmp(p - 46, "PK\1\2", 4) == 0) {
			put32(p - 46 + 16, crc);
			return;
		}
	}
}

static void
found(const char *words)
{
	for (size_t i = 0; i < WAYS; i++) {
		struct package_report	r = report(&ways[i]);

		assert_int_equal(r.claim[CLAIM_CONTAINER].verdict, CLAIM_YES);
		assert_int_equal(r.claim[CLAIM_CIPHERTEXT].verdict, CLAIM_NO);
		assert_string_equal(r.claim[CLAIM_CIPHERTEXT].words, words);
	}
}

/* --- tests ------------------------------------------------------------------------------------ */

/* One file over three windows; many that meet the windows' ends anywhere; many in one. */
static void
sizes(void **state)
{
	static const struct { size_t image; uint8_t log2; } rows[] = {
		{ IMAGE, 24 }, { IMAGE, 16 }, { IMAGE, 20 }, { 1, 16 },
		{ 32 * 65536, 24 }, { WINDOW, 20 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		up(rows[i].image, rows[i].log2);
		assert_int_equal(report(NULL).verdict, PACKAGE_VALID);
		for (size_t k = 0; k < WAYS; k++)
			assert_int_equal(report(&ways[k]).verdict, PACKAGE_VALID);
		down();
	}
	assert_true(jobs > 100);
}

static void
any_leaf(void **state)
{
	static const struct { uint64_t at; const char *words; } rows[] = {
		{ 0, "part image, segment 0: chunk 0 is not under the ciphertext root" },
		{ 32 + 65552 - 1, "part image, segment 0: chunk 0 is not under the ciphertext root" },
		{ 32 + 65552, "part image, segment 0: chunk 1 is not under the ciphertext root" },
		{ 32 + 31 * 65552 + 9, "part image, segment 0: chunk 31 is not under the ciphertext root" },
		{ 32 + 40 * 65552, "part image, segment 0: chunk 40 is not under the ciphertext root" },
		{ IMAGE + 32 + 69 * 16 - 1, "part image, segment 0: chunk 68 is not under the ciphertext root" },
	};

	(void)state;
	up(IMAGE, 24);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		change(0, rows[i].at);
		found(rows[i].words);
		change(0, rows[i].at);
	}
	assert_int_equal(report(NULL).verdict, PACKAGE_VALID);
	down();
}

static void
the_first_of_many(void **state)
{
	(void)state;
	up(IMAGE, 16);
	change(60, 100);
	change(41, 1);
	found("part image, segment 41: chunk 0 is not under the ciphertext root");
	change(3, 65583);
	found("part image, segment 3: chunk 0 is not under the ciphertext root");
	down();
}

/* A CRC alone: the first file that is damaged is named. */
static void
damaged(void **state)
{
	(void)state;
	up(IMAGE, 20);
	f.b.p[f.b.n / 2] ^= 1;
	f.b.p[f.b.n / 2 + WINDOW / 2] ^= 1;
	for (size_t i = 0; i < WAYS; i++) {
		struct package_report	r = report(&ways[i]);

		assert_int_equal(r.claim[CLAIM_CONTAINER].verdict, CLAIM_NO);
		assert_string_equal(r.claim[CLAIM_CONTAINER].words, report(NULL).claim[CLAIM_CONTAINER].words);
		assert_non_null(strstr(r.claim[CLAIM_CONTAINER].words, "is damaged: its CRC is another"));
		assert_int_equal(r.verdict, PACKAGE_INVALID);
	}
	down();
}

static void
read_once(void **state)
{
	struct package_report	r;
	struct counted		c = { &f, 0, 0 };
	struct err		err;

	(void)state;
	up(IMAGE, 20);
	assert_int_equal(verify(&ways[0], &c, &r, &err), RC_OK);
	assert_true(c.bytes > f.b.n);
	assert_true(c.bytes - f.b.n < IMAGE / 10);	/* small files, headers, hashes of leaves */
	/* What cannot be read is no verdict, though it can be read again. */
	for (size_t i = 0; i < WAYS; i++) {
		c = (struct counted){ &f, 0, f.b.n / 2 };
		assert_int_equal(verify(&ways[i], &c, &r, &err), RC_IO);
		assert_string_equal(err.msg, "the disk was away");
	}
	down();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(any_leaf),
		cmocka_unit_test(the_first_of_many),
		cmocka_unit_test(damaged),
		cmocka_unit_test(read_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Marks in the token: replaced, never lost, each owner's apart. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hsm/internal.h"
#include "tests/unit/hsm/tokens.h"

#define NAME	"quorate mark test"

static struct tokens	 t;
static struct hsm	*soft, *nss;
static CK_FUNCTION_LIST	*real, stand_in;

static int
up(void **state)
{
	(void)state;
	tokens_up(&t);
	if (softhsm_token("alpha"))
		soft = softhsm_open(&t, "alpha", HSM_PATH_AUTO);
	if (nss_token(&t))
		nss = nss_open(&t, HSM_PATH_AUTO);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	hsm_close(soft);
	hsm_close(nss);
	tokens_down(&t);
	return 0;
}

#define NEED(token)							\
	do {								\
		(void)state;						\
		if ((token) == NULL) {					\
			printf("skipped: no token for this test\n");	\
			return;						\
		}							\
	} while (0)

static void
stand_before(struct hsm *h)
{
	real = h->m->f;
	stand_in = *real;
	h->m->f = &stand_in;
}

static void
stand_aside(struct hsm *h)
{
	h->m->f = real;
}

struct value {
	uint8_t	bytes[HSM_MARK_MAX];
};

/* Of an owner, and with a count. */
static struct value
value_of(uint8_t owner, uint8_t count)
{
	struct value	v;

	memset(v.bytes, count, sizeof(v.bytes));
	memset(v.bytes, owner, HSM_MARK_OWNER);
	return v;
}

static enum rc
write_mark(uint8_t owner, uint8_t count, bool make, struct err *err)
{
	struct value	v = value_of(owner, count);

	return hsm_mark_write(soft, NAME, SPAN_OF(v.bytes), make, err);
}

/* Each owner's highest: how many there are of an owner and a count; and in all. */
static size_t
count_marks(uint8_t owner, uint8_t count, size_t *ret_all)
{
	struct hsm_mark	m[HSM_MARKS_MAX];
	struct value	v = value_of(owner, count);
	size_t		same = 0, n;
	struct err	err;

	must(hsm_mark_read(soft, NAME, m, &n, &err), &err);
	*ret_all = 0;
	for (size_t i = 0, j; i < n; i++) {
		for (j = 0; j < n; j++)
			if (memcmp(m[j].bytes, m[i].bytes, HSM_MARK_OWNER) == 0 &&
			    memcmp(m[j].bytes, m[i].bytes, HSM_MARK_MAX) > 0)
				break;
		*ret_all += j == n;
		same += j == n && span_eq(SPAN(m[i].bytes, m[i].n), SPAN_OF(v.bytes));
	}
	return same;
}

static void
assert_only(uint8_t owner, uint8_t count)
{
	size_t	all;

	assert_int_equal(count_marks(owner, count, &all), 1);
	assert_int_equal(all, 1);
}

static void
clear(void)
{
	struct err	err;
	size_t		all;

	must(hsm_mark_sweep(soft, NAME, NULL, &err), &err);
	assert_int_equal(count_marks(0, 0, &all), 0);
	assert_int_equal(all, 0);
}

/* ---- as it should be ---- */

static void
test_written_and_read(void **state)
{
	struct hsm_mark	m[HSM_MARKS_MAX];
	size_t		all;
	struct err	err;

	NEED(soft);
	clear();
	must(write_mark(1, 1, true, &err), &err);
	assert_only(1, 1);
	for (uint8_t i = 2; i < 20; i++)
		must(write_mark(1, i, false, &err), &err);
	assert_only(1, 19);
	/* Another owner's stands beside it, and labels are apart. */
	must(write_mark(2, 5, true, &err), &err);
	assert_int_equal(count_marks(1, 19, &all), 1);
	assert_int_equal(count_marks(2, 5, &all), 1);
	assert_int_equal(all, 2);
	must(hsm_mark_read(soft, NAME "2", m, &all, &err), &err);
	assert_int_equal(all, 0);
	/* It lasts. */
	must(hsm_module_recover(soft->m, soft->m->generation, true), &err);
	assert_int_equal(count_marks(1, 19, &all), 1);
	must(hsm_mark_sweep(soft, NAME, value_of(2, 0).bytes, &err), &err);
	assert_only(2, 5);
	clear();
}

/* An owner whose mark was destroyed learns it, and does not make a new one. */
static void
test_destroyed(void **state)
{
	struct err	err;
	size_t		all;

	NEED(soft);
	clear();
	must(write_mark(1, 1, true, &err), &err);
	must(write_mark(2, 1, true, &err), &err);
	must(hsm_mark_sweep(soft, NAME, value_of(2, 0).bytes, &err), &err);
	assert_int_equal(write_mark(1, 2, false, &err), RC_MISSING);
	assert_non_null(strstr(err.msg, "gone"));
	assert_int_equal(count_marks(2, 1, &all), 1);
	assert_int_equal(all, 1);
	clear();
}

static void
test_sizes(void **state)
{
	static const uint8_t	long_one[HSM_MARK_MAX + 1] = { 1 };
	struct hsm_mark		m[HSM_MARKS_MAX];
	size_t			all;
	struct err		err;

	NEED(soft);
	clear();
	assert_int_equal(hsm_mark_write(soft, NAME, SPAN(long_one, sizeof(long_one)), true, &err), RC_BUG);
	assert_int_equal(hsm_mark_write(soft, NAME, SPAN(long_one, HSM_MARK_OWNER - 1), true, &err), RC_BUG);
	must(hsm_mark_write(soft, NAME, SPAN(long_one, HSM_MARK_OWNER), true, &err), &err);
	must(hsm_mark_write(soft, NAME, SPAN(long_one, HSM_MARK_MAX), false, &err), &err);
	must(hsm_mark_read(soft, NAME, m, &all, &err), &err);
	assert_int_equal(all, 2);
	assert_int_equal(m[0].n + m[1].n, HSM_MARK_OWNER + HSM_MARK_MAX);
	clear();
}

/* ---- what others left ---- */

static CK_OBJECT_HANDLE
raw_object(struct span p, bool hex)
{
	static CK_OBJECT_CLASS	class = CKO_DATA;
	static CK_BBOOL		on = CK_TRUE;
	char			text[1024];
	CK_ATTRIBUTE		a[] = {
		{ CKA_CLASS, &class, sizeof(class) }, { CKA_TOKEN, &on, 1 }, { CKA_PRIVATE, &on, 1 },
		{ CKA_APPLICATION, (void *)(uintptr_t)NAME, sizeof(NAME) - 1 },
		{ CKA_LABEL, (void *)(uintptr_t)p.p, p.n },
	};
	CK_SESSION_HANDLE	s;
	CK_OBJECT_HANDLE	o = 0;

	if (hex)
		a[4] = (CK_ATTRIBUTE){ CKA_LABEL, hex_write(p, text), 2 * p.n };
	assert_int_equal(soft->m->f->C_OpenSession(raw_slot(soft->m->f, "alpha"),
	    CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s), CKR_OK);
	assert_int_equal(soft->m->f->C_CreateObject(s, a, sizeof(a) / sizeof(a[0]), &o), CKR_OK);
	soft->m->f->C_CloseSession(s);
	return o;
}

static void
raw_destroy(CK_OBJECT_HANDLE o)
{
	CK_SESSION_HANDLE	s;

	assert_int_equal(soft->m->f->C_OpenSession(raw_slot(soft->m->f, "alpha"),
	    CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s), CKR_OK);
	assert_int_equal(soft->m->f->C_DestroyObject(s, o), CKR_OK);
	soft->m->f->C_CloseSession(s);
}

/* No mark of ours is as long or as short, or no hex, and none is guessed from such. */
static void
test_not_ours(void **state)
{
	static const uint8_t	p[HSM_MARK_MAX + 1] = { 1 };
	const struct { struct span bytes; bool hex; } odd[] = {
		{ SPAN(p, HSM_MARK_MAX + 1), true }, { SPAN(p, HSM_MARK_OWNER - 1), true },
		{ SPAN_STR("000102030405060708090a0b0c0d0e0f1"), false },
		{ SPAN_STR("000102030405060708090a0b0c0d0e0g"), false },
		{ SPAN_STR("000102030405060708090A0B0C0D0E0F"), false },
		{ SPAN("000102030405060708090a0b0c0d0e\0000", 32), false },
		{ SPAN_STR(""), false },
	};
	struct hsm_mark		m[HSM_MARKS_MAX];
	CK_OBJECT_HANDLE	o;
	uint64_t		generation;
	size_t			all = 77;
	struct err		err;

	NEED(soft);
	clear();
	generation = soft->m->generation;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		o = raw_object(odd[i].bytes, odd[i].hex);
		assert_int_equal(hsm_mark_read(soft, NAME, m, &all, &err), RC_FORMAT);
		assert_non_null(strstr(err.msg, "none of ours"));
		assert_int_equal(write_mark(1, 1, true, &err), RC_FORMAT);
		assert_int_equal(hsm_mark_sweep(soft, NAME, NULL, &err), RC_FORMAT);
		assert_int_equal(all, 77);
		raw_destroy(o);
	}
	assert_int_equal(soft->m->generation, generation);
	clear();
}

static void
test_too_many(void **state)
{
	CK_OBJECT_HANDLE	o;
	struct hsm_mark		m[HSM_MARKS_MAX];
	struct value		v = value_of(99, 1);
	size_t			all;
	struct err		err;

	NEED(soft);
	clear();
	for (uint8_t i = 0; i < HSM_MARKS_MAX; i++)
		must(write_mark(i, 1, true, &err), &err);
	must(hsm_mark_read(soft, NAME, m, &all, &err), &err);
	assert_int_equal(all, HSM_MARKS_MAX);
	o = raw_object(SPAN_OF(v.bytes), true);
	assert_int_equal(hsm_mark_read(soft, NAME, m, &all, &err), RC_FORMAT);
	assert_non_null(strstr(err.msg, "more than"));
	raw_destroy(o);
	clear();
}

static size_t
read_highest(uint8_t *ret_highest)
{
	struct hsm_mark	m[HSM_MARKS_MAX];
	size_t		n;
	struct err	err;

	must(hsm_mark_read(soft, NAME, m, &n, &err), &err);
	*ret_highest = 0;
	for (size_t i = 0; i < n; i++)
		if (m[i].bytes[HSM_MARK_OWNER] > *ret_highest)
			*ret_highest = m[i].bytes[HSM_MARK_OWNER];
	return n;
}

/* After crashes between making and destroying: all are read, and the next write leaves two. */
static void
test_many_of_one_owner(void **state)
{
	struct value	v;
	uint8_t		high;
	struct err	err;

	NEED(soft);
	clear();
	must(write_mark(1, 2, true, &err), &err);
	for (uint8_t i = 6; i > 2; i--) {
		v = value_of(1, i);
		(void)raw_object(SPAN_OF(v.bytes), true);
	}
	assert_int_equal(read_highest(&high), 5);
	assert_int_equal(high, 6);
	must(write_mark(1, 7, false, &err), &err);
	assert_int_equal(read_highest(&high), 2);
	assert_int_equal(high, 7);
	must(write_mark(1, 7, false, &err), &err);	/* the same again */
	assert_int_equal(read_highest(&high), 2);
	must(write_mark(1, 8, false, &err), &err);
	assert_int_equal(read_highest(&high), 2);
	assert_int_equal(high, 8);
	clear();
}

static void
in_token_folder(const char *command)
{
	char	line[256];

	snprintf(line, sizeof(line), "cd '%s'/soft/*/ && %s", t.dir, command);
	assert_int_equal(system(line), 0);
}

/* A write that is cut short costs that mark alone: the one before is there. */
static void
test_cut_short(void **state)
{
	uint8_t		high;
	struct err	err;

	NEED(soft);
	clear();
	for (uint8_t i = 1; i < 9; i++) {
		must(write_mark(1, i, i == 1, &err), &err);
		if (i < 2)
			continue;
		in_token_folder("cp -a $(ls -t *.object | head -n 1) ../kept && truncate -s 0 $(ls -t *.object | head -n 1)");
		(void)read_highest(&high);
		assert_int_equal(high, i - 1);
		in_token_folder("mv ../kept $(find . -name '*.object' -empty)");
		must(hsm_module_recover(soft->m, soft->m->generation, true), &err);
	}
	/* And one that stays so is made anew. */
	in_token_folder("truncate -s 0 $(ls -t *.object | head -n 1)");
	must(hsm_module_recover(soft->m, soft->m->generation, true), &err);
	must(write_mark(1, 9, false, &err), &err);
	assert_int_equal(read_highest(&high), 2);
	assert_int_equal(high, 9);
	in_token_folder("find . -name '*.object' -empty -delete");
	clear();
}

/* ---- tokens that replace nothing in place, and tokens that fail ---- */

static CK_RV
no_set(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a, CK_ULONG n)
{
	(void)s, (void)o, (void)a, (void)n;
	return CKR_FUNCTION_NOT_SUPPORTED;
}

static CK_RV
no_create(CK_SESSION_HANDLE s, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *o)
{
	(void)s, (void)a, (void)n, (void)o;
	return CKR_DEVICE_MEMORY;
}

static CK_RV
no_destroy(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o)
{
	(void)s, (void)o;
	return CKR_DEVICE_ERROR;
}

static void
test_not_in_place(void **state)
{
	AUTO_DONE(buf_done) struct buf report = BUF_INIT(8192);
	struct hsm_probe p;
	size_t		 all;
	struct err	 err;

	NEED(soft);
	clear();
	must(write_mark(2, 7, true, &err), &err);
	must(write_mark(1, 1, true, &err), &err);
	stand_before(soft);
	stand_in.C_SetAttributeValue = no_set;
	for (uint8_t i = 2; i < 10; i++)
		must(write_mark(1, i, false, &err), &err);
	must(hsm_probe(soft, NULL, &p, &report, &err), &err);
	/* The old one stays when the new one cannot be made; and both when it cannot be destroyed. */
	stand_in.C_CreateObject = no_create;
	assert_int_not_equal(write_mark(1, 10, false, &err), RC_OK);
	stand_in.C_CreateObject = real->C_CreateObject;
	assert_int_equal(count_marks(1, 9, &all), 1);
	assert_int_equal(all, 2);
	stand_in.C_DestroyObject = no_destroy;
	assert_int_not_equal(write_mark(1, 11, false, &err), RC_OK);
	stand_aside(soft);
	assert_true(count_marks(1, 11, &all) >= 1);
	assert_true(p.mark);
	must(write_mark(1, 12, false, &err), &err);
	assert_int_equal(count_marks(1, 12, &all), 1);
	assert_int_equal(all, 2);
	clear();
}

static CK_RV
destroyed_meanwhile(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a, CK_ULONG n)
{
	struct err	err;

	(void)s, (void)o, (void)a, (void)n;
	stand_in.C_SetAttributeValue = real->C_SetAttributeValue;
	must(hsm_mark_sweep(soft, NAME, NULL, &err), &err);
	return CKR_OBJECT_HANDLE_INVALID;
}

/* Taken over between find and write: what was destroyed is not made again. */
static void
test_destroyed_meanwhile(void **state)
{
	struct timespec	ts = { 0, (HSM_RECOVERY_PAUSE_MS + 20) * 1000000L };
	size_t		all;
	struct err	err;

	NEED(soft);
	clear();
	must(write_mark(1, 1, true, &err), &err);
	must(write_mark(1, 2, false, &err), &err);
	nanosleep(&ts, NULL);
	stand_before(soft);
	stand_in.C_SetAttributeValue = destroyed_meanwhile;
	assert_int_equal(write_mark(1, 3, false, &err), RC_MISSING);
	stand_aside(soft);
	assert_int_equal(count_marks(1, 3, &all), 0);
	assert_int_equal(all, 0);
}

static void
test_away_and_back(void **state)
{
	struct timespec	ts = { 0, (HSM_RECOVERY_PAUSE_MS + 20) * 1000000L };
	struct hsm_mark	m[HSM_MARKS_MAX];
	char		here[128], away[128];
	size_t		all;
	struct err	err;

	NEED(soft);
	clear();
	must(write_mark(1, 1, true, &err), &err);
	snprintf(here, sizeof(here), "%s/soft", t.dir);
	snprintf(away, sizeof(away), "%s/away", t.dir);
	assert_int_equal(rename(here, away), 0);
	nanosleep(&ts, NULL);
	assert_int_equal(hsm_module_recover(soft->m, soft->m->generation, true), RC_IO);
	assert_int_equal(write_mark(1, 2, false, &err), RC_IO);
	assert_int_equal(hsm_mark_read(soft, NAME, m, &all, &err), RC_IO);
	assert_int_equal(rename(away, here), 0);
	nanosleep(&ts, NULL);
	must(write_mark(1, 3, false, &err), &err);
	assert_only(1, 3);
	clear();
}

/* ---- the probe ---- */

static CK_RV
forgets(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a, CK_ULONG n)
{
	(void)s, (void)o, (void)a, (void)n;
	return CKR_OK;
}

static CK_RV
no_data(CK_SESSION_HANDLE s, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *o)
{
	for (CK_ULONG i = 0; i < n; i++)
		if (a[i].type == CKA_CLASS && *(CK_OBJECT_CLASS *)a[i].pValue == CKO_DATA)
			return CKR_ATTRIBUTE_VALUE_INVALID;
	return real->C_CreateObject(s, a, n, o);
}

static size_t
count_probes(void)
{
	static CK_OBJECT_CLASS	class = CKO_DATA;
	CK_ATTRIBUTE		want = { CKA_CLASS, &class, sizeof(class) };
	CK_OBJECT_HANDLE	o[16];
	CK_SESSION_HANDLE	s;
	CK_ULONG		n = 0;

	assert_int_equal(soft->m->f->C_OpenSession(raw_slot(soft->m->f, "alpha"),
	    CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s), CKR_OK);
	assert_int_equal(soft->m->f->C_FindObjectsInit(s, &want, 1), CKR_OK);
	assert_int_equal(soft->m->f->C_FindObjects(s, o, 16, &n), CKR_OK);
	soft->m->f->C_CloseSession(s);
	return n;
}

static void
probe_with(struct hsm_probe *p, const char *says)
{
	AUTO_DONE(buf_done) struct buf report = BUF_INIT(8192);
	struct err	err;

	must(hsm_probe(soft, NULL, p, &report, &err), &err);
	assert_non_null(strstr(buf_text(&report), says));
}

static void
test_probe(void **state)
{
	struct hsm_probe	p;
	struct err		err;

	NEED(soft);
	clear();
	probe_with(&p, "has: private data objects");
	assert_true(p.mark);
	must(hsm_probe_check(&p, &err), &err);
	assert_int_equal(count_probes(), 0);
	stand_before(soft);
	stand_in.C_SetAttributeValue = forgets;
	probe_with(&p, "it gives back something else");
	stand_in.C_SetAttributeValue = real->C_SetAttributeValue;
	assert_false(p.mark);
	assert_int_equal(hsm_probe_check(&p, &err), RC_DENIED);
	assert_non_null(strstr(err.msg, "CKO_DATA"));
	stand_in.C_CreateObject = no_data;
	probe_with(&p, "lacks: private data objects");
	stand_aside(soft);
	assert_false(p.mark);
	assert_int_equal(hsm_probe_check(&p, &err), RC_DENIED);
	assert_int_equal(count_probes(), 0);
}

/* NSS keeps no data objects; whatever a module does there is a clear answer. */
static void
test_nss(void **state)
{
	struct value	v = value_of(1, 1);
	struct err	err;

	NEED(nss);
	assert_int_equal(hsm_mark_write(nss, NAME, SPAN_OF(v.bytes), true, &err), RC_FORMAT);
	assert_non_null(strstr(err.msg, NAME));
}

/* ---- what it costs, beside a signature ---- */

static double
seconds(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

#define ROUNDS	500

static void
test_cost(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	struct hsm_mark	m[HSM_MARKS_MAX];
	uint8_t		sig[HSM_SIGNATURE_BYTES];
	double		start, mark, sign;
	size_t		all;
	struct err	err;

	NEED(soft);
	clear();
	must(hsm_key_generate(soft, HSM_SIGN_ED25519, "cost", &k, &err), &err);
	must(write_mark(1, 0, true, &err), &err);
	start = seconds();
	for (int i = 0; i < ROUNDS; i++) {
		must(write_mark(1, (uint8_t)i, false, &err), &err);
		must(hsm_mark_read(soft, NAME, m, &all, &err), &err);
	}
	mark = seconds() - start;
	start = seconds();
	for (int i = 0; i < ROUNDS; i++)
		must(hsm_sign_ed25519(k, SPAN_STR("a checkpoint"), sig, &err), &err);
	sign = seconds() - start;
	printf("a mark written and read: %.0f us; an Ed25519 signature: %.0f us; ratio %.1f\n",
	    mark / ROUNDS * 1e6, sign / ROUNDS * 1e6, mark / sign);
	must(hsm_key_destroy(k, &err), &err);
	clear();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_and_read),
		cmocka_unit_test(test_destroyed),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_many_of_one_owner),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_not_in_place),
		cmocka_unit_test(test_destroyed_meanwhile),
		cmocka_unit_test(test_away_and_back),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_nss),
		cmocka_unit_test(test_cost),
	};

	return cmocka_run_group_tests(tests, up, down);
}

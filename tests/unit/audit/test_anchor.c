/* What an anchor entry archives: its bytes, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/anchor.h"
#include "base/auto.h"

#define BUF(name, size)	AUTO_DONE(buf_done) struct buf name = BUF_INIT(size)
#define ROOM		(2 * ANCHOR_BYTES_MAX)

static const struct anchor	full = {
	.note = { (const uint8_t *)"note", 4 },
	.token = { (const uint8_t *)"token", 5 },
	.n_certificates = 2,
	.n_crls = 1,
	.certificate = { { (const uint8_t *)"c1", 2 }, { (const uint8_t *)"c2!", 3 } },
	.crl = { { (const uint8_t *)"list", 4 } },
};

static void
there_and_back(void **state)
{
	static const char	bytes[] = "quorate anchor 1\n\0\0\0\4note\0\0\0\5token"
				    "\2\0\0\0\2c1\0\0\0\3c2!\1\0\0\0\4list";
	BUF(out, ROOM);
	struct anchor	a;

	(void)state;
	assert_int_equal(anchor_write(&full, &out, NULL), RC_OK);
	assert_int_equal(out.n, sizeof(bytes) - 1);
	assert_memory_equal(out.p, bytes, out.n);
	assert_int_equal(anchor_parse(buf_view(&out), &a, NULL), RC_OK);
	assert_true(span_eq(a.note, full.note) && span_eq(a.token, full.token));
	assert_int_equal(a.n_certificates, 2);
	assert_true(span_eq(a.certificate[1], full.certificate[1]));
	assert_int_equal(a.n_crls, 1);
	assert_true(span_eq(a.crl[0], full.crl[0]));
}

static void
broken(void **state)
{
	BUF(out, ROOM);
	struct anchor	a = { .n_crls = 77 };

	(void)state;
	assert_int_equal(anchor_write(&full, &out, NULL), RC_OK);
	for (size_t n = 0; n < out.n; n++) {
		uint8_t	*p = malloc(n == 0 ? 1 : n);

		memcpy(p, out.p, n);
		assert_int_equal(anchor_parse(SPAN(p, n), &a, NULL), RC_FORMAT);
		free(p);
	}
	out.p[15] = '2';
	assert_int_equal(anchor_parse(buf_view(&out), &a, NULL), RC_FORMAT);
	out.p[15] = '1';
	buf_u8(&out, 0);
	assert_int_equal(anchor_parse(buf_view(&out), &a, NULL), RC_FORMAT);
	assert_int_equal(a.n_crls, 77);
}

/* Each part as long as it may be, and one byte longer. */
static void
limits(void **state)
{
	static const uint8_t	zeros[TIMESTAMP_CRL_MAX + 1];
	static const struct {
		size_t	note, token, certificate, crl;
		uint8_t	certificates, crls;
		enum rc	rc;
	} t[] = {
		{ NOTE_BYTES_MAX, TIMESTAMP_RESPONSE_MAX, TIMESTAMP_CERT_MAX, TIMESTAMP_CRL_MAX, 8, 1, RC_OK },
		{ 1, 1, 1, 1, 0, 0, RC_OK },
		{ 0, 1, 1, 1, 0, 0, RC_FORMAT },
		{ 1, 0, 1, 1, 0, 0, RC_FORMAT },
		{ 1, 1, 0, 1, 1, 0, RC_FORMAT },
		{ 1, 1, 1, 0, 0, 1, RC_FORMAT },
		{ NOTE_BYTES_MAX + 1, 1, 1, 1, 0, 0, RC_FORMAT },
		{ 1, TIMESTAMP_RESPONSE_MAX + 1, 1, 1, 0, 0, RC_FORMAT },
		{ 1, 1, TIMESTAMP_CERT_MAX + 1, 1, 1, 0, RC_FORMAT },
		{ 1, 1, 1, TIMESTAMP_CRL_MAX + 1, 0, 1, RC_FORMAT },
		{ 1, 1, 1, 1, 8, 8, RC_OK },
	};
	struct anchor	a, back;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		BUF(out, ROOM);

		memset(&a, 0, sizeof(a));
		a.note = SPAN(zeros, t[i].note);
		a.token = SPAN(zeros, t[i].token);
		a.n_certificates = t[i].certificates;
		a.n_crls = t[i].crls;
		for (size_t j = 0; j < 8; j++) {
			a.certificate[j] = SPAN(zeros, t[i].certificate);
			a.crl[j] = SPAN(zeros, t[i].crl);
		}
		assert_int_equal(anchor_write(&a, &out, NULL), RC_OK);
		if (anchor_parse(buf_view(&out), &back, NULL) != t[i].rc)
			fail_msg("row %zu", i);
	}
}

/* More than a message may carry: what was written before it stays, the rest does not. */
static void
too_long(void **state)
{
	static const uint8_t	zeros[TIMESTAMP_CRL_MAX];
	BUF(out, ANCHOR_BYTES_MAX);
	BUF(more, ROOM);
	struct anchor	a = full, back;

	(void)state;
	a.n_crls = 2;
	a.crl[0] = a.crl[1] = SPAN_OF(zeros);
	buf_u8(&out, 7);
	assert_int_equal(anchor_write(&a, &out, NULL), RC_LIMIT);
	assert_int_equal(out.n, 1);
	a.n_crls = 1;
	assert_int_equal(anchor_write(&a, &out, NULL), RC_OK);
	/* Nor is it read, however it came to be. */
	buf_span(&more, SPAN_STR("quorate anchor 1\n\0\0\0\1n\0\0\0\1t\0\2"));
	buf_vec32(&more, SPAN_OF(zeros));
	buf_vec32(&more, SPAN_OF(zeros));
	assert_int_equal(anchor_parse(buf_view(&more), &back, NULL), RC_FORMAT);
	/* As long as it may be, to the byte. */
	a.n_crls = 2;
	a.crl[1].n = ANCHOR_BYTES_MAX - (out.n - 1) - 4;
	buf_reset(&out);
	assert_int_equal(anchor_write(&a, &out, NULL), RC_OK);
	assert_int_equal(out.n, ANCHOR_BYTES_MAX);
	assert_int_equal(anchor_parse(buf_view(&out), &back, NULL), RC_OK);
	buf_reset(&out);
	a.crl[1].n++;
	assert_int_equal(anchor_write(&a, &out, NULL), RC_LIMIT);
}

/* A count over what there is room for. */
static void
counts(void **state)
{
	BUF(out, ROOM);
	struct anchor	a;

	(void)state;
	buf_span(&out, SPAN_STR("quorate anchor 1\n\0\0\0\1n\0\0\0\1t"));
	buf_u8(&out, 9);
	for (int i = 0; i < 9; i++)
		buf_span(&out, SPAN_STR("\0\0\0\1c"));
	buf_u8(&out, 0);
	assert_int_equal(anchor_parse(buf_view(&out), &a, NULL), RC_FORMAT);
	buf_reset(&out);
	buf_span(&out, SPAN_STR("quorate anchor 1\n\0\0\0\1n\0\0\0\1t\0"));
	buf_u8(&out, 9);
	for (int i = 0; i < 9; i++)
		buf_span(&out, SPAN_STR("\0\0\0\1c"));
	assert_int_equal(anchor_parse(buf_view(&out), &a, NULL), RC_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(broken),
		cmocka_unit_test(limits),
		cmocka_unit_test(too_long),
		cmocka_unit_test(counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

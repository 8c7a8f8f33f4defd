/* The DER that we lay out ourselves: one form of each length, one order of each set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/der.h"

#define BUF(name)	AUTO_DONE(buf_done) struct buf name = BUF_INIT(1 << 25)

struct row { const char *what; uint8_t n; uint8_t in[8]; bool ok; };

static void
forms(void **state)
{
	static const struct row rows[] = {
		{ "nothing",			0, { 0 },				false },
		{ "a null",			2, { 5, 0 },				true },
		{ "no length",			1, { 5 },				false },
		{ "no value",			2, { 4, 1 },				false },
		{ "one byte",			3, { 4, 1, 9 },				true },
		{ "bytes after it",		3, { 5, 0, 0 },				false },
		{ "an empty sequence",		2, { 0x30, 0 },				true },
		{ "a sequence of two",		6, { 0x30, 4, 5, 0, 5, 0 },		true },
		{ "half an element in it",	3, { 0x30, 1, 5 },			false },
		{ "an element that leaves it",	6, { 0x30, 3, 4, 2, 0, 0 },		false },
		{ "the same, within another",	8, { 0x30, 6, 0x30, 2, 4, 2, 0, 0 },	false },
		{ "more in it than around it",	8, { 0x30, 2, 0x30, 4, 5, 0, 5, 0 },	false },
		{ "length in a second form",	4, { 4, 0x81, 1, 9 },			false },
		{ "length with a zero",		5, { 4, 0x82, 0, 1, 9 },		false },
		{ "indefinite",			6, { 0x30, 0x80, 5, 0, 0, 0 },		false },
		{ "of four bytes",		6, { 4, 0x84, 0, 0, 0, 0 },		false },
		{ "the length that is none",	2, { 4, 0xff },				false },
		{ "a set that is none",		3, { 0x11, 1, 0 },			false },
		{ "octets in pieces",		5, { 0x24, 3, 4, 1, 0 },		false },
		{ "one's own tag, either way",	6, { 0xa0, 4, 0x80, 2, 1, 2 },		true },
		{ "a tag of two bytes",		4, { 0x1f, 5, 1, 0 },			false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t	*copy = malloc(rows[i].n + (size_t)(rows[i].n == 0));

		memcpy(copy, rows[i].in, rows[i].n);
		if (der_ok(SPAN(copy, rows[i].n)) != rows[i].ok)
			fail_msg("%s", rows[i].what);
		free(copy);
	}
}

static void
lengths(void **state)
{
	static const size_t	n[] = { 0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0xffffff };
	static const size_t	head[] = { 2, 2, 2, 3, 3, 4, 4, 5, 5 };
	uint8_t			*bytes = calloc(1, 0x1000000);

	(void)state;
	for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
		struct rd	r;
		struct span	whole, value;
		BUF(out);

		der_write(&out, DER_OCTETS, SPAN(bytes, n[i]));
		assert_int_equal(out.n, head[i] + n[i]);
		assert_true(der_ok(buf_view(&out)));
		r = rd_init(buf_view(&out));
		assert_false(der_take(&r, DER_SEQUENCE, &whole, &value));
		assert_true(der_take(&r, DER_OCTETS, &whole, &value) && rd_done(&r));
		assert_int_equal(whole.n, out.n);
		assert_int_equal(value.n, n[i]);
		assert_false(der_ok(SPAN(out.p, out.n - 1)));
	}
	BUF(zero);		/* 128 bytes, said in two: the first of them zero */
	buf_add(&zero, "\x04\x82\x00\x80", 4);
	buf_add(&zero, bytes, 0x80);
	assert_false(der_ok(buf_view(&zero)));
	BUF(out);
	der_write(&out, DER_OCTETS, SPAN(bytes, 0x1000000));
	assert_int_equal(out.rc, RC_LIMIT);
	assert_int_equal(out.n, 0);
	free(bytes);
}

static void
depth(void **state)
{
	uint8_t	nested[2 * (DER_DEPTH_MAX + 2)];

	(void)state;
	for (size_t n = 1; n <= DER_DEPTH_MAX + 2; n++) {
		for (size_t i = 0; i < n; i++) {
			nested[2 * i] = 0x30;
			nested[2 * i + 1] = (uint8_t)(2 * (n - i - 1));
		}
		assert_int_equal(der_ok(SPAN(nested, 2 * n)), n <= DER_DEPTH_MAX + 1);
	}
}

static void
order(void **state)
{
	struct span	s[] = { SPAN_STR("b"), SPAN_STR("ab"), SPAN_STR("b"), SPAN_STR("a"), SPAN_STR("ab") };

	(void)state;
	assert_int_equal(der_sort(s, 5), 3);
	assert_true(span_eq(s[0], SPAN_STR("a")) && span_eq(s[1], SPAN_STR("ab")) && span_eq(s[2], SPAN_STR("b")));
	assert_int_equal(der_sort(s, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(lengths),
		cmocka_unit_test(depth),
		cmocka_unit_test(order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

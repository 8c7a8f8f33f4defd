#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/wire.h"
#include "tests/unit/fault.h"

struct fields {
	uint8_t		a, fixed[2];
	uint16_t	b;
	uint32_t	c;
	uint64_t	d;
	struct span	v8, v16, v32, rest;
};

static bool
read_all(struct rd *r, struct fields *f)
{
	return rd_expect(r, "QT", 2) && rd_u8(r, &f->a) && rd_u16(r, &f->b) && rd_u32(r, &f->c) &&
	    rd_u64(r, &f->d) && rd_vec8(r, 1, 4, &f->v8) && rd_vec16(r, 0, 4, &f->v16) &&
	    rd_vec32(r, 2, 2, &f->v32) && rd_bytes(r, f->fixed, 2) && rd_take(r, 1, &f->rest) && rd_done(r);
}

static const uint8_t	good[] = {
	'Q', 'T', 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	3, 'x', 'y', 'z', 0, 0, 0, 0, 0, 2, 'v', 'w', 'f', 'g', 'r',
};

static void
test_reads(void **state)
{
	struct rd	r = rd_init(SPAN_OF(good));
	struct fields	f;

	(void)state;
	assert_true(read_all(&r, &f));
	assert_int_equal(f.a, 1);
	assert_int_equal(f.b, 0x0203);
	assert_int_equal(f.c, 0x04050607);
	assert_true(f.d == UINT64_C(0x08090a0b0c0d0e0f));
	assert_true(span_eq(f.v8, SPAN_STR("xyz")));
	assert_int_equal(f.v16.n, 0);
	assert_true(span_eq(f.v32, SPAN_STR("vw")));
	assert_memory_equal(f.fixed, "fg", 2);
	assert_true(span_eq(f.rest, SPAN_STR("r")));
	assert_int_equal(r.at, sizeof(good));
}

static void
test_truncated(void **state)
{
	struct fields	f;
	struct rd	r;
	uint8_t		*copy;
	size_t		n;

	(void)state;
	for (n = 0; n < sizeof(good); n++) {
		copy = heap_copy(good, n);
		r = rd_init(SPAN(copy, n));
		assert_false(read_all(&r, &f));
		assert_true(r.at <= n);
		free(copy);
	}
	copy = heap_copy(good, sizeof(good) + 0);
	copy = realloc(copy, sizeof(good) + 1);
	copy[sizeof(good)] = 0;
	r = rd_init(SPAN(copy, sizeof(good) + 1));
	assert_false(read_all(&r, &f));				/* one byte left over */
	assert_int_equal(r.at, sizeof(good));
	free(copy);
}

static void
test_limits(void **state)
{
	static const struct {
		const char	*name;
		uint8_t		 in[8];
		size_t		 n, min, max;
		int		 width;
		bool		 ok;
	} t[] = {
		{ "at the least",	{ 1, 'a' },		2, 1, 2, 1, true },
		{ "at the most",	{ 2, 'a', 'b' },	3, 1, 2, 1, true },
		{ "too short",		{ 0 },			1, 1, 2, 1, false },
		{ "too long",		{ 3, 'a', 'b', 'c' },	4, 1, 2, 1, false },
		{ "more than there is",	{ 2, 'a' },		2, 1, 2, 1, false },
		{ "16 bits",		{ 0, 2, 'a', 'b' },	4, 1, 2, 2, true },
		{ "16 bits, high byte",	{ 1, 2, 'a', 'b' },	4, 1, 2, 2, false },
		{ "32 bits",		{ 0, 0, 0, 1, 'a' },	5, 1, 2, 4, true },
		{ "32 bits, all ones",	{ 255, 255, 255, 255 },	4, 0, SIZE_MAX, 4, false },
	};
	struct span	out;
	struct rd	r;
	size_t		i;
	bool		ok;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		r = rd_init(SPAN(t[i].in, t[i].n));
		ok = t[i].width == 1 ? rd_vec8(&r, t[i].min, t[i].max, &out) :
		    t[i].width == 2 ? rd_vec16(&r, t[i].min, t[i].max, &out) :
		    rd_vec32(&r, t[i].min, t[i].max, &out);
		if (ok != t[i].ok)
			fail_msg("%s", t[i].name);
	}
}

static void
test_where(void **state)
{
	struct rd	r = rd_init(SPAN_STR("QUOR"));
	struct span	s;
	uint8_t		x[4];

	(void)state;
	assert_true(rd_expect(&r, "QU", 2));
	assert_false(rd_expect(&r, "XX", 2));
	assert_int_equal(r.at, 2);
	assert_false(rd_bytes(&r, x, 3));
	assert_int_equal(r.at, 2);
	assert_false(rd_done(&r));
	assert_false(rd_take(&r, SIZE_MAX, &s));
	assert_true(rd_take(&r, 2, &s));
	assert_true(rd_done(&r));
	r = rd_init(SPAN(NULL, 0));
	assert_true(rd_take(&r, 0, &s));
	assert_true(rd_bytes(&r, x, 0));
	assert_true(rd_done(&r));
	assert_false(rd_u8(&r, x));
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

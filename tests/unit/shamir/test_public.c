/* What libdecaf gives for public points is what libsodium gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "shamir/public.h"

#define TIMES	200

static void
random_point(uint8_t ret[SHAMIR_POINT_BYTES])
{
	crypto_core_ristretto255_random(ret);
}

static void
test_commit_at(void **state)
{
	struct shamir_commits	c;
	struct public_commits	read;
	decaf_255_point_t	at;
	uint8_t			want[SHAMIR_POINT_BYTES], is[SHAMIR_POINT_BYTES];

	(void)state;
	for (unsigned i = 0; i < TIMES; i++) {
		uint8_t	index = (uint8_t)(1 + i % SHAMIR_SHARES_MAX);

		c.threshold = (uint8_t)(2 + i % (SHAMIR_SHARES_MAX - 1));
		for (uint8_t j = 0; j < c.threshold; j++)
			random_point(c.point[j]);
		assert_int_equal(shamir_commit_at(&c, index, want, NULL), RC_OK);
		assert_int_equal(public_commits_read(&c, &read, NULL), RC_OK);
		assert_int_equal(public_commit_at(&read, index, at, NULL), RC_OK);
		decaf_255_point_encode(is, at);
		assert_memory_equal(is, want, sizeof(is));
	}
}

static void
test_blend(void **state)
{
	uint8_t	s[32], c[32], p[32], left[32], right[32], want[32], is[32];

	(void)state;
	for (unsigned i = 0; i < TIMES; i++) {
		crypto_core_ristretto255_scalar_random(s);
		crypto_core_ristretto255_scalar_random(c);
		random_point(p);
		assert_int_equal(crypto_scalarmult_ristretto255_base(left, s), 0);
		assert_int_equal(crypto_scalarmult_ristretto255(right, c, p), 0);
		assert_int_equal(crypto_core_ristretto255_add(want, left, right), 0);
		assert_true(public_blend(s, c, p, is));
		assert_memory_equal(is, want, sizeof(is));
	}
}

/* s * base + c * p with p = base and s = -c; and no points. */
static void
test_blend_refuses(void **state)
{
	static const uint8_t	one[32] = { 1 }, zero[32];
	uint8_t			s[32], c[32], p[32], is[32];

	(void)state;
	crypto_core_ristretto255_scalar_random(c);
	crypto_core_ristretto255_scalar_negate(s, c);
	assert_int_equal(crypto_scalarmult_ristretto255_base(p, one), 0);
	assert_false(public_blend(s, c, p, is));
	assert_false(public_blend(c, c, zero, is));
	p[31] |= 0x80;
	assert_false(public_blend(c, c, p, is));
}

/* Is it a commitment to both, or to neither? Returns whether it is. */
static bool
both_take(const uint8_t p[SHAMIR_POINT_BYTES])
{
	struct shamir_commits	c = { .threshold = 2 };
	struct public_commits	read;
	bool			takes = shamir_is_point(p);

	random_point(c.point[0]);
	memcpy(c.point[1], p, SHAMIR_POINT_BYTES);
	assert_int_equal(public_commits_read(&c, &read, NULL) == RC_OK, takes);
	return takes;
}

/* What comes from outside is a point to libdecaf only where it is one to libsodium. */
static void
test_same_points(void **state)
{
	uint8_t		p[SHAMIR_POINT_BYTES];
	unsigned	taken = 0;

	(void)state;
	for (unsigned i = 0; i < 20 * TIMES; i++) {
		randombytes_buf(p, sizeof(p));
		if (i % 2 == 0)		/* else the highest bit spoils every second one */
			p[31] &= 0x7f;
		if (i % 4 == 0)		/* and what is odd is a negative number */
			p[0] &= 0xfe;
		taken += both_take(p);
	}
	assert_in_range(taken, TIMES, 10 * TIMES);
	/* One number twice: 0 to 18, and the same more than the field has. */
	for (unsigned i = 0; i < 256; i++) {
		memset(p, 0xff, sizeof(p));
		p[0] = (uint8_t)i;
		p[31] = 0x7f;
		(void)both_take(p);
		if (i >= 0xed)
			assert_false(both_take(p));
		memset(p + 1, 0, sizeof(p) - 1);
		(void)both_take(p);
		p[31] = 0x80;
		assert_false(both_take(p));
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_commit_at),
		cmocka_unit_test(test_blend),
		cmocka_unit_test(test_blend_refuses),
		cmocka_unit_test(test_same_points),
	};

	if (sodium_init() < 0)
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

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

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_commit_at),
		cmocka_unit_test(test_blend),
		cmocka_unit_test(test_blend_refuses),
	};

	if (sodium_init() < 0)
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

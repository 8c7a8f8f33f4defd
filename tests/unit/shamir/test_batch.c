/* The batched check of shares says what the single one says, by another library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <decaf/point_255.h>
#include <sodium.h>

#include "shamir/group.h"
#include "tests/unit/vectors.h"

#define MANY	200		/* more than three chunks of batch.c */

static struct secret_arena	*arena;
static struct shamir_commits	 commits[MANY];
static const uint8_t		*share[MANY];
static const uint8_t		 identity[32];
static const uint8_t		 order[32] = {
	0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
};

/* n shares of one custodian, each of a split of its own. */
static void
fill(uint8_t k, uint8_t index, size_t n)
{
	AUTO(secret_free) struct secret *secret = NULL;
	uint8_t	*all[SHAMIR_SHARES_MAX];
	size_t	 i;

	secret_arena_reset(arena);
	for (i = 0; i < n; i++) {
		secret_free(TAKE(secret));
		assert_int_equal(shamir_split(k, SHAMIR_SHARES_MAX, arena, &secret, all, &commits[i], NULL), RC_OK);
		share[i] = all[index - 1];
	}
}

static enum rc
one_by_one(uint8_t index, size_t n)
{
	enum rc	rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = shamir_share_verify(&commits[i], index, share[i], NULL);
	return rc;
}

/* Both say the same. */
static void
expect(enum rc rc, uint8_t index, size_t n)
{
	assert_int_equal(one_by_one(index, n), rc);
	assert_int_equal(shamir_shares_verify(commits, index, share, n, NULL), rc);
}

static int
up(void **state)
{
	(void)state;
	if (secret_init(NULL) != RC_OK)
		return -1;
	arena = secret_arena_new(MANY * 1024);
	return arena == NULL;
}

static int
down(void **state)
{
	(void)state;
	secret_arena_free(arena);
	return 0;
}

/* --- the two libraries know one group ------------------------------------------------- */

static void
test_points_agree(void **state)
{
	decaf_255_point_t	p, q, r;
	uint8_t			a[32], b[32], want[32], is[32];

	(void)state;
	for (int i = 0; i < 2000; i++) {
		crypto_core_ristretto255_random(a);
		crypto_core_ristretto255_random(b);
		assert_int_equal(decaf_255_point_decode(p, a, DECAF_FALSE), DECAF_SUCCESS);
		assert_int_equal(decaf_255_point_decode(q, b, DECAF_FALSE), DECAF_SUCCESS);
		decaf_255_point_encode(is, p);
		assert_memory_equal(is, a, 32);
		decaf_255_point_add(r, p, q);
		decaf_255_point_encode(is, r);
		assert_int_equal(crypto_core_ristretto255_add(want, a, b), 0);
		assert_memory_equal(is, want, 32);
		decaf_255_point_double(r, p);
		decaf_255_point_encode(is, r);
		assert_int_equal(crypto_core_ristretto255_add(want, a, a), 0);
		assert_memory_equal(is, want, 32);
	}
}

/* What one takes for an encoding, the other does. */
static void
test_encodings_agree(void **state)
{
	decaf_255_point_t	p;
	uint8_t			a[32];
	unsigned		taken = 0;

	(void)state;
	for (int i = 0; i < 8000; i++) {
		randombytes_buf(a, sizeof(a));
		if (i % 2 == 0)			/* most others are refused for this bit alone */
			a[31] &= 0x7f;
		assert_int_equal(decaf_255_point_decode(p, a, DECAF_FALSE) == DECAF_SUCCESS, shamir_is_point(a));
		taken += shamir_is_point(a);
	}
	assert_in_range(taken, 500, 1500);	/* an eighth of those whose highest bit is clear */
	assert_int_equal(decaf_255_point_decode(p, identity, DECAF_FALSE), DECAF_FAILURE);
}

static void
test_9496(void **state)
{
	json_t			*v = vectors_json("zk/rfc9496-ristretto255.json"), *item;
	decaf_255_point_t	 p = { decaf_255_point_identity[0] };
	uint8_t			 want[32], is[32];
	size_t			 i;

	(void)state;
	if (v == NULL)
		return;
	json_array_foreach(json_object_get(v, "multiples_of_generator_0_15"), i, item) {
		unhex(json_string_value(item), want, 32);
		decaf_255_point_encode(is, p);
		assert_memory_equal(is, want, 32);
		decaf_255_point_add(p, p, decaf_255_point_base);
	}
	json_array_foreach(json_object_get(v, "invalid_encodings"), i, item) {
		unhex(json_string_value(item), want, 32);
		assert_int_equal(decaf_255_point_decode(p, want, DECAF_TRUE), DECAF_FAILURE);
		fill(3, 2, 1);
		memcpy(commits[0].point[i % 3], want, 32);
		expect(RC_FORMAT, 2, 1);
	}
	json_decref(v);
}

/* --- good ones, wrong ones ------------------------------------------------------------------ */

static void
test_good(void **state)
{
	static const size_t	sizes[] = { 1, 2, 63, 64, 65, 128, 129, MANY };

	(void)state;
	assert_int_equal(shamir_shares_verify(commits, 1, share, 0, NULL), RC_OK);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		fill(3, (uint8_t)(1 + 3 * i), sizes[i]);
		expect(RC_OK, (uint8_t)(1 + 3 * i), sizes[i]);
	}
	for (uint8_t index = 1; index <= SHAMIR_SHARES_MAX; index++) {
		fill(index == 1 ? 2 : index, index, 3);
		expect(RC_OK, index, 3);
	}
	fill(2, 5, 4);
	AUTO(secret_free) struct secret *secret = NULL;
	uint8_t	*all[SHAMIR_SHARES_MAX];

	/* Thresholds may differ: each has its own commitments. */
	assert_int_equal(shamir_split(7, 9, arena, &secret, all, &commits[2], NULL), RC_OK);
	share[2] = all[4];
	expect(RC_OK, 5, 4);
}

/* One wrong share among good ones, wherever it stands; of the right index alone. */
static void
test_wrong(void **state)
{
	uint8_t	changed[32];

	(void)state;
	fill(3, 4, 130);
	for (size_t i = 0; i < 130; i++) {
		const uint8_t	*good = share[i];

		crypto_core_ristretto255_scalar_random(changed);
		share[i] = changed;
		assert_int_equal(shamir_shares_verify(commits, 4, share, 130, NULL), RC_VERIFY);
		share[i] = good;
	}
	expect(RC_OK, 4, 130);
	expect(RC_VERIFY, 5, 130);
	share[0] = share[1];
	expect(RC_VERIFY, 4, 130);
}

static void
test_swapped(void **state)
{
	const uint8_t	*first;

	(void)state;
	fill(3, 4, 70);
	first = share[3];
	share[3] = share[69];
	share[69] = first;
	expect(RC_VERIFY, 4, 70);
}

/* Wrong ones that outweigh each other would pass a plain sum. */
static void
test_cancelling(void **state)
{
	uint8_t	a[32], b[32], d[32];

	(void)state;
	for (int i = 0; i < 20; i++) {
		fill(3, 4, 10);
		crypto_core_ristretto255_scalar_random(d);
		crypto_core_ristretto255_scalar_add(a, share[2], d);
		crypto_core_ristretto255_scalar_sub(b, share[7], d);
		share[2] = a;
		share[7] = b;
		expect(RC_VERIFY, 4, 10);
	}
}

/* ... nor by weights that somebody saw before: each call draws its own. */
static void
test_weights_are_fresh(void **state)
{
	uint8_t	a[32], b[32], d[32], w[32] = { 0 };

	(void)state;
	/* Off by d and by -d * w: passes when the second weight is w times the first. */
	for (uint8_t i = 1; i < 64; i++) {
		fill(2, 4, 2);
		w[0] = i;
		crypto_core_ristretto255_scalar_random(d);
		crypto_core_ristretto255_scalar_mul(a, d, w);
		crypto_core_ristretto255_scalar_add(a, share[0], a);
		crypto_core_ristretto255_scalar_sub(b, share[1], d);
		share[0] = a;
		share[1] = b;
		expect(RC_VERIFY, 4, 2);
	}
}

/* A point of a commitment that is one, but another. */
static void
test_other_commitment(void **state)
{
	(void)state;
	for (uint8_t j = 0; j < 4; j++) {
		fill(4, 9, 66);
		crypto_core_ristretto255_random(commits[65].point[j]);
		expect(RC_VERIFY, 9, 66);
	}
}

/* --- what is refused ----------------------------------------------------------------------- */

static void
test_no_scalar(void **state)
{
	uint8_t	ones[32], point[32];

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	fill(3, 4, 66);
	for (size_t at = 0; at < 66; at += 65) {
		const uint8_t	*good = share[at], *const bad[] = { identity, order, ones };

		for (size_t i = 0; i < 3; i++) {
			share[at] = bad[i];
			expect(RC_FORMAT, 4, 66);
			assert_int_equal(shamir_share_public(bad[i], point, NULL), RC_FORMAT);
		}
		share[at] = good;
	}
	expect(RC_OK, 4, 66);
}

static void
test_malformed(void **state)
{
	static const uint8_t	thresholds[] = { 0, 1, 32, 255 };

	(void)state;
	fill(3, 4, 66);
	assert_int_equal(shamir_shares_verify(commits, 0, share, 66, NULL), RC_FORMAT);
	assert_int_equal(shamir_shares_verify(commits, 32, share, 66, NULL), RC_FORMAT);
	for (size_t i = 0; i < sizeof(thresholds); i++) {
		commits[65].threshold = thresholds[i];
		expect(RC_FORMAT, 4, 66);
	}
	commits[65].threshold = 3;
	memcpy(commits[65].point[1], identity, 32);
	expect(RC_FORMAT, 4, 66);
}

/* Commitments that give the identity on the way are refused by both, so that `checked` means usable. */
static void
test_identity_on_the_way(void **state)
{
	uint8_t	x[32] = { 4 }, sum[32];

	(void)state;
	for (uint8_t last = 0; last < 2; last++) {
		struct shamir_commits	*c = &commits[1];

		fill(3, 4, 2);
		assert_int_equal(crypto_scalarmult_ristretto255(sum, x, c->point[2]), 0);
		if (last == 0) {
			assert_int_equal(crypto_core_ristretto255_sub(c->point[1], identity, sum), 0);
		} else {
			assert_int_equal(crypto_core_ristretto255_add(sum, sum, c->point[1]), 0);
			assert_int_equal(crypto_scalarmult_ristretto255(sum, x, sum), 0);
			assert_int_equal(crypto_core_ristretto255_sub(c->point[0], identity, sum), 0);
		}
		expect(RC_FORMAT, 4, 2);
	}
}

static void
test_public(void **state)
{
	uint8_t	promised[32], is[32];

	(void)state;
	fill(3, 4, 1);
	assert_int_equal(shamir_share_commit(&commits[0], 4, promised, NULL), RC_OK);
	assert_int_equal(shamir_share_public(share[0], is, NULL), RC_OK);
	assert_memory_equal(is, promised, 32);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_points_agree),
		cmocka_unit_test(test_encodings_agree),
		cmocka_unit_test(test_9496),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_swapped),
		cmocka_unit_test(test_cancelling),
		cmocka_unit_test(test_weights_are_fresh),
		cmocka_unit_test(test_other_commitment),
		cmocka_unit_test(test_no_scalar),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_identity_on_the_way),
		cmocka_unit_test(test_public),
	};

	return cmocka_run_group_tests(tests, up, down);
}

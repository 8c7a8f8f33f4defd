/* Splitting a scalar and checking a share: docs/spec/share-v1.md sections 3 and 4. */
#include <string.h>

#include <sodium.h>

#include "base/declassify.h"
#include "shamir/group.h"

static enum rc
check_numbers(uint8_t threshold, uint8_t shares, struct err *err)
{
	if (shares > SHAMIR_SHARES_MAX || threshold < SHAMIR_THRESHOLD_MIN || threshold > shares)
		return err_set(err, RC_FORMAT, "%u-of-%u: need %d <= threshold <= shares <= %d",
		    threshold, shares, SHAMIR_THRESHOLD_MIN, SHAMIR_SHARES_MAX);
	return RC_OK;
}

static uint32_t
limb(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/*
 * The polynomial at `index` as a number, by Horner's rule, and modulo L only at the end: with an index of
 * five bits and at most 31 coefficients of 253 it stays below 2^408. The index is public, the limbs are not.
 */
static void
evaluate(const uint8_t (*coefficient)[SHAMIR_SCALAR_BYTES], uint8_t threshold, uint8_t index,
    uint8_t ret[SHAMIR_SCALAR_BYTES])
{
	uint32_t	sum[SHAMIR_WIDE_BYTES / 4] = { 0 };
	uint8_t		wide[SHAMIR_WIDE_BYTES];
	uint64_t	carry;
	size_t		i;

	for (uint8_t j = threshold; j-- > 0;) {
		for (carry = 0, i = 0; i < sizeof(sum) / 4; i++) {
			carry += (uint64_t)sum[i] * index + (i < SHAMIR_SCALAR_BYTES / 4 ? limb(coefficient[j] + 4 * i) : 0);
			sum[i] = (uint32_t)carry;
			carry >>= 32;
		}
	}
	for (i = 0; i < sizeof(wide); i++)
		wide[i] = (uint8_t)(sum[i / 4] >> (i % 4 * 8));
	crypto_core_ristretto255_scalar_reduce(ret, wide);
	wipe(sum, sizeof(sum));
	wipe(wide, sizeof(wide));
}

static enum rc
commit(const uint8_t (*coefficient)[SHAMIR_SCALAR_BYTES], uint8_t threshold,
    struct shamir_commits *ret, struct err *err)
{
	uint8_t	j;

	memset(ret, 0, sizeof(*ret));
	ret->threshold = threshold;
	for (j = 0; j < threshold; j++)
		if (!shamir_is_scalar(coefficient[j]) ||
		    crypto_scalarmult_ristretto255_base(ret->point[j], coefficient[j]) != 0)
			return err_set(err, RC_FORMAT, "coefficient %u is no scalar below L, or zero", j);
	return RC_OK;
}

enum rc
shamir_split_with(const uint8_t (*coefficient)[SHAMIR_SCALAR_BYTES],
    uint8_t threshold, uint8_t shares, struct secret_arena *arena, uint8_t *ret_share[SHAMIR_SHARES_MAX],
    struct shamir_commits *ret_commits, struct err *err)
{
	struct shamir_commits	commits;
	uint8_t			*share;
	uint8_t			 i;

	TRY(check_numbers(threshold, shares, err));
	TRY(commit(coefficient, threshold, &commits, err));
	share = secret_arena_take(arena, (size_t)shares * SHAMIR_SCALAR_BYTES);
	if (share == NULL)
		return err_set(err, RC_NOMEM, "split: the arena is full");
	for (i = 0; i < shares; i++) {
		evaluate(coefficient, threshold, i + 1, share + i * SHAMIR_SCALAR_BYTES);
		/* Chance 2^-252, or somebody chose the coefficients. */
		if (!shamir_is_scalar(share + i * SHAMIR_SCALAR_BYTES)) {
			wipe(share, (size_t)shares * SHAMIR_SCALAR_BYTES);
			return err_set(err, RC_FORMAT, "split: share %u is zero", i + 1);
		}
	}
	for (i = 0; i < shares; i++)
		ret_share[i] = share + i * SHAMIR_SCALAR_BYTES;
	*ret_commits = commits;
	return RC_OK;
}

enum rc
shamir_split(uint8_t threshold, uint8_t shares, struct secret_arena *arena,
    struct secret **ret_secret, uint8_t *ret_share[SHAMIR_SHARES_MAX],
    struct shamir_commits *ret_commits, struct err *err)
{
	AUTO(secret_free) struct secret	*coefficients = NULL, *s = NULL;
	uint8_t				*c;
	uint8_t				 j;

	TRY(check_numbers(threshold, shares, err));
	coefficients = secret_new((size_t)threshold * SHAMIR_SCALAR_BYTES);
	s = secret_new(SHAMIR_SCALAR_BYTES);
	if (coefficients == NULL || s == NULL)
		return err_set(err, RC_NOMEM, "split: no locked memory left");
	c = secret_bytes(coefficients);
	for (j = 0; j < threshold; j++)
		crypto_core_ristretto255_scalar_random(c + j * SHAMIR_SCALAR_BYTES);
	memcpy(secret_bytes(s), c, SHAMIR_SCALAR_BYTES);
	TRY(shamir_split_with((const uint8_t (*)[SHAMIR_SCALAR_BYTES])c, threshold, shares, arena,
	    ret_share, ret_commits, err));
	*ret_secret = TAKE(s);
	return RC_OK;
}

enum rc
shamir_commits_check(const struct shamir_commits *c, struct err *err)
{
	uint8_t	j;

	if (c->threshold < SHAMIR_THRESHOLD_MIN || c->threshold > SHAMIR_SHARES_MAX)
		return err_set(err, RC_FORMAT, "commitments: threshold %u", c->threshold);
	for (j = 0; j < c->threshold; j++)
		if (!shamir_is_point(c->point[j]))
			return err_set(err, RC_FORMAT,
			    "commitment %u is no group element, or the identity", j);
	return RC_OK;
}

enum rc
shamir_commit_at(const struct shamir_commits *c, uint8_t index,
    uint8_t ret[SHAMIR_POINT_BYTES], struct err *err)
{
	uint8_t	x[SHAMIR_SCALAR_BYTES], sum[SHAMIR_POINT_BYTES];
	uint8_t	j;
	bool	ok = true;

	/*
	 * Horner's rule in the group. A sum that is the identity on the way is
	 * refused too: honest coefficients meet it with chance 2^-252.
	 */
	shamir_scalar_of(index, x);
	memcpy(sum, c->point[c->threshold - 1], sizeof(sum));
	for (j = c->threshold - 1; ok && j-- > 0;)
		ok = (index == 1 || crypto_scalarmult_ristretto255(sum, x, sum) == 0) &&
		    crypto_core_ristretto255_add(sum, sum, c->point[j]) == 0 &&
		    sodium_is_zero(sum, sizeof(sum)) == 0;
	if (!ok)
		return err_set(err, RC_FORMAT, "commitments: share %u would be zero", index);
	memcpy(ret, sum, sizeof(sum));
	return RC_OK;
}

enum rc
shamir_share_commit(const struct shamir_commits *c, uint8_t index,
    uint8_t ret_point[SHAMIR_POINT_BYTES], struct err *err)
{
	if (!shamir_is_index(index))
		return err_set(err, RC_FORMAT, "index %u is not 1 to %d", index, SHAMIR_SHARES_MAX);
	TRY(shamir_commits_check(c, err));
	return shamir_commit_at(c, index, ret_point, err);
}

enum rc
shamir_share_public(const uint8_t share[SHAMIR_SCALAR_BYTES], uint8_t ret_point[SHAMIR_POINT_BYTES],
    struct err *err)
{
	uint8_t	p[SHAMIR_POINT_BYTES];

	if (!shamir_is_scalar(share) || crypto_scalarmult_ristretto255_base(p, share) != 0)
		return err_set(err, RC_FORMAT, "the share is no scalar below L, or zero");
	declassify(p, sizeof(p));	/* the commitment to a share is public: the descriptor gives it */
	memcpy(ret_point, p, sizeof(p));
	return RC_OK;
}

enum rc
shamir_share_verify(const struct shamir_commits *c, uint8_t index,
    const uint8_t share[SHAMIR_SCALAR_BYTES], struct err *err)
{
	uint8_t	promised[SHAMIR_POINT_BYTES], is[SHAMIR_POINT_BYTES];

	/* By the other library, which is quicker; whoever fails by it is looked at by libsodium. */
	if (shamir_shares_verify(c, index, &share, 1, NULL) == RC_OK)
		return RC_OK;
	TRY(shamir_share_commit(c, index, promised, err));
	if (shamir_share_public(share, is, err) != RC_OK)
		return err_wrap(err, RC_FORMAT, "share %u", index);
	if (sodium_memcmp(promised, is, sizeof(is)) != 0)
		return err_set(err, RC_VERIFY, "share %u is not what the commitments promise", index);
	return RC_OK;
}

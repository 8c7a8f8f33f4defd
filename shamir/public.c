#include <sodium.h>

#include "shamir/public.h"

/* x * p for a small public x, which is not 0. */
static void
times(decaf_255_point_t p, uint8_t x)
{
	decaf_255_point_t	sum;
	unsigned		bit;

	decaf_255_point_copy(sum, p);
	for (bit = 5; (x >> bit) == 0;)
		bit--;
	while (bit-- > 0) {
		decaf_255_point_double(sum, sum);
		if ((x >> bit & 1) != 0)
			decaf_255_point_add(sum, sum, p);
	}
	decaf_255_point_copy(p, sum);
}

static bool
is_identity(const decaf_255_point_t p)
{
	return decaf_255_point_eq(p, decaf_255_point_identity) == DECAF_TRUE;
}

enum rc
public_commits_read(const struct shamir_commits *c, struct public_commits *ret, struct err *err)
{
	uint8_t	j;

	if (c->threshold < SHAMIR_THRESHOLD_MIN || c->threshold > SHAMIR_SHARES_MAX)
		return err_set(err, RC_FORMAT, "commitments: threshold %u", c->threshold);
	ret->threshold = c->threshold;
	for (j = 0; j < c->threshold; j++)
		if (decaf_255_point_decode(ret->point[j], c->point[j], DECAF_FALSE) != DECAF_SUCCESS)
			return err_set(err, RC_FORMAT,
			    "commitment %u is no group element, or the identity", j);
	return RC_OK;
}

enum rc
public_commit_at(const struct public_commits *c, uint8_t index, decaf_255_point_t ret, struct err *err)
{
	uint8_t	j = c->threshold - 1;

	decaf_255_point_copy(ret, c->point[j]);
	while (j-- > 0) {
		times(ret, index);
		decaf_255_point_add(ret, ret, c->point[j]);
		if (is_identity(ret))
			return err_set(err, RC_FORMAT, "commitments: share %u would be zero", index);
	}
	return RC_OK;
}

bool
public_blend(const uint8_t s[SHAMIR_SCALAR_BYTES], const uint8_t c[SHAMIR_SCALAR_BYTES],
    const uint8_t p[SHAMIR_POINT_BYTES], uint8_t ret[SHAMIR_POINT_BYTES])
{
	decaf_255_point_t	point, sum;
	decaf_255_scalar_t	base, variable;

	if (decaf_255_point_decode(point, p, DECAF_FALSE) != DECAF_SUCCESS ||
	    decaf_255_scalar_decode(base, s) != DECAF_SUCCESS || decaf_255_scalar_decode(variable, c) != DECAF_SUCCESS)
		return false;
	decaf_255_base_double_scalarmul_non_secret(sum, base, point, variable);
	if (is_identity(sum))
		return false;
	decaf_255_point_encode(ret, sum);
	return true;
}

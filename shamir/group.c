#include <string.h>

#include <sodium.h>

#include "base/declassify.h"
#include "shamir/group.h"

#define SHA512_BLOCK	128
#define STACK_USED	(16 << 10)	/* more than any of libsodium's functions takes */

/* L = 2^252 + 27742317777372353535851937790883648493, little-endian. */
static const uint8_t order[SHAMIR_SCALAR_BYTES] = {
	0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
	0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
};

bool
shamir_is_scalar(const uint8_t s[SHAMIR_SCALAR_BYTES])
{
	uint32_t	borrow = 0;
	size_t		i;

	/* s - L borrows out of the top byte exactly when s < L. */
	for (i = 0; i < SHAMIR_SCALAR_BYTES; i++)
		borrow = ((uint32_t)s[i] - order[i] - borrow) >> 31;
	/* Whoever gave a scalar that is none hears so: an honest one never is. */
	return declassified(borrow == 1) && declassified(sodium_is_zero(s, SHAMIR_SCALAR_BYTES) == 0);
}

bool
shamir_has_point_form(const uint8_t p[SHAMIR_POINT_BYTES])
{
	/*
	 * libsodium 1.0.18 does not look at the highest bit; RFC 9496 wants it clear. That a
	 * contribution is a point is public, as that a scalar is one; which point is not.
	 */
	return declassified(sodium_is_zero(p, SHAMIR_POINT_BYTES) == 0) &&
	    declassified(p[SHAMIR_POINT_BYTES - 1] >> 7 == 0);
}

bool
shamir_is_point(const uint8_t p[SHAMIR_POINT_BYTES])
{
	return shamir_has_point_form(p) && crypto_core_ristretto255_is_valid_point(p) == 1;
}

bool
shamir_is_index(uint8_t index)
{
	return index >= 1 && index <= SHAMIR_SHARES_MAX;
}

void
shamir_scalar_of(uint8_t n, uint8_t ret[SHAMIR_SCALAR_BYTES])
{
	memset(ret, 0, SHAMIR_SCALAR_BYTES);
	ret[0] = n;
}

void
shamir_expand(struct span msg, struct span dst, uint8_t ret[SHAMIR_WIDE_BYTES])
{
	static const uint8_t		zeros[SHA512_BLOCK];
	const uint8_t			length[3] = { 0, SHAMIR_WIDE_BYTES, 0 };
	const uint8_t			one = 1, dst_n = (uint8_t)dst.n;
	crypto_hash_sha512_state	h;
	uint8_t				b0[crypto_hash_sha512_BYTES];

	(void)crypto_hash_sha512_init(&h);		/* none of these can fail */
	(void)crypto_hash_sha512_update(&h, zeros, sizeof(zeros));
	if (msg.n != 0)
		(void)crypto_hash_sha512_update(&h, msg.p, msg.n);
	(void)crypto_hash_sha512_update(&h, length, sizeof(length));
	(void)crypto_hash_sha512_update(&h, dst.p, dst.n);
	(void)crypto_hash_sha512_update(&h, &dst_n, 1);
	(void)crypto_hash_sha512_final(&h, b0);

	(void)crypto_hash_sha512_init(&h);
	(void)crypto_hash_sha512_update(&h, b0, sizeof(b0));
	(void)crypto_hash_sha512_update(&h, &one, 1);
	(void)crypto_hash_sha512_update(&h, dst.p, dst.n);
	(void)crypto_hash_sha512_update(&h, &dst_n, 1);
	(void)crypto_hash_sha512_final(&h, ret);
}

void
shamir_hash_to_point(struct span msg, struct span dst, uint8_t ret[SHAMIR_POINT_BYTES])
{
	uint8_t	wide[SHAMIR_WIDE_BYTES];

	shamir_expand(msg, dst, wide);
	(void)crypto_core_ristretto255_from_hash(ret, wide);	/* always 0 */
}

void
shamir_forget(void)
{
	sodium_stackzero(STACK_USED);
}

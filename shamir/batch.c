/*
 * Many shares of one custodian in one verification (docs/adr/0010-batched-share-check.md).
 *
 *	(sum of r_j * s_j) * G  =  sum of r_j * S_j	with weights r_j drawn for this call
 *
 * S_j is the share commitment of share-v1 section 4. The left side is libsodium's, in
 * constant time. The right side is public; it is libdecaf's, whose additions need no
 * encoding in between. What it gives is compared as bytes, so that neither library
 * has to believe the other.
 */
#include <string.h>

#include <sodium.h>

#include "base/declassify.h"
#include "shamir/public.h"

#define CHUNK		64	/* points at a time, on the stack */
#define WEIGHT_BYTES	16	/* a wrong share passes with chance 2^-128 */
#define DIGIT_BITS	4	/* of the weights, in the bucket method: near the best for CHUNK points */
#define BUCKETS		((1 << DIGIT_BITS) - 1)

struct chunk {
	size_t			n;
	decaf_255_point_t	point[CHUNK];
	uint8_t			weight[CHUNK][SHAMIR_SCALAR_BYTES];	/* a scalar below 2^128 */
};

static unsigned
digit_of(const uint8_t *weight, unsigned at)
{
	return at % 2 == 0 ? weight[at / 2] & 15 : weight[at / 2] >> DIGIT_BITS;
}

/* Adds bucket[0] + 2 * bucket[1] + 3 * bucket[2] ... */
static void
add_buckets(decaf_255_point_t sum, decaf_255_point_t bucket[BUCKETS])
{
	decaf_255_point_t	run;
	unsigned		d;

	decaf_255_point_copy(run, decaf_255_point_identity);
	for (d = BUCKETS; d-- > 0;) {
		decaf_255_point_add(run, run, bucket[d]);
		decaf_255_point_add(sum, sum, run);
	}
}

/* How many digits of the weights are worth a look: a share that is alone has a weight of one. */
static unsigned
digits_of(const struct chunk *k)
{
	unsigned	bytes = 1;
	size_t		j;

	for (j = 0; j < k->n; j++)
		while (bytes < WEIGHT_BYTES && !sodium_is_zero(k->weight[j] + bytes, WEIGHT_BYTES - bytes))
			bytes++;
	return bytes * 8 / DIGIT_BITS;
}

/* Adds the sum of weight * point: Pippenger's bucket method, from the highest digit down. */
static void
add_weighted(decaf_255_point_t sum, const struct chunk *k)
{
	decaf_255_point_t	bucket[BUCKETS], own;
	unsigned		at, d, i;
	size_t			j;

	decaf_255_point_copy(own, decaf_255_point_identity);
	for (at = digits_of(k); at-- > 0;) {
		for (i = 0; i < DIGIT_BITS; i++)
			decaf_255_point_double(own, own);
		for (d = 0; d < BUCKETS; d++)
			decaf_255_point_copy(bucket[d], decaf_255_point_identity);
		for (j = 0; j < k->n; j++)
			if ((d = digit_of(k->weight[j], at)) != 0)
				decaf_255_point_add(bucket[d - 1], bucket[d - 1], k->point[j]);
		add_buckets(own, bucket);
	}
	decaf_255_point_add(sum, sum, own);
}

/* The first of all may as well count once: what is wrong with it alone shows, whatever the others weigh. */
static void
draw_weight(uint8_t ret[SHAMIR_SCALAR_BYTES], bool first)
{
	memset(ret, 0, SHAMIR_SCALAR_BYTES);
	if (first)
		ret[0] = 1;
	else
		randombytes_buf(ret, WEIGHT_BYTES);
	/* Nobody may know it before the shares are chosen; afterwards it is of no use. */
	declassify(ret, SHAMIR_SCALAR_BYTES);
}

static enum rc
read_chunk(struct chunk *k, const struct shamir_commits *commits, uint8_t index,
    const uint8_t *const *share, bool first, struct err *err)
{
	struct public_commits	c;
	size_t			j;

	for (j = 0; j < k->n; j++) {
		TRY(public_commits_read(&commits[j], &c, err));
		TRY(public_commit_at(&c, index, k->point[j], err));
		if (!shamir_is_scalar(share[j]))
			return err_set(err, RC_FORMAT, "share %u is no scalar below L, or zero", index);
		draw_weight(k->weight[j], first && j == 0);
	}
	return RC_OK;
}

/* Adds the sum of weight * share, a secret. */
static void
add_shares(uint8_t sum[SHAMIR_SCALAR_BYTES], const struct chunk *k, const uint8_t *const *share)
{
	uint8_t	product[SHAMIR_SCALAR_BYTES];
	size_t	j;

	for (j = 0; j < k->n; j++) {
		crypto_core_ristretto255_scalar_mul(product, k->weight[j], share[j]);
		crypto_core_ristretto255_scalar_add(sum, sum, product);
	}
	wipe(product, sizeof(product));
}

/* left * G; libsodium gives no answer where that is the identity. */
static void
times_base(const uint8_t left[SHAMIR_SCALAR_BYTES], uint8_t ret[SHAMIR_POINT_BYTES])
{
	if (crypto_scalarmult_ristretto255_base(ret, left) != 0)
		memset(ret, 0, SHAMIR_POINT_BYTES);
	declassify(ret, SHAMIR_POINT_BYTES);	/* of honest shares, what the commitments give */
}

enum rc
shamir_shares_verify(const struct shamir_commits *commits, uint8_t index,
    const uint8_t *const *share, size_t n, struct err *err)
{
	struct chunk		k;
	decaf_255_point_t	right;
	uint8_t			left[SHAMIR_SCALAR_BYTES] = { 0 }, is[SHAMIR_POINT_BYTES], promised[SHAMIR_POINT_BYTES];
	size_t			at;
	enum rc			rc = RC_OK;

	if (!shamir_is_index(index))
		return err_set(err, RC_FORMAT, "index %u is not 1 to %d", index, SHAMIR_SHARES_MAX);
	decaf_255_point_copy(right, decaf_255_point_identity);
	for (at = 0; at < n; at += k.n) {
		k.n = n - at < CHUNK ? n - at : CHUNK;
		if ((rc = read_chunk(&k, commits + at, index, share + at, at == 0, err)) != RC_OK)
			break;
		add_shares(left, &k, share + at);
		add_weighted(right, &k);
	}
	times_base(left, is);
	wipe(left, sizeof(left));
	shamir_forget();
	if (rc != RC_OK)
		return rc;
	decaf_255_point_encode(promised, right);
	if (sodium_memcmp(promised, is, sizeof(is)) != 0)
		return err_set(err, RC_VERIFY, "a share is not what its commitments promise");
	return RC_OK;
}

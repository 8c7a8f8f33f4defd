#include <string.h>

#include <sodium.h>

#include "base/declassify.h"
#include "shamir/dleq.h"
#include "shamir/public.h"

/* The longest transcript: five points, each with its length, and the word. */
#define TRANSCRIPT_MAX	256

/* A transcript of RFC 9497: fields with a length of two bytes, then a word. */
struct transcript {
	uint8_t	b[TRANSCRIPT_MAX];
	size_t	n;
};

static void
put(struct transcript *t, const void *p, size_t n)
{
	memcpy(t->b + t->n, p, n);
	t->n += n;
}

static void
put_field(struct transcript *t, const void *p, size_t n)
{
	const uint8_t	length[2] = { (uint8_t)(n >> 8), (uint8_t)n };

	put(t, length, sizeof(length));
	put(t, p, n);
}

static void
put_point(struct transcript *t, const uint8_t point[SHAMIR_POINT_BYTES])
{
	put_field(t, point, SHAMIR_POINT_BYTES);
}

/* HashToScalar of RFC 9497 section 4.1. */
static void
to_scalar(const struct transcript *t, struct span context, uint8_t ret[SHAMIR_SCALAR_BYTES])
{
	static const char	name[] = "HashToScalar-";
	uint8_t			dst[sizeof(name) - 1 + DLEQ_CONTEXT_MAX], wide[SHAMIR_WIDE_BYTES];

	memcpy(dst, name, sizeof(name) - 1);
	memcpy(dst + sizeof(name) - 1, context.p, context.n);
	shamir_expand(SPAN(t->b, t->n), SPAN(dst, sizeof(name) - 1 + context.n), wide);
	crypto_core_ristretto255_scalar_reduce(ret, wide);
}

/* The weight d of ComputeComposites for the one element that there is. */
static void
weight(const struct dleq *d, uint8_t ret[SHAMIR_SCALAR_BYTES])
{
	static const char	name[] = "Seed-";
	struct transcript	t = { .n = 0 };
	uint8_t			dst[sizeof(name) - 1 + DLEQ_CONTEXT_MAX];
	uint8_t			seed[crypto_hash_sha512_BYTES];
	const uint8_t		index[2] = { 0, 0 };

	memcpy(dst, name, sizeof(name) - 1);
	memcpy(dst + sizeof(name) - 1, d->context.p, d->context.n);
	put_point(&t, d->public);
	put_field(&t, dst, sizeof(name) - 1 + d->context.n);
	(void)crypto_hash_sha512(seed, t.b, t.n);		/* always 0 */

	t.n = 0;
	put_field(&t, seed, sizeof(seed));
	put(&t, index, sizeof(index));
	put_point(&t, d->given);
	put_point(&t, d->answer);
	put(&t, "Composite", 9);
	to_scalar(&t, d->context, ret);
}

struct parts {					/* M, Z, t2, t3 of the RFC */
	uint8_t	m[SHAMIR_POINT_BYTES], z[SHAMIR_POINT_BYTES];
	uint8_t	t2[SHAMIR_POINT_BYTES], t3[SHAMIR_POINT_BYTES];
};

static void
challenge(const struct dleq *d, const struct parts *p, uint8_t ret[SHAMIR_SCALAR_BYTES])
{
	struct transcript	t = { .n = 0 };

	put_point(&t, d->public);
	put_point(&t, p->m);
	put_point(&t, p->z);
	put_point(&t, p->t2);
	put_point(&t, p->t3);
	put(&t, "Challenge", 9);
	to_scalar(&t, d->context, ret);
}

static bool
fits(const struct dleq *d)
{
	return d->context.n <= DLEQ_CONTEXT_MAX;
}

void
dleq_nonce(const struct dleq *d, const uint8_t k[SHAMIR_SCALAR_BYTES],
    uint8_t ret[SHAMIR_SCALAR_BYTES])
{
	static const char		name[] = "quorate/dleq-nonce/v1";
	crypto_hash_sha512_state	h;
	uint8_t				fresh[32], wide[SHAMIR_WIDE_BYTES];

	randombytes_buf(fresh, sizeof(fresh));
	(void)crypto_hash_sha512_init(&h);		/* none of these can fail */
	(void)crypto_hash_sha512_update(&h, (const uint8_t *)name, sizeof(name));
	(void)crypto_hash_sha512_update(&h, fresh, sizeof(fresh));
	(void)crypto_hash_sha512_update(&h, k, SHAMIR_SCALAR_BYTES);
	(void)crypto_hash_sha512_update(&h, d->given, SHAMIR_POINT_BYTES);
	(void)crypto_hash_sha512_final(&h, wide);
	crypto_core_ristretto255_scalar_reduce(ret, wide);
	wipe(&h, sizeof(h));
	wipe(fresh, sizeof(fresh));
	wipe(wide, sizeof(wide));
}

enum rc
dleq_prove(const struct dleq *d, const uint8_t k[SHAMIR_SCALAR_BYTES],
    const uint8_t nonce[SHAMIR_SCALAR_BYTES], uint8_t ret_proof[SHAMIR_PROOF_BYTES], struct err *err)
{
	struct parts	p;
	uint8_t		w[SHAMIR_SCALAR_BYTES], ck[SHAMIR_SCALAR_BYTES];

	if (!fits(d))
		return err_set(err, RC_BUG, "proof: context string too long");
	weight(d, w);
	/* Z = w * answer is k * M without using k once more. */
	if (crypto_scalarmult_ristretto255(p.m, w, d->given) != 0 ||
	    crypto_scalarmult_ristretto255(p.z, w, d->answer) != 0 ||
	    crypto_scalarmult_ristretto255_base(p.t2, nonce) != 0 ||
	    crypto_scalarmult_ristretto255(p.t3, nonce, p.m) != 0)
		return err_set(err, RC_BUG, "proof: the group gave no answer");
	challenge(d, &p, ret_proof);
	crypto_core_ristretto255_scalar_mul(ck, ret_proof, k);
	crypto_core_ristretto255_scalar_sub(ret_proof + SHAMIR_SCALAR_BYTES, nonce, ck);
	wipe(ck, sizeof(ck));
	wipe(&p, sizeof(p));
	return RC_OK;
}

/* ret = s * a + c * b; a: NULL for the base point. */
static bool
blend(const uint8_t *s, const uint8_t *a, const uint8_t *c, const uint8_t *b, uint8_t *ret)
{
	uint8_t	left[SHAMIR_POINT_BYTES], right[SHAMIR_POINT_BYTES];

	return (a == NULL ? crypto_scalarmult_ristretto255_base(left, s) :
	    crypto_scalarmult_ristretto255(left, s, a)) == 0 &&
	    crypto_scalarmult_ristretto255(right, c, b) == 0 &&
	    crypto_core_ristretto255_add(ret, left, right) == 0;
}

/* Whether a proof holds is public: the log names whose does not. */
static bool
holds(const struct dleq *d, const struct parts *p, const uint8_t *c)
{
	uint8_t	expect[SHAMIR_SCALAR_BYTES];

	challenge(d, p, expect);
	return declassified(sodium_memcmp(expect, c, sizeof(expect)) == 0);
}

/*
 * t2 is public: commitments, and a proof that tells nothing of what it is about. It is libdecaf's at first; a
 * proof that does not hold then has another look by libsodium alone, which decides.
 */
static bool
check(const struct dleq *d, const uint8_t *c, const uint8_t *s, struct parts *p)
{
	uint8_t	public_c[SHAMIR_SCALAR_BYTES], public_s[SHAMIR_SCALAR_BYTES];

	memcpy(public_c, c, sizeof(public_c));
	memcpy(public_s, s, sizeof(public_s));
	declassify(public_c, sizeof(public_c));
	declassify(public_s, sizeof(public_s));
	if (public_blend(public_s, public_c, d->public, p->t2) && holds(d, p, c))
		return true;
	return blend(s, NULL, c, d->public, p->t2) && holds(d, p, c);
}

enum rc
dleq_verify(const struct dleq *d, const uint8_t proof[SHAMIR_PROOF_BYTES], struct err *err)
{
	const uint8_t	*c = proof, *s = proof + SHAMIR_SCALAR_BYTES;
	struct parts	 p;
	uint8_t		 w[SHAMIR_SCALAR_BYTES];
	bool		 good;

	if (!fits(d))
		return err_set(err, RC_BUG, "proof: context string too long");
	if (!shamir_is_scalar(c) || !shamir_is_scalar(s))
		return err_set(err, RC_FORMAT, "proof: a scalar out of range");
	weight(d, w);
	if (crypto_scalarmult_ristretto255(p.m, w, d->given) != 0 ||
	    crypto_scalarmult_ristretto255(p.z, w, d->answer) != 0 ||
	    !blend(s, p.m, c, p.z, p.t3))
		return err_set(err, RC_VERIFY, "proof: the group gave no answer");
	good = check(d, c, s, &p);
	wipe(&p, sizeof(p));
	if (!good)
		return err_set(err, RC_VERIFY, "proof does not hold");
	return RC_OK;
}

/* Labels, contributions and their sum: docs/spec/share-v1.md sections 5 to 7. */
#include <string.h>

#include <sodium.h>

#include "base/wire.h"
#include "shamir/dleq.h"
#include "shamir/public.h"

#define LABEL_MSG_MAX	65535

static const char label_dst[] = "quorate/label/v1";
static const char proof_context[] = "quorate/contribution/v1";

enum rc
shamir_label(struct span msg, uint8_t ret_label[SHAMIR_POINT_BYTES], struct err *err)
{
	if (msg.n > LABEL_MSG_MAX)
		return err_set(err, RC_FORMAT, "label: %zu bytes, at most %d", msg.n, LABEL_MSG_MAX);
	/* The identity comes out with chance 2^-252; whoever uses a label refuses it. */
	shamir_hash_to_point(msg, SPAN_STR(label_dst), ret_label);
	return RC_OK;
}

static enum rc
check_label(const uint8_t label[SHAMIR_POINT_BYTES], struct err *err)
{
	if (!shamir_is_point(label))
		return err_set(err, RC_FORMAT, "label is no group element, or the identity");
	return RC_OK;
}

/*
 * multiplier * label, which decodes the label: who multiplies has checked it as check_label() does. The
 * multiplier is a scalar, and not zero.
 */
static enum rc
times_label(const uint8_t multiplier[SHAMIR_SCALAR_BYTES], const uint8_t label[SHAMIR_POINT_BYTES],
    uint8_t ret[SHAMIR_POINT_BYTES], struct err *err)
{
	if (!shamir_has_point_form(label) || crypto_scalarmult_ristretto255(ret, multiplier, label) != 0)
		return err_set(err, RC_FORMAT, "label is no group element, or the identity");
	return RC_OK;
}

static enum rc
check_index(uint8_t index, struct err *err)
{
	if (!shamir_is_index(index))
		return err_set(err, RC_FORMAT, "index %u is not 1 to %d", index, SHAMIR_SHARES_MAX);
	return RC_OK;
}

enum rc
shamir_apply(const struct secret *secret, const uint8_t label[SHAMIR_POINT_BYTES],
    struct secret **ret_point, struct err *err)
{
	AUTO(secret_free) struct secret	*point = NULL;

	if (secret_len(secret) != SHAMIR_SCALAR_BYTES || !shamir_is_scalar(secret_view(secret)))
		return err_set(err, RC_FORMAT, "secret is no scalar below L, or zero");
	point = secret_new(SHAMIR_POINT_BYTES);
	if (point == NULL)
		return err_set(err, RC_NOMEM, "apply: no locked memory left");
	TRY(times_label(secret_view(secret), label, secret_bytes(point), err));
	shamir_forget();
	*ret_point = TAKE(point);
	return RC_OK;
}

/* The proof over c->point; c->index is not part of it: `public` belongs to one index. */
static enum rc
prove(const uint8_t share[SHAMIR_SCALAR_BYTES], const uint8_t label[SHAMIR_POINT_BYTES],
    struct shamir_contribution *c, struct err *err)
{
	uint8_t		public[SHAMIR_POINT_BYTES], nonce[SHAMIR_SCALAR_BYTES];
	struct dleq	d = { SPAN_STR(proof_context), public, label, c->point };
	enum rc		rc;

	if (crypto_scalarmult_ristretto255_base(public, share) != 0)
		return err_set(err, RC_BUG, "contribution: the group gave no answer");
	dleq_nonce(&d, share, nonce);
	rc = dleq_prove(&d, share, nonce, c->proof, err);
	wipe(nonce, sizeof(nonce));
	return rc;
}

enum rc
shamir_contribute(uint8_t index, const uint8_t share[SHAMIR_SCALAR_BYTES],
    const uint8_t label[SHAMIR_POINT_BYTES], struct shamir_contribution *ret, struct err *err)
{
	struct shamir_contribution	c = { .index = index };
	enum rc				rc;

	TRY(check_index(index, err));
	if (!shamir_is_scalar(share))
		return err_set(err, RC_FORMAT, "share %u is no scalar below L, or zero", index);
	TRY(times_label(share, label, c.point, err));
	rc = prove(share, label, &c, err);
	if (rc == RC_OK)
		*ret = c;
	wipe(&c, sizeof(c));
	shamir_forget();
	return rc;
}

/* By the proof of one, whose commitment is `public`. */
static enum rc
verify_proof(const struct shamir_contribution *in, const uint8_t public[SHAMIR_POINT_BYTES],
    const uint8_t label[SHAMIR_POINT_BYTES], struct err *err)
{
	struct dleq	d = { SPAN_STR(proof_context), public, label, in->point };
	enum rc		rc = dleq_verify(&d, in->proof, err);

	shamir_forget();
	return rc;
}

/*
 * With index, commitments and label checked by the caller. The commitment to the share is libdecaf's; if nothing
 * holds by that, libsodium's has the last word.
 */
static enum rc
verify_one(const struct shamir_contribution *in, const struct shamir_commits *commits,
    const struct public_commits *read, const uint8_t label[SHAMIR_POINT_BYTES], struct err *err)
{
	uint8_t			public[SHAMIR_POINT_BYTES];
	decaf_255_point_t	at;
	enum rc			rc;

	if (!shamir_is_point(in->point))
		return err_set(err, RC_FORMAT,
		    "contribution %u is no group element, or the identity", in->index);
	if (public_commit_at(read, in->index, at, NULL) == RC_OK) {
		decaf_255_point_encode(public, at);
		if (verify_proof(in, public, label, NULL) == RC_OK)
			return RC_OK;
	}
	TRY(shamir_commit_at(commits, in->index, public, err));
	if ((rc = verify_proof(in, public, label, err)) != RC_OK)
		return err_wrap(err, rc, "contribution %u", in->index);
	return RC_OK;
}

enum rc
shamir_contribution_verify(const struct shamir_contribution *in,
    const struct shamir_commits *commits, const uint8_t label[SHAMIR_POINT_BYTES], struct err *err)
{
	struct public_commits	read;

	TRY(check_index(in->index, err));
	TRY(public_commits_read(commits, &read, err));
	TRY(check_label(label, err));
	return verify_one(in, commits, &read, label, err);
}

static enum rc
check_indexes(const struct shamir_contribution *in, size_t n, struct err *err)
{
	uint32_t	seen = 0, bit;
	size_t		i;

	for (i = 0; i < n; i++) {
		TRY(check_index(in[i].index, err));
		bit = UINT32_C(1) << (in[i].index - 1);
		if ((seen & bit) != 0)
			return err_set(err, RC_FORMAT, "index %u twice", in[i].index);
		seen |= bit;
	}
	return RC_OK;
}

/* The first `threshold` good ones; the others are named in ret_bad. */
static size_t
choose(const struct shamir_contribution *in, size_t n, const struct shamir_commits *commits,
    const struct public_commits *read, const uint8_t label[SHAMIR_POINT_BYTES], const struct shamir_contribution *ret[SHAMIR_SHARES_MAX],
    uint32_t *ret_bad)
{
	size_t	i, good = 0;

	for (i = 0; i < n; i++) {
		if (verify_one(&in[i], commits, read, label, NULL) != RC_OK) {
			*ret_bad |= UINT32_C(1) << (in[i].index - 1);
			continue;
		}
		if (good < commits->threshold)
			ret[good] = &in[i];
		good++;
	}
	return good;
}

/* Lagrange's coefficient of in[at] at zero is top / bottom: the products of x_j, and of x_j - x_at. */
static void
lagrange(const struct shamir_contribution *const *in, size_t k, size_t at, uint8_t top[SHAMIR_SCALAR_BYTES],
    uint8_t bottom[SHAMIR_SCALAR_BYTES])
{
	uint8_t	xj[SHAMIR_SCALAR_BYTES], xi[SHAMIR_SCALAR_BYTES];
	size_t	j;

	shamir_scalar_of(1, top);
	shamir_scalar_of(1, bottom);
	shamir_scalar_of(in[at]->index, xi);
	for (j = 0; j < k; j++) {
		if (j == at)
			continue;
		shamir_scalar_of(in[j]->index, xj);
		crypto_core_ristretto255_scalar_mul(top, top, xj);
		crypto_core_ristretto255_scalar_sub(xj, xj, xi);
		crypto_core_ristretto255_scalar_mul(bottom, bottom, xj);
	}
}

/* All k of them, by one inversion: of the product of all bottoms, which is taken apart from the end. */
static void
coefficients(const struct shamir_contribution *const *in, size_t k, uint8_t ret[][SHAMIR_SCALAR_BYTES])
{
	uint8_t	bottom[SHAMIR_SHARES_MAX][SHAMIR_SCALAR_BYTES], before[SHAMIR_SHARES_MAX][SHAMIR_SCALAR_BYTES];
	uint8_t	all[SHAMIR_SCALAR_BYTES];
	size_t	i;

	shamir_scalar_of(1, all);
	for (i = 0; i < k; i++) {
		lagrange(in, k, i, ret[i], bottom[i]);
		memcpy(before[i], all, sizeof(all));
		crypto_core_ristretto255_scalar_mul(all, all, bottom[i]);
	}
	(void)crypto_core_ristretto255_scalar_invert(all, all);		/* distinct: not zero */
	for (i = k; i-- > 0;) {
		crypto_core_ristretto255_scalar_mul(ret[i], ret[i], before[i]);
		crypto_core_ristretto255_scalar_mul(ret[i], ret[i], all);
		crypto_core_ristretto255_scalar_mul(all, all, bottom[i]);
	}
}

/* The sum of coefficient * point; sum and part are the caller's locked memory. */
static bool
interpolate(const struct shamir_contribution *const *in, size_t k, uint8_t *sum, uint8_t *part)
{
	uint8_t	coefficient[SHAMIR_SHARES_MAX][SHAMIR_SCALAR_BYTES];
	size_t	i;

	coefficients(in, k, coefficient);
	for (i = 0; i < k; i++) {
		if (crypto_scalarmult_ristretto255(i == 0 ? sum : part, coefficient[i], in[i]->point) != 0)
			return false;
		if (i != 0 && crypto_core_ristretto255_add(sum, sum, part) != 0)
			return false;
	}
	return true;
}

enum rc
shamir_combine(const struct shamir_contribution *in, size_t n,
    const struct shamir_commits *commits, const uint8_t label[SHAMIR_POINT_BYTES],
    uint32_t *ret_bad, struct secret **ret_point, struct err *err)
{
	AUTO(secret_free) struct secret		*point = NULL, *scratch = NULL;
	const struct shamir_contribution	*good[SHAMIR_SHARES_MAX];
	struct public_commits			 read;
	size_t					 found;

	*ret_bad = 0;
	TRY(check_indexes(in, n, err));
	TRY(public_commits_read(commits, &read, err));
	TRY(check_label(label, err));
	point = secret_new(SHAMIR_POINT_BYTES);
	scratch = secret_new(SHAMIR_POINT_BYTES);
	if (point == NULL || scratch == NULL)
		return err_set(err, RC_NOMEM, "combine: no locked memory left");
	found = choose(in, n, commits, &read, label, good, ret_bad);
	if (found < commits->threshold)
		return err_set(err, RC_QUORUM, "have %zu good contributions of %zu, need %u",
		    found, n, commits->threshold);
	if (!interpolate(good, commits->threshold, secret_bytes(point), secret_bytes(scratch)))
		return err_set(err, RC_BUG, "combine: the group gave no answer");
	shamir_forget();
	*ret_point = TAKE(point);
	return RC_OK;
}

void
shamir_contribution_write(const struct shamir_contribution *c, uint8_t out[SHAMIR_CONTRIBUTION_BYTES])
{
	out[0] = c->index;
	memcpy(out + 1, c->point, SHAMIR_POINT_BYTES);
	memcpy(out + 1 + SHAMIR_POINT_BYTES, c->proof, SHAMIR_PROOF_BYTES);
}

enum rc
shamir_contribution_parse(struct span in, struct shamir_contribution *ret, struct err *err)
{
	struct rd			r = rd_init(in);
	struct shamir_contribution	c;

	/* share-v1 section 6, field for field. */
	if (!rd_u8(&r, &c.index) ||
	    !rd_bytes(&r, c.point, sizeof(c.point)) ||
	    !rd_bytes(&r, c.proof, sizeof(c.proof)) ||
	    !rd_done(&r))
		return err_set(err, RC_FORMAT, "contribution: malformed at byte %zu of %zu", r.at, in.n);
	TRY(check_index(c.index, err));
	*ret = c;
	return RC_OK;
}

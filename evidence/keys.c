#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "audit/tree.h"
#include "base/declassify.h"
#include "base/wire.h"
#include "evidence/keys.h"

#define KEYS_VERSION		1
#define CONTRIBUTIONS_VERSION	1

static enum rc
check_count(uint32_t count, const char *what, struct err *err)
{
	if (count == 0 || count > SCOPE_SEGMENTS_MAX)
		return err_set(err, RC_FORMAT, "%s: for %u segments, 1 to %d are possible",
		    what, count, SCOPE_SEGMENTS_MAX);
	return RC_OK;
}

static void
put_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* What both have in common behind their first bytes: whose order, how many. */
static enum rc
check_order(struct rd *r, const uint8_t order[SHA256_BYTES], uint32_t count,
    size_t record, const char *what, struct err *err)
{
	uint8_t		its[SHA256_BYTES];
	uint32_t	n;

	if (!rd_bytes(r, its, sizeof(its)) || !rd_u32(r, &n))
		return err_set(err, RC_FORMAT, "%s: malformed at byte %zu of %zu", what, r->at, r->in.n);
	TRY(check_count(n, what, err));
	if (r->in.n - r->at != n * record)
		return err_set(err, RC_FORMAT, "%s: %zu bytes for %u segments", what, r->in.n, n);
	if (memcmp(its, order, sizeof(its)) != 0)		/* public */
		return err_set(err, RC_VERIFY, "%s: of another order", what);
	if (n != count)
		return err_set(err, RC_VERIFY, "%s: for %u segments, the order has %u", what, n, count);
	return RC_OK;
}

/* --- keys-v1 ------------------------------------------------------------ */

enum rc
keys_new(const uint8_t order[SHA256_BYTES], uint32_t count, struct secret **ret,
    struct err *err)
{
	struct secret	*s;
	uint8_t		*p;

	TRY(check_count(count, "keys", err));
	if ((s = secret_new(KEYS_BYTES(count))) == NULL)
		return err_set(err, RC_NOMEM, "keys: no memory for %u", count);
	p = secret_bytes(s);
	p[0] = KEYS_VERSION;
	memcpy(p + 1, order, SHA256_BYTES);
	put_u32(p + 1 + SHA256_BYTES, count);
	*ret = s;
	return RC_OK;
}

void
keys_put(struct secret *keys, uint32_t i, const struct secret *point)
{
	memcpy(secret_bytes(keys) + KEYS_BYTES(i), secret_view(point), SHAMIR_POINT_BYTES);
}

/* Only whether a point is valid decides: that it is one is public. */
static bool
is_point(const uint8_t p[SHAMIR_POINT_BYTES])
{
	return declassified(!sodium_is_zero(p, SHAMIR_POINT_BYTES)) &&	/* the identity */
	    declassified(p[SHAMIR_POINT_BYTES - 1] >> 7 == 0) &&	/* libsodium 1.0.18 does not look there */
	    crypto_core_ristretto255_is_valid_point(p) == 1;
}

enum rc
keys_check(const struct secret *keys, const uint8_t order[SHA256_BYTES], uint32_t count,
    struct err *err)
{
	struct rd	r = rd_init(SPAN(secret_view(keys), secret_len(keys)));
	uint8_t		version;

	if (!rd_u8(&r, &version) || version != KEYS_VERSION)
		return err_set(err, RC_FORMAT, "keys: not version %d", KEYS_VERSION);
	TRY(check_order(&r, order, count, SHAMIR_POINT_BYTES, "keys", err));
	for (uint32_t i = 0; i < count; i++)
		if (!is_point(secret_view(keys) + KEYS_BYTES(i)))
			return err_set(err, RC_FORMAT, "keys: number %u is no group element", i);
	return RC_OK;
}

enum rc
keys_point(const struct secret *keys, uint32_t i, struct secret **ret, struct err *err)
{
	struct secret *point;

	if (secret_len(keys) < KEYS_BYTES((size_t)i + 1))
		return err_set(err, RC_USAGE, "keys: no number %u", i);
	if ((point = secret_new(SHAMIR_POINT_BYTES)) == NULL)
		return err_set(err, RC_NOMEM, "keys: no memory");
	memcpy(secret_bytes(point), secret_view(keys) + KEYS_BYTES(i), SHAMIR_POINT_BYTES);
	*ret = point;
	return RC_OK;
}

/* --- contributions-v1 --------------------------------------------------- */

static enum rc
check_custodian(uint8_t custodian, struct err *err)
{
	if (custodian == 0 || custodian > SHAMIR_SHARES_MAX)
		return err_set(err, RC_FORMAT, "contributions: custodian %u", custodian);
	return RC_OK;
}

static uint32_t
contributions_count(const struct secret *c)
{
	return (uint32_t)((secret_len(c) - CONTRIBUTIONS_HEAD_BYTES) / SHAMIR_CONTRIBUTION_BYTES);
}

enum rc
contributions_new(uint8_t custodian, const uint8_t order[SHA256_BYTES], uint32_t count,
    struct secret **ret, struct err *err)
{
	struct secret	*s;
	uint8_t		*p;

	TRY(check_custodian(custodian, err));
	TRY(check_count(count, "contributions", err));
	if ((s = secret_new(CONTRIBUTIONS_BYTES(count))) == NULL)
		return err_set(err, RC_NOMEM, "contributions: no memory for %u", count);
	p = secret_bytes(s);
	p[0] = CONTRIBUTIONS_VERSION;
	p[1] = custodian;
	memcpy(p + 2, order, SHA256_BYTES);
	put_u32(p + 2 + SHA256_BYTES, count);
	*ret = s;
	return RC_OK;
}

void
contributions_put(struct secret *contributions, uint32_t i, const struct shamir_contribution *c)
{
	shamir_contribution_write(c, secret_bytes(contributions) + CONTRIBUTIONS_BYTES(i));
}

enum rc
contributions_check(const struct secret *contributions, uint8_t custodian,
    const uint8_t order[SHA256_BYTES], uint32_t count, struct err *err)
{
	const uint8_t	*p = secret_view(contributions);
	struct rd	 r = rd_init(SPAN(p, secret_len(contributions)));
	uint8_t		 version, its;

	if (!rd_u8(&r, &version) || version != CONTRIBUTIONS_VERSION)
		return err_set(err, RC_FORMAT, "contributions: not version %d", CONTRIBUTIONS_VERSION);
	if (!rd_u8(&r, &its))
		return err_set(err, RC_FORMAT, "contributions: malformed at byte 1 of 1");
	TRY(check_custodian(its, err));
	TRY(check_order(&r, order, count, SHAMIR_CONTRIBUTION_BYTES, "contributions", err));
	for (uint32_t i = 0; i < count; i++)
		if (p[CONTRIBUTIONS_BYTES(i)] != its)
			return err_set(err, RC_FORMAT, "contributions: number %u has index %u, not %u",
			    i, p[CONTRIBUTIONS_BYTES(i)], its);
	if (its != custodian)
		return err_set(err, RC_VERIFY, "contributions: of custodian %u, not %u", its, custodian);
	return RC_OK;
}

void
contributions_get(const struct secret *contributions, uint32_t i, struct shamir_contribution *ret)
{
	const uint8_t *p = secret_view(contributions) + CONTRIBUTIONS_BYTES(i);

	/* shamir.h: index u8, point, proof. */
	ret->index = p[0];
	memcpy(ret->point, p + 1, sizeof(ret->point));
	memcpy(ret->proof, p + 1 + sizeof(ret->point), sizeof(ret->proof));
}

enum rc
contributions_root(const struct secret *contributions, uint8_t ret[SHA256_BYTES],
    struct err *err)
{
	struct tree_range	range = TREE_RANGE_INIT;
	uint8_t			leaf[TREE_HASH_BYTES];

	for (uint32_t i = 0; i < contributions_count(contributions); i++) {
		tree_leaf(SPAN(secret_view(contributions) + CONTRIBUTIONS_BYTES(i),
		    SHAMIR_CONTRIBUTION_BYTES), leaf);
		TRY(tree_range_add(&range, leaf, NULL, NULL, err));
	}
	tree_range_root(&range, ret);
	return RC_OK;
}

/*
 * evidence/keys.h - what stands inside a CMS message.
 *
 * keys-v1, coordinator to recipient (docs/spec/keys-v1.md):
 *	u8 version = 1, order id[32], u32 count, count * segment point[32]
 * contributions-v1, custodian to addressee (docs/spec/contributions-v1.md):
 *	u8 version = 1, u8 custodian, order id[32], u32 count, count * contribution[97]
 *
 * One record for each segment, in scope order (policy/scope.h). k contributions
 * are the key, so both plaintexts live in secret memory. Pure.
 */
#ifndef EVIDENCE_KEYS_H
#define EVIDENCE_KEYS_H

#include "base/secret.h"
#include "policy/scope.h"

#define KEYS_HEAD_BYTES			37
#define KEYS_BYTES(count)		(KEYS_HEAD_BYTES + (size_t)(count) * SHAMIR_POINT_BYTES)
#define CONTRIBUTIONS_HEAD_BYTES	38
#define CONTRIBUTIONS_BYTES(count)	(CONTRIBUTIONS_HEAD_BYTES + (size_t)(count) * SHAMIR_CONTRIBUTION_BYTES)

/* A keys-v1 plaintext with its points still zero. RC_FORMAT: count not 1..SCOPE_SEGMENTS_MAX. */
MUST_USE enum rc keys_new(const uint8_t order[SHA256_BYTES], uint32_t count,
    struct secret **ret, struct err *err);
/* Point i is a copy of `point`. i < count. */
void	 keys_put(struct secret *keys, uint32_t i, const struct secret *point);
/*
 * RC_FORMAT: malformed, longer or shorter than its count, or a point that is
 * no group element. RC_VERIFY: of another order, or not `count` of them.
 */
MUST_USE enum rc keys_check(const struct secret *keys, const uint8_t order[SHA256_BYTES],
    uint32_t count, struct err *err);
/* Point i of checked keys as a new secret. */
MUST_USE enum rc keys_point(const struct secret *keys, uint32_t i, struct secret **ret, struct err *err);

/* A contributions-v1 plaintext with its records still zero. RC_FORMAT: custodian, count. */
MUST_USE enum rc contributions_new(uint8_t custodian, const uint8_t order[SHA256_BYTES],
    uint32_t count, struct secret **ret, struct err *err);
/* Record i; c->index must be the custodian. */
void	 contributions_put(struct secret *contributions, uint32_t i, const struct shamir_contribution *c);
/*
 * RC_FORMAT: malformed, or a record whose index is not the custodian's.
 * RC_VERIFY: of another custodian or order, or not `count` of them. Proofs are
 * not looked at: shamir_contribution_verify does.
 */
MUST_USE enum rc contributions_check(const struct secret *contributions, uint8_t custodian,
    const uint8_t order[SHA256_BYTES], uint32_t count, struct err *err);
/* Record i of checked contributions. Wipe ret->point after use. */
void	 contributions_get(const struct secret *contributions, uint32_t i, struct shamir_contribution *ret);
/* RFC 6962 root over the records: what a receipt names. RC_NOMEM. */
MUST_USE enum rc contributions_root(const struct secret *contributions,
    uint8_t ret[SHA256_BYTES], struct err *err);

#endif

/*
 * policy/charters.h - the charters of one log: the genesis and those that followed,
 * and the policies that they named (docs/spec/state-v1.md section 3). Internal to policy/.
 *
 * Documents are fixed blobs; parsed ones are kept by their digest, so that what was
 * rolled back does no harm. A pointer is valid until the next apply.
 */
#ifndef POLICY_CHARTERS_H
#define POLICY_CHARTERS_H

#include "policy/apply.h"
#include "policy/record.h"

#define CHARTERS_KEPT	32	/* parsed, from one apply to the next */

struct charter_cache {
	size_t		  n, cap;
	struct charter	**c;
};
void	 charter_cache_done(struct charter_cache *k);
/* Forgets all but `keep` where there are more than CHARTERS_KEPT. */
void	 charter_cache_trim(struct charter_cache *k, const struct charter *keep);
/* Hands c over (freed with RC_NOMEM as well), which may be there already. */
const struct charter *charter_cache_find(const struct charter_cache *k, const uint8_t digest[SHA256_BYTES]);
MUST_USE enum rc charter_cache_add(struct charter_cache *k, struct charter *c, const struct charter **ret, struct err *err);

/*
 * The document with this digest, in the chain or not. RC_FORMAT: its rules are none
 * that this code knows (the words say what to do), or it is no charter. RC_MISSING: the blob.
 */
MUST_USE enum rc charters_read(struct replica *r, const uint8_t digest[SHA256_BYTES],
    struct charter **ret, struct err *err);
/* As charters_read(), and kept: for documents that the log has made matter. */
MUST_USE enum rc charters_load(struct replica *r, const uint8_t digest[SHA256_BYTES],
    const struct charter **ret, struct err *err);
/* Is it the charter in force, or was it? */
MUST_USE enum rc charters_known(struct replica *r, const uint8_t digest[SHA256_BYTES], bool *ret, struct err *err);
/* The policy with this digest of any charter that is or was in force. RC_MISSING: of none. */
MUST_USE enum rc charters_policy(struct replica *r, const uint8_t digest[SHA256_BYTES],
    const struct policy_rule **ret, struct err *err);
/* Puts c at the end of the chain: in force from entry `index` on, by the statement `by`. */
MUST_USE enum rc charters_add(struct changes *changes, struct replica *r, const struct charter *c,
    uint64_t index, const uint8_t by[SHA256_BYTES], struct err *err);

#endif

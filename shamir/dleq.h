/*
 * shamir/dleq.h - a proof that two points have one discrete logarithm
 * (GenerateProof and VerifyProof of RFC 9497 section 2.2, for one element).
 *
 * The context string is an argument so that the RFC's vectors can be run; the
 * product has one, of docs/spec/share-v1.md section 6.
 */
#ifndef SHAMIR_DLEQ_H
#define SHAMIR_DLEQ_H

#include "shamir/group.h"

#define DLEQ_CONTEXT_MAX 64	/* bytes of a context string */

/* public = k * base, given = any element, answer = k * given. All of them are points. */
struct dleq {
	struct span	context;
	const uint8_t	*public;
	const uint8_t	*given;
	const uint8_t	*answer;
};

/* k, nonce: scalars, not zero; a nonce is used once. RC_BUG: the group has no such answer. */
MUST_USE enum rc dleq_prove(const struct dleq *d, const uint8_t k[SHAMIR_SCALAR_BYTES],
    const uint8_t nonce[SHAMIR_SCALAR_BYTES], uint8_t ret_proof[SHAMIR_PROOF_BYTES], struct err *err);
/*
 * A nonce from fresh randomness, the key and the statement: a generator that
 * repeats itself or is known does not give the key away.
 */
void	 dleq_nonce(const struct dleq *d, const uint8_t k[SHAMIR_SCALAR_BYTES],
	    uint8_t ret[SHAMIR_SCALAR_BYTES]);

/* RC_FORMAT: a scalar of the proof is zero or L and above. RC_VERIFY: it does not hold. */
MUST_USE enum rc dleq_verify(const struct dleq *d, const uint8_t proof[SHAMIR_PROOF_BYTES],
    struct err *err);

#endif

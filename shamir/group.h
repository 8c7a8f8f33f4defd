/*
 * shamir/group.h - ristretto255 as this folder needs it; not for other folders.
 *
 * What libsodium 1.0.18 leaves open is closed here: it accepts the identity as
 * a valid point, points with the highest bit set, scalars of L and above, and says
 * nothing about zero.
 */
#ifndef SHAMIR_GROUP_H
#define SHAMIR_GROUP_H

#include "shamir/shamir.h"

#define SHAMIR_WIDE_BYTES	64	/* uniform bytes that become a scalar or a point */

/* Below L and not zero. Constant time: the scalar may be secret, the answer is public. */
bool	 shamir_is_scalar(const uint8_t s[SHAMIR_SCALAR_BYTES]);
/* A canonical encoding of an element other than the identity; likewise. */
bool	 shamir_is_point(const uint8_t p[SHAMIR_POINT_BYTES]);
/* What of that crypto_scalarmult_ristretto255() leaves to its caller; the rest it checks when it decodes p. */
bool	 shamir_has_point_form(const uint8_t p[SHAMIR_POINT_BYTES]);
bool	 shamir_is_index(uint8_t index);
/* The scalar of a small number, which may be 0. */
void	 shamir_scalar_of(uint8_t n, uint8_t ret[SHAMIR_SCALAR_BYTES]);

/* RFC 9380 expand_message_xmd with SHA-512 to one block; dst at most 255 bytes. */
void	 shamir_expand(struct span msg, struct span dst, uint8_t ret[SHAMIR_WIDE_BYTES]);
void	 shamir_hash_to_point(struct span msg, struct span dst, uint8_t ret[SHAMIR_POINT_BYTES]);

/*
 * Zeroes the stack below the caller. libsodium leaves what it computed in the
 * frames of its functions, and we the transcripts of a proof; a share applied
 * to a label is a secret until k of them are public.
 */
void	 shamir_forget(void);

/*
 * A commitment to a share out of commitments that were checked before.
 * RC_FORMAT: the sum is the identity.
 */
MUST_USE enum rc shamir_commit_at(const struct shamir_commits *c, uint8_t index,
    uint8_t ret[SHAMIR_POINT_BYTES], struct err *err);

#endif

/*
 * shamir/public.h - points that are public, by a second library; not for other folders.
 *
 * libdecaf's points need no encoding between operations, and a multiplication by an index is a few additions. It
 * takes its time by the values, so nothing secret goes in, and it is not believed alone: what it gives is compared,
 * or hashed, with what libsodium gives, and who fails by it is looked at by libsodium before anybody says so
 * (docs/adr/0010-batched-share-check.md, docs/adr/0031-public-points.md).
 */
#ifndef SHAMIR_PUBLIC_H
#define SHAMIR_PUBLIC_H

#include <decaf/point_255.h>

#include "shamir/group.h"

struct public_commits {
	uint8_t			threshold;
	decaf_255_point_t	point[SHAMIR_SHARES_MAX];
};

/* shamir_commits_check(), and the points. RC_FORMAT as there. */
MUST_USE enum rc public_commits_read(const struct shamir_commits *c, struct public_commits *ret, struct err *err);

/* shamir_commit_at() of checked commitments, for an index of 1..31. RC_FORMAT: an identity on the way. */
MUST_USE enum rc public_commit_at(const struct public_commits *c, uint8_t index, decaf_255_point_t ret, struct err *err);

/* ret = s * base + c * p. False: p is no point, or the sum is the identity. */
MUST_USE bool	 public_blend(const uint8_t s[SHAMIR_SCALAR_BYTES], const uint8_t c[SHAMIR_SCALAR_BYTES],
		    const uint8_t p[SHAMIR_POINT_BYTES], uint8_t ret[SHAMIR_POINT_BYTES]);

#endif

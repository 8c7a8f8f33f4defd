/*
 * shamir/shamir.h - share a scalar, apply shares to a label, combine the answers.
 *
 * Polynomials over the ristretto255 scalar field (RFC 9496) with Feldman
 * commitments (RFC 9591 appendix C); docs/spec/share-v1.md, vectors in
 * tests/vectors/share-v1. The shared scalar is never put together again: a
 * custodian contributes its share times a group element (the label), with a
 * DLEQ proof (RFC 9497 section 2.2) against its public share commitment.
 * Fewer than `threshold` contributions say nothing about the result. A
 * contribution is verified before it is used, so a wrong one is an error that
 * names its index, never a wrong key.
 *
 * Scalars are 32 bytes little-endian and below L (checked; zero refused);
 * points are canonical encodings, the identity refused; an index is 1..31.
 *
 * Pure: no I/O, no globals, no logging; randomness from libsodium. Call
 * secret_init() first. Thread-safe on distinct arguments.
 */
#ifndef SHAMIR_SHAMIR_H
#define SHAMIR_SHAMIR_H

#include "base/secret.h"

#define SHAMIR_POINT_BYTES		32
#define SHAMIR_SCALAR_BYTES		32
#define SHAMIR_PROOF_BYTES		64	/* c || s */
#define SHAMIR_CONTRIBUTION_BYTES	97	/* index || point || proof */
#define SHAMIR_THRESHOLD_MIN		2	/* 1-of-n is a copy, not an escrow */
#define SHAMIR_SHARES_MAX		31

struct shamir_commits {
	uint8_t	threshold;			/* how many of `point` are set */
	uint8_t	point[SHAMIR_SHARES_MAX][SHAMIR_POINT_BYTES];
};

struct shamir_contribution {
	uint8_t	index;				/* 1..31, the custodian's */
	uint8_t	point[SHAMIR_POINT_BYTES];	/* share * label: a secret until k are public */
	uint8_t	proof[SHAMIR_PROOF_BYTES];
};

/*
 * Split a fresh random scalar threshold-of-shares.
 *
 * ret_secret   the scalar; caller frees. Kept only to derive segment keys at sealing.
 * arena        where the shares are put.
 * ret_share    `shares` pointers into the arena, share i at [i-1].
 *
 * RC_FORMAT threshold not 2..shares, shares > 31. RC_NOMEM memory or arena full.
 * Time depends on threshold and shares only.
 */
MUST_USE enum rc shamir_split(uint8_t threshold, uint8_t shares, struct secret_arena *arena,
    struct secret **ret_secret, uint8_t *ret_share[SHAMIR_SHARES_MAX],
    struct shamir_commits *ret_commits, struct err *err);

/* As shamir_split with the coefficients given (threshold scalars): vectors and tests. */
MUST_USE enum rc shamir_split_with(const uint8_t (*coefficient)[SHAMIR_SCALAR_BYTES],
    uint8_t threshold, uint8_t shares, struct secret_arena *arena, uint8_t *ret_share[SHAMIR_SHARES_MAX],
    struct shamir_commits *ret_commits, struct err *err);

/* Refuses commitments out of range, non-canonical or the identity: RC_FORMAT. */
MUST_USE enum rc shamir_commits_check(const struct shamir_commits *c, struct err *err);

/* The public commitment to share `index`: sum of index^j * C_j. RC_FORMAT as above. */
MUST_USE enum rc shamir_share_commit(const struct shamir_commits *c, uint8_t index,
    uint8_t ret_point[SHAMIR_POINT_BYTES], struct err *err);

/* Is this the share that the commitments promise? RC_VERIFY if not; RC_FORMAT malformed. */
MUST_USE enum rc shamir_share_verify(const struct shamir_commits *c, uint8_t index,
    const uint8_t share[SHAMIR_SCALAR_BYTES], struct err *err);

/*
 * The same for many shares of one custodian, each under its own commitments, in one
 * batched verification (docs/adr/0010-batched-share-check.md): random weights of 128
 * bits, so that a wrong one passes with probability 2^-128 at most. share[i] is of
 * commits[i]. RC_OK: shamir_share_verify() would take each. RC_VERIFY: at least one is
 * wrong; which, that tells. RC_FORMAT as above. Uses 64 KiB of stack.
 * The shares are multiplied by the weights in constant time; the rest is public.
 */
MUST_USE enum rc shamir_shares_verify(const struct shamir_commits *commits, uint8_t index,
    const uint8_t *const *share, size_t n, struct err *err);

/* share * G, the public side of a share. RC_FORMAT: no scalar below L, or zero. */
MUST_USE enum rc shamir_share_public(const uint8_t share[SHAMIR_SCALAR_BYTES],
    uint8_t ret_point[SHAMIR_POINT_BYTES], struct err *err);

/*
 * The group element a segment's key is derived from:
 * hash_to_ristretto255 (RFC 9380 appendix B) of `msg` with expand_message_xmd,
 * SHA-512, DST "quorate/label/v1". Public. RC_FORMAT: msg over 65535 bytes.
 */
MUST_USE enum rc shamir_label(struct span msg, uint8_t ret_label[SHAMIR_POINT_BYTES], struct err *err);

/* secret * label: what the sealer derives a segment key from. RC_FORMAT bad label; RC_NOMEM. */
MUST_USE enum rc shamir_apply(const struct secret *secret, const uint8_t label[SHAMIR_POINT_BYTES],
    struct secret **ret_point, struct err *err);

/* share * label with its proof. The share is checked to be a canonical non-zero scalar. */
MUST_USE enum rc shamir_contribute(uint8_t index, const uint8_t share[SHAMIR_SCALAR_BYTES],
    const uint8_t label[SHAMIR_POINT_BYTES], struct shamir_contribution *ret, struct err *err);

/* RC_VERIFY: the proof fails. RC_FORMAT: malformed. Public values only. */
MUST_USE enum rc shamir_contribution_verify(const struct shamir_contribution *in,
    const struct shamir_commits *commits, const uint8_t label[SHAMIR_POINT_BYTES], struct err *err);

/*
 * Combine `threshold` good contributions for one label into secret * label.
 *
 * in         `n` contributions, any order; borrowed, not modified.
 * commits    from the logged descriptor, never from a custodian; borrowed.
 * ret_bad    on return, bit i-1 is set for each index i that failed to verify.
 * ret_point  on RC_OK a new secret of SHAMIR_POINT_BYTES; untouched otherwise.
 *
 * RC_QUORUM fewer than threshold good ones. RC_FORMAT threshold out of range, an
 * index that is 0, > 31 or repeated, bad commitment. RC_NOMEM, scratch zeroed.
 * Time depends on n, threshold and indexes, never on the points.
 */
MUST_USE enum rc shamir_combine(const struct shamir_contribution *in, size_t n,
    const struct shamir_commits *commits, const uint8_t label[SHAMIR_POINT_BYTES],
    uint32_t *ret_bad, struct secret **ret_point, struct err *err);

/* One encoding: index u8, point, proof. */
void	 shamir_contribution_write(const struct shamir_contribution *c, uint8_t out[SHAMIR_CONTRIBUTION_BYTES]);
/* Index range and lengths only; the proof is checked by _verify. */
MUST_USE enum rc shamir_contribution_parse(struct span in, struct shamir_contribution *ret, struct err *err);

#endif

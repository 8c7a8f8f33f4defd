/*
 * tests/unit/custodian/sealing.h - batches of many artifacts for the bench, by a sealer
 * that gives custodian 1 what it should not.
 */
#ifndef TESTS_UNIT_CUSTODIAN_SEALING_H
#define TESTS_UNIT_CUSTODIAN_SEALING_H

#include "tests/unit/custodian/bench.h"

enum trick {
	TRICK_OTHER,		/* custodian 2's share of the same artifact */
	TRICK_NEXT,		/* its own share of the next artifact */
	TRICK_ZERO,		/* no share at all, well sealed */
	TRICK_BYTE,		/* its own, with a byte changed after it was sealed */
	TRICK_OLD,		/* the sealed bytes of leaf 0 of batch 0 */
	TRICK_POINT,		/* an encapsulation off the curve: for all leaves */
	TRICK_IDENTITY,		/* well sealed, under a commitment that is the identity, */
	TRICK_WILD,		/* ... or no encoding of a point, */
	TRICK_HIGH_BIT,		/* ... or one of a point with the bit set that there is not */
};
struct lie {
	uint32_t	leaf;
	enum trick	trick;
};

/* Logged, and in b->batch; commits are those of the artifact of commits_of. */
struct bench_batch *sealing_batch(struct bench *b, uint32_t count, const struct lie *lie, size_t n_lies,
	    uint32_t commits_of);

#endif

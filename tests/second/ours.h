/*
 * tests/second/ours.h - what the two implementations hand each other.
 *
 * Below one folder, as vectors (tests/gen/lib/vector.h):
 *
 *	network/	charter, and the private keys of its sealer and custodians
 *	batch-WHO/	one batch: envelope of its statement, vector, shares (a list)
 *	WHO/		a file an artifact, and NAME.envelope beside it: leaf, scope, order,
 *			answer (a list, contributions-v1), bad (who of them lies), keys,
 *			read (a list: u8 part, u64 offset, u64 bytes), read_sha256 (a list);
 *			every_byte: flip each byte in turn
 *
 * WHO is "ours" or "theirs"; theirs is tests/second/peer.mjs. Test code: a failure
 * of its own ends the program.
 */
#ifndef TESTS_SECOND_OURS_H
#define TESTS_SECOND_OURS_H

#include "evidence/batch.h"
#include "evidence/envelope.h"
#include "evidence/keys.h"
#include "tests/fixture/network.h"

#define THRESHOLD	3	/* of NET_N, as the fixture's charter has it */
#define BIG		((size_t)8 << 20)

void	 seal_all(struct net *n, const char *dir);
/* How many artifacts of theirs opened, and how many did not. */
void	 open_all(struct net *n, const char *dir, size_t *ret_passed, size_t *ret_failed);

/* One custodian's answer for all segments of a scope. */
MUST_USE enum rc answer_make(const struct net *n, const struct descriptor *d, const struct scope *scope,
	    uint8_t custodian, const uint8_t *share, const uint8_t order[SHA256_BYTES],
	    struct secret **ret, struct err *err);
/* Combines answers to keys-v1. Bit i-1 of ret_bad: custodian i gave a wrong one. */
MUST_USE enum rc answers_combine(const struct net *n, const struct descriptor *d, const struct scope *scope,
	    struct secret *const *answer, size_t n_answers, const uint8_t order[SHA256_BYTES],
	    uint32_t *ret_bad, struct secret **ret, struct err *err);

#endif

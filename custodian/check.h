/*
 * custodian/check.h - the background check of sealed shares.
 *
 * When nothing else waits, the keeper opens one batch after another in the token (one
 * ECDH), verifies all its shares against the commitments of their descriptors in one
 * go (shamir_shares_verify()), and signs what it found: `checked` for a run of
 * batches, `garbage` for a share that is not what the descriptor promises. Both are
 * journalled until the log shows them (JOURNAL_FOUND) and go out with Append replies.
 *
 * It works in slices of at most CHECK_SLICE shares between two looks at the socket, and
 * rests whenever a frame waits. `garbage` goes out at once, `checked` when
 * CHECK_RUN_MAX batches are through or CHECK_RUN_SECONDS after the first of them,
 * so that sealing one artifact at a time does not cost an entry each.
 */
#ifndef CUSTODIAN_CHECK_H
#define CUSTODIAN_CHECK_H

#include "base/when.h"
#include "base/auto.h"
#include "base/bytes.h"

#define CHECK_SLICE		64
#define CHECK_RUN_MAX		1024
#define CHECK_RUN_SECONDS	60

struct custody;
struct checking;	/* the batch at hand, and where the run began; NULL: none */

/*
 * Does one slice of work. *ret_more: there is more to do now. A fault of the token is
 * RC_IO: try again later. Never in a transaction of somebody else's.
 */
MUST_USE enum rc check_work(struct custody *c, when now, bool *ret_more, struct err *err);
/* Batches whose vectors are here and not yet checked. */
MUST_USE enum rc check_waiting(struct custody *c, uint64_t *ret, struct err *err);
/* In the transaction of an append: a new effective batch, or a vector that came. */
MUST_USE enum rc check_note_batch(struct custody *c, uint64_t index, struct err *err);
void	 checking_free(struct checking *k);

#endif

/*
 * custodian/check.h - the background check of sealed shares (docs/adr/0010-batched-share-check.md).
 *
 * When nothing else waits, the keeper opens one batch after another in the token (one
 * ECDH), verifies its shares against the commitments of their descriptors, CHECK_SLICE
 * of them in one go (shamir_shares_verify()), and signs what it found: `checked` for a
 * run of batches, `garbage` for a share that is not what the descriptor promises.
 * Both are journalled until the log shows them (JOURNAL_FOUND) and go out with Append
 * replies.
 *
 * It does one small thing between two looks at the socket: opens a batch, or checks a
 * slice, or signs. `garbage` goes out when its batch is through, `checked` when
 * CHECK_RUN_MAX batches are, or CHECK_RUN_SECONDS after the first of them, so that
 * sealing one artifact at a time does not cost an entry each.
 *
 * A run leaves no effective batch out. One whose vector did not come, or is not what
 * was stored, or holds more garbage than is worth an entry each, ends it; what
 * comes later is said alone.
 *
 * A batch is done at once or, after a restart, again: what it found is durable in one
 * transaction, so nothing is said twice.
 */
#ifndef CUSTODIAN_CHECK_H
#define CUSTODIAN_CHECK_H

#include "base/when.h"
#include "base/auto.h"
#include "base/bytes.h"

#define CHECK_SLICE		64	/* shares, or ... */
#define CHECK_SLICE_MS		5	/* ... as many as a slow token opens in this time, at least one */
#define CHECK_RUN_MAX		1024
#define CHECK_RUN_SECONDS	60
#define CHECK_GARBAGE_MAX	16	/* leaves of one batch that are named; with more it is never `checked` */
#define CHECK_REST_MS		10000	/* after a fault */

struct custody;
struct statement;
struct checking;	/* the batch at hand, and what is through; NULL: not looked yet */

/*
 * Does one small thing. *ret_wait_ms: 0, there is more to do now; more, nothing before
 * that time; -1, nothing until something is appended. A fault of the token is RC_IO: try
 * again after CHECK_REST_MS. Never in a transaction of somebody else's.
 */
MUST_USE enum rc check_work(struct custody *c, when now, int *ret_wait_ms, struct err *err);
/* Batches whose vectors are here and not yet checked. */
MUST_USE enum rc check_waiting(struct custody *c, uint64_t *ret, struct err *err);
/* In the transaction of an append: a new effective batch, or a vector that came. */
MUST_USE enum rc check_note_batch(struct custody *c, uint64_t index, struct err *err);
/*
 * In the transaction of an append: the log shows an effective `checked` of this custodian's. An
 * older database, put back, may be about to say the same.
 */
MUST_USE enum rc check_logged(struct custody *c, const struct statement *s, struct err *err);
/* Likewise, an effective `garbage`: with the last of its batch, `checked` may be said of that. */
MUST_USE enum rc check_garbage_logged(struct custody *c, const struct statement *s, struct err *err);
/* Is this custodian's share of this leaf known to be garbage? */
MUST_USE enum rc check_garbage(struct custody *c, uint64_t index, uint32_t leaf, bool *ret, struct err *err);
/* In the transaction that drops the entries from `size` on. */
MUST_USE enum rc check_cut(struct custody *c, uint64_t size, struct err *err);
void	 checking_free(struct checking *k);

#endif

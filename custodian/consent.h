/*
 * custodian/consent.h - this custodian's word that a charter may be amended
 * (docs/adr/0014-charters-that-follow.md).
 *
 * An effective `amendment` that came with an append is noted (JOURNAL_CONSENT). From time
 * to time, and after each append, replica_may_consent() is asked whether it is approved
 * and its delay has run out, by the log and by our own clock, and no "no" that was
 * handed in stands against it. Then one `consent` is signed, a step (custodian/steps.h),
 * and goes out with Append replies until the log shows it (JOURNAL_FOUND).
 *
 * It is good for CONSENT_LIFE: a coordinator that keeps it back must not log it against what
 * was objected since. One that ran out unlogged leaves no more; it counts as not said, so that
 * all is asked again.
 * Once for each amendment; again, CONSENT_TRIES_MAX in all, when the log's one is void: of
 * one that came too early by log time when that has passed, else all are void in a second.
 * One that is over is forgotten when a quorum cosigned all that shows it.
 */
#ifndef CUSTODIAN_CONSENT_H
#define CUSTODIAN_CONSENT_H

#include "base/bytes.h"
#include "base/when.h"

#define CONSENT_LIFE		3600	/* seconds */
#define CONSENT_NOTED_MAX	1024	/* amendments at one time; of more it says nothing */
#define CONSENT_AT_ONCE		16	/* that are looked at in one go */
#define CONSENT_LOOK_MS		1000	/* between two looks, when nothing came */
#define CONSENT_TRIES_MAX	3

struct custody;

struct consenting {
	uint64_t	looked_ms;		/* 0: not yet */
	uint8_t		after[8 + SHA256_BYTES];	/* where the last look ended */
	size_t		n_after;
	uint64_t	said_ms;		/* when the last one was signed; 0: not since our start */
	bool		unmarked;		/* one was signed that the token does not count yet: none goes out */
	uint8_t		told[SHA256_BYTES];	/* of what we said that a later version may */
};

/* In the transaction of an append: an effective amendment. */
MUST_USE enum rc consent_note(struct custody *c, uint64_t index, const uint8_t id[SHA256_BYTES], struct err *err);
/*
 * Looks, when it is time or something came (news). *ret_wait_ms: until the next look; -1: none
 * is noted. Never in a transaction of somebody else's. RC_IO: the token, try again.
 */
MUST_USE enum rc consent_work(struct custody *c, when now, bool news, int *ret_wait_ms, struct err *err);
/* Is this one of JOURNAL_FOUND a consent that is no longer good, by our clock or the log's? */
MUST_USE enum rc consent_ran_out(struct custody *c, struct span dsse, when now, bool *ret, struct err *err);

#endif

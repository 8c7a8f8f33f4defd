/*
 * custodian/judge.h - whose checkpoint is it? A log may have had several keys
 * (docs/adr/0019-succession-and-rebuilding.md).
 *
 * A succession gives the log another key. The notes of the one before it stay true, up
 * to the entry that replaced it; what it signs of a longer log is late and proves
 * nothing. And what q custodians cosigned is the log, whoever's key signed it: their
 * keys never change, and no two pasts have q of them. So a custodian that has not got
 * the succession yet is led to it by what the others cosigned.
 */
#ifndef CUSTODIAN_JUDGE_H
#define CUSTODIAN_JUDGE_H

#include "audit/note.h"
#include "policy/charter.h"

struct custody;

struct log_keys {
	uint8_t		charter[SHA256_BYTES];	/* that was in force when they were looked up */
	size_t		n;			/* 0: not yet; the last is in force */
	struct note_key	key[NOTE_LOGS];
	uint64_t	until[NOTE_LOGS];	/* the largest size that it could sign */
};

enum standing {
	NOTE_STRANGE,		/* by no log key that we know of (yet) */
	NOTE_LATE,		/* by one that was replaced before the log was as long */
	NOTE_GOOD,		/* by the one of that size */
};

struct judged {
	struct checkpoint	cp;
	struct note_cosigned	by;		/* bit i-1: custodian i */
	struct note_key		log;		/* whose it is, unless NOTE_STRANGE */
	enum standing		standing;
	bool			in_force;	/* by the key of the charter in force */
	bool			quorum;		/* q custodians cosigned */
};

/*
 * RC_OK: a checkpoint of this log's origin, on which each known key's signature is good:
 * look at what it is. RC_FORMAT, RC_VERIFY: not even that. RC_UNSURE before entry 0.
 */
MUST_USE enum rc note_judge(struct custody *c, struct span note, struct judged *ret, struct err *err);
/* Says it anything? What is late or strange does when a quorum stands behind it. */
static inline bool
note_counts(const struct judged *j)
{
	return j->standing == NOTE_GOOD || j->quorum;
}

/* The keys that the log has had, good until the next apply. */
MUST_USE enum rc judge_log_keys(struct custody *c, const struct log_keys **ret, struct err *err);
bool	 note_key_eq(const struct note_key *a, const struct note_key *b);

#endif

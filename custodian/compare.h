/*
 * custodian/compare.h - custodians compare notes (docs/spec/exchange-v1.md).
 *
 * The listener's threads (custodian/peers.c) carry, the keeper decides: custody_outgoing()
 * makes the request to a peer, custody_exchange() answers one, custody_heard() takes
 * an answer in. Notes prove themselves by the log's signature; that an answer is fresh
 * the peer's own signature over our nonce proves, so that not even our listener can
 * play an old one.
 *
 * Ready: since its start this custodian had fresh answers of n-q+f+1 peers, and its
 * replica has reached the largest q-cosigned checkpoint among them. Until then it
 * cosigns nothing and contributes to nothing (any q-cosigned checkpoint that it has
 * signed, one of f+1 honest others among them has signed too).
 *
 * Two checkpoints that the log signed and that cannot both be of one log are an
 * accusation (audit/accusation.h): kept under CUSTODY_ACCUSATION, given to every peer,
 * and from then on this custodian contributes to nothing, until a succession gives the
 * log another key. It goes on cosigning: evidence
 * is never refused. What contradicts our log and cannot be proved yet is a suspicion:
 * it stops contributions until it is proved or cleared, and no longer than this process
 * lives. Peers of another state digest after the same entries are reported, and more
 * than f of them stop contributions.
 */
#ifndef CUSTODIAN_COMPARE_H
#define CUSTODIAN_COMPARE_H

#include "audit/accusation.h"
#include "edge/edge.h"
#include "policy/charter.h"

#define COMPARE_NONCE_BYTES	32
#define COMPARE_INSTANCE_BYTES	16
#define COMPARE_EVERY_MS	5000	/* between exchanges with one peer when nothing happens; in large networks more */
#define COMPARE_SOON_MS		250	/* ... until we are ready; doubles up to the above */
#define COMPARE_ASKED_MAX	20	/* questions of one peer that are answered ... */
#define COMPARE_ASKED_MS	4000	/* ... in this time */
#define COMPARE_SEEN_MS		60000	/* what was seen of peers is durable within, whether the log grows or not */
#define COMPARE_SIGNED_MS	1000	/* a peer's answer is signed at most once in this time */

struct custody;

/* What a peer says that it saw of us, or we of it: the most of each. */
struct compared_past {
	uint64_t	steps, size;
	uint8_t		root[SHA256_BYTES];
};

#define PASS_AT_ONCE		64	/* statements in a message (custodian/pass.h) */
struct passed { uint8_t id[PASS_AT_ONCE][SHA256_BYTES]; size_t n; };

struct compared_peer {
	uint8_t		nonce[COMPARE_NONCE_BYTES];	/* of the question that is out */
	bool		asked, fresh;		/* fresh: answered since our start */
	struct compared_past us;		/* in its fresh answer */
	uint8_t		instance[COMPARE_INSTANCE_BYTES];	/* of the peer, as we saw it last */
	uint8_t		replaced[COMPARE_INSTANCE_BYTES];	/* and the one before */
	struct compared_past past;		/* the most we saw of it */
	bool		twice, back;		/* said already */
	struct log_quota lines;			/* about it: it can make us say things as often as it likes */
	struct log_quota asks;			/* its questions */
	uint64_t	signed_ms;		/* when an answer to it was signed last; 0: never */
	bool		accused;		/* it holds an accusation, too */
	bool		told;			/* the question that is out carries ours */
	bool		differs;		/* another state after the same entries */
	uint64_t	state_asked, note_asked;	/* the question that is out has the state and the note of so many entries */
	uint64_t	same_at, differs_at;	/* the most entries with one state, the fewest with two */
	/* Statements: what it holds, which of its last answer we hold, where messages to it ended. */
	uint8_t		(*known)[SHA256_BYTES];
	size_t		n_known, next_known;
	struct passed	*held;
	uint8_t		cursor[2][SHA256_BYTES];
	bool		more;
	uint64_t	took_ms;
};

struct comparing {
	struct compared_peer	peer[CUSTODIANS_MAX];
	uint64_t		target;		/* the largest q-cosigned size among answers */
	uint8_t			target_root[SHA256_BYTES];
	struct buf		target_note;	/* looked at again when we hold that much */
	uint64_t		most;		/* the largest size that the log signed, among fresh answers, or f+1 saw us hold */
	uint8_t			most_root[SHA256_BYTES];
	struct buf		suspicion;	/* a note that contradicts our log without a proof yet */
	uint64_t		refused;	/* size of the second root that was asked for, said once */
	bool			ready, loaded;
	bool			forgot;		/* f+1 said that we did more than we know: `most` is not signed below */
	bool			rebuild;	/* a quorum cosigned another log than our tail */
	uint64_t		differs_at;	/* index + 1 of the first entry that shows it; 0: unknown */
	bool			dirty;		/* what we saw of peers is to be stored with the next append */
	uint64_t		stored_ms;	/* when it was stored last, 0: not yet */
};

/* How many peers must have answered: n-q+f+1, which a charter keeps below n. */
unsigned compare_need(const struct charter *c);
/* RC_UNSURE with words: not yet. Looks again whether the replica has reached the target. */
MUST_USE enum rc compare_ready(struct custody *c, struct err *err);
/* Does an accusation of the log key that is in force stand? A succession ends what one of the key before it began. */
MUST_USE enum rc compare_is_accused(struct custody *c, bool *ret, struct err *err);
/* RC_DENIED with words: an accusation stands, a suspicion does, or more than f peers have another state. */
MUST_USE enum rc compare_calm(struct custody *c, struct err *err);
/*
 * A note of the log that somebody brought. Verified against what we hold: RC_OK, also
 * when it accuses (then it is stored: look at compare_calm()); RC_VERIFY, RC_FORMAT: not
 * the log's; RC_UNSURE: larger than what we hold. Never in a transaction.
 */
MUST_USE enum rc compare_note(struct custody *c, struct span note, struct err *err);
/* In the transaction of an append: what we saw of peers, when it changed. */
MUST_USE enum rc compare_store(struct custody *c, struct err *err);
/*
 * After an append or an answer, in no transaction: what could not be told before is
 * looked at again, and a tail that a quorum contradicts is dropped (custodian/rebuild.h).
 */
MUST_USE enum rc compare_settle(struct custody *c, struct err *err);
void	 compare_done(struct comparing *m);

/* --- for exchange.c, heard.c and cosign.c ------------------------------------------ */

/* A value of the store: u64 size, root, the log's note. */
struct compared_note {
	uint64_t	size;			/* 0: none */
	uint8_t		root[SHA256_BYTES];
	struct buf	note;			/* BUF_INIT(NOTE_BYTES_MAX) */
};
#define COMPARED_NOTE_INIT	((struct compared_note){ .note = BUF_INIT(NOTE_BYTES_MAX) })
void	 compared_note_done(struct compared_note *n);
MUST_USE enum rc compare_note_put(struct custody *c, const char *name, const struct checkpoint *cp, struct span note,
    struct err *err);
/* size 0: there is none. RC_BUG: damaged. */
MUST_USE enum rc compare_note_get(struct custody *c, const char *name, struct compared_note *ret, struct err *err);
/* The newest note of the log over what we hold; size 0: none yet. */
MUST_USE enum rc compare_own_note(struct custody *c, struct compared_note *ret, struct err *err);
/* A proof from a note of ours to a larger one: the root of the log of `note` at our size. RC_VERIFY: it proves nothing. */
MUST_USE enum rc compare_proof(struct custody *c, const struct compared_note *ours, struct span note,
    const uint8_t root[SHA256_BYTES], const struct tree_path *path, struct err *err);
/* An accusation that somebody brought. RC_VERIFY, RC_FORMAT: it is none. */
MUST_USE enum rc compare_accused(struct custody *c, struct span accusation, struct err *err);
/* What we saw of peers, from the store. */
MUST_USE enum rc compare_load(struct custody *c, struct err *err);
/* A fresh answer has this note. */
void	 compare_most(struct custody *c, const struct checkpoint *cp);
/*
 * f+1 peers say that we did more steps than we know of (custodian/steps.h): one of them is
 * honest. No size up to the largest among the fresh answers is cosigned another time, nor
 * up to the largest that f+1 saw us hold.
 */
MUST_USE enum rc compare_forgotten(struct custody *c, struct err *err);
/* An answer names this q-cosigned note. */
MUST_USE enum rc compare_target(struct custody *c, const struct checkpoint *cp, struct span note, struct err *err);

#endif

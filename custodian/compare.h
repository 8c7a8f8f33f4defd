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
 * and from then on this custodian contributes to nothing. It goes on cosigning: evidence
 * is never refused. Peers of another state digest after the same entries are reported,
 * and more than f of them stop contributions.
 */
#ifndef CUSTODIAN_COMPARE_H
#define CUSTODIAN_COMPARE_H

#include "audit/note.h"
#include "policy/charter.h"

#define COMPARE_NONCE_BYTES	32
#define COMPARE_EVERY_MS	5000	/* between exchanges with one peer when nothing happens */
#define COMPARE_SOON_MS		250	/* ... until we are ready; doubles up to the above */
#define COMPARE_SIGNED_MS	1000	/* a peer's answer is signed at most once in this time */

struct custody;

struct compared_peer {
	uint8_t		nonce[COMPARE_NONCE_BYTES];	/* of the question that is out */
	bool		asked, fresh;		/* fresh: answered since our start */
	bool		differs;		/* another state after the same entries */
	uint8_t		instance[16];		/* of the peer, as we saw it last */
	uint64_t	steps, size;		/* the most we saw of it */
	uint8_t		root[SHA256_BYTES];
	uint64_t	signed_ms;		/* when an answer to it was signed last */
};

struct comparing {
	struct compared_peer	peer[CUSTODIANS_MAX];
	uint64_t		target;		/* the largest q-cosigned size among fresh answers */
	bool			ready;
	uint64_t		differs_at;	/* index + 1 of the first entry that shows it; 0: unknown */
	bool			dirty;		/* what we saw of peers is to be stored with the next append */
};

/* How many peers must have answered: n-q+f+1, at most n-1. */
unsigned compare_need(const struct charter *c);
/* RC_UNSURE with words: not yet. Looks again whether the replica has reached the target. */
MUST_USE enum rc compare_ready(struct custody *c, struct err *err);
/* RC_DENIED with words: an accusation stands, or more than f peers have another state. */
MUST_USE enum rc compare_calm(struct custody *c, struct err *err);
/*
 * A note of the log that somebody brought. Verified against what we hold: RC_OK, also
 * when it accuses (then it is stored: look at compare_calm()); RC_VERIFY, RC_FORMAT: not
 * the log's; RC_UNSURE: larger than what we hold.
 */
MUST_USE enum rc compare_note(struct custody *c, struct span note, struct err *err);
/* In the transaction of an append: what we saw of peers, when it changed. */
MUST_USE enum rc compare_store(struct custody *c, struct err *err);

#endif

/*
 * custodian/custody.h - what the keeper holds: replica, token, shares, journals.
 *
 * custody_open() is the only place where the keeper's parts come together; each
 * method of the keeper is a function of bytes over this object. Threads: the
 * keeper has one.
 */
#ifndef CUSTODIAN_CUSTODY_H
#define CUSTODIAN_CUSTODY_H

#include "audit/entry.h"
#include "audit/store/store.h"
#include "custodian/check.h"
#include "custodian/compare.h"
#include "custodian/config.h"
#include "custodian/consent.h"
#include "custodian/handed.h"
#include "custodian/judge.h"
#include "custodian/steps.h"
#include "hsm/hsm.h"
#include "policy/apply.h"

/* Names in the store. */
#define CUSTODY_SIGNED		"signed"	/* u64 size, root, note: what this custodian cosigned last */
#define CUSTODY_SHOWN		"shown"		/* likewise: the newest over what it holds, cosigned or not */
#define CUSTODY_COSIGNED	"cosigned"	/* the newest q-cosigned note it agrees with */
#define CUSTODY_ACCUSATION	"accusation"	/* accusation-v1: it contributes to nothing while ... */
#define CUSTODY_ACCUSED		"accused"	/* ... this key is the log's: 32 bytes */
#define CUSTODY_STEPS		"steps"		/* u64 (custodian/steps.h) */
#define CUSTODY_STARTED		"started"	/* instance, u64 the highest mark that this start found */
#define CUSTODY_RESTORED	"restored"	/* u64 floor, root, u64 since */
#define CUSTODY_PEERS		"peers"		/* what we saw of them (custodian/compare.h) */
#define CUSTODY_STOPPED		"stopped"	/* u64 index, words (custodian/stopped.c); empty: not */
#define CUSTODY_UNCHECKED	"unchecked"	/* u64: how many stand in that journal */
#define CUSTODY_CHECKED		"checked"	/* u64: up to which entry runs of `checked` were said */
#define JOURNAL_ACT		"act"		/* order id: it decided to contribute, and when */
#define JOURNAL_ANSWER		"answer"	/* order id: vec32 message, vec32 receipt */
#define JOURNAL_RECEIPT		"receipt"	/* custody_owed_key(): DSSE, until the log shows it */
#define JOURNAL_HELD		"held"		/* u64 batch index: DSSE */
#define JOURNAL_HANDED		"handed"	/* statement id: what custodian/handed.c writes */
#define JOURNAL_FOUND		"found"		/* statement id: DSSE, checked, garbage or consent, until the log shows it */
#define JOURNAL_CONSENT		"consent"	/* u64 index, id of an amendment: u8 tries, id of the last consent */
#define JOURNAL_UNSAID		"unsaid"	/* u64 batch index (custodian/check.c) */
#define JOURNAL_UNCHECKED	"unchecked"	/* u64 batch index */
#define JOURNAL_THROUGH		"through"	/* u64 batch index: u64, when it was checked */
#define JOURNAL_GARBAGE		"garbage"	/* u64 batch index, u32 leaf: u8 kind */
#define JOURNAL_DROPPED		"dropped"	/* u64 index in a tail that was dropped, id: vec32 DSSE, vec32 blob (custodian/rebuild.c) */
#define JOURNAL_AWAITED		"awaited"	/* u64 index of an entry that somebody may wait for, until q cosigned it */
#define JOURNAL_ARRIVED		"arrived"	/* u64 index of a decision: u64, our clock when it came */

#define OWED_KEY_BYTES	(8 + SHA256_BYTES)	/* when, receipt id: the oldest comes first */

/* Where the lists of the last Append ended: the next one goes on from there. */
struct rotation {
	struct turn {
		uint8_t	key[STORE_KEY_MAX];
		size_t	n;
	} no, other, found, dropped;
};

struct custody {
	struct custodian_config	 config;
	uint8_t			 genesis[SHA256_BYTES];
	uint8_t			 index;		/* ours; 0 until the charter is known */
	struct store		*store;
	struct replica		*replica;
	struct hsm		*hsm;
	struct hsm_key		*share_key;	/* of the newest epoch */
	struct hsm_signer	*signer;
	struct steps		 steps;
	struct comparing	 comparing;
	struct log_keys		 log_keys;
	struct checking		*checking;
	struct consenting	 consenting;
	struct {
		bool		 is;
		uint64_t	 index;		/* of the entry that was not taken */
		char		 words[192];
	} stopped;
	uint64_t		 lacks_after;	/* the last batch that a reply looked at for want of its shares */
	struct rotation		 rotation;
	/* Of the call at hand, set by the keeper: who calls, and which custodian (0: none). */
	uint32_t		 caller;	/* enum caller */
	uint8_t			 from;
	/* What a method wants a peer to read when it fails; set with custody_say(). */
	char			 words[256];
	char			 doubt[256];	/* what health_fill() said last */
};

MUST_USE enum rc custody_open(const char *dir, struct custody **ret, struct err *err);
/*
 * What it holds, without its token, beside a custodiand that may be running: as of this
 * moment, nothing of it can be written or signed.
 */
MUST_USE enum rc custody_look(const char *dir, struct custody **ret, struct err *err);
void	 custody_free(struct custody *c);
DEFINE_AUTO(custody_free, struct custody);

/* The words for the caller, then rc, so that a refusal is one statement. */
enum rc	 custody_say(struct custody *c, struct err *err, enum rc rc, const char *fmt, ...)
	    __attribute__((format(printf, 4, 5)));
/* A message that unpack_memory() was for came to nothing: malformed, or no memory. */
enum rc	 custody_unread(struct custody *c, const char *what, struct err *err);

/* The charter in force; RC_UNSURE before entry 0 came. Learns our index by the signing key. */
MUST_USE enum rc custody_charter(struct custody *c, const struct charter **ret, struct err *err);

/*
 * May another charter follow the one in force? RC_LIMIT with words: CASE_CHARTERS_MAX did, and no case (evidence/case.h)
 * could hold one more, so that nothing could be released for good under it.
 */
MUST_USE enum rc custody_may_follow(struct custody *c, struct err *err);

/* Sign a statement of this custodian that saw the log as it stands. */
MUST_USE enum rc custody_sign(struct custody *c, struct statement *s, struct buf *dsse, struct err *err);
/* Fill in the common members of one. */
MUST_USE enum rc custody_statement(struct custody *c, enum statement_type type, when now,
    uint64_t life, struct statement *ret, struct err *err);

/* The key under which a receipt is journalled. */
void	 custody_owed_key(const struct statement *receipt, uint8_t ret[OWED_KEY_BYTES]);

/* --- the methods: protobuf bytes in and out (custodian/methods.h names them) --- */
MUST_USE enum rc custody_append(struct custody *c, struct span request, struct buf *reply, struct err *err);
MUST_USE enum rc custody_contribute(struct custody *c, struct span request, struct buf *reply, struct err *err);
MUST_USE enum rc custody_checkpoint(struct custody *c, struct span request, struct buf *reply, struct err *err);
MUST_USE enum rc custody_submit(struct custody *c, struct span request, struct buf *reply, struct err *err);
MUST_USE enum rc custody_exchange(struct custody *c, struct span request, struct buf *reply, struct err *err);
/*
 * For our own listener's threads alone: u8 peer -> ExchangeRequest, or nothing before
 * entry 0 came; u8 peer, ExchangeReply -> u8: 1, ask this peer again at once; 2, soon; 0, when it is time.
 */
MUST_USE enum rc custody_outgoing(struct custody *c, struct span request, struct buf *reply, struct err *err);
MUST_USE enum rc custody_heard(struct custody *c, struct span request, struct buf *reply, struct err *err);
/* Likewise: the digest of a charter -> u8 our index (0: not known yet), and the one in force if it is another. */
MUST_USE enum rc custody_in_force(struct custody *c, struct span request, struct buf *reply, struct err *err);

/*
 * Would it contribute at all now? RC_DENIED, RC_UNSURE with words: to nothing, whoever
 * asks for what (of an order of its own see replica_may_act()).
 */
MUST_USE enum rc custody_willing(struct custody *c, when now, struct err *err);
/* own_view.arrived over JOURNAL_ARRIVED; user: the custody. */
MUST_USE enum rc custody_arrived(void *user, uint64_t index, when *ret, struct err *err);
/*
 * A charter came whose rules this version does not know (custodian/stopped.c). At a start and
 * after a rollback; in the transaction of an append: before this entry, and past it after all.
 */
MUST_USE enum rc stopped_load(struct custody *c, struct err *err);
MUST_USE enum rc stopped_at(struct custody *c, uint64_t index, const struct err *why, struct err *err);
MUST_USE enum rc stopped_over(struct custody *c, uint64_t index, struct err *err);
/* RC_DENIED with words: it is stopped, and signs nothing. */
MUST_USE enum rc stopped_not(struct custody *c, struct err *err);
/* What only this custodian knows, for replica_may_act() and replica_may_consent(). */
struct own {
	struct own_view		 view;
	struct objection	*list;
};
MUST_USE enum rc own_of(struct custody *c, when now, struct own *ret, struct err *err);
void	 own_done(struct own *o);
/* In the transaction of an append: a decision came. Forgets a few that came long ago. */
MUST_USE enum rc custody_note_arrival(struct custody *c, uint64_t index, when now, struct err *err);
/*
 * What whoever relies on this custodian should know about it. h->doubt is good until
 * the next call.
 */
struct Quorate__V1__Health;
MUST_USE enum rc health_fill(struct custody *c, when now, struct Quorate__V1__Health *h, struct err *err);

/* Size of the newest q-cosigned checkpoint that this replica agrees with; 0: none. */
MUST_USE enum rc custody_cosigned_size(struct custody *c, uint64_t *ret, struct err *err);

#endif

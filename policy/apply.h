/*
 * policy/apply.h - the one function that decides: an entry is effective, or void
 * with a reason, and never stops the log (docs/spec/apply-v1.md; rules 1).
 *
 * Pure and total over the logged bytes and the state: the coordinator, every
 * custodian, every auditor, the release worker and the offline verifier run it
 * over the same bytes and cannot disagree. Also here: whether a request is met
 * at a time, whether a custodian may contribute, whether an order could be given.
 *
 * A struct replica caches the parsed charter in force; it is otherwise without
 * state of its own. Threads: one replica belongs to one thread at a time.
 */
#ifndef POLICY_APPLY_H
#define POLICY_APPLY_H

#include "policy/scope.h"
#include "policy/state.h"
#include "policy/statement.h"

enum void_reason {
	VOID_NONE = 0,
	VOID_MALFORMED,		/* no DSSE, no statement, a member wrong */
	VOID_TYPE,		/* a type these rules do not know */
	VOID_SIGNATURE,		/* no key that may sign this verifies it */
	VOID_GENESIS, VOID_CHARTER,	/* another genesis; not the charter in force */
	VOID_EXPIRED,		/* log time past expires, or expires before issued, or issued in the log's future (> 300 s) */
	VOID_REPLAY,		/* the id stands in the log already */
	VOID_SEEN,		/* its signer saw another log */
	VOID_REVOKED_KEY,
	VOID_BATCH,		/* root, count, custodians, epochs, class, policy, time lock, k/n or quota do not fit */
	VOID_DUPLICATE,		/* artifact sealed already; second receipt; second charter */
	VOID_UNKNOWN_SUBJECT,	/* no such request, order, batch, key */
	VOID_SCOPE,		/* artifact, part or segment not there, or not covered by the policy */
	VOID_POLICY,		/* not the policy it was sealed under, or none of that name */
	VOID_ATTACHMENT,	/* a compulsory attachment is missing */
	VOID_LIFETIME,		/* lives longer than the policy allows */
	VOID_RECIPIENT,		/* certificate malformed or of a kind that cannot receive */
	VOID_OWN_REQUEST,	/* the requester decides on their own request */
	VOID_ORGANISATION,	/* the requester's organisation may not approve */
	VOID_ROLE,		/* no role that the policy asks for (an approval), or may act so (revocation) */
	VOID_DENIED_BEFORE,	/* its author denied it before */
	VOID_DECIDED,		/* approved already */
	VOID_ENDED,		/* the request was withdrawn, vetoed, or has expired */
	VOID_QUORUM,		/* too few approvals */
	VOID_TIME_LOCK, VOID_OBJECTION, VOID_DAY_LIMIT,
	VOID_ORDER,		/* scope or addressee not the request's; order expired or spent */
	VOID_TAKEN_BACK,	/* approved before its author, who took it back, saw that in the log */
	VOID_AMENDMENT,		/* the charter it names cannot take the place of the one in force */
	VOID_ANCHOR,		/* no such TSA, or not a checkpoint of this log */
	VOID_OPENING,		/* no opening note, or of another network, order, recipient or list of custodians */
	VOID_REASONS
};
const char *void_reason_name(enum void_reason v);	/* "too-few-approvals"; stable, for --json */
const char *void_reason_text(enum void_reason v);	/* a sentence that says what to do */

struct replica;
/*
 * Charters: the first is the genesis; an amendment is in force from the consent of the
 * q-th custodian on, a succession from its own entry on (docs/spec/apply-v1.md section
 * 9). Whoever was given a place by a later charter has it from then on. A charter under
 * `rules` that this code does not know stops the replica, at the entry that would put
 * it in force and no earlier: RC_FORMAT, and the words say to install a later version.
 *
 * genesis: what this party got out of band; the only trust. An empty state is fine.
 * RC_FORMAT: the state's charter is not parseable or of unknown rules.
 */
MUST_USE enum rc replica_new(const struct state *st, const uint8_t genesis[SHA256_BYTES],
    struct replica **ret, struct err *err);
/*
 * c is parsed already, by whoever has checked that its bytes are of its digest: entries that
 * name it need not parse it once more. Whether it is in force the log alone says. RC_NOMEM.
 */
MUST_USE enum rc replica_know(struct replica *r, const struct charter *c, struct err *err);
void	 replica_free(struct replica *r);
DEFINE_AUTO(replica_free, struct replica);
const struct charter *replica_charter(const struct replica *r);	/* in force; NULL before entry 0; valid until the next apply */
/* One that is or was in force. RC_MISSING: never was. Valid until the next apply. */
MUST_USE enum rc replica_charter_of(struct replica *r, const uint8_t digest[SHA256_BYTES],
    const struct charter **ret, struct err *err);
/* Drop caches after a rolled-back transaction. */
MUST_USE enum rc replica_reload(struct replica *r, struct err *err);

/*
 * Apply the entry at `index` (the caller appended it: roots below index are known).
 * Writes through the state's put/escrow_add. Entry 0 must be the charter statement
 * whose charter is the genesis, signed by all custodians and amenders: otherwise
 * RC_VERIFY (the one entry that can stop a replica). RC_MISSING: a fixed blob is
 * not here. Otherwise RC_OK with a verdict, or a fault of the state.
 */
MUST_USE enum rc replica_apply(struct replica *r, uint64_t index, struct span leaf,
    struct verdict *ret, struct err *err);
/*
 * A sparse replay: as replica_apply for an ascending subset of indexes. Same
 * function, same checks; the state knows fewer roots. (State digests then mean nothing.)
 */

/*
 * The fixed blobs an entry names (charter, descriptors vector, scope, anchor, opening): at most 2.
 * What is no statement names none: apply will say what is wrong with it.
 */
MUST_USE enum rc entry_blobs(struct span leaf, uint8_t ret[2][SHA256_BYTES], size_t *ret_n, struct err *err);

/* The verdict that the statement would get if logged now, writing nothing but through a scratch state. */
MUST_USE enum rc replica_try(struct replica *r, when now, struct span dsse, struct verdict *ret, struct err *err);

/* --- questions ------------------------------------------------------------- */

enum request_phase { REQUEST_OPEN, REQUEST_MET, REQUEST_ORDERED, REQUEST_RELEASED, REQUEST_WITHDRAWN,
	REQUEST_VETOED, REQUEST_EXPIRED };
const char *request_phase_name(enum request_phase p);

struct request_approval { char person[ID_MAX + 1]; char role[ID_MAX + 1]; /* the place it fills, "" none */
	bool approve, counts; when time; uint64_t index; };
struct request_view {
	uint8_t			id[SHA256_BYTES];
	uint64_t		index;			/* log entry */
	char			requester[ID_MAX + 1], policy[ID_MAX + 1];
	when			logged, expires;
	enum request_phase	phase;
	enum void_reason	blocked;		/* what an order would be refused for now; VOID_NONE: nothing */
	when			met_at, earliest;	/* 0: not met; earliest log time at which an order could stand */
	uint8_t			need, have;		/* people in all */
	char			missing[160];		/* "auditor 1, legal 1" */
	uint32_t		n_approvals;
	struct request_approval	approval[64];		/* decisions, in log order; bounded */
	uint64_t		order_index, release_index;	/* UINT64_MAX: none */
};
/* RC_MISSING: no such effective request. */
MUST_USE enum rc replica_request(struct replica *r, const uint8_t id[SHA256_BYTES], when now,
    struct request_view *ret, struct err *err);

/*
 * May a custodian contribute to this order now? Invariant 1, all of it that the log
 * shows: order effective and alive, request met under the policy as sealed and as in
 * force, not vetoed, withdrawn, revoked or expired, past its locks by log time and by
 * `now` (the custodian's own clock). cosigned_size: the largest size that q custodians
 * cosigned and this replica agrees with; it must cover the order.
 * RC_DENIED: no, the message says why; RC_MISSING: no such order; RC_QUORUM: not covered yet.
 */
struct grant {
	uint8_t		order[SHA256_BYTES], request[SHA256_BYTES], scope_digest[SHA256_BYTES];
	uint64_t	order_index;
	when		expires;
	struct scope	scope;				/* grant_done() */
	struct buf	addressee;			/* DER certificate */
	enum void_reason why;				/* with RC_DENIED; VOID_NONE: it is not the log that says no */
};
MUST_USE enum rc replica_may_contribute(struct replica *r, const uint8_t order[SHA256_BYTES], when now,
    uint64_t cosigned_size, struct grant *ret, struct err *err);
void	 grant_done(struct grant *g);

/*
 * The same, with what only this custodian knows. A "no" that was handed to it and
 * that the log does not show yet affects a request when it denies or withdraws it
 * (whoever says so, veto or not), or revokes the key that signed the request or
 * an approval of it that counts: RC_DENIED. So does a request that was logged below
 * `floor`, and an objection window that has not run out since the approval with which
 * the request is met `arrived`, by this custodian's own clock. grant.why is
 * VOID_OBJECTION for the last and VOID_NONE for the others, which no entry of the log
 * explains; the message says it in words. What the log itself says comes first.
 */
struct objection {
	enum statement_type	type;			/* decision (a denial), withdrawal, revocation */
	uint8_t			subject[SHA256_BYTES];	/* request or amendment id, or key id */
};
struct own_view {
	when			 now;			/* the custodian's own clock */
	uint64_t		 cosigned_size;
	uint64_t		 floor;			/* 0: none */
	const struct objection	*objection;
	size_t			 n_objections;
	/* When entry `index` came here, by our own clock. RC_MISSING: not recorded (as old as its log time). NULL: none are. */
	enum rc			(*arrived)(void *user, uint64_t index, when *ret, struct err *err);
	void			*user;
};
MUST_USE enum rc replica_may_act(struct replica *r, const uint8_t order[SHA256_BYTES],
    const struct own_view *own, struct grant *ret, struct err *err);

/*
 * Does the log show this statement? Only what its signer signed counts; a copy with a
 * broken signature is not it. why: its verdict there. RC_MISSING: it does not.
 */
MUST_USE enum rc replica_logged(struct replica *r, const uint8_t id[SHA256_BYTES], uint64_t *ret_index,
    enum void_reason *ret_why, struct err *err);

/* Says it "no": a denial, a withdrawal, a revocation? */
bool	 statement_is_no(const struct statement *s);
/* Has this custodian signed `checked` for this batch entry, in a run or alone? RC_MISSING: no batch is there. */
MUST_USE enum rc replica_checked(struct replica *r, uint64_t batch, uint8_t custodian, bool *ret, struct err *err);
/*
 * What this custodian said of one share of it: *ret is the entry of its `garbage`.
 * *ret_own: it had said `checked` of that share before, so the fault is its own; else the
 * sealer's or its own, and nobody can tell which. RC_MISSING: it said nothing, or no
 * batch is there.
 */
MUST_USE enum rc replica_garbage(struct replica *r, uint64_t batch, uint8_t custodian, uint32_t leaf,
    uint64_t *ret, bool *ret_own, struct err *err);

/* --- charters ---------------------------------------------------------------- */

enum amendment_phase { AMENDMENT_OPEN, AMENDMENT_MET, AMENDMENT_IN_FORCE, AMENDMENT_WITHDRAWN,
	AMENDMENT_VETOED, AMENDMENT_EXPIRED, AMENDMENT_SUPERSEDED /* another charter came in force */ };
const char *amendment_phase_name(enum amendment_phase p);

struct amendment_view {
	uint8_t			id[SHA256_BYTES], charter[SHA256_BYTES], amends[SHA256_BYTES];
	uint64_t		index;
	char			proposer[ID_MAX + 1];
	when			logged, expires;
	enum amendment_phase	phase;
	when			met_at, earliest;	/* 0: not met; earliest log time at which consents count */
	uint8_t			need, have;		/* amenders */
	uint32_t		n_approvals;
	struct request_approval	approval[64];
	uint32_t		consents;		/* bit i-1: custodian i's is logged */
	uint64_t		in_force;		/* the entry with which it came in force; UINT64_MAX: not */
};
/* RC_MISSING: no such effective amendment. */
MUST_USE enum rc replica_amendment(struct replica *r, const uint8_t id[SHA256_BYTES], when now,
    struct amendment_view *ret, struct err *err);
/*
 * May this custodian consent now? As replica_may_act() is to an order: the amendment
 * alive and approved by enough amenders who still count, its delay run out since then by
 * the custodian's own clock, and since the last needed approval `arrived`; no "no"
 * that was handed to it and affects it; its charter one that we can read and that may
 * follow the one in force; the last needed approval under own->cosigned_size.
 * A consent that is logged too early by log time is void; its signer signs another.
 * RC_DENIED: no (or not again); RC_MISSING: no such amendment; RC_QUORUM: not covered yet;
 * RC_FORMAT: its rules are none that this code knows.
 */
MUST_USE enum rc replica_may_consent(struct replica *r, const uint8_t id[SHA256_BYTES], uint8_t custodian,
    const struct own_view *own, struct err *err);
/*
 * The entries that show how the charter in force came to be, ascending, entry 0 first: for
 * each amendment its own, the last decision or withdrawal of each person on it and the
 * consents that counted; each succession. With the documents (replica_charters) that is a lineage (evidence/case.h).
 */
typedef enum rc (*index_fn)(void *user, uint64_t index, struct err *err);
MUST_USE enum rc replica_lineage(struct replica *r, index_fn fn, void *user, struct err *err);
/* The digests of the charters that were in force, the genesis first, with the entry from which on. */
typedef enum rc (*charter_fn)(void *user, const uint8_t digest[SHA256_BYTES], uint64_t since, struct err *err);
MUST_USE enum rc replica_charters(struct replica *r, charter_fn fn, void *user, struct err *err);

/* The last effective anchor by this TSA. RC_MISSING: none. */
struct anchor_at { uint64_t index, size; when logged; };
MUST_USE enum rc replica_anchor(struct replica *r, const char *tsa, struct anchor_at *ret, struct err *err);

/*
 * What people said who logged the recipient's opening note of an order, in log order. The note's
 * signature is for auditors to judge (evidence/opening.h). None: fn is not called.
 */
#define ACKNOWLEDGED_MAX	256
struct acknowledged {
	char		person[ID_MAX + 1];
	uint64_t	index;			/* log entry */
	uint32_t	bad;			/* bit i-1: custodian i contributed wrongly */
	uint8_t		opening[SHA256_BYTES];	/* digest of the note, a fixed blob */
};
typedef enum rc (*acknowledged_fn)(void *user, const struct acknowledged *a, struct err *err);
MUST_USE enum rc replica_acknowledgements(struct replica *r, const uint8_t order[SHA256_BYTES], acknowledged_fn fn,
    void *user, struct err *err);

/* For the batch of an entry: what opening its shares needs. RC_MISSING. */
struct batch_view { uint8_t id[SHA256_BYTES], root[SHA256_BYTES]; uint32_t count; when logged; char sealer[ID_MAX + 1]; };
MUST_USE enum rc replica_batch(struct replica *r, uint64_t index, struct batch_view *ret, struct err *err);

MUST_USE enum rc replica_state_digest(struct replica *r, uint8_t ret[SHA256_BYTES], struct err *err);
MUST_USE enum rc replica_time(struct replica *r, when *ret, struct err *err);	/* effective log time */

#endif

/*
 * policy/record.h - the records of the state: their keys, their bytes
 * (docs/spec/state-v1.md). Internal to policy/.
 *
 * get: RC_MISSING no such record; RC_BUG one that does not parse (the state is
 * ours: nobody else writes it). put: through the entry being applied, so that
 * the change enters the state digest.
 */
#ifndef POLICY_RECORD_H
#define POLICY_RECORD_H

#include "policy/state.h"
#include "policy/statement.h"

#define NO_INDEX	UINT64_MAX
#define FLOORS_MAX	16		/* policies of one request's artifacts, beside its own */
#define ADDRESSEE_CHUNK	2000		/* of an order's certificate, a value each */

/* What has been put while one entry is applied, in order: vec16 key || vec16 value. */
struct changes {
	const struct state	*st;
	struct buf		 log;
};
#define CHANGES_MAX	(64 << 10)
MUST_USE enum rc changes_put(struct changes *c, struct span key, struct span value, struct err *err);

struct rec_head {			/* 'h': where the replay stands */
	uint64_t	next;		/* the index after the last entry applied */
	when		time;		/* effective, never goes back */
	uint8_t		state[SHA256_BYTES];
	uint8_t		genesis[SHA256_BYTES], charter[SHA256_BYTES];
};
MUST_USE enum rc rec_head_get(const struct state *st, struct rec_head *ret, struct err *err);
/* Not part of the digest, which it holds. */
MUST_USE enum rc rec_head_put(const struct state *st, const struct rec_head *r, struct err *err);

struct rec_statement {			/* 's' id: an authentic statement that stands in the log */
	uint64_t	index;
	uint8_t		type, why;
};
MUST_USE enum rc rec_statement_get(const struct state *st, const uint8_t id[SHA256_BYTES], struct rec_statement *ret, struct err *err);
MUST_USE enum rc rec_statement_put(struct changes *c, const uint8_t id[SHA256_BYTES], const struct rec_statement *r, struct err *err);

struct rec_batch {			/* 'b' index */
	uint8_t		id[SHA256_BYTES], root[SHA256_BYTES];
	uint32_t	count;
	when		logged;
	char		sealer[ID_MAX + 1];
};
MUST_USE enum rc rec_batch_get(const struct state *st, uint64_t index, struct rec_batch *ret, struct err *err);
MUST_USE enum rc rec_batch_put(struct changes *c, uint64_t index, const struct rec_batch *r, struct err *err);

enum request_status { STATUS_ALIVE = 0, STATUS_WITHDRAWN, STATUS_VETOED, STATUS_RELEASED };

struct rec_request {			/* 'r' id */
	uint64_t	index;
	when		logged, expires;
	char		requester[ID_MAX + 1], policy[ID_MAX + 1];
	uint8_t		key[KEY_ID_BYTES];	/* that signed it */
	uint8_t		charter[SHA256_BYTES], policy_digest[SHA256_BYTES];
	uint8_t		scope[SHA256_BYTES], recipient[SHA256_BYTES];
	uint32_t	artifacts, segments;
	when		time_lock;		/* the latest over its artifacts, by their policies and its own; 0: none */
	when		sealed;			/* the last of its artifacts */
	uint8_t		status;			/* enum request_status */
	uint16_t	slots;			/* people who decided */
	uint32_t	charged;		/* the day an order counted against its limit; 0: none yet */
	uint64_t	order_index, release_index;	/* the latest; NO_INDEX: none */
	uint8_t		n_floors, n_attachments;
	uint8_t		floor[FLOORS_MAX][SHA256_BYTES];	/* what its artifacts were sealed under, other than policy_digest */
	char		attachment[ATTACHMENTS_MAX][ID_MAX + 1];	/* kinds */
};
MUST_USE enum rc rec_request_get(const struct state *st, const uint8_t id[SHA256_BYTES], struct rec_request *ret, struct err *err);
MUST_USE enum rc rec_request_put(struct changes *c, const uint8_t id[SHA256_BYTES], const struct rec_request *r, struct err *err);

enum decision_state { DECISION_APPROVED = 1, DECISION_DENIED, DECISION_WITHDRAWN };

struct rec_decision {			/* 'd' request or amendment id, slot: what one person said last */
	char		person[ID_MAX + 1];
	uint8_t		key[KEY_ID_BYTES];
	uint8_t		state;			/* enum decision_state */
	when		time;
	uint64_t	index;
};
MUST_USE enum rc rec_decision_get(const struct state *st, const uint8_t id[SHA256_BYTES], uint16_t slot, struct rec_decision *ret, struct err *err);
MUST_USE enum rc rec_decision_put(struct changes *c, const uint8_t id[SHA256_BYTES], uint16_t slot, const struct rec_decision *r, struct err *err);

struct rec_order {			/* 'o' id */
	uint8_t		request[SHA256_BYTES], scope[SHA256_BYTES];
	uint64_t	index;
	when		time, expires;
	uint64_t	release_index;		/* NO_INDEX: not released */
};
MUST_USE enum rc rec_order_get(const struct state *st, const uint8_t id[SHA256_BYTES], struct rec_order *ret, struct err *err);
MUST_USE enum rc rec_order_put(struct changes *c, const uint8_t id[SHA256_BYTES], const struct rec_order *r, struct err *err);
/* 'a' order id, chunk: its certificate. */
MUST_USE enum rc rec_addressee_get(const struct state *st, const uint8_t id[SHA256_BYTES], struct buf *ret, struct err *err);
MUST_USE enum rc rec_addressee_put(struct changes *c, const uint8_t id[SHA256_BYTES], struct span der, struct err *err);

/* 'e' order id, custodian: the id of its receipt. */
MUST_USE enum rc rec_receipt_get(const struct state *st, const uint8_t order[SHA256_BYTES], uint8_t custodian, uint8_t ret[SHA256_BYTES], struct err *err);
MUST_USE enum rc rec_receipt_put(struct changes *c, const uint8_t order[SHA256_BYTES], uint8_t custodian, const uint8_t id[SHA256_BYTES], struct err *err);

/* 'k' key id: the entry that revoked it. Absence is an answer: *ret false. */
MUST_USE enum rc rec_revoked_get(const struct state *st, const uint8_t key[KEY_ID_BYTES], bool *ret, struct err *err);
MUST_USE enum rc rec_revoked_put(struct changes *c, const uint8_t key[KEY_ID_BYTES], uint64_t index, struct err *err);

/* Counters of a UTC day; 0 when nobody counted. 'l' policy digest, 'q' sealer's key id. */
MUST_USE enum rc rec_count_get(const struct state *st, char kind, const uint8_t of[SHA256_BYTES], uint32_t day, uint64_t *ret, struct err *err);
MUST_USE enum rc rec_count_put(struct changes *c, char kind, const uint8_t of[SHA256_BYTES], uint32_t day, uint64_t v, struct err *err);

/*
 * 'c' batch id, custodian (a batch checked alone), and 'g' batch id, custodian, leaf: a
 * mark with the entry's index. Runs of checked batches: policy/runs.h. RC_MISSING.
 */
MUST_USE enum rc rec_mark_get(const struct state *st, char kind, const uint8_t batch[SHA256_BYTES], uint8_t custodian, uint32_t leaf, uint64_t *ret, struct err *err);
MUST_USE enum rc rec_mark_put(struct changes *c, char kind, const uint8_t batch[SHA256_BYTES], uint8_t custodian, uint32_t leaf, uint64_t index, struct err *err);

/* --- charters --- */

struct rec_amendment {			/* 'm' id */
	uint64_t	index;
	when		logged, expires;
	char		proposer[ID_MAX + 1];
	uint8_t		key[KEY_ID_BYTES];	/* that signed it */
	uint8_t		charter[SHA256_BYTES], amends[SHA256_BYTES];	/* the new one; the one in force then */
	uint8_t		status;			/* enum request_status, never released */
	uint16_t	slots;			/* people who decided */
	uint32_t	consents;		/* with which it came in force; bit i-1: custodian i */
	uint64_t	in_force;		/* NO_INDEX: not */
};
MUST_USE enum rc rec_amendment_get(const struct state *st, const uint8_t id[SHA256_BYTES], struct rec_amendment *ret, struct err *err);
MUST_USE enum rc rec_amendment_put(struct changes *c, const uint8_t id[SHA256_BYTES], const struct rec_amendment *r, struct err *err);

struct rec_consent { uint64_t index; when time; };	/* 'u' amendment id, custodian: its last */
MUST_USE enum rc rec_consent_get(const struct state *st, const uint8_t id[SHA256_BYTES], uint8_t custodian, struct rec_consent *ret, struct err *err);
MUST_USE enum rc rec_consent_put(struct changes *c, const uint8_t id[SHA256_BYTES], uint8_t custodian, const struct rec_consent *r, struct err *err);

/* 'v': how many charters followed the genesis. 'v' number, from 1: one of them. */
struct rec_charter {
	uint64_t	since;			/* the entry that put it in force */
	uint8_t		digest[SHA256_BYTES];
	uint8_t		by[SHA256_BYTES];	/* id of its amendment or succession */
};
MUST_USE enum rc rec_charters_get(const struct state *st, uint64_t *ret, struct err *err);
MUST_USE enum rc rec_charters_put(struct changes *c, uint64_t n, struct err *err);
MUST_USE enum rc rec_charter_get(const struct state *st, uint64_t number, struct rec_charter *ret, struct err *err);
MUST_USE enum rc rec_charter_put(struct changes *c, uint64_t number, const struct rec_charter *r, struct err *err);
/* The number of a charter: 'v' its digest; of the first after the genesis with a policy: 'p' the policy's. RC_MISSING. */
MUST_USE enum rc rec_number_get(const struct state *st, char kind, const uint8_t of[SHA256_BYTES], uint64_t *ret, struct err *err);
MUST_USE enum rc rec_number_put(struct changes *c, char kind, const uint8_t of[SHA256_BYTES], uint64_t number, struct err *err);
#endif

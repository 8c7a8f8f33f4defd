/*
 * policy/tally.h - who has decided on a request, what of it still counts, and
 * whether an order could stand (docs/spec/apply-v1.md sections 6 and 7).
 * Internal to policy/: apply and the questions ask the same functions, so that
 * what is shown is what is decided.
 */
#ifndef POLICY_TALLY_H
#define POLICY_TALLY_H

#include "policy/apply.h"
#include "policy/quorum.h"
#include "policy/record.h"

struct tally_slot {
	struct rec_decision	 d;
	uint16_t		 slot;		/* where it is kept */
	bool			 counts;	/* an approval that stands */
	uint8_t			 place;		/* that it fills, or QUORUM_NO_PLACE */
	const struct person	*person;	/* NULL: no longer in the charter */
};

struct tally {
	size_t			n;
	struct tally_slot	slot[PEOPLE_MAX];	/* in log order */
	struct quorum		quorum;
	bool			met;
	when			met_at;		/* of the first approval with which it was met; */
	uint64_t		met_index;	/* its entry. Mean something only when met. */
};

/* Faults of the state only. */
MUST_USE enum rc tally_request(const struct state *st, const struct charter *c,
    const struct policy_rule *rule, const uint8_t id[SHA256_BYTES],
    const struct rec_request *q, struct tally *ret, struct err *err);

/*
 * Has the request come to its end at time t? VOID_NONE: it lives. Released,
 * withdrawn, vetoed and expired are VOID_ENDED; a requester whose key was
 * revoked is VOID_REVOKED_KEY.
 */
MUST_USE enum rc request_ended(const struct state *st, const struct rec_request *q,
    when t, enum void_reason *ret, struct err *err);

/* The policy that it was sealed under and asked for, if it is in force; else NULL. */
const struct policy_rule *request_rule(const struct charter *c, const struct rec_request *q);

/* The quorum, the locks: what an order at time t would be refused for. No day's limit. */
enum void_reason order_blocked(const struct rec_request *q, const struct policy_rule *rule,
    const struct tally *t, when at);
when	 order_earliest(const struct rec_request *q, const struct policy_rule *rule,
	    const struct tally *t);
/* The day's limit; *ret_used is what the day has counted so far. */
MUST_USE enum rc order_day(const struct state *st, const struct rec_request *q,
    const struct policy_rule *rule, when at, bool *ret_fits, uint64_t *ret_used, struct err *err);

#endif

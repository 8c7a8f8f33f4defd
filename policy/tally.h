/*
 * policy/tally.h - who has decided, what of it still counts, and whether an order or
 * a consent could stand (docs/spec/apply-v1.md sections 6, 7 and 9). Internal to
 * policy/: apply and the questions ask the same functions, so that what is shown is
 * what is decided.
 *
 * A request is under several rules at once: the policy that each artifact was sealed
 * under, the one that was asked under, the one in force. All of them must hold.
 */
#ifndef POLICY_TALLY_H
#define POLICY_TALLY_H

#include "policy/charters.h"
#include "policy/quorum.h"

#define RULES_MAX	(2 + FLOORS_MAX)

struct rules {
	const struct charter		*then, *now;	/* asked under; in force */
	size_t				 n;		/* 0: wrong-policy */
	const struct policy_rule	*rule[RULES_MAX];	/* distinct; [0] is the one in force */
};

struct tally_slot {
	struct rec_decision	d;
	uint16_t		slot;		/* where it is kept */
	bool			counts;		/* an approval that stands */
	uint8_t			place;		/* that it fills (tally.show), or QUORUM_NO_PLACE */
	struct voter		voter;		/* NULLs: not in that charter */
};

struct tally {
	struct rules		rules;		/* none for an amendment */
	size_t			n;
	struct tally_slot	slot[PEOPLE_MAX];	/* in log order */
	struct quorum		quorum[RULES_MAX];	/* of each rule */
	size_t			show;		/* the first rule that is not met, or 0 */
	uint16_t		people;		/* amendment: approvals that count */
	enum void_reason	misfit;		/* what it asks for is not what the rule in force allows */
	bool			met;		/* every rule */
	when			met_at;		/* of the first approval with which it was met; */
	uint64_t		met_index;	/* its entry. Mean something only when met. */
};

/* Faults of the state only. With rules.n 0 nothing was looked at but who said what. */
MUST_USE enum rc tally_request(struct replica *r, const uint8_t id[SHA256_BYTES],
    const struct rec_request *q, struct tally *ret, struct err *err);
/* Under the charter that it amends. */
MUST_USE enum rc tally_amendment(struct replica *r, const uint8_t id[SHA256_BYTES],
    const struct rec_amendment *m, struct tally *ret, struct err *err);

/* What one approval could count for: nothing, no place (role), or no place for its organisation. */
enum void_reason approval_blocked(const struct rules *rules, const char *requester, const struct person *p);
/* Has this person, now and when it was asked, a role that any of the rules asks for? */
bool	 may_vote(const struct rules *rules, const struct person *p);
/* Has this person a veto, by any of the rules and by what they are now or were then? */
bool	 may_veto(const struct rules *rules, const char *id);

/*
 * Has the request come to its end at time t? VOID_NONE: it lives. Released,
 * withdrawn, vetoed and expired are VOID_ENDED; a requester whose key was
 * revoked, or is not theirs by the charter in force, is VOID_REVOKED_KEY.
 */
MUST_USE enum rc request_ended(struct replica *r, const struct rec_request *q,
    when t, enum void_reason *ret, struct err *err);
/* Likewise; in force or superseded is VOID_ENDED. */
MUST_USE enum rc amendment_ended(struct replica *r, const struct rec_amendment *m,
    when t, enum void_reason *ret, struct err *err);

/* The quorum, the locks: what an order at time t would be refused for. No day's limit. */
enum void_reason order_blocked(const struct rec_request *q, const struct tally *t, when at);
when	 order_earliest(const struct rec_request *q, const struct tally *t);
/* The longest of the rules. */
uint64_t objection_seconds(const struct rules *rules);
/* The day's limit of each rule. */
MUST_USE enum rc order_day(struct replica *r, const struct rec_request *q,
    const struct rules *rules, when at, bool *ret_fits, struct err *err);
bool	 policy_covers(const struct policy_rule *rule, const char *part);

/* The first log time at which a consent counts; 0: not met. */
when	 consent_earliest(const struct charter *now, const struct tally *t);
/* Whose consents count: given after the delay of the approvals that count now. */
MUST_USE enum rc consents_count(struct replica *r, const uint8_t id[SHA256_BYTES],
    const struct charter *now, const struct tally *t, uint32_t *ret, struct err *err);

#endif

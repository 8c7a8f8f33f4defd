/*
 * policy/quorum.h - humans counted by assignment: a policy's places (legal 1,
 * compliance 1...) filled with people who have the roles, each person at most
 * once (docs/spec/apply-v1.md section 7).
 *
 * One who is legal and compliance fills one of the two places, whichever helps;
 * what counts is a largest matching, so the answer does not depend on order.
 * Pure.
 */
#ifndef POLICY_QUORUM_H
#define POLICY_QUORUM_H

#include "policy/charter.h"

#define QUORUM_VOTERS_MAX	PEOPLE_MAX
#define QUORUM_NO_PLACE		UINT8_MAX

struct quorum {
	uint8_t	n_places;			/* sum of the policy's counts */
	uint8_t	role[POLICY_APPROVALS_MAX];	/* place -> index into policy.need */
	uint16_t voter[POLICY_APPROVALS_MAX];	/* place -> voter, UINT16_MAX: empty */
	uint8_t	filled;				/* places */
	uint16_t people;			/* voters in all */
};

/* One human, in the charter under which it was asked and in the one in force (often the same). */
struct voter { const struct person *then, *now; };
/* What they had then and have now. */
bool	 voter_has_role(const struct voter *v, const char *role);
/* Does any role of theirs stand in the policy's needs? Who has none cannot approve. */
bool	 quorum_may_vote(const struct policy_rule *rule, const struct voter *v);

/*
 * The largest assignment of `n` distinct people, each of whom quorum_may_vote,
 * to the policy's places. The caller sees to it that nobody stands in voter twice.
 */
void	 quorum_assign(const struct policy_rule *rule, const struct voter *voter,
	    size_t n, struct quorum *ret);
/* Every place filled, and at least policy.people in all. */
bool	 quorum_met(const struct policy_rule *rule, const struct quorum *q);
/* What is missing, for people: "auditor 1, legal 1", "any 1"; "" when met. */
void	 quorum_missing(const struct policy_rule *rule, const struct quorum *q,
	    char *out, size_t n);

/*
 * Could these people of the charter, without the requester, satisfy the policy?
 * Respects requester_organisation_may_approve.
 */
bool	 quorum_possible(const struct charter *c, const struct policy_rule *rule,
	    const struct person *requester);

#endif

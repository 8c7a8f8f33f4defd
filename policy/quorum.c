/*
 * policy/quorum.c - see policy/quorum.h.
 */
#include <stdio.h>
#include <string.h>

#include "policy/quorum.h"

#define EMPTY	UINT16_MAX

struct matching {
	const struct policy_rule	*rule;
	const struct voter		*voter;
	size_t				 n;
	struct quorum			*q;
	bool				 seen[QUORUM_VOTERS_MAX];
};

bool
voter_has_role(const struct voter *v, const char *role)
{
	return person_has_role(v->then, role) && person_has_role(v->now, role);
}

bool
quorum_may_vote(const struct policy_rule *rule, const struct voter *v)
{
	for (size_t i = 0; i < rule->n_need; i++)
		if (voter_has_role(v, rule->need[i].role))
			return true;
	return false;
}

/*
 * Finds a voter for a place, moving others to other places where that helps
 * (an augmenting path). Depth is bounded by the number of places.
 */
static bool
fill(struct matching *m, uint8_t place)
{
	const char	*role = m->rule->need[m->q->role[place]].role;

	for (size_t v = 0; v < m->n; v++) {
		uint8_t	at;

		if (m->seen[v] || !voter_has_role(&m->voter[v], role))
			continue;
		m->seen[v] = true;
		for (at = 0; at < m->q->n_places; at++)
			if (m->q->voter[at] == v)
				break;
		if (at < m->q->n_places && !fill(m, at))
			continue;
		m->q->voter[place] = (uint16_t)v;
		return true;
	}
	return false;
}

void
quorum_assign(const struct policy_rule *rule, const struct voter *voter,
    size_t n, struct quorum *ret)
{
	struct matching	m = { .rule = rule, .voter = voter, .q = ret };

	m.n = n > QUORUM_VOTERS_MAX ? QUORUM_VOTERS_MAX : n;
	memset(ret, 0, sizeof(*ret));
	ret->people = (uint16_t)m.n;
	for (uint8_t i = 0; i < rule->n_need; i++)
		for (uint8_t j = 0; j < rule->need[i].count &&
		    ret->n_places < POLICY_APPROVALS_MAX; j++) {
			ret->voter[ret->n_places] = EMPTY;
			ret->role[ret->n_places++] = i;
		}
	for (uint8_t place = 0; place < ret->n_places; place++) {
		memset(m.seen, 0, sizeof(m.seen));
		if (fill(&m, place))
			ret->filled++;
	}
}

bool
quorum_met(const struct policy_rule *rule, const struct quorum *q)
{
	/* Zero approvals never pass, whatever a rule says. */
	return q->n_places > 0 && q->filled == q->n_places &&
	    q->people >= rule->people;
}

void
quorum_missing(const struct policy_rule *rule, const struct quorum *q,
    char *out, size_t n)
{
	size_t		at = 0;
	unsigned	empty_places = 0;

	out[0] = '\0';
	for (size_t i = 0; i < rule->n_need; i++) {
		unsigned	empty = 0;

		for (size_t p = 0; p < q->n_places; p++)
			empty += q->role[p] == i && q->voter[p] == EMPTY;
		empty_places += empty;
		if (empty > 0 && at < n)
			at += (size_t)snprintf(out + at, n - at, "%s%s %u",
			    at > 0 ? ", " : "", rule->need[i].role, empty);
	}
	if (rule->people > q->people + empty_places && at < n)
		snprintf(out + at, n - at, "%sany %u", at > 0 ? ", " : "",
		    rule->people - q->people - empty_places);
}

bool
quorum_possible(const struct charter *c, const struct policy_rule *rule,
    const struct person *requester)
{
	struct voter	voter[PEOPLE_MAX];
	struct quorum	q;
	size_t		n = 0;

	for (uint32_t i = 0; i < c->n_people; i++) {
		const struct person	*p = &c->person[i];

		voter[n] = (struct voter){ p, p };
		if (p == requester || !quorum_may_vote(rule, &voter[n]))
			continue;
		if (!rule->requester_organisation_may_approve &&
		    strcmp(p->organisation, requester->organisation) == 0)
			continue;
		n++;
	}
	quorum_assign(rule, voter, n, &q);
	return quorum_met(rule, &q);
}

/*
 * policy/tally.c - see policy/tally.h.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/tally.h"

static int
by_index(const void *a, const void *b)
{
	const struct tally_slot	*x = a, *y = b;

	return x->d.index < y->d.index ? -1 : x->d.index > y->d.index;
}

static enum rc
slots_load(const struct state *st, const struct charter *c,
    const struct policy_rule *rule, const uint8_t id[SHA256_BYTES],
    const struct rec_request *q, struct tally *t, struct err *err)
{
	if (q->slots > PEOPLE_MAX)
		return err_set(err, RC_BUG, "state: %u decisions", q->slots);
	for (t->n = 0; t->n < q->slots; t->n++) {
		struct tally_slot	*s = &t->slot[t->n];
		bool			 revoked;

		s->slot = (uint16_t)t->n;
		s->place = QUORUM_NO_PLACE;
		TRY(rec_decision_get(st, id, s->slot, &s->d, err));
		TRY(rec_revoked_get(st, s->d.key, &revoked, err));
		s->person = charter_person(c, s->d.person);
		s->counts = s->d.state == DECISION_APPROVED && !revoked &&
		    s->person != NULL && quorum_may_vote(rule, s->person);
	}
	qsort(t->slot, t->n, sizeof(t->slot[0]), by_index);
	return RC_OK;
}

static void
assign(const struct policy_rule *rule, struct tally *t)
{
	const struct person	*voter[PEOPLE_MAX];
	struct tally_slot	*of[PEOPLE_MAX];
	size_t			 n = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (!t->slot[i].counts)
			continue;
		of[n] = &t->slot[i];
		voter[n++] = t->slot[i].person;
		/* The first approval that completes it is the one that counts. */
		if (!t->met) {
			quorum_assign(rule, voter, n, &t->quorum);
			t->met = quorum_met(rule, &t->quorum);
			t->met_at = t->met ? t->slot[i].d.time : 0;
			t->met_index = t->slot[i].d.index;
		}
	}
	quorum_assign(rule, voter, n, &t->quorum);
	for (uint8_t p = 0; p < t->quorum.n_places; p++)
		if (t->quorum.voter[p] < n)
			of[t->quorum.voter[p]]->place = t->quorum.role[p];
}

enum rc
tally_request(const struct state *st, const struct charter *c,
    const struct policy_rule *rule, const uint8_t id[SHA256_BYTES],
    const struct rec_request *q, struct tally *ret, struct err *err)
{
	ret->met = false;
	ret->met_at = 0;
	ret->met_index = NO_INDEX;
	TRY(slots_load(st, c, rule, id, q, ret, err));
	assign(rule, ret);
	return RC_OK;
}

enum rc
request_ended(const struct state *st, const struct rec_request *q, when t,
    enum void_reason *ret, struct err *err)
{
	bool	revoked;

	*ret = VOID_NONE;
	if (q->status != STATUS_ALIVE || t > q->expires) {
		*ret = VOID_ENDED;
		return RC_OK;
	}
	/* Who stole the requester's key must not receive: doubt stops a release. */
	TRY(rec_revoked_get(st, q->key, &revoked, err));
	if (revoked)
		*ret = VOID_REVOKED_KEY;
	return RC_OK;
}

const struct policy_rule *
request_rule(const struct charter *c, const struct rec_request *q)
{
	const struct policy_rule	*rule;

	rule = charter_policy_by_digest(c, q->policy_digest);
	if (rule == NULL || strcmp(rule->id, q->policy) != 0 ||
	    memcmp(c->digest, q->charter, sizeof(c->digest)) != 0)
		return NULL;
	return rule;
}

when
order_earliest(const struct rec_request *q, const struct policy_rule *rule,
    const struct tally *t)
{
	when	window = t->met_at + rule->objection_seconds;

	if (!t->met)
		return 0;
	return window > q->time_lock ? window : q->time_lock;
}

enum void_reason
order_blocked(const struct rec_request *q, const struct policy_rule *rule,
    const struct tally *t, when at)
{
	if (!t->met)
		return VOID_QUORUM;
	if (at < q->time_lock)
		return VOID_TIME_LOCK;
	if (at < t->met_at + rule->objection_seconds)
		return VOID_OBJECTION;
	return VOID_NONE;
}

enum rc
order_day(const struct state *st, const struct rec_request *q,
    const struct policy_rule *rule, when at, bool *ret_fits, uint64_t *ret_used,
    struct err *err)
{
	uint32_t	day = when_day(at);

	TRY(rec_count_get(st, 'l', q->policy_digest, day, ret_used, err));
	/* A second order on one day, for a worker that was lost, costs nothing. */
	*ret_fits = rule->artifacts_per_day == 0 || q->charged == day ||
	    *ret_used + q->artifacts <= rule->artifacts_per_day;
	return RC_OK;
}

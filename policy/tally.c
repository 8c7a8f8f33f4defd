/*
 * policy/tally.c - see policy/tally.h. The rules of a request: policy/rules.c.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/apply_impl.h"
#include "policy/rules.h"

/* --- who has decided -------------------------------------------------------------------- */

static int
by_index(const void *a, const void *b)
{
	const struct tally_slot	*x = a, *y = b;

	return x->d.index < y->d.index ? -1 : x->d.index > y->d.index;
}

/*
 * An approval stands while its author is one of the people and the key that signed
 * it is theirs: under the charter that it was asked under, and by the one in force.
 */
static enum rc
slot_load(struct replica *r, const uint8_t id[SHA256_BYTES], struct tally *t,
    struct tally_slot *s, struct err *err)
{
	bool	revoked;

	TRY(rec_decision_get(r->st, id, s->slot, &s->d, err));
	TRY(rec_revoked_get(r->st, s->d.key, &revoked, err));
	s->voter.then = charter_person(t->rules.then, s->d.person);
	s->voter.now = charter_person(t->rules.now, s->d.person);
	s->counts = s->d.state == DECISION_APPROVED && !revoked &&
	    s->voter.then != NULL && s->voter.now != NULL &&
	    person_has_key(s->voter.now, s->d.key);
	return RC_OK;
}

static enum rc
slots_load(struct replica *r, const uint8_t id[SHA256_BYTES], uint16_t slots,
    struct tally *t, struct err *err)
{
	if (slots > PEOPLE_MAX)
		return err_set(err, RC_BUG, "state: %u decisions", slots);
	for (t->n = 0; t->n < slots; t->n++) {
		struct tally_slot	*s = &t->slot[t->n];

		s->slot = (uint16_t)t->n;
		s->place = QUORUM_NO_PLACE;
		TRY(slot_load(r, id, t, s, err));
	}
	qsort(t->slot, t->n, sizeof(t->slot[0]), by_index);
	return RC_OK;
}

static void
tally_start(struct tally *t)
{
	t->n = 0;
	t->show = 0;
	t->people = 0;
	t->misfit = VOID_NONE;
	t->met = false;
	t->met_at = 0;
	t->met_index = NO_INDEX;
}

/* --- under one rule, under all ------------------------------------------------------------ */

struct one_rule {
	bool		met;
	when		met_at;
	uint64_t	met_index;
	size_t		n;
	struct voter	voter[PEOPLE_MAX];
	uint16_t	slot[PEOPLE_MAX];	/* of each voter */
};

/* The first approval that completes it is the one that counts. */
static void
judge(const struct rules *rules, size_t at, const char *requester,
    const struct tally *t, struct quorum *q, struct one_rule *o)
{
	const struct policy_rule	*rule = rules->rule[at];

	o->met = false;
	o->n = 0;
	for (size_t i = 0; i < t->n; i++) {
		if (!t->slot[i].counts || approval_blocked_by(rule, rules,
		    requester, &t->slot[i].voter) != VOID_NONE)
			continue;
		o->slot[o->n] = (uint16_t)i;
		o->voter[o->n++] = t->slot[i].voter;
		if (o->met)
			continue;
		quorum_assign(rule, o->voter, o->n, q);
		o->met = quorum_met(rule, q);
		o->met_at = t->slot[i].d.time;
		o->met_index = t->slot[i].d.index;
	}
	quorum_assign(rule, o->voter, o->n, q);
}

static void
places(struct tally *t, const struct one_rule *o)
{
	const struct quorum	*q = &t->quorum[t->show];

	for (size_t i = 0; i < t->n; i++)
		t->slot[i].place = QUORUM_NO_PLACE;
	for (uint8_t p = 0; p < q->n_places; p++)
		if (q->voter[p] < o->n)
			t->slot[o->slot[q->voter[p]]].place = q->role[p];
}

/* Met when every rule is, with the last of them. */
static void
judge_all(const char *requester, struct tally *t)
{
	const struct rules	*rules = &t->rules;
	bool			 counted[PEOPLE_MAX] = { false };
	size_t			 unmet = rules->n;

	for (size_t i = 0; i < rules->n; i++) {
		struct one_rule	o;

		judge(rules, i, requester, t, &t->quorum[i], &o);
		for (size_t v = 0; v < o.n; v++)
			counted[o.slot[v]] = true;
		if (!o.met && unmet == rules->n)
			unmet = t->show = i;
		if (i == t->show)
			places(t, &o);
		if (o.met && (t->met_index == NO_INDEX || o.met_index > t->met_index)) {
			t->met_at = o.met_at;
			t->met_index = o.met_index;
		}
	}
	t->met = unmet == rules->n;
	if (!t->met)
		t->met_at = 0;
	for (size_t i = 0; i < t->n; i++)
		t->slot[i].counts = counted[i];
}

enum rc
tally_request(struct replica *r, const uint8_t id[SHA256_BYTES],
    const struct rec_request *q, struct tally *ret, struct err *err)
{
	tally_start(ret);
	TRY(rules_of(r, q, &ret->rules, err));
	TRY(slots_load(r, id, q->slots, ret, err));
	if (ret->rules.n == 0)
		return RC_OK;
	judge_all(q->requester, ret);
	/* A veto by the charter in force is one, whenever the denial was logged. */
	for (size_t i = 0; i < ret->n; i++)
		if (ret->slot[i].d.state == DECISION_DENIED &&
		    may_veto(&ret->rules, ret->slot[i].d.person))
			ret->misfit = VOID_ENDED;
	return ret->misfit != VOID_NONE ? RC_OK :
	    rules_fit(r, q, &ret->rules, &ret->misfit, err);
}

/* --- amendments ----------------------------------------------------------------------------- */

enum rc
tally_amendment(struct replica *r, const uint8_t id[SHA256_BYTES],
    const struct rec_amendment *m, struct tally *ret, struct err *err)
{
	unsigned	need;

	tally_start(ret);
	ret->rules.n = 0;
	TRY(charters_load(r, m->amends, &ret->rules.now, err));
	ret->rules.then = ret->rules.now;
	need = charter_amend_need(ret->rules.now);
	TRY(slots_load(r, id, m->slots, ret, err));
	for (size_t i = 0; i < ret->n; i++) {
		struct tally_slot	*s = &ret->slot[i];

		s->counts = s->counts &&
		    charter_is_amender(ret->rules.now, s->voter.now) &&
		    strcmp(s->d.person, m->proposer) != 0;
		if (!s->counts || ++ret->people != need)
			continue;
		ret->met = true;
		ret->met_at = s->d.time;
		ret->met_index = s->d.index;
	}
	return RC_OK;
}

enum rc
amendment_ended(struct replica *r, const struct rec_amendment *m, when t,
    enum void_reason *ret, struct err *err)
{
	bool	revoked;

	*ret = VOID_NONE;
	if (m->status != STATUS_ALIVE || m->in_force != NO_INDEX || t > m->expires ||
	    memcmp(m->amends, r->head.charter, SHA256_BYTES) != 0) {
		*ret = VOID_ENDED;
		return RC_OK;
	}
	TRY(rec_revoked_get(r->st, m->key, &revoked, err));
	if (revoked)
		*ret = VOID_REVOKED_KEY;
	return RC_OK;
}

when
consent_earliest(const struct charter *now, const struct tally *t)
{
	return t->met ? t->met_at + now->amend_delay_seconds : 0;
}

/*
 * Consents that were given before the delay of the approvals that count by now, since
 * one was taken back or its key revoked, count no more and may be given again.
 */
enum rc
consents_count(struct replica *r, const uint8_t id[SHA256_BYTES],
    const struct charter *now, const struct tally *t, uint32_t *ret,
    struct err *err)
{
	*ret = 0;
	for (uint8_t i = 1; t->met && i <= now->n; i++) {
		struct rec_consent	c;
		enum rc			rc = rec_consent_get(r->st, id, i, &c, err);

		if (rc == RC_MISSING)
			continue;
		TRY(rc);
		if (c.time >= consent_earliest(now, t))
			*ret |= UINT32_C(1) << (i - 1);
	}
	return RC_OK;
}

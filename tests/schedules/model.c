/*
 * tests/schedules/model.c - which entries of a log count, and may one contribute: docs/spec/apply-v1
 * again, over what was meant instead of what was written, for one charter and a policy each.
 */
#include <string.h>

#include "tests/schedules/world.h"

enum { SAYS_NOTHING, APPROVES, DENIES, TOOK_BACK };

static struct m_request *
request_of(const struct model *m, int said)
{
	for (int i = 0; i < m->n_requests; i++)
		if (m->request[i].said == said)
			return (struct m_request *)(uintptr_t)&m->request[i];
	return NULL;
}

static struct m_order *
order_of(const struct model *m, int said)
{
	for (int i = 0; i < m->n_orders; i++)
		if (m->order[i].said == said)
			return (struct m_order *)(uintptr_t)&m->order[i];
	return NULL;
}

static const struct said *
asked(const struct m_request *r)
{
	return &world->said[r->said];
}

/* --- who counts ------------------------------------------------------------------------- */

static bool
may_fill(const struct m_request *r, unsigned p)
{
	const struct rule	*rule = &rules[asked(r)->policy];

	return (int)p != asked(r)->by && (people[p].roles & rule->roles) != 0 &&
	    strcmp(people[p].organisation, people[asked(r)->by].organisation) != 0;
}

/* Each place by somebody who has its role, nobody in two: tried out. */
static bool
places_filled(unsigned roles, unsigned who)
{
	unsigned	role = roles & -roles;

	if (roles == 0)
		return true;
	for (unsigned p = 0; p < PEOPLE; p++)
		if ((who >> p & 1) != 0 && (people[p].roles & role) != 0 && places_filled(roles ^ role, who ^ 1U << p))
			return true;
	return false;
}

static unsigned
approving(const struct model *m, const struct m_request *r, uint64_t before)
{
	unsigned	who = 0;

	for (unsigned p = 0; p < PEOPLE; p++)
		if (r->of[p].state == APPROVES && r->of[p].index < before && !m->revoked[p] && may_fill(r, p))
			who |= 1U << p;
	return who;
}

static bool
meets(const struct m_request *r, unsigned who)
{
	const struct rule	*rule = &rules[asked(r)->policy];

	return places_filled(rule->roles, who) && count_bits(who) >= rule->people;
}

bool
model_is_met(const struct model *m, const struct m_request *r)
{
	return meets(r, approving(m, r, UINT64_MAX));
}

static bool
met_at(const struct model *m, const struct m_request *r, when *ret, uint64_t *ret_index)
{
	uint64_t	best = UINT64_MAX;

	for (unsigned p = 0; p < PEOPLE; p++)
		if (r->of[p].state == APPROVES && r->of[p].index < best && meets(r, approving(m, r, r->of[p].index + 1))) {
			best = r->of[p].index;
			*ret = r->of[p].time;
		}
	*ret_index = best;
	return best != UINT64_MAX;
}

static bool
ended(const struct model *m, const struct m_request *r, when at)
{
	return r->withdrawn || r->vetoed || r->released || at > asked(r)->expires || m->revoked[asked(r)->by];
}

static const char *
blocked(const struct model *m, const struct m_request *r, when at)
{
	const struct rule	*rule = &rules[asked(r)->policy];
	when			 met = 0, lock = 0;
	uint64_t		 index;

	if (at > r->time + REQUEST_SECONDS)
		return "it lives too long";
	if (!met_at(m, r, &met, &index))
		return "too few people approved";
	for (int b = 0; b < world->n_batches; b++)
		if ((asked(r)->artifacts >> b & 1) != 0 && rule->lock > 0 && m->batch_time[b] + rule->lock > lock)
			lock = m->batch_time[b] + rule->lock;
	if (at < lock)
		return "the time lock";
	return at < met + rule->objection ? "the objection window" : NULL;
}

/* --- one entry ------------------------------------------------------------------------------ */

struct at { struct model *m; uint64_t index; when now, dated; const struct said *s; int said; };

static bool
on_batch(struct at *a)
{
	const struct batch_made	*b = &world->batch[a->s->subject];

	if (b->sealed_at + 86400 < a->now || b->sealed_at > a->dated + 300)
		return false;
	a->m->batch[a->s->subject] = true;
	a->m->batch_time[a->s->subject] = a->now;
	return true;
}

static bool
on_request(struct at *a)
{
	struct m_request	*r = &a->m->request[a->m->n_requests];

	if (a->s->expires > a->dated + REQUEST_SECONDS || a->s->misfit)
		return false;
	for (int b = 0; b < world->n_batches; b++)
		if ((a->s->artifacts >> b & 1) != 0 && !a->m->batch[b])
			return false;
	MUST(a->m->n_requests < 64);
	memset(r, 0, sizeof(*r));
	r->said = a->said;
	r->index = a->index;
	r->time = a->now;
	a->m->n_requests++;
	return true;
}

static void
says(struct at *a, struct m_request *r, int state)
{
	r->of[a->s->by].state = state;
	r->of[a->s->by].time = a->now;
	r->of[a->s->by].index = a->index;
}

static bool
on_decision(struct at *a)
{
	struct m_request	*r = request_of(a->m, a->s->subject);
	int			 by = a->s->by, state;

	if (r == NULL || ended(a->m, r, a->now) || by == asked(r)->by || r->of[by].state == DENIES)
		return false;
	state = r->of[by].state;
	if (a->s->approve) {
		if (!may_fill(r, (unsigned)by) || (state == APPROVES && !a->m->revoked[by]) ||
		    (state == TOOK_BACK && a->s->seen <= r->of[by].index))
			return false;
		says(a, r, APPROVES);
		return true;
	}
	if ((people[by].roles & rules[asked(r)->policy].veto) != 0)
		r->vetoed = true;
	says(a, r, DENIES);
	return true;
}

static bool
on_withdrawal(struct at *a)
{
	struct m_request	*r = request_of(a->m, a->s->subject);
	int			 by = a->s->by;

	if (r == NULL || ended(a->m, r, a->now))
		return false;
	if (by == asked(r)->by) {
		r->withdrawn = true;
		return true;
	}
	if (r->of[by].state == DENIES ||
	    (r->of[by].state == SAYS_NOTHING && (people[by].roles & rules[asked(r)->policy].roles) == 0))
		return false;
	says(a, r, TOOK_BACK);
	return true;
}

static bool
on_revocation(struct at *a)
{
	bool	amender = a->s->by == LEGAL || a->s->by == COMPLIANCE;

	if ((a->s->by != a->s->subject && !amender) || a->m->revoked[a->s->subject])
		return false;
	a->m->revoked[a->s->subject] = true;
	return true;
}

static bool
on_order(struct at *a)
{
	struct m_request	*r = request_of(a->m, a->s->subject);

	if (r == NULL || ended(a->m, r, a->now) || a->s->misfit || a->s->expires > a->dated + ORDER_SECONDS ||
	    blocked(a->m, r, a->now) != NULL || blocked(a->m, r, a->dated) != NULL)
		return false;
	MUST(a->m->n_orders < 64);
	a->m->order[a->m->n_orders++] = (struct m_order){ .said = a->said, .request = a->s->subject,
	    .index = a->index, .time = a->now };
	return true;
}

static bool
on_receipt(struct at *a)
{
	struct m_order	*o = order_of(a->m, a->s->subject);
	uint32_t	 bit = 1U << a->s->by;

	if (o == NULL || a->s->segments > world->said[o->said].segments || (o->receipts & bit) != 0)
		return false;
	o->receipts |= bit;
	return true;
}

static bool
on_release(struct at *a)
{
	struct m_order		*o = order_of(a->m, a->s->subject);
	struct m_request	*r = o == NULL ? NULL : request_of(a->m, o->request);

	if (o == NULL || o->released || r->withdrawn || r->vetoed || r->released || a->m->revoked[asked(r)->by] ||
	    blocked(a->m, r, o->time) != NULL || count_bits(a->s->artifacts & o->receipts) < world->k)
		return false;
	o->released = r->released = true;
	return true;
}

static bool
counts(struct at *a)
{
	switch ((int)a->s->type) {
	case STATEMENT_BATCH:		return on_batch(a);
	case STATEMENT_REQUEST:		return on_request(a);
	case STATEMENT_DECISION:	return on_decision(a);
	case STATEMENT_WITHDRAWAL:	return on_withdrawal(a);
	case STATEMENT_REVOCATION:	return on_revocation(a);
	case STATEMENT_ORDER:		return on_order(a);
	case STATEMENT_RECEIPT:		return on_receipt(a);
	case STATEMENT_RELEASE:		return on_release(a);
	default:			return false;
	}
}

static bool
is_authentic(const struct at *a, unsigned branch, const bool *taken)
{
	uint8_t	root[SHA256_BYTES];

	if (taken[a->said] || a->now > a->s->expires || a->s->issued > a->dated + 300 || a->s->seen > a->index)
		return false;
	root_of(branch, a->s->seen, root);
	if (memcmp(root, a->s->seen_root, sizeof(root)) != 0 || a->s->forged)
		return false;
	return a->s->type == STATEMENT_RECEIPT || a->s->by < 0 || !a->m->revoked[a->s->by];
}

void
model_of(unsigned branch, uint64_t size, struct model *m)
{
	bool	taken[SAID_MAX] = { false };

	memset(m, 0, sizeof(*m));
	for (uint64_t i = 0; i < size; i++) {
		const struct logged	*l = &world->logged[world->branch[branch].entry[i]];
		struct at		 a = { .m = m, .index = i, .dated = l->time, .said = l->said };

		m->now = a.now = l->time > m->now ? l->time : m->now;
		m->opaque[i] = l->opaque;
		if (l->opaque)
			continue;
		a.s = &world->said[l->said];
		m->authentic[i] = is_authentic(&a, branch, taken);
		if (!m->authentic[i])
			continue;
		taken[l->said] = true;
		m->effective[i] = counts(&a);
	}
}

/* --- a contribution ------------------------------------------------------------------------------ */

const char *
model_may(const struct model *m, int order, when own, when *ret_met, uint64_t *ret_met_index,
    struct m_request **ret_request)
{
	const struct m_order	*o = order_of(m, order);
	struct m_request	*r = o == NULL ? NULL : request_of(m, o->request);
	when			 t = own > m->now ? own : m->now;
	const char		*why;

	if (o == NULL)
		return "no such order is effective";
	*ret_request = r;
	if (o->released || r->released || t > world->said[order].expires)
		return "the order is over";
	if (ended(m, r, t))
		return "the request has ended";
	if ((why = blocked(m, r, o->time)) != NULL || (why = blocked(m, r, own)) != NULL)
		return why;
	return met_at(m, r, ret_met, ret_met_index) ? NULL : "not met";
}

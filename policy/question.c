/*
 * policy/question.c - what a state answers without being changed: where a
 * request stands, what was sealed and checked. Whether a custodian may
 * contribute is policy/act.c.
 */
#include <string.h>

#include "policy/apply_impl.h"
#include "policy/runs.h"
#include "policy/view.h"

static when
later(when a, when b)
{
	return a > b ? a : b;
}

/* --- where a request stands ------------------------------------------------------------ */

static enum request_phase
phase_of(const struct rec_request *q, enum void_reason ended, bool met, when t)
{
	if (q->status == STATUS_RELEASED)
		return REQUEST_RELEASED;
	if (q->status == STATUS_VETOED)
		return REQUEST_VETOED;
	/* A requester whose key was revoked no longer asks. */
	if (q->status == STATUS_WITHDRAWN || ended == VOID_REVOKED_KEY)
		return REQUEST_WITHDRAWN;
	if (t > q->expires)
		return REQUEST_EXPIRED;
	if (!met)
		return REQUEST_OPEN;
	return q->order_index != NO_INDEX ? REQUEST_ORDERED : REQUEST_MET;
}

uint32_t
view_approvals(const struct tally *t, struct request_approval *ret)
{
	uint32_t	n = 0;

	for (size_t i = 0; i < t->n && n < VIEW_APPROVALS; i++) {
		const struct tally_slot	*s = &t->slot[i];
		struct request_approval	*a = &ret[n++];

		memcpy(a->person, s->d.person, sizeof(a->person));
		if (s->place != QUORUM_NO_PLACE)
			memcpy(a->role, t->rules.rule[t->show]->need[s->place].role,
			    sizeof(a->role));
		a->approve = s->d.state != DECISION_DENIED;
		a->counts = s->counts;
		a->time = s->d.time;
		a->index = s->d.index;
	}
	return n;
}

static void
view_request(const uint8_t id[SHA256_BYTES], const struct rec_request *q,
    struct request_view *v)
{
	memset(v, 0, sizeof(*v));
	memcpy(v->id, id, sizeof(v->id));
	v->index = q->index;
	memcpy(v->requester, q->requester, sizeof(v->requester));
	memcpy(v->policy, q->policy, sizeof(v->policy));
	v->logged = q->logged;
	v->expires = q->expires;
	v->order_index = q->order_index;
	v->release_index = q->release_index;
}

static void
view_tally(const struct rec_request *q, const struct tally *t,
    struct request_view *v)
{
	const struct policy_rule	*rule = t->rules.rule[t->show];
	const struct quorum		*quorum = &t->quorum[t->show];

	v->met_at = t->met_at;
	v->earliest = order_earliest(q, t);
	v->need = rule->people;
	v->have = (uint8_t)(quorum->people > UINT8_MAX ? UINT8_MAX :
	    quorum->people);
	quorum_missing(rule, quorum, v->missing, sizeof(v->missing));
	v->n_approvals = view_approvals(t, v->approval);
}

static enum rc
view_blocked(struct replica *r, const struct rec_request *q,
    const struct tally *t, when at, enum void_reason ended,
    enum void_reason *ret, struct err *err)
{
	bool	fits;

	*ret = q->status == STATUS_RELEASED ? VOID_ORDER : ended;
	if (*ret == VOID_NONE)
		*ret = order_blocked(q, t, at);
	if (*ret != VOID_NONE)
		return RC_OK;
	TRY(order_day(r, q, &t->rules, at, &fits, err));
	*ret = fits ? VOID_NONE : VOID_DAY_LIMIT;
	return RC_OK;
}

enum rc
replica_request(struct replica *r, const uint8_t id[SHA256_BYTES], when now,
    struct request_view *ret, struct err *err)
{
	struct rec_request	q;
	struct request_view	v;
	struct tally		t;
	enum void_reason	ended;
	when			at = later(now, r->head.time);

	TRY(rec_request_get(r->st, id, &q, err));
	view_request(id, &q, &v);
	TRY(request_ended(r, &q, at, &ended, err));
	TRY(tally_request(r, id, &q, &t, err));
	if (t.rules.n == 0) {
		v.phase = phase_of(&q, ended, false, at);
		v.blocked = VOID_POLICY;
		*ret = v;
		return RC_OK;
	}
	view_tally(&q, &t, &v);
	v.phase = phase_of(&q, ended, t.met, at);
	/* A veto that only the charter in force makes one. */
	if (t.misfit == VOID_ENDED && q.status == STATUS_ALIVE)
		v.phase = REQUEST_VETOED;
	TRY(view_blocked(r, &q, &t, at, ended, &v.blocked, err));
	*ret = v;
	return RC_OK;
}

/* --- batches --------------------------------------------------------------------------- */

enum rc
replica_logged(struct replica *r, const uint8_t id[SHA256_BYTES],
    uint64_t *ret_index, enum void_reason *ret_why, struct err *err)
{
	struct rec_statement	s;

	TRY(rec_statement_get(r->st, id, &s, err));
	*ret_index = s.index;
	*ret_why = (enum void_reason)s.why;
	return RC_OK;
}

enum rc
replica_batch(struct replica *r, uint64_t index, struct batch_view *ret,
    struct err *err)
{
	struct rec_batch	b;

	TRY(rec_batch_get(r->st, index, &b, err));
	memcpy(ret->id, b.id, sizeof(ret->id));
	memcpy(ret->root, b.root, sizeof(ret->root));
	ret->count = b.count;
	ret->logged = b.logged;
	memcpy(ret->sealer, b.sealer, sizeof(ret->sealer));
	return RC_OK;
}

/* The entry in which the custodian says that it checked b. RC_MISSING: none does. */
static enum rc
checked_at(struct replica *r, uint64_t batch, const struct rec_batch *b,
    uint8_t custodian, uint64_t *ret, struct err *err)
{
	struct run	run;
	enum rc		rc = runs_find(r->st, custodian, batch, &run, err);

	if (rc == RC_MISSING)
		return rec_mark_get(r->st, 'c', b->id, custodian, 0, ret, err);
	if (rc == RC_OK)
		*ret = run.index;
	return rc;
}

enum rc
replica_checked(struct replica *r, uint64_t batch, uint8_t custodian, bool *ret,
    struct err *err)
{
	struct rec_batch	b;
	uint64_t		at;
	enum rc			rc;

	TRY(rec_batch_get(r->st, batch, &b, err));
	rc = checked_at(r, batch, &b, custodian, &at, err);
	if (rc != RC_OK && rc != RC_MISSING)
		return rc;
	*ret = rc == RC_OK;
	return RC_OK;
}

enum rc
replica_garbage(struct replica *r, uint64_t batch, uint8_t custodian,
    uint32_t leaf, uint64_t *ret, bool *ret_own, struct err *err)
{
	struct rec_batch	b;
	uint64_t		said, checked;
	enum rc			rc;

	TRY(rec_batch_get(r->st, batch, &b, err));
	TRY(rec_mark_get(r->st, 'g', b.id, custodian, leaf, &said, err));
	rc = checked_at(r, batch, &b, custodian, &checked, err);
	if (rc != RC_OK && rc != RC_MISSING)
		return rc;
	*ret = said;
	*ret_own = rc == RC_OK && checked < said;
	return RC_OK;
}

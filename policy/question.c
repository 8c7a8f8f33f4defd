/*
 * policy/question.c - what a state answers without being changed: where a
 * request stands, and whether a custodian may contribute (docs/spec/apply-v1.md
 * section 8).
 */
#include <string.h>

#include "policy/apply_impl.h"

#define VIEW_APPROVALS	(sizeof(((struct request_view *)0)->approval) / \
			 sizeof(struct request_approval))

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

static void
view_approvals(const struct tally *t, const struct policy_rule *rule,
    struct request_view *v)
{
	for (size_t i = 0; i < t->n && v->n_approvals < VIEW_APPROVALS; i++) {
		const struct tally_slot	*s = &t->slot[i];
		struct request_approval	*a = &v->approval[v->n_approvals++];

		memcpy(a->person, s->d.person, sizeof(a->person));
		if (s->place != QUORUM_NO_PLACE)
			memcpy(a->role, rule->need[s->place].role,
			    sizeof(a->role));
		a->approve = s->d.state != DECISION_DENIED;
		a->counts = s->counts;
		a->time = s->d.time;
		a->index = s->d.index;
	}
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
view_tally(const struct rec_request *q, const struct policy_rule *rule,
    const struct tally *t, struct request_view *v)
{
	v->met_at = t->met_at;
	v->earliest = order_earliest(q, rule, t);
	v->need = rule->people;
	v->have = (uint8_t)(t->quorum.people > UINT8_MAX ? UINT8_MAX :
	    t->quorum.people);
	quorum_missing(rule, &t->quorum, v->missing, sizeof(v->missing));
	view_approvals(t, rule, v);
}

static enum rc
view_blocked(const struct state *st, const struct rec_request *q,
    const struct policy_rule *rule, const struct tally *t, when at,
    enum void_reason ended, enum void_reason *ret, struct err *err)
{
	uint64_t	used;
	bool		fits;

	*ret = q->status == STATUS_RELEASED ? VOID_ORDER : ended;
	if (*ret == VOID_NONE)
		*ret = order_blocked(q, rule, t, at);
	if (*ret != VOID_NONE)
		return RC_OK;
	TRY(order_day(st, q, rule, at, &fits, &used, err));
	*ret = fits ? VOID_NONE : VOID_DAY_LIMIT;
	return RC_OK;
}

enum rc
replica_request(struct replica *r, const uint8_t id[SHA256_BYTES], when now,
    struct request_view *ret, struct err *err)
{
	const struct policy_rule	*rule;
	struct rec_request		 q;
	struct request_view		 v;
	struct tally			 t;
	enum void_reason		 ended;
	when				 at = later(now, r->head.time);

	TRY(rec_request_get(r->st, id, &q, err));
	view_request(id, &q, &v);
	TRY(request_ended(r->st, &q, at, &ended, err));
	if ((rule = request_rule(r->charter, &q)) == NULL) {
		v.phase = phase_of(&q, ended, false, at);
		v.blocked = VOID_POLICY;
		*ret = v;
		return RC_OK;
	}
	TRY(tally_request(r->st, r->charter, rule, id, &q, &t, err));
	view_tally(&q, rule, &t, &v);
	v.phase = phase_of(&q, ended, t.met, at);
	TRY(view_blocked(r->st, &q, rule, &t, at, ended, &v.blocked, err));
	*ret = v;
	return RC_OK;
}

/* --- may a custodian contribute? --------------------------------------------------------- */

static enum rc
denied(struct grant *g, enum void_reason why, struct err *err)
{
	g->why = why;
	return err_set(err, RC_DENIED, "%s: %s", void_reason_name(why),
	    void_reason_text(why));
}

/*
 * Judged twice: as of the order's log time, against what counts by now (an
 * approval that was taken back since counts no more), and by the custodian's
 * own clock, which nobody else can set.
 */
static enum rc
contribution_check(struct replica *r, const struct rec_order *o,
    const struct rec_request *q, when now, struct grant *g, struct err *err)
{
	const struct policy_rule	*rule = request_rule(r->charter, q);
	enum void_reason		 why;
	struct tally			 t;
	when				 at = later(now, r->head.time);

	if (o->release_index != NO_INDEX || q->status == STATUS_RELEASED ||
	    at > o->expires)
		return denied(g, VOID_ORDER, err);
	TRY(request_ended(r->st, q, at, &why, err));
	if (why != VOID_NONE)
		return denied(g, why, err);
	if (rule == NULL)
		return denied(g, VOID_POLICY, err);
	if (memcmp(o->scope, q->scope, sizeof(o->scope)) != 0)
		return denied(g, VOID_ORDER, err);
	TRY(tally_request(r->st, r->charter, rule, o->request, q, &t, err));
	if ((why = order_blocked(q, rule, &t, o->time)) != VOID_NONE ||
	    (why = order_blocked(q, rule, &t, now)) != VOID_NONE)
		return denied(g, why, err);
	return RC_OK;
}

static enum rc
grant_fill(struct replica *r, const uint8_t order[SHA256_BYTES],
    const struct rec_order *o, struct grant *g, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(SCOPE_BYTES_MAX);

	memcpy(g->order, order, sizeof(g->order));
	memcpy(g->request, o->request, sizeof(g->request));
	memcpy(g->scope_digest, o->scope, sizeof(g->scope_digest));
	g->order_index = o->index;
	g->expires = o->expires;
	TRY(fixed_blob(r->st, o->scope, SCOPE_BYTES_MAX, &b, err));
	TRY(scope_parse(buf_view(&b), &g->scope, err));
	return rec_addressee_get(r->st, order, &g->addressee, err);
}

enum rc
replica_may_contribute(struct replica *r, const uint8_t order[SHA256_BYTES],
    when now, uint64_t cosigned_size, struct grant *ret, struct err *err)
{
	AUTO_DONE(grant_done) struct grant g = { .order_index = NO_INDEX };
	struct rec_order	o;
	struct rec_request	q;
	enum rc			rc;

	memset(ret, 0, sizeof(*ret));
	g.addressee = BUF_INIT(RECIPIENT_CERT_MAX);
	TRY(rec_order_get(r->st, order, &o, err));
	if ((rc = rec_request_get(r->st, o.request, &q, err)) != RC_OK)
		return rc != RC_MISSING ? rc :
		    err_wrap(err, RC_BUG, "an order of no request");
	if ((rc = contribution_check(r, &o, &q, now, &g, err)) != RC_OK) {
		ret->why = g.why;
		return rc;
	}
	if (cosigned_size <= o.index)
		return err_set(err, RC_QUORUM, "the order is entry %llu, but only "
		    "%llu entries are cosigned by a quorum so far",
		    (unsigned long long)o.index,
		    (unsigned long long)cosigned_size);
	TRY(grant_fill(r, order, &o, &g, err));
	*ret = g;
	g = (struct grant){ 0 };
	return RC_OK;
}

void
grant_done(struct grant *g)
{
	scope_done(&g->scope);
	buf_done(&g->addressee);
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

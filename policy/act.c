/*
 * policy/act.c - may a custodian contribute? (docs/spec/apply-v1.md section 8)
 */
#include <string.h>

#include "policy/apply_impl.h"
#include "policy/view.h"

struct asked {			/* one order, all that its answer depends on */
	struct replica		*r;
	const struct own_view	*own;
	struct rec_order	 o;
	struct rec_request	 q;
	struct tally		 t;
	enum void_reason	 why;
};

bool
statement_is_no(const struct statement *s)
{
	return (s->type == STATEMENT_DECISION && !s->u.decision.approve) ||
	    s->type == STATEMENT_WITHDRAWAL || s->type == STATEMENT_REVOCATION;
}

static enum rc
denied(struct asked *a, enum void_reason why, struct err *err)
{
	a->why = why;
	return err_set(err, RC_DENIED, "%s: %s", void_reason_name(why),
	    void_reason_text(why));
}

/* --- what only this custodian knows --------------------------------------------------- */

/* Did this key sign what is asked for, or an approval of it that counts? */
static bool
rests_on(const uint8_t asking[KEY_ID_BYTES], const struct tally *t,
    const uint8_t key[KEY_ID_BYTES])
{
	if (memcmp(asking, key, KEY_ID_BYTES) == 0)
		return true;
	for (size_t i = 0; i < t->n; i++)
		if (t->slot[i].counts &&
		    memcmp(t->slot[i].d.key, key, KEY_ID_BYTES) == 0)
			return true;
	return false;
}

enum rc
own_no_objection(const struct own_view *own, const uint8_t subject[SHA256_BYTES],
    const uint8_t key[KEY_ID_BYTES], const struct tally *t, struct err *err)
{
	for (size_t i = 0; i < own->n_objections; i++) {
		const struct objection	*o = &own->objection[i];
		bool			 revokes = o->type == STATEMENT_REVOCATION;

		if (revokes ? rests_on(key, t, o->subject) :
		    memcmp(o->subject, subject, SHA256_BYTES) == 0)
			return err_set(err, RC_DENIED, "a %s that was handed to "
			    "this custodian is not in the log yet; it counts",
			    o->type == STATEMENT_DECISION ? "denial" :
			    statement_type_name(o->type));
	}
	return RC_OK;
}

enum rc
own_not_forgotten(const struct own_view *own, uint64_t index, struct err *err)
{
	if (index >= own->floor)
		return RC_OK;
	return err_set(err, RC_DENIED, "this custodian was put back to an older "
	    "state and does not know what was said to it before; make a new request");
}

/*
 * The sequencer writes the log time of the approval that met the request, and
 * could write an old one. When it came here, it could not.
 */
enum rc
own_waited(const struct own_view *own, uint64_t index, uint64_t seconds,
    struct err *err)
{
	when	came;
	enum rc	rc;

	if (seconds == 0 || own->arrived == NULL)
		return RC_OK;
	rc = own->arrived(own->user, index, &came, err);
	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	if (own->now < came || own->now - came < seconds)
		return err_set(err, RC_DENIED, "%s: %s",
		    void_reason_name(VOID_OBJECTION),
		    void_reason_text(VOID_OBJECTION));
	return RC_OK;
}

/* --- the decision ------------------------------------------------------------------------ */

static enum rc
alive(struct asked *a, struct err *err)
{
	when		 t = a->r->head.time;
	enum void_reason why;

	if (a->own->now > t)
		t = a->own->now;
	if (a->o.release_index != NO_INDEX || a->q.status == STATUS_RELEASED ||
	    t > a->o.expires)
		return denied(a, VOID_ORDER, err);
	TRY(request_ended(a->r, &a->q, t, &why, err));
	return why == VOID_NONE ? RC_OK : denied(a, why, err);
}

static enum rc
window_seen(struct asked *a, struct err *err)
{
	enum rc	rc = own_waited(a->own, a->t.met_index,
		    objection_seconds(&a->t.rules), err);

	if (rc == RC_DENIED)
		a->why = VOID_OBJECTION;
	return rc;
}

/*
 * Judged twice: as of the order's log time, against what counts by now (an
 * approval that was taken back since counts no more), and by the custodian's
 * own clock, which nobody else can set.
 */
static enum rc
may_act(struct asked *a, struct err *err)
{
	enum void_reason	why;

	TRY(alive(a, err));
	if (memcmp(a->o.scope, a->q.scope, sizeof(a->o.scope)) != 0)
		return denied(a, VOID_ORDER, err);
	TRY(tally_request(a->r, a->o.request, &a->q, &a->t, err));
	if (a->t.rules.n == 0)
		return denied(a, VOID_POLICY, err);
	if ((why = order_blocked(&a->q, &a->t, a->o.time)) != VOID_NONE ||
	    (why = order_blocked(&a->q, &a->t, a->own->now)) != VOID_NONE)
		return denied(a, why, err);
	TRY(own_no_objection(a->own, a->o.request, a->q.key, &a->t, err));
	TRY(own_not_forgotten(a->own, a->q.index, err));
	return window_seen(a, err);
}

static enum rc
grant_fill(const struct asked *a, const uint8_t order[SHA256_BYTES],
    struct grant *g, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(SCOPE_BYTES_MAX);
	const struct state	*st = a->r->st;

	g->addressee = BUF_INIT(RECIPIENT_CERT_MAX);
	memcpy(g->order, order, sizeof(g->order));
	memcpy(g->request, a->o.request, sizeof(g->request));
	memcpy(g->scope_digest, a->o.scope, sizeof(g->scope_digest));
	g->order_index = a->o.index;
	g->expires = a->o.expires;
	TRY(fixed_blob(st, a->o.scope, SCOPE_BYTES_MAX, &b, err));
	TRY(scope_parse(buf_view(&b), &g->scope, err));
	return rec_addressee_get(st, order, &g->addressee, err);
}

enum rc
replica_may_act(struct replica *r, const uint8_t order[SHA256_BYTES],
    const struct own_view *own, struct grant *ret, struct err *err)
{
	AUTO_DONE(grant_done) struct grant g = { .order_index = NO_INDEX };
	struct asked	a = { .r = r, .own = own };
	enum rc		rc;

	memset(ret, 0, sizeof(*ret));
	TRY(rec_order_get(r->st, order, &a.o, err));
	if ((rc = rec_request_get(r->st, a.o.request, &a.q, err)) != RC_OK)
		return rc != RC_MISSING ? rc :
		    err_wrap(err, RC_BUG, "an order of no request");
	if ((rc = may_act(&a, err)) != RC_OK) {
		ret->why = a.why;
		return rc;
	}
	if (own->cosigned_size <= a.o.index)
		return err_set(err, RC_QUORUM, "the order is entry %llu, but only "
		    "%llu entries are cosigned by a quorum so far",
		    (unsigned long long)a.o.index,
		    (unsigned long long)own->cosigned_size);
	TRY(grant_fill(&a, order, &g, err));
	*ret = g;
	g = (struct grant){ 0 };
	return RC_OK;
}

enum rc
replica_may_contribute(struct replica *r, const uint8_t order[SHA256_BYTES],
    when now, uint64_t cosigned_size, struct grant *ret, struct err *err)
{
	const struct own_view	own = {
		.now = now, .cosigned_size = cosigned_size
	};

	return replica_may_act(r, order, &own, ret, err);
}

void
grant_done(struct grant *g)
{
	scope_done(&g->scope);
	buf_done(&g->addressee);
}

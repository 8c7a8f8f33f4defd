/* coordinator/asked.c - one request, or one amendment, with all that became of it. */
#include <stdlib.h>

#include "coordinator/decisions.h"
#include "coordinator/logged.h"
#include "coordinator/queries.h"
#include "edge/edge.h"
#include "policy/apply.h"

PB_AUTO(request_request, RequestRequest);
PB_AUTO(amendment_request, AmendmentRequest);

/* ---- a request ------------------------------------------------------------------------ */

static void
fill_request(const struct request_view *v, Quorate__V1__RequestReply *m)
{
	m->phase = pb_text(request_phase_name(v->phase));
	if (v->blocked != VOID_NONE) {
		m->blocked = pb_text(void_reason_name(v->blocked));
		m->blocked_words = pb_text(void_reason_text(v->blocked));
	}
	m->missing = pb_text(v->missing);
	m->earliest = v->earliest;
	m->have = v->have;
	m->need = v->need;
	m->order = v->order_index == UINT64_MAX ? 0 : v->order_index + 1;
	m->release = v->release_index == UINT64_MAX ? 0 : v->release_index + 1;
	m->met_at = v->met_at;
}

/* ret: as many as v has room for. */
static size_t
uncounted_of(const struct request_view *v, uint64_t *ret)
{
	size_t		n = 0;
	uint32_t	i;

	for (i = 0; i < v->n_approvals; i++)
		if (v->approval[i].approve && !v->approval[i].counts)
			ret[n++] = v->approval[i].index;
	return n;
}

/* The order of a release, and who acknowledged it: behind what is in d. */
static enum rc
read_opened(struct coordinator *c, struct reader *r, uint64_t release, struct proven *ordered, struct decisions *d,
    struct err *err)
{
	AUTO_DONE(logged_done) struct logged l = LOGGED_INIT;
	enum void_reason	why;
	uint64_t		order;

	TRY(logged_read(r->store, release, &l, err));
	TRY(decisions_opened(l.s.subject, d, err));
	TRY(replica_logged(r->replica, l.s.subject, &order, &why, err));
	return proven_read(c, r, order, ordered, err);
}

static enum rc
write_request(struct coordinator *c, struct reader *r, const struct request_view *v,
    struct decisions *d, struct buf *reply, struct err *err)
{
	AUTO_DONE(proven_done) struct proven entry = PROVEN_INIT, ordered = PROVEN_INIT;
	AUTO_DONE(logged_done) struct logged request = LOGGED_INIT;
	AUTO_DONE(buf_done) struct buf	scope = BUF_INIT(SCOPE_BYTES_MAX);
	Quorate__V1__RequestReply	m = QUORATE__V1__REQUEST_REPLY__INIT;
	uint64_t			uncounted[sizeof(v->approval) / sizeof(v->approval[0])];

	TRY(proven_read(c, r, v->index, &entry, err));
	TRY(logged_read(r->store, v->index, &request, err));
	TRY(store_blob(r->store, request.s.subject, &scope, err));
	TRY(decisions_read(c, r, v->id, d, err));
	m.entry = &entry.m;
	m.scope = pb_bytes(buf_view(&scope));
	m.n_decisions = d->n;
	m.decisions = d->p;
	if (v->phase == REQUEST_RELEASED) {
		TRY(read_opened(c, r, v->release_index, &ordered, d, err));
		m.n_acknowledged = d->n - m.n_decisions;
		m.acknowledged = d->p + m.n_decisions;
		m.ordered = m.n_acknowledged > 0 ? &ordered.m : NULL;
	}
	m.uncounted = uncounted;
	m.n_uncounted = uncounted_of(v, uncounted);
	fill_request(v, &m);
	return pb_pack(&m.base, reply, err);
}

enum rc
on_request(void *user, struct rpc_call *call, struct span request, struct buf *reply,
    struct err *err)
{
	struct coordinator		*c = user;
	AUTO(reader_give) struct reader	*r = reader_take(c->readers);
	struct request_view		*v;
	struct decisions		*d;
	uint8_t				 id[SHA256_BYTES];
	enum rc				 rc;

	PB_UNPACK(request_request, RequestRequest, q, request);
	TRY(pb_fixed(&q->id, "id", id, sizeof(id), err));
	v = calloc(1, sizeof(*v));
	d = calloc(1, sizeof(*d));
	rc = v == NULL || d == NULL ? err_set(err, RC_NOMEM, "request: no memory") :
	    replica_request(r->replica, id, clock_now(), v, err);
	if (rc == RC_MISSING)
		rpc_say(call, "no such request in the log");
	if (rc == RC_OK) {
		rc = write_request(c, r, v, d, reply, err);
		decisions_done(d);
	}
	free(d);
	free(v);
	return rc;
}

/* ---- an amendment ----------------------------------------------------------------------- */

static void
fill_amendment(const struct amendment_view *v, uint32_t consents[CUSTODIANS_MAX],
    Quorate__V1__AmendmentReply *m)
{
	uint32_t	i;

	m->charter = pb_bytes(SPAN_OF(v->charter));
	m->phase = pb_text(amendment_phase_name(v->phase));
	m->have = v->have;
	m->need = v->need;
	m->met_at = v->met_at;
	m->earliest = v->earliest;
	m->consents = consents;
	for (i = 0; i < CUSTODIANS_MAX; i++)
		if ((v->consents >> i & 1) != 0)
			consents[m->n_consents++] = i + 1;
	m->in_force = v->in_force == UINT64_MAX ? 0 : v->in_force + 1;
}

static enum rc
write_amendment(struct coordinator *c, struct reader *r, const struct amendment_view *v,
    struct decisions *d, struct buf *reply, struct err *err)
{
	AUTO_DONE(proven_done) struct proven entry = PROVEN_INIT;
	Quorate__V1__AmendmentReply	m = QUORATE__V1__AMENDMENT_REPLY__INIT;
	uint32_t			consents[CUSTODIANS_MAX];

	TRY(proven_read(c, r, v->index, &entry, err));
	TRY(decisions_read(c, r, v->id, d, err));
	m.entry = &entry.m;
	m.n_decisions = d->n;
	m.decisions = d->p;
	fill_amendment(v, consents, &m);
	return pb_pack(&m.base, reply, err);
}

enum rc
on_amendment(void *user, struct rpc_call *call, struct span request, struct buf *reply,
    struct err *err)
{
	struct coordinator		*c = user;
	AUTO(reader_give) struct reader	*r = reader_take(c->readers);
	struct amendment_view		*v;
	struct decisions		*d;
	uint8_t				 id[SHA256_BYTES];
	enum rc				 rc;

	PB_UNPACK(amendment_request, AmendmentRequest, q, request);
	TRY(pb_fixed(&q->id, "id", id, sizeof(id), err));
	v = calloc(1, sizeof(*v));
	d = calloc(1, sizeof(*d));
	rc = v == NULL || d == NULL ? err_set(err, RC_NOMEM, "amendment: no memory") :
	    replica_amendment(r->replica, id, clock_now(), v, err);
	if (rc == RC_MISSING)
		rpc_say(call, "no such amendment in the log");
	if (rc == RC_OK) {
		rc = write_amendment(c, r, v, d, reply, err);
		decisions_done(d);
	}
	free(d);
	free(v);
	return rc;
}

/* coordinator/artifact.c - one artifact, and one request with all that became of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/entry.h"
#include "coordinator/envelopes.h"
#include "coordinator/journal.h"
#include "coordinator/logged.h"
#include "coordinator/pb.h"
#include "coordinator/queries.h"
#include "coordinator/readers.h"
#include "coordinator/seal.h"
#include "evidence/batch.h"
#include "policy/apply.h"

#define DECISIONS_MAX		256u
#define DECISIONS_BYTES_MAX	(600u << 10)

PB_AUTO(artifact_request, ArtifactRequest);
PB_AUTO(request_request, RequestRequest);

/* ---- an artifact ------------------------------------------------------------------ */

static enum rc
fill_path(struct reader *r, const struct statement *batch, uint32_t leaf,
    struct tree_path *path, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	vector = BUF_INIT(DESCRIPTOR_VECTOR_MAX);
	struct span			descriptor;

	TRY(store_blob(r->store, batch->u.batch.descriptors, &vector, err));
	return batch_inclusion(buf_view(&vector), batch->u.batch.count, leaf,
	    &descriptor, path, err);
}

enum rc
on_artifact(void *user, struct rpc_call *call, struct span request, struct buf *reply,
    struct err *err)
{
	struct coordinator		*c = user;
	AUTO(reader_give) struct reader	*r = reader_take(c->readers);
	AUTO_DONE(buf_done) struct buf	 descriptor = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	AUTO_DONE(buf_done) struct buf	 proof = BUF_INIT(2 * NOTE_BYTES_MAX);
	AUTO_DONE(held_done) struct held_list held = { .n = 0 };
	AUTO_DONE(logged_done) struct logged batch = LOGGED_INIT;
	Quorate__V1__ArtifactReply	 m = QUORATE__V1__ARTIFACT_REPLY__INIT;
	ProtobufCBinaryData		 hash[TREE_PATH_MAX], list[CUSTODIANS_MAX];
	const struct state		*st = store_state(r->store);
	struct escrow_at		 at;
	struct tree_path		 path;
	uint8_t				 id[ARTIFACT_ID_BYTES];
	size_t				 i;
	enum rc				 rc;

	PB_UNPACK(artifact_request, ArtifactRequest, q, request);
	TRY(pb_fixed(&q->id, "id", id, sizeof(id), err));
	rc = st->escrow_find(st->user, id, &at, &descriptor, err);
	if (rc == RC_MISSING)
		rpc_say(call, "no such artifact in escrow");
	TRY(rc);
	TRY(logged_read(r->store, at.batch, &batch, err));
	TRY(fill_path(r, &batch.s, at.leaf, &path, err));
	TRY(reader_proof(c, r, at.batch, &proof, err));
	TRY(held_read(c, r->store, at.batch, &held, err));
	for (i = 0; i < path.n; i++)
		hash[i] = pb_bytes(SPAN(path.hash[i], TREE_HASH_BYTES));
	for (i = 0; i < held.n; i++)
		list[i] = pb_bytes(buf_view(&held.dsse[i]));
	m.descriptor = pb_bytes(buf_view(&descriptor));
	m.batch = at.batch;
	m.leaf = at.leaf;
	m.count = batch.s.u.batch.count;
	m.n_path = path.n;
	m.path = hash;
	m.entry = pb_bytes(buf_view(&batch.leaf));
	m.proof = pb_bytes(buf_view(&proof));
	m.envelope = envelopes_has(c->dir, id);
	m.n_held = held.n;
	m.held = list;
	m.sealed = proof.n > 0 && held.n >= c->first->h;
	return pb_pack(&m.base, reply, err);
}

/* ---- a request ----------------------------------------------------------------------- */

struct one_logged {
	Quorate__V1__LoggedEntry	m;
	struct buf			leaf, proof;
};

struct decisions {
	struct coordinator		*c;
	struct reader			*r;
	size_t				 n, bytes;
	struct one_logged		 one[DECISIONS_MAX];
	Quorate__V1__LoggedEntry	*p[DECISIONS_MAX];
};

static enum rc
fill_logged(struct coordinator *c, struct reader *r, uint64_t index, struct one_logged *o,
    struct err *err)
{
	struct verdict	v;

	quorate__v1__logged_entry__init(&o->m);
	o->leaf = BUF_INIT(ENTRY_BYTES_MAX);
	o->proof = BUF_INIT(2 * NOTE_BYTES_MAX);
	TRY(store_entry(r->store, index, &o->leaf, err));
	TRY(store_verdict(r->store, index, &v, err));
	TRY(reader_proof(c, r, index, &o->proof, err));
	o->m.index = index;
	o->m.leaf = pb_bytes(buf_view(&o->leaf));
	o->m.proof = pb_bytes(buf_view(&o->proof));
	o->m.effective = v.effective;
	if (!v.effective)
		o->m.why = pb_text(void_reason_name((enum void_reason)v.why));
	return RC_OK;
}

static void
one_done(struct one_logged *o)
{
	buf_done(&o->leaf);
	buf_done(&o->proof);
}

static enum rc
on_subject(void *user, uint64_t index, enum statement_type type, bool effective,
    struct err *err)
{
	struct decisions	*d = user;
	struct one_logged	*o = &d->one[d->n];

	(void)effective;
	if (type != STATEMENT_DECISION && type != STATEMENT_WITHDRAWAL)
		return RC_OK;
	if (d->n == DECISIONS_MAX || d->bytes > DECISIONS_BYTES_MAX)
		return RC_LIMIT;
	d->p[d->n++] = &o->m;
	TRY(fill_logged(d->c, d->r, index, o, err));
	d->bytes += o->leaf.n + o->proof.n;
	return RC_OK;
}

static void
fill_view(const struct request_view *v, Quorate__V1__RequestReply *m)
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

static enum rc
write_request(struct decisions *d, const struct request_view *v, struct buf *reply,
    struct err *err)
{
	AUTO_DONE(one_done) struct one_logged entry = { .leaf = { .p = NULL } };
	AUTO_DONE(logged_done) struct logged request = LOGGED_INIT;
	AUTO_DONE(buf_done) struct buf	scope = BUF_INIT(SCOPE_BYTES_MAX);
	Quorate__V1__RequestReply	m = QUORATE__V1__REQUEST_REPLY__INIT;

	TRY(fill_logged(d->c, d->r, v->index, &entry, err));
	TRY(logged_read(d->r->store, v->index, &request, err));
	TRY(store_blob(d->r->store, request.s.subject, &scope, err));
	TRY(journal_subject(d->r->store, v->id, on_subject, d, err));
	m.entry = &entry.m;
	m.scope = pb_bytes(buf_view(&scope));
	m.n_decisions = d->n;
	m.decisions = d->p;
	fill_view(v, &m);
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
	size_t				 i;

	PB_UNPACK(request_request, RequestRequest, q, request);
	TRY(pb_fixed(&q->id, "id", id, sizeof(id), err));
	v = calloc(1, sizeof(*v));
	d = calloc(1, sizeof(*d));
	rc = v == NULL || d == NULL ? err_set(err, RC_NOMEM, "request: no memory") :
	    replica_request(r->replica, id, clock_now(), v, err);
	if (rc == RC_MISSING)
		rpc_say(call, "no such request in the log");
	if (rc == RC_OK) {
		d->c = c;
		d->r = r;
		rc = write_request(d, v, reply, err);
		for (i = 0; i < d->n; i++)
			one_done(&d->one[i]);
	}
	free(d);
	free(v);
	return rc;
}

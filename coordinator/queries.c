/* coordinator/queries.c - the head, entries, blobs and proofs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/entry.h"
#include "coordinator/anchor.h"
#include "coordinator/cosigning.h"
#include "coordinator/journal.h"
#include "coordinator/pb.h"
#include "coordinator/queries.h"
#include "coordinator/readers.h"
#include "coordinator/replicator.h"
#include "coordinator/seal.h"
#include "coordinator/sequencer.h"
#include "coordinator/submit.h"
#include "coordinator/uploads.h"
#include "policy/apply.h"

#define ENTRIES_MAX		1024u		/* of one page */
#define ENTRIES_BYTES_MAX	(900u << 10)
#define PENDING_COUNT_MAX	10000u		/* counted no further */

PB_AUTO(entry_request, EntryRequest);
PB_AUTO(entries_request, EntriesRequest);
PB_AUTO(blob_request, BlobRequest);
PB_AUTO(consistency_request, ConsistencyRequest);

/* ---- Head ----------------------------------------------------------------------- */

/* A message of one custodian, and what it borrows from. */
struct status_row {
	struct custodian_status		s;
	Quorate__V1__Health		health;
	Quorate__V1__CustodianStatus	m;
};

static void
fill_health(const struct custodian_health *h, Quorate__V1__Health *m)
{
	quorate__v1__health__init(m);
	m->ready = h->ready;
	m->doubt = pb_text(h->doubt);
	m->unchecked = h->unchecked;
	m->handed = h->handed;
	m->oldest = h->oldest;
	m->owed = h->owed;
}

static void
fill_status(struct coordinator *c, uint8_t i, struct status_row *row)
{
	struct custodian_status		*s = &row->s;
	Quorate__V1__CustodianStatus	*m = &row->m;

	replicators_status(c->replicators, i, s);
	quorate__v1__custodian_status__init(m);
	m->index = i;
	m->reachable = s->reachable;
	m->size = s->size;
	m->frozen = s->frozen;
	m->differs_at = s->differs_at;
	if (s->health.known) {
		fill_health(&s->health, &row->health);
		m->health = &row->health;
	}
	if (s->reachable && s->lacks != 0)
		(void)snprintf(s->words, sizeof(s->words), "it lacks the shares of batch %llu, and perhaps others, which are "
		    "kept nowhere else: put a newer replica.db back, if there is one", (unsigned long long)s->lacks);
	m->words = s->words;
	m->lag_seconds = s->seen_ms == 0 ? UINT64_MAX : (clock_ms() - s->seen_ms) / 1000;
}

struct depths { Quorate__V1__Depth uploads, bytes, queue, backlog; };

static void
fill_depth(Quorate__V1__Depth *d, uint64_t now, uint64_t max)
{
	quorate__v1__depth__init(d);
	d->now = now;
	d->max = max;
}

/* What may pile up here, each beside the bound at which it refuses. */
static void
fill_depths(struct coordinator *c, uint64_t size, uint64_t cosigned, struct depths *d, Quorate__V1__HeadReply *r)
{
	uint64_t	bytes, n = uploads_count(c->uploads, &bytes);

	fill_depth(&d->uploads, n, UPLOADS_MAX);
	fill_depth(&d->bytes, bytes, UPLOADS_BYTES_MAX);
	fill_depth(&d->queue, sequencer_waiting(c->sequencer), SEQUENCER_QUEUE_MAX);
	fill_depth(&d->backlog, size > cosigned ? size - cosigned : 0, SEAL_BACKLOG_MAX);
	r->uploads_there = &d->uploads;
	r->upload_bytes = &d->bytes;
	r->queue = &d->queue;
	r->backlog = &d->backlog;
}

/* One TSA's message, and what it borrows from. */
struct anchor_row {
	struct anchor_status		s;
	Quorate__V1__AnchorStatus	m;
};

struct anchor_rows {
	struct anchor_row		row[TSAS_MAX];
	Quorate__V1__AnchorStatus	*p[TSAS_MAX];
	size_t				n;
};

static enum rc
fill_anchors(struct coordinator *c, struct reader *r, struct anchor_rows *all, struct err *err)
{
	const struct charter	*charter = coordinator_charter(c);
	struct anchor_row	*row;

	for (all->n = 0; c->anchors != NULL && all->n < charter->n_tsas; all->n++) {
		row = &all->row[all->n];
		TRY(anchors_status(c->anchors, r, charter, (uint32_t)all->n, &row->s, err));
		quorate__v1__anchor_status__init(&row->m);
		row->m.tsa = pb_text(charter->tsa[all->n].id);
		if (row->s.any) {
			row->m.index = row->s.last.index + 1;
			row->m.size = row->s.last.size;
			row->m.time = row->s.last.logged;
		}
		row->m.overdue = row->s.overdue;
		row->m.words = row->s.words;
		all->p[all->n] = &row->m;
	}
	return RC_OK;
}

enum rc
on_head(void *user, struct rpc_call *call, struct span request, struct buf *reply,
    struct err *err)
{
	struct coordinator		*c = user;
	AUTO(reader_give) struct reader	*reader = reader_take(c->readers);
	AUTO_DONE(buf_done) struct buf	 note = BUF_INIT(NOTE_BYTES_MAX);
	Quorate__V1__HeadReply		 r = QUORATE__V1__HEAD_REPLY__INIT;
	Quorate__V1__CustodianStatus	*p[CUSTODIANS_MAX];
	struct status_row		 row[CUSTODIANS_MAX];
	struct anchor_rows		 anchors;
	struct depths			 depths;
	struct err			 held;
	uint64_t			 size;
	uint8_t				 i;

	(void)call;
	(void)request;
	TRY(fill_anchors(c, reader, &anchors, err));
	TRY(cosigning_latest(c->cosigning, &note, &size, err));
	TRY(store_escrow_count(reader->store, &r.escrows, err));
	TRY(journal_pending_count(reader->store, PENDING_COUNT_MAX, &r.unheld, err));
	r.cosigned = pb_bytes(buf_view(&note));
	r.charter = pb_bytes(SPAN_OF(coordinator_charter(c)->digest));
	r.size = sequencer_size(c->sequencer);
	r.uploads = uploads_count(c->uploads, NULL);
	fill_depths(c, r.size, size, &depths, &r);
	if (sequencer_would_log(c->sequencer, &held) != RC_OK)
		r.held = held.msg;
	r.unready = replicators_unready(c->replicators);
	for (i = 0; i < c->first->n; i++) {
		fill_status(c, (uint8_t)(i + 1), &row[i]);
		if (r.unheld > 0)
			TRY(journal_pending_of(reader->store, (uint8_t)(i + 1), PENDING_COUNT_MAX, &row[i].m.unheld, err));
		p[i] = &row[i].m;
	}
	r.n_custodians = c->first->n;
	r.custodians = p;
	r.n_anchors = anchors.n;
	r.anchors = anchors.p;
	return pb_pack(&r.base, reply, err);
}

/* ---- entries --------------------------------------------------------------------- */

static enum rc
missing(struct rpc_call *call, struct err *err, enum rc rc, const char *what)
{
	if (rc == RC_MISSING) {
		rpc_say(call, "no such %s", what);
		return err_set(err, RC_MISSING, "no such %s", what);
	}
	return rc;
}

enum rc
on_entry(void *user, struct rpc_call *call, struct span request, struct buf *reply,
    struct err *err)
{
	struct coordinator		*c = user;
	AUTO(reader_give) struct reader	*reader = reader_take(c->readers);
	AUTO_DONE(buf_done) struct buf	 leaf = BUF_INIT(ENTRY_BYTES_MAX);
	AUTO_DONE(buf_done) struct buf	 proof = BUF_INIT(2 * NOTE_BYTES_MAX);
	Quorate__V1__EntryReply		 r = QUORATE__V1__ENTRY_REPLY__INIT;
	uint8_t				 id[SHA256_BYTES];
	struct verdict			 v;

	PB_UNPACK(entry_request, EntryRequest, q, request);
	r.index = q->index;
	if (q->id.len > 0) {
		TRY(pb_fixed(&q->id, "id", id, sizeof(id), err));
		TRY(missing(call, err, store_find_statement(reader->store, id,
		    &r.index, err), "statement in the log"));
	}
	TRY(missing(call, err, store_entry(reader->store, r.index, &leaf, err), "entry"));
	TRY(store_verdict(reader->store, r.index, &v, err));
	TRY(reader_proof(c, reader, r.index, &proof, err));
	r.leaf = pb_bytes(buf_view(&leaf));
	r.proof = pb_bytes(buf_view(&proof));
	r.effective = v.effective;
	if (!v.effective) {
		r.why = pb_text(void_reason_name((enum void_reason)v.why));
		r.words = pb_text(void_reason_text((enum void_reason)v.why));
	}
	r.type = pb_text(statement_type_name((enum statement_type)v.type));
	return pb_pack(&r.base, reply, err);
}

enum rc
on_entries(void *user, struct rpc_call *call, struct span request, struct buf *reply,
    struct err *err)
{
	struct coordinator		*c = user;
	AUTO(reader_give) struct reader	*reader = reader_take(c->readers);
	AUTO_DONE(buf_done) struct buf	 bytes = BUF_INIT(ENTRIES_BYTES_MAX + ENTRY_BYTES_MAX);
	Quorate__V1__EntriesReply	 r = QUORATE__V1__ENTRIES_REPLY__INIT;
	ProtobufCBinaryData		 leaf[ENTRIES_MAX];
	size_t				 at[ENTRIES_MAX + 1], i;
	uint32_t			 max;

	(void)call;
	PB_UNPACK(entries_request, EntriesRequest, q, request);
	max = q->max == 0 || q->max > ENTRIES_MAX ? ENTRIES_MAX : q->max;
	r.size = store_size(reader->store);
	for (i = 0; i < max && q->first < r.size - i && q->first + i < r.size &&
	    bytes.n < ENTRIES_BYTES_MAX; i++) {
		at[i] = bytes.n;
		TRY(store_entry(reader->store, q->first + i, &bytes, err));
	}
	at[i] = bytes.n;
	r.n_leaves = i;
	while (i-- > 0)
		leaf[i] = pb_bytes(SPAN(bytes.p + at[i], at[i + 1] - at[i]));
	r.leaves = leaf;
	return pb_pack(&r.base, reply, err);
}

enum rc
on_consistency(void *user, struct rpc_call *call, struct span request, struct buf *reply,
    struct err *err)
{
	struct coordinator		*c = user;
	AUTO(reader_give) struct reader	*reader = reader_take(c->readers);
	Quorate__V1__ConsistencyReply	 r = QUORATE__V1__CONSISTENCY_REPLY__INIT;
	ProtobufCBinaryData		 hash[TREE_PATH_MAX];
	struct tree_path		 path;
	size_t				 i;
	enum rc				 rc;

	PB_UNPACK(consistency_request, ConsistencyRequest, q, request);
	rc = store_consistency(reader->store, q->old, q->size, &path, err);
	if (rc == RC_USAGE || rc == RC_MISSING) {
		rpc_say(call, "the log has no sizes %llu and %llu in that order",
		    (unsigned long long)q->old, (unsigned long long)q->size);
		return RC_MISSING;
	}
	TRY(rc);
	for (i = 0; i < path.n; i++)
		hash[i] = pb_bytes(SPAN(path.hash[i], TREE_HASH_BYTES));
	r.n_path = path.n;
	r.path = hash;
	return pb_pack(&r.base, reply, err);
}

/* ---- blobs ------------------------------------------------------------------------- */

enum rc
on_blob(void *user, struct rpc_call *call, struct span request, struct buf *reply,
    struct err *err)
{
	struct coordinator		*c = user;
	AUTO(reader_give) struct reader	*reader = reader_take(c->readers);
	AUTO_DONE(buf_done) struct buf	 blob = BUF_INIT(ERASABLE_BYTES_MAX);
	Quorate__V1__BlobReply		 r = QUORATE__V1__BLOB_REPLY__INIT;
	uint8_t				 digest[SHA256_BYTES];
	size_t				 n;

	PB_UNPACK(blob_request, BlobRequest, q, request);
	TRY(pb_fixed(&q->sha256, "sha256", digest, sizeof(digest), err));
	TRY(missing(call, err, erasable_read(c, reader->store, digest, &blob, err), "blob"));
	r.size = blob.n;
	if (q->offset < blob.n) {
		n = blob.n - (size_t)q->offset;
		r.data = pb_bytes(SPAN(blob.p + q->offset, n < DATA_BYTES_MAX ? n : DATA_BYTES_MAX));
	}
	return pb_pack(&r.base, reply, err);
}

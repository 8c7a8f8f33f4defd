/*
 * coordinator/seal.c - take in a batch of sealed artifacts.
 *
 * The order of steps is the promise of invariant 6: the envelopes are durable
 * before the entry that names them, descriptors and share vectors with it, and
 * "sealed" is said only over a q-cosigned checkpoint and h held statements.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "audit/entry.h"
#include "coordinator/cosigning.h"
#include "coordinator/envelopes.h"
#include "coordinator/in_force.h"
#include "coordinator/journal.h"
#include "coordinator/logged.h"
#include "coordinator/readers.h"
#include "coordinator/seal.h"
#include "coordinator/submit.h"
#include "coordinator/uploads.h"
#include "evidence/batch.h"

PB_AUTO(upload_request, UploadRequest);
PB_AUTO(seal_request, SealRequest);

/* From "is there one of that root" to the entry, batches of one root go one by one, and others side by side. */
#define SEALING	8u
static pthread_mutex_t	sealing[SEALING] = {
	PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
	PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
};

/* A host is known by its certificate; eight bytes of its digest tell one from another. */
static uint64_t
owner_of(const struct rpc_call *call)
{
	const uint8_t	*pin = rpc_peer(call);
	uint64_t	 owner = 0;

	if (pin != NULL)
		memcpy(&owner, pin, sizeof(owner));
	return owner;
}

enum rc
on_upload(void *user, struct rpc_call *call, struct span request, struct buf *reply,
    struct err *err)
{
	struct coordinator		*c = user;
	Quorate__V1__UploadReply	 r = QUORATE__V1__UPLOAD_REPLY__INIT;
	uint8_t				 id[UPLOAD_ID_BYTES];
	char				 path[FILE_PATH_MAX];
	uint64_t			 size;
	struct err			 why;
	enum rc				 rc;

	PB_UNPACK(upload_request, UploadRequest, q, request);
	TRY(pb_fixed(&q->upload, "upload", id, sizeof(id), err));
	rc = uploads_write(c->uploads, id, owner_of(call), clock_now(), q->offset, pb_span(&q->data),
	    q->last, &r.received, &why);
	if (rc != RC_OK) {
		rpc_say(call, "%s", why.msg);	/* "No space left on device" */
		return err_set(err, rc, "%s", why.msg);
	}
	r.whole = q->last && uploads_path(c->uploads, id, path, &size, NULL) == RC_OK;
	return pb_pack(&r.base, reply, err);
}

/* ---- is the batch what its statement says --------------------------------------------- */

struct sealing {
	struct coordinator		*c;
	struct rpc_call			*call;
	const Quorate__V1__SealRequest	*q;
	const struct statement		*s;
	bool				 logged;	/* the envelopes of this root belong to an entry */
};

static enum rc
say(struct sealing *k, enum rc rc, struct err *err, const struct err *why)
{
	rpc_say(k->call, "%s", why->msg);
	return err_set(err, rc, "seal: %s", why->msg);
}

static enum rc
check_batch(struct sealing *k, struct err *err)
{
	const struct charter	*charter = coordinator_charter(k->c);
	uint8_t			 i;

	if (k->s->type != STATEMENT_BATCH)
		return err_set(err, RC_FORMAT, "the statement is a %s, not a batch",
		    statement_type_name(k->s->type));
	if (k->q->n_shares != charter->n)
		return err_set(err, RC_FORMAT, "%zu share vectors for %u custodians",
		    k->q->n_shares, charter->n);
	TRY(batch_check(k->s, charter, pb_span(&k->q->descriptors), err));
	for (i = 1; i <= charter->n; i++)
		TRY(batch_check_shares(k->s, i, pb_span(&k->q->shares[i - 1]), err));
	return RC_OK;
}

/* ---- the envelopes --------------------------------------------------------------------- */

/*
 * Are the envelopes of this root those of a batch that was logged? Batches of one root have the
 * same descriptors: the first one says. Whatever else has that name belongs to nothing.
 */
static enum rc
is_logged(struct sealing *k, const uint8_t first[ARTIFACT_ID_BYTES], bool *ret, struct err *err)
{
	AUTO(reader_give) struct reader *r = reader_take(k->c->readers);
	AUTO_DONE(logged_done) struct logged batch = LOGGED_INIT;
	const struct state	*st = store_state(r->store);
	struct escrow_at	 at;
	enum rc			 rc = st->escrow_find(st->user, first, &at, NULL, err);

	*ret = false;
	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	TRY(logged_read(r->store, at.batch, &batch, err));
	*ret = memcmp(batch.s.subject, k->s->subject, sizeof(k->s->subject)) == 0;
	return RC_OK;
}

static enum rc
first_id(void *user, uint32_t leaf, struct span bytes, struct err *err)
{
	struct descriptor	d;

	if (leaf > 0)
		return RC_OK;
	TRY(descriptor_parse_form(bytes, &d, err));
	memcpy(user, d.id, ARTIFACT_ID_BYTES);
	return RC_OK;
}

static enum rc
check_upload(struct sealing *k, const char *path, struct err *err)
{
	enum rc	rc = envelopes_check(path, pb_span(&k->q->descriptors), k->s->u.batch.count, err);

	return rc == RC_OK ? RC_OK : err_wrap(err, rc, "the upload");
}

/*
 * Into their place, under the lock. They may be there: moved by a call that was cut short before
 * the entry, whose upload is gone with it, and then they serve; or orphans of one, which give way to
 * what was uploaded anew; or the batch's that was logged with this root: they stay untouched,
 * and the entry becomes void.
 */
static enum rc
take_envelopes(struct sealing *k, struct err *err)
{
	const uint8_t	*root = k->s->subject;
	uint8_t		 upload[UPLOAD_ID_BYTES], first[ARTIFACT_ID_BYTES];
	char		 path[FILE_PATH_MAX], placed[FILE_PATH_MAX];
	uint64_t	 size;
	enum rc		 rc;

	TRY(descriptor_vector_each(pb_span(&k->q->descriptors), k->s->u.batch.count, first_id, first, err));
	TRY(is_logged(k, first, &k->logged, err));
	if (k->logged)
		return RC_OK;
	TRY(pb_fixed(&k->q->upload, "upload", upload, sizeof(upload), err));
	rc = uploads_path(k->c->uploads, upload, path, &size, err);
	if (rc == RC_MISSING && envelopes_size(k->c->dir, root) > 0) {
		TRY(envelopes_path(k->c->dir, root, placed, err));
		return check_upload(k, placed, err);
	}
	TRY(rc);
	TRY(check_upload(k, path, err));
	envelopes_drop(k->c->dir, root);
	TRY(envelopes_take(k->c->dir, root, path, err));
	uploads_forget(k->c->uploads, upload);
	return RC_OK;
}

/* ---- the entry --------------------------------------------------------------------------- */

static enum rc
log_batch(struct sealing *k, struct submission *sub, struct err *err)
{
	struct span	blob = pb_span(&k->q->descriptors), vector[CUSTODIANS_MAX];
	uint32_t	i;
	enum rc		rc;

	TRY(take_envelopes(k, err));
	TRY(envelopes_sync(k->c->dir, k->s->subject, err));	/* before the entry that names them */
	for (i = 0; i < k->c->first->n; i++)
		vector[i] = pb_span(&k->q->shares[i]);
	sub->dsse = pb_span(&k->q->statement);
	sub->blob = &blob;
	sub->n_blobs = 1;
	sub->vector = vector;
	rc = sequencer_submit(k->c->sequencer, sub, err);
	sub->blob = NULL;
	sub->vector = NULL;
	/* Void: what was moved for it belongs to nothing. */
	if (rc == RC_OK && !k->logged && sub->fate == FATE_LOGGED && !sub->verdict.effective)
		envelopes_drop(k->c->dir, k->s->subject);
	return rc;
}

static bool
logged_before(struct sealing *k, struct submission *sub)
{
	AUTO(reader_give) struct reader *r = reader_take(k->c->readers);

	if (store_find_statement(r->store, k->s->id, &sub->index, NULL) != RC_OK ||
	    store_verdict(r->store, sub->index, &sub->verdict, NULL) != RC_OK)
		return false;
	sub->fate = FATE_REPEATED;
	return true;
}

enum rc
backlog_check(uint64_t size, uint64_t cosigned, struct err *err)
{
	if (size < cosigned || size - cosigned < SEAL_BACKLOG_MAX)
		return RC_OK;
	return err_set(err, RC_LIMIT, "%llu entries wait for a quorum of custodians, and no batch is taken in before they are "
	    "cosigned: see `quorate status`, bring custodians back, then seal again", (unsigned long long)(size - cosigned));
}

/* Would a batch be logged now, and could it be sealed soon? Asked before anything of it is moved. */
static enum rc
may_take(struct sealing *k, struct err *err)
{
	uint64_t	cosigned;

	/* As long as it is held, too. */
	TRY(sequencer_would_log(k->c->sequencer, err));
	TRY(cosigning_latest(k->c->cosigning, NULL, &cosigned, err));
	return backlog_check(sequencer_size(k->c->sequencer), cosigned, err);
}

static enum rc
seal(struct sealing *k, struct submission *sub, struct err *err)
{
	pthread_mutex_t	*turn;
	struct err	 why = { RC_OK, "" };
	enum rc		 rc;

	/* Asked again: the envelopes are in their place, the answer is in the log. */
	if (logged_before(k, sub))
		return RC_OK;
	/* Before anything is moved: it is signed again, and nothing is sent twice. */
	if (memcmp(k->s->charter, coordinator_charter(k->c)->digest, SHA256_BYTES) != 0) {
		sub->why = VOID_CHARTER;
		return RC_OK;
	}
	rc = may_take(k, &why);
	if (rc == RC_OK)
		rc = check_batch(k, &why);
	if (rc != RC_OK)
		return say(k, rc, err, &why);
	turn = &sealing[k->s->subject[0] % SEALING];
	(void)pthread_mutex_lock(turn);
	rc = log_batch(k, sub, &why);
	(void)pthread_mutex_unlock(turn);
	if (rc != RC_OK)
		return say(k, rc, err, &why);
	log_line("entry %llu: batch of %u: %s", (unsigned long long)sub->index,
	    k->s->u.batch.count, sub->verdict.effective ? "effective" :
	    void_reason_name((enum void_reason)sub->verdict.why));
	return RC_OK;
}

/* ---- the receipt ----------------------------------------------------------------------------- */

void
held_done(struct held_list *h)
{
	size_t	i;

	for (i = 0; i < h->n; i++)
		buf_done(&h->dsse[i]);
	h->n = 0;
}

enum rc
held_read(struct coordinator *c, struct store *s, uint64_t batch, struct held_list *ret,
    struct err *err)
{
	uint8_t	i;
	enum rc	rc;

	ret->n = 0;
	for (i = 1; i <= c->first->n; i++) {
		ret->dsse[ret->n] = BUF_INIT(DSSE_BYTES_MAX);
		rc = journal_held(s, batch, i, &ret->dsse[ret->n], err);
		if (rc == RC_OK)
			ret->n++;
		else if (rc != RC_MISSING)
			return rc;
	}
	return RC_OK;
}

/* One look at the log for all of them. */
static unsigned
held_now(const struct coordinator *c, struct store *s, uint64_t batch)
{
	unsigned	held = 0;

	if (store_begin(s, NULL) != RC_OK)
		return 0;
	held = journal_held_count(s, batch, c->first->n);
	store_rollback(s);
	return held;
}

/* Until h custodians hold the shares, or the time is over. */
static void
wait_held(struct coordinator *c, uint64_t batch, uint64_t until)
{
	uint64_t	seen = 0;

	while (clock_ms() < until && !cosigning_woken(c->cosigning)) {
		struct reader	*r = reader_take(c->readers);
		unsigned	 held = held_now(c, r->store, batch);

		reader_give(r);
		if (held >= c->first->h)
			return;
		seen = cosigning_await(c->cosigning, seen, (unsigned)(until - clock_ms()));
	}
}

static enum rc
write_receipt(struct coordinator *c, uint64_t index, Quorate__V1__SealReply *r,
    struct buf *reply, struct err *err)
{
	AUTO(reader_give) struct reader *reader = reader_take(c->readers);
	AUTO_DONE(buf_done) struct buf leaf = BUF_INIT(ENTRY_BYTES_MAX);
	AUTO_DONE(buf_done) struct buf proof = BUF_INIT(2 * NOTE_BYTES_MAX);
	AUTO_DONE(held_done) struct held_list held = { .n = 0 };
	ProtobufCBinaryData	list[CUSTODIANS_MAX];
	size_t			i;

	TRY(store_entry(reader->store, index, &leaf, err));
	TRY(reader_proof(c, reader, index, &proof, err));
	TRY(held_read(c, reader->store, index, &held, err));
	for (i = 0; i < held.n; i++)
		list[i] = pb_bytes(buf_view(&held.dsse[i]));
	r->leaf = pb_bytes(buf_view(&leaf));
	r->proof = pb_bytes(buf_view(&proof));
	r->held = list;
	r->n_held = held.n;
	r->sealed = proof.n > 0 && held.n >= c->first->h;
	return pb_pack(&r->base, reply, err);
}

static enum rc
answer_seal(struct sealing *k, const struct submission *sub, struct buf *reply, struct err *err)
{
	Quorate__V1__SealReply		r = QUORATE__V1__SEAL_REPLY__INIT;
	Quorate__V1__SubmitReply	entry = QUORATE__V1__SUBMIT_REPLY__INIT;
	unsigned			ms = wait_ms(k->call);
	uint64_t			until = clock_ms() + ms;

	submit_reply_fill(k->c, sub, ms, &entry);
	r.entry = &entry;
	if (!entry.effective)
		return pb_pack(&r.base, reply, err);
	wait_held(k->c, sub->index, until);
	return write_receipt(k->c, sub->index, &r, reply, err);
}

enum rc
on_seal(void *user, struct rpc_call *call, struct span request, struct buf *reply,
    struct err *err)
{
	struct coordinator	*c = user;
	struct submission	 sub = { .why = VOID_NONE };
	struct admission	 a;
	struct sealing		*k;
	enum rc			 rc;

	PB_UNPACK(seal_request, SealRequest, q, request);
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return err_set(err, RC_NOMEM, "seal: no memory");
	*k = (struct sealing){ .c = c, .call = call, .q = q, .s = &a.s };
	rc = admit(coordinator_charter(c), pb_span(&q->statement), &a, &sub.why, err);
	if (rc == RC_OK)
		rc = seal(k, &sub, err);
	else if (rc == RC_FORMAT || rc == RC_VERIFY)
		rc = RC_OK;	/* an answer: refused before it was logged, and why */
	if (rc == RC_OK)
		rc = answer_seal(k, &sub, reply, err);
	admission_done(&a);
	free(k);
	return rc;
}

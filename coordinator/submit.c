/* coordinator/submit.c - a statement into the log, and what its sender is told. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "coordinator/in_force.h"
#include "coordinator/readers.h"
#include "coordinator/replicator.h"
#include "coordinator/submit.h"
#include "coordinator/uploads.h"
#include "audit/entry.h"
#include "evidence/opening.h"
#include "policy/apply.h"

#define OWN_TRIES		3	/* amendments that may come in force meanwhile */
#define SUBMIT_BLOBS_MAX	8	/* fixed and erasable ones of one statement */

PB_AUTO(submit_request, SubmitRequest);

unsigned
wait_ms(const struct rpc_call *call)
{
	unsigned	left = rpc_ms_left(call);

	left = left > WAIT_MS_SPARE ? left - WAIT_MS_SPARE : 0;
	return left > WAIT_MS_MAX ? WAIT_MS_MAX : left;
}

void
submit_reply_fill(struct coordinator *c, const struct submission *sub, unsigned ms,
    Quorate__V1__SubmitReply *r)
{
	enum void_reason	why;
	uint32_t		have = 0;

	r->logged = sub->fate == FATE_LOGGED || sub->fate == FATE_REPEATED;
	r->repeated = sub->fate == FATE_REPEATED;
	why = r->logged ? (enum void_reason)sub->verdict.why : sub->why;
	r->effective = r->logged && sub->verdict.effective;
	if (why != VOID_NONE) {
		r->why = pb_text(void_reason_name(why));
		r->words = pb_text(void_reason_text(why));
	}
	r->need = c->first->q;
	if (!r->logged)
		return;
	r->index = sub->index;
	r->id = pb_bytes(SPAN_OF(sub->verdict.id));
	r->cosigned = replicators_wait(c->replicators, sub->index + 1, ms, &have, NULL) == RC_OK;
	r->have = have;
}

/* ---- blobs ----------------------------------------------------------------------- */

static enum rc
blob_path(const struct coordinator *c, const uint8_t digest[SHA256_BYTES],
    char path[FILE_PATH_MAX], struct err *err)
{
	char	hex[HEX_BYTES(SHA256_BYTES)];

	(void)hex_write(SPAN(digest, SHA256_BYTES), hex);
	return file_path(path, err, "%s/blobs/%s", c->dir, hex);
}

enum rc
erasable_read(struct coordinator *c, struct store *store,
    const uint8_t digest[SHA256_BYTES], struct buf *ret, struct err *err)
{
	char	path[FILE_PATH_MAX];
	enum rc	rc = store_blob(store, digest, ret, err);

	if (rc != RC_MISSING)
		return rc;
	TRY(blob_path(c, digest, path, err));
	return file_read(path, ret, err);
}

/* What the statement names, and which of it is here by now. */
struct named {
	uint8_t	digest[SUBMIT_BLOBS_MAX][SHA256_BYTES];
	size_t	n, n_fixed;
	bool	here[SUBMIT_BLOBS_MAX];
};

static enum rc
collect_names(const struct statement *s, struct span dsse, struct named *n, struct err *err)
{
	AUTO_DONE(buf_done) struct buf leaf = BUF_INIT(ENTRY_BYTES_MAX);
	uint8_t	fixed[2][SHA256_BYTES], erasable[ERASABLES_MAX][SHA256_BYTES];
	size_t	n_erasable;

	memset(n, 0, sizeof(*n));
	entry_write(0, dsse, &leaf);
	TRY(buf_check(&leaf, "statement", err));
	TRY(entry_blobs(buf_view(&leaf), fixed, &n->n_fixed, err));
	memcpy(n->digest, fixed, n->n_fixed * SHA256_BYTES);
	n_erasable = statement_erasables(s, erasable);
	memcpy(n->digest + n->n_fixed, erasable, n_erasable * SHA256_BYTES);
	n->n = n->n_fixed + n_erasable;
	return RC_OK;
}

static bool
tick(struct named *n, const uint8_t digest[SHA256_BYTES])
{
	bool	any = false;
	size_t	i;

	for (i = 0; i < n->n; i++)
		if (memcmp(n->digest[i], digest, SHA256_BYTES) == 0)
			n->here[i] = any = true;
	return any;
}

static enum rc
tick_given(struct rpc_call *call, const Quorate__V1__SubmitRequest *q, struct named *n,
    struct err *err)
{
	uint8_t	digest[SHA256_BYTES];
	size_t	i;

	for (i = 0; i < q->n_blobs; i++) {
		sha256_one(digest, pb_span(&q->blobs[i]));
		if (!tick(n, digest)) {
			rpc_say(call, "blob %zu is not named by the statement", i + 1);
			return err_set(err, RC_FORMAT, "a blob that the statement does not name");
		}
	}
	return RC_OK;
}

/* A finished upload that the statement names becomes a file of its own, for good. */
static enum rc
keep_upload(struct coordinator *c, struct rpc_call *call, const ProtobufCBinaryData *upload,
    struct named *n, struct err *err)
{
	uint8_t		id[UPLOAD_ID_BYTES], digest[SHA256_BYTES];
	char		from[FILE_PATH_MAX], to[FILE_PATH_MAX], dir[FILE_PATH_MAX];
	uint64_t	size;

	TRY(pb_fixed(upload, "upload", id, sizeof(id), err));
	TRY(uploads_path(c->uploads, id, from, &size, err));
	if (size > ERASABLE_BYTES_MAX) {
		rpc_say(call, "an attachment may have at most %u MiB", ERASABLE_BYTES_MAX >> 20);
		return err_set(err, RC_LIMIT, "attachment of %llu bytes", (unsigned long long)size);
	}
	TRY(uploads_digest(from, digest, err));
	if (!tick(n, digest)) {
		rpc_say(call, "an upload is not named by the statement");
		return err_set(err, RC_FORMAT, "an upload that the statement does not name");
	}
	TRY(file_path(dir, err, "%s/blobs", c->dir));
	TRY(file_mkdir(dir, err));
	TRY(blob_path(c, digest, to, err));
	if (!file_exists(to) && rename(from, to) != 0)
		return err_set(err, RC_IO, "attachment: cannot be moved into place");
	TRY(file_sync_dir(dir, err));
	uploads_forget(c->uploads, id);
	return RC_OK;
}

static bool
is_asking(const struct statement *s)
{
	return s->type == STATEMENT_REQUEST || s->type == STATEMENT_AMENDMENT;
}

/* A request without its attachments could not be judged, nor an amendment without its reason: they come first. */
static enum rc
check_all_here(struct coordinator *c, struct rpc_call *call, const struct statement *s,
    const struct named *n, struct err *err)
{
	AUTO(reader_give) struct reader *r = reader_take(c->readers);
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(ERASABLE_BYTES_MAX);
	char	hex[HEX_BYTES(SHA256_BYTES)];
	size_t	i;

	for (i = 0; i < n->n; i++) {
		/* A "no" is logged even when its reason got lost on the way. */
		if (n->here[i] || (!is_asking(s) && i >= n->n_fixed))
			continue;
		buf_reset(&b);
		if (erasable_read(c, r->store, n->digest[i], &b, NULL) == RC_OK)
			continue;
		(void)hex_write(SPAN_OF(n->digest[i]), hex);
		rpc_say(call, "the blob %s, which the statement names, did not come with it", hex);
		return err_set(err, RC_MISSING, "blob %s did not come", hex);
	}
	return RC_OK;
}

static enum rc
take_blobs(struct coordinator *c, struct rpc_call *call, const Quorate__V1__SubmitRequest *q,
    const struct admission *a, struct err *err)
{
	struct named	n;
	size_t		i;

	TRY(collect_names(&a->s, pb_span(&q->statement), &n, err));
	TRY(tick_given(call, q, &n, err));
	for (i = 0; i < q->n_uploads && i < SUBMIT_BLOBS_MAX; i++)
		TRY(keep_upload(c, call, &q->uploads[i], &n, err));
	return check_all_here(c, call, &a->s, &n, err);
}

/*
 * Apply does not look at a note's signature, lest replicas part over an X.509 library, and
 * whatever it says would be shown as the recipient's word until somebody audits.
 */
static enum rc
check_note(struct coordinator *c, struct rpc_call *call, const Quorate__V1__SubmitRequest *q,
    const uint8_t digest[SHA256_BYTES], struct err *err)
{
	AUTO_DONE(buf_done) struct buf note = BUF_INIT(OPENING_BYTES_MAX);
	AUTO_DONE(opening_done) struct opening said = { .part = NULL };
	uint8_t	of[SHA256_BYTES];
	size_t	i;
	enum rc	rc;

	for (i = 0; i < q->n_blobs; i++) {
		sha256_one(of, pb_span(&q->blobs[i]));
		if (note.n == 0 && memcmp(of, digest, SHA256_BYTES) == 0)
			buf_span(&note, pb_span(&q->blobs[i]));
	}
	/* It came before: two people may log the same note. */
	if (note.n == 0 && note.rc == RC_OK) {
		AUTO(reader_give) struct reader *r = reader_take(c->readers);

		TRY(store_blob(r->store, digest, &note, err));
	}
	rc = note.rc != RC_OK ? buf_check(&note, "opening note", err) : opening_verify_own(buf_view(&note), &said, of, err);
	if (rc == RC_FORMAT || rc == RC_VERIFY || rc == RC_LIMIT)
		rpc_say(call, "the opening note is not signed by the key of the certificate in it, or is none: it is not "
		    "logged; give it as `quorate open` wrote it");
	return rc;
}

/* ---- the call ------------------------------------------------------------------- */

static enum rc
submit(struct coordinator *c, struct rpc_call *call, const Quorate__V1__SubmitRequest *q,
    struct submission *sub, struct err *err)
{
	struct span		blob[SUBMIT_BLOBS_MAX];
	struct admission	a;
	enum rc			rc;
	size_t			i;

	if (q->n_blobs > SUBMIT_BLOBS_MAX) {
		rpc_say(call, "at most %d blobs go with a statement", SUBMIT_BLOBS_MAX);
		return err_set(err, RC_LIMIT, "%zu blobs", q->n_blobs);
	}
	/* A stranger's blobs are not kept: who signed it is checked first. */
	rc = admit(coordinator_charter(c), pb_span(&q->statement), &a, &sub->why, err);
	if (rc == RC_OK && a.s.type == STATEMENT_BATCH) {
		rpc_say(call, "a batch comes with its envelopes and shares, by Seal");
		rc = err_set(err, RC_FORMAT, "a batch by Submit");
	} else if (rc == RC_OK && a.s.type == STATEMENT_SUCCESSION) {
		rpc_say(call, "a succession is the first entry of the new coordinator: coordinatord rebuild");
		rc = err_set(err, RC_FORMAT, "a succession by Submit");
	} else if (rc == RC_OK) {
		rc = take_blobs(c, call, q, &a, err);
		if (rc == RC_OK && a.s.type == STATEMENT_ACKNOWLEDGEMENT)
			rc = check_note(c, call, q, a.s.u.acknowledgement.opening, err);
	}
	admission_done(&a);
	if (sub->why != VOID_NONE && (rc == RC_FORMAT || rc == RC_VERIFY))
		return RC_OK;	/* an answer: it was not logged, and why */
	TRY(rc);
	for (i = 0; i < q->n_blobs; i++)
		blob[i] = pb_span(&q->blobs[i]);
	sub->dsse = pb_span(&q->statement);
	sub->blob = blob;
	sub->n_blobs = q->n_blobs;
	rc = sequencer_submit(c->sequencer, sub, err);
	sub->blob = NULL;
	return rc;
}

static void
log_submission(const struct submission *sub)
{
	char	hex[HEX_BYTES(SHA256_BYTES)];

	if (sub->fate == FATE_REFUSED)
		log_line("a statement was refused: %s", void_reason_name(sub->why));
	else if (sub->fate == FATE_LOGGED)
		log_line("entry %llu: %s %.16s: %s", (unsigned long long)sub->index,
		    statement_type_name(sub->verdict.type),
		    hex_write(SPAN_OF(sub->verdict.id), hex),
		    sub->verdict.effective ? "effective" :
		    void_reason_name((enum void_reason)sub->verdict.why));
}

enum rc
on_submit(void *user, struct rpc_call *call, struct span request, struct buf *reply,
    struct err *err)
{
	struct coordinator		*c = user;
	Quorate__V1__SubmitReply	 r = QUORATE__V1__SUBMIT_REPLY__INIT;
	struct submission		 sub = { .why = VOID_NONE };

	enum rc				 rc;

	PB_UNPACK(submit_request, SubmitRequest, q, request);
	rc = submit(c, call, q, &sub, err);
	if (rc == RC_IO && err != NULL)
		rpc_say(call, "the coordinator could not store it: %.180s", err->msg);
	if ((rc == RC_LIMIT || rc == RC_UNSURE) && sub.dsse.n > 0 && err != NULL)
		rpc_say(call, "%.200s", err->msg);	/* the log's bounds, a full queue, or a clock that is ahead */
	TRY(rc);
	log_submission(&sub);
	submit_reply_fill(c, &sub, wait_ms(call), &r);
	return pb_pack(&r.base, reply, err);
}

/* ---- our own -------------------------------------------------------------------- */

enum rc
own_statement(struct coordinator *c, enum statement_type type, uint64_t life,
    struct statement *ret, struct err *err)
{
	AUTO(reader_give) struct reader *r = reader_take(c->readers);
	uint64_t	size = store_size(r->store);
	uint8_t		root[SHA256_BYTES];
	when		now = clock_now(), t;

	TRY(store_root_at(r->store, size, root, err));
	TRY(replica_time(r->replica, &t, err));
	/* Log time never goes back: what is issued now is not issued before it. */
	statement_init(ret, type, c->genesis, coordinator_charter(c)->digest, size, root,
	    now > t ? now : t, life);
	return RC_OK;
}

enum rc
submit_own(struct coordinator *c, struct statement *s, const struct span *blob,
    size_t n_blobs, struct submission *sub, struct err *err)
{
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX);
	unsigned	tries = 0;
	enum rc		rc;

	sub->blob = blob;
	sub->n_blobs = n_blobs;
	do {
		if (tries > 0)
			memcpy(s->charter, coordinator_charter(c)->digest, sizeof(s->charter));
		buf_reset(&dsse);
		TRY(statement_sign(s, &c->log, &dsse, err));
		sub->dsse = buf_view(&dsse);
		rc = sequencer_submit(c->sequencer, sub, err);
		sub->dsse = SPAN(NULL, 0);
		TRY(rc);
	} while (sub->fate == FATE_REFUSED && sub->why == VOID_CHARTER && ++tries < OWN_TRIES);
	log_submission(sub);
	if (sub->fate == FATE_REFUSED)
		return err_set(err, RC_BUG, "our own statement was refused: %s",
		    void_reason_name(sub->why));
	return RC_OK;
}

/*
 * custodian/append.c - take entries, replay them, keep the shares, then cosign.
 *
 * The order is the promise: everything is in one durable transaction, the size
 * that is about to be cosigned included, before a signature exists. What is
 * cosigned is therefore never forgotten, and no second root of a size is.
 */
#include <stdlib.h>
#include <string.h>

#include "audit/entry.h"
#include "base/wire.h"
#include "custodian/custody.h"
#include "evidence/batch.h"
#include "proto/quorate.pb-c.h"

#define HELD_LIFE		(3650 * UINT64_C(86400))
#define REPLY_RECEIPTS_MAX	16
#define REPLY_MISSING_MAX	64

DEFINE_AUTO(statement_done, struct statement);
DEFINE_AUTO(dsse_done, struct dsse);

typedef Quorate__V1__AppendRequest	append_request;
typedef Quorate__V1__AppendReply	append_reply;

static inline void
auto_request_free(append_request **r)
{
	if (*r != NULL)
		quorate__v1__append_request__free_unpacked(*r, NULL);
}

struct appending {
	struct custody		*c;
	const append_request	*q;
	when			 now;
	uint64_t		 size;		/* entries here, with those of this call */
	bool			 waits;		/* an entry is dated in our future */
	bool			 cosign;	/* the checkpoint was checked and recorded */
	struct checkpoint	 checkpoint;
	struct buf		 line;
};

static struct span
span_of(const ProtobufCBinaryData *d)
{
	return SPAN(d->data, d->len);
}

/* Only blobs that an entry of this call names are kept: no other way in. */
static enum rc
put_blobs(struct appending *a, struct span leaf, struct err *err)
{
	uint8_t	want[2][SHA256_BYTES], have[SHA256_BYTES];
	size_t	n, i, b;

	if (entry_blobs(leaf, want, &n, err) != RC_OK)
		return RC_OK;	/* malformed: apply gives the verdict */
	for (b = 0; b < a->q->n_blobs; b++) {
		sha256_one(have, span_of(&a->q->blobs[b]));
		for (i = 0; i < n; i++)
			if (memcmp(have, want[i], sizeof(have)) == 0)
				TRY(store_blob_put(a->c->store, span_of(&a->q->blobs[b]), have, err));
	}
	return RC_OK;
}

static enum rc
forget_own_receipt(struct custody *c, const struct verdict *v, struct err *err)
{
	if (v->type != STATEMENT_RECEIPT)
		return RC_OK;
	return store_journal_del(c->store, JOURNAL_RECEIPT, SPAN_OF(v->id), err);
}

static enum rc
take_entry(struct appending *a, struct span leaf, struct err *err)
{
	struct custody	*c = a->c;
	struct entry	 entry;
	struct verdict	 v;
	uint64_t	 index = a->size;
	enum rc		 rc;

	TRY(entry_parse(leaf, &entry, err));
	if (entry.time > a->now + CLOCK_AHEAD_MAX) {
		a->waits = true;
		return RC_OK;
	}
	TRY(put_blobs(a, leaf, err));
	rc = replica_apply(c->replica, index, leaf, &v, err);
	if (rc == RC_MISSING)
		return custody_say(c, err, RC_MISSING, "entry %llu names a blob that did not come with it",
		    (unsigned long long)index);
	if (rc == RC_VERIFY)
		return custody_say(c, err, rc, "entry %llu is not the charter this custodian was enrolled under",
		    (unsigned long long)index);
	TRY(rc);
	TRY(store_append(c->store, leaf, err));
	TRY(store_verdict_put(c->store, index, &v, err));
	a->size++;
	return forget_own_receipt(c, &v, err);
}

/* An entry that is here already must be the same one. */
static enum rc
same_entry(struct appending *a, uint64_t index, struct span leaf, struct err *err)
{
	AUTO_DONE(buf_done) struct buf have = BUF_INIT(ENTRY_BYTES_MAX);

	TRY(store_entry(a->c->store, index, &have, err));
	if (!span_eq(buf_view(&have), leaf))
		return custody_say(a->c, err, RC_VERIFY, "entry %llu is not the one this custodian has: "
		    "two pasts were shown", (unsigned long long)index);
	return RC_OK;
}

static enum rc
take_entries(struct appending *a, struct err *err)
{
	size_t		i;
	uint64_t	index;

	for (i = 0; i < a->q->n_entries && !a->waits; i++) {
		index = a->q->first + i;
		if (index < a->size)
			TRY(same_entry(a, index, span_of(&a->q->entries[i]), err));
		else
			TRY(take_entry(a, span_of(&a->q->entries[i]), err));
	}
	return RC_OK;
}

static enum rc
batch_of(struct custody *c, uint64_t index, struct dsse *d, struct statement *s, struct err *err)
{
	AUTO_DONE(buf_done) struct buf leaf = BUF_INIT(ENTRY_BYTES_MAX);
	struct batch_view	view;
	struct entry		e;

	TRY(replica_batch(c->replica, index, &view, err));	/* effective, or RC_MISSING */
	TRY(store_entry(c->store, index, &leaf, err));
	TRY(entry_parse(buf_view(&leaf), &e, err));
	TRY(dsse_parse(e.dsse, d, err));
	return statement_parse(d, s, err);
}

static enum rc
take_shares(struct appending *a, const Quorate__V1__ShareVector *v, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse d;
	AUTO_DONE(statement_done) struct statement s;
	bool	has;

	memset(&d, 0, sizeof(d));
	memset(&s, 0, sizeof(s));
	TRY(store_shares_has(a->c->store, v->batch, &has, err));
	if (has)
		return RC_OK;
	TRY(batch_of(a->c, v->batch, &d, &s, err));
	TRY(batch_check_shares(&s, a->c->index, span_of(&v->vector), err));
	return store_shares_put(a->c->store, v->batch, span_of(&v->vector), err);
}

static enum rc
take_all_shares(struct appending *a, struct err *err)
{
	const struct charter	*charter;
	size_t			 i;
	enum rc			 rc;

	if (a->q->n_shares == 0)
		return RC_OK;
	TRY(custody_charter(a->c, &charter, err));
	for (i = 0; i < a->q->n_shares; i++) {
		if (a->q->shares[i]->batch >= a->size)
			continue;	/* its entry waits */
		rc = take_shares(a, a->q->shares[i], err);
		if (rc == RC_VERIFY || rc == RC_FORMAT || rc == RC_MISSING)
			log_err(err, "shares of batch %llu refused",
			    (unsigned long long)a->q->shares[i]->batch);
		else
			TRY(rc);
	}
	return RC_OK;
}

/* --- the checkpoint ---------------------------------------------------------- */

static enum rc
signed_before(struct custody *c, uint64_t *ret_size, uint8_t ret_root[SHA256_BYTES], struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(64);
	struct rd	r;
	enum rc		rc = store_get(c->store, CUSTODY_SIGNED, &v, err);

	*ret_size = 0;
	memset(ret_root, 0, SHA256_BYTES);
	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	r = rd_init(buf_view(&v));
	if (!rd_u64(&r, ret_size) || !rd_bytes(&r, ret_root, SHA256_BYTES) || !rd_done(&r))
		return err_set(err, RC_BUG, "the record of what was cosigned is damaged");
	return RC_OK;
}

static enum rc
check_root(struct custody *c, const struct checkpoint *cp, struct err *err)
{
	uint8_t	root[SHA256_BYTES];

	TRY(store_root_at(c->store, cp->size, root, err));
	if (memcmp(root, cp->root, sizeof(root)) != 0)	/* public */
		return custody_say(c, err, RC_VERIFY, "checkpoint %llu is not of the log this custodian replayed",
		    (unsigned long long)cp->size);
	return RC_OK;
}

/* Decide to cosign, and make the decision part of the transaction. */
static enum rc
record_checkpoint(struct appending *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(64);
	const struct charter	*charter;
	uint64_t		 old;
	uint8_t			 root[SHA256_BYTES];

	if (a->q->checkpoint.len == 0 || a->waits)
		return RC_OK;
	TRY(custody_charter(a->c, &charter, err));
	TRY(charter_checkpoint_verify(charter, span_of(&a->q->checkpoint), false, &a->checkpoint, NULL, err));
	if (a->checkpoint.size > a->size)
		return RC_OK;		/* we are behind; the reply says where */
	TRY(check_root(a->c, &a->checkpoint, err));
	TRY(signed_before(a->c, &old, root, err));
	if (a->checkpoint.size < old)
		return RC_OK;		/* never a smaller tree */
	if (a->checkpoint.size == old && memcmp(root, a->checkpoint.root, sizeof(root)) != 0)
		return custody_say(a->c, err, RC_BUG, "asked to cosign a second root of size %llu",
		    (unsigned long long)old);
	buf_u64(&v, a->checkpoint.size);
	buf_add(&v, a->checkpoint.root, SHA256_BYTES);
	buf_span(&v, SPAN(NULL, 0));
	TRY(buf_check(&v, "checkpoint", err));
	TRY(store_put(a->c->store, CUSTODY_SIGNED, buf_view(&v), err));
	a->cosign = true;
	return RC_OK;
}

/* A q-cosigned note moves the mark below which orders may be carried out. */
static enum rc
record_cosigned(struct appending *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(NOTE_BYTES_MAX + 8);
	const struct charter	*charter;
	struct checkpoint	 cp;
	uint64_t		 old;
	enum rc			 rc;

	if (a->q->cosigned.len == 0 || replica_charter(a->c->replica) == NULL)
		return RC_OK;
	TRY(custody_charter(a->c, &charter, err));
	rc = charter_checkpoint_verify(charter, span_of(&a->q->cosigned), true, &cp, NULL, err);
	if (rc != RC_OK)
		return custody_say(a->c, err, rc, "the cosigned checkpoint is refused: %s", err->msg);
	if (cp.size > a->size)
		return RC_OK;
	rc = check_root(a->c, &cp, err);
	if (rc == RC_VERIFY) {
		log_line("ALARM: a quorum cosigned another log of size %llu; no contribution from here on",
		    (unsigned long long)cp.size);
		TRY(store_put(a->c->store, CUSTODY_FROZEN, span_of(&a->q->cosigned), err));
		return RC_OK;		/* the freeze must be committed; the reply shows no progress */
	}
	TRY(rc);
	TRY(custody_cosigned_size(a->c, &old, err));
	if (cp.size <= old)
		return RC_OK;
	buf_u64(&v, cp.size);
	buf_span(&v, span_of(&a->q->cosigned));
	TRY(buf_check(&v, "cosigned checkpoint", err));
	return store_put(a->c->store, CUSTODY_COSIGNED, buf_view(&v), err);
}

enum rc
custody_cosigned_size(struct custody *c, uint64_t *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(NOTE_BYTES_MAX + 8);
	struct rd	r;
	enum rc		rc = store_get(c->store, CUSTODY_COSIGNED, &v, err);

	*ret = 0;
	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	r = rd_init(buf_view(&v));
	if (!rd_u64(&r, ret))
		return err_set(err, RC_BUG, "the record of the cosigned checkpoint is damaged");
	return RC_OK;
}

static enum rc
cosign(struct appending *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(1024), message = BUF_INIT(2048);
	const struct charter	*charter;
	struct note_key		 key;
	uint8_t			 sig[NOTE_SIG_BYTES];

	TRY(custody_charter(a->c, &charter, err));
	TRY(charter_witness_note_key(charter, a->c->index, &key, err));
	checkpoint_text(&a->checkpoint, &text);
	cosignature_message(buf_view(&text), a->now, &message);
	TRY(buf_check(&message, "cosignature", err));
	TRY(hsm_signer_sign(a->c->signer, buf_view(&message), sig, err));
	note_sig_line(&key, a->now, sig, &a->line);
	return buf_check(&a->line, "cosignature", err);
}

/* --- held statements ----------------------------------------------------------- */

static enum rc
make_held(struct custody *c, uint64_t batch, when now, struct buf *ret, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse d;
	AUTO_DONE(statement_done) struct statement s, held;
	uint8_t	key[8], i;

	memset(&d, 0, sizeof(d));
	memset(&s, 0, sizeof(s));
	memset(&held, 0, sizeof(held));
	TRY(batch_of(c, batch, &d, &s, err));
	TRY(custody_statement(c, STATEMENT_HELD, now, HELD_LIFE, &held, err));
	memcpy(held.subject, s.id, SHA256_BYTES);
	held.u.held.custodian = c->index;
	memcpy(held.u.held.shares, s.u.batch.custodian[c->index - 1].shares, SHA256_BYTES);
	TRY(custody_sign(c, &held, ret, err));
	for (i = 0; i < 8; i++)
		key[i] = (uint8_t)(batch >> (56 - 8 * i));
	return store_journal_put(c->store, JOURNAL_HELD, SPAN_OF(key), buf_view(ret), err);
}

static enum rc
held_of(struct custody *c, uint64_t batch, when now, struct buf *ret, struct err *err)
{
	uint8_t	key[8], i;
	enum rc	rc;
	bool	has;

	TRY(store_shares_has(c->store, batch, &has, err));
	if (!has)
		return RC_MISSING;
	for (i = 0; i < 8; i++)
		key[i] = (uint8_t)(batch >> (56 - 8 * i));
	rc = store_journal_get(c->store, JOURNAL_HELD, SPAN_OF(key), ret, err);
	return rc == RC_MISSING ? make_held(c, batch, now, ret, err) : rc;
}

/* --- the reply ------------------------------------------------------------------ */

struct reply_lists {
	ProtobufCBinaryData	*held, receipts[REPLY_RECEIPTS_MAX];
	size_t			 n_held, n_receipts;
	uint64_t		 missing[REPLY_MISSING_MAX];
	size_t			 n_missing;
};

static void
reply_lists_done(struct reply_lists *l)
{
	size_t	i;

	for (i = 0; i < l->n_held; i++)
		free(l->held[i].data);
	free(l->held);
	for (i = 0; i < l->n_receipts; i++)
		free(l->receipts[i].data);
}

static enum rc
keep(ProtobufCBinaryData *out, struct span s, struct err *err)
{
	if ((out->data = malloc(s.n == 0 ? 1 : s.n)) == NULL)
		return err_set(err, RC_NOMEM, "reply: no memory");
	memcpy(out->data, s.p, s.n);
	out->len = s.n;
	return RC_OK;
}

static enum rc
on_receipt(void *user, struct span key, struct span value, struct err *err)
{
	struct reply_lists	*l = user;

	(void)key;
	TRY(keep(&l->receipts[l->n_receipts], value, err));
	l->n_receipts++;
	return RC_OK;
}

static enum rc
list_held(struct appending *a, struct reply_lists *l, struct err *err)
{
	size_t	i;
	enum rc	rc;

	if (a->q->n_shares == 0)
		return RC_OK;
	if ((l->held = calloc(a->q->n_shares, sizeof(*l->held))) == NULL)
		return err_set(err, RC_NOMEM, "reply: no memory");
	for (i = 0; i < a->q->n_shares; i++) {
		AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX);

		rc = held_of(a->c, a->q->shares[i]->batch, a->now, &dsse, err);
		if (rc == RC_MISSING && l->n_missing < REPLY_MISSING_MAX)
			l->missing[l->n_missing++] = a->q->shares[i]->batch;
		if (rc == RC_MISSING)
			continue;
		TRY(rc);
		TRY(keep(&l->held[l->n_held], buf_view(&dsse), err));
		l->n_held++;
	}
	return RC_OK;
}

static enum rc
write_reply(struct appending *a, struct reply_lists *l, struct buf *reply, struct err *err)
{
	append_reply	r = QUORATE__V1__APPEND_REPLY__INIT;
	uint8_t		digest[SHA256_BYTES], *p;
	uint64_t	cosigned;

	TRY(replica_state_digest(a->c->replica, digest, err));
	TRY(custody_cosigned_size(a->c, &cosigned, err));
	r.size = a->size;
	r.cosignature = (ProtobufCBinaryData){ a->line.n, a->line.p };
	r.n_held = l->n_held;
	r.held = l->held;
	r.state_digest = (ProtobufCBinaryData){ sizeof(digest), digest };
	r.rules = CHARTER_RULES;
	r.n_receipts = l->n_receipts;
	r.receipts = l->receipts;
	r.cosigned_size = cosigned;
	r.n_missing_shares = l->n_missing;
	r.missing_shares = l->missing;
	p = buf_extend(reply, quorate__v1__append_reply__get_packed_size(&r));
	TRY(buf_check(reply, "reply", err));
	(void)quorate__v1__append_reply__pack(&r, p);
	return RC_OK;
}

static enum rc
answer(struct appending *a, struct buf *reply, struct err *err)
{
	AUTO_DONE(reply_lists_done) struct reply_lists l;
	enum rc	rc;

	memset(&l, 0, sizeof(l));
	TRY(store_begin(a->c->store, err));
	rc = list_held(a, &l, err);	/* held statements are journalled before they go out */
	if (rc == RC_OK)
		rc = store_journal_each(a->c->store, JOURNAL_RECEIPT, SPAN(NULL, 0), REPLY_RECEIPTS_MAX,
		    on_receipt, &l, err);
	if (rc == RC_OK)
		rc = store_commit(a->c->store, err);
	if (rc != RC_OK) {
		store_rollback(a->c->store);
		return rc;
	}
	if (a->cosign)
		TRY(cosign(a, err));
	return write_reply(a, &l, reply, err);
}

static enum rc
take(struct appending *a, struct err *err)
{
	TRY(take_entries(a, err));
	TRY(take_all_shares(a, err));
	TRY(record_checkpoint(a, err));
	return record_cosigned(a, err);
}

enum rc
custody_append(struct custody *c, struct span request, struct buf *reply, struct err *err)
{
	__attribute__((cleanup(auto_request_free))) append_request *q =
	    quorate__v1__append_request__unpack(NULL, request.n, request.p);
	struct appending	a = { .c = c, .q = q, .line = BUF_INIT(1024) };
	enum rc			rc;

	if (q == NULL)
		return custody_say(c, err, RC_FORMAT, "malformed request");
	a.now = clock_now();
	a.size = store_size(c->store);
	if (q->first > a.size) {
		/* A gap: say where we are. */
		rc = answer(&a, reply, err);
		buf_done(&a.line);
		return rc;
	}
	TRY(store_begin(c->store, err));
	rc = take(&a, err);
	if (rc == RC_OK)
		rc = store_commit(c->store, err);
	if (rc != RC_OK) {
		struct err	second;

		store_rollback(c->store);
		if (replica_reload(c->replica, &second) != RC_OK)
			return err_set(err, RC_BUG, "cannot go back to the last commit: %s", second.msg);
		return rc;
	}
	rc = answer(&a, reply, err);
	buf_done(&a.line);
	return rc;
}

enum rc
custody_checkpoint(struct custody *c, struct span request, struct buf *reply, struct err *err)
{
	Quorate__V1__CheckpointReply	r = QUORATE__V1__CHECKPOINT_REPLY__INIT;
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(NOTE_BYTES_MAX + 8);
	uint8_t	*p;
	enum rc	rc;

	(void)request;
	r.size = store_size(c->store);
	rc = store_get(c->store, CUSTODY_COSIGNED, &v, err);
	if (rc != RC_OK && rc != RC_MISSING)
		return rc;
	if (rc == RC_OK && v.n > 8)
		r.cosigned = (ProtobufCBinaryData){ v.n - 8, v.p + 8 };
	p = buf_extend(reply, quorate__v1__checkpoint_reply__get_packed_size(&r));
	TRY(buf_check(reply, "reply", err));
	(void)quorate__v1__checkpoint_reply__pack(&r, p);
	return RC_OK;
}

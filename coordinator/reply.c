/* coordinator/reply.c - what a custodian answered, each piece checked before it counts. */
#include <string.h>

#include "audit/entry.h"
#include "coordinator/replica_link.h"

#define REPLY_STATEMENTS_MAX	256u	/* of each kind in one reply */
#define REPLY_BLOBS_MAX		2u	/* of one statement: what entry_blobs() names */

PB_AUTO(append_reply, AppendReply);

static const struct custodian *
self(const struct replica_link *l)
{
	return &l->c->charter->custodian[l->index - 1];
}

static void
freeze(struct replica_link *l, const char *words)
{
	bool	first;

	(void)pthread_mutex_lock(&l->lock);
	first = !l->status.frozen;
	l->status.frozen = true;
	(void)pthread_mutex_unlock(&l->lock);
	if (first)
		log_line("ALARM: custodian %u (%s): %s: it is asked for no contribution",
		    l->index, self(l)->name, words);
}

/* ---- its state ------------------------------------------------------------------ */

/* After the same entries every replica has the same state, or one is wrong. */
static enum rc
check_state(struct replica_link *l, const Quorate__V1__AppendReply *r, struct err *err)
{
	struct verdict	v;

	if (r->rules != CHARTER_RULES)
		freeze(l, "replays the log under other rules");
	if (r->size > sequencer_size(l->c->sequencer)) {
		freeze(l, "holds more entries than this log: was log.db restored "
		    "from an old copy?");
		return err_set(err, RC_BUG, "holds %llu entries, this log has fewer",
		    (unsigned long long)r->size);
	}
	if (r->size == 0)
		return RC_OK;
	TRY(store_verdict(l->store, r->size - 1, &v, err));
	if (r->state_digest.len != SHA256_BYTES ||
	    memcmp(r->state_digest.data, v.state, SHA256_BYTES) != 0)
		freeze(l, "has another state after the same entries");
	return RC_OK;
}

/* ---- held statements -------------------------------------------------------------- */

struct holding {
	struct replica_link	*l;
	uint64_t		 batch[REPLY_STATEMENTS_MAX];
	struct span		 dsse[REPLY_STATEMENTS_MAX];
	size_t			 n;
};

static enum rc
hold_all(struct store *store, void *user, struct err *err)
{
	struct holding	*h = user;
	size_t		 i;

	for (i = 0; i < h->n; i++)
		TRY(journal_hold(store, h->batch[i], h->l->index,
		    h->l->c->charter->n, h->dsse[i], err));
	return RC_OK;
}

/* The vector that the batch entry names for this custodian is the one it holds. */
static enum rc
check_held(struct replica_link *l, const struct admission *a, uint64_t *ret_batch,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf leaf = BUF_INIT(ENTRY_BYTES_MAX);
	struct admission	batch;
	enum void_reason	why;
	struct entry		e;
	enum rc			rc;

	if (a->s.type != STATEMENT_HELD || a->s.u.held.custodian != l->index ||
	    memcmp(a->s.genesis, l->c->genesis, SHA256_BYTES) != 0)
		return err_set(err, RC_VERIFY, "not a held statement of this custodian");
	if (!dsse_signed_by(&a->d, &self(l)->signing_key))
		return err_set(err, RC_VERIFY, "a held statement with a bad signature");
	TRY(store_find_statement(l->store, a->s.subject, ret_batch, err));
	TRY(store_entry(l->store, *ret_batch, &leaf, err));
	TRY(entry_parse(buf_view(&leaf), &e, err));
	rc = admit(l->c->charter, e.dsse, &batch, &why, err);
	if (rc == RC_OK && (batch.s.type != STATEMENT_BATCH || memcmp(a->s.u.held.shares,
	    batch.s.u.batch.custodian[l->index - 1].shares, SHA256_BYTES) != 0))
		rc = err_set(err, RC_VERIFY, "a held statement over another share vector");
	admission_done(&batch);
	return rc;
}

static enum rc
one_held(struct replica_link *l, struct span dsse, uint64_t *ret_batch, struct err *err)
{
	struct admission	a;
	enum void_reason	why;
	enum rc			rc;

	rc = admit(l->c->charter, dsse, &a, &why, err);
	if (rc == RC_OK)
		rc = check_held(l, &a, ret_batch, err);
	admission_done(&a);
	return rc;
}

static enum rc
take_held(struct replica_link *l, const Quorate__V1__AppendReply *r, bool *progress,
    struct err *err)
{
	struct holding	h = { .l = l, .n = 0 };
	struct err	why;
	size_t		i, refused = 0;

	for (i = 0; i < r->n_held && i < REPLY_STATEMENTS_MAX; i++) {
		h.dsse[h.n] = pb_span(&r->held[i]);
		if (one_held(l, h.dsse[h.n], &h.batch[h.n], &why) == RC_OK)
			h.n++;
		else if (refused++ == 0)	/* one line a reply, whatever is in it */
			log_err(&why, "custodian %u (%s): held statement refused",
			    l->index, self(l)->name);
	}
	if (h.n == 0)
		return RC_OK;
	TRY(sequencer_do(l->c->sequencer, hold_all, &h, err));
	*progress = true;
	cosigning_kick(l->c->cosigning);	/* who waits for h looks again */
	return RC_OK;
}

/* ---- statements for the log ---------------------------------------------------------- */

static void
log_refused(struct replica_link *l, const struct submission *sub, const char *words)
{
	uint8_t	digest[SHA256_BYTES];

	sha256_one(digest, sub->dsse);
	if (memcmp(digest, l->refused, sizeof(digest)) == 0)
		return;
	memcpy(l->refused, digest, sizeof(digest));
	log_line("custodian %u (%s) handed over a statement that cannot be logged: %s",
	    l->index, self(l)->name, words);
}

/* One that cannot be logged does not stand in the way of a "no" behind it. */
static enum rc
take_statement(struct replica_link *l, struct span dsse, const struct span *blob, size_t n_blobs,
    bool *progress, struct err *err)
{
	struct submission	sub = { .dsse = dsse, .blob = blob, .n_blobs = n_blobs };
	enum rc			rc = sequencer_submit(l->c->sequencer, &sub, err);

	if (rc == RC_MISSING || rc == RC_LIMIT || rc == RC_FORMAT) {
		log_refused(l, &sub, err->msg);
		return RC_OK;
	}
	TRY(rc);
	if (sub.fate == FATE_REFUSED)
		log_refused(l, &sub, void_reason_name(sub.why));
	else if (sub.fate == FATE_LOGGED)
		*progress = true;
	return RC_OK;
}

static enum rc
take_receipts(struct replica_link *l, const Quorate__V1__AppendReply *r, bool *progress, struct err *err)
{
	size_t	i;

	for (i = 0; i < r->n_receipts && i < REPLY_STATEMENTS_MAX; i++)
		TRY(take_statement(l, pb_span(&r->receipts[i]), NULL, 0, progress, err));
	return RC_OK;
}

static enum rc
take_statements(struct replica_link *l, const Quorate__V1__AppendReply *r, bool *progress, struct err *err)
{
	struct span	blob[REPLY_BLOBS_MAX];
	size_t		i, b;

	for (i = 0; i < r->n_statements && i < REPLY_STATEMENTS_MAX; i++) {
		const Quorate__V1__Handed	*h = r->statements[i];

		for (b = 0; b < h->n_blobs && b < REPLY_BLOBS_MAX; b++)
			blob[b] = pb_span(&h->blobs[b]);
		TRY(take_statement(l, pb_span(&h->statement), blob, b, progress, err));
	}
	return RC_OK;
}

/* ---- all of it ---------------------------------------------------------------------- */

static void
take_cosignature(struct replica_link *l, const struct page *p, struct span line,
    bool *progress)
{
	struct err	err;

	if (line.n == 0)
		return;
	if (cosigning_add(l->c->cosigning, l->index, p->target.size, line,
	    clock_ms(), &err) == RC_OK)
		*progress = true;
	else
		log_err(&err, "custodian %u (%s): cosignature of %llu refused",
		    l->index, self(l)->name, (unsigned long long)p->target.size);
}

static void
note_shares(struct replica_link *l, const struct page *p)
{
	if (p->m.n_shares == 0)
		return;
	l->shares_next = p->last_share + 1;
	if (l->shares_at == 0)
		l->shares_at = clock_ms() + SHARES_RETRY_MS;
}

enum rc
reply_take(struct replica_link *l, const struct page *p, struct span reply,
    bool *ret_progress, struct err *err)
{
	bool	progress = !l->known;

	PB_UNPACK(append_reply, AppendReply, r, reply);
	TRY(check_state(l, r, err));
	/* Forward only: one that leads us to and fro does not get our whole time. */
	progress |= r->size > l->size || r->cosigned_size > l->cosigned;
	l->known = true;
	l->size = r->size;
	l->cosigned = r->cosigned_size;
	note_shares(l, p);
	if (p->whole && p->m.checkpoint.len > 0)
		take_cosignature(l, p, pb_span(&r->cosignature), &progress);
	TRY(take_held(l, r, &progress, err));
	TRY(take_receipts(l, r, &progress, err));
	TRY(take_statements(l, r, &progress, err));
	(void)pthread_mutex_lock(&l->lock);
	l->status.size = l->size;
	l->status.cosigned = l->cosigned;
	(void)pthread_mutex_unlock(&l->lock);
	*ret_progress = progress;
	return RC_OK;
}

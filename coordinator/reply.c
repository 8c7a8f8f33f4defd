/* coordinator/reply.c - what a custodian answered, each piece checked before it counts. */
#include <string.h>

#include "audit/entry.h"
#include "coordinator/in_force.h"
#include "coordinator/logged.h"
#include "coordinator/replica_link.h"

#define REPLY_STATEMENTS_MAX	256u	/* of each kind in one reply */
#define REPLY_BLOBS_MAX		2	/* of one statement: what entry_blobs() names */

PB_AUTO(append_reply, AppendReply);

static const struct custodian *
self(const struct replica_link *l)
{
	return &l->c->first->custodian[l->index - 1];
}

/* ---- its cosignature -------------------------------------------------------------- */

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
		TRY(journal_hold(store, h->batch[i], h->l->index, h->dsse[i], err));
	return RC_OK;
}

/* The vector that the batch entry names for this custodian is the one it holds. */
static enum rc
check_held(struct replica_link *l, const struct admission *a, uint64_t *ret_batch,
    struct err *err)
{
	AUTO_DONE(logged_done) struct logged batch = LOGGED_INIT;

	if (a->s.type != STATEMENT_HELD || a->s.u.held.custodian != l->index ||
	    memcmp(a->s.genesis, l->c->genesis, SHA256_BYTES) != 0)
		return err_set(err, RC_VERIFY, "not a held statement of this custodian");
	if (a->custodian != l->index)		/* under whose key admit() has verified it */
		return err_set(err, RC_VERIFY, "a held statement with a bad signature");
	TRY(store_find_statement(l->store, a->s.subject, ret_batch, err));
	TRY(logged_read(l->store, *ret_batch, &batch, err));
	if (batch.s.type != STATEMENT_BATCH || memcmp(a->s.u.held.shares,
	    batch.s.u.batch.custodian[l->index - 1].shares, SHA256_BYTES) != 0)
		return err_set(err, RC_VERIFY, "a held statement over another share vector");
	return RC_OK;
}

static enum rc
one_held(struct replica_link *l, struct span dsse, uint64_t *ret_batch, struct err *err)
{
	struct admission	a;
	enum void_reason	why;
	enum rc			rc;

	rc = admit(coordinator_charter(l->c), dsse, &a, &why, err);
	if (rc == RC_OK)
		rc = check_held(l, &a, ret_batch, err);
	admission_done(&a);
	return rc;
}

static enum rc
read_held(struct replica_link *l, const Quorate__V1__AppendReply *r, struct holding *h, struct err *err)
{
	struct err	why;
	size_t		i, refused = 0;

	h->l = l;
	h->n = 0;
	if (r->n_held == 0)
		return RC_OK;
	TRY(store_begin(l->store, err));	/* one look at the log for all of them */
	for (i = 0; i < r->n_held && i < REPLY_STATEMENTS_MAX; i++) {
		h->dsse[h->n] = pb_span(&r->held[i]);
		if (one_held(l, h->dsse[h->n], &h->batch[h->n], &why) == RC_OK)
			h->n++;
		else if (refused++ == 0)	/* one line a reply, whatever is in it */
			log_err(&why, "custodian %u (%s): held statement refused",
			    l->index, self(l)->name);
	}
	store_rollback(l->store);
	return RC_OK;
}

/*
 * What it holds is kept in one transaction with what others say, and with the note that q of them
 * make: it is handed to the sequencer before its line is counted, and waited for after.
 */
static enum rc
take_held(struct replica_link *l, const struct page *p, const Quorate__V1__AppendReply *r, bool *progress,
    struct err *err)
{
	struct holding		h;
	struct submission	sub = { .fn = hold_all, .user = &h, .patient = l->c->first->h == l->c->first->q };
	bool			handed = false;

	TRY(read_held(l, r, &h, err));
	if (h.n > 0) {
		TRY(sequencer_hand(l->c->sequencer, &sub, err));
		handed = true;
	}
	if (p->whole && !p->past && p->m.checkpoint.len > 0)
		take_cosignature(l, p, pb_span(&r->cosignature), progress);
	if (!handed)
		return RC_OK;
	TRY(sequencer_wait(l->c->sequencer, &sub, err));
	*progress = true;
	l->lacks_at = 0;	/* it takes what it is sent: the next at once */
	l->unheard_at = 0;
	cosigning_kick(l->c->cosigning);	/* who waits for h looks again */
	return RC_OK;
}

/* ---- statements for the log ---------------------------------------------------------- */

/* One line a reply, and none when it is the same again. */
static void
log_refused(struct replica_link *l, struct span dsse, const char *words, size_t *refused)
{
	uint8_t	digest[SHA256_BYTES];

	if ((*refused)++ > 0)
		return;
	sha256_one(digest, dsse);
	if (memcmp(digest, l->refused, sizeof(digest)) == 0)
		return;
	memcpy(l->refused, digest, sizeof(digest));
	log_line("custodian %u (%s) handed over a statement that cannot be logged: %s",
	    l->index, self(l)->name, words);
}

/* One that cannot be logged does not stand in the way of a "no" behind it. */
static enum rc
take_statement(struct replica_link *l, struct span dsse, const struct span *blob, size_t n_blobs,
    bool *progress, size_t *refused, struct err *err)
{
	struct submission	sub = { .dsse = dsse, .blob = blob, .n_blobs = n_blobs };
	enum rc			rc = sequencer_submit(l->c->sequencer, &sub, err);

	if (rc == RC_MISSING || rc == RC_LIMIT || rc == RC_FORMAT) {
		log_refused(l, dsse, err->msg, refused);
		return RC_OK;
	}
	if (rc == RC_UNSURE)	/* held: it comes again with each answer until the log shows it */
		return RC_OK;
	TRY(rc);
	if (sub.fate == FATE_REFUSED)
		log_refused(l, dsse, void_reason_name(sub.why), refused);
	else if (sub.fate == FATE_LOGGED)
		*progress = true;
	return RC_OK;
}

static enum rc
take_receipts(struct replica_link *l, const Quorate__V1__AppendReply *r, bool *progress,
    size_t *refused, struct err *err)
{
	size_t	i;

	for (i = 0; i < r->n_receipts && i < REPLY_STATEMENTS_MAX; i++)
		TRY(take_statement(l, pb_span(&r->receipts[i]), NULL, 0, progress, refused, err));
	return RC_OK;
}

/*
 * What came with it of the fixed blobs that this very statement names: nothing else
 * gets into the log's store by this way, whatever a custodian sends.
 */
static size_t
named_blobs(const Quorate__V1__Handed *h, struct span ret[REPLY_BLOBS_MAX])
{
	AUTO_DONE(buf_done) struct buf leaf = BUF_INIT(ENTRY_BYTES_MAX);
	uint8_t	want[REPLY_BLOBS_MAX][SHA256_BYTES], have[SHA256_BYTES];
	size_t	n_want, n = 0, i, j;

	entry_write(0, pb_span(&h->statement), &leaf);
	if (buf_check(&leaf, "statement", NULL) != RC_OK ||
	    entry_blobs(buf_view(&leaf), want, &n_want, NULL) != RC_OK)
		return 0;	/* submitting it says what is wrong */
	for (i = 0; i < h->n_blobs && i < REPLY_BLOBS_MAX; i++) {
		sha256_one(have, pb_span(&h->blobs[i]));
		for (j = 0; j < n_want && memcmp(want[j], have, sizeof(have)) != 0; j++)
			;
		if (j < n_want)
			ret[n++] = pb_span(&h->blobs[i]);
	}
	return n;
}

static enum rc
take_statements(struct replica_link *l, const Quorate__V1__AppendReply *r, bool *progress,
    size_t *refused, struct err *err)
{
	struct span	blob[REPLY_BLOBS_MAX];
	size_t		i, n;

	for (i = 0; i < r->n_statements && i < REPLY_STATEMENTS_MAX; i++) {
		n = named_blobs(r->statements[i], blob);
		TRY(take_statement(l, pb_span(&r->statements[i]->statement), blob, n, progress, refused, err));
	}
	return RC_OK;
}

/* ---- vectors that it lacks --------------------------------------------------------------- */

/* Kept until they are sent again; what is kept nowhere any more is told once. */
static void
take_lacking(struct replica_link *l, const Quorate__V1__AppendReply *r)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(STORE_VALUE_MAX);
	size_t	i;

	l->n_lacks = 0;
	for (i = 0; i < r->n_missing_shares && i < LACKS_MAX; i++) {
		buf_reset(&v);
		if (journal_vector(l->store, r->missing_shares[i], l->index, &v, NULL) == RC_OK) {
			l->lacks[l->n_lacks++] = r->missing_shares[i];
		} else if (!l->lacks_told) {
			l->lacks_told = true;
			(void)pthread_mutex_lock(&l->lock);
			l->status.lacks = r->missing_shares[i];
			(void)pthread_mutex_unlock(&l->lock);
			log_line("custodian %u (%s) lacks the shares of batch %llu, and perhaps others, which are "
			    "kept nowhere else: restore its database", l->index, self(l)->name,
			    (unsigned long long)r->missing_shares[i]);
		}
	}
}

/* ---- all of it ---------------------------------------------------------------------- */

static void
note_shares(struct replica_link *l, const struct page *p)
{
	if (p->n_queued == 0)
		return;
	l->shares_next = p->last_share + 1;
	if (l->shares_at == 0)
		l->shares_at = clock_ms() + SHARES_RETRY_MS;
}

/* Who waits for it to know that an order is cosigned looks again. */
static void
publish_place(struct replica_link *l, bool knows)
{
	(void)pthread_mutex_lock(&l->lock);
	l->status.size = l->size;
	l->status.cosigned = l->cosigned;
	(void)pthread_mutex_unlock(&l->lock);
	if (knows)
		cosigning_kick(l->c->cosigning);
}

enum rc
reply_take(struct replica_link *l, const struct page *p, struct span reply,
    bool *ret_progress, struct err *err)
{
	bool	progress = !l->known, knows = false;
	size_t	refused = 0;

	PB_UNPACK(append_reply, AppendReply, r, reply);
	l->settled = false;
	TRY(divergence_take(l, p, r, &progress, err));
	health_take(l, r->health);
	/* Forward only: one that leads us to and fro does not get our whole time. */
	knows = r->cosigned_size > l->cosigned;
	progress |= r->size > l->size || knows;
	l->known = true;
	l->size = r->size;
	l->cosigned = r->cosigned_size;
	note_shares(l, p);
	TRY(take_held(l, p, r, &progress, err));
	take_lacking(l, r);
	TRY(take_receipts(l, r, &progress, &refused, err));
	TRY(take_statements(l, r, &progress, &refused, err));
	publish_place(l, knows);
	*ret_progress = progress;
	return RC_OK;
}

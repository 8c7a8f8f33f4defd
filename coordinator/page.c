/* coordinator/page.c - what a custodian should hear next, in one message. */
#include <string.h>

#include "audit/entry.h"
#include "coordinator/replica_link.h"
#include "policy/apply.h"

/* Spans into p->bytes move when it grows: offsets first, pointers at the end. */
#define AT(offset)	((uint8_t *)(uintptr_t)(offset))

void
page_init(struct page *p)
{
	memset(p, 0, sizeof(*p));
	quorate__v1__append_request__init(&p->m);
	p->m.entries = p->entry;
	p->m.blobs = p->blob;
	p->m.shares = p->share_p;
	/* One entry with its blobs may pass the mark that ends a page. */
	p->bytes = BUF_INIT(2 * PAGE_BYTES_MAX);
	p->target.note = BUF_INIT(NOTE_BYTES_MAX);
	p->note = BUF_INIT(NOTE_BYTES_MAX);
}

void
page_done(struct page *p)
{
	buf_done(&p->bytes);
	buf_done(&p->target.note);
	buf_done(&p->note);
}

static enum rc
add_blobs(struct replica_link *l, struct page *p, struct span leaf, struct err *err)
{
	uint8_t			 digest[2][SHA256_BYTES];
	size_t			 n, i, at;
	ProtobufCBinaryData	*b;

	TRY(entry_blobs(leaf, digest, &n, err));
	for (i = 0; i < n; i++) {
		at = p->bytes.n;
		TRY(store_blob(l->store, digest[i], &p->bytes, err));
		b = &p->blob[p->m.n_blobs++];
		b->data = AT(at);
		b->len = p->bytes.n - at;
	}
	return RC_OK;
}

/* The vector of a batch, when it is here: a rebuilt log.db has none of those before. */
static enum rc
add_share(struct replica_link *l, struct page *p, uint64_t batch, struct err *err)
{
	Quorate__V1__ShareVector	*v = &p->share[p->m.n_shares];
	size_t				 at = p->bytes.n;
	enum rc				 rc;

	if (p->m.n_shares == PAGE_SHARES_MAX)
		return RC_OK;	/* later */
	rc = journal_vector(l->store, batch, l->index, &p->bytes, err);
	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	quorate__v1__share_vector__init(v);
	v->batch = batch;
	v->vector.data = AT(at);
	v->vector.len = p->bytes.n - at;
	p->share_p[p->m.n_shares++] = v;
	return RC_OK;
}

static enum rc
add_entry(struct replica_link *l, struct page *p, uint64_t index, struct err *err)
{
	AUTO_DONE(buf_done) struct buf leaf = BUF_INIT(ENTRY_BYTES_MAX);
	struct verdict		 v;
	ProtobufCBinaryData	*e;

	TRY(store_entry(l->store, index, &leaf, err));
	TRY(store_verdict(l->store, index, &v, err));
	e = &p->entry[p->m.n_entries++];
	e->data = AT(p->bytes.n);
	e->len = leaf.n;
	buf_span(&p->bytes, buf_view(&leaf));
	TRY(add_blobs(l, p, buf_view(&leaf), err));
	if (v.type == STATEMENT_BATCH && v.effective)
		TRY(add_share(l, p, index, err));
	return buf_check(&p->bytes, "page", err);
}

static enum rc
add_entries(struct replica_link *l, struct page *p, struct err *err)
{
	uint64_t	index = l->size;

	p->m.first = index;
	/* Not past where its vector would not fit: it would have to ask for that. */
	while (index < p->target.size && p->m.n_entries < PAGE_ENTRIES_MAX && p->m.n_shares < PAGE_SHARES_MAX) {
		size_t	before = p->bytes.n, entries = p->m.n_entries,
			blobs = p->m.n_blobs, shares = p->m.n_shares;

		TRY(add_entry(l, p, index, err));
		if (p->bytes.n > PAGE_BYTES_MAX && entries > 0) {
			/* It goes first in the next page. */
			p->bytes.n = before;
			p->m.n_entries = entries;
			p->m.n_blobs = blobs;
			p->m.n_shares = shares;
			break;
		}
		index++;
	}
	p->whole = index == p->target.size;
	return RC_OK;
}

/* The target's checkpoint covers every page; up to a page's end that takes a proof. */
static enum rc
add_path(struct replica_link *l, struct page *p, struct err *err)
{
	size_t	i;

	if (p->m.n_entries == 0 || p->whole)
		return RC_OK;
	TRY(store_consistency(l->store, p->m.first + p->m.n_entries, p->target.size, &p->path, err));
	for (i = 0; i < p->path.n; i++)
		p->path_p[i] = (ProtobufCBinaryData){ TREE_HASH_BYTES, p->path.hash[i] };
	p->m.n_consistency = p->path.n;
	p->m.consistency = p->path_p;
	return RC_OK;
}

/* Vectors of batches that it has, or has in this page, and did not say it holds. */
static enum rc
add_pending(struct replica_link *l, struct page *p, struct err *err)
{
	uint64_t	batch[PAGE_SHARES_MAX];
	size_t		n, i;

	if (l->shares_at != 0 && clock_ms() >= l->shares_at) {
		l->shares_next = 0;
		l->shares_at = 0;
	}
	TRY(journal_pending(l->store, l->index, l->shares_next, batch, PAGE_SHARES_MAX, &n, err));
	for (i = 0; i < n && batch[i] < l->size && p->bytes.n < PAGE_BYTES_MAX / 2; i++) {
		TRY(add_share(l, p, batch[i], err));
		p->news = true;
	}
	p->n_queued = p->m.n_shares;
	if (p->m.n_shares > 0)
		p->last_share = p->share[p->m.n_shares - 1].batch;
	return RC_OK;
}

/* Vectors that it said it held once, and says now that it lacks. */
static enum rc
add_lacking(struct replica_link *l, struct page *p, struct err *err)
{
	size_t	i;

	if (l->n_lacks == 0 || clock_ms() < l->lacks_at)
		return RC_OK;
	/* It may refuse them: again only after a while, unless it says that it holds some. */
	l->lacks_at = clock_ms() + SHARES_RETRY_MS;
	for (i = 0; i < l->n_lacks && p->bytes.n < PAGE_BYTES_MAX / 2; i++)
		if (l->lacks[i] < l->size)
			TRY(add_share(l, p, l->lacks[i], err));
	l->n_lacks = 0;		/* what is still missing it says again */
	p->news |= p->m.n_shares > p->n_queued;
	return RC_OK;
}

/* Its held statements that went with an older log.db. */
static enum rc
add_unheard(struct replica_link *l, struct page *p, struct err *err)
{
	size_t	n = 0;

	if (clock_ms() < l->unheard_at)
		return RC_OK;
	TRY(journal_unheard(l->store, l->index, l->unheard_next, p->held_of, UNHEARD_MAX, &n, err));
	while (n > 0 && p->held_of[n - 1] >= l->size)
		n--;
	/* The next ones at once when it says that it holds these; none left: from the start again. */
	l->unheard_next = n > 0 ? p->held_of[n - 1] + 1 : 0;
	l->unheard_at = clock_ms() + UNHEARD_RETRY_MS;
	p->m.held_of = p->held_of;
	p->m.n_held_of = n;
	p->news |= n > 0;
	return RC_OK;
}

static bool
hurried(struct replica_link *l)
{
	bool	hurry;

	(void)pthread_mutex_lock(&l->lock);
	hurry = l->hurry;
	l->hurry = false;
	(void)pthread_mutex_unlock(&l->lock);
	return hurry;
}

static void
point(ProtobufCBinaryData *b, uint8_t *base)
{
	b->data = base + (uintptr_t)b->data;
}

static void
point_all(struct page *p)
{
	size_t	i;

	for (i = 0; i < p->m.n_entries; i++)
		point(&p->entry[i], p->bytes.p);
	for (i = 0; i < p->m.n_blobs; i++)
		point(&p->blob[i], p->bytes.p);
	for (i = 0; i < p->m.n_shares; i++)
		point(&p->share[i].vector, p->bytes.p);
}

/*
 * Who has not got as far as a succession knows the log key before it only: up to there it
 * is led by the last checkpoint of that key. The succession itself begins a page, so that
 * it is found before its checkpoint is looked at.
 */
static enum rc
aim(struct replica_link *l, struct page *p, struct err *err)
{
	enum rc	rc = journal_handover_from(l->store, l->size + 1, &p->target.size, &p->target.note, err);

	p->past = rc == RC_OK;
	return rc == RC_MISSING ? RC_OK : rc;
}

/*
 * The latest note goes with whatever else there is; alone only after a while, or when somebody is
 * in a hurry: a message and a commit of its own for each entry is what a busy log cannot have.
 */
static void
add_note(struct replica_link *l, struct page *p)
{
	if (p->note_size <= l->cosigned || p->note_size > l->size + p->m.n_entries) {
		l->note_at = 0;
		return;
	}
	p->m.cosigned = pb_bytes(buf_view(&p->note));
	if (l->note_at == 0)
		l->note_at = clock_ms() + NOTE_LINGER_MS;
	p->news |= clock_ms() >= l->note_at;
}

static enum rc
add_all(struct replica_link *l, struct page *p, struct err *err)
{
	TRY(aim(l, p, err));
	TRY(add_entries(l, p, err));
	TRY(add_path(l, p, err));
	TRY(add_pending(l, p, err));
	TRY(add_lacking(l, p, err));
	TRY(add_unheard(l, p, err));
	p->news |= p->m.n_entries > 0 || !cosigning_has(l->c->cosigning, l->index, p->target.size);
	return RC_OK;
}

/* One look at the log for all of it, and not a lock for each question. */
static enum rc
read_log(struct replica_link *l, struct page *p, struct err *err)
{
	enum rc	rc;

	TRY(store_begin(l->store, err));
	rc = add_all(l, p, err);
	store_rollback(l->store);
	return rc;
}

/* Nothing that memory shows to be new, and no time at which the log is to be looked at has come. */
static bool
is_quiet(struct replica_link *l, const struct page *p)
{
	uint64_t	now = clock_ms();

	return l->settled && p->target.size == l->size && cosigning_has(l->c->cosigning, l->index, p->target.size) &&
	    (l->shares_at == 0 || now < l->shares_at) && (l->n_lacks == 0 || now < l->lacks_at) && now < l->unheard_at;
}

enum rc
page_build(struct replica_link *l, struct page *p, struct err *err)
{
	TRY(cosigning_target(l->c->cosigning, clock_ms(), &p->target, err));
	TRY(cosigning_latest(l->c->cosigning, &p->note, &p->note_size, err));
	if (!l->known) {
		/* Ask where it is: a gap is answered with its size. */
		p->m.first = p->target.size;
		p->whole = true;
		p->news = p->target.size > 0;
	} else if (is_quiet(l, p)) {
		p->m.first = l->size;
		p->whole = true;
	} else {
		TRY(read_log(l, p, err));
		/* Nothing to bring, not even a vector: so it stays until something of the above changes. */
		l->settled = !p->news;
	}
	/* Not for what it has cosigned: each costs its token a signature. */
	if (!l->known || p->past || p->m.n_entries > 0 || !cosigning_has(l->c->cosigning, l->index, p->target.size))
		p->m.checkpoint = pb_bytes(buf_view(&p->target.note));
	add_note(l, p);
	p->m.state_of = divergence_probe(l);
	p->beat = hurried(l) || p->m.state_of != 0 || clock_ms() - l->heard_at >= BEAT_MS;
	point_all(p);
	return RC_OK;
}

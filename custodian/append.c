/*
 * custodian/append.c - take entries, replay them, keep the shares, then cosign.
 *
 * The order is the promise: everything is in one durable transaction, the size
 * that is about to be cosigned included, before a signature exists. What is
 * cosigned is therefore never forgotten, and no second root of a size is. And
 * nothing is committed but what the log's own key signed for (cosign.c): whoever
 * merely reached us, the listener included, appends nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "audit/entry.h"
#include "custodian/append.h"
#include "proto/unpack.h"
#include "evidence/batch.h"

static inline void
auto_request_free(Quorate__V1__AppendRequest **r)
{
	if (*r != NULL)
		quorate__v1__append_request__free_unpacked(*r, NULL);
}

/* Only blobs that an entry of this call names are kept: no other way in. */
static enum rc
put_blobs(struct appending *a, struct span leaf, struct err *err)
{
	uint8_t	want[2][SHA256_BYTES];
	size_t	n, i, b;
	enum rc	rc = entry_blobs(leaf, want, &n, err);

	if (rc != RC_OK)	/* malformed: apply gives the verdict */
		return rc == RC_NOMEM ? rc : RC_OK;
	for (b = 0; b < a->q->n_blobs; b++) {
		for (i = 0; i < n; i++)
			if (memcmp(a->digest[b], want[i], sizeof(want[i])) == 0)
				TRY(store_blob_put_as(a->c->store, a->digest[b], span_of(&a->q->blobs[b]), err));
	}
	return RC_OK;
}

/* What else is to be known of an entry that was applied, in the same transaction. */
static enum rc
note_entry(struct appending *a, uint64_t index, const struct verdict *v, struct err *err)
{
	if (v->type == STATEMENT_DECISION && v->effective)
		TRY(custody_note_arrival(a->c, index, a->now, err));
	if (v->type == STATEMENT_BATCH && v->effective)
		TRY(check_note_batch(a->c, index, err));
	if (v->type == STATEMENT_AMENDMENT && v->effective)
		TRY(consent_note(a->c, index, v->id, err));
	return awaited_note(a->c, index, v, err);
}

static enum rc
take_entry(struct appending *a, struct span leaf, struct err *err)
{
	struct custody	*c = a->c;
	struct entry	 entry;
	struct verdict	 v;
	struct err	 fault;
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
	if (rc == RC_FORMAT) {
		a->stopped = true;
		return stopped_at(c, index, err, &fault) == RC_OK ? RC_OK : err_set(err, fault.rc, "%s", fault.msg);
	}
	TRY(rc);
	TRY(stopped_over(c, index, err));
	TRY(store_append(c->store, leaf, err));
	TRY(store_verdict_put(c->store, index, &v, err));
	a->size++;
	return note_entry(a, index, &v, err);
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

	for (i = 0; i < a->q->n_entries && !a->waits && !a->stopped; i++) {
		index = a->q->first + i;
		if (index < a->size)
			TRY(same_entry(a, index, span_of(&a->q->entries[i]), err));
		else
			TRY(take_entry(a, span_of(&a->q->entries[i]), err));
	}
	return RC_OK;
}

enum rc
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
	TRY(store_shares_put(a->c->store, v->batch, span_of(&v->vector), err));
	return check_note_batch(a->c, v->batch, err);
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

/* --- all of it --------------------------------------------------------------------- */

static enum rc
take(struct appending *a, struct err *err)
{
	TRY(append_not_replaced(a, err));
	TRY(take_entries(a, err));
	TRY(take_all_shares(a, err));
	TRY(append_notes(a, err));
	TRY(awaited_settle(a->c, err));
	TRY(handed_expire(a->c, a->now, err));
	return append_hold(a, err);
}

static enum rc
take_durably(struct appending *a, struct err *err)
{
	struct custody	*c = a->c;
	struct err	 second;
	enum rc		 rc;

	TRY(store_begin(c->store, err));
	rc = take(a, err);
	if (rc == RC_OK)
		rc = store_commit(c->store, err);
	if (rc == RC_OK)
		return RC_OK;
	store_rollback(c->store);
	c->log_keys.n = 0;
	if (replica_reload(c->replica, &second) != RC_OK || stopped_load(c, &second) != RC_OK)
		return err_set(err, RC_BUG, "cannot go back to the last commit: %s", second.msg);
	return rc;
}

/* Each list has a bound, and each blob is hashed once. */
static enum rc
look_through(struct appending *a, struct err *err)
{
	const Quorate__V1__AppendRequest	*q = a->q;
	size_t					 i;

	if (q->n_entries > APPEND_ENTRIES_MAX || q->n_blobs > APPEND_BLOBS_MAX ||
	    q->n_shares > APPEND_SHARES_MAX || q->n_held_of > APPEND_HELD_MAX || q->n_consistency > TREE_PATH_MAX)
		return custody_say(a->c, err, RC_LIMIT, "too much in one call: at most %d entries, %d blobs, %d shares",
		    APPEND_ENTRIES_MAX, APPEND_BLOBS_MAX, APPEND_SHARES_MAX);
	if (q->n_blobs == 0)
		return RC_OK;
	if ((a->digest = calloc(q->n_blobs, sizeof(*a->digest))) == NULL)
		return err_set(err, RC_NOMEM, "append: no memory");
	for (i = 0; i < q->n_blobs; i++)
		sha256_one(a->digest[i], span_of(&q->blobs[i]));
	return RC_OK;
}

static void
appending_done(struct appending *a)
{
	free(a->digest);
	buf_done(&a->line);
}

enum rc
custody_append(struct custody *c, struct span request, struct buf *reply, struct err *err)
{
	__attribute__((cleanup(auto_request_free))) Quorate__V1__AppendRequest *q =
	    quorate__v1__append_request__unpack(unpack_memory(), request.n, request.p);
	AUTO_DONE(appending_done) struct appending a = { .c = c, .q = q, .line = BUF_INIT(1024) };

	if (q == NULL)
		return custody_unread(c, "request", err);
	TRY(look_through(&a, err));
	a.now = clock_now();
	a.size = a.before = store_size(c->store);
	if (q->first <= a.size)		/* past a gap nothing can be taken: the reply says where we are */
		TRY(append_settle(&a, take_durably(&a, err), err));
	return append_answer(&a, reply, err);
}

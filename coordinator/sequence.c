/* coordinator/sequence.c - one transaction of the sequencer. */
#include <string.h>

#include "audit/entry.h"
#include "coordinator/in_force.h"
#include "coordinator/sequence.h"

/* What one transaction builds up; taken over by the sequencer when it is durable. */
struct step {
	struct sequencer	*s;
	uint64_t		 size;
	when			 time;
};

static enum rc
repeated(struct store *store, struct submission *sub, struct err *err)
{
	TRY(store_find_statement(store, sub->admission.s.id, &sub->index, err));
	TRY(store_verdict(store, sub->index, &sub->verdict, err));
	sub->fate = FATE_REPEATED;
	return RC_OK;
}

static const struct span *
given(const struct submission *sub, const uint8_t digest[SHA256_BYTES])
{
	uint8_t	have[SHA256_BYTES];
	size_t	i;

	for (i = 0; i < sub->n_blobs; i++) {
		sha256_one(have, sub->blob[i]);
		if (memcmp(have, digest, SHA256_BYTES) == 0)
			return &sub->blob[i];
	}
	return NULL;
}

/* Its size, of what came with the statement or stands in the store. */
static enum rc
fixed_size(struct store *store, const struct submission *sub,
    const uint8_t digest[SHA256_BYTES], size_t *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(STORE_VALUE_MAX);
	const struct span	*blob = given(sub, digest);
	char			 hex[HEX_BYTES(SHA256_BYTES)];
	enum rc			 rc = RC_OK;

	if (blob == NULL)
		rc = store_blob(store, digest, &b, err);
	if (rc == RC_MISSING)
		return err_set(err, RC_MISSING, "the statement names the blob %s, "
		    "which did not come with it", hex_write(SPAN(digest, SHA256_BYTES), hex));
	*ret = blob == NULL ? b.n : blob->n;
	return rc;
}

/*
 * Custodians cannot replay an entry whose fixed blobs are nowhere, nor one that
 * does not fit into one message with them: no later entry would ever reach them.
 */
static enum rc
check_fixed(struct store *store, const struct submission *sub, struct span leaf,
    struct err *err)
{
	uint8_t	digest[2][SHA256_BYTES];
	size_t	n, i, size = 0, all = 0;

	TRY(entry_blobs(leaf, digest, &n, err));
	for (i = 0; i < n; i++) {
		TRY(fixed_size(store, sub, digest[i], &size, err));
		all += size;
	}
	if (all > FIXED_BYTES_MAX)
		return err_set(err, RC_LIMIT, "a statement with %zu bytes of blobs: at most "
		    "%u go into the log", all, FIXED_BYTES_MAX);
	return RC_OK;
}

static enum rc
put_blobs(struct store *store, const struct submission *sub, struct err *err)
{
	uint8_t	digest[SHA256_BYTES];
	size_t	i;

	for (i = 0; i < sub->n_blobs; i++)
		TRY(store_blob_put(store, sub->blob[i], digest, err));
	return RC_OK;
}

static enum rc
append(struct step *t, struct submission *sub, struct span leaf, struct err *err)
{
	struct store	*store = t->s->store;

	TRY(store_append(store, leaf, err));
	TRY(replica_apply(t->s->replica, t->size, leaf, &sub->verdict, err));
	TRY(store_verdict_put(store, t->size, &sub->verdict, err));
	TRY(journal_entry(store, t->size, &sub->verdict, err));
	sub->index = t->size++;
	t->time = sub->verdict.time;
	sub->fate = FATE_LOGGED;
	if (sub->vector != NULL && sub->verdict.effective)
		TRY(journal_spool(store, sub->index, sub->vector, t->s->c->first->n, err));
	return RC_OK;
}

static bool
binds_one_in_force(enum statement_type t)
{
	return t == STATEMENT_BATCH || t == STATEMENT_REQUEST || t == STATEMENT_AMENDMENT ||
	    t == STATEMENT_ORDER || t == STATEMENT_ANCHOR || t == STATEMENT_CONSENT;
}

/*
 * An amendment came in force while it was on its way: its signer did nothing wrong, and
 * signs it again under the charter in force. What may still name the older one is logged
 * (apply-v1 section 3), and so is what names none that ever was.
 */
static enum rc
names_older_charter(struct replica *r, const struct statement *s, bool *ret, struct err *err)
{
	const struct charter	*now = replica_charter(r), *older;
	enum rc			 rc;

	*ret = false;
	if (now == NULL || !binds_one_in_force(s->type) || memcmp(s->charter, now->digest, SHA256_BYTES) == 0)
		return RC_OK;
	rc = replica_charter_of(r, s->charter, &older, NULL);
	if (rc != RC_OK && rc != RC_MISSING)
		return err_set(err, rc, "cannot look up the charter that a statement names");
	*ret = rc == RC_OK;
	return RC_OK;
}

static enum rc
log_statement(struct step *t, struct submission *sub, struct err *err)
{
	AUTO_DONE(buf_done) struct buf leaf = BUF_INIT(ENTRY_BYTES_MAX);
	when	now = clock_now();
	bool	older;
	enum rc	rc;

	sub->held = false;
	rc = repeated(t->s->store, sub, err);
	/* Its reason may come by another way than the statement did. */
	if (rc == RC_OK)
		return put_blobs(t->s->store, sub, err);
	if (rc != RC_MISSING)
		return rc;
	TRY(names_older_charter(t->s->replica, &sub->admission.s, &older, err));
	if (older) {
		sub->fate = FATE_REFUSED;
		sub->why = VOID_CHARTER;
		return RC_OK;
	}
	sub->held = ahead_check_told(&t->s->ahead, now, t->time, &sub->err) != RC_OK;
	if (sub->held)
		return RC_OK;
	/* Log time never goes back, whatever the clock does. */
	entry_write(now > t->time ? now : t->time, sub->dsse, &leaf);
	if (buf_check(&leaf, "entry", err) != RC_OK)
		return err_set(err, RC_LIMIT, "a statement of %zu bytes is too large "
		    "for the log", sub->dsse.n);
	TRY(check_fixed(t->s->store, sub, buf_view(&leaf), err));
	TRY(put_blobs(t->s->store, sub, err));
	return append(t, sub, buf_view(&leaf), err);
}

static enum rc
one(struct step *t, struct submission *sub, struct err *err)
{
	if (sub->dsse.n > 0)
		TRY(log_statement(t, sub, err));
	else
		sub->fate = FATE_DONE;
	if (sub->fn != NULL && (sub->fate == FATE_LOGGED || sub->fate == FATE_DONE))
		TRY(sub->fn(t->s->store, sub->user, err));
	return RC_OK;
}

/* All of them or none. */
static enum rc
transaction(struct step *t, struct submission **batch, size_t n, struct span note, struct err *err)
{
	enum rc	rc;
	size_t	i;

	if ((rc = store_begin(t->s->store, err)) != RC_OK)
		return rc;
	for (i = 0; i < n && rc == RC_OK; i++)
		rc = one(t, batch[i], err);
	if (rc == RC_OK && note.n > 0)
		rc = store_put(t->s->store, "cosigned", note, err);
	if (rc == RC_OK)
		rc = store_commit(t->s->store, err);
	if (rc == RC_OK)
		return RC_OK;
	store_rollback(t->s->store);
	if (replica_reload(t->s->replica, NULL) != RC_OK)
		return err_wrap(err, RC_BUG, "cannot go back to the last entry");
	return rc;
}

static uint64_t
together(struct sequencer *s, struct submission **batch, size_t n, uint64_t size, struct span note)
{
	struct step	t = { s, size, s->time };
	struct err	err = { RC_OK, "" };
	enum rc		rc = transaction(&t, batch, n, note, &err);
	size_t		i;

	for (i = 0; i < n; i++) {
		batch[i]->rc = rc;
		if (rc != RC_OK || !batch[i]->held)
			batch[i]->err = err;
		if (rc != RC_OK)
			batch[i]->fate = FATE_REFUSED;
	}
	if (rc != RC_OK)
		return size;
	s->time = t.time;
	/* What is logged is logged; the next commit tries again. */
	if (in_force_follow(s->c, s->replica, &err) != RC_OK)
		log_err(&err, "the charter in force");
	return t.size;
}

uint64_t
sequence_batch(struct sequencer *s, struct submission **batch, size_t n, uint64_t size, struct span note,
    bool *ret_kept)
{
	uint64_t	after = together(s, batch, n, size, note);
	size_t		i;

	*ret_kept = note.n > 0 && batch[0]->rc == RC_OK;
	/* One that cannot be stored does not take the others with it. */
	if (batch[0]->rc != RC_OK && n > 1)
		for (i = 0, after = size; i < n; i++)
			after = together(s, batch + i, 1, after, SPAN(NULL, 0));
	/* Only now: what is held did not fail, and does not make the others go one by one. */
	for (i = 0; i < n; i++)
		if (batch[i]->rc == RC_OK && batch[i]->held)
			batch[i]->rc = RC_UNSURE;
	for (i = 0; i < n; i++)
		if (batch[i]->rc == RC_IO || batch[i]->rc == RC_BUG)
			log_err(&batch[i]->err, "not logged");
	return after;
}

enum rc
sequence_note(struct sequencer *s, struct span note, struct err *err)
{
	enum rc	rc;

	TRY(store_begin(s->store, err));
	rc = store_put(s->store, "cosigned", note, err);
	if (rc == RC_OK)
		rc = store_commit(s->store, err);
	if (rc != RC_OK)
		store_rollback(s->store);
	return rc;
}

enum rc
sequence_charter(struct sequencer *s, struct err *err)
{
	struct span		blob = buf_view(&s->c->first->bytes);
	struct submission	sub = { .dsse = buf_view(&s->c->charter_dsse),
				    .blob = &blob, .n_blobs = 1 };
	struct submission	*p = &sub;

	/* No admission: entry 0 is checked by apply against the genesis itself. */
	dsse_id(SPAN(NULL, 0), sub.admission.s.id);
	s->size = together(s, &p, 1, 0, SPAN(NULL, 0));
	if (sub.rc != RC_OK)
		*err = sub.err;
	else
		log_line("a new log: entry 0 is the charter");
	return sub.rc;
}

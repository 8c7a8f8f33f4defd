/* coordinator/casefile.c - a case out of our own log. */
#include <stdlib.h>
#include <string.h>

#include "coordinator/casefile.h"
#include "coordinator/cosigning.h"
#include "coordinator/journal.h"
#include "coordinator/logged.h"
#include "evidence/batch.h"

/* ---- which entries ------------------------------------------------------------------ */

void
case_indexes_done(struct case_indexes *x)
{
	free(x->index);
	*x = (struct case_indexes){ .index = NULL };
}

enum rc
case_indexes_add(struct case_indexes *x, uint64_t index, struct err *err)
{
	uint64_t	*bigger;
	size_t		 at = x->n;

	while (at > 0 && x->index[at - 1] > index)
		at--;
	if (at > 0 && x->index[at - 1] == index)
		return RC_OK;
	if (x->n == CASE_ENTRIES_MAX)
		return err_set(err, RC_LIMIT, "a case of more than %d entries", CASE_ENTRIES_MAX);
	if (x->n == x->cap) {
		size_t	cap = x->cap == 0 ? 64 : 2 * x->cap;

		bigger = realloc(x->index, cap * sizeof(uint64_t));
		if (bigger == NULL)
			return err_set(err, RC_NOMEM, "case: no memory");
		x->index = bigger;
		x->cap = cap;
	}
	memmove(x->index + at + 1, x->index + at, (x->n - at) * sizeof(uint64_t));
	x->index[at] = index;
	x->n++;
	return RC_OK;
}

struct collecting {
	struct case_indexes	*x;
	uint64_t		 size;
	bool			 receipts;	/* of an order; else decisions of a request */
};

static enum rc
on_subject(void *user, uint64_t index, enum statement_type type, bool effective,
    struct err *err)
{
	struct collecting	*k = user;
	bool			 wanted;

	wanted = k->receipts ? type == STATEMENT_RECEIPT :
	    type == STATEMENT_DECISION || type == STATEMENT_WITHDRAWAL;
	if (!wanted || !effective || index >= k->size)
		return RC_OK;
	return case_indexes_add(k->x, index, err);
}

static enum rc
on_revocation(void *user, uint64_t index, bool effective, const uint8_t id[SHA256_BYTES],
    struct err *err)
{
	struct collecting	*k = user;

	(void)id;
	if (!effective || index >= k->size)
		return RC_OK;
	return case_indexes_add(k->x, index, err);
}

static enum rc
add_batches(struct reader *r, const uint8_t scope_digest[SHA256_BYTES],
    struct case_indexes *x, struct err *err)
{
	AUTO_DONE(buf_done) struct buf bytes = BUF_INIT(SCOPE_BYTES_MAX);
	AUTO_DONE(scope_done) struct scope scope = { .n_artifacts = 0 };
	const struct state	*st = store_state(r->store);
	struct escrow_at	 at;
	uint32_t		 i;

	TRY(store_blob(r->store, scope_digest, &bytes, err));
	TRY(scope_parse(buf_view(&bytes), &scope, err));
	for (i = 0; i < scope.n_artifacts; i++) {
		TRY(st->escrow_find(st->user, scope.artifact[i].id, &at, NULL, err));
		TRY(case_indexes_add(x, at.batch, err));
	}
	return RC_OK;
}

/* ---- ... that put a charter in force --------------------------------------------------- */

struct charters {
	struct case_indexes	*x;
	uint64_t		 size;		/* what came in force from here on is left out */
	uint64_t		 last;		/* with which the last one below came in force */
	struct store		*store;
	struct casefile		*f;
	uint8_t			*digest;	/* of the last one, or NULL */
};

static enum rc
find_last(void *user, const uint8_t digest[SHA256_BYTES], uint64_t since, struct err *err)
{
	struct charters	*k = user;

	(void)digest;
	(void)err;
	if (since < k->size)
		k->last = since;
	return RC_OK;
}

/* What leads to a later charter comes after the one before it was in force. */
static enum rc
add_below(void *user, uint64_t index, struct err *err)
{
	struct charters	*k = user;

	return index <= k->last ? case_indexes_add(k->x, index, err) : RC_OK;
}

enum rc
case_indexes_lineage(struct reader *r, uint64_t size, struct case_indexes *ret, struct err *err)
{
	struct charters	k = { .x = ret, .size = size };

	TRY(case_indexes_add(ret, 0, err));
	TRY(replica_charters(r->replica, find_last, &k, err));
	return replica_lineage(r->replica, add_below, &k, err);
}

static bool
has_index(const struct case_indexes *x, uint64_t index)
{
	size_t	i;

	for (i = 0; i < x->n; i++)
		if (x->index[i] == index)
			return true;
	return false;
}

/* The documents whose last entry is there. */
static enum rc
load_charter(void *user, const uint8_t digest[SHA256_BYTES], uint64_t since, struct err *err)
{
	struct charters	*k = user;
	struct buf	*b;

	if (!has_index(k->x, since))
		return RC_OK;
	if (k->digest != NULL)
		memcpy(k->digest, digest, SHA256_BYTES);
	if (since == 0)
		return RC_OK;
	if (k->f->c.n_later == CASE_CHARTERS_MAX)
		return err_set(err, RC_LIMIT, "more than %d charters followed the genesis", CASE_CHARTERS_MAX);
	b = &k->f->later[k->f->c.n_later];
	*b = BUF_INIT(CHARTER_BYTES_MAX);
	k->f->c.later[k->f->c.n_later++] = SPAN(NULL, 0);	/* counted: casefile_done() */
	TRY(store_blob(k->store, digest, b, err));
	k->f->c.later[k->f->c.n_later - 1] = buf_view(b);
	return RC_OK;
}

static enum rc
load_charters(struct coordinator *c, struct reader *r, const struct case_indexes *x,
    struct casefile *f, uint8_t *ret_last, struct err *err)
{
	struct case_indexes	own = *x;
	struct charters		k = { .x = &own, .store = r->store, .f = f, .digest = ret_last };

	TRY(store_blob(r->store, c->genesis, &f->charter, err));
	f->c.charter = buf_view(&f->charter);
	f->c.known = c->first;
	return replica_charters(r->replica, load_charter, &k, err);
}

/* ---- ... and all of an order -------------------------------------------------------------- */

enum rc
case_indexes_of(struct reader *r, const uint8_t request[SHA256_BYTES], uint64_t order_index,
    uint64_t size, struct case_indexes *ret, struct err *err)
{
	AUTO_DONE(logged_done) struct logged order = LOGGED_INIT;
	struct collecting	k = { .x = ret, .size = size };
	uint64_t		request_index;

	TRY(logged_read(r->store, order_index, &order, err));
	TRY(store_find_statement(r->store, request, &request_index, err));
	TRY(case_indexes_lineage(r, size, ret, err));
	TRY(case_indexes_add(ret, request_index, err));
	TRY(case_indexes_add(ret, order_index, err));
	TRY(add_batches(r, order.s.u.order.scope, ret, err));
	TRY(journal_subject(r->store, request, on_subject, &k, err));
	TRY(journal_kind(r->store, STATEMENT_REVOCATION, UINT64_MAX, on_revocation, &k, err));
	k.receipts = true;
	return journal_subject(r->store, order.s.id, on_subject, &k, err);
}

/* ---- the bytes ----------------------------------------------------------------------------- */

static enum rc
load_entries(struct reader *r, const struct case_indexes *x, struct casefile *f,
    struct err *err)
{
	struct tree_path	path;
	size_t			i;

	if ((f->leaf = calloc(x->n, sizeof(struct buf))) == NULL)
		return err_set(err, RC_NOMEM, "case: no memory");
	for (i = 0; i < x->n; i++) {
		f->leaf[f->n_leaves++] = BUF_INIT(ENTRY_BYTES_MAX);
		TRY(store_entry(r->store, x->index[i], &f->leaf[i], err));
		TRY(store_inclusion(r->store, x->index[i], f->size, &path, err));
		TRY(case_add_entry(&f->c, x->index[i], buf_view(&f->leaf[i]), &path, err));
	}
	return RC_OK;
}

static enum rc
load_artifact(struct reader *r, const uint8_t id[ARTIFACT_ID_BYTES], struct casefile *f,
    struct err *err)
{
	AUTO_DONE(logged_done) struct logged batch = LOGGED_INIT;
	AUTO_DONE(buf_done) struct buf vector = BUF_INIT(DESCRIPTOR_VECTOR_MAX);
	const struct state	*st = store_state(r->store);
	struct case_place	*place = &f->place[f->n_descriptors];
	struct buf		*d = &f->descriptor[f->n_descriptors++];
	struct escrow_at	 at;
	struct tree_path	 path;
	struct span		 in_vector;

	*d = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	TRY(st->escrow_find(st->user, id, &at, d, err));
	TRY(logged_read(r->store, at.batch, &batch, err));
	TRY(store_blob(r->store, batch.s.u.batch.descriptors, &vector, err));
	TRY(batch_inclusion(buf_view(&vector), batch.s.u.batch.count, at.leaf,
	    &in_vector, &path, err));
	memcpy(place->root, batch.s.subject, sizeof(place->root));
	TRY(batch_envelope_of(buf_view(&vector), batch.s.u.batch.count, at.leaf, &place->at, err));
	place->at.descriptor = buf_view(d);
	return case_add_artifact(&f->c, id, at.batch, at.leaf, &path, buf_view(d), err);
}

static enum rc
load_artifacts(struct reader *r, struct casefile *f, struct err *err)
{
	uint32_t	i;

	TRY(scope_parse(buf_view(&f->scope), &f->parsed, err));
	f->descriptor = calloc(f->parsed.n_artifacts, sizeof(struct buf));
	f->place = calloc(f->parsed.n_artifacts, sizeof(struct case_place));
	if (f->descriptor == NULL || f->place == NULL)
		return err_set(err, RC_NOMEM, "case: no memory");
	for (i = 0; i < f->parsed.n_artifacts; i++)
		TRY(load_artifact(r, f->parsed.artifact[i].id, f, err));
	return RC_OK;
}

static enum rc
start(struct coordinator *c, struct casefile *f, struct err *err)
{
	f->charter = BUF_INIT(CHARTER_BYTES_MAX);
	f->scope = BUF_INIT(SCOPE_BYTES_MAX);
	f->note = BUF_INIT(NOTE_BYTES_MAX);
	TRY(cosigning_latest(c->cosigning, &f->note, &f->size, err));
	f->c.checkpoint = buf_view(&f->note);
	return RC_OK;
}

enum rc
casefile_lineage(struct coordinator *c, struct reader *r, struct casefile *ret,
    uint8_t ret_charter[SHA256_BYTES], struct err *err)
{
	AUTO_DONE(case_indexes_done) struct case_indexes x = { .index = NULL };

	TRY(start(c, ret, err));
	if (ret->size == 0)
		return err_set(err, RC_UNSURE, "not cosigned yet");
	TRY(case_indexes_lineage(r, ret->size, &x, err));
	TRY(load_charters(c, r, &x, ret, ret_charter, err));
	return load_entries(r, &x, ret, err);
}

enum rc
casefile_load(struct coordinator *c, struct reader *r, const struct case_indexes *x,
    uint64_t request_index, uint64_t order_index, struct casefile *ret, struct err *err)
{
	AUTO_DONE(logged_done) struct logged request = LOGGED_INIT, order = LOGGED_INIT;

	TRY(start(c, ret, err));
	if (x->n == 0 || x->index[x->n - 1] >= ret->size)
		return err_set(err, RC_UNSURE, "not cosigned yet");
	TRY(logged_read(r->store, request_index, &request, err));
	TRY(logged_read(r->store, order_index, &order, err));
	memcpy(ret->order, order.s.id, SHA256_BYTES);
	TRY(load_charters(c, r, x, ret, NULL, err));
	TRY(store_blob(r->store, request.s.subject, &ret->scope, err));
	ret->c.scope = buf_view(&ret->scope);
	TRY(load_entries(r, x, ret, err));
	return load_artifacts(r, ret, err);
}

void
casefile_done(struct casefile *f)
{
	size_t	i;

	for (i = 0; i < f->c.n_later; i++)
		buf_done(&f->later[i]);
	case_done(&f->c);
	for (i = 0; i < f->n_leaves; i++)
		buf_done(&f->leaf[i]);
	for (i = 0; i < f->n_descriptors; i++)
		buf_done(&f->descriptor[i]);
	free(f->leaf);
	free(f->descriptor);
	free(f->place);
	scope_done(&f->parsed);
	buf_done(&f->charter);
	buf_done(&f->scope);
	buf_done(&f->note);
	*f = CASEFILE_INIT;
}

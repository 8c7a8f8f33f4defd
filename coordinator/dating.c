/* coordinator/dating.c - which time-stamps date the batches of a package. See dating.h. */
#include <stdlib.h>
#include <string.h>

#include "audit/anchor.h"
#include "coordinator/dating.h"
#include "coordinator/journal.h"
#include "coordinator/logged.h"

DEFINE_AUTO(free, uint64_t);

#define ENTRIES_SPARE	256u	/* of a case: for the release, and charters that come in force with it */

/* One TSA of the charter in force. */
struct authority {
	const char	*id;
	uint64_t	 last;		/* the entry of its last anchor */
	size_t		 next;		/* the first batch that it does not date yet */
	uint64_t	*anchor;	/* entries of its that each date a batch as the first one */
	size_t		 n;
};

struct choosing {
	struct store		*store;
	uint64_t		 size, after;
	uint64_t		*batch;		/* ascending */
	size_t			 n_batches;
	struct authority	 by[TSAS_MAX];
	size_t			 n_by;
	unsigned		 reads;
};

static void
choosing_done(struct choosing *k)
{
	free(k->batch);
	for (size_t i = 0; i < k->n_by; i++)
		free(k->by[i].anchor);
}

/* Of one type, among the entries of a case. */
static enum rc
list_type(struct store *s, const struct case_indexes *x, enum statement_type type, uint64_t **ret,
    size_t *ret_n, struct err *err)
{
	struct verdict	v;

	*ret_n = 0;
	if ((*ret = calloc(x->n + 1, sizeof(uint64_t))) == NULL)
		return err_set(err, RC_NOMEM, "package: no memory for its entries");
	for (size_t i = 0; i < x->n; i++) {
		TRY(store_verdict(s, x->index[i], &v, err));
		if (v.type == type && v.effective)
			(*ret)[(*ret_n)++] = x->index[i];
	}
	return RC_OK;
}

/* ---- which anchors there are --------------------------------------------------------- */

/* Those that have stamped anything past the first batch. */
static enum rc
list_authorities(struct choosing *k, struct reader *r, const struct charter *charter, struct err *err)
{
	struct anchor_at	last;
	enum rc			rc;

	for (uint32_t i = 0; i < charter->n_tsas; i++) {
		struct authority	*a = &k->by[k->n_by];

		rc = replica_anchor(r->replica, charter->tsa[i].id, &last, err);
		if (rc == RC_MISSING || (rc == RC_OK && last.size <= k->batch[0]))
			continue;
		TRY(rc);
		if ((k->n_by + 1) * k->n_batches > PACKAGE_ANCHORED_MAX)
			break;
		*a = (struct authority){ .id = charter->tsa[i].id, .last = last.index };
		k->n_by++;
		if ((a->anchor = calloc(k->n_batches, sizeof(uint64_t))) == NULL)
			return err_set(err, RC_NOMEM, "package: no memory for its anchors");
	}
	return RC_OK;
}

/* Is there nothing to be found at this entry and above it? */
static bool
all_found(const struct choosing *k, uint64_t index)
{
	for (size_t i = 0; i < k->n_by; i++)
		if (k->by[i].next < k->n_batches && index <= k->by[i].last)
			return false;
	return true;
}

static enum rc
look_at(struct choosing *k, uint64_t index, struct err *err)
{
	AUTO_DONE(logged_done) struct logged l = LOGGED_INIT;

	TRY(logged_read(k->store, index, &l, err));
	for (size_t i = 0; i < k->n_by; i++) {
		struct authority	*a = &k->by[i];
		size_t			 was = a->next;

		if (strcmp(a->id, l.s.u.anchor.tsa) != 0)
			continue;
		while (a->next < k->n_batches && k->batch[a->next] < l.s.u.anchor.size)
			a->next++;
		if (a->next > was)
			a->anchor[a->n++] = index;
	}
	return RC_OK;
}

static enum rc
on_anchor(void *user, uint64_t index, bool effective, const uint8_t id[SHA256_BYTES], struct err *err)
{
	struct choosing	*k = user;

	(void)id;
	k->after = index;
	if (index >= k->size || k->reads == DATING_READS_MAX || all_found(k, index))
		return RC_LIMIT;
	k->reads++;
	return effective ? look_at(k, index, err) : RC_OK;
}

/* What is stamped stands below its stamp: from the first batch on, a page at a time. */
static enum rc
find(struct choosing *k, struct err *err)
{
	unsigned	before;

	k->after = k->batch[0];
	do {
		before = k->reads;
		TRY(journal_kind(k->store, STATEMENT_ANCHOR, k->after, on_anchor, k, err));
	} while (k->reads - before == JOURNAL_INDEX_MAX);
	return RC_OK;
}

/* ---- which of them are taken ----------------------------------------------------------- */

/* Each TSA has its part of the places; the last of each run of its anchors stands for the run. */
static enum rc
take(struct choosing *k, struct case_indexes *x, struct err *err)
{
	size_t	places = k->n_by > 0 ? PACKAGE_ANCHORS_MAX / k->n_by : 0, n = 0;

	for (size_t i = 0; i < k->n_by; i++)
		n += k->by[i].n < places ? k->by[i].n : places;
	if (x->n + n + ENTRIES_SPARE > CASE_ENTRIES_MAX)
		return RC_OK;
	for (size_t i = 0; i < k->n_by; i++) {
		const struct authority	*a = &k->by[i];

		n = a->n < places ? a->n : places;
		for (size_t j = 1; j <= n; j++)
			TRY(case_indexes_add(x, a->anchor[a->n * j / n - 1], err));
	}
	return RC_OK;
}

enum rc
dating_choose(struct reader *r, const struct charter *charter, uint64_t size, struct case_indexes *x,
    struct err *err)
{
	AUTO_DONE(choosing_done) struct choosing k = { .store = r->store, .size = size };

	TRY(list_type(r->store, x, STATEMENT_BATCH, &k.batch, &k.n_batches, err));
	if (k.n_batches == 0)
		return RC_OK;
	TRY(list_authorities(&k, r, charter, err));
	TRY(find(&k, err));
	return take(&k, x, err);
}

/* ---- what they date ---------------------------------------------------------------------- */

void
dating_done(struct dating *d)
{
	for (size_t i = 0; i < d->n; i++) {
		buf_done(&d->blob[i]);
		free(d->batch[i]);
	}
	d->n = 0;
}

static enum rc
load_anchor(struct store *s, uint64_t index, struct dating *d, struct err *err)
{
	AUTO_DONE(logged_done) struct logged l = LOGGED_INIT;
	size_t	i = d->n;

	if (i == PACKAGE_ANCHORS_MAX)
		return err_set(err, RC_BUG, "package: more than %d anchors", PACKAGE_ANCHORS_MAX);
	TRY(logged_read(s, index, &l, err));
	d->blob[i] = BUF_INIT(ANCHOR_BYTES_MAX);
	d->n++;
	TRY(store_blob(s, l.s.u.anchor.archive, &d->blob[i], err));
	memcpy(d->tsa[i], l.s.u.anchor.tsa, sizeof(d->tsa[i]));
	d->size[i] = l.s.u.anchor.size;
	d->archive[i] = buf_view(&d->blob[i]);
	d->anchor[i] = (struct package_anchor){ .index = index, .archive = d->archive[i] };
	return RC_OK;
}

/* Is this the first of its TSA that covers the batch? */
static bool
dates(const struct dating *d, size_t anchor, uint64_t batch)
{
	if (batch >= d->size[anchor])
		return false;
	for (size_t i = 0; i < anchor; i++)
		if (batch < d->size[i] && strcmp(d->tsa[i], d->tsa[anchor]) == 0)
			return false;
	return true;
}

static enum rc
load_dated(struct store *s, struct dating *d, size_t anchor, const uint64_t *batch, size_t n_batches,
    struct err *err)
{
	struct package_anchor	*a = &d->anchor[anchor];
	size_t			 n = 0;

	for (size_t i = 0; i < n_batches; i++)
		n += dates(d, anchor, batch[i]);
	if ((d->batch[anchor] = calloc(n + 1, sizeof(**d->batch))) == NULL)
		return err_set(err, RC_NOMEM, "package: no memory for what its anchors date");
	a->batch = d->batch[anchor];
	for (size_t i = 0; i < n_batches; i++) {
		struct package_anchored	*at = &d->batch[anchor][a->n];

		if (!dates(d, anchor, batch[i]))
			continue;
		at->batch = batch[i];
		TRY(store_inclusion(s, batch[i], d->size[anchor], &at->path, err));
		a->n++;
	}
	return RC_OK;
}

static enum rc
load_all(struct store *s, const struct case_indexes *x, const uint64_t *batch, size_t n_batches,
    struct dating *d, struct err *err)
{
	AUTO(free) uint64_t	*anchor = NULL;
	size_t			 n;

	TRY(list_type(s, x, STATEMENT_ANCHOR, &anchor, &n, err));
	for (size_t i = 0; i < n; i++)
		TRY(load_anchor(s, anchor[i], d, err));
	for (size_t i = 0; i < n; i++)
		TRY(load_dated(s, d, i, batch, n_batches, err));
	return RC_OK;
}

enum rc
dating_load(struct reader *r, const struct case_indexes *x, struct dating *ret, struct err *err)
{
	AUTO(free) uint64_t	*batch = NULL;
	size_t			 n;

	TRY(list_type(r->store, x, STATEMENT_BATCH, &batch, &n, err));
	return load_all(r->store, x, batch, n, ret, err);
}

/*
 * Until when the log held what was sealed: anchors, by time-stamping authorities. An anchor's
 * token stands in the log, which dates it; so it is judged at its own time alone.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/verify_parts.h"

struct dated { uint64_t batch; when time; /* 0: by nobody */ };

/* What is known while the anchors are gone through. */
struct dating {
	const struct verifier	*v;
	struct dated		*batch;		/* of the scope, ascending, each once */
	uint32_t		 n;
	char			 tsa[PACKAGE_ANCHORS_MAX][ID_MAX + 1];
	char			 signer[128];	/* of a good token that dates one */
	bool			 odd;		/* one does not, for its time is not the log's: */
	uint64_t		 odd_index;
	when			 odd_time;
};

static void
dating_done(struct dating *d)
{
	free(d->batch);
}

static int
compare(const void *a, const void *b)
{
	const struct dated	*x = a, *y = b;

	return x->batch < y->batch ? -1 : x->batch > y->batch;
}

static enum rc
list_batches(struct dating *d, struct err *err)
{
	const struct evidence_case	*c = &d->v->view.kase;

	if ((d->batch = calloc(c->n_artifacts, sizeof(*d->batch))) == NULL)
		return err_set(err, RC_NOMEM, "no memory for %u batches", c->n_artifacts);
	for (uint32_t i = 0; i < c->n_artifacts; i++)
		d->batch[i].batch = c->artifact[i].batch;
	qsort(d->batch, c->n_artifacts, sizeof(*d->batch), compare);
	for (uint32_t i = 0; i < c->n_artifacts; i++)
		if (i == 0 || d->batch[i].batch != d->batch[d->n - 1].batch)
			d->batch[d->n++] = d->batch[i];
	return RC_OK;
}

/* --- one anchor -------------------------------------------------------------------------- */

static enum rc
anchor_statement(const struct verifier *v, const struct view_anchor *a, struct statement *ret, struct err *err)
{
	const struct case_entry	*e = case_entry_at(&v->view.kase, a->index);
	uint32_t		 i = e == NULL ? 0 : (uint32_t)(e - v->view.kase.entry);
	uint8_t			 digest[SHA256_BYTES];

	if (e == NULL || !v->checked->verdict[i].effective || v->checked->verdict[i].type != STATEMENT_ANCHOR)
		return err_set(err, RC_VERIFY, "entry %" PRIu64 " is no anchor that stands", a->index);
	TRY(verifier_statement(v, i, ret, err));
	sha256_one(digest, buf_view(&a->archive));
	if (memcmp(digest, ret->u.anchor.archive, SHA256_BYTES) != 0)
		return err_set(err, RC_VERIFY, "anchor entry %" PRIu64 " names another archive", a->index);
	return RC_OK;
}

/* The charter that was in force when an entry was logged, of those in the package. */
static struct span
charter_at(const struct verifier *v, uint64_t index)
{
	const struct evidence_case	*c = &v->view.kase;
	uint8_t				 digest[SHA256_BYTES];
	uint32_t			 n = 0;

	while (n + 1 < v->checked->n_charters && v->checked->since[n + 1] < index)
		n++;
	for (uint32_t i = 0; i < c->n_later; i++) {
		sha256_one(digest, c->later[i]);
		if (memcmp(digest, v->checked->charters[n], SHA256_BYTES) == 0)
			return c->later[i];
	}
	return c->charter;
}

/* A TSA may have been given other certificates since; the log took the anchor under those of its time. */
static enum rc
mark_anchor(const struct verifier *v, const struct view_anchor *a, const struct statement *s, struct time_mark *ret,
    struct err *err)
{
	AUTO(charter_free) struct charter	*then = NULL;
	struct roots				 r;
	struct timestamp_trust			 trust = { .root = r.root };
	const struct tsa			*tsa;

	TRY(charter_parse(charter_at(v, a->index), &then, err));
	roots_init(&r, v->trust);
	if ((tsa = charter_tsa(then, s->u.anchor.tsa)) != NULL)
		roots_add(&r, tsa);
	if ((tsa = charter_tsa(v->charter, s->u.anchor.tsa)) != NULL)
		roots_add(&r, tsa);
	trust.n_roots = r.n;
	trust.certificate = a->parts.certificate;
	trust.n_certificates = a->parts.n_certificates;
	trust.crl = a->parts.crl;
	trust.n_crls = a->parts.n_crls;
	return verifier_mark(a->parts.token, s->subject, &trust, ret, err);
}

/*
 * anchor-v1 section 4: not from before what it stamped, nor from after it was logged. Which of the clocks is wrong
 * nobody here can tell; so such a token dates nothing, and is no reason to refuse the rest.
 */
static enum rc
fits_log(const struct dating *d, uint64_t anchor, uint64_t batch, when time, bool *ret, struct err *err)
{
	struct entry	from, until;

	TRY(entry_parse(case_entry_at(&d->v->view.kase, batch)->leaf, &from, err));
	TRY(entry_parse(case_entry_at(&d->v->view.kase, anchor)->leaf, &until, err));
	*ret = time + VERIFY_CLOCK_SECONDS >= from.time && time <= until.time + VERIFY_CLOCK_SECONDS;
	return RC_OK;
}

static enum rc
date_batch(struct dating *d, const struct view_anchor *a, const struct package_anchored *b, const struct checkpoint *cp,
    const struct timestamp *t, struct err *err)
{
	const struct case_entry	*e = case_entry_at(&d->v->view.kase, b->batch);
	struct dated		 key = { .batch = b->batch }, *found;
	uint8_t			 leaf[TREE_HASH_BYTES];
	bool			 fits;

	found = bsearch(&key, d->batch, d->n, sizeof(*d->batch), compare);
	if (e == NULL || found == NULL)
		return err_set(err, RC_VERIFY, "anchor entry %" PRIu64 " is there for entry %" PRIu64
		    ", which is no batch of the scope", a->index, b->batch);
	tree_leaf(e->leaf, leaf);
	TRY(tree_inclusion_verify(leaf, b->batch, cp->size, &b->path, cp->root, err));
	TRY(fits_log(d, a->index, b->batch, t->time, &fits, err));
	if (!fits) {
		d->odd = true;
		d->odd_index = a->index;
		d->odd_time = t->time;
		return RC_OK;
	}
	if (found->time == 0 || t->time < found->time)
		found->time = t->time;
	memcpy(d->signer, t->signer, sizeof(d->signer));
	return RC_OK;
}

/* Does another anchor of this TSA, before this one, date a batch that this one dates? Both ascend. */
static bool
dated_before(const struct package_view *v, const struct view_anchor *a, const struct view_anchor *b)
{
	for (uint32_t i = 0, k = 0; i < a->n && k < b->n;) {
		uint64_t	x = v->anchored[a->first + i].batch, y = v->anchored[b->first + k].batch;

		if (x == y)
			return true;
		if (x < y)
			i++;
		else
			k++;
	}
	return false;
}

static enum rc
look_at_anchor(struct dating *d, uint32_t number, struct err *err)
{
	AUTO_DONE(statement_done) struct statement	s = { .type = STATEMENT_UNKNOWN };
	const struct package_view			*v = &d->v->view;
	const struct view_anchor			*a = &v->anchor[number];
	struct time_mark				 m = { .kind = MARK_NONE };
	struct checkpoint				 cp;

	TRY(anchor_statement(d->v, a, &s, err));
	memcpy(d->tsa[number], s.u.anchor.tsa, sizeof(d->tsa[number]));
	for (uint32_t i = 0; i < number; i++)
		if (strcmp(d->tsa[i], d->tsa[number]) == 0 && dated_before(v, &v->anchor[i], a))
			return err_set(err, RC_VERIFY, "two anchors of %s for one batch", d->tsa[number]);
	TRY(mark_anchor(d->v, a, &s, &m, err));
	if (m.kind == MARK_BAD || m.kind == MARK_STRANGER)
		return err_set(err, RC_VERIFY, "anchor entry %" PRIu64 " has no token of %s: %s", a->index,
		    s.u.anchor.tsa, m.why);
	TRY(verifier_clock(d->v, &m.t, err));
	/* The replay saw that q custodians cosigned it. */
	TRY(checkpoint_stated(a->parts.note, &cp, err));
	for (uint32_t i = 0; i < a->n; i++)
		TRY(date_batch(d, a, &v->anchored[a->first + i], &cp, &m.t, err));
	return RC_OK;
}

/* --- all of them --------------------------------------------------------------------------- */

static void
say_dated(struct verifier *v, const struct dating *d)
{
	char		first[WHEN_TEXT_BYTES], last[WHEN_TEXT_BYTES];
	when		from = 0, until = 0;
	uint32_t	dated = 0;

	for (uint32_t i = 0; i < d->n; i++) {
		when	t = d->batch[i].time;

		if (t == 0)
			continue;
		from = dated == 0 || t < from ? t : from;
		until = t > until ? t : until;
		dated++;
	}
	v->unsure = dated < d->n;
	buf_printf(&v->words, "%u of %u batches were in the log", dated, d->n);
	if (dated == 0)
		buf_printf(&v->words, " before a time that an authority's token gives");
	else if (from == until)
		buf_printf(&v->words, " before %s", when_write(until, last));
	else
		buf_printf(&v->words, ", the first before %s, the last before %s", when_write(from, first),
		    when_write(until, last));
	if (dated > 0)
		buf_printf(&v->words, ", says %s", d->signer);
	if (d->odd)
		buf_printf(&v->words, "; anchor entry %" PRIu64 " was stamped at %s, which is not when the log has it: a clock is wrong",
		    d->odd_index, when_write(d->odd_time, last));
	if (dated < d->n)
		buf_printf(&v->words, "; nobody but the log dates the others");
}

enum rc
step_sealed(struct verifier *v, struct err *err)
{
	AUTO_DONE(dating_done) struct dating	d = { .v = v };

	if (v->view.n_anchors == 0) {
		v->unsure = true;
		buf_printf(&v->words, "no anchor is in the package; the log says when each batch was sealed");
		return RC_OK;
	}
	TRY(list_batches(&d, err));
	for (uint32_t i = 0; i < v->view.n_anchors; i++)
		TRY(look_at_anchor(&d, i, err));
	say_dated(v, &d);
	return RC_OK;
}

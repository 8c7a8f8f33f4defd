/*
 * policy/apply_batch.c - what is sealed, and what custodians found in it
 * (docs/spec/apply-v1.md section 5).
 */
#include <stdlib.h>
#include <string.h>

#include "policy/apply_impl.h"
#include "policy/runs.h"
#include "shamir/sealed.h"

struct ids {
	size_t	n;
	uint8_t	id[BATCH_COUNT_MAX][ARTIFACT_ID_BYTES];
};

struct checking {
	struct applying	*a;
	struct ids	*ids;
};

/*
 * Each custodian once, by the epoch in force, with what has the form of a point. That it is
 * one, who uses it checks (docs/adr/0020-points-are-checked-where-used.md).
 */
static enum rc
custodians_check(struct applying *a)
{
	const struct statement_batch	*b = &a->s.u.batch;

	if (b->n != a->charter->n)
		return refuse(a, VOID_BATCH);
	for (size_t i = 0; i < b->n; i++)
		if (b->custodian[i].encapsulation[0] != SEALED_POINT_FORM ||
		    b->custodian[i].epoch != a->charter->custodian[i].n_epochs)
			return refuse(a, VOID_BATCH);
	return RC_OK;
}

static bool
descriptor_fits(const struct applying *a, const struct descriptor *d)
{
	return d->shares == a->charter->n &&
	    d->commits.threshold == a->charter->k &&
	    charter_policy_by_digest(a->charter, d->policy) != NULL &&
	    charter_class(a->charter, d->class_id) != NULL &&
	    d->sealed_at + DAY_SECONDS >= a->now &&
	    d->sealed_at <= a->dated + CLOCK_SKEW_SECONDS;
}

static enum rc
descriptor_check(void *user, uint32_t leaf, struct span bytes, struct err *err)
{
	struct checking		*k = user;
	struct applying		*a = k->a;
	struct escrow_at	 at;
	struct descriptor	 d;
	enum rc			 rc;

	if (descriptor_parse_form(bytes, &d, NULL) != RC_OK ||
	    !descriptor_fits(a, &d))
		return refuse(a, VOID_BATCH);
	rc = a->st->escrow_find(a->st->user, d.id, &at, NULL, err);
	if (rc == RC_OK)
		return refuse(a, VOID_DUPLICATE);
	if (rc != RC_MISSING)
		return rc;
	if (k->ids->n == BATCH_COUNT_MAX)
		return err_set(err, RC_BUG, "batch: descriptor %u is one too many",
		    leaf);
	memcpy(k->ids->id[k->ids->n++], d.id, sizeof(d.id));
	return RC_OK;
}

static int
by_id(const void *a, const void *b)
{
	return memcmp(a, b, ARTIFACT_ID_BYTES);
}

/* One artifact sealed twice in one batch. */
static bool
ids_repeat(struct ids *l)
{
	qsort(l->id, l->n, sizeof(l->id[0]), by_id);
	for (size_t i = 1; i < l->n; i++)
		if (by_id(l->id[i - 1], l->id[i]) == 0)
			return true;
	return false;
}

static enum rc
each_descriptor(struct applying *a, descriptor_fn fn, void *user,
    struct err *err)
{
	const struct statement_batch	*b = &a->s.u.batch;

	return a->st->descriptors(a->st->user, b->descriptors, a->s.subject,
	    b->count, fn, user, err);
}

static enum rc
descriptors_check(struct applying *a, struct err *err)
{
	struct ids	ids = { 0 };
	struct checking	k = { a, &ids };
	enum rc		rc = each_descriptor(a, descriptor_check, &k, err);

	/* The vector is not what the statement says: root or count. */
	if (is_refusal(rc))
		return refuse(a, VOID_BATCH);
	TRY(rc);
	return ids_repeat(&ids) ? refuse(a, VOID_DUPLICATE) : RC_OK;
}

static enum rc
descriptor_add(void *user, uint32_t leaf, struct span bytes, struct err *err)
{
	struct applying		*a = user;
	struct escrow_at	 at = { a->index, leaf };
	enum rc			 rc;

	/* The same bytes as before: descriptor_check() has read them. */
	rc = a->st->escrow_add(a->st->user, descriptor_id(bytes), at, bytes, err);
	if (rc == RC_DENIED)
		return err_set(err, RC_BUG, "batch: an artifact that was new is not");
	return rc;
}

enum rc
apply_batch(struct applying *a, struct err *err)
{
	struct rec_batch	r = { .count = a->s.u.batch.count,
				    .logged = a->now };
	uint32_t		day = when_day(a->now);
	uint64_t		used;

	TRY(custodians_check(a));
	TRY(rec_count_get(a->st, 'q', a->s.signer, day, &used, err));
	if (a->sealer->artifacts_per_day != 0 &&
	    used + r.count > a->sealer->artifacts_per_day)
		return refuse(a, VOID_BATCH);
	TRY(descriptors_check(a, err));

	memcpy(r.id, a->s.id, sizeof(r.id));
	memcpy(r.root, a->s.subject, sizeof(r.root));
	memcpy(r.sealer, a->sealer->id, sizeof(r.sealer));
	TRY(rec_batch_put(&a->changes, a->index, &r, err));
	TRY(rec_count_put(&a->changes, 'q', a->s.signer, day, used + r.count, err));
	return each_descriptor(a, descriptor_add, a, err);
}

/* The batch that the subject names, which must have been effective. */
static enum rc
batch_of_subject(struct applying *a, uint64_t *ret_index, struct rec_batch *ret,
    struct err *err)
{
	struct rec_statement	s;
	enum rc			rc;

	rc = rec_statement_get(a->st, a->s.subject, &s, err);
	if (rc == RC_MISSING)
		return refuse(a, VOID_UNKNOWN_SUBJECT);
	TRY(rc);
	if (s.type != STATEMENT_BATCH || s.why != VOID_NONE)
		return refuse(a, VOID_UNKNOWN_SUBJECT);
	*ret_index = s.index;
	return rec_batch_get(a->st, s.index, ret, err);
}

static enum rc
mark(struct applying *a, char kind, uint8_t custodian, uint32_t leaf,
    struct err *err)
{
	uint64_t	before;
	enum rc		rc;

	rc = rec_mark_get(a->st, kind, a->s.subject, custodian, leaf, &before, err);
	if (rc != RC_MISSING)
		return rc == RC_OK ? refuse(a, VOID_DUPLICATE) : rc;
	return rec_mark_put(&a->changes, kind, a->s.subject, custodian, leaf,
	    a->index, err);
}

/* From an effective batch to the subject's own. */
static enum rc
run_of_subject(struct applying *a, struct run *ret, struct err *err)
{
	struct rec_batch	b;
	enum rc			rc;

	ret->first = a->s.u.checked.first;
	ret->index = a->index;
	TRY(batch_of_subject(a, &ret->last, &b, err));
	if (ret->first > ret->last)
		return refuse(a, VOID_SCOPE);
	rc = rec_batch_get(a->st, ret->first, &b, err);
	return rc == RC_MISSING ? refuse(a, VOID_SCOPE) : rc;
}

enum rc
apply_checked(struct applying *a, struct err *err)
{
	uint8_t		custodian = a->s.u.checked.custodian;
	struct run	run, other;
	enum rc		rc;

	TRY(run_of_subject(a, &run, err));
	TRY(runs_last(a->st, custodian, &other, err));
	if (run.first > other.last)
		return runs_add(&a->changes, custodian, &run, err);
	/* Behind the runs only one batch at a time: its shares came late. */
	if (run.first != run.last)
		return refuse(a, VOID_DUPLICATE);
	rc = runs_find(a->st, custodian, run.last, &other, err);
	if (rc != RC_MISSING)
		return rc == RC_OK ? refuse(a, VOID_DUPLICATE) : rc;
	return mark(a, 'c', custodian, 0, err);
}

enum rc
apply_garbage(struct applying *a, struct err *err)
{
	struct rec_batch	b;
	uint64_t		index;

	TRY(batch_of_subject(a, &index, &b, err));
	if (a->s.u.garbage.leaf >= b.count)
		return refuse(a, VOID_SCOPE);
	/* After its own `checked` as well: then it tells on itself. */
	return mark(a, 'g', a->s.u.garbage.custodian, a->s.u.garbage.leaf, err);
}

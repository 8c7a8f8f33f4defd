/*
 * cli/report_anchor.c - trusted time: what the tokens in a log are worth, and where they are missing.
 *
 * Apply looks at the shape of an anchor alone, so that replicas cannot part over an X.509
 * library (docs/spec/anchor-v1.md). Here the token is judged, as of its own time.
 */
#include <string.h>

#include "audit/anchor.h"
#include "cli/report_impl.h"

#define SKEW_SECONDS	300	/* as for a signer's clock (docs/spec/apply-v1.md) */
#define GRACE_SECONDS	120	/* for a TSA to be asked and its answer to be logged */

/* --- one token ------------------------------------------------------------------------------ */

static enum rc
judge(const struct walk *w, const struct anchor *a, struct timestamp *ret, struct err *err)
{
	const struct tsa	*tsa = charter_tsa(w->charter, w->s.u.anchor.tsa);
	struct span		 root[TSA_CERTS_MAX];
	struct timestamp_trust	 trust = { .root = root, .certificate = a->certificate, .n_certificates = a->n_certificates,
	    .crl = a->crl, .n_crls = a->n_crls };

	if (tsa == NULL)
		return err_set(err, RC_VERIFY, "the charter has no TSA %s", w->s.u.anchor.tsa);
	for (; trust.n_roots < tsa->n_certificates; trust.n_roots++)
		root[trust.n_roots] = SPAN(tsa->certificate[trust.n_roots].p, tsa->certificate[trust.n_roots].n);
	return timestamp_verify(a->token, w->s.subject, &trust, ret, err);
}

/* The log's own clock against the TSA's: after the last entry that it covers, before its own. */
static enum rc
clock_check(struct walk *w, const struct report_anchor *a, struct err *err)
{
	const struct report_source	*s = w->r->source;
	struct verdict			 last = { .time = 0 };

	if (a->size > 0)
		TRY(s->verdict(s->user, a->size - 1, &last, err));
	if (a->stamped + SKEW_SECONDS < last.time)
		return report_find(w->r, FINDING_ANCHOR_TIME, w->index, err, "TSA %s stamped the log %llu s before the log says that "
		    "entry %llu was written", a->tsa, (unsigned long long)(last.time - a->stamped),
		    (unsigned long long)a->size - 1);
	if (a->stamped > w->v.time + SKEW_SECONDS)
		return report_find(w->r, FINDING_ANCHOR_TIME, w->index, err, "TSA %s stamped the log %llu s after the log says that "
		    "its token was there", a->tsa, (unsigned long long)(a->stamped - w->v.time));
	return RC_OK;
}

static enum rc
anchor_judge(struct walk *w, struct report_anchor *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(ANCHOR_BYTES_MAX);
	struct anchor			archive;
	struct timestamp		t;
	struct err			why = { RC_OK, "" };
	enum rc				rc;

	TRY(w->r->source->blob(w->r->source->user, w->s.u.anchor.archive, &b, err));
	TRY(anchor_parse(buf_view(&b), &archive, err));
	a->lists = archive.n_crls;
	rc = judge(w, &archive, &t, &why);
	if (rc == RC_NOMEM || rc == RC_BUG) {
		*err = why;
		return rc;
	}
	if (rc != RC_OK)
		return report_find(w->r, FINDING_ANCHOR_BAD, w->index, err, "the token of TSA %s does not hold: %.160s", a->tsa,
		    why.msg);
	a->good = true;
	a->stamped = t.time;
	memcpy(a->signer, t.signer, sizeof(a->signer));
	return clock_check(w, a, err);
}

/* --- the schedule ----------------------------------------------------------------------------- */

static struct tsa_watch *
watched(struct walk *w, const char *tsa)
{
	size_t	i;

	for (i = 0; i < TSAS_MAX; i++)
		if (strcmp(w->tsa[i].id, tsa) == 0)
			return &w->tsa[i];
	return NULL;
}

/* Those of the charter that is in force from here on; who is new is due from here. */
void
report_watch_tsas(struct walk *w, const struct charter *c, when now)
{
	struct tsa_watch	next[TSAS_MAX];
	uint32_t		i;

	memset(next, 0, sizeof(next));
	for (i = 0; i < c->n_tsas && i < TSAS_MAX; i++) {
		const struct tsa_watch	*had = watched(w, c->tsa[i].id);

		if (had != NULL)
			next[i] = *had;
		else {
			memcpy(next[i].id, c->tsa[i].id, sizeof(next[i].id));
			next[i].last = now;
		}
	}
	memcpy(w->tsa, next, sizeof(next));
}

/* An entry that is no anchor: from when on is the next one due? */
static void
becomes_due(struct tsa_watch *t, const struct charter *c, when now)
{
	when	by_time = t->last + c->anchor_seconds;

	if (t->pending++ == 0 && c->anchor_seconds > 0) {
		t->due = by_time > now ? by_time : now;
		t->is_due = true;
	}
	if (c->anchor_entries > 0 && t->pending == c->anchor_entries && (!t->is_due || now < t->due)) {
		t->due = now;
		t->is_due = true;
	}
}

static enum rc
was_due(struct walk *w, struct tsa_watch *t, when at, enum finding_kind k, uint64_t index, struct err *err)
{
	char	text[WHEN_TEXT_BYTES];

	if (!t->is_due || at <= t->due || at - t->due <= GRACE_SECONDS)
		return RC_OK;
	return report_find(w->r, k, index, err, "TSA %s was to stamp the log by %s; %llu entries %s", t->id,
	    when_write(t->due, text), (unsigned long long)t->pending,
	    k == FINDING_ANCHOR_GAP ? "had come by the time it did" : "wait for it");
}

void
report_schedule(struct walk *w)
{
	size_t	i;

	for (i = 0; w->v.type != STATEMENT_ANCHOR && i < TSAS_MAX; i++)
		if (w->tsa[i].id[0] != '\0')
			becomes_due(&w->tsa[i], w->charter, w->v.time);
}

/* Those before this entry that the anchor does not cover. Void ones wait too, whatever they are. */
static uint64_t
uncovered(const struct walk *w, uint64_t size)
{
	const struct report	*r = w->r;
	uint64_t		 n = w->index - size;
	size_t			 i;

	for (i = r->n_anchors; i > 0 && r->anchor[i - 1].index >= size; i--)
		n -= r->anchor[i - 1].index < w->index;
	return n;
}

/* A good token: what it does not cover waits for the next. Apply lets none cover less than the last. */
static enum rc
anchor_meets(struct walk *w, const struct report_anchor *a, struct err *err)
{
	const struct report_source	*s = w->r->source;
	uint64_t			 most = w->charter->anchor_entries;
	struct tsa_watch		*t = watched(w, a->tsa);
	struct verdict			 v;

	if (t == NULL)
		return RC_OK;
	TRY(was_due(w, t, w->v.time, FINDING_ANCHOR_GAP, w->index, err));
	t->last = w->v.time;
	t->pending = uncovered(w, a->size);
	t->due = t->last + w->charter->anchor_seconds;
	t->is_due = t->pending > 0 && w->charter->anchor_seconds > 0;
	if (most == 0 || t->pending < most)
		return RC_OK;
	TRY(s->verdict(s->user, a->size + most - 1, &v, err));
	t->due = v.time;
	t->is_due = true;
	return RC_OK;
}

enum rc
report_overdue_anchors(struct walk *w, struct err *err)
{
	size_t	i;

	for (i = 0; i < TSAS_MAX; i++)
		if (w->tsa[i].id[0] != '\0')
			TRY(was_due(w, &w->tsa[i], w->r->source->now, FINDING_ANCHOR_OVERDUE, UINT64_MAX, err));
	return RC_OK;
}

enum rc
report_anchor(struct walk *w, struct err *err)
{
	struct report		*r = w->r;
	struct report_anchor	*a = report_more(&r->anchor, &r->n_anchors, &r->cap_anchors, sizeof(*a));

	if (a == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	a->index = w->index;
	a->size = w->s.u.anchor.size;
	a->logged = w->v.time;
	memcpy(a->tsa, w->s.u.anchor.tsa, sizeof(a->tsa));
	TRY(anchor_judge(w, a, err));
	return a->good ? anchor_meets(w, a, err) : RC_OK;
}

/* --- for people --------------------------------------------------------------------------------- */

void
report_print_anchors(const struct report *r, FILE *out)
{
	char	t[WHEN_TEXT_BYTES];
	size_t	i, bad = 0, unlisted = 0;

	for (i = 0; i < r->n_anchors; i++) {
		bad += !r->anchor[i].good;
		unlisted += r->anchor[i].good && r->anchor[i].lists == 0;
	}
	(void)fprintf(out, "\nANCHORS\n  %zu in the log, %zu of them do not hold%s\n", r->n_anchors, bad,
	    replica_charter(r->source->replica)->n_tsas == 0 ? "; the charter names no TSA" : "");
	if (unlisted > 0)
		(void)fprintf(out, "  %zu came without a revocation list: whether their signers were revoked was not looked at\n",
		    unlisted);
	for (i = 0; i < r->n_anchors; i++) {
		const struct report_anchor	*a = &r->anchor[i];

		/* The last says most: all entries before it were there by then. */
		if (i + 1 == r->n_anchors && a->good)
			(void)fprintf(out, "  the first %llu entries were there by %s, says %s (%s)\n", (unsigned long long)a->size,
			    when_write(a->stamped, t), a->tsa, a->signer);
	}
}

/* cli/report.c - the facts of a report, entry by entry. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "audit/entry.h"
#include "base/wire.h"
#include "cli/report_impl.h"

/* --- lists ------------------------------------------------------------------------------------ */

void *
report_more(void *list, size_t *n, size_t *cap, size_t bytes)
{
	void	**at = list;
	size_t	  want = *cap == 0 ? 64 : 2 * *cap;
	void	 *p;

	if (*n == *cap) {
		if ((p = realloc(*at, want * bytes)) == NULL)
			return NULL;
		*at = p;
		*cap = want;
	}
	p = (uint8_t *)*at + *n * bytes;
	memset(p, 0, bytes);
	(*n)++;
	return p;
}

enum rc
report_find(struct report *r, enum finding_kind k, uint64_t index, struct err *err, const char *fmt, ...)
{
	struct finding	*f = report_more(&r->finding, &r->n_findings, &r->cap_findings, sizeof(*f));
	va_list		 ap;

	if (f == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	f->kind = k;
	f->index = index;
	va_start(ap, fmt);
	(void)vsnprintf(f->words, sizeof(f->words), fmt, ap);
	va_end(ap);
	return RC_OK;
}

/* What apply lets pass, and no honest coordinator signs. */
const struct finding *
report_false_release(const struct report *r)
{
	size_t	i;

	for (i = 0; i < r->n_findings; i++)
		if (finding_is_false(r->finding[i].kind))
			return &r->finding[i];
	return NULL;
}

bool
finding_is_false(enum finding_kind k)
{
	return k == FINDING_RELEASE_RECEIPT || k == FINDING_RELEASE_QUORUM || k == FINDING_SAME_PACKAGE;
}

void
report_done(struct report *r)
{
	conduct_done(&r->conduct);
	report_charters_done(r);
	free(r->amendment);
	free(r->anchor);
	free(r->opening);
	free(r->line);
	free(r->request);
	free(r->order);
	free(r->finding);
	*r = (struct report){ .source = NULL };
}

/* --- who and what ------------------------------------------------------------------------------- */

static uint8_t
custodian_of(const struct statement *s)
{
	if (s->type == STATEMENT_RECEIPT)
		return s->u.receipt.custodian;
	if (s->type == STATEMENT_CHECKED)
		return s->u.checked.custodian;
	if (s->type == STATEMENT_GARBAGE)
		return s->u.garbage.custodian;
	return s->type == STATEMENT_CONSENT ? s->u.consent.custodian : 0;
}

struct signer_named {
	const char		*name;		/* "": nobody's */
	const struct key	*key;		/* NULL: none that the charter lists */
};

static const struct key *
key_among(const struct key *k, size_t n, const uint8_t id[KEY_ID_BYTES])
{
	uint8_t	have[KEY_ID_BYTES];
	size_t	i;

	for (i = 0; i < n; i++) {
		key_id(&k[i], have);
		if (memcmp(have, id, sizeof(have)) == 0)
			return &k[i];
	}
	return NULL;
}

/* As the charter of its time names the signer that the statement names. */
static struct signer_named
signer_of(const struct charter *c, const struct statement *s)
{
	const struct person	*p;
	const struct key	*k;
	uint8_t			 custodian = custodian_of(s);
	uint32_t		 i;

	if (s->type == STATEMENT_ORDER || s->type == STATEMENT_RELEASE || s->type == STATEMENT_ANCHOR)
		return (struct signer_named){ "the coordinator", &c->coordinator.log_key };
	if (custodian >= 1 && custodian <= c->n)
		return (struct signer_named){ c->custodian[custodian - 1].name, &c->custodian[custodian - 1].signing_key };
	if (!statement_has_signer(s->type))
		return (struct signer_named){ "", NULL };
	if ((p = charter_person_by_key(c, s->signer)) != NULL)
		return (struct signer_named){ p->id, key_among(p->key, p->n_keys, s->signer) };
	for (i = 0; i < c->n_sealers; i++)
		if ((k = key_among(&c->sealer[i].key, 1, s->signer)) != NULL)
			return (struct signer_named){ c->sealer[i].id, k };
	return (struct signer_named){ "", NULL };
}

static const char *
what_of(const struct statement *s)
{
	if (s->type == STATEMENT_DECISION)
		return s->u.decision.approve ? "approval" : "denial";
	return statement_type_name(s->type);
}

/* --- one entry ---------------------------------------------------------------------------------- */

static enum rc
add_line(struct walk *w, const struct dsse *d, struct err *err)
{
	struct report		*r = w->r;
	struct report_line	*l;
	const struct charter	*said = report_charter_of(r, w->s.charter);
	struct signer_named	 by = { "", NULL };

	if (w->v.effective && (w->v.type == STATEMENT_BATCH || w->v.type == STATEMENT_CHECKED))
		return RC_OK;
	if (w->parsed)
		by = signer_of(said == NULL ? w->charter : said, &w->s);
	if ((l = report_more(&r->line, &r->n_lines, &r->cap_lines, sizeof(*l))) == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	l->index = w->index;
	l->time = w->time;
	l->what = w->parsed ? what_of(&w->s) : "malformed entry";
	l->effective = w->v.effective;
	l->why = w->v.why;
	memcpy(l->about, w->v.subject, sizeof(l->about));
	(void)snprintf(l->who, sizeof(l->who), "%s", by.name);
	l->is_signed = w->v.effective || (by.key != NULL && dsse_signed_by(d, by.key));
	if (w->v.effective)
		return RC_OK;
	return report_find(r, FINDING_VOID, w->index, err, "%s%s%s: %s", l->what, *by.name == '\0' ? "" : l->is_signed ? " by " :
	    " in the name of ", by.name, void_reason_text((enum void_reason)w->v.why));
}

static enum rc
add_request(struct walk *w, struct err *err)
{
	struct report		*r = w->r;
	struct report_request	*q = report_more(&r->request, &r->n_requests, &r->cap_requests, sizeof(*q));

	if (q == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	memcpy(q->id, w->s.id, sizeof(q->id));
	q->index = w->index;
	return RC_OK;
}

static bool
place_read(struct rd *in, struct report_place *p)
{
	struct span	person, role;

	if (!rd_vec8(in, 1, ID_MAX, &person) || !rd_vec8(in, 0, ID_MAX, &role) || !rd_u64(in, &p->index))
		return false;
	memcpy(p->person, person.p, person.n);
	p->person[person.n] = '\0';
	if (role.n > 0)
		memcpy(p->role, role.p, role.n);
	p->role[role.n] = '\0';
	return true;
}

static enum rc
places_read(struct walk *w, struct report_order *o, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(1 << 16);
	struct rd	in;
	uint8_t		n, i;

	TRY(w->r->source->approvals(w->r->source->user, w->index, &b, err));
	in = rd_init(buf_view(&b));
	if (!rd_u8(&in, &n) || n > REPORT_PLACES)
		return err_set(err, RC_IO, "entry %llu: its approvals are damaged", (unsigned long long)w->index);
	for (i = 0; i < n; i++)
		if (!place_read(&in, &o->place[i]))
			return err_set(err, RC_IO, "entry %llu: its approvals are damaged", (unsigned long long)w->index);
	o->n_places = n;
	return RC_OK;
}

static enum rc
add_order(struct walk *w, struct err *err)
{
	struct report		*r = w->r;
	struct report_order	*o = report_more(&r->order, &r->n_orders, &r->cap_orders, sizeof(*o));

	if (o == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	memcpy(o->id, w->s.id, sizeof(o->id));
	memcpy(o->request, w->s.subject, sizeof(o->request));
	o->index = w->index;
	o->time = w->v.time;
	o->expires = w->s.expires;
	return places_read(w, o, err);
}

/* The latest first: what comes after an order follows it closely. */
static struct report_order *
order_of(struct report *r, const uint8_t id[SHA256_BYTES])
{
	size_t	i;

	for (i = r->n_orders; i > 0; i--)
		if (memcmp(r->order[i - 1].id, id, SHA256_BYTES) == 0)
			return &r->order[i - 1];
	return NULL;
}

static enum rc
add_receipt(struct walk *w, struct err *err)
{
	struct report_order	*o = order_of(w->r, w->s.subject);
	const struct charter	*c;		/* by which the order was given */
	uint8_t			 who = w->s.u.receipt.custodian;

	if (o == NULL || who < 1 || who > w->charter->n)
		return err_set(err, RC_BUG, "entry %llu: a receipt of no order is effective", (unsigned long long)w->index);
	o->receipts |= UINT32_C(1) << (who - 1);
	c = report_charter_at(w->r, o->index);
	if (w->v.time - o->time <= c->receipt_seconds)
		return RC_OK;
	o->late |= UINT32_C(1) << (who - 1);
	return report_find(w->r, FINDING_RECEIPT_LATE, w->index, err, "the receipt of %s for the order in entry %llu came after "
	    "%llu s; the charter allows %llu s", w->charter->custodian[who - 1].name, (unsigned long long)o->index,
	    (unsigned long long)(w->v.time - o->time), (unsigned long long)c->receipt_seconds);
}

/* Is that statement this custodian's receipt for the order? RC_MISSING: the log has no such statement. */
static enum rc
is_receipt(const struct walk *w, const uint8_t id[SHA256_BYTES], uint8_t custodian, bool *ret, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse	d = { .n_sig = 0 };
	AUTO_DONE(statement_done) struct statement s;
	AUTO_DONE(buf_done) struct buf		leaf = BUF_INIT(ENTRY_BYTES_MAX);
	const struct report_source		*from = w->r->source;
	struct entry				 e;
	enum void_reason			 why;
	uint64_t				 at;

	memset(&s, 0, sizeof(s));
	*ret = false;
	TRY(replica_logged(from->replica, id, &at, &why, err));
	if (why != VOID_NONE || at >= w->index)
		return RC_OK;
	TRY(from->entry(from->user, at, &leaf, err));
	TRY(entry_parse(buf_view(&leaf), &e, err));
	TRY(dsse_parse(e.dsse, &d, err));
	TRY(statement_parse(&d, &s, err));
	*ret = s.type == STATEMENT_RECEIPT && s.u.receipt.custodian == custodian &&
	    memcmp(s.subject, w->s.subject, SHA256_BYTES) == 0;
	return RC_OK;
}

/* Effective says that k of them are good; each that is named is looked up here, from the entries. */
static enum rc
release_check(struct walk *w, struct report_order *o, struct err *err)
{
	const struct statement	*s = &w->s;
	uint8_t			 i, who;
	bool			 good;
	enum rc			 rc;

	for (i = 0; i < s->u.release.n; i++) {
		who = s->u.release.custodian[i].index;
		if (!s->u.release.custodian[i].good || who < 1 || who > CUSTODIANS_MAX)
			continue;
		rc = is_receipt(w, s->u.release.custodian[i].receipt, who, &good, err);
		if (rc != RC_OK && rc != RC_MISSING)
			return rc;
		if (rc == RC_OK && good)
			o->good |= UINT32_C(1) << (who - 1);
		else
			TRY(report_find(w->r, FINDING_RELEASE_RECEIPT, w->index, err, "the release says that custodian %u contributed, "
			    "and names a receipt of it that the log does not show", who));
	}
	if (__builtin_popcount(o->good) >= w->charter->k && o->n_places > 0)
		return RC_OK;
	return report_find(w->r, FINDING_RELEASE_QUORUM, w->index, err, "released with %d good contributions and %u approvals",
	    __builtin_popcount(o->good), o->n_places);
}

static enum rc
wrong_contribution(struct walk *w, uint8_t who, struct err *err)
{
	w->r->wrong++;
	return report_find(w->r, FINDING_WRONG, w->index, err, "custodian %u, %s, gave a wrong contribution", who,
	    who <= w->charter->n ? w->charter->custodian[who - 1].name : "nobody");
}

static enum rc
same_package(struct walk *w, const struct report_order *o, struct err *err)
{
	size_t	i;

	for (i = 0; i < w->r->n_orders; i++)
		if (&w->r->order[i] != o && w->r->order[i].released &&
		    memcmp(w->r->order[i].contents, o->contents, SHA256_BYTES) == 0)
			return report_find(w->r, FINDING_SAME_PACKAGE, w->index, err, "the release names the package of the release in "
			    "entry %llu", (unsigned long long)w->r->order[i].release);
	return RC_OK;
}

static enum rc
add_release(struct walk *w, struct err *err)
{
	struct report_order	*o = order_of(w->r, w->s.subject);
	uint8_t			 i, who;

	if (o == NULL)
		return err_set(err, RC_BUG, "entry %llu: a release of no order is effective", (unsigned long long)w->index);
	o->released = true;
	o->release = w->index;
	memcpy(o->contents, w->s.u.release.contents, sizeof(o->contents));
	for (i = 0; i < w->s.u.release.n; i++) {
		who = w->s.u.release.custodian[i].index;
		if (who < 1 || who > CUSTODIANS_MAX)
			continue;
		if (w->s.u.release.custodian[i].good)
			continue;
		o->wrong |= UINT32_C(1) << (who - 1);
		TRY(wrong_contribution(w, who, err));
	}
	TRY(same_package(w, o, err));
	return release_check(w, o, err);
}

static enum rc
add_garbage(struct walk *w, struct err *err)
{
	uint8_t			 who = w->s.u.garbage.custodian;
	enum void_reason	 why;
	uint64_t		 batch, at;
	bool			 own;

	TRY(replica_logged(w->r->source->replica, w->s.subject, &batch, &why, err));
	TRY(replica_garbage(w->r->source->replica, batch, who, w->s.u.garbage.leaf, &at, &own, err));
	if (own)
		return report_find(w->r, FINDING_BROKEN, w->index, err, "custodian %u broke a share of the batch in entry %llu that it "
		    "had checked", who, (unsigned long long)batch);
	return report_find(w->r, FINDING_GARBAGE, w->index, err, "custodian %u got no share of the batch in entry %llu: the "
	    "sealer's doing or its own", who, (unsigned long long)batch);
}

static enum rc
add_revocation(struct walk *w, struct err *err)
{
	const struct person	*p = charter_person_by_key(w->charter, w->s.subject);
	const struct person	*by = charter_person_by_key(w->charter, w->s.signer);

	return report_find(w->r, FINDING_REVOKED, w->index, err, "a key of %s was revoked by %s", p == NULL ? "nobody" : p->id,
	    by == NULL ? "nobody" : by->id);
}

/* What an effective statement adds, beside its line. */
static enum rc
add_facts(struct walk *w, struct err *err)
{
	struct report	*r = w->r;

	r->count[w->v.type]++;
	if (w->v.type == STATEMENT_BATCH) {
		struct batch_view	b;

		TRY(replica_batch(r->source->replica, w->index, &b, err));
		r->artifacts += b.count;
		return conduct_batch(&r->conduct, w->index, err);
	}
	if (w->v.type == STATEMENT_CHECKED)
		return RC_OK;
	TRY(conduct_entry(&r->conduct, r->source->replica, &w->s, err));
	if (w->v.type == STATEMENT_REQUEST)
		return add_request(w, err);
	if (w->v.type == STATEMENT_ORDER)
		return add_order(w, err);
	if (w->v.type == STATEMENT_AMENDMENT)
		return report_amendment(w, err);
	if (w->v.type == STATEMENT_ANCHOR)
		return report_anchor(w, err);
	if (w->v.type == STATEMENT_ACKNOWLEDGEMENT)
		return report_opening(w, err);
	if (w->v.type == STATEMENT_RECEIPT)
		return add_receipt(w, err);
	if (w->v.type == STATEMENT_RELEASE)
		return add_release(w, err);
	if (w->v.type == STATEMENT_GARBAGE)
		return add_garbage(w, err);
	return w->v.type == STATEMENT_REVOCATION ? add_revocation(w, err) : RC_OK;
}

/* The bulk of a log is batches and checks; what is told of them the verdicts and the state know. */
static bool
must_parse(const struct verdict *v)
{
	return !v->effective || (v->type != STATEMENT_BATCH && v->type != STATEMENT_CHECKED);
}

static enum rc
time_check(struct walk *w, struct err *err)
{
	when	last = w->last;

	if (w->time > w->last)
		w->last = w->time;
	if (w->time >= last)
		return RC_OK;
	return report_find(w->r, FINDING_TIME_BACK, w->index, err, "dated %llu s before an entry before it",
	    (unsigned long long)(last - w->time));
}

static void
under_charter(struct walk *w)
{
	const struct charter	*c = report_charter_at(w->r, w->index);

	if (c != w->charter)
		report_watch_tsas(w, c, w->v.time);
	w->charter = c;
}

static enum rc
on_entry(struct walk *w, uint64_t index, struct buf *leaf, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse	d = { .n_sig = 0 };
	const struct report_source		*s = w->r->source;
	struct entry				 e;
	struct err				 ignored;	/* a malformed entry has its verdict already */

	memset(&w->s, 0, sizeof(w->s));
	w->index = index;
	TRY(s->verdict(s->user, index, &w->v, err));
	TRY(s->entry(s->user, index, leaf, err));
	if (w->v.type >= STATEMENT_TYPES || (w->v.effective && w->v.type == STATEMENT_UNKNOWN))
		return err_set(err, RC_IO, "entry %llu: its verdict is damaged", (unsigned long long)index);
	under_charter(w);
	w->parsed = false;
	w->time = w->v.time;
	if (entry_parse(buf_view(leaf), &e, &ignored) == RC_OK) {
		w->time = e.time;
		w->parsed = must_parse(&w->v) && dsse_parse(e.dsse, &d, &ignored) == RC_OK &&
		    statement_parse(&d, &w->s, &ignored) == RC_OK;
	}
	if (w->v.effective && !w->parsed && must_parse(&w->v))
		return err_set(err, RC_IO, "entry %llu: its verdict is damaged", (unsigned long long)index);
	TRY(time_check(w, err));
	report_schedule(w);
	if (!w->v.effective)
		w->r->voids++;
	TRY(add_line(w, &d, err));
	return w->v.effective ? add_facts(w, err) : RC_OK;
}

static enum rc
walk(struct report *r, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	leaf = BUF_INIT(ENTRY_BYTES_MAX);
	struct walk			w = { .r = r };
	uint64_t			i;
	enum rc				rc;

	for (i = 0; i < r->source->size; i++) {
		buf_reset(&leaf);
		rc = on_entry(&w, i, &leaf, err);
		statement_done(&w.s);
		TRY(rc);
	}
	return report_overdue_anchors(&w, err);
}

/* --- at the end --------------------------------------------------------------------------------- */

/* Effective orders only; a released one had the receipts that it needed. */
static enum rc
orders_check(struct report *r, struct err *err)
{
	size_t	i;

	for (i = 0; i < r->n_orders; i++) {
		const struct report_order	*o = &r->order[i];
		const struct charter		*c = report_charter_at(r, o->index);
		unsigned			 have = (unsigned)__builtin_popcount(o->receipts);

		if (o->released || o->time > r->source->now)
			continue;
		if (have < c->k && r->source->now - o->time > c->receipt_seconds)
			TRY(report_find(r, FINDING_RECEIPTS_MISSING, o->index, err, "the order has %u receipts, and after %llu s at least "
			    "%u should be here", have, (unsigned long long)c->receipt_seconds, c->k));
		if (o->expires < r->source->now)
			TRY(report_find(r, FINDING_ORDER_UNUSED, o->index, err, "the order ran out and nothing was released by it"));
	}
	return RC_OK;
}

static enum rc
charter_check(struct report *r, struct err *err)
{
	const struct charter	*c = replica_charter(r->source->replica);
	uint8_t			 i;

	if (c->single_operator)
		TRY(report_find(r, FINDING_SINGLE_OPERATOR, UINT64_MAX, err, "the charter allows several custodians of one "
		    "organisation"));
	for (i = 0; i < c->n; i++)
		if (c->custodian[i].extractable)
			TRY(report_find(r, FINDING_EXTRACTABLE, UINT64_MAX, err, "the token of custodian %u gives private keys away",
			    i + 1u));
	return RC_OK;
}

enum rc
report_make(const struct report_source *s, struct report *ret, struct err *err)
{
	struct report	r = { .source = s };
	enum rc		rc;

	if ((rc = report_charters(&r, err)) == RC_OK &&
	    (rc = walk(&r, err)) == RC_OK &&
	    (rc = conduct_checked(&r.conduct, s->replica, err)) == RC_OK &&
	    (rc = orders_check(&r, err)) == RC_OK)
		rc = charter_check(&r, err);
	if (rc != RC_OK) {
		report_done(&r);
		return rc;
	}
	*ret = r;
	return RC_OK;
}

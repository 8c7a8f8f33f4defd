/* cli/report_print.c - a report for people: who asked, approved, refused and released what. */
#include <stdlib.h>
#include <string.h>

#include "cli/report_impl.h"
#include "edge/edge.h"

/* Lists are short sentences; a name is at most 128 bytes. */
#define LIST_MAX	4096

static const char *
hex8(const uint8_t id[SHA256_BYTES], char out[HEX_BYTES(8)])
{
	return hex_write(SPAN(id, 8), out);
}

/* "Lena Legal (legal)"; who left the charter is told by id. */
static void
put_person(const struct report *r, const char *id, struct buf *out)
{
	const struct person	*p = charter_person(replica_charter(r->source->replica), id);

	if (p != NULL)
		buf_printf(out, "%s (%s)", p->name, id);
	else
		buf_printf(out, "%s", id);
}

static void
put_custodians(const struct report *r, uint32_t mask, struct buf *out)
{
	const struct charter	*c = replica_charter(r->source->replica);
	uint8_t			 i;
	bool			 any = false;

	for (i = 0; i < CUSTODIANS_MAX; i++) {
		if ((mask >> i & 1) == 0)
			continue;
		buf_printf(out, "%s%u %s", any ? ", " : "", i + 1u, i < c->n ? c->custodian[i].name : "?");
		any = true;
	}
	if (!any)
		buf_printf(out, "none");
}

/* --- entries ------------------------------------------------------------------------------------ */

static void
print_lines(const struct report *r, FILE *out)
{
	char	about[HEX_BYTES(8)], t[WHEN_TEXT_BYTES];
	size_t	i;

	(void)fprintf(out, "WHAT THE LOG SAYS (sealed batches and what custodians checked are counted below)\n");
	for (i = 0; i < r->n_lines; i++) {
		const struct report_line	*l = &r->line[i];

		(void)fprintf(out, "%8llu  %s  %-11s %s%-18s about %s%s%s\n", (unsigned long long)l->index,
		    when_write(l->time, t), l->what, l->is_signed || l->who[0] == '\0' ? "" : "in the name of ", l->who, hex8(l->about, about), l->effective ? "" : "  VOID: ",
		    l->effective ? "" : void_reason_text((enum void_reason)l->why));
	}
}

/* --- requests ----------------------------------------------------------------------------------- */

static void
put_decisions(const struct report *r, const struct request_view *q, bool approve, struct buf *out)
{
	uint32_t	i;
	bool		any = false;

	for (i = 0; i < q->n_approvals; i++) {
		const struct request_approval	*a = &q->approval[i];

		if (a->approve != approve)
			continue;
		buf_printf(out, "%s", any ? ", " : approve ? "\n    approved by " : "\n    refused by ");
		put_person(r, a->person, out);
		if (a->role[0] != '\0')
			buf_printf(out, " as %s", a->role);
		buf_printf(out, " in entry %llu%s", (unsigned long long)a->index, approve && !a->counts ? " (does not count)" : "");
		any = true;
	}
}

static void
put_openings(const struct report *r, const struct report_order *order, struct buf *out)
{
	char	t[WHEN_TEXT_BYTES];
	size_t	i;

	for (i = 0; i < r->n_openings; i++) {
		const struct report_opening	*o = &r->opening[i];

		if (memcmp(o->order, order->id, SHA256_BYTES) != 0)
			continue;
		if (o->good)
			buf_printf(out, "\n      OPENED by its recipient %s, as ", when_write(o->opened, t));
		else
			buf_printf(out, "\n      a note that its recipient did NOT sign, as ");
		put_person(r, o->person, out);
		buf_printf(out, " logged in entry %llu", (unsigned long long)o->index);
		if (o->bad != 0) {
			buf_printf(out, "; it says wrong by ");
			put_custodians(r, o->bad, out);
		}
	}
}

static void
put_order(const struct report *r, const struct report_order *o, struct buf *out)
{
	char	t[WHEN_TEXT_BYTES], hex[HEX_BYTES(SHA256_BYTES)];
	uint8_t	i;

	buf_printf(out, "\n    ordered in entry %llu, %s, on the approvals of ", (unsigned long long)o->index,
	    when_write(o->time, t));
	for (i = 0; i < o->n_places; i++) {
		buf_printf(out, "%s", i == 0 ? "" : ", ");
		put_person(r, o->place[i].person, out);
		if (o->place[i].role[0] != '\0')
			buf_printf(out, " as %s", o->place[i].role);
	}
	buf_printf(out, "\n      receipts in the log of custodians ");
	put_custodians(r, o->receipts, out);
	if (!o->released) {
		buf_printf(out, "\n      not released; the order %s %s",
		    o->expires < r->source->now ? "ran out" : "runs out", when_write(o->expires, t));
		return;
	}
	buf_printf(out, "\n      RELEASED in entry %llu, package %s\n      contributed by ", (unsigned long long)o->release,
	    hex_write(SPAN_OF(o->contents), hex));
	put_custodians(r, o->good, out);
	if (o->wrong != 0) {
		buf_printf(out, "; wrong by ");
		put_custodians(r, o->wrong, out);
	}
	put_openings(r, o, out);
}

static enum rc
print_request(const struct report *r, const struct report_request *q, FILE *out, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	text = BUF_INIT(1 << 20);
	struct request_view		v;
	char				hex[HEX_BYTES(8)], t[WHEN_TEXT_BYTES];
	size_t				i;

	TRY(replica_request(r->source->replica, q->id, r->source->now, &v, err));
	buf_printf(&text, "  %s  entry %llu, %s: asked by ", hex8(q->id, hex), (unsigned long long)q->index,
	    when_write(v.logged, t));
	put_person(r, v.requester, &text);
	buf_printf(&text, " under %s: %s", v.policy, request_phase_name(v.phase));
	TRY(report_scope_words(r, v.index, &text, err));
	put_decisions(r, &v, true, &text);
	put_decisions(r, &v, false, &text);
	for (i = 0; i < r->n_orders; i++)
		if (memcmp(r->order[i].request, q->id, SHA256_BYTES) == 0)
			put_order(r, &r->order[i], &text);
	TRY(buf_check(&text, "report", err));
	(void)fprintf(out, "%s\n", buf_text(&text));
	return RC_OK;
}

static enum rc
print_requests(const struct report *r, FILE *out, struct err *err)
{
	size_t	i;

	(void)fprintf(out, "\nWHAT WAS ASKED, AND WHAT BECAME OF IT%s\n", r->n_requests == 0 ? ": nothing was asked" : "");
	for (i = 0; i < r->n_requests; i++)
		TRY(print_request(r, &r->request[i], out, err));
	return RC_OK;
}

/* --- what is open ------------------------------------------------------------------------------- */

static void
print_waiting(const struct report *r, const struct request_view *v, FILE *out)
{
	char	hex[HEX_BYTES(8)], t[WHEN_TEXT_BYTES];

	(void)fprintf(out, "  request %s: ", hex8(v->id, hex));
	if (v->phase == REQUEST_OPEN)
		(void)fprintf(out, "waits for %s", v->missing[0] == '\0' ? "a policy that is in force" : v->missing);
	else if (v->phase == REQUEST_MET && v->earliest > r->source->now)
		(void)fprintf(out, "approved; nothing may be released before %s", when_write(v->earliest, t));
	else
		(void)fprintf(out, "approved; waits for the release");
	(void)fprintf(out, "; it runs out %s\n", when_write(v->expires, t));
}

static enum rc
print_open_amendments(const struct report *r, FILE *out, size_t *n, struct err *err)
{
	struct amendment_view	v;
	char			hex[HEX_BYTES(8)], t[WHEN_TEXT_BYTES];
	size_t			i;

	for (i = 0; i < r->n_amendments; i++) {
		TRY(replica_amendment(r->source->replica, r->amendment[i].id, r->source->now, &v, err));
		if (v.phase != AMENDMENT_OPEN && v.phase != AMENDMENT_MET)
			continue;
		(*n)++;
		(void)fprintf(out, "  amendment %s: ", hex8(v.id, hex));
		if (v.phase == AMENDMENT_OPEN)
			(void)fprintf(out, "waits for %d more amenders", v.need - v.have);
		else
			(void)fprintf(out, "approved; custodians may consent from %s on", when_write(v.earliest, t));
		(void)fprintf(out, "; it runs out %s\n", when_write(v.expires, t));
	}
	return RC_OK;
}

static enum rc
print_open(const struct report *r, FILE *out, struct err *err)
{
	struct request_view	v;
	size_t			i, n = 0;

	(void)fprintf(out, "\nOPEN\n");
	for (i = 0; i < r->n_requests; i++) {
		TRY(replica_request(r->source->replica, r->request[i].id, r->source->now, &v, err));
		if (v.phase != REQUEST_OPEN && v.phase != REQUEST_MET && v.phase != REQUEST_ORDERED)
			continue;
		print_waiting(r, &v, out);
		n++;
	}
	TRY(print_open_amendments(r, out, &n, err));
	if (n == 0)
		(void)fprintf(out, "  nothing\n");
	return RC_OK;
}

/* --- findings ----------------------------------------------------------------------------------- */

enum section {
	SECTION_FALSE, SECTION_OVERDUE, SECTION_OTHER
};

static enum section
section_of(enum finding_kind k)
{
	if (finding_is_false(k))
		return SECTION_FALSE;
	return k == FINDING_RECEIPTS_MISSING || k == FINDING_ANCHOR_OVERDUE ? SECTION_OVERDUE : SECTION_OTHER;
}

static void
print_findings(const struct report *r, const char *title, enum section section, FILE *out)
{
	size_t	i, n = 0;

	(void)fprintf(out, "\n%s\n", title);
	for (i = 0; i < r->n_findings; i++) {
		const struct finding	*f = &r->finding[i];

		if (section_of(f->kind) != section)
			continue;
		n++;
		(void)fprintf(out, "  %s: ", finding_name(f->kind));
		if (f->index != UINT64_MAX)
			(void)fprintf(out, "entry %llu: ", (unsigned long long)f->index);
		(void)fprintf(out, "%s\n", f->words);
	}
	if (n == 0)
		(void)fprintf(out, "  nothing\n");
}

static void
print_custodians(const struct report *r, FILE *out)
{
	const struct charter	*c = replica_charter(r->source->replica);
	uint8_t			 i;

	(void)fprintf(out, "\nCUSTODIANS\n");
	conduct_print(&r->conduct, c, out);
	if (r->wrong != 0)
		(void)fprintf(out, "WRONG CONTRIBUTIONS: %llu; see the release entries\n", (unsigned long long)r->wrong);
	if (c->single_operator)
		(void)fprintf(out, "NOTE: the charter allows several custodians of one organisation\n");
	for (i = 0; i < c->n; i++)
		if (c->custodian[i].extractable)
			(void)fprintf(out, "NOTE: the token of custodian %u gives private keys away\n", i + 1u);
}

static enum rc
print_all(const struct report *r, FILE *out, struct err *err)
{
	print_lines(r, out);
	TRY(print_requests(r, out, err));
	TRY(print_open(r, out, err));
	if (report_false_release(r) != NULL)
		print_findings(r, "FALSE RELEASES (the coordinator signed what the log denies)", SECTION_FALSE, out);
	print_findings(r, "OVERDUE", SECTION_OVERDUE, out);
	print_findings(r, "FINDINGS (no rule is broken by them)", SECTION_OTHER, out);
	report_print_anchors(r, out);
	TRY(report_print_charters(r, out, err));
	print_custodians(r, out);
	(void)fprintf(out, "\n%llu artifacts in %llu batches; %llu requests, %llu decisions, %llu orders, %llu releases; %llu void "
	    "entries\n", (unsigned long long)r->artifacts, (unsigned long long)r->count[STATEMENT_BATCH],
	    (unsigned long long)r->count[STATEMENT_REQUEST], (unsigned long long)r->count[STATEMENT_DECISION],
	    (unsigned long long)r->count[STATEMENT_ORDER], (unsigned long long)r->count[STATEMENT_RELEASE],
	    (unsigned long long)r->voids);
	return RC_OK;
}

/* As a whole: names of the charters, of parts, of who signed a token are others' words. */
enum rc
report_print(const struct report *r, FILE *out, struct err *err)
{
	char	*text = NULL;
	size_t	 n = 0;
	FILE	*f = open_memstream(&text, &n);
	enum rc	 rc;

	if (f == NULL)
		return err_set(err, RC_NOMEM, "no memory for the report");
	rc = print_all(r, f, err);
	if (fclose(f) != 0 && rc == RC_OK)
		rc = err_set(err, RC_NOMEM, "no memory for the report");
	if (rc == RC_OK) {
		text_clean((uint8_t *)text, n, true);
		(void)fwrite(text, 1, n, out);		/* the caller looks at the stream */
	}
	free(text);
	return rc;
}

#include <inttypes.h>
#include <string.h>

#include "evidence/markup.h"
#include "evidence/summary.h"

static void
digest(struct buf *out, const uint8_t *p, size_t n)
{
	char	hex[HEX_BYTES(SHA256_BYTES)];

	buf_printf(out, "<code>%s</code>", hex_write(SPAN(p, n), hex));
}

static void
row(struct buf *out, const char *label, const char *value)
{
	buf_printf(out, "<tr><th>%s</th><td>", label);
	markup_html(out, value);
	buf_printf(out, "</td></tr>\n");
}

static void
row_digest(struct buf *out, const char *label, const uint8_t d[SHA256_BYTES])
{
	buf_printf(out, "<tr><th>%s</th><td>", label);
	digest(out, d, SHA256_BYTES);
	buf_printf(out, "</td></tr>\n");
}

static const char *
person_name(const struct charter *c, const char *id)
{
	const struct person	*p = charter_person(c, id);

	return p == NULL ? id : p->name;
}

static void
head(const struct checked_case *c, struct buf *out)
{
	buf_printf(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	    "<title>Evidence package</title>\n<style>body{font-family:serif;max-width:60em;margin:2em auto}"
	    "table{border-collapse:collapse}th,td{border:1px solid #999;padding:.3em .6em;text-align:left;"
	    "vertical-align:top}code{word-break:break-all}</style></head><body>\n"
	    "<h1>Evidence package</h1>\n<p>This page is for reading and proves nothing by itself. "
	    "README.txt beside the data folder says how to check what it says.</p>\n<table>\n");
	row(out, "Charter", c->charter->name);
	row_digest(out, "Genesis", c->genesis);
	row(out, "Log", c->charter->origin);
	row_digest(out, "Order", c->grant.order);
	row_digest(out, "Request", c->grant.request);
}

static void
request(const struct checked_case *c, struct buf *out)
{
	char	at[WHEN_TEXT_BYTES];
	uint8_t	recipient[SHA256_BYTES];

	row(out, "Requested by", person_name(c->charter, c->request.requester));
	row(out, "Logged", when_write(c->request.logged, at));
	row(out, "Policy", c->request.policy);
	sha256_one(recipient, buf_view(&c->recipient));
	row_digest(out, "Recipient's certificate", recipient);
	buf_printf(out, "</table>\n");
}

static void
approvals(const struct checked_case *c, struct buf *out)
{
	char	at[WHEN_TEXT_BYTES];

	buf_printf(out, "<h2>Decisions</h2>\n<table><tr><th>Who</th><th>Decision</th><th>Counted as</th>"
	    "<th>Log time</th><th>Entry</th></tr>\n");
	for (uint32_t i = 0; i < c->request.n_approvals; i++) {
		const struct request_approval	*a = &c->request.approval[i];

		buf_printf(out, "<tr><td>");
		markup_html(out, person_name(c->charter, a->person));
		buf_printf(out, "</td><td>%s</td><td>", a->approve ? "approve" : "deny");
		markup_html(out, a->counts ? a->role : "not counted");
		buf_printf(out, "</td><td>%s</td><td>%" PRIu64 "</td></tr>\n", when_write(a->time, at), a->index);
	}
	buf_printf(out, "</table>\n");
}

static void
contributed(const struct checked_case *c, struct buf *out)
{
	buf_printf(out, "<h2>Custodians whose receipts are in the log</h2>\n<ul>\n");
	for (unsigned i = 0; i < c->charter->n; i++) {
		if ((c->receipts >> i & 1) == 0)
			continue;
		buf_printf(out, "<li>%u: ", i + 1);
		markup_html(out, c->charter->custodian[i].name);
		buf_printf(out, " (");
		markup_html(out, c->charter->custodian[i].organisation);
		buf_printf(out, ")</li>\n");
	}
	buf_printf(out, "</ul>\n");
}

static void
evidence(const struct checked_case *c, struct buf *out)
{
	const struct scope	*s = &c->grant.scope;

	buf_printf(out, "<h2>What was released</h2>\n<table><tr><th>Artifact</th><th>Part</th>"
	    "<th>Segments</th></tr>\n");
	for (uint32_t i = 0; i < s->n_parts; i++) {
		buf_printf(out, "<tr><td>");
		digest(out, s->artifact[s->part[i].artifact].id, ARTIFACT_ID_BYTES);
		buf_printf(out, "</td><td>");
		markup_html(out, s->part[i].name);
		buf_printf(out, "</td><td>%" PRIu32 " to %" PRIu32 "</td></tr>\n", s->part[i].first,
		    s->part[i].last);
	}
	buf_printf(out, "</table>\n</body></html>\n");
}

enum rc
package_summary(const struct evidence_case *e, const struct checked_case *c, const struct summary_text *text,
    size_t n, struct buf *out, struct err *err)
{
	(void)e;
	(void)text;
	(void)n;
	head(c, out);
	request(c, out);
	approvals(c, out);
	contributed(c, out);
	evidence(c, out);
	return buf_check(out, "summary", err);
}

/* What was released, why, for whom, and who let it be: custody-v1 section 5. */
#include "evidence/summary_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/x509.h>

#include "base/libcrypto.h"

DEFINE_AUTO(X509_free, X509);

/* --- small things --------------------------------------------------------------- */

void
page_time(struct page *p, when t)
{
	char	at[WHEN_TEXT_BYTES];

	when_write(t, at);
	buf_printf(p->out, "<span class=\"t\">%.10s %.8s UTC</span>", at, at + 11);
}

void
page_number(struct page *p, uint64_t n)
{
	char	digits[24];
	int	len = snprintf(digits, sizeof(digits), "%" PRIu64, n);

	for (int i = 0; i < len; i++)
		buf_printf(p->out, "%s%c", i > 0 && (len - i) % 3 == 0 ? "," : "", digits[i]);
}

void
page_digest(struct page *p, const uint8_t *digest, size_t n)
{
	char	hex[HEX_BYTES(SHA256_BYTES)];

	buf_printf(p->out, "<code>%s</code>", hex_write(SPAN(digest, n), hex));
}

/* Apart from what stands around it, whichever way its letters run. */
static void
name(struct page *p, const char *s)
{
	buf_printf(p->out, "<bdi>");
	markup_html(p->out, s);
	buf_printf(p->out, "</bdi>");
}

static void
roles(struct page *p, const struct person *who)
{
	for (uint8_t i = 0; i < who->n_roles; i++)
		buf_printf(p->out, "%s%s", i == 0 ? "; " : ", ", who->role[i]);
}

static void
agent(struct page *p, const struct custody_act *a, bool with_roles)
{
	const struct custody_agent	*g;

	if (a->agent == NOBODY) {
		buf_printf(p->out, "all who signed it");
		return;
	}
	g = &p->k.agent[a->agent];
	if (g->kind == AGENT_KEY) {
		buf_printf(p->out, "key <code>%s</code>, which no charter names", g->id);
		return;
	}
	if (g->kind == AGENT_PERSON)
		name(p, g->name);
	else
		agent_words(g, p->out);
	buf_printf(p->out, " (");
	name(p, g->organisation);
	if (g->person != NULL && with_roles)
		roles(p, g->person);
	buf_printf(p->out, ")");
}

void
page_agent(struct page *p, const struct custody_act *a)
{
	agent(p, a, true);
}

const struct summary_text *
page_find(const struct page *p, const uint8_t digest[SHA256_BYTES])
{
	for (size_t i = 0; i < p->n_texts; i++)
		if (memcmp(p->text[i].digest, digest, SHA256_BYTES) == 0)
			return &p->text[i];
	return NULL;
}

/* Only what is text, and short, is shown; anything else keeps to its file. */
void
page_text(struct page *p, const uint8_t digest[SHA256_BYTES])
{
	const struct summary_text	*t = page_find(p, digest);
	char				 hex[HEX_BYTES(SHA256_BYTES)];
	struct span			 text;

	if (t == NULL) {
		buf_printf(p->out, "<p>It is not in this package: it was left out or erased. The log has its digest.</p>\n");
		return;
	}
	hex_write(SPAN(digest, SHA256_BYTES), hex);
	if (t->size > SUMMARY_TEXT_MAX || t->size < ERASABLE_SALT_BYTES) {
		buf_printf(p->out, "<p>It is too long for this page: <code>data/erasable/%s</code></p>\n", hex);
		return;
	}
	text = SPAN(t->blob.p + ERASABLE_SALT_BYTES, t->blob.n - ERASABLE_SALT_BYTES);
	if (!markup_is_text(text))
		buf_printf(p->out, "<p>Some characters of it cannot be seen; they are shown as [U+...].</p>\n");
	buf_printf(p->out, "<blockquote dir=\"auto\">");
	markup_html_lines(p->out, text);
	buf_printf(p->out, "</blockquote>\n");
}

/* --- for whom ---------------------------------------------------------------------- */

/* The parts of a subject that name somebody. Certificates say what their owners like. */
static void
subject(struct page *p, const X509_NAME *n)
{
	static const int	nid[] = { NID_commonName, NID_organizationName, NID_organizationalUnitName,
	    NID_countryName };
	char			text[256];
	bool			any = false;

	for (size_t i = 0; i < sizeof(nid) / sizeof(nid[0]); i++) {
		int		 at = X509_NAME_get_index_by_NID(n, nid[i], -1), len;
		unsigned char	*utf8 = NULL;

		if (at < 0)
			continue;
		len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(n, at)));
		if (len < 0)
			continue;
		(void)snprintf(text, sizeof(text), "%.*s", len, (const char *)utf8);	/* a long one is cut */
		OPENSSL_free(utf8);
		if (any)
			buf_printf(p->out, ", ");
		name(p, text);
		any = true;
	}
	if (!any)
		buf_printf(p->out, "a certificate that names nobody");
}

static void
recipient(struct page *p)
{
	struct span		 der = buf_view(&p->k.c->recipient);
	const unsigned char	*at = der.p;
	AUTO(X509_free) X509	*x = NULL;
	uint8_t			 digest[SHA256_BYTES];

	libcrypto_begin();
	/* It was read when the request was judged. */
	if ((x = d2i_X509(NULL, &at, (long)der.n)) == NULL)
		p->out->rc = RC_NOMEM;
	else
		subject(p, X509_get_subject_name(x));
	sha256_one(digest, der);
	buf_printf(p->out, " (as the certificate says)<br>\n<code>data/recipient.cer</code>, SHA-256 ");
	page_digest(p, digest, SHA256_BYTES);
}

/* --- in short ------------------------------------------------------------------------ */

static void
row(struct page *p, const char *label)
{
	buf_printf(p->out, "<tr><th scope=\"row\">%s</th><td>", label);
}

static void
row_end(struct page *p)
{
	buf_printf(p->out, "</td></tr>\n");
}

static const struct custody_act *
act_of(const struct page *p, const uint8_t id[SHA256_BYTES])
{
	return &p->k.act[custody_find(&p->k, id)];
}

static void
approvers(struct page *p)
{
	const char	*comma = "";

	for (uint32_t i = 0; i < p->k.n_acts; i++) {
		const struct custody_act	*a = &p->k.act[i];

		if (a->type != STATEMENT_DECISION || !a->approve || !a->counts)
			continue;
		buf_printf(p->out, "%s", comma);
		agent(p, a, a->role[0] == '\0');
		if (a->role[0] != '\0')
			buf_printf(p->out, " as %s", a->role);
		comma = ";<br>\n";
	}
}

static void
needs(struct page *p)
{
	buf_printf(p->out, "Policy <b>%s</b>", p->policy->id);
	buf_printf(p->out, " asks for ");
	for (uint8_t i = 0; i < p->policy->n_need; i++)
		buf_printf(p->out, "%u %s, ", p->policy->need[i].count, p->policy->need[i].role);
	buf_printf(p->out, "%u different people in all, none of them the one who asked.", p->policy->people);
}

static void
in_short(struct page *p)
{
	const struct scope		*s = &p->k.c->grant.scope;
	const struct custody_act	*request = act_of(p, p->k.c->grant.request);
	const struct custody_act	*order = act_of(p, p->k.c->grant.order);

	buf_printf(p->out, "<h2>1. In short</h2>\n<table class=\"facts\">\n");
	row(p, "What");
	buf_printf(p->out, "%" PRIu32 " part%s of %" PRIu32 " sealed artifact%s (section 3)", s->n_parts,
	    s->n_parts == 1 ? "" : "s", s->n_artifacts, s->n_artifacts == 1 ? "" : "s");
	row_end(p);
	row(p, "For whom");
	recipient(p);
	row_end(p);
	row(p, "Asked by");
	page_agent(p, request);
	buf_printf(p->out, "<br>\nlogged at ");
	page_time(p, request->time);
	row_end(p);
	row(p, "Allowed by");
	approvers(p);
	row_end(p);
	row(p, "Under");
	needs(p);
	row_end(p);
	row(p, "Ordered");
	page_time(p, order->time);
	buf_printf(p->out, ", entry %" PRIu64 " of the log <bdi>", order->index);
	markup_html(p->out, p->charter->origin);
	buf_printf(p->out, "</bdi>");
	row_end(p);
	row(p, "Contributed");
	buf_printf(p->out, "%d of %u custodians; any %u are enough, fewer can open nothing (section 5)",
	    __builtin_popcount(p->k.c->receipts), p->charter->n, p->charter->k);
	row_end(p);
	buf_printf(p->out, "</table>\n");
}

/* --- why -------------------------------------------------------------------------------- */

static void
attachments(struct page *p)
{
	char	hex[HEX_BYTES(SHA256_BYTES)];

	if (p->request.u.request.n_attachments == 0)
		return;
	buf_printf(p->out, "<table><thead><tr><th>Attachment</th><th>Bytes</th><th>Where</th></tr></thead><tbody>\n");
	for (uint8_t i = 0; i < p->request.u.request.n_attachments; i++) {
		const struct statement_attachment	*a = &p->request.u.request.attachment[i];

		buf_printf(p->out, "<tr><td>%s</td><td class=\"n\">", a->kind);
		page_number(p, a->size);
		buf_printf(p->out, "</td><td>");
		if (page_find(p, a->digest) != NULL)
			buf_printf(p->out, "<code>data/erasable/%s</code>, after its first %d bytes",
			    hex_write(SPAN_OF(a->digest), hex), ERASABLE_SALT_BYTES);
		else
			buf_printf(p->out, "not in this package: left out or erased");
		buf_printf(p->out, "</td></tr>\n");
	}
	buf_printf(p->out, "</tbody></table>\n");
}

static void
why(struct page *p)
{
	buf_printf(p->out, "<h2>2. Why</h2>\n<p>The reason and legal basis that the requester gave, in their own words. "
	    "Every approval is bound to exactly these. They are a statement, and no finding.</p>\n");
	page_text(p, p->request.u.request.reason);
	attachments(p);
}

/* --- what --------------------------------------------------------------------------------- */

static void
part_row(struct page *p, uint32_t i)
{
	const struct scope_part	*s = &p->k.c->grant.scope.part[i];
	const struct descriptor	*d = &p->k.c->descriptor[s->artifact];
	const struct part	*part = descriptor_part(d, s->name);
	uint32_t		 n = part == NULL ? 0 : part_segments(part);

	buf_printf(p->out, "<tr><td>");
	page_digest(p, d->id, ARTIFACT_ID_BYTES);
	buf_printf(p->out, "</td><td>%s</td><td class=\"n\">", s->name);
	page_number(p, part == NULL ? 0 : part->length);
	buf_printf(p->out, "</td><td>");
	if (s->first == 0 && s->last + 1 == n)
		buf_printf(p->out, "all of it");
	else
		buf_printf(p->out, "pieces %" PRIu32 " to %" PRIu32 " of %" PRIu32, s->first + 1, s->last + 1, n);
	buf_printf(p->out, "</td><td>");
	page_time(p, d->sealed_at);
	buf_printf(p->out, "</td><td class=\"n\">%" PRIu64 "</td></tr>\n", p->k.e->artifact[s->artifact].batch);
}

static void
what(struct page *p)
{
	const struct scope	*s = &p->k.c->grant.scope;

	buf_printf(p->out, "<h2>3. What was released</h2>\n<p>An artifact is what was sealed at one time, for example the "
	    "prompt and the picture of one generation; its number names it. Only these parts can be opened with "
	    "this package: it has no keys for anything else.</p>\n"
	    "<table><thead><tr><th>Artifact</th><th>Part</th><th>Bytes</th><th>Released</th>"
	    "<th>Made, by the sealer's clock</th><th>Sealed by entry</th></tr></thead><tbody>\n");
	for (uint32_t i = 0; i < s->n_parts; i++)
		part_row(p, i);
	buf_printf(p->out, "</tbody></table>\n");
}

/* --- who -------------------------------------------------------------------------------------- */

/* Everything that people said on this request, a "no" before all. */
static bool
is_decision(const struct page *p, const struct custody_act *a)
{
	if (a->type == STATEMENT_REVOCATION)
		return true;
	return (a->type == STATEMENT_DECISION || a->type == STATEMENT_WITHDRAWAL) &&
	    memcmp(a->subject, p->k.c->grant.request, SHA256_BYTES) == 0;
}

static void
decision(struct page *p, const struct custody_act *a)
{
	buf_printf(p->out, "<tr><td>");
	page_agent(p, a);
	buf_printf(p->out, "</td><td>%s", act_name(&p->k, a));
	if (a->has_reason) {
		buf_printf(p->out, "; the reason given:\n");
		page_text(p, a->digest);
	}
	buf_printf(p->out, "</td><td>");
	act_words(&p->k, a, p->out);
	buf_printf(p->out, "</td><td>");
	page_time(p, a->time);
	buf_printf(p->out, "</td><td class=\"n\">%" PRIu64 "</td></tr>\n", a->index);
}

static void
decisions(struct page *p)
{
	buf_printf(p->out, "<h2>4. Who decided</h2>\n<p>");
	needs(p);
	buf_printf(p->out, " Each signed with a key of their own, which the charter names. Names, organisations and roles "
	    "are those of the charter in force at that time.</p>\n<table><thead><tr><th>Who</th><th>Decision</th>"
	    "<th>Effect</th><th>Log time</th><th>Entry</th></tr></thead><tbody>\n");
	for (uint32_t i = 0; i < p->k.n_acts; i++)
		if (is_decision(p, &p->k.act[i]))
			decision(p, &p->k.act[i]);
	buf_printf(p->out, "</tbody></table>\n");
}

static const struct custody_act *
receipt_of(const struct page *p, uint8_t custodian)
{
	for (uint32_t i = 0; i < p->k.n_acts; i++)
		if (p->k.act[i].type == STATEMENT_RECEIPT && p->k.act[i].custodian == custodian &&
		    memcmp(p->k.act[i].subject, p->k.c->grant.order, SHA256_BYTES) == 0)
			return &p->k.act[i];
	return NULL;
}

static void
custodians(struct page *p)
{
	const struct charter	*c = p->charter;

	buf_printf(p->out, "<h2>5. Who held the key, and who contributed</h2>\n<p>The key of sealed evidence is nowhere as a "
	    "whole. It is shared among %u custodians; any %u of them can contribute to opening it, and fewer "
	    "learn nothing. Each checked the request and the approvals by its own copy of the log before it contributed, and "
	    "signed a receipt, which is in the log.%s</p>\n", c->n, c->k, c->single_operator ?
	    " <b>The charter says that one operator runs several of them.</b>" : "");
	buf_printf(p->out, "<table><thead><tr><th>No.</th><th>Custodian</th><th>Organisation</th><th>Contributed</th>"
	    "<th>Entry</th></tr></thead><tbody>\n");
	for (uint8_t i = 1; i <= c->n; i++) {
		const struct custody_act	*a = receipt_of(p, i);

		buf_printf(p->out, "<tr><td class=\"n\">%u</td><td>", i);
		name(p, c->custodian[i - 1].name);
		buf_printf(p->out, "</td><td>");
		name(p, c->custodian[i - 1].organisation);
		buf_printf(p->out, "</td><td>");
		if (a == NULL)
			buf_printf(p->out, "&ndash;</td><td></td></tr>\n");
		else {
			page_time(p, a->time);
			buf_printf(p->out, "</td><td class=\"n\">%" PRIu64 "</td></tr>\n", a->index);
		}
	}
	buf_printf(p->out, "</tbody></table>\n");
}

/* --- all of it ------------------------------------------------------------------------------------ */

static enum rc
read_request(struct page *p, const struct custody_act *a, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse	d = { .n_sig = 0 };
	struct entry				e;

	TRY(entry_parse(p->k.e->entry[a->entry].leaf, &e, err));
	TRY(dsse_parse(e.dsse, &d, err));
	return statement_parse(&d, &p->request, err);
}

static enum rc
page_read(struct page *p, const struct evidence_case *e, const struct checked_case *c, struct err *err)
{
	uint32_t	order, request;

	TRY(custody_read(e, c, &p->k, err));
	order = custody_find(&p->k, c->grant.order);
	request = custody_find(&p->k, c->grant.request);
	if (order == NOBODY || request == NOBODY)
		return err_set(err, RC_USAGE, "summary: the order or its request is not in the case");
	p->charter = p->k.charter[p->k.act[order].charter];
	if ((p->policy = charter_policy(p->charter, c->request.policy)) == NULL)
		return err_set(err, RC_USAGE, "summary: the policy of the request is not in the charter");
	return read_request(p, &p->k.act[request], err);
}

enum rc
package_summary(const struct evidence_case *e, const struct checked_case *c, const struct summary_text *text,
    size_t n, struct buf *out, struct err *err)
{
	struct page	p = { .text = text, .n_texts = n, .out = out, .request = { .type = STATEMENT_UNKNOWN } };
	enum rc		rc = page_read(&p, e, c, err);

	if (rc == RC_OK) {
		page_head(&p);
		in_short(&p);
		why(&p);
		what(&p);
		decisions(&p);
		custodians(&p);
		page_sealing(&p);
		page_recipient_does(&p);
		page_checking(&p);
		page_charters(&p);
		page_acts(&p);
		page_void(&p);
		page_end(&p);
		rc = buf_check(out, "summary", err);
	}
	statement_done(&p.request);
	custody_done(&p.k);
	return rc;
}

/* What the log has: sealing and its time-stamps, charters, every entry. */
#include "evidence/summary_parts.h"

#include <inttypes.h>
#include <string.h>

#include "audit/anchor.h"

/* --- until when it was sealed ------------------------------------------------------ */

/* What the token of an anchor says, which is in the case as a blob. */
static void
stamped_at(struct page *p, const struct custody_act *a)
{
	uint8_t		digest[SHA256_BYTES];
	struct anchor	anchor;
	when		t;
	enum rc		rc;

	for (uint32_t i = 0; i < p->k.e->n_archives; i++) {
		sha256_one(digest, p->k.e->archive[i]);
		if (memcmp(digest, a->digest, SHA256_BYTES) != 0)
			continue;
		rc = anchor_parse(p->k.e->archive[i], &anchor, NULL);
		if (rc == RC_OK)
			rc = timestamp_time(anchor.token, &t, NULL);
		if (rc == RC_OK)
			page_time(p, t);
		else if (rc == RC_NOMEM)
			p->out->rc = rc;
		else
			buf_printf(p->out, "it cannot be read");
		break;
	}
}

static void
stamps(struct page *p, const struct custody_act *batch)
{
	bool	any = false;

	for (uint32_t i = 0; i < p->k.n_acts; i++) {
		const struct custody_act	*a = &p->k.act[i];

		if (a->type != STATEMENT_ANCHOR || a->number <= batch->index)
			continue;
		buf_printf(p->out, "%sTSA %s: ", any ? "<br>\n" : "", a->name);
		stamped_at(p, a);
		buf_printf(p->out, "<br>\n<code>data/anchors/%012" PRIu64 "/token.tst</code>", a->index);
		any = true;
	}
	if (!any)
		buf_printf(p->out, "none in this package; the custodians' cosignatures of the log are what dates it");
}

static bool
in_scope(const struct page *p, const struct custody_act *batch)
{
	for (uint32_t i = 0; i < p->k.e->n_artifacts; i++)
		if (p->k.e->artifact[i].batch == batch->index)
			return true;
	return false;
}

void
page_sealing(struct page *p)
{
	buf_printf(p->out, "<h2>6. When it was sealed</h2>\n<p>Sealing is logged in batches. Once a batch is in the log, neither "
	    "its content nor its place can change unnoticed. The log time is the coordinator's, which the custodians "
	    "accepted. A time-stamping authority (TSA) stands apart from all of them: its token shows that the batch "
	    "was in the log at the time that it states, or before. Whether a token is good, says <code>quorate verify</code>: "
	    "claim <code>sealed</code>.</p>\n"
	    "<table><thead><tr><th>Entry</th><th>Sealed by</th><th>Log time</th><th>Time-stamps</th></tr></thead><tbody>\n");
	for (uint32_t i = 0; i < p->k.n_acts; i++) {
		const struct custody_act	*a = &p->k.act[i];

		if (a->type != STATEMENT_BATCH || !in_scope(p, a))
			continue;
		buf_printf(p->out, "<tr><td class=\"n\">%" PRIu64 "</td><td>", a->index);
		page_agent(p, a);
		buf_printf(p->out, "</td><td>");
		page_time(p, a->time);
		buf_printf(p->out, "</td><td>");
		stamps(p, a);
		buf_printf(p->out, "</td></tr>\n");
	}
	buf_printf(p->out, "</tbody></table>\n");
}

/* --- the rules and every entry -------------------------------------------------------- */

void
page_charters(struct page *p)
{
	buf_printf(p->out, "<h2>9. By which rules</h2>\n<p>The charter says who may do what. All custodians signed the first one, "
	    "and its digest is what a verifier has to know from a party it trusts.</p>\n<table><thead><tr><th>Charter"
	    "</th><th>In force since</th><th>Entry</th><th>SHA-256</th></tr></thead><tbody>\n");
	for (uint32_t i = 0; i < p->k.n_charters; i++) {
		buf_printf(p->out, "<tr><td><bdi>");
		markup_html(p->out, p->k.charter[i]->name);
		buf_printf(p->out, "</bdi></td><td>");
		page_time(p, p->k.c->since_time[i]);
		buf_printf(p->out, "</td><td class=\"n\">%" PRIu64 "</td><td>", p->k.c->since[i]);
		page_digest(p, p->k.c->charters[i], SHA256_BYTES);
		buf_printf(p->out, "</td></tr>\n");
	}
	buf_printf(p->out, "</tbody></table>\n");
}

void
page_acts(struct page *p)
{
	buf_printf(p->out, "<h2>10. Every log entry of this package</h2>\n<p>They stand under <code>data/entries/</code>. The "
	    "release itself was logged after this page was written: <code>release.leaf</code>.</p>\n"
	    "<table class=\"log\"><thead><tr><th>Entry</th><th>Log time</th><th>Who</th><th>What</th><th>Statement</th>"
	    "</tr></thead><tbody>\n");
	for (uint32_t i = 0; i < p->k.n_acts; i++) {
		const struct custody_act	*a = &p->k.act[i];

		buf_printf(p->out, "<tr><td class=\"n\">%" PRIu64 "</td><td>", a->index);
		page_time(p, a->time);
		buf_printf(p->out, "</td><td>");
		page_agent(p, a);
		buf_printf(p->out, "</td><td>%s<br><small>", act_name(&p->k, a));
		act_words(&p->k, a, p->out);
		buf_printf(p->out, "</small></td><td>");
		page_digest(p, a->id, SHA256_BYTES);
		buf_printf(p->out, "</td></tr>\n");
	}
	buf_printf(p->out, "</tbody></table>\n");
}

/* Said and logged, and yet of no effect: a reader should see that, and why. */
void
page_void(struct page *p)
{
	const struct checked_case	*c = p->k.c;
	bool				 any = false;

	for (uint32_t i = 0; i < c->n_verdicts; i++) {
		if (c->verdict[i].effective || c->verdict[i].type == STATEMENT_RELEASE)
			continue;
		if (!any)
			buf_printf(p->out, "<h3>Entries that have no effect</h3>\n<table><thead><tr><th>Entry</th>"
			    "<th>Log time</th><th>What</th><th>Why it has none</th></tr></thead><tbody>\n");
		any = true;
		buf_printf(p->out, "<tr><td class=\"n\">%" PRIu64 "</td><td>", p->k.e->entry[i].index);
		page_time(p, c->verdict[i].time);
		buf_printf(p->out, "</td><td>%s</td><td>",
		    statement_type_name((enum statement_type)c->verdict[i].type));
		markup_html(p->out, void_reason_text((enum void_reason)c->verdict[i].why));
		buf_printf(p->out, "</td></tr>\n");
	}
	if (any)
		buf_printf(p->out, "</tbody></table>\n");
}

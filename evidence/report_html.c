/* A report as a page: for who has to put it before others. */
#include <string.h>

#include "evidence/markup.h"
#include "evidence/verify.h"

/* What a claim is about, for who never saw one of these packages. */
static const struct { const char *question, *meaning; } asked[CLAIMS] = {
	[CLAIM_CONTAINER] = { "Is the file a package, and whole?",
		"Each file in it is one that belongs there, and none is there twice." },
	[CLAIM_MANIFESTS] = { "Are its files those that its lists name?",
		"Each file has the digest that the lists of the bag have for it." },
	[CLAIM_CHARTER] = { "Is it under the charter that you trust?",
		"All else rests on this: the charter names everybody who may do anything. Get it, or its digest, from a party that you "
		"trust, not from who gave you the package." },
	[CLAIM_SIGNATURE] = { "Did the coordinator sign it?",
		"Every file is under one signature, by the certificate that the charter names." },
	[CLAIM_CHECKPOINT] = { "Did enough custodians sign the state of the log?",
		"Custodians sign only a log that they have replayed and that continues what they signed before." },
	[CLAIM_ENTRIES] = { "Are the entries in that log?",
		"For each there is a proof that it stands at its place in the log that the custodians signed." },
	[CLAIM_ORDER] = { "Was the release allowed?",
		"The request, the approvals and the order, judged again by the rules of the charter." },
	[CLAIM_RECEIPTS] = { "Did enough custodians contribute?",
		"Each that contributed signed a receipt, which is in the log." },
	[CLAIM_RELEASE] = { "Is this the release that was logged?",
		"The log names the content of exactly this package." },
	[CLAIM_DESCRIPTORS] = { "Is the evidence described as when it was sealed?",
		"The public record of each artifact is under the batch that was logged when it was sealed." },
	[CLAIM_CIPHERTEXT] = { "Is the encrypted evidence unchanged since then?",
		"Every byte has the digest that was logged at sealing." },
	[CLAIM_SCOPE] = { "Was released what was approved, and nothing else?",
		"The parts in the package are those of the order." },
	[CLAIM_RECIPIENT] = { "Are the keys for the approved recipient only?",
		"They are encrypted to the certificate in the request, and to no other." },
	[CLAIM_TEXTS] = { "Are reasons and attachments those that were signed?",
		"Each has the digest that a statement in the log names." },
	[CLAIM_CUSTODY] = { "Do the documents for people say what the log says?",
		"The summary, the two custody documents and the list of witnesses were written again and compared." },
	[CLAIM_TIMESTAMP] = { "Does a time-stamping authority say when it was signed?",
		"Such an authority stands apart from all others here; it dated the signature." },
	[CLAIM_SEALED] = { "Does one say by when the evidence was sealed?",
		"It dated the state of a log in which the sealing stood already." },
	[CLAIM_ARCHIVE] = { "Does it outlast its certificates?",
		"Archive time-stamps over the whole package, each before what it covers ran out." },
	[CLAIM_KEYS] = { "Do the keys open the evidence?",
		"Only who has the recipient's key can tell: quorate open says so." },
};

static const char head[] =
"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
"<meta name=\"viewport\" content=\"width=device-width\">\n<title>Evidence package: verification report</title>\n<style>\n"
"@page{size:A4;margin:18mm 16mm}\n"
"body{font:11pt/1.4 Georgia,'Times New Roman',serif;max-width:50em;margin:2em auto;padding:0 1em;color:#111;background:#fff}\n"
"h1{font-size:1.6em;margin:0 0 .4em}table{border-collapse:collapse;width:100%;margin:1em 0;font-size:.9em}"
"th,td{border:1px solid #aaa;padding:.35em .5em;text-align:left;vertical-align:top;overflow-wrap:anywhere}th{background:#eee}"
".facts th{width:9em}code{font:.85em monospace}small{color:#444}.v{white-space:nowrap;font-weight:bold}\n"
".yes{color:#064}.no{color:#fff;background:#a00}.unknown{color:#740}"
".box{border:3px solid;padding:.6em 1em;margin:1em 0;font-size:1.1em}.box b{font-size:1.3em}\n"
"@media print{body{margin:0;padding:0;max-width:none;font-size:10pt}tr,.box{break-inside:avoid}thead{display:table-header-group}"
"*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n"
"</style></head><body>\n<h1>Evidence package: verification report</h1>\n";

static void
verdict(const struct package_report *r, struct buf *out)
{
	switch (r->verdict) {
	case PACKAGE_VALID:
		buf_printf(out, "<div class=\"box yes\"><b>Valid.</b> All that must hold does, and the charter is the one "
		    "that was named as trusted.</div>\n");
		return;
	case PACKAGE_CONSISTENT:
		buf_printf(out, "<div class=\"box unknown\"><b>Consistent with itself, no more.</b> No charter to trust was "
		    "named. Anybody can make a package that is consistent with itself under a charter of their own.</div>\n");
		return;
	case PACKAGE_INVALID:
		break;
	}
	buf_printf(out, "<div class=\"box no\"><b>Invalid.</b> Do not rely on this package: something that must hold does "
	    "not.</div>\n");
}

static void
fact(struct buf *out, const char *label, const char *value)
{
	buf_printf(out, "<tr><th scope=\"row\">%s</th><td>", label);
	markup_html(out, value);
	buf_printf(out, "</td></tr>\n");
}

static void
fact_digest(struct buf *out, const char *label, const uint8_t digest[SHA256_BYTES])
{
	static const uint8_t	none[SHA256_BYTES];
	char			hex[HEX_BYTES(SHA256_BYTES)];

	fact(out, label, memcmp(digest, none, sizeof(none)) == 0 ? "not read" : hex_write(SPAN(digest, SHA256_BYTES), hex));
}

static void
claim(const struct package_report *r, enum claim_name c, struct buf *out)
{
	static const char *const	words[] = { [CLAIM_UNKNOWN] = "could not check", [CLAIM_YES] = "yes",
	    [CLAIM_NO] = "no" };
	enum claim_verdict		v = r->claim[c].verdict;

	buf_printf(out, "<tr><td><b>%s</b><br><small>%s (<code>%s</code>)</small></td><td class=\"v %s\">%s</td><td>",
	    asked[c].question, asked[c].meaning, claim_name(c), claim_verdict_name(v), words[v]);
	markup_html(out, r->claim[c].words);
	buf_printf(out, "</td></tr>\n");
}

void
package_report_html(const struct package_report *r, const char *package, const uint8_t digest[SHA256_BYTES], when at,
    struct buf *out)
{
	char	text[WHEN_TEXT_BYTES];

	buf_span(out, SPAN_STR(head));
	verdict(r, out);
	buf_printf(out, "<table class=\"facts\">\n");
	fact(out, "Package", package);
	fact_digest(out, "SHA-256 of it", digest);
	fact(out, "Verified as of", when_write(at, text));
	fact(out, "Released", r->released == 0 ? "not read" : when_write(r->released, text));
	fact_digest(out, "Charter", r->genesis);
	fact_digest(out, "Request", r->request);
	fact_digest(out, "Order", r->order);
	buf_printf(out, "</table>\n<table><thead><tr><th>Claim</th><th>Holds</th><th>Why</th></tr></thead><tbody>\n");
	for (unsigned i = 0; i < CLAIMS; i++)
		claim(r, (enum claim_name)i, out);
	buf_printf(out, "</tbody></table>\n<p>This report is what one program found, on one computer. Who doubts it verifies the "
	    "package again, with this program, with another by its specification, or by hand as the README.txt in the package "
	    "says.</p>\n</body></html>\n");
}

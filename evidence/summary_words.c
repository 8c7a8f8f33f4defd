/* What a reader has to be told in every package. */
#include "evidence/summary_parts.h"

/* Nothing is fetched from anywhere, and nothing runs: whatever the text says. */
static const char head[] =
"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
"<meta name=\"viewport\" content=\"width=device-width\">\n<title>Evidence package: summary</title>\n<style>\n"
"@page{size:A4;margin:18mm 16mm}\n"
"body{font:11pt/1.4 Georgia,'Times New Roman',serif;max-width:50em;margin:2em auto;padding:0 1em;color:#111;background:#fff}\n"
"h1{font-size:1.6em;margin:0 0 .2em}h2{font-size:1.15em;margin:1.6em 0 .4em;border-bottom:1px solid #999}"
"h3{font-size:1em}\n"
"table{border-collapse:collapse;width:100%;margin:.6em 0;font-size:.88em}"
"th,td{border:1px solid #aaa;padding:.3em .5em;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
"th{background:#eee;overflow-wrap:normal}.facts th{width:8em}.n{text-align:right;white-space:nowrap}.t{white-space:nowrap}\n"
"code{font:.85em monospace;overflow-wrap:anywhere}.log code{font-size:.7em}small{color:#333}\n"
"blockquote{margin:.6em 0;padding:.5em 1em;border-left:4px solid #999;background:#f6f6f6;overflow-wrap:anywhere}\n"
".box{border:2px solid #111;padding:.6em 1em;margin:1em 0}pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f6f6f6;"
"padding:.5em 1em}dt{font-weight:bold}dd{margin:0 0 .4em 1.5em}\n"
"@media print{body{margin:0;padding:0;max-width:none;font-size:10pt}tr,blockquote,.box,pre,dd{break-inside:avoid}"
"thead{display:table-header-group}h2,h3{break-after:avoid}}\n"
"</style></head><body>\n";

void
page_head(struct page *p)
{
	buf_span(p->out, SPAN_STR(head));
	buf_printf(p->out, "<h1>Evidence package: summary</h1>\n<p><bdi>");
	markup_html(p->out, p->charter->name);
	buf_printf(p->out, "</bdi></p>\n"
	    "<div class=\"box\"><p>This package discloses sealed evidence to one recipient. Everything it takes to check that the "
	    "disclosure was allowed is inside.</p>\n<p><b>This page proves nothing when it is only read.</b> It was written "
	    "from the signed log entries beside it. <code>quorate verify</code> writes it again from them and compares: "
	    "only then does it say what they say. Section 8 says how.</p></div>\n");
}

void
page_recipient_does(struct page *p)
{
	buf_printf(p->out, "<h2>7. What the recipient does</h2>\n<ol>\n"
	    "<li>Keep the package as it came. To open it changes nothing in it.</li>\n"
	    "<li>Check it (section 8) before relying on anything in it.</li>\n"
	    "<li>Open it: <code>quorate open PACKAGE --charter charter.json --key recipient.key -d FOLDER</code>, on a "
	    "computer that may hold the evidence in the clear. %s</li>\n"
	    "<li>Acknowledge that: <code>quorate acknowledge</code> puts the signed opening note in the log.</li>\n</ol>\n",
	    p->k.c->to_recipient ? "The custodians answered the recipient alone: nobody else has been able to open it, "
	    "the coordinator included." : "The keys were put together by the coordinator's release worker, for the recipient's "
	    "certificate and no other.");
}

void
page_checking(struct page *p)
{
	buf_printf(p->out, "<h2>8. How to check it</h2>\n<p>With Quorate, offline, and the charter that you have from a "
	    "party you trust:</p>\n<pre>quorate verify PACKAGE --charter charter.json --html report.html</pre>\n"
	    "<p>It says of each claim yes, no, or could not check, and why. The charter must be the one of which this is the SHA-256:<br>");
	page_digest(p, p->k.c->genesis, SHA256_BYTES);
	buf_printf(p->out, "</p>\n<p>Without Quorate: <code>README.txt</code> has the commands for unzip, sha256sum, openssl and "
	    "programs that check transparency logs.</p>\n"
	    "<p>What checking shows: these are the bytes that were sealed, not later than the time-stamps say; the people "
	    "above approved with their keys; enough custodians contributed; nothing else was released.</p>\n"
	    "<p>What it cannot show: that what was sealed is true, complete, or what a model made: for that stands "
	    "whoever sealed it. That a key was used by the person to whom the charter gives it: for that stands "
	    "this person. What happened to the evidence after it was opened.</p>\n");
}

void
page_end(struct page *p)
{
	buf_printf(p->out, "<h2>Words</h2>\n<dl>\n"
	    "<dt>Charter, policy</dt><dd>The charter is the constitution of the parties: who they are, and who may do what. A policy is "
	    "one of its rules: whose approval it takes to release a kind of evidence.</dd>\n"
	    "<dt>Sealed</dt><dd>Encrypted the moment it was made, with a key that was shared among the custodians.</dd>\n"
	    "<dt>Custodian</dt><dd>A party that holds one share of each key and contributes only when the log shows that the "
	    "policy is met.</dd>\n"
	    "<dt>Coordinator</dt><dd>Keeps the log and the encrypted evidence, and makes packages. It cannot open anything alone.</dd>\n"
	    "<dt>Log, entry</dt><dd>The list of every request, decision and release. Each custodian has a copy and signs its "
	    "state, so nothing in it can be changed or taken out unnoticed. Entries are numbered from 0.</dd>\n"
	    "<dt>Log time</dt><dd>When an entry was put in the log, in UTC.</dd>\n"
	    "<dt>SHA-256, digest</dt><dd>A fingerprint of a file, 64 characters: change one bit of the file and it is another.</dd>\n"
	    "<dt>TSA</dt><dd>A time-stamping authority: a service that signs what it was shown, with the time.</dd>\n"
	    "</dl>\n<p>Request ");
	page_digest(p, p->k.c->grant.request, SHA256_BYTES);
	buf_printf(p->out, "<br>\nOrder ");
	page_digest(p, p->k.c->grant.order, SHA256_BYTES);
	buf_printf(p->out, "</p>\n</body></html>\n");
}

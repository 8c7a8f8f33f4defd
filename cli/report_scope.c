/* cli/report_scope.c - what a request asks for. */
#include "audit/entry.h"
#include "cli/report_impl.h"

#define PARTS_TOLD	8u	/* to people; programs are given all */

enum rc
report_scope(const struct report *r, uint64_t request, struct scope *ret, uint8_t ret_recipient[SHA256_BYTES],
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf leaf = BUF_INIT(ENTRY_BYTES_MAX), bytes = BUF_INIT(SCOPE_BYTES_MAX);
	AUTO_DONE(dsse_done) struct dsse d = { .n_sig = 0 };
	AUTO_DONE(statement_done) struct statement s = { .type = STATEMENT_UNKNOWN };
	struct entry	e;

	TRY(r->source->entry(r->source->user, request, &leaf, err));
	TRY(entry_parse(buf_view(&leaf), &e, err));
	TRY(dsse_parse(e.dsse, &d, err));
	TRY(statement_parse(&d, &s, err));
	sha256_one(ret_recipient, buf_view(&s.bytes));
	TRY(r->source->blob(r->source->user, s.subject, &bytes, err));
	return scope_parse(buf_view(&bytes), ret, err);
}

enum rc
report_scope_words(const struct report *r, uint64_t request, struct buf *out, struct err *err)
{
	AUTO_DONE(scope_done) struct scope s = { .n_artifacts = 0 };
	uint8_t		recipient[SHA256_BYTES];
	char		hex[HEX_BYTES(SHA256_BYTES)];
	uint32_t	i;

	TRY(report_scope(r, request, &s, recipient, err));
	buf_printf(out, "\n    of %u artifact%s: ", s.n_artifacts, s.n_artifacts == 1 ? "" : "s");
	for (i = 0; i < s.n_parts && i < PARTS_TOLD; i++)
		buf_printf(out, "%s%s of %s, segments %u-%u", i == 0 ? "" : "; ", s.part[i].name,
		    hex_write(SPAN_OF(s.artifact[s.part[i].artifact].id), hex), s.part[i].first, s.part[i].last);
	if (s.n_parts > PARTS_TOLD)
		buf_printf(out, "; and %u more parts (all with --json)", s.n_parts - PARTS_TOLD);
	buf_printf(out, "\n    for the holder of the certificate with SHA-256 %s", hex_write(SPAN_OF(recipient), hex));
	return RC_OK;
}

/* A report as JSON and as text. */
#include "base/json.h"
#include "evidence/verify.h"

const char *
claim_verdict_name(enum claim_verdict v)
{
	switch (v) {
	case CLAIM_YES:		return "yes";
	case CLAIM_NO:		return "no";
	case CLAIM_UNKNOWN:	break;
	}
	return "unknown";
}

const char *
package_verdict_name(enum package_verdict v)
{
	switch (v) {
	case PACKAGE_VALID:		return "valid";
	case PACKAGE_CONSISTENT:	return "consistent";
	case PACKAGE_INVALID:		break;
	}
	return "invalid";
}

static json_t *
claims_json(const struct package_report *r)
{
	json_t	*claims = json_array();

	for (unsigned i = 0; claims != NULL && i < CLAIMS; i++) {
		json_t	*claim = json_pack("{s:s, s:s, s:s}", "name", claim_name((enum claim_name)i),
			    "verdict", claim_verdict_name(r->claim[i].verdict), "words", r->claim[i].words);

		if (claim == NULL || json_array_append_new(claims, claim) != 0) {
			json_decref(claims);
			return NULL;
		}
	}
	return claims;
}

static int
append(const char *p, size_t n, void *user)
{
	struct buf	*out = user;

	buf_add(out, p, n);
	return out->rc == RC_OK ? 0 : -1;
}

enum rc
package_report_json(const struct package_report *r, struct buf *out, struct err *err)
{
	char			 genesis[HEX_BYTES(SHA256_BYTES)], order[HEX_BYTES(SHA256_BYTES)];
	char			 request[HEX_BYTES(SHA256_BYTES)], at[WHEN_TEXT_BYTES];
	AUTO(json_decref) json_t *all = NULL;

	all = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "verdict", package_verdict_name(r->verdict),
	    "genesis", hex_write(SPAN_OF(r->genesis), genesis), "order", hex_write(SPAN_OF(r->order), order),
	    "request", hex_write(SPAN_OF(r->request), request), "released", when_write(r->released, at),
	    "claims", claims_json(r));
	if (all == NULL)
		return err_set(err, RC_NOMEM, "report: no memory");
	if (json_dump_callback(all, append, out, JSON_COMPACT) != 0) {
		TRY(buf_check(out, "report", err));
		return err_set(err, RC_NOMEM, "report: no memory");
	}
	buf_u8(out, '\n');
	return buf_check(out, "report", err);
}

static const char *
headline(enum package_verdict v)
{
	switch (v) {
	case PACKAGE_VALID:
		return "VALID: all that must hold does, and the charter is the one you trust.";
	case PACKAGE_CONSISTENT:
		return "CONSISTENT with itself, no more: name the charter that you trust to learn whether it can be relied on.";
	case PACKAGE_INVALID:
		break;
	}
	return "INVALID: do not rely on it.";
}

/* For people: what a claim's verdict is called, and its colour. */
static const struct { const char *words, *colour; } shown[] = {
	[CLAIM_UNKNOWN] = { "could not check",	"\033[33m" },
	[CLAIM_YES]	= { "yes",		"\033[32m" },
	[CLAIM_NO]	= { "no",		"\033[1;31m" },
};
#define PLAIN	"\033[0m"

static const char *
verdict_colour(enum package_verdict v)
{
	return shown[v == PACKAGE_VALID ? CLAIM_YES : v == PACKAGE_CONSISTENT ? CLAIM_UNKNOWN : CLAIM_NO].colour;
}

void
package_report_text(const struct package_report *r, bool colour, struct buf *out)
{
	const char	*end = colour ? PLAIN : "";

	buf_printf(out, "%s%s%s\n", colour ? verdict_colour(r->verdict) : "", headline(r->verdict), end);
	for (unsigned i = 0; i < CLAIMS; i++) {
		enum claim_verdict	v = r->claim[i].verdict;

		buf_printf(out, "  %s%-15s%s %-12s %s\n", colour ? shown[v].colour : "", shown[v].words, end,
		    claim_name((enum claim_name)i), r->claim[i].words);
	}
}

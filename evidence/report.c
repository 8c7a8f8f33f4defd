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
		return "VALID: everything below holds, and the charter is the one you trust.";
	case PACKAGE_CONSISTENT:
		return "CONSISTENT with itself, no more: give the charter that you trust to learn whether it is valid.";
	case PACKAGE_INVALID:
		break;
	}
	return "INVALID: do not rely on it.";
}

void
package_report_text(const struct package_report *r, struct buf *out)
{
	buf_printf(out, "%s\n", headline(r->verdict));
	for (unsigned i = 0; i < CLAIMS; i++)
		buf_printf(out, "  %-8s%-12s %s\n", claim_verdict_name(r->claim[i].verdict),
		    claim_name((enum claim_name)i), r->claim[i].words);
}

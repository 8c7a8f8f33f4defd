/*
 * tests/gen/statement.c - vectors of statement-v1 (keys, envelopes, statements) and
 * of the policy digest of charter-v1.
 */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/json.h"
#include "policy/statement.h"
#include "tests/gen/lib/vector.h"

#define BIG	((size_t)256 << 10)
#define NOW	UINT64_C(1795341600)	/* 2026-11-22T10:00:00Z */

static const char	*out_dir;

/* --- who signs ------------------------------------------------------------------- */

static uint8_t	signing_key[crypto_sign_SECRETKEYBYTES];

static enum rc
sign(void *user, struct span message, uint8_t ret_sig[KEY_SIG_BYTES], struct err *err)
{
	(void)user;
	(void)err;
	(void)crypto_sign_detached(ret_sig, NULL, message.p, message.n, signing_key);	/* always 0 */
	return RC_OK;
}

static struct signer
signer(void)
{
	struct signer	s = { .key = { .alg = KEY_ED25519, .n = 32 }, .sign = sign };
	uint8_t		seed[32];

	vector_seed("signing key", 0, seed, sizeof(seed));
	(void)crypto_sign_seed_keypair(s.key.bytes, signing_key, seed);		/* always 0 */
	return s;
}

/* --- statements --------------------------------------------------------------------- */

static void
seed(const char *name, uint8_t out[SHA256_BYTES])
{
	vector_seed(name, 0, out, SHA256_BYTES);
}

static void
batch(struct statement_batch *b)
{
	b->count = 1024;
	b->n = 2;
	seed("descriptors", b->descriptors);
	for (uint8_t i = 0; i < 2; i++) {
		b->custodian[i].index = (uint8_t)(i + 1);
		b->custodian[i].epoch = i == 0 ? 1 : UINT32_MAX;
		memset(b->custodian[i].encapsulation, 0xfb, 65);
		seed("shares", b->custodian[i].shares);
	}
}

static void
request(struct statement *s)
{
	(void)snprintf(s->u.request.policy, sizeof(s->u.request.policy), "standard");
	seed("reason", s->u.request.reason);
	s->u.request.n_attachments = 1;
	(void)snprintf(s->u.request.attachment[0].kind, sizeof(s->u.request.attachment[0].kind), "court-order");
	seed("attachment", s->u.request.attachment[0].digest);
	s->u.request.attachment[0].size = INT64_MAX;
	buf_printf(&s->bytes, "DER of a certificate");
}

static void
release(struct statement *s)
{
	seed("contents", s->u.release.contents);
	s->u.release.n = 2;
	s->u.release.custodian[0].index = 2;
	s->u.release.custodian[0].good = true;
	s->u.release.custodian[1].index = 31;
	seed("receipt", s->u.release.custodian[0].receipt);
	seed("receipt", s->u.release.custodian[1].receipt);
}

/* What each type has beside the common members. */
static void
members(struct statement *s)
{
	switch (s->type) {
	case STATEMENT_BATCH:
		batch(&s->u.batch);
		break;
	case STATEMENT_REQUEST:
		request(s);
		break;
	case STATEMENT_DECISION:
		s->u.decision.has_reason = true;
		seed("reason", s->u.decision.reason);
		break;
	case STATEMENT_REVOCATION:
		s->u.revocation.has_reason = true;
		seed("reason", s->u.revocation.reason);
		break;
	case STATEMENT_ORDER:
		seed("scope", s->u.order.scope);
		buf_printf(&s->bytes, "DER of a certificate");
		break;
	case STATEMENT_RECEIPT:
		s->u.receipt.custodian = 31;
		s->u.receipt.count = 8192;
		seed("message", s->u.receipt.message);
		seed("contributions", s->u.receipt.contributions);
		break;
	case STATEMENT_RELEASE:
		release(s);
		break;
	case STATEMENT_HELD:
		s->u.held.custodian = 1;
		seed("shares", s->u.held.shares);
		break;
	case STATEMENT_CHECKED:
		s->u.checked.custodian = 1;
		s->u.checked.first = 1;
		break;
	case STATEMENT_GARBAGE:
		s->u.garbage.custodian = 1;
		s->u.garbage.leaf = 1023;
		buf_u8(&s->bytes, GARBAGE_OTHER);
		memset(buf_extend(&s->bytes, GARBAGE_OTHER_BYTES - 1), 7, GARBAGE_OTHER_BYTES - 1);
		break;
	case STATEMENT_AMENDMENT:
		s->u.amendment.has_reason = true;
		seed("reason", s->u.amendment.reason);
		break;
	case STATEMENT_CONSENT:
		s->u.consent.custodian = 31;
		break;
	case STATEMENT_ANCHOR:
		(void)snprintf(s->u.anchor.tsa, sizeof(s->u.anchor.tsa), "first");
		s->u.anchor.size = INT64_MAX;
		seed("archive", s->u.anchor.archive);
		break;
	case STATEMENT_ACKNOWLEDGEMENT:
		seed("opening", s->u.acknowledgement.opening);
		s->u.acknowledgement.bad = UINT32_C(1) << 1 | UINT32_C(1) << 30;
		break;
	case STATEMENT_CHARTER:
	case STATEMENT_SUCCESSION:
	case STATEMENT_WITHDRAWAL:
	case STATEMENT_UNKNOWN:
	case STATEMENT_TYPES:
		break;
	}
}

static void
payload_of(enum statement_type type, struct buf *out)
{
	struct statement	s;
	struct signer		by = signer();
	uint8_t			genesis[32], charter[32], root[32];

	seed("genesis", genesis);
	seed("charter", charter);
	seed("seen root", root);
	statement_init(&s, type, genesis, charter, 7, root, NOW, 600);
	if (statement_has_signer(type))
		vector_seed("nonce", 0, s.nonce, sizeof(s.nonce));	/* the same at each run */
	key_id(&by.key, s.signer);
	seed("subject", s.subject);
	members(&s);
	*out = BUF_INIT(BIG);
	vector_need(statement_write(&s, out, NULL) == RC_OK, "statement");
	statement_done(&s);
}

static struct buf
envelope_of(struct span payload)
{
	struct buf	b = BUF_INIT(BIG);
	struct signer	by = signer();

	vector_need(dsse_sign(payload, &by, &b, NULL) == RC_OK, "envelope");
	return b;
}

static void
file(const char *name, const char *expect, const char *comment, struct span envelope)
{
	struct vector_out	v = vector_open(out_dir, "statement-v1", name, expect, comment);
	struct signer		by = signer();
	struct buf		key = BUF_INIT(256);
	struct dsse		d;
	struct statement	s;

	key_write(&by.key, &key);
	vector_text(&v, "test", "statement");
	vector_text(&v, "key", buf_text(&key));
	vector_hex(&v, "envelope", envelope);
	if (strcmp(expect, "ok") == 0) {
		vector_need(dsse_parse(envelope, &d, NULL) == RC_OK, name);
		vector_need(statement_parse(&d, &s, NULL) == RC_OK, name);
		vector_text(&v, "type", statement_type_name(s.type));
		vector_hex(&v, "id", SPAN_OF(s.id));
		vector_hex(&v, "subject", SPAN_OF(s.subject));
		vector_hex(&v, "payload", buf_view(&d.payload));
		statement_done(&s);
		dsse_done(&d);
	}
	buf_done(&key);
	vector_close(&v);
}

/* `in` with `to` in place of the first `from`, up to `until` where that is given. */
static struct buf
edited(const struct buf *in, const char *from, const char *until, const char *to)
{
	struct buf	 out = BUF_INIT(BIG);
	const uint8_t	*at = memmem(in->p, in->n, from, strlen(from)), *rest;
	size_t		 head;

	vector_need(at != NULL, from);
	head = (size_t)(at - in->p);
	rest = at + strlen(from);
	if (until != NULL)
		rest = memmem(rest, in->n - head - strlen(from), until, strlen(until));
	vector_need(rest != NULL, from);
	buf_add(&out, in->p, head);
	buf_span(&out, span_str(to));
	buf_add(&out, rest, in->n - (size_t)(rest - in->p));
	return out;
}

static void
good(void)
{
	char	name[64];

	for (int t = STATEMENT_UNKNOWN + 1; t < STATEMENT_TYPES; t++) {
		struct buf	payload, envelope;

		payload_of((enum statement_type)t, &payload);
		envelope = envelope_of(buf_view(&payload));
		(void)snprintf(name, sizeof(name), "type_%s", statement_type_name((enum statement_type)t));
		file(name, "ok", "each member that the type has", buf_view(&envelope));
		buf_done(&envelope);
		buf_done(&payload);
	}
}

struct edit {
	const char		*name, *expect, *comment;
	enum statement_type	 type;
	const char		*from, *until, *to;
};

#define CHECKED	STATEMENT_CHECKED
#define ZEROS	"00000000000000000000000000000000"
#define A28	"AAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define A84	A28 A28 A28

/* What is signed as it is: what is wrong is what it says. */
static const struct edit payload_edits[] = {
	{ "approval", "ok", "an approval", STATEMENT_DECISION, "\"deny\"", "}}", "\"approve\"" },
	{ "escaped", "ok", "a letter of a name as an escape", CHECKED, "\"custodian\"", NULL, "\"custo\\u0064ian\"" },
	{ "white_space", "ok", "white space of all kinds", CHECKED, "\"custodian\":1", NULL,
	    " \t\r\n\"custodian\" : 1 " },
	{ "type_later", "ok", "a type of later rules: only id and type are read", CHECKED, "/checked/v1", NULL, "/hold/v1" },
	{ "type_version", "ok", "another version is another type", CHECKED, "/checked/v1", NULL, "/checked/v2" },
	{ "member_unknown", "format", "a member that no spec names", CHECKED, "\"custodian\":1", NULL,
	    "\"custodian\":1,\"more\":1" },
	{ "member_missing", "format", "no nonce", CHECKED, "\"nonce\"", "\"issued\"", "" },
	{ "member_twice", "format", "a member twice", CHECKED, "\"custodian\":1", NULL,
	    "\"custodian\":1,\"custodian\":1" },
	{ "member_twice_escaped", "format", "a member twice, once with an escape", CHECKED, "\"custodian\":1", NULL,
	    "\"custodian\":1,\"custo\\u0064ian\":1" },
	{ "real", "format", "a number with a fraction", CHECKED, "\"custodian\":1", NULL, "\"custodian\":1.0" },
	{ "exponent", "format", "a number with an exponent", CHECKED, "\"custodian\":1", NULL, "\"custodian\":1e0" },
	{ "leading_zero", "format", "a number with a leading zero", CHECKED, "\"custodian\":1", NULL, "\"custodian\":01" },
	{ "text_for_number", "format", "text for a number", CHECKED, "\"custodian\":1", NULL, "\"custodian\":\"1\"" },
	{ "custodian_zero", "format", "there is no custodian 0", CHECKED, "\"custodian\":1", NULL, "\"custodian\":0" },
	{ "custodian_32", "format", "nor 32", CHECKED, "\"custodian\":1", NULL, "\"custodian\":32" },
	{ "trailing", "format", "bytes after the value", CHECKED, "}}", NULL, "}}x" },
	{ "half_character", "format", "one half of a surrogate pair", CHECKED, "\"batch\"", NULL, "\"batch\\ud800\"" },
	{ "layout_other", "format", "another layout", CHECKED, "Statement/v1", NULL, "Statement/v0.1" },
	{ "subject_name", "format", "another kind of subject", CHECKED, "\"name\":\"batch\"", NULL, "\"name\":\"order\"" },
	{ "subjects_two", "format", "two subjects", CHECKED, "\"subject\":[", NULL,
	    "\"subject\":[{\"name\":\"batch\",\"digest\":{\"sha256\":\"" ZEROS ZEROS "\"}}," },
	{ "hex_upper_case", "format", "hex in upper case", CHECKED, "\"nonce\":\"", "\",\"issued\"",
	    "\"nonce\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
	{ "time_leap", "format", "a leap second", CHECKED, "10:00:00Z", NULL, "10:00:60Z" },
	{ "time_zone", "format", "another time zone", CHECKED, "10:00:00Z", NULL, "10:00:00+00:00" },
	{ "time_february", "format", "30 February", CHECKED, "2026-11-22T10:00", NULL, "2026-02-30T10:00" },
	{ "time_1969", "format", "before 1970", CHECKED, "2026-11-22T10:00", NULL, "1969-11-22T10:00" },
	{ "seen_negative", "format", "a negative size", CHECKED, "\"size\":7", NULL, "\"size\":-7" },
	{ "seen_2_63", "format", "a size of 2^63", CHECKED, "\"size\":7", NULL, "\"size\":9223372036854775808" },
	{ "consent_custodian_zero", "format", "there is no custodian 0", STATEMENT_CONSENT, "\"custodian\":31", NULL,
	    "\"custodian\":0" },
	{ "succession_signer", "format", "a succession names no signer", STATEMENT_SUCCESSION, "\"seen\"", NULL,
	    "\"signer\":\"" ZEROS ZEROS "\",\"seen\"" },
	{ "anchor_size_zero", "format", "a checkpoint of nothing", STATEMENT_ANCHOR, "\"size\":9223372036854775807", NULL,
	    "\"size\":0" },
	{ "acknowledgement_none", "ok", "nobody contributed wrongly", STATEMENT_ACKNOWLEDGEMENT, "[2,31]", NULL, "[]" },
	{ "acknowledgement_order", "format", "custodians are not in ascending order", STATEMENT_ACKNOWLEDGEMENT, "[2,31]", NULL,
	    "[31,2]" },
	{ "acknowledgement_twice", "format", "a custodian twice", STATEMENT_ACKNOWLEDGEMENT, "[2,31]", NULL, "[2,2]" },
	{ "acknowledgement_zero", "format", "there is no custodian 0", STATEMENT_ACKNOWLEDGEMENT, "[2,31]", NULL, "[0,31]" },
	{ "acknowledgement_32", "format", "nor 32", STATEMENT_ACKNOWLEDGEMENT, "[2,31]", NULL, "[2,32]" },
	{ "decision_other", "format", "neither approve nor deny", STATEMENT_DECISION, "\"deny\"", NULL, "\"abstain\"" },
	{ "approval_reason", "format", "an approval with a reason", STATEMENT_DECISION, "\"deny\"", NULL, "\"approve\"" },
	{ "policy_upper_case", "format", "an upper-case letter", STATEMENT_REQUEST, "\"standard\"", NULL, "\"Standard\"" },
	{ "batch_count_zero", "format", "a batch of none", STATEMENT_BATCH, "\"count\":1024", NULL, "\"count\":0" },
	{ "batch_count_1025", "format", "a batch too large", STATEMENT_BATCH, "\"count\":1024", NULL, "\"count\":1025" },
	{ "batch_order", "format", "custodians are not 1 .. n", STATEMENT_BATCH, "\"index\":2", NULL, "\"index\":3" },
	{ "batch_epoch_zero", "format", "there is no epoch 0", STATEMENT_BATCH, "\"epoch\":1", NULL, "\"epoch\":0" },
	{ "batch_point_short", "format", "62 bytes for a point", STATEMENT_BATCH, "\"encapsulation\":\"+/v7", NULL,
	    "\"encapsulation\":\"" },
	{ "batch_mixed", "format", "base64 of two alphabets", STATEMENT_BATCH, "\"encapsulation\":\"+/v7", NULL,
	    "\"encapsulation\":\"-/v7" },
	{ "release_order", "format", "custodians are not in ascending order", STATEMENT_RELEASE, "\"index\":31", NULL,
	    "\"index\":2" },
	{ "garbage_leaf", "format", "a leaf that no batch has", STATEMENT_GARBAGE, "\"leaf\":1023", NULL, "\"leaf\":1024" },
	{ "garbage_shut", "ok", "a proof of the first kind", STATEMENT_GARBAGE, "\"proof\":\"", "\"}}",
	    "\"proof\":\"AQ" A28 A28 "AAAAAAAA==" },
	{ "garbage_kind", "format", "a proof of a kind that there is not", STATEMENT_GARBAGE,
	    "\"proof\":\"Agc", NULL, "\"proof\":\"Awc" },
	{ "garbage_kind_length", "format", "the first kind, as long as the second", STATEMENT_GARBAGE,
	    "\"proof\":\"Agc", NULL, "\"proof\":\"AQc" },
	{ "garbage_short", "format", "a proof that is a byte short", STATEMENT_GARBAGE, "BwcHBwcH\"", NULL,
	    "BwcHBwc=\"" },
	{ "checked_none", "format", "where the run begins is not said", STATEMENT_CHECKED, ",\"first\":1", NULL, "" },
	{ "checked_2_63", "format", "first is above 2^63 - 1", STATEMENT_CHECKED,
	    "\"first\":1", NULL, "\"first\":9223372036854775808" },
};

/* A good statement in other envelopes. */
static const struct edit envelope_edits[] = {
	{ "keyid_none", "ok", "the hint may be absent", CHECKED, "\"keyid\"", "\"sig\"", "" },
	{ "keyid_other", "ok", "a hint is no more than that", CHECKED, "\"keyid\":\"", NULL, "\"keyid\":\"00" },
	{ "signatures_two", "ok", "a signature of nobody beside a good one", CHECKED, "\"signatures\":[", NULL,
	    "\"signatures\":[{\"sig\":\"" A84 "AA==\"}," },
	{ "unpadded", "ok", "base64 without padding", CHECKED, "==\"}]}", NULL, "\"}]}" },
	{ "signature_zeros", "verify", "a signature of zeros", CHECKED, "\"sig\":\"", "\"}]}", "\"sig\":\"" A84 "AA==" },
	{ "signature_bits", "format", "a second form of the same base64", CHECKED, "\"sig\":\"", "\"}]}",
	    "\"sig\":\"" A84 "AB==" },
	{ "signature_short", "format", "a signature of 63 bytes", CHECKED, "\"sig\":\"", "\"}]}", "\"sig\":\"" A84 },
	{ "signatures_none", "format", "no signature", CHECKED, "{\"keyid\"", "]}", "" },
	{ "envelope_member", "format", "a member that DSSE lacks", CHECKED, "{\"payload\"", NULL, "{\"x\":1,\"payload\"" },
	{ "envelope_trailing", "format", "bytes after the value", CHECKED, "}]}", NULL, "}]}{}" },
	{ "payload_type", "format", "another type of payload", CHECKED, "vnd.in-toto+json", NULL, "vnd.in-toto" },
	{ "payload_empty", "format", "no payload", CHECKED, "\"payload\":\"", "\",\"payloadType\"", "\"payload\":\"" },
	{ "padding_short", "format", "one pad of two", CHECKED, "==\"}]}", NULL, "=\"}]}" },
};

static void
edits(const struct edit *e, size_t n, bool of_payload)
{
	for (size_t i = 0; i < n; i++) {
		struct buf	payload, envelope, changed;

		payload_of(e[i].type, &payload);
		if (of_payload) {
			changed = edited(&payload, e[i].from, e[i].until, e[i].to);
			envelope = envelope_of(buf_view(&changed));
		} else {
			changed = envelope_of(buf_view(&payload));
			envelope = edited(&changed, e[i].from, e[i].until, e[i].to);
		}
		file(e[i].name, e[i].expect, e[i].comment, buf_view(&envelope));
		buf_done(&changed);
		buf_done(&envelope);
		buf_done(&payload);
	}
}

/* The signature of one statement under another, which the same key might have signed. */
static void
transplant(void)
{
	struct buf	payload, changed, envelope, b64 = BUF_INIT(BIG), out;

	payload_of(CHECKED, &payload);
	changed = edited(&payload, "\"custodian\":1", NULL, "\"custodian\":2");
	envelope = envelope_of(buf_view(&payload));
	buf_printf(&b64, "\"payload\":\"");
	b64_write(&b64, buf_view(&changed));
	out = edited(&envelope, "\"payload\":\"", "\",\"payloadType\"", buf_text(&b64));
	file("payload_other", "verify", "another payload than the signed one", buf_view(&out));
	buf_done(&out);
	buf_done(&b64);
	buf_done(&envelope);
	buf_done(&changed);
	buf_done(&payload);
}

static void
url_safe(void)
{
	struct buf	payload, envelope;
	char		*sig;

	payload_of(STATEMENT_BATCH, &payload);
	envelope = envelope_of(buf_view(&payload));
	sig = strstr((char *)(uintptr_t)buf_text(&envelope), "\"sig\":\"");
	vector_need(sig != NULL && strpbrk(sig, "+/") != NULL, "no + or / in the signature");
	for (; (sig = strpbrk(sig, "+/")) != NULL; )
		*sig = *sig == '+' ? '-' : '_';
	file("url_safe", "ok", "base64 in the URL-safe alphabet", buf_view(&envelope));
	buf_done(&envelope);
	buf_done(&payload);
}

/* --- keys ---------------------------------------------------------------------------- */

static void
keys(void)
{
	static const struct {
		const char	*name, *expect, *comment, *text;
	} rows[] = {
		/* The generators of both groups, RFC 8032 section 5.1 and SP 800-186. */
		{ "key_ed25519", "ok", "Ed25519", "ed25519:WGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY=" },
		{ "key_unpadded", "ok", "without padding", "ed25519:WGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY" },
		{ "key_p256", "ok", "P-256", "p256:BGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfU=" },
		{ "key_small_order", "format", "a point of order 1", "ed25519:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" },
		{ "key_mixed_order", "format", "the generator and a point of order 2",
		    "ed25519:lZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZk=" },
		{ "key_off_curve", "format", "off the curve", "p256:BGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfQ=" },
		{ "key_short", "format", "31 bytes", "ed25519:WGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZg==" },
		{ "key_algorithm", "format", "another algorithm", "rsa:WGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY=" },
		{ "key_upper_case", "format", "the algorithm in upper case", "ED25519:WGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY=" },
		{ "key_bare", "format", "no algorithm", "WGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY=" },
	};
	struct key	k;
	uint8_t		id[KEY_ID_BYTES];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vector_out	v = vector_open(out_dir, "statement-v1", rows[i].name, rows[i].expect,
		    rows[i].comment);

		vector_text(&v, "test", "key");
		vector_text(&v, "key", rows[i].text);
		if (strcmp(rows[i].expect, "ok") == 0) {
			vector_need(key_parse(span_str(rows[i].text), &k, NULL) == RC_OK, rows[i].name);
			key_id(&k, id);
			vector_hex(&v, "id", SPAN_OF(id));
		}
		vector_close(&v);
	}
}

/* --- charter-v1: the digest of a policy ----------------------------------------------- */

static void
policies(void)
{
	static const struct {
		const char	*name, *expect, *comment, *json;
	} rows[] = {
		{ "policy_good", "ok", "a policy as a lawyer might lay it out",
		    "{\n  \"id\": \"standard\",\n  \"people\": 3,\n  \"veto\": [],\n  \"approvals\": [\n"
		    "    { \"role\": \"legal\", \"count\": 1 },\n    { \"count\": 2, \"role\": \"auditor\" }\n  ],\n"
		    "  \"requester_organisation_may_approve\": false\n}\n" },
		{ "policy_escapes", "ok", "one form of each character",
		    "{\"a\":\"x\\u0041\\/\\b\\t\\n\\f\\r\\\"\\\\\\u001f\\u007f\\u00e9\\u20ac\\ud83d\\ude00\"}" },
		{ "policy_order", "ok", "names in the order of their bytes",
		    "{\"b\":1,\"aa\":2,\"a\":3,\"B\":4,\"\":5,\"_\":6,\"a.\":7}" },
		{ "policy_numbers", "ok", "integers to 2^53 - 1", "[0,-0,-1,9007199254740991,-9007199254740991]" },
		{ "policy_depth", "ok", "16 levels", "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]" },
		{ "policy_too_deep", "format", "17 levels", "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]" },
		{ "policy_2_53", "format", "an integer of 2^53", "[9007199254740992]" },
		{ "policy_real", "format", "a number that is no integer", "[1.5]" },
		{ "policy_name", "format", "a name beyond ASCII", "{\"\\u00e9\":1}" },
		{ "policy_twice", "format", "a member twice", "{\"a\":1,\"a\":1}" },
		{ "policy_nul", "format", "U+0000", "[\"\\u0000\"]" },
		{ "policy_control", "format", "a control character that is not escaped", "[\"\t\"]" },
		{ "policy_comma", "format", "a comma too many", "[1,]" },
		{ "policy_utf8", "format", "not UTF-8", "[\"\xc0\xaf\"]" },
		{ "policy_bom", "format", "a byte order mark", "\xef\xbb\xbf[]" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vector_out	v = vector_open(out_dir, "charter-v1", rows[i].name, rows[i].expect,
		    rows[i].comment);
		struct buf		b = BUF_INIT(BIG);
		json_t			*j = NULL;
		uint8_t			digest[SHA256_BYTES];

		vector_text(&v, "test", "policy");
		vector_hex(&v, "json", span_str(rows[i].json));
		if (strcmp(rows[i].expect, "ok") == 0) {
			vector_need(json_read(span_str(rows[i].json), BIG, &j, NULL) == RC_OK &&
			    json_canonical(j, &b, NULL) == RC_OK, rows[i].name);
			vector_hex(&v, "canonical", buf_view(&b));
			sha256_one(digest, buf_view(&b));
			vector_hex(&v, "digest", SPAN_OF(digest));
		}
		json_decref(j);
		buf_done(&b);
		vector_close(&v);
	}
}

int
main(int argc, char **argv)
{
	vector_need(argc == 2, "usage: statement DIRECTORY");
	vector_need(secret_init(NULL) == RC_OK, "no locked memory");
	out_dir = argv[1];
	good();
	edits(payload_edits, sizeof(payload_edits) / sizeof(payload_edits[0]), true);
	edits(envelope_edits, sizeof(envelope_edits) / sizeof(envelope_edits[0]), false);
	transplant();
	url_safe();
	keys();
	policies();
	return 0;
}

/*
 * policy/statement_write.c - making statements: policy/statement.h.
 *
 * Every string that goes in is hex, base64, an ident or a time, so nothing
 * needs escaping; an ident is checked before it is written.
 */
#include <string.h>

#include <sodium.h>

#include "base/json.h"
#include "policy/statement.h"

static void
put_hex(struct buf *out, const char *name, struct span v)
{
	char	hex[HEX_BYTES(SHA256_BYTES)];

	buf_printf(out, ",\"%s\":\"%s\"", name, hex_write(v, hex));
}

static void
put_b64(struct buf *out, const char *name, struct span v)
{
	buf_printf(out, ",\"%s\":\"", name);
	b64_write(out, v);
	buf_u8(out, '"');
}

static void
put_uint(struct buf *out, const char *name, uint64_t v)
{
	buf_printf(out, ",\"%s\":%llu", name, (unsigned long long)v);
}

static void
put_batch(const struct statement_batch *b, struct buf *out)
{
	put_uint(out, "count", b->count);
	put_hex(out, "descriptors", SPAN_OF(b->descriptors));
	buf_printf(out, ",\"custodians\":[");
	for (size_t i = 0; i < b->n; i++) {
		buf_printf(out, "%s{\"index\":%u", i > 0 ? "," : "",
		    b->custodian[i].index);
		put_uint(out, "epoch", b->custodian[i].epoch);
		put_b64(out, "encapsulation",
		    SPAN_OF(b->custodian[i].encapsulation));
		put_hex(out, "shares", SPAN_OF(b->custodian[i].shares));
		buf_u8(out, '}');
	}
	buf_u8(out, ']');
}

static void
put_request(const struct statement *s, struct buf *out)
{
	buf_printf(out, ",\"policy\":\"%s\"", s->u.request.policy);
	put_hex(out, "reason", SPAN_OF(s->u.request.reason));
	buf_printf(out, ",\"attachments\":[");
	for (size_t i = 0; i < s->u.request.n_attachments; i++) {
		const struct statement_attachment *a = &s->u.request.attachment[i];

		buf_printf(out, "%s{\"kind\":\"%s\"", i > 0 ? "," : "", a->kind);
		put_hex(out, "digest", SPAN_OF(a->digest));
		put_uint(out, "size", a->size);
		buf_u8(out, '}');
	}
	buf_u8(out, ']');
	put_b64(out, "recipient", buf_view(&s->bytes));
}

static void
put_decision(const struct statement *s, struct buf *out)
{
	buf_printf(out, ",\"decision\":\"%s\"",
	    s->u.decision.approve ? "approve" : "deny");
	if (s->u.decision.has_reason)
		put_hex(out, "reason", SPAN_OF(s->u.decision.reason));
}

static void
put_release(const struct statement *s, struct buf *out)
{
	put_hex(out, "contents", SPAN_OF(s->u.release.contents));
	buf_printf(out, ",\"custodians\":[");
	for (size_t i = 0; i < s->u.release.n; i++) {
		buf_printf(out, "%s{\"index\":%u", i > 0 ? "," : "",
		    s->u.release.custodian[i].index);
		put_hex(out, "receipt", SPAN_OF(s->u.release.custodian[i].receipt));
		buf_printf(out, ",\"good\":%s}",
		    s->u.release.custodian[i].good ? "true" : "false");
	}
	buf_u8(out, ']');
}

static void
put_acknowledgement(const struct statement *s, struct buf *out)
{
	const char	*comma = "";

	put_hex(out, "opening", SPAN_OF(s->u.acknowledgement.opening));
	buf_printf(out, ",\"bad\":[");
	for (unsigned i = 0; i < CUSTODIANS_MAX; i++)
		if ((s->u.acknowledgement.bad >> i & 1) != 0) {
			buf_printf(out, "%s%u", comma, i + 1);
			comma = ",";
		}
	buf_u8(out, ']');
}

static void
put_own(const struct statement *s, struct buf *out)
{
	switch (s->type) {
	case STATEMENT_BATCH:
		put_batch(&s->u.batch, out);
		break;
	case STATEMENT_REQUEST:
		put_request(s, out);
		break;
	case STATEMENT_DECISION:
		put_decision(s, out);
		break;
	case STATEMENT_REVOCATION:
		if (s->u.revocation.has_reason)
			put_hex(out, "reason", SPAN_OF(s->u.revocation.reason));
		break;
	case STATEMENT_ORDER:
		put_hex(out, "scope", SPAN_OF(s->u.order.scope));
		put_b64(out, "addressee", buf_view(&s->bytes));
		break;
	case STATEMENT_RECEIPT:
		put_uint(out, "custodian", s->u.receipt.custodian);
		put_hex(out, "message", SPAN_OF(s->u.receipt.message));
		put_uint(out, "count", s->u.receipt.count);
		put_hex(out, "contributions", SPAN_OF(s->u.receipt.contributions));
		break;
	case STATEMENT_RELEASE:
		put_release(s, out);
		break;
	case STATEMENT_HELD:
		put_uint(out, "custodian", s->u.held.custodian);
		put_hex(out, "shares", SPAN_OF(s->u.held.shares));
		break;
	case STATEMENT_CHECKED:
		put_uint(out, "custodian", s->u.checked.custodian);
		put_uint(out, "first", s->u.checked.first);
		break;
	case STATEMENT_GARBAGE:
		put_uint(out, "custodian", s->u.garbage.custodian);
		put_uint(out, "leaf", s->u.garbage.leaf);
		put_b64(out, "proof", buf_view(&s->bytes));
		break;
	case STATEMENT_AMENDMENT:
		if (s->u.amendment.has_reason)
			put_hex(out, "reason", SPAN_OF(s->u.amendment.reason));
		break;
	case STATEMENT_CONSENT:
		put_uint(out, "custodian", s->u.consent.custodian);
		break;
	case STATEMENT_ANCHOR:
		buf_printf(out, ",\"tsa\":\"%s\"", s->u.anchor.tsa);
		put_uint(out, "size", s->u.anchor.size);
		put_hex(out, "archive", SPAN_OF(s->u.anchor.archive));
		break;
	case STATEMENT_ACKNOWLEDGEMENT:
		put_acknowledgement(s, out);
		break;
	case STATEMENT_UNKNOWN:
	case STATEMENT_CHARTER:
	case STATEMENT_SUCCESSION:
	case STATEMENT_WITHDRAWAL:
	case STATEMENT_TYPES:
		break;
	}
}

static void
put_common(const struct statement *s, struct buf *out)
{
	char	text[WHEN_TEXT_BYTES];

	if (statement_has_signer(s->type)) {
		put_hex(out, "signer", SPAN_OF(s->signer));
		put_hex(out, "nonce", SPAN_OF(s->nonce));
		buf_printf(out, ",\"issued\":\"%s\"", when_write(s->issued, text));
		buf_printf(out, ",\"expires\":\"%s\"", when_write(s->expires, text));
	}
	buf_printf(out, ",\"seen\":{\"size\":%llu",
	    (unsigned long long)s->seen_size);
	put_hex(out, "root", SPAN_OF(s->seen_root));
	buf_u8(out, '}');
}

static enum rc
request_check(const struct statement *s, struct err *err)
{
	if (!is_ident(s->u.request.policy, ID_MAX))
		return err_set(err, RC_USAGE, "request: malformed policy name");
	if (s->u.request.n_attachments > ATTACHMENTS_MAX)
		return err_set(err, RC_USAGE, "request: at most %d attachments",
		    ATTACHMENTS_MAX);
	for (size_t i = 0; i < s->u.request.n_attachments; i++)
		if (!is_ident(s->u.request.attachment[i].kind, ID_MAX))
			return err_set(err, RC_USAGE,
			    "request: malformed kind of attachment");
	return RC_OK;
}

/* What would be written as something else than it is. */
static enum rc
write_check(const struct statement *s, struct err *err)
{
	if (statement_subject_kind(s->type) == NULL)
		return err_set(err, RC_USAGE, "statement: of no known type");
	if (statement_has_signer(s->type) &&
	    (s->issued > WHEN_MAX || s->expires > WHEN_MAX ||
	    sodium_is_zero(s->signer, sizeof(s->signer))))
		return err_set(err, RC_USAGE,
		    "statement: no signer, or a time after year 9999");
	if (s->type == STATEMENT_BATCH && s->u.batch.n > CUSTODIANS_MAX)
		return err_set(err, RC_USAGE, "batch: too many custodians");
	if (s->type == STATEMENT_RELEASE && s->u.release.n > CUSTODIANS_MAX)
		return err_set(err, RC_USAGE, "release: too many custodians");
	if (s->type == STATEMENT_CHECKED && s->u.checked.first > INT64_MAX)
		return err_set(err, RC_USAGE, "checked: no entry has such an index");
	if (s->type == STATEMENT_GARBAGE && !garbage_proof_fits(buf_view(&s->bytes)))
		return err_set(err, RC_USAGE, "garbage: malformed proof");
	if (s->type == STATEMENT_ANCHOR && !is_ident(s->u.anchor.tsa, ID_MAX))
		return err_set(err, RC_USAGE, "anchor: malformed name of a TSA");
	return s->type == STATEMENT_REQUEST ? request_check(s, err) : RC_OK;
}

enum rc
statement_write(const struct statement *s, struct buf *payload, struct err *err)
{
	char	hex[HEX_BYTES(SHA256_BYTES)];

	TRY(write_check(s, err));
	buf_printf(payload, "{\"_type\":\"https://in-toto.io/Statement/v1\","
	    "\"subject\":[{\"name\":\"%s\",\"digest\":{\"sha256\":\"%s\"}}],",
	    statement_subject_kind(s->type), hex_write(SPAN_OF(s->subject), hex));
	buf_printf(payload, "\"predicateType\":\"%s%s/v1\",\"predicate\":{",
	    PREDICATE_PREFIX, statement_type_name(s->type));
	buf_printf(payload, "\"genesis\":\"%s\"",
	    hex_write(SPAN_OF(s->genesis), hex));
	put_hex(payload, "charter", SPAN_OF(s->charter));
	if (s->type != STATEMENT_CHARTER)
		put_common(s, payload);
	put_own(s, payload);
	buf_printf(payload, "}}");
	return buf_check(payload, "statement", err);
}

enum rc
statement_sign(struct statement *s, const struct signer *signer,
    struct buf *envelope, struct err *err)
{
	AUTO_DONE(buf_done) struct buf payload = BUF_INIT(DSSE_BYTES_MAX);

	/* All who sign a charter or a succession sign the same bytes. */
	if (statement_has_signer(s->type))
		key_id(&signer->key, s->signer);
	TRY(statement_write(s, &payload, err));
	TRY(dsse_sign(buf_view(&payload), signer, envelope, err));
	dsse_id(buf_view(&payload), s->id);
	return RC_OK;
}

void
statement_init(struct statement *s, enum statement_type type,
    const uint8_t genesis[SHA256_BYTES], const uint8_t charter[SHA256_BYTES],
    uint64_t seen_size, const uint8_t seen_root[SHA256_BYTES], when now,
    uint64_t life)
{
	memset(s, 0, sizeof(*s));
	s->bytes = BUF_INIT(RECIPIENT_CERT_MAX);
	s->type = type;
	memcpy(s->genesis, genesis, sizeof(s->genesis));
	memcpy(s->charter, charter, sizeof(s->charter));
	if (type == STATEMENT_CHARTER)
		return;
	if (statement_has_signer(type)) {
		randombytes_buf(s->nonce, sizeof(s->nonce));
		s->issued = now;
		s->expires = life > WHEN_MAX - now ? WHEN_MAX : now + life;
	}
	s->seen_size = seen_size;
	memcpy(s->seen_root, seen_root, sizeof(s->seen_root));
}

/*
 * policy/statement_ours.c - see policy/statement_ours.h. Nearly every statement of a log
 * is one that statement_write() made, and a replay parses all of them: this reads what
 * that writes, in its order, without a tree of JSON. Each limit here is one of
 * policy/statement.c, or a narrower one.
 */
#include <string.h>

#include "base/json.h"
#include "base/wire.h"
#include "policy/statement_ours.h"

#define EXPECT(r, text)	rd_expect((r), (text), sizeof(text) - 1)

/* Up to the next quote, which is taken too. An escape is for the caller to refuse. */
static bool
rd_text(struct rd *r, struct span *ret)
{
	const uint8_t	*p = r->in.p + r->at;
	const uint8_t	*end = memchr(p, '"', r->in.n - r->at);

	if (end == NULL)
		return false;
	*ret = SPAN(p, (size_t)(end - p));
	r->at += ret->n + 1;
	return true;
}

static bool
rd_hex(struct rd *r, uint8_t *out, size_t n)
{
	struct span	s;

	return rd_take(r, 2 * n, &s) && hex_parse(s, out, n) && EXPECT(r, "\"");
}

static bool
rd_b64(struct rd *r, uint8_t *out, size_t n)
{
	struct span	s;

	return rd_take(r, (n + 2) / 3 * 4, &s) && memchr(s.p, '-', s.n) == NULL &&
	    memchr(s.p, '_', s.n) == NULL && b64_parse_fixed(out, n, s, NULL) == RC_OK &&
	    EXPECT(r, "\"");
}

static bool
rd_ident(struct rd *r, char out[ID_MAX + 1])
{
	struct span	s;

	if (!rd_text(r, &s) || s.n > ID_MAX)
		return false;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return strlen(out) == s.n && is_ident(out, ID_MAX);
}

static bool
rd_when(struct rd *r, when *ret)
{
	struct span	s;

	return rd_take(r, WHEN_TEXT_BYTES - 1, &s) && when_parse(s, ret) && EXPECT(r, "\"");
}

/* Of at most 18 digits, none of them in vain. */
static bool
rd_number(struct rd *r, uint64_t min, uint64_t max, uint64_t *ret)
{
	const uint8_t	*p = r->in.p + r->at;
	size_t		 n = 0, left = r->in.n - r->at;
	uint64_t	 v = 0;

	for (; n < left && n < 18 && p[n] >= '0' && p[n] <= '9'; n++)
		v = v * 10 + (p[n] - '0');
	if (n == 0 || (n > 1 && p[0] == '0') || v < min || v > max)
		return false;
	r->at += n;
	*ret = v;
	return true;
}

static bool
rd_number32(struct rd *r, uint32_t min, uint32_t max, uint32_t *ret)
{
	uint64_t	v;

	if (!rd_number(r, min, max, &v))
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* --- what each type has -------------------------------------------------------------- */

static bool
batch_read(struct rd *r, struct statement_batch *b)
{
	if (!EXPECT(r, ",\"count\":") || !rd_number32(r, 1, BATCH_COUNT_MAX, &b->count) ||
	    !EXPECT(r, ",\"descriptors\":\"") || !rd_hex(r, b->descriptors, SHA256_BYTES) ||
	    !EXPECT(r, ",\"custodians\":["))
		return false;
	do {
		uint32_t	index;

		if (b->n == CUSTODIANS_MAX ||
		    !EXPECT(r, "{\"index\":") || !rd_number32(r, b->n + 1U, b->n + 1U, &index) ||
		    !EXPECT(r, ",\"epoch\":") ||
		    !rd_number32(r, 1, UINT32_MAX, &b->custodian[b->n].epoch) ||
		    !EXPECT(r, ",\"encapsulation\":\"") ||
		    !rd_b64(r, b->custodian[b->n].encapsulation, sizeof(b->custodian[0].encapsulation)) ||
		    !EXPECT(r, ",\"shares\":\"") || !rd_hex(r, b->custodian[b->n].shares, SHA256_BYTES) ||
		    !EXPECT(r, "}"))
			return false;
		b->custodian[b->n++].index = (uint8_t)index;
	} while (EXPECT(r, ","));
	return EXPECT(r, "]");
}

static bool
attachments_read(struct rd *r, struct statement *s)
{
	uint8_t	*n = &s->u.request.n_attachments;

	if (EXPECT(r, "]"))
		return true;
	do {
		struct statement_attachment	*a = &s->u.request.attachment[*n];

		if (*n == ATTACHMENTS_MAX ||
		    !EXPECT(r, "{\"kind\":\"") || !rd_ident(r, a->kind) ||
		    !EXPECT(r, ",\"digest\":\"") || !rd_hex(r, a->digest, SHA256_BYTES) ||
		    !EXPECT(r, ",\"size\":") || !rd_number(r, 0, INT64_MAX, &a->size) ||
		    !EXPECT(r, "}"))
			return false;
		(*n)++;
	} while (EXPECT(r, ","));
	return EXPECT(r, "]");
}

static bool
request_read(struct rd *r, struct statement *s, enum rc *ret_rc)
{
	struct span	b64;

	return EXPECT(r, ",\"policy\":\"") && rd_ident(r, s->u.request.policy) &&
	    EXPECT(r, ",\"reason\":\"") && rd_hex(r, s->u.request.reason, SHA256_BYTES) &&
	    EXPECT(r, ",\"attachments\":[") && attachments_read(r, s) &&
	    EXPECT(r, ",\"recipient\":\"") && rd_text(r, &b64) &&
	    b64.n > 0 && b64.n % 4 == 0 && memchr(b64.p, '-', b64.n) == NULL &&
	    memchr(b64.p, '_', b64.n) == NULL &&
	    (*ret_rc = b64_parse(&s->bytes, b64, NULL)) == RC_OK;
}

static bool
decision_read(struct rd *r, struct statement *s)
{
	s->u.decision.approve = EXPECT(r, ",\"decision\":\"approve\"");
	if (s->u.decision.approve)
		return true;
	if (!EXPECT(r, ",\"decision\":\"deny\""))
		return false;
	s->u.decision.has_reason = EXPECT(r, ",\"reason\":\"");
	return !s->u.decision.has_reason || rd_hex(r, s->u.decision.reason, SHA256_BYTES);
}

static bool
own_read(struct rd *r, struct statement *s, enum rc *ret_rc)
{
	if (s->type == STATEMENT_BATCH)
		return batch_read(r, &s->u.batch);
	if (s->type == STATEMENT_REQUEST)
		return request_read(r, s, ret_rc);
	return decision_read(r, s);
}

/* --- what all have -------------------------------------------------------------------- */

static bool
type_read(struct rd *r, struct span kind, struct statement *s)
{
	static const enum statement_type	often[] = { STATEMENT_BATCH, STATEMENT_DECISION, STATEMENT_REQUEST };
	struct span				name;

	if (!rd_text(r, &name))
		return false;
	for (size_t i = 0; i < sizeof(often) / sizeof(often[0]); i++) {
		struct span	is = span_str(statement_type_name(often[i]));

		s->type = often[i];
		if (name.n == is.n + 3 && memcmp(name.p, is.p, is.n) == 0 &&
		    memcmp(name.p + is.n, "/v1", 3) == 0)
			return span_eq(kind, span_str(statement_subject_kind(often[i])));
	}
	return false;
}

bool
statement_is_ours(struct span payload, struct statement *s, enum rc *ret_rc)
{
	struct rd	r = rd_init(payload);
	struct span	kind;

	return payload.n <= DSSE_BYTES_MAX &&
	    EXPECT(&r, "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"name\":\"") &&
	    rd_text(&r, &kind) &&
	    EXPECT(&r, ",\"digest\":{\"sha256\":\"") && rd_hex(&r, s->subject, SHA256_BYTES) &&
	    EXPECT(&r, "}}],\"predicateType\":\"" PREDICATE_PREFIX) && type_read(&r, kind, s) &&
	    EXPECT(&r, ",\"predicate\":{\"genesis\":\"") && rd_hex(&r, s->genesis, SHA256_BYTES) &&
	    EXPECT(&r, ",\"charter\":\"") && rd_hex(&r, s->charter, SHA256_BYTES) &&
	    EXPECT(&r, ",\"signer\":\"") && rd_hex(&r, s->signer, KEY_ID_BYTES) &&
	    EXPECT(&r, ",\"nonce\":\"") && rd_hex(&r, s->nonce, STATEMENT_NONCE_BYTES) &&
	    EXPECT(&r, ",\"issued\":\"") && rd_when(&r, &s->issued) &&
	    EXPECT(&r, ",\"expires\":\"") && rd_when(&r, &s->expires) &&
	    EXPECT(&r, ",\"seen\":{\"size\":") && rd_number(&r, 0, INT64_MAX, &s->seen_size) &&
	    EXPECT(&r, ",\"root\":\"") && rd_hex(&r, s->seen_root, SHA256_BYTES) &&
	    EXPECT(&r, "}") && own_read(&r, s, ret_rc) &&
	    EXPECT(&r, "}}") && rd_done(&r);
}

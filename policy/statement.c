/*
 * policy/statement.c - reading statements: policy/statement.h, docs/spec/statement-v1.md.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "policy/statement_ours.h"

#define INTOTO_TYPE	"https://in-toto.io/Statement/v1"

static const struct {
	const char	*name, *subject;
} types[STATEMENT_TYPES] = {
	[STATEMENT_UNKNOWN]	= { "unknown",		NULL },
	[STATEMENT_CHARTER]	= { "charter",		"charter" },
	[STATEMENT_BATCH]	= { "batch",		"batch" },
	[STATEMENT_REQUEST]	= { "request",		"scope" },
	[STATEMENT_DECISION]	= { "decision",		"request" },
	[STATEMENT_WITHDRAWAL]	= { "withdrawal",	"request" },
	[STATEMENT_REVOCATION]	= { "revocation",	"key" },
	[STATEMENT_ORDER]	= { "order",		"request" },
	[STATEMENT_RECEIPT]	= { "receipt",		"order" },
	[STATEMENT_RELEASE]	= { "release",		"order" },
	[STATEMENT_HELD]	= { "held",		"batch" },
	[STATEMENT_CHECKED]	= { "checked",		"batch" },
	[STATEMENT_GARBAGE]	= { "garbage",		"batch" },
	[STATEMENT_AMENDMENT]	= { "amendment",	"charter" },
	[STATEMENT_CONSENT]	= { "consent",		"amendment" },
	[STATEMENT_SUCCESSION]	= { "succession",	"charter" },
	[STATEMENT_ANCHOR]	= { "anchor",		"checkpoint" },
	[STATEMENT_ACKNOWLEDGEMENT] = { "acknowledgement", "order" },
};

bool
statement_has_signer(enum statement_type t)
{
	return t != STATEMENT_CHARTER && t != STATEMENT_SUCCESSION;
}

const char *
statement_type_name(enum statement_type t)
{
	return t < STATEMENT_TYPES ? types[t].name : types[0].name;
}

const char *
statement_subject_kind(enum statement_type t)
{
	return t < STATEMENT_TYPES ? types[t].subject : NULL;
}

static enum statement_type
type_of(const char *predicate_type)
{
	char	uri[sizeof(PREDICATE_PREFIX) + 32];

	for (unsigned t = STATEMENT_UNKNOWN + 1; t < STATEMENT_TYPES; t++) {
		snprintf(uri, sizeof(uri), "%s%s/v1", PREDICATE_PREFIX,
		    types[t].name);
		if (strcmp(uri, predicate_type) == 0)
			return (enum statement_type)t;
	}
	return STATEMENT_UNKNOWN;
}

/* An ident into a NUL-terminated array of ID_MAX + 1. */
static void
ident(struct jobj *o, const char *name, char out[ID_MAX + 1])
{
	const char	*s = jobj_str(o, name, 1, ID_MAX);

	if (o->rc == RC_OK && !is_ident(s, ID_MAX))
		jobj_fail(o, "\"%s\" is not a name of [a-z0-9._-]", name);
	if (o->rc == RC_OK)
		memcpy(out, s, strlen(s) + 1);
}

static bool
has(const struct jobj *o, const char *name)
{
	return json_object_get(o->obj, name) != NULL;
}

static uint8_t
custodian_index(struct jobj *o, const char *name)
{
	return (uint8_t)jobj_uint(o, name, 1, CUSTODIANS_MAX);
}

static enum rc
batch_custodian(const json_t *v, uint8_t index, struct statement_batch *b,
    struct err *err)
{
	struct jobj	o = jobj_init(v, "batch custodian", err);
	size_t		i = index - 1U;

	b->custodian[i].index = custodian_index(&o, "index");
	b->custodian[i].epoch = (uint32_t)jobj_uint(&o, "epoch", 1, UINT32_MAX);
	jobj_b64(&o, "encapsulation", b->custodian[i].encapsulation,
	    sizeof(b->custodian[i].encapsulation));
	jobj_hex(&o, "shares", b->custodian[i].shares, SHA256_BYTES);
	if (o.rc == RC_OK && b->custodian[i].index != index)
		jobj_fail(&o, "custodians are not 1 to n in order");
	return jobj_done(&o);
}

static enum rc
batch_parse(struct jobj *o, struct statement *s)
{
	struct statement_batch	*b = &s->u.batch;
	const json_t		*list;

	b->count = (uint32_t)jobj_uint(o, "count", 1, BATCH_COUNT_MAX);
	jobj_hex(o, "descriptors", b->descriptors, sizeof(b->descriptors));
	list = jobj_arr(o, "custodians", 1, CUSTODIANS_MAX);
	for (; b->n < json_array_size(list); b->n++)
		TRY(batch_custodian(json_array_get(list, b->n),
		    (uint8_t)(b->n + 1), b, o->err));
	return RC_OK;
}

static enum rc
attachment_parse(const json_t *v, struct statement_attachment *a,
    struct err *err)
{
	struct jobj	o = jobj_init(v, "attachment", err);

	ident(&o, "kind", a->kind);
	jobj_hex(&o, "digest", a->digest, sizeof(a->digest));
	a->size = jobj_uint(&o, "size", 0, INT64_MAX);
	return jobj_done(&o);
}

static enum rc
request_parse(struct jobj *o, struct statement *s)
{
	const json_t	*list;
	uint8_t		*n = &s->u.request.n_attachments;

	ident(o, "policy", s->u.request.policy);
	jobj_hex(o, "reason", s->u.request.reason, SHA256_BYTES);
	list = jobj_arr(o, "attachments", 0, ATTACHMENTS_MAX);
	jobj_b64_buf(o, "recipient", 1, RECIPIENT_CERT_MAX, &s->bytes);
	for (; *n < json_array_size(list); (*n)++)
		TRY(attachment_parse(json_array_get(list, *n),
		    &s->u.request.attachment[*n], o->err));
	return RC_OK;
}

static enum rc
decision_parse(struct jobj *o, struct statement *s)
{
	const char	*d = jobj_str(o, "decision", 1, 16);

	s->u.decision.approve = strcmp(d, "approve") == 0;
	if (!s->u.decision.approve && strcmp(d, "deny") != 0)
		jobj_fail(o, "\"decision\" is neither \"approve\" nor \"deny\"");
	/* A reason belongs to a denial: what is approved is the request's. */
	if (!s->u.decision.approve && has(o, "reason")) {
		s->u.decision.has_reason = true;
		jobj_hex(o, "reason", s->u.decision.reason, SHA256_BYTES);
	}
	return RC_OK;
}

static enum rc
revocation_parse(struct jobj *o, struct statement *s)
{
	if (has(o, "reason")) {
		s->u.revocation.has_reason = true;
		jobj_hex(o, "reason", s->u.revocation.reason, SHA256_BYTES);
	}
	return RC_OK;
}

static enum rc
order_parse(struct jobj *o, struct statement *s)
{
	jobj_hex(o, "scope", s->u.order.scope, SHA256_BYTES);
	jobj_b64_buf(o, "addressee", 1, RECIPIENT_CERT_MAX, &s->bytes);
	return RC_OK;
}

static enum rc
receipt_parse(struct jobj *o, struct statement *s)
{
	s->u.receipt.custodian = custodian_index(o, "custodian");
	jobj_hex(o, "message", s->u.receipt.message, SHA256_BYTES);
	s->u.receipt.count = (uint32_t)jobj_uint(o, "count", 0, UINT32_MAX);
	jobj_hex(o, "contributions", s->u.receipt.contributions, SHA256_BYTES);
	return RC_OK;
}

static enum rc
release_custodian(const json_t *v, struct statement *s, struct err *err)
{
	struct jobj	o = jobj_init(v, "release custodian", err);
	size_t		i = s->u.release.n;

	s->u.release.custodian[i].index = custodian_index(&o, "index");
	jobj_hex(&o, "receipt", s->u.release.custodian[i].receipt, SHA256_BYTES);
	if (!has(&o, "good"))
		jobj_fail(&o, "no \"good\"");
	s->u.release.custodian[i].good = jobj_bool_opt(&o, "good", false);
	if (i > 0 && s->u.release.custodian[i - 1].index >=
	    s->u.release.custodian[i].index)
		jobj_fail(&o, "custodians are not in ascending order");
	return jobj_done(&o);
}

static enum rc
release_parse(struct jobj *o, struct statement *s)
{
	const json_t	*list;

	jobj_hex(o, "contents", s->u.release.contents, SHA256_BYTES);
	list = jobj_arr(o, "custodians", 1, CUSTODIANS_MAX);
	for (; s->u.release.n < json_array_size(list); s->u.release.n++)
		TRY(release_custodian(json_array_get(list, s->u.release.n), s,
		    o->err));
	return RC_OK;
}

static enum rc
held_parse(struct jobj *o, struct statement *s)
{
	s->u.held.custodian = custodian_index(o, "custodian");
	jobj_hex(o, "shares", s->u.held.shares, SHA256_BYTES);
	return RC_OK;
}

static enum rc
checked_parse(struct jobj *o, struct statement *s)
{
	s->u.checked.custodian = custodian_index(o, "custodian");
	s->u.checked.first = jobj_uint(o, "first", 0, INT64_MAX);
	return RC_OK;
}

bool
garbage_proof_fits(struct span proof)
{
	return proof.n > 0 && (proof.p[0] == GARBAGE_SHUT ?
	    proof.n == GARBAGE_SHUT_BYTES :
	    proof.p[0] == GARBAGE_OTHER && proof.n == GARBAGE_OTHER_BYTES);
}

static enum rc
garbage_parse(struct jobj *o, struct statement *s)
{
	s->u.garbage.custodian = custodian_index(o, "custodian");
	s->u.garbage.leaf = (uint32_t)jobj_uint(o, "leaf", 0, BATCH_COUNT_MAX - 1);
	jobj_b64_buf(o, "proof", GARBAGE_SHUT_BYTES, GARBAGE_OTHER_BYTES, &s->bytes);
	if (o->rc == RC_OK && !garbage_proof_fits(buf_view(&s->bytes)))
		jobj_fail(o, "\"proof\" is of no kind that there is");
	return RC_OK;
}

static enum rc
amendment_parse(struct jobj *o, struct statement *s)
{
	if (has(o, "reason")) {
		s->u.amendment.has_reason = true;
		jobj_hex(o, "reason", s->u.amendment.reason, SHA256_BYTES);
	}
	return RC_OK;
}

static enum rc
consent_parse(struct jobj *o, struct statement *s)
{
	s->u.consent.custodian = custodian_index(o, "custodian");
	return RC_OK;
}

static enum rc
anchor_parse(struct jobj *o, struct statement *s)
{
	ident(o, "tsa", s->u.anchor.tsa);
	s->u.anchor.size = jobj_uint(o, "size", 1, INT64_MAX);
	jobj_hex(o, "archive", s->u.anchor.archive, SHA256_BYTES);
	return RC_OK;
}

static enum rc
acknowledgement_parse(struct jobj *o, struct statement *s)
{
	const json_t	*list;
	uint32_t	*bad = &s->u.acknowledgement.bad;

	jobj_hex(o, "opening", s->u.acknowledgement.opening, SHA256_BYTES);
	list = jobj_arr(o, "bad", 0, CUSTODIANS_MAX);
	for (size_t i = 0; o->rc == RC_OK && i < json_array_size(list); i++) {
		json_int_t	n = json_integer_value(json_array_get(list, i));

		/* Ascending: none is set at or above it. */
		if (n < 1 || n > CUSTODIANS_MAX || *bad >> (n - 1) != 0)
			jobj_fail(o, "\"bad\" is not a list of custodians in order");
		else
			*bad |= UINT32_C(1) << (n - 1);
	}
	return RC_OK;
}

/* The members that a type has beside the common ones. */
static enum rc
own_members(struct jobj *o, struct statement *s)
{
	switch (s->type) {
	case STATEMENT_BATCH:		return batch_parse(o, s);
	case STATEMENT_REQUEST:		return request_parse(o, s);
	case STATEMENT_DECISION:	return decision_parse(o, s);
	case STATEMENT_REVOCATION:	return revocation_parse(o, s);
	case STATEMENT_ORDER:		return order_parse(o, s);
	case STATEMENT_RECEIPT:		return receipt_parse(o, s);
	case STATEMENT_RELEASE:		return release_parse(o, s);
	case STATEMENT_HELD:		return held_parse(o, s);
	case STATEMENT_CHECKED:		return checked_parse(o, s);
	case STATEMENT_GARBAGE:		return garbage_parse(o, s);
	case STATEMENT_AMENDMENT:	return amendment_parse(o, s);
	case STATEMENT_CONSENT:		return consent_parse(o, s);
	case STATEMENT_ANCHOR:		return anchor_parse(o, s);
	case STATEMENT_ACKNOWLEDGEMENT:	return acknowledgement_parse(o, s);
	case STATEMENT_CHARTER:
	case STATEMENT_SUCCESSION:
	case STATEMENT_WITHDRAWAL:
	case STATEMENT_UNKNOWN:
	case STATEMENT_TYPES:
		break;
	}
	return RC_OK;
}

static enum rc
seen_parse(struct jobj *predicate, struct statement *s)
{
	const json_t	*v = jobj_obj(predicate, "seen");
	struct jobj	 o;

	if (predicate->rc != RC_OK)
		return predicate->rc;
	o = jobj_init(v, "seen", predicate->err);
	s->seen_size = jobj_uint(&o, "size", 0, INT64_MAX);
	jobj_hex(&o, "root", s->seen_root, sizeof(s->seen_root));
	return jobj_done(&o);
}

static enum rc
predicate_parse(const json_t *v, struct statement *s, struct err *err)
{
	struct jobj	o = jobj_init(v, statement_type_name(s->type), err);

	jobj_hex(&o, "genesis", s->genesis, sizeof(s->genesis));
	jobj_hex(&o, "charter", s->charter, sizeof(s->charter));
	if (statement_has_signer(s->type)) {
		jobj_hex(&o, "signer", s->signer, sizeof(s->signer));
		jobj_hex(&o, "nonce", s->nonce, sizeof(s->nonce));
		s->issued = jobj_when(&o, "issued");
		s->expires = jobj_when(&o, "expires");
	}
	if (s->type != STATEMENT_CHARTER)
		TRY(seen_parse(&o, s));
	TRY(own_members(&o, s));
	return jobj_done(&o);
}

static enum rc
subject_parse(const json_t *list, struct statement *s, struct err *err)
{
	struct jobj	 o, digest;
	const json_t	*v;
	const char	*name;

	if (json_array_size(list) != 1)
		return err_set(err, RC_FORMAT, "statement: %zu subjects, not 1",
		    json_array_size(list));
	o = jobj_init(json_array_get(list, 0), "subject", err);
	name = jobj_str(&o, "name", 1, 64);
	v = jobj_obj(&o, "digest");
	if (o.rc == RC_OK && strcmp(name, types[s->type].subject) != 0)
		jobj_fail(&o, "\"name\" is not \"%s\"", types[s->type].subject);
	TRY(jobj_done(&o));
	digest = jobj_init(v, "subject digest", err);
	jobj_hex(&digest, "sha256", s->subject, sizeof(s->subject));
	return jobj_done(&digest);
}

static enum rc
payload_parse(const json_t *v, struct statement *s, struct err *err)
{
	struct jobj	 o = jobj_init(v, "statement", err);
	const char	*type, *predicate_type;
	const json_t	*subject, *predicate;

	type = jobj_str(&o, "_type", 1, 128);
	subject = jobj_arr(&o, "subject", 1, 64);
	predicate_type = jobj_str(&o, "predicateType", 1, 256);
	predicate = jobj_obj(&o, "predicate");
	if (o.rc == RC_OK && strcmp(type, INTOTO_TYPE) != 0)
		jobj_fail(&o, "\"_type\" is not " INTOTO_TYPE);
	TRY(jobj_done(&o));
	s->type = type_of(predicate_type);
	if (s->type == STATEMENT_UNKNOWN)
		return RC_OK;
	TRY(subject_parse(subject, s, err));
	return predicate_parse(predicate, s, err);
}

static void
statement_begin(struct statement *s)
{
	memset(s, 0, sizeof(*s));
	s->bytes = BUF_INIT(RECIPIENT_CERT_MAX);
}

static enum rc
any_parse(struct span payload, struct statement *s, struct err *err)
{
	AUTO(json_decref) json_t *v = NULL;

	TRY(json_read(payload, DSSE_BYTES_MAX, &v, err));
	return payload_parse(v, s, err);
}

enum rc
statement_parse(const struct dsse *d, struct statement *ret, struct err *err)
{
	enum rc	rc = RC_OK;

	statement_begin(ret);
	if (!statement_is_ours(buf_view(&d->payload), ret, &rc)) {
		statement_done(ret);
		if (rc == RC_NOMEM)
			return err_set(err, rc, "statement: no memory left");
		statement_begin(ret);
		if ((rc = any_parse(buf_view(&d->payload), ret, err)) != RC_OK) {
			statement_done(ret);
			return rc;
		}
	}
	memcpy(ret->id, d->id, sizeof(ret->id));
	return RC_OK;
}

void
statement_done(struct statement *s)
{
	buf_done(&s->bytes);
}

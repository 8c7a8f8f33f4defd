/* CASE/UCO 1.4.0 as JSON-LD: docs/spec/custody-v1.md section 3. One node a line. */
#include "evidence/custody_parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "evidence/markup.h"
#include "evidence/segment.h"

#define NODE_BYTES	46		/* "kb:" and a UUID, with its NUL, and room */
#define NODE_NAME	256

struct writer {
	struct custody	 k;
	struct buf	*out;
	char		 genesis[HEX_BYTES(SHA256_BYTES)], order[HEX_BYTES(SHA256_BYTES)];
	bool		 first;		/* the next node is the first */
};

/* --- nodes ------------------------------------------------------------------------ */

/*
 * The id of a thing: UUID version 5 (RFC 9562) in the name space of URLs, so that the same case gives
 * the same bytes, and another order's document other ids.
 */
static char *node(const struct writer *w, char ret[NODE_BYTES], const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static char *
node(const struct writer *w, char ret[NODE_BYTES], const char *fmt, ...)
{
	static const uint8_t	urls[16] = { 0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0,
	    0x4f, 0xd4, 0x30, 0xc8 };
	char			name[NODE_NAME], hex[HEX_BYTES(16)];
	uint8_t			bytes[16 + NODE_NAME], digest[EVP_MAX_MD_SIZE] = { 0 };
	int			n;
	va_list			ap;

	n = snprintf(name, sizeof(name), "https://quorate.example/custody/v1/%s/%s/", w->genesis, w->order);
	va_start(ap, fmt);
	n += vsnprintf(name + n, sizeof(name) - (size_t)n, fmt, ap);
	va_end(ap);
	memcpy(bytes, urls, sizeof(urls));
	memcpy(bytes + 16, name, (size_t)n);
	/* Names things, proves nothing: RFC 9562 wants SHA-1. It fails only where libcrypto has none. */
	(void)EVP_Digest(bytes, 16 + (size_t)n, digest, NULL, EVP_sha1(), NULL);
	digest[6] = (uint8_t)((digest[6] & 0x0f) | 0x50);
	digest[8] = (uint8_t)((digest[8] & 0x3f) | 0x80);
	hex_write(SPAN(digest, 16), hex);
	(void)snprintf(ret, NODE_BYTES, "kb:%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
	return ret;
}

static void
open_node(struct writer *w, const char *id, const char *type)
{
	buf_printf(w->out, "%s{\"@id\":\"%s\",\"@type\":\"%s\"", w->first ? "" : ",\n", id, type);
	w->first = false;
}

static void
close_node(struct writer *w)
{
	buf_printf(w->out, "}");
}

static void
member_text(struct writer *w, const char *name, const char *text)
{
	buf_printf(w->out, ",\"%s\":", name);
	markup_json(w->out, text);
}

static void
member_typed(struct writer *w, const char *name, const char *type, const char *value)
{
	buf_printf(w->out, ",\"%s\":{\"@type\":\"xsd:%s\",\"@value\":\"%s\"}", name, type, value);
}

static void
member_number(struct writer *w, const char *name, uint64_t value)
{
	char	text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	member_typed(w, name, "integer", text);
}

static void
member_time(struct writer *w, const char *name, when t)
{
	char	text[WHEN_TEXT_BYTES];

	member_typed(w, name, "dateTime", when_write(t, text));
}

/* A list of references. */
static void
list_open(struct writer *w, const char *name)
{
	buf_printf(w->out, ",\"%s\":[", name);
}

static void
list_item(struct writer *w, bool *more, const char *id)
{
	buf_printf(w->out, "%s{\"@id\":\"%s\"}", *more ? "," : "", id);
	*more = true;
}

static void
list_close(struct writer *w)
{
	buf_printf(w->out, "]");
}

static void
member_one(struct writer *w, const char *name, const char *id)
{
	buf_printf(w->out, ",\"%s\":{\"@id\":\"%s\"}", name, id);
}

static char *
node_agent(const struct writer *w, uint32_t agent, char ret[NODE_BYTES])
{
	return node(w, ret, "agent/%" PRIu32, agent + 1);
}

static char *
node_entry(const struct writer *w, uint64_t index, char ret[NODE_BYTES])
{
	return node(w, ret, "entry/%" PRIu64, index);
}

static char *
node_action(const struct writer *w, uint64_t index, char ret[NODE_BYTES])
{
	return node(w, ret, "action/%" PRIu64, index);
}

static char *
node_record(const struct writer *w, uint64_t index, char ret[NODE_BYTES])
{
	return node(w, ret, "record/%" PRIu64, index);
}

static char *
node_part(const struct writer *w, uint32_t part, char ret[NODE_BYTES])
{
	return node(w, ret, "part/%" PRIu32, part + 1);
}

static char *
node_exhibit(const struct writer *w, uint32_t part, char ret[NODE_BYTES])
{
	return node(w, ret, "exhibit/%" PRIu32, part + 1);
}

static char *
node_message(const struct writer *w, uint8_t custodian, char ret[NODE_BYTES])
{
	return node(w, ret, "message/%u", custodian);
}

/* --- facets ------------------------------------------------------------------------ */

/* What an object consists of: its size and its digest. id: of the object. */
static void
content(struct writer *w, const char *of, uint64_t number, uint64_t size, bool encrypted, const char *method,
    const uint8_t digest[SHA256_BYTES])
{
	char	id[NODE_BYTES], hex[HEX_BYTES(SHA256_BYTES)];

	buf_printf(w->out, "{\"@id\":\"%s\",\"@type\":\"uco-observable:ContentDataFacet\"",
	    node(w, id, "%s/%" PRIu64 "/content", of, number));
	if (encrypted)
		member_typed(w, "uco-observable:isEncrypted", "boolean", "true");
	if (size > 0)
		member_number(w, "uco-observable:sizeInBytes", size);
	buf_printf(w->out, ",\"uco-observable:hash\":[{\"@id\":\"%s\",\"@type\":\"uco-types:Hash\"",
	    node(w, id, "%s/%" PRIu64 "/hash", of, number));
	member_text(w, "uco-types:hashMethod", method);
	member_typed(w, "uco-types:hashValue", "hexBinary", hex_write(SPAN(digest, SHA256_BYTES), hex));
	buf_printf(w->out, "}]}");
}

/* Where in the package it stands. */
static void
file(struct writer *w, const char *of, uint64_t number, const char *path)
{
	const char	*slash = strrchr(path, '/');
	char		 id[NODE_BYTES];

	buf_printf(w->out, "{\"@id\":\"%s\",\"@type\":\"uco-observable:FileFacet\"",
	    node(w, id, "%s/%" PRIu64 "/file", of, number));
	member_text(w, "uco-observable:fileName", slash == NULL ? path : slash + 1);
	member_text(w, "uco-observable:filePath", path);
	buf_printf(w->out, "}");
}

/* --- people and organisations --------------------------------------------------------- */

/* The number of an organisation: of the first person from there. */
static uint32_t
organisation(const struct writer *w, uint32_t agent)
{
	for (uint32_t i = 0; i < agent; i++)
		if (w->k.agent[i].kind == AGENT_PERSON &&
		    strcmp(w->k.agent[i].organisation, w->k.agent[agent].organisation) == 0)
			return i;
	return agent;
}

static void
person_roles(const struct person *p, struct buf *words)
{
	buf_printf(words, p->n_roles == 0 ? "; no role" : "; roles");
	for (uint8_t i = 0; i < p->n_roles; i++)
		buf_printf(words, "%s %s", i == 0 ? "" : ",", p->role[i]);
}

static void
membership(struct writer *w, uint32_t agent)
{
	uint32_t	first = organisation(w, agent);
	char		id[NODE_BYTES], other[NODE_BYTES];

	if (first == agent) {
		open_node(w, node(w, id, "organisation/%" PRIu32, agent + 1), "uco-identity:Organization");
		member_text(w, "uco-core:name", w->k.agent[agent].organisation);
		close_node(w);
	}
	open_node(w, node(w, id, "membership/%" PRIu32, agent + 1), "uco-core:Relationship");
	member_one(w, "uco-core:source", node_agent(w, agent, other));
	member_one(w, "uco-core:target", node(w, other, "organisation/%" PRIu32, first + 1));
	member_text(w, "uco-core:kindOfRelationship", "Member_Of");
	member_typed(w, "uco-core:isDirectional", "boolean", "true");
	close_node(w);
}

static enum rc
agents(struct writer *w, struct err *err)
{
	for (uint32_t i = 0; i < w->k.n_agents; i++) {
		AUTO_DONE(buf_done) struct buf	 words = BUF_INIT(4096);
		const struct custody_agent	*a = &w->k.agent[i];
		bool				 person = a->kind == AGENT_PERSON;
		char				 id[NODE_BYTES];

		agent_words(a, &words);
		if (person)
			person_roles(a->person, &words);
		else if (a->name[0] != '\0')
			buf_printf(&words, ", %s", a->name);
		TRY(buf_check(&words, "custody", err));
		open_node(w, node_agent(w, i, id), person ? "uco-identity:Person" :
		    a->kind == AGENT_KEY ? "uco-identity:Identity" : "uco-identity:Organization");
		if (person || a->organisation[0] != '\0')
			member_text(w, "uco-core:name", person ? a->name : a->organisation);
		member_text(w, "uco-core:description", buf_text(&words));
		close_node(w);
		if (person)
			membership(w, i);
	}
	return RC_OK;
}

/* --- what there is --------------------------------------------------------------------- */

/* Of the whole part, as it was sealed. */
static uint64_t
ciphertext_bytes(const struct part *p)
{
	uint32_t	last = part_segments(p) - 1;

	return (uint64_t)last * segment_ciphertext_bytes(UINT64_C(1) << p->segment_log2) +
	    segment_ciphertext_bytes(part_segment_length(p, last));
}

static enum rc
part(struct writer *w, uint32_t i, struct err *err)
{
	const struct scope_part		*s = &w->k.c->grant.scope.part[i];
	const struct descriptor		*d = &w->k.c->descriptor[s->artifact];
	const struct part		*p = descriptor_part(d, s->name);
	AUTO_DONE(buf_done) struct buf	 words = BUF_INIT(1024);
	char				 id[NODE_BYTES], hex[HEX_BYTES(ARTIFACT_ID_BYTES)], at[WHEN_TEXT_BYTES];

	if (p == NULL || s->last >= part_segments(p))
		return err_set(err, RC_USAGE, "custody: the scope names a part or segment that is not there");
	hex_write(SPAN_OF(d->id), hex);
	buf_printf(&words, "part %s of artifact %s, %" PRIu64 " bytes before it was encrypted, sealed at %s by the sealer's "
	    "clock; the hash is the root of its tree of ciphertext. Released: segments %" PRIu32 " to %" PRIu32 " of %"
	    PRIu32 ", data/artifacts/%s/parts/%s/", s->name, hex, p->length, when_write(d->sealed_at, at), s->first,
	    s->last, part_segments(p), hex, s->name);
	TRY(buf_check(&words, "custody", err));
	open_node(w, node_part(w, i, id), "uco-observable:ObservableObject");
	member_text(w, "uco-core:name", s->name);
	member_text(w, "uco-core:description", buf_text(&words));
	list_open(w, "uco-core:hasFacet");
	content(w, "part", i + 1, ciphertext_bytes(p), true, "RFC6962-SHA256", p->root);
	list_close(w);
	close_node(w);
	return RC_OK;
}

static void
entry(struct writer *w, const struct custody_act *a)
{
	struct span	leaf = w->k.e->entry[a->entry].leaf;
	char		id[NODE_BYTES], path[64];
	uint8_t		digest[SHA256_BYTES];

	(void)snprintf(path, sizeof(path), "data/entries/%012" PRIu64 ".leaf", a->index);
	sha256_one(digest, leaf);
	open_node(w, node_entry(w, a->index, id), "uco-observable:ObservableObject");
	list_open(w, "uco-core:hasFacet");
	file(w, "entry", a->index, path);
	buf_printf(w->out, ",");
	content(w, "entry", a->index, leaf.n, false, "SHA256", digest);
	list_close(w);
	close_node(w);
}

static bool
is_contribution(const struct writer *w, const struct custody_act *a)
{
	return a->type == STATEMENT_RECEIPT && memcmp(a->subject, w->k.c->grant.order, SHA256_BYTES) == 0;
}

/* A custodian's message: in the package where the recipient combines, else kept by the coordinator. */
static void
message(struct writer *w, const struct custody_act *a)
{
	char	id[NODE_BYTES], path[64];

	open_node(w, node_message(w, a->custodian, id), "uco-observable:ObservableObject");
	list_open(w, "uco-core:hasFacet");
	if (w->k.c->to_recipient) {
		(void)snprintf(path, sizeof(path), "data/contributions/%02u.p7m", a->custodian);
		file(w, "message", a->custodian, path);
		buf_printf(w->out, ",");
	}
	content(w, "message", a->custodian, 0, true, "SHA256", a->digest);
	list_close(w);
	close_node(w);
}

/* --- what was done ------------------------------------------------------------------------ */

/* The parts in scope that a batch sealed. */
static void
batch_parts(struct writer *w, const struct custody_act *a, bool *more)
{
	const struct scope	*s = &w->k.c->grant.scope;
	char			 id[NODE_BYTES];

	for (uint32_t i = 0; i < s->n_parts; i++)
		if (w->k.e->artifact[s->part[i].artifact].batch == a->index)
			list_item(w, more, node_part(w, i, id));
}

static void
record(struct writer *w, const struct custody_act *a)
{
	char	id[NODE_BYTES], exhibit[32];
	bool	more = false;

	(void)snprintf(exhibit, sizeof(exhibit), "entry-%" PRIu64, a->index);
	open_node(w, node_record(w, a->index, id), "case-investigation:ProvenanceRecord");
	member_text(w, "uco-core:description", act_name(&w->k, a));
	member_text(w, "case-investigation:exhibitNumber", exhibit);
	list_open(w, "uco-core:object");
	list_item(w, &more, node_entry(w, a->index, id));
	if (a->type == STATEMENT_BATCH)
		batch_parts(w, a, &more);
	if (is_contribution(w, a))
		list_item(w, &more, node_message(w, a->custodian, id));
	list_close(w);
	close_node(w);
}

static void
reference(struct writer *w, uint64_t index, const char *which, const char *context, const char *identifier)
{
	char	id[NODE_BYTES];

	buf_printf(w->out, "{\"@id\":\"%s\",\"@type\":\"uco-core:ExternalReference\"",
	    node(w, id, "action/%" PRIu64 "/%s", index, which));
	member_text(w, "uco-core:definingContext", context);
	member_text(w, "uco-core:externalIdentifier", identifier);
	buf_printf(w->out, "}");
}

/* Which entry of which log, and the statement's id: for who looks it up elsewhere. */
static void
references(struct writer *w, const struct custody_act *a)
{
	char	number[24], hex[HEX_BYTES(SHA256_BYTES)];

	(void)snprintf(number, sizeof(number), "%" PRIu64, a->index);
	list_open(w, "uco-core:externalReference");
	reference(w, a->index, "index", w->k.charter[a->charter]->origin, number);
	buf_printf(w->out, ",");
	reference(w, a->index, "statement", "quorate statement id", hex_write(SPAN_OF(a->id), hex));
	list_close(w);
}

/* What it was done to: what its subject was put on record as. */
static void
objects(struct writer *w, const struct custody_act *a)
{
	const struct scope	*s = &w->k.c->grant.scope;
	char			 id[NODE_BYTES];
	bool			 more = false;

	list_open(w, "uco-action:object");
	if (a->about != NOBODY)
		list_item(w, &more, node_record(w, w->k.act[a->about].index, id));
	if (memcmp(a->id, w->k.c->grant.request, SHA256_BYTES) == 0)
		for (uint32_t i = 0; i < s->n_parts; i++)
			list_item(w, &more, node_part(w, i, id));
	list_close(w);
}

static enum rc
action(struct writer *w, const struct custody_act *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	words = BUF_INIT(1024);
	char				id[NODE_BYTES];
	bool				more = false;

	act_words(&w->k, a, &words);
	TRY(buf_check(&words, "custody", err));
	open_node(w, node_action(w, a->index, id), "case-investigation:InvestigativeAction");
	member_text(w, "uco-core:name", act_name(&w->k, a));
	if (words.n > 0)
		member_text(w, "uco-core:description", buf_text(&words));
	member_time(w, "uco-action:startTime", a->time);
	member_time(w, "uco-action:endTime", a->time);
	if (a->agent != NOBODY)
		member_one(w, "uco-action:performer", node_agent(w, a->agent, id));
	objects(w, a);
	list_open(w, "uco-action:result");
	list_item(w, &more, node_record(w, a->index, id));
	list_close(w);
	if (a->about != NOBODY) {
		more = false;
		list_open(w, "case-investigation:wasInformedBy");
		list_item(w, &more, node_action(w, w->k.act[a->about].index, id));
		list_close(w);
	}
	references(w, a);
	close_node(w);
	return RC_OK;
}

static enum rc
acts(struct writer *w, struct err *err)
{
	for (uint32_t i = 0; i < w->k.n_acts; i++) {
		const struct custody_act	*a = &w->k.act[i];

		entry(w, a);
		if (is_contribution(w, a))
			message(w, a);
		record(w, a);
		TRY(action(w, a, err));
	}
	return RC_OK;
}

/* --- the release and the whole --------------------------------------------------------------- */

/* This very package. Its log entry names the payload, so it cannot be described inside of it. */
static void
released(struct writer *w)
{
	const struct scope	*s = &w->k.c->grant.scope;
	char			 id[NODE_BYTES], number[32];
	bool			 more = false;

	for (uint32_t i = 0; i < s->n_parts; i++) {
		open_node(w, node_exhibit(w, i, id), "case-investigation:ProvenanceRecord");
		member_text(w, "uco-core:description", "released to the recipient");
		(void)snprintf(number, sizeof(number), "%" PRIu32, i + 1);
		member_text(w, "case-investigation:exhibitNumber", number);
		(void)snprintf(number, sizeof(number), "entry-%" PRIu64, w->k.e->artifact[s->part[i].artifact].batch);
		member_text(w, "case-investigation:rootExhibitNumber", number);
		more = false;
		list_open(w, "uco-core:object");
		list_item(w, &more, node_part(w, i, id));
		list_close(w);
		close_node(w);
	}
	open_node(w, node(w, id, "released"), "case-investigation:InvestigativeAction");
	member_text(w, "uco-core:name", "released");
	member_text(w, "uco-core:description", "into the package that holds this document; when, says release.leaf");
	list_open(w, "uco-action:object");
	more = false;
	list_item(w, &more, node_record(w, w->k.c->grant.order_index, id));
	list_close(w);
	list_open(w, "uco-action:result");
	more = false;
	for (uint32_t i = 0; i < s->n_parts; i++)
		list_item(w, &more, node_exhibit(w, i, id));
	list_close(w);
	close_node(w);
}

static void
authorization(struct writer *w)
{
	const struct custody_act	*order = &w->k.act[custody_find(&w->k, w->k.c->grant.order)];
	char				 id[NODE_BYTES];

	open_node(w, node(w, id, "authorization"), "case-investigation:Authorization");
	member_text(w, "case-investigation:authorizationType", "disclosure order by the policy of a charter");
	member_text(w, "case-investigation:authorizationIdentifier", w->order);
	member_time(w, "uco-core:startTime", order->time);
	member_time(w, "uco-core:endTime", w->k.c->grant.expires);
	close_node(w);
}

static void
investigation(struct writer *w)
{
	char	id[NODE_BYTES], hex[HEX_BYTES(SHA256_BYTES)];
	bool	more = false;

	open_node(w, node(w, id, "investigation"), "case-investigation:Investigation");
	member_text(w, "uco-core:name", "Disclosure request");
	member_text(w, "uco-core:description", "Follows from the log entries in this package and proves nothing by itself. "
	    "README.txt says how to check them.");
	member_text(w, "uco-core:tag", hex_write(SPAN_OF(w->k.c->grant.request), hex));
	list_open(w, "case-investigation:relevantAuthorization");
	list_item(w, &more, node(w, id, "authorization"));
	list_close(w);
	list_open(w, "uco-core:object");
	more = false;
	for (uint32_t i = 0; i < w->k.n_acts; i++)
		list_item(w, &more, node_record(w, w->k.act[i].index, id));
	list_close(w);
	close_node(w);
}

static const char context[] =
"{\"@context\":{\"kb\":\"urn:uuid:\","
"\"case-investigation\":\"https://ontology.caseontology.org/case/investigation/\","
"\"uco-core\":\"https://ontology.unifiedcyberontology.org/uco/core/\","
"\"uco-action\":\"https://ontology.unifiedcyberontology.org/uco/action/\","
"\"uco-identity\":\"https://ontology.unifiedcyberontology.org/uco/identity/\","
"\"uco-observable\":\"https://ontology.unifiedcyberontology.org/uco/observable/\","
"\"uco-types\":\"https://ontology.unifiedcyberontology.org/uco/types/\","
"\"xsd\":\"http://www.w3.org/2001/XMLSchema#\"},\n\"@graph\":[\n";

static enum rc
write_all(struct writer *w, struct err *err)
{
	const struct scope	*s = &w->k.c->grant.scope;

	if (custody_find(&w->k, w->k.c->grant.order) == NOBODY)
		return err_set(err, RC_USAGE, "custody: the order is not in the case");
	hex_write(SPAN_OF(w->k.c->genesis), w->genesis);
	hex_write(SPAN_OF(w->k.c->grant.order), w->order);
	buf_span(w->out, SPAN_STR(context));
	investigation(w);
	authorization(w);
	TRY(agents(w, err));
	for (uint32_t i = 0; i < s->n_parts; i++)
		TRY(part(w, i, err));
	TRY(acts(w, err));
	released(w);
	buf_printf(w->out, "\n]}\n");
	return RC_OK;
}

enum rc
custody_case(const struct evidence_case *e, const struct checked_case *c, struct buf *out, struct err *err)
{
	struct writer	w = { .out = out, .first = true };
	size_t		from = out->n;
	enum rc		rc = custody_read(e, c, &w.k, err);

	if (rc == RC_OK)
		rc = write_all(&w, err);
	custody_done(&w.k);
	TRY(rc);
	TRY(buf_check(out, "custody document", err));
	return out->n - from <= CUSTODY_BYTES_MAX ? RC_OK :
	    err_set(err, RC_LIMIT, "custody document: longer than %u bytes", CUSTODY_BYTES_MAX);
}

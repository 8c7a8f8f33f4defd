/* CASE/UCO 1.4.0 as JSON-LD: docs/spec/custody-v1.md section 3. */
#include "evidence/custody_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "evidence/jsonld.h"
#include "evidence/segment.h"

struct writer {
	struct custody	k;
	struct ld	d;
};

/* --- ids -------------------------------------------------------------------------- */

static char *
node_agent(const struct writer *w, uint32_t agent, char ret[LD_ID_BYTES])
{
	return ld_id(&w->d, ret, "agent/%" PRIu32, agent + 1);
}

static char *
node_entry(const struct writer *w, uint64_t index, char ret[LD_ID_BYTES])
{
	return ld_id(&w->d, ret, "entry/%" PRIu64, index);
}

static char *
node_action(const struct writer *w, uint64_t index, char ret[LD_ID_BYTES])
{
	return ld_id(&w->d, ret, "action/%" PRIu64, index);
}

static char *
node_record(const struct writer *w, uint64_t index, char ret[LD_ID_BYTES])
{
	return ld_id(&w->d, ret, "record/%" PRIu64, index);
}

static char *
node_part(const struct writer *w, uint32_t part, char ret[LD_ID_BYTES])
{
	return ld_id(&w->d, ret, "part/%" PRIu32, part + 1);
}

static char *
node_exhibit(const struct writer *w, uint32_t part, char ret[LD_ID_BYTES])
{
	return ld_id(&w->d, ret, "exhibit/%" PRIu32, part + 1);
}

static char *
node_message(const struct writer *w, uint8_t custodian, char ret[LD_ID_BYTES])
{
	return ld_id(&w->d, ret, "message/%u", custodian);
}

/* --- facets ------------------------------------------------------------------------ */

/* What an object consists of: its size and its digest. id: of the object. */
static void
content(struct writer *w, const char *of, uint64_t number, uint64_t size, bool encrypted, const char *method,
    const uint8_t digest[SHA256_BYTES])
{
	char	id[LD_ID_BYTES], hex[HEX_BYTES(SHA256_BYTES)];

	buf_printf(w->d.out, "{\"@id\":\"%s\",\"@type\":\"uco-observable:ContentDataFacet\"",
	    ld_id(&w->d, id, "%s/%" PRIu64 "/content", of, number));
	if (encrypted)
		ld_typed(&w->d, "uco-observable:isEncrypted", "boolean", "true");
	if (size > 0)
		ld_number(&w->d, "uco-observable:sizeInBytes", size);
	buf_printf(w->d.out, ",\"uco-observable:hash\":[{\"@id\":\"%s\",\"@type\":\"uco-types:Hash\"",
	    ld_id(&w->d, id, "%s/%" PRIu64 "/hash", of, number));
	ld_text(&w->d, "uco-types:hashMethod", method);
	ld_typed(&w->d, "uco-types:hashValue", "hexBinary", hex_write(SPAN(digest, SHA256_BYTES), hex));
	buf_printf(w->d.out, "}]}");
}

/* Where in the package it stands. */
static void
file(struct writer *w, const char *of, uint64_t number, const char *path)
{
	const char	*slash = strrchr(path, '/');
	char		 id[LD_ID_BYTES];

	buf_printf(w->d.out, "{\"@id\":\"%s\",\"@type\":\"uco-observable:FileFacet\"",
	    ld_id(&w->d, id, "%s/%" PRIu64 "/file", of, number));
	ld_text(&w->d, "uco-observable:fileName", slash == NULL ? path : slash + 1);
	ld_text(&w->d, "uco-observable:filePath", path);
	buf_printf(w->d.out, "}");
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
	char		id[LD_ID_BYTES], other[LD_ID_BYTES];

	if (first == agent) {
		ld_open(&w->d, ld_id(&w->d, id, "organisation/%" PRIu32, agent + 1), "uco-identity:Organization");
		ld_text(&w->d, "uco-core:name", w->k.agent[agent].organisation);
		ld_close(&w->d);
	}
	ld_open(&w->d, ld_id(&w->d, id, "membership/%" PRIu32, agent + 1), "uco-core:Relationship");
	ld_one(&w->d, "uco-core:source", node_agent(w, agent, other));
	ld_one(&w->d, "uco-core:target", ld_id(&w->d, other, "organisation/%" PRIu32, first + 1));
	ld_text(&w->d, "uco-core:kindOfRelationship", "Member_Of");
	ld_typed(&w->d, "uco-core:isDirectional", "boolean", "true");
	ld_close(&w->d);
}

static enum rc
agents(struct writer *w, struct err *err)
{
	for (uint32_t i = 0; i < w->k.n_agents; i++) {
		AUTO_DONE(buf_done) struct buf	 words = BUF_INIT(4096);
		const struct custody_agent	*a = &w->k.agent[i];
		bool				 person = a->kind == AGENT_PERSON;
		char				 id[LD_ID_BYTES];

		agent_words(a, &words);
		if (person)
			person_roles(a->person, &words);
		else if (a->name[0] != '\0')
			buf_printf(&words, ", %s", a->name);
		TRY(buf_check(&words, "custody", err));
		ld_open(&w->d, node_agent(w, i, id), person ? "uco-identity:Person" :
		    a->kind == AGENT_KEY ? "uco-identity:Identity" : "uco-identity:Organization");
		if (person || a->organisation[0] != '\0')
			ld_text(&w->d, "uco-core:name", person ? a->name : a->organisation);
		ld_text(&w->d, "uco-core:description", buf_text(&words));
		ld_close(&w->d);
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
	char				 id[LD_ID_BYTES], hex[HEX_BYTES(ARTIFACT_ID_BYTES)], at[WHEN_TEXT_BYTES];

	if (p == NULL || s->last >= part_segments(p))
		return err_set(err, RC_USAGE, "custody: the scope names a part or segment that is not there");
	hex_write(SPAN_OF(d->id), hex);
	buf_printf(&words, "part %s of artifact %s, %" PRIu64 " bytes before it was encrypted, sealed at %s by the sealer's "
	    "clock; the hash is the root of its tree of ciphertext. Released: segments %" PRIu32 " to %" PRIu32 " of %"
	    PRIu32 ", data/artifacts/%s/parts/%s/", s->name, hex, p->length, when_write(d->sealed_at, at), s->first,
	    s->last, part_segments(p), hex, s->name);
	TRY(buf_check(&words, "custody", err));
	ld_open(&w->d, node_part(w, i, id), "uco-observable:ObservableObject");
	ld_text(&w->d, "uco-core:name", s->name);
	ld_text(&w->d, "uco-core:description", buf_text(&words));
	ld_list(&w->d, "uco-core:hasFacet");
	content(w, "part", i + 1, ciphertext_bytes(p), true, "RFC6962-SHA256", p->root);
	ld_list_end(&w->d);
	ld_close(&w->d);
	return RC_OK;
}

static void
entry(struct writer *w, const struct custody_act *a)
{
	struct span	leaf = w->k.e->entry[a->entry].leaf;
	char		id[LD_ID_BYTES], path[64];
	uint8_t		digest[SHA256_BYTES];

	(void)snprintf(path, sizeof(path), "data/entries/%012" PRIu64 ".leaf", a->index);
	sha256_one(digest, leaf);
	ld_open(&w->d, node_entry(w, a->index, id), "uco-observable:ObservableObject");
	ld_list(&w->d, "uco-core:hasFacet");
	file(w, "entry", a->index, path);
	buf_printf(w->d.out, ",");
	content(w, "entry", a->index, leaf.n, false, "SHA256", digest);
	ld_list_end(&w->d);
	ld_close(&w->d);
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
	char	id[LD_ID_BYTES], path[64];

	ld_open(&w->d, node_message(w, a->custodian, id), "uco-observable:ObservableObject");
	ld_list(&w->d, "uco-core:hasFacet");
	if (w->k.c->to_recipient) {
		(void)snprintf(path, sizeof(path), "data/contributions/%02u.p7m", a->custodian);
		file(w, "message", a->custodian, path);
		buf_printf(w->d.out, ",");
	}
	content(w, "message", a->custodian, 0, true, "SHA256", a->digest);
	ld_list_end(&w->d);
	ld_close(&w->d);
}

/* --- what was done ------------------------------------------------------------------------ */

/* The parts in scope that a batch sealed. */
static void
batch_parts(struct writer *w, const struct custody_act *a, bool *more)
{
	const struct scope	*s = &w->k.c->grant.scope;
	char			 id[LD_ID_BYTES];

	for (uint32_t i = 0; i < s->n_parts; i++)
		if (w->k.e->artifact[s->part[i].artifact].batch == a->index)
			ld_item(&w->d, more, node_part(w, i, id));
}

static void
record(struct writer *w, const struct custody_act *a)
{
	char	id[LD_ID_BYTES], exhibit[32];
	bool	more = false;

	(void)snprintf(exhibit, sizeof(exhibit), "entry-%" PRIu64, a->index);
	ld_open(&w->d, node_record(w, a->index, id), "case-investigation:ProvenanceRecord");
	ld_text(&w->d, "uco-core:description", act_name(&w->k, a));
	ld_text(&w->d, "case-investigation:exhibitNumber", exhibit);
	ld_list(&w->d, "uco-core:object");
	ld_item(&w->d, &more, node_entry(w, a->index, id));
	if (a->type == STATEMENT_BATCH)
		batch_parts(w, a, &more);
	if (is_contribution(w, a))
		ld_item(&w->d, &more, node_message(w, a->custodian, id));
	ld_list_end(&w->d);
	ld_close(&w->d);
}

static void
reference(struct writer *w, uint64_t index, const char *which, const char *context, const char *identifier)
{
	char	id[LD_ID_BYTES];

	buf_printf(w->d.out, "{\"@id\":\"%s\",\"@type\":\"uco-core:ExternalReference\"",
	    ld_id(&w->d, id, "action/%" PRIu64 "/%s", index, which));
	ld_text(&w->d, "uco-core:definingContext", context);
	ld_text(&w->d, "uco-core:externalIdentifier", identifier);
	buf_printf(w->d.out, "}");
}

/* Which entry of which log, and the statement's id: for who looks it up elsewhere. */
static void
references(struct writer *w, const struct custody_act *a)
{
	char	number[24], hex[HEX_BYTES(SHA256_BYTES)];

	(void)snprintf(number, sizeof(number), "%" PRIu64, a->index);
	ld_list(&w->d, "uco-core:externalReference");
	reference(w, a->index, "index", w->k.charter[a->charter]->origin, number);
	buf_printf(w->d.out, ",");
	reference(w, a->index, "statement", "quorate statement id", hex_write(SPAN_OF(a->id), hex));
	ld_list_end(&w->d);
}

/* What it was done to: what its subject was put on record as. */
static void
objects(struct writer *w, const struct custody_act *a)
{
	const struct scope	*s = &w->k.c->grant.scope;
	char			 id[LD_ID_BYTES];
	bool			 more = false;

	ld_list(&w->d, "uco-action:object");
	if (a->about != NOBODY)
		ld_item(&w->d, &more, node_record(w, w->k.act[a->about].index, id));
	if (memcmp(a->id, w->k.c->grant.request, SHA256_BYTES) == 0)
		for (uint32_t i = 0; i < s->n_parts; i++)
			ld_item(&w->d, &more, node_part(w, i, id));
	ld_list_end(&w->d);
}

static enum rc
action(struct writer *w, const struct custody_act *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	words = BUF_INIT(1024);
	char				id[LD_ID_BYTES];
	bool				more = false;

	act_words(&w->k, a, &words);
	TRY(buf_check(&words, "custody", err));
	ld_open(&w->d, node_action(w, a->index, id), "case-investigation:InvestigativeAction");
	ld_text(&w->d, "uco-core:name", act_name(&w->k, a));
	if (words.n > 0)
		ld_text(&w->d, "uco-core:description", buf_text(&words));
	ld_time(&w->d, "uco-action:startTime", a->time);
	ld_time(&w->d, "uco-action:endTime", a->time);
	if (a->agent != NOBODY)
		ld_one(&w->d, "uco-action:performer", node_agent(w, a->agent, id));
	objects(w, a);
	ld_list(&w->d, "uco-action:result");
	ld_item(&w->d, &more, node_record(w, a->index, id));
	ld_list_end(&w->d);
	if (a->about != NOBODY) {
		more = false;
		ld_list(&w->d, "case-investigation:wasInformedBy");
		ld_item(&w->d, &more, node_action(w, w->k.act[a->about].index, id));
		ld_list_end(&w->d);
	}
	references(w, a);
	ld_close(&w->d);
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
	char			 id[LD_ID_BYTES], number[32];
	bool			 more = false;

	for (uint32_t i = 0; i < s->n_parts; i++) {
		ld_open(&w->d, node_exhibit(w, i, id), "case-investigation:ProvenanceRecord");
		ld_text(&w->d, "uco-core:description", "released to the recipient");
		(void)snprintf(number, sizeof(number), "%" PRIu32, i + 1);
		ld_text(&w->d, "case-investigation:exhibitNumber", number);
		(void)snprintf(number, sizeof(number), "entry-%" PRIu64, w->k.e->artifact[s->part[i].artifact].batch);
		ld_text(&w->d, "case-investigation:rootExhibitNumber", number);
		more = false;
		ld_list(&w->d, "uco-core:object");
		ld_item(&w->d, &more, node_part(w, i, id));
		ld_list_end(&w->d);
		ld_close(&w->d);
	}
	ld_open(&w->d, ld_id(&w->d, id, "released"), "case-investigation:InvestigativeAction");
	ld_text(&w->d, "uco-core:name", "released");
	ld_text(&w->d, "uco-core:description", "into the package that holds this document; when, says release.leaf");
	ld_list(&w->d, "uco-action:object");
	more = false;
	ld_item(&w->d, &more, node_record(w, w->k.c->grant.order_index, id));
	ld_list_end(&w->d);
	ld_list(&w->d, "uco-action:result");
	more = false;
	for (uint32_t i = 0; i < s->n_parts; i++)
		ld_item(&w->d, &more, node_exhibit(w, i, id));
	ld_list_end(&w->d);
	ld_close(&w->d);
}

static void
authorization(struct writer *w)
{
	const struct custody_act	*order = &w->k.act[custody_find(&w->k, w->k.c->grant.order)];
	char				 id[LD_ID_BYTES];

	ld_open(&w->d, ld_id(&w->d, id, "authorization"), "case-investigation:Authorization");
	ld_text(&w->d, "case-investigation:authorizationType", "disclosure order by the policy of a charter");
	ld_text(&w->d, "case-investigation:authorizationIdentifier", w->d.order);
	ld_time(&w->d, "uco-core:startTime", order->time);
	ld_time(&w->d, "uco-core:endTime", w->k.c->grant.expires);
	ld_close(&w->d);
}

static void
investigation(struct writer *w)
{
	char	id[LD_ID_BYTES], hex[HEX_BYTES(SHA256_BYTES)];
	bool	more = false;

	ld_open(&w->d, ld_id(&w->d, id, "investigation"), "case-investigation:Investigation");
	ld_text(&w->d, "uco-core:name", "Disclosure request");
	ld_text(&w->d, "uco-core:description", "Follows from the log entries in this package and proves nothing by itself. "
	    "README.txt says how to check them.");
	ld_text(&w->d, "uco-core:tag", hex_write(SPAN_OF(w->k.c->grant.request), hex));
	ld_list(&w->d, "case-investigation:relevantAuthorization");
	ld_item(&w->d, &more, ld_id(&w->d, id, "authorization"));
	ld_list_end(&w->d);
	ld_list(&w->d, "uco-core:object");
	more = false;
	for (uint32_t i = 0; i < w->k.n_acts; i++)
		ld_item(&w->d, &more, node_record(w, w->k.act[i].index, id));
	ld_list_end(&w->d);
	ld_close(&w->d);
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
	hex_write(SPAN_OF(w->k.c->genesis), w->d.genesis);
	hex_write(SPAN_OF(w->k.c->grant.order), w->d.order);
	buf_span(w->d.out, SPAN_STR(context));
	investigation(w);
	authorization(w);
	TRY(agents(w, err));
	for (uint32_t i = 0; i < s->n_parts; i++)
		TRY(part(w, i, err));
	TRY(acts(w, err));
	released(w);
	buf_printf(w->d.out, "\n]}\n");
	return RC_OK;
}

enum rc
custody_case(const struct evidence_case *e, const struct checked_case *c, struct buf *out, struct err *err)
{
	struct writer	w = { .d = { .out = out } };
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

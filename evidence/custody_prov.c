/* W3C PROV-JSON: docs/spec/custody-v1.md section 4. A section for each kind, a record a line. */
#include "evidence/custody_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "evidence/markup.h"

struct prov {
	struct custody	 k;
	struct buf	*out;
	bool		 more;		/* a record of this section was written */
	uint32_t	 relation;	/* number of the last one */
};

/* --- sections and records --------------------------------------------------------- */

static void
section(struct prov *p, const char *name)
{
	buf_printf(p->out, ",\n\"%s\":{", name);
	p->more = false;
}

static void
section_end(struct prov *p)
{
	buf_printf(p->out, "}");
}

/* "q:KIND-NUMBER":{ */
static void
record(struct prov *p, const char *kind, uint64_t number)
{
	buf_printf(p->out, "%s\n\"q:%s-%" PRIu64 "\":{", p->more ? "," : "", kind, number);
	p->more = true;
}

static void
member(struct prov *p, bool *more, const char *name, const char *text)
{
	buf_printf(p->out, "%s\"%s\":", *more ? "," : "", name);
	markup_json(p->out, text);
	*more = true;
}

static void
member_type(struct prov *p, bool *more, const char *type)
{
	buf_printf(p->out, "%s\"prov:type\":{\"$\":\"%s\",\"type\":\"prov:QUALIFIED_NAME\"}", *more ? "," : "", type);
	*more = true;
}

static void
member_number(struct prov *p, bool *more, const char *name, uint64_t value)
{
	buf_printf(p->out, "%s\"q:%s\":{\"$\":\"%" PRIu64 "\",\"type\":\"xsd:unsignedLong\"}", *more ? "," : "", name,
	    value);
	*more = true;
}

static void
member_digest(struct prov *p, bool *more, const char *name, const uint8_t digest[SHA256_BYTES])
{
	char	hex[HEX_BYTES(SHA256_BYTES)];

	member(p, more, name, hex_write(SPAN(digest, SHA256_BYTES), hex));
}

static void
member_time(struct prov *p, bool *more, const char *name, when t)
{
	char	text[WHEN_TEXT_BYTES];

	member(p, more, name, when_write(t, text));
}

/* One relation: between `one` and `other`, in the words of PROV. */
static void
relation(struct prov *p, const char *role, const char *kind, uint64_t number, const char *other_role,
    const char *other_kind, uint64_t other)
{
	buf_printf(p->out, "%s\n\"_:r%" PRIu32 "\":{\"prov:%s\":\"q:%s-%" PRIu64 "\",\"prov:%s\":\"q:%s-%" PRIu64 "\"}",
	    p->more ? "," : "", ++p->relation, role, kind, number, other_role, other_kind, other);
	p->more = true;
}

/* --- entities ------------------------------------------------------------------------- */

static bool
is_contribution(const struct prov *p, const struct custody_act *a)
{
	return a->type == STATEMENT_RECEIPT && memcmp(a->subject, p->k.c->grant.order, SHA256_BYTES) == 0;
}

static void
entity_entry(struct prov *p, const struct custody_act *a)
{
	char	path[64];
	uint8_t	digest[SHA256_BYTES];
	bool	more = false;

	(void)snprintf(path, sizeof(path), "data/entries/%012" PRIu64 ".leaf", a->index);
	sha256_one(digest, p->k.e->entry[a->entry].leaf);
	record(p, "entry", a->index);
	member_type(p, &more, "q:LogEntry");
	member(p, &more, "prov:label", act_name(&p->k, a));
	member(p, &more, "q:file", path);
	member_digest(p, &more, "q:sha256", digest);
	member_digest(p, &more, "q:statement", a->id);
	member(p, &more, "q:log", p->k.charter[a->charter]->origin);
	member_number(p, &more, "index", a->index);
	buf_printf(p->out, "}");
}

static void
entity_message(struct prov *p, const struct custody_act *a)
{
	bool	more = false;

	record(p, "message", a->custodian);
	member_type(p, &more, "q:Contributions");
	member_digest(p, &more, "q:sha256", a->digest);
	member_number(p, &more, "count", a->number);
	buf_printf(p->out, "}");
}

static enum rc
entity_part(struct prov *p, uint32_t i, struct err *err)
{
	const struct scope_part		*s = &p->k.c->grant.scope.part[i];
	const struct descriptor		*d = &p->k.c->descriptor[s->artifact];
	const struct part		*part = descriptor_part(d, s->name);
	char				 hex[HEX_BYTES(ARTIFACT_ID_BYTES)];
	bool				 more = false;

	if (part == NULL)
		return err_set(err, RC_USAGE, "custody: the scope names a part that is not there");
	record(p, "part", i + 1);
	member_type(p, &more, "q:EncryptedPart");
	member(p, &more, "prov:label", s->name);
	member(p, &more, "q:artifact", hex_write(SPAN_OF(d->id), hex));
	member_digest(p, &more, "q:ciphertextRoot", part->root);
	member_number(p, &more, "bytes", part->length);
	member_time(p, &more, "q:sealedAt", d->sealed_at);
	member_number(p, &more, "firstSegment", s->first);
	member_number(p, &more, "lastSegment", s->last);
	buf_printf(p->out, "}");
	return RC_OK;
}

static enum rc
entities(struct prov *p, struct err *err)
{
	bool	more = false;

	section(p, "entity");
	for (uint32_t i = 0; i < p->k.n_acts; i++) {
		entity_entry(p, &p->k.act[i]);
		if (is_contribution(p, &p->k.act[i]))
			entity_message(p, &p->k.act[i]);
	}
	for (uint32_t i = 0; i < p->k.c->grant.scope.n_parts; i++)
		TRY(entity_part(p, i, err));
	record(p, "package", 1);
	member_type(p, &more, "q:EvidencePackage");
	member_digest(p, &more, "q:order", p->k.c->grant.order);
	buf_printf(p->out, "}");
	section_end(p);
	return RC_OK;
}

/* --- agents and activities ---------------------------------------------------------------- */

static void
roles(struct prov *p, const struct person *who)
{
	if (who == NULL || who->n_roles == 0)
		return;
	buf_printf(p->out, ",\"q:role\":[");
	for (uint8_t i = 0; i < who->n_roles; i++) {
		if (i > 0)
			buf_u8(p->out, ',');
		markup_json(p->out, who->role[i]);
	}
	buf_printf(p->out, "]");
}

static enum rc
agents(struct prov *p, struct err *err)
{
	static const char *const	type[] = {
		[AGENT_PERSON] = "prov:Person", [AGENT_SEALER] = "prov:SoftwareAgent",
		[AGENT_CUSTODIAN] = "prov:Organization", [AGENT_COORDINATOR] = "prov:SoftwareAgent",
		[AGENT_KEY] = "q:Key",
	};

	section(p, "agent");
	for (uint32_t i = 0; i < p->k.n_agents; i++) {
		AUTO_DONE(buf_done) struct buf	 words = BUF_INIT(1024);
		const struct custody_agent	*a = &p->k.agent[i];
		bool				 more = false;

		agent_words(a, &words);
		TRY(buf_check(&words, "custody", err));
		record(p, "agent", i + 1);
		member_type(p, &more, type[a->kind]);
		member(p, &more, "prov:label", a->name[0] != '\0' ? a->name : buf_text(&words));
		member(p, &more, "q:id", buf_text(&words));
		if (a->organisation[0] != '\0')
			member(p, &more, "q:organisation", a->organisation);
		roles(p, a->person);
		buf_printf(p->out, "}");
	}
	section_end(p);
	return RC_OK;
}

static enum rc
activities(struct prov *p, struct err *err)
{
	bool	more = false;

	section(p, "activity");
	for (uint32_t i = 0; i < p->k.n_acts; i++) {
		AUTO_DONE(buf_done) struct buf	 words = BUF_INIT(1024);
		const struct custody_act	*a = &p->k.act[i];

		act_words(&p->k, a, &words);
		TRY(buf_check(&words, "custody", err));
		more = false;
		record(p, "act", a->index);
		member_time(p, &more, "prov:startTime", a->time);
		member_time(p, &more, "prov:endTime", a->time);
		member(p, &more, "prov:label", act_name(&p->k, a));
		if (words.n > 0)
			member(p, &more, "q:words", buf_text(&words));
		buf_printf(p->out, "}");
	}
	more = false;
	record(p, "release", 1);
	member(p, &more, "prov:label", "released");
	buf_printf(p->out, "}");
	section_end(p);
	return RC_OK;
}

/* --- relations ------------------------------------------------------------------------------ */

static void
used(struct prov *p)
{
	const struct scope	*s = &p->k.c->grant.scope;

	section(p, "used");
	for (uint32_t i = 0; i < p->k.n_acts; i++) {
		const struct custody_act	*a = &p->k.act[i];

		if (a->about != NOBODY)
			relation(p, "activity", "act", a->index, "entity", "entry", p->k.act[a->about].index);
		if (memcmp(a->id, p->k.c->grant.request, SHA256_BYTES) == 0)
			for (uint32_t j = 0; j < s->n_parts; j++)
				relation(p, "activity", "act", a->index, "entity", "part", j + 1);
		/* What the order rests on. */
		if (memcmp(a->id, p->k.c->grant.order, SHA256_BYTES) == 0)
			for (uint32_t j = 0; j < i; j++)
				if (p->k.act[j].type == STATEMENT_DECISION && p->k.act[j].counts && p->k.act[j].approve)
					relation(p, "activity", "act", a->index, "entity", "entry", p->k.act[j].index);
		if (is_contribution(p, a))
			relation(p, "activity", "release", 1, "entity", "message", a->custodian);
	}
	relation(p, "activity", "release", 1, "entity", "entry", p->k.c->grant.order_index);
	for (uint32_t j = 0; j < s->n_parts; j++)
		relation(p, "activity", "release", 1, "entity", "part", j + 1);
	section_end(p);
}

static void
generated(struct prov *p)
{
	const struct scope	*s = &p->k.c->grant.scope;

	section(p, "wasGeneratedBy");
	for (uint32_t i = 0; i < p->k.n_acts; i++) {
		const struct custody_act	*a = &p->k.act[i];

		relation(p, "entity", "entry", a->index, "activity", "act", a->index);
		if (is_contribution(p, a))
			relation(p, "entity", "message", a->custodian, "activity", "act", a->index);
		for (uint32_t j = 0; a->type == STATEMENT_BATCH && j < s->n_parts; j++)
			if (p->k.e->artifact[s->part[j].artifact].batch == a->index)
				relation(p, "entity", "part", j + 1, "activity", "act", a->index);
	}
	relation(p, "entity", "package", 1, "activity", "release", 1);
	section_end(p);
}

static uint32_t
coordinator(const struct prov *p)
{
	uint32_t	order = custody_find(&p->k, p->k.c->grant.order);

	return p->k.act[order].agent;
}

static void
associated(struct prov *p)
{
	section(p, "wasAssociatedWith");
	for (uint32_t i = 0; i < p->k.n_acts; i++)
		if (p->k.act[i].agent != NOBODY)
			relation(p, "activity", "act", p->k.act[i].index, "agent", "agent", p->k.act[i].agent + 1);
	relation(p, "activity", "release", 1, "agent", "agent", coordinator(p) + 1);
	section_end(p);
}

static void
attributed(struct prov *p)
{
	section(p, "wasAttributedTo");
	for (uint32_t i = 0; i < p->k.n_acts; i++)
		if (p->k.act[i].agent != NOBODY)
			relation(p, "entity", "entry", p->k.act[i].index, "agent", "agent", p->k.act[i].agent + 1);
	relation(p, "entity", "package", 1, "agent", "agent", coordinator(p) + 1);
	section_end(p);
}

static void
derived(struct prov *p)
{
	section(p, "wasDerivedFrom");
	for (uint32_t j = 0; j < p->k.c->grant.scope.n_parts; j++)
		relation(p, "generatedEntity", "package", 1, "usedEntity", "part", j + 1);
	section_end(p);
}

static enum rc
write_all(struct prov *p, struct err *err)
{
	if (custody_find(&p->k, p->k.c->grant.order) == NOBODY)
		return err_set(err, RC_USAGE, "custody: the order is not in the case");
	buf_printf(p->out, "{\"prefix\":{\"q\":\"https://quorate.example/ns/custody/v1#\"}");
	TRY(entities(p, err));
	TRY(agents(p, err));
	TRY(activities(p, err));
	used(p);
	generated(p);
	associated(p);
	attributed(p);
	derived(p);
	buf_printf(p->out, "}\n");
	return RC_OK;
}

enum rc
custody_prov(const struct evidence_case *e, const struct checked_case *c, struct buf *out, struct err *err)
{
	struct prov	p = { .out = out };
	size_t		from = out->n;
	enum rc		rc = custody_read(e, c, &p.k, err);

	if (rc == RC_OK)
		rc = write_all(&p, err);
	custody_done(&p.k);
	TRY(rc);
	TRY(buf_check(out, "custody document", err));
	return out->n - from <= CUSTODY_BYTES_MAX ? RC_OK :
	    err_set(err, RC_LIMIT, "custody document: longer than %u bytes", CUSTODY_BYTES_MAX);
}

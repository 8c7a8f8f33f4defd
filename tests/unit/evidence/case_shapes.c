#include "tests/unit/evidence/case_shapes.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/when.h"

enum kind { TEXT, TIME, INTEGER, BOOLEAN, HEX, REF, NODE };

/* A class inherits the members of UcoObject when `object` says so. */
static const struct shape {
	const char	*of, *member;
	enum kind	 kind;
	size_t		 min, max;	/* max 0: any number, in an array */
	const char	*wants;		/* REF, NODE: the type's ending; NULL: any */
} shapes[] = {
	{ "UcoObject", "uco-core:name", TEXT, 0, 1, NULL },
	{ "UcoObject", "uco-core:description", TEXT, 0, 1, NULL },
	{ "UcoObject", "uco-core:tag", TEXT, 0, 1, NULL },
	{ "UcoObject", "uco-core:hasFacet", NODE, 0, 0, "Facet" },
	{ "UcoObject", "uco-core:externalReference", NODE, 0, 0, ":ExternalReference" },
	{ "case-investigation:Investigation", "uco-core:object", REF, 1, 0, NULL },
	{ "case-investigation:Investigation", "case-investigation:relevantAuthorization", REF, 0, 0, ":Authorization" },
	{ "case-investigation:Authorization", "case-investigation:authorizationType", TEXT, 0, 1, NULL },
	{ "case-investigation:Authorization", "case-investigation:authorizationIdentifier", TEXT, 0, 1, NULL },
	{ "case-investigation:Authorization", "uco-core:startTime", TIME, 0, 1, NULL },
	{ "case-investigation:Authorization", "uco-core:endTime", TIME, 0, 1, NULL },
	{ "case-investigation:ProvenanceRecord", "uco-core:object", REF, 1, 0, NULL },
	{ "case-investigation:ProvenanceRecord", "case-investigation:exhibitNumber", TEXT, 0, 1, NULL },
	{ "case-investigation:ProvenanceRecord", "case-investigation:rootExhibitNumber", TEXT, 0, 1, NULL },
	{ "case-investigation:InvestigativeAction", "uco-action:startTime", TIME, 0, 1, NULL },
	{ "case-investigation:InvestigativeAction", "uco-action:endTime", TIME, 0, 1, NULL },
	{ "case-investigation:InvestigativeAction", "uco-action:performer", REF, 0, 1, NULL },
	{ "case-investigation:InvestigativeAction", "uco-action:object", REF, 0, 0, NULL },
	{ "case-investigation:InvestigativeAction", "uco-action:result", REF, 0, 0, NULL },
	{ "case-investigation:InvestigativeAction", "case-investigation:wasInformedBy", REF, 0, 0, ":InvestigativeAction" },
	{ "uco-core:Relationship", "uco-core:source", REF, 1, 1, NULL },
	{ "uco-core:Relationship", "uco-core:target", REF, 1, 1, NULL },
	{ "uco-core:Relationship", "uco-core:kindOfRelationship", TEXT, 0, 1, NULL },
	{ "uco-core:Relationship", "uco-core:isDirectional", BOOLEAN, 1, 1, NULL },
	{ "uco-core:ExternalReference", "uco-core:definingContext", TEXT, 0, 1, NULL },
	{ "uco-core:ExternalReference", "uco-core:externalIdentifier", TEXT, 0, 1, NULL },
	{ "uco-observable:ContentDataFacet", "uco-observable:isEncrypted", BOOLEAN, 0, 1, NULL },
	{ "uco-observable:ContentDataFacet", "uco-observable:sizeInBytes", INTEGER, 0, 1, NULL },
	{ "uco-observable:ContentDataFacet", "uco-observable:hash", NODE, 0, 0, ":Hash" },
	{ "uco-observable:FileFacet", "uco-observable:fileName", TEXT, 0, 1, NULL },
	{ "uco-observable:FileFacet", "uco-observable:filePath", TEXT, 0, 1, NULL },
	{ "uco-types:Hash", "uco-types:hashMethod", TEXT, 1, 1, NULL },
	{ "uco-types:Hash", "uco-types:hashValue", HEX, 1, 1, NULL },
};
#define SHAPES	(sizeof(shapes) / sizeof(shapes[0]))

static const struct { const char *name; bool object; } classes[] = {
	{ "case-investigation:Investigation", true }, { "case-investigation:Authorization", true },
	{ "case-investigation:ProvenanceRecord", true }, { "case-investigation:InvestigativeAction", true },
	{ "uco-core:Relationship", true }, { "uco-core:ExternalReference", false },
	{ "uco-identity:Person", true }, { "uco-identity:Organization", true }, { "uco-identity:Identity", true },
	{ "uco-observable:ObservableObject", true }, { "uco-observable:ContentDataFacet", false },
	{ "uco-observable:FileFacet", false }, { "uco-types:Hash", false },
};

struct checking {
	const json_t	*graph;
	json_t		*ids;		/* id -> type, of every node */
	char		*words;
};

static bool wrong(struct checking *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool
wrong(struct checking *k, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	(void)vsnprintf(k->words, CASE_SHAPES_WORDS, fmt, ap);
	va_end(ap);
	return false;
}

static bool
is_uuid(const char *s)
{
	static const char	form[] = "kb:xxxxxxxx-xxxx-vxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < sizeof(form); i++)
		if (form[i] == 'x' ? !isxdigit((unsigned char)s[i]) || isupper((unsigned char)s[i]) :
		    form[i] == 'v' ? s[i] < '1' || s[i] > '5' : s[i] != form[i])
			return false;
	return true;
}

static bool
ends(const char *s, const char *end)
{
	return strlen(s) >= strlen(end) && strcmp(s + strlen(s) - strlen(end), end) == 0;
}

/* {"@type":"xsd:TYPE","@value":VALUE} */
static bool
typed(struct checking *k, const json_t *v, const char *member, const char *type, const char **ret)
{
	*ret = json_string_value(json_object_get(v, "@value"));
	if (json_object_size(v) != 2 || *ret == NULL ||
	    strcmp(json_string_value(json_object_get(v, "@type")) ? json_string_value(json_object_get(v, "@type")) : "", type) != 0)
		return wrong(k, "%s is no %s", member, type);
	return true;
}

static bool node_ok(struct checking *k, const json_t *v);

static bool
value_ok(struct checking *k, const struct shape *s, const json_t *v)
{
	const char	*text, *type;
	when		 t;

	switch (s->kind) {
	case TEXT:
		return json_is_string(v) || wrong(k, "%s is no string", s->member);
	case TIME:
		return typed(k, v, s->member, "xsd:dateTime", &text) &&
		    (when_parse(span_str(text), &t) || wrong(k, "%s is no time", s->member));
	case INTEGER:
		return typed(k, v, s->member, "xsd:integer", &text) &&
		    ((*text != '\0' && strspn(text, "0123456789") == strlen(text)) || wrong(k, "%s is no number", s->member));
	case BOOLEAN:
		return typed(k, v, s->member, "xsd:boolean", &text) &&
		    (strcmp(text, "true") == 0 || strcmp(text, "false") == 0 || wrong(k, "%s is no boolean", s->member));
	case HEX:
		return typed(k, v, s->member, "xsd:hexBinary", &text) &&
		    ((strlen(text) % 2 == 0 && strspn(text, "0123456789abcdefABCDEF") == strlen(text)) ||
		    wrong(k, "%s is no hex", s->member));
	case REF:
		text = json_string_value(json_object_get(v, "@id"));
		if (json_object_size(v) != 1 || text == NULL)
			return wrong(k, "%s is no reference", s->member);
		type = json_string_value(json_object_get(k->ids, text));
		if (type == NULL || (s->wants != NULL && !ends(type, s->wants)))
			return wrong(k, "%s refers to nothing that it may: %s", s->member, text);
		return true;
	case NODE:
		type = json_string_value(json_object_get(v, "@type"));
		if (type == NULL || !ends(type, s->wants))
			return wrong(k, "%s is none", s->member);
		return node_ok(k, v);
	}
	return false;
}

static bool
member_ok(struct checking *k, const struct shape *s, const json_t *v)
{
	size_t	n = json_is_array(v) ? json_array_size(v) : 1;

	if (n < s->min || (s->max != 0 && n > s->max))
		return wrong(k, "%s stands %zu times", s->member, n);
	if (!json_is_array(v))
		return value_ok(k, s, v);
	for (size_t i = 0; i < n; i++)
		if (!value_ok(k, s, json_array_get(v, i)))
			return false;
	return true;
}

static const struct shape *
shape_of(const char *type, bool object, const char *member)
{
	for (size_t i = 0; i < SHAPES; i++)
		if (strcmp(shapes[i].member, member) == 0 &&
		    (strcmp(shapes[i].of, type) == 0 || (object && strcmp(shapes[i].of, "UcoObject") == 0)))
			return &shapes[i];
	return NULL;
}

static bool
node_ok(struct checking *k, const json_t *v)
{
	const char	*type = json_string_value(json_object_get(v, "@type")), *name;
	json_t		*value;
	size_t		 class_ = 0, n = sizeof(classes) / sizeof(classes[0]);

	while (class_ < n && strcmp(classes[class_].name, type) != 0)
		class_++;
	if (class_ == n)
		return wrong(k, "no such class: %s", type);
	json_object_foreach((json_t *)(uintptr_t)v, name, value) {
		const struct shape	*s;

		if (name[0] == '@')
			continue;
		if ((s = shape_of(type, classes[class_].object, name)) == NULL)
			return wrong(k, "%s has no member %s", type, name);
		if (!member_ok(k, s, value))
			return false;
	}
	for (size_t i = 0; i < SHAPES; i++)
		if (strcmp(shapes[i].of, type) == 0 && shapes[i].min > 0 && json_object_get(v, shapes[i].member) == NULL)
			return wrong(k, "%s lacks %s", type, shapes[i].member);
	return true;
}

/* Every node, also one inside of another. */
static bool
gather(struct checking *k, const json_t *v)
{
	const char	*name, *id = json_string_value(json_object_get(v, "@id"));
	json_t		*value;
	size_t		 i;

	if (json_is_array(v)) {
		json_array_foreach((json_t *)(uintptr_t)v, i, value)
			if (!gather(k, value))
				return false;
		return true;
	}
	if (!json_is_object(v) || json_object_get(v, "@value") != NULL || json_object_size(v) == 1)
		return true;
	if (id == NULL || !is_uuid(id) || json_object_get(v, "@type") == NULL)
		return wrong(k, "a node without UUID or class: %s", id == NULL ? "none" : id);
	if (json_object_get(k->ids, id) != NULL)
		return wrong(k, "%s stands twice", id);
	json_object_set(k->ids, id, json_object_get(v, "@type"));
	json_object_foreach((json_t *)(uintptr_t)v, name, value)
		if (!gather(k, value))
			return false;
	return true;
}

static bool
context_ok(struct checking *k, const json_t *c)
{
	static const struct { const char *prefix, *iri; } wanted[] = {
		{ "kb", "urn:uuid:" },
		{ "case-investigation", "https://ontology.caseontology.org/case/investigation/" },
		{ "uco-core", "https://ontology.unifiedcyberontology.org/uco/core/" },
		{ "uco-action", "https://ontology.unifiedcyberontology.org/uco/action/" },
		{ "uco-identity", "https://ontology.unifiedcyberontology.org/uco/identity/" },
		{ "uco-observable", "https://ontology.unifiedcyberontology.org/uco/observable/" },
		{ "uco-types", "https://ontology.unifiedcyberontology.org/uco/types/" },
		{ "xsd", "http://www.w3.org/2001/XMLSchema#" },
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		const char	*iri = json_string_value(json_object_get(c, wanted[i].prefix));

		if (iri == NULL || strcmp(iri, wanted[i].iri) != 0)
			return wrong(k, "the context does not say what %s is", wanted[i].prefix);
	}
	return true;
}

bool
case_shapes(const json_t *document, char words[CASE_SHAPES_WORDS])
{
	struct checking	k = { json_object_get(document, "@graph"), json_object(), words };
	json_t		*v;
	size_t		 i;
	bool		 ok;

	words[0] = '\0';
	ok = context_ok(&k, json_object_get(document, "@context")) &&
	    (json_array_size(k.graph) > 0 || wrong(&k, "no graph")) && gather(&k, k.graph);
	for (i = 0; ok && i < json_array_size(k.graph); i++) {
		v = json_array_get(k.graph, i);
		ok = json_is_object(v) && node_ok(&k, v);
	}
	json_decref(k.ids);
	return ok;
}

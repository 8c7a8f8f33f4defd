/* The chain of custody in the vocabularies of others, and in HTML: custody-v1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "evidence/custody.h"
#include "evidence/jsonld.h"
#include "evidence/markup.h"
#include "evidence/summary.h"
#include "tests/unit/evidence/case_shapes.h"
#include "tests/unit/evidence/world.h"
#include "tests/unit/fault.h"
#include "tests/unit/vectors.h"

#define BIG	((size_t)32 << 20)

static struct world	w;

static int
up(void **state)
{
	(void)state;
	world_up_anchored(&w, "standard");
	return 0;
}

static int
down(void **state)
{
	(void)state;
	world_down(&w);
	return 0;
}

/* --- documents ------------------------------------------------------------------- */

typedef enum rc (*write_fn)(const struct evidence_case *e, const struct checked_case *c, struct buf *out, struct err *err);

static enum rc
summary(const struct evidence_case *e, const struct checked_case *c, struct buf *out, struct err *err)
{
	struct summary_text	text = { .size = w.reason.n, .blob = buf_view(&w.reason) };

	sha256_one(text.digest, text.blob);
	return package_summary(e, c, &text, 1, out, err);
}

static enum rc
summary_without(const struct evidence_case *e, const struct checked_case *c, struct buf *out, struct err *err)
{
	return package_summary(e, c, NULL, 0, out, err);
}

/* One document of the world as it is now; `change` may do something to what was checked. */
static struct buf
document_of(write_fn fn, void (*change)(struct evidence_case *e, struct checked_case *c), enum rc want)
{
	AUTO(checked_case_free) struct checked_case	*k = NULL;
	struct evidence_case				 c;
	struct buf					 out = BUF_INIT(BIG);
	struct err					 err = { .msg = "" };

	world_case(&w, 4, &c);
	if (case_check_past(&c, w.net.genesis, w.order, NULL, &k, &err) != RC_OK)
		fail_msg("%s", err.msg);
	if (change != NULL)
		change(&c, k);
	if (fn(&c, k, &out, &err) != want)
		fail_msg("%s", err.msg);
	case_done(&c);
	return out;
}

static struct buf
document(write_fn fn)
{
	return document_of(fn, NULL, RC_OK);
}

static json_t *
parsed(const struct buf *b)
{
	json_error_t	 e;
	json_t		*v = json_loadb((const char *)b->p, b->n, JSON_REJECT_DUPLICATES, &e);

	if (v == NULL)
		fail_msg("%s at line %d", e.text, e.line);
	return v;
}

static unsigned
count(struct buf *b, const char *what)
{
	unsigned	n = 0;

	for (const char *p = buf_text(b); (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

static const write_fn	all[] = { custody_case, custody_prov, summary };

static void
same(write_fn fn, const struct buf *a)
{
	struct buf	b = document(fn);

	assert_int_equal(a->n, b.n);
	assert_memory_equal(a->p, b.p, b.n);
	buf_done(&b);
}

static void
the_same_case_gives_the_same_bytes(void **state)
{
	uint8_t		contents[SHA256_BYTES] = { 1 };
	struct buf	first[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		first[i] = document(all[i]);
		same(all[i], &first[i]);
	}
	/* Who builds a package has no release yet, and another checkpoint than who verifies it. */
	assert_true(world_release(&w, contents));
	for (size_t i = 0; i < 3; i++)
		same(all[i], &first[i]);
	/* Nor does a release without effect add a word. */
	assert_false(world_release(&w, contents));
	for (size_t i = 0; i < 3; i++) {
		same(all[i], &first[i]);
		buf_done(&first[i]);
	}
}

/* --- CASE/UCO ------------------------------------------------------------------------ */

static void
the_shapes_are_those_of_case(void **state)
{
	static const struct { const char *file, *wrong; } sample[] = {
		{ "provenance/case-1.4.0-example.jsonld", NULL },
		{ "provenance/case-1.4.0-example-invalid.jsonld", "uco-observable:sizeInBytes is no number" },
	};
	struct buf	 b = document(custody_case);
	json_t		*v = parsed(&b);
	char		 words[CASE_SHAPES_WORDS];

	(void)state;
	if (!case_shapes(v, words))
		fail_msg("%s", words);
	json_decref(v);
	buf_done(&b);
	for (size_t i = 0; i < 2; i++) {
		if ((v = vectors_json(sample[i].file)) == NULL)
			return;
		assert_int_equal(case_shapes(v, words), sample[i].wrong == NULL);
		if (sample[i].wrong != NULL)
			assert_string_equal(words, sample[i].wrong);
		json_decref(v);
	}
}

/* The example of custody-v1 section 7, made by another program. */
static void
ids_are_uuids_of_names(void **state)
{
	struct buf	out = BUF_INIT(0);
	struct ld	w5 = { .out = &out };
	char		id[LD_ID_BYTES];

	(void)state;
	memset(w5.genesis, '0', sizeof(w5.genesis) - 1);
	memset(w5.order, '1', sizeof(w5.order) - 1);
	w5.genesis[sizeof(w5.genesis) - 1] = w5.order[sizeof(w5.order) - 1] = '\0';
	assert_string_equal(ld_id(&w5, id, "part/%d/content", 1), "kb:58e2ff7f-8b54-5cec-9f22-aba6376c0df0");
}

/* The node of this class whose member says so. */
static json_t *
node_with(json_t *document, const char *class_, const char *member, const char *value)
{
	json_t	*graph = json_object_get(document, "@graph"), *v;
	size_t	 i;

	json_array_foreach(graph, i, v) {
		const char	*have = json_string_value(json_object_get(v, member));

		if (strcmp(json_string_value(json_object_get(v, "@type")), class_) == 0 && have != NULL &&
		    strcmp(have, value) == 0)
			return v;
	}
	fail_msg("no %s with %s %s", class_, member, value);
	return NULL;
}

static json_t *
by_id(json_t *document, const json_t *reference)
{
	json_t		*graph = json_object_get(document, "@graph"), *v;
	const char	*id = json_string_value(json_object_get(reference, "@id"));
	size_t		 i;

	json_array_foreach(graph, i, v)
		if (strcmp(json_string_value(json_object_get(v, "@id")), id) == 0)
			return v;
	fail_msg("no node %s", id);
	return NULL;
}

static const char *
said(const json_t *v, const char *member)
{
	const json_t	*m = json_object_get(v, member);

	return json_string_value(json_is_object(m) ? json_object_get(m, "@value") : m);
}

/* Who, when, which entry; what it was put on record as, and that this is the very file. */
static void
an_action_says_who_and_when(void **state)
{
	struct buf		 b = document(custody_case);
	json_t			*v = parsed(&b), *action, *record, *entry, *content;
	char			 hex[HEX_BYTES(SHA256_BYTES)], index[24];
	uint8_t			 digest[SHA256_BYTES];

	(void)state;
	action = node_with(v, "case-investigation:InvestigativeAction", "uco-core:description", "counts as auditor");
	assert_string_equal(said(action, "uco-core:name"), "approved");
	assert_string_equal(said(action, "uco-action:startTime"), "2026-11-22T10:00:00Z");
	assert_string_equal(said(by_id(v, json_object_get(action, "uco-action:performer")), "uco-core:name"), "Person 4");
	assert_string_equal(said(by_id(v, json_object_get(action, "uco-action:performer")), "uco-core:description"),
	    "person auditor; roles auditor");
	entry = json_array_get(json_object_get(action, "uco-core:externalReference"), 0);
	assert_string_equal(said(entry, "uco-core:definingContext"), "test.example/log");
	(void)snprintf(index, sizeof(index), "%s", said(entry, "uco-core:externalIdentifier"));
	record = by_id(v, json_array_get(json_object_get(action, "uco-action:result"), 0));
	entry = by_id(v, json_array_get(json_object_get(record, "uco-core:object"), 0));
	content = json_array_get(json_object_get(entry, "uco-core:hasFacet"), 1);
	sha256_one(digest, buf_view(&w.net.log_entries.leaf[atoi(index)]));
	assert_string_equal(said(json_array_get(json_object_get(content, "uco-observable:hash"), 0), "uco-types:hashValue"),
	    hex_write(SPAN_OF(digest), hex));
	/* Informed by the request; about what that was put on record as. */
	action = by_id(v, json_array_get(json_object_get(action, "case-investigation:wasInformedBy"), 0));
	assert_string_equal(said(action, "uco-core:name"), "requested");
	assert_string_equal(said(by_id(v, json_object_get(action, "uco-action:performer")), "uco-core:name"), "Person 0");
	json_decref(v);
	buf_done(&b);
}

static void
every_act_is_there(void **state)
{
	static const struct { const char *name; unsigned n; } acts[] = {
		{ "charter signed", 1 }, { "sealed", 1 }, { "time-stamped", WORLD_TSAS }, { "requested", 1 },
		{ "approved", 3 }, { "ordered", 1 }, { "contributed", WORLD_ANSWERS }, { "released", 1 },
	};
	struct buf	 b = document(custody_case);
	char		 line[128];

	(void)state;
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		(void)snprintf(line, sizeof(line), "\"@type\":\"case-investigation:InvestigativeAction\",\"uco-core:name\":\"%s\"",
		    acts[i].name);
		if (count(&b, line) != acts[i].n)
			fail_msg("%s: %u times", acts[i].name, count(&b, line));
	}
	buf_done(&b);
}

/* --- PROV ------------------------------------------------------------------------------ */

/* What a relation speaks of is there, and of the kind that it says. */
static void
relations_hold(json_t *v, const char *kind)
{
	static const struct { const char *member, *section; } means[] = {
		{ "prov:entity", "entity" }, { "prov:activity", "activity" }, { "prov:agent", "agent" },
		{ "prov:generatedEntity", "entity" }, { "prov:usedEntity", "entity" },
	};
	json_t		*relation, *end;
	const char	*id, *name;

	assert_true(json_object_size(json_object_get(v, kind)) > 0);
	json_object_foreach(json_object_get(v, kind), id, relation) {
		assert_int_equal(json_object_size(relation), 2);
		json_object_foreach(relation, name, end) {
			size_t	i = 0;

			while (i < 5 && strcmp(means[i].member, name) != 0)
				i++;
			assert_true(i < 5);
			if (json_object_get(json_object_get(v, means[i].section), json_string_value(end)) == NULL)
				fail_msg("%s %s: no %s %s", kind, id, means[i].section, json_string_value(end));
		}
	}
}

static void
prov_relates_what_is_there(void **state)
{
	static const char *const	kinds[] = { "used", "wasGeneratedBy", "wasAssociatedWith", "wasAttributedTo",
	    "wasDerivedFrom" };
	struct buf	 b = document(custody_prov);
	json_t		*v = parsed(&b);

	(void)state;
	for (size_t i = 0; i < 5; i++)
		relations_hold(v, kinds[i]);
	/* The order rests on three approvals. */
	assert_int_equal(count(&b, "\"prov:activity\":\"q:act-8\",\"prov:entity\":\"q:entry-"), 4);
	assert_int_equal(count(&b, "\"prov:activity\":\"q:release-1\",\"prov:entity\":\"q:message-"), WORLD_ANSWERS);
	json_decref(v);
	buf_done(&b);
}

/* --- names that people chose --------------------------------------------------------------- */

/* 128 bytes that end every tag and string, turn letters round and hide some. */
#define HOSTILE	"\\\"><script>alert('1')</script>&amp;\\\\ \xe2\x80\xae" "txet\xe2\x80\x8b \xd8\xb9\xd8\xb1\xd8\xa8\xd9\x8a "
#define SHOWN	"\"><script>alert('1')</script>&amp;\\ \xe2\x80\xae" "txet\xe2\x80\x8b \xd8\xb9\xd8\xb1\xd8\xa8\xd9\x8a "

static struct buf	charter;

static void
hostile(struct evidence_case *e, struct checked_case *c)
{
	struct buf	old = BUF_INIT(BIG);
	char		*hit, *text;
	size_t		 pad = 128 - strlen(SHOWN);

	(void)c;
	buf_span(&old, e->charter);
	text = (char *)(uintptr_t)buf_text(&old);
	assert_non_null(hit = strstr(text, "\"Person 2\""));
	charter = BUF_INIT(BIG);
	buf_add(&charter, text, (size_t)(hit - text));
	buf_printf(&charter, "\"" HOSTILE);
	while (pad-- > 0)
		buf_u8(&charter, 'x');
	buf_printf(&charter, "%s", hit + strlen("\"Person 2"));
	e->charter = buf_view(&charter);
	buf_done(&old);
}

static void
hostile_names_stay_names(void **state)
{
	struct buf	 b;
	json_t		*v;
	char		 words[CASE_SHAPES_WORDS];

	(void)state;
	b = document_of(custody_case, hostile, RC_OK);
	v = parsed(&b);
	assert_true(case_shapes(v, words));
	/* The name itself, whole, in the value; its directions not in the text. */
	assert_memory_equal(said(node_with(v, "uco-identity:Person", "uco-core:description", "person legal; roles legal"),
	    "uco-core:name"), SHOWN, strlen(SHOWN));
	assert_int_equal(count(&b, "\xe2\x80\xae"), 0);
	assert_true(count(&b, "\\u202etxet\\u200b") > 0);
	json_decref(v);
	buf_done(&b);
	buf_done(&charter);
	b = document_of(custody_prov, hostile, RC_OK);
	json_decref(parsed(&b));
	assert_int_equal(count(&b, "\xe2\x80\xae"), 0);
	buf_done(&b);
	buf_done(&charter);
	b = document_of(summary, hostile, RC_OK);
	assert_int_equal(count(&b, "<script"), 0);
	assert_int_equal(count(&b, "\xe2\x80\xae"), 0);
	assert_true(count(&b, "&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;\\ [U+202E]txet[U+200B] \xd8\xb9") > 0);
	buf_done(&b);
	buf_done(&charter);
}

static void
text_in_markup(void **state)
{
	static const struct { const char *in, *html, *json; } t[] = {
		{ "plain", "plain", "\"plain\"" },
		{ "<b a='1' b=\"2\">&", "&lt;b a=&#39;1&#39; b=&quot;2&quot;&gt;&amp;", "\"<b a='1' b=\\\"2\\\">&\"" },
		{ "a\\b", "a\\b", "\"a\\\\b\"" },
		{ "\x01\x1f\x7f", "[U+0001][U+001F][U+007F]", "\"\\u0001\\u001f\\u007f\"" },
		{ "\xc2\x85", "[U+0085]", "\"\\u0085\"" },
		{ "\xe2\x80\xae\xe2\x81\xa6\xd8\x9c", "[U+202E][U+2066][U+061C]", "\"\\u202e\\u2066\\u061c\"" },
		{ "\xef\xbb\xbf", "[U+FEFF]", "\"\\ufeff\"" },
		{ "\xf3\xa0\x81\x81", "[U+E0041]", "\"\\udb40\\udc41\"" },
		{ "\xf0\x9f\x98\x80\xc3\xa4", "\xf0\x9f\x98\x80\xc3\xa4", "\"\xf0\x9f\x98\x80\xc3\xa4\"" },
		/* No UTF-8: a byte at a time. */
		{ "\xff" "a\xc3", "[U+FFFD]a[U+FFFD]", "\"\\ufffda\\ufffd\"" },
		{ "\xed\xa0\x80", "[U+FFFD][U+FFFD][U+FFFD]", "\"\\ufffd\\ufffd\\ufffd\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct buf	html = BUF_INIT(256), json = BUF_INIT(256);

		markup_html(&html, t[i].in);
		markup_json(&json, t[i].in);
		assert_string_equal(buf_text(&html), t[i].html);
		assert_string_equal(buf_text(&json), t[i].json);
		buf_done(&html);
		buf_done(&json);
	}
}

static void
lines_in_markup(void **state)
{
	static const uint8_t	text[] = "one\r\ntwo\n\tthree\0<\r";
	struct buf		b = BUF_INIT(256);

	(void)state;
	markup_html_lines(&b, SPAN(text, sizeof(text) - 1));
	assert_string_equal(buf_text(&b), "one<br>\ntwo<br>\n three[U+0000]&lt;[U+000D]");
	buf_done(&b);
	assert_true(markup_is_text(SPAN_STR("a\tb\r\n\xc3\xa4")));
	assert_true(markup_is_text(SPAN(NULL, 0)));
	assert_false(markup_is_text(SPAN(text, sizeof(text) - 1)));
	assert_false(markup_is_text(SPAN_STR("\xe2\x80\xae")));
	assert_false(markup_is_text(SPAN_STR("\xff")));
}

/* --- the summary ---------------------------------------------------------------------------- */

static void
a_summary_says_what_a_reader_asks(void **state)
{
	static const char *const	parts[] = {
		"<bdi>Person 0</bdi> (<bdi>Provider</bdi>)",
		"<bdi>Person 2</bdi> (<bdi>Legal &amp; Co</bdi>) as legal;",
		"Policy <b>standard</b> asks for 1 legal, 1 compliance, 1 auditor, 3 different people in all",
		"3 of 5 custodians; any 3 are enough",
		"&quot;this model made a picture of me&quot;</blockquote>",
		"<td>image</td><td class=\"n\">65,537</td><td>all of it</td>",
		"<td>prompt</td><td class=\"n\">300</td><td>all of it</td>",
		"TSA first: <span class=\"t\">2026-11-22 10:00:00 UTC</span>",
		"<code>data/anchors/000000000003/token.tst</code>",
		"counts as compliance",
	};
	struct buf	b = document(summary);

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (count(&b, parts[i]) == 0)
			fail_msg("it does not say: %s", parts[i]);
	/* Nothing that runs, nothing from elsewhere. */
	assert_int_equal(count(&b, "<script") + count(&b, "src=") + count(&b, "href=") + count(&b, "url(") + count(&b, "@import") +
	    count(&b, "http:") + count(&b, "https:"), 0);
	buf_done(&b);
}

static struct buf	other_reason;

static enum rc
summary_other(const struct evidence_case *e, const struct checked_case *c, struct buf *out, struct err *err)
{
	struct summary_text	text = { .size = other_reason.n, .blob = buf_view(&other_reason) };

	sha256_one(text.digest, buf_view(&w.reason));
	return package_summary(e, c, &text, 1, out, err);
}

static void
reasons_are_quoted_or_said_to_be_elsewhere(void **state)
{
	struct buf	b = document(summary_without);

	(void)state;
	assert_int_equal(count(&b, "It is not in this package: it was left out or erased."), 1);
	assert_int_equal(count(&b, "<blockquote"), 0);
	buf_done(&b);
	other_reason = BUF_INIT(SUMMARY_TEXT_MAX + 1);
	buf_extend(&other_reason, ERASABLE_SALT_BYTES);
	buf_printf(&other_reason, "one\n<img src=x>\xe2\x80\xae");
	b = document(summary_other);
	assert_int_equal(count(&b, "one<br>\n&lt;img src=x&gt;[U+202E]</blockquote>"), 1);
	assert_int_equal(count(&b, "Some characters of it cannot be seen"), 1);
	buf_done(&b);
	buf_extend(&other_reason, SUMMARY_TEXT_MAX - other_reason.n);
	b = document(summary_other);
	assert_int_equal(count(&b, "It is too long for this page"), 0);
	buf_done(&b);
	buf_u8(&other_reason, 'x');
	b = document(summary_other);
	assert_int_equal(count(&b, "It is too long for this page: <code>data/erasable/"), 1);
	assert_int_equal(count(&b, "<blockquote"), 0);
	buf_done(&b);
	/* Shorter than its salt: no text at all. */
	other_reason.n = ERASABLE_SALT_BYTES - 1;
	b = document(summary_other);
	assert_int_equal(count(&b, "<blockquote"), 0);
	buf_done(&b);
	buf_done(&other_reason);
}

/* --- what does not fit ----------------------------------------------------------------------- */

static void
one_entry_short(struct evidence_case *e, struct checked_case *c)
{
	(void)c;
	e->n_entries--;
}

static void
one_charter_more(struct evidence_case *e, struct checked_case *c)
{
	(void)c;
	e->later[e->n_later++] = e->charter;
}

static void
other_types(struct evidence_case *e, struct checked_case *c)
{
	(void)e;
	c->verdict[1].type = STATEMENT_REQUEST;
}

static void
another_order(struct evidence_case *e, struct checked_case *c)
{
	(void)e;
	c->grant.order[0] ^= 1;
}

static void
of_another_case_nothing_is_told(void **state)
{
	void	(*const change[])(struct evidence_case *, struct checked_case *) = { one_entry_short, one_charter_more,
	    other_types, another_order };

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 3; j++) {
			struct buf	b = document_of(all[j], change[i], RC_USAGE);

			buf_done(&b);
		}
}

static void
without_memory(void **state)
{
	struct evidence_case	 c;
	struct checked_case	*k = NULL;
	struct err		 err;
	enum rc			 rc;
	unsigned long		 n;

	(void)state;
	world_case(&w, 4, &c);
	assert_int_equal(case_check_past(&c, w.net.genesis, w.order, NULL, &k, &err), RC_OK);
	for (size_t i = 0; i < 3; i++) {
		for (n = 1;; n++) {
			struct buf	out = BUF_INIT(BIG);

			fault_at(n);
			rc = all[i](&c, k, &out, NULL);
			buf_done(&out);
			if (!fault_fired())
				break;
			assert_int_equal(rc, RC_NOMEM);
		}
		assert_int_equal(rc, RC_OK);
		assert_true(n > 20);
	}
	checked_case_free(k);
	case_done(&c);
}

/* --- other charters, other modes ---------------------------------------------------------------- */

/* Who approves later under another name: each act is told by the charter then. */
static void
renamed(struct world *a, enum world_step at)
{
	const struct net_edit	edit[] = { { "people/2/name", "\"Second Name\"" }, { "people/3/roles", "[\"compliance\",\"observer\"]" } };

	if (at == WORLD_ORDERED)
		net_amend(&a->net, edit, 2);
}

static void
who_acted_is_told_by_the_charter_then(void **state)
{
	struct buf	 b;
	json_t		*v, *action;
	char		 words[CASE_SHAPES_WORDS];

	(void)state;
	world_up_amendable(&w, "standard", renamed);
	b = document(custody_case);
	v = parsed(&b);
	if (!case_shapes(v, words))
		fail_msg("%s", words);
	action = node_with(v, "case-investigation:InvestigativeAction", "uco-core:description", "counts as legal");
	assert_string_equal(said(by_id(v, json_object_get(action, "uco-action:performer")), "uco-core:name"), "Person 2");
	/* The amendment itself was approved under the first charter; nobody acted under the second name. */
	assert_int_equal(count(&b, "Second Name"), 0);
	assert_int_equal(count(&b, "\"uco-core:name\":\"amendment approved\""), 3);
	assert_int_equal(count(&b, "\"uco-core:name\":\"amendment consented\""), 4);
	json_decref(v);
	buf_done(&b);
	b = document(summary);
	assert_int_equal(count(&b, "Second Name"), 0);
	assert_int_equal(count(&b, "<td>amendment proposed<br>"), 1);
	buf_done(&b);
	world_down(&w);
}

/* The whole second half under another name. */
static void
renamed_before(struct world *a, enum world_step at)
{
	const struct net_edit	edit = { "people/2/name", "\"Second Name\"" };

	if (at == WORLD_SEALED)
		net_amend(&a->net, &edit, 1);
}

static void
and_a_later_one_by_the_later_name(void **state)
{
	struct buf	 b;
	json_t		*v, *action;

	(void)state;
	world_up_amendable(&w, "standard", renamed_before);
	b = document(custody_case);
	v = parsed(&b);
	action = node_with(v, "case-investigation:InvestigativeAction", "uco-core:description", "counts as legal");
	assert_string_equal(said(by_id(v, json_object_get(action, "uco-action:performer")), "uco-core:name"), "Second Name");
	assert_int_equal(count(&b, "\"uco-core:name\":\"Person 2\""), 1);	/* who approved the amendment */
	json_decref(v);
	buf_done(&b);
	world_down(&w);
}

static void
to_the_recipient(void **state)
{
	struct buf	b;
	json_t		*v;
	char		words[CASE_SHAPES_WORDS];

	(void)state;
	world_up(&w, "direct");
	b = document(custody_case);
	v = parsed(&b);
	assert_true(case_shapes(v, words));
	assert_int_equal(count(&b, "\"uco-observable:filePath\":\"data/contributions/0"), WORLD_ANSWERS);
	json_decref(v);
	buf_done(&b);
	b = document(summary);
	assert_int_equal(count(&b, "The custodians answered the recipient alone"), 1);
	assert_int_equal(count(&b, "none in this package; the custodians"), 1);
	buf_done(&b);
	world_down(&w);
}

static void
a_stamp_from_before_dates_nothing(void **state)
{
	struct buf	b;

	(void)state;
	world_found_anchored(&w);
	world_anchor(&w, 0);
	world_run(&w, "standard", world_nothing_between);
	b = document(summary);
	assert_int_equal(count(&b, "by TSA first, over the first 1 entries"), 1);
	assert_int_equal(count(&b, "none in this package; the custodians"), 1);
	buf_done(&b);
	world_down(&w);
}

/* What has no effect is not told as done; the summary says that it was said. */
static void
denied_too_late(struct world *a, enum world_step at)
{
	if (at == WORLD_ORDERED)
		assert_false(net_decide(&a->net, a->request, NET_INSIDER, true).effective);
}

static void
what_had_no_effect(void **state)
{
	struct buf	b;

	(void)state;
	world_up_amendable(&w, "standard", denied_too_late);
	b = document(custody_case);
	assert_int_equal(count(&b, "\"uco-core:name\":\"approved\""), 3);
	buf_done(&b);
	b = document(summary);
	assert_int_equal(count(&b, "Entries that have no effect"), 1);
	assert_int_equal(count(&b, "<td>decision</td>"), 1);
	buf_done(&b);
	world_down(&w);
}

int
main(void)
{
	const struct CMUnitTest	anchored[] = {
		cmocka_unit_test(the_shapes_are_those_of_case),
		cmocka_unit_test(ids_are_uuids_of_names),
		cmocka_unit_test(an_action_says_who_and_when),
		cmocka_unit_test(every_act_is_there),
		cmocka_unit_test(prov_relates_what_is_there),
		cmocka_unit_test(hostile_names_stay_names),
		cmocka_unit_test(text_in_markup),
		cmocka_unit_test(lines_in_markup),
		cmocka_unit_test(a_summary_says_what_a_reader_asks),
		cmocka_unit_test(reasons_are_quoted_or_said_to_be_elsewhere),
		cmocka_unit_test(of_another_case_nothing_is_told),
		cmocka_unit_test(without_memory),
		cmocka_unit_test(the_same_case_gives_the_same_bytes),	/* the last: it logs a release */
	};
	const struct CMUnitTest	others[] = {
		cmocka_unit_test(who_acted_is_told_by_the_charter_then),
		cmocka_unit_test(and_a_later_one_by_the_later_name),
		cmocka_unit_test(to_the_recipient),
		cmocka_unit_test(a_stamp_from_before_dates_nothing),
		cmocka_unit_test(what_had_no_effect),
	};
	int	failed = cmocka_run_group_tests(anchored, up, down);

	return failed + cmocka_run_group_tests(others, NULL, NULL);
}

/* Each type of statement both ways; members missing, extra, of the wrong kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/json.h"
#include "policy/statement.h"
#include "tests/fixture/keys.h"
#include "tests/unit/fault.h"

#define BIG	((size_t)1 << 20)
#define NOW	UINT64_C(1795341600)

static struct test_key	key;

static void
make(struct statement *s, enum statement_type type)
{
	uint8_t	genesis[32], charter[32], root[32];

	memset(genesis, 1, 32);
	memset(charter, 2, 32);
	memset(root, 3, 32);
	statement_init(s, type, genesis, charter, 7, root, NOW, 600);
	memset(s->subject, 4, 32);
	key_id(&key.signer.key, s->signer);
	switch (type) {
	case STATEMENT_BATCH:
		s->u.batch.count = 1024;
		s->u.batch.n = 31;
		for (uint8_t i = 0; i < 31; i++) {
			s->u.batch.custodian[i].index = (uint8_t)(i + 1);
			s->u.batch.custodian[i].epoch = UINT32_MAX;
			memset(s->u.batch.custodian[i].encapsulation, i, 65);
		}
		break;
	case STATEMENT_REQUEST:
		strcpy(s->u.request.policy, "standard");
		s->u.request.n_attachments = 2;
		for (size_t i = 0; i < 2; i++) {
			strcpy(s->u.request.attachment[i].kind, "court-order");
			s->u.request.attachment[i].size = INT64_MAX;
		}
		buf_printf(&s->bytes, "certificate");
		break;
	case STATEMENT_DECISION:
		s->u.decision.has_reason = true;
		memset(s->u.decision.reason, 5, 32);
		break;
	case STATEMENT_REVOCATION:
		s->u.revocation.has_reason = true;
		break;
	case STATEMENT_ORDER:
		buf_printf(&s->bytes, "certificate");
		break;
	case STATEMENT_RECEIPT:
		s->u.receipt.custodian = 31;
		s->u.receipt.count = 8192;
		break;
	case STATEMENT_RELEASE:
		s->u.release.n = 2;
		s->u.release.custodian[0].index = 1;
		s->u.release.custodian[1].index = 31;
		s->u.release.custodian[1].good = true;
		break;
	case STATEMENT_HELD:
		s->u.held.custodian = 1;
		break;
	case STATEMENT_CHECKED:
		s->u.checked.custodian = 1;
		s->u.checked.first = INT64_MAX;
		break;
	case STATEMENT_GARBAGE:
		s->u.garbage.custodian = 1;
		s->u.garbage.leaf = 1023;
		buf_u8(&s->bytes, GARBAGE_OTHER);
		memset(buf_extend(&s->bytes, GARBAGE_OTHER_BYTES - 1), 7, GARBAGE_OTHER_BYTES - 1);
		break;
	case STATEMENT_AMENDMENT:
		s->u.amendment.has_reason = true;
		break;
	case STATEMENT_CONSENT:
		s->u.consent.custodian = 31;
		break;
	case STATEMENT_SUCCESSION:
		memset(s->signer, 0, sizeof(s->signer));
		break;
	case STATEMENT_ANCHOR:
		strcpy(s->u.anchor.tsa, "first");
		s->u.anchor.size = INT64_MAX;
		break;
	case STATEMENT_ACKNOWLEDGEMENT:
		s->u.acknowledgement.bad = UINT32_C(1) | UINT32_C(1) << (CUSTODIANS_MAX - 1);
		break;
	case STATEMENT_UNKNOWN:
	case STATEMENT_CHARTER:
	case STATEMENT_WITHDRAWAL:
	case STATEMENT_TYPES:
		break;
	}
}

/* payload -> envelope -> statement. */
static enum rc
parse_payload(struct span payload, struct statement *s, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);
	AUTO_DONE(dsse_done) struct dsse d = { 0 };

	assert_int_equal(dsse_sign(payload, &key.signer, &b, NULL), RC_OK);
	assert_int_equal(dsse_parse(buf_view(&b), &d, NULL), RC_OK);
	return statement_parse(&d, s, err);
}

static void
both_ways(void **state)
{
	(void)state;
	for (unsigned t = 1; t < STATEMENT_TYPES; t++) {
		AUTO_DONE(statement_done) struct statement s, got;
		AUTO_DONE(buf_done) struct buf a = BUF_INIT(BIG), b = BUF_INIT(BIG),
		    e = BUF_INIT(BIG);
		AUTO_DONE(dsse_done) struct dsse d = { 0 };
		uint8_t	id[32];

		make(&s, (enum statement_type)t);
		assert_int_equal(statement_write(&s, &a, NULL), RC_OK);
		assert_int_equal(statement_sign(&s, &key.signer, &e, NULL), RC_OK);
		assert_int_equal(dsse_parse(buf_view(&e), &d, NULL), RC_OK);
		assert_int_equal(statement_parse(&d, &got, NULL), RC_OK);
		assert_int_equal(got.type, t);
		assert_int_equal(statement_write(&got, &b, NULL), RC_OK);
		assert_string_equal(buf_text(&a), buf_text(&b));
		dsse_id(buf_view(&a), id);
		assert_memory_equal(got.id, id, 32);
		assert_memory_equal(s.id, id, 32);
		assert_true(span_eq(buf_view(&got.bytes), buf_view(&s.bytes)));
		assert_non_null(strstr(buf_text(&a),
		    statement_type_name((enum statement_type)t)));
	}
}

static void
every_truncation(void **state)
{
	(void)state;
	for (unsigned t = 1; t < STATEMENT_TYPES; t++) {
		AUTO_DONE(statement_done) struct statement s, got;
		AUTO_DONE(buf_done) struct buf a = BUF_INIT(BIG);

		make(&s, (enum statement_type)t);
		if (t == STATEMENT_BATCH)
			s.u.batch.n = 2;
		assert_int_equal(statement_write(&s, &a, NULL), RC_OK);
		for (size_t n = 1; n < a.n; n++) {
			uint8_t	*copy = heap_copy(a.p, n);

			assert_int_equal(parse_payload(SPAN(copy, n), &got, NULL),
			    RC_FORMAT);
			free(copy);
		}
	}
}

static enum rc
parse_json(const json_t *root)
{
	AUTO_DONE(statement_done) struct statement got;
	char	*text = json_dumps(root, 0);
	enum rc	 rc;

	assert_non_null(text);
	rc = parse_payload(span_str(text), &got, NULL);
	free(text);
	return rc;
}

static void
without(json_t *root, json_t *v, const char *name, const char *type)
{
	json_t	*kept = json_incref(json_object_get(v, name));

	json_object_del(v, name);
	if (parse_json(root) == RC_OK && strcmp(name, "reason") != 0)
		fail_msg("%s: without \"%s\" it passes", type, name);
	json_object_set_new(v, name, json_null());
	if (parse_json(root) == RC_OK)
		fail_msg("%s: with \"%s\": null it passes", type, name);
	json_object_set_new(v, name, kept);
}

/* Each member of each object, at any depth, taken away or joined by another. */
static void
tamper(json_t *root, json_t *v, const char *type)
{
	char		 names[JSON_MEMBERS][32];
	const char	*name;
	json_t		*member;
	size_t		 i, n = 0;

	json_array_foreach(v, i, member)
		tamper(root, member, type);
	if (!json_is_object(v))
		return;
	/* The names first: taking one away would disturb the walk. */
	json_object_foreach(v, name, member)
		strcpy(names[n++], name);
	for (i = 0; i < n; i++) {
		tamper(root, json_object_get(v, names[i]), type);
		without(root, v, names[i], type);
	}
	json_object_set_new(v, "more", json_integer(1));
	assert_int_equal(parse_json(root), RC_FORMAT);
	json_object_del(v, "more");
}

static void
members_are_exactly_these(void **state)
{
	(void)state;
	for (unsigned t = 1; t < STATEMENT_TYPES; t++) {
		AUTO_DONE(statement_done) struct statement s;
		AUTO_DONE(buf_done) struct buf a = BUF_INIT(BIG);
		json_t	*root;

		make(&s, (enum statement_type)t);
		if (t == STATEMENT_BATCH)
			s.u.batch.n = 2;
		assert_int_equal(statement_write(&s, &a, NULL), RC_OK);
		root = json_loads(buf_text(&a), 0, NULL);
		assert_non_null(root);
		tamper(root, root, statement_type_name((enum statement_type)t));
		json_decref(root);
	}
}

static void
one_edit_each(void **state)
{
	static const struct {
		enum statement_type	 type;
		const char		*from, *to;
		enum rc			 rc;
	} rows[] = {
		{ STATEMENT_ORDER, "Statement/v1", "Statement/v2", RC_FORMAT },
		{ STATEMENT_ORDER, "\"name\":\"request\"", "\"name\":\"order\"", RC_FORMAT },
		{ STATEMENT_ORDER, "2026-11-22T10:00:00Z", "2026-11-22T10:00:60Z", RC_FORMAT },
		{ STATEMENT_ORDER, "2026-11-22T10:00:00Z", "2026-11-22 10:00:00Z", RC_FORMAT },
		{ STATEMENT_ORDER, "\"size\":7", "\"size\":-7", RC_FORMAT },
		{ STATEMENT_ORDER, "\"size\":7", "\"size\":7.0", RC_FORMAT },
		{ STATEMENT_ORDER, "\"sha256\":\"04", "\"sha256\":\"0X", RC_FORMAT },
		{ STATEMENT_ORDER, "\"sha256\":\"04", "\"sha256\":\"0404", RC_FORMAT },
		{ STATEMENT_DECISION, "Statement/v1", "Statement/v2", RC_FORMAT },
		{ STATEMENT_DECISION, "\"name\":\"request\"", "\"name\":\"scope\"", RC_FORMAT },
		{ STATEMENT_DECISION, "2026-11-22T10:00:00Z", "2026-11-22T10:00:60Z", RC_FORMAT },
		{ STATEMENT_DECISION, "\"size\":7", "\"size\":07", RC_FORMAT },
		{ STATEMENT_DECISION, "\"size\":7", "\"size\":7.0", RC_FORMAT },
		{ STATEMENT_DECISION, "\"size\":7", "\"size\": 7", RC_OK },
		{ STATEMENT_DECISION, "\"sha256\":\"04", "\"sha256\":\"0X", RC_FORMAT },
		{ STATEMENT_DECISION, "\"deny\"", "\"maybe\"", RC_FORMAT },
		{ STATEMENT_DECISION, "\"deny\"", "\"approve\"", RC_FORMAT }, /* with a reason */
		{ STATEMENT_REQUEST, "\"standard\"", "\"Standard\"", RC_FORMAT },
		{ STATEMENT_REQUEST, "\"kind\":\"court-order\"", "\"kind\":\"\"", RC_FORMAT },
		{ STATEMENT_BATCH, "\"count\":1024", "\"count\":1025", RC_FORMAT },
		{ STATEMENT_BATCH, "\"count\":1024", "\"count\":0", RC_FORMAT },
		{ STATEMENT_BATCH, "\"index\":1,", "\"index\":2,", RC_FORMAT },
		{ STATEMENT_BATCH, "\"epoch\":4294967295", "\"epoch\":0", RC_FORMAT },
		{ STATEMENT_BATCH, "\"encapsulation\":\"AAAA", "\"encapsulation\":\"", RC_FORMAT },
		{ STATEMENT_BATCH, "}]}}", "}]}}}", RC_FORMAT },
		{ STATEMENT_BATCH, "}]}}", "}]}} ", RC_OK },
		{ STATEMENT_RECEIPT, "\"custodian\":31", "\"custodian\":32", RC_FORMAT },
		{ STATEMENT_RECEIPT, "\"custodian\":31", "\"custodian\":0", RC_FORMAT },
		{ STATEMENT_RELEASE, "\"index\":31", "\"index\":1", RC_FORMAT },
		{ STATEMENT_RELEASE, "\"good\":true", "\"good\":1", RC_FORMAT },
		{ STATEMENT_GARBAGE, "\"leaf\":1023", "\"leaf\":1024", RC_FORMAT },
		{ STATEMENT_GARBAGE, "\"custodian\":1", "\"custodian\":2", RC_OK },
		{ STATEMENT_CHECKED, "\"first\":9223372036854775807", "\"first\":0", RC_OK },
		{ STATEMENT_CHECKED, "\"first\":9223372036854775807", "\"first\":9223372036854775808", RC_FORMAT },
		{ STATEMENT_CHECKED, "\"first\":9223372036854775807", "\"first\":-1", RC_FORMAT },
		{ STATEMENT_CHECKED, "\"first\":9223372036854775807", "\"first\":\"7\"", RC_FORMAT },
		{ STATEMENT_CHECKED, ",\"first\":9223372036854775807", "", RC_FORMAT },
		{ STATEMENT_CHECKED, "\"first\":", "\"last\":8,\"first\":", RC_FORMAT },
		{ STATEMENT_CHECKED, "\"custodian\":1", "\"custodian\":32", RC_FORMAT },
		{ STATEMENT_HELD, "\"custodian\":1", "\"first\":7,\"custodian\":1", RC_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO_DONE(statement_done) struct statement s, got;
		AUTO_DONE(buf_done) struct buf a = BUF_INIT(BIG), b = BUF_INIT(BIG);
		const char	*at;
		size_t		 head;

		make(&s, rows[i].type);
		assert_int_equal(statement_write(&s, &a, NULL), RC_OK);
		at = strstr(buf_text(&a), rows[i].from);
		assert_non_null(at);
		head = (size_t)(at - buf_text(&a));
		buf_add(&b, a.p, head);
		buf_printf(&b, "%s", rows[i].to);
		buf_printf(&b, "%s", at + strlen(rows[i].from));
		if (parse_payload(buf_view(&b), &got, NULL) != rows[i].rc)
			fail_msg("%s -> %s", rows[i].from, rows[i].to);
	}
}

/* Two kinds of proof, each of one length; neither read nor written otherwise. */
static void
proofs(void **state)
{
	static const struct {
		int	kind;
		size_t	n;
		bool	fits;
	} rows[] = {
		{ GARBAGE_SHUT, 49, true },
		{ GARBAGE_SHUT, 48, false },
		{ GARBAGE_SHUT, 50, false },
		{ GARBAGE_SHUT, 81, false },
		{ GARBAGE_OTHER, 81, true },
		{ GARBAGE_OTHER, 80, false },
		{ GARBAGE_OTHER, 82, false },
		{ GARBAGE_OTHER, 49, false },
		{ 0, 49, false },
		{ 3, 81, false },
		{ 3, 49, false },
		{ GARBAGE_SHUT, 1, false },
		{ GARBAGE_SHUT, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO_DONE(statement_done) struct statement s, got;
		AUTO_DONE(buf_done) struct buf good = BUF_INIT(BIG), b = BUF_INIT(BIG);
		uint8_t		 proof[96] = { (uint8_t)rows[i].kind };
		char		 text[160];
		char		*at;

		make(&s, STATEMENT_GARBAGE);
		assert_int_equal(statement_write(&s, &good, NULL), RC_OK);
		buf_reset(&s.bytes);
		buf_add(&s.bytes, proof, rows[i].n);
		assert_int_equal(statement_write(&s, &b, NULL),
		    rows[i].fits ? RC_OK : RC_USAGE);
		assert_int_equal(b.n > 0, rows[i].fits);

		buf_reset(&b);
		at = strstr(buf_text(&good), "\"proof\":\"");
		assert_non_null(at);
		buf_add(&b, good.p, (size_t)(at - buf_text(&good)));
		sodium_bin2base64(text, sizeof(text), proof, rows[i].n,
		    sodium_base64_VARIANT_ORIGINAL);
		buf_printf(&b, "\"proof\":\"%s\"}}", text);
		if (parse_payload(buf_view(&b), &got, NULL) !=
		    (rows[i].fits ? RC_OK : RC_FORMAT))
			fail_msg("kind %d of %zu bytes", rows[i].kind, rows[i].n);
	}
}

static void
unknown_types(void **state)
{
	static const char *const later[] = { "hold", "hold-release", "erase",
	    "outcome", "unknown", "decision/v1/x" };

	(void)state;
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);
		AUTO_DONE(statement_done) struct statement got;
		uint8_t	id[32];

		buf_printf(&b, "{\"_type\":\"https://in-toto.io/Statement/v1\","
		    "\"subject\":[{\"x\":1},2],\"predicateType\":\"" PREDICATE_PREFIX
		    "%s/v1\",\"predicate\":{\"whatever\":[]}}", later[i]);
		assert_int_equal(parse_payload(buf_view(&b), &got, NULL), RC_OK);
		assert_int_equal(got.type, STATEMENT_UNKNOWN);
		dsse_id(buf_view(&b), id);
		assert_memory_equal(got.id, id, 32);
	}
	assert_string_equal(statement_type_name(STATEMENT_UNKNOWN), "unknown");
	assert_null(statement_subject_kind(STATEMENT_UNKNOWN));
}

static void
not_written(void **state)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);
	AUTO_DONE(statement_done) struct statement s;

	(void)state;
	make(&s, STATEMENT_REQUEST);
	strcpy(s.u.request.policy, "a\"b");
	assert_int_equal(statement_write(&s, &b, NULL), RC_USAGE);
	strcpy(s.u.request.policy, "standard");
	strcpy(s.u.request.attachment[1].kind, "");
	assert_int_equal(statement_write(&s, &b, NULL), RC_USAGE);
	s.u.request.n_attachments = 5;
	assert_int_equal(statement_write(&s, &b, NULL), RC_USAGE);
	s.u.request.n_attachments = 0;
	memset(s.signer, 0, sizeof(s.signer));
	assert_int_equal(statement_write(&s, &b, NULL), RC_USAGE);
	s.type = STATEMENT_UNKNOWN;
	assert_int_equal(statement_write(&s, &b, NULL), RC_USAGE);
	statement_done(&s);
	make(&s, STATEMENT_CHECKED);
	s.u.checked.first = UINT64_C(1) << 63;
	assert_int_equal(statement_write(&s, &b, NULL), RC_USAGE);
	assert_int_equal(b.n, 0);
}

/* Nonces differ; all who sign a charter sign the same bytes. */
static void
beginnings(void **state)
{
	AUTO_DONE(statement_done) struct statement a, b;
	AUTO_DONE(buf_done) struct buf x = BUF_INIT(BIG), y = BUF_INIT(BIG);
	struct test_key	other;

	(void)state;
	make(&a, STATEMENT_DECISION);
	make(&b, STATEMENT_DECISION);
	assert_memory_not_equal(a.nonce, b.nonce, sizeof(a.nonce));
	assert_int_equal(a.issued, NOW);
	assert_int_equal(a.expires, NOW + 600);
	statement_init(&a, STATEMENT_ORDER, a.genesis, a.charter, 0, a.seen_root,
	    NOW, UINT64_MAX);
	assert_int_equal(a.expires, WHEN_MAX);

	test_key_ed25519(&other);
	make(&a, STATEMENT_CHARTER);
	make(&b, STATEMENT_CHARTER);
	assert_int_equal(statement_sign(&a, &key.signer, &x, NULL), RC_OK);
	assert_int_equal(statement_sign(&b, &other.signer, &y, NULL), RC_OK);
	assert_memory_equal(a.id, b.id, sizeof(a.id));
	test_key_done(&other);
}

static void
every_allocation(void **state)
{
	(void)state;
	/* With a space after it, a statement is none that the quick reader takes. */
	for (unsigned i = 2; i < 2 * STATEMENT_TYPES; i++) {
		AUTO_DONE(buf_done) struct buf e = BUF_INIT(BIG);
		AUTO_DONE(statement_done) struct statement s;
		AUTO_DONE(dsse_done) struct dsse d = { 0 };
		unsigned long	n;
		enum rc		rc;

		make(&s, (enum statement_type)(i / 2));
		assert_int_equal(statement_sign(&s, &key.signer, &e, NULL), RC_OK);
		assert_int_equal(dsse_parse(buf_view(&e), &d, NULL), RC_OK);
		if (i % 2 == 0)
			buf_u8(&d.payload, ' ');
		for (n = 1;; n++) {
			AUTO_DONE(statement_done) struct statement got;

			fault_at(n);
			rc = statement_parse(&d, &got, NULL);
			if (!fault_fired())
				break;
			assert_int_equal(rc, RC_NOMEM);
		}
		assert_int_equal(rc, RC_OK);
		assert_true(i % 2 != 0 || n > 10);
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(members_are_exactly_these),
		cmocka_unit_test(one_edit_each),
		cmocka_unit_test(proofs),
		cmocka_unit_test(unknown_types),
		cmocka_unit_test(not_written),
		cmocka_unit_test(beginnings),
		cmocka_unit_test(every_allocation),
	};
	int			failed;

	if (sodium_init() < 0)
		return 1;
	test_key_ed25519(&key);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_key_done(&key);
	return failed;
}

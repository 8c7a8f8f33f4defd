/* Charters that must not be: one edit each, and a word of what the refusal says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "tests/fixture/network.h"
#include "tests/unit/fault.h"

#define BIG	((size_t)1 << 22)

static struct net	net;

/*
 * An edit: where (a path of members and indexes), and the JSON that replaces what
 * stands there; NULL takes it away; "@path" copies from elsewhere.
 */
static const struct {
	const char	*name, *path, *value, *says;
} edits[] = {
	{ "another version",	"charter", "2", "charter" },
	{ "unknown rules",	"rules", "2", "rules" },
	{ "unknown member",	"extra", "1", "extra" },
	{ "no name",		"name", NULL, "name" },
	{ "empty name",		"name", "\"\"", "name" },
	{ "control character",	"name", "\"a\\nb\"", "control" },
	{ "origin with space",	"origin", "\"a b\"", "origin" },
	{ "origin with plus",	"origin", "\"a+b\"", "origin" },
	{ "k of one",		"threshold/k", "1", "k=1" },
	{ "k over n",		"threshold/k", "6", "k=6" },
	{ "f of k",		"threshold/f", "3", "f=3" },
	{ "f over n-q",		"threshold/f", "2", "only" },
	{ "q of two pasts",	"threshold/q", "3", "two pasts" },
	{ "h under q",		"threshold/h", "3", "h=3" },
	{ "h over n",		"threshold/h", "6", "h=6" },
	{ "n not the list's",	"threshold/n", "4", "custodians" },
	{ "no coordinator",	"coordinator", "null", "coordinator" },
	{ "coordinator's host",	"coordinator/address", "\"nowhere\"", "host:port" },
	{ "port 0",		"coordinator/address", "\"a:0\"", "host:port" },
	{ "port 65536",		"coordinator/address", "\"a:65536\"", "host:port" },
	{ "port and more",	"coordinator/address", "\"a:1x\"", "host:port" },
	{ "address with space",	"coordinator/address", "\"a b:1\"", "host:port" },
	{ "log key P-256",	"coordinator/log_key", "@custodians/0/share_keys/0/key", "log_key" },
	{ "TLS no certificate",	"coordinator/tls_certificate", "\"AAAA\"", "certificate" },
	{ "index out of order",	"custodians/1/index", "3", "order" },
	{ "one organisation",	"custodians/1/organisation", "@custodians/0/organisation", "single_operator" },
	{ "one custodian's name", "custodians/1/name", "@custodians/0/name", "name" },
	{ "home unknown",	"custodians/0/signing_key_home", "\"drawer\"", "signing_key_home" },
	{ "signing key twice",	"custodians/1/signing_key", "@custodians/0/signing_key", "same key" },
	{ "share key twice",	"custodians/1/share_keys/0/key", "@custodians/0/share_keys/0/key", "same key" },
	{ "share key is a person's", "custodians/1/share_keys/0/key", "@people/5/keys/0", "same key" },
	{ "TLS twice",		"custodians/1/tls_certificate", "@custodians/0/tls_certificate", "same key" },
	{ "TLS is the package's", "coordinator/tls_certificate", "@coordinator/package_certificate", "same key" },
	{ "log key is a person's", "coordinator/log_key", "@people/0/keys/0", "same key" },
	{ "sealer's key is a person's", "sealers/0/key", "@people/0/keys/0", "same key" },
	{ "person's key twice",	"people/4/keys/1", "@people/4/keys/0", "same key" },
	{ "signing key off the curve", "custodians/0/signing_key",
	    "\"ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"", "signing_key" },
	{ "share key off the curve", "custodians/0/share_keys/0/key",
	    "\"p256:BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=\"", "curve" },
	{ "epoch 2 first",	"custodians/0/share_keys/0/epoch", "2", "epochs" },
	{ "no share key",	"custodians/0/share_keys", "[]", "share_keys" },
	{ "person twice",	"people/1/id", "@people/0/id", "twice" },
	{ "person of no key",	"people/0/keys", "[]", "keys" },
	{ "a key that is none",	"people/0/keys/0", "7", "keys" },
	{ "role twice",		"people/0/roles", "[\"a\",\"a\"]", "twice" },
	{ "role in capitals",	"people/0/roles", "[\"Legal\"]", "roles" },
	{ "no sealer",		"sealers", "[]", "sealers" },
	{ "no policy",		"policies", "[]", "policies" },
	{ "policy twice",	"policies/1/id", "@policies/0/id", "twice" },
	{ "no approval",	"policies/0/approvals", "[]", "nobody but" },
	{ "a count of zero",	"policies/0/approvals/0/count", "0", "count" },
	{ "role of approval twice", "policies/0/approvals/1/role", "\"legal\"", "twice" },
	{ "people under the sum", "policies/0/people", "2", "one person gives one" },
	{ "nobody has the role", "policies/0/approvals/0/role", "\"juror\"", "nobody could" },
	{ "too few have it",	"policies/0/approvals", "[{\"role\":\"court\",\"count\":2}]", "nobody could" },
	{ "too few people",	"policies/4/people", "2", "nobody could" },
	{ "the requester alone could", "people", "[{\"id\":\"legal\",\"name\":\"L\",\"organisation\":\"O\","
	    "\"roles\":[\"legal\",\"compliance\",\"auditor\"],\"keys\":[@]},"
	    "{\"id\":\"court\",\"name\":\"C\",\"organisation\":\"P\",\"roles\":[],\"keys\":[@]}]", "nobody could" },
	{ "a veto of nobody",	"policies/1/veto", "[\"jury\"]", "veto" },
	{ "release to whom",	"policies/0/release_to", "\"anybody\"", "release_to" },
	{ "organisation unsaid", "policies/0/requester_organisation_may_approve", NULL, "organisation" },
	{ "a part twice",	"policies/0/parts", "[\"image\",\"image\"]", "twice" },
	{ "request of 0 seconds", "policies/0/request_seconds", "0", "request_seconds" },
	{ "lock of two centuries", "policies/0/time_lock_seconds", "6311520000", "time_lock" },
	{ "member of a policy",	"policies/0/colour", "\"red\"", "colour" },
	{ "no class",		"classes", "[]", "classes" },
	{ "class of no day",	"classes/0/retain_days", "0", "retain_days" },
	{ "a TSA of nothing",	"tsas", "[{}]", "tsa" },
	{ "a TSA twice",	"tsas/1/id", "@tsas/0/id", "twice" },
	{ "a TSA by ftp",	"tsas/0/url", "\"ftp://tsa.example/\"", "URL" },
	{ "a TSA with a space",	"tsas/0/url", "\"http://tsa.example/ x\"", "URL" },
	{ "a TSA of no certificate", "tsas/0/certificates", "[]", "certificates" },
	{ "a TSA's no base64",	"tsas/0/certificates/0", "\"?\"", "base64" },
	{ "a TSA's no certificate", "tsas/1/certificates/0", "\"AAAA\"", "certificate 1 of TSA second" },
	{ "a TSA's list in a file", "tsas/0/crls/0", "\"file:///etc/passwd\"", "URL" },
	{ "TSAs and no anchor",	"anchor", NULL, "how often" },
	{ "an anchor and no TSAs", "tsas", "[]", "needs TSAs" },
	{ "an anchor at no time", "anchor", "{\"entries\":0,\"seconds\":0}", "above 0" },
	{ "an anchor's member",	"anchor/days", "1", "days" },
	{ "amends half a digest", "amends", "\"00\"", "amends" },
	{ "amended at once",	"amend/delay_seconds", "0", "delay_seconds" },
	{ "an amender unknown",	"amend/people/0", "\"nobody\"", "none of the people" },
	{ "an amender twice",	"amend/people/0", "\"court\"", "twice" },
	{ "amend needs three",	"amend/need", "3", "need" },
	{ "amend needs none",	"amend/need", "0", "need" },
	{ "a veto unknown",	"amend/veto", "[\"nobody\"]", "none of the people" },
	{ "receipts in no time", "receipt_seconds", "0", "receipt_seconds" },
	{ "orders of no time",	"order_seconds", "0", "order_seconds" },
};

static json_t *
walk(json_t *v, const char *path, char *ret_last, size_t n)
{
	const char	*slash;

	while ((slash = strchr(path, '/')) != NULL) {
		char	part[64] = "";

		memcpy(part, path, (size_t)(slash - path));
		v = json_is_array(v) ? json_array_get(v, (size_t)atoi(part)) :
		    json_object_get(v, part);
		assert_non_null(v);
		path = slash + 1;
	}
	assert_true(strlen(path) < n);
	strcpy(ret_last, path);
	return v;
}

static json_t *
at(json_t *v, const char *path)
{
	char	last[64];

	v = walk(v, path, last, sizeof(last));
	return json_is_array(v) ? json_array_get(v, (size_t)atoi(last)) :
	    json_object_get(v, last);
}

/* "@" inside a text stands for a fresh key. */
static json_t *
value_of(json_t *doc, const char *value)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);
	json_t	*v;

	if (value[0] == '@')
		return json_deep_copy(at(doc, value + 1));
	for (; *value != '\0'; value++) {
		struct test_key	k;

		if (*value != '@') {
			buf_u8(&b, (uint8_t)*value);
			continue;
		}
		test_key_ed25519(&k);
		buf_printf(&b, "\"");
		key_write(&k.signer.key, &b);
		buf_printf(&b, "\"");
		test_key_done(&k);
	}
	v = json_loads(buf_text(&b), JSON_DECODE_ANY, NULL);
	assert_non_null(v);
	return v;
}

static json_t *
document(void)
{
	json_t	*v = json_loads(buf_text(&net.charter_json), 0, NULL);

	assert_non_null(v);
	return v;
}

static enum rc
parse(json_t *doc, struct err *err)
{
	AUTO(charter_free) struct charter *c = NULL;
	char	*text = json_dumps(doc, 0);
	enum rc	 rc;

	assert_non_null(text);
	rc = charter_parse(span_str(text), &c, err);
	assert_int_equal(rc == RC_OK, c != NULL);
	free(text);
	return rc;
}

static void
each_edit_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		json_t		*doc = document(), *v;
		char		 last[64];
		struct err	 err = { 0 };

		v = walk(doc, edits[i].path, last, sizeof(last));
		if (edits[i].value == NULL)
			json_object_del(v, last);
		else if (json_is_array(v))
			json_array_set_new(v, (size_t)atoi(last),
			    value_of(doc, edits[i].value));
		else
			json_object_set_new(v, last,
			    value_of(doc, edits[i].value));
		if (parse(doc, &err) != RC_FORMAT)
			fail_msg("%s: accepted", edits[i].name);
		if (strstr(err.msg, edits[i].says) == NULL)
			fail_msg("%s: says \"%s\"", edits[i].name, err.msg);
		json_decref(doc);
	}
}

/* Edits that leave a charter that may be. */
static void
neighbours_pass(void **state)
{
	static const struct {
		const char	*path, *value;
	} fine[] = {
		{ "name", "\"Die Verwahrer f\\u00fcr Beweise\"" },
		{ "single_operator", "true" },
		{ "threshold/h", "5" },
		{ "coordinator/address", "\"[::1]:65535\"" },
		{ "custodians/0/extractable", "true" },
		{ "custodians/0/signing_key_home", "\"token\"" },
		{ "people/0/roles", "[\"engineer\"]" },
		{ "sealers/0/artifacts_per_day", "0" },
		{ "policies/0/people", "4" },
		{ "amend/veto", "[\"auditor\"]" },
		{ "amend/need", "1" },
		{ "amend/delay_seconds", "1" },
		{ "amends", "\"0000000000000000000000000000000000000000000000000000000000000000\"" },
		{ "anchor/entries", "0" },
		{ "tsas/0/crls", "[]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		json_t		*doc = document(), *v;
		char		 last[64];
		struct err	 err = { 0 };

		v = walk(doc, fine[i].path, last, sizeof(last));
		json_object_set_new(v, last, value_of(doc, fine[i].value));
		if (parse(doc, &err) != RC_OK)
			fail_msg("%s: %s", fine[i].path, err.msg);
		json_decref(doc);
	}
}

static void
single_operator_may(void **state)
{
	json_t		*doc = document();
	struct err	 err;

	(void)state;
	json_object_set_new(json_array_get(json_object_get(doc, "custodians"), 1),
	    "organisation", json_string("Legal & Co"));
	assert_int_equal(parse(doc, &err), RC_FORMAT);
	json_object_set_new(doc, "single_operator", json_true());
	assert_int_equal(parse(doc, &err), RC_OK);
	json_decref(doc);
}

static void
reads_what_it_says(void **state)
{
	AUTO(charter_free) struct charter *c = NULL;
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(BIG), canon = BUF_INIT(BIG);
	const struct policy_rule	*p;
	uint8_t				 digest[32], id[32];
	json_t				*doc = document();

	(void)state;
	assert_int_equal(charter_parse(buf_view(&net.charter_json), &c, NULL), RC_OK);
	sha256_one(digest, buf_view(&net.charter_json));
	assert_memory_equal(c->digest, digest, 32);
	assert_true(span_eq(buf_view(&c->bytes), buf_view(&net.charter_json)));
	assert_int_equal(c->n, 5);
	assert_int_equal(c->q, 4);
	assert_int_equal(c->n_people, NET_PEOPLE);
	assert_true(span_eq(SPAN(c->custodian[2].tls_certificate.p,
	    c->custodian[2].tls_certificate.n), buf_view(&net.tls[2])));
	assert_true(c->custodian[0].signing_key_sealed);
	p = charter_policy(c, "timelock");
	assert_non_null(p);
	assert_int_equal(p->time_lock_seconds, 60);
	assert_ptr_equal(charter_policy_by_digest(c, p->digest), p);
	assert_int_equal(json_canonical(at(doc, "policies/2"), &canon, NULL), RC_OK);
	sha256_one(digest, buf_view(&canon));
	assert_memory_equal(p->digest, digest, 32);
	assert_null(charter_policy(c, "none"));
	key_id(&net.auditor_second.signer.key, id);
	assert_ptr_equal(charter_person_by_key(c, id), charter_person(c, "auditor"));
	key_id(&net.sealer.signer.key, id);
	assert_null(charter_person_by_key(c, id));
	assert_true(person_has_role(charter_person(c, "twohats"), "legal"));
	assert_false(person_has_role(charter_person(c, "twohats"), "auditor"));
	assert_non_null(charter_class(c, "default"));
	assert_null(charter_class(c, "other"));
	assert_int_equal(c->n_tsas, 2);
	assert_int_equal(c->tsa[0].n_certificates, 1);
	assert_int_equal(c->tsa[0].n_crls, 1);
	assert_ptr_equal(charter_tsa(c, "second"), &c->tsa[1]);
	assert_int_equal(c->amend_delay_seconds, AMEND_DELAY_DEFAULT);
	assert_false(c->has_amends);
	charter_explain(c, &text);
	assert_non_null(strstr(buf_text(&text), "1 may be down or lying"));
	assert_non_null(strstr(buf_text(&text), "time-stamped by second (https://tsa.example/2)"));
	json_decref(doc);
}

static void
every_truncation(void **state)
{
	size_t	n = net.charter_json.n;

	(void)state;
	/* Each byte near the ends, strides between: parsing is not free. */
	for (size_t i = 0; i < n; i += i < 600 || i > n - 600 ? 1 : 97) {
		AUTO(charter_free) struct charter *c = NULL;
		uint8_t	*copy = heap_copy(net.charter_json.p, i);

		assert_int_equal(charter_parse(SPAN(copy, i), &c, NULL), RC_FORMAT);
		free(copy);
	}
}

static void
every_allocation(void **state)
{
	unsigned long	n;
	enum rc		rc;

	(void)state;
	for (n = 1;; n++) {
		AUTO(charter_free) struct charter *c = NULL;

		fault_at(n);
		rc = charter_parse(buf_view(&net.charter_json), &c, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
		assert_null(c);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 50);
}

static void
too_large(void **state)
{
	AUTO(charter_free) struct charter *c = NULL;
	uint8_t	*p = malloc(CHARTER_BYTES_MAX + 1);

	(void)state;
	assert_non_null(p);
	memset(p, ' ', CHARTER_BYTES_MAX + 1);
	assert_int_equal(charter_parse(SPAN(p, CHARTER_BYTES_MAX + 1), &c, NULL),
	    RC_LIMIT);
	free(p);
}

/* What people must know before they sign it. */
static void
explains_amendments(void **state)
{
	static const struct {
		const char	*amend, *says;
	} rows[] = {
		{ "{\"people\":[\"legal\",\"court\"],\"need\":2,\"veto\":[]}",
		    "can never be amended: 3 amenders other than who proposes must approve, and there are 2" },
		{ "{\"people\":[\"legal\",\"court\",\"auditor\"],\"need\":1,\"veto\":[]}",
		    "approved by 3 of 3 amenders, never by who proposes it; 7 days later it is in force "
		    "once 4 custodians consent.\nNobody has a veto" },
		{ "{\"people\":[\"legal\",\"court\",\"auditor\",\"insider\",\"twohats\"],\"need\":4,"
		    "\"veto\":[\"court\"],\"delay_seconds\":3600}", "approved by 4 of 5 amenders, never by "
		    "who proposes it; 1 hour later" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);
		AUTO(charter_free) struct charter *c = NULL;
		json_t	*doc = document();
		char	*text;

		json_object_set_new(doc, "amend", value_of(doc, rows[i].amend));
		text = json_dumps(doc, 0);
		assert_int_equal(charter_parse(span_str(text), &c, NULL), RC_OK);
		charter_explain(c, &b);
		if (strstr(buf_text(&b), rows[i].says) == NULL)
			fail_msg("%s", buf_text(&b));
		free(text);
		json_decref(doc);
	}
}

/* What the numbers mean, to a lawyer: each warning is there when it is due, and not otherwise. */
static void
explains_numbers(void **state)
{
	static const struct {
		const char	*path, *value, *says, *never;
	} rows[] = {
		{ "threshold", "{\"n\":5,\"k\":3,\"f\":0,\"q\":3,\"h\":3}",
		    "2 may be down.\nNone may lie: one lying custodian could help to show two pasts.\n", "or lying" },
		{ "threshold", "{\"n\":5,\"k\":5,\"f\":0,\"q\":5,\"h\":5}", "while 5 cosign: none may be down.\n", "may be down or" },
		{ "threshold", "{\"n\":5,\"k\":3,\"f\":1,\"q\":4,\"h\":4}",
		    "Up to 1 of them may lie; every wrong answer is detected", "None may lie" },
		{ "single_operator", "true", "WARNING: one operator runs several custodians", NULL },
		{ "single_operator", "false", "", "one operator" },
		{ "custodians/1/extractable", "true", "WARNING: the token of custodian 2", "custodian 1 (" },
		{ "tsas", "[]", "No time-stamping authority vouches", "Checkpoints are time-stamped" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);
		AUTO(charter_free) struct charter *c = NULL;
		json_t	*doc = document(), *v;
		char	 last[64], *text;

		v = walk(doc, rows[i].path, last, sizeof(last));
		json_object_set_new(v, last, value_of(doc, rows[i].value));
		if (strcmp(last, "tsas") == 0)
			json_object_del(doc, "anchor");
		text = json_dumps(doc, 0);
		assert_int_equal(charter_parse(span_str(text), &c, NULL), RC_OK);
		charter_explain(c, &b);
		if (strstr(buf_text(&b), rows[i].says) == NULL ||
		    (rows[i].never != NULL && strstr(buf_text(&b), rows[i].never) != NULL))
			fail_msg("%s, %s: %s", rows[i].path, rows[i].value, buf_text(&b));
		free(text);
		json_decref(doc);
	}
}

static struct buf	tsas;

static int
setup(void **state)
{
	(void)state;
	net_keys(&net);
	tsas = BUF_INIT(BIG);
	buf_printf(&tsas, "\"anchor\":{\"entries\":100,\"seconds\":600},\"tsas\":[");
	for (int i = 0; i < 2; i++) {
		buf_printf(&tsas, "%s{\"id\":\"%s\",\"url\":\"https://tsa.example/%d\","
		    "\"crls\":[\"http://tsa.example/crl\"],\"certificates\":[\"",
		    i > 0 ? "," : "", i > 0 ? "second" : "first", i + 1);
		b64_write(&tsas, buf_view(&net.tls[0]));
		buf_printf(&tsas, "\"]}");
	}
	buf_printf(&tsas, "]");
	net.tsas = buf_text(&tsas);
	net_found(&net);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	net_done(&net);
	buf_done(&tsas);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(each_edit_is_refused),
		cmocka_unit_test(neighbours_pass),
		cmocka_unit_test(single_operator_may),
		cmocka_unit_test(reads_what_it_says),
		cmocka_unit_test(explains_amendments),
		cmocka_unit_test(explains_numbers),
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(every_allocation),
		cmocka_unit_test(too_large),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

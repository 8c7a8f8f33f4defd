/* Which charter may take the place of another: one edit each, and what the refusal names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fault.h"
#include "tests/unit/policy/rows.h"

static struct net	net;

/* A fresh key or certificate takes the place of "KEY" and "CERTIFICATE". */
struct change_row {
	const char	*path, *value;
	const char	*amendment, *succession;	/* what it says; NULL: it may */
};

#define ALONE	"\"coordinator\" alone"

static const struct change_row	changes[] = {
	{ "name",			"\"Another\"",		NULL,		ALONE },
	{ "people/0/name",		"\"Another\"",		NULL,		ALONE },
	{ "people/2/keys/1",		"KEY",			NULL,		ALONE },
	{ "sealers/0/key",		"KEY",			NULL,		ALONE },
	{ "policies/0/objection_seconds", "1",			NULL,		ALONE },
	{ "policies/10",		NULL,			NULL,		ALONE },
	{ "classes/1",			"{\"id\":\"more\",\"retain_days\":1}", NULL, ALONE },
	{ "classes/0/retain_days",	"1",			NULL,		ALONE },
	{ "classes/0/id",		"\"other\"",		"class \"default\" is gone", ALONE },
	{ "hosts/0",			"{\"name\":\"h\",\"tls_certificate\":CERTIFICATE}", NULL, ALONE },
	{ "amend/need",			"1",			NULL,		ALONE },
	{ "amend/delay_seconds",	"1",			NULL,		ALONE },
	{ "receipt_seconds",		"1",			NULL,		ALONE },
	{ "order_seconds",		"1",			NULL,		ALONE },
	{ "custodians/1/address",	"\"a:1\"",		NULL,		ALONE },
	{ "custodians/1/tls_certificate", "CERTIFICATE",	NULL,		ALONE },
	{ "custodians/1/name",		"\"another\"",		"\"name\" of custodian 2", ALONE },
	{ "custodians/1/organisation",	"\"another\"",		"\"organisation\" of custodian 2", ALONE },
	{ "custodians/4/signing_key",	"KEY",			"\"signing_key\" of custodian 5", ALONE },
	{ "custodians/4/signing_key_home", "\"token\"",		"\"signing_key_home\" of custodian 5", ALONE },
	{ "custodians/4/extractable",	"true",			"\"extractable\" of custodian 5", ALONE },
	{ "custodians/0/share_keys/1",	"{\"epoch\":2,\"key\":P256}", "\"share_keys\" of custodian 1", ALONE },
	{ "threshold/f",		"0",			"\"threshold\": that needs a hand-over", ALONE },
	{ "threshold/h",		"5",			"\"threshold\"", ALONE },
	{ "threshold", "{\"n\":5,\"k\":4,\"f\":1,\"q\":4,\"h\":4}", "\"threshold\"", ALONE },
	{ "origin",			"\"other.example/log\"", "\"origin\"",	ALONE },
	{ "single_operator",		"true",			"\"single_operator\"", ALONE },
	{ "coordinator/log_key",	"KEY",			"\"coordinator\": that is a succession", NULL },
	{ "coordinator/address",	"\"a:1\"",		"\"coordinator\"", NULL },
	{ "coordinator/organisation",	"\"Another\"",		"\"coordinator\"", NULL },
	{ "coordinator/tls_certificate", "CERTIFICATE",		"\"coordinator\"", NULL },
	{ "coordinator/package_certificate", "CERTIFICATE",	"\"coordinator\"", NULL },
	{ "amends",			NULL,			"\"amends\" is not", "\"amends\" is not" },
	{ "amends", "\"0000000000000000000000000000000000000000000000000000000000000000\"",
	    "\"amends\" is not", "\"amends\" is not" },
};

/* The value with what is fresh put in. */
static void
value_of(const char *value, struct buf *out)
{
	static const char *const	words[] = { "KEY", "P256", "CERTIFICATE" };
	size_t				which;
	const char			*at = NULL;

	for (which = 0; which < 3 && (at = strstr(value, words[which])) == NULL; which++)
		;
	if (at == NULL) {
		buf_span(out, span_str(value));
		return;
	}
	buf_add(out, value, (size_t)(at - value));
	if (which == 2) {
		AUTO_DONE(buf_done) struct buf der = BUF_INIT(BIG);

		test_cert_of("P-256", "fresh", &der);
		buf_printf(out, "\"");
		b64_write(out, buf_view(&der));
		buf_printf(out, "\"");
	} else {
		struct test_key	k;

		which == 0 ? test_key_ed25519(&k) : test_key_p256(&k);
		buf_span(out, span_str(net_key_json(&k)));
		test_key_done(&k);
	}
	buf_span(out, span_str(at + strlen(words[which])));
}

static struct charter *
next(const struct change_row *row)
{
	AUTO_DONE(buf_done) struct buf doc = BUF_INIT(BIG), value = BUF_INIT(BIG);
	struct net_edit	e = { row->path, NULL };
	struct charter	*c = NULL;
	struct err	err;

	if (row->value != NULL) {
		value_of(row->value, &value);
		e.value = buf_text(&value);
	}
	net_next(&net, &e, 1, &doc);
	if (charter_parse(buf_view(&doc), &c, &err) != RC_OK)
		fail_msg("%s: %s", row->path, err.msg);
	return c;
}

static void
check(const struct change_row *row, const struct charter *c, enum change how,
    const char *says)
{
	struct err	err = { 0 };
	enum rc		rc = charter_follows(replica_charter(net.replica), c, how, &err);

	if (rc != (says == NULL ? RC_OK : RC_FORMAT))
		fail_msg("%s: %s: %s", row->path, rc_name(rc), err.msg);
	if (says != NULL && strstr(err.msg, says) == NULL)
		fail_msg("%s: says \"%s\"", row->path, err.msg);
}

static void
each_change(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const struct change_row	*row = &changes[i];
		AUTO(charter_free) struct charter *c = NULL;

		c = next(row);
		check(row, c, CHANGE_AMENDMENT, row->amendment);
		check(row, c, CHANGE_SUCCESSION, row->succession);
	}
}

/* A custodian who goes: the numbers that fit are another threshold. */
static void
one_custodian_fewer(void **state)
{
	static const struct net_edit	e[] = { { "threshold", "{\"n\":4,\"k\":3,\"f\":0,\"q\":3,\"h\":4}" },
	    { "custodians/4", NULL } };
	static const struct change_row	row = { "custodians/4", NULL, NULL, NULL };
	AUTO_DONE(buf_done) struct buf	doc = BUF_INIT(BIG);
	AUTO(charter_free) struct charter *c = NULL;

	(void)state;
	net_next(&net, e, 2, &doc);
	assert_int_equal(charter_parse(buf_view(&doc), &c, NULL), RC_OK);
	check(&row, c, CHANGE_AMENDMENT, "\"threshold\"");
}

static void
every_allocation(void **state)
{
	static const struct change_row	row = { "name", "\"Another\"", NULL, NULL };
	AUTO(charter_free) struct charter *c = next(&row);
	unsigned long	n;
	enum rc		rc;

	(void)state;
	for (n = 1;; n++) {
		fault_at(n);
		rc = charter_follows(replica_charter(net.replica), c, CHANGE_AMENDMENT, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 100);
}

static void
rules_of_a_document(void **state)
{
	static const struct {
		const char	*json;
		uint64_t	 rules;		/* 0: malformed */
	} rows[] = {
		{ "{\"rules\":1}", 1 }, { "{\"rules\":2,\"more\":[]}", 2 },
		{ "{\"rules\":4294967295}", UINT32_MAX }, { "{\"rules\":4294967296}", 0 },
		{ "{\"rules\":0}", 0 }, { "{\"rules\":-1}", 0 }, { "{\"rules\":\"1\"}", 0 },
		{ "{\"rules\":1,\"rules\":1}", 0 }, { "{}", 0 }, { "[1]", 0 }, { "", 0 }, { "{\"rules\":1}x", 0 },
	};
	uint64_t	rules;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rules = 0;
		assert_int_equal(charter_rules_of(span_str(rows[i].json), &rules, NULL),
		    rows[i].rules == 0 ? RC_FORMAT : RC_OK);
		assert_int_equal(rules, rows[i].rules);
	}
}

static int
setup(void **state)
{
	(void)state;
	net_init_amendable(&net);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	net_done(&net);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(each_change),
		cmocka_unit_test(one_custodian_fewer),
		cmocka_unit_test(every_allocation),
		cmocka_unit_test(rules_of_a_document),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

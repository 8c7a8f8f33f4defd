/*
 * Tricks that need a plan: with the bytes of a statement, with who signs them,
 * and with the days of a day's limit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/policy/rows.h"

/* --- bytes ---------------------------------------------------------------------------- */

static struct verdict
log_payload(struct net *n, const char *payload, const struct test_key *by)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);

	assert_int_equal(dsse_sign(span_str(payload), &by->signer, &b, NULL), RC_OK);
	return net_log_dsse(n, buf_view(&b));
}

/* A decision by legal as it would be written, with one text put for another. */
static void
payload_with(struct net *n, const uint8_t request[32], const char *from, const char *to,
    char *out, size_t size)
{
	AUTO_DONE(buf_done) struct buf p = BUF_INIT(BIG);
	struct statement	 s;
	const char		*text, *at;

	decision(n, &s, request, true);
	key_id(&n->person[NET_LEGAL].signer.key, s.signer);
	assert_int_equal(statement_write(&s, &p, NULL), RC_OK);
	statement_done(&s);
	text = buf_text(&p);
	assert_non_null(at = strstr(text, from));
	assert_true((size_t)snprintf(out, size, "%.*s%s%s", (int)(at - text), text, to,
	    at + strlen(from)) < size);
}

static void
one_reading_of_a_payload(void **state)
{
	static const struct {
		const char		*name, *from, *to;
		enum void_reason	 why;
	} rows[] = {
		{ "as it is", "approve", "approve", VOID_NONE },
		{ "white space", "\"decision\":\"", "\"decision\" :\n \"", VOID_NONE },
		{ "an escape says the same", "\"approve\"", "\"\\u0061pprove\"", VOID_NONE },
		{ "a name twice", "\"decision\":", "\"decision\":\"deny\",\"decision\":", VOID_MALFORMED },
		{ "a name twice, once escaped", "\"decision\":",
		    "\"decisio\\u006e\":\"deny\",\"decision\":", VOID_MALFORMED },
		{ "a NUL after the word", "\"approve\"", "\"approve\\u0000\"", VOID_MALFORMED },
		{ "another case", "\"approve\"", "\"Approve\"", VOID_MALFORMED },
		{ "another spelling of the name", "\"decision\":", "\"Decision\":", VOID_MALFORMED },
		{ "the subject is an order", "\"name\":\"request\"", "\"name\":\"order\"", VOID_MALFORMED },
		{ "two subjects", "\"subject\":[",
		    "\"subject\":[{\"name\":\"request\",\"digest\":{\"sha256\":"
		    "\"0000000000000000000000000000000000000000000000000000000000000000\"}},",
		    VOID_MALFORMED },
		{ "two digests", "\"digest\":{", "\"digest\":{\"sha512\":\"00\",", VOID_MALFORMED },
		{ "a withdrawal that decides", "/decision/v1", "/withdrawal/v1", VOID_MALFORMED },
		{ "a type with a longer name", "/decision/v1", "/decision/v1/v1", VOID_TYPE },
		{ "an approval with a reason", "\"decision\":", "\"reason\":"
		    "\"0000000000000000000000000000000000000000000000000000000000000000\",\"decision\":",
		    VOID_MALFORMED },
		{ "upper-case hex", "\"nonce\":\"", "\"nonce\":\"F", VOID_MALFORMED },
		{ "a size that is no integer", "\"seen\":{\"size\":", "\"seen\":{\"size\":0.", VOID_MALFORMED },
		{ "white space after it", "\"approve\"}}", "\"approve\"}}\n ", VOID_NONE },
		{ "more after it", "\"approve\"}}", "\"approve\"}}{}", VOID_MALFORMED },
	};
	char	payload[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net	n;
		uint8_t		request[32];
		struct verdict	v;

		net_init(&n);
		seal_and_ask(&n, "standard", request);
		payload_with(&n, request, rows[i].from, rows[i].to, payload, sizeof(payload));
		v = log_payload(&n, payload, &n.person[NET_LEGAL]);
		if (v.why != rows[i].why)
			fail_msg("%s: %s", rows[i].name, void_reason_name(v.why));
		/* However it is spelt, it is legal's one approval. */
		if (v.effective) {
			assert_int_equal(net_decide(&n, request, NET_LEGAL, true).why, VOID_DECIDED);
			assert_int_equal(log_payload(&n, payload, &n.person[NET_LEGAL]).why, VOID_REPLAY);
		}
		net_done(&n);
	}
}

/* What is signed is the PAE of this type: not the payload, nor the PAE of another. */
static void
signed_as_something_else(void **state)
{
	static const char *const types[] = { NULL, "", "application/vnd.in-toto+jso",
	    "application/vnd.in-toto+json ", "application/json" };
	char		payload[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		AUTO_DONE(buf_done) struct buf	message = BUF_INIT(BIG), b = BUF_INIT(BIG);
		struct test_key			*legal;
		uint8_t				 request[32], sig[KEY_SIG_BYTES];
		struct net			 n;

		net_init(&n);
		legal = &n.person[NET_LEGAL];
		seal_and_ask(&n, "standard", request);
		payload_with(&n, request, "approve", "approve", payload, sizeof(payload));
		if (types[i] == NULL)
			buf_span(&message, span_str(payload));
		else
			dsse_pae_of(span_str(types[i]), span_str(payload), &message);
		assert_int_equal(legal->signer.sign(legal->signer.user, buf_view(&message), sig, NULL), RC_OK);
		buf_printf(&b, "{\"payload\":\"");
		b64_write(&b, span_str(payload));
		buf_printf(&b, "\",\"payloadType\":\"%s\",\"signatures\":[{\"sig\":\"", DSSE_INTOTO);
		b64_write(&b, SPAN_OF(sig));
		buf_printf(&b, "\"}]}");
		assert_int_equal(net_log_dsse(&n, buf_view(&b)).why, VOID_SIGNATURE);
		/* It took nothing from the real one. */
		assert_true(log_payload(&n, payload, legal).effective);
		net_done(&n);
	}
}

/* Another signs the bytes of legal's denial: void, and the denial still counts. */
static void
anothers_words(void **state)
{
	char		payload[4096];
	uint8_t		request[32];
	struct net	n;

	(void)state;
	net_init(&n);
	seal_and_ask(&n, "veto", request);
	payload_with(&n, request, "approve", "deny", payload, sizeof(payload));
	assert_int_equal(log_payload(&n, payload, &n.person[NET_COMPLIANCE]).why, VOID_SIGNATURE);
	assert_int_equal(log_payload(&n, payload, &n.person[NET_STRANGER]).why, VOID_SIGNATURE);
	assert_int_equal(log_payload(&n, payload, &n.log).why, VOID_SIGNATURE);
	good(log_payload(&n, payload, &n.person[NET_LEGAL]));
	assert_int_equal(net_decide(&n, request, NET_COMPLIANCE, true).why, VOID_ENDED);
	net_done(&n);
}

/* --- days and windows --------------------------------------------------------------------- */

static void
asked_and_approved(struct net *n, unsigned artifacts, uint8_t request[32])
{
	struct net_artifact	a[2];

	for (unsigned i = 0; i < artifacts; i++)
		a[i] = net_seal(n, "limited");
	net_requested(n, a, artifacts, "limited", request);
	good(net_decide(n, request, NET_LEGAL, true));
}

/* Two artifacts a day, whatever is ordered again, dated back or asked together. */
static void
the_days_limit(void **state)
{
	uint8_t		two[32], one[32], other[32];
	struct net	n;

	(void)state;
	net_keys(&n);
	n.now = NET_START;
	net_found(&n);
	n.now += 86400 - n.now % 86400 - 20;	/* shortly before midnight */
	asked_and_approved(&n, 2, two);
	asked_and_approved(&n, 1, one);
	asked_and_approved(&n, 1, other);
	n.now += 19;				/* its last second */
	good(net_order(&n, two, NULL));
	assert_int_equal(net_order(&n, one, NULL).why, VOID_DAY_LIMIT);
	n.now += 1;
	/* The next day. The first order again is charged again, and leaves nothing. */
	good(net_order(&n, two, NULL));
	assert_int_equal(net_order(&n, one, NULL).why, VOID_DAY_LIMIT);
	/* An entry that is dated yesterday belongs to today. */
	n.now -= 1;
	assert_int_equal(net_order(&n, other, NULL).why, VOID_DAY_LIMIT);
	good(net_order(&n, two, NULL));
	n.now += 1;
	assert_int_equal(net_order(&n, other, NULL).why, VOID_DAY_LIMIT);
	net_done(&n);
}

/* Both live when the limit is reached by one of them: the other waits, then passes. */
static void
asked_for_together(void **state)
{
	uint8_t		one[32], other[32], third[32];
	struct net	n;

	(void)state;
	net_init(&n);
	asked_and_approved(&n, 1, one);
	asked_and_approved(&n, 1, other);
	asked_and_approved(&n, 1, third);
	good(net_order(&n, one, NULL));
	good(net_order(&n, other, NULL));
	assert_int_equal(net_order(&n, third, NULL).why, VOID_DAY_LIMIT);
	/* An order that is not carried out is counted all the same. */
	good(net_withdraw(&n, one, NET_REQUESTER));
	assert_int_equal(net_order(&n, third, NULL).why, VOID_DAY_LIMIT);
	net_done(&n);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(one_reading_of_a_payload),
		cmocka_unit_test(signed_as_something_else),
		cmocka_unit_test(anothers_words),
		cmocka_unit_test(the_days_limit),
		cmocka_unit_test(asked_for_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

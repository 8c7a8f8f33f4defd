/*
 * libcrypto without memory: a replica that ran out may say so, but it may not
 * take a good entry for a void one, for the others did not. fault.h does not
 * count what libcrypto allocates.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shamir/sealed.h"
#include "tests/unit/policy/rows.h"

static unsigned long	left;		/* 0: none fails */
static bool		fired, all_after;

static bool
fails(void)
{
	if (fired && all_after)
		return true;
	if (left == 0 || --left > 0)
		return false;
	fired = true;
	return true;
}

/* What libcrypto allocates by (base/libcrypto.c); this one stands before the C library's. */
void *
reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : realloc(p, n * size);
}

/* The nth allocation of libcrypto fails; with `on`, all after it as well. */
static void
libcrypto_fault_at(unsigned long n, bool on)
{
	left = n;
	fired = false;
	all_after = on;
}

static bool
libcrypto_fault_fired(void)
{
	bool	was = fired;

	libcrypto_fault_at(0, false);
	return was;
}

static void
signed_by(struct statement *s, const struct test_key *by, struct buf *ret)
{
	*ret = BUF_INIT(BIG);
	assert_int_equal(statement_sign(s, &by->signer, ret, NULL), RC_OK);
	statement_done(s);
}

static void
a_request(struct net *n, struct buf *ret)
{
	struct net_artifact	a = net_seal(n, "standard");
	struct statement	s;

	net_request(n, &a, 1, "standard", &s);
	signed_by(&s, &n->person[NET_REQUESTER], ret);
}

/* court's key is P-256: libcrypto verifies it. */
static void
a_decision(struct net *n, struct buf *ret)
{
	struct statement	s;
	uint8_t			request[32];

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, false);
	signed_by(&s, &n->person[NET_COURT], ret);
}

static void
an_order(struct net *n, struct buf *ret)
{
	struct statement	s;
	struct net_artifact	a = net_seal(n, "lenient");
	uint8_t			request[32];

	net_requested(n, &a, 1, "lenient", request);
	good(net_decide(n, request, NET_LEGAL, true));
	net_statement(n, &s, STATEMENT_ORDER);
	memcpy(s.subject, request, sizeof(s.subject));
	net_scope(n, &a, 1, "image:0-3", s.u.order.scope);
	s.expires = n->now + 600;
	buf_span(&s.bytes, buf_view(&n->worker));
	signed_by(&s, &n->log, ret);
}

static void
no_verdict_for_want_of_memory(void **state)
{
	static const struct {
		const char	*name;
		void		(*make)(struct net *n, struct buf *ret);
	} rows[] = {
		{ "a request",				a_request },
		{ "a decision by a key on P-256",	a_decision },
		{ "an order",				an_order },
	};
	struct net	n;
	struct verdict	v;
	struct buf	b;
	struct err	err;
	unsigned long	at;

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		enum rc	rc = RC_OK;

		net_init(&n);
		rows[i / 2].make(&n, &b);
		for (at = 1;; at++) {
			libcrypto_fault_at(at, i % 2 == 1);
			memset(&v, 0, sizeof(v));
			rc = replica_try(n.replica, n.now, buf_view(&b), &v, &err);
			if (!libcrypto_fault_fired())
				break;
			if (rc != RC_NOMEM && (rc != RC_OK || !v.effective))
				fail_msg("%s, allocation %lu: %s, %s", rows[i / 2].name, at,
				    rc_name(rc), void_reason_name(v.why));
		}
		assert_int_equal(rc, RC_OK);
		assert_true(v.effective);
		assert_true(at > 1);
		buf_done(&b);
		net_done(&n);
	}
}

/* Or a sealer is accused of an encapsulation that is none. */
static void
no_point_is_bad_for_want_of_memory(void **state)
{
	struct net	n;
	unsigned long	at;
	enum rc		rc = RC_OK;

	(void)state;
	net_init(&n);
	for (int after = 0; after < 2; after++) {
		for (at = 1;; at++) {
			libcrypto_fault_at(at, after == 1);
			rc = sealed_point_check(n.share[0].signer.key.bytes, NULL);
			if (!libcrypto_fault_fired())
				break;
			assert_int_equal(rc, RC_NOMEM);
		}
		assert_int_equal(rc, RC_OK);
		assert_true(at > 1);
	}
	net_done(&n);
}

/* A charter has keys and certificates; it is malformed for none of these failures. */
static void
no_charter_is_malformed_for_want_of_memory(void **state)
{
	struct net	n;
	struct charter	*c = NULL;
	struct err	err;
	unsigned long	at;
	enum rc		rc = RC_OK;

	(void)state;
	net_init(&n);
	for (int on = 0; on < 2; on++) {
		/* Every one for the first keys and certificates; the others are read alike. */
		for (at = 1;; at += 1 + at / 300 * 20) {
			libcrypto_fault_at(at, on == 1);
			rc = charter_parse(buf_view(&n.charter_json), &c, &err);
			if (!libcrypto_fault_fired())
				break;
			if (rc != RC_OK && rc != RC_NOMEM)
				fail_msg("allocation %lu: %s: %s", at, rc_name(rc), err.msg);
			if (rc == RC_OK)
				charter_free(c);
			c = NULL;
		}
		assert_int_equal(rc, RC_OK);
		charter_free(c);
		c = NULL;
	}
	net_done(&n);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(no_verdict_for_want_of_memory),
		cmocka_unit_test(no_point_is_bad_for_want_of_memory),
		cmocka_unit_test(no_charter_is_malformed_for_want_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A first run through the whole: seal, request, approve, order, release. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fixture/network.h"

static void
whole(void **state)
{
	struct net		 n;
	struct net_artifact	 a;
	uint8_t			 request[32], order[32], receipt[3][32];
	struct request_view	 v;
	struct grant		 g;
	struct statement	 s;
	struct err		 err;

	(void)state;
	net_init(&n);
	a = net_seal(&n, "standard");
	net_requested(&n, &a, 1, "standard", request);
	assert_int_equal(net_order(&n, request, order).why, VOID_QUORUM);
	assert_true(net_decide(&n, request, NET_LEGAL, true).effective);
	assert_true(net_decide(&n, request, NET_COMPLIANCE, true).effective);
	assert_int_equal(net_order(&n, request, order).why, VOID_QUORUM);
	assert_int_equal(replica_request(n.replica, request, n.now, &v, &err), RC_OK);
	assert_string_equal(v.missing, "auditor 1");
	assert_int_equal(v.phase, REQUEST_OPEN);
	assert_true(net_decide(&n, request, NET_AUDITOR, true).effective);
	assert_int_equal(replica_request(n.replica, request, n.now, &v, &err), RC_OK);
	assert_int_equal(v.phase, REQUEST_MET);
	assert_int_equal(v.blocked, VOID_NONE);
	assert_true(net_order(&n, request, order).effective);
	assert_int_equal(replica_may_contribute(n.replica, order, n.now,
	    n.range.size, &g, &err), RC_OK);
	assert_true(span_eq(buf_view(&g.addressee), buf_view(&n.worker)));
	assert_int_equal(g.scope.n_segments, 4);
	grant_done(&g);
	assert_int_equal(replica_may_contribute(n.replica, order, n.now,
	    n.range.size - 1, &g, &err), RC_QUORUM);
	for (uint8_t i = 0; i < 3; i++)
		assert_true(net_receipt(&n, order, (uint8_t)(i + 1),
		    receipt[i]).effective);
	net_statement(&n, &s, STATEMENT_RELEASE);
	memcpy(s.subject, order, 32);
	s.u.release.n = 3;
	for (uint8_t i = 0; i < 3; i++) {
		s.u.release.custodian[i].index = (uint8_t)(i + 1);
		s.u.release.custodian[i].good = true;
		memcpy(s.u.release.custodian[i].receipt, receipt[i], 32);
	}
	assert_true(net_log(&n, &s, &n.log).effective);
	assert_int_equal(replica_request(n.replica, request, n.now, &v, &err), RC_OK);
	assert_int_equal(v.phase, REQUEST_RELEASED);
	assert_int_equal(replica_may_contribute(n.replica, order, n.now,
	    n.range.size, &g, &err), RC_DENIED);
	assert_int_equal(g.why, VOID_ORDER);
	net_done(&n);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* May a custodian contribute? And what the views say on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/policy/rows.h"

/* Between the order and the contribution, something happens. */
struct row_no {
	const char		*name;
	const char		*policy;
	void			(*event)(struct net *n, const uint8_t request[32]);
	int			 clock;		/* the custodian's, against the log's */
	enum rc			 rc;
	enum void_reason	 why;
};

static void nothing(struct net *n, const uint8_t r[32]) { (void)n; (void)r; }
static void withdrawn(struct net *n, const uint8_t r[32]) { good(net_withdraw(n, r, NET_REQUESTER)); }
static void vetoed(struct net *n, const uint8_t r[32]) { good(net_decide(n, r, NET_LEGAL, false)); }
static void another_denies(struct net *n, const uint8_t r[32]) { good(net_decide(n, r, NET_SECOND_COMPLIANCE, false)); }
static void taken_back(struct net *n, const uint8_t r[32]) { good(net_withdraw(n, r, NET_AUDITOR)); }

static void
revoked(struct net *n, const uint8_t r[32])
{
	(void)r;
	good(net_revoke(n, &n->person[NET_AUDITOR], &n->person[NET_LEGAL]));
}

static void
thief(struct net *n, const uint8_t r[32])
{
	(void)r;
	good(net_revoke(n, &n->person[NET_REQUESTER], &n->person[NET_COURT]));
}

static void
time_passes(struct net *n, const uint8_t r[32])
{
	(void)r;
	n->now += 601;
	(void)net_log_dsse(n, SPAN_STR("a void entry moves time on"));
	n->now -= 601;
}

/* Taken back and given by somebody else, later: the window begins anew. */
static void
given_anew(struct net *n, const uint8_t r[32])
{
	n->now += 3;
	good(net_withdraw(n, r, NET_LEGAL));
	good(net_decide(n, r, NET_SECOND_LEGAL, true));
	n->now += 100;
}

static const struct row_no rows[] = {
	{ "nothing",			"veto", nothing, 0, RC_OK, VOID_NONE },
	{ "withdrawn",			"veto", withdrawn, 0, RC_DENIED, VOID_ENDED },
	{ "vetoed",			"veto", vetoed, 0, RC_DENIED, VOID_ENDED },
	{ "denied by an approver",	"standard", vetoed, 0, RC_DENIED, VOID_QUORUM },
	{ "denied by another",		"standard", another_denies, 0, RC_OK, VOID_NONE },
	{ "an approval taken back",	"standard", taken_back, 0, RC_DENIED, VOID_QUORUM },
	{ "an approver's key revoked",	"standard", revoked, 0, RC_DENIED, VOID_QUORUM },
	{ "the requester's key revoked", "standard", thief, 0, RC_DENIED, VOID_REVOKED_KEY },
	{ "the order ran out",		"standard", time_passes, 0, RC_DENIED, VOID_ORDER },
	{ "ran out by our own clock",	"standard", nothing, 601, RC_DENIED, VOID_ORDER },
	{ "its last second",		"standard", nothing, 600, RC_OK, VOID_NONE },
	{ "locked by our own clock",	"timelock", nothing, -1, RC_DENIED, VOID_TIME_LOCK },
	{ "unlocked by both",		"timelock", nothing, 0, RC_OK, VOID_NONE },
	{ "window by our own clock",	"objection", nothing, -1, RC_DENIED, VOID_OBJECTION },
	{ "window closed by both",	"objection", nothing, 0, RC_OK, VOID_NONE },
	{ "approved anew since",	"objection", given_anew, 0, RC_DENIED, VOID_OBJECTION },
};

static void
between_order_and_contribution(void **state)
{
	struct net	n;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct grant	g;
		uint8_t		request[32], order[32];
		struct err	err;
		enum rc		rc;

		net_init(&n);
		seal_and_ask(&n, rows[i].policy, request);
		good(net_decide(&n, request, NET_LEGAL, true));
		if (strcmp(rows[i].policy, "veto") == 0 ||
		    strcmp(rows[i].policy, "standard") == 0) {
			good(net_decide(&n, request, NET_COMPLIANCE, true));
			good(net_decide(&n, request, NET_AUDITOR, true));
		}
		if (strcmp(rows[i].policy, "timelock") == 0)
			n.now += 60;
		if (strcmp(rows[i].policy, "objection") == 0)
			n.now += 5;
		good(net_order(&n, request, order));
		rows[i].event(&n, request);
		rc = replica_may_contribute(n.replica, order,
		    n.now + (uint64_t)(int64_t)rows[i].clock, n.range.size, &g,
		    &err);
		if (rc != rows[i].rc || g.why != rows[i].why)
			fail_msg("%s: %s, %s", rows[i].name, rc_name(rc),
			    void_reason_name(g.why));
		if (rc == RC_DENIED)
			assert_non_null(strstr(err.msg, void_reason_name(g.why)));
		grant_done(&g);
		net_done(&n);
	}
}

static void
the_grant_is_the_orders(void **state)
{
	struct net	n;
	struct grant	g;
	uint8_t		request[32], order[32], unknown[32] = { 1 };
	struct err	err;

	(void)state;
	net_init(&n);
	met(&n, "standard", request);
	good(net_order(&n, request, order));
	assert_int_equal(replica_may_contribute(n.replica, unknown, n.now,
	    n.range.size, &g, &err), RC_MISSING);
	assert_int_equal(replica_may_contribute(n.replica, order, n.now,
	    n.range.size - 1, &g, &err), RC_QUORUM);
	assert_int_equal(replica_may_contribute(n.replica, order, n.now,
	    n.range.size, &g, &err), RC_OK);
	assert_memory_equal(g.order, order, 32);
	assert_memory_equal(g.request, request, 32);
	assert_int_equal(g.order_index, n.range.size - 1);
	assert_int_equal(g.expires, n.now + 600);
	assert_int_equal(g.scope.n_artifacts, 1);
	assert_string_equal(g.scope.part[0].name, "image");
	assert_int_equal(g.scope.n_segments, 4);
	assert_true(span_eq(buf_view(&g.addressee), buf_view(&n.worker)));
	grant_done(&g);
	net_done(&n);
}

/* A certificate as long as several values of the state comes back whole. */
static void
long_addressee(void **state)
{
	static const size_t	lengths[] = { 1000, 2000, 3000, 4000, 6000 };
	EVP_PKEY		*pkey = test_pkey("P-256");
	struct net		 n;

	(void)state;
	net_init(&n);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct buf	plain = BUF_INIT(BIG);
		struct grant	g;
		uint8_t		request[32], order[32];
		char		name[8000];

		/*
		 * Pad the name until the certificate has the very length: the
		 * signature's own varies by a byte or two.
		 */
		test_cert(pkey, "x", &plain);
		buf_done(&n.worker);
		n.worker = BUF_INIT(BIG);
		for (size_t base = lengths[i] - plain.n - 220, pad = base;;
		    pad = n.worker.n > lengths[i] + 4 ? base : pad + 1) {
			memset(name, 'x', pad);
			name[pad] = '\0';
			buf_reset(&n.worker);
			test_cert(pkey, name, &n.worker);
			if (n.worker.n == lengths[i])
				break;
		}
		seal_and_ask(&n, "lenient", request);
		good(net_decide(&n, request, NET_LEGAL, true));
		good(net_order(&n, request, order));
		assert_int_equal(replica_may_contribute(n.replica, order, n.now,
		    n.range.size, &g, NULL), RC_OK);
		assert_true(span_eq(buf_view(&g.addressee), buf_view(&n.worker)));
		grant_done(&g);
		buf_done(&plain);
	}
	net_done(&n);
	EVP_PKEY_free(pkey);
}

/* --- views -------------------------------------------------------------------------------- */

static void
view(struct net *n, const uint8_t id[32], struct request_view *v)
{
	assert_int_equal(replica_request(n->replica, id, n->now, v, NULL), RC_OK);
}

static void
phases(void **state)
{
	struct request_view	v;
	struct net		n;
	uint8_t			id[32], order[32];

	(void)state;
	net_init(&n);
	seal_and_ask(&n, "objection", id);
	view(&n, id, &v);
	assert_int_equal(v.phase, REQUEST_OPEN);
	assert_int_equal(v.blocked, VOID_QUORUM);
	assert_string_equal(v.requester, "requester");
	assert_string_equal(v.policy, "objection");
	assert_string_equal(v.missing, "legal 1");
	assert_int_equal(v.need, 1);
	assert_int_equal(v.have, 0);
	assert_int_equal(v.met_at, 0);
	assert_int_equal(v.earliest, 0);
	assert_true(v.order_index == UINT64_MAX && v.release_index == UINT64_MAX);

	n.now += 2;
	good(net_decide(&n, id, NET_LEGAL, true));
	view(&n, id, &v);
	assert_int_equal(v.phase, REQUEST_MET);
	assert_int_equal(v.blocked, VOID_OBJECTION);
	assert_int_equal(v.met_at, n.now);
	assert_int_equal(v.earliest, n.now + 5);
	assert_string_equal(v.missing, "");
	assert_int_equal(v.n_approvals, 1);
	assert_string_equal(v.approval[0].person, "legal");
	assert_string_equal(v.approval[0].role, "legal");
	assert_true(v.approval[0].approve && v.approval[0].counts);

	n.now += 5;
	view(&n, id, &v);
	assert_int_equal(v.blocked, VOID_NONE);
	good(net_order(&n, id, order));
	view(&n, id, &v);
	assert_int_equal(v.phase, REQUEST_ORDERED);
	assert_int_equal(v.order_index, n.range.size - 1);

	good(net_decide(&n, id, NET_COMPLIANCE, false));
	good(net_withdraw(&n, id, NET_LEGAL));
	view(&n, id, &v);
	assert_int_equal(v.phase, REQUEST_OPEN);
	assert_int_equal(v.n_approvals, 2);
	assert_string_equal(v.approval[0].person, "compliance");
	assert_false(v.approval[0].approve);
	assert_false(v.approval[1].counts);

	good(net_withdraw(&n, id, NET_REQUESTER));
	view(&n, id, &v);
	assert_int_equal(v.phase, REQUEST_WITHDRAWN);
	assert_int_equal(v.blocked, VOID_ENDED);

	seal_and_ask(&n, "veto", id);
	good(net_decide(&n, id, NET_LEGAL, false));
	view(&n, id, &v);
	assert_int_equal(v.phase, REQUEST_VETOED);

	seal_and_ask(&n, "veto", id);
	assert_int_equal(replica_request(n.replica, id, n.now + 3601, &v, NULL), RC_OK);
	assert_int_equal(v.phase, REQUEST_EXPIRED);
	assert_int_equal(v.blocked, VOID_ENDED);
	good(net_revoke(&n, &n.person[NET_REQUESTER], &n.person[NET_LEGAL]));
	view(&n, id, &v);
	assert_int_equal(v.phase, REQUEST_WITHDRAWN);
	assert_int_equal(v.blocked, VOID_REVOKED_KEY);
	id[0] ^= 1;
	assert_int_equal(replica_request(n.replica, id, n.now, &v, NULL), RC_MISSING);
	net_done(&n);
}

/* The place that each fills is found for all together, not one by one. */
static void
places(void **state)
{
	struct request_view	v;
	struct net		n;
	uint8_t			id[32];

	(void)state;
	net_init(&n);
	seal_and_ask(&n, "pair", id);
	good(net_decide(&n, id, NET_TWOHATS, true));
	view(&n, id, &v);
	assert_int_equal(v.have, 1);
	assert_string_equal(v.missing, "compliance 1");
	good(net_decide(&n, id, NET_LEGAL, true));
	view(&n, id, &v);
	assert_int_equal(v.phase, REQUEST_MET);
	assert_string_equal(v.approval[0].role, "compliance");
	assert_string_equal(v.approval[1].role, "legal");
	net_done(&n);
}

static void
day_limit_in_view(void **state)
{
	struct net_artifact	a[3];
	struct request_view	v;
	struct net		n;
	uint8_t			one[32], two[32];

	(void)state;
	net_init(&n);
	for (size_t i = 0; i < 3; i++)
		a[i] = net_seal(&n, "limited");
	net_requested(&n, a, 2, "limited", one);
	net_requested(&n, a + 2, 1, "limited", two);
	good(net_decide(&n, one, NET_LEGAL, true));
	good(net_decide(&n, two, NET_LEGAL, true));
	good(net_order(&n, one, NULL));
	view(&n, two, &v);
	assert_int_equal(v.blocked, VOID_DAY_LIMIT);
	view(&n, one, &v);
	assert_int_equal(v.blocked, VOID_NONE);
	n.now += 86400;
	net_done(&n);
}

static void
batches(void **state)
{
	struct batch_view	b;
	struct net		n;

	(void)state;
	net_init(&n);
	(void)net_seal(&n, "standard");
	assert_int_equal(replica_batch(n.replica, 1, &b, NULL), RC_OK);
	assert_int_equal(b.count, 1);
	assert_int_equal(b.logged, n.now);
	assert_string_equal(b.sealer, "sealer");
	assert_int_equal(replica_batch(n.replica, 0, &b, NULL), RC_MISSING);
	net_done(&n);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(between_order_and_contribution),
		cmocka_unit_test(the_grant_is_the_orders),
		cmocka_unit_test(long_addressee),
		cmocka_unit_test(phases),
		cmocka_unit_test(places),
		cmocka_unit_test(day_limit_in_view),
		cmocka_unit_test(batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

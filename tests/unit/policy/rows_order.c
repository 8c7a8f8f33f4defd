/* Rows: orders, receipts, the release. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/entry.h"
#include "tests/unit/policy/rows.h"

/* --- orders ---------------------------------------------------------------- */

static struct verdict
order(struct net *n)
{
	uint8_t	id[32];

	met(n, "standard", id);
	return net_order(n, id, NULL);
}

static struct verdict
order_unknown(struct net *n)
{
	uint8_t	id[32] = { 9 };

	return net_order(n, id, NULL);
}

static struct verdict
order_none(struct net *n)
{
	uint8_t	id[32];

	seal_and_ask(n, "standard", id);
	return net_order(n, id, NULL);
}

static struct verdict
order_two(struct net *n)
{
	uint8_t	id[32];

	seal_and_ask(n, "standard", id);
	good(net_decide(n, id, NET_LEGAL, true));
	good(net_decide(n, id, NET_COMPLIANCE, true));
	return net_order(n, id, NULL);
}

/* Three who may approve, but two places are of one role. */
static struct verdict
order_wrong_three(struct net *n)
{
	uint8_t	id[32];

	seal_and_ask(n, "standard", id);
	good(net_decide(n, id, NET_LEGAL, true));
	good(net_decide(n, id, NET_SECOND_LEGAL, true));
	good(net_decide(n, id, NET_AUDITOR, true));
	return net_order(n, id, NULL);
}

static struct verdict
order_two_hats_alone(struct net *n)
{
	uint8_t	id[32];

	seal_and_ask(n, "pair", id);
	good(net_decide(n, id, NET_TWOHATS, true));
	return net_order(n, id, NULL);
}

static struct verdict
order_two_hats_and_legal(struct net *n)
{
	uint8_t	id[32];

	seal_and_ask(n, "pair", id);
	good(net_decide(n, id, NET_TWOHATS, true));
	good(net_decide(n, id, NET_LEGAL, true));
	return net_order(n, id, NULL);
}

/* Between approval and order, something takes it back. */
typedef void (*objection)(struct net *n, const uint8_t id[32]);

static struct verdict
order_after(struct net *n, const char *policy, objection no)
{
	uint8_t	id[32];

	met(n, policy, id);
	no(n, id);
	return net_order(n, id, NULL);
}

static void
approver_withdraws(struct net *n, const uint8_t id[32])
{
	good(net_withdraw(n, id, NET_AUDITOR));
}

static void
requester_withdraws(struct net *n, const uint8_t id[32])
{
	good(net_withdraw(n, id, NET_REQUESTER));
}

static void
approver_denies(struct net *n, const uint8_t id[32])
{
	good(net_decide(n, id, NET_AUDITOR, false));
}

static void
legal_denies(struct net *n, const uint8_t id[32])
{
	good(net_decide(n, id, NET_LEGAL, false));
}

static void
approver_revoked(struct net *n, const uint8_t id[32])
{
	(void)id;
	good(net_revoke(n, &n->person[NET_AUDITOR], &n->person[NET_LEGAL]));
}

static void
requester_revoked(struct net *n, const uint8_t id[32])
{
	(void)id;
	good(net_revoke(n, &n->person[NET_REQUESTER], &n->person[NET_LEGAL]));
}

static void
hour_passes(struct net *n, const uint8_t id[32])
{
	(void)id;
	n->now += 3601;
}

static struct verdict order_taken_back(struct net *n) { return order_after(n, "standard", approver_withdraws); }
static struct verdict order_withdrawn(struct net *n) { return order_after(n, "standard", requester_withdraws); }
static struct verdict order_denied(struct net *n) { return order_after(n, "standard", approver_denies); }
static struct verdict order_vetoed(struct net *n) { return order_after(n, "veto", legal_denies); }
static struct verdict order_revoked(struct net *n) { return order_after(n, "standard", approver_revoked); }
static struct verdict order_thief(struct net *n) { return order_after(n, "standard", requester_revoked); }
static struct verdict order_late(struct net *n) { return order_after(n, "standard", hour_passes); }

static struct verdict
order_at(struct net *n, const char *policy, uint64_t wait)
{
	uint8_t	id[32];

	met_by_legal(n, policy, id);
	n->now += wait;
	return net_order(n, id, NULL);
}

/* An entry from the future makes time come further than the order itself says it is. */
static struct verdict
order_dated_back(struct net *n)
{
	uint8_t	id[32];

	met_by_legal(n, "objection", id);
	n->now += 5;
	(void)net_log_dsse(n, SPAN_STR("from the future"));
	n->now--;
	return net_order(n, id, NULL);
}

static struct verdict order_locked(struct net *n) { return order_at(n, "timelock", 59); }
static struct verdict order_unlocked(struct net *n) { return order_at(n, "timelock", 60); }
static struct verdict order_in_window(struct net *n) { return order_at(n, "objection", 4); }
static struct verdict order_after_window(struct net *n) { return order_at(n, "objection", 5); }

/* The lock of the artifact itself, longer than the policy's. */
static struct verdict
order_own_lock(struct net *n, uint64_t wait)
{
	struct descriptor	d;
	struct statement	s;
	struct net_artifact	a;
	uint8_t			id[32];

	net_descriptor(n, "timelock", &d);
	d.time_lock = n->now + 100;
	net_batch(n, &d, 1, &s);
	good(net_log(n, &s, &n->sealer));
	memcpy(a.id, d.id, sizeof(a.id));
	net_requested(n, &a, 1, "timelock", id);
	good(net_decide(n, id, NET_LEGAL, true));
	n->now += wait;
	return net_order(n, id, NULL);
}

static struct verdict order_own_locked(struct net *n) { return order_own_lock(n, 99); }
static struct verdict order_own_unlocked(struct net *n) { return order_own_lock(n, 100); }

/* An approval taken back and given anew starts the window anew. */
static struct verdict
order_window_anew(struct net *n)
{
	uint8_t	id[32];

	met_by_legal(n, "objection", id);
	n->now += 10;
	good(net_withdraw(n, id, NET_LEGAL));
	good(net_decide(n, id, NET_LEGAL, true));
	n->now += 4;
	return net_order(n, id, NULL);
}

/* Two requests of the day together over its limit of two artifacts. */
static struct verdict
order_limited(struct net *n, uint32_t first, uint32_t second, uint64_t wait)
{
	struct net_artifact	a[4];
	uint8_t			id[2][32];

	for (size_t i = 0; i < 4; i++)
		a[i] = net_seal(n, "limited");
	/* Both are asked for and approved before either is ordered. */
	net_requested(n, a, first, "limited", id[0]);
	net_requested(n, a + first, second, "limited", id[1]);
	good(net_decide(n, id[0], NET_LEGAL, true));
	good(net_decide(n, id[1], NET_LEGAL, true));
	good(net_order(n, id[0], NULL));
	n->now += wait;
	return net_order(n, id[1], NULL);
}

static struct verdict order_over_limit(struct net *n) { return order_limited(n, 1, 2, 0); }
static struct verdict order_at_limit(struct net *n) { return order_limited(n, 1, 1, 0); }

static struct verdict
order_next_day(struct net *n)
{
	n->now = NET_START + 50399 - 1000;	/* 1000 s before midnight */
	return order_limited(n, 2, 2, 1001);
}

/* A lost worker means a new order: it is charged once. */
static struct verdict
order_again(struct net *n)
{
	struct net_artifact	a[2];
	uint8_t			id[32];

	for (size_t i = 0; i < 2; i++)
		a[i] = net_seal(n, "limited");
	net_requested(n, a, 2, "limited", id);
	good(net_decide(n, id, NET_LEGAL, true));
	good(net_order(n, id, NULL));
	return net_order(n, id, NULL);
}

static struct verdict
order_with(struct net *n, const char *policy, const struct buf *to,
    uint64_t life, bool scope)
{
	struct net_artifact	a = net_seal(n, policy);
	struct statement	s;
	uint8_t			id[32], digest[32];

	net_requested(n, &a, 1, policy, id);
	net_scope(n, &a, 1, scope ? "image:0-3" : "image:0-2", digest);
	good(net_decide(n, id, NET_LEGAL, true));
	net_statement(n, &s, STATEMENT_ORDER);
	memcpy(s.subject, id, 32);
	memcpy(s.u.order.scope, digest, 32);
	s.expires = n->now + life;
	buf_span(&s.bytes, buf_view(to));
	return net_log(n, &s, &n->log);
}

static struct verdict order_whole(struct net *n) { return order_with(n, "lenient", &n->worker, 3600, true); }
static struct verdict order_scope(struct net *n) { return order_with(n, "lenient", &n->worker, 3600, false); }
static struct verdict order_long(struct net *n) { return order_with(n, "lenient", &n->worker, 3601, true); }
static struct verdict order_p384(struct net *n) { return order_with(n, "lenient", &n->recipient, 600, true); }
static struct verdict order_direct(struct net *n) { return order_with(n, "direct", &n->recipient, 600, true); }
static struct verdict order_direct_worker(struct net *n) { return order_with(n, "direct", &n->worker, 600, true); }

static struct verdict
order_no_cert(struct net *n)
{
	struct buf	b = BUF_INIT(BIG);
	struct verdict	v;

	buf_printf(&b, "no certificate");
	v = order_with(n, "lenient", &b, 600, true);
	buf_done(&b);
	return v;
}

/* --- receipts and the release ---------------------------------------------- */

static struct verdict
receipt_twice(struct net *n)
{
	uint8_t	id[32], o[32];

	met(n, "standard", id);
	good(net_order(n, id, o));
	good(net_receipt(n, o, 1, NULL));
	return net_receipt(n, o, 1, NULL);
}

static struct verdict
receipt_unknown(struct net *n)
{
	uint8_t	o[32] = { 3 };

	return net_receipt(n, o, 1, NULL);
}

static struct verdict
receipt_of_void_order(struct net *n)
{
	uint8_t	id[32], o[32];

	seal_and_ask(n, "standard", id);
	assert_int_equal(net_order(n, id, o).why, VOID_QUORUM);
	return net_receipt(n, o, 1, NULL);
}

static struct verdict
receipt_beyond(struct net *n)
{
	struct statement	s;
	uint8_t			id[32], o[32];

	met(n, "standard", id);
	good(net_order(n, id, o));
	net_statement(n, &s, STATEMENT_RECEIPT);
	memcpy(s.subject, o, 32);
	s.u.receipt.custodian = 1;
	s.u.receipt.count = 5;
	return net_log(n, &s, &n->signing[0]);
}

/* A receipt tells what was done, also when the request has ended since. */
static struct verdict
receipt_late(struct net *n)
{
	uint8_t	id[32], o[32];

	met(n, "standard", id);
	good(net_order(n, id, o));
	good(net_withdraw(n, id, NET_REQUESTER));
	n->now += 4000;
	return net_receipt(n, o, 1, NULL);
}

enum bad_release { RELEASE_GOOD, RELEASE_FEW, RELEASE_BAD_ONE, RELEASE_OTHER_RECEIPT,
	RELEASE_NO_RECEIPT, RELEASE_TWICE, RELEASE_VETOED, RELEASE_TAKEN_BACK, RELEASE_LATE };

static struct verdict
release(struct net *n, enum bad_release how)
{
	struct statement	s;
	uint8_t			id[32], o[32], r[3][32];
	struct verdict		v = { 0 };

	met(n, "veto", id);
	good(net_order(n, id, o));
	for (uint8_t i = 0; i < (how == RELEASE_NO_RECEIPT ? 2 : 3); i++)
		good(net_receipt(n, o, (uint8_t)(i + 1), r[i]));
	if (how == RELEASE_VETOED)
		good(net_decide(n, id, NET_LEGAL, false));
	if (how == RELEASE_TAKEN_BACK)
		good(net_withdraw(n, id, NET_AUDITOR));
	if (how == RELEASE_LATE)
		n->now += 4000;
	for (int turn = 0; turn < (how == RELEASE_TWICE ? 2 : 1); turn++) {
		net_statement(n, &s, STATEMENT_RELEASE);
		memcpy(s.subject, o, 32);
		s.u.release.n = how == RELEASE_FEW ? 2 : 3;
		for (uint8_t i = 0; i < s.u.release.n; i++) {
			s.u.release.custodian[i].index = (uint8_t)(i + 1);
			s.u.release.custodian[i].good =
			    how != RELEASE_BAD_ONE || i != 1;
			memcpy(s.u.release.custodian[i].receipt, r[i], 32);
		}
		if (how == RELEASE_OTHER_RECEIPT)
			s.u.release.custodian[2].receipt[0] ^= 1;
		v = net_log(n, &s, &n->log);
	}
	return v;
}

static struct verdict release_good(struct net *n) { return release(n, RELEASE_GOOD); }
static struct verdict release_few(struct net *n) { return release(n, RELEASE_FEW); }
static struct verdict release_bad_one(struct net *n) { return release(n, RELEASE_BAD_ONE); }
static struct verdict release_other(struct net *n) { return release(n, RELEASE_OTHER_RECEIPT); }
static struct verdict release_no_receipt(struct net *n) { return release(n, RELEASE_NO_RECEIPT); }
static struct verdict release_twice(struct net *n) { return release(n, RELEASE_TWICE); }
static struct verdict release_vetoed(struct net *n) { return release(n, RELEASE_VETOED); }
static struct verdict release_taken_back(struct net *n) { return release(n, RELEASE_TAKEN_BACK); }
static struct verdict release_late(struct net *n) { return release(n, RELEASE_LATE); }

static struct verdict
release_unknown(struct net *n)
{
	struct statement	s;

	net_statement(n, &s, STATEMENT_RELEASE);
	s.u.release.n = 1;
	s.u.release.custodian[0].index = 1;
	return net_log(n, &s, &n->log);
}

/* What comes after the release: nothing. */
static struct verdict
after_release(struct net *n, bool order_again_)
{
	uint8_t	id[32];

	/* The request is the only effective one; find it by its approver's eyes. */
	good(release(n, RELEASE_GOOD));
	for (size_t i = 0; i < n->log_entries.n; i++) {
		struct dsse		d;
		struct statement	q;
		struct entry		e;

		assert_int_equal(entry_parse(buf_view(&n->log_entries.leaf[i]), &e,
		    NULL), RC_OK);
		assert_int_equal(dsse_parse(e.dsse, &d, NULL), RC_OK);
		assert_int_equal(statement_parse(&d, &q, NULL), RC_OK);
		if (q.type == STATEMENT_REQUEST)
			memcpy(id, q.id, 32);
		statement_done(&q);
		dsse_done(&d);
	}
	return order_again_ ? net_order(n, id, NULL) :
	    net_withdraw(n, id, NET_REQUESTER);
}

static struct verdict order_spent(struct net *n) { return after_release(n, true); }
static struct verdict withdraw_released(struct net *n) { return after_release(n, false); }

const struct row rows_order[] = {
	{ "order: no such request",		order_unknown,		VOID_UNKNOWN_SUBJECT },
	{ "order: no approval",			order_none,		VOID_QUORUM },
	{ "order: two of three",		order_two,		VOID_QUORUM },
	{ "order: three of two roles",		order_wrong_three,	VOID_QUORUM },
	{ "order: one human in two roles",	order_two_hats_alone,	VOID_QUORUM },
	{ "order: an approval taken back",	order_taken_back,	VOID_QUORUM },
	{ "order: an approver denied",		order_denied,		VOID_QUORUM },
	{ "order: an approver's key revoked",	order_revoked,		VOID_QUORUM },
	{ "order: withdrawn",			order_withdrawn,	VOID_ENDED },
	{ "order: vetoed",			order_vetoed,		VOID_ENDED },
	{ "order: the request has expired",	order_late,		VOID_ENDED },
	{ "order: the requester's key revoked",	order_thief,		VOID_REVOKED_KEY },
	{ "order: before the time lock",	order_locked,		VOID_TIME_LOCK },
	{ "order: before the artifact's lock",	order_own_locked,	VOID_TIME_LOCK },
	{ "order: in the objection window",	order_in_window,	VOID_OBJECTION },
	{ "order: dated back into it",		order_dated_back,	VOID_OBJECTION },
	{ "order: in the window begun anew",	order_window_anew,	VOID_OBJECTION },
	{ "order: over the day's limit",	order_over_limit,	VOID_DAY_LIMIT },
	{ "order: another scope",		order_scope,		VOID_ORDER },
	{ "order: lives too long",		order_long,		VOID_ORDER },
	{ "order: to a P-384 worker",		order_p384,		VOID_ORDER },
	{ "order: to no certificate",		order_no_cert,		VOID_ORDER },
	{ "order: not to the recipient",	order_direct_worker,	VOID_ORDER },
	{ "order: released already",		order_spent,		VOID_ORDER },
	{ "receipt: second",			receipt_twice,		VOID_DUPLICATE },
	{ "receipt: no such order",		receipt_unknown,	VOID_UNKNOWN_SUBJECT },
	{ "receipt: of a void order",		receipt_of_void_order,	VOID_UNKNOWN_SUBJECT },
	{ "receipt: more than the scope",	receipt_beyond,		VOID_SCOPE },
	{ "release: no such order",		release_unknown,	VOID_UNKNOWN_SUBJECT },
	{ "release: two custodians",		release_few,		VOID_QUORUM },
	{ "release: one of three bad",		release_bad_one,	VOID_QUORUM },
	{ "release: another receipt",		release_other,		VOID_QUORUM },
	{ "release: a receipt missing",		release_no_receipt,	VOID_QUORUM },
	{ "release: second",			release_twice,		VOID_DUPLICATE },
	{ "release: vetoed since",		release_vetoed,		VOID_ENDED },
	{ "release: an approval taken back",	release_taken_back,	VOID_QUORUM },
	{ "withdrawn after the release",	withdraw_released,	VOID_ENDED },

	{ "order",				order,			VOID_NONE },
	{ "order: two hats and legal",		order_two_hats_and_legal, VOID_NONE },
	{ "order: at the time lock",		order_unlocked,		VOID_NONE },
	{ "order: at the artifact's lock",	order_own_unlocked,	VOID_NONE },
	{ "order: after the window",		order_after_window,	VOID_NONE },
	{ "order: at the day's limit",		order_at_limit,		VOID_NONE },
	{ "order: the next day",		order_next_day,		VOID_NONE },
	{ "order: again, charged once",		order_again,		VOID_NONE },
	{ "order: as long as an order lives",	order_whole,		VOID_NONE },
	{ "order: to the recipient",		order_direct,		VOID_NONE },
	{ "receipt: late",			receipt_late,		VOID_NONE },
	{ "release",				release_good,		VOID_NONE },
	{ "release: after the request expired",	release_late,		VOID_NONE },
};
const size_t n_rows_order = sizeof(rows_order) / sizeof(rows_order[0]);

/* When a custodian contributes, to what, and in which order it does so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "evidence/cms.h"
#include "evidence/keys.h"
#include "tests/unit/custodian/sealing.h"

#define BIG	((size_t)1 << 22)

typedef Quorate__V1__ContributeReply	contribute_reply;

static struct bench_place	place;
static struct bench		b;
static struct bench_batch	*batch;
static uint8_t			request[32], order[32];

static int
up(void **state)
{
	(void)state;
	bench_up(&b, &place);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	bench_down(&b);
	return 0;
}

static void
ok(enum rc rc, const struct err *err)
{
	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), err->msg);
}

static void
reply_free(contribute_reply *r)
{
	quorate__v1__contribute_reply__free_unpacked(r, NULL);
}

/* A minute ago: what is ordered lives ten. */
static void
ordered(const char *policy)
{
	b.net.now = clock_now() - 60;
	batch = bench_seal(&b, policy);
	bench_order(&b, batch, policy, request, order);
}

static contribute_reply *
contribute_ok(void)
{
	contribute_reply	*r = NULL;
	struct err		 err;

	ok(bench_contribute(&b, order, &r, &err), &err);
	return r;
}

/* Refused, and nothing was done. */
static void
refused(enum rc want, const char *word)
{
	contribute_reply	*r = NULL;
	struct err		 err;
	enum rc			 rc;

	b.c.words[0] = '\0';
	rc = bench_contribute(&b, order, &r, &err);
	if (rc != want || (word[0] != '\0' && strstr(b.c.words, word) == NULL))
		fail_msg("want %s (%s), got %s: %s", rc_name(want), word, rc_name(rc), b.c.words);
	assert_null(r);
	assert_false(bench_journalled(&b, JOURNAL_ACT, order));
	assert_false(bench_journalled(&b, JOURNAL_ANSWER, order));
}

/* A start in which no peer has answered yet: whatever it knew before, it may have been overtaken. */
static void
not_compared(void **state)
{
	contribute_reply	*r;

	(void)state;
	ordered("standard");
	bench_sync(&b, 4);
	bench_forget(&b);
	refused(RC_UNSURE, "has compared with 0 of the");
	bench_compare(&b);
	r = contribute_ok();
	reply_free(r);
}

/* --- the answer ------------------------------------------------------------------------- */

struct expecting {
	const struct secret	*answer;
	uint32_t		 seen;
};

static enum rc
check_segment(void *user, uint32_t number, const struct scope_artifact *a, const struct scope_part *p,
    uint32_t segment, struct err *err)
{
	struct expecting		*e = user;
	AUTO_DONE(buf_done) struct buf	 msg = BUF_INIT(LABEL_MSG_MAX);
	struct shamir_contribution	 one;
	uint8_t				 label[SHAMIR_POINT_BYTES];

	label_msg(b.net.genesis, a->id, p->name, segment, &msg);
	ok(shamir_label(buf_view(&msg), label, err), err);
	contributions_get(e->answer, number, &one);
	ok(shamir_contribution_verify(&one, &batch->commits, label, err), err);
	assert_int_equal(one.index, 1);
	e->seen++;
	return RC_OK;
}

static void
check_answer(struct span message)
{
	AUTO(secret_free) struct secret	*plain = NULL;
	AUTO_DONE(grant_done) struct grant g;
	struct expecting		 e = { NULL, 0 };
	struct err			 err;

	ok(replica_may_contribute(b.net.replica, order, clock_now(), b.net.range.size, &g, &err), &err);
	ok(cms_open(b.net.worker_key, buf_view(&b.net.worker), message, &plain, &err), &err);
	ok(contributions_check(plain, 1, order, g.scope.n_segments, &err), &err);
	e.answer = plain;
	ok(scope_each(&g.scope, check_segment, &e, &err), &err);
	assert_int_equal(e.seen, 4);
}

static void
check_receipt(struct span message, struct span receipt)
{
	AUTO_DONE(dsse_done) struct dsse	d;
	AUTO_DONE(statement_done) struct statement s;
	uint8_t					digest[32];
	struct err				err;

	ok(dsse_parse(receipt, &d, &err), &err);
	ok(statement_parse(&d, &s, &err), &err);
	assert_int_equal(s.type, STATEMENT_RECEIPT);
	assert_memory_equal(s.subject, order, 32);
	assert_int_equal(s.u.receipt.custodian, 1);
	assert_int_equal(s.u.receipt.count, 4);
	sha256_one(digest, message);
	assert_memory_equal(s.u.receipt.message, digest, 32);
	assert_true(dsse_signed_by(&d, &replica_charter(b.net.replica)->custodian[0].signing_key));
}

static void
contributes(void **state)
{
	contribute_reply	*r;

	(void)state;
	ordered("standard");
	bench_sync(&b, 4);
	r = contribute_ok();
	check_answer(SPAN(r->message.data, r->message.len));
	check_receipt(SPAN(r->message.data, r->message.len), SPAN(r->receipt.data, r->receipt.len));
	assert_true(bench_journalled(&b, JOURNAL_ACT, order));
	assert_true(bench_journalled(&b, JOURNAL_ANSWER, order));
	reply_free(r);
}

/* A message that was lost on its way is sent again, not made again. */
static void
asked_again(void **state)
{
	contribute_reply	*r, *again;

	(void)state;
	ordered("standard");
	bench_sync(&b, 4);
	r = contribute_ok();
	bench_restart(&b);
	again = contribute_ok();
	assert_int_equal(again->message.len, r->message.len);
	assert_memory_equal(again->message.data, r->message.data, r->message.len);
	assert_int_equal(again->receipt.len, r->receipt.len);
	assert_memory_equal(again->receipt.data, r->receipt.data, r->receipt.len);
	reply_free(r);
	reply_free(again);
}

/* Its receipt goes out with each Append until the log shows it. */
static void
receipt_until_logged(void **state)
{
	struct bench_sending		 s;
	Quorate__V1__AppendReply	*a;
	contribute_reply		*r;

	(void)state;
	ordered("standard");
	bench_sync(&b, 4);
	r = contribute_ok();
	for (int i = 0; i < 2; i++) {
		s = bench_sending(&b);
		a = NULL;
		ok(bench_send(&b, &s, &a, NULL), &(struct err){ .rc = RC_OK });
		assert_int_equal(a->n_receipts, 1);
		assert_int_equal(a->receipts[0].len, r->receipt.len);
		assert_memory_equal(a->receipts[0].data, r->receipt.data, r->receipt.len);
		bench_reply_free(a);
	}
	b.net.now = clock_now();
	assert_true(net_log_dsse(&b.net, SPAN(r->receipt.data, r->receipt.len)).effective);
	/* Until q cosigned it, it may be a log for this custodian alone. */
	for (unsigned cosigners = 0; cosigners <= 4; cosigners += 4) {
		s = bench_sending(&b);
		s.cosigners = cosigners;
		ok(bench_send(&b, &s, &a, NULL), &(struct err){ .rc = RC_OK });
		assert_int_equal(a->n_receipts, cosigners < 4);
		bench_reply_free(a);
	}
	reply_free(r);
}

/* --- refusals ------------------------------------------------------------------------------ */

static void
before_the_log(void **state)
{
	(void)state;
	ordered("standard");
	refused(RC_UNSURE, "not come yet");
}

static void
no_such_order(void **state)
{
	(void)state;
	ordered("standard");
	bench_sync(&b, 4);
	order[0] ^= 1;
	refused(RC_MISSING, "");
}

/* In the log, but only this custodian says so. */
static void
not_cosigned(void **state)
{
	struct bench_sending		 s;
	Quorate__V1__AppendReply	*a;

	(void)state;
	ordered("standard");
	bench_sync(&b, 0);
	refused(RC_QUORUM, "cosigned");
	/* A quorum for the log up to the order does not cover the order. */
	s = bench_sending(&b);
	s.size = b.net.log_entries.n - 1;
	s.first = s.size;
	s.checkpoint = 0;
	s.cosigners = 4;
	ok(bench_send(&b, &s, &a, NULL), &(struct err){ .rc = RC_OK });
	bench_reply_free(a);
	refused(RC_QUORUM, "cosigned");
	bench_sync(&b, 4);
	reply_free(contribute_ok());
}

static void
too_few_approvals(void **state)
{
	(void)state;
	b.net.now = clock_now() - 60;
	batch = bench_seal(&b, "standard");
	net_requested(&b.net, &batch->artifact, 1, "standard", request);
	assert_true(net_decide(&b.net, request, NET_LEGAL, true).effective);
	assert_true(net_decide(&b.net, request, NET_COMPLIANCE, true).effective);
	/* The coordinator gives the order all the same. */
	assert_int_equal(net_order(&b.net, request, order).why, VOID_QUORUM);
	bench_sync(&b, 4);
	refused(RC_MISSING, "");
}

static void
withdrawn(void **state)
{
	(void)state;
	ordered("standard");
	assert_true(net_withdraw(&b.net, request, NET_REQUESTER).effective);
	bench_sync(&b, 4);
	refused(RC_DENIED, "request-ended");
}

static void
vetoed(void **state)
{
	(void)state;
	ordered("veto");
	assert_true(net_decide(&b.net, request, NET_LEGAL, false).effective);
	bench_sync(&b, 4);
	refused(RC_DENIED, "request-ended");
}

static void
taken_back(void **state)
{
	(void)state;
	ordered("standard");
	assert_true(net_withdraw(&b.net, request, NET_AUDITOR).effective);
	bench_sync(&b, 4);
	refused(RC_DENIED, "too-few-approvals");
}

static void
key_revoked(void **state)
{
	(void)state;
	ordered("standard");
	assert_true(net_revoke(&b.net, &b.net.person[NET_AUDITOR], &b.net.person[NET_LEGAL]).effective);
	bench_sync(&b, 4);
	refused(RC_DENIED, "too-few-approvals");
}

/* By this custodian's own clock: the log's stands still. */
static void
order_expired(void **state)
{
	(void)state;
	b.net.now = clock_now() - 660;
	batch = bench_seal(&b, "standard");
	bench_order(&b, batch, "standard", request, order);
	bench_sync(&b, 4);
	refused(RC_DENIED, "");
}

static void
frozen(void **state)
{
	struct err	err;

	(void)state;
	ordered("standard");
	bench_sync(&b, 4);
	ok(store_put(b.c.store, CUSTODY_ACCUSATION, SPAN_STR("two logs"), &err), &err);
	refused(RC_DENIED, "two logs");
	bench_restart(&b);
	refused(RC_DENIED, "two logs");
}

/* Today's "no" counts before yesterday's answer. */
static void
answered_then_withdrawn(void **state)
{
	contribute_reply	*r = NULL;
	struct err		 err;

	(void)state;
	ordered("standard");
	bench_sync(&b, 4);
	reply_free(contribute_ok());
	assert_true(net_withdraw(&b.net, request, NET_REQUESTER).effective);
	bench_sync(&b, 0);
	assert_int_equal(bench_contribute(&b, order, &r, &err), RC_DENIED);
	assert_null(r);
}

/* --- shares ----------------------------------------------------------------------------------- */

static void
share_did_not_come(void **state)
{
	struct bench_sending		 s;
	Quorate__V1__AppendReply	*a;
	contribute_reply		*r = NULL;
	struct err			 err;

	(void)state;
	ordered("standard");
	s = bench_sending(&b);
	s.no_shares = true;
	s.cosigners = 4;
	ok(bench_send(&b, &s, &a, &err), &err);
	bench_reply_free(a);
	assert_int_equal(bench_contribute(&b, order, &r, &err), RC_IO);
	assert_non_null(strstr(b.c.words, "did not come"));
	assert_null(r);
	/* It was decided, which is on record; nothing was answered. */
	assert_true(bench_journalled(&b, JOURNAL_ACT, order));
	assert_false(bench_journalled(&b, JOURNAL_ANSWER, order));
	bench_sync(&b, 0);
	reply_free(contribute_ok());
}

static enum rc
on_any(void *user, struct span key, struct span value, struct err *err)
{
	(void)key; (void)value; (void)err;
	*(bool *)user = true;
	return RC_OK;
}

static bool
receipt_owed(void)
{
	bool		any = false;
	struct err	err;

	ok(store_journal_each(b.c.store, JOURNAL_RECEIPT, SPAN(NULL, 0), 1, on_any, &any, &err), &err);
	return any;
}

/* Asked, too, before the background check came to it; it says so and signs nothing. */
static void
garbage(enum trick trick, enum rc want)
{
	const struct lie	 lie[] = { { 0, trick } };
	contribute_reply	*r = NULL;
	struct err		 err;

	b.net.now = clock_now() - 60;
	batch = sealing_batch(&b, 1, lie, 1, 0);
	bench_order(&b, batch, "standard", request, order);
	bench_sync(&b, 4);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(bench_contribute(&b, order, &r, &err), want);
		assert_non_null(strstr(b.c.words, "garbage"));
		assert_null(r);
		assert_false(bench_journalled(&b, JOURNAL_ANSWER, order));
		assert_false(receipt_owed());
	}
}

static void
garbage_shut(void **state)
{
	(void)state;
	garbage(TRICK_BYTE, RC_VERIFY);
}

static void
garbage_point(void **state)
{
	(void)state;
	garbage(TRICK_POINT, RC_VERIFY);
}

static void
garbage_identity(void **state)
{
	(void)state;
	garbage(TRICK_IDENTITY, RC_FORMAT);
}

static void
garbage_wild(void **state)
{
	(void)state;
	garbage(TRICK_WILD, RC_FORMAT);
}

/* Another token's key would make garbage of everything: that is nobody's lie. */
static void
not_the_charters_key(void **state)
{
	contribute_reply	*r = NULL;
	struct err		 err;

	(void)state;
	ordered("standard");
	bench_sync(&b, 4);
	b.c.index = 2;
	assert_int_equal(bench_contribute(&b, order, &r, &err), RC_IO);
	assert_non_null(strstr(b.c.words, "right token"));
	assert_null(r);
	b.c.index = 1;
	reply_free(contribute_ok());
}

/* A sealer's share that opens, and is not what the commitments promise. */
static void
share_of_another_polynomial(void **state)
{
	contribute_reply	*r = NULL;
	struct err		 err;

	(void)state;
	b.net.now = clock_now() - 60;
	b.lie = true;
	batch = bench_seal(&b, "standard");
	bench_order(&b, batch, "standard", request, order);
	bench_sync(&b, 4);
	assert_int_equal(bench_contribute(&b, order, &r, &err), RC_VERIFY);
	assert_non_null(strstr(b.c.words, "garbage"));
	assert_null(r);
	assert_false(bench_journalled(&b, JOURNAL_ANSWER, order));
}

/* --- the order of steps ------------------------------------------------------------------------- */

/*
 * What cannot be journalled is not done: the token has no key here, so that a
 * step towards the share before the journal would end the program.
 */
static void
journal_before_share(void **state)
{
	struct hsm_key		*key = b.c.share_key;
	contribute_reply	*r = NULL;
	struct err		 err;
	enum rc			 rc;

	(void)state;
	ordered("standard");
	bench_sync(&b, 4);
	b.c.share_key = NULL;
	bench_disk_full(true);
	rc = bench_contribute(&b, order, &r, &err);
	bench_disk_full(false);
	b.c.share_key = key;
	assert_int_equal(rc, RC_IO);
	assert_null(r);
	bench_restart(&b);
	assert_false(bench_journalled(&b, JOURNAL_ACT, order));
	reply_free(contribute_ok());
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest	tests[] = {
		TEST(contributes),
		TEST(asked_again),
		TEST(receipt_until_logged),
		TEST(before_the_log),
		TEST(no_such_order),
		TEST(not_cosigned),
		TEST(too_few_approvals),
		TEST(withdrawn),
		TEST(vetoed),
		TEST(taken_back),
		TEST(key_revoked),
		TEST(order_expired),
		TEST(frozen),
		TEST(answered_then_withdrawn),
		TEST(not_compared),
		TEST(share_did_not_come),
		TEST(garbage_shut),
		TEST(garbage_point),
		TEST(garbage_identity),
		TEST(garbage_wild),
		TEST(not_the_charters_key),
		TEST(share_of_another_polynomial),
		TEST(journal_before_share),
	};
	int	failed;

	if (!bench_place_up(&place))
		return 0;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_place_down(&place);
	return failed;
}

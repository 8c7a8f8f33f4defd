/*
 * Ways in which a "no" could get lost at one custodian, or be heard too early: a log
 * that is made for it alone, a clock that is set ahead, a peer's word for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "custodian/pass.h"
#include "custodian/rebuild.h"
#include "tests/unit/custodian/hand.h"

static struct bench_place	place;
static struct bench		b;
static struct bench_batch	*batch;
static uint8_t			request[32], order[32];
static struct said		said, other;

static int
up(void **state)
{
	(void)state;
	bench_up(&b, &place);
	memset(&said, 0, sizeof(said));
	memset(&other, 0, sizeof(other));
	return 0;
}

static int
down(void **state)
{
	(void)state;
	said_done(&said);
	said_done(&other);
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
ordered_ago(const char *policy, uint64_t seconds)
{
	b.net.now = clock_now() - seconds;
	batch = bench_seal(&b, policy);
	bench_order(&b, batch, policy, request, order);
	bench_sync(&b, 4);
	b.net.now = clock_now();
}

static void
contributes(void)
{
	Quorate__V1__ContributeReply	*r = NULL;
	struct err			 err;

	ok(bench_contribute(&b, order, &r, &err), &err);
	quorate__v1__contribute_reply__free_unpacked(r, NULL);
}

static void
refused(const char *word)
{
	Quorate__V1__ContributeReply	*r = NULL;
	struct err			 err;
	enum rc				 rc = bench_contribute(&b, order, &r, &err);

	if (rc != RC_DENIED || strstr(b.c.words, word) == NULL)
		fail_msg("want denied (%s), got %s: %s", word, rc_name(rc), b.c.words);
	assert_null(r);
}

/* The log shows it, and no quorum stands behind that. */
static struct verdict
shown(const struct said *s)
{
	struct verdict	v = net_log_dsse(&b.net, buf_view(&s->dsse));

	bench_sync(&b, 0);
	return v;
}

/* --- a log for one custodian ------------------------------------------------------------- */

/* A tail that no quorum stands behind may be gone tomorrow, and the "no" that it showed with it. */
static void
not_heard_without_a_quorum(void **state)
{
	(void)state;
	ordered_ago("standard", 60);
	say_decision(&b, request, NET_SECOND_LEGAL, false, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	assert_true(shown(&said).effective);
	bench_sync(&b, 0);
	assert_int_equal(handed_n(&b), 1);
	refused("denial");
	bench_restart(&b);
	refused("denial");
	bench_sync(&b, 4);
	assert_int_equal(handed_n(&b), 0);
	contributes();
}

/* ... nor is it only then handed in. */
static void
taken_although_shown(void **state)
{
	(void)state;
	ordered_ago("standard", 60);
	say_decision(&b, request, NET_SECOND_LEGAL, false, &said);
	assert_true(shown(&said).effective);
	contributes();
	for (int i = 0; i < 2; i++) {
		hand_ok(&b, &said, HANDED_LOGGED, VOID_NONE);
		assert_int_equal(handed_n(&b), 1);
		refused("denial");
	}
	bench_sync(&b, 4);
	assert_int_equal(handed_n(&b), 0);
	contributes();
	hand_ok(&b, &said, HANDED_LOGGED, VOID_NONE);
	assert_int_equal(handed_n(&b), 0);
}

/* What is void there as well: another log may show it in time. */
static void
taken_although_void(void **state)
{
	(void)state;
	ordered_ago("standard", 60);
	say_withdrawal(&b, request, NET_AUDITOR, &said);
	assert_true(net_decide(&b.net, request, NET_AUDITOR, false).effective);
	assert_int_equal(shown(&said).why, VOID_DENIED_BEFORE);
	hand_ok(&b, &said, HANDED_LOGGED, VOID_DENIED_BEFORE);
	assert_int_equal(handed_n(&b), 1);
	bench_sync(&b, 4);
	assert_int_equal(handed_n(&b), 0);
}

/* The quorum has to stand behind the very entry. */
static void
covered_to_the_entry(void **state)
{
	uint64_t	cosigned, index;
	struct err	err;

	(void)state;
	ordered_ago("standard", 60);
	assert_true(net_decide(&b.net, request, NET_SECOND_COMPLIANCE, false).effective);
	say_decision(&b, request, NET_SECOND_LEGAL, false, &said);
	bench_sync(&b, 4);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	index = b.net.range.size;
	assert_true(shown(&said).effective);
	ok(custody_cosigned_size(&b.c, &cosigned, &err), &err);
	assert_int_equal(cosigned, index);
	refused("denial");
}

/* --- clocks -------------------------------------------------------------------------------- */

static void
put_expired(when expires)
{
	struct slot	s;
	struct err	err;

	memset(&s, 0, sizeof(s));
	s.key[0] = KIND_DENIAL;
	memcpy(s.key + 1, request, 32);
	s.id[0] = 1;
	s.expires = expires;
	s.since = 1;
	strcpy(s.who, "somebody");
	ok(slot_put(&b.c, &s, SPAN_STR("a statement"), NULL, 0, &err), &err);
}

/*
 * Our clock is ahead of the log's: by it the request has run out and the "no" long
 * ago. When it is set right, the "no" must be there.
 */
static void
clock_set_ahead(void **state)
{
	struct err	err;

	(void)state;
	ordered_ago("standard", 60);
	put_expired(clock_now() - HANDED_KEEP - 3700);
	ok(store_begin(b.c.store, &err), &err);
	ok(handed_expire(&b.c, clock_now() + 365 * UINT64_C(86400), &err), &err);
	ok(store_commit(b.c.store, &err), &err);
	assert_int_equal(handed_n(&b), 1);
	refused("denial");
}

/* A request that is not in the log was of a tail that is gone; it may be logged again. */
static void
request_gone(void **state)
{
	struct err	err;

	(void)state;
	ordered_ago("standard", 60);
	request[0] ^= 1;
	put_expired(clock_now() - HANDED_KEEP - 3700);
	ok(store_begin(b.c.store, &err), &err);
	ok(handed_expire(&b.c, clock_now(), &err), &err);
	ok(store_commit(b.c.store, &err), &err);
	assert_int_equal(handed_n(&b), 1);
}

/* --- a tail that was dropped ------------------------------------------------------------------ */

static void
put_dropped(uint64_t index, const struct said *s)
{
	struct buf	key = BUF_INIT(40), v = BUF_INIT(1 << 16);
	uint8_t		id[32] = { 0 };
	struct err	err;

	buf_u64(&key, index);
	buf_add(&key, id, sizeof(id));
	buf_vec32(&v, buf_view(&s->dsse));
	buf_vec32(&v, SPAN(NULL, 0));
	ok(store_journal_put(b.c.store, JOURNAL_DROPPED, buf_view(&key), buf_view(&v), &err), &err);
	buf_done(&key);
	buf_done(&v);
}

/* Statements about what is nowhere wait long; a "no" behind them does not. */
static void
said_again_in_turn(void **state)
{
	struct err	err;

	(void)state;
	ordered_ago("standard", 60);
	request[0] ^= 1;
	say_decision(&b, request, NET_LEGAL, false, &other);
	request[0] ^= 1;
	for (uint64_t i = 0; i < 40; i++)
		put_dropped(100 + i, &other);
	say_decision(&b, request, NET_SECOND_LEGAL, false, &said);
	put_dropped(140, &said);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(handed_n(&b), 0);
		ok(rebuild_resume(&b.c, &err), &err);
	}
	assert_int_equal(handed_n(&b), 1);
	refused("denial");
	/* The others still wait, and what was said is gone. */
	ok(rebuild_resume(&b.c, &err), &err);
	assert_int_equal(handed_n(&b), 1);
}

/* --- from peer to peer ------------------------------------------------------------------------ */

static size_t
passed_on(const struct said *s)
{
	Quorate__V1__Handed	 h = QUORATE__V1__HANDED__INIT, *row = &h;
	struct passed		 p;
	struct err		 err;

	h.statement = (ProtobufCBinaryData){ s->dsse.n, s->dsse.p };
	b.c.comparing.peer[1].took_ms = 0;
	ok(pass_take(&b.c, 2, &row, 1, &p, &err), &err);
	return p.n;
}

/* What is refused is not taken: the peer brings it again, and by then it may be right. */
static void
refused_is_not_taken(void **state)
{
	(void)state;
	ordered_ago("standard", 60);
	/* It saw an entry that is another here, as after a tail for this custodian alone. */
	(void)net_log_dsse(&b.net, SPAN_STR("one"));
	say_decision(&b, request, NET_SECOND_LEGAL, false, &said);
	assert_int_equal(passed_on(&said), 0);
	assert_int_equal(handed_n(&b), 0);
	bench_sync(&b, 4);
	assert_int_equal(passed_on(&said), 1);
	assert_int_equal(handed_n(&b), 1);
	refused("denial");
	assert_int_equal(passed_on(&said), 1);
}

static void
refused_by_the_verdict(void **state)
{
	struct statement	s;

	(void)state;
	ordered_ago("standard", 60);
	net_statement(&b.net, &s, STATEMENT_DECISION);
	memcpy(s.subject, request, 32);
	s.seen_root[0] ^= 1;
	say(&s, &b.net.person[NET_SECOND_LEGAL], &said);
	hand_ok(&b, &said, HANDED_REFUSED, VOID_SEEN);
	assert_int_equal(passed_on(&said), 0);
	/* An approval that is refused is not asked for again. */
	net_statement(&b.net, &s, STATEMENT_DECISION);
	memcpy(s.subject, request, 32);
	s.seen_root[0] ^= 1;
	s.u.decision.approve = true;
	say(&s, &b.net.person[NET_SECOND_LEGAL], &other);
	assert_int_equal(passed_on(&other), 1);
	assert_int_equal(handed_n(&b), 0);
}

/* --- an approval that was held back ---------------------------------------------------------- */

/* Approved, taken back, logged; the coordinator holds a second approval from before. */
static void
held_back_approval(void **state)
{
	struct verdict	v;

	(void)state;
	b.net.now = clock_now() - 60;
	batch = bench_seal(&b, "standard");
	bench_order(&b, batch, "standard", request, order);
	say_decision(&b, request, NET_AUDITOR, true, &said);
	assert_true(net_withdraw(&b.net, request, NET_AUDITOR).effective);
	v = net_log_dsse(&b.net, buf_view(&said.dsse));
	assert_int_equal(v.why, VOID_TAKEN_BACK);
	bench_sync(&b, 4);
	refused("too-few-approvals");
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest	tests[] = {
		TEST(not_heard_without_a_quorum),
		TEST(taken_although_shown),
		TEST(taken_although_void),
		TEST(covered_to_the_entry),
		TEST(clock_set_ahead),
		TEST(request_gone),
		TEST(said_again_in_turn),
		TEST(refused_is_not_taken),
		TEST(refused_by_the_verdict),
		TEST(held_back_approval),
	};
	int	failed;

	if (!bench_place_up(&place))
		return 0;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_place_down(&place);
	return failed;
}

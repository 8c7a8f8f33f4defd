/* Consents to amendments: when, once, and what stands against them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/entry.h"
#include "custodian/append.h"
#include "evidence/case.h"
#include "tests/unit/custodian/hand.h"

#define BIG	((size_t)1 << 22)
#define DELAY	3600			/* of the fixture's amendable charter */
#define LAXER	{ { "amend/delay_seconds", "1800" } }

static struct bench_place	place;
static struct bench		b;
static uint8_t			amendment[32];
static struct said		said;

static int
up(void **state)
{
	(void)state;
	bench_up(&b, &place);
	memset(&said, 0, sizeof(said));
	return 0;
}

static int
down(void **state)
{
	(void)state;
	said_done(&said);
	bench_down(&b);
	return 0;
}

static void
ok(enum rc rc, const struct err *err)
{
	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), err->msg);
}

static enum rc
count_row(void *user, struct span key, struct span value, struct err *err)
{
	(void)key;
	(void)value;
	(void)err;
	(*(size_t *)user)++;
	return RC_OK;
}

static size_t
rows(const char *journal)
{
	struct err	err;
	size_t		n = 0;

	ok(store_journal_each(b.c.store, journal, SPAN(NULL, 0), 4096, count_row, &n, &err), &err);
	return n;
}

static enum rc
date_back(void *user, struct span key, struct span value, struct err *err)
{
	uint8_t		v[8];
	uint64_t	t = 0;

	(void)user;
	for (int i = 0; i < 8; i++)
		t = t << 8 | value.p[i];
	t -= 4 * DELAY;
	for (int i = 0; i < 8; i++)
		v[i] = (uint8_t)(t >> (56 - 8 * i));
	return store_journal_put(b.c.store, JOURNAL_ARRIVED, key, SPAN_OF(v), err);
}

/* As if the decisions had come here long ago. */
static void
delay_runs(void)
{
	struct err	err;

	ok(store_journal_each(b.c.store, JOURNAL_ARRIVED, SPAN(NULL, 0), 4096, date_back, NULL, &err), &err);
}

/* Everything stands still until something comes. */
static int
look(void)
{
	struct err	err;
	int		wait_ms;

	ok(consent_work(&b.c, clock_now(), true, &wait_ms, &err), &err);
	return wait_ms;
}

static void
approved_of(const struct net_edit *edit, size_t n)
{
	struct buf	doc = BUF_INIT(BIG);

	net_next(&b.net, edit, n, &doc);
	net_approved(&b.net, buf_view(&doc), amendment);
	buf_done(&doc);
}

static void
approved(void)
{
	static const struct net_edit	laxer[] = LAXER;

	approved_of(laxer, 1);
	bench_sync(&b, 4);
}

static Quorate__V1__AppendReply *
append(void)
{
	struct bench_sending		 s = bench_sending(&b);
	Quorate__V1__AppendReply	*r = NULL;
	struct err			 err;

	ok(bench_send(&b, &s, &r, &err), &err);
	return r;
}

/* The consent among some statements. */
static bool
consent_among(Quorate__V1__Handed **row, size_t n, struct statement *ret, struct buf *ret_dsse)
{
	struct dsse	d;
	struct err	err;
	bool		found = false;

	for (size_t i = 0; i < n && !found; i++) {
		struct span	s = SPAN(row[i]->statement.data, row[i]->statement.len);

		memset(&d, 0, sizeof(d));
		memset(ret, 0, sizeof(*ret));
		ok(dsse_parse(s, &d, &err), &err);
		ok(statement_parse(&d, ret, &err), &err);
		found = ret->type == STATEMENT_CONSENT;
		if (found) {
			assert_true(dsse_signed_by(&d, &b.net.signing[0].signer.key));
			buf_span(ret_dsse, s);
		}
		dsse_done(&d);
		statement_done(ret);
	}
	return found;
}

static bool
has_consent(const Quorate__V1__AppendReply *r, struct statement *ret, struct buf *ret_dsse)
{
	return consent_among(r->statements, r->n_statements, ret, ret_dsse);
}

/* Would a reply at this time hand out one? */
static bool
leaves(when now, struct statement *ret, struct buf *ret_dsse)
{
	struct waiting	w;
	struct err	err;
	bool		does;

	memset(&w, 0, sizeof(w));
	ok(waiting_fill(&b.c, now, &w, &err), &err);
	does = consent_among(w.row, w.n, ret, ret_dsse);
	waiting_done(&w);
	return does;
}

/* The sequencer writes something else. */
static void
log_time_is(when t)
{
	AUTO_DONE(buf_done) struct buf	leaf = BUF_INIT(BIG);
	struct verdict			v;
	struct err			err;

	entry_write(t, SPAN_STR("{}"), &leaf);
	ok(store_begin(b.c.store, &err), &err);
	ok(replica_apply(b.c.replica, store_size(b.c.store), buf_view(&leaf), &v, &err), &err);
	ok(store_append(b.c.store, buf_view(&leaf), &err), &err);
	ok(store_verdict_put(b.c.store, store_size(b.c.store) - 1, &v, &err), &err);
	ok(store_commit(b.c.store, &err), &err);
}

static void
when_the_delay_has_run(void **state)
{
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(BIG);
	struct statement		s;
	Quorate__V1__AppendReply	*r;
	uint64_t			 steps;

	(void)state;
	approved();
	assert_int_equal(rows(JOURNAL_CONSENT), 1);
	assert_true(look() > 0);		/* it comes back to it by itself */
	assert_int_equal(rows(JOURNAL_FOUND), 0);	/* our own clock has seen nothing run yet */
	delay_runs();
	steps = b.c.steps.steps;
	look();
	r = append();
	assert_true(has_consent(r, &s, &dsse));
	assert_memory_equal(s.subject, amendment, 32);
	assert_int_equal(s.u.consent.custodian, 1);
	bench_reply_free(r);
	assert_int_equal(b.c.steps.steps, steps + 1);
	assert_int_equal(b.c.steps.marked, b.c.steps.steps);
	/* Once; but told until the log shows it, after a start as well. */
	look();
	bench_restart(&b);
	look();
	assert_int_equal(rows(JOURNAL_FOUND), 1);
	b.net.now = clock_now();
	assert_true(net_log_dsse(&b.net, buf_view(&dsse)).effective);
	for (uint8_t i = 2; i <= 3; i++)
		assert_true(net_consent(&b.net, amendment, i).effective);
	bench_sync(&b, 4);
	assert_int_equal(rows(JOURNAL_FOUND), 0);
	look();
	assert_int_equal(rows(JOURNAL_FOUND), 0);
	/* In force: there is nothing more to look at. */
	assert_true(net_consent(&b.net, amendment, 4).effective);
	assert_int_equal(replica_charter(b.net.replica)->amend_delay_seconds, 1800);
	bench_sync(&b, 4);
	assert_int_equal(replica_charter(b.c.replica)->amend_delay_seconds, 1800);
	assert_int_equal(look(), -1);
	assert_int_equal(rows(JOURNAL_CONSENT), 0);
}

/* What no quorum stands behind may be shown to this custodian alone. */
static void
only_what_a_quorum_cosigned(void **state)
{
	static const struct net_edit	laxer[] = LAXER;

	(void)state;
	approved_of(laxer, 1);
	bench_sync(&b, 0);
	delay_runs();
	look();
	assert_int_equal(rows(JOURNAL_FOUND), 0);
	assert_int_equal(rows(JOURNAL_CONSENT), 1);
	bench_sync(&b, 4);
	look();
	assert_int_equal(rows(JOURNAL_FOUND), 1);
}

static void
not_before_it_compared(void **state)
{
	(void)state;
	approved();
	delay_runs();
	bench_forget(&b);
	look();
	assert_int_equal(rows(JOURNAL_FOUND), 0);
	bench_compare(&b);
	look();
	assert_int_equal(rows(JOURNAL_FOUND), 1);
}

/* An accusation: who contributes to nothing does not change the rules either. */
static void
not_in_doubt(void **state)
{
	struct err	err;

	(void)state;
	approved();
	delay_runs();
	ok(store_put(b.c.store, CUSTODY_ACCUSATION, SPAN_STR("x"), &err), &err);
	look();
	assert_int_equal(rows(JOURNAL_FOUND), 0);
}

/* Each says it to this custodian alone; it bars until the log shows it. */
static void
a_no_bars(enum net_person who, bool withdraw, size_t consents, size_t left)
{
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(BIG);
	struct statement		s;
	Quorate__V1__AppendReply	*r;

	approved();
	delay_runs();
	b.net.now = clock_now();
	if (withdraw)
		say_withdrawal(&b, amendment, who, &said);
	else
		say_decision(&b, amendment, who, false, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	assert_int_equal(handed_n(&b), 1);
	look();
	r = append();
	assert_false(has_consent(r, &s, &dsse));
	assert_int_equal(r->n_statements, 1);	/* the "no" goes to the log */
	bench_reply_free(r);
	assert_true(net_log_dsse(&b.net, buf_view(&said.dsse)).effective);
	bench_sync(&b, 4);
	bench_sync(&b, 4);
	assert_int_equal(handed_n(&b), 0);
	look();
	assert_int_equal(rows(JOURNAL_FOUND), consents);
	assert_int_equal(rows(JOURNAL_CONSENT), left);
}

static void
a_veto_bars(void **state)
{
	(void)state;
	a_no_bars(NET_SECOND_COMPLIANCE, false, 0, 0);
}

static void
the_proposer_bars(void **state)
{
	(void)state;
	a_no_bars(NET_REQUESTER, true, 0, 0);
}

/* Two of three that are needed are left: it is open again, and may yet be met. */
static void
an_approver_bars(void **state)
{
	(void)state;
	a_no_bars(NET_LEGAL, true, 0, 1);
}

/* In the log it is one voice of four, and the others are enough. */
static void
an_amender_bars(void **state)
{
	(void)state;
	a_no_bars(NET_COURT, false, 1, 1);
}

/* A "no" that has run out waits for as long as there is anything to bar, and no longer. */
static void
a_no_is_forgotten_when_it_is_over(void **state)
{
	struct err	err;
	when		later;

	(void)state;
	approved();
	b.net.now = clock_now();
	say_decision(&b, amendment, NET_COURT, false, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	later = b.net.now + 2 * HANDED_KEEP;
	ok(handed_expire(&b.c, later, &err), &err);	/* the log's time has not gone on */
	assert_int_equal(handed_n(&b), 1);
	for (uint8_t i = 2; i <= 5; i++)
		assert_true(net_consent(&b.net, amendment, i).effective);
	bench_sync(&b, 4);
	ok(handed_expire(&b.c, later, &err), &err);
	assert_int_equal(handed_n(&b), 1);
	/* By the log's time, too. */
	log_time_is(later);
	ok(handed_expire(&b.c, later, &err), &err);
	assert_int_equal(handed_n(&b), 0);
}

static void
look_at(when now)
{
	struct err	err;
	int		wait_ms;

	ok(consent_work(&b.c, now, true, &wait_ms, &err), &err);
}

/* In the log, but too late or too early to count there: said again, and not for ever. */
static void
void_ones_are_repeated_a_little(void **state)
{
	(void)state;
	approved();
	for (unsigned i = 1; i <= CONSENT_TRIES_MAX + 1; i++) {
		AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(BIG);
		struct statement		s;

		bench_sync(&b, 4);
		bench_sync(&b, 4);
		for (unsigned k = 0; k < 2; k++)
			delay_runs();
		look_at(b.net.now);
		assert_int_equal(leaves(b.net.now, &s, &dsse), i <= CONSENT_TRIES_MAX);
		if (i > CONSENT_TRIES_MAX)
			break;
		/* The last one, too, is said anew if it ran out. */
		if (i == CONSENT_TRIES_MAX) {
			b.net.now = s.expires + 1;
			look_at(b.net.now);
			dsse.n = 0;
			assert_true(leaves(b.net.now, &s, &dsse));
		}
		/* Somebody takes an approval back for a while. */
		assert_true(net_withdraw(&b.net, amendment, NET_LEGAL).effective);
		assert_int_equal(net_log_dsse(&b.net, buf_view(&dsse)).why, VOID_QUORUM);
		assert_true(net_decide(&b.net, amendment, NET_LEGAL, true).effective);
		b.net.now += DELAY;
	}
	assert_int_equal(rows(JOURNAL_FOUND), 0);
	assert_int_equal(rows(JOURNAL_CONSENT), 1);
}

/* Too early by the log's clock, which is behind ours: not all tries at once. */
static void
the_logs_clock_is_waited_for(void **state)
{
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(BIG);
	struct amendment_view		v;
	struct statement		s;
	struct err			err;

	(void)state;
	approved();
	for (unsigned k = 0; k < 3; k++)
		delay_runs();
	ok(replica_amendment(b.net.replica, amendment, b.net.now, &v, &err), &err);
	look_at(v.earliest);
	assert_true(leaves(v.earliest, &s, &dsse));
	b.net.now = v.earliest - 30;
	assert_int_equal(net_log_dsse(&b.net, buf_view(&dsse)).why, VOID_OBJECTION);
	bench_sync(&b, 4);
	bench_sync(&b, 4);
	assert_int_equal(rows(JOURNAL_FOUND), 0);
	for (unsigned i = 0; i < 2 * CONSENT_TRIES_MAX; i++)
		look_at(v.earliest + i);
	bench_restart(&b);
	look_at(v.earliest);
	assert_int_equal(rows(JOURNAL_FOUND), 0);
	b.c.consenting.said_ms -= 31000;
	look_at(v.earliest);
	assert_int_equal(rows(JOURNAL_FOUND), 1);
}

static void
signed_at(when now, uint8_t ret_id[32])
{
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(BIG);
	struct statement		s;

	assert_true(leaves(now, &s, &dsse));
	assert_int_equal(s.expires, now + CONSENT_LIFE);
	assert_true(CONSENT_LIFE <= 3600);
	assert_int_equal(rows(JOURNAL_FOUND), 1);
	memcpy(ret_id, s.id, 32);
}

/* A coordinator that kept it back does not get to log it later; and that is no try. */
static void
unlogged_it_runs_out(void **state)
{
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(BIG);
	struct statement		s;
	uint8_t				first[32], next[32];
	uint64_t			steps;
	when				t = clock_now();

	(void)state;
	approved();
	delay_runs();
	look_at(t);
	signed_at(t, first);
	for (unsigned i = 0; i <= CONSENT_TRIES_MAX; i++) {
		look_at(t + CONSENT_LIFE);
		assert_true(leaves(t + CONSENT_LIFE, &s, &dsse));
		assert_memory_equal(s.id, first, 32);
		t += CONSENT_LIFE + 1;
		assert_false(leaves(t, &s, &dsse));	/* before anybody looked, too */
		steps = b.c.steps.steps;
		look_at(t);
		signed_at(t, next);
		assert_memory_not_equal(first, next, 32);
		assert_int_equal(b.c.steps.steps, steps + 1);
		memcpy(first, next, 32);
	}
	/* By the log's clock as well: a new one is good for an hour of that. */
	log_time_is(t + CONSENT_LIFE + 30);
	assert_false(leaves(t, &s, &dsse));
	look_at(t);
	signed_at(t + CONSENT_LIFE + 30, next);
	look_at(t);
	signed_at(t + CONSENT_LIFE + 30, first);
	assert_memory_equal(first, next, 32);
}

/* What was said to us in the meantime counts. */
static void
ran_out_a_no_bars(void **state)
{
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(BIG);
	struct statement		s;
	when				t = clock_now();

	(void)state;
	approved();
	delay_runs();
	look_at(t);
	b.net.now = t;
	say_decision(&b, amendment, NET_COURT, false, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	look_at(t + CONSENT_LIFE);
	assert_int_equal(rows(JOURNAL_FOUND), 1);
	for (unsigned i = 0; i <= CONSENT_TRIES_MAX; i++) {
		look_at(t + CONSENT_LIFE + 1);
		assert_int_equal(rows(JOURNAL_FOUND), 0);
		assert_false(leaves(t + CONSENT_LIFE + 1, &s, &dsse));
		assert_int_equal(rows(JOURNAL_CONSENT), 1);
	}
	/* In the log it is one voice of four, and the others are enough. */
	assert_true(net_log_dsse(&b.net, buf_view(&said.dsse)).effective);
	bench_sync(&b, 4);
	bench_sync(&b, 4);
	look_at(t + CONSENT_LIFE + 1);
	assert_int_equal(rows(JOURNAL_FOUND), 1);
}

/* However often it was not logged, and was taken back: the tries are for void ones. */
static void
ran_out_it_was_no_try(void **state)
{
	when	t = clock_now();

	(void)state;
	approved();
	delay_runs();
	for (unsigned i = 0; i <= CONSENT_TRIES_MAX; i++) {
		look_at(t);
		assert_int_equal(rows(JOURNAL_FOUND), 1);
		t += CONSENT_LIFE + 1;
		bench_forget(&b);		/* in doubt, for a while */
		look_at(t);
		assert_int_equal(rows(JOURNAL_FOUND), 0);
		bench_compare(&b);
	}
}

/* Those that ran out do not keep what is still good from its turn. */
static void
ran_out_they_are_passed_over(void **state)
{
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(BIG);
	struct statement		s;
	struct err			err;
	when				t = clock_now();
	unsigned			came = 0;

	(void)state;
	bench_sync(&b, 4);
	b.net.now = t;
	net_statement(&b.net, &s, STATEMENT_CONSENT);
	s.u.consent.custodian = 1;
	for (uint8_t i = 0; i < 20; i++) {
		uint8_t	key[32] = { i };

		s.expires = i < 19 ? t - 1 : t + 1;
		s.issued = t - 2;
		said_done(&said);
		memset(&said, 0, sizeof(said));
		say(&s, &b.net.signing[0], &said);
		ok(store_journal_put(b.c.store, JOURNAL_FOUND, SPAN_OF(key), buf_view(&said.dsse), &err), &err);
	}
	for (unsigned i = 0; i < 20; i++)
		came += leaves(t, &s, &dsse);
	assert_true(came >= 3);
}

static void
rules_that_nobody_knows(void **state)
{
	static const struct net_edit	next[] = { { "rules", "2" } };

	(void)state;
	approved_of(next, 1);
	bench_sync(&b, 4);
	delay_runs();
	look();
	look();
	assert_int_equal(rows(JOURNAL_FOUND), 0);
	assert_int_equal(rows(JOURNAL_CONSENT), 1);
	assert_memory_equal(b.c.consenting.told, amendment, 32);
}

#ifndef __SANITIZE_ADDRESS__	/* 64 charters take minutes there */
/* The last charter that evidence holds: it comes in force, and no other does. */
static void
no_more_than_evidence_holds(void **state)
{
	static const struct net_edit	quick[] = { { "amend/delay_seconds", "1" } };
	struct err			err;

	(void)state;
	for (unsigned i = 1; i < CASE_CHARTERS_MAX; i++) {
		net_amend(&b.net, quick, 1);
		bench_sync_news(&b, 4);
	}
	approved_of(quick, 1);
	bench_sync_news(&b, 4);
	delay_runs();
	look();
	assert_int_equal(rows(JOURNAL_FOUND), 1);
	for (uint8_t i = 2; i <= 5; i++)
		assert_true(net_consent(&b.net, amendment, i).effective);
	approved_of(quick, 1);
	bench_sync_news(&b, 4);
	bench_sync(&b, 4);
	delay_runs();
	look();
	look();
	assert_int_equal(rows(JOURNAL_FOUND), 0);
	assert_int_equal(rows(JOURNAL_CONSENT), 1);
	assert_memory_equal(b.c.consenting.told, amendment, 32);
	assert_int_equal(custody_may_follow(&b.c, &err), RC_LIMIT);
	assert_non_null(strstr(err.msg, "64 charters followed"));
}
#endif

static void
what_the_token_does_not_count_stays(void **state)
{
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(BIG);
	struct statement		s;
	Quorate__V1__AppendReply	*r;
	struct hsm_mark			 m[HSM_MARKS_MAX];
	char				 name[HSM_LABEL_MAX + 1];
	size_t				 n = 0;
	struct err			err;
	int				wait_ms;

	(void)state;
	approved();
	delay_runs();
	/* Signed, and the mark fails: the token was taken out. */
	bench_mark_name(&b, name);
	ok(hsm_mark_read(b.c.hsm, name, m, &n, &err), &err);
	assert_true(n > 0);
	bench_unmark(&b);
	assert_int_equal(consent_work(&b.c, clock_now(), true, &wait_ms, &err), RC_IO);
	assert_int_equal(rows(JOURNAL_FOUND), 1);
	assert_true(b.c.consenting.unmarked);
	assert_int_equal(consent_work(&b.c, clock_now(), true, &wait_ms, &err), RC_IO);
	{
		struct waiting	w;

		memset(&w, 0, sizeof(w));
		ok(waiting_fill(&b.c, clock_now(), &w, &err), &err);
		assert_int_equal(w.n, 0);
		waiting_done(&w);
	}
	/* The token is back. */
	ok(hsm_mark_write(b.c.hsm, name, SPAN(m[0].bytes, m[0].n), true, &err), &err);
	look();
	assert_int_equal(b.c.steps.marked, b.c.steps.steps);
	r = append();
	assert_true(has_consent(r, &s, &dsse));
	bench_reply_free(r);
}

/* More than anybody proposes at one time are not even noted; what is over makes room. */
static void
bounds(void **state)
{
	struct err	err;
	uint8_t		id[32] = { 0 };
	int		wait_ms;

	(void)state;
	bench_sync(&b, 4);
	ok(store_begin(b.c.store, &err), &err);
	for (unsigned i = 0; i <= CONSENT_NOTED_MAX; i++) {
		id[0] = (uint8_t)i;
		id[1] = (uint8_t)(i >> 8);
		ok(consent_note(&b.c, 100 + i, id, &err), &err);
	}
	ok(store_commit(b.c.store, &err), &err);
	assert_int_equal(rows(JOURNAL_CONSENT), CONSENT_NOTED_MAX);
	look();					/* none of them is in the log */
	assert_int_equal(rows(JOURNAL_CONSENT), CONSENT_NOTED_MAX - CONSENT_AT_ONCE);
	/* Not oftener than that, unless something came. */
	ok(consent_work(&b.c, clock_now(), false, &wait_ms, &err), &err);
	assert_true(wait_ms > 0 && wait_ms <= CONSENT_LOOK_MS);
	assert_int_equal(rows(JOURNAL_CONSENT), CONSENT_NOTED_MAX - CONSENT_AT_ONCE);
	for (unsigned i = 0; i < CONSENT_NOTED_MAX / CONSENT_AT_ONCE; i++)
		look();
	assert_int_equal(rows(JOURNAL_CONSENT), 0);
}

/* An older row does not keep the newer ones from being looked at. */
static void
all_have_their_turn(void **state)
{
	static const struct net_edit	laxer[] = LAXER;
	uint8_t				first[32];

	(void)state;
	for (unsigned i = 0; i < CONSENT_AT_ONCE; i++) {
		struct buf	doc = BUF_INIT(BIG);

		net_next(&b.net, laxer, 1, &doc);
		assert_true(net_propose(&b.net, buf_view(&doc), NET_INSIDER, first).effective);
		buf_done(&doc);
	}
	bench_sync(&b, 4);
	approved();
	delay_runs();
	look();
	look();
	assert_int_equal(rows(JOURNAL_FOUND), 1);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest	tests[] = {
		TEST(when_the_delay_has_run),
		TEST(only_what_a_quorum_cosigned),
		TEST(not_before_it_compared),
		TEST(not_in_doubt),
		TEST(a_veto_bars),
		TEST(the_proposer_bars),
		TEST(an_approver_bars),
		TEST(an_amender_bars),
		TEST(a_no_is_forgotten_when_it_is_over),
		TEST(void_ones_are_repeated_a_little),
		TEST(the_logs_clock_is_waited_for),
		TEST(unlogged_it_runs_out),
		TEST(ran_out_a_no_bars),
		TEST(ran_out_it_was_no_try),
		TEST(ran_out_they_are_passed_over),
		TEST(rules_that_nobody_knows),
#ifndef __SANITIZE_ADDRESS__
		TEST(no_more_than_evidence_holds),
#endif
		TEST(what_the_token_does_not_count_stays),
		TEST(bounds),
		TEST(all_have_their_turn),
	};
	int	failed;

	if (!bench_place_up(&place))
		return 0;
	place.amendable = true;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_place_down(&place);
	return failed;
}

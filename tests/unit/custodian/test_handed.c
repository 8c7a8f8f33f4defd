/* A "no" that cannot be swallowed: what is handed in past the log, and what it bars. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

/* Ordered a minute ago, and here. */
static void
ordered(const char *policy)
{
	b.net.now = clock_now() - 60;
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

/* The coordinator logs it after all. */
static struct verdict
logged(const struct said *s)
{
	struct verdict	v = net_log_dsse(&b.net, buf_view(&s->dsse));

	bench_sync(&b, 4);
	return v;
}

static void
fails(const struct said *s, uint8_t from, enum rc want, const char *word)
{
	struct handed_answer	a;
	struct err		err;
	enum rc			rc = hand(&b, from, s, &a, &err);

	if (rc != want || strstr(b.c.words, word) == NULL)
		fail_msg("want %s (%s), got %s: %s", rc_name(want), word, rc_name(rc), b.c.words);
	assert_int_equal(handed_n(&b), 0);
}

/* --- what a "no" bars ------------------------------------------------------------------ */

static void
veto(void **state)
{
	(void)state;
	ordered("veto");
	contributes();
	say_decision(&b, request, NET_LEGAL, false, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	refused("denial");
	bench_restart(&b);
	refused("denial");
	assert_int_equal(handed_n(&b), 1);
	/* What else the log shows does not help. */
	(void)bench_seal(&b, "standard");
	bench_sync(&b, 4);
	refused("denial");
	assert_true(logged(&said).effective);
	assert_int_equal(handed_n(&b), 0);
	refused("request-ended");
}

/* Of somebody whose denial is no veto, and whose approval nobody needs: it bars until the log shows it. */
static void
denial_without_veto(void **state)
{
	(void)state;
	ordered("standard");
	say_decision(&b, request, NET_SECOND_LEGAL, false, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	refused("denial");
	assert_true(logged(&said).effective);
	assert_int_equal(handed_n(&b), 0);
	contributes();
	hand_ok(&b, &said, HANDED_LOGGED, VOID_NONE);
	assert_int_equal(handed_n(&b), 0);
}

static void
withdrawal_of_the_request(void **state)
{
	(void)state;
	ordered("standard");
	say_withdrawal(&b, request, NET_REQUESTER, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	refused("withdrawal");
	assert_true(logged(&said).effective);
	assert_int_equal(handed_n(&b), 0);
	refused("request-ended");
}

static void
withdrawal_of_an_approval(void **state)
{
	(void)state;
	ordered("standard");
	say_withdrawal(&b, request, NET_AUDITOR, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	refused("withdrawal");
	assert_true(logged(&said).effective);
	refused("too-few-approvals");
}

static void
revocation_of_the_requester(void **state)
{
	(void)state;
	ordered("standard");
	say_revocation(&b, &b.net.person[NET_REQUESTER], NET_COURT, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	refused("revocation");
	assert_true(logged(&said).effective);
	assert_int_equal(handed_n(&b), 0);
	refused("revoked");
}

static void
revocation_of_an_approver(void **state)
{
	(void)state;
	ordered("standard");
	say_revocation(&b, &b.net.person[NET_COMPLIANCE], NET_COMPLIANCE, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	refused("revocation");
	bench_restart(&b);
	refused("revocation");
	assert_true(logged(&said).effective);
	assert_int_equal(handed_n(&b), 0);
	refused("too-few-approvals");
}

static void
revocation_of_somebody_else(void **state)
{
	(void)state;
	ordered("standard");
	say_revocation(&b, &b.net.person[NET_TWOHATS], NET_COURT, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	contributes();
}

/* A "no" to one request is none to another. */
static void
no_to_another(void **state)
{
	uint8_t	another[32];

	(void)state;
	ordered("standard");
	net_requested(&b.net, &batch->artifact, 1, "standard", another);
	bench_sync(&b, 4);
	say_decision(&b, another, NET_LEGAL, false, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	contributes();
}

/* A yes counts where everybody sees it. */
static void
approval_does_not_count(void **state)
{
	struct request_view	v;
	struct err		err;

	(void)state;
	b.net.now = clock_now() - 60;
	batch = bench_seal(&b, "pair");
	net_requested(&b.net, &batch->artifact, 1, "pair", request);
	assert_true(net_decide(&b.net, request, NET_LEGAL, true).effective);
	bench_sync(&b, 4);
	say_decision(&b, request, NET_COMPLIANCE, true, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	ok(replica_request(b.c.replica, request, clock_now(), &v, &err), &err);
	assert_int_equal(v.phase, REQUEST_OPEN);
	assert_int_equal(net_order(&b.net, request, order).why, VOID_QUORUM);
	bench_sync(&b, 4);
	{
		Quorate__V1__ContributeReply	*r = NULL;

		assert_int_equal(bench_contribute(&b, order, &r, &err), RC_MISSING);
	}
	assert_true(logged(&said).effective);
	assert_int_equal(handed_n(&b), 0);
}

/* --- until the log shows it --------------------------------------------------------------- */

/* A copy with a broken signature in the log is not the statement. */
static void
broken_copy_in_the_log(void **state)
{
	AUTO_DONE(buf_done) struct buf	broken = BUF_INIT(65536);
	char				*sig;

	(void)state;
	ordered("veto");
	say_decision(&b, request, NET_LEGAL, false, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	buf_span(&broken, buf_view(&said.dsse));
	sig = memmem(broken.p, broken.n, "\"sig\":\"", 7);
	assert_non_null(sig);
	sig[7] = sig[7] == 'A' ? 'B' : 'A';
	assert_false(net_log_dsse(&b.net, buf_view(&broken)).effective);
	bench_sync(&b, 4);
	assert_int_equal(handed_n(&b), 1);
	refused("denial");
	hand_ok(&b, &said, HANDED_KNOWN, VOID_NONE);
}

/* Void in the log is in the log: it was too late, and everybody sees that. */
static void
void_in_the_log(void **state)
{
	struct verdict	v;

	(void)state;
	ordered("standard");
	say_withdrawal(&b, request, NET_AUDITOR, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	assert_true(net_decide(&b.net, request, NET_AUDITOR, false).effective);
	bench_sync(&b, 4);
	assert_int_equal(handed_n(&b), 1);
	v = logged(&said);
	assert_int_equal(v.why, VOID_DENIED_BEFORE);
	assert_int_equal(handed_n(&b), 0);
	hand_ok(&b, &said, HANDED_LOGGED, VOID_DENIED_BEFORE);
}

/* Held back until it had expired, then logged: swallowed, so it goes on barring. */
static void
logged_too_late(void **state)
{
	struct statement	s;
	struct verdict		v;

	(void)state;
	ordered("standard");
	net_statement(&b.net, &s, STATEMENT_DECISION);
	memcpy(s.subject, request, 32);
	s.expires = clock_now() + HANDED_LIFE_MIN + 5;
	say(&s, &b.net.person[NET_SECOND_LEGAL], &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	b.net.now = clock_now() + HANDED_LIFE_MIN + 20;		/* as far ahead as this custodian takes entries */
	v = logged(&said);
	assert_int_equal(v.why, VOID_EXPIRED);
	assert_int_equal(handed_n(&b), 1);
	refused("denial");
	bench_restart(&b);
	refused("denial");
	/* Said again, and logged in time, it is heard. */
	say_decision(&b, request, NET_SECOND_LEGAL, false, &other);
	assert_true(logged(&other).effective);
	assert_int_equal(handed_n(&b), 0);
	contributes();
}

/* Another of the same kind, subject and signer does for it where the log's effect lasts. */
static void
another_that_says_the_same(void **state)
{
	(void)state;
	ordered("standard");
	say_decision(&b, request, NET_SECOND_LEGAL, false, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	assert_true(net_decide(&b.net, request, NET_SECOND_LEGAL, false).effective);
	bench_sync(&b, 4);
	assert_int_equal(handed_n(&b), 0);
	contributes();
	hand_ok(&b, &said, HANDED_REFUSED, VOID_DENIED_BEFORE);
}

/* Another withdrawal is another: what it took back may have been given again in between. */
static void
another_withdrawal(void **state)
{
	(void)state;
	ordered("standard");
	say_withdrawal(&b, request, NET_AUDITOR, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	assert_true(net_withdraw(&b.net, request, NET_AUDITOR).effective);
	assert_true(net_decide(&b.net, request, NET_AUDITOR, true).effective);
	bench_sync(&b, 4);
	assert_int_equal(handed_n(&b), 1);
	(void)logged(&said);
	assert_int_equal(handed_n(&b), 0);
}

/* The log shows the first, and the person said yes again: the second is another, wherever the first stands. */
static void
withdrawn_twice(void **state)
{
	struct statement	s;

	(void)state;
	ordered("standard");
	say_withdrawal(&b, request, NET_AUDITOR, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	net_statement(&b.net, &s, STATEMENT_WITHDRAWAL);
	memcpy(s.subject, request, 32);
	s.expires += 60;
	say(&s, &b.net.person[NET_AUDITOR], &other);
	hand_ok(&b, &other, HANDED_TAKEN, VOID_NONE);
	hand_ok(&b, &said, HANDED_KNOWN, VOID_NONE);
	assert_int_equal(handed_n(&b), 1);
	(void)net_log_dsse(&b.net, buf_view(&said.dsse));
	assert_true(net_decide(&b.net, request, NET_AUDITOR, true).effective);
	bench_sync(&b, 4);
	assert_int_equal(handed_n(&b), 1);
	assert_true(bench_journalled(&b, JOURNAL_HANDED, other.id));
}

/* Whom no coordinator could log in time cannot make a veto of a "no" by that. */
static void
runs_out_at_once(void **state)
{
	struct handed_answer	a;
	struct statement	s;
	struct err		err;

	(void)state;
	ordered("standard");
	net_statement(&b.net, &s, STATEMENT_DECISION);
	memcpy(s.subject, request, 32);
	s.expires = clock_now() + HANDED_LIFE_MIN - 2;
	say(&s, &b.net.person[NET_SECOND_LEGAL], &said);
	fails(&said, 0, RC_DENIED, "sign it again");
	contributes();
	/* It may have been on its way for long. */
	ok(hand(&b, 2, &said, &a, &err), &err);
	assert_int_equal(a.fate, HANDED_TAKEN);
	refused("denial");
}

/* What is no "no" has had its chance when the log shows it, expired or not. */
static void
approval_logged_too_late(void **state)
{
	struct statement	s;

	(void)state;
	ordered("standard");
	net_statement(&b.net, &s, STATEMENT_DECISION);
	memcpy(s.subject, request, 32);
	s.u.decision.approve = true;
	s.expires = clock_now() + 20;
	say(&s, &b.net.person[NET_SECOND_LEGAL], &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	b.net.now = clock_now() + 40;
	assert_int_equal(logged(&said).why, VOID_EXPIRED);
	assert_int_equal(handed_n(&b), 0);
}

/* An append that fails leaves everything as it was. */
static void
forgotten_with_the_entry_or_not_at_all(void **state)
{
	struct bench_sending		 s;
	Quorate__V1__AppendReply	*r = NULL;
	struct err			 err;

	(void)state;
	ordered("veto");
	say_decision(&b, request, NET_LEGAL, false, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	assert_true(net_log_dsse(&b.net, buf_view(&said.dsse)).effective);
	s = bench_sending(&b);
	s.stranger = true;
	assert_int_not_equal(bench_send(&b, &s, &r, &err), RC_OK);
	assert_int_equal(handed_n(&b), 1);
	refused("denial");
}

/* --- fates ------------------------------------------------------------------------------------ */

static void
taken_once(void **state)
{
	(void)state;
	ordered("standard");
	say_decision(&b, request, NET_LEGAL, false, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	hand_ok(&b, &said, HANDED_KNOWN, VOID_NONE);
	/* The same said again: as the first. An approval is not the same. */
	say_decision(&b, request, NET_LEGAL, false, &other);
	hand_ok(&b, &other, HANDED_KNOWN, VOID_NONE);
	assert_int_equal(handed_n(&b), 1);
	assert_false(bench_journalled(&b, JOURNAL_HANDED, other.id));
	said_done(&other);
	say_withdrawal(&b, request, NET_LEGAL, &other);
	hand_ok(&b, &other, HANDED_TAKEN, VOID_NONE);
	assert_int_equal(handed_n(&b), 2);
}

/* A "no" is a step: a database from before it is recognised. A yes is none. */
static void
a_no_is_a_step(void **state)
{
	uint64_t	before;

	(void)state;
	ordered("standard");
	before = b.c.steps.marked;
	say_decision(&b, request, NET_LEGAL, false, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	assert_int_equal(b.c.steps.steps, before + 1);
	assert_int_equal(b.c.steps.marked, before + 1);
	hand_ok(&b, &said, HANDED_KNOWN, VOID_NONE);
	assert_int_equal(b.c.steps.marked, before + 1);
	say_decision(&b, request, NET_SECOND_LEGAL, true, &other);
	hand_ok(&b, &other, HANDED_TAKEN, VOID_NONE);
	assert_int_equal(b.c.steps.marked, before + 1);
}

/* Not said to be taken before the token has it. */
static void
not_taken_without_the_token(void **state)
{
	struct handed_answer	a;
	struct err		err;

	(void)state;
	ordered("standard");
	bench_unmark(&b);
	say_decision(&b, request, NET_LEGAL, false, &said);
	assert_int_not_equal(hand(&b, 0, &said, &a, &err), RC_OK);
	/* Durable all the same, and bars. */
	assert_int_equal(handed_n(&b), 1);
	refused("denial");
	assert_int_not_equal(hand(&b, 0, &said, &a, &err), RC_OK);
}

/* A yes that waits is no reason to overlook a no of the same person. */
static void
denial_after_an_approval(void **state)
{
	(void)state;
	ordered("standard");
	say_decision(&b, request, NET_SECOND_LEGAL, true, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	contributes();
	say_decision(&b, request, NET_SECOND_LEGAL, false, &other);
	hand_ok(&b, &other, HANDED_TAKEN, VOID_NONE);
	refused("denial");
}

/* One that ran out while it waited makes room for the same said anew. */
static void
said_anew(void **state)
{
	struct statement	s;
	struct slot		slot;
	struct err		err;

	(void)state;
	ordered("standard");
	say_decision(&b, request, NET_LEGAL, false, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	net_statement(&b.net, &s, STATEMENT_DECISION);
	memcpy(s.subject, request, 32);
	key_id(&b.net.person[NET_LEGAL].signer.key, s.signer);
	{
		uint8_t	key[SLOT_KEY_BYTES];

		slot_key_of(&s, key);
		ok(slot_find(&b.c, key, &slot, &err), &err);
	}
	slot.expires = clock_now() - 1;
	ok(slot_put(&b.c, &slot, buf_view(&said.dsse), NULL, 0, &err), &err);
	say(&s, &b.net.person[NET_LEGAL], &other);
	hand_ok(&b, &other, HANDED_TAKEN, VOID_NONE);
	assert_int_equal(handed_n(&b), 1);
	assert_true(bench_journalled(&b, JOURNAL_HANDED, other.id));
	assert_false(bench_journalled(&b, JOURNAL_HANDED, said.id));
	refused("denial");
}

static void
would_be_void(void **state)
{
	struct statement	s;

	(void)state;
	ordered("standard");
	/* Another network's, by the same person's key. */
	net_statement(&b.net, &s, STATEMENT_DECISION);
	memcpy(s.subject, request, 32);
	s.genesis[0] ^= 1;
	say(&s, &b.net.person[NET_LEGAL], &said);
	hand_ok(&b, &said, HANDED_REFUSED, VOID_GENESIS);
	said_done(&said);
	/* Expired. */
	b.net.now = clock_now() - 4000;
	say_decision(&b, request, NET_LEGAL, false, &said);
	hand_ok(&b, &said, HANDED_REFUSED, VOID_EXPIRED);
	said_done(&said);
	b.net.now = clock_now();
	/* Their own. */
	say_decision(&b, request, NET_REQUESTER, false, &said);
	hand_ok(&b, &said, HANDED_REFUSED, VOID_OWN_REQUEST);
	said_done(&said);
	/* A key that is not theirs to revoke; one that nobody has. */
	say_revocation(&b, &b.net.person[NET_LEGAL], NET_REQUESTER, &said);
	hand_ok(&b, &said, HANDED_REFUSED, VOID_ROLE);
	said_done(&said);
	say_revocation(&b, &b.net.person[NET_STRANGER], NET_LEGAL, &said);
	hand_ok(&b, &said, HANDED_REFUSED, VOID_UNKNOWN_SUBJECT);
	said_done(&said);
	/* With a key that was revoked. */
	assert_true(net_revoke(&b.net, &b.net.person[NET_COMPLIANCE], &b.net.person[NET_COMPLIANCE]).effective);
	bench_sync(&b, 4);
	say_decision(&b, request, NET_COMPLIANCE, false, &said);
	hand_ok(&b, &said, HANDED_REFUSED, VOID_REVOKED_KEY);
	said_done(&said);
	/* Another log. */
	net_statement(&b.net, &s, STATEMENT_DECISION);
	memcpy(s.subject, request, 32);
	s.seen_root[0] ^= 1;
	say(&s, &b.net.person[NET_LEGAL], &said);
	hand_ok(&b, &said, HANDED_REFUSED, VOID_SEEN);
	assert_int_equal(handed_n(&b), 0);
}

static void
nobodys(void **state)
{
	char	*sig;

	(void)state;
	ordered("standard");
	say_decision(&b, request, NET_STRANGER, false, &said);
	fails(&said, 0, RC_VERIFY, "nobody");
	said_done(&said);
	say_decision(&b, request, NET_LEGAL, false, &said);
	sig = memmem(said.dsse.p, said.dsse.n, "\"sig\":\"", 7);
	assert_non_null(sig);
	sig[7] = sig[7] == 'A' ? 'B' : 'A';
	fails(&said, 0, RC_VERIFY, "nobody");
	fails(&said, 2, RC_VERIFY, "nobody");
	contributes();
}

static void
no_statement(void **state)
{
	struct statement	s;

	(void)state;
	ordered("standard");
	said.dsse = BUF_INIT(65536);
	said.blob = BUF_INIT(1);
	fails(&said, 0, RC_FORMAT, "no statement");
	buf_span(&said.dsse, SPAN_STR("{\"payload\":\"\"}"));
	fails(&said, 0, RC_FORMAT, "no statement");
	said_done(&said);
	/* Not for a custodian. */
	net_statement(&b.net, &s, STATEMENT_ORDER);
	memcpy(s.subject, request, 32);
	buf_span(&s.bytes, buf_view(&b.net.worker));
	say(&s, &b.net.log, &said);
	fails(&said, 0, RC_FORMAT, "of type order");
	fails(&said, 2, RC_FORMAT, "of type order");
}

/* --- what did not come here yet ------------------------------------------------------------------ */

static void
behind(void **state)
{
	uint8_t	newer[32];

	(void)state;
	ordered("standard");
	net_requested(&b.net, &batch->artifact, 1, "standard", newer);
	say_decision(&b, newer, NET_LEGAL, false, &said);
	fails(&said, 0, RC_UNSURE, "entries");
	bench_sync(&b, 4);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
}

static void
unknown_subject(void **state)
{
	(void)state;
	ordered("standard");
	order[0] ^= 1;
	say_decision(&b, order, NET_LEGAL, false, &said);
	fails(&said, 0, RC_UNSURE, "not in the");
	said_done(&said);
	say_withdrawal(&b, order, NET_LEGAL, &said);
	fails(&said, 0, RC_UNSURE, "not in the");
	said_done(&said);
	say_receipt(&b, order, 2, &said);
	fails(&said, 2, RC_UNSURE, "not in the");
}

static void
before_the_log(void **state)
{
	(void)state;
	memset(request, 1, sizeof(request));
	say_decision(&b, request, NET_LEGAL, false, &said);
	fails(&said, 0, RC_UNSURE, "not come yet");
}

/* --- requests, with what they name ----------------------------------------------------------------- */

struct seen_row {
	size_t		n, blobs;
	struct span	dsse, blob;
	bool		match;
};

static enum rc
on_row(void *user, const struct handed_row *row, struct err *err)
{
	struct seen_row	*k = user;

	(void)err;
	k->n++;
	k->blobs = row->n_blobs;
	k->match = span_eq(row->dsse, k->dsse) && memcmp(row->id, said.id, 32) == 0 &&
	    (row->n_blobs == 0 || span_eq(row->blob[0], k->blob));
	assert_int_equal(row->type, STATEMENT_REQUEST);
	assert_string_equal(row->who, "requester");
	assert_false(row->no);
	assert_int_equal(row->from, 0);
	return RC_OK;
}

static void
a_request(void **state)
{
	struct seen_row	k = { .n = 0 };
	uint8_t		digest[32];
	struct err	err;
	bool		has;

	(void)state;
	batch = bench_seal(&b, "standard");
	bench_sync(&b, 4);
	b.net.now = clock_now();
	say_request(&b, batch, "standard", &said);
	{
		struct said	bare = { said.dsse, { 0 }, BUF_INIT(1) };

		fails(&bare, 0, RC_MISSING, "scope");
	}
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	/* Kept with it, and nowhere else. */
	sha256_one(digest, buf_view(&said.blob));
	ok(store_blob_has(b.c.store, digest, &has, &err), &err);
	assert_false(has);
	k.dsse = buf_view(&said.dsse);
	k.blob = buf_view(&said.blob);
	bench_restart(&b);
	ok(handed_each(&b.c, NULL, 10, on_row, &k, &err), &err);
	assert_int_equal(k.n, 1);
	assert_int_equal(k.blobs, 1);
	assert_true(k.match);
	ok(handed_each(&b.c, said.id, 10, on_row, &k, &err), &err);
	assert_int_equal(k.n, 1);
	assert_true(logged(&said).effective);
	assert_int_equal(handed_n(&b), 0);
}

static void
blob_too_large(void **state)
{
	(void)state;
	batch = bench_seal(&b, "standard");
	bench_sync(&b, 4);
	b.net.now = clock_now();
	{
		struct statement	s;

		said.blob = BUF_INIT(1 << 20);
		(void)buf_extend(&said.blob, HANDED_BLOB_MAX + 1);
		net_request(&b.net, &batch->artifact, 1, "standard", &s);
		sha256_one(s.subject, buf_view(&said.blob));
		say(&s, &b.net.person[NET_REQUESTER], &other);
		buf_span(&other.blob, buf_view(&said.blob));
		fails(&other, 0, RC_LIMIT, "ask for less");
	}
}

/* --- receipts of others ------------------------------------------------------------------------------- */

static void
receipts_of_peers(void **state)
{
	(void)state;
	ordered("standard");
	say_receipt(&b, order, 3, &said);
	fails(&said, 0, RC_FORMAT, "of type receipt");
	{
		struct handed_answer	a;
		struct err		err;

		ok(hand(&b, 2, &said, &a, &err), &err);
		assert_int_equal(a.fate, HANDED_TAKEN);
	}
	/* It is expected in the log, and bars nothing. */
	assert_int_equal(handed_n(&b), 1);
	contributes();
	assert_true(logged(&said).effective);
	assert_int_equal(handed_n(&b), 0);
}

static void
receipt_in_another_name(void **state)
{
	struct statement	s;

	(void)state;
	ordered("standard");
	net_statement(&b.net, &s, STATEMENT_RECEIPT);
	memcpy(s.subject, order, 32);
	s.u.receipt.custodian = 3;
	s.u.receipt.count = 4;
	say(&s, &b.net.signing[3], &said);
	fails(&said, 4, RC_VERIFY, "nobody");
}

static enum rc
count_row(void *user, const struct handed_row *row, struct err *err)
{
	unsigned	*n = user;

	(void)err;
	assert_int_equal(row->type, STATEMENT_RECEIPT);
	assert_string_equal(row->who, "custodian 1");
	assert_memory_equal(row->subject, order, 32);
	assert_true(row->dsse.n > 0);
	assert_true(row->since + 60 > clock_now());
	(*n)++;
	return RC_OK;
}

static void
own_receipts_are_shown(void **state)
{
	unsigned	n = 0;
	struct err	err;

	(void)state;
	ordered("standard");
	ok(handed_own_receipts(&b.c, 16, count_row, &n, &err), &err);
	assert_int_equal(n, 0);
	contributes();
	ok(handed_own_receipts(&b.c, 16, count_row, &n, &err), &err);
	assert_int_equal(n, 1);
}

/* --- bounds -------------------------------------------------------------------------------------------- */

static const uint8_t	somebody[32] = "somebody's key";

static void
full(const char *word)
{
	struct handed_answer	a;
	struct err		err;
	uint32_t		n = handed_n(&b);

	assert_int_equal(hand(&b, said.dsse.n != 0 && strcmp(word, "peer") == 0 ? 2 : 0, &said, &a, &err), RC_LIMIT);
	assert_non_null(strstr(b.c.words, "too many"));
	assert_int_equal(handed_n(&b), n);
}

static void
no_more_of_one_signer(void **state)
{
	uint8_t	key[32];

	(void)state;
	ordered("standard");
	key_id(&b.net.person[NET_LEGAL].signer.key, key);
	say_decision(&b, request, NET_LEGAL, false, &said);
	fill_slots(&b, KIND_DENIAL, key, HANDED_NO_MAX - 1, 0);
	fill_slots(&b, KIND_WITHDRAWAL, key, 1, 0);
	full("no");
	/* Others are heard. */
	say_decision(&b, request, NET_COMPLIANCE, false, &other);
	hand_ok(&b, &other, HANDED_TAKEN, VOID_NONE);
}

static void
no_more_at_all(void **state)
{
	(void)state;
	ordered("standard");
	say_decision(&b, request, NET_LEGAL, false, &said);
	fill_slots(&b, KIND_DENIAL, somebody, HANDED_MAX - HANDED_NO_SURE, 0);
	fill_slots_of(&b, "legal", KIND_REVOCATION, somebody, HANDED_NO_SURE, 0);
	full("all");
}

/* Whatever others had room for: a few "no"s of each person, whichever key signs them. */
static void
room_for_everybody(void **state)
{
	(void)state;
	ordered("standard");
	say_decision(&b, request, NET_LEGAL, false, &said);
	fill_slots(&b, KIND_REVOCATION, somebody, HANDED_MAX + 100, 0);
	fill_slots_of(&b, "legal", KIND_WITHDRAWAL, somebody, HANDED_NO_SURE - 1, 0);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	refused("denial");
	said_done(&said);
	say_decision(&b, request, NET_SECOND_COMPLIANCE, true, &said);
	full("all");
	said_done(&said);
	say_revocation(&b, &b.net.person[NET_LEGAL], NET_LEGAL, &said);
	full("all");
}

static void
requests_and_approvals(void **state)
{
	uint8_t	key[32];

	(void)state;
	ordered("standard");
	key_id(&b.net.person[NET_SECOND_LEGAL].signer.key, key);
	say_decision(&b, request, NET_SECOND_LEGAL, true, &said);
	fill_slots(&b, KIND_APPROVAL, key, HANDED_OTHER_OWN - 1, 0);
	fill_slots(&b, KIND_REQUEST, key, 1, 0);
	full("own");
	/* A "no" of the same person has a place. */
	say_decision(&b, request, NET_SECOND_LEGAL, false, &other);
	hand_ok(&b, &other, HANDED_TAKEN, VOID_NONE);
}

static void
requests_and_approvals_of_all(void **state)
{
	(void)state;
	ordered("standard");
	say_decision(&b, request, NET_SECOND_LEGAL, true, &said);
	fill_slots(&b, KIND_APPROVAL, somebody, HANDED_OTHER_MAX, 0);
	full("others");
	say_decision(&b, request, NET_LEGAL, false, &other);
	hand_ok(&b, &other, HANDED_TAKEN, VOID_NONE);
}

static void
blobs_of_all(void **state)
{
	(void)state;
	batch = bench_seal(&b, "standard");
	bench_sync(&b, 4);
	b.net.now = clock_now();
	say_request(&b, batch, "standard", &said);
	fill_slots(&b, KIND_REQUEST, somebody, 1, HANDED_BLOBS_MAX - (uint32_t)said.blob.n + 1);
	full("blobs");
}

static void
receipts_of_one(void **state)
{
	uint8_t	key[32];

	(void)state;
	ordered("standard");
	key_id(&b.net.signing[1].signer.key, key);
	say_receipt(&b, order, 2, &said);
	fill_slots(&b, KIND_RECEIPT, key, HANDED_RECEIPTS_OWN, 0);
	full("peer");
}

/* --- what is over ------------------------------------------------------------------------------------------ */

static void
backdate(enum handed_kind kind, const uint8_t subject[32], when expires)
{
	struct slot	s;
	struct err	err;

	memset(&s, 0, sizeof(s));
	s.key[0] = (uint8_t)kind;
	memcpy(s.key + 1, subject, 32);
	s.id[0] = (uint8_t)kind;
	s.expires = expires;
	s.since = 1;
	strcpy(s.who, "somebody");
	ok(slot_put(&b.c, &s, SPAN_STR("a statement"), NULL, 0, &err), &err);
}

static void
forgets_what_is_over(void **state)
{
	/* By the log's time as well, which is a minute behind. */
	when	long_ago = clock_now() - HANDED_KEEP - 100;

	(void)state;
	ordered("standard");
	backdate(KIND_APPROVAL, request, long_ago);
	backdate(KIND_REQUEST, request, long_ago + 120);
	backdate(KIND_DENIAL, request, long_ago);
	backdate(KIND_REVOCATION, somebody, long_ago);
	bench_sync(&b, 4);
	/* The approval: what it was about is still open, and so the denial stays. */
	assert_int_equal(handed_n(&b), 3);
	refused("denial");
	assert_true(net_withdraw(&b.net, request, NET_REQUESTER).effective);
	bench_sync(&b, 4);
	assert_int_equal(handed_n(&b), 2);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest	tests[] = {
		TEST(veto),
		TEST(denial_without_veto),
		TEST(withdrawal_of_the_request),
		TEST(withdrawal_of_an_approval),
		TEST(revocation_of_the_requester),
		TEST(revocation_of_an_approver),
		TEST(revocation_of_somebody_else),
		TEST(no_to_another),
		TEST(approval_does_not_count),
		TEST(broken_copy_in_the_log),
		TEST(void_in_the_log),
		TEST(logged_too_late),
		TEST(another_that_says_the_same),
		TEST(another_withdrawal),
		TEST(withdrawn_twice),
		TEST(runs_out_at_once),
		TEST(approval_logged_too_late),
		TEST(forgotten_with_the_entry_or_not_at_all),
		TEST(taken_once),
		TEST(a_no_is_a_step),
		TEST(not_taken_without_the_token),
		TEST(denial_after_an_approval),
		TEST(said_anew),
		TEST(would_be_void),
		TEST(nobodys),
		TEST(no_statement),
		TEST(behind),
		TEST(unknown_subject),
		TEST(before_the_log),
		TEST(a_request),
		TEST(blob_too_large),
		TEST(receipts_of_peers),
		TEST(receipt_in_another_name),
		TEST(own_receipts_are_shown),
		TEST(no_more_of_one_signer),
		TEST(no_more_at_all),
		TEST(room_for_everybody),
		TEST(requests_and_approvals),
		TEST(requests_and_approvals_of_all),
		TEST(blobs_of_all),
		TEST(receipts_of_one),
		TEST(forgets_what_is_over),
	};
	int	failed;

	if (!bench_place_up(&place))
		return 0;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_place_down(&place);
	return failed;
}

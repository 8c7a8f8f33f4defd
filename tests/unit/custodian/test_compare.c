/* Custodians compare notes: who is believed, what contradicts, and what follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/custodian/hand.h"
#include "tests/unit/custodian/peer.h"
#include "tests/unit/fault.h"

#define BIG	((size_t)1 << 22)

static struct bench_place	place;
static struct bench		b;
static struct err		err;

/* Four entries, all sent; nobody has been compared with. */
static int
up(void **state)
{
	(void)state;
	bench_up(&b, &place);
	for (size_t i = 0; i < 3; i++)
		(void)bench_seal(&b, "standard");
	bench_forget(&b);
	bench_sync(&b, 0);
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
ok(enum rc rc)
{
	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), err.msg);
}

static void
answers(uint8_t peer)
{
	struct peer_answer	a = PEER_ANSWER(peer);

	ok(peer_answers(&b, &a, &err));
}

/* Is so much of the log cosigned? */
static bool
cosigns_at(uint64_t size)
{
	struct bench_sending		 s = bench_sending(&b);
	Quorate__V1__AppendReply	*r = NULL;
	bool				 does;

	s.size = s.checkpoint = size;
	ok(bench_send(&b, &s, &r, &err));
	assert_int_equal(r->size, size);	/* what is taken is another matter */
	does = r->cosignature.len != 0;
	bench_reply_free(r);
	return does;
}

/* What it shows now? */
static bool
cosigns(void)
{
	return cosigns_at(b.net.log_entries.n);
}

static void
seal_more(size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)bench_seal(&b, "standard");
}

static bool
accused(void)
{
	AUTO_DONE(buf_done) struct buf	v = BUF_INIT(BIG);
	struct note_key			log, witness[NET_N];
	struct accusation		a;
	enum rc				rc = store_get(b.c.store, CUSTODY_ACCUSATION, &v, &err);
	const struct charter		*c = replica_charter(b.net.replica);

	if (rc == RC_MISSING)
		return false;
	ok(rc);
	/* What is kept convinces strangers. */
	ok(charter_log_note_key(c, &log, &err));
	for (uint8_t i = 0; i < NET_N; i++)
		ok(charter_witness_note_key(c, (uint8_t)(i + 1), &witness[i], &err));
	ok(accusation_verify(buf_view(&v), &log, witness, NET_N, &a, &err));
	assert_int_equal(compare_calm(&b.c, &err), RC_DENIED);
	return true;
}

static bool
suspects(void)
{
	bool	does = b.c.comparing.suspicion.n != 0;

	if (does)
		assert_int_equal(compare_calm(&b.c, &err), RC_DENIED);
	return does;
}

/* --- ready ------------------------------------------------------------------------------ */

/* 5, f = 1, q = 4: three peers. */
static void
needs_three(void **state)
{
	(void)state;
	assert_int_equal(compare_need(replica_charter(b.net.replica)), 3);
	assert_false(cosigns());
	answers(2);
	answers(2);		/* the same once more is not another */
	answers(3);
	assert_int_equal(compare_ready(&b.c, &err), RC_UNSURE);
	assert_non_null(strstr(err.msg, "2 of the 3 peers"));
	assert_false(cosigns());
	answers(5);
	ok(compare_ready(&b.c, &err));
	ok(compare_calm(&b.c, &err));
	assert_true(cosigns());
	bench_restart(&b);
	bench_forget(&b);	/* a start knows nobody */
	assert_false(cosigns());
}

/* How many are needed, over charters. */
static void
need(void **state)
{
	static const struct { uint8_t n, f, q; unsigned need; } rows[] = {
		{ 5, 1, 4, 3 }, { 5, 0, 3, 3 }, { 7, 2, 5, 5 }, { 2, 0, 2, 1 }, { 3, 0, 2, 2 }, { 4, 1, 3, 3 },
		{ 31, 10, 21, 21 },
	};
	AUTO(charter_free) struct charter *c = NULL;

	(void)state;
	ok(charter_parse(buf_view(&b.net.charter_json), &c, &err));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		c->n = rows[i].n;
		c->f = rows[i].f;
		c->q = rows[i].q;
		assert_int_equal(compare_need(c), rows[i].need);
	}
	c->n = 5;
}

static void
forged(void **state)
{
	(void)state;
	for (int lie = LIE_NONE + 1; lie < LIES; lie++) {
		struct peer_answer	a = PEER_ANSWER(2);

		a.size = 4;
		a.cosigned = 3;
		a.steps = 7;
		a.seen = 2;
		a.lie = (enum peer_lie)lie;
		if (lie == LIE_UNSIGNED)
			ok(peer_answers(&b, &a, &err));
		else
			assert_int_equal(peer_answers(&b, &a, &err), RC_VERIFY);
		assert_false(b.c.comparing.peer[1].fresh);
		a.lie = LIE_NONE;
		ok(peer_answers(&b, &a, &err));
		assert_true(b.c.comparing.peer[1].fresh);
		b.c.comparing.peer[1].fresh = false;
	}
}

/* An answer to an earlier question, in the place of one to this. */
static void
replayed(void **state)
{
	Quorate__V1__ExchangeRequest	*q = peer_asked(&b, 2);
	AUTO_DONE(buf_done) struct buf	 old = BUF_INIT(BIG);
	struct peer_answer		 a = PEER_ANSWER(2);

	(void)state;
	peer_reply(&b, &a, q, &old);
	quorate__v1__exchange_request__free_unpacked(q, NULL);
	q = peer_asked(&b, 2);
	assert_int_equal(peer_heard(&b, 2, buf_view(&old), NULL, &err), RC_VERIFY);
	/* Nor is a second answer to one question looked at: that would be guessing. */
	buf_reset(&old);
	peer_reply(&b, &a, q, &old);
	quorate__v1__exchange_request__free_unpacked(q, NULL);
	ok(peer_heard(&b, 2, buf_view(&old), NULL, &err));
	assert_false(b.c.comparing.peer[1].fresh);
	/* Another's answer. */
	q = peer_asked(&b, 3);
	buf_reset(&old);
	peer_reply(&b, &a, q, &old);
	quorate__v1__exchange_request__free_unpacked(q, NULL);
	assert_int_equal(peer_heard(&b, 3, buf_view(&old), NULL, &err), RC_VERIFY);
	assert_int_equal(peer_heard(&b, 1, buf_view(&old), NULL, &err), RC_DENIED);
	assert_int_equal(peer_heard(&b, 6, buf_view(&old), NULL, &err), RC_DENIED);
	assert_int_equal(peer_heard(&b, 0, buf_view(&old), NULL, &err), RC_DENIED);
}

/* Each truncation, in a block of its own. */
static void
cut_short(void **state)
{
	AUTO_DONE(buf_done) struct buf	 reply = BUF_INIT(BIG), out = BUF_INIT(16);
	Quorate__V1__ExchangeRequest	*q = peer_asked(&b, 2);
	struct peer_answer		 a = PEER_ANSWER(2);

	(void)state;
	a.size = a.cosigned = 4;
	a.state_size = 4;
	peer_reply(&b, &a, q, &reply);
	quorate__v1__exchange_request__free_unpacked(q, NULL);
	for (size_t n = 0; n < reply.n; n++) {
		uint8_t	*p = malloc(n + 1);

		p[0] = 2;
		memcpy(p + 1, reply.p, n);
		buf_reset(&out);
		if (custody_heard(&b.c, SPAN(p, n + 1), &out, &err) == RC_OK)
			assert_int_equal(out.n, 1);
		assert_false(b.c.comparing.peer[1].fresh);
		free(p);
	}
	assert_int_equal(custody_heard(&b.c, SPAN(NULL, 0), &out, &err), RC_FORMAT);
	assert_int_equal(custody_outgoing(&b.c, SPAN("\2\2", 2), &out, &err), RC_FORMAT);
	assert_int_equal(custody_outgoing(&b.c, SPAN("\1", 1), &out, &err), RC_DENIED);
	assert_false(accused());
	assert_false(suspects());
}

/* What a quorum cosigned, as any of them knows it, must be here first. */
static void
behind_its_peers(void **state)
{
	struct peer_answer	a = PEER_ANSWER(2);

	(void)state;
	a.size = a.cosigned = 6;
	a.proof = true;
	ok(peer_answers(&b, &a, &err));
	answers(3);
	answers(4);
	assert_int_equal(compare_ready(&b.c, &err), RC_UNSURE);
	assert_non_null(strstr(err.msg, "holds 4 entries, a quorum cosigned 6"));
	assert_false(cosigns());
}

/* A note that is short of a quorum is no reason to wait, nor to believe its bearer. */
static void
short_of_a_quorum(void **state)
{
	struct peer_answer	a = PEER_ANSWER(2);

	(void)state;
	a.cosigned = 6;
	a.cosigners = 3;
	assert_int_equal(peer_answers(&b, &a, &err), RC_QUORUM);
	assert_false(b.c.comparing.peer[1].fresh);
	assert_int_equal(b.c.comparing.target, 0);
}

static void
reaches_its_peers(void **state)
{
	struct peer_answer	a = PEER_ANSWER(2);

	(void)state;
	(void)bench_seal(&b, "standard");
	a.size = a.cosigned = 5;
	a.proof = true;
	ok(peer_answers(&b, &a, &err));
	answers(3);
	answers(4);
	assert_int_equal(compare_ready(&b.c, &err), RC_UNSURE);
	assert_true(cosigns());		/* in the very append that brings it there */
}

/* --- two logs ------------------------------------------------------------------------------ */

static enum rc
note(uint64_t fork, uint64_t size, unsigned cosigners)
{
	AUTO_DONE(buf_done) struct buf	n = BUF_INIT(BIG);

	peer_note(&b, fork, size, cosigners, &n);
	return compare_note(&b.c, buf_view(&n), &err);
}

/* Ours is of size 4. */
static void
conflict_of_one_size(void **state)
{
	(void)state;
	ok(note(NO_FORK, 4, 0));
	assert_false(accused());
	ok(note(2, 4, 0));
	assert_true(accused());
}

static void
conflict_with_a_smaller(void **state)
{
	(void)state;
	ok(note(NO_FORK, 3, 0));
	ok(note(NO_FORK, 1, 0));
	assert_false(accused());
	ok(note(1, 3, 0));
	assert_true(accused());
}

/* It may be what comes next. */
static void
larger_alone_says_nothing(void **state)
{
	(void)state;
	assert_int_equal(note(2, 5, 0), RC_UNSURE);
	assert_int_equal(note(2, 5, 4), RC_UNSURE);
	assert_false(accused());
	assert_false(suspects());
}

static void
conflict_with_a_larger(void **state)
{
	struct peer_answer	a = PEER_ANSWER(2);

	(void)state;
	a.size = 7;
	a.proof = true;
	ok(peer_answers(&b, &a, &err));		/* the same log, further on */
	assert_false(accused());
	a.fork = 4;
	ok(peer_answers(&b, &a, &err));		/* from where we are on */
	assert_false(accused());
	a.fork = 3;
	ok(peer_answers(&b, &a, &err));
	assert_true(accused());
}

/* What does not prove it is the peer's fault, and stops nobody. */
static void
wrong_proof(void **state)
{
	struct peer_answer	a = PEER_ANSWER(2);

	(void)state;
	a.size = 7;
	a.fork = 3;
	a.proof = a.wrong_proof = true;
	assert_int_equal(peer_answers(&b, &a, &err), RC_VERIFY);
	a.fork = NO_FORK;		/* the root is made up */
	assert_int_equal(peer_answers(&b, &a, &err), RC_VERIFY);
	assert_false(accused());
	assert_false(suspects());
	ok(compare_calm(&b.c, &err));
}

static void
notes_of_others(void **state)
{
	struct test_key	log = b.net.log;

	(void)state;
	b.net.log = b.net.sealer;
	assert_int_equal(note(2, 4, 0), RC_VERIFY);
	b.net.log = log;
	assert_int_equal(compare_note(&b.c, SPAN_STR("a\n\n"), &err), RC_FORMAT);
	assert_false(accused());
	assert_false(suspects());
}

/* Brought by the coordinator itself. */
static void
brought_with_an_append(void **state)
{
	struct bench_sending		 s = bench_sending(&b);
	Quorate__V1__AppendReply	*r = NULL;

	(void)state;
	s.other_root = true;
	assert_int_equal(bench_send(&b, &s, &r, &err), RC_VERIFY);
	assert_true(accused());
}

static void
forget_shown(void)
{
	static const uint8_t	none[8 + 32];

	ok(store_put(b.c.store, CUSTODY_SHOWN, SPAN_OF(none), &err));
}

/* Nothing that the log signed covers what is here: no proof, until something does. */
static void
suspicion_until_proved(void **state)
{
	(void)state;
	forget_shown();
	b.c.words[0] = '\0';
	ok(note(2, 3, 0));
	assert_false(accused());
	assert_true(suspects());
	ok(note(1, 4, 0));		/* one is enough */
	assert_true(suspects());
	answers(2);
	answers(3);
	answers(4);
	assert_false(accused());
	assert_true(cosigns());		/* 4, which accuses */
	assert_true(accused());
	assert_false(suspects());
	assert_true(cosigns());
}

static void
suspicion_of_a_process(void **state)
{
	(void)state;
	forget_shown();
	ok(note(2, 3, 0));
	assert_true(suspects());
	bench_restart(&b);
	assert_false(suspects());
	ok(compare_calm(&b.c, &err));
}

/* An accusation is for good, and for releases; it goes from hand to hand. */
static void
accused_by_a_peer(void **state)
{
	AUTO_DONE(buf_done) struct buf	 a = BUF_INIT(BIG), n = BUF_INIT(BIG), m = BUF_INIT(BIG), kept = BUF_INIT(BIG);
	const struct charter		*c = replica_charter(b.net.replica);
	struct peer_answer		 from = PEER_ANSWER(3);
	Quorate__V1__ExchangeRequest	*q;
	struct tree_path		 path;
	struct note_key			 log;
	uint8_t				 root[32];

	(void)state;
	ok(charter_log_note_key(c, &log, &err));
	peer_note(&b, 7, 9, 0, &n);		/* far beyond us, both */
	peer_note(&b, 8, 12, 0, &m);
	peer_root(&b, 8, 9, root);
	peer_path(&b, 8, 9, 12, &path);
	ok(accusation_write(buf_view(&n), buf_view(&m), root, &path, &log, NULL, 0, &a, &err));
	a.p[60] ^= 1;
	from.accusation = buf_view(&a);
	assert_int_not_equal(peer_answers(&b, &from, &err), RC_OK);
	assert_false(accused());
	a.p[60] ^= 1;
	ok(peer_answers(&b, &from, &err));
	assert_true(accused());
	/* The first is kept, also over a restart; who is known to have one is not sent it. */
	bench_restart(&b);
	ok(note(2, 4, 0));
	ok(store_get(b.c.store, CUSTODY_ACCUSATION, &kept, &err));
	assert_true(span_eq(buf_view(&kept), buf_view(&a)));
	q = peer_asked(&b, 4);
	assert_true(span_eq(SPAN(q->accusation.data, q->accusation.len), buf_view(&a)));
	quorate__v1__exchange_request__free_unpacked(q, NULL);
	from.instance = 77;
	from.accusation = SPAN(NULL, 0);
	ok(peer_answers(&b, &from, &err));
	q = peer_asked(&b, 3);			/* it answered the question that carried it */
	assert_int_equal(q->accusation.len, 0);
	quorate__v1__exchange_request__free_unpacked(q, NULL);
	from.accusation = buf_view(&a);
	ok(peer_answers(&b, &from, &err));
	q = peer_asked(&b, 3);
	assert_int_equal(q->accusation.len, 0);
	quorate__v1__exchange_request__free_unpacked(q, NULL);
	assert_true(cosigns());
}

/* --- what peers saw of us -------------------------------------------------------------------- */

/* One may lie about it; of two of them one is honest. */
static void
forgot(void **state)
{
	struct peer_answer	a = PEER_ANSWER(2);
	uint8_t			root[32];

	(void)state;
	seal_more(2);
	a.steps = 1000000;
	a.seen = 4;
	ok(peer_answers(&b, &a, &err));
	assert_false(b.c.steps.restored);
	a.peer = 3;
	a.steps = 90;
	a.size = 6;
	ok(peer_answers(&b, &a, &err));
	assert_true(b.c.steps.restored);
	assert_int_equal(b.c.steps.steps, 90);
	assert_int_equal(b.c.steps.floor, 6);		/* the largest of what the log signed among the answers */
	peer_root(&b, NO_FORK, 6, root);
	assert_memory_equal(b.c.steps.floor_root, root, 32);
	assert_true(b.c.steps.since == UINT64_MAX);
	answers(4);
	ok(compare_ready(&b.c, &err));
	assert_false(cosigns_at(4));			/* may have been signed as another */
	/* Of what its peers were shown, no request counts: who knows what it did for it. */
	assert_true(b.c.steps.since == UINT64_MAX);
	assert_false(cosigns_at(5));
	assert_true(b.c.steps.since == UINT64_MAX);
	assert_true(cosigns_at(6));			/* that root again */
	assert_true(b.c.steps.since == 6);
}

/* Whichever answer comes last, and whoever was it that made f+1. */
static void
forgot_more(void **state)
{
	struct peer_answer	a = PEER_ANSWER(2);

	(void)state;
	a.steps = 90;
	a.size = 4;
	ok(peer_answers(&b, &a, &err));
	a.peer = 3;
	ok(peer_answers(&b, &a, &err));
	assert_int_equal(b.c.steps.floor, 4);
	a.peer = 4;
	a.fork = 4;
	a.size = 5;				/* of another log than we shall be shown */
	ok(peer_answers(&b, &a, &err));
	ok(compare_ready(&b.c, &err));
	seal_more(1);
	assert_false(cosigns());
	assert_int_equal(b.c.steps.floor, 5);
	seal_more(1);
	assert_false(cosigns());
	bench_restart(&b);
	assert_false(cosigns());
	bench_sync(&b, 4);			/* a quorum went that way */
	seal_more(1);
	assert_true(cosigns());
}

/* The log signed it for us alone, but f+1 heard of it from us. */
static void
forgot_what_peers_saw(void **state)
{
	struct peer_answer	a = PEER_ANSWER(2);

	(void)state;
	seal_more(3);
	a.steps = 90;
	a.size = 4;
	a.seen = 7;
	ok(peer_answers(&b, &a, &err));
	assert_int_equal(b.c.comparing.most, 4);	/* one may say what it likes */
	a.peer = 3;
	a.seen = 6;
	ok(peer_answers(&b, &a, &err));
	assert_int_equal(b.c.comparing.most, 6);
	a.peer = 4;
	a.seen = 7;
	ok(peer_answers(&b, &a, &err));
	ok(compare_ready(&b.c, &err));
	assert_false(cosigns_at(5));
	assert_false(cosigns_at(6));
	assert_true(cosigns_at(7));		/* with the root that both say */
	assert_int_equal(b.c.steps.floor, 7);
}

/* Put back as it ran, it has no start: peers have seen more of it, which one nonce more proves. */
static void
forgot_as_it_ran(void **state)
{
	struct peer_answer	a = PEER_ANSWER(2);

	(void)state;
	for (a.peer = 2; a.peer <= 4; a.peer++)
		ok(peer_answers(&b, &a, &err));
	assert_true(cosigns());
	a.steps = 90;
	for (a.peer = 2; a.peer <= 3; a.peer++)
		ok(peer_answers(&b, &a, &err));
	assert_false(b.c.steps.restored);	/* nothing signed */
	a.peer = 2;
	ok(peer_answers(&b, &a, &err));
	assert_false(b.c.steps.restored);	/* one */
	a.peer = 3;
	ok(peer_answers(&b, &a, &err));
	assert_true(b.c.steps.restored);
	assert_int_equal(b.c.steps.steps, 90);
	/* Once more the same is no news. */
	ok(peer_answers(&b, &a, &err));
	assert_true(b.c.comparing.peer[2].fresh);
}

/* What an answer names is taken in before it counts. */
static void
fresh_at_the_end(void **state)
{
	struct peer_answer	a = PEER_ANSWER(2);

	(void)state;
	a.accusation = SPAN_STR("nonsense");
	assert_int_equal(peer_answers(&b, &a, &err), RC_FORMAT);
	assert_false(b.c.comparing.peer[1].fresh);
	answers(2);
	assert_true(b.c.comparing.peer[1].fresh);
}

/* What it knows of itself anyway. */
static void
nothing_forgotten(void **state)
{
	struct peer_answer	a = PEER_ANSWER(2);

	(void)state;
	for (a.peer = 2; a.peer <= 5; a.peer++) {
		a.steps = b.c.steps.steps;
		ok(peer_answers(&b, &a, &err));
	}
	assert_false(b.c.steps.restored);
	assert_true(cosigns());
}

/* --- what we saw of peers ---------------------------------------------------------------------- */

static void
see(uint64_t steps, uint64_t size, uint8_t instance)
{
	struct peer_answer	a = PEER_ANSWER(2);

	a.own_steps = steps;
	a.size = size;
	a.instance = instance;
	ok(peer_answers(&b, &a, &err));
}

static void
peer_put_back(void **state)
{
	struct compared_peer	*p = &b.c.comparing.peer[1];

	(void)state;
	see(5, 3, 1);
	see(9, 4, 1);
	assert_false(p->back || p->twice);
	see(8, 4, 1);		/* said before, and overtaken by what it said next */
	assert_false(p->back || p->twice);
	see(9, 4, 2);		/* started again */
	assert_false(p->back || p->twice);
	see(8, 2, 3);		/* from an older copy */
	assert_true(p->back);
	assert_int_equal(p->past.steps, 9);
	assert_int_equal(p->past.size, 4);
	see(10, 4, 3);
	assert_false(p->back);
	see(10, 4, 2);		/* the one before still runs */
	assert_true(p->twice);
	assert_memory_equal(p->instance, "\3\3", 2);
	see(10, 4, 4);
	assert_false(p->twice);
}

static void
remembered(void **state)
{
	struct compared_peer	*p = &b.c.comparing.peer[1];
	uint8_t			 root[32];

	(void)state;
	b.c.comparing.stored_ms = 0;
	see(8, 4, 7);
	assert_false(b.c.comparing.dirty);	/* whether the log grows or not, but not each time */
	see(9, 4, 7);
	assert_true(b.c.comparing.dirty);
	assert_false(cosigns());		/* an append writes it */
	assert_false(b.c.comparing.dirty);
	bench_restart(&b);
	bench_forget(&b);
	see(2, 0, 8);
	assert_true(p->back);
	assert_int_equal(p->past.steps, 9);
	assert_int_equal(p->past.size, 4);
	peer_root(&b, NO_FORK, 4, root);
	assert_memory_equal(p->past.root, root, 32);
	assert_memory_equal(p->replaced, "\7\7", 2);
}

/* --- states ------------------------------------------------------------------------------------- */

static uint8_t
state_of(uint8_t peer, uint64_t size, uint64_t other)
{
	AUTO_DONE(buf_done) struct buf	 reply = BUF_INIT(BIG);
	Quorate__V1__ExchangeRequest	*q = peer_asked(&b, peer);
	struct peer_answer		 a = PEER_ANSWER(peer);
	uint8_t				 again = 9;

	a.state_size = size;
	a.other_state = other;
	peer_reply(&b, &a, q, &reply);
	quorate__v1__exchange_request__free_unpacked(q, NULL);
	ok(peer_heard(&b, peer, buf_view(&reply), &again, &err));
	return again;
}

static void
other_states(void **state)
{
	unsigned	n = 0;

	(void)state;
	(void)state_of(2, 4, 0);
	ok(compare_calm(&b.c, &err));
	assert_int_equal(state_of(3, 4, 2), 1);
	assert_true(b.c.comparing.peer[2].differs);
	ok(compare_calm(&b.c, &err));		/* one may lie */
	while (state_of(3, 4, 2) == 1)
		assert_true(++n < 4);
	assert_int_equal(b.c.comparing.differs_at, 3);	/* entry 2 */
	(void)state_of(4, 4, 2);
	assert_int_equal(compare_calm(&b.c, &err), RC_DENIED);
	assert_non_null(strstr(err.msg, "2 peers have another state"));
	assert_non_null(strstr(err.msg, "entry 2"));
	(void)state_of(4, 4, 0);		/* it has mended itself */
	(void)state_of(4, 4, 0);
	ok(compare_calm(&b.c, &err));
}

/* --- what a peer asks ------------------------------------------------------------------------------ */

static enum rc
asks(uint8_t from, const Quorate__V1__ExchangeRequest *q, Quorate__V1__ExchangeReply **ret)
{
	AUTO_DONE(buf_done) struct buf	request = BUF_INIT(BIG), reply = BUF_INIT(BIG);
	enum rc				rc;

	(void)quorate__v1__exchange_request__pack(q,
	    buf_extend(&request, quorate__v1__exchange_request__get_packed_size(q)));
	b.c.from = from;
	rc = custody_exchange(&b.c, buf_view(&request), &reply, &err);
	if (rc == RC_OK)
		*ret = quorate__v1__exchange_reply__unpack(NULL, reply.n, reply.p);
	return rc;
}

static uint8_t	zeros[64];

static Quorate__V1__ExchangeRequest
question(void)
{
	Quorate__V1__ExchangeRequest	q = QUORATE__V1__EXCHANGE_REQUEST__INIT;

	q.instance = (ProtobufCBinaryData){ 16, zeros };
	return q;
}

static void
reply_free(Quorate__V1__ExchangeReply *r)
{
	quorate__v1__exchange_reply__free_unpacked(r, NULL);
}

/* The example of exchange-v1 section 3. */
static void
what_is_signed(void **state)
{
	AUTO_DONE(buf_done) struct buf	message = BUF_INIT(BIG);
	Quorate__V1__ExchangeReply	none = QUORATE__V1__EXCHANGE_REPLY__INIT;
	struct exchange_facts		f = { .peer = 3, .asker = 1, .size = 5, .asker_past = { .steps = 7, .size = 4 } };
	uint8_t				digest[32];
	char				hex[HEX_BYTES(32)];

	(void)state;
	memset(f.genesis, 1, 32);
	memset(f.nonce, 2, 32);
	memset(f.root, 3, 32);
	memset(f.asker_past.root, 4, 32);
	ok(exchange_statements(&none, f.statements, &err));
	exchange_message(&f, &message);
	assert_int_equal(message.n, 246);
	sha256_one(digest, buf_view(&message));
	assert_string_equal(hex_write(SPAN_OF(digest), hex),
	    "c18883e5306141dcc10e65a606ad97586ac1933030446e408545aafa94528de5");
}

static void
answers_to_a_nonce(void **state)
{
	AUTO_DONE(buf_done) struct buf	 message = BUF_INIT(BIG), n = BUF_INIT(BIG);
	Quorate__V1__ExchangeRequest	 q = question();
	Quorate__V1__ExchangeReply	*r = NULL;
	struct exchange_facts		 f = { .peer = 1, .asker = 3, .size = 4, .asker_past = { .steps = 6, .size = 2 } };
	struct checkpoint		 cp;

	(void)state;
	peer_note(&b, NO_FORK, 2, 0, &n);
	q.nonce = (ProtobufCBinaryData){ 32, zeros };
	q.steps = 6;
	q.checkpoint = (ProtobufCBinaryData){ n.n, n.p };
	ok(asks(3, &q, &r));
	memcpy(f.genesis, b.net.genesis, 32);
	peer_root(&b, NO_FORK, 4, f.root);
	peer_root(&b, NO_FORK, 2, f.asker_past.root);
	sha256_one(f.statements, SPAN(NULL, 0));
	exchange_message(&f, &message);
	assert_int_equal(r->signature.len, 64);
	ok(key_verify(&replica_charter(b.net.replica)->custodian[0].signing_key, buf_view(&message), r->signature.data,
	    &err));
	ok(charter_checkpoint_verify(replica_charter(b.net.replica), SPAN(r->checkpoint.data, r->checkpoint.len), false,
	    &cp, NULL, &err));
	assert_int_equal(cp.size, 4);
	assert_int_equal(r->root.len, 32);
	assert_memory_equal(r->root.data, f.asker_past.root, 32);
	assert_int_equal(r->steps, 6);
	assert_int_equal(r->size, 2);
	reply_free(r);
	/* Not as often as it likes; another is not kept waiting by it. */
	ok(asks(3, &q, &r));
	assert_int_equal(r->signature.len, 0);
	reply_free(r);
	ok(asks(4, &q, &r));
	assert_int_equal(r->signature.len, 64);
	reply_free(r);
	b.c.comparing.peer[2].signed_ms -= COMPARE_SIGNED_MS;
	ok(asks(3, &q, &r));
	assert_int_equal(r->signature.len, 64);
	reply_free(r);
}

/* What the asker has is not sent. */
static void
short_when_nothing_is_new(void **state)
{
	Quorate__V1__ExchangeRequest	 q = question(), *idle;
	Quorate__V1__ExchangeReply	*r = NULL;
	size_t				 bytes;

	(void)state;
	bench_compare(&b);
	bench_sync(&b, 4);
	ok(asks(2, &q, &r));
	assert_int_not_equal(r->checkpoint.len, 0);
	assert_int_not_equal(r->cosigned.len, 0);
	reply_free(r);
	/* What idle custodians ask each other, both ways: docs/adr/0012. */
	answers(2);
	idle = peer_asked(&b, 2);
	assert_int_equal(idle->nonce.len, 0);
	ok(asks(2, idle, &r));
	assert_int_equal(r->checkpoint.len + r->cosigned.len, 0);
	bytes = quorate__v1__exchange_request__get_packed_size(idle) + quorate__v1__exchange_reply__get_packed_size(r);
	print_message("%zu bytes\n", bytes);
	assert_true(bytes < 700);
	quorate__v1__exchange_request__free_unpacked(idle, NULL);
	reply_free(r);
}

static void
refused_questions(void **state)
{
	AUTO_DONE(buf_done) struct buf	 n = BUF_INIT(BIG), reply = BUF_INIT(BIG);
	Quorate__V1__ExchangeRequest	 q = question(), good = q;
	Quorate__V1__ExchangeReply	*r = NULL;

	(void)state;
	assert_int_equal(asks(0, &q, &r), RC_DENIED);
	assert_int_equal(asks(1, &q, &r), RC_DENIED);
	assert_int_equal(asks(6, &q, &r), RC_DENIED);
	q.instance.len = 15;
	assert_int_equal(asks(2, &q, &r), RC_FORMAT);
	q = good;
	q.nonce = (ProtobufCBinaryData){ 31, zeros };
	assert_int_equal(asks(2, &q, &r), RC_FORMAT);
	q = good;
	q.state_size = 1;
	assert_int_equal(asks(2, &q, &r), RC_FORMAT);
	q = good;
	q.accusation = (ProtobufCBinaryData){ 8, zeros };
	assert_int_equal(asks(2, &q, &r), RC_FORMAT);
	q = good;
	peer_note(&b, NO_FORK, 4, 0, &n);
	*((uint8_t *)memchr(n.p, '\n', n.n) + 1) = '3';	/* its size, and the log's signature is of another */
	q.checkpoint = (ProtobufCBinaryData){ n.n, n.p };
	assert_int_equal(asks(2, &q, &r), RC_VERIFY);
	b.c.from = 2;
	assert_int_equal(custody_exchange(&b.c, SPAN("\377", 1), &reply, &err), RC_FORMAT);
	assert_false(b.c.comparing.dirty);
}

/* It may have a succession that did not come here: it is answered, and its note says nothing. */
static void
asked_under_a_strange_key(void **state)
{
	AUTO_DONE(buf_done) struct buf	 n = BUF_INIT(BIG);
	Quorate__V1__ExchangeRequest	 q = question();
	Quorate__V1__ExchangeReply	*r = NULL;
	struct test_key			 log = b.net.log;

	(void)state;
	b.net.log = b.net.sealer;
	peer_note(&b, 1, 4, 3, &n);
	b.net.log = log;
	q.checkpoint = (ProtobufCBinaryData){ n.n, n.p };
	ok(asks(2, &q, &r));
	reply_free(r);
	assert_int_equal(b.c.comparing.peer[1].past.size, 0);
	assert_false(accused());
	assert_false(suspects());
	assert_int_equal(store_size(b.c.store), 4);
}

/* One that asks and asks is heard now and then; the others as ever. */
static void
asks_too_often(void **state)
{
	Quorate__V1__ExchangeRequest	 q = question();
	Quorate__V1__ExchangeReply	*r = NULL;

	(void)state;
	for (unsigned i = 0; i < COMPARE_ASKED_MAX; i++) {
		ok(asks(2, &q, &r));
		reply_free(r);
	}
	assert_int_equal(asks(2, &q, &r), RC_LIMIT);
	ok(asks(3, &q, &r));
	reply_free(r);
	b.c.comparing.peer[1].asks.since -= COMPARE_ASKED_MS;
	ok(asks(2, &q, &r));
	reply_free(r);
}

/* The asker's own note accuses as well. */
static void
accused_by_a_question(void **state)
{
	AUTO_DONE(buf_done) struct buf	 n = BUF_INIT(BIG);
	Quorate__V1__ExchangeRequest	 q = question();
	Quorate__V1__ExchangeReply	*r = NULL;

	(void)state;
	peer_note(&b, 2, 3, 0, &n);
	q.checkpoint = (ProtobufCBinaryData){ n.n, n.p };
	ok(asks(2, &q, &r));
	assert_true(accused());
	assert_int_not_equal(r->accusation.len, 0);		/* and the asker gets it */
	reply_free(r);
}

/* --- statements --------------------------------------------------------------------------------------- */

static void
passed_on(void **state)
{
	struct said			 said = { .dsse = BUF_INIT(BIG), .blob = BUF_INIT(BIG) };
	uint8_t				 request[32], order[32];
	Quorate__V1__ExchangeRequest	*q, ask = question();
	Quorate__V1__ExchangeReply	*r = NULL;
	Quorate__V1__Handed		 h = QUORATE__V1__HANDED__INIT;
	ProtobufCBinaryData		 id;
	struct peer_answer		 a = PEER_ANSWER(3);

	(void)state;
	bench_compare(&b);
	b.net.now = clock_now() - 60;
	bench_order(&b, bench_seal(&b, "veto"), "veto", request, order);
	bench_sync(&b, 4);
	say_decision(&b, request, NET_LEGAL, false, &said);
	h.statement = (ProtobufCBinaryData){ said.dsse.n, said.dsse.p };
	/* From 3, in an answer; 3 is told that it arrived, and everybody else gets it. */
	a.statement = &h;
	ok(peer_answers(&b, &a, &err));
	assert_true(bench_contribute(&b, order, NULL, &err) == RC_DENIED);
	assert_non_null(strstr(b.c.words, "denial"));
	q = peer_asked(&b, 3);
	assert_int_equal(q->n_statements, 0);
	assert_int_equal(q->n_taken, 1);
	assert_memory_equal(q->taken[0].data, said.id, 32);
	quorate__v1__exchange_request__free_unpacked(q, NULL);
	q = peer_asked(&b, 2);
	assert_int_equal(q->n_statements, 1);
	assert_true(span_eq(SPAN(q->statements[0]->statement.data, q->statements[0]->statement.len), buf_view(&said.dsse)));
	quorate__v1__exchange_request__free_unpacked(q, NULL);
	ok(asks(2, &ask, &r));
	assert_int_equal(r->n_statements, 1);
	reply_free(r);
	/* 2 says that it holds it. */
	id = (ProtobufCBinaryData){ 32, said.id };
	ask.n_taken = 1;
	ask.taken = &id;
	ok(asks(2, &ask, &r));
	assert_int_equal(r->n_statements, 0);
	reply_free(r);
	q = peer_asked(&b, 2);
	assert_int_equal(q->n_statements, 0);
	quorate__v1__exchange_request__free_unpacked(q, NULL);
	/* Until it starts again, perhaps from an older copy. */
	a = PEER_ANSWER(2);
	a.instance = 99;
	ok(peer_answers(&b, &a, &err));
	q = peer_asked(&b, 2);
	assert_int_equal(q->n_statements, 1);
	quorate__v1__exchange_request__free_unpacked(q, NULL);
	said_done(&said);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest	tests[] = {
		TEST(needs_three), TEST(need), TEST(forged), TEST(replayed), TEST(cut_short), TEST(behind_its_peers),
		TEST(short_of_a_quorum), TEST(reaches_its_peers), TEST(conflict_of_one_size), TEST(conflict_with_a_smaller),
		TEST(larger_alone_says_nothing), TEST(conflict_with_a_larger), TEST(wrong_proof), TEST(notes_of_others),
		TEST(brought_with_an_append), TEST(suspicion_until_proved), TEST(suspicion_of_a_process),
		TEST(accused_by_a_peer), TEST(forgot), TEST(forgot_more), TEST(forgot_what_peers_saw),
		TEST(forgot_as_it_ran), TEST(fresh_at_the_end), TEST(nothing_forgotten), TEST(peer_put_back), TEST(remembered),
		TEST(other_states), TEST(what_is_signed), TEST(answers_to_a_nonce), TEST(short_when_nothing_is_new), TEST(refused_questions),
		TEST(asked_under_a_strange_key),
		TEST(asks_too_often), TEST(accused_by_a_question), TEST(passed_on),
	};
	int	rc;

	if (!bench_place_up(&place))
		return 0;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_place_down(&place);
	return rc;
}

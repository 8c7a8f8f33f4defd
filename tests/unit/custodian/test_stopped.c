/* A charter under rules that this version does not know comes in force: the replica stops before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "custodian/methods.h"
#include "tests/unit/custodian/hand.h"
#include "tests/unit/custodian/peer.h"

#define BIG	((size_t)1 << 22)

static struct bench_place	place;
static struct bench		b;
static struct err		err;
static uint64_t			at;		/* the entry that would put it in force */

static void
ok(enum rc rc)
{
	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), err.msg);
}

/* Proposed, approved, and consented to by all the others: the fourth consent is the last entry. */
static int
up(void **state)
{
	static const struct net_edit	next[] = { { "rules", "2" } };
	struct buf			doc = BUF_INIT(BIG), dsse = BUF_INIT(BIG);
	struct statement		s;
	struct verdict			v;
	uint8_t				id[32];

	(void)state;
	bench_up(&b, &place);
	(void)bench_seal(&b, "standard");
	net_next(&b.net, next, 1, &doc);
	net_approved(&b.net, buf_view(&doc), id);
	for (uint8_t i = 2; i <= 4; i++)
		assert_true(net_consent(&b.net, id, i).effective);
	bench_sync(&b, 4);
	at = b.net.log_entries.n;
	net_statement(&b.net, &s, STATEMENT_CONSENT);
	memcpy(s.subject, id, 32);
	s.u.consent.custodian = 5;
	ok(statement_sign(&s, &b.net.signing[4].signer, &dsse, &err));
	statement_done(&s);
	assert_int_equal(net_log_try(&b.net, buf_view(&dsse), &v, &err), RC_FORMAT);
	buf_done(&doc);
	buf_done(&dsse);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	bench_down(&b);
	return 0;
}

static Quorate__V1__AppendReply *
append(const struct bench_sending *s)
{
	Quorate__V1__AppendReply	*r = NULL;

	ok(bench_send(&b, s, &r, &err));
	return r;
}

static void
shows_it(Quorate__V1__AppendReply *r)
{
	assert_int_equal(r->size, at);
	assert_int_equal(r->cosignature.len, 0);
	assert_non_null(strstr(r->health->doubt, "rules 2"));
	assert_non_null(strstr(r->health->doubt, "install a version"));
	bench_reply_free(r);
}

static void
stops_before_it(void **state)
{
	struct bench_sending	s = bench_sending(&b);

	(void)state;
	shows_it(append(&s));
	assert_int_equal(store_size(b.c.store), at);
	assert_true(b.c.stopped.is);
	assert_int_equal(b.c.stopped.index, at);
	/* It does not go on, and says so again and again, after a start as well. */
	shows_it(append(&s));
	bench_restart(&b);
	ok(stopped_load(&b.c, &err));
	assert_true(b.c.stopped.is);
	shows_it(append(&s));
}

/* What came before it in the same page is kept. */
static void
keeps_what_came_before(void **state)
{
	struct bench_sending	s;

	(void)state;
	bench_down(&b);
	(void)up(state);
	bench_stop(&b);
	{
		char	path[160];

		for (const char *const *end = (const char *const[]){ "", "-wal", "-shm", NULL }; *end != NULL; end++) {
			snprintf(path, sizeof(path), "%s/test.db%s", place.root, *end);
			(void)remove(path);
		}
	}
	bench_unmark(&b);
	ok(bench_start(&b, STORE_CREATE, &err));
	b.c.index = 0;
	s = bench_sending(&b);
	shows_it(append(&s));
}

static void
signs_nothing(void **state)
{
	AUTO_DONE(buf_done) struct buf	question = BUF_INIT(BIG), reply = BUF_INIT(BIG);
	struct bench_sending		s = bench_sending(&b);
	Quorate__V1__ExchangeRequest	q = QUORATE__V1__EXCHANGE_REQUEST__INIT;
	Quorate__V1__ExchangeReply	*a;
	Quorate__V1__AppendReply	*r;
	uint8_t				nonce[32] = { 1 }, instance[16] = { 2 };
	int				wait_ms;

	(void)state;
	bench_reply_free(append(&s));
	assert_int_equal(custody_willing(&b.c, clock_now(), &err), RC_DENIED);
	/* Not what it signed before the stop, either. */
	s.size = s.checkpoint = at;
	s.first = at;
	r = append(&s);
	assert_int_equal(r->cosignature.len, 0);
	assert_int_equal(r->n_held, 0);
	bench_reply_free(r);
	ok(check_work(&b.c, clock_now(), &wait_ms, &err));
	assert_int_equal(wait_ms, -1);
	/* A peer is answered, without a signature. */
	q.nonce = (ProtobufCBinaryData){ sizeof(nonce), nonce };
	q.instance = (ProtobufCBinaryData){ sizeof(instance), instance };
	(void)quorate__v1__exchange_request__pack(&q, buf_extend(&question, quorate__v1__exchange_request__get_packed_size(&q)));
	b.c.from = 2;
	ok(custody_exchange(&b.c, buf_view(&question), &reply, &err));
	b.c.from = 0;
	a = quorate__v1__exchange_reply__unpack(NULL, reply.n, reply.p);
	assert_non_null(a);
	assert_int_equal(a->signature.len, 0);
	assert_int_equal(a->state_size, at);
	quorate__v1__exchange_reply__free_unpacked(a, NULL);
}

/* Whoever merely reached us cannot stop it: the page must be the log's. */
static void
not_for_a_stranger(void **state)
{
	struct bench_sending		s = bench_sending(&b);
	Quorate__V1__AppendReply	*r = NULL;

	(void)state;
	s.stranger = true;
	assert_int_equal(bench_send(&b, &s, &r, &err), RC_VERIFY);
	assert_false(b.c.stopped.is);
	/* A note that the log did sign, but not over the entry that stops. */
	s = bench_sending(&b);
	s.checkpoint = at;
	assert_int_equal(bench_send(&b, &s, &r, &err), RC_VERIFY);
	assert_false(b.c.stopped.is);
	bench_restart(&b);
	ok(stopped_load(&b.c, &err));
	assert_false(b.c.stopped.is);
	ok(custody_willing(&b.c, clock_now(), &err));
}

/* A version that knows the rules takes the entry, and nothing is left of it. */
static void
goes_on_with_a_later_version(void **state)
{
	struct bench_sending	s = bench_sending(&b);

	(void)state;
	bench_reply_free(append(&s));
	ok(stopped_over(&b.c, at - 1, &err));
	assert_true(b.c.stopped.is);
	ok(stopped_over(&b.c, at, &err));
	assert_false(b.c.stopped.is);
	ok(stopped_load(&b.c, &err));
	assert_false(b.c.stopped.is);
	ok(custody_willing(&b.c, clock_now(), &err));
}

/* What the listener asks: whose charter is in force. */
static void
the_listener_is_told(void **state)
{
	AUTO_DONE(buf_done) struct buf	reply = BUF_INIT(BIG);
	const struct charter		*c = replica_charter(b.c.replica);
	uint8_t				other[32] = { 9 };

	(void)state;
	ok(custody_in_force(&b.c, SPAN_OF(c->digest), &reply, &err));
	assert_int_equal(reply.n, 1);
	assert_int_equal(reply.p[0], 1);
	buf_reset(&reply);
	ok(custody_in_force(&b.c, SPAN_OF(other), &reply, &err));
	assert_true(span_eq(SPAN(reply.p + 1, reply.n - 1), buf_view(&c->bytes)));
	assert_int_equal(custody_in_force(&b.c, SPAN(other, 31), &reply, &err), RC_FORMAT);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest	tests[] = {
		TEST(stops_before_it),
		TEST(keeps_what_came_before),
		TEST(signs_nothing),
		TEST(not_for_a_stranger),
		TEST(goes_on_with_a_later_version),
		TEST(the_listener_is_told),
	};
	int	failed;

	if (!bench_place_up(&place))
		return 0;
	place.amendable = true;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_place_down(&place);
	return failed;
}

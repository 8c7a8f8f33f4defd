/* What somebody who reached the keeper, but is not the log, cannot make it do; and what it owes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/wire.h"
#include "tests/unit/custodian/bench.h"

#define BIG	((size_t)1 << 22)

static struct bench_place	place;
static struct bench		b;

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
refused(const struct bench_sending *s, enum rc want, uint64_t stays)
{
	Quorate__V1__AppendReply	*r = NULL;
	struct err			 err;

	assert_int_equal(bench_send(&b, s, &r, &err), want);
	assert_null(r);
	assert_int_equal(store_size(b.c.store), stays);
}

/* --- no entries but the log's own ------------------------------------------------------ */

static void
no_entry_without_checkpoint(void **state)
{
	struct bench_sending	s;

	(void)state;
	(void)bench_seal(&b, "standard");
	(void)bench_seal(&b, "standard");
	s = bench_sending(&b);
	s.checkpoint = 0;
	refused(&s, RC_VERIFY, 0);
	s = bench_sending(&b);
	s.stranger = true;
	refused(&s, RC_VERIFY, 0);
	/* One that ends before the page does says nothing about the rest of it. */
	s = bench_sending(&b);
	s.checkpoint = 2;
	refused(&s, RC_VERIFY, 0);
	s = bench_sending(&b);
	s.size = 2;		/* a larger one, and no proof that it goes on from here */
	s.no_path = true;
	refused(&s, RC_VERIFY, 0);
	bench_sync(&b, 0);
}

/* The log goes on; what was there before is no excuse. */
static void
no_more_entries_without_checkpoint(void **state)
{
	struct bench_sending	s;

	(void)state;
	bench_sync(&b, 4);
	(void)bench_seal(&b, "standard");
	s = bench_sending(&b);
	s.checkpoint = 0;
	refused(&s, RC_VERIFY, 1);
	s = bench_sending(&b);
	s.checkpoint = 1;
	refused(&s, RC_VERIFY, 1);
	bench_sync(&b, 4);
}

static void
page_by_page(void **state)
{
	struct bench_sending		 s;
	Quorate__V1__AppendReply	*r = NULL;
	struct err			 err;

	(void)state;
	for (int i = 0; i < 4; i++)
		(void)bench_seal(&b, "standard");
	for (uint64_t size = 1; size <= 5; size++) {
		s = bench_sending(&b);
		s.size = size;
		s.no_shares = true;
		ok(bench_send(&b, &s, &r, &err), &err);
		assert_int_equal(r->size, size);
		/* Only what the checkpoint ends with is cosigned. */
		assert_int_equal(r->cosignature.len != 0, size == 5);
		bench_reply_free(r);
	}
}

/* What waits for our clock is under the checkpoint too. */
static void
altered_while_it_waits(void **state)
{
	struct bench_sending		 s;
	Quorate__V1__AppendReply	*r = NULL;
	struct err			 err;

	(void)state;
	(void)bench_seal(&b, "standard");
	b.net.now = clock_now() + CLOCK_AHEAD_MAX + 100;
	(void)bench_seal(&b, "standard");
	s = bench_sending(&b);
	s.alter = 2;
	refused(&s, RC_VERIFY, 0);
	s = bench_sending(&b);
	ok(bench_send(&b, &s, &r, &err), &err);
	assert_int_equal(r->size, 2);
	assert_int_equal(r->cosignature.len, 0);
	bench_reply_free(r);
}

/* --- bounds ------------------------------------------------------------------------------ */

enum many { ENTRIES, BLOBS, SHARES, PATH };

/* Two bytes of a message each: `one` is as the wire has it. */
static enum rc
send_many(enum many what, size_t n, struct err *err)
{
	static const uint8_t	one[][2] = { [ENTRIES] = { 0x12, 0 }, [BLOBS] = { 0x1a, 0 },
	    [SHARES] = { 0x22, 0 }, [PATH] = { 0x3a, 0 } };
	AUTO_DONE(buf_done) struct buf	q = BUF_INIT(BIG), reply = BUF_INIT(1 << 20);

	buf_add(&q, "\x08\x05", 2);	/* first = 5: a gap, so that nothing else refuses */
	for (size_t i = 0; i < n; i++)
		buf_add(&q, one[what], 2);
	return custody_append(&b.c, buf_view(&q), &reply, err);
}

static void
every_list_has_a_bound(void **state)
{
	static const size_t	most[] = { [ENTRIES] = 1024, [BLOBS] = 2048, [SHARES] = 256, [PATH] = 64 };
	struct err		err;

	(void)state;
	for (enum many what = ENTRIES; what <= PATH; what++) {
		ok(send_many(what, most[what], &err), &err);
		assert_int_equal(send_many(what, most[what] + 1, &err), RC_LIMIT);
	}
}

/* A batch that is held, named as often as a call may: the answer fits a frame. */
static void
the_longest_answer_fits(void **state)
{
	AUTO_DONE(buf_done) struct buf	q = BUF_INIT(BIG), reply = BUF_INIT(1 << 20);
	Quorate__V1__AppendReply	*r;
	struct err			 err;

	(void)state;
	(void)bench_seal(&b, "standard");
	bench_sync(&b, 0);
	for (int i = 0; i < 256; i++)
		buf_add(&q, "\x22\x02\x08\x01", 4);
	ok(custody_append(&b.c, buf_view(&q), &reply, &err), &err);
	r = quorate__v1__append_reply__unpack(NULL, reply.n, reply.p);
	assert_non_null(r);
	assert_int_equal(r->n_held, 256);
	bench_reply_free(r);
}

/* --- receipts that are owed ---------------------------------------------------------------- */

static uint8_t	request[32], order[32];

static void
ordered(void)
{
	struct bench_batch	*batch;

	b.net.now = clock_now() - 60;
	batch = bench_seal(&b, "standard");
	bench_order(&b, batch, "standard", request, order);
	bench_sync(&b, 4);
}

static void
owe(when since)
{
	struct statement	s;
	uint8_t			key[OWED_KEY_BYTES];
	struct err		err;

	memset(&s, 0, sizeof(s));
	s.issued = since;
	custody_owed_key(&s, key);
	ok(store_journal_put(b.c.store, JOURNAL_RECEIPT, SPAN_OF(key), SPAN_STR("a receipt"), &err), &err);
}

/* Its charter gives a receipt 600 seconds. */
static void
overdue_receipt(void **state)
{
	Quorate__V1__ContributeReply	*c = NULL;
	Quorate__V1__AppendReply	*r = NULL;
	struct bench_sending		 s;
	struct err			 err;

	(void)state;
	ordered();
	owe(clock_now() - 590);
	ok(bench_contribute(&b, order, &c, &err), &err);
	quorate__v1__contribute_reply__free_unpacked(c, NULL);
	/* One of them is enough, however many came after; and for an answer that was given as well. */
	owe(clock_now() - 602);
	assert_int_equal(bench_contribute(&b, order, &c, &err), RC_DENIED);
	assert_non_null(strstr(b.c.words, "receipt"));
	/* It goes on cosigning, and hands over what it owes, the oldest first. */
	s = bench_sending(&b);
	ok(bench_send(&b, &s, &r, &err), &err);
	assert_true(r->cosignature.len != 0);
	assert_int_equal(r->n_receipts, 3);
	assert_memory_equal(r->receipts[0].data, "a receipt", 9);
	bench_reply_free(r);
}

/* Its like with a signature that is not ours discharges nothing. */
static void
forged_receipt(void **state)
{
	Quorate__V1__ContributeReply	*c = NULL;
	Quorate__V1__AppendReply	*r = NULL;
	struct bench_sending		 s;
	struct err			 err;
	char				*sig;

	(void)state;
	ordered();
	ok(bench_contribute(&b, order, &c, &err), &err);
	b.net.now = clock_now();
	sig = memmem(c->receipt.data, c->receipt.len, "\"sig\":\"", 7);
	assert_non_null(sig);
	sig[7] = sig[7] == 'A' ? 'B' : 'A';
	assert_false(net_log_dsse(&b.net, SPAN(c->receipt.data, c->receipt.len)).effective);
	s = bench_sending(&b);
	s.cosigners = 4;
	ok(bench_send(&b, &s, &r, &err), &err);
	assert_int_equal(r->n_receipts, 1);
	bench_reply_free(r);
	quorate__v1__contribute_reply__free_unpacked(c, NULL);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest	tests[] = {
		TEST(no_entry_without_checkpoint),
		TEST(no_more_entries_without_checkpoint),
		TEST(page_by_page),
		TEST(altered_while_it_waits),
		TEST(every_list_has_a_bound),
		TEST(the_longest_answer_fits),
		TEST(overdue_receipt),
		TEST(forged_receipt),
	};
	int	failed;

	if (!bench_place_up(&place))
		return 0;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_place_down(&place);
	return failed;
}

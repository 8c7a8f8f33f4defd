/* What a custodian takes, keeps and cosigns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit/entry.h"
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

static Quorate__V1__AppendReply *
send_ok(const struct bench_sending *s)
{
	Quorate__V1__AppendReply	*r = NULL;
	struct err			 err;

	ok(bench_send(&b, s, &r, &err), &err);
	return r;
}

static void
refused(const struct bench_sending *s, enum rc want)
{
	Quorate__V1__AppendReply	*r = NULL;
	struct err			 err;

	assert_int_equal(bench_send(&b, s, &r, &err), want);
	assert_null(r);
}

/* The size and root of the record of what was cosigned last; false: none. */
static bool
signed_record(uint64_t *ret_size, uint8_t ret_root[32])
{
	AUTO_DONE(buf_done) struct buf	v = BUF_INIT(BIG);
	struct err			err;
	struct rd			r;
	enum rc				rc = store_get(b.c.store, CUSTODY_SIGNED, &v, &err);

	if (rc == RC_MISSING)
		return false;
	ok(rc, &err);
	r = rd_init(buf_view(&v));
	assert_true(rd_u64(&r, ret_size) && rd_bytes(&r, ret_root, 32) && !rd_done(&r));
	return true;
}

static void
record_signed(uint64_t size, const uint8_t root[32])
{
	AUTO_DONE(buf_done) struct buf	v = BUF_INIT(BIG);
	struct err			err;

	buf_u64(&v, size);
	buf_add(&v, root, 32);
	buf_u8(&v, '\n');
	ok(store_put(b.c.store, CUSTODY_SIGNED, buf_view(&v), &err), &err);
}

/* --- cosigning ------------------------------------------------------------------------- */

static void
cosigns_what_it_replayed(void **state)
{
	struct bench_sending		 s;
	Quorate__V1__AppendReply	*r;
	AUTO_DONE(buf_done) struct buf	 text = BUF_INIT(BIG);
	struct note_key			 key;
	uint8_t				 digest[32], root[32], of_record[32];
	uint64_t			 size;
	when				 time;
	struct err			 err;

	(void)state;
	(void)bench_seal(&b, "standard");
	s = bench_sending(&b);
	r = send_ok(&s);
	assert_int_equal(r->size, 2);
	assert_int_equal(r->rules, CHARTER_RULES);
	assert_int_equal(r->cosigned_size, 0);
	assert_int_equal(r->n_missing_shares, 0);
	ok(replica_state_digest(b.net.replica, digest, &err), &err);
	assert_int_equal(r->state_digest.len, 32);
	assert_memory_equal(r->state_digest.data, digest, 32);
	ok(charter_witness_note_key(replica_charter(b.net.replica), 1, &key, &err), &err);
	bench_text(&b, 2, false, &text);
	ok(cosignature_line_verify(SPAN(r->cosignature.data, r->cosignature.len), buf_view(&text), &key,
	    &time, &err), &err);
	assert_true(time + 60 > clock_now() && time <= clock_now());
	assert_true(signed_record(&size, of_record));
	tree_range_root(&b.net.range, root);
	assert_int_equal(size, 2);
	assert_memory_equal(of_record, root, 32);
	bench_reply_free(r);
}

/* What was committed is there after a restart; what is asked again is answered again. */
static void
asked_again(void **state)
{
	struct bench_sending		 s;
	Quorate__V1__AppendReply	*r, *again;

	(void)state;
	(void)bench_seal(&b, "standard");
	s = bench_sending(&b);
	r = send_ok(&s);
	bench_restart(&b);
	assert_int_equal(store_size(b.c.store), 2);
	again = send_ok(&s);
	assert_int_equal(again->size, 2);
	assert_true(again->cosignature.len > 0);
	assert_int_equal(r->n_held, 1);
	assert_int_equal(again->n_held, 1);
	/* The same statement, not a second one. */
	assert_int_equal(again->held[0].len, r->held[0].len);
	assert_memory_equal(again->held[0].data, r->held[0].data, r->held[0].len);
	bench_reply_free(r);
	bench_reply_free(again);
}

static void
altered_entry(void **state)
{
	struct bench_sending	s;

	(void)state;
	(void)bench_seal(&b, "standard");
	bench_sync(&b, 0);
	(void)bench_seal(&b, "standard");
	s = bench_sending(&b);
	s.first = 0;
	s.alter = 1;		/* here already, as another */
	refused(&s, RC_VERIFY);
	assert_int_equal(store_size(b.c.store), 2);
}

static void
another_root(void **state)
{
	struct bench_sending	s;
	uint64_t		size;
	uint8_t			root[32];

	(void)state;
	(void)bench_seal(&b, "standard");
	s = bench_sending(&b);
	s.other_root = true;
	refused(&s, RC_VERIFY);
	assert_int_equal(store_size(b.c.store), 0);
	assert_false(signed_record(&size, root));
	/* An entry that differs from the one the checkpoint covers. */
	s = bench_sending(&b);
	s.alter = 1;
	refused(&s, RC_VERIFY);
	assert_int_equal(store_size(b.c.store), 0);
	bench_sync(&b, 0);
}

static void
never_a_smaller_tree(void **state)
{
	struct bench_sending		 s;
	Quorate__V1__AppendReply	*r;
	uint64_t			 size;
	uint8_t				 root[32];

	(void)state;
	(void)bench_seal(&b, "standard");
	(void)bench_seal(&b, "standard");
	bench_sync(&b, 0);
	s = bench_sending(&b);
	s.checkpoint = 2;
	r = send_ok(&s);
	assert_int_equal(r->cosignature.len, 0);
	assert_true(signed_record(&size, root));
	assert_int_equal(size, 3);
	bench_reply_free(r);
}

/* A database that was restored: the log is there, but more was cosigned before. */
static void
never_a_smaller_tree_after_restore(void **state)
{
	static const uint8_t		 other[32] = { 1 };
	struct bench_sending		 s;
	Quorate__V1__AppendReply	*r;

	(void)state;
	(void)bench_seal(&b, "standard");
	s = bench_sending(&b);
	record_signed(3, other);
	r = send_ok(&s);
	assert_int_equal(r->size, 2);
	assert_int_equal(r->cosignature.len, 0);
	bench_reply_free(r);
}

static void
never_a_second_root(void **state)
{
	static const uint8_t		 other[32] = { 1 };
	struct bench_sending		 s;
	Quorate__V1__AppendReply	*r;
	uint64_t			 size;
	uint8_t				 root[32];

	(void)state;
	(void)bench_seal(&b, "standard");
	s = bench_sending(&b);
	record_signed(2, other);
	r = send_ok(&s);
	assert_int_equal(r->size, 2);
	assert_int_equal(r->cosignature.len, 0);
	assert_true(signed_record(&size, root));
	assert_memory_equal(root, other, 32);
	bench_reply_free(r);
}

/* A checkpoint beyond what came is none that was replayed, even when a proof leads to it. */
static void
not_what_it_has_not(void **state)
{
	struct bench_sending		 s;
	Quorate__V1__AppendReply	*r;

	(void)state;
	(void)bench_seal(&b, "standard");
	s = bench_sending(&b);
	s.checkpoint = 3;
	r = send_ok(&s);
	assert_int_equal(r->size, 2);
	assert_int_equal(r->cosignature.len, 0);
	bench_reply_free(r);
}

/* A checkpoint by somebody who is not the log. */
static void
not_another_logs(void **state)
{
	struct test_key		 log = b.net.log;
	struct bench_sending	 s = bench_sending(&b);

	(void)state;
	b.net.log = b.net.sealer;
	refused(&s, RC_VERIFY);
	b.net.log = log;
	assert_int_equal(store_size(b.c.store), 0);
	s = bench_sending(&b);
	bench_reply_free(send_ok(&s));
}

/* Nothing is cosigned that a power cut could take back. */
static void
commit_before_signature(void **state)
{
	struct bench_sending		 s;
	Quorate__V1__AppendReply	*r = NULL;
	uint64_t			 size;
	uint8_t				 root[32];
	struct err			 err;
	enum rc				 rc;

	(void)state;
	(void)bench_seal(&b, "standard");
	s = bench_sending(&b);
	bench_disk_full(true);
	rc = bench_send(&b, &s, &r, &err);
	bench_disk_full(false);
	assert_int_equal(rc, RC_IO);
	assert_null(r);
	bench_restart(&b);
	assert_int_equal(store_size(b.c.store), 0);
	assert_false(signed_record(&size, root));
	r = send_ok(&s);
	assert_true(r->cosignature.len > 0);
	bench_reply_free(r);
}

/* --- entries --------------------------------------------------------------------------------- */

static void
future_entries_wait(void **state)
{
	struct bench_sending		 s;
	Quorate__V1__AppendReply	*r;

	(void)state;
	b.net.now = clock_now() + CLOCK_AHEAD_MAX;	/* the clock goes on: at most this much */
	(void)bench_seal(&b, "standard");
	b.net.now += 100;
	(void)bench_seal(&b, "standard");
	/* What comes after it waits with it, whatever its date. */
	b.net.now = clock_now();
	(void)net_log_dsse(&b.net, SPAN_STR("no statement"));
	s = bench_sending(&b);
	r = send_ok(&s);
	assert_int_equal(r->size, 2);
	assert_int_equal(r->cosignature.len, 0);
	/* The shares of the one that waits wait too. */
	assert_int_equal(r->n_held, 1);
	assert_int_equal(r->n_missing_shares, 1);
	assert_int_equal(r->missing_shares[0], 2);
	bench_reply_free(r);
}

static void
no_blob_no_entry(void **state)
{
	struct bench_sending	s;

	(void)state;
	(void)bench_seal(&b, "standard");
	s = bench_sending(&b);
	s.no_blobs = true;
	refused(&s, RC_MISSING);
	assert_int_equal(store_size(b.c.store), 0);
	bench_sync(&b, 0);
	(void)bench_seal(&b, "standard");
	s = bench_sending(&b);
	s.no_blobs = true;
	refused(&s, RC_MISSING);
	assert_int_equal(store_size(b.c.store), 2);
	bench_sync(&b, 0);		/* and goes on */
}

static void
only_blobs_that_are_named(void **state)
{
	struct bench_sending	s = bench_sending(&b);
	uint8_t			digest[32];
	bool			has;
	struct err		err;

	(void)state;
	s.extra_blob = SPAN_STR("nobody named this");
	bench_reply_free(send_ok(&s));
	sha256_one(digest, s.extra_blob);
	ok(store_blob_has(b.c.store, digest, &has, &err), &err);
	assert_false(has);
	ok(store_blob_has(b.c.store, b.net.genesis, &has, &err), &err);
	assert_true(has);
}

static void
another_networks_log(void **state)
{
	struct bench_sending	s = bench_sending(&b);
	struct err		err;

	(void)state;
	b.c.genesis[0] ^= 1;
	replica_free(b.c.replica);
	ok(replica_new(store_state(b.c.store), b.c.genesis, &b.c.replica, &err), &err);
	refused(&s, RC_VERIFY);
	assert_non_null(strstr(b.c.words, "enrolled"));
	assert_int_equal(store_size(b.c.store), 0);
}

static void
gap(void **state)
{
	struct bench_sending		 s;
	Quorate__V1__AppendReply	*r;

	(void)state;
	(void)bench_seal(&b, "standard");
	s = bench_sending(&b);
	s.first = 1;
	s.no_shares = true;
	s.checkpoint = 0;
	r = send_ok(&s);
	assert_int_equal(r->size, 0);
	assert_int_equal(r->cosignature.len, 0);
	assert_int_equal(store_size(b.c.store), 0);
	bench_reply_free(r);
}

static void
malformed(void **state)
{
	AUTO_DONE(buf_done) struct buf	reply = BUF_INIT(BIG);
	struct err			err;

	(void)state;
	assert_int_equal(custody_append(&b.c, SPAN_STR("\xff\xff\xff"), &reply, &err), RC_FORMAT);
	assert_int_equal(custody_contribute(&b.c, SPAN_STR("\xff\xff\xff"), &reply, &err), RC_FORMAT);
	assert_int_equal(custody_contribute(&b.c, SPAN_STR("\x0a\x01x"), &reply, &err), RC_FORMAT);
	assert_int_equal(reply.n, 0);
}

/* --- shares -------------------------------------------------------------------------------- */

static void
says_what_it_holds(void **state)
{
	struct bench_batch		*batch = bench_seal(&b, "standard");
	struct bench_sending		 s = bench_sending(&b);
	Quorate__V1__AppendReply	*r = send_ok(&s);
	AUTO_DONE(dsse_done) struct dsse d;
	AUTO_DONE(statement_done) struct statement held;
	uint8_t				 digest[32], share[48];
	struct err			 err;

	(void)state;
	assert_int_equal(r->n_held, 1);
	ok(dsse_parse(SPAN(r->held[0].data, r->held[0].len), &d, &err), &err);
	ok(statement_parse(&d, &held, &err), &err);
	assert_int_equal(held.type, STATEMENT_HELD);
	assert_int_equal(held.u.held.custodian, 1);
	sha256_one(digest, buf_view(&batch->sealed.shares[0]));
	assert_memory_equal(held.u.held.shares, digest, 32);
	assert_true(dsse_signed_by(&d, &replica_charter(b.net.replica)->custodian[0].signing_key));
	ok(store_share(b.c.store, batch->index, 0, share, sizeof(share), &err), &err);
	assert_memory_equal(share, batch->sealed.shares[0].p, sizeof(share));
	bench_reply_free(r);
}

static void
not_the_shares_that_were_signed(void **state)
{
	struct bench_batch		*batch = bench_seal(&b, "standard");
	struct bench_sending		 s = bench_sending(&b);
	AUTO_DONE(buf_done) struct buf	 changed = BUF_INIT(BIG), more = BUF_INIT(BIG);
	const struct buf		*bad[3];
	Quorate__V1__AppendReply	*r;
	bool				 has;
	struct err			 err;

	(void)state;
	buf_span(&changed, buf_view(&batch->sealed.shares[0]));
	changed.p[0] ^= 1;
	buf_span(&more, buf_view(&batch->sealed.shares[0]));
	buf_span(&more, buf_view(&batch->sealed.shares[0]));
	bad[0] = &changed;
	bad[1] = &more;
	bad[2] = &batch->sealed.shares[1];	/* another custodian's */
	for (size_t i = 0; i < 3; i++) {
		s.vector = bad[i];
		r = send_ok(&s);
		assert_int_equal(r->size, 2);		/* the log goes on */
		assert_int_equal(r->n_held, 0);
		assert_int_equal(r->n_missing_shares, 1);
		ok(store_shares_has(b.c.store, batch->index, &has, &err), &err);
		assert_false(has);
		bench_reply_free(r);
	}
	s.vector = NULL;
	r = send_ok(&s);
	assert_int_equal(r->n_held, 1);
	bench_reply_free(r);
}

/* --- what a quorum cosigned ----------------------------------------------------------------- */

static void
a_quorum_moves_the_mark(void **state)
{
	struct bench_sending	s;
	uint64_t		size;
	struct err		err;

	(void)state;
	(void)bench_seal(&b, "standard");
	s = bench_sending(&b);
	s.cosigners = 3;
	refused(&s, RC_QUORUM);
	bench_sync(&b, 4);
	ok(custody_cosigned_size(&b.c, &size, &err), &err);
	assert_int_equal(size, 2);
	/* An older one does not move it back. */
	s = bench_sending(&b);
	s.first = 0;
	s.size = 1;
	s.checkpoint = 0;
	s.cosigners = 4;
	bench_reply_free(send_ok(&s));
	ok(custody_cosigned_size(&b.c, &size, &err), &err);
	assert_int_equal(size, 2);
}

static void
a_quorum_for_another_past_freezes(void **state)
{
	AUTO_DONE(buf_done) struct buf	v = BUF_INIT(BIG);
	struct bench_sending		 s;
	uint64_t			 size;
	struct err			 err;

	(void)state;
	(void)bench_seal(&b, "standard");
	bench_sync(&b, 0);
	s = bench_sending(&b);
	s.checkpoint = 0;
	s.cosigners = 4;
	s.other_root = true;
	bench_reply_free(send_ok(&s));
	ok(store_get(b.c.store, CUSTODY_ACCUSATION, &v, &err), &err);
	ok(custody_cosigned_size(&b.c, &size, &err), &err);
	assert_int_equal(size, 0);
}

/* --- a real start ------------------------------------------------------------------------------ */

static void
opens_its_folder(void **state)
{
	AUTO(custody_free) struct custody	*c = NULL;
	struct err				 err;

	(void)state;
	assert_int_equal(custody_open(place.dir, &c, &err), RC_MISSING);
	assert_non_null(strstr(err.msg, "enroll"));
	bench_write_genesis(&b);
	ok(custody_open(place.dir, &c, &err), &err);
	assert_int_equal(store_size(c->store), 0);
	assert_memory_equal(c->genesis, b.net.genesis, 32);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest	tests[] = {
		TEST(cosigns_what_it_replayed),
		TEST(asked_again),
		TEST(altered_entry),
		TEST(another_root),
		TEST(never_a_smaller_tree),
		TEST(never_a_smaller_tree_after_restore),
		TEST(never_a_second_root),
		TEST(not_what_it_has_not),
		TEST(not_another_logs),
		TEST(commit_before_signature),
		TEST(future_entries_wait),
		TEST(no_blob_no_entry),
		TEST(only_blobs_that_are_named),
		TEST(another_networks_log),
		TEST(gap),
		TEST(malformed),
		TEST(says_what_it_holds),
		TEST(not_the_shares_that_were_signed),
		TEST(a_quorum_moves_the_mark),
		TEST(a_quorum_for_another_past_freezes),
		TEST(opens_its_folder),
	};
	int	failed;

	if (!bench_place_up(&place))
		return 0;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_place_down(&place);
	return failed;
}

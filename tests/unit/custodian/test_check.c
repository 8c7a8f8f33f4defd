/* The background check: what it says of which shares, once, and never before it may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "custodian/checking.h"
#include "tests/unit/custodian/sealing.h"
#include "tests/unit/fault.h"

#define BIG		((size_t)1 << 22)
#define FOUND_MAX	64
#define MINUTE		CHECK_RUN_SECONDS

static struct bench_place	place;
static struct bench		b;
static when			now;

struct found {
	size_t			n;
	struct statement	s[FOUND_MAX];
	struct buf		dsse[FOUND_MAX];
};
static struct found	found;

static void
ok(enum rc rc, const struct err *err)
{
	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), err->msg);
}

static int
up(void **state)
{
	(void)state;
	bench_up(&b, &place);
	now = clock_now();
	b.net.now = now - 600;
	return 0;
}

static void
forget_found(void)
{
	for (size_t i = 0; i < found.n; i++) {
		statement_done(&found.s[i]);
		buf_done(&found.dsse[i]);
	}
	found.n = 0;
}

static int
down(void **state)
{
	(void)state;
	forget_found();
	checking_free(TAKE(b.c.checking));
	bench_down(&b);
	return 0;
}

static void
restart(void)
{
	checking_free(TAKE(b.c.checking));
	bench_restart(&b);
}

static uint64_t
waiting(void)
{
	uint64_t	n;
	struct err	err;

	ok(check_waiting(&b.c, &n, &err), &err);
	return n;
}

static size_t
rows(const char *journal)
{
	uint64_t	at = UINT64_MAX;
	size_t		n = 0;

	while (check_first(&b.c, journal, at, &at, NULL) == RC_OK)
		n++;
	return n;
}

/* Until nothing is to be done at this time; how long it would wait then. */
static int
work(when t)
{
	struct err	err;
	int		wait, n = 0;

	do {
		ok(check_work(&b.c, t, &wait, &err), &err);
		assert_true(++n < 1000);
	} while (wait == 0);
	return wait;
}

static enum rc
on_found(void *user, struct span key, struct span value, struct err *err)
{
	struct dsse	 d;
	struct statement *s = &found.s[found.n];

	(void)user;
	assert_true(found.n < FOUND_MAX);
	memset(&d, 0, sizeof(d));
	memset(s, 0, sizeof(*s));
	found.dsse[found.n] = BUF_INIT(BIG);
	buf_span(&found.dsse[found.n], value);
	TRY(dsse_parse(value, &d, err));
	TRY(statement_parse(&d, s, err));
	assert_true(span_eq(key, SPAN_OF(s->id)));
	dsse_done(&d);
	found.n++;
	return RC_OK;
}

/* What waits for the log; in no order. */
static void
read_found(void)
{
	struct err	err;

	forget_found();
	ok(store_journal_each(b.c.store, JOURNAL_FOUND, SPAN(NULL, 0), FOUND_MAX, on_found, NULL, &err), &err);
}

static void
expect_found(size_t n)
{
	read_found();
	assert_int_equal(found.n, n);
}

/* The one of them that says it; fails when there is none. */
static const struct statement *
find(enum statement_type type, uint64_t of)
{
	for (size_t i = 0; i < found.n; i++)
		if (found.s[i].type == type && (type == STATEMENT_CHECKED ? found.s[i].u.checked.first :
		    found.s[i].u.garbage.leaf) == of)
			return &found.s[i];
	fail_msg("nobody says so of %llu", (unsigned long long)of);
	return NULL;
}

static void
batch_id(const struct bench_batch *x, uint8_t ret[SHA256_BYTES])
{
	struct batch_view	v;
	struct err		err;

	ok(replica_batch(b.c.replica, x->index, &v, &err), &err);
	memcpy(ret, v.id, SHA256_BYTES);
}

static void
expect_checked(const struct bench_batch *first, const struct bench_batch *last)
{
	const struct statement	*s = find(STATEMENT_CHECKED, first->index);
	uint8_t			 id[SHA256_BYTES];

	batch_id(last, id);
	assert_memory_equal(s->subject, id, sizeof(id));
	assert_int_equal(s->u.checked.custodian, 1);
}

static const struct statement *
expect_garbage(const struct bench_batch *x, uint32_t leaf, uint8_t kind)
{
	const struct statement	*s = find(STATEMENT_GARBAGE, leaf);
	uint8_t			 id[SHA256_BYTES];

	batch_id(x, id);
	assert_memory_equal(s->subject, id, sizeof(id));
	assert_int_equal(s->u.garbage.custodian, 1);
	assert_int_equal(s->bytes.p[0], kind);
	assert_memory_equal(s->bytes.p + 1, x->sealed.shares[0].p + (size_t)leaf * SEALED_SHARE_BYTES,
	    SEALED_SHARE_BYTES);
	return s;
}

/* Everybody takes it, and then it is owed no longer. */
static void
log_found(void)
{
	read_found();
	b.net.now = clock_now();
	for (size_t i = 0; i < found.n; i++)
		assert_true(net_log_dsse(&b.net, buf_view(&found.dsse[i])).effective);
	bench_sync(&b, 4);
	expect_found(0);
}

/* --- good ones ---------------------------------------------------------------------- */

static void
all_good(void **state)
{
	struct bench_batch	*x;
	struct err		 err;
	bool			 said;
	int			 wait;

	(void)state;
	assert_int_equal(work(now), -1);		/* before the log came */
	bench_sync(&b, 0);
	assert_int_equal(work(now), -1);
	x = sealing_batch(&b, 130, NULL, 0, 0);
	bench_sync(&b, 0);
	assert_int_equal(waiting(), 1);
	assert_int_equal(work(now), MINUTE * 1000);
	assert_int_equal(waiting(), 0);
	expect_found(0);
	wait = work(now + MINUTE - 1);
	assert_int_equal(wait, 1000);
	expect_found(0);
	assert_int_equal(work(now + MINUTE), -1);
	expect_found(1);
	expect_checked(x, x);
	log_found();
	ok(replica_checked(b.c.replica, x->index, 1, &said, &err), &err);
	assert_true(said);
	assert_int_equal(work(now + 10 * MINUTE), -1);
	expect_found(0);
}

/* A frame waits for one slice at most. */
static void
small_steps(void **state)
{
	uint32_t	before = 0, steps = 0;
	struct err	err;
	int		wait;

	(void)state;
	sealing_batch(&b, 200, NULL, 0, 0);
	bench_sync(&b, 0);
	ok(check_work(&b.c, now, &wait, &err), &err);		/* opens it, and no more */
	assert_int_equal(b.c.checking->leaf, 0);
	while (b.c.checking->leaf < 200) {
		ok(check_work(&b.c, now, &wait, &err), &err);
		assert_int_equal(wait, 0);
		assert_in_range(b.c.checking->leaf - before, 1, CHECK_SLICE);
		before = b.c.checking->leaf;
		steps++;
	}
	assert_in_range(steps, 4, 200);
	assert_int_equal(waiting(), 1);
	ok(check_work(&b.c, now, &wait, &err), &err);
	assert_int_equal(waiting(), 0);
}

/* Many batches, one entry. */
static void
one_run(void **state)
{
	struct bench_batch	*x[7];

	(void)state;
	for (int i = 0; i < 3; i++)
		x[i] = bench_seal(&b, "standard");
	bench_sync(&b, 0);
	assert_int_equal(waiting(), 3);
	work(now);
	for (int i = 3; i < 5; i++)
		x[i] = bench_seal(&b, "standard");
	bench_sync(&b, 0);
	assert_int_equal(waiting(), 2);
	work(now + 30);
	assert_int_equal(work(now + MINUTE), -1);		/* the first of them is a minute old */
	expect_found(1);
	expect_checked(x[0], x[4]);
	log_found();
}

/* ... and another as soon as it is full, whatever the time. */
static void
full_run(void **state)
{
	struct bench_batch	*x, *y;

	(void)state;
	x = bench_seal(&b, "standard");
	bench_sync(&b, 0);
	work(now);
	y = bench_seal(&b, "standard");
	bench_sync(&b, 0);
	b.c.checking->n_through = CHECK_RUN_MAX - 1;
	assert_int_equal(work(now), -1);
	expect_found(1);
	expect_checked(x, y);
	log_found();
}

static void
clock_goes_back(void **state)
{
	(void)state;
	bench_seal(&b, "standard");
	bench_sync(&b, 0);
	work(now);
	assert_int_equal(work(now - 3600), -1);
	expect_found(1);
}

/* --- garbage ---------------------------------------------------------------------------- */

/* It opens to another share: which one, the point says. */
static void
other_share(void **state)
{
	static const struct lie	lie[] = { { 66, TRICK_OTHER } };
	struct bench_batch	*x;
	const struct statement	*s;
	uint8_t			 point[SHAMIR_POINT_BYTES];

	(void)state;
	x = sealing_batch(&b, 70, lie, 1, 66);
	bench_sync(&b, 0);
	work(now);
	expect_found(1);				/* at once */
	s = expect_garbage(x, 66, GARBAGE_OTHER);
	assert_int_equal(s->bytes.n, GARBAGE_OTHER_BYTES);
	assert_int_equal(shamir_share_commit(&x->commits, 2, point, NULL), RC_OK);
	assert_memory_equal(s->bytes.p + GARBAGE_SHUT_BYTES, point, sizeof(point));
	work(now + 5 * MINUTE);
	expect_found(1);		/* `checked` logged before it would name this custodian */
	log_found();
	work(now + MINUTE);
	expect_found(1);
	expect_checked(x, x);				/* the leaf is named: the rest of it is good */
	log_found();
}

static void
swapped_between_artifacts(void **state)
{
	static const struct lie	lie[] = { { 3, TRICK_NEXT } };
	struct bench_batch	*x;

	(void)state;
	x = sealing_batch(&b, 6, lie, 1, 0);
	bench_sync(&b, 0);
	work(now);
	expect_found(1);
	expect_garbage(x, 3, GARBAGE_OTHER);
	log_found();
}

/* Bytes that do not open, at both ends of a batch and in both slices. */
static void
shut(void **state)
{
	static const struct lie	lie[] = { { 0, TRICK_BYTE }, { 64, TRICK_BYTE }, { 69, TRICK_BYTE } };
	struct bench_batch	*x;

	(void)state;
	x = sealing_batch(&b, 70, lie, 3, 0);
	bench_sync(&b, 0);
	work(now);
	expect_found(3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(expect_garbage(x, lie[i].leaf, GARBAGE_SHUT)->bytes.n, GARBAGE_SHUT_BYTES);
	b.net.now = clock_now();
	assert_true(net_log_dsse(&b.net, buf_view(&found.dsse[0])).effective);
	bench_sync(&b, 4);
	work(now + MINUTE);
	expect_found(2);			/* `checked` waits for the last of them */
	log_found();
	work(now + MINUTE);
	expect_found(1);
	expect_checked(x, x);
	log_found();
}

static void
swapped_between_batches(void **state)
{
	static const struct lie	lie[] = { { 0, TRICK_OLD } };
	struct bench_batch	*x;

	(void)state;
	sealing_batch(&b, 2, NULL, 0, 0);
	x = sealing_batch(&b, 2, lie, 1, 0);
	bench_sync(&b, 0);
	work(now);
	expect_found(1);
	expect_garbage(x, 0, GARBAGE_SHUT);
	log_found();
}

static void
no_scalar(void **state)
{
	static const struct lie	lie[] = { { 1, TRICK_ZERO } };
	struct bench_batch	*x;

	(void)state;
	x = sealing_batch(&b, 3, lie, 1, 0);
	bench_sync(&b, 0);
	work(now);
	expect_found(1);
	expect_garbage(x, 1, GARBAGE_SHUT);
	log_found();
}

/* No share of the batch opens, and those behind it are checked. */
static void
no_point(void **state)
{
	static const struct lie	lie[] = { { 0, TRICK_POINT } };
	struct bench_batch	*x, *y;

	(void)state;
	x = sealing_batch(&b, 3, lie, 1, 0);
	y = sealing_batch(&b, 3, NULL, 0, 0);
	bench_sync(&b, 0);
	work(now);
	assert_int_equal(waiting(), 0);
	expect_found(3);
	for (uint32_t i = 0; i < 3; i++)
		expect_garbage(x, i, GARBAGE_SHUT);
	log_found();
	work(now + MINUTE);
	expect_found(1);
	expect_checked(x, y);
	log_found();
}

/* What promises nothing is kept by no share: of this leaf, and of no other. */
static void
no_commitment(enum trick trick)
{
	const struct lie	 lie[] = { { 66, trick } };
	struct bench_batch	*x, *y;
	const struct statement	*s;
	uint8_t			 point[SHAMIR_POINT_BYTES];

	x = sealing_batch(&b, 70, lie, 1, 66);
	y = sealing_batch(&b, 3, NULL, 0, 0);
	bench_sync(&b, 0);
	work(now);
	assert_int_equal(waiting(), 0);
	expect_found(1);
	s = expect_garbage(x, 66, GARBAGE_OTHER);
	assert_int_equal(s->bytes.n, GARBAGE_OTHER_BYTES);
	assert_int_equal(shamir_share_commit(&x->commits, 1, point, NULL), RC_OK);
	assert_memory_equal(s->bytes.p + GARBAGE_SHUT_BYTES, point, sizeof(point));
	log_found();
	work(now + MINUTE);
	expect_found(1);
	expect_checked(x, y);
	log_found();
}

static void
commitment_identity(void **state)
{
	(void)state;
	no_commitment(TRICK_IDENTITY);
}

static void
commitment_wild(void **state)
{
	(void)state;
	no_commitment(TRICK_WILD);
}

static void
commitment_high_bit(void **state)
{
	(void)state;
	no_commitment(TRICK_HIGH_BIT);
}

/* As many as are worth an entry each; with one more it is never called checked. */
static void
much_garbage(void **state)
{
	struct lie		 lie[CHECK_GARBAGE_MAX + 1];
	struct bench_batch	*x, *y, *z;

	(void)state;
	for (uint32_t i = 0; i <= CHECK_GARBAGE_MAX; i++)
		lie[i] = (struct lie){ 2 * i, i % 2 == 0 ? TRICK_BYTE : TRICK_OTHER };
	x = sealing_batch(&b, 40, lie, CHECK_GARBAGE_MAX, 0);
	y = sealing_batch(&b, 40, lie, CHECK_GARBAGE_MAX + 1, 0);
	z = bench_seal(&b, "standard");
	bench_sync(&b, 0);
	work(now);
	assert_int_equal(waiting(), 0);
	expect_found(2 * CHECK_GARBAGE_MAX);
	work(now + MINUTE);
	expect_found(2 * CHECK_GARBAGE_MAX + 1);
	expect_checked(z, z);
	(void)y;
	assert_int_equal(rows(JOURNAL_UNSAID), 2);
	log_found();
	work(now + MINUTE);
	expect_found(1);
	expect_checked(x, x);
	assert_int_equal(rows(JOURNAL_UNSAID), 1);
	log_found();
}

/* Known garbage costs the token nothing: there is no key here. */
static void
contributes_nothing_known(void **state)
{
	static const struct lie		 lie[] = { { 2, TRICK_OTHER } };
	struct hsm_key			*key = b.c.share_key;
	Quorate__V1__ContributeReply	*r = NULL;
	struct bench_batch		*x;
	uint8_t				 request[32], order[32];
	struct err			 err;
	enum rc				 rc;

	(void)state;
	b.net.now = now - 60;
	x = sealing_batch(&b, 5, lie, 1, 2);
	bench_order(&b, x, "standard", request, order);
	bench_sync(&b, 4);
	work(now);
	b.c.share_key = NULL;
	rc = bench_contribute(&b, order, &r, &err);
	b.c.share_key = key;
	assert_int_equal(rc, RC_VERIFY);
	assert_non_null(strstr(b.c.words, "garbage"));
}

/* --- in what order, and once ---------------------------------------------------------------- */

static void
send_without(uint32_t without)
{
	struct bench_sending		 s = bench_sending(&b);
	Quorate__V1__AppendReply	*r;
	struct err			 err;

	s.without = without;
	ok(bench_send(&b, &s, &r, &err), &err);
	bench_reply_free(r);
}

/* A run leaves nothing out; what comes late is said alone. */
static void
missing_vectors(void **state)
{
	struct bench_batch	*x[7];

	(void)state;
	for (int i = 0; i < 5; i++)
		x[i] = bench_seal(&b, "standard");
	send_without(1u << 1 | 1u << 2);
	assert_int_equal(waiting(), 3);
	assert_int_equal(rows(JOURNAL_UNSAID), 2);
	work(now);
	assert_int_equal(work(now + MINUTE), -1);
	expect_found(2);
	expect_checked(x[0], x[0]);
	expect_checked(x[3], x[4]);
	log_found();				/* and sends what was missing */
	assert_int_equal(waiting(), 2);
	assert_int_equal(rows(JOURNAL_UNSAID), 0);
	work(now + 2 * MINUTE);
	assert_int_equal(work(now + 3 * MINUTE), -1);
	expect_found(2);
	expect_checked(x[1], x[1]);
	expect_checked(x[2], x[2]);
	log_found();
}

/* One that came since, and was not opened yet, ends a run as well. */
static void
between_two(void **state)
{
	struct bench_batch	*x[3];
	struct err		 err;
	int			 wait;

	(void)state;
	for (int i = 0; i < 3; i++)
		x[i] = bench_seal(&b, "standard");
	send_without(1u << 1);
	work(now);
	bench_sync(&b, 0);
	assert_int_equal(waiting(), 1);
	ok(check_work(&b.c, now + MINUTE, &wait, &err), &err);	/* what is due comes first */
	expect_found(1);
	expect_checked(x[0], x[0]);
	assert_int_equal(work(now + MINUTE), MINUTE * 1000);	/* the one in between is new, and not due */
	expect_found(2);
	expect_checked(x[2], x[2]);
	assert_int_equal(work(now + 2 * MINUTE), -1);
	expect_found(3);
	expect_checked(x[1], x[1]);
	log_found();
}

/* Ended after each step, it says the same, once. */
static void
restarts(void **state)
{
	static const struct lie	lie[] = { { 1, TRICK_OTHER }, { 68, TRICK_BYTE } };
	struct bench_batch	*x, *y;
	struct err		 err;
	int			 wait = 0, n = 0;

	(void)state;
	y = bench_seal(&b, "standard");
	x = sealing_batch(&b, 70, lie, 2, 0);
	bench_sync(&b, 0);
	/* Ever further between two ends, as a batch that is not through begins anew. */
	for (int most = 1; rows(JOURNAL_FOUND) < 3; most++) {
		for (int i = 0; i < most; i++)
			ok(check_work(&b.c, waiting() == 0 ? now + MINUTE : now, &wait, &err), &err);
		restart();
		if (check_first(&b.c, JOURNAL_THROUGH, UINT64_MAX, &(uint64_t){ 0 }, NULL) == RC_OK)
			n++;
		assert_true(most < 40);
		read_found();
		if (found.n == 3)
			break;
	}
	assert_true(n > 0);			/* it did end with a batch that was through and not said */
	expect_found(3);
	expect_garbage(x, 1, GARBAGE_OTHER);
	expect_garbage(x, 68, GARBAGE_SHUT);
	expect_checked(y, y);
	log_found();
	restart();
	assert_int_equal(work(now + 5 * MINUTE), -1);
	expect_found(1);
	expect_checked(x, x);
	log_found();
	restart();
	assert_int_equal(work(now + 5 * MINUTE), -1);
	expect_found(0);
}

static void
note_again(uint64_t index)
{
	struct err	err;

	ok(store_begin(b.c.store, &err), &err);
	ok(check_note_batch(&b.c, index, &err), &err);
	ok(store_commit(b.c.store, &err), &err);
}

/* The database was lost, and all of it sent again: the log shows what was said. */
static void
said_by_the_log(void **state)
{
	static const struct lie	lie[] = { { 1, TRICK_OTHER }, { 2, TRICK_OTHER } };
	struct bench_batch	*x, *y;
	uint8_t			 key[CHECK_GARBAGE_KEY_BYTES];
	struct err		 err;

	(void)state;
	x = bench_seal(&b, "standard");
	y = sealing_batch(&b, 3, lie, 2, 0);
	send_without(1u << 1);
	work(now);
	work(now + MINUTE);
	log_found();
	bench_sync(&b, 0);
	work(now + MINUTE);
	log_found();				/* `garbage`, and `checked` of the second not yet */
	note_again(x->index);
	checking_free(TAKE(b.c.checking));
	check_garbage_key(y->index, 1, key);
	ok(store_journal_del(b.c.store, JOURNAL_GARBAGE, SPAN_OF(key), &err), &err);
	check_key(y->index, key);
	ok(store_journal_del(b.c.store, JOURNAL_THROUGH, SPAN(key, CHECK_KEY_BYTES), &err), &err);
	note_again(y->index);
	assert_int_equal(waiting(), 2);
	work(now + 3 * MINUTE);
	work(now + 4 * MINUTE);
	assert_int_equal(waiting(), 0);
	expect_found(1);
	expect_checked(y, y);
	log_found();
}

/* An older database was put back: what it was about to say stands in the log, and comes back with it. */
static void
said_before_it_was_put_back(void **state)
{
	struct bench_batch	*x, *y, *z;
	uint8_t			 key[CHECK_KEY_BYTES];
	struct err		 err;

	(void)state;
	x = bench_seal(&b, "standard");
	y = bench_seal(&b, "standard");
	bench_sync(&b, 0);
	work(now);
	work(now + MINUTE);
	expect_found(1);
	b.net.now = clock_now();
	assert_true(net_log_dsse(&b.net, buf_view(&found.dsse[0])).effective);
	/* As it was before: through, and nothing said. */
	check_key(0, key);
	ok(store_put(b.c.store, CUSTODY_CHECKED, SPAN_OF(key), &err), &err);
	ok(store_journal_del(b.c.store, JOURNAL_FOUND, SPAN_OF(found.s[0].id), &err), &err);
	for (int i = 0; i < 2; i++) {
		uint8_t	at[CHECK_KEY_BYTES];

		check_key(now, at);
		check_key((i == 0 ? x : y)->index, key);
		ok(store_journal_put(b.c.store, JOURNAL_THROUGH, SPAN_OF(key), SPAN_OF(at), &err), &err);
	}
	restart();
	z = bench_seal(&b, "standard");
	bench_sync(&b, 4);
	assert_int_equal(rows(JOURNAL_THROUGH), 0);
	work(now + 2 * MINUTE);
	assert_int_equal(work(now + 3 * MINUTE), -1);
	expect_found(1);
	expect_checked(z, z);
	log_found();
}

/* Nor does what another custodian says count for ours. */
static void
said_by_others(void **state)
{
	struct bench_batch	*x;
	struct statement	 s;

	(void)state;
	x = bench_seal(&b, "standard");
	bench_sync(&b, 0);
	work(now);
	net_statement(&b.net, &s, STATEMENT_CHECKED);
	batch_id(x, s.subject);
	s.u.checked.custodian = 2;
	s.u.checked.first = x->index;
	assert_true(net_log(&b.net, &s, &b.net.signing[1]).effective);
	bench_sync(&b, 4);
	work(now + MINUTE);
	expect_found(1);
	expect_checked(x, x);
	log_found();
}

/* An append that is refused leaves no trace. */
static void
counts_what_is_committed(void **state)
{
	struct bench_sending		 s;
	Quorate__V1__AppendReply	*r;
	struct err			 err;

	(void)state;
	bench_seal(&b, "standard");
	bench_sync(&b, 0);
	bench_seal(&b, "standard");
	s = bench_sending(&b);
	s.stranger = true;
	assert_int_not_equal(bench_send(&b, &s, &r, &err), RC_OK);
	assert_int_equal(waiting(), 1);
	assert_int_equal(rows(JOURNAL_UNCHECKED), 1);
	bench_sync(&b, 0);
	assert_int_equal(waiting(), 2);
	note_again(b.batch[1].index);
	assert_int_equal(waiting(), 2);
}

/* --- faults ------------------------------------------------------------------------------------ */

/* A token that does not open anything: nobody is accused, and it goes on later. */
static void
token_fault(void **state)
{
	struct hsm_key		*key = b.c.share_key, *lost = NULL, *other = NULL;
	struct bench_batch	*x;
	struct err		 err;
	int			 wait;

	(void)state;
	x = bench_seal(&b, "standard");
	bench_sync(&b, 0);
	ok(hsm_key_generate(b.c.hsm, HSM_SHARE, "lost", &lost, &err), &err);
	ok(hsm_key_generate(b.c.hsm, HSM_SHARE, "other", &other, &err), &err);
	ok(hsm_key_destroy(lost, &err), &err);
	b.c.share_key = lost;
	assert_int_equal(check_work(&b.c, now, &wait, &err), RC_IO);
	assert_int_equal(check_work(&b.c, now, &wait, &err), RC_IO);
	/* One that works and that the charter does not know would make garbage of everything. */
	b.c.share_key = other;
	assert_int_equal(check_work(&b.c, now, &wait, &err), RC_IO);
	assert_int_equal(waiting(), 1);
	b.c.share_key = key;
	work(now);
	work(now + MINUTE);
	expect_found(1);
	expect_checked(x, x);
	ok(hsm_key_destroy(other, &err), &err);
	hsm_key_free(lost);
	hsm_key_free(other);
	log_found();
}

static void
work_through_faults(unsigned long *faults)
{
	struct err	err;
	unsigned long	n = 1;
	when		at;
	int		wait = 0;
	enum rc		rc;

	while (waiting() > 0 || rows(JOURNAL_THROUGH) > 0) {
		at = waiting() > 0 ? now : now + MINUTE;
		fault_at(n);
		rc = check_work(&b.c, at, &wait, &err);
		if (fault_fired()) {
			assert_int_not_equal(rc, RC_BUG);
			*faults += rc != RC_OK;
			n++;
		} else {
			ok(rc, &err);
			n = 1;
		}
	}
}

/* Without memory at any one place; then it says what it would have said. */
static void
no_memory(void **state)
{
	static const struct lie	lie[] = { { 1, TRICK_OTHER } };
	struct bench_batch	*x;
	unsigned long		 faults = 0;

	(void)state;
	x = sealing_batch(&b, 3, lie, 1, 0);
	bench_sync(&b, 0);
	work_through_faults(&faults);
	expect_found(1);
	expect_garbage(x, 1, GARBAGE_OTHER);
	log_found();
	work_through_faults(&faults);
	expect_found(1);
	expect_checked(x, x);
	assert_true(faults > 5);
	log_found();
}

static void
sql(const char *text)
{
	char	 path[128];
	sqlite3	*db;

	snprintf(path, sizeof(path), "%s/test.db", place.root);
	/* On the store's way to the disk: what this writes has its digest. */
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, "quorate-pages"), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
	(void)sqlite3_close(db);
}

/* What our own disk did to it is not called the sealer's doing. */
static void
damaged_disk(void **state)
{
	struct bench_batch	*x, *y;

	(void)state;
	x = bench_seal(&b, "standard");
	y = bench_seal(&b, "standard");
	bench_sync(&b, 0);
	sql("UPDATE shares SET vector = zeroblob(48) WHERE batch = (SELECT min(batch) FROM shares)");
	work(now);
	work(now + MINUTE);
	assert_int_equal(waiting(), 0);
	expect_found(1);
	expect_checked(y, y);
	assert_int_equal(rows(JOURNAL_UNSAID), 1);
	(void)x;
	log_found();
}

/* --- entries that are dropped ------------------------------------------------------------------- */

static void
drops_what_is_cut(void **state)
{
	static const struct lie	lie[] = { { 1, TRICK_OTHER } };
	struct bench_batch	*x[7];
	struct err		 err;
	bool			 garbage;

	(void)state;
	x[0] = sealing_batch(&b, 3, lie, 1, 0);
	x[1] = bench_seal(&b, "standard");
	x[2] = bench_seal(&b, "standard");
	x[3] = sealing_batch(&b, 3, lie, 1, 0);
	x[4] = bench_seal(&b, "standard");
	x[5] = bench_seal(&b, "standard");
	send_without(1u << 1 | 1u << 4);
	work(now);
	assert_int_equal(rows(JOURNAL_THROUGH), 2);
	x[6] = bench_seal(&b, "standard");
	send_without(1u << 1 | 1u << 4);
	assert_int_equal(waiting(), 1);
	ok(store_begin(b.c.store, &err), &err);
	ok(check_cut(&b.c, x[3]->index, &err), &err);
	ok(store_commit(b.c.store, &err), &err);
	assert_int_equal(waiting(), 0);
	assert_int_equal(rows(JOURNAL_UNCHECKED), 0);
	assert_int_equal(rows(JOURNAL_THROUGH), 1);
	assert_int_equal(rows(JOURNAL_UNSAID), 2);
	ok(check_garbage(&b.c, x[0]->index, 1, &garbage, &err), &err);
	assert_true(garbage);
	ok(check_garbage(&b.c, x[3]->index, 1, &garbage, &err), &err);
	assert_false(garbage);
	assert_int_equal(work(now + MINUTE), -1);
	expect_found(3);
	expect_checked(x[2], x[2]);
}

/* What is said of a batch anew after its entry was replaced is no latecomer. */
static void
cut_runs(void **state)
{
	struct bench_batch	*x[2];
	uint64_t		 up_to;
	struct err		 err;

	(void)state;
	for (int i = 0; i < 2; i++)
		x[i] = bench_seal(&b, "standard");
	bench_sync(&b, 0);
	work(now);
	work(now + MINUTE);
	ok(check_said_up_to(&b.c, &up_to, &err), &err);
	assert_int_equal(up_to, x[1]->index + 1);
	ok(store_begin(b.c.store, &err), &err);
	ok(check_cut(&b.c, x[1]->index, &err), &err);
	ok(store_commit(b.c.store, &err), &err);
	ok(check_said_up_to(&b.c, &up_to, &err), &err);
	assert_int_equal(up_to, x[1]->index);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, up, down)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(all_good),
		TEST(small_steps),
		TEST(one_run),
		TEST(full_run),
		TEST(clock_goes_back),
		TEST(other_share),
		TEST(swapped_between_artifacts),
		TEST(shut),
		TEST(swapped_between_batches),
		TEST(no_scalar),
		TEST(no_point),
		TEST(commitment_identity),
		TEST(commitment_wild),
		TEST(commitment_high_bit),
		TEST(much_garbage),
		TEST(contributes_nothing_known),
		TEST(missing_vectors),
		TEST(between_two),
		TEST(restarts),
		TEST(said_by_the_log),
		TEST(said_before_it_was_put_back),
		TEST(said_by_others),
		TEST(counts_what_is_committed),
		TEST(token_fault),
		TEST(no_memory),
		TEST(damaged_disk),
		TEST(drops_what_is_cut),
		TEST(cut_runs),
	};
	int	failed;

	if (!bench_place_up(&place))
		return 0;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_place_down(&place);
	return failed;
}

/* A tail that a quorum contradicts is dropped, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit/entry.h"
#include "custodian/rebuild.h"
#include "tests/unit/custodian/hand.h"
#include "tests/unit/custodian/peer.h"

#define BIG	((size_t)1 << 22)
#define COMMON	7		/* charter, batch, request, three approvals, order */
#define TAIL	3

static struct bench_place	place;
static struct bench		b;
static struct err		err;
static uint8_t			request[32], order[32];
static struct said		denial;
static struct buf		tail[TAIL];

static void
ok(enum rc rc)
{
	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), err.msg);
}

/* What stands under the i-th name in the journal of receipts; how many there are. */
static enum rc
on_receipt(void *user, struct span key, struct span value, struct err *e)
{
	struct buf	*out = user;

	(void)key;
	(void)e;
	buf_reset(out);
	buf_span(out, value);
	return RC_OK;
}

static bool
owes(struct buf *out)
{
	buf_reset(out);
	ok(store_journal_each(b.c.store, JOURNAL_RECEIPT, SPAN(NULL, 0), 9, on_receipt, out, &err));
	return out->n != 0;
}

static void
put_tail(size_t i, struct span dsse)
{
	tail[i] = BUF_INIT(BIG);
	entry_write(clock_now(), dsse, &tail[i]);
}

/* The root of what everybody has and then so much of the tail. */
static void
tail_root(size_t n, uint8_t ret[32])
{
	struct tree_range	r = b.net.range;
	uint8_t			leaf[32];

	for (size_t i = 0; i < n; i++) {
		tree_leaf(buf_view(&tail[i]), leaf);
		ok(tree_range_add(&r, leaf, NULL, NULL, &err));
	}
	tree_range_root(&r, ret);
}

/* With the log's checkpoint over all of it; the reply is to be freed. */
static Quorate__V1__AppendReply *
send(size_t n_entries, struct span cosigned)
{
	Quorate__V1__AppendRequest	q = QUORATE__V1__APPEND_REQUEST__INIT;
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(BIG), message = BUF_INIT(BIG), reply = BUF_INIT(BIG);
	ProtobufCBinaryData		 entry[TAIL];
	uint8_t				 root[32];

	for (size_t i = 0; i < TAIL; i++)
		entry[i] = (ProtobufCBinaryData){ tail[i].n, tail[i].p };
	tail_root(TAIL, root);
	peer_note_of(&b, COMMON + TAIL, root, 0, &note);
	q.first = COMMON;
	q.n_entries = n_entries;
	q.entries = entry;
	q.checkpoint = (ProtobufCBinaryData){ note.n, note.p };
	q.cosigned = (ProtobufCBinaryData){ cosigned.n, (uint8_t *)(uintptr_t)cosigned.p };
	(void)quorate__v1__append_request__pack(&q,
	    buf_extend(&message, quorate__v1__append_request__get_packed_size(&q)));
	ok(custody_append(&b.c, buf_view(&message), &reply, &err));
	return quorate__v1__append_reply__unpack(NULL, reply.n, reply.p);
}

static void
send_tail(void)
{
	Quorate__V1__AppendReply	*r = send(TAIL, SPAN(NULL, 0));

	assert_int_equal(r->size, COMMON + TAIL);
	assert_int_not_equal(r->cosignature.len, 0);
	bench_reply_free(r);
}

/*
 * Everybody has seven entries, cosigned. This custodian contributed, and was shown three
 * more that nobody else has: its receipt, a denial, and an entry of nothing.
 */
static int
up(void **state)
{
	AUTO_DONE(buf_done) struct buf	receipt = BUF_INIT(BIG), again = BUF_INIT(BIG);
	Quorate__V1__ContributeReply	*r = NULL;

	(void)state;
	bench_up(&b, &place);
	b.net.now = clock_now() - 60;
	bench_order(&b, bench_seal(&b, "veto"), "veto", request, order);
	bench_sync(&b, 4);
	assert_int_equal(store_size(b.c.store), COMMON);
	ok(bench_contribute(&b, order, &r, &err));
	quorate__v1__contribute_reply__free_unpacked(r, NULL);
	assert_true(owes(&receipt));
	denial = (struct said){ .dsse = BUF_INIT(BIG), .blob = BUF_INIT(BIG) };
	say_decision(&b, request, NET_LEGAL, false, &denial);
	put_tail(0, buf_view(&receipt));
	put_tail(1, buf_view(&denial.dsse));
	put_tail(2, SPAN_STR("nothing"));
	send_tail();
	/* It stands in a log that no quorum cosigned: owed all the same. */
	assert_true(owes(&again));
	assert_int_equal(handed_n(&b), 0);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	for (size_t i = 0; i < TAIL; i++)
		buf_done(&tail[i]);
	said_done(&denial);
	bench_down(&b);
	return 0;
}

/* A note of what the others have, of that size, brought by a peer. */
static enum rc
contradict(uint64_t size, unsigned cosigners)
{
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(BIG);

	peer_note(&b, COMMON, size, cosigners, &note);
	TRY(compare_note(&b.c, buf_view(&note), &err));
	return compare_settle(&b.c, &err);
}

static bool
accused(void)
{
	AUTO_DONE(buf_done) struct buf	v = BUF_INIT(BIG);
	enum rc				rc = store_get(b.c.store, CUSTODY_ACCUSATION, &v, &err);

	return rc == RC_OK;
}

static bool
cosigns(void)
{
	struct bench_sending		 s = bench_sending(&b);
	Quorate__V1__AppendReply	*r = NULL;
	bool				 does;

	ok(bench_send(&b, &s, &r, &err));
	assert_int_equal(r->size, b.net.log_entries.n);
	does = r->cosignature.len != 0;
	bench_reply_free(r);
	return does;
}

static bool
is_left(const char *ending)
{
	char	path[256];

	snprintf(path, sizeof(path), "%s/test.db%s", place.root, ending);
	return access(path, F_OK) == 0;
}

static enum rc
on_dropped(void *user, struct span key, struct span value, struct err *e)
{
	(void)key;
	(void)value;
	(void)e;
	++*(int *)user;
	return RC_OK;
}

/* Statements that wait to be said again. */
static int
dropped_n(void)
{
	int	n = 0;

	ok(store_journal_each(b.c.store, JOURNAL_DROPPED, SPAN(NULL, 0), 99, on_dropped, &n, &err));
	return n;
}

/* --- dropped ---------------------------------------------------------------------- */

static void
drops_and_goes_on(void **state)
{
	AUTO_DONE(buf_done) struct buf	receipt = BUF_INIT(BIG);
	uint8_t				digest[32], root[32], want[32], share[48];
	uint64_t			steps = b.c.steps.steps;
	struct entry			e;

	(void)state;
	ok(contradict(9, 4));
	assert_true(accused());
	assert_int_equal(store_size(b.c.store), COMMON);
	ok(store_root_at(b.c.store, COMMON, root, &err));
	tree_range_root(&b.net.range, want);
	assert_memory_equal(root, want, 32);
	ok(replica_state_digest(b.c.replica, digest, &err));
	ok(replica_state_digest(b.net.replica, want, &err));
	assert_memory_equal(digest, want, 32);
	/* What is its own: shares, journals, counts. */
	ok(store_share(b.c.store, 1, 0, share, 48, &err));
	assert_memory_equal(share, b.batch[0].sealed.shares[0].p, 48);
	assert_true(bench_journalled(&b, JOURNAL_ANSWER, order));
	assert_true(b.c.steps.steps >= steps);
	/* What was said in the tail: the receipt is owed again, the denial stands again. */
	assert_true(owes(&receipt));
	ok(entry_parse(buf_view(&tail[0]), &e, &err));
	assert_true(span_eq(buf_view(&receipt), e.dsse));
	assert_int_equal(handed_n(&b), 1);
	/* It goes on above what it signed; evidence is taken all the way. */
	(void)bench_seal(&b, "standard");		/* 8 */
	assert_false(cosigns());
	(void)bench_seal(&b, "standard");
	assert_false(cosigns());
	(void)bench_seal(&b, "standard");		/* 10: of which it signed another */
	assert_false(cosigns());
	assert_true(net_decide(&b.net, request, NET_LEGAL, false).effective);
	assert_true(cosigns());
	assert_int_equal(compare_calm(&b.c, &err), RC_DENIED);
	assert_false(is_left(".new"));
}

static void
survives_a_restart(void **state)
{
	(void)state;
	ok(contradict(9, 4));
	bench_restart(&b);
	assert_false(b.c.steps.restored);	/* the token's count is the database's */
	assert_int_equal(store_size(b.c.store), COMMON);
	assert_true(accused());
	assert_int_equal(handed_n(&b), 1);
	(void)bench_seal(&b, "standard");
	assert_false(cosigns());
}

/* As the coordinator brings it: the reply says where it is now. */
static void
in_an_append(void **state)
{
	AUTO_DONE(buf_done) struct buf	 note = BUF_INIT(BIG);
	Quorate__V1__AppendReply	*r;

	(void)state;
	peer_note(&b, COMMON, 9, 4, &note);
	r = send(TAIL, buf_view(&note));
	assert_int_equal(r->size, COMMON);
	assert_int_equal(r->cosigned_size, COMMON);
	assert_int_equal(r->cosignature.len, 0);
	bench_reply_free(r);
	assert_true(accused());
}

/* A larger one, by the proof that a peer gives. */
static void
by_a_proof(void **state)
{
	struct peer_answer	a = PEER_ANSWER(2);

	(void)state;
	a.fork = COMMON;
	a.size = a.cosigned = 20;
	a.proof = true;
	ok(peer_answers(&b, &a, &err));
	assert_int_equal(store_size(b.c.store), COMMON);
	assert_true(accused());
}

/* What a quorum cosigned, and this custodian reached with another log. */
static void
by_the_target(void **state)
{
	struct peer_answer	a = PEER_ANSWER(2);

	(void)state;
	bench_forget(&b);
	a.fork = COMMON;
	a.size = a.cosigned = 10;
	ok(peer_answers(&b, &a, &err));
	assert_int_equal(store_size(b.c.store), COMMON);
	assert_true(accused());
}

/* --- not dropped ------------------------------------------------------------------- */

static void
not_without_a_quorum(void **state)
{
	(void)state;
	ok(contradict(9, 3));
	assert_true(accused());
	assert_int_equal(store_size(b.c.store), COMMON + TAIL);
}

/* Two quorums: more than f lie, and neither past is ours to drop. */
static void
not_what_had_a_quorum(void **state)
{
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(BIG);

	(void)state;
	peer_note(&b, 3, 5, 4, &note);
	ok(compare_note(&b.c, buf_view(&note), &err));
	ok(compare_settle(&b.c, &err));
	assert_true(accused());
	assert_int_equal(store_size(b.c.store), COMMON + TAIL);
}

static void
not_what_agrees(void **state)
{
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(BIG);
	uint8_t				root[32];

	(void)state;
	tail_root(TAIL, root);
	peer_note_of(&b, COMMON + TAIL, root, 4, &note);
	ok(compare_note(&b.c, buf_view(&note), &err));
	ok(compare_settle(&b.c, &err));
	assert_false(accused());
	assert_int_equal(store_size(b.c.store), COMMON + TAIL);
}

/* Of two tails, one after the other: what stood in the one does not hide what stood there in the other. */
static void
two_tails(void **state)
{
	struct said	other = { .dsse = BUF_INIT(BIG), .blob = BUF_INIT(BIG) };

	(void)state;
	/* About what is nowhere yet: it waits. */
	buf_done(&tail[1]);
	request[0] ^= 1;
	say_decision(&b, request, NET_LEGAL, false, &other);
	request[0] ^= 1;
	ok(contradict(9, 4));
	assert_int_equal(store_size(b.c.store), COMMON);
	for (int i = 0; i < 2; i++) {
		buf_done(&tail[1]);
		put_tail(1, buf_view(&other.dsse));
		bench_reply_free(send(TAIL, SPAN(NULL, 0)));
		assert_int_equal(store_size(b.c.store), COMMON + TAIL);
		ok(contradict(9, 4));
		assert_int_equal(store_size(b.c.store), COMMON);
		assert_int_equal(dropped_n(), i + 1);
		said_done(&other);
		request[1] ^= 1;
		say_decision(&b, request, NET_LEGAL, false, &other);
		request[1] ^= 1;
	}
	said_done(&other);
}

/* Somebody reads the database: its log cannot be put away. */
static void
not_while_it_is_read(void **state)
{
	AUTO(store_close) struct store	*reader = NULL;
	char				 path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s", store_path(b.c.store));
	ok(store_open(path, STORE_READ, &reader, &err));
	ok(store_begin(reader, &err));
	assert_int_equal(rebuild_tail(&b.c, &err), RC_IO);
	assert_non_null(strstr(err.msg, "in use by another program"));
	ok(contradict(9, 4));		/* which is no reason to refuse what comes */
	assert_int_equal(store_size(b.c.store), COMMON + TAIL);
	assert_true(accused());
	assert_int_equal(compare_calm(&b.c, &err), RC_DENIED);
	assert_false(is_left(".new"));
	store_rollback(reader);
	store_close(TAKE(reader));
	ok(contradict(9, 4));		/* when it is shown again */
	assert_int_equal(store_size(b.c.store), COMMON);
}

static void
not_on_a_full_disk(void **state)
{
	enum rc	rc;

	(void)state;
	ok(contradict(9, 3));		/* the accusation, while there is room */
	bench_disk_full(true);
	b.c.comparing.rebuild = true;
	rc = rebuild_tail(&b.c, &err);
	bench_disk_full(false);
	assert_int_equal(rc, RC_IO);
	assert_int_equal(store_size(b.c.store), COMMON + TAIL);
	ok(contradict(9, 4));
	assert_int_equal(store_size(b.c.store), COMMON);
}

/* What a crash left of a new database is nobody's. */
static void
half_a_database(void **state)
{
	char	path[256];

	(void)state;
	snprintf(path, sizeof(path), "%s/test.db.new", place.root);
	ok(file_write(path, SPAN_STR("half"), 0600, &err));
	snprintf(path, sizeof(path), "%s/test.db.new-wal", place.root);
	ok(file_write(path, SPAN_STR("half"), 0600, &err));
	ok(contradict(9, 4));
	assert_int_equal(store_size(b.c.store), COMMON);
	assert_false(is_left(".new-wal"));
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest	tests[] = {
		TEST(drops_and_goes_on), TEST(survives_a_restart), TEST(in_an_append), TEST(by_a_proof),
		TEST(by_the_target), TEST(not_without_a_quorum), TEST(not_what_had_a_quorum), TEST(not_what_agrees),
		TEST(two_tails), TEST(not_while_it_is_read), TEST(not_on_a_full_disk), TEST(half_a_database),
	};
	int	failed;

	if (!bench_place_up(&place))
		return 0;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_place_down(&place);
	return failed;
}

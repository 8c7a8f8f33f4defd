/* What waits for the log and who sees it: Append replies, Checkpoint, Submit; and when decisions came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "custodian/append.h"
#include "custodian/methods.h"
#include "tests/unit/custodian/hand.h"

#define BIG	((size_t)1 << 22)

static struct bench_place	place;
static struct bench		b;
static struct bench_batch	*batch;
static uint8_t			request[32], order[32];
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

static void
ordered(const char *policy)
{
	b.net.now = clock_now() - 60;
	batch = bench_seal(&b, policy);
	bench_order(&b, batch, policy, request, order);
	bench_sync(&b, 4);
	b.net.now = clock_now();
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

/* --- in Append replies -------------------------------------------------------------- */

static void
goes_out_until_logged(void **state)
{
	Quorate__V1__AppendReply	*r;

	(void)state;
	batch = bench_seal(&b, "standard");
	bench_sync(&b, 4);
	b.net.now = clock_now();
	say_request(&b, batch, "standard", &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	for (int i = 0; i < 2; i++) {
		r = append();
		assert_int_equal(r->n_statements, 1);
		assert_int_equal(r->statements[0]->statement.len, said.dsse.n);
		assert_memory_equal(r->statements[0]->statement.data, said.dsse.p, said.dsse.n);
		assert_int_equal(r->statements[0]->n_blobs, 1);
		assert_int_equal(r->statements[0]->blobs[0].len, said.blob.n);
		assert_memory_equal(r->statements[0]->blobs[0].data, said.blob.p, said.blob.n);
		assert_true(r->statements[0]->since + 60 > clock_now());
		assert_int_equal(r->health->handed, 1);
		assert_int_equal(r->health->oldest, r->statements[0]->since);
		bench_reply_free(r);
	}
	assert_true(net_log_dsse(&b.net, buf_view(&said.dsse)).effective);
	r = append();
	assert_int_equal(r->n_statements, 1);
	bench_reply_free(r);
	bench_sync(&b, 4);
	r = append();
	assert_int_equal(r->n_statements, 0);
	assert_int_equal(r->health->handed, 0);
	bench_reply_free(r);
}

static void
put_slot(enum handed_kind kind, uint8_t number, struct span dsse)
{
	struct slot	s;
	struct err	err;

	memset(&s, 0, sizeof(s));
	s.key[0] = (uint8_t)kind;
	s.key[1] = number;
	s.id[0] = (uint8_t)kind;
	s.id[1] = number;
	s.since = 1;
	s.expires = clock_now() + 60;
	strcpy(s.who, "somebody");
	ok(slot_put(&b.c, &s, dsse, NULL, 0, &err), &err);
}

static bool
first_letter(const Quorate__V1__AppendReply *r, size_t i, char letter)
{
	return r->statements[i]->statement.data[0] == (uint8_t)letter;
}

/* A few a reply: the "no"s first, the others as well, all of them in the end. */
static void
in_turn(void **state)
{
	unsigned	seen[2][64] = { { 0 } };
	uint8_t		text[2];

	(void)state;
	bench_sync(&b, 4);
	for (uint8_t i = 0; i < 20; i++) {
		text[1] = i;
		text[0] = 'y';
		put_slot(KIND_APPROVAL, i, SPAN_OF(text));
		text[0] = 'n';
		put_slot(i % 2 ? KIND_REVOCATION : KIND_DENIAL, i, SPAN_OF(text));
	}
	for (int turn = 0; turn < 3; turn++) {
		Quorate__V1__AppendReply	*r = append();

		assert_int_equal(r->n_statements, WAITING_MAX);
		for (size_t i = 0; i < r->n_statements; i++) {
			assert_true(first_letter(r, i, i < 8 ? 'n' : 'y'));
			seen[i >= 8][r->statements[i]->statement.data[1]]++;
		}
		bench_reply_free(r);
	}
	for (int i = 0; i < 20; i++) {
		assert_true(seen[0][i] == 1 || seen[0][i] == 2);
		assert_true(seen[1][i] == 1 || seen[1][i] == 2);
	}
}

/* Large ones come one after the other, and the reply stays small. */
static void
as_much_as_fits(void **state)
{
	AUTO_DONE(buf_done) struct buf	large = BUF_INIT(DSSE_BYTES_MAX);
	unsigned			no = 0, yes = 0;

	(void)state;
	bench_sync(&b, 4);
	for (uint8_t i = 0; i < 4; i++) {
		buf_reset(&large);
		memset(buf_extend(&large, DSSE_BYTES_MAX), i, DSSE_BYTES_MAX);
		put_slot(KIND_DENIAL, i, buf_view(&large));
		memset(large.p, i | 8, DSSE_BYTES_MAX);
		put_slot(KIND_APPROVAL, i, buf_view(&large));
	}
	for (int turn = 0; turn < 4; turn++) {
		Quorate__V1__AppendReply	*r = append();
		size_t				 bytes = 0;

		assert_int_equal(r->n_statements, 3);
		for (size_t i = 0; i < r->n_statements; i++) {
			uint8_t	c = r->statements[i]->statement.data[0];

			bytes += r->statements[i]->statement.len;
			*(c & 8 ? &yes : &no) |= 1u << (c & 7);
		}
		assert_true(bytes <= 256 << 10);
		bench_reply_free(r);
	}
	assert_int_equal(no, 15);
	assert_int_equal(yes, 15);
}

/* What this custodian found itself: checked, garbage. */
static void
what_it_found(void **state)
{
	unsigned	seen[6] = { 0 };
	uint8_t		id[32] = { 0 };
	struct err	err;

	(void)state;
	bench_sync(&b, 4);
	for (id[0] = 0; id[0] < 6; id[0]++)
		ok(store_journal_put(b.c.store, JOURNAL_FOUND, SPAN_OF(id), SPAN(id, 1), &err), &err);
	for (int turn = 0; turn < 3; turn++) {
		Quorate__V1__AppendReply	*r = append();

		for (size_t i = 0; i < r->n_statements; i++)
			seen[r->statements[i]->statement.data[0]]++;
		bench_reply_free(r);
	}
	for (int i = 0; i < 6; i++)
		assert_true(seen[i] >= 1);
}

/* Forgotten when the log shows it, and no broken copy of it. */
static void
found_until_logged(void **state)
{
	AUTO_DONE(buf_done) struct buf	broken = BUF_INIT(BIG);
	struct statement		 s;
	char				*sig;
	struct err			 err;

	(void)state;
	batch = bench_seal(&b, "standard");
	bench_sync(&b, 4);
	b.net.now = clock_now();
	net_statement(&b.net, &s, STATEMENT_CHECKED);
	s.u.checked.custodian = 1;
	randombytes_buf(s.subject, 32);		/* void, and authentic */
	say(&s, &b.net.signing[0], &said);
	ok(store_journal_put(b.c.store, JOURNAL_FOUND, SPAN_OF(said.id), buf_view(&said.dsse), &err), &err);
	buf_span(&broken, buf_view(&said.dsse));
	sig = memmem(broken.p, broken.n, "\"sig\":\"", 7);
	sig[7] = sig[7] == 'A' ? 'B' : 'A';
	assert_int_equal(net_log_dsse(&b.net, buf_view(&broken)).why, VOID_SIGNATURE);
	bench_sync(&b, 4);
	assert_true(bench_journalled(&b, JOURNAL_FOUND, said.id));
	assert_int_not_equal(net_log_dsse(&b.net, buf_view(&said.dsse)).why, VOID_SIGNATURE);
	bench_sync(&b, 4);
	assert_false(bench_journalled(&b, JOURNAL_FOUND, said.id));
}

/* The state after as many entries as the coordinator asks about. */
static void
state_of(void **state)
{
	AUTO_DONE(buf_done) struct buf	reply = BUF_INIT(BIG);
	Quorate__V1__AppendRequest	q = QUORATE__V1__APPEND_REQUEST__INIT;
	uint8_t				bytes[64];
	struct verdict			v;
	struct err			err;

	(void)state;
	(void)bench_seal(&b, "standard");
	(void)bench_seal(&b, "standard");
	bench_sync(&b, 4);
	q.first = store_size(b.c.store);
	for (q.state_of = 0; q.state_of <= 4; q.state_of++) {
		size_t				 n = quorate__v1__append_request__pack(&q, bytes);
		Quorate__V1__AppendReply	*r;

		buf_reset(&reply);
		ok(custody_append(&b.c, SPAN(bytes, n), &reply, &err), &err);
		r = quorate__v1__append_reply__unpack(NULL, reply.n, reply.p);
		assert_non_null(r);
		if (q.state_of >= 1 && q.state_of <= 3) {
			ok(store_verdict(b.c.store, q.state_of - 1, &v, &err), &err);
			assert_int_equal(r->state_of.len, 32);
			assert_memory_equal(r->state_of.data, v.state, 32);
		} else {
			assert_int_equal(r->state_of.len, 0);
		}
		bench_reply_free(r);
	}
}

/* --- how it is ---------------------------------------------------------------------------- */

static Quorate__V1__CheckpointReply *
checkpoint(uint32_t caller)
{
	AUTO_DONE(buf_done) struct buf	 reply = BUF_INIT(BIG);
	Quorate__V1__CheckpointReply	*r;
	struct err			 err;

	b.c.caller = caller;
	ok(custody_checkpoint(&b.c, SPAN(NULL, 0), &reply, &err), &err);
	r = quorate__v1__checkpoint_reply__unpack(NULL, reply.n, reply.p);
	assert_non_null(r);
	return r;
}

static void
checkpoint_free(Quorate__V1__CheckpointReply *r)
{
	quorate__v1__checkpoint_reply__free_unpacked(r, NULL);
}

static void
who_sees_what_waits(void **state)
{
	static const struct { uint32_t caller; size_t rows; } rows[] = {
		{ CALLER_ANYBODY, 0 }, { 0, 0 },
		{ CALLER_ANYBODY | CALLER_HOST, 1 }, { CALLER_PEER | CALLER_ANYBODY, 1 }, { CALLER_COORDINATOR, 1 },
	};

	(void)state;
	ordered("standard");
	say_decision(&b, request, NET_LEGAL, false, &said);
	hand_ok(&b, &said, HANDED_TAKEN, VOID_NONE);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		Quorate__V1__CheckpointReply	*r = checkpoint(rows[i].caller);

		assert_int_equal(r->size, store_size(b.c.store));
		assert_int_equal(r->health->handed, 1);		/* how many is for all to see */
		assert_int_equal(r->n_handed, rows[i].rows);
		if (r->n_handed == 1) {
			assert_memory_equal(r->handed[0]->id.data, said.id, 32);
			assert_memory_equal(r->handed[0]->subject.data, request, 32);
			assert_string_equal(r->handed[0]->type, "denial");
			assert_string_equal(r->handed[0]->who, "legal");
			assert_int_equal(r->handed[0]->since, r->health->oldest);
		}
		checkpoint_free(r);
	}
}

static void
oldest_first(void **state)
{
	uint8_t				somebody[32] = { 1 };
	Quorate__V1__CheckpointReply	*r;

	(void)state;
	bench_sync(&b, 4);
	fill_slots(&b, KIND_DENIAL, somebody, 100, 0);
	put_slot(KIND_RECEIPT, 7, SPAN_STR("old"));	/* since 1 */
	r = checkpoint(CALLER_PEER);
	assert_int_equal(r->health->handed, 101);
	assert_int_equal(r->n_handed, 64);
	assert_int_equal(r->handed[0]->since, 1);
	assert_string_equal(r->handed[0]->type, "receipt");
	checkpoint_free(r);
}

static void
doubt(const char *word)
{
	Quorate__V1__CheckpointReply	*r = checkpoint(CALLER_ANYBODY);

	if (word == NULL ? r->health->doubt[0] != '\0' : strstr(r->health->doubt, word) == NULL)
		fail_msg("doubt: %s", r->health->doubt);
	/* The sentence is in the answer; nobody was refused anything. */
	assert_int_equal(b.c.words[0], '\0');
	checkpoint_free(r);
}

static void
says_its_doubt(void **state)
{
	struct statement	s;
	uint8_t			key[OWED_KEY_BYTES];
	struct err		err;

	(void)state;
	doubt("not come yet");
	ordered("standard");
	doubt(NULL);
	memset(&s, 0, sizeof(s));
	s.issued = clock_now() - 700;
	custody_owed_key(&s, key);
	ok(store_journal_put(b.c.store, JOURNAL_RECEIPT, SPAN_OF(key), SPAN_STR("a receipt"), &err), &err);
	doubt("receipt");
	{
		Quorate__V1__CheckpointReply	*r = checkpoint(CALLER_ANYBODY);

		assert_int_equal(r->health->owed, 1);
		checkpoint_free(r);
	}
	ok(store_journal_del(b.c.store, JOURNAL_RECEIPT, SPAN_OF(key), &err), &err);
	doubt(NULL);
	b.c.steps.restored = true;
	b.c.steps.since = UINT64_MAX;
	doubt("older state");
	b.c.steps.since = 1;
	doubt(NULL);
}

static void
restored(void **state)
{
	Quorate__V1__ContributeReply	*r = NULL;
	struct err			 err;

	(void)state;
	ordered("standard");
	b.c.steps.restored = true;
	b.c.steps.since = UINT64_MAX;
	assert_int_equal(bench_contribute(&b, order, &r, &err), RC_DENIED);
	assert_non_null(strstr(b.c.words, "caught up"));
	/* The request is entry 2. */
	b.c.steps.since = 3;
	assert_int_equal(bench_contribute(&b, order, &r, &err), RC_DENIED);
	assert_non_null(strstr(b.c.words, "new request"));
	b.c.steps.since = 2;
	ok(bench_contribute(&b, order, &r, &err), &err);
	quorate__v1__contribute_reply__free_unpacked(r, NULL);
}

/* --- Submit ----------------------------------------------------------------------------------- */

static enum rc
submit(const Quorate__V1__SubmitRequest *q, Quorate__V1__SubmitReply **ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	bytes = BUF_INIT(BIG), reply = BUF_INIT(BIG);
	enum rc				rc;

	(void)quorate__v1__submit_request__pack(q, buf_extend(&bytes, quorate__v1__submit_request__get_packed_size(q)));
	b.c.words[0] = '\0';
	rc = custody_submit(&b.c, buf_view(&bytes), &reply, err);
	if (rc == RC_OK) {
		*ret = quorate__v1__submit_reply__unpack(NULL, reply.n, reply.p);
		assert_non_null(*ret);
		assert_memory_equal((*ret)->id.data, said.id, 32);
	}
	return rc;
}

static void
submit_reply(bool taken, bool is_logged, const char *why)
{
	Quorate__V1__SubmitRequest	 q = QUORATE__V1__SUBMIT_REQUEST__INIT;
	Quorate__V1__SubmitReply	*r = NULL;
	struct err			 err;

	q.statement = (ProtobufCBinaryData){ said.dsse.n, said.dsse.p };
	ok(submit(&q, &r, &err), &err);
	assert_int_equal(r->effective, taken);
	assert_int_equal(r->logged, is_logged);
	assert_int_equal(r->repeated, is_logged);
	assert_string_equal(r->why, why);
	assert_int_equal(r->words[0] == '\0', why[0] == '\0');
	if (is_logged)
		assert_int_equal(r->index, store_size(b.c.store) - 1);
	quorate__v1__submit_reply__free_unpacked(r, NULL);
}

static void
submitted(void **state)
{
	(void)state;
	ordered("standard");
	say_decision(&b, request, NET_LEGAL, false, &said);
	submit_reply(true, false, "");
	submit_reply(true, false, "");
	assert_true(net_log_dsse(&b.net, buf_view(&said.dsse)).effective);
	bench_sync(&b, 4);
	submit_reply(true, true, "");
	said_done(&said);
	say_decision(&b, request, NET_LEGAL, false, &said);
	submit_reply(false, false, "denied-before");
	assert_int_equal(net_log_dsse(&b.net, buf_view(&said.dsse)).why, VOID_DENIED_BEFORE);
	bench_sync(&b, 4);
	submit_reply(false, true, "denied-before");
}

static void
submit_bounds(void **state)
{
	Quorate__V1__SubmitRequest	 q = QUORATE__V1__SUBMIT_REQUEST__INIT;
	ProtobufCBinaryData		 many[9];
	Quorate__V1__SubmitReply	*r = NULL;
	AUTO_DONE(buf_done) struct buf	 reply = BUF_INIT(BIG);
	struct err			 err;

	(void)state;
	ordered("standard");
	say_decision(&b, request, NET_LEGAL, false, &said);
	assert_int_equal(custody_submit(&b.c, SPAN_STR("\xff"), &reply, &err), RC_FORMAT);
	assert_string_equal(b.c.words, "malformed request");
	q.statement = (ProtobufCBinaryData){ said.dsse.n, said.dsse.p };
	memset(many, 0, sizeof(many));
	q.uploads = many;
	q.n_uploads = 1;
	assert_int_equal(submit(&q, &r, &err), RC_FORMAT);
	assert_non_null(strstr(b.c.words, "uploads"));
	q.n_uploads = 0;
	q.blobs = many;
	q.n_blobs = 9;
	assert_int_equal(submit(&q, &r, &err), RC_LIMIT);
	assert_int_equal(handed_n(&b), 0);
	/* Blobs that it does not name are left out. */
	q.n_blobs = 8;
	ok(submit(&q, &r, &err), &err);
	quorate__v1__submit_reply__free_unpacked(r, NULL);
	assert_int_equal(handed_n(&b), 1);
}

/* --- when decisions came --------------------------------------------------------------------------- */

/*
 * Approved 300 seconds ago, says the log; it came here just now. The window of five
 * seconds is open for five seconds from now.
 */
static void
dated_back(void **state)
{
	Quorate__V1__ContributeReply	*r = NULL;
	struct err			 err;
	when				 came;
	uint8_t				 key[8] = { 0 }, then[8];

	(void)state;
	b.net.now = clock_now() - 300;
	batch = bench_seal(&b, "objection");
	net_requested(&b.net, &batch->artifact, 1, "objection", request);
	assert_true(net_decide(&b.net, request, NET_LEGAL, true).effective);
	b.net.now += 10;
	assert_true(net_order(&b.net, request, order).effective);
	bench_sync(&b, 4);
	assert_int_equal(bench_contribute(&b, order, &r, &err), RC_DENIED);
	assert_non_null(strstr(b.c.words, "objection"));
	/* The decision is on record, and no other entry. */
	for (uint64_t i = 0; i < store_size(b.c.store); i++)
		assert_int_equal(custody_arrived(&b.c, i, &came, &err), i == 3 ? RC_OK : RC_MISSING);
	/* Had it come when it was said to ... */
	came = clock_now() - 290;
	key[7] = 3;
	for (int k = 0; k < 8; k++)
		then[k] = (uint8_t)(came >> (56 - 8 * k));
	ok(store_journal_put(b.c.store, JOURNAL_ARRIVED, SPAN_OF(key), SPAN_OF(then), &err), &err);
	ok(bench_contribute(&b, order, &r, &err), &err);
	quorate__v1__contribute_reply__free_unpacked(r, NULL);
}

static void
arrivals_are_forgotten(void **state)
{
	struct err	err;
	when		came, log, year = 400 * 86400;

	(void)state;
	ordered("standard");
	ok(replica_time(b.c.replica, &log, &err), &err);
	for (uint64_t i = 0; i < 3; i++)
		ok(custody_note_arrival(&b.c, i, log - year - 1, &err), &err);
	ok(custody_note_arrival(&b.c, 4, log - year, &err), &err);
	/* A clock that is ahead of the log makes it forget nothing that the log does not. */
	ok(custody_note_arrival(&b.c, 10, log + year + year, &err), &err);
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(custody_arrived(&b.c, i, &came, &err), RC_MISSING);
	ok(custody_arrived(&b.c, 3, &came, &err), &err);	/* an approval that just came */
	ok(custody_arrived(&b.c, 4, &came, &err), &err);
	assert_int_equal(came, log - year);
	/* Four at once, and none by a clock that is behind. */
	for (uint64_t i = 0; i < 4; i++)
		ok(custody_note_arrival(&b.c, i, log - year - 1, &err), &err);
	ok(custody_note_arrival(&b.c, 4, log - year - 1, &err), &err);
	for (uint64_t i = 0; i <= 4; i++)
		ok(custody_arrived(&b.c, i, &came, &err), &err);
	ok(custody_note_arrival(&b.c, 11, log, &err), &err);
	assert_int_equal(custody_arrived(&b.c, 3, &came, &err), RC_MISSING);
	ok(custody_arrived(&b.c, 4, &came, &err), &err);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest	tests[] = {
		TEST(goes_out_until_logged),
		TEST(in_turn),
		TEST(as_much_as_fits),
		TEST(what_it_found),
		TEST(found_until_logged),
		TEST(state_of),
		TEST(who_sees_what_waits),
		TEST(oldest_first),
		TEST(says_its_doubt),
		TEST(restored),
		TEST(submitted),
		TEST(submit_bounds),
		TEST(dated_back),
		TEST(arrivals_are_forgotten),
	};
	int	failed;

	if (!bench_place_up(&place))
		return 0;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_place_down(&place);
	return failed;
}

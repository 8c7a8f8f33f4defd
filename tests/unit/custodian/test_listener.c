/*
 * The listener compromised: whoever controls it asks the keeper whatever there is to ask, in
 * whoever's name, and gets nothing that the log does not grant.
 *
 * Each seed is a listener of its own, which sends a few frames: genuine ones, replayed in any
 * order and in any role, changed, cut, lengthened, mixed; what the keeper said itself; and what
 * is no frame. After each answer: contributions came for the one order that q custodians cover
 * and nothing forbids, and always the same bytes; what was cosigned is the log. The keeper
 * answers in time, does not grow, and lives.
 *
 *	SEEDS=N		so many (1500); FIRST=S: from this one on; a failure prints its own
 *
 * A seed chooses the same again, but for the bytes of signatures, which are new each time; what
 * does not fail alone may need those before it: FIRST=1.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "custodian/frame.h"
#include "custodian/methods.h"
#include "tests/unit/custodian/hand.h"
#include "tests/unit/custodian/peer.h"

#define BIG		((size_t)1 << 22)
#define SAMPLES_MAX	96
#define ACTIONS		12	/* of one listener, at most */
#define ANSWER_MS	60000	/* a slow machine's ten seconds */
#define SEEDS_USUAL	1500
#define ORDER_SECONDS	480	/* what is ordered lives ten minutes, and is a minute old */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GROWTH_KIB	(512 * 1024)
#else
#define GROWTH_KIB	(24 * 1024)
#endif

enum method { APPEND, CONTRIBUTE, CHECKPOINT, SUBMIT, EXCHANGE, OUTGOING, HEARD, CHARTER, NONE };

static const uint8_t	right_role[] = { CALLER_COORDINATOR, CALLER_COORDINATOR, CALLER_ANYBODY, CALLER_ANYBODY,
			    CALLER_PEER, CALLER_SELF, CALLER_SELF, CALLER_SELF, 0xff };

static struct bench_place	place;
static struct bench		b;
static int			control, fd;
static pid_t			keeper;
static uint8_t			granted[32], uncovered[32], withdrawn[32], wanting[32], requests[4][32];
static struct buf		text[64];		/* of the log's checkpoints, by size */
static struct buf		contribution;		/* what was answered to the granted order */
static uint64_t			seed, state, slowest;
static unsigned long		frames, answers[NONE + 1], oks[NONE + 1], nonsense;

static struct sample {
	enum method	method;
	struct buf	bytes;
} sample[SAMPLES_MAX];
static size_t			n_samples, n_genuine;

#define CHECK(cond)	do { if (!(cond)) fail_msg("seed %llu: %s", (unsigned long long)seed, #cond); } while (0)

static void
ok(enum rc rc, const struct err *err)
{
	if (rc != RC_OK)
		fail_msg("seed %llu: %s: %s", (unsigned long long)seed, rc_name(rc), err->msg);
}

/* --- chance: splitmix64 ----------------------------------------------------------------- */

static uint64_t
chance(uint64_t below)
{
	uint64_t	z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % below;
}

/* --- samples -------------------------------------------------------------------------------- */

static struct buf *
new_sample(enum method m)
{
	struct sample	*s = &sample[n_samples++];

	assert_true(n_samples <= SAMPLES_MAX);
	s->method = m;
	s->bytes = BUF_INIT(FRAME_BYTES_MAX);
	return &s->bytes;
}

static void
sample_of(enum method m, struct span bytes)
{
	buf_span(new_sample(m), bytes);
}

static ProtobufCBinaryData
data_of(struct span s)
{
	return (ProtobufCBinaryData){ s.n, (uint8_t *)(uintptr_t)s.p };
}

static void
sample_order(const uint8_t order[32])
{
	Quorate__V1__ContributeRequest	q = QUORATE__V1__CONTRIBUTE_REQUEST__INIT;
	uint8_t				bytes[64];

	q.order = data_of(SPAN(order, 32));
	sample_of(CONTRIBUTE, SPAN(bytes, quorate__v1__contribute_request__pack(&q, bytes)));
}

static void
sample_statement(struct said *s)
{
	Quorate__V1__SubmitRequest	q = QUORATE__V1__SUBMIT_REQUEST__INIT;
	ProtobufCBinaryData		blob = data_of(buf_view(&s->blob));
	struct buf			*out = new_sample(SUBMIT);

	q.statement = data_of(buf_view(&s->dsse));
	if (blob.len != 0) {
		q.blobs = &blob;
		q.n_blobs = 1;
	}
	(void)quorate__v1__submit_request__pack(&q, buf_extend(out, quorate__v1__submit_request__get_packed_size(&q)));
	said_done(s);
}

/* Entries first..size-1; a note of `checkpoint` by the log or a stranger, and one that q cosigned. */
static void
sample_append(uint64_t first, uint64_t size, unsigned cosigners, bool stranger, int64_t alter)
{
	struct bench_sending	s = { .first = first, .size = size, .checkpoint = size, .cosigners = cosigners,
				    .stranger = stranger, .other_root = stranger, .alter = alter };

	bench_pack(&b, &s, new_sample(APPEND));
}

/* --- the keeper -------------------------------------------------------------------------------- */

static void
new_listener(void)
{
	int		pair[2];
	struct err	err;

	if (fd >= 0)
		(void)close(fd);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		abort();
	ok(frame_fd_send(control, pair[0], &err), &err);
	(void)close(pair[0]);
	fd = pair[1];
}

/* Forked before anything opens the token; b.net goes on here. */
static void
start_keeper(void)
{
	struct frame	hello = { .payload = BUF_INIT(16) };
	char		log[FILE_PATH_MAX];
	int		pair[2];
	struct err	err;

	ok(file_path(log, &err, "%s/keeper.log", place.dir), &err);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		abort();
	if ((keeper = fork()) == 0) {
		(void)close(pair[0]);
		if (freopen(log, "a", stderr) == NULL)
			abort();
		_exit(keeper_main(place.dir, pair[1]));
	}
	(void)close(pair[1]);
	control = pair[0];
	fd = -1;
	ok(frame_read(control, 60000, &hello, &err), &err);
	buf_done(&hello.payload);
	new_listener();
}

static void
stop_keeper(void)
{
	int	status;

	(void)close(control);
	(void)close(fd);
	CHECK(waitpid(keeper, &status, 0) == keeper);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_YES);
}

static unsigned long
memory_kib(void)
{
	char		path[64], line[128];
	unsigned long	n = 0;
	FILE		*f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)keeper);
	if ((f = fopen(path, "r")) == NULL)
		fail_msg("seed %llu: the keeper is gone", (unsigned long long)seed);
	while (fgets(line, sizeof(line), f) != NULL)
		(void)sscanf(line, "VmHWM: %lu", &n);
	(void)fclose(f);
	return n;
}

/* --- what may come back ---------------------------------------------------------------------------- */

/* A note over the log as it is, up to where it was given. */
static void
note_is_true(struct span note)
{
	const uint8_t	*end = note.n == 0 ? NULL : memmem(note.p, note.n, "\n\n", 2);

	if (note.n == 0)
		return;
	CHECK(end != NULL);
	for (size_t i = 1; i <= b.net.log_entries.n; i++)
		if (span_eq(SPAN(note.p, (size_t)(end - note.p) + 1), buf_view(&text[i])))
			return;
	fail_msg("seed %llu: a note of another log: %.*s", (unsigned long long)seed, (int)note.n, (const char *)note.p);
}

static struct span
span_of(ProtobufCBinaryData d)
{
	return SPAN(d.data, d.len);
}

static void
contributed(struct span asked, struct span answer)
{
	Quorate__V1__ContributeRequest	*q = quorate__v1__contribute_request__unpack(NULL, asked.n, asked.p);

	CHECK(q != NULL && q->order.len == 32 && memcmp(q->order.data, granted, 32) == 0);
	CHECK(span_eq(answer, buf_view(&contribution)));
	quorate__v1__contribute_request__free_unpacked(q, NULL);
}

/* A signature over what it was asked to sign: that must be the log. And receipts only for what it contributed to. */
static void
appended(struct span asked, struct span answer)
{
	Quorate__V1__AppendRequest	*q = quorate__v1__append_request__unpack(NULL, asked.n, asked.p);
	Quorate__V1__AppendReply	*r = quorate__v1__append_reply__unpack(NULL, answer.n, answer.p);

	CHECK(q != NULL && r != NULL && r->size <= b.net.log_entries.n);
	if (r->cosignature.len != 0)
		note_is_true(span_of(q->checkpoint));
	CHECK(r->n_receipts <= 1);		/* one order was contributed to */
	for (size_t i = 0; i < r->n_receipts; i++) {
		struct dsse		d;
		struct statement	s;
		struct err		err;

		memset(&d, 0, sizeof(d));
		memset(&s, 0, sizeof(s));
		ok(dsse_parse(span_of(r->receipts[i]), &d, &err), &err);
		ok(statement_parse(&d, &s, &err), &err);
		CHECK(s.type == STATEMENT_RECEIPT && memcmp(s.subject, granted, 32) == 0);
		statement_done(&s);
		dsse_done(&d);
	}
	quorate__v1__append_request__free_unpacked(q, NULL);
	quorate__v1__append_reply__free_unpacked(r, NULL);
}

static void
shown(struct span answer)
{
	Quorate__V1__CheckpointReply	*r = quorate__v1__checkpoint_reply__unpack(NULL, answer.n, answer.p);

	CHECK(r != NULL);
	note_is_true(span_of(r->checkpoint));
	note_is_true(span_of(r->cosigned));
	quorate__v1__checkpoint_reply__free_unpacked(r, NULL);
}

static void
exchanged(struct span answer)
{
	Quorate__V1__ExchangeReply	*r = quorate__v1__exchange_reply__unpack(NULL, answer.n, answer.p);

	CHECK(r != NULL);
	note_is_true(span_of(r->checkpoint));
	note_is_true(span_of(r->cosigned));
	quorate__v1__exchange_reply__free_unpacked(r, NULL);
}

static void
judge(uint8_t method, struct span asked, const struct frame *f)
{
	enum method	m = method < NONE ? (enum method)method : NONE;
	struct span	answer = buf_view(&f->payload);

	answers[m]++;
	CHECK(f->code <= RC_BUG);
	if (f->code != RC_OK) {
		CHECK(answer.n == 0 && f->code != RC_BUG);
		return;
	}
	oks[m]++;
	CHECK(m != NONE);
	if (m == CONTRIBUTE)
		contributed(asked, answer);
	else if (m == APPEND)
		appended(asked, answer);
	else if (m == CHECKPOINT)
		shown(answer);
	else if (m == EXCHANGE)
		exchanged(answer);
}

/* --- one frame ----------------------------------------------------------------------------------- */

static enum rc
ask(uint8_t method, uint8_t roles, uint8_t from, struct span request, struct frame *f)
{
	static uint32_t	id;
	struct err	err;

	uint64_t	began = clock_ms();

	frames++;
	ok(frame_write(fd, ++id, method, roles, from, NULL, request, &err), &err);
	ok(frame_read(fd, ANSWER_MS, f, &err), &err);
	if (clock_ms() - began > slowest)
		slowest = clock_ms() - began;
	CHECK(f->id == id);
	judge(method, request, f);
	return (enum rc)f->code;
}

/* Bytes of a sample, as they are or not. */
static void
make_payload(struct buf *out, size_t of)
{
	static const uint8_t	odd[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct span		s = buf_view(&sample[of].bytes), t = buf_view(&sample[chance(n_samples)].bytes);

	buf_reset(out);
	buf_span(out, s);
	switch (chance(8)) {
	case 0:					/* cut */
		out->n = chance(out->n + 1);
		break;
	case 1:					/* something behind it */
		buf_span(out, SPAN(t.p, chance(t.n + 1)));
		break;
	case 2:					/* one's head, another's tail */
		out->n = chance(out->n + 1);
		if (t.n > 0) {
			size_t	at = chance(t.n);

			buf_span(out, SPAN(t.p + at, t.n - at));
		}
		break;
	case 3: case 4:				/* some bytes are others */
		for (uint64_t n = 1 + chance(4); n > 0 && out->n > 0; n--)
			out->p[chance(out->n)] = chance(2) == 0 ? odd[chance(5)] : (uint8_t)chance(256);
		break;
	default:
		break;
	}
	if (out->n > FRAME_BYTES_MAX - FRAME_HEAD_BYTES - FRAME_WORDS_MAX)
		out->n = FRAME_BYTES_MAX - FRAME_HEAD_BYTES - FRAME_WORDS_MAX;
}

static void
send_something(struct frame *f)
{
	static struct buf	payload = { .max = 2 * FRAME_BYTES_MAX };
	size_t			of = chance(n_samples);
	uint8_t			method = chance(8) == 0 ? (uint8_t)chance(256) : chance(4) == 0 ? (uint8_t)chance(NONE) :
				    (uint8_t)sample[of].method;
	uint8_t			role = chance(4) == 0 ? (uint8_t)chance(256) : right_role[method < NONE ? method : NONE];

	make_payload(&payload, of);
	if (ask(method, role, (uint8_t)(chance(16) == 0 ? chance(256) : chance(7)), buf_view(&payload), f) == RC_OK &&
	    f->payload.n > 0 && chance(16) == 0)
		/* What it said is asked of it, one way or another. */
		sample_of((enum method)chance(NONE), buf_view(&f->payload));
}

/* Many at once, and the answers are read afterwards. */
static void
send_many(struct frame *f)
{
	uint64_t	n = 2 + chance(6);
	struct err	err;

	for (uint64_t i = 0; i < n; i++)
		ok(frame_write(fd, (uint32_t)(1000 + i), CHECKPOINT, CALLER_PEER, 0, NULL, SPAN(NULL, 0), &err), &err);
	for (uint64_t i = 0; i < n; i++) {
		ok(frame_read(fd, ANSWER_MS, f, &err), &err);
		CHECK(f->id == 1000 + i);
		judge(CHECKPOINT, SPAN(NULL, 0), f);
	}
	frames += n;
}

/* What is no frame, or half of one: it costs this listener its socket. */
static void
send_nonsense(void)
{
	static const uint32_t	lengths[] = { 0, 1, 9, 10, 0x7fffffff, 0x80000000, 0xffffffff, FRAME_BYTES_MAX,
				    FRAME_BYTES_MAX + 1 };
	struct buf		b_out = BUF_INIT(256);
	uint8_t			byte;

	buf_u32(&b_out, chance(3) == 0 ? (uint32_t)chance(UINT32_MAX) : lengths[chance(sizeof(lengths) / sizeof(lengths[0]))]);
	for (uint64_t n = chance(64); n > 0; n--)
		buf_u8(&b_out, chance(2) == 0 ? 0 : (uint8_t)chance(256));
	CHECK(send(fd, b_out.p, b_out.n, MSG_NOSIGNAL) == (ssize_t)b_out.n);
	(void)shutdown(fd, SHUT_WR);
	/* It answers or hangs up; there is nothing to wait for after that. */
	while (recv(fd, &byte, 1, 0) > 0)
		;
	buf_done(&b_out);
	nonsense++;
}

static void
one_seed(void)
{
	struct frame	f = { .payload = BUF_INIT(FRAME_BYTES_MAX) };
	uint64_t	n = 1 + chance(ACTIONS);

	/* What the keeper said to others before is forgotten: a seed stands alone. */
	while (n_samples > n_genuine)
		buf_done(&sample[--n_samples].bytes);
	new_listener();
	while (n-- > 0)
		if (chance(32) == 0)
			send_many(&f);
		else
			send_something(&f);
	if (chance(4) == 0)
		send_nonsense();
	buf_done(&f.payload);
}

/* --- a log, and a keeper that follows it ---------------------------------------------------------- */

static void
must_ask(enum method m, uint8_t from, struct span request, struct frame *f)
{
	enum rc	rc = ask((uint8_t)m, right_role[m], from, request, f);

	if (rc != RC_OK)
		fail_msg("method %d: %s: %s", (int)m, rc_name(rc), f->words);
}

/* Question and answer of the peers; both are samples as well. */
static void
compare(struct frame *f)
{
	for (uint8_t peer = 2; peer <= NET_N; peer++) {
		Quorate__V1__ExchangeRequest	*q;
		struct peer_answer		 a = PEER_ANSWER(peer);
		struct buf			 heard = BUF_INIT(BIG);

		must_ask(OUTGOING, 0, SPAN(&peer, 1), f);
		sample_of(EXCHANGE, buf_view(&f->payload));
		q = quorate__v1__exchange_request__unpack(NULL, f->payload.n, f->payload.p);
		assert_non_null(q);
		buf_u8(&heard, peer);
		peer_reply(&b, &a, q, &heard);
		must_ask(HEARD, 0, buf_view(&heard), f);
		sample_of(HEARD, buf_view(&heard));
		quorate__v1__exchange_request__free_unpacked(q, NULL);
		buf_done(&heard);
	}
}

/* Ordered: one that is granted, one that was withdrawn, one that is too few people's, one that no quorum covers yet. */
static uint64_t
make_log(void)
{
	struct bench_batch	*batch[4];
	uint64_t		 covered;

	b.net.now = clock_now() - 60;
	for (size_t i = 0; i < 4; i++)
		batch[i] = bench_seal(&b, "standard");
	bench_order(&b, batch[0], "standard", requests[0], granted);
	bench_order(&b, batch[1], "standard", requests[1], withdrawn);
	assert_true(net_withdraw(&b.net, requests[1], NET_REQUESTER).effective);
	net_requested(&b.net, &batch[2]->artifact, 1, "standard", requests[2]);
	assert_true(net_decide(&b.net, requests[2], NET_LEGAL, true).effective);
	assert_false(net_order(&b.net, requests[2], wanting).effective);
	covered = b.net.log_entries.n;
	bench_order(&b, batch[3], "standard", requests[3], uncovered);
	for (size_t i = 1; i <= b.net.log_entries.n; i++) {
		text[i] = BUF_INIT(BIG);
		bench_text(&b, i, false, &text[i]);
	}
	return covered;
}

static void
make_samples(uint64_t covered)
{
	uint64_t	all = b.net.log_entries.n;
	struct said	s;
	uint8_t		other[32];

	for (uint64_t i = 1; i <= all; i += 3)
		sample_append(0, i, 0, false, -1);
	sample_append(0, all, 0, false, -1);
	sample_append(covered, all, 0, false, -1);
	sample_append(0, covered, 4, false, -1);
	sample_append(covered, covered, 4, false, -1);
	sample_append(all, all, 0, false, -1);
	sample_append(0, all, 0, true, -1);		/* of another log, by another key */
	sample_append(all, all, 0, true, -1);
	sample_append(covered, all, 0, false, (int64_t)covered);
	sample_append(covered, all, 3, false, -1);	/* one custodian too few, with ours or without */
	memset(other, 7, sizeof(other));
	for (size_t i = 0; i < 3; i++) {
		sample_order(granted);
		sample_order(uncovered);
		sample_order(withdrawn);
		sample_order(wanting);
	}
	sample_order(other);
	sample_of(CHECKPOINT, SPAN(NULL, 0));
	say_decision(&b, requests[2], NET_COMPLIANCE, true, &s);
	sample_statement(&s);
	/* No "no" to the orders that count: that would be reason enough to refuse them. */
	say_decision(&b, requests[2], NET_SECOND_LEGAL, false, &s);
	sample_statement(&s);
	say_withdrawal(&b, requests[2], NET_REQUESTER, &s);
	sample_statement(&s);
	for (uint8_t i = 0; i < 7; i++)
		sample_of(OUTGOING, SPAN(&i, 1));
	sample_of(CHARTER, SPAN_OF(other));
	sample_of(CHARTER, SPAN_OF(replica_charter(b.net.replica)->digest));
}

static void
follow(uint64_t covered)
{
	struct frame		f = { .payload = BUF_INIT(FRAME_BYTES_MAX) };
	struct bench_sending	s = { .first = 0, .size = covered, .checkpoint = covered, .cosigners = 4, .alter = -1 };
	struct buf		request = BUF_INIT(BIG);

	s.cosigners = 0;
	bench_pack(&b, &s, &request);
	must_ask(APPEND, 0, buf_view(&request), &f);
	compare(&f);
	s.first = covered;
	s.cosigners = 4;
	buf_reset(&request);
	bench_pack(&b, &s, &request);
	must_ask(APPEND, 0, buf_view(&request), &f);
	s.size = s.checkpoint = b.net.log_entries.n;
	s.cosigners = 0;
	buf_reset(&request);
	bench_pack(&b, &s, &request);
	must_ask(APPEND, 0, buf_view(&request), &f);
	buf_done(&request);
	buf_done(&f.payload);
}

/* --- the tests --------------------------------------------------------------------------------------- */

static enum rc
ask_for(const uint8_t order[32], struct frame *f)
{
	Quorate__V1__ContributeRequest	q = QUORATE__V1__CONTRIBUTE_REQUEST__INIT;
	uint8_t				bytes[64];

	q.order = data_of(SPAN(order, 32));
	return ask(CONTRIBUTE, CALLER_COORDINATOR, 0, SPAN(bytes, quorate__v1__contribute_request__pack(&q, bytes)), f);
}

static void
refused(const uint8_t order[32], struct frame *f)
{
	enum rc	rc = ask_for(order, f);

	assert_true(rc == RC_DENIED || rc == RC_QUORUM || rc == RC_MISSING);
}

/* The keeper is one that contributes: else it would be no wonder that nothing comes. */
static void
granted_alone(void **unused)
{
	struct frame	f = { .payload = BUF_INIT(FRAME_BYTES_MAX) };
	Quorate__V1__ContributeRequest	q = QUORATE__V1__CONTRIBUTE_REQUEST__INIT;
	uint8_t		bytes[64];
	struct err	err;

	(void)unused;
	q.order = data_of(SPAN_OF(granted));
	ok(frame_write(fd, 77, CONTRIBUTE, CALLER_COORDINATOR, 0, NULL,
	    SPAN(bytes, quorate__v1__contribute_request__pack(&q, bytes)), &err), &err);
	ok(frame_read(fd, ANSWER_MS, &f, &err), &err);
	if (f.code != RC_OK)
		fail_msg("%s", f.words);
	buf_span(&contribution, buf_view(&f.payload));
	assert_int_equal(ask_for(granted, &f), RC_OK);
	refused(uncovered, &f);
	refused(withdrawn, &f);
	refused(wanting, &f);
	sample_of(EXCHANGE, buf_view(&contribution));
	buf_done(&f.payload);
}

static uint64_t
number(const char *name, uint64_t otherwise)
{
	const char	*text_of = getenv(name);

	return text_of == NULL || text_of[0] == '\0' ? otherwise : strtoull(text_of, NULL, 10);
}

static void
anything_at_all(void **unused)
{
	uint64_t	n = number("SEEDS", SEEDS_USUAL), first = number("FIRST", 1);
	unsigned long	before = memory_kib();

	(void)unused;
	n_genuine = n_samples;
	for (seed = first; seed < first + n; seed++) {
		state = seed * UINT64_C(0x2545f4914f6cdd1d);
		one_seed();
		if (seed % 64 == 0)
			CHECK(memory_kib() < before + GROWTH_KIB);
	}
	seed = 0;
	print_message("listener: %llu seeds from %llu, %lu frames (%lu answered well), %lu that are none; the slowest "
	    "answer %llu ms; keeper %lu -> %lu KiB\n",
	    (unsigned long long)n, (unsigned long long)first, frames,
	    oks[APPEND] + oks[CONTRIBUTE] + oks[CHECKPOINT] + oks[SUBMIT] + oks[EXCHANGE] + oks[OUTGOING] + oks[HEARD] + oks[CHARTER],
	    nonsense, (unsigned long long)slowest, before, memory_kib());
	/* Each method was asked well and badly: else this tried nothing. */
	for (size_t i = 0; i < NONE && n >= SEEDS_USUAL; i++)
		assert_true(oks[i] > 0 && answers[i] > oks[i]);
}

/* A listener as it should be finds the keeper as it was; and it ends as it should. */
static void
as_before(void **unused)
{
	struct frame	f = { .payload = BUF_INIT(FRAME_BYTES_MAX) };

	(void)unused;
	new_listener();
	assert_int_equal(ask(CHECKPOINT, CALLER_ANYBODY, 0, SPAN(NULL, 0), &f), RC_OK);
	if (clock_now() < b.net.now + ORDER_SECONDS)
		if (ask_for(granted, &f) != RC_OK)
			fail_msg("it does not contribute any more: %s", f.words);
	refused(uncovered, &f);
	stop_keeper();
	buf_done(&f.payload);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(granted_alone),
		cmocka_unit_test(anything_at_all),
		cmocka_unit_test(as_before),
	};
	uint64_t	covered;
	int		failed;

	if (!bench_place_up(&place))
		return 0;
	contribution = BUF_INIT(FRAME_BYTES_MAX);
	bench_up(&b, &place);
	covered = make_log();
	bench_write_genesis(&b);
	bench_stop(&b);
	bench_unmark(&b);		/* the keeper starts with a database of its own */
	bench_place_close(&place);
	make_samples(covered);
	start_keeper();
	follow(covered);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_place_down(&place);
	return failed;
}

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/fault.h"
#include "tests/unit/proto/peers.h"

#define MS 60000

static unsigned
elapsed_ms(const struct timespec *from)
{
	struct timespec	t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned)((t.tv_sec - from->tv_sec) * 1000 +
	    (t.tv_nsec - from->tv_nsec) / 1000000);
}

static void
test_echo(void **state)
{
	struct peers		p;
	struct rpc_client	*c;
	struct err		err = { RC_OK, "" };
	static const size_t	sizes[] = { 0, 1, 23, 24, 25, 70000, RPC_MESSAGE_MAX };
	uint8_t			*bytes = malloc(RPC_MESSAGE_MAX);

	(void)state;
	for (size_t i = 0; i < RPC_MESSAGE_MAX; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	peers_init(&p);
	peers_start(&p);
	c = peers_client(&p, &p.alice);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct buf	reply = BUF_INIT(RPC_MESSAGE_MAX + 1);

		buf_u8(&reply, 'x');		/* a reply is appended */
		assert_int_equal(rpc_call(c, "/t/Echo", SPAN(bytes, sizes[i]), MS, &reply,
		    &err), RC_OK);
		assert_int_equal(reply.n, sizes[i] + 1);
		assert_true(sizes[i] == 0 || memcmp(reply.p + 1, bytes, sizes[i]) == 0);
		buf_done(&reply);
	}
	assert_int_equal(atomic_load(&p.noted), 0);
	rpc_client_free(c);
	peers_done(&p);
	free(bytes);
}

/* Each code of a handler, as its caller gets it, with words and without. */
static void
test_codes(void **state)
{
	static const struct {
		enum rc		 out, in;
		const char	*said, *heard;
	} table[] = {
		{ RC_FORMAT,	RC_FORMAT,	"",	"not a valid request" },
		{ RC_VERIFY,	RC_FORMAT,	"",	"not a valid request" },
		{ RC_DENIED,	RC_DENIED,	"legal said no", "legal said no" },
		{ RC_DENIED,	RC_DENIED,	"",	"denied" },
		{ RC_QUORUM,	RC_QUORUM,	"2 of 3", "2 of 3" },
		{ RC_MISSING,	RC_MISSING,	"no\nsuch\x1b[1m \xc3\xa9",
		    "no?such?[1m ??" },
		{ RC_LIMIT,	RC_LIMIT,	"",	"a limit was reached" },
		{ RC_NOMEM,	RC_LIMIT,	"",	"no memory left" },
		{ RC_IO,	RC_IO,		"",	"failed inside, try again" },
		{ RC_UNSURE,	RC_UNSURE,	"3 of 4 cosigned", "3 of 4 cosigned" },
		{ RC_USAGE,	RC_FORMAT,	"",	"not a valid request" },
		{ RC_BUG,	RC_IO,		"",	"failed inside" },
	};
	struct peers		 p;
	struct rpc_client	*c;

	(void)state;
	peers_init(&p);
	peers_start(&p);
	c = peers_client(&p, &p.alice);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct buf	ask = BUF_INIT(256), reply = BUF_INIT(256);
		char		said[RPC_SAID_BYTES], want[RPC_SAID_BYTES + 64];
		struct err	err = { RC_OK, "" };
		struct peers_note note;

		buf_u8(&ask, (uint8_t)table[i].out);
		buf_printf(&ask, "%s", table[i].said);
		assert_int_equal(rpc_call_said(c, "/t/Fail", buf_view(&ask), MS, &reply,
		    said, &err), table[i].in);
		assert_string_equal(said, table[i].heard);
		snprintf(want, sizeof(want), "%s answers: %s", p.address, table[i].heard);
		assert_string_equal(err.msg, want);
		assert_int_equal(reply.n, 0);
		assert_int_equal(atomic_load(&p.noted), i + 1);
		note = peers_noted(&p);
		assert_int_equal(note.rc, table[i].out);
		assert_string_equal(note.words, "for operators only");
		assert_string_equal(note.method, "/t/Fail");
		buf_done(&ask);
		buf_done(&reply);
	}
	rpc_client_free(c);
	peers_done(&p);
}

static void
test_who(void **state)
{
	struct peers		 p;
	struct identity		 mallory;
	const struct identity	*ids[4];
	static const struct {
		int		 id;		/* of ids */
		const char	*method;
		enum rc		 want;
	} table[] = {
		{ 0, "/t/Echo", RC_OK }, { 0, "/t/Alice", RC_OK },
		{ 1, "/t/Echo", RC_OK }, { 1, "/t/Alice", RC_DENIED },
		{ 2, "/t/Echo", RC_OK }, { 2, "/t/Alice", RC_DENIED },	/* no certificate */
		{ 3, "/t/Echo", RC_DENIED }, { 3, "/t/Alice", RC_DENIED }, /* unknown one */
		{ 0, "/t/Nobody", RC_DENIED },
		{ 0, "/t/echo", RC_USAGE }, { 0, "/t/Ech", RC_USAGE },
		{ 0, "/t/Echo/", RC_USAGE }, { 2, "/", RC_USAGE },
	};

	(void)state;
	peers_init(&p);
	identity_make(&mallory, "alice", 0, NULL);	/* a name is nothing */
	ids[0] = &p.alice, ids[1] = &p.bob, ids[2] = NULL, ids[3] = &mallory;
	peers_start(&p);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct rpc_client	*c = peers_client(&p, ids[table[i].id]);
		struct buf		 reply = BUF_INIT(64);
		struct err		 err = { RC_OK, "" };
		unsigned		 before = atomic_load(&p.handled);

		assert_int_equal(rpc_call(c, table[i].method, SPAN_STR("hi"), MS, &reply,
		    &err), table[i].want);
		assert_int_equal(atomic_load(&p.handled) - before, table[i].want == RC_OK);
		assert_int_equal(reply.n, table[i].want == RC_OK ? 2 : 0);
		buf_done(&reply);
		rpc_client_free(c);
	}
	identity_done(&mallory);
	peers_done(&p);
}

static void
test_call_facts(void **state)
{
	struct peers		 p;
	struct rpc_client	*c;
	struct buf		 reply = BUF_INIT(256);

	(void)state;
	peers_init(&p);
	peers_start(&p);
	c = peers_client(&p, &p.bob);
	assert_int_equal(rpc_call(c, "/t/Who", SPAN(NULL, 0), 30000, &reply, NULL), RC_OK);
	assert_int_equal(reply.p[0], ROLE_BOB);
	assert_in_range(reply.p[1], 1, 30);
	assert_memory_equal(reply.p + 2, p.bob.pin, RPC_PIN_BYTES);
	assert_memory_equal(reply.p + 2 + RPC_PIN_BYTES, "ipv4:127.0.0.1:", 15);
	rpc_client_free(c);
	c = peers_client(&p, NULL);
	buf_reset(&reply);
	assert_int_equal(rpc_call(c, "/t/Who", SPAN(NULL, 0), MS, &reply, NULL), RC_OK);
	assert_int_equal(reply.p[0], ROLE_ANYONE);
	assert_memory_equal(reply.p + 2, "ipv4:127.0.0.1:", 15);
	buf_done(&reply);
	rpc_client_free(c);
	peers_done(&p);
}

/* Not after the caller's own deadline, as the library would have it. */
static void
test_unknown_at_once(void **state)
{
	struct peers		 p;
	struct rpc_client	*c;
	struct buf		 reply = BUF_INIT(64);
	struct timespec		 t;
	struct err		 err = { RC_OK, "" };

	(void)state;
	peers_init(&p);
	peers_start(&p);
	c = peers_client(&p, &p.alice);
	clock_gettime(CLOCK_MONOTONIC, &t);
	assert_int_equal(rpc_call(c, "/quorate.v1.Custodian/Nonesuch", SPAN(NULL, 0), 20000,
	    &reply, &err), RC_USAGE);
	assert_true(elapsed_ms(&t) < 5000);
	assert_non_null(strstr(err.msg, "does not know this call"));
	assert_int_equal(peers_noted(&p).rc, RC_USAGE);
	rpc_client_free(c);
	peers_done(&p);
}

static enum rc
call_sized(struct rpc_client *c, const char *method, size_t n, struct err *err)
{
	struct buf	reply = BUF_INIT(RPC_MESSAGE_MAX);
	uint8_t		*zeros = calloc(1, n + 1);
	enum rc		rc = rpc_call(c, method, SPAN(zeros, n), MS, &reply, err);

	free(zeros);
	buf_done(&reply);
	return rc;
}

static enum rc
call_grow(struct rpc_client *c, size_t n, size_t room)
{
	struct buf	reply = BUF_INIT(room);
	uint8_t		ask[3] = { (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };
	enum rc		rc = rpc_call(c, "/t/Grow", SPAN_OF(ask), MS, &reply, NULL);

	assert_int_equal(reply.n, rc == RC_OK ? n : 0);
	buf_done(&reply);
	return rc;
}

static void
test_sizes(void **state)
{
	struct peers			 p;
	struct rpc_client		*c, *narrow = NULL;
	struct rpc_client_options	 o;
	struct err			 err = { RC_OK, "" };

	(void)state;
	peers_init(&p);
	peers_start(&p);
	c = peers_client(&p, &p.alice);
	assert_int_equal(call_sized(c, "/t/Small", 16, &err), RC_OK);
	assert_int_equal(call_sized(c, "/t/Small", 17, &err), RC_LIMIT);
	assert_non_null(strstr(err.msg, "too large for this call"));
	assert_int_equal(call_sized(c, "/t/Echo", RPC_MESSAGE_MAX, &err), RC_OK);
	assert_int_equal(call_sized(c, "/t/Echo", RPC_MESSAGE_MAX + 1, &err), RC_LIMIT);
	assert_null(strstr(err.msg, "for this call"));	/* not even gathered */
	assert_int_equal(atomic_load(&p.handled), 2);
	/* A reply over the server's limit, the client's, the caller's. */
	assert_int_equal(call_grow(c, RPC_MESSAGE_MAX, RPC_MESSAGE_MAX), RC_OK);
	assert_int_equal(call_grow(c, RPC_MESSAGE_MAX + 1, RPC_MESSAGE_MAX + 1), RC_LIMIT);
	assert_int_equal(call_grow(c, 100, 99), RC_LIMIT);
	o = (struct rpc_client_options){ p.address, span_str(p.server.cert_pem),
	    span_str(p.alice.cert_pem), span_str(p.alice.key_pem), 1000 };
	assert_int_equal(rpc_client_new(&o, &narrow, &err), RC_OK);
	assert_int_equal(call_grow(narrow, 1000, 5000), RC_OK);
	assert_int_equal(call_grow(narrow, 1001, 5000), RC_LIMIT);
	/* The connections survived all that. */
	assert_int_equal(call_sized(c, "/t/Echo", 1, &err), RC_OK);
	assert_int_equal(call_grow(narrow, 1, 1), RC_OK);
	rpc_client_free(narrow);
	rpc_client_free(c);
	peers_done(&p);
}

/* ---- many at once ---- */

struct caller {
	pthread_t		 thread;
	struct rpc_client	*c;
	const char		*method;
	unsigned		 n, timeout_ms, good;
	uint8_t			 byte;
	enum rc			 rc;		/* of the last */
	struct err		 err;
};

static void *
call_away(void *arg)
{
	struct caller	*me = arg;
	uint8_t		 bytes[16];

	memset(bytes, me->byte, sizeof(bytes));
	for (unsigned i = 0; i < me->n; i++) {
		struct buf	reply = BUF_INIT(64);

		me->rc = rpc_call(me->c, me->method, SPAN_OF(bytes), me->timeout_ms,
		    &reply, &me->err);
		if (me->rc == RC_OK && reply.n == sizeof(bytes) &&
		    memcmp(reply.p, bytes, sizeof(bytes)) == 0)
			me->good++;
		buf_done(&reply);
	}
	return NULL;
}

static void
launch(struct caller *me, struct rpc_client *c, const char *method, unsigned n,
    unsigned timeout_ms)
{
	memset(me, 0, sizeof(*me));
	me->c = c;
	me->method = method;
	me->n = n;
	me->timeout_ms = timeout_ms;
	me->byte = (uint8_t)((uintptr_t)me / sizeof(*me));	/* its own among neighbours */
	assert_int_equal(pthread_create(&me->thread, NULL, call_away, me), 0);
}

static enum rc
land(struct caller *me)
{
	pthread_join(me->thread, NULL);
	return me->rc;
}

static void
test_many(void **state)
{
	enum { CALLERS = 64, EACH = 20 };
	static struct caller	 callers[CALLERS];
	struct peers		 p;
	struct rpc_client	*c[2];

	(void)state;
	peers_init(&p);
	p.options.queue = CALLERS;
	peers_start(&p);
	c[0] = peers_client(&p, &p.alice);
	c[1] = peers_client(&p, &p.bob);
	for (int i = 0; i < CALLERS; i++)
		launch(&callers[i], c[i % 2], "/t/Echo", EACH, 60000);
	for (int i = 0; i < CALLERS; i++) {
		assert_int_equal(land(&callers[i]), RC_OK);
		assert_int_equal(callers[i].good, EACH);
	}
	rpc_client_free(c[0]);
	rpc_client_free(c[1]);
	peers_done(&p);
}

static void
test_full_queue(void **state)
{
	struct peers		 p;
	enum { QUEUE = 2, TOO_MANY = 3 };
	struct caller		 callers[1 + QUEUE + TOO_MANY];
	struct rpc_client	*c;
	struct err		 err = { RC_OK, "" };
	unsigned		 refused = 0;
	enum rc			 rc;

	(void)state;
	peers_init(&p);
	p.options.workers = 1;
	p.options.queue = QUEUE;
	peers_start(&p);
	c = peers_client(&p, &p.alice);
	launch(&callers[0], c, "/t/Slow", 1, 60000);
	wait_until(&p.slow, 1);
	for (int i = 1; i < 1 + QUEUE + TOO_MANY; i++)
		launch(&callers[i], c, "/t/Echo", 1, 60000);
	wait_until(&p.noted, TOO_MANY);			/* so that it is full now */
	assert_int_equal(call_sized(c, "/t/Echo", 1, &err), RC_LIMIT);
	assert_non_null(strstr(err.msg, "busy"));
	assert_int_equal(peers_noted(&p).rc, RC_LIMIT);
	/* Busy is not deaf. */
	assert_int_equal(rpc_server_alive(p.s, MS, &err), RC_OK);
	atomic_store(&p.gate, true);
	for (int i = 0; i < 1 + QUEUE + TOO_MANY; i++) {
		rc = land(&callers[i]);
		assert_true(rc == RC_OK || (i > 0 && rc == RC_LIMIT));
		refused += rc == RC_LIMIT;
	}
	assert_int_equal(refused, TOO_MANY);
	assert_int_equal(atomic_load(&p.handled), 1 + QUEUE);
	assert_int_equal(call_sized(c, "/t/Echo", 1, &err), RC_OK);
	rpc_client_free(c);
	peers_done(&p);
}

/* ---- endings ---- */

static void
test_deadline(void **state)
{
	struct peers		 p;
	struct caller		 slow;
	struct rpc_client	*c;

	(void)state;
	peers_init(&p);
	p.options.workers = 1;
	peers_start(&p);
	c = peers_client(&p, &p.alice);
	launch(&slow, c, "/t/Slow", 1, 400);
	assert_int_equal(land(&slow), RC_UNSURE);
	assert_non_null(strstr(slow.err.msg, p.address));
	/* The handler saw it and left: the one worker is free. */
	assert_int_equal(call_sized(c, "/t/Echo", 1, NULL), RC_OK);
	rpc_client_free(c);
	peers_done(&p);
}

/* A call whose caller left while it queued is not run. */
static void
test_left_in_queue(void **state)
{
	struct peers		 p;
	struct caller		 slow, brief;
	struct rpc_client	*c;

	(void)state;
	peers_init(&p);
	p.options.workers = 1;
	peers_start(&p);
	c = peers_client(&p, &p.alice);
	launch(&slow, c, "/t/Slow", 1, 60000);
	wait_until(&p.slow, 1);
	launch(&brief, c, "/t/Echo", 1, 200);
	assert_int_equal(land(&brief), RC_UNSURE);
	assert_non_null(strstr(brief.err.msg, "no answer in time"));
	atomic_store(&p.gate, true);
	assert_int_equal(land(&slow), RC_OK);
	wait_until(&p.noted, 1);
	assert_int_equal(atomic_load(&p.handled), 1);
	rpc_client_free(c);
	peers_done(&p);
}

static void
test_stop_cancels(void **state)
{
	struct peers		 p;
	struct caller		 callers[6];
	struct rpc_client	*c;
	struct timespec		 t;

	(void)state;
	peers_init(&p);
	p.options.workers = 3;
	peers_start(&p);
	c = peers_client(&p, &p.alice);
	for (int i = 0; i < 6; i++)		/* three run, three wait */
		launch(&callers[i], c, "/t/Slow", 1, 60000);
	wait_until(&p.slow, 3);
	clock_gettime(CLOCK_MONOTONIC, &t);
	rpc_server_stop(p.s, 200);
	assert_in_range(elapsed_ms(&t), 200, 50000);
	assert_int_equal(atomic_load(&p.slow), 0);
	rpc_server_stop(p.s, 200);		/* again: nothing */
	for (int i = 0; i < 6; i++)
		assert_int_equal(land(&callers[i]), RC_UNSURE);
	assert_int_equal(rpc_server_alive(p.s, 1000, NULL), RC_UNSURE);
	rpc_client_free(c);
	peers_done(&p);
}

/* What ends within the grace is answered. */
static void
test_stop_grace(void **state)
{
	struct peers		 p;
	struct caller		 slow;
	struct rpc_client	*c;
	struct timespec		 t;

	(void)state;
	peers_init(&p);
	peers_start(&p);
	c = peers_client(&p, &p.alice);
	launch(&slow, c, "/t/Slow", 1, 60000);
	wait_until(&p.slow, 1);
	atomic_store(&p.gate, true);
	clock_gettime(CLOCK_MONOTONIC, &t);
	rpc_server_stop(p.s, 30000);		/* idle connections do not use it up */
	assert_true(elapsed_ms(&t) < 10000);
	assert_int_equal(land(&slow), RC_OK);
	rpc_client_free(c);
	peers_done(&p);
}

static void
test_close(void **state)
{
	struct peers		 p;
	struct caller		 slow;
	struct rpc_client	*c;
	struct err		 err = { RC_OK, "" };

	(void)state;
	peers_init(&p);
	peers_start(&p);
	c = peers_client(&p, &p.alice);
	launch(&slow, c, "/t/Slow", 1, 60000);
	wait_until(&p.slow, 1);
	rpc_client_close(c);
	assert_int_equal(land(&slow), RC_UNSURE);
	assert_int_equal(call_sized(c, "/t/Echo", 1, &err), RC_UNSURE);
	assert_non_null(strstr(err.msg, "closed"));
	rpc_client_free(c);
	peers_done(&p);
}

/* The same client object finds the server again after it went away. */
static void
test_restart(void **state)
{
	struct peers		 p;
	struct rpc_client	*c;
	struct err		 err = { RC_OK, "" };
	char			 address[32];
	enum rc			 rc = RC_UNSURE;

	(void)state;
	peers_init(&p);
	peers_start(&p);
	snprintf(address, sizeof(address), "%s", p.address);
	p.options.address = address;
	c = peers_client(&p, &p.alice);
	assert_int_equal(call_sized(c, "/t/Echo", 1, &err), RC_OK);
	peers_stop(&p);
	assert_int_equal(call_sized(c, "/t/Echo", 1, &err), RC_UNSURE);
	assert_non_null(strstr(err.msg, address));
	assert_non_null(strstr(err.msg, "cannot be reached"));
	assert_null(strstr(err.msg, "Failed to connect"));	/* said once is enough */
	peers_start(&p);
	for (int i = 0; i < 300 && rc != RC_OK; i++) {
		rc = call_sized(c, "/t/Echo", 1, &err);
		if (rc != RC_OK)
			sleep_ms(100);
	}
	assert_int_equal(rc, RC_OK);
	rpc_client_free(c);
	peers_done(&p);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_who),
		cmocka_unit_test(test_call_facts),
		cmocka_unit_test(test_unknown_at_once),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_full_queue),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_left_in_queue),
		cmocka_unit_test(test_stop_cancels),
		cmocka_unit_test(test_stop_grace),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

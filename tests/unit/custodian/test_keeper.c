/* The keeper as the listener has it: a process behind a socket that trusts no caller. */
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
#include "tests/unit/custodian/bench.h"

static struct bench_place	place;
static struct bench		b;
static int			control, fd;		/* to the keeper; to it as a listener */
static pid_t			keeper;

#define KNOWN	(CALLER_COORDINATOR | CALLER_PEER | CALLER_HOST)

/* The table, read aloud. */
static void
table(void **state)
{
	static const struct { const char *name; uint32_t callers; size_t max; } rows[] = {
		{ "/quorate.v1.Custodian/Append", CALLER_COORDINATOR, 1 << 20 },
		{ "/quorate.v1.Custodian/Contribute", CALLER_COORDINATOR, 64 },
		{ "/quorate.v1.Custodian/Checkpoint", KNOWN | CALLER_ANYBODY, 64 },
		{ "/quorate.v1.Custodian/Submit", KNOWN | CALLER_ANYBODY, 512 << 10 },
		{ "/quorate.v1.Custodian/Exchange", CALLER_PEER, 512 << 10 },
		{ "/self/Outgoing", CALLER_SELF, 1 },
		{ "/self/Heard", CALLER_SELF, 1 + (512 << 10) },
		{ "/self/Charter", CALLER_SELF, 32 },
	};

	(void)state;
	assert_int_equal(n_keeper_methods, sizeof(rows) / sizeof(rows[0]));
	for (size_t i = 0; i < n_keeper_methods; i++) {
		assert_string_equal(keeper_methods[i].name, rows[i].name);
		assert_int_equal(keeper_methods[i].callers, rows[i].callers);
		assert_int_equal(keeper_methods[i].max_request, rows[i].max);
	}
}

static enum rc
ask(uint8_t method, uint8_t roles, struct span request, struct frame *f)
{
	static uint32_t	id;
	struct err	err;

	assert_int_equal(frame_write(fd, ++id, method, roles, 0, NULL, request, &err), RC_OK);
	if (frame_read(fd, 30000, f, &err) != RC_OK)
		fail_msg("%s", err.msg);
	assert_int_equal(f->id, id);
	return (enum rc)f->code;
}

static void
who_asks_what(void **state)
{
	static const struct {
		uint8_t	method, roles;
		size_t	n;		/* bytes of nothing that anybody can read */
		enum rc	rc;
	} rows[] = {
		{ 0, 0, 1, RC_DENIED },
		{ 0, CALLER_PEER | CALLER_HOST, 1, RC_DENIED },
		{ 0, CALLER_COORDINATOR, 1, RC_FORMAT },
		{ 1, 0, 1, RC_DENIED },
		{ 1, CALLER_PEER, 1, RC_DENIED },
		{ 1, CALLER_HOST, 1, RC_DENIED },
		{ 1, CALLER_COORDINATOR, 1, RC_FORMAT },
		{ 1, CALLER_COORDINATOR, 64, RC_FORMAT },
		{ 1, CALLER_COORDINATOR, 65, RC_DENIED },
		{ 2, 0, 0, RC_DENIED },
		{ 2, CALLER_SELF, 0, RC_DENIED },
		{ 2, CALLER_ANYBODY, 0, RC_OK },
		{ 2, CALLER_HOST, 0, RC_OK },
		{ 2, CALLER_PEER, 0, RC_OK },
		{ 2, CALLER_PEER | CALLER_HOST, 0, RC_OK },
		{ 2, CALLER_PEER, 65, RC_DENIED },
		{ 3, 0, 1, RC_DENIED },
		{ 3, CALLER_ANYBODY, 1, RC_FORMAT },
		{ 3, CALLER_PEER, 1, RC_FORMAT },
		{ 3, CALLER_ANYBODY, 0, RC_UNSURE },	/* no log yet */
		{ 4, (uint8_t)~CALLER_PEER, 1, RC_DENIED },
		{ 4, CALLER_PEER, 1, RC_UNSURE },
		{ 5, (uint8_t)~CALLER_SELF, 1, RC_DENIED },
		{ 5, CALLER_SELF, 2, RC_DENIED },
		{ 5, CALLER_SELF, 1, RC_OK },
		{ 6, (uint8_t)~CALLER_SELF, 1, RC_DENIED },
		{ 6, CALLER_SELF, 1, RC_UNSURE },
		{ 7, (uint8_t)~CALLER_SELF, 32, RC_DENIED },
		{ 7, CALLER_SELF, 33, RC_DENIED },
		{ 7, CALLER_SELF, 31, RC_FORMAT },
		{ 7, CALLER_SELF, 32, RC_OK },		/* no log yet: nothing that the listener does not have */
		{ 8, 0xff, 0, RC_USAGE },
		{ 255, 0xff, 0, RC_USAGE },
	};
	struct frame	f = { .payload = BUF_INIT(FRAME_BYTES_MAX) };
	uint8_t		junk[65];

	(void)state;
	memset(junk, 0xff, sizeof(junk));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum rc	rc = ask(rows[i].method, rows[i].roles, SPAN(junk, rows[i].n), &f);

		if (rc != rows[i].rc)
			fail_msg("row %zu: %s: %s", i, rc_name(rc), f.words);
		/* What is refused answers with words and nothing else. */
		if (rc != RC_OK)
			assert_int_equal(f.payload.n, 0);
		assert_true((rc == RC_OK) == (f.words[0] == '\0'));
	}
	buf_done(&f.payload);
}

/* What the keeper wrote. */
static const char *
log_path(void)
{
	static char	path[FILE_PATH_MAX];
	struct err	err;

	if (file_path(path, &err, "%s/keeper.log", place.dir) != RC_OK)
		abort();
	return path;
}

static unsigned
lines(void)
{
	struct buf	text = BUF_INIT(1 << 20);
	struct err	err;
	unsigned	n = 0;

	assert_int_equal(file_read(log_path(), &text, &err), RC_OK);
	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	buf_done(&text);
	return n;
}

/* Whoever may call can be refused faster than a disk wants to hear of it. */
static void
says_so_much_and_no_more(void **state)
{
	struct frame	f = { .payload = BUF_INIT(FRAME_BYTES_MAX) };
	unsigned	before = lines();

	(void)state;
	for (unsigned i = 0; i < 500; i++)
		assert_int_equal(ask(3, CALLER_ANYBODY, SPAN_STR("\xff"), &f), RC_FORMAT);
	assert_in_range(lines() - before, 1, 200);
	buf_done(&f.payload);
}

/* What its parent does for each listener. */
static void
new_listener(void)
{
	int		pair[2];
	struct err	err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 ||
	    frame_fd_send(control, pair[0], &err) != RC_OK)
		abort();
	(void)close(pair[0]);
	fd = pair[1];
}

/* A listener that died in the middle of a frame, or of an answer, is nobody else's trouble. */
static void
a_listener_after_another(void **state)
{
	static const uint8_t	half[] = { 0, 0, 1, 0, 0, 0 };
	struct frame		f = { .payload = BUF_INIT(FRAME_BYTES_MAX) };
	struct err		err;

	(void)state;
	assert_int_equal(write(fd, half, sizeof(half)), sizeof(half));
	(void)close(fd);
	new_listener();
	assert_int_equal(ask(2, CALLER_PEER, SPAN(NULL, 0), &f), RC_OK);
	/* Asked, and not there to hear it. */
	assert_int_equal(frame_write(fd, 9, 2, CALLER_PEER, 0, NULL, SPAN(NULL, 0), &err), RC_OK);
	(void)close(fd);
	new_listener();
	assert_int_equal(ask(2, CALLER_PEER, SPAN(NULL, 0), &f), RC_OK);
	buf_done(&f.payload);
}

/* One that sends what is no frame loses its socket, and the next one is heard. */
static void
a_listener_that_talks_nonsense(void **state)
{
	struct frame	f = { .payload = BUF_INIT(FRAME_BYTES_MAX) };
	uint8_t		junk[64];
	struct err	err;

	(void)state;
	memset(junk, 0xff, sizeof(junk));
	assert_int_equal(write(fd, junk, sizeof(junk)), sizeof(junk));
	assert_int_equal(frame_read(fd, 30000, &f, &err), RC_IO);
	(void)close(fd);
	new_listener();
	assert_int_equal(ask(2, CALLER_PEER, SPAN(NULL, 0), &f), RC_OK);
	buf_done(&f.payload);
}

/* A service manager signals every process: the parent decides. */
static void
outlives_a_signal(void **state)
{
	struct frame	f = { .payload = BUF_INIT(FRAME_BYTES_MAX) };

	(void)state;
	assert_int_equal(kill(keeper, SIGTERM), 0);
	assert_int_equal(kill(keeper, SIGINT), 0);
	assert_int_equal(ask(2, CALLER_PEER, SPAN(NULL, 0), &f), RC_OK);
	buf_done(&f.payload);
}

static void
ends_with_its_parent(void **state)
{
	int	status;

	(void)state;
	(void)close(control);
	assert_int_equal(waitpid(keeper, &status, 0), keeper);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_YES);
}

/* Forked before this process opens the token; it has the network's genesis from its folder. */
static void
start_keeper(void)
{
	struct frame	hello = { .payload = BUF_INIT(16) };
	int		pair[2];
	struct err	err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		abort();
	if ((keeper = fork()) == 0) {
		(void)close(pair[0]);
		if (freopen(log_path(), "a", stderr) == NULL)
			abort();
		_exit(keeper_main(place.dir, pair[1]));
	}
	(void)close(pair[1]);
	control = pair[0];
	if (keeper < 0 || frame_read(control, 60000, &hello, &err) != RC_OK)
		abort();
	new_listener();
	buf_done(&hello.payload);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(who_asks_what),
		cmocka_unit_test(says_so_much_and_no_more),
		cmocka_unit_test(a_listener_after_another),
		cmocka_unit_test(a_listener_that_talks_nonsense),
		cmocka_unit_test(outlives_a_signal),
		cmocka_unit_test(ends_with_its_parent),
	};
	int	failed;

	if (!bench_place_up(&place))
		return 0;
	bench_up(&b, &place);
	bench_write_genesis(&b);
	bench_down(&b);
	bench_place_close(&place);
	start_keeper();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_place_down(&place);
	return failed;
}

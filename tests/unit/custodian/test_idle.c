/* The keeper checks shares while nobody asks, and answers at once when somebody does. */
#include <sys/socket.h>
#include <sys/wait.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "custodian/frame.h"
#include "custodian/methods.h"
#include "tests/unit/custodian/sealing.h"

#define CHECKPOINT	2	/* its place in the table */
#define BATCHES		3
#define LEAVES		300

static struct bench_place	place;
static struct bench		b;
static int			control, fd;
static pid_t			keeper;

static uint64_t
milliseconds(void)
{
	struct timespec	t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* How many batches wait, as whoever asks is told. */
static uint64_t
unchecked(void)
{
	static uint32_t			 id;
	struct frame			 f = { .payload = BUF_INIT(FRAME_BYTES_MAX) };
	Quorate__V1__CheckpointReply	*r;
	struct err			 err;
	uint64_t			 n;

	if (frame_write(fd, ++id, CHECKPOINT, CALLER_PEER, 0, NULL, SPAN(NULL, 0), &err) != RC_OK ||
	    frame_read(fd, 30000, &f, &err) != RC_OK)
		fail_msg("%s", err.msg);
	assert_int_equal(f.code, RC_OK);
	r = quorate__v1__checkpoint_reply__unpack(NULL, f.payload.n, f.payload.p);
	assert_non_null(r);
	n = r->health->unchecked;
	quorate__v1__checkpoint_reply__free_unpacked(r, NULL);
	buf_done(&f.payload);
	return n;
}

/* Asked without a pause it has no time for it; left alone it is soon through. */
static void
checks_when_nobody_asks(void **state)
{
	struct timespec	moment = { 0, 20000000 };
	uint64_t	began = milliseconds();

	(void)state;
	while (unchecked() > 0) {	/* how large a slice is, between two answers, test_check says */
		assert_true(milliseconds() - began < 120000);
		(void)nanosleep(&moment, NULL);
	}
}

/* The network's replica, with batches that wait, where the keeper has its own. */
static void
prepare(void)
{
	char	from[128], to[160];

	bench_up(&b, &place);
	bench_write_genesis(&b);
	b.net.now = clock_now() - 600;
	for (int i = 0; i < BATCHES; i++)
		sealing_batch(&b, LEAVES, NULL, 0, 0);
	bench_sync(&b, 0);
	snprintf(from, sizeof(from), "%s/test.db", place.root);
	snprintf(to, sizeof(to), "%s/replica.db", place.dir);
	replica_free(TAKE(b.c.replica));
	store_close(TAKE(b.c.store));
	if (rename(from, to) != 0)
		abort();
	bench_down(&b);
	bench_place_close(&place);
}

static void
start_keeper(void)
{
	struct frame	hello = { .payload = BUF_INIT(16) };
	int		up[2], pair[2];
	struct err	err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, up) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		abort();
	if ((keeper = fork()) == 0) {
		(void)close(up[0]);
		(void)close(pair[1]);
		_exit(keeper_main(place.dir, up[1]));
	}
	(void)close(up[1]);
	control = up[0];
	if (keeper < 0 || frame_read(control, 60000, &hello, &err) != RC_OK ||
	    frame_fd_send(control, pair[0], &err) != RC_OK)
		abort();
	(void)close(pair[0]);
	fd = pair[1];
	buf_done(&hello.payload);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(checks_when_nobody_asks),
	};
	int	failed, status;

	if (!bench_place_up(&place))
		return 0;
	prepare();
	start_keeper();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)close(fd);
	(void)close(control);
	(void)waitpid(keeper, &status, 0);
	bench_place_down(&place);
	return failed;
}

/*
 * Who is let in and who is sent away: bare sockets against a server, from addresses of this
 * machine's own. What one test spends of an address's rate is another's: each has its own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proto/door.h"
#include "tests/unit/proto/peers.h"

#define MS 30000

static int
connect_from(const char *from, uint16_t port)
{
	struct sockaddr_in	a = { .sin_family = AF_INET }, to = { .sin_family = AF_INET, .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int			fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(inet_pton(AF_INET, from, &a.sin_addr), 1);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		assert_int_equal(errno, ECONNRESET);
	return fd;
}

/* Has the other side ended it? Waits for ms. */
static bool
has_ended(int fd, int ms)
{
	struct pollfd	p = { .fd = fd, .events = POLLIN };
	char		byte;

	return poll(&p, 1, ms) == 1 && recv(fd, &byte, 1, MSG_DONTWAIT) <= 0;
}

static void
connect_all(int *fds, unsigned n, const char *from, uint16_t port)
{
	for (unsigned i = 0; i < n; i++)
		fds[i] = connect_from(from, port);
}

static unsigned
count_ended(const int *fds, unsigned n)
{
	unsigned	ended = 0;

	for (unsigned i = 0; i < n; i++)
		ended += has_ended(fds[i], 0);
	return ended;
}

static void
close_all(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		close(fds[i]);
}

static enum rc
echo(struct rpc_client *c, size_t n)
{
	static uint8_t	zeros[RPC_MESSAGE_MAX];
	struct buf	reply = BUF_INIT(RPC_MESSAGE_MAX);
	enum rc		rc = rpc_call(c, "/t/Echo", SPAN(zeros, n), MS, &reply, NULL);

	buf_done(&reply);
	return rc;
}

/* Of one address the oldest goes when there are too many; another address does not notice. */
static void
test_each(void **state)
{
	enum { MORE = 20 };
	static int		 fds[DOOR_EACH + MORE];
	struct peers		 p;
	struct rpc_client	*c;
	int			 other;

	(void)state;
	peers_init(&p);
	peers_start(&p);
	c = peers_client(&p, &p.alice);
	assert_int_equal(echo(c, 1), RC_OK);
	(void)door_tell();
	other = connect_from("127.0.0.11", p.port);
	connect_all(fds, DOOR_EACH, "127.0.0.12", p.port);
	assert_int_equal(rpc_server_alive(p.s, MS, NULL), RC_OK);	/* all of them were taken */
	assert_int_equal(door_tell().closed, 0);
	connect_all(fds + DOOR_EACH, MORE, "127.0.0.12", p.port);
	for (int i = 0; i < MORE; i++)
		assert_true(has_ended(fds[i], MS));
	assert_int_equal(count_ended(fds, DOOR_EACH + MORE), MORE);
	assert_int_equal(door_tell().closed, MORE);
	assert_false(has_ended(other, 0));
	assert_int_equal(echo(c, 1), RC_OK);
	close_all(fds, DOOR_EACH + MORE);
	close(other);
	rpc_client_free(c);
	peers_done(&p);
}

/* When all places are taken, the fullest address gives one; who is known and who is alone stay. */
static void
test_places(void **state)
{
	static int		 fds[5][DOOR_EACH];
	struct peers		 p;
	struct rpc_client	*c;
	char			 from[32];
	unsigned		 ended = 0;
	int			 alone;

	(void)state;
	peers_init(&p);
	peers_start(&p);
	c = peers_client(&p, &p.alice);
	assert_int_equal(echo(c, 1), RC_OK);
	alone = connect_from("127.0.0.21", p.port);
	for (unsigned i = 0; i < 5; i++) {
		snprintf(from, sizeof(from), "127.0.0.%u", 22 + i);
		connect_all(fds[i], DOOR_EACH - 1, from, p.port);
	}
	assert_int_equal(rpc_server_alive(p.s, MS, NULL), RC_OK);
	for (unsigned i = 0; i < 5; i++)
		ended += count_ended(fds[i], DOOR_EACH - 1);
	/* One known, one alone; whoever asks whether it is alive needs a place as well. */
	assert_in_range(ended, 5 * (DOOR_EACH - 1) + 2 - DOOR_PLACES, 5 * (DOOR_EACH - 1) + 3 - DOOR_PLACES);
	assert_false(has_ended(alone, 0));
	assert_int_equal(echo(c, 1), RC_OK);
	for (unsigned i = 0; i < 5; i++)
		close_all(fds[i], DOOR_EACH - 1);
	close(alone);
	rpc_client_free(c);
	peers_done(&p);
}

static uint64_t
ms_now(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* So many at once, then so many a second; another address has a rate of its own. */
static void
test_rate(void **state)
{
	struct peers		p;
	struct door_told	told;
	uint64_t		began, may;
	unsigned		n;
	int			fd;

	(void)state;
	peers_init(&p);
	peers_start(&p);
	(void)door_tell();
	began = ms_now();
	for (n = 0; n < 3 * DOOR_BURST; n++)
		close(connect_from("127.0.0.31", p.port));
	fd = connect_from("127.0.0.32", p.port);	/* behind all of those */
	assert_int_equal(rpc_server_alive(p.s, MS, NULL), RC_OK);
	told = door_tell();
	may = DOOR_BURST + DOOR_RATE * (ms_now() - began + 1000) / 1000;
	assert_true(told.refused + may >= n);
	assert_true(told.refused <= n - DOOR_BURST);
	assert_int_equal(told.starved, 0);
	assert_false(has_ended(fd, 300));
	close(fd);
	peers_done(&p);
}

/* A stranger's connection has a life. */
static void
test_life(void **state)
{
	struct peers		 p;
	struct rpc_client	*c;
	struct timespec		 t;
	int			 fd;

	(void)state;
	peers_init(&p);
	peers_start(&p);
	c = peers_client(&p, &p.alice);
	assert_int_equal(echo(c, 1), RC_OK);
	fd = connect_from("127.0.0.41", p.port);
	assert_int_equal(rpc_server_alive(p.s, MS, NULL), RC_OK);
	(void)door_tell();
	clock_gettime(CLOCK_MONOTONIC, &t);
	door_sweep((uint64_t)t.tv_sec * 1000 + DOOR_STRANGER_MS - 60000);
	assert_false(has_ended(fd, 300));
	door_sweep((uint64_t)t.tv_sec * 1000 + DOOR_STRANGER_MS + 60000);
	assert_true(has_ended(fd, MS));
	assert_int_equal(echo(c, 1), RC_OK);
	assert_in_range(door_tell().closed, 1, 2);	/* not the one that is known */
	close(fd);
	rpc_client_free(c);
	peers_done(&p);
}

/* Whoever is refused again and again loses the connection, and may come again. */
static void
test_waste(void **state)
{
	struct peers		 p;
	struct rpc_client	*c;
	struct buf		 reply = BUF_INIT(64);
	enum rc			 rc = RC_USAGE;

	(void)state;
	peers_init(&p);
	peers_start(&p);
	c = peers_client(&p, &p.bob);
	(void)door_tell();
	for (unsigned i = 0; i < 50 * DOOR_WASTE && door_tell().closed == 0; i++)
		rc = rpc_call(c, "/t/NoSuch", SPAN(NULL, 0), MS, &reply, NULL);
	assert_true(rc == RC_USAGE || rc == RC_UNSURE);
	assert_true(atomic_load(&p.noted) > DOOR_WASTE);
	assert_true(atomic_load(&p.noted) < 50 * DOOR_WASTE);
	for (int i = 0; i < 100 && (rc = rpc_call(c, "/t/Who", SPAN(NULL, 0), MS, &reply, NULL)) != RC_OK; i++)
		sleep_ms(50);
	assert_int_equal(rc, RC_OK);
	buf_done(&reply);
	rpc_client_free(c);
	peers_done(&p);
}

/* Large requests one after another owe nothing: each was whole. */
static void
test_large_requests(void **state)
{
	struct peers		 p;
	struct rpc_client	*c;

	(void)state;
	peers_init(&p);
	peers_start(&p);
	c = peers_client(&p, &p.alice);
	(void)door_tell();
	for (size_t sent = 0; sent < 2 * DOOR_KNOWN_BYTES; sent += RPC_MESSAGE_MAX)
		assert_int_equal(echo(c, RPC_MESSAGE_MAX), RC_OK);
	assert_int_equal(door_tell().closed, 0);
	rpc_client_free(c);
	peers_done(&p);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_waste),
		cmocka_unit_test(test_large_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

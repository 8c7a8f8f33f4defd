/*
 * The accounts of the door: this test stands where the library does, accepts, reads and closes.
 * What one test spends of an address's rate is another's: each has its own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "proto/door.h"
#include "tests/unit/proto/peers.h"

static int	listener;
static uint16_t	listens;

/* One connection: their end, ours, and what the library would call it. */
struct line {
	int	theirs, ours;
	char	peer[64];
};

static int
set_up(void **state)
{
	struct sockaddr_in	a = { .sin_family = AF_INET };
	socklen_t		n = sizeof(a);
	struct rlimit		r;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
	r.rlim_cur = r.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &r), 0);
	assert_int_equal(door_open(NULL), RC_OK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 100), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &n), 0);
	listens = ntohs(a.sin_port);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	return close(listener);
}

/* From that port; 0: from any. */
static struct line
line_open(const char *from, uint16_t port)
{
	static const int	one = 1;
	struct sockaddr_in	a = { .sin_family = AF_INET, .sin_port = htons(port) },
				to = { .sin_family = AF_INET, .sin_port = htons(listens),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6	who;
	socklen_t		n = sizeof(who);
	struct line		l = { .theirs = socket(AF_INET, SOCK_STREAM, 0) };

	assert_int_equal(inet_pton(AF_INET, from, &a.sin_addr), 1);
	assert_int_equal(setsockopt(l.theirs, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	assert_int_equal(bind(l.theirs, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(connect(l.theirs, (struct sockaddr *)&to, sizeof(to)), 0);
	l.ours = accept4(listener, (struct sockaddr *)&who, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(l.ours >= 0);
	memcpy(&a, &who, sizeof(a));
	(void)snprintf(l.peer, sizeof(l.peer), "ipv4:%s:%u", from, (unsigned)ntohs(a.sin_port));
	return l;
}

static void
line_close(struct line *l)
{
	close(l->theirs);
	close(l->ours);
}

static bool
has_ended(const struct line *l)
{
	struct pollfd	p = { .fd = l->theirs, .events = POLLIN };
	char		byte;

	return poll(&p, 1, 0) == 1 && recv(l->theirs, &byte, 1, MSG_DONTWAIT) <= 0;
}

/* As the library reads. */
static ssize_t
read_line(const struct line *l, size_t most)
{
	static uint8_t	into[1 << 16];
	struct iovec	v = { into, most };
	struct msghdr	m = { .msg_iov = &v, .msg_iovlen = 1 };

	return recvmsg(l->ours, &m, 0);
}

/* So much as one may have in a round comes in, and the next round begins; false: it was ended. */
static bool
pour(const struct line *l, size_t n)
{
	static const uint8_t	zeros[DOOR_KNOWN_SIP_BYTES];

	assert_int_equal(send(l->theirs, zeros, n, MSG_NOSIGNAL), n);
	for (ssize_t got; n > 0; n -= (size_t)got)
		if ((got = read_line(l, n)) <= 0)
			return false;
	door_next();
	return true;
}

static uint64_t
ms_now(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
assert_about(size_t got, size_t limit, uint64_t began)
{
	assert_in_range(got, limit, limit + DOOR_KNOWN_SIP_BYTES + DOOR_REFILL_BYTES * (ms_now() - began + 1000) / 1000);
}

/* A peer that never said it heard how many calls are allowed; what is over counts no more. */
static void
test_calls(void **state)
{
	struct line	l = line_open("127.0.1.1", 0);
	uint64_t	guest = 0;

	(void)state;
	for (unsigned i = 0; i < 3 * DOOR_CALLS; i++) {
		guest = door_call(l.peer, true);
		assert_true(guest != 0);
		door_over(guest, false, ms_now());
	}
	for (unsigned i = 0; i < DOOR_CALLS; i++)
		guest = door_call(l.peer, true);
	assert_false(has_ended(&l));
	assert_true(door_call(l.peer, true) == guest);
	assert_true(has_ended(&l));
	line_close(&l);
	door_over(guest, true, ms_now());	/* the library is late */
}

static void
test_bytes_of_a_stranger(void **state)
{
	struct line	l = line_open("127.0.1.2", 0);
	uint64_t	began = ms_now();
	size_t		n = 0;

	(void)state;
	(void)door_tell();
	while (n < 2 * DOOR_STRANGER_BYTES && pour(&l, DOOR_SIP_BYTES))
		n += DOOR_SIP_BYTES;
	assert_about(n + DOOR_SIP_BYTES, DOOR_STRANGER_BYTES, began);
	assert_int_equal(door_tell().closed, 1);
	line_close(&l);
}

static void
test_bytes_of_who_is_known(void **state)
{
	struct line	l = line_open("127.0.1.3", 0);
	uint64_t	began = ms_now();
	size_t		n = 0;

	(void)state;
	(void)door_tell();
	assert_true(door_call(l.peer, true) != 0);
	while (n < 2 * DOOR_KNOWN_BYTES && pour(&l, DOOR_KNOWN_SIP_BYTES))
		n += DOOR_KNOWN_SIP_BYTES;
	assert_about(n + DOOR_KNOWN_SIP_BYTES, DOOR_KNOWN_BYTES, began);
	assert_int_equal(door_tell().closed, 1);
	line_close(&l);
}

/* Who owes most goes; what those owed who left, or became known, is no stranger's any more. */
static void
test_bytes_of_strangers(void **state)
{
	enum { N = 60, SEVENTH = 7, MORE = 10 };
	struct line	l[N];
	uint64_t	began;
	size_t		n;

	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		began = ms_now();
		for (int i = 0; i < N; i++)
			l[i] = line_open("127.0.1.4", 0);
		for (n = 0; n < MORE; n++)
			assert_true(pour(&l[SEVENTH], DOOR_SIP_BYTES));
		(void)door_tell();
		for (int i = 0; !has_ended(&l[SEVENTH]) && n < 2 * DOOR_STRANGERS_BYTES / DOOR_SIP_BYTES; i++, n++)
			(void)pour(&l[i % N], DOOR_SIP_BYTES);
		assert_in_range(n * DOOR_SIP_BYTES, DOOR_STRANGERS_BYTES,
		    DOOR_STRANGERS_BYTES + N * DOOR_REFILL_BYTES * (ms_now() - began + 1000) / 1000);
		assert_int_equal(door_tell().closed, 1);
		for (int i = 0; i < N; i++) {
			if (i % 2 == 0)
				(void)door_call(l[i].peer, true);
			line_close(&l[i]);
		}
	}
}

/* A ration that is used up is told as nothing to read, and told again when there is a next. */
static void
test_ration(void **state)
{
	struct line		l = line_open("127.0.1.5", 0);
	struct epoll_event	e = { .events = EPOLLIN | EPOLLET };
	int			ep = epoll_create1(EPOLL_CLOEXEC);
	static uint8_t		zeros[3 * DOOR_SIP_BYTES];
	struct iovec		v = { zeros, sizeof(zeros) };
	struct msghdr		m = { .msg_iov = &v, .msg_iovlen = 1 };

	(void)state;
	assert_int_equal(epoll_ctl(ep, EPOLL_CTL_ADD, l.ours, &e), 0);
	assert_int_equal(send(l.theirs, zeros, sizeof(zeros), 0), sizeof(zeros));
	assert_int_equal(shutdown(l.theirs, SHUT_WR), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(epoll_wait(ep, &e, 1, 1000), 1);
		assert_int_equal(read_line(&l, sizeof(zeros)), DOOR_SIP_BYTES);
		if (i == 2)
			break;
		assert_int_equal(read_line(&l, sizeof(zeros)), -1);
		assert_int_equal(errno, EAGAIN);
		/* To look costs nothing, and says what is there. */
		assert_int_equal(recvmsg(l.ours, &m, MSG_PEEK), (int)sizeof(zeros) - (i + 1) * (int)DOOR_SIP_BYTES);
		while (epoll_wait(ep, &e, 1, 0) == 1)
			;
		door_next();
	}
	assert_int_equal(read_line(&l, sizeof(zeros)), 0);	/* of an end nobody is told twice */
	close(ep);
	line_close(&l);
}

/* All that one may have in a round comes in, of more than that. */
static size_t
drink(const struct line *l)
{
	static const uint8_t	zeros[2 * DOOR_KNOWN_GULP_BYTES];
	size_t			got = 0;
	ssize_t			n;

	(void)send(l->theirs, zeros, sizeof(zeros), MSG_DONTWAIT);
	while ((n = read_line(l, 1 << 16)) > 0)
		got += (size_t)n;
	assert_int_equal(errno, EAGAIN);
	door_next();
	return got;
}

/* In the midst of a large message there is more of it in a round, up to a bound; not for strangers, nor for many calls. */
static void
test_gulps(void **state)
{
	const int	room = 1 << 20;
	struct line	l = line_open("127.0.1.9", 0);
	uint64_t	call;

	(void)state;
	assert_int_equal(setsockopt(l.ours, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
	assert_int_equal(setsockopt(l.theirs, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
	for (int i = 0; i < 6; i++)
		assert_int_equal(drink(&l), DOOR_SIP_BYTES);
	call = door_call(l.peer, true);
	for (int i = 0; i < 2; i++) {		/* once, and again after many calls */
		assert_int_equal(drink(&l), DOOR_KNOWN_SIP_BYTES);
		door_whole(call, DOOR_KNOWN_BYTES);
		assert_int_equal(drink(&l), 2 * DOOR_KNOWN_SIP_BYTES);
		assert_int_equal(drink(&l), 4 * DOOR_KNOWN_SIP_BYTES);
		(void)door_call(l.peer, true);	/* one is the next message */
		for (int j = 0; j < 3; j++)
			assert_int_equal(drink(&l), DOOR_KNOWN_GULP_BYTES);
		(void)door_call(l.peer, true);
		(void)door_call(l.peer, true);
	}
	assert_int_equal(drink(&l), DOOR_KNOWN_SIP_BYTES);
	line_close(&l);
}

/* Whoever is in the midst of large messages leaves the others their sips, whoever is asked first. */
static void
test_gulps_leave_sips(void **state)
{
	enum { N = 3, LARGE = 2 };
	static const uint8_t	zeros[2 * DOOR_KNOWN_GULP_BYTES];
	const int		room = 1 << 20;
	struct line		l[N];
	size_t			got[LARGE];
	ssize_t			n;

	(void)state;
	for (int i = 0; i < N; i++) {
		uint64_t	call;

		l[i] = line_open("127.0.1.10", 0);
		assert_true((call = door_call(l[i].peer, true)) != 0);
		assert_int_equal(setsockopt(l[i].ours, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
		assert_int_equal(setsockopt(l[i].theirs, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
		for (int j = 0; i < LARGE && j < 5; j++)
			(void)drink(&l[i]);
		door_whole(call, DOOR_KNOWN_BYTES);
	}
	for (int i = 0; i < LARGE; i++) {
		(void)send(l[i].theirs, zeros, sizeof(zeros), MSG_DONTWAIT);
		for (got[i] = 0; (n = read_line(&l[i], 1 << 16)) > 0;)
			got[i] += (size_t)n;
	}
	assert_int_equal(got[0], DOOR_KNOWN_GULP_BYTES);
	assert_int_equal(got[1], DOOR_KNOWN_SIP_BYTES);
	assert_int_equal(send(l[LARGE].theirs, "no", 2, 0), 2);
	assert_int_equal(read_line(&l[LARGE], 1 << 16), 2);
	for (int i = 0; i < N; i++)
		line_close(&l[i]);
}

/* All strangers together, and all who are known, have rations as well. */
static void
test_rations(void **state)
{
	enum { N = 30, STRANGERS = DOOR_SIPS_BYTES / DOOR_SIP_BYTES, KNOWN = DOOR_KNOWN_SIPS_BYTES / DOOR_KNOWN_SIP_BYTES };
	static uint8_t	zeros[DOOR_KNOWN_SIP_BYTES];
	struct line	l[N];
	int		read_of[2];

	(void)state;
	for (int i = 0; i < N; i++)
		l[i] = line_open("127.0.1.8", 0);
	for (int known = 0; known < 2; known++) {
		for (int i = 0; i < N; i++)
			assert_int_equal(send(l[i].theirs, zeros, known ? DOOR_KNOWN_SIP_BYTES : DOOR_SIP_BYTES, 0),
			    known ? DOOR_KNOWN_SIP_BYTES : DOOR_SIP_BYTES);
		for (int round = 0; round < 2; round++) {
			read_of[round] = 0;
			door_next();
			for (int i = 0; i < N; i++)
				read_of[round] += read_line(&l[i], sizeof(zeros)) > 0;
		}
		assert_int_equal(read_of[0], known ? KNOWN : STRANGERS);
		assert_int_equal(read_of[1], N - read_of[0]);
		for (int i = 0; i < N; i++)
			assert_true(door_call(l[i].peer, true) != 0);
	}
	for (int i = 0; i < N; i++)
		line_close(&l[i]);
}

/* Of one who was told to go there is nothing to read, errors neither: no words of before. */
static void
test_nothing_left(void **state)
{
	struct line	l = line_open("127.0.1.6", 0);
	uint8_t		byte, control[64];
	struct iovec	v = { &byte, 1 };
	struct msghdr	m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };

	(void)state;
	assert_int_equal(send(l.theirs, "x", 1, 0), 1);
	door_close(door_call(l.peer, false));
	assert_int_equal(recvmsg(l.ours, &m, 0), 0);
	assert_int_equal(m.msg_controllen, 0);
	m.msg_controllen = sizeof(control);
	assert_int_equal(recvmsg(l.ours, &m, MSG_ERRQUEUE | MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	line_close(&l);
}

/* Whoever was sent away and comes from the same port is not who was there before. */
static void
test_again_from_a_port(void **state)
{
	const struct linger	at_once = { 1, 0 };
	struct line		old = line_open("127.0.1.7", 0), filler = line_open("127.0.1.7", 0), l;
	uint64_t		was = door_call(old.peer, false);

	(void)state;
	door_close(was);
	assert_int_equal(setsockopt(old.theirs, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	close(old.theirs);
	l = line_open("127.0.1.7", (uint16_t)strtoul(strrchr(old.peer, ':') + 1, NULL, 10));
	assert_string_equal(l.peer, old.peer);
	assert_true(door_call(l.peer, false) != was);
	door_close(door_call(l.peer, false));
	assert_true(has_ended(&l));
	close(old.ours);
	line_close(&l);
	line_close(&filler);
}

/* Every place comes back, whatever was done on it. */
static void
test_places_come_back(void **state)
{
	char		from[32];
	struct line	l;
	uint64_t	guest;

	(void)state;
	for (unsigned i = 0; i < 3 * DOOR_PLACES; i++) {
		(void)snprintf(from, sizeof(from), "127.0.2.%u", i % 4 + 1);
		l = line_open(from, 0);
		assert_true(pour(&l, 100));
		guest = i % 2 == 0 ? door_call(l.peer, i % 3 == 0) : 0;
		if (i % 5 == 0)
			door_close(guest);
		assert_int_equal(has_ended(&l), guest != 0 && i % 5 == 0);
		line_close(&l);
		door_over(guest, false, ms_now());
	}
}

/* One of the charter who takes all places does not keep out those who come after. */
static void
test_a_crowd_that_is_known(void **state)
{
	static struct line	l[DOOR_PLACES];
	struct line		alone, more[50];
	char			from[32];

	(void)state;
	(void)door_tell();
	for (unsigned i = 0; i < DOOR_PLACES; i++) {
		(void)snprintf(from, sizeof(from), "127.0.3.%u", i % 2 + 1);
		l[i] = line_open(from, 0);
		assert_true(door_call(l[i].peer, true) != 0);
	}
	assert_int_equal(door_tell().closed, 0);
	alone = line_open("127.0.3.9", 0);
	for (unsigned i = 0; i < 50; i++)
		more[i] = line_open("127.0.3.1", 0);
	assert_false(has_ended(&alone));
	assert_int_equal(door_tell().closed, 51);
	for (unsigned i = 0; i < 50; i++)
		line_close(&more[i]);
	for (unsigned i = 0; i < DOOR_PLACES; i++)
		line_close(&l[i]);
	line_close(&alone);
}

/* What does not come from the network is not counted, and not refused. */
static void
test_not_of_the_network(void **state)
{
	struct sockaddr_un	a = { .sun_family = AF_UNIX };
	struct sockaddr_storage	who;
	socklen_t		n = sizeof(a), room = sizeof(who);
	int			at = socket(AF_UNIX, SOCK_STREAM, 0), to = socket(AF_UNIX, SOCK_STREAM, 0), fd;

	(void)state;
	assert_int_equal(bind(at, (struct sockaddr *)&a, sizeof(sa_family_t)), 0);	/* a name of the kernel's */
	assert_int_equal(getsockname(at, (struct sockaddr *)&a, &n), 0);
	assert_int_equal(listen(at, 1), 0);
	assert_int_equal(connect(to, (struct sockaddr *)&a, n), 0);
	(void)door_tell();
	assert_int_equal(fcntl(at, F_SETFL, O_NONBLOCK), 0);
	fd = accept4(at, (struct sockaddr *)&who, &room, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(door_tell().refused, 0);
	close(fd);
	close(to);
	close(at);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_bytes_of_a_stranger),
		cmocka_unit_test(test_bytes_of_who_is_known),
		cmocka_unit_test(test_bytes_of_strangers),
		cmocka_unit_test(test_ration),
		cmocka_unit_test(test_gulps),
		cmocka_unit_test(test_gulps_leave_sips),
		cmocka_unit_test(test_rations),
		cmocka_unit_test(test_nothing_left),
		cmocka_unit_test(test_again_from_a_port),
		cmocka_unit_test(test_places_come_back),
		cmocka_unit_test(test_a_crowd_that_is_known),
		cmocka_unit_test(test_not_of_the_network),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* proto/door.c - what the library calls of the C library: see proto/door.h, and guests.h. */
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/guests.h"

#define IOVECS		64u

/* A descriptor, for when there are no others. Under the lock. */
static int	spare = -1;

/* ---- the C library's own ------------------------------------------------------------ */

static int	(*real_accept4)(int, struct sockaddr *, socklen_t *, int);
static ssize_t	(*real_recvmsg)(int, struct msghdr *, int);
static int	(*real_close)(int);
static pthread_once_t	found = PTHREAD_ONCE_INIT;

static void *
next_of(const char *name)
{
	void	*p = dlsym(RTLD_NEXT, name);

	if (p == NULL)
		abort();		/* a C library without it */
	return p;
}

static void
find(void)
{
	void	*p[3] = { next_of("accept4"), next_of("recvmsg"), next_of("close") };

	memcpy(&real_accept4, &p[0], sizeof(p[0]));	/* ISO C has no other way */
	memcpy(&real_recvmsg, &p[1], sizeof(p[1]));
	memcpy(&real_close, &p[2], sizeof(p[2]));
}

static uint64_t
clock_now_ms(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- what the library calls ------------------------------------------------------------------ */

int
close(int fd)
{
	int	r;

	(void)pthread_once(&found, find);
	if (guests_at(fd) == NULL)
		return real_close(fd);
	/* One step, so that nobody is sent away who got the number meanwhile. */
	guests_lock();
	if (guests_at(fd) != NULL)
		guests_leave(guests_at(fd));
	r = real_close(fd);
	guests_unlock();
	return r;
}

/* As recvmsg(), of at most max bytes. */
static ssize_t
read_some(int fd, struct msghdr *m, int flags, size_t max)
{
	struct iovec	v[IOVECS];
	struct msghdr	less = *m;
	ssize_t		n;
	size_t		i;

	less.msg_iov = v;
	for (i = 0; i < m->msg_iovlen && i < IOVECS && max > 0; i++) {
		v[i] = m->msg_iov[i];
		if (v[i].iov_len > max)
			v[i].iov_len = max;
		max -= v[i].iov_len;
	}
	less.msg_iovlen = i;
	n = real_recvmsg(fd, &less, flags);
	m->msg_controllen = less.msg_controllen;
	m->msg_flags = less.msg_flags;
	return n;
}

/*
 * Only data wait: of an end or an error the kernel does not speak twice, and a connection
 * that missed it would stay for good.
 */
static bool
has_data(int fd)
{
	uint8_t		byte;
	struct iovec	v = { &byte, 1 };
	struct msghdr	m = { .msg_iov = &v, .msg_iovlen = 1 };

	return real_recvmsg(fd, &m, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static ssize_t
read_guest(int fd, struct msghdr *m, int flags)
{
	struct guest	*g = guests_at(fd);
	size_t		 max;
	ssize_t		 n;

	if (g == NULL)
		return real_recvmsg(fd, m, flags);
	if (guest_is_leaving(g)) {
		m->msg_controllen = 0;
		m->msg_flags = 0;
		return 0;
	}
	max = guest_may_read(g);
	if (max == 0 && has_data(fd)) {
		errno = EAGAIN;
		return -1;
	}
	n = read_some(fd, m, flags, max == 0 ? DOOR_SIP_BYTES : max);
	if (n <= 0)
		return n;
	return guest_has_read(g, (size_t)n, clock_now_ms()) ? n : 0;	/* 0: the other side left */
}

ssize_t
recvmsg(int fd, struct msghdr *m, int flags)
{
	ssize_t	n;
	int	e;

	(void)pthread_once(&found, find);
	/* What the kernel has to say of errors is no data; what is only looked at is read later. */
	if (guests_at(fd) == NULL || (flags & (MSG_ERRQUEUE | MSG_PEEK)) != 0)
		return real_recvmsg(fd, m, flags);
	guests_lock();
	n = read_guest(fd, m, flags);
	e = errno;
	guests_unlock();
	errno = e;
	return n;
}

/* So that it is told, and nothing of it waits in the kernel. */
static void
turn_away(int fd)
{
	const struct linger	at_once = { 1, 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	(void)real_close(fd);
}

/*
 * Without a descriptor whoever waits is taken with the spare one, and sent home; a
 * stranger makes room for the next.
 */
static bool
starved(int listener)
{
	int	fd;

	guests_spare_one();
	if (spare < 0)
		spare = eventfd(0, EFD_CLOEXEC);
	if (spare < 0)
		return false;
	(void)real_close(spare);
	fd = real_accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0) {
		turn_away(fd);
		guests_count_starved();
	}
	spare = eventfd(0, EFD_CLOEXEC);
	return fd >= 0;
}

/* The lock is for one at a time: those who are in are read meanwhile, however many come. */
static bool
is_starved(int listener)
{
	bool	sent_home;

	guests_lock();
	sent_home = starved(listener);
	guests_unlock();
	return !sent_home;
}

static bool
let_in(int fd, const struct sockaddr *a)
{
	bool	in;

	if (a->sa_family != AF_INET && a->sa_family != AF_INET6)
		return true;		/* not from the network: whoever listens there knows why */
	guests_lock();
	in = guests_enter(fd, a, clock_now_ms());
	guests_unlock();
	return in;
}

/*
 * The library stops listening for good when it is told of anything but EAGAIN and EINTR
 * (CVE-2023-4785): it is not told. What is left in the queue is taken with the next who comes.
 */
static int
accept_one(int listener, struct sockaddr *a, socklen_t *n, int flags)
{
	const socklen_t	room = *n;
	int		fd;

	for (;;) {
		*n = room;
		fd = real_accept4(listener, a, n, flags);
		if (fd >= 0 && let_in(fd, a))
			return fd;
		if (fd >= 0) {
			turn_away(fd);
		} else if (errno == EMFILE || errno == ENFILE) {
			if (is_starved(listener)) {
				errno = EAGAIN;
				return -1;
			}
		} else if (errno != EINTR && errno != ECONNABORTED) {
			if (errno != EBADF && errno != EINVAL && errno != ENOTSOCK)
				errno = EAGAIN;
			return -1;
		}
	}
}

int
accept4(int listener, struct sockaddr *a, socklen_t *n, int flags)
{
	(void)pthread_once(&found, find);
	if (a == NULL || n == NULL || *n < sizeof(struct sockaddr_in6) || !guests_are_open())
		return real_accept4(listener, a, n, flags);
	return accept_one(listener, a, n, flags);
}

static bool
is_ours(const char *name, const void *ours)
{
	return dlsym(RTLD_DEFAULT, name) == ours;
}

enum rc
door_open(struct err *err)
{
	(void)pthread_once(&found, find);
	if (!is_ours("accept4", (const void *)accept4) || !is_ours("recvmsg", (const void *)recvmsg) ||
	    !is_ours("close", (const void *)close))
		return err_set(err, RC_BUG, "RPC server: this program was linked so that connections go uncounted");
	guests_lock();
	if (!guests_are_open()) {
		guests_open(clock_now_ms());
		spare = eventfd(0, EFD_CLOEXEC);
	}
	guests_unlock();
	return RC_OK;
}

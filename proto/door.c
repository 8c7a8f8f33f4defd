/* proto/door.c - see proto/door.h. */
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/door.h"

#define GUESTS		(2 * DOOR_PLACES)	/* those that were told to go are still there for a moment */
#define BUCKETS		1024u
#define THOUSAND	1000u
#define IOVECS		64u

struct host {
	uint8_t		address[16];		/* IPv6; IPv4 as ::ffff:a.b.c.d */
	uint16_t	port;
};

struct guest {
	int		fd;			/* -1: nobody */
	bool		known, leaving, waits;
	uint32_t	serial;
	struct host	host;
	uint64_t	since, owed_at, waste_at;
	size_t		owed, sip;		/* sip: of this round */
	uint32_t	round;
	unsigned	calls, waste;
};

static struct {
	pthread_mutex_t	 lock;
	atomic_bool	 open;
	uint32_t	 serials;
	uint64_t	 key;			/* so that nobody chooses whose bucket they share */
	int		 spare;			/* a descriptor, for when there are no others */
	struct guest	 guest[GUESTS];
	unsigned	 top;			/* guest[top] and above are nobody */
	unsigned	 here;			/* neither nobody nor leaving */
	size_t		 owed;			/* by strangers */
	size_t		 sips[2];		/* of this round: by strangers, by who is known */
	uint32_t	 round;
	bool		 waits;			/* somebody */
	pthread_cond_t	 waiting;
	struct { uint64_t spent, at; } rate[BUCKETS];
	struct door_told told;
} door = { .lock = PTHREAD_MUTEX_INITIALIZER, .waiting = PTHREAD_COND_INITIALIZER, .spare = -1 };

/* Which guest has a descriptor: its index and one more; 0: none. Read without the lock. */
static _Atomic uint16_t	by_fd[DOOR_FDS];

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

/* ---- who ----------------------------------------------------------------------------- */

static bool
host_of(const struct sockaddr *a, struct host *ret)
{
	struct sockaddr_in	v4;
	struct sockaddr_in6	v6;

	memset(ret, 0, sizeof(*ret));
	if (a->sa_family == AF_INET) {
		memcpy(&v4, a, sizeof(v4));
		memset(ret->address + 10, 0xff, 2);
		memcpy(ret->address + 12, &v4.sin_addr, 4);
		ret->port = ntohs(v4.sin_port);
		return true;
	}
	if (a->sa_family != AF_INET6)
		return false;
	memcpy(&v6, a, sizeof(v6));
	memcpy(ret->address, &v6.sin6_addr, 16);
	ret->port = ntohs(v6.sin6_port);
	return true;
}

/* "ipv4:127.0.0.1:4711", "ipv6:%5B::1%5D:4711", "ipv6:[fe80::1%25eth0]:4711" */
static bool
host_named(const char *peer, struct host *ret)
{
	const char	*from = strchr(peer, ':'), *to = strrchr(peer, ':');
	char		 text[80];
	size_t		 n;

	memset(ret, 0, sizeof(*ret));
	if (from == NULL || to <= from)
		return false;
	from += from[1] == '[' ? 2 : strncmp(from + 1, "%5B", 3) == 0 ? 4 : 1;
	ret->port = (uint16_t)strtoul(to + 1, NULL, 10);
	if (to < from || (n = (size_t)(to - from)) >= sizeof(text))
		return false;
	memcpy(text, from, n);
	text[n] = '\0';
	text[strncmp(peer, "ipv4:", 5) == 0 ? n : strcspn(text, "]%")] = '\0';
	if (inet_pton(AF_INET6, text, ret->address) == 1)
		return true;
	memset(ret->address + 10, 0xff, 2);
	return inet_pton(AF_INET, text, ret->address + 12) == 1;
}

/* A number for an address: all of IPv4, the /64 of IPv6. */
static uint64_t
network_of(const struct host *h)
{
	static const uint8_t	mapped[12] = { [10] = 0xff, [11] = 0xff };
	uint64_t		x = 0;

	if (memcmp(h->address, mapped, sizeof(mapped)) == 0)
		memcpy(&x, h->address + 8, 8);
	else
		memcpy(&x, h->address, 8);
	return x;
}

static unsigned
bucket_of(uint64_t network)
{
	uint64_t	x = network ^ door.key;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return (unsigned)((x ^ x >> 31) % BUCKETS);
}

/* ---- places, under the lock ------------------------------------------------------------ */

static bool
is_here(const struct guest *g)
{
	return g->fd >= 0 && !g->leaving;
}

static void
forget_owed(struct guest *g)
{
	if (!g->known)
		door.owed -= g->owed;
	g->owed = 0;
}

/* The library hears that the other side left, and closes. */
static void
send_away(struct guest *g)
{
	if (!is_here(g))
		return;
	g->leaving = true;
	door.here--;
	door.told.closed++;
	forget_owed(g);
	(void)shutdown(g->fd, SHUT_RDWR);
}

static void
remove_guest(struct guest *g)
{
	if (is_here(g)) {
		door.here--;
		forget_owed(g);
	}
	atomic_store(&by_fd[g->fd], 0);
	g->fd = -1;
	while (door.top > 0 && door.guest[door.top - 1].fd < 0)
		door.top--;
}

static bool
may_come(const struct host *h, uint64_t now)
{
	unsigned	b = bucket_of(network_of(h));
	uint64_t	passed = now > door.rate[b].at ? now - door.rate[b].at : 0, spent = door.rate[b].spent;

	spent = passed >= spent / DOOR_RATE + 1 ? 0 : spent - passed * DOOR_RATE;
	door.rate[b].at = now;
	door.rate[b].spent = spent;
	if (spent + THOUSAND > (uint64_t)DOOR_BURST * THOUSAND)
		return false;
	door.rate[b].spent += THOUSAND;
	return true;
}

/* The oldest stranger of a network, and how many there are. */
static struct guest *
oldest_of(uint64_t network, unsigned *ret_n)
{
	struct guest	*oldest = NULL;

	*ret_n = 0;
	for (struct guest *g = door.guest; g < door.guest + door.top; g++) {
		if (!is_here(g) || g->known || network_of(&g->host) != network)
			continue;
		++*ret_n;
		if (oldest == NULL || g->since < oldest->since)
			oldest = g;
	}
	return oldest;
}

/* Whom the others can spare: of the fullest address the oldest, strangers before all who are known. */
static struct guest *
fullest(bool known)
{
	uint16_t	 n[BUCKETS] = { 0 };
	struct guest	*best = NULL;
	unsigned	 most = 0, have;

	for (struct guest *g = door.guest; g < door.guest + door.top; g++)
		if (is_here(g) && g->known == known)
			n[bucket_of(network_of(&g->host))]++;
	for (struct guest *g = door.guest; g < door.guest + door.top; g++) {
		if (!is_here(g) || g->known != known)
			continue;
		have = n[bucket_of(network_of(&g->host))];
		if (have > most || (have == most && g->since < best->since)) {
			most = have;
			best = g;
		}
	}
	return best;
}

static void
make_room(const struct host *h)
{
	struct guest	*g;
	unsigned	 n;

	g = oldest_of(network_of(h), &n);
	if (n >= DOOR_EACH)
		send_away(g);
	if (door.here < DOOR_PLACES)
		return;
	if ((g = fullest(false)) == NULL)
		g = fullest(true);
	if (g != NULL)
		send_away(g);
}

static struct guest *
free_place(void)
{
	for (unsigned i = 0; i < GUESTS; i++)
		if (door.guest[i].fd < 0 || i >= door.top)
			return &door.guest[i];
	return NULL;
}

static bool
enter(int fd, const struct sockaddr *a, uint64_t now)
{
	struct guest	*g;
	struct host	 h;

	if (fd >= DOOR_FDS || !host_of(a, &h) || !may_come(&h, now))
		return false;
	make_room(&h);
	if (door.here >= DOOR_PLACES || (g = free_place()) == NULL)
		return false;
	*g = (struct guest){ .fd = fd, .host = h, .since = now, .owed_at = now, .waste_at = now,
	    .serial = ++door.serials };
	if (g >= door.guest + door.top)
		door.top = (unsigned)(g - door.guest) + 1;
	door.here++;
	atomic_store(&by_fd[fd], (uint16_t)(g - door.guest + 1));
	return true;
}

/* ---- what comes in, under the lock ------------------------------------------------------- */

static void
forgive(struct guest *g, size_t bytes)
{
	size_t	less = bytes < g->owed ? bytes : g->owed;

	g->owed -= less;
	if (!g->known)
		door.owed -= less;
}

/* Whoever owes most, when strangers owe too much together. */
static struct guest *
deepest(void)
{
	struct guest	*best = NULL;

	for (struct guest *g = door.guest; g < door.guest + door.top; g++)
		if (is_here(g) && !g->known && (best == NULL || g->owed > best->owed))
			best = g;
	return best;
}

/* False: no more of this one. */
static bool
take_in(struct guest *g, size_t n, uint64_t now)
{
	uint64_t	ms = now > g->owed_at ? now - g->owed_at : 0;

	if (g->leaving)
		return false;
	forgive(g, (size_t)(ms > 600000 ? 600000 : ms) * DOOR_REFILL_BYTES / 1000);
	g->owed_at = now;
	g->owed += n;
	if (!g->known)
		door.owed += n;
	if (g->owed > (g->known ? DOOR_KNOWN_BYTES : DOOR_STRANGER_BYTES))
		send_away(g);
	else if (door.owed > DOOR_STRANGERS_BYTES)
		send_away(deepest());
	return !g->leaving;
}

/* How much of it may be read now; 0: nothing before the next round. */
static size_t
sip_of(struct guest *g)
{
	const size_t	most = g->known ? DOOR_KNOWN_SIP_BYTES : DOOR_SIP_BYTES,
			all = g->known ? DOOR_KNOWN_SIPS_BYTES : DOOR_SIPS_BYTES;

	if (g->round != door.round) {
		g->round = door.round;
		g->sip = 0;
	}
	if (g->sip >= most || door.sips[g->known] >= all) {
		g->waits = door.waits = true;
		(void)pthread_cond_broadcast(&door.waiting);
		return 0;
	}
	return most - g->sip;
}

static void
count_sip(struct guest *g, size_t n)
{
	g->sip += n;
	door.sips[g->known] += n;
}

static void
count_waste(struct guest *g, uint64_t now)
{
	uint64_t	gone = (now > g->waste_at ? now - g->waste_at : 0) * DOOR_WASTE_RATE / 1000;

	if (gone > 0) {
		g->waste = gone >= g->waste ? 0 : g->waste - (unsigned)gone;
		g->waste_at = now;
	}
	if (++g->waste > DOOR_WASTE)
		send_away(g);
}

/* ---- calls -------------------------------------------------------------------------------- */

static struct guest *
guest_of(uint64_t number)
{
	struct guest	*g = &door.guest[number >> 32];

	return number == 0 || g->fd < 0 || g->serial != (uint32_t)number ? NULL : g;
}

static struct guest *
guest_at(const struct host *h)
{
	for (struct guest *g = door.guest; g < door.guest + door.top; g++)
		if (g->fd >= 0 && g->host.port == h->port &&
		    memcmp(g->host.address, h->address, sizeof(h->address)) == 0)
			return g;
	return NULL;
}

uint64_t
door_call(const char *peer, bool known)
{
	struct host	 h;
	struct guest	*g;
	uint64_t	 number = 0;

	if (!host_named(peer, &h))
		return 0;
	(void)pthread_mutex_lock(&door.lock);
	if ((g = guest_at(&h)) != NULL) {
		if (known && !g->known) {
			if (!g->leaving)
				door.owed -= g->owed;
			g->known = true;
		}
		if (++g->calls > DOOR_CALLS)
			send_away(g);
		number = (uint64_t)(g - door.guest) << 32 | g->serial;
	}
	(void)pthread_mutex_unlock(&door.lock);
	return number;
}

void
door_whole(uint64_t guest, size_t bytes)
{
	struct guest	*g;

	(void)pthread_mutex_lock(&door.lock);
	if ((g = guest_of(guest)) != NULL && !g->leaving)
		forgive(g, bytes + bytes / 32 + 4096);	/* with what framed it */
	(void)pthread_mutex_unlock(&door.lock);
}

void
door_over(uint64_t guest, bool wasted, uint64_t now_ms)
{
	struct guest	*g;

	(void)pthread_mutex_lock(&door.lock);
	if ((g = guest_of(guest)) != NULL) {
		g->calls--;
		if (wasted)
			count_waste(g, now_ms);
	}
	(void)pthread_mutex_unlock(&door.lock);
}

void
door_close(uint64_t guest)
{
	struct guest	*g;

	(void)pthread_mutex_lock(&door.lock);
	if ((g = guest_of(guest)) != NULL)
		send_away(g);
	(void)pthread_mutex_unlock(&door.lock);
}

bool
door_wait(const atomic_bool *stop)
{
	(void)pthread_mutex_lock(&door.lock);
	while (!door.waits && !atomic_load(stop))
		(void)pthread_cond_wait(&door.waiting, &door.lock);
	(void)pthread_mutex_unlock(&door.lock);
	return !atomic_load(stop);
}

void
door_wake(void)
{
	(void)pthread_mutex_lock(&door.lock);
	(void)pthread_cond_broadcast(&door.waiting);
	(void)pthread_mutex_unlock(&door.lock);
}

void
door_next(void)
{
	static const int	one = 1;

	(void)pthread_mutex_lock(&door.lock);
	door.round++;
	memset(door.sips, 0, sizeof(door.sips));
	for (struct guest *g = door.guest; door.waits && g < door.guest + door.top; g++) {
		/* The kernel says again that there is something to read. */
		if (g->fd >= 0 && g->waits)
			(void)setsockopt(g->fd, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof(one));
		g->waits = false;
	}
	door.waits = false;
	(void)pthread_mutex_unlock(&door.lock);
}

void
door_sweep(uint64_t now_ms)
{
	(void)pthread_mutex_lock(&door.lock);
	for (struct guest *g = door.guest; g < door.guest + door.top; g++)
		if (is_here(g) && !g->known && now_ms > g->since + DOOR_STRANGER_MS)
			send_away(g);
	(void)pthread_mutex_unlock(&door.lock);
}

struct door_told
door_tell(void)
{
	struct door_told	told;

	(void)pthread_mutex_lock(&door.lock);
	told = door.told;
	memset(&door.told, 0, sizeof(door.told));
	(void)pthread_mutex_unlock(&door.lock);
	return told;
}

/* ---- what the library calls ------------------------------------------------------------------ */

static struct guest *
has_fd(int fd)
{
	uint16_t	at = fd >= 0 && fd < DOOR_FDS ? atomic_load(&by_fd[fd]) : 0;

	return at == 0 ? NULL : &door.guest[at - 1];
}

int
close(int fd)
{
	int	r;

	(void)pthread_once(&found, find);
	if (has_fd(fd) == NULL)
		return real_close(fd);
	/* One step, so that nobody is sent away who got the number meanwhile. */
	(void)pthread_mutex_lock(&door.lock);
	if (has_fd(fd) != NULL)
		remove_guest(has_fd(fd));
	r = real_close(fd);
	(void)pthread_mutex_unlock(&door.lock);
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
	struct guest	*g = has_fd(fd);
	size_t		 max;
	ssize_t		 n;

	if (g == NULL)
		return real_recvmsg(fd, m, flags);
	if (g->leaving)
		return 0;
	max = sip_of(g);
	if (max == 0 && has_data(fd)) {
		errno = EAGAIN;
		return -1;
	}
	n = read_some(fd, m, flags, max == 0 ? DOOR_SIP_BYTES : max);
	if (n <= 0)
		return n;
	count_sip(g, (size_t)n);
	return take_in(g, (size_t)n, clock_now_ms()) ? n : 0;	/* 0: the other side left */
}

ssize_t
recvmsg(int fd, struct msghdr *m, int flags)
{
	ssize_t	n;
	int	e;

	(void)pthread_once(&found, find);
	if (has_fd(fd) == NULL)
		return real_recvmsg(fd, m, flags);
	(void)pthread_mutex_lock(&door.lock);
	n = read_guest(fd, m, flags);
	e = errno;
	(void)pthread_mutex_unlock(&door.lock);
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
	struct guest	*g = fullest(false);
	int		 fd;

	if (g != NULL)
		send_away(g);
	if (door.spare < 0)
		door.spare = eventfd(0, EFD_CLOEXEC);
	if (door.spare < 0)
		return false;
	(void)real_close(door.spare);
	fd = real_accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0) {
		turn_away(fd);
		door.told.starved++;
	}
	door.spare = eventfd(0, EFD_CLOEXEC);
	return fd >= 0;
}

/* The lock is for one at a time: those who are in are read meanwhile, however many come. */
static bool
is_starved(int listener)
{
	bool	sent_home;

	(void)pthread_mutex_lock(&door.lock);
	sent_home = starved(listener);
	(void)pthread_mutex_unlock(&door.lock);
	return !sent_home;
}

static bool
let_in(int fd, const struct sockaddr *a)
{
	bool	in;

	(void)pthread_mutex_lock(&door.lock);
	if (!(in = enter(fd, a, clock_now_ms())))
		door.told.refused++;
	(void)pthread_mutex_unlock(&door.lock);
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
	if (a == NULL || n == NULL || !atomic_load(&door.open))
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
	(void)pthread_mutex_lock(&door.lock);
	if (!atomic_load(&door.open)) {
		for (unsigned i = 0; i < GUESTS; i++)
			door.guest[i].fd = -1;
		if (getrandom(&door.key, sizeof(door.key), 0) != sizeof(door.key))
			door.key ^= (uint64_t)(uintptr_t)&door ^ clock_now_ms();
		door.spare = eventfd(0, EFD_CLOEXEC);
		atomic_store(&door.open, true);
	}
	(void)pthread_mutex_unlock(&door.lock);
	return RC_OK;
}

/* proto/guests.c - see proto/guests.h. */
#include <sys/random.h>
#include <sys/socket.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "proto/guests.h"
#include "proto/host.h"

#define GUESTS		(2 * DOOR_PLACES)	/* those that were told to go are still there for a moment */
#define BUCKETS		8192u		/* so many that hardly anybody shares one with a crowd */
#define THOUSAND	1000u

struct guest {
	int		fd;			/* -1: nobody */
	bool		known, leaving, waits;
	uint32_t	serial;
	struct host	host;
	uint64_t	since, owed_at, waste_at;
	size_t		owed, sip;		/* sip: of this round, */
	size_t		gulp;			/* of which it may have so much, once it is known */
	unsigned	fresh;			/* calls that arrived in it */
	uint32_t	round;
	unsigned	calls, waste;
};

static struct {
	pthread_mutex_t	 lock;
	atomic_bool	 open;
	uint32_t	 serials;
	uint64_t	 key;			/* so that nobody chooses whose bucket they share */
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
} door = { .lock = PTHREAD_MUTEX_INITIALIZER, .waiting = PTHREAD_COND_INITIALIZER };

/* Which guest has a descriptor: its index and one more; 0: none. Read without the lock. */
static _Atomic uint16_t	by_fd[DOOR_FDS];

/* ---- the table ------------------------------------------------------------------------- */

void
guests_lock(void)
{
	(void)pthread_mutex_lock(&door.lock);
}

void
guests_unlock(void)
{
	(void)pthread_mutex_unlock(&door.lock);
}

struct guest *
guests_at(int fd)
{
	uint16_t	at = fd >= 0 && fd < DOOR_FDS ? atomic_load(&by_fd[fd]) : 0;

	return at == 0 ? NULL : &door.guest[at - 1];
}

void
guests_open(uint64_t now)
{
	for (unsigned i = 0; i < GUESTS; i++)
		door.guest[i].fd = -1;
	if (getrandom(&door.key, sizeof(door.key), 0) != sizeof(door.key))
		door.key ^= (uint64_t)(uintptr_t)&door ^ now;
	atomic_store(&door.open, true);
}

bool
guests_are_open(void)
{
	return atomic_load(&door.open);
}

/* ---- places, under the lock ------------------------------------------------------------ */

static unsigned
bucket_of(uint64_t network)
{
	uint64_t	x = network ^ door.key;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return (unsigned)((x ^ x >> 31) % BUCKETS);
}

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

void
guests_leave(struct guest *g)
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
	unsigned	b = bucket_of(host_network(h));
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
		if (!is_here(g) || g->known || host_network(&g->host) != network)
			continue;
		++*ret_n;
		if (oldest == NULL || g->since < oldest->since)
			oldest = g;
	}
	return oldest;
}

/* Of the fullest address the oldest; how many that address has. */
static struct guest *
fullest(bool known, unsigned *ret_n)
{
	uint16_t	 n[BUCKETS] = { 0 };
	struct guest	*best = NULL;
	unsigned	 most = 0, have;

	for (struct guest *g = door.guest; g < door.guest + door.top; g++)
		if (is_here(g) && g->known == known)
			n[bucket_of(host_network(&g->host))]++;
	for (struct guest *g = door.guest; g < door.guest + door.top; g++) {
		if (!is_here(g) || g->known != known)
			continue;
		have = n[bucket_of(host_network(&g->host))];
		if (have > most || (have == most && g->since < best->since)) {
			most = have;
			best = g;
		}
	}
	*ret_n = most;
	return best;
}

/*
 * A stranger; first of all whoever is known and takes the places of many, so that one of the
 * charter cannot keep out the others, who come as strangers.
 */
static struct guest *
dispensable(void)
{
	unsigned	 n;
	struct guest	*g = fullest(true, &n);

	return n > DOOR_EACH ? g : fullest(false, &n);
}

static void
make_room(const struct host *h)
{
	struct guest	*g;
	unsigned	 n;

	g = oldest_of(host_network(h), &n);
	if (n >= DOOR_EACH)
		send_away(g);
	if (door.here < DOOR_PLACES)
		return;
	if ((g = dispensable()) == NULL)
		g = fullest(true, &n);
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
find_place(int fd, const struct sockaddr *a, uint64_t now)
{
	struct guest	*g;
	struct host	 h;

	if (fd >= DOOR_FDS || !host_of(a, &h) || !may_come(&h, now))
		return false;
	make_room(&h);
	if (door.here >= DOOR_PLACES || (g = free_place()) == NULL)
		return false;
	*g = (struct guest){ .fd = fd, .host = h, .since = now, .owed_at = now, .waste_at = now,
	    .serial = ++door.serials, .gulp = DOOR_KNOWN_SIP_BYTES };
	if (g >= door.guest + door.top)
		door.top = (unsigned)(g - door.guest) + 1;
	door.here++;
	atomic_store(&by_fd[fd], (uint16_t)(g - door.guest + 1));
	return true;
}

bool
guests_enter(int fd, const struct sockaddr *a, uint64_t now)
{
	if (find_place(fd, a, now))
		return true;
	door.told.refused++;
	return false;
}

void
guests_spare_one(void)
{
	struct guest	*g = dispensable();

	if (g != NULL)
		send_away(g);
}

void
guests_count_starved(void)
{
	door.told.starved++;
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

/*
 * Whoever took all of its share, and brought one call with it at most, is in the midst of a large message: it may
 * have twice as much. Many calls, and it is back where it began. (A stranger's share is less than that, and stays.)
 */
static void
begin_round(struct guest *g)
{
	if (g->fresh > 1)
		g->gulp = DOOR_KNOWN_SIP_BYTES;
	else if (g->sip >= g->gulp && g->gulp < DOOR_KNOWN_GULP_BYTES)
		g->gulp *= 2;
	g->round = door.round;
	g->sip = 0;
	g->fresh = 0;
}

/*
 * Of this round, by one who is known. What is more than a sip comes from half of what all of them may have: however
 * many are in the midst of large messages, the other half is for the sips of the others.
 */
static size_t
known_share(const struct guest *g)
{
	const size_t	large = DOOR_KNOWN_SIPS_BYTES / 2;
	size_t		spare = door.sips[1] < large ? large - door.sips[1] : 0, most = g->sip + spare;

	if (most > g->gulp)
		most = g->gulp;
	return most > DOOR_KNOWN_SIP_BYTES ? most : DOOR_KNOWN_SIP_BYTES;
}

size_t
guest_may_read(struct guest *g)
{
	size_t	most, all = g->known ? DOOR_KNOWN_SIPS_BYTES : DOOR_SIPS_BYTES;

	if (g->round != door.round)
		begin_round(g);
	most = g->known ? known_share(g) : DOOR_SIP_BYTES;
	if (g->sip >= most || door.sips[g->known] >= all) {
		g->waits = door.waits = true;
		(void)pthread_cond_broadcast(&door.waiting);
		return 0;
	}
	return most - g->sip;
}

bool
guest_has_read(struct guest *g, size_t n, uint64_t now)
{
	g->sip += n;
	door.sips[g->known] += n;
	return take_in(g, n, now);
}

bool
guest_is_leaving(const struct guest *g)
{
	return g->leaving;
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

/* Whoever left may have come again from the same port before the library has closed. */
static struct guest *
guest_at(const struct host *h)
{
	struct guest	*found = NULL;

	for (struct guest *g = door.guest; g < door.guest + door.top; g++)
		if (g->fd >= 0 && g->host.port == h->port &&
		    memcmp(g->host.address, h->address, sizeof(h->address)) == 0 &&
		    (found == NULL || g->serial - found->serial < UINT32_MAX / 2))
			found = g;
	return found;
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
		g->fresh++;
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

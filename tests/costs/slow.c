/* tests/costs/slow.c - time that passes slowly. See costs.h. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "tests/costs/count.h"

#define SECOND	1000000000L

static int64_t
to_ns(const struct timespec *t)
{
	return t->tv_sec * SECOND + t->tv_nsec;
}

static struct timespec
from_ns(int64_t ns)
{
	return (struct timespec){ ns / SECOND, ns % SECOND };
}

static int64_t
factor(void)
{
	struct costs	*c = costs_map();

	return c == NULL ? 0 : atomic_load(&c->slow);
}

/* All of a process goes by one clock, its libraries too. */
int
clock_gettime(clockid_t id, struct timespec *t)
{
	BEHIND(int, "clock_gettime", (clockid_t, struct timespec *));
	const struct costs_clock	*k;
	int64_t				 n;
	int				 r = real(id, t);

	if (r != 0 || (id != CLOCK_REALTIME && id != CLOCK_MONOTONIC) || !FROM_PROGRAM() || (n = factor()) == 0)
		return r;
	k = id == CLOCK_REALTIME ? &costs_map()->day : &costs_map()->monotonic;
	*t = from_ns(k->shown + (to_ns(t) - k->real) / n);
	return 0;
}

/* On the monotonic clock, as all of the product's are. */
int
pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until)
{
	BEHIND(int, "pthread_cond_timedwait", (pthread_cond_t *, pthread_mutex_t *, const struct timespec *));
	const struct costs_clock	*k;
	int64_t				 n = FROM_PROGRAM() ? factor() : 0;
	struct timespec			 t;

	if (n == 0)
		return real(c, m, until);
	k = &costs_map()->monotonic;
	t = from_ns(k->real + (to_ns(until) - k->shown) * n);
	return real(c, m, &t);
}

/* In pieces: one that began before time was slow is not to end by the old clock. */
int
sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *wait)
{
	BEHIND(int, "sigtimedwait", (const sigset_t *, siginfo_t *, const struct timespec *));
	const struct timespec	piece = from_ns(SECOND / 5);
	int64_t			left = to_ns(wait), n;
	int			sig;

	if (!FROM_PROGRAM() || left <= SECOND / 5)
		return real(set, info, wait);
	do {
		sig = real(set, info, &piece);
		n = factor();
		left -= SECOND / 5 / (n == 0 ? 1 : n);
	} while (sig < 0 && errno == EAGAIN && left > 0);
	return sig;
}

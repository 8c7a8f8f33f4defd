/* tests/costs/slow.c - time that passes slowly. See costs.h. */
#include <sys/syscall.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "tests/costs/count.h"

#define SECOND	1000000000L
#define PIECE	(SECOND / 5)

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

/* Not by clock_gettime(), which is ours here. */
static int64_t
now_for_real(void)
{
	struct timespec	t;

	(void)syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
	return to_ns(&t);
}

static int64_t
factor(void)
{
	struct costs	*c = costs_map();

	return c == NULL ? 0 : atomic_load(&c->slow);
}

/* The program's own; its libraries go by the clock as it is. */
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
	if (id == CLOCK_MONOTONIC)
		*t = from_ns(to_ns(t) + atomic_load(&costs_map()->passed));
	return 0;
}

/*
 * On the monotonic clock, as all of the product's are. In pieces, for time may become slow or pass at
 * once: who waits looks again at what it waits for, as after any wake for nothing.
 */
int
pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until)
{
	BEHIND(int, "pthread_cond_timedwait", (pthread_cond_t *, pthread_mutex_t *, const struct timespec *));
	const struct costs_clock	*k;
	struct timespec			 t;
	int64_t				 n = factor(), end, piece;
	int				 r;

	if (costs_map() == NULL || !FROM_PROGRAM())
		return real(c, m, until);
	k = &costs_map()->monotonic;
	end = n == 0 ? to_ns(until) : k->real + (to_ns(until) - k->shown - atomic_load(&costs_map()->passed)) * n;
	piece = now_for_real() + PIECE;
	t = from_ns(end < piece ? end : piece);
	r = real(c, m, &t);
	return r == ETIMEDOUT && piece < end ? 0 : r;
}

/* In pieces: one that began before time was slow is not to end by the old clock. */
int
sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *wait)
{
	BEHIND(int, "sigtimedwait", (const sigset_t *, siginfo_t *, const struct timespec *));
	const struct timespec	piece = from_ns(PIECE);
	int64_t			left = to_ns(wait), n;
	int			sig;

	if (!FROM_PROGRAM() || left <= PIECE)
		return real(set, info, wait);
	do {
		sig = real(set, info, &piece);
		n = factor();
		left -= PIECE / (n == 0 ? 1 : n);
	} while (sig < 0 && errno == EAGAIN && left > 0);
	return sig;
}

/*
 * tests/liars/shim/clock.c - another clock for a daemon (LD_PRELOAD): CLOCK_IS=+86400 or
 * -86400, so many seconds off; =1795341600, stopped at that second. Only the time of day:
 * waiting goes by the monotonic clock, as everywhere.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static int
real(clockid_t id, struct timespec *t)
{
	static int	(*next)(clockid_t, struct timespec *);

	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "clock_gettime");
	return next(id, t);
}

int
clock_gettime(clockid_t id, struct timespec *t)
{
	const char	*is = getenv("CLOCK_IS");
	int		 got = real(id, t);

	if (is == NULL || (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE))
		return got;
	if (is[0] == '=')
		*t = (struct timespec){ .tv_sec = atol(is + 1) };
	else
		t->tv_sec += atol(is);
	return got;
}

time_t
time(time_t *ret)
{
	struct timespec	t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	if (ret != NULL)
		*ret = t.tv_sec;
	return t.tv_sec;
}

int
gettimeofday(struct timeval *ret, void *zone)
{
	struct timespec	t;

	(void)zone;
	(void)clock_gettime(CLOCK_REALTIME, &t);
	ret->tv_sec = t.tv_sec;
	ret->tv_usec = t.tv_nsec / 1000;
	return 0;
}

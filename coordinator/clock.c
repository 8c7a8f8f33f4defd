/* coordinator/clock.c - condition variables on the monotonic clock. */
#include <errno.h>
#include <time.h>

#include "coordinator/clock.h"

bool
cond_init(pthread_cond_t *c)
{
	pthread_condattr_t	a;
	bool			ok;

	if (pthread_condattr_init(&a) != 0)
		return false;
	ok = pthread_condattr_setclock(&a, CLOCK_MONOTONIC) == 0 &&
	    pthread_cond_init(c, &a) == 0;
	(void)pthread_condattr_destroy(&a);	/* cannot fail on Linux */
	return ok;
}

bool
cond_wait_until(pthread_cond_t *c, pthread_mutex_t *m, uint64_t until)
{
	struct timespec	ts;

	ts.tv_sec = (time_t)(until / 1000);
	ts.tv_nsec = (long)(until % 1000) * 1000000L;
	return pthread_cond_timedwait(c, m, &ts) != ETIMEDOUT;
}

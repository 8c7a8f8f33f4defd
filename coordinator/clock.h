/*
 * coordinator/clock.h - condition variables on the monotonic clock.
 */
#ifndef COORDINATOR_CLOCK_H
#define COORDINATOR_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* A condition whose waits are not moved by a change of the wall clock. */
bool	 cond_init(pthread_cond_t *c);
/* Until clock_ms() reaches `until`; false: it did. May return early. */
bool	 cond_wait_until(pthread_cond_t *c, pthread_mutex_t *m, uint64_t until);

#endif

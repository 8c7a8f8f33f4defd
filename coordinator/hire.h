/*
 * coordinator/hire.h - the parent's end of a release worker.
 *
 * Started by posix_spawn with two pipes and nothing else: safe beside threads and
 * gRPC. Threads: one at a time, but hired_kill() from any.
 */
#ifndef COORDINATOR_HIRE_H
#define COORDINATOR_HIRE_H

#include <pthread.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "coordinator/worker.h"

struct hired {
	pthread_mutex_t	lock;		/* pid, against its end */
	pid_t		pid;		/* 0: none */
	int		to, from;	/* -1: closed */
	int		silent_ms;	/* given up on after so long */
};

void	 hired_init(struct hired *w);
/*
 * Starts one, which waits to begin. RC_IO: it did not start. It ends with the thread that
 * calls this, whatever becomes of it.
 */
MUST_USE enum rc hired_spawn(struct hired *w, const uint8_t genesis[SHA256_BYTES], struct err *err);
/* It makes its key; reads its certificate. RC_IO: it hangs. RC_UNSURE: it has gone. Others: its own words. */
MUST_USE enum rc hired_begin(struct hired *w, struct buf *certificate, struct err *err);
/* Both. */
MUST_USE enum rc hired_start(struct hired *w, const uint8_t genesis[SHA256_BYTES],
    struct buf *certificate, struct err *err);
/* w, which has none, gets that of `from`. */
void	 hired_move(struct hired *w, struct hired *from);
/* The case, which it checks meanwhile. RC_UNSURE: it has gone, hired_ready() tells what it said. */
MUST_USE enum rc hired_brief(struct hired *w, const uint8_t order[SHA256_BYTES], struct span bytes,
    struct err *err);
/* Waits until it has checked the case: RC_DENIED and others, in its own words. */
MUST_USE enum rc hired_ready(struct hired *w, struct err *err);
/* Both. */
MUST_USE enum rc hired_case(struct hired *w, const uint8_t order[SHA256_BYTES], struct span bytes,
    struct err *err);
MUST_USE enum rc hired_answer(struct hired *w, uint8_t custodian, struct span message,
    struct span receipt, struct err *err);
/* RC_QUORUM: more answers are needed. ret_good, ret_bad: bit i-1 for custodian i. */
MUST_USE enum rc hired_combine(struct hired *w, uint32_t *ret_good, uint32_t *ret_bad,
    struct buf *keys, struct err *err);
void	 hired_kill(struct hired *w);
/* Ends and reaps it. */
void	 hired_done(struct hired *w);

#endif

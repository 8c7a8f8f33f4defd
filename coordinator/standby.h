/*
 * coordinator/standby.h - a release worker that waits for the next order.
 *
 * To start a program with its libraries, lock its memory and confine it takes longer than
 * the rest of a small release. So one worker waits, with all of that behind it. It has no key
 * and knows nothing but the genesis: whoever it will serve is not decided yet, and it serves
 * one order, like any other (docs/adr/0028-a-worker-that-waits.md).
 *
 * A worker ends with the thread that started it, so there is one for that. Threads: any.
 */
#ifndef COORDINATOR_STANDBY_H
#define COORDINATOR_STANDBY_H

#include "coordinator/hire.h"

struct standby;

/* Starts the first. RC_IO: no thread. That a worker cannot be started ahead is no error. */
MUST_USE enum rc standby_new(const uint8_t genesis[SHA256_BYTES], struct standby **ret, struct err *err);
/* Ends the one that waits; those that were taken have to be over. */
void	 standby_free(struct standby *s);
/*
 * A worker with its key made: that which waits, else, or when it has gone meanwhile, a
 * fresh one. Codes as of hired_start(). w is the caller's to end, whatever is returned.
 */
MUST_USE enum rc standby_take(struct standby *s, struct hired *w, struct buf *certificate, struct err *err);
/* The release is over: now is the time to start the next, if none waits. */
void	 standby_fill(struct standby *s);

#endif

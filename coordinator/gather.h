/*
 * coordinator/gather.h - ask custodians for their contributions to one order.
 *
 * k are asked at a time, those that answer first; when one fails, refuses, or is
 * found to have lied, a further one is asked. Each answer's receipt is checked
 * here for what it says of the message; what is inside only the worker can see.
 *
 * An ask may outlive the gathering it belongs to (a custodian that hangs): it
 * holds a reference. Threads: one gatherer; asks run by themselves.
 */
#ifndef COORDINATOR_GATHER_H
#define COORDINATOR_GATHER_H

#include "coordinator/coordinator.h"

#define ASK_TIMEOUT_MS		20000u
#define GATHER_MS		60000u	/* for all of it */

struct gathering;

MUST_USE enum rc gathering_new(struct coordinator *c, const uint8_t order[SHA256_BYTES],
    uint64_t order_index, struct gathering **ret, struct err *err);
/* Lets go; asks that still run end by themselves. */
void	 gathering_drop(struct gathering *g);

/*
 * Until k good answers are there. RC_DENIED: too many refused, err has the first
 * one's words. RC_UNSURE: too few answered in time, or stopping.
 */
MUST_USE enum rc gathering_run(struct gathering *g, struct err *err);
/* The worker has found these out: bit i-1. Then run again. */
void	 gathering_bad(struct gathering *g, uint32_t mask);

/* Good answers, by custodian. Spans are valid until gathering_drop(). */
struct gathered { uint8_t custodian; struct span message, receipt; };
size_t	 gathering_answers(struct gathering *g, struct gathered ret[CUSTODIANS_MAX]);
uint32_t gathering_liars(struct gathering *g);		/* bit i-1 */

/* Asks that run, over all gatherings: none may when the coordinator ends. */
void	 gathering_wait_all(void);

#endif

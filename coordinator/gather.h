/*
 * coordinator/gather.h - ask custodians for their contributions to one order.
 *
 * As many are asked at a time as are wanted, those that answer first; when one fails,
 * refuses, is silent for a second, or is found to have lied, a further one is asked.
 * Each answer is checked here for whom it is sealed to and its receipt for what it
 * says of it; what is inside only the worker can see. Of an answer that is not used the receipt is kept,
 * when its custodian signed one: it is logged like the others.
 *
 * Each that fails is told of in one line of our log.
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

/* addressee: whom the order names; a message to anybody else is no answer. Copied. */
MUST_USE enum rc gathering_new(struct coordinator *c, const uint8_t order[SHA256_BYTES],
    uint64_t order_index, struct span addressee, struct gathering **ret, struct err *err);
/* Lets go; asks that still run end by themselves. */
void	 gathering_drop(struct gathering *g);

/* Asks as many as are wanted, and waits for none. */
void	 gathering_ask(struct gathering *g, unsigned want);
/*
 * Until k good answers are there, and for a few seconds more until `want` are (k at
 * least). RC_DENIED: too many refused, err has the first one's words. RC_UNSURE: too few
 * answered in time, or stopping.
 */
MUST_USE enum rc gathering_run(struct gathering *g, unsigned want, struct err *err);
/* A good answer turned out not to count: it lied, or it cannot be used. Then run again. */
void	 gathering_bad(struct gathering *g, uint8_t custodian, bool lied, const char *words);

/* By custodian. Spans are valid until gathering_drop(). */
struct gathered { uint8_t custodian; struct span message, receipt; };
/* Good answers. */
size_t	 gathering_answers(struct gathering *g, struct gathered ret[CUSTODIANS_MAX]);
/* What has a receipt by its custodian's key for this order: these, and of those that lied. */
size_t	 gathering_receipts(struct gathering *g, struct gathered ret[CUSTODIANS_MAX]);
uint32_t gathering_liars(struct gathering *g);		/* bit i-1 */
uint32_t gathering_refusers(struct gathering *g);	/* ... asked, and would not */

/* Asks that run, over all gatherings: none may when the coordinator ends. */
void	 gathering_wait_all(void);

#endif

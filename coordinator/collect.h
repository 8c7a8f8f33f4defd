/*
 * coordinator/collect.h - answers to an order, whose receipts stand in the log.
 *
 * Receipts are logged before anything is made of the answers, the good and the bad: who
 * contributed is known whatever follows, and who lied cannot deny it. An answer whose
 * receipt is void is not used, since nothing in the log would bind it.
 */
#ifndef COORDINATOR_COLLECT_H
#define COORDINATOR_COLLECT_H

#include "coordinator/gather.h"

struct collecting {
	struct coordinator	*c;
	struct gathering	*g;
	uint32_t		 logged;	/* bit i-1: custodian i's receipt */
};

/*
 * Gathers, and logs receipts, until k answers at least count (`want` if they come).
 * ret_last: raised to the newest entry of a receipt. Codes as of gathering_run().
 */
MUST_USE enum rc collect_answers(struct collecting *k, unsigned want, struct gathered ret[CUSTODIANS_MAX],
    size_t *ret_n, uint64_t *ret_last, struct err *err);
/* Logs the receipts that are there and not logged yet. */
MUST_USE enum rc collect_receipts(struct collecting *k, uint64_t *ret_last, struct err *err);

#endif

/*
 * coordinator/gathering.h - the asks of one gathering. For gather.c and ask.c only.
 */
#ifndef COORDINATOR_GATHERING_H
#define COORDINATOR_GATHERING_H

#include <pthread.h>

#include "coordinator/gather.h"

#define RETRY_MS	500u

enum ask_state { ASK_NOT = 0, ASK_RUNS, ASK_GOOD, ASK_REFUSED, ASK_FAILED, ASK_LIED, ASK_LATER };

struct ask {
	enum ask_state	state;
	unsigned	tries;
	uint64_t	again_at, asked_at;
	struct buf	message, receipt;
	bool		signed_receipt;	/* it signed one for this order, whatever it says */
	bool		silent;		/* told of */
};

struct gathering {
	struct coordinator	*c;
	uint8_t			 order[SHA256_BYTES];
	uint64_t		 order_index;
	struct buf		 addressee;	/* of the order: DER */
	pthread_mutex_t		 lock;
	pthread_cond_t		 changed;
	unsigned		 refs;
	char			 refusal[ERR_MSG_BYTES];	/* who refused first, and its words */
	struct ask		 ask[CUSTODIANS_MAX];
};

/* With the lock held: asks in a thread of its own, which holds a reference. */
void	 ask_start(struct gathering *g, uint8_t custodian);
/* With the lock held: it will not contribute. The first to refuse speaks for all. */
void	 ask_refused(struct gathering *g, uint8_t custodian, const char *words);
/* With the lock held: one line for one that fails; one that says "not yet" is told of once. */
void	 ask_tell(const struct gathering *g, uint8_t custodian, const struct err *err);

#endif

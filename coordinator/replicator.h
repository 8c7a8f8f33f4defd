/*
 * coordinator/replicator.h - one thread for each custodian, that keeps it up to date.
 *
 * It sends what the custodian lacks in pages, with the checkpoint that is being
 * cosigned and the latest cosigned note, and takes in what comes back: the
 * cosignature, held statements, receipts, statements that the custodian got
 * directly. Nothing of it is believed unchecked. An unreachable custodian is
 * tried again for ever, with a pause of 0.1 s that grows to 2 s.
 *
 * Threads: calls from any.
 */
#ifndef COORDINATOR_REPLICATOR_H
#define COORDINATOR_REPLICATOR_H

#include "coordinator/coordinator.h"

#define REPLICATOR_PAUSE_MS	100u
#define REPLICATOR_PAUSE_MAX	2000u
#define APPEND_TIMEOUT_MS	15000u
#define PAGE_BYTES_MAX		(900u << 10)	/* of the 1 MiB that a message may have */

#define HEALTH_DOUBT_BYTES	200

struct custodian_health {			/* as it says itself */
	bool		known;			/* it has said so */
	bool		ready;			/* it compared with enough others since its start */
	uint64_t	unchecked, oldest;
	uint32_t	handed, owed;
	char		doubt[HEALTH_DOUBT_BYTES];	/* why it contributes to nothing; empty: it does */
};

struct custodian_status {
	bool		reachable;		/* its last call came back */
	bool		frozen;			/* its state is not ours */
	uint64_t	differs_at;		/* ... since after entry differs_at - 1; 0: not known */
	uint64_t	size;			/* entries it holds */
	uint64_t	cosigned;		/* q-cosigned size it has verified */
	uint64_t	seen_ms;		/* clock_ms() of its last answer; 0: never */
	char		words[ERR_MSG_BYTES];	/* why not reachable */
	uint64_t	lacks;			/* a batch of whose shares it has none, nor anybody else; 0: none known */
	struct custodian_health	health;
};

MUST_USE enum rc replicators_new(struct coordinator *c, struct replicators **ret, struct err *err);
/* Cancels calls that run; no further ones succeed. */
void	 replicators_close(struct replicators *r);
/* And joins the threads. */
void	 replicators_free(struct replicators *r);

void	 replicators_status(struct replicators *r, uint8_t custodian, struct custodian_status *ret);
/* RC_DENIED: more than f custodians' state is not ours: releases must not go on. */
MUST_USE enum rc replicators_agree(struct replicators *r, struct err *err);
/* How many answer now. */
unsigned replicators_reachable(struct replicators *r);
/* ... of those, how many say that they are not ready: they cosign nothing yet. */
unsigned replicators_unready(struct replicators *r);
/* Hear from every custodian soon, whether or not there is news for it. */
void	 replicators_hurry(struct replicators *r);
/* Bring one of them what is new at once: somebody waits for it to know the latest cosigned note. */
void	 replicators_bring(struct replicators *r, uint8_t custodian);
/*
 * Wait until q custodians cosigned `size`, for at most ms, and not so long
 * while fewer than q answer or did a moment ago. RC_UNSURE: not yet; the words say how many did.
 */
MUST_USE enum rc replicators_wait(struct replicators *r, uint64_t size, unsigned ms,
    uint32_t *ret_have, struct err *err);
/* A call to one custodian, over the connection its replicator has. */
MUST_USE enum rc replicators_call(struct replicators *r, uint8_t custodian, const char *method,
    struct span request, unsigned ms, struct buf *reply, char said[RPC_SAID_BYTES], struct err *err);

#endif

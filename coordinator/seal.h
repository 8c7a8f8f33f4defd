/*
 * coordinator/seal.h - take in a batch of sealed artifacts.
 */
#ifndef COORDINATOR_SEAL_H
#define COORDINATOR_SEAL_H

#include "coordinator/coordinator.h"

/*
 * Entries that q custodians have not cosigned: with so many no batch is taken in, and nothing of it is moved. A
 * sealer that goes on while a quorum is away would fill the log with batches that nobody may call
 * sealed. Statements of people are not counted against it: a "no" is logged whatever waits.
 */
#define SEAL_BACKLOG_MAX	1024u
/* May one more batch be logged, with so many entries of which so many are cosigned? RC_LIMIT, and what to do. */
MUST_USE enum rc backlog_check(uint64_t size, uint64_t cosigned, struct err *err);

enum rc	 on_upload(void *user, struct rpc_call *call, struct span request, struct buf *reply, struct err *err);
enum rc	 on_seal(void *user, struct rpc_call *call, struct span request, struct buf *reply, struct err *err);

/* The held statements of a batch, up to n of them. */
struct held_list {
	struct buf	dsse[CUSTODIANS_MAX];
	size_t		n;
};
struct store;
MUST_USE enum rc held_read(struct coordinator *c, struct store *s, uint64_t batch,
    struct held_list *ret, struct err *err);
void	 held_done(struct held_list *h);

#endif

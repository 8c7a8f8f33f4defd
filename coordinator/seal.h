/*
 * coordinator/seal.h - take in a batch of sealed artifacts.
 */
#ifndef COORDINATOR_SEAL_H
#define COORDINATOR_SEAL_H

#include "coordinator/coordinator.h"

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

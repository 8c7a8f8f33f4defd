/*
 * coordinator/readers.h - read-only handles of log.db, shared by those who ask.
 *
 * A fixed number; who finds none free waits. Each handle sees all that was
 * committed before its question. Threads: any.
 */
#ifndef COORDINATOR_READERS_H
#define COORDINATOR_READERS_H

#include "audit/store/store.h"
#include "coordinator/coordinator.h"
#include "policy/apply.h"

#define READERS	8

struct reader {
	struct store	*store;
	struct replica	*replica;	/* for questions only */
};

MUST_USE enum rc readers_new(struct coordinator *c, struct readers **ret, struct err *err);
void	 readers_free(struct readers *r);
struct reader *reader_take(struct readers *r);	/* waits */
void	 reader_give(struct reader *r);		/* NULL is fine */
DEFINE_AUTO(reader_give, struct reader);

/* A leaf's tlog-proof under the latest cosigned note; empty when that does not cover it. */
MUST_USE enum rc reader_proof(struct coordinator *c, struct reader *r, uint64_t index,
    struct buf *ret, struct err *err);

#endif

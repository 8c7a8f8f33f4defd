/*
 * coordinator/decisions.h - entries for those who read: each with its proof and its verdict,
 * and all that people and custodians said of one statement.
 */
#ifndef COORDINATOR_DECISIONS_H
#define COORDINATOR_DECISIONS_H

#include "coordinator/pb.h"
#include "coordinator/readers.h"
#include "policy/statement.h"

#define DECISIONS_MAX		256u		/* shown of one request or amendment */
#define DECISIONS_BYTES_MAX	(600u << 10)

struct proven {
	Quorate__V1__LoggedEntry	m;	/* borrows from the two */
	struct buf			leaf, proof;
};
#define PROVEN_INIT	((struct proven){ .leaf = { .p = NULL } })

MUST_USE enum rc proven_read(struct coordinator *c, struct reader *r, uint64_t index, struct proven *ret,
    struct err *err);
void	 proven_done(struct proven *p);

/* In log order; large: allocate it. */
struct decisions {
	size_t				 n, bytes;
	struct proven			 one[DECISIONS_MAX];
	Quorate__V1__LoggedEntry	*p[DECISIONS_MAX];
	bool				 opened;	/* what is read now: acknowledgements */
	struct coordinator		*c;	/* decisions_read()'s */
	struct reader			*r;
};

/*
 * Decisions, withdrawals and consents whose subject is this, void ones too, as far as
 * they fit into one message. decisions_done() always.
 */
MUST_USE enum rc decisions_read(struct coordinator *c, struct reader *r, const uint8_t subject[SHA256_BYTES],
    struct decisions *ret, struct err *err);
/* Behind them, as far as these fit too: the acknowledgements of an order. */
MUST_USE enum rc decisions_opened(const uint8_t order[SHA256_BYTES], struct decisions *d, struct err *err);
void	 decisions_done(struct decisions *d);

#endif

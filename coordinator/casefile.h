/*
 * coordinator/casefile.h - a case (evidence/case.h) out of our own log.
 */
#ifndef COORDINATOR_CASEFILE_H
#define COORDINATOR_CASEFILE_H

#include "coordinator/coordinator.h"
#include "coordinator/readers.h"
#include "evidence/batch.h"
#include "evidence/case.h"

/* Which entries a case has: ascending, each once. */
struct case_indexes {
	uint64_t	*index;
	size_t		 n, cap;
};
void	 case_indexes_done(struct case_indexes *x);
MUST_USE enum rc case_indexes_add(struct case_indexes *x, uint64_t index, struct err *err);
/*
 * Entry 0, and the entries that put later charters in force, of those that are in force
 * from an entry below `size` on.
 */
MUST_USE enum rc case_indexes_lineage(struct reader *r, uint64_t size, struct case_indexes *ret,
    struct err *err);
/*
 * Of an order: the lineage, the batches in scope, the request, every effective decision,
 * withdrawal and revocation, the order, and its effective receipts; all below `size`.
 */
MUST_USE enum rc case_indexes_of(struct reader *r, const uint8_t request[SHA256_BYTES],
    uint64_t order_index, uint64_t size, struct case_indexes *ret, struct err *err);

/* Where an artifact's envelope is: in which batch's file, and where there. */
struct case_place {
	uint8_t			root[SHA256_BYTES];
	struct batch_envelope	at;
};

/* A case with the bytes that its spans borrow. */
struct casefile {
	struct evidence_case	 c;
	struct buf		 charter, scope, note;
	struct buf		 later[CASE_CHARTERS_MAX];
	struct buf		*leaf;		/* of each entry */
	size_t			 n_leaves;
	struct buf		*descriptor;	/* of each artifact */
	struct case_place	*place;		/* the same */
	size_t			 n_descriptors;
	struct scope		 parsed;
	uint8_t			 order[SHA256_BYTES];
	uint64_t		 size;		/* of the checkpoint */
};
#define CASEFILE_INIT	((struct casefile){ .c = { .entry = NULL } })

/*
 * Under the latest cosigned checkpoint. RC_UNSURE: it does not cover the last index
 * yet. casefile_done() always.
 */
MUST_USE enum rc casefile_load(struct coordinator *c, struct reader *r, const struct case_indexes *x,
    uint64_t request_index, uint64_t order_index, struct casefile *ret, struct err *err);
/*
 * The lineage (evidence/case.h) under the latest cosigned checkpoint: of what that does not
 * cover nothing. ret_charter: the digest of the last charter in it. RC_UNSURE: no checkpoint yet.
 */
MUST_USE enum rc casefile_lineage(struct coordinator *c, struct reader *r, struct casefile *ret,
    uint8_t ret_charter[SHA256_BYTES], struct err *err);
void	 casefile_done(struct casefile *f);

#endif

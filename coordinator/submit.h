/*
 * coordinator/submit.h - a statement into the log, and what its sender is told.
 */
#ifndef COORDINATOR_SUBMIT_H
#define COORDINATOR_SUBMIT_H

#include "coordinator/coordinator.h"
#include "coordinator/pb.h"
#include "coordinator/sequencer.h"

#define ERASABLE_BYTES_MAX	(16u << 20)	/* of one reason or attachment, salt included */

/*
 * Fills a reply about a submission that came back from the sequencer, and waits up
 * to ms for q cosignatures when it was logged. Texts are static; id borrows sub.
 */
void	 submit_reply_fill(struct coordinator *c, const struct submission *sub, unsigned ms,
    Quorate__V1__SubmitReply *r);

/* A statement of our own, by the log key, logged; made anew when an amendment comes in between. The id is in sub->verdict.id. */
MUST_USE enum rc submit_own(struct coordinator *c, struct statement *s, const struct span *blob,
    size_t n_blobs, struct submission *sub, struct err *err);
/* As statement_init, with what the log shows now. life in seconds. */
MUST_USE enum rc own_statement(struct coordinator *c, enum statement_type type, uint64_t life,
    struct statement *ret, struct err *err);

/* An erasable blob, from the store or from a file of its own, appended. RC_MISSING. */
MUST_USE enum rc erasable_read(struct coordinator *c, struct store *store,
    const uint8_t digest[SHA256_BYTES], struct buf *ret, struct err *err);

enum rc	 on_submit(void *user, struct rpc_call *call, struct span request, struct buf *reply, struct err *err);

#endif

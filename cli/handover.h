/*
 * cli/handover.h - a batch: sealed to its custodians, handed over, believed on a receipt only.
 *
 * "Sealed" is said when q custodians cosigned the batch's entry and h signed that they hold
 * their shares, checked here. A handover that failed may be tried again, and goes on where it
 * was: the same statement is the same batch, so that nothing is sealed twice.
 * One thread, which owns the remote meanwhile.
 */
#ifndef CLI_HANDOVER_H
#define CLI_HANDOVER_H

#include "cli/remote.h"
#include "cli/sealing.h"
#include "evidence/batch.h"

struct handover {
	struct remote		*r;
	const struct signer	*signer;
	struct sealed_artifact	*const *artifact;	/* in leaf order; n_artifacts of them, at most BATCH_COUNT_MAX */
	size_t			 n_artifacts;
	unsigned		 call_ms;	/* for one answer */
	uint64_t		 wait_ms;	/* for custodians, when the coordinator has it */

	uint64_t		 size;		/* of all envelopes */
	struct batch_sealed	 sealed;
	struct statement	 statement;
	struct buf		 dsse;
	uint8_t			 upload[16];
	uint64_t		 sent;		/* bytes that the coordinator has */
	bool			 whole;		/* all of them, durably */
	bool			 asked;		/* the statement may stand in the log */
	Quorate__V1__SealReply	*answer;
	uint32_t		 holders;	/* custodians, a bit each */
};

/* artifacts: borrowed until handover_done(). */
void	 handover_init(struct handover *h, struct remote *r, const struct signer *signer,
	    struct sealed_artifact *const *artifact, size_t n);
void	 handover_done(struct handover *h);

/*
 * First of all: seals every share and signs the statement. The shares are not needed afterwards, and
 * the caller wipes them. RC_DENIED: the policy of *ret_bad is no longer in force, word for word; RC_LIMIT: the
 * batch is full before *ret_bad; RC_FORMAT: *ret_bad does not fit the charter: begin again
 * without it. *ret_bad is n_artifacts when no artifact is to blame.
 */
MUST_USE enum rc handover_make(struct handover *h, size_t *ret_bad, struct err *err);
/*
 * Hands over what the coordinator does not have yet, and waits for the receipt. RC_OK: all are sealed;
 * answer, statement and holders say by whom. handover_again() tells what another
 * try is good for. Nothing is sealed where `asked` is false.
 */
MUST_USE enum rc handover_send(struct handover *h, struct err *err);
/* May the same call succeed later? */
bool	 handover_again(enum rc rc);

/* {"batch", "proof", "held"}, as --json and --receipts have it; NULL: no memory. */
json_t	*handover_receipt(const struct handover *h);

#endif

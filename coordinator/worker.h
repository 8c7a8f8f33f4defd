/*
 * coordinator/worker.h - the release worker: contributions in, sealed keys out.
 *
 * `coordinatord worker GENESIS` serves one order, with a pipe at its standard input
 * and output and nothing else. It waits, confined already, until it is to begin
 * (standby.h); then it makes its key, believes nobody, checks the case itself against
 * the genesis it was started with, opens the contributions, and seals the keys to the
 * recipient whom the log names. It has no network and no disk, and its memory is locked.
 *
 * Frames, both ways: u32 length, u8 kind, bytes; at most WORKER_FRAME_MAX.
 *
 *	BEGIN		parent	(empty) there will be an order
 *	CERTIFICATE	worker	DER, the addressee of the order
 *	CASE		parent	order id[32], evidence/case.h
 *	READY		worker	(empty) the case holds: answers may come
 *	ANSWER		parent	u8 custodian, vec32 CMS message, vec32 receipt
 *	COMBINE		parent	(empty) what is there now
 *	KEYS		worker	u32 good, u32 bad, CMS to the recipient: done
 *	SHORT		worker	u32 good, u32 bad: more answers, then COMBINE again
 *	FAILED		worker	u8 rc, words: done
 */
#ifndef COORDINATOR_WORKER_H
#define COORDINATOR_WORKER_H

#include "base/bytes.h"

#define WORKER_COMMAND		"worker"
#define WORKER_FRAME_MAX	(65u << 20)
#define WORKER_SILENT_MS	300000	/* it works on the largest case for less */

enum worker_frame {
	WORKER_CERTIFICATE = 1,
	WORKER_CASE,
	WORKER_ANSWER,
	WORKER_COMBINE,
	WORKER_KEYS,
	WORKER_SHORT,
	WORKER_FAILED,
	WORKER_READY,
	WORKER_BEGIN,
};

/*
 * Whole frames over a pipe. RC_UNSURE: the other end is gone; RC_IO: it is silent for
 * ms (-1, or a pipe that blocks: waits for ever); RC_FORMAT: not a frame.
 */
MUST_USE enum rc frame_send(int fd, int ms, enum worker_frame kind, struct span body, struct err *err);
/* body is emptied first; its max bounds the frame. */
MUST_USE enum rc frame_receive(int fd, int ms, uint8_t *ret_kind, struct buf *body,
    struct err *err);

int	 worker_main(int argc, char **argv);

#endif

/*
 * custodian/pass.h - statements that wait for the log, from custodian to custodian.
 *
 * What was handed in goes with each question to whoever is not known to hold it, and
 * with each answer to whoever asks: a "no" reaches everybody by whichever connection
 * there is. The other side names what it holds now, so that nothing goes twice. A "no"
 * goes first; what does not fit goes next time, in turn.
 *
 * Bounds: PASS_AT_ONCE statements and PASS_BYTES_MAX bytes a message, one message
 * with statements of one peer in PASS_TAKE_MS, PASS_KNOWN_MAX ids remembered of each
 * peer (of more, some go twice).
 */
#ifndef CUSTODIAN_PASS_H
#define CUSTODIAN_PASS_H

#include "custodian/custody.h"
#include "proto/quorate.pb-c.h"

#define PASS_BYTES_MAX	(256 << 10)
#define PASS_TAKE_MS	250
#define PASS_KNOWN_MAX	1024

struct pass_list {
	Quorate__V1__Handed	 handed[PASS_AT_ONCE], *row[PASS_AT_ONCE];
	ProtobufCBinaryData	 blob[PASS_AT_ONCE][2];
	size_t			 n;
	struct buf		 bytes;		/* what the rows point to */
};
#define PASS_LIST_INIT	{ .n = 0, .bytes = BUF_INIT(PASS_BYTES_MAX) }
void	 pass_list_done(struct pass_list *l);

/* Ids, as a message names them; the spans point into it. */
size_t	 pass_ids(struct passed *held, ProtobufCBinaryData ret[PASS_AT_ONCE]);

/* What this peer is not known to hold, as much as fits. */
MUST_USE enum rc pass_fill(struct custody *c, uint8_t peer, struct pass_list *l, struct err *err);
/*
 * Statements of a peer: handed_take() of each. ret: which of them are here now. RC_OK
 * also when some are refused.
 */
MUST_USE enum rc pass_take(struct custody *c, uint8_t peer, Quorate__V1__Handed *const *rows, size_t n,
    struct passed *ret, struct err *err);
/* The peer says that it holds these. */
MUST_USE enum rc pass_known(struct custody *c, uint8_t peer, const ProtobufCBinaryData *id, size_t n, struct err *err);

#endif

/*
 * custodian/frame.h - listener and keeper over a socketpair, in bounded frames.
 *
 *	u32 length of what follows, u32 id, u8 method or code, u8 role bits,
 *	u8 custodian, u8 0, u16 words, words, payload
 *
 * The listener asks, the keeper answers with the same id. An answer that comes
 * after its asker gave up is recognised by its id and dropped. Frames past
 * FRAME_BYTES_MAX end the connection: it is our own code that is wrong then.
 */
#ifndef CUSTODIAN_FRAME_H
#define CUSTODIAN_FRAME_H

#include "base/bytes.h"

#define FRAME_HEAD_BYTES	14
#define FRAME_BYTES_MAX		((1 << 20) + 4096)
#define FRAME_WORDS_MAX		255

struct frame {
	uint32_t	id;
	uint8_t		code;		/* asking: enum keeper_method; answering: enum rc */
	uint8_t		roles;		/* asking: who calls, as the listener's table says */
	uint8_t		from;		/* asking: index of the custodian that calls, or 0 */
	char		words[FRAME_WORDS_MAX + 1];	/* answering: what the peer may read */
	struct buf	payload;	/* BUF_INIT(FRAME_BYTES_MAX) by the caller */
};

/* RC_IO: the other side is gone. */
MUST_USE enum rc frame_write(int fd, uint32_t id, uint8_t code, uint8_t roles, uint8_t from, const char *words,
    struct span payload, struct err *err);
/* Waits at most timeout_ms for the first byte (-1: for ever). RC_UNSURE: none came. */
MUST_USE enum rc frame_read(int fd, int timeout_ms, struct frame *ret, struct err *err);

/*
 * The parent gives the keeper the end of a new listener's socketpair, over a
 * socket of their own. A listener that died in the middle of a frame takes its
 * half of it along: the next one starts on a clean stream. RC_IO: gone.
 */
MUST_USE enum rc frame_fd_send(int control, int fd, struct err *err);
MUST_USE enum rc frame_fd_recv(int control, int *ret_fd, struct err *err);

#endif

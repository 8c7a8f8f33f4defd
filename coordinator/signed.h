/*
 * coordinator/signed.h - the largest log that was signed, remembered beside log.db.
 *
 * A log.db whose last transactions went (a write-ahead log cut short or taken away, a disk
 * that did not write, an older copy) looks like a shorter log, and its key would sign another
 * past over it: proof against this coordinator, and the end of the log. So size and root stand
 * in a file of their own, DIR/signed, before anybody sees the signature, and a start
 * that finds less refuses. What was put back together, this file included, only custodians can tell.
 *
 * Two places in turn: a write that is cut short leaves the other.
 */
#ifndef COORDINATOR_SIGNED_H
#define COORDINATOR_SIGNED_H

#include "audit/store/store.h"

struct signed_mark {
	int		fd;		/* -1: closed */
	unsigned	next;		/* the place that is older */
	uint64_t	size;		/* 0: nothing was signed yet */
	uint8_t		root[SHA256_BYTES];
};
#define SIGNED_INIT	{ .fd = -1 }

/* RC_FORMAT: the file is damaged. */
MUST_USE enum rc signed_open(const char *dir, struct signed_mark *m, struct err *err);
void	 signed_close(struct signed_mark *m);
/* RC_BUG: this log is shorter than what was signed, or another one. */
MUST_USE enum rc signed_check(const struct signed_mark *m, struct store *s, struct err *err);
/* Durable when it returns. */
MUST_USE enum rc signed_keep(struct signed_mark *m, uint64_t size, const uint8_t root[SHA256_BYTES], struct err *err);
/* The log is made anew (rebuild.h): what it was counts no more. */
MUST_USE enum rc signed_forget(const char *dir, struct err *err);

#endif

/*
 * audit/entry.h - a log entry: u64be log time (POSIX seconds) || DSSE bytes.
 *
 * The bytes are the Merkle leaf data, at most ENTRY_BYTES_MAX (a C2SP entry
 * bundle has 16-bit lengths). Pure.
 */
#ifndef AUDIT_ENTRY_H
#define AUDIT_ENTRY_H

#include "audit/tree.h"
#include "base/when.h"

#define ENTRY_BYTES_MAX	65535
#define CLOCK_AHEAD_MAX		60	/* seconds by which an entry may be ahead of the clock of whoever cosigns it */

struct entry {
	when		time;
	struct span	dsse;		/* borrowed from the leaf data */
};

/* RC_FORMAT: shorter than 9 bytes, over the limit, time beyond WHEN_MAX. */
MUST_USE enum rc entry_parse(struct span leaf, struct entry *ret, struct err *err);
void	 entry_write(when time, struct span dsse, struct buf *out);

#endif

/*
 * custodian/rebuild.h - a tail that a quorum contradicts is dropped.
 *
 * The state of `apply` cannot be undone: a new database is made beside the old one, of
 * the entries up to CUSTODY_COSIGNED, with the shares, journals and counts of the old.
 * It takes the old one's place by its name: a crash leaves the one or the other. What
 * was cosigned is not forgotten: nothing up to CUSTODY_SIGNED's size is cosigned again.
 *
 * What people said in the tail is not lost with it: it is handed in again
 * (JOURNAL_DROPPED), at once or when the log has come as far.
 */
#ifndef CUSTODIAN_REBUILD_H
#define CUSTODIAN_REBUILD_H

#include "custodian/custody.h"

/* RC_OK; RC_IO, RC_NOMEM: all is as it was; RC_BUG: stop, a start finds one of the two. */
MUST_USE enum rc rebuild_tail(struct custody *c, struct err *err);
/* What was said in a tail that was dropped: again. */
MUST_USE enum rc rebuild_resume(struct custody *c, struct err *err);

#endif

/*
 * coordinator/begun.h - the token remembers that a log was begun under its key.
 *
 * Whoever lost log.db and starts again would sign a second first entry beside the one that
 * custodians hold, and only a succession would mend that. The mark stands in the token, so it
 * outlives the disk; it is written once entry 0 is durable.
 */
#ifndef COORDINATOR_BEGUN_H
#define COORDINATOR_BEGUN_H

#include "coordinator/coordinator.h"

/* RC_USAGE: no log.db here, but the token began this log; the words say what to do. */
MUST_USE enum rc begun_check(const struct coordinator *c, struct err *err);
/* Leaves the mark if there is none. A token that keeps no marks: a line in our log, no error. */
MUST_USE enum rc begun_mark(const struct coordinator *c, struct err *err);

#endif

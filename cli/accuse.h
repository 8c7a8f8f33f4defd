/*
 * cli/accuse.h - is there proof that the log's key signed two pasts?
 */
#ifndef CLI_ACCUSE_H
#define CLI_ACCUSE_H

#include "audit/accusation.h"
#include "cli/custodians.h"

/* Against the charter: RC_OK it holds, RC_VERIFY or RC_FORMAT it does not. */
MUST_USE enum rc accusation_check(const struct charter *c, struct span text, struct accusation *ret, struct err *err);

/*
 * Among what custodians showed, and the coordinator's head (size 0: none): the first
 * accusation that holds, appended to ret, or one made of two notes that contradict each
 * other at sight. ret_parsed borrows from c or ret. RC_MISSING: none.
 */
MUST_USE enum rc accusation_find(const struct custodians *c, const struct checkpoint *head, struct span head_note,
    struct buf *ret, struct accusation *ret_parsed, struct err *err);

/* `quorate log accuse`. file: check that one, offline; NULL: ask. out: write it there, or NULL. */
MUST_USE enum rc log_accuse(const char *file, const char *out, struct err *err);

#endif

/*
 * policy/statement_ours.h - the quick way to read a statement. Internal to policy/.
 */
#ifndef POLICY_STATEMENT_OURS_H
#define POLICY_STATEMENT_OURS_H

#include "policy/statement.h"

/*
 * True: payload is, byte for byte, what statement_write() makes of *ret, of a type that a
 * log is full of; ret->id is not set. False is no answer, and *ret holds anything; then
 * *ret_rc is RC_NOMEM when it was for want of memory. ret->bytes must be an empty buf.
 */
MUST_USE bool statement_is_ours(struct span payload, struct statement *ret, enum rc *ret_rc);

#endif

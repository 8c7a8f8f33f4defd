/*
 * policy/charter_check.h - what must hold between the members of a charter, once
 * each has been read on its own. Called by charter_parse() alone. Pure.
 */
#ifndef POLICY_CHARTER_CHECK_H
#define POLICY_CHARTER_CHECK_H

#include "policy/charter.h"

/* RC_FORMAT: the message says which rule is broken and by whom. */
MUST_USE enum rc charter_check(const struct charter *c, struct err *err);

#endif

/*
 * cli/charter.h - drafts of a charter: JSON that is not yet whole, until it is signed.
 */
#ifndef CLI_CHARTER_H
#define CLI_CHARTER_H

#include "cli/remote.h"

command_fn	charter_add;

MUST_USE enum rc draft_read(const char *path, json_t **ret, struct err *err);
MUST_USE enum rc draft_write(const char *path, const json_t *draft, bool fresh, struct err *err);
/* A signed charter is not changed under its signatures. RC_USAGE. */
MUST_USE enum rc draft_unsigned(const char *path, struct err *err);

#endif

/*
 * cli/charter.h - drafts of a charter: JSON that is not yet whole, until it is signed.
 */
#ifndef CLI_CHARTER_H
#define CLI_CHARTER_H

#include "cli/remote.h"

command_fn	charter_add, charter_remove, charter_draft, charter_amend, charter_succeed, charter_fetch, charter_history;

/*
 * What is in force: as the coordinator shows it (*ret_asked), else as it is known here. via: a
 * document that names the coordinator to ask, or NULL; then it must answer.
 */
MUST_USE enum rc charter_now(const char *via, struct remote **ret, bool *ret_asked, struct err *err);

MUST_USE enum rc draft_read(const char *path, json_t **ret, struct err *err);
MUST_USE enum rc draft_write(const char *path, const json_t *draft, bool fresh, struct err *err);
/* A signed charter is not changed under its signatures. RC_USAGE. */
MUST_USE enum rc draft_unsigned(const char *path, struct err *err);

#endif

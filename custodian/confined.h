/*
 * custodian/confined.h - what the processes of custodiand may still do once they have read what they need.
 *
 * Rows of docs/adr/0023: the keeper its folder and its token, and no network; the listener its
 * port and those of the other custodians, and no file; the parent no other program.
 */
#ifndef CUSTODIAN_CONFINED_H
#define CUSTODIAN_CONFINED_H

#include "custodian/custody.h"

/* Before the library's threads. The charter in force says which ports others listen on. */
MUST_USE enum rc listener_confine(const struct custodian_config *c, const struct charter *charter, struct err *err);
/*
 * After custody_open(): modules and their configuration are loaded. The token is tried out once
 * more. RC_USAGE: it no longer works, or a place is not there: the configuration lacks a place.
 */
MUST_USE enum rc keeper_confine(struct custody *c, struct err *err);
/* Once the keeper is there. */
MUST_USE enum rc parent_confine(struct err *err);

#endif

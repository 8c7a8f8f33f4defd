/*
 * policy/escrow_map.h - escrows in a map of bytes: what policy/state.h asks of
 * escrow_add and escrow_find, for the states in memory. Internal to policy/.
 */
#ifndef POLICY_ESCROW_MAP_H
#define POLICY_ESCROW_MAP_H

#include "policy/map.h"
#include "policy/state.h"

/* RC_DENIED: escrowed already. */
MUST_USE enum rc escrow_map_add(struct map *m, const uint8_t id[ARTIFACT_ID_BYTES],
    struct escrow_at at, struct span descriptor, struct err *err);
/* RC_MISSING; ret may be NULL. */
MUST_USE enum rc escrow_map_find(const struct map *m, const uint8_t id[ARTIFACT_ID_BYTES],
    struct escrow_at *ret_at, struct buf *ret, struct err *err);

#endif

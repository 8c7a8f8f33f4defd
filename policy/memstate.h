/*
 * policy/memstate.h - policy/state.h in memory: tests, the release worker, offline checks.
 *
 * Two uses: full (memstate_leaf() feeds every leaf hash, so root_at knows the past;
 * blobs are put whole) and sparse (no leaves: root_at says RC_MISSING; descriptors
 * are put one by one, each proved under its batch root).
 */
#ifndef POLICY_MEMSTATE_H
#define POLICY_MEMSTATE_H

#include "audit/tree.h"
#include "base/auto.h"
#include "policy/state.h"

struct memstate;
MUST_USE enum rc memstate_new(struct memstate **ret, struct err *err);
void	 memstate_free(struct memstate *m);
DEFINE_AUTO(memstate_free, struct memstate);
const struct state *memstate_state(struct memstate *m);

MUST_USE enum rc memstate_leaf(struct memstate *m, const uint8_t leaf[SHA256_BYTES], struct err *err);
MUST_USE enum rc memstate_blob(struct memstate *m, struct span blob, struct err *err);
/* A descriptor under a batch root: the path is checked when a batch with that root is applied. */
MUST_USE enum rc memstate_descriptor(struct memstate *m, const uint8_t root[SHA256_BYTES], uint32_t leaf,
    const struct tree_path *path, struct span descriptor, struct err *err);

#endif

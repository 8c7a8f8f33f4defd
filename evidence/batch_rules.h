/*
 * evidence/batch_rules.h - what a descriptor in a batch must be (batch-v1 section 4).
 *
 * For evidence/batch*.c only: who makes a batch and who checks one ask the same. Pure.
 */
#ifndef EVIDENCE_BATCH_RULES_H
#define EVIDENCE_BATCH_RULES_H

#include "policy/charter.h"

/* Ids seen so far, in a table of open addressing: one batch is at most half of it. */
#define BATCH_IDS	(2 * BATCH_COUNT_MAX)
struct batch_ids {
	uint8_t	id[BATCH_IDS][ARTIFACT_ID_BYTES];
	bool	used[BATCH_IDS];
};

/* k, n, policy and class are the charter's: RC_FORMAT otherwise. */
MUST_USE enum rc batch_rules_descriptor(const struct descriptor *d,
    const struct charter *charter, struct err *err);
/* Keeps id. RC_FORMAT: it is there already (said of artifact `leaf`). */
MUST_USE enum rc batch_rules_id(struct batch_ids *ids, uint32_t leaf,
    const uint8_t id[ARTIFACT_ID_BYTES], struct err *err);

#endif

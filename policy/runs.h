/*
 * policy/runs.h - which batches a custodian has checked: runs of them, each one
 * entry of the log (docs/spec/state-v1.md section 3). Internal to policy/.
 *
 * A custodian's runs ascend and share nothing, so that one is found by halving.
 * Between them are gaps: batches whose shares it did not have then.
 */
#ifndef POLICY_RUNS_H
#define POLICY_RUNS_H

#include "policy/record.h"

struct run {
	uint64_t	first, last;		/* indexes of effective batches */
	uint64_t	index;			/* of the entry that said so */
};

/* The last of this custodian's; zeroes: none, as no batch is entry 0. */
MUST_USE enum rc runs_last(const struct state *st, uint8_t custodian, struct run *ret, struct err *err);
/* The one that covers the entry. RC_MISSING: none does. */
MUST_USE enum rc runs_find(const struct state *st, uint8_t custodian, uint64_t batch, struct run *ret, struct err *err);
/* run->first is after the last one's end. */
MUST_USE enum rc runs_add(struct changes *c, uint8_t custodian, const struct run *run, struct err *err);

#endif

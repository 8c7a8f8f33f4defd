/*
 * coordinator/lineage.h - how the charter in force came to be, for those who have the genesis
 * (evidence/case.h), written once for each charter.
 */
#ifndef COORDINATOR_LINEAGE_H
#define COORDINATOR_LINEAGE_H

#include "coordinator/coordinator.h"

struct lineage;
MUST_USE enum rc lineage_new(struct lineage **ret, struct err *err);
void	 lineage_free(struct lineage *l);

#endif

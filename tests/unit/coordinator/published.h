/*
 * tests/unit/coordinator/published.h - a log.db as the tile server finds it: entries that
 * may be anything past the charter, and a checkpoint over some of them.
 */
#ifndef TESTS_UNIT_COORDINATOR_PUBLISHED_H
#define TESTS_UNIT_COORDINATOR_PUBLISHED_H

#include "tests/unit/coordinator/rig.h"

#define PUBLISHED_LONGEST	200	/* this entry is as long as any may be */

void	 published_path(const struct rig *r, char path[FILE_PATH_MAX]);
/* What stands at index > 0. */
void	 published_leaf(uint64_t index, struct buf *out);
/* Entries up to this size; the rig was started once (entry 0) and is stopped. */
void	 published_fill(struct rig *r, uint64_t size);
/* A checkpoint of this size, signed by the log and the first `cosigners` custodians, put where the sequencer puts it. */
void	 published_note(struct rig *r, uint64_t size, unsigned cosigners, struct buf *note);

#endif

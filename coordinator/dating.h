/*
 * coordinator/dating.h - which time-stamps date the batches of a package.
 *
 * For each batch of a case, and each TSA of the charter in force, the first effective anchor
 * whose checkpoint covers the batch. Where that would be more than PACKAGE_ANCHORS_MAX, fewer
 * of them, each a later one for some batches: none is left without a date that has one.
 *
 * dating_choose() adds their entries to the case's indexes, which are remembered
 * (making.h); dating_load() finds again what they date from those alone.
 */
#ifndef COORDINATOR_DATING_H
#define COORDINATOR_DATING_H

#include "coordinator/casefile.h"
#include "evidence/package.h"

#define DATING_READS_MAX	20000u	/* anchors of the log that are looked at for one package */

struct dating {
	size_t			 n;
	struct package_anchor	 anchor[PACKAGE_ANCHORS_MAX];	/* ascending by index */
	struct span		 archive[PACKAGE_ANCHORS_MAX];	/* of each */
	struct buf		 blob[PACKAGE_ANCHORS_MAX];
	struct package_anchored	*batch[PACKAGE_ANCHORS_MAX];
	char			 tsa[PACKAGE_ANCHORS_MAX][ID_MAX + 1];
	uint64_t		 size[PACKAGE_ANCHORS_MAX];	/* of the checkpoint that was stamped */
};

/* Of the anchor entries below `size`. A case that has no room for more is left as it is. */
MUST_USE enum rc dating_choose(struct reader *r, const struct charter *charter, uint64_t size,
    struct case_indexes *x, struct err *err);
/* ret: all zeros at first; it may be large, and must not move. dating_done() always. */
MUST_USE enum rc dating_load(struct reader *r, const struct case_indexes *x, struct dating *ret, struct err *err);
void	 dating_done(struct dating *d);

#endif

/*
 * evidence/side_by_side.h - the segments of a part, several at a time.
 *
 * For evidence/envelope*.c: each segment has its own key and its own
 * place, so they do not wait for each other (docs/adr/0025-segments-side-by-side.md).
 */
#ifndef EVIDENCE_SIDE_BY_SIDE_H
#define EVIDENCE_SIDE_BY_SIDE_H

#include <stdint.h>

#include "base/err.h"
#include "evidence/parallel.h"

#define SIDE_BY_SIDE_MAX	4	/* segments that are worked at, whatever `parallel` could do */

typedef enum rc (*side_work)(void *arg, uint32_t i, struct err *err);
/*
 * work(arg, 0) to work(arg, n - 1), begun in this order, up to SIDE_BY_SIDE_MAX at once; parallel
 * NULL: one after the other on this thread. After a failure no further one is begun, and those under
 * way end first. The failure of the lowest i is the one that is reported, however they ran.
 */
MUST_USE enum rc side_by_side(const struct parallel *parallel, uint32_t n, side_work work, void *arg,
    struct err *err);

#endif

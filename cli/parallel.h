/*
 * cli/parallel.h - threads for evidence/parallel.h.
 *
 * As many as there are processors that this process may use, at most PARALLEL_MAX, and none where there is one: then
 * p->run is a plain loop. They wait, without a busy loop, for the next batch of jobs.
 * One caller at a time.
 */
#ifndef CLI_PARALLEL_H
#define CLI_PARALLEL_H

#include "base/auto.h"
#include "base/err.h"
#include "evidence/parallel.h"

#define PARALLEL_MAX	4	/* the digest of one large file is a chain: more would wait for it */

/* That this process may use, fewer than the machine has where somebody said so: 1..most. */
unsigned processors(unsigned most);

struct hands;
/* threads: 0 for what is said above. A thread that cannot be had is done without. */
MUST_USE enum rc hands_new(unsigned threads, struct hands **ret, struct err *err);
void	 hands_free(struct hands *h);
DEFINE_AUTO(hands_free, struct hands);
/* Good as long as h. */
const struct parallel *hands_parallel(const struct hands *h);

#endif

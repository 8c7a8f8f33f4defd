/*
 * cli/conduct.h - what the log shows of each custodian: batches checked, garbage found,
 * contributions that were wrong.
 */
#ifndef CLI_CONDUCT_H
#define CLI_CONDUCT_H

#include <stdio.h>

#include "base/json.h"
#include "policy/apply.h"

struct conduct {
	uint64_t	*batch;			/* entries of the effective ones, in log order */
	size_t		 n, cap;
	uint64_t	 checked[CUSTODIANS_MAX];	/* batches that custodian i checked, at [i-1] */
	uint64_t	 garbage[CUSTODIANS_MAX];	/* shares that it showed to be none: the sealer's fault or its own */
	uint64_t	 broken[CUSTODIANS_MAX];	/* the same, after it had said that they were good: its own */
	uint64_t	 wrong[CUSTODIANS_MAX];		/* contributions of it that a release found wrong */
};

/* An effective entry other than a batch, which r has applied. */
MUST_USE enum rc conduct_entry(struct conduct *c, struct replica *r, const struct statement *s, struct err *err);
/* An effective batch. */
MUST_USE enum rc conduct_batch(struct conduct *c, uint64_t index, struct err *err);
/* At the end: which batches each has checked, by the one reckoning of them. */
MUST_USE enum rc conduct_checked(struct conduct *c, struct replica *r, struct err *err);
void	 conduct_done(struct conduct *c);

void	 conduct_print(const struct conduct *c, const struct charter *charter, FILE *out);
json_t	*conduct_json(const struct conduct *c, const struct charter *charter);	/* NULL: no memory */

#endif

/*
 * coordinator/refusals.h - releases that came to nothing after their order was logged.
 *
 * Every order is an entry for ever, at every party. Asked again at once, a release that
 * the custodians refuse would log one for each call. So what came of the last one is
 * kept for a while: a refusal is repeated, anything else is tried again later. The
 * time doubles while it goes on. In memory: a restart forgets.
 *
 * Not thread-safe: under the lock of struct releases.
 */
#ifndef COORDINATOR_REFUSALS_H
#define COORDINATOR_REFUSALS_H

#include "base/auto.h"
#include "base/bytes.h"

#define REFUSALS_MAX		64	/* requests; the one whose time is over first makes room */
#define REFUSED_MS		15000u	/* a refusal is repeated for so long, at first */
#define FAILED_MS		2000u	/* no other order for so long, at first */
#define REFUSALS_TIMES		16u	/* the most that these grow to */

struct refusal {
	uint8_t		request[SHA256_BYTES];
	uint64_t	until;		/* clock_ms(); 0: free */
	unsigned	times;		/* 1, 2, 4... */
	struct err	err;
	char		why[32];
};

struct refusals { struct refusal row[REFUSALS_MAX]; };

/* An order of this request came to nothing. */
void	 refusals_put(struct refusals *r, const uint8_t request[SHA256_BYTES], const struct err *err,
    const char *why, uint64_t now_ms);
void	 refusals_forget(struct refusals *r, const uint8_t request[SHA256_BYTES]);
/* What stands of it still; NULL: nothing. Good until the next call. */
const struct refusal *refusals_find(const struct refusals *r, const uint8_t request[SHA256_BYTES],
    uint64_t now_ms);

#endif

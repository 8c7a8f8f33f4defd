/*
 * coordinator/release_job.h - one release that runs. For release.c and release_run.c.
 */
#ifndef COORDINATOR_RELEASE_JOB_H
#define COORDINATOR_RELEASE_JOB_H

#include <pthread.h>

#include "coordinator/gather.h"
#include "coordinator/making.h"
#include "coordinator/release.h"
#include "coordinator/standby.h"
#include "policy/apply.h"

struct release_job {
	struct coordinator	*c;
	struct standby		*standby;
	uint8_t			 request[SHA256_BYTES];
	struct hired		 worker;
	uint64_t		 not_before;	/* clock_ms(): no new order sooner */

	/* Under the lock of struct releases. */
	bool			 used, running, joined;
	pthread_t		 thread;
	enum rc			 rc;		/* when it is over */
	struct err		 err;
	char			 why[32];	/* stable name of a refusal */
	uint32_t		 have;		/* good contributions, or cosignatures */
	uint32_t		 need;
	uint32_t		 refused;	/* bit i-1: custodian i was asked, and would not contribute */
	bool			 ordered;	/* an order stands in the log for it */
	struct package_row	 row;		/* with RC_OK */
	bool			 archive;	/* as who asked first wants it */
	char			 unstamped[160];	/* with RC_OK: why a time-stamp could not be had */
};

/*
 * All of it, in this thread. RC_DENIED: refused, j->why says what for. RC_UNSURE: too
 * few custodians answer. RC_MISSING: no such request.
 */
MUST_USE enum rc release_run(struct release_job *j, struct err *err);

#endif

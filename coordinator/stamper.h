/*
 * coordinator/stamper.h - time-stamps for a package that is being made.
 *
 * From the first TSA of the charter that answers well (edge/tsa.h), in a bounded time: that
 * none does is logged, remembered in `words`, and ends nothing.
 */
#ifndef COORDINATOR_STAMPER_H
#define COORDINATOR_STAMPER_H

#include "coordinator/coordinator.h"

struct stamper {
	struct coordinator	*c;
	const struct charter	*charter;	/* whose TSAs */
	uint8_t			 n;		/* time-stamps that were had */
	char			 words[160];	/* why one was not; "": all were */
};

/* A package_stamp_fn (evidence/package.h) of a struct stamper. RC_UNSURE: the coordinator is stopping. */
MUST_USE enum rc stamper_stamp(void *stamper, const uint8_t imprint[SHA256_BYTES], struct buf *token, struct err *err);

#endif

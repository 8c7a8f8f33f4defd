/*
 * coordinator/stamper.h - time-stamps for a package that is being made.
 *
 * From the first TSA of the charter that answers well (edge/tsa.h), in a bounded time. That
 * none does ends nothing.
 */
#ifndef COORDINATOR_STAMPER_H
#define COORDINATOR_STAMPER_H

#include "coordinator/coordinator.h"

struct stamper {
	struct coordinator	*c;
	const struct charter	*charter;	/* whose TSAs */
};

/* A package_stamp_fn (evidence/package.h) of a struct stamper. RC_UNSURE: the coordinator is stopping. */
MUST_USE enum rc stamper_stamp(void *stamper, const uint8_t imprint[SHA256_BYTES], struct buf *token, struct err *err);

#endif

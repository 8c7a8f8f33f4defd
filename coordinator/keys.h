/*
 * coordinator/keys.h - the coordinator's keys in its token: log key and package key.
 */
#ifndef COORDINATOR_KEYS_H
#define COORDINATOR_KEYS_H

#include "coordinator/coordinator.h"

/* For init: finds the keys under our labels, or makes them. Sets the members of c. */
MUST_USE enum rc keys_make(struct coordinator *c, struct err *err);
/* For enroll and run. RC_MISSING: a key that init made is gone from the token. */
MUST_USE enum rc keys_open(struct coordinator *c, struct err *err);
void	 keys_close(struct coordinator *c);

/* A self-signed certificate over the package key, DER. */
MUST_USE enum rc package_certificate_new(struct coordinator *c, struct buf *der, struct err *err);
/* Is `der` over the package key? RC_USAGE: it is not. */
MUST_USE enum rc package_certificate_check(const struct coordinator *c, struct span der, struct err *err);

#endif

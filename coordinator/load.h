/*
 * coordinator/load.h - read DIR and refuse what does not fit together.
 */
#ifndef COORDINATOR_LOAD_H
#define COORDINATOR_LOAD_H

#include "coordinator/coordinator.h"

void	 coordinator_init(struct coordinator *c);
/* tls.crt and tls.key into c. */
MUST_USE enum rc load_tls(struct coordinator *c, struct err *err);
/* package.crt, DER, checked against the package key. */
MUST_USE enum rc load_package_certificate(const struct coordinator *c, struct buf *der, struct err *err);
/*
 * Does the charter name our log key, TLS certificate, package certificate and origin?
 * RC_USAGE says which of them it does not.
 */
MUST_USE enum rc charter_names_us(const struct coordinator *c, const struct charter *charter, struct err *err);

/* FILE and FILE.dsse into DIR, when all who must have signed it: enroll.c. Prints what it means. */
MUST_USE enum rc enroll_copies(const char *dir, const char *file, struct err *err);

#endif

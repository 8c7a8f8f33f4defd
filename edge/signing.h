/*
 * edge/signing.h - the charter statement beside a charter: who signed it so far.
 *
 * charter.json is the readable document; charter.json.dsse holds the charter
 * statement with a signature of each who agreed. It becomes entry 0 of the log.
 */
#ifndef EDGE_SIGNING_H
#define EDGE_SIGNING_H

#include "edge/edge.h"
#include "policy/dsse.h"

/* Adds s's signature to <path>.dsse, making it when it is not there. Signing twice changes nothing. */
MUST_USE enum rc charter_sign_file(const char *path, const struct charter *c, const struct signer *s, struct err *err);
/*
 * Reads <path>.dsse and tells who has not signed yet: each missing party a line, appended to
 * missing. RC_MISSING: no signature at all. RC_VERIFY: a statement about another charter.
 */
MUST_USE enum rc charter_signatures(const char *path, const struct charter *c, struct buf *dsse,
    struct buf *missing, struct err *err);

#endif

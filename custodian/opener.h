/*
 * custodian/opener.h - open this custodian's shares of one batch: one ECDH in the token.
 *
 * For contribute.c and check.c. Whether it may is theirs to know.
 */
#ifndef CUSTODIAN_OPENER_H
#define CUSTODIAN_OPENER_H

#include "custodian/custody.h"

/*
 * For the batch at entry `index`, which must be an effective one. *ret NULL with RC_OK: the
 * sealer's encapsulation for this custodian is no point of the curve; the token did not see
 * it, and no share of the batch opens. RC_IO: the token, or its key is not the charter's.
 */
MUST_USE enum rc opener_new(struct custody *c, uint64_t index, struct hsm_opener **ret, struct err *err);

#endif

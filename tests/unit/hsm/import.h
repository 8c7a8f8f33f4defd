/*
 * tests/unit/hsm/import.h - keys and certificates of other programs, put into a token.
 *
 * What hsm/ never does. softhsm2-util --import makes EC keys that may not derive.
 */
#ifndef TESTS_UNIT_HSM_IMPORT_H
#define TESTS_UNIT_HSM_IMPORT_H

#include <openssl/evp.h>

#include "hsm/hsm.h"

/* EC P-256, P-384 or RSA; may sign, and derive and decrypt if may_open. */
MUST_USE enum rc import_key(struct hsm *h, EVP_PKEY *key, const char *label, uint8_t id, bool may_open, struct err *err);
MUST_USE enum rc import_certificate(struct hsm *h, struct span der, uint8_t id, struct err *err);

#endif

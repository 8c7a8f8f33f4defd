/*
 * audit/timestamp_parts.h - what timestamp*.c share: for them only.
 */
#ifndef AUDIT_TIMESTAMP_PARTS_H
#define AUDIT_TIMESTAMP_PARTS_H

#include <openssl/pkcs7.h>
#include <openssl/ts.h>

#include "audit/timestamp.h"

/* What libcrypto said last goes with it: its words are its own, not a peer's. RC_NOMEM when memory ran out. */
enum rc	timestamp_fail(struct err *err, enum rc rc, const char *what);
/* RC_FORMAT. Both are the caller's to free. */
MUST_USE enum rc timestamp_parse(struct span der, PKCS7 **ret, TS_TST_INFO **ret_info, struct err *err);
/* Is it of our version, and over this imprint? RC_VERIFY. */
MUST_USE enum rc timestamp_info(TS_TST_INFO *info, const uint8_t imprint[SHA256_BYTES], struct err *err);
/* Which of these belong to those in `by`, as timestamp_issued() has it? RC_FORMAT: a certificate cannot be read. */
MUST_USE enum rc timestamp_belonging(const struct span *certificate, size_t n_certificates, const struct span *crl,
    size_t n_crls, const struct span *by, size_t n_by, bool *ret_certificates, bool *ret_crls, struct err *err);

#endif

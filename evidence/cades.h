/*
 * evidence/cades.h - the package's signature: CAdES baseline B, detached.
 *
 * CMS SignedData (RFC 5652) with the four signed attributes content-type,
 * signing-time, message-digest and ESS signing-certificate-v2, the certificate
 * itself, one ECDSA P-256 signature with SHA-256, and nothing else. Every byte but
 * the signature value follows from certificate, content and time: the verifier makes
 * the message again and compares, so that none is free (package-v1 section 6).
 * Timestamps will go into unsigned attributes of a later version.
 *
 * Pure; libcrypto. The key may live in a token.
 */
#ifndef EVIDENCE_CADES_H
#define EVIDENCE_CADES_H

#include <openssl/evp.h>

#include "base/when.h"

#define CADES_BYTES_MAX	(16 << 10)

/* Appends the DER. RC_USAGE: the key is not P-256 or not the certificate's. RC_IO: it did not sign. */
MUST_USE enum rc cades_sign(EVP_PKEY *key, struct span certificate, struct span content, when signed_at,
    struct buf *out, struct err *err);
/* RC_FORMAT: not this form, for this certificate and time. RC_VERIFY: the signature fails. */
MUST_USE enum rc cades_verify(struct span certificate, struct span content, when signed_at,
    struct span signature, struct err *err);

#endif

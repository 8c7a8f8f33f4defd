/*
 * policy/cert.h - what we ask of an X.509 certificate: that it parses, to its
 * last byte, and what key it holds. No chain, no names, no times: the charter,
 * the request or the order says whose it is.
 *
 * Pure; libcrypto.
 */
#ifndef POLICY_CERT_H
#define POLICY_CERT_H

#include "base/bytes.h"

enum cert_kind {
	CERT_OTHER = 0,		/* parses; a key that cannot receive */
	CERT_EC_P256,
	CERT_EC_P384,
	CERT_RSA,		/* 2048 to 8192 bits */
};

#define CERT_RSA_BITS_MIN	2048
#define CERT_RSA_BITS_MAX	8192

/*
 * RC_FORMAT: not one DER certificate, or bytes after it. RC_NOMEM. key_bits receives the
 * SHA-256 of the subject's public key bits (65 bytes of point for P-256, 32 for
 * Ed25519, the RSAPublicKey for RSA): equal for one key in two certificates.
 */
MUST_USE enum rc cert_check(struct span der, enum cert_kind *ret_kind,
    uint8_t ret_key_bits[SHA256_BYTES], struct err *err);

#endif

/*
 * evidence/cms.h - secrets to the holder of a certificate (docs/spec/cms-profile-v1.md).
 *
 * CMS AuthEnvelopedData (RFC 5083) with AES-256-GCM (RFC 5084), one recipient:
 * an EC P-256 or P-384 certificate (ephemeral-static ECDH, X9.63 KDF, AES-256
 * key wrap) or an RSA one of 2048 bits or more (OAEP with SHA-256). DER, so
 * that `openssl cms -decrypt` opens it. It does not say who sent it: receipts
 * and the package's signature do.
 *
 * Plaintext lives in struct secret only. Pure; libcrypto. Thread-safe.
 */
#ifndef EVIDENCE_CMS_H
#define EVIDENCE_CMS_H

#include <openssl/evp.h>

#include "base/secret.h"
#include "base/when.h"

#define CMS_PLAIN_MAX	(1 << 20)
#define CMS_BYTES_MAX	(CMS_PLAIN_MAX + (16 << 10))
#define CMS_CERT_MAX	8192

/*
 * Could cms_seal write to this certificate (DER, nothing after it)? RC_FORMAT
 * says what is wrong with its key: for who accepts a recipient. Neither chain
 * nor dates are looked at: people approve a certificate, not its issuer.
 */
MUST_USE enum rc cms_recipient_check(struct span cert_der, struct err *err);

/* Appends the message to der. plain: 1..CMS_PLAIN_MAX bytes. RC_FORMAT: the certificate; RC_LIMIT. */
MUST_USE enum rc cms_seal(struct span cert_der, struct span plain, struct buf *der, struct err *err);

/*
 * Open with the recipient's private key and certificate.
 * RC_FORMAT: not exactly one DER message of the profile above (another content
 * type, cipher, key transport or KDF; bytes after it; several recipients).
 * RC_DENIED: addressed to another certificate. RC_VERIFY: key or tag fail.
 * RC_NOMEM: memory ran out, which says nothing of the message or of who sent it.
 * RC_IO: the token that holds the key failed, which says nothing of the message
 * (libcrypto_key_fault() of base/libcrypto.h).
 * ret is untouched unless RC_OK.
 */
MUST_USE enum rc cms_open(EVP_PKEY *key, struct span cert_der, struct span der,
    struct secret **ret, struct err *err);

/*
 * The one recipient of a message is the holder of this certificate? Needs no
 * key: for who checks a package. RC_FORMAT and RC_DENIED as cms_open.
 */
MUST_USE enum rc cms_addressed_to(struct span cert_der, struct span der, struct err *err);

/*
 * A fresh P-256 key and a self-signed certificate for it, valid from now for
 * `life` seconds: what a release worker makes for one order. Appends the DER.
 */
MUST_USE enum rc cms_addressee_new(const char *common_name, when now, uint64_t life,
    EVP_PKEY **ret_key, struct buf *cert_der, struct err *err);

#endif

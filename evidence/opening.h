/*
 * evidence/opening.h - sign and verify the recipient's word that a package was opened.
 *
 * docs/spec/opening-v1.md; what it says: policy/opening.h. A CMS SignedData by the key of
 * the certificate that the request names, so that `openssl cms -verify` reads it:
 *
 *	{"opening":1,"genesis":HEX,"order":HEX,"package":HEX,"opened":WHEN,
 *	 "parts":[{"artifact":HEX,"part":NAME,"first":N,"last":N,"bytes":N,"sha256":HEX}...],
 *	 "bad":[N...]}
 *
 * parts in scope order, sha256 of the plaintext of those segments; bad: custodians whose
 * contributions failed their proof, which only the recipient can tell in recipient mode.
 * Every byte but the signature value follows from these and the certificate.
 *
 * Pure; libcrypto. The key may live in a token.
 */
#ifndef EVIDENCE_OPENING_H
#define EVIDENCE_OPENING_H

#include <openssl/evp.h>

#include "policy/opening.h"

/*
 * Appends the DER. key: of the certificate. EC P-256, P-384 or RSA.
 * RC_FORMAT: another certificate. RC_USAGE: the key is not the certificate's, or see
 * opening_write(). RC_LIMIT: too many parts. RC_IO: it did not sign.
 */
MUST_USE enum rc opening_sign(const struct opening *o, EVP_PKEY *key, struct span certificate, struct buf *der,
    struct err *err);
/* RC_VERIFY: not signed by the key of this certificate. RC_FORMAT. */
MUST_USE enum rc opening_verify(struct span der, struct span certificate, struct opening *ret, struct err *err);
/* The same with the certificate that is in it: whose that is, the caller must know by its digest. */
MUST_USE enum rc opening_verify_own(struct span der, struct opening *ret, uint8_t ret_certificate[SHA256_BYTES],
    struct err *err);

#endif

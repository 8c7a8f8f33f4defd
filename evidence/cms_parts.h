/*
 * evidence/cms_parts.h - what evidence/cms*.c share, for them only.
 */
#ifndef EVIDENCE_CMS_PARTS_H
#define EVIDENCE_CMS_PARTS_H

#include <openssl/cms.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "evidence/cms.h"

DEFINE_AUTO(X509_free, X509);
DEFINE_AUTO(EVP_PKEY_free, EVP_PKEY);
DEFINE_AUTO(CMS_ContentInfo_free, CMS_ContentInfo);

static inline void
openssl_bytes_free(unsigned char *p)
{
	OPENSSL_free(p);
}
DEFINE_AUTO(openssl_bytes_free, unsigned char);

/* RC_NOMEM when memory ran out since libcrypto_begin(). Empties libcrypto's error queue and says our words. */
enum rc	 cms_fail(struct err *err, enum rc rc, const char *words);
/* What libcrypto does not ask of the frame of a message; its parser must accept it too. */
MUST_USE enum rc cms_shape(struct span der, struct err *err);
/* A certificate that cms_recipient_check accepts. Begins what cms_fail() asks about. */
MUST_USE enum rc cms_certificate(struct span cert_der, X509 **ret, struct err *err);

#endif

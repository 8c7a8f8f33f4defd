/*
 * evidence/cades.h - the package's signature: CAdES baseline B, detached.
 *
 * Level T adds one unsigned attribute, an RFC 3161 token over the signature value
 * (id-smime-aa-timeStampToken); level LT certificates and CRLs beside the signer's.
 * Those three are as they come: the token is checked by timestamp_verify(), and that nothing in any
 * of them is of no use to anybody by cades_exact().
 *
 * CMS SignedData (RFC 5652) with the four signed attributes content-type,
 * signing-time, message-digest and ESS signing-certificate-v2, the certificate
 * itself, one ECDSA P-256 signature with SHA-256, and nothing else. Every byte but
 * the signature value follows from certificate, content, time and what was added: the
 * verifier makes the message again and compares, so that none is free (package-v1
 * section 6).
 *
 * Pure; libcrypto. The key may live in a token.
 */
#ifndef EVIDENCE_CADES_H
#define EVIDENCE_CADES_H

#include <openssl/evp.h>

#include "audit/timestamp.h"
#include "base/when.h"

#define CADES_BYTES_MAX	(2 << 20)
#define CADES_TOKEN_MAX	(512 << 10)
#define CADES_LISTS_MAX	8

struct cades_added {			/* spans borrow */
	struct span	token;		/* empty: level B */
	uint8_t		n_certificates, n_crls;
	struct span	certificate[CADES_LISTS_MAX], crl[CADES_LISTS_MAX];
};
/* What a time-stamp of it is over: SHA-256 of the signature value. */
MUST_USE enum rc cades_imprint(struct span signature, uint8_t ret[SHA256_BYTES], struct err *err);
/*
 * A signature of level B with these added: T with a token, LT with lists as well. The signer's
 * certificate may be among them. RC_VERIFY: the token is over something else. RC_FORMAT: lists without
 * a token, or something that is not DER. RC_USAGE: not level B.
 */
MUST_USE enum rc cades_add(struct span signature, const struct cades_added *added, struct buf *out, struct err *err);

/* Appends the DER. RC_USAGE: the key is not P-256 or not the certificate's. RC_IO: it did not sign. */
MUST_USE enum rc cades_sign(EVP_PKEY *key, struct span certificate, struct span content, when signed_at,
    struct buf *out, struct err *err);
/*
 * RC_FORMAT: not this form, for this certificate and time. RC_VERIFY: the signature fails.
 * ret_added (may be NULL): what was added; spans into `signature`. Is the token one over
 * cades_imprint(), and by whom? That is timestamp_verify()'s.
 */
MUST_USE enum rc cades_verify(struct span certificate, struct span content, when signed_at,
    struct span signature, struct cades_added *ret_added, struct err *err);
/*
 * Is no byte free of what was added, that neither the signature nor the token covers (package-v1
 * section 6)? by: certificates that are trusted, and others to check it by. RC_FORMAT when not. For
 * level B it is so.
 */
MUST_USE enum rc cades_exact(struct span certificate, const struct cades_added *added, const struct span *by,
    size_t n_by, struct err *err);

/*
 * The lists that stand beside the token, for its check; they may be of the package
 * certificate's issuer alone. Not the certificates: a token carries its own, and its signer's
 * must not be found elsewhere. ret keeps its roots; it borrows from `a`.
 */
void	 cades_beside(const struct cades_added *a, struct timestamp_trust *ret);

#endif

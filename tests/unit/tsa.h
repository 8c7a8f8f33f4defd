/*
 * tests/unit/tsa.h - time-stamping authorities of our own making, good and bad.
 */
#ifndef TESTS_TSA_H
#define TESTS_TSA_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/bytes.h"
#include "base/when.h"

#define TSA_NOW	UINT64_C(1800000000)	/* around which they live: a day before, a year after */

struct tsa_party {
	EVP_PKEY	*key;
	X509		*cert;
	uint8_t		 der[2048];	/* the certificate */
	size_t		 n;
};

enum tsa_eku { TSA_EKU, TSA_EKU_NONE, TSA_EKU_NOT_CRITICAL, TSA_EKU_OTHER, TSA_EKU_SHA1 /* a good one, signed over SHA-1 */ };

/* issuer NULL: self-signed, a CA. Days from TSA_NOW. */
void	 tsa_party_new(struct tsa_party *p, const char *name, const struct tsa_party *issuer, bool ca,
    enum tsa_eku eku, long serial, int from_day, int to_day);
void	 tsa_party_done(struct tsa_party *p);
struct span tsa_cert(const struct tsa_party *p);

/* revoked 0: none. reason -1: not said. Times as offsets in seconds from TSA_NOW. */
void	 tsa_crl(const struct tsa_party *ca, long revoked, long at, int reason, long from, long to, struct buf *out);

/* Names nobody that is here, n times: some 20 bytes each. */
void	 tsa_crl_long(const struct tsa_party *ca, unsigned n, struct buf *out);

struct tsa_how {
	const char	*signed_over;	/* NULL: sha256 */
	const char	*ess;		/* NULL: sha256; "sha1": signing-certificate v1 */
	when		 time;		/* 0: TSA_NOW */
	bool		 refuse;
};
/* The response to a query; chain may be NULL: it goes into the token beside the signer. */
void	 tsa_answer(const struct tsa_party *tsa, const struct tsa_party *chain, const struct tsa_how *how,
    struct span query, struct buf *out);

/*
 * The statement of a good token, signed anew as no honest TSA would: by a certificate that
 * is not for it, without ESS, over SHA-1, by two, as something else.
 */
struct tsa_forgery {
	bool			 no_ess, other_content, no_certs;
	const char		*digest;	/* NULL: sha256 */
	const struct tsa_party	*also;		/* a second signer */
};
void	 tsa_forge(struct span token, const struct tsa_party *by, const struct tsa_forgery *how, struct buf *out);

#endif

/*
 * policy/cert.c - see policy/cert.h.
 */
#include <limits.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/auto.h"
#include "base/libcrypto.h"
#include "policy/cert.h"

DEFINE_AUTO(X509_free, X509);

static enum cert_kind
kind_of(EVP_PKEY *key)
{
	char	group[32];
	size_t	n;
	int	bits;

	if (key == NULL)
		return CERT_OTHER;
	if (EVP_PKEY_is_a(key, "EC")) {
		if (EVP_PKEY_get_group_name(key, group, sizeof(group), &n) != 1)
			return CERT_OTHER;
		if (strcmp(group, "prime256v1") == 0)
			return CERT_EC_P256;
		return strcmp(group, "secp384r1") == 0 ? CERT_EC_P384 : CERT_OTHER;
	}
	bits = EVP_PKEY_get_bits(key);
	if (EVP_PKEY_is_a(key, "RSA") && bits >= CERT_RSA_BITS_MIN &&
	    bits <= CERT_RSA_BITS_MAX)
		return CERT_RSA;
	return CERT_OTHER;
}

enum rc
cert_check(struct span der, enum cert_kind *ret_kind,
    uint8_t ret_key_bits[SHA256_BYTES], struct err *err)
{
	AUTO(X509_free) X509 *x = NULL;
	const unsigned char	*p = der.p;
	const ASN1_BIT_STRING	*bits;

	libcrypto_begin();
	if (der.n == 0 || der.n > LONG_MAX ||
	    (x = d2i_X509(NULL, &p, (long)der.n)) == NULL)
		return err_set(err, libcrypto_failed(RC_FORMAT),
		    "certificate: not an X.509 certificate in DER");
	if (p != der.p + der.n)
		return err_set(err, RC_FORMAT, "certificate: bytes after its end");
	if ((bits = X509_get0_pubkey_bitstr(x)) == NULL)
		return err_set(err, RC_FORMAT, "certificate: no public key");
	*ret_kind = kind_of(X509_get0_pubkey(x));
	/* A key that could not be read for want of memory is not one of another kind. */
	if (*ret_kind == CERT_OTHER && libcrypto_failed(RC_OK) != RC_OK)
		return err_set(err, RC_NOMEM, "certificate: no memory");
	sha256_one(ret_key_bits, SPAN(ASN1_STRING_get0_data(bits),
	    (size_t)ASN1_STRING_length(bits)));
	return RC_OK;
}

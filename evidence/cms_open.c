/* Reading CMS: cms-profile-v1 section 4. */
#include <limits.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>

#include "base/libcrypto.h"
#include "evidence/cms_parts.h"

#define UNUSED_BITS	0x07	/* of the flags of an ASN1_BIT_STRING */

DEFINE_AUTO(BIO_free_all, BIO);
DEFINE_AUTO(RSA_OAEP_PARAMS_free, RSA_OAEP_PARAMS);
DEFINE_AUTO(X509_ALGOR_free, X509_ALGOR);

/* --- is it a message of the profile? ------------------------------------ */

static int
nid_of(const X509_ALGOR *alg)
{
	const ASN1_OBJECT *oid;

	if (alg == NULL)
		return NID_undef;
	X509_ALGOR_get0(&oid, NULL, NULL, alg);
	return OBJ_obj2nid(oid);
}

/* The parameters of alg are a DER sequence: where it is. */
static bool
parameters(const X509_ALGOR *alg, const unsigned char **p, long *n)
{
	const ASN1_STRING	*seq;
	const void		*value;
	int			 type;

	X509_ALGOR_get0(NULL, &type, &value, alg);
	if (type != V_ASN1_SEQUENCE)
		return false;
	seq = value;
	*p = ASN1_STRING_get0_data(seq);
	*n = ASN1_STRING_length(seq);
	return true;
}

static bool
is_oaep_sha256(const X509_ALGOR *alg)
{
	AUTO(RSA_OAEP_PARAMS_free) RSA_OAEP_PARAMS *oaep = NULL;
	AUTO(X509_ALGOR_free) X509_ALGOR *mgf_hash = NULL;
	const unsigned char	*p;
	long			 n;

	if (nid_of(alg) != NID_rsaesOaep || !parameters(alg, &p, &n) ||
	    (oaep = d2i_RSA_OAEP_PARAMS(NULL, &p, n)) == NULL ||
	    nid_of(oaep->hashFunc) != NID_sha256 || nid_of(oaep->maskGenFunc) != NID_mgf1 ||
	    oaep->pSourceFunc != NULL || !parameters(oaep->maskGenFunc, &p, &n))
		return false;
	mgf_hash = d2i_X509_ALGOR(NULL, &p, n);
	return nid_of(mgf_hash) == NID_sha256;
}

static bool
is_ecdh_sha2(const X509_ALGOR *alg)
{
	AUTO(X509_ALGOR_free) X509_ALGOR *wrap = NULL;
	const unsigned char	*p;
	long			 n;
	int			 nid = nid_of(alg);

	/* We write the first; `openssl cms` takes the other for P-384. */
	if (nid != NID_dhSinglePass_stdDH_sha256kdf_scheme &&
	    nid != NID_dhSinglePass_stdDH_sha384kdf_scheme)
		return false;
	if (!parameters(alg, &p, &n))
		return false;
	wrap = d2i_X509_ALGOR(NULL, &p, n);
	return nid_of(wrap) == NID_id_aes256_wrap;
}

/* Exactly one message in DER: written again, it is the same bytes. */
static enum rc
parse(struct span der, CMS_ContentInfo **ret, struct err *err)
{
	AUTO(CMS_ContentInfo_free) CMS_ContentInfo *cms = NULL;
	AUTO(openssl_bytes_free) unsigned char *again = NULL;
	const unsigned char	*p = der.p;
	int			 n;

	if (der.n == 0 || der.n > CMS_BYTES_MAX)
		return err_set(err, RC_FORMAT, "cms: %zu bytes, at most %d", der.n, CMS_BYTES_MAX);
	TRY(cms_shape(der, err));
	if ((cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.n)) == NULL)
		return cms_fail(err, RC_FORMAT, "not a message");
	n = i2d_CMS_ContentInfo(cms, &again);
	if (n <= 0 || (size_t)n != der.n || memcmp(again, der.p, der.n) != 0)
		return cms_fail(err, RC_FORMAT, "not DER");
	*ret = TAKE(cms);
	return RC_OK;
}

/*
 * libcrypto's comparison of names passes over case and spaces; a message that
 * names its recipient by issuer must have the certificate's own bytes.
 */
static bool
same_issuer(X509_NAME *issuer, X509 *cert)
{
	const unsigned char	*a, *b;
	size_t			 n_a, n_b;

	if (issuer == NULL)		/* named by its key identifier */
		return true;
	return X509_NAME_get0_der(issuer, &a, &n_a) == 1 &&
	    X509_NAME_get0_der(X509_get_issuer_name(cert), &b, &n_b) == 1 &&
	    n_a == n_b && memcmp(a, b, n_a) == 0;
}

static enum rc
check_transport(CMS_RecipientInfo *ri, X509 *cert, struct err *err)
{
	X509_ALGOR	*alg = NULL;
	X509_NAME	*issuer = NULL;

	if (CMS_RecipientInfo_ktri_get0_algs(ri, NULL, NULL, &alg) != 1 || !is_oaep_sha256(alg))
		return cms_fail(err, RC_FORMAT, "the key is not sent by RSA-OAEP with SHA-256");
	if (CMS_RecipientInfo_ktri_cert_cmp(ri, cert) != 0 ||
	    CMS_RecipientInfo_ktri_get0_signer_id(ri, NULL, &issuer, NULL) != 1 ||
	    !same_issuer(issuer, cert))
		return cms_fail(err, RC_DENIED, "addressed to another certificate");
	return RC_OK;
}

/*
 * The sender's ephemeral key is an uncompressed point in whole bytes. libcrypto
 * reads hybrid points too, and bit strings that leave zero bits out.
 */
static bool
is_plain_point(CMS_RecipientInfo *ri)
{
	ASN1_BIT_STRING *point = NULL;

	return CMS_RecipientInfo_kari_get0_orig_id(ri, NULL, &point, NULL, NULL, NULL) == 1 &&
	    point != NULL && (point->flags & UNUSED_BITS) == 0 &&
	    ASN1_STRING_length(point) > 0 && ASN1_STRING_get0_data(point)[0] == 4;
}

static enum rc
check_agreement(CMS_RecipientInfo *ri, X509 *cert, struct err *err)
{
	STACK_OF(CMS_RecipientEncryptedKey) *reks;
	CMS_RecipientEncryptedKey *rek;
	X509_ALGOR		*alg = NULL;
	X509_NAME		*issuer = NULL;

	if (CMS_RecipientInfo_kari_get0_alg(ri, &alg, NULL) != 1 || !is_ecdh_sha2(alg))
		return cms_fail(err, RC_FORMAT, "the key is not agreed by ECDH with SHA-256 "
		    "and wrapped by AES-256");
	if (!is_plain_point(ri))
		return cms_fail(err, RC_FORMAT, "the sender's key is not an uncompressed point");
	reks = CMS_RecipientInfo_kari_get0_reks(ri);
	if (sk_CMS_RecipientEncryptedKey_num(reks) != 1)
		return cms_fail(err, RC_FORMAT, "not exactly one recipient");
	rek = sk_CMS_RecipientEncryptedKey_value(reks, 0);
	if (CMS_RecipientEncryptedKey_cert_cmp(rek, cert) != 0 ||
	    CMS_RecipientEncryptedKey_get0_id(rek, NULL, NULL, NULL, &issuer, NULL) != 1 ||
	    !same_issuer(issuer, cert))
		return cms_fail(err, RC_DENIED, "addressed to another certificate");
	return RC_OK;
}

static enum rc
check_recipient(CMS_ContentInfo *cms, X509 *cert, struct err *err)
{
	/* cms_shape() has seen that there is exactly one. */
	CMS_RecipientInfo *ri = sk_CMS_RecipientInfo_value(CMS_get0_RecipientInfos(cms), 0);

	if (CMS_RecipientInfo_type(ri) == CMS_RECIPINFO_TRANS)
		return check_transport(ri, cert, err);
	return check_agreement(ri, cert, err);
}

enum rc
cms_addressed_to(struct span cert_der, struct span der, struct err *err)
{
	AUTO(X509_free) X509 *cert = NULL;
	AUTO(CMS_ContentInfo_free) CMS_ContentInfo *cms = NULL;

	TRY(cms_certificate(cert_der, &cert, err));
	TRY(parse(der, &cms, err));
	return check_recipient(cms, cert, err);
}

/* --- opening ------------------------------------------------------------ */

/* Straight from the cipher into locked memory; good only if the tag is. */
static bool
decrypt(CMS_ContentInfo *cms, struct secret *plain, size_t *ret_n)
{
	AUTO(BIO_free_all) BIO *content = CMS_dataInit(cms, NULL);
	size_t	n = 0;
	int	got;

	if (content == NULL)
		return false;
	while (n < secret_len(plain) && (got = BIO_read(content, secret_bytes(plain) + n,
	    (int)(secret_len(plain) - n))) > 0)
		n += (size_t)got;
	if (n == 0 || n == secret_len(plain) || BIO_get_cipher_status(content) != 1)
		return false;
	*ret_n = n;
	return true;
}

/* That a message does not open and that the token of the key is gone must not look alike: the first is its sender's fault. */
static enum rc
does_not_open(const EVP_PKEY *key, struct err *err)
{
	const struct err	*fault = libcrypto_key_fault(key);

	if (fault == NULL || fault->rc == RC_OK)
		return cms_fail(err, RC_VERIFY, "does not open with this key");
	ERR_clear_error();
	return err_set(err, fault->rc == RC_NOMEM ? RC_NOMEM : RC_IO, "cms: the key could not be used: %.150s", fault->msg);
}

enum rc
cms_open(EVP_PKEY *key, struct span cert_der, struct span der, struct secret **ret,
    struct err *err)
{
	struct err	*fault = libcrypto_key_fault(key);
	AUTO(X509_free) X509 *cert = NULL;
	AUTO(CMS_ContentInfo_free) CMS_ContentInfo *cms = NULL;
	AUTO(secret_free) struct secret *plain = NULL, *exact = NULL;
	size_t	n = 0;

	TRY(cms_certificate(cert_der, &cert, err));
	TRY(parse(der, &cms, err));
	TRY(check_recipient(cms, cert, err));
	/* The message is longer than what is in it: the last byte stays free. */
	if ((plain = secret_new(der.n)) == NULL)
		return err_set(err, RC_NOMEM, "cms: no memory");
	if (fault != NULL)
		fault->rc = RC_OK;
	/* A failed RSA key becomes a random one, which fails at the tag: look for the reason there, too. */
	if (CMS_decrypt_set1_pkey(cms, key, cert) != 1 || !decrypt(cms, plain, &n))
		return does_not_open(key, err);
	if ((exact = secret_new(n)) == NULL)
		return err_set(err, RC_NOMEM, "cms: no memory");
	memcpy(secret_bytes(exact), secret_view(plain), n);
	*ret = TAKE(exact);
	ERR_clear_error();
	return RC_OK;
}

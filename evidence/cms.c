/* Writing CMS, and what reading and writing share: cms-profile-v1 sections 2 and 3. */
#include <limits.h>
#include <string.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/libcrypto.h"
#include "evidence/cms.h"
#include "evidence/cms_parts.h"
#include "policy/cert.h"

DEFINE_AUTO(BIO_free_all, BIO);
DEFINE_AUTO(ASN1_INTEGER_free, ASN1_INTEGER);

enum rc
cms_fail(struct err *err, enum rc rc, const char *words)
{
	rc = libcrypto_failed(rc);
	ERR_clear_error();		/* its queue may name what it should not */
	return err_set(err, rc, "cms: %s", rc == RC_NOMEM ? "no memory" : words);
}

enum rc
cms_recipient_check(struct span cert_der, struct err *err)
{
	uint8_t		digest[SHA256_BYTES];
	enum cert_kind	kind;

	if (cert_der.n > CMS_CERT_MAX)
		return err_set(err, RC_FORMAT, "certificate: %zu bytes, at most %d",
		    cert_der.n, CMS_CERT_MAX);
	TRY(cert_check(cert_der, &kind, digest, err));
	if (kind == CERT_OTHER)
		return err_set(err, RC_FORMAT, "certificate: its key cannot receive: "
		    "make an EC P-256, EC P-384 or RSA (2048 bits or more) one");
	return RC_OK;
}

enum rc
cms_certificate(struct span cert_der, X509 **ret, struct err *err)
{
	const unsigned char *p = cert_der.p;

	libcrypto_begin();
	TRY(cms_recipient_check(cert_der, err));
	if ((*ret = d2i_X509(NULL, &p, (long)cert_der.n)) == NULL)
		return cms_fail(err, RC_NOMEM, "no memory");
	return RC_OK;
}

/* --- sealing ------------------------------------------------------------ */

/* OpenSSL's defaults are SHA-1 in both: every parameter is said. */
static bool
set_agreement(CMS_RecipientInfo *ri)
{
	EVP_PKEY_CTX	*key = CMS_RecipientInfo_get0_pkey_ctx(ri);
	EVP_CIPHER_CTX	*wrap = CMS_RecipientInfo_kari_get0_ctx(ri);

	return key != NULL && wrap != NULL &&
	    EVP_PKEY_CTX_ctrl_str(key, "ecdh_kdf_md", "sha256") > 0 &&
	    EVP_EncryptInit_ex(wrap, EVP_aes_256_wrap(), NULL, NULL, NULL) == 1;
}

static bool
set_transport(CMS_RecipientInfo *ri)
{
	EVP_PKEY_CTX *key = CMS_RecipientInfo_get0_pkey_ctx(ri);

	return key != NULL &&
	    EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_OAEP_PADDING) > 0 &&
	    EVP_PKEY_CTX_set_rsa_oaep_md(key, EVP_sha256()) > 0 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md(key, EVP_sha256()) > 0;
}

static bool
add_recipient(CMS_ContentInfo *cms, X509 *cert)
{
	CMS_RecipientInfo *ri = CMS_add1_recipient_cert(cms, cert, CMS_KEY_PARAM);

	if (ri == NULL)
		return false;
	return CMS_RecipientInfo_type(ri) == CMS_RECIPINFO_AGREE ?
	    set_agreement(ri) : set_transport(ri);
}

/*
 * Straight into the cipher: CMS_final() would pass the plaintext through
 * buffers that nobody wipes.
 */
static bool
encrypt(CMS_ContentInfo *cms, struct span plain)
{
	AUTO(BIO_free_all) BIO *content = CMS_dataInit(cms, NULL);

	return content != NULL &&
	    BIO_write(content, plain.p, (int)plain.n) == (int)plain.n &&
	    BIO_flush(content) == 1 && CMS_dataFinal(cms, content) == 1;
}

enum rc
cms_seal(struct span cert_der, struct span plain, struct buf *der, struct err *err)
{
	AUTO(X509_free) X509 *cert = NULL;
	AUTO(CMS_ContentInfo_free) CMS_ContentInfo *cms = NULL;
	AUTO(openssl_bytes_free) unsigned char *out = NULL;
	int	n;

	if (plain.n == 0 || plain.n > CMS_PLAIN_MAX)
		return err_set(err, RC_LIMIT, "cms: %zu bytes to seal, 1 to %d are possible",
		    plain.n, CMS_PLAIN_MAX);
	TRY(cms_certificate(cert_der, &cert, err));
	cms = CMS_AuthEnvelopedData_create(EVP_aes_256_gcm());
	if (cms == NULL || CMS_set_detached(cms, 0) != 1 || !add_recipient(cms, cert) ||
	    !encrypt(cms, plain))
		return cms_fail(err, RC_BUG, "libcrypto cannot seal to this certificate");
	if ((n = i2d_CMS_ContentInfo(cms, &out)) <= 0)
		return cms_fail(err, RC_NOMEM, "no memory");
	buf_add(der, out, (size_t)n);
	return buf_check(der, "cms message", err);
}

/* --- a certificate for one order ---------------------------------------- */

static bool
set_serial(X509 *x)
{
	AUTO(ASN1_INTEGER_free) ASN1_INTEGER *serial = NULL;
	BIGNUM	*bn = BN_new();
	bool	 ok;

	ok = bn != NULL && BN_rand(bn, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
	    (serial = BN_to_ASN1_INTEGER(bn, NULL)) != NULL &&
	    X509_set_serialNumber(x, serial) == 1;
	BN_free(bn);
	return ok;
}

static bool
add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION	*e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool		 ok = e != NULL && X509_add_ext(x, e, -1) == 1;

	X509_EXTENSION_free(e);
	return ok;
}

static bool
fill_certificate(X509 *x, EVP_PKEY *key, const char *common_name, when now, uint64_t life)
{
	X509_NAME *name = X509_get_subject_name(x);	/* owned by x */

	return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
	    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)now) != NULL &&
	    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(now + life)) != NULL &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	    (const unsigned char *)common_name, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, key) == 1 &&
	    add_extension(x, NID_key_usage, "critical,keyAgreement") &&
	    X509_sign(x, key, EVP_sha256()) > 0;
}

enum rc
cms_addressee_new(const char *common_name, when now, uint64_t life, EVP_PKEY **ret_key,
    struct buf *cert_der, struct err *err)
{
	AUTO(EVP_PKEY_free) EVP_PKEY *key = NULL;
	AUTO(X509_free) X509 *x = NULL;
	AUTO(openssl_bytes_free) unsigned char *out = NULL;
	int	n;

	if (now > WHEN_MAX || life > WHEN_MAX - now)
		return err_set(err, RC_FORMAT, "certificate: ends after year 9999");
	libcrypto_begin();
	if ((key = EVP_EC_gen("P-256")) == NULL || (x = X509_new()) == NULL || !fill_certificate(x, key, common_name, now, life))
		return cms_fail(err, RC_BUG, "libcrypto cannot make a P-256 certificate");
	if ((n = i2d_X509(x, &out)) <= 0)
		return cms_fail(err, RC_NOMEM, "no memory");
	buf_add(cert_der, out, (size_t)n);
	TRY(buf_check(cert_der, "certificate", err));
	*ret_key = TAKE(key);
	return RC_OK;
}

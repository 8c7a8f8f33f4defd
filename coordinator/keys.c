/* coordinator/keys.c - log key and package key, in the token. */
#include <openssl/bn.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <string.h>

#include "coordinator/keys.h"
#include "hsm/hsm.h"

#define CERTIFICATE_DAYS	3650L

DEFINE_AUTO(X509_free, X509);
DEFINE_AUTO(X509_EXTENSION_free, X509_EXTENSION);
DEFINE_AUTO(BN_free, BIGNUM);

/* Of a key by label: the one that is there, else a new one. */
static enum rc
find_or_generate(struct hsm *h, const char *label, enum hsm_kind kind,
    struct hsm_key **ret, struct err *err)
{
	enum rc	rc = hsm_key_find_label(h, label, kind, ret, err);

	if (rc != RC_MISSING)
		return rc;
	return hsm_key_generate(h, kind, label, ret, err);
}

static enum rc
sealed_path(const struct coordinator *c, char path[FILE_PATH_MAX], struct err *err)
{
	return file_path(path, err, "%s/log-key.sealed", c->dir);
}

/* Opens what is there; `sealed` is the file's content, empty when there is none. */
static enum rc
open_log_key(struct coordinator *c, struct err *err)
{
	AUTO_DONE(buf_done) struct buf sealed = BUF_INIT(HSM_SEALED_SEED_BYTES + 1);
	char	path[FILE_PATH_MAX];

	TRY(sealed_path(c, path, err));
	if (file_exists(path)) {
		TRY(file_read(path, &sealed, err));
		TRY(hsm_key_find_label(c->hsm, LABEL_SEALER, HSM_SHARE,
		    &c->log_sealer, err));
	}
	return hsm_signer_open(c->hsm, LABEL_LOG, c->log_sealer,
	    buf_view(&sealed), &c->log_signer, err);
}

/* Where the token cannot sign Ed25519, the seed is sealed by a key of the token. */
static enum rc
create_log_key(struct coordinator *c, bool in_token, struct err *err)
{
	AUTO_DONE(buf_done) struct buf sealed = BUF_INIT(HSM_SEALED_SEED_BYTES);
	char	path[FILE_PATH_MAX];

	if (!in_token)
		TRY(find_or_generate(c->hsm, LABEL_SEALER, HSM_SHARE,
		    &c->log_sealer, err));
	TRY(hsm_signer_create(c->hsm, LABEL_LOG, c->log_sealer, &sealed,
	    &c->log_signer, err));
	if (sealed.n == 0)
		return RC_OK;
	TRY(sealed_path(c, path, err));
	return file_create(path, buf_view(&sealed), 0600, err);
}

static enum rc
use_package_key(struct coordinator *c, struct err *err)
{
	return hsm_evp_pkey(c->package_key, &c->package_pkey, err);
}

enum rc
keys_make(struct coordinator *c, struct err *err)
{
	AUTO_DONE(buf_done) struct buf report = BUF_INIT(16 << 10);
	struct hsm_probe	probe;
	enum rc			rc;

	TRY(token_open(&c->config.token, c->dir, &c->hsm, err));
	TRY(hsm_probe(c->hsm, NULL, &probe, &report, err));
	if (!probe.ecdsa || (!probe.eddsa && !probe.ecdh))
		return err_set(err, RC_DENIED, "this token cannot hold the keys of a "
		    "coordinator: %.200s", buf_text(&report));
	if (probe.extracted)
		log_line("warning: private keys can be taken out of this token: %s",
		    buf_text(&report));
	rc = open_log_key(c, err);
	if (rc == RC_MISSING)
		rc = create_log_key(c, probe.eddsa, err);
	TRY(rc);
	TRY(find_or_generate(c->hsm, LABEL_PACKAGE, HSM_SIGN_P256,
	    &c->package_key, err));
	c->log = hsm_as_signer(c->log_signer);
	return use_package_key(c, err);
}

enum rc
keys_open(struct coordinator *c, struct err *err)
{
	TRY(token_open(&c->config.token, c->dir, &c->hsm, err));
	TRY(open_log_key(c, err));
	TRY(hsm_key_find_label(c->hsm, LABEL_PACKAGE, HSM_SIGN_P256,
	    &c->package_key, err));
	c->log = hsm_as_signer(c->log_signer);
	return use_package_key(c, err);
}

void
keys_close(struct coordinator *c)
{
	EVP_PKEY_free(c->package_pkey);
	hsm_key_free(c->package_key);
	hsm_signer_free(c->log_signer);
	hsm_key_free(c->log_sealer);
	hsm_close(c->hsm);
	c->package_pkey = NULL;
	c->package_key = NULL;
	c->log_signer = NULL;
	c->log_sealer = NULL;
	c->hsm = NULL;
}

static bool
set_serial(X509 *x)
{
	AUTO(BN_free) BIGNUM *n = BN_new();

	/* RFC 5280 4.1.2.2: positive, at most 20 bytes. */
	return n != NULL &&
	    BN_rand(n, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
	    BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
}

static bool
set_names(X509 *x, const struct config *c)
{
	X509_NAME	*name = X509_get_subject_name(x);
	char		 cn[65];

	/* ub-common-name is 64 characters. */
	(void)snprintf(cn, sizeof(cn), "%.42s evidence packages", c->origin);
	return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
	    (const unsigned char *)c->organisation, -1, -1, 0) == 1 &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	    (const unsigned char *)cn, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(x, name) == 1;
}

static bool
add_extension(X509 *x, int nid, const char *value)
{
	AUTO(X509_EXTENSION_free) X509_EXTENSION *e = NULL;
	X509V3_CTX	ctx;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);	/* the key identifier wants it */
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	return e != NULL && X509_add_ext(x, e, -1) == 1;
}

enum rc
package_certificate_new(struct coordinator *c, struct buf *der, struct err *err)
{
	AUTO(X509_free) X509 *x = X509_new();
	unsigned char	*p = NULL;
	int		 n;

	if (x == NULL || X509_set_version(x, X509_VERSION_3) != 1 ||
	    !set_serial(x) || !set_names(x, &c->config) ||
	    X509_gmtime_adj(X509_getm_notBefore(x), -3600) == NULL ||
	    X509_gmtime_adj(X509_getm_notAfter(x), CERTIFICATE_DAYS * 86400) == NULL ||
	    X509_set_pubkey(x, c->package_pkey) != 1 ||
	    !add_extension(x, NID_basic_constraints, "critical,CA:FALSE") ||
	    !add_extension(x, NID_key_usage, "critical,digitalSignature,nonRepudiation") ||
	    !add_extension(x, NID_subject_key_identifier, "hash"))
		return err_set(err, RC_NOMEM, "package certificate: no memory");
	if (X509_sign(x, c->package_pkey, EVP_sha256()) <= 0)
		return err_set(err, RC_IO,
		    "package certificate: the token did not sign it");
	if ((n = i2d_X509(x, &p)) <= 0)
		return err_set(err, RC_NOMEM, "package certificate: no memory");
	buf_add(der, p, (size_t)n);
	OPENSSL_free(p);
	return buf_check(der, "package certificate", err);
}

enum rc
package_certificate_check(const struct coordinator *c, struct span der, struct err *err)
{
	const unsigned char	*p = der.p;
	AUTO(X509_free) X509 *x = d2i_X509(NULL, &p, (long)der.n);
	EVP_PKEY		*key = x == NULL ? NULL : X509_get0_pubkey(x);

	if (key == NULL || p != der.p + der.n)
		return err_set(err, RC_USAGE, "package.crt: not a certificate");
	if (EVP_PKEY_eq(key, c->package_pkey) != 1)
		return err_set(err, RC_USAGE, "package.crt: is not over the key \"%s\" "
		    "of the token", LABEL_PACKAGE);
	return RC_OK;
}

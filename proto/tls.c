#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "proto/inner.h"

DEFINE_AUTO(X509_free, X509);
DEFINE_AUTO(BIO_free_all, BIO);
DEFINE_AUTO(EVP_PKEY_free, EVP_PKEY);
DEFINE_AUTO(GENERAL_NAMES_free, GENERAL_NAMES);

/* A key behind a password would make OpenSSL ask the terminal. */
static int
no_password(char *buf, int size, int rwflag, void *user)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)user;
	return -1;
}

static enum rc
bad_cert(struct err *err, const char *why)
{
	ERR_clear_error();
	return err_set(err, RC_FORMAT, "TLS certificate: %s", why);
}

/* One certificate; a second one, or anything behind it in DER, is refused. */
static enum rc
cert_parse(struct span in, X509 **ret, struct err *err)
{
	AUTO(X509_free) X509		*cert = NULL, *second = NULL;
	AUTO(BIO_free_all) BIO		*bio = NULL;
	const unsigned char		*p = in.p;

	if (in.n == 0 || in.n > RPC_PEM_MAX)
		return bad_cert(err, "empty or too long");
	if (in.p[0] == 0x30) {
		cert = d2i_X509(NULL, &p, (long)in.n);
		if (cert == NULL || p != in.p + in.n)
			return bad_cert(err, "not DER");
	} else {
		bio = BIO_new_mem_buf(in.p, (int)in.n);
		if (bio == NULL)
			return err_set(err, RC_NOMEM, "TLS certificate: no memory");
		cert = PEM_read_bio_X509(bio, NULL, no_password, NULL);
		if (cert == NULL)
			return bad_cert(err, "neither PEM nor DER");
		second = PEM_read_bio_X509(bio, NULL, no_password, NULL);
		if (second != NULL)
			return bad_cert(err, "more than one");
	}
	ERR_clear_error();
	*ret = TAKE(cert);
	return RC_OK;
}

static enum rc
cert_pin(const X509 *cert, uint8_t ret_pin[RPC_PIN_BYTES], struct err *err)
{
	unsigned char	*der = NULL;
	int		 n = i2d_X509(cert, &der);

	if (n < 0)
		return err_set(err, RC_NOMEM, "TLS certificate: no memory");
	sha256_one(ret_pin, SPAN(der, (size_t)n));
	OPENSSL_free(der);
	return RC_OK;
}

enum rc
rpc_tls_fingerprint(struct span in, uint8_t ret_pin[RPC_PIN_BYTES], struct err *err)
{
	AUTO(X509_free) X509	*cert = NULL;

	TRY(cert_parse(in, &cert, err));
	return cert_pin(cert, ret_pin, err);
}

static bool
name_take(char *out, size_t size, const ASN1_STRING *s)
{
	int			 n = ASN1_STRING_length(s);
	const unsigned char	*p = ASN1_STRING_get0_data(s);

	if (n <= 0 || (size_t)n >= size || p[0] == '*')
		return false;
	plain_text(out, size, SPAN(p, (size_t)n));
	return strchr(out, '?') == NULL;
}

/*
 * The library insists on matching a name, so it is given one that the pinned
 * certificate carries: its first DNS name, or the common name where there is no
 * alternative name at all (that is when the library looks there).
 */
static void
cert_name(const X509 *cert, char *out, size_t size)
{
	AUTO(GENERAL_NAMES_free) GENERAL_NAMES	*names = NULL;
	const X509_NAME				*subject = X509_get_subject_name(cert);
	int					 at;

	out[0] = '\0';
	names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME	*g = sk_GENERAL_NAME_value(names, i);

		if (g->type == GEN_DNS && name_take(out, size, g->d.dNSName))
			return;
	}
	out[0] = '\0';
	if (names != NULL)
		return;
	at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (at < 0 || !name_take(out, size, X509_NAME_ENTRY_get_data(
	    X509_NAME_get_entry(subject, at))))
		out[0] = '\0';
}

static char *
cert_pem(X509 *cert)
{
	AUTO(BIO_free_all) BIO	*bio = BIO_new(BIO_s_mem());
	char			*text, *copy;
	long			 n;

	if (bio == NULL || PEM_write_bio_X509(bio, cert) != 1)
		return NULL;
	n = BIO_get_mem_data(bio, &text);
	copy = malloc((size_t)n + 1);
	if (copy == NULL)
		return NULL;
	memcpy(copy, text, (size_t)n);
	copy[n] = '\0';
	return copy;
}

enum rc
tls_cert_read(struct span in, struct tls_cert *ret, struct err *err)
{
	AUTO(X509_free) X509	*cert = NULL;
	struct tls_cert		 c = { NULL, "", { 0 } };

	TRY(cert_parse(in, &cert, err));
	TRY(cert_pin(cert, c.pin, err));
	cert_name(cert, c.name, sizeof(c.name));
	c.pem = cert_pem(cert);
	if (c.pem == NULL)
		return err_set(err, RC_NOMEM, "TLS certificate: no memory");
	*ret = c;
	return RC_OK;
}

void
tls_cert_done(struct tls_cert *c)
{
	free(c->pem);
	c->pem = NULL;
}

static enum rc
key_parse(struct span pem, EVP_PKEY **ret, struct err *err)
{
	AUTO(BIO_free_all) BIO	*bio = NULL;

	if (pem.n == 0 || pem.n > RPC_PEM_MAX || memchr(pem.p, 0, pem.n) != NULL)
		return err_set(err, RC_FORMAT, "TLS key: not PEM");
	if ((bio = BIO_new_mem_buf(pem.p, (int)pem.n)) == NULL)
		return err_set(err, RC_NOMEM, "TLS key: no memory");
	*ret = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	ERR_clear_error();
	if (*ret == NULL)
		return err_set(err, RC_FORMAT, "TLS key: not an unencrypted PEM key");
	return RC_OK;
}

enum rc
tls_key_read(struct span pem, const struct tls_cert *cert, char ret[TLS_KEY_NAME], struct err *err)
{
	AUTO(EVP_PKEY_free) EVP_PKEY	*key = NULL;
	AUTO(X509_free) X509		*x = NULL;
	bool				 same;

	TRY(key_parse(pem, &key, err));
	TRY(cert_parse(span_str(cert->pem), &x, err));
	same = X509_check_private_key(x, key) == 1;
	ERR_clear_error();
	if (!same)
		return err_set(err, RC_FORMAT, "TLS key: not the certificate's");
	return engine_hold(key, cert->pin, ret, err);
}

/* Once a call, so without reading the certificate: the library just wrote it. */
bool
tls_pin_of_pem(const char *pem, size_t n, uint8_t ret_pin[RPC_PIN_BYTES])
{
	AUTO(BIO_free_all) BIO	*bio = NULL;
	char			*name = NULL, *header = NULL;
	unsigned char		*der = NULL;
	long			 der_n = 0;
	bool			 good;

	if (n == 0 || n > RPC_PEM_MAX)
		return false;
	bio = BIO_new_mem_buf(pem, (int)n);
	good = bio != NULL && PEM_read_bio(bio, &name, &header, &der, &der_n) == 1 &&
	    strcmp(name, PEM_STRING_X509) == 0 && header[0] == '\0' && der_n > 0;
	if (good)
		sha256_one(ret_pin, SPAN(der, (size_t)der_n));
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	ERR_clear_error();
	return good;
}

/* edge/identity.c - TLS identities, tokens of daemons. */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/edge.h"
#include "edge/file.h"

DEFINE_AUTO(EVP_PKEY_free, EVP_PKEY);
DEFINE_AUTO(X509_free, X509);
DEFINE_AUTO(BIO_free_all, BIO);

static enum rc
bio_take(BIO *b, struct buf *out, const char *what, struct err *err)
{
	char	*p;
	long	 n = BIO_get_mem_data(b, &p);

	if (n <= 0)
		return err_set(err, RC_NOMEM, "%s: no memory", what);
	buf_add(out, p, (size_t)n);
	return buf_check(out, what, err);
}

/* A common name has at most 64 characters (RFC 5280, ub-common-name): cut between two of them. */
static int
name_bytes(const char *cn)
{
	size_t	n = strlen(cn);

	if (n <= 64)
		return (int)n;
	for (n = 64; n > 0 && ((unsigned char)cn[n] & 0xc0) == 0x80; n--)
		;
	return (int)n;
}

static bool
certify(X509 *x, EVP_PKEY *key, const char *cn)
{
	X509_NAME	*name = X509_get_subject_name(x);
	uint8_t		 serial[16];
	BIGNUM		*bn;
	bool		 ok;

	if (RAND_bytes(serial, sizeof(serial)) != 1)
		return false;
	serial[0] &= 0x7f;
	serial[0] |= 0x40;	/* RFC 5280 4.1.2.2: positive, and always 16 bytes */
	bn = BN_bin2bn(serial, sizeof(serial), NULL);
	ok = bn != NULL && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) != NULL;
	BN_free(bn);
	return ok && X509_set_version(x, X509_VERSION_3) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(x), -3600) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(x), 3650L * 86400) != NULL &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		(const unsigned char *)cn, name_bytes(cn), -1, 0) == 1 &&
	    X509_set_issuer_name(x, name) == 1 &&
	    X509_set_pubkey(x, key) == 1 &&
	    X509_sign(x, key, EVP_sha256()) > 0;
}

enum rc
tls_identity_new(const char *common_name, struct buf *cert_pem,
    struct secret **ret_key_pem, struct err *err)
{
	AUTO(EVP_PKEY_free) EVP_PKEY *key = EVP_EC_gen("P-256");
	AUTO(X509_free) X509 *x = X509_new();
	AUTO(BIO_free_all) BIO *b = BIO_new(BIO_s_mem()), *k = BIO_new(BIO_s_secmem());
	AUTO(secret_free) struct secret *s = NULL;
	char	*p;
	long	 n;

	if (common_name[0] == '\0')
		return err_set(err, RC_USAGE, "a TLS identity needs a name");
	if (key == NULL || x == NULL || b == NULL || k == NULL ||
	    !certify(x, key, common_name) || PEM_write_bio_X509(b, x) != 1 ||
	    PEM_write_bio_PKCS8PrivateKey(k, key, NULL, NULL, 0, NULL, NULL) != 1)
		return err_set(err, RC_NOMEM, "cannot make a TLS certificate for \"%s\"",
		    common_name);
	TRY(bio_take(b, cert_pem, "TLS certificate", err));
	n = BIO_get_mem_data(k, &p);
	if (n <= 0 || (s = secret_new((size_t)n)) == NULL)
		return err_set(err, RC_NOMEM, "TLS key: no locked memory");
	memcpy(secret_bytes(s), p, (size_t)n);
	*ret_key_pem = TAKE(s);
	return RC_OK;
}

enum rc
pem_to_der(struct span pem, struct buf *der, struct err *err)
{
	AUTO(BIO_free_all) BIO *b = BIO_new_mem_buf(pem.p, (int)pem.n);
	AUTO(X509_free) X509 *x = NULL;
	unsigned char	*out = NULL;
	int		 n;

	if (b == NULL)
		return err_set(err, RC_NOMEM, "certificate: no memory");
	if ((x = PEM_read_bio_X509(b, NULL, NULL, NULL)) == NULL)
		return err_set(err, RC_FORMAT,
		    "not a PEM certificate (-----BEGIN CERTIFICATE-----)");
	if ((n = i2d_X509(x, &out)) <= 0)
		return err_set(err, RC_NOMEM, "certificate: no memory");
	buf_add(der, out, (size_t)n);
	OPENSSL_free(out);
	return buf_check(der, "certificate", err);
}

enum rc
der_to_pem(struct span der, struct buf *pem, struct err *err)
{
	const unsigned char	*p = der.p;
	AUTO(X509_free) X509 *x = d2i_X509(NULL, &p, (long)der.n);
	AUTO(BIO_free_all) BIO *b = BIO_new(BIO_s_mem());

	if (x == NULL || p != der.p + der.n)
		return err_set(err, RC_FORMAT, "not a DER certificate");
	if (b == NULL || PEM_write_bio_X509(b, x) != 1)
		return err_set(err, RC_NOMEM, "certificate: no memory");
	return bio_take(b, pem, "certificate", err);
}

static enum rc
copy_text(char *out, size_t n, const char *in, const char *what, struct err *err)
{
	if (in != NULL && strlen(in) >= n)
		return err_set(err, RC_FORMAT, "token: %s is too long", what);
	(void)snprintf(out, n, "%s", in == NULL ? "" : in);
	return RC_OK;
}

static enum rc
read_places(const json_t *places, struct token_config *c, struct err *err)
{
	const char	*path;
	size_t		 i;

	for (i = 0; i < json_array_size(places); i++) {
		path = json_string_value(json_array_get(places, i));
		if (path == NULL || path[0] != '/')
			return err_set(err, RC_FORMAT, "token: places are paths that begin with a slash");
		TRY(copy_text(c->place[i], sizeof(c->place[i]), path, "a place", err));
	}
	c->n_places = i;
	return RC_OK;
}

enum rc
token_config_parse(const json_t *v, struct token_config *ret, struct err *err)
{
	struct jobj		o = jobj_init(v, "token", err);
	struct token_config	c;
	const char		*module, *args, *uri, *pin;
	const json_t		*places;

	memset(&c, 0, sizeof(c));
	module = jobj_str(&o, "module", 1, sizeof(c.module) - 1);
	args = jobj_str_opt(&o, "module_args", sizeof(c.module_args) - 1);
	uri = jobj_str(&o, "uri", 1, sizeof(c.uri) - 1);
	pin = jobj_str(&o, "pin_file", 1, sizeof(c.pin_file) - 1);
	places = jobj_arr_opt(&o, "places", TOKEN_PLACES_MAX);
	c.accept_extractable = jobj_bool_opt(&o, "accept_extractable", false);
	TRY(jobj_done(&o));
	TRY(read_places(places, &c, err));
	TRY(copy_text(c.module, sizeof(c.module), module, "module", err));
	TRY(copy_text(c.module_args, sizeof(c.module_args), args, "module_args", err));
	TRY(copy_text(c.uri, sizeof(c.uri), uri, "uri", err));
	TRY(copy_text(c.pin_file, sizeof(c.pin_file), pin, "pin_file", err));
	*ret = c;
	return RC_OK;
}

/* All but the unreserved characters are escaped: a label cannot add attributes. */
static enum rc
token_uri(const char *label, char *out, size_t n, struct err *err)
{
	static const char	plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
	size_t			at = (size_t)snprintf(out, n, "pkcs11:token=");

	for (; *label != '\0' && at + 4 < n; label++)
		if (strchr(plain, *label) != NULL)
			out[at++] = *label;
		else
			at += (size_t)snprintf(out + at, n - at, "%%%02X", (unsigned char)*label);
	if (*label != '\0')
		return err_set(err, RC_USAGE, "--token: the label is too long");
	out[at] = '\0';
	return RC_OK;
}

static enum rc
absolute(const char *path, char *out, size_t n, const char *what, struct err *err)
{
	char	*full = realpath(path, NULL);
	enum rc	 rc;

	if (full == NULL)
		return err_set(err, RC_USAGE, "%s: %.150s: no such file", what, path);
	rc = copy_text(out, n, full, what, err);
	free(full);
	return rc;
}

enum rc
token_config_options(const char *module, const char *args, const char *label, const char *uri,
    const char *pin_file, struct token_config *ret, struct err *err)
{
	struct hsm_uri	parsed;

	if ((label == NULL) == (uri == NULL))
		return err_set(err, RC_USAGE, "say which token: --token LABEL, or --uri 'pkcs11:...'");
	TRY(absolute(module, ret->module, sizeof(ret->module), "--module", err));
	TRY(absolute(pin_file, ret->pin_file, sizeof(ret->pin_file), "--pin-file", err));
	TRY(copy_text(ret->module_args, sizeof(ret->module_args), args, "--module-args", err));
	if (label != NULL)
		TRY(token_uri(label, ret->uri, sizeof(ret->uri), err));
	else
		TRY(copy_text(ret->uri, sizeof(ret->uri), uri, "--uri", err));
	return hsm_uri_parse(ret->uri, &parsed, err);
}

enum rc
token_config_places(struct token_config *c, const char *const *place, size_t n, struct err *err)
{
	size_t	i;

	if (n > TOKEN_PLACES_MAX)
		return err_set(err, RC_USAGE, "--token-place: at most %d; name a folder above them", TOKEN_PLACES_MAX);
	for (i = 0; i < n; i++)
		TRY(absolute(place[i], c->place[i], sizeof(c->place[i]), "--token-place", err));
	c->n_places = n;
	return RC_OK;
}

static json_t *
places_json(const struct token_config *c)
{
	json_t	*list = json_array();
	size_t	 i;

	for (i = 0; list != NULL && i < c->n_places; i++)
		if (json_array_append_new(list, json_string(c->place[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

json_t *
token_config_json(const struct token_config *c)
{
	json_t	*o = json_pack("{s:s,s:s,s:s}", "module", c->module, "uri", c->uri,
	    "pin_file", c->pin_file);

	if (o != NULL && c->module_args[0] != '\0' &&
	    json_object_set_new(o, "module_args", json_string(c->module_args)) != 0) {
		json_decref(o);
		return NULL;
	}
	if (o != NULL && c->n_places != 0 && json_object_set_new(o, "places", places_json(c)) != 0) {
		json_decref(o);
		return NULL;
	}
	if (o != NULL && c->accept_extractable &&
	    json_object_set_new(o, "accept_extractable", json_true()) != 0) {
		json_decref(o);
		return NULL;
	}
	return o;
}

enum rc
token_open(const struct token_config *c, const char *dir, struct hsm **ret, struct err *err)
{
	struct hsm_uri		uri;
	struct hsm_config	config = { .path = HSM_PATH_AUTO };
	char			guard[FILE_PATH_MAX];

	TRY(hsm_uri_parse(c->uri, &uri, err));
	TRY(file_path(guard, err, "%s/pin-guard", dir));
	config.module = c->module;
	config.module_args = c->module_args[0] == '\0' ? NULL : c->module_args;
	config.uri = &uri;
	config.pin_file = c->pin_file;
	config.pin_guard = guard;
	return hsm_open(&config, ret, err);
}

/* edge/keyfile.c - a person's key: a PKCS#8 file, or a key in a token. */
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "edge/edge.h"
#include "edge/file.h"

#define KEYFILE_BYTES_MAX	16384

DEFINE_AUTO(EVP_PKEY_free, EVP_PKEY);
DEFINE_AUTO(EVP_MD_CTX_free, EVP_MD_CTX);
DEFINE_AUTO(BIO_free_all, BIO);
DEFINE_AUTO(ECDSA_SIG_free, ECDSA_SIG);

struct keyfile {
	struct signer		 signer;
	EVP_PKEY		*pkey;		/* a file's */
	struct hsm		*hsm;		/* a token's */
	struct hsm_key		*key;
};

struct prompt {
	pin_prompt	 ask;
	void		*user;
	const char	*path;
	struct err	*err;
	bool		 asked;
};

void
keyfile_free(struct keyfile *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->pkey);
	hsm_key_free(k->key);
	hsm_close(k->hsm);
	free(k);
}

const struct signer *
keyfile_signer(const struct keyfile *k)
{
	return &k->signer;
}

/* OpenSSL asks for the passphrase of an encrypted PKCS#8 file here. */
static int
on_passphrase(char *out, int size, int writing, void *user)
{
	struct prompt	*p = user;
	AUTO(secret_free) struct secret *pass = NULL;

	(void)writing;
	p->asked = true;
	if (p->ask == NULL || p->ask(p->user, p->path, &pass, p->err) != RC_OK ||
	    secret_len(pass) > (size_t)size)
		return -1;
	memcpy(out, secret_view(pass), secret_len(pass));
	return (int)secret_len(pass);
}

static enum rc
ecdsa_raw(struct span der, uint8_t ret[KEY_SIG_BYTES], struct err *err)
{
	const unsigned char	*p = der.p;
	AUTO(ECDSA_SIG_free) ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der.n);

	if (sig == NULL ||
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, 32) != 32 ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + 32, 32) != 32)
		return err_set(err, RC_NOMEM, "signature: no memory");
	return RC_OK;
}

static enum rc
file_sign(void *user, struct span message, uint8_t ret[KEY_SIG_BYTES], struct err *err)
{
	struct keyfile	*k = user;
	AUTO(EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool		 ed = k->signer.key.alg == KEY_ED25519;
	uint8_t		 sig[128];
	size_t		 n = sizeof(sig);

	if (ctx == NULL ||
	    EVP_DigestSignInit(ctx, NULL, ed ? NULL : EVP_sha256(), NULL, k->pkey) != 1 ||
	    EVP_DigestSign(ctx, sig, &n, message.p, message.n) != 1)
		return err_set(err, RC_NOMEM, "cannot sign");
	if (!ed)
		return ecdsa_raw(SPAN(sig, n), ret, err);
	memcpy(ret, sig, KEY_SIG_BYTES);
	return RC_OK;
}

static enum rc
token_sign(void *user, struct span message, uint8_t ret[KEY_SIG_BYTES], struct err *err)
{
	struct keyfile	*k = user;

	if (k->signer.key.alg == KEY_ED25519)
		return hsm_sign_ed25519(k->key, message, ret, err);
	return hsm_sign_p256(k->key, message, ret, err);
}

static enum rc
public_of(EVP_PKEY *pkey, const char *path, struct key *ret, struct err *err)
{
	size_t	n = sizeof(ret->bytes);
	char	group[64];

	memset(ret, 0, sizeof(*ret));
	if (EVP_PKEY_is_a(pkey, "ED25519") &&
	    EVP_PKEY_get_raw_public_key(pkey, ret->bytes, &n) == 1 && n == 32) {
		ret->alg = KEY_ED25519;
		ret->n = 32;
		return RC_OK;
	}
	n = sizeof(ret->bytes);
	/* Other curves have 256 bits too. */
	if (EVP_PKEY_is_a(pkey, "EC") &&
	    EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) == 1 && strcmp(group, "prime256v1") == 0 &&
	    EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY,
	    ret->bytes, sizeof(ret->bytes), &n) == 1 && n == 65) {
		ret->alg = KEY_P256;
		ret->n = 65;
		return RC_OK;
	}
	return err_set(err, RC_USAGE,
	    "%s: neither an Ed25519 nor a P-256 key; `quorate keygen` makes one", path);
}

static enum rc
open_file(struct keyfile *k, const char *path, pin_prompt ask, void *user, struct err *err)
{
	AUTO(secret_free) struct secret *pem = NULL;
	AUTO(BIO_free_all) BIO *b = NULL;
	struct prompt	p = { ask, user, path, err, false };

	TRY(file_read_secret(path, KEYFILE_BYTES_MAX, &pem, err));
	b = BIO_new_mem_buf(secret_view(pem), (int)secret_len(pem));
	if (b == NULL)
		return err_set(err, RC_NOMEM, "%s: no memory", path);
	k->pkey = PEM_read_bio_PrivateKey(b, NULL, on_passphrase, &p);
	if (k->pkey == NULL)
		return err_set(err, RC_USAGE, p.asked ?
		    "%s: wrong passphrase, or none could be asked for" :
		    "%s: not a private key in PEM (PKCS#8); `quorate keygen` makes one", path);
	TRY(public_of(k->pkey, path, &k->signer.key, err));
	k->signer.sign = file_sign;
	k->signer.user = k;
	return RC_OK;
}

enum rc
keyfile_token(const char *text, pin_prompt ask, void *user, struct hsm_uri *ret_uri, struct hsm **ret, struct err *err)
{
	AUTO(secret_free) struct secret *pin = NULL;
	struct hsm_config	c = { .path = HSM_PATH_AUTO, .uri = ret_uri };

	TRY(hsm_uri_parse(text, ret_uri, err));
	if (ret_uri->pin_source[0] == '\0') {
		if (ask == NULL)
			return err_set(err, RC_USAGE, "%s: no PIN; add ?pin-source=FILE", text);
		TRY(ask(user, ret_uri->token[0] == '\0' ? "token" : ret_uri->token, &pin, err));
	}
	c.module = ret_uri->module_path[0] != '\0' ? NULL : getenv("QUORATE_PKCS11_MODULE");
	if (ret_uri->module_path[0] == '\0' && c.module == NULL)
		return err_set(err, RC_USAGE,
		    "%s: no PKCS#11 module; add ?module-path=FILE or set QUORATE_PKCS11_MODULE",
		    text);
	c.pin = pin;
	return hsm_open(&c, ret, err);
}

static enum rc
open_token(struct keyfile *k, const char *text, pin_prompt ask, void *user, struct err *err)
{
	struct hsm_uri	uri;
	struct span	pub;

	TRY(keyfile_token(text, ask, user, &uri, &k->hsm, err));
	TRY(hsm_key_find_signing(k->hsm, &uri, &k->key, err));
	pub = hsm_key_public(k->key);
	k->signer.key.alg = hsm_key_kind(k->key) == HSM_SIGN_ED25519 ? KEY_ED25519 : KEY_P256;
	k->signer.key.n = (uint8_t)pub.n;
	memcpy(k->signer.key.bytes, pub.p, pub.n);
	k->signer.sign = token_sign;
	k->signer.user = k;
	return RC_OK;
}

enum rc
keyfile_open(const char *path_or_uri, pin_prompt prompt, void *user,
    struct keyfile **ret, struct err *err)
{
	AUTO(keyfile_free) struct keyfile *k = calloc(1, sizeof(*k));
	enum rc	rc;

	if (k == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	rc = hsm_is_uri(path_or_uri) ? open_token(k, path_or_uri, prompt, user, err) :
	    open_file(k, path_or_uri, prompt, user, err);
	if (rc == RC_MISSING) {
		err->rc = RC_USAGE;	/* what was named is the caller's to mend */
		return RC_USAGE;
	}
	TRY(rc);
	*ret = TAKE(k);
	return RC_OK;
}

enum rc
keyfile_generate(const char *path, struct key *ret_public, struct err *err)
{
	AUTO(EVP_PKEY_free) EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	AUTO(BIO_free_all) BIO *b = BIO_new(BIO_s_secmem());
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(256);
	char		pub[FILE_PATH_MAX], *p;
	long		n;
	enum rc		rc;

	if (pkey == NULL || b == NULL ||
	    PEM_write_bio_PKCS8PrivateKey(b, pkey, NULL, NULL, 0, NULL, NULL) != 1)
		return err_set(err, RC_NOMEM, "cannot make a key");
	TRY(public_of(pkey, path, ret_public, err));
	TRY(file_path(pub, err, "%s.pub", path));
	if (file_exists(pub))
		return err_set(err, RC_USAGE, "%s: exists already; choose another name", pub);
	n = BIO_get_mem_data(b, &p);
	TRY(file_create(path, SPAN(p, (size_t)n), 0600, err));
	key_write(ret_public, &text);
	buf_u8(&text, '\n');
	TRY(buf_check(&text, "public key", err));
	rc = file_create(pub, buf_view(&text), 0644, err);
	if (rc != RC_OK)
		(void)unlink(path);	/* a key that nobody has seen: the next try finds its name free */
	return rc;
}

static enum rc
hsm_signs(void *user, struct span message, uint8_t ret[KEY_SIG_BYTES], struct err *err)
{
	return hsm_signer_sign(user, message, ret, err);
}

struct signer
hsm_as_signer(struct hsm_signer *s)
{
	struct signer	r = { .sign = hsm_signs, .user = s };

	r.key.alg = KEY_ED25519;
	r.key.n = 32;
	memcpy(r.key.bytes, hsm_signer_public(s), 32);
	return r;
}

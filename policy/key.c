/*
 * policy/key.c - see policy/key.h.
 */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sodium.h>

#include "base/libcrypto.h"
#include "policy/key.h"

#define SIG_HALF	(KEY_SIG_BYTES / 2)

DEFINE_AUTO(EVP_PKEY_free, EVP_PKEY);
DEFINE_AUTO(EVP_PKEY_CTX_free, EVP_PKEY_CTX);
DEFINE_AUTO(EVP_MD_CTX_free, EVP_MD_CTX);
DEFINE_AUTO(ECDSA_SIG_free, ECDSA_SIG);
DEFINE_AUTO(BN_free, BIGNUM);

static const struct alg {
	uint8_t		 alg, n;
	const char	*prefix;
} algs[] = {
	{ KEY_ED25519,	32,	"ed25519:" },
	{ KEY_P256,	65,	"p256:" },
};

static const struct alg *
alg_find(uint8_t alg)
{
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
		if (algs[i].alg == alg)
			return &algs[i];
	return NULL;
}

void
key_id(const struct key *k, uint8_t ret[KEY_ID_BYTES])
{
	struct span	parts[2] = { SPAN(&k->alg, 1), SPAN(k->bytes, k->n) };

	sha256(ret, parts, 2);
}

bool
key_eq(const struct key *a, const struct key *b)
{
	return a->alg == b->alg &&
	    span_eq(SPAN(a->bytes, a->n), SPAN(b->bytes, b->n));
}

/* A public key of libcrypto; it refuses a point that is not on the curve. */
static enum rc
p256_public(const uint8_t point[65], EVP_PKEY **ret, struct err *err)
{
	AUTO(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = NULL;
	char		group[] = "prime256v1";
	uint8_t		copy[65];
	OSSL_PARAM	params[3];

	libcrypto_begin();
	memcpy(copy, point, sizeof(copy));
	params[0] = OSSL_PARAM_construct_utf8_string(
	    OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
	params[1] = OSSL_PARAM_construct_octet_string(
	    OSSL_PKEY_PARAM_PUB_KEY, copy, sizeof(copy));
	params[2] = OSSL_PARAM_construct_end();
	if ((ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL)) == NULL ||
	    EVP_PKEY_fromdata_init(ctx) != 1)
		return err_set(err, RC_NOMEM, "P-256 key: no memory");
	if (point[0] != 0x04 ||
	    EVP_PKEY_fromdata(ctx, ret, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return err_set(err, libcrypto_failed(RC_FORMAT),
		    "P-256 key: not a point on the curve");
	return RC_OK;
}

static enum rc
key_check(const struct key *k, struct err *err)
{
	AUTO(EVP_PKEY_free) EVP_PKEY *pkey = NULL;

	if (k->alg == KEY_P256)
		return p256_public(k->bytes, &pkey, err);
	/* Small-order keys verify signatures that nobody made. */
	if (crypto_core_ed25519_is_valid_point(k->bytes) != 1)
		return err_set(err, RC_FORMAT,
		    "Ed25519 key: not a point of the prime-order group");
	return RC_OK;
}

enum rc
key_parse(struct span text, struct key *ret, struct err *err)
{
	struct key	k = { 0 };

	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		size_t	n = strlen(algs[i].prefix);

		if (text.n < n || memcmp(text.p, algs[i].prefix, n) != 0)
			continue;
		k.alg = algs[i].alg;
		k.n = algs[i].n;
		TRY(b64_parse_fixed(k.bytes, k.n,
		    SPAN(text.p + n, text.n - n), err));
		TRY(key_check(&k, err));
		*ret = k;
		return RC_OK;
	}
	return err_set(err, RC_FORMAT,
	    "key: expected \"ed25519:\" or \"p256:\" and base64");
}

void
key_write(const struct key *k, struct buf *out)
{
	const struct alg	*a = alg_find(k->alg);

	buf_span(out, span_str(a == NULL ? "unknown:" : a->prefix));
	b64_write(out, SPAN(k->bytes, k->n));
}

/* r || s as the DER that libcrypto wants; RC_VERIFY when it is none. */
static enum rc
sig_to_der(const uint8_t sig[KEY_SIG_BYTES], uint8_t **ret, int *ret_n,
    struct err *err)
{
	AUTO(ECDSA_SIG_free) ECDSA_SIG *es = ECDSA_SIG_new();
	AUTO(BN_free) BIGNUM *r = BN_bin2bn(sig, SIG_HALF, NULL);
	AUTO(BN_free) BIGNUM *s = BN_bin2bn(sig + SIG_HALF, SIG_HALF, NULL);

	if (es == NULL || r == NULL || s == NULL ||
	    ECDSA_SIG_set0(es, r, s) != 1)
		return err_set(err, RC_NOMEM, "signature: no memory");
	/* Both belong to es now. */
	r = NULL;
	s = NULL;
	if ((*ret_n = i2d_ECDSA_SIG(es, ret)) <= 0)
		return err_set(err, libcrypto_failed(RC_VERIFY),
		    "signature: malformed");
	return RC_OK;
}

static enum rc
verify_p256(const struct key *k, struct span message,
    const uint8_t sig[KEY_SIG_BYTES], struct err *err)
{
	AUTO(EVP_PKEY_free) EVP_PKEY *pkey = NULL;
	AUTO(EVP_MD_CTX_free) EVP_MD_CTX *md = NULL;
	uint8_t	 der[KEY_SIG_BYTES + 16], *p = der;
	int	 n = 0;

	TRY(p256_public(k->bytes, &pkey, err));
	TRY(sig_to_der(sig, &p, &n, err));
	if ((md = EVP_MD_CTX_new()) == NULL ||
	    EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, pkey) != 1)
		return err_set(err, RC_NOMEM, "signature: no memory");
	if (EVP_DigestVerify(md, der, (size_t)n, message.p, message.n) != 1)
		return err_set(err, libcrypto_failed(RC_VERIFY),
		    "signature: does not verify");
	return RC_OK;
}

enum rc
key_verify(const struct key *k, struct span message,
    const uint8_t sig[KEY_SIG_BYTES], struct err *err)
{
	const struct alg	*a = alg_find(k->alg);

	if (a == NULL || a->n != k->n)
		return err_set(err, RC_FORMAT, "key: unknown algorithm %u", k->alg);
	if (k->alg == KEY_P256)
		return verify_p256(k, message, sig, err);
	if (crypto_sign_verify_detached(sig, message.p, message.n, k->bytes) != 0)
		return err_set(err, RC_VERIFY, "signature: does not verify");
	return RC_OK;
}

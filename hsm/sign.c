/* hsm/sign.c - signatures in the token, and the health check that makes one. */
#include "hsm/internal.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <sodium.h>
#include <string.h>

DEFINE_AUTO(BN_free, BIGNUM);
DEFINE_AUTO(EVP_PKEY_free, EVP_PKEY);
DEFINE_AUTO(EVP_PKEY_CTX_free, EVP_PKEY_CTX);
DEFINE_AUTO(ECDSA_SIG_free, ECDSA_SIG);

struct sign {
	CK_MECHANISM_TYPE	 mechanism;
	bool			 always_auth;
	struct span		 in;
	uint8_t			*sig;
	size_t			 n;		/* of sig, no more and no less */
};

static CK_RV
op_sign(struct hsm_call *c, void *arg)
{
	struct sign	*a = arg;
	CK_MECHANISM	 m = { a->mechanism, NULL, 0 };
	CK_ULONG	 n = a->n;
	CK_RV		 rv;

	if ((rv = P11(c, C_SignInit, &m, c->key)) != CKR_OK)
		return rv;
	if (a->always_auth && (rv = hsm_call_login_again(c)) != CKR_OK)
		return rv;
	rv = P11(c, C_Sign, (uint8_t *)(uintptr_t)a->in.p, a->in.n, a->sig, &n);
	if (rv == CKR_OK && n != a->n)
		return RV_NONSENSE;
	return rv;
}

enum rc
hsm_sign_raw(struct hsm_key *k, CK_MECHANISM_TYPE mechanism, struct span in, uint8_t *sig, size_t n, struct err *err)
{
	struct sign	a = { .mechanism = mechanism, .always_auth = k->always_auth, .in = in, .sig = sig, .n = n };
	enum rc		rc = hsm_run(k->h, k, op_sign, &a, NULL, err);

	return rc == RC_OK ? rc : err_wrap(err, rc, "signing with key \"%s\"", k->label);
}

static enum rc
sign(struct hsm_key *k, CK_MECHANISM_TYPE mechanism, struct span in,
    uint8_t ret_sig[HSM_SIGNATURE_BYTES], struct err *err)
{
	uint8_t	sig[HSM_SIGNATURE_BYTES];

	TRY(hsm_sign_raw(k, mechanism, in, sig, sizeof(sig), err));
	memcpy(ret_sig, sig, sizeof(sig));
	return RC_OK;
}

enum rc
hsm_sign_digest(struct hsm_key *k, const uint8_t digest[SHA256_BYTES],
    uint8_t ret_sig[HSM_SIGNATURE_BYTES], struct err *err)
{
	if (k->kind != HSM_SIGN_P256)
		return err_set(err, RC_BUG, "key \"%s\" is not for ECDSA", k->label);
	return sign(k, CKM_ECDSA, SPAN(digest, SHA256_BYTES), ret_sig, err);
}

enum rc
hsm_sign_p256(struct hsm_key *k, struct span msg, uint8_t ret_sig[HSM_SIGNATURE_BYTES],
    struct err *err)
{
	uint8_t	digest[SHA256_BYTES];

	sha256_one(digest, msg);
	return hsm_sign_digest(k, digest, ret_sig, err);
}

enum rc
hsm_sign_ed25519(struct hsm_key *k, struct span msg, uint8_t ret_sig[HSM_SIGNATURE_BYTES],
    struct err *err)
{
	if (k->kind != HSM_SIGN_ED25519)
		return err_set(err, RC_BUG, "key \"%s\" is not for Ed25519", k->label);
	return sign(k, CKM_EDDSA, msg, ret_sig, err);
}

/* ---- health ---- */

static EVP_PKEY *
public_pkey(const struct hsm_key *k)
{
	AUTO(EVP_PKEY_CTX_free) EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY	*key = NULL;
	char		 group[] = "prime256v1";
	OSSL_PARAM	 params[] = {
		OSSL_PARAM_utf8_string("group", group, sizeof(group) - 1),
		OSSL_PARAM_octet_string("pub", (void *)(uintptr_t)k->public, k->public_n),
		OSSL_PARAM_END,
	};

	if (make == NULL || EVP_PKEY_fromdata_init(make) != 1 ||
	    EVP_PKEY_fromdata(make, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return NULL;
	return key;
}

static bool
p256_verifies(const struct hsm_key *k, const uint8_t digest[SHA256_BYTES],
    const uint8_t sig[HSM_SIGNATURE_BYTES])
{
	AUTO(EVP_PKEY_free) EVP_PKEY *key = public_pkey(k);
	AUTO(EVP_PKEY_CTX_free) EVP_PKEY_CTX *check = NULL;
	AUTO(ECDSA_SIG_free) ECDSA_SIG *s = ECDSA_SIG_new();
	AUTO(BN_free) BIGNUM *sr = BN_bin2bn(sig, 32, NULL);
	AUTO(BN_free) BIGNUM *ss = BN_bin2bn(sig + 32, 32, NULL);
	uint8_t		 der[80], *p = der;
	int		 n;

	if (key == NULL || s == NULL || ECDSA_SIG_set0(s, sr, ss) != 1)
		return false;
	sr = ss = NULL;			/* s owns them */
	return (n = i2d_ECDSA_SIG(s, &p)) > 0 &&
	    (check = EVP_PKEY_CTX_new(key, NULL)) != NULL &&
	    EVP_PKEY_verify_init(check) == 1 &&
	    EVP_PKEY_verify(check, der, (size_t)n, digest, SHA256_BYTES) == 1;
}

/* ECDH against a fresh key, both ways round. */
static enum rc
derive_health(struct hsm_key *k, struct err *err)
{
	static const char	 text[] = "quorate/hsm/health/v1";
	struct sealed_context	 c = { .custodian = 1, .epoch = 1 };
	uint8_t			 e[SEALED_POINT_BYTES], sealed[SEALED_SHARE_BYTES];
	AUTO(sealed_key_free) struct sealed_key *key = NULL;
	AUTO(hsm_opener_free) struct hsm_opener *o = NULL;
	AUTO(secret_free) struct secret *in = secret_new(32), *out = secret_new(32);

	if (in == NULL || out == NULL)
		return err_set(err, RC_NOMEM, "health: no locked memory");
	randombytes_buf(secret_bytes(in), 32);
	/* No real genesis has this digest: what is sealed here is nothing else. */
	sha256_one(c.genesis, SPAN(text, sizeof(text) - 1));
	TRY(sealed_key_encapsulate(&c, k->public, e, &key, err));
	TRY(sealed_share_seal(key, 0, c.genesis, secret_view(in), sealed, err));
	TRY(hsm_opener_new(k, &c, e, &o, err));
	TRY(hsm_opener_share(o, 0, c.genesis, sealed, secret_bytes(out), err));
	return secret_eq(in, out) ? RC_OK : err_set(err, RC_IO, "the token derives a wrong key");
}

enum rc
hsm_key_health(struct hsm_key *k, struct err *err)
{
	static const char	text[] = "quorate/hsm/health/v1";
	uint8_t			digest[SHA256_BYTES], sig[HSM_SIGNATURE_BYTES];
	struct span		msg;
	bool			good = false;
	enum rc			rc;

	/* Not a fresh one each time: the key signs nothing that could be taken for a statement. */
	sha256_one(digest, SPAN(text, sizeof(text) - 1));
	msg = SPAN_OF(digest);
	switch (k->kind) {
	case HSM_SHARE:
		/* A wrong answer is the token's fault here, nobody else's. */
		rc = derive_health(k, err);
		return rc == RC_VERIFY || rc == RC_FORMAT ? err_wrap(err, RC_IO, "health") : rc;
	case HSM_SIGN_P256:
		TRY(hsm_sign_digest(k, digest, sig, err));
		good = p256_verifies(k, digest, sig);
		break;
	case HSM_SIGN_ED25519:
		TRY(hsm_sign_ed25519(k, msg, sig, err));
		good = crypto_sign_verify_detached(sig, msg.p, msg.n, k->public) == 0;
		break;
	case HSM_RECIPIENT:	/* proved when it was found, and never a daemon's */
		return err_set(err, RC_BUG, "key \"%s\": a recipient's", k->label);
	}
	return good ? RC_OK : err_set(err, RC_IO, "key \"%s\": the token's signature does not verify",
	    k->label);
}

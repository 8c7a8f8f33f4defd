/*
 * hsm/evp.c - an EVP_PKEY whose signatures are made in the token.
 *
 * An EC_KEY_METHOD, deprecated but without a dependency: the engine for
 * PKCS#11 makes itself the default for everything, and a provider of our own
 * would be ten times the code.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "hsm/internal.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>

DEFINE_AUTO(EC_KEY_free, EC_KEY);
DEFINE_AUTO(EVP_PKEY_free, EVP_PKEY);
DEFINE_AUTO(BN_free, BIGNUM);
DEFINE_AUTO(ECDSA_SIG_free, ECDSA_SIG);

static pthread_once_t	once = PTHREAD_ONCE_INIT;
static EC_KEY_METHOD	*method;	/* of the process; never freed */
static int		 slot = -1;	/* ex_data: the struct hsm_key */

static ECDSA_SIG *
sign_sig(const unsigned char *digest, int n, const BIGNUM *inv, const BIGNUM *r, EC_KEY *ec)
{
	struct hsm_key	*k = EC_KEY_get_ex_data(ec, slot);
	AUTO(ECDSA_SIG_free) ECDSA_SIG *sig = ECDSA_SIG_new();
	AUTO(BN_free) BIGNUM *sr = NULL, *ss = NULL;
	uint8_t		 raw[HSM_SIGNATURE_BYTES];
	struct err	 e;

	(void)inv;
	(void)r;
	if (k == NULL || n != SHA256_BYTES) {
		ERR_raise_data(ERR_LIB_EC, ERR_R_PASSED_INVALID_ARGUMENT, "only SHA-256 is signed");
		return NULL;
	}
	if (hsm_sign_digest(k, digest, raw, &e) != RC_OK) {
		ERR_raise_data(ERR_LIB_EC, ERR_R_OPERATION_FAIL, "%s", e.msg);
		return NULL;
	}
	sr = BN_bin2bn(raw, 32, NULL);
	ss = BN_bin2bn(raw + 32, 32, NULL);
	if (sig == NULL || sr == NULL || ss == NULL || ECDSA_SIG_set0(sig, sr, ss) != 1)
		return NULL;
	sr = ss = NULL;
	return TAKE(sig);
}

static int
sign_der(int type, const unsigned char *digest, int n, unsigned char *out, unsigned int *ret_n,
    const BIGNUM *inv, const BIGNUM *r, EC_KEY *ec)
{
	AUTO(ECDSA_SIG_free) ECDSA_SIG *sig = sign_sig(digest, n, inv, r, ec);
	int	written;

	(void)type;
	if (sig == NULL || (written = i2d_ECDSA_SIG(sig, &out)) <= 0)
		return 0;
	*ret_n = (unsigned int)written;
	return 1;
}

static void
set_up(void)
{
	EC_KEY_METHOD	*m = EC_KEY_METHOD_new(EC_KEY_OpenSSL());

	slot = EC_KEY_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	if (m == NULL || slot < 0)
		return;
	EC_KEY_METHOD_set_sign(m, sign_der, NULL, sign_sig);
	method = m;
}

enum rc
hsm_evp_pkey(struct hsm_key *k, EVP_PKEY **ret, struct err *err)
{
	AUTO(EC_KEY_free) EC_KEY *ec = NULL;
	AUTO(EVP_PKEY_free) EVP_PKEY *p = EVP_PKEY_new();

	if (k->kind != HSM_SIGN_P256)
		return err_set(err, RC_BUG, "key \"%s\" is not for ECDSA", k->label);
	if (pthread_once(&once, set_up) != 0 || method == NULL || p == NULL ||
	    (ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1)) == NULL ||
	    EC_KEY_oct2key(ec, k->public, k->public_n, NULL) != 1 ||
	    EC_KEY_set_method(ec, method) != 1 || EC_KEY_set_ex_data(ec, slot, k) != 1 ||
	    EVP_PKEY_assign_EC_KEY(p, ec) != 1)
		return err_set(err, RC_NOMEM, "key \"%s\": no memory", k->label);
	ec = NULL;			/* p owns it */
	*ret = TAKE(p);
	return RC_OK;
}

/*
 * hsm/evp.c - an EVP_PKEY whose work with the private key is done in the token.
 *
 * An EC_KEY_METHOD and an RSA_METHOD, deprecated but without a dependency: the engine
 * for PKCS#11 makes itself the default for everything, and a provider of our own
 * would be ten times the code.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "hsm/internal.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <string.h>

DEFINE_AUTO(EC_KEY_free, EC_KEY);
DEFINE_AUTO(RSA_free, RSA);
DEFINE_AUTO(EVP_PKEY_free, EVP_PKEY);
DEFINE_AUTO(BN_free, BIGNUM);
DEFINE_AUTO(ECDSA_SIG_free, ECDSA_SIG);

static pthread_once_t	once = PTHREAD_ONCE_INIT;
static EC_KEY_METHOD	*ec_method;	/* of the process; never freed */
static RSA_METHOD	*rsa_method;
static int		 ec_slot = -1, rsa_slot = -1;	/* ex_data: the struct hsm_key */

/* ---- EC ---- */

static size_t
field_bytes(const EC_KEY *ec)
{
	return ((size_t)EC_GROUP_get_degree(EC_KEY_get0_group(ec)) + 7) / 8;
}

static ECDSA_SIG *
sign_sig(const unsigned char *digest, int n, const BIGNUM *inv, const BIGNUM *r, EC_KEY *ec)
{
	struct hsm_key	*k = EC_KEY_get_ex_data(ec, ec_slot);
	AUTO(ECDSA_SIG_free) ECDSA_SIG *sig = ECDSA_SIG_new();
	AUTO(BN_free) BIGNUM *sr = NULL, *ss = NULL;
	size_t		 half = field_bytes(ec);
	uint8_t		 raw[2 * HSM_FIELD_MAX];
	struct err	 e;

	(void)inv;
	(void)r;
	if (k == NULL || n != SHA256_BYTES || half > HSM_FIELD_MAX) {
		ERR_raise_data(ERR_LIB_EC, ERR_R_PASSED_INVALID_ARGUMENT, "only SHA-256 is signed");
		return NULL;
	}
	if (hsm_sign_raw(k, CKM_ECDSA, SPAN(digest, SHA256_BYTES), raw, 2 * half, &e) != RC_OK) {
		hsm_key_failed(k, &e);
		ERR_raise_data(ERR_LIB_EC, ERR_R_OPERATION_FAIL, "%s", e.msg);
		return NULL;
	}
	sr = BN_bin2bn(raw, (int)half, NULL);
	ss = BN_bin2bn(raw + half, (int)half, NULL);
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

/* libcrypto has read the point, and knows it to be on the curve; both have cofactor 1. */
static int
compute_key(unsigned char **ret, size_t *ret_n, const EC_POINT *point, const EC_KEY *ec)
{
	struct hsm_key	*k = EC_KEY_get_ex_data(ec, ec_slot);
	AUTO(secret_free) struct secret *z = NULL;
	uint8_t		 bytes[1 + 2 * HSM_FIELD_MAX];
	size_t		 want = 1 + 2 * field_bytes(ec);
	struct err	 e;

	if (k == NULL || k->kind != HSM_RECIPIENT || want > sizeof(bytes) ||
	    EC_POINT_point2oct(EC_KEY_get0_group(ec), point, POINT_CONVERSION_UNCOMPRESSED, bytes, sizeof(bytes),
	    NULL) != want)
		return 0;
	if (hsm_derive_z(k, SPAN(bytes, want), &z, &e) != RC_OK) {
		hsm_key_failed(k, &e);
		return 0;
	}
	if ((*ret = OPENSSL_malloc(secret_len(z))) == NULL)
		return 0;
	memcpy(*ret, secret_view(z), secret_len(z));
	*ret_n = secret_len(z);
	return 1;
}

/* ---- RSA ---- */

/* The padding is undone by who calls, in constant time: a token gives a block whatever it is. */
static int
rsa_decrypt(int n, const unsigned char *in, unsigned char *out, RSA *rsa, int padding)
{
	struct hsm_key	*k = RSA_get_ex_data(rsa, rsa_slot);
	size_t		 size = (size_t)RSA_size(rsa);
	struct err	 e;

	if (k == NULL || padding != RSA_NO_PADDING || n < 0 || (size_t)n != size || !hsm_rsa_in_range(rsa, in, size))
		return -1;
	if (hsm_decrypt_raw(k, rsa, SPAN(in, size), out, &e) != RC_OK) {
		hsm_key_failed(k, &e);
		return -1;
	}
	return (int)size;
}

/* A DigestInfo, which the token pads. */
static int
rsa_sign(int n, const unsigned char *in, unsigned char *out, RSA *rsa, int padding)
{
	struct hsm_key	*k = RSA_get_ex_data(rsa, rsa_slot);
	size_t		 size = (size_t)RSA_size(rsa);
	struct err	 e;

	if (k == NULL || padding != RSA_PKCS1_PADDING || n < 0)
		return -1;
	if (hsm_sign_raw(k, CKM_RSA_PKCS, SPAN(in, (size_t)n), out, size, &e) != RC_OK) {
		hsm_key_failed(k, &e);
		return -1;
	}
	return (int)size;
}

/* ---- both ---- */

static void
set_up(void)
{
	EC_KEY_METHOD	*ec = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
	RSA_METHOD	*rsa = RSA_meth_dup(RSA_PKCS1_OpenSSL());

	ec_slot = EC_KEY_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	rsa_slot = RSA_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	if (ec == NULL || rsa == NULL || ec_slot < 0 || rsa_slot < 0 || RSA_meth_set1_name(rsa, "token") != 1 ||
	    RSA_meth_set_priv_dec(rsa, rsa_decrypt) != 1 || RSA_meth_set_priv_enc(rsa, rsa_sign) != 1)
		return;
	EC_KEY_METHOD_set_sign(ec, sign_der, NULL, sign_sig);
	EC_KEY_METHOD_set_compute_key(ec, compute_key);
	rsa_method = rsa;
	ec_method = ec;
}

static bool
ready(void)
{
	return pthread_once(&once, set_up) == 0 && ec_method != NULL;
}

enum rc
hsm_evp_ec(struct hsm_key *k, int curve, struct span point, EVP_PKEY **ret, struct err *err)
{
	AUTO(EC_KEY_free) EC_KEY *ec = NULL;
	AUTO(EVP_PKEY_free) EVP_PKEY *p = EVP_PKEY_new();

	if (!ready() || p == NULL || (ec = EC_KEY_new_by_curve_name(curve)) == NULL ||
	    EC_KEY_oct2key(ec, point.p, point.n, NULL) != 1 ||
	    EC_KEY_set_method(ec, ec_method) != 1 || EC_KEY_set_ex_data(ec, ec_slot, k) != 1 ||
	    EVP_PKEY_assign_EC_KEY(p, ec) != 1)
		return err_set(err, RC_NOMEM, "key \"%s\": no memory", k->label);
	ec = NULL;			/* p owns it */
	*ret = TAKE(p);
	return RC_OK;
}

enum rc
hsm_evp_rsa(struct hsm_key *k, const RSA *public, EVP_PKEY **ret, struct err *err)
{
	AUTO(RSA_free) RSA *rsa = NULL;
	AUTO(EVP_PKEY_free) EVP_PKEY *p = EVP_PKEY_new();

	if (!ready() || p == NULL || public == NULL || (rsa = RSAPublicKey_dup(public)) == NULL ||
	    RSA_set_method(rsa, rsa_method) != 1 || RSA_set_ex_data(rsa, rsa_slot, k) != 1 ||
	    EVP_PKEY_assign_RSA(p, rsa) != 1)
		return err_set(err, RC_NOMEM, "key \"%s\": no memory", k->label);
	rsa = NULL;			/* p owns it */
	*ret = TAKE(p);
	return RC_OK;
}

enum rc
hsm_evp_pkey(struct hsm_key *k, EVP_PKEY **ret, struct err *err)
{
	if (k->kind != HSM_SIGN_P256)
		return err_set(err, RC_BUG, "key \"%s\" is not for ECDSA", k->label);
	return hsm_evp_ec(k, NID_X9_62_prime256v1, hsm_key_public(k), ret, err);
}

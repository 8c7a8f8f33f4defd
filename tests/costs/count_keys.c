/* tests/costs/count_keys.c - public-key operations. See count.h. */
#include <openssl/ec.h>
#include <openssl/ssl.h>

#include "tests/costs/count.h"

/* ---- libsodium ------------------------------------------------------------------------------- */

int	crypto_scalarmult_ristretto255(unsigned char *q, const unsigned char *n, const unsigned char *p);
int	crypto_scalarmult_ristretto255_base(unsigned char *q, const unsigned char *n);
int	crypto_core_ristretto255_from_hash(unsigned char *p, const unsigned char *r);
int	crypto_core_ristretto255_is_valid_point(const unsigned char *p);
int	crypto_sign_detached(unsigned char *sig, unsigned long long *len, const unsigned char *m, unsigned long long n,
	    const unsigned char *sk);
int	crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *m, unsigned long long n,
	    const unsigned char *pk);

int
crypto_scalarmult_ristretto255(unsigned char *q, const unsigned char *n, const unsigned char *p)
{
	BEHIND(int, "crypto_scalarmult_ristretto255", (unsigned char *, const unsigned char *, const unsigned char *));
	count("group multiplication", 1);
	return real(q, n, p);
}

int
crypto_scalarmult_ristretto255_base(unsigned char *q, const unsigned char *n)
{
	BEHIND(int, "crypto_scalarmult_ristretto255_base", (unsigned char *, const unsigned char *));
	count("group base multiplication", 1);
	return real(q, n);
}

int
crypto_core_ristretto255_from_hash(unsigned char *p, const unsigned char *r)
{
	BEHIND(int, "crypto_core_ristretto255_from_hash", (unsigned char *, const unsigned char *));
	count("group hash", 1);
	return real(p, r);
}

int
crypto_core_ristretto255_is_valid_point(const unsigned char *p)
{
	BEHIND(int, "crypto_core_ristretto255_is_valid_point", (const unsigned char *));
	count("group decoding", 1);
	return real(p);
}

int
crypto_sign_detached(unsigned char *sig, unsigned long long *len, const unsigned char *m, unsigned long long n,
    const unsigned char *sk)
{
	BEHIND(int, "crypto_sign_detached", (unsigned char *, unsigned long long *, const unsigned char *, unsigned long long,
	    const unsigned char *));
	count("Ed25519 signature", 1);
	return real(sig, len, m, n, sk);
}

int
crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *m, unsigned long long n, const unsigned char *pk)
{
	BEHIND(int, "crypto_sign_verify_detached", (const unsigned char *, const unsigned char *, unsigned long long,
	    const unsigned char *));
	count("Ed25519 verification", 1);
	return real(sig, m, n, pk);
}

/* ---- decaf: any of its multiplications is one ------------------------------------------------- */

#define DECAF(type, name, what, parameters, names, ...)				\
	type	name parameters;						\
	type									\
	name parameters								\
	{									\
		BEHIND(type, #name, parameters);				\
		count(what, 1);							\
		__VA_ARGS__ real names;						\
	}

DECAF(int, decaf_255_point_decode, "group decoding", (void *p, const unsigned char *s, uint64_t identity), (p, s, identity),
    return)
DECAF(void, decaf_255_point_scalarmul, "group multiplication", (void *q, const void *p, const void *n), (q, p, n))
DECAF(int, decaf_255_direct_scalarmul, "group multiplication",
    (unsigned char *q, const unsigned char *p, const void *n, uint64_t identity, uint64_t circuit), (q, p, n, identity, circuit),
    return)
DECAF(void, decaf_255_precomputed_scalarmul, "group base multiplication", (void *q, const void *p, const void *n), (q, p, n))
DECAF(void, decaf_255_base_double_scalarmul_non_secret, "group double multiplication",
    (void *q, const void *a, const void *p, const void *b), (q, a, p, b))
DECAF(void, decaf_255_point_double_scalarmul, "group double multiplication",
    (void *q, const void *p, const void *a, const void *r, const void *b), (q, p, a, r, b))
DECAF(void, decaf_255_point_dual_scalarmul, "group double multiplication",
    (void *q, void *r, const void *p, const void *a, const void *b), (q, r, p, a, b))
DECAF(void, decaf_255_point_from_hash_uniform, "group hash", (void *p, const unsigned char *h), (p, h))
DECAF(void, decaf_255_point_from_hash_nonuniform, "group hash", (void *p, const unsigned char *h), (p, h))

/* ---- OpenSSL: what every EC key does by itself, whoever asked for it ---------------------------- */

static int	(*real_keygen)(EC_KEY *k);
static int	(*real_derive)(unsigned char **out, size_t *n, const EC_POINT *p, const EC_KEY *k);
static int	(*real_sign)(int type, const unsigned char *in, int n, unsigned char *sig, unsigned *len, const BIGNUM *kinv,
		    const BIGNUM *r, EC_KEY *k);
static int	(*real_verify)(int type, const unsigned char *in, int n, const unsigned char *sig, int len, EC_KEY *k);

static int
my_keygen(EC_KEY *k)
{
	count_outside("P-256 key");
	return real_keygen(k);
}

static int
my_derive(unsigned char **out, size_t *n, const EC_POINT *p, const EC_KEY *k)
{
	count_outside("P-256 agreement");
	return real_derive(out, n, p, k);
}

static int
my_sign(int type, const unsigned char *in, int n, unsigned char *sig, unsigned *len, const BIGNUM *kinv, const BIGNUM *r,
    EC_KEY *k)
{
	count_outside("P-256 signature");
	return real_sign(type, in, n, sig, len, kinv, r, k);
}

static int
my_verify(int type, const unsigned char *in, int n, const unsigned char *sig, int len, EC_KEY *k)
{
	count_outside("P-256 verification");
	return real_verify(type, in, n, sig, len, k);
}

void
keys_begin(void)
{
	EC_KEY_METHOD	*m = EC_KEY_METHOD_new(EC_KEY_get_default_method());
	int		(*setup)(EC_KEY *, BN_CTX *, BIGNUM **, BIGNUM **);
	ECDSA_SIG	*(*sig)(const unsigned char *, int, const BIGNUM *, const BIGNUM *, EC_KEY *);
	int		(*check)(const unsigned char *, int, const ECDSA_SIG *, EC_KEY *);

	if (m == NULL)
		abort();
	EC_KEY_METHOD_get_keygen(m, &real_keygen);
	EC_KEY_METHOD_get_compute_key(m, &real_derive);
	EC_KEY_METHOD_get_sign(m, &real_sign, &setup, &sig);
	EC_KEY_METHOD_get_verify(m, &real_verify, &check);
	EC_KEY_METHOD_set_keygen(m, my_keygen);
	EC_KEY_METHOD_set_compute_key(m, my_derive);
	EC_KEY_METHOD_set_sign(m, my_sign, setup, sig);
	EC_KEY_METHOD_set_verify(m, my_verify, check);
	EC_KEY_set_default_method(m);
}

int
EVP_PKEY_encrypt(EVP_PKEY_CTX *c, unsigned char *out, size_t *n, const unsigned char *in, size_t len)
{
	BEHIND(int, "EVP_PKEY_encrypt", (EVP_PKEY_CTX *, unsigned char *, size_t *, const unsigned char *, size_t));
	if (out != NULL)
		count_outside("RSA encryption");
	return real(c, out, n, in, len);
}

int
SSL_do_handshake(SSL *s)
{
	BEHIND(int, "SSL_do_handshake", (SSL *));
	int	r;

	count_enter();
	r = real(s);
	count_leave();
	if (r == 1)
		count("TLS handshake", 1);
	return r;
}

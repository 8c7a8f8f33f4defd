/*
 * hsm/recipient.c - the key of a recipient's certificate, on a smart card perhaps.
 *
 * People's cards differ: keys are named by label or id, certificates lie beside them or do
 * not, RSA is raw or with padding. What all have in common is that the key must do what the
 * certificate promises: so it does that once, before it is given a message to open. Were the
 * wrong key found out only later, custodians would be blamed.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "hsm/internal.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <stdlib.h>
#include <string.h>

#include "base/libcrypto.h"
#include "policy/cert.h"

#define PROOF_BYTES	32
#define TRANSPORT_TRIES	64u

DEFINE_AUTO(EVP_PKEY_free, EVP_PKEY);
DEFINE_AUTO(EVP_PKEY_CTX_free, EVP_PKEY_CTX);
DEFINE_AUTO(BN_free, BIGNUM);

struct hsm_recipient {
	struct hsm_key	 k;
	struct err	 fault;
	enum cert_kind	 kind;
	X509		*certificate;
	EVP_PKEY	*pkey;
};

void
hsm_recipient_free(struct hsm_recipient *r)
{
	if (r == NULL)
		return;
	EVP_PKEY_free(r->pkey);
	X509_free(r->certificate);
	free(r);
}

EVP_PKEY *
hsm_recipient_pkey(const struct hsm_recipient *r)
{
	return r->pkey;
}

void
hsm_key_failed(struct hsm_key *k, const struct err *why)
{
	if (k->fault != NULL)
		*k->fault = *why;
}

/* ---- raw RSA ---- */

bool
hsm_rsa_in_range(const RSA *rsa, const uint8_t *in, size_t n)
{
	AUTO(BN_free) BIGNUM *v = BN_bin2bn(in, (int)n, NULL), *last = BN_dup(RSA_get0_n(rsa));

	return v != NULL && last != NULL && BN_sub_word(last, 1) == 1 && BN_cmp(v, BN_value_one()) > 0 &&
	    BN_cmp(v, last) < 0;
}

struct decrypt {
	bool		 raw, always_auth;
	struct span	 in;
	uint8_t		*out;
	size_t		 n;
};

static CK_RV
op_decrypt(struct hsm_call *c, void *arg)
{
	struct decrypt	*a = arg;
	CK_RSA_PKCS_OAEP_PARAMS oaep = { CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0 };
	CK_MECHANISM	 m = { CKM_RSA_X_509, NULL, 0 };
	CK_ULONG	 n = a->n;
	CK_RV		 rv;

	if (!a->raw)
		m = (CK_MECHANISM){ CKM_RSA_PKCS_OAEP, &oaep, sizeof(oaep) };
	if ((rv = P11(c, C_DecryptInit, &m, c->key)) != CKR_OK)
		return rv;
	if (a->always_auth && (rv = hsm_call_login_again(c)) != CKR_OK)
		return rv;
	rv = P11(c, C_Decrypt, (uint8_t *)(uintptr_t)a->in.p, a->in.n, a->out, &n);
	if (rv == CKR_OK)
		a->n = n;
	return rv;
}

/* What a token says of a message that was not sealed to it; all else may be the token's own fault. */
static bool
is_bad_message(CK_RV rv)
{
	return rv == CKR_ENCRYPTED_DATA_INVALID || rv == CKR_ENCRYPTED_DATA_LEN_RANGE || rv == CKR_DATA_INVALID ||
	    rv == CKR_DATA_LEN_RANGE;
}

/*
 * Only the token undoes the padding: it is put on again, for libcrypto to undo it once more. A
 * message that the token refuses becomes a block without padding, and fails there.
 */
static enum rc
decrypt_in_token(struct hsm_key *k, const RSA *rsa, struct span in, struct secret *block, struct err *err)
{
	AUTO(secret_free) struct secret *m = secret_new(HSM_RSA_MAX);
	struct decrypt	 a = { .always_auth = k->always_auth, .in = in, .n = HSM_RSA_MAX };
	CK_RV		 rv = CKR_OK;
	enum rc		 rc;

	if (m == NULL)
		return err_set(err, RC_NOMEM, "RSA: no locked memory");
	a.out = secret_bytes(m);
	rc = hsm_run(k->h, k, op_decrypt, &a, &rv, err);
	memset(secret_bytes(block), 0, secret_len(block));
	if (rc != RC_OK)
		return is_bad_message(rv) ? RC_OK : rc;
	if (a.n > secret_len(m) || RSA_padding_add_PKCS1_OAEP_mgf1(secret_bytes(block), RSA_size(rsa), secret_view(m),
	    (int)a.n, NULL, 0, EVP_sha256(), EVP_sha256()) != 1)
		return err_set(err, RC_IO, "the token decrypted to something that no message holds");
	return RC_OK;
}

static enum rc
decrypt_block(struct hsm_key *k, const RSA *rsa, struct span in, struct secret *block, struct err *err)
{
	struct decrypt	a = { .raw = true, .always_auth = k->always_auth, .in = in, .out = secret_bytes(block),
			    .n = secret_len(block) };
	size_t		size = secret_len(block);
	CK_RV		rv = CKR_OK;
	enum rc		rc;

	if (k->no_raw_rsa)
		return decrypt_in_token(k, rsa, in, block, err);
	rc = hsm_run(k->h, k, op_decrypt, &a, &rv, err);
	if (rv == CKR_MECHANISM_INVALID) {
		k->no_raw_rsa = true;
		return decrypt_in_token(k, rsa, in, block, err);
	}
	TRY(rc);
	if (a.n > size)
		return err_set(err, RC_IO, "the token decrypted to more than its key can hold");
	/* Some leave leading zeros out. How many is no secret that the padding keeps. */
	memmove(secret_bytes(block) + size - a.n, secret_view(block), a.n);
	memset(secret_bytes(block), 0, size - a.n);
	return RC_OK;
}

enum rc
hsm_decrypt_raw(struct hsm_key *k, const RSA *rsa, struct span in, uint8_t *out, struct err *err)
{
	AUTO(secret_free) struct secret *block = secret_new(in.n);

	if (block == NULL)
		return err_set(err, RC_NOMEM, "RSA: no locked memory");
	TRY(decrypt_block(k, rsa, in, block, err));
	memcpy(out, secret_view(block), in.n);
	return RC_OK;
}

/* ---- which key it is ---- */

struct find {
	struct hsm_recipient	*r;
	struct span		 certificate;
	CK_KEY_TYPE		 type;
};

/* The id under which the token has the very certificate. */
static CK_RV
id_of_certificate(struct hsm_call *c, struct find *a)
{
	CK_OBJECT_CLASS		class = CKO_CERTIFICATE;
	CK_ATTRIBUTE		want[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_VALUE, (void *)(uintptr_t)a->certificate.p, a->certificate.n },
	};
	CK_OBJECT_HANDLE	o;
	CK_RV			rv;

	if ((rv = hsm_object_find(c, want, 2, &o)) != CKR_OK)
		return rv;
	rv = hsm_object_bytes(c, o, CKA_ID, a->r->k.id, sizeof(a->r->k.id), &a->r->k.id_n);
	return rv == CKR_OK && a->r->k.id_n == 0 ? RV_NOT_FOUND : rv;
}

static CK_RV
op_find(struct hsm_call *c, void *arg)
{
	struct find	*a = arg;
	struct hsm_key	*k = &a->r->k;
	CK_BBOOL	 always = CK_FALSE;
	size_t		 n = 0;
	CK_RV		 rv;

	c->at = "finding the key";
	if (k->label[0] == '\0' && k->id_n == 0 && (rv = id_of_certificate(c, a)) != CKR_OK)
		return rv;
	if ((rv = hsm_object_private(c, k->label, k->id, k->id_n, &k->handle)) != CKR_OK ||
	    (rv = hsm_object_bytes(c, k->handle, CKA_KEY_TYPE, &a->type, sizeof(a->type), &n)) != CKR_OK)
		return rv;
	if (hsm_object_bytes(c, k->handle, CKA_ALWAYS_AUTHENTICATE, &always, sizeof(always), &n) == CKR_OK)
		k->always_auth = always != CK_FALSE;
	else
		c->spoilt = true;
	k->generation = c->generation;
	return CKR_OK;
}

static enum rc
find(struct hsm *h, const struct hsm_uri *uri, struct span certificate, struct hsm_recipient *r, struct err *err)
{
	struct find	a = { .r = r, .certificate = certificate };
	CK_RV		rv = CKR_OK;
	enum rc		rc;

	r->k.h = h;
	r->k.kind = HSM_RECIPIENT;
	r->k.fault = &r->fault;
	memcpy(r->k.label, uri->object, sizeof(r->k.label));
	memcpy(r->k.id, uri->id, uri->id_n);
	r->k.id_n = uri->id_n;
	rc = hsm_run(h, NULL, op_find, &a, &rv, err);
	if (rv == RV_NOT_FOUND)
		return err_set(err, RC_MISSING, uri->object[0] == '\0' && uri->id_n == 0 ?
		    "the token does not hold the recipient's certificate: say which key it is, by object= or id= in the URI" :
		    "no such private key in the token");
	TRY(rc);
	if (a.type != (r->kind == CERT_RSA ? CKK_RSA : CKK_EC))
		return err_set(err, RC_DENIED, "the key in the token is of another kind than the recipient's certificate");
	return RC_OK;
}

/* ---- is it the certificate's? ---- */

static EVP_PKEY *
public_of(const struct hsm_recipient *r)
{
	return X509_get0_pubkey(r->certificate);
}

/* A secret that is made with the certificate, and what the token makes of the same. */
static bool
agree(const struct hsm_recipient *r, uint8_t *ours, uint8_t *tokens, size_t *ret_n)
{
	AUTO(EVP_PKEY_free) EVP_PKEY *e = EVP_PKEY_Q_keygen(NULL, NULL, "EC",
	    r->kind == CERT_EC_P256 ? "P-256" : "P-384");
	AUTO(EVP_PKEY_CTX_free) EVP_PKEY_CTX *a = EVP_PKEY_CTX_new(e, NULL), *b = EVP_PKEY_CTX_new(r->pkey, NULL);
	size_t	n_a = HSM_FIELD_MAX, n_b = HSM_FIELD_MAX;

	if (e == NULL || a == NULL || b == NULL || EVP_PKEY_derive_init(a) != 1 ||
	    EVP_PKEY_derive_set_peer(a, public_of(r)) != 1 || EVP_PKEY_derive(a, ours, &n_a) != 1 ||
	    EVP_PKEY_derive_init(b) != 1 || EVP_PKEY_derive_set_peer(b, e) != 1 ||
	    EVP_PKEY_derive(b, tokens, &n_b) != 1 || n_a != n_b)
		return false;
	*ret_n = n_a;
	return true;
}

static bool
set_oaep(EVP_PKEY_CTX *c)
{
	return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) > 0 &&
	    EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_sha256()) > 0 && EVP_PKEY_CTX_set_rsa_mgf1_md(c, EVP_sha256()) > 0;
}

/*
 * Below every modulus of so many bits: a token whose key is another one finds no padding then,
 * where a number that is larger than its modulus is its failure. More than one in two is.
 */
static bool
seal_below(EVP_PKEY_CTX *c, const uint8_t *plain, uint8_t *sealed, size_t *n)
{
	size_t	room = *n;

	for (unsigned i = 0; i < TRANSPORT_TRIES; i++) {
		*n = room;
		if (EVP_PKEY_encrypt(c, sealed, n, plain, PROOF_BYTES) != 1)
			return false;
		if (*n > 0 && sealed[0] < 0x80)
			return true;
	}
	return false;
}

static bool
transport(const struct hsm_recipient *r, uint8_t *ours, uint8_t *tokens, size_t *ret_n)
{
	AUTO(EVP_PKEY_CTX_free) EVP_PKEY_CTX *a = EVP_PKEY_CTX_new(public_of(r), NULL),
	    *b = EVP_PKEY_CTX_new(r->pkey, NULL);
	uint8_t	sealed[HSM_RSA_MAX];
	size_t	n = sizeof(sealed);

	*ret_n = HSM_RSA_MAX;
	return RAND_bytes(ours, PROOF_BYTES) == 1 && a != NULL && b != NULL && EVP_PKEY_encrypt_init(a) == 1 &&
	    set_oaep(a) && seal_below(a, ours, sealed, &n) &&
	    EVP_PKEY_decrypt_init(b) == 1 && set_oaep(b) && EVP_PKEY_decrypt(b, tokens, ret_n, sealed, n) == 1 &&
	    *ret_n == PROOF_BYTES;
}

static enum rc
prove(struct hsm_recipient *r, struct err *err)
{
	uint8_t	ours[HSM_RSA_MAX], tokens[HSM_RSA_MAX];
	size_t	n = 0;
	bool	same;

	libcrypto_begin();
	same = r->kind == CERT_RSA ? transport(r, ours, tokens, &n) : agree(r, ours, tokens, &n);
	ERR_clear_error();
	same = same && CRYPTO_memcmp(ours, tokens, n) == 0;
	OPENSSL_cleanse(ours, sizeof(ours));
	OPENSSL_cleanse(tokens, sizeof(tokens));
	if (same)
		return RC_OK;
	if (r->fault.rc != RC_OK)
		return err_set(err, r->fault.rc, "the key in the token does not decrypt; it must be allowed to (%s): %s",
		    r->kind == CERT_RSA ? "CKA_DECRYPT" : "CKA_DERIVE", r->fault.msg);
	return err_set(err, RC_DENIED, "the key in the token is not that of the recipient's certificate");
}

/* ---- all of it ---- */

static enum rc
make_pkey(struct hsm_recipient *r, struct err *err)
{
	uint8_t	point[1 + 2 * HSM_FIELD_MAX];
	size_t	n = 0;

	if (r->kind == CERT_RSA) {
		TRY(hsm_evp_rsa(&r->k, EVP_PKEY_get0_RSA(public_of(r)), &r->pkey, err));
	} else {
		if (EVP_PKEY_get_octet_string_param(public_of(r), "encoded-pub-key", point, sizeof(point), &n) != 1)
			return err_set(err, RC_FORMAT, "certificate: its key cannot be read");
		TRY(hsm_evp_ec(&r->k, r->kind == CERT_EC_P256 ? NID_X9_62_prime256v1 : NID_secp384r1, SPAN(point, n),
		    &r->pkey, err));
	}
	return libcrypto_key_watch(r->pkey, &r->fault, err);
}

enum rc
hsm_recipient_open(struct hsm *h, const struct hsm_uri *uri, struct span certificate, struct hsm_recipient **ret,
    struct err *err)
{
	AUTO(hsm_recipient_free) struct hsm_recipient *r = calloc(1, sizeof(*r));
	const uint8_t	*p = certificate.p;
	uint8_t		 key_bits[SHA256_BYTES];

	if (r == NULL)
		return err_set(err, RC_NOMEM, "token: no memory");
	TRY(cert_check(certificate, &r->kind, key_bits, err));
	if (r->kind == CERT_OTHER)
		return err_set(err, RC_FORMAT, "certificate: its key is neither EC P-256, P-384 nor RSA");
	if ((r->certificate = d2i_X509(NULL, &p, (long)certificate.n)) == NULL)
		return err_set(err, RC_NOMEM, "certificate: no memory");
	TRY(find(h, uri, certificate, r, err));
	TRY(make_pkey(r, err));
	TRY(prove(r, err));
	*ret = TAKE(r);
	return RC_OK;
}

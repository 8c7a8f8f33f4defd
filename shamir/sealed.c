#include <stdlib.h>
#include <stdatomic.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/obj_mac.h>

#include "base/libcrypto.h"
#include "shamir/sealed.h"

#define KEY_BYTES	32
#define Z_BYTES		32
#define SHARE_BYTES	32
#define TAG_BYTES	16
#define CURVE		"P-256"

static const char info_name[] = "quorate/sealed-share/v1";	/* its NUL is part of SharedInfo */

DEFINE_AUTO(EC_POINT_free, EC_POINT);
DEFINE_AUTO(EVP_PKEY_free, EVP_PKEY);
DEFINE_AUTO(EVP_PKEY_CTX_free, EVP_PKEY_CTX);
DEFINE_AUTO(EVP_KDF_free, EVP_KDF);
DEFINE_AUTO(EVP_KDF_CTX_free, EVP_KDF_CTX);

/*
 * The key schedules stand in libcrypto's heap while the key lives; it zeroes
 * them when they are freed. Keep a key for one batch.
 */
struct sealed_key {
	EVP_CIPHER_CTX	*seal, *open;
	struct secret	*scratch;		/* an opened share before its tag is known */
	uint64_t	 next;			/* the least leaf not sealed yet */
};

static enum rc
no_memory(struct err *err)
{
	return err_set(err, RC_NOMEM, "sealed share: no memory left");
}

/*
 * One for the process: to set it up costs thirty times what a check of a point does. It is
 * never written to again.
 */
static _Atomic(const EC_GROUP *)	the_curve;

static const EC_GROUP *
curve(void)
{
	const EC_GROUP	*have = atomic_load(&the_curve);
	EC_GROUP	*made;

	if (have != NULL)
		return have;
	made = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	if (made == NULL || atomic_compare_exchange_strong(&the_curve, &have, made))
		return made;
	EC_GROUP_free(made);	/* somebody else was first */
	return have;
}

enum rc
sealed_point_check(const uint8_t point[SEALED_POINT_BYTES], struct err *err)
{
	AUTO(EC_POINT_free) EC_POINT	*p = NULL;
	const EC_GROUP			*group;

	if (point[0] != SEALED_POINT_FORM)
		return err_set(err, RC_FORMAT, "P-256 point: not uncompressed");
	libcrypto_begin();
	group = curve();
	p = group == NULL ? NULL : EC_POINT_new(group);
	if (p == NULL)
		return no_memory(err);
	/* Checks coordinates and curve; the cofactor is 1. 04 || x || y is never infinity. */
	if (EC_POINT_oct2point(group, p, point, SEALED_POINT_BYTES, NULL) != 1)
		return err_set(err, libcrypto_failed(RC_FORMAT), "P-256 point: not on the curve");
	return RC_OK;
}

void
sealed_info(const struct sealed_context *c, const uint8_t ephemeral[SEALED_POINT_BYTES],
    struct buf *out)
{
	buf_add(out, info_name, sizeof(info_name));
	buf_add(out, c->genesis, sizeof(c->genesis));
	buf_add(out, c->batch_root, sizeof(c->batch_root));
	buf_u8(out, c->custodian);
	buf_u32(out, c->epoch);
	buf_add(out, ephemeral, SEALED_POINT_BYTES);
}

void
sealed_nonce(uint32_t leaf, uint8_t out[SEALED_NONCE_BYTES])
{
	memset(out, 0, SEALED_NONCE_BYTES);
	out[8] = (uint8_t)(leaf >> 24);
	out[9] = (uint8_t)(leaf >> 16);
	out[10] = (uint8_t)(leaf >> 8);
	out[11] = (uint8_t)leaf;
}

void
sealed_key_free(struct sealed_key *k)
{
	if (k == NULL)
		return;
	EVP_CIPHER_CTX_free(k->seal);
	EVP_CIPHER_CTX_free(k->open);
	secret_free(k->scratch);
	free(k);
}

static enum rc
key_new(const struct secret *aes, struct sealed_key **ret, struct err *err)
{
	AUTO(sealed_key_free) struct sealed_key	*k = calloc(1, sizeof(*k));
	const uint8_t				*key = secret_view(aes);

	if (k == NULL)
		return no_memory(err);
	k->scratch = secret_new(SHARE_BYTES);
	k->seal = EVP_CIPHER_CTX_new();
	k->open = EVP_CIPHER_CTX_new();
	if (k->scratch == NULL || k->seal == NULL || k->open == NULL ||
	    EVP_EncryptInit_ex(k->seal, EVP_aes_256_gcm(), NULL, key, NULL) != 1 ||
	    EVP_DecryptInit_ex(k->open, EVP_aes_256_gcm(), NULL, key, NULL) != 1)
		return no_memory(err);
	*ret = TAKE(k);
	return RC_OK;
}

/* X9.63-KDF-SHA-256(Z, SharedInfo), 32 bytes. */
static bool
derive(const struct secret *z, struct span info, struct secret *ret_key)
{
	AUTO(EVP_KDF_free) EVP_KDF		*kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_X963KDF, NULL);
	AUTO(EVP_KDF_CTX_free) EVP_KDF_CTX	*ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
	char					 sha256_name[] = "SHA256";
	OSSL_PARAM				 param[4];

	if (ctx == NULL)
		return false;
	/* OSSL_PARAM wants pointers it could write through; a derivation only reads. */
	param[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha256_name, 0);
	param[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
	    (void *)(uintptr_t)secret_view(z), secret_len(z));
	param[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO,
	    (void *)(uintptr_t)info.p, info.n);
	param[3] = OSSL_PARAM_construct_end();
	return EVP_KDF_derive(ctx, secret_bytes(ret_key), secret_len(ret_key), param) == 1;
}

enum rc
sealed_key_from_z(const struct sealed_context *c, const uint8_t ephemeral[SEALED_POINT_BYTES],
    const struct secret *z, struct sealed_key **ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	info = BUF_INIT(SEALED_INFO_BYTES);
	AUTO(secret_free) struct secret	*aes = NULL;

	if (secret_len(z) != Z_BYTES)
		return err_set(err, RC_FORMAT, "sealed share: Z has %zu bytes, not %d",
		    secret_len(z), Z_BYTES);
	if (c->custodian < 1 || c->custodian > 31 || c->epoch == 0)
		return err_set(err, RC_FORMAT, "sealed share: custodian %u, epoch %u",
		    c->custodian, c->epoch);
	TRY(sealed_point_check(ephemeral, err));
	sealed_info(c, ephemeral, &info);
	TRY(buf_check(&info, "SharedInfo", err));
	aes = secret_new(KEY_BYTES);
	if (aes == NULL || !derive(z, buf_view(&info), aes))
		return no_memory(err);
	return key_new(aes, ret, err);
}

static EVP_PKEY *
public_key(const uint8_t point[SEALED_POINT_BYTES])
{
	AUTO(EVP_PKEY_CTX_free) EVP_PKEY_CTX	*ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	char					 curve[] = CURVE;
	OSSL_PARAM				 param[3];
	EVP_PKEY				*key = NULL;

	param[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0);
	param[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
	    (void *)(uintptr_t)point, SEALED_POINT_BYTES);
	param[2] = OSSL_PARAM_construct_end();
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, param) != 1)
		return NULL;
	return key;
}

/* The x-coordinate of own * theirs, leading zeros kept. */
static bool
agree(EVP_PKEY *own, EVP_PKEY *theirs, struct secret *ret_z)
{
	AUTO(EVP_PKEY_CTX_free) EVP_PKEY_CTX	*ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	size_t					 n = secret_len(ret_z);

	return ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
	    EVP_PKEY_derive_set_peer(ctx, theirs) == 1 &&
	    EVP_PKEY_derive(ctx, secret_bytes(ret_z), &n) == 1 && n == secret_len(ret_z);
}

enum rc
sealed_key_encapsulate(const struct sealed_context *c, const uint8_t share_key[SEALED_POINT_BYTES],
    uint8_t ret_ephemeral[SEALED_POINT_BYTES], struct sealed_key **ret, struct err *err)
{
	AUTO(EVP_PKEY_free) EVP_PKEY	*own = NULL, *theirs = NULL;
	AUTO(secret_free) struct secret	*z = NULL;
	uint8_t				 point[SEALED_POINT_BYTES];
	size_t				 n = 0;

	TRY(sealed_point_check(share_key, err));
	theirs = public_key(share_key);
	own = EVP_EC_gen(CURVE);
	z = secret_new(Z_BYTES);
	if (theirs == NULL || own == NULL || z == NULL ||
	    EVP_PKEY_get_octet_string_param(own, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n) != 1 ||
	    n != sizeof(point) || !agree(own, theirs, z))
		return no_memory(err);
	TRY(sealed_key_from_z(c, point, z, ret, err));
	memcpy(ret_ephemeral, point, sizeof(point));
	return RC_OK;
}

enum rc
sealed_share_seal(struct sealed_key *k, uint32_t leaf, const uint8_t descriptor_digest[SHA256_BYTES],
    const uint8_t share[32], uint8_t ret[SEALED_SHARE_BYTES], struct err *err)
{
	uint8_t	nonce[SEALED_NONCE_BYTES], out[SEALED_SHARE_BYTES];
	int	n, last;

	/* The leaf is the nonce: one that comes again would give both shares away. */
	if (leaf < k->next)
		return err_set(err, RC_BUG, "sealed share: leaf %u after leaf %llu", leaf,
		    (unsigned long long)(k->next - 1));
	k->next = (uint64_t)leaf + 1;
	sealed_nonce(leaf, nonce);
	if (EVP_EncryptInit_ex(k->seal, NULL, NULL, NULL, nonce) != 1 ||
	    EVP_EncryptUpdate(k->seal, NULL, &n, descriptor_digest, SHA256_BYTES) != 1 ||
	    EVP_EncryptUpdate(k->seal, out, &n, share, SHARE_BYTES) != 1 || n != SHARE_BYTES ||
	    EVP_EncryptFinal_ex(k->seal, out + n, &last) != 1 || last != 0 ||
	    EVP_CIPHER_CTX_ctrl(k->seal, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, out + SHARE_BYTES) != 1)
		return no_memory(err);
	memcpy(ret, out, sizeof(out));
	return RC_OK;
}

enum rc
sealed_share_open(struct sealed_key *k, uint32_t leaf, const uint8_t descriptor_digest[SHA256_BYTES],
    const uint8_t sealed[SEALED_SHARE_BYTES], uint8_t *ret_share, struct err *err)
{
	uint8_t	 nonce[SEALED_NONCE_BYTES], tag[TAG_BYTES];
	uint8_t	*out = secret_bytes(k->scratch);
	int	 n, last;
	bool	 good;

	sealed_nonce(leaf, nonce);
	memcpy(tag, sealed + SHARE_BYTES, sizeof(tag));
	if (EVP_DecryptInit_ex(k->open, NULL, NULL, NULL, nonce) != 1 ||
	    EVP_DecryptUpdate(k->open, NULL, &n, descriptor_digest, SHA256_BYTES) != 1 ||
	    EVP_DecryptUpdate(k->open, out, &n, sealed, SHARE_BYTES) != 1 || n != SHARE_BYTES ||
	    EVP_CIPHER_CTX_ctrl(k->open, EVP_CTRL_GCM_SET_TAG, sizeof(tag), tag) != 1)
		return no_memory(err);
	good = EVP_DecryptFinal_ex(k->open, out + n, &last) == 1 && last == 0;
	if (good)
		memcpy(ret_share, out, SHARE_BYTES);
	wipe(out, SHARE_BYTES);
	if (!good)
		return err_set(err, RC_VERIFY, "sealed share of leaf %u does not open", leaf);
	return RC_OK;
}

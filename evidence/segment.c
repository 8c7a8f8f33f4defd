#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "base/declassify.h"
#include "evidence/segment.h"

#define SEGMENT_SALT		"quorate/segment/v1"
#define SEGMENT_NONCE_BYTES	12

DEFINE_AUTO(EVP_KDF_free, EVP_KDF);
DEFINE_AUTO(EVP_KDF_CTX_free, EVP_KDF_CTX);

/* --- where things are, segment-v1 section 2 ----------------------------- */

static uint64_t
segment_bytes(const struct part *p)
{
	return UINT64_C(1) << p->segment_log2;
}

uint64_t
segment_chunks(uint64_t length)
{
	return (length + SEGMENT_CHUNK_BYTES - 1) >> SEGMENT_CHUNK_LOG2;
}

uint64_t
segment_ciphertext_bytes(uint64_t length)
{
	return SEGMENT_COMMITMENT_BYTES + length +
	    segment_chunks(length) * SEGMENT_TAG_BYTES;
}

uint64_t
part_segment_length(const struct part *p, uint32_t segment)
{
	uint64_t start = (uint64_t)segment << p->segment_log2;
	uint64_t left = p->length - start;

	return left < segment_bytes(p) ? left : segment_bytes(p);
}

uint64_t
part_segment_offset(const struct part *p, uint32_t segment)
{
	return segment * segment_ciphertext_bytes(segment_bytes(p));
}

uint64_t
part_segment_leaf(const struct part *p, uint32_t segment)
{
	return (uint64_t)segment << (p->segment_log2 - SEGMENT_CHUNK_LOG2);
}

uint64_t
part_ciphertext_bytes(const struct part *p)
{
	uint32_t last = part_segments(p) - 1;

	return part_segment_offset(p, last) +
	    segment_ciphertext_bytes(part_segment_length(p, last));
}

/* A segment is a whole number of chunks, so segments leave no gap between leaves. */
uint64_t
part_leaves(const struct part *p)
{
	return segment_chunks(p->length);
}

struct leaf_place
part_leaf(const struct part *p, uint64_t leaf)
{
	struct leaf_place	at;
	uint64_t		length, start;

	at.segment = (uint32_t)(leaf >> (p->segment_log2 - SEGMENT_CHUNK_LOG2));
	at.chunk = leaf - part_segment_leaf(p, at.segment);
	length = part_segment_length(p, at.segment);
	at.last = at.chunk == segment_chunks(length) - 1;
	start = at.chunk << SEGMENT_CHUNK_LOG2;
	at.n = SEGMENT_TAG_BYTES + (size_t)(at.last ? length - start : SEGMENT_CHUNK_BYTES);
	at.offset = part_segment_offset(p, at.segment) + at.chunk * SEGMENT_SEALED_CHUNK_MAX;
	if (at.chunk == 0)
		at.n += SEGMENT_COMMITMENT_BYTES;
	else
		at.offset += SEGMENT_COMMITMENT_BYTES;
	return at;
}

/* --- keys, section 3 ---------------------------------------------------- */

struct segment_cipher {
	EVP_CIPHER_CTX	*ctx;
	enum { KEY_NONE, KEY_SEALS, KEY_OPENS } mode;
};

enum rc
segment_cipher_new(struct segment_cipher **ret, struct err *err)
{
	AUTO(segment_cipher_free) struct segment_cipher *c = calloc(1, sizeof(*c));

	if (c == NULL || (c->ctx = EVP_CIPHER_CTX_new()) == NULL)
		return err_set(err, RC_NOMEM, "segment cipher: no memory");
	*ret = TAKE(c);
	return RC_OK;
}

void
segment_cipher_free(struct segment_cipher *c)
{
	if (c == NULL)
		return;
	EVP_CIPHER_CTX_free(c->ctx);		/* zeroes the key schedule */
	free(c);
}

static bool
hkdf(EVP_KDF_CTX *ctx, const struct secret *point, const char *info, uint8_t ret[32])
{
	/* OSSL_PARAM has no const; the provider only reads. */
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)"SHA256", 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
		    (void *)(uintptr_t)secret_view(point), secret_len(point)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
		    (void *)(uintptr_t)SEGMENT_SALT, sizeof(SEGMENT_SALT) - 1),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO,
		    (void *)(uintptr_t)info, strlen(info)),
		OSSL_PARAM_END
	};

	EVP_KDF_CTX_reset(ctx);
	return EVP_KDF_derive(ctx, ret, 32, params) == 1;
}

static enum rc
derive(const struct secret *point, struct secret *key,
    uint8_t commitment[SEGMENT_COMMITMENT_BYTES], struct err *err)
{
	AUTO(EVP_KDF_free) EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	AUTO(EVP_KDF_CTX_free) EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);

	if (secret_len(point) != SHAMIR_POINT_BYTES)
		return err_set(err, RC_BUG, "segment key: point of %zu bytes", secret_len(point));
	if (ctx == NULL || !hkdf(ctx, point, "key", secret_bytes(key)) ||
	    !hkdf(ctx, point, "commitment", commitment))
		return err_set(err, RC_BUG, "segment key: libcrypto cannot do HKDF-SHA-256");
	return RC_OK;
}

static enum rc
set_key(struct segment_cipher *c, const struct secret *key, bool seals, struct err *err)
{
	if (EVP_CipherInit_ex(c->ctx, EVP_aes_256_gcm(), NULL, secret_view(key), NULL,
	    seals) != 1)
		return err_set(err, RC_BUG, "segment key: libcrypto cannot do AES-256-GCM");
	c->mode = seals ? KEY_SEALS : KEY_OPENS;
	return RC_OK;
}

enum rc
segment_cipher_seal(struct segment_cipher *c, const struct secret *point,
    uint8_t ret_commitment[SEGMENT_COMMITMENT_BYTES], struct err *err)
{
	AUTO(secret_free) struct secret *key = secret_new(SEGMENT_KEY_BYTES);
	uint8_t	commitment[SEGMENT_COMMITMENT_BYTES];

	c->mode = KEY_NONE;
	if (key == NULL)
		return err_set(err, RC_NOMEM, "segment key: no memory");
	TRY(derive(point, key, commitment, err));
	TRY(set_key(c, key, true, err));
	memcpy(ret_commitment, commitment, sizeof(commitment));
	return RC_OK;
}

enum rc
segment_cipher_open(struct segment_cipher *c, const struct secret *point,
    const uint8_t commitment[SEGMENT_COMMITMENT_BYTES], struct err *err)
{
	AUTO(secret_free) struct secret *key = secret_new(SEGMENT_KEY_BYTES);
	uint8_t	mine[SEGMENT_COMMITMENT_BYTES];
	bool	same;

	c->mode = KEY_NONE;
	if (key == NULL)
		return err_set(err, RC_NOMEM, "segment key: no memory");
	TRY(derive(point, key, mine, err));
	/* AES-GCM does not commit to its key: this does (section 3). */
	same = declassified(CRYPTO_memcmp(mine, commitment, sizeof(mine)) == 0);	/* it opens, or not */
	wipe(mine, sizeof(mine));
	if (!same)
		return err_set(err, RC_VERIFY, "segment key: not the key the segment is committed to");
	return set_key(c, key, false, err);
}

/* --- chunks, section 4 -------------------------------------------------- */

static void
nonce_of(uint64_t chunk, bool last, uint8_t nonce[SEGMENT_NONCE_BYTES])
{
	memset(nonce, 0, SEGMENT_NONCE_BYTES);
	for (int i = 10; i > 2; i--, chunk >>= 8)
		nonce[i] = (uint8_t)chunk;
	nonce[11] = last ? 1 : 0;
}

enum rc
segment_chunk_seal(struct segment_cipher *c, uint64_t chunk, bool last,
    struct span plain, uint8_t *out, struct err *err)
{
	uint8_t	nonce[SEGMENT_NONCE_BYTES];
	int	n, end;

	if (c->mode != KEY_SEALS)
		return err_set(err, RC_BUG, "segment chunk: no key to seal with");
	if (plain.n == 0 || plain.n > SEGMENT_CHUNK_BYTES)
		return err_set(err, RC_BUG, "segment chunk: %zu bytes", plain.n);
	nonce_of(chunk, last, nonce);
	if (EVP_EncryptInit_ex(c->ctx, NULL, NULL, NULL, nonce) != 1 ||
	    EVP_EncryptUpdate(c->ctx, out, &n, plain.p, (int)plain.n) != 1 ||
	    EVP_EncryptFinal_ex(c->ctx, out + n, &end) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_GET_TAG, SEGMENT_TAG_BYTES,
	    out + plain.n) != 1)
		return err_set(err, RC_BUG, "segment chunk: libcrypto cannot encrypt");
	return RC_OK;
}

enum rc
segment_chunk_open(struct segment_cipher *c, uint64_t chunk, bool last,
    struct span sealed, uint8_t *out, struct err *err)
{
	uint8_t	nonce[SEGMENT_NONCE_BYTES], tag[SEGMENT_TAG_BYTES];
	size_t	plain = sealed.n - SEGMENT_TAG_BYTES;
	int	n, end;

	if (c->mode != KEY_OPENS)
		return err_set(err, RC_BUG, "segment chunk: no key to open with");
	if (sealed.n <= SEGMENT_TAG_BYTES || sealed.n > SEGMENT_SEALED_CHUNK_MAX)
		return err_set(err, RC_FORMAT, "segment chunk: %zu bytes", sealed.n);
	nonce_of(chunk, last, nonce);
	memcpy(tag, sealed.p + plain, sizeof(tag));
	if (EVP_DecryptInit_ex(c->ctx, NULL, NULL, NULL, nonce) != 1 ||
	    EVP_DecryptUpdate(c->ctx, out, &n, sealed.p, (int)plain) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag) != 1 ||
	    EVP_DecryptFinal_ex(c->ctx, out + n, &end) != 1) {
		wipe(out, plain);
		return err_set(err, RC_VERIFY, "segment chunk %llu: does not decrypt",
		    (unsigned long long)chunk);
	}
	return RC_OK;
}

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/declassify.h"
#include "base/libcrypto.h"
#include "evidence/segment.h"

#define SEGMENT_SALT		"quorate/segment/v1"
#define SEGMENT_NONCE_BYTES	12
#define HMAC_BLOCK		64

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

/* What a derivation passes through: in locked memory. */
struct derivation {
	uint8_t	key[SEGMENT_KEY_BYTES], prk[SHA256_BYTES], inner[SHA256_BYTES], pad[HMAC_BLOCK];
};

/* HMAC-SHA-256 (RFC 2104) of msg || more; the key has at most a block. */
static void
hmac(struct derivation *d, struct span key, struct span msg, struct span more, uint8_t ret[SHA256_BYTES])
{
	for (size_t i = 0; i < sizeof(d->pad); i++)
		d->pad[i] = (i < key.n ? key.p[i] : 0) ^ 0x36;
	sha256_wiped(d->inner, (struct span[]){ SPAN_OF(d->pad), msg, more }, 3);
	for (size_t i = 0; i < sizeof(d->pad); i++)
		d->pad[i] ^= 0x36 ^ 0x5c;
	sha256_wiped(ret, (struct span[]){ SPAN_OF(d->pad), SPAN_OF(d->inner) }, 2);
}

/*
 * HKDF-SHA-256 (RFC 5869), twice 32 bytes from one extraction. By hand, for libcrypto's looks five
 * algorithms up by name and allocates for each, which takes longer than the ten blocks to hash.
 */
static enum rc
derive(const struct secret *point, struct secret *derivation, uint8_t commitment[SEGMENT_COMMITMENT_BYTES],
    struct err *err)
{
	struct derivation	*d = (struct derivation *)(void *)secret_bytes(derivation);
	const struct span	 one = SPAN("\1", 1);

	if (secret_len(point) != SHAMIR_POINT_BYTES)
		return err_set(err, RC_BUG, "segment key: point of %zu bytes", secret_len(point));
	hmac(d, SPAN_STR(SEGMENT_SALT), SPAN(secret_view(point), SHAMIR_POINT_BYTES), SPAN(NULL, 0), d->prk);
	hmac(d, SPAN_OF(d->prk), SPAN_STR("key"), one, d->key);
	hmac(d, SPAN_OF(d->prk), SPAN_STR("commitment"), one, commitment);
	return RC_OK;
}

static enum rc
set_key(struct segment_cipher *c, const struct secret *key, bool seals, struct err *err)
{
	libcrypto_begin();
	if (EVP_CipherInit_ex(c->ctx, EVP_aes_256_gcm(), NULL, secret_view(key), NULL,
	    seals) != 1)
		return err_set(err, libcrypto_failed(RC_BUG), "segment key: libcrypto cannot do AES-256-GCM");
	c->mode = seals ? KEY_SEALS : KEY_OPENS;
	return RC_OK;
}

enum rc
segment_cipher_seal(struct segment_cipher *c, const struct secret *point,
    uint8_t ret_commitment[SEGMENT_COMMITMENT_BYTES], struct err *err)
{
	AUTO(secret_free) struct secret *key = secret_new(sizeof(struct derivation));
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
	AUTO(secret_free) struct secret *key = secret_new(sizeof(struct derivation));
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
	libcrypto_begin();
	if (EVP_EncryptInit_ex(c->ctx, NULL, NULL, NULL, nonce) != 1 ||
	    EVP_EncryptUpdate(c->ctx, out, &n, plain.p, (int)plain.n) != 1 ||
	    EVP_EncryptFinal_ex(c->ctx, out + n, &end) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_GET_TAG, SEGMENT_TAG_BYTES,
	    out + plain.n) != 1)
		return err_set(err, libcrypto_failed(RC_BUG), "segment chunk: libcrypto cannot encrypt");
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
	libcrypto_begin();
	if (EVP_DecryptInit_ex(c->ctx, NULL, NULL, NULL, nonce) != 1 ||
	    EVP_DecryptUpdate(c->ctx, out, &n, sealed.p, (int)plain) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag) != 1 ||
	    EVP_DecryptFinal_ex(c->ctx, out + n, &end) != 1) {
		wipe(out, plain);
		return err_set(err, libcrypto_failed(RC_VERIFY), "segment chunk %llu: does not decrypt",
		    (unsigned long long)chunk);
	}
	return RC_OK;
}

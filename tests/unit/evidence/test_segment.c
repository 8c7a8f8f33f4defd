/* segment-v1: geometry, keys, chunks, and the stream that checks before it hands out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "evidence/segment.h"
#include "tests/unit/fault.h"

#define KIB64	((size_t)65536)

static struct secret *
point_of(uint8_t fill)
{
	struct secret *p = secret_new(SHAMIR_POINT_BYTES);

	assert_non_null(p);
	memset(secret_bytes(p), fill, SHAMIR_POINT_BYTES);
	return p;
}

/* RFC 5869 by hand, with one block of output. */
static void
hkdf_by_hand(const char *info, const struct secret *point, uint8_t out[32])
{
	static const char	salt[] = "quorate/segment/v1";
	uint8_t			prk[32], in[32];
	size_t			n = strlen(info);
	unsigned		len = 32;

	assert_non_null(HMAC(EVP_sha256(), salt, sizeof(salt) - 1, secret_view(point), 32, prk, &len));
	memcpy(in, info, n);
	in[n] = 1;
	assert_non_null(HMAC(EVP_sha256(), prk, 32, in, n + 1, out, &len));
}

/* --- geometry ----------------------------------------------------------- */

static const struct {
	uint64_t	length;
	uint8_t		log2;
	uint32_t	segments;
	uint64_t	leaves, bytes, last_length;
} shapes[] = {
	{ 1, 16, 1, 1, 32 + 1 + 16, 1 },
	{ 65535, 16, 1, 1, 32 + 65535 + 16, 65535 },
	{ 65536, 16, 1, 1, 32 + 65536 + 16, 65536 },
	{ 65537, 16, 2, 2, 2 * 32 + 65537 + 2 * 16, 1 },
	{ 65537, 17, 1, 2, 32 + 65537 + 2 * 16, 65537 },
	{ 131072, 16, 2, 2, 2 * 32 + 131072 + 2 * 16, 65536 },
	{ 131072, 17, 1, 2, 32 + 131072 + 2 * 16, 131072 },
	{ 131073, 17, 2, 3, 2 * 32 + 131073 + 3 * 16, 1 },
	{ 400000, 18, 2, 7, 2 * 32 + 400000 + 7 * 16, 137856 },
	{ UINT64_C(1) << 33, 24, 512, 131072,
	    (UINT64_C(1) << 33) + 512 * 32 + 131072 * 16, 1 << 24 },
	{ PART_LENGTH_MAX, 16, 1u << 28, 1u << 28,
	    PART_LENGTH_MAX + (UINT64_C(48) << 28), 65536 },
};

static void
test_shapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct part p = { .length = shapes[i].length, .segment_log2 = shapes[i].log2 };

		assert_int_equal(part_segments(&p), shapes[i].segments);
		assert_int_equal(part_leaves(&p), shapes[i].leaves);
		assert_int_equal(part_ciphertext_bytes(&p), shapes[i].bytes);
		assert_int_equal(part_segment_length(&p, shapes[i].segments - 1), shapes[i].last_length);
	}
}

/* Leaves lie one behind the other, without gap, and name their segment and chunk. */
static void
test_leaves_tile_the_part(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct part	p = { .length = shapes[i].length, .segment_log2 = shapes[i].log2 };
		uint64_t	at = 0, plain = 0;
		uint32_t	segment = 0;
		uint64_t	chunk = 0;

		if (part_leaves(&p) > 1 << 20)
			continue;
		for (uint64_t leaf = 0; leaf < part_leaves(&p); leaf++) {
			struct leaf_place l = part_leaf(&p, leaf);

			assert_int_equal(l.offset, at);
			assert_int_equal(l.segment, segment);
			assert_int_equal(l.chunk, chunk);
			if (chunk == 0) {
				assert_int_equal(at, part_segment_offset(&p, segment));
				assert_int_equal(leaf, part_segment_leaf(&p, segment));
			}
			plain += l.n - 16 - (chunk == 0 ? 32 : 0);
			at += l.n;
			assert_int_equal(l.last, plain % (UINT64_C(1) << p.segment_log2) == 0 ||
			    plain == p.length);
			segment += l.last;
			chunk = l.last ? 0 : chunk + 1;
		}
		assert_int_equal(plain, p.length);
		assert_int_equal(at, part_ciphertext_bytes(&p));
	}
}

/* --- keys and chunks ---------------------------------------------------- */

static void
test_key_and_commitment(void **state)
{
	AUTO(segment_cipher_free) struct segment_cipher *c = NULL;
	AUTO(secret_free) struct secret *q = point_of(0x42), *other = point_of(0x43);
	uint8_t	commitment[32], want[32], bad[32];

	(void)state;
	assert_int_equal(segment_cipher_new(&c, NULL), RC_OK);
	assert_int_equal(segment_cipher_seal(c, q, commitment, NULL), RC_OK);
	hkdf_by_hand("commitment", q, want);
	assert_memory_equal(commitment, want, 32);
	assert_int_equal(segment_cipher_open(c, q, commitment, NULL), RC_OK);
	assert_int_equal(segment_cipher_open(c, other, commitment, NULL), RC_VERIFY);
	for (size_t bit = 0; bit < 256; bit++) {
		memcpy(bad, commitment, 32);
		bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(segment_cipher_open(c, q, bad, NULL), RC_VERIFY);
	}
}

/* AES-256-GCM under the derived key and the nonce of section 4, by libcrypto alone. */
static void
test_chunk_is_gcm(void **state)
{
	AUTO(segment_cipher_free) struct segment_cipher *c = NULL;
	AUTO(secret_free) struct secret *q = point_of(0x42);
	static const struct { uint64_t chunk; bool last; uint8_t nonce[12]; } t[] = {
		{ 0, true, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 } },
		{ 0, false, { 0 } },
		{ 1, false, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0 } },
		{ 0x0102030405060708, true, { 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 1 } },
	};
	static const uint8_t	plain[5] = "chunk";
	uint8_t			commitment[32], key[32], sealed[21], want[21];
	int			n;

	(void)state;
	assert_int_equal(segment_cipher_new(&c, NULL), RC_OK);
	assert_int_equal(segment_cipher_seal(c, q, commitment, NULL), RC_OK);
	hkdf_by_hand("key", q, key);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

		assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, t[i].nonce), 1);
		assert_int_equal(EVP_EncryptUpdate(ctx, want, &n, plain, 5), 1);
		assert_int_equal(EVP_EncryptFinal_ex(ctx, want + 5, &n), 1);
		assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, want + 5), 1);
		EVP_CIPHER_CTX_free(ctx);
		assert_int_equal(segment_chunk_seal(c, t[i].chunk, t[i].last, SPAN_OF(plain), sealed, NULL), RC_OK);
		assert_memory_equal(sealed, want, sizeof(want));
	}
}

struct chunk_fixture {
	struct segment_cipher	*c;
	struct secret		*q, *out;
	uint8_t			 commitment[32], sealed[21];
};

static void
chunk_up(struct chunk_fixture *f)
{
	f->c = NULL;
	f->q = point_of(0x42);
	f->out = secret_new(KIB64);
	assert_int_equal(segment_cipher_new(&f->c, NULL), RC_OK);
	assert_int_equal(segment_cipher_seal(f->c, f->q, f->commitment, NULL), RC_OK);
	assert_int_equal(segment_chunk_seal(f->c, 7, false, SPAN_STR("chunk"), f->sealed, NULL), RC_OK);
	assert_int_equal(segment_cipher_open(f->c, f->q, f->commitment, NULL), RC_OK);
}

static void
chunk_down(struct chunk_fixture *f)
{
	segment_cipher_free(f->c);
	secret_free(f->q);
	secret_free(f->out);
}

static void
test_chunk_refusals(void **state)
{
	struct chunk_fixture	f;
	static const uint8_t	zero[5];
	uint8_t			bad[21];

	(void)state;
	chunk_up(&f);
	assert_int_equal(segment_chunk_open(f.c, 7, false, SPAN_OF(f.sealed), secret_bytes(f.out), NULL), RC_OK);
	assert_memory_equal(secret_view(f.out), "chunk", 5);
	/* Another place in the segment, and a last that is not. */
	assert_int_equal(segment_chunk_open(f.c, 8, false, SPAN_OF(f.sealed), secret_bytes(f.out), NULL), RC_VERIFY);
	assert_int_equal(segment_chunk_open(f.c, 7, true, SPAN_OF(f.sealed), secret_bytes(f.out), NULL), RC_VERIFY);
	for (size_t i = 0; i < sizeof(bad) * 8; i++) {
		memcpy(bad, f.sealed, sizeof(bad));
		bad[i / 8] ^= (uint8_t)(1 << i % 8);
		memset(secret_bytes(f.out), 0xee, 5);
		assert_int_equal(segment_chunk_open(f.c, 7, false, SPAN_OF(bad), secret_bytes(f.out), NULL), RC_VERIFY);
		assert_memory_equal(secret_view(f.out), zero, 5);
	}
	for (size_t n = 0; n < sizeof(f.sealed); n++) {
		uint8_t *cut = heap_copy(f.sealed, n);

		assert_int_equal(segment_chunk_open(f.c, 7, false, SPAN(cut, n), secret_bytes(f.out), NULL),
		    n <= 16 ? RC_FORMAT : RC_VERIFY);
		free(cut);
	}
	chunk_down(&f);
}

static void
test_chunk_bounds_and_modes(void **state)
{
	struct chunk_fixture	 f;
	AUTO(secret_free) struct secret *other = point_of(1);
	uint8_t			*big = calloc(1, SEGMENT_SEALED_CHUNK_MAX + 1);

	(void)state;
	chunk_up(&f);
	assert_int_equal(segment_chunk_open(f.c, 0, true, SPAN(big, SEGMENT_SEALED_CHUNK_MAX + 1),
	    secret_bytes(f.out), NULL), RC_FORMAT);
	assert_int_equal(segment_chunk_open(f.c, 0, true, SPAN(big, SEGMENT_SEALED_CHUNK_MAX),
	    secret_bytes(f.out), NULL), RC_VERIFY);
	/* A key to open with does not seal, nor the reverse, nor any after a refusal. */
	assert_int_equal(segment_chunk_seal(f.c, 0, true, SPAN(big, 1), big + 1, NULL), RC_BUG);
	assert_int_equal(segment_cipher_open(f.c, other, f.commitment, NULL), RC_VERIFY);
	assert_int_equal(segment_chunk_open(f.c, 7, false, SPAN_OF(f.sealed), secret_bytes(f.out), NULL), RC_BUG);
	assert_int_equal(segment_cipher_seal(f.c, f.q, f.commitment, NULL), RC_OK);
	assert_int_equal(segment_chunk_open(f.c, 7, false, SPAN_OF(f.sealed), secret_bytes(f.out), NULL), RC_BUG);
	assert_int_equal(segment_chunk_seal(f.c, 0, true, SPAN(big, 0), f.sealed, NULL), RC_BUG);
	assert_int_equal(segment_chunk_seal(f.c, 0, true, SPAN(big, KIB64 + 1), f.sealed, NULL), RC_BUG);
	free(big);
	chunk_down(&f);
}

/* --- the stream --------------------------------------------------------- */

struct stream_fixture {
	size_t			 length, chunks;
	uint8_t			*plain, *sealed;
	size_t			 n_sealed;
	uint8_t			 leaf[4][TREE_HASH_BYTES];
	struct secret		*q;
	struct segment_source	 source;
	uint64_t		 got;		/* bytes that came out, all right */
	unsigned		 fail_read, fail_write;
};

static enum rc
stream_read(void *user, uint64_t offset, uint8_t *out, size_t n, struct err *err)
{
	struct stream_fixture *f = user;

	if (f->fail_read > 0 && --f->fail_read == 0)
		return err_set(err, RC_IO, "disk");
	if (offset > f->n_sealed || n > f->n_sealed - offset)
		return err_set(err, RC_FORMAT, "past the end");
	memcpy(out, f->sealed + offset, n);
	return RC_OK;
}

static enum rc
stream_out(void *user, struct span data, struct err *err)
{
	struct stream_fixture *f = user;

	if (f->fail_write > 0 && --f->fail_write == 0)
		return err_set(err, RC_IO, "disk full");
	assert_true(f->got + data.n <= f->length);
	assert_memory_equal(f->plain + f->got, data.p, data.n);
	f->got += data.n;
	return RC_OK;
}

static void
stream_up(struct stream_fixture *f, size_t length)
{
	AUTO(segment_cipher_free) struct segment_cipher *c = NULL;
	uint8_t	*at;

	memset(f, 0, sizeof(*f));
	f->length = length;
	f->chunks = (length + KIB64 - 1) / KIB64;
	f->plain = malloc(length);
	for (size_t i = 0; i < length; i++)
		f->plain[i] = (uint8_t)(i * 31 >> 3);
	f->n_sealed = 32 + length + 16 * f->chunks;
	f->sealed = at = malloc(f->n_sealed);
	f->q = point_of(9);
	assert_int_equal(segment_cipher_new(&c, NULL), RC_OK);
	assert_int_equal(segment_cipher_seal(c, f->q, at, NULL), RC_OK);
	for (size_t i = 0; i < f->chunks; i++) {
		size_t	n = i + 1 < f->chunks ? KIB64 : length - i * KIB64;
		size_t	head = i == 0 ? 32 : 0;

		assert_int_equal(segment_chunk_seal(c, i, i + 1 == f->chunks,
		    SPAN(f->plain + i * KIB64, n), at + head, NULL), RC_OK);
		tree_leaf(SPAN(at, head + n + 16), f->leaf[i]);
		at += head + n + 16;
	}
	f->source = (struct segment_source){ length, (const uint8_t (*)[32])f->leaf, stream_read, f };
}

static void
stream_down(struct stream_fixture *f)
{
	free(f->plain);
	free(f->sealed);
	secret_free(f->q);
}

static void
test_stream_round_trip(void **state)
{
	static const size_t length[] = { 1, 100, 65535, 65536, 65537, 131072, 200000 };
	struct stream_fixture f;

	(void)state;
	for (size_t i = 0; i < sizeof(length) / sizeof(length[0]); i++) {
		stream_up(&f, length[i]);
		assert_int_equal(segment_open_stream(&f.source, f.q, stream_out, &f, NULL), RC_OK);
		assert_int_equal(f.got, length[i]);
		stream_down(&f);
	}
}

/* A flip anywhere: what came out before it is right, and ends before that chunk. */
static void
test_stream_flips(void **state)
{
	struct stream_fixture	f;
	static const size_t	at[] = { 0, 31, 32, 33, 65583, 65584, 65600, 131135, 131136, 140000, 200079 };

	(void)state;
	stream_up(&f, 200000);
	assert_int_equal(f.n_sealed, 200096);
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		size_t chunk = at[i] < 32 ? 0 : (at[i] - 32) / (KIB64 + 16);

		f.got = 0;
		f.sealed[at[i]] ^= 4;
		assert_int_equal(segment_open_stream(&f.source, f.q, stream_out, &f, NULL), RC_VERIFY);
		assert_int_equal(f.got, chunk * KIB64);
		f.sealed[at[i]] ^= 4;
	}
	stream_down(&f);
}

/* A leaf hash that fits a forged chunk does not make the chunk good: the tag does. */
static void
test_stream_checks_the_tag_too(void **state)
{
	struct stream_fixture	f;
	AUTO(secret_free) struct secret *other = point_of(10);

	(void)state;
	stream_up(&f, 70000);
	f.sealed[f.n_sealed - 1] ^= 1;
	tree_leaf(SPAN(f.sealed + 65584, f.n_sealed - 65584), f.leaf[1]);
	assert_int_equal(segment_open_stream(&f.source, f.q, stream_out, &f, NULL), RC_VERIFY);
	assert_int_equal(f.got, KIB64);
	f.got = 0;
	assert_int_equal(segment_open_stream(&f.source, other, stream_out, &f, NULL), RC_VERIFY);
	assert_int_equal(f.got, 0);
	/* A length that is not the segment's. */
	f.source.length = 69999;
	f.got = 0;
	assert_int_equal(segment_open_stream(&f.source, f.q, stream_out, &f, NULL), RC_VERIFY);
	f.source.length = 70001;
	f.got = 0;
	assert_int_equal(segment_open_stream(&f.source, f.q, stream_out, &f, NULL), RC_FORMAT);
	stream_down(&f);
}

static void
test_stream_failures_pass_through(void **state)
{
	struct stream_fixture	f;
	unsigned long		n;
	enum rc			rc;

	(void)state;
	stream_up(&f, 70000);
	f.fail_read = 2;
	assert_int_equal(segment_open_stream(&f.source, f.q, stream_out, &f, NULL), RC_IO);
	f.got = 0;
	f.fail_write = 2;
	assert_int_equal(segment_open_stream(&f.source, f.q, stream_out, &f, NULL), RC_IO);
	for (n = 1;; n++) {
		f.got = 0;
		fault_at(n);
		rc = segment_open_stream(&f.source, f.q, stream_out, &f, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 3);
	stream_down(&f);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_leaves_tile_the_part),
		cmocka_unit_test(test_key_and_commitment),
		cmocka_unit_test(test_chunk_is_gcm),
		cmocka_unit_test(test_chunk_refusals),
		cmocka_unit_test(test_chunk_bounds_and_modes),
		cmocka_unit_test(test_stream_round_trip),
		cmocka_unit_test(test_stream_flips),
		cmocka_unit_test(test_stream_checks_the_tag_too),
		cmocka_unit_test(test_stream_failures_pass_through),
	};

	if (secret_init(NULL) != RC_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* sealed-share-v1: what is bound, and that only the right key opens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "shamir/sealed.h"
#include "tests/unit/fault.h"

/* A custodian's key pair in software, as a token that gives Z away. */
struct token {
	EVP_PKEY	*key;
	uint8_t		 point[SEALED_POINT_BYTES];
};

static const struct sealed_context	context = {
	.genesis = { 1, 2, 3 }, .batch_root = { 4, 5, 6 }, .custodian = 3, .epoch = 7,
};
static const uint8_t	digest[SHA256_BYTES] = { 0xd1 }, share[32] = { 0x55, 0xaa };

static void
token_up(struct token *t)
{
	size_t	n;

	t->key = EVP_EC_gen("P-256");
	assert_non_null(t->key);
	assert_int_equal(EVP_PKEY_get_octet_string_param(t->key, OSSL_PKEY_PARAM_PUB_KEY, t->point,
	    sizeof(t->point), &n), 1);
	assert_int_equal(n, sizeof(t->point));
}

static struct secret *
token_z(const struct token *t, const uint8_t ephemeral[SEALED_POINT_BYTES])
{
	EVP_PKEY_CTX	*ctx = EVP_PKEY_CTX_new_from_pkey(NULL, t->key, NULL);
	EVP_PKEY	*peer = EVP_PKEY_new();
	struct secret	*z = secret_new(32);
	size_t		 n = 32;

	assert_int_equal(EVP_PKEY_copy_parameters(peer, t->key), 1);
	assert_int_equal(EVP_PKEY_set1_encoded_public_key(peer, ephemeral, SEALED_POINT_BYTES), 1);
	assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
	assert_int_equal(EVP_PKEY_derive_set_peer(ctx, peer), 1);
	assert_int_equal(EVP_PKEY_derive(ctx, secret_bytes(z), &n), 1);
	EVP_PKEY_free(peer);
	EVP_PKEY_CTX_free(ctx);
	return z;
}

static void
test_round_trip(void **state)
{
	struct token		 t;
	struct sealed_key	*seal = NULL, *open = NULL;
	struct secret		*z;
	uint8_t			 ephemeral[SEALED_POINT_BYTES], sealed[3][SEALED_SHARE_BYTES], out[32];
	static const uint32_t	 leaf[3] = { 0, 1, UINT32_MAX };
	size_t			 i;

	(void)state;
	token_up(&t);
	assert_int_equal(sealed_key_encapsulate(&context, t.point, ephemeral, &seal, NULL), RC_OK);
	z = token_z(&t, ephemeral);
	assert_int_equal(sealed_key_from_z(&context, ephemeral, z, &open, NULL), RC_OK);
	for (i = 0; i < 3; i++)
		assert_int_equal(sealed_share_seal(seal, leaf[i], digest, share, sealed[i], NULL), RC_OK);
	assert_memory_not_equal(sealed[0], sealed[1], SEALED_SHARE_BYTES);
	/* Any one alone, in any order, more than once. */
	for (i = 6; i-- > 0;) {
		memset(out, 0, 32);
		assert_int_equal(sealed_share_open(open, leaf[i % 3], digest, sealed[i % 3], out, NULL), RC_OK);
		assert_memory_equal(out, share, 32);
	}
	sealed_key_free(seal);
	sealed_key_free(open);
	sealed_key_free(NULL);
	secret_free(z);
	EVP_PKEY_free(t.key);
}

static void
test_a_leaf_once(void **state)
{
	struct token		 t;
	struct sealed_key	*k = NULL;
	uint8_t			 ephemeral[SEALED_POINT_BYTES], out[SEALED_SHARE_BYTES] = { 9 };

	(void)state;
	token_up(&t);
	assert_int_equal(sealed_key_encapsulate(&context, t.point, ephemeral, &k, NULL), RC_OK);
	assert_int_equal(sealed_share_seal(k, 5, digest, share, out, NULL), RC_OK);
	out[0] = 9;
	assert_int_equal(sealed_share_seal(k, 5, digest, share, out, NULL), RC_BUG);
	assert_int_equal(sealed_share_seal(k, 4, digest, share, out, NULL), RC_BUG);
	assert_int_equal(out[0], 9);
	assert_int_equal(sealed_share_seal(k, 6, digest, share, out, NULL), RC_OK);
	sealed_key_free(k);
	EVP_PKEY_free(t.key);
}

static void
test_every_bit(void **state)
{
	struct token		 t;
	struct sealed_key	*k = NULL;
	uint8_t			 ephemeral[SEALED_POINT_BYTES], sealed[SEALED_SHARE_BYTES], out[32];
	uint8_t			 aad[SHA256_BYTES];
	static const uint8_t	 untouched[32] = { 0 };
	size_t			 bit;

	(void)state;
	token_up(&t);
	assert_int_equal(sealed_key_encapsulate(&context, t.point, ephemeral, &k, NULL), RC_OK);
	assert_int_equal(sealed_share_seal(k, 1, digest, share, sealed, NULL), RC_OK);
	memset(out, 0, 32);
	for (bit = 0; bit < sizeof(sealed) * 8; bit++) {
		sealed[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_int_equal(sealed_share_open(k, 1, digest, sealed, out, NULL), RC_VERIFY);
		sealed[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	for (bit = 0; bit < sizeof(aad) * 8; bit++) {
		memcpy(aad, digest, sizeof(aad));
		aad[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_int_equal(sealed_share_open(k, 1, aad, sealed, out, NULL), RC_VERIFY);
	}
	for (bit = 0; bit < 32; bit++)
		assert_int_equal(sealed_share_open(k, 1 ^ UINT32_C(1) << bit, digest, sealed, out, NULL),
		    RC_VERIFY);
	assert_memory_equal(out, untouched, 32);
	assert_int_equal(sealed_share_open(k, 1, digest, sealed, out, NULL), RC_OK);
	sealed_key_free(k);
	EVP_PKEY_free(t.key);
}

/* Whatever the SharedInfo holds, another value of it does not open. */
static void
test_binding(void **state)
{
	static const char	*name[] = { "genesis", "batch root", "custodian", "epoch", "ephemeral", "z" };
	struct token		 t, other;
	struct sealed_context	 c;
	struct sealed_key	*seal = NULL, *open;
	struct secret		*z;
	uint8_t			 ephemeral[SEALED_POINT_BYTES], e[SEALED_POINT_BYTES];
	uint8_t			 sealed[SEALED_SHARE_BYTES], out[32];
	size_t			 i;

	(void)state;
	token_up(&t);
	token_up(&other);
	assert_int_equal(sealed_key_encapsulate(&context, t.point, ephemeral, &seal, NULL), RC_OK);
	assert_int_equal(sealed_share_seal(seal, 0, digest, share, sealed, NULL), RC_OK);
	z = token_z(&t, ephemeral);
	for (i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		c = context;
		memcpy(e, ephemeral, sizeof(e));
		c.genesis[31] ^= i == 0;
		c.batch_root[31] ^= i == 1;
		c.custodian = (uint8_t)(c.custodian + (i == 2));
		c.epoch += i == 3 ? UINT32_C(1) << 24 : 0;
		if (i == 4)
			memcpy(e, other.point, sizeof(e));
		secret_bytes(z)[31] ^= i == 5;
		open = NULL;
		assert_int_equal(sealed_key_from_z(&c, e, z, &open, NULL), RC_OK);
		if (sealed_share_open(open, 0, digest, sealed, out, NULL) != RC_VERIFY)
			fail_msg("opens under another %s", name[i]);
		sealed_key_free(open);
	}
	sealed_key_free(seal);
	secret_free(z);
	EVP_PKEY_free(t.key);
	EVP_PKEY_free(other.key);
}

static void
test_refuses(void **state)
{
	struct token		 t;
	struct sealed_context	 c;
	struct sealed_key	*k = NULL;
	struct secret		*z = secret_new(32), *longer = secret_new(33);
	uint8_t			 p[SEALED_POINT_BYTES], ephemeral[SEALED_POINT_BYTES] = { 9 };
	uint8_t			 zero[SEALED_POINT_BYTES] = { 4 };

	(void)state;
	token_up(&t);
	assert_int_equal(sealed_point_check(t.point, NULL), RC_OK);
	assert_int_equal(sealed_point_check(zero, NULL), RC_FORMAT);
	memcpy(p, t.point, sizeof(p));
	p[64] ^= 1;
	assert_int_equal(sealed_point_check(p, NULL), RC_FORMAT);
	assert_int_equal(sealed_key_encapsulate(&context, p, ephemeral, &k, NULL), RC_FORMAT);
	assert_int_equal(ephemeral[0], 9);
	assert_int_equal(sealed_key_from_z(&context, p, z, &k, NULL), RC_FORMAT);
	memset(p + 1, 0xff, 32);			/* x beyond the field */
	assert_int_equal(sealed_point_check(p, NULL), RC_FORMAT);
	/* 06 and 07 are the hybrid encodings of the same points: one encoding is enough. */
	memcpy(p, t.point, sizeof(p));
	p[0] = (uint8_t)(6 + (p[64] & 1));
	assert_int_equal(sealed_point_check(p, NULL), RC_FORMAT);
	memset(p, 0, sizeof(p));			/* infinity */
	assert_int_equal(sealed_point_check(p, NULL), RC_FORMAT);

	assert_int_equal(sealed_key_from_z(&context, t.point, longer, &k, NULL), RC_FORMAT);
	c = context;
	c.custodian = 0;
	assert_int_equal(sealed_key_from_z(&c, t.point, z, &k, NULL), RC_FORMAT);
	c.custodian = 32;
	assert_int_equal(sealed_key_from_z(&c, t.point, z, &k, NULL), RC_FORMAT);
	c = context;
	c.epoch = 0;
	assert_int_equal(sealed_key_encapsulate(&c, t.point, ephemeral, &k, NULL), RC_FORMAT);
	assert_null(k);
	secret_free(z);
	secret_free(longer);
	EVP_PKEY_free(t.key);
}

static void
test_info(void **state)
{
	struct buf	b = BUF_INIT(1000);
	uint8_t		point[SEALED_POINT_BYTES] = { 4, 8 }, nonce[SEALED_NONCE_BYTES];
	static const uint8_t	last[5] = { 3, 0, 0, 0, 7 };
	static const uint8_t	want[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4 };

	(void)state;
	sealed_info(&context, point, &b);
	assert_int_equal(b.rc, RC_OK);
	assert_int_equal(b.n, SEALED_INFO_BYTES);
	assert_memory_equal(b.p, "quorate/sealed-share/v1", 24);
	assert_memory_equal(b.p + 24, context.genesis, 32);
	assert_memory_equal(b.p + 56, context.batch_root, 32);
	assert_memory_equal(b.p + 88, last, 5);
	assert_memory_equal(b.p + 93, point, 65);
	buf_done(&b);
	sealed_nonce(0x01020304, nonce);
	assert_memory_equal(nonce, want, 12);
}

static void
test_no_memory(void **state)
{
	struct token		 t;
	struct sealed_key	*k = NULL;
	uint8_t			 ephemeral[SEALED_POINT_BYTES];
	unsigned long		 n;
	enum rc			 rc;

	(void)state;
	token_up(&t);
	for (n = 1;; n++) {
		fault_at(n);
		rc = sealed_key_encapsulate(&context, t.point, ephemeral, &k, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
		assert_null(k);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 4);
	sealed_key_free(k);
	EVP_PKEY_free(t.key);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_a_leaf_once),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_binding),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_no_memory),
	};

	if (secret_init(NULL) != RC_OK)
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

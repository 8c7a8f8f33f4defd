/* Vectors of RFC 9496, 9591 and 9497, read where they lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "shamir/dleq.h"
#include "tests/unit/vectors.h"

static void
test_9496_points(void **state)
{
	json_t	*v = vectors_json("zk/rfc9496-ristretto255.json"), *list, *item;
	uint8_t	 want[32], is[32], k[32] = { 0 };
	size_t	 i;

	(void)state;
	if (v == NULL)
		return;
	list = json_object_get(v, "multiples_of_generator_0_15");
	assert_int_equal(json_array_size(list), 16);
	for (i = 0; i < 16; i++) {
		unhex(json_string_value(json_array_get(list, i)), want, 32);
		assert_int_equal(shamir_is_point(want), i != 0);	/* 0 is the identity */
		shamir_scalar_of((uint8_t)i, k);
		if (i == 0)
			continue;
		assert_int_equal(crypto_scalarmult_ristretto255_base(is, k), 0);
		assert_memory_equal(is, want, 32);
	}
	list = json_object_get(v, "invalid_encodings");
	assert_true(json_array_size(list) >= 29);
	json_array_foreach(list, i, item) {
		unhex(json_string_value(item), want, 32);
		assert_false(shamir_is_point(want));
	}
	json_decref(v);
}

/* Our label is the one-way map of 64 bytes that expand_message_xmd gave. */
static void
test_9496_map(void **state)
{
	json_t	*v = vectors_json("zk/rfc9496-ristretto255.json"), *item;
	uint8_t	 wide[64], want[32], is[32];
	size_t	 i;

	(void)state;
	if (v == NULL)
		return;
	assert_int_equal(json_array_size(json_object_get(v, "one_way_map")), 7);
	json_array_foreach(json_object_get(v, "one_way_map"), i, item) {
		vectors_hex(item, "input", wide, 64);
		vectors_hex(item, "output", want, 32);
		assert_int_equal(crypto_core_ristretto255_from_hash(is, wide), 0);
		assert_memory_equal(is, want, 32);
	}
	json_decref(v);
}

static void
test_9591(void **state)
{
	json_t			*v = vectors_json("zk/rfc9591-frost-ristretto255-sha512.json");
	json_t			*d = vectors_json("zk/rfc9591-ristretto255-feldman-derived.json");
	json_t			*in, *item;
	struct secret_arena	*arena;
	struct shamir_commits	 commits;
	uint8_t			 c[2][32], want[32], at[32], *share[SHAMIR_SHARES_MAX];
	size_t			 i;

	(void)state;
	if (v == NULL || d == NULL)
		return;
	in = json_object_get(v, "inputs");
	arena = secret_arena_new(4096);
	assert_non_null(arena);
	vectors_hex(in, "group_secret_key", c[0], 32);
	unhex(json_string_value(json_array_get(json_object_get(in, "share_polynomial_coefficients"), 0)),
	    c[1], 32);
	assert_int_equal(shamir_split_with((const uint8_t (*)[32])c, 2, 3, arena, share, &commits, NULL),
	    RC_OK);

	json_array_foreach(json_object_get(in, "participant_shares"), i, item) {
		vectors_hex(item, "participant_share", want, 32);
		assert_memory_equal(share[json_integer_value(json_object_get(item, "identifier")) - 1],
		    want, 32);
	}
	assert_int_equal(i, 3);
	vectors_hex(in, "group_public_key", want, 32);
	assert_memory_equal(commits.point[0], want, 32);
	json_array_foreach(json_object_get(d, "vss_commitment"), i, item) {
		unhex(json_string_value(item), want, 32);
		assert_memory_equal(commits.point[i], want, 32);
	}
	assert_int_equal(i, 2);
	for (i = 1; i <= 3; i++) {
		assert_int_equal(shamir_share_verify(&commits, (uint8_t)i, share[i - 1], NULL), RC_OK);
		assert_int_equal(crypto_scalarmult_ristretto255_base(want, share[i - 1]), 0);
		assert_int_equal(shamir_share_commit(&commits, (uint8_t)i, at, NULL), RC_OK);
		assert_memory_equal(at, want, 32);
	}
	secret_arena_free(arena);
	json_decref(v);
	json_decref(d);
}

/* One element of RFC 9497: hash to the group, evaluation and, in mode 1, the proof. */
static void
check_oprf(const json_t *suite, const json_t *v, const uint8_t *dst, size_t dst_n)
{
	static const size_t	name_n = sizeof("HashToGroup-") - 1;
	const json_t		*proof = json_object_get(v, "Proof");
	const char		*text = json_string_value(json_object_get(v, "Input"));
	uint8_t			 k[32], blind[32], blinded[32], answer[32], public[32];
	uint8_t			 input[64], is[32], r[32], want[64], made[64];
	struct dleq		 d = { SPAN(dst + name_n, dst_n - name_n), public, blinded, answer };
	size_t			 n = strlen(text) / 2;

	vectors_hex(suite, "skSm", k, 32);
	vectors_hex(v, "Blind", blind, 32);
	vectors_hex(v, "BlindedElement", blinded, 32);
	vectors_hex(v, "EvaluationElement", answer, 32);
	assert_true(n <= sizeof(input));
	unhex(text, input, n);

	shamir_hash_to_point(SPAN(input, n), SPAN(dst, dst_n), is);
	assert_int_equal(crypto_scalarmult_ristretto255(is, blind, is), 0);
	assert_memory_equal(is, blinded, 32);
	if (proof == NULL)
		return;
	assert_int_equal(crypto_scalarmult_ristretto255(is, k, blinded), 0);
	assert_memory_equal(is, answer, 32);
	vectors_hex(suite, "pkSm", public, 32);
	vectors_hex(proof, "proof", want, 64);
	vectors_hex(proof, "r", r, 32);
	assert_int_equal(dleq_prove(&d, k, r, made, NULL), RC_OK);
	assert_memory_equal(made, want, 64);
	assert_int_equal(dleq_verify(&d, want, NULL), RC_OK);
	want[3] ^= 1;
	assert_int_equal(dleq_verify(&d, want, NULL), RC_VERIFY);
}

static void
test_9497(void **state)
{
	json_t		*all = vectors_json("zk/rfc9497-oprf-ristretto255-p256.json"), *suite, *v;
	const char	*text;
	uint8_t		 dst[64];
	size_t		 i, j, dst_n, done = 0, proofs = 0;

	(void)state;
	if (all == NULL)
		return;
	json_array_foreach(all, i, suite) {
		if (strcmp(json_string_value(json_object_get(suite, "identifier")),
		    "ristretto255-SHA512") != 0 ||
		    json_integer_value(json_object_get(suite, "mode")) > 1)
			continue;
		text = json_string_value(json_object_get(suite, "groupDST"));
		dst_n = strlen(text) / 2;
		assert_true(dst_n <= sizeof(dst));
		unhex(text, dst, dst_n);
		json_array_foreach(json_object_get(suite, "vectors"), j, v) {
			if (json_integer_value(json_object_get(v, "Batch")) != 1)
				continue;		/* ours proves one element */
			check_oprf(suite, v, dst, dst_n);
			proofs += json_object_get(v, "Proof") != NULL;
			done++;
		}
	}
	assert_int_equal(done, 4);
	assert_int_equal(proofs, 2);
	json_decref(all);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_9496_points),
		cmocka_unit_test(test_9496_map),
		cmocka_unit_test(test_9591),
		cmocka_unit_test(test_9497),
	};

	if (secret_init(NULL) != RC_OK)
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

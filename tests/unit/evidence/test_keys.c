/* keys-v1 and contributions-v1: one encoding, bound to one order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "audit/tree.h"
#include "evidence/keys.h"
#include "tests/unit/fault.h"

#define COUNT	3

static const uint8_t	order[SHA256_BYTES] = { 0x0d, 0x0e }, other[SHA256_BYTES] = { 0x0d, 0x0f };

static struct secret *
secret_of(const uint8_t *p, size_t n)
{
	struct secret *s = secret_new(n);

	assert_non_null(s);
	memcpy(secret_bytes(s), p, n);
	return s;
}

static struct secret *
point_of(uint8_t fill)
{
	struct secret	*s = secret_new(SHAMIR_POINT_BYTES);
	uint8_t		 wide[64];

	memset(wide, fill, sizeof(wide));
	assert_int_equal(crypto_core_ristretto255_from_hash(secret_bytes(s), wide), 0);
	return s;
}

static struct secret *
some_keys(void)
{
	struct secret *keys = NULL;

	assert_int_equal(keys_new(order, COUNT, &keys, NULL), RC_OK);
	for (uint32_t i = 0; i < COUNT; i++) {
		AUTO(secret_free) struct secret *p = point_of((uint8_t)(i + 1));

		keys_put(keys, i, p);
	}
	return keys;
}

static void
test_keys(void **state)
{
	AUTO(secret_free) struct secret *keys = some_keys();
	static const uint8_t head[5] = { 1, 0x0d, 0x0e, 0, 0 }, count[4] = { 0, 0, 0, COUNT };
	struct secret *p = NULL;

	(void)state;
	assert_int_equal(secret_len(keys), 37 + 32 * COUNT);
	assert_memory_equal(secret_view(keys), head, sizeof(head));
	assert_memory_equal(secret_view(keys) + 33, count, sizeof(count));
	assert_int_equal(keys_check(keys, order, COUNT, NULL), RC_OK);
	for (uint32_t i = 0; i < COUNT; i++) {
		AUTO(secret_free) struct secret *got = NULL, *want = point_of((uint8_t)(i + 1));

		assert_int_equal(keys_point(keys, i, &got, NULL), RC_OK);
		assert_true(secret_eq(got, want));
	}
	assert_int_equal(keys_point(keys, COUNT, &p, NULL), RC_USAGE);
	assert_null(p);
	assert_int_equal(keys_check(keys, other, COUNT, NULL), RC_VERIFY);
	assert_int_equal(keys_check(keys, order, COUNT + 1, NULL), RC_VERIFY);
	assert_int_equal(keys_check(keys, order, COUNT - 1, NULL), RC_VERIFY);
	assert_int_equal(keys_new(order, 0, &p, NULL), RC_FORMAT);
	assert_int_equal(keys_new(order, SCOPE_SEGMENTS_MAX + 1, &p, NULL), RC_FORMAT);
	fault_at(1);
	assert_int_equal(keys_new(order, 1, &p, NULL), RC_NOMEM);
	assert_true(fault_fired());
	fault_at(1);
	assert_int_equal(keys_point(keys, 0, &p, NULL), RC_NOMEM);
	assert_true(fault_fired());
	assert_null(p);
}

/* Byte, its new value, verdict; of a good plaintext of three. */
static const struct change {
	size_t	at;
	uint8_t	to;
	enum rc	rc;
} keys_changes[] = {
	{ 0, 0, RC_FORMAT }, { 0, 2, RC_FORMAT },
	{ 1, 0, RC_VERIFY }, { 32, 1, RC_VERIFY },
	{ 33, 1, RC_FORMAT }, { 36, 0, RC_FORMAT }, { 36, 2, RC_FORMAT }, { 36, 4, RC_FORMAT },
	{ 37 + 31, 0xff, RC_FORMAT }, { 37 + 95, 0xff, RC_FORMAT },
};

static void
test_keys_refused(void **state)
{
	AUTO(secret_free) struct secret *good = some_keys();
	size_t	n = secret_len(good);

	(void)state;
	for (size_t i = 0; i < sizeof(keys_changes) / sizeof(keys_changes[0]); i++) {
		AUTO(secret_free) struct secret *s = secret_of(secret_view(good), n);

		secret_bytes(s)[keys_changes[i].at] = keys_changes[i].to;
		assert_int_equal(keys_check(s, order, COUNT, NULL), keys_changes[i].rc);
	}
	{
		AUTO(secret_free) struct secret *s = secret_of(secret_view(good), n);

		secret_bytes(s)[37 + 31] |= 0x80;	/* a second encoding of the same element */
		assert_int_equal(keys_check(s, order, COUNT, NULL), RC_FORMAT);
	}
	for (size_t cut = 1; cut < n; cut++) {
		AUTO(secret_free) struct secret *s = secret_of(secret_view(good), cut);

		assert_int_equal(keys_check(s, order, COUNT, NULL), RC_FORMAT);
	}
	{
		AUTO(secret_free) struct secret *s = secret_new(n + 1), *zero = NULL;
		AUTO(secret_free) struct secret *none = secret_of(secret_view(good), KEYS_HEAD_BYTES);

		memcpy(secret_bytes(s), secret_view(good), n);
		assert_int_equal(keys_check(s, order, COUNT, NULL), RC_FORMAT);
		secret_bytes(none)[36] = 0;		/* no keys, and that is what it says */
		assert_int_equal(keys_check(none, order, 0, NULL), RC_FORMAT);
		/* The identity is the key of every segment: never a key. */
		assert_int_equal(keys_new(order, 1, &zero, NULL), RC_OK);
		assert_int_equal(keys_check(zero, order, 1, NULL), RC_FORMAT);
	}
}

static struct secret *
some_contributions(void)
{
	struct secret *s = NULL;

	assert_int_equal(contributions_new(4, order, COUNT, &s, NULL), RC_OK);
	for (uint32_t i = 0; i < COUNT; i++) {
		struct shamir_contribution c = { .index = 4 };

		memset(c.point, (int)i + 1, sizeof(c.point));
		memset(c.proof, (int)i + 0x21, sizeof(c.proof));
		contributions_put(s, i, &c);
	}
	return s;
}

static void
test_contributions(void **state)
{
	AUTO(secret_free) struct secret *s = some_contributions();
	uint8_t	record[97], leaf[COUNT][TREE_HASH_BYTES], want[32], root[32];

	(void)state;
	assert_int_equal(secret_len(s), 38 + 97 * COUNT);
	assert_int_equal(contributions_check(s, 4, order, COUNT, NULL), RC_OK);
	for (uint32_t i = 0; i < COUNT; i++) {
		struct shamir_contribution c;

		contributions_get(s, i, &c);
		assert_int_equal(c.index, 4);
		assert_int_equal(c.point[31], i + 1);
		assert_int_equal(c.proof[63], i + 0x21);
		shamir_contribution_write(&c, record);
		assert_memory_equal(record, secret_view(s) + 38 + 97 * i, sizeof(record));
		tree_leaf(SPAN_OF(record), leaf[i]);
	}
	tree_root((const uint8_t (*)[TREE_HASH_BYTES])leaf, COUNT, want);
	assert_int_equal(contributions_root(s, root, NULL), RC_OK);
	assert_memory_equal(root, want, sizeof(want));
}

static const struct change contributions_changes[] = {
	{ 0, 2, RC_FORMAT }, { 1, 0, RC_FORMAT }, { 1, 32, RC_FORMAT }, { 1, 5, RC_FORMAT },
	{ 2, 0, RC_VERIFY }, { 33, 1, RC_VERIFY },
	{ 34, 1, RC_FORMAT }, { 37, 0, RC_FORMAT }, { 37, 2, RC_FORMAT }, { 37, 4, RC_FORMAT },
	{ 38, 5, RC_FORMAT }, { 38 + 2 * 97, 0, RC_FORMAT },
};

static void
test_contributions_refused(void **state)
{
	AUTO(secret_free) struct secret *good = some_contributions();
	struct secret *p = NULL;
	size_t	n = secret_len(good);

	(void)state;
	for (size_t i = 0; i < sizeof(contributions_changes) / sizeof(contributions_changes[0]); i++) {
		AUTO(secret_free) struct secret *s = secret_of(secret_view(good), n);

		secret_bytes(s)[contributions_changes[i].at] = contributions_changes[i].to;
		assert_int_equal(contributions_check(s, 4, order, COUNT, NULL), contributions_changes[i].rc);
	}
	for (size_t cut = 1; cut < n; cut++) {
		AUTO(secret_free) struct secret *s = secret_of(secret_view(good), cut);

		assert_int_equal(contributions_check(s, 4, order, COUNT, NULL), RC_FORMAT);
	}
	{
		AUTO(secret_free) struct secret *s = secret_new(n + 1), *zero = secret_of(secret_view(good), n);
		AUTO(secret_free) struct secret *none = secret_of(secret_view(good), CONTRIBUTIONS_HEAD_BYTES);

		memcpy(secret_bytes(s), secret_view(good), n);
		assert_int_equal(contributions_check(s, 4, order, COUNT, NULL), RC_FORMAT);
		secret_bytes(none)[37] = 0;
		assert_int_equal(contributions_check(none, 4, order, 0, NULL), RC_FORMAT);
		secret_bytes(zero)[1] = 0;		/* custodian 0, all of it */
		for (size_t i = 0; i < COUNT; i++)
			secret_bytes(zero)[CONTRIBUTIONS_BYTES(i)] = 0;
		assert_int_equal(contributions_check(zero, 0, order, COUNT, NULL), RC_FORMAT);
	}
	assert_int_equal(contributions_check(good, 3, order, COUNT, NULL), RC_VERIFY);
	assert_int_equal(contributions_check(good, 4, other, COUNT, NULL), RC_VERIFY);
	assert_int_equal(contributions_check(good, 4, order, COUNT + 1, NULL), RC_VERIFY);
	assert_int_equal(contributions_new(0, order, 1, &p, NULL), RC_FORMAT);
	assert_int_equal(contributions_new(32, order, 1, &p, NULL), RC_FORMAT);
	assert_int_equal(contributions_new(1, order, 0, &p, NULL), RC_FORMAT);
	assert_int_equal(contributions_new(1, order, SCOPE_SEGMENTS_MAX + 1, &p, NULL), RC_FORMAT);
	fault_at(1);
	assert_int_equal(contributions_new(1, order, 1, &p, NULL), RC_NOMEM);
	assert_true(fault_fired());
	assert_null(p);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_keys_refused),
		cmocka_unit_test(test_contributions),
		cmocka_unit_test(test_contributions_refused),
	};

	if (secret_init(NULL) != RC_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

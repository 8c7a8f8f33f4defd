#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit/tree.h"
#include "tests/unit/audit/naive.h"
#include "tests/unit/fault.h"

#define SIZE	70

static uint8_t	leaf[SIZE][TREE_HASH_BYTES];

static int
setup(void **state)
{
	(void)state;
	for (uint8_t i = 0; i < SIZE; i++)
		tree_leaf(SPAN(&i, 1), leaf[i]);
	return 0;
}

/* --- a source of nodes that can be told to fail --------------------------- */

struct source {
	uint64_t	size;
	unsigned	reads, fail_at;	/* the nth read fails; 0: none does */
};

static enum rc
source_read(void *user, uint8_t level, uint64_t index,
    uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	struct source	*s = user;

	if (++s->reads == s->fail_at)
		return err_set(err, RC_IO, "told to fail");
	/* Only complete nodes are ever stored. */
	assert_true(level < 8);
	assert_true(((index + 1) << level) <= s->size);
	naive_root(leaf + (index << level), (size_t)1 << level, ret);
	return RC_OK;
}

/* --- hashes ---------------------------------------------------------------- */

static void
test_hashes(void **state)
{
	uint8_t		got[TREE_HASH_BYTES], want[TREE_HASH_BYTES];
	uint8_t		bytes[1 + 64] = { 0x01 };

	(void)state;
	tree_empty(got);
	sha256_one(want, SPAN(NULL, 0));
	assert_memory_equal(got, want, sizeof(want));
	tree_leaf(SPAN_STR("ab"), got);
	sha256_one(want, SPAN("\0ab", 3));
	assert_memory_equal(got, want, sizeof(want));
	tree_leaf2(SPAN_STR("a"), SPAN_STR("b"), got);
	assert_memory_equal(got, want, sizeof(want));
	memcpy(bytes + 1, leaf[0], 32);
	memcpy(bytes + 33, leaf[1], 32);
	sha256_one(want, SPAN_OF(bytes));
	tree_node(leaf[0], leaf[1], got);
	assert_memory_equal(got, want, sizeof(want));
}

/* --- ranges ---------------------------------------------------------------- */

static struct {
	unsigned	calls, fail_at;
	uint8_t		last_level;
} emitted;

static enum rc
check_node(void *user, uint8_t level, uint64_t index,
    const uint8_t hash[TREE_HASH_BYTES], struct err *err)
{
	uint8_t	want[TREE_HASH_BYTES];

	(void)user;
	if (++emitted.calls == emitted.fail_at)
		return err_set(err, RC_IO, "told to fail");
	naive_root(leaf + (index << level), (size_t)1 << level, want);
	assert_memory_equal(hash, want, sizeof(want));
	emitted.last_level = level;
	return RC_OK;
}

static void
test_range(void **state)
{
	struct tree_range	r = TREE_RANGE_INIT, at = TREE_RANGE_INIT;
	struct source		source = { .size = 0 };
	uint8_t			got[TREE_HASH_BYTES], want[TREE_HASH_BYTES];

	(void)state;
	memset(&emitted, 0, sizeof(emitted));
	for (uint64_t n = 0; n <= SIZE; n++) {
		naive_root(leaf, n, want);
		tree_range_root(&r, got);
		assert_memory_equal(got, want, sizeof(want));
		tree_root(leaf, n, got);
		assert_memory_equal(got, want, sizeof(want));
		source.size = n;
		assert_int_equal(tree_root_at(source_read, &source, n, got, NULL), RC_OK);
		assert_memory_equal(got, want, sizeof(want));
		assert_int_equal(tree_range_at(source_read, &source, n, &at, NULL), RC_OK);
		assert_int_equal(at.size, n);
		tree_range_root(&at, got);
		assert_memory_equal(got, want, sizeof(want));
		if (n == SIZE)
			break;
		assert_int_equal(tree_range_add(&r, leaf[n], check_node, NULL, NULL), RC_OK);
		assert_int_equal(emitted.last_level, __builtin_ctzll(n + 1));
	}
	/* 2n - popcount(n) nodes are complete after n leaves. */
	assert_int_equal(emitted.calls, 2 * SIZE - __builtin_popcount(SIZE));
}

/* A caller that could not store a node must be able to try again. */
static void
test_range_emit_fails(void **state)
{
	struct tree_range	r = TREE_RANGE_INIT, was;
	uint8_t			got[TREE_HASH_BYTES], want[TREE_HASH_BYTES];

	(void)state;
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(tree_range_add(&r, leaf[i], NULL, NULL, NULL), RC_OK);
	was = r;
	for (unsigned n = 1; n <= 4; n++) {
		memset(&emitted, 0, sizeof(emitted));
		emitted.fail_at = n;
		assert_int_equal(tree_range_add(&r, leaf[7], check_node, NULL, NULL), RC_IO);
		assert_memory_equal(&r, &was, sizeof(r));
	}
	assert_int_equal(tree_range_add(&r, leaf[7], NULL, NULL, NULL), RC_OK);
	tree_range_root(&r, got);
	naive_root(leaf, 8, want);
	assert_memory_equal(got, want, sizeof(want));
	r.size = (UINT64_C(1) << 63) - 1;
	assert_int_equal(tree_range_add(&r, leaf[0], NULL, NULL, NULL), RC_LIMIT);
}

/* --- proofs: against the definitions, then broken in each way --------------- */

typedef enum rc (*verify_fn)(const struct tree_path *p, const void *user);

/* Every single change to a good proof must be refused. */
static void
refuse_changes(const struct tree_path *good, verify_fn verify, const void *user)
{
	struct tree_path	p = *good;

	assert_int_equal(verify(&p, user), RC_OK);
	for (unsigned i = 0; i < good->n; i++) {
		p.hash[i][i % 32] ^= 1;
		assert_int_equal(verify(&p, user), RC_VERIFY);
		p = *good;
		memmove(p.hash[i], p.hash[i + 1], (size_t)(good->n - i - 1) * 32);
		p.n--;
		assert_int_equal(verify(&p, user), RC_VERIFY);
		p = *good;
	}
	p.n++;
	memcpy(p.hash[good->n], leaf[0], 32);
	assert_int_equal(verify(&p, user), RC_VERIFY);
	memmove(p.hash[1], p.hash[0], (size_t)good->n * 32);
	assert_int_equal(verify(&p, user), RC_VERIFY);
}

struct inclusion {
	uint64_t	index, size;
	const uint8_t	*leaf, *root;
};

static enum rc
verify_inclusion(const struct tree_path *p, const void *user)
{
	const struct inclusion	*i = user;

	return tree_inclusion_verify(i->leaf, i->index, i->size, p, i->root, NULL);
}

static void
test_inclusion(void **state)
{
	struct tree_path	p = { .n = 0 }, mem = { .n = 0 }, want;
	uint8_t			root[TREE_HASH_BYTES];
	struct source		source = { .size = 0 };
	struct inclusion	in;

	(void)state;
	for (uint64_t size = 1; size <= SIZE; size++)
		for (uint64_t i = 0; i < size; i++) {
			naive_root(leaf, size, root);
			naive_inclusion(leaf, i, size, &want);
			source = (struct source){ .size = size };
			assert_int_equal(tree_inclusion(source_read, &source, i, size, &p, NULL), RC_OK);
			assert_true(source.reads <= 2 * 7);
			assert_true(naive_path_eq(&p, &want));
			assert_int_equal(tree_inclusion_of(leaf, size, i, &mem, NULL), RC_OK);
			assert_true(naive_path_eq(&mem, &want));
			in = (struct inclusion){ i, size, leaf[i], root };
			refuse_changes(&p, verify_inclusion, &in);
			in.leaf = leaf[(i + 1) % SIZE];
			assert_int_equal(verify_inclusion(&p, &in), RC_VERIFY);
			in.leaf = leaf[i];
			in.index = i + 1;
			assert_int_equal(verify_inclusion(&p, &in), RC_VERIFY);
		}
}

struct consistency {
	uint64_t	old, size;
	const uint8_t	*old_root, *root;
};

static enum rc
verify_consistency(const struct tree_path *p, const void *user)
{
	const struct consistency	*c = user;

	return tree_consistency_verify(c->old, c->old_root, c->size, c->root, p, NULL);
}

static void
test_consistency(void **state)
{
	struct tree_path	p = { .n = 0 }, want;
	uint8_t			root[TREE_HASH_BYTES], old_root[TREE_HASH_BYTES];
	struct source		source = { .size = 0 };
	struct consistency	c;

	(void)state;
	for (uint64_t size = 1; size <= SIZE; size++)
		for (uint64_t old = 0; old <= size; old++) {
			naive_root(leaf, size, root);
			naive_root(leaf, old, old_root);
			naive_consistency(leaf, old, size, &want);
			source = (struct source){ .size = size };
			assert_int_equal(tree_consistency(source_read, &source, old, size, &p, NULL), RC_OK);
			assert_true(source.reads <= 2 * 7);
			assert_true(naive_path_eq(&p, &want));
			c = (struct consistency){ old, size, old_root, root };
			refuse_changes(&p, verify_consistency, &c);
			/* Another past under the same present. */
			c.old_root = leaf[0];
			if (old != 1)
				assert_int_equal(verify_consistency(&p, &c), RC_VERIFY);
			c.old_root = old_root;
			/* From nothing, any present is a good one. */
			c.root = leaf[1];
			if (old != 0)
				assert_int_equal(verify_consistency(&p, &c), RC_VERIFY);
		}
}

/* --- limits ------------------------------------------------------------------ */

static void
test_limits(void **state)
{
	struct tree_path	p = { .n = 0 };
	struct tree_range	r = TREE_RANGE_INIT;
	struct source		source = { .size = 5 };
	const uint64_t		huge = UINT64_C(1) << 63;
	uint8_t			root[TREE_HASH_BYTES], zero[TREE_HASH_BYTES] = { 0 };

	(void)state;
	assert_int_equal(tree_inclusion(source_read, &source, 5, 5, &p, NULL), RC_USAGE);
	assert_int_equal(tree_inclusion(source_read, &source, 0, 0, &p, NULL), RC_USAGE);
	assert_int_equal(tree_inclusion_of(leaf, 5, 5, &p, NULL), RC_USAGE);
	assert_int_equal(tree_consistency(source_read, &source, 6, 5, &p, NULL), RC_USAGE);
	assert_int_equal(tree_inclusion(source_read, &source, 0, huge, &p, NULL), RC_LIMIT);
	assert_int_equal(tree_consistency(source_read, &source, 1, huge, &p, NULL), RC_LIMIT);
	assert_int_equal(tree_root_at(source_read, &source, huge, root, NULL), RC_LIMIT);
	assert_int_equal(tree_range_at(source_read, &source, huge, &r, NULL), RC_LIMIT);
	assert_int_equal(source.reads, 0);
	/* What a peer might claim. */
	assert_int_equal(tree_inclusion_verify(leaf[0], 0, 0, &p, leaf[0], NULL), RC_VERIFY);
	assert_int_equal(tree_inclusion_verify(leaf[0], 1, 1, &p, leaf[0], NULL), RC_VERIFY);
	assert_int_equal(tree_inclusion_verify(leaf[0], UINT64_MAX - 1, UINT64_MAX, &p, leaf[0], NULL), RC_VERIFY);
	assert_int_equal(tree_consistency_verify(2, leaf[0], 1, leaf[0], &p, NULL), RC_VERIFY);
	assert_int_equal(tree_consistency_verify(0, zero, 0, zero, &p, NULL), RC_VERIFY);
	assert_int_equal(tree_consistency_verify(0, zero, 3, zero, &p, NULL), RC_VERIFY);
	p.n = UINT8_MAX;
	assert_int_equal(tree_inclusion_verify(leaf[0], 0, UINT64_MAX, &p, leaf[0], NULL), RC_VERIFY);
	assert_int_equal(tree_consistency_verify(3, leaf[0], UINT64_MAX, leaf[0], &p, NULL), RC_VERIFY);
	p.n = 0;
	assert_int_equal(tree_consistency_verify(3, leaf[0], 5, leaf[0], &p, NULL), RC_VERIFY);
	assert_int_equal(tree_consistency_verify(4, leaf[0], 5, leaf[0], &p, NULL), RC_VERIFY);
}

/* The largest tree there can be, made up along one path; one leaf more is refused. */
static void
test_largest(void **state)
{
	const uint64_t		huge = UINT64_C(1) << 63;
	struct tree_path	p = { .n = 63 };
	uint8_t			root[TREE_HASH_BYTES], old_root[TREE_HASH_BYTES];

	(void)state;
	memcpy(root, leaf[0], sizeof(root));
	memset(p.hash, 0xab, sizeof(p.hash));
	for (unsigned i = 0; i < 63; i++)
		tree_node(root, p.hash[i], root);
	assert_int_equal(tree_inclusion_verify(leaf[0], 0, huge - 1, &p, root, NULL), RC_OK);
	assert_int_equal(tree_inclusion_verify(leaf[0], 0, huge, &p, root, NULL), RC_VERIFY);
	assert_int_equal(tree_consistency_verify(1, leaf[0], huge - 1, root, &p, NULL), RC_OK);
	assert_int_equal(tree_consistency_verify(1, leaf[0], huge, root, &p, NULL), RC_VERIFY);
	/* The loop would take 3 for a prefix of 2. */
	memcpy(p.hash[0], leaf[0], TREE_HASH_BYTES);
	memcpy(p.hash[1], leaf[1], TREE_HASH_BYTES);
	p.n = 2;
	memcpy(old_root, leaf[0], sizeof(old_root));
	tree_node(leaf[0], leaf[1], root);
	assert_int_equal(tree_consistency_verify(3, old_root, 2, root, &p, NULL), RC_VERIFY);
}

/* The nth read fails: its code comes back, and nothing is half-written. */
static void
test_reads_fail(void **state)
{
	struct tree_path	p, was;
	struct tree_range	r, r_was;
	struct source		source;
	unsigned		n;
	enum rc			rc;

	(void)state;
	memset(&was, 7, sizeof(was));
	memset(&r_was, 7, sizeof(r_was));
	for (n = 1;; n++) {
		p = was;
		source = (struct source){ .size = SIZE, .fail_at = n };
		rc = tree_inclusion(source_read, &source, 3, SIZE, &p, NULL);
		if (source.reads < n)
			break;
		assert_int_equal(rc, RC_IO);
		assert_memory_equal(&p, &was, sizeof(p));
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 1);
	for (n = 1;; n++) {
		p = was;
		source = (struct source){ .size = SIZE, .fail_at = n };
		rc = tree_consistency(source_read, &source, 37, SIZE, &p, NULL);
		if (source.reads < n)
			break;
		assert_int_equal(rc, RC_IO);
		assert_memory_equal(&p, &was, sizeof(p));
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 1);
	r = r_was;
	source = (struct source){ .size = SIZE, .fail_at = 2 };
	assert_int_equal(tree_range_at(source_read, &source, SIZE, &r, NULL), RC_IO);
	assert_memory_equal(&r, &r_was, sizeof(r));
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_hashes),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_range_emit_fails),
		cmocka_unit_test(test_inclusion),
		cmocka_unit_test(test_consistency),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_reads_fail),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

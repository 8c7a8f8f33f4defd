#include <string.h>

#include "tests/unit/audit/naive.h"

static uint64_t
largest_power_below(uint64_t n)
{
	uint64_t	k = 1;

	while (k * 2 < n)
		k *= 2;
	return k;
}

void
naive_root(const uint8_t (*leaf)[TREE_HASH_BYTES], uint64_t n,
    uint8_t ret[TREE_HASH_BYTES])
{
	uint8_t		in[1 + 2 * TREE_HASH_BYTES] = { 0x01 };
	uint64_t	k;

	if (n == 0) {
		sha256_one(ret, SPAN(NULL, 0));
		return;
	}
	if (n == 1) {
		memcpy(ret, leaf[0], TREE_HASH_BYTES);
		return;
	}
	k = largest_power_below(n);
	naive_root(leaf, k, in + 1);
	naive_root(leaf + k, n - k, in + 1 + TREE_HASH_BYTES);
	sha256_one(ret, SPAN_OF(in));
}

void
naive_inclusion(const uint8_t (*leaf)[TREE_HASH_BYTES], uint64_t m, uint64_t n,
    struct tree_path *ret)
{
	uint64_t	k;

	if (n == 1) {
		ret->n = 0;
		return;
	}
	k = largest_power_below(n);
	if (m < k) {
		naive_inclusion(leaf, m, k, ret);
		naive_root(leaf + k, n - k, ret->hash[ret->n++]);
	} else {
		naive_inclusion(leaf + k, m - k, n - k, ret);
		naive_root(leaf, k, ret->hash[ret->n++]);
	}
}

static void
subproof(const uint8_t (*leaf)[TREE_HASH_BYTES], uint64_t m, uint64_t n,
    bool whole, struct tree_path *ret)
{
	uint64_t	k;

	if (m == n) {
		ret->n = 0;
		if (!whole)
			naive_root(leaf, n, ret->hash[ret->n++]);
		return;
	}
	k = largest_power_below(n);
	if (m <= k) {
		subproof(leaf, m, k, whole, ret);
		naive_root(leaf + k, n - k, ret->hash[ret->n++]);
	} else {
		subproof(leaf + k, m - k, n - k, false, ret);
		naive_root(leaf, k, ret->hash[ret->n++]);
	}
}

void
naive_consistency(const uint8_t (*leaf)[TREE_HASH_BYTES], uint64_t m,
    uint64_t n, struct tree_path *ret)
{
	ret->n = 0;
	if (m != 0)
		subproof(leaf, m, n, true, ret);
}

bool
naive_path_eq(const struct tree_path *a, const struct tree_path *b)
{
	return a->n == b->n &&
	    memcmp(a->hash, b->hash, (size_t)a->n * TREE_HASH_BYTES) == 0;
}

/*
 * tests/unit/audit/naive.h - RFC 9162 section 2.1 word for word, recursively.
 *
 * The definitions that the code under test is measured against: slow, obvious.
 */
#ifndef TESTS_UNIT_AUDIT_NAIVE_H
#define TESTS_UNIT_AUDIT_NAIVE_H

#include "audit/tree.h"

void	 naive_root(const uint8_t (*leaf)[TREE_HASH_BYTES], uint64_t n, uint8_t ret[TREE_HASH_BYTES]);
void	 naive_inclusion(const uint8_t (*leaf)[TREE_HASH_BYTES], uint64_t m, uint64_t n, struct tree_path *ret);
/* Also 0 and n itself, where RFC 9162 defines nothing: empty. */
void	 naive_consistency(const uint8_t (*leaf)[TREE_HASH_BYTES], uint64_t m, uint64_t n, struct tree_path *ret);
bool	 naive_path_eq(const struct tree_path *a, const struct tree_path *b);

#endif

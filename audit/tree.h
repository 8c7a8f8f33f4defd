/*
 * audit/tree.h - the Merkle tree of RFC 6962 / RFC 9162: hashes, ranges, proofs.
 *
 * leaf = SHA-256(00 || data), node = SHA-256(01 || left || right), the empty
 * tree is SHA-256(""). Used by the log, by batches of descriptors, by receipts
 * and by ciphertext trees. Pure. Threads: distinct objects are independent.
 */
#ifndef AUDIT_TREE_H
#define AUDIT_TREE_H

#include "base/bytes.h"

#define TREE_HASH_BYTES	32
#define TREE_PATH_MAX	64	/* hashes in a proof */

struct tree_path {
	uint8_t	n;
	uint8_t	hash[TREE_PATH_MAX][TREE_HASH_BYTES];
};

void	 tree_empty(uint8_t ret[TREE_HASH_BYTES]);
void	 tree_leaf(struct span data, uint8_t ret[TREE_HASH_BYTES]);
/* As tree_leaf over a || b, without joining them. */
void	 tree_leaf2(struct span a, struct span b, uint8_t ret[TREE_HASH_BYTES]);
void	 tree_node(const uint8_t left[TREE_HASH_BYTES], const uint8_t right[TREE_HASH_BYTES],
	    uint8_t ret[TREE_HASH_BYTES]);

/*
 * A compact range: the roots of the perfect subtrees of 0..size, largest first.
 * All that a replica needs to extend a log and know its root.
 */
struct tree_range {
	uint64_t	size;
	uint8_t		node[TREE_PATH_MAX][TREE_HASH_BYTES];	/* popcount(size) of them */
};
#define TREE_RANGE_INIT	((struct tree_range){ .size = 0 })

/*
 * Adds one leaf hash. Each node that becomes complete is reported through
 * `emit` (may be NULL): level 0 is the leaf itself; index counts within a level.
 */
typedef enum rc (*tree_emit)(void *user, uint8_t level, uint64_t index,
    const uint8_t hash[TREE_HASH_BYTES], struct err *err);
MUST_USE enum rc tree_range_add(struct tree_range *r, const uint8_t leaf[TREE_HASH_BYTES],
    tree_emit emit, void *user, struct err *err);
void	 tree_range_root(const struct tree_range *r, uint8_t ret[TREE_HASH_BYTES]);

/* Reads a complete node. RC_MISSING or RC_IO stop the caller with that code. */
typedef enum rc (*tree_read)(void *user, uint8_t level, uint64_t index,
    uint8_t ret[TREE_HASH_BYTES], struct err *err);

/* From stored complete nodes, for any past size; O(log size) reads. */
MUST_USE enum rc tree_root_at(tree_read read, void *user, uint64_t size,
    uint8_t ret[TREE_HASH_BYTES], struct err *err);
/* The compact range at `size`, to go on from there. */
MUST_USE enum rc tree_range_at(tree_read read, void *user, uint64_t size,
    struct tree_range *ret, struct err *err);
/* RC_USAGE: index >= size. */
MUST_USE enum rc tree_inclusion(tree_read read, void *user, uint64_t index, uint64_t size,
    struct tree_path *ret, struct err *err);
/* RC_USAGE: old > size. old == 0 or old == size gives the empty proof. */
MUST_USE enum rc tree_consistency(tree_read read, void *user, uint64_t old, uint64_t size,
    struct tree_path *ret, struct err *err);

/* RFC 9162 2.1.3.2 and 2.1.4.2. RC_VERIFY when the proof fails. */
MUST_USE enum rc tree_inclusion_verify(const uint8_t leaf[TREE_HASH_BYTES], uint64_t index,
    uint64_t size, const struct tree_path *path, const uint8_t root[TREE_HASH_BYTES], struct err *err);
MUST_USE enum rc tree_consistency_verify(uint64_t old, const uint8_t old_root[TREE_HASH_BYTES],
    uint64_t size, const uint8_t root[TREE_HASH_BYTES], const struct tree_path *path, struct err *err);

/* The root and proofs over n leaf hashes in memory (batches, receipts, parts). */
void	 tree_root(const uint8_t (*leaf)[TREE_HASH_BYTES], uint64_t n, uint8_t ret[TREE_HASH_BYTES]);
MUST_USE enum rc tree_inclusion_of(const uint8_t (*leaf)[TREE_HASH_BYTES], uint64_t n,
    uint64_t index, struct tree_path *ret, struct err *err);

#endif

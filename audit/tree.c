#include "audit/tree.h"

#include <string.h>

/* A path is never longer than its array while sizes stay below this. */
#define TREE_SIZE_MAX	(UINT64_C(1) << 63)

void
tree_empty(uint8_t ret[TREE_HASH_BYTES])
{
	sha256_one(ret, SPAN(NULL, 0));
}

void
tree_leaf(struct span data, uint8_t ret[TREE_HASH_BYTES])
{
	tree_leaf2(data, SPAN(NULL, 0), ret);
}

void
tree_leaf2(struct span a, struct span b, uint8_t ret[TREE_HASH_BYTES])
{
	static const uint8_t	tag = 0x00;
	struct span		in[] = { SPAN(&tag, 1), a, b };

	sha256(ret, in, 3);
}

void
tree_node(const uint8_t left[TREE_HASH_BYTES],
    const uint8_t right[TREE_HASH_BYTES], uint8_t ret[TREE_HASH_BYTES])
{
	static const uint8_t	tag = 0x01;
	struct span		in[] = { SPAN(&tag, 1),
				    SPAN(left, TREE_HASH_BYTES),
				    SPAN(right, TREE_HASH_BYTES) };

	sha256(ret, in, 3);
}

/* --- compact ranges ------------------------------------------------------ */

static unsigned
popcount(uint64_t v)
{
	return (unsigned)__builtin_popcountll(v);
}

enum rc
tree_range_add(struct tree_range *r, const uint8_t leaf[TREE_HASH_BYTES],
    tree_emit emit, void *user, struct err *err)
{
	uint8_t		node[TREE_HASH_BYTES];
	unsigned	have = popcount(r->size);
	uint8_t		level = 0;

	if (r->size >= TREE_SIZE_MAX - 1)
		return err_set(err, RC_LIMIT, "tree: full");
	memcpy(node, leaf, sizeof(node));
	if (emit != NULL)
		TRY(emit(user, 0, r->size, node, err));
	/* Each trailing one bit of the size is a neighbour of equal height. */
	for (; (r->size >> level) & 1; level++) {
		tree_node(r->node[--have], node, node);
		if (emit != NULL)
			TRY(emit(user, (uint8_t)(level + 1),
			    r->size >> (level + 1), node, err));
	}
	memcpy(r->node[have], node, sizeof(node));
	r->size++;
	return RC_OK;
}

void
tree_range_root(const struct tree_range *r, uint8_t ret[TREE_HASH_BYTES])
{
	unsigned	i = popcount(r->size);

	if (i == 0) {
		tree_empty(ret);
		return;
	}
	memcpy(ret, r->node[--i], TREE_HASH_BYTES);
	while (i > 0)
		tree_node(r->node[--i], ret, ret);
}

/* --- from stored nodes --------------------------------------------------- */

struct nodes {
	tree_read	 read;
	void		*user;
};

/* The range of lo..hi, where lo is a multiple of a power of two >= hi - lo. */
static enum rc
range_between(const struct nodes *n, uint64_t lo, uint64_t hi,
    struct tree_range *ret, struct err *err)
{
	uint64_t	width = hi - lo;
	unsigned	i = 0;

	for (uint8_t level = 63; level < 64; level--) {
		if (((width >> level) & 1) == 0)
			continue;
		TRY(n->read(n->user, level, lo >> level, ret->node[i++], err));
		lo += UINT64_C(1) << level;
	}
	ret->size = width;
	return RC_OK;
}

static enum rc
hash_between(const struct nodes *n, uint64_t lo, uint64_t hi,
    uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	struct tree_range	r = TREE_RANGE_INIT;

	TRY(range_between(n, lo, hi, &r, err));
	tree_range_root(&r, ret);
	return RC_OK;
}

static enum rc
size_check(uint64_t size, struct err *err)
{
	if (size >= TREE_SIZE_MAX)
		return err_set(err, RC_LIMIT, "tree: size over 2^63");
	return RC_OK;
}

enum rc
tree_range_at(tree_read read, void *user, uint64_t size,
    struct tree_range *ret, struct err *err)
{
	struct nodes		n = { read, user };
	struct tree_range	r = TREE_RANGE_INIT;

	TRY(size_check(size, err));
	TRY(range_between(&n, 0, size, &r, err));
	*ret = r;
	return RC_OK;
}

enum rc
tree_root_at(tree_read read, void *user, uint64_t size,
    uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	struct tree_range	r = TREE_RANGE_INIT;

	TRY(tree_range_at(read, user, size, &r, err));
	tree_range_root(&r, ret);
	return RC_OK;
}

/* Where RFC 9162 splits width > 1 leaves: the largest power of two below it. */
static uint64_t
split(uint64_t width)
{
	return UINT64_C(1) << (63 - __builtin_clzll(width - 1));
}

/* Walks go from the root down; a proof lists from the leaf up. */
static void
path_reverse(struct tree_path *p)
{
	uint8_t	t[TREE_HASH_BYTES];

	for (unsigned i = 0, j = p->n; i + 1 < j; i++) {
		j--;
		memcpy(t, p->hash[i], sizeof(t));
		memcpy(p->hash[i], p->hash[j], sizeof(t));
		memcpy(p->hash[j], t, sizeof(t));
	}
}

enum rc
tree_inclusion(tree_read read, void *user, uint64_t index, uint64_t size,
    struct tree_path *ret, struct err *err)
{
	struct nodes		n = { read, user };
	struct tree_path	p = { .n = 0 };
	uint64_t		lo = 0, hi = size, mid;

	if (index >= size)
		return err_set(err, RC_USAGE,
		    "inclusion: no leaf %ju in a tree of %ju",
		    (uintmax_t)index, (uintmax_t)size);
	TRY(size_check(size, err));
	while (hi - lo > 1) {
		mid = lo + split(hi - lo);
		if (index < mid) {
			TRY(hash_between(&n, mid, hi, p.hash[p.n++], err));
			hi = mid;
		} else {
			TRY(hash_between(&n, lo, mid, p.hash[p.n++], err));
			lo = mid;
		}
	}
	path_reverse(&p);
	*ret = p;
	return RC_OK;
}

enum rc
tree_consistency(tree_read read, void *user, uint64_t old, uint64_t size,
    struct tree_path *ret, struct err *err)
{
	struct nodes		n = { read, user };
	struct tree_path	p = { .n = 0 };
	uint64_t		lo = 0, hi = size, mid;

	if (old > size)
		return err_set(err, RC_USAGE,
		    "consistency: %ju is larger than %ju",
		    (uintmax_t)old, (uintmax_t)size);
	TRY(size_check(size, err));
	while (old != 0 && old != hi) {
		mid = lo + split(hi - lo);
		if (old <= mid) {
			TRY(hash_between(&n, mid, hi, p.hash[p.n++], err));
			hi = mid;
		} else {
			TRY(hash_between(&n, lo, mid, p.hash[p.n++], err));
			lo = mid;
		}
	}
	/* With lo at 0 the verifier has this node: it is the old root. */
	if (lo != 0)
		TRY(hash_between(&n, lo, hi, p.hash[p.n++], err));
	path_reverse(&p);
	*ret = p;
	return RC_OK;
}

/* --- verification -------------------------------------------------------- */

static bool
hash_eq(const uint8_t a[TREE_HASH_BYTES], const uint8_t b[TREE_HASH_BYTES])
{
	return memcmp(a, b, TREE_HASH_BYTES) == 0;	/* both public */
}

enum rc
tree_inclusion_verify(const uint8_t leaf[TREE_HASH_BYTES], uint64_t index,
    uint64_t size, const struct tree_path *path,
    const uint8_t root[TREE_HASH_BYTES], struct err *err)
{
	uint64_t	fn = index, sn = size - 1;
	uint8_t		r[TREE_HASH_BYTES];
	size_t		i;

	/* The limit also keeps i within the array, whatever path->n says. */
	if (index >= size || size >= TREE_SIZE_MAX)
		return err_set(err, RC_VERIFY,
		    "inclusion proof: no leaf %ju in a tree of %ju",
		    (uintmax_t)index, (uintmax_t)size);
	memcpy(r, leaf, sizeof(r));
	for (i = 0; i < path->n && sn != 0; i++) {
		if ((fn & 1) != 0 || fn == sn) {
			tree_node(path->hash[i], r, r);
			for (; (fn & 1) == 0 && fn != 0; fn >>= 1)
				sn >>= 1;
		} else {
			tree_node(r, path->hash[i], r);
		}
		fn >>= 1;
		sn >>= 1;
	}
	if (i != path->n || sn != 0)
		return err_set(err, RC_VERIFY,
		    "inclusion proof: %u hashes do not fit leaf %ju of %ju",
		    path->n, (uintmax_t)index, (uintmax_t)size);
	if (!hash_eq(r, root))
		return err_set(err, RC_VERIFY,
		    "inclusion proof: leaf %ju is not under this root of %ju",
		    (uintmax_t)index, (uintmax_t)size);
	return RC_OK;
}

/* Where a proof would carry nothing: from the empty tree, and to itself. */
static enum rc
consistency_trivial(uint64_t old, const uint8_t old_root[TREE_HASH_BYTES],
    uint64_t size, const uint8_t root[TREE_HASH_BYTES],
    const struct tree_path *path, struct err *err)
{
	uint8_t	empty[TREE_HASH_BYTES];

	tree_empty(empty);
	if (path->n != 0)
		return err_set(err, RC_VERIFY, "consistency proof: not empty");
	if (old == 0 && !hash_eq(old_root, empty))
		return err_set(err, RC_VERIFY,
		    "consistency proof: not the root of an empty tree");
	if (old == size && !hash_eq(old_root, root))
		return err_set(err, RC_VERIFY,
		    "consistency proof: two roots of size %ju",
		    (uintmax_t)size);
	return RC_OK;
}

enum rc
tree_consistency_verify(uint64_t old, const uint8_t old_root[TREE_HASH_BYTES],
    uint64_t size, const uint8_t root[TREE_HASH_BYTES],
    const struct tree_path *path, struct err *err)
{
	uint64_t	fn = old - 1, sn = size - 1;
	uint8_t		fr[TREE_HASH_BYTES], sr[TREE_HASH_BYTES];
	size_t		i = 0;

	if (old > size || size >= TREE_SIZE_MAX)
		return err_set(err, RC_VERIFY,
		    "consistency proof: no tree of %ju before one of %ju",
		    (uintmax_t)old, (uintmax_t)size);
	if (old == 0 || old == size)
		return consistency_trivial(old, old_root, size, root, path, err);
	/* A perfect old tree is itself the first node of the proof. */
	memcpy(fr, popcount(old) == 1 ? old_root : path->hash[i++], sizeof(fr));
	memcpy(sr, fr, sizeof(sr));
	for (; (fn & 1) != 0; fn >>= 1)
		sn >>= 1;
	for (; i < path->n && sn != 0; i++) {
		if ((fn & 1) != 0 || fn == sn) {
			tree_node(path->hash[i], fr, fr);
			tree_node(path->hash[i], sr, sr);
			for (; (fn & 1) == 0 && fn != 0; fn >>= 1)
				sn >>= 1;
		} else {
			tree_node(sr, path->hash[i], sr);
		}
		fn >>= 1;
		sn >>= 1;
	}
	if (i != path->n || sn != 0)
		return err_set(err, RC_VERIFY,
		    "consistency proof: %u hashes do not fit %ju to %ju",
		    path->n, (uintmax_t)old, (uintmax_t)size);
	if (!hash_eq(fr, old_root) || !hash_eq(sr, root))
		return err_set(err, RC_VERIFY,
		    "consistency proof: %ju is not a prefix of %ju",
		    (uintmax_t)old, (uintmax_t)size);
	return RC_OK;
}

/* --- in memory ----------------------------------------------------------- */

struct leaves {
	const uint8_t	(*hash)[TREE_HASH_BYTES];
	uint64_t	  n;
};

void
tree_root(const uint8_t (*leaf)[TREE_HASH_BYTES], uint64_t n,
    uint8_t ret[TREE_HASH_BYTES])
{
	struct tree_range	r = TREE_RANGE_INIT;

	for (uint64_t i = 0; i < n; i++)
		if (tree_range_add(&r, leaf[i], NULL, NULL, NULL) != RC_OK)
			break;	/* not reached: no array holds 2^63 hashes */
	tree_range_root(&r, ret);
}

/* Each node is asked for once, so a proof hashes every leaf once at most. */
static enum rc
leaves_read(void *user, uint8_t level, uint64_t index,
    uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	const struct leaves	*l = user;
	uint64_t		 lo = index << level;

	(void)err;
	tree_root(l->hash + lo, UINT64_C(1) << level, ret);
	return RC_OK;
}

enum rc
tree_inclusion_of(const uint8_t (*leaf)[TREE_HASH_BYTES], uint64_t n,
    uint64_t index, struct tree_path *ret, struct err *err)
{
	struct leaves	l = { leaf, n };

	return tree_inclusion(leaves_read, &l, index, n, ret, err);
}

/*
 * policy/memstate.c - see policy/memstate.h.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/escrow_map.h"
#include "policy/memstate.h"

#define LEVELS	64

struct level {			/* the complete nodes of one level of the log's tree */
	uint8_t	(*hash)[TREE_HASH_BYTES];
	size_t	  n, cap;
};

/* One descriptor of a sparse replay, waiting for its batch. */
struct loose {
	uint8_t			 root[SHA256_BYTES];
	uint32_t		 leaf;
	struct tree_path	 path;
	struct buf		 descriptor;
};

/* The vector whose root was computed last: a batch is gone through twice. */
struct vector {
	bool		there;
	struct span	bytes;			/* the blob: it stays where it is as long as the state */
	uint8_t		digest[SHA256_BYTES], root[SHA256_BYTES];
	uint32_t	count;
};

struct memstate {
	struct state		 state;
	struct map		 kv, escrow, placed, blob;
	struct vector		 vector;
	struct tree_range	 range;
	struct level		 level[LEVELS];
	struct loose		**loose;
	size_t			 n_loose;
};

static enum rc
out_of_memory(struct err *err)
{
	return err_set(err, RC_NOMEM, "state: no memory");
}

/* --- keys and values, escrows, blobs ------------------------------------------ */

static enum rc
get_from(const struct map *m, struct span key, struct buf *ret,
    const char *what, struct err *err)
{
	struct span	v;

	if (!map_get(m, key, &v))
		return err_set(err, RC_MISSING, "state: no such %s", what);
	if (ret == NULL)
		return RC_OK;
	buf_span(ret, v);
	return buf_check(ret, what, err);
}

static enum rc
mem_get(void *user, struct span key, struct buf *ret, struct err *err)
{
	struct memstate	*m = user;

	return get_from(&m->kv, key, ret, "key", err);
}

static enum rc
mem_put(void *user, struct span key, struct span value, struct err *err)
{
	struct memstate	*m = user;

	if (key.n > STATE_KEY_MAX || value.n > STATE_VALUE_MAX)
		return err_set(err, RC_BUG, "state: %zu bytes of key, %zu of value",
		    key.n, value.n);
	return map_put(&m->kv, key, value, err);
}

/* A descriptor of the vector at hand is not copied. */
struct placed {
	struct escrow_at	at;
	struct span		descriptor;
};

static bool
within(struct span outer, struct span inner)
{
	uintptr_t	from = (uintptr_t)outer.p, p = (uintptr_t)inner.p;

	return outer.p != NULL && p >= from && p - from <= outer.n && inner.n <= outer.n - (p - from);
}

static enum rc
mem_escrow_find(void *user, const uint8_t id[ARTIFACT_ID_BYTES],
    struct escrow_at *ret_at, struct buf *ret, struct err *err)
{
	struct memstate	*m = user;
	struct placed	 v;
	struct span	 bytes;

	if (!map_get(&m->placed, SPAN(id, ARTIFACT_ID_BYTES), &bytes))
		return escrow_map_find(&m->escrow, id, ret_at, ret, err);
	memcpy(&v, bytes.p, sizeof(v));
	*ret_at = v.at;
	if (ret == NULL)
		return RC_OK;
	buf_span(ret, v.descriptor);
	return buf_check(ret, "escrow", err);
}

static enum rc
mem_escrow_add(void *user, const uint8_t id[ARTIFACT_ID_BYTES],
    struct escrow_at at, struct span descriptor, struct err *err)
{
	struct memstate		*m = user;
	const struct placed	 v = { at, descriptor };
	struct escrow_at	 have;

	if (mem_escrow_find(m, id, &have, NULL, NULL) == RC_OK)
		return err_set(err, RC_DENIED, "state: escrowed already");
	if (!within(m->vector.bytes, descriptor))
		return escrow_map_add(&m->escrow, id, at, descriptor, err);
	return map_put(&m->placed, SPAN(id, ARTIFACT_ID_BYTES), SPAN((const uint8_t *)&v, sizeof(v)), err);
}

static enum rc
mem_blob(void *user, const uint8_t digest[SHA256_BYTES], struct buf *ret,
    struct err *err)
{
	struct memstate	*m = user;

	return get_from(&m->blob, SPAN(digest, SHA256_BYTES), ret, "blob", err);
}

enum rc
memstate_blob(struct memstate *m, struct span blob, struct err *err)
{
	uint8_t	digest[SHA256_BYTES];

	sha256_one(digest, blob);
	return map_put(&m->blob, SPAN_OF(digest), blob, err);
}

/* --- the log's past roots -------------------------------------------------------- */

static enum rc
node_add(void *user, uint8_t level, uint64_t index,
    const uint8_t hash[TREE_HASH_BYTES], struct err *err)
{
	struct memstate	*m = user;
	struct level	*l = &m->level[level];

	/* A leaf that failed half-way is added again from the same size. */
	if (index < l->n)
		l->n = (size_t)index;
	if (l->n == l->cap) {
		size_t	cap = l->cap == 0 ? 64 : l->cap * 2;
		void	*p = realloc(l->hash, cap * TREE_HASH_BYTES);

		if (p == NULL)
			return out_of_memory(err);
		l->hash = p;
		l->cap = cap;
	}
	memcpy(l->hash[l->n++], hash, TREE_HASH_BYTES);
	return RC_OK;
}

static enum rc
node_read(void *user, uint8_t level, uint64_t index,
    uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	const struct memstate	*m = user;

	if (level >= LEVELS || index >= m->level[level].n)
		return err_set(err, RC_MISSING, "state: no such node");
	memcpy(ret, m->level[level].hash[index], TREE_HASH_BYTES);
	return RC_OK;
}

enum rc
memstate_leaf(struct memstate *m, const uint8_t leaf[SHA256_BYTES],
    struct err *err)
{
	struct tree_range	r = m->range;

	TRY(tree_range_add(&r, leaf, node_add, m, err));
	m->range = r;
	return RC_OK;
}

static enum rc
mem_root_at(void *user, uint64_t size, uint8_t ret[SHA256_BYTES],
    struct err *err)
{
	struct memstate	*m = user;

	if (size > m->range.size)
		return err_set(err, RC_MISSING, "state: a root that is not known");
	return tree_root_at(node_read, m, size, ret, err);
}

/* --- descriptors ------------------------------------------------------------------- */

static void
loose_free(struct loose *l)
{
	if (l == NULL)
		return;
	buf_done(&l->descriptor);
	free(l);
}
DEFINE_AUTO(loose_free, struct loose);

enum rc
memstate_descriptor(struct memstate *m, const uint8_t root[SHA256_BYTES],
    uint32_t leaf, const struct tree_path *path, struct span descriptor,
    struct err *err)
{
	AUTO(loose_free) struct loose *l = calloc(1, sizeof(*l));
	void	*p;

	if (l == NULL)
		return out_of_memory(err);
	memcpy(l->root, root, sizeof(l->root));
	l->leaf = leaf;
	l->path = *path;
	l->descriptor = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	buf_span(&l->descriptor, descriptor);
	TRY(buf_check(&l->descriptor, "descriptor", err));
	if ((p = realloc(m->loose, (m->n_loose + 1) * sizeof(*m->loose))) == NULL)
		return out_of_memory(err);
	m->loose = p;
	m->loose[m->n_loose++] = TAKE(l);
	return RC_OK;
}

static enum rc
loose_each(const struct memstate *m, const uint8_t root[SHA256_BYTES],
    uint32_t count, descriptor_fn fn, void *fn_user, struct err *err)
{
	uint8_t	hash[TREE_HASH_BYTES];
	size_t	found = 0;

	for (size_t i = 0; i < m->n_loose; i++) {
		const struct loose	*l = m->loose[i];

		if (memcmp(l->root, root, sizeof(l->root)) != 0)
			continue;
		found++;
		tree_leaf(buf_view(&l->descriptor), hash);
		TRY(tree_inclusion_verify(hash, l->leaf, count, &l->path, root, err));
		TRY(fn(fn_user, l->leaf, buf_view(&l->descriptor), err));
	}
	if (found == 0)
		return err_set(err, RC_MISSING, "state: no descriptor of the batch");
	return RC_OK;
}

/* A vector is found by its digest, so one with a known root needs none computed. */
static enum rc
vector_check(struct memstate *m, const struct vector *want, struct span v,
    struct err *err)
{
	uint8_t	have[SHA256_BYTES];

	if (m->vector.there && m->vector.count == want->count &&
	    memcmp(m->vector.digest, want->digest, SHA256_BYTES) == 0 &&
	    memcmp(m->vector.root, want->root, SHA256_BYTES) == 0)
		return RC_OK;
	if (descriptor_vector_root(v, want->count, have, err) != RC_OK ||
	    memcmp(have, want->root, sizeof(have)) != 0)
		return err_set(err, RC_VERIFY,
		    "state: the descriptors do not have the batch's root");
	m->vector = *want;
	return RC_OK;
}

static enum rc
mem_descriptors(void *user, const uint8_t vector[SHA256_BYTES],
    const uint8_t root[SHA256_BYTES], uint32_t count, descriptor_fn fn,
    void *fn_user, struct err *err)
{
	struct memstate	*m = user;
	struct vector	 want = { .there = true, .count = count };
	struct span	 v;

	if (!map_get(&m->blob, SPAN(vector, SHA256_BYTES), &v))
		return loose_each(m, root, count, fn, fn_user, err);
	want.bytes = v;
	memcpy(want.digest, vector, SHA256_BYTES);
	memcpy(want.root, root, SHA256_BYTES);
	TRY(vector_check(m, &want, v, err));
	return descriptor_vector_each(v, count, fn, fn_user, err);
}

/* --- the object -------------------------------------------------------------------- */

enum rc
memstate_new(struct memstate **ret, struct err *err)
{
	struct memstate	*m = calloc(1, sizeof(*m));

	if (m == NULL)
		return out_of_memory(err);
	m->state = (struct state){
		.user = m,
		.get = mem_get,
		.put = mem_put,
		.escrow_add = mem_escrow_add,
		.escrow_find = mem_escrow_find,
		.root_at = mem_root_at,
		.blob = mem_blob,
		.descriptors = mem_descriptors,
	};
	*ret = m;
	return RC_OK;
}

void
memstate_free(struct memstate *m)
{
	if (m == NULL)
		return;
	map_done(&m->kv);
	map_done(&m->escrow);
	map_done(&m->placed);
	map_done(&m->blob);
	for (size_t i = 0; i < LEVELS; i++)
		free(m->level[i].hash);
	for (size_t i = 0; i < m->n_loose; i++)
		loose_free(m->loose[i]);
	free(m->loose);
	free(m);
}

const struct state *
memstate_state(struct memstate *m)
{
	return &m->state;
}

/*
 * policy/map.c - see policy/map.h. Chained hashing, FNV-1a over the key by words of
 * eight: the keys are digests or begin with one, so nobody aims collisions at it.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/map.h"

#define SLOTS_FIRST	64	/* a power of two, and so is what comes after it */

struct map_node {
	struct map_node	*next;
	size_t		 hash;
	struct span	 value;
	size_t		 room;		/* where value points to */
	uint8_t		*own;		/* that place, when it is not behind the key */
	size_t		 key_n;
	uint8_t		 key[];		/* and after it the first value */
};

static size_t
hash(struct span key)
{
	uint64_t	h = UINT64_C(14695981039346656037), word;
	size_t		i;

	for (i = 0; key.n - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, key.p + i, sizeof(word));
		h = (h ^ word) * UINT64_C(1099511628211);
		h ^= h >> 32;
	}
	for (; i < key.n; i++)
		h = (h ^ key.p[i]) * UINT64_C(1099511628211);
	return (size_t)(h ^ h >> 32);
}

static struct map_node **
slot_of(const struct map *m, size_t h)
{
	return &m->slot[h & (m->n_slots - 1)];
}

static struct map_node *
find(const struct map *m, struct span key, size_t h)
{
	struct map_node	*n;

	if (m->n_slots == 0)
		return NULL;
	n = *slot_of(m, h);
	while (n != NULL && (n->hash != h || !span_eq(SPAN(n->key, n->key_n), key)))
		n = n->next;
	return n;
}

static enum rc
out_of_memory(struct err *err)
{
	return err_set(err, RC_NOMEM, "state: no memory");
}

static enum rc
grow(struct map *m, struct err *err)
{
	struct map	wider = { .n = m->n };

	wider.n_slots = m->n_slots == 0 ? SLOTS_FIRST : m->n_slots * 2;
	if ((wider.slot = calloc(wider.n_slots, sizeof(struct map_node *))) == NULL)
		return out_of_memory(err);
	for (size_t i = 0; i < m->n_slots; i++)
		while (m->slot[i] != NULL) {
			struct map_node	*node = m->slot[i];
			struct map_node	**at = slot_of(&wider, node->hash);

			m->slot[i] = node->next;
			node->next = *at;
			*at = node;
		}
	free(m->slot);
	*m = wider;
	return RC_OK;
}

static enum rc
value_set(struct map_node *n, struct span value, struct err *err)
{
	uint8_t	*p;

	if (value.n > n->room) {
		if ((p = malloc(value.n)) == NULL)
			return out_of_memory(err);
		memcpy(p, value.p, value.n);
		free(n->own);
		n->own = p;
		n->room = value.n;
		n->value = SPAN(p, value.n);
		return RC_OK;
	}
	p = n->own != NULL ? n->own : n->key + n->key_n;
	if (value.n > 0)
		memmove(p, value.p, value.n);
	n->value = SPAN(p, value.n);
	return RC_OK;
}

enum rc
map_put(struct map *m, struct span key, struct span value, struct err *err)
{
	size_t		 h = hash(key);
	struct map_node	*n = find(m, key, h), **at;

	if (n != NULL)
		return value_set(n, value, err);
	if (m->n >= m->n_slots)
		TRY(grow(m, err));
	if ((n = malloc(sizeof(*n) + key.n + value.n)) == NULL)
		return out_of_memory(err);
	*n = (struct map_node){ .hash = h, .room = value.n, .key_n = key.n };
	if (key.n > 0)
		memcpy(n->key, key.p, key.n);
	n->value = SPAN(n->key + key.n, value.n);
	if (value.n > 0)
		memcpy(n->key + key.n, value.p, value.n);
	at = slot_of(m, h);
	n->next = *at;
	*at = n;
	m->n++;
	return RC_OK;
}

bool
map_get(const struct map *m, struct span key, struct span *ret)
{
	const struct map_node	*n = find(m, key, hash(key));

	if (n == NULL)
		return false;
	*ret = n->value;
	return true;
}

void
map_done(struct map *m)
{
	for (size_t i = 0; i < m->n_slots; i++)
		while (m->slot[i] != NULL) {
			struct map_node	*n = m->slot[i];

			m->slot[i] = n->next;
			free(n->own);
			free(n);
		}
	free(m->slot);
	*m = MAP_INIT;
}

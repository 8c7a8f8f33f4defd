/*
 * policy/map.c - see policy/map.h. Open addressing. The hashes stand in the slots: what is
 * not there is not looked for in memory that is far away. Who seals chooses ids and who
 * writes a log chooses its bytes, so each map hashes under a key of its own (SipHash-2-4,
 * Aumasson and Bernstein 2012): nobody aims collisions at it.
 */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "policy/map.h"

#define SLOTS_FIRST	64	/* a power of two, and so is what comes after it */

struct map_node {
	struct span	 value;
	size_t		 room;		/* where value points to */
	uint8_t		*own;		/* that place, when it is not behind the key */
	size_t		 key_n;
	uint8_t		 key[];		/* and after it the first value */
};

_Static_assert(sizeof(((struct map *)NULL)->key) == crypto_shorthash_KEYBYTES, "the key of SipHash");

static size_t
hash(const struct map *m, struct span key)
{
	uint64_t	h;

	_Static_assert(sizeof(h) == crypto_shorthash_BYTES, "a hash is a word");
	(void)crypto_shorthash((uint8_t *)&h, key.p, key.n, m->key);
	return (size_t)h;
}

/* Where the key stands, or would. At least one slot is free. */
static struct map_slot *
find(const struct map *m, struct span key, size_t h)
{
	size_t	mask = m->n_slots - 1, i = h & mask;

	while (m->slot[i].node != NULL && (m->slot[i].hash != h ||
	    !span_eq(SPAN(m->slot[i].node->key, m->slot[i].node->key_n), key)))
		i = (i + 1) & mask;
	return &m->slot[i];
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
	size_t		i, at;

	memcpy(wider.key, m->key, sizeof(wider.key));
	wider.n_slots = m->n_slots == 0 ? SLOTS_FIRST : m->n_slots * 2;
	if ((wider.slot = calloc(wider.n_slots, sizeof(*wider.slot))) == NULL)
		return out_of_memory(err);
	for (i = 0; i < m->n_slots; i++) {
		if (m->slot[i].node == NULL)
			continue;
		at = m->slot[i].hash & (wider.n_slots - 1);
		while (wider.slot[at].node != NULL)
			at = (at + 1) & (wider.n_slots - 1);
		wider.slot[at] = m->slot[i];
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
	size_t		 h;
	struct map_slot	*at;
	struct map_node	*n;

	if (m->n_slots == 0)
		randombytes_buf(m->key, sizeof(m->key));
	h = hash(m, key);
	if (m->n_slots > 0 && (at = find(m, key, h))->node != NULL)
		return value_set(at->node, value, err);
	if (2 * m->n >= m->n_slots)
		TRY(grow(m, err));
	if ((n = malloc(sizeof(*n) + key.n + value.n)) == NULL)
		return out_of_memory(err);
	*n = (struct map_node){ .room = value.n, .key_n = key.n };
	if (key.n > 0)
		memcpy(n->key, key.p, key.n);
	n->value = SPAN(n->key + key.n, value.n);
	if (value.n > 0)
		memcpy(n->key + key.n, value.p, value.n);
	*find(m, key, h) = (struct map_slot){ h, n };
	m->n++;
	return RC_OK;
}

bool
map_get(const struct map *m, struct span key, struct span *ret)
{
	const struct map_node	*n = m->n_slots == 0 ? NULL : find(m, key, hash(m, key))->node;

	if (n == NULL)
		return false;
	*ret = n->value;
	return true;
}

void
map_done(struct map *m)
{
	for (size_t i = 0; i < m->n_slots; i++) {
		if (m->slot[i].node == NULL)
			continue;
		free(m->slot[i].node->own);
		free(m->slot[i].node);
	}
	free(m->slot);
	*m = MAP_INIT;
}

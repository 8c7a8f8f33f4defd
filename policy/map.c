/*
 * policy/map.c - see policy/map.h. Chained hashing, FNV-1a over the key: the
 * keys are digests or begin with one, so nobody aims collisions at it.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/map.h"

#define SLOTS_FIRST	64

struct map_node {
	struct map_node	*next;
	struct span	 value;
	uint8_t		*own;		/* what value points to */
	size_t		 key_n;
	uint8_t		 key[];
};

static size_t
hash(struct span key)
{
	uint64_t	h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < key.n; i++)
		h = (h ^ key.p[i]) * UINT64_C(1099511628211);
	return (size_t)(h ^ h >> 32);
}

static struct map_node *
find(const struct map *m, struct span key)
{
	struct map_node	*n;

	if (m->n_slots == 0)
		return NULL;
	n = m->slot[hash(key) % m->n_slots];
	while (n != NULL && !span_eq(SPAN(n->key, n->key_n), key))
		n = n->next;
	return n;
}

static enum rc
grow(struct map *m, struct err *err)
{
	size_t			 n = m->n_slots == 0 ? SLOTS_FIRST : m->n_slots * 2;
	struct map_node		**slot = calloc(n, sizeof(*slot));

	if (slot == NULL)
		return err_set(err, RC_NOMEM, "state: no memory");
	for (size_t i = 0; i < m->n_slots; i++)
		while (m->slot[i] != NULL) {
			struct map_node	*node = m->slot[i];
			size_t		 at = hash(SPAN(node->key, node->key_n)) % n;

			m->slot[i] = node->next;
			node->next = slot[at];
			slot[at] = node;
		}
	free(m->slot);
	m->slot = slot;
	m->n_slots = n;
	return RC_OK;
}

static enum rc
value_set(struct map_node *n, struct span value, struct err *err)
{
	uint8_t	*p = malloc(value.n + 1);	/* never 0 */

	if (p == NULL)
		return err_set(err, RC_NOMEM, "state: no memory");
	if (value.n > 0)
		memcpy(p, value.p, value.n);
	free(n->own);
	n->own = p;
	n->value = SPAN(p, value.n);
	return RC_OK;
}

enum rc
map_put(struct map *m, struct span key, struct span value, struct err *err)
{
	struct map_node	*n = find(m, key);
	size_t		 at;
	enum rc		 rc;

	if (n != NULL)
		return value_set(n, value, err);
	if (m->n >= m->n_slots)
		TRY(grow(m, err));
	if ((n = calloc(1, sizeof(*n) + key.n)) == NULL)
		return err_set(err, RC_NOMEM, "state: no memory");
	n->key_n = key.n;
	if (key.n > 0)
		memcpy(n->key, key.p, key.n);
	if ((rc = value_set(n, value, err)) != RC_OK) {
		free(n);
		return rc;
	}
	at = hash(key) % m->n_slots;
	n->next = m->slot[at];
	m->slot[at] = n;
	m->n++;
	return RC_OK;
}

bool
map_get(const struct map *m, struct span key, struct span *ret)
{
	const struct map_node	*n = find(m, key);

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

/*
 * policy/map.h - a map from bytes to bytes, in memory, for the states that have
 * no database behind them (memstate, the scratch state of replica_try()).
 *
 * Keys and values are copied. Nothing is ever taken out. Grows with what is put;
 * whoever feeds it bounds it. Keys may be of a liar's choice: where they stand depends
 * on a random key, and what is found does not.
 */
#ifndef POLICY_MAP_H
#define POLICY_MAP_H

#include "base/bytes.h"

struct map_node;
struct map {
	struct map_slot {
		size_t		 hash;
		struct map_node	*node;		/* NULL: free */
	}		*slot;
	size_t		 n, n_slots;
	uint8_t		 key[16];	/* of the hash: random, new for each map */
};
#define MAP_INIT	((struct map){ .slot = NULL })

void	 map_done(struct map *m);
/* Adds or replaces. RC_NOMEM, with the map as it was. */
MUST_USE enum rc map_put(struct map *m, struct span key, struct span value, struct err *err);
/* Valid until the key is put again. False: no such key. */
bool	 map_get(const struct map *m, struct span key, struct span *ret);

#endif

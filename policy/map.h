/*
 * policy/map.h - a map from bytes to bytes, in memory, for the states that have
 * no database behind them (memstate, the scratch state of replica_try()).
 *
 * Keys and values are copied. Nothing is ever taken out. Grows with what is put;
 * whoever feeds it bounds it. Pure.
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
};
#define MAP_INIT	((struct map){ NULL, 0, 0 })

void	 map_done(struct map *m);
/* Adds or replaces. RC_NOMEM, with the map as it was. */
MUST_USE enum rc map_put(struct map *m, struct span key, struct span value, struct err *err);
/* Valid until the key is put again. False: no such key. */
bool	 map_get(const struct map *m, struct span key, struct span *ret);

#endif

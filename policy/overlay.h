/*
 * policy/overlay.h - a state that takes writes and keeps them from the state
 * beneath: what replica_try() runs apply over, and drops. Internal to policy/.
 */
#ifndef POLICY_OVERLAY_H
#define POLICY_OVERLAY_H

#include "policy/map.h"
#include "policy/state.h"

struct overlay {
	struct state		 state;		/* what apply is given; user is this */
	const struct state	*under;
	struct map		 kv, escrow;
};

/* o must stay where it is. */
void	 overlay_init(struct overlay *o, const struct state *under);
void	 overlay_done(struct overlay *o);

#endif

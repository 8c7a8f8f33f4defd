/*
 * coordinator/in_force.h - the charter in force, and the pins that it gives.
 *
 * The genesis says for ever who the custodians are and the numbers (n, k, f, q, h): c->first.
 * All else is asked of the charter in force: people and keys, policies, hosts, where
 * custodians are reached, the log key, the digest that statements bind.
 *
 * An amendment puts another in force while threads look at the one before: that is kept
 * until the end. Threads: in_force_put() by one at a time (the start, then the
 * sequencer); the questions from any.
 */
#ifndef COORDINATOR_IN_FORCE_H
#define COORDINATOR_IN_FORCE_H

#include "audit/store/store.h"
#include "coordinator/coordinator.h"
#include "policy/apply.h"

struct in_force {
	struct charter	*charter;
	uint8_t		 host_pin[HOSTS_MAX][RPC_PIN_BYTES];
	uint8_t		 custodian_pin[CUSTODIANS_MAX][RPC_PIN_BYTES];
	struct in_force	*before;
};

/* Good until coordinator_done(); its charter alone: coordinator_charter(). */
const struct in_force	*coordinator_in_force(const struct coordinator *c);

/* The first one put is c->first. RC_FORMAT: not a charter, or a certificate in it is none. */
MUST_USE enum rc in_force_put(struct coordinator *c, struct span document, struct err *err);
/* What this replica has in force, when that is another. */
MUST_USE enum rc in_force_follow(struct coordinator *c, const struct replica *r, struct err *err);
void	 in_force_done(struct coordinator *c);

/*
 * A checkpoint note of this log, by the log key of a charter that is or was in force
 * (a succession names another key), cosigned by q. RC_VERIFY: by none of them.
 */
MUST_USE enum rc in_force_checkpoint(struct replica *r, struct span note, struct checkpoint *ret,
    struct err *err);

#endif

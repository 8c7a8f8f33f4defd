/*
 * custodian/steps.h - restored is not rolled back: what must not be forgotten is counted twice.
 *
 * Each thing that this custodian must never forget having done (a cosignature, an
 * act, a "no" that it took) is a step. The count stands in the database, raised in
 * the transaction of the step, and in the token (hsm_mark_write()), raised after the
 * commit and before anything is given away. Whoever puts back an older database
 * finds the token ahead (docs/adr/0009-restored-and-cloned.md).
 *
 * A start takes the token over with an `instance` of its own; an older process that
 * still runs finds a foreign instance at its next step and stops. What neither shows,
 * machine and token put back or copied together, the peers may: they remember the
 * count and the instances that they saw (custodian/compare.h).
 */
#ifndef CUSTODIAN_STEPS_H
#define CUSTODIAN_STEPS_H

#include "base/auto.h"
#include "base/bytes.h"

#define STEPS_INSTANCE_BYTES	16

struct custody;

struct steps {
	uint8_t		instance[STEPS_INSTANCE_BYTES];
	uint64_t	steps;		/* in the database, as of the last steps_mark() */
	uint64_t	marked;		/* in the token */
	bool		tokenless;	/* the last steps_mark() failed: nothing is given away */
	when		tried;		/* ... and when health_fill() tried again */
	/*
	 * Set when something was forgotten, and kept in the database (CUSTODY_RESTORED):
	 * no size up to `floor` is cosigned but with the root of floor_root at `floor`,
	 * and nothing is contributed to requests logged below `since`.
	 */
	bool		restored;
	uint64_t	floor;
	uint8_t		floor_root[SHA256_BYTES];
	uint64_t	since;		/* UINT64_MAX until it caught up with its peers */
	uint64_t	refused;	/* the size that was said last not to be cosigned for it */
};

/*
 * After store and token were opened; the start is a step itself. RC_DENIED: the token
 * has no mark of this custodian although its database has steps (another token?), or
 * another process works with it at this moment. RC_FORMAT: its marks are none of
 * ours. RC_OK with steps.restored and an ALARM line: the token has a mark that is not
 * of this database's past.
 */
MUST_USE enum rc steps_open(struct custody *c, struct err *err);
/* One more; inside the transaction of what must not be forgotten. */
MUST_USE enum rc steps_take(struct custody *c, struct err *err);
/*
 * After its commit, before anything is given away: size and root are of the last
 * checkpoint signed. RC_BUG: another instance has taken the token over: stop.
 * RC_IO: the token; nothing may be given away.
 */
MUST_USE enum rc steps_mark(struct custody *c, struct err *err);
/*
 * Something outside says that we did more than we know of (peers saw it): as a
 * restored database from here on. Its own transaction. RC_FORMAT: nobody can have
 * taken so many.
 */
MUST_USE enum rc steps_forgot(struct custody *c, uint64_t steps, uint64_t size,
    const uint8_t root[SHA256_BYTES], struct err *err);
/* While it catches up: nothing up to this is signed but with this root, whatever else it forgot. */
MUST_USE enum rc steps_raise(struct custody *c, uint64_t size, const uint8_t root[SHA256_BYTES], struct err *err);
/* It compared with its peers and holds `size` entries, their newest included: requests from here on count again. */
MUST_USE enum rc steps_caught_up(struct custody *c, uint64_t size, struct err *err);
/* May a checkpoint of this size and root be cosigned, as far as restoring goes? */
bool	 steps_may_cosign(struct custody *c, uint64_t size, const uint8_t root[SHA256_BYTES]);

#endif

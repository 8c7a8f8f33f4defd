/*
 * custodian/limit.h - whom the listener lets through to the keeper, and how often.
 *
 * The keeper answers one question at a time. So that strangers cannot keep the
 * coordinator and the peers from it, nor one stranger another, nor a coordinator
 * everybody else: each caller that the charter knows has a bucket of its own and a
 * share of the workers; strangers have one bucket for each source address (an IPv6 /64)
 * and one for all of them together. Sources share LIMIT_SOURCES buckets by a keyed hash:
 * a table that cannot be filled up, and whose neighbours nobody can choose.
 *
 * Pure: time is an argument. Threads: the caller's lock.
 */
#ifndef CUSTODIAN_LIMIT_H
#define CUSTODIAN_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIMIT_SOURCES		256
#define LIMIT_KEY_BYTES		16
#define LIMIT_CALLERS_MAX	97	/* coordinator and its successor, custodians, hosts */

#define LIMIT_WORKERS		16
#define LIMIT_AT_ONCE		10	/* calls of one known caller that run */
#define LIMIT_STRANGERS_AT_ONCE	3	/* of all strangers together */

/* Calls a second, and how many may come in one go. */
#define LIMIT_SOURCE_RATE	10
#define LIMIT_SOURCE_BURST	60
#define LIMIT_STRANGERS_RATE	100
#define LIMIT_STRANGERS_BURST	300
#define LIMIT_KNOWN_RATE	500
#define LIMIT_KNOWN_BURST	5000

struct limit_bucket {
	uint64_t	spent;		/* thousandths of a call */
	uint64_t	at_ms;
};

struct limit {
	uint8_t			key[LIMIT_KEY_BYTES];
	struct limit_bucket	source[LIMIT_SOURCES], strangers, known[LIMIT_CALLERS_MAX];
	unsigned		running[LIMIT_CALLERS_MAX], strangers_running;
};

#define LIMIT_STRANGER	SIZE_MAX

/* key: random, so that nobody chooses whose bucket they share. */
void	 limit_init(struct limit *l, const uint8_t key[LIMIT_KEY_BYTES]);
/*
 * May this call go on? caller: below LIMIT_CALLERS_MAX, or LIMIT_STRANGER; address: of a
 * stranger, as the RPC library writes it. After true, limit_leave() when it is answered.
 */
bool	 limit_enter(struct limit *l, size_t caller, const char *address, uint64_t now_ms);
void	 limit_leave(struct limit *l, size_t caller);

/* Which bucket of strangers an address falls into. */
size_t	 limit_source(const struct limit *l, const char *address);

#endif

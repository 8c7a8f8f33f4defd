/*
 * proto/door.h - how many connections a server of this process takes, from whom, and what
 * each may pour in before it is closed.
 *
 * The library has none of these limits, and some that it has it puts into force only when
 * the peer says that it has heard of them (docs/adr/0001). It takes connections with
 * accept4(), reads them with recvmsg() and ends them with close(): door.c defines these
 * three, and what is defined in a program comes before the C library's. They do what they
 * always do, and count. door_open() refuses to go on where they would not be called.
 *
 * A *stranger* is a connection that has not made a call as somebody whom the charter knows.
 * When places are short a stranger goes, the oldest of the address (an IPv6 /64) that has
 * the most; whoever comes alone from an address stays. Before strangers goes only one of more
 * than DOOR_EACH who are known and at one address. A connection *owes* what came in and
 * was not a whole request yet: that is what the library may hold in memory for it.
 *
 * Calls that arrived cost the library a hundred times what they cost on the wire, and it
 * reads on as long as there is something to read. So it gets little at a time, and no more
 * (EAGAIN) before the server has looked at every call of it: door_next().
 *
 * The table is the process's, for all its servers. Threads: any.
 */
#ifndef PROTO_DOOR_H
#define PROTO_DOOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define DOOR_PLACES		1024u		/* connections in all */
#define DOOR_EACH		256u		/* strangers of one address */
#define DOOR_RATE		200u		/* connections a second from one address... */
#define DOOR_BURST		1000u		/* ...and in one go */
#define DOOR_STRANGER_MS	120000u		/* a stranger's connection ends */
#define DOOR_STRANGER_BYTES	((size_t)5 << 18)	/* what a stranger may owe: a message of 1 MiB; */
#define DOOR_STRANGERS_BYTES	((size_t)48 << 20)	/* all of them together, */
#define DOOR_KNOWN_BYTES	((size_t)32 << 20)	/* and who is known */
#define DOOR_REFILL_BYTES	((size_t)64 << 10)	/* forgiven a second: pings, settings, headers */
#define DOOR_SIP_BYTES		((size_t)4 << 10)	/* read of a stranger in one go, */
#define DOOR_SIPS_BYTES		((size_t)64 << 10)	/* of all of them, */
#define DOOR_KNOWN_SIP_BYTES	((size_t)16 << 10)	/* of one who is known */
#define DOOR_KNOWN_GULP_BYTES	((size_t)128 << 10)	/* of one who is known, in the midst of a large message */
#define DOOR_KNOWN_SIPS_BYTES	((size_t)256 << 10)	/* and of all of those: half of it in sips */
#define DOOR_CALLS		128u		/* at once on one connection */
#define DOOR_WASTE		200u		/* calls refused, or left before their answer... */
#define DOOR_WASTE_RATE		20u		/* ...and how many a second are forgotten */
#define DOOR_FDS		16384		/* a descriptor above is refused */

/* What the door did since it was last asked. */
struct door_told {
	unsigned	refused;	/* connections, at once */
	unsigned	closed;		/* later, for another or for what they did */
	unsigned	starved;	/* closed unheard: no descriptor was free */
};

/* From now on connections are counted. RC_BUG: the library would not come by here. */
MUST_USE enum rc door_open(struct err *err);

/*
 * A call arrived over the connection from there (as the library writes it); known: by
 * somebody of the charter. The connection's number for the three below; 0: not one of ours.
 * One call too many closes the connection.
 */
uint64_t door_call(const char *peer, bool known);
void	 door_whole(uint64_t guest, size_t bytes);		/* its request is here */
void	 door_over(uint64_t guest, bool wasted, uint64_t now_ms);	/* the call ended */
void	 door_close(uint64_t guest);				/* the connection broke a rule */

/*
 * Waits until somebody may not be read from; false: *stop, after door_wake(). Then, when
 * every call that arrived was looked at: door_next().
 */
bool	 door_wait(const atomic_bool *stop);
void	 door_wake(void);
void	 door_next(void);
/* A few times a second: strangers that have been here too long go. */
void	 door_sweep(uint64_t now_ms);
struct door_told door_tell(void);

#endif

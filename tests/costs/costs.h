/*
 * tests/costs/costs.h - what one seal, one batch, one release cost, counted.
 *
 * costs.so stands before the libraries of every process of a network (LD_PRELOAD), and before
 * its PKCS#11 module (INJECT_MODULE: the one behind it). It counts, in a file that INJECT names
 * and that all of them map:
 *
 *	group ...	libsodium's and decaf's multiplications, encodings that are decoded, hashes
 *			to the group; not additions, which cost a hundredth of them
 *	Ed25519 ...	by libsodium
 *	P-256 ...	by OpenSSL, wherever they are asked for: CMS and X.509 too; not those that a
 *			handshake of TLS or the token makes inside
 *	TLS handshake	those that came to an end
 *	fsync		and fdatasync, syncfs, sync_file_range, msync: SQLite's too
 *	HSM ...		calls of the PKCS#11 module by name
 *	RPC ...		calls that were answered, at the side that called; and the bytes of the messages,
 *			before HTTP/2 and TLS
 *
 * Each by party (of the token that a process has: coordinator, custodian-3; else cli) and process.
 *
 * Two things would make the same work cost more at one time than at another.
 *
 * Time: what goes on by itself (heartbeats, comparing, background runs), and what is asked
 * twice because a machine was slow. So time can pass more slowly, on all clocks of all
 * processes at once.
 *
 * Coincidence: what waits together is written together. So custodians' answers can be given
 * to the coordinator one at a time, in the order of their index, the next one when every
 * thread of the network sleeps: then none of them coincides with another.
 *
 *	costs FILE new			an empty table
 *	costs FILE slow N		time passes N times more slowly from now on
 *	costs FILE pass MS		... and now it is so much later, all at once, but for the time of day
 *	costs FILE turns PORT...	answers come in turn, of custodians at these ports; until SIGTERM
 *	costs FILE still MS		waits until nothing was counted for so long, and all sleep; exit 1: never, in two minutes
 *	costs FILE counts		PARTY PROCESS COUNT WHAT, a line each, of what is not 0
 *
 * No product code knows of it. Threads and processes: the table is of atomics only.
 */
#ifndef TESTS_COSTS_H
#define TESTS_COSTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define COSTS_ROWS	2048
#define COSTS_PIDS	256
#define COSTS_TURNS	64
#define COSTS_NAME	16
#define COSTS_WHAT	64

enum { COSTS_FREE, COSTS_TAKEN, COSTS_READY };

struct costs_row {
	_Atomic uint32_t	state;
	char			party[COSTS_NAME], process[COSTS_NAME], what[COSTS_WHAT];
	_Atomic uint64_t	n;
};

struct costs_clock {
	int64_t	real, shown;		/* nanoseconds, when it was set */
};

/* An answer of a custodian's that is not given yet: a futex. */
enum { TURN_FREE, TURN_TAKEN, TURN_HELD, TURN_GIVEN };

struct costs_turn {
	_Atomic uint32_t	state;
	uint32_t		port;
};

struct costs {
	_Atomic uint32_t	slow;	/* 0: as it is */
	struct costs_clock	monotonic, day;
	_Atomic int64_t		passed;	/* nanoseconds, of the monotonic clock, beside */
	_Atomic uint64_t	calls;	/* of any kind */
	_Atomic uint32_t	busy;	/* in fsync, where a thread may not look as if it ran */
	_Atomic uint32_t	turns;	/* on */
	_Atomic int32_t		pid[COSTS_PIDS];
	struct costs_turn	turn[COSTS_TURNS];
	struct costs_row	row[COSTS_ROWS];
};

/* The table that INJECT names, mapped; NULL: there is none. */
struct costs	*costs_map(void);

#endif

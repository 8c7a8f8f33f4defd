/*
 * tests/inject/inject.h - make the nth call of a kind fail, or kill its process there.
 *
 * inject.so stands before the C library (LD_PRELOAD) of every process of a network, and
 * inject_token.so before its PKCS#11 module (INJECT_MODULE: the one behind it). Both obey one
 * plan, in a file that INJECT names and that all of them map; a test writes it with
 * `inject`, while they run:
 *
 *	inject FILE new				an empty plan
 *	inject FILE arm NAME KIND N ACTION	from now on, of process NAME (its comm: custodiand,
 *						keeper, listener, coordinatord, release-worker,
 *						tiles, quorate; `any`), the Nth call of KIND
 *	inject FILE fired			disarms; exit 0 when it had happened, else 1
 *	inject FILE await SECONDS		waits for it, at most so long; as `fired`, but nothing is disarmed.
 *						Half of it over, the next such call is the Nth
 *	inject FILE count NAME KIND		how many such calls there were since `new`
 *	inject FILE counts			all of them that are not 0: NAME KIND COUNT
 *
 * KIND and what belongs to it:
 *	memory	malloc, calloc, realloc, posix_memalign, aligned_alloc, called by the program itself, the
 *		C library, SQLite, jansson or protobuf-c: what fails there is told to us
 *	library	the same, called by any other library (gRPC, OpenSSL, SoftHSM): some of them abort
 *	sync	fsync, fdatasync
 *	write	on files, not on sockets and pipes: write, pwrite, writev, ftruncate, and what
 *		changes a folder: open and mkostemp that create, rename, link, linkat, unlink, mkdir;
		not those of a library that is not told of (SoftHSM's files are no HSM's)
 *	net	send, sendmsg, recv, recvmsg, connect
 *	token	every call of the PKCS#11 module that works with keys, objects or sessions
 *	durable	sync and write together: a step after which the disk is another
 *
 * ACTION:
 *	fail	that call fails once: ENOMEM, EIO, ECONNRESET, CKR_FUNCTION_FAILED
 *	full	that one and every later one, until `fired`: ENOSPC (token: CKR_DEVICE_REMOVED)
 *	kill	SIGKILL before that call
 *	after	SIGKILL after it
 *	half	a write of half the bytes, then SIGKILL
 *	slow	that call and every later one takes a second longer, until `fired`
 *	pin		token only: from that call on nobody is logged in, and a login gets
 *			CKR_PIN_LOCKED, until `fired`
 *	session		token only: CKR_SESSION_HANDLE_INVALID, and it is closed
 *
 * No product code knows of it. Threads and processes: the plan is of atomics only.
 */
#ifndef TESTS_INJECT_H
#define TESTS_INJECT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define INJECT_NAME	16
#define INJECT_NAMES	8

enum inject_kind { INJECT_MEMORY, INJECT_SYNC, INJECT_WRITE, INJECT_NET, INJECT_TOKEN, INJECT_DURABLE, INJECT_LIBRARY,
    INJECT_KINDS };
enum inject_action { INJECT_FAIL, INJECT_FULL, INJECT_KILL, INJECT_AFTER, INJECT_HALF, INJECT_SLOW, INJECT_PIN, INJECT_SESSION,
    INJECT_ACTIONS };

struct inject_plan {
	char			name[INJECT_NAME];	/* changes only while nothing is armed */
	_Atomic uint32_t	armed, fired;
	uint32_t		kind, action;
	_Atomic int64_t		left;			/* calls until it happens */
	_Atomic uint64_t	count[INJECT_NAMES][INJECT_KINDS];
};

extern const char	*const inject_names[INJECT_NAMES];	/* the last is "any" */
extern const char	*const inject_kinds[INJECT_KINDS];
extern const char	*const inject_actions[INJECT_ACTIONS];

/* Maps the plan that INJECT names, once; NULL: there is none. Called again after it is free. */
struct inject_plan *inject_plan(void);
/* This process goes by another name from now on. */
void	 inject_rename(const char *name);
/*
 * Counts one call; true: it is its turn, and *action says what happens (and went through
 * `kill` here already). FULL, SLOW and PIN stay true until disarmed.
 */
bool	 inject_turn(enum inject_kind kind, enum inject_action *action);
void	 inject_die(void);

#endif

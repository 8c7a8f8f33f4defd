/*
 * base/secret.h - the one home of secret bytes.
 *
 * Locked (never swapped), out of core dumps, each between guard pages, zeroed when
 * freed. The memory of a few small ones is kept, zeroed and locked, for the next
 * (docs/adr/0030-kept-secret-memory.md). A struct secret cannot be copied by = or
 * printed by %s; one whose header was written over ends the process. Secrets in bulk
 * (thousands of shares of one batch) come from an arena: one locked mapping, freed as
 * a whole.
 *
 * Threads: distinct secrets and arenas are independent.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/auto.h"
#include "base/bytes.h"

struct secret;
struct secret_arena;

/*
 * Initialises libsodium, turns core dumps and ptrace off, tries a lock, and gives
 * libcrypto a locked heap (1 MiB) for its private keys.
 * Every program that touches a secret calls it first and stops when it fails.
 * RC_IO: memory cannot be locked; the message says which limit to raise.
 */
MUST_USE enum rc secret_init(struct err *err);

/*
 * From here on, in all of this process, larger secrets too: the pages of one that was freed, zeroed, stay locked
 * between their guard pages and serve the next one of its size. For whoever frees thousands. At most 2 MiB stay so.
 * What is used after it was freed then reads zeros, or another's secret, and does not fall over: under
 * AddressSanitizer, where that is looked for, nothing is kept. Nor is it in a child.
 */
void		 secret_reuse(void);

MUST_USE struct secret	*secret_new(size_t len);	/* zeroed; NULL: no memory */
void		 secret_free(struct secret *s);		/* zeroes first; NULL is fine */
uint8_t		*secret_bytes(struct secret *s);	/* len bytes, valid until freed */
const uint8_t	*secret_view(const struct secret *s);
size_t		 secret_len(const struct secret *s);
MUST_USE bool	 secret_eq(const struct secret *a, const struct secret *b); /* constant time */

/* One locked mapping of `bytes`; NULL: no memory, or the lock limit. */
MUST_USE struct secret_arena *secret_arena_new(size_t bytes);
void		 secret_arena_free(struct secret_arena *a);	/* zeroes all of it */
void		 secret_arena_reset(struct secret_arena *a);	/* zeroes, starts again */
/* 16-byte aligned zeroed bytes, or NULL when the arena is full. */
MUST_USE uint8_t *secret_arena_take(struct secret_arena *a, size_t len);

/* Wipes scratch on the stack; the compiler may not drop it. */
void		 wipe(void *p, size_t n);

DEFINE_AUTO(secret_free, struct secret);
DEFINE_AUTO(secret_arena_free, struct secret_arena);

#endif

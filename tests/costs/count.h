/*
 * tests/costs/count.h - inside costs.so: one call more of a kind. See costs.h.
 *
 * count.c keeps the table and the names, count_keys.c counts public-key operations,
 * count_token.c the PKCS#11 module's calls, count_rpc.c calls over the network, slow.c makes
 * time pass slowly.
 */
#ifndef TESTS_COSTS_COUNT_H
#define TESTS_COSTS_COUNT_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "tests/costs/costs.h"

/* What stands behind us under the same name, found on the first call. ISO C has no cast to a function pointer. */
#define BEHIND(type, name, parameters)						\
	static type	(*real) parameters;					\
	void		*behind;						\
	if (real == NULL && (behind = dlsym(RTLD_NEXT, name)) != NULL)		\
		memcpy(&real, &behind, sizeof(real))

void	 count(const char *what, uint64_t n);
/* Not while this thread is in the token, or in a handshake of TLS. */
void	 count_outside(const char *what);
void	 count_enter(void);
void	 count_leave(void);
/* Was this called by the program itself, not by a library? */
bool	 count_program(const void *caller);
#define FROM_PROGRAM()	count_program(__builtin_return_address(0))

void	 keys_begin(void);

#endif

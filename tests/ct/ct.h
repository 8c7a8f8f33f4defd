/*
 * tests/ct/ct.h - what the constant-time cases have in common (tests/ct/README.md).
 *
 * A secret is marked as undefined; valgrind then says where a branch or an address
 * depends on it. In valgrind alone: without it, marks do nothing and ct_is_secret() is
 * false, so that no case passes by not being watched.
 */
#ifndef TESTS_CT_CT_H
#define TESTS_CT_CT_H

#include "base/secret.h"

struct ct_case {
	const char	*name;
	void		(*run)(void);
	bool		 leaks;		/* on purpose: it must be caught */
};

extern const struct ct_case	ct_shamir[], ct_sealed[], ct_segment[], ct_leaks[];	/* to a NULL name */

/* The n bytes at p are secret from here on; the test itself may know them again. */
void	 ct_secret(const void *p, size_t n);
void	 ct_public(const void *p, size_t n);
/* Does each of the n bytes depend on a secret? */
bool	 ct_is_secret(const void *p, size_t n);
/* Is what libsodium draws from here on secret? */
void	 ct_random_is_secret(bool yes);

/* Ends the program with a message, unless it holds. */
void	 ct_need(bool holds, const char *what);
void	 ct_ok(enum rc rc, const char *what);

#endif

/*
 * tests/unit/store/shim.h - a disk that fails when it is told to.
 *
 * A VFS in front of SQLite's own: the nth write, sync or truncation since
 * shim_arm() fails, in one of three ways.
 */
#ifndef TESTS_UNIT_STORE_SHIM_H
#define TESTS_UNIT_STORE_SHIM_H

#include <stdbool.h>

enum shim_mode {
	SHIM_ONCE,		/* that one call fails, nothing of it is done */
	SHIM_FULL,		/* that write and every later one: no space left */
	SHIM_POWER,		/* that write is half done, nothing later happens */
	SHIM_MODES
};

void	 shim_register(void);			/* as the default, once */
void	 shim_arm(unsigned long n, enum shim_mode mode);	/* 0: nothing fails */
bool	 shim_fired(void);			/* disarms */
unsigned long shim_syncs(void);			/* so far */

#endif

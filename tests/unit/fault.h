/*
 * tests/unit/fault.h - make the nth allocation fail.
 *
 * Linked into every unit test with --wrap=malloc, calloc, realloc and
 * secret_new, so that the calls of our own objects come here first; those of
 * jansson too, by way of base/json.c. Memory of libcrypto and of the C library is not counted.
 *
 *	for (n = 1;; n++) {
 *		fault_at(n);
 *		rc = thing_new(...);
 *		if (!fault_fired())
 *			break;
 *		assert_int_equal(rc, RC_NOMEM);
 *	}
 *
 * Threads: one counter for all of them.
 */
#ifndef TESTS_UNIT_FAULT_H
#define TESTS_UNIT_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The nth allocation from now on fails, once; 0: none does. */
void	 fault_at(unsigned long n);
/* Did it? Disarms, whether it did or not. */
bool	 fault_fired(void);

/* A copy in a heap block of its own, so that ASan sees a read past the end; free() it. */
uint8_t	*heap_copy(const void *p, size_t n);

#endif

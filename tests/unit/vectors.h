/*
 * tests/unit/vectors.h - vectors that others made, read where they stand.
 *
 * The folder is $QUORATE_VECTORS, or ../shared/vectors beside the repository;
 * it is never copied into it. Where it is absent a test prints one line
 * "skipped: why" and returns. Threads: none.
 */
#ifndef TESTS_UNIT_VECTORS_H
#define TESTS_UNIT_VECTORS_H

#include "base/bytes.h"

/* False, having printed why, when there is no such file; aborts when it cannot be read. */
bool	 vector_read(const char *name, struct buf *ret);
/* Calls fn for every regular file below the folder `name`; false as above. Returns how many. */
bool	 vector_each(const char *name, void (*fn)(const char *path, struct span bytes), size_t *ret_n);

#endif

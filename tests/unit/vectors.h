/*
 * tests/unit/vectors.h - vectors that came from elsewhere, read where they lie.
 *
 * They stand in $QUORATE_VECTORS, or ../shared/vectors beside the repository;
 * tests run at its root. Where they are absent the reader prints
 * "skipped: <file> is not here" and the test returns.
 */
#ifndef TESTS_UNIT_VECTORS_H
#define TESTS_UNIT_VECTORS_H

#include <jansson.h>

#include "base/bytes.h"

/* The file's bytes in out (reset first); false and a line when it is absent. */
bool		 vectors_read(const char *name, struct buf *out);
/* As JSON, to be released with json_decref(); NULL and a line when absent. */
json_t		*vectors_json(const char *name);
/* A string member's hex into exactly n bytes; aborts the program when it is not that. */
void		 vectors_hex(const json_t *obj, const char *name, uint8_t *out, size_t n);
/* Hex text into exactly n bytes, likewise. */
void		 unhex(const char *text, uint8_t *out, size_t n);

#endif

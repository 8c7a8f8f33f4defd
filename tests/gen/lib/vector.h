/*
 * tests/gen/lib/vector.h - writes vector files: `key: hex` a line.
 *
 *	struct vector_out v = vector_open(dir, "share-v1", "index_zero", "format",
 *	    "index 0 would be the secret");
 *	vector_hex(&v, "contribution", SPAN_OF(c));
 *	vector_close(&v);
 *
 * The first two lines are `expect:` (ok, or the rc_name of the refusal) and
 * `comment:`. A key may come several times: then it is a list. Any failure ends
 * the program with a message.
 */
#ifndef TESTS_GEN_LIB_VECTOR_H
#define TESTS_GEN_LIB_VECTOR_H

#include <stdio.h>

#include "base/bytes.h"

struct vector_out {
	FILE	*f;
};

struct vector_out vector_open(const char *dir, const char *spec, const char *name,
	    const char *expect, const char *comment);
void	 vector_hex(struct vector_out *v, const char *key, struct span value);
void	 vector_text(struct vector_out *v, const char *key, const char *value);
void	 vector_close(struct vector_out *v);

/* n bytes (at most 64) that are the same at each run: SHA-512 of name and number. */
void	 vector_seed(const char *name, uint32_t number, uint8_t *out, size_t n);

/* Ends the program unless ok. */
void	 vector_need(bool ok, const char *what);

#endif

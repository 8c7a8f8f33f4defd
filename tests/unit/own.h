/*
 * tests/unit/own.h - reads the vectors of tests/vectors: `key: value` a line.
 *
 * Whatever is missing or malformed ends the program with a message: the files
 * are ours. A key that comes several times is a list.
 */
#ifndef TESTS_UNIT_OWN_H
#define TESTS_UNIT_OWN_H

#include "base/bytes.h"

#define OWN_LINES	256

struct own {
	char		 name[96];		/* the file's, without .txt */
	char		*text;
	struct {
		const char	*key, *value;
	} line[OWN_LINES];
	size_t		 n;
};

/* Are the files another implementation's, of $OWN_VECTORS? Then their number is its choice. */
bool		 own_elsewhere(void);
/* Calls fn for each file of tests/vectors/SPEC; returns how many there were. */
size_t		 own_each(const char *spec, void (*fn)(const struct own *v));
/* The i-th value of a key, from 0; NULL when there is none. */
const char	*own_text(const struct own *v, const char *key, size_t i);
size_t		 own_count(const struct own *v, const char *key);
/* Hex into exactly n bytes. */
void		 own_hex(const struct own *v, const char *key, size_t i, uint8_t *out, size_t n);
/* Hex of any length up to max: the length. */
size_t		 own_bytes(const struct own *v, const char *key, uint8_t *out, size_t max);
/* The rc that `expect:` names. */
enum rc		 own_expect(const struct own *v);

#endif

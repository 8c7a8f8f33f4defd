/*
 * base/when.h - time as a value: seconds since 1970-01-01T00:00:00Z.
 *
 * Core code is given `now`; only the edges read a clock. Text is RFC 3339 in
 * UTC with whole seconds, exactly "2026-11-22T10:00:00Z": one form per value.
 */
#ifndef BASE_WHEN_H
#define BASE_WHEN_H

#include "base/bytes.h"

typedef uint64_t when;			/* POSIX seconds */

#define WHEN_TEXT_BYTES	21		/* with its NUL */
#define WHEN_MAX	UINT64_C(253402300799)	/* 9999-12-31T23:59:59Z */

char	*when_write(when t, char out[WHEN_TEXT_BYTES]);	/* returns out */
bool	 when_parse(struct span text, when *ret);
/* The UTC day, days since 1970-01-01. */
uint32_t when_day(when t);

#endif

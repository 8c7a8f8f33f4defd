/*
 * base/libcrypto.h - why did libcrypto fail?
 *
 * Many of its calls say "no" alike to a point off the curve and to memory that
 * ran out. Who decides by that answer what others decide too must tell the two
 * apart: a replica that takes a good entry for a void one has left its log.
 *
 *	libcrypto_begin();
 *	if (EC_POINT_oct2point(...) != 1)
 *		return err_set(err, libcrypto_failed(RC_FORMAT), "...");
 *
 * Threads: each has an answer of its own.
 */
#ifndef BASE_LIBCRYPTO_H
#define BASE_LIBCRYPTO_H

#include "base/err.h"

void	libcrypto_begin(void);
/* RC_NOMEM when memory ran out since libcrypto_begin(), else `otherwise`. */
enum rc	libcrypto_failed(enum rc otherwise);

#endif

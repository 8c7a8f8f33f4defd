/*
 * base/libcrypto.h - why did libcrypto fail? And: what it frees it zeroes.
 *
 * Many of its calls say "no" alike to a point off the curve and to memory that
 * ran out. Who decides by that answer what others decide too must tell the two
 * apart: a replica that takes a good entry for a void one has left its log.
 *
 *	libcrypto_begin();
 *	if (EC_POINT_oct2point(...) != 1)
 *		return err_set(err, libcrypto_failed(RC_FORMAT), "...");
 *
 * In a program that this is linked into, all memory that libcrypto and libssl give back is
 * zeroed first, whoever calls them: no code of ours can forget to.
 *
 * Threads: each has an answer of its own.
 */
#ifndef BASE_LIBCRYPTO_H
#define BASE_LIBCRYPTO_H

#include <openssl/types.h>

#include "base/err.h"

void	libcrypto_begin(void);
/* RC_NOMEM when memory ran out since libcrypto_begin(), else `otherwise`. */
enum rc	libcrypto_failed(enum rc otherwise);

/*
 * A key that lives elsewhere may fail for reasons of its own, while libcrypto says that the
 * message is bad. Who made the key gives it a place where it writes what failed; who used
 * it looks there. NULL: a key of libcrypto's own.
 *
 * The place outlives the key; a failed operation writes it, and whoever uses the key sets its
 * rc to RC_OK before.
 */
MUST_USE enum rc libcrypto_key_watch(EVP_PKEY *key, struct err *fault, struct err *err);
struct err	*libcrypto_key_fault(const EVP_PKEY *key);

#endif

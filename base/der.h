/*
 * base/der.h - the little DER (X.690) that we read and write ourselves.
 *
 * For signatures that are made again and compared, byte for byte, and for taking what
 * others made apart without changing a byte of it. What a certificate or a token says is
 * libcrypto's to read. Tags of one byte. Pure. Threads: no shared state.
 */
#ifndef BASE_DER_H
#define BASE_DER_H

#include "base/wire.h"

#define DER_INTEGER	0x02
#define DER_OCTETS	0x04
#define DER_OID		0x06
#define DER_UTCTIME	0x17
#define DER_TIME	0x18
#define DER_SEQUENCE	0x30
#define DER_SET		0x31
#define DER_CONTEXT(n)	(0xa0 | (n))	/* constructed: [n] */

#define DER_DEPTH_MAX	32

/* Tag, length, value. RC_LIMIT, sticky: longer than 2^24 - 1 bytes. */
void	 der_write(struct buf *out, uint8_t tag, struct span value);
/* In the order that a SET OF has its elements, each once; returns how many are left. */
size_t	 der_sort(struct span *element, size_t n);

/* The next element, whole and its value (either may be NULL); false, and nothing read, when it is not. */
bool	 der_take(struct rd *r, uint8_t tag, struct span *ret, struct span *ret_value);
/* The same of any tag. */
bool	 der_any(struct rd *r, struct span *ret);
/* Does one of this tag come next? */
bool	 der_next(const struct rd *r, uint8_t tag);
/*
 * One element and no more, every length in it in its one form, sequences and sets made of others
 * and nothing else of the universal tags, at most DER_DEPTH_MAX deep.
 */
bool	 der_ok(struct span in);

#endif

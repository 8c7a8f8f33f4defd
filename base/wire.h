/*
 * base/wire.h - a bounded reader for our binary formats.
 *
 * A parser reads like the table in the spec: a chain of rd_* calls joined by
 * &&, ended by rd_done(). A failed read leaves `at` where it failed, so the
 * error can name the byte. Integers are big-endian. Spans that are returned
 * borrow from the input. Write with buf_* of base/bytes.h.
 */
#ifndef BASE_WIRE_H
#define BASE_WIRE_H

#include "base/bytes.h"

struct rd {
	struct span	in;
	size_t		at;	/* the next byte to read */
};

static inline struct rd
rd_init(struct span in)
{
	return (struct rd){ in, 0 };
}

bool	rd_expect(struct rd *r, const void *p, size_t n);	/* exactly these bytes */
bool	rd_bytes(struct rd *r, uint8_t *out, size_t n);
bool	rd_take(struct rd *r, size_t n, struct span *out);	/* n bytes, borrowed */
bool	rd_u8(struct rd *r, uint8_t *out);
bool	rd_u16(struct rd *r, uint16_t *out);
bool	rd_u32(struct rd *r, uint32_t *out);
bool	rd_u64(struct rd *r, uint64_t *out);
/* A length of 1, 2 or 4 bytes within min..max, then that many bytes. */
bool	rd_vec8(struct rd *r, size_t min, size_t max, struct span *out);
bool	rd_vec16(struct rd *r, size_t min, size_t max, struct span *out);
bool	rd_vec32(struct rd *r, size_t min, size_t max, struct span *out);
bool	rd_done(const struct rd *r);				/* nothing left over */

#endif

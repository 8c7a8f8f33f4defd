/*
 * tests/fuzz/lib/message.h - protobuf messages that mean something: an input says which fields
 * there are, and takes what random bytes would never hit, digests and signed statements, from
 * a list of known values, as they are, cut or with a byte changed.
 *
 *	u8 number of fields, then each: u8 number (its low five bits), u8 how (modulo HOWS), and
 *	HOW_NUMBER	u64
 *	HOW_BYTES	vec16
 *	HOW_KNOWN	u8 which
 *	HOW_CHANGED	u8 which, u16 where, u8 exclusive-or
 *	HOW_CUT		u8 which, u16 how long
 *	HOW_MESSAGE	another of these, DEPTH_MAX deep
 *	HOW_SMALL	u8: a number
 *
 * What the input lacks is left out.
 */
#ifndef TESTS_FUZZ_LIB_MESSAGE_H
#define TESTS_FUZZ_LIB_MESSAGE_H

#include "base/wire.h"
#include "tests/fuzz/lib/fuzz.h"

#define MESSAGE_KNOWN	128u
#define MESSAGE_MAX	(256u << 10)

enum how { HOW_NUMBER, HOW_BYTES, HOW_KNOWN, HOW_CHANGED, HOW_CUT, HOW_MESSAGE, HOW_SMALL, HOWS };

struct known {
	size_t		n;
	struct buf	value[MESSAGE_KNOWN];
};
/* Its index. */
uint8_t	 known_add(struct known *k, struct span value);
void	 known_done(struct known *k);

/* Appended to out; a message that does not fit is cut at a field. */
void	 message_make(struct rd *r, const struct known *k, struct buf *out);

/* One value: u8 how (not a number), and what that takes. */
void	 message_value(struct rd *r, const struct known *k, struct buf *out);

/* The other way, for seeds. */
void	 field_number(struct buf *out, uint8_t number, uint64_t value);
void	 field_known(struct buf *out, uint8_t number, uint8_t which);
void	 field_bytes(struct buf *out, uint8_t number, struct span bytes);

#endif

/* tests/fuzz/lib/message.c - see message.h. */
#include "tests/fuzz/lib/message.h"

#define DEPTH_MAX	3
#define WIRE_VARINT	0u
#define WIRE_BYTES	2u

uint8_t
known_add(struct known *k, struct span value)
{
	PROMISE(k->n < MESSAGE_KNOWN);
	k->value[k->n] = BUF_INIT(MESSAGE_MAX);
	buf_span(&k->value[k->n], value);
	PROMISE(k->value[k->n].rc == RC_OK);
	return (uint8_t)k->n++;
}

void
known_done(struct known *k)
{
	while (k->n > 0)
		buf_done(&k->value[--k->n]);
}

static void
put_varint(struct buf *out, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_u8(out, (uint8_t)(v | 0x80));
	buf_u8(out, (uint8_t)v);
}

static void
put_number(struct buf *out, uint8_t number, uint64_t v)
{
	put_varint(out, (uint64_t)number << 3 | WIRE_VARINT);
	put_varint(out, v);
}

static void
put_bytes(struct buf *out, uint8_t number, struct span s)
{
	put_varint(out, (uint64_t)number << 3 | WIRE_BYTES);
	put_varint(out, s.n);
	buf_span(out, s);
}

/* A known value, cut to `cut` bytes, the one at `at` changed. */
static bool
take_known(struct rd *r, const struct known *k, uint8_t how, struct buf *value)
{
	struct span	v;
	uint16_t	at = 0;
	uint8_t		which, x = 0;

	if (!rd_u8(r, &which) || k->n == 0)
		return false;
	v = buf_view(&k->value[which % k->n]);
	if (how == HOW_CHANGED && (!rd_u16(r, &at) || !rd_u8(r, &x)))
		return false;
	if (how == HOW_CUT && !rd_u16(r, &at))
		return false;
	buf_add(value, v.p, how == HOW_CUT && at < v.n ? at : v.n);
	if (how == HOW_CHANGED && v.n > 0)
		value->p[at % v.n] ^= x;
	return value->rc == RC_OK;
}

static void	make(struct rd *r, const struct known *k, unsigned depth, struct buf *out);

static bool
take_value(struct rd *r, const struct known *k, uint8_t how, unsigned depth, struct buf *value)
{
	struct span	s;

	switch (how) {
	case HOW_BYTES:
		if (!rd_vec16(r, 0, UINT16_MAX, &s))
			return false;
		buf_span(value, s);
		return value->rc == RC_OK;
	case HOW_MESSAGE:
		if (depth >= DEPTH_MAX)
			return false;
		make(r, k, depth + 1, value);
		return value->rc == RC_OK;
	default:
		return take_known(r, k, how, value);
	}
}

static bool
field(struct rd *r, const struct known *k, unsigned depth, struct buf *out)
{
	struct buf	value = BUF_INIT(MESSAGE_MAX);
	uint8_t		number, how, small;
	uint64_t	big;
	bool		ok;

	if (!rd_u8(r, &number) || !rd_u8(r, &how))
		return false;
	number &= 31;
	how %= HOWS;
	if (how == HOW_SMALL || how == HOW_NUMBER) {
		if (how == HOW_SMALL ? !rd_u8(r, &small) : !rd_u64(r, &big))
			return false;
		put_number(out, number, how == HOW_SMALL ? small : big);
		return true;
	}
	ok = take_value(r, k, how, depth, &value);
	if (ok && out->n + value.n + 16 <= MESSAGE_MAX)
		put_bytes(out, number, buf_view(&value));
	buf_done(&value);
	return ok;
}

static void
make(struct rd *r, const struct known *k, unsigned depth, struct buf *out)
{
	uint8_t	n;

	if (!rd_u8(r, &n))
		return;
	while (n-- > 0 && field(r, k, depth, out))
		;
}

void
message_make(struct rd *r, const struct known *k, struct buf *out)
{
	make(r, k, 0, out);
}

void
message_value(struct rd *r, const struct known *k, struct buf *out)
{
	uint8_t	how;

	if (rd_u8(r, &how) && how % HOWS != HOW_NUMBER && how % HOWS != HOW_SMALL)
		(void)take_value(r, k, how % HOWS, 0, out);
}

void
field_number(struct buf *out, uint8_t number, uint64_t value)
{
	buf_u8(out, number);
	buf_u8(out, HOW_NUMBER);
	buf_u64(out, value);
}

void
field_known(struct buf *out, uint8_t number, uint8_t which)
{
	buf_u8(out, number);
	buf_u8(out, HOW_KNOWN);
	buf_u8(out, which);
}

void
field_bytes(struct buf *out, uint8_t number, struct span bytes)
{
	buf_u8(out, number);
	buf_u8(out, HOW_BYTES);
	buf_vec16(out, bytes);
}

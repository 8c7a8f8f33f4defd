/* Hex and base64: public bytes only, the tables are indexed by what they encode. */
#include "base/bytes.h"

static const char hex_digit[] = "0123456789abcdef";
static const char b64_digit[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *
hex_write(struct span in, char *out)
{
	size_t	i;

	for (i = 0; i < in.n; i++) {
		out[2 * i] = hex_digit[in.p[i] >> 4];
		out[2 * i + 1] = hex_digit[in.p[i] & 15];
	}
	out[2 * in.n] = '\0';
	return out;
}

/* The value of each digit, marked as one; anything else is 0. */
#define HEX_IS		0x10
#define HEX(v)		(HEX_IS | (v))

static const uint8_t hex_of[256] = {
	['0'] = HEX(0), HEX(1), HEX(2), HEX(3), HEX(4), HEX(5), HEX(6), HEX(7), HEX(8), HEX(9),
	['a'] = HEX(10), HEX(11), HEX(12), HEX(13), HEX(14), HEX(15),
};

bool
hex_parse(struct span text, uint8_t *out, size_t out_n)
{
	uint8_t	all = HEX_IS;
	size_t	i;

	if (text.n % 2 != 0 || text.n / 2 != out_n)
		return false;
	for (i = 0; i < text.n; i++)
		all &= hex_of[text.p[i]];
	if (all == 0)
		return false;
	for (i = 0; i < out_n; i++)
		out[i] = (uint8_t)(hex_of[text.p[2 * i]] << 4 | (hex_of[text.p[2 * i + 1]] & 15));
	return true;
}

void
b64_write(struct buf *out, struct span in)
{
	uint8_t		*at;
	uint32_t	 v;
	size_t		 i, left;

	at = buf_extend(out, in.n / 3 * 4 + (in.n % 3 != 0 ? 4 : 0));
	if (at == NULL)
		return;
	for (i = 0; i < in.n; i += 3, at += 4) {
		left = in.n - i;
		v = (uint32_t)in.p[i] << 16;
		if (left > 1)
			v |= (uint32_t)in.p[i + 1] << 8;
		if (left > 2)
			v |= in.p[i + 2];
		at[0] = (uint8_t)b64_digit[v >> 18];
		at[1] = (uint8_t)b64_digit[v >> 12 & 63];
		at[2] = left > 1 ? (uint8_t)b64_digit[v >> 6 & 63] : '=';
		at[3] = left > 2 ? (uint8_t)b64_digit[v & 63] : '=';
	}
}

/* The value of each digit and of which alphabets it is one; anything else is 0. */
#define STANDARD	0x40
#define URL_SAFE	0x80
#define B64(v)		(STANDARD | URL_SAFE | (v))
#define B64_5(v)	B64(v), B64((v) + 1), B64((v) + 2), B64((v) + 3), B64((v) + 4)
#define B64_26(v)	B64_5(v), B64_5((v) + 5), B64_5((v) + 10), B64_5((v) + 15), B64_5((v) + 20), B64((v) + 25)

static const uint8_t b64_of[256] = {
	['A'] = B64_26(0),
	['a'] = B64_26(26),
	['0'] = B64_5(52), B64_5(57),
	['+'] = STANDARD | 62, ['/'] = STANDARD | 63,
	['-'] = URL_SAFE | 62, ['_'] = URL_SAFE | 63,
};

/* Takes padding off the end: all that the length calls for, or none. */
static bool
b64_unpad(struct span *text)
{
	size_t	pad = 0;

	while (pad < text->n && text->p[text->n - 1 - pad] == '=')
		pad++;
	if (pad != 0 && (pad > 2 || text->n % 4 != 0))
		return false;
	text->n -= pad;
	return text->n % 4 != 1;
}

/* All digits of one alphabet? Padding is off. */
static bool
b64_is_one(struct span text)
{
	uint8_t	all = STANDARD | URL_SAFE, spare;
	size_t	i;

	for (i = 0; i < text.n; i++)
		all &= b64_of[text.p[i]];
	if ((all & (STANDARD | URL_SAFE)) == 0)
		return false;
	/* A second encoding of the same value hides in the bits left over. */
	spare = text.n % 4 == 2 ? 15 : text.n % 4 == 3 ? 3 : 0;
	return spare == 0 || (b64_of[text.p[text.n - 1]] & spare) == 0;
}

static uint32_t
b64_value(uint8_t c)
{
	return b64_of[c] & 63U;
}

/* What b64_is_one() let pass; out has b64_length() bytes. */
static void
b64_decode(struct span text, uint8_t *out)
{
	const uint8_t	*p = text.p;
	size_t		 left;
	uint32_t	 v;

	for (left = text.n; left >= 4; left -= 4, p += 4, out += 3) {
		v = b64_value(p[0]) << 18 | b64_value(p[1]) << 12 | b64_value(p[2]) << 6 | b64_value(p[3]);
		out[0] = (uint8_t)(v >> 16);
		out[1] = (uint8_t)(v >> 8);
		out[2] = (uint8_t)v;
	}
	if (left < 2)
		return;
	v = b64_value(p[0]) << 12 | b64_value(p[1]) << 6 | (left > 2 ? b64_value(p[2]) : 0);
	out[0] = (uint8_t)(v >> 10);
	if (left > 2)
		out[1] = (uint8_t)(v >> 2);
}

static size_t
b64_length(struct span text)
{
	return text.n / 4 * 3 + (text.n % 4) * 3 / 4;
}

static enum rc
b64_ragged(struct err *err)
{
	return err_set(err, RC_FORMAT, "base64: wrong length or padding");
}

static enum rc
b64_not_one(struct err *err)
{
	return err_set(err, RC_FORMAT, "base64: not the one encoding of its value");
}

enum rc
b64_parse(struct buf *out, struct span text, struct err *err)
{
	size_t	 was = out->n;
	uint8_t	*at;

	if (!b64_unpad(&text))
		return b64_ragged(err);
	if ((at = buf_extend(out, b64_length(text))) == NULL)
		return buf_check(out, "base64", err);
	if (!b64_is_one(text)) {
		out->n = was;
		return b64_not_one(err);
	}
	b64_decode(text, at);
	return RC_OK;
}

enum rc
b64_parse_fixed(uint8_t *out, size_t out_n, struct span text, struct err *err)
{
	/* Too long is as malformed as too short. */
	if (text.n > (out_n + 2) / 3 * 4)
		return err_set(err, RC_FORMAT, "base64: over %zu bytes", out_n);
	if (!b64_unpad(&text))
		return b64_ragged(err);
	if (!b64_is_one(text))
		return b64_not_one(err);
	if (b64_length(text) != out_n)
		return err_set(err, RC_FORMAT, "base64: %zu bytes, need %zu", b64_length(text), out_n);
	b64_decode(text, out);
	return RC_OK;
}

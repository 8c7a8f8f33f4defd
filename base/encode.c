/* Hex and base64: public bytes only, the tables are indexed by what they encode. */
#include <string.h>

#include "base/auto.h"
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

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool
hex_parse(struct span text, uint8_t *out, size_t out_n)
{
	size_t	i;

	if (text.n % 2 != 0 || text.n / 2 != out_n)
		return false;
	for (i = 0; i < text.n; i++)
		if (hex_value(text.p[i]) < 0)
			return false;
	for (i = 0; i < out_n; i++)
		out[i] = (uint8_t)(hex_value(text.p[2 * i]) << 4 | hex_value(text.p[2 * i + 1]));
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

enum alphabet { EITHER, STANDARD, URL_SAFE };

/* The value of a digit, or -1; narrows the alphabet down and refuses a mix. */
static int
b64_value(uint8_t c, enum alphabet *which)
{
	enum alphabet	is;

	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '/')
		is = STANDARD;
	else if (c == '-' || c == '_')
		is = URL_SAFE;
	else
		return -1;
	if (*which != EITHER && *which != is)
		return -1;
	*which = is;
	return c == '+' || c == '-' ? 62 : 63;
}

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

/* Decodes into out (text.n * 3 / 4 bytes, padding already off). */
static bool
b64_decode(struct span text, uint8_t *out)
{
	enum alphabet	which = EITHER;
	uint32_t	acc = 0;
	unsigned	bits = 0;
	size_t		i, n = 0;
	int		v;

	for (i = 0; i < text.n; i++) {
		v = b64_value(text.p[i], &which);
		if (v < 0)
			return false;
		acc = (acc << 6 | (uint32_t)v) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (uint8_t)(acc >> bits);
		}
	}
	/* A second encoding of the same value hides in the bits left over. */
	return (acc & ((1U << bits) - 1)) == 0;
}

enum rc
b64_parse(struct buf *out, struct span text, struct err *err)
{
	size_t	 was = out->n;
	uint8_t	*at;

	if (!b64_unpad(&text))
		return err_set(err, RC_FORMAT, "base64: wrong length or padding");
	at = buf_extend(out, text.n / 4 * 3 + (text.n % 4) * 3 / 4);
	if (at == NULL)
		return buf_check(out, "base64", err);
	if (!b64_decode(text, at)) {
		out->n = was;
		return err_set(err, RC_FORMAT, "base64: not the one encoding of its value");
	}
	return RC_OK;
}

enum rc
b64_parse_fixed(uint8_t *out, size_t out_n, struct span text, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(out_n);

	/* Too long is as malformed as too short, and allocates nothing. */
	if (text.n > (out_n + 2) / 3 * 4)
		return err_set(err, RC_FORMAT, "base64: over %zu bytes", out_n);
	b.max = out_n + 2;		/* what text of that length may decode to */
	TRY(b64_parse(&b, text, err));
	if (b.n != out_n)
		return err_set(err, RC_FORMAT, "base64: %zu bytes, need %zu", b.n, out_n);
	if (out_n != 0)
		memcpy(out, b.p, out_n);
	return RC_OK;
}

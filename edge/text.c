/* edge/text.c - words of others, made fit for a terminal and for JSON. */
#include <string.h>

#include "edge/edge.h"

/* One UTF-8 sequence at p, of at most n bytes: its length and code point; 0: malformed. */
static size_t
sequence(const uint8_t *p, size_t n, uint32_t *ret)
{
	static const uint32_t	least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t			len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2, i;
	uint32_t		v = len == 1 ? p[0] : p[0] & (0x7fU >> len);

	if ((p[0] >= 0x80 && p[0] < 0xc0) || p[0] > 0xf7 || len > n)
		return 0;
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (p[i] & 0x3fU);
	}
	if (v < least[len] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return 0;
	*ret = v;
	return len;
}

/* Moves a cursor, colours a line, or turns the order of letters round; or is not seen at all. */
static bool
deceives(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0xad || c == 0x61c || c == 0x180e ||
	    (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	    c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

void
text_clean(uint8_t *p, size_t n, bool lines)
{
	uint32_t	c = 0;
	size_t		at, len, i;

	for (at = 0; at < n; at += len) {
		len = sequence(p + at, n - at, &c);
		if (len != 0 && (!deceives(c) || (lines && (c == '\n' || c == '\t'))))
			continue;
		if (len == 0)
			len = 1;
		for (i = 0; i < len; i++)
			p[at + i] = '?';
	}
}

char *
text_clean_str(char *s)
{
	text_clean((uint8_t *)s, strlen(s), false);
	return s;
}

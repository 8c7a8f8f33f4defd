#include "evidence/crc32.h"

#define POLYNOMIAL	UINT32_C(0xEDB88320)

void
crc32_init(struct crc32 *t)
{
	uint32_t	c;

	for (uint32_t i = 0; i < 256; i++) {
		c = i;
		for (int bit = 0; bit < 8; bit++)
			c = (c & 1) != 0 ? (c >> 1) ^ POLYNOMIAL : c >> 1;
		t->table[0][i] = c;
	}
	for (size_t k = 1; k < 8; k++)
		for (size_t i = 0; i < 256; i++) {
			c = t->table[k - 1][i];
			t->table[k][i] = (c >> 8) ^ t->table[0][c & 0xff];
		}
}

/* Eight bytes at once: each goes through the table for its distance from the end. */
static uint32_t
step8(const struct crc32 *t, uint32_t c, const uint8_t *p)
{
	c ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
	return t->table[7][c & 0xff] ^ t->table[6][c >> 8 & 0xff] ^
	    t->table[5][c >> 16 & 0xff] ^ t->table[4][c >> 24] ^
	    t->table[3][p[4]] ^ t->table[2][p[5]] ^ t->table[1][p[6]] ^ t->table[0][p[7]];
}

uint32_t
crc32_more(const struct crc32 *t, uint32_t crc, struct span in)
{
	const uint8_t	*p = in.p;
	size_t		 n = in.n;
	uint32_t	 c = ~crc;

	for (; n >= 8; n -= 8, p += 8)
		c = step8(t, c, p);
	for (; n > 0; n--, p++)
		c = (c >> 8) ^ t->table[0][(c ^ *p) & 0xff];
	return ~c;
}

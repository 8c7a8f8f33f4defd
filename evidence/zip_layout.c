#include "evidence/zip_layout.h"

#include <string.h>

#define SIG_LOCAL	UINT32_C(0x04034b50)
#define SIG_CENTRAL	UINT32_C(0x02014b50)
#define SIG_END		UINT32_C(0x06054b50)
#define SIG_END64	UINT32_C(0x06064b50)
#define SIG_LOCATOR	UINT32_C(0x07064b50)

#define VERSION_PLAIN	20
#define VERSION_ZIP64	45
#define MADE_ON_UNIX	(3 << 8)
#define EXTRA_ZIP64	1
#define STORED		0
#define NO_FLAGS	0	/* names are ASCII: the UTF-8 flag would say nothing */
#define TIME_FIXED	0
#define DATE_FIXED	0x0021	/* 1980-01-01: the log says when, a file system does not */
#define MODE_FILE	(UINT32_C(0100644) << 16)	/* a plain file, to any reader */

static void
put16(struct buf *out, uint32_t v)
{
	buf_u8(out, (uint8_t)(v & 0xff));
	buf_u8(out, (uint8_t)(v >> 8 & 0xff));
}

static void
put32(struct buf *out, uint32_t v)
{
	put16(out, v & 0xffff);
	put16(out, v >> 16);
}

static void
put64(struct buf *out, uint64_t v)
{
	put32(out, (uint32_t)(v & UINT32_MAX));
	put32(out, (uint32_t)(v >> 32));
}

uint16_t
zip_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t
zip_u32(const uint8_t *p)
{
	return (uint32_t)zip_u16(p) | (uint32_t)zip_u16(p + 2) << 16;
}

uint64_t
zip_u64(const uint8_t *p)
{
	return (uint64_t)zip_u32(p) | (uint64_t)zip_u32(p + 4) << 32;
}

static uint32_t
low(uint64_t v)
{
	return v >= ZIP_IN_64 ? ZIP_IN_64 : (uint32_t)v;
}

/* What local and central header have in common, from "version needed" on. */
static void
common_write(const struct zip_header *h, bool zip64, uint32_t extra, struct buf *out)
{
	put16(out, zip64 ? VERSION_ZIP64 : VERSION_PLAIN);
	put16(out, NO_FLAGS);
	put16(out, STORED);
	put16(out, TIME_FIXED);
	put16(out, DATE_FIXED);
	put32(out, h->crc);
	put32(out, low(h->size));
	put32(out, low(h->size));
	put16(out, (uint32_t)strlen(h->name));
	put16(out, extra);
}

void
zip_crc_write(uint32_t crc, struct buf *out)
{
	put32(out, crc);
}

void
zip_local_write(const struct zip_header *h, struct buf *out)
{
	bool	big = h->size >= ZIP_IN_64;

	put32(out, SIG_LOCAL);
	common_write(h, big, big ? 20 : 0, out);
	buf_span(out, span_str(h->name));
	if (big) {
		put16(out, EXTRA_ZIP64);
		put16(out, 16);
		put64(out, h->size);
		put64(out, h->size);
	}
}

void
zip_central_write(const struct zip_header *h, struct buf *out)
{
	bool		big = h->size >= ZIP_IN_64, far = h->header >= ZIP_IN_64;
	uint32_t	fields = (big ? 16U : 0U) + (far ? 8U : 0U);

	put32(out, SIG_CENTRAL);
	put16(out, MADE_ON_UNIX | VERSION_ZIP64);
	common_write(h, big || far, fields > 0 ? 4 + fields : 0, out);
	put16(out, 0);			/* comment */
	put16(out, 0);			/* disk */
	put16(out, 0);			/* internal attributes */
	put32(out, MODE_FILE);
	put32(out, low(h->header));
	buf_span(out, span_str(h->name));
	if (fields > 0) {
		put16(out, EXTRA_ZIP64);
		put16(out, fields);
	}
	if (big) {
		put64(out, h->size);
		put64(out, h->size);
	}
	if (far)
		put64(out, h->header);
}

static void
end64_write(uint32_t count, uint64_t at, uint64_t size, struct buf *out)
{
	put32(out, SIG_END64);
	put64(out, ZIP_END64_BYTES - 12);
	put16(out, MADE_ON_UNIX | VERSION_ZIP64);
	put16(out, VERSION_ZIP64);
	put32(out, 0);
	put32(out, 0);
	put64(out, count);
	put64(out, count);
	put64(out, size);
	put64(out, at);
	put32(out, SIG_LOCATOR);
	put32(out, 0);
	put64(out, at + size);
	put32(out, 1);
}

/* Count and size of the directory always fit: ZIP_ENTRIES_MAX. Only `at` can be far. */
void
zip_tail_write(uint32_t count, uint64_t at, uint64_t size, struct buf *out)
{
	if (at >= ZIP_IN_64)
		end64_write(count, at, size, out);
	put32(out, SIG_END);
	put16(out, 0);
	put16(out, 0);
	put16(out, count);
	put16(out, count);
	put32(out, (uint32_t)size);
	put32(out, low(at));
	put16(out, 0);
}

static bool
name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '.' || c == '_' || c == '-';
}

static bool
step_ok(const char *step, size_t n)
{
	if (n == 0 || (n == 1 && step[0] == '.'))
		return false;
	return !(n == 2 && step[0] == '.' && step[1] == '.');
}

bool
zip_name_ok(const char *name)
{
	size_t	n = strlen(name), from = 0;

	if (n == 0 || n > ZIP_NAME_MAX)
		return false;
	for (size_t i = 0; i <= n; i++) {
		if (i < n && name[i] != '/') {
			if (!name_char(name[i]))
				return false;
			continue;
		}
		if (!step_ok(name + from, i - from))
			return false;
		from = i + 1;
	}
	return true;
}

static int
fold(char c)
{
	if (c == '/')
		return 1;		/* after the end of a name, before all else */
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

int
zip_name_order(const char *a, const char *b)
{
	while (*a != '\0' && fold(*a) == fold(*b)) {
		a++;
		b++;
	}
	return fold(*a) - fold(*b);
}

bool
zip_name_clash(const char *a, const char *b)
{
	while (*a != '\0' && fold(*a) == fold(*b)) {
		a++;
		b++;
	}
	return *a == '\0' && (*b == '\0' || *b == '/');
}

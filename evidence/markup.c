#include "evidence/markup.h"

#include <string.h>

#include "base/json.h"

#define UNKNOWN	0xfffdU		/* for a byte that is no UTF-8 */

/* Characters without a shape: controls, directions, joiners, blanks of no width, tags. */
static bool
unseen(uint32_t c)
{
	static const struct { uint32_t first, last; } ranges[] = {
		{ 0x00, 0x1f }, { 0x7f, 0x9f }, { 0xad, 0xad }, { 0x061c, 0x061c }, { 0x180e, 0x180e },
		{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xfeff, 0xfeff },
		{ 0xfff9, 0xfffb }, { 0xe0000, 0xe0fff },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/* The next character and its length, at least 1. */
static size_t
next(struct span s, uint32_t *ret)
{
	uint8_t	c[5] = { 0 };
	size_t	n;

	/* utf8_next() stops at a NUL, which the end of the text has to be for it. */
	memcpy(c, s.p, s.n < 4 ? s.n : 4);
	if ((n = utf8_next(c, ret)) == 0) {
		*ret = UNKNOWN;
		n = 1;
	}
	return n;
}

static void
html_char(struct buf *out, uint32_t c, const uint8_t *p, size_t n)
{
	switch (c) {
	case '&':	buf_printf(out, "&amp;"); return;
	case '<':	buf_printf(out, "&lt;"); return;
	case '>':	buf_printf(out, "&gt;"); return;
	case '"':	buf_printf(out, "&quot;"); return;
	case '\'':	buf_printf(out, "&#39;"); return;
	default:	break;
	}
	if (unseen(c) || (c == UNKNOWN && n == 1))
		buf_printf(out, "[U+%04X]", (unsigned)c);
	else
		buf_add(out, p, n);
}

void
markup_html(struct buf *out, const char *s)
{
	struct span	text = span_str(s);
	uint32_t	c;

	for (size_t at = 0, n; at < text.n; at += n) {
		n = next(SPAN(text.p + at, text.n - at), &c);
		html_char(out, c, text.p + at, n);
	}
}

void
markup_html_lines(struct buf *out, struct span text)
{
	uint32_t	c;

	for (size_t at = 0, n; at < text.n; at += n) {
		n = next(SPAN(text.p + at, text.n - at), &c);
		if (c == '\n')
			buf_printf(out, "<br>\n");
		else if (c == '\t')
			buf_u8(out, ' ');
		else if (c != '\r' || at + 1 == text.n || text.p[at + 1] != '\n')
			html_char(out, c, text.p + at, n);
	}
}

static void
json_escape(struct buf *out, uint32_t c)
{
	if (c < 0x10000)
		buf_printf(out, "\\u%04x", (unsigned)c);
	else
		buf_printf(out, "\\u%04x\\u%04x", (unsigned)(0xd800 + ((c - 0x10000) >> 10)),
		    (unsigned)(0xdc00 + ((c - 0x10000) & 0x3ff)));
}

void
markup_json(struct buf *out, const char *s)
{
	struct span	text = span_str(s);
	uint32_t	c;

	buf_u8(out, '"');
	for (size_t at = 0, n; at < text.n; at += n) {
		n = next(SPAN(text.p + at, text.n - at), &c);
		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", (char)c);
		else if (unseen(c) || (c == UNKNOWN && n == 1))
			json_escape(out, c);
		else
			buf_add(out, text.p + at, n);
	}
	buf_u8(out, '"');
}

bool
markup_is_text(struct span text)
{
	uint32_t	c;

	for (size_t at = 0, n; at < text.n; at += n) {
		n = next(SPAN(text.p + at, text.n - at), &c);
		if (c == UNKNOWN || (unseen(c) && c != '\n' && c != '\t' && c != '\r'))
			return false;
	}
	return true;
}

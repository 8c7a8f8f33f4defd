#include "audit/text.h"

#include <string.h>

#include "base/auto.h"

/* RFC 3629; 0 for anything else, NUL included. Advances at. */
static uint32_t
utf8_next(struct span in, size_t *at)
{
	static const uint32_t	least[] = { 0, 0x80, 0x800, 0x10000 };
	uint8_t			b = in.p[(*at)++];
	uint32_t		c;
	unsigned		more;

	if (b < 0x80)
		return b;
	if (b >= 0xc2 && b < 0xe0)
		more = 1;
	else if (b >= 0xe0 && b < 0xf0)
		more = 2;
	else if (b >= 0xf0 && b < 0xf5)
		more = 3;
	else
		return 0;
	c = b & (0x3fU >> more);
	for (unsigned i = 0; i < more; i++) {
		if (*at >= in.n || (in.p[*at] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (in.p[(*at)++] & 0x3fU);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return c;
}

static bool
is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/* White_Space of Unicode, without what is_control() has. */
static bool
is_space(uint32_t c)
{
	return c == 0x20 || c == 0xa0 || c == 0x1680 ||
	    (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
	    c == 0x202f || c == 0x205f || c == 0x3000;
}

bool
text_cut(struct span *rest, char sep, struct span *ret)
{
	const uint8_t	*end = NULL;
	size_t		 n;

	if (rest->n != 0)
		end = memchr(rest->p, sep, rest->n);
	if (end == NULL)
		return false;
	n = (size_t)(end - rest->p);
	*ret = SPAN(rest->p, n);
	*rest = SPAN(end + 1, rest->n - n - 1);
	return true;
}

bool
text_skip(struct span *rest, struct span head)
{
	if (rest->n < head.n || !span_eq(SPAN(rest->p, head.n), head))
		return false;
	*rest = SPAN(rest->p + head.n, rest->n - head.n);
	return true;
}

bool
text_name(struct span in, char ret[NOTE_NAME_MAX + 1])
{
	uint32_t	c;

	if (in.n == 0 || in.n > NOTE_NAME_MAX)
		return false;
	for (size_t at = 0; at < in.n;) {
		c = utf8_next(in, &at);
		if (is_control(c) || is_space(c) || c == '+')
			return false;
	}
	memcpy(ret, in.p, in.n);
	ret[in.n] = '\0';
	return true;
}

bool
text_decimal(struct span in, uint64_t *ret)
{
	uint64_t	v = 0;

	if (in.n == 0 || in.n > 19 || (in.n > 1 && in.p[0] == '0'))
		return false;
	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] < '0' || in.p[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(in.p[i] - '0');	/* 19 digits fit */
	}
	if (v > INT64_MAX)
		return false;
	*ret = v;
	return true;
}

/* b64_parse() also reads the URL-safe and the unpadded form: not ours. */
static bool
is_standard(struct span in)
{
	if (in.n == 0 || in.n % 4 != 0)
		return false;
	return memchr(in.p, '-', in.n) == NULL &&
	    memchr(in.p, '_', in.n) == NULL;
}

enum rc
text_b64(struct span in, uint8_t *ret, size_t n, struct err *err)
{
	if (!is_standard(in))
		return err_set(err, RC_FORMAT, "not padded base64");
	return b64_parse_fixed(ret, n, in, err);
}

enum rc
text_b64_all(struct span in, struct buf *out, struct err *err)
{
	if (!is_standard(in))
		return err_set(err, RC_FORMAT, "not padded base64");
	TRY(b64_parse(out, in, err));
	return buf_check(out, "base64", err);
}

enum rc
text_b64_head(struct span in, uint8_t *ret, size_t n, struct err *err)
{
	AUTO_DONE(buf_done) struct buf out = BUF_INIT(NOTE_BYTES_MAX);

	if (!is_standard(in))
		return err_set(err, RC_FORMAT, "note: not padded base64");
	TRY(b64_parse(&out, in, err));
	if (out.n <= n)
		return err_set(err, RC_FORMAT, "note: signature too short");
	memcpy(ret, out.p, n);
	return RC_OK;
}

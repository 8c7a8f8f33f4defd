#include "base/der.h"

#include <stdlib.h>
#include <string.h>

#define CONSTRUCTED	0x20
#define CLASS		0xc0
#define LONG_TAG	0x1f
#define LENGTH_MAX	0xffffff

void
der_write(struct buf *out, uint8_t tag, struct span value)
{
	uint32_t	n = (uint32_t)value.n;

	if (value.n > LENGTH_MAX) {
		out->rc = out->rc == RC_OK ? RC_LIMIT : out->rc;
		return;
	}
	buf_u8(out, tag);
	if (n >= 0x10000) {
		buf_u8(out, 0x83);
		buf_u8(out, (uint8_t)(n >> 16));
		buf_u16(out, (uint16_t)(n & 0xffff));
	} else if (n >= 0x100) {
		buf_u8(out, 0x82);
		buf_u16(out, (uint16_t)n);
	} else {
		if (n >= 0x80)
			buf_u8(out, 0x81);
		buf_u8(out, (uint8_t)n);
	}
	buf_span(out, value);
}

static int
compare(const void *a, const void *b)
{
	const struct span	*x = a, *y = b;
	int			 c = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

	return c != 0 ? c : (x->n > y->n) - (x->n < y->n);
}

size_t
der_sort(struct span *element, size_t n)
{
	size_t	kept = 0;

	if (n > 1)
		qsort(element, n, sizeof(*element), compare);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !span_eq(element[kept - 1], element[i]))
			element[kept++] = element[i];
	return kept;
}

/* One byte below 128, else as few bytes as it takes, at most three. */
static bool
length(struct rd *r, size_t *ret)
{
	uint8_t	first, b;
	size_t	n = 0;

	if (!rd_u8(r, &first))
		return false;
	if (first < 0x80) {
		*ret = first;
		return true;
	}
	if (first < 0x81 || first > 0x83)
		return false;
	for (unsigned i = first & 3U; i > 0; i--) {
		if (!rd_u8(r, &b) || (n == 0 && b == 0))
			return false;
		n = n << 8 | b;
	}
	*ret = n;
	return n >= 0x80;
}

static bool
element(struct rd *r, uint8_t *ret_tag, struct span *ret, struct span *ret_value)
{
	struct rd	at = *r;
	size_t		n;

	if (!rd_u8(&at, ret_tag) || (*ret_tag & LONG_TAG) == LONG_TAG || !length(&at, &n) ||
	    !rd_take(&at, n, ret_value))
		return false;
	*ret = SPAN(r->in.p + r->at, at.at - r->at);
	*r = at;
	return true;
}

bool
der_next(const struct rd *r, uint8_t tag)
{
	return r->at < r->in.n && r->in.p[r->at] == tag;
}

bool
der_take(struct rd *r, uint8_t tag, struct span *ret, struct span *ret_value)
{
	struct span	whole, value;
	uint8_t		found;

	if (!der_next(r, tag) || !element(r, &found, &whole, &value))
		return false;
	if (ret != NULL)
		*ret = whole;
	if (ret_value != NULL)
		*ret_value = value;
	return true;
}

bool
der_any(struct rd *r, struct span *ret)
{
	struct span	value;
	uint8_t		tag;

	return element(r, &tag, ret, &value);
}

/* Of the universal tags these are made of others, and none but these; libcrypto does not mind. */
static bool
tag_ok(uint8_t tag)
{
	uint8_t	number = tag & LONG_TAG;
	bool	made_of_others = number == 0x10 || number == 0x11 || number == 8 || number == 11;

	return (tag & CLASS) != 0 || ((tag & CONSTRUCTED) != 0) == made_of_others;
}

/*
 * Not by recursion into what a peer nests: a stack of where each level ends. An element that reaches
 * beyond that never meets it, and the bytes run out.
 */
bool
der_ok(struct span in)
{
	size_t		end[DER_DEPTH_MAX + 1];
	unsigned	depth = 0;
	struct rd	r = rd_init(in);
	struct span	whole, value;
	uint8_t		tag;

	end[0] = in.n;
	do {
		if (!element(&r, &tag, &whole, &value) || !tag_ok(tag))
			return false;
		if ((tag & CONSTRUCTED) != 0 && value.n > 0) {
			if (depth == DER_DEPTH_MAX)
				return false;
			end[++depth] = r.at;
			r.at -= value.n;
		}
		while (depth > 0 && r.at == end[depth])
			depth--;
	} while (depth > 0);
	return r.at == in.n;
}

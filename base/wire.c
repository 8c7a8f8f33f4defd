#include <string.h>

#include "base/wire.h"

bool
rd_take(struct rd *r, size_t n, struct span *out)
{
	if (n > r->in.n - r->at)
		return false;
	*out = SPAN(n == 0 && r->in.p == NULL ? NULL : r->in.p + r->at, n);
	r->at += n;
	return true;
}

bool
rd_expect(struct rd *r, const void *p, size_t n)
{
	struct span	s;
	size_t		at = r->at;

	if (!rd_take(r, n, &s))
		return false;
	if (!span_eq(s, SPAN(p, n))) {
		r->at = at;
		return false;
	}
	return true;
}

bool
rd_bytes(struct rd *r, uint8_t *out, size_t n)
{
	struct span	s;

	if (!rd_take(r, n, &s))
		return false;
	if (n != 0)
		memcpy(out, s.p, n);
	return true;
}

static bool
read_be(struct rd *r, size_t n, uint64_t *out)
{
	struct span	s;
	uint64_t	v = 0;
	size_t		i;

	if (!rd_take(r, n, &s))
		return false;
	for (i = 0; i < n; i++)
		v = v << 8 | s.p[i];
	*out = v;
	return true;
}

bool
rd_u8(struct rd *r, uint8_t *out)
{
	uint64_t	v;

	if (!read_be(r, 1, &v))
		return false;
	*out = (uint8_t)v;
	return true;
}

bool
rd_u16(struct rd *r, uint16_t *out)
{
	uint64_t	v;

	if (!read_be(r, 2, &v))
		return false;
	*out = (uint16_t)v;
	return true;
}

bool
rd_u32(struct rd *r, uint32_t *out)
{
	uint64_t	v;

	if (!read_be(r, 4, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}

bool
rd_u64(struct rd *r, uint64_t *out)
{
	return read_be(r, 8, out);
}

/* The limits are judged before the bytes are looked for. */
static bool
read_vec(struct rd *r, size_t width, size_t min, size_t max, struct span *out)
{
	uint64_t	n;
	size_t		at = r->at;

	if (!read_be(r, width, &n))
		return false;
	if (n < min || n > max) {
		r->at = at;
		return false;
	}
	return rd_take(r, (size_t)n, out);
}

bool
rd_vec8(struct rd *r, size_t min, size_t max, struct span *out)
{
	return read_vec(r, 1, min, max, out);
}

bool
rd_vec16(struct rd *r, size_t min, size_t max, struct span *out)
{
	return read_vec(r, 2, min, max, out);
}

bool
rd_vec32(struct rd *r, size_t min, size_t max, struct span *out)
{
	return read_vec(r, 4, min, max, out);
}

bool
rd_done(const struct rd *r)
{
	return r->at == r->in.n;
}

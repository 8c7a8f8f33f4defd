#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define BUF_FIRST 64		/* the first allocation, so that small writers need one */

struct span
span_str(const char *s)
{
	return SPAN(s, s == NULL ? 0 : strlen(s));
}

bool
span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

void
buf_done(struct buf *b)
{
	free(b->p);
	*b = BUF_INIT(b->max);
}

void
buf_reset(struct buf *b)
{
	b->n = 0;
	b->rc = RC_OK;
}

/* Room for `total` bytes; the caller has checked it against the ceiling. */
static bool
reserve(struct buf *b, size_t total)
{
	size_t	 cap = b->cap < BUF_FIRST ? BUF_FIRST : b->cap;
	uint8_t	*p;

	if (total <= b->cap)
		return true;
	while (cap < total)
		cap = cap > SIZE_MAX / 2 ? total : cap * 2;
	p = realloc(b->p, cap);
	if (p == NULL) {
		b->rc = RC_NOMEM;
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

/* n bytes to fill, not zeroed; NULL with the failure kept. */
static uint8_t *
grow(struct buf *b, size_t n)
{
	uint8_t	*at;

	if (b->rc != RC_OK)
		return NULL;
	if (b->n > b->max || n > b->max - b->n) {
		b->rc = RC_LIMIT;
		return NULL;
	}
	/* One byte even for n == 0, so that success is never NULL. */
	if (!reserve(b, b->n + n + (n == 0)))
		return NULL;
	at = b->p + b->n;
	b->n += n;
	return at;
}

uint8_t *
buf_extend(struct buf *b, size_t n)
{
	uint8_t	*at = grow(b, n);

	if (at != NULL)
		memset(at, 0, n);
	return at;
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	uint8_t	*at;

	if (n == 0)
		return;
	at = grow(b, n);
	if (at != NULL)
		memcpy(at, p, n);
}

void
buf_span(struct buf *b, struct span s)
{
	buf_add(b, s.p, s.n);
}

static void
add_be(struct buf *b, uint64_t v, size_t n)
{
	uint8_t	*at = grow(b, n);

	if (at == NULL)
		return;
	while (n > 0) {
		at[--n] = (uint8_t)v;
		v >>= 8;
	}
}

void
buf_u8(struct buf *b, uint8_t v)
{
	add_be(b, v, 1);
}

void
buf_u16(struct buf *b, uint16_t v)
{
	add_be(b, v, 2);
}

void
buf_u32(struct buf *b, uint32_t v)
{
	add_be(b, v, 4);
}

void
buf_u64(struct buf *b, uint64_t v)
{
	add_be(b, v, 8);
}

static void
add_vec(struct buf *b, struct span s, size_t width, uint64_t max)
{
	if (b->rc == RC_OK && s.n > max)
		b->rc = RC_LIMIT;
	add_be(b, s.n, width);
	buf_span(b, s);
}

void
buf_vec8(struct buf *b, struct span s)
{
	add_vec(b, s, 1, UINT8_MAX);
}

void
buf_vec16(struct buf *b, struct span s)
{
	add_vec(b, s, 2, UINT16_MAX);
}

void
buf_vec32(struct buf *b, struct span s)
{
	add_vec(b, s, 4, UINT32_MAX);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list	ap, again;
	int	n;

	if (b->rc != RC_OK)
		return;
	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || b->n > b->max || (size_t)n > b->max - b->n) {
		b->rc = RC_LIMIT;
	} else if (reserve(b, b->n + (size_t)n + 1)) {
		(void)vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, again);	/* measured above */
		b->n += (size_t)n;
	}
	va_end(again);
}

enum rc
buf_check(const struct buf *b, const char *what, struct err *err)
{
	if (b->rc == RC_LIMIT)
		return err_set(err, RC_LIMIT, "%s: longer than %zu bytes", what, b->max);
	if (b->rc != RC_OK)
		return err_set(err, b->rc, "%s: no memory left", what);
	return RC_OK;
}

struct span
buf_view(const struct buf *b)
{
	return (struct span){ b->p, b->n };
}

const char *
buf_text(struct buf *b)
{
	if (b->rc != RC_OK || !reserve(b, b->n + 1))
		return "";
	b->p[b->n] = '\0';
	return (const char *)b->p;
}

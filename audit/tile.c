#include "audit/tile.h"

#include <stdio.h>
#include <string.h>

#include "audit/text.h"
#include "base/wire.h"

/* Levels of the tree in one level of tiles: 2^8 = TILE_WIDTH. */
#define TILE_LEVELS	8
/* A log has at most 2^63 - 1 entries, so no row is longer than this many tiles. */
#define TILE_INDEX_MAX	((UINT64_C(1) << 55) - 1)

/* --- names ----------------------------------------------------------------- */

/* 1234067 is x001/x234/067. */
static void
number_write(uint64_t n, struct buf *out)
{
	uint64_t	part = 1;

	while (n / part >= 1000)
		part *= 1000;
	for (; part > 1; part /= 1000)
		buf_printf(out, "x%03u/", (unsigned)(n / part % 1000));
	buf_printf(out, "%03u", (unsigned)(n % 1000));
}

void
tile_name(const struct tile *t, char ret[TILE_NAME_MAX])
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(TILE_NAME_MAX - 1);

	if (t->entries)
		buf_printf(&b, "tile/entries/");
	else
		buf_printf(&b, "tile/%u/", t->level);
	number_write(t->index, &b);
	if (t->width < TILE_WIDTH)
		buf_printf(&b, ".p/%u", t->width);
	(void)snprintf(ret, TILE_NAME_MAX, "%s", buf_text(&b));
}

static bool
level_parse(struct span *rest, struct tile *t)
{
	struct span	word;
	uint64_t	level;

	if (!text_cut(rest, '/', &word))
		return false;
	if (span_eq(word, SPAN_STR("entries"))) {
		t->entries = true;
		return true;
	}
	if (!text_decimal(word, &level) || level > TILE_LEVEL_MAX)
		return false;
	t->level = (uint8_t)level;
	return true;
}

/* Groups of three digits; that the first one says something is for the caller. */
static bool
number_parse(struct span *rest, uint64_t *ret)
{
	uint64_t	n = 0;
	bool		more;

	do {
		more = text_skip(rest, SPAN_STR("x"));
		if (rest->n < 3 || n > TILE_INDEX_MAX)
			return false;
		for (unsigned i = 0; i < 3; i++) {
			if (rest->p[i] < '0' || rest->p[i] > '9')
				return false;
			n = n * 10 + (uint64_t)(rest->p[i] - '0');
		}
		*rest = SPAN(rest->p + 3, rest->n - 3);
	} while (more && text_skip(rest, SPAN_STR("/")));
	*ret = n;
	return !more && n <= TILE_INDEX_MAX;
}

static bool
width_parse(struct span rest, uint16_t *ret)
{
	uint64_t	width;

	*ret = TILE_WIDTH;
	if (rest.n == 0)
		return true;
	if (!text_skip(&rest, SPAN_STR(".p/")) || !text_decimal(rest, &width) || width < 1 || width >= TILE_WIDTH)
		return false;
	*ret = (uint16_t)width;
	return true;
}

enum rc
tile_name_parse(struct span name, struct tile *ret, struct err *err)
{
	struct tile	t = { .level = 0 };
	struct span	rest = name;
	char		again[TILE_NAME_MAX];

	if (!text_skip(&rest, SPAN_STR("tile/")) || !level_parse(&rest, &t) || !number_parse(&rest, &t.index) ||
	    !width_parse(rest, &t.width))
		return err_set(err, RC_FORMAT, "not the name of a tile");
	/* x000/001 is 1 too: one tile, one name. */
	tile_name(&t, again);
	if (!span_eq(name, span_str(again)))
		return err_set(err, RC_FORMAT, "another spelling of %s", again);
	*ret = t;
	return RC_OK;
}

/* --- which there are --------------------------------------------------------- */

/* Complete nodes in the row of that level of tiles. */
static uint64_t
row_length(uint64_t size, uint8_t level)
{
	return size >> (TILE_LEVELS * level);
}

bool
tile_is_in(const struct tile *t, uint64_t size)
{
	uint64_t	n = row_length(size, t->level);

	return t->index <= n / TILE_WIDTH && t->index * TILE_WIDTH + t->width <= n;
}

uint16_t
tile_width_at(uint8_t level, uint64_t index, uint64_t size)
{
	uint64_t	n = row_length(size, level);

	if (index < n / TILE_WIDTH)
		return TILE_WIDTH;
	return index == n / TILE_WIDTH ? (uint16_t)(n % TILE_WIDTH) : 0;
}

static enum rc
row_each(struct tile t, uint64_t size, tile_fn fn, void *user, struct err *err)
{
	for (; (t.width = tile_width_at(t.level, t.index, size)) != 0; t.index++)
		TRY(fn(user, &t, err));
	return RC_OK;
}

enum rc
tile_each(uint64_t size, tile_fn fn, void *user, struct err *err)
{
	struct tile	t = { .entries = true };

	TRY(row_each(t, size, fn, user, err));
	t.entries = false;
	for (t.level = 0; t.level <= TILE_LEVEL_MAX; t.level++)
		TRY(row_each(t, size, fn, user, err));
	return RC_OK;
}

/* --- their bytes ---------------------------------------------------------------- */

enum rc
tile_hashes(tree_read read, void *user, const struct tile *t, struct buf *out, struct err *err)
{
	uint8_t	hash[TREE_HASH_BYTES];

	for (unsigned i = 0; i < t->width; i++) {
		TRY(read(user, (uint8_t)(TILE_LEVELS * t->level), t->index * TILE_WIDTH + i, hash, err));
		buf_add(out, hash, sizeof(hash));
	}
	return buf_check(out, "tile", err);
}

enum rc
bundle_add(struct buf *out, struct span leaf, struct err *err)
{
	if (leaf.n > ENTRY_BYTES_MAX)
		return err_set(err, RC_LIMIT, "bundle: an entry of %zu bytes", leaf.n);
	buf_vec16(out, leaf);
	return buf_check(out, "bundle", err);
}

enum rc
bundle_each(struct span bundle, unsigned width, bundle_fn fn, void *user, struct err *err)
{
	struct rd	r = rd_init(bundle);
	struct span	leaf;

	/* All of it before anything of it is used. */
	for (unsigned i = 0; i < width; i++)
		if (!rd_vec16(&r, 0, ENTRY_BYTES_MAX, &leaf))
			return err_set(err, RC_FORMAT, "bundle: cut short in entry %u of %u", i, width);
	if (!rd_done(&r))
		return err_set(err, RC_FORMAT, "bundle: %zu bytes after its %u entries", bundle.n - r.at, width);
	r = rd_init(bundle);
	for (unsigned i = 0; i < width; i++)
		if (rd_vec16(&r, 0, ENTRY_BYTES_MAX, &leaf))
			TRY(fn(user, i, leaf, err));
	return RC_OK;
}

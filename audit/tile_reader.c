#include <stdlib.h>
#include <string.h>

#include "audit/tile.h"

#define TILE_LEVELS	8
#define SLOTS		16	/* full tiles that are kept; a proof needs two a level at most */

struct slot {
	struct tile	tile;
	uint64_t	used;		/* 0: empty */
	uint8_t		hash[TILE_WIDTH][TREE_HASH_BYTES];
};

struct tile_reader {
	uint64_t	 size;
	tile_fetch	 fetch;
	void		*user;
	bool		 proved;
	uint64_t	 clock;
	/* The partial tile of each level, once it was read: those that the root stands on stay. */
	struct slot	 edge[TILE_LEVEL_MAX + 1];
	struct slot	 full[SLOTS];
};

enum rc
tile_reader_new(uint64_t size, tile_fetch fetch, void *user, struct tile_reader **ret, struct err *err)
{
	struct tile_reader	*r;

	if (size > INT64_MAX)
		return err_set(err, RC_LIMIT, "tiles: size over 2^63");
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	r->size = size;
	r->fetch = fetch;
	r->user = user;
	*ret = r;
	return RC_OK;
}

void
tile_reader_free(struct tile_reader *r)
{
	free(r);
}

/* --- one tile ----------------------------------------------------------------- */

static enum rc
bytes_fetch(struct tile_reader *r, const struct tile *t, uint8_t ret[][TREE_HASH_BYTES], struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(TILE_HASH_BYTES_MAX);
	char	name[TILE_NAME_MAX];
	size_t	want = (size_t)t->width * TREE_HASH_BYTES;

	tile_name(t, name);
	TRY(r->fetch(r->user, t, &b, err));
	if (b.rc == RC_LIMIT || (b.rc == RC_OK && b.n != want))
		return err_set(err, RC_FORMAT, "%s: %zu bytes, not %zu", name, b.n, want);
	TRY(buf_check(&b, name, err));
	memcpy(ret, b.p, want);
	return RC_OK;
}

static enum rc	tile_load(struct tile_reader *r, uint8_t level, uint64_t index, const struct slot **ret, struct err *err);

/* A full tile against the node that it makes, in the tile above. */
static enum rc
tile_prove(struct tile_reader *r, const struct tile *t, const uint8_t hash[TILE_WIDTH][TREE_HASH_BYTES],
    struct err *err)
{
	const struct slot	*above;
	uint8_t			 root[TREE_HASH_BYTES];
	char			 name[TILE_NAME_MAX];

	TRY(tile_load(r, (uint8_t)(t->level + 1), t->index / TILE_WIDTH, &above, err));
	tree_root(hash, TILE_WIDTH, root);
	if (memcmp(root, above->hash[t->index % TILE_WIDTH], sizeof(root)) == 0)
		return RC_OK;
	tile_name(t, name);
	return err_set(err, RC_VERIFY, "%s does not match the checkpoint", name);
}

static struct slot *
slot_find(struct tile_reader *r, const struct tile *t)
{
	for (unsigned i = 0; i < SLOTS; i++)
		if (r->full[i].used != 0 && r->full[i].tile.level == t->level && r->full[i].tile.index == t->index)
			return &r->full[i];
	return NULL;
}

static struct slot *
slot_oldest(struct tile_reader *r)
{
	struct slot	*s = &r->full[0];

	for (unsigned i = 1; i < SLOTS; i++)
		if (r->full[i].used < s->used)
			s = &r->full[i];
	return s;
}

static enum rc
full_load(struct tile_reader *r, const struct tile *t, const struct slot **ret, struct err *err)
{
	uint8_t		 hash[TILE_WIDTH][TREE_HASH_BYTES];
	struct slot	*s = slot_find(r, t);

	if (s == NULL) {
		TRY(bytes_fetch(r, t, hash, err));
		if (r->proved)
			TRY(tile_prove(r, t, (const uint8_t (*)[TREE_HASH_BYTES])hash, err));
		s = slot_oldest(r);
		s->tile = *t;
		memcpy(s->hash, hash, sizeof(hash));
	}
	s->used = ++r->clock;
	*ret = s;
	return RC_OK;
}

static enum rc
tile_load(struct tile_reader *r, uint8_t level, uint64_t index, const struct slot **ret, struct err *err)
{
	struct tile	t = { .level = level, .index = index };
	struct slot	*s;

	t.width = tile_width_at(level, index, r->size);
	if (t.width == TILE_WIDTH)
		return full_load(r, &t, ret, err);
	s = &r->edge[level];
	if (s->used == 0) {
		TRY(bytes_fetch(r, &t, s->hash, err));
		s->tile = t;
		s->used = 1;
	}
	*ret = s;
	return RC_OK;
}

/* --- nodes ----------------------------------------------------------------------- */

enum rc
tile_reader_node(void *tile_reader, uint8_t level, uint64_t index, uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	struct tile_reader	*r = tile_reader;
	const struct slot	*s;
	uint8_t			 part = level % TILE_LEVELS;
	uint64_t		 first;

	if (level > 62 || index >= r->size >> level)
		return err_set(err, RC_MISSING, "a log of %ju has no node %ju of level %u", (uintmax_t)r->size,
		    (uintmax_t)index, level);
	first = index << part;
	TRY(tile_load(r, level / TILE_LEVELS, first / TILE_WIDTH, &s, err));
	tree_root((const uint8_t (*)[TREE_HASH_BYTES])&s->hash[first % TILE_WIDTH], UINT64_C(1) << part, ret);
	return RC_OK;
}

/* --- against a root ---------------------------------------------------------------- */

static void
edge_name(const struct tile_reader *r, struct buf *out)
{
	char	name[TILE_NAME_MAX];

	for (unsigned i = 0; i <= TILE_LEVEL_MAX; i++) {
		if (r->edge[i].used == 0)
			continue;
		tile_name(&r->edge[i].tile, name);
		buf_printf(out, "%s%s", out->n == 0 ? "" : ", ", name);
	}
}

enum rc
tile_reader_prove(struct tile_reader *r, const uint8_t root[TREE_HASH_BYTES], struct err *err)
{
	AUTO_DONE(buf_done) struct buf names = BUF_INIT(1024);
	uint8_t	got[TREE_HASH_BYTES];

	TRY(tree_root_at(tile_reader_node, r, r->size, got, err));
	if (memcmp(got, root, sizeof(got)) != 0) {
		edge_name(r, &names);
		return err_set(err, RC_VERIFY, "%s: these do not make the root of the checkpoint", buf_text(&names));
	}
	/* What was kept before it was proved is read again. */
	memset(r->full, 0, sizeof(r->full));
	r->proved = true;
	return RC_OK;
}

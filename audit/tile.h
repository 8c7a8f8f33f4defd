/*
 * audit/tile.h - the log as C2SP tlog-tiles: names, bytes, and proofs out of them.
 *
 * A hash tile of level L and index N holds up to 256 hashes: the nodes of tree level
 * 8L from 256 N on. An entry bundle N holds the leaf data of entries 256 N on, each u16be
 * length || bytes. The last of a row may be partial: ".p/W", 1 <= W <= 255.
 *
 *	tile/<L>/<N>[.p/<W>]	tile/entries/<N>[.p/<W>]	N as x001/x234/067
 *
 * C2SP tlog-tiles; docs/spec/log-v1.md section 6. Pure. Threads: no shared state.
 */
#ifndef AUDIT_TILE_H
#define AUDIT_TILE_H

#include "audit/entry.h"
#include "audit/tree.h"
#include "base/auto.h"

#define TILE_WIDTH	256
#define TILE_HASH_BYTES_MAX	(TILE_WIDTH * TREE_HASH_BYTES)
#define TILE_BUNDLE_BYTES_MAX	(TILE_WIDTH * (2 + ENTRY_BYTES_MAX))
#define TILE_LEVEL_MAX	7		/* 2^63 entries */
#define TILE_NAME_MAX	64		/* of a name, NUL included */

struct tile {
	bool		entries;	/* a bundle; level is 0 then */
	uint8_t		level;
	uint64_t	index;
	uint16_t	width;		/* 1..TILE_WIDTH; TILE_WIDTH: full */
};

/* "tile/0/x001/067.p/5", without a leading slash. */
void	 tile_name(const struct tile *t, char ret[TILE_NAME_MAX]);
/* The one name of each tile and no other spelling (no leading zeros, no p/256). RC_FORMAT. */
MUST_USE enum rc tile_name_parse(struct span name, struct tile *ret, struct err *err);

/* Has a log of `size` this tile, with at least this width? A full one where the size gives a partial is not there. */
bool	 tile_is_in(const struct tile *t, uint64_t size);
/* How wide that tile of a row is in a log of `size`; 0: there is none. */
uint16_t tile_width_at(uint8_t level, uint64_t index, uint64_t size);
/* Each tile of a log of `size`, partial ones as wide as it says: bundles first, then level by level. */
typedef enum rc (*tile_fn)(void *user, const struct tile *t, struct err *err);
MUST_USE enum rc tile_each(uint64_t size, tile_fn fn, void *user, struct err *err);

/* The bytes of a hash tile out of complete nodes. RC_MISSING and RC_IO are the reader's. */
MUST_USE enum rc tile_hashes(tree_read read, void *user, const struct tile *t, struct buf *out, struct err *err);
/* One more leaf at the end of a bundle. RC_LIMIT: over ENTRY_BYTES_MAX, or out is full. */
MUST_USE enum rc bundle_add(struct buf *out, struct span leaf, struct err *err);
/* The leaves of a bundle, each borrowed from it. RC_FORMAT: not exactly `width` entries to the last byte. */
typedef enum rc (*bundle_fn)(void *user, unsigned at, struct span leaf, struct err *err);
MUST_USE enum rc bundle_each(struct span bundle, unsigned width, bundle_fn fn, void *user, struct err *err);

/*
 * Complete nodes out of hash tiles that come from elsewhere: a tree_read for tree_inclusion(),
 * tree_consistency(), tree_root_at(). `fetch` gives a tile's bytes; a partial one is asked
 * for where the size says so. The last few tiles are kept. Nothing is believed: who
 * uses the nodes checks what comes out against a root.
 */
struct tile_reader;
typedef enum rc (*tile_fetch)(void *user, const struct tile *t, struct buf *out, struct err *err);
MUST_USE enum rc tile_reader_new(uint64_t size, tile_fetch fetch, void *user, struct tile_reader **ret, struct err *err);
void	 tile_reader_free(struct tile_reader *r);
DEFINE_AUTO(tile_reader_free, struct tile_reader);
/*
 * The tiles at the edge must make this root; from here on every full tile must hash into the one
 * above it before a node of it is given. RC_VERIFY names the tile (at the edge: all that it may be).
 */
MUST_USE enum rc tile_reader_prove(struct tile_reader *r, const uint8_t root[TREE_HASH_BYTES], struct err *err);
MUST_USE enum rc tile_reader_node(void *tile_reader, uint8_t level, uint64_t index,
    uint8_t ret[TREE_HASH_BYTES], struct err *err);

#endif

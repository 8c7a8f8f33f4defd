/*
 * coordinator/tiles.h - the log for strangers: what a path of tlog-tiles is answered with.
 *
 *	/checkpoint			the newest note that q custodians cosigned
 *	/tile/<L>/<N>[.p/<W>]		hashes			audit/tile.h
 *	/tile/entries/<N>[.p/<W>]	entries
 *
 * Out of log.db, which is only read. What stands past the published checkpoint is not
 * there, whatever the log holds; nor are blobs. A note is checked against the charter
 * in force before it is given away, so that what the database holds by mistake is not
 * published by it. Entries come piece by piece: a reader who is slow holds one entry in
 * memory, not a bundle.
 *
 * Knows nothing of HTTP but words and numbers (coordinator/tiles_http.c speaks it).
 * Threads: a struct tiles belongs to one at a time.
 */
#ifndef COORDINATOR_TILES_H
#define COORDINATOR_TILES_H

#include "audit/note.h"
#include "audit/tile.h"

#define TILES_PATH_MAX	128	/* a longer path is none of ours */
#define TILES_BODY_MAX	(NOTE_BYTES_MAX > TILE_HASH_BYTES_MAX ? NOTE_BYTES_MAX : TILE_HASH_BYTES_MAX)

struct tiles;
/* RC_MISSING: no log.db there. RC_IO, RC_FORMAT as store_open(). */
MUST_USE enum rc tiles_open(const char *log_db, const uint8_t genesis[SHA256_BYTES], struct tiles **ret,
    struct err *err);
void	 tiles_close(struct tiles *t);
DEFINE_AUTO(tiles_close, struct tiles);

struct tiles_answer {
	unsigned	 status;		/* of HTTP */
	const char	*type, *cache;		/* of the body; how long it may be kept */
	char		 etag[TILE_NAME_MAX + 4];	/* with its quotes; "": none */
	struct buf	 body;			/* words, a note, hashes */
	bool		 is_bundle;		/* then the body comes from tiles_bundle(): */
	struct tile	 bundle;
	uint64_t	 length;		/* of the body, wherever it comes from */
};
#define TILES_ANSWER_INIT	{ .body = BUF_INIT(TILES_BODY_MAX) }
void	 tiles_answer_done(struct tiles_answer *a);

/*
 * Always an answer; what is not RC_OK is a fault of ours for the log (503), not the asker's.
 * path: as it came, undecoded. if_none_match: the header, or NULL.
 */
enum rc	 tiles_ask(struct tiles *t, const char *method, const char *path, const char *if_none_match,
    struct tiles_answer *ret, struct err *err);

/* Where a reader of a bundle is. */
struct tiles_cursor {
	struct tile	bundle;
	unsigned	next;		/* the entry to read next */
	struct buf	piece;		/* the one at hand, with its length before it */
	size_t		at;		/* what of it is gone */
};
struct tiles_cursor tiles_cursor(const struct tile *bundle);
void	 tiles_cursor_done(struct tiles_cursor *c);
/* The next bytes, at least one of them; 0: that was all. Entries never change: nothing is torn. */
MUST_USE enum rc tiles_bundle(struct tiles *t, struct tiles_cursor *c, uint8_t *out, size_t max, size_t *ret_n,
    struct err *err);

#endif

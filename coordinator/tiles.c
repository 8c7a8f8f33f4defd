/* coordinator/tiles.c - a path of tlog-tiles, answered out of log.db. See tiles.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/store/store.h"
#include "coordinator/tiles.h"
#include "policy/apply.h"
#include "policy/witness.h"

#define TEXT		"text/plain; charset=utf-8"
#define BYTES		"application/octet-stream"
/* A tile with its width is the same for ever, a partial one too; a checkpoint is not. */
#define FOR_EVER	"public, max-age=31536000, immutable"
#define FOR_NOW		"no-cache"
#define WORDS		"no-store"

#define HTTP_OK		200
#define HTTP_NOT_MODIFIED 304
#define HTTP_NOT_FOUND	404
#define HTTP_METHOD	405
#define HTTP_TOO_LONG	414
#define HTTP_LATER	503

struct tiles {
	struct store	*store;
	struct replica	*replica;
	/* The note that was checked last, by its digest, and what it says. */
	bool		 checked;
	uint8_t		 note[SHA256_BYTES];
	struct checkpoint published;
};

enum rc
tiles_open(const char *log_db, const uint8_t genesis[SHA256_BYTES], struct tiles **ret, struct err *err)
{
	AUTO(tiles_close) struct tiles *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return err_set(err, RC_NOMEM, "tiles: no memory");
	TRY(store_open(log_db, STORE_READ, &t->store, err));
	TRY(replica_new(store_state(t->store), genesis, &t->replica, err));
	*ret = TAKE(t);
	return RC_OK;
}

void
tiles_close(struct tiles *t)
{
	if (t == NULL)
		return;
	replica_free(t->replica);
	store_close(t->store);
	free(t);
}

void
tiles_answer_done(struct tiles_answer *a)
{
	buf_done(&a->body);
}

static void
say(struct tiles_answer *a, unsigned status, const char *words)
{
	buf_reset(&a->body);
	buf_printf(&a->body, "%s\n", words);
	a->status = status;
	a->type = TEXT;
	a->cache = WORDS;
	a->etag[0] = '\0';
	a->is_bundle = false;
	a->length = a->body.n;
}

/* ---- what is published ------------------------------------------------------------ */

/* The charter may have been amended since: the one in force says whose signatures count. */
static enum rc
check_note(struct tiles *t, struct span note, struct err *err)
{
	const struct charter	*c;
	struct checkpoint	 cp;
	uint8_t			 digest[SHA256_BYTES];

	sha256_one(digest, note);
	if (t->checked && memcmp(digest, t->note, sizeof(digest)) == 0)
		return RC_OK;
	TRY(replica_reload(t->replica, err));
	if ((c = replica_charter(t->replica)) == NULL)
		return err_set(err, RC_BUG, "tiles: a checkpoint, but no charter");
	TRY(charter_checkpoint_verify(c, note, true, &cp, NULL, err));
	if (cp.size > store_size(t->store))
		return err_set(err, RC_BUG, "tiles: log.db holds %llu entries, but %llu were cosigned",
		    (unsigned long long)store_size(t->store), (unsigned long long)cp.size);
	t->published = cp;
	memcpy(t->note, digest, sizeof(digest));
	t->checked = true;
	return RC_OK;
}

/* RC_MISSING: nothing is published yet. */
static enum rc
published(struct tiles *t, struct buf *note, struct err *err)
{
	TRY(store_get(t->store, "cosigned", note, err));
	return check_note(t, buf_view(note), err);
}

static bool
has_it(const char *if_none_match, const char *etag)
{
	return if_none_match != NULL &&
	    (strcmp(if_none_match, "*") == 0 || strstr(if_none_match, etag) != NULL);
}

/* The headers of what is there; true: the asker has it already. */
static bool
found(struct tiles_answer *a, const char *type, const char *cache, const char *if_none_match)
{
	a->status = has_it(if_none_match, a->etag) ? HTTP_NOT_MODIFIED : HTTP_OK;
	a->type = type;
	a->cache = cache;
	return a->status == HTTP_NOT_MODIFIED;
}

static enum rc
give_checkpoint(const struct tiles *t, const struct buf *note, const char *if_none_match,
    struct tiles_answer *a, struct err *err)
{
	char	hex[HEX_BYTES(SHA256_BYTES / 2)];

	(void)snprintf(a->etag, sizeof(a->etag), "\"%s\"", hex_write(SPAN(t->note, SHA256_BYTES / 2), hex));
	if (found(a, TEXT, FOR_NOW, if_none_match))
		return RC_OK;
	buf_span(&a->body, buf_view(note));
	a->length = a->body.n;
	return buf_check(&a->body, "checkpoint", err);
}

/* ---- tiles -------------------------------------------------------------------------- */

static enum rc
node(void *user, uint8_t level, uint64_t index, uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	return store_node(user, level, index, ret, err);
}

static enum rc
read_piece(struct tiles *t, const struct tile *bundle, unsigned at, struct buf *piece, struct err *err)
{
	AUTO_DONE(buf_done) struct buf leaf = BUF_INIT(ENTRY_BYTES_MAX);

	TRY(store_entry(t->store, bundle->index * TILE_WIDTH + at, &leaf, err));
	return bundle_add(piece, buf_view(&leaf), err);
}

static enum rc
bundle_length(struct tiles *t, const struct tile *bundle, uint64_t *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf piece = BUF_INIT(2 + ENTRY_BYTES_MAX);
	unsigned	i;

	*ret = 0;
	for (i = 0; i < bundle->width; i++) {
		buf_reset(&piece);
		TRY(read_piece(t, bundle, i, &piece, err));
		*ret += piece.n;
	}
	return RC_OK;
}

static enum rc
give_tile(struct tiles *t, const struct tile *tile, const char *if_none_match, struct tiles_answer *a,
    struct err *err)
{
	char	name[TILE_NAME_MAX];

	tile_name(tile, name);
	(void)snprintf(a->etag, sizeof(a->etag), "\"%s\"", name);
	if (found(a, BYTES, FOR_EVER, if_none_match))
		return RC_OK;
	if (tile->entries) {
		a->is_bundle = true;
		a->bundle = *tile;
		return bundle_length(t, tile, &a->length, err);
	}
	TRY(tile_hashes(node, t->store, tile, &a->body, err));
	a->length = a->body.n;
	return RC_OK;
}

/* Within one snapshot: what is published, and what it covers. */
static enum rc
answer(struct tiles *t, const struct tile *tile, const char *if_none_match, struct tiles_answer *a,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	enum rc	rc = published(t, &note, err);

	if (rc == RC_MISSING) {
		say(a, HTTP_NOT_FOUND, "No checkpoint of this log has its quorum's cosignatures yet: ask again.");
		return RC_OK;
	}
	TRY(rc);
	if (tile == NULL)
		return give_checkpoint(t, &note, if_none_match, a, err);
	if (!tile_is_in(tile, t->published.size)) {
		say(a, HTTP_NOT_FOUND, "The published checkpoint has no such tile.");
		return RC_OK;
	}
	return give_tile(t, tile, if_none_match, a, err);
}

static enum rc
in_snapshot(struct tiles *t, const struct tile *tile, const char *if_none_match, struct tiles_answer *a,
    struct err *err)
{
	enum rc	rc;

	TRY(store_begin(t->store, err));
	rc = answer(t, tile, if_none_match, a, err);
	store_rollback(t->store);
	return rc;
}

/* Is it one of ours? A tile's name goes into *tile, for the checkpoint *is_tile is false. */
static bool
name_parse(const char *path, struct tile *tile, bool *is_tile)
{
	*is_tile = strcmp(path, "/checkpoint") != 0;
	return !*is_tile || (path[0] == '/' && tile_name_parse(span_str(path + 1), tile, NULL) == RC_OK);
}

enum rc
tiles_ask(struct tiles *t, const char *method, const char *path, const char *if_none_match,
    struct tiles_answer *ret, struct err *err)
{
	struct tile	tile;
	bool		is_tile;
	enum rc		rc;

	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		say(ret, HTTP_METHOD, "This log is read-only: GET and HEAD.");
	else if (strnlen(path, TILES_PATH_MAX + 1) > TILES_PATH_MAX)
		say(ret, HTTP_TOO_LONG, "No path here is so long.");
	else if (!name_parse(path, &tile, &is_tile))
		say(ret, HTTP_NOT_FOUND, "Here are /checkpoint, /tile/<L>/<N>[.p/<W>] and "
		    "/tile/entries/<N>[.p/<W>]: see c2sp.org/tlog-tiles.");
	else if ((rc = in_snapshot(t, is_tile ? &tile : NULL, if_none_match, ret, err)) != RC_OK) {
		say(ret, HTTP_LATER, "The log cannot be read just now: ask again.");
		return rc;
	}
	return RC_OK;
}

/* ---- a bundle, piece by piece --------------------------------------------------------- */

struct tiles_cursor
tiles_cursor(const struct tile *bundle)
{
	return (struct tiles_cursor){ .bundle = *bundle, .piece = BUF_INIT(2 + ENTRY_BYTES_MAX) };
}

void
tiles_cursor_done(struct tiles_cursor *c)
{
	buf_done(&c->piece);
}

enum rc
tiles_bundle(struct tiles *t, struct tiles_cursor *c, uint8_t *out, size_t max, size_t *ret_n, struct err *err)
{
	size_t	n = 0, some;

	while (n < max) {
		if (c->at == c->piece.n) {
			if (c->next == c->bundle.width)
				break;
			buf_reset(&c->piece);
			c->at = 0;
			TRY(read_piece(t, &c->bundle, c->next, &c->piece, err));
			c->next++;
		}
		some = c->piece.n - c->at < max - n ? c->piece.n - c->at : max - n;
		memcpy(out + n, c->piece.p + c->at, some);
		c->at += some;
		n += some;
	}
	*ret_n = n;
	return RC_OK;
}

/* cli/logsource.c - a whole log from the coordinator, a folder or a URL. */
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "cli/logplace.h"
#include "cli/logsource.h"

#define PAGE	256

struct log_source {
	struct remote		*remote;	/* borrowed */
	struct log_place	*place;		/* of the tiles; NULL: the coordinator */
	struct log_place	*blobs;		/* NULL: the coordinator, or nowhere */
	bool			 has_blobs;
	struct checkpoint	 cp;
	struct tile_reader	*tiles;		/* NULL before log_source_at() */
};

bool
log_source_is_coordinator(const char *from)
{
	return strcmp(from, "coordinator") == 0;
}

static enum rc
place_of(const char *word, struct remote *r, struct log_place **ret, struct err *err)
{
	if (!log_source_is_coordinator(word))
		return log_place_new(word, ret, err);
	if (r == NULL)
		return err_set(err, RC_USAGE, "the coordinator is not at hand");
	return RC_OK;
}

static enum rc
blobs_of(struct log_source *s, const char *from, const char *blobs, struct err *err)
{
	char	beside[FILE_PATH_MAX];
	size_t	n = strlen(from);

	s->has_blobs = true;
	if (blobs != NULL)
		return place_of(blobs, s->remote, &s->blobs, err);
	if (s->place == NULL)
		return RC_OK;
	if (log_place_is_url(from)) {
		s->has_blobs = false;
		return RC_OK;
	}
	while (n > 1 && from[n - 1] == '/')
		n--;
	TRY(file_path(beside, err, "%.*s.blobs", (int)n, from));
	return log_place_new(beside, &s->blobs, err);
}

enum rc
log_source_new(const char *from, const char *blobs, struct remote *r, struct log_source **ret, struct err *err)
{
	AUTO(log_source_free) struct log_source *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	s->remote = r;
	TRY(place_of(from, r, &s->place, err));
	TRY(blobs_of(s, from, blobs, err));
	*ret = TAKE(s);
	return RC_OK;
}

void
log_source_free(struct log_source *s)
{
	if (s == NULL)
		return;
	tile_reader_free(s->tiles);
	log_place_free(s->place);
	log_place_free(s->blobs);
	free(s);
}

/* --- the checkpoint ---------------------------------------------------------------- */

static enum rc
coordinator_note(struct remote *r, struct buf *ret, struct err *err)
{
	Quorate__V1__HeadReply	*a = NULL;
	enum rc			 rc = RC_OK;

	TRY(remote_ask_head(r, REMOTE_MS, &a, err));
	if (a->cosigned.len == 0)
		rc = err_set(err, RC_UNSURE, "the log has no checkpoint that %u custodians cosigned yet; ask again",
		    r->charter->q);
	buf_add(ret, a->cosigned.data, a->cosigned.len);
	message_free(a);
	return rc;
}

enum rc
log_source_checkpoint(struct log_source *s, struct checkpoint *ret, struct buf *note, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(NOTE_BYTES_MAX);
	enum rc	rc;

	if (s->place == NULL)
		TRY(coordinator_note(s->remote, &b, err));
	else if ((rc = log_place_get(s->place, "checkpoint", &b, err)) == RC_MISSING)
		return err_wrap(err, RC_UNSURE, "no log here, or none that was published yet");
	else
		TRY(rc);
	TRY(buf_check(&b, "checkpoint", err));
	TRY(checkpoint_stated(buf_view(&b), ret, err));
	buf_span(note, buf_view(&b));
	return buf_check(note, "checkpoint", err);
}

/* --- tiles -------------------------------------------------------------------------- */

/* How many bytes of a bundle its first `width` entries take; more than it has: too few are there. */
static size_t
bundle_cut(struct span b, unsigned width)
{
	struct rd	r = rd_init(b);
	struct span	leaf;

	for (unsigned i = 0; i < width; i++)
		if (!rd_vec16(&r, 0, ENTRY_BYTES_MAX, &leaf))
			return b.n;
	return r.at;
}

/* A partial tile may be gone once it is full: its first hashes or entries are the same. */
static enum rc
tile_get(struct log_source *s, const struct tile *t, struct buf *out, struct err *err)
{
	struct tile	full = *t;
	size_t		n;
	enum rc		rc;

	full.width = TILE_WIDTH;
	rc = log_place_tile(s->place, t, out, err);
	if (rc != RC_MISSING || t->width == TILE_WIDTH)
		return rc;
	buf_reset(out);
	TRY(log_place_tile(s->place, &full, out, err));
	n = t->entries ? bundle_cut(buf_view(out), t->width) : (size_t)t->width * TREE_HASH_BYTES;
	if (out->n > n)
		out->n = n;
	return RC_OK;
}

static enum rc
tile_fetch_from(void *user, const struct tile *t, struct buf *out, struct err *err)
{
	struct log_source	*s = user;
	char			 name[TILE_NAME_MAX];
	enum rc			 rc = tile_get(s, t, out, err);

	tile_name(t, name);
	if (rc == RC_MISSING)
		return err_set(err, RC_VERIFY, "%s is not there, which the checkpoint covers", name);
	return rc == RC_LIMIT ? err_set(err, RC_FORMAT, "%s is longer than any", name) : rc;
}

enum rc
log_source_at(struct log_source *s, const struct checkpoint *cp, struct err *err)
{
	AUTO(tile_reader_free) struct tile_reader *tiles = NULL;

	if (s->tiles != NULL)
		return err_set(err, RC_BUG, "a log source has one checkpoint");
	if (s->place != NULL) {
		TRY(tile_reader_new(cp->size, tile_fetch_from, s, &tiles, err));
		TRY(tile_reader_prove(tiles, cp->root, err));
	}
	s->cp = *cp;
	s->tiles = TAKE(tiles);
	return RC_OK;
}

enum rc
log_source_node(void *source, uint8_t level, uint64_t index, uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	struct log_source	*s = source;

	if (s->tiles == NULL)
		return err_set(err, RC_MISSING, "the coordinator gives no nodes");
	return tile_reader_node(s->tiles, level, index, ret, err);
}

/* --- entries ------------------------------------------------------------------------- */

static enum rc
coordinator_entries(struct log_source *s, uint64_t first, log_leaf_fn fn, void *user, struct err *err)
{
	Quorate__V1__EntriesRequest	 q = QUORATE__V1__ENTRIES_REQUEST__INIT;
	Quorate__V1__EntriesReply	*a = NULL;
	uint64_t			 at = first, size = s->cp.size;
	size_t				 i;
	enum rc				 rc = RC_OK;

	while (at < size && rc == RC_OK) {
		q.first = at;
		q.max = size - at < PAGE ? (uint32_t)(size - at) : PAGE;
		TRY(remote_call(s->remote, "Entries", &q, &quorate__v1__entries_reply__descriptor, REMOTE_MS, &a, err));
		if (a->n_leaves == 0 || a->n_leaves > q.max)
			rc = err_set(err, RC_VERIFY, "the coordinator does not give entry %llu, which its checkpoint covers",
			    (unsigned long long)at);
		for (i = 0; i < a->n_leaves && rc == RC_OK; i++, at++)
			rc = fn(user, at, SPAN(a->leaves[i].data, a->leaves[i].len), err);
		message_free(TAKE(a));
	}
	return rc;
}

struct giving {
	struct log_source	*source;
	struct tile		 bundle;
	uint64_t		 first;
	log_leaf_fn		 fn;
	void			*user;
};

static enum rc
leaf_check(void *user, unsigned at, struct span leaf, struct err *err)
{
	struct giving	*g = user;
	uint64_t	 index = g->bundle.index * TILE_WIDTH + at;
	uint8_t		 want[TREE_HASH_BYTES], have[TREE_HASH_BYTES];
	char		 name[TILE_NAME_MAX];

	TRY(tile_reader_node(g->source->tiles, 0, index, want, err));
	tree_leaf(leaf, have);
	if (memcmp(want, have, sizeof(want)) == 0)
		return RC_OK;
	tile_name(&g->bundle, name);
	return err_set(err, RC_VERIFY, "%s: entry %ju does not match the checkpoint", name, (uintmax_t)index);
}

static enum rc
leaf_give(void *user, unsigned at, struct span leaf, struct err *err)
{
	struct giving	*g = user;
	uint64_t	 index = g->bundle.index * TILE_WIDTH + at;

	return index < g->first ? RC_OK : g->fn(g->user, index, leaf, err);
}

static enum rc
bundle_give(struct giving *g, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(TILE_BUNDLE_BYTES_MAX);
	char	name[TILE_NAME_MAX];
	enum rc	rc;

	tile_name(&g->bundle, name);
	TRY(tile_fetch_from(g->source, &g->bundle, &b, err));
	rc = bundle_each(buf_view(&b), g->bundle.width, leaf_check, g, err);
	if (rc == RC_FORMAT)
		return err_wrap(err, rc, "%s", name);
	TRY(rc);
	return bundle_each(buf_view(&b), g->bundle.width, leaf_give, g, err);
}

enum rc
log_source_entries(struct log_source *s, uint64_t first, log_leaf_fn fn, void *user, struct err *err)
{
	struct giving	g = { s, { .entries = true, .index = first / TILE_WIDTH }, first, fn, user };

	if (s->place == NULL)
		return coordinator_entries(s, first, fn, user, err);
	if (s->tiles == NULL)
		return err_set(err, RC_BUG, "a log source without a checkpoint");
	for (; (g.bundle.width = tile_width_at(0, g.bundle.index, s->cp.size)) != 0; g.bundle.index++)
		TRY(bundle_give(&g, err));
	return RC_OK;
}

/* --- consistency ------------------------------------------------------------------- */

static enum rc
coordinator_consistency(struct log_source *s, uint64_t old, struct tree_path *ret, struct err *err)
{
	Quorate__V1__ConsistencyRequest	 q = QUORATE__V1__CONSISTENCY_REQUEST__INIT;
	Quorate__V1__ConsistencyReply	*a = NULL;
	struct tree_path		 p = { .n = 0 };
	enum rc				 rc = RC_OK;

	q.old = old;
	q.size = s->cp.size;
	TRY(remote_call(s->remote, "Consistency", &q, &quorate__v1__consistency_reply__descriptor, REMOTE_MS, &a, err));
	if (a->n_path > TREE_PATH_MAX)
		rc = err_set(err, RC_FORMAT, "the coordinator's proof has %zu hashes", a->n_path);
	for (; rc == RC_OK && p.n < a->n_path; p.n++) {
		if (a->path[p.n].len != TREE_HASH_BYTES)
			rc = err_set(err, RC_FORMAT, "the coordinator's proof is malformed");
		else
			memcpy(p.hash[p.n], a->path[p.n].data, TREE_HASH_BYTES);
	}
	message_free(a);
	if (rc == RC_OK)
		*ret = p;
	return rc;
}

enum rc
log_source_consistency(struct log_source *s, uint64_t old, struct tree_path *ret, struct err *err)
{
	if (old > s->cp.size)
		return err_set(err, RC_USAGE, "no consistency from %ju to the smaller %ju", (uintmax_t)old,
		    (uintmax_t)s->cp.size);
	if (s->place == NULL)
		return coordinator_consistency(s, old, ret, err);
	return tree_consistency(log_source_node, s, old, s->cp.size, ret, err);
}

/* --- blobs ---------------------------------------------------------------------------- */

enum rc
log_source_blob(struct log_source *s, const uint8_t digest[SHA256_BYTES], struct buf *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(LOG_BLOB_MAX);
	char	hex[HEX_BYTES(SHA256_BYTES)];
	uint8_t	have[SHA256_BYTES];
	enum rc	rc;

	if (!s->has_blobs)
		return err_set(err, RC_UNSURE, "documents that entries name are not public: say where they are with --blobs "
		    "(coordinator, a folder or a URL)");
	if (s->blobs == NULL)
		return remote_blob(s->remote, digest, ret, err);
	hex_write(SPAN(digest, SHA256_BYTES), hex);
	rc = log_place_get(s->blobs, hex, &b, err);
	if (rc != RC_OK)
		return err_wrap(err, rc, "blob %s", hex);
	sha256_one(have, buf_view(&b));
	if (memcmp(have, digest, sizeof(have)) != 0)
		return err_set(err, RC_VERIFY, "blob %s: not what has that digest", hex);
	buf_span(ret, buf_view(&b));
	return buf_check(ret, "blob", err);
}

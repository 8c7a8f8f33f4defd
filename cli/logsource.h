/*
 * cli/logsource.h - a whole log to read: the coordinator's, an exported folder, a URL that serves tiles.
 *
 * A source gives a note; what it says (origin, size, root) is then fixed with log_source_at(),
 * and everything that is read after that belongs to it. Whose signatures the note carries, and
 * whether they are enough, is the caller's to say, before or after the entries are read: the
 * log's key may have changed within them. From a folder or URL every tile is proved to the
 * root, and every entry to its tile, before anything of it is handed on: RC_VERIFY and
 * RC_FORMAT name the tile. From the coordinator entries come as it says, and the caller adds
 * them up. A URL is asked without following redirects. One thread.
 */
#ifndef CLI_LOGSOURCE_H
#define CLI_LOGSOURCE_H

#include "audit/tile.h"
#include "cli/remote.h"

#define LOG_BLOB_MAX	(1 << 20)

struct log_source;

/*
 * from: "coordinator", a URL (http://, https://) or a folder. blobs: the same, for fixed
 * blobs; NULL: where `from` has them: the coordinator itself, FOLDER.blobs; a URL has none.
 * r: the coordinator, where one of the two is it; borrowed; NULL: RC_USAGE then.
 */
MUST_USE enum rc log_source_new(const char *from, const char *blobs, struct remote *r, struct log_source **ret,
    struct err *err);
void	 log_source_free(struct log_source *s);
DEFINE_AUTO(log_source_free, struct log_source);
bool	 log_source_is_coordinator(const char *from);	/* does this word need one? */

/* The newest note, as it came: nothing of it is verified. ret: what it says. RC_UNSURE: none yet. */
MUST_USE enum rc log_source_checkpoint(struct log_source *s, struct checkpoint *ret, struct buf *note, struct err *err);
/* From here on of this size and root. RC_VERIFY: the tiles do not make it (once for each source). */
MUST_USE enum rc log_source_at(struct log_source *s, const struct checkpoint *cp, struct err *err);

/* After log_source_at(). Entries first .. size-1, in order. */
typedef enum rc (*log_leaf_fn)(void *user, uint64_t index, struct span leaf, struct err *err);
MUST_USE enum rc log_source_entries(struct log_source *s, uint64_t first, log_leaf_fn fn, void *user, struct err *err);
/* From a smaller size to this one, to be verified by the caller. RC_USAGE: old is larger. */
MUST_USE enum rc log_source_consistency(struct log_source *s, uint64_t old, struct tree_path *ret, struct err *err);
/* A complete node, proved; a tree_read whose user is the source. RC_MISSING: not from the coordinator. */
MUST_USE enum rc log_source_node(void *source, uint8_t level, uint64_t index, uint8_t ret[TREE_HASH_BYTES],
    struct err *err);

/* A fixed blob, checked against its digest (at any time). RC_UNSURE: nobody said where blobs are. RC_MISSING. */
MUST_USE enum rc log_source_blob(struct log_source *s, const uint8_t digest[SHA256_BYTES], struct buf *ret,
    struct err *err);

#endif

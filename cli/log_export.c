/*
 * cli/log_export.c - quorate log export: the log as plain files, for any static web server.
 *
 * The tree is that of C2SP tlog-tiles, and its checkpoint is written last: what a crash
 * leaves belongs to the checkpoint that stands there. A second export goes on from it;
 * a full tile below it is never written again. A document that the coordinator does not have
 * (one that a void entry names, as a rule) does not end an export; the next one asks for it again.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/log.h"
#include "cli/logsource.h"
#include "policy/apply.h"

/* In the folder of documents, while some are missing there. */
#define INCOMPLETE	"incomplete"

struct exporting {
	const char		*dir;
	char			 blobs_dir[FILE_PATH_MAX];
	struct log_source	*from;
	uint64_t		 start;		/* the first entry that is asked for: of a bundle */
	uint64_t		 blobs;		/* written by this run */
	uint64_t		 missing;	/* that entries name and the source does not have */
	struct tree_range	 range;
	struct buf		 bundle;
	struct buf		 row[TILE_LEVEL_MAX + 1];	/* the last tile of each level, so far */
};

/* --- files --------------------------------------------------------------------- */

/* Readable by a web server, unlike every other folder of ours. */
static enum rc
public_folder(const char *path, struct err *err)
{
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return RC_OK;
	return err_set(err, RC_IO, "%s: %s", path, strerror(errno));
}

static enum rc
folders_to(const char *root, const char *name, struct err *err)
{
	char		 path[FILE_PATH_MAX];
	const char	*slash;

	for (slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		TRY(file_path(path, err, "%s/%.*s", root, (int)(slash - name), name));
		TRY(public_folder(path, err));
	}
	return RC_OK;
}

static bool
is_there(const char *path, struct span bytes)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(bytes.n + 1);
	struct err	ignored;	/* then it is written */

	return file_exists(path) && file_read(path, &b, &ignored) == RC_OK && span_eq(buf_view(&b), bytes);
}

static enum rc
tile_write(struct exporting *x, const struct tile *t, struct span bytes, struct err *err)
{
	char	name[TILE_NAME_MAX], path[FILE_PATH_MAX];

	tile_name(t, name);
	TRY(file_path(path, err, "%s/%s", x->dir, name));
	if (is_there(path, bytes))
		return RC_OK;
	TRY(folders_to(x->dir, name, err));
	return file_write(path, bytes, 0644, err);
}

/* --- entries, as they come -------------------------------------------------------- */

static bool
blob_is_there(const char *path, const uint8_t digest[SHA256_BYTES])
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(LOG_BLOB_MAX);
	struct err	ignored;	/* then it is fetched */
	uint8_t		have[SHA256_BYTES];

	if (!file_exists(path) || file_read(path, &b, &ignored) != RC_OK)
		return false;
	sha256_one(have, buf_view(&b));
	return memcmp(have, digest, sizeof(have)) == 0;
}

static enum rc
blob_write(struct exporting *x, const uint8_t digest[SHA256_BYTES], struct err *err)
{
	AUTO_DONE(buf_done) struct buf blob = BUF_INIT(LOG_BLOB_MAX);
	char	path[FILE_PATH_MAX], hex[HEX_BYTES(SHA256_BYTES)];
	enum rc	rc;

	TRY(file_path(path, err, "%s/%s", x->blobs_dir, hex_write(SPAN(digest, SHA256_BYTES), hex)));
	if (blob_is_there(path, digest))
		return RC_OK;
	if ((rc = log_source_blob(x->from, digest, &blob, err)) == RC_MISSING) {
		x->missing++;
		return RC_OK;
	}
	TRY(rc);
	x->blobs++;
	return file_write(path, buf_view(&blob), 0600, err);
}

static enum rc
blobs_write(void *user, uint64_t index, struct span leaf, struct err *err)
{
	struct exporting	*x = user;
	uint8_t			 digest[2][SHA256_BYTES];
	size_t			 n, i;

	(void)index;
	TRY(entry_blobs(leaf, digest, &n, err));	/* a malformed entry names nothing */
	for (i = 0; i < n; i++)
		TRY(blob_write(x, digest[i], err));
	return RC_OK;
}

/* Those that the run itself does not come to. */
static enum rc
earlier_blobs(void *user, uint64_t index, struct span leaf, struct err *err)
{
	const struct exporting	*x = user;

	return index < x->start ? blobs_write(user, index, leaf, err) : RC_OK;
}

static enum rc
on_node(void *user, uint8_t level, uint64_t index, const uint8_t hash[TREE_HASH_BYTES], struct err *err)
{
	struct exporting	*x = user;
	struct tile		 t = { .level = level / 8, .index = index / TILE_WIDTH, .width = TILE_WIDTH };
	struct buf		*row = &x->row[t.level];

	if (level % 8 != 0)
		return RC_OK;
	buf_add(row, hash, TREE_HASH_BYTES);
	TRY(buf_check(row, "tile", err));
	if (index % TILE_WIDTH != TILE_WIDTH - 1)
		return RC_OK;
	TRY(tile_write(x, &t, buf_view(row), err));
	buf_reset(row);
	return RC_OK;
}

static enum rc
on_entry(void *user, uint64_t index, struct span leaf, struct err *err)
{
	struct exporting	*x = user;
	struct tile		 t = { .entries = true, .index = index / TILE_WIDTH, .width = TILE_WIDTH };
	uint8_t			 hash[TREE_HASH_BYTES];

	TRY(blobs_write(x, index, leaf, err));
	TRY(bundle_add(&x->bundle, leaf, err));
	if (index % TILE_WIDTH == TILE_WIDTH - 1) {
		TRY(tile_write(x, &t, buf_view(&x->bundle), err));
		buf_reset(&x->bundle);
	}
	tree_leaf(leaf, hash);
	return tree_range_add(&x->range, hash, on_node, x, err);
}

/* What is left over when the last entry has come. */
static enum rc
partial_write(struct exporting *x, struct err *err)
{
	struct tile	t = { .entries = true };
	uint64_t	size = x->range.size;

	t.index = size / TILE_WIDTH;
	t.width = tile_width_at(0, t.index, size);
	if (t.width != 0)
		TRY(tile_write(x, &t, buf_view(&x->bundle), err));
	t.entries = false;
	for (; t.level <= TILE_LEVEL_MAX; t.level++) {
		t.index = (size >> (8 * t.level)) / TILE_WIDTH;
		t.width = tile_width_at(t.level, t.index, size);
		if (t.width != 0)
			TRY(tile_write(x, &t, buf_view(&x->row[t.level]), err));
	}
	return RC_OK;
}

/* --- going on from what is there ---------------------------------------------------- */

static enum rc
row_resume(struct exporting *x, struct log_source *have, uint8_t level, struct err *err)
{
	uint64_t	n = x->start >> (8 * level), i;
	uint8_t		hash[TREE_HASH_BYTES];

	for (i = n / TILE_WIDTH * TILE_WIDTH; i < n; i++) {
		TRY(log_source_node(have, (uint8_t)(8 * level), i, hash, err));
		buf_add(&x->row[level], hash, sizeof(hash));
	}
	return buf_check(&x->row[level], "tile", err);
}

/* That the log in the folder is an earlier one of the same. */
static enum rc
is_earlier(struct exporting *x, const struct checkpoint *old, const struct checkpoint *cp, struct err *err)
{
	struct tree_path	path;

	if (strcmp(old->origin, cp->origin) != 0)
		return err_set(err, RC_USAGE, "%s holds the log %s, not %s: choose another folder", x->dir, old->origin,
		    cp->origin);
	if (old->size > cp->size)
		return err_set(err, RC_VERIFY, "%s holds %llu entries, and the coordinator shows %llu: keep the folder, and ask "
		    "the custodians (`quorate log accuse`)", x->dir, (unsigned long long)old->size,
		    (unsigned long long)cp->size);
	TRY(log_source_consistency(x->from, old->size, &path, err));
	if (tree_consistency_verify(old->size, old->root, cp->size, cp->root, &path, err) != RC_OK)
		return err_set(err, RC_VERIFY, "the log in %s is not an earlier one of what the coordinator shows: keep the "
		    "folder, and ask the custodians (`quorate log accuse`)", x->dir);
	return RC_OK;
}

static enum rc
resume(struct exporting *x, const struct checkpoint *cp, struct err *err)
{
	AUTO(log_source_free) struct log_source *have = NULL;
	AUTO_DONE(buf_done) struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	struct checkpoint	old;
	char			path[FILE_PATH_MAX], mark[FILE_PATH_MAX];
	bool			no_blobs = !file_exists(x->blobs_dir);
	uint8_t			level;

	TRY(file_mkdir(x->blobs_dir, err));
	TRY(file_path(mark, err, "%s/" INCOMPLETE, x->blobs_dir));
	TRY(file_path(path, err, "%s/checkpoint", x->dir));
	if (!file_exists(path))
		return RC_OK;
	TRY(log_source_new(x->dir, NULL, NULL, &have, err));
	TRY(log_source_checkpoint(have, &old, &note, err));
	TRY(is_earlier(x, &old, cp, err));
	TRY(log_source_at(have, &old, err));
	x->start = old.size / TILE_WIDTH * TILE_WIDTH;
	if (no_blobs || file_exists(mark))
		TRY(log_source_entries(have, 0, earlier_blobs, x, err));
	TRY(tree_range_at(log_source_node, have, x->start, &x->range, err));
	for (level = 0; level <= TILE_LEVEL_MAX; level++)
		TRY(row_resume(x, have, level, err));
	return RC_OK;
}

/* --- what a full tile takes the place of -------------------------------------------- */

static enum rc
partial_remove(void *user, const struct tile *t, struct err *err)
{
	const struct exporting	*x = user;
	struct tile		 part = *t;
	char			 name[TILE_NAME_MAX], path[FILE_PATH_MAX];

	if (t->width < TILE_WIDTH || t->index < x->start >> (8 * (t->level + 1)))
		return RC_OK;
	tile_name(t, name);
	TRY(file_path(path, err, "%s/%s.p", x->dir, name));
	if (!file_exists(path))
		return RC_OK;
	for (part.width = 1; part.width < TILE_WIDTH; part.width++) {
		tile_name(&part, name);
		TRY(file_path(path, err, "%s/%s", x->dir, name));
		(void)unlink(path);	/* most are not there; one that stays does no harm */
	}
	tile_name(t, name);
	TRY(file_path(path, err, "%s/%s.p", x->dir, name));
	(void)rmdir(path);
	return RC_OK;
}

/* --- all of it -------------------------------------------------------------------- */

/* Before the checkpoint: what a crash leaves is looked at once too often, never too seldom. */
static enum rc
mark_write(const struct exporting *x, struct err *err)
{
	char	path[FILE_PATH_MAX];

	TRY(file_path(path, err, "%s/" INCOMPLETE, x->blobs_dir));
	if (x->missing > 0)
		return file_write(path, SPAN_STR("documents are missing: the next export looks for each\n"), 0600, err);
	(void)unlink(path);	/* most often it is not there; one that stays makes the next export slow */
	return RC_OK;
}

static enum rc
tree_write(struct exporting *x, const struct checkpoint *cp, struct span note, struct err *err)
{
	uint8_t	root[TREE_HASH_BYTES];
	char	path[FILE_PATH_MAX];

	TRY(public_folder(x->dir, err));
	TRY(resume(x, cp, err));
	TRY(log_source_entries(x->from, x->start, on_entry, x, err));
	tree_range_root(&x->range, root);
	if (memcmp(root, cp->root, sizeof(root)) != 0)
		return err_set(err, RC_VERIFY, "the coordinator's entries do not add up to the checkpoint that the quorum "
		    "cosigned; the checkpoint in %s is the one before", x->dir);
	TRY(partial_write(x, err));
	TRY(mark_write(x, err));
	TRY(file_path(path, err, "%s/checkpoint", x->dir));
	TRY(file_write(path, note, 0644, err));
	return tile_each(cp->size, partial_remove, x, err);
}

static void
exporting_done(struct exporting *x)
{
	buf_done(&x->bundle);
	for (unsigned i = 0; i <= TILE_LEVEL_MAX; i++)
		buf_done(&x->row[i]);
}

static enum rc
tell(const struct exporting *x, const struct checkpoint *cp, struct err *err)
{
	if (cli_json)
		return cli_print_json(json_pack("{s:o?,s:I,s:o?,s:I,s:I}", "directory", json_text(x->dir), "entries",
		    (json_int_t)cp->size, "blob_directory", json_text(x->blobs_dir), "blobs", (json_int_t)x->blobs, "missing",
		    (json_int_t)x->missing), err);
	printf("%s holds the log up to entry %llu, for any web server; %llu documents written to %s, which are not public\n"
	    "check them with: quorate audit --from %s\n", x->dir, (unsigned long long)cp->size - 1,
	    (unsigned long long)x->blobs, x->blobs_dir, x->dir);
	return RC_OK;
}

enum rc
log_export(struct remote *r, const char *dir, struct err *err)
{
	AUTO(log_source_free) struct log_source *source = NULL;
	AUTO_DONE(buf_done) struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	AUTO_DONE(exporting_done) struct exporting x = { .range = TREE_RANGE_INIT };
	struct checkpoint	cp;
	char			own[FILE_PATH_MAX];
	size_t			n = strlen(dir);

	while (n > 1 && dir[n - 1] == '/')
		n--;
	TRY(file_path(own, err, "%.*s", (int)n, dir));
	TRY(file_path(x.blobs_dir, err, "%s.blobs", own));
	x.dir = own;
	x.bundle = BUF_INIT(TILE_BUNDLE_BYTES_MAX);
	for (unsigned i = 0; i <= TILE_LEVEL_MAX; i++)
		x.row[i] = BUF_INIT(TILE_HASH_BYTES_MAX);
	TRY(log_source_new("coordinator", NULL, r, &source, err));
	TRY(log_source_checkpoint(source, &cp, &note, err));
	TRY(charter_checkpoint_verify(r->charter, buf_view(&note), true, &cp, NULL, err));
	TRY(log_source_at(source, &cp, err));
	x.from = source;
	TRY(tree_write(&x, &cp, buf_view(&note), err));
	TRY(tell(&x, &cp, err));
	if (x.missing == 0)
		return RC_OK;
	return err_set(err, RC_UNSURE, "%llu documents that entries name are not at the coordinator: an audit of %s goes no "
	    "further than the first entry that needs one", (unsigned long long)x.missing, own);
}

/*
 * custodian/export.c - `custodiand export`: its copy of the log as files (log-v1 section 6).
 *
 *	OUT/			the tlog-tiles tree of the newest checkpoint that q cosigned, which is
 *				written last
 *	OUT.blobs/HEX		the fixed blobs that the entries name
 *	OUT.tail		the entries past it, each u16be length || bytes, and ...
 *	OUT.tail.checkpoint	... the newest checkpoint of the log that covers them; both only when there are any
 *
 * What q did not cosign is nobody's promise; but a coordinator that is rebuilt should
 * keep it: the log's key signed for it, and some custodians did, too.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "audit/tile.h"
#include "base/wire.h"
#include "custodian/custody.h"
#include "edge/options.h"

struct exporting {
	const char	*out;
	struct custody	*c;
	uint64_t	 size;			/* of the tree */
	struct buf	 note, tile, leaf;	/* used again and again */
	uint64_t	 blobs, tail;
};

static void
exporting_done(struct exporting *x)
{
	custody_free(x->c);
	buf_done(&x->note);
	buf_done(&x->tile);
	buf_done(&x->leaf);
}

static enum rc
make_folder(const char *path, struct err *err)
{
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return RC_OK;
	return err_set(err, RC_IO, "%s: %s", path, strerror(errno));
}

static enum rc
make_folders(const char *root, const char *name, struct err *err)
{
	char		 path[FILE_PATH_MAX];
	const char	*slash;

	for (slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		TRY(file_path(path, err, "%s/%.*s", root, (int)(slash - name), name));
		TRY(make_folder(path, err));
	}
	return RC_OK;
}

/* --- tiles --------------------------------------------------------------------- */

static enum rc
read_node(void *user, uint8_t level, uint64_t index, uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	return store_node(user, level, index, ret, err);
}

static enum rc
read_leaf(struct exporting *x, uint64_t index, struct err *err)
{
	buf_reset(&x->leaf);
	return store_entry(x->c->store, index, &x->leaf, err);
}

static enum rc
fill_bundle(struct exporting *x, const struct tile *t, struct err *err)
{
	uint16_t	i;

	for (i = 0; i < t->width; i++) {
		TRY(read_leaf(x, t->index * TILE_WIDTH + i, err));
		TRY(bundle_add(&x->tile, buf_view(&x->leaf), err));
	}
	return RC_OK;
}

static enum rc
on_tile(void *user, const struct tile *t, struct err *err)
{
	struct exporting	*x = user;
	char			 name[TILE_NAME_MAX], path[FILE_PATH_MAX];

	buf_reset(&x->tile);
	if (t->entries)
		TRY(fill_bundle(x, t, err));
	else
		TRY(tile_hashes(read_node, x->c->store, t, &x->tile, err));
	TRY(buf_check(&x->tile, "tile", err));
	tile_name(t, name);
	TRY(make_folders(x->out, name, err));
	TRY(file_path(path, err, "%s/%s", x->out, name));
	return file_write(path, buf_view(&x->tile), 0644, err);
}

/* --- blobs ------------------------------------------------------------------------- */

static enum rc
write_blob(struct exporting *x, const uint8_t digest[SHA256_BYTES], struct err *err)
{
	AUTO_DONE(buf_done) struct buf blob = BUF_INIT(STORE_VALUE_MAX);
	char	hex[HEX_BYTES(SHA256_BYTES)], path[FILE_PATH_MAX];
	enum rc	rc;

	TRY(file_path(path, err, "%s.blobs/%s", x->out, hex_write(SPAN(digest, SHA256_BYTES), hex)));
	if (file_exists(path))
		return RC_OK;
	rc = store_blob(x->c->store, digest, &blob, err);
	if (rc == RC_MISSING)
		return RC_OK;		/* of an entry that is void: it was not needed */
	TRY(rc);
	x->blobs++;
	return file_write(path, buf_view(&blob), 0600, err);
}

/* Unlike the tree beside it not public: documents that entries name. */
static enum rc
write_blobs(struct exporting *x, struct err *err)
{
	char		path[FILE_PATH_MAX];
	uint8_t		want[2][SHA256_BYTES];
	uint64_t	index;
	size_t		n, i;

	TRY(file_path(path, err, "%s.blobs", x->out));
	TRY(file_mkdir(path, err));
	for (index = 0; index < store_size(x->c->store); index++) {
		TRY(read_leaf(x, index, err));
		TRY(entry_blobs(buf_view(&x->leaf), want, &n, err));
		for (i = 0; i < n; i++)
			TRY(write_blob(x, want[i], err));
	}
	return RC_OK;
}

/* --- what no quorum stands behind ------------------------------------------------------- */

static enum rc
write_tail_entries(struct exporting *x, uint64_t end, struct file_new *f, struct err *err)
{
	uint64_t	index, at = 0;

	for (index = x->size; index < end; index++) {
		TRY(read_leaf(x, index, err));
		buf_reset(&x->tile);
		TRY(bundle_add(&x->tile, buf_view(&x->leaf), err));
		TRY(file_new_write(f, at, buf_view(&x->tile), err));
		at += x->tile.n;
	}
	return file_new_keep(f, err);
}

static enum rc
write_tail(struct exporting *x, struct err *err)
{
	AUTO_DONE(compared_note_done) struct compared_note ours = COMPARED_NOTE_INIT;
	struct file_new	f = FILE_NEW_INIT;
	char		path[FILE_PATH_MAX];
	enum rc		rc;

	TRY(compare_own_note(x->c, &ours, err));
	if (ours.size <= x->size)
		return RC_OK;
	x->tail = ours.size - x->size;
	TRY(file_path(path, err, "%s.tail", x->out));
	TRY(file_new_open(&f, path, err));
	rc = write_tail_entries(x, ours.size, &f, err);
	file_new_drop(&f);
	TRY(rc);
	TRY(file_path(path, err, "%s.tail.checkpoint", x->out));
	return file_create(path, buf_view(&ours.note), 0644, err);
}

/* --- all of it --------------------------------------------------------------------------- */

static enum rc
read_note(struct exporting *x, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(NOTE_BYTES_MAX + 8);
	struct rd	r;
	enum rc		rc = store_get(x->c->store, CUSTODY_COSIGNED, &v, err);

	if (rc == RC_MISSING)
		return err_set(err, RC_UNSURE, "no quorum has cosigned anything that this custodian holds yet: try again later, or "
		    "export another custodian's");
	TRY(rc);
	r = rd_init(buf_view(&v));
	if (!rd_u64(&r, &x->size))
		return err_set(err, RC_BUG, "the record of the cosigned checkpoint is damaged");
	buf_add(&x->note, v.p + 8, v.n - 8);
	return buf_check(&x->note, "checkpoint", err);
}

/* Never into a tree that is there: half of one log and half of another would look whole. */
static enum rc
make_place(struct exporting *x, struct err *err)
{
	if (mkdir(x->out, 0755) == 0)
		return RC_OK;
	if (errno == EEXIST)
		return err_set(err, RC_USAGE, "%s is there already: choose another name", x->out);
	return err_set(err, RC_IO, "%s: %s", x->out, strerror(errno));
}

static enum rc
export(const char *dir, struct exporting *x, struct err *err)
{
	char	path[FILE_PATH_MAX];

	TRY(custody_look(dir, &x->c, err));
	TRY(read_note(x, err));
	TRY(make_place(x, err));
	TRY(write_blobs(x, err));
	TRY(write_tail(x, err));
	TRY(tile_each(x->size, on_tile, x, err));
	TRY(file_path(path, err, "%s/checkpoint", x->out));
	TRY(file_write(path, buf_view(&x->note), 0644, err));
	printf("wrote %s: %llu entries that a quorum cosigned; %llu blobs in %s.blobs\n", x->out, (unsigned long long)x->size,
	    (unsigned long long)x->blobs, x->out);
	if (x->tail > 0)
		printf("%llu entries more, which no quorum cosigned yet as far as this custodian knows, in %s.tail: keep them\n"
		    "together; a coordinator is rebuilt from the export that has the most entries\n", (unsigned long long)x->tail,
		    x->out);
	return RC_OK;
}

enum rc
custodian_export(int argc, char **argv, struct err *err)
{
	AUTO_DONE(exporting_done) struct exporting x = { .note = BUF_INIT(NOTE_BYTES_MAX),
	    .tile = BUF_INIT(TILE_BUNDLE_BYTES_MAX), .leaf = BUF_INIT(ENTRY_BYTES_MAX) };
	const char		*arg[2] = { NULL };
	const struct command	 c = {
		"custodiand export DIR OUT",
		"Writes the log that this custodian holds as a tlog-tiles tree into OUT, which must not be there yet,\n"
		"the blobs that its entries name into OUT.blobs, and what a quorum has not cosigned yet into OUT.tail:\n"
		"a coordinator can be rebuilt from them. A custodiand that runs may go on.",
		NULL, 0 };
	size_t	n;
	bool	help;

	TRY(options_read(&c, argc, argv, arg, 2, 2, &n, &help, err));
	if (help)
		return RC_OK;
	x.out = arg[1];
	return export(arg[0], &x, err);
}

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/cli/lab.h"
#include "tests/unit/cli/tree.h"

struct making {
	const struct tree_folder	*folder;
	const struct span		*leaf;
	size_t				 n;
};

static enum rc
node(void *user, uint8_t level, uint64_t index, uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	struct making		*m = user;
	struct tree_range	 r = TREE_RANGE_INIT;
	uint8_t			 hash[TREE_HASH_BYTES];

	for (uint64_t i = index << level; i < (index + 1) << level; i++) {
		tree_leaf(m->leaf[i], hash);
		TRY(tree_range_add(&r, hash, NULL, NULL, err));
	}
	tree_range_root(&r, ret);
	return RC_OK;
}

static enum rc
make_one(void *user, const struct tile *t, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(TILE_BUNDLE_BYTES_MAX);
	struct making	*m = user;
	char		 name[TILE_NAME_MAX];

	tile_name(t, name);
	for (unsigned i = 0; t->entries && i < t->width; i++)
		TRY(bundle_add(&b, m->leaf[t->index * TILE_WIDTH + i], err));
	if (!t->entries)
		TRY(tile_hashes(node, m, t, &b, err));
	tree_put(m->folder, name, buf_view(&b));
	return RC_OK;
}

void
tree_put(const struct tree_folder *t, const char *name, struct span bytes)
{
	char		 path[FILE_PATH_MAX];
	struct err	 err;
	char		*slash;

	must(file_path(path, &err, "%s/%s", t->dir, name), &err);
	for (slash = strchr(path + strlen(t->dir) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
	must(file_write(path, bytes, 0600, &err), &err);
}

void
tree_get(const struct tree_folder *t, const char *name, struct buf *out)
{
	char		path[FILE_PATH_MAX];
	struct err	err;

	must(file_path(path, &err, "%s/%s", t->dir, name), &err);
	must(file_read(path, out, &err), &err);
}

void
tree_drop(const struct tree_folder *t, const char *name)
{
	char		path[FILE_PATH_MAX];
	struct err	err;

	must(file_path(path, &err, "%s/%s", t->dir, name), &err);
	MUST(unlink(path) == 0);
}

void
tree_make(struct tree_folder *t, const struct span *leaf, size_t n)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(NOTE_BYTES_MAX);
	struct making	m = { t, leaf, n };
	struct err	err;
	char		blobs[FILE_PATH_MAX];

	memset(t, 0, sizeof(*t));
	(void)snprintf(t->dir, sizeof(t->dir), "%s/quorate-tree.XXXXXX", getenv("TMPDIR") == NULL ? "/tmp" : getenv("TMPDIR"));
	MUST(mkdtemp(t->dir) != NULL);
	must(file_path(blobs, &err, "%s.blobs", t->dir), &err);
	MUST(mkdir(blobs, 0700) == 0);
	must(tile_each(n, make_one, &m, &err), &err);
	(void)snprintf(t->cp.origin, sizeof(t->cp.origin), "log.example");
	t->cp.size = n;
	must(tree_root_at(node, &m, n, t->cp.root, &err), &err);
	checkpoint_text(&t->cp, &text);
	buf_u8(&text, '\n');
	tree_put(t, "checkpoint", buf_view(&text));
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
tree_done(struct tree_folder *t)
{
	char		blobs[FILE_PATH_MAX];
	struct err	err;

	must(file_path(blobs, &err, "%s.blobs", t->dir), &err);
	MUST(nftw(t->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
	MUST(nftw(blobs, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

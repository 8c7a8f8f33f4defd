/*
 * tests/unit/cli/tree.h - a log as a folder of tiles, and a way to break each file of it.
 */
#ifndef TESTS_UNIT_CLI_TREE_H
#define TESTS_UNIT_CLI_TREE_H

#include "cli/logsource.h"

/* A folder of its own below TMPDIR; removed with tree_done(). */
struct tree_folder {
	char		 dir[FILE_PATH_MAX];
	struct checkpoint cp;		/* of all leaves */
};
/* Tiles and bundles over n leaves, and as its checkpoint that note; dir.blobs is made, and empty. */
void	 tree_make(struct tree_folder *t, const struct span *leaf, size_t n);
void	 tree_put(const struct tree_folder *t, const char *name, struct span bytes);
void	 tree_get(const struct tree_folder *t, const char *name, struct buf *out);
void	 tree_drop(const struct tree_folder *t, const char *name);
void	 tree_done(struct tree_folder *t);

#endif

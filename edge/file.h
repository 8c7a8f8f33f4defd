/*
 * edge/file.h - whole files: read with a limit, write so that a crash leaves old or new.
 *
 * Every message names the path and says what to do. RC_MISSING: no such file;
 * RC_USAGE: it is no regular file, or others may read a secret; RC_LIMIT: larger
 * than max; RC_IO: the system's own words ("No space left on device").
 */
#ifndef EDGE_FILE_H
#define EDGE_FILE_H

#include "base/secret.h"

/* Appends the file to ret (up to ret->max). "-" is standard input. */
MUST_USE enum rc file_read(const char *path, struct buf *ret, struct err *err);
/* As file_read for a name that somebody gave: one that is not there is RC_USAGE. */
MUST_USE enum rc file_read_given(const char *path, struct buf *ret, struct err *err);
/* A key or PIN: refused unless a regular file that group and others cannot read. */
MUST_USE enum rc file_read_secret(const char *path, size_t max, struct secret **ret, struct err *err);
/* Temporary file beside it, fsync, rename, fsync of the folder. */
MUST_USE enum rc file_write(const char *path, struct span bytes, unsigned mode, struct err *err);
/* As file_write, but RC_USAGE when the path exists: keys are never overwritten. */
MUST_USE enum rc file_create(const char *path, struct span bytes, unsigned mode, struct err *err);
/* mkdir -p of one level, mode 0700, fsync of the folder that it is in; an existing one is fine. */
MUST_USE enum rc file_mkdir(const char *path, struct err *err);
/* For many in one folder, which the caller syncs when all are there; and for what can be made again. */
MUST_USE enum rc file_mkdir_unsynced(const char *path, struct err *err);
/* The same in one that others may have filled: RC_USAGE for a link to one. */
MUST_USE enum rc file_mkdir_inside(const char *path, struct err *err);
bool	 file_exists(const char *path);
bool	 file_is_dir(const char *path);	/* links are followed */
/* "dir/name" into a fixed buffer; RC_USAGE when it does not fit. */
#define FILE_PATH_MAX	1024
MUST_USE enum rc file_path(char ret[FILE_PATH_MAX], struct err *err, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));

/*
 * A large file that is written bit by bit and gets its name when it is whole: it has
 * none before, so that whatever ends us leaves nothing behind (a file system without
 * unnamed files has a temporary one beside it). Only file_new_replace() replaces
 * an existing file.
 */
struct file_new {
	int	fd;		/* -1: closed */
	char	path[FILE_PATH_MAX], tmp[FILE_PATH_MAX];
};
#define FILE_NEW_INIT	{ .fd = -1 }
MUST_USE enum rc file_new_open(struct file_new *f, const char *path, struct err *err);
MUST_USE enum rc file_new_write(struct file_new *f, uint64_t at, struct span bytes, struct err *err);
/* fsync, the name, fsync of the folder; closes it in any case. */
MUST_USE enum rc file_new_keep(struct file_new *f, struct err *err);
/* The same in the place of the file that has the name: until then that is there, whole. */
MUST_USE enum rc file_new_replace(struct file_new *f, struct err *err);
void	 file_new_drop(struct file_new *f);	/* fine after either */

/*
 * One process of a program to a folder: dir/lock, held until this process ends. RC_MISSING:
 * no such folder; RC_USAGE: another one runs here.
 */
MUST_USE enum rc file_lock(const char *dir, const char *program, struct err *err);
/* The same for one piece of work: until *ret_fd is closed. */
MUST_USE enum rc file_lock_take(const char *dir, const char *program, int *ret_fd, struct err *err);
/* fsync of a folder by name. */
MUST_USE enum rc file_sync_dir(const char *path, struct err *err);

#endif

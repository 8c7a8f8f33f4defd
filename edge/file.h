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
/* mkdir -p of one level, mode 0700; an existing folder is fine. */
MUST_USE enum rc file_mkdir(const char *path, struct err *err);
bool	 file_exists(const char *path);
/* "dir/name" into a fixed buffer; RC_USAGE when it does not fit. */
#define FILE_PATH_MAX	1024
MUST_USE enum rc file_path(char ret[FILE_PATH_MAX], struct err *err, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
/* fsync of an open descriptor, of a folder by name. */
MUST_USE enum rc file_sync_dir(const char *path, struct err *err);

#endif

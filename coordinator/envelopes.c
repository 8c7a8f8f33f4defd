/* coordinator/envelopes.c - sealed artifacts, one file for each batch. */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "coordinator/envelopes.h"

#define FOLDERS	256u

static enum rc
read_at(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	const struct envelope_file	*f = user;
	size_t				 got = 0;
	ssize_t				 r;

	at += f->offset;
	while (got < n) {
		r = pread(f->fd, out + got, n - got, (off_t)(at + got));
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_set(err, RC_IO, "envelope: %s", strerror(errno));
		if (r == 0)
			return err_set(err, RC_FORMAT, "envelope: shorter than it says");
		got += (size_t)r;
	}
	return RC_OK;
}

static enum rc
open_file(const char *path, struct envelope_file *ret, uint64_t *ret_size, struct err *err)
{
	struct stat	st;

	*ret = ENVELOPE_FILE_INIT;
	ret->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (ret->fd < 0)
		return err_set(err, errno == ENOENT ? RC_MISSING : RC_IO,
		    "envelope: %s", strerror(errno));
	if (fstat(ret->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(err, RC_IO, "envelope: not a regular file");
	*ret_size = (uint64_t)st.st_size;
	return RC_OK;
}

enum rc
envelope_file_open(const char *path, const struct batch_envelope *at, struct envelope_file *ret,
    struct err *err)
{
	uint8_t		digest[SHA256_BYTES];
	uint64_t	size;

	TRY(open_file(path, ret, &size, err));
	if (at->offset > size || at->size > size - at->offset)
		return err_set(err, RC_FORMAT, "envelope: ends at byte %llu of a file of %llu",
		    (unsigned long long)(at->offset + at->size), (unsigned long long)size);
	ret->offset = at->offset;
	sha256_one(digest, at->descriptor);
	return envelope_open(read_at, ret, at->size, digest, &ret->e, err);
}

void
envelope_file_done(struct envelope_file *f)
{
	envelope_free(f->e);
	if (f->fd >= 0)
		(void)close(f->fd);	/* it was only read */
	*f = ENVELOPE_FILE_INIT;
}

enum rc
envelopes_check(const char *path, struct span vector, uint32_t count, struct err *err)
{
	AUTO_DONE(envelope_file_done) struct envelope_file f = ENVELOPE_FILE_INIT;
	uint64_t	size;

	TRY(open_file(path, &f, &size, err));
	return batch_envelopes_check(vector, count, read_at, &f, size, err);
}

static enum rc
folder_of(const char *dir, unsigned first, char path[FILE_PATH_MAX], struct err *err)
{
	return file_path(path, err, "%s/envelopes/%02x", dir, first);
}

enum rc
envelopes_path(const char *dir, const uint8_t root[SHA256_BYTES], char path[FILE_PATH_MAX],
    struct err *err)
{
	char	hex[HEX_BYTES(SHA256_BYTES)];

	(void)hex_write(SPAN(root, SHA256_BYTES), hex);
	return file_path(path, err, "%s/envelopes/%02x/%s", dir, root[0], hex);
}

uint64_t
envelopes_size(const char *dir, const uint8_t root[SHA256_BYTES])
{
	char		path[FILE_PATH_MAX];
	struct stat	st;

	if (envelopes_path(dir, root, path, NULL) != RC_OK || lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return 0;
	return (uint64_t)st.st_size;
}

/* All of them now: one that a batch had to make would be another folder to sync. */
enum rc
envelopes_start(const char *dir, struct err *err)
{
	char		path[FILE_PATH_MAX];
	unsigned	i;

	TRY(file_path(path, err, "%s/envelopes", dir));
	TRY(file_mkdir_unsynced(path, err));
	for (i = 0; i < FOLDERS; i++) {
		TRY(folder_of(dir, i, path, err));
		TRY(file_mkdir_unsynced(path, err));
	}
	TRY(file_path(path, err, "%s/envelopes", dir));
	TRY(file_sync_dir(path, err));
	return file_sync_dir(dir, err);
}

enum rc
envelopes_sync(const char *dir, const uint8_t root[SHA256_BYTES], struct err *err)
{
	char	path[FILE_PATH_MAX];

	TRY(folder_of(dir, root[0], path, err));
	return file_sync_dir(path, err);
}

enum rc
envelopes_take(const char *dir, const uint8_t root[SHA256_BYTES], const char *from, struct err *err)
{
	char	to[FILE_PATH_MAX];

	TRY(envelopes_path(dir, root, to, err));
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) != 0) {
		if (errno == EEXIST)
			return err_set(err, RC_DENIED, "there are envelopes of that batch");
		return err_set(err, RC_IO, "envelopes: %s", strerror(errno));
	}
	(void)chmod(to, 0400);	/* a reminder to people; the daemon does not rely on it */
	return RC_OK;
}

void
envelopes_drop(const char *dir, const uint8_t root[SHA256_BYTES])
{
	char	path[FILE_PATH_MAX];

	if (envelopes_path(dir, root, path, NULL) == RC_OK)
		(void)unlink(path);	/* an orphan is harmless */
}

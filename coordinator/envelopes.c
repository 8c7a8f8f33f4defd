/* coordinator/envelopes.c - sealed artifacts, one file each. */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "coordinator/envelopes.h"

static enum rc
read_at(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	const struct envelope_file	*f = user;
	size_t				 got = 0;
	ssize_t				 r;

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

enum rc
envelope_file_open(const char *path, struct span descriptor, struct envelope_file *ret,
    struct err *err)
{
	uint8_t		digest[SHA256_BYTES];
	struct stat	st;

	*ret = ENVELOPE_FILE_INIT;
	ret->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (ret->fd < 0)
		return err_set(err, errno == ENOENT ? RC_MISSING : RC_IO,
		    "envelope: %s", strerror(errno));
	if (fstat(ret->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(err, RC_IO, "envelope: not a regular file");
	ret->size = (uint64_t)st.st_size;
	sha256_one(digest, descriptor);
	return envelope_open(read_at, ret, ret->size, digest, &ret->e, err);
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
envelopes_path(const char *dir, const uint8_t id[ARTIFACT_ID_BYTES],
    char path[FILE_PATH_MAX], struct err *err)
{
	char	hex[HEX_BYTES(ARTIFACT_ID_BYTES)];

	(void)hex_write(SPAN(id, ARTIFACT_ID_BYTES), hex);
	return file_path(path, err, "%s/envelopes/%02x/%s", dir, id[0], hex);
}

bool
envelopes_has(const char *dir, const uint8_t id[ARTIFACT_ID_BYTES])
{
	char	path[FILE_PATH_MAX];

	return envelopes_path(dir, id, path, NULL) == RC_OK && file_exists(path);
}

enum rc
envelopes_start(const char *dir, struct err *err)
{
	char	top[FILE_PATH_MAX];

	TRY(file_path(top, err, "%s/envelopes", dir));
	TRY(file_mkdir(top, err));
	TRY(file_sync_dir(top, err));
	return file_sync_dir(dir, err);
}

void
envelopes_touch(struct envelopes_touched *touched, const uint8_t id[ARTIFACT_ID_BYTES])
{
	touched->folder[id[0]] = true;
	touched->top = true;		/* it may be as new as what is in it */
}

enum rc
envelopes_sync(const char *dir, const struct envelopes_touched *touched, struct err *err)
{
	char		path[FILE_PATH_MAX];
	unsigned	i;

	for (i = 0; i < sizeof(touched->folder) / sizeof(touched->folder[0]); i++)
		if (touched->folder[i]) {
			TRY(file_path(path, err, "%s/envelopes/%02x", dir, i));
			TRY(file_sync_dir(path, err));
		}
	TRY(file_path(path, err, "%s/envelopes", dir));
	return touched->top ? file_sync_dir(path, err) : RC_OK;
}

enum rc
envelopes_take(const char *dir, const uint8_t id[ARTIFACT_ID_BYTES], const char *from,
    struct envelopes_touched *touched, struct err *err)
{
	char	folder[FILE_PATH_MAX], to[FILE_PATH_MAX];

	TRY(file_path(folder, err, "%s/envelopes/%02x", dir, id[0]));
	TRY(file_mkdir(folder, err));
	envelopes_touch(touched, id);
	TRY(envelopes_path(dir, id, to, err));
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) != 0) {
		if (errno == EEXIST)
			return err_set(err, RC_DENIED, "there is an envelope of that id");
		return err_set(err, RC_IO, "envelope: %s", strerror(errno));
	}
	(void)chmod(to, 0400);	/* a reminder to people; the daemon does not rely on it */
	return RC_OK;
}

void
envelopes_drop(const char *dir, const uint8_t id[ARTIFACT_ID_BYTES])
{
	char	path[FILE_PATH_MAX];

	if (envelopes_path(dir, id, path, NULL) == RC_OK)
		(void)unlink(path);	/* an orphan is harmless */
}

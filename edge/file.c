/* edge/file.c - whole files, and writes that a crash cannot halve. */
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "edge/file.h"

struct fd { int fd; };

static void
fd_done(struct fd *f)
{
	if (f->fd > STDERR_FILENO)
		(void)close(f->fd);	/* read-only, or closed with a check before */
}

static enum rc
open_error(struct err *err, const char *path)
{
	if (errno == ENOENT || errno == ENOTDIR)
		return err_set(err, RC_MISSING, "%s: no such file", path);
	return err_set(err, RC_IO, "%s: %s", path, strerror(errno));
}

/* What cannot be made because its folder is not there was named wrongly. */
static enum rc
create_error(struct err *err, const char *path)
{
	if (errno == ENOENT || errno == ENOTDIR)
		return err_set(err, RC_USAGE, "%s: no such folder", path);
	return err_set(err, RC_IO, "%s: %s", path, strerror(errno));
}

static enum rc
open_regular(const char *path, struct fd *ret, struct stat *st, struct err *err)
{
	ret->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (ret->fd < 0)
		return open_error(err, path);
	if (fstat(ret->fd, st) != 0)
		return open_error(err, path);
	if (!S_ISREG(st->st_mode) && !S_ISFIFO(st->st_mode))
		return err_set(err, RC_USAGE, "%s: not a regular file", path);
	/* Pipes block as anyone expects. */
	(void)fcntl(ret->fd, F_SETFL, 0);
	return RC_OK;
}

static enum rc
read_all(int fd, const char *path, struct buf *ret, struct err *err)
{
	uint8_t	tmp[16384];
	ssize_t	n;

	while ((n = read(fd, tmp, sizeof(tmp))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, RC_IO, "%s: %s", path, strerror(errno));
		buf_add(ret, tmp, (size_t)n);
		TRY(buf_check(ret, path, err));
	}
	return RC_OK;
}

enum rc
file_read(const char *path, struct buf *ret, struct err *err)
{
	AUTO_DONE(fd_done) struct fd f = { -1 };
	struct stat	st;

	if (strcmp(path, "-") == 0)
		return read_all(STDIN_FILENO, "standard input", ret, err);
	TRY(open_regular(path, &f, &st, err));
	return read_all(f.fd, path, ret, err);
}

enum rc
file_read_given(const char *path, struct buf *ret, struct err *err)
{
	enum rc	rc = file_read(path, ret, err);

	return rc == RC_MISSING ? err_set(err, RC_USAGE, "%s: no such file", path) : rc;
}

enum rc
file_read_secret(const char *path, size_t max, struct secret **ret, struct err *err)
{
	AUTO_DONE(fd_done) struct fd f = { -1 };
	AUTO(secret_free) struct secret *s = NULL;
	struct stat	st;
	ssize_t		n;
	size_t		at = 0, want;

	TRY(open_regular(path, &f, &st, err));
	if (!S_ISREG(st.st_mode))
		return err_set(err, RC_USAGE, "%s: not a regular file", path);
	if ((st.st_mode & 077) != 0)
		return err_set(err, RC_USAGE,
		    "%s: others may read it; chmod 600 it", path);
	if (st.st_size < 1 || (uint64_t)st.st_size > max)
		return err_set(err, RC_USAGE, "%s: %s", path,
		    st.st_size < 1 ? "is empty" : "is too large to be a key");
	want = (size_t)st.st_size;
	if ((s = secret_new(want)) == NULL)
		return err_set(err, RC_NOMEM, "%s: no locked memory", path);
	while (at < want) {
		n = read(f.fd, secret_bytes(s) + at, want - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(err, RC_IO, "%s: %s", path,
			    n < 0 ? strerror(errno) : "shrank while it was read");
		at += (size_t)n;
	}
	*ret = TAKE(s);
	return RC_OK;
}

static enum rc
write_all(int fd, const char *path, struct span bytes, struct err *err)
{
	size_t	at = 0;
	ssize_t	n;

	while (at < bytes.n) {
		n = write(fd, bytes.p + at, bytes.n - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, RC_IO, "%s: %s", path, strerror(errno));
		at += (size_t)n;
	}
	return RC_OK;
}

static void
parent_of(const char *path, char ret[FILE_PATH_MAX])
{
	size_t	n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n > 0 && path[n - 1] != '/')
		n--;
	while (n > 1 && path[n - 1] == '/')
		n--;
	(void)snprintf(ret, FILE_PATH_MAX, "%.*s", n == 0 ? 1 : (int)n, n == 0 ? "." : path);
}

enum rc
file_sync_dir(const char *path, struct err *err)
{
	AUTO_DONE(fd_done) struct fd f = { -1 };

	if ((f.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return open_error(err, path);
	if (fsync(f.fd) != 0)
		return err_set(err, RC_IO, "%s: %s", path, strerror(errno));
	return RC_OK;
}

static enum rc
write_temporary(const char *path, struct span bytes, unsigned mode,
    char tmp[FILE_PATH_MAX], struct err *err)
{
	int	fd;
	enum rc	rc;

	TRY(file_path(tmp, err, "%s.XXXXXX", path));
	if ((fd = mkostemp(tmp, O_CLOEXEC)) < 0)
		return create_error(err, path);
	rc = write_all(fd, path, bytes, err);
	if (rc == RC_OK && (fchmod(fd, mode) != 0 || fsync(fd) != 0))
		rc = err_set(err, RC_IO, "%s: %s", path, strerror(errno));
	if (close(fd) != 0 && rc == RC_OK)
		rc = err_set(err, RC_IO, "%s: %s", path, strerror(errno));
	if (rc != RC_OK)
		(void)unlink(tmp);
	return rc;
}

static enum rc
write_as(const char *path, struct span bytes, unsigned mode, bool fresh,
    struct err *err)
{
	char	tmp[FILE_PATH_MAX], dir[FILE_PATH_MAX];
	int	r, saved;
	enum rc	rc;

	TRY(write_temporary(path, bytes, mode, tmp, err));
	/* link() refuses to replace, rename() does not: both are atomic. */
	r = fresh ? link(tmp, path) : rename(tmp, path);
	saved = errno;
	if (r != 0 && saved == EEXIST)
		(void)err_set(err, RC_USAGE,
		    "%s: exists already; it is not overwritten: choose another name", path);
	else if (r != 0)
		(void)err_set(err, RC_IO, "%s: %s", path, strerror(errno));
	if (r != 0 || fresh)
		(void)unlink(tmp);
	if (r != 0)
		return saved == EEXIST ? RC_USAGE : RC_IO;
	parent_of(path, dir);
	/* Who was told that it failed may try again under the same name. */
	if ((rc = file_sync_dir(dir, err)) != RC_OK && fresh)
		(void)unlink(path);
	return rc;
}

enum rc
file_write(const char *path, struct span bytes, unsigned mode, struct err *err)
{
	return write_as(path, bytes, mode, false, err);
}

enum rc
file_create(const char *path, struct span bytes, unsigned mode, struct err *err)
{
	if (file_exists(path))
		return err_set(err, RC_USAGE,
		    "%s: exists already; it is not overwritten: choose another name", path);
	return write_as(path, bytes, mode, true, err);
}

enum rc
file_new_open(struct file_new *f, const char *path, struct err *err)
{
	char	dir[FILE_PATH_MAX];

	f->fd = -1;
	f->tmp[0] = '\0';
	TRY(file_path(f->path, err, "%s", path));
	parent_of(path, dir);
	f->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (f->fd >= 0)
		return RC_OK;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
		return create_error(err, path);
	/* A file system that has no unnamed files. */
	TRY(file_path(f->tmp, err, "%s.XXXXXX", path));
	if ((f->fd = mkostemp(f->tmp, O_CLOEXEC)) >= 0)
		return RC_OK;
	f->tmp[0] = '\0';
	return create_error(err, path);
}

enum rc
file_new_write(struct file_new *f, uint64_t at, struct span bytes, struct err *err)
{
	ssize_t	n;

	while (bytes.n > 0) {
		n = pwrite(f->fd, bytes.p, bytes.n, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(err, RC_IO, "%s: %s; make room and run the command again", f->path,
			    n == 0 ? "nothing could be written" : strerror(errno));
		bytes.p += n;
		bytes.n -= (size_t)n;
		at += (uint64_t)n;
	}
	return RC_OK;
}

/* link() and linkat() do not replace what has that name. */
static int
give_name(const struct file_new *f, const char *path)
{
	char	self[64];

	if (f->tmp[0] != '\0')
		return link(f->tmp, path);
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", f->fd);
	return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

enum rc
file_new_keep(struct file_new *f, struct err *err)
{
	char	dir[FILE_PATH_MAX];
	enum rc	rc = RC_OK;

	if (fsync(f->fd) != 0)
		rc = err_set(err, RC_IO, "%s: %s", f->path, strerror(errno));
	else if (give_name(f, f->path) != 0)
		rc = errno == EEXIST ? err_set(err, RC_USAGE,
		    "%s: exists already; it is not overwritten: choose another name", f->path) :
		    err_set(err, RC_IO, "%s: %s", f->path, strerror(errno));
	file_new_drop(f);
	TRY(rc);
	parent_of(f->path, dir);
	if ((rc = file_sync_dir(dir, err)) != RC_OK)
		(void)unlink(f->path);
	return rc;
}

/* What has no name gets one beside the other first: only a name can take another's place. */
static int
take_place(struct file_new *f)
{
	char	beside[FILE_PATH_MAX];

	if (f->tmp[0] == '\0') {
		if (file_path(beside, NULL, "%s.new-%ld", f->path, (long)getpid()) != RC_OK) {
			errno = ENAMETOOLONG;
			return -1;
		}
		if (give_name(f, beside) != 0)
			return -1;
		memcpy(f->tmp, beside, sizeof(f->tmp));
	}
	if (rename(f->tmp, f->path) != 0)
		return -1;
	f->tmp[0] = '\0';
	return 0;
}

enum rc
file_new_replace(struct file_new *f, struct err *err)
{
	char	dir[FILE_PATH_MAX];
	enum rc	rc = RC_OK;

	if (fsync(f->fd) != 0 || take_place(f) != 0)
		rc = err_set(err, RC_IO, "%s: %s", f->path, strerror(errno));
	file_new_drop(f);
	TRY(rc);
	parent_of(f->path, dir);
	return file_sync_dir(dir, err);
}

void
file_new_drop(struct file_new *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
	if (f->tmp[0] != '\0')
		(void)unlink(f->tmp);
	f->tmp[0] = '\0';
}

static enum rc
make_dir(const char *path, bool *ret_made, struct err *err)
{
	struct stat	st;

	*ret_made = mkdir(path, 0700) == 0;
	if (*ret_made)
		return RC_OK;
	if (errno != EEXIST)
		return create_error(err, path);
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return err_set(err, RC_USAGE, "%s: not a folder", path);
	return RC_OK;
}

enum rc
file_mkdir(const char *path, struct err *err)
{
	char	parent[FILE_PATH_MAX];
	bool	made;
	enum rc	rc;

	TRY(make_dir(path, &made, err));
	if (!made)
		return RC_OK;
	parent_of(path, parent);
	/* Who was told that it failed may try again, and must not find it there unsynced. */
	if ((rc = file_sync_dir(parent, err)) != RC_OK)
		(void)rmdir(path);
	return rc;
}

enum rc
file_mkdir_unsynced(const char *path, struct err *err)
{
	bool	made;

	return make_dir(path, &made, err);
}

enum rc
file_mkdir_inside(const char *path, struct err *err)
{
	struct stat	st;

	TRY(file_mkdir_unsynced(path, err));
	if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return err_set(err, RC_USAGE, "%s: a link that leads elsewhere; remove it, or choose another folder", path);
	return RC_OK;
}

bool
file_is_dir(const char *path)
{
	struct stat	st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool
file_exists(const char *path)
{
	struct stat	st;

	return lstat(path, &st) == 0;
}

enum rc
file_path(char ret[FILE_PATH_MAX], struct err *err, const char *fmt, ...)
{
	va_list	ap;
	int	n;

	va_start(ap, fmt);
	n = vsnprintf(ret, FILE_PATH_MAX, fmt, ap);
	va_end(ap);
	if (n < 0 || n >= FILE_PATH_MAX)
		return err_set(err, RC_USAGE, "path too long: %.60s...", ret);
	return RC_OK;
}

enum rc
file_lock_take(const char *dir, const char *program, int *ret_fd, struct err *err)
{
	char	path[FILE_PATH_MAX];
	int	fd;

	TRY(file_path(path, err, "%s/lock", dir));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(err, errno == ENOENT ? RC_MISSING : RC_IO, "%s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		*ret_fd = fd;
		return RC_OK;
	}
	(void)close(fd);		/* nothing was written */
	return err_set(err, RC_USAGE, "%s: another %s runs here", dir, program);
}

enum rc
file_lock(const char *dir, const char *program, struct err *err)
{
	int	fd;		/* stays open */

	return file_lock_take(dir, program, &fd, err);
}

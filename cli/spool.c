/* cli/spool.c - ciphertext on its way. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/spool.h"
#include "edge/file.h"

void
spool_done(struct spool *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
	buf_done(&s->mem);
}

void
spool_reset(struct spool *s)
{
	if (s->fd >= 0 || s->mem.cap > SPOOL_KEPT || s->mem.rc != RC_OK)
		spool_done(s);
	s->mem.rc = RC_OK;
	buf_reset(&s->mem);
}

static enum rc
open_unnamed(struct spool *s, struct err *err)
{
	const char	*dir = getenv("TMPDIR");
	char		 path[FILE_PATH_MAX];

	if (dir == NULL || dir[0] == '\0')
		dir = "/var/tmp";
	s->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (s->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
		/* A file system that has no unnamed files. */
		TRY(file_path(path, err, "%s/quorate-spool.XXXXXX", dir));
		if ((s->fd = mkostemp(path, O_CLOEXEC)) >= 0)
			(void)unlink(path);
	}
	if (s->fd < 0)
		return err_set(err, RC_IO, "cannot spool in %s: %s; set TMPDIR to a folder with room", dir,
		    strerror(errno));
	return RC_OK;
}

static enum rc
write_file(struct spool *s, uint64_t at, struct span bytes, struct err *err)
{
	ssize_t	n;

	while (bytes.n > 0) {
		n = pwrite(s->fd, bytes.p, bytes.n, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(err, RC_IO, "cannot spool the envelope: %s; set TMPDIR to a folder with room",
			    strerror(errno));
		bytes.p += n;
		bytes.n -= (size_t)n;
		at += (uint64_t)n;
	}
	return RC_OK;
}

enum rc
spool_to_file(struct spool *s, struct err *err)
{
	if (s->fd >= 0)
		return RC_OK;
	TRY(open_unnamed(s, err));
	TRY(write_file(s, 0, buf_view(&s->mem), err));
	buf_done(&s->mem);
	return RC_OK;
}

enum rc
spool_write(void *spool, uint64_t at, struct span bytes, struct err *err)
{
	struct spool	*s = spool;

	if (s->fd < 0 && at + bytes.n > SPOOL_MEMORY)
		TRY(spool_to_file(s, err));
	if (s->fd >= 0)
		return write_file(s, at, bytes, err);
	if (at > s->mem.n)		/* a hole for what is written last */
		(void)buf_extend(&s->mem, (size_t)at - s->mem.n);
	if (at == s->mem.n)
		buf_span(&s->mem, bytes);
	else if (s->mem.rc == RC_OK && at + bytes.n <= s->mem.n)
		memcpy(s->mem.p + at, bytes.p, bytes.n);
	else if (s->mem.rc == RC_OK)
		return err_set(err, RC_BUG, "spool: written across its end");
	return buf_check(&s->mem, "spool", err);
}

static enum rc
read_file(const struct spool *s, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	ssize_t	done;

	while (n > 0) {
		done = pread(s->fd, out, n, (off_t)at);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return err_set(err, RC_IO, "cannot read the spooled envelope");
		out += done;
		n -= (size_t)done;
		at += (uint64_t)done;
	}
	return RC_OK;
}

enum rc
spool_read(void *spool, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	const struct spool	*s = spool;

	if (s->fd >= 0)
		return read_file(s, at, out, n, err);
	if (at > s->mem.n || n > s->mem.n - at)
		return err_set(err, RC_BUG, "spool: read past its end");
	if (n > 0)
		memcpy(out, s->mem.p + at, n);
	return RC_OK;
}

/* coordinator/signed.c - see signed.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/wire.h"
#include "coordinator/signed.h"
#include "edge/file.h"

#define PLACE_BYTES	(8 + SHA256_BYTES + SHA256_BYTES)	/* size, root, digest of both */
#define PLACE_APART	4096

static enum rc
name_of(const char *dir, char ret[FILE_PATH_MAX], struct err *err)
{
	return file_path(ret, err, "%s/signed", dir);
}

/* Is a mark there, and is it newer than what m has? */
static bool
take_place(struct signed_mark *m, unsigned place)
{
	uint8_t		bytes[PLACE_BYTES], root[SHA256_BYTES], sum[SHA256_BYTES], want[SHA256_BYTES];
	uint64_t	size;
	struct rd	r = rd_init(SPAN_OF(bytes));

	if (pread(m->fd, bytes, sizeof(bytes), (off_t)place * PLACE_APART) != (ssize_t)sizeof(bytes))
		return false;
	sha256_one(want, SPAN(bytes, PLACE_BYTES - SHA256_BYTES));
	if (!rd_u64(&r, &size) || !rd_bytes(&r, root, sizeof(root)) || !rd_bytes(&r, sum, sizeof(sum)) || !rd_done(&r) ||
	    memcmp(sum, want, sizeof(sum)) != 0)	/* public */
		return false;
	if (size >= m->size) {
		m->size = size;
		memcpy(m->root, root, sizeof(root));
		m->next = 1 - place;
	}
	return true;
}

enum rc
signed_open(const char *dir, struct signed_mark *m, struct err *err)
{
	char	path[FILE_PATH_MAX];
	bool	first, second;

	TRY(name_of(dir, path, err));
	m->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (m->fd < 0)
		return err_set(err, RC_IO, "%s: %s", path, strerror(errno));
	TRY(file_sync_dir(dir, err));
	m->size = 0;
	m->next = 0;
	first = take_place(m, 0);
	second = take_place(m, 1);
	/* The very first one may have been cut short: nobody saw a signature then. */
	if (!first && !second && lseek(m->fd, 0, SEEK_END) > PLACE_APART)
		return err_set(err, RC_FORMAT, "%s is damaged: remove it when log.db is known to be the newest", path);
	return RC_OK;
}

void
signed_close(struct signed_mark *m)
{
	if (m->fd >= 0)
		(void)close(m->fd);
	m->fd = -1;
}

enum rc
signed_check(const struct signed_mark *m, struct store *s, struct err *err)
{
	uint8_t	root[SHA256_BYTES];

	if (m->size == 0)
		return RC_OK;
	if (store_size(s) < m->size)
		return err_set(err, RC_BUG, "log.db holds %llu entries, but %llu were signed: another past must not be; put back the "
		    "newest log.db with its -wal, or: coordinatord rebuild", (unsigned long long)store_size(s), (unsigned long long)m->size);
	TRY(store_root_at(s, m->size, root, err));
	if (memcmp(root, m->root, sizeof(root)) != 0)
		return err_set(err, RC_BUG, "log.db is not the log of which %llu entries were signed: put back the newest log.db "
		    "with its -wal, or: coordinatord rebuild", (unsigned long long)m->size);
	return RC_OK;
}

enum rc
signed_keep(struct signed_mark *m, uint64_t size, const uint8_t root[SHA256_BYTES], struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(PLACE_BYTES);
	uint8_t	sum[SHA256_BYTES];

	if (size == m->size && memcmp(root, m->root, SHA256_BYTES) == 0)
		return RC_OK;
	buf_u64(&b, size);
	buf_span(&b, SPAN(root, SHA256_BYTES));
	TRY(buf_check(&b, "mark", err));
	sha256_one(sum, buf_view(&b));
	buf_span(&b, SPAN_OF(sum));
	TRY(buf_check(&b, "mark", err));
	if (pwrite(m->fd, b.p, b.n, (off_t)m->next * PLACE_APART) != (ssize_t)b.n || fdatasync(m->fd) != 0)
		return err_set(err, RC_IO, "DIR/signed: %s", strerror(errno));
	m->next = 1 - m->next;
	m->size = size;
	memcpy(m->root, root, SHA256_BYTES);
	return RC_OK;
}

enum rc
signed_forget(const char *dir, struct err *err)
{
	char	path[FILE_PATH_MAX];

	TRY(name_of(dir, path, err));
	if (unlink(path) != 0 && errno != ENOENT)
		return err_set(err, RC_IO, "%s: %s", path, strerror(errno));
	return file_sync_dir(dir, err);
}

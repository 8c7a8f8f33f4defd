/* coordinator/uploads.c - files that grow until they are whole. */
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coordinator/uploads.h"

#define HEX_ID	(UPLOAD_ID_BYTES * 2)

struct upload {
	bool		 used, busy, whole;
	uint8_t		 id[UPLOAD_ID_BYTES];
	uint64_t	 owner;
	uint64_t	 size;
	when		 touched;
	int		 fd;		/* -1: not open */
};

struct uploads {
	char		dir[FILE_PATH_MAX];
	pthread_mutex_t	lock;
	uint64_t	bytes;
	struct upload	upload[UPLOADS_MAX];
};

static enum rc
path_of(const struct uploads *u, const uint8_t id[UPLOAD_ID_BYTES], bool part,
    char path[FILE_PATH_MAX], struct err *err)
{
	char	hex[HEX_BYTES(UPLOAD_ID_BYTES)];

	(void)hex_write(SPAN(id, UPLOAD_ID_BYTES), hex);
	return file_path(path, err, "%s/%s%s", u->dir, hex, part ? ".part" : "");
}

static void
upload_close(struct upload *p)
{
	if (p->fd >= 0)
		(void)close(p->fd);	/* what counts was synced before */
	p->fd = -1;
}

/* With the lock held. */
static void
upload_drop(struct uploads *u, struct upload *p)
{
	char	path[FILE_PATH_MAX];

	upload_close(p);
	if (path_of(u, p->id, !p->whole, path, NULL) == RC_OK)
		(void)unlink(path);	/* moved away, mostly */
	u->bytes -= p->size;
	memset(p, 0, sizeof(*p));
	p->fd = -1;
}

/* ---- at start --------------------------------------------------------------- */

static struct upload *
free_slot(struct uploads *u)
{
	size_t	i;

	for (i = 0; i < UPLOADS_MAX; i++)
		if (!u->upload[i].used)
			return &u->upload[i];
	return NULL;
}

static void
found(struct uploads *u, const char *name, when now)
{
	char		 path[FILE_PATH_MAX];
	struct stat	 st;
	struct upload	*p = free_slot(u);
	uint8_t		 id[UPLOAD_ID_BYTES];
	bool		 part = strcmp(name + HEX_ID, ".part") == 0;

	if (file_path(path, NULL, "%s/%s", u->dir, name) != RC_OK ||
	    stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	if (!hex_parse(SPAN(name, HEX_ID), id, sizeof(id)) ||
	    (!part && name[HEX_ID] != '\0'))
		return;
	/*
	 * What was not whole was not synced: after a loss of power it may have its length and not its
	 * bytes, and its sender would go on behind them. It is sent again.
	 */
	if (part || p == NULL || (when)st.st_mtime + UPLOAD_SECONDS < now) {
		(void)unlink(path);
		return;
	}
	p->used = p->whole = true;
	memcpy(p->id, id, sizeof(id));
	p->size = (uint64_t)st.st_size;
	p->touched = (when)st.st_mtime;
	u->bytes += p->size;
}

static enum rc
scan(struct uploads *u, when now, struct err *err)
{
	DIR		*d = opendir(u->dir);
	struct dirent	*e;

	if (d == NULL)
		return err_set(err, RC_IO, "%s: %s", u->dir, strerror(errno));
	while ((e = readdir(d)) != NULL)
		if (strlen(e->d_name) >= HEX_ID)
			found(u, e->d_name, now);
	(void)closedir(d);	/* it was only read */
	return RC_OK;
}

enum rc
uploads_new(const char *dir, when now, struct uploads **ret, struct err *err)
{
	AUTO(uploads_free) struct uploads *u = calloc(1, sizeof(*u));
	size_t	i;

	if (u == NULL || pthread_mutex_init(&u->lock, NULL) != 0)
		return err_set(err, RC_NOMEM, "uploads: no memory");
	for (i = 0; i < UPLOADS_MAX; i++)
		u->upload[i].fd = -1;
	TRY(file_path(u->dir, err, "%s/uploads", dir));
	TRY(file_mkdir(u->dir, err));
	TRY(scan(u, now, err));
	*ret = TAKE(u);
	return RC_OK;
}

void
uploads_free(struct uploads *u)
{
	size_t	i;

	if (u == NULL)
		return;
	for (i = 0; i < UPLOADS_MAX; i++)
		upload_close(&u->upload[i]);
	(void)pthread_mutex_destroy(&u->lock);
	free(u);
}

/* ---- a piece ------------------------------------------------------------------ */

static struct upload *
find(struct uploads *u, const uint8_t id[UPLOAD_ID_BYTES])
{
	size_t	i;

	for (i = 0; i < UPLOADS_MAX; i++)
		if (u->upload[i].used && memcmp(u->upload[i].id, id, UPLOAD_ID_BYTES) == 0)
			return &u->upload[i];
	return NULL;
}

static void
drop_stale(struct uploads *u, when now)
{
	size_t	i;

	for (i = 0; i < UPLOADS_MAX; i++)
		if (u->upload[i].used && !u->upload[i].busy &&
		    u->upload[i].touched + UPLOAD_SECONDS < now)
			upload_drop(u, &u->upload[i]);
}

static unsigned
count_of(const struct uploads *u, uint64_t owner)
{
	unsigned	n = 0;
	size_t		i;

	for (i = 0; i < UPLOADS_MAX; i++)
		n += u->upload[i].used && u->upload[i].owner == owner;
	return n;
}

/*
 * All places are taken: whoever has most of them loses the one it touched longest
 * ago, unless that is who asks. One host does not keep the others from sealing.
 */
static struct upload *
make_room(struct uploads *u, uint64_t owner)
{
	struct upload	*p = NULL;
	unsigned	 most = count_of(u, owner) + 1, n;
	size_t		 i;

	for (i = 0; i < UPLOADS_MAX; i++) {
		struct upload	*q = &u->upload[i];

		if (q->busy || (n = count_of(u, q->owner)) < most || q->owner == owner)
			continue;
		if (p == NULL || n > most || q->touched < p->touched)
			p = q;
		most = n;
	}
	if (p != NULL)
		upload_drop(u, p);
	return p;
}

static uint64_t
bytes_of(const struct uploads *u, uint64_t owner)
{
	uint64_t	n = 0;
	size_t		i;

	for (i = 0; i < UPLOADS_MAX; i++)
		n += u->upload[i].used && u->upload[i].owner == owner ? u->upload[i].size : 0;
	return n;
}

static enum rc
too_large(const struct uploads *u, const struct upload *p, size_t more, struct err *err)
{
	if (more > UPLOAD_BYTES_MAX - p->size)
		return err_set(err, RC_LIMIT, "an upload may have at most %llu GiB: seal it as several batches",
		    (unsigned long long)(UPLOAD_BYTES_MAX >> 30));
	return err_set(err, RC_LIMIT, "%llu GiB of uploads wait for their batches (%llu GiB at most, %llu of one host): seal what "
	    "was uploaded, then send it again", (unsigned long long)(u->bytes >> 30),
	    (unsigned long long)(UPLOADS_BYTES_MAX >> 30), (unsigned long long)(UPLOADS_BYTES_OWN >> 30));
}

/* With the lock held: the upload, this call's own from now on. */
static enum rc
take(struct uploads *u, const uint8_t id[UPLOAD_ID_BYTES], uint64_t owner, when now, size_t more,
    struct upload **ret, struct err *err)
{
	struct upload	*p = find(u, id);

	if (p == NULL) {
		drop_stale(u, now);
		if ((p = free_slot(u)) == NULL && (p = make_room(u, owner)) == NULL)
			return err_set(err, RC_LIMIT, "%u uploads wait for their batches, "
			    "which is all there is room for: seal what was uploaded, then send it again", UPLOADS_MAX);
		p->used = true;
		memcpy(p->id, id, UPLOAD_ID_BYTES);
		p->owner = owner;
		p->touched = now;
	}
	if (p->busy)
		return err_set(err, RC_LIMIT, "this upload is being written by another call");
	if (more > UPLOAD_BYTES_MAX - p->size || u->bytes + more > UPLOADS_BYTES_MAX ||
	    (more > 0 && bytes_of(u, p->owner) + more > UPLOADS_BYTES_OWN))
		return too_large(u, p, more, err);
	p->busy = true;
	p->touched = now;
	*ret = p;
	return RC_OK;
}

static enum rc
open_part(struct uploads *u, struct upload *p, struct err *err)
{
	char	path[FILE_PATH_MAX];

	if (p->fd >= 0)
		return RC_OK;
	TRY(path_of(u, p->id, true, path, err));
	p->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (p->fd < 0)
		return err_set(err, RC_IO, "upload: %s", strerror(errno));
	return RC_OK;
}

static enum rc
disk_error(struct err *err, int e)
{
	if (e == ENOSPC || e == EDQUOT)
		return err_set(err, RC_IO, "the coordinator's disk is full (%s): free some "
		    "of it, then send it again", strerror(e));
	return err_set(err, RC_IO, "upload: %s", strerror(e));
}

/* A "no" must find room in the log whatever has been uploaded. */
static bool
room_for(int fd, size_t n)
{
	struct statvfs	v;

	return fstatvfs(fd, &v) != 0 ||		/* not every file system says */
	    (uint64_t)v.f_bavail * v.f_frsize >= n + UPLOAD_RESERVE;
}

static enum rc
write_piece(struct upload *p, struct span data, struct err *err)
{
	size_t	at = 0;
	ssize_t	n;

	if (data.n > 0 && !room_for(p->fd, data.n))
		return disk_error(err, ENOSPC);
	while (at < data.n) {
		n = pwrite(p->fd, data.p + at, data.n - at, (off_t)(p->size + at));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return disk_error(err, errno);
		at += (size_t)n;
	}
	return RC_OK;
}

/*
 * Whole and durable, or as it was. Its bytes are synced and its name is not: a crash between may show it under
 * the other one, or under none, and then the sender is told to send it again. Nothing was promised over
 * it before it stands in its place, whose folder is synced (seal.c, submit.c).
 */
static enum rc
finish(struct uploads *u, struct upload *p, struct err *err)
{
	char	part[FILE_PATH_MAX], path[FILE_PATH_MAX];

	TRY(path_of(u, p->id, true, part, err));
	TRY(path_of(u, p->id, false, path, err));
	if (fsync(p->fd) != 0 || rename(part, path) != 0)
		return err_set(err, RC_IO, "upload: %s", strerror(errno));
	p->whole = true;
	upload_close(p);
	return RC_OK;
}

static enum rc
piece(struct uploads *u, struct upload *p, uint64_t offset, struct span data, bool last,
    struct err *err)
{
	/* Repeated, or not the next one: the sender learns where to go on. */
	if (p->whole || offset > p->size || offset + data.n < p->size)
		return RC_OK;
	if (p->size > offset)		/* an empty piece has no address to add to */
		data = SPAN(data.p + (p->size - offset), data.n - (size_t)(p->size - offset));
	TRY(open_part(u, p, err));
	TRY(write_piece(p, data, err));
	(void)pthread_mutex_lock(&u->lock);
	p->size += data.n;
	u->bytes += data.n;
	(void)pthread_mutex_unlock(&u->lock);
	return last ? finish(u, p, err) : RC_OK;
}

enum rc
uploads_write(struct uploads *u, const uint8_t id[UPLOAD_ID_BYTES], uint64_t owner, when now,
    uint64_t offset, struct span data, bool last, uint64_t *ret_received, struct err *err)
{
	struct upload	*p = NULL;
	enum rc		 rc;

	(void)pthread_mutex_lock(&u->lock);
	rc = take(u, id, owner, now, data.n, &p, err);
	(void)pthread_mutex_unlock(&u->lock);
	if (rc != RC_OK)
		return rc;
	rc = piece(u, p, offset, data, last, err);
	if (rc == RC_OK)
		*ret_received = p->size;
	(void)pthread_mutex_lock(&u->lock);
	p->busy = false;
	if (rc == RC_IO && !p->whole)
		upload_drop(u, p);
	(void)pthread_mutex_unlock(&u->lock);
	return rc;
}

enum rc
uploads_path(struct uploads *u, const uint8_t id[UPLOAD_ID_BYTES],
    char path[FILE_PATH_MAX], uint64_t *ret_size, struct err *err)
{
	struct upload	*p;
	enum rc		 rc;

	(void)pthread_mutex_lock(&u->lock);
	p = find(u, id);
	rc = p == NULL || !p->whole || p->busy ?
	    err_set(err, RC_MISSING, "no such finished upload") :
	    path_of(u, id, false, path, err);
	if (rc == RC_OK)
		*ret_size = p->size;
	(void)pthread_mutex_unlock(&u->lock);
	return rc;
}

enum rc
uploads_digest(const char *path, uint8_t ret[SHA256_BYTES], struct err *err)
{
	EVP_MD_CTX	*md = EVP_MD_CTX_new();
	uint8_t		 tmp[32768];
	ssize_t		 n = -1;
	int		 fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool		 ok;

	ok = fd >= 0 && md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;
	while (ok && (n = read(fd, tmp, sizeof(tmp))) > 0)
		ok = EVP_DigestUpdate(md, tmp, (size_t)n) == 1;
	ok = ok && n == 0 && EVP_DigestFinal_ex(md, ret, NULL) == 1;
	EVP_MD_CTX_free(md);
	if (fd >= 0)
		(void)close(fd);	/* it was only read */
	return ok ? RC_OK : err_set(err, RC_IO, "upload: cannot read it back");
}

void
uploads_forget(struct uploads *u, const uint8_t id[UPLOAD_ID_BYTES])
{
	struct upload	*p;

	(void)pthread_mutex_lock(&u->lock);
	p = find(u, id);
	if (p != NULL && !p->busy)
		upload_drop(u, p);
	(void)pthread_mutex_unlock(&u->lock);
}

uint64_t
uploads_count(struct uploads *u, uint64_t *ret_bytes)
{
	uint64_t	n = 0;
	size_t		i;

	(void)pthread_mutex_lock(&u->lock);
	for (i = 0; i < UPLOADS_MAX; i++)
		n += u->upload[i].used;
	if (ret_bytes != NULL)
		*ret_bytes = u->bytes;
	(void)pthread_mutex_unlock(&u->lock);
	return n;
}

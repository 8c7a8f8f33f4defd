#include "evidence/zip.h"

#include <openssl/evp.h>

#include <stdlib.h>
#include <string.h>

#include "evidence/crc32.h"
#include "evidence/zip_layout.h"

DEFINE_AUTO(free, uint8_t);

struct zip_writer {
	stream_write_at	 write;
	void		*user;
	uint64_t	 at;			/* next byte of the file */
	uint32_t	 count;
	struct buf	 directory;
	EVP_MD_CTX	*hash;
	bool		 open, failed, finished;
	char		 name[ZIP_NAME_MAX + 1];	/* of the open entry */
	uint64_t	 header, size, left;
	uint32_t	 crc;
};

enum rc
zip_writer_new(stream_write_at write, void *user, struct zip_writer **ret, struct err *err)
{
	AUTO(zip_writer_free) struct zip_writer *w = calloc(1, sizeof(*w));

	if (w == NULL || (w->hash = EVP_MD_CTX_new()) == NULL)
		return err_set(err, RC_NOMEM, "package: no memory to write");
	w->write = write;
	w->user = user;
	w->directory = BUF_INIT(ZIP_DIRECTORY_MAX);
	*ret = TAKE(w);
	return RC_OK;
}

void
zip_writer_free(struct zip_writer *w)
{
	if (w == NULL)
		return;
	EVP_MD_CTX_free(w->hash);
	buf_done(&w->directory);
	free(w);
}

/* A file with a hole in it must not be finished: the first failure sticks. */
static enum rc
emit(struct zip_writer *w, uint64_t at, struct span bytes, struct err *err)
{
	enum rc	rc = w->write(w->user, at, bytes, err);

	w->failed = w->failed || rc != RC_OK;
	return rc;
}

static enum rc
emit_next(struct zip_writer *w, struct span bytes, struct err *err)
{
	TRY(emit(w, w->at, bytes, err));
	w->at += bytes.n;
	return RC_OK;
}

enum rc
zip_begin(struct zip_writer *w, const char *name, uint64_t size, struct err *err)
{
	uint8_t			room[ZIP_LOCAL_MAX];
	struct buf		b = ZIP_BUF_OVER(room);
	struct zip_header	h = { name, size, w->at, 0 };

	if (w->open || w->failed || w->finished)
		return err_set(err, RC_BUG, "package: an entry begun out of turn");
	if (!zip_name_ok(name))
		return err_set(err, RC_USAGE, "package: no entry can have such a name");
	if (w->count == ZIP_ENTRIES_MAX || size > ZIP_FILE_MAX - w->at)
		return err_set(err, RC_LIMIT, "package: more than %d entries, or too large",
		    ZIP_ENTRIES_MAX);
	if (EVP_DigestInit_ex(w->hash, EVP_sha256(), NULL) != 1)
		return err_set(err, RC_NOMEM, "package: no memory to hash");
	zip_local_write(&h, &b);
	w->header = w->at;
	TRY(emit_next(w, buf_view(&b), err));
	memcpy(w->name, name, strlen(name) + 1);
	w->size = w->left = size;
	w->crc = 0;
	w->open = true;
	return RC_OK;
}

enum rc
zip_write(struct zip_writer *w, struct span bytes, struct err *err)
{
	if (!w->open || w->failed)
		return err_set(err, RC_BUG, "package: bytes outside of an entry");
	if (bytes.n > w->left)
		return err_set(err, RC_USAGE, "package: %s: more bytes than were announced", w->name);
	if (EVP_DigestUpdate(w->hash, bytes.p, bytes.n) != 1)
		return err_set(err, RC_BUG, "package: SHA-256 failed");
	w->crc = crc32_more(w->crc, bytes);
	TRY(emit_next(w, bytes, err));
	w->left -= bytes.n;
	return RC_OK;
}

static enum rc
patch_crc(struct zip_writer *w, struct err *err)
{
	uint8_t		room[4];
	struct buf	b = ZIP_BUF_OVER(room);

	zip_crc_write(w->crc, &b);
	return emit(w, w->header + ZIP_LOCAL_CRC_AT, buf_view(&b), err);
}

enum rc
zip_end(struct zip_writer *w, uint8_t ret_sha256[SHA256_BYTES], struct err *err)
{
	struct zip_header	h = { w->name, w->size, w->header, w->crc };
	uint8_t			digest[EVP_MAX_MD_SIZE];

	if (!w->open || w->failed)
		return err_set(err, RC_BUG, "package: an entry ended out of turn");
	if (w->left != 0)
		return err_set(err, RC_USAGE, "package: %s: fewer bytes than were announced", w->name);
	if (EVP_DigestFinal_ex(w->hash, digest, NULL) != 1)
		return err_set(err, RC_BUG, "package: SHA-256 failed");
	TRY(patch_crc(w, err));
	zip_central_write(&h, &w->directory);
	TRY(buf_check(&w->directory, "package directory", err));
	w->count++;
	w->open = false;
	if (ret_sha256 != NULL)
		memcpy(ret_sha256, digest, SHA256_BYTES);
	return RC_OK;
}

enum rc
zip_add(struct zip_writer *w, const char *name, struct span bytes,
    uint8_t ret_sha256[SHA256_BYTES], struct err *err)
{
	TRY(zip_begin(w, name, bytes.n, err));
	TRY(zip_write(w, bytes, err));
	return zip_end(w, ret_sha256, err);
}

enum rc
zip_copy(struct zip_writer *w, const struct zip *from, const struct zip_entry *e,
    uint8_t ret_sha256[SHA256_BYTES], struct err *err)
{
	AUTO(free) uint8_t	*chunk = malloc(ZIP_CHUNK);
	size_t			 n;

	if (chunk == NULL)
		return err_set(err, RC_NOMEM, "package: no memory to copy");
	TRY(zip_begin(w, e->name, e->size, err));
	for (uint64_t at = 0; at < e->size; at += n) {
		n = e->size - at < ZIP_CHUNK ? (size_t)(e->size - at) : ZIP_CHUNK;
		TRY(zip_read(from, e, at, chunk, n, err));
		TRY(zip_write(w, SPAN(chunk, n), err));
	}
	TRY(zip_end(w, ret_sha256, err));
	if (w->crc != e->crc) {
		w->failed = true;
		return err_set(err, RC_FORMAT, "package: %s is damaged: its CRC is another", e->name);
	}
	return RC_OK;
}

enum rc
zip_finish(struct zip_writer *w, uint64_t *ret_size, struct err *err)
{
	uint8_t		room[ZIP_TAIL_MAX];
	struct buf	b = ZIP_BUF_OVER(room);

	if (w->open || w->failed || w->finished)
		return err_set(err, RC_BUG, "package: finished out of turn");
	zip_tail_write(w->count, w->at, w->directory.n, &b);
	TRY(emit_next(w, buf_view(&w->directory), err));
	TRY(emit_next(w, buf_view(&b), err));
	w->finished = true;
	*ret_size = w->at;
	return RC_OK;
}

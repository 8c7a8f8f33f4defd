/* cli/logsource.c - a whole log from the coordinator or from a folder. */
#include <stdlib.h>
#include <string.h>

#include "cli/logsource.h"

#define PAGE	256

void
log_source_free(struct log_source *s)
{
	free(s);
}

/* --- the coordinator ---------------------------------------------------------------------- */

static enum rc
remote_checkpoint(struct log_source *s, struct checkpoint *ret, struct buf *note, struct err *err)
{
	return remote_head(s->remote, ret, note, err);
}

static enum rc
remote_each(struct log_source *s, uint64_t size, log_leaf_fn fn, void *user, struct err *err)
{
	Quorate__V1__EntriesRequest	 q = QUORATE__V1__ENTRIES_REQUEST__INIT;
	Quorate__V1__EntriesReply	*a = NULL;
	uint64_t			 at = 0;
	size_t				 i;
	enum rc				 rc = RC_OK;

	while (at < size && rc == RC_OK) {
		q.first = at;
		q.max = size - at < PAGE ? (uint32_t)(size - at) : PAGE;
		TRY(remote_call(s->remote, "Entries", &q, &quorate__v1__entries_reply__descriptor, REMOTE_MS, &a, err));
		if (a->n_leaves == 0 || a->n_leaves > q.max)
			rc = err_set(err, RC_VERIFY, "the coordinator does not give entry %llu, which its checkpoint covers",
			    (unsigned long long)at);
		for (i = 0; i < a->n_leaves && rc == RC_OK; i++, at++)
			rc = fn(user, at, SPAN(a->leaves[i].data, a->leaves[i].len), err);
		message_free(TAKE(a));
	}
	return rc;
}

static enum rc
remote_blob_of(struct log_source *s, const uint8_t digest[SHA256_BYTES], struct buf *ret, struct err *err)
{
	return remote_blob(s->remote, digest, ret, err);
}

enum rc
log_source_remote(struct remote *r, struct log_source **ret, struct err *err)
{
	struct log_source	*s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	s->checkpoint = remote_checkpoint;
	s->each = remote_each;
	s->blob = remote_blob_of;
	s->charter = r->charter;
	s->remote = r;
	*ret = s;
	return RC_OK;
}

/* --- a folder ------------------------------------------------------------------------------- */

static enum rc
folder_checkpoint(struct log_source *s, struct checkpoint *ret, struct buf *note, struct err *err)
{
	char	path[FILE_PATH_MAX];

	TRY(file_path(path, err, "%s/checkpoint", s->dir));
	TRY(file_read(path, note, err));
	return charter_checkpoint_verify(s->charter, buf_view(note), true, ret, NULL, err);
}

static enum rc
folder_each(struct log_source *s, uint64_t size, log_leaf_fn fn, void *user, struct err *err)
{
	AUTO_DONE(buf_done) struct buf leaf = BUF_INIT(ENTRY_BYTES_MAX);
	char		path[FILE_PATH_MAX];
	uint64_t	i;

	for (i = 0; i < size; i++) {
		buf_reset(&leaf);
		TRY(file_path(path, err, "%s/entries/%012llu.leaf", s->dir, (unsigned long long)i));
		TRY(file_read(path, &leaf, err));
		TRY(fn(user, i, buf_view(&leaf), err));
	}
	return RC_OK;
}

static enum rc
folder_blob(struct log_source *s, const uint8_t digest[SHA256_BYTES], struct buf *ret, struct err *err)
{
	char	path[FILE_PATH_MAX], hex[HEX_BYTES(SHA256_BYTES)];
	uint8_t	have[SHA256_BYTES];

	TRY(file_path(path, err, "%s/blobs/%s", s->dir, hex_write(SPAN(digest, SHA256_BYTES), hex)));
	TRY(file_read(path, ret, err));
	sha256_one(have, buf_view(ret));
	if (memcmp(have, digest, sizeof(have)) != 0)
		return err_set(err, RC_VERIFY, "%s: not the blob of that digest", path);
	return RC_OK;
}

enum rc
log_source_folder(const struct charter *c, const char *dir, struct log_source **ret, struct err *err)
{
	AUTO(log_source_free) struct log_source *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	TRY(file_path(s->dir, err, "%s", dir));
	s->checkpoint = folder_checkpoint;
	s->each = folder_each;
	s->blob = folder_blob;
	s->charter = c;
	*ret = TAKE(s);
	return RC_OK;
}

/*
 * cli/replay_state.c - the state that apply is given: the store's, which asks the source for
 * the blobs that it lacks at the moment when apply asks for them.
 */
#include <string.h>

#include "cli/replay_impl.h"

static enum rc
fetch(struct replay *r, const uint8_t digest[SHA256_BYTES], struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(LOG_BLOB_MAX);
	uint8_t	have[SHA256_BYTES];
	char	hex[HEX_BYTES(SHA256_BYTES)];
	enum rc	rc;

	rc = log_source_blob(r->source, digest, &b, err);
	/* The log promises it; a replica without it could not go on. */
	if (rc == RC_MISSING)
		return err_wrap(err, RC_VERIFY, "a document that it names is not there (exported before the log grew? export again)");
	TRY(rc);
	TRY(store_blob_put(r->store, buf_view(&b), have, err));
	if (memcmp(have, digest, sizeof(have)) != 0)
		return err_set(err, RC_VERIFY, "blob %s has other bytes", hex_write(SPAN(digest, SHA256_BYTES), hex));
	return RC_OK;
}

/*
 * A bad answer is the source's doing and not the entry's: apply would take "format" or
 * "verify" for a reason why the entry is void, and the audit would go on.
 */
static enum rc
fetch_for_apply(struct replay *r, const uint8_t digest[SHA256_BYTES], struct err *err)
{
	if (fetch(r, digest, &r->fault) != RC_OK)
		return err_set(err, RC_IO, "%s", r->fault.msg);
	r->fault.rc = RC_OK;
	return RC_OK;
}

static enum rc
blob(void *user, const uint8_t digest[SHA256_BYTES], struct buf *ret, struct err *err)
{
	struct replay		*r = user;
	const struct state	*st = store_state(r->store);
	enum rc			 rc = st->blob(st->user, digest, ret, err);

	if (rc != RC_MISSING || r->source == NULL)
		return rc;
	TRY(fetch_for_apply(r, digest, err));
	return st->blob(st->user, digest, ret, err);
}

static enum rc
descriptors(void *user, const uint8_t vector[SHA256_BYTES], const uint8_t root[SHA256_BYTES], uint32_t count,
    descriptor_fn fn, void *fn_user, struct err *err)
{
	struct replay		*r = user;
	const struct state	*st = store_state(r->store);
	bool			 has;

	TRY(store_blob_has(r->store, vector, &has, err));
	if (!has && r->source != NULL)
		TRY(fetch_for_apply(r, vector, err));
	return st->descriptors(st->user, vector, root, count, fn, fn_user, err);
}

static enum rc
get(void *user, struct span key, struct buf *ret, struct err *err)
{
	const struct state	*st = store_state(((struct replay *)user)->store);

	return st->get(st->user, key, ret, err);
}

static enum rc
put(void *user, struct span key, struct span value, struct err *err)
{
	const struct state	*st = store_state(((struct replay *)user)->store);

	return st->put(st->user, key, value, err);
}

static enum rc
escrow_add(void *user, const uint8_t id[ARTIFACT_ID_BYTES], struct escrow_at at, struct span descriptor, struct err *err)
{
	const struct state	*st = store_state(((struct replay *)user)->store);

	return st->escrow_add(st->user, id, at, descriptor, err);
}

static enum rc
escrow_find(void *user, const uint8_t id[ARTIFACT_ID_BYTES], struct escrow_at *ret_at, struct buf *ret, struct err *err)
{
	const struct state	*st = store_state(((struct replay *)user)->store);

	return st->escrow_find(st->user, id, ret_at, ret, err);
}

static enum rc
root_at(void *user, uint64_t size, uint8_t ret[SHA256_BYTES], struct err *err)
{
	return store_root_at(((struct replay *)user)->store, size, ret, err);
}

struct state
replay_state(struct replay *r)
{
	return (struct state){ .user = r, .get = get, .put = put, .escrow_add = escrow_add, .escrow_find = escrow_find,
	    .root_at = root_at, .blob = blob, .descriptors = descriptors };
}

#include "audit/store/db.h"

/* --- keys and values ----------------------------------------------------------------- */

static enum rc
map_get(struct store *s, struct span key, struct buf *ret, struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };
	struct span	v;
	enum rc		rc;

	TRY(query_init(s, SQL_STATE_GET, &q, err));
	query_span(&q, key);
	if ((rc = query_row(&q, err)) == RC_MISSING)
		return err_set(err, RC_MISSING, "state: no such key");
	if (rc != RC_OK)
		return rc;
	TRY(query_col(&q, 0, &v, err));
	buf_span(ret, v);
	return buf_check(ret, "state", err);
}

static enum rc
map_put(struct store *s, struct span key, struct span value, struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };

	TRY(db_writing(s, err));
	if (key.n == 0 || key.n > STATE_KEY_MAX || value.n > STATE_VALUE_MAX)
		return err_set(err, RC_BUG, "state: key of %zu, value of %zu",
		    key.n, value.n);
	TRY(query_init(s, SQL_STATE_PUT, &q, err));
	query_span(&q, key);
	query_span(&q, value);
	return query_run(&q, NULL, err);
}

/* --- the interface ------------------------------------------------------------ */

/*
 * A fault breaks the transaction also where nothing was being written: an apply
 * that took it for an answer would write on from there. RC_LIMIT is an answer: a
 * blob larger than its reader takes makes an entry void, and must not stop the log.
 */
static enum rc
checked(struct store *s, enum rc rc)
{
	bool	fault = rc == RC_IO || rc == RC_NOMEM || rc == RC_BUG;

	if (fault && s->in_transaction && s->broken == RC_OK)
		s->broken = rc;
	return rc;
}

static enum rc
get(void *user, struct span key, struct buf *ret, struct err *err)
{
	return checked(user, map_get(user, key, ret, err));
}

static enum rc
put(void *user, struct span key, struct span value, struct err *err)
{
	return checked(user, map_put(user, key, value, err));
}

static enum rc
add(void *user, const uint8_t id[ARTIFACT_ID_BYTES], struct escrow_at at,
    struct span descriptor, struct err *err)
{
	return checked(user, escrow_add(user, id, at, descriptor, err));
}

static enum rc
find(void *user, const uint8_t id[ARTIFACT_ID_BYTES],
    struct escrow_at *ret_at, struct buf *ret, struct err *err)
{
	return checked(user, escrow_find(user, id, ret_at, ret, err));
}

static enum rc
root_at(void *user, uint64_t size, uint8_t ret[SHA256_BYTES], struct err *err)
{
	return checked(user, store_root_at(user, size, ret, err));
}

static enum rc
blob(void *user, const uint8_t digest[SHA256_BYTES], struct buf *ret,
    struct err *err)
{
	return checked(user, store_blob(user, digest, ret, err));
}

static enum rc
descriptors(void *user, const uint8_t vector[SHA256_BYTES],
    const uint8_t root[SHA256_BYTES], uint32_t count, descriptor_fn fn,
    void *fn_user, struct err *err)
{
	return checked(user,
	    escrow_descriptors(user, vector, root, count, fn, fn_user, err));
}

void
state_init(struct store *s)
{
	s->vector.bytes = BUF_INIT(DESCRIPTOR_VECTOR_MAX);
	s->state = (struct state){
		.user = s, .get = get, .put = put,
		.escrow_add = add, .escrow_find = find,
		.root_at = root_at, .blob = blob, .descriptors = descriptors,
	};
}

void
state_forget(struct store *s)
{
	vector_forget(&s->vector);
	s->escrows_added = 0;
}

const struct state *
store_state(struct store *s)
{
	return &s->state;
}

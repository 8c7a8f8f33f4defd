#include <string.h>

#include "audit/store/db.h"

/* --- the batch that apply is at --------------------------------------------------------- */

void
vector_forget(struct batch_vector *v)
{
	buf_done(&v->bytes);
	*v = (struct batch_vector){ .bytes = v->bytes };
}

void
vector_keep(struct batch_vector *v, const uint8_t digest[SHA256_BYTES], uint64_t blob, struct span bytes)
{
	if (v->busy || bytes.n > v->bytes.max)
		return;
	vector_forget(v);
	buf_span(&v->bytes, bytes);
	if (buf_check(&v->bytes, "vector", NULL) != RC_OK) {
		vector_forget(v);	/* no memory: it is read when it is asked for */
		return;
	}
	memcpy(v->digest, digest, SHA256_BYTES);
	v->blob = blob;
}

static size_t
length_at(const struct batch_vector *v, size_t at)
{
	return (size_t)v->bytes.p[at] << 8 | v->bytes.p[at + 1];
}

/* Moves the cursor to a leaf; adds come in leaf order, so mostly by one. */
static bool
vector_seek(struct batch_vector *v, uint32_t leaf)
{
	if (leaf < v->leaf) {
		v->leaf = 0;
		v->at = 0;
	}
	while (v->at + 2 <= v->bytes.n && v->leaf < leaf) {
		v->at += 2 + length_at(v, v->at);
		v->leaf++;
	}
	return v->at + 2 <= v->bytes.n &&
	    v->at + 2 + length_at(v, v->at) <= v->bytes.n;
}

/* Does the vector at hand hold this descriptor as this leaf? */
static bool
vector_has(struct batch_vector *v, uint32_t leaf, struct span descriptor)
{
	if (v->blob == 0 || !vector_seek(v, leaf))
		return false;
	return span_eq(descriptor,
	    SPAN(v->bytes.p + v->at + 2, length_at(v, v->at)));
}

static enum rc
vector_load(struct store *s, const uint8_t digest[SHA256_BYTES],
    struct err *err)
{
	struct batch_vector	*v = &s->vector;
	enum rc			 rc;

	if (v->blob != 0 && memcmp(v->digest, digest, SHA256_BYTES) == 0)
		return RC_OK;
	if (v->busy)
		return err_set(err, RC_BUG, "state: two batches at once");
	vector_forget(v);
	rc = blob_read(s, digest, &v->blob, &v->bytes, err);
	/* A blob that is there and larger than a vector may be. */
	if (rc == RC_LIMIT)
		return err_set(err, RC_VERIFY, "batch: vector too large");
	if (rc != RC_OK)
		return rc;
	memcpy(v->digest, digest, SHA256_BYTES);
	return RC_OK;
}

/* A batch is gone through twice: its root is computed once. */
static enum rc
vector_check(struct batch_vector *v, const uint8_t root[SHA256_BYTES],
    uint32_t count, struct err *err)
{
	enum rc	rc = RC_OK;

	if (v->count != count) {
		v->count = 0;
		rc = descriptor_vector_root(buf_view(&v->bytes), count, v->root, err);
	}
	if (rc == RC_FORMAT)
		return err_wrap(err, RC_VERIFY, "batch");
	if (rc != RC_OK)
		return rc;
	v->count = count;
	if (memcmp(v->root, root, sizeof(v->root)) != 0)
		return err_set(err, RC_VERIFY,
		    "batch: the descriptors do not have the root");
	return RC_OK;
}

enum rc
escrow_descriptors(struct store *s, const uint8_t digest[SHA256_BYTES],
    const uint8_t root[SHA256_BYTES], uint32_t count, descriptor_fn fn,
    void *fn_user, struct err *err)
{
	struct batch_vector	*v = &s->vector;
	bool			 was_busy = v->busy;
	enum rc			 rc;

	TRY(vector_load(s, digest, err));
	TRY(vector_check(v, root, count, err));
	v->busy = true;
	rc = descriptor_vector_each(buf_view(&v->bytes), count, fn, fn_user, err);
	v->busy = was_busy;
	return rc;
}

/* --- escrows ------------------------------------------------------------------------------ */

static enum rc
batch_add(struct store *s, uint64_t batch, uint64_t blob, struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };

	TRY(query_init(s, SQL_BATCH_ADD, &q, err));
	query_u64(&q, batch);
	query_u64(&q, blob);
	return query_run(&q, NULL, err);
}

static enum rc
batch_blob(struct store *s, uint64_t batch, uint64_t *ret, struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };
	enum rc		rc;

	TRY(query_init(s, SQL_BATCH, &q, err));
	query_u64(&q, batch);
	if ((rc = query_row(&q, err)) == RC_OK)
		*ret = query_col_u64(&q, 0);
	return rc;
}

/* Is the batch's vector the one at hand? Says so, and looks, once a batch. */
static enum rc
in_vector(struct store *s, struct escrow_at at, struct span descriptor,
    bool *ret, struct err *err)
{
	uint64_t	blob = 0;
	enum rc		rc;

	*ret = false;
	if (!vector_has(&s->vector, at.leaf, descriptor))
		return RC_OK;
	*ret = s->vector.named && s->vector.batch == at.batch;
	if (*ret)
		return RC_OK;
	rc = batch_blob(s, at.batch, &blob, err);
	if (rc == RC_MISSING) {
		TRY(batch_add(s, at.batch, s->vector.blob, err));
		blob = s->vector.blob;
	} else if (rc != RC_OK) {
		return rc;
	}
	*ret = s->vector.named = blob == s->vector.blob;
	s->vector.batch = at.batch;
	return RC_OK;
}

enum rc
escrow_add(struct store *s, const uint8_t id[ARTIFACT_ID_BYTES],
    struct escrow_at at, struct span descriptor, struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };
	bool		 shared, added = false;

	TRY(db_writing(s, err));
	if (descriptor.n == 0 || descriptor.n > DESCRIPTOR_BYTES_MAX)
		return err_set(err, RC_BUG, "state: a descriptor of %zu bytes",
		    descriptor.n);
	TRY(in_vector(s, at, descriptor, &shared, err));
	TRY(query_init(s, SQL_ESCROW_ADD, &q, err));
	query_span(&q, SPAN(id, ARTIFACT_ID_BYTES));
	query_u64(&q, at.batch);
	query_u64(&q, at.leaf);
	if (shared) {
		query_u64(&q, s->vector.at);
		query_null(&q);
	} else {
		query_null(&q);
		query_span(&q, descriptor);
	}
	TRY(query_run(&q, &added, err));
	if (!added)
		return err_set(err, RC_DENIED, "state: escrowed already");
	s->escrows_added++;
	return RC_OK;
}

/* Out of the vector, without reading the rest of it. */
static enum rc
descriptor_read(struct store *s, uint64_t batch, uint64_t at, struct buf *ret,
    struct err *err)
{
	uint8_t		length[2], *p;
	uint64_t	blob = 0;
	size_t		n, was = ret->n;
	enum rc		rc;

	rc = batch_blob(s, batch, &blob, err);
	if (rc == RC_OK)
		rc = db_read_at(s, "blob", "bytes", blob, at, length, 2, err);
	if (rc == RC_MISSING)
		return db_damaged("no vector for an escrow", err);
	if (rc != RC_OK)
		return rc;
	n = (size_t)length[0] << 8 | length[1];
	if ((p = buf_extend(ret, n)) == NULL)
		return buf_check(ret, "descriptor", err);
	rc = db_read_at(s, "blob", "bytes", blob, at + 2, p, n, err);
	if (rc != RC_OK)
		ret->n = was;
	return rc == RC_MISSING ? db_damaged("vector cut short", err) : rc;
}

enum rc
escrow_find(struct store *s, const uint8_t id[ARTIFACT_ID_BYTES],
    struct escrow_at *ret_at, struct buf *ret, struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };
	struct escrow_at	 at;
	struct span		 inline_bytes;
	enum rc			 rc;

	TRY(query_init(s, SQL_ESCROW, &q, err));
	query_span(&q, SPAN(id, ARTIFACT_ID_BYTES));
	if ((rc = query_row(&q, err)) == RC_MISSING)
		return err_set(err, RC_MISSING, "state: no such artifact");
	if (rc != RC_OK)
		return rc;
	at.batch = query_col_u64(&q, 0);
	at.leaf = (uint32_t)query_col_u64(&q, 1);
	if (at.batch > INT64_MAX || query_col_u64(&q, 1) > UINT32_MAX)
		return db_damaged("escrow", err);
	if (ret != NULL && query_is_null(&q, 3)) {
		TRY(descriptor_read(s, at.batch, query_col_u64(&q, 2), ret, err));
	} else if (ret != NULL) {
		TRY(query_col(&q, 3, &inline_bytes, err));
		buf_span(ret, inline_bytes);
		TRY(buf_check(ret, "descriptor", err));
	}
	*ret_at = at;
	return RC_OK;
}

enum rc
store_escrow_count(struct store *s, uint64_t *ret, struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };

	TRY(query_init(s, SQL_COUNT, &q, err));
	TRY(query_row(&q, err));
	*ret = query_col_u64(&q, 0) + s->escrows_added;
	return RC_OK;
}

/* The count is a row of its own: to count rows would read them all. */
enum rc
escrow_flush(struct store *s, struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };

	if (s->escrows_added == 0)
		return RC_OK;
	TRY(query_init(s, SQL_COUNT_ADD, &q, err));
	query_u64(&q, s->escrows_added);
	return query_run(&q, NULL, err);
}

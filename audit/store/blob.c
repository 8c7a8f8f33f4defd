#include <string.h>

#include "audit/store/db.h"

enum rc
store_blob_put_as(struct store *s, const uint8_t digest[SHA256_BYTES],
    struct span blob, struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };
	bool	added = false;

	if (blob.n > STORE_VALUE_MAX)
		return err_set(err, RC_LIMIT, "store: a blob of %zu bytes",
		    blob.n);
	if (s->in_transaction)
		TRY(db_writing(s, err));
	TRY(query_init(s, SQL_BLOB_ADD, &q, err));
	query_span(&q, SPAN(digest, SHA256_BYTES));
	query_span(&q, blob);
	TRY(query_run(&q, &added, err));
	if (added && s->in_transaction)
		vector_keep(&s->vector, digest,
		    (uint64_t)sqlite3_last_insert_rowid(s->db), blob);
	return RC_OK;
}

enum rc
store_blob_put(struct store *s, struct span blob,
    uint8_t ret_digest[SHA256_BYTES], struct err *err)
{
	uint8_t	digest[SHA256_BYTES];

	sha256_one(digest, blob);
	TRY(store_blob_put_as(s, digest, blob, err));
	memcpy(ret_digest, digest, sizeof(digest));
	return RC_OK;
}

enum rc
blob_read(struct store *s, const uint8_t digest[SHA256_BYTES],
    uint64_t *ret_row, struct buf *ret, struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };
	uint8_t		got[SHA256_BYTES];
	struct span	bytes;
	enum rc		rc;

	TRY(query_init(s, SQL_BLOB, &q, err));
	query_span(&q, SPAN(digest, SHA256_BYTES));
	if ((rc = query_row(&q, err)) == RC_MISSING)
		return err_set(err, RC_MISSING, "store: no such blob");
	if (rc != RC_OK)
		return rc;
	TRY(query_col(&q, 1, &bytes, err));
	sha256_one(got, bytes);
	if (memcmp(got, digest, sizeof(got)) != 0)
		return db_damaged("a blob does not have its digest", err);
	buf_span(ret, bytes);
	TRY(buf_check(ret, "blob", err));
	*ret_row = query_col_u64(&q, 0);
	return RC_OK;
}

enum rc
store_blob(struct store *s, const uint8_t digest[SHA256_BYTES],
    struct buf *ret, struct err *err)
{
	uint64_t	row;

	return blob_read(s, digest, &row, ret, err);
}

enum rc
store_blob_has(struct store *s, const uint8_t digest[SHA256_BYTES], bool *ret,
    struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };
	enum rc	rc;

	TRY(query_init(s, SQL_BLOB_HAS, &q, err));
	query_span(&q, SPAN(digest, SHA256_BYTES));
	rc = query_row(&q, err);
	if (rc != RC_OK && rc != RC_MISSING)
		return rc;
	*ret = rc == RC_OK;
	return RC_OK;
}

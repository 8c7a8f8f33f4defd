#include "audit/store/db.h"

enum rc
store_shares_put(struct store *s, uint64_t batch, struct span vector,
    struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };

	TRY(db_writing(s, err));
	if (vector.n == 0 || vector.n % STORE_SHARE_BYTES != 0 ||
	    vector.n > (size_t)BATCH_COUNT_MAX * STORE_SHARE_BYTES)
		return err_set(err, RC_LIMIT, "store: a share vector of %zu bytes",
		    vector.n);
	TRY(query_init(s, SQL_SHARES_PUT, &q, err));
	query_u64(&q, batch);
	query_span(&q, vector);
	return query_run(&q, NULL, err);
}

enum rc
store_shares_has(struct store *s, uint64_t batch, bool *ret, struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };
	enum rc	rc;

	TRY(query_init(s, SQL_SHARES_HAS, &q, err));
	query_u64(&q, batch);
	rc = query_row(&q, err);
	if (rc != RC_OK && rc != RC_MISSING)
		return rc;
	*ret = rc == RC_OK;
	return RC_OK;
}

enum rc
store_share(struct store *s, uint64_t batch, uint32_t leaf, uint8_t *ret,
    size_t n, struct err *err)
{
	if (n == 0 || n % STORE_SHARE_BYTES != 0)
		return err_set(err, RC_BUG, "store: a share of %zu bytes", n);
	return db_read_at(s, "shares", "vector", batch,
	    (uint64_t)leaf * STORE_SHARE_BYTES, ret, n, err);
}

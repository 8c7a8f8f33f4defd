#include <string.h>

#include "audit/store/db.h"

static enum rc
name_check(const char *name, struct err *err)
{
	size_t	n = strlen(name);

	if (n == 0 || n > STORE_NAME_MAX)
		return err_set(err, RC_BUG, "store: a name of %zu bytes", n);
	return RC_OK;
}

/* The empty key is how a walk says "from the start". */
static enum rc
key_check(struct span key, struct err *err)
{
	if (key.n == 0 || key.n > STORE_KEY_MAX)
		return err_set(err, RC_LIMIT, "store: a key of %zu bytes", key.n);
	return RC_OK;
}

static enum rc
write_check(struct store *s, struct span value, struct err *err)
{
	if (value.n > STORE_VALUE_MAX)
		return err_set(err, RC_LIMIT, "store: a value of %zu bytes",
		    value.n);
	return s->in_transaction ? db_writing(s, err) : RC_OK;
}

/* One row with one value, appended to ret. */
static enum rc
value_row(struct query *q, const char *what, struct buf *ret, struct err *err)
{
	struct span	v;
	enum rc		rc;

	if ((rc = query_row(q, err)) == RC_MISSING)
		return err_set(err, RC_MISSING, "store: no %s", what);
	if (rc != RC_OK)
		return rc;
	TRY(query_col(q, 0, &v, err));
	buf_span(ret, v);
	return buf_check(ret, what, err);
}

/* --- named values ------------------------------------------------------------------ */

enum rc
store_put(struct store *s, const char *name, struct span value,
    struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };

	TRY(name_check(name, err));
	TRY(write_check(s, value, err));
	TRY(query_init(s, SQL_VALUE_PUT, &q, err));
	query_text(&q, name);
	query_span(&q, value);
	return query_run(&q, NULL, err);
}

enum rc
store_get(struct store *s, const char *name, struct buf *ret, struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };

	TRY(query_init(s, SQL_VALUE_GET, &q, err));
	query_text(&q, name);
	return value_row(&q, name, ret, err);
}

/* --- journals ------------------------------------------------------------------------ */

enum rc
store_journal_put(struct store *s, const char *journal, struct span key,
    struct span value, struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };

	TRY(name_check(journal, err));
	TRY(key_check(key, err));
	TRY(write_check(s, value, err));
	TRY(query_init(s, SQL_JOURNAL_PUT, &q, err));
	query_text(&q, journal);
	query_span(&q, key);
	query_span(&q, value);
	return query_run(&q, NULL, err);
}

enum rc
store_journal_get(struct store *s, const char *journal, struct span key,
    struct buf *ret, struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };

	TRY(query_init(s, SQL_JOURNAL_GET, &q, err));
	query_text(&q, journal);
	query_span(&q, key);
	return value_row(&q, journal, ret, err);
}

enum rc
store_journal_del(struct store *s, const char *journal, struct span key,
    struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };

	TRY(write_check(s, SPAN(NULL, 0), err));
	TRY(query_init(s, SQL_JOURNAL_DEL, &q, err));
	query_text(&q, journal);
	query_span(&q, key);
	return query_run(&q, NULL, err);
}

/* The first record after `key`; both are replaced. */
static enum rc
next_row(struct store *s, const char *journal, struct buf *key,
    struct buf *value, struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };
	struct span	k, v;

	TRY(query_init(s, SQL_JOURNAL_NEXT, &q, err));
	query_text(&q, journal);
	query_span(&q, buf_view(key));
	TRY(query_row(&q, err));
	TRY(query_col(&q, 0, &k, err));
	TRY(query_col(&q, 1, &v, err));
	buf_reset(value);
	buf_span(value, v);
	TRY(buf_check(value, journal, err));
	if (k.n > STORE_KEY_MAX)
		return db_damaged("journal key", err);
	/* The old key is bound to the query, which has stepped: it is free now. */
	buf_reset(key);
	buf_span(key, k);
	return buf_check(key, journal, err);
}

enum rc
store_journal_each(struct store *s, const char *journal, struct span after,
    size_t max, store_row fn, void *user, struct err *err)
{
	AUTO_DONE(buf_done) struct buf key = BUF_INIT(STORE_KEY_MAX);
	AUTO_DONE(buf_done) struct buf value = BUF_INIT(STORE_VALUE_MAX);
	enum rc	rc;

	buf_span(&key, after);
	TRY(buf_check(&key, journal, err));
	/* No row is held while fn runs: it may write, or walk another journal. */
	for (size_t n = 0; n < max; n++) {
		if ((rc = next_row(s, journal, &key, &value, err)) == RC_MISSING)
			return RC_OK;
		if (rc != RC_OK)
			return rc;
		TRY(fn(user, buf_view(&key), buf_view(&value), err));
	}
	return RC_OK;
}

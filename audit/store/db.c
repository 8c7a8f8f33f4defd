#include "audit/store/db.h"

#include <string.h>

/* --- errors ------------------------------------------------------------------ */

static enum rc
code_to_rc(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
		return RC_OK;
	case SQLITE_NOMEM:
		return RC_NOMEM;
	case SQLITE_TOOBIG:
		return RC_LIMIT;
	case SQLITE_NOTADB:
		return RC_FORMAT;
	/* Ours, not the disk's: a duplicate index, a reader that writes. */
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
	case SQLITE_READONLY:
		return RC_BUG;
	default:
		return RC_IO;
	}
}

enum rc
db_fail(struct store *s, int code, const char *what, struct err *err)
{
	enum rc	rc = code_to_rc(code);

	if (s->in_transaction && s->broken == RC_OK)
		s->broken = rc;
	if (code == SQLITE_IOERR_DATA)
		return err_set(err, rc, "store: damaged: a page is not as it was written; see the manual page, DAMAGED (%s)", what);
	return err_set(err, rc, "store: %s: %s", what,
	    s->db == NULL ? sqlite3_errstr(code) : sqlite3_errmsg(s->db));
}

enum rc
db_damaged(const char *what, struct err *err)
{
	return err_set(err, RC_IO, "store: damaged: %s", what);
}

enum rc
db_writing(struct store *s, struct err *err)
{
	if (!s->in_transaction)
		return err_set(err, RC_BUG, "store: no write transaction");
	if (s->broken != RC_OK)
		return err_set(err, s->broken,
		    "store: an earlier write of this transaction failed");
	/* A full disk or a failed write makes SQLite roll back by itself. */
	if (sqlite3_get_autocommit(s->db) != 0)
		return err_set(err, RC_IO, "store: the transaction is gone");
	return RC_OK;
}

/* --- queries ------------------------------------------------------------------ */

enum rc
query_init(struct store *s, enum sql which, struct query *ret, struct err *err)
{
	sqlite3_stmt	**st = &s->stmt[which];
	int		  code;

	if (*st == NULL) {
		code = sqlite3_prepare_v3(s->db, store_sql[which], -1,
		    SQLITE_PREPARE_PERSISTENT, st, NULL);
		if (code != SQLITE_OK)
			return db_fail(s, code, store_sql[which], err);
	}
	*ret = (struct query){ s, *st, 0, SQLITE_OK };
	return RC_OK;
}

void
query_done(struct query *q)
{
	if (q->st == NULL)
		return;
	/* Its code is that of the step before, which was looked at. */
	(void)sqlite3_reset(q->st);
	(void)sqlite3_clear_bindings(q->st);
	q->st = NULL;
}

static void
bound(struct query *q, int code)
{
	if (q->code == SQLITE_OK)
		q->code = code;
}

void
query_u64(struct query *q, uint64_t v)
{
	q->bound++;
	bound(q, v > INT64_MAX ? SQLITE_TOOBIG :
	    sqlite3_bind_int64(q->st, q->bound, (sqlite3_int64)v));
}

void
query_span(struct query *q, struct span v)
{
	/* A NULL pointer would bind NULL, not the empty blob. */
	bound(q, sqlite3_bind_blob64(q->st, ++q->bound,
	    v.n == 0 ? (const void *)"" : v.p, v.n, SQLITE_STATIC));
}

void
query_null(struct query *q)
{
	bound(q, sqlite3_bind_null(q->st, ++q->bound));
}

void
query_text(struct query *q, const char *v)
{
	bound(q, sqlite3_bind_text(q->st, ++q->bound, v, -1, SQLITE_STATIC));
}

static enum rc
query_fail(struct query *q, int code, struct err *err)
{
	return db_fail(q->s, code, sqlite3_sql(q->st), err);
}

enum rc
query_run(struct query *q, bool *ret_changed, struct err *err)
{
	int	code = q->code;

	if (code == SQLITE_OK)
		code = sqlite3_step(q->st);
	if (code != SQLITE_DONE)
		return query_fail(q, code, err);
	if (ret_changed != NULL)
		*ret_changed = sqlite3_changes(q->s->db) != 0;
	return RC_OK;
}

enum rc
query_row(struct query *q, struct err *err)
{
	int	code = q->code;

	/* A key that no row can have is not a fault of the database. */
	if (code == SQLITE_TOOBIG)
		return RC_MISSING;
	if (code == SQLITE_OK)
		code = sqlite3_step(q->st);
	if (code == SQLITE_DONE)
		return RC_MISSING;
	if (code != SQLITE_ROW)
		return query_fail(q, code, err);
	return RC_OK;
}

bool
query_is_null(struct query *q, int column)
{
	return sqlite3_column_type(q->st, column) == SQLITE_NULL;
}

uint64_t
query_col_u64(struct query *q, int column)
{
	sqlite3_int64	v = sqlite3_column_int64(q->st, column);

	return v < 0 ? UINT64_MAX : (uint64_t)v;
}

enum rc
query_col(struct query *q, int column, struct span *ret, struct err *err)
{
	/* A blob is given as it stands: no conversion that could fail. */
	if (sqlite3_column_type(q->st, column) != SQLITE_BLOB)
		return db_damaged(sqlite3_sql(q->st), err);
	ret->p = sqlite3_column_blob(q->st, column);
	ret->n = (size_t)sqlite3_column_bytes(q->st, column);
	return RC_OK;
}

enum rc
query_col_fixed(struct query *q, int column, uint8_t *ret, size_t n,
    struct err *err)
{
	struct span	v;

	if (query_is_null(q, column)) {
		memset(ret, 0, n);
		return RC_OK;
	}
	TRY(query_col(q, column, &v, err));
	if (v.n != n)
		return db_damaged(sqlite3_sql(q->st), err);
	memcpy(ret, v.p, n);
	return RC_OK;
}

/* --- part of a blob ------------------------------------------------------------ */

static void
blob_close(sqlite3_blob *b)
{
	/* Opened for reading: nothing that could fail to be written. */
	(void)sqlite3_blob_close(b);
}
DEFINE_AUTO(blob_close, sqlite3_blob);

enum rc
db_read_at(struct store *s, const char *table, const char *column,
    uint64_t row, uint64_t at, uint8_t *ret, size_t n, struct err *err)
{
	AUTO(blob_close) sqlite3_blob *b = NULL;
	int	code, size;

	if (row > INT64_MAX)
		return err_set(err, RC_MISSING, "store: no row");
	code = sqlite3_blob_open(s->db, "main", table, column,
	    (sqlite3_int64)row, 0, &b);
	if (code == SQLITE_ERROR)	/* how it says that the row is not there */
		return err_set(err, RC_MISSING, "store: no such %s", table);
	if (code != SQLITE_OK)
		return db_fail(s, code, table, err);
	size = sqlite3_blob_bytes(b);
	if (size < 0 || n > (size_t)size || at > (size_t)size - n)
		return err_set(err, RC_MISSING, "store: %s ends at %d bytes",
		    table, size);
	code = sqlite3_blob_read(b, ret, (int)n, (int)at);
	if (code != SQLITE_OK)
		return db_fail(s, code, table, err);
	return RC_OK;
}

#include <string.h>

#include "audit/store/db.h"

const char *
store_path(const struct store *s)
{
	return sqlite3_db_filename(s->db, "main");
}

/* A column of text, which this program wrote: short, without NUL. */
static enum rc
col_name(struct query *q, int column, char ret[STORE_NAME_MAX + 1],
    struct err *err)
{
	struct span	v;

	TRY(query_col(q, column, &v, err));
	if (v.n == 0 || v.n > STORE_NAME_MAX)
		return db_damaged("a name", err);
	memcpy(ret, v.p, v.n);
	ret[v.n] = '\0';
	return RC_OK;
}

/* The value after `name`, and the next row of the journals: each read on its own. */

static enum rc
copy_value(struct store *from, struct store *to, char name[STORE_NAME_MAX + 1],
    store_keep keep, void *user, struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = from };
	char		was[STORE_NAME_MAX + 1];
	struct span	v;

	memcpy(was, name, sizeof(was));
	TRY(query_init(from, SQL_VALUE_NEXT, &q, err));
	query_text(&q, was);
	TRY(query_row(&q, err));
	TRY(col_name(&q, 0, name, err));
	TRY(query_col(&q, 1, &v, err));
	if (!keep(user, NULL, SPAN(name, strlen(name))))
		return RC_OK;
	return store_put(to, name, v, err);
}

static enum rc
copy_record(struct store *from, struct store *to, uint64_t *row,
    store_keep keep, void *user, struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = from };
	char		journal[STORE_NAME_MAX + 1];
	struct span	key, v;

	TRY(query_init(from, SQL_JOURNAL_ROW, &q, err));
	query_u64(&q, *row);
	TRY(query_row(&q, err));
	*row = query_col_u64(&q, 0);
	TRY(col_name(&q, 1, journal, err));
	TRY(query_col(&q, 2, &key, err));
	TRY(query_col(&q, 3, &v, err));
	if (*row > INT64_MAX)
		return db_damaged("a journal", err);
	return keep(user, journal, key) ?
	    store_journal_put(to, journal, key, v, err) : RC_OK;
}

enum rc
store_copy_own(struct store *from, struct store *to, store_keep keep,
    void *user, struct err *err)
{
	char		name[STORE_NAME_MAX + 1] = "";
	uint64_t	row = 0;
	enum rc		rc;

	do
		rc = copy_value(from, to, name, keep, user, err);
	while (rc == RC_OK);
	if (rc != RC_MISSING)
		return rc;
	do
		rc = copy_record(from, to, &row, keep, user, err);
	while (rc == RC_OK);
	return rc == RC_MISSING ? RC_OK : rc;
}

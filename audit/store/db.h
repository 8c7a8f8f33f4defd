/*
 * audit/store/db.h - SQLite for the files of this folder: statements, errors.
 *
 * Every statement that the store runs stands in one list (schema.c), is prepared
 * once, and is used through a struct query: bind in order, run or read a row,
 * done. A fault inside a transaction breaks it: store_commit() refuses, so that
 * nothing half-done can become durable.
 */
#ifndef AUDIT_STORE_DB_H
#define AUDIT_STORE_DB_H

#include <sqlite3.h>

#include "audit/store/store.h"

#define STORE_APPLICATION	0x51554f52	/* "QUOR" */
#define STORE_VERSION		2
#define STORE_PAGE_BYTES	4096
#define STORE_PAGE_SUM		16		/* of them, at the end: the page's digest */

enum sql {
	SQL_BEGIN, SQL_BEGIN_READ, SQL_COMMIT, SQL_ROLLBACK,
	SQL_SIZE, SQL_ENTRY_ADD, SQL_ENTRY, SQL_NODE_ADD, SQL_NODE,
	SQL_VERDICT_ADD, SQL_VERDICT, SQL_STATEMENT,
	SQL_BLOB_ADD, SQL_BLOB, SQL_BLOB_HAS,
	SQL_STATE_PUT, SQL_STATE_GET,
	SQL_ESCROW_ADD, SQL_ESCROW, SQL_BATCH_ADD, SQL_BATCH,
	SQL_COUNT_ADD, SQL_COUNT,
	SQL_SHARES_PUT, SQL_SHARES_HAS,
	SQL_VALUE_PUT, SQL_VALUE_GET, SQL_VALUE_NEXT,
	SQL_JOURNAL_PUT, SQL_JOURNAL_GET, SQL_JOURNAL_DEL, SQL_JOURNAL_NEXT, SQL_JOURNAL_ROW,
	SQL_STATEMENTS
};

extern const char *const	store_sql[SQL_STATEMENTS];
extern const char		store_schema[];

/* The batch that apply is at: its descriptors are stored once, in the blob. */
struct batch_vector {
	uint8_t		digest[SHA256_BYTES];
	uint64_t	blob;		/* row of the blob; 0: none at hand */
	bool		named;		/* the row of `batch` says that this is its vector */
	uint64_t	batch;
	struct buf	bytes;
	bool		busy;		/* being walked: must not be replaced */
	uint32_t	count;		/* `root` is that of so many descriptors; 0: not computed yet */
	uint8_t		root[SHA256_BYTES];
	uint32_t	leaf;		/* cursor: leaf `leaf` starts at byte `at` */
	size_t		at;
};

struct store {
	sqlite3			*db;
	sqlite3_stmt		*stmt[SQL_STATEMENTS];
	bool			 read_only;
	bool			 in_transaction;
	enum rc			 broken;	/* what the first failed write in it came to */
	struct tree_range	 range, range_was;	/* now, and when it began */
	uint64_t		 escrows_added;
	struct batch_vector	 vector;
	struct state		 state;
};

/* Maps an SQLite result; the words are SQLite's own. Breaks an open transaction. */
enum rc	 db_fail(struct store *s, int code, const char *what, struct err *err);
/* RC_IO: a row that this code would not have written. */
enum rc	 db_damaged(const char *what, struct err *err);
/* Inside a sound transaction? RC_BUG without one; what broke it otherwise. */
MUST_USE enum rc db_writing(struct store *s, struct err *err);

struct query {
	struct store	*s;
	sqlite3_stmt	*st;
	int		 bound;		/* parameters so far */
	int		 code;		/* sticky result of binding */
};

MUST_USE enum rc query_init(struct store *s, enum sql which, struct query *ret, struct err *err);
void	 query_done(struct query *q);		/* harmless twice */
void	 query_u64(struct query *q, uint64_t v);
void	 query_span(struct query *q, struct span v);	/* borrowed until done */
void	 query_null(struct query *q);
void	 query_text(struct query *q, const char *v);	/* borrowed until done */
/* A statement without rows. ret_changed (may be NULL): did it change one? */
MUST_USE enum rc query_run(struct query *q, bool *ret_changed, struct err *err);
/* The next row; RC_MISSING when there is none (no words). */
MUST_USE enum rc query_row(struct query *q, struct err *err);
bool	 query_is_null(struct query *q, int column);
uint64_t query_col_u64(struct query *q, int column);	/* negative is damage: UINT64_MAX */
/* Valid until the next call on q. */
MUST_USE enum rc query_col(struct query *q, int column, struct span *ret, struct err *err);
/* A blob of exactly n bytes, or NULL where that stands for zeros. */
MUST_USE enum rc query_col_fixed(struct query *q, int column, uint8_t *ret, size_t n, struct err *err);

/* Part of a stored blob column without reading the rest. RC_MISSING: no such row. */
MUST_USE enum rc db_read_at(struct store *s, const char *table, const char *column,
    uint64_t row, uint64_t at, uint8_t *ret, size_t n, struct err *err);

/* pages.c: the way to the disk on which every page is checked when it is read. NULL: there is none. */
const char *pages_vfs(void);

/* log.c: the range as the database has it now. */
MUST_USE enum rc log_refresh(struct store *s, struct err *err);
/* blob.c: row and bytes of a blob, checked against its digest. */
MUST_USE enum rc blob_read(struct store *s, const uint8_t digest[SHA256_BYTES],
    uint64_t *ret_row, struct buf *ret, struct err *err);
/* state.c: the interface that apply is given. */
void	 state_init(struct store *s);
void	 state_forget(struct store *s);		/* what belongs to the transaction */

/* escrow.c: what stands behind the functions of struct state with these names. */
MUST_USE enum rc escrow_add(struct store *s, const uint8_t id[ARTIFACT_ID_BYTES],
    struct escrow_at at, struct span descriptor, struct err *err);
MUST_USE enum rc escrow_find(struct store *s, const uint8_t id[ARTIFACT_ID_BYTES],
    struct escrow_at *ret_at, struct buf *ret, struct err *err);
MUST_USE enum rc escrow_descriptors(struct store *s, const uint8_t digest[SHA256_BYTES],
    const uint8_t root[SHA256_BYTES], uint32_t count, descriptor_fn fn, void *fn_user,
    struct err *err);
MUST_USE enum rc escrow_flush(struct store *s, struct err *err);	/* before COMMIT */
void	 vector_forget(struct batch_vector *v);
/* A blob that has this digest and row was stored just now: if it is a vector, it need not be read again. */
void	 vector_keep(struct batch_vector *v, const uint8_t digest[SHA256_BYTES], uint64_t blob, struct span bytes);

#endif

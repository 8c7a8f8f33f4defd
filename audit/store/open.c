#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/store/db.h"

#define BUSY_MS		5000		/* another handle's commit, not more */

static enum rc
exec(struct store *s, const char *sql, struct err *err)
{
	int	code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	if (code != SQLITE_OK)
		return db_fail(s, code, sql, err);
	return RC_OK;
}

struct answer {
	char	text[32];
};

static int
first_column(void *user, int n, char **values, char **names)
{
	struct answer	*a = user;

	(void)names;
	if (n > 0 && values[0] != NULL)
		(void)sqlite3_snprintf(sizeof(a->text), a->text, "%s", values[0]);
	return 0;
}

static enum rc
ask(struct store *s, const char *sql, struct answer *ret, struct err *err)
{
	int	code;

	*ret = (struct answer){ "" };
	code = sqlite3_exec(s->db, sql, first_column, ret, NULL);
	if (code != SQLITE_OK)
		return db_fail(s, code, sql, err);
	return RC_OK;
}

/* --- whose file is it? ----------------------------------------------------------- */

/* A file that nobody wrote to yet: also what a crash in creation leaves. */
static enum rc
is_blank(struct store *s, bool *ret, struct err *err)
{
	struct answer	id, version, tables;

	TRY(ask(s, "PRAGMA application_id", &id, err));
	TRY(ask(s, "PRAGMA user_version", &version, err));
	TRY(ask(s, "SELECT count(*) FROM sqlite_schema", &tables, err));
	*ret = strcmp(id.text, "0") == 0 && strcmp(version.text, "0") == 0 &&
	    strcmp(tables.text, "0") == 0;
	return RC_OK;
}

/* Room for the digests (pages.c): of a blank file here, before its first page is written. */
static enum rc
make_room(struct store *s, struct err *err)
{
	int	n = STORE_PAGE_SUM, code;

	TRY(exec(s, "PRAGMA page_size = 4096", err));
	code = sqlite3_file_control(s->db, "main", SQLITE_FCNTL_RESERVE_BYTES, &n);
	return code == SQLITE_OK ? RC_OK : db_fail(s, code, "pages", err);
}

/* ... without which nothing that is read was checked. */
static enum rc
has_room(struct store *s, struct err *err)
{
	int	n = -1, code = sqlite3_file_control(s->db, "main", SQLITE_FCNTL_RESERVE_BYTES, &n);

	if (code != SQLITE_OK)
		return db_fail(s, code, "pages", err);
	if (n != STORE_PAGE_SUM)
		return err_set(err, RC_FORMAT, "store: its first page is damaged: no room for digests");
	return RC_OK;
}

static enum rc
identify(struct store *s, struct err *err)
{
	struct answer	id, version;

	TRY(ask(s, "PRAGMA application_id", &id, err));
	TRY(ask(s, "PRAGMA user_version", &version, err));
	if (strtol(id.text, NULL, 10) != STORE_APPLICATION)
		return err_set(err, RC_FORMAT, "store: not a Quorate database");
	if (strtol(version.text, NULL, 10) != STORE_VERSION)
		return err_set(err, RC_FORMAT,
		    "store: schema version %s, this program reads %d",
		    version.text, STORE_VERSION);
	return has_room(s, err);
}

/* --- settings ---------------------------------------------------------------------- */

/* The file may have been put there by somebody else: its schema is not trusted. */
static enum rc
restrain(struct store *s, struct err *err)
{
	static const struct { int what, on; } config[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
		{ SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
	};
	int	code;

	for (size_t i = 0; i < sizeof(config) / sizeof(config[0]); i++) {
		code = sqlite3_db_config(s->db, config[i].what, config[i].on, NULL);
		if (code != SQLITE_OK)
			return db_fail(s, code, "configure", err);
	}
	(void)sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
	(void)sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, STORE_VALUE_MAX + 4096);
	code = sqlite3_busy_timeout(s->db, BUSY_MS);
	if (code != SQLITE_OK)
		return db_fail(s, code, "configure", err);
	return exec(s, "PRAGMA cell_size_check = ON;"
	    "PRAGMA mmap_size = 0;"
	    "PRAGMA temp_store = MEMORY;"
	    "PRAGMA cache_size = -4096;", err);
}

/* Durable when COMMIT returns; deleted bytes are overwritten. */
static enum rc
make_durable(struct store *s, struct err *err)
{
	struct answer	mode;

	TRY(ask(s, "PRAGMA journal_mode = WAL", &mode, err));
	if (strcmp(mode.text, "wal") != 0)
		return err_set(err, RC_IO,
		    "store: this file system cannot do write-ahead logging");
	return exec(s, "PRAGMA synchronous = FULL;"
	    "PRAGMA secure_delete = ON;"
	    "PRAGMA journal_size_limit = 4194304;"
	    "PRAGMA wal_autocheckpoint = 1024;", err);
}

/* --- opening ------------------------------------------------------------------------- */

/*
 * Only a new file is opened here: to close a descriptor of a database that this
 * process has open would drop SQLite's locks on it.
 */
static enum rc
create_file(const char *path, struct err *err)
{
	int	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno != EEXIST)
		return err_set(err, RC_IO, "store: %s: %s", path,
		    strerror(errno));
	if (fd >= 0 && close(fd) != 0)
		return err_set(err, RC_IO, "store: %s: %s", path,
		    strerror(errno));
	return RC_OK;
}

static enum rc
open_db(struct store *s, const char *path, struct err *err)
{
	int		code, flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	struct stat	st;

	if (stat(path, &st) != 0 && errno == ENOENT)
		return err_set(err, RC_MISSING, "store: no database %s", path);
	flags |= s->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	if (pages_vfs() == NULL)
		return err_set(err, RC_NOMEM, "store: SQLite does not start");
	code = sqlite3_open_v2(path, &s->db, flags, pages_vfs());
	if (code != SQLITE_OK)
		return db_fail(s, code, path, err);
	return RC_OK;
}

static enum rc
set_up(struct store *s, enum store_mode mode, struct err *err)
{
	bool	blank = false;

	TRY(restrain(s, err));
	if (mode == STORE_CREATE)
		TRY(is_blank(s, &blank, err));
	TRY(blank ? make_room(s, err) : identify(s, err));
	if (!s->read_only)
		TRY(make_durable(s, err));
	if (blank)
		TRY(exec(s, store_schema, err));
	return log_refresh(s, err);
}

enum rc
store_open(const char *path, enum store_mode mode, struct store **ret,
    struct err *err)
{
	AUTO(store_close) struct store *s = calloc(1, sizeof(*s));
	enum rc	rc;

	if (s == NULL)
		return err_set(err, RC_NOMEM, "store: no memory");
	state_init(s);
	s->read_only = mode == STORE_READ;
	if (mode == STORE_CREATE)
		TRY(create_file(path, err));
	TRY(open_db(s, path, err));
	if ((rc = set_up(s, mode, err)) != RC_OK)
		return err_wrap(err, rc, "%s", path);
	*ret = TAKE(s);
	return RC_OK;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	store_rollback(s);
	for (size_t i = 0; i < SQL_STATEMENTS; i++)
		(void)sqlite3_finalize(s->stmt[i]);
	/* Everything acknowledged is durable already. */
	(void)sqlite3_close(s->db);
	state_forget(s);
	free(s);
}

/* --- transactions ---------------------------------------------------------------------- */

static enum rc
simple(struct store *s, enum sql which, struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };

	TRY(query_init(s, which, &q, err));
	return query_run(&q, NULL, err);
}

enum rc
store_begin(struct store *s, struct err *err)
{
	enum rc	rc;

	if (s->in_transaction)
		return err_set(err, RC_BUG, "store: a transaction is open");
	TRY(simple(s, s->read_only ? SQL_BEGIN_READ : SQL_BEGIN, err));
	s->in_transaction = true;
	s->broken = RC_OK;
	s->range_was = s->range;
	if ((rc = log_refresh(s, err)) != RC_OK) {
		store_rollback(s);
		return rc;
	}
	s->range_was = s->range;
	return RC_OK;
}

static enum rc
commit(struct store *s, struct err *err)
{
	if (s->read_only)
		return simple(s, SQL_COMMIT, err);
	TRY(db_writing(s, err));
	TRY(escrow_flush(s, err));
	return simple(s, SQL_COMMIT, err);
}

enum rc
store_commit(struct store *s, struct err *err)
{
	enum rc	rc;

	if (!s->in_transaction)
		return err_set(err, RC_BUG, "store: no transaction to commit");
	if ((rc = commit(s, err)) != RC_OK) {
		store_rollback(s);
		return rc;
	}
	s->in_transaction = false;
	state_forget(s);
	return RC_OK;
}

void
store_rollback(struct store *s)
{
	if (!s->in_transaction)
		return;
	/* When it fails SQLite has rolled back by itself already. */
	(void)simple(s, SQL_ROLLBACK, NULL);
	s->in_transaction = false;
	s->broken = RC_OK;
	s->range = s->range_was;
	state_forget(s);
}

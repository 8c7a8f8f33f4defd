#include "audit/store/db.h"

/*
 * A node's row is its place in the order in which nodes become complete, so that
 * appending a leaf writes at the end of the table (log.c has the formula).
 *
 * A descriptor is stored once: inside the vector blob of its batch, where
 * escrow.at says. Only one that came without a vector stands in its own row.
 */
const char store_schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE entry (idx INTEGER PRIMARY KEY, leaf BLOB NOT NULL) STRICT;"
    "CREATE TABLE node (pos INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;"
    "CREATE TABLE verdict (idx INTEGER PRIMARY KEY, type INTEGER NOT NULL,"
    "  effective INTEGER NOT NULL, why INTEGER NOT NULL, time INTEGER NOT NULL,"
    "  state BLOB NOT NULL, id BLOB, subject BLOB) STRICT;"
    "CREATE INDEX verdict_id ON verdict (id) WHERE id IS NOT NULL;"
    "CREATE TABLE blob (row INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE,"
    "  bytes BLOB NOT NULL) STRICT;"
    "CREATE TABLE state (key BLOB PRIMARY KEY, value BLOB NOT NULL)"
    "  STRICT, WITHOUT ROWID;"
    "CREATE TABLE escrow (id BLOB PRIMARY KEY, batch INTEGER NOT NULL,"
    "  leaf INTEGER NOT NULL, at INTEGER, descriptor BLOB) STRICT, WITHOUT ROWID;"
    "CREATE TABLE batch (idx INTEGER PRIMARY KEY, blob INTEGER NOT NULL) STRICT;"
    "CREATE TABLE shares (batch INTEGER PRIMARY KEY, vector BLOB NOT NULL) STRICT;"
    "CREATE TABLE counter (name TEXT PRIMARY KEY, n INTEGER NOT NULL)"
    "  STRICT, WITHOUT ROWID;"
    "INSERT INTO counter VALUES ('escrow', 0);"
    "CREATE TABLE value (name TEXT PRIMARY KEY, value BLOB NOT NULL)"
    "  STRICT, WITHOUT ROWID;"
    "CREATE TABLE journal (row INTEGER PRIMARY KEY, journal TEXT NOT NULL,"
    "  key BLOB NOT NULL, value BLOB NOT NULL, UNIQUE (journal, key)) STRICT;"
    "PRAGMA application_id = 0x51554f52;"
    "PRAGMA user_version = 2;"
    "COMMIT;";

/* Each finds its rows by a key: a test asks SQLite whether any would scan. */
const char *const store_sql[SQL_STATEMENTS] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_BEGIN_READ] = "BEGIN",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",

	[SQL_SIZE] = "SELECT max(idx) FROM entry",
	[SQL_ENTRY_ADD] = "INSERT INTO entry VALUES (?, ?)",
	[SQL_ENTRY] = "SELECT leaf FROM entry WHERE idx = ?",
	[SQL_NODE_ADD] = "INSERT INTO node VALUES (?, ?)",
	[SQL_NODE] = "SELECT hash FROM node WHERE pos = ?",

	[SQL_VERDICT_ADD] = "INSERT INTO verdict VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_VERDICT] = "SELECT type, effective, why, time, state, id, subject "
	    "FROM verdict WHERE idx = ?",
	[SQL_STATEMENT] = "SELECT idx FROM verdict WHERE id = ? "
	    "ORDER BY idx LIMIT 1",

	[SQL_BLOB_ADD] = "INSERT INTO blob (digest, bytes) VALUES (?, ?) "
	    "ON CONFLICT DO NOTHING",
	[SQL_BLOB] = "SELECT row, bytes FROM blob WHERE digest = ?",
	[SQL_BLOB_HAS] = "SELECT 1 FROM blob WHERE digest = ?",

	[SQL_STATE_PUT] = "INSERT INTO state VALUES (?, ?) "
	    "ON CONFLICT DO UPDATE SET value = excluded.value",
	[SQL_STATE_GET] = "SELECT value FROM state WHERE key = ?",

	[SQL_ESCROW_ADD] = "INSERT INTO escrow VALUES (?, ?, ?, ?, ?) "
	    "ON CONFLICT DO NOTHING",
	[SQL_ESCROW] = "SELECT batch, leaf, at, descriptor FROM escrow WHERE id = ?",
	[SQL_BATCH_ADD] = "INSERT INTO batch VALUES (?, ?) ON CONFLICT DO NOTHING",
	[SQL_BATCH] = "SELECT blob FROM batch WHERE idx = ?",
	[SQL_COUNT_ADD] = "UPDATE counter SET n = n + ? WHERE name = 'escrow'",
	[SQL_COUNT] = "SELECT n FROM counter WHERE name = 'escrow'",

	[SQL_SHARES_PUT] = "INSERT INTO shares VALUES (?, ?) "
	    "ON CONFLICT DO UPDATE SET vector = excluded.vector",
	[SQL_SHARES_HAS] = "SELECT 1 FROM shares WHERE batch = ?",

	[SQL_VALUE_PUT] = "INSERT INTO value VALUES (?, ?) "
	    "ON CONFLICT DO UPDATE SET value = excluded.value",
	[SQL_VALUE_GET] = "SELECT value FROM value WHERE name = ?",

	[SQL_VALUE_NEXT] = "SELECT CAST(name AS BLOB), value FROM value "
	    "WHERE name > ? ORDER BY name LIMIT 1",

	[SQL_JOURNAL_PUT] = "INSERT INTO journal (journal, key, value) "
	    "VALUES (?, ?, ?) "
	    "ON CONFLICT (journal, key) DO UPDATE SET value = excluded.value",
	[SQL_JOURNAL_GET] = "SELECT value FROM journal "
	    "WHERE journal = ? AND key = ?",
	[SQL_JOURNAL_DEL] = "DELETE FROM journal WHERE journal = ? AND key = ?",
	[SQL_JOURNAL_NEXT] = "SELECT key, value FROM journal "
	    "WHERE journal = ? AND key > ? ORDER BY key LIMIT 1",
	[SQL_JOURNAL_ROW] = "SELECT row, CAST(journal AS BLOB), key, value FROM journal "
	    "WHERE row > ? ORDER BY row LIMIT 1",
};

/*
 * audit/store/store.h - the log, its blobs and the state of `apply`, in SQLite.
 *
 * One database file holds one replica: entries, complete tree nodes, fixed and
 * erasable blobs, the key-value state that policy/ applies entries to, the
 * escrows (descriptor and this custodian's sealed share: at most 450 bytes of
 * disk each), cosigned checkpoints, and small journals of the daemon that owns
 * the file. Everything a step changes is committed in one transaction with
 * full synchronisation: when store_commit() returned RC_OK it is durable.
 * A start reads no old entry.
 *
 * The only folder that includes sqlite3.h. Threads: a store belongs to one
 * thread at a time (SQLITE_OPEN_NOMUTEX); open a second handle for readers
 * (WAL: readers do not wait for the writer).
 */
#ifndef AUDIT_STORE_STORE_H
#define AUDIT_STORE_STORE_H

#include "audit/tree.h"
#include "base/auto.h"
#include "base/when.h"
#include "policy/state.h"

#define STORE_SHARE_BYTES	48		/* one sealed share */
#define STORE_NAME_MAX		64		/* of a value or a journal */
#define STORE_KEY_MAX		255		/* of a journal record, at least 1 */
#define STORE_VALUE_MAX		(16 << 20)	/* a blob, a value, a record */

struct store;

/*
 * Opens, creating when `create`. RC_MISSING: no such database. RC_FORMAT: not ours, or
 * a schema of another version. RC_IO: disk, locks, "database disk image is malformed".
 * Readers pass read_only.
 */
enum store_mode { STORE_OPEN, STORE_CREATE, STORE_READ };
MUST_USE enum rc store_open(const char *path, enum store_mode mode, struct store **ret, struct err *err);
void	 store_close(struct store *s);
DEFINE_AUTO(store_close, struct store);

/*
 * One write transaction at a time; store_rollback is harmless without one. After any
 * fault inside it store_commit refuses and rolls back: all of it, or nothing. On a
 * reader it is a snapshot. Blobs, named values and journals may also be written
 * without one: each call is then durable when it returns.
 */
MUST_USE enum rc store_begin(struct store *s, struct err *err);
MUST_USE enum rc store_commit(struct store *s, struct err *err);
void	 store_rollback(struct store *s);

/* --- the log ------------------------------------------------------------ */

uint64_t store_size(struct store *s);				/* entries in the log, as of the open transaction */
/* Appends leaf data; updates nodes; inside a transaction. */
MUST_USE enum rc store_append(struct store *s, struct span leaf, struct err *err);
/* RC_MISSING past the end. Appends to ret. */
MUST_USE enum rc store_entry(struct store *s, uint64_t index, struct buf *ret, struct err *err);
MUST_USE enum rc store_root_at(struct store *s, uint64_t size, uint8_t ret[TREE_HASH_BYTES], struct err *err);
MUST_USE enum rc store_inclusion(struct store *s, uint64_t index, uint64_t size, struct tree_path *ret, struct err *err);
MUST_USE enum rc store_consistency(struct store *s, uint64_t old, uint64_t size, struct tree_path *ret, struct err *err);

/* A complete node, for tiles: level 0 is the leaves. RC_MISSING. */
MUST_USE enum rc store_node(struct store *s, uint8_t level, uint64_t index, uint8_t ret[TREE_HASH_BYTES], struct err *err);

/* The verdict that apply gave, kept beside the entry. */
MUST_USE enum rc store_verdict_put(struct store *s, uint64_t index, const struct verdict *v, struct err *err);
MUST_USE enum rc store_verdict(struct store *s, uint64_t index, struct verdict *ret, struct err *err);
/* The index of the entry whose statement has this id. RC_MISSING. */
MUST_USE enum rc store_find_statement(struct store *s, const uint8_t id[SHA256_BYTES], uint64_t *ret_index, struct err *err);

/* --- blobs by SHA-256 ----------------------------------------------------- */

MUST_USE enum rc store_blob_put(struct store *s, struct span blob, uint8_t ret_digest[SHA256_BYTES], struct err *err);
/* The same for who has hashed these very bytes already. */
MUST_USE enum rc store_blob_put_as(struct store *s, const uint8_t digest[SHA256_BYTES], struct span blob, struct err *err);
MUST_USE enum rc store_blob(struct store *s, const uint8_t digest[SHA256_BYTES], struct buf *ret, struct err *err); /* RC_MISSING */
MUST_USE enum rc store_blob_has(struct store *s, const uint8_t digest[SHA256_BYTES], bool *ret, struct err *err);

/* --- the state behind apply's interface (policy/state.h) ------------------- */

/* Good until the store is closed; writes need an open transaction. */
const struct state	*store_state(struct store *s);

/* --- escrows: this custodian's sealed shares ------------------------------- */

/*
 * This custodian's share vector of a batch: count * 48 bytes in leaf order, one row
 * a batch; descriptors went in through the state's escrow_add.
 */
MUST_USE enum rc store_shares_put(struct store *s, uint64_t batch, struct span vector, struct err *err);
MUST_USE enum rc store_shares_has(struct store *s, uint64_t batch, bool *ret, struct err *err);
/* n bytes, whole sealed shares, from that leaf on; reads no more than it needs. RC_MISSING: not so many are there. */
MUST_USE enum rc store_share(struct store *s, uint64_t batch, uint32_t leaf, uint8_t *ret, size_t n, struct err *err);
MUST_USE enum rc store_escrow_count(struct store *s, uint64_t *ret, struct err *err);

/* --- named values and ordered journals of the owning daemon ---------------- */

/* Small named values ("genesis", "cosigned"): put replaces; get RC_MISSING. */
MUST_USE enum rc store_put(struct store *s, const char *name, struct span value, struct err *err);
MUST_USE enum rc store_get(struct store *s, const char *name, struct buf *ret, struct err *err);
/* Keyed records per journal name ("contribution", "receipt", "held", "upload"). */
MUST_USE enum rc store_journal_put(struct store *s, const char *journal, struct span key, struct span value, struct err *err);
MUST_USE enum rc store_journal_get(struct store *s, const char *journal, struct span key, struct buf *ret, struct err *err); /* RC_MISSING */
MUST_USE enum rc store_journal_del(struct store *s, const char *journal, struct span key, struct err *err);
/* Calls fn in key order from `after` (exclusive, empty = from the start), at most max rows; fn returning not RC_OK stops with it. */
typedef enum rc (*store_row)(void *user, struct span key, struct span value, struct err *err);
MUST_USE enum rc store_journal_each(struct store *s, const char *journal, struct span after, size_t max, store_row fn, void *user, struct err *err);

/* --- one store made from another ---------------------------------------------- */

/* The file, valid as long as the store. */
const char *store_path(const struct store *s);
/*
 * Puts all named values and journal records of `from` that keep() wants into `to`, in
 * to's transaction. journal is NULL for a named value, whose name is the key then.
 */
typedef bool (*store_keep)(void *user, const char *journal, struct span key);
MUST_USE enum rc store_copy_own(struct store *from, struct store *to, store_keep keep, void *user, struct err *err);

#endif

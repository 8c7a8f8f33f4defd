#include <string.h>

#include "audit/entry.h"
#include "audit/store/db.h"

/* --- tree nodes ------------------------------------------------------------------ */

/*
 * The place of a node among all, in the order in which they become complete:
 * leaf e = ((index + 1) << level) - 1 completes it as its level-th, and before e
 * there were 2e - popcount(e).
 */
static uint64_t
node_position(uint8_t level, uint64_t index)
{
	uint64_t	e = ((index + 1) << level) - 1;

	return 2 * e - (uint64_t)__builtin_popcountll(e) + level;
}

static enum rc
node_read(void *user, uint8_t level, uint64_t index,
    uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	struct store	*s = user;
	AUTO_DONE(query_done) struct query q = { .s = s };
	enum rc		 rc;

	TRY(query_init(s, SQL_NODE, &q, err));
	query_u64(&q, node_position(level, index));
	if ((rc = query_row(&q, err)) == RC_MISSING)
		return err_set(err, RC_MISSING, "log: no node %u/%ju yet",
		    level, (uintmax_t)index);
	if (rc != RC_OK)
		return rc;
	return query_col_fixed(&q, 0, ret, TREE_HASH_BYTES, err);
}

static enum rc
node_write(void *user, uint8_t level, uint64_t index,
    const uint8_t hash[TREE_HASH_BYTES], struct err *err)
{
	struct store	*s = user;
	AUTO_DONE(query_done) struct query q = { .s = s };

	TRY(query_init(s, SQL_NODE_ADD, &q, err));
	query_u64(&q, node_position(level, index));
	query_span(&q, SPAN(hash, TREE_HASH_BYTES));
	return query_run(&q, NULL, err);
}

enum rc
store_node(struct store *s, uint8_t level, uint64_t index,
    uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	/* Such a node would span more leaves than a log may have. */
	if (level > 62 || index >= UINT64_C(1) << (62 - level))
		return err_set(err, RC_MISSING, "log: no node %u/%ju", level,
		    (uintmax_t)index);
	return node_read(s, level, index, ret, err);
}

/* --- size ---------------------------------------------------------------------------- */

static enum rc
size_read(struct store *s, uint64_t *ret, struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };
	uint64_t	last;

	TRY(query_init(s, SQL_SIZE, &q, err));
	TRY(query_row(&q, err));
	last = query_col_u64(&q, 0);
	if (!query_is_null(&q, 0) && last >= INT64_MAX)
		return db_damaged("entry index", err);
	*ret = query_is_null(&q, 0) ? 0 : last + 1;
	return RC_OK;
}

enum rc
log_refresh(struct store *s, struct err *err)
{
	uint64_t	size = 0;
	enum rc		rc;

	TRY(size_read(s, &size, err));
	if (size == s->range.size)
		return RC_OK;
	rc = tree_range_at(node_read, s, size, &s->range, err);
	/* An entry whose nodes are not there: no transaction of ours did that. */
	return rc == RC_MISSING ? db_damaged("tree nodes", err) : rc;
}

uint64_t
store_size(struct store *s)
{
	enum rc	rc = s->in_transaction ? RC_OK : log_refresh(s, NULL);

	/* When the database cannot be read it is what was last known. */
	(void)rc;
	return s->range.size;
}

/* --- entries --------------------------------------------------------------------------- */

enum rc
store_append(struct store *s, struct span leaf, struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };
	uint8_t	hash[TREE_HASH_BYTES];

	TRY(db_writing(s, err));
	if (leaf.n == 0 || leaf.n > ENTRY_BYTES_MAX)
		return err_set(err, RC_LIMIT, "log: an entry of %zu bytes",
		    leaf.n);
	TRY(query_init(s, SQL_ENTRY_ADD, &q, err));
	query_u64(&q, s->range.size);
	query_span(&q, leaf);
	TRY(query_run(&q, NULL, err));
	tree_leaf(leaf, hash);
	return tree_range_add(&s->range, hash, node_write, s, err);
}

enum rc
store_entry(struct store *s, uint64_t index, struct buf *ret, struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };
	uint8_t		hash[TREE_HASH_BYTES], want[TREE_HASH_BYTES];
	struct span	leaf;
	enum rc		rc;

	TRY(query_init(s, SQL_ENTRY, &q, err));
	query_u64(&q, index);
	if ((rc = query_row(&q, err)) == RC_MISSING)
		return err_set(err, RC_MISSING, "log: no entry %ju yet",
		    (uintmax_t)index);
	if (rc != RC_OK)
		return rc;
	TRY(query_col(&q, 0, &leaf, err));
	TRY(node_read(s, 0, index, want, err));
	tree_leaf(leaf, hash);
	if (memcmp(hash, want, sizeof(want)) != 0)
		return db_damaged("an entry is not the one that was logged", err);
	buf_span(ret, leaf);
	return buf_check(ret, "entry", err);
}

/* --- roots and proofs --------------------------------------------------------------------- */

static enum rc
within(struct store *s, uint64_t size, struct err *err)
{
	if (size > s->range.size && size > store_size(s))
		return err_set(err, RC_MISSING, "log: has %ju entries, not %ju",
		    (uintmax_t)s->range.size, (uintmax_t)size);
	return RC_OK;
}

enum rc
store_root_at(struct store *s, uint64_t size, uint8_t ret[TREE_HASH_BYTES],
    struct err *err)
{
	TRY(within(s, size, err));
	if (size == s->range.size) {
		tree_range_root(&s->range, ret);
		return RC_OK;
	}
	return tree_root_at(node_read, s, size, ret, err);
}

enum rc
store_inclusion(struct store *s, uint64_t index, uint64_t size,
    struct tree_path *ret, struct err *err)
{
	TRY(within(s, size, err));
	return tree_inclusion(node_read, s, index, size, ret, err);
}

enum rc
store_consistency(struct store *s, uint64_t old, uint64_t size,
    struct tree_path *ret, struct err *err)
{
	TRY(within(s, size, err));
	return tree_consistency(node_read, s, old, size, ret, err);
}

/* --- verdicts ------------------------------------------------------------------------------- */

/* Zeros stand for "none", and none is not worth an index entry. */
static void
query_digest(struct query *q, const uint8_t digest[SHA256_BYTES])
{
	static const uint8_t	none[SHA256_BYTES];

	if (memcmp(digest, none, sizeof(none)) == 0)
		query_null(q);
	else
		query_span(q, SPAN(digest, SHA256_BYTES));
}

enum rc
store_verdict_put(struct store *s, uint64_t index, const struct verdict *v,
    struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };

	TRY(db_writing(s, err));
	if (index >= s->range.size)
		return err_set(err, RC_BUG, "log: a verdict on no entry");
	TRY(query_init(s, SQL_VERDICT_ADD, &q, err));
	query_u64(&q, index);
	query_u64(&q, v->type);
	query_u64(&q, v->effective);
	query_u64(&q, v->why);
	query_u64(&q, v->time);
	query_span(&q, SPAN_OF(v->state));
	query_digest(&q, v->id);
	query_digest(&q, v->subject);
	return query_run(&q, NULL, err);
}

enum rc
store_verdict(struct store *s, uint64_t index, struct verdict *ret,
    struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };
	struct verdict	v = { .type = 0 };
	enum rc		rc;

	TRY(query_init(s, SQL_VERDICT, &q, err));
	query_u64(&q, index);
	if ((rc = query_row(&q, err)) == RC_MISSING)
		return err_set(err, RC_MISSING, "log: no verdict on %ju",
		    (uintmax_t)index);
	if (rc != RC_OK)
		return rc;
	if (query_col_u64(&q, 0) > UINT8_MAX || query_col_u64(&q, 1) > 1 ||
	    query_col_u64(&q, 2) > UINT8_MAX || query_col_u64(&q, 3) > INT64_MAX)
		return db_damaged("verdict", err);
	v.type = (uint8_t)query_col_u64(&q, 0);
	v.effective = query_col_u64(&q, 1) == 1;
	v.why = (uint8_t)query_col_u64(&q, 2);
	v.time = query_col_u64(&q, 3);
	TRY(query_col_fixed(&q, 4, v.state, sizeof(v.state), err));
	TRY(query_col_fixed(&q, 5, v.id, sizeof(v.id), err));
	TRY(query_col_fixed(&q, 6, v.subject, sizeof(v.subject), err));
	*ret = v;
	return RC_OK;
}

enum rc
store_find_statement(struct store *s, const uint8_t id[SHA256_BYTES],
    uint64_t *ret_index, struct err *err)
{
	AUTO_DONE(query_done) struct query q = { .s = s };
	enum rc		rc;

	TRY(query_init(s, SQL_STATEMENT, &q, err));
	query_digest(&q, id);
	if ((rc = query_row(&q, err)) == RC_MISSING)
		return err_set(err, RC_MISSING, "log: no such statement");
	if (rc != RC_OK)
		return rc;
	*ret_index = query_col_u64(&q, 0);
	return RC_OK;
}

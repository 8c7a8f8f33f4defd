/*
 * custodian/awaited.c - what somebody waits for here, and the log shows.
 *
 * A statement that was handed in, a receipt, a finding is forgotten when it stands in
 * the log for good: below a checkpoint that q cosigned. Entries that no quorum stands
 * behind may be a log that was made for this custodian alone; with such a tail what it
 * showed would be gone, and a "no" with it.
 */
#include <string.h>

#include "audit/entry.h"
#include "base/wire.h"
#include "custodian/append.h"

#define SETTLE_AT_ONCE	(2 * APPEND_ENTRIES_MAX)	/* more than an append brings */

static bool
may_be_awaited(enum statement_type t)
{
	return t == STATEMENT_REQUEST || t == STATEMENT_DECISION || t == STATEMENT_WITHDRAWAL ||
	    t == STATEMENT_REVOCATION || t == STATEMENT_RECEIPT || t == STATEMENT_CHECKED || t == STATEMENT_GARBAGE ||
	    t == STATEMENT_CONSENT;
}

enum rc
awaited_note(struct custody *c, uint64_t index, const struct verdict *v, struct err *err)
{
	AUTO_DONE(buf_done) struct buf key = BUF_INIT(8);

	if (!may_be_awaited((enum statement_type)v->type))
		return RC_OK;
	buf_u64(&key, index);
	TRY(buf_check(&key, "awaited", err));
	return store_journal_put(c->store, JOURNAL_AWAITED, buf_view(&key), SPAN(&v->type, 1), err);
}

/* It is owed, and expected, no longer. */
static enum rc
forget(struct custody *c, const struct statement *s, enum void_reason why, struct err *err)
{
	uint8_t	key[OWED_KEY_BYTES];

	if (s->type == STATEMENT_CHECKED && why == VOID_NONE)
		TRY(check_logged(c, s, err));
	if (s->type == STATEMENT_GARBAGE && why == VOID_NONE)
		TRY(check_garbage_logged(c, s, err));
	if (s->type == STATEMENT_CHECKED || s->type == STATEMENT_GARBAGE || s->type == STATEMENT_CONSENT)
		return store_journal_del(c->store, JOURNAL_FOUND, SPAN_OF(s->id), err);
	if (s->type == STATEMENT_RECEIPT && why == VOID_NONE) {
		custody_owed_key(s, key);
		TRY(store_journal_del(c->store, JOURNAL_RECEIPT, SPAN_OF(key), err));
	}
	return handed_logged(c, s, why, err);
}

static enum rc
parse_entry(struct span leaf, struct dsse *d, struct statement *s, struct err *err)
{
	struct entry	e;

	TRY(entry_parse(leaf, &e, err));
	TRY(dsse_parse(e.dsse, d, err));
	return statement_parse(d, s, err);
}

/* Expired, nobody looked at its signature: but nobody's can have an effect any more. */
static enum rc
hear_expired(struct custody *c, uint64_t index, const struct statement *s, struct err *err)
{
	struct verdict	v;

	TRY(store_verdict(c->store, index, &v, err));
	return v.why == VOID_EXPIRED ? handed_logged(c, s, VOID_EXPIRED, err) : RC_OK;
}

/*
 * A copy with a broken signature is not the statement: only what its signer signed is
 * heard. Nor is a second copy: of the first it is known who stands behind it.
 */
static enum rc
hear(struct custody *c, uint64_t index, struct err *err)
{
	AUTO_DONE(buf_done) struct buf leaf = BUF_INIT(ENTRY_BYTES_MAX);
	AUTO_DONE(dsse_done) struct dsse d;
	AUTO_DONE(statement_done) struct statement s;
	enum void_reason	why;
	uint64_t		at;
	enum rc			rc;

	memset(&d, 0, sizeof(d));
	memset(&s, 0, sizeof(s));
	TRY(store_entry(c->store, index, &leaf, err));
	rc = parse_entry(buf_view(&leaf), &d, &s, err);
	/* Another entry may stand there by now than the one that was noted. */
	if (rc == RC_FORMAT || rc == RC_LIMIT)
		return RC_OK;
	TRY(rc);
	if (!may_be_awaited(s.type))
		return RC_OK;
	rc = replica_logged(c->replica, s.id, &at, &why, err);
	if (rc == RC_MISSING)
		return hear_expired(c, index, &s, err);
	TRY(rc);
	return at == index ? forget(c, &s, why, err) : RC_OK;
}

struct settling {
	struct custody	*c;
	uint64_t	 cosigned;
	bool		 done;
};

static enum rc
on_awaited(void *user, struct span key, struct span value, struct err *err)
{
	struct settling	*k = user;
	struct rd	 r = rd_init(key);
	uint64_t	 index;

	(void)value;
	if (!rd_u64(&r, &index) || !rd_done(&r))
		return err_set(err, RC_BUG, "the record of what is awaited is damaged");
	k->done = index >= k->cosigned;
	if (k->done)
		return RC_DENIED;	/* ends the walk */
	TRY(hear(k->c, index, err));
	return store_journal_del(k->c->store, JOURNAL_AWAITED, key, err);
}

enum rc
awaited_settle(struct custody *c, struct err *err)
{
	struct settling	k = { .c = c };
	enum rc		rc;

	TRY(custody_cosigned_size(c, &k.cosigned, err));
	rc = store_journal_each(c->store, JOURNAL_AWAITED, SPAN(NULL, 0), SETTLE_AT_ONCE, on_awaited, &k, err);
	return k.done ? RC_OK : rc;
}

/* custodian/check_say.c - what the background check found, signed and journalled. */
#include <string.h>

#include "base/wire.h"
#include "custodian/checking.h"

#define FOUND_LIFE	(3650 * UINT64_C(86400))	/* until the log shows it, whenever that is */

/* Signs it and puts it where Append replies take it from; inside a transaction. */
static enum rc
journal_found(struct custody *c, struct statement *s, struct err *err)
{
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX);

	TRY(custody_sign(c, s, &dsse, err));
	return store_journal_put(c->store, JOURNAL_FOUND, SPAN_OF(s->id), buf_view(&dsse), err);
}

static enum rc
batch_id(struct custody *c, uint64_t index, uint8_t ret[SHA256_BYTES], struct err *err)
{
	struct batch_view	view;

	TRY(replica_batch(c->replica, index, &view, err));
	memcpy(ret, view.id, SHA256_BYTES);
	return RC_OK;
}

static enum rc
commit_or_not(struct custody *c, enum rc rc, struct err *err)
{
	if (rc == RC_OK)
		rc = store_commit(c->store, err);
	if (rc != RC_OK)
		store_rollback(c->store);
	return rc;
}

/* --- garbage ---------------------------------------------------------------------- */

void
check_garbage_key(uint64_t index, uint32_t leaf, uint8_t ret[CHECK_GARBAGE_KEY_BYTES])
{
	check_key(index, ret);
	for (int i = 0; i < 4; i++)
		ret[CHECK_KEY_BYTES + i] = (uint8_t)(leaf >> (24 - 8 * i));
}

static enum rc
said_before(struct custody *c, const struct checking *k, uint32_t leaf, bool *ret, struct err *err)
{
	uint64_t	at;
	bool		own;
	enum rc		rc;

	TRY(check_garbage(c, k->batch, leaf, ret, err));
	if (*ret)
		return RC_OK;
	rc = replica_garbage(c->replica, k->batch, c->index, leaf, &at, &own, err);
	*ret = rc == RC_OK;
	return rc == RC_MISSING ? RC_OK : rc;
}

static enum rc
put_garbage(struct custody *c, const struct checking *k, const struct bad_share *b, struct statement *s,
    struct err *err)
{
	uint8_t	key[CHECK_GARBAGE_KEY_BYTES];

	check_garbage_key(k->batch, b->leaf, key);
	TRY(store_journal_put(c->store, JOURNAL_GARBAGE, SPAN_OF(key), SPAN(&b->kind, 1), err));
	TRY(batch_id(c, k->batch, s->subject, err));
	s->u.garbage.custodian = c->index;
	s->u.garbage.leaf = b->leaf;
	s->bytes = BUF_INIT(GARBAGE_OTHER_BYTES);
	buf_u8(&s->bytes, b->kind);
	buf_add(&s->bytes, k->sealed.p + (size_t)b->leaf * SEALED_SHARE_BYTES, SEALED_SHARE_BYTES);
	if (b->kind == GARBAGE_OTHER)
		buf_add(&s->bytes, b->point, sizeof(b->point));
	TRY(buf_check(&s->bytes, "proof", err));
	return journal_found(c, s, err);
}

enum rc
check_say_garbage(struct custody *c, struct checking *k, when now, struct err *err)
{
	AUTO_DONE(statement_done) struct statement s;
	const struct bad_share	*b = &k->bad[k->said];
	bool			 said;

	memset(&s, 0, sizeof(s));
	TRY(said_before(c, k, b->leaf, &said, err));
	if (!said) {
		TRY(custody_statement(c, STATEMENT_GARBAGE, now, FOUND_LIFE, &s, err));
		TRY(store_begin(c->store, err));
		TRY(commit_or_not(c, put_garbage(c, k, b, &s, err), err));
	}
	k->said++;
	return RC_OK;
}

/* --- checked ------------------------------------------------------------------------ */

struct run {
	uint64_t	bound;			/* the first batch that it may not hold */
	size_t		n;
	uint64_t	index[CHECK_RUN_MAX];
};

static enum rc
on_through(void *user, struct span key, struct span value, struct err *err)
{
	struct run	*r = user;
	uint64_t	 index;

	(void)value;
	TRY(check_key_read(key, &index, err));
	if (index < r->bound)
		r->index[r->n++] = index;
	return RC_OK;
}

/* A batch after `first` of which `checked` cannot be said now. */
static enum rc
lower_bound(struct custody *c, const char *journal, uint64_t first, struct run *r, struct err *err)
{
	uint64_t	other;
	enum rc		rc = check_first(c, journal, first, &other, err);

	if (rc == RC_OK && other < r->bound)
		r->bound = other;
	return rc == RC_MISSING ? RC_OK : rc;
}

enum rc
check_said_up_to(struct custody *c, uint64_t *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(CHECK_KEY_BYTES);
	enum rc	rc = store_get(c->store, CUSTODY_CHECKED, &v, err);

	*ret = 0;
	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	return check_key_read(buf_view(&v), ret, err);
}

static enum rc
find_run(struct custody *c, struct run *ret, struct err *err)
{
	uint64_t	first, up_to;

	TRY(check_first(c, JOURNAL_THROUGH, UINT64_MAX, &first, err));
	TRY(check_said_up_to(c, &up_to, err));
	ret->n = 0;
	ret->bound = first < up_to ? first + 1 : UINT64_MAX;
	TRY(lower_bound(c, JOURNAL_UNCHECKED, first, ret, err));
	TRY(lower_bound(c, JOURNAL_UNSAID, first, ret, err));
	return store_journal_each(c->store, JOURNAL_THROUGH, SPAN(NULL, 0), CHECK_RUN_MAX, on_through, ret, err);
}

static enum rc
put_run(struct custody *c, const struct run *r, struct statement *s, struct err *err)
{
	uint64_t	last = r->index[r->n - 1], up_to;
	uint8_t		key[CHECK_KEY_BYTES];

	for (size_t i = 0; i < r->n; i++) {
		check_key(r->index[i], key);
		TRY(store_journal_del(c->store, JOURNAL_THROUGH, SPAN_OF(key), err));
	}
	TRY(check_said_up_to(c, &up_to, err));
	if (last >= up_to) {
		check_key(last + 1, key);
		TRY(store_put(c->store, CUSTODY_CHECKED, SPAN_OF(key), err));
	}
	TRY(batch_id(c, last, s->subject, err));
	s->u.checked.custodian = c->index;
	s->u.checked.first = r->index[0];
	return journal_found(c, s, err);
}

enum rc
check_say_run(struct custody *c, when now, struct err *err)
{
	AUTO_DONE(statement_done) struct statement s;
	struct run	r;

	memset(&s, 0, sizeof(s));
	TRY(find_run(c, &r, err));
	TRY(custody_statement(c, STATEMENT_CHECKED, now, FOUND_LIFE, &s, err));
	TRY(store_begin(c->store, err));
	return commit_or_not(c, put_run(c, &r, &s, err), err);
}

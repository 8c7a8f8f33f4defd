/* custodian/reply.c - what Append answers: held, owed, missing, what waits, and where we are. */
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "custodian/append.h"

#define HELD_LIFE		(3650 * UINT64_C(86400))
#define REPLY_RECEIPTS_MAX	16	/* the oldest */
#define REPLY_MISSING_MAX	64

/* --- held statements ----------------------------------------------------------- */

static enum rc
make_held(struct custody *c, uint64_t batch, when now, struct buf *ret, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse d;
	AUTO_DONE(statement_done) struct statement s, held;
	uint8_t	key[8], i;

	memset(&d, 0, sizeof(d));
	memset(&s, 0, sizeof(s));
	memset(&held, 0, sizeof(held));
	TRY(batch_of(c, batch, &d, &s, err));
	TRY(custody_statement(c, STATEMENT_HELD, now, HELD_LIFE, &held, err));
	memcpy(held.subject, s.id, SHA256_BYTES);
	held.u.held.custodian = c->index;
	memcpy(held.u.held.shares, s.u.batch.custodian[c->index - 1].shares, SHA256_BYTES);
	TRY(custody_sign(c, &held, ret, err));
	for (i = 0; i < 8; i++)
		key[i] = (uint8_t)(batch >> (56 - 8 * i));
	return store_journal_put(c->store, JOURNAL_HELD, SPAN_OF(key), buf_view(ret), err);
}

static enum rc
held_of(struct custody *c, uint64_t batch, when now, struct buf *ret, struct err *err)
{
	uint8_t	key[8], i;
	enum rc	rc;
	bool	has;

	TRY(store_shares_has(c->store, batch, &has, err));
	if (!has)
		return RC_MISSING;
	for (i = 0; i < 8; i++)
		key[i] = (uint8_t)(batch >> (56 - 8 * i));
	rc = store_journal_get(c->store, JOURNAL_HELD, SPAN_OF(key), ret, err);
	return rc == RC_MISSING ? make_held(c, batch, now, ret, err) : rc;
}

static enum rc
hold(struct appending *a, uint64_t batch, struct err *err)
{
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX);
	enum rc	rc = held_of(a->c, batch, a->now, &dsse, err);

	return rc == RC_MISSING ? RC_OK : rc;
}

enum rc
append_hold(struct appending *a, struct err *err)
{
	enum rc	rc = RC_OK;

	/* A token that does not sign one is not asked, and waited for, once for each. */
	for (size_t i = 0; i < a->q->n_shares && !a->c->stopped.is && rc == RC_OK; i++)
		if (a->q->shares[i]->batch < a->size)
			rc = hold(a, a->q->shares[i]->batch, err);
	/* There may be some in the journal yet to come; of a store that failed the commit will say so. */
	return rc == RC_BUG ? rc : RC_OK;
}

/* --- the reply ------------------------------------------------------------------ */

struct reply_lists {
	ProtobufCBinaryData	*held, receipts[REPLY_RECEIPTS_MAX];
	size_t			 n_held, n_receipts;
	uint64_t		 missing[REPLY_MISSING_MAX];
	size_t			 n_missing;
	struct waiting		 waiting;
	Quorate__V1__Health	 health;
	struct verdict		 state_of;	/* .state, when it was asked for */
	bool			 has_state_of;
};

static void
reply_lists_done(struct reply_lists *l)
{
	size_t	i;

	for (i = 0; i < l->n_held; i++)
		free(l->held[i].data);
	free(l->held);
	for (i = 0; i < l->n_receipts; i++)
		free(l->receipts[i].data);
	waiting_done(&l->waiting);
}

static enum rc
keep(ProtobufCBinaryData *out, struct span s, struct err *err)
{
	if ((out->data = malloc(s.n == 0 ? 1 : s.n)) == NULL)
		return err_set(err, RC_NOMEM, "reply: no memory");
	memcpy(out->data, s.p, s.n);
	out->len = s.n;
	return RC_OK;
}

static enum rc
on_receipt(void *user, struct span key, struct span value, struct err *err)
{
	struct reply_lists	*l = user;

	(void)key;
	TRY(keep(&l->receipts[l->n_receipts], value, err));
	l->n_receipts++;
	return RC_OK;
}

/* RC_MISSING: its vector is not here. */
static enum rc
put_held(struct appending *a, struct reply_lists *l, uint64_t batch, struct err *err)
{
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX);

	TRY(held_of(a->c, batch, a->now, &dsse, err));
	TRY(keep(&l->held[l->n_held], buf_view(&dsse), err));
	l->n_held++;
	return RC_OK;
}

static enum rc
list_held(struct appending *a, struct reply_lists *l, struct err *err)
{
	size_t	i;
	enum rc	rc;

	if (a->q->n_shares + a->q->n_held_of == 0 || a->c->stopped.is)
		return RC_OK;
	if ((l->held = calloc(a->q->n_shares + a->q->n_held_of, sizeof(*l->held))) == NULL)
		return err_set(err, RC_NOMEM, "reply: no memory");
	for (i = 0; i < a->q->n_shares; i++) {
		rc = put_held(a, l, a->q->shares[i]->batch, err);
		if (rc == RC_MISSING && l->n_missing < REPLY_MISSING_MAX)
			l->missing[l->n_missing++] = a->q->shares[i]->batch;
		if (rc != RC_MISSING)
			TRY(rc);
	}
	/* A coordinator that was rebuilt has lost what it was told once. */
	for (i = 0; i < a->q->n_held_of; i++) {
		rc = put_held(a, l, a->q->held_of[i], err);
		if (rc != RC_MISSING)
			TRY(rc);
	}
	return RC_OK;
}

struct lacking {
	struct appending	*a;
	struct reply_lists	*l;
	size_t			 n;		/* looked at */
};

static enum rc
on_unsaid(void *user, struct span key, struct span value, struct err *err)
{
	struct lacking	*k = user;
	struct rd	 r = rd_init(key);
	uint64_t	 batch;
	bool		 known;
	size_t		 i;

	(void)value;
	if (!rd_u64(&r, &batch) || !rd_done(&r))
		return err_set(err, RC_BUG, "the record of unchecked batches is damaged");
	k->n++;
	k->a->c->lacks_after = batch;
	TRY(store_shares_has(k->a->c->store, batch, &known, err));
	for (i = 0; i < k->l->n_missing && !known; i++)
		known = k->l->missing[i] == batch;
	/* Of a batch that came just now the shares may be on their way. */
	if (!known && batch < k->a->before && k->l->n_missing < REPLY_MISSING_MAX)
		k->l->missing[k->l->n_missing++] = batch;
	return RC_OK;
}

/* What a custodian whose database was put back no longer holds, some at a time. */
static enum rc
list_lacking(struct appending *a, struct reply_lists *l, struct err *err)
{
	struct custody	*c = a->c;
	struct lacking	 k = { a, l, 0 };
	uint8_t		 after[8];
	size_t		 i;

	for (i = 0; i < sizeof(after); i++)
		after[i] = (uint8_t)(c->lacks_after >> (56 - 8 * i));
	TRY(store_journal_each(c->store, JOURNAL_UNSAID, SPAN_OF(after), REPLY_MISSING_MAX, on_unsaid, &k, err));
	if (k.n < REPLY_MISSING_MAX)
		c->lacks_after = 0;		/* those were the last: from the first again */
	return RC_OK;
}

static enum rc
write_reply(struct appending *a, struct reply_lists *l, struct buf *reply, struct err *err)
{
	Quorate__V1__AppendReply	r = QUORATE__V1__APPEND_REPLY__INIT;
	uint8_t		digest[SHA256_BYTES], *p;
	uint64_t	cosigned;

	TRY(replica_state_digest(a->c->replica, digest, err));
	TRY(custody_cosigned_size(a->c, &cosigned, err));
	r.size = a->size;
	r.cosignature = (ProtobufCBinaryData){ a->line.n, a->line.p };
	r.n_held = l->n_held;
	r.held = l->held;
	r.state_digest = (ProtobufCBinaryData){ sizeof(digest), digest };
	r.rules = CHARTER_RULES;
	r.n_receipts = l->n_receipts;
	r.receipts = l->receipts;
	r.cosigned_size = cosigned;
	r.n_missing_shares = l->n_missing;
	r.missing_shares = l->missing;
	r.n_statements = l->waiting.n;
	r.statements = l->waiting.row;
	r.health = &l->health;
	if (l->has_state_of)
		r.state_of = (ProtobufCBinaryData){ sizeof(l->state_of.state), l->state_of.state };
	p = buf_extend(reply, quorate__v1__append_reply__get_packed_size(&r));
	TRY(buf_check(reply, "reply", err));
	(void)quorate__v1__append_reply__pack(&r, p);
	return RC_OK;
}

/* The coordinator looks for the first entry after which our states part. */
static enum rc
find_state_of(struct appending *a, struct reply_lists *l, struct err *err)
{
	l->has_state_of = a->q->state_of > 0 && a->q->state_of <= a->size;
	return l->has_state_of ? store_verdict(a->c->store, a->q->state_of - 1, &l->state_of, err) : RC_OK;
}

/* Held statements are journalled before they go out. */
static enum rc
list_all(struct appending *a, struct reply_lists *l, struct err *err)
{
	enum rc	rc;

	TRY(store_begin(a->c->store, err));
	rc = list_held(a, l, err);
	if (rc == RC_OK)
		rc = list_lacking(a, l, err);
	if (rc == RC_OK)
		rc = store_journal_each(a->c->store, JOURNAL_RECEIPT, SPAN(NULL, 0), REPLY_RECEIPTS_MAX,
		    on_receipt, l, err);
	if (rc == RC_OK)
		rc = store_commit(a->c->store, err);
	if (rc != RC_OK)
		store_rollback(a->c->store);
	return rc;
}

enum rc
append_answer(struct appending *a, struct buf *reply, struct err *err)
{
	AUTO_DONE(reply_lists_done) struct reply_lists l;
	int	wait_ms;

	memset(&l, 0, sizeof(l));
	TRY(list_all(a, &l, err));
	TRY(append_cosign(a, err));
	TRY(consent_work(a->c, a->now, a->size != a->before, &wait_ms, err));
	TRY(waiting_fill(a->c, a->now, &l.waiting, err));
	TRY(find_state_of(a, &l, err));
	TRY(health_fill(a->c, a->now, &l.health, err));
	return write_reply(a, &l, reply, err);
}

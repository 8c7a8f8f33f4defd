/*
 * custodian/handed.c - what was handed in: kept, listed, forgotten (custodian/handed.h).
 * How it gets in is handed_take.c.
 */
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "custodian/handed_slot.h"

#define ROW_BLOBS_MAX	2	/* what entry_blobs() names */
#define ROW_BYTES_MAX	(DSSE_BYTES_MAX + ROW_BLOBS_MAX * (HANDED_BLOB_MAX + 4) + 256)
#define EXPIRE_AT_ONCE	16

/* --- slots ----------------------------------------------------------------------- */

enum handed_kind
slot_kind_of(const struct statement *s)
{
	if (s->type == STATEMENT_DECISION)
		return s->u.decision.approve ? KIND_APPROVAL : KIND_DENIAL;
	if (s->type == STATEMENT_WITHDRAWAL)
		return KIND_WITHDRAWAL;
	if (s->type == STATEMENT_REVOCATION)
		return KIND_REVOCATION;
	if (s->type == STATEMENT_REQUEST)
		return KIND_REQUEST;
	return s->type == STATEMENT_RECEIPT ? KIND_RECEIPT : KIND_NONE;
}

enum statement_type
slot_type(enum handed_kind k)
{
	static const enum statement_type	type[] = {
		[KIND_DENIAL] = STATEMENT_DECISION, [KIND_WITHDRAWAL] = STATEMENT_WITHDRAWAL,
		[KIND_REVOCATION] = STATEMENT_REVOCATION, [KIND_REQUEST] = STATEMENT_REQUEST,
		[KIND_APPROVAL] = STATEMENT_DECISION, [KIND_RECEIPT] = STATEMENT_RECEIPT,
	};

	return k > KIND_LAST ? STATEMENT_UNKNOWN : type[k];
}

const char *
slot_word(enum handed_kind k)
{
	if (k == KIND_DENIAL)
		return "denial";
	return k == KIND_APPROVAL ? "approval" : statement_type_name(slot_type(k));
}

void
slot_key_of(const struct statement *s, uint8_t ret[SLOT_KEY_BYTES])
{
	ret[0] = (uint8_t)slot_kind_of(s);
	memcpy(ret + 1, s->subject, SHA256_BYTES);
	memcpy(ret + 1 + SHA256_BYTES, s->signer, KEY_ID_BYTES);
}

/* id, since, expires, from, bytes of its blobs, who */
static void
slot_write(const struct slot *s, struct buf *out)
{
	buf_add(out, s->id, sizeof(s->id));
	buf_u64(out, s->since);
	buf_u64(out, s->expires);
	buf_u8(out, s->from);
	buf_u32(out, s->blob_bytes);
	buf_vec8(out, span_str(s->who));
}

static enum rc
slot_parse(struct span key, struct span value, struct slot *ret, struct err *err)
{
	struct rd	r = rd_init(value);
	struct span	who;

	memset(ret, 0, sizeof(*ret));
	if (key.n != sizeof(ret->key) || key.p[0] == KIND_NONE || key.p[0] > KIND_LAST ||
	    !rd_bytes(&r, ret->id, sizeof(ret->id)) || !rd_u64(&r, &ret->since) || !rd_u64(&r, &ret->expires) ||
	    !rd_u8(&r, &ret->from) || !rd_u32(&r, &ret->blob_bytes) || !rd_vec8(&r, 1, ID_MAX, &who) || !rd_done(&r))
		return err_set(err, RC_BUG, "the record of what was handed in is damaged");
	memcpy(ret->key, key.p, key.n);
	memcpy(ret->who, who.p, who.n);
	return RC_OK;
}

struct reading {
	struct slots	*s;
	size_t		 cap;
	enum handed_kind last;
	bool		 past;		/* that was the last */
};

static enum rc
on_slot(void *user, struct span key, struct span value, struct err *err)
{
	struct reading	*k = user;
	struct slot	 one, *more;

	TRY(slot_parse(key, value, &one, err));
	if (slot_kind(&one) > k->last) {
		k->past = true;
		return RC_DENIED;	/* ends the walk */
	}
	if (k->s->n == k->cap) {
		k->cap = k->cap == 0 ? 64 : 2 * k->cap;
		if ((more = realloc(k->s->slot, k->cap * sizeof(*more))) == NULL)
			return err_set(err, RC_NOMEM, "no memory");
		k->s->slot = more;
	}
	k->s->slot[k->s->n++] = one;
	return RC_OK;
}

enum rc
slots_read(struct custody *c, enum handed_kind last, struct slots *ret, struct err *err)
{
	struct slots	s = { NULL, 0 };
	struct reading	k = { .s = &s, .last = last };
	enum rc		rc;

	/* No more of them: handed_take() sees to that. */
	rc = store_journal_each(c->store, JOURNAL_SLOT, SPAN(NULL, 0), HANDED_ALL_MAX, on_slot, &k, err);
	if (rc != RC_OK && !k.past) {
		slots_done(&s);
		return rc;
	}
	*ret = s;
	return RC_OK;
}

/* The slot's key, its row, then the statement and its blobs. */
enum rc
slot_put(struct custody *c, const struct slot *s, struct span dsse, const struct span *blob, size_t n_blobs,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf row = BUF_INIT(128), v = BUF_INIT(ROW_BYTES_MAX);
	size_t	i;

	slot_write(s, &row);
	TRY(buf_check(&row, "handed in", err));
	buf_add(&v, s->key, sizeof(s->key));
	buf_vec8(&v, buf_view(&row));
	buf_vec32(&v, dsse);
	buf_u8(&v, (uint8_t)n_blobs);
	for (i = 0; i < n_blobs; i++)
		buf_vec32(&v, blob[i]);
	TRY(buf_check(&v, "handed in", err));
	TRY(store_journal_put(c->store, JOURNAL_SLOT, SPAN_OF(s->key), buf_view(&row), err));
	return store_journal_put(c->store, JOURNAL_HANDED, SPAN_OF(s->id), buf_view(&v), err);
}

enum rc
slot_del(struct custody *c, const struct slot *s, struct err *err)
{
	TRY(store_journal_del(c->store, JOURNAL_SLOT, SPAN_OF(s->key), err));
	return store_journal_del(c->store, JOURNAL_HANDED, SPAN_OF(s->id), err);
}

enum rc
slot_find(struct custody *c, const uint8_t key[SLOT_KEY_BYTES], struct slot *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(128);

	TRY(store_journal_get(c->store, JOURNAL_SLOT, SPAN(key, SLOT_KEY_BYTES), &v, err));
	return slot_parse(SPAN(key, SLOT_KEY_BYTES), buf_view(&v), ret, err);
}

/* --- rows ------------------------------------------------------------------------- */

struct showing {
	handed_fn	 fn;
	void		*user;
};

static enum rc
on_row(void *user, struct span key, struct span value, struct err *err)
{
	const struct showing	*k = user;
	struct rd		 r = rd_init(value);
	struct handed_row	 row;
	struct slot		 s;
	struct span		 slot_key, slot_value, blob[ROW_BLOBS_MAX];
	uint8_t			 n = 0, i;
	bool			 ok;

	memset(&row, 0, sizeof(row));
	ok = rd_take(&r, SLOT_KEY_BYTES, &slot_key) && rd_vec8(&r, 1, 128, &slot_value) &&
	    rd_vec32(&r, 1, DSSE_BYTES_MAX, &row.dsse) && rd_u8(&r, &n) && n <= ROW_BLOBS_MAX;
	for (i = 0; ok && i < n; i++)
		ok = rd_vec32(&r, 0, HANDED_BLOB_MAX, &blob[i]);
	if (!ok || !rd_done(&r) || key.n != sizeof(row.id))
		return err_set(err, RC_BUG, "the record of what was handed in is damaged");
	TRY(slot_parse(slot_key, slot_value, &s, err));
	memcpy(row.id, s.id, sizeof(row.id));
	memcpy(row.subject, slot_subject(&s), sizeof(row.subject));
	memcpy(row.who, s.who, sizeof(row.who));
	row.type = slot_type(slot_kind(&s));
	row.no = slot_kind(&s) <= KIND_NO_LAST;
	row.since = s.since;
	row.from = s.from;
	row.blob = blob;
	row.n_blobs = n;
	return k->fn(k->user, &row, err);
}

enum rc
slot_show(struct custody *c, const struct slot *s, handed_fn fn, void *user, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(ROW_BYTES_MAX);
	struct showing	k = { fn, user };
	enum rc		rc = store_journal_get(c->store, JOURNAL_HANDED, SPAN_OF(s->id), &v, err);

	if (rc == RC_MISSING)
		return err_set(err, RC_BUG, "a slot of nothing that was handed in");
	TRY(rc);
	return on_row(&k, SPAN_OF(s->id), buf_view(&v), err);
}

enum rc
handed_each(struct custody *c, const uint8_t *after, size_t max, handed_fn fn, void *user, struct err *err)
{
	struct showing	k = { fn, user };

	return store_journal_each(c->store, JOURNAL_HANDED, SPAN(after, after == NULL ? 0 : SHA256_BYTES), max,
	    on_row, &k, err);
}

struct owing {
	struct custody	*c;
	struct showing	 to;
};

static enum rc
on_own(void *user, struct span key, struct span value, struct err *err)
{
	const struct owing	*k = user;
	AUTO_DONE(dsse_done) struct dsse d;
	AUTO_DONE(statement_done) struct statement s;
	struct handed_row	row;

	(void)key;
	memset(&d, 0, sizeof(d));
	memset(&s, 0, sizeof(s));
	memset(&row, 0, sizeof(row));
	if (dsse_parse(value, &d, NULL) != RC_OK || statement_parse(&d, &s, NULL) != RC_OK)
		return err_set(err, RC_BUG, "the record of receipts is damaged");
	memcpy(row.id, s.id, sizeof(row.id));
	memcpy(row.subject, s.subject, sizeof(row.subject));
	row.type = s.type;
	row.since = s.issued;
	(void)snprintf(row.who, sizeof(row.who), "custodian %u", k->c->index);
	row.dsse = value;
	return k->to.fn(k->to.user, &row, err);
}

enum rc
handed_own_receipts(struct custody *c, size_t max, handed_fn fn, void *user, struct err *err)
{
	struct owing	k = { c, { fn, user } };

	return store_journal_each(c->store, JOURNAL_RECEIPT, SPAN(NULL, 0), max, on_own, &k, err);
}

enum rc
handed_count(struct custody *c, uint32_t *ret_n, when *ret_oldest, struct err *err)
{
	AUTO_DONE(slots_done) struct slots s;
	size_t	i;
	when	oldest = 0;

	memset(&s, 0, sizeof(s));
	TRY(slots_read(c, KIND_LAST, &s, err));
	for (i = 0; i < s.n; i++)
		if (oldest == 0 || s.slot[i].since < oldest)
			oldest = s.slot[i].since;
	*ret_n = (uint32_t)s.n;
	*ret_oldest = oldest;
	return RC_OK;
}

enum rc
handed_objections(struct custody *c, struct objection **ret, size_t *ret_n, struct err *err)
{
	AUTO_DONE(slots_done) struct slots s;
	struct objection	*o;
	size_t			 i;

	memset(&s, 0, sizeof(s));
	TRY(slots_read(c, KIND_NO_LAST, &s, err));
	if ((o = calloc(s.n + 1, sizeof(*o))) == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	for (i = 0; i < s.n; i++) {
		o[i].type = slot_type(slot_kind(&s.slot[i]));
		memcpy(o[i].subject, slot_subject(&s.slot[i]), sizeof(o[i].subject));
	}
	*ret = o;
	*ret_n = s.n;
	return RC_OK;
}

/* --- forgetting ------------------------------------------------------------------------ */

static enum rc
forget_slot(struct custody *c, const struct statement *s, bool any_id, struct err *err)
{
	uint8_t		key[SLOT_KEY_BYTES];
	struct slot	slot;
	enum rc		rc;

	slot_key_of(s, key);
	rc = slot_find(c, key, &slot, err);
	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	/* The slot may be another's of the same kind, subject and signer: that one still waits. */
	if (!any_id && memcmp(slot.id, s->id, sizeof(slot.id)) != 0)
		return RC_OK;
	return slot_del(c, &slot, err);
}

enum rc
handed_logged(struct custody *c, const struct statement *s, enum void_reason why, struct err *err)
{
	enum handed_kind	k = slot_kind_of(s);

	/* Who holds a "no" back until it has expired, and logs it then, has not heard it. */
	if (k == KIND_NONE || (k <= KIND_NO_LAST && why == VOID_EXPIRED))
		return RC_OK;
	/* Not of a withdrawal: what it took back may have been said again since. */
	return forget_slot(c, s, why == VOID_NONE && (k == KIND_DENIAL || k == KIND_REVOCATION || k == KIND_RECEIPT),
	    err);
}

/* Of a request, or of an amendment. RC_MISSING: there is none of that id. */
static enum rc
subject_is_over(struct custody *c, const uint8_t *subject, when now, bool *ret, struct err *err)
{
	struct amendment_view	a;
	struct request_view	v;
	enum rc			rc = replica_request(c->replica, subject, now, &v, err);

	if (rc == RC_OK)
		*ret = v.phase != REQUEST_OPEN && v.phase != REQUEST_MET && v.phase != REQUEST_ORDERED;
	if (rc != RC_MISSING)
		return rc;
	TRY(replica_amendment(c->replica, subject, now, &a, err));
	*ret = a.phase != AMENDMENT_OPEN && a.phase != AMENDMENT_MET;
	return RC_OK;
}

/* Of a "no": nothing is left that it could bar. */
static enum rc
is_over(struct custody *c, const struct slot *s, when now, bool *ret, struct err *err)
{
	enum rc	rc;

	*ret = slot_kind(s) > KIND_NO_LAST;
	if (*ret || slot_kind(s) == KIND_REVOCATION)
		return RC_OK;
	rc = subject_is_over(c, slot_subject(s), now, ret, err);
	/* What is not there was of a tail that is gone, and may be logged again. */
	return rc == RC_MISSING ? RC_OK : rc;
}

enum rc
handed_expire(struct custody *c, when now, struct err *err)
{
	AUTO_DONE(slots_done) struct slots s;
	size_t	i, n = 0;
	when	log;
	bool	over;

	memset(&s, 0, sizeof(s));
	/* Who sets our clock ahead must not make us forget, nor who dates the log. */
	TRY(replica_time(c->replica, &log, err));
	if (log < now)
		now = log;
	TRY(slots_read(c, KIND_LAST, &s, err));
	for (i = 0; i < s.n && n < EXPIRE_AT_ONCE; i++) {
		if (now <= s.slot[i].expires || now - s.slot[i].expires <= HANDED_KEEP)
			continue;
		TRY(is_over(c, &s.slot[i], now, &over, err));
		if (!over)
			continue;
		TRY(slot_del(c, &s.slot[i], err));
		n++;
	}
	return RC_OK;
}

/* custodian/consent.c - amendments that wait for this custodian's consent. */
#include <string.h>

#include "base/wire.h"
#include "custodian/append.h"

#define ROW_KEY_BYTES	(8 + SHA256_BYTES)		/* u64 index, amendment id */

/* A row: u8 tries, id of the last consent; nothing before the first. */
struct row {
	uint8_t	key[ROW_KEY_BYTES];
	uint8_t	tries;			/* that did not run out */
	uint8_t	said[SHA256_BYTES];
};

enum word {
	WORD_NONE,		/* or void in the log */
	WORD_SAID,
	WORD_RAN_OUT,		/* unlogged; no longer good */
};

struct rows {
	struct row	row[CONSENT_AT_ONCE];
	size_t		n;
};

static const uint8_t *
amendment_of(const struct row *r)
{
	return r->key + 8;
}

/* --- rows -------------------------------------------------------------------------- */

static void
row_key(uint64_t index, const uint8_t id[SHA256_BYTES], uint8_t ret[ROW_KEY_BYTES])
{
	uint8_t	i;

	for (i = 0; i < 8; i++)
		ret[i] = (uint8_t)(index >> (56 - 8 * i));
	memcpy(ret + 8, id, SHA256_BYTES);
}

static enum rc
row_put(struct custody *c, const struct row *r, struct err *err)
{
	uint8_t	v[1 + SHA256_BYTES];

	v[0] = r->tries;
	memcpy(v + 1, r->said, SHA256_BYTES);
	return store_journal_put(c->store, JOURNAL_CONSENT, SPAN_OF(r->key), SPAN_OF(v), err);
}

static enum rc
on_row(void *user, struct span key, struct span value, struct err *err)
{
	struct rows	*l = user;
	struct row	*r = &l->row[l->n];
	struct rd	 rd = rd_init(value);

	if (key.n != sizeof(r->key) || !rd_u8(&rd, &r->tries) || !rd_bytes(&rd, r->said, sizeof(r->said)) ||
	    !rd_done(&rd))
		return err_set(err, RC_BUG, "the record of amendments is damaged");
	memcpy(r->key, key.p, key.n);
	l->n++;
	return RC_OK;
}

/* The next few, from where the last look ended. */
static enum rc
read_rows(struct custody *c, struct rows *ret, struct err *err)
{
	struct consenting	*k = &c->consenting;

	ret->n = 0;
	TRY(store_journal_each(c->store, JOURNAL_CONSENT, SPAN(k->after, k->n_after), CONSENT_AT_ONCE, on_row, ret, err));
	if (ret->n == 0 && k->n_after != 0)
		TRY(store_journal_each(c->store, JOURNAL_CONSENT, SPAN(NULL, 0), CONSENT_AT_ONCE, on_row, ret, err));
	k->n_after = 0;
	if (ret->n == CONSENT_AT_ONCE) {
		k->n_after = sizeof(k->after);
		memcpy(k->after, ret->row[ret->n - 1].key, k->n_after);
	}
	return RC_OK;
}

static enum rc
on_count(void *user, struct span key, struct span value, struct err *err)
{
	(void)key;
	(void)value;
	(void)err;
	(*(size_t *)user)++;
	return RC_OK;
}

enum rc
consent_note(struct custody *c, uint64_t index, const uint8_t id[SHA256_BYTES], struct err *err)
{
	struct row	r;
	size_t		n = 0;

	memset(&r, 0, sizeof(r));
	row_key(index, id, r.key);
	TRY(store_journal_each(c->store, JOURNAL_CONSENT, SPAN(NULL, 0), CONSENT_NOTED_MAX, on_count, &n, err));
	if (n < CONSENT_NOTED_MAX)
		return row_put(c, &r, err);
	log_line("amendment of entry %llu is not looked at: %zu wait already; withdraw some and propose it again",
	    (unsigned long long)index, n);
	return RC_OK;
}

/* --- one of them --------------------------------------------------------------------- */

/* Our clock or the log's, by which apply judges. */
static enum rc
later_of(struct custody *c, when now, when *ret, struct err *err)
{
	when	log;

	TRY(replica_time(c->replica, &log, err));
	*ret = log > now ? log : now;
	return RC_OK;
}

enum rc
consent_ran_out(struct custody *c, struct span dsse, when now, bool *ret, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse d;
	AUTO_DONE(statement_done) struct statement s;
	when	t;
	enum rc	rc;

	memset(&d, 0, sizeof(d));
	memset(&s, 0, sizeof(s));
	*ret = false;
	rc = dsse_parse(dsse, &d, err);
	if (rc == RC_OK)
		rc = statement_parse(&d, &s, err);
	if (rc == RC_FORMAT || rc == RC_LIMIT)
		return RC_OK;		/* it is no consent, whatever it is */
	TRY(rc);
	TRY(later_of(c, now, &t, err));
	*ret = s.type == STATEMENT_CONSENT && t > s.expires;
	return RC_OK;
}

static enum rc
unlogged(struct custody *c, const uint8_t id[SHA256_BYTES], when now, enum word *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(DSSE_BYTES_MAX);
	bool	ran_out;
	enum rc	rc = store_journal_get(c->store, JOURNAL_FOUND, SPAN(id, SHA256_BYTES), &v, err);

	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	TRY(consent_ran_out(c, buf_view(&v), now, &ran_out, err));
	*ret = ran_out ? WORD_RAN_OUT : WORD_SAID;
	return RC_OK;
}

/* Is what it said before enough? Not what is void in the log; but it is not said for ever. */
static enum rc
what_was_said(struct custody *c, const struct row *r, when now, enum word *ret, struct err *err)
{
	enum void_reason	why;
	uint64_t		at;
	enum rc			rc;

	*ret = r->tries >= CONSENT_TRIES_MAX ? WORD_SAID : WORD_NONE;
	if (r->tries == 0)
		return RC_OK;
	rc = replica_logged(c->replica, r->said, &at, &why, err);
	if (rc == RC_MISSING)
		return unlogged(c, r->said, now, ret, err);
	TRY(rc);
	if (why == VOID_NONE)
		*ret = WORD_SAID;
	return RC_OK;
}

/* How long the log had to wait still when it said that the last consent was too early. */
static enum rc
early_by(struct custody *c, const struct row *r, uint64_t *ret, struct err *err)
{
	struct amendment_view	v;
	struct verdict		said;
	enum void_reason	why;
	uint64_t		at;
	enum rc			rc = replica_logged(c->replica, r->said, &at, &why, err);

	*ret = 0;
	if (rc == RC_MISSING || (rc == RC_OK && why != VOID_OBJECTION))
		return RC_OK;
	TRY(rc);
	TRY(store_verdict(c->store, at, &said, err));
	TRY(replica_amendment(c->replica, amendment_of(r), said.time, &v, err));
	if (v.earliest > said.time)
		*ret = v.earliest - said.time;
	return RC_OK;
}

/* Our clock may be ahead of the log's: as long again by any clock, and a second for what is rounded. */
static enum rc
is_too_soon(struct custody *c, const struct row *r, bool *ret, struct err *err)
{
	struct consenting	*k = &c->consenting;
	uint64_t		 seconds;

	*ret = false;
	if (r->tries == 0)
		return RC_OK;
	TRY(early_by(c, r, &seconds, err));
	if (k->said_ms == 0)
		k->said_ms = clock_ms();
	*ret = seconds != 0 && (clock_ms() - k->said_ms) / 1000 <= seconds;
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

static enum rc
forget(struct custody *c, const struct row *r, struct err *err)
{
	enum rc	rc;

	TRY(store_begin(c->store, err));
	rc = store_journal_del(c->store, JOURNAL_CONSENT, SPAN_OF(r->key), err);
	/* It could only be void now, and nobody would log it. */
	if (rc == RC_OK && r->tries > 0)
		rc = store_journal_del(c->store, JOURNAL_FOUND, SPAN_OF(r->said), err);
	return commit_or_not(c, rc, err);
}

/* In a transaction. It was no try: the log never said that it is void. */
static enum rc
drop(struct custody *c, struct row *r, struct err *err)
{
	TRY(store_journal_del(c->store, JOURNAL_FOUND, SPAN_OF(r->said), err));
	r->tries--;
	return row_put(c, r, err);
}

static enum rc
take_back(struct custody *c, struct row *r, struct err *err)
{
	TRY(store_begin(c->store, err));
	return commit_or_not(c, drop(c, r, err), err);
}

/* Over for good: a quorum stands behind all that we judge it by. */
static enum rc
is_over(struct custody *c, const struct row *r, bool *ret, bool *ret_forget, struct err *err)
{
	struct amendment_view	v;
	uint64_t		cosigned;
	when			log;
	enum rc			rc;

	*ret = *ret_forget = false;
	TRY(replica_time(c->replica, &log, err));
	rc = replica_amendment(c->replica, amendment_of(r), log, &v, err);
	if (rc != RC_OK && rc != RC_MISSING)
		return rc;
	/* Not there: it was of a tail that is gone. */
	*ret = rc == RC_MISSING || (v.phase != AMENDMENT_OPEN && v.phase != AMENDMENT_MET);
	TRY(custody_cosigned_size(c, &cosigned, err));
	*ret_forget = *ret && cosigned == store_size(c->store);
	return RC_OK;
}

static enum rc
put_consent(struct custody *c, struct row *r, enum word before, struct statement *s, struct err *err)
{
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX);

	if (before == WORD_RAN_OUT)
		TRY(drop(c, r, err));
	memcpy(s->subject, amendment_of(r), SHA256_BYTES);
	s->u.consent.custodian = c->index;
	TRY(custody_sign(c, s, &dsse, err));
	r->tries++;
	memcpy(r->said, s->id, SHA256_BYTES);
	TRY(store_journal_put(c->store, JOURNAL_FOUND, SPAN_OF(s->id), buf_view(&dsse), err));
	TRY(row_put(c, r, err));
	return steps_take(c, err);
}

static enum rc
say(struct custody *c, struct row *r, enum word before, when now, struct err *err)
{
	AUTO_DONE(statement_done) struct statement s;
	char	hex[HEX_BYTES(SHA256_BYTES)];
	when	issued;

	memset(&s, 0, sizeof(s));
	TRY(later_of(c, now, &issued, err));	/* else it could have run out already, again and again */
	TRY(custody_statement(c, STATEMENT_CONSENT, issued, CONSENT_LIFE, &s, err));
	TRY(store_begin(c->store, err));
	TRY(commit_or_not(c, put_consent(c, r, before, &s, err), err));
	c->consenting.unmarked = true;
	c->consenting.said_ms = clock_ms();
	log_line("consents to amendment %.16s", hex_write(SPAN(amendment_of(r), SHA256_BYTES), hex));
	return RC_OK;
}

/* As of an order: whoever does not contribute now does not let the charter change either. */
static enum rc
may_consent(struct custody *c, const struct row *r, when now, struct err *err)
{
	AUTO_DONE(own_done) struct own	own;

	memset(&own, 0, sizeof(own));
	TRY(custody_willing(c, now, err));
	TRY(own_of(c, now, &own, err));
	TRY(replica_may_consent(c->replica, amendment_of(r), c->index, &own.view, err));
	return custody_may_follow(c, err);
}

/* What a later version may do. */
static void
tell(struct custody *c, const struct row *r, const struct err *err)
{
	struct consenting	*k = &c->consenting;

	if (memcmp(k->told, amendment_of(r), sizeof(k->told)) == 0)
		return;
	memcpy(k->told, amendment_of(r), sizeof(k->told));
	log_err(err, "does not consent to an amendment");
}

/* It may be asked again at any time, so that a "no" is no error. */
static enum rc
ask(struct custody *c, const struct row *r, when now, bool *ret, struct err *err)
{
	enum rc	rc = may_consent(c, r, now, err);

	c->words[0] = '\0';	/* nobody was refused anything */
	if (rc == RC_FORMAT || rc == RC_LIMIT)
		tell(c, r, err);
	*ret = rc == RC_OK;
	return rc == RC_DENIED || rc == RC_QUORUM || rc == RC_UNSURE || rc == RC_MISSING || rc == RC_FORMAT ||
	    rc == RC_LIMIT ? RC_OK : rc;
}

static enum rc
look_at(struct custody *c, struct row *r, when now, struct err *err)
{
	enum word	before;
	bool		over, gone, soon, may;

	TRY(is_over(c, r, &over, &gone, err));
	if (gone)
		return forget(c, r, err);
	TRY(what_was_said(c, r, now, &before, err));
	if (before == WORD_SAID)
		return RC_OK;
	TRY(is_too_soon(c, r, &soon, err));
	may = !over && !soon;
	if (may)
		TRY(ask(c, r, now, &may, err));
	if (may)
		return say(c, r, before, now, err);
	return before == WORD_RAN_OUT ? take_back(c, r, err) : RC_OK;
}

/* --- all of them ------------------------------------------------------------------------ */

/* What was signed goes out when the token counts it, and not before. */
static enum rc
mark(struct custody *c, struct err *err)
{
	if (!c->consenting.unmarked)
		return RC_OK;
	TRY(steps_mark(c, err));
	c->consenting.unmarked = false;
	return RC_OK;
}

static bool
is_time(struct consenting *k, bool news, int *ret_wait_ms)
{
	uint64_t	now = clock_ms(), since = now - k->looked_ms;

	if (!news && k->looked_ms != 0 && since < CONSENT_LOOK_MS) {
		*ret_wait_ms = (int)(CONSENT_LOOK_MS - since);
		return false;
	}
	k->looked_ms = now;
	return true;
}

enum rc
consent_work(struct custody *c, when now, bool news, int *ret_wait_ms, struct err *err)
{
	struct rows	l;
	size_t		i;

	*ret_wait_ms = -1;
	if (replica_charter(c->replica) == NULL || !is_time(&c->consenting, news, ret_wait_ms))
		return RC_OK;
	TRY(mark(c, err));
	TRY(read_rows(c, &l, err));
	for (i = 0; i < l.n; i++)
		TRY(look_at(c, &l.row[i], now, err));
	*ret_wait_ms = l.n == 0 ? -1 : CONSENT_LOOK_MS;
	return mark(c, err);
}

/*
 * custodian/check.c - what the background check does next, and its queue.
 *
 * An effective batch stands in one of three journals until `checked` is said of it:
 *
 *	JOURNAL_UNSAID		its vector is not here, or it is not to be said of it, or (value 1)
 *				not before the log shows what was garbage in it
 *	JOURNAL_UNCHECKED	its vector is here; CUSTODY_UNCHECKED counts these
 *	JOURNAL_THROUGH		it was checked; the next run will hold it
 */
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "custodian/checking.h"

void
checking_free(struct checking *k)
{
	if (k == NULL)
		return;
	check_batch_close(k);
	buf_done(&k->descriptors);
	buf_done(&k->sealed);
	secret_free(k->shares);
	free(k);
}

DEFINE_AUTO(checking_free, struct checking);

/* --- keys, rows, the count ----------------------------------------------------------- */

void
check_key(uint64_t index, uint8_t ret[CHECK_KEY_BYTES])
{
	for (int i = 0; i < CHECK_KEY_BYTES; i++)
		ret[i] = (uint8_t)(index >> (56 - 8 * i));
}

enum rc
check_key_read(struct span key, uint64_t *ret, struct err *err)
{
	struct rd	r = rd_init(key);

	if (!rd_u64(&r, ret) || !rd_done(&r))
		return err_set(err, RC_BUG, "the record of unchecked batches is damaged");
	return RC_OK;
}

struct first {
	bool		found;
	uint64_t	index;
};

static enum rc
on_first(void *user, struct span key, struct span value, struct err *err)
{
	struct first	*f = user;

	(void)value;
	f->found = true;
	return check_key_read(key, &f->index, err);
}

enum rc
check_first(struct custody *c, const char *journal, uint64_t after, uint64_t *ret, struct err *err)
{
	struct first	f = { false, 0 };
	uint8_t		key[CHECK_KEY_BYTES];

	check_key(after, key);
	TRY(store_journal_each(c->store, journal, after == UINT64_MAX ? SPAN(NULL, 0) : SPAN_OF(key), 1,
	    on_first, &f, err));
	if (!f.found)
		return err_set(err, RC_MISSING, "no such batch");
	*ret = f.index;
	return RC_OK;
}

enum rc
check_waiting(struct custody *c, uint64_t *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(CHECK_KEY_BYTES);
	enum rc	rc = store_get(c->store, CUSTODY_UNCHECKED, &v, err);

	*ret = 0;
	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	return check_key_read(buf_view(&v), ret, err);
}

static enum rc
count(struct custody *c, int64_t by, struct err *err)
{
	uint64_t	n;
	uint8_t		v[CHECK_KEY_BYTES];

	TRY(check_waiting(c, &n, err));
	if (by < 0 && n < (uint64_t)-by)
		return err_set(err, RC_BUG, "the count of unchecked batches is damaged");
	check_key(n + (uint64_t)by, v);
	return store_put(c->store, CUSTODY_UNCHECKED, SPAN_OF(v), err);
}

static enum rc
has_row(struct custody *c, const char *journal, struct span key, bool *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(64);
	enum rc	rc = store_journal_get(c->store, journal, key, &v, err);

	if (rc != RC_OK && rc != RC_MISSING)
		return rc;
	*ret = rc == RC_OK;
	return RC_OK;
}

enum rc
check_note_batch(struct custody *c, uint64_t index, struct err *err)
{
	uint8_t	key[CHECK_KEY_BYTES];
	bool	here, noted;

	check_key(index, key);
	TRY(store_shares_has(c->store, index, &here, err));
	if (!here)
		return store_journal_put(c->store, JOURNAL_UNSAID, SPAN_OF(key), SPAN(NULL, 0), err);
	TRY(has_row(c, JOURNAL_UNCHECKED, SPAN_OF(key), &noted, err));
	if (noted)
		return RC_OK;
	TRY(store_journal_del(c->store, JOURNAL_UNSAID, SPAN_OF(key), err));
	TRY(store_journal_put(c->store, JOURNAL_UNCHECKED, SPAN_OF(key), SPAN(NULL, 0), err));
	return count(c, 1, err);
}

enum rc
check_garbage(struct custody *c, uint64_t index, uint32_t leaf, bool *ret, struct err *err)
{
	uint8_t	key[CHECK_GARBAGE_KEY_BYTES];

	check_garbage_key(index, leaf, key);
	return has_row(c, JOURNAL_GARBAGE, SPAN_OF(key), ret, err);
}

/* --- what is at hand -------------------------------------------------------------------- */

static enum rc
on_row(void *user, struct span key, struct span value, struct err *err)
{
	struct checking	*k = user;
	struct rd	 r = rd_init(value);
	when		 at;

	(void)key;
	if (!rd_u64(&r, &at) || !rd_done(&r))
		return err_set(err, RC_BUG, "the record of checked batches is damaged");
	if (k->n_through == 0 || at < k->oldest)
		k->oldest = at;
	k->n_through++;
	return RC_OK;
}

/* At most CHECK_RUN_MAX rows: with that many a run is said before another batch is opened. */
static enum rc
look_through(struct custody *c, struct checking *k, struct err *err)
{
	k->n_through = 0;
	return store_journal_each(c->store, JOURNAL_THROUGH, SPAN(NULL, 0), CHECK_RUN_MAX, on_row, k, err);
}

static enum rc
checking_of(struct custody *c, struct checking **ret, struct err *err)
{
	AUTO(checking_free) struct checking *k = NULL;

	if (c->checking == NULL) {
		if ((k = calloc(1, sizeof(*k))) == NULL)
			return err_set(err, RC_NOMEM, "check: no memory");
		k->descriptors = BUF_INIT(DESCRIPTOR_VECTOR_MAX);
		k->sealed = BUF_INIT((size_t)BATCH_COUNT_MAX * SEALED_SHARE_BYTES);
		if ((k->shares = secret_new((size_t)CHECK_SLICE * SHAMIR_SCALAR_BYTES)) == NULL)
			return err_set(err, RC_NOMEM, "check: no locked memory");
		TRY(look_through(c, k, err));
		c->checking = TAKE(k);
	}
	*ret = c->checking;
	return RC_OK;
}

/* --- from one journal to the next ------------------------------------------------------- */

static enum rc
move(struct custody *c, uint64_t index, const char *to, struct span value, struct err *err)
{
	uint8_t	key[CHECK_KEY_BYTES];

	check_key(index, key);
	TRY(store_journal_del(c->store, JOURNAL_UNCHECKED, SPAN_OF(key), err));
	if (to != NULL)
		TRY(store_journal_put(c->store, to, SPAN_OF(key), value, err));
	return count(c, -1, err);
}

/* to NULL: `checked` was said of it already. */
static enum rc
leave(struct custody *c, uint64_t index, const char *to, struct span value, struct err *err)
{
	enum rc	rc;

	TRY(store_begin(c->store, err));
	rc = move(c, index, to, value, err);
	if (rc == RC_OK)
		rc = store_commit(c->store, err);
	if (rc != RC_OK)
		store_rollback(c->store);
	return rc;
}

struct own_garbage {
	struct custody	*c;
	uint64_t	 batch, cosigned;
	bool		 waits;
};

static enum rc
on_garbage(void *user, struct span key, struct span value, struct err *err)
{
	struct own_garbage	*k = user;
	struct rd		 r = rd_init(key);
	uint64_t		 batch, at;
	uint32_t		 leaf;
	bool			 own;
	enum rc			 rc;

	(void)value;
	if (!rd_u64(&r, &batch) || !rd_u32(&r, &leaf) || !rd_done(&r))
		return err_set(err, RC_BUG, "the record of garbage is damaged");
	if (batch != k->batch)
		return RC_OK;
	rc = replica_garbage(k->c->replica, batch, k->c->index, leaf, &at, &own, err);
	if (rc != RC_OK && rc != RC_MISSING)
		return rc;
	k->waits |= rc == RC_MISSING || at >= k->cosigned;
	return RC_OK;
}

/*
 * `garbage` that the log shows after `checked` tells on this custodian: who held the one back
 * until the other came would name it. So the one is not said before the other is there for good.
 */
static enum rc
garbage_waits(struct custody *c, uint64_t batch, bool *ret, struct err *err)
{
	struct own_garbage	k = { .c = c, .batch = batch };
	uint8_t			after[CHECK_GARBAGE_KEY_BYTES];

	TRY(custody_cosigned_size(c, &k.cosigned, err));
	check_garbage_key(batch - 1, UINT32_MAX, after);	/* no batch is entry 0 */
	TRY(store_journal_each(c->store, JOURNAL_GARBAGE, SPAN_OF(after), CHECK_GARBAGE_MAX, on_garbage, &k, err));
	*ret = k.waits;
	return RC_OK;
}

static enum rc
finish(struct custody *c, struct checking *k, when now, struct err *err)
{
	static const uint8_t	later = 1;
	uint8_t	at[CHECK_KEY_BYTES];
	bool	waits;

	check_key(now, at);
	TRY(garbage_waits(c, k->batch, &waits, err));
	if (k->n_bad > 0)
		log_line("ALARM: the sealer of batch %llu gave this custodian garbage: %u of %u shares, leaf %u among them",
		    (unsigned long long)k->batch, k->n_bad, k->count, k->bad[0].leaf);
	if (k->n_bad > CHECK_GARBAGE_MAX) {
		TRY(leave(c, k->batch, JOURNAL_UNSAID, SPAN(NULL, 0), err));
	} else if (waits) {
		TRY(leave(c, k->batch, JOURNAL_UNSAID, SPAN(&later, 1), err));
	} else {
		TRY(leave(c, k->batch, JOURNAL_THROUGH, SPAN_OF(at), err));
		if (k->n_through == 0 || now < k->oldest)
			k->oldest = now;
		k->n_through++;
	}
	check_batch_close(k);
	return RC_OK;
}

static enum rc
begin(struct custody *c, struct checking *k, uint64_t index, struct err *err)
{
	const struct charter	*charter;
	bool			 said;
	enum rc			 rc;

	TRY(custody_charter(c, &charter, err));
	/* A custodian that lost its database and was sent all of it again. */
	TRY(replica_checked(c->replica, index, c->index, &said, err));
	if (said)
		return leave(c, index, NULL, SPAN(NULL, 0), err);
	rc = check_batch_open(c, k, index, err);
	if (rc != RC_VERIFY)
		return rc;
	log_err(err, "ALARM: this custodian's disk");
	return leave(c, index, JOURNAL_UNSAID, SPAN(NULL, 0), err);
}

/* --- one small thing ----------------------------------------------------------------------- */

static enum rc
go_on(struct custody *c, struct checking *k, when now, struct err *err)
{
	if (k->leaf < k->count)
		return check_batch_slice(c, k, err);
	if (k->said < k->n_bad && k->said < CHECK_GARBAGE_MAX)
		return check_say_garbage(c, k, now, err);
	return finish(c, k, now, err);
}

/* A clock that went back makes it due as well. */
static bool
run_is_due(const struct checking *k, when now)
{
	return k->n_through >= CHECK_RUN_MAX ||
	    (k->n_through > 0 && (now < k->oldest || now - k->oldest >= CHECK_RUN_SECONDS));
}

static enum rc
say_run(struct custody *c, struct checking *k, when now, struct err *err)
{
	TRY(check_say_run(c, now, err));
	return look_through(c, k, err);
}

/* Nothing is waiting but the time of the run. */
static int
until_due(const struct checking *k, when now)
{
	return k->n_through == 0 ? -1 : (int)(k->oldest + CHECK_RUN_SECONDS - now) * 1000;
}

enum rc
check_work(struct custody *c, when now, int *ret_wait_ms, struct err *err)
{
	struct checking	*k = NULL;
	uint64_t	 index;
	enum rc		 rc;

	*ret_wait_ms = -1;
	if (replica_charter(c->replica) == NULL || c->stopped.is)
		return RC_OK;
	TRY(checking_of(c, &k, err));
	*ret_wait_ms = 0;
	if (k->recount)
		TRY(look_through(c, k, err));
	k->recount = false;
	if (k->open)
		return go_on(c, k, now, err);
	if (run_is_due(k, now))
		return say_run(c, k, now, err);
	rc = check_first(c, JOURNAL_UNCHECKED, UINT64_MAX, &index, err);
	if (rc == RC_OK)
		return begin(c, k, index, err);
	if (rc == RC_MISSING)
		*ret_wait_ms = until_due(k, now);
	return rc == RC_MISSING ? RC_OK : rc;
}

/* --- what the log shows, what it dropped ------------------------------------------------- */

enum rc
check_logged(struct custody *c, const struct statement *s, struct err *err)
{
	uint64_t	index, last, up_to;
	uint8_t		key[CHECK_KEY_BYTES];
	enum void_reason why;
	enum rc		rc;

	if (s->u.checked.custodian != c->index)
		return RC_OK;
	TRY(replica_logged(c->replica, s->subject, &last, &why, err));
	TRY(check_said_up_to(c, &up_to, err));
	if (last >= up_to) {
		check_key(last + 1, key);
		TRY(store_put(c->store, CUSTODY_CHECKED, SPAN_OF(key), err));
	}
	/* No batch is entry 0. Those that were not opened yet begin() passes over. */
	while ((rc = check_first(c, JOURNAL_THROUGH, s->u.checked.first - 1, &index, err)) == RC_OK && index <= last) {
		checking_free(TAKE(c->checking));	/* it counts them anew */
		check_key(index, key);
		TRY(store_journal_del(c->store, JOURNAL_THROUGH, SPAN_OF(key), err));
	}
	return rc == RC_MISSING ? RC_OK : rc;
}

enum rc
check_garbage_logged(struct custody *c, const struct statement *s, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(8);
	enum void_reason why;
	uint64_t	 batch;
	uint8_t		 key[CHECK_KEY_BYTES], at[CHECK_KEY_BYTES];
	bool		 waits;
	enum rc		 rc;

	if (s->u.garbage.custodian != c->index)
		return RC_OK;
	TRY(replica_logged(c->replica, s->subject, &batch, &why, err));
	check_key(batch, key);
	rc = store_journal_get(c->store, JOURNAL_UNSAID, SPAN_OF(key), &v, err);
	if (rc == RC_MISSING || (rc == RC_OK && v.n == 0))
		return RC_OK;
	TRY(rc);
	TRY(garbage_waits(c, batch, &waits, err));
	if (waits)
		return RC_OK;
	check_key(0, at);		/* it waited long enough */
	TRY(store_journal_del(c->store, JOURNAL_UNSAID, SPAN_OF(key), err));
	if (c->checking != NULL)
		c->checking->recount = true;
	return store_journal_put(c->store, JOURNAL_THROUGH, SPAN_OF(key), SPAN_OF(at), err);
}

struct cutting {
	bool	found;
	size_t	n;
	uint8_t	key[CHECK_GARBAGE_KEY_BYTES];
};

static enum rc
on_cut(void *user, struct span key, struct span value, struct err *err)
{
	struct cutting	*k = user;

	(void)value;
	if (key.n > sizeof(k->key))
		return err_set(err, RC_BUG, "the record of unchecked batches is damaged");
	k->found = true;
	k->n = key.n;
	memcpy(k->key, key.p, key.n);
	return RC_OK;
}

/* Row by row: a tail that never had a quorum is short. Keys begin with the batch's index. */
static enum rc
cut(struct custody *c, const char *journal, uint64_t size, int64_t *ret_n, struct err *err)
{
	uint8_t		after[CHECK_GARBAGE_KEY_BYTES];
	struct cutting	k;

	check_garbage_key(size - 1, UINT32_MAX, after);		/* no leaf has this number */
	for (*ret_n = 0;; (*ret_n)++) {
		k.found = false;
		TRY(store_journal_each(c->store, journal, SPAN_OF(after), 1, on_cut, &k, err));
		if (!k.found)
			return RC_OK;
		TRY(store_journal_del(c->store, journal, SPAN(k.key, k.n), err));
	}
}

enum rc
check_cut(struct custody *c, uint64_t size, struct err *err)
{
	uint64_t	up_to;
	uint8_t		v[CHECK_KEY_BYTES];
	int64_t		n;

	checking_free(TAKE(c->checking));
	if (size == 0)
		return err_set(err, RC_BUG, "entry 0 is not dropped");
	TRY(cut(c, JOURNAL_UNSAID, size, &n, err));
	TRY(cut(c, JOURNAL_THROUGH, size, &n, err));
	TRY(cut(c, JOURNAL_GARBAGE, size, &n, err));
	TRY(cut(c, JOURNAL_UNCHECKED, size, &n, err));
	TRY(count(c, -n, err));
	TRY(check_said_up_to(c, &up_to, err));
	check_key(size, v);
	return up_to <= size ? RC_OK : store_put(c->store, CUSTODY_CHECKED, SPAN_OF(v), err);
}

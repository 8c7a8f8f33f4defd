/* coordinator/journal.c - what the coordinator keeps beside the log. */
#include <string.h>

#include "base/wire.h"
#include "coordinator/journal.h"

#define KEY_MAX		(SHA256_BYTES + 8)

struct key_bytes {
	uint8_t	p[KEY_MAX];
	size_t	n;
};

static void
key_add(struct key_bytes *k, const void *p, size_t n)
{
	memcpy(k->p + k->n, p, n);
	k->n += n;
}

static void
key_u8(struct key_bytes *k, unsigned v)
{
	k->p[k->n++] = (uint8_t)v;
}

static void
key_u64(struct key_bytes *k, uint64_t v)
{
	int	shift;

	for (shift = 56; shift >= 0; shift -= 8)
		k->p[k->n++] = (uint8_t)(v >> shift);
}

static struct span
key_span(const struct key_bytes *k)
{
	return SPAN(k->p, k->n);
}

enum rc
journal_entry(struct store *s, uint64_t index, const struct verdict *v, struct err *err)
{
	struct key_bytes	by_subject = { .n = 0 }, by_kind = { .n = 0 };
	uint8_t			kind[1 + SHA256_BYTES];
	uint8_t			subject[2] = { v->type, v->effective };

	key_add(&by_subject, v->subject, SHA256_BYTES);
	key_u64(&by_subject, index);
	TRY(store_journal_put(s, "subject", key_span(&by_subject), SPAN_OF(subject), err));
	key_u8(&by_kind, v->type);
	key_u64(&by_kind, index);
	kind[0] = v->effective;
	memcpy(kind + 1, v->id, SHA256_BYTES);
	return store_journal_put(s, "kind", key_span(&by_kind), SPAN_OF(kind), err);
}

/* What a walk over rows with a common prefix hands on. */
struct walk {
	const uint8_t	*prefix;
	size_t		 prefix_n;
	subject_fn	 subject;
	kind_fn		 kind;
	void		*user;
	bool		 ended;		/* past the prefix, or the caller has enough */
	uint64_t	*batch;
	size_t		 n;
};

static enum rc
each_prefix(struct store *s, const char *journal, struct walk *w, const struct key_bytes *after,
    size_t max, store_row fn, struct err *err)
{
	enum rc	rc = store_journal_each(s, journal, key_span(after), max, fn, w, err);

	return rc != RC_OK && w->ended ? RC_OK : rc;
}

static bool
in_prefix(struct walk *w, struct span key)
{
	if (key.n == w->prefix_n + 8 && memcmp(key.p, w->prefix, w->prefix_n) == 0)
		return true;
	w->ended = true;
	return false;
}

static uint64_t
key_index(struct span key)
{
	struct rd	r = rd_init(SPAN(key.p + key.n - 8, 8));
	uint64_t	v = 0;

	(void)rd_u64(&r, &v);	/* exactly 8 bytes are there */
	return v;
}

/* The caller's RC_LIMIT is its way to say "enough". */
static enum rc
stop_or(struct walk *w, enum rc rc)
{
	if (rc == RC_LIMIT)
		w->ended = true;
	return rc;
}

static enum rc
subject_row(void *user, struct span key, struct span value, struct err *err)
{
	struct walk	*w = user;

	if (!in_prefix(w, key))
		return RC_LIMIT;
	if (value.n != 2)
		return err_set(err, RC_BUG, "journal subject: a row of %zu bytes", value.n);
	return stop_or(w, w->subject(w->user, key_index(key), value.p[0],
	    value.p[1] != 0, err));
}

enum rc
journal_subject(struct store *s, const uint8_t subject[SHA256_BYTES], subject_fn fn,
    void *user, struct err *err)
{
	struct walk		w = { .prefix = subject, .prefix_n = SHA256_BYTES,
				    .subject = fn, .user = user };
	struct key_bytes	after = { .n = 0 };

	/* The prefix alone sorts before every row that has it. */
	key_add(&after, subject, SHA256_BYTES);
	return each_prefix(s, "subject", &w, &after, JOURNAL_INDEX_MAX, subject_row, err);
}

static enum rc
kind_row(void *user, struct span key, struct span value, struct err *err)
{
	struct walk	*w = user;

	if (!in_prefix(w, key))
		return RC_LIMIT;
	if (value.n != 1 + SHA256_BYTES)
		return err_set(err, RC_BUG, "journal kind: a row of %zu bytes", value.n);
	return stop_or(w, w->kind(w->user, key_index(key), value.p[0] != 0,
	    value.p + 1, err));
}

enum rc
journal_kind(struct store *s, enum statement_type type, uint64_t after_index, kind_fn fn,
    void *user, struct err *err)
{
	uint8_t			prefix = (uint8_t)type;
	struct walk		w = { .prefix = &prefix, .prefix_n = 1, .kind = fn, .user = user };
	struct key_bytes	after = { .n = 0 };

	key_u8(&after, type);
	if (after_index != UINT64_MAX)
		key_u64(&after, after_index);
	return each_prefix(s, "kind", &w, &after, JOURNAL_INDEX_MAX, kind_row, err);
}

static struct key_bytes
batch_custodian(uint64_t batch, uint8_t custodian)
{
	struct key_bytes	k = { .n = 0 };

	key_u64(&k, batch);
	key_u8(&k, custodian);
	return k;
}

static struct key_bytes
custodian_batch(uint8_t custodian, uint64_t batch)
{
	struct key_bytes	k = { .n = 0 };

	key_u8(&k, custodian);
	key_u64(&k, batch);
	return k;
}

enum rc
journal_spool(struct store *s, uint64_t batch, const struct span *vector, uint8_t n,
    struct err *err)
{
	struct key_bytes	k;
	uint8_t			i;

	for (i = 1; i <= n; i++) {
		k = batch_custodian(batch, i);
		TRY(store_journal_put(s, "spool", key_span(&k), vector[i - 1], err));
		k = custodian_batch(i, batch);
		TRY(store_journal_put(s, "pending", key_span(&k), SPAN_STR("1"), err));
	}
	return RC_OK;
}

enum rc
journal_vector(struct store *s, uint64_t batch, uint8_t custodian, struct buf *ret,
    struct err *err)
{
	struct key_bytes	k = batch_custodian(batch, custodian);

	return store_journal_get(s, "spool", key_span(&k), ret, err);
}

enum rc
journal_held(struct store *s, uint64_t batch, uint8_t custodian, struct buf *ret,
    struct err *err)
{
	struct key_bytes	k = batch_custodian(batch, custodian);

	return store_journal_get(s, "held", key_span(&k), ret, err);
}

unsigned
journal_held_count(struct store *s, uint64_t batch, uint8_t n)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(DSSE_BYTES_MAX);
	unsigned	held = 0;
	uint8_t		i;

	for (i = 1; i <= n; i++) {
		buf_reset(&b);
		held += journal_held(s, batch, i, &b, NULL) == RC_OK;
	}
	return held;
}

enum rc
journal_hold(struct store *s, uint64_t batch, uint8_t custodian, struct span dsse, struct err *err)
{
	struct key_bytes	k = batch_custodian(batch, custodian);

	TRY(store_journal_put(s, "held", key_span(&k), dsse, err));
	k = custodian_batch(custodian, batch);
	TRY(store_journal_del(s, "pending", key_span(&k), err));
	return store_journal_del(s, "unheard", key_span(&k), err);
}

enum rc
journal_unheard_put(struct store *s, uint64_t batch, uint8_t n, struct err *err)
{
	struct key_bytes	k;
	uint8_t			i;

	for (i = 1; i <= n; i++) {
		k = custodian_batch(i, batch);
		TRY(store_journal_put(s, "unheard", key_span(&k), SPAN_STR("1"), err));
	}
	return RC_OK;
}

static enum rc
pending_row(void *user, struct span key, struct span value, struct err *err)
{
	struct walk	*w = user;

	(void)err;
	(void)value;
	if (!in_prefix(w, key))
		return RC_LIMIT;
	if (w->batch != NULL)
		w->batch[w->n] = key_index(key);
	w->n++;
	return RC_OK;
}

static enum rc
batches_of(struct store *s, const char *journal, uint8_t custodian, uint64_t first, uint64_t *ret,
    size_t max, size_t *ret_n, struct err *err)
{
	struct walk		w = { .prefix = &custodian, .prefix_n = 1, .batch = ret };
	struct key_bytes	after = { .n = 0 };

	key_u8(&after, custodian);
	if (first > 0)
		key_u64(&after, first - 1);
	TRY(each_prefix(s, journal, &w, &after, max, pending_row, err));
	*ret_n = w.n;
	return RC_OK;
}

enum rc
journal_pending(struct store *s, uint8_t custodian, uint64_t first, uint64_t *ret,
    size_t max, size_t *ret_n, struct err *err)
{
	return batches_of(s, "pending", custodian, first, ret, max, ret_n, err);
}

enum rc
journal_unheard(struct store *s, uint8_t custodian, uint64_t first, uint64_t *ret,
    size_t max, size_t *ret_n, struct err *err)
{
	return batches_of(s, "unheard", custodian, first, ret, max, ret_n, err);
}

static enum rc
count_row(void *user, struct span key, struct span value, struct err *err)
{
	(void)key;
	(void)value;
	(void)err;
	++*(uint64_t *)user;
	return RC_OK;
}

enum rc
journal_pending_of(struct store *s, uint8_t custodian, size_t max, uint64_t *ret, struct err *err)
{
	size_t	n;

	TRY(batches_of(s, "pending", custodian, 0, NULL, max, &n, err));
	*ret = n;
	return RC_OK;
}

enum rc
journal_pending_count(struct store *s, size_t max, uint64_t *ret, struct err *err)
{
	uint64_t	n = 0;

	TRY(store_journal_each(s, "pending", SPAN(NULL, 0), max, count_row, &n, err));
	*ret = n;
	return RC_OK;
}

enum rc
journal_handover(struct store *s, uint64_t index, struct span note, struct err *err)
{
	struct key_bytes	k = { .n = 0 };

	key_u64(&k, index);
	return store_journal_put(s, "handover", key_span(&k), note, err);
}

struct first_row { uint64_t index; struct buf *note; bool found; };

static enum rc
first_row(void *user, struct span key, struct span value, struct err *err)
{
	struct first_row	*f = user;

	if (key.n != 8)
		return err_set(err, RC_BUG, "journal handover: a key of %zu bytes", key.n);
	f->index = key_index(key);
	f->found = true;
	buf_reset(f->note);
	buf_span(f->note, value);
	return buf_check(f->note, "note", err);
}

enum rc
journal_handover_from(struct store *s, uint64_t index, uint64_t *ret_index, struct buf *ret_note,
    struct err *err)
{
	struct first_row	f = { .note = ret_note, .found = false };
	struct key_bytes	after = { .n = 0 };

	if (index > 0)
		key_u64(&after, index - 1);
	TRY(store_journal_each(s, "handover", key_span(&after), 1, first_row, &f, err));
	if (!f.found)
		return err_set(err, RC_MISSING, "no succession from entry %llu on", (unsigned long long)index);
	*ret_index = f.index;
	return RC_OK;
}

enum rc
journal_package_put(struct store *s, const uint8_t request[SHA256_BYTES],
    const struct package_row *row, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(256);

	buf_u64(&b, row->size);
	buf_add(&b, row->sha256, SHA256_BYTES);
	buf_add(&b, row->order, SHA256_BYTES);
	buf_u64(&b, row->order_index);
	buf_u64(&b, row->release_index);
	buf_u32(&b, row->good);
	buf_u32(&b, row->bad);
	buf_u8(&b, row->stamps);
	TRY(buf_check(&b, "package row", err));
	return store_journal_put(s, "package", SPAN(request, SHA256_BYTES), buf_view(&b), err);
}

enum rc
journal_package(struct store *s, const uint8_t request[SHA256_BYTES],
    struct package_row *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(256);
	struct package_row	row;
	struct rd		r;

	TRY(store_journal_get(s, "package", SPAN(request, SHA256_BYTES), &b, err));
	r = rd_init(buf_view(&b));
	if (!rd_u64(&r, &row.size) ||
	    !rd_bytes(&r, row.sha256, SHA256_BYTES) ||
	    !rd_bytes(&r, row.order, SHA256_BYTES) ||
	    !rd_u64(&r, &row.order_index) ||
	    !rd_u64(&r, &row.release_index) ||
	    !rd_u32(&r, &row.good) ||
	    !rd_u32(&r, &row.bad) ||
	    !rd_u8(&r, &row.stamps) ||
	    !rd_done(&r))
		return err_set(err, RC_BUG, "package row: malformed at byte %zu", r.at);
	*ret = row;
	return RC_OK;
}

/*
 * policy/record.c - see policy/record.h and docs/spec/state-v1.md section 3.
 */
#include <string.h>

#include "policy/record_impl.h"

/* --- keys ------------------------------------------------------------------------ */

struct key_bytes
key_of(char kind, const uint8_t *id, size_t id_n)
{
	struct key_bytes	k = { .n = 1 + id_n };

	k.p[0] = (uint8_t)kind;
	if (id_n > 0)
		memcpy(k.p + 1, id, id_n);
	return k;
}

void
key_more(struct key_bytes *k, uint64_t v, size_t width)
{
	while (width-- > 0)
		k->p[k->n++] = (uint8_t)(v >> 8 * width);
}

struct key_bytes
key_index(char kind, uint64_t v)
{
	struct key_bytes	k = { .n = 1 };

	k.p[0] = (uint8_t)kind;
	key_more(&k, v, 8);
	return k;
}

/* --- reading and putting ----------------------------------------------------------- */

enum rc
rec_fetch(const struct state *st, const struct key_bytes *k, struct buf *ret,
    struct err *err)
{
	return st->get(st->user, SPAN(k->p, k->n), ret, err);
}

enum rc
rec_malformed(char kind, struct err *err)
{
	return err_set(err, RC_BUG, "state: malformed record of kind '%c'", kind);
}

enum rc
rec_store(struct changes *c, const struct key_bytes *k, const struct buf *v,
    struct err *err)
{
	TRY(buf_check(v, "record", err));
	return changes_put(c, SPAN(k->p, k->n), buf_view(v), err);
}

enum rc
changes_put(struct changes *c, struct span key, struct span value,
    struct err *err)
{
	buf_vec16(&c->log, key);
	buf_vec16(&c->log, value);
	TRY(buf_check(&c->log, "changes of the state", err));
	return c->st->put(c->st->user, key, value, err);
}

bool
rd_text(struct rd *r, char out[ID_MAX + 1])
{
	struct span	s;

	if (!rd_vec8(r, 1, ID_MAX, &s))
		return false;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

bool
rd_hash(struct rd *r, uint8_t out[SHA256_BYTES])
{
	return rd_bytes(r, out, SHA256_BYTES);
}

void
put_hash(struct buf *b, const uint8_t h[SHA256_BYTES])
{
	buf_add(b, h, SHA256_BYTES);
}

/* --- head --------------------------------------------------------------------------- */

enum rc
rec_head_get(const struct state *st, struct rec_head *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = VALUE_BUF;
	struct key_bytes	k = key_of('h', NULL, 0);
	struct rd		r;

	TRY(rec_fetch(st, &k, &v, err));
	r = rd_init(buf_view(&v));
	if (!rd_u64(&r, &ret->next) || !rd_u64(&r, &ret->time) ||
	    !rd_hash(&r, ret->state) || !rd_hash(&r, ret->genesis) ||
	    !rd_hash(&r, ret->charter) || !rd_done(&r))
		return rec_malformed('h', err);
	return RC_OK;
}

enum rc
rec_head_put(const struct state *st, const struct rec_head *r, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = VALUE_BUF;
	struct key_bytes	k = key_of('h', NULL, 0);

	buf_u64(&v, r->next);
	buf_u64(&v, r->time);
	put_hash(&v, r->state);
	put_hash(&v, r->genesis);
	put_hash(&v, r->charter);
	TRY(buf_check(&v, "record", err));
	return st->put(st->user, SPAN(k.p, k.n), buf_view(&v), err);
}

/* --- statements and batches ------------------------------------------------------------ */

enum rc
rec_statement_get(const struct state *st, const uint8_t id[SHA256_BYTES],
    struct rec_statement *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = VALUE_BUF;
	struct key_bytes	k = key_of('s', id, SHA256_BYTES);
	struct rd		r;

	TRY(rec_fetch(st, &k, &v, err));
	r = rd_init(buf_view(&v));
	if (!rd_u64(&r, &ret->index) || !rd_u8(&r, &ret->type) ||
	    !rd_u8(&r, &ret->why) || !rd_done(&r))
		return rec_malformed('s', err);
	return RC_OK;
}

enum rc
rec_statement_put(struct changes *c, const uint8_t id[SHA256_BYTES],
    const struct rec_statement *r, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = VALUE_BUF;
	struct key_bytes	k = key_of('s', id, SHA256_BYTES);

	buf_u64(&v, r->index);
	buf_u8(&v, r->type);
	buf_u8(&v, r->why);
	return rec_store(c, &k, &v, err);
}

enum rc
rec_batch_get(const struct state *st, uint64_t index, struct rec_batch *ret,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = VALUE_BUF;
	struct key_bytes	k = key_index('b', index);
	struct rd		r;

	TRY(rec_fetch(st, &k, &v, err));
	r = rd_init(buf_view(&v));
	if (!rd_hash(&r, ret->id) || !rd_hash(&r, ret->root) ||
	    !rd_u32(&r, &ret->count) || !rd_u64(&r, &ret->logged) ||
	    !rd_text(&r, ret->sealer) || !rd_done(&r))
		return rec_malformed('b', err);
	return RC_OK;
}

enum rc
rec_batch_put(struct changes *c, uint64_t index, const struct rec_batch *r,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = VALUE_BUF;
	struct key_bytes	k = key_index('b', index);

	put_hash(&v, r->id);
	put_hash(&v, r->root);
	buf_u32(&v, r->count);
	buf_u64(&v, r->logged);
	buf_vec8(&v, span_str(r->sealer));
	return rec_store(c, &k, &v, err);
}

/* --- requests ------------------------------------------------------------------------------ */

static bool
floors_read(struct rd *r, struct rec_request *q)
{
	if (!rd_u8(r, &q->n_floors) || q->n_floors > FLOORS_MAX)
		return false;
	for (size_t i = 0; i < q->n_floors; i++)
		if (!rd_hash(r, q->floor[i]))
			return false;
	if (!rd_u8(r, &q->n_attachments) || q->n_attachments > ATTACHMENTS_MAX)
		return false;
	for (size_t i = 0; i < q->n_attachments; i++)
		if (!rd_text(r, q->attachment[i]))
			return false;
	return true;
}

static bool
request_read(struct rd *r, struct rec_request *q)
{
	return rd_u64(r, &q->index) &&
	    rd_u64(r, &q->logged) &&
	    rd_u64(r, &q->expires) &&
	    rd_text(r, q->requester) &&
	    rd_text(r, q->policy) &&
	    rd_hash(r, q->key) &&
	    rd_hash(r, q->charter) &&
	    rd_hash(r, q->policy_digest) &&
	    rd_hash(r, q->scope) &&
	    rd_hash(r, q->recipient) &&
	    rd_u32(r, &q->artifacts) &&
	    rd_u32(r, &q->segments) &&
	    rd_u64(r, &q->time_lock) &&
	    rd_u64(r, &q->sealed) &&
	    rd_u8(r, &q->status) &&
	    rd_u16(r, &q->slots) &&
	    rd_u32(r, &q->charged) &&
	    rd_u64(r, &q->order_index) &&
	    rd_u64(r, &q->release_index) &&
	    floors_read(r, q) &&
	    rd_done(r);
}

enum rc
rec_request_get(const struct state *st, const uint8_t id[SHA256_BYTES],
    struct rec_request *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = VALUE_BUF;
	struct key_bytes	k = key_of('r', id, SHA256_BYTES);
	struct rd		r;

	TRY(rec_fetch(st, &k, &v, err));
	r = rd_init(buf_view(&v));
	return request_read(&r, ret) ? RC_OK : rec_malformed('r', err);
}

enum rc
rec_request_put(struct changes *c, const uint8_t id[SHA256_BYTES],
    const struct rec_request *q, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = VALUE_BUF;
	struct key_bytes	k = key_of('r', id, SHA256_BYTES);

	buf_u64(&v, q->index);
	buf_u64(&v, q->logged);
	buf_u64(&v, q->expires);
	buf_vec8(&v, span_str(q->requester));
	buf_vec8(&v, span_str(q->policy));
	put_hash(&v, q->key);
	put_hash(&v, q->charter);
	put_hash(&v, q->policy_digest);
	put_hash(&v, q->scope);
	put_hash(&v, q->recipient);
	buf_u32(&v, q->artifacts);
	buf_u32(&v, q->segments);
	buf_u64(&v, q->time_lock);
	buf_u64(&v, q->sealed);
	buf_u8(&v, q->status);
	buf_u16(&v, q->slots);
	buf_u32(&v, q->charged);
	buf_u64(&v, q->order_index);
	buf_u64(&v, q->release_index);
	buf_u8(&v, q->n_floors);
	for (size_t i = 0; i < q->n_floors; i++)
		put_hash(&v, q->floor[i]);
	buf_u8(&v, q->n_attachments);
	for (size_t i = 0; i < q->n_attachments; i++)
		buf_vec8(&v, span_str(q->attachment[i]));
	return rec_store(c, &k, &v, err);
}

static struct key_bytes
decision_key(const uint8_t id[SHA256_BYTES], uint16_t slot)
{
	struct key_bytes	k = key_of('d', id, SHA256_BYTES);

	key_more(&k, slot, 2);
	return k;
}

enum rc
rec_decision_get(const struct state *st, const uint8_t id[SHA256_BYTES],
    uint16_t slot, struct rec_decision *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = VALUE_BUF;
	struct key_bytes	k = decision_key(id, slot);
	struct rd		r;

	TRY(rec_fetch(st, &k, &v, err));
	r = rd_init(buf_view(&v));
	if (!rd_text(&r, ret->person) || !rd_hash(&r, ret->key) ||
	    !rd_u8(&r, &ret->state) || !rd_u64(&r, &ret->time) ||
	    !rd_u64(&r, &ret->index) || !rd_done(&r))
		return rec_malformed('d', err);
	return RC_OK;
}

enum rc
rec_decision_put(struct changes *c, const uint8_t id[SHA256_BYTES],
    uint16_t slot, const struct rec_decision *d, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = VALUE_BUF;
	struct key_bytes	k = decision_key(id, slot);

	buf_vec8(&v, span_str(d->person));
	put_hash(&v, d->key);
	buf_u8(&v, d->state);
	buf_u64(&v, d->time);
	buf_u64(&v, d->index);
	return rec_store(c, &k, &v, err);
}

/* --- orders ---------------------------------------------------------------------------------- */

enum rc
rec_order_get(const struct state *st, const uint8_t id[SHA256_BYTES],
    struct rec_order *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = VALUE_BUF;
	struct key_bytes	k = key_of('o', id, SHA256_BYTES);
	struct rd		r;

	TRY(rec_fetch(st, &k, &v, err));
	r = rd_init(buf_view(&v));
	if (!rd_hash(&r, ret->request) || !rd_hash(&r, ret->scope) ||
	    !rd_u64(&r, &ret->index) || !rd_u64(&r, &ret->time) ||
	    !rd_u64(&r, &ret->expires) || !rd_u64(&r, &ret->release_index) ||
	    !rd_done(&r))
		return rec_malformed('o', err);
	return RC_OK;
}

enum rc
rec_order_put(struct changes *c, const uint8_t id[SHA256_BYTES],
    const struct rec_order *o, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = VALUE_BUF;
	struct key_bytes	k = key_of('o', id, SHA256_BYTES);

	put_hash(&v, o->request);
	put_hash(&v, o->scope);
	buf_u64(&v, o->index);
	buf_u64(&v, o->time);
	buf_u64(&v, o->expires);
	buf_u64(&v, o->release_index);
	return rec_store(c, &k, &v, err);
}

static struct key_bytes
chunk_key(const uint8_t id[SHA256_BYTES], size_t chunk)
{
	struct key_bytes	k = key_of('a', id, SHA256_BYTES);

	key_more(&k, chunk, 1);
	return k;
}

/* A chunk that is not full is the last; a full one may be followed by none. */
enum rc
rec_addressee_get(const struct state *st, const uint8_t id[SHA256_BYTES],
    struct buf *ret, struct err *err)
{
	for (size_t i = 0;; i++) {
		struct key_bytes	k = chunk_key(id, i);
		size_t			was = ret->n;
		enum rc			rc = rec_fetch(st, &k, ret, err);

		if (rc == RC_MISSING && i > 0)
			return RC_OK;
		if (rc != RC_OK)
			return rc;
		if (ret->n - was < ADDRESSEE_CHUNK)
			return RC_OK;
	}
}

enum rc
rec_addressee_put(struct changes *c, const uint8_t id[SHA256_BYTES],
    struct span der, struct err *err)
{
	for (size_t i = 0; i * ADDRESSEE_CHUNK < der.n; i++) {
		struct key_bytes	k = chunk_key(id, i);
		size_t			at = i * ADDRESSEE_CHUNK, n = der.n - at;

		if (n > ADDRESSEE_CHUNK)
			n = ADDRESSEE_CHUNK;
		TRY(changes_put(c, SPAN(k.p, k.n), SPAN(der.p + at, n), err));
	}
	return RC_OK;
}

static struct key_bytes
receipt_key(const uint8_t order[SHA256_BYTES], uint8_t custodian)
{
	struct key_bytes	k = key_of('e', order, SHA256_BYTES);

	key_more(&k, custodian, 1);
	return k;
}

enum rc
rec_receipt_get(const struct state *st, const uint8_t order[SHA256_BYTES],
    uint8_t custodian, uint8_t ret[SHA256_BYTES], struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = VALUE_BUF;
	struct key_bytes	k = receipt_key(order, custodian);
	struct rd		r;

	TRY(rec_fetch(st, &k, &v, err));
	r = rd_init(buf_view(&v));
	if (!rd_hash(&r, ret) || !rd_done(&r))
		return rec_malformed('e', err);
	return RC_OK;
}

enum rc
rec_receipt_put(struct changes *c, const uint8_t order[SHA256_BYTES],
    uint8_t custodian, const uint8_t id[SHA256_BYTES], struct err *err)
{
	struct key_bytes	k = receipt_key(order, custodian);

	return changes_put(c, SPAN(k.p, k.n), SPAN(id, SHA256_BYTES), err);
}

/* --- marks and counters: one u64, absence is an answer ------------------------------------------ */

enum rc
rec_u64_get(const struct state *st, const struct key_bytes *k, bool *ret_there,
    uint64_t *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = VALUE_BUF;
	struct rd	r;
	enum rc		rc = rec_fetch(st, k, &v, err);

	*ret_there = rc == RC_OK;
	*ret = 0;
	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	r = rd_init(buf_view(&v));
	if (!rd_u64(&r, ret) || !rd_done(&r))
		return rec_malformed((char)k->p[0], err);
	return RC_OK;
}

enum rc
rec_u64_put(struct changes *c, const struct key_bytes *k, uint64_t v,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = VALUE_BUF;

	buf_u64(&b, v);
	return rec_store(c, k, &b, err);
}

enum rc
rec_revoked_get(const struct state *st, const uint8_t key[KEY_ID_BYTES],
    bool *ret, struct err *err)
{
	struct key_bytes	k = key_of('k', key, KEY_ID_BYTES);
	uint64_t		index;

	return rec_u64_get(st, &k, ret, &index, err);
}

enum rc
rec_revoked_put(struct changes *c, const uint8_t key[KEY_ID_BYTES],
    uint64_t index, struct err *err)
{
	struct key_bytes	k = key_of('k', key, KEY_ID_BYTES);

	return rec_u64_put(c, &k, index, err);
}

static struct key_bytes
count_key(char kind, const uint8_t of[SHA256_BYTES], uint32_t day)
{
	struct key_bytes	k = key_of(kind, of, SHA256_BYTES);

	key_more(&k, day, 4);
	return k;
}

enum rc
rec_count_get(const struct state *st, char kind, const uint8_t of[SHA256_BYTES],
    uint32_t day, uint64_t *ret, struct err *err)
{
	struct key_bytes	k = count_key(kind, of, day);
	bool			there;

	return rec_u64_get(st, &k, &there, ret, err);
}

enum rc
rec_count_put(struct changes *c, char kind, const uint8_t of[SHA256_BYTES],
    uint32_t day, uint64_t v, struct err *err)
{
	struct key_bytes	k = count_key(kind, of, day);

	return rec_u64_put(c, &k, v, err);
}

static struct key_bytes
mark_key(char kind, const uint8_t batch[SHA256_BYTES], uint8_t custodian,
    uint32_t leaf)
{
	struct key_bytes	k = key_of(kind, batch, SHA256_BYTES);

	key_more(&k, custodian, 1);
	key_more(&k, leaf, 4);
	return k;
}

enum rc
rec_mark_get(const struct state *st, char kind,
    const uint8_t batch[SHA256_BYTES], uint8_t custodian, uint32_t leaf,
    uint64_t *ret, struct err *err)
{
	struct key_bytes	k = mark_key(kind, batch, custodian, leaf);
	bool			there;

	TRY(rec_u64_get(st, &k, &there, ret, err));
	return there ? RC_OK :
	    err_set(err, RC_MISSING, "state: no mark of kind '%c'", kind);
}

enum rc
rec_mark_put(struct changes *c, char kind, const uint8_t batch[SHA256_BYTES],
    uint8_t custodian, uint32_t leaf, uint64_t index, struct err *err)
{
	struct key_bytes	k = mark_key(kind, batch, custodian, leaf);

	return rec_u64_put(c, &k, index, err);
}

/*
 * policy/record_charter.c - the records of charters that follow: policy/record.h.
 */
#include <string.h>

#include "policy/record_impl.h"

enum rc
rec_amendment_get(const struct state *st, const uint8_t id[SHA256_BYTES],
    struct rec_amendment *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = VALUE_BUF;
	struct key_bytes	k = key_of('m', id, SHA256_BYTES);
	struct rd		r;

	TRY(rec_fetch(st, &k, &v, err));
	r = rd_init(buf_view(&v));
	if (!rd_u64(&r, &ret->index) || !rd_u64(&r, &ret->logged) ||
	    !rd_u64(&r, &ret->expires) || !rd_text(&r, ret->proposer) ||
	    !rd_hash(&r, ret->key) || !rd_hash(&r, ret->charter) ||
	    !rd_hash(&r, ret->amends) || !rd_u8(&r, &ret->status) ||
	    !rd_u16(&r, &ret->slots) || !rd_u32(&r, &ret->consents) ||
	    !rd_u64(&r, &ret->in_force) || !rd_done(&r))
		return rec_malformed('m', err);
	return RC_OK;
}

enum rc
rec_amendment_put(struct changes *c, const uint8_t id[SHA256_BYTES],
    const struct rec_amendment *m, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = VALUE_BUF;
	struct key_bytes	k = key_of('m', id, SHA256_BYTES);

	buf_u64(&v, m->index);
	buf_u64(&v, m->logged);
	buf_u64(&v, m->expires);
	buf_vec8(&v, span_str(m->proposer));
	put_hash(&v, m->key);
	put_hash(&v, m->charter);
	put_hash(&v, m->amends);
	buf_u8(&v, m->status);
	buf_u16(&v, m->slots);
	buf_u32(&v, m->consents);
	buf_u64(&v, m->in_force);
	return rec_store(c, &k, &v, err);
}

static struct key_bytes
consent_key(const uint8_t id[SHA256_BYTES], uint8_t custodian)
{
	struct key_bytes	k = key_of('u', id, SHA256_BYTES);

	key_more(&k, custodian, 1);
	return k;
}

enum rc
rec_consent_get(const struct state *st, const uint8_t id[SHA256_BYTES],
    uint8_t custodian, struct rec_consent *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = VALUE_BUF;
	struct key_bytes	k = consent_key(id, custodian);
	struct rd		r;

	TRY(rec_fetch(st, &k, &v, err));
	r = rd_init(buf_view(&v));
	if (!rd_u64(&r, &ret->index) || !rd_u64(&r, &ret->time) || !rd_done(&r))
		return rec_malformed('u', err);
	return RC_OK;
}

enum rc
rec_consent_put(struct changes *c, const uint8_t id[SHA256_BYTES],
    uint8_t custodian, const struct rec_consent *consent, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = VALUE_BUF;
	struct key_bytes	k = consent_key(id, custodian);

	buf_u64(&v, consent->index);
	buf_u64(&v, consent->time);
	return rec_store(c, &k, &v, err);
}

/* --- the chain ------------------------------------------------------------------------- */

enum rc
rec_charters_get(const struct state *st, uint64_t *ret, struct err *err)
{
	struct key_bytes	k = key_of('v', NULL, 0);
	bool			there;

	return rec_u64_get(st, &k, &there, ret, err);
}

enum rc
rec_charters_put(struct changes *c, uint64_t n, struct err *err)
{
	struct key_bytes	k = key_of('v', NULL, 0);

	return rec_u64_put(c, &k, n, err);
}

enum rc
rec_charter_get(const struct state *st, uint64_t number, struct rec_charter *ret,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = VALUE_BUF;
	struct key_bytes	k = key_index('v', number);
	struct rd		r;

	TRY(rec_fetch(st, &k, &v, err));
	r = rd_init(buf_view(&v));
	if (!rd_u64(&r, &ret->since) || !rd_hash(&r, ret->digest) ||
	    !rd_hash(&r, ret->by) || !rd_done(&r))
		return rec_malformed('v', err);
	return RC_OK;
}

enum rc
rec_charter_put(struct changes *c, uint64_t number, const struct rec_charter *rec,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = VALUE_BUF;
	struct key_bytes	k = key_index('v', number);

	buf_u64(&v, rec->since);
	put_hash(&v, rec->digest);
	put_hash(&v, rec->by);
	return rec_store(c, &k, &v, err);
}

enum rc
rec_number_get(const struct state *st, char kind, const uint8_t of[SHA256_BYTES],
    uint64_t *ret, struct err *err)
{
	struct key_bytes	k = key_of(kind, of, SHA256_BYTES);
	bool			there;

	TRY(rec_u64_get(st, &k, &there, ret, err));
	return there ? RC_OK :
	    err_set(err, RC_MISSING, "state: no number of kind '%c'", kind);
}

enum rc
rec_number_put(struct changes *c, char kind, const uint8_t of[SHA256_BYTES],
    uint64_t number, struct err *err)
{
	struct key_bytes	k = key_of(kind, of, SHA256_BYTES);

	return rec_u64_put(c, &k, number, err);
}

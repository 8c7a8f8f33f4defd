/*
 * policy/apply_acknowledge.c - what the recipient says, in the log (docs/spec/apply-v1.md
 * section 11).
 *
 * As with anchors, what is looked at is the same for ever and everywhere: the bytes of the
 * note and of the certificate in it. Whether its signature verifies, an X.509 library says,
 * and auditors judge it (docs/spec/opening-v1.md section 5).
 */
#include <string.h>

#include "policy/apply_impl.h"
#include "policy/opening.h"
#include "policy/record_impl.h"

/* --- 'w' order id: how many; 'w' order id, slot u16: one ------------------------------- */

static struct key_bytes
slot_key(const uint8_t order[SHA256_BYTES], uint64_t slot)
{
	struct key_bytes	k = key_of('w', order, SHA256_BYTES);

	key_more(&k, slot, 2);
	return k;
}

static enum rc
count_get(const struct state *st, const uint8_t order[SHA256_BYTES], uint64_t *ret, struct err *err)
{
	struct key_bytes	k = key_of('w', order, SHA256_BYTES);
	bool			there;

	*ret = 0;
	return rec_u64_get(st, &k, &there, ret, err);
}

static enum rc
slot_get(const struct state *st, const uint8_t order[SHA256_BYTES], uint64_t slot, struct acknowledged *ret,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = VALUE_BUF;
	struct key_bytes	k = slot_key(order, slot);
	struct rd		r;

	TRY(rec_fetch(st, &k, &v, err));
	r = rd_init(buf_view(&v));
	if (!rd_text(&r, ret->person) || !rd_u64(&r, &ret->index) || !rd_u32(&r, &ret->bad) ||
	    !rd_hash(&r, ret->opening) || !rd_done(&r))
		return rec_malformed('w', err);
	return RC_OK;
}

static enum rc
slot_put(struct changes *c, const uint8_t order[SHA256_BYTES], uint64_t slot, const struct acknowledged *w,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = VALUE_BUF;
	struct key_bytes	count = key_of('w', order, SHA256_BYTES), k = slot_key(order, slot);

	buf_vec8(&v, span_str(w->person));
	buf_u64(&v, w->index);
	buf_u32(&v, w->bad);
	put_hash(&v, w->opening);
	TRY(rec_u64_put(c, &count, slot + 1, err));
	return rec_store(c, &k, &v, err);
}

enum rc
replica_acknowledgements(struct replica *r, const uint8_t order[SHA256_BYTES], acknowledged_fn fn, void *user,
    struct err *err)
{
	struct acknowledged	w;
	uint64_t		n;

	TRY(count_get(r->st, order, &n, err));
	for (uint64_t i = 0; i < n; i++) {
		TRY(slot_get(r->st, order, i, &w, err));
		TRY(fn(user, &w, err));
	}
	return RC_OK;
}

/* --- one entry -------------------------------------------------------------------------- */

static enum rc
released_order(struct applying *a, struct rec_request *q, struct err *err)
{
	struct rec_order	o;
	enum rc			rc = rec_order_get(a->st, a->s.subject, &o, err);

	if (rc == RC_MISSING || (rc == RC_OK && o.release_index == NO_INDEX))
		return refuse(a, VOID_UNKNOWN_SUBJECT);
	TRY(rc);
	rc = rec_request_get(a->st, o.request, q, err);
	return rc == RC_MISSING ? err_set(err, RC_BUG, "state: an order of no request") : rc;
}

/* Once a person: who asks for more slots than people has none. */
static enum rc
free_slot(struct applying *a, uint64_t *ret, struct err *err)
{
	struct acknowledged	w;

	TRY(count_get(a->st, a->s.subject, ret, err));
	for (uint64_t i = 0; i < *ret; i++) {
		TRY(slot_get(a->st, a->s.subject, i, &w, err));
		if (strcmp(w.person, a->person->id) == 0)
			return refuse(a, VOID_DUPLICATE);
	}
	return *ret < ACKNOWLEDGED_MAX ? RC_OK : refuse(a, VOID_DUPLICATE);
}

/* Who gave no receipt for this order contributed nothing to it that could be wrong. */
static enum rc
accused_contributed(struct applying *a, struct err *err)
{
	uint8_t	have[SHA256_BYTES];

	for (uint8_t i = 1; i <= CUSTODIANS_MAX; i++) {
		enum rc	rc;

		if ((a->s.u.acknowledgement.bad >> (i - 1) & 1) == 0)
			continue;
		rc = rec_receipt_get(a->st, a->s.subject, i, have, err);
		if (rc == RC_MISSING)
			return refuse(a, VOID_SCOPE);
		TRY(rc);
	}
	return RC_OK;
}

/* The note: of this network and order, by the recipient's certificate, and as the statement says. */
static enum rc
note_check(struct applying *a, const struct rec_request *q, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(OPENING_BYTES_MAX);
	AUTO_DONE(opening_done) struct opening o = { .part = NULL };
	uint8_t	certificate[SHA256_BYTES];
	enum rc	rc = fixed_blob(a->st, a->s.u.acknowledgement.opening, OPENING_BYTES_MAX, &b, err);

	if (rc == RC_OK)
		rc = opening_parse(buf_view(&b), &o, certificate, err);
	if (is_refusal(rc))
		return refuse(a, VOID_OPENING);
	TRY(rc);
	if (memcmp(o.genesis, a->genesis, SHA256_BYTES) != 0 || memcmp(o.order, a->s.subject, SHA256_BYTES) != 0 ||
	    memcmp(certificate, q->recipient, SHA256_BYTES) != 0 || o.bad != a->s.u.acknowledgement.bad)
		return refuse(a, VOID_OPENING);
	return RC_OK;
}

enum rc
apply_acknowledgement(struct applying *a, struct err *err)
{
	struct acknowledged	w = { .index = a->index, .bad = a->s.u.acknowledgement.bad };
	struct rec_request	q;
	uint64_t		slot;

	TRY(released_order(a, &q, err));
	TRY(free_slot(a, &slot, err));
	TRY(accused_contributed(a, err));
	TRY(note_check(a, &q, err));
	memcpy(w.person, a->person->id, sizeof(w.person));
	memcpy(w.opening, a->s.u.acknowledgement.opening, sizeof(w.opening));
	return slot_put(&a->changes, a->s.subject, slot, &w, err);
}

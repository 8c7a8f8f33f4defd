/*
 * policy/apply_order.c - from the order to the release (docs/spec/apply-v1.md
 * section 7).
 */
#include <string.h>

#include "policy/apply_impl.h"
#include "policy/cert.h"

/* Does the order say what the request said: scope, and to whom? */
static enum rc
terms_check(struct applying *a, const struct rec_request *q,
    const struct policy_rule *rule, struct err *err)
{
	uint8_t		digest[SHA256_BYTES];
	enum cert_kind	kind;
	enum rc		rc;

	if (memcmp(a->s.u.order.scope, q->scope, sizeof(q->scope)) != 0 ||
	    a->s.expires > a->dated + a->charter->order_seconds)
		return refuse(a, VOID_ORDER);
	if (rule->release_to_recipient) {
		sha256_one(digest, buf_view(&a->s.bytes));
		return memcmp(digest, q->recipient, sizeof(digest)) == 0 ?
		    RC_OK : refuse(a, VOID_ORDER);
	}
	/* The release worker's own, made for this order. */
	rc = cert_check(buf_view(&a->s.bytes), &kind, digest, err);
	if (is_refusal(rc) || (rc == RC_OK && kind != CERT_EC_P256))
		return refuse(a, VOID_ORDER);
	return rc;
}

static enum rc
order_check(struct applying *a, struct rec_request *q, struct rules *ret,
    struct err *err)
{
	struct tally		t;
	enum void_reason	why;
	enum rc			rc;
	bool			fits;

	rc = rec_request_get(a->st, a->s.subject, q, err);
	if (rc == RC_MISSING)
		return refuse(a, VOID_UNKNOWN_SUBJECT);
	TRY(rc);
	if (q->status == STATUS_RELEASED)
		return refuse(a, VOID_ORDER);
	TRY(request_ended(a->r, q, a->now, &why, err));
	if (why != VOID_NONE)
		return refuse(a, why);
	TRY(tally_request(a->r, a->s.subject, q, &t, err));
	if (t.rules.n == 0)
		return refuse(a, VOID_POLICY);
	TRY(terms_check(a, q, t.rules.rule[0], err));
	if ((why = order_blocked(q, &t, a->now)) != VOID_NONE ||
	    (why = order_blocked(q, &t, a->dated)) != VOID_NONE)
		return refuse(a, why);
	TRY(order_day(a->r, q, &t.rules, a->now, &fits, err));
	*ret = t.rules;
	return fits ? RC_OK : refuse(a, VOID_DAY_LIMIT);
}

/* Counted with or without a limit, under each rule: the charter may get one. */
static enum rc
day_charge(struct applying *a, struct rec_request *q, const struct rules *rules,
    struct err *err)
{
	uint32_t	day = when_day(a->now);

	for (size_t i = 0; i < rules->n && q->charged != day; i++) {
		const uint8_t	*of = rules->rule[i]->digest;
		uint64_t	 used;

		TRY(rec_count_get(a->st, 'l', of, day, &used, err));
		TRY(rec_count_put(&a->changes, 'l', of, day,
		    used + q->artifacts, err));
	}
	q->charged = day;
	return RC_OK;
}

enum rc
apply_order(struct applying *a, struct err *err)
{
	struct rec_order	o = { .index = a->index, .time = a->now,
				    .expires = a->s.expires,
				    .release_index = NO_INDEX };
	struct rec_request	q;
	struct rules		rules;

	TRY(order_check(a, &q, &rules, err));
	TRY(day_charge(a, &q, &rules, err));
	q.order_index = a->index;
	memcpy(o.request, a->s.subject, sizeof(o.request));
	memcpy(o.scope, q.scope, sizeof(o.scope));
	TRY(rec_order_put(&a->changes, a->s.id, &o, err));
	TRY(rec_addressee_put(&a->changes, a->s.id, buf_view(&a->s.bytes), err));
	return rec_request_put(&a->changes, a->s.subject, &q, err);
}

static enum rc
order_of_subject(struct applying *a, struct rec_order *o, struct rec_request *q,
    struct err *err)
{
	enum rc	rc = rec_order_get(a->st, a->s.subject, o, err);

	if (rc == RC_MISSING)
		return refuse(a, VOID_UNKNOWN_SUBJECT);
	TRY(rc);
	rc = rec_request_get(a->st, o->request, q, err);
	if (rc == RC_MISSING)
		return err_set(err, RC_BUG, "state: an order of no request");
	return rc;
}

enum rc
apply_receipt(struct applying *a, struct err *err)
{
	struct rec_order	o;
	struct rec_request	q;
	uint8_t			have[SHA256_BYTES];
	uint8_t			custodian = a->s.u.receipt.custodian;
	enum rc			rc;

	/*
	 * Late or not, and whatever became of the request: a receipt says what
	 * was done, and belongs in the log.
	 */
	TRY(order_of_subject(a, &o, &q, err));
	if (a->s.u.receipt.count > q.segments)
		return refuse(a, VOID_SCOPE);
	rc = rec_receipt_get(a->st, a->s.subject, custodian, have, err);
	if (rc == RC_OK)
		return refuse(a, VOID_DUPLICATE);
	if (rc != RC_MISSING)
		return rc;
	return rec_receipt_put(&a->changes, a->s.subject, custodian, a->s.id, err);
}

/* How many distinct custodians gave a good answer that the log has the receipt of. */
static enum rc
good_count(const struct applying *a, unsigned *ret, struct err *err)
{
	uint8_t	have[SHA256_BYTES];

	*ret = 0;
	for (size_t i = 0; i < a->s.u.release.n; i++) {
		enum rc	rc;

		if (!a->s.u.release.custodian[i].good)
			continue;
		rc = rec_receipt_get(a->st, a->s.subject,
		    a->s.u.release.custodian[i].index, have, err);
		if (rc == RC_MISSING)
			continue;
		TRY(rc);
		if (memcmp(have, a->s.u.release.custodian[i].receipt,
		    sizeof(have)) == 0)
			(*ret)++;
	}
	return RC_OK;
}

/*
 * A "no" that reached the log before the release still stops it. That the
 * request or the order ran out in between does not: the custodians contributed
 * in time, as their receipts show.
 */
static enum rc
still_allowed(struct applying *a, const struct rec_order *o,
    const struct rec_request *q, struct err *err)
{
	enum void_reason	why;
	struct tally		t;

	TRY(request_ended(a->r, q, o->time, &why, err));
	if (why != VOID_NONE)
		return refuse(a, why);
	TRY(tally_request(a->r, o->request, q, &t, err));
	if (t.rules.n == 0)
		return refuse(a, VOID_POLICY);
	why = order_blocked(q, &t, o->time);
	return why == VOID_NONE ? RC_OK : refuse(a, why);
}

enum rc
apply_release(struct applying *a, struct err *err)
{
	struct rec_order	o;
	struct rec_request	q;
	unsigned		good;

	TRY(order_of_subject(a, &o, &q, err));
	if (o.release_index != NO_INDEX || q.status == STATUS_RELEASED)
		return refuse(a, VOID_DUPLICATE);
	TRY(still_allowed(a, &o, &q, err));
	TRY(good_count(a, &good, err));
	if (good < a->charter->k)
		return refuse(a, VOID_QUORUM);
	o.release_index = a->index;
	q.release_index = a->index;
	q.status = STATUS_RELEASED;
	TRY(rec_order_put(&a->changes, a->s.subject, &o, err));
	return rec_request_put(&a->changes, o.request, &q, err);
}

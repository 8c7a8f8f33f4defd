/*
 * policy/apply_charter.c - how one charter follows another
 * (docs/spec/apply-v1.md section 9).
 */
#include <string.h>

#include "policy/apply_impl.h"

/* --- amendments ----------------------------------------------------------------------- */

/* Not kept: whoever may propose could have us keep as many as they like. */
static enum rc
may_follow(struct applying *a, enum change how, struct err *err)
{
	AUTO(charter_free) struct charter *next = NULL;
	enum rc	rc = charters_read(a->r, a->s.subject, &next, err);

	if (rc == RC_OK)
		rc = charter_follows(a->charter, next, how, err);
	return is_refusal(rc) ? refuse(a, VOID_AMENDMENT) : rc;
}

/* What cannot be read is not looked at: it is for those who can. */
static enum rc
amendment_check(struct applying *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(CHARTER_BYTES_MAX);
	uint64_t	rules;
	enum rc		rc;

	rc = fixed_blob(a->st, a->s.subject, CHARTER_BYTES_MAX, &b, err);
	if (rc == RC_OK)
		rc = charter_rules_of(buf_view(&b), &rules, err);
	if (is_refusal(rc))
		return refuse(a, VOID_AMENDMENT);
	TRY(rc);
	return rules == CHARTER_RULES ?
	    may_follow(a, CHANGE_AMENDMENT, err) : RC_OK;
}

enum rc
apply_amendment(struct applying *a, struct err *err)
{
	struct rec_amendment	m = {
		.index = a->index,
		.logged = a->now,
		.expires = a->s.expires,
		.status = STATUS_ALIVE,
		.in_force = NO_INDEX,
	};

	TRY(amendment_check(a, err));
	memcpy(m.proposer, a->person->id, sizeof(m.proposer));
	memcpy(m.key, a->s.signer, sizeof(m.key));
	memcpy(m.charter, a->s.subject, sizeof(m.charter));
	memcpy(m.amends, a->charter->digest, sizeof(m.amends));
	return rec_amendment_put(&a->changes, a->s.id, &m, err);
}

/* --- consents --------------------------------------------------------------------------- */

static unsigned
bits(uint32_t mask)
{
	unsigned	n = 0;

	for (; mask != 0; mask &= mask - 1)
		n++;
	return n;
}

/* ret: whose consents count, with this one. */
static enum rc
consent_check(struct applying *a, struct rec_amendment *m, uint32_t *ret,
    struct err *err)
{
	uint32_t		mine = UINT32_C(1) << (a->s.u.consent.custodian - 1);
	enum void_reason	why;
	struct tally		t;
	enum rc			rc = rec_amendment_get(a->st, a->s.subject, m, err);

	if (rc == RC_MISSING)
		return refuse(a, VOID_UNKNOWN_SUBJECT);
	TRY(rc);
	TRY(amendment_ended(a->r, m, a->now, &why, err));
	if (why != VOID_NONE)
		return refuse(a, why);
	TRY(tally_amendment(a->r, a->s.subject, m, &t, err));
	if (!t.met)
		return refuse(a, VOID_QUORUM);
	if (a->dated < consent_earliest(a->charter, &t))
		return refuse(a, VOID_OBJECTION);
	TRY(consents_count(a->r, a->s.subject, a->charter, &t, ret, err));
	if ((*ret & mine) != 0)
		return refuse(a, VOID_DUPLICATE);
	*ret |= mine;
	return RC_OK;
}

/* From this entry on. Whoever cannot read the new charter must stop before it. */
static enum rc
enter(struct applying *a, const struct charter *next, const uint8_t by[SHA256_BYTES],
    struct err *err)
{
	a->next = next;
	return charters_add(&a->changes, a->r, next, a->index, by, err);
}

enum rc
apply_consent(struct applying *a, struct err *err)
{
	struct rec_consent	 c = { a->index, a->dated };
	const struct charter	*next = NULL;
	struct rec_amendment	 m;
	uint32_t		 consents;
	enum rc			 rc;

	TRY(consent_check(a, &m, &consents, err));
	if (bits(consents) >= a->charter->q) {
		rc = charters_load(a->r, m.charter, &next, err);
		if (rc != RC_OK)
			return err_wrap(err, rc, "entry %llu",
			    (unsigned long long)a->index);
		m.consents = consents;
		m.in_force = a->index;
	}
	TRY(rec_consent_put(&a->changes, a->s.subject, a->s.u.consent.custodian,
	    &c, err));
	if (next == NULL)
		return RC_OK;
	TRY(rec_amendment_put(&a->changes, a->s.subject, &m, err));
	return enter(a, next, a->s.subject, err);
}

/* --- succession -------------------------------------------------------------------------- */

struct signed_by {
	uint32_t	custodians;	/* bit i: custodian[i] */
	uint32_t	amenders;	/* bit i: amender[i] */
};

/* The key that a signature says it is by; each signature is tried once. */
static const struct key *
named_key(const struct applying *a, const struct dsse_sig *sig,
    struct signed_by *ret)
{
	const struct charter	*c = a->charter;
	uint8_t			 id[KEY_ID_BYTES];

	*ret = (struct signed_by){ 0 };
	for (size_t i = 0; i < c->n; i++) {
		key_id(&c->custodian[i].signing_key, id);
		ret->custodians = UINT32_C(1) << i;
		if (memcmp(id, sig->keyid, sizeof(id)) == 0)
			return &c->custodian[i].signing_key;
	}
	ret->custodians = 0;
	for (size_t i = 0; i < c->n_amenders; i++) {
		const struct person	*p = charter_person(c, c->amender[i]);

		ret->amenders = UINT32_C(1) << i;
		for (size_t j = 0; j < p->n_keys; j++) {
			key_id(&p->key[j], id);
			if (memcmp(id, sig->keyid, sizeof(id)) == 0)
				return &p->key[j];
		}
	}
	return NULL;
}

static enum rc
signature_add(struct applying *a, const struct dsse_sig *sig,
    struct signed_by *all, struct err *err)
{
	struct signed_by	 who;
	const struct key	*key = named_key(a, sig, &who);
	bool			 revoked;
	enum rc			 rc;

	if (key == NULL)
		return RC_OK;
	TRY(rec_revoked_get(a->st, sig->keyid, &revoked, err));
	if (revoked)
		return RC_OK;
	rc = key_verify(key, buf_view(&a->dsse.pae), sig->sig, err);
	if (is_refusal(rc))
		return RC_OK;
	TRY(rc);
	all->custodians |= who.custodians;
	all->amenders |= who.amenders;
	return RC_OK;
}

enum rc
succession_signed(struct applying *a, struct err *err)
{
	struct signed_by	all = { 0 };

	for (size_t i = 0; i < a->dsse.n_sig; i++)
		TRY(signature_add(a, &a->dsse.sig[i], &all, err));
	if (bits(all.amenders) < charter_amend_need(a->charter) ||
	    bits(all.custodians) < a->charter->q)
		return refuse(a, VOID_SIGNATURE);
	return RC_OK;
}

/*
 * A log key is never taken up again: notes that it signed before it was replaced would
 * stand against the log.
 */
static enum rc
log_key_is_fresh(struct applying *a, const struct charter *next, struct err *err)
{
	const struct charter	*c = a->charter;

	while (c->has_amends) {
		TRY(charters_load(a->r, c->amends, &c, err));
		if (key_eq(&c->coordinator.log_key, &next->coordinator.log_key) &&
		    !key_eq(&a->charter->coordinator.log_key,
		    &next->coordinator.log_key))
			return refuse(a, VOID_AMENDMENT);
	}
	return RC_OK;
}

enum rc
apply_succession(struct applying *a, struct err *err)
{
	const struct charter	*next;

	/* It names no time: that it stands where it was signed for keeps it from being kept. */
	if (a->s.seen_size != a->index)
		return refuse(a, VOID_SEEN);
	TRY(may_follow(a, CHANGE_SUCCESSION, err));
	TRY(charters_load(a->r, a->s.subject, &next, err));
	TRY(log_key_is_fresh(a, next, err));
	return enter(a, next, a->s.id, err);
}

/*
 * policy/apply_people.c - what people say to a request or an amendment, and of
 * their keys (docs/spec/apply-v1.md sections 6 and 9).
 */
#include <string.h>

#include "policy/apply_impl.h"

struct deciding {			/* a living request or amendment, and who speaks to it */
	bool			 amends;
	struct rec_request	 q;
	struct rec_amendment	 m;
	const char		*author;	/* requester or proposer */
	uint8_t			*status;
	uint16_t		*slots;
	struct tally		 t;
	struct tally_slot	*mine;		/* NULL: said nothing so far */
};

/*
 * A key or a policy that the charter in force has not, a later one may give back, and with
 * it the request: the "no" that is said in between must not be void. A revocation is for good.
 */
static enum rc
request_of_subject(struct applying *a, struct deciding *d, struct err *err)
{
	enum void_reason	why;
	bool			revoked;

	d->author = d->q.requester;
	d->status = &d->q.status;
	d->slots = &d->q.slots;
	TRY(request_ended(a->r, &d->q, a->now, &why, err));
	if (why == VOID_REVOKED_KEY && statement_is_no(&a->s)) {
		TRY(rec_revoked_get(a->st, d->q.key, &revoked, err));
		why = revoked ? why : VOID_NONE;
	}
	if (why != VOID_NONE)
		return refuse(a, why);
	TRY(tally_request(a->r, a->s.subject, &d->q, &d->t, err));
	return d->t.rules.n == 0 && !statement_is_no(&a->s) ?
	    refuse(a, VOID_POLICY) : RC_OK;
}

static enum rc
amendment_of_subject(struct applying *a, struct deciding *d, struct err *err)
{
	enum void_reason	why;

	d->amends = true;
	d->author = d->m.proposer;
	d->status = &d->m.status;
	d->slots = &d->m.slots;
	TRY(amendment_ended(a->r, &d->m, a->now, &why, err));
	if (why != VOID_NONE)
		return refuse(a, why);
	return tally_amendment(a->r, a->s.subject, &d->m, &d->t, err);
}

static enum rc
deciding_of_subject(struct applying *a, struct deciding *d, struct err *err)
{
	enum rc	rc;

	d->amends = false;
	rc = rec_request_get(a->st, a->s.subject, &d->q, err);
	if (rc == RC_OK)
		TRY(request_of_subject(a, d, err));
	else if (rc == RC_MISSING) {
		rc = rec_amendment_get(a->st, a->s.subject, &d->m, err);
		if (rc == RC_MISSING)
			return refuse(a, VOID_UNKNOWN_SUBJECT);
		TRY(rc);
		TRY(amendment_of_subject(a, d, err));
	} else
		return rc;
	d->mine = NULL;
	for (size_t i = 0; i < d->t.n; i++)
		if (strcmp(d->t.slot[i].d.person, a->person->id) == 0)
			d->mine = &d->t.slot[i];
	return RC_OK;
}

static enum rc
deciding_put(struct applying *a, const struct deciding *d, struct err *err)
{
	return d->amends ?
	    rec_amendment_put(&a->changes, a->s.subject, &d->m, err) :
	    rec_request_put(&a->changes, a->s.subject, &d->q, err);
}

/*
 * Where what this person says is kept: in the place of what they said before, or in a
 * new one; when those are used up, in that of somebody who is none of the people any
 * more. There is one then, for the author has none and a charter has as many people.
 */
static bool
slot_of(const struct deciding *d, uint16_t *ret)
{
	*ret = d->mine != NULL ? d->mine->slot : *d->slots;
	for (size_t i = 0; i < d->t.n && *ret >= PEOPLE_MAX; i++)
		if (d->t.slot[i].voter.now == NULL)
			*ret = d->t.slot[i].slot;
	return *ret < PEOPLE_MAX;
}

static enum rc
say(struct applying *a, struct deciding *d, enum decision_state state,
    struct err *err)
{
	struct rec_decision	r = { .state = (uint8_t)state, .time = a->now,
				    .index = a->index };
	uint16_t		slot;

	if (!slot_of(d, &slot))
		return err_set(err, RC_BUG, "more decisions than people");
	memcpy(r.person, a->person->id, sizeof(r.person));
	memcpy(r.key, a->s.signer, sizeof(r.key));
	TRY(rec_decision_put(&a->changes, a->s.subject, slot, &r, err));
	if (slot == *d->slots)
		(*d->slots)++;
	return deciding_put(a, d, err);
}

/* Could this person's approval count at all? */
static enum void_reason
may_not_approve(const struct applying *a, const struct deciding *d)
{
	if (!d->amends)
		return approval_blocked(&d->t.rules, d->author, a->person);
	return charter_is_amender(a->charter, a->person) ? VOID_NONE : VOID_ROLE;
}

static bool
denial_ends(const struct applying *a, const struct deciding *d)
{
	return d->amends ? charter_may_veto_amendment(a->charter, a->person) :
	    may_veto(&d->t.rules, a->person->id);
}

static enum rc
approve_check(struct applying *a, const struct deciding *d)
{
	enum void_reason	why = may_not_approve(a, d);

	if (why != VOID_NONE)
		return refuse(a, why);
	/* An approval whose key was revoked since may be given again. */
	if (d->mine != NULL && d->mine->counts)
		return refuse(a, VOID_DECIDED);
	/*
	 * Nor may one that was signed before it was taken back: whoever held it
	 * back would undo the withdrawal with it.
	 */
	if (d->mine != NULL && d->mine->d.state == DECISION_WITHDRAWN &&
	    a->s.seen_size <= d->mine->d.index)
		return refuse(a, VOID_TAKEN_BACK);
	return RC_OK;
}

enum rc
apply_decision(struct applying *a, struct err *err)
{
	struct deciding	d;

	TRY(deciding_of_subject(a, &d, err));
	if (strcmp(d.author, a->person->id) == 0)
		return refuse(a, VOID_OWN_REQUEST);
	if (d.mine != NULL && d.mine->d.state == DECISION_DENIED)
		return refuse(a, VOID_DENIED_BEFORE);
	if (a->s.u.decision.approve) {
		TRY(approve_check(a, &d));
		return say(a, &d, DECISION_APPROVED, err);
	}
	if (denial_ends(a, &d))
		*d.status = STATUS_VETOED;
	return say(a, &d, DECISION_DENIED, err);
}

/* Who said something; or could have: their approval may be signed, and not logged yet. */
static bool
may_take_back(const struct applying *a, const struct deciding *d)
{
	if (d->mine != NULL)
		return true;
	if (d->amends)
		return charter_is_amender(a->charter, a->person);
	/* Without rules nobody can tell who could have. */
	return d->t.rules.n == 0 || may_vote(&d->t.rules, a->person);
}

enum rc
apply_withdrawal(struct applying *a, struct err *err)
{
	struct deciding	d;

	TRY(deciding_of_subject(a, &d, err));
	if (strcmp(d.author, a->person->id) == 0) {
		*d.status = STATUS_WITHDRAWN;
		return deciding_put(a, &d, err);
	}
	if (d.mine != NULL && d.mine->d.state == DECISION_DENIED)
		return refuse(a, VOID_DENIED_BEFORE);
	if (!may_take_back(a, &d))
		return refuse(a, VOID_ROLE);
	return say(a, &d, DECISION_WITHDRAWN, err);
}

static bool
is_key(const struct key *k, const uint8_t id[KEY_ID_BYTES])
{
	uint8_t	have[KEY_ID_BYTES];

	key_id(k, have);
	return memcmp(have, id, sizeof(have)) == 0;
}

/* A key of the charter that is no person's: not revocable under rules 1. */
static bool
is_institution_key(const struct charter *c, const uint8_t id[KEY_ID_BYTES])
{
	if (is_key(&c->coordinator.log_key, id))
		return true;
	for (size_t i = 0; i < c->n; i++)
		if (is_key(&c->custodian[i].signing_key, id))
			return true;
	for (size_t i = 0; i < c->n_sealers; i++)
		if (is_key(&c->sealer[i].key, id))
			return true;
	return false;
}

/*
 * Whose key: by the charter in force, else by the one that the statement names. A key
 * that is gone may come back by a later charter; who revoked it meanwhile was heard.
 */
static enum rc
owner_of(struct applying *a, const struct person **ret, struct err *err)
{
	const struct charter	*then;

	*ret = charter_person_by_key(a->charter, a->s.subject);
	if (*ret != NULL)
		return RC_OK;
	TRY(charters_load(a->r, a->s.charter, &then, err));
	*ret = charter_person_by_key(then, a->s.subject);
	return RC_OK;
}

enum rc
apply_revocation(struct applying *a, struct err *err)
{
	const struct person	*owner;
	bool			 revoked;

	TRY(owner_of(a, &owner, err));
	if (owner == NULL)
		return refuse(a, is_institution_key(a->charter, a->s.subject) ?
		    VOID_ROLE : VOID_UNKNOWN_SUBJECT);
	if (strcmp(owner->id, a->person->id) != 0 &&
	    !charter_is_amender(a->charter, a->person))
		return refuse(a, VOID_ROLE);
	TRY(rec_revoked_get(a->st, a->s.subject, &revoked, err));
	if (revoked)
		return refuse(a, VOID_DUPLICATE);
	return rec_revoked_put(&a->changes, a->s.subject, a->index, err);
}

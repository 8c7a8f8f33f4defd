/*
 * policy/apply_people.c - what people say to a request, and of their keys
 * (docs/spec/apply-v1.md section 6).
 */
#include <string.h>

#include "policy/apply_impl.h"

struct deciding {			/* a living request and who speaks to it */
	struct rec_request		 q;
	const struct policy_rule	*rule;
	struct tally			 t;
	struct tally_slot		*mine;	/* NULL: said nothing so far */
};

static enum rc
request_of_subject(struct applying *a, struct deciding *d, struct err *err)
{
	enum void_reason	why;
	enum rc			rc;

	rc = rec_request_get(a->st, a->s.subject, &d->q, err);
	if (rc == RC_MISSING)
		return refuse(a, VOID_UNKNOWN_SUBJECT);
	TRY(rc);
	TRY(request_ended(a->st, &d->q, a->now, &why, err));
	if (why != VOID_NONE)
		return refuse(a, why);
	if ((d->rule = request_rule(a->charter, &d->q)) == NULL)
		return refuse(a, VOID_POLICY);
	TRY(tally_request(a->st, a->charter, d->rule, a->s.subject, &d->q, &d->t,
	    err));
	d->mine = NULL;
	for (size_t i = 0; i < d->t.n; i++)
		if (strcmp(d->t.slot[i].d.person, a->person->id) == 0)
			d->mine = &d->t.slot[i];
	return RC_OK;
}

/* What this person says now takes the place of what they said before. */
static enum rc
say(struct applying *a, struct deciding *d, enum decision_state state,
    struct err *err)
{
	struct rec_decision	r = { .state = (uint8_t)state, .time = a->now,
				    .index = a->index };
	uint16_t		slot = d->mine != NULL ? d->mine->slot : d->q.slots;

	if (slot >= PEOPLE_MAX)
		return err_set(err, RC_BUG, "request: more decisions than people");
	memcpy(r.person, a->person->id, sizeof(r.person));
	memcpy(r.key, a->s.signer, sizeof(r.key));
	TRY(rec_decision_put(&a->changes, a->s.subject, slot, &r, err));
	if (d->mine == NULL)
		d->q.slots++;
	return rec_request_put(&a->changes, a->s.subject, &d->q, err);
}

static bool
may_veto(const struct policy_rule *rule, const struct person *p)
{
	for (size_t i = 0; i < rule->n_veto; i++)
		if (person_has_role(p, rule->veto[i]))
			return true;
	return false;
}

static enum rc
approve_check(struct applying *a, const struct deciding *d)
{
	const struct person	*requester;

	requester = charter_person(a->charter, d->q.requester);
	if (!d->rule->requester_organisation_may_approve &&
	    (requester == NULL || strcmp(requester->organisation,
	    a->person->organisation) == 0))
		return refuse(a, VOID_ORGANISATION);
	if (!quorum_may_vote(d->rule, a->person))
		return refuse(a, VOID_ROLE);
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

	TRY(request_of_subject(a, &d, err));
	if (strcmp(d.q.requester, a->person->id) == 0)
		return refuse(a, VOID_OWN_REQUEST);
	if (d.mine != NULL && d.mine->d.state == DECISION_DENIED)
		return refuse(a, VOID_DENIED_BEFORE);
	if (a->s.u.decision.approve) {
		TRY(approve_check(a, &d));
		return say(a, &d, DECISION_APPROVED, err);
	}
	if (may_veto(d.rule, a->person))
		d.q.status = STATUS_VETOED;
	return say(a, &d, DECISION_DENIED, err);
}

enum rc
apply_withdrawal(struct applying *a, struct err *err)
{
	struct deciding	d;

	TRY(request_of_subject(a, &d, err));
	if (strcmp(d.q.requester, a->person->id) == 0) {
		d.q.status = STATUS_WITHDRAWN;
		return rec_request_put(&a->changes, a->s.subject, &d.q, err);
	}
	if (d.mine != NULL && d.mine->d.state == DECISION_DENIED)
		return refuse(a, VOID_DENIED_BEFORE);
	/* Their approval may have been signed, and not be logged yet. */
	if (d.mine == NULL && !quorum_may_vote(d.rule, a->person))
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

static bool
is_amender(const struct charter *c, const struct person *p)
{
	for (size_t i = 0; i < c->n_amenders; i++)
		if (strcmp(c->amender[i], p->id) == 0)
			return true;
	return false;
}

enum rc
apply_revocation(struct applying *a, struct err *err)
{
	const struct person	*owner;
	bool			 revoked;

	owner = charter_person_by_key(a->charter, a->s.subject);
	if (owner == NULL)
		return refuse(a, is_institution_key(a->charter, a->s.subject) ?
		    VOID_ROLE : VOID_UNKNOWN_SUBJECT);
	if (owner != a->person && !is_amender(a->charter, a->person))
		return refuse(a, VOID_ROLE);
	TRY(rec_revoked_get(a->st, a->s.subject, &revoked, err));
	if (revoked)
		return refuse(a, VOID_DUPLICATE);
	return rec_revoked_put(&a->changes, a->s.subject, a->index, err);
}

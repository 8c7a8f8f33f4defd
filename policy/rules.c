/*
 * policy/rules.c - see policy/rules.h and policy/tally.h: what all rules of a request
 * say together. Each function here is a loop over them.
 */
#include <string.h>

#include "policy/apply_impl.h"
#include "policy/rules.h"

static void
rule_add(struct rules *l, const struct policy_rule *rule)
{
	for (size_t i = 0; i < l->n; i++)
		if (memcmp(l->rule[i]->digest, rule->digest, SHA256_BYTES) == 0)
			return;
	l->rule[l->n++] = rule;
}

static bool
addressees_agree(const struct rules *l)
{
	for (size_t i = 1; i < l->n; i++)
		if (l->rule[i]->release_to_recipient !=
		    l->rule[0]->release_to_recipient)
			return false;
	return true;
}

/* The policy in force, the one that was asked under, those that were sealed under. */
enum rc
rules_of(struct replica *r, const struct rec_request *q, struct rules *ret,
    struct err *err)
{
	const struct policy_rule	*rule;

	ret->n = 0;
	ret->now = r->charter;
	TRY(charters_load(r, q->charter, &ret->then, err));
	if ((rule = charter_policy(ret->now, q->policy)) == NULL)
		return RC_OK;
	rule_add(ret, rule);
	rule = charter_policy_by_digest(ret->then, q->policy_digest);
	if (rule == NULL)
		return err_set(err, RC_BUG, "state: a request under no policy");
	rule_add(ret, rule);
	for (size_t i = 0; i < q->n_floors; i++) {
		enum rc	rc = charters_policy(r, q->floor[i], &rule, err);

		if (rc != RC_OK)
			return rc != RC_MISSING ? rc :
			    err_wrap(err, RC_BUG, "state");
		rule_add(ret, rule);
	}
	if (!addressees_agree(ret))
		ret->n = 0;
	return RC_OK;
}

/* --- what it asks for ----------------------------------------------------------------------- */

bool
policy_covers(const struct policy_rule *rule, const char *part)
{
	if (rule->n_parts == 0)
		return true;
	for (size_t i = 0; i < rule->n_parts; i++)
		if (strcmp(rule->part[i], part) == 0)
			return true;
	return false;
}

static bool
attached(const struct rec_request *q, const char *kind)
{
	for (size_t i = 0; i < q->n_attachments; i++)
		if (strcmp(q->attachment[i], kind) == 0)
			return true;
	return false;
}

static enum rc
scope_covered(struct replica *r, const struct rec_request *q,
    const struct policy_rule *rule, bool *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(SCOPE_BYTES_MAX);
	AUTO_DONE(scope_done) struct scope s = { 0 };

	*ret = true;
	if (rule->n_parts == 0)
		return RC_OK;
	TRY(fixed_blob(r->st, q->scope, SCOPE_BYTES_MAX, &b, err));
	TRY(scope_parse(buf_view(&b), &s, err));
	for (uint32_t i = 0; i < s.n_parts; i++)
		*ret = *ret && policy_covers(rule, s.part[i].name);
	return RC_OK;
}

/* The request was held against the others when it was logged. */
enum rc
rules_fit(struct replica *r, const struct rec_request *q,
    const struct rules *rules, enum void_reason *ret, struct err *err)
{
	const struct policy_rule	*rule = rules->rule[0];
	bool				 covered;

	*ret = VOID_NONE;
	if (memcmp(rule->digest, q->policy_digest, SHA256_BYTES) == 0)
		return RC_OK;
	for (size_t i = 0; i < rule->n_attachments; i++)
		if (!attached(q, rule->attachment[i]))
			*ret = VOID_ATTACHMENT;
	if (*ret != VOID_NONE)
		return RC_OK;
	TRY(scope_covered(r, q, rule, &covered, err));
	if (!covered)
		*ret = VOID_SCOPE;
	return RC_OK;
}

/* --- whose word counts ----------------------------------------------------------------------- */

/* Is any organisation that the voter is or was of one that the requester is or was of? */
static bool
same_organisation(const struct rules *rules, const char *requester,
    const struct voter *v)
{
	const struct person	*them[2] = {
		charter_person(rules->then, requester),
		charter_person(rules->now, requester)
	};

	for (size_t i = 0; i < 2; i++)
		if (them[i] == NULL ||
		    strcmp(them[i]->organisation, v->then->organisation) == 0 ||
		    strcmp(them[i]->organisation, v->now->organisation) == 0)
			return true;
	return false;
}

enum void_reason
approval_blocked_by(const struct policy_rule *rule, const struct rules *rules,
    const char *requester, const struct voter *v)
{
	if (!rule->requester_organisation_may_approve &&
	    same_organisation(rules, requester, v))
		return VOID_ORGANISATION;
	return quorum_may_vote(rule, v) ? VOID_NONE : VOID_ROLE;
}

enum void_reason
approval_blocked(const struct rules *rules, const char *requester,
    const struct person *p)
{
	struct voter		 v = { charter_person(rules->then, p->id), p };
	enum void_reason	 why = VOID_ORGANISATION;

	if (v.then == NULL)
		return VOID_ROLE;
	for (size_t i = 0; i < rules->n; i++) {
		enum void_reason	one;

		one = approval_blocked_by(rules->rule[i], rules, requester, &v);
		if (one == VOID_NONE)
			return VOID_NONE;
		if (one == VOID_ROLE)
			why = VOID_ROLE;
	}
	return why;
}

bool
may_vote(const struct rules *rules, const struct person *p)
{
	struct voter	v = { charter_person(rules->then, p->id), p };

	for (size_t i = 0; v.then != NULL && i < rules->n; i++)
		if (quorum_may_vote(rules->rule[i], &v))
			return true;
	return false;
}

bool
may_veto(const struct rules *rules, const char *id)
{
	const struct person	*as[2] = {
		charter_person(rules->then, id), charter_person(rules->now, id)
	};

	/* Doubt refuses: what they are, or what they were. */
	for (size_t i = 0; i < rules->n; i++)
		for (size_t j = 0; j < rules->rule[i]->n_veto; j++)
			for (size_t k = 0; k < 2; k++)
				if (as[k] != NULL && person_has_role(as[k],
				    rules->rule[i]->veto[j]))
					return true;
	return false;
}

/* --- when ------------------------------------------------------------------------------------- */

enum rc
request_ended(struct replica *r, const struct rec_request *q, when t,
    enum void_reason *ret, struct err *err)
{
	const struct person	*requester;
	bool			 revoked;

	*ret = VOID_NONE;
	if (q->status != STATUS_ALIVE || t > q->expires) {
		*ret = VOID_ENDED;
		return RC_OK;
	}
	/* Who stole the requester's key must not receive: doubt stops a release. */
	TRY(rec_revoked_get(r->st, q->key, &revoked, err));
	requester = charter_person(r->charter, q->requester);
	if (revoked || requester == NULL || !person_has_key(requester, q->key))
		*ret = VOID_REVOKED_KEY;
	return RC_OK;
}

uint64_t
objection_seconds(const struct rules *rules)
{
	uint64_t	longest = 0;

	for (size_t i = 0; i < rules->n; i++)
		if (rules->rule[i]->objection_seconds > longest)
			longest = rules->rule[i]->objection_seconds;
	return longest;
}

/* q->time_lock has the locks of the policies that it was logged under. */
static when
time_lock(const struct rec_request *q, const struct rules *rules)
{
	uint64_t	seconds = rules->rule[0]->time_lock_seconds;

	if (seconds == 0 || q->sealed + seconds < q->time_lock)
		return q->time_lock;
	return q->sealed + seconds;
}

when
order_earliest(const struct rec_request *q, const struct tally *t)
{
	when	window = t->met_at + objection_seconds(&t->rules);
	when	lock = time_lock(q, &t->rules);

	if (!t->met)
		return 0;
	return window > lock ? window : lock;
}

enum void_reason
order_blocked(const struct rec_request *q, const struct tally *t, when at)
{
	if (t->misfit != VOID_NONE)
		return t->misfit;
	/* The charter in force may let requests live less long. */
	if (at > q->logged + t->rules.rule[0]->request_seconds)
		return VOID_LIFETIME;
	if (!t->met)
		return VOID_QUORUM;
	if (at < time_lock(q, &t->rules))
		return VOID_TIME_LOCK;
	if (at < t->met_at + objection_seconds(&t->rules))
		return VOID_OBJECTION;
	return VOID_NONE;
}

enum rc
order_day(struct replica *r, const struct rec_request *q,
    const struct rules *rules, when at, bool *ret_fits, struct err *err)
{
	uint32_t	day = when_day(at);

	*ret_fits = true;
	/* A second order on one day, for a worker that was lost, costs nothing. */
	for (size_t i = 0; i < rules->n && q->charged != day; i++) {
		const struct policy_rule	*rule = rules->rule[i];
		uint64_t			 used;

		TRY(rec_count_get(r->st, 'l', rule->digest, day, &used, err));
		if (rule->artifacts_per_day != 0 &&
		    used + q->artifacts > rule->artifacts_per_day)
			*ret_fits = false;
	}
	return RC_OK;
}

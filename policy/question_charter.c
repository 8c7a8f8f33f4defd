/*
 * policy/question_charter.c - where an amendment stands, and whether a custodian may
 * consent to it (docs/spec/apply-v1.md section 9).
 */
#include <string.h>

#include "policy/apply_impl.h"
#include "policy/view.h"

static enum amendment_phase
phase_of(const struct replica *r, const struct rec_amendment *m,
    enum void_reason ended, bool met, when t)
{
	if (m->in_force != NO_INDEX)
		return AMENDMENT_IN_FORCE;
	if (m->status == STATUS_VETOED)
		return AMENDMENT_VETOED;
	/* A proposer whose key was revoked no longer proposes. */
	if (m->status == STATUS_WITHDRAWN || ended == VOID_REVOKED_KEY)
		return AMENDMENT_WITHDRAWN;
	if (memcmp(m->amends, r->head.charter, SHA256_BYTES) != 0)
		return AMENDMENT_SUPERSEDED;
	if (t > m->expires)
		return AMENDMENT_EXPIRED;
	return met ? AMENDMENT_MET : AMENDMENT_OPEN;
}

static void
view_amendment(const uint8_t id[SHA256_BYTES], const struct rec_amendment *m,
    const struct tally *t, struct amendment_view *v)
{
	memset(v, 0, sizeof(*v));
	memcpy(v->id, id, sizeof(v->id));
	memcpy(v->charter, m->charter, sizeof(v->charter));
	memcpy(v->amends, m->amends, sizeof(v->amends));
	memcpy(v->proposer, m->proposer, sizeof(v->proposer));
	v->index = m->index;
	v->logged = m->logged;
	v->expires = m->expires;
	v->in_force = m->in_force;
	v->consents = m->consents;
	v->met_at = t->met_at;
	v->earliest = consent_earliest(t->rules.now, t);
	v->need = (uint8_t)charter_amend_need(t->rules.now);
	v->have = (uint8_t)t->people;
	v->n_approvals = view_approvals(t, v->approval);
}

enum rc
replica_amendment(struct replica *r, const uint8_t id[SHA256_BYTES], when now,
    struct amendment_view *ret, struct err *err)
{
	when			at = now > r->head.time ? now : r->head.time;
	struct rec_amendment	m;
	struct amendment_view	v;
	struct tally		t;
	enum void_reason	ended;

	TRY(rec_amendment_get(r->st, id, &m, err));
	TRY(amendment_ended(r, &m, at, &ended, err));
	TRY(tally_amendment(r, id, &m, &t, err));
	view_amendment(id, &m, &t, &v);
	v.phase = phase_of(r, &m, ended, t.met, at);
	if (m.in_force == NO_INDEX)
		TRY(consents_count(r, id, t.rules.now, &t, &v.consents, err));
	*ret = v;
	return RC_OK;
}

/* --- may a custodian consent? ----------------------------------------------------------- */

struct asked_consent {
	struct replica		*r;
	const uint8_t		*id;
	const struct own_view	*own;
	struct rec_amendment	 m;
	struct tally		 t;
};

static enum rc
denied(enum void_reason why, struct err *err)
{
	return err_set(err, RC_DENIED, "%s: %s", void_reason_name(why),
	    void_reason_text(why));
}

static enum rc
alive(struct asked_consent *a, struct err *err)
{
	when			t = a->own->now > a->r->head.time ? a->own->now :
				    a->r->head.time;
	enum void_reason	why;

	TRY(amendment_ended(a->r, &a->m, t, &why, err));
	return why == VOID_NONE ? RC_OK : denied(why, err);
}

static enum rc
not_given(const struct asked_consent *a, uint8_t custodian, struct err *err)
{
	uint32_t	given;

	TRY(consents_count(a->r, a->id, a->r->charter, &a->t, &given, err));
	if (custodian < 1 || custodian > a->r->charter->n ||
	    (given >> (custodian - 1) & 1) != 0)
		return denied(VOID_DUPLICATE, err);
	return RC_OK;
}

/*
 * By its own clock: an entry comes when there is a consent, so that waiting for a log
 * time would wait for ever. The log time of the consent itself is judged by apply.
 */
static enum rc
delay_seen(const struct asked_consent *a, struct err *err)
{
	uint64_t	seconds = a->r->charter->amend_delay_seconds;

	if (!a->t.met)
		return denied(VOID_QUORUM, err);
	if (a->own->now < consent_earliest(a->r->charter, &a->t))
		return denied(VOID_OBJECTION, err);
	return own_waited(a->own, a->t.met_index, seconds, err);
}

static enum rc
can_follow(struct asked_consent *a, struct err *err)
{
	const struct charter	*next;
	enum rc			 rc;

	TRY(charters_load(a->r, a->m.charter, &next, err));
	rc = charter_follows(a->r->charter, next, CHANGE_AMENDMENT, err);
	return is_refusal(rc) ? denied(VOID_AMENDMENT, err) : rc;
}

enum rc
replica_may_consent(struct replica *r, const uint8_t id[SHA256_BYTES],
    uint8_t custodian, const struct own_view *own, struct err *err)
{
	struct asked_consent	a = { .r = r, .id = id, .own = own };

	TRY(rec_amendment_get(r->st, id, &a.m, err));
	TRY(alive(&a, err));
	TRY(tally_amendment(r, id, &a.m, &a.t, err));
	TRY(not_given(&a, custodian, err));
	TRY(delay_seen(&a, err));
	TRY(own_no_objection(own, id, a.m.key, &a.t, err));
	TRY(own_not_forgotten(own, a.m.index, err));
	TRY(can_follow(&a, err));
	if (own->cosigned_size <= a.t.met_index)
		return err_set(err, RC_QUORUM, "its last approval is entry %llu, but "
		    "only %llu entries are cosigned by a quorum so far",
		    (unsigned long long)a.t.met_index,
		    (unsigned long long)own->cosigned_size);
	return RC_OK;
}

/*
 * Somebody tries everything to get a release that nobody approved: many random
 * histories of a request, against a second and naive reading of apply-v1
 * sections 6 to 8. It tries all people for all places, and searches the whole
 * past for the moment when there were enough.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/policy/rows.h"

#define KEYS	(NET_PEOPLE + 1)	/* the auditor has two */
#define ORDERS	64
#define STEPS	80

enum said { NOTHING = 0, APPROVED, DENIED, WITHDREW };

struct voice { enum said said; unsigned key, turn; when time; };
struct given { uint8_t id[32]; uint64_t index; when time, expires; };

struct model {
	struct net			*n;
	const struct policy_rule	*rule;
	uint32_t			 rng;
	uint8_t				 request[32];
	when				 time, expires, lock;
	bool				 ended, revoked[KEYS];
	struct voice			 voice[NET_PEOPLE];
	unsigned			 turn, n_orders;
	struct given			 order[ORDERS];
	char				 trace[8192];
	size_t				 traced;
};

static unsigned
any(struct model *m, unsigned below)
{
	m->rng ^= m->rng << 13;
	m->rng ^= m->rng >> 17;
	m->rng ^= m->rng << 5;
	return m->rng % below;
}

static const struct person *
person(const struct model *m, size_t p)
{
	return &replica_charter(m->n->replica)->person[p];
}

static struct test_key *
key(struct model *m, unsigned k)
{
	return k == NET_PEOPLE ? &m->n->auditor_second : &m->n->person[k];
}

static unsigned
owner(unsigned k)
{
	return k == NET_PEOPLE ? NET_AUDITOR : k;
}

static bool
counts(const struct model *m, size_t p)
{
	return m->voice[p].said == APPROVED && !m->revoked[m->voice[p].key];
}

static bool
wanted(const struct model *m, size_t p)
{
	for (size_t i = 0; i < m->rule->n_need; i++)
		if (person_has_role(person(m, p), m->rule->need[i].role))
			return true;
	return false;
}

/* Try everybody for each place in turn: slow, and obviously right. */
static bool
places(const struct model *m, uint32_t free, size_t need, size_t filled)
{
	if (need == m->rule->n_need)
		return true;
	if (filled == m->rule->need[need].count)
		return places(m, free, need + 1, 0);
	for (size_t p = 0; p < NET_PEOPLE; p++)
		if ((free >> p & 1) != 0 &&
		    person_has_role(person(m, p), m->rule->need[need].role) &&
		    places(m, free & ~(UINT32_C(1) << p), need, filled + 1))
			return true;
	return false;
}

/* The earliest turn by which those who count now were enough; false: they are not. */
static bool
met_by(const struct model *m, when *ret)
{
	for (unsigned turn = 0; turn <= m->turn; turn++) {
		uint32_t	who = 0;

		for (size_t p = 0; p < NET_PEOPLE; p++)
			if (counts(m, p) && m->voice[p].turn <= turn) {
				who |= UINT32_C(1) << p;
				if (m->voice[p].turn == turn)
					*ret = m->voice[p].time;
			}
		if (__builtin_popcount(who) >= m->rule->people && places(m, who, 0, 0))
			return true;
	}
	return false;
}

static bool
lives(const struct model *m, when t)
{
	return !m->ended && t <= m->expires && !m->revoked[NET_REQUESTER];
}

static bool
open_at(const struct model *m, when t)
{
	when	met_at = 0;

	return met_by(m, &met_at) && t >= m->lock && t >= met_at + m->rule->objection_seconds;
}

static void
expect(struct model *m, const char *what, unsigned who, bool want, bool have)
{
	int	n = snprintf(m->trace + m->traced, sizeof(m->trace) - m->traced, "\n%s %u %s",
		    what, who, have ? "yes" : "no");

	m->traced += (size_t)n < sizeof(m->trace) - m->traced ? (size_t)n : 0;
	if (want != have)
		fail_msg("policy %s: the model says %s:%s", m->rule->id, want ? "yes" : "no", m->trace);
}

/* The entry that is logged next: effective time never goes back. */
static void
tick(struct model *m)
{
	m->turn++;
	if (m->n->now > m->time)
		m->time = m->n->now;
}

static void
decide(struct model *m, bool approve)
{
	unsigned		k = any(m, KEYS), p = owner(k);
	struct voice		*v = &m->voice[p];
	struct statement	s;
	bool			may;

	tick(m);
	may = lives(m, m->time) && !m->revoked[k] && p != NET_REQUESTER && v->said != DENIED;
	if (approve)
		may = may && wanted(m, p) && !counts(m, p) &&
		    (m->rule->requester_organisation_may_approve ||
		    strcmp(person(m, p)->organisation, person(m, NET_REQUESTER)->organisation) != 0);
	decision(m->n, &s, m->request, approve);
	expect(m, approve ? "approve" : "deny", k, may, net_log(m->n, &s, key(m, k)).effective);
	if (!may)
		return;
	*v = (struct voice){ approve ? APPROVED : DENIED, k, m->turn, m->time };
	for (size_t i = 0; !approve && i < m->rule->n_veto; i++)
		if (person_has_role(person(m, p), m->rule->veto[i]))
			m->ended = true;
}

static void
withdraw(struct model *m)
{
	unsigned		k = any(m, KEYS), p = owner(k);
	struct statement	s;
	bool			may;

	/* Not so often that no history gets anywhere. */
	if (p == NET_REQUESTER && any(m, 8) != 0)
		return;
	tick(m);
	may = lives(m, m->time) && !m->revoked[k] &&
	    (p == NET_REQUESTER || m->voice[p].said == APPROVED || m->voice[p].said == WITHDREW ||
	    (m->voice[p].said == NOTHING && wanted(m, p)));
	net_statement(m->n, &s, STATEMENT_WITHDRAWAL);
	memcpy(s.subject, m->request, sizeof(s.subject));
	expect(m, "withdraw", k, may, net_log(m->n, &s, key(m, k)).effective);
	if (may && p == NET_REQUESTER)
		m->ended = true;
	else if (may)
		m->voice[p].said = WITHDREW;
}

static void
revoke(struct model *m)
{
	unsigned	of = any(m, KEYS), by = any(m, KEYS);
	bool		may;

	if (of == NET_REQUESTER && any(m, 8) != 0)
		return;
	tick(m);
	may = !m->revoked[by] && !m->revoked[of] &&
	    (owner(of) == owner(by) || by == NET_LEGAL || by == NET_COURT);
	expect(m, "revoke", of * 100 + by, may, net_revoke(m->n, key(m, of), key(m, by)).effective);
	m->revoked[of] = m->revoked[of] || may;
}

static void
give_order(struct model *m)
{
	struct given	*o = &m->order[m->n_orders];
	bool		 may;

	tick(m);
	may = lives(m, m->time) && open_at(m, m->time) &&
	    open_at(m, m->n->now) && m->n->now + 600 >= m->time;
	expect(m, "order", m->n_orders, may, net_order(m->n, m->request, o->id).effective);
	if (!may || m->n_orders == ORDERS - 1)
		return;
	o->index = m->n->range.size - 1;
	o->time = m->time;
	o->expires = m->n->now + 600;
	m->n_orders++;
}

static void
contribute(struct model *m)
{
	const struct given	*o;
	struct grant		 g;
	when			 own = m->n->now + any(m, 8) - 4, t;
	uint64_t		 size;
	bool			 may;
	enum rc			 rc;

	if (m->n_orders == 0)
		return;
	o = &m->order[any(m, m->n_orders)];
	size = o->index + any(m, 3);
	t = own > m->time ? own : m->time;
	may = lives(m, t) && t <= o->expires && open_at(m, o->time) && open_at(m, own);
	rc = replica_may_contribute(m->n->replica, o->id, own, size, &g, NULL);
	expect(m, "contribute", (unsigned)o->index, may && size > o->index, rc == RC_OK);
	if (may && size <= o->index)
		assert_int_equal(rc, RC_QUORUM);
	grant_done(&g);
}

static void
history(struct model *m)
{
	for (unsigned i = 0; i < STEPS; i++) {
		unsigned	what = any(m, 20);

		if (what < 7)
			decide(m, true);
		else if (what < 8)
			decide(m, false);
		else if (what < 10)
			withdraw(m);
		else if (what < 11)
			revoke(m);
		else if (what < 14)
			give_order(m);
		else if (what < 18)
			contribute(m);
		else if (what < 19)
			m->n->now += any(m, 6);
		else	/* and back, as a sequencer may date an entry */
			m->n->now -= any(m, 3);
		if (any(m, 400) == 0)
			m->n->now += 86400;
	}
}

static void
the_model_agrees(void **state)
{
	static const char *const policies[] = { "standard", "pair", "veto", "objection", "lenient",
	    "window", "timelock" };
	static const unsigned	rounds = 12;
	unsigned		orders = 0;

	(void)state;
	for (unsigned i = 0; i < rounds * sizeof(policies) / sizeof(policies[0]); i++) {
		const char	*policy = policies[i / rounds];
		struct model	 m;
		struct net	 n;

		memset(&m, 0, sizeof(m));
		net_init(&n);
		m.n = &n;
		m.rng = 2463534242U + i * 7919;
		seal_and_ask(&n, policy, m.request);
		m.rule = charter_policy(replica_charter(n.replica), policy);
		m.time = n.now;
		/* The request's statement lives an hour. */
		m.expires = n.now + 3600;
		m.lock = m.rule->time_lock_seconds == 0 ? 0 : n.now + m.rule->time_lock_seconds;
		if (m.lock != 0)
			n.now += 50;
		history(&m);
		orders += m.n_orders;
		net_done(&n);
	}
	/* The histories got somewhere. */
	assert_true(orders > 50);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(the_model_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

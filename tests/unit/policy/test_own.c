/* What only one custodian knows, when it is asked to contribute. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/policy/rows.h"

/* A request under "window", met: pair, three people, an objection window of 5 s. */
struct asked {
	struct net	n;
	uint8_t		request[32], order[32];
	uint64_t	request_index, met_index;
};

static void
ask(struct asked *a)
{
	struct request_view	v;

	net_init(&a->n);
	seal_and_ask(&a->n, "window", a->request);
	a->request_index = a->n.range.size - 1;
	good(net_decide(&a->n, a->request, NET_LEGAL, true));
	good(net_decide(&a->n, a->request, NET_COMPLIANCE, true));
	good(net_decide(&a->n, a->request, NET_SECOND_LEGAL, true));
	a->met_index = a->n.range.size - 1;
	/* One more than is needed: it did not meet the request. */
	good(net_decide(&a->n, a->request, NET_SECOND_COMPLIANCE, true));
	a->n.now += 5;
	good(net_order(&a->n, a->request, a->order));
	assert_int_equal(replica_request(a->n.replica, a->request, a->n.now, &v,
	    NULL), RC_OK);
	assert_int_equal(v.approval[2].index, a->met_index);
}

static enum rc
may(struct asked *a, struct own_view *own, struct grant *g, struct err *err)
{
	own->now = own->now == 0 ? a->n.now : own->now;
	own->cosigned_size = a->n.range.size;
	*err = (struct err){ 0 };
	return replica_may_act(a->n.replica, a->order, own, g, err);
}

/* --- a "no" beside the log ---------------------------------------------------------- */

static void subject_request(struct asked *a, uint8_t s[32]) { memcpy(s, a->request, 32); }
static void subject_order(struct asked *a, uint8_t s[32]) { memcpy(s, a->order, 32); }
static void subject_other(struct asked *a, uint8_t s[32]) { memcpy(s, a->request, 32); s[31] ^= 1; }
static void key_of(struct asked *a, enum net_person p, uint8_t s[32]) { key_id(&a->n.person[p].signer.key, s); }
static void key_requester(struct asked *a, uint8_t s[32]) { key_of(a, NET_REQUESTER, s); }
static void key_first(struct asked *a, uint8_t s[32]) { key_of(a, NET_LEGAL, s); }
static void key_spare(struct asked *a, uint8_t s[32]) { key_of(a, NET_SECOND_COMPLIANCE, s); }
static void key_none(struct asked *a, uint8_t s[32]) { key_of(a, NET_AUDITOR, s); }

static const struct {
	const char		*name;
	enum statement_type	 type;
	void			(*subject)(struct asked *a, uint8_t s[32]);
	const char		*words;		/* NULL: it does not affect the request */
} objections[] = {
	{ "a denial",			STATEMENT_DECISION, subject_request, "a denial that was handed" },
	{ "a withdrawal",		STATEMENT_WITHDRAWAL, subject_request, "a withdrawal that was handed" },
	{ "the requester's key",	STATEMENT_REVOCATION, key_requester, "a revocation that was handed" },
	{ "an approver's key",		STATEMENT_REVOCATION, key_first, "a revocation that was handed" },
	{ "an approver's, not needed",	STATEMENT_REVOCATION, key_spare, "a revocation that was handed" },
	{ "another's key",		STATEMENT_REVOCATION, key_none, NULL },
	{ "a key like the request's id", STATEMENT_REVOCATION, subject_request, NULL },
	{ "of another request",		STATEMENT_DECISION, subject_other, NULL },
	{ "of another request",		STATEMENT_WITHDRAWAL, subject_other, NULL },
	{ "of a request like the order's id", STATEMENT_WITHDRAWAL, subject_order, NULL },
	{ "of a request like a key's id", STATEMENT_DECISION, key_first, NULL },
};
#define N_OBJECTIONS	(sizeof(objections) / sizeof(objections[0]))

static void
objected(void **state)
{
	struct asked	a;

	(void)state;
	ask(&a);
	for (size_t i = 0; i < N_OBJECTIONS; i++) {
		/* Among others, which are not looked for by position. */
		struct objection	list[3] = {
			{ STATEMENT_WITHDRAWAL, { 7 } },
			{ objections[i].type, { 0 } },
			{ STATEMENT_REVOCATION, { 8 } },
		};
		struct own_view		own = {
			.objection = list, .n_objections = 3
		};
		struct grant		g;
		struct err		err;
		enum rc			rc;

		objections[i].subject(&a, list[1].subject);
		rc = may(&a, &own, &g, &err);
		if (rc != (objections[i].words == NULL ? RC_OK : RC_DENIED))
			fail_msg("%s: %s", objections[i].name, rc_name(rc));
		if (objections[i].words != NULL) {
			assert_non_null(strstr(err.msg, objections[i].words));
			assert_int_equal(g.why, VOID_NONE);
		}
		grant_done(&g);
	}
	net_done(&a.n);
}

/* An approval that was taken back rests on no key; the log says the rest. */
static void
objection_to_a_spent_approval(void **state)
{
	struct objection	o = { STATEMENT_REVOCATION, { 0 } };
	struct own_view		own = { .objection = &o, .n_objections = 1 };
	struct asked		a;
	struct grant		g;
	struct err		err;

	(void)state;
	ask(&a);
	good(net_withdraw(&a.n, a.request, NET_SECOND_COMPLIANCE));
	key_spare(&a, o.subject);
	assert_int_equal(may(&a, &own, &g, &err), RC_OK);
	grant_done(&g);
	net_done(&a.n);
}

/* --- put back to an older state -------------------------------------------------------- */

static void
forgotten(void **state)
{
	struct asked	a;

	(void)state;
	ask(&a);
	for (uint64_t floor = 0; floor < a.n.range.size + 2; floor++) {
		struct own_view	own = { .floor = floor };
		struct grant	g;
		struct err	err;
		bool		known = a.request_index >= floor;

		assert_int_equal(may(&a, &own, &g, &err), known ? RC_OK : RC_DENIED);
		if (!known) {
			assert_non_null(strstr(err.msg, "put back to an older state"));
			assert_int_equal(g.why, VOID_NONE);
		}
		grant_done(&g);
	}
	net_done(&a.n);
}

/* --- the objection window, since the approval came here ---------------------------------- */

struct arrivals {
	uint64_t	index;		/* the one that is recorded */
	when		at;
	enum rc		rc;		/* RC_OK, or what it answers for that one */
	unsigned	asked;
};

static enum rc
arrived(void *user, uint64_t index, when *ret, struct err *err)
{
	struct arrivals	*r = user;

	r->asked++;
	if (index != r->index)
		return err_set(err, RC_MISSING, "not recorded");
	if (r->rc != RC_OK)
		return err_set(err, r->rc, "the store");
	*ret = r->at;
	return RC_OK;
}

/* Times are against the custodian's clock; the window is 5 s. */
static const struct {
	const char	*name;
	int64_t		 came;
	enum rc		 answer, rc;
} windows[] = {
	{ "long ago",			-100, RC_OK, RC_OK },
	{ "its last second",		-4, RC_OK, RC_DENIED },
	{ "closed",			-5, RC_OK, RC_OK },
	{ "just now",			0, RC_OK, RC_DENIED },
	{ "before a clock was put back", 1, RC_OK, RC_DENIED },
	{ "a day before it was",	86400, RC_OK, RC_DENIED },
	{ "nobody wrote it down",	0, RC_MISSING, RC_OK },
	{ "a disk that does not answer", 0, RC_IO, RC_IO },
};

static void
window(void **state)
{
	struct asked	a;

	(void)state;
	ask(&a);
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		struct arrivals	r = {
			.index = a.met_index, .rc = windows[i].answer,
			.at = a.n.now + (uint64_t)windows[i].came,
		};
		struct own_view	own = { .arrived = arrived, .user = &r };
		struct grant	g;
		struct err	err;
		enum rc		rc = may(&a, &own, &g, &err);

		if (rc != windows[i].rc)
			fail_msg("%s: %s", windows[i].name, rc_name(rc));
		assert_int_equal(g.why, rc == RC_DENIED ? VOID_OBJECTION : VOID_NONE);
		if (rc == RC_DENIED)
			assert_non_null(strstr(err.msg, "objection-window"));
		assert_int_equal(r.asked, 1);
		grant_done(&g);
	}
	net_done(&a.n);
}

/* An approval that was more than enough came late: it opens no window. */
static void
window_of_the_one_that_met_it(void **state)
{
	struct arrivals	r = { .rc = RC_OK };
	struct own_view	own = { .arrived = arrived, .user = &r };
	struct asked	a;
	struct grant	g;
	struct err	err;

	(void)state;
	ask(&a);
	for (r.index = 0; r.index < a.n.range.size; r.index++) {
		r.at = a.n.now;
		assert_int_equal(may(&a, &own, &g, &err),
		    r.index == a.met_index ? RC_DENIED : RC_OK);
		grant_done(&g);
	}
	net_done(&a.n);
}

/* A policy without a window is not asked when its approvals came. */
static void
no_window(void **state)
{
	struct arrivals	r = { .rc = RC_IO };
	struct own_view	own = { .arrived = arrived, .user = &r };
	struct asked	a;
	struct grant	g;
	struct err	err;

	(void)state;
	net_init(&a.n);
	met(&a.n, "standard", a.request);
	good(net_order(&a.n, a.request, a.order));
	assert_int_equal(may(&a, &own, &g, &err), RC_OK);
	assert_int_equal(r.asked, 0);
	grant_done(&g);
	net_done(&a.n);
}

/* --- which statements are a "no" ------------------------------------------------------------ */

static void
no_is_no(void **state)
{
	(void)state;
	for (int t = 0; t < STATEMENT_TYPES; t++) {
		struct statement	s = { .type = (enum statement_type)t };
		bool			no = t == STATEMENT_WITHDRAWAL ||
					    t == STATEMENT_REVOCATION;

		if (t != STATEMENT_DECISION) {
			assert_int_equal(statement_is_no(&s), no);
			continue;
		}
		assert_true(statement_is_no(&s));
		s.u.decision.approve = true;
		assert_false(statement_is_no(&s));
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(objected),
		cmocka_unit_test(objection_to_a_spent_approval),
		cmocka_unit_test(forgotten),
		cmocka_unit_test(window),
		cmocka_unit_test(window_of_the_one_that_met_it),
		cmocka_unit_test(no_window),
		cmocka_unit_test(no_is_no),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

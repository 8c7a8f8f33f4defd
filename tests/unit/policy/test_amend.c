/* How one charter follows another: what is seen of it, and what it leaves behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/entry.h"
#include "policy/apply_impl.h"
#include "tests/unit/policy/rows.h"

static const struct net_edit	renamed[] = { { "name", "\"Another name\"" } };
static const struct net_edit	again[] = { { "name", "\"A third name\"" } };

/* Approved by legal, compliance and auditor, and the delay has run. */
static void
approved(struct net *n, const struct net_edit *e, uint8_t id[32])
{
	struct buf	doc = BUF_INIT(BIG);

	net_next(n, e, 1, &doc);
	net_approved(n, buf_view(&doc), id);
	buf_done(&doc);
}

static struct amendment_view
view(struct net *n, const uint8_t id[32])
{
	struct amendment_view	v;

	assert_int_equal(replica_amendment(n->replica, id, n->now, &v, NULL), RC_OK);
	return v;
}

static void
in_force_with_the_qth(void **state)
{
	struct amendment_view	v;
	struct net		n;
	uint8_t			id[32], other[32];

	(void)state;
	net_init_amendable(&n);
	{
		struct buf	doc = BUF_INIT(BIG);

		net_next(&n, again, 1, &doc);
		good(net_propose(&n, buf_view(&doc), NET_LEGAL, other));
		buf_done(&doc);
	}
	assert_int_equal(view(&n, other).phase, AMENDMENT_OPEN);
	approved(&n, renamed, id);
	v = view(&n, id);
	assert_int_equal(v.phase, AMENDMENT_MET);
	assert_int_equal(v.need, 3);
	assert_int_equal(v.have, 3);
	assert_int_equal(v.n_approvals, 3);
	assert_true(v.approval[0].counts && v.approval[0].approve);
	assert_string_equal(v.approval[0].person, "legal");
	assert_string_equal(v.proposer, "requester");
	assert_int_equal(v.earliest, v.met_at + 3600);
	for (uint8_t i = 1; i <= 3; i++)
		good(net_consent(&n, id, i));
	v = view(&n, id);
	assert_int_equal(v.phase, AMENDMENT_MET);
	assert_int_equal(v.consents, 7);
	assert_true(v.in_force == UINT64_MAX);
	assert_memory_equal(replica_charter(n.replica)->digest, n.genesis, 32);
	good(net_consent(&n, id, 5));
	v = view(&n, id);
	assert_int_equal(v.phase, AMENDMENT_IN_FORCE);
	assert_int_equal(v.consents, 7 | 16);
	assert_int_equal(v.in_force, n.range.size - 1);
	assert_memory_equal(replica_charter(n.replica)->digest, v.charter, 32);
	assert_memory_equal(v.amends, n.genesis, 32);
	assert_string_equal(replica_charter(n.replica)->name, "Another name");
	assert_int_equal(view(&n, other).phase, AMENDMENT_SUPERSEDED);
	net_done(&n);
}

static void
phases(void **state)
{
	struct net	n;
	uint8_t		id[32];

	(void)state;
	net_init_amendable(&n);
	approved(&n, renamed, id);
	good(net_decide(&n, id, NET_COURT, false));
	assert_int_equal(view(&n, id).phase, AMENDMENT_MET);
	good(net_decide(&n, id, NET_SECOND_COMPLIANCE, false));
	assert_int_equal(view(&n, id).phase, AMENDMENT_VETOED);
	approved(&n, renamed, id);
	good(net_withdraw(&n, id, NET_REQUESTER));
	assert_int_equal(view(&n, id).phase, AMENDMENT_WITHDRAWN);
	approved(&n, renamed, id);
	n.now += 8 * 86400;
	assert_int_equal(view(&n, id).phase, AMENDMENT_EXPIRED);
	assert_string_equal(amendment_phase_name(AMENDMENT_SUPERSEDED), "superseded");
	assert_int_equal(replica_amendment(n.replica, n.genesis, n.now,
	    &(struct amendment_view){ 0 }, NULL), RC_MISSING);
	net_done(&n);
}

/* What custodians agreed to was another set of approvals. */
static void
old_consents_count_no_more(void **state)
{
	struct net	n;
	uint8_t		id[32];

	(void)state;
	net_init_amendable(&n);
	approved(&n, renamed, id);
	for (uint8_t i = 1; i <= 3; i++)
		good(net_consent(&n, id, i));
	good(net_withdraw(&n, id, NET_LEGAL));
	assert_int_equal(view(&n, id).consents, 0);
	good(net_decide(&n, id, NET_LEGAL, true));
	n.now += 3600;
	assert_int_equal(view(&n, id).consents, 0);
	good(net_consent(&n, id, 4));
	assert_int_equal(view(&n, id).phase, AMENDMENT_MET);
	for (uint8_t i = 1; i <= 3; i++)
		good(net_consent(&n, id, i));
	assert_int_equal(view(&n, id).phase, AMENDMENT_IN_FORCE);
	net_done(&n);
}

/* --- rules that this code does not know ---------------------------------------------------- */

static void
unknown_rules_stop(void **state)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);
	struct own_view		own = { 0 };
	struct statement	s;
	struct verdict		v;
	struct err		err;
	struct net		n;
	uint8_t			id[32], before[32], after[32];
	char			entry[32];

	(void)state;
	net_init_amendable(&n);
	net_approved(&n, SPAN_STR("{\"rules\":2,\"of\":\"the future\"}"), id);
	own.now = n.now;
	own.cosigned_size = n.range.size;
	assert_int_equal(replica_may_consent(n.replica, id, 1, &own, &err), RC_FORMAT);
	assert_non_null(strstr(err.msg, "rules 2"));
	for (uint8_t i = 1; i <= 3; i++)
		good(net_consent(&n, id, i));
	assert_int_equal(replica_state_digest(n.replica, before, NULL), RC_OK);
	net_statement(&n, &s, STATEMENT_CONSENT);
	memcpy(s.subject, id, 32);
	s.u.consent.custodian = 4;
	assert_int_equal(statement_sign(&s, &n.signing[3].signer, &b, NULL), RC_OK);
	assert_int_equal(replica_try(n.replica, n.now, buf_view(&b), &v, &err),
	    RC_FORMAT);
	(void)snprintf(entry, sizeof(entry), "entry %u: ", (unsigned)n.range.size);
	assert_int_equal(net_log_try(&n, buf_view(&b), &v, &err), RC_FORMAT);
	assert_non_null(strstr(err.msg, entry));
	assert_non_null(strstr(err.msg, "install a version that knows them; nothing was lost"));
	assert_int_equal(replica_state_digest(n.replica, after, NULL), RC_OK);
	assert_memory_equal(before, after, 32);
	/* And not only in memory. */
	assert_int_equal(replica_reload(n.replica, NULL), RC_OK);
	assert_int_equal(replica_state_digest(n.replica, after, NULL), RC_OK);
	assert_memory_equal(before, after, 32);
	assert_memory_equal(replica_charter(n.replica)->digest, n.genesis, 32);
	statement_done(&s);
	net_done(&n);
}

/* --- may a custodian consent? ---------------------------------------------------------------- */

struct asked {
	struct net	n;
	uint8_t		id[32];
	uint64_t	index, met_index;
	when		came;
};

static void
ask(struct asked *a)
{
	net_init_amendable(&a->n);
	approved(&a->n, renamed, a->id);
	a->index = view(&a->n, a->id).index;
	a->met_index = a->n.range.size - 1;
}

static enum rc
arrived(void *user, uint64_t index, when *ret, struct err *err)
{
	struct asked	*a = user;

	if (index != a->met_index)
		return err_set(err, RC_MISSING, "not recorded");
	*ret = a->came;
	return RC_OK;
}

static enum rc
may(struct asked *a, struct own_view own, struct err *err)
{
	own.now = own.now == 0 ? a->n.now : own.now;
	own.cosigned_size = own.cosigned_size == 0 ? a->n.range.size : own.cosigned_size;
	own.user = a;
	*err = (struct err){ 0 };
	return replica_may_consent(a->n.replica, a->id, 2, &own, err);
}

static void
may_consent(void **state)
{
	struct asked	a;
	struct err	err;
	uint8_t		other[32] = { 1 };

	(void)state;
	ask(&a);
	assert_int_equal(may(&a, (struct own_view){ 0 }, &err), RC_OK);
	assert_int_equal(may(&a, (struct own_view){ .now = a.n.now - 1 }, &err), RC_DENIED);
	assert_non_null(strstr(err.msg, "objection-window"));
	assert_int_equal(may(&a, (struct own_view){ .now = a.n.now + 8 * 86400 }, &err), RC_DENIED);
	assert_non_null(strstr(err.msg, "request-ended"));
	a.came = a.n.now - 3600;
	assert_int_equal(may(&a, (struct own_view){ .arrived = arrived }, &err), RC_OK);
	a.came++;
	assert_int_equal(may(&a, (struct own_view){ .arrived = arrived }, &err), RC_DENIED);
	assert_non_null(strstr(err.msg, "objection-window"));
	assert_int_equal(may(&a, (struct own_view){ .floor = a.index }, &err), RC_OK);
	assert_int_equal(may(&a, (struct own_view){ .floor = a.index + 1 }, &err), RC_DENIED);
	assert_non_null(strstr(err.msg, "older state"));
	assert_int_equal(may(&a, (struct own_view){ .cosigned_size = a.met_index + 1 }, &err), RC_OK);
	assert_int_equal(may(&a, (struct own_view){ .cosigned_size = a.met_index }, &err), RC_QUORUM);
	assert_int_equal(replica_may_consent(a.n.replica, other, 1,
	    &(struct own_view){ .now = a.n.now }, &err), RC_MISSING);
	for (uint8_t i = 0; i <= 6; i += 6)
		assert_int_equal(replica_may_consent(a.n.replica, a.id, i,
		    &(struct own_view){ .now = a.n.now }, &err), RC_DENIED);
	good(net_consent(&a.n, a.id, 1));
	assert_int_equal(may(&a, (struct own_view){ 0 }, &err), RC_OK);
	good(net_consent(&a.n, a.id, 2));
	assert_int_equal(may(&a, (struct own_view){ 0 }, &err), RC_DENIED);
	assert_non_null(strstr(err.msg, "duplicate"));
	good(net_withdraw(&a.n, a.id, NET_LEGAL));
	assert_int_equal(may(&a, (struct own_view){ 0 }, &err), RC_DENIED);
	assert_non_null(strstr(err.msg, "too-few"));
	net_done(&a.n);
}

static void
handed_past_the_log(void **state)
{
	static const struct {
		enum statement_type	type;
		int			person;		/* -1: the amendment; -2: another */
		bool			stops;
	} rows[] = {
		{ STATEMENT_DECISION, -1, true },
		{ STATEMENT_WITHDRAWAL, -1, true },
		{ STATEMENT_DECISION, -2, false },
		{ STATEMENT_REVOCATION, NET_REQUESTER, true },
		{ STATEMENT_REVOCATION, NET_LEGAL, true },
		{ STATEMENT_REVOCATION, NET_COURT, false },
	};
	struct asked	a;
	struct err	err;

	(void)state;
	ask(&a);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct objection	o = { .type = rows[i].type };

		if (rows[i].person == -1)
			memcpy(o.subject, a.id, 32);
		else if (rows[i].person >= 0)
			key_id(&a.n.person[rows[i].person].signer.key, o.subject);
		assert_int_equal(may(&a, (struct own_view){ .objection = &o,
		    .n_objections = 1 }, &err), rows[i].stops ? RC_DENIED : RC_OK);
	}
	net_done(&a.n);
}

/* --- what is left of it ------------------------------------------------------------------------ */

struct list {
	size_t		n;
	uint64_t	at[64];
	uint8_t		digest[8][32];
};

static enum rc
add_index(void *user, uint64_t index, struct err *err)
{
	struct list	*l = user;

	(void)err;
	assert_true(l->n == 0 || l->at[l->n - 1] < index);
	l->at[l->n++] = index;
	return RC_OK;
}

static enum rc
add_charter(void *user, const uint8_t digest[32], uint64_t since, struct err *err)
{
	struct list	*l = user;

	(void)err;
	l->at[l->n] = since;
	memcpy(l->digest[l->n++], digest, 32);
	return RC_OK;
}

/* Two amendments, the second with all that may happen on the way, and a succession. */
static void
history(struct net *n)
{
	static const struct net_edit	elsewhere = { "coordinator/address", "\"127.0.0.1:9\"" };
	struct buf			doc = BUF_INIT(BIG), b = BUF_INIT(BIG);
	uint8_t				id[32];

	net_amend(n, renamed, 1);
	(void)net_seal(n, "lenient");
	approved(n, again, id);
	good(net_consent(n, id, 1));
	good(net_consent(n, id, 5));
	good(net_decide(n, id, NET_SECOND_LEGAL, false));
	good(net_withdraw(n, id, NET_LEGAL));
	good(net_decide(n, id, NET_LEGAL, true));
	good(net_decide(n, id, NET_COURT, true));
	good(net_revoke(n, &n->person[NET_AUDITOR], &n->person[NET_AUDITOR]));
	n->now += 3600;
	for (uint8_t i = 1; i <= 4; i++)
		good(net_consent(n, id, i));
	good(net_revoke(n, &n->person[NET_COMPLIANCE], &n->person[NET_COMPLIANCE]));
	good(net_revoke(n, &n->auditor_second, &n->person[NET_COURT]));
	buf_reset(&doc);
	net_next(n, &elsewhere, 1, &doc);
	net_succession(n, buf_view(&doc), 5, &b);
	/* With two of four amenders' keys revoked there are too few. */
	assert_int_equal(net_log_dsse(n, buf_view(&b)).why, VOID_SIGNATURE);
	buf_done(&doc);
	buf_done(&b);
}

static void
copy_charter(struct net *n, struct memstate *to, const uint8_t digest[32])
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);
	const struct state	*st = memstate_state(n->mem);

	assert_int_equal(st->blob(st->user, digest, &b, NULL), RC_OK);
	assert_int_equal(memstate_blob(to, buf_view(&b), NULL), RC_OK);
}

/* With the charters' documents those entries alone lead to the charter in force. */
static void
sparse(struct net *n, const struct list *entries, const struct list *charters)
{
	AUTO(memstate_free) struct memstate *mem = NULL;
	AUTO(replica_free) struct replica *r = NULL;
	struct list	got = { 0 };
	struct verdict	v;

	assert_int_equal(memstate_new(&mem, NULL), RC_OK);
	for (size_t i = 0; i < charters->n; i++)
		copy_charter(n, mem, charters->digest[i]);
	assert_int_equal(replica_new(memstate_state(mem), n->genesis, &r, NULL), RC_OK);
	for (size_t i = 0; i < entries->n; i++) {
		assert_int_equal(replica_apply(r, entries->at[i],
		    buf_view(&n->log_entries.leaf[entries->at[i]]), &v, NULL), RC_OK);
		if (!v.effective)
			fail_msg("entry %u: %s", (unsigned)entries->at[i],
			    void_reason_name(v.why));
	}
	assert_memory_equal(replica_charter(r)->digest,
	    replica_charter(n->replica)->digest, 32);
	assert_int_equal(replica_charters(r, add_charter, &got, NULL), RC_OK);
	assert_memory_equal(&got, charters, sizeof(got));
}

static void
lineage(void **state)
{
	AUTO(replica_free) struct replica *later = NULL;
	struct list		entries = { 0 }, charters = { 0 }, same = { 0 };
	const struct charter	*c;
	struct net		n;

	(void)state;
	net_init_amendable(&n);
	assert_int_equal(replica_lineage(n.replica, add_index, &entries, NULL), RC_OK);
	assert_int_equal(entries.n, 1);
	entries.n = 0;
	history(&n);
	assert_int_equal(replica_lineage(n.replica, add_index, &entries, NULL), RC_OK);
	assert_int_equal(replica_charters(n.replica, add_charter, &charters, NULL), RC_OK);
	assert_int_equal(charters.n, 3);
	assert_memory_equal(charters.digest[0], n.genesis, 32);
	/* entry 0; 1 + 3 + 4; 1 + 5 decisions (one each) + 4 */
	assert_int_equal(entries.n, 1 + 8 + 10);
	/* From the state alone. */
	assert_int_equal(replica_new(memstate_state(n.mem), n.genesis, &later, NULL), RC_OK);
	assert_int_equal(replica_lineage(later, add_index, &same, NULL), RC_OK);
	assert_memory_equal(&same, &entries, sizeof(same));
	for (size_t i = 0; i < charters.n; i++) {
		assert_int_equal(replica_charter_of(later, charters.digest[i], &c, NULL), RC_OK);
		assert_memory_equal(c->digest, charters.digest[i], 32);
	}
	charters.digest[7][0] = 1;
	assert_int_equal(replica_charter_of(later, charters.digest[7], &c, NULL), RC_MISSING);
	charters.digest[7][0] = 0;
	sparse(&n, &entries, &charters);
	net_done(&n);
}

static void
lineage_of_a_succession(void **state)
{
	static const struct net_edit	elsewhere = { "coordinator/address", "\"127.0.0.1:9\"" };
	struct list	entries = { 0 }, charters = { 0 };
	struct buf	doc = BUF_INIT(BIG), b = BUF_INIT(BIG);
	struct net	n;

	(void)state;
	net_init_amendable(&n);
	net_amend(&n, renamed, 1);
	(void)net_seal(&n, "lenient");
	net_next(&n, &elsewhere, 1, &doc);
	net_succession(&n, buf_view(&doc), 4, &b);
	good(net_log_dsse(&n, buf_view(&b)));
	assert_string_equal(replica_charter(n.replica)->coordinator.address, "127.0.0.1:9");
	net_amend(&n, again, 1);
	assert_int_equal(replica_lineage(n.replica, add_index, &entries, NULL), RC_OK);
	assert_int_equal(replica_charters(n.replica, add_charter, &charters, NULL), RC_OK);
	assert_int_equal(charters.n, 4);
	assert_int_equal(entries.n, 1 + 8 + 1 + 8);
	sparse(&n, &entries, &charters);
	buf_done(&doc);
	buf_done(&b);
	net_done(&n);
}

/* More charters than are kept parsed. */
static void
many(void **state)
{
	const struct charter	*c;
	struct net		n;

	(void)state;
	net_init_amendable(&n);
	for (int i = 0; i < 40; i++)
		net_amend(&n, i % 2 == 0 ? renamed : again, 1);
	assert_int_equal(replica_charter_of(n.replica, n.genesis, &c, NULL), RC_OK);
	assert_memory_equal(c->digest, n.genesis, 32);
	assert_true(n.replica->cache->n <= CHARTERS_KEPT + 2);
	net_done(&n);
}

/* Nor is what is only proposed. */
static void
proposals_are_not_kept(void **state)
{
	struct net	n;

	(void)state;
	net_init_amendable(&n);
	for (int i = 0; i < 5; i++) {
		struct buf	doc = BUF_INIT(BIG);
		char		name[16];
		struct net_edit	e = { "name", name };

		(void)snprintf(name, sizeof(name), "\"%d\"", i);
		net_next(&n, &e, 1, &doc);
		good(net_propose(&n, buf_view(&doc), NET_REQUESTER, NULL));
		buf_done(&doc);
	}
	assert_int_equal(n.replica->cache->n, 1);
	net_done(&n);
}

/* --- requests across an amendment ------------------------------------------------------------- */

static void
released_stays_released(void **state)
{
	static const struct net_edit	e[] = { { "people/4/id", "\"another\"" },
	    { "amend/people", "[\"legal\",\"compliance\",\"court\"]" } };
	struct request_view	v;
	struct statement	s;
	struct net		n;
	uint8_t			request[32], order[32], r[3][32];

	(void)state;
	net_init_amendable(&n);
	met(&n, "standard", request);
	good(net_order(&n, request, order));
	for (uint8_t i = 0; i < 3; i++)
		good(net_receipt(&n, order, (uint8_t)(i + 1), r[i]));
	net_statement(&n, &s, STATEMENT_RELEASE);
	memcpy(s.subject, order, 32);
	s.u.release.n = 3;
	for (uint8_t i = 0; i < 3; i++) {
		s.u.release.custodian[i].index = (uint8_t)(i + 1);
		s.u.release.custodian[i].good = true;
		memcpy(s.u.release.custodian[i].receipt, r[i], 32);
	}
	good(net_log(&n, &s, &n.log));
	net_amend(&n, e, 2);
	assert_int_equal(replica_request(n.replica, request, n.now, &v, NULL), RC_OK);
	assert_int_equal(v.phase, REQUEST_RELEASED);
	net_done(&n);
}

/* An order that stood is not acted upon, nor released, once an approver is gone. */
static void
an_order_that_stood(void **state)
{
	static const struct net_edit	e[] = { { "people/4/id", "\"another\"" },
	    { "amend/people", "[\"legal\",\"compliance\",\"court\"]" } };
	struct request_view	v;
	struct grant		g;
	struct net		n;
	struct statement	s;
	uint8_t			request[32], order[32];

	(void)state;
	net_init_amendable(&n);
	met(&n, "standard", request);
	{
		struct buf	doc = BUF_INIT(BIG);
		uint8_t		id[32];

		net_next(&n, e, 2, &doc);
		net_approved(&n, buf_view(&doc), id);
		good(net_order(&n, request, order));
		assert_int_equal(replica_may_contribute(n.replica, order, n.now,
		    n.range.size, &g, NULL), RC_OK);
		grant_done(&g);
		for (uint8_t i = 1; i <= 4; i++)
			good(net_consent(&n, id, i));
		buf_done(&doc);
	}
	assert_int_equal(replica_may_contribute(n.replica, order, n.now,
	    n.range.size, &g, NULL), RC_DENIED);
	assert_int_equal(g.why, VOID_QUORUM);
	assert_int_equal(replica_request(n.replica, request, n.now, &v, NULL), RC_OK);
	assert_int_equal(v.phase, REQUEST_OPEN);
	assert_int_equal(v.blocked, VOID_QUORUM);
	assert_string_equal(v.missing, "auditor 1");
	assert_false(v.approval[2].counts);
	net_statement(&n, &s, STATEMENT_RELEASE);
	memcpy(s.subject, order, 32);
	s.u.release.n = 1;
	s.u.release.custodian[0].index = 1;
	assert_int_equal(net_log(&n, &s, &n.log).why, VOID_QUORUM);
	net_done(&n);
}

/* Of several rules the one that is not met is shown. */
static void
what_is_missing(void **state)
{
	static const struct net_edit	laxer[] = {
		{ "policies/0/approvals", "[{\"role\":\"legal\",\"count\":1}]" },
		{ "policies/0/people", "1" },
	};
	struct net_artifact	a;
	struct request_view	v;
	struct net		n;
	uint8_t			request[32];

	(void)state;
	net_init_amendable(&n);
	a = net_seal(&n, "standard");
	net_amend(&n, laxer, 2);
	net_requested(&n, &a, 1, "standard", request);
	assert_int_equal(replica_request(n.replica, request, n.now, &v, NULL), RC_OK);
	assert_string_equal(v.missing, "legal 1");
	good(net_decide(&n, request, NET_LEGAL, true));
	assert_int_equal(replica_request(n.replica, request, n.now, &v, NULL), RC_OK);
	assert_string_equal(v.missing, "compliance 1, auditor 1");
	assert_int_equal(v.need, 3);
	assert_int_equal(v.have, 1);
	assert_int_equal(v.phase, REQUEST_OPEN);
	assert_string_equal(v.approval[0].role, "legal");
	good(net_decide(&n, request, NET_COMPLIANCE, true));
	n.now += 10;
	good(net_decide(&n, request, NET_AUDITOR, true));
	assert_int_equal(replica_request(n.replica, request, n.now, &v, NULL), RC_OK);
	assert_string_equal(v.missing, "");
	assert_int_equal(v.phase, REQUEST_MET);
	/* With the last of the rules, not the first. */
	assert_int_equal(v.met_at, n.now);
	net_done(&n);
}

/* A denial that is a veto by the charter in force shows as one. */
static void
a_veto_since(void **state)
{
	struct net_edit		e = { "policies/0/veto", "[\"legal\"]" };
	struct request_view	v;
	struct net		n;
	uint8_t			request[32];

	(void)state;
	net_init_amendable(&n);
	met(&n, "standard", request);
	good(net_decide(&n, request, NET_SECOND_LEGAL, false));
	net_amend(&n, &e, 1);
	assert_int_equal(replica_request(n.replica, request, n.now, &v, NULL), RC_OK);
	assert_int_equal(v.phase, REQUEST_VETOED);
	assert_int_equal(v.blocked, VOID_ENDED);
	net_done(&n);
}

/* --- more people than a charter can have ------------------------------------------------------- */

#define CROWD	(PEOPLE_MAX - NET_PEOPLE)

/* People 9 to 255, all new. */
static void
crowd(struct net *n, struct test_key *key, const char *name)
{
	struct net_edit	*e = calloc(CROWD, sizeof(*e));
	char		(*text)[300] = calloc(CROWD, sizeof(*text));
	char		(*path)[16] = calloc(CROWD, sizeof(*path));

	assert_true(e != NULL && text != NULL && path != NULL);
	for (unsigned i = 0; i < CROWD; i++) {
		test_key_ed25519(&key[i]);
		(void)snprintf(path[i], sizeof(path[i]), "people/%u", i + NET_PEOPLE);
		(void)snprintf(text[i], sizeof(text[i]), "{\"id\":\"%s-%u\",\"name\":\"C\","
		    "\"organisation\":\"Crowd\",\"roles\":[],\"keys\":[%s]}", name, i,
		    net_key_json(&key[i]));
		e[i] = (struct net_edit){ path[i], text[i] };
	}
	net_amend(n, e, CROWD);
	free(e);
	free(text);
	free(path);
}

static struct verdict
says_no(struct net *n, const uint8_t request[32], struct test_key *by)
{
	struct statement	s;

	decision(n, &s, request, false);
	return net_log(n, &s, by);
}

/* No list of who decided fills up, whoever comes and goes: the log goes on. */
static void
more_people_than_slots(void **state)
{
	static struct test_key	first[CROWD], second[CROWD];
	struct net_artifact	a;
	struct statement	s;
	struct net		n;

	(void)state;
	net_init_amendable(&n);
	a = net_seal(&n, "standard");
	crowd(&n, first, "first");
	net_request(&n, &a, 1, "standard", &s);
	s.expires = n.now + 80000;
	good(net_log(&n, &s, &n.person[NET_REQUESTER]));
	for (unsigned i = NET_REQUESTER + 1; i < NET_PEOPLE; i++)
		good(says_no(&n, s.id, &n.person[i]));
	for (unsigned i = 0; i < CROWD; i++)
		good(says_no(&n, s.id, &first[i]));
	crowd(&n, second, "second");
	for (unsigned i = 0; i < CROWD; i++)
		good(says_no(&n, s.id, &second[i]));
	assert_int_equal(says_no(&n, s.id, &second[3]).why, VOID_DENIED_BEFORE);
	for (unsigned i = 0; i < CROWD; i++) {
		test_key_done(&first[i]);
		test_key_done(&second[i]);
	}
	net_done(&n);
}

/* --- a "no" while the charter has no place for the request ------------------------------- */

static void
met_for_a_day(struct net *n, uint8_t request[32])
{
	struct net_artifact	a = net_seal(n, "standard");
	struct statement	s;

	net_request(n, &a, 1, "standard", &s);
	s.expires = n->now + 80000;
	good(net_log(n, &s, &n->person[NET_REQUESTER]));
	memcpy(request, s.id, 32);
	good(net_decide(n, request, NET_LEGAL, true));
	good(net_decide(n, request, NET_COMPLIANCE, true));
	good(net_decide(n, request, NET_AUDITOR, true));
}

/* One charter takes the policy away or the requester's key, the next gives it back. */
static void
said_in_between(bool key, enum net_person who, bool withdraw, enum request_phase phase)
{
	struct net_edit		takes = { "policies/0/id", "\"other-name\"" };
	struct net_edit		gives = { "policies/0/id", "\"standard\"" };
	struct request_view	v;
	struct test_key		was;
	struct net		n;
	uint8_t			request[32];

	net_init_amendable(&n);
	was = n.person[NET_REQUESTER];
	met_for_a_day(&n, request);
	if (key)
		takes = (struct net_edit){ "people/0/keys/0", net_key_json(&n.person[NET_STRANGER]) };
	net_amend(&n, &takes, 1);
	assert_int_equal(replica_request(n.replica, request, n.now, &v, NULL), RC_OK);
	assert_int_equal(v.blocked, key ? VOID_REVOKED_KEY : VOID_POLICY);
	assert_int_equal(net_decide(&n, request, NET_COURT, true).why, key ? VOID_REVOKED_KEY : VOID_POLICY);
	good(withdraw ? net_withdraw(&n, request, who) : net_decide(&n, request, who, false));
	if (key)
		gives = (struct net_edit){ "people/0/keys/0", net_key_json(&n.person[NET_REQUESTER]) };
	if (key)			/* who proposes it has the other key for now */
		n.person[NET_REQUESTER] = n.person[NET_STRANGER];
	net_amend(&n, &gives, 1);
	n.person[NET_REQUESTER] = was;
	assert_int_equal(replica_request(n.replica, request, n.now, &v, NULL), RC_OK);
	assert_int_equal(v.phase, phase);
	net_done(&n);
}

static void
no_is_not_lost_without_rules(void **state)
{
	(void)state;
	said_in_between(false, NET_REQUESTER, true, REQUEST_WITHDRAWN);
	said_in_between(false, NET_LEGAL, true, REQUEST_OPEN);
	said_in_between(false, NET_LEGAL, false, REQUEST_OPEN);
	/* An approval that is signed and not logged: nobody can tell who could have given one. */
	said_in_between(false, NET_SECOND_LEGAL, true, REQUEST_MET);
}

static void
no_is_not_lost_without_the_key(void **state)
{
	(void)state;
	said_in_between(true, NET_LEGAL, true, REQUEST_OPEN);
	said_in_between(true, NET_LEGAL, false, REQUEST_OPEN);
}

/* --- entry 0 --------------------------------------------------------------------------------------- */

static void
a_first_charter_amends_nothing(void **state)
{
	AUTO_DONE(buf_done) struct buf doc = BUF_INIT(BIG), whole = BUF_INIT(BIG), leaf = BUF_INIT(BIG);
	AUTO(memstate_free) struct memstate *mem = NULL;
	AUTO(replica_free) struct replica *r = NULL;
	struct verdict	v;
	struct err	err;
	struct net	n;

	(void)state;
	net_init_amendable(&n);
	net_next(&n, renamed, 1, &doc);
	sha256_one(n.genesis, buf_view(&doc));
	net_charter_envelope(&n, &whole);
	entry_write(n.now, buf_view(&whole), &leaf);
	assert_int_equal(memstate_new(&mem, NULL), RC_OK);
	assert_int_equal(memstate_blob(mem, buf_view(&doc), NULL), RC_OK);
	assert_int_equal(replica_new(memstate_state(mem), n.genesis, &r, NULL), RC_OK);
	assert_int_equal(replica_apply(r, 0, buf_view(&leaf), &v, &err), RC_VERIFY);
	assert_non_null(strstr(err.msg, "no first one"));
	assert_null(replica_charter(r));
	net_done(&n);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(in_force_with_the_qth),
		cmocka_unit_test(phases),
		cmocka_unit_test(old_consents_count_no_more),
		cmocka_unit_test(unknown_rules_stop),
		cmocka_unit_test(may_consent),
		cmocka_unit_test(handed_past_the_log),
		cmocka_unit_test(lineage),
		cmocka_unit_test(lineage_of_a_succession),
		cmocka_unit_test(many),
		cmocka_unit_test(proposals_are_not_kept),
		cmocka_unit_test(released_stays_released),
		cmocka_unit_test(an_order_that_stood),
		cmocka_unit_test(what_is_missing),
		cmocka_unit_test(a_veto_since),
		cmocka_unit_test(more_people_than_slots),
		cmocka_unit_test(no_is_not_lost_without_rules),
		cmocka_unit_test(no_is_not_lost_without_the_key),
		cmocka_unit_test(a_first_charter_amends_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

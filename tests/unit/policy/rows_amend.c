/* Rows: amendments, what people and custodians say to them, successions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/policy/rows.h"

static const struct net_edit	renamed[] = { { "name", "\"Another name\"" } };

static struct verdict
propose(struct net *n, const struct net_edit *e, size_t n_e, enum net_person by,
    uint8_t id[32])
{
	struct buf	doc = BUF_INIT(BIG);
	struct verdict	v;

	net_next(n, e, n_e, &doc);
	v = net_propose(n, buf_view(&doc), by, id);
	buf_done(&doc);
	return v;
}

static void
proposed(struct net *n, enum net_person by, uint8_t id[32])
{
	good(propose(n, renamed, 1, by, id));
}

/* Met; the delay has run. */
static void
approved(struct net *n, uint8_t id[32])
{
	struct buf	doc = BUF_INIT(BIG);

	net_next(n, renamed, 1, &doc);
	net_approved(n, buf_view(&doc), id);
	buf_done(&doc);
}

static struct verdict
text(struct net *n, const char *document)
{
	return net_propose(n, span_str(document), NET_REQUESTER, NULL);
}

/* --- the document ------------------------------------------------------------------------ */

static struct verdict
a_name(struct net *n)
{
	return propose(n, renamed, 1, NET_REQUESTER, NULL);
}

static struct verdict no_json(struct net *n) { return text(n, "no JSON"); }
static struct verdict no_rules(struct net *n) { return text(n, "{\"charter\":2}"); }
static struct verdict rules_0(struct net *n) { return text(n, "{\"rules\":0}"); }
static struct verdict rules_text(struct net *n) { return text(n, "{\"rules\":\"2\"}"); }
static struct verdict rules_2(struct net *n) { return text(n, "{\"rules\":2}"); }
static struct verdict rules_1(struct net *n) { return text(n, "{\"rules\":1}"); }

static struct verdict
amends_nothing(struct net *n)
{
	static const struct net_edit	e[] = { { "amends", NULL } };

	return propose(n, e, 1, NET_REQUESTER, NULL);
}

static struct verdict
amends_another(struct net *n)
{
	static const struct net_edit	e[] = { { "amends",
	    "\"0000000000000000000000000000000000000000000000000000000000000000\"" } };

	return propose(n, e, 1, NET_REQUESTER, NULL);
}

static struct verdict
of_custodians(struct net *n)
{
	static const struct net_edit	e[] = { { "custodians/0/name", "\"another\"" } };

	return propose(n, e, 1, NET_REQUESTER, NULL);
}

static struct verdict
too_long(struct net *n)
{
	struct buf	doc = BUF_INIT(BIG);
	struct verdict	v;

	buf_printf(&doc, "{\"rules\":2}");
	memset(buf_extend(&doc, CHARTER_BYTES_MAX), ' ', CHARTER_BYTES_MAX);
	v = net_propose(n, buf_view(&doc), NET_REQUESTER, NULL);
	buf_done(&doc);
	return v;
}

static struct verdict
by_a_sealer(struct net *n)
{
	struct statement	s;

	net_statement(n, &s, STATEMENT_AMENDMENT);
	memcpy(s.subject, n->genesis, 32);
	return net_log(n, &s, &n->sealer);
}

/* --- what people say ------------------------------------------------------------------------ */

static struct verdict
an_approval(struct net *n)
{
	uint8_t	id[32];

	proposed(n, NET_REQUESTER, id);
	return net_decide(n, id, NET_LEGAL, true);
}

static struct verdict
own(struct net *n)
{
	uint8_t	id[32];

	proposed(n, NET_LEGAL, id);
	return net_decide(n, id, NET_LEGAL, true);
}

static struct verdict
own_denial(struct net *n)
{
	uint8_t	id[32];

	proposed(n, NET_LEGAL, id);
	return net_decide(n, id, NET_LEGAL, false);
}

static struct verdict
no_amender(struct net *n)
{
	uint8_t	id[32];

	proposed(n, NET_REQUESTER, id);
	return net_decide(n, id, NET_SECOND_LEGAL, true);
}

static struct verdict
a_denial_by_anybody(struct net *n)
{
	uint8_t	id[32];

	proposed(n, NET_REQUESTER, id);
	return net_decide(n, id, NET_SECOND_LEGAL, false);
}

static struct verdict
approved_twice(struct net *n)
{
	uint8_t	id[32];

	proposed(n, NET_REQUESTER, id);
	good(net_decide(n, id, NET_LEGAL, true));
	return net_decide(n, id, NET_LEGAL, true);
}

static struct verdict
denied_before(struct net *n)
{
	uint8_t	id[32];

	proposed(n, NET_REQUESTER, id);
	good(net_decide(n, id, NET_LEGAL, false));
	return net_decide(n, id, NET_LEGAL, true);
}

static struct verdict
after_a_denial(struct net *n)
{
	uint8_t	id[32];

	proposed(n, NET_REQUESTER, id);
	good(net_decide(n, id, NET_LEGAL, false));
	return net_decide(n, id, NET_COURT, true);
}

static struct verdict
after_a_veto(struct net *n)
{
	uint8_t	id[32];

	proposed(n, NET_REQUESTER, id);
	good(net_decide(n, id, NET_SECOND_COMPLIANCE, false));
	return net_decide(n, id, NET_COURT, true);
}

static struct verdict
after_its_withdrawal(struct net *n)
{
	uint8_t	id[32];

	proposed(n, NET_REQUESTER, id);
	good(net_withdraw(n, id, NET_REQUESTER));
	return net_decide(n, id, NET_COURT, true);
}

static struct verdict
after_it_expired(struct net *n)
{
	uint8_t	id[32];

	proposed(n, NET_REQUESTER, id);
	n->now += 7 * 86400 + 1;
	return net_decide(n, id, NET_COURT, true);
}

static struct verdict
after_the_proposers_key(struct net *n)
{
	uint8_t	id[32];

	proposed(n, NET_REQUESTER, id);
	good(net_revoke(n, &n->person[NET_REQUESTER], &n->person[NET_LEGAL]));
	return net_decide(n, id, NET_COURT, true);
}

static struct verdict
after_another(struct net *n)
{
	static const struct net_edit	e[] = { { "name", "\"A third\"" } };
	uint8_t				id[32];

	good(propose(n, e, 1, NET_REQUESTER, id));
	net_amend(n, renamed, 1);
	return net_decide(n, id, NET_COURT, true);
}

static struct verdict
taken_back_by_no_amender(struct net *n)
{
	uint8_t	id[32];

	proposed(n, NET_REQUESTER, id);
	return net_withdraw(n, id, NET_SECOND_LEGAL);
}

/* An approval signed before its author's withdrawal was seen. */
static struct verdict
taken_back(struct net *n)
{
	struct statement	s;
	uint8_t			id[32];

	proposed(n, NET_REQUESTER, id);
	decision(n, &s, id, true);
	good(net_decide(n, id, NET_LEGAL, true));
	good(net_withdraw(n, id, NET_LEGAL));
	return net_log(n, &s, &n->person[NET_LEGAL]);
}

/* --- what custodians say ---------------------------------------------------------------------- */

static struct verdict
a_consent(struct net *n)
{
	uint8_t	id[32];

	approved(n, id);
	return net_consent(n, id, 1);
}

static struct verdict
too_early(struct net *n)
{
	uint8_t	id[32];

	approved(n, id);
	n->now--;
	return net_consent(n, id, 1);
}

/* need is 2, but the strictest policy asks for three people. */
static struct verdict
too_few(struct net *n)
{
	uint8_t	id[32];

	proposed(n, NET_REQUESTER, id);
	good(net_decide(n, id, NET_LEGAL, true));
	good(net_decide(n, id, NET_COMPLIANCE, true));
	n->now += 3600;
	return net_consent(n, id, 1);
}

static struct verdict
one_taken_back(struct net *n)
{
	uint8_t	id[32];

	approved(n, id);
	good(net_withdraw(n, id, NET_LEGAL));
	return net_consent(n, id, 1);
}

static struct verdict
one_key_revoked(struct net *n)
{
	uint8_t	id[32];

	approved(n, id);
	good(net_revoke(n, &n->person[NET_LEGAL], &n->person[NET_COURT]));
	return net_consent(n, id, 1);
}

/* The last needed approval is another now: the delay runs from there. */
static struct verdict
another_in_its_place(struct net *n)
{
	uint8_t	id[32];

	approved(n, id);
	good(net_decide(n, id, NET_COURT, true));
	good(net_withdraw(n, id, NET_LEGAL));
	return net_consent(n, id, 1);
}

static struct verdict
vetoed(struct net *n)
{
	uint8_t	id[32];

	approved(n, id);
	good(net_decide(n, id, NET_SECOND_COMPLIANCE, false));
	return net_consent(n, id, 1);
}

static struct verdict
consented_twice(struct net *n)
{
	uint8_t	id[32];

	approved(n, id);
	good(net_consent(n, id, 1));
	return net_consent(n, id, 1);
}

static struct verdict
anothers_key(struct net *n)
{
	struct statement	s;
	uint8_t			id[32];

	approved(n, id);
	net_statement(n, &s, STATEMENT_CONSENT);
	memcpy(s.subject, id, 32);
	s.u.consent.custodian = 1;
	return net_log(n, &s, &n->signing[1]);
}

static struct verdict
one_too_many(struct net *n)
{
	uint8_t	id[32];

	approved(n, id);
	for (uint8_t i = 1; i <= 4; i++)
		good(net_consent(n, id, i));
	return net_consent(n, id, 5);
}

static struct verdict
to_nothing(struct net *n)
{
	return net_consent(n, n->genesis, 1);
}

static struct verdict
to_a_request(struct net *n)
{
	uint8_t	request[32];

	seal_and_ask(n, "lenient", request);
	return net_consent(n, request, 1);
}

static struct verdict
after_its_time(struct net *n)
{
	uint8_t	id[32];

	approved(n, id);
	n->now += 7 * 86400;
	return net_consent(n, id, 1);
}

/* --- succession -------------------------------------------------------------------------------- */

static const struct net_edit	elsewhere[] = {
	{ "coordinator/address", "\"127.0.0.1:9\"" }
};

static struct verdict
succeed(struct net *n, const struct net_edit *e, uint8_t custodians, bool late)
{
	struct buf	doc = BUF_INIT(BIG), b = BUF_INIT(BIG);
	struct verdict	v;

	net_next(n, e, 1, &doc);
	net_succession(n, buf_view(&doc), custodians, &b);
	if (late)
		(void)net_seal(n, "lenient");
	v = net_log_dsse(n, buf_view(&b));
	buf_done(&doc);
	buf_done(&b);
	return v;
}

static struct verdict a_succession(struct net *n) { return succeed(n, elsewhere, 4, false); }
static struct verdict of_three(struct net *n) { return succeed(n, elsewhere, 3, false); }
static struct verdict kept_back(struct net *n) { return succeed(n, elsewhere, 4, true); }
static struct verdict of_more(struct net *n) { return succeed(n, renamed, 4, false); }

/* Four amenders sign; one is enough less when it takes three, two are not. */
static struct verdict
revoked_amenders(struct net *n, bool both)
{
	good(net_revoke(n, &n->person[NET_LEGAL], &n->person[NET_COURT]));
	if (both)
		good(net_revoke(n, &n->person[NET_AUDITOR], &n->person[NET_COURT]));
	return a_succession(n);
}

static struct verdict one_revoked(struct net *n) { return revoked_amenders(n, false); }
static struct verdict two_revoked(struct net *n) { return revoked_amenders(n, true); }

static struct verdict
broken_signature(struct net *n)
{
	struct buf	doc = BUF_INIT(BIG), b = BUF_INIT(BIG);
	struct verdict	v;
	uint8_t		*sig;

	net_next(n, elsewhere, 1, &doc);
	net_succession(n, buf_view(&doc), 4, &b);
	sig = memmem(b.p, b.n, "\"sig\":\"", 7);
	assert_non_null(sig);
	sig[8] = sig[8] == 'A' ? 'B' : 'A';
	v = net_log_dsse(n, buf_view(&b));
	buf_done(&doc);
	buf_done(&b);
	return v;
}

static struct verdict
succeeded_twice(struct net *n)
{
	struct buf	doc = BUF_INIT(BIG), b = BUF_INIT(BIG);
	struct verdict	v;

	net_next(n, elsewhere, 1, &doc);
	net_succession(n, buf_view(&doc), 4, &b);
	good(net_log_dsse(n, buf_view(&b)));
	v = net_log_dsse(n, buf_view(&b));
	buf_done(&doc);
	buf_done(&b);
	return v;
}

/* --- all of them ---------------------------------------------------------------------------------- */

const struct row	rows_amend[] = {
	{ "a name",			a_name,			VOID_NONE },
	{ "no JSON",			no_json,		VOID_AMENDMENT },
	{ "no rules",			no_rules,		VOID_AMENDMENT },
	{ "rules 0",			rules_0,		VOID_AMENDMENT },
	{ "rules as text",		rules_text,		VOID_AMENDMENT },
	{ "rules 1 and nothing else",	rules_1,		VOID_AMENDMENT },
	{ "rules 2 and nothing else",	rules_2,		VOID_NONE },
	{ "amends nothing",		amends_nothing,		VOID_AMENDMENT },
	{ "amends another",		amends_another,		VOID_AMENDMENT },
	{ "custodians",			of_custodians,		VOID_AMENDMENT },
	{ "a document too long",	too_long,		VOID_AMENDMENT },
	{ "by a sealer",		by_a_sealer,		VOID_SIGNATURE },
	{ "an approval",		an_approval,		VOID_NONE },
	{ "their own",			own,			VOID_OWN_REQUEST },
	{ "their own, denied",		own_denial,		VOID_OWN_REQUEST },
	{ "no amender",			no_amender,		VOID_ROLE },
	{ "a denial by anybody",	a_denial_by_anybody,	VOID_NONE },
	{ "approved twice",		approved_twice,		VOID_DECIDED },
	{ "denied before",		denied_before,		VOID_DENIED_BEFORE },
	{ "after a denial",		after_a_denial,		VOID_NONE },
	{ "after a veto",		after_a_veto,		VOID_ENDED },
	{ "after its withdrawal",	after_its_withdrawal,	VOID_ENDED },
	{ "after it expired",		after_it_expired,	VOID_ENDED },
	{ "the proposer's key",		after_the_proposers_key, VOID_REVOKED_KEY },
	{ "superseded",			after_another,		VOID_ENDED },
	{ "taken back by no amender",	taken_back_by_no_amender, VOID_ROLE },
	{ "taken back",			taken_back,		VOID_TAKEN_BACK },
	{ "a consent",			a_consent,		VOID_NONE },
	{ "before the delay",		too_early,		VOID_OBJECTION },
	{ "too few",			too_few,		VOID_QUORUM },
	{ "one taken back",		one_taken_back,		VOID_QUORUM },
	{ "one key revoked",		one_key_revoked,	VOID_QUORUM },
	{ "another in its place",	another_in_its_place,	VOID_OBJECTION },
	{ "vetoed",			vetoed,			VOID_ENDED },
	{ "consented twice",		consented_twice,	VOID_DUPLICATE },
	{ "another's key",		anothers_key,		VOID_SIGNATURE },
	{ "when it is in force",	one_too_many,		VOID_ENDED },
	{ "to nothing",			to_nothing,		VOID_UNKNOWN_SUBJECT },
	{ "to a request",		to_a_request,		VOID_UNKNOWN_SUBJECT },
	{ "after its time",		after_its_time,		VOID_ENDED },
	{ "a succession",		a_succession,		VOID_NONE },
	{ "of three custodians",	of_three,		VOID_SIGNATURE },
	{ "kept back",			kept_back,		VOID_SEEN },
	{ "of more than that",		of_more,		VOID_AMENDMENT },
	{ "one amender revoked",	one_revoked,		VOID_NONE },
	{ "two amenders revoked",	two_revoked,		VOID_SIGNATURE },
	{ "a broken signature",		broken_signature,	VOID_SIGNATURE },
	{ "succeeded twice",		succeeded_twice,	VOID_CHARTER },
};
const size_t	n_rows_amend = sizeof(rows_amend) / sizeof(rows_amend[0]);

/* Rows: what an amendment does to what is open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/record.h"
#include "tests/unit/policy/rows.h"

/* Where people and policies stand in the fixture's charter. */
#define LEGAL_IS	"people/2/"
#define AUDITOR_IS	"people/4/"
#define STANDARD	"policies/0/"
#define LENIENT		"policies/7/"

static void
amend(struct net *n, const char *path, const char *value)
{
	struct net_edit	e = { path, value };

	net_amend(n, &e, 1);
}

static const struct net_edit	renamed[] = { { "name", "\"Another name\"" } };

/* --- which charter a statement names --------------------------------------------------- */

static struct verdict
old_charter(struct net *n, struct statement *s, struct test_key *by)
{
	uint8_t	charter[32];

	memcpy(charter, s->charter, 32);
	net_amend(n, renamed, 1);
	assert_memory_equal(s->charter, charter, 32);
	s->expires = n->now + 60;
	return net_log(n, s, by);
}

static struct verdict
old_denial(struct net *n)
{
	struct statement	s;
	uint8_t			request[32];

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, false);
	return old_charter(n, &s, &n->person[NET_LEGAL]);
}

static struct verdict
old_revocation(struct net *n)
{
	struct statement	s;

	net_statement(n, &s, STATEMENT_REVOCATION);
	key_id(&n->auditor_second.signer.key, s.subject);
	return old_charter(n, &s, &n->person[NET_AUDITOR]);
}

static struct verdict
old_receipt(struct net *n)
{
	struct statement	s;
	uint8_t			request[32], order[32];

	met(n, "standard", request);
	good(net_order(n, request, order));
	net_statement(n, &s, STATEMENT_RECEIPT);
	memcpy(s.subject, order, 32);
	s.u.receipt.custodian = 1;
	s.u.receipt.count = 4;
	return old_charter(n, &s, &n->signing[0]);
}

static struct verdict
old_batch(struct net *n)
{
	struct descriptor	d;
	struct statement	s;

	net_descriptor(n, "lenient", &d);
	net_batch(n, &d, 1, &s);
	return old_charter(n, &s, &n->sealer);
}

static struct verdict
old_request(struct net *n)
{
	struct net_artifact	a = net_seal(n, "lenient");
	struct statement	s;

	net_request(n, &a, 1, "lenient", &s);
	return old_charter(n, &s, &n->person[NET_REQUESTER]);
}

static struct verdict
old_order(struct net *n)
{
	struct statement	s;
	uint8_t			request[32];

	met(n, "standard", request);
	net_statement(n, &s, STATEMENT_ORDER);
	memcpy(s.subject, request, 32);
	buf_span(&s.bytes, buf_view(&n->worker));
	return old_charter(n, &s, &n->log);
}

static struct verdict
old_amendment(struct net *n)
{
	struct statement	s;

	net_statement(n, &s, STATEMENT_AMENDMENT);
	memcpy(s.subject, n->genesis, 32);
	return old_charter(n, &s, &n->person[NET_LEGAL]);
}

static struct verdict
unheard_of(struct net *n)
{
	struct statement	s;
	uint8_t			request[32];

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, false);
	s.charter[0] ^= 1;
	return old_charter(n, &s, &n->person[NET_LEGAL]);
}

/* --- people who change ------------------------------------------------------------------ */

static struct verdict
ordered(struct net *n, const uint8_t request[32])
{
	return net_order(n, request, NULL);
}

static struct verdict
nothing_else_changes(struct net *n)
{
	uint8_t	request[32];

	met(n, "standard", request);
	net_amend(n, renamed, 1);
	return ordered(n, request);
}

/* The auditor goes; somebody else has the role then, so that the charter may be. */
static const struct net_edit	auditor_goes[] = {
	{ AUDITOR_IS "id", "\"another-auditor\"" },
	{ "amend/people", "[\"legal\",\"compliance\",\"court\"]" },
	{ AUDITOR_IS "organisation", "\"Auditors Two\"" },
};

static struct verdict
removed_person(struct net *n)
{
	uint8_t	request[32];

	met(n, "standard", request);
	net_amend(n, auditor_goes, 3);
	return ordered(n, request);
}

static struct verdict
removed_key(struct net *n)
{
	struct net_edit	e = { AUDITOR_IS "keys/0", NULL };
	uint8_t		request[32];

	met(n, "standard", request);
	net_amend(n, &e, 1);
	return ordered(n, request);
}

/* The one that did not sign. */
static struct verdict
removed_spare_key(struct net *n)
{
	struct net_edit	e = { AUDITOR_IS "keys/1", NULL };
	uint8_t		request[32];

	met(n, "standard", request);
	net_amend(n, &e, 1);
	return ordered(n, request);
}

/* A key that a charter left out may come back by another; what was said of it stays said. */
static struct verdict
revoke_removed(struct net *n, struct test_key *by, const uint8_t charter[32])
{
	struct net_edit		e = { AUDITOR_IS "keys/1", NULL };
	struct statement	s;

	net_amend(n, &e, 1);
	net_statement(n, &s, STATEMENT_REVOCATION);
	key_id(&n->auditor_second.signer.key, s.subject);
	if (charter != NULL)
		memcpy(s.charter, charter, 32);
	return net_log(n, &s, by);
}

static struct verdict
revoked_by_owner(struct net *n)
{
	return revoke_removed(n, &n->person[NET_AUDITOR], n->genesis);
}

static struct verdict
revoked_by_another(struct net *n)
{
	return revoke_removed(n, &n->person[NET_REQUESTER], n->genesis);
}

static struct verdict
revoked_unnamed(struct net *n)
{
	return revoke_removed(n, &n->person[NET_AUDITOR], NULL);
}

static const struct net_edit	roles_move[] = {
	{ AUDITOR_IS "roles", "[]" }, { "people/6/roles", "[\"auditor\"]" },
};

static struct verdict
lost_role(struct net *n)
{
	uint8_t	request[32];

	met(n, "standard", request);
	net_amend(n, roles_move, 2);
	return ordered(n, request);
}

/* Who got the role since did not have it when it was asked. */
static struct verdict
new_role(struct net *n)
{
	uint8_t	request[32];

	met(n, "standard", request);
	net_amend(n, roles_move, 2);
	return net_decide(n, request, NET_COMPLIANCE, true).why == VOID_DECIDED ?
	    net_decide(n, request, NET_TWOHATS, true) : (struct verdict){ .why = VOID_NONE };
}

static const struct net_edit	auditor_moves[] = {
	{ AUDITOR_IS "organisation", "\"Provider\"" },
};

static struct verdict
changed_organisation(struct net *n)
{
	uint8_t	request[32];

	met(n, "standard", request);
	net_amend(n, auditor_moves, 1);
	return ordered(n, request);
}

static struct verdict
removed_requester(struct net *n)
{
	static const struct net_edit	e[] = { { "people/0/id", "\"another\"" } };
	uint8_t				request[32];
	struct buf			doc = BUF_INIT(BIG);

	met(n, "standard", request);
	net_next(n, e, 1, &doc);
	buf_done(&doc);
	net_amend(n, e, 1);
	return ordered(n, request);
}

static struct verdict
requesters_key(struct net *n)
{
	static struct net_edit	e[] = { { "people/0/keys/0", NULL } };
	uint8_t			request[32];

	met(n, "standard", request);
	e[0].value = net_key_json(&n->person[NET_STRANGER]);
	net_amend(n, e, 1);
	return ordered(n, request);
}

/* --- policies that change ------------------------------------------------------------------ */

static struct verdict
asked_then(struct net *n, const char *policy, const char *path, const char *value)
{
	uint8_t	request[32];

	met_by_legal(n, policy, request);
	amend(n, path, value);
	return ordered(n, request);
}

static struct verdict stricter(struct net *n) { return asked_then(n, "lenient", LENIENT "people", "2"); }
static struct verdict gone(struct net *n) { return asked_then(n, "lenient", LENIENT "id", "\"other\""); }
static struct verdict locked(struct net *n) { return asked_then(n, "lenient", LENIENT "time_lock_seconds", "7200"); }
static struct verdict lock_over(struct net *n) { return asked_then(n, "lenient", LENIENT "time_lock_seconds", "3600"); }
static struct verdict window(struct net *n) { return asked_then(n, "lenient", LENIENT "objection_seconds", "7200"); }
static struct verdict window_over(struct net *n) { return asked_then(n, "lenient", LENIENT "objection_seconds", "3600"); }
static struct verdict attachment(struct net *n) { return asked_then(n, "lenient", LENIENT "attachments", "[\"court-order\"]"); }
static struct verdict parts(struct net *n) { return asked_then(n, "lenient", LENIENT "parts", "[\"prompt\"]"); }
static struct verdict parts_fit(struct net *n) { return asked_then(n, "lenient", LENIENT "parts", "[\"image\"]"); }
static struct verdict lives_less(struct net *n) { return asked_then(n, "lenient", LENIENT "request_seconds", "3599"); }
static struct verdict lives_as_long(struct net *n) { return asked_then(n, "lenient", LENIENT "request_seconds", "3600"); }
static struct verdict addressee(struct net *n) { return asked_then(n, "lenient", LENIENT "release_to", "\"recipient\""); }
static struct verdict laxer(struct net *n) { return asked_then(n, "pair", "policies/5/approvals/1/role", "\"auditor\""); }

static struct verdict
a_day(struct net *n)
{
	struct net_artifact	a[2] = { net_seal(n, "lenient"), net_seal(n, "lenient") };
	uint8_t			request[32];

	net_requested(n, a, 2, "lenient", request);
	good(net_decide(n, request, NET_LEGAL, true));
	amend(n, LENIENT "artifacts_per_day", "1");
	return ordered(n, request);
}

/* A denial that was none counts as the veto that it is by the charter in force. */
static struct verdict
veto_since(struct net *n)
{
	uint8_t	request[32];

	met(n, "standard", request);
	good(net_decide(n, request, NET_SECOND_LEGAL, false));
	amend(n, STANDARD "veto", "[\"legal\"]");
	return ordered(n, request);
}

/* And one that the old charter makes one stays it. */
static struct verdict
veto_then(struct net *n)
{
	uint8_t	request[32];

	met(n, "veto", request);
	amend(n, "policies/1/veto", "[]");
	good(net_decide(n, request, NET_SECOND_LEGAL, false));
	return ordered(n, request);
}

/* A veto stays one when whoever cast it goes. */
static struct verdict
veto_of_the_gone(struct net *n)
{
	uint8_t	request[32];

	met(n, "veto", request);
	good(net_decide(n, request, NET_SECOND_LEGAL, false));
	amend(n, "people/7/id", "\"another\"");
	return ordered(n, request);
}

/* --- what it was sealed under ---------------------------------------------------------------- */

/* Sealed under standard, which then asks for less. */
static struct verdict
floor_asked(struct net *n, const struct net_edit *e, size_t n_e, bool all)
{
	struct net_artifact	a = net_seal(n, "standard");
	uint8_t			request[32];

	net_amend(n, e, n_e);
	net_requested(n, &a, 1, "standard", request);
	good(net_decide(n, request, NET_LEGAL, true));
	if (all) {
		good(net_decide(n, request, NET_COMPLIANCE, true));
		good(net_decide(n, request, NET_AUDITOR, true));
	}
	return ordered(n, request);
}

static const struct net_edit	only_legal[] = {
	{ STANDARD "approvals", "[{\"role\":\"legal\",\"count\":1}]" }, { STANDARD "people", "1" },
};

static struct verdict floor_binds(struct net *n) { return floor_asked(n, only_legal, 2, false); }
static struct verdict floor_met(struct net *n) { return floor_asked(n, only_legal, 2, true); }

/* Both of two floors that lie further back than the charter in force. */
static struct verdict
old_floors(struct net *n, bool all)
{
	struct net_artifact	a[2];
	uint8_t			request[32];

	a[0] = net_seal(n, "lenient");
	amend(n, LENIENT "approvals/0/role", "\"auditor\"");
	a[1] = net_seal(n, "lenient");
	amend(n, LENIENT "approvals/0/role", "\"court\"");
	net_requested(n, a, 2, "lenient", request);
	good(net_decide(n, request, NET_LEGAL, true));
	good(net_decide(n, request, NET_COURT, true));
	if (all)
		good(net_decide(n, request, NET_AUDITOR, true));
	return ordered(n, request);
}

static struct verdict one_floor_short(struct net *n) { return old_floors(n, false); }
static struct verdict all_floors(struct net *n) { return old_floors(n, true); }

/* Asked for under the policy of another name. */
static struct verdict
other_name(struct net *n)
{
	struct net_artifact	a = net_seal(n, "lenient");
	struct statement	s;

	amend(n, LENIENT "objection_seconds", "1");
	net_request(n, &a, 1, "image", &s);
	return net_log(n, &s, &n->person[NET_REQUESTER]);
}

static struct verdict
floor_asks(struct net *n, const char *path, const char *value, const char *after)
{
	struct net_artifact	a;
	struct statement	s;

	amend(n, path, value);
	a = net_seal(n, "lenient");
	amend(n, path, after);
	net_request(n, &a, 1, "lenient", &s);
	return net_log(n, &s, &n->person[NET_REQUESTER]);
}

static struct verdict
floor_attachment(struct net *n)
{
	return floor_asks(n, LENIENT "attachments", "[\"court-order\"]", "[]");
}

static struct verdict
floor_parts(struct net *n)
{
	return floor_asks(n, LENIENT "parts", "[\"prompt\"]", "[]");
}

static struct verdict
floor_lifetime(struct net *n)
{
	return floor_asks(n, LENIENT "request_seconds", "3599", "86400");
}

static struct verdict
floor_addressee(struct net *n)
{
	return floor_asks(n, LENIENT "release_to", "\"recipient\"", "\"coordinator\"");
}

static struct verdict
floor_lock(struct net *n)
{
	struct net_artifact	a;
	uint8_t			request[32];

	amend(n, LENIENT "time_lock_seconds", "3601");
	a = net_seal(n, "lenient");
	amend(n, LENIENT "time_lock_seconds", "0");
	net_requested(n, &a, 1, "lenient", request);
	good(net_decide(n, request, NET_LEGAL, true));
	return ordered(n, request);
}

/* Sealed under less than it is asked under. */
static struct verdict
asked_parts(struct net *n)
{
	struct net_artifact	a = net_seal(n, "lenient");
	struct statement	s;

	amend(n, LENIENT "parts", "[\"prompt\"]");
	net_request(n, &a, 1, "lenient", &s);
	return net_log(n, &s, &n->person[NET_REQUESTER]);
}

static struct verdict
asked_lock(struct net *n)
{
	struct net_artifact	a = net_seal(n, "lenient");
	uint8_t			request[32];

	amend(n, LENIENT "time_lock_seconds", "7201");
	net_requested(n, &a, 1, "lenient", request);
	good(net_decide(n, request, NET_LEGAL, true));
	amend(n, LENIENT "time_lock_seconds", "0");
	return ordered(n, request);
}

/* Seventeen policies of one request beside its own are one too many. */
static struct verdict
floors(struct net *n, unsigned count)
{
	struct net_artifact	a[FLOORS_MAX + 1];
	struct statement	s;
	char			seconds[16];

	for (unsigned i = 0; i < count; i++) {
		a[i] = net_seal(n, "lenient");
		(void)snprintf(seconds, sizeof(seconds), "%u", i + 1);
		amend(n, LENIENT "objection_seconds", seconds);
	}
	net_request(n, a, count, "lenient", &s);
	return net_log(n, &s, &n->person[NET_REQUESTER]);
}

static struct verdict floors_enough(struct net *n) { return floors(n, FLOORS_MAX); }
static struct verdict floors_too_many(struct net *n) { return floors(n, FLOORS_MAX + 1); }

/* --- after a succession -------------------------------------------------------------------------- */

static struct verdict
succeed_to(struct net *n, const struct test_key *log_key)
{
	struct net_edit	e = { "coordinator/log_key", net_key_json(log_key) };
	struct buf	doc = BUF_INIT(BIG), b = BUF_INIT(BIG);
	struct verdict	v;

	net_next(n, &e, 1, &doc);
	net_succession(n, buf_view(&doc), 4, &b);
	v = net_log_dsse(n, buf_view(&b));
	buf_done(&doc);
	buf_done(&b);
	return v;
}

static void
succeed(struct net *n)
{
	good(succeed_to(n, &n->person[NET_STRANGER]));
}

/* What a key signed before it was replaced would stand against the log. */
static struct verdict
first_key_again(struct net *n)
{
	succeed(n);
	return succeed_to(n, &n->log);
}

static struct verdict
lost_log_key(struct net *n)
{
	uint8_t	request[32];

	met(n, "standard", request);
	succeed(n);
	return ordered(n, request);
}

static struct verdict
new_log_key(struct net *n)
{
	struct test_key	was = n->log;
	struct verdict	v;
	uint8_t		request[32];

	met(n, "standard", request);
	succeed(n);
	n->log = n->person[NET_STRANGER];
	v = ordered(n, request);
	n->log = was;
	return v;
}

const struct row	rows_amended[] = {
	{ "a denial made before",	old_denial,		VOID_NONE },
	{ "a revocation made before",	old_revocation,		VOID_NONE },
	{ "a receipt made before",	old_receipt,		VOID_NONE },
	{ "a batch made before",	old_batch,		VOID_CHARTER },
	{ "a request made before",	old_request,		VOID_CHARTER },
	{ "an order made before",	old_order,		VOID_CHARTER },
	{ "an amendment made before",	old_amendment,		VOID_CHARTER },
	{ "under no charter that was",	unheard_of,		VOID_CHARTER },
	{ "nothing else changes",	nothing_else_changes,	VOID_NONE },
	{ "a removed person",		removed_person,		VOID_QUORUM },
	{ "a removed key",		removed_key,		VOID_QUORUM },
	{ "a removed key that did not sign", removed_spare_key,	VOID_NONE },
	{ "a removed key, revoked",	revoked_by_owner,	VOID_NONE },
	{ "a removed key, by another",	revoked_by_another,	VOID_ROLE },
	{ "a key that nobody had then",	revoked_unnamed,	VOID_UNKNOWN_SUBJECT },
	{ "a lost role",		lost_role,		VOID_QUORUM },
	{ "a role since",		new_role,		VOID_ROLE },
	{ "another organisation",	changed_organisation,	VOID_QUORUM },
	{ "a removed requester",	removed_requester,	VOID_REVOKED_KEY },
	{ "the requester's key",	requesters_key,		VOID_REVOKED_KEY },
	{ "more people",		stricter,		VOID_QUORUM },
	{ "no such policy any more",	gone,			VOID_POLICY },
	{ "a time lock",		locked,			VOID_TIME_LOCK },
	{ "a time lock that is over",	lock_over,		VOID_NONE },
	{ "a window",			window,			VOID_OBJECTION },
	{ "a window that is over",	window_over,		VOID_NONE },
	{ "an attachment",		attachment,		VOID_ATTACHMENT },
	{ "other parts",		parts,			VOID_SCOPE },
	{ "these parts",		parts_fit,		VOID_NONE },
	{ "a shorter life",		lives_less,		VOID_LIFETIME },
	{ "a life as long",		lives_as_long,		VOID_NONE },
	{ "another addressee",		addressee,		VOID_POLICY },
	{ "another role",		laxer,			VOID_QUORUM },
	{ "a limit a day",		a_day,			VOID_DAY_LIMIT },
	{ "a veto since",		veto_since,		VOID_ENDED },
	{ "a veto then",		veto_then,		VOID_ENDED },
	{ "a veto of somebody gone",	veto_of_the_gone,	VOID_ENDED },
	{ "the floor binds",		floor_binds,		VOID_QUORUM },
	{ "the floor is met",		floor_met,		VOID_NONE },
	{ "one floor of two",		one_floor_short,	VOID_QUORUM },
	{ "two floors",			all_floors,		VOID_NONE },
	{ "a policy of another name",	other_name,		VOID_POLICY },
	{ "the floor's attachment",	floor_attachment,	VOID_ATTACHMENT },
	{ "the floor's parts",		floor_parts,		VOID_SCOPE },
	{ "the floor's lifetime",	floor_lifetime,		VOID_LIFETIME },
	{ "the floor's addressee",	floor_addressee,	VOID_POLICY },
	{ "the floor's time lock",	floor_lock,		VOID_TIME_LOCK },
	{ "the parts it is asked under", asked_parts,		VOID_SCOPE },
	{ "the time lock it was asked under", asked_lock,	VOID_TIME_LOCK },
	{ "as many floors as may be",	floors_enough,		VOID_NONE },
	{ "too many floors",		floors_too_many,	VOID_POLICY },
	{ "the lost log key",		lost_log_key,		VOID_SIGNATURE },
	{ "the new log key",		new_log_key,		VOID_NONE },
	{ "the first log key again",	first_key_again,	VOID_AMENDMENT },
};
const size_t	n_rows_amended = sizeof(rows_amended) / sizeof(rows_amended[0]);

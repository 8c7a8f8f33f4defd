/* Rows: requests, decisions, revocations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/policy/rows.h"

/* --- requests -------------------------------------------------------------- */

typedef void (*request_twist)(struct net *n, struct net_artifact *a,
    struct statement *s);

static struct verdict
request(struct net *n, const char *sealed, const char *asked, request_twist t)
{
	struct net_artifact	a = net_seal(n, sealed);
	struct statement	s;

	net_request(n, &a, 1, asked, &s);
	if (t != NULL)
		t(n, &a, &s);
	return net_log(n, &s, &n->person[NET_REQUESTER]);
}

#define ASK(name, sealed, asked, code)						\
	static void								\
	name##_twist(struct net *n, struct net_artifact *a, struct statement *s)\
	{									\
		(void)n; (void)a; (void)s;					\
		code;								\
	}									\
	static struct verdict							\
	name(struct net *n)							\
	{									\
		return request(n, sealed, asked, name##_twist);			\
	}									\
	struct name##_semicolon

static void
recipient(struct statement *s, const char *kind)
{
	buf_reset(&s->bytes);
	test_cert_of(kind, "recipient", &s->bytes);
}

static void
no_scope(struct net *n, struct statement *s)
{
	sha256_one(s->subject, SPAN_STR("not a scope"));
	assert_int_equal(memstate_blob(n->mem, SPAN_STR("not a scope"), NULL),
	    RC_OK);
}

static void
huge_scope(struct net *n, struct statement *s)
{
	uint8_t	*p = calloc(1, SCOPE_BYTES_MAX + 1);

	assert_non_null(p);
	sha256_one(s->subject, SPAN(p, SCOPE_BYTES_MAX + 1));
	assert_int_equal(memstate_blob(n->mem, SPAN(p, SCOPE_BYTES_MAX + 1), NULL),
	    RC_OK);
	free(p);
}

static void
attach(struct statement *s, const char *kind)
{
	strcpy(s->u.request.attachment[0].kind, kind);
	s->u.request.n_attachments = 1;
}

ASK(ask, "standard", "standard", );
ASK(ask_nothing_known, "standard", "standard",
    a->id[0] ^= 1; net_scope(n, a, 1, "image:0-0", s->subject));
ASK(ask_part, "standard", "standard",
    net_scope(n, a, 1, "latent:0-0", s->subject));
ASK(ask_segment, "standard", "standard",
    net_scope(n, a, 1, "image:0-4", s->subject));
ASK(ask_last_segment, "standard", "standard",
    net_scope(n, a, 1, "image:3-3 prompt:0-0", s->subject));
ASK(ask_no_scope, "standard", "standard", no_scope(n, s));
ASK(ask_huge_scope, "standard", "standard", huge_scope(n, s));
ASK(ask_uncovered, "image", "image",
    net_scope(n, a, 1, "image:0-0 prompt:0-0", s->subject));
ASK(ask_covered, "image", "image", );
ASK(ask_other_policy, "veto", "lenient", );
ASK(ask_no_policy, "standard", "standard", strcpy(s->u.request.policy, "none"));
ASK(ask_long, "standard", "standard", s->expires = n->now + 86401);
ASK(ask_a_day, "standard", "standard", s->expires = n->now + 86400);
ASK(ask_no_order, "court", "court", );
ASK(ask_other_order, "court", "court", attach(s, "cover-letter"));
ASK(ask_with_order, "court", "court", attach(s, "court-order"));
ASK(ask_to_nobody, "standard", "standard",
    buf_reset(&s->bytes); buf_printf(&s->bytes, "no certificate"));
ASK(ask_to_trailing, "standard", "standard", buf_u8(&s->bytes, 0));
ASK(ask_to_ed25519, "standard", "standard", recipient(s, "ED25519"));
ASK(ask_to_p521, "standard", "standard", recipient(s, "P-521"));
ASK(ask_to_rsa_1024, "standard", "standard", recipient(s, "RSA-1024"));
ASK(ask_to_rsa_2048, "standard", "standard", recipient(s, "RSA-2048"));
ASK(ask_to_p256, "standard", "standard", recipient(s, "P-256"));

/* --- decisions ------------------------------------------------------------- */

static struct verdict
approve_as(struct net *n, const char *policy, enum net_person p)
{
	uint8_t	id[32];

	seal_and_ask(n, policy, id);
	return net_decide(n, id, p, true);
}

static struct verdict approve(struct net *n) { return approve_as(n, "standard", NET_LEGAL); }
static struct verdict approve_own(struct net *n) { return approve_as(n, "lenient", NET_REQUESTER); }
static struct verdict approve_org(struct net *n) { return approve_as(n, "standard", NET_INSIDER); }
static struct verdict approve_org_ok(struct net *n) { return approve_as(n, "lenient", NET_INSIDER); }
static struct verdict approve_role(struct net *n) { return approve_as(n, "standard", NET_COURT); }

static struct verdict
approve_p256(struct net *n)
{
	struct net_artifact	a = net_seal(n, "court");
	struct statement	s;

	net_request(n, &a, 1, "court", &s);
	attach(&s, "court-order");
	good(net_log(n, &s, &n->person[NET_REQUESTER]));
	return net_decide(n, s.id, NET_COURT, true);
}

static struct verdict
approve_another(struct net *n)
{
	uint8_t	id[32];

	seal_and_ask(n, "standard", id);
	id[0] ^= 1;
	return net_decide(n, id, NET_LEGAL, true);
}

static struct verdict
approve_twice(struct net *n)
{
	uint8_t	id[32];

	seal_and_ask(n, "standard", id);
	good(net_decide(n, id, NET_LEGAL, true));
	return net_decide(n, id, NET_LEGAL, true);
}

static struct verdict
approve_denied(struct net *n)
{
	uint8_t	id[32];

	seal_and_ask(n, "standard", id);
	good(net_decide(n, id, NET_LEGAL, false));
	return net_decide(n, id, NET_LEGAL, true);
}

static struct verdict
deny_twice(struct net *n)
{
	uint8_t	id[32];

	seal_and_ask(n, "standard", id);
	good(net_decide(n, id, NET_LEGAL, false));
	return net_decide(n, id, NET_LEGAL, false);
}

/* A denial without a veto stops its author, not the others. */
static struct verdict
approve_others_denied(struct net *n)
{
	uint8_t	id[32];

	seal_and_ask(n, "veto", id);
	good(net_decide(n, id, NET_COMPLIANCE, false));
	return net_decide(n, id, NET_LEGAL, true);
}

static struct verdict
approve_vetoed(struct net *n)
{
	uint8_t	id[32];

	seal_and_ask(n, "veto", id);
	good(net_decide(n, id, NET_SECOND_LEGAL, false));
	return net_decide(n, id, NET_LEGAL, true);
}

static struct verdict
approve_withdrawn(struct net *n)
{
	uint8_t	id[32];

	seal_and_ask(n, "standard", id);
	good(net_withdraw(n, id, NET_REQUESTER));
	return net_decide(n, id, NET_LEGAL, true);
}

static struct verdict
approve_late(struct net *n)
{
	uint8_t	id[32];

	seal_and_ask(n, "standard", id);
	n->now += 3601;
	return net_decide(n, id, NET_LEGAL, true);
}

static struct verdict
approve_in_time(struct net *n)
{
	uint8_t	id[32];

	seal_and_ask(n, "standard", id);
	n->now += 3600;
	return net_decide(n, id, NET_LEGAL, true);
}

static struct verdict
approve_again(struct net *n)
{
	uint8_t	id[32];

	seal_and_ask(n, "standard", id);
	good(net_decide(n, id, NET_LEGAL, true));
	good(net_withdraw(n, id, NET_LEGAL));
	return net_decide(n, id, NET_LEGAL, true);
}

/* With another key than the one that was stolen. */
static struct verdict
approve_other_key(struct net *n)
{
	struct statement	s;
	uint8_t			id[32];

	seal_and_ask(n, "standard", id);
	good(net_decide(n, id, NET_AUDITOR, true));
	good(net_revoke(n, &n->person[NET_AUDITOR], &n->auditor_second));
	decision(n, &s, id, true);
	return net_log(n, &s, &n->auditor_second);
}

static struct verdict
approve_two_keys(struct net *n)
{
	struct statement	s;
	uint8_t			id[32];

	seal_and_ask(n, "standard", id);
	good(net_decide(n, id, NET_AUDITOR, true));
	decision(n, &s, id, true);
	return net_log(n, &s, &n->auditor_second);
}

/* Signed, and held back by whoever got it. */
static struct verdict
approve_from_before(struct net *n)
{
	struct statement	s;
	uint8_t			id[32];

	seal_and_ask(n, "standard", id);
	decision(n, &s, id, true);
	good(net_decide(n, id, NET_LEGAL, true));
	good(net_withdraw(n, id, NET_LEGAL));
	return net_log(n, &s, &n->person[NET_LEGAL]);
}

/* Signed when all but the withdrawal itself was seen. */
static struct verdict
approve_a_moment_before(struct net *n)
{
	struct statement	s;
	uint8_t			id[32];

	seal_and_ask(n, "standard", id);
	good(net_decide(n, id, NET_LEGAL, true));
	decision(n, &s, id, true);
	good(net_withdraw(n, id, NET_LEGAL));
	return net_log(n, &s, &n->person[NET_LEGAL]);
}

/* Another's withdrawal is not this one's. */
static struct verdict
approve_others_withdrawal(struct net *n)
{
	struct statement	s;
	uint8_t			id[32];

	seal_and_ask(n, "standard", id);
	good(net_decide(n, id, NET_COMPLIANCE, true));
	decision(n, &s, id, true);
	good(net_withdraw(n, id, NET_COMPLIANCE));
	return net_log(n, &s, &n->person[NET_LEGAL]);
}

/* The withdrawal is logged first, so that it would find nothing. */
static struct verdict
withdraw_first(struct net *n)
{
	uint8_t	id[32];

	seal_and_ask(n, "standard", id);
	return net_withdraw(n, id, NET_LEGAL);
}

static struct verdict
approve_after_withdraw_first(struct net *n)
{
	struct statement	s;
	uint8_t			id[32];

	seal_and_ask(n, "standard", id);
	decision(n, &s, id, true);
	good(net_withdraw(n, id, NET_LEGAL));
	return net_log(n, &s, &n->person[NET_LEGAL]);
}

/* Taken back twice: the later one counts. */
static struct verdict
approve_between_withdrawals(struct net *n)
{
	struct statement	s;
	uint8_t			id[32];

	seal_and_ask(n, "standard", id);
	good(net_withdraw(n, id, NET_LEGAL));
	decision(n, &s, id, true);
	good(net_withdraw(n, id, NET_LEGAL));
	return net_log(n, &s, &n->person[NET_LEGAL]);
}

static struct verdict
withdraw_no_role(struct net *n)
{
	uint8_t	id[32];

	seal_and_ask(n, "standard", id);
	return net_withdraw(n, id, NET_COURT);
}

static struct verdict
withdraw_denial(struct net *n)
{
	uint8_t	id[32];

	seal_and_ask(n, "standard", id);
	good(net_decide(n, id, NET_LEGAL, false));
	return net_withdraw(n, id, NET_LEGAL);
}

static struct verdict
withdraw_unknown(struct net *n)
{
	uint8_t	id[32] = { 7 };

	return net_withdraw(n, id, NET_REQUESTER);
}

/* --- revocations ----------------------------------------------------------- */

static struct verdict
revoke_by_amender(struct net *n)
{
	return net_revoke(n, &n->person[NET_AUDITOR], &n->person[NET_COURT]);
}

static struct verdict
revoke_by_other(struct net *n)
{
	return net_revoke(n, &n->person[NET_AUDITOR], &n->person[NET_COMPLIANCE]);
}

static struct verdict
revoke_stranger(struct net *n)
{
	return net_revoke(n, &n->person[NET_STRANGER], &n->person[NET_LEGAL]);
}

static struct verdict
revoke_custodian(struct net *n)
{
	return net_revoke(n, &n->signing[0], &n->person[NET_LEGAL]);
}

static struct verdict
revoke_log(struct net *n)
{
	return net_revoke(n, &n->log, &n->person[NET_LEGAL]);
}

static struct verdict
revoke_sealer(struct net *n)
{
	return net_revoke(n, &n->sealer, &n->person[NET_LEGAL]);
}

static struct verdict
revoke_twice(struct net *n)
{
	good(net_revoke(n, &n->person[NET_AUDITOR], &n->person[NET_LEGAL]));
	return net_revoke(n, &n->person[NET_AUDITOR], &n->person[NET_LEGAL]);
}

const struct row rows_ask[] = {
	{ "request: no such artifact",		ask_nothing_known,	VOID_SCOPE },
	{ "request: no such part",		ask_part,		VOID_SCOPE },
	{ "request: no such segment",		ask_segment,		VOID_SCOPE },
	{ "request: a scope that is none",	ask_no_scope,		VOID_SCOPE },
	{ "request: a scope over the limit",	ask_huge_scope,		VOID_SCOPE },
	{ "request: a part not covered",	ask_uncovered,		VOID_SCOPE },
	{ "request: another policy",		ask_other_policy,	VOID_POLICY },
	{ "request: no such policy",		ask_no_policy,		VOID_POLICY },
	{ "request: lives too long",		ask_long,		VOID_LIFETIME },
	{ "request: no court order",		ask_no_order,		VOID_ATTACHMENT },
	{ "request: another attachment",	ask_other_order,	VOID_ATTACHMENT },
	{ "request: recipient no certificate",	ask_to_nobody,		VOID_RECIPIENT },
	{ "request: bytes after it",		ask_to_trailing,	VOID_RECIPIENT },
	{ "request: recipient Ed25519",		ask_to_ed25519,		VOID_RECIPIENT },
	{ "request: recipient P-521",		ask_to_p521,		VOID_RECIPIENT },
	{ "request: recipient RSA-1024",	ask_to_rsa_1024,	VOID_RECIPIENT },
	{ "the requester approves",		approve_own,		VOID_OWN_REQUEST },
	{ "the requester's organisation",	approve_org,		VOID_ORGANISATION },
	{ "no role that is asked for",		approve_role,		VOID_ROLE },
	{ "for another request",		approve_another,	VOID_UNKNOWN_SUBJECT },
	{ "approved already",			approve_twice,		VOID_DECIDED },
	{ "approved with a first key",		approve_two_keys,	VOID_DECIDED },
	{ "denied before",			approve_denied,		VOID_DENIED_BEFORE },
	{ "denied twice",			deny_twice,		VOID_DENIED_BEFORE },
	{ "vetoed before",			approve_vetoed,		VOID_ENDED },
	{ "withdrawn before",			approve_withdrawn,	VOID_ENDED },
	{ "the request has expired",		approve_late,		VOID_ENDED },
	{ "approved before it was taken back",	approve_from_before,	VOID_TAKEN_BACK },
	{ "approved a moment before",		approve_a_moment_before, VOID_TAKEN_BACK },
	{ "taken back before it was logged",	approve_after_withdraw_first, VOID_TAKEN_BACK },
	{ "taken back twice",			approve_between_withdrawals, VOID_TAKEN_BACK },
	{ "withdrawn without a role",		withdraw_no_role,	VOID_ROLE },
	{ "a denial withdrawn",			withdraw_denial,	VOID_DENIED_BEFORE },
	{ "no request to withdraw",		withdraw_unknown,	VOID_UNKNOWN_SUBJECT },
	{ "revoked by somebody else",		revoke_by_other,	VOID_ROLE },
	{ "a stranger's key revoked",		revoke_stranger,	VOID_UNKNOWN_SUBJECT },
	{ "a custodian's key revoked",		revoke_custodian,	VOID_ROLE },
	{ "the log's key revoked",		revoke_log,		VOID_ROLE },
	{ "a sealer's key revoked",		revoke_sealer,		VOID_ROLE },
	{ "revoked twice",			revoke_twice,		VOID_DUPLICATE },

	{ "request",				ask,			VOID_NONE },
	{ "request: the last segment",		ask_last_segment,	VOID_NONE },
	{ "request: a part that is covered",	ask_covered,		VOID_NONE },
	{ "request: lives a day",		ask_a_day,		VOID_NONE },
	{ "request: with its court order",	ask_with_order,		VOID_NONE },
	{ "request: recipient RSA-2048",	ask_to_rsa_2048,	VOID_NONE },
	{ "request: recipient P-256",		ask_to_p256,		VOID_NONE },
	{ "approve",				approve,		VOID_NONE },
	{ "another took theirs back",		approve_others_withdrawal, VOID_NONE },
	{ "taken back before it is logged",	withdraw_first,		VOID_NONE },
	{ "approve with a P-256 key",		approve_p256,		VOID_NONE },
	{ "the requester's organisation may",	approve_org_ok,		VOID_NONE },
	{ "another's denial is no veto",	approve_others_denied,	VOID_NONE },
	{ "approve in the last second",		approve_in_time,	VOID_NONE },
	{ "approve after taking it back",	approve_again,		VOID_NONE },
	{ "approve with another key",		approve_other_key,	VOID_NONE },
	{ "revoked by an amender",		revoke_by_amender,	VOID_NONE },
};
const size_t n_rows_ask = sizeof(rows_ask) / sizeof(rows_ask[0]);

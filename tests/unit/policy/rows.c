#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/policy/rows.h"

void
good(struct verdict v)
{
	if (!v.effective)
		fail_msg("void on the way: %s", void_reason_name(v.why));
}

void
seal_and_ask(struct net *n, const char *policy, uint8_t request[32])
{
	struct net_artifact	a = net_seal(n, policy);

	net_requested(n, &a, 1, policy, request);
}

void
met(struct net *n, const char *policy, uint8_t request[32])
{
	seal_and_ask(n, policy, request);
	good(net_decide(n, request, NET_LEGAL, true));
	good(net_decide(n, request, NET_COMPLIANCE, true));
	good(net_decide(n, request, NET_AUDITOR, true));
}

void
met_by_legal(struct net *n, const char *policy, uint8_t request[32])
{
	seal_and_ask(n, policy, request);
	good(net_decide(n, request, NET_LEGAL, true));
}

void
decision(struct net *n, struct statement *s, const uint8_t request[32],
    bool approve)
{
	net_statement(n, s, STATEMENT_DECISION);
	memcpy(s->subject, request, sizeof(s->subject));
	s->u.decision.approve = approve;
}

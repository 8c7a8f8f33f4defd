/* Witness policies: every name leads back, and nothing needs more than there is. */
#include "audit/tlog_policy.h"
#include "tests/fuzz/lib/fuzz.h"

static void
check_group(const struct tlog_policy *p, unsigned i)
{
	unsigned	members = (unsigned)__builtin_popcount(p->group[i].witnesses) +
			    (unsigned)__builtin_popcount(p->group[i].groups);

	PROMISE(p->group[i].need >= 1 && p->group[i].need <= members);
	PROMISE(p->group[i].groups >> i == 0);
	PROMISE(p->n_witnesses == 32 || p->group[i].witnesses >> p->n_witnesses == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tlog_policy	p;
	unsigned			i;

	if (tlog_policy_parse(SPAN(data, size), &p, NULL) != RC_OK)
		return 0;
	PROMISE(p.n_logs <= TLOG_POLICY_LOGS && p.n_witnesses <= TLOG_POLICY_WITNESSES &&
	    p.n_groups <= TLOG_POLICY_GROUPS);
	for (i = 0; i < p.n_groups; i++)
		check_group(&p, i);
	PROMISE(p.quorum_witness < p.n_witnesses && p.quorum_group < p.n_groups);
	PROMISE(p.quorum_witness < 0 || p.quorum_group < 0);
	/* Everybody is enough; nobody is only where none are asked for. */
	PROMISE(tlog_policy_met(&p, ~0u));
	PROMISE(tlog_policy_met(&p, 0) == (p.quorum_witness < 0 && p.quorum_group < 0));
	return 0;
}

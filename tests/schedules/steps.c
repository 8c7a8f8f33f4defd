/* tests/schedules/steps.c - what happens in a network on any day, in any order. */
#include <stdlib.h>
#include <string.h>

#include "evidence/cms.h"
#include "evidence/keys.h"
#include "tests/schedules/world.h"

static when
now(void)
{
	return world->ms / 1000;
}

/* One of the newest three of a type; -1: there is none. */
int
recent(enum statement_type type)
{
	int	found[3], n = 0;

	for (int i = world->n_said - 1; i >= 0 && n < 3; i--)
		if (world->said[i].type == type)
			found[n++] = i;
	return n == 0 ? -1 : found[pick((uint32_t)n)];
}

static struct node *
any_node(bool up)
{
	struct node	*x;

	for (unsigned tries = 0; tries < 20; tries++) {
		x = &world->node[pick(world->n_nodes)];
		if (x->up == up)
			return x;
	}
	return NULL;
}

static unsigned
any_branch(void)
{
	return pick(world->n_branches);
}

/* The coordinator logs it, or knows of it and does not. */
static void
log_or_not(unsigned branch, int said)
{
	world->heard[said] = true;
	if (!world->lies || !one_in(4))
		(void)log_said(branch, said, now());
}

/* --- people ----------------------------------------------------------------------------- */

static void
seal(void)
{
	unsigned	b = any_branch();
	int		said;

	if (world->n_batches == BATCHES_MAX)
		return;
	said = say_batch(b, (enum policy_name)pick(POLICIES));
	note("seal %d under %s", world->n_batches - 1, rules[world->batch[world->n_batches - 1].policy].id);
	log_or_not(b, said);
}

static void
request(void)
{
	unsigned	b = any_branch();
	enum who	by = one_in(5) ? LEGAL2 : REQUESTER;
	int		said;

	if (world->n_batches == 0)
		return;
	said = say_request(b, (int)pick((uint32_t)world->n_batches), by, one_in(12));
	note("request %d by %s under %s%s", said, people[by].id, rules[world->said[said].policy].id,
	    world->said[said].misfit ? " (not its policy)" : "");
	log_or_not(b, said);
}

static void
decide(int request_said, enum who by, bool approve)
{
	unsigned	b = any_branch();
	int		said = say_decision(b, request_said, by, approve);

	note("%s %ss request %d: %d", people[by].id, approve ? "approve" : "denie", request_said, said);
	log_or_not(b, said);
}

static void
approve(void)
{
	int	q = recent(STATEMENT_REQUEST);

	if (q < 0)
		return;
	decide(q, (enum who)pick(PEOPLE), true);
}

/* Those who can, so that orders come about. */
static void
approve_all(void)
{
	int	q = recent(STATEMENT_REQUEST);

	if (q < 0)
		return;
	decide(q, one_in(4) ? TWOHATS : LEGAL, true);
	decide(q, one_in(6) ? TWOHATS : COMPLIANCE, true);
	if (world->said[q].policy == VETO || one_in(5))
		decide(q, one_in(3) ? LEGAL2 : COMPLIANCE2, true);
}

static int
say_no(int q, unsigned branch)
{
	enum who	by = (enum who)pick(PEOPLE);
	uint32_t	what = pick(12);
	int		said;

	if (what < 5)
		said = say_decision(branch, q, by, false);
	else if (what < 11)
		said = say_withdrawal(branch, q, one_in(2) ? LEGAL : by);
	else
		said = say_revocation(branch, by, one_in(4) ? LEGAL : by);
	note("\"no\" %d (%s of %d) by %s", said, statement_type_name(world->said[said].type), world->said[said].subject,
	    people[world->said[said].by].id);
	return said;
}

static void
deny(void)
{
	int		q = recent(STATEMENT_REQUEST);
	unsigned	b = any_branch();

	if (q >= 0)
		log_or_not(b, say_no(q, b));
}

/* Past the log, to one custodian or some. */
static void
hand_in(void)
{
	int		q = recent(STATEMENT_REQUEST), said;
	struct node	*x;

	if (q < 0)
		return;
	said = say_no(q, any_branch());
	for (unsigned i = 0; i < world->n; i += 1 + pick(3))
		if ((x = any_node(true)) != NULL)
			(void)node_submit(x, said);
}

static void
hand_in_again(void)
{
	int		said = world->n_said == 0 ? -1 : (int)pick((uint32_t)world->n_said);
	struct node	*x = any_node(true);

	if (said >= 0 && x != NULL)
		(void)node_submit(x, said);
}

/* --- the coordinator's work ---------------------------------------------------------------- */

static void
order(void)
{
	int		q = recent(STATEMENT_REQUEST), said;
	unsigned	b = any_branch();

	if (q < 0)
		return;
	said = say_order(b, q, world->lies && one_in(6), one_in(5) ? 30 : 600);
	note("order %d of request %d%s", said, q, world->said[said].misfit ? " (of another scope)" : "");
	(void)log_said(b, said, now());
}

static void
ask(struct node *x, int o)
{
	AUTO_DONE(buf_done) struct buf	reply = BUF_INIT(BIG);
	int				receipt;
	unsigned			n;
	struct shamir_contribution	c[3];

	if (node_contribute(x, o, &reply) != RC_OK)
		return;
	note("custodian %u contributes to order %d", x->index, o);
	if (contribution_read(x->index, o, buf_view(&reply), c, &n, &receipt))
		world->heard[receipt] = true;
}

static void
contribute(void)
{
	struct node	*x = any_node(true);
	int		 o = recent(STATEMENT_ORDER);

	if (x != NULL && o >= 0)
		ask(x, o);
}

static void
contribute_all(void)
{
	int	o = recent(STATEMENT_ORDER);

	for (unsigned i = 0; i < world->n_nodes && o >= 0; i++)
		if (world->node[i].up)
			ask(&world->node[i], o);
}

static void
release(void)
{
	int		o = recent(STATEMENT_ORDER), receipt[N_MAX];
	unsigned	n;

	if (o < 0)
		return;
	n = gather(o, true, receipt);
	note("%u contributed to order %d", n, o);
	if (n < world->k)
		return;
	for (unsigned i = 0; i < n; i++)
		if (!world->lies || !one_in(3))
			(void)log_said(0, receipt[i], now());
	(void)log_said(0, say_release(0, o, receipt, n), now());
}

/* What it heard of and did not log yet. */
static void
log_heard(void)
{
	for (int i = 0; i < world->n_said; i++)
		if (world->heard[i] && !is_on(0, i, world->branch[0].n, NULL) && (!world->lies || one_in(2)) &&
		    world->branch[0].n < ENTRIES_MAX - 60)
			(void)log_bytes(0, i, now(), buf_view(&world->said[i].dsse),
			    world->said[i].type == STATEMENT_CHECKED || world->said[i].type == STATEMENT_GARBAGE);
}

/* A page of the log, whole or in part, or its answer lost. */
static void
tell_one(struct node *x)
{
	struct sending	s = sending_to(x);

	if (s.upto > s.first + 1 && one_in(4))
		s.upto = s.first + 1 + pick((uint32_t)(s.upto - s.first));
	if (one_in(6))
		s.checkpoint = s.upto;
	s.no_shares = one_in(8);
	if (one_in(5) && s.first > 0)
		s.first -= pick((uint32_t)s.first);	/* some of it again */
	(void)node_append(x, &s);
}

static void
tell(void)
{
	struct node	*x = any_node(true);

	if (x != NULL)
		tell_one(x);
}

void
tell_all(unsigned branch, bool lossy)
{
	struct sending	s;

	for (unsigned i = 0; i < world->n_nodes; i++) {
		struct node	*x = &world->node[i];

		if (!x->up || x->branch != branch || (lossy && one_in(4)))
			continue;
		s = sending_to(x);
		(void)node_append(x, &s);
	}
}

static void
tell_all_twice(void)
{
	for (unsigned b = 0; b < world->n_branches; b++) {
		tell_all(b, true);
		tell_all(b, true);
	}
	for (int i = 0; i < world->n_batches; i++) {
		struct point	*p = point_cosigned(0);
		uint64_t	 at;

		if (p != NULL && is_on(0, world->batch[i].said, p->size, &at) &&
		    count_bits(world->batch[i].held[0]) >= world->h)
			world->batch[i].acknowledged[0] = true;
	}
}

/* What an honest coordinator would do next, so that some get to the end. */
static void
go_on(void)
{
	static struct model	 m;
	struct m_request	*r;
	when			 met;
	uint64_t		 index;
	int			 last;

	model_of(0, world->branch[0].n, &m);
	if (world->n_batches == 0 || !m.batch[world->n_batches - 1]) {
		seal();
		return;
	}
	last = m.n_requests == 0 ? -1 : m.n_requests - 1;
	r = last < 0 ? NULL : &m.request[last];
	if (r == NULL || r->withdrawn || r->vetoed || r->released || now() > world->said[r->said].expires)
		request();
	else if (!model_is_met(&m, r))
		approve_all();
	else if (m.n_orders == 0 || m.order[m.n_orders - 1].request != r->said ||
	    model_may(&m, m.order[m.n_orders - 1].said, now(), &met, &index, &r) != NULL) {
		world->ms += 1000 * (one_in(2) ? 60 : pick(100));
		order();
		tell_all_twice();
	} else if (one_in(3))
		release();
	else
		contribute_all();
}

/* --- custodians ---------------------------------------------------------------------------------- */

void
compare_all(bool lossy)
{
	for (unsigned i = 0; i < world->n_nodes; i++)
		for (uint8_t peer = 1; peer <= world->n; peer++) {
			struct node	*x = &world->node[i], *y = node_of(peer, one_in(2) ? x->branch : any_branch());

			if (x->up && y->up && x->index != peer && (!lossy || !one_in(3)))
				(void)node_exchange(x, y, lossy && one_in(20));
		}
	world->ms += 1100;
}

static void
compare(void)
{
	compare_all(true);
}

static void
restart(void)
{
	struct node	*x = any_node(true);

	if (x == NULL)
		return;
	note("custodian %u restarts", x->index);
	node_close(x);
	node_open(x);
}

static void
down(void)
{
	struct node	*x = any_node(true);

	if (x == NULL || one_in(2))
		return;
	note("custodian %u is down", x->index);
	node_close(x);
}

static void
up(void)
{
	struct node	*x = any_node(false);

	if (x == NULL)
		return;
	note("custodian %u is up", x->index);
	node_open(x);
}

/* At most f are put back to what they were: they count among the faulty until they caught up. */
static void
put_back(void)
{
	struct node	*x = any_node(true);
	unsigned	 faulty = 0;

	for (unsigned i = 0; i < world->n_nodes; i++)
		faulty += world->node[i].gone_back || (world->node[i].liar && world->node[i].face == 0);
	if (x == NULL || x->liar)
		return;
	node_close(x);
	if (node_has_copy(x) && (x->gone_back || faulty < world->f) && one_in(2)) {
		note("custodian %u is put back to an older state", x->index);
		node_copy(x, true);
		x->gone_back = true;
		for (size_t i = 0; i < x->n_no; i++)
			x->forgot[i] = true;
		x->n_owed = 0;
	} else {
		note("custodian %u is copied", x->index);
		node_copy(x, false);
	}
	node_open(x);
}

static void
token_fails(void)
{
	struct node	*x = any_node(true);

	if (x != NULL)
		x->token.fail_in = 1 + pick(12);
}

static void
idle(void)
{
	struct node	*x = any_node(true);

	if (x != NULL)
		node_idle(x);
}

static void
time_passes(void)
{
	world->ms += 1000 * (one_in(8) ? 200 + pick(900) : 20 + pick(80));
}

/* --- all of it --------------------------------------------------------------------------------------- */

static const struct { unsigned weight; void (*does)(void); } kinds[] = {
	{ 6, seal }, { 8, request }, { 5, approve }, { 10, approve_all }, { 4, deny }, { 6, hand_in },
	{ 3, hand_in_again }, { 12, order }, { 6, contribute }, { 10, contribute_all }, { 4, release },
	{ 8, log_heard }, { 10, tell }, { 26, tell_all_twice }, { 8, compare }, { 4, restart }, { 3, down },
	{ 60, go_on }, { 4, up }, { 3, put_back }, { 2, token_fails }, { 3, idle }, { 4, time_passes },
};

void
step_any(void)
{
	unsigned	total = 0, n;

	world->ms += 1000 * (1 + pick(6));
	if (world->branch[0].n > ENTRIES_MAX - 80 || world->n_said > SAID_MAX - 120)
		return;
	if (world->lies && one_in(3) && lie_any())
		return;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		total += kinds[i].weight;
	n = pick(total);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (n < kinds[i].weight) {
			kinds[i].does();
			return;
		}
		n -= kinds[i].weight;
	}
}

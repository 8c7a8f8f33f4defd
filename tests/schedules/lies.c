/*
 * tests/schedules/lies.c - a coordinator that lies. It has the log's key, and so signs what it
 * likes; what it shows to whom, in which order and dated when, is its own.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/schedules/world.h"

static when
now(void)
{
	return world->ms / 1000;
}

static struct node *
any_up(void)
{
	for (unsigned tries = 0; tries < 20; tries++) {
		struct node	*x = &world->node[pick(world->n_nodes)];

		if (x->up)
			return x;
	}
	return NULL;
}

/* A second past, shown to some. A liar has a face for each. */
static void
fork_log(void)
{
	struct branch	*a = &world->branch[0], *b = &world->branch[1];

	if (world->n_branches == 2 || a->n < 4)
		return;
	world->fork = a->n - pick(3);
	memcpy(b, a, sizeof(*b));
	b->n = world->fork;
	for (uint64_t i = world->fork + 1; i < ENTRIES_MAX; i++)
		b->has_root[i] = false;
	world->n_branches = 2;
	note("the log forks at %llu", (unsigned long long)world->fork);
	for (unsigned i = 0; i < world->n_nodes; i++) {
		struct node	*x = &world->node[i];

		if (x->liar && x->face == 1) {
			x->branch = 1;
			node_anew(x);
		} else if (!x->liar && one_in(2))
			x->branch = 1;
	}
	for (int i = 0; i < world->n_said; i++)
		if (!is_on(0, i, world->fork, NULL) && one_in(2))
			(void)log_said(1, i, now());
	/* Never the same entry at the fork: it would be none. */
	(void)log_said(1, say_revocation(1, TWOHATS, REQUESTER), now());
	if (world->branch[0].n == world->fork)
		(void)log_said(0, say_revocation(0, TWOHATS, REQUESTER), now());
}

static void
show_another(void)
{
	struct node	*x = any_up();

	if (world->n_branches < 2 || x == NULL || x->liar)
		return;
	x->branch ^= 1;
	note("custodian %u is shown log %u", x->index, x->branch);
}

static void
date_wrongly(void)
{
	int		said = recent(one_in(2) ? STATEMENT_DECISION : STATEMENT_ORDER);
	unsigned	b = pick(world->n_branches);
	int64_t		by = one_in(2) ? -(int64_t)pick(2000) : (int64_t)pick(90);

	if (said < 0)
		return;
	note("logs %d dated by %lld seconds", said, (long long)by);
	(void)log_said(b, said, (when)((int64_t)now() + by));
}

/* An approval, signed now, that is dated back so that its window has run out; and the order. */
static void
backdate(void)
{
	int		q = recent(STATEMENT_REQUEST), o;
	unsigned	b = pick(world->n_branches);

	if (q < 0)
		return;
	note("approvals of %d, dated back, and an order", q);
	(void)log_said(b, say_decision(b, q, LEGAL, true), now() - 200);
	(void)log_said(b, say_decision(b, q, COMPLIANCE, true), now() - 190);
	o = say_order(b, q, false, 600);
	(void)log_said(b, o, now());
}

static void
replay(void)
{
	int	said = world->n_said == 0 ? -1 : (int)pick((uint32_t)world->n_said);

	if (said < 0 || world->said[said].type == STATEMENT_CHECKED || world->said[said].type == STATEMENT_GARBAGE ||
	    world->said[said].type == STATEMENT_UNKNOWN)
		return;
	note("logs %d (%s) again", said, statement_type_name(world->said[said].type));
	(void)log_said(pick(world->n_branches), said, now());
}

/* A copy of what somebody said with another's signature, or with a broken one. */
static void
forge(void)
{
	int		q = recent(STATEMENT_REQUEST), said;
	unsigned	b = pick(world->n_branches);
	struct said	*x;
	uint8_t		*sig;

	if (q < 0)
		return;
	said = say_decision(b, q, one_in(2) ? LEGAL : COMPLIANCE, true);
	x = &world->said[said];
	x->forged = true;
	sig = memmem(x->dsse.p, x->dsse.n, "\"sig\"", 5);
	MUST(sig != NULL && (size_t)(sig - x->dsse.p) + 20 < x->dsse.n);
	sig += 12;
	*sig = *sig == 'A' ? 'B' : 'A';
	note("forges an approval of %d", q);
	(void)log_said(b, said, now());
}

/* --- whole stories, with a lie in them ---------------------------------------------------- */

static void
contribute_all(unsigned b, int o)
{
	AUTO_DONE(buf_done) struct buf	reply = BUF_INIT(BIG);

	for (unsigned i = 0; i < world->n_nodes; i++)
		if (world->node[i].up && world->node[i].branch == b)
			(void)node_contribute(&world->node[i], o, &reply);
}

/* Sealed, asked for, approved at this log time, ordered `wait` seconds later. */
static int
story(unsigned b, enum policy_name policy, when approved, uint64_t wait)
{
	int	q, o;

	(void)log_said(b, say_batch(b, policy), now());
	q = say_request(b, world->n_batches - 1, REQUESTER, false);
	(void)log_said(b, q, now());
	tell_all(b, false);
	world->ms += 100 * 1000;
	(void)log_said(b, say_decision(b, q, LEGAL, true), approved);
	(void)log_said(b, say_decision(b, q, COMPLIANCE, true), approved);
	tell_all(b, false);
	world->ms += wait * 1000;
	o = say_order(b, q, false, 600);
	(void)log_said(b, o, now());
	return o;
}

static bool
has_room(void)
{
	return world->n_batches < BATCHES_MAX - 2 && world->n_said < SAID_MAX - 160;
}

/* What nobody saw in time to object to it. */
static void
backdated_story(void)
{
	unsigned	b = pick(world->n_branches);
	int		o;

	if (!has_room())
		return;
	o = story(b, WINDOW, now() + 5, 3);
	note("order %d, whose approvals are dated back past the window", o);
	tell_all(b, false);
	tell_all(b, false);
	contribute_all(b, o);
}

/* A key is revoked past the log by who lost it, and what it approved is ordered. */
static void
revoked_story(void)
{
	unsigned	b = pick(world->n_branches);
	int		o, r;

	if (!has_room())
		return;
	o = story(b, PAIR, now() + 100, 5);
	r = say_revocation(b, one_in(2) ? LEGAL : REQUESTER, LEGAL);
	note("order %d, and a revocation %d that is kept out of the log", o, r);
	tell_all(b, false);
	for (unsigned i = 0; i < world->n_nodes; i++)
		if (world->node[i].up && one_in(2))
			(void)node_submit(&world->node[i], r);
	tell_all(b, false);
	contribute_all(b, o);
}

/* Who lost a key goes on to sign with it. */
static void
stolen_key(void)
{
	static const enum who	whose[] = { TWOHATS, LEGAL2, COMPLIANCE2 };
	enum who	p = whose[pick(3)];
	int		q = recent(STATEMENT_REQUEST);
	unsigned	b = pick(world->n_branches);

	if (q < 0)
		return;
	note("the key of %s is revoked, and signs", people[p].id);
	(void)log_said(b, say_revocation(b, p, p), now());
	(void)log_said(b, say_decision(b, q, p, true), now());
	tell_all(b, true);
}

/* Two releases, and the receipts of the first are kept for longer than may be. */
static void
kept_receipts(void)
{
	unsigned	b = pick(world->n_branches);
	int		o;

	if (!has_room())
		return;
	o = story(b, PAIR, now() + 100, 5);
	note("order %d, and its receipts are kept", o);
	tell_all(b, false);
	tell_all(b, false);
	contribute_all(b, o);
	world->ms += (RECEIPT_SECONDS + 20) * 1000;
	o = story(b, PAIR, now() + 100, 5);
	tell_all(b, false);
	tell_all(b, false);
	contribute_all(b, o);
}

/* Straight after what would forbid it, or before what would allow it. */
static void
order_early(void)
{
	int		q = recent(STATEMENT_REQUEST), o;
	unsigned	b = pick(world->n_branches);
	AUTO_DONE(buf_done) struct buf	reply = BUF_INIT(BIG);
	struct node	*x = any_up();

	if (q < 0 || x == NULL)
		return;
	o = say_order(b, q, one_in(3), 600);
	note("order %d of %d, at once", o, q);
	(void)log_said(b, o, now());
	tell_all(b, true);
	(void)node_contribute(x, o, &reply);
}

/* One order, shown to one custodian whom nobody else has seen it with. */
static void
order_for_one(void)
{
	struct node	*x = any_up();
	int		 q = recent(STATEMENT_REQUEST), o;
	struct sending	 s;
	AUTO_DONE(buf_done) struct buf	reply = BUF_INIT(BIG);

	if (q < 0 || x == NULL)
		return;
	o = say_order(x->branch, q, false, 600);
	(void)log_said(x->branch, o, now());
	note("order %d of %d for custodian %u alone", o, q, x->index);
	s = sending_to(x);
	(void)node_append(x, &s);
	s = sending_to(x);
	s.hasty = true;			/* beside its own cosignature */
	(void)node_append(x, &s);
	(void)node_contribute(x, o, &reply);
}

/* Approved and ordered, and shown to one with what it cosigned itself. */
static void
story_for_one(void)
{
	struct node	*x = any_up();
	struct sending	 s;
	AUTO_DONE(buf_done) struct buf	reply = BUF_INIT(BIG);
	int		 o;

	if (!has_room() || x == NULL)
		return;
	o = story(x->branch, PAIR, now() + 100, 5);
	note("order %d for custodian %u alone, approved", o, x->index);
	for (unsigned i = 0; i < 2; i++) {
		s = sending_to(x);
		s.hasty = i > 0;
		(void)node_append(x, &s);
	}
	(void)node_contribute(x, o, &reply);
}

static void
wrong_page(void)
{
	struct node	*x = any_up();
	struct sending	 s;

	if (x == NULL)
		return;
	s = sending_to(x);
	switch (pick(10)) {
	case 0: s.no_blobs = true; break;
	case 1: s.no_checkpoint = true; break;
	case 2: s.other_root = true; break;
	case 3: s.other_key = true; break;
	case 4: s.alter = true; break;
	case 5: s.swapped = true; break;
	case 6: s.few = world->q - 1U; break;
	case 7: s.checkpoint = 1 + pick((uint32_t)s.upto); break;	/* a smaller tree */
	case 8:
		if (s.first > 0)
			s.first = pick((uint32_t)s.first);
		break;
	default:
		if (world->n_branches == 2 && world->branch[x->branch ^ 1].n >= s.upto) {
			s.note_of = (int)(x->branch ^ 1);
			s.checkpoint = s.upto;
		}
	}
	note("custodian %u is sent a wrong page", x->index);
	(void)node_append(x, &s);
}

static void (*const lies[])(void) = {
	show_another, date_wrongly, backdate, backdate, replay, forge, order_early, order_early, order_for_one,
	wrong_page, wrong_page, wrong_page, fork_log, backdated_story, revoked_story, stolen_key, kept_receipts,
	story_for_one,
};

bool
lie_any(void)
{
	lies[pick(sizeof(lies) / sizeof(lies[0]))]();
	return true;
}

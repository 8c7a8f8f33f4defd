/*
 * tests/schedules/calm.c - DESIGN 3.5: with at most f liars and n-q down or lying, and a
 * coordinator that is honest, appends and releases complete, and a wrong answer names its sender.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/cms.h"
#include "evidence/keys.h"
#include "tests/schedules/world.h"

/* --- what came is combined -------------------------------------------------------------- */

struct gathered {
	uint8_t				index[N_MAX];
	struct shamir_contribution	c[N_MAX][3];
	int				receipt[N_MAX];
	unsigned			n;
	uint32_t			lied;
};

/* Well formed, sealed and signed, and of another share. */
static void
answer_wrongly(struct shamir_contribution *c, unsigned n, int order)
{
	const struct batch_made	*b;
	uint8_t			 other[32], label[SHAMIR_POINT_BYTES];
	struct err		 err;
	uint8_t			 index = c[0].index;

	crypto_core_ristretto255_scalar_random(other);
	for (unsigned i = 0; i < n; i++) {
		label_of(order, i, label, &b);
		must(shamir_contribute(index, other, label, &c[i], &err), &err);
	}
}

static void
collect(int order, bool liars_answer, struct gathered *g)
{
	AUTO_DONE(buf_done) struct buf	reply = BUF_INIT(BIG);
	unsigned			n;

	memset(g, 0, sizeof(*g));
	for (unsigned i = 0; i < world->n_nodes; i++) {
		struct node	*x = &world->node[i];

		if (!x->up || x->branch != 0 || x->face != 0 ||
		    (x->liar && !liars_answer) || node_contribute(x, order, &reply) != RC_OK ||
		    !contribution_read(x->index, order, buf_view(&reply), g->c[g->n], &n, &g->receipt[g->n]))
			continue;
		if (x->liar) {
			answer_wrongly(g->c[g->n], n, order);
			g->lied |= 1U << (x->index - 1);
		}
		world->heard[g->receipt[g->n]] = true;
		g->index[g->n++] = x->index;
	}
}

/* 4: one fewer than k of them is nothing; 5: the wrong ones are told from the good. */
static void
combine(const struct gathered *g, int order, unsigned segment)
{
	AUTO(secret_free) struct secret	*point = NULL, *want = NULL, *none = NULL;
	struct shamir_contribution	 c[N_MAX];
	const struct batch_made		*b;
	uint8_t				 label[SHAMIR_POINT_BYTES];
	uint32_t			 bad = 0;
	unsigned			 good = g->n - count_bits(g->lied), some = 0;
	struct err			 err;
	enum rc				 rc;

	label_of(order, segment, label, &b);
	for (unsigned i = 0; i < g->n; i++)
		c[i] = g->c[i][segment];
	rc = shamir_combine(c, g->n, &b->commits, label, &bad, &point, &err);
	if (bad != g->lied)
		fails(5, "custodians %x lied and %x are named", g->lied, bad);
	if ((rc == RC_OK) != (good >= world->k))
		fails(rc == RC_OK ? 4 : 5, "%u good contributions of k=%u: %s", good, world->k, rc_name(rc));
	if (rc != RC_OK)
		return;
	must(shamir_apply(b->secret, label, &want, &err), &err);
	if (!secret_eq(want, point))
		fails(5, "the key that was combined is another");
	for (unsigned i = 0; i < g->n && some < world->k - 1U; i++)
		if ((g->lied >> (g->index[i] - 1) & 1) == 0)
			c[some++] = g->c[i][segment];
	if (shamir_combine(c, some, &b->commits, label, &bad, &none, &err) == RC_OK)
		fails(4, "k-1 contributions open a segment");
}

unsigned
gather(int order, bool liars_answer, int *ret_receipt)
{
	struct gathered	g;
	unsigned	good = 0;

	collect(order, liars_answer, &g);
	for (unsigned s = 0; s < world->said[world->said[order].subject].segments && g.n > 0; s++)
		combine(&g, order, s);
	for (unsigned i = 0; i < g.n; i++)
		if ((g.lied >> (g.index[i] - 1) & 1) == 0)
			ret_receipt[good++] = g.receipt[i];
	if (good >= world->k)
		world->released++;
	return good;
}

/* --- all is well again ---------------------------------------------------------------------- */

static when
now(void)
{
	return world->ms / 1000;
}

static void
everybody_up(void)
{
	for (unsigned i = 0; i < world->n_nodes; i++) {
		struct node	*x = &world->node[i];

		x->token.fail_in = 0;
		if (!x->up)
			node_open(x);
		if (!x->up)
			fails(5, "custodian %u does not start again", x->index);
	}
}

static void
log_all(void)
{
	for (int i = 0; i < world->n_said; i++)
		if (world->heard[i] && !is_on(0, i, world->branch[0].n, NULL))
			(void)log_bytes(0, i, now(), buf_view(&world->said[i].dsse),
			    world->said[i].type == STATEMENT_CHECKED || world->said[i].type == STATEMENT_GARBAGE);
}

static void
settle(void)
{
	world->ms += 200 * 1000;
	for (unsigned i = 0; i < 3; i++) {
		world->ms += 5000;
		tell_all(0, false);
		compare_all(false);
		log_all();
	}
	tell_all(0, false);
	tell_all(0, false);
}

/* As many as may be, liars first. */
static void
take_down(void)
{
	unsigned	away = (unsigned)(world->n - world->q), first = pick(world->n);

	for (unsigned i = 0; i < world->n_nodes; i++)
		away -= world->node[i].liar && world->node[i].face == 0 && away > 0;
	for (unsigned i = 0; i < world->n && away > 0; i++) {
		struct node	*x = node_of((uint8_t)((first + i) % world->n + 1), 0);

		if (x->liar || !x->up)
			continue;
		note("custodian %u is down", x->index);
		node_close(x);
		away--;
	}
}

static void
must_cosign(const char *what)
{
	struct point	*p;

	tell_all(0, false);
	p = point_cosigned(0);
	if (p == NULL || p->size < world->branch[0].n)
		fails(5, "%s: %llu entries, and q cosigned %llu", what, (unsigned long long)world->branch[0].n,
		    (unsigned long long)(p == NULL ? 0 : p->size));
	tell_all(0, false);		/* and all hear of it */
}

/* Nobody says anything against the key of one who may fill this role; PEOPLE: there is none. */
static enum who
somebody(unsigned role, enum who not)
{
	static struct model	m;

	model_of(0, world->branch[0].n, &m);
	for (unsigned p = 0; p < PEOPLE; p++) {
		bool	bad = m.revoked[p] || p == (unsigned)not || (role != 0 && (people[p].roles & role) == 0) ||
			    (role != 0 && p == INSIDER) || (role == 0 && p != REQUESTER && p != INSIDER);

		for (int i = 0; i < world->n_said && !bad; i++)
			bad = world->said[i].type == STATEMENT_REVOCATION && world->said[i].subject == (int)p;
		if (!bad)
			return (enum who)p;
	}
	return PEOPLE;
}

static void
release_one(void)
{
	enum who	asks = somebody(0, PEOPLE), legal = somebody(ROLE_LEGAL, PEOPLE),
			compliance = somebody(ROLE_COMPLIANCE, legal);
	int		q, o, receipt[N_MAX];
	unsigned	n;

	if (asks == PEOPLE || legal == PEOPLE || compliance == PEOPLE)
		return;
	(void)log_said(0, say_batch(0, PAIR), now());
	must_cosign("a batch");
	q = say_request(0, world->n_batches - 1, asks, false);
	(void)log_said(0, q, now());
	(void)log_said(0, say_decision(0, q, legal, true), now());
	(void)log_said(0, say_decision(0, q, compliance, true), now());
	o = say_order(0, q, false, 600);
	(void)log_said(0, o, now());
	note("%s asks, %s and %s approve, order %d", people[asks].id, people[legal].id, people[compliance].id, o);
	must_cosign("an order");
	world->ms += 10 * 1000;		/* their clocks are some seconds behind ours, or ahead */
	n = gather(o, true, receipt);
	if (n < world->k)
		fails(5, "%u good contributions of k=%u to an order that all approved", n, world->k);
	for (unsigned i = 0; i < n; i++)
		(void)log_said(0, receipt[i], now());
	(void)log_said(0, say_release(0, o, receipt, n), now());
	must_cosign("a release");
}

void
calm(void)
{
	note("all is well again");
	everybody_up();
	settle();
	take_down();
	release_one();
}

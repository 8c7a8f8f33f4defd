/*
 * tests/liars/shares.c - sealed shares that are another's: of another artifact, custodian or
 * batch. What the sealer's signature does not cover is not taken; what it does, and is
 * garbage all the same, opens nothing, and the sealer is named.
 */
#include "tests/liars/liar.h"

#include <stdlib.h>
#include <string.h>

/* The page with another vector for its batch: the entry is taken, the vector is not, and is asked for. */
static void
vector_refused(struct liar *l, struct page *p, unsigned custodian, uint64_t batch, const char *what)
{
	struct answer	a;

	say_page(l, l->story, custodian, p, &a);
	if (want_answer(l, &a, RC_OK, NULL, what)) {
		want(l, a.append->size == story_size(l->story), "%s: the entry is not taken", what);
		want(l, a.append->n_held == 0, "%s: it says that it HOLDS", what);
		want(l, a.append->n_missing_shares == 1 && a.append->missing_shares[0] == batch, "%s: it does not ask for the "
		    "shares", what);
	}
	answer_done(&a);
}

/* And the true vector is taken afterwards. */
static void
then_the_true_one(struct liar *l, unsigned custodian, const struct story_batch *b)
{
	struct page	p;
	struct answer	a;

	page_of(l, l->story, custodian, b->index, story_size(l->story), &p);
	say_page(l, l->story, custodian, &p, &a);
	want(l, a.rc == RC_OK && a.append->n_held >= 1, "the true shares are not taken: %s", a.words);
	answer_done(&a);
	page_done(&p);
}

static void
of_another_custodian(struct liar *l)
{
	struct story_batch	*b;
	struct page		 p;
	uint64_t		 size;

	settle(l, l->story);
	size = story_size(l->story);
	story_now(l->story);
	b = story_seal(l, l->story, "standard");
	page_of(l, l->story, 1, size, size + 1, &p);
	p.share[0].vector = buf_view(&b->sealed.shares[1]);
	vector_refused(l, &p, 1, b->index, "custodian 2's shares to custodian 1");
	page_done(&p);
	then_the_true_one(l, 1, b);
	settle(l, l->story);
}

static void
of_another_batch(struct liar *l)
{
	struct story_batch	*a, *b;
	struct page		 p;
	uint64_t		 size;

	story_now(l->story);
	a = story_seal(l, l->story, "standard");
	settle(l, l->story);
	size = story_size(l->story);
	b = story_seal(l, l->story, "standard");
	page_of(l, l->story, 2, size, size + 1, &p);
	p.share[0].vector = buf_view(&a->sealed.shares[1]);
	vector_refused(l, &p, 2, b->index, "the shares of the batch before");
	page_done(&p);
	then_the_true_one(l, 2, b);
	settle(l, l->story);
}

/* Two artifacts of one batch, their shares the other way round in the vector. */
static void
of_another_artifact(struct liar *l)
{
	AUTO_DONE(buf_done) struct buf	v = BUF_INIT(BIG);
	struct story_batch		*b;
	struct page			 p;
	uint64_t			 size = story_size(l->story);

	story_now(l->story);
	b = story_deal(l, l->story, "standard", 2, NULL);
	page_of(l, l->story, 3, size, size + 1, &p);
	buf_add(&v, b->sealed.shares[2].p + 48, 48);
	buf_add(&v, b->sealed.shares[2].p, 48);
	p.share[0].vector = buf_view(&v);
	vector_refused(l, &p, 3, b->index, "the shares of two artifacts swapped");
	/* One byte of them; one share too few, one too many. */
	buf_reset(&v);
	buf_span(&v, buf_view(&b->sealed.shares[2]));
	v.p[50] ^= 1;
	p.share[0].vector = buf_view(&v);
	vector_refused(l, &p, 3, b->index, "a share with one bit changed");
	v.n = 48;
	p.share[0].vector = buf_view(&v);
	vector_refused(l, &p, 3, b->index, "a share too few");
	page_done(&p);
	then_the_true_one(l, 3, b);
	settle(l, l->story);
}

/* --- a sealer that lies with the coordinator ------------------------------------------------- */

static void
swap_artifacts(uint8_t *share[2][SHAMIR_SHARES_MAX])
{
	uint8_t	*t = share[0][0];

	share[0][0] = share[1][0];
	share[1][0] = t;
}

static void
swap_custodians(uint8_t *share[2][SHAMIR_SHARES_MAX])
{
	uint8_t	*t = share[0][0];

	share[0][0] = share[0][1];
	share[0][1] = t;
}

/* Approved and ordered: custodian 1 opens what it was given, and says whose fault it is. */
static void
garbage_to_one(struct liar *l, unsigned artifacts, dealing deal, const char *what)
{
	struct asked	q;
	struct answer	a;
	unsigned	i;

	memset(&q, 0, sizeof(q));
	story_now(l->story);
	q.batch = story_deal(l, l->story, "standard", artifacts, deal);
	net_requested(&l->story->net, q.batch->artifact, 1, "standard", q.request);
	story_approve(l->story, &q);
	MUST(net_order(&l->story->net, q.request, q.order).effective);
	settle(l, l->story);
	ask_order(l, 1, q.order, &a);
	want(l, a.rc != RC_OK, "%s: custodian 1 CONTRIBUTES with another's share", what);
	want(l, strstr(a.words, "sealer") != NULL || strstr(a.words, "garbage") != NULL, "%s: it says \"%s\"", what, a.words);
	answer_done(&a);
	for (i = 3; i <= NET_N; i++) {		/* who got true ones goes on */
		ask_order(l, i, q.order, &a);
		want_answer(l, &a, RC_OK, NULL, what);
		answer_done(&a);
	}
	settle(l, l->story);
}

static void
dealt_wrongly(struct liar *l)
{
	garbage_to_one(l, 2, swap_artifacts, "two artifacts' shares dealt to the other");
	garbage_to_one(l, 1, swap_custodians, "two custodians' shares dealt to the other");
}

/*
 * Nobody asks for it, and it is found: custodian 1 opens every batch once, and proves that what
 * stands in the sealer's vector is not what the descriptor promises. The log keeps the proof; what
 * the liar says in its name is void.
 */
static void
found_in_the_background(struct liar *l)
{
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(DSSE_BYTES_MAX);
	uint64_t			until = clock_ms() + A_MINUTE;
	struct story_batch		*b;
	struct dsse			 d;
	uint8_t				 id[SHA256_BYTES];
	struct statement		 s;
	struct err			 err;

	story_now(l->story);
	b = story_deal(l, l->story, "standard", 2, swap_artifacts);
	must(dsse_parse(story_dsse(l->story, b->index), &d, &err), &err);
	memcpy(id, d.id, sizeof(id));
	dsse_done(&d);
	settle(l, l->story);
	while (!found_by(l, 1, STATEMENT_GARBAGE, id, &dsse) && clock_ms() < until)
		wait_ms(200);
	if (!want(l, dsse.n > 0, "custodian 1 does not find the garbage by itself"))
		return;
	want(l, net_log_dsse(&l->story->net, buf_view(&dsse)).effective, "its proof is void");
	must(dsse_parse(buf_view(&dsse), &d, &err), &err);
	must(statement_parse(&d, &s, &err), &err);
	dsse_done(&d);
	s.nonce[0] ^= 1;
	want(l, !net_log(&l->story->net, &s, &l->keys.log).effective, "the coordinator says it in its name");
	settle(l, l->story);
	want(l, !found_by(l, 1, STATEMENT_GARBAGE, id, &dsse) || dsse.n > 0, "it is said again");
	buf_reset(&dsse);
	want(l, !found_by(l, 4, STATEMENT_GARBAGE, id, &dsse), "custodian 4, whose shares are good, finds garbage");
}

static const struct scenario shares[] = {
	{ "of-another-custodian", of_another_custodian }, { "of-another-batch", of_another_batch },
	{ "of-another-artifact", of_another_artifact }, { "dealt-wrongly", dealt_wrongly },
	{ "found-in-the-background", found_in_the_background },
};
const struct theme shares_theme = { "shares", shares, sizeof(shares) / sizeof(shares[0]) };

/*
 * tests/liars/clocks.c - clocks that are off: the coordinator's, in the entries, and a
 * custodian's own. What is refused, waits; evidence is never refused for it.
 */
#include "tests/liars/liar.h"

#include <stdio.h>
#include <string.h>

#define DAY	UINT64_C(86400)

/* An entry or two, with those in mask. */
static bool
goes_on(struct liar *l, uint32_t mask)
{
	story_now(l->story);
	(void)story_seal(l, l->story, "standard");
	return settle_with(l, l->story, mask, A_MINUTE);
}

static void
restart_at(struct liar *l, unsigned custodian, const char *clock)
{
	devnet(l, "kill", custodian);
	if (clock == NULL)
		devnet(l, "start", custodian);
	else
		start_with_clock(l, custodian, clock);
}

/* --- the coordinator's, in the entries -------------------------------------------------------- */

/*
 * The liar's clock stands still: approvals and the end of the objection window, all of
 * one moment of the past. By the custodian's own clock the window begins when the approval
 * came, and no sooner.
 */
static void
back_dated_window(struct liar *l)
{
	struct story	*s = l->story;
	struct asked	 q;
	struct answer	 a;
	uint64_t	 brought;
	unsigned	 i;
	when		 now;

	story_now(s);
	q.batch = story_seal(l, s, "objection");
	net_requested(&s->net, q.batch->artifact, 1, "objection", q.request);
	settle(l, s);
	now = clock_now();
	wait_ms(7000);
	s->net.now = now;			/* seven seconds ago */
	story_approve(s, &q);
	s->net.now = now + 6;			/* past the window of 5 s, by the log */
	want(l, net_order(&s->net, q.request, q.order).effective, "by the log's own time the order stands");
	brought = clock_ms();
	settle(l, s);
	for (i = 1; i <= NET_N; i++) {
		ask_order(l, i, q.order, &a);
		/* A busy machine may be as slow as the window is long. */
		want(l, a.rc != RC_OK || clock_ms() - brought > 4000, "custodian %u contributes within the window, which the "
		    "coordinator dated back", i);
		answer_done(&a);
	}
	wait_ms(5500);
	ask_order(l, 1, q.order, &a);
	want_answer(l, &a, RC_OK, NULL, "after the window by its own clock");
	answer_done(&a);
	settle(l, s);
}

/* A day off either way: the past is taken, the future waits, and both at every custodian. */
static void
a_day_off(struct liar *l)
{
	struct story	*s = l->story, *ahead;
	struct page	 p;
	struct answer	 a;
	uint64_t	 size;
	unsigned	 i;

	s->net.now = clock_now() - DAY;
	(void)net_log_dsse(&s->net, SPAN_STR("yesterday"));
	want(l, goes_on(l, EVERYBODY), "an entry of yesterday stops the log");
	size = story_size(s);
	ahead = story_fork(l, s, size);
	ahead->net.now = clock_now() + DAY;
	(void)net_log_dsse(&ahead->net, SPAN_STR("tomorrow"));
	for (i = 1; i <= NET_N; i++) {
		page_of(l, ahead, i, size, size + 1, &p);
		say_page(l, ahead, i, &p, &a);
		want(l, a.rc == RC_OK && a.append->size == size && a.append->cosignature.len == 0,
		    "custodian %u does not let an entry of tomorrow wait: %s", i, a.words);
		answer_done(&a);
		page_done(&p);
	}
	story_free(ahead);
}

/* --- a custodian's own ------------------------------------------------------------------------ */

/* Its clock is a day ahead: to it the order has expired long ago. It goes on cosigning. */
static void
custodian_ahead(struct liar *l)
{
	struct asked	q;
	struct answer	a;

	restart_at(l, 5, "+86400");
	want(l, goes_on(l, EVERYBODY), "a custodian whose clock is a day ahead stops cosigning");
	story_ordered(l, l->story, "standard", &q);
	settle(l, l->story);
	ask_order(l, 5, q.order, &a);
	want(l, a.rc == RC_DENIED && strstr(a.words, "expired") != NULL, "to a clock a day ahead the order has not expired: "
	    "%s \"%s\"", rc_name(a.rc), a.words);
	answer_done(&a);
	ask_order(l, 1, q.order, &a);
	want_answer(l, &a, RC_OK, NULL, "a custodian whose clock is right");
	answer_done(&a);
	restart_at(l, 5, NULL);
	settle(l, l->story);
}

/* A day behind: what is logged now waits there, and the others go on without it. */
static void
custodian_behind(struct liar *l)
{
	struct asked	q;
	struct answer	a;
	uint64_t	size = story_size(l->story);

	restart_at(l, 5, "-86400");
	story_ordered(l, l->story, "standard", &q);
	want(l, settle_with(l, l->story, EVERYBODY & ~ONLY(5), A_MINUTE), "the others do not go on");
	(void)bring(l, l->story, ONLY(5), NULL);
	want(l, held(l, 5) == size, "a custodian whose clock is a day behind took entries of its future");
	ask_order(l, 5, q.order, &a);
	want(l, a.rc != RC_OK, "it contributes to an order that it does not have");
	answer_done(&a);
	restart_at(l, 5, NULL);
	settle(l, l->story);
	ask_order(l, 5, q.order, &a);
	want_answer(l, &a, RC_OK, NULL, "when its clock is right again");
	answer_done(&a);
	settle(l, l->story);
}

/* Stopped half a minute ago: it goes on for the minute that entries may be ahead, and waits from then on. */
static void
custodian_frozen(struct liar *l)
{
	char		clock[32];
	uint64_t	size;

	(void)snprintf(clock, sizeof(clock), "=%llu", (unsigned long long)clock_now() - 30);
	restart_at(l, 5, clock);
	want(l, goes_on(l, EVERYBODY), "it does not cosign what is within the minute");
	size = story_size(l->story);
	l->story->net.now = clock_now() + 45;
	(void)net_log_dsse(&l->story->net, SPAN_STR("more than a minute later"));
	want(l, goes_on(l, EVERYBODY & ~ONLY(5)), "the others do not go on");
	(void)bring(l, l->story, ONLY(5), NULL);
	want(l, held(l, 5) == size, "a custodian whose clock stopped took entries of its future");
	restart_at(l, 5, NULL);
	settle(l, l->story);
}

/* --- receipts that are kept out of the log ------------------------------------------------------ */

/*
 * It contributed; its receipt never comes to stand in the log. An hour later, by its clock, it
 * contributes to nothing, and says why; it goes on cosigning. With the receipt logged it is well.
 */
static void
withheld_receipts(struct liar *l)
{
	struct story			*s = l->story;
	struct asked			 q, next;
	struct answer			 a;
	struct lines			 n;
	unsigned			 i;

	story_ordered(l, s, "standard", &q);
	settle(l, s);
	ask_order(l, 4, q.order, &a);
	want_answer(l, &a, RC_OK, NULL, "the first order");
	answer_done(&a);
	restart_at(l, 4, "+3700");
	story_approved(l, s, "standard", &next);
	lines_init(&n);
	for (i = 0; i < 40 && bring(l, s, ONLY(4), &n) == 0; i++)
		wait_ms(200);
	want(l, n.line[3].n > 0, "with a receipt outstanding it does not cosign");
	ask_order(l, 4, q.order, &a);
	want(l, a.rc == RC_DENIED && strstr(a.words, "receipt") != NULL, "with a receipt outstanding for an hour: %s \"%s\"",
	    rc_name(a.rc), a.words);
	answer_done(&a);
	lines_done(&n);
	restart_at(l, 4, NULL);
	settle(l, s);				/* the receipts are logged with it */
	ask_order(l, 4, q.order, &a);
	want_answer(l, &a, RC_OK, NULL, "with its receipt in the log");
	answer_done(&a);
	settle(l, s);
}

static const struct scenario clocks[] = {
	{ "back-dated-window", back_dated_window }, { "custodian-ahead", custodian_ahead },
	{ "custodian-behind", custodian_behind }, { "withheld-receipts", withheld_receipts }, { "a-day-off", a_day_off },
	{ "custodian-frozen", custodian_frozen },
};
const struct theme clocks_theme = { "clocks", clocks, sizeof(clocks) / sizeof(clocks[0]) };

/*
 * tests/liars/orders.c - orders that nobody may give: whoever signs them, and wherever they
 * stand, no custodian contributes.
 */
#include "tests/liars/liar.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

/* Nobody contributes to it; the reason is among the words. */
static void
nobody_acts(struct liar *l, const uint8_t order[SHA256_BYTES], const char *words, const char *what)
{
	struct answer	a;
	unsigned	i;

	for (i = 1; i <= NET_N; i++) {
		ask_order(l, i, order, &a);
		want(l, a.rc != RC_OK, "%s: custodian %u CONTRIBUTES", what, i);
		want(l, a.rc == RC_OK || words == NULL || strstr(a.words, words) != NULL, "%s: custodian %u says \"%s\"",
		    what, i, a.words);
		answer_done(&a);
	}
}

static void
somebody_acts(struct liar *l, unsigned custodian, const uint8_t order[SHA256_BYTES], const char *what)
{
	struct answer	a;

	ask_order(l, custodian, order, &a);
	want_answer(l, &a, RC_OK, NULL, what);
	answer_done(&a);
}

struct spoiling {
	void		(*spoil)(struct liar *l, struct statement *s);
	struct test_key	*by;		/* NULL: the log key */
	const char	*what;
	enum void_reason why;
};

/* An order for this request, spoiled, logged, cosigned: void, and carried out by nobody. */
static void
spoiled_order(struct liar *l, const struct asked *q, const struct spoiling *x)
{
	struct net		*n = &l->story->net;
	struct statement	 s, r;
	struct dsse		 d;
	struct verdict		 v;
	struct err		 err;
	uint64_t		 i;

	net_statement(n, &s, STATEMENT_ORDER);
	memcpy(s.subject, q->request, sizeof(s.subject));
	for (i = 0; i < story_size(l->story); i++) {
		memset(&d, 0, sizeof(d));
		if (dsse_parse(story_dsse(l->story, i), &d, &err) == RC_OK &&	/* poison is not */
		    memcmp(d.id, q->request, sizeof(d.id)) == 0) {
			must(statement_parse(&d, &r, &err), &err);
			memcpy(s.u.order.scope, r.subject, SHA256_BYTES);
			statement_done(&r);
		}
		dsse_done(&d);
	}
	s.expires = n->now + 600;
	buf_span(&s.bytes, buf_view(&n->worker));
	if (x->spoil != NULL)
		x->spoil(l, &s);
	v = net_log(n, &s, x->by == NULL ? &n->log : x->by);
	want(l, !v.effective && v.why == x->why, "%s: %s for %s", x->what, v.effective ? "EFFECTIVE" : "void",
	    void_reason_name(v.why));
	settle(l, l->story);
	nobody_acts(l, s.id, NULL, x->what);
}

/* --- nobody asked for it, or approved it -------------------------------------------------- */

static void
never_requested(struct liar *l)
{
	const struct spoiling	none = { NULL, NULL, "an order without a request", VOID_UNKNOWN_SUBJECT };
	struct asked		q;
	uint8_t			order[SHA256_BYTES];

	randombytes_buf(order, sizeof(order));
	nobody_acts(l, order, NULL, "an order that does not exist");
	memset(&q, 0, sizeof(q));
	randombytes_buf(q.request, sizeof(q.request));
	spoiled_order(l, &q, &none);
	/* An entry that is no order. */
	story_approved(l, l->story, "standard", &q);
	settle(l, l->story);
	nobody_acts(l, q.request, NULL, "a request, asked as if it were an order");
}

static void
unapproved(struct liar *l)
{
	const struct spoiling	none = { NULL, NULL, "an order of an unapproved request", VOID_QUORUM };
	struct asked		q;

	story_request(l, l->story, "standard", &q);
	spoiled_order(l, &q, &none);
	MUST(net_decide(&l->story->net, q.request, NET_LEGAL, true).effective);
	MUST(net_decide(&l->story->net, q.request, NET_AUDITOR, true).effective);
	spoiled_order(l, &q, &none);
	/* One human, two roles: still two people. */
	story_request(l, l->story, "standard", &q);
	MUST(net_decide(&l->story->net, q.request, NET_TWOHATS, true).effective);
	MUST(net_decide(&l->story->net, q.request, NET_AUDITOR, true).effective);
	(void)net_decide(&l->story->net, q.request, NET_TWOHATS, true);
	spoiled_order(l, &q, &none);
}

/* In the log of all of them, and not yet under a checkpoint of q. */
static void
uncovered(struct liar *l)
{
	struct asked	q;

	story_ordered(l, l->story, "standard", &q);
	want(l, bring(l, l->story, EVERYBODY, NULL) == EVERYBODY, "not all cosigned");
	nobody_acts(l, q.order, NULL, "an order that no quorum has cosigned");
	settle(l, l->story);
	somebody_acts(l, 1, q.order, "and then it has");
	settle(l, l->story);
}

/* --- another order than what was approved --------------------------------------------------- */

static void
other_scope(struct liar *l, struct statement *s)
{
	(void)l;
	s->u.order.scope[0] ^= 1;
}

/* The same artifact, and its prompt as well. */
static void
wider_scope(struct liar *l, struct statement *s)
{
	struct story	*st = l->story;

	net_scope(&st->net, st->batch[st->n_batches - 1].artifact, 1, "image:0-3 prompt:0-0", s->u.order.scope);
}

/* Another artifact under the same approvals. */
static void
others_scope(struct liar *l, struct statement *s)
{
	net_scope(&l->story->net, l->story->batch[0].artifact, 1, "image:0-3", s->u.order.scope);
}

static void
altered_after_approval(struct liar *l)
{
	static const struct spoiling	s[] = {
		{ other_scope, NULL, "a scope that nobody knows", VOID_ORDER },
		{ wider_scope, NULL, "a wider scope", VOID_ORDER },
		{ others_scope, NULL, "another artifact", VOID_ORDER },
	};
	struct asked			q;
	size_t				i;

	story_approved(l, l->story, "standard", &q);
	for (i = 0; i < sizeof(s) / sizeof(s[0]); i++)
		spoiled_order(l, &q, &s[i]);
	MUST(net_order(&l->story->net, q.request, q.order).effective);
	settle(l, l->story);
	somebody_acts(l, 2, q.order, "the order as it was approved");
	settle(l, l->story);
}

static void
not_the_recipient(struct liar *l, struct statement *s)
{
	(void)l;
	(void)s;			/* the worker's certificate, as everywhere */
}

static void
to_the_recipient(struct liar *l, struct statement *s)
{
	buf_reset(&s->bytes);
	buf_span(&s->bytes, buf_view(&l->keys.recipient));
}

/* Under a policy that releases to the recipient alone, no order is to anybody else. */
static void
other_addressee(struct liar *l)
{
	static const struct spoiling	s = { not_the_recipient, NULL, "another addressee", VOID_ORDER };
	struct asked			q;
	struct statement		o;
	struct net			*n = &l->story->net;

	story_approved(l, l->story, "direct", &q);
	spoiled_order(l, &q, &s);
	net_statement(n, &o, STATEMENT_ORDER);
	memcpy(o.subject, q.request, sizeof(o.subject));
	net_scope(n, q.batch->artifact, 1, "image:0-3", o.u.order.scope);
	o.expires = n->now + 600;
	to_the_recipient(l, &o);
	want(l, net_log(n, &o, &n->log).effective, "an order to the recipient is void");
	settle(l, l->story);
	somebody_acts(l, 3, o.id, "to the recipient it is carried out");
	settle(l, l->story);
}

static void
long_gone(struct liar *l, struct statement *s)
{
	(void)l;
	s->issued -= 7200;
	s->expires = s->issued + 60;
}

static void
too_long(struct liar *l, struct statement *s)
{
	(void)l;
	s->expires = s->issued + 30 * UINT64_C(86400);
}

static void
others_keys(struct liar *l)
{
	struct spoiling	s[] = {
		{ NULL, &l->keys.sealer, "an order by the sealer's key", VOID_SIGNATURE },
		{ NULL, &l->keys.person[NET_LEGAL], "an order by an approver", VOID_SIGNATURE },
		{ NULL, &l->keys.person[NET_STRANGER], "an order by a stranger", VOID_SIGNATURE },
		{ long_gone, NULL, "an order that expired", VOID_EXPIRED },
		{ too_long, NULL, "an order that lives a month", VOID_ORDER },
	};
	struct asked	q;
	size_t		i;

	story_approved(l, l->story, "standard", &q);
	for (i = 0; i < sizeof(s) / sizeof(s[0]); i++)
		spoiled_order(l, &q, &s[i]);
}

/* A request under another policy than the one that the artifact was sealed under. */
static void
other_policy(struct liar *l)
{
	struct statement	s;
	struct story_batch	*b;
	struct verdict		v;

	story_now(l->story);
	b = story_seal(l, l->story, "veto");
	net_request(&l->story->net, b->artifact, 1, "standard", &s);
	v = net_log(&l->story->net, &s, &l->story->net.person[NET_REQUESTER]);
	want(l, !v.effective && v.why == VOID_POLICY, "a request under an easier policy is not void for it");
	settle(l, l->story);
}

/* An order lives as long as it says, by the custodian's own clock. */
static void
expires(struct liar *l)
{
	struct net		*n = &l->story->net;
	struct statement	 s;
	struct asked		 q;

	story_approved(l, l->story, "standard", &q);
	net_statement(n, &s, STATEMENT_ORDER);
	memcpy(s.subject, q.request, sizeof(s.subject));
	net_scope(n, q.batch->artifact, 1, "image:0-3", s.u.order.scope);
	s.expires = n->now + 10;
	buf_span(&s.bytes, buf_view(&n->worker));
	MUST(net_log(n, &s, &n->log).effective);
	settle(l, l->story);
	somebody_acts(l, 1, s.id, "while it lives");
	settle(l, l->story);
	while (clock_now() <= s.expires)
		wait_ms(200);
	nobody_acts(l, s.id, NULL, "an order that has expired");
}

/* --- after a "no" ---------------------------------------------------------------------------------- */

static void
after_the_no(struct liar *l)
{
	struct asked	q;

	story_ordered(l, l->story, "veto", &q);
	settle(l, l->story);
	somebody_acts(l, 1, q.order, "before the veto");
	want(l, net_decide(&l->story->net, q.request, NET_TWOHATS, false).effective, "the veto is void");
	settle(l, l->story);
	nobody_acts(l, q.order, NULL, "after a veto");
	story_ordered(l, l->story, "standard", &q);
	settle(l, l->story);
	somebody_acts(l, 1, q.order, "before the withdrawal");
	MUST(net_withdraw(&l->story->net, q.request, NET_REQUESTER).effective);
	settle(l, l->story);
	nobody_acts(l, q.order, NULL, "after the requester withdrew");
	story_ordered(l, l->story, "standard", &q);
	MUST(net_withdraw(&l->story->net, q.request, NET_AUDITOR).effective);
	settle(l, l->story);
	nobody_acts(l, q.order, NULL, "after an approver withdrew");
}

/* The log is a moment old at a custodian that the liar keeps from hearing of the "no". */
static void
kept_from_hearing(struct liar *l)
{
	struct asked	q;
	struct answer	a;
	unsigned	i, acted = 0;

	story_ordered(l, l->story, "veto", &q);
	settle(l, l->story);
	MUST(net_decide(&l->story->net, q.request, NET_TWOHATS, false).effective);
	/* Four hear of it, and say no; their quorum is what the fifth will see. */
	want(l, settle_with(l, l->story, EVERYBODY & ~ONLY(5), A_MINUTE), "four do not cosign the veto");
	for (i = 1; i <= NET_N; i++) {
		ask_order(l, i, q.order, &a);
		want(l, i == 5 || a.rc != RC_OK, "custodian %u, which cosigned the veto, CONTRIBUTES", i);
		acted += a.rc == RC_OK;
		answer_done(&a);
	}
	want(l, acted < l->charter->k, "%u contribute after a veto that a quorum cosigned", acted);
	settle(l, l->story);
	nobody_acts(l, q.order, NULL, "after a veto that one heard of late");
}

static const struct scenario orders[] = {
	{ "never-requested", never_requested }, { "unapproved", unapproved }, { "uncovered", uncovered },
	{ "altered-after-approval", altered_after_approval }, { "other-addressee", other_addressee },
	{ "others-keys", others_keys }, { "other-policy", other_policy }, { "expires", expires },
	{ "after-the-no", after_the_no }, { "kept-from-hearing", kept_from_hearing },
};
const struct theme orders_theme = { "orders", orders, sizeof(orders) / sizeof(orders[0]) };

/*
 * tests/liars/handed.c - a "no" that the coordinator keeps out of the log: handed straight to one
 * custodian, it binds every one of them that its peers can reach. And what is no "no", kept out
 * of the log, is seen.
 */
#include "tests/liars/liar.h"

#include <string.h>

#define SOON_MS		60000	/* a "no" takes effect at every reachable custodian within a second, of a machine that is left alone */

typedef void write_fn(struct liar *l, const struct asked *q, struct statement *s, struct test_key **by);

/* Signs what `write` makes of it, as of the log that everybody has. */
static void
sign(struct liar *l, const struct asked *q, write_fn *write, struct buf *dsse)
{
	struct statement	s;
	struct test_key		*by = NULL;
	struct err		 err;

	story_now(l->story);
	write(l, q, &s, &by);
	must(statement_sign(&s, &by->signer, dsse, &err), &err);
	statement_done(&s);
}

static void
denial(struct liar *l, const struct asked *q, struct statement *s, struct test_key **by)
{
	net_statement(&l->story->net, s, STATEMENT_DECISION);
	memcpy(s->subject, q->request, SHA256_BYTES);
	*by = &l->keys.person[NET_TWOHATS];
}

static void
withdrawal(struct liar *l, const struct asked *q, struct statement *s, struct test_key **by)
{
	net_statement(&l->story->net, s, STATEMENT_WITHDRAWAL);
	memcpy(s->subject, q->request, SHA256_BYTES);
	*by = &l->keys.person[NET_REQUESTER];
}

static void
approval(struct liar *l, const struct asked *q, struct statement *s, struct test_key **by)
{
	denial(l, q, s, by);
	s->u.decision.approve = true;
	*by = &l->keys.person[NET_LEGAL];
}

static void
by_a_stranger(struct liar *l, const struct asked *q, struct statement *s, struct test_key **by)
{
	denial(l, q, s, by);
	*by = &l->keys.person[NET_STRANGER];
}

static void
of_another_network(struct liar *l, const struct asked *q, struct statement *s, struct test_key **by)
{
	denial(l, q, s, by);
	s->genesis[0] ^= 1;
}

static void
revocation(struct liar *l, const struct asked *q, struct statement *s, struct test_key **by)
{
	(void)q;
	net_statement(&l->story->net, s, STATEMENT_REVOCATION);
	key_id(&l->keys.person[NET_AUDITOR].signer.key, s->subject);
	*by = &l->keys.person[NET_AUDITOR];
}

/* Rows that custodian shows of it: its statements that the log does not show. */
static size_t
waiting(struct liar *l, unsigned custodian, const char *who, const char *type)
{
	Quorate__V1__CheckpointReply	*r = ask_checkpoint(l, custodian);
	size_t				 i, n = 0;

	for (i = 0; r != NULL && i < r->n_handed; i++)
		n += strcmp(r->handed[i]->who, who) == 0 && strcmp(r->handed[i]->type, type) == 0;
	checkpoint_reply_free(r);
	return n;
}

static bool
contributes(struct liar *l, unsigned custodian, const struct asked *q)
{
	struct answer	a;
	bool		did;

	ask_order(l, custodian, q->order, &a);
	did = a.rc == RC_OK;
	answer_done(&a);
	return did;
}

/* Handed to custodian 3 alone, of an order that stands and that custodian 1 has answered already. */
static void
a_no(struct liar *l, write_fn *write, const char *who, const char *type)
{
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(DSSE_BYTES_MAX);
	struct asked			q;
	struct answer			a;
	uint64_t			began;
	unsigned			i;

	story_ordered(l, l->story, "veto", &q);
	settle(l, l->story);
	want(l, contributes(l, 1, &q), "before it nobody contributes");
	log_receipts(l, l->story, EVERYBODY);
	settle(l, l->story);
	sign(l, &q, write, &dsse);
	hand_in(l, 3, buf_view(&dsse), &a);
	want_answer(l, &a, RC_OK, NULL, "handed in");
	answer_done(&a);
	want(l, !contributes(l, 3, &q), "the one that got it CONTRIBUTES");
	began = clock_ms();
	for (i = 1; i <= NET_N; i++)
		while (contributes(l, i, &q) && want(l, clock_ms() - began < SOON_MS, "custodian %u goes on "
		    "contributing", i))
			wait_ms(50);
	for (i = 1; i <= NET_N; i++)
		want(l, waiting(l, i, who, type) == 1, "custodian %u does not show what waits", i);
	/* The log goes on without it, and is not refused for that. */
	(void)story_seal(l, l->story, "standard");
	want(l, settle_with(l, l->story, EVERYBODY, A_MINUTE), "evidence is refused for it");
	want(l, !contributes(l, 2, &q) && !contributes(l, 5, &q), "with a longer log it counts no more");
	/* Logged at last, it waits no longer, and still counts. */
	want(l, net_log_dsse(&l->story->net, buf_view(&dsse)).effective, "logged it is void");
	settle(l, l->story);
	for (i = 1; i <= NET_N; i++) {
		want(l, waiting(l, i, who, type) == 0, "logged, and custodian %u waits for it still", i);
		want(l, !contributes(l, i, &q), "logged, and custodian %u CONTRIBUTES", i);
	}
}

static void
a_veto_that_one_got(struct liar *l)
{
	a_no(l, denial, "twohats", "denial");
}

static void
a_withdrawal_that_one_got(struct liar *l)
{
	a_no(l, withdrawal, "requester", "withdrawal");
}

/* A "no" survives a restart of those that took it. */
static void
across_a_restart(struct liar *l)
{
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(DSSE_BYTES_MAX);
	struct asked			q;
	struct answer			a;

	story_ordered(l, l->story, "standard", &q);
	settle(l, l->story);
	sign(l, &q, denial, &dsse);
	hand_in(l, 4, buf_view(&dsse), &a);
	want_answer(l, &a, RC_OK, NULL, "handed in");
	answer_done(&a);
	devnet(l, "kill", 4);
	devnet(l, "start", 4);
	want(l, settle_with(l, l->story, EVERYBODY, A_MINUTE), "it does not come back");
	want(l, !contributes(l, 4, &q), "after a restart the no is forgotten");
	want(l, waiting(l, 4, "twohats", "denial") == 1, "and waits no longer");
	want(l, net_log_dsse(&l->story->net, buf_view(&dsse)).effective, "logged it is void");
	settle(l, l->story);
}

/* What is no "no", and is kept out of the log, is seen to be. */
static void
a_censored_approval(struct liar *l)
{
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(DSSE_BYTES_MAX);
	struct asked			q;
	struct answer			a;
	uint64_t			began = clock_ms();
	unsigned			i;

	story_request(l, l->story, "standard", &q);
	settle(l, l->story);
	sign(l, &q, approval, &dsse);
	hand_in(l, 2, buf_view(&dsse), &a);
	want_answer(l, &a, RC_OK, NULL, "handed in");
	answer_done(&a);
	for (i = 1; i <= NET_N; i++)
		while (waiting(l, i, "legal", "approval") != 1 && want(l, clock_ms() - began < A_MINUTE, "custodian %u does not "
		    "show the approval that the log lacks", i))
			wait_ms(200);
	want(l, net_log_dsse(&l->story->net, buf_view(&dsse)).effective, "logged it is void");
	settle(l, l->story);
	for (i = 1; i <= NET_N; i++)
		want(l, waiting(l, i, "legal", "approval") == 0, "custodian %u waits for it still", i);
}

/* Nobody's: no disk for it, no effect. */
static void
nobodys(struct liar *l)
{
	static write_fn *const		bad[] = { by_a_stranger, of_another_network };
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(DSSE_BYTES_MAX);
	struct asked			q;
	struct answer			a;
	size_t				i;

	story_ordered(l, l->story, "standard", &q);
	settle(l, l->story);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_reset(&dsse);
		sign(l, &q, bad[i], &dsse);
		hand_in(l, 1, buf_view(&dsse), &a);
		if (a.rc == RC_OK) {
			Quorate__V1__SubmitReply	*r = quorate__v1__submit_reply__unpack(NULL, a.bytes.n, a.bytes.p);

			want(l, r != NULL && !r->effective, "nobody's denial is TAKEN");
			quorate__v1__submit_reply__free_unpacked(r, NULL);
		}
		answer_done(&a);
	}
	hand_in(l, 1, SPAN_STR("no statement"), &a);
	want(l, a.rc != RC_OK, "what is no statement is taken");
	answer_done(&a);
	want(l, contributes(l, 1, &q), "by nobody's denial a contribution is stopped");
	log_receipts(l, l->story, EVERYBODY);
	settle(l, l->story);
}

/* The last of its theme: the auditor has no other key. */
static void
a_stolen_key(struct liar *l)
{
	a_no(l, revocation, "auditor", "revocation");
}

static const struct scenario handed[] = {
	{ "a-veto-that-one-got", a_veto_that_one_got }, { "a-withdrawal-that-one-got", a_withdrawal_that_one_got },
	{ "a-no-across-a-restart", across_a_restart }, { "a-censored-approval", a_censored_approval },
	{ "nobodys-no", nobodys }, { "a-stolen-key", a_stolen_key },
};
const struct theme handed_theme = { "handed", handed, sizeof(handed) / sizeof(handed[0]) };

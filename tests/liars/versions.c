/*
 * tests/liars/versions.c - different logs to different custodians, each with the log's own
 * signature. They find out from each other, within ten seconds; nobody contributes any more,
 * anybody can verify the accusation, and evidence goes on where a quorum is. Each scenario
 * leaves a network that releases nothing again.
 */
#include "tests/liars/liar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/accusation.h"

#define FOUND_MS	60000

struct keys { struct note_key log, witness[NET_N]; };

static void
keys_of(struct liar *l, struct keys *k)
{
	struct err	err;
	uint8_t		i;

	must(charter_log_note_key(l->charter, &k->log, &err), &err);
	for (i = 0; i < NET_N; i++)
		must(charter_witness_note_key(l->charter, (uint8_t)(i + 1), &k->witness[i], &err), &err);
}

/* The accusation that custodian holds; NULL: none. */
static Quorate__V1__CheckpointReply *
accused(struct liar *l, unsigned custodian)
{
	Quorate__V1__CheckpointReply	*r = ask_checkpoint(l, custodian);

	if (r != NULL && r->accusation.len > 0)
		return r;
	checkpoint_reply_free(r);
	return NULL;
}

/* One that anybody can verify, in everybody's hands, and its text in a file for `quorate log accuse`. */
static void
found_out(struct liar *l)
{
	uint64_t	began = clock_ms();
	struct keys	k;
	unsigned	i;

	keys_of(l, &k);
	for (i = 1; i <= NET_N; i++) {
		Quorate__V1__CheckpointReply	*r;
		struct accusation		 a;
		char				 path[FILE_PATH_MAX];
		struct err			 err = { RC_OK, "" };

		while ((r = accused(l, i)) == NULL && clock_ms() - began < FOUND_MS)
			wait_ms(100);
		if (!want(l, r != NULL, "after %d ms custodian %u holds no accusation", FOUND_MS, i))
			return;
		want(l, accusation_verify(SPAN(r->accusation.data, r->accusation.len), &k.log, k.witness, NET_N, &a, &err) ==
		    RC_OK, "custodian %u holds an accusation that does not hold: %s", i, err.msg);
		must(file_path(path, &err, "%s/accusation-%u", l->dir, i), &err);
		must(file_write(path, SPAN(r->accusation.data, r->accusation.len), 0600, &err), &err);
		checkpoint_reply_free(r);
	}
	printf("    found out within %llu ms\n", (unsigned long long)(clock_ms() - began));
}

/* To what they all contributed a moment ago, none does now. */
static void
releases_nothing(struct liar *l, const struct asked *q)
{
	struct answer	a;
	unsigned	i;

	for (i = 1; i <= NET_N; i++) {
		ask_order(l, i, q->order, &a);
		want(l, a.rc == RC_DENIED, "custodian %u, asked to contribute: %s", i, rc_name(a.rc));
		want(l, strstr(a.words, "two logs") != NULL, "custodian %u says \"%s\"", i, a.words);
		answer_done(&a);
	}
}

/* An order that every custodian would contribute to. */
static void
an_order(struct liar *l, struct asked *q)
{
	struct answer	a;
	unsigned	i;

	story_ordered(l, l->story, "standard", q);
	settle(l, l->story);
	for (i = 1; i <= NET_N; i++) {
		ask_order(l, i, q->order, &a);
		want_answer(l, &a, RC_OK, NULL, "before the fork");
		answer_done(&a);
	}
	settle(l, l->story);
}

/* Two pasts from here on, `a` and `b` entries long. */
static void
fork(struct liar *l, unsigned a, struct story **ret_a, unsigned b, struct story **ret_b)
{
	uint64_t	size = story_size(l->story);

	*ret_a = story_fork(l, l->story, size);
	*ret_b = story_fork(l, l->story, size);
	while (a-- > 0)
		(void)story_seal(l, *ret_a, "standard");
	while (b-- > 0)
		(void)story_seal(l, *ret_b, "standard");
}

/* Two to three: neither gets a quorum, and both are found out. */
static void
no_quorum_for_either(struct liar *l)
{
	struct story	*a, *b;
	struct asked	 q;

	an_order(l, &q);
	fork(l, 1, &a, 1, &b);
	want(l, bring(l, a, ONLY(1) | ONLY(2), NULL) == (ONLY(1) | ONLY(2)), "two do not cosign one");
	want(l, bring(l, b, ONLY(3) | ONLY(4) | ONLY(5), NULL) == (ONLY(3) | ONLY(4) | ONLY(5)), "three do not cosign the other");
	found_out(l);
	releases_nothing(l, &q);
	/* They cosign on, each what it holds. */
	(void)story_seal(l, b, "standard");
	want(l, bring(l, b, ONLY(3) | ONLY(4) | ONLY(5), NULL) == (ONLY(3) | ONLY(4) | ONLY(5)), "evidence is refused");
	story_free(a);
	story_free(b);
}

/* One to four: the four are a quorum, the one drops its tail, and all go on. */
static void
one_apart(struct liar *l)
{
	struct story	*a, *b;
	struct asked	 q;

	an_order(l, &q);
	fork(l, 2, &a, 1, &b);
	want(l, bring(l, a, ONLY(1), NULL) == ONLY(1), "one does not cosign");
	want(l, settle_with(l, b, EVERYBODY & ~ONLY(1), A_MINUTE), "four are no quorum");
	found_out(l);
	releases_nothing(l, &q);
	(void)story_seal(l, b, "standard");
	(void)story_seal(l, b, "standard");
	want(l, settle_with(l, b, EVERYBODY & ~ONLY(1), A_MINUTE), "the branch of the quorum does not go on");
	story_free(a);
	story_free(b);
}

/* The one that was shown another past is brought the quorum's. */
static void
drops_its_tail(struct liar *l)
{
	struct story	*a, *b;
	struct answer	 x;
	uint64_t	 began;

	fork(l, 1, &a, 1, &b);
	want(l, bring(l, a, ONLY(1), NULL) == ONLY(1), "one does not cosign");
	want(l, settle_with(l, b, EVERYBODY & ~ONLY(1), A_MINUTE), "four are no quorum");
	(void)story_seal(l, b, "standard");
	want(l, settle_with(l, b, EVERYBODY & ~ONLY(1), A_MINUTE), "the branch of the quorum does not go on");
	found_out(l);
	began = clock_ms();
	do {
		struct page	p;

		say_note(l, 1, buf_view(&l->note), &x);
		answer_done(&x);
		page_of(l, b, 1, story_size(l->story), story_size(b), &p);
		buf_span(&p.cosigned, buf_view(&l->note));
		say_page(l, b, 1, &p, &x);
		page_done(&p);
		if (x.rc == RC_OK && x.append->size == story_size(b))
			break;
		answer_done(&x);
		wait_ms(200);
	} while (clock_ms() - began < FOUND_MS);
	want(l, held(l, 1) == story_size(b), "it does not drop its tail, and holds %llu entries", (unsigned long long)held(l, 1));
	answer_done(&x);
	(void)story_seal(l, b, "standard");
	want(l, settle_with(l, b, EVERYBODY, A_MINUTE), "it does not go on with the others");
	story_free(a);
	story_free(b);
}

/* Of other lengths: no two checkpoints of one size were ever shown. */
static void
of_other_sizes(struct liar *l)
{
	struct story	*a, *b;
	struct asked	 q;

	an_order(l, &q);
	fork(l, 1, &a, 3, &b);
	want(l, bring(l, a, ONLY(5), NULL) == ONLY(5), "one does not cosign");
	want(l, settle_with(l, b, EVERYBODY & ~ONLY(5), A_MINUTE), "four are no quorum");
	found_out(l);
	releases_nothing(l, &q);
	story_free(a);
	story_free(b);
}

/* Shown to one alone, and nothing taken of it: a signature of the log is enough. */
static void
a_checkpoint_alone(struct liar *l)
{
	struct story	*a, *b;
	struct asked	 q;
	struct page	 p;
	struct answer	 x;

	an_order(l, &q);
	fork(l, 1, &a, 1, &b);
	settle(l, b);
	page_of(l, a, 4, 0, story_size(a), &p);
	p.n = p.n_shares = 0;
	say_page(l, a, 4, &p, &x);
	want(l, x.rc != RC_OK || x.append->cosignature.len == 0, "it cosigns another root");
	answer_done(&x);
	page_done(&p);
	found_out(l);
	releases_nothing(l, &q);
	(void)story_seal(l, b, "standard");
	want(l, settle_with(l, b, EVERYBODY, A_MINUTE), "evidence is refused");
	story_free(a);
	story_free(b);
}

/* Custodian 2 lies too, and cosigns whatever it is shown: who signed both is named by the two notes. */
static void
two_cosignatures(struct liar *l)
{
	AUTO_DONE(buf_done) struct buf	one = BUF_INIT(NOTE_BYTES_MAX), other = BUF_INIT(NOTE_BYTES_MAX),
	    text = BUF_INIT(ACCUSATION_BYTES_MAX);
	const struct tree_path		none = { .n = 0 };
	struct story			*a, *b;
	struct checkpoint		 ca, cb;
	struct accusation		 x;
	struct lines			 na, nb;
	struct asked			 q;
	struct keys			 k;
	uint32_t			 got_a, got_b;
	struct answer			 said;
	unsigned			 i;
	char				 path[FILE_PATH_MAX];
	struct err			 err;

	an_order(l, &q);
	fork(l, 1, &a, 1, &b);
	lines_init(&na);
	lines_init(&nb);
	got_a = bring(l, a, ONLY(1) | ONLY(2), &na);
	got_b = bring(l, b, EVERYBODY & ~(ONLY(1) | ONLY(2)), &nb);
	/* Its second one: it holds the other log, and does not care. */
	got_b |= bring_from(l, b, 2, story_size(l->story), &nb.line[1]) ? ONLY(2) : 0;
	want(l, got_a == (ONLY(1) | ONLY(2)) && got_b == (EVERYBODY & ~ONLY(1)), "cosigned: %x and %x", got_a, got_b);
	want(l, __builtin_popcount(got_a) < l->charter->q, "both pasts have a quorum");
	checkpoint_of(l, a, story_size(a), &ca);
	checkpoint_of(l, b, story_size(b), &cb);
	write_note(l, &ca, &na, got_a, &one);
	write_note(l, &cb, &nb, got_b, &other);
	keys_of(l, &k);
	must(accusation_write(buf_view(&one), buf_view(&other), cb.root, &none, &k.log, k.witness, NET_N, &text, &err), &err);
	must(accusation_verify(buf_view(&text), &k.log, k.witness, NET_N, &x, &err), &err);
	want(l, (x.cosigned_a.mask & x.cosigned_b.mask) == ONLY(2), "who signed both: %x", x.cosigned_a.mask & x.cosigned_b.mask);
	must(file_path(path, &err, "%s/accusation-both", l->dir), &err);
	must(file_write(path, buf_view(&text), 0600, &err), &err);
	/* The honest four find out all the same, and none of them contributes. */
	for (i = 1; i <= NET_N; i++) {
		say_note(l, i, buf_view(&other), &said);
		answer_done(&said);
	}
	found_out(l);
	lines_done(&na);
	lines_done(&nb);
	story_free(a);
	story_free(b);
}

/* --- a custodian that forgot ------------------------------------------------------------------ */

static void
shell(const struct liar *l, const char *command)
{
	char	line[2 * FILE_PATH_MAX];

	(void)snprintf(line, sizeof(line), "cd '%s/custodian-5' && %s", l->dir, command);
	MUST(system(line) == 0);
}

/* Its database is of before it cosigned the last entry; another past is what it is shown then. */
static void
tempted(struct liar *l, struct story *other, unsigned tries)
{
	while (tries-- > 0) {
		want(l, bring(l, other, ONLY(5), NULL) == 0, "it COSIGNS a second root of a size");
		wait_ms(300);
	}
}

/*
 * Custodian 5's database is put back to an older one, with the liar alone to talk to, and with its
 * peers. It cosigns no second past, contributes nothing that it may have refused meanwhile, and
 * goes on above what it signed.
 */
static void
restored(struct liar *l)
{
	struct story	*other;
	struct asked	 q;
	struct answer	 a;

	an_order(l, &q);
	devnet(l, "kill", 5);
	shell(l, "cp -a state before");
	devnet(l, "start", 5);
	other = story_fork(l, l->story, story_size(l->story));
	(void)story_seal(l, other, "standard");
	(void)story_seal(l, l->story, "standard");
	settle(l, l->story);
	devnet_all(l, "kill", EVERYBODY);
	shell(l, "rm -rf state && mv before state");
	devnet(l, "start", 5);
	want(l, held(l, 5) == story_size(l->story) - 1, "its database was not put back");
	tempted(l, other, 10);
	ask_order(l, 5, q.order, &a);
	want(l, a.rc != RC_OK, "alone and restored it CONTRIBUTES");
	answer_done(&a);
	devnet_all(l, "start", EVERYBODY & ~ONLY(5));
	want(l, settle_with(l, l->story, EVERYBODY, A_MINUTE), "with its peers it does not go on");
	tempted(l, other, 2);
	ask_order(l, 5, q.order, &a);
	want(l, a.rc == RC_DENIED, "to a request of before it was restored it answers: %s \"%s\"", rc_name(a.rc), a.words);
	answer_done(&a);
	(void)story_seal(l, l->story, "standard");
	want(l, settle_with(l, l->story, EVERYBODY, A_MINUTE), "evidence is refused");
	story_free(other);
}

static const struct scenario versions[] = {
	{ "no-quorum-for-either", no_quorum_for_either }, { "one-apart", one_apart }, { "drops-its-tail", drops_its_tail },
	{ "of-other-sizes", of_other_sizes }, { "a-checkpoint-alone", a_checkpoint_alone },
	{ "two-cosignatures", two_cosignatures }, { "restored", restored },
};
const struct theme versions_theme = { "versions", versions, sizeof(versions) / sizeof(versions[0]) };

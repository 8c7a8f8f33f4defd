/*
 * tests/liars/logs.c - logs that are not the one that custodians replayed: nothing of them
 * is taken, nothing cosigned, and the true one goes on.
 */
#include "tests/liars/liar.h"

#include <string.h>

/* The true log goes on with all of them. */
static void
goes_on(struct liar *l)
{
	story_now(l->story);
	(void)story_seal(l, l->story, "standard");
	want(l, settle_with(l, l->story, EVERYBODY, A_MINUTE), "afterwards the true log does not go on");
}

/* Sent to everybody: neither taken nor cosigned. */
static void
turned_down(struct liar *l, const struct story *s, const struct page *p, const char *words, const char *what)
{
	struct answer	a;
	uint64_t	before;
	unsigned	i;

	for (i = 1; i <= NET_N; i++) {
		before = held(l, i);
		say_page(l, s, i, p, &a);
		if (a.rc == RC_OK)
			want(l, words == NULL && a.append->size == before && a.append->cosignature.len == 0,
			    "%s: custodian %u answers, has %llu entries and %s", what, i,
			    (unsigned long long)a.append->size, a.append->cosignature.len == 0 ?
			    "cosigns nothing" : "COSIGNS");
		else
			want(l, words == NULL || strstr(a.words, words) != NULL, "%s: custodian %u: %s \"%s\"", what, i,
			    rc_name(a.rc), a.words);
		answer_done(&a);
		want(l, held(l, i) == before, "%s: custodian %u took entries", what, i);
	}
}

/* Two entries more, not yet sent, and a page of them. */
static void
two_more(struct liar *l, struct page *p)
{
	uint64_t	size = story_size(l->story);

	story_now(l->story);
	(void)story_seal(l, l->story, "standard");
	(void)story_seal(l, l->story, "standard");
	page_of(l, l->story, 1, size, size + 2, p);
	p->n_shares = 0;
}

static void
reordered(struct liar *l)
{
	struct page	p;
	struct span	t;

	two_more(l, &p);
	t = p.entry[0];
	p.entry[0] = p.entry[1];
	p.entry[1] = t;
	turned_down(l, l->story, &p, "does not cover", "two entries in the other order");
	page_done(&p);
	goes_on(l);
}

static void
dropped(struct liar *l)
{
	struct page	p;

	two_more(l, &p);
	p.entry[0] = p.entry[1];
	p.n = 1;
	turned_down(l, l->story, &p, "does not cover", "an entry left out");
	page_done(&p);
	goes_on(l);
	two_more(l, &p);
	p.n = 1;
	turned_down(l, l->story, &p, "does not cover", "the last entry left out");
	page_done(&p);
	goes_on(l);
}

static void
altered(struct liar *l)
{
	AUTO_DONE(buf_done) struct buf	other = BUF_INIT(BIG);
	struct page			p;

	two_more(l, &p);
	buf_span(&other, p.entry[0]);
	other.p[other.n / 2] ^= 1;
	p.entry[0] = buf_view(&other);
	turned_down(l, l->story, &p, NULL, "an altered entry");
	page_done(&p);
	goes_on(l);
	/* One that they have already. */
	page_of(l, l->story, 1, 1, story_size(l->story), &p);
	buf_reset(&other);
	buf_span(&other, p.entry[1]);
	other.p[7] ^= 1;			/* its date, by a second */
	p.entry[1] = buf_view(&other);
	turned_down(l, l->story, &p, "two pasts", "an entry of the past, altered");
	page_done(&p);
	goes_on(l);
}

/* Signed by nobody, by a stranger, or for a log of another name. */
static void
not_the_logs(struct liar *l)
{
	struct page		p;
	struct checkpoint	c;
	struct signer		log = l->keys.log.signer;

	two_more(l, &p);
	buf_reset(&p.checkpoint);
	turned_down(l, l->story, &p, "without a checkpoint", "entries without a checkpoint");
	checkpoint_of(l, l->story, story_size(l->story), &c);
	l->keys.log.signer = l->keys.person[NET_STRANGER].signer;
	write_note(l, &c, NULL, 0, &p.checkpoint);
	l->keys.log.signer = log;
	turned_down(l, l->story, &p, NULL, "a checkpoint that a stranger signed");
	c.origin[0] ^= 1;
	write_note(l, &c, NULL, 0, &p.checkpoint);
	turned_down(l, l->story, &p, NULL, "a checkpoint of a log of another name");
	page_done(&p);
	goes_on(l);
}

static void
shorter(struct liar *l)
{
	struct page	p;
	uint64_t	size = story_size(l->story);

	page_of(l, l->story, 1, size - 1, size - 1, &p);
	turned_down(l, l->story, &p, NULL, "a smaller tree");
	page_done(&p);
	page_of(l, l->story, 1, 0, 1, &p);
	turned_down(l, l->story, &p, NULL, "the first entry again, and a checkpoint of it alone");
	page_done(&p);
	goes_on(l);
}

/* An old note of a quorum: what they knew, they know still. */
static void
stale(struct liar *l)
{
	AUTO_DONE(buf_done) struct buf	old = BUF_INIT(NOTE_BYTES_MAX);
	struct answer			a;
	unsigned			i;

	buf_span(&old, buf_view(&l->note));
	goes_on(l);
	for (i = 1; i <= NET_N; i++) {
		say_note(l, i, buf_view(&old), &a);
		want(l, a.rc == RC_OK && a.append->cosigned_size == story_size(l->story) &&
		    a.append->size == story_size(l->story), "custodian %u went back to an older checkpoint", i);
		answer_done(&a);
	}
}

/* A page past what they have: they say where they are, and that is all. */
static void
gap(struct liar *l)
{
	struct page	p;

	two_more(l, &p);
	p.first++;
	p.n = 1;
	p.entry[0] = p.entry[1];
	turned_down(l, l->story, &p, NULL, "a page past a gap");
	page_done(&p);
	goes_on(l);
}

/* Dated past their clocks: it waits, and what comes after it. When its time has come it is taken. */
static void
future(struct liar *l)
{
	struct page	p;
	uint64_t	size = story_size(l->story);

	story_now(l->story);
	l->story->net.now += 60 + 15;		/* more than they allow still when it comes to them, on a busy machine */
	(void)story_seal(l, l->story, "standard");
	story_now(l->story);
	(void)story_seal(l, l->story, "standard");
	page_of(l, l->story, 1, size, size + 2, &p);
	p.n_shares = 0;
	turned_down(l, l->story, &p, NULL, "entries of the future");
	page_done(&p);
	wait_ms(15500);
	goes_on(l);
}

/* Dated a day back: taken, and time does not go back with it. */
static void
past(struct liar *l)
{
	struct verdict	v;
	struct answer	a;
	when		now = clock_now();
	unsigned	i;

	story_now(l->story);
	l->story->net.now -= 86400;
	v = net_log_dsse(&l->story->net, SPAN_STR("what was yesterday"));
	want(l, v.time + 60 > now, "log time went back with an entry");
	goes_on(l);
	for (i = 1; i <= NET_N; i++) {
		uint8_t		digest[SHA256_BYTES];
		struct err	err;
		struct page	p;

		must(replica_state_digest(l->story->net.replica, digest, &err), &err);
		page_of(l, l->story, i, story_size(l->story), story_size(l->story), &p);
		say_page(l, l->story, i, &p, &a);
		want(l, a.rc == RC_OK && a.append->state_digest.len == sizeof(digest) &&
		    memcmp(a.append->state_digest.data, digest, sizeof(digest)) == 0,
		    "custodian %u makes another state of it", i);
		answer_done(&a);
		page_done(&p);
	}
}

/* Another entry where they have one, under a checkpoint of its own: signed by the log, and refused. */
static void
forked(struct liar *l)
{
	struct story	*other = story_fork(l, l->story, story_size(l->story) - 1);
	struct page	 p;
	uint64_t	 at = story_size(other);

	(void)story_seal(l, other, "standard");
	page_of(l, other, 1, at, at + 1, &p);
	p.n_shares = 0;
	turned_down(l, other, &p, NULL, "another last entry");
	/* The checkpoint alone, of the size that they signed. */
	p.n = 0;
	p.first = 0;
	turned_down(l, other, &p, NULL, "another root of the size that they signed");
	page_done(&p);
	/* And longer than theirs. */
	(void)story_seal(l, other, "standard");
	(void)story_seal(l, other, "standard");
	page_of(l, other, 1, at, story_size(other), &p);
	p.n_shares = 0;
	turned_down(l, other, &p, NULL, "another log that is longer");
	page_done(&p);
	page_of(l, other, 1, at + 1, story_size(other), &p);
	p.n_shares = 0;
	turned_down(l, other, &p, NULL, "the end of another log that is longer");
	page_done(&p);
	story_free(other);
	goes_on(l);
}

static const struct scenario logs[] = {
	{ "reordered", reordered }, { "dropped", dropped }, { "altered", altered }, { "not-the-logs", not_the_logs },
	{ "shorter", shorter }, { "stale", stale }, { "gap", gap }, { "future", future }, { "past", past },
	{ "forked", forked },
};
const struct theme logs_theme = { "logs", logs, sizeof(logs) / sizeof(logs[0]) };

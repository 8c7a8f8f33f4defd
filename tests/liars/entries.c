/*
 * tests/liars/entries.c - poison: entries that say nothing, or what nobody may say. They are
 * void, for every custodian alike, and the log goes on.
 */
#include "tests/liars/liar.h"

#include <stdlib.h>
#include <string.h>

#include "audit/entry.h"

/* Everybody replayed the story to its end, and makes of it what the liar's own replica does. */
static void
all_agree(struct liar *l, const char *what)
{
	uint8_t		digest[SHA256_BYTES];
	struct answer	a;
	struct page	p;
	struct err	err;
	unsigned	i;

	want(l, settle_with(l, l->story, EVERYBODY, A_MINUTE), "%s: the log does not go on", what);
	must(replica_state_digest(l->story->net.replica, digest, &err), &err);
	for (i = 1; i <= NET_N; i++) {
		page_of(l, l->story, i, story_size(l->story), story_size(l->story), &p);
		say_page(l, l->story, i, &p, &a);
		want(l, a.rc == RC_OK && a.append->size == story_size(l->story) &&
		    a.append->state_digest.len == sizeof(digest) &&
		    memcmp(a.append->state_digest.data, digest, sizeof(digest)) == 0,
		    "%s: custodian %u has another state", what, i);
		answer_done(&a);
		page_done(&p);
	}
}

static void
poison(struct liar *l, struct span dsse, enum void_reason why, const char *what)
{
	struct verdict	v = net_log_dsse(&l->story->net, dsse);

	want(l, !v.effective && v.why == why, "%s: %s for %s", what, v.effective ? "EFFECTIVE" : "void",
	    void_reason_name(v.why));
}

static void
garbage(struct liar *l)
{
	AUTO_DONE(buf_done) struct buf	big = BUF_INIT(BIG);
	struct story			*s = l->story;

	story_now(s);
	poison(l, SPAN_STR("x"), VOID_MALFORMED, "one byte");
	poison(l, SPAN_STR("{\"payload\":\"\",\"payloadType\":\"x\",\"signatures\":[]}"), VOID_MALFORMED, "an empty envelope");
	poison(l, SPAN_STR("{}"), VOID_MALFORMED, "an empty object");
	poison(l, SPAN("\0\0\0\0\0\0\0\0", 8), VOID_MALFORMED, "zeros");
	memset(buf_extend(&big, ENTRY_BYTES_MAX - 8), '{', ENTRY_BYTES_MAX - 8);
	poison(l, buf_view(&big), VOID_MALFORMED, "as many braces as fit");
	memset(big.p, 0xff, big.n);
	poison(l, buf_view(&big), VOID_MALFORMED, "as many bytes as fit");
	all_agree(l, "garbage");
}

/* Log leaves that are none: too short to be dated, longer than an entry may be. */
static void
no_entries(struct liar *l)
{
	AUTO_DONE(buf_done) struct buf	leaf = BUF_INIT(BIG);
	static const size_t		length[] = { 0, 1, 8, ENTRY_BYTES_MAX + 1 };
	struct page			p;
	struct answer			a;
	struct tree_range		r;
	uint8_t				hash[TREE_HASH_BYTES];
	struct checkpoint		c;
	struct err			err;
	size_t				i;

	for (i = 0; i < sizeof(length) / sizeof(length[0]); i++) {
		buf_reset(&leaf);
		if (length[i] > 0)
			memset(buf_extend(&leaf, length[i]), 1, length[i]);
		page_of(l, l->story, 5, story_size(l->story), story_size(l->story), &p);
		p.entry[p.n++] = buf_view(&leaf);
		r = l->story->net.range;
		tree_leaf(buf_view(&leaf), hash);
		must(tree_range_add(&r, hash, NULL, NULL, &err), &err);
		checkpoint_of(l, l->story, story_size(l->story), &c);
		c.size++;
		tree_range_root(&r, c.root);
		write_note(l, &c, NULL, 0, &p.checkpoint);
		say_page(l, l->story, 5, &p, &a);
		want(l, a.rc != RC_OK, "a leaf of %zu bytes was taken", length[i]);
		answer_done(&a);
		page_done(&p);
		want(l, held(l, 5) == story_size(l->story), "a leaf of %zu bytes stands in the log", length[i]);
	}
	all_agree(l, "leaves that are no entries");
}

/* A decision about the request, signed by `by`, changed by `spoil` before it is signed. */
static void
forge(struct liar *l, const struct asked *q, struct test_key *by, void (*spoil)(struct statement *s),
    enum void_reason why, const char *what)
{
	struct statement	s;
	struct verdict		v;

	net_statement(&l->story->net, &s, STATEMENT_DECISION);
	memcpy(s.subject, q->request, sizeof(s.subject));
	s.u.decision.approve = true;
	if (spoil != NULL)
		spoil(&s);
	v = net_log(&l->story->net, &s, by);
	want(l, !v.effective && v.why == why, "%s: %s for %s", what, v.effective ? "EFFECTIVE" : "void",
	    void_reason_name(v.why));
}

static void spoil_genesis(struct statement *s) { s->genesis[0] ^= 1; }
static void spoil_charter(struct statement *s) { s->charter[0] ^= 1; }
static void spoil_subject(struct statement *s) { s->subject[0] ^= 1; }
static void spoil_seen(struct statement *s) { s->seen_root[0] ^= 1; }
static void spoil_ahead(struct statement *s) { s->seen_size += 1000; }
static void spoil_expiry(struct statement *s) { s->issued -= 7200; s->expires = s->issued + 60; }
static void spoil_issue(struct statement *s) { s->issued += 3600; s->expires += 7200; }

/* What nobody may say, or not so. */
static void
forgeries(struct liar *l)
{
	struct test_key	*legal = &l->keys.person[NET_LEGAL];
	struct asked	 q;

	story_request(l, l->story, "standard", &q);
	forge(l, &q, legal, spoil_genesis, VOID_GENESIS, "of another genesis");
	forge(l, &q, legal, spoil_charter, VOID_CHARTER, "of another charter");
	forge(l, &q, legal, spoil_subject, VOID_UNKNOWN_SUBJECT, "of no request");
	forge(l, &q, legal, spoil_seen, VOID_SEEN, "by one who saw another log");
	forge(l, &q, legal, spoil_ahead, VOID_SEEN, "by one who saw a longer log");
	forge(l, &q, legal, spoil_expiry, VOID_EXPIRED, "expired");
	forge(l, &q, legal, spoil_issue, VOID_EXPIRED, "issued in the future");
	forge(l, &q, &l->keys.person[NET_STRANGER], NULL, VOID_SIGNATURE, "by a stranger");
	forge(l, &q, &l->keys.log, NULL, VOID_SIGNATURE, "by the log itself");
	forge(l, &q, &l->keys.sealer, NULL, VOID_SIGNATURE, "by the sealer");
	forge(l, &q, &l->keys.person[NET_REQUESTER], NULL, VOID_OWN_REQUEST, "by the requester");
	all_agree(l, "forgeries");
}

/* The coordinator signs what is others' to sign: batches, receipts, releases, revocations. */
static void
in_others_names(struct liar *l)
{
	struct net		*n = &l->story->net;
	struct statement	 s;
	struct asked		 q;

	story_ordered(l, l->story, "standard", &q);
	net_statement(n, &s, STATEMENT_RECEIPT);
	memcpy(s.subject, q.order, sizeof(s.subject));
	s.u.receipt.custodian = 1;
	s.u.receipt.count = 4;
	want(l, !net_log(n, &s, &n->log).effective, "a receipt of the coordinator's making is effective");
	want(l, !net_revoke(n, &n->person[NET_LEGAL], &n->log).effective, "the coordinator revokes a key");
	net_statement(n, &s, STATEMENT_CHECKED);
	memcpy(s.subject, q.batch->sealed.root, sizeof(s.subject));
	s.u.checked.custodian = 1;
	want(l, !net_log(n, &s, &n->log).effective, "the coordinator says that shares were checked");
	net_statement(n, &s, STATEMENT_RELEASE);
	memcpy(s.subject, q.order, sizeof(s.subject));
	s.u.release.n = 0;
	want(l, !net_log(n, &s, &n->log).effective, "a release without receipts is effective");
	all_agree(l, "in others' names");
}

static const struct scenario entries[] = {
	{ "garbage", garbage }, { "no-entries", no_entries }, { "forgeries", forgeries },
	{ "in-others-names", in_others_names },
};
const struct theme entries_theme = { "entries", entries, sizeof(entries) / sizeof(entries[0]) };

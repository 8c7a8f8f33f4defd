/*
 * tests/liars/replays.c - everything said once more: in this log, to another network, after a
 * restart. Nothing counts twice, and nothing counts elsewhere.
 */
#include "tests/liars/liar.h"

#include <string.h>

#include "audit/entry.h"
#include "audit/store/store.h"

/* The bytes of entry `index` logged again. */
static void
again(struct liar *l, struct story *s, uint64_t index, enum void_reason why, const char *what)
{
	struct verdict	v = net_log_dsse(&s->net, story_dsse(s, index));

	want(l, !v.effective && v.why == why, "%s again: %s for %s", what, v.effective ? "EFFECTIVE" : "void",
	    void_reason_name(v.why));
}

static void
statements(struct liar *l)
{
	struct story	*s = l->story;
	struct asked	 q;
	struct answer	 a;
	uint64_t	 at, size, i;

	story_ordered(l, s, "standard", &q);
	settle(l, s);
	ask_order(l, 1, q.order, &a);
	want_answer(l, &a, RC_OK, NULL, "the order");
	answer_done(&a);
	settle(l, s);				/* its receipt is the last entry */
	size = story_size(s);
	at = q.batch->index;
	for (i = at; i < size; i++)
		again(l, s, i, VOID_REPLAY, "a statement of this log");
	again(l, s, 0, VOID_DUPLICATE, "the charter");
	settle(l, s);
}

/* Two approvals, one of them twice, are two. */
static void
approvals(struct liar *l)
{
	struct story	*s = l->story;
	struct asked	 q;

	story_request(l, s, "standard", &q);
	MUST(net_decide(&s->net, q.request, NET_LEGAL, true).effective);
	again(l, s, story_size(s) - 1, VOID_REPLAY, "an approval");
	want(l, !net_decide(&s->net, q.request, NET_LEGAL, true).effective, "a second approval by the same person counts");
	MUST(net_decide(&s->net, q.request, NET_AUDITOR, true).effective);
	want(l, !net_order(&s->net, q.request, q.order).effective, "two approvals are three");
	settle(l, s);
}

/* Taken back, and logged once more: it stays taken back. */
static void
after_withdrawal(struct liar *l)
{
	struct story	*s = l->story;
	struct asked	 q;
	struct answer	 a;
	uint64_t	 at;
	unsigned	 i;

	story_request(l, s, "standard", &q);
	at = story_size(s);
	story_approve(s, &q);
	MUST(net_withdraw(&s->net, q.request, NET_AUDITOR).effective);
	again(l, s, at + 2, VOID_REPLAY, "an approval that was withdrawn");
	want(l, !net_order(&s->net, q.request, q.order).effective, "an order stands on an approval that was withdrawn");
	settle(l, s);
	for (i = 1; i <= NET_N; i++) {
		ask_order(l, i, q.order, &a);
		want(l, a.rc != RC_OK, "custodian %u CONTRIBUTES", i);
		answer_done(&a);
	}
}

/* Pages that they have had, old ones and the newest: as if they had not been said. */
static void
pages(struct liar *l)
{
	struct page	p;
	struct answer	a;
	uint64_t	size, first;
	unsigned	i;

	story_now(l->story);
	(void)story_seal(l, l->story, "standard");
	settle(l, l->story);
	size = story_size(l->story);
	for (i = 1; i <= NET_N; i++)
		for (first = 0; first <= size; first += size / 3 + 1) {
			page_of(l, l->story, i, first, size, &p);
			buf_span(&p.cosigned, buf_view(&l->note));
			say_page(l, l->story, i, &p, &a);
			want(l, a.rc == RC_OK && a.append->size == size && a.append->cosignature.len > 0,
			    "custodian %u does not answer a page that it has as it did: %s", i, a.words);
			answer_done(&a);
			page_done(&p);
		}
	settle(l, l->story);
}

/* After a restart it has forgotten nothing: the same answer to the same order, no older log. */
static void
across_a_restart(struct liar *l)
{
	struct asked	q;
	struct answer	first, a;
	struct page	p;
	uint64_t	size;

	story_ordered(l, l->story, "standard", &q);
	settle(l, l->story);
	ask_order(l, 2, q.order, &first);
	want_answer(l, &first, RC_OK, NULL, "the order");
	settle(l, l->story);
	size = story_size(l->story);
	devnet(l, "kill", 2);
	devnet(l, "start", 2);
	want(l, settle_with(l, l->story, EVERYBODY, A_MINUTE), "it does not come back");
	ask_order(l, 2, q.order, &a);
	want(l, a.rc == RC_OK && span_eq(buf_view(&a.bytes), buf_view(&first.bytes)), "after a restart it answers %s, %s",
	    rc_name(a.rc), a.rc == RC_OK ? "OTHER BYTES" : a.words);
	answer_done(&a);
	answer_done(&first);
	page_of(l, l->story, 2, 0, size - 1, &p);
	say_page(l, l->story, 2, &p, &a);
	want(l, a.rc == RC_OK && a.append->size >= size && a.append->cosignature.len == 0,
	    "after a restart it cosigns a smaller tree");
	answer_done(&a);
	page_done(&p);
	want(l, settle_with(l, l->story, EVERYBODY, A_MINUTE), "afterwards the log does not go on");
}

/* --- another network, whose people and custodians are others ------------------------------- */

/* Its entries in this log: of another genesis, all of them. */
static void
others_statements(struct liar *l)
{
	AUTO(store_close) struct store	*st = NULL;
	char				 path[FILE_PATH_MAX];
	struct err			 err;
	uint64_t			 i;

	MUST(l->other != NULL);
	must(file_path(path, &err, "%s/coordinator/state/log.db", l->other), &err);
	must(store_open(path, STORE_READ, &st, &err), &err);
	MUST(store_size(st) > 6);
	story_now(l->story);
	for (i = 0; i < store_size(st); i++) {
		AUTO_DONE(buf_done) struct buf	leaf = BUF_INIT(ENTRY_BYTES_MAX);
		struct entry			e;
		struct verdict			v;

		must(store_entry(st, i, &leaf, &err), &err);
		must(entry_parse(buf_view(&leaf), &e, &err), &err);
		v = net_log_dsse(&l->story->net, e.dsse);
		want(l, !v.effective, "entry %llu of another network is EFFECTIVE here", (unsigned long long)i);
	}
	want(l, settle_with(l, l->story, EVERYBODY, A_MINUTE), "afterwards the log does not go on");
}

/* Its pages and its notes, which its own custodians cosigned. */
static void
others_log(struct liar *l)
{
	AUTO(store_close) struct store	*st = NULL;
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(NOTE_BYTES_MAX), leaf = BUF_INIT(ENTRY_BYTES_MAX);
	char				 path[FILE_PATH_MAX];
	struct page			 p;
	struct answer			 a;
	struct err			 err;
	unsigned			 i;

	MUST(l->other != NULL);
	must(file_path(path, &err, "%s/coordinator/state/log.db", l->other), &err);
	must(store_open(path, STORE_READ, &st, &err), &err);
	must(store_get(st, "cosigned", &note, &err), &err);
	must(store_entry(st, 0, &leaf, &err), &err);
	for (i = 1; i <= NET_N; i++) {
		say_note(l, i, buf_view(&note), &a);
		want(l, a.rc != RC_OK || a.append->cosigned_size == story_size(l->story), "custodian %u takes another "
		    "network's checkpoint", i);
		answer_done(&a);
		page_of(l, l->story, i, 0, 0, &p);
		p.entry[p.n++] = buf_view(&leaf);
		buf_span(&p.checkpoint, buf_view(&note));
		say_page(l, l->story, i, &p, &a);
		want(l, a.rc != RC_OK, "custodian %u takes another network's first entry", i);
		answer_done(&a);
		page_done(&p);
	}
	want(l, settle_with(l, l->story, EVERYBODY, A_MINUTE), "afterwards the log does not go on");
}

/* Nor is its coordinator ours, or nobody. */
static void
not_the_coordinator(struct liar *l)
{
	struct rpc_client	*mine[NET_N];
	struct answer		 a;
	unsigned		 i;

	memcpy(mine, l->client, sizeof(mine));
	memcpy(l->client, l->nobody, sizeof(mine));
	for (i = 1; i <= NET_N; i++) {
		static const uint8_t	order[SHA256_BYTES];

		say_note(l, i, buf_view(&l->note), &a);
		want_answer(l, &a, RC_DENIED, NULL, "an Append by nobody");
		answer_done(&a);
		ask_order(l, i, order, &a);
		want_answer(l, &a, RC_DENIED, NULL, "a Contribute by nobody");
		answer_done(&a);
	}
	memcpy(l->client, mine, sizeof(mine));
}

/* Nor is the coordinator a peer, or the custodian itself. */
static void
not_a_peer(struct liar *l)
{
	static const char *const	ours[] = { "/self/Outgoing", "/self/Heard", "/self/Append", "Nothing" };
	Quorate__V1__ExchangeRequest	q = QUORATE__V1__EXCHANGE_REQUEST__INIT;
	struct answer			a;
	unsigned			i;
	size_t				j;

	for (i = 1; i <= NET_N; i++) {
		say(l, i, "Exchange", &q.base, &a);
		want_answer(l, &a, RC_DENIED, NULL, "an Exchange by the coordinator");
		answer_done(&a);
		for (j = 0; j < sizeof(ours) / sizeof(ours[0]); j++) {
			say(l, i, ours[j], &q.base, &a);
			want(l, a.rc == RC_USAGE || a.rc == RC_DENIED, "%s by the coordinator: %s", ours[j], rc_name(a.rc));
			answer_done(&a);
		}
	}
}

static const struct scenario replays[] = {
	{ "statements", statements }, { "approvals", approvals }, { "after-withdrawal", after_withdrawal },
	{ "pages", pages }, { "across-a-restart", across_a_restart }, { "others-statements", others_statements },
	{ "others-log", others_log }, { "not-the-coordinator", not_the_coordinator },
	{ "not-a-peer", not_a_peer },
};
const struct theme replays_theme = { "replays", replays, sizeof(replays) / sizeof(replays[0]) };

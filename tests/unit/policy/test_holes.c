/*
 * Checks that another check seems to cover: each test here fails when its own
 * check alone is gone (tests/mutants/policy.list).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "audit/entry.h"
#include "policy/quorum.h"
#include "tests/unit/policy/rows.h"

/* --- entry 0: the one entry that can stop a replica --------------------------- */

#define SIGNERS	(NET_N + 2)

static struct test_key *
signer_of(struct net *n, size_t i)
{
	if (i < NET_N)
		return &n->signing[i];
	return &n->person[i == NET_N ? NET_LEGAL : NET_COURT];
}

/* The statement, signed by custodians and amenders, without signer `but`. */
static void
sign_by_all_but(struct net *n, struct statement *s, size_t but, struct buf *out)
{
	size_t		first = but == 0 ? 1 : 0;
	struct buf	next;
	struct err	err;

	*out = BUF_INIT(BIG);
	assert_int_equal(statement_sign(s, &signer_of(n, first)->signer, out, &err), RC_OK);
	for (size_t i = first + 1; i < SIGNERS; i++) {
		if (i == but)
			continue;
		next = BUF_INIT(BIG);
		assert_int_equal(dsse_sign_more(buf_view(out), &signer_of(n, i)->signer, &next,
		    &err), RC_OK);
		buf_done(out);
		*out = next;
	}
	statement_done(s);
}

static void
charter_statement(struct net *n, struct statement *s)
{
	static const uint8_t	none[SHA256_BYTES];

	statement_init(s, STATEMENT_CHARTER, n->genesis, n->genesis, 0, none, n->now, 0);
	memcpy(s->subject, n->genesis, SHA256_BYTES);
}

/* What a new replica says to these bytes as entry 0. */
static enum rc
first_entry(struct net *n, const struct buf *dsse)
{
	AUTO(memstate_free) struct memstate	*m = NULL;
	AUTO(replica_free) struct replica	*r = NULL;
	AUTO_DONE(buf_done) struct buf		leaf = BUF_INIT(BIG);
	struct verdict				v;
	struct err				err;

	assert_int_equal(memstate_new(&m, &err), RC_OK);
	assert_int_equal(memstate_blob(m, buf_view(&n->charter_json), &err), RC_OK);
	assert_int_equal(replica_new(memstate_state(m), n->genesis, &r, &err), RC_OK);
	entry_write(n->now, buf_view(dsse), &leaf);
	return replica_apply(r, 0, buf_view(&leaf), &v, &err);
}

static void
entry_0_lacks_a_signature(void **state)
{
	struct net		n;
	struct statement	s;
	struct buf		b;

	(void)state;
	net_init(&n);
	/* SIGNERS itself: nobody is left out. */
	for (size_t but = 0; but <= SIGNERS; but++) {
		charter_statement(&n, &s);
		sign_by_all_but(&n, &s, but, &b);
		assert_int_equal(first_entry(&n, &b), but == SIGNERS ? RC_OK : RC_VERIFY);
		buf_done(&b);
	}
	net_done(&n);
}

/* Signed by all, and yet not the charter of this network. */
static void
entry_0_is_something_else(void **state)
{
	struct net		n;
	struct statement	s;
	struct buf		b;

	(void)state;
	net_init(&n);
	net_statement(&n, &s, STATEMENT_WITHDRAWAL);
	memcpy(s.subject, n.genesis, SHA256_BYTES);
	sign_by_all_but(&n, &s, SIGNERS, &b);
	assert_int_equal(first_entry(&n, &b), RC_VERIFY);
	buf_done(&b);
	for (int which = 0; which < 3; which++) {
		charter_statement(&n, &s);
		(which == 0 ? s.genesis : which == 1 ? s.charter : s.subject)[0] ^= 1;
		sign_by_all_but(&n, &s, SIGNERS, &b);
		assert_int_equal(first_entry(&n, &b), RC_VERIFY);
		buf_done(&b);
	}
	net_done(&n);
}

/* --- states that are not to be believed ------------------------------------------ */

struct liar {
	struct state		 state;		/* blob is ours, the rest is real's */
	const struct state	*real;
};

/* The right blob and a space: the same JSON, another digest. */
static enum rc
blob_and_space(void *user, const uint8_t digest[SHA256_BYTES], struct buf *ret, struct err *err)
{
	const struct liar	*l = user;

	TRY(l->real->blob(l->real->user, digest, ret, err));
	buf_u8(ret, ' ');
	return RC_OK;
}

static enum rc
get(void *user, struct span key, struct buf *ret, struct err *err)
{
	const struct liar	*l = user;

	return l->real->get(l->real->user, key, ret, err);
}

static void
blob_of_another_digest(void **state)
{
	struct net			 n;
	struct liar			 l;
	AUTO(replica_free) struct replica *r = NULL;
	struct err			 err;

	(void)state;
	net_init(&n);
	l.real = memstate_state(n.mem);
	l.state = *l.real;
	l.state.user = &l;
	l.state.blob = blob_and_space;
	l.state.get = get;
	assert_int_equal(replica_new(&l.state, n.genesis, &r, &err), RC_IO);
	assert_null(r);
	net_done(&n);
}

static void
state_of_another_network(void **state)
{
	struct net			 n;
	AUTO(replica_free) struct replica *r = NULL;
	uint8_t				 other[SHA256_BYTES];
	struct err			 err;

	(void)state;
	net_init(&n);
	memcpy(other, n.genesis, sizeof(other));
	other[31] ^= 1;
	assert_int_equal(replica_new(memstate_state(n.mem), other, &r, &err), RC_FORMAT);
	assert_null(r);
	assert_int_equal(replica_new(memstate_state(n.mem), n.genesis, &r, &err), RC_OK);
	net_done(&n);
}

/* --- order and time --------------------------------------------------------------- */

static void
out_of_turn(void **state)
{
	struct net	n;
	struct verdict	v;
	uint8_t		before[SHA256_BYTES], after[SHA256_BYTES];
	struct err	err;

	(void)state;
	net_init(&n);
	(void)net_seal(&n, "standard");
	assert_int_equal(replica_state_digest(n.replica, before, &err), RC_OK);
	assert_int_equal(replica_apply(n.replica, 1, buf_view(&n.log_entries.leaf[1]), &v, &err),
	    RC_USAGE);
	assert_int_equal(replica_state_digest(n.replica, after, &err), RC_OK);
	assert_memory_equal(before, after, sizeof(before));
	net_done(&n);
}

/* Beyond what a sparse state could fail to know. */
static void
saw_the_far_future(void **state)
{
	static const uint64_t	sizes[] = { 2, 3, 1000, UINT64_C(1) << 52 };
	struct net		n;
	struct statement	s;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		net_init(&n);
		net_statement(&n, &s, STATEMENT_REVOCATION);
		key_id(&n.person[NET_AUDITOR].signer.key, s.subject);
		s.seen_size = sizes[i];
		memset(s.seen_root, 7, sizeof(s.seen_root));
		assert_int_equal(net_log(&n, &s, &n.person[NET_AUDITOR]).why, VOID_SEEN);
		net_done(&n);
	}
}

/* --- quorum ----------------------------------------------------------------------- */

/* The window runs from the approval that completes the quorum, not from the first. */
static void
met_when_the_last_approves(void **state)
{
	struct net		n;
	struct request_view	v;
	uint8_t			id[32];
	struct err		err;

	(void)state;
	net_init(&n);
	seal_and_ask(&n, "standard", id);
	good(net_decide(&n, id, NET_LEGAL, true));
	n.now += 10;
	good(net_decide(&n, id, NET_COMPLIANCE, true));
	n.now += 10;
	good(net_decide(&n, id, NET_AUDITOR, true));
	n.now += 10;
	good(net_decide(&n, id, NET_SECOND_LEGAL, true));
	assert_int_equal(replica_request(n.replica, id, n.now, &v, &err), RC_OK);
	assert_int_equal(v.met_at, n.now - 10);
	net_done(&n);
}

/* Nor where their organisation might: nobody approves what they ask for. */
static void
the_requester_fills_no_place(void **state)
{
	struct net		 n;
	const struct charter	*c;
	struct policy_rule	 rule;

	(void)state;
	net_init(&n);
	c = replica_charter(n.replica);
	rule = *charter_policy(c, "court");
	rule.requester_organisation_may_approve = true;
	assert_false(quorum_possible(c, &rule, charter_person(c, "court")));
	assert_true(quorum_possible(c, &rule, charter_person(c, "requester")));
	net_done(&n);
}

/* Some of these follow from others; who reads the charter is told the nearest reason. */
static void
numbers_say_why(void **state)
{
	static const struct { unsigned n, k, f, q, h; const char *word; } rows[] = {
		{ 1, 2, 0, 1, 1, "custodians" },
		{ 5, 1, 0, 3, 3, "k=1" },
		{ 5, 3, 3, 4, 4, "release alone" },
		{ 5, 3, 2, 4, 4, "could cosign" },
		{ 5, 4, 0, 3, 3, "at least k" },
		{ 5, 3, 1, 3, 3, "two pasts" },
		{ 5, 2, 0, 3, 3, "missed" },
		{ 5, 3, 1, 4, 3, "h=3" },
		{ 5, 3, 1, 4, 6, "h=6" },
	};
	struct err	err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(charter_numbers(rows[i].n, rows[i].k, rows[i].f, rows[i].q,
		    rows[i].h, &err), RC_FORMAT);
		if (strstr(err.msg, rows[i].word) == NULL)
			fail_msg("want \"%s\", got: %s", rows[i].word, err.msg);
	}
	assert_int_equal(charter_numbers(5, 3, 1, 4, 4, &err), RC_OK);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(entry_0_lacks_a_signature),
		cmocka_unit_test(entry_0_is_something_else),
		cmocka_unit_test(blob_of_another_digest),
		cmocka_unit_test(state_of_another_network),
		cmocka_unit_test(out_of_turn),
		cmocka_unit_test(saw_the_far_future),
		cmocka_unit_test(met_when_the_last_approves),
		cmocka_unit_test(the_requester_fills_no_place),
		cmocka_unit_test(numbers_say_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

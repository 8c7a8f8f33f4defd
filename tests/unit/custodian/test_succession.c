/* A log whose key was replaced: whose pages are taken, whose notes count, whom an accusation freezes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/custodian/hand.h"
#include "tests/unit/custodian/peer.h"

#define BIG	((size_t)1 << 22)

static struct bench_place	place;
static struct bench		b;
static struct err		err;
static struct test_key		old, new;	/* of the log */
static uint64_t			at;		/* the entry of the succession */
static struct buf		note;		/* the last q-cosigned one of the old key */

static void
ok(enum rc rc)
{
	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), err.msg);
}

/* Three entries that a quorum cosigned; both keys at hand. */
static int
up(void **state)
{
	(void)state;
	bench_up(&b, &place);
	for (size_t i = 0; i < 2; i++)
		(void)bench_seal(&b, "standard");
	bench_sync(&b, 4);
	test_key_ed25519(&new);
	old = b.net.log;
	old.signer.user = &old;
	note = BUF_INIT(BIG);
	peer_note(&b, NO_FORK, 3, 4, &note);
	return 0;
}

static int
down(void **state)
{
	struct test_key	own = old;

	(void)state;
	own.signer.user = &b.net.log;
	b.net.log = own;
	test_key_done(&new);
	buf_done(&note);
	bench_down(&b);
	return 0;
}

static void
sign_as(const struct test_key *k)
{
	b.net.log = *k;
}

/* Logged, and the new key is the log's from here on. */
static void
succeed(void)
{
	struct net_edit	edit = { "coordinator/log_key", net_key_json(&new) };
	struct buf	doc = BUF_INIT(BIG), dsse = BUF_INIT(BIG);

	net_next(&b.net, &edit, 1, &doc);
	net_succession(&b.net, buf_view(&doc), 4, &dsse);
	at = b.net.log_entries.n;
	assert_true(net_log_dsse(&b.net, buf_view(&dsse)).effective);
	sign_as(&new);
	buf_done(&doc);
	buf_done(&dsse);
}

static enum rc
send(const struct bench_sending *s, bool *ret_signed)
{
	Quorate__V1__AppendReply	*r = NULL;
	enum rc				 rc = bench_send(&b, s, &r, &err);

	if (ret_signed != NULL)
		*ret_signed = rc == RC_OK && r->cosignature.len != 0;
	if (rc == RC_OK)
		bench_reply_free(r);
	return rc;
}

static bool
accusation_is_there(void)
{
	AUTO_DONE(buf_done) struct buf	v = BUF_INIT(BIG);
	enum rc				rc = store_get(b.c.store, CUSTODY_ACCUSATION, &v, &err);

	if (rc != RC_MISSING)
		ok(rc);
	return rc == RC_OK;
}

/* --- pages --------------------------------------------------------------------------------- */

static void
the_new_key_is_learnt_by_its_first_page(void **state)
{
	struct bench_sending	s;
	bool			cosigned;

	(void)state;
	succeed();
	(void)bench_seal(&b, "standard");
	s = bench_sending(&b);
	ok(send(&s, &cosigned));
	assert_true(cosigned);
	assert_int_equal(store_size(b.c.store), at + 2);
	assert_memory_equal(replica_charter(b.c.replica)->coordinator.log_key.bytes, new.signer.key.bytes, 32);
	/* It goes on, over a start as well, and what q cosigned before still counts. */
	bench_restart(&b);
	(void)bench_seal(&b, "standard");
	bench_sync(&b, 4);
}

static void
the_old_key_does_not_bring_it(void **state)
{
	struct bench_sending	s;

	(void)state;
	succeed();
	sign_as(&old);
	s = bench_sending(&b);
	assert_int_equal(send(&s, NULL), RC_VERIFY);
	assert_int_equal(store_size(b.c.store), 3);	/* all of it, or nothing */
	assert_memory_equal(replica_charter(b.c.replica)->coordinator.log_key.bytes, old.signer.key.bytes, 32);
	sign_as(&new);
	ok(send(&s, NULL));
	assert_int_equal(store_size(b.c.store), 4);
}

/* A key that no entry speaks of is nobody's. */
static void
no_key_of_ones_own(void **state)
{
	struct bench_sending	s;

	(void)state;
	(void)bench_seal(&b, "standard");
	sign_as(&new);
	s = bench_sending(&b);
	s.stranger = true;
	assert_int_equal(send(&s, NULL), RC_VERIFY);
	assert_int_equal(store_size(b.c.store), 3);
}

static void
too_few_signed_the_succession(void **state)
{
	struct net_edit		edit = { "coordinator/log_key", net_key_json(&new) };
	struct buf		doc = BUF_INIT(BIG), dsse = BUF_INIT(BIG);
	struct bench_sending	s;

	(void)state;
	net_next(&b.net, &edit, 1, &doc);
	net_succession(&b.net, buf_view(&doc), 3, &dsse);
	assert_false(net_log_dsse(&b.net, buf_view(&dsse)).effective);
	s = bench_sending(&b);
	s.stranger = true;
	assert_int_equal(send(&s, NULL), RC_VERIFY);
	/* By the key that is still the log's it is an entry that is void. */
	s.stranger = false;
	ok(send(&s, NULL));
	assert_memory_equal(replica_charter(b.c.replica)->coordinator.log_key.bytes, old.signer.key.bytes, 32);
	buf_done(&doc);
	buf_done(&dsse);
}

static void
the_old_coordinator_is_told_to_stop(void **state)
{
	Quorate__V1__AppendRequest	q = QUORATE__V1__APPEND_REQUEST__INIT;
	struct buf			request = BUF_INIT(BIG), reply = BUF_INIT(BIG), late = BUF_INIT(BIG);
	ProtobufCBinaryData		entry;
	uint8_t				leaf[] = "\0\0\0\0\0\0\0\1{}";

	(void)state;
	succeed();
	bench_sync(&b, 4);
	/* It went on from where it was, with an entry of its own in the place of the succession. */
	sign_as(&old);
	peer_note(&b, at, at + 1, 0, &late);
	q.first = at;
	entry = (ProtobufCBinaryData){ sizeof(leaf) - 1, leaf };
	q.entries = &entry;
	q.n_entries = 1;
	q.checkpoint = (ProtobufCBinaryData){ late.n, late.p };
	(void)quorate__v1__append_request__pack(&q, buf_extend(&request, quorate__v1__append_request__get_packed_size(&q)));
	assert_int_equal(custody_append(&b.c, buf_view(&request), &reply, &err), RC_VERIFY);
	assert_non_null(strstr(b.c.words, "succession has replaced"));
	assert_non_null(strstr(b.c.words, "stop it"));
	assert_false(accusation_is_there());
	assert_int_equal(compare_calm(&b.c, &err), RC_OK);
	/* Nor is an old page of it cosigned again. */
	q.n_entries = 0;
	q.checkpoint = (ProtobufCBinaryData){ 0, NULL };
	buf_reset(&late);
	peer_note(&b, NO_FORK, 3, 0, &late);
	q.checkpoint = (ProtobufCBinaryData){ late.n, late.p };
	buf_reset(&request);
	(void)quorate__v1__append_request__pack(&q, buf_extend(&request, quorate__v1__append_request__get_packed_size(&q)));
	assert_int_equal(custody_append(&b.c, buf_view(&request), &reply, &err), RC_VERIFY);
	buf_done(&request);
	buf_done(&reply);
	buf_done(&late);
}

/* Away for long: a page that ends before the succession, under a checkpoint of the new key. */
static void
a_quorum_leads_to_it(void **state)
{
	struct bench_sending	 s;
	struct buf		 request = BUF_INIT(BIG), reply = BUF_INIT(BIG), cosigned = BUF_INIT(BIG);
	struct tree_path	 path;
	ProtobufCBinaryData	 hash[TREE_PATH_MAX], entry[2];

	(void)state;
	(void)bench_seal(&b, "standard");
	(void)bench_seal(&b, "standard");
	succeed();
	s = bench_sending(&b);
	s.size = 4;
	s.checkpoint = b.net.log_entries.n;
	assert_int_equal(send(&s, NULL), RC_VERIFY);	/* whose key is that? */
	assert_int_equal(store_size(b.c.store), 3);
	for (unsigned q = 3; q <= 4; q++) {
		Quorate__V1__AppendRequest	m = QUORATE__V1__APPEND_REQUEST__INIT;

		buf_reset(&request);
		buf_reset(&cosigned);
		peer_note(&b, NO_FORK, b.net.log_entries.n, q, &cosigned);
		peer_path(&b, NO_FORK, 4, b.net.log_entries.n, &path);
		for (size_t i = 0; i < path.n; i++)
			hash[i] = (ProtobufCBinaryData){ 32, path.hash[i] };
		entry[0] = (ProtobufCBinaryData){ b.net.log_entries.leaf[3].n, b.net.log_entries.leaf[3].p };
		entry[1] = (ProtobufCBinaryData){ b.batch[2].sealed.descriptors.n, b.batch[2].sealed.descriptors.p };
		m.first = 3;
		m.entries = entry;
		m.n_entries = 1;
		m.blobs = entry + 1;
		m.n_blobs = 1;
		m.checkpoint = (ProtobufCBinaryData){ cosigned.n, cosigned.p };
		m.consistency = hash;
		m.n_consistency = path.n;
		(void)quorate__v1__append_request__pack(&m,
		    buf_extend(&request, quorate__v1__append_request__get_packed_size(&m)));
		assert_int_equal(custody_append(&b.c, buf_view(&request), &reply, &err), q < 4 ? RC_VERIFY : RC_OK);
		assert_int_equal(store_size(b.c.store), q < 4 ? 3 : 4);
	}
	s = bench_sending(&b);
	ok(send(&s, NULL));
	assert_int_equal(store_size(b.c.store), at + 1);
	buf_done(&request);
	buf_done(&reply);
	buf_done(&cosigned);
}

/* --- notes and accusations ------------------------------------------------------------------- */

static void
old_notes_are_still_true(void **state)
{
	AUTO_DONE(buf_done) struct buf	late = BUF_INIT(BIG), fork = BUF_INIT(BIG), many = BUF_INIT(BIG);
	struct judged			j;

	(void)state;
	succeed();
	(void)bench_seal(&b, "standard");
	bench_sync(&b, 4);
	ok(note_judge(&b.c, buf_view(&note), &j, &err));
	assert_int_equal(j.standing, NOTE_GOOD);
	assert_true(j.quorum && !j.in_force);
	ok(compare_note(&b.c, buf_view(&note), &err));
	/* Up to the succession and no further; what contradicts us there accuses nobody. */
	sign_as(&old);
	peer_note(&b, NO_FORK, at + 1, 0, &late);
	ok(note_judge(&b.c, buf_view(&late), &j, &err));
	assert_int_equal(j.standing, NOTE_LATE);
	assert_int_equal(compare_note(&b.c, buf_view(&late), &err), RC_VERIFY);
	buf_reset(&late);
	peer_note(&b, NO_FORK, at, 0, &late);
	ok(note_judge(&b.c, buf_view(&late), &j, &err));
	assert_int_equal(j.standing, NOTE_GOOD);
	ok(compare_note(&b.c, buf_view(&late), &err));
	peer_note(&b, 1, 2, 0, &fork);
	ok(compare_note(&b.c, buf_view(&fork), &err));
	assert_false(accusation_is_there());
	assert_int_equal(b.c.comparing.suspicion.n, 0);
	ok(compare_calm(&b.c, &err));
	/* A key that never was the log's: only a quorum lends it weight. */
	sign_as(&b.net.sealer);
	buf_reset(&late);
	peer_note(&b, NO_FORK, 3, 3, &late);
	ok(note_judge(&b.c, buf_view(&late), &j, &err));
	assert_int_equal(j.standing, NOTE_STRANGE);
	assert_false(note_counts(&j));
	peer_note(&b, NO_FORK, 3, 4, &many);
	ok(note_judge(&b.c, buf_view(&many), &j, &err));
	assert_true(note_counts(&j));
	sign_as(&new);
}

/* What the old key did freezes until another has its place; then the next one's deeds do. */
static void
the_freeze_ends_with_the_key(void **state)
{
	AUTO_DONE(buf_done) struct buf	fork = BUF_INIT(BIG), first = BUF_INIT(BIG), second = BUF_INIT(BIG);

	(void)state;
	peer_note(&b, 1, 2, 0, &fork);
	ok(compare_note(&b.c, buf_view(&fork), &err));
	assert_true(accusation_is_there());
	assert_int_equal(compare_calm(&b.c, &err), RC_DENIED);
	ok(store_get(b.c.store, CUSTODY_ACCUSATION, &first, &err));
	succeed();
	bench_sync(&b, 4);
	ok(compare_calm(&b.c, &err));
	bench_restart(&b);
	ok(compare_calm(&b.c, &err));
	/* Somebody brings the old one again. */
	b.c.comparing.peer[1].accused = true;
	ok(compare_accused(&b.c, buf_view(&first), &err));
	ok(compare_calm(&b.c, &err));
	assert_true(b.c.comparing.peer[1].accused);
	buf_reset(&fork);
	peer_note(&b, 1, 2, 0, &fork);
	ok(compare_note(&b.c, buf_view(&fork), &err));
	assert_int_equal(compare_calm(&b.c, &err), RC_DENIED);
	ok(store_get(b.c.store, CUSTODY_ACCUSATION, &second, &err));
	assert_false(span_eq(buf_view(&first), buf_view(&second)));
	assert_false(b.c.comparing.peer[1].accused);	/* it is to hear of this one, too */
	bench_restart(&b);
	assert_int_equal(compare_calm(&b.c, &err), RC_DENIED);
}

/* A suspicion of the old key, not proved when it was replaced, is none any more. */
static void
a_suspicion_ends_with_the_key(void **state)
{
	AUTO_DONE(buf_done) struct buf	fork = BUF_INIT(BIG);

	(void)state;
	(void)bench_seal(&b, "standard");
	peer_note(&b, 2, 3, 0, &fork);
	b.c.comparing.suspicion = BUF_INIT(BIG);
	buf_span(&b.c.comparing.suspicion, buf_view(&fork));
	assert_int_equal(compare_calm(&b.c, &err), RC_DENIED);
	succeed();
	bench_sync(&b, 4);
	assert_int_equal(b.c.comparing.suspicion.n, 0);
	ok(compare_calm(&b.c, &err));
}

/* --- peers -------------------------------------------------------------------------------------- */

/* A peer that has the succession: its notes are of a key that we cannot know yet. */
static void
a_peer_that_is_ahead(void **state)
{
	struct peer_answer	a = PEER_ANSWER(2);
	struct bench_sending	s;

	(void)state;
	bench_forget(&b);
	succeed();
	(void)bench_seal(&b, "standard");
	a.size = a.cosigned = b.net.log_entries.n;
	for (a.peer = 2; a.peer <= 4; a.peer++) {
		a.instance = a.peer;
		ok(peer_answers(&b, &a, &err));
		assert_true(b.c.comparing.peer[a.peer - 1].fresh);
	}
	/* What q cosigned there is to be reached first. */
	assert_int_equal(b.c.comparing.target, b.net.log_entries.n);
	assert_int_equal(compare_ready(&b.c, &err), RC_UNSURE);
	assert_int_equal(b.c.comparing.most, 0);	/* what nobody we know signed says nothing */
	s = bench_sending(&b);
	ok(send(&s, NULL));
	ok(compare_ready(&b.c, &err));
	assert_false(accusation_is_there());
}

static void
a_peer_that_is_behind(void **state)
{
	struct peer_answer	a = PEER_ANSWER(2);

	(void)state;
	succeed();
	bench_sync(&b, 4);
	sign_as(&old);
	a.size = a.cosigned = 3;
	ok(peer_answers(&b, &a, &err));
	/* One with a tail of the old key: heard, and its note is not believed. */
	a.fork = at;
	a.size = at + 2;
	a.cosigned = 3;
	a.proof = false;
	ok(peer_answers(&b, &a, &err));
	assert_false(accusation_is_there());
	ok(compare_calm(&b.c, &err));
	sign_as(&new);
}

/*
 * Entries under the old key that no quorum cosigned, and the others went on without them:
 * what q cosigned drops them, by whatever key. Less than q does not.
 */
static void
a_tail_of_the_old_key_is_dropped(void **state)
{
	struct peer_answer	a = PEER_ANSWER(2);

	(void)state;
	(void)bench_seal(&b, "standard");
	bench_sync(&b, 0);
	assert_int_equal(store_size(b.c.store), 4);
	sign_as(&new);
	a.fork = 3;
	a.size = 5;
	a.proof = true;
	ok(peer_answers(&b, &a, &err));
	assert_int_equal(store_size(b.c.store), 4);
	a.cosigned = 5;
	ok(peer_answers(&b, &a, &err));
	assert_int_equal(store_size(b.c.store), 3);
	assert_false(accusation_is_there());
	ok(compare_calm(&b.c, &err));
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest	tests[] = {
		TEST(the_new_key_is_learnt_by_its_first_page),
		TEST(the_old_key_does_not_bring_it),
		TEST(no_key_of_ones_own),
		TEST(too_few_signed_the_succession),
		TEST(the_old_coordinator_is_told_to_stop),
		TEST(a_quorum_leads_to_it),
		TEST(old_notes_are_still_true),
		TEST(the_freeze_ends_with_the_key),
		TEST(a_suspicion_ends_with_the_key),
		TEST(a_peer_that_is_ahead),
		TEST(a_peer_that_is_behind),
		TEST(a_tail_of_the_old_key_is_dropped),
	};
	int	failed;

	if (!bench_place_up(&place))
		return 0;
	place.amendable = true;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_place_down(&place);
	return failed;
}

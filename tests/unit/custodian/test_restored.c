/* A database that came back from an older copy: what its custodian does not do a second time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/custodian/hand.h"

static struct bench_place	place;
static struct bench		b;

static int
up(void **state)
{
	(void)state;
	bench_up(&b, &place);
	return 0;
}

static int
down(void **state)
{
	char	path[128];

	(void)state;
	bench_down(&b);
	for (const char *const *copy = (const char *const[]){ "old", "other", NULL }; *copy != NULL; copy++) {
		snprintf(path, sizeof(path), "%s/%s.db", place.root, *copy);
		(void)unlink(path);
	}
	return 0;
}

static void
ok(enum rc rc, const struct err *err)
{
	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), err->msg);
}

/* --- copies of the database ------------------------------------------------------------------ */

static void
copy(const char *from, const char *to)
{
	char	command[256];

	snprintf(command, sizeof(command), "cd '%s' && rm -f %s.db-wal %s.db-shm && cp %s.db %s.db", place.root, to, to,
	    from, to);
	assert_int_equal(system(command), 0);
}

/* Stopped, so that the file is all of it. */
static void
save(const char *name)
{
	struct err	err;

	bench_stop(&b);
	copy("test", name);
	ok(bench_start(&b, STORE_OPEN, &err), &err);
}

static void
put_back(const char *name)
{
	struct err	err;

	bench_stop(&b);
	copy(name, "test");
	ok(bench_start(&b, STORE_OPEN, &err), &err);
}

/* --- cosignatures ------------------------------------------------------------------------------ */

/* Everything up to `size`, with a checkpoint of it: is it cosigned? */
static bool
cosigned(uint64_t size, unsigned cosigners)
{
	struct bench_sending		 s = bench_sending(&b);
	Quorate__V1__AppendReply	*r = NULL;
	struct err			 err;
	bool				 signed_it;

	s.size = s.checkpoint = size;
	if (s.first > size)
		s.first = size;
	s.cosigners = cosigners;
	ok(bench_send(&b, &s, &r, &err), &err);
	signed_it = r->cosignature.len > 0;
	bench_reply_free(r);
	return signed_it;
}

static uint64_t
log_size(void)
{
	return b.net.log_entries.n;
}

static void
seal_some(void)
{
	b.net.now = clock_now() - 60;
	(void)bench_seal(&b, "standard");
}

static void
starts_are_steps(void **state)
{
	uint8_t	instance[STEPS_INSTANCE_BYTES];

	(void)state;
	assert_false(b.c.steps.restored);
	assert_int_equal(b.c.steps.steps, 1);
	assert_int_equal(b.c.steps.marked, 1);
	memcpy(instance, b.c.steps.instance, sizeof(instance));
	bench_restart(&b);
	assert_false(b.c.steps.restored);
	assert_int_equal(b.c.steps.steps, 2);
	assert_memory_not_equal(b.c.steps.instance, instance, sizeof(instance));
}

static void
a_cosignature_is_a_step(void **state)
{
	(void)state;
	assert_true(cosigned(log_size(), 0));
	assert_int_equal(b.c.steps.marked, 2);
	/* The same again is none. */
	assert_true(cosigned(log_size(), 0));
	assert_int_equal(b.c.steps.marked, 2);
	seal_some();
	assert_true(cosigned(log_size(), 0));
	assert_int_equal(b.c.steps.marked, 3);
	bench_restart(&b);
	assert_false(b.c.steps.restored);
	assert_true(cosigned(log_size(), 0));
}

/* The same log again: up to what it signed it keeps quiet, then it goes on. */
static void
restored_goes_on_above(void **state)
{
	uint64_t	first = log_size(), floor, marked;

	(void)state;
	assert_true(cosigned(first, 0));
	save("old");
	seal_some();
	seal_some();
	floor = log_size();
	assert_true(cosigned(floor, 0));
	marked = b.c.steps.marked;
	put_back("old");
	assert_true(b.c.steps.restored);
	assert_int_equal(b.c.steps.floor, floor);
	assert_true(b.c.steps.since == UINT64_MAX);
	assert_int_equal(b.c.steps.steps, marked + 1);
	assert_int_equal(store_size(b.c.store), first);

	assert_false(cosigned(first, 0));
	assert_false(cosigned(floor - 1, 0));
	assert_int_equal(store_size(b.c.store), floor - 1);	/* the entries are taken all the same */
	assert_true(cosigned(floor, 0));		/* the one root that it signed */
	seal_some();
	assert_true(cosigned(log_size(), 0));
	bench_restart(&b);
	assert_true(b.c.steps.restored);
	assert_int_equal(b.c.steps.floor, floor);
	assert_true(cosigned(log_size(), 0));
}

/* A copy taken while it ran, and put back before it was ever started again. */
static void
restored_from_a_hot_copy(void **state)
{
	char		command[256];
	struct err	err;

	(void)state;
	assert_true(cosigned(log_size(), 0));
	snprintf(command, sizeof(command), "cd '%s' && cp test.db old.db && cp test.db-wal old.db-wal", place.root);
	assert_int_equal(system(command), 0);
	seal_some();
	assert_true(cosigned(log_size(), 0));
	bench_stop(&b);
	snprintf(command, sizeof(command), "cd '%s' && rm -f test.db* && cp old.db test.db && mv old.db-wal test.db-wal",
	    place.root);
	assert_int_equal(system(command), 0);
	ok(bench_start(&b, STORE_OPEN, &err), &err);
	assert_true(b.c.steps.restored);
	assert_int_equal(b.c.steps.floor, log_size());
	assert_true(store_size(b.c.store) < log_size());
}

static enum rc
one_step(struct err *err)
{
	ok(store_begin(b.c.store, err), err);
	ok(steps_take(&b.c, err), err);
	ok(store_commit(b.c.store, err), err);
	return steps_mark(&b.c, err);
}

/* Memory and database of a machine put back as they ran, and not the token beside it: no start sees that. */
static void
put_back_as_it_ran(void **state)
{
	static const uint8_t	two[8] = { 0, 0, 0, 0, 0, 0, 0, 2 };
	struct err		err;

	(void)state;
	for (int i = 0; i < 3; i++)
		ok(one_step(&err), &err);
	assert_int_equal(b.c.steps.marked, 4);
	ok(store_put(b.c.store, CUSTODY_STEPS, SPAN_OF(two), &err), &err);
	b.c.steps.steps = b.c.steps.marked = 2;
	assert_int_equal(one_step(&err), RC_BUG);
	assert_non_null(strstr(err.msg, "put back as it ran"));
	bench_restart(&b);
	assert_true(b.c.steps.restored);
	assert_int_equal(b.c.steps.steps, 5);
}

/* Another log from there on, as a coordinator may show it that knows of the backup. */
static void
restored_to_another_log(void **state)
{
	struct buf	*leaf;
	uint64_t	 floor;

	(void)state;
	assert_true(cosigned(log_size(), 0));
	save("old");
	seal_some();
	floor = log_size();
	assert_true(cosigned(floor, 0));
	put_back("old");
	leaf = &b.net.log_entries.leaf[floor - 1];
	leaf->p[leaf->n - 1] ^= 1;
	assert_false(cosigned(floor, 0));
	assert_int_equal(store_size(b.c.store), floor);
	seal_some();
	assert_false(cosigned(log_size(), 0));
	/* Said for good, over restarts. */
	bench_restart(&b);
	assert_false(cosigned(log_size(), 0));
	/* What a quorum cosigned is the log: the root that it signed then never was. */
	assert_false(cosigned(log_size(), 4));
	seal_some();
	assert_true(cosigned(log_size(), 0));
}

/* Restored once, worked on, and restored to the same copy again. */
static void
restored_twice(void **state)
{
	uint64_t	floor;

	(void)state;
	assert_true(cosigned(log_size(), 0));
	save("old");
	seal_some();
	assert_true(cosigned(log_size(), 0));
	put_back("old");
	/* Before it came back to where it was. */
	put_back("old");
	assert_true(b.c.steps.restored);
	assert_int_equal(b.c.steps.floor, log_size());
	assert_true(cosigned(log_size(), 0));
	seal_some();
	floor = log_size();
	assert_true(cosigned(floor, 0));
	put_back("old");
	assert_int_equal(b.c.steps.floor, floor);
	assert_false(cosigned(floor - 1, 0));
	assert_true(cosigned(floor, 0));
}

static void
missing_database(void **state)
{
	uint64_t	size;
	char		path[128];
	struct err	err;

	(void)state;
	seal_some();
	size = log_size();
	assert_true(cosigned(size, 0));
	bench_stop(&b);
	snprintf(path, sizeof(path), "%s/test.db", place.root);
	assert_int_equal(unlink(path), 0);
	ok(bench_start(&b, STORE_CREATE, &err), &err);
	assert_true(b.c.steps.restored);
	assert_int_equal(b.c.steps.floor, size);
	assert_false(cosigned(1, 0));
	assert_true(cosigned(size, 0));
}

/* The newer database comes back after the older one was at work. */
static void
the_newer_comes_back(void **state)
{
	struct err	err;

	(void)state;
	assert_true(cosigned(log_size(), 0));
	save("old");
	seal_some();
	assert_true(cosigned(log_size(), 0));
	bench_stop(&b);
	copy("test", "other");
	copy("old", "test");
	ok(bench_start(&b, STORE_OPEN, &err), &err);
	assert_true(b.c.steps.restored);
	/* What the older did since, it does not know. */
	put_back("other");
	assert_true(b.c.steps.restored);
	assert_true(b.c.steps.since == UINT64_MAX);
}

/* --- shares ------------------------------------------------------------------------------------- */

/* How many batches a reply says that it lacks; no_shares: none come with the call. */
static size_t
lacks(bool no_shares)
{
	struct bench_sending		 s = bench_sending(&b);
	Quorate__V1__AppendReply	*r = NULL;
	struct err			 err;
	size_t				 n;

	s.no_shares = no_shares;
	ok(bench_send(&b, &s, &r, &err), &err);
	n = r->n_missing_shares;
	assert_true(n == 0 || r->missing_shares[0] == b.batch[b.n_batches - n].index);
	bench_reply_free(r);
	return n;
}

/* What came after the copy was taken it asks for, though it said once that it held it. */
static void
asks_for_its_shares(void **state)
{
	(void)state;
	seal_some();
	assert_int_equal(lacks(false), 0);
	save("old");
	seal_some();
	seal_some();
	assert_int_equal(lacks(false), 0);
	put_back("old");
	assert_int_equal(lacks(true), 0);	/* they may be on their way */
	assert_int_equal(lacks(true), 2);
	assert_int_equal(lacks(true), 2);
	bench_restart(&b);
	assert_int_equal(lacks(true), 2);
	assert_int_equal(lacks(false), 0);
	assert_int_equal(lacks(true), 0);
}

/* --- acts ---------------------------------------------------------------------------------------- */

static uint8_t	request[32], order[32];

static void
ordered(void)
{
	b.net.now = clock_now() - 60;
	bench_order(&b, bench_seal(&b, "standard"), "standard", request, order);
}

static enum rc
contribute(const uint8_t of[32])
{
	Quorate__V1__ContributeReply	*r = NULL;
	struct err			 err;
	enum rc				 rc;

	b.c.words[0] = '\0';
	rc = bench_contribute(&b, of, &r, &err);
	quorate__v1__contribute_reply__free_unpacked(r, NULL);
	if (rc != RC_OK && b.c.words[0] == '\0')
		fail_msg("refused without words: %s", err.msg);
	return rc;
}

static void
an_act_is_a_step(void **state)
{
	uint64_t	marked;

	(void)state;
	ordered();
	bench_sync(&b, 4);
	marked = b.c.steps.marked;
	assert_int_equal(contribute(order), RC_OK);
	assert_int_equal(b.c.steps.marked, marked + 1);
	/* The answer that is there is given again. */
	assert_int_equal(contribute(order), RC_OK);
	assert_int_equal(b.c.steps.marked, marked + 1);
}

/* It cannot know what it did for requests from before: others can serve them. */
static void
acts_are_not_forgotten(void **state)
{
	uint8_t		old[32];
	struct err	err;

	(void)state;
	ordered();
	bench_sync(&b, 4);
	memcpy(old, order, sizeof(old));
	save("old");
	assert_int_equal(contribute(old), RC_OK);
	put_back("old");
	assert_true(b.c.steps.restored);
	assert_false(bench_journalled(&b, JOURNAL_ACT, old));
	assert_int_equal(contribute(old), RC_DENIED);
	assert_non_null(strstr(b.c.words, "put back"));

	ok(steps_caught_up(&b.c, store_size(b.c.store), &err), &err);
	assert_int_equal(contribute(old), RC_DENIED);
	assert_non_null(strstr(b.c.words, "make a new request"));
	ordered();
	bench_sync(&b, 4);
	assert_int_equal(contribute(order), RC_OK);
	/* Caught up again later, or after a restart: the line stays where it was. */
	ok(steps_caught_up(&b.c, store_size(b.c.store), &err), &err);
	bench_restart(&b);
	assert_int_equal(contribute(order), RC_OK);
	assert_int_equal(contribute(old), RC_DENIED);
	assert_false(bench_journalled(&b, JOURNAL_ACT, old));
}

/* It was told "no", and does not know it any more. */
static void
a_no_is_not_forgotten(void **state)
{
	struct said	no = { .dsse = BUF_INIT(0) };
	struct err	err;

	(void)state;
	ordered();
	bench_sync(&b, 4);
	save("old");
	say_decision(&b, request, NET_LEGAL, false, &no);
	hand_ok(&b, &no, HANDED_TAKEN, VOID_NONE);
	assert_int_equal(contribute(order), RC_DENIED);
	put_back("old");
	assert_true(b.c.steps.restored);
	assert_int_equal(handed_n(&b), 0);
	assert_int_equal(contribute(order), RC_DENIED);
	ok(steps_caught_up(&b.c, store_size(b.c.store), &err), &err);
	assert_int_equal(contribute(order), RC_DENIED);
	said_done(&no);
}

/* Who lost nothing has nothing to catch up with. */
static void
caught_up_without_loss(void **state)
{
	struct err	err;

	(void)state;
	ordered();
	bench_sync(&b, 4);
	ok(steps_caught_up(&b.c, store_size(b.c.store), &err), &err);
	bench_restart(&b);
	assert_false(b.c.steps.restored);
	assert_int_equal(contribute(order), RC_OK);
}

/* --- what peers remember ------------------------------------------------------------------------- */

static void
peers_remember(void **state)
{
	uint8_t		root[SHA256_BYTES] = { 7 };
	uint64_t	size = log_size(), steps;
	struct err	err;

	(void)state;
	assert_true(cosigned(size, 0));
	steps = b.c.steps.steps;
	ok(steps_forgot(&b.c, steps + 100, size + 1, root, &err), &err);
	assert_true(b.c.steps.restored);
	assert_int_equal(b.c.steps.steps, steps + 100);
	assert_false(cosigned(size, 0));
	seal_some();
	assert_int_equal(log_size(), size + 1);
	assert_false(cosigned(size + 1, 0));	/* another root than peers saw */
	bench_restart(&b);
	assert_true(b.c.steps.restored);
	assert_int_equal(b.c.steps.floor, size + 1);
	assert_int_equal(b.c.steps.steps, steps + 101);
	assert_int_equal(b.c.steps.marked, steps + 101);
	/* What was less is no news, and lowers nothing. */
	ok(steps_forgot(&b.c, 1, 1, root, &err), &err);
	assert_int_equal(b.c.steps.floor, size + 1);
	assert_int_equal(b.c.steps.steps, steps + 101);
	/* No number of a peer's makes the count run over. */
	assert_int_equal(steps_forgot(&b.c, UINT64_MAX, size + 9, root, &err), RC_FORMAT);
	assert_int_equal(b.c.steps.floor, size + 1);
}

/* Two roots of one size, each said to be ours: neither is signed. */
static void
neither_of_two_roots(void **state)
{
	uint8_t		root[SHA256_BYTES], other[SHA256_BYTES] = { 7 };
	uint64_t	size = log_size();
	struct err	err;

	(void)state;
	assert_true(cosigned(size, 0));
	ok(store_root_at(b.c.store, size, root, &err), &err);
	ok(steps_forgot(&b.c, 5, size, root, &err), &err);
	assert_true(cosigned(size, 0));
	ok(steps_forgot(&b.c, 5, size, other, &err), &err);
	assert_false(cosigned(size, 0));
	ok(steps_forgot(&b.c, 5, size, root, &err), &err);
	assert_false(cosigned(size, 0));
}

/* Forgotten again after it caught up: it has to catch up again. */
static void
caught_up_and_forgot_again(void **state)
{
	uint8_t		root[SHA256_BYTES] = { 7 };
	struct err	err;

	(void)state;
	ordered();
	bench_sync(&b, 4);
	ok(steps_forgot(&b.c, 50, 1, root, &err), &err);
	ok(steps_caught_up(&b.c, 2, &err), &err);
	assert_int_equal(b.c.steps.since, 2);
	assert_int_equal(contribute(order), RC_OK);
	ok(steps_forgot(&b.c, 90, 1, root, &err), &err);
	assert_true(b.c.steps.since == UINT64_MAX);
	assert_int_equal(contribute(order), RC_DENIED);
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, up, down)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(starts_are_steps),
		TEST(a_cosignature_is_a_step),
		TEST(restored_goes_on_above),
		TEST(restored_from_a_hot_copy),
		TEST(put_back_as_it_ran), TEST(restored_to_another_log),
		TEST(restored_twice),
		TEST(missing_database),
		TEST(the_newer_comes_back),
		TEST(asks_for_its_shares),
		TEST(an_act_is_a_step),
		TEST(acts_are_not_forgotten),
		TEST(a_no_is_not_forgotten),
		TEST(caught_up_without_loss),
		TEST(peers_remember),
		TEST(neither_of_two_roots),
		TEST(caught_up_and_forgot_again),
	};
	int	rc;

	if (!bench_place_up(&place))
		return 0;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_place_down(&place);
	return rc;
}

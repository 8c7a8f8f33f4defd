/* A clock that is ahead: what is held, by whose word, and until when. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "audit/entry.h"
#include "coordinator/sequence.h"
#include "edge/edge.h"
#include "tests/unit/coordinator/rig.h"

#define DAY	86400u
#define NOW	UINT64_C(1800000000)
#define FEW	(NET_N - 4)	/* n-q: so many may lie */

/* ---- whose word counts ---------------------------------------------------------------- */

static struct charter	five = { .n = NET_N, .q = NET_N - FEW };

static void
opened(struct ahead *a)
{
	struct err	err;

	assert_int_equal(ahead_init(a, &five, &err), RC_OK);
}

/* The first `n` say this. */
static void
hear(struct ahead *a, unsigned n, when clock)
{
	unsigned	i;

	for (i = 1; i <= n; i++)
		ahead_hear(a, (uint8_t)i, clock);
}

static void
more_than_few_hold(void **state)
{
	struct ahead	a;
	struct err	err;

	(void)state;
	opened(&a);
	assert_int_equal(ahead_check(&a, NOW, 0, &err), RC_OK);	/* nobody was heard */
	hear(&a, FEW, NOW - DAY);
	assert_int_equal(ahead_check(&a, NOW, 0, &err), RC_OK);	/* nor can those alone who answer */
	hear(&a, FEW + 1, NOW - DAY);
	assert_int_equal(ahead_check(&a, NOW, 0, &err), RC_UNSURE);
	assert_non_null(strstr(err.msg, "clock is ahead of 2 custodians' by 86400 s"));
	hear(&a, NET_N, NOW);
	hear(&a, FEW, 1);
	assert_int_equal(ahead_check(&a, NOW, 0, &err), RC_OK);
	hear(&a, NET_N, UINT64_MAX);			/* ahead, not round the corner */
	assert_int_equal(ahead_check(&a, NOW, 0, &err), RC_OK);
	ahead_hear(&a, 0, 1);					/* there is none of that number */
	ahead_hear(&a, NET_N + 1, 1);
	assert_int_equal(ahead_check(&a, NOW, 0, &err), RC_OK);
	ahead_done(&a);
}

static void
the_allowance_is_theirs(void **state)
{
	struct ahead	a;
	struct err	err;

	(void)state;
	opened(&a);
	hear(&a, NET_N, NOW - CLOCK_AHEAD_MAX);
	assert_int_equal(ahead_check(&a, NOW, 0, &err), RC_OK);
	/* As much as the test itself may take. */
	assert_int_equal(ahead_check(&a, NOW + 10, 0, &err), RC_UNSURE);
	ahead_done(&a);
}

/* Log time never goes back: it may be the log that is ahead. */
static void
the_last_entry_holds_as_well(void **state)
{
	struct ahead	a;
	struct err	err;

	(void)state;
	opened(&a);
	hear(&a, NET_N, NOW);
	assert_int_equal(ahead_check(&a, NOW, NOW, &err), RC_OK);
	assert_int_equal(ahead_check(&a, NOW, NOW + DAY, &err), RC_UNSURE);
	assert_non_null(strstr(err.msg, "last entry"));
	assert_int_equal(ahead_check(&a, NOW + DAY, NOW, &err), RC_UNSURE);
	assert_non_null(strstr(err.msg, "this coordinator's clock"));
	ahead_done(&a);
}

static void
only_who_said_it_lately(void **state)
{
	struct ahead	a;
	struct err	err;
	unsigned	i;

	(void)state;
	opened(&a);
	hear(&a, NET_N, NOW - DAY);
	hear(&a, NET_N - FEW, 0);		/* they do not say, though they did before */
	assert_int_equal(ahead_check(&a, NOW, 0, &err), RC_OK);
	hear(&a, NET_N, NOW - DAY);
	for (i = 0; i < NET_N; i++)
		a.custodian[i].at -= AHEAD_HEARD_MS + 1;
	assert_int_equal(ahead_check(&a, NOW, 0, &err), RC_OK);
	ahead_done(&a);
}

static void
their_clocks_go_on(void **state)
{
	struct ahead	a;
	struct err	err;
	unsigned	i;

	(void)state;
	opened(&a);
	hear(&a, NET_N, NOW - CLOCK_AHEAD_MAX - 10);
	assert_int_equal(ahead_check(&a, NOW, 0, &err), RC_UNSURE);
	for (i = 0; i < NET_N; i++)
		a.custodian[i].at -= 10000;
	assert_int_equal(ahead_check(&a, NOW, 0, &err), RC_OK);
	ahead_done(&a);
}

/* ---- the first answers ------------------------------------------------------------------ */

static uint64_t
waited(struct ahead *a, uint64_t start)
{
	ahead_wait(a);
	return clock_ms() - start;
}

static void
a_start_waits_for_a_quorum(void **state)
{
	struct ahead	a;
	uint64_t	start;

	(void)state;
	opened(&a);
	assert_in_range(waited(&a, clock_ms()), 0, AHEAD_WAIT_MS - 1);	/* nobody is asked */
	start = clock_ms();
	ahead_expect(&a);
	hear(&a, NET_N - FEW - 1, NOW);
	assert_in_range(waited(&a, start), AHEAD_WAIT_MS, 100 * AHEAD_WAIT_MS);
	assert_in_range(waited(&a, clock_ms()), 0, AHEAD_WAIT_MS - 1);	/* and that is that */
	ahead_expect(&a);
	hear(&a, NET_N - FEW, NOW);
	assert_in_range(waited(&a, clock_ms()), 0, AHEAD_WAIT_MS - 1);
	ahead_done(&a);
}

/* ---- the log -------------------------------------------------------------------------------- */

static struct rig	*rig;

static int
setup(void **state)
{
	(void)state;
	rig = calloc(1, sizeof(*rig));
	if (rig == NULL)
		return -1;
	rig_init(rig);
	rig_start(rig);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rig_stop(rig);
	rig_done(rig);
	free(rig);
	return 0;
}

static void
they_show(when clock)
{
	hear(&rig->c.sequencer->ahead, NET_N, clock);
}

static void *
wrong_soon(void *arg)
{
	const struct timespec	t = { 0, 200 * 1000000L };

	(void)arg;
	(void)nanosleep(&t, NULL);
	they_show(clock_now() - DAY);
	return NULL;
}

static void
nothing_is_logged_ahead(void **state)
{
	struct buf		dsse[2] = { BUF_INIT(DSSE_BYTES_MAX), BUF_INIT(DSSE_BYTES_MAX) };
	struct submission	sub[2];
	struct sequencer	*s = rig->c.sequencer;
	struct err		err;
	unsigned		i;

	(void)state;
	for (i = 0; i < 2; i++) {
		rig_revocation(rig, NET_LEGAL, &dsse[i]);
		sub[i] = (struct submission){ .dsse = buf_view(&dsse[i]) };
	}
	they_show(clock_now());
	assert_int_equal(sequencer_would_log(s, &err), RC_OK);
	assert_int_equal(sequencer_submit(s, &sub[0], &err), RC_OK);
	they_show(clock_now() - DAY);
	assert_int_equal(sequencer_would_log(s, &err), RC_UNSURE);
	assert_int_equal(sequencer_submit(s, &sub[1], &err), RC_UNSURE);
	assert_non_null(strstr(err.msg, "clock is ahead"));
	assert_int_equal(sub[1].fate, FATE_REFUSED);
	assert_int_equal(sequencer_size(s), 2);
	/* What stands in the log is still said to. */
	assert_int_equal(sequencer_submit(s, &sub[0], &err), RC_OK);
	assert_int_equal(sub[0].fate, FATE_REPEATED);
	they_show(clock_now());
	assert_int_equal(sequencer_submit(s, &sub[1], &err), RC_OK);
	assert_int_equal(sub[1].fate, FATE_LOGGED);
	assert_int_equal(sequencer_size(s), 3);
	for (i = 0; i < 2; i++)
		buf_done(&dsse[i]);
}

/* The first entry is dated now, and stands: with custodians a day behind it is the log that is ahead. */
static void
a_log_that_is_ahead_is_told(void **state)
{
	struct sequencer	*s = rig->c.sequencer;
	struct err		err;

	(void)state;
	assert_true(s->dated > 0);
	they_show(clock_now());
	s->dated += DAY;
	assert_int_equal(sequencer_would_log(s, &err), RC_UNSURE);
	assert_non_null(strstr(err.msg, "last entry"));
}

static void
the_first_waits_to_hear(void **state)
{
	struct buf		dsse = BUF_INIT(DSSE_BYTES_MAX);
	struct submission	sub;
	pthread_t		thread;
	struct err		err;

	(void)state;
	rig_revocation(rig, NET_LEGAL, &dsse);
	sub = (struct submission){ .dsse = buf_view(&dsse) };
	sequencer_expect(rig->c.sequencer);
	assert_int_equal(pthread_create(&thread, NULL, wrong_soon, NULL), 0);
	assert_int_equal(sequencer_submit(rig->c.sequencer, &sub, &err), RC_UNSURE);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(sequencer_size(rig->c.sequencer), 1);
	buf_done(&dsse);
}

static enum rc
count(struct store *store, void *user, struct err *err)
{
	unsigned	*n = user;

	(void)store;
	(void)err;
	(*n)++;
	return RC_OK;
}

/* What is held did not fail: whatever is in one transaction with it is done once. */
static void
what_is_held_is_no_failure(void **state)
{
	struct buf		dsse = BUF_INIT(DSSE_BYTES_MAX);
	struct sequencer	*s = rig->c.sequencer;
	unsigned		runs = 0;
	bool			kept;
	struct submission	held, other = { .fn = count, .user = &runs }, *batch[2] = { &held, &other };
	struct err		err;

	(void)state;
	/* When the second is done the thread has signed its checkpoint, and the log is ours alone. */
	assert_int_equal(sequencer_do(s, count, &runs, &err), RC_OK);
	assert_int_equal(sequencer_do(s, count, &runs, &err), RC_OK);
	runs = 0;
	rig_revocation(rig, NET_LEGAL, &dsse);
	held = (struct submission){ .dsse = buf_view(&dsse) };
	they_show(clock_now() - DAY);
	assert_int_equal(sequence_batch(s, batch, 2, 1, SPAN(NULL, 0), &kept), 1);
	assert_int_equal(held.rc, RC_UNSURE);
	assert_non_null(strstr(held.err.msg, "clock is ahead"));
	assert_int_equal(held.fate, FATE_REFUSED);
	assert_int_equal(other.rc, RC_OK);
	assert_int_equal(other.fate, FATE_DONE);
	assert_int_equal(runs, 1);
	buf_done(&dsse);
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(more_than_few_hold),
		cmocka_unit_test(the_allowance_is_theirs),
		cmocka_unit_test(the_last_entry_holds_as_well),
		cmocka_unit_test(only_who_said_it_lately),
		cmocka_unit_test(their_clocks_go_on),
		cmocka_unit_test(a_start_waits_for_a_quorum),
		T(nothing_is_logged_ahead),
		T(a_log_that_is_ahead_is_told),
		T(the_first_waits_to_hear),
		T(what_is_held_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

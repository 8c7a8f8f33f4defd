/* Cosignatures: q of them make a note, and nothing else does. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coordinator/cosigning.h"
#include "edge/edge.h"
#include "tests/unit/coordinator/rig.h"
#include "tests/unit/fault.h"

#define LOGGED_AT	1000u	/* the last entry under each checkpoint */

struct kept {
	unsigned	calls;
	uint64_t	size;
	struct buf	note;
};

static void
keep(void *user, uint64_t size, struct span note)
{
	struct kept	*k = user;

	k->calls++;
	k->size = size;
	buf_reset(&k->note);
	buf_span(&k->note, note);
}

struct bench {
	struct rig		 rig;
	struct kept		 kept;
	struct cosigning	*c;
};

static struct bench *
bench_new(void)
{
	struct bench	*b = calloc(1, sizeof(*b));
	struct err	 err;

	assert_non_null(b);
	rig_init(&b->rig);
	b->kept.note = BUF_INIT(NOTE_BYTES_MAX);
	assert_int_equal(cosigning_new(b->rig.c.first, keep, &b->kept, &b->c, &err), RC_OK);
	return b;
}

static void
bench_free(struct bench *b)
{
	cosigning_free(b->c);
	buf_done(&b->kept.note);
	rig_done(&b->rig);
	free(b);
}

static void
offer(struct bench *b, uint64_t size, uint64_t now_ms)
{
	struct checkpoint	cp = { .size = size };
	struct buf		text = BUF_INIT(NOTE_BYTES_MAX), line = BUF_INIT(NOTE_BYTES_MAX);
	struct note_key		key;
	struct err		err;
	uint8_t			sig[NOTE_SIG_BYTES];

	memcpy(cp.origin, b->rig.c.first->origin, sizeof(b->rig.c.first->origin) - 1);
	memset(cp.root, (int)size, sizeof(cp.root));
	checkpoint_text(&cp, &text);
	assert_int_equal(charter_log_note_key(b->rig.c.first, &key, &err), RC_OK);
	assert_int_equal(b->rig.c.log.sign(b->rig.c.log.user, buf_view(&text), sig, &err), RC_OK);
	note_sig_line(&key, 0, sig, &line);
	assert_int_equal(cosigning_offer(b->c, &cp, LOGGED_AT, buf_view(&line), now_ms, &err), RC_OK);
	buf_done(&text);
	buf_done(&line);
}

static uint64_t
target(struct bench *b, uint64_t now_ms, struct buf *note)
{
	struct target	t = { .note = BUF_INIT(NOTE_BYTES_MAX) };
	struct err	err;

	assert_int_equal(cosigning_target(b->c, now_ms, &t, &err), RC_OK);
	if (note != NULL) {
		buf_reset(note);
		buf_span(note, buf_view(&t.note));
	}
	buf_done(&t.note);
	return t.size;
}

/* custodian's line, by the key of `by`, over the target of `size`. */
static enum rc
add(struct bench *b, uint8_t custodian, uint8_t by, uint64_t size, uint64_t now_ms)
{
	struct buf	note = BUF_INIT(NOTE_BYTES_MAX), line = BUF_INIT(1024);
	struct err	err;
	enum rc		rc;

	(void)target(b, now_ms, &note);
	rig_line(&b->rig, by, rig_text(buf_view(&note)), &line);
	rc = cosigning_add(b->c, custodian, size, buf_view(&line), now_ms, &err);
	buf_done(&note);
	buf_done(&line);
	return rc;
}

/* Older than the last entry under it: whoever reads the log later would not count it. */
static void
dated_before_the_entries(void **state)
{
	struct bench	*b = bench_new();
	struct buf	 note = BUF_INIT(NOTE_BYTES_MAX), line = BUF_INIT(1024);
	struct err	 err;

	(void)state;
	offer(b, 7, 0);
	(void)target(b, 0, &note);
	rig_line_at(&b->rig, 1, LOGGED_AT - 1, rig_text(buf_view(&note)), &line);
	assert_int_equal(cosigning_add(b->c, 1, 7, buf_view(&line), 0, &err), RC_VERIFY);
	assert_int_equal(cosigning_have(b->c, 7), 0);
	buf_reset(&line);
	rig_line_at(&b->rig, 1, LOGGED_AT, rig_text(buf_view(&note)), &line);
	assert_int_equal(cosigning_add(b->c, 1, 7, buf_view(&line), 0, &err), RC_OK);
	assert_int_equal(cosigning_have(b->c, 7), 1);
	buf_done(&note);
	buf_done(&line);
	bench_free(b);
}

static void
quorum_makes_a_note(void **state)
{
	struct bench		*b = bench_new();
	struct checkpoint	 cp;
	struct err		 err;
	uint8_t			 i;

	(void)state;
	offer(b, 7, 0);
	assert_int_equal(target(b, 0, NULL), 7);
	for (i = 1; i < b->rig.c.first->q; i++)
		assert_int_equal(add(b, i, i, 7, 0), RC_OK);
	/* The same again is not another one. */
	assert_int_equal(add(b, 1, 1, 7, 0), RC_OK);
	assert_int_equal(b->kept.calls, 0);
	assert_int_equal(cosigning_have(b->c, 7), b->rig.c.first->q - 1u);
	assert_int_equal(add(b, i, i, 7, 0), RC_OK);
	assert_int_equal(b->kept.calls, 1);
	assert_int_equal(b->kept.size, 7);
	assert_int_equal(charter_checkpoint_verify(b->rig.c.first, buf_view(&b->kept.note),
	    true, &cp, NULL, &err), RC_OK);
	assert_int_equal(cp.size, 7);
	/* One more is welcome and makes no second note. */
	assert_int_equal(add(b, 5, 5, 7, 0), RC_OK);
	assert_int_equal(b->kept.calls, 1);
	bench_free(b);
}

static void
bad_lines_do_not_count(void **state)
{
	struct bench	*b = bench_new();
	struct err	 err;
	uint8_t		 i;

	(void)state;
	offer(b, 7, 0);
	assert_int_not_equal(add(b, 1, 2, 7, 0), RC_OK);	/* another custodian's key */
	assert_int_equal(add(b, 1, 1, 8, 0), RC_MISSING);	/* of no target */
	assert_int_equal(add(b, 0, 1, 7, 0), RC_BUG);
	assert_int_equal(add(b, 6, 1, 7, 0), RC_BUG);
	assert_int_not_equal(cosigning_add(b->c, 1, 7, SPAN_STR("x"), 0, &err), RC_OK);
	for (i = 1; i < b->rig.c.first->q; i++)
		assert_int_equal(add(b, i, i, 7, 0), RC_OK);
	assert_int_equal(b->kept.calls, 0);
	bench_free(b);
}

static void
gathers_on_one_target(void **state)
{
	struct bench	*b = bench_new();
	uint8_t		 i;

	(void)state;
	assert_int_equal(target(b, 0, NULL), 0);
	offer(b, 7, 0);
	offer(b, 8, 10);
	offer(b, 6, 10);		/* smaller than what is there: never */
	assert_int_equal(target(b, COSIGNING_PATIENCE_MS - 1, NULL), 7);
	for (i = 1; i <= b->rig.c.first->q; i++)
		assert_int_equal(add(b, i, i, 7, 20), RC_OK);
	assert_int_equal(target(b, 20, NULL), 8);
	/* A late line for the one before still counts for it. */
	assert_int_equal(cosigning_have(b->c, 8), 0);
	bench_free(b);
}

static void
patience_ends_and_grows(void **state)
{
	struct bench	*b = bench_new();
	uint8_t		 i;

	(void)state;
	offer(b, 7, 0);
	assert_int_equal(add(b, 1, 1, 7, 0), RC_OK);
	offer(b, 8, 1);
	assert_int_equal(target(b, COSIGNING_PATIENCE_MS, NULL), 8);
	offer(b, 9, COSIGNING_PATIENCE_MS);
	assert_int_equal(target(b, 2 * COSIGNING_PATIENCE_MS, NULL), 8);
	assert_int_equal(target(b, 3 * COSIGNING_PATIENCE_MS, NULL), 9);
	/* With q it is as short as before. */
	for (i = 1; i <= b->rig.c.first->q; i++)
		assert_int_equal(add(b, i, i, 9, 3 * COSIGNING_PATIENCE_MS), RC_OK);
	offer(b, 10, 10 * COSIGNING_PATIENCE_MS);
	offer(b, 11, 10 * COSIGNING_PATIENCE_MS);
	assert_int_equal(target(b, 11 * COSIGNING_PATIENCE_MS, NULL), 11);
	bench_free(b);
}

static void *
publish_soon(void *arg)
{
	struct bench	*b = arg;
	struct err	 err;

	cosigning_pause(b->c, 50);
	return cosigning_publish(b->c, 9, SPAN_STR("note"), &err) == RC_OK ? b : NULL;
}

static void
waiters_see_what_is_published(void **state)
{
	struct bench	*b = bench_new();
	struct buf	 note = BUF_INIT(64);
	struct err	 err;
	uint64_t	 size;
	unsigned	 have;
	pthread_t	 t;

	(void)state;
	offer(b, 9, 0);
	assert_int_equal(add(b, 2, 2, 9, 0), RC_OK);
	assert_int_equal(cosigning_wait(b->c, 9, 20, &have, &err), RC_UNSURE);
	assert_int_equal(have, 1);
	assert_int_equal(pthread_create(&t, NULL, publish_soon, b), 0);
	assert_int_equal(cosigning_wait(b->c, 9, 10000, &have, &err), RC_OK);
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_int_equal(cosigning_wait(b->c, 10, 0, &have, &err), RC_UNSURE);
	/* Never back to a smaller one. */
	assert_int_equal(cosigning_publish(b->c, 8, SPAN_STR("old"), &err), RC_OK);
	assert_int_equal(cosigning_latest(b->c, &note, &size, &err), RC_OK);
	assert_int_equal(size, 9);
	assert_true(span_eq(buf_view(&note), SPAN_STR("note")));
	cosigning_wake(b->c);
	assert_int_equal(cosigning_wait(b->c, 10, 10000, &have, &err), RC_UNSURE);
	buf_done(&note);
	bench_free(b);
}

static void
no_memory(void **state)
{
	struct bench		*b = bench_new();
	struct cosigning	*c = NULL;
	struct err		 err;
	unsigned long		 n;
	enum rc			 rc;

	(void)state;
	for (n = 1;; n++) {
		fault_at(n);
		rc = cosigning_new(b->rig.c.first, keep, &b->kept, &c, &err);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
		assert_null(c);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 1);
	cosigning_free(c);
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(quorum_makes_a_note),
		cmocka_unit_test(dated_before_the_entries),
		cmocka_unit_test(bad_lines_do_not_count),
		cmocka_unit_test(gathers_on_one_target),
		cmocka_unit_test(patience_ends_and_grows),
		cmocka_unit_test(waiters_see_what_is_published),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

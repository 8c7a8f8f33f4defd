/* Disks that fail and memory that runs out: the old state or the new one, never half. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/store/db.h"
#include "tests/unit/fault.h"
#include "tests/unit/store/place.h"
#include "tests/unit/store/shim.h"

#define OLD	3U		/* batches before the step under test */
#define COUNT	40U

static struct batch	batches[OLD + 2];	/* made before memory runs out */

/* One step of a custodian: a batch, a value, a journal record, a verdict. */
static enum rc
step(struct store *s, uint64_t number, struct err *err)
{
	const struct state	*st = store_state(s);
	struct verdict		 v = { .type = 2, .effective = true };
	uint8_t			 n = (uint8_t)(number + 1);
	enum rc			 rc;

	memset(v.id, n, sizeof(v.id));
	rc = store_begin(s, err);
	if (rc == RC_OK)
		rc = batch_apply(s, &batches[number], SPAN_STR("entry"), err);
	if (rc == RC_OK)
		rc = st->put(st->user, SPAN_STR("k"), SPAN(&n, 1), err);
	if (rc == RC_OK)
		rc = store_verdict_put(s, number, &v, err);
	if (rc == RC_OK)
		rc = store_put(s, "cosigned", SPAN(&n, 1), err);
	if (rc == RC_OK)
		rc = store_journal_put(s, "held", SPAN(&n, 1), SPAN_STR("v"), err);
	/* Whatever went wrong before, to commit must be safe. */
	if (rc == RC_OK)
		return store_commit(s, err);
	if (store_commit(s, NULL) == RC_OK)
		fail_msg("a broken transaction was committed");
	return rc;
}

static void
one_is(struct store *s, const char *what, struct buf *b, enum rc rc, uint64_t want)
{
	(void)s;
	if (rc != RC_OK || b->n != 1 || b->p[0] != want)
		fail_msg("%s: %s", what, rc_name(rc));
	buf_reset(b);
}

/* All of n steps, and nothing of the next. */
static void
holds(struct store *s, uint64_t n)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(4096);
	const struct state	*st = store_state(s);
	struct escrow_at	 at;
	struct verdict		 v;
	uint64_t		 count = 0;
	uint8_t			 id[ARTIFACT_ID_BYTES], root[SHA256_BYTES], key = (uint8_t)(n + 1);
	bool			 has = true;

	assert_int_equal(store_size(s), n);
	assert_int_equal(store_root_at(s, n, root, NULL), RC_OK);
	assert_int_equal(store_escrow_count(s, &count, NULL), RC_OK);
	assert_int_equal(count, n * COUNT);
	one_is(s, "state", &b, st->get(st->user, SPAN_STR("k"), &b, NULL), n);
	one_is(s, "value", &b, store_get(s, "cosigned", &b, NULL), n);
	assert_int_equal(store_journal_get(s, "held", SPAN(&key, 1), &b, NULL), RC_MISSING);
	assert_int_equal(store_verdict(s, n, &v, NULL), RC_MISSING);
	assert_int_equal(store_verdict(s, n - 1, &v, NULL), RC_OK);
	assert_int_equal(store_shares_has(s, n, &has, NULL), RC_OK);
	assert_false(has);
	assert_int_equal(store_shares_has(s, n - 1, &has, NULL), RC_OK);
	assert_true(has);
	for (uint32_t i = 0; i < COUNT; i++) {
		batch_id(n, i, id);
		assert_int_equal(st->escrow_find(st->user, id, &at, NULL, NULL), RC_MISSING);
		batch_id(n - 1, i, id);
		assert_int_equal(st->escrow_find(st->user, id, &at, &b, NULL), RC_OK);
		buf_reset(&b);
	}
	assert_int_equal(sqlite3_exec(s->db, "PRAGMA integrity_check", NULL, NULL, NULL), SQLITE_OK);
}

static struct place	old_place, place;

static int
setup(void **state)
{
	struct store	*s;

	(void)state;
	place_init(&old_place);
	place_init(&place);
	s = opened(&old_place, STORE_CREATE);
	for (uint64_t i = 0; i < OLD + 2; i++)
		batch_init(&batches[i], i, COUNT, 300);
	for (uint64_t i = 0; i < OLD; i++)
		assert_int_equal(step(s, i, NULL), RC_OK);
	holds(s, OLD);
	store_close(s);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < OLD + 2; i++)
		batch_done(&batches[i]);
	place_done(&old_place);
	place_done(&place);
	return 0;
}

/* After a fault, and after a restart: one of the two, and what was promised. */
static void
check_after(enum rc rc, struct store *same)
{
	AUTO(store_close) struct store *s = NULL;
	uint64_t	size;

	if (same != NULL)
		holds(same, rc == RC_OK ? OLD + 1 : OLD);
	store_close(same);
	s = opened(&place, STORE_OPEN);
	size = store_size(s);
	assert_true(size == OLD || size == OLD + 1);
	if (rc == RC_OK)
		assert_int_equal(size, OLD + 1);
	holds(s, size);
	/* And it goes on. */
	assert_int_equal(step(s, size, NULL), RC_OK);
	holds(s, size + 1);
}

static void
disk_faults(enum shim_mode mode)
{
	struct store	*s;
	unsigned long	 n;
	enum rc		 rc;
	bool		 hit;

	for (n = 1;; n++) {
		place_copy(&old_place, &place);
		s = opened(&place, STORE_OPEN);
		shim_arm(n, mode);
		rc = step(s, OLD, NULL);
		if (mode == SHIM_POWER) {	/* it comes back after the restart */
			store_close(s);
			s = NULL;
		}
		hit = shim_fired();
		if (rc != RC_OK)
			assert_int_equal(rc, RC_IO);
		check_after(rc, s);
		if (!hit)
			break;
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 5);
}

static void
test_disk_once(void **state)
{
	(void)state;
	disk_faults(SHIM_ONCE);
}

static void
test_disk_full(void **state)
{
	(void)state;
	disk_faults(SHIM_FULL);
}

static void
test_power(void **state)
{
	(void)state;
	disk_faults(SHIM_POWER);
}

/* A store that could not be made can be made again. */
static void
test_create(void **state)
{
	struct place	 p;
	struct store	*s;
	unsigned long	 n;
	enum rc		 rc;

	(void)state;
	for (n = 1;; n++) {
		place_init(&p);
		s = NULL;
		shim_arm(n, SHIM_POWER);
		rc = store_open(p.db, STORE_CREATE, &s, NULL);
		store_close(s);
		if (!shim_fired())
			break;
		s = opened(&p, STORE_CREATE);
		assert_int_equal(step(s, 0, NULL), RC_OK);
		store_close(s);
		place_done(&p);
	}
	place_done(&p);
	assert_int_equal(rc, RC_OK);
	assert_true(n > 3);
}

/* Acknowledged means synchronised. */
static void
test_syncs(void **state)
{
	struct store	*s;
	unsigned long	 before;

	(void)state;
	place_copy(&old_place, &place);
	s = opened(&place, STORE_OPEN);
	for (uint8_t i = 0; i < 10; i++) {
		before = shim_syncs();
		assert_int_equal(store_put(s, "x", SPAN(&i, 1), NULL), RC_OK);
		assert_true(shim_syncs() > before);
	}
	store_close(s);
}

/* --- memory: SQLite's own allocations are counted with ours ------------------------ */

static void *
counted_malloc(int n)
{
	return malloc((size_t)n);
}

static void *
counted_realloc(void *p, int n)
{
	return realloc(p, (size_t)n);
}

static int
allocated(void *p)
{
	return p == NULL ? 0 : (int)malloc_usable_size(p);
}

static int
round_up(int n)
{
	return (n + 7) & ~7;
}

static int
nothing(void *user)
{
	(void)user;
	return SQLITE_OK;
}

static void
nothing_more(void *user)
{
	(void)user;
}

static void
test_no_memory(void **state)
{
	struct store	*s;
	unsigned long	 n;
	unsigned	 refused = 0;
	enum rc		 rc;
	bool		 hit;

	(void)state;
	for (n = 1;; n++) {
		place_copy(&old_place, &place);
		s = NULL;
		fault_at(n);
		rc = store_open(place.db, STORE_OPEN, &s, NULL);
		if (rc == RC_OK)
			rc = step(s, OLD, NULL);
		hit = fault_fired();
		/* Some memory SQLite can do without. */
		if (rc != RC_OK) {
			assert_int_equal(rc, RC_NOMEM);
			refused++;
		}
		check_after(rc, s);
		if (!hit)
			break;
	}
	assert_int_equal(rc, RC_OK);
	assert_true(refused > 20);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_disk_once),
		cmocka_unit_test(test_disk_full),
		cmocka_unit_test(test_power),
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_syncs),
		cmocka_unit_test(test_no_memory),
	};
	sqlite3_mem_methods	memory = {
		counted_malloc, free, counted_realloc, allocated, round_up,
		nothing, nothing_more, NULL,
	};

	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &memory) != SQLITE_OK)
		return 1;
	shim_register();
	return cmocka_run_group_tests(tests, setup, teardown);
}

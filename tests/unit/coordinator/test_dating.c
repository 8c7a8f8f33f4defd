/* Which time-stamps date the batches of a package, out of a log that is made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/entry.h"
#include "coordinator/dating.h"
#include "coordinator/journal.h"
#include "tests/unit/coordinator/rig.h"

static struct net	net;
static char		dir[64];
static struct reader	reader;
static struct charter	*charter;		/* TSAs "a" and "b" */
static struct tsa	tsas[2];
static struct case_indexes x;
static struct dating	*dating;
static struct err	err;

static int
setup(void **state)
{
	char	path[128];

	(void)state;
	rig_folder(dir);
	(void)snprintf(path, sizeof(path), "%s/log.db", dir);
	charter = calloc(1, sizeof(*charter));
	dating = calloc(1, sizeof(*dating));
	memset(tsas, 0, sizeof(tsas));
	strcpy(tsas[0].id, "a");
	strcpy(tsas[1].id, "b");
	charter->tsa = tsas;
	charter->n_tsas = 2;
	x = (struct case_indexes){ .index = NULL };
	return store_open(path, STORE_CREATE, &reader.store, &err) == RC_OK &&
	    replica_new(store_state(reader.store), net.genesis, &reader.replica, &err) == RC_OK &&
	    store_begin(reader.store, &err) == RC_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	dating_done(dating);
	case_indexes_done(&x);
	replica_free(reader.replica);
	store_rollback(reader.store);
	store_close(reader.store);
	rig_remove(dir);
	free(dating);
	free(charter);
	return 0;
}

/* ---- a log ------------------------------------------------------------------------- */

static void
add(enum statement_type type, bool effective, struct span leaf)
{
	struct verdict	v = { .type = (uint8_t)type, .effective = effective };
	uint64_t	index = store_size(reader.store);

	memcpy(v.id, &index, sizeof(index));
	assert_int_equal(store_append(reader.store, leaf, &err), RC_OK);
	assert_int_equal(store_verdict_put(reader.store, index, &v, &err), RC_OK);
	assert_int_equal(journal_entry(reader.store, index, &v, &err), RC_OK);
}

static void
other(void)
{
	add(STATEMENT_REQUEST, true, SPAN_STR("something else"));
}

/* It is of the case. */
static void
batch(void)
{
	assert_int_equal(case_indexes_add(&x, store_size(reader.store), &err), RC_OK);
	add(STATEMENT_BATCH, true, SPAN_STR("a batch"));
}

/* What the state says of a TSA. */
static void
remember(const char *tsa, uint64_t index, uint64_t size)
{
	const struct state	*st = store_state(reader.store);
	struct buf		 value = BUF_INIT(24);
	uint8_t			 key[2] = { 't', (uint8_t)tsa[0] };

	buf_u64(&value, index);
	buf_u64(&value, size);
	buf_u64(&value, NET_START);
	assert_int_equal(st->put(st->user, SPAN_OF(key), buf_view(&value), &err), RC_OK);
	buf_done(&value);
}

/* An anchor of the log up to there. */
static void
anchor(const char *tsa, uint64_t size, bool effective)
{
	struct statement	s;
	struct buf		dsse = BUF_INIT(DSSE_BYTES_MAX), leaf = BUF_INIT(DSSE_BYTES_MAX + 8), blob = BUF_INIT(64);

	net_statement(&net, &s, STATEMENT_ANCHOR);
	(void)snprintf(s.u.anchor.tsa, sizeof(s.u.anchor.tsa), "%s", tsa);
	s.u.anchor.size = size;
	buf_printf(&blob, "stamped by %s at %llu", tsa, (unsigned long long)size);
	assert_int_equal(store_blob_put(reader.store, buf_view(&blob), s.u.anchor.archive, &err), RC_OK);
	assert_int_equal(statement_sign(&s, &net.log.signer, &dsse, &err), RC_OK);
	entry_write(NET_START, buf_view(&dsse), &leaf);
	if (effective)
		remember(tsa, store_size(reader.store), size);
	add(STATEMENT_ANCHOR, effective, buf_view(&leaf));
	statement_done(&s);
	buf_done(&dsse);
	buf_done(&leaf);
	buf_done(&blob);
}

static void
choose(uint64_t size)
{
	assert_int_equal(dating_choose(&reader, charter, size, &x, &err), RC_OK);
	assert_int_equal(dating_load(&reader, &x, dating, &err), RC_OK);
}

static void
dates(size_t i, uint64_t index, const char *blob, size_t n, ...)
{
	const struct package_anchor	*a = &dating->anchor[i];
	uint8_t				 root[TREE_HASH_BYTES], leaf[TREE_HASH_BYTES];
	va_list				 batches;

	assert_true(i < dating->n);
	assert_int_equal(a->index, index);
	assert_true(span_eq(a->archive, span_str(blob)));
	assert_true(span_eq(dating->archive[i], a->archive));
	assert_int_equal(a->n, n);
	assert_int_equal(store_root_at(reader.store, dating->size[i], root, &err), RC_OK);
	va_start(batches, n);
	for (size_t j = 0; j < n; j++) {
		assert_int_equal(a->batch[j].batch, va_arg(batches, int));
		tree_leaf(SPAN_STR("a batch"), leaf);
		assert_int_equal(tree_inclusion_verify(leaf, a->batch[j].batch, dating->size[i], &a->batch[j].path, root,
		    &err), RC_OK);
	}
	va_end(batches);
}

/* ---- which ------------------------------------------------------------------------- */

static void
small_log(void)
{
	other();		/* 0 */
	anchor("a", 1, true);	/* before all of it */
	batch();		/* 2 */
	batch();		/* 3 */
	anchor("a", 3, true);	/* 4: of the first alone */
	anchor("b", 4, false);	/* 5: void */
	anchor("gone", 4, true);	/* 6: of a TSA that the charter does not list any more */
	anchor("a", 4, true);	/* 7 */
	anchor("a", 7, true);	/* 8: both are dated already by this one */
	anchor("b", 4, true);	/* 9 */
	anchor("a", 9, true);	/* 10 */
}

static void
the_first_of_each(void **state)
{
	(void)state;
	small_log();
	choose(11);
	assert_int_equal(x.n, 5);
	assert_int_equal(dating->n, 3);
	dates(0, 4, "stamped by a at 3", 1, 2);
	dates(1, 7, "stamped by a at 4", 1, 3);
	dates(2, 9, "stamped by b at 4", 2, 2, 3);
}

static void
none_that_no_quorum_covers(void **state)
{
	(void)state;
	small_log();
	choose(7);
	assert_int_equal(dating->n, 1);
	dates(0, 4, "stamped by a at 3", 1, 2);
}

static void
none_where_there_is_none(void **state)
{
	(void)state;
	other();
	choose(1);		/* no batches */
	batch();
	choose(2);		/* no anchors */
	anchor("a", 1, true);
	choose(3);		/* nothing of the batch */
	charter->n_tsas = 0;
	anchor("a", 3, true);
	choose(4);		/* no TSAs */
	assert_int_equal(x.n, 1);
	assert_int_equal(dating->n, 0);
}

/* A batch, a stamp by each, 300 times: fewer stamps are taken, and each batch has its two. */
static void
not_more_than_fit(void **state)
{
	unsigned	*by = calloc(2 * 900, sizeof(*by));
	size_t		 n = 0;

	(void)state;
	for (uint64_t i = 0; i < 300; i++) {
		batch();
		anchor("a", 3 * i + 1, true);
		anchor("b", 3 * i + 1, true);
	}
	choose(900);
	assert_int_equal(dating->n, PACKAGE_ANCHORS_MAX);
	for (size_t i = 0; i < dating->n; i++) {
		assert_true(dating->anchor[i].n > 0);
		for (size_t j = 0; j < dating->anchor[i].n; j++, n++)
			by[2 * dating->anchor[i].batch[j].batch + (dating->tsa[i][0] == 'b')]++;
	}
	assert_int_equal(n, 600);
	for (uint64_t i = 0; i < 300; i++)
		assert_true(by[2 * 3 * i] == 1 && by[2 * 3 * i + 1] == 1);
	free(by);
}

/* So many batches that only one TSA fits: the first. */
static void
not_more_than_a_package_proves(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= PACKAGE_ANCHORED_MAX / 2; i++)
		batch();
	anchor("b", x.n, true);
	anchor("a", x.n, true);
	choose(store_size(reader.store));
	assert_int_equal(dating->n, 1);
	assert_int_equal(dating->anchor[0].n, PACKAGE_ANCHORED_MAX / 2 + 1);
	assert_string_equal(dating->tsa[0], "a");
}

/* That a case is full is no reason to refuse it. */
static void
a_full_case_goes_without(void **state)
{
	(void)state;
	batch();
	while (x.n < CASE_ENTRIES_MAX - 256) {
		assert_int_equal(case_indexes_add(&x, store_size(reader.store), &err), RC_OK);
		other();
	}
	anchor("a", 1, true);
	choose(store_size(reader.store));
	assert_int_equal(x.n, CASE_ENTRIES_MAX - 256);
	assert_int_equal(dating->n, 0);
}

/* Anchors without end that are void: it is looked no further. */
static void
reads_are_bounded(void **state)
{
	struct verdict	v = { .type = STATEMENT_ANCHOR, .effective = false };

	(void)state;
	batch();
	for (uint64_t i = 1; i <= DATING_READS_MAX; i++)
		assert_int_equal(journal_entry(reader.store, i, &v, &err), RC_OK);
	remember("a", UINT64_MAX, 2);
	v.effective = true;		/* and then one that is not even there */
	assert_int_equal(journal_entry(reader.store, 1 + DATING_READS_MAX, &v, &err), RC_OK);
	choose(UINT64_MAX);
	assert_int_equal(dating->n, 0);
}

static int
group_setup(void **state)
{
	(void)state;
	net_init(&net);
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	net_done(&net);
	return 0;
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		T(the_first_of_each),
		T(none_that_no_quorum_covers),
		T(none_where_there_is_none),
		T(not_more_than_fit),
		T(not_more_than_a_package_proves),
		T(a_full_case_goes_without),
		T(reads_are_bounded),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}

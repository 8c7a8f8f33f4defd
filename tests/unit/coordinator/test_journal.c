/* The journals beside the log, and the record that a release is finished from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coordinator/journal.h"
#include "coordinator/making.h"
#include "evidence/cms.h"
#include "tests/unit/coordinator/rig.h"
#include "tests/unit/fault.h"

#define N	3

static char		dir[64];
static struct store	*store;
static struct err	err;

static int
setup(void **state)
{
	char	path[128];

	(void)state;
	rig_folder(dir);
	(void)snprintf(path, sizeof(path), "%s/log.db", dir);
	return store_open(path, STORE_CREATE, &store, &err) == RC_OK &&
	    store_begin(store, &err) == RC_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	store_rollback(store);
	store_close(store);
	rig_remove(dir);
	return 0;
}

struct seen { uint64_t index[16]; unsigned n, stop_at; };

static enum rc
on_subject(void *user, uint64_t index, enum statement_type type, bool effective, struct err *e)
{
	struct seen	*s = user;

	(void)type;
	(void)effective;
	(void)e;
	if (s->n == s->stop_at)
		return RC_LIMIT;
	s->index[s->n++] = index;
	return RC_OK;
}

static enum rc
on_kind(void *user, uint64_t index, bool effective, const uint8_t id[SHA256_BYTES], struct err *e)
{
	assert_int_equal(id[0], (uint8_t)index);
	return on_subject(user, index, STATEMENT_UNKNOWN, effective, e);
}

static void
put(uint64_t index, uint8_t subject, enum statement_type type)
{
	struct verdict	v = { .type = (uint8_t)type, .effective = true };

	v.id[0] = (uint8_t)index;
	v.subject[0] = subject;
	assert_int_equal(journal_entry(store, index, &v, &err), RC_OK);
}

static void
entries_are_found_by_subject_and_kind(void **state)
{
	uint8_t		subject[SHA256_BYTES] = { 5 };
	struct seen	s = { .stop_at = 16 };

	(void)state;
	put(300, 5, STATEMENT_DECISION);
	put(2, 5, STATEMENT_DECISION);
	put(7, 4, STATEMENT_REQUEST);
	put(9, 6, STATEMENT_DECISION);
	put(65536, 5, STATEMENT_ORDER);
	assert_int_equal(journal_subject(store, subject, on_subject, &s, &err), RC_OK);
	assert_int_equal(s.n, 3);		/* in log order, and of no neighbour */
	assert_int_equal(s.index[0], 2);
	assert_int_equal(s.index[1], 300);
	assert_int_equal(s.index[2], 65536);

	s = (struct seen){ .stop_at = 1 };	/* "enough" is not a failure */
	assert_int_equal(journal_subject(store, subject, on_subject, &s, &err), RC_OK);
	assert_int_equal(s.n, 1);

	s = (struct seen){ .stop_at = 16 };
	assert_int_equal(journal_kind(store, STATEMENT_DECISION, UINT64_MAX, on_kind, &s, &err), RC_OK);
	assert_int_equal(s.n, 3);
	s = (struct seen){ .stop_at = 16 };
	assert_int_equal(journal_kind(store, STATEMENT_DECISION, 2, on_kind, &s, &err), RC_OK);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.index[0], 9);
	s = (struct seen){ .stop_at = 16 };
	assert_int_equal(journal_kind(store, STATEMENT_GARBAGE, UINT64_MAX, on_kind, &s, &err), RC_OK);
	assert_int_equal(s.n, 0);
}

static size_t
pending(uint8_t custodian, uint64_t first)
{
	uint64_t	batch[8];
	size_t		n;

	assert_int_equal(journal_pending(store, custodian, first, batch, 8, &n, &err), RC_OK);
	return n;
}

static void
vectors_stay_for_ever(void **state)
{
	const struct span	vector[N] = { SPAN_STR("one"), SPAN_STR("two"), SPAN_STR("three") };
	struct buf		b = BUF_INIT(64);
	uint64_t		count;
	uint8_t			i;

	(void)state;
	assert_int_equal(journal_spool(store, 4, vector, N, &err), RC_OK);
	assert_int_equal(journal_spool(store, 9, vector, N, &err), RC_OK);
	assert_int_equal(pending(2, 0), 2);
	assert_int_equal(pending(2, 5), 1);
	assert_int_equal(pending(2, 10), 0);
	for (i = 1; i < N; i++)
		assert_int_equal(journal_hold(store, 4, i, SPAN_STR("held"), &err), RC_OK);
	assert_int_equal(journal_held_count(store, 4, N), N - 1);
	assert_int_equal(pending(1, 0), 1);
	assert_int_equal(pending(3, 0), 2);
	/* One that holds may still lose its disk: its vector is here. */
	assert_int_equal(journal_vector(store, 4, 1, &b, &err), RC_OK);
	assert_true(span_eq(buf_view(&b), vector[0]));
	assert_int_equal(journal_pending_count(store, 100, &count, &err), RC_OK);
	assert_int_equal(count, 2 * N - (N - 1));

	assert_int_equal(journal_hold(store, 4, N, SPAN_STR("held"), &err), RC_OK);
	/* ... and so may all of them. */
	for (i = 1; i <= N; i++) {
		buf_reset(&b);
		assert_int_equal(journal_vector(store, 4, i, &b, &err), RC_OK);
		assert_true(span_eq(buf_view(&b), vector[i - 1]));
	}
	assert_int_equal(pending(N, 0), 1);
	assert_int_equal(journal_pending_count(store, 100, &count, &err), RC_OK);
	assert_int_equal(count, N);
	assert_int_equal(journal_held_count(store, 4, N), N);
	buf_done(&b);
}

/* After a rebuild: who holds a batch is asked for, until it has said so. */
static void
unheard_until_it_is_said(void **state)
{
	uint64_t	batch[8], count;
	size_t		n;

	(void)state;
	assert_int_equal(journal_unheard_put(store, 4, N, &err), RC_OK);
	assert_int_equal(journal_unheard_put(store, 9, N, &err), RC_OK);
	assert_int_equal(journal_unheard(store, 2, 0, batch, 8, &n, &err), RC_OK);
	assert_int_equal(n, 2);
	assert_int_equal(batch[0], 4);
	assert_int_equal(batch[1], 9);
	assert_int_equal(journal_hold(store, 4, 2, SPAN_STR("held"), &err), RC_OK);
	assert_int_equal(journal_unheard(store, 2, 0, batch, 8, &n, &err), RC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(journal_unheard(store, 2, 10, batch, 8, &n, &err), RC_OK);
	assert_int_equal(n, 0);
	assert_int_equal(journal_unheard(store, 3, 0, batch, 1, &n, &err), RC_OK);
	assert_int_equal(n, 1);
	/* It claims no vector. */
	assert_int_equal(journal_pending_count(store, 100, &count, &err), RC_OK);
	assert_int_equal(count, 0);
	assert_int_equal(journal_held_count(store, 4, N), 1);
}

static void
packages_are_found_again(void **state)
{
	struct package_row	row = { .size = 12345, .order_index = 6, .release_index = 9, .stamps = 2,
				    .good = 7, .bad = 8 }, back;
	uint8_t			request[SHA256_BYTES] = { 3 }, other[SHA256_BYTES] = { 4 };

	(void)state;
	row.sha256[0] = 0xaa;
	row.order[31] = 0xbb;
	assert_int_equal(journal_package_put(store, request, &row, &err), RC_OK);
	assert_int_equal(journal_package(store, request, &back, &err), RC_OK);
	assert_int_equal(back.size, row.size);
	assert_memory_equal(back.sha256, row.sha256, SHA256_BYTES);
	assert_memory_equal(back.order, row.order, SHA256_BYTES);
	assert_int_equal(back.order_index, 6);
	assert_int_equal(back.release_index, 9);
	assert_int_equal(back.good, 7);
	assert_int_equal(back.bad, 8);
	assert_int_equal(back.stamps, 2);
	assert_int_equal(journal_package(store, other, &back, &err), RC_MISSING);
}

static void
fill(struct making *m)
{
	making_init(m);
	m->request[0] = 1;
	m->order[0] = 2;
	m->request_index = 3;
	m->order_index = 7;
	m->good = 5;
	m->bad = 2;
	m->archive = true;
	assert_int_equal(case_indexes_add(&m->indexes, 7, &err), RC_OK);
	assert_int_equal(case_indexes_add(&m->indexes, 0, &err), RC_OK);
	assert_int_equal(case_indexes_add(&m->indexes, 3, &err), RC_OK);
	assert_int_equal(case_indexes_add(&m->indexes, 3, &err), RC_OK);	/* once */
	buf_span(&m->keys, SPAN_STR("keys"));
	buf_span(&m->message[30], SPAN_STR("message"));
}

static void
a_release_in_the_making_comes_back(void **state)
{
	struct making	m, back;
	struct buf	b = BUF_INIT(4096);
	uint8_t		*cut;
	size_t		n;

	(void)state;
	fill(&m);
	assert_int_equal(making_write(&m, &b, &err), RC_OK);
	making_init(&back);
	assert_int_equal(making_parse(buf_view(&b), &back, &err), RC_OK);
	assert_int_equal(back.order_index, 7);
	assert_int_equal(back.good, 5);
	assert_int_equal(back.indexes.n, 3);
	assert_int_equal(back.indexes.index[0], 0);
	assert_int_equal(back.indexes.index[1], 3);
	assert_int_equal(back.indexes.index[2], 7);
	assert_true(span_eq(buf_view(&back.keys), SPAN_STR("keys")));
	assert_true(back.archive && !back.to_recipient);
	making_done(&back);
	for (n = 0; n < b.n; n++) {
		cut = heap_copy(b.p, n);
		making_init(&back);
		assert_int_equal(making_parse(SPAN(cut, n), &back, &err), RC_BUG);
		making_done(&back);
		free(cut);
	}
	buf_u8(&b, 0);
	making_init(&back);
	assert_int_equal(making_parse(buf_view(&b), &back, &err), RC_BUG);
	making_done(&back);
	making_done(&m);
	buf_done(&b);
}

/* As large as 31 answers to the largest scope: more than a record of the store may have. */
static void
all_messages_come_back(void **state)
{
	static const size_t	each = CMS_BYTES_MAX;
	struct making		m, back;
	struct buf		b = BUF_INIT(64);
	struct { uint8_t p[SHA256_BYTES + 1]; } key = { { 1 } };

	(void)state;
	fill(&m);
	for (size_t i = 0; i < CUSTODIANS_MAX; i++) {
		buf_reset(&m.message[i]);
		memset(buf_extend(&m.message[i], each), (int)i, each);
	}
	buf_reset(&m.message[4]);		/* one did not answer */
	assert_int_equal(making_keep(store, &m, &err), RC_OK);
	making_init(&back);
	assert_int_equal(making_read(store, m.request, &back, &err), RC_OK);
	for (size_t i = 0; i < CUSTODIANS_MAX; i++)
		assert_true(span_eq(buf_view(&back.message[i]), buf_view(&m.message[i])));
	assert_int_equal(making_forget(store, &back, &err), RC_OK);
	making_done(&back);
	making_init(&back);
	assert_int_equal(making_read(store, m.request, &back, &err), RC_MISSING);
	for (key.p[SHA256_BYTES] = 1; key.p[SHA256_BYTES] <= CUSTODIANS_MAX; key.p[SHA256_BYTES]++)
		assert_int_equal(store_journal_get(store, "making-message", SPAN_OF(key.p), &b, &err), RC_MISSING);
	making_done(&back);
	making_done(&m);
	buf_done(&b);
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		T(entries_are_found_by_subject_and_kind),
		T(vectors_stay_for_ever),
		T(unheard_until_it_is_said),
		T(packages_are_found_again),
		T(a_release_in_the_making_comes_back),
		T(all_messages_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

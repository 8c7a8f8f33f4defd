/* What custodians checked, and whom a bad share names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "policy/apply_impl.h"
#include "policy/runs.h"
#include "tests/unit/policy/rows.h"

#define BATCHES	40

struct sealed { uint64_t at[BATCHES]; uint8_t id[BATCHES][32]; };

/* Each batch, and now and then something else between them. */
static void
seal(struct net *n, struct sealed *b)
{
	for (size_t i = 0; i < BATCHES; i++) {
		struct descriptor	d;
		struct statement	s;

		if (i % 3 == 0)
			(void)net_log_dsse(n, SPAN_STR("no statement"));
		net_descriptor(n, "standard", &d);
		net_batch(n, &d, 1, &s);
		good(net_log(n, &s, &n->sealer));
		memcpy(b->id[i], s.id, 32);
		b->at[i] = n->range.size - 1;
	}
}

static struct verdict
say(struct net *n, enum statement_type type, uint8_t custodian, uint64_t first,
    const uint8_t id[32])
{
	struct statement	s;

	net_statement(n, &s, type);
	memcpy(s.subject, id, 32);
	if (type == STATEMENT_CHECKED) {
		s.u.checked.custodian = custodian;
		s.u.checked.first = first;
	} else {
		s.u.garbage.custodian = custodian;
		buf_u8(&s.bytes, GARBAGE_SHUT);
		memset(buf_extend(&s.bytes, GARBAGE_SHUT_BYTES - 1), 0,
		    GARBAGE_SHUT_BYTES - 1);
	}
	return net_log(n, &s, &n->signing[custodian - 1]);
}

static bool
is_checked(struct net *n, uint64_t batch, uint8_t custodian)
{
	bool	is;

	assert_int_equal(replica_checked(n->replica, batch, custodian, &is, NULL),
	    RC_OK);
	return is;
}

/* Random runs with gaps, some gaps filled: a list of flags says the same. */
static void
runs_and_gaps(void **state)
{
	uint32_t	rng = 2463534242U;

	(void)state;
	for (int round = 0; round < 8; round++) {
		bool		want[BATCHES] = { false };
		struct sealed	b;
		struct net	n;
		size_t		next = 0;

		net_init(&n);
		seal(&n, &b);
		while (next < BATCHES) {
			size_t	from, to;

			rng = rng * 1664525 + 1013904223;
			from = next + (rng >> 28) % 3;
			to = from + (rng >> 24) % 4;
			if (to >= BATCHES)
				break;
			good(say(&n, STATEMENT_CHECKED, 2, b.at[from], b.id[to]));
			for (size_t i = from; i <= to; i++)
				want[i] = true;
			next = to + 1;
		}
		for (size_t i = 0; i < BATCHES; i++) {
			assert_int_equal(is_checked(&n, b.at[i], 2), want[i]);
			/* Another's word is not this one's. */
			assert_false(is_checked(&n, b.at[i], 1));
			if (i % 4 != 0)
				continue;
			assert_int_equal(say(&n, STATEMENT_CHECKED, 2, b.at[i],
			    b.id[i]).effective, !want[i]);
			assert_true(is_checked(&n, b.at[i], 2));
		}
		net_done(&n);
	}
}

static void
no_batch(void **state)
{
	struct net	n;
	uint64_t	index;
	bool		is = true;

	(void)state;
	net_init(&n);
	(void)net_log_dsse(&n, SPAN_STR("no statement"));
	for (uint64_t i = 0; i < 3; i++) {
		assert_int_equal(replica_checked(n.replica, i, 1, &is, NULL), RC_MISSING);
		assert_int_equal(replica_garbage(n.replica, i, 1, 0, &index, &is, NULL),
		    RC_MISSING);
	}
	assert_true(is);
	net_done(&n);
}

/* Before `checked` it is the sealer's or the custodian's fault, after it the custodian's. */
static void
whose_fault(void **state)
{
	struct sealed	b;
	struct net	n;
	uint64_t	index, want;
	bool		own;

	(void)state;
	net_init(&n);
	seal(&n, &b);
	assert_int_equal(replica_garbage(n.replica, b.at[1], 2, 0, &index, &own,
	    NULL), RC_MISSING);

	/* Never checked. */
	good(say(&n, STATEMENT_GARBAGE, 2, 0, b.id[1]));
	want = n.range.size - 1;
	assert_int_equal(replica_garbage(n.replica, b.at[1], 2, 0, &index, &own,
	    NULL), RC_OK);
	assert_int_equal(index, want);
	assert_false(own);
	assert_int_equal(replica_garbage(n.replica, b.at[1], 2, 1, &index, &own,
	    NULL), RC_MISSING);
	assert_int_equal(replica_garbage(n.replica, b.at[1], 3, 0, &index, &own,
	    NULL), RC_MISSING);

	/* Checked since: all but what it had named. */
	good(say(&n, STATEMENT_CHECKED, 2, b.at[0], b.id[2]));
	assert_int_equal(replica_garbage(n.replica, b.at[1], 2, 0, &index, &own,
	    NULL), RC_OK);
	assert_int_equal(index, want);
	assert_false(own);

	/* Named after it was checked, in a run. */
	good(say(&n, STATEMENT_GARBAGE, 2, 0, b.id[2]));
	assert_int_equal(replica_garbage(n.replica, b.at[2], 2, 0, &index, &own,
	    NULL), RC_OK);
	assert_int_equal(index, n.range.size - 1);
	assert_true(own);

	/* ... or alone; and another's checking says nothing of this one's share. */
	good(say(&n, STATEMENT_CHECKED, 2, b.at[5], b.id[5]));
	good(say(&n, STATEMENT_CHECKED, 2, b.at[4], b.id[4]));
	good(say(&n, STATEMENT_GARBAGE, 2, 0, b.id[4]));
	good(say(&n, STATEMENT_GARBAGE, 3, 0, b.id[4]));
	assert_int_equal(replica_garbage(n.replica, b.at[4], 2, 0, &index, &own,
	    NULL), RC_OK);
	assert_true(own);
	assert_int_equal(replica_garbage(n.replica, b.at[4], 3, 0, &index, &own,
	    NULL), RC_OK);
	assert_false(own);
	net_done(&n);
}

/* state-v1 section 3, to the byte. */
static void
records(void **state)
{
	static const uint8_t	count[] = { 'c', 2 };
	uint8_t			key[10] = { 'c', 2 };
	struct buf		v = BUF_INIT(64);
	struct sealed		b;
	struct net		n;
	const struct state	*st;

	(void)state;
	net_init(&n);
	seal(&n, &b);
	good(say(&n, STATEMENT_CHECKED, 2, b.at[0], b.id[3]));
	good(say(&n, STATEMENT_CHECKED, 2, b.at[4], b.id[4]));
	st = memstate_state(n.mem);
	assert_int_equal(st->get(st->user, SPAN_OF(count), &v, NULL), RC_OK);
	assert_int_equal(v.n, 8);
	assert_int_equal(v.p[7], 2);
	buf_reset(&v);
	key[9] = 1;
	assert_int_equal(st->get(st->user, SPAN_OF(key), &v, NULL), RC_OK);
	assert_int_equal(v.n, 24);
	assert_int_equal(v.p[7], b.at[4]);
	assert_int_equal(v.p[15], b.at[4]);
	assert_int_equal(v.p[23], n.range.size - 1);
	buf_reset(&v);
	key[9] = 2;
	assert_int_equal(st->get(st->user, SPAN_OF(key), &v, NULL), RC_MISSING);
	buf_done(&v);
	net_done(&n);
}

/* Records that nobody wrote are a fault, not an answer. */
static void
damaged(void **state)
{
	static const uint8_t	count[] = { 'c', 2 }, zero[8], two[8] = { [7] = 2 };
	uint8_t			run[10] = { 'c', 2 };
	struct net		n;
	const struct state	*st;
	struct run		r;

	(void)state;
	net_init(&n);
	st = memstate_state(n.mem);
	assert_int_equal(runs_last(st, 2, &r, NULL), RC_OK);
	assert_int_equal(r.last, 0);
	assert_int_equal(st->put(st->user, SPAN_OF(count), SPAN_OF(zero), NULL), RC_OK);
	assert_int_equal(runs_last(st, 2, &r, NULL), RC_BUG);
	assert_int_equal(st->put(st->user, SPAN_OF(count), SPAN(two, 7), NULL), RC_OK);
	assert_int_equal(runs_last(st, 2, &r, NULL), RC_BUG);
	assert_int_equal(st->put(st->user, SPAN_OF(count), SPAN_OF(two), NULL), RC_OK);
	assert_int_equal(runs_last(st, 2, &r, NULL), RC_BUG);
	run[9] = 1;
	assert_int_equal(st->put(st->user, SPAN_OF(run), SPAN_OF(two), NULL), RC_OK);
	assert_int_equal(runs_last(st, 2, &r, NULL), RC_BUG);
	assert_int_equal(runs_find(st, 2, 1, &r, NULL), RC_BUG);
	net_done(&n);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(runs_and_gaps),
		cmocka_unit_test(no_batch),
		cmocka_unit_test(whose_fault),
		cmocka_unit_test(records),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Rows: batches, and what custodians find in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/policy/rows.h"

/* --- sealing --------------------------------------------------------------- */

typedef void (*twist)(struct net *n, struct descriptor *d, struct statement *s);

/* before: twists the descriptor; after: the statement made of it. */
static struct verdict
batch(struct net *n, twist before, twist after)
{
	struct descriptor	d;
	struct statement	s;

	net_descriptor(n, "standard", &d);
	if (before != NULL)
		before(n, &d, NULL);
	net_batch(n, &d, 1, &s);
	if (after != NULL)
		after(n, &d, &s);
	return net_log(n, &s, &n->sealer);
}

#define TWIST(name, before_code, after_code)					\
	static void								\
	name##_before(struct net *n, struct descriptor *d, struct statement *s)	\
	{									\
		(void)n; (void)d; (void)s;					\
		before_code;							\
	}									\
	static void								\
	name##_after(struct net *n, struct descriptor *d, struct statement *s)	\
	{									\
		(void)n; (void)d; (void)s;					\
		after_code;							\
	}									\
	static struct verdict							\
	name(struct net *n)							\
	{									\
		return batch(n, name##_before, name##_after);			\
	}									\
	struct name##_semicolon

TWIST(batch_plain, , );
TWIST(batch_root, , s->subject[0] ^= 1);
TWIST(batch_count, , s->u.batch.count = 2);
TWIST(batch_custodians, , s->u.batch.n = 4);
TWIST(batch_epoch, , s->u.batch.custodian[2].epoch = 2);
TWIST(batch_form, , s->u.batch.custodian[2].encapsulation[0] = 6);
TWIST(batch_point, , s->u.batch.custodian[2].encapsulation[7] ^= 1);
TWIST(batch_policy, d->policy[0] ^= 1, );
TWIST(batch_class, strcpy(d->class_id, "other"), );
TWIST(batch_shares, d->shares = 6, );
TWIST(batch_threshold, d->commits.threshold = 2, );
TWIST(batch_parts, d->n_parts = 0, );
TWIST(batch_commit, memset(d->commits.point[1], 0, 32), );
TWIST(batch_old, d->sealed_at = n->now - 86401, );
TWIST(batch_day_old, d->sealed_at = n->now - 86400, );
TWIST(batch_future, d->sealed_at = n->now + 301, );
TWIST(batch_ahead, d->sealed_at = n->now + 300, );

static struct verdict
batch_again(struct net *n)
{
	struct descriptor	d;
	struct statement	s;

	net_descriptor(n, "standard", &d);
	net_batch(n, &d, 1, &s);
	good(net_log(n, &s, &n->sealer));
	net_batch(n, &d, 1, &s);
	return net_log(n, &s, &n->sealer);
}

static struct verdict
batch_twin(struct net *n)
{
	struct descriptor	d[2];
	struct statement	s;

	net_descriptor(n, "standard", &d[0]);
	d[1] = d[0];
	net_batch(n, d, 2, &s);
	return net_log(n, &s, &n->sealer);
}

/* 40 a day, as the charter of the fixture says. */
static struct verdict
seal_many(struct net *n, uint32_t first, uint32_t then, uint64_t pause)
{
	struct descriptor	*d = calloc(64, sizeof(*d));
	struct statement	 s;
	struct verdict		 v;

	assert_non_null(d);
	for (size_t i = 0; i < 64; i++)
		net_descriptor(n, "standard", &d[i]);
	net_batch(n, d, first, &s);
	good(net_log(n, &s, &n->sealer));
	n->now += pause;
	net_batch(n, d + first, then, &s);
	v = net_log(n, &s, &n->sealer);
	free(d);
	return v;
}

static struct verdict quota_over(struct net *n) { return seal_many(n, 39, 2, 0); }
static struct verdict quota_full(struct net *n) { return seal_many(n, 39, 1, 0); }
static struct verdict quota_next_day(struct net *n) { return seal_many(n, 39, 2, 50400); }

/* --- checked, garbage ------------------------------------------------------ */

/* The index of the entry that sealed it, its id. */
static uint64_t
seal_one(struct net *n, uint8_t ret[32])
{
	struct descriptor	d;
	struct statement	s;

	net_descriptor(n, "standard", &d);
	net_batch(n, &d, 1, &s);
	good(net_log(n, &s, &n->sealer));
	memcpy(ret, s.id, 32);
	return n->range.size - 1;
}

static struct verdict
say_checked(struct net *n, uint64_t first, const uint8_t batch_id[32])
{
	struct statement	s;

	net_statement(n, &s, STATEMENT_CHECKED);
	memcpy(s.subject, batch_id, 32);
	s.u.checked.custodian = 2;
	s.u.checked.first = first;
	return net_log(n, &s, &n->signing[1]);
}

static struct verdict
say_garbage(struct net *n, const uint8_t batch_id[32], uint32_t leaf)
{
	struct statement	s;

	net_statement(n, &s, STATEMENT_GARBAGE);
	memcpy(s.subject, batch_id, 32);
	s.u.garbage.custodian = 2;
	s.u.garbage.leaf = leaf;
	buf_u8(&s.bytes, GARBAGE_SHUT);
	memset(buf_extend(&s.bytes, GARBAGE_SHUT_BYTES - 1), 0, GARBAGE_SHUT_BYTES - 1);
	return net_log(n, &s, &n->signing[1]);
}

static struct verdict
checked(struct net *n)
{
	uint8_t	id[32];

	return say_checked(n, seal_one(n, id), id);
}

static struct verdict
checked_twice(struct net *n)
{
	uint8_t		id[32];
	uint64_t	at = seal_one(n, id);

	good(say_checked(n, at, id));
	return say_checked(n, at, id);
}

static struct verdict
checked_nothing(struct net *n)
{
	uint8_t		id[32];
	uint64_t	at = seal_one(n, id);

	id[0] ^= 1;
	return say_checked(n, at, id);
}

static struct verdict
checked_a_request(struct net *n)
{
	uint8_t	request[32];

	seal_and_ask(n, "standard", request);
	return say_checked(n, 1, request);
}

static struct verdict
checked_a_void_batch(struct net *n)
{
	struct descriptor	d;
	struct statement	s;
	uint8_t			id[32];
	uint64_t		at = seal_one(n, id);

	net_descriptor(n, "standard", &d);
	net_batch(n, &d, 1, &s);
	s.u.batch.n = 4;
	assert_int_equal(net_log(n, &s, &n->sealer).why, VOID_BATCH);
	return say_checked(n, at, s.id);
}

/* Four batches, at [0] .. [3]; a void entry between the second and the third. */
struct four { uint64_t at[4]; uint8_t id[4][32]; };

static void
seal_four(struct net *n, struct four *b)
{
	for (size_t i = 0; i < 4; i++) {
		if (i == 2)
			(void)net_log_dsse(n, SPAN_STR("no statement"));
		b->at[i] = seal_one(n, b->id[i]);
	}
}

static struct verdict
run_of_four(struct net *n)
{
	struct four	b;

	seal_four(n, &b);
	return say_checked(n, b.at[0], b.id[3]);
}

static struct verdict
run_backwards(struct net *n)
{
	struct four	b;

	seal_four(n, &b);
	return say_checked(n, b.at[3], b.id[2]);
}

static struct verdict
run_from_nothing(struct net *n)
{
	struct four	b;

	seal_four(n, &b);
	return say_checked(n, b.at[2] - 1, b.id[3]);
}

static struct verdict
run_from_the_charter(struct net *n)
{
	struct four	b;

	seal_four(n, &b);
	return say_checked(n, 0, b.id[3]);
}

static struct verdict
run_after_run(struct net *n)
{
	struct four	b;

	seal_four(n, &b);
	good(say_checked(n, b.at[0], b.id[1]));
	return say_checked(n, b.at[2], b.id[3]);
}

static struct verdict
run_over_its_last(struct net *n)
{
	struct four	b;

	seal_four(n, &b);
	good(say_checked(n, b.at[0], b.id[1]));
	return say_checked(n, b.at[1], b.id[3]);
}

static struct verdict
run_before(struct net *n)
{
	struct four	b;

	seal_four(n, &b);
	good(say_checked(n, b.at[3], b.id[3]));
	return say_checked(n, b.at[0], b.id[1]);
}

static struct verdict
run_around(struct net *n)
{
	struct four	b;

	seal_four(n, &b);
	good(say_checked(n, b.at[1], b.id[1]));
	return say_checked(n, b.at[0], b.id[3]);
}

static struct verdict
one_in_a_run(struct net *n)
{
	struct four	b;

	seal_four(n, &b);
	good(say_checked(n, b.at[0], b.id[2]));
	return say_checked(n, b.at[1], b.id[1]);
}

static struct verdict
one_in_a_gap(struct net *n)
{
	struct four	b;

	seal_four(n, &b);
	good(say_checked(n, b.at[0], b.id[0]));
	good(say_checked(n, b.at[2], b.id[3]));
	return say_checked(n, b.at[1], b.id[1]);
}

static struct verdict
one_in_a_gap_twice(struct net *n)
{
	struct four	b;

	seal_four(n, &b);
	good(say_checked(n, b.at[2], b.id[3]));
	good(say_checked(n, b.at[1], b.id[1]));
	return say_checked(n, b.at[1], b.id[1]);
}

static struct verdict
garbage(struct net *n)
{
	uint8_t	id[32];

	(void)seal_one(n, id);
	return say_garbage(n, id, 0);
}

static struct verdict
garbage_beyond(struct net *n)
{
	uint8_t	id[32];

	(void)seal_one(n, id);
	return say_garbage(n, id, 1);
}

static struct verdict
garbage_twice(struct net *n)
{
	uint8_t	id[32];

	(void)seal_one(n, id);
	good(say_garbage(n, id, 0));
	return say_garbage(n, id, 0);
}

static struct verdict
garbage_after_checked(struct net *n)
{
	uint8_t	id[32];

	good(say_checked(n, seal_one(n, id), id));
	return say_garbage(n, id, 0);
}

static struct verdict
checked_after_garbage(struct net *n)
{
	uint8_t		id[32];
	uint64_t	at = seal_one(n, id);

	good(say_garbage(n, id, 0));
	return say_checked(n, at, id);
}

const struct row rows_seal[] = {
	{ "batch: another root",		batch_root,		VOID_BATCH },
	{ "batch: another count",		batch_count,		VOID_BATCH },
	{ "batch: a custodian missing",		batch_custodians,	VOID_BATCH },
	{ "batch: another epoch",		batch_epoch,		VOID_BATCH },
	{ "batch: a point compressed",		batch_form,		VOID_BATCH },
	{ "batch: a point off the curve",	batch_point,		VOID_NONE },
	{ "batch: no such policy",		batch_policy,		VOID_BATCH },
	{ "batch: no such class",		batch_class,		VOID_BATCH },
	{ "batch: six shares",			batch_shares,		VOID_BATCH },
	{ "batch: threshold two",		batch_threshold,	VOID_BATCH },
	{ "batch: no part",			batch_parts,		VOID_BATCH },
	{ "batch: a commitment of zero",	batch_commit,		VOID_NONE },
	{ "batch: sealed over a day ago",	batch_old,		VOID_BATCH },
	{ "batch: sealed in the future",	batch_future,		VOID_BATCH },
	{ "batch: over the sealer's quota",	quota_over,		VOID_BATCH },
	{ "batch: an artifact sealed before",	batch_again,		VOID_DUPLICATE },
	{ "batch: one artifact twice",		batch_twin,		VOID_DUPLICATE },
	{ "checked twice",			checked_twice,		VOID_DUPLICATE },
	{ "checked: no such batch",		checked_nothing,	VOID_UNKNOWN_SUBJECT },
	{ "checked: a request",			checked_a_request,	VOID_UNKNOWN_SUBJECT },
	{ "checked: a void batch",		checked_a_void_batch,	VOID_UNKNOWN_SUBJECT },
	{ "checked: a run that ends first",	run_backwards,		VOID_SCOPE },
	{ "checked: from a void entry",		run_from_nothing,	VOID_SCOPE },
	{ "checked: from the charter",		run_from_the_charter,	VOID_SCOPE },
	{ "checked: a run over the last",	run_over_its_last,	VOID_DUPLICATE },
	{ "checked: a run before the last",	run_before,		VOID_DUPLICATE },
	{ "checked: a run around the last",	run_around,		VOID_DUPLICATE },
	{ "checked: one of a run again",	one_in_a_run,		VOID_DUPLICATE },
	{ "checked: one in a gap, twice",	one_in_a_gap_twice,	VOID_DUPLICATE },
	{ "garbage: no such leaf",		garbage_beyond,		VOID_SCOPE },
	{ "garbage twice",			garbage_twice,		VOID_DUPLICATE },

	{ "batch",				batch_plain,		VOID_NONE },
	{ "batch: sealed a day ago",		batch_day_old,		VOID_NONE },
	{ "batch: sealed 300 s ahead",		batch_ahead,		VOID_NONE },
	{ "batch: the quota to the last",	quota_full,		VOID_NONE },
	{ "batch: the quota of the next day",	quota_next_day,		VOID_NONE },
	{ "checked",				checked,		VOID_NONE },
	{ "checked: a run of four",		run_of_four,		VOID_NONE },
	{ "checked: a run after a run",		run_after_run,		VOID_NONE },
	{ "checked: one in a gap",		one_in_a_gap,		VOID_NONE },
	{ "checked: after garbage",		checked_after_garbage,	VOID_NONE },
	{ "garbage",				garbage,		VOID_NONE },
	{ "garbage: after checked",		garbage_after_checked,	VOID_NONE },
};
const size_t n_rows_seal = sizeof(rows_seal) / sizeof(rows_seal[0]);

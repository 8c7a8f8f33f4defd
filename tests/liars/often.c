/*
 * tests/liars/often.c - asked twice, by many at once, ten thousand times: the same bytes,
 * and nothing grows.
 */
#include "tests/liars/liar.h"

#include <sys/stat.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS		32
#define EACH		8
#define OFTEN		10000u
#define RATE		800		/* what is asked slower than this need not be bounded */
#define GROWTH_KIB	8192	/* of memory, over ten thousand answers of some 2 KiB */

static void
ordered(struct liar *l, struct asked *q, struct answer *first)
{
	story_ordered(l, l->story, "standard", q);
	settle(l, l->story);
	ask_order(l, 1, q->order, first);
	want_answer(l, first, RC_OK, NULL, "asked first");
	settle(l, l->story);
}

static void
the_same(struct liar *l, const struct answer *first, const struct answer *a, const char *what)
{
	want(l, a->rc == RC_OK && span_eq(buf_view(&a->bytes), buf_view(&first->bytes)), "%s: %s, %s", what,
	    rc_name(a->rc), a->rc == RC_OK ? "OTHER BYTES" : a->words);
}

/* As often as it lets the coordinator ask: it may have enough of it, and says so. */
static unsigned
ask_patiently(struct liar *l, const uint8_t order[SHA256_BYTES], struct answer *ret)
{
	unsigned	enough = 0;

	for (;;) {
		ask_order(l, 1, order, ret);
		if (ret->rc != RC_LIMIT || enough == 300)
			return enough;
		enough++;
		answer_done(ret);
		wait_ms(100);
	}
}

static void
twice(struct liar *l)
{
	struct answer	first, a;
	struct asked	q;

	ordered(l, &q, &first);
	ask_order(l, 1, q.order, &a);
	the_same(l, &first, &a, "asked again");
	answer_done(&a);
	answer_done(&first);
}

/* --- many at once ------------------------------------------------------------------------- */

struct asking {
	struct liar		*l;
	const struct asked	*q;
	pthread_t		 thread;
	struct answer		 a[EACH];
};

static void *
ask_thread(void *arg)
{
	struct asking	*k = arg;
	unsigned	 i;

	for (i = 0; i < EACH; i++)
		ask_order(k->l, 2, k->q->order, &k->a[i]);
	return NULL;
}

/* The very first answer is asked for by all of them together. */
static void
in_parallel(struct liar *l)
{
	static struct asking	k[THREADS];
	const struct answer	*first = NULL;
	struct asked		 q;
	unsigned		 i, j, good = 0;

	story_ordered(l, l->story, "standard", &q);
	settle(l, l->story);
	for (i = 0; i < THREADS; i++) {
		k[i].l = l;
		k[i].q = &q;
		MUST(pthread_create(&k[i].thread, NULL, ask_thread, &k[i]) == 0);
	}
	for (i = 0; i < THREADS; i++)
		MUST(pthread_join(k[i].thread, NULL) == 0);
	for (i = 0; i < THREADS; i++)
		for (j = 0; j < EACH; j++) {
			struct answer	*a = &k[i].a[j];

			if (a->rc == RC_OK && first == NULL)
				first = a;
			if (a->rc == RC_OK)
				the_same(l, first, a, "in parallel");
			else	/* it may be too busy, and says so */
				want_answer(l, a, RC_LIMIT, NULL, "in parallel");
			good += a->rc == RC_OK;
		}
	want(l, good >= THREADS, "only %u of %u were answered", good, THREADS * EACH);
	for (i = 0; i < THREADS; i++)
		for (j = 0; j < EACH; j++)
			answer_done(&k[i].a[j]);
	settle(l, l->story);
}

/* --- ten thousand times ----------------------------------------------------------------------- */

/* Resident memory of all processes of custodian 1, in KiB, of its session. */
static unsigned long
memory_of(struct liar *l)
{
	char		command[3 * FILE_PATH_MAX];
	unsigned long	kib = 0;
	FILE		*p;

	(void)snprintf(command, sizeof(command), "ps -o rss= -s \"$(cat '%s/custodian-1/pid')\" | awk '{ n += $1 } "
	    "END { print n }'", l->dir);
	p = popen(command, "r");
	MUST(p != NULL && fscanf(p, "%lu", &kib) == 1);
	(void)pclose(p);
	return kib;
}

static long
database_of(struct liar *l)
{
	static const char *const	end[] = { "", "-wal" };
	char				path[FILE_PATH_MAX + 64];
	struct stat			st;
	long				n = 0;
	size_t				i;

	for (i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s/custodian-1/state/replica.db%s", l->dir, end[i]);
		if (stat(path, &st) == 0)
			n += (long)st.st_size;
	}
	return n;
}

static void
ten_thousand_times(struct liar *l)
{
	struct answer	first, a;
	struct asked	q;
	unsigned long	memory;
	uint64_t	began;
	long		database;
	unsigned	i, rate, enough = 0;

	ordered(l, &q, &first);
	for (i = 0; i < 500; i++) {		/* what it needs once, it has then */
		(void)ask_patiently(l, q.order, &a);
		answer_done(&a);
	}
	memory = memory_of(l);
	database = database_of(l);
	began = clock_ms();
	for (i = 0; i < OFTEN && !l->failed; i++) {
		enough += ask_patiently(l, q.order, &a);
		the_same(l, &first, &a, "the ten thousandth time");
		answer_done(&a);
	}
	rate = (unsigned)(OFTEN * UINT64_C(1000) / (clock_ms() - began + 1));
	printf("    %u answers a second, %u times it had enough; %ld KiB of memory more, %ld bytes of database more\n", rate,
	    enough, (long)memory_of(l) - (long)memory, database_of(l) - database);
	want(l, enough > 0 || rate < RATE, "nothing bounds how often it is asked");
	want(l, memory_of(l) < memory + GROWTH_KIB, "memory grew from %lu to %lu KiB", memory, memory_of(l));
	want(l, database_of(l) <= database + 65536, "the database grew from %ld to %ld bytes", database, database_of(l));
	answer_done(&first);
}

/* Orders that are refused cost nothing either: no journal of strangers' making. */
static void
refused_often(struct liar *l)
{
	struct answer	a;
	uint8_t		order[SHA256_BYTES] = { 1 };
	long		database = database_of(l);
	unsigned	i;

	for (i = 0; i < 500; i++) {
		order[1] = (uint8_t)i;
		order[2] = (uint8_t)(i >> 8);
		(void)ask_patiently(l, order, &a);
		want(l, a.rc == RC_MISSING || a.rc == RC_DENIED, "%s \"%s\"", rc_name(a.rc), a.words);
		answer_done(&a);
	}
	want(l, database_of(l) <= database + 65536, "the database grew by %ld bytes", database_of(l) - database);
}

static const struct scenario often[] = {
	{ "twice", twice }, { "in-parallel", in_parallel }, { "ten-thousand-times", ten_thousand_times },
	{ "refused-often", refused_often },
};
const struct theme often_theme = { "often", often, sizeof(often) / sizeof(often[0]) };

/*
 * share_check - how fast sealed shares are held against their commitments, three ways
 * in one run: alone by libsodium, alone and in batches by shamir_shares_verify().
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shamir/shamir.h"

#define N	1024
#define SLICE	64		/* CHECK_SLICE of custodian/check.h */
#define SECONDS	0.7		/* each */

static struct shamir_commits	commits[N];
static const uint8_t		*share[N];

/* Of this process, so that what else runs on the machine does not count. */
static double
now(void)
{
	struct timespec	t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void
must(enum rc rc, const struct err *err)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "share_check: %s: %s\n", rc_name(rc), err->msg);
	exit(2);
}

static enum rc
alone(uint8_t index, size_t at, size_t n, struct err *err)
{
	for (size_t i = at; i < at + n; i++)
		TRY(shamir_share_verify(&commits[i], index, share[i], err));
	return RC_OK;
}

static enum rc
batched(uint8_t index, size_t at, size_t n, struct err *err)
{
	return shamir_shares_verify(commits + at, index, share + at, n, err);
}

/* Shares a second, n at a time. */
static double
rate(enum rc (*check)(uint8_t, size_t, size_t, struct err *), uint8_t index, size_t n)
{
	double		began = now(), took;
	size_t		done = 0;
	struct err	err;

	do {
		must(check(index, done % N, n, &err), &err);
		done += n;
	} while ((took = now() - began) < SECONDS);
	return (double)done / took;
}

static void
measure(struct secret_arena *arena, uint8_t k, uint8_t n, uint8_t index)
{
	AUTO(secret_free) struct secret *s = NULL;
	uint8_t		*all[SHAMIR_SHARES_MAX];
	double		 one, single, slice, whole;
	struct err	 err;

	secret_arena_reset(arena);
	for (size_t i = 0; i < N; i++) {
		secret_free(TAKE(s));
		must(shamir_split(k, n, arena, &s, all, &commits[i], &err), &err);
		share[i] = all[index - 1];
	}
	one = rate(alone, index, 1);
	single = rate(batched, index, 1);
	slice = rate(batched, index, SLICE);
	whole = rate(batched, index, N);
	printf("%2u-of-%-2u %8u %12.0f %12.0f %12.0f %12.0f %9.1f %9.2f\n", k, n, index, one, single, slice, whole,
	    slice / one, SLICE / slice * 1e3);
	(void)fflush(stdout);
}

int
main(void)
{
	static const struct { uint8_t k, n, index; } rows[] = {
		{ 2, 3, 1 }, { 3, 5, 1 }, { 3, 5, 5 }, { 5, 9, 7 }, { 16, 31, 31 }, { 31, 31, 31 },
	};
	AUTO(secret_arena_free) struct secret_arena *arena = NULL;
	struct err	err;

	must(secret_init(&err), &err);
	if ((arena = secret_arena_new((size_t)N * SHAMIR_SHARES_MAX * SHAMIR_SCALAR_BYTES)) == NULL) {
		fprintf(stderr, "share_check: no locked memory: raise ulimit -l\n");
		return 2;
	}
	printf("shares a second, one core\n%-9s %8s %12s %12s %12s %12s %9s %9s\n", "", "index", "libsodium",
	    "batch of 1", "of 64", "of 1024", "64 : one", "ms a 64");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		measure(arena, rows[i].k, rows[i].n, rows[i].index);
	return 0;
}

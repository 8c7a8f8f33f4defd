/*
 * share_check - how fast sealed shares are held against their commitments, three ways
 * in one run: alone by libsodium, alone and in batches by shamir_shares_verify().
 */
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"
#include "shamir/shamir.h"

#define N	1024
#define SLICE	64		/* CHECK_SLICE of custodian/check.h */

static struct shamir_commits	commits[N];
static const uint8_t		*share[N];
static double			 seconds;	/* each */

static enum rc
libsodium_verify(const struct shamir_commits *c, uint8_t index, const uint8_t *own, struct err *err)
{
	uint8_t	promised[SHAMIR_POINT_BYTES], is[SHAMIR_POINT_BYTES];

	TRY(shamir_share_commit(c, index, promised, err));
	TRY(shamir_share_public(own, is, err));
	return memcmp(promised, is, sizeof(is)) == 0 ? RC_OK : err_set(err, RC_VERIFY, "another share");
}

static enum rc
alone(uint8_t index, size_t at, size_t n, struct err *err)
{
	for (size_t i = at; i < at + n; i++)
		TRY(libsodium_verify(&commits[i], index, share[i], err));
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
	double		began = bench_cpu(), took;
	size_t		done = 0;
	struct err	err;

	do {
		bench_must(check(index, done % N, n, &err), &err);
		done += n;
	} while ((took = bench_cpu() - began) < seconds);
	return (double)done / took;
}

static void
split(struct secret_arena *arena, uint8_t k, uint8_t n, uint8_t index)
{
	AUTO(secret_free) struct secret *s = NULL;
	uint8_t		*all[SHAMIR_SHARES_MAX];
	struct err	 err;

	secret_arena_reset(arena);
	for (size_t i = 0; i < N; i++) {
		secret_free(TAKE(s));
		bench_must(shamir_split(k, n, arena, &s, all, &commits[i], &err), &err);
		share[i] = all[index - 1];
	}
}

/* Of the last custodian, whose index costs most. x: how many at a time. */
static void
measure(struct secret_arena *arena, uint8_t k, uint8_t n, int repetitions)
{
	static const size_t	sizes[] = { 1, SLICE, N };
	char			name[40];
	struct bench_series	s = { name, "1/s", "one by one by libsodium alone", "-" };

	(void)snprintf(name, sizeof(name), "share-check-%u-of-%u", k, n);
	bench_axis(name, "shares at a time");
	split(arena, k, n, n);
	for (int i = 0; i < repetitions; i++)
		for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
			double	one = rate(alone, n, 1);

			bench_row(&s, (double)sizes[j], rate(batched, n, sizes[j]), one);
		}
}

int
main(int argc, char **argv)
{
	static const struct { uint8_t k, n; } rows[] = { { 3, 5 }, { 16, 31 }, { 2, 3 }, { 5, 9 }, { 31, 31 } };
	AUTO(secret_arena_free) struct secret_arena *arena = NULL;
	bool	quick = bench_begin(argc, argv) == BENCH_QUICK;

	seconds = quick ? 0.1 : 0.7;
	if ((arena = secret_arena_new((size_t)N * SHAMIR_SHARES_MAX * SHAMIR_SCALAR_BYTES)) == NULL)
		bench_fail("no locked memory: raise ulimit -l");
	for (size_t i = 0; i < (quick ? 2 : sizeof(rows) / sizeof(rows[0])); i++)
		measure(arena, rows[i].k, rows[i].n, quick ? 3 : 5);
	return 0;
}

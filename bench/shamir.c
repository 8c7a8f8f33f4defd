/*
 * shamir - splitting a key, checking shares, contributing and combining, beside the group operations that each needs.
 *
 * What is needed, of libsodium's operations on ristretto255 (x: k; n shares):
 *
 *	split		k multiplications of the base point, by secret scalars: the commitments.
 *	check		k points to decode, the commitments of a share; share * base. (We check 64 at once, as
 *			custodians do.)
 *	contribute	share * label; the proof (RFC 9497): w * label, w * answer, nonce * base, nonce * (w * label);
 *			and share * base, whose discrete logarithm is proved: 4 variable, 2 base.
 *	combine		for each of k contributions its proof: w * label, w * answer, s * base, c * public, s * M, c * Z:
 *			5 variable, 1 base. Then a variable one by its coefficient. The k commitments are decoded once.
 *
 * Not counted, as they are small beside these: additions, multiplications by an index (five bits), scalars, hashes,
 * locked memory. All in CPU time of this process.
 */
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "bench/bench.h"
#include "shamir/shamir.h"

#define SLICE	64			/* CHECK_SLICE of custodian/check.h */

static struct work {
	uint8_t				 k, n;
	struct secret_arena		*arena;
	struct secret			*secret;
	uint8_t				*share[SHAMIR_SHARES_MAX];
	struct shamir_commits		 commits;
	struct shamir_commits		 slice[SLICE];
	const uint8_t			*slice_share[SLICE];
	uint8_t				 label[SHAMIR_POINT_BYTES];
	struct shamir_contribution	 contribution[SHAMIR_SHARES_MAX];
} w;

static struct err	err;

/* ---- ours ------------------------------------------------------------------------------ */

static void
split(void *user)
{
	AUTO(secret_free) struct secret	*s = NULL;
	struct shamir_commits		 c;
	uint8_t				*share[SHAMIR_SHARES_MAX];

	(void)user;
	secret_arena_reset(w.arena);
	bench_must(shamir_split(w.k, w.n, w.arena, &s, share, &c, &err), &err);
}

static void
check(void *user)
{
	(void)user;
	bench_must(shamir_shares_verify(w.slice, w.n, w.slice_share, SLICE, &err), &err);
}

static void
contribute(void *user)
{
	struct shamir_contribution	c;

	(void)user;
	bench_must(shamir_contribute(1, w.share[0], w.label, &c, &err), &err);
}

/* The last k, whose indexes cost most. */
static void
combine(void *user)
{
	AUTO(secret_free) struct secret	*point = NULL;
	uint32_t			 bad;

	(void)user;
	bench_must(shamir_combine(w.contribution + w.n - w.k, w.k, &w.commits, w.label, &bad, &point, &err), &err);
}

/* ---- what they need ---------------------------------------------------------------------- */

static uint8_t	scalar[SHAMIR_SCALAR_BYTES];

static void
operations(unsigned bases, unsigned variables, unsigned decodings)
{
	uint8_t	r[SHAMIR_POINT_BYTES];
	int	bad = 0;

	while (bases-- > 0)
		bad |= crypto_scalarmult_ristretto255_base(r, scalar);
	while (variables-- > 0)
		bad |= crypto_scalarmult_ristretto255(r, scalar, w.label);
	while (decodings-- > 0)
		bad |= crypto_core_ristretto255_is_valid_point(w.label) != 1;
	if (bad != 0)
		bench_fail("libsodium gave no answer");
}

static void
split_needs(void *user)
{
	(void)user;
	operations(w.k, 0, 0);
}

static void
check_needs(void *user)
{
	(void)user;
	operations(SLICE, 0, SLICE * w.k);
}

static void
contribute_needs(void *user)
{
	(void)user;
	operations(2, 4, 0);
}

static void
combine_needs(void *user)
{
	(void)user;
	operations(w.k, 6u * w.k, w.k);
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* A slice of one custodian's shares, and contributions to one label. */
static void
prepare(uint8_t k, uint8_t n)
{
	AUTO(secret_free) struct secret	*s = NULL;
	uint8_t				*share[SHAMIR_SHARES_MAX];
	size_t				 i;

	w.k = k;
	w.n = n;
	bench_must(shamir_label(SPAN_STR("bench"), w.label, &err), &err);
	crypto_core_ristretto255_scalar_random(scalar);
	w.arena = secret_arena_new((size_t)(SLICE + 2) * SHAMIR_SHARES_MAX * SHAMIR_SCALAR_BYTES);
	if (w.arena == NULL)
		bench_fail("no locked memory: raise ulimit -l");
	for (i = 0; i < SLICE; i++) {
		secret_free(TAKE(s));
		bench_must(shamir_split(k, n, w.arena, &s, share, &w.slice[i], &err), &err);
		w.slice_share[i] = share[n - 1];
	}
	bench_must(shamir_split(k, n, w.arena, &w.secret, w.share, &w.commits, &err), &err);
	for (i = 0; i < n; i++)
		bench_must(shamir_contribute((uint8_t)(i + 1), w.share[i], w.label, &w.contribution[i], &err), &err);
}

static void
done(void)
{
	secret_free(w.secret);
	secret_arena_free(w.arena);
	memset(&w, 0, sizeof(w));
}

struct pair {
	const char	*name;
	void		(*ours)(void *), (*theirs)(void *);
	double		 each;			/* calls of ours stand for so many */
};

static void
measure(const struct pair *p, int repetitions, double seconds)
{
	struct bench_series	s = { p->name, "us", "the group operations it needs, by libsodium", "ratio<=1.2" };

	for (int i = 0; i < repetitions; i++) {
		double	ours = bench_cpu_per_call(p->ours, NULL, seconds);

		bench_row(&s, w.k, 1e6 * ours / p->each, 1e6 * bench_cpu_per_call(p->theirs, NULL, seconds) / p->each);
	}
}

int
main(int argc, char **argv)
{
	/* Splitting last: it empties the arena. */
	static const struct pair pairs[] = {
		{ "check", check, check_needs, SLICE }, { "contribute", contribute, contribute_needs, 1 },
		{ "combine", combine, combine_needs, 1 }, { "split", split, split_needs, 1 },
	};
	static const uint8_t	shapes[][2] = { { 3, 5 }, { 16, 31 } };
	bool			quick = bench_begin(argc, argv) == BENCH_QUICK;

	for (size_t j = 0; j < sizeof(pairs) / sizeof(pairs[0]); j++)
		bench_axis(pairs[j].name, "threshold: 3 of 5, 16 of 31");
	for (size_t i = 0; i < 2; i++) {
		prepare(shapes[i][0], shapes[i][1]);
		for (size_t j = 0; j < sizeof(pairs) / sizeof(pairs[0]); j++)
			measure(&pairs[j], quick ? 3 : 7, quick ? 0.1 : 0.5);
		done();
	}
	return 0;
}

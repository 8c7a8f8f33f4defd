/*
 * bench/bench.h - what the programs that measure have in common: arguments, clocks, and the rows they print.
 *
 * A row is one repetition: ours and its reference, measured next to each other in the same run.
 *
 *	row|SERIES|X|OURS|UNIT|REFERENCE|THEIRS|AIM
 *
 * bench/README.md says what stands in each field; bench/tool/report makes medians, spreads and ratios of them.
 * Programs end with 2 when they cannot measure. An aim that is not met is a row like any other.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum bench_size {
	BENCH_QUICK,		/* --quick: all programs in three minutes */
	BENCH_FULL,		/* no argument */
	BENCH_LONG,		/* --long: what takes hours too */
};

/* Once, first: reads the arguments, makes the locked memory ready, and ends the program over what it does not know. */
enum bench_size	bench_begin(int argc, char **argv);

/* Does not return when rc is no RC_OK. */
void	bench_must(enum rc rc, const struct err *err);
void	bench_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Seconds: by the clock, and of this process on all its threads, so that what else runs does not count. */
double	bench_wall(void);
double	bench_cpu(void);

/* CPU seconds of one call, from as many as take `seconds` in all. */
double	bench_cpu_per_call(void (*fn)(void *user), void *user, double seconds);

/* Sorts v; the p-th percentile (0..100) by the nearest rank. n > 0. */
double	bench_percentile(double *v, size_t n, double p);

struct bench_series {
	const char	*name;		/* seal-1gib */
	const char	*unit;		/* s ms us 1/s MiB/s bytes 1 */
	const char	*reference;	/* a few words, or "-": then `theirs` is 0 */
	const char	*aim;		/* "ratio>=1.2" (ours / theirs), "<=20" (ours), or "-" */
};

/* x: a size, a batch, a number of escrows; 0: the series has no axis. */
void	bench_row(const struct bench_series *s, double x, double ours, double theirs);
/* What x is, for the plot: "artifacts a batch". */
void	bench_axis(const char *series, const char *words);
/* In place of rows: a peer that is not there, a machine that cannot. */
void	bench_skip(const char *series, const char *why);

#endif

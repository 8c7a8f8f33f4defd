#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/secret.h"
#include "bench/bench.h"

static const char	*program = "bench";

void
bench_fail(const char *fmt, ...)
{
	va_list	ap;

	(void)fflush(stdout);
	fprintf(stderr, "%s: ", program);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	exit(2);
}

void
bench_must(enum rc rc, const struct err *err)
{
	if (rc != RC_OK)
		bench_fail("%s: %s", rc_name(rc), err->msg);
}

enum bench_size
bench_begin(int argc, char **argv)
{
	const char	*slash = strrchr(argv[0], '/');
	struct err	 err;

	program = slash == NULL ? argv[0] : slash + 1;
	bench_must(secret_init(&err), &err);
	if (argc == 1)
		return BENCH_FULL;
	if (argc == 2 && strcmp(argv[1], "--quick") == 0)
		return BENCH_QUICK;
	if (argc == 2 && strcmp(argv[1], "--long") == 0)
		return BENCH_LONG;
	bench_fail("usage: %s [--quick | --long]", program);
}

static double
seconds_of(clockid_t clock)
{
	struct timespec	t;

	if (clock_gettime(clock, &t) != 0)
		bench_fail("no clock");
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double
bench_wall(void)
{
	return seconds_of(CLOCK_MONOTONIC);
}

double
bench_cpu(void)
{
	return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

double
bench_cpu_per_call(void (*fn)(void *user), void *user, double seconds)
{
	double		began = bench_cpu(), took = 0;
	unsigned long	done = 0, at_once = 1, i;

	/* The clock is a system call: it is asked seldom enough not to count. */
	while (took < seconds) {
		for (i = 0; i < at_once; i++)
			fn(user);
		done += at_once;
		took = bench_cpu() - began;
		if (took < seconds / 10)
			at_once *= 2;
	}
	return took / (double)done;
}

static int
by_size(const void *a, const void *b)
{
	double	x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
bench_percentile(double *v, size_t n, double p)
{
	size_t	rank;

	qsort(v, n, sizeof(*v), by_size);
	rank = (size_t)(p / 100 * (double)n + 0.999999);
	return v[rank == 0 ? 0 : rank > n ? n - 1 : rank - 1];
}

void
bench_row(const struct bench_series *s, double x, double ours, double theirs)
{
	printf("row|%s|%.12g|%.6g|%s|%s|%.6g|%s\n", s->name, x, ours, s->unit, s->reference, theirs, s->aim);
	(void)fflush(stdout);
}

void
bench_skip(const char *series, const char *why)
{
	printf("skipped|%s|%s\n", series, why);
	(void)fflush(stdout);
}

void
bench_axis(const char *series, const char *words)
{
	printf("axis|%s|%s\n", series, words);
	(void)fflush(stdout);
}

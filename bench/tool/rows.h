/*
 * bench/tool/rows.h - rows of measurements, read strictly, and what they come to (bench/README.md, "Rows").
 */
#ifndef BENCH_TOOL_ROWS_H
#define BENCH_TOOL_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#define MACHINE_MAX	16
#define SKIPPED_MAX	64
#define AXES_MAX	64
#define POINTS_MAX	512
#define REPETITIONS_MAX	200

struct stat3 {
	double	median, min, max;
};

enum aim_of { AIM_NONE, AIM_RATIO, AIM_OURS };

struct aim {
	enum aim_of	of;
	bool		at_least;		/* else at most */
	double		limit;
	const char	*words;
};

/* The repetitions of a series at one x. A series is the points that share a name; they stand together, by x. */
struct point {
	const char	*series, *unit, *reference;
	const char	*axis;			/* what x is, or NULL */
	size_t		 rank;			/* of the series: where its first row stood */
	double		 x;
	struct aim	 aim;
	size_t		 n;
	double		 ours[REPETITIONS_MAX], theirs[REPETITIONS_MAX];
	struct stat3	 our, their, ratio;	/* ratio: of the pairs, not of the medians */
	bool		 has_reference, met;
};

struct pair {
	const char	*key, *value;
};

struct results {
	struct pair	 machine[MACHINE_MAX];	/* what the measurements ran on */
	size_t		 n_machine;
	struct pair	 skipped[SKIPPED_MAX];	/* series, why */
	size_t		 n_skipped;
	struct pair	 axis[AXES_MAX];	/* series, what its x is */
	size_t		 n_axis;
	struct point	*point;
	size_t		 n_point;
	char		*text;			/* what the words point into */
};

/* 0, or -1 after one line on stderr that names the line and what is wrong with it. */
int	results_read(const char *name, struct results *ret);
void	results_done(struct results *r);

/* How many points from `at` on are of its series. */
size_t	series_length(const struct results *r, size_t at);

#endif

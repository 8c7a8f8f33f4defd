#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/tool/rows.h"

#define FIELDS	8
#define TEXT_MAX	(8u << 20)

static const char	*file_name;
static unsigned		 line_number;

static int bad(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int
bad(const char *fmt, ...)
{
	va_list	ap;

	fprintf(stderr, "report: %s:%u: ", file_name, line_number);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	return -1;
}

/* ---- fields ----------------------------------------------------------------------- */

/* Cuts a line at its bars; the number of fields, or FIELDS + 1 when there are more. */
static size_t
cut(char *line, const char *field[FIELDS])
{
	size_t	n = 0;

	for (;;) {
		field[n++] = line;
		if ((line = strchr(line, '|')) == NULL)
			return n;
		*line++ = '\0';
		if (n == FIELDS)
			return FIELDS + 1;
	}
}

static bool
read_number(const char *s, double *ret)
{
	char	*end;

	if ((*s < '0' || *s > '9') && *s != '.')
		return false;
	*ret = strtod(s, &end);
	return *end == '\0' && isfinite(*ret);
}

static bool
is_name(const char *s)
{
	return *s != '\0' && strlen(s) < 48 && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(s);
}

static bool
is_unit(const char *s)
{
	static const char	*const units[] = { "s", "ms", "us", "1/s", "MiB/s", "bytes", "1" };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(s, units[i]) == 0)
			return true;
	return false;
}

static bool
read_aim(const char *s, struct aim *ret)
{
	struct aim	a = { .of = AIM_OURS, .words = s };

	if (strcmp(s, "-") == 0) {
		*ret = (struct aim){ .of = AIM_NONE, .words = s };
		return true;
	}
	if (strncmp(s, "ratio", 5) == 0) {
		a.of = AIM_RATIO;
		s += 5;
	}
	a.at_least = s[0] == '>';
	if ((s[0] != '>' && s[0] != '<') || s[1] != '=' || !read_number(s + 2, &a.limit))
		return false;
	*ret = a;
	return true;
}

/* ---- lines --------------------------------------------------------------------------- */

static struct point *
find(struct results *r, const char *series, double x)
{
	for (size_t i = 0; i < r->n_point; i++)
		if (strcmp(r->point[i].series, series) == 0 && r->point[i].x == x)
			return &r->point[i];
	return NULL;
}

/* Another point of the series, whose unit must be the same: they share an axis. */
static int
add_point(struct results *r, const struct point *p, struct point **ret)
{
	size_t	rank;

	for (rank = 0; rank < r->n_point && strcmp(r->point[rank].series, p->series) != 0;)
		rank++;
	if (rank < r->n_point && strcmp(r->point[rank].unit, p->unit) != 0)
		return bad("%s is in %s and in %s", p->series, r->point[rank].unit, p->unit);
	if (r->n_point == POINTS_MAX)
		return bad("more than %d points", POINTS_MAX);
	*ret = &r->point[r->n_point++];
	**ret = *p;
	(*ret)->rank = rank;
	return 0;
}

static int
add_row(struct results *r, const char *field[FIELDS])
{
	struct point	p = { .series = field[1], .unit = field[4], .reference = field[5] }, *at;
	double		ours, theirs;

	if (!is_name(field[1]))
		return bad("a series is lower-case words with hyphens, not \"%s\"", field[1]);
	if (!read_number(field[2], &p.x) || !read_number(field[3], &ours) || !read_number(field[6], &theirs))
		return bad("x, ours and theirs are numbers, not \"%s\", \"%s\", \"%s\"", field[2], field[3], field[6]);
	if (!is_unit(field[4]))
		return bad("a unit is s, ms, us, 1/s, MiB/s, bytes or 1, not \"%s\"", field[4]);
	p.has_reference = strcmp(field[5], "-") != 0;
	if (field[5][0] == '\0' || p.has_reference != (theirs > 0))
		return bad("a reference has words and a number above 0; without one they are - and 0");
	if (!read_aim(field[7], &p.aim))
		return bad("an aim is ratio>=N, ratio<=N, >=N, <=N or -, not \"%s\"", field[7]);
	if (p.aim.of == AIM_RATIO && !p.has_reference)
		return bad("an aim for the ratio, and no reference");
	if ((at = find(r, p.series, p.x)) == NULL && add_point(r, &p, &at) != 0)
		return -1;
	if (strcmp(at->unit, p.unit) != 0 || strcmp(at->reference, p.reference) != 0 ||
	    strcmp(at->aim.words, p.aim.words) != 0)
		return bad("%s at %g has another unit, reference or aim in an earlier row", p.series, p.x);
	if (at->n == REPETITIONS_MAX)
		return bad("%s at %g: more than %d repetitions", p.series, p.x, REPETITIONS_MAX);
	at->ours[at->n] = ours;
	at->theirs[at->n++] = theirs;
	return 0;
}

static int
add_pair(struct pair *list, size_t *n, size_t max, const char *field[FIELDS])
{
	if (*n == max)
		return bad("more than %zu lines of \"%s\"", max, field[0]);
	list[(*n)++] = (struct pair){ field[1], field[2] };
	return 0;
}

static int
add_line(struct results *r, char *line)
{
	const char	*field[FIELDS];
	size_t		 n;

	/* What the libraries under measurement have to say is none of ours. */
	if (line[0] == '#' || strchr(line, '|') == NULL)
		return 0;
	n = cut(line, field);
	if (strcmp(field[0], "row") == 0)
		return n == FIELDS ? add_row(r, field) : bad("a row has %d fields, this one %zu%s", FIELDS, n,
		    n > FIELDS ? " or more" : "");
	if (n == 3 && strcmp(field[0], "skipped") == 0)
		return is_name(field[1]) ? add_pair(r->skipped, &r->n_skipped, SKIPPED_MAX, field) :
		    bad("\"%s\" is no series", field[1]);
	if (n == 3 && strcmp(field[0], "axis") == 0)
		return is_name(field[1]) ? add_pair(r->axis, &r->n_axis, AXES_MAX, field) :
		    bad("\"%s\" is no series", field[1]);
	if (n == 3 && strcmp(field[0], "machine") == 0)
		return add_pair(r->machine, &r->n_machine, MACHINE_MAX, field);
	return bad("neither row|..., axis|SERIES|WORDS, skipped|SERIES|WHY, machine|WHAT|VALUE nor # comment: \"%.40s\"", line);
}

/* ---- what they come to ------------------------------------------------------------------ */

static int
by_size(const void *a, const void *b)
{
	double	x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct stat3
stat_of(const double *v, size_t n)
{
	double	sorted[REPETITIONS_MAX];

	memcpy(sorted, v, n * sizeof(*v));
	qsort(sorted, n, sizeof(*sorted), by_size);
	return (struct stat3){ (sorted[(n - 1) / 2] + sorted[n / 2]) / 2, sorted[0], sorted[n - 1] };
}

static void
conclude(struct point *p)
{
	double	ratio[REPETITIONS_MAX] = { 0 }, value;

	p->our = stat_of(p->ours, p->n);
	p->their = stat_of(p->theirs, p->n);
	for (size_t i = 0; p->has_reference && i < p->n; i++)
		ratio[i] = p->ours[i] / p->theirs[i];
	p->ratio = stat_of(ratio, p->n);
	value = p->aim.of == AIM_RATIO ? p->ratio.median : p->our.median;
	p->met = p->aim.at_least ? value >= p->aim.limit : value <= p->aim.limit;
}

/* Each series where its first row stood, its points by x. */
static int
by_series(const void *a, const void *b)
{
	const struct point	*p = a, *q = b;

	if (p->rank != q->rank)
		return p->rank < q->rank ? -1 : 1;
	return (p->x > q->x) - (p->x < q->x);
}

size_t
series_length(const struct results *r, size_t at)
{
	size_t	n = 1;

	while (at + n < r->n_point && strcmp(r->point[at + n].series, r->point[at].series) == 0)
		n++;
	return n;
}

/* ---- files ------------------------------------------------------------------------------ */

static char *
slurp(const char *name)
{
	FILE	*f = strcmp(name, "-") == 0 ? stdin : fopen(name, "r");
	char	*text = malloc(TEXT_MAX + 1);
	size_t	 n;

	if (f == NULL || text == NULL || (n = fread(text, 1, TEXT_MAX + 1, f)) > TEXT_MAX || ferror(f) ||
	    memchr(text, '\0', n) != NULL) {
		fprintf(stderr, "report: %s: cannot be read, or is no text of at most %u bytes\n", name, TEXT_MAX);
		free(text);
		text = NULL;
	} else
		text[n] = '\0';
	if (f != NULL && f != stdin)
		(void)fclose(f);
	return text;
}

int
results_read(const char *name, struct results *ret)
{
	char	*line, *next;

	memset(ret, 0, sizeof(*ret));
	file_name = strcmp(name, "-") == 0 ? "stdin" : name;
	line_number = 0;
	if ((ret->text = slurp(name)) == NULL)
		return -1;
	if ((ret->point = calloc(POINTS_MAX, sizeof(*ret->point))) == NULL) {
		fprintf(stderr, "report: no memory\n");
		return -1;
	}
	for (line = ret->text; line != NULL && *line != '\0'; line = next) {
		line_number++;
		if ((next = strchr(line, '\n')) != NULL)
			*next++ = '\0';
		if (add_line(ret, line) != 0)
			return -1;
	}
	qsort(ret->point, ret->n_point, sizeof(*ret->point), by_series);
	for (size_t i = 0; i < ret->n_point; i++) {
		conclude(&ret->point[i]);
		for (size_t j = 0; j < ret->n_axis; j++)
			if (strcmp(ret->axis[j].key, ret->point[i].series) == 0)
				ret->point[i].axis = ret->axis[j].value;
	}
	return 0;
}

void
results_done(struct results *r)
{
	free(r->point);
	free(r->text);
}

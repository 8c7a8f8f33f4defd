/*
 * report - medians, spreads and ratios of rows: a table, and if asked for JSON and a plot a series.
 *
 *	report [--check] [--json FILE] [--plots FOLDER] [ROWS]
 *
 * ROWS: a file (bench/README.md, "Rows"); without it, what comes in. --check: only whether every line is right.
 * Exit: 0, whether aims are met or not; 1 a line is wrong; 2 usage, or a file that cannot be written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "bench/tool/plot.h"

/* ---- table --------------------------------------------------------------------------- */

/* Three figures: more are noise. */
static const char *
figure(double v, char out[24])
{
	(void)snprintf(out, 24, v >= 100 ? "%.0f" : v >= 10 ? "%.1f" : v >= 1 ? "%.2f" : "%.3g", v);
	return out;
}

static const char *
spread(const struct stat3 *s, const char *unit, char out[96])
{
	char	median[24], min[24], max[24];

	(void)snprintf(out, 96, "%s%s%s [%s-%s]", figure(s->median, median), *unit == '\0' ? "" : " ", unit,
	    figure(s->min, min), figure(s->max, max));
	return out;
}

static void
row(const struct point *p, const char *series)
{
	char		ours[96], theirs[96] = "", ratio[96] = "", x[24] = "";
	const char	*unit = strcmp(p->unit, "1") == 0 ? "" : p->unit;

	if (p->has_reference) {
		(void)spread(&p->their, unit, theirs);
		(void)spread(&p->ratio, "", ratio);
	}
	if (p->x != 0)
		(void)snprintf(x, sizeof(x), "%.10g", p->x);
	printf("%-26s %9s  %-28s %-44s %-28s %-18s %-11s%s\n", series, x, spread(&p->our, unit, ours),
	    p->has_reference ? p->reference : "", theirs, ratio, p->aim.of == AIM_NONE ? "" : p->aim.words,
	    p->aim.of == AIM_NONE ? "" : p->met ? " met" : " NOT MET");
}

static void
table(const struct results *r)
{
	size_t	i, aims = 0, met = 0;

	for (i = 0; i < r->n_machine; i++)
		printf("%s: %s\n", r->machine[i].key, r->machine[i].value);
	printf("%-26s %9s  %-28s %-44s %-28s %-18s %s\n", "series", "x", "ours, median [least-most]", "reference",
	    "theirs", "ratio ours/theirs", "aim");
	for (i = 0; i < r->n_point; i++) {
		bool	first = i == 0 || strcmp(r->point[i].series, r->point[i - 1].series) != 0;

		row(&r->point[i], first ? r->point[i].series : "");
		aims += r->point[i].aim.of != AIM_NONE;
		met += r->point[i].aim.of != AIM_NONE && r->point[i].met;
	}
	for (i = 0; i < r->n_skipped; i++)
		printf("%-26s skipped: %s\n", r->skipped[i].key, r->skipped[i].value);
	printf("%zu of %zu aims met\n", met, aims);
}

/* ---- JSON ------------------------------------------------------------------------------ */

static json_t *
stat_json(const struct stat3 *s)
{
	return json_pack("{s:f, s:f, s:f}", "median", s->median, "min", s->min, "max", s->max);
}

static json_t *
point_json(const struct point *p)
{
	json_t	*o = json_pack("{s:f, s:I, s:o}", "x", p->x, "repetitions", (json_int_t)p->n, "ours", stat_json(&p->our));
	int	 rc = o == NULL ? -1 : 0;

	if (p->has_reference) {
		rc |= json_object_set_new(o, "reference", json_string(p->reference));
		rc |= json_object_set_new(o, "theirs", stat_json(&p->their));
		rc |= json_object_set_new(o, "ratio", stat_json(&p->ratio));
	}
	if (p->aim.of != AIM_NONE) {
		rc |= json_object_set_new(o, "aim", json_string(p->aim.words));
		rc |= json_object_set_new(o, "met", json_boolean(p->met));
	}
	if (rc == 0)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *
series_json(const struct point *p, size_t n)
{
	json_t	*points = json_array();
	int	 rc = 0;

	for (size_t i = 0; i < n; i++)
		rc |= json_array_append_new(points, point_json(&p[i]));
	if (rc == 0)
		return json_pack("{s:s, s:s, s:s?, s:o}", "name", p->series, "unit", p->unit, "axis", p->axis, "points", points);
	json_decref(points);
	return NULL;
}

static json_t *
results_json(const struct results *r)
{
	json_t	*machine = json_object(), *series = json_array(), *skipped = json_array();
	int	 rc = 0;
	size_t	 i;

	for (i = 0; i < r->n_machine; i++)
		rc |= json_object_set_new(machine, r->machine[i].key, json_string(r->machine[i].value));
	for (i = 0; i < r->n_point; i += series_length(r, i))
		rc |= json_array_append_new(series, series_json(&r->point[i], series_length(r, i)));
	for (i = 0; i < r->n_skipped; i++)
		rc |= json_array_append_new(skipped, json_pack("{s:s, s:s}", "series", r->skipped[i].key, "why",
		    r->skipped[i].value));
	if (rc == 0)
		return json_pack("{s:o, s:o, s:o}", "machine", machine, "series", series, "skipped", skipped);
	json_decref(machine);
	json_decref(series);
	json_decref(skipped);
	return NULL;
}

static int
write_json(const struct results *r, const char *file)
{
	json_t	*o = results_json(r);
	int	 rc = o == NULL ? -1 : json_dump_file(o, file, JSON_INDENT(2) | JSON_REAL_PRECISION(6));

	json_decref(o);
	if (rc != 0)
		fprintf(stderr, "report: %s cannot be written (or a line is no UTF-8)\n", file);
	return rc;
}

/* ---- arguments --------------------------------------------------------------------------- */

struct wish {
	bool		 check;
	const char	*json, *plots, *rows;
};

static bool
read_wish(int argc, char **argv, struct wish *ret)
{
	*ret = (struct wish){ .rows = "-" };
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--check") == 0)
			ret->check = true;
		else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc)
			ret->json = argv[++i];
		else if (strcmp(argv[i], "--plots") == 0 && i + 1 < argc)
			ret->plots = argv[++i];
		else if (argv[i][0] != '-' && i + 1 == argc)
			ret->rows = argv[i];
		else
			return false;
	}
	return true;
}

static int
write_plots(const struct results *r, const char *dir)
{
	for (size_t i = 0; i < r->n_point; i += series_length(r, i))
		if (plot_write(dir, &r->point[i], series_length(r, i)) != 0)
			return -1;
	return 0;
}

int
main(int argc, char **argv)
{
	struct results	r;
	struct wish	w;
	int		rc = 0;

	if (!read_wish(argc, argv, &w)) {
		fprintf(stderr, "usage: report [--check] [--json FILE] [--plots FOLDER] [ROWS]\n");
		return 2;
	}
	if (results_read(w.rows, &r) != 0)
		rc = 1;
	else if (!w.check) {
		table(&r);
		if ((w.json != NULL && write_json(&r, w.json) != 0) || (w.plots != NULL && write_plots(&r, w.plots) != 0))
			rc = 2;
	}
	results_done(&r);
	return fflush(stdout) != 0 ? 2 : rc;
}

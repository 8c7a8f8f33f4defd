#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/tool/plot.h"

#define WIDTH	640
#define HEIGHT	360
#define LEFT	76
#define RIGHT	20
#define TOP	62
#define BOTTOM	52

/* An axis from `low` to `high`, in units of the picture from `a` to `b`. */
struct axis {
	bool	log;
	double	low, high, a, b;
};

static double
place(const struct axis *x, double v)
{
	double	part;

	if (x->log)
		part = log10((v > x->low ? v : x->low) / x->low) / log10(x->high / x->low);
	else
		part = (v - x->low) / (x->high - x->low);
	return x->a + part * (x->b - x->a);
}

/* What the aim asks for at a point, in the unit of the series. */
static double
wanted(const struct point *p)
{
	return p->aim.of == AIM_RATIO ? p->aim.limit * p->their.median : p->aim.limit;
}

/* ---- words -------------------------------------------------------------------------- */

static void
words(FILE *f, double x, double y, const char *class, const char *anchor, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

static void
words(FILE *f, double x, double y, const char *class, const char *anchor, const char *fmt, ...)
{
	char	text[160];
	va_list	ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" text-anchor=\"%s\">", x, y, class, anchor);
	for (const char *c = text; *c != '\0'; c++)
		switch (*c) {
		case '<': fputs("&lt;", f); break;
		case '>': fputs("&gt;", f); break;
		case '&': fputs("&amp;", f); break;
		default: (void)fputc(*c, f);
		}
	fputs("</text>\n", f);
}

static const char *
number(double v, char out[24])
{
	if (v >= 1e6 && fmod(v, 1e5) == 0)
		(void)snprintf(out, 24, "%gM", v / 1e6);
	else if (v >= 1e4 && fmod(v, 100) == 0)
		(void)snprintf(out, 24, "%gk", v / 1e3);
	else
		(void)snprintf(out, 24, v >= 1000 ? "%.0f" : "%.4g", v);
	return out;
}

/* ---- axes ----------------------------------------------------------------------------- */

static void
reach(double v, double *low, double *high)
{
	if (v > 0 && v < *low)
		*low = v;
	if (v > *high)
		*high = v;
}

/* A step of 1, 2 or 5 times a power of ten that makes at most seven of a range. */
static double
step_of(double range)
{
	double	step = pow(10, floor(log10(range)) - 1);

	while (range / step > 6)
		step *= range / step > 24 ? 5 : 2;
	return step;
}

static struct axis
values_axis(const struct point *p, size_t n, double a, double b)
{
	double	low = HUGE_VAL, high = 0, step;

	for (size_t i = 0; i < n; i++) {
		reach(p[i].our.min, &low, &high);
		reach(p[i].our.max, &low, &high);
		if (p[i].has_reference) {
			reach(p[i].their.min, &low, &high);
			reach(p[i].their.max, &low, &high);
		}
		if (p[i].aim.of != AIM_NONE)
			reach(wanted(&p[i]), &low, &high);
	}
	if (high <= 0)
		return (struct axis){ false, 0, 1, a, b };
	if (high / low > 100)
		return (struct axis){ true, pow(10, floor(log10(low))), pow(10, ceil(log10(high))), a, b };
	step = step_of(high);
	return (struct axis){ false, 0, step * ceil(high / step), a, b };
}

static struct axis
x_axis(const struct point *p, size_t n)
{
	struct axis	x = { .low = p[0].x, .high = p[n - 1].x, .a = LEFT + 20, .b = WIDTH - RIGHT - 20 };

	x.log = x.low > 0 && x.high / x.low >= 10;
	return x;
}

static void
line(FILE *f, const char *class, double x1, double y1, double x2, double y2)
{
	fprintf(f, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", class, x1, y1, x2, y2);
}

/* Lines across the picture at round numbers. `upright`: the axis goes up, the lines from side to side. */
static void
grid(FILE *f, const struct axis *v, bool upright)
{
	double	step = v->log ? 10 : step_of(v->high - v->low), at, where;
	char	text[24];

	for (at = v->low; at <= v->high * 1.0001; at = v->log ? at * step : at + step) {
		where = place(v, at);
		if (upright) {
			line(f, "grid", LEFT, where, WIDTH - RIGHT, where);
			words(f, LEFT - 8, where + 4, "tick", "end", "%s", number(at, text));
		} else {
			line(f, "grid", where, TOP, where, HEIGHT - BOTTOM);
			words(f, where, HEIGHT - BOTTOM + 18, "tick", "middle", "%s", number(at, text));
		}
	}
}

/* ---- lines: several x ------------------------------------------------------------------- */

static void
spread(FILE *f, const char *class, double x, const struct axis *y, const struct stat3 *s)
{
	double	low = place(y, s->min), high = place(y, s->max);

	line(f, class, x, low, x, high);
	line(f, class, x - 4, low, x + 4, low);
	line(f, class, x - 4, high, x + 4, high);
}

static void
our_line(FILE *f, const struct point *p, size_t n, const struct axis *x, const struct axis *y)
{
	fputs("<polyline class=\"ours\" points=\"", f);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%.1f,%.1f ", place(x, p[i].x), place(y, p[i].our.median));
	fputs("\"/>\n", f);
	for (size_t i = 0; i < n; i++) {
		spread(f, "ours", place(x, p[i].x), y, &p[i].our);
		fprintf(f, "<circle class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>\n", place(x, p[i].x),
		    place(y, p[i].our.median));
	}
}

/* Of those points that have one; a line through the others would be invented. */
static void
their_line(FILE *f, const struct point *p, size_t n, const struct axis *x, const struct axis *y)
{
	for (size_t i = 0; i < n; i++) {
		if (!p[i].has_reference)
			continue;
		if (i + 1 < n && p[i + 1].has_reference)
			line(f, "theirs", place(x, p[i].x), place(y, p[i].their.median), place(x, p[i + 1].x),
			    place(y, p[i + 1].their.median));
		spread(f, "theirs", place(x, p[i].x), y, &p[i].their);
	}
}

static void
aim_line(FILE *f, const struct point *p, size_t n, const struct axis *x, const struct axis *y)
{
	for (size_t i = 0; i < n; i++) {
		double	at = place(x, p[i].x), value;

		if (p[i].aim.of == AIM_NONE)
			continue;
		value = place(y, wanted(&p[i]));
		line(f, "aim", at - 12, value, at + 12, value);
		if (i + 1 < n && p[i + 1].aim.of != AIM_NONE)
			line(f, "aim", at, value, place(x, p[i + 1].x), place(y, wanted(&p[i + 1])));
	}
}

static void
lines(FILE *f, const struct point *p, size_t n)
{
	struct axis	x = x_axis(p, n), y = values_axis(p, n, HEIGHT - BOTTOM, TOP);
	double		last = -1000;
	char		text[24];

	grid(f, &y, true);
	for (size_t i = 0; i < n; i++) {
		double	at = place(&x, p[i].x);

		line(f, "grid", at, HEIGHT - BOTTOM, at, HEIGHT - BOTTOM + 4);
		if (at - last >= 44)
			words(f, last = at, HEIGHT - BOTTOM + 18, "tick", "middle", "%s", number(p[i].x, text));
	}
	their_line(f, p, n, &x, &y);
	aim_line(f, p, n, &x, &y);
	our_line(f, p, n, &x, &y);
	words(f, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 12, "label", "middle", "%s%s",
	    p->axis == NULL ? "x" : p->axis, x.log ? " (logarithmic)" : "");
}

/* ---- bars: one x --------------------------------------------------------------------------- */

static void
bar(FILE *f, const char *class, double y, const struct axis *v, const struct stat3 *s)
{
	double	low = place(v, s->min), high = place(v, s->max);

	fprintf(f, "<rect class=\"%s\" x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"48\"/>\n", class, LEFT, y,
	    place(v, s->median) - LEFT);
	line(f, "whisker", low, y + 24, high, y + 24);
	line(f, "whisker", low, y + 16, low, y + 32);
	line(f, "whisker", high, y + 16, high, y + 32);
}

static void
bars(FILE *f, const struct point *p)
{
	struct axis	v = values_axis(p, 1, LEFT, WIDTH - RIGHT);
	double		at = TOP + 50;

	grid(f, &v, false);
	bar(f, "dot", at, &v, &p->our);
	words(f, LEFT - 8, at + 29, "label", "end", "ours");
	if (p->has_reference) {
		bar(f, "bar", at + 80, &v, &p->their);
		words(f, LEFT - 8, at + 109, "label", "end", "theirs");
	}
	if (p->aim.of != AIM_NONE)
		line(f, "aim", place(&v, wanted(p)), TOP, place(&v, wanted(p)), HEIGHT - BOTTOM);
}

/* ---- the picture ----------------------------------------------------------------------------- */

static const char style[] =
    "<style>\n"
    "text { font: 12px sans-serif; fill: #222 } .title { font-size: 15px; font-weight: bold } .tick { fill: #555 }\n"
    ".ground { fill: #fff } .grid { stroke: #ddd }\n"
    "line, polyline { fill: none; stroke-width: 1.5 }\n"
    "polyline.ours { stroke-width: 2.5 } .ours { stroke: #0b62b8 } .dot { fill: #0b62b8 }\n"
    ".theirs { stroke: #8a5a00; stroke-dasharray: none } .bar { fill: #c98a1b } .whisker { stroke: #222 }\n"
    ".aim { stroke: #b3261e; stroke-dasharray: 6 4 }\n"
    "@media (prefers-color-scheme: dark) {\n"
    "text { fill: #e6e6e6 } .tick { fill: #aaa } .ground { fill: #16181c } .grid { stroke: #383c44 }\n"
    ".ours { stroke: #6db3f2 } .dot { fill: #6db3f2 } .theirs { stroke: #e0b050 } .bar { fill: #b98a2f }\n"
    ".whisker { stroke: #f4f4f4 } .aim { stroke: #ff8a80 }\n"
    "}\n"
    "</style>\n";

/* What the colours mean, in one line under the title. */
static void
legend(FILE *f, const struct point *p, size_t n)
{
	const struct point	*r = NULL, *a = NULL;
	bool			 several = false;

	for (size_t i = 0; i < n; i++) {
		several = several || (p[i].has_reference && r != NULL && strcmp(p[i].reference, r->reference) != 0);
		r = r == NULL && p[i].has_reference ? &p[i] : r;
		a = a == NULL && p[i].aim.of != AIM_NONE ? &p[i] : a;
	}
	line(f, "ours", LEFT, 40, LEFT + 22, 40);
	words(f, LEFT + 28, 44, "label", "start", "ours");
	if (r != NULL) {
		line(f, "theirs", LEFT + 80, 40, LEFT + 102, 40);
		words(f, LEFT + 108, 44, "label", "start", "%.48s%s", r->reference, several ? " (and others)" : "");
	}
	if (a != NULL) {
		line(f, "aim", WIDTH - RIGHT - 130, 40, WIDTH - RIGHT - 108, 40);
		words(f, WIDTH - RIGHT - 102, 44, "label", "start", "aim %s", a->aim.words);
	}
}

static void
picture(FILE *f, const struct point *p, size_t n)
{
	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\">\n<title>%s</title>\n%s"
	    "<rect class=\"ground\" width=\"%d\" height=\"%d\"/>\n", WIDTH, HEIGHT, p->series, style, WIDTH, HEIGHT);
	words(f, LEFT, 22, "title", "start", "%s", p->series);
	words(f, WIDTH - RIGHT, 22, "tick", "end", "%s; median, least to most of %zu", p->unit, p->n);
	legend(f, p, n);
	if (n == 1)
		bars(f, p);
	else
		lines(f, p, n);
	if (n == 1)
		words(f, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 12, "label", "middle", "%s", p->unit);
	fputs("</svg>\n", f);
}

int
plot_write(const char *dir, const struct point *p, size_t n)
{
	char	path[4096];
	FILE	*f;
	bool	ok;

	(void)snprintf(path, sizeof(path), "%s/%s.svg", dir, p->series);
	if ((f = fopen(path, "w")) == NULL) {
		fprintf(stderr, "report: %s cannot be written: is there such a folder?\n", path);
		return -1;
	}
	picture(f, p, n);
	ok = ferror(f) == 0;
	if (fclose(f) != 0 || !ok) {
		fprintf(stderr, "report: %s: not all of it could be written\n", path);
		return -1;
	}
	return 0;
}

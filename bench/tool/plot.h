/*
 * bench/tool/plot.h - one series as an SVG that can be read on light and on dark ground.
 *
 * Several x: lines, on a logarithmic axis where x spans decades. One x: bars. Spread (least to most) as thin bars
 * with caps, the aim dashed. Nothing in it but its points: the same results give the same bytes.
 */
#ifndef BENCH_TOOL_PLOT_H
#define BENCH_TOOL_PLOT_H

#include "bench/tool/rows.h"

/* DIR/SERIES.svg of n points of one series. 0, or -1 after a line on stderr. */
int	plot_write(const char *dir, const struct point *p, size_t n);

#endif

/* What a run has found: as a table, as JSON, as a drawing. */
#ifndef TOOLS_STRESS_REPORT_H
#define TOOLS_STRESS_REPORT_H

#include <stdio.h>

#include "tools/stress/run.h"

/* Whether nothing was lost, doubled, reordered or damaged. */
bool stress_report_is_clean(const struct stress_result *result);

void stress_report_table(FILE *to, const struct stress_options *options, const struct stress_result *result);
/* One object on one line. */
void stress_report_json(FILE *to, const struct stress_options *options, const struct stress_result *result);

/* Of the points from the middle on, by least squares: what `value` of a point
 * gains each minute. */
double stress_report_growth(const struct stress_result *result, uint64_t (*value)(const struct stress_point *));

/* Whether it lasted so long that growth can be told, and whether it does: any of
 * these, by more than a twentieth over the second half. */
bool stress_report_tells_growth(const struct stress_result *result);
bool stress_report_grows(const struct stress_result *result);

/* plot.c: latency above, throughput below, over time, as SVG.  False: errno. */
bool stress_plot_write(const char *path, const struct stress_options *options, const struct stress_result *result);

#endif

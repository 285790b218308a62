/* The scenario simnet of conclave-stress: one world, or worlds that grow, each
 * in a process of its own, so that none finds memory that another has touched;
 * and what they have shown, as a table, as JSON, as a drawing. */
#ifndef TOOLS_SIMNET_GROWTH_H
#define TOOLS_SIMNET_GROWTH_H

#include <stdio.h>

#include "tools/simnet/simnet.h"
#include "tools/stress/options.h"

#define SIMNET_WORLDS_MAX 16u

struct simnet_world {
    struct simnet_plan plan;
    enum conclave_err err;
    char why[SIMNET_WHY_MAX];
    struct simnet_result result;    /* when err is OK */
};

/* What is to be played; how many comes back. */
uint32_t simnet_growth_plan(struct simnet_world worlds[SIMNET_WORLDS_MAX], const struct stress_options *options);

/* Plays and reports it: the exit status of the program. */
int simnet_growth_run(const struct stress_options *options);

/* ---- growth_report.c ---- */
void simnet_report_table(FILE *to, const struct simnet_world *worlds, uint32_t count);
void simnet_report_json(FILE *to, const struct stress_options *options, const struct simnet_world *worlds, uint32_t count);

/* ---- growth_plot.c ---- */
/* Memory and CPU time over sessions, and CPU time over members of one room, as
 * SVG.  False: errno. */
bool simnet_report_plot(const char *path, const struct simnet_world *worlds, uint32_t count);

#endif

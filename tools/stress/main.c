/* conclave-stress: loads a registry with real peers, and proves that nothing
 * was lost. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/simnet/growth.h"
#include "tools/stress/report.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

/* Better known before an hour has gone by. */
static bool
can_draw(const struct stress_options *options)
{
    FILE *file = options->plot != NULL ? fopen(options->plot, "a") : NULL;

    if (file != NULL)
        (void)fclose(file); /* nothing was written */
    else if (options->plot != NULL)
        fprintf(stderr, "conclave-stress: %s cannot be written: %s.\n", options->plot, strerror(errno));
    return file != NULL || options->plot == NULL;
}

static int
report(const struct stress_run *run)
{
    const struct stress_options *options = run->options;
    const struct stress_result *result = &run->result;

    if (options->json)
        stress_report_json(stdout, options, result);
    else
        stress_report_table(stdout, options, result);
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        fprintf(stderr, "conclave-stress: what was found cannot be written: %s.\n", strerror(errno));
        return 1;
    }
    if (options->plot != NULL && !stress_plot_write(options->plot, options, result)) {
        fprintf(stderr, "conclave-stress: %s cannot be written: %s.\n", options->plot, strerror(errno));
        return 1;
    }
    return stress_report_is_clean(result) ? 0 : 1;
}

int
main(int argc, char **argv)
{
    static struct stress_options options;
    static struct stress_run run;
    char why[512];

    if (!stress_options_parse(&options, argc, argv, why, sizeof why)) {
        fprintf(stderr, "conclave-stress: %s\nTry: conclave-stress --help\n", why);
        return 2;
    }
    if (options.help) {
        fputs(stress_options_help, stdout);
        return 0;
    }
    if (options.version) {
        printf("conclave-stress %s\n%s\n", PACKAGE_VERSION, conclave_version());
        return 0;
    }
    if (!can_draw(&options))
        return 1;
    if (options.scenario == STRESS_SIMNET)
        return simnet_growth_run(&options);
    const bool done = stress_run_start(&run, &options) && stress_scenarios_run(&run);
    stress_run_end(&run, done);
    if (done)
        return report(&run);
    if (stress_run_stopped())
        return 128 + stress_run_signal();
    fprintf(stderr, "conclave-stress: %s\n", run.why);
    return 1;
}

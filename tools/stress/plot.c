/* Draws a run as SVG, with nothing from elsewhere: above, the latencies of what
 * came in each moment on a logarithmic scale; below, what was said and heard. */
#include <errno.h>
#include <math.h>

#include "tools/stress/report.h"

enum { WIDTH = 960, HEIGHT = 620, LEFT = 90, RIGHT = 20, TOP = 60, EACH = 220, BETWEEN = 60 };

struct axis {
    double top;             /* of the page */
    double least, most;     /* of the values */
    bool logarithmic;
};

static double
x_of(const struct stress_result *result, double at_s)
{
    const double all_s = result->points_count > 0 ? result->points[result->points_count - 1].at_s : 1;

    return LEFT + at_s / (all_s > 0 ? all_s : 1) * (WIDTH - LEFT - RIGHT);
}

static double
y_of(const struct axis *axis, double value)
{
    if (value < axis->least)
        value = axis->least;
    const double part = axis->logarithmic ? log(value / axis->least) / log(axis->most / axis->least) : (value - axis->least) / (axis->most - axis->least);
    return axis->top + EACH * (1 - part);
}

static double
p50(const struct stress_point *point)
{
    return (double)point->p50_ns / 1000;
}

static double
p99(const struct stress_point *point)
{
    return (double)point->p99_ns / 1000;
}

static double
highest(const struct stress_point *point)
{
    return (double)point->max_ns / 1000;
}

static double
said(const struct stress_point *point)
{
    return point->said_per_s;
}

static double
got(const struct stress_point *point)
{
    return point->got_per_s;
}

typedef double value_fn(const struct stress_point *point);

static void
line(FILE *to, const struct stress_result *result, const struct axis *axis, value_fn *value, const char *colour, const char *dashes)
{
    fprintf(to, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" stroke-dasharray=\"%s\" points=\"", colour, dashes);
    for (uint32_t i = 0; i < result->points_count; i++)
        fprintf(to, "%.1f,%.1f ", x_of(result, result->points[i].at_s), y_of(axis, value(&result->points[i])));
    fputs("\"/>\n", to);
}

static void
text(FILE *to, double x, double y, const char *anchor, const char *what)
{
    fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor, what);
}

static void
rule(FILE *to, const struct axis *axis, double value)
{
    char label[32];
    const double y = y_of(axis, value);

    fprintf(to, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#ddd\"/>\n", LEFT, y, WIDTH - RIGHT, y);
    (void)snprintf(label, sizeof label, "%.6g", value);
    text(to, LEFT - 8, y + 4, "end", label);
}

/* Lines of a scale: each power of ten, or four steps. */
static void
frame(FILE *to, const struct axis *axis, const char *title)
{
    const int steps = axis->logarithmic ? (int)lround(log10(axis->most / axis->least)) : 4;

    for (int i = 0; i <= steps; i++)
        rule(to, axis, axis->logarithmic ? axis->least * pow(10, i) : axis->least + (axis->most - axis->least) * i / steps);
    text(to, LEFT, axis->top - 10, "start", title);
}

static double
most_of(const struct stress_result *result, value_fn *value)
{
    double most = 0;

    for (uint32_t i = 0; i < result->points_count; i++)
        most = fmax(most, value(&result->points[i]));
    return most;
}

static double
least_of(const struct stress_result *result, value_fn *value)
{
    double least = INFINITY;

    for (uint32_t i = 0; i < result->points_count; i++)
        if (value(&result->points[i]) > 0)
            least = fmin(least, value(&result->points[i]));
    return isfinite(least) ? least : 1;
}

static double
round_up(double value)
{
    const double power = pow(10, floor(log10(value)));

    return ceil(value / power) * power;
}

static void
draw(FILE *to, const struct stress_options *options, const struct stress_result *result)
{
    const double top_s = result->points_count > 0 ? result->points[result->points_count - 1].at_s : 0;
    const struct axis latency = {TOP, pow(10, floor(log10(least_of(result, p50)))), pow(10, ceil(log10(fmax(most_of(result, highest), 1)) + 1e-9)), true};
    const struct axis rate = {TOP + EACH + BETWEEN, 0, round_up(fmax(fmax(most_of(result, said), most_of(result, got)), 1)), false};
    const struct axis wide = {latency.top, latency.least, fmax(latency.most, latency.least * 10), true};
    char label[64];

    fprintf(to, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n", WIDTH, HEIGHT);
    fprintf(to, "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", WIDTH, HEIGHT);
    fprintf(to, "<text x=\"%d\" y=\"24\" font-size=\"16\">conclave-stress %s: %u peers, %u bytes, seed %llu</text>\n", LEFT,
            stress_options_scenario(options->scenario), (unsigned)options->peers, (unsigned)options->size, (unsigned long long)options->seed);
    frame(to, &wide, "latency, us: p50 whole, p99 dashed, max dotted");
    line(to, result, &wide, p50, "#1b6ca8", "none");
    line(to, result, &wide, p99, "#c2571a", "6 3");
    line(to, result, &wide, highest, "#7a7a7a", "2 3");
    frame(to, &rate, "each second: delivered whole, sent dashed");
    line(to, result, &rate, got, "#2a7f3f", "none");
    line(to, result, &rate, said, "#1b6ca8", "6 3");
    for (int i = 0; i <= 5; i++) {
        (void)snprintf(label, sizeof label, "%.3g s", top_s * i / 5);
        text(to, x_of(result, top_s * i / 5), rate.top + EACH + 18, i == 5 ? "end" : "middle", label);
    }
    fputs("</svg>\n", to);
}

bool
stress_plot_write(const char *path, const struct stress_options *options, const struct stress_result *result)
{
    FILE *to = fopen(path, "w");

    if (to == NULL)
        return false;
    draw(to, options, result);
    const bool ok = ferror(to) == 0;
    return fclose(to) == 0 && ok;
}

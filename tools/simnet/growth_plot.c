/* Draws worlds that grow, as SVG, with nothing from elsewhere: both scales are
 * logarithmic, so what is in proportion is a straight line. */
#include <math.h>

#include "tools/simnet/growth.h"

enum { WIDTH = 960, HEIGHT = 880, LEFT = 90, RIGHT = 130, TOP = 70, EACH = 200, BETWEEN = 75, CURVES = 7, APART = 13 };

typedef double value_fn(const struct simnet_result *result);

struct curve { const char *name, *colour; value_fn *value; };
struct panel {
    const char *title;
    bool of_members;        /* over members of one room; else over sessions in rooms of equal size */
    struct curve curves[CURVES];
    double top, least_x, most_x, least_y, most_y;
    double labels[CURVES];  /* where their names stand, so far */
    uint32_t labels_count;
};

static double
each_us(const struct simnet_cost *cost)
{
    return cost->count > 0 ? cost->cpu_s * 1e6 / (double)cost->count : 0;
}

static double reserved(const struct simnet_result *r) { return (double)r->tables_b / r->plan.peers; }
static double resident(const struct simnet_result *r) { return r->session_b; }
static double sign_up(const struct simnet_result *r) { return each_us(&r->sign_up); }
static double log_in(const struct simnet_result *r) { return each_us(&r->log_in); }
static double ping(const struct simnet_result *r) { return each_us(&r->ping); }
static double join(const struct simnet_result *r) { return each_us(&r->join); }
static double post(const struct simnet_result *r) { return each_us(&r->post); }
static double direct(const struct simnet_result *r) { return each_us(&r->relay); }
static double copy(const struct simnet_result *r) { return r->copies > 0 ? r->post.cpu_s * 1e6 / (double)r->copies : 0; }

static bool
is_on(const struct panel *panel, const struct simnet_world *world)
{
    return world->err == CONCLAVE_OK && panel->of_members == (world->plan.rooms == 1);
}

static double
x_value(const struct panel *panel, const struct simnet_world *world)
{
    return panel->of_members ? world->plan.members : world->plan.peers;
}

static double
x_of(const struct panel *panel, double value)
{
    return LEFT + log(value / panel->least_x) / log(panel->most_x / panel->least_x) * (WIDTH - LEFT - RIGHT);
}

static double
y_of(const struct panel *panel, double value)
{
    return panel->top + EACH * (1 - log(value / panel->least_y) / log(panel->most_y / panel->least_y));
}

static double
decade(double value, bool up)
{
    return pow(10, up ? ceil(log10(value) - 1e-9) : floor(log10(value) + 1e-9));
}

/* False: there is nothing to draw. */
static bool
scale(struct panel *panel, const struct simnet_world *worlds, uint32_t count)
{
    panel->least_x = panel->least_y = INFINITY;
    panel->most_x = panel->most_y = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_on(panel, &worlds[i]))
            continue;
        panel->least_x = fmin(panel->least_x, x_value(panel, &worlds[i]));
        panel->most_x = fmax(panel->most_x, x_value(panel, &worlds[i]));
        for (const struct curve *curve = panel->curves; curve->name != NULL; curve++) {
            const double value = curve->value(&worlds[i].result);
            panel->least_y = value > 0 ? fmin(panel->least_y, value) : panel->least_y;
            panel->most_y = fmax(panel->most_y, value);
        }
    }
    if (!isfinite(panel->least_y))
        return false;
    panel->least_x = decade(panel->least_x, false);
    panel->most_x = fmax(decade(panel->most_x, true), panel->least_x * 10);
    panel->least_y = decade(panel->least_y, false);
    panel->most_y = fmax(decade(panel->most_y, true), panel->least_y * 10);
    return true;
}

static void
text(FILE *to, double x, double y, const char *anchor, const char *colour, const char *what)
{
    fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"%s\">%s</text>\n", x, y, anchor, colour, what);
}

static int
decades(double least, double most)
{
    return (int)lround(log10(most / least));
}

static void
frame(FILE *to, const struct panel *panel)
{
    char label[32];

    for (int i = 0; i <= decades(panel->least_y, panel->most_y); i++) {
        const double value = panel->least_y * pow(10, i);
        fprintf(to, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#ddd\"/>\n", LEFT, y_of(panel, value), WIDTH - RIGHT, y_of(panel, value));
        (void)snprintf(label, sizeof label, value < 1 ? "%.6g" : "%.0f", value);
        text(to, LEFT - 8, y_of(panel, value) + 4, "end", "#000", label);
    }
    for (int i = 0; i <= decades(panel->least_x, panel->most_x); i++) {
        const double value = panel->least_x * pow(10, i);
        fprintf(to, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>\n", x_of(panel, value), panel->top, x_of(panel, value), panel->top + EACH);
        (void)snprintf(label, sizeof label, value < 1 ? "%.6g" : "%.0f", value);
        text(to, x_of(panel, value), panel->top + EACH + 18, "middle", "#000", label);
    }
    text(to, LEFT, panel->top - 10, "start", "#000", panel->title);
}

/* Where a name can stand beside the end of its curve, and not on another. */
static double
label_y(struct panel *panel, double y)
{
    for (bool free = false; !free;) {
        free = true;
        for (uint32_t i = 0; i < panel->labels_count && free; i++)
            free = fabs(panel->labels[i] - y) >= APART;
        y += free ? 0 : 1;
    }
    panel->labels[panel->labels_count++] = y;
    return y;
}

static void
line(FILE *to, struct panel *panel, const struct curve *curve, const struct simnet_world *worlds, uint32_t count)
{
    double x = 0, y = 0;

    fprintf(to, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" points=\"", curve->colour);
    for (uint32_t i = 0; i < count; i++) {
        if (!is_on(panel, &worlds[i]) || curve->value(&worlds[i].result) <= 0)
            continue;
        x = x_of(panel, x_value(panel, &worlds[i]));
        y = y_of(panel, curve->value(&worlds[i].result));
        fprintf(to, "%.1f,%.1f ", x, y);
    }
    fputs("\"/>\n", to);
    if (x > 0) {
        fprintf(to, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", x, y, curve->colour);
        text(to, x + 8, label_y(panel, y + 4), "start", curve->colour, curve->name);
    }
}

bool
simnet_report_plot(const char *path, const struct simnet_world *worlds, uint32_t count)
{
    struct panel panels[] = {
        {.title = "memory of the registry's core for each session, bytes, over sessions", .curves = {{"reserved", "#7a7a7a", reserved}, {"resident", "#1b6ca8", resident}}},
        {.title = "CPU time of the registry's core, us each, over sessions in rooms of equal size",
         .curves = {{"sign-up", "#7a7a7a", sign_up}, {"join", "#8e44ad", join}, {"log-in", "#1b6ca8", log_in}, {"post", "#c2571a", post},
                    {"direct", "#2a7f3f", direct}, {"ping", "#b8860b", ping}}},
        {.title = "the same over members of one room; copy: of a post, for one of them", .of_members = true,
         .curves = {{"join", "#8e44ad", join}, {"post", "#c2571a", post}, {"copy", "#1b6ca8", copy}}},
    };
    FILE *to = fopen(path, "w");

    if (to == NULL)
        return false;
    fprintf(to, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n", WIDTH, HEIGHT);
    fprintf(to, "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", WIDTH, HEIGHT);
    fprintf(to, "<text x=\"%d\" y=\"28\" font-size=\"16\">conclave-stress simnet, simulated: %u bytes, seed %llu</text>\n", LEFT,
            (unsigned)worlds[0].plan.size, (unsigned long long)worlds[0].plan.seed);
    for (uint32_t i = 0; i < sizeof panels / sizeof *panels; i++) {
        panels[i].top = TOP + (double)i * (EACH + BETWEEN);
        if (!scale(&panels[i], worlds, count))
            continue;
        frame(to, &panels[i]);
        for (const struct curve *curve = panels[i].curves; curve->name != NULL; curve++)
            line(to, &panels[i], curve, worlds, count);
    }
    fputs("</svg>\n", to);
    const bool ok = ferror(to) == 0;
    return fclose(to) == 0 && ok;
}

/* The exposition format of Prometheus: families by the table of figures, base
 * units, counters that end with _total, histograms that are cumulative. */
#include "tools/top/render.h"

#include <stdio.h>

/* Names say their unit at their end; Prometheus wants seconds and bytes. */
static const char *
cut_unit(const char *name, char base[64], double *factor)
{
    static const struct {
        const char *end, *instead;
        double factor;
    } units[] = {{"_us", "_seconds", 1e-6}, {"_ms", "_seconds", 1e-3}};
    const size_t len = strlen(name);

    *factor = 1;
    msg_text_copy(base, 64, msg_text(name));
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        const size_t end = strlen(units[i].end);
        if (len <= end || len - end >= 64 || strcmp(name + len - end, units[i].end) != 0)
            continue;
        base[len - end] = '\0';
        *factor = units[i].factor;
        return units[i].instead;
    }
    return "";
}

static void
head(struct top_text *out, const char *name, const char *type, const char *help)
{
    top_text_add(out, "# HELP %s %s.\n# TYPE %s %s\n", name, help, name, type);
}

/* {label="value"}; what our own table says needs no escapes, another registry's may. */
static void
label(struct top_text *out, const char *key, const char *value)
{
    top_text_add(out, "%s=\"", key);
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            top_text_add(out, "\\");
        top_text_bytes(out, *at == '\n' ? " " : at, 1);
    }
    top_text_add(out, "\"");
}

static void
plain(struct top_text *out, const struct top_model *model, const struct msg_figure_info *info)
{
    const bool counter = info->type == MSG_FIGURE_COUNTER;
    char base[64], name[128];
    double factor;
    bool headed = false;
    const char *unit = cut_unit(info->name, base, &factor);

    snprintf(name, sizeof name, "conclave_%s%s%s", base, unit, counter ? "_total" : "");
    for (size_t i = 0; i < model->figures_count; i++) {
        const struct top_figure *figure = &model->figures[i];
        if (strcmp(figure->name, info->name) != 0)
            continue;
        if (!headed)
            head(out, name, counter ? "counter" : "gauge", info->help);
        headed = true;
        top_text_add(out, "%s", name);
        if (*info->label != '\0') {
            top_text_add(out, "{");
            label(out, info->label, figure->label);
            top_text_add(out, "}");
        }
        if (factor == 1)
            top_text_add(out, " %llu\n", (unsigned long long)figure->value);
        else
            top_text_add(out, " %.6f\n", (double)figure->value * factor);
    }
}

static void
one_histogram(struct top_text *out, const char *name, const struct msg_figure_info *info,
              const struct top_times *times)
{
    uint64_t count = 0;

    for (size_t i = 0; i < MSG_HISTOGRAM_BUCKETS; i++) {
        count += times->times.buckets[i];
        top_text_add(out, "%s_bucket{", name);
        if (*info->label != '\0') {
            label(out, info->label, times->label);
            top_text_add(out, ",");
        }
        if (i + 1 < MSG_HISTOGRAM_BUCKETS)
            top_text_add(out, "le=\"%g\"} %llu\n", (double)msg_histogram_bound(i) / 1e6, (unsigned long long)count);
        else
            top_text_add(out, "le=\"+Inf\"} %llu\n", (unsigned long long)count);
    }
    for (int end = 0; end < 2; end++) {
        top_text_add(out, "%s_%s", name, end == 0 ? "sum" : "count");
        if (*info->label != '\0') {
            top_text_add(out, "{");
            label(out, info->label, times->label);
            top_text_add(out, "}");
        }
        if (end == 0)
            top_text_add(out, " %.6f\n", (double)times->times.sum_us / 1e6);
        else
            top_text_add(out, " %llu\n", (unsigned long long)count);
    }
}

static void
histograms(struct top_text *out, const struct top_model *model, const struct msg_figure_info *info)
{
    char base[64], name[128];
    double factor;
    bool headed = false;
    const char *unit = cut_unit(info->name, base, &factor);

    snprintf(name, sizeof name, "conclave_%s%s", base, unit);
    for (size_t i = 0; i < model->times_count; i++) {
        if (strcmp(model->times[i].name, info->name) != 0)
            continue;
        if (!headed)
            head(out, name, "histogram", info->help);
        headed = true;
        one_histogram(out, name, info, &model->times[i]);
    }
}

void
top_render_prometheus(struct top_text *out, const struct top_model *model, uint64_t now_ms)
{
    head(out, "conclave_live", "gauge", "1 while samples come and the registry says that it is live");
    top_text_add(out, "conclave_live %d\n", top_model_is_live(model, now_ms));
    head(out, "conclave_ready", "gauge", "1 while it is live and should be given more to do");
    top_text_add(out, "conclave_ready %d\n", top_model_is_ready(model, now_ms));
    head(out, "conclave_samples_lost_total", "counter", "Samples that were published and did not come");
    top_text_add(out, "conclave_samples_lost_total %llu\n", (unsigned long long)model->lost);
    if (!top_model_hears(model, now_ms))
        return;
    head(out, "conclave_build_info", "gauge", "Its version");
    top_text_add(out, "conclave_build_info{");
    label(out, "version", model->build);
    top_text_add(out, "} 1\n");
    head(out, "conclave_start_time_seconds", "gauge", "When it was started, since 1970");
    top_text_add(out, "conclave_start_time_seconds %.3f\n", (double)(model->at_ms - model->uptime_ms) / 1e3);
    for (unsigned i = 0; i < MSG_FIGURE_COUNT_OF; i++) {
        const struct msg_figure_info *info = msg_figure_info((enum msg_figure)i);
        if (info->type == MSG_FIGURE_HISTOGRAM)
            histograms(out, model, info);
        else
            plain(out, model, info);
    }
}

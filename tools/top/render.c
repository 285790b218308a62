/* Text, JSON and health. */
#include "tools/top/render.h"

#include <math.h>
#include <stdio.h>

void
top_render_uptime(char out[32], uint64_t ms)
{
    const unsigned long long s = ms / 1000, days = s / 86400;

    if (days > 0)
        snprintf(out, 32, "%llud %02llu:%02llu:%02llu", days, s / 3600 % 24, s / 60 % 60, s % 60);
    else
        snprintf(out, 32, "%02llu:%02llu:%02llu", s / 3600, s / 60 % 60, s % 60);
}

void
top_render_age(char out[16], uint64_t ms)
{
    const unsigned long long s = ms / 1000, days = s / 86400;

    if (s < 60)
        snprintf(out, 16, "%llus", s);
    else if (s < 3600)
        snprintf(out, 16, "%llum", s / 60);
    else if (days == 0)
        snprintf(out, 16, "%lluh%02llum", s / 3600, s / 60 % 60);
    else if (days < 100)
        snprintf(out, 16, "%llud%02lluh", days, s / 3600 % 24);
    else
        snprintf(out, 16, "%llud", days < 99999 ? days : 99999);
}

void
top_render_us(char out[16], uint64_t us)
{
    if (us < 1000)
        snprintf(out, 16, "%lluus", (unsigned long long)us);
    else if (us < 1000000)
        snprintf(out, 16, us < 99950 && us % 1000 != 0 ? "%.1fms" : "%.0fms", (double)us / 1000);
    else
        snprintf(out, 16, us < 99950000 ? "%.1fs" : "%.0fs", (double)us / 1000000);
}

static void
scaled(char out[16], double value, double step, const char *units)
{
    size_t unit = 0;

    while (value >= step && units[unit + 1] != '\0') {
        value /= step;
        unit++;
    }
    if (unit == 0)
        snprintf(out, 16, value == floor(value) || value >= 100 ? "%.0f" : "%.1f", value);
    else
        snprintf(out, 16, value < 99.95 ? "%.1f%c" : "%.0f%c", value, units[unit]);
}

void
top_render_number(char out[16], double value)
{
    scaled(out, value, 1000, " kMGTP");
}

void
top_render_bytes(char out[16], double value)
{
    scaled(out, value, 1024, " KMGTP");
}

void
top_render_text(struct top_text *out, const struct top_model *model, uint64_t now_ms)
{
    char uptime[32];

    top_render_uptime(uptime, model->uptime_ms);
    top_text_add(out, "conclaved %s, up %s: %s%s%s\n", model->build, uptime,
                 !top_model_is_live(model, now_ms) ? "not live" : model->ready ? "live and ready" : "live, not ready",
                 *top_model_reason(model, now_ms) != '\0' ? ": " : "", top_model_reason(model, now_ms));
    for (size_t i = 0; i < model->figures_count; i++) {
        const struct top_figure *figure = &model->figures[i];
        if (*figure->label != '\0')
            top_text_add(out, "%s{%s} %llu\n", figure->name, figure->label, (unsigned long long)figure->value);
        else
            top_text_add(out, "%s %llu\n", figure->name, (unsigned long long)figure->value);
    }
    for (unsigned i = 0; i < TOP_RATIO_COUNT; i++)
        top_text_add(out, "%s/%s %.2f\n", top_ratio_info((enum top_ratio)i)->over, top_ratio_info((enum top_ratio)i)->under,
                     top_model_ratio(model, (enum top_ratio)i));
    for (size_t i = 0; i < model->times_count; i++) {
        const struct top_times *times = &model->times[i];
        top_text_add(out, "%s", times->name);
        if (*times->label != '\0')
            top_text_add(out, "{%s}", times->label);
        top_text_add(out, " count=%llu p50=%llu p99=%llu p999=%llu\n",
                     (unsigned long long)msg_histogram_count(&times->times),
                     (unsigned long long)msg_histogram_at(&times->times, 500),
                     (unsigned long long)msg_histogram_at(&times->times, 990),
                     (unsigned long long)msg_histogram_at(&times->times, 999));
    }
}

static const char *
yes(bool is)
{
    return is ? "true" : "false";
}

/* Figures of one name come together where they have labels. */
static bool
is_first(const struct top_model *model, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(model->figures[i].name, model->figures[at].name) == 0)
            return false;
    return true;
}

static void
json_figures(struct top_text *out, const struct top_model *model)
{
    const char *comma = "";

    for (size_t i = 0; i < model->figures_count; i++) {
        const struct top_figure *figure = &model->figures[i];
        if (!is_first(model, i))
            continue;
        top_text_add(out, "%s", comma);
        comma = ",";
        top_text_json(out, figure->name);
        if (*figure->label == '\0') {
            top_text_add(out, ":%llu", (unsigned long long)figure->value);
            continue;
        }
        const char *open = ":{";
        for (size_t k = i; k < model->figures_count; k++) {
            if (strcmp(model->figures[k].name, figure->name) != 0)
                continue;
            top_text_add(out, "%s", open);
            top_text_json(out, model->figures[k].label);
            top_text_add(out, ":%llu", (unsigned long long)model->figures[k].value);
            open = ",";
        }
        top_text_add(out, "}");
    }
}

static void
json_ratios(struct top_text *out, const struct top_model *model)
{
    for (unsigned i = 0; i < TOP_RATIO_COUNT; i++)
        top_text_add(out, "%s\"%s/%s\":%.3f", i > 0 ? "," : "", top_ratio_info((enum top_ratio)i)->over,
                     top_ratio_info((enum top_ratio)i)->under, top_model_ratio(model, (enum top_ratio)i));
}

static void
json_times(struct top_text *out, const struct top_model *model)
{
    for (size_t i = 0; i < model->times_count; i++) {
        const struct top_times *times = &model->times[i];
        top_text_add(out, "%s{\"name\":", i > 0 ? "," : "");
        top_text_json(out, times->name);
        top_text_add(out, ",\"label\":");
        top_text_json(out, times->label);
        top_text_add(out, ",\"count\":%llu,\"sum_us\":%llu,\"p50_us\":%llu,\"p99_us\":%llu,\"p999_us\":%llu}",
                     (unsigned long long)msg_histogram_count(&times->times), (unsigned long long)times->times.sum_us,
                     (unsigned long long)msg_histogram_at(&times->times, 500),
                     (unsigned long long)msg_histogram_at(&times->times, 990),
                     (unsigned long long)msg_histogram_at(&times->times, 999));
    }
}


static void
json_rows(struct top_text *out, const struct top_model *model)
{
    top_text_add(out, ",\"rooms\":[");
    for (size_t i = 0; i < model->rooms_count; i++) {
        const struct top_room *room = &model->rooms[i];
        top_text_add(out, "%s{\"name\":", i > 0 ? "," : "");
        top_text_json(out, room->name);
        top_text_add(out, ",\"members\":%llu,\"seats\":%llu,\"mesh\":%s,\"frames\":%llu,\"bytes\":%llu}",
                     (unsigned long long)room->members, (unsigned long long)room->seats, yes(room->mesh),
                     (unsigned long long)room->frames, (unsigned long long)room->bytes);
    }
    top_text_add(out, "],\"sessions\":[");
    for (size_t i = 0; i < model->sessions_count; i++) {
        const struct top_session *session = &model->sessions[i];
        top_text_add(out, "%s{\"name\":", i > 0 ? "," : "");
        top_text_json(out, session->name);
        top_text_add(out, ",\"device\":%llu,\"source\":", (unsigned long long)session->device);
        top_text_json(out, session->source);
        top_text_add(out, ",\"idle_ms\":%llu,\"rooms\":%llu,\"pending_bytes\":%llu,\"behind\":%s}",
                     (unsigned long long)session->idle_ms, (unsigned long long)session->rooms,
                     (unsigned long long)session->pending_bytes, yes(session->behind));
    }
    top_text_add(out, "]");
}

void
top_render_json(struct top_text *out, const struct top_model *model, uint64_t now_ms)
{
    top_text_add(out, "{\"v\":1,\"type\":\"sample\",\"number\":%llu,\"build\":", (unsigned long long)model->number);
    top_text_json(out, model->build);
    top_text_add(out, ",\"at_ms\":%llu,\"interval_ms\":%llu,\"uptime_ms\":%llu,\"lost\":%llu,\"live\":%s,\"ready\":%s,"
                 "\"reason\":",
                 (unsigned long long)model->at_ms, (unsigned long long)model->interval_ms,
                 (unsigned long long)model->uptime_ms, (unsigned long long)model->lost,
                 yes(top_model_is_live(model, now_ms)), yes(top_model_is_ready(model, now_ms)));
    top_text_json(out, top_model_reason(model, now_ms));
    top_text_add(out, ",\"figures\":{");
    json_figures(out, model);
    top_text_add(out, "},\"ratios\":{");
    json_ratios(out, model);
    top_text_add(out, "},\"times\":[");
    json_times(out, model);
    top_text_add(out, "]");
    if (top_model_has_rows(model))
        json_rows(out, model);
    top_text_add(out, "}\n");
}

void
top_render_health(struct top_text *out, const struct top_model *model, uint64_t now_ms)
{
    top_text_add(out, "{\"live\":%s,\"ready\":%s,\"reason\":", yes(top_model_is_live(model, now_ms)),
                 yes(top_model_is_ready(model, now_ms)));
    top_text_json(out, top_model_reason(model, now_ms));
    top_text_add(out, "}\n");
}

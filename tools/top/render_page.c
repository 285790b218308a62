/* A page that plots the last hour: plain HTML and SVG, drawn here, without
 * scripts and without anything from elsewhere. */
#include <stdio.h>

#include "tools/top/render.h"

#define WIDTH 720.0
#define HEIGHT 120.0
#define POINTS 720u /* that are drawn: of more, the greatest of each so many */

static void
escaped(struct top_text *out, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '<' || *at == '>' || *at == '&' || *at == '"')
            top_text_add(out, "&#%d;", *at);
        else
            top_text_bytes(out, at, 1);
    }
}

/* The greatest of the points that fall into one that is drawn. */
static double
drawn(const struct top_model *model, enum top_series series, size_t at, size_t each)
{
    double most = 0;

    for (size_t i = at * each; i < (at + 1) * each && i < model->history_count; i++)
        if (top_model_point(model, series, i) > most)
            most = top_model_point(model, series, i);
    return most;
}

static void
plot(struct top_text *out, const struct top_model *model, enum top_series series)
{
    const size_t each = model->history_count / POINTS + 1, count = (model->history_count + each - 1) / each;
    const double last = model->history_count > 0 ? top_model_point(model, series, model->history_count - 1) : 0;
    char now[16], top[16];
    double most = 0;

    for (size_t i = 0; i < count; i++)
        if (drawn(model, series, i, each) > most)
            most = drawn(model, series, i, each);
    if (series == TOP_IN || series == TOP_OUT) {
        top_render_bytes(now, last);
        top_render_bytes(top, most);
    } else {
        top_render_number(now, last);
        top_render_number(top, most);
    }
    top_text_add(out, "<figure><figcaption>");
    escaped(out, top_series_title(series));
    top_text_add(out, ": <b>%s</b>, at most %s</figcaption>\n<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", now,
                 top, WIDTH, HEIGHT);
    escaped(out, top_series_title(series));
    top_text_add(out, "\"><polyline points=\"");
    for (size_t i = 0; i < count; i++)
        top_text_add(out, "%.1f,%.1f ", count > 1 ? WIDTH * (double)i / (double)(count - 1) : WIDTH,
                     HEIGHT - 2 - (most > 0 ? (HEIGHT - 4) * drawn(model, series, i, each) / most : 0));
    top_text_add(out, "\"/></svg></figure>\n");
}

void
top_render_page(struct top_text *out, const struct top_model *model, uint64_t now_ms)
{
    const bool ready = top_model_is_ready(model, now_ms), live = top_model_is_live(model, now_ms);
    char uptime[32], minutes[32];

    top_render_uptime(uptime, model->uptime_ms);
    top_render_uptime(minutes, model->history_count * model->interval_ms);
    top_text_add(out,
                 "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" "
                 "content=\"10\"><meta name=\"viewport\" content=\"width=device-width\"><title>conclaved</title>\n<style>"
                 "body{font:15px sans-serif;max-width:48em;margin:1em auto;padding:0 1em;color:#222;background:#fff}"
                 "svg{width:100%%;height:120px;background:#f4f4f4}polyline{fill:none;stroke:#06c;stroke-width:1.5;"
                 "vector-effect:non-scaling-stroke}figure{margin:1em 0}@media(prefers-color-scheme:dark){body{color:#ddd;"
                 "background:#111}svg{background:#222}polyline{stroke:#6bf}}</style></head><body>\n<h1>conclaved ");
    escaped(out, model->build);
    top_text_add(out, "</h1>\n<p id=\"health\">%s%s", ready ? "live and ready" : live ? "live, not ready: " : "not live: ", "");
    escaped(out, ready ? "" : top_model_reason(model, now_ms));
    top_text_add(out, "; up %s; the last %s, now on the right:</p>\n", uptime, minutes);
    for (unsigned i = 0; i < TOP_SERIES_COUNT; i++)
        plot(out, model, (enum top_series)i);
    top_text_add(out, "<p><a href=\"/metrics\">metrics</a>, <a href=\"/healthz\">health</a></p>\n</body></html>\n");
}

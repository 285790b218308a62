/* What conclave-top prints: each a pure function of the model into a text. */
#ifndef TOP_RENDER_H
#define TOP_RENDER_H

#include "tools/top/model.h"
#include "tools/top/text.h"

/* A few lines for people, then each figure and each histogram on a line. */
void top_render_text(struct top_text *out, const struct top_model *model, uint64_t now_ms);

/* One object on one line; with rooms and sessions, where their rows have come
 * with the last sample. */
void top_render_json(struct top_text *out, const struct top_model *model, uint64_t now_ms);

/* The text exposition format of Prometheus, version 0.0.4.  Without a sample
 * in time it has conclave_live 0 and nothing that is old. */
void top_render_prometheus(struct top_text *out, const struct top_model *model, uint64_t now_ms);

/* {"live":true,"ready":false,"reason":"..."} on a line. */
void top_render_health(struct top_text *out, const struct top_model *model, uint64_t now_ms);

/* A page for a browser that plots the samples it is given, without outside resources. */
void top_render_page(struct top_text *out, const struct top_model *model, uint64_t now_ms);

/* "3d 04:05:06", or "04:05:06". */
void top_render_uptime(char out[32], uint64_t ms);
/* The greatest unit or two, at most six columns: "34s", "12m", "5h12m", "3d04h", "120d". */
void top_render_age(char out[16], uint64_t ms);
/* "250us", "2.5ms", "1.0s". */
void top_render_us(char out[16], uint64_t us);
/* Four figures or so, with a letter: "12.3k", "4.0M"; bytes by 1024. */
void top_render_number(char out[16], double value);
void top_render_bytes(char out[16], double value);

#endif

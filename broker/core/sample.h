/* A sample under construction: the figures of one process, and what the front
 * makes of those of all three.  Pure; used by the shells of front, door and
 * vault. */
#ifndef BROKER_SAMPLE_H
#define BROKER_SAMPLE_H

#include "broker/core/front_core.h"
#include "msg/catalog.h"
#include "msg/error.h"

#define BROKER_SAMPLE_FULL_PERCENT 90u  /* of the store's map: no longer ready */
#define BROKER_SAMPLE_SILENT_MS 10000u  /* the store has not answered for so long: not live */

struct broker_sample {
    struct msg_list figures, histograms;
    struct msg_buf figures_buf, histograms_buf;
    uint8_t figures_at[MSG_FRAME_MAX / 2], histograms_at[MSG_FRAME_MAX / 2];
};

/* Nothing is in it. */
void broker_sample_clear(struct broker_sample *self);

/* label: "" where the figure has none.  One that finds no place is left out. */
void broker_sample_add(struct broker_sample *self, enum msg_figure figure, const char *label, uint64_t value);
void broker_sample_add_times(struct broker_sample *self, enum msg_figure figure, const char *label,
                             const struct msg_histogram *times);

/* What the mind of the front, or of the door, counted. */
void broker_sample_add_front(struct broker_sample *self, const struct broker_front_counts *counts,
                             const struct broker_front_gauges *gauges);

/* Takes over what another process counted: figures that this version has and
 * that are not the front's own, nor another process's.  process: "door" or
 * "vault". */
void broker_sample_merge(struct broker_sample *self, const struct msg_counts *counts, const char *process);

/* What it takes to serve. */
struct broker_health {
    bool store_refuses;         /* the last commit failed */
    bool broken, stopping;      /* of the core */
    uint64_t silent_ms;         /* so long has the store owed an answer */
    uint64_t used_bytes, map_bytes;
};
/* live, ready and the reason, which is a constant. */
void broker_sample_judge(struct msg_sample *sample, const struct broker_health *health);

#endif

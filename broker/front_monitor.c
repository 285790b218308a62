/* What the front says about itself and its neighbours, once in an interval while
 * somebody has subscribed: it asks door and vault what they counted, adds its
 * own, and publishes.  Who has no monitor is not woken for one. */
#include "broker/front.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "broker/self.h"
#include "host/log.h"
#include "msg/codec.h"

#define MISSED_MAX 3u  /* samples in which the last word of door and vault stands, should they be slow to answer */
#define ANSWER_MS 100u /* for door and vault to say what they counted, or half an interval */

uint64_t
broker_front_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void
broker_front_monitor_asked(struct broker_front *self, uint64_t kind, uint64_t took_us)
{
    if (self->watch != NULL && kind < MSG_KIND_LIMIT)
        msg_histogram_add(&self->watch->asked[kind], took_us);
}

void
broker_front_monitor_turn(struct broker_front *self, uint64_t took_us)
{
    if (self->watch == NULL)
        return;
    self->watch->turns++;
    if (took_us > self->watch->lag_us)
        self->watch->lag_us = took_us;
}

/* ---- door and vault ---- */

static struct broker_front_told *
told_of(struct broker_front_watch *watch, uint64_t link)
{
    return link == BROKER_LINK_DOOR ? &watch->door : &watch->vault;
}

bool
broker_front_monitor_told(struct broker_front *self, uint64_t link, struct msg_span frame)
{
    uint64_t kind, number;

    msg_codec_peek(frame, &kind, &number);
    if (kind != MSG_COUNTS)
        return false;
    if (self->watch != NULL && frame.len <= MSG_FRAME_MAX) {
        struct broker_front_told *told = told_of(self->watch, link);
        memcpy(told->at, frame.at, frame.len);
        told->len = frame.len;
        told->fresh = true;
        told->missed = 0;
    }
    return true;
}

static void
ask(struct broker_front *self)
{
    uint8_t at[64];
    struct msg_buf out = {at, 0, sizeof at};
    const struct msg_counts_of question = {self->watch->number + 1};

    self->watch->door.fresh = self->watch->vault.fresh = false;
    self->watch->door.missed++;
    self->watch->vault.missed++;
    if (msg_codec_encode(&out, MSG_COUNTS_OF, &question) != CONCLAVE_OK)
        return;
    if (broker_local_send(self->vault, NULL, msg_span_of_buf(&out)) != CONCLAVE_OK
        || self->door_id.len == 0
        || broker_local_send(self->door, &self->door_id, msg_span_of_buf(&out)) != CONCLAVE_OK)
        host_log(MSG_LOG_DEBUG, "MONITOR-NEIGHBOUR-AWAY a sample has what door or vault counted before, or lacks it.");
    self->ears.loud |= EAR_VAULT | EAR_DOOR;
}

static void
merge(struct broker_front_watch *watch, const struct broker_front_told *told, const char *process)
{
    union msg_any any;
    enum msg_kind kind;

    if (told->len == 0 || told->missed > MISSED_MAX)
        return;
    if (msg_codec_decode(msg_span(told->at, told->len), &kind, &any) != CONCLAVE_OK || kind != MSG_COUNTS)
        host_log(MSG_LOG_WARN, "MONITOR-GARBAGE the %s says what cannot be read about itself.", process);
    else
        broker_sample_merge(&watch->sample, &any.MSG_ANY_COUNTS, process);
}

/* ---- the front's own ---- */

static void
add_store(struct broker_front *self, struct broker_health *health)
{
    struct broker_front_watch *watch = self->watch;
    struct broker_sample *sample = &watch->sample;
    const uint64_t waiting = broker_store_waiting(self->writer);
    struct broker_store_counts counts;
    struct host_store_stat stat;

    broker_store_counts(self->writer, &counts);
    host_store_stat(self->store, &stat);
    broker_sample_add(sample, MSG_FIGURE_COMMITS, "", counts.commits);
    broker_sample_add(sample, MSG_FIGURE_COMMITS_FAILED, "", counts.failed);
    broker_sample_add(sample, MSG_FIGURE_TRANSACTIONS, "", counts.transactions);
    broker_sample_add(sample, MSG_FIGURE_RECORDS_WRITTEN, "", counts.records);
    broker_sample_add_times(sample, MSG_FIGURE_COMMIT, "", &counts.commit);
    broker_sample_add(sample, MSG_FIGURE_STORE_WAITING, "", waiting);
    broker_sample_add(sample, MSG_FIGURE_STORE_USED, "", stat.used_bytes);
    broker_sample_add(sample, MSG_FIGURE_STORE_FREE, "", stat.map_bytes - stat.used_bytes);
    broker_sample_add(sample, MSG_FIGURE_STORE_MAP, "", stat.map_bytes);
    broker_sample_add(sample, MSG_FIGURE_STORE_RECORDS, "", stat.records);
    broker_sample_add(sample, MSG_FIGURE_READERS, "", stat.readers);
    broker_sample_add(sample, MSG_FIGURE_STALE_READERS, "", stat.stale);
    health->silent_ms = broker_store_silent_ms(self->writer);
    health->store_refuses = counts.refuses;
    health->used_bytes = stat.used_bytes;
    health->map_bytes = stat.map_bytes;
}

static void
add_own(struct broker_front *self, struct broker_health *health)
{
    struct broker_front_watch *watch = self->watch;
    struct broker_front_counts counts;
    struct broker_front_gauges gauges;

    broker_front_core_counts(self->core, &counts);
    broker_front_core_gauges(self->core, self->now, &gauges);
    broker_sample_add_front(&watch->sample, &counts, &gauges);
    broker_self_add(&watch->sample, "front");
    broker_self_add_port(&watch->sample, "front", self->port);
    broker_sample_add(&watch->sample, MSG_FIGURE_LOOP_TURNS, "", watch->turns);
    broker_sample_add(&watch->sample, MSG_FIGURE_LOOP_LAG, "", watch->lag_us);
    for (uint64_t kind = 0; kind < MSG_KIND_LIMIT; kind++)
        if (msg_histogram_count(&watch->asked[kind]) > 0 && msg_catalog_shape(kind) != NULL)
            broker_sample_add_times(&watch->sample, MSG_FIGURE_REQUEST, msg_catalog_shape(kind)->name,
                                    &watch->asked[kind]);
    watch->lag_us = 0;
    health->broken = counts.broken;
    health->stopping = counts.stopping;
    add_store(self, health);
}

/* ---- what goes out ---- */

static void
publish_rooms(struct broker_front *self)
{
    struct broker_front_watch *watch = self->watch;
    struct msg_buf out = {watch->frame, 0, sizeof watch->frame};
    struct msg_room_rows page = {.number = watch->number, .more = true};

    for (uint32_t at = 0; page.more; page.page++) {
        struct msg_buf items = {watch->items, 0, sizeof watch->items};
        page.rows = (struct msg_list){0};
        page.more = broker_front_core_room_rows(self->core, &at, &items, &page.rows);
        out.len = 0;
        if (msg_codec_encode(&out, MSG_ROOM_ROWS, &page) == CONCLAVE_OK)
            broker_monitor_publish(&self->monitor, BROKER_MONITOR_ROOMS, msg_span_of_buf(&out));
    }
}

static void
publish_sessions(struct broker_front *self)
{
    struct broker_front_watch *watch = self->watch;
    struct msg_buf out = {watch->frame, 0, sizeof watch->frame};
    struct msg_session_rows page = {.number = watch->number, .more = true};

    for (uint32_t at = 0; page.more; page.page++) {
        struct msg_buf items = {watch->items, 0, sizeof watch->items};
        page.rows = (struct msg_list){0};
        page.more = broker_front_core_session_rows(self->core, self->now, &at, &items, &page.rows);
        out.len = 0;
        if (msg_codec_encode(&out, MSG_SESSION_ROWS, &page) == CONCLAVE_OK)
            broker_monitor_publish(&self->monitor, BROKER_MONITOR_SESSIONS, msg_span_of_buf(&out));
    }
}

static void
publish(struct broker_front *self)
{
    struct broker_front_watch *watch = self->watch;
    struct msg_buf out = {watch->frame, 0, sizeof watch->frame};
    struct broker_health health = {0};
    struct msg_sample sample = {
        .number = ++watch->number,
        .build = msg_text(PACKAGE_VERSION),
        .at_ms = self->now.wall_ms,
        .interval_ms = self->settings.monitor_interval_ms,
        .uptime_ms = self->now.mono_ms - watch->began_ms,
    };

    broker_sample_clear(&watch->sample);
    add_own(self, &health);
    merge(watch, &watch->door, "door");
    merge(watch, &watch->vault, "vault");
    broker_sample_judge(&sample, &health);
    sample.figures = watch->sample.figures;
    sample.histograms = watch->sample.histograms;
    if (msg_codec_encode(&out, MSG_SAMPLE, &sample) == CONCLAVE_OK)
        broker_monitor_publish(&self->monitor, BROKER_MONITOR_SAMPLES, msg_span_of_buf(&out));
    (void)broker_monitor_hear(&self->monitor); /* what is more is heard soon: we are loud below */
    if (broker_monitor_wants(&self->monitor, BROKER_MONITOR_ROOMS))
        publish_rooms(self);
    if (broker_monitor_wants(&self->monitor, BROKER_MONITOR_SESSIONS))
        publish_sessions(self);
    self->ears.loud |= EAR_MONITOR;
}

/* ---- when ---- */

uint64_t
broker_front_monitor_next(const struct broker_front *self)
{
    if (self->watch == NULL || self->watch->alone)
        return UINT64_MAX;
    return self->watch->asking ? self->watch->answer_ms : self->watch->due_ms;
}

/* Whether nobody has subscribed; what door and vault said before that is old
 * once somebody has. */
static bool
is_alone(struct broker_front *self)
{
    struct broker_front_watch *watch = self->watch;
    const bool alone = !broker_monitor_wants_any(&self->monitor);

    if (watch->alone && !alone) {
        watch->asking = false;
        watch->door.len = watch->vault.len = 0;
    }
    watch->alone = alone;
    return alone;
}

void
broker_front_monitor_due(struct broker_front *self)
{
    struct broker_front_watch *watch = self->watch;
    const uint64_t interval_ms = self->settings.monitor_interval_ms;

    if (watch == NULL || is_alone(self))
        return;
    if (!watch->asking && watch->due_ms <= self->now.mono_ms) {
        watch->due_ms += interval_ms;
        if (watch->due_ms <= self->now.mono_ms) /* the machine slept: no volley */
            watch->due_ms = self->now.mono_ms + interval_ms;
        watch->answer_ms = self->now.mono_ms + (interval_ms / 2 < ANSWER_MS ? interval_ms / 2 : ANSWER_MS);
        watch->asking = true;
        ask(self);
    }
    if (!watch->asking
        || (watch->answer_ms > self->now.mono_ms && !(watch->door.fresh && watch->vault.fresh)))
        return;
    watch->asking = false;
    publish(self);
}

static void
open_local(struct broker_front *self)
{
    struct broker_front_watch *watch = calloc(1, sizeof *watch);

    if (watch == NULL || broker_monitor_open_local(&self->monitor) != CONCLAVE_OK
        || host_ears_add(&self->ears, EAR_MONITOR, self->monitor.sockets[BROKER_MONITOR_LOCAL].xpub) != CONCLAVE_OK) {
        broker_monitor_close_local(&self->monitor);
        host_log(MSG_LOG_ERROR, "MONITOR-CLOSED " MSG_MONITOR_SOCKET " cannot be opened; nothing is published.");
        free(watch);
        return;
    }
    watch->began_ms = watch->due_ms = self->now.mono_ms;
    watch->alone = true;
    self->watch = watch;
}

void
broker_front_monitor_set(struct broker_front *self)
{
    struct broker_front_watch *watch = self->watch;
    const uint64_t interval_ms = self->settings.monitor_interval_ms, next_ms = self->now.mono_ms + interval_ms;

    if (watch != NULL && interval_ms == 0)
        broker_front_monitor_close(self);
    else if (watch != NULL && watch->due_ms > next_ms)
        watch->due_ms = next_ms; /* it was longer before */
    else if (watch == NULL && interval_ms != 0)
        open_local(self);
    broker_monitor_welcome(&self->monitor, interval_ms);
}

void
broker_front_monitor_hear(struct broker_front *self)
{
    if (!broker_monitor_hear(&self->monitor))
        self->ears.loud &= ~(uint32_t)EAR_MONITOR;
}

void
broker_front_monitor_last(struct broker_front *self)
{
    if (self->watch != NULL)
        publish(self);
}

void
broker_front_monitor_close(struct broker_front *self)
{
    if (self->watch == NULL)
        return;
    broker_monitor_close_local(&self->monitor);
    free(self->watch);
    self->watch = NULL;
}

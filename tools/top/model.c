/* Samples become figures, rates and points. */
#include "tools/top/model.h"

#include <stdlib.h>

#include "msg/codec.h"

#define RECENT_MS 30000u /* recent is this long ago, and up to twice that */

static const char *const titles[] = {
#define TITLE(id, name, title) title,
    TOP_SERIES(TITLE)
#undef TITLE
};

const char *
top_series_title(enum top_series series)
{
    return titles[series];
}

static void *
checked(void *at)
{
    if (at == NULL)
        abort(); /* out of memory: there is nothing better to do */
    return at;
}

struct top_model *
top_model_new(void)
{
    struct top_model *self = checked(calloc(1, sizeof *self));

    self->interval_ms = 1000;
    return self;
}

void
top_model_destroy(struct top_model **self_p)
{
    struct top_model *self = *self_p;

    *self_p = NULL;
    if (self == NULL)
        return;
    free(self->rooms);
    free(self->rooms_next);
    free(self->sessions);
    free(self->sessions_next);
    free(self);
}

/* ---- figures ---- */

static const struct top_figure *
find(const struct top_figure *figures, size_t count, const char *name, const char *label)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(figures[i].name, name) == 0 && strcmp(figures[i].label, label) == 0)
            return &figures[i];
    return NULL;
}

static void
take_figures(struct top_model *self, struct msg_list list)
{
    static struct top_figure before[MSG_FIGURES_MAX];
    const size_t before_count = self->figures_count;
    struct msg_figure_item item;

    memcpy(before, self->figures, sizeof before);
    self->figures_count = 0;
    while (self->figures_count < MSG_FIGURES_MAX && msg_codec_next(&list, MSG_FIGURE, &item)) {
        struct top_figure *figure = &self->figures[self->figures_count++];
        *figure = (struct top_figure){.value = item.value};
        msg_text_copy(figure->name, sizeof figure->name, item.name);
        msg_text_copy(figure->label, sizeof figure->label, item.label);
        const struct top_figure *was = find(before, before_count, figure->name, figure->label);
        figure->before = was != NULL ? was->value : 0;
    }
}

static const struct top_times *
find_times(const struct top_times *times, size_t count, const char *name, const char *label)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(times[i].name, name) == 0 && strcmp(times[i].label, label) == 0)
            return &times[i];
    return NULL;
}

static void
take_times(struct top_model *self, struct msg_list list)
{
    static struct top_times before[MSG_HISTOGRAMS_MAX];
    const size_t before_count = self->compares ? self->times_count : 0;
    const bool turns = self->compares && self->at_ms - self->turned_ms >= RECENT_MS;
    struct msg_histogram_item item;

    if (!self->compares || turns)
        self->turned_ms = self->at_ms;
    memcpy(before, self->times, sizeof before);
    self->times_count = 0;
    while (self->times_count < MSG_HISTOGRAMS_MAX && msg_codec_next(&list, MSG_HISTOGRAM, &item)) {
        struct top_times *times = &self->times[self->times_count++];
        *times = (struct top_times){.name = ""};
        msg_text_copy(times->name, sizeof times->name, item.name);
        msg_text_copy(times->label, sizeof times->label, item.label);
        msg_histogram_read(&times->times, item.sum_us, item.buckets);
        const struct top_times *was = find_times(before, before_count, times->name, times->label);
        if (was != NULL) {
            times->old = turns ? was->mid : was->old;
            times->mid = turns ? was->times : was->mid;
        } else if (!self->compares) /* nobody knows when that was */
            times->old = times->mid = times->times;
    }
}

bool
top_model_value(const struct top_model *self, const char *name, const char *label, double *value)
{
    bool found = false;

    *value = 0;
    for (size_t i = 0; i < self->figures_count; i++) {
        const struct top_figure *figure = &self->figures[i];
        if (strcmp(figure->name, name) != 0 || (label != NULL && strcmp(figure->label, label) != 0))
            continue;
        *value += (double)figure->value;
        found = true;
    }
    return found;
}

bool
top_model_rate(const struct top_model *self, const char *name, const char *label, double *value)
{
    const double seconds = self->at_ms > self->before_ms ? (double)(self->at_ms - self->before_ms) / 1000 : 0;
    bool found = false;

    *value = 0;
    for (size_t i = 0; i < self->figures_count; i++) {
        const struct top_figure *figure = &self->figures[i];
        if (strcmp(figure->name, name) != 0 || (label != NULL && strcmp(figure->label, label) != 0))
            continue;
        found = true;
        /* A process of the registry that was started again begins at 0. */
        if (self->compares && seconds > 0 && figure->value > figure->before)
            *value += (double)(figure->value - figure->before) / seconds;
    }
    return found;
}

bool
top_model_times(const struct top_model *self, const char *name, const char *label, struct msg_histogram *times)
{
    bool found = false;

    *times = (struct msg_histogram){0};
    for (size_t i = 0; i < self->times_count; i++) {
        const struct top_times *one = &self->times[i];
        if (strcmp(one->name, name) != 0 || (label != NULL && strcmp(one->label, label) != 0))
            continue;
        for (size_t k = 0; k < MSG_HISTOGRAM_BUCKETS; k++)
            times->buckets[k] += one->times.buckets[k];
        times->sum_us += one->times.sum_us;
        found = true;
    }
    return found;
}

bool
top_model_recent(const struct top_model *self, const char *name, const char *label, struct msg_histogram *times)
{
    *times = (struct msg_histogram){0};
    for (size_t i = 0; i < self->times_count; i++) {
        const struct top_times *one = &self->times[i];
        if (strcmp(one->name, name) != 0 || (label != NULL && strcmp(one->label, label) != 0))
            continue;
        for (size_t k = 0; k < MSG_HISTOGRAM_BUCKETS; k++) /* a process that was started again begins at 0 */
            times->buckets[k] += one->times.buckets[k] >= one->old.buckets[k] ? one->times.buckets[k] - one->old.buckets[k]
                                                                              : one->times.buckets[k];
    }
    return msg_histogram_count(times) > 0;
}

double
top_model_or_0(const struct top_model *self, const char *name, const char *label)
{
    double value;

    return top_model_value(self, name, label, &value) ? value : 0;
}

/* ---- ratios ---- */

const struct top_ratio_info *
top_ratio_info(enum top_ratio ratio)
{
    static const struct top_ratio_info infos[] = {
#define RATIO_INFO(id, over, under) {over, under},
        TOP_RATIOS(RATIO_INFO)
#undef RATIO_INFO
    };

    return &infos[ratio];
}

double
top_model_ratio(const struct top_model *self, enum top_ratio ratio)
{
    const double under = top_model_or_0(self, top_ratio_info(ratio)->under, NULL);

    return under > 0 ? top_model_or_0(self, top_ratio_info(ratio)->over, NULL) / under : 0;
}

double
top_model_recent_ratio(const struct top_model *self, enum top_ratio ratio)
{
    double over, under;

    if (!top_model_rate(self, top_ratio_info(ratio)->over, NULL, &over)
        || !top_model_rate(self, top_ratio_info(ratio)->under, NULL, &under) || under <= 0)
        return 0;
    return over / under;
}

/* ---- history ---- */

static void
note_history(struct top_model *self)
{
    double point[TOP_SERIES_COUNT] = {0}, cpu_ms_per_s;
    size_t at = (self->history_first + self->history_count) % TOP_HISTORY;

    (void)top_model_value(self, "sessions", NULL, &point[TOP_SESSIONS]); /* 0 where it is not there */
    (void)top_model_rate(self, "requests", NULL, &point[TOP_REQUESTS]);
    (void)top_model_rate(self, "bytes_in", NULL, &point[TOP_IN]);
    (void)top_model_rate(self, "bytes_out", NULL, &point[TOP_OUT]);
    (void)top_model_rate(self, "copies", NULL, &point[TOP_COPIES]);
    (void)top_model_rate(self, "commits", NULL, &point[TOP_COMMITS]);
    (void)top_model_value(self, "loop_lag_us", NULL, &point[TOP_LAG]);
    (void)top_model_rate(self, "cpu_ms", NULL, &cpu_ms_per_s);
    point[TOP_COALESCED] = top_model_recent_ratio(self, TOP_RATIO_COALESCED);
    point[TOP_GROUP] = top_model_recent_ratio(self, TOP_RATIO_GROUP);
    point[TOP_CPU] = cpu_ms_per_s / 10;
    if (self->history_count == TOP_HISTORY)
        self->history_first = (self->history_first + 1) % TOP_HISTORY;
    else
        self->history_count++;
    for (unsigned i = 0; i < TOP_SERIES_COUNT; i++)
        self->history[i][at] = point[i];
}

double
top_model_point(const struct top_model *self, enum top_series series, size_t index)
{
    return self->history[series][(self->history_first + index) % TOP_HISTORY];
}

/* ---- what comes ---- */

static void
take_sample(struct top_model *self, const struct msg_sample *sample, uint64_t now_ms)
{
    const bool same_run = self->samples > 0 && sample->number > self->number && sample->uptime_ms >= self->uptime_ms;

    self->compares = same_run;
    self->lost += same_run ? sample->number - self->number - 1 : 0;
    self->before_ms = self->at_ms;
    self->at_ms = sample->at_ms;
    self->samples++;
    self->heard_ms = now_ms;
    self->number = sample->number;
    self->interval_ms = sample->interval_ms;
    self->uptime_ms = sample->uptime_ms;
    self->live = sample->live;
    self->ready = sample->ready;
    msg_text_copy(self->build, sizeof self->build, sample->build);
    msg_text_copy(self->reason, sizeof self->reason, sample->reason);
    take_figures(self, sample->figures);
    take_times(self, sample->histograms);
    note_history(self);
}

/* Grows a list of rows by one. */
static void *
more_of(void *list, size_t *count, size_t *room, size_t size)
{
    if (*count == *room) {
        *room = *room > 0 ? 2 * *room : 64;
        list = checked(realloc(list, *room * size));
    }
    ++*count;
    return list;
}

static int
by_name(const void *a_at, const void *b_at)
{
    const struct top_room *a = a_at, *b = b_at;

    return strcmp(a->name, b->name);
}

/* What each room has got since the list before, which is given up. */
static void
rate_rooms(struct top_model *self)
{
    const double seconds = self->at_ms > self->rooms_ms ? (double)(self->at_ms - self->rooms_ms) / 1000 : 0;

    if (self->rooms_count == 0 || !self->compares || seconds <= 0)
        return;
    qsort(self->rooms, self->rooms_count, sizeof *self->rooms, by_name);
    for (size_t i = 0; i < self->rooms_next_count; i++) {
        struct top_room *room = &self->rooms_next[i];
        const struct top_room *was = bsearch(room, self->rooms, self->rooms_count, sizeof *self->rooms, by_name);
        /* The log of a room was looked up for the first time: that is no growth. */
        if (was == NULL || room->frames < was->frames || was->frames == 0)
            continue;
        room->frames_per_s = (double)(room->frames - was->frames) / seconds;
        room->bytes_per_s = room->bytes > was->bytes ? (double)(room->bytes - was->bytes) / seconds : 0;
    }
}

static void
take_rooms(struct top_model *self, const struct msg_room_rows *page)
{
    struct msg_list rows = page->rows;
    struct msg_room_row row;

    if (page->number != self->rooms_number)
        self->rooms_next_count = 0;
    self->rooms_number = page->number;
    while (msg_codec_next(&rows, MSG_ROOM_ROW, &row)) {
        self->rooms_next = more_of(self->rooms_next, &self->rooms_next_count, &self->rooms_next_room,
                                   sizeof *self->rooms_next);
        struct top_room *room = &self->rooms_next[self->rooms_next_count - 1];
        *room = (struct top_room){.members = row.members, .seats = row.seats, .frames = row.frames,
                                  .bytes = row.bytes, .mesh = row.mesh};
        msg_text_copy(room->name, sizeof room->name, row.name);
    }
    if (page->more)
        return;
    rate_rooms(self);
    self->rooms_ms = self->at_ms;
    self->rooms_whole = page->number;
    free(self->rooms);
    self->rooms = self->rooms_next;
    self->rooms_count = self->rooms_next_count;
    self->rooms_next = NULL;
    self->rooms_next_count = self->rooms_next_room = 0;
}

static void
take_sessions(struct top_model *self, const struct msg_session_rows *page)
{
    struct msg_list rows = page->rows;
    struct msg_session_row row;

    if (page->number != self->sessions_number)
        self->sessions_next_count = 0;
    self->sessions_number = page->number;
    while (msg_codec_next(&rows, MSG_SESSION_ROW, &row)) {
        self->sessions_next = more_of(self->sessions_next, &self->sessions_next_count, &self->sessions_next_room,
                                      sizeof *self->sessions_next);
        struct top_session *session = &self->sessions_next[self->sessions_next_count - 1];
        *session = (struct top_session){.device = row.device, .idle_ms = row.idle_ms, .rooms = row.rooms,
                                        .pending_bytes = row.pending_bytes, .behind = row.behind};
        msg_text_copy(session->name, sizeof session->name, row.name);
        msg_text_copy(session->source, sizeof session->source, row.source);
    }
    if (page->more)
        return;
    self->sessions_whole = page->number;
    free(self->sessions);
    self->sessions = self->sessions_next;
    self->sessions_count = self->sessions_next_count;
    self->sessions_next = NULL;
    self->sessions_next_count = self->sessions_next_room = 0;
}

enum conclave_err
top_model_hear(struct top_model *self, struct msg_span frame, uint64_t now_ms)
{
    union msg_any any;
    enum msg_kind kind;
    const enum conclave_err err = msg_codec_decode(frame, &kind, &any);

    if (err != CONCLAVE_OK)
        return err;
    if (kind == MSG_SAMPLE)
        take_sample(self, &any.MSG_ANY_SAMPLE, now_ms);
    else if (kind == MSG_ROOM_ROWS)
        take_rooms(self, &any.MSG_ANY_ROOM_ROWS);
    else if (kind == MSG_SESSION_ROWS)
        take_sessions(self, &any.MSG_ANY_SESSION_ROWS);
    else if (kind == MSG_MONITOR_WELCOME)
        self->interval_ms = any.MSG_ANY_MONITOR_WELCOME.interval_ms;
    return CONCLAVE_OK;
}

/* ---- how it is ---- */

bool
top_model_has_rows(const struct top_model *self)
{
    return self->number != 0 && self->rooms_whole == self->number && self->sessions_whole == self->number;
}

bool
top_model_hears(const struct top_model *self, uint64_t now_ms)
{
    return self->samples > 0 && now_ms - self->heard_ms <= TOP_MISSING * self->interval_ms;
}

bool
top_model_is_live(const struct top_model *self, uint64_t now_ms)
{
    return top_model_hears(self, now_ms) && self->live;
}

bool
top_model_is_ready(const struct top_model *self, uint64_t now_ms)
{
    return top_model_is_live(self, now_ms) && self->ready;
}

const char *
top_model_reason(const struct top_model *self, uint64_t now_ms)
{
    if (self->samples == 0)
        return "No sample has come yet.";
    if (!top_model_hears(self, now_ms))
        return "No sample has come for three intervals.";
    return self->reason;
}

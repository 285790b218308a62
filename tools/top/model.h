/* What conclave-top knows: the last sample and the one before, rows of rooms
 * and sessions, and how some figures went in the last hour.  Pure: frames and
 * times come as arguments. */
#ifndef TOP_MODEL_H
#define TOP_MODEL_H

#include "msg/catalog.h"
#include "msg/error.h"

#define TOP_HISTORY 3600u       /* points; one a sample */
#define TOP_MISSING 3u          /* intervals without a sample: not live */

/* What is drawn over time. */
#define TOP_SERIES(X) \
    X(SESSIONS, "sessions", "sessions") \
    X(REQUESTS, "requests", "requests/s") \
    X(IN, "in", "bytes in/s") \
    X(OUT, "out", "bytes out/s") \
    X(COPIES, "copies", "room copies/s") \
    X(COALESCED, "coalesced", "copies/message") \
    X(CPU, "cpu", "% of a core") \
    X(LAG, "lag", "longest turn, us") \
    X(COMMITS, "commits", "commits/s") \
    X(GROUP, "group", "transactions/commit")

enum top_series {
#define TOP_SERIES_ENUM(id, name, title) TOP_##id,
    TOP_SERIES(TOP_SERIES_ENUM)
#undef TOP_SERIES_ENUM
    TOP_SERIES_COUNT
};
const char *top_series_title(enum top_series series);

struct top_figure {
    char name[MSG_FIGURE_NAME_MAX + 1];
    char label[MSG_FIGURE_LABEL_MAX + 1];
    uint64_t value;
    uint64_t before;            /* in the sample before; 0 where it was not there */
};

struct top_times {
    char name[MSG_FIGURE_NAME_MAX + 1];
    char label[MSG_FIGURE_LABEL_MAX + 1];
    struct msg_histogram times;     /* since the registry's start */
    struct msg_histogram mid, old;  /* as they were half a minute ago, and before that */
};

struct top_room {
    char name[MSG_ROOM_NAME_MAX + 1];
    uint64_t members, seats, frames, bytes;
    double frames_per_s, bytes_per_s;   /* since the list before */
    bool mesh;
};

struct top_session {
    char name[MSG_NAME_MAX + 1];
    char source[64 + 1];
    uint64_t device, idle_ms, rooms, pending_bytes;
    bool behind;
};

struct top_model {
    uint64_t samples;           /* heard so far */
    uint64_t lost;              /* samples that were published and not heard */
    uint64_t heard_ms;          /* when the last one came, by our monotonic clock */
    bool compares;              /* there is a sample before, of the same run */
    uint64_t number, at_ms, before_ms, interval_ms, uptime_ms;
    bool live, ready;           /* as it says */
    char build[MSG_BUILD_MAX + 1];
    char reason[MSG_REASON_MAX + 1];
    struct top_figure figures[MSG_FIGURES_MAX];
    size_t figures_count;
    struct top_times times[MSG_HISTOGRAMS_MAX];
    size_t times_count;
    struct top_room *rooms;     /* complete lists; those that come in grow behind */
    size_t rooms_count;
    struct top_room *rooms_next;
    size_t rooms_next_count, rooms_next_room;
    struct top_session *sessions;
    size_t sessions_count;
    struct top_session *sessions_next;
    size_t sessions_next_count, sessions_next_room;
    uint64_t rooms_number, sessions_number; /* of the sample that the pages coming in belong to */
    uint64_t rooms_whole, sessions_whole;   /* and that the complete lists belong to; 0: there was none yet */
    uint64_t rooms_ms;          /* at_ms of the sample of the complete list */
    uint64_t turned_ms;         /* at_ms when the recent times were turned over last */
    double history[TOP_SERIES_COUNT][TOP_HISTORY]; /* a ring */
    size_t history_first, history_count;
};

struct top_model *top_model_new(void); /* out of memory ends the program */
void top_model_destroy(struct top_model **self_p);

/* One message of the registry.  GARBAGE is an error of decoding, and changes
 * nothing; a topic or kind that is none of ours is passed over. */
enum conclave_err CONCLAVE_CHECK top_model_hear(struct top_model *self, struct msg_span frame, uint64_t now_ms);

/* The figure of that name; label NULL: all labels together.  False: there is none. */
bool top_model_value(const struct top_model *self, const char *name, const char *label, double *value);
/* How much it grew each second between the last two samples. */
bool top_model_rate(const struct top_model *self, const char *name, const char *label, double *value);
/* The times of a histogram, of all labels together where label is NULL. */
bool top_model_times(const struct top_model *self, const char *name, const char *label, struct msg_histogram *times);
/* The same of the last half to whole minute; false: nothing happened then, or it is too early to know. */
bool top_model_recent(const struct top_model *self, const char *name, const char *label, struct msg_histogram *times);
/* Figures by others, both of which only grow: since the registry's start, and
 * between the last two samples; 0 where there were none. */
#define TOP_RATIOS(X) \
    X(COALESCED, "copies", "casts") /* frames of rooms in each message that goes out */ \
    X(GROUP, "transactions", "commits")
enum top_ratio {
#define TOP_RATIO_ENUM(id, over, under) TOP_RATIO_##id,
    TOP_RATIOS(TOP_RATIO_ENUM)
#undef TOP_RATIO_ENUM
    TOP_RATIO_COUNT
};
struct top_ratio_info {
    const char *over, *under;
};
const struct top_ratio_info *top_ratio_info(enum top_ratio ratio);
double top_model_ratio(const struct top_model *self, enum top_ratio ratio);
double top_model_recent_ratio(const struct top_model *self, enum top_ratio ratio);

double top_model_or_0(const struct top_model *self, const char *name, const char *label);

/* Rows of both kinds belong to the last sample. */
bool top_model_has_rows(const struct top_model *self);

/* A sample came within three intervals.  Until the registry said how long one
 * is, as it is connected or in a sample, interval_ms is what the caller expects. */
bool top_model_hears(const struct top_model *self, uint64_t now_ms);
/* That, and it says so itself; why not: a sentence. */
bool top_model_is_live(const struct top_model *self, uint64_t now_ms);
bool top_model_is_ready(const struct top_model *self, uint64_t now_ms);
const char *top_model_reason(const struct top_model *self, uint64_t now_ms);

/* The points of a series, oldest first: index 0.. below history_count. */
double top_model_point(const struct top_model *self, enum top_series series, size_t index);

#endif

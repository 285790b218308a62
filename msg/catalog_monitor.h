/* Structs of what programs say about themselves: the registry between its
 * processes and to monitors, a peer to its user.  A part of msg/catalog.h. */
#ifndef MSG_CATALOG_MONITOR_H
#define MSG_CATALOG_MONITOR_H

#include "msg/base.h"
#include "msg/figures.h"

/* Where the ipc socket is, in the data directory, and the topics: the first
 * part of each message, before its frame. */
#define MSG_MONITOR_SOCKET "monitor.ipc"
#define MSG_TOPIC_SAMPLE "sample"
#define MSG_TOPIC_ROOMS "rooms"
#define MSG_TOPIC_SESSIONS "sessions"
#define MSG_TOPIC_WELCOME "welcome" /* in one part with its frame: what a publisher says first is one part */

#define MSG_FIGURES_MAX 400u    /* in a SAMPLE */
#define MSG_HISTOGRAMS_MAX 64u
#define MSG_ROWS_MAX 150u       /* in a page of rows; each fits into a frame */
#define MSG_BUILD_MAX 64u       /* bytes of a version */

/* ---- between the registry's processes ---- */
struct msg_counts_of { uint64_t number; };
struct msg_counts { uint64_t number; struct msg_list figures; struct msg_list histograms; };

/* ---- to monitors ---- */
struct msg_sample {
    uint64_t number;            /* 1.. since the start: a hole is a sample that was lost */
    struct msg_text build;
    uint64_t at_ms;             /* wall clock */
    uint64_t interval_ms;       /* until the next one */
    uint64_t uptime_ms;
    bool live;
    bool ready;
    struct msg_text reason;     /* why not; "" */
    struct msg_list figures;    /* of FIGURE */
    struct msg_list histograms; /* of HISTOGRAM */
};
struct msg_monitor_welcome { uint64_t interval_ms; }; /* from one sample to the next, as the registry is set */
struct msg_room_rows { uint64_t number; uint64_t page; bool more; struct msg_list rows; };    /* number: of the sample */
struct msg_session_rows { uint64_t number; uint64_t page; bool more; struct msg_list rows; }; /* page: 0.. until there are no more */

/* ---- to the user of a peer ---- */

/* X(name) in the order of the frame: what a peer knows of itself.  What each of
 * them is stands at struct conclave_stats (peer/conclave.h), which has them too. */
#define MSG_STATS(X) \
    X(uptime_ms) X(session_ms) X(log_ins) \
    X(people) X(direct) X(relayed) X(dialling) X(away) X(idle) \
    X(rooms) X(mesh_rooms) X(mesh_heard) \
    X(waiting) X(waiting_stored) X(waiting_rooms) X(waiting_oldest_ms) \
    X(sent) X(received) X(gaps_repaired) X(gaps_shown) \
    X(frames_in) X(bytes_in) X(frames_out) X(bytes_out) \
    X(refused_registry) X(refused_links) X(refused_seals) X(refused_rooms)

struct msg_tell_stats {
    uint64_t req;
#define MSG_STATS_MEMBER(name) uint64_t name;
    MSG_STATS(MSG_STATS_MEMBER)
#undef MSG_STATS_MEMBER
};

/* ---- items ---- */
struct msg_figure_item { struct msg_text name; struct msg_text label; uint64_t value; };
struct msg_histogram_item { struct msg_text name; struct msg_text label; uint64_t sum_us; struct msg_span buckets; };
struct msg_room_row { struct msg_text name; uint64_t members; uint64_t seats; bool mesh; uint64_t frames; uint64_t bytes; }; /* frames, bytes: that its log ever had, once it was looked at since the start */
struct msg_session_row { struct msg_text name; uint64_t device; struct msg_text source; uint64_t idle_ms; uint64_t rooms; uint64_t pending_bytes; bool behind; }; /* pending: sent to it from rooms, and not acknowledged */

#endif

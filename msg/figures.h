/* Every figure that the registry publishes about itself, defined once: who
 * gathers them, conclave-top, its Prometheus output, the table in PROTOCOL.md
 * and the tests go by this table.  Also the histograms, which are counted
 * where something takes time and travel as they are.  Pure. */
#ifndef MSG_FIGURES_H
#define MSG_FIGURES_H

#include "msg/base.h"
#include "msg/error.h"

enum msg_figure_type {
    MSG_FIGURE_COUNTER,  /* grows until its process ends */
    MSG_FIGURE_GAUGE,
    MSG_FIGURE_HISTOGRAM /* of times: struct msg_histogram */
};

/* X(ID, name, type, label, help)   name: its unit is its end, _bytes, _ms or
 * _us, else it is a number of things; label: what tells figures of the same
 * name apart, "" where there is one alone. */
#define MSG_FIGURES(X) \
    X(CPU, "cpu_ms", COUNTER, "process", "Processor time that it used") \
    X(RSS, "rss_bytes", GAUGE, "process", "Memory that it has") \
    X(FDS, "fds", GAUGE, "process", "Descriptors that it has open") \
    X(FDS_MAX, "fds_max", GAUGE, "process", "Descriptors that it may have open") \
    X(CONNECTIONS, "connections", GAUGE, "process", "Connections that are open") \
    X(LOOP_LAG, "loop_lag_us", GAUGE, "", "The longest turn of the front's loop since the last sample") \
    X(LOOP_TURNS, "loop_turns", COUNTER, "", "Turns of the front's loop") \
    X(FRAMES_IN, "frames_in", COUNTER, "", "Frames that came from enrolled devices") \
    X(BYTES_IN, "bytes_in", COUNTER, "", "Bytes of them, before CURVE") \
    X(FRAMES_OUT, "frames_out", COUNTER, "", "Frames that went to enrolled devices") \
    X(BYTES_OUT, "bytes_out", COUNTER, "", "Bytes of them, before CURVE") \
    X(FULL, "full", COUNTER, "", "Times that a connection was at its high-water mark and took no more") \
    X(HANDSHAKES, "handshakes", COUNTER, "outcome", "Handshakes of devices with the front") \
    X(CUT, "connections_cut", COUNTER, "reason", "Connections with the front that its watchdog cut") \
    X(SESSIONS, "sessions", GAUGE, "", "Devices that are logged in") \
    X(SESSIONS_MOST, "sessions_most", GAUGE, "", "The most of them at once since the start") \
    X(ONLINE, "accounts_online", GAUGE, "", "Accounts with a session") \
    X(ACCOUNTS, "accounts", GAUGE, "", "Accounts that there are") \
    X(LOG_INS, "log_ins", COUNTER, "outcome", "Log-ins; failed ones are with a password, at the door") \
    X(ENROLMENTS, "enrolments", COUNTER, "kind", "New accounts, and new devices of accounts that were there") \
    X(BLOCKED, "blocked_sources", GAUGE, "", "Sources, or accounts, that are blocked after failed log-ins") \
    X(REQUESTS, "requests", COUNTER, "kind", "Frames of members, and of strangers at the door, by kind") \
    X(REQUEST, "request_us", HISTOGRAM, "kind", "Time that the front's loop spent on one, without waits for the disk") \
    X(REFUSED, "refused", COUNTER, "reason", "Requests and posts that were refused, by the code of the error") \
    X(GARBAGE, "garbage", COUNTER, "", "Frames that should not have come") \
    X(INTRODUCTIONS, "introductions", COUNTER, "", "Devices that were introduced to each other") \
    X(PRESENCE, "presence", COUNTER, "", "Changes of presence that were told") \
    X(ROOMS, "rooms", GAUGE, "", "Rooms that there are") \
    X(MEMBERS, "members", GAUGE, "", "Members of all rooms, with those who are invited") \
    X(SEATS, "seats", GAUGE, "", "Sessions in rooms: each once for each of its rooms") \
    X(POSTS, "posts", COUNTER, "", "Frames that were taken into rooms") \
    X(COPIES, "copies", COUNTER, "", "Frames of rooms that were cast, by each session that got them") \
    X(CASTS, "casts", COUNTER, "", "Messages that they went out in: copies by casts is how well they coalesce") \
    X(BEHIND, "behind", COUNTER, "", "Times that a session fell behind what is cast to it") \
    X(STALE_OPS, "stale_ops", COUNTER, "", "Operations on rooms of somebody who had not seen the last ones") \
    X(LOG_READ, "log_read", COUNTER, "", "Frames that were read back from the logs of rooms") \
    X(LOG_EXPIRED, "log_expired", COUNTER, "", "Frames that left the logs of rooms") \
    X(LOG_FRAMES, "log_frames", GAUGE, "", "Frames in the logs of rooms") \
    X(LOG_BYTES, "log_bytes", GAUGE, "", "Bytes of them") \
    X(LOG_OLDEST, "log_oldest_ms", GAUGE, "", "Age of the oldest of them") \
    X(RELAYED, "relayed", COUNTER, "", "Frames from device to device that were passed on") \
    X(UNREACHED, "unreached", COUNTER, "", "Those whose recipient was not there") \
    X(MAIL_STORED, "mail_stored", COUNTER, "", "Letters that were stored for devices that are away") \
    X(MAIL_REFUSED, "mail_refused", COUNTER, "", "Letters that were refused") \
    X(MAIL_PUSHED, "mail_pushed", COUNTER, "", "Letters that were handed to their device") \
    X(MAIL_EXPIRED, "mail_expired", COUNTER, "", "Letters that nobody collected in time") \
    X(MAIL_WAITING, "mail_waiting", GAUGE, "", "Letters that wait") \
    X(MAIL_BYTES, "mail_bytes", GAUGE, "", "Bytes of them, as the limits count them") \
    X(MAIL_OLDEST, "mail_oldest_ms", GAUGE, "", "Age of the oldest of them") \
    X(COUNTED, "counted", GAUGE, "what", "1 once all of it that was in the store at the start is counted, 0 before") \
    X(COMMITS, "commits", COUNTER, "", "Commits of the store") \
    X(COMMIT, "commit_us", HISTOGRAM, "", "Time of one, with its sync") \
    X(COMMITS_FAILED, "commits_failed", COUNTER, "", "Commits that failed") \
    X(TRANSACTIONS, "transactions", COUNTER, "", "Transactions in these commits: by commits, the size of a group") \
    X(RECORDS_WRITTEN, "records_written", COUNTER, "", "Records in these commits") \
    X(STORE_WAITING, "store_waiting", GAUGE, "", "Transactions that wait for the disk") \
    X(STORE_USED, "store_used_bytes", GAUGE, "", "Bytes of the store's map that are used") \
    X(STORE_FREE, "store_free_bytes", GAUGE, "", "Bytes of it that are left, with those that were used and are free again") \
    X(STORE_MAP, "store_map_bytes", GAUGE, "", "Bytes of it in all (store/map_mib)") \
    X(STORE_RECORDS, "store_records", GAUGE, "", "Records in the store") \
    X(READERS, "readers", GAUGE, "", "Places of the store's table of readers that are taken") \
    X(STALE_READERS, "stale_readers", COUNTER, "", "Readers that died without a word, and were cleared away") \
    X(KNOCKS, "knocks", COUNTER, "", "Requests at the door") \
    X(KNOCKS_REFUSED, "knocks_refused", COUNTER, "", "Knocks that the door itself refused") \
    X(KNOCKS_LIMITED, "knocks_limited", COUNTER, "", "Knocks of sources that knock too often") \
    X(KNOCKS_GARBAGE, "knocks_garbage", COUNTER, "", "Frames at the door that should not have come") \
    X(KNOCKS_PENDING, "knocks_pending", GAUGE, "", "Knocks that wait for an answer") \
    X(KNOCK, "knock_us", HISTOGRAM, "kind", "Time from a knock that the door let in to its answer, in whole ms") \
    X(DOOR_HANDSHAKES, "door_handshakes", COUNTER, "outcome", "Handshakes of strangers with the door") \
    X(DOOR_CUT, "door_connections_cut", COUNTER, "reason", "Connections with the door that its watchdog cut") \
    X(HASHES, "hashes", COUNTER, "", "Passwords that were hashed or checked") \
    X(HASH, "hash_us", HISTOGRAM, "", "Time from the question to the answer of one, with its wait") \
    X(HASHES_BUSY, "hashes_busy", COUNTER, "", "Those that were sent away, for the queue was full") \
    X(HASH_QUEUE, "hash_queue", GAUGE, "", "Passwords that are hashed or wait for it") \
    X(HASH_QUEUE_MOST, "hash_queue_most", GAUGE, "", "The most of them at once since the last sample") \
    X(SIGNATURES, "signatures", COUNTER, "", "Signatures that the vault made")

enum msg_figure {
#define MSG_FIGURE_ENUM(id, name, type, label, help) MSG_FIGURE_##id,
    MSG_FIGURES(MSG_FIGURE_ENUM)
#undef MSG_FIGURE_ENUM
    MSG_FIGURE_COUNT_OF /* how many there are */
};

#define MSG_FIGURE_NAME_MAX 32u  /* bytes of a name */
#define MSG_FIGURE_LABEL_MAX 32u /* bytes of a value of a label */

struct msg_figure_info {
    const char *name;
    enum msg_figure_type type;
    const char *label;
    const char *help; /* a sentence without its full stop */
};

const struct msg_figure_info *msg_figure_info(enum msg_figure figure);

/* MSG_FIGURE_COUNT_OF for a name that is none of this version. */
enum msg_figure msg_figure_by_name(struct msg_text name);

/* ---- times ---- */

#define MSG_HISTOGRAM_BUCKETS 16u
#define MSG_HISTOGRAM_BYTES (8u * MSG_HISTOGRAM_BUCKETS) /* on the wire: each count as 8 big-endian bytes */

struct msg_histogram {
    uint64_t sum_us;
    uint64_t buckets[MSG_HISTOGRAM_BUCKETS]; /* not cumulative */
};

/* The greatest time of a bucket in us; UINT64_MAX for the last. */
uint64_t msg_histogram_bound(size_t bucket);

void msg_histogram_add(struct msg_histogram *self, uint64_t us);
uint64_t msg_histogram_count(const struct msg_histogram *self);

/* A time that so many of a thousand do not exceed: the bound of a bucket, and
 * for the last one that of the one before; 0 while it is empty. */
uint64_t msg_histogram_at(const struct msg_histogram *self, uint64_t permille);

void msg_histogram_write(const struct msg_histogram *self, uint8_t out[MSG_HISTOGRAM_BYTES]);
/* The catalog has checked the size of bytes. */
void msg_histogram_read(struct msg_histogram *self, uint64_t sum_us, struct msg_span bytes);

#endif

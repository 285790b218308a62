/* Field tables of what programs say about themselves.  A part of
 * msg/catalog.c. */

FIELDS(msg_counts_of) {FIELD(msg_counts_of, number, 1, ANY)};
FIELDS(msg_counts) {
    FIELD(msg_counts, number, 1, ANY),
    LIST(msg_counts, figures, MSG_FIGURE, 0, MSG_FIGURES_MAX),
    LIST(msg_counts, histograms, MSG_HISTOGRAM, 0, MSG_HISTOGRAMS_MAX),
};
FIELDS(msg_sample) {
    FIELD(msg_sample, number, 1, ANY),
    FIELD(msg_sample, build, 1, MSG_BUILD_MAX),
    FIELD(msg_sample, at_ms, 0, ANY),
    FIELD(msg_sample, interval_ms, 1, ANY),
    FIELD(msg_sample, uptime_ms, 0, ANY),
    FLAG(msg_sample, live),
    FLAG(msg_sample, ready),
    FIELD(msg_sample, reason, 0, MSG_REASON_MAX),
    LIST(msg_sample, figures, MSG_FIGURE, 0, MSG_FIGURES_MAX),
    LIST(msg_sample, histograms, MSG_HISTOGRAM, 0, MSG_HISTOGRAMS_MAX),
};
FIELDS(msg_room_rows) {
    FIELD(msg_room_rows, number, 1, ANY),
    FIELD(msg_room_rows, page, 0, ANY),
    FLAG(msg_room_rows, more),
    LIST(msg_room_rows, rows, MSG_ROOM_ROW, 0, MSG_ROWS_MAX),
};
FIELDS(msg_session_rows) {
    FIELD(msg_session_rows, number, 1, ANY),
    FIELD(msg_session_rows, page, 0, ANY),
    FLAG(msg_session_rows, more),
    LIST(msg_session_rows, rows, MSG_SESSION_ROW, 0, MSG_ROWS_MAX),
};
FIELDS(msg_monitor_welcome) {FIELD(msg_monitor_welcome, interval_ms, 1, ANY)};
FIELDS(msg_figure_item) {
    FIELD(msg_figure_item, name, 1, MSG_FIGURE_NAME_MAX),
    FIELD(msg_figure_item, label, 0, MSG_FIGURE_LABEL_MAX),
    FIELD(msg_figure_item, value, 0, ANY),
};
FIELDS(msg_histogram_item) {
    FIELD(msg_histogram_item, name, 1, MSG_FIGURE_NAME_MAX),
    FIELD(msg_histogram_item, label, 0, MSG_FIGURE_LABEL_MAX),
    FIELD(msg_histogram_item, sum_us, 0, ANY),
    FIELD(msg_histogram_item, buckets, MSG_HISTOGRAM_BYTES, MSG_HISTOGRAM_BYTES),
};
FIELDS(msg_room_row) {
    FIELD(msg_room_row, name, 1, MSG_ROOM_NAME_MAX),
    FIELD(msg_room_row, members, 0, ANY),
    FIELD(msg_room_row, seats, 0, ANY),
    FLAG(msg_room_row, mesh),
    FIELD(msg_room_row, frames, 0, ANY),
    FIELD(msg_room_row, bytes, 0, ANY),
};
FIELDS(msg_session_row) {
    FIELD(msg_session_row, name, 1, MSG_NAME_MAX),
    FIELD(msg_session_row, device, 1, ANY),
    FIELD(msg_session_row, source, 0, SOURCE_MAX),
    FIELD(msg_session_row, idle_ms, 0, ANY),
    FIELD(msg_session_row, rooms, 0, ANY),
    FIELD(msg_session_row, pending_bytes, 0, ANY),
    FLAG(msg_session_row, behind),
};
FIELDS(msg_tell_stats) {
    FIELD(msg_tell_stats, req, 1, ANY),
#define STATS_FIELD(name) FIELD(msg_tell_stats, name, 0, ANY),
    MSG_STATS(STATS_FIELD)
#undef STATS_FIELD
};

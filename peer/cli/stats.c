/* The figures of this device, a line for each question that somebody may have:
 * am I connected, how do I reach people, what still waits, was anything lost. */
#include "peer/cli/stats.h"

#include <inttypes.h>

#include "peer/cli/view.h"

/* The two greatest units: "2 h 3 min". */
static void
put_time(struct cli_buf *out, uint64_t ms)
{
    const uint64_t s = ms / 1000, min = s / 60, h = min / 60;
    if (s < 60)
        cli_buf_format(out, "%" PRIu64 " s", s);
    else if (min < 60)
        cli_buf_format(out, "%" PRIu64 " min", min);
    else if (h < 24)
        cli_buf_format(out, "%" PRIu64 " h %" PRIu64 " min", h, min % 60);
    else
        cli_buf_format(out, "%" PRIu64 " d %" PRIu64 " h", h / 24, h % 24);
}

/* Three digits and more: "1.5 MiB", "320 KiB". */
static void
put_bytes(struct cli_buf *out, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1023.5 && unit + 1 < sizeof units / sizeof *units; unit++)
        value /= 1024;
    cli_buf_format(out, unit > 0 && value < 99.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

/* What a list of them is put together from: nothing where there are none. */
struct part {
    uint64_t count;
    const char *what;
};

/* True when there were any. */
static bool
put_parts(struct cli_buf *out, const char *before, const struct part *parts, size_t count)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].count == 0)
            continue;
        cli_buf_format(out, "%s%" PRIu64 " %s", any ? ", " : before, parts[i].count, parts[i].what);
        any = true;
    }
    return any;
}

static void
put_session(struct cli_buf *out, const struct conclave_stats *stats, const char *name)
{
    cli_buf_text(out, "Session   ");
    if (stats->session_ms > 0) {
        cli_view_line(out, name);
        cli_buf_text(out, ", logged in for ");
        put_time(out, stats->session_ms);
    } else {
        cli_buf_text(out, "not logged in");
    }
    if (stats->log_ins > 1)
        cli_buf_format(out, "; logged in %" PRIu64 " times in ", stats->log_ins);
    else
        cli_buf_text(out, "; running for ");
    put_time(out, stats->uptime_ms);
    cli_buf_char(out, '\n');
}

static void
put_routes(struct cli_buf *out, const struct conclave_stats *stats)
{
    const struct part routes[] = {{stats->direct, "direct"}, {stats->relayed, "relayed"}, {stats->dialling, "dialling"},
                                  {stats->away, "away (by mail)"}, {stats->idle, "idle"}};
    const uint64_t devices = stats->direct + stats->relayed + stats->dialling + stats->away + stats->idle;
    cli_buf_format(out, "People    %" PRIu64, stats->people);
    if (devices > 0)
        cli_buf_format(out, " on %" PRIu64 " device%s", devices, devices == 1 ? "" : "s");
    (void)put_parts(out, ": ", routes, sizeof routes / sizeof *routes); /* devices are said above */
    cli_buf_format(out, "\nRooms     %" PRIu64, stats->rooms);
    if (stats->mesh_rooms > 0)
        cli_buf_format(out, ": %" PRIu64 " direct (", stats->mesh_rooms);
    if (stats->mesh_rooms > 0 && stats->mesh_heard == 0)
        cli_buf_text(out, "no link to other members yet)");
    else if (stats->mesh_rooms > 0)
        cli_buf_format(out, "%" PRIu64 " %s to other members)", stats->mesh_heard, stats->mesh_heard == 1 ? "link" : "links");
    if (stats->rooms > stats->mesh_rooms)
        cli_buf_format(out, "%s%" PRIu64 " relayed", stats->mesh_rooms > 0 ? ", " : ": ", stats->rooms - stats->mesh_rooms);
    cli_buf_char(out, '\n');
}

static void
put_outbox(struct cli_buf *out, const struct conclave_stats *stats)
{
    cli_buf_text(out, "Outbox    ");
    if (stats->waiting + stats->waiting_rooms == 0) {
        cli_buf_text(out, "empty\n");
        return;
    }
    cli_buf_format(out, "%" PRIu64 " waiting, oldest ", stats->waiting + stats->waiting_rooms);
    put_time(out, stats->waiting_oldest_ms);
    if (stats->waiting > 0)
        cli_buf_format(out, ": %" PRIu64 " to people", stats->waiting);
    if (stats->waiting_stored > 0)
        cli_buf_format(out, " (%" PRIu64 " stored at the registry)", stats->waiting_stored);
    if (stats->waiting_rooms > 0)
        cli_buf_format(out, "%s%" PRIu64 " in rooms", stats->waiting > 0 ? ", " : ": ", stats->waiting_rooms);
    cli_buf_char(out, '\n');
}

void
cli_stats_lines(struct cli_buf *out, const struct conclave_stats *stats, const char *name)
{
    const struct part refused[] = {{stats->refused_registry, "of the registry"}, {stats->refused_links, "on links"},
                                   {stats->refused_seals, "sealed"}, {stats->refused_rooms, "in rooms"}};
    put_session(out, stats, name);
    put_routes(out, stats);
    put_outbox(out, stats);
    cli_buf_format(out, "Messages  %" PRIu64 " sent, %" PRIu64 " received\n", stats->sent, stats->received);
    cli_buf_format(out, "Gaps      %" PRIu64 " repaired, %" PRIu64 " shown as missing\n", stats->gaps_repaired, stats->gaps_shown);
    cli_buf_text(out, "Traffic   ");
    put_bytes(out, stats->bytes_in);
    cli_buf_format(out, " in (%" PRIu64 " %s), ", stats->frames_in, stats->frames_in == 1 ? "frame" : "frames");
    put_bytes(out, stats->bytes_out);
    cli_buf_format(out, " out (%" PRIu64 " %s)\nRefused   ", stats->frames_out, stats->frames_out == 1 ? "frame" : "frames");
    if (!put_parts(out, "", refused, sizeof refused / sizeof *refused))
        cli_buf_text(out, "nothing");
    cli_buf_char(out, '\n');
    if (stats->memory_bytes > 0) {
        cli_buf_text(out, "Memory    ");
        put_bytes(out, stats->memory_bytes);
        cli_buf_char(out, '\n');
    }
}

/* An object of numbers. */
static void
put_object(struct cli_json *json, const char *key, const struct part *parts, size_t count)
{
    cli_json_object(json, key);
    for (size_t i = 0; i < count; i++)
        cli_json_number(json, parts[i].what, parts[i].count);
    cli_json_object_end(json);
}

void
cli_stats_members(struct cli_json *json, const struct conclave_stats *stats, const char *name)
{
#define OBJECT(key, ...) put_object(json, key, (const struct part[]){__VA_ARGS__}, sizeof((const struct part[]){__VA_ARGS__}) / sizeof(struct part))
    cli_json_text(json, "user", name);
    cli_json_bool(json, "online", stats->session_ms > 0);
    cli_json_number(json, "uptime_ms", stats->uptime_ms);
    cli_json_number(json, "session_ms", stats->session_ms);
    cli_json_number(json, "log_ins", stats->log_ins);
    cli_json_number(json, "people", stats->people);
    OBJECT("routes", {stats->direct, "direct"}, {stats->relayed, "relayed"}, {stats->dialling, "dialling"},
           {stats->away, "away"}, {stats->idle, "idle"});
    OBJECT("rooms", {stats->rooms, "joined"}, {stats->mesh_rooms, "mesh"}, {stats->mesh_heard, "heard"});
    OBJECT("outbox", {stats->waiting + stats->waiting_rooms, "waiting"}, {stats->waiting, "people"}, {stats->waiting_stored, "stored"}, {stats->waiting_rooms, "rooms"},
           {stats->waiting_oldest_ms, "oldest_ms"});
    OBJECT("messages", {stats->sent, "sent"}, {stats->received, "received"});
    OBJECT("gaps", {stats->gaps_repaired, "repaired"}, {stats->gaps_shown, "shown"});
    OBJECT("traffic", {stats->frames_in, "frames_in"}, {stats->bytes_in, "bytes_in"}, {stats->frames_out, "frames_out"},
           {stats->bytes_out, "bytes_out"});
    OBJECT("refused", {stats->refused_registry, "registry"}, {stats->refused_links, "links"},
           {stats->refused_seals, "sealed"}, {stats->refused_rooms, "rooms"});
    cli_json_number(json, "memory_bytes", stats->memory_bytes);
#undef OBJECT
}

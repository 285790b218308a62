/* The live view: summary, sparklines, and one of three lists. */
#include "tools/top/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <uniwidth.h>

#include "tools/top/render.h"

#define HEAD_LINES 10u  /* above the list, with the list's own head */
#define COLUMNS_MAX 6u

static const char *const tab_names[] = {"sessions", "rooms", "requests"};
static const struct {
    const char *names[COLUMNS_MAX];
    unsigned count;
} columns[TOP_TABS] = {
    {{"pending", "idle", "rooms", "name", "source"}, 5},
    {{"seats", "members", "frames", "bytes", "name"}, 5},
    {{"count", "p99", "kind"}, 3},
};

void
top_ui_init(struct top_ui *self)
{
    *self = (struct top_ui){.rows = 24, .cols = 80};
}

bool
top_ui_key(struct top_ui *self, int key)
{
    const size_t page = self->rows > HEAD_LINES ? self->rows - HEAD_LINES : 1;

    if (self->help) { /* any key leaves it */
        self->help = false;
        return key != 'q';
    }
    switch (key) {
    case 'q':
        return false;
    case '?':
    case 'h':
        self->help = true;
        break;
    case 's':
        self->sort[self->tab] = (self->sort[self->tab] + 1) % columns[self->tab].count;
        break;
    case 'r':
        self->up[self->tab] = !self->up[self->tab];
        break;
    case '\t':
    case TOP_KEY_RIGHT:
        self->tab = (self->tab + 1) % TOP_TABS;
        self->top = 0;
        break;
    case TOP_KEY_LEFT:
        self->tab = (self->tab + TOP_TABS - 1) % TOP_TABS;
        self->top = 0;
        break;
    case TOP_KEY_UP:
        self->top -= self->top > 0;
        break;
    case TOP_KEY_DOWN:
        self->top++;
        break;
    case TOP_KEY_PAGE_UP:
        self->top -= self->top < page ? self->top : page;
        break;
    case TOP_KEY_PAGE_DOWN:
        self->top += page;
        break;
    case TOP_KEY_HOME:
        self->top = 0;
        break;
    case TOP_KEY_END:
        self->top = SIZE_MAX / 2; /* drawing keeps it within */
        break;
    default:
        break;
    }
    return true;
}

/* ---- lines ---- */

/* What a terminal would obey is no part of a name: the registry allows letters
 * and digits, but this is shown of any. */
static void
harmless(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at != '\0'; at++) {
        if (*at < 0x20 || *at == 0x7f)
            *at = '?';
        else if (at[0] == 0xc2 && at[1] < 0xa0 && at[1] >= 0x80) /* U+0080 to U+009F */
            at[0] = at[1] = '?';
    }
}

static unsigned
width_of(const char *text, size_t len)
{
    const int width = u8_width((const uint8_t *)text, len, "UTF-8");

    return width > 0 ? (unsigned)width : 0;
}

/* How many bytes of it fit into so many columns, whole characters only. */
static size_t
fitting(const char *text, unsigned cols)
{
    size_t len = strlen(text);

    while (len > 0 && width_of(text, len) > cols) {
        do
            len--;
        while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80);
    }
    return len;
}

/* One line, cut to the width. */
static void
line(struct top_text *out, const struct top_ui *ui, const char *text)
{
    const size_t len = fitting(text, ui->cols);

    top_text_bytes(out, text, len);
    top_text_bytes(out, "\n", 1);
}

/* Text in a column of that width: cut, or filled with blanks. */
static void
cell(struct top_text *row, const char *text, unsigned cols)
{
    char copy[512];

    snprintf(copy, sizeof copy, "%s", text);
    harmless(copy);
    const size_t len = fitting(copy, cols);
    top_text_bytes(row, copy, len);
    for (unsigned width = width_of(copy, len); width < cols; width++)
        top_text_bytes(row, " ", 1);
}

void
top_screen_spark(struct top_text *out, const struct top_model *model, enum top_series series, unsigned cols, bool ascii)
{
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const plain[] = {" ", ".", ":", "-", "=", "+", "*", "#", "@"};
    const size_t count = model->history_count < cols ? model->history_count : cols;
    double most = 0;

    for (size_t i = model->history_count - count; i < model->history_count; i++)
        if (top_model_point(model, series, i) > most)
            most = top_model_point(model, series, i);
    for (size_t i = model->history_count - count; i < model->history_count; i++) {
        const double point = top_model_point(model, series, i);
        /* What is more than nothing is seen. */
        const unsigned step = most <= 0 || point <= 0 ? 0 : (unsigned)(1 + 7 * point / most);
        const char *at = ascii ? plain[step] : blocks[step];
        top_text_bytes(out, at, strlen(at));
    }
}

/* name, value and its last minutes: two series on a line where there is room. */
static void
series_cell(struct top_text *row, const struct top_model *model, const struct top_ui *ui, enum top_series series,
            unsigned cols)
{
    char number[16], text[64];
    const double last = model->history_count > 0 ? top_model_point(model, series, model->history_count - 1) : 0;
    const bool bytes = series == TOP_IN || series == TOP_OUT;

    if (bytes)
        top_render_bytes(number, last);
    else
        top_render_number(number, last);
    snprintf(text, sizeof text, "%-16s %7s ", top_series_title(series), number);
    cell(row, text, 25);
    if (cols <= 26)
        return;
    const size_t before = row->len;
    top_screen_spark(row, model, series, cols - 26, ui->ascii);
    for (unsigned width = width_of(row->at + before, row->len - before); width < cols - 25; width++)
        top_text_bytes(row, " ", 1);
}

static void
summary(struct top_text *out, const struct top_model *model, const struct top_ui *ui, uint64_t now_ms)
{
    struct top_text row = {0};
    struct msg_histogram commit;
    char uptime[32], rss[16], used[16], map[16], a[16], b[16];
    const bool live = top_model_is_live(model, now_ms), ready = top_model_is_ready(model, now_ms);

    top_render_uptime(uptime, model->uptime_ms);
    top_render_bytes(rss, top_model_or_0(model, "rss_bytes", NULL));
    top_text_add(&row, "conclaved %s  up %s  %s  memory %s  files %.0f", *model->build != '\0' ? model->build : "?",
                 uptime, ready ? "READY" : live ? "NOT READY" : "NOT LIVE", rss, top_model_or_0(model, "fds", NULL));
    line(out, ui, row.at);
    top_text_clear(&row);
    if (!ready)
        top_text_add(&row, "! %s", top_model_reason(model, now_ms));
    else
        top_text_add(&row, "sessions %.0f (most %.0f)  accounts %.0f, online %.0f  rooms %.0f, members %.0f",
                     top_model_or_0(model, "sessions", NULL), top_model_or_0(model, "sessions_most", NULL),
                     top_model_or_0(model, "accounts", NULL), top_model_or_0(model, "accounts_online", NULL),
                     top_model_or_0(model, "rooms", NULL), top_model_or_0(model, "members", NULL));
    line(out, ui, row.at);
    top_text_clear(&row);
    top_render_bytes(used, top_model_or_0(model, "store_used_bytes", NULL));
    top_render_bytes(map, top_model_or_0(model, "store_map_bytes", NULL));
    (void)top_model_times(model, "commit_us", NULL, &commit); /* zeros where there are none */
    top_text_add(&row, "store %s of %s  commits p50 %llu us, p99 %llu us  waiting %.0f  failed %.0f", used, map,
                 (unsigned long long)msg_histogram_at(&commit, 500), (unsigned long long)msg_histogram_at(&commit, 990),
                 top_model_or_0(model, "store_waiting", NULL), top_model_or_0(model, "commits_failed", NULL));
    line(out, ui, row.at);
    top_text_clear(&row);
    top_render_number(a, top_model_or_0(model, "mail_waiting", NULL));
    top_render_number(b, top_model_or_0(model, "log_frames", NULL));
    top_text_add(&row, "mail %s  log %s  behind %.0f  full %.0f  refused %.0f  garbage %.0f  knocks %.0f  hash queue %.0f",
                 a, b, top_model_or_0(model, "behind", NULL), top_model_or_0(model, "full", NULL),
                 top_model_or_0(model, "refused", NULL), top_model_or_0(model, "garbage", NULL),
                 top_model_or_0(model, "knocks", NULL), top_model_or_0(model, "hash_queue", NULL));
    line(out, ui, row.at);
    for (unsigned i = 0; i < TOP_SERIES_COUNT; i += 2) {
        top_text_clear(&row);
        series_cell(&row, model, ui, (enum top_series)i, ui->cols / 2);
        series_cell(&row, model, ui, (enum top_series)(i + 1), ui->cols - ui->cols / 2);
        line(out, ui, row.at);
    }
    top_text_wipe(&row);
}

static void
help(struct top_text *out, const struct top_ui *ui)
{
    static const char *const lines[] = {
        "conclave-top shows how a registry is; it changes nothing.",
        "",
        "  Tab, left, right    sessions, rooms, or requests by kind",
        "  s                   sort by the next column;  r  the other way round",
        "  up, down, page, home, end    move in the list",
        "  ?                   this;  q  leaves",
        "",
        "pending: bytes of rooms that were sent to a session and it has not acknowledged.",
        "idle: since it last said anything. frames, bytes: that a room's log ever had.",
        "A line that begins with ! says why the registry is not live, or not ready.",
        "",
        "Any key goes back.",
    };

    for (unsigned i = 0; i < sizeof lines / sizeof *lines && i < ui->rows; i++)
        line(out, ui, lines[i]);
}

/* ---- the lists ---- */

static unsigned sort_column; /* for the comparisons; qsort has no argument of its own */
static bool sort_up;

static int
order(int less)
{
    return sort_up ? less : -less;
}

static int
compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int
by_session(const void *a_at, const void *b_at)
{
    const struct top_session *a = a_at, *b = b_at;
    const int names = strcmp(a->name, b->name);
    const int by[] = {compare(a->pending_bytes, b->pending_bytes), compare(a->idle_ms, b->idle_ms),
                      compare(a->rooms, b->rooms), -names, -strcmp(a->source, b->source)};
    const int first = order(by[sort_column]);

    return first != 0 ? first : names != 0 ? names : compare(a->device, b->device);
}

static int
by_room(const void *a_at, const void *b_at)
{
    const struct top_room *a = a_at, *b = b_at;
    const int names = strcmp(a->name, b->name);
    const int by[] = {compare(a->seats, b->seats), compare(a->members, b->members), compare(a->frames, b->frames),
                      compare(a->bytes, b->bytes), -names};
    const int first = order(by[sort_column]);

    return first != 0 ? first : names;
}

struct request {
    const char *kind;
    uint64_t count, p99_us;
};

static int
by_request(const void *a_at, const void *b_at)
{
    const struct request *a = a_at, *b = b_at;
    const int names = strcmp(a->kind, b->kind);
    const int by[] = {compare(a->count, b->count), compare(a->p99_us, b->p99_us), -names};
    const int first = order(by[sort_column]);

    return first != 0 ? first : names;
}

static size_t
find_requests(const struct top_model *model, struct request *requests)
{
    struct msg_histogram times;
    size_t count = 0;

    for (size_t i = 0; i < model->figures_count; i++) {
        const struct top_figure *figure = &model->figures[i];
        if (strcmp(figure->name, "requests") != 0)
            continue;
        (void)top_model_times(model, "request_us", figure->label, &times); /* zeros where there are none */
        requests[count++] = (struct request){figure->label, figure->value, msg_histogram_at(&times, 990)};
    }
    return count;
}

static void
list_head(struct top_text *out, const struct top_ui *ui, size_t count, const char *names)
{
    struct top_text row = {0};

    for (unsigned i = 0; i < TOP_TABS; i++)
        top_text_add(&row, i == ui->tab ? "[%s] " : " %s  ", tab_names[i]);
    top_text_add(&row, " %zu  by %s%s  ?: help", count, columns[ui->tab].names[ui->sort[ui->tab]],
                 ui->up[ui->tab] ? ", smallest first" : "");
    line(out, ui, row.at);
    line(out, ui, names);
    top_text_wipe(&row);
}

static void
session_row(struct top_text *row, const struct top_session *session, unsigned cols)
{
    char pending[16], idle[32], text[128];
    const unsigned rest = cols > 56 ? cols - 56 : 8;

    top_render_bytes(pending, (double)session->pending_bytes);
    top_render_uptime(idle, session->idle_ms);
    cell(row, session->name, rest);
    snprintf(text, sizeof text, " %4llu %12s %6llu %8s%s ", (unsigned long long)session->device, idle,
             (unsigned long long)session->rooms, pending, session->behind ? "!" : " ");
    top_text_add(row, "%s", text);
    cell(row, session->source, 20);
}

static void
room_row(struct top_text *row, const struct top_room *room, unsigned cols)
{
    char frames[16], bytes[16], text[128];
    const unsigned rest = cols > 45 ? cols - 45 : 8;

    top_render_number(frames, (double)room->frames);
    top_render_bytes(bytes, (double)room->bytes);
    cell(row, room->name, rest);
    snprintf(text, sizeof text, " %8llu %8llu %8s %8s %s", (unsigned long long)room->seats,
             (unsigned long long)room->members, frames, bytes, room->mesh ? "mesh" : "relay");
    top_text_add(row, "%s", text);
}

/* The rows from ui->top on, as many as there is room for. */
static void
list(struct top_text *out, struct top_model *model, struct top_ui *ui)
{
    static struct request requests[MSG_FIGURES_MAX];
    const size_t fits = ui->rows > HEAD_LINES ? ui->rows - HEAD_LINES : 0;
    struct top_text row = {0}, names = {0};
    size_t count;

    sort_column = ui->sort[ui->tab];
    sort_up = ui->up[ui->tab];
    if (ui->tab == TOP_TAB_SESSIONS) {
        count = model->sessions_count;
        if (count > 0)
            qsort(model->sessions, count, sizeof *model->sessions, by_session);
        top_text_add(&names, "%-*s  dev         idle  rooms  pending  source",
                 (int)(ui->cols > 56 ? ui->cols - 56 : 8), "name");
    } else if (ui->tab == TOP_TAB_ROOMS) {
        count = model->rooms_count;
        if (count > 0)
            qsort(model->rooms, count, sizeof *model->rooms, by_room);
        top_text_add(&names, "%-*s    seats  members   frames    bytes route",
                 (int)(ui->cols > 45 ? ui->cols - 45 : 8), "name");
    } else {
        count = find_requests(model, requests);
        qsort(requests, count, sizeof *requests, by_request);
        top_text_add(&names, "%-24s %12s %10s", "kind", "count", "p99 us");
    }
    if (ui->top + fits > count)
        ui->top = count > fits ? count - fits : 0;
    list_head(out, ui, count, names.at);
    top_text_wipe(&names);
    for (size_t i = ui->top; i < count && i < ui->top + fits; i++) {
        top_text_clear(&row);
        if (ui->tab == TOP_TAB_SESSIONS)
            session_row(&row, &model->sessions[i], ui->cols);
        else if (ui->tab == TOP_TAB_ROOMS)
            room_row(&row, &model->rooms[i], ui->cols);
        else
            top_text_add(&row, "%-24s %12llu %10llu", requests[i].kind, (unsigned long long)requests[i].count,
                         (unsigned long long)requests[i].p99_us);
        line(out, ui, row.at);
    }
    top_text_wipe(&row);
}

void
top_screen_draw(struct top_text *out, struct top_model *model, struct top_ui *ui, uint64_t now_ms)
{
    struct top_text all = {0};
    unsigned lines = 0;

    if (ui->help) {
        help(&all, ui);
    } else {
        summary(&all, model, ui, now_ms);
        list(&all, model, ui);
    }
    /* A terminal of few lines has the first of them. */
    for (const char *at = all.at, *end; at != NULL && (end = strchr(at, '\n')) != NULL && lines < ui->rows; at = end + 1) {
        top_text_bytes(out, at, (size_t)(end + 1 - at));
        lines++;
    }
    top_text_wipe(&all);
}

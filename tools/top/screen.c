/* The live view: summary, sparklines, and one of three lists. */
#include "tools/top/screen.h"

#include <stdio.h>

#include "tools/top/cell.h"
#include "tools/top/render.h"
#include "tools/top/rows.h"

#define SPARK_POINTS 300u /* of a second each, as a rule: five minutes */
#define SUMMARY_LINES 5u
#define SERIES_LINES ((TOP_SERIES_COUNT + 1u) / 2u)
#define LIST_LINES 5u /* that a list wants, with its own head */

/* Where there are few lines the list matters more than how things went. */
static bool
has_series(const struct top_ui *ui)
{
    return ui->rows >= SUMMARY_LINES + SERIES_LINES + LIST_LINES;
}

static unsigned
head_lines(const struct top_ui *ui)
{
    return SUMMARY_LINES + (has_series(ui) ? SERIES_LINES : 0);
}

void
top_ui_init(struct top_ui *self)
{
    *self = (struct top_ui){.rows = 24, .cols = 80};
}

bool
top_ui_key(struct top_ui *self, int key)
{
    const size_t page = self->rows > head_lines(self) + 2 ? self->rows - head_lines(self) - 2 : 1;

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
        self->sort[self->tab] = (self->sort[self->tab] + 1) % top_rows_sorts(self->tab);
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

/* The highest of some points, up to `end`. */
static double
most_of(const struct top_model *model, enum top_series series, size_t begin, size_t end)
{
    double most = 0;

    for (size_t i = begin; i < end; i++)
        if (top_model_point(model, series, i) > most)
            most = top_model_point(model, series, i);
    return most;
}

/* Where the minutes have more points than there are columns, each column is the
 * highest of some of them. */
void
top_screen_spark(struct top_text *out, const struct top_model *model, enum top_series series, unsigned cols, bool ascii)
{
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const plain[] = {" ", ".", ":", "-", "=", "+", "*", "#", "@"};
    const size_t all = model->history_count, count = all < SPARK_POINTS ? all : SPARK_POINTS;
    const size_t each = cols > 0 ? (count + cols - 1) / cols : 0;
    const double most = most_of(model, series, all - count, all);

    for (size_t left = each > 0 ? (count + each - 1) / each : 0; left > 0; left--) {
        const size_t end = all - (left - 1) * each;
        const double point = most_of(model, series, end - all + count > each ? end - each : all - count, end);
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
    const char *title = series == TOP_LAG ? "longest turn" : series == TOP_GROUP ? "group/commit" : top_series_title(series);

    if (series == TOP_IN || series == TOP_OUT)
        top_render_bytes(number, last);
    else if (series == TOP_LAG)
        top_render_us(number, (uint64_t)last);
    else
        top_render_number(number, last);
    snprintf(text, sizeof text, "%-15s %7s ", title, number);
    top_cell_left(row, text, cols < 24 ? cols : 24, true);
    if (cols <= 25)
        return;
    const size_t before = row->len;
    top_screen_spark(row, model, series, cols - 25, ui->ascii);
    for (unsigned width = top_cell_width(row->at + before, row->len - before); width < cols - 24; width++)
        top_text_bytes(row, " ", 1);
}

static void
series_lines(struct top_text *out, const struct top_model *model, const struct top_ui *ui)
{
    struct top_text row = {0};

    for (unsigned i = 0; i < TOP_SERIES_COUNT; i += 2) {
        top_text_clear(&row);
        if (ui->cols >= 50) {
            series_cell(&row, model, ui, (enum top_series)i, ui->cols / 2);
            series_cell(&row, model, ui, (enum top_series)(i + 1), ui->cols - ui->cols / 2);
        } else {
            series_cell(&row, model, ui, (enum top_series)i, ui->cols);
        }
        top_text_bytes(out, row.at, row.len);
        top_text_bytes(out, "\n", 1);
    }
    top_text_wipe(&row);
}

/* "12 waiting, 3.4K, oldest 5h12m": mail, or logs, once it is known how much there is. */
static void
add_kept(struct top_text *row, const struct top_model *model, const char *name, const char *count, const char *bytes,
         const char *oldest)
{
    char number[16], size[16], age[16];
    double counted;

    top_render_number(number, top_model_or_0(model, count, NULL));
    top_render_bytes(size, top_model_or_0(model, bytes, NULL));
    top_render_age(age, (uint64_t)top_model_or_0(model, oldest, NULL));
    top_text_add(row, "%s %s", name, number);
    if (top_model_or_0(model, count, NULL) > 0)
        top_text_add(row, ", %s, oldest %s", size, age);
    if (top_model_value(model, "counted", name, &counted) && counted < 1)
        top_text_add(row, " (counting)");
}

static void
store_line(struct top_text *row, const struct top_model *model)
{
    struct msg_histogram commit;
    char used[16], map[16], p50[16] = "-", p99[16] = "-";

    top_render_bytes(used, top_model_or_0(model, "store_used_bytes", NULL));
    top_render_bytes(map, top_model_or_0(model, "store_map_bytes", NULL));
    if (top_model_recent(model, "commit_us", NULL, &commit)) {
        top_render_us(p50, msg_histogram_at(&commit, 500));
        top_render_us(p99, msg_histogram_at(&commit, 990));
    }
    top_text_add(row, "store %s of %s  commits p50 %s, p99 %s  waiting %.0f  failed %.0f  hashing %.0f", used, map, p50,
                 p99, top_model_or_0(model, "store_waiting", NULL), top_model_or_0(model, "commits_failed", NULL),
                 top_model_or_0(model, "hash_queue", NULL));
}

/* Before the first sample: zeros would look like figures. */
static void
waiting(struct top_text *out, const struct top_model *model, const struct top_ui *ui, uint64_t now_ms)
{
    struct top_text row = {0};

    top_text_add(&row, "! %s", top_model_reason(model, now_ms));
    top_cell_items(out, "conclaved  NOT LIVE", ui->cols);
    top_cell_items(out, row.at, ui->cols);
    top_cell_items(out, "Is conclaved running, is this its data directory, may this key listen?  q: quit", ui->cols);
    top_text_wipe(&row);
}

static void
summary(struct top_text *out, const struct top_model *model, const struct top_ui *ui, uint64_t now_ms)
{
    struct top_text row = {0};
    char uptime[32], rss[16];
    const bool live = top_model_is_live(model, now_ms), ready = top_model_is_ready(model, now_ms);

    top_render_uptime(uptime, model->uptime_ms);
    top_render_bytes(rss, top_model_or_0(model, "rss_bytes", NULL));
    top_text_add(&row, "conclaved %s  up %s  %s  memory %s  descriptors %.0f of %.0f", *model->build != '\0' ? model->build : "?",
                 uptime, ready ? "READY" : live ? "NOT READY" : "NOT LIVE", rss, top_model_or_0(model, "fds", "front"),
                 top_model_or_0(model, "fds_max", "front"));
    top_cell_items(out, row.at, ui->cols);
    top_text_clear(&row);
    if (!ready) {
        top_text_add(&row, "! %s", top_model_reason(model, now_ms));
        top_cell_items(out, row.at, ui->cols);
        top_text_clear(&row);
    }
    top_text_add(&row, "sessions %.0f (most %.0f)  accounts %.0f, online %.0f  rooms %.0f, members %.0f",
                 top_model_or_0(model, "sessions", NULL), top_model_or_0(model, "sessions_most", NULL),
                 top_model_or_0(model, "accounts", NULL), top_model_or_0(model, "accounts_online", NULL),
                 top_model_or_0(model, "rooms", NULL), top_model_or_0(model, "members", NULL));
    top_cell_items(out, row.at, ui->cols);
    top_text_clear(&row);
    store_line(&row, model);
    top_cell_items(out, row.at, ui->cols);
    top_text_clear(&row);
    add_kept(&row, model, "mail", "mail_waiting", "mail_bytes", "mail_oldest_ms");
    top_text_add(&row, "  ");
    add_kept(&row, model, "log", "log_frames", "log_bytes", "log_oldest_ms");
    top_cell_items(out, row.at, ui->cols);
    top_text_clear(&row);
    if (ready) { /* else there is a line more above */
        char wait[16];
        struct msg_histogram knocks;
        (void)top_model_times(model, "knock_us", NULL, &knocks); /* empty while nobody has knocked */
        top_render_us(wait, msg_histogram_at(&knocks, 990));
        top_text_add(&row, "since start  refused %.0f  garbage %.0f  knocks %.0f  fell behind %.0f  full buffers %.0f  knocks answered p99 %s",
                     top_model_or_0(model, "refused", NULL), top_model_or_0(model, "garbage", NULL),
                     top_model_or_0(model, "knocks", NULL), top_model_or_0(model, "behind", NULL),
                     top_model_or_0(model, "full", NULL), msg_histogram_count(&knocks) > 0 ? wait : "-");
        top_cell_items(out, row.at, ui->cols);
    }
    top_text_wipe(&row);
    if (has_series(ui))
        series_lines(out, model, ui);
}

static void
help(struct top_text *out, const struct top_ui *ui)
{
    static const char *const lines[] = {
        "conclave-top shows how a registry is; it changes nothing.",
        "Any key goes back.",
        "",
        "  Tab, left, right    sessions, rooms, or requests by kind",
        "  s                   sort by the next column;  r  the other way round",
        "  up, down, page, home, end    move in the list",
        "  ?                   this;  q  quits",
        "",
        "p50, p99: half of them, 99 of 100 took no longer; of the last minute.",
        "longest turn: of the registry's loop, since the sample before.",
        "copies/message: frames of rooms that went out together.  group/commit: what",
        "the disk synced together.",
        "hashing: passwords.  knocks: requests at the door, of strangers.",
        "fell behind: sessions that did not keep up with their rooms; they read on",
        "in the log.  full buffers: sends that a connection took no more of.",
        "",
        "sessions  idle: since it last said anything.  pending: bytes of rooms that",
        "          were sent to it, and that it has not acknowledged.",
        "rooms     online: members who are there, by device.  posts, bytes: all that",
        "          its log ever had.  route: mesh, where members send to each other.",
        "",
        "A line that begins with ! says why the registry is not live, or not ready.",
    };

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        top_cell_wrapped(out, lines[i], ui->cols);
}

void
top_screen_draw(struct top_text *out, struct top_model *model, struct top_ui *ui, uint64_t now_ms)
{
    struct top_text all = {0};
    unsigned lines = 0;

    if (ui->help) {
        help(&all, ui);
    } else if (model->samples == 0) {
        waiting(&all, model, ui, now_ms);
    } else {
        summary(&all, model, ui, now_ms);
        top_rows_draw(&all, model, ui, head_lines(ui));
    }
    /* A terminal of few lines has the first of them. */
    for (const char *at = all.at, *end; at != NULL && (end = strchr(at, '\n')) != NULL && lines < ui->rows; at = end + 1) {
        top_text_bytes(out, at, (size_t)(end + 1 - at));
        lines++;
    }
    top_text_wipe(&all);
}

enum top_weight
top_screen_weight(const struct top_ui *ui, unsigned line, const char *text)
{
    if (ui->help)
        return TOP_PLAIN;
    if (line == head_lines(ui) + 1)
        return TOP_HEADING;
    return line == 0 || *text == '!' ? TOP_BOLD : TOP_PLAIN;
}

/* See rows.h.  A column that the terminal has no room for is left out, so that
 * what is shown is shown whole. */
#include "tools/top/rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/top/cell.h"
#include "tools/top/render.h"

#define COLUMNS_MAX 7u
#define SORTS_MAX 6u
#define NAME_COLS 32u /* where there is room */

struct column {
    const char *title;
    unsigned cols;      /* 0: the name, which takes what is left */
    unsigned from;      /* only where the terminal has so many */
    bool left;
};

static const struct {
    const char *name;
    const char *sorts[SORTS_MAX];
    unsigned sorts_count;
    struct column columns[COLUMNS_MAX];
    unsigned columns_count;
} tabs[TOP_TABS] = {
    {"sessions", {"pending", "idle", "rooms", "name", "address"}, 5,
     {{"name", 0, 0, true}, {"device", 6, 60, false}, {"idle", 6, 30, false}, {"rooms", 6, 50, false},
      {"pending", 8, 40, false}, {"state", 7, 70, true}, {"address", 20, 80, true}}, 7},
    {"rooms", {"posts/s", "online", "members", "posts", "bytes", "name"}, 6,
     {{"name", 0, 0, true}, {"online", 7, 30, false}, {"members", 8, 50, false}, {"posts", 8, 60, false},
      {"bytes", 8, 70, false}, {"posts/s", 8, 40, false}, {"route", 6, 80, true}}, 7},
    {"requests", {"rate", "p99", "count", "kind"}, 4,
     {{"kind", 0, 0, true}, {"/s", 8, 30, false}, {"p50", 7, 60, false}, {"p99", 7, 40, false},
      {"since start", 12, 50, false}}, 5},
};

unsigned
top_rows_sorts(enum top_tab tab)
{
    return tabs[tab].sorts_count;
}

const char *
top_rows_sort(enum top_tab tab, unsigned sort)
{
    return tabs[tab].sorts[sort];
}

/* ---- in which order ---- */

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
compare_rates(double a, double b)
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
    const int by[] = {compare_rates(a->frames_per_s, b->frames_per_s), compare(a->seats, b->seats),
                      compare(a->members, b->members), compare(a->frames, b->frames), compare(a->bytes, b->bytes),
                      -names};
    const int first = order(by[sort_column]);

    return first != 0 ? first : names;
}

struct request {
    const char *kind;
    uint64_t count, p50_us, p99_us;
    double per_s;
    bool timed;     /* lately */
};

static int
by_request(const void *a_at, const void *b_at)
{
    const struct request *a = a_at, *b = b_at;
    const int names = strcmp(a->kind, b->kind);
    const int by[] = {compare_rates(a->per_s, b->per_s), compare(a->p99_us, b->p99_us), compare(a->count, b->count),
                      -names};
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
        if (strcmp(figure->name, "requests") != 0 || figure->value == 0)
            continue;
        struct request *request = &requests[count++];
        *request = (struct request){.kind = figure->label, .count = figure->value};
        (void)top_model_rate(model, "requests", figure->label, &request->per_s); /* it is there */
        request->timed = top_model_recent(model, "request_us", figure->label, &times);
        request->p50_us = msg_histogram_at(&times, 500);
        request->p99_us = msg_histogram_at(&times, 990);
    }
    return count;
}

/* ---- what stands in a row ---- */

struct row {
    const char *cells[COLUMNS_MAX];
    char texts[COLUMNS_MAX][24];
};

static void
number(struct row *row, unsigned column, uint64_t value)
{
    snprintf(row->texts[column], sizeof row->texts[column], "%" PRIu64, value);
}

static void
fill_session(struct row *row, const struct top_session *session)
{
    row->cells[0] = session->name;
    number(row, 1, session->device);
    top_render_age(row->texts[2], session->idle_ms);
    number(row, 3, session->rooms);
    top_render_bytes(row->texts[4], (double)session->pending_bytes);
    row->cells[5] = session->behind ? "behind" : "";
    row->cells[6] = session->source;
}

static void
fill_room(struct row *row, const struct top_room *room)
{
    row->cells[0] = room->name;
    number(row, 1, room->seats);
    number(row, 2, room->members);
    top_render_number(row->texts[3], (double)room->frames);
    top_render_bytes(row->texts[4], (double)room->bytes);
    top_render_number(row->texts[5], room->frames_per_s);
    row->cells[6] = room->mesh ? "mesh" : "relay";
}

static void
fill_request(struct row *row, const struct request *request)
{
    row->cells[0] = request->kind;
    top_render_number(row->texts[1], request->per_s);
    row->cells[2] = row->cells[3] = "-";
    if (request->timed) {
        row->cells[2] = row->cells[3] = NULL;
        top_render_us(row->texts[2], request->p50_us);
        top_render_us(row->texts[3], request->p99_us);
    }
    number(row, 4, request->count);
}

/* ---- lines ---- */

static bool
is_shown(const struct top_ui *ui, unsigned column)
{
    return ui->cols >= tabs[ui->tab].columns[column].from;
}

/* What is left for the name; on a wide terminal no more than the longest one
 * needs, so that the figures stand beside it. */
static unsigned
name_cols(const struct top_ui *ui, unsigned longest)
{
    unsigned taken = 0;

    for (unsigned i = 1; i < tabs[ui->tab].columns_count; i++)
        taken += is_shown(ui, i) ? 1 + tabs[ui->tab].columns[i].cols : 0;
    const unsigned left = ui->cols > taken ? ui->cols - taken : 1, wanted = longest > NAME_COLS ? longest : NAME_COLS;
    return left < wanted ? left : wanted;
}

static void
put_row(struct top_text *out, const struct top_ui *ui, const struct row *row, unsigned longest)
{
    for (unsigned i = 0; i < tabs[ui->tab].columns_count; i++) {
        const struct column *column = &tabs[ui->tab].columns[i];
        const char *text = row->cells[i] != NULL ? row->cells[i] : row->texts[i];
        if (!is_shown(ui, i))
            continue;
        if (i > 0)
            top_text_bytes(out, " ", 1);
        if (column->left)
            top_cell_left(out, text, i == 0 ? name_cols(ui, longest) : column->cols, ui->ascii);
        else
            top_cell_right(out, text, column->cols);
    }
    top_text_bytes(out, "\n", 1);
}

static void
put_head(struct top_text *out, const struct top_ui *ui, size_t count, size_t fits, unsigned longest)
{
    struct top_text line = {0};
    struct row titles = {.cells = {NULL}};
    const size_t last = ui->top + fits < count ? ui->top + fits : count;

    for (unsigned i = 0; i < TOP_TABS; i++)
        top_text_add(&line, i == ui->tab ? "[%s]" : " %s ", tabs[i].name);
    if (last > ui->top)
        top_text_add(&line, "  %zu-%zu of %zu", ui->top + 1, last, count);
    top_text_add(&line, "  by %s%s  q quit  ? help", top_rows_sort(ui->tab, ui->sort[ui->tab]),
                 ui->up[ui->tab] ? ", reversed" : "");
    top_cell_items(out, line.at, ui->cols);
    top_text_wipe(&line);
    for (unsigned i = 0; i < tabs[ui->tab].columns_count; i++)
        titles.cells[i] = tabs[ui->tab].columns[i].title;
    put_row(out, ui, &titles, longest);
}

/* Why there are no rows. */
static void
put_none(struct top_text *out, const struct top_model *model, const struct top_ui *ui)
{
    const bool hidden = ui->tab != TOP_TAB_REQUESTS && model->samples > 1 && model->rooms_whole == 0;

    if (hidden)
        top_cell_items(out, "Names are not shown to this monitor: monitor/tcp_names and monitor/keys are for that.", ui->cols);
}

void
top_rows_draw(struct top_text *out, struct top_model *model, struct top_ui *ui, unsigned head)
{
    static struct request requests[MSG_FIGURES_MAX];
    const size_t fits = ui->rows > head + 2 ? ui->rows - head - 2 : 0;
    unsigned longest = 0;
    size_t count;

    sort_column = ui->sort[ui->tab];
    sort_up = ui->up[ui->tab];
    if (ui->tab == TOP_TAB_SESSIONS) {
        count = model->sessions_count;
        if (count > 0)
            qsort(model->sessions, count, sizeof *model->sessions, by_session);
    } else if (ui->tab == TOP_TAB_ROOMS) {
        count = model->rooms_count;
        if (count > 0)
            qsort(model->rooms, count, sizeof *model->rooms, by_room);
    } else {
        count = find_requests(model, requests);
        qsort(requests, count, sizeof *requests, by_request);
    }
    if (ui->top + fits > count)
        ui->top = count > fits ? count - fits : 0;
    for (size_t i = ui->top; i < count && i < ui->top + fits; i++) {
        const char *name = ui->tab == TOP_TAB_SESSIONS ? model->sessions[i].name
                           : ui->tab == TOP_TAB_ROOMS  ? model->rooms[i].name
                                                       : requests[i].kind;
        const unsigned width = top_cell_width(name, strlen(name));
        longest = width > longest ? width : longest;
    }
    put_head(out, ui, count, fits, longest);
    if (count == 0)
        put_none(out, model, ui);
    for (size_t i = ui->top; i < count && i < ui->top + fits; i++) {
        struct row row = {.cells = {NULL}};
        if (ui->tab == TOP_TAB_SESSIONS)
            fill_session(&row, &model->sessions[i]);
        else if (ui->tab == TOP_TAB_ROOMS)
            fill_room(&row, &model->rooms[i]);
        else
            fill_request(&row, &requests[i]);
        put_row(out, ui, &row, longest);
    }
}

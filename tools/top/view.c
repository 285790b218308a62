/* The live view: puts tools/top/screen on a terminal and reads the keys. */
#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "tools/top/screen.h"
#include "tools/top/shell.h"

static volatile sig_atomic_t told_to_end;

static void
end(int number)
{
    (void)number;
    told_to_end = 1;
}

static int
key_of(int key)
{
    switch (key) {
    case KEY_UP:
        return TOP_KEY_UP;
    case KEY_DOWN:
        return TOP_KEY_DOWN;
    case KEY_LEFT:
        return TOP_KEY_LEFT;
    case KEY_RIGHT:
        return TOP_KEY_RIGHT;
    case KEY_PPAGE:
        return TOP_KEY_PAGE_UP;
    case KEY_NPAGE:
        return TOP_KEY_PAGE_DOWN;
    case KEY_HOME:
        return TOP_KEY_HOME;
    case KEY_END:
        return TOP_KEY_END;
    default:
        return key;
    }
}

static void
put_line(const struct top_ui *ui, int y, const char *text, int len)
{
    const enum top_weight weight = top_screen_weight(ui, (unsigned)y, text);

    mvaddnstr(y, 0, text, len);
    if (weight != TOP_PLAIN)
        mvchgat(y, 0, -1, weight == TOP_BOLD ? A_BOLD : A_REVERSE, 0, NULL);
}

static void
put(struct top_shell *self, struct top_ui *ui, struct top_text *screen)
{
    int y = 0;

    ui->rows = (unsigned)LINES;
    ui->cols = (unsigned)COLS;
    top_text_clear(screen);
    top_screen_draw(screen, self->model, ui, top_now_ms());
    erase();
    for (const char *at = screen->at, *to; at != NULL && (to = strchr(at, '\n')) != NULL; at = to + 1)
        put_line(ui, y++, at, (int)(to - at));
    refresh();
}

/* All keys that wait; false: the view ends. */
static bool
read_keys(struct top_ui *ui, bool *changed)
{
    int key;

    while ((key = getch()) != ERR) {
        *changed = true;
        if (key != KEY_RESIZE && !top_ui_key(ui, key_of(key))) /* a new size is seen when it is drawn */
            return false;
    }
    return true;
}

static void
loop(struct top_shell *self, struct top_ui *ui)
{
    zmq_pollitem_t items[] = {{zsock_resolve(self->source.sub), 0, ZMQ_POLLIN, 0},
                              {NULL, STDIN_FILENO, ZMQ_POLLIN, 0}};
    const uint64_t interval_ms = self->options.interval_ms;
    struct top_text screen = {0};
    uint64_t drawn_ms = 0;
    bool changed = true;

    while (told_to_end == 0) {
        const uint64_t now_ms = top_now_ms();
        if (changed || now_ms - drawn_ms >= interval_ms) {
            put(self, ui, &screen);
            drawn_ms = now_ms;
            changed = false;
        }
        if (zmq_poll(items, 2, (long)(drawn_ms + interval_ms - now_ms)) < 0 && errno != EINTR)
            break;
        if (items[1].revents != 0 && (items[1].revents & ZMQ_POLLIN) == 0)
            break; /* the terminal is gone */
        (void)top_shell_hear(self); /* it is drawn in its time */
        if (!read_keys(ui, &changed))
            break;
    }
    top_text_wipe(&screen);
}

int
top_view_run(struct top_shell *self)
{
    struct top_ui ui;

    setlocale(LC_ALL, "");
    top_ui_init(&ui);
    ui.ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    SCREEN *terminal = newterm(NULL, stdout, stdin);
    if (terminal == NULL || isatty(STDIN_FILENO) == 0) {
        if (terminal != NULL)
            endwin();
        fputs("conclave-top: this is no terminal that it can draw on; use --once, --json or --prometheus.\n", stderr);
        return TOP_EXIT_UNKNOWN;
    }
    signal(SIGTERM, end);
    signal(SIGINT, end);
    signal(SIGHUP, end);
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(25);
    curs_set(0);
    loop(self, &ui);
    endwin();
    delscreen(terminal);
    return TOP_EXIT_OK;
}

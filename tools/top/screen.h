/* The live view as lines of text for a terminal of any size: what stands on
 * each, pure; tools/top/view puts them there and reads the keys. */
#ifndef TOP_SCREEN_H
#define TOP_SCREEN_H

#include "tools/top/model.h"
#include "tools/top/text.h"

enum top_tab { TOP_TAB_SESSIONS, TOP_TAB_ROOMS, TOP_TAB_REQUESTS, TOP_TABS };

struct top_ui {
    unsigned rows, cols;
    enum top_tab tab;
    unsigned sort[TOP_TABS];    /* column */
    bool up[TOP_TABS];          /* smallest first */
    size_t top;                 /* the first row that is shown */
    bool help;
    bool ascii;                 /* no block characters */
};

void top_ui_init(struct top_ui *self);

/* What a key does: ^I and arrows left and right: another list; s: the next
 * column to sort by, r: the other way round; arrows, pages, home and end move; ?: help.
 * False: q, the view ends. */
enum top_key { TOP_KEY_UP = 256, TOP_KEY_DOWN, TOP_KEY_LEFT, TOP_KEY_RIGHT, TOP_KEY_PAGE_UP, TOP_KEY_PAGE_DOWN,
               TOP_KEY_HOME, TOP_KEY_END };
bool top_ui_key(struct top_ui *self, int key);

/* The whole screen: ui->rows lines at most, each of at most ui->cols columns
 * and ended by a newline.  Sorts the model's rows, and keeps ui->top within. */
void top_screen_draw(struct top_text *out, struct top_model *model, struct top_ui *ui, uint64_t now_ms);

/* How a line of that stands out, where the terminal can; not by colour. */
enum top_weight { TOP_PLAIN, TOP_BOLD, TOP_HEADING };
enum top_weight top_screen_weight(const struct top_ui *ui, unsigned line, const char *text);

/* The last points of a series as so many characters; "" where there are none. */
void top_screen_spark(struct top_text *out, const struct top_model *model, enum top_series series, unsigned cols,
                      bool ascii);

#endif

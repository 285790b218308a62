/* Hostile text made harmless: decode, judge each character, pass on. */
#include "peer/cli/view.h"

#include <string.h>
#include <time.h>
#include <unictype.h>
#include <unistr.h>
#include <uniwidth.h>

#define MARKS_MAX 6 /* combining marks on one letter: more than any language stacks */

enum verdict {
    PASS,
    DROP,    /* invisible, and of no use to honest text */
    REPLACE, /* U+FFFD: something was there that must not reach a terminal */
    BREAK,   /* ends a line */
    TAB,
    JOINER,  /* passes between two visible characters, and nowhere else */
    MARK     /* passes on a visible character, up to MARKS_MAX of them */
};

struct range {
    uint32_t first, last;
    enum verdict verdict;
};

/* In order.  Characters in none of these are judged by their category. */
static const struct range ranges[] = {
    {0x0000, 0x0008, REPLACE}, /* C0; ESC is among them */
    {0x0009, 0x0009, TAB},
    {0x000a, 0x000a, BREAK},
    {0x000b, 0x000c, BREAK},   /* vertical tab, form feed */
    {0x000d, 0x001f, REPLACE}, /* a lone carriage return would overwrite its line */
    {0x007f, 0x0084, REPLACE}, /* DEL and C1; 0x9b is CSI */
    {0x0085, 0x0085, BREAK},   /* next line */
    {0x0086, 0x009f, REPLACE},
    {0x00ad, 0x00ad, DROP},    /* soft hyphen */
    {0x034f, 0x034f, DROP},    /* grapheme joiner */
    {0x061c, 0x061c, DROP},    /* Arabic letter mark */
    {0x115f, 0x1160, DROP},    /* Hangul fillers */
    {0x17b4, 0x17b5, DROP},    /* Khmer inherent vowels */
    {0x180b, 0x180f, DROP},    /* Mongolian separators and selectors */
    {0x200b, 0x200b, DROP},    /* zero width space */
    {0x200c, 0x200d, JOINER},  /* in Persian, Hindi and emoji */
    {0x200e, 0x200f, DROP},    /* direction marks */
    {0x2028, 0x2029, BREAK},
    {0x202a, 0x202e, DROP},    /* bidi embeddings and overrides */
    {0x2060, 0x206f, DROP},    /* word joiner, invisible operators, bidi isolates */
    {0x3164, 0x3164, DROP},    /* Hangul filler */
    {0xd800, 0xdfff, REPLACE},
    {0xfdd0, 0xfdef, REPLACE}, /* not characters */
    {0xfe00, 0xfe0f, MARK},    /* variation selectors, as in emoji */
    {0xfeff, 0xfeff, DROP},    /* byte order mark */
    {0xffa0, 0xffa0, DROP},    /* halfwidth Hangul filler */
    {0xfff0, 0xfff8, DROP},
    {0xfff9, 0xfffb, DROP},    /* interlinear annotation */
    {0xfffe, 0xffff, REPLACE},
    {0x1bca0, 0x1bca3, DROP},  /* shorthand format controls */
    {0x1d173, 0x1d17a, DROP},  /* musical format controls */
    {0xe0000, 0xe0fff, DROP},  /* tags and further selectors: text nobody sees */
};

static enum verdict
judge(ucs4_t c)
{
    size_t low = 0, high = sizeof ranges / sizeof *ranges;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (c < ranges[middle].first)
            high = middle;
        else if (c > ranges[middle].last)
            low = middle + 1;
        else
            return ranges[middle].verdict;
    }
    if ((c & 0xfffe) == 0xfffe)
        return REPLACE; /* the last two of every plane are not characters */
    if (uc_is_general_category(c, UC_NON_SPACING_MARK) || uc_is_general_category(c, UC_ENCLOSING_MARK))
        return MARK;
    if (uc_is_general_category(c, UC_FORMAT))
        return DROP;
    if (uc_is_general_category(c, UC_LINE_SEPARATOR) || uc_is_general_category(c, UC_CONTROL))
        return REPLACE;
    return PASS;
}

/* What is known about the characters before the one in hand. */
struct state {
    bool visible; /* something stands there that a joiner or a mark may follow */
    int marks;
    struct cli_buf held; /* a joiner that waits for what it joins */
};

static void
add(struct cli_buf *out, struct state *state, ucs4_t c, enum verdict verdict, const char *bytes, size_t len,
    const char *indent)
{
    if (verdict != JOINER && verdict != PASS)
        cli_buf_clear(&state->held); /* it joins nothing */
    switch (verdict) {
    case PASS:
        if (state->held.len > 0)
            cli_buf_add(out, state->held.at, state->held.len);
        cli_buf_clear(&state->held);
        cli_buf_add(out, bytes, len);
        state->visible = c != ' ' && !uc_is_general_category(c, UC_SPACE_SEPARATOR);
        state->marks = 0;
        break;
    case DROP:
        break;
    case REPLACE:
        cli_buf_text(out, "\xef\xbf\xbd");
        state->visible = false;
        break;
    case BREAK:
        if (indent != NULL) {
            cli_buf_char(out, '\n');
            cli_buf_text(out, indent);
        } else {
            cli_buf_char(out, ' ');
        }
        state->visible = false;
        break;
    case TAB:
        cli_buf_text(out, indent != NULL ? "    " : " ");
        state->visible = false;
        break;
    case JOINER:
        if (state->visible && state->held.len == 0)
            cli_buf_add(&state->held, bytes, len);
        break;
    case MARK:
        if (state->visible && state->marks < MARKS_MAX) {
            cli_buf_add(out, bytes, len);
            state->marks++;
        }
        break;
    }
}

static void
clean(struct cli_buf *out, const char *text, size_t len, const char *indent)
{
    struct state state = {0};
    cli_buf_add(out, "", 0); /* a C string even when there is nothing */
    for (size_t at = 0; at < len;) {
        ucs4_t c;
        const int used = u8_mbtoucr(&c, (const uint8_t *)text + at, len - at);
        if (used <= 0) {
            add(out, &state, 0, REPLACE, NULL, 0, indent);
            at += 1;
            continue;
        }
        if (c == '\r' && at + 1 < len && text[at + 1] == '\n') {
            at += 1; /* the line end of other systems */
            continue;
        }
        add(out, &state, c, judge(c), text + at, (size_t)used, indent);
        at += (size_t)used;
    }
    cli_buf_wipe(&state.held);
}

void
cli_view_line(struct cli_buf *out, const char *text)
{
    if (text == NULL)
        text = "";
    clean(out, text, strlen(text), NULL);
}

void
cli_view_text(struct cli_buf *out, const char *text, size_t len, const char *indent)
{
    clean(out, text, len, indent);
}

int
cli_view_width(const char *text)
{
    struct cli_buf line = {0};
    cli_view_line(&line, text);
    const int width = u8_width((const uint8_t *)line.at, line.len, "UTF-8");
    cli_buf_wipe(&line);
    return width;
}

void
cli_view_column(struct cli_buf *out, const char *text, int columns)
{
    cli_view_line(out, text);
    for (int width = cli_view_width(text); width < columns; width++)
        cli_buf_char(out, ' ');
}

void
cli_view_time(struct cli_buf *out, uint64_t ms, uint64_t now_ms)
{
    const uint64_t last_ms = 253402300799999u; /* the end of the year 9999 */
    const time_t then = (time_t)((ms < last_ms ? ms : last_ms) / 1000);
    const time_t now = (time_t)(now_ms / 1000);
    struct tm then_tm, now_tm;
    char text[40];
    if (localtime_r(&then, &then_tm) == NULL || localtime_r(&now, &now_tm) == NULL) {
        cli_buf_text(out, "--:--:--");
        return;
    }
    const bool today = then_tm.tm_year == now_tm.tm_year && then_tm.tm_yday == now_tm.tm_yday;
    const size_t len = strftime(text, sizeof text, today ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &then_tm);
    cli_buf_add(out, text, len);
}

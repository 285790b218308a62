/* See cell.h. */
#include "tools/top/cell.h"

#include <stdio.h>
#include <uniwidth.h>

/* What a terminal would obey is no part of a name: the registry allows letters
 * and digits, but this is shown of any. */
static void
harmless(char *text, bool ascii)
{
    char *to = text;

    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        const bool control = *at < 0x20 || *at == 0x7f;
        const bool high_control = at[0] == 0xc2 && at[1] < 0xa0 && at[1] >= 0x80; /* U+0080 to U+009F */
        if (control || high_control || (ascii && *at >= 0x80)) {
            while (*at >= 0x80 && (at[1] & 0xc0) == 0x80)
                at++;
            *to++ = '?'; /* last: it may stand where that was read */
        } else {
            *to++ = (char)*at;
        }
    }
    *to = '\0';
}

unsigned
top_cell_width(const char *text, size_t len)
{
    const int width = u8_width((const uint8_t *)text, len, "UTF-8");

    return width > 0 ? (unsigned)width : 0;
}

size_t
top_cell_fitting(const char *text, unsigned cols)
{
    size_t len = strlen(text);

    while (len > 0 && top_cell_width(text, len) > cols) {
        do
            len--;
        while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80);
    }
    return len;
}

static void
blanks(struct top_text *row, unsigned from, unsigned to)
{
    for (; from < to; from++)
        top_text_bytes(row, " ", 1);
}

void
top_cell_left(struct top_text *row, const char *text, unsigned cols, bool ascii)
{
    char copy[512];

    snprintf(copy, sizeof copy, "%s", text);
    harmless(copy, ascii);
    const size_t len = top_cell_fitting(copy, cols);
    top_text_bytes(row, copy, len);
    blanks(row, top_cell_width(copy, len), cols);
}

void
top_cell_right(struct top_text *row, const char *text, unsigned cols)
{
    const unsigned width = top_cell_width(text, strlen(text));

    blanks(row, width, cols);
    if (width <= cols)
        top_text_bytes(row, text, strlen(text));
    for (unsigned i = 0; width > cols && i < cols; i++)
        top_text_bytes(row, "+", 1);
}

void
top_cell_wrapped(struct top_text *out, const char *text, unsigned cols)
{
    do {
        size_t len = top_cell_fitting(text, cols), word = len;
        while (text[len] != '\0' && word > 0 && text[word] != ' ')
            word--;
        if (len == 0 && *text != '\0')
            return; /* no room for a single character */
        len = word > 0 && text[len] != '\0' ? word : len;
        top_text_bytes(out, text, len);
        top_text_bytes(out, "\n", 1);
        text += len;
        text += strspn(text, " ");
    } while (*text != '\0');
}

void
top_cell_items(struct top_text *out, const char *text, unsigned cols)
{
    size_t len = top_cell_fitting(text, cols);

    if (text[len] != '\0' && strncmp(text + len, "  ", 2) != 0) {
        size_t end = len;
        while (end > 0 && strncmp(text + end, "  ", 2) != 0)
            end--;
        len = end > 0 ? end : len; /* one item alone is cut after all */
    }
    top_text_bytes(out, text, len);
    top_text_bytes(out, "\n", 1);
}

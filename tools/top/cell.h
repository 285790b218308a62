/* Text in the columns of a terminal: whole characters, as wide as they are
 * shown, and nothing that a terminal would obey.  Pure. */
#ifndef TOP_CELL_H
#define TOP_CELL_H

#include "tools/top/text.h"

/* The columns that so many bytes of UTF-8 take. */
unsigned top_cell_width(const char *text, size_t len);

/* How many bytes of it fit into so many columns. */
size_t top_cell_fitting(const char *text, unsigned cols);

/* Cut or filled up with blanks to that width; what is not ASCII is a ? where
 * the terminal has nothing else. */
void top_cell_left(struct top_text *row, const char *text, unsigned cols, bool ascii);

/* The same with the blanks before it; what does not fit is a row of +. */
void top_cell_right(struct top_text *row, const char *text, unsigned cols);

/* On as many lines as it takes, broken at blanks where there are some. */
void top_cell_wrapped(struct top_text *out, const char *text, unsigned cols);

/* Items between two blanks each: those that fit, none of them cut, and a newline. */
void top_cell_items(struct top_text *out, const char *text, unsigned cols);

#endif

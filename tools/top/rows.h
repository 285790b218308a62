/* The lists of the live view: which columns they have and by which they are
 * sorted.  Pure. */
#ifndef TOP_ROWS_H
#define TOP_ROWS_H

#include "tools/top/screen.h"

/* By how many columns a list can be sorted, and the name of one. */
unsigned top_rows_sorts(enum top_tab tab);
const char *top_rows_sort(enum top_tab tab, unsigned sort);

/* Two lines of head, then the rows from ui->top on that fit into the height
 * below `head` lines.  Sorts the model's rows, and keeps ui->top within. */
void top_rows_draw(struct top_text *out, struct top_model *model, struct top_ui *ui, unsigned head);

#endif

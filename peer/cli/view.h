/* The one place where hostile text is made harmless: whatever a terminal
 * would obey, whatever hides or reorders what is read, and whatever is not
 * UTF-8.  Every text from outside goes through here before a person sees it. */
#ifndef CLI_VIEW_H
#define CLI_VIEW_H

#include <stddef.h>
#include <stdint.h>

#include "peer/cli/buf.h"

/* On one line: line ends become spaces.  For names, errors, endpoints. */
void cli_view_line(struct cli_buf *out, const char *text);

/* Of several lines: each but the first is put behind `indent`, so that no line
 * of a message can pose as one of ours. */
void cli_view_text(struct cli_buf *out, const char *text, size_t len, const char *indent);

/* A name on one line, filled up with spaces to `columns` of a terminal. */
void cli_view_column(struct cli_buf *out, const char *text, int columns);

/* The columns of a terminal that the harmless form of a text takes. */
int cli_view_width(const char *text);

/* A moment (ms since 1970) in local time: 12:34:56, with the date before it
 * when it is not today's. */
void cli_view_time(struct cli_buf *out, uint64_t ms, uint64_t now_ms);

#endif

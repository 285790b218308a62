/* Text that grows: what every line of output is put together in.  Used by all
 * of peer/cli; being out of memory ends the program, there is nothing better
 * to do. */
#ifndef CLI_BUF_H
#define CLI_BUF_H

#include <stdbool.h>
#include <stddef.h>

/* All zero is an empty one.  `at` is a C string once something was added. */
struct cli_buf {
    char *at;
    size_t len; /* without the NUL */
    size_t cap;
};

void cli_buf_add(struct cli_buf *self, const char *bytes, size_t len);
void cli_buf_text(struct cli_buf *self, const char *text);
void cli_buf_char(struct cli_buf *self, char c);
void cli_buf_format(struct cli_buf *self, const char *format, ...)
    __attribute__((format(printf, 2, 3), nonnull(2)));
void cli_buf_drop(struct cli_buf *self, size_t len); /* the first len bytes */
void cli_buf_clear(struct cli_buf *self);            /* keeps the memory */
void cli_buf_wipe(struct cli_buf *self);             /* overwrites and frees it */

#endif

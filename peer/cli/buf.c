/* Text that grows, by doubling. */
#include "peer/cli/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for len more bytes and a NUL.  Not by realloc: that would leave
 * copies of secrets behind. */
static void
grow(struct cli_buf *self, size_t len)
{
    if (self->at != NULL && len < self->cap - self->len)
        return;
    size_t cap = self->cap > 0 ? self->cap : 128;
    while (len >= cap - self->len)
        cap *= 2;
    char *at = malloc(cap);
    if (at == NULL) {
        fputs("conclave: out of memory\n", stderr);
        abort();
    }
    if (self->at != NULL) {
        memcpy(at, self->at, self->len + 1);
        explicit_bzero(self->at, self->cap);
        free(self->at);
    }
    self->at = at;
    self->cap = cap;
}

void
cli_buf_add(struct cli_buf *self, const char *bytes, size_t len)
{
    grow(self, len);
    if (len > 0)
        memcpy(self->at + self->len, bytes, len);
    self->len += len;
    self->at[self->len] = '\0';
}

void
cli_buf_text(struct cli_buf *self, const char *text)
{
    cli_buf_add(self, text, strlen(text));
}

void
cli_buf_char(struct cli_buf *self, char c)
{
    cli_buf_add(self, &c, 1);
}

void
cli_buf_format(struct cli_buf *self, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        return;
    grow(self, (size_t)len);
    va_start(args, format);
    (void)vsnprintf(self->at + self->len, (size_t)len + 1, format, args); /* measured above */
    va_end(args);
    self->len += (size_t)len;
}

void
cli_buf_drop(struct cli_buf *self, size_t len)
{
    if (len > self->len)
        len = self->len;
    if (len == 0)
        return;
    memmove(self->at, self->at + len, self->len - len + 1);
    self->len -= len;
}

void
cli_buf_clear(struct cli_buf *self)
{
    self->len = 0;
    if (self->at != NULL)
        self->at[0] = '\0';
}

void
cli_buf_wipe(struct cli_buf *self)
{
    if (self->at != NULL) {
        explicit_bzero(self->at, self->cap);
        free(self->at);
    }
    *self = (struct cli_buf){0};
}

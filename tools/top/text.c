/* A buffer that grows. */
#include "tools/top/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void
reserve(struct top_text *self, size_t more)
{
    if (more < self->cap - self->len)
        return;
    self->cap = 2 * (self->len + more + 64);
    self->at = realloc(self->at, self->cap);
    if (self->at == NULL)
        abort();
}

void
top_text_bytes(struct top_text *self, const char *at, size_t len)
{
    reserve(self, len + 1);
    memcpy(self->at + self->len, at, len);
    self->len += len;
    self->at[self->len] = '\0';
}

void
top_text_add(struct top_text *self, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        abort();
    reserve(self, (size_t)len + 1);
    va_start(args, format);
    vsnprintf(self->at + self->len, (size_t)len + 1, format, args);
    va_end(args);
    self->len += (size_t)len;
}

void
top_text_json(struct top_text *self, const char *text)
{
    top_text_add(self, "\"");
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            top_text_add(self, "\\%c", *at);
        else if ((unsigned char)*at < 0x20 || *at == 0x7f)
            top_text_add(self, "\\u%04x", (unsigned)(unsigned char)*at);
        else
            top_text_bytes(self, at, 1);
    }
    top_text_add(self, "\"");
}

void
top_text_clear(struct top_text *self)
{
    self->len = 0;
    if (self->at != NULL)
        self->at[0] = '\0';
}

void
top_text_wipe(struct top_text *self)
{
    free(self->at);
    *self = (struct top_text){0};
}

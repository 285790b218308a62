/* Text that grows: what conclave-top prints is rendered into it first, so that
 * each rendering is a function that tests can call. */
#ifndef TOP_TEXT_H
#define TOP_TEXT_H

#include <stddef.h>

#include "msg/base.h"

/* Zero is an empty one; at is NULL until something is in it, and ends with NUL. */
struct top_text {
    char *at;
    size_t len, cap;
};

/* Out of memory ends the program: there is nothing better to do. */
void top_text_add(struct top_text *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
void top_text_bytes(struct top_text *self, const char *at, size_t len);
/* As a JSON string, with its quotes. */
void top_text_json(struct top_text *self, const char *text);
void top_text_clear(struct top_text *self); /* keeps the memory */
void top_text_wipe(struct top_text *self);

#endif

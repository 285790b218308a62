/* Frames printed for people, by the tables of msg/catalog: msg_codec_print.
 * A file of its own because nothing but logs and tests needs it.  Pure. */
#include <stdarg.h>
#include <stdio.h>

#include "msg/codec.h"

/* Where the print goes; what does not fit is cut. */
struct page {
    char *text;
    size_t cap;
    size_t len;
};

static void __attribute__((format(printf, 2, 3))) put(struct page *page, const char *format, ...)
{
    const size_t room = page->cap - page->len;
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(page->text + page->len, room, format, args);
    va_end(args);
    if (n > 0)
        page->len += (size_t)n < room ? (size_t)n : room - 1;
}

/* Fields that no print may show, whatever message they stand in. */
static bool
is_secret(const struct msg_field *field)
{
    static const char *const names[] = {"password", "old", "new", "hash", "sec"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(field->name, names[i]) == 0)
            return true;
    }
    return false;
}

static void
put_hex(struct page *page, struct msg_span bytes)
{
    for (size_t i = 0; i < bytes.len && page->len + 1 < page->cap; i++)
        put(page, "%02x", bytes.at[i]);
}

/* Quotes, backslashes and controls are escaped, so that a print is one line
 * and reads back in one way; other UTF-8 stands as it is. */
static void
put_text(struct page *page, struct msg_text text)
{
    put(page, "\"");
    for (size_t i = 0; i < text.len && page->len + 1 < page->cap; i++) {
        const unsigned char c = (unsigned char)text.at[i];
        if (c == '"' || c == '\\')
            put(page, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            put(page, "\\x%02x", c);
        else
            put(page, "%c", c);
    }
    put(page, "\"");
}

static void put_fields(struct page *page, const struct msg_shape *shape, const void *message);

static void
put_list(struct page *page, struct msg_list list, enum msg_kind item)
{
    union msg_any any;
    const char *before = "";
    put(page, "[");
    while (msg_codec_next(&list, item, &any)) {
        put(page, "%s", before);
        put_fields(page, msg_catalog_shape(item), &any);
        before = ", ";
    }
    put(page, "]");
}

static void
put_field(struct page *page, const struct msg_field *field, const void *message)
{
    const void *const at = (const char *)message + field->offset;
    put(page, "%s: ", field->name);
    if (is_secret(field)) {
        put(page, "…");
        return;
    }
    switch (field->kind) {
    case MSG_FIELD_U64: {
        uint64_t value;
        memcpy(&value, at, sizeof value);
        put(page, "%llu", (unsigned long long)value);
        return;
    }
    case MSG_FIELD_BOOL: {
        bool value;
        memcpy(&value, at, sizeof value);
        put(page, "%s", value ? "true" : "false");
        return;
    }
    case MSG_FIELD_TEXT: {
        struct msg_text value;
        memcpy(&value, at, sizeof value);
        put_text(page, value);
        return;
    }
    case MSG_FIELD_BIN: {
        struct msg_span value;
        memcpy(&value, at, sizeof value);
        put_hex(page, value);
        return;
    }
    case MSG_FIELD_FIXED:
        put_hex(page, msg_span(at, field->size));
        return;
    case MSG_FIELD_LIST: {
        struct msg_list value;
        memcpy(&value, at, sizeof value);
        put_list(page, value, field->item);
        return;
    }
    }
}

static void
put_fields(struct page *page, const struct msg_shape *shape, const void *message)
{
    put(page, "{");
    for (uint32_t i = 0; i < shape->count; i++) {
        put(page, "%s", i > 0 ? ", " : "");
        put_field(page, &shape->fields[i], message);
    }
    put(page, "}");
}

void
msg_codec_print(char *text, size_t cap, struct msg_span frame)
{
    struct page page = {text, cap, 0};
    enum msg_kind kind;
    union msg_any any;
    if (cap == 0)
        return;
    text[0] = '\0';
    const enum conclave_err err = msg_codec_decode(frame, &kind, &any);
    if (err != CONCLAVE_OK) {
        put(&page, "not a frame (%s): ", msg_error_code(err));
        put_hex(&page, frame);
        return;
    }
    const struct msg_shape *const shape = msg_catalog_shape(kind);
    put(&page, "%s ", shape->name);
    put_fields(&page, shape, &any);
}

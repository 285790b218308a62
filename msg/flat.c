/* Kind, struct, and the bytes of its fields one after the other. */
#include "msg/flat.h"

#include <assert.h>

/* What points to bytes begins with where they are and how many. */
static_assert(offsetof(struct msg_text, at) == offsetof(struct msg_span, at) && offsetof(struct msg_text, len) == offsetof(struct msg_span, len), "a text is a span");
static_assert(offsetof(struct msg_list, at) == offsetof(struct msg_span, at) && offsetof(struct msg_list, len) == offsetof(struct msg_span, len), "a list begins with a span");

static bool
points(const struct msg_field *field)
{
    return field->kind == MSG_FIELD_TEXT || field->kind == MSG_FIELD_BIN || field->kind == MSG_FIELD_LIST;
}

static struct msg_span
span_at(const void *message, const struct msg_field *field)
{
    struct msg_span span;
    memcpy(&span, (const char *)message + field->offset, sizeof span);
    return span;
}

static size_t
size_of(const struct msg_shape *shape, const void *message)
{
    size_t size = sizeof shape->kind + shape->size;
    for (uint32_t i = 0; i < shape->count; i++)
        if (points(&shape->fields[i]))
            size += span_at(message, &shape->fields[i]).len;
    return size;
}

enum conclave_err
msg_flat_put(struct msg_buf *out, enum msg_kind kind, const void *message)
{
    const struct msg_shape *const shape = msg_catalog_shape(kind);
    assert(shape != NULL);
    if (size_of(shape, message) > out->cap - out->len)
        return CONCLAVE_ERR_SPACE;
    uint8_t *at = out->at + out->len;
    memcpy(at, &kind, sizeof kind);
    memcpy(at + sizeof kind, message, shape->size);
    at += sizeof kind + shape->size;
    for (uint32_t i = 0; i < shape->count; i++) {
        if (!points(&shape->fields[i]))
            continue;
        const struct msg_span span = span_at(message, &shape->fields[i]);
        if (span.len > 0)
            memcpy(at, span.at, span.len);
        at += span.len;
    }
    out->len = (size_t)(at - out->at);
    return CONCLAVE_OK;
}

enum msg_kind
msg_flat_get(struct msg_span bytes, union msg_any *any)
{
    enum msg_kind kind;
    assert(bytes.len >= sizeof kind);
    memcpy(&kind, bytes.at, sizeof kind);
    const struct msg_shape *const shape = msg_catalog_shape(kind);
    assert(shape != NULL && bytes.len >= sizeof kind + shape->size);
    memcpy(any, bytes.at + sizeof kind, shape->size);
    const uint8_t *at = bytes.at + sizeof kind + shape->size;
    for (uint32_t i = 0; i < shape->count; i++) {
        if (!points(&shape->fields[i]))
            continue;
        memcpy((char *)any + shape->fields[i].offset, &at, sizeof at);
        at += span_at(any, &shape->fields[i]).len;
    }
    assert(at == bytes.at + bytes.len);
    return kind;
}

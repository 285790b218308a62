/* Structs to frames and back by the tables of msg/catalog, without allocation.
 * Recursion follows the shapes (lists in items), never the input.  Pure. */
#include "msg/codec.h"

#include <assert.h>

#include "msg/wire.h"

static_assert(MSG_VERSION < 128, "the version is one byte");

/* Kinds that travel between machines are bound by the socket's limit; records,
 * commands and tells stay within a process and by their fields alone. */
static bool
is_wire(enum msg_kind kind)
{
    return kind < MSG_DOOR_ASK || kind >= MSG_ROOM_PROPOSE;
}

static void *
member(void *message, const struct msg_field *field)
{
    return (char *)message + field->offset;
}

static const void *
const_member(const void *message, const struct msg_field *field)
{
    return (const char *)message + field->offset;
}

static bool
in_range(const struct msg_field *field, uint64_t value)
{
    return value >= field->min && value <= field->max;
}

static enum conclave_err read_fields(struct msg_span *in, const struct msg_shape *shape,
                                     void *message);

/* One item: the array of its fields, without version and kind.  message NULL
 * only checks. */
static enum conclave_err
read_item(struct msg_span *in, const struct msg_shape *shape, void *message)
{
    uint32_t count;
    const enum conclave_err err = msg_wire_read_array(in, &count);
    if (err != CONCLAVE_OK)
        return err;
    if (count != shape->count)
        return count < shape->count ? CONCLAVE_ERR_SHORT : CONCLAVE_ERR_TRAILING;
    return read_fields(in, shape, message);
}

static enum conclave_err
read_list(struct msg_span *in, const struct msg_field *field, struct msg_list *list)
{
    const struct msg_shape *const shape = msg_catalog_shape(field->item);
    uint32_t count;
    enum conclave_err err = msg_wire_read_array(in, &count);
    if (err != CONCLAVE_OK)
        return err;
    if (!in_range(field, count))
        return CONCLAVE_ERR_RANGE;
    const uint8_t *const begin = in->at;
    for (uint32_t i = 0; i < count; i++) {
        err = read_item(in, shape, NULL);
        if (err != CONCLAVE_OK)
            return err;
    }
    *list = (struct msg_list){count > 0 ? begin : NULL, (size_t)(in->at - begin), count};
    return CONCLAVE_OK;
}

/* Room for any field's value while it is checked. */
union value {
    uint64_t number;
    bool flag;
    struct msg_text text;
    struct msg_span bytes;
    struct msg_list list;
};

static enum conclave_err
within(const struct msg_field *field, uint64_t value)
{
    return in_range(field, value) ? CONCLAVE_OK : CONCLAVE_ERR_RANGE;
}

/* Inline, so that a size that is known is no call. */
static inline void
keep(void *message, const struct msg_field *field, const void *value, size_t size)
{
    if (message != NULL)
        memcpy(member(message, field), value, size);
}

/* Reads, checks, and only then writes; `in` is a cursor of the caller's own, so
 * that it need not live in memory. */
static inline enum conclave_err
read_field(struct msg_span *in, const struct msg_field *field, void *message)
{
    union value value;
    enum conclave_err err = CONCLAVE_ERR_INTERNAL;
    switch (field->kind) {
    case MSG_FIELD_U64:
        err = msg_wire_read_u64(in, &value.number);
        if (err == CONCLAVE_OK)
            err = within(field, value.number);
        if (err == CONCLAVE_OK)
            keep(message, field, &value.number, sizeof value.number);
        break;
    case MSG_FIELD_BOOL:
        err = msg_wire_read_bool(in, &value.flag);
        if (err == CONCLAVE_OK)
            keep(message, field, &value.flag, sizeof value.flag);
        break;
    case MSG_FIELD_TEXT:
        err = msg_wire_read_text(in, &value.text);
        if (err == CONCLAVE_OK)
            err = within(field, value.text.len);
        if (err == CONCLAVE_OK)
            keep(message, field, &value.text, sizeof value.text);
        break;
    case MSG_FIELD_BIN:
        err = msg_wire_read_bin(in, &value.bytes);
        if (err == CONCLAVE_OK)
            err = within(field, value.bytes.len);
        if (err == CONCLAVE_OK)
            keep(message, field, &value.bytes, sizeof value.bytes);
        break;
    case MSG_FIELD_FIXED:
        err = msg_wire_read_bin(in, &value.bytes);
        if (err == CONCLAVE_OK && value.bytes.len != field->size)
            err = CONCLAVE_ERR_RANGE;
        if (err == CONCLAVE_OK && field->size == sizeof(struct msg_id)) /* as most are */
            keep(message, field, value.bytes.at, sizeof(struct msg_id));
        else if (err == CONCLAVE_OK)
            keep(message, field, value.bytes.at, field->size);
        break;
    case MSG_FIELD_LIST: {
        struct msg_span rest = *in;
        err = read_list(&rest, field, &value.list);
        if (err == CONCLAVE_OK)
            keep(message, field, &value.list, sizeof value.list);
        *in = rest;
        break;
    }
    }
    return err;
}

static enum conclave_err
read_fields(struct msg_span *in, const struct msg_shape *shape, void *message)
{
    struct msg_span rest = *in;
    enum conclave_err err = CONCLAVE_OK;
    for (uint32_t i = 0; i < shape->count && err == CONCLAVE_OK; i++)
        err = read_field(&rest, &shape->fields[i], message);
    *in = rest;
    return err;
}

/* The head of a frame: array, version, kind. */
static enum conclave_err
read_head(struct msg_span *in, uint32_t *count, uint64_t *kind)
{
    uint64_t version;
    enum conclave_err err = msg_wire_read_array(in, count);
    if (err != CONCLAVE_OK)
        return err;
    if (*count < 2)
        return CONCLAVE_ERR_SHORT;
    err = msg_wire_read_u64(in, &version);
    if (err != CONCLAVE_OK)
        return err;
    if (version != MSG_VERSION)
        return CONCLAVE_ERR_VERSION_MISMATCH;
    return msg_wire_read_u64(in, kind);
}

static enum conclave_err
read_frame(struct msg_span *in, const struct msg_shape **shape_p, void *message)
{
    const size_t before = in->len;
    uint32_t count;
    uint64_t number;
    enum conclave_err err = read_head(in, &count, &number);
    if (err != CONCLAVE_OK)
        return err;
    const struct msg_shape *const shape = msg_catalog_shape(number);
    if (shape == NULL || msg_catalog_is_item(shape->kind))
        return CONCLAVE_ERR_KIND;
    if (count - 2 != shape->count)
        return count - 2 < shape->count ? CONCLAVE_ERR_SHORT : CONCLAVE_ERR_TRAILING;
    err = read_fields(in, shape, message);
    if (err != CONCLAVE_OK)
        return err;
    if (is_wire(shape->kind) && before - in->len > MSG_FRAME_MAX)
        return CONCLAVE_ERR_TOO_LARGE;
    *shape_p = shape;
    return CONCLAVE_OK;
}

/* A SAY without the tables: they come by the hundred, and twice each.  As one
 * value has one form, all of them begin so.  False: read_frame says why not. */
static bool
read_say(struct msg_span *in, struct msg_say *say)
{
    static const uint8_t begins[] = {0x90 | 4, MSG_VERSION, MSG_SAY, 0xc4, sizeof say->id};
    if (in->len < sizeof begins + sizeof say->id || memcmp(in->at, begins, sizeof begins) != 0)
        return false;
    struct msg_span rest = msg_span(in->at + sizeof begins + sizeof say->id, in->len - sizeof begins - sizeof say->id);
    struct msg_text text;
    if (msg_wire_read_text(&rest, &text) != CONCLAVE_OK || text.len < 1 || text.len > MSG_TEXT_MAX)
        return false;
    memcpy(&say->id, in->at + sizeof begins, sizeof say->id);
    say->text = text;
    *in = rest;
    return true;
}

enum conclave_err
msg_codec_next_frame(struct msg_span *in, enum msg_kind *kind, union msg_any *any)
{
    const struct msg_shape *shape = NULL;
    struct msg_span rest = *in;
    if (read_say(in, &any->MSG_ANY_SAY)) {
        *kind = MSG_SAY;
        return CONCLAVE_OK;
    }
    const enum conclave_err err = read_frame(&rest, &shape, any);
    if (err != CONCLAVE_OK) {
        *kind = MSG_KIND_NONE;
        memset(any, 0, sizeof *any);
        return err;
    }
    *kind = shape->kind;
    *in = rest;
    return CONCLAVE_OK;
}

enum conclave_err
msg_codec_decode(struct msg_span frame, enum msg_kind *kind, union msg_any *any)
{
    const enum conclave_err err = msg_codec_next_frame(&frame, kind, any);
    if (err == CONCLAVE_OK && frame.len > 0) {
        *kind = MSG_KIND_NONE;
        memset(any, 0, sizeof *any);
        return CONCLAVE_ERR_TRAILING;
    }
    return err;
}

bool
msg_codec_next(struct msg_list *list, enum msg_kind item, void *message)
{
    const struct msg_shape *const shape = msg_catalog_shape(item);
    assert(shape != NULL && msg_catalog_is_item(item));
    if (list->count == 0)
        return false;
    struct msg_span in = {list->at, list->len};
    const enum conclave_err err = read_item(&in, shape, message);
    assert(err == CONCLAVE_OK); /* it was checked when the list was decoded */
    if (err != CONCLAVE_OK)
        return false;
    *list = (struct msg_list){in.at, in.len, list->count - 1};
    return true;
}

bool
msg_codec_next_id(struct msg_span *ids, struct msg_id *id)
{
    if (ids->len < sizeof *id)
        return false;
    memcpy(id, ids->at, sizeof *id);
    *ids = msg_span(ids->at + sizeof *id, ids->len - sizeof *id);
    return true;
}

void
msg_codec_peek(struct msg_span frame, uint64_t *kind, uint64_t *req)
{
    uint32_t count;
    *kind = 0;
    *req = 0;
    if (read_head(&frame, &count, kind) != CONCLAVE_OK) {
        *kind = 0;
        return;
    }
    const struct msg_shape *const shape = msg_catalog_shape(*kind);
    if (shape == NULL || count == 2 || strcmp(shape->fields[0].name, "req") != 0)
        return;
    if (msg_wire_read_u64(&frame, req) != CONCLAVE_OK)
        *req = 0;
}

static enum conclave_err
write_list(struct msg_buf *out, const struct msg_field *field, const struct msg_list *list)
{
    assert(in_range(field, list->count));
    const enum conclave_err err = msg_wire_write_array(out, (uint32_t)list->count);
    if (err != CONCLAVE_OK)
        return err;
    if (list->len > out->cap - out->len)
        return CONCLAVE_ERR_SPACE;
    if (list->len > 0)
        memcpy(out->at + out->len, list->at, list->len);
    out->len += list->len;
    (void)field; /* without assertions */
    return CONCLAVE_OK;
}

static enum conclave_err
write_field(struct msg_buf *out, const struct msg_field *field, const void *message)
{
    const void *const at = const_member(message, field);
    switch (field->kind) {
    case MSG_FIELD_U64: {
        uint64_t value;
        memcpy(&value, at, sizeof value);
        assert(in_range(field, value));
        return msg_wire_write_u64(out, value);
    }
    case MSG_FIELD_BOOL: {
        bool value;
        memcpy(&value, at, sizeof value);
        return msg_wire_write_bool(out, value);
    }
    case MSG_FIELD_TEXT: {
        struct msg_text value;
        memcpy(&value, at, sizeof value);
        assert(in_range(field, value.len));
        return msg_wire_write_text(out, value);
    }
    case MSG_FIELD_BIN: {
        struct msg_span value;
        memcpy(&value, at, sizeof value);
        assert(in_range(field, value.len));
        return msg_wire_write_bin(out, value);
    }
    case MSG_FIELD_FIXED:
        return msg_wire_write_bin(out, msg_span(at, field->size));
    case MSG_FIELD_LIST: {
        struct msg_list value;
        memcpy(&value, at, sizeof value);
        return write_list(out, field, &value);
    }
    }
    return CONCLAVE_ERR_INTERNAL;
}

static enum conclave_err
write_fields(struct msg_buf *out, const struct msg_shape *shape, const void *message)
{
    for (uint32_t i = 0; i < shape->count; i++) {
        const enum conclave_err err = write_field(out, &shape->fields[i], message);
        if (err != CONCLAVE_OK)
            return err;
    }
    return CONCLAVE_OK;
}

static enum conclave_err
write_frame(struct msg_buf *out, const struct msg_shape *shape, const void *message)
{
    enum conclave_err err = msg_wire_write_array(out, shape->count + 2);
    if (err == CONCLAVE_OK)
        err = msg_wire_write_u64(out, MSG_VERSION);
    if (err == CONCLAVE_OK)
        err = msg_wire_write_u64(out, shape->kind);
    if (err == CONCLAVE_OK)
        err = write_fields(out, shape, message);
    return err;
}

enum conclave_err
msg_codec_encode(struct msg_buf *out, enum msg_kind kind, const void *message)
{
    const struct msg_shape *const shape = msg_catalog_shape(kind);
    assert(shape != NULL && !msg_catalog_is_item(kind));
    const size_t before = out->len;
    enum conclave_err err = write_frame(out, shape, message);
    if (err == CONCLAVE_OK && is_wire(kind) && out->len - before > MSG_FRAME_MAX)
        err = CONCLAVE_ERR_TOO_LARGE;
    if (err != CONCLAVE_OK)
        out->len = before;
    return err;
}

enum conclave_err
msg_codec_append(struct msg_buf *out, struct msg_list *list, enum msg_kind item,
                 const void *message)
{
    const struct msg_shape *const shape = msg_catalog_shape(item);
    assert(shape != NULL && msg_catalog_is_item(item));
    const size_t before = out->len;
    enum conclave_err err = msg_wire_write_array(out, shape->count);
    if (err == CONCLAVE_OK)
        err = write_fields(out, shape, message);
    if (err != CONCLAVE_OK) {
        out->len = before;
        return err;
    }
    if (list->count == 0)
        list->at = out->at + before;
    list->len += out->len - before;
    list->count++;
    return CONCLAVE_OK;
}

enum conclave_err
msg_codec_error(struct msg_buf *out, uint64_t req, enum conclave_err err, struct msg_text text,
                uint64_t retry_ms)
{
    if (text.len == 0)
        text = msg_text(msg_error_sentence(err));
    if (text.len > MSG_REASON_MAX) { /* cut before a character, not within one */
        text.len = MSG_REASON_MAX;
        while (text.len > 0 && ((uint8_t)text.at[text.len] & 0xc0) == 0x80)
            text.len--;
    }
    const struct msg_error_frame frame = {req, msg_text(msg_error_code(err)), text, retry_ms};
    return msg_codec_encode(out, MSG_ERROR, &frame);
}

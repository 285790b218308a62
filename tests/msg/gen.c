/* Random messages from the tables of msg/catalog. */
#include "tests/msg/gen.h"

#include <sodium.h>
#include <stdlib.h>

#include "msg/codec.h"
#include "msg/wire.h"

static uint64_t state;

/* splitmix64: small, and good enough to choose test cases with. */
uint64_t
gen_u64(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t
gen_below(uint64_t limit)
{
    return gen_u64() % limit;
}

static const char *
implementation_name(void)
{
    return "gen";
}

static uint32_t
implementation_random(void)
{
    return (uint32_t)gen_u64();
}

static void
implementation_buf(void *const at, const size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)at)[i] = (uint8_t)gen_u64();
}

void
gen_seed(uint64_t seed)
{
    static struct randombytes_implementation implementation = {
        .implementation_name = implementation_name,
        .random = implementation_random,
        .buf = implementation_buf,
    };
    state = seed;
    randombytes_set_implementation(&implementation);
}

static void *blocks[65536];
static size_t blocks_count;

static void *
take(size_t len)
{
    if (blocks_count == sizeof blocks / sizeof blocks[0])
        abort();
    void *const block = malloc(len > 0 ? len : 1);
    if (block == NULL)
        abort();
    blocks[blocks_count++] = block;
    return block;
}

void
gen_reset(void)
{
    while (blocks_count > 0)
        free(blocks[--blocks_count]);
}

struct msg_text
gen_text(size_t len)
{
    char *const at = take(len);
    size_t i = 0;
    while (i < len) {
        const size_t room = len - i;
        const uint64_t which = gen_below(8);
        if (which == 7 && room >= 4) { /* U+10000 to U+10FFFF */
            memcpy(at + i, "\xf0\x9f\x98\x80", 4);
            at[i + 3] = (char)(0x80 + gen_below(64));
            i += 4;
        } else if (which == 6 && room >= 3) { /* U+4000 and on */
            memcpy(at + i, "\xe4\x80\x80", 3);
            at[i + 2] = (char)(0x80 + gen_below(64));
            i += 3;
        } else if (which == 5 && room >= 2) { /* U+0400 and on */
            at[i] = (char)0xd0;
            at[i + 1] = (char)(0x80 + gen_below(64));
            i += 2;
        } else {
            at[i++] = (char)(1 + gen_below(127));
        }
    }
    return (struct msg_text){at, len};
}

static uint64_t
choose(uint64_t min, uint64_t max)
{
    static const uint64_t edges[] = {
        0,   1,     15,    16,         31,         32,        127,        128,        255,
        256, 65535, 65536, UINT32_MAX, 1ull << 32, INT64_MAX, 1ull << 63, UINT64_MAX,
    };
    uint64_t value = gen_u64();
    switch (gen_below(4)) {
    case 0:
        return min;
    case 1:
        return max;
    case 2:
        value = edges[gen_below(sizeof edges / sizeof edges[0])];
        break;
    default:
        value >>= gen_below(64);
        break;
    }
    if (value < min)
        return min;
    return value > max ? max : value;
}

static void gen_fields(const struct msg_shape *shape, void *message, size_t longest);

static struct msg_list
gen_list(const struct msg_field *field, size_t longest)
{
    const struct msg_shape *const shape = msg_catalog_shape(field->item);
    const uint64_t most = field->max < longest / 8 ? field->max : longest / 8;
    const uint64_t count = choose(field->min, most > field->min ? most : field->min);
    struct msg_list list = {0};
    struct msg_buf out = {take(1u << 17), 0, 1u << 17};
    for (uint64_t i = 0; i < count; i++) {
        union msg_any any;
        memset(&any, 0, sizeof any);
        gen_fields(shape, &any, longest / 4 + 8);
        const enum conclave_err err = msg_codec_append(&out, &list, field->item, &any);
        if (err == CONCLAVE_ERR_SPACE && list.count >= field->min)
            break; /* more than any frame holds */
        if (err != CONCLAVE_OK)
            abort();
    }
    return list;
}

static void
gen_field(const struct msg_field *field, void *message, size_t longest)
{
    void *const at = (char *)message + field->offset;
    const uint64_t most = field->max < longest   ? field->max
                          : longest > field->min ? longest
                                                 : field->min;
    switch (field->kind) {
    case MSG_FIELD_U64: {
        const uint64_t value = choose(field->min, field->max);
        memcpy(at, &value, sizeof value);
        break;
    }
    case MSG_FIELD_BOOL: {
        const bool value = gen_below(2) != 0;
        memcpy(at, &value, sizeof value);
        break;
    }
    case MSG_FIELD_TEXT: {
        const struct msg_text value = gen_text((size_t)choose(field->min, most));
        memcpy(at, &value, sizeof value);
        break;
    }
    case MSG_FIELD_BIN: {
        const size_t len = (size_t)choose(field->min, most);
        uint8_t *const bytes = take(len);
        implementation_buf(bytes, len);
        const struct msg_span value = {bytes, len};
        memcpy(at, &value, sizeof value);
        break;
    }
    case MSG_FIELD_FIXED:
        implementation_buf(at, field->size);
        break;
    case MSG_FIELD_LIST: {
        const struct msg_list value = gen_list(field, longest);
        memcpy(at, &value, sizeof value);
        break;
    }
    }
}

static void
gen_fields(const struct msg_shape *shape, void *message, size_t longest)
{
    for (uint32_t i = 0; i < shape->count; i++)
        gen_field(&shape->fields[i], message, longest);
}

void
gen_message(enum msg_kind kind, union msg_any *any, size_t longest)
{
    memset(any, 0, sizeof *any);
    gen_fields(msg_catalog_shape(kind), any, longest);
}

bool
gen_equal(const struct msg_shape *shape, const void *a, const void *b)
{
    for (uint32_t i = 0; i < shape->count; i++) {
        const struct msg_field *const field = &shape->fields[i];
        const char *const at = (const char *)a + field->offset;
        const char *const bt = (const char *)b + field->offset;
        struct msg_span x = {(const uint8_t *)at, field->size};
        struct msg_span y = {(const uint8_t *)bt, field->size};
        struct msg_text text;
        struct msg_list list;
        if (field->kind == MSG_FIELD_TEXT) {
            memcpy(&text, at, sizeof text);
            x = msg_span_of_text(text);
            memcpy(&text, bt, sizeof text);
            y = msg_span_of_text(text);
        } else if (field->kind == MSG_FIELD_BIN) {
            memcpy(&x, at, sizeof x);
            memcpy(&y, bt, sizeof y);
        } else if (field->kind == MSG_FIELD_LIST) {
            memcpy(&list, at, sizeof list);
            x = msg_span(list.at, list.len);
            memcpy(&list, bt, sizeof list);
            y = msg_span(list.at, list.len);
        }
        if (!msg_span_equal(x, y))
            return false;
    }
    return true;
}

bool
gen_is_frame(enum msg_kind kind)
{
    return !msg_catalog_is_item(kind);
}

bool
gen_write_field(struct msg_buf *out, const struct msg_field *field, const void *message)
{
    const char *const at = (const char *)message + field->offset;
    enum conclave_err err = CONCLAVE_ERR_INTERNAL;
    uint64_t number;
    bool flag;
    struct msg_text text;
    struct msg_span span;
    struct msg_list list;
    switch (field->kind) {
    case MSG_FIELD_U64:
        memcpy(&number, at, sizeof number);
        err = msg_wire_write_u64(out, number);
        break;
    case MSG_FIELD_BOOL:
        memcpy(&flag, at, sizeof flag);
        err = msg_wire_write_bool(out, flag);
        break;
    case MSG_FIELD_TEXT:
        memcpy(&text, at, sizeof text);
        err = msg_wire_write_text(out, text);
        break;
    case MSG_FIELD_BIN:
        memcpy(&span, at, sizeof span);
        err = msg_wire_write_bin(out, span);
        break;
    case MSG_FIELD_FIXED:
        err = msg_wire_write_bin(out, msg_span(at, field->size));
        break;
    case MSG_FIELD_LIST:
        memcpy(&list, at, sizeof list);
        err = msg_wire_write_array(out, (uint32_t)list.count);
        if (err == CONCLAVE_OK && list.len > 0) {
            if (list.len > out->cap - out->len)
                return false;
            memcpy(out->at + out->len, list.at, list.len);
            out->len += list.len;
        }
        break;
    }
    return err == CONCLAVE_OK;
}

bool
gen_write_fields(struct msg_buf *out, const struct msg_shape *shape, const void *message, int odd,
                 gen_odd_fn *fn, const void *arg)
{
    for (uint32_t i = 0; i < shape->count; i++) {
        const struct msg_field *const field = &shape->fields[i];
        if ((int)i == odd ? !fn(out, field, arg) : !gen_write_field(out, field, message))
            return false;
    }
    return true;
}

bool
gen_write(struct msg_buf *out, const struct msg_shape *shape, const void *message, int odd,
          gen_odd_fn *fn, const void *arg)
{
    return msg_wire_write_array(out, shape->count + 2) == CONCLAVE_OK &&
           msg_wire_write_u64(out, MSG_VERSION) == CONCLAVE_OK &&
           msg_wire_write_u64(out, shape->kind) == CONCLAVE_OK &&
           gen_write_fields(out, shape, message, odd, fn, arg);
}

/* Proves that msg/codec.c refuses what is no frame of ours: cut, altered,
 * out of range, of another type, version, kind or form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <msgpack.h>
#include <stdlib.h>

#include "msg/codec.h"
#include "msg/wire.h"
#include "tests/msg/gen.h"

static uint8_t store[4u << 20];
static uint8_t filler[2u << 20]; /* 'x': text and bytes of any length */

static struct msg_buf
fresh(void)
{
    return (struct msg_buf){store, 0, sizeof store};
}

/* Refused, and nothing is left in the results. */
static enum conclave_err
refused(struct msg_span frame)
{
    enum msg_kind kind = MSG_ERROR;
    union msg_any any;
    union msg_any zero;
    memset(&any, 0xaa, sizeof any);
    memset(&zero, 0, sizeof zero);
    const enum conclave_err err = msg_codec_decode(frame, &kind, &any);
    assert_int_not_equal(err, CONCLAVE_OK);
    assert_int_equal(kind, MSG_KIND_NONE);
    assert_memory_equal(&any, &zero, sizeof any);
    return err;
}

static void
each_shape(void (*check)(const struct msg_shape *shape))
{
    const struct msg_shape *shape;
    for (size_t i = 0; (shape = msg_catalog_at(i)) != NULL; i++)
        check(shape);
}

static void
prefixes(const struct msg_shape *shape)
{
    if (!gen_is_frame(shape->kind))
        return;
    for (unsigned round = 0; round < 5; round++) {
        union msg_any any;
        struct msg_buf out = fresh();
        gen_message(shape->kind, &any, 200);
        assert_int_equal(msg_codec_encode(&out, shape->kind, &any), CONCLAVE_OK);
        for (size_t len = 0; len < out.len; len++) {
            uint8_t *const cut =
                malloc(len > 0 ? len : 1); /* exact: reading on is seen by a sanitizer */
            assert_non_null(cut);
            memcpy(cut, store, len);
            assert_int_equal(refused(msg_span(cut, len)), CONCLAVE_ERR_SHORT);
            free(cut);
        }
        store[out.len] = 0x01;
        assert_int_equal(refused(msg_span(store, out.len + 1)), CONCLAVE_ERR_TRAILING);
        gen_reset();
    }
}

static void
each_prefix_and_each_extra_byte_is_refused(void **unused)
{
    (void)unused;
    each_shape(prefixes);
}

/* A frame in which the shape stands: itself, or the first frame with a list of
 * such items, with one item written by fn. */
static bool
frame_with(struct msg_buf *out, const struct msg_shape *shape, int odd, gen_odd_fn *fn,
           const void *arg)
{
    union msg_any any;
    gen_message(shape->kind, &any, 100);
    if (gen_is_frame(shape->kind))
        return gen_write(out, shape, &any, odd, fn, arg);
    /* ADDRESS also stands in DEVICE_CARD; LOGIN is its first frame. */
    const struct msg_shape *outer;
    for (size_t i = 0; (outer = msg_catalog_at(i)) != NULL; i++) {
        for (uint32_t k = 0; k < outer->count && gen_is_frame(outer->kind); k++) {
            if (outer->fields[k].item != shape->kind)
                continue;
            static uint8_t at[4u << 20];
            struct msg_buf item = {at, 0, sizeof at};
            union msg_any whole;
            if (msg_wire_write_array(&item, shape->count) != CONCLAVE_OK ||
                !gen_write_fields(&item, shape, &any, odd, fn, arg))
                return false;
            gen_message(outer->kind, &whole, 100);
            const struct msg_list list = {item.at, item.len, 1};
            memcpy((char *)&whole + outer->fields[k].offset, &list, sizeof list);
            return gen_write(out, outer, &whole, -1, NULL, NULL);
        }
    }
    return false;
}

/* A field that is `arg` long or large, whatever its range says. */
static bool
write_measured(struct msg_buf *out, const struct msg_field *field, const void *arg)
{
    uint64_t n;
    memcpy(&n, arg, sizeof n);
    switch (field->kind) {
    case MSG_FIELD_U64:
        return msg_wire_write_u64(out, n) == CONCLAVE_OK;
    case MSG_FIELD_TEXT:
        return msg_wire_write_text(out, (struct msg_text){(const char *)filler, (size_t)n}) ==
               CONCLAVE_OK;
    case MSG_FIELD_BIN:
    case MSG_FIELD_FIXED:
        return msg_wire_write_bin(out, msg_span(filler, (size_t)n)) == CONCLAVE_OK;
    case MSG_FIELD_LIST: {
        const struct msg_shape *const shape = msg_catalog_shape(field->item);
        if (msg_wire_write_array(out, (uint32_t)n) != CONCLAVE_OK)
            return false;
        for (uint64_t i = 0; i < n; i++) {
            union msg_any any;
            gen_message(shape->kind, &any, 1);
            if (msg_wire_write_array(out, shape->count) != CONCLAVE_OK ||
                !gen_write_fields(out, shape, &any, -1, NULL, NULL))
                return false;
        }
        return true;
    }
    case MSG_FIELD_BOOL:
        break;
    }
    return false;
}

static enum conclave_err
decode_with(const struct msg_shape *shape, uint32_t field, uint64_t n)
{
    enum msg_kind kind;
    union msg_any any;
    struct msg_buf out = fresh();
    assert_true(frame_with(&out, shape, (int)field, write_measured, &n));
    gen_reset();
    return msg_codec_decode(msg_span_of_buf(&out), &kind, &any);
}

static void
ranges(const struct msg_shape *shape)
{
    for (uint32_t i = 0; i < shape->count; i++) {
        const struct msg_field *const field = &shape->fields[i];
        if (field->kind == MSG_FIELD_BOOL)
            continue;
        assert_int_equal(decode_with(shape, i, field->min), CONCLAVE_OK);
        assert_int_equal(decode_with(shape, i, field->max), CONCLAVE_OK);
        if (field->min > 0)
            assert_int_equal(decode_with(shape, i, field->min - 1), CONCLAVE_ERR_RANGE);
        if (field->max < UINT64_MAX)
            assert_int_equal(decode_with(shape, i, field->max + 1), CONCLAVE_ERR_RANGE);
    }
}

static void
each_field_takes_its_range_and_nothing_beside(void **unused)
{
    (void)unused;
    each_shape(ranges);
}

/* One value of every sort that msgpack has. */
static const struct {
    const char *bytes;
    size_t len;
    int is; /* the kind of field that may be so; -1: none */
} values[] = {
    {"\xc0", 1, -1}, /* nil */
    {"\x05", 1, MSG_FIELD_U64},
    {"\xc2", 1, MSG_FIELD_BOOL},
    {"\xa3"
     "abc",
     4, MSG_FIELD_TEXT},
    {"\xc4\x03"
     "abc",
     5, MSG_FIELD_BIN},
    {"\x90", 1, MSG_FIELD_LIST},
    {"\x80", 1, -1},                 /* a map */
    {"\xff", 1, -1},                 /* -1 */
    {"\xca\x3f\x80\x00\x00", 5, -1}, /* 1.0 */
    {"\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", 9, -1},
    {"\xd4\x01\x00", 3, -1}, /* an extension */
    {"\xc7\x03\x01"
     "abc",
     6, -1},
    {"\xc1", 1, -1}, /* never used */
    {"\xdf\xff\xff\xff\xff", 5, -1},
};

static bool
write_value(struct msg_buf *out, const struct msg_field *field, const void *arg)
{
    (void)field;
    size_t i;
    memcpy(&i, arg, sizeof i);
    memcpy(out->at + out->len, values[i].bytes, values[i].len);
    out->len += values[i].len;
    return true;
}

static void
types(const struct msg_shape *shape)
{
    for (uint32_t i = 0; i < shape->count; i++) {
        const int kind = (int)shape->fields[i].kind;
        for (size_t k = 0; k < sizeof values / sizeof values[0]; k++) {
            if (values[k].is == kind || (values[k].is == MSG_FIELD_BIN && kind == MSG_FIELD_FIXED))
                continue;
            struct msg_buf out = fresh();
            assert_true(frame_with(&out, shape, (int)i, write_value, &k));
            gen_reset();
            const enum conclave_err err = refused(msg_span_of_buf(&out));
            assert_true(err == CONCLAVE_ERR_TYPE || err == CONCLAVE_ERR_RANGE);
        }
    }
}

static void
each_field_takes_its_type_and_no_other(void **unused)
{
    (void)unused;
    each_shape(types);
}

static bool
write_none(struct msg_buf *out, const struct msg_field *field, const void *arg)
{
    (void)out;
    (void)field;
    (void)arg;
    return true;
}

static bool
write_twice(struct msg_buf *out, const struct msg_field *field, const void *arg)
{
    return gen_write_field(out, field, arg) && gen_write_field(out, field, arg);
}

static void
counts(const struct msg_shape *shape)
{
    if (!gen_is_frame(shape->kind))
        return;
    for (uint32_t i = 0; i < shape->count; i++) {
        union msg_any any;
        gen_message(shape->kind, &any, 50);
        /* The head says one field less, and more; the array says the same. */
        struct msg_buf out = fresh();
        assert_true(gen_write(&out, shape, &any, (int)i, write_none, NULL));
        uint8_t *const count = store[0] == 0xdc ? &store[2] : &store[0];
        assert_true(store[0] == 0xdc || (store[0] & 0xf0) == 0x90);
        if (store[0] != 0xdc || *count > 16) { /* fifteen need another head */
            --*count;
            refused(msg_span_of_buf(&out));
        }
        out = fresh();
        assert_true(gen_write(&out, shape, &any, (int)i, write_twice, &any));
        if (store[0] == 0x9f)
            continue; /* sixteen need another head */
        ++*count;
        assert_int_equal(refused(msg_span_of_buf(&out)), CONCLAVE_ERR_TRAILING);
        gen_reset();
    }
}

static void
a_field_less_or_one_twice_is_refused(void **unused)
{
    (void)unused;
    each_shape(counts);
}

static void
other_versions_and_unknown_kinds_are_refused(void **unused)
{
    (void)unused;
    const uint64_t versions[] = {0, 2, 127, 128, UINT64_MAX};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        struct msg_buf out = fresh();
        assert_int_equal(msg_wire_write_array(&out, 3), CONCLAVE_OK);
        assert_int_equal(msg_wire_write_u64(&out, versions[i]), CONCLAVE_OK);
        assert_int_equal(msg_wire_write_u64(&out, MSG_DONE), CONCLAVE_OK);
        assert_int_equal(msg_wire_write_u64(&out, 1), CONCLAVE_OK);
        assert_int_equal(refused(msg_span_of_buf(&out)), CONCLAVE_ERR_VERSION_MISMATCH);
    }
    for (uint64_t kind = 0; kind < 400; kind++) {
        const struct msg_shape *const shape = msg_catalog_shape(kind);
        if (shape != NULL && gen_is_frame(shape->kind))
            continue;
        struct msg_buf out = fresh();
        union msg_any any;
        if (shape != NULL) { /* an item dressed as a frame */
            gen_message(shape->kind, &any, 20);
            assert_true(gen_write(&out, shape, &any, -1, NULL, NULL));
            gen_reset();
        } else {
            assert_int_equal(msg_wire_write_array(&out, 3), CONCLAVE_OK);
            assert_int_equal(msg_wire_write_u64(&out, MSG_VERSION), CONCLAVE_OK);
            assert_int_equal(msg_wire_write_u64(&out, kind), CONCLAVE_OK);
            assert_int_equal(msg_wire_write_u64(&out, 1), CONCLAVE_OK);
        }
        assert_int_equal(refused(msg_span_of_buf(&out)), CONCLAVE_ERR_KIND);
    }
}

static void
claims_and_nesting_cost_nothing(void **unused)
{
    (void)unused;
    assert_int_equal(refused(msg_span("\xdd\x0f\x00\x00\x00", 5)), CONCLAVE_ERR_SHORT);
    assert_int_equal(refused(msg_span("\xdd\x7f\xff\xff\xff", 5)), CONCLAVE_ERR_SHORT);
    assert_int_equal(refused(msg_span("\x94\x01\x25\x07\xdb\x7f\xff\xff\xff", 9)),
                     CONCLAVE_ERR_SHORT);
    assert_int_equal(refused(msg_span("\x95\x01\x28\x07\xdd\x7f\xff\xff\xff", 9)),
                     CONCLAVE_ERR_SHORT);
    memset(store, 0x91, sizeof store); /* four million arrays in one another */
    assert_int_equal(refused(msg_span(store, sizeof store)), CONCLAVE_ERR_SHORT);
    memset(store, 0x92, sizeof store);
    assert_int_equal(refused(msg_span(store, sizeof store)), CONCLAVE_ERR_TYPE);
    /* Nesting where a list may stand: USERS, req 1, a list of a list of a list... */
    memset(store, 0x91, 60000);
    memcpy(store, "\x95\x01\x28\x01", 4);
    assert_int_equal(refused(msg_span(store, 60000)), CONCLAVE_ERR_SHORT);
    memset(store, 0x93, 60000);
    memcpy(store, "\x95\x01\x28\x01\x91", 5);
    assert_int_equal(refused(msg_span(store, 60000)), CONCLAVE_ERR_TYPE);
}

static void
what_random_damage_leaves_acceptable_has_one_form_and_msgpack_c_takes_it(void **unused)
{
    (void)unused;
    static uint8_t again[1u << 18];
    unsigned accepted = 0;
    for (unsigned round = 0; round < 60000; round++) {
        const struct msg_shape *shape;
        do
            shape = msg_catalog_shape(gen_below(MSG_KIND_LIMIT));
        while (shape == NULL || !gen_is_frame(shape->kind));
        union msg_any any;
        struct msg_buf out = fresh();
        gen_message(shape->kind, &any, 60);
        assert_int_equal(msg_codec_encode(&out, shape->kind, &any), CONCLAVE_OK);
        for (uint64_t hits = 1 + gen_below(3); hits > 0; hits--)
            store[gen_below(out.len)] = (uint8_t)gen_u64();
        enum msg_kind kind;
        if (msg_codec_decode(msg_span_of_buf(&out), &kind, &any) == CONCLAVE_OK) {
            accepted++;
            struct msg_buf copy = {again, 0, sizeof again};
            assert_int_equal(msg_codec_encode(&copy, kind, &any), CONCLAVE_OK);
            assert_true(msg_span_equal(msg_span_of_buf(&copy), msg_span_of_buf(&out)));
            msgpack_unpacked unpacked;
            size_t at = 0;
            msgpack_unpacked_init(&unpacked);
            assert_int_equal(msgpack_unpack_next(&unpacked, (const char *)store, out.len, &at),
                             MSGPACK_UNPACK_SUCCESS);
            assert_int_equal(at, out.len);
            msgpack_unpacked_destroy(&unpacked);
        }
        gen_reset();
    }
    assert_true(accepted > 1000); /* else the test says nothing */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_prefix_and_each_extra_byte_is_refused),
        cmocka_unit_test(each_field_takes_its_range_and_nothing_beside),
        cmocka_unit_test(each_field_takes_its_type_and_no_other),
        cmocka_unit_test(a_field_less_or_one_twice_is_refused),
        cmocka_unit_test(other_versions_and_unknown_kinds_are_refused),
        cmocka_unit_test(claims_and_nesting_cost_nothing),
        cmocka_unit_test(what_random_damage_leaves_acceptable_has_one_form_and_msgpack_c_takes_it),
    };
    gen_seed(4);
    memset(filler, 'x', sizeof filler);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

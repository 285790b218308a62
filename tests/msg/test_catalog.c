/* Proves msg/catalog.c: the tables are sound in themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "msg/catalog.h"
#include "tests/msg/gen.h"

#define EACH_SHAPE(shape)                                                                          \
    const struct msg_shape *shape;                                                                 \
    for (size_t i_ = 0; (shape = msg_catalog_at(i_)) != NULL; i_++)

static void
each_kind_is_found_by_its_number_and_no_other_is(void **unused)
{
    (void)unused;
    size_t found = 0;
    size_t listed = 0;
    for (uint64_t kind = 0; kind < 1000; kind++) {
        const struct msg_shape *const shape = msg_catalog_shape(kind);
        if (shape != NULL) {
            assert_int_equal(shape->kind, kind);
            found++;
        }
    }
    while (msg_catalog_at(listed) != NULL)
        listed++;
    assert_int_equal(found, listed);
    assert_null(msg_catalog_shape(0));
    assert_null(msg_catalog_shape(UINT64_MAX));
    assert_null(msg_catalog_shape(MSG_KIND_LIMIT));
    assert_null(msg_catalog_at(SIZE_MAX));
}

static void
each_field_lies_in_its_struct_after_the_one_before(void **unused)
{
    (void)unused;
    EACH_SHAPE(shape)
    {
        size_t end = 0;
        for (uint32_t i = 0; i < shape->count; i++) {
            const struct msg_field *const field = &shape->fields[i];
            assert_true(field->offset >= end);
            end = field->offset + field->size;
            assert_true(end <= shape->size);
            assert_true(end - field->offset > 0);
        }
        /* Nothing of the struct is left out but what alignment asks for. */
        assert_true(shape->size - end < 8);
        assert_true(shape->size <= sizeof(union msg_any));
        assert_true(shape->count >= 1);
    }
}

static void
each_range_is_one(void **unused)
{
    (void)unused;
    EACH_SHAPE(shape)
    {
        for (uint32_t i = 0; i < shape->count; i++) {
            const struct msg_field *const field = &shape->fields[i];
            assert_true(field->min <= field->max);
            if (field->kind == MSG_FIELD_FIXED)
                assert_true(field->min == field->size && field->max == field->size);
            if (field->kind == MSG_FIELD_BOOL)
                assert_true(field->min == 0 && field->max == 1);
        }
    }
}

static unsigned
depth(const struct msg_shape *shape)
{
    unsigned deepest = 0;
    for (uint32_t i = 0; i < shape->count; i++) {
        if (shape->fields[i].kind == MSG_FIELD_LIST) {
            const unsigned below = depth(msg_catalog_shape(shape->fields[i].item));
            deepest = below + 1 > deepest ? below + 1 : deepest;
        }
    }
    return deepest;
}

static void
lists_hold_items_and_end_after_two_levels(void **unused)
{
    (void)unused;
    EACH_SHAPE(shape)
    {
        for (uint32_t i = 0; i < shape->count; i++) {
            const struct msg_field *const field = &shape->fields[i];
            if (field->kind == MSG_FIELD_LIST) {
                assert_non_null(msg_catalog_shape(field->item));
                assert_false(gen_is_frame(field->item));
            } else {
                assert_int_equal(field->item, MSG_KIND_NONE);
            }
        }
        assert_true(depth(shape) <= 2);
    }
}

static void
a_request_has_its_number_first_and_never_zero(void **unused)
{
    (void)unused;
    const enum msg_kind requests[] = {
        MSG_SIGNUP, MSG_ENROL,        MSG_PASSWD,         MSG_LOGIN,     MSG_LOGOUT,
        MSG_SEARCH, MSG_LIST,         MSG_WATCH,          MSG_INTRODUCE, MSG_LIST_DEVICES,
        MSG_REVOKE, MSG_LIST_REVOKED, MSG_DELETE_ACCOUNT,
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        const struct msg_field *const first = &msg_catalog_shape(requests[i])->fields[0];
        assert_string_equal(first->name, "req");
        assert_int_equal(first->min, 1);
    }
}

/* The most bytes that a field can need, head and all; lists by their items. */
static uint64_t
most_bytes(const struct msg_field *field)
{
    switch (field->kind) {
    case MSG_FIELD_U64:
        return 9;
    case MSG_FIELD_BOOL:
        return 1;
    case MSG_FIELD_TEXT:
    case MSG_FIELD_BIN:
    case MSG_FIELD_FIXED:
        return 5 + field->max;
    case MSG_FIELD_LIST: {
        const struct msg_shape *const shape = msg_catalog_shape(field->item);
        uint64_t item = 3;
        for (uint32_t i = 0; i < shape->count; i++)
            item += most_bytes(&shape->fields[i]);
        return 5 + field->max * item;
    }
    }
    return 0;
}

/* Pages of items, and 32 devices with 8 of the longest endpoints: whoever fills
 * them stops when the frame is full, and the encoder refuses. */
static bool
is_filled_by_bytes(enum msg_kind kind)
{
    static const enum msg_kind kinds[] = {MSG_INTRODUCED, MSG_DEPOSIT, MSG_ROOMS, MSG_ENTRIES, MSG_CARDS, MSG_ROOM_STATE, MSG_ROOM_LOG,
                                          MSG_ROOM_CAST, MSG_ROOM_PEERS, MSG_ROOM_CHANGED};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i] == kind)
            return true;
    return false;
}

static void
frames_on_the_wire_fit_the_socket_at_their_largest(void **unused)
{
    (void)unused;
    EACH_SHAPE(shape)
    {
        uint64_t most = 3;
        for (uint32_t i = 0; i < shape->count; i++)
            most += most_bytes(&shape->fields[i]);
        if ((shape->kind < MSG_DOOR_ASK || shape->kind >= MSG_ROOM_PROPOSE) && !msg_catalog_is_item(shape->kind) && !is_filled_by_bytes(shape->kind))
            assert_true(most <= MSG_FRAME_MAX);
        if (shape->kind >= MSG_SIGNUP && shape->kind <= MSG_ADMITTED)
            assert_true(most <= MSG_KNOCK_MAX);
        if (shape->kind == MSG_CERT)
            assert_true(most + 80 <= MSG_CERT_MAX);
        if (shape->kind == MSG_SAY)
            assert_true(most + 128 <= MSG_BATCH_MAX); /* beside a CHAIN */
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_found_by_its_number_and_no_other_is),
        cmocka_unit_test(each_field_lies_in_its_struct_after_the_one_before),
        cmocka_unit_test(each_range_is_one),
        cmocka_unit_test(lists_hold_items_and_end_after_two_levels),
        cmocka_unit_test(a_request_has_its_number_first_and_never_zero),
        cmocka_unit_test(frames_on_the_wire_fit_the_socket_at_their_largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* msg/flat: what is put is what is got, whatever it points to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "msg/flat.h"
#include "tests/msg/gen.h"

#define ROUNDS 50

static uint8_t room[1u << 20];

static void
each_message_comes_back(void **state)
{
    (void)state;
    const struct msg_shape *shape;
    for (size_t i = 0; (shape = msg_catalog_at(i)) != NULL; i++)
        for (unsigned round = 0; round < ROUNDS; round++) {
            struct msg_buf out = {room, 0, sizeof room};
            union msg_any any, got;
            gen_message(shape->kind, &any, 2000);
            assert_int_equal(msg_flat_put(&out, shape->kind, &any), CONCLAVE_OK);
            memset(&got, 0xaa, sizeof got);
            assert_int_equal(msg_flat_get(msg_span_of_buf(&out), &got), shape->kind);
            assert_true(gen_equal(shape, &any, &got));
            gen_reset();
        }
}

static void
what_it_points_to_is_its_own(void **state)
{
    (void)state;
    char text[] = "a line";
    struct msg_buf out = {room, 0, sizeof room};
    union msg_any any;
    const struct msg_tell_message message = {.arrival = 7, .from = msg_text("ada"), .to = msg_text(""), .room = msg_text(""), .text = msg_text(text)};
    assert_int_equal(msg_flat_put(&out, MSG_TELL_MESSAGE, &message), CONCLAVE_OK);
    memset(text, 'x', sizeof text);
    assert_int_equal(msg_flat_get(msg_span_of_buf(&out), &any), MSG_TELL_MESSAGE);
    assert_true(msg_text_equal(any.MSG_ANY_TELL_MESSAGE.text, msg_text("a line")));
    assert_true(msg_text_equal(any.MSG_ANY_TELL_MESSAGE.from, msg_text("ada")));
    assert_int_equal(any.MSG_ANY_TELL_MESSAGE.arrival, 7);
}

static void
what_does_not_fit_leaves_the_buffer_as_it_was(void **state)
{
    (void)state;
    struct msg_buf whole = {room, 0, sizeof room};
    const struct msg_tell_notice notice = {.arrival = 1, .code = msg_text("internal"), .text = msg_text("a sentence"), .name = msg_text("")};
    assert_int_equal(msg_flat_put(&whole, MSG_TELL_NOTICE, &notice), CONCLAVE_OK);
    for (size_t cap = 0; cap < whole.len; cap++) {
        uint8_t at[1024];
        struct msg_buf out = {at, 3, 3 + cap};
        memset(at, 0x55, sizeof at);
        assert_int_equal(msg_flat_put(&out, MSG_TELL_NOTICE, &notice), CONCLAVE_ERR_SPACE);
        assert_int_equal(out.len, 3);
        for (size_t i = 0; i < sizeof at; i++)
            assert_int_equal(at[i], 0x55);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_comes_back),
        cmocka_unit_test(what_it_points_to_is_its_own),
        cmocka_unit_test(what_does_not_fit_leaves_the_buffer_as_it_was),
    };
    gen_seed(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

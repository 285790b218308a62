/* Proves msg/chain.c: what a head depends on, and where messages stand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "msg/chain.h"

static void
a_head_depends_on_everything_that_a_message_is(void **unused)
{
    (void)unused;
    const struct msg_head prev = {{1}}, prev_other = {{2}};
    const struct msg_id id = {{3}}, id_other = {{3, [15] = 1}};
    struct msg_head heads[5], again = prev;
    msg_chain_head(&heads[0], &prev, &id, msg_text("text"));
    msg_chain_head(&heads[1], &prev_other, &id, msg_text("text"));
    msg_chain_head(&heads[2], &prev, &id_other, msg_text("text"));
    msg_chain_head(&heads[3], &prev, &id, msg_text("Text"));
    msg_chain_head(&heads[4], &prev, &id, msg_text(""));
    for (size_t i = 0; i < 5; i++)
        for (size_t k = i + 1; k < 5; k++)
            assert_memory_not_equal(&heads[i], &heads[k], sizeof heads[i]);
    msg_chain_head(&again, &again, &id, msg_text("text")); /* in its own place */
    assert_memory_equal(&again, &heads[0], sizeof again);
}

static void
an_identity_is_random_bytes_and_the_time(void **unused)
{
    (void)unused;
    const uint8_t random[MSG_ID_RANDOM] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    const struct msg_id expected = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6}};
    const struct msg_id id = msg_chain_id(random, 0xa1a2a3a4a5a6);
    assert_memory_equal(&id, &expected, sizeof id);
    assert_true(msg_chain_ts_ms(&id) == 0xa1a2a3a4a5a6);
}

static void
each_message_stands_after_the_one_before(void **unused)
{
    (void)unused;
    const struct msg_chain chain = {.incarnation = 3, .number = 7, .prev = {{9}}};
    const struct msg_say says[] = {{{{1, [15] = 5}}, msg_text("one")}, {{{2}}, msg_text("two")}};
    struct msg_place at = msg_chain_begins(&chain);
    struct msg_head head;
    const struct msg_said one = msg_chain_take(&at, &says[0]), two = msg_chain_take(&at, &says[1]);
    assert_int_equal(one.at.number, 7);
    assert_memory_equal(&one.at.prev, &chain.prev, sizeof chain.prev);
    assert_memory_equal(&one.id, &says[0].id, sizeof one.id);
    assert_int_equal(one.ts_ms, 5);
    assert_ptr_equal(one.text.at, says[0].text.at);
    assert_int_equal(two.at.number, 8);
    msg_chain_head(&head, &chain.prev, &says[0].id, msg_text("one"));
    assert_memory_equal(&two.at.prev, &head, sizeof head);
    msg_chain_head(&head, &head, &says[1].id, msg_text("two"));
    assert_memory_equal(&at.prev, &head, sizeof head);
    assert_int_equal(at.number, 9);
}

static void
a_frame_begins_where_its_header_says(void **unused)
{
    (void)unused;
    const struct msg_room_frame frame = {.first = 4, .prev = {{6}}, .head = {{7}}};
    const struct msg_place at = msg_chain_begins_frame(&frame);
    assert_int_equal(at.number, 4);
    assert_memory_equal(&at.prev, &frame.prev, sizeof at.prev);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_depends_on_everything_that_a_message_is),
        cmocka_unit_test(each_message_stands_after_the_one_before),
        cmocka_unit_test(an_identity_is_random_bytes_and_the_time),
        cmocka_unit_test(a_frame_begins_where_its_header_says),
    };
    return cmocka_run_group_tests_name("msg/chain", tests, NULL, NULL);
}

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
    struct msg_head heads[6], again = prev;
    msg_chain_head(&heads[0], &prev, 5, 6, msg_text("text"));
    msg_chain_head(&heads[1], &prev_other, 5, 6, msg_text("text"));
    msg_chain_head(&heads[2], &prev, 6, 6, msg_text("text"));
    msg_chain_head(&heads[3], &prev, 5, 7, msg_text("text"));
    msg_chain_head(&heads[4], &prev, 5, 6, msg_text("Text"));
    msg_chain_head(&heads[5], &prev, 5, 6, msg_text(""));
    for (size_t i = 0; i < 6; i++)
        for (size_t k = i + 1; k < 6; k++)
            assert_memory_not_equal(&heads[i], &heads[k], sizeof heads[i]);
    msg_chain_head(&again, &again, 5, 6, msg_text("text")); /* in its own place */
    assert_memory_equal(&again, &heads[0], sizeof again);
}

static void
each_message_stands_after_the_one_before(void **unused)
{
    (void)unused;
    const struct msg_chain chain = {.incarnation = 3, .number = 7, .id = {{1, [14] = 2, [15] = 255}}, .prev = {{9}}};
    const struct msg_say says[] = {{1, msg_text("one")}, {2, msg_text("two")}};
    struct msg_place at = msg_chain_begins(&chain);
    struct msg_head head;
    const struct msg_said one = msg_chain_take(&at, &says[0]), two = msg_chain_take(&at, &says[1]);
    assert_int_equal(one.at.number, 7);
    assert_memory_equal(&one.at.id, &chain.id, sizeof chain.id);
    assert_memory_equal(&one.at.prev, &chain.prev, sizeof chain.prev);
    assert_int_equal(one.ts_ms, 1);
    assert_ptr_equal(one.text.at, says[0].text.at);
    assert_int_equal(two.at.number, 8);
    assert_memory_equal(&two.at.id, (&(struct msg_id){{1, [14] = 3, [15] = 0}}), sizeof two.at.id);
    msg_chain_head(&head, &chain.prev, 7, 1, msg_text("one"));
    assert_memory_equal(&two.at.prev, &head, sizeof head);
    msg_chain_head(&head, &head, 8, 2, msg_text("two"));
    assert_memory_equal(&at.prev, &head, sizeof head);
    assert_int_equal(at.number, 9);
}

static void
identities_go_round(void **unused)
{
    (void)unused;
    struct msg_id id;
    memset(&id, 255, sizeof id);
    msg_chain_next_id(&id);
    assert_memory_equal(&id, &(struct msg_id){{0}}, sizeof id);
}

static void
a_frame_begins_where_its_header_says(void **unused)
{
    (void)unused;
    const struct msg_room_frame frame = {.first = 4, .id = {{5}}, .prev = {{6}}, .head = {{7}}};
    const struct msg_place at = msg_chain_begins_frame(&frame);
    assert_int_equal(at.number, 4);
    assert_memory_equal(&at.id, &frame.id, sizeof at.id);
    assert_memory_equal(&at.prev, &frame.prev, sizeof at.prev);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_depends_on_everything_that_a_message_is),
        cmocka_unit_test(each_message_stands_after_the_one_before),
        cmocka_unit_test(identities_go_round),
        cmocka_unit_test(a_frame_begins_where_its_header_says),
    };
    return cmocka_run_group_tests_name("msg/chain", tests, NULL, NULL);
}

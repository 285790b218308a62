/* Claims about broker/tables/senders: each device has a place of its own in each room,
 * and of many the one that was used last longest ago makes room. */
#include "broker/tables/senders.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct msg_id LOBBY = {{1}}, DEN = {{2}};
static struct broker_senders senders;

static void
each_device_has_a_place_of_its_own_in_each_room(void **state)
{
    (void)state;
    const uint32_t slot = broker_senders_hold(&senders, &LOBBY, 1, 1);
    senders.list[slot].number = 7;
    assert_int_equal(broker_senders_hold(&senders, &LOBBY, 1, 1), slot);
    assert_int_equal(senders.list[slot].number, 7);
    assert_true(broker_senders_is(&senders, slot, &LOBBY, 1, 1));
    assert_false(broker_senders_is(&senders, slot, &DEN, 1, 1));
    assert_false(broker_senders_is(&senders, slot, &LOBBY, 2, 1));
    assert_false(broker_senders_is(&senders, slot, &LOBBY, 1, 2));
    assert_int_equal(senders.list[broker_senders_hold(&senders, &DEN, 1, 1)].number, 0);
    assert_int_equal(senders.list[broker_senders_hold(&senders, &LOBBY, 2, 1)].number, 0);
    assert_int_equal(senders.list[broker_senders_hold(&senders, &LOBBY, 1, 2)].number, 0);
}

static void
the_one_that_was_used_longest_ago_makes_room_and_leaves_nothing(void **state)
{
    (void)state;
    for (uint64_t device = 1; device <= BROKER_SENDERS_WAYS; device++)
        senders.list[broker_senders_hold(&senders, &LOBBY, 1, device)].number = device;
    (void)broker_senders_hold(&senders, &LOBBY, 1, 1); /* speaks again */
    const uint32_t slot = broker_senders_hold(&senders, &LOBBY, 1, BROKER_SENDERS_WAYS + 1);
    assert_int_equal(senders.list[slot].number, 0);
    assert_false(broker_senders_is(&senders, slot, &LOBBY, 1, 2)); /* it was the second */
    assert_int_equal(senders.list[broker_senders_hold(&senders, &LOBBY, 1, 1)].number, 1);
    for (uint64_t device = 3; device <= BROKER_SENDERS_WAYS; device++)
        assert_int_equal(senders.list[broker_senders_hold(&senders, &LOBBY, 1, device)].number, device);
}

static int
set_up(void **state)
{
    (void)state;
    return broker_senders_init(&senders, 1, 42) ? 0 : -1; /* one set: all meet in it */
}

static int
tear_down(void **state)
{
    (void)state;
    broker_senders_wipe(&senders);
    return senders.list == NULL ? 0 : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_device_has_a_place_of_its_own_in_each_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_one_that_was_used_longest_ago_makes_room_and_leaves_nothing, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("broker/tables/senders", tests, NULL, NULL);
}

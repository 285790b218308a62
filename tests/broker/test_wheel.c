/* Claims about broker/tables/wheel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/tables/wheel.h"

#define SLOTS 200u

static void
a_timer_fires_once_not_before_its_time_and_at_most_a_tick_late(void **state)
{
    struct broker_wheel wheel;
    uint64_t due[SLOTS] = {0}, now_ms = 123456789;
    uint64_t seed = 88172645463325252ull;

    (void)state;
    assert_true(broker_wheel_init(&wheel, SLOTS, 10));
    for (int i = 0; i < 100000; i++) {
        uint32_t slot;
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        now_ms += seed % 40;
        while ((slot = broker_wheel_pop(&wheel, now_ms)) != BROKER_NONE) {
            assert_true(due[slot] != 0 && due[slot] <= now_ms);
            due[slot] = 0;
        }
        for (slot = 0; slot < SLOTS; slot++)
            assert_true(due[slot] == 0 || due[slot] + 10 > now_ms);
        slot = (uint32_t)(seed >> 20) % SLOTS;
        if (seed % 5 == 0) {
            broker_wheel_clear(&wheel, slot);
            due[slot] = 0;
        } else {
            due[slot] = now_ms + (seed >> 30) % 6000; /* more than one turn */
            broker_wheel_set(&wheel, slot, due[slot]);
        }
    }
    broker_wheel_wipe(&wheel);
}

static void
it_asks_to_be_looked_at_when_the_next_one_is_due_and_never_when_idle(void **state)
{
    struct broker_wheel wheel;

    (void)state;
    assert_true(broker_wheel_init(&wheel, 4, 100));
    assert_int_equal(broker_wheel_next(&wheel), BROKER_NEVER);
    assert_int_equal(broker_wheel_pop(&wheel, 1000000), BROKER_NONE);
    broker_wheel_set(&wheel, 2, 1005050);
    broker_wheel_set(&wheel, 3, 1002000);
    assert_int_equal(broker_wheel_next(&wheel), 1002000);
    broker_wheel_clear(&wheel, 3);
    assert_int_equal(broker_wheel_next(&wheel), 1005100);
    assert_int_equal(broker_wheel_pop(&wheel, 1005099), BROKER_NONE);
    assert_int_equal(broker_wheel_pop(&wheel, 1005100), 2);
    assert_int_equal(broker_wheel_next(&wheel), BROKER_NEVER);
    broker_wheel_wipe(&wheel);
}

static void
after_a_long_sleep_all_that_is_due_fires_at_once(void **state)
{
    struct broker_wheel wheel;
    uint32_t count = 0;

    (void)state;
    assert_true(broker_wheel_init(&wheel, SLOTS, 10));
    assert_int_equal(broker_wheel_pop(&wheel, 1000), BROKER_NONE);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        broker_wheel_set(&wheel, slot, 1000 + slot * 1000);
    while (broker_wheel_pop(&wheel, 86400000) != BROKER_NONE)
        count++;
    assert_int_equal(count, SLOTS);
    broker_wheel_wipe(&wheel);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_fires_once_not_before_its_time_and_at_most_a_tick_late),
        cmocka_unit_test(it_asks_to_be_looked_at_when_the_next_one_is_due_and_never_when_idle),
        cmocka_unit_test(after_a_long_sleep_all_that_is_due_fires_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

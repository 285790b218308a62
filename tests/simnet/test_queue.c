/* tools/simnet/queue and chance: what happens when, and that a seed decides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "msg/keys.h"
#include "tools/simnet/chance.h"
#include "tools/simnet/queue.h"

#define MANY 3000u

static void
what_happens_comes_in_the_order_of_time_then_of_the_tie_then_as_it_was_put_in(void **state)
{
    struct simnet_queue queue = {0};
    struct simnet_chance chance;
    struct simnet_item before = {0};

    (void)state;
    simnet_chance_seed(&chance, 7);
    for (uint64_t i = 0; i < MANY; i++)
        simnet_queue_put(&queue, (struct simnet_item){.at_us = simnet_chance_below(&chance, 50), .tie = simnet_chance_below(&chance, 3), .whose = i});
    assert_int_equal(queue.count, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        const struct simnet_item first = *simnet_queue_first(&queue), item = simnet_queue_take(&queue);
        assert_int_equal(first.whose, item.whose);
        assert_true(item.at_us >= before.at_us);
        if (i > 0 && item.at_us == before.at_us)
            assert_true(item.tie > before.tie || (item.tie == before.tie && item.whose > before.whose));
        before = item;
    }
    assert_null(simnet_queue_first(&queue));
    simnet_queue_wipe(&queue);
}

static void
what_is_put_in_while_others_are_taken_finds_its_place(void **state)
{
    struct simnet_queue queue = {0};
    struct simnet_chance chance;
    uint64_t now_us = 0, taken = 0;

    (void)state;
    simnet_chance_seed(&chance, 8);
    simnet_queue_reserve(&queue, 100);
    for (uint32_t i = 0; i < 100; i++)
        simnet_queue_put(&queue, (struct simnet_item){.at_us = simnet_chance_below(&chance, 1000)});
    for (; queue.count > 0; taken++) {
        const struct simnet_item item = simnet_queue_take(&queue);
        assert_true(item.at_us >= now_us);
        now_us = item.at_us;
        if (taken < MANY)
            simnet_queue_put(&queue, (struct simnet_item){.at_us = now_us + simnet_chance_below(&chance, 1000)});
    }
    assert_int_equal(taken, MANY + 100);
    simnet_queue_wipe(&queue);
}

static void
a_seed_decides_numbers_and_keys(void **state)
{
    struct simnet_chance a, b;
    struct msg_sign_pub pub, again, other;
    struct msg_sign_sec sec;

    (void)state;
    simnet_chance_seed(&a, 3);
    simnet_chance_seed(&b, 3);
    for (int i = 0; i < 100; i++)
        assert_true(simnet_chance_next(&a) == simnet_chance_next(&b));
    simnet_chance_seed(&b, 4);
    assert_true(simnet_chance_next(&a) != simnet_chance_next(&b));
    for (int i = 0; i < 1000; i++) {
        const uint64_t value = simnet_chance_between(&a, 5, 7);
        assert_true(value >= 5 && value <= 7);
    }
    assert_int_equal(simnet_chance_below(&a, 0), 0);
    assert_int_equal(msg_keys_init(), CONCLAVE_OK);
    assert_true(simnet_chance_keys(1));
    msg_keys_new_sign(&pub, &sec);
    assert_true(simnet_chance_keys(1));
    msg_keys_new_sign(&again, &sec);
    msg_keys_new_sign(&other, &sec);
    assert_memory_equal(pub.at, again.at, sizeof pub.at);
    assert_memory_not_equal(pub.at, other.at, sizeof pub.at);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_happens_comes_in_the_order_of_time_then_of_the_tie_then_as_it_was_put_in),
        cmocka_unit_test(what_is_put_in_while_others_are_taken_finds_its_place),
        cmocka_unit_test(a_seed_decides_numbers_and_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

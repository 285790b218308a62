/* tools/stress/check: every fault is found, and nothing else is called one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/stress/check.h"

static const struct stress_stream alice = {1, 7, 0}, bob = {2, 7, 0}, other = {1, 8, 0}, pair = {1, 7, 1};

static void
take(struct stress_check *check, struct stress_stream stream, uint64_t first, uint64_t last)
{
    for (uint64_t n = first; n <= last; n++)
        assert_int_equal(stress_check_take(check, stream, n), STRESS_FINE);
}

static void
each_once_and_in_order_is_fine(void **state)
{
    struct stress_check *check = stress_check_new();

    (void)state;
    take(check, alice, 1, 1000);
    take(check, bob, 1, 1000);
    take(check, other, 1, 3);
    take(check, pair, 1, 5);
    assert_int_equal(stress_check_holes(check), 0);
    assert_int_equal(stress_check_lost(check, alice, 1000, true), 0);
    assert_int_equal(stress_check_lost(check, pair, 5, true), 0);
    stress_check_destroy(&check);
    assert_null(check);
}

static void
what_is_missing_in_the_middle_is_lost(void **state)
{
    struct stress_check *check = stress_check_new();

    (void)state;
    take(check, alice, 1, 10);
    take(check, alice, 14, 20);
    assert_int_equal(stress_check_holes(check), 3);
    assert_int_equal(stress_check_lost(check, alice, 20, true), 3);
    assert_int_equal(stress_check_lost(check, alice, 20, false), 3);
    stress_check_destroy(&check);
}

static void
what_is_missing_at_the_end_or_altogether_is_lost(void **state)
{
    struct stress_check *check = stress_check_new();

    (void)state;
    take(check, alice, 1, 10);
    assert_int_equal(stress_check_holes(check), 0); /* nobody can see it yet */
    assert_int_equal(stress_check_lost(check, alice, 12, true), 2);
    assert_int_equal(stress_check_lost(check, bob, 12, true), 12);
    stress_check_destroy(&check);
}

static void
what_comes_again_is_doubled_and_hides_no_loss(void **state)
{
    struct stress_check *check = stress_check_new();

    (void)state;
    take(check, alice, 1, 3);
    assert_int_equal(stress_check_take(check, alice, 3), STRESS_DOUBLED);
    assert_int_equal(stress_check_take(check, alice, 1), STRESS_DOUBLED);
    take(check, alice, 4, 4);
    take(check, alice, 6, 6);
    assert_int_equal(stress_check_take(check, alice, 4), STRESS_DOUBLED);
    assert_int_equal(stress_check_lost(check, alice, 6, true), 1);
    stress_check_destroy(&check);
}

static void
what_comes_after_a_later_one_is_reordered_and_not_lost(void **state)
{
    struct stress_check *check = stress_check_new();

    (void)state;
    take(check, alice, 1, 1);
    take(check, alice, 10, 10);
    assert_int_equal(stress_check_take(check, alice, 5), STRESS_REORDERED);
    assert_int_equal(stress_check_take(check, alice, 5), STRESS_DOUBLED);
    assert_int_equal(stress_check_holes(check), 7);
    for (uint64_t n = 2; n <= 9; n++)
        if (n != 5)
            assert_int_equal(stress_check_take(check, alice, n), STRESS_REORDERED);
    assert_int_equal(stress_check_holes(check), 0);
    assert_int_equal(stress_check_lost(check, alice, 10, true), 0);
    stress_check_destroy(&check);
}

static void
a_stream_does_not_stand_in_for_another(void **state)
{
    struct stress_check *check = stress_check_new();

    (void)state;
    take(check, alice, 1, 5);
    assert_int_equal(stress_check_lost(check, other, 5, true), 5);
    assert_int_equal(stress_check_lost(check, pair, 5, true), 5);
    assert_int_equal(stress_check_lost(check, bob, 5, true), 5);
    stress_check_destroy(&check);
}

static void
who_was_away_need_not_have_what_was_said_then(void **state)
{
    struct stress_check *check = stress_check_new();

    (void)state;
    take(check, alice, 1, 5);
    stress_check_pause(check, alice);
    take(check, alice, 9, 12);
    assert_int_equal(stress_check_lost(check, alice, 20, false), 0);
    take(check, alice, 14, 14); /* but what is missing while it is there is */
    assert_int_equal(stress_check_lost(check, alice, 20, false), 1);
    stress_check_pause(check, alice);
    assert_int_equal(stress_check_take(check, alice, 12), STRESS_DOUBLED); /* and so is what comes again */
    assert_int_equal(stress_check_lost(check, bob, 20, false), 0);
    stress_check_destroy(&check);
}

static void
many_streams_are_told_apart(void **state)
{
    struct stress_check *check = stress_check_new();

    (void)state;
    for (uint32_t receiver = 0; receiver < 100; receiver++)
        for (uint32_t sender = 0; sender < 100; sender++)
            take(check, (struct stress_stream){receiver, sender, (uint8_t)(sender % 2)}, 1, 1 + (receiver + sender) % 3);
    for (uint32_t receiver = 0; receiver < 100; receiver++)
        for (uint32_t sender = 0; sender < 100; sender++)
            assert_int_equal(stress_check_lost(check, (struct stress_stream){receiver, sender, (uint8_t)(sender % 2)}, 3, true),
                             2 - (receiver + sender) % 3);
    stress_check_destroy(&check);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_once_and_in_order_is_fine),
        cmocka_unit_test(what_is_missing_in_the_middle_is_lost),
        cmocka_unit_test(what_is_missing_at_the_end_or_altogether_is_lost),
        cmocka_unit_test(what_comes_again_is_doubled_and_hides_no_loss),
        cmocka_unit_test(what_comes_after_a_later_one_is_reordered_and_not_lost),
        cmocka_unit_test(a_stream_does_not_stand_in_for_another),
        cmocka_unit_test(who_was_away_need_not_have_what_was_said_then),
        cmocka_unit_test(many_streams_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* When a loop looks again before it sleeps: after quick wakes in a row, and the
 * less readily the more often it looked in vain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer/spin.h"

#define MS 1000000u

/* How many quick wakes it takes from here until it looks. */
static uint32_t
quick_until_worth(struct peer_spin *spin)
{
    uint32_t count = 0;
    while (!peer_spin_worth(spin)) {
        peer_spin_waited(spin, PEER_SPIN_NS, true);
        count++;
    }
    return count;
}

static void
quick_answers_in_a_row_are_looked_for(void **state)
{
    struct peer_spin spin = {0};
    (void)state;
    assert_false(peer_spin_worth(&spin));
    assert_int_equal(quick_until_worth(&spin), PEER_SPIN_QUICK);
    for (int i = 0; i < 100; i++) {
        peer_spin_waited(&spin, PEER_SPIN_NS / 2, true);
        assert_true(peer_spin_worth(&spin));
    }
}

static void
who_is_answered_late_or_never_sleeps(void **state)
{
    struct peer_spin spin = {0};
    (void)state;
    for (int i = 0; i < 100; i++) {
        for (uint32_t quick = 0; quick + 1 < PEER_SPIN_QUICK; quick++)
            peer_spin_waited(&spin, 1, true);
        assert_false(peer_spin_worth(&spin));
        if (i % 2 == 0)
            peer_spin_waited(&spin, PEER_SPIN_NS + 1, true);
        else
            peer_spin_waited(&spin, 1, false);
        assert_false(peer_spin_worth(&spin));
    }
    assert_int_equal(quick_until_worth(&spin), PEER_SPIN_QUICK); /* it never looked in vain */
}

static void
each_look_in_vain_doubles_what_it_takes_to_look_again(void **state)
{
    struct peer_spin spin = {0};
    (void)state;
    for (uint32_t doubt = 0; doubt < PEER_SPIN_DOUBT + 3; doubt++) {
        const uint32_t most = doubt < PEER_SPIN_DOUBT ? doubt : PEER_SPIN_DOUBT;
        assert_int_equal(quick_until_worth(&spin), PEER_SPIN_QUICK << most);
        peer_spin_waited(&spin, 3 * MS, true);
        assert_false(peer_spin_worth(&spin));
    }
}

static void
looks_that_were_worth_it_restore_trust(void **state)
{
    struct peer_spin spin = {0};
    (void)state;
    for (int i = 0; i < 5; i++) {
        (void)quick_until_worth(&spin);
        peer_spin_waited(&spin, MS, false);
    }
    for (uint32_t i = 0; i < 4 * PEER_SPIN_QUICK << 5; i++)
        peer_spin_waited(&spin, 1, true);
    assert_true(peer_spin_worth(&spin));
    peer_spin_waited(&spin, MS, true);
    assert_int_equal(quick_until_worth(&spin), 2 * PEER_SPIN_QUICK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quick_answers_in_a_row_are_looked_for),
        cmocka_unit_test(who_is_answered_late_or_never_sleeps),
        cmocka_unit_test(each_look_in_vain_doubles_what_it_takes_to_look_again),
        cmocka_unit_test(looks_that_were_worth_it_restore_trust),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* When a loop looks again before it sleeps: after quick wakes, and as long as
 * most looks are worth it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer/spin.h"

static void
wait_often(struct peer_spin *spin, uint32_t count, uint64_t waited_ns, bool came)
{
    for (uint32_t i = 0; i < count; i++)
        peer_spin_waited(spin, waited_ns, came);
}

static void
quick_answers_are_looked_for(void **state)
{
    struct peer_spin spin = {0};
    (void)state;
    wait_often(&spin, PEER_SPIN_WORTH - 1, PEER_SPIN_NS, true);
    assert_false(peer_spin_worth(&spin));
    wait_often(&spin, 1, PEER_SPIN_NS, true);
    assert_true(peer_spin_worth(&spin));
    wait_often(&spin, 1000, 1, true);
    assert_true(peer_spin_worth(&spin));
}

static void
who_is_answered_late_or_never_sleeps(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct peer_spin spin = {0};
        for (int i = 0; i < 1000; i++) {
            wait_often(&spin, PEER_SPIN_VAIN - 1, 1, true); /* most of them are quick: not enough */
            wait_often(&spin, 1, late ? PEER_SPIN_NS + 1 : 1, late);
            assert_false(peer_spin_worth(&spin));
        }
    }
}

static void
a_look_in_vain_now_and_then_does_not_end_it(void **state)
{
    struct peer_spin spin = {0};
    (void)state;
    wait_often(&spin, PEER_SPIN_MOST, 1, true);
    for (int i = 0; i < 1000; i++) {
        wait_often(&spin, 1, PEER_SPIN_NS + 1, true);
        assert_true(peer_spin_worth(&spin));
        wait_often(&spin, PEER_SPIN_VAIN, 1, true);
    }
}

static void
looks_in_vain_in_a_row_end_it(void **state)
{
    struct peer_spin spin = {0};
    (void)state;
    wait_often(&spin, 100000, 1, true);
    wait_often(&spin, PEER_SPIN_MOST / PEER_SPIN_VAIN, 1, false);
    assert_false(peer_spin_worth(&spin));
    wait_often(&spin, 100000, 1, false);
    wait_often(&spin, PEER_SPIN_WORTH, 1, true); /* and it can be won back */
    assert_true(peer_spin_worth(&spin));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quick_answers_are_looked_for),
        cmocka_unit_test(who_is_answered_late_or_never_sleeps),
        cmocka_unit_test(a_look_in_vain_now_and_then_does_not_end_it),
        cmocka_unit_test(looks_in_vain_in_a_row_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

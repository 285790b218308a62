/* The session at the front: when the lease is renewed. */
#include "tests/peer/registry.h"

#define LEASE_MS 15000u
#define STEP_MS 250u
#define NEARLY_MS 1000u

/* Milliseconds until Ada's next PING. */
static uint64_t
next_ping(void)
{
    const size_t before = registry.said[ADA][MSG_PING];
    uint64_t ms = 0;
    while (registry.said[ADA][MSG_PING] == before) {
        assert_true(ms++ < 2 * LEASE_MS);
        pair_wake(ADA, 1);
    }
    return ms;
}

static void
a_ping_goes_at_a_step_of_the_registrys_clock(void **state)
{
    (void)state;
    pair.now.wall_ms += 123; /* her own clocks have other steps */
    registry_comes(ADA);
    for (int i = 0; i < 10; i++) {
        (void)next_ping();
        assert_int_equal(pair.now.wall_ms % STEP_MS, 0);
    }
}

static void
the_lease_is_renewed_in_time_and_not_much_before(void **state)
{
    uint64_t shortest = LEASE_MS, longest = 0;
    (void)state;
    registry_comes(ADA);
    (void)next_ping();
    for (int i = 0; i < 20; i++) {
        const uint64_t ms = next_ping();
        assert_in_range(ms, LEASE_MS - LEASE_MS / 10 - STEP_MS, LEASE_MS);
        shortest = ms < shortest ? ms : shortest;
        longest = ms > longest ? ms : longest;
    }
    assert_true(shortest < longest); /* those that came together part */
}

/* Whatever the registry says to us, it is awake then. */
static void
a_ping_that_is_nearly_due_goes_when_the_registry_says_something(void **state)
{
    (void)state;
    registry_comes(ADA);
    (void)next_ping();
    for (int i = 0; i < 20; i++) {
        const size_t before = registry.said[ADA][MSG_PING];
        uint64_t ms = 0;
        while (registry.said[ADA][MSG_PING] == before) {
            assert_true(ms++ < LEASE_MS - NEARLY_MS);
            pair.now.mono_ms++;
            pair.now.wall_ms++;
            const struct msg_pong pong = {pair.now.wall_ms, 0};
            registry_says(ADA, MSG_PONG, &pong);
        }
        assert_true(ms >= LEASE_MS - LEASE_MS / 10 - NEARLY_MS - STEP_MS);
    }
}

/* What else is said renews the lease, but only PONG tells what was revoked. */
static void
who_talks_to_the_registry_asks_every_other_lease(void **state)
{
    uint64_t ms = 0;
    (void)state;
    registry_comes(ADA);
    (void)next_ping();
    const size_t before = registry.said[ADA][MSG_PING], posted = registry.said[ADA][MSG_DEPOSIT];
    while (registry.said[ADA][MSG_PING] == before) {
        assert_true(ms < 3 * LEASE_MS);
        ms += 1000;
        pair_say(ADA, ms, "to Bob, who is away");
        pair_commit(ADA);
        pair_wake(ADA, 1000);
    }
    assert_in_range(ms, 2 * LEASE_MS - NEARLY_MS - STEP_MS, 2 * LEASE_MS + 1000);
    assert_true(registry.said[ADA][MSG_DEPOSIT] - posted > 20);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, registry_set_up, pair_tear_down)
        CASE(a_ping_goes_at_a_step_of_the_registrys_clock),
        CASE(the_lease_is_renewed_in_time_and_not_much_before),
        CASE(a_ping_that_is_nearly_due_goes_when_the_registry_says_something),
        CASE(who_talks_to_the_registry_asks_every_other_lease),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

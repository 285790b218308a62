/* Claims about broker/core/relaying: frames reach the device that they are for, from
 * whom the connection proves, and no faster than they may. */
#include "tests/broker/world.h"

static uint8_t load[60000];

static void
relay(const struct fake_device *from, uint64_t account, uint64_t device, size_t bytes)
{
    const struct msg_relay ask = {account, device, msg_span(load, bytes)};

    fake_say(&reg, from, MSG_RELAY, &ask);
}

static void
what_is_relayed_comes_from_whom_the_connection_proves(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    memset(load, 0x5a, sizeof load);
    relay(&alice, bob.account, bob.device, sizeof load);
    assert_true(fake_registry_sent(&reg, bob.link, MSG_RELAYED, 0, &any));
    assert_int_equal(any.MSG_ANY_RELAYED.account, alice.account);
    assert_int_equal(any.MSG_ANY_RELAYED.device, alice.device);
    assert_int_equal(any.MSG_ANY_RELAYED.frames.len, sizeof load);
    assert_memory_equal(any.MSG_ANY_RELAYED.frames.at, load, sizeof load);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_UNREACHED), 0);
}

static void
expect_unreached(uint64_t account, uint64_t device)
{
    assert_true(fake_registry_sent(&reg, alice.link, MSG_UNREACHED, 0, &any));
    assert_int_equal(any.MSG_ANY_UNREACHED.account, account);
    assert_int_equal(any.MSG_ANY_UNREACHED.device, device);
    fake_registry_clear(&reg);
}

static void
a_device_that_is_not_there_is_unreached(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    relay(&alice, bob.account, bob.device, 10);
    expect_unreached(bob.account, bob.device);
    assert_true(fake_enter(&reg, &bob));
    relay(&alice, bob.account, bob.device + 1, 10);
    expect_unreached(bob.account, bob.device + 1);
    relay(&alice, 999, 1, 10);
    expect_unreached(999, 1);
    relay(&alice, alice.account, alice.device, 10); /* itself */
    expect_unreached(alice.account, alice.device);
    logout(&bob);
    relay(&alice, bob.account, bob.device, 10);
    expect_unreached(bob.account, bob.device);
}

static void
of_two_devices_the_one_that_is_meant_is_reached(void **state)
{
    (void)state;
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "bob", "battery staple"));
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    assert_true(fake_enter(&reg, &carol));
    relay(&alice, bob.account, bob.device, 10);
    assert_int_equal(fake_registry_sent_count(&reg, bob.link, MSG_RELAYED), 1);
    assert_int_equal(fake_registry_sent_count(&reg, carol.link, MSG_RELAYED), 0);
    relay(&alice, bob.account, carol.device, 10);
    assert_int_equal(fake_registry_sent_count(&reg, carol.link, MSG_RELAYED), 1);
}

static void
nobody_relays_before_they_are_logged_in(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &bob));
    relay(&alice, bob.account, bob.device, 10);
    expect_error(alice.link, "not-logged-in");
    assert_int_equal(fake_registry_sent_count(&reg, bob.link, MSG_RELAYED), 0);
}

static void
who_relays_faster_than_the_rate_is_told_and_may_again_later(void **state)
{
    const uint64_t burst = reg.settings.relay_burst_bytes / (sizeof load + 64);

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    for (uint64_t i = 0; i < burst + 3; i++)
        relay(&alice, bob.account, bob.device, sizeof load);
    assert_int_equal(fake_registry_sent_count(&reg, bob.link, MSG_RELAYED), burst);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_UNREACHED), 3);
    fake_registry_clear(&reg);
    /* The rate is each session's own. */
    relay(&bob, alice.account, alice.device, sizeof load);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_RELAYED), 1);
    fake_registry_pass(&reg, 1000);
    relay(&alice, bob.account, bob.device, sizeof load);
    assert_int_equal(fake_registry_sent_count(&reg, bob.link, MSG_RELAYED), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_relayed_comes_from_whom_the_connection_proves),
        CASE(a_device_that_is_not_there_is_unreached),
        CASE(of_two_devices_the_one_that_is_meant_is_reached),
        CASE(nobody_relays_before_they_are_logged_in),
        CASE(who_relays_faster_than_the_rate_is_told_and_may_again_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

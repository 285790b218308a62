/* Claims about broker/leases: when PINGs are answered.  That silence ends a
 * session is claimed in tests/broker/test_login.c. */
#include "broker/front_state.h"
#include "tests/broker/world.h"

static void
pings_are_answered_together_a_moment_later(void **state)
{
    const struct msg_ping ping = {MSG_STATUS_ONLINE};

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    fake_say(&reg, &alice, MSG_PING, &ping);
    fake_registry_pass(&reg, FAKE_PONG_MS - 1);
    fake_say(&reg, &bob, MSG_PING, &ping);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PONG), 0);
    fake_registry_pass(&reg, 1);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PONG), 1);
    assert_true(fake_registry_sent(&reg, bob.link, MSG_PONG, 0, &any));
    assert_int_equal(any.MSG_ANY_PONG.now_ms, reg.now.wall_ms); /* as it is said, not as it was asked */
    fake_registry_pass(&reg, 10 * FAKE_PONG_MS);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PONG), 1);
    fake_say(&reg, &alice, MSG_PING, &ping);
    fake_registry_pass(&reg, FAKE_PONG_MS);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PONG), 2);
}

static void
a_short_lease_is_answered_within_a_tenth_of_it(void **state)
{
    const struct msg_ping ping = {MSG_STATUS_ONLINE};

    (void)state;
    reg.settings.lease_ms = 200;
    broker_front_core_set(reg.core, &reg.settings);
    assert_true(fake_enter(&reg, &alice));
    fake_say(&reg, &alice, MSG_PING, &ping);
    fake_registry_pass(&reg, 20);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PONG), 1);
}

static void
pings_beyond_what_may_wait_are_answered_at_once(void **state)
{
    const struct msg_ping ping = {MSG_STATUS_ONLINE};

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    for (uint32_t i = 1; i < BROKER_PONGS; i++)
        fake_say(&reg, &alice, MSG_PING, &ping);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PONG), 0);
    fake_say(&reg, &alice, MSG_PING, &ping);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PONG), BROKER_PONGS);
    fake_say(&reg, &alice, MSG_PING, &ping);
    fake_registry_pass(&reg, FAKE_PONG_MS);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PONG), BROKER_PONGS + 1);
}

static void
who_left_in_the_meantime_is_not_answered(void **state)
{
    const struct msg_ping ping = {MSG_STATUS_ONLINE};

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    fake_say(&reg, &alice, MSG_PING, &ping);
    fake_say(&reg, &bob, MSG_PING, &ping);
    logout(&alice);
    fake_registry_pass(&reg, FAKE_PONG_MS);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PONG), 0);
    assert_int_equal(fake_registry_sent_count(&reg, bob.link, MSG_PONG), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(pings_are_answered_together_a_moment_later),
        CASE(a_short_lease_is_answered_within_a_tenth_of_it),
        CASE(pings_beyond_what_may_wait_are_answered_at_once),
        CASE(who_left_in_the_meantime_is_not_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Claims about broker/core/leases: when PINGs are answered.  That silence ends a
 * session is claimed in tests/broker/test_login.c. */
#include <stdio.h>

#include "broker/core/front_state.h"
#include "tests/broker/world.h"

static void
pings_are_answered_together_a_moment_later(void **state)
{
    const struct msg_ping ping = {MSG_STATUS_ONLINE};

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    fake_registry_pass(&reg, FAKE_TOLD_MS);
    fake_say(&reg, &alice, MSG_PING, &ping);
    fake_registry_pass(&reg, FAKE_PONG_MS - 1);
    fake_say(&reg, &bob, MSG_PING, &ping);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PONG), 0);
    fake_registry_pass(&reg, 1);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PONG), 1);
    assert_true(fake_registry_sent(&reg, bob.link, MSG_PONG, 0, &any));
    assert_int_equal(any.MSG_ANY_PONG.now_ms, reg.now.wall_ms); /* as it is said, not as it was asked */
    fake_registry_pass(&reg, FAKE_TOLD_MS);
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
    fake_registry_pass(&reg, 250);
    fake_say(&reg, &alice, MSG_PING, &ping);
    fake_registry_pass(&reg, 20);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PONG), 1);
}

static size_t
pongs(void)
{
    size_t count = 0;

    for (size_t i = 0; i < reg.sent_count; i++)
        count += reg.sent[i].kind == MSG_PONG;
    return count;
}

static void
pings_beyond_what_may_wait_are_answered_at_once(void **state)
{
    const struct msg_ping ping = {MSG_STATUS_ONLINE};
    static struct fake_device crowd[BROKER_PONGS + 1];
    char name[16];

    (void)state;
    for (unsigned i = 0; i < BROKER_PONGS + 1; i++) {
        snprintf(name, sizeof name, "member%u", i);
        fake_device_init(&crowd[i], 1000 + i);
        assert_true(fake_admit(&reg, &crowd[i], MSG_SIGNUP, name, "correct horse"));
        assert_true(fake_enter(&reg, &crowd[i]));
    }
    fake_registry_pass(&reg, FAKE_TOLD_MS);
    fake_registry_clear(&reg);
    for (unsigned i = 0; i < BROKER_PONGS - 1; i++)
        fake_say(&reg, &crowd[i], MSG_PING, &ping);
    assert_int_equal(pongs(), 0);
    fake_say(&reg, &crowd[BROKER_PONGS - 1], MSG_PING, &ping);
    assert_int_equal(pongs(), BROKER_PONGS);
    fake_say(&reg, &crowd[BROKER_PONGS], MSG_PING, &ping);
    assert_int_equal(pongs(), BROKER_PONGS);
    fake_registry_pass(&reg, FAKE_PONG_MS);
    assert_int_equal(pongs(), BROKER_PONGS + 1);
    assert_int_equal(fake_registry_sent_count(&reg, crowd[BROKER_PONGS].link, MSG_PONG), 1);
}

/* As a device does that has nothing else to say. */
static void
every_second_ping_is_answered_and_silence_never_lasts_three_leases(void **state)
{
    const struct msg_ping ping = {MSG_STATUS_ONLINE};
    const uint64_t every_ms[] = {13500, 15000, 15100};

    (void)state;
    for (size_t i = 0; i < sizeof every_ms / sizeof every_ms[0]; i++) {
        assert_true(fake_enter(&reg, &alice));
        fake_registry_clear(&reg);
        for (size_t n = 1; n <= 20; n++) {
            fake_registry_pass(&reg, every_ms[i] - FAKE_PONG_MS);
            fake_say(&reg, &alice, MSG_PING, &ping);
            fake_registry_pass(&reg, FAKE_PONG_MS);
            assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PONG), n / 2);
        }
    }
    assert_int_equal(sessions_now(), 1);
}

static void
a_ping_is_answered_whatever_was_told_once_a_device_is_revoked(void **state)
{
    const struct msg_ping ping = {MSG_STATUS_ONLINE};
    struct msg_revoke ask = {60, 0};

    (void)state;
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "alice", "correct horse"));
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob)); /* who watches nobody */
    ask.device = carol.device;
    fake_say(&reg, &alice, MSG_REVOKE, &ask);
    fake_say(&reg, &bob, MSG_PING, &ping);
    fake_registry_pass(&reg, FAKE_PONG_MS);
    assert_true(fake_registry_sent(&reg, bob.link, MSG_PONG, 0, &any));
    assert_int_equal(any.MSG_ANY_PONG.revoked_version, 1);
    fake_say(&reg, &bob, MSG_PING, &ping);
    fake_registry_pass(&reg, FAKE_PONG_MS);
    assert_int_equal(fake_registry_sent_count(&reg, bob.link, MSG_PONG), 1);
}

/* A device goes by the lease that it was told, and so does its answer. */
static void
a_longer_lease_counts_from_the_next_welcome_on(void **state)
{
    const struct msg_ping ping = {MSG_STATUS_ONLINE};

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    reg.settings.lease_ms = 600000;
    reg.settings.expiry_ms = 1200000;
    broker_front_core_set(reg.core, &reg.settings);
    fake_registry_pass(&reg, FAKE_TOLD_MS);
    fake_say(&reg, &alice, MSG_PING, &ping);
    fake_registry_pass(&reg, FAKE_PONG_MS);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PONG), 1);
    assert_true(fake_enter(&reg, &alice));
    fake_registry_pass(&reg, FAKE_TOLD_MS);
    fake_say(&reg, &alice, MSG_PING, &ping);
    fake_registry_pass(&reg, FAKE_PONG_MS);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PONG), 1);
}

static void
who_left_in_the_meantime_is_not_answered(void **state)
{
    const struct msg_ping ping = {MSG_STATUS_ONLINE};

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    fake_registry_pass(&reg, FAKE_TOLD_MS);
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
        CASE(every_second_ping_is_answered_and_silence_never_lasts_three_leases),
        CASE(a_ping_is_answered_whatever_was_told_once_a_device_is_revoked),
        CASE(a_longer_lease_counts_from_the_next_welcome_on),
        CASE(who_left_in_the_meantime_is_not_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Claims about the registry while its wall clock is set forward and back:
 * timers do not notice, and certificates follow. */
#include "tests/broker/world.h"

#define HOUR_MS (3600ull * 1000)
#define DAY_MS (24 * HOUR_MS)

static void
set_clock(int64_t days)
{
    reg.now.wall_ms += (uint64_t)days * DAY_MS;
}

static void
ping(const struct fake_device *device)
{
    const struct msg_ping frame = {MSG_STATUS_ONLINE};

    fake_registry_pass(&reg, FAKE_TOLD_MS);
    fake_registry_clear(&reg);
    fake_say(&reg, device, MSG_PING, &frame);
    fake_registry_pass(&reg, FAKE_PONG_MS);
    assert_true(fake_registry_sent(&reg, device->link, MSG_PONG, 0, &any));
    assert_int_equal(any.MSG_ANY_PONG.now_ms, reg.now.wall_ms);
}

/* Logs in; the certificate is valid by the registry's clock, for long enough. */
static void
enter(const struct fake_device *device)
{
    struct msg_cert cert;

    fake_registry_clear(&reg);
    assert_true(fake_enter(&reg, device));
    assert_true(fake_registry_sent(&reg, device->link, MSG_WELCOME, 0, &any));
    assert_int_equal(msg_cert_open(&cert, any.MSG_ANY_WELCOME.certificate, &reg.vault.pub), CONCLAVE_OK);
    assert_int_equal(msg_cert_check_time(&cert, reg.now.wall_ms, 0), CONCLAVE_OK);
    assert_true(cert.not_after_ms - reg.now.wall_ms >= MSG_CERT_RENEW_MS);
}

static void
sessions_and_leases_do_not_notice(void **state)
{
    static const int64_t days[] = {3, -1, -3000, 10000};

    (void)state;
    enter(&alice);
    watch(&bob, "alice");
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        set_clock(days[i]);
        fake_registry_pass(&reg, 20000);
        ping(&alice);
        assert_int_equal(sessions_now(), 1);
    }
    fake_registry_pass(&reg, 46000);
    assert_int_equal(sessions_now(), 0);
}

static void
after_a_jump_a_log_in_brings_a_certificate_that_is_valid_now(void **state)
{
    (void)state;
    set_clock(3);
    enter(&alice);
    set_clock(-4); /* made in the future, for this clock */
    enter(&alice);
    set_clock(1);
    enter(&alice);
}

static void
a_small_step_back_makes_nothing_anew(void **state)
{
    (void)state;
    enter(&alice);
    const uint64_t signs = reg.vault.signs;
    reg.now.wall_ms -= MSG_CERT_SKEW_MS / 2;
    enter(&alice);
    assert_int_equal(reg.vault.signs, signs);
}

static void
sign_ups_go_on_and_their_certificates_are_of_the_new_time(void **state)
{
    (void)state;
    set_clock(-1);
    assert_true(fake_admit(&reg, &carol, MSG_SIGNUP, "carol", "correct horse"));
    enter(&carol);
}

static void
the_throttle_counts_time_and_not_dates(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        expect_told_error(fake_ask_signup(&reg, &carol, MSG_ENROL, "alice", "wrong"), "wrong-credentials");
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_ENROL, "alice", "correct horse"), "blocked");
    set_clock(3); /* no way around it */
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_ENROL, "alice", "correct horse"), "blocked");
    set_clock(-4); /* and no longer than it was */
    fake_registry_pass(&reg, 10001);
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "alice", "correct horse"));
}

static void
a_revocation_made_before_the_clock_went_back_stands(void **state)
{
    struct msg_revoke ask = {60, 0};

    (void)state;
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "alice", "correct horse"));
    enter(&alice);
    ask.device = carol.device;
    fake_say(&reg, &alice, MSG_REVOKE, &ask);
    set_clock(-1);
    fake_registry_clear(&reg);
    assert_false(fake_enter(&reg, &carol));
    expect_error(carol.link, "unknown-key");
    /* Another one comes after it, though its date is earlier. */
    fake_device_init(&carol, 110);
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "alice", "correct horse"));
    ask.device = carol.device;
    fake_say(&reg, &alice, MSG_REVOKE, &ask);
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_REVOKED), 2);
    ping(&alice);
    assert_int_equal(any.MSG_ANY_PONG.revoked_version, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(sessions_and_leases_do_not_notice),
        CASE(after_a_jump_a_log_in_brings_a_certificate_that_is_valid_now),
        CASE(a_small_step_back_makes_nothing_anew),
        CASE(sign_ups_go_on_and_their_certificates_are_of_the_new_time),
        CASE(the_throttle_counts_time_and_not_dates),
        CASE(a_revocation_made_before_the_clock_went_back_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Claims about broker/core/login: sessions by key, their leases and their ends. */
#include <stdio.h>

#include "tests/broker/world.h"

static void
expect_welcome(uint64_t link, size_t n)
{
    assert_true(fake_registry_sent(&reg, link, MSG_WELCOME, n, &any));
}

static void
a_login_with_a_good_certificate_costs_no_hash_no_signature_and_no_write(void **state)
{
    (void)state;
    const uint64_t hashes = reg.vault.hashes, checks = reg.vault.checks, signs = reg.vault.signs;
    reg.hold_store = true;
    assert_true(fake_enter(&reg, &alice));
    assert_int_equal(reg.vault.hashes, hashes);
    assert_int_equal(reg.vault.checks, checks);
    assert_int_equal(reg.vault.signs, signs);
    assert_int_equal(fake_store_pending(reg.store), 0);
    expect_welcome(alice.link, 0);
    assert_int_equal(any.MSG_ANY_WELCOME.account, alice.account);
    assert_int_equal(any.MSG_ANY_WELCOME.lease_ms, 15000);
    assert_int_equal(any.MSG_ANY_WELCOME.now_ms, reg.now.wall_ms);
    expect_text(any.MSG_ANY_WELCOME.observed, "192.0.2.1");
    expect_text(any.MSG_ANY_WELCOME.name, "alice");
}

static void
an_unknown_key_is_refused_and_dropped(void **state)
{
    (void)state;
    assert_false(fake_enter(&reg, &carol));
    expect_error(carol.link, "unknown-key");
    assert_true(fake_registry_dropped(&reg, carol.link));
}

static void
generations_grow_over_a_restart(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    expect_welcome(alice.link, 0);
    const uint64_t before = any.MSG_ANY_WELCOME.generation;
    fake_registry_crash(&reg);
    fake_registry_clear(&reg);
    assert_true(fake_enter(&reg, &alice));
    expect_welcome(alice.link, 0);
    assert_true(any.MSG_ANY_WELCOME.generation > before);
}

static void
nobody_is_welcome_before_the_block_of_generations_is_stored(void **state)
{
    (void)state;
    reg.hold_store = true;
    fake_registry_crash(&reg);
    assert_false(fake_enter(&reg, &alice));
    fake_registry_commit(&reg);
    expect_welcome(alice.link, 0);
}

static void
the_same_login_again_keeps_the_session(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &alice));
    expect_welcome(alice.link, 0);
    const uint64_t generation = any.MSG_ANY_WELCOME.generation;
    expect_welcome(alice.link, 1);
    assert_int_equal(any.MSG_ANY_WELCOME.generation, generation);
    assert_int_equal(sessions_now(), 1);
    assert_false(fake_registry_dropped(&reg, alice.link));
}

static void
a_login_over_another_connection_replaces_the_session(void **state)
{
    struct fake_device again = alice;

    (void)state;
    again.link = 201;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &again));
    assert_true(fake_registry_sent(&reg, alice.link, MSG_BYE, 0, &any));
    expect_text(any.MSG_ANY_BYE.code, "already-online");
    assert_true(fake_registry_dropped(&reg, alice.link));
    assert_int_equal(sessions_now(), 1);
    expect_welcome(alice.link, 0);
    const uint64_t generation = any.MSG_ANY_WELCOME.generation;
    expect_welcome(again.link, 0);
    assert_true(any.MSG_ANY_WELCOME.generation > generation);
    /* The old connection speaks for nobody, and its end ends nothing. */
    fake_registry_down(&reg, alice.link);
    assert_int_equal(sessions_now(), 1);
    expect_found(&again, "alice", MSG_STATUS_ONLINE);
}

static void
a_late_expiry_does_not_end_a_newer_session(void **state)
{
    struct fake_device again = alice;

    (void)state;
    again.link = 201;
    assert_true(fake_enter(&reg, &alice));
    fake_registry_pass(&reg, 44000);
    assert_true(fake_enter(&reg, &again));
    fake_registry_pass(&reg, 44000);
    assert_int_equal(sessions_now(), 1);
    fake_registry_pass(&reg, 2000);
    assert_int_equal(sessions_now(), 0);
    assert_true(fake_registry_dropped(&reg, again.link));
}

static void
a_slot_used_again_has_a_lease_of_its_own(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    fake_registry_pass(&reg, 40000);
    logout(&alice);
    assert_true(fake_enter(&reg, &bob)); /* takes alice's slot */
    fake_registry_pass(&reg, 44000);
    assert_int_equal(sessions_now(), 1);
    fake_registry_pass(&reg, 2000);
    assert_int_equal(sessions_now(), 0);
}

static void
traffic_renews_the_lease_and_silence_ends_it(void **state)
{
    const struct msg_ping ping = {MSG_STATUS_ONLINE};

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    for (int i = 0; i < 10; i++) {
        fake_registry_pass(&reg, 30000);
        fake_say(&reg, &alice, MSG_PING, &ping);
    }
    fake_registry_pass(&reg, FAKE_PONG_MS);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PONG), 10);
    assert_int_equal(sessions_now(), 1);
    fake_registry_pass(&reg, 46000);
    assert_int_equal(sessions_now(), 0);
}

static void
the_end_of_the_connection_ends_the_session(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    fake_registry_down(&reg, alice.link);
    assert_int_equal(sessions_now(), 0);
}

static void
a_logout_is_done_and_may_be_repeated(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    logout(&alice);
    logout(&alice);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_DONE), 2);
    assert_int_equal(sessions_now(), 0);
}

static void
the_end_of_a_session_is_written_down(void **state)
{
    struct msg_span key, value;
    enum msg_kind kind;

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    fake_registry_pass(&reg, 5000);
    logout(&alice);
    assert_true(fake_store_at(reg.store, BROKER_TABLE_DEVICES, 0, &key, &value));
    assert_int_equal(msg_codec_decode(value, &kind, &any), CONCLAVE_OK);
    assert_int_equal(any.MSG_ANY_REC_DEVICE.seen_ms, reg.now.wall_ms);
}

/* ---- certificates ---- */

static void
a_certificate_with_less_than_a_day_left_is_made_anew_and_stored_first(void **state)
{
    struct msg_cert cert;

    (void)state;
    fake_registry_pass(&reg, MSG_CERT_LIFE_MS - MSG_CERT_RENEW_MS + 1);
    reg.hold_store = true;
    const uint64_t signs = reg.vault.signs;
    assert_false(fake_enter(&reg, &alice));
    assert_int_equal(reg.vault.signs, signs + 1);
    fake_registry_commit(&reg);
    expect_welcome(alice.link, 0);
    assert_int_equal(msg_cert_open(&cert, any.MSG_ANY_WELCOME.certificate, &reg.vault.pub), CONCLAVE_OK);
    assert_int_equal(cert.not_after_ms, reg.now.wall_ms + MSG_CERT_LIFE_MS);
    reg.hold_store = false;
    fake_registry_crash(&reg);
    assert_true(fake_enter(&reg, &alice));
    assert_int_equal(reg.vault.signs, signs + 1);
}

static void
a_new_mail_key_is_certified_if_the_device_signed_it(void **state)
{
    struct msg_cert cert;

    (void)state;
    fake_device_new_mail(&alice);
    assert_true(fake_enter(&reg, &alice));
    expect_welcome(alice.link, 0);
    assert_int_equal(msg_cert_open(&cert, any.MSG_ANY_WELCOME.certificate, &reg.vault.pub), CONCLAVE_OK);
    assert_memory_equal(cert.mail.at, alice.mail.at, 32);
    fake_registry_clear(&reg);
    alice.mail.at[3] ^= 1;
    assert_false(fake_enter(&reg, &alice));
    expect_error(alice.link, "signature");
}

static void
a_login_repeated_while_the_certificate_is_made_is_answered_where_it_came_from(void **state)
{
    struct fake_device again = alice;

    (void)state;
    again.link = 201;
    fake_registry_pass(&reg, MSG_CERT_LIFE_MS);
    reg.hold_vault = true;
    assert_false(fake_enter(&reg, &alice));
    assert_false(fake_enter(&reg, &again));
    assert_int_equal(fake_registry_sent_count(&reg, BROKER_LINK_VAULT, MSG_VAULT_SIGN), 1);
    reg.hold_vault = false;
    fake_registry_pass(&reg, 3000);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_WELCOME), 0);
    expect_welcome(again.link, 0);
    assert_int_equal(sessions_now(), 1);
}

static void
who_left_while_the_certificate_was_made_is_not_logged_in(void **state)
{
    (void)state;
    fake_registry_pass(&reg, MSG_CERT_LIFE_MS);
    reg.hold_vault = true;
    assert_false(fake_enter(&reg, &alice));
    assert_false(fake_enter(&reg, &bob));
    fake_registry_down(&reg, alice.link);
    logout(&bob);
    reg.hold_vault = false;
    fake_registry_pass(&reg, 3000);
    assert_int_equal(sessions_now(), 0);
}

static void
a_vault_that_is_away_delays_a_renewal_and_gives_up_as_busy(void **state)
{
    (void)state;
    fake_registry_pass(&reg, MSG_CERT_LIFE_MS);
    reg.hold_vault = true;
    assert_false(fake_enter(&reg, &alice));
    fake_registry_pass(&reg, 25000);
    expect_error(alice.link, "busy");
}

static void
a_vault_that_comes_back_is_asked_at_once(void **state)
{
    const struct msg_event up = {.kind = EVENT_LINK_UP, .link = BROKER_LINK_VAULT};

    (void)state;
    fake_registry_pass(&reg, MSG_CERT_LIFE_MS);
    reg.hold_vault = true;
    assert_false(fake_enter(&reg, &alice));
    fake_registry_clear(&reg); /* it crashed with the question */
    reg.hold_vault = false;
    fake_registry_step(&reg, &up);
    expect_welcome(alice.link, 0);
}

/* ---- where it is ---- */

static void
expect_endpoint(const char *source, const char *address, const char *wanted)
{
    struct fake_device device = alice;

    snprintf(device.source, sizeof device.source, "%s", source);
    fake_login(&reg, &device, (struct fake_login){.port = address != NULL ? 0 : 7000, .address = address});
    search(&device, "alice");
    assert_true(fake_registry_sent(&reg, device.link, MSG_FOUND, 0, &any));
    expect_text(any.MSG_ANY_FOUND.endpoint, wanted);
}

static void
endpoints_are_printed_as_people_write_them(void **state)
{
    (void)state;
    expect_endpoint("192.0.2.7", NULL, "192.0.2.7:7000");
    expect_endpoint("::ffff:192.0.2.7", NULL, "192.0.2.7:7000");
    expect_endpoint("2001:db8::7", NULL, "[2001:db8::7]:7000");
    expect_endpoint("192.0.2.7", "[::ffff:10.0.0.1]:9", "10.0.0.1:9");
    expect_endpoint("192.0.2.7", "[fe80::1]:9", "[fe80::1]:9");
}

static void
an_address_that_is_none_is_refused(void **state)
{
    (void)state;
    fake_login(&reg, &alice, (struct fake_login){.port = 1, .address = "no port"});
    expect_error(alice.link, "bad-arguments");
    fake_registry_clear(&reg);
    fake_login(&reg, &alice, (struct fake_login){.port = 1, .address = "host:0"});
    expect_error(alice.link, "bad-arguments");
    assert_int_equal(sessions_now(), 0);
}

static void
sessions_beyond_the_limit_are_refused(void **state)
{
    (void)state;
    reg.settings.sessions = 1;
    broker_front_core_set(reg.core, &reg.settings);
    assert_true(fake_enter(&reg, &alice));
    assert_false(fake_enter(&reg, &bob));
    expect_error(bob.link, "quota-exceeded");
    assert_true(fake_enter(&reg, &alice));
}

static void
two_devices_of_one_account_are_online_side_by_side(void **state)
{
    (void)state;
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "alice", "correct horse"));
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &carol));
    assert_int_equal(sessions_now(), 2);
    logout(&alice);
    expect_found(&carol, "alice", MSG_STATUS_ONLINE);
}

static void
a_busy_vault_delays_a_renewal_and_no_more(void **state)
{
    uint8_t bytes[64];
    struct msg_buf answer = {bytes, 0, sizeof bytes};
    union msg_any question;

    (void)state;
    fake_registry_pass(&reg, MSG_CERT_LIFE_MS);
    reg.hold_vault = true;
    assert_false(fake_enter(&reg, &alice));
    assert_true(fake_registry_sent(&reg, BROKER_LINK_VAULT, MSG_VAULT_SIGN, 0, &question));
    const struct msg_vault_busy busy = {question.MSG_ANY_VAULT_SIGN.job, 300};
    assert_int_equal(msg_codec_encode(&answer, MSG_VAULT_BUSY, &busy), CONCLAVE_OK);
    fake_registry_clear(&reg);
    fake_registry_hear_bytes(&reg, BROKER_LINK_VAULT, NULL, msg_span_of_buf(&answer));
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_ERROR), 0);
    reg.hold_vault = false;
    fake_registry_pass(&reg, 400);
    expect_welcome(alice.link, 0);
}

static void
another_mail_key_while_the_certificate_is_made_must_wait(void **state)
{
    (void)state;
    fake_registry_pass(&reg, MSG_CERT_LIFE_MS);
    reg.hold_vault = true;
    assert_false(fake_enter(&reg, &alice));
    fake_device_new_mail(&alice);
    assert_false(fake_enter(&reg, &alice));
    expect_error(alice.link, "busy");
}

static void
two_devices_that_wait_on_one_connection_are_not_both_logged_in(void **state)
{
    struct fake_device thief;

    (void)state;
    fake_registry_pass(&reg, MSG_CERT_LIFE_MS);
    reg.hold_vault = true;
    thief = bob;
    thief.link = alice.link;
    assert_false(fake_enter(&reg, &alice));
    assert_false(fake_enter(&reg, &thief));
    reg.hold_vault = false;
    fake_registry_pass(&reg, 3000);
    assert_int_equal(sessions_now(), 1);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_WELCOME), 1);
    expect_error(alice.link, "forbidden");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_login_with_a_good_certificate_costs_no_hash_no_signature_and_no_write),
        CASE(an_unknown_key_is_refused_and_dropped),
        CASE(generations_grow_over_a_restart),
        CASE(nobody_is_welcome_before_the_block_of_generations_is_stored),
        CASE(the_same_login_again_keeps_the_session),
        CASE(a_login_over_another_connection_replaces_the_session),
        CASE(a_late_expiry_does_not_end_a_newer_session),
        CASE(a_slot_used_again_has_a_lease_of_its_own),
        CASE(traffic_renews_the_lease_and_silence_ends_it),
        CASE(the_end_of_the_connection_ends_the_session),
        CASE(a_logout_is_done_and_may_be_repeated),
        CASE(the_end_of_a_session_is_written_down),
        CASE(a_certificate_with_less_than_a_day_left_is_made_anew_and_stored_first),
        CASE(a_new_mail_key_is_certified_if_the_device_signed_it),
        CASE(a_login_repeated_while_the_certificate_is_made_is_answered_where_it_came_from),
        CASE(who_left_while_the_certificate_was_made_is_not_logged_in),
        CASE(a_vault_that_is_away_delays_a_renewal_and_gives_up_as_busy),
        CASE(a_vault_that_comes_back_is_asked_at_once),
        CASE(endpoints_are_printed_as_people_write_them),
        CASE(an_address_that_is_none_is_refused),
        CASE(sessions_beyond_the_limit_are_refused),
        CASE(two_devices_of_one_account_are_online_side_by_side),
        CASE(a_busy_vault_delays_a_renewal_and_no_more),
        CASE(another_mail_key_while_the_certificate_is_made_must_wait),
        CASE(two_devices_that_wait_on_one_connection_are_not_both_logged_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

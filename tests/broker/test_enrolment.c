/* Claims about broker/core/enrolment: accounts and devices, asked for through the
 * door, and who is held up there. */
#include <stdio.h>

#include "broker/tables/jobs.h"
#include "tests/broker/world.h"

static void
a_sign_up_is_admitted_with_a_certificate_of_the_signer(void **state)
{
    struct msg_cert cert;

    (void)state;
    const uint64_t ticket = fake_ask_signup(&reg, &carol, MSG_SIGNUP, "Carol", "correct horse");
    expect_told(ticket, MSG_ADMITTED);
    assert_int_equal(any.MSG_ANY_ADMITTED.account, 3);
    assert_int_equal(any.MSG_ANY_ADMITTED.device, 1);
    assert_int_equal(any.MSG_ANY_ADMITTED.front_port, reg.settings.front_port);
    expect_text(any.MSG_ANY_ADMITTED.name, "Carol");
    assert_int_equal(msg_cert_open(&cert, any.MSG_ANY_ADMITTED.certificate, &reg.vault.pub), CONCLAVE_OK);
    assert_int_equal(msg_cert_check_time(&cert, reg.now.wall_ms, 0), CONCLAVE_OK);
    assert_memory_equal(cert.transport.at, carol.transport.at, 32);
    assert_memory_equal(cert.mail.at, carol.mail.at, 32);
    assert_string_equal(cert.name, "Carol");
}

static void
nothing_is_admitted_before_it_is_stored(void **state)
{
    enum msg_kind kind;

    (void)state;
    reg.hold_store = true;
    const uint64_t ticket = fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carol", "correct horse");
    assert_int_equal(fake_store_pending(reg.store), 1);
    assert_false(fake_registry_told(&reg, ticket, &kind, &any));
    fake_registry_commit(&reg);
    expect_told(ticket, MSG_ADMITTED);
}

static void
a_crash_before_the_commit_leaves_nothing_and_the_name_is_free(void **state)
{
    struct fake_device dave;

    (void)state;
    reg.hold_store = true;
    (void)fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carol", "correct horse");
    reg.hold_store = false;
    fake_registry_crash(&reg);
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_ACCOUNTS), 2);
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_NAMES), 2);
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_OWNERS), 2);
    fake_device_init(&dave, 104);
    assert_true(fake_admit(&reg, &dave, MSG_SIGNUP, "carol", "correct horse"));
}

static void
one_commit_is_the_whole_account(void **state)
{
    uint64_t id;

    (void)state;
    reg.hold_store = true;
    (void)fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carol", "correct horse");
    assert_true(fake_store_commit(reg.store, &id));
    assert_false(fake_store_commit(reg.store, &id));
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_ACCOUNTS), 3);
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_NAMES), 3);
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_DEVICES), 3);
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_OWNERS), 3);
    /* The answer is lost with the daemon: asking again gets it. */
    reg.hold_store = false;
    fake_registry_crash(&reg);
    assert_true(fake_admit(&reg, &carol, MSG_SIGNUP, "carol", "correct horse"));
    assert_int_equal(carol.account, 3);
}

static void
of_two_sign_ups_for_one_name_at_once_one_wins(void **state)
{
    struct fake_device dave;

    (void)state;
    fake_device_init(&dave, 104);
    reg.hold_vault = true;
    const uint64_t first = fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carol", "correct horse");
    const uint64_t second = fake_ask_signup(&reg, &dave, MSG_SIGNUP, "CAROL", "correct horse");
    expect_told_error(second, "name-taken");
    reg.hold_vault = false;
    fake_registry_pass(&reg, 100);
    fake_registry_pass(&reg, 3000);
    expect_told(first, MSG_ADMITTED);
}

static void
a_name_that_looks_like_a_taken_one_is_taken(void **state)
{
    (void)state;
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_SIGNUP, "ALICE", "correct horse"), "name-taken");
}

static void
bad_names_and_short_passwords_are_refused(void **state)
{
    (void)state;
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_SIGNUP, "", "correct horse"), "bad-name");
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_SIGNUP, "a\xe2\x80\xae" "b", "correct horse"), "bad-name");
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carol", "short"), "weak-password");
}

static void
the_same_sign_up_again_is_admitted_again_only_with_the_password(void **state)
{
    (void)state;
    expect_told_error(fake_ask_signup(&reg, &alice, MSG_SIGNUP, "alice", "wrong password"), "wrong-credentials");
    const uint64_t ticket = fake_ask_signup(&reg, &alice, MSG_SIGNUP, "alice", "correct horse");
    expect_told(ticket, MSG_ADMITTED);
    assert_int_equal(any.MSG_ANY_ADMITTED.account, alice.account);
    assert_int_equal(any.MSG_ANY_ADMITTED.device, alice.device);
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_ACCOUNTS), 2);
}

static void
a_device_of_one_account_cannot_have_another(void **state)
{
    (void)state;
    expect_told_error(fake_ask_signup(&reg, &alice, MSG_SIGNUP, "carol", "correct horse"), "forbidden");
    expect_told_error(fake_ask_signup(&reg, &alice, MSG_ENROL, "bob", "battery staple"), "forbidden");
}

static void
a_proof_over_another_transport_key_is_refused(void **state)
{
    struct msg_signup signup;
    uint8_t bytes[MSG_KNOCK_MAX];
    struct msg_buf frame = {bytes, 0, sizeof bytes};

    (void)state;
    fake_device_signup(&carol, &reg, &signup, "carol", "correct horse");
    assert_int_equal(msg_codec_encode(&frame, MSG_SIGNUP, &signup), CONCLAVE_OK);
    /* Somebody passes on what carol signed, over a connection of their own. */
    const struct msg_door_ask ask = {900, msg_text("192.0.2.9"), bob.mail, msg_span_of_buf(&frame)};
    fake_registry_hear(&reg, BROKER_LINK_DOOR, NULL, "", MSG_DOOR_ASK, &ask);
    expect_told_error(900, "signature");
}

static void
a_mail_key_that_the_device_did_not_sign_is_refused(void **state)
{
    (void)state;
    carol.mail.at[0] ^= 1;
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carol", "correct horse"), "signature");
}

static void
garbage_from_the_door_is_answered_and_counted(void **state)
{
    const uint8_t bad[] = {0x93, 0x01, 0x10, 0x07};
    const struct msg_door_ask ask = {901, msg_text("192.0.2.9"), carol.transport, msg_span(bad, sizeof bad)};
    struct broker_front_counts counts;

    (void)state;
    fake_registry_hear(&reg, BROKER_LINK_DOOR, NULL, "", MSG_DOOR_ASK, &ask);
    expect_told_error(901, "short");
    assert_int_equal(any.MSG_ANY_ERROR.req, 7);
    broker_front_core_counts(reg.core, &counts);
    assert_int_equal(counts.garbage, 1);
}

static void
a_full_registry_says_so(void **state)
{
    (void)state;
    reg.settings.accounts = 2;
    broker_front_core_set(reg.core, &reg.settings);
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carol", "correct horse"), "quota-exceeded");
    reg.settings.accounts = 3;
    reg.settings.registration = false;
    broker_front_core_set(reg.core, &reg.settings);
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carol", "correct horse"), "forbidden");
}

static void
sign_ups_in_flight_count_towards_the_limit(void **state)
{
    struct fake_device dave;

    (void)state;
    fake_device_init(&dave, 104);
    reg.settings.accounts = 3;
    broker_front_core_set(reg.core, &reg.settings);
    reg.hold_vault = true;
    (void)fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carol", "correct horse");
    expect_told_error(fake_ask_signup(&reg, &dave, MSG_SIGNUP, "dave", "correct horse"), "quota-exceeded");
}

static void
the_same_device_asking_twice_at_once_is_told_to_wait(void **state)
{
    (void)state;
    reg.hold_vault = true;
    (void)fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carol", "correct horse");
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carol2", "correct horse"), "busy");
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_ENROL, "alice", "correct horse"), "busy");
}

static void
with_as_many_as_the_vault_holds_the_next_is_sent_away_before_its_signatures_are_checked(void **state)
{
    char name[16];

    (void)state;
    reg.hold_vault = true;
    for (unsigned i = 0; i < BROKER_JOBS_HASHING; i++) {
        struct fake_device newcomer;
        fake_device_init(&newcomer, 200 + i);
        snprintf(name, sizeof name, "newcomer%u", i);
        (void)fake_ask_signup(&reg, &newcomer, MSG_SIGNUP, name, "correct horse");
    }
    carol.mail_sig.at[0] ^= 1;
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carol", "correct horse"), "busy");
}

/* ---- devices ---- */

static void
a_second_device_enrols_with_the_password(void **state)
{
    struct msg_cert cert;

    (void)state;
    const uint64_t ticket = fake_ask_signup(&reg, &carol, MSG_ENROL, "ALICE", "correct horse");
    expect_told(ticket, MSG_ADMITTED);
    assert_int_equal(any.MSG_ANY_ADMITTED.account, alice.account);
    assert_int_equal(any.MSG_ANY_ADMITTED.device, 2);
    expect_text(any.MSG_ANY_ADMITTED.name, "alice");
    assert_int_equal(msg_cert_open(&cert, any.MSG_ANY_ADMITTED.certificate, &reg.vault.pub), CONCLAVE_OK);
    assert_string_equal(cert.name, "alice");
    /* Asked again, because the answer was lost: the same device. */
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "alice", "correct horse"));
    assert_int_equal(carol.device, 2);
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_DEVICES), 3);
}

static void
two_devices_that_enrol_at_once_get_different_numbers(void **state)
{
    struct fake_device dave;

    (void)state;
    fake_device_init(&dave, 104);
    reg.hold_store = true;
    const uint64_t first = fake_ask_signup(&reg, &carol, MSG_ENROL, "alice", "correct horse");
    const uint64_t second = fake_ask_signup(&reg, &dave, MSG_ENROL, "alice", "correct horse");
    assert_int_equal(fake_store_pending(reg.store), 1);
    fake_registry_commit(&reg);
    expect_told(first, MSG_ADMITTED);
    assert_int_equal(any.MSG_ANY_ADMITTED.device, 2);
    expect_told(second, MSG_ADMITTED);
    assert_int_equal(any.MSG_ANY_ADMITTED.device, 3);
}

static void
devices_beyond_the_limit_are_refused_with_a_sentence(void **state)
{
    (void)state;
    reg.settings.devices = 1;
    broker_front_core_set(reg.core, &reg.settings);
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_ENROL, "alice", "correct horse"), "quota-exceeded");
    assert_non_null(strstr(any.MSG_ANY_ERROR.text.at, "as many devices"));
}

static void
an_unknown_name_and_a_wrong_password_are_answered_alike_at_the_same_cost(void **state)
{
    (void)state;
    const uint64_t before = reg.vault.checks;
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_ENROL, "alice", "wrong password"), "wrong-credentials");
    const struct msg_text text = any.MSG_ANY_ERROR.text;
    assert_int_equal(reg.vault.checks, before + 1);
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_ENROL, "nobody", "wrong password"), "wrong-credentials");
    assert_true(msg_text_equal(text, any.MSG_ANY_ERROR.text));
    assert_int_equal(reg.vault.checks, before + 2);
}

static void
a_failed_login_is_one_line_in_the_log(void **state)
{
    (void)state;
    (void)fake_ask_signup(&reg, &carol, MSG_ENROL, "alice", "wrong password");
    assert_non_null(strstr(reg.log, "LOGIN-FAILED name=alice source=192.0.2.1"));
    assert_null(strstr(reg.log, "wrong password\""));
}

/* ---- throttle ---- */

static void
fail_times(struct fake_device *device, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        expect_told_error(fake_ask_signup(&reg, device, MSG_ENROL, "alice", "wrong password"), "wrong-credentials");
}

static void
three_failures_block_name_and_source_for_ten_seconds_then_twenty(void **state)
{
    (void)state;
    fail_times(&carol, 3);
    const uint64_t checks = reg.vault.checks;
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_ENROL, "alice", "correct horse"), "blocked");
    expect_text(any.MSG_ANY_ERROR.text,
                "You are blocked due to multiple failed login attempts. Try again 10 seconds later.");
    assert_int_equal(any.MSG_ANY_ERROR.retry_ms, 10000);
    assert_int_equal(reg.vault.checks, checks); /* refused without a hash */
    fake_registry_pass(&reg, 10000);
    fail_times(&carol, 1);
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_ENROL, "alice", "correct horse"), "blocked");
    assert_int_equal(any.MSG_ANY_ERROR.retry_ms, 20000);
    fake_registry_pass(&reg, 20000);
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "alice", "correct horse"));
}

static void
another_source_is_not_blocked_unless_the_account_is_throttled(void **state)
{
    struct fake_device dave;

    (void)state;
    fake_device_init(&dave, 104);
    strcpy(dave.source, "198.51.100.7");
    fail_times(&carol, 3);
    assert_true(fake_admit(&reg, &dave, MSG_ENROL, "alice", "correct horse"));
    reg.settings.throttle_account = true;
    broker_front_core_set(reg.core, &reg.settings);
    strcpy(carol.source, "203.0.113.1");
    fail_times(&carol, 3);
    strcpy(carol.source, "203.0.113.2");
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_ENROL, "alice", "correct horse"), "blocked");
}

static void
guesses_side_by_side_do_not_get_past_the_throttle(void **state)
{
    struct fake_device guessers[5];
    uint64_t tickets[5];

    (void)state;
    reg.hold_vault = true;
    for (unsigned i = 0; i < 5; i++) {
        fake_device_init(&guessers[i], 200 + i);
        tickets[i] = fake_ask_signup(&reg, &guessers[i], MSG_ENROL, "alice", "wrong password");
    }
    expect_told_error(tickets[3], "busy");
    expect_told_error(tickets[4], "busy");
    assert_int_equal(fake_registry_sent_count(&reg, BROKER_LINK_VAULT, MSG_VAULT_CHECK), 3);
}

static void
an_enrolled_device_logs_in_while_its_name_is_blocked(void **state)
{
    (void)state;
    reg.settings.throttle_account = true;
    broker_front_core_set(reg.core, &reg.settings);
    fail_times(&carol, 3);
    assert_true(fake_enter(&reg, &alice));
}

static void
a_right_password_clears_the_failures_before_it(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        fail_times(&carol, 2);
        assert_true(fake_admit(&reg, &carol, MSG_ENROL, "alice", "correct horse"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_sign_up_is_admitted_with_a_certificate_of_the_signer),
        CASE(nothing_is_admitted_before_it_is_stored),
        CASE(a_crash_before_the_commit_leaves_nothing_and_the_name_is_free),
        CASE(one_commit_is_the_whole_account),
        CASE(of_two_sign_ups_for_one_name_at_once_one_wins),
        CASE(a_name_that_looks_like_a_taken_one_is_taken),
        CASE(bad_names_and_short_passwords_are_refused),
        CASE(the_same_sign_up_again_is_admitted_again_only_with_the_password),
        CASE(a_device_of_one_account_cannot_have_another),
        CASE(a_proof_over_another_transport_key_is_refused),
        CASE(a_mail_key_that_the_device_did_not_sign_is_refused),
        CASE(garbage_from_the_door_is_answered_and_counted),
        CASE(a_full_registry_says_so),
        CASE(sign_ups_in_flight_count_towards_the_limit),
        CASE(the_same_device_asking_twice_at_once_is_told_to_wait),
        CASE(with_as_many_as_the_vault_holds_the_next_is_sent_away_before_its_signatures_are_checked),
        CASE(a_second_device_enrols_with_the_password),
        CASE(two_devices_that_enrol_at_once_get_different_numbers),
        CASE(devices_beyond_the_limit_are_refused_with_a_sentence),
        CASE(an_unknown_name_and_a_wrong_password_are_answered_alike_at_the_same_cost),
        CASE(a_failed_login_is_one_line_in_the_log),
        CASE(three_failures_block_name_and_source_for_ten_seconds_then_twenty),
        CASE(another_source_is_not_blocked_unless_the_account_is_throttled),
        CASE(guesses_side_by_side_do_not_get_past_the_throttle),
        CASE(an_enrolled_device_logs_in_while_its_name_is_blocked),
        CASE(a_right_password_clears_the_failures_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

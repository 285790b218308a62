/* Claims about broker/core/admission: passwords, and what a vault, a disk or a door
 * in a bad mood does to those who wait. */
#include <stdio.h>

#include "tests/broker/world.h"

/* ---- passwords ---- */

static void
a_password_is_changed_with_the_old_one(void **state)
{
    (void)state;
    expect_told_error(fake_ask_passwd(&reg, &alice, "alice", "wrong password", "brand new one"),
                      "wrong-credentials");
    expect_told(fake_ask_passwd(&reg, &alice, "alice", "correct horse", "brand new one"), MSG_DONE);
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_ENROL, "alice", "correct horse"), "wrong-credentials");
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "alice", "brand new one"));
}

static void
a_changed_password_is_answered_when_it_is_stored(void **state)
{
    enum msg_kind kind;

    (void)state;
    reg.hold_store = true;
    const uint64_t ticket = fake_ask_passwd(&reg, &alice, "alice", "correct horse", "brand new one");
    assert_false(fake_registry_told(&reg, ticket, &kind, &any));
    fake_registry_commit(&reg);
    expect_told(ticket, MSG_DONE);
}

static void
an_enrolment_checked_against_a_password_that_changed_meanwhile_is_not_let_in(void **state)
{
    (void)state;
    reg.hold_store = true;
    (void)fake_ask_passwd(&reg, &alice, "alice", "correct horse", "brand new one");
    const uint64_t ticket = fake_ask_signup(&reg, &carol, MSG_ENROL, "alice", "correct horse");
    fake_registry_commit(&reg);
    expect_told_error(ticket, "busy");
}

static void
risen_parameters_rehash_at_the_next_enrolment(void **state)
{
    struct msg_span key, value;
    enum msg_kind kind;

    (void)state;
    reg.vault.params = 2;
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "alice", "correct horse"));
    assert_true(fake_store_at(reg.store, BROKER_TABLE_ACCOUNTS, 0, &key, &value));
    assert_int_equal(msg_codec_decode(value, &kind, &any), CONCLAVE_OK);
    assert_memory_equal(any.MSG_ANY_REC_ACCOUNT.hash.at, "$fake$2$", 8);
    assert_int_equal(any.MSG_ANY_REC_ACCOUNT.next_device, 3);
}

/* ---- the vault's moods ---- */

static void
a_busy_vault_is_passed_on_with_its_time(void **state)
{
    uint8_t bytes[64];
    struct msg_buf answer = {bytes, 0, sizeof bytes};
    union msg_any question;

    (void)state;
    reg.hold_vault = true;
    const uint64_t ticket = fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carol", "correct horse");
    assert_true(fake_registry_sent(&reg, BROKER_LINK_VAULT, MSG_VAULT_HASH, 0, &question));
    const struct msg_vault_busy busy = {question.MSG_ANY_VAULT_HASH.job, 1234};
    assert_int_equal(msg_codec_encode(&answer, MSG_VAULT_BUSY, &busy), CONCLAVE_OK);
    fake_registry_hear_bytes(&reg, BROKER_LINK_VAULT, NULL, msg_span_of_buf(&answer));
    expect_told_error(ticket, "busy");
    assert_int_equal(any.MSG_ANY_ERROR.retry_ms, 1234);
}

static void
a_silent_vault_is_asked_again_and_given_up_after_twenty_seconds(void **state)
{
    enum msg_kind kind;

    (void)state;
    reg.hold_vault = true;
    const uint64_t ticket = fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carol", "correct horse");
    fake_registry_pass(&reg, 2100);
    assert_int_equal(fake_registry_sent_count(&reg, BROKER_LINK_VAULT, MSG_VAULT_HASH), 2);
    fake_registry_pass(&reg, 17000);
    assert_false(fake_registry_told(&reg, ticket, &kind, &any));
    fake_registry_pass(&reg, 3000);
    expect_told_error(ticket, "busy");
    /* Its name is free again. */
    reg.hold_vault = false;
    assert_true(fake_admit(&reg, &carol, MSG_SIGNUP, "carol", "correct horse"));
}

static void
answers_that_come_twice_or_for_nobody_change_nothing(void **state)
{
    uint8_t bytes[256];
    struct msg_buf answer = {bytes, 0, sizeof bytes};
    union msg_any question;

    (void)state;
    reg.hold_vault = true;
    const uint64_t ticket = fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carol", "correct horse");
    assert_true(fake_registry_sent(&reg, BROKER_LINK_VAULT, MSG_VAULT_HASH, 0, &question));
    const struct msg_vault_hashed hashed = {question.MSG_ANY_VAULT_HASH.job, msg_text("$fake$1$00")};
    assert_int_equal(msg_codec_encode(&answer, MSG_VAULT_HASHED, &hashed), CONCLAVE_OK);
    fake_registry_hear_bytes(&reg, BROKER_LINK_VAULT, NULL, msg_span_of_buf(&answer));
    fake_registry_hear_bytes(&reg, BROKER_LINK_VAULT, NULL, msg_span_of_buf(&answer));
    assert_int_equal(fake_registry_sent_count(&reg, BROKER_LINK_VAULT, MSG_VAULT_SIGN), 1);
    /* A check nobody asked for, under the id of the signature that is. */
    assert_true(fake_registry_sent(&reg, BROKER_LINK_VAULT, MSG_VAULT_SIGN, 0, &question));
    const struct msg_vault_checked checked = {question.MSG_ANY_VAULT_SIGN.job, true, false};
    answer.len = 0;
    assert_int_equal(msg_codec_encode(&answer, MSG_VAULT_CHECKED, &checked), CONCLAVE_OK);
    fake_registry_hear_bytes(&reg, BROKER_LINK_VAULT, NULL, msg_span_of_buf(&answer));
    enum msg_kind kind;
    assert_false(fake_registry_told(&reg, ticket, &kind, &any));
}

static void
a_full_job_table_is_busy(void **state)
{
    struct fake_device device;
    uint64_t ticket = 0;
    char name[16];

    (void)state;
    reg.settings.accounts = 1u << 20;
    broker_front_core_set(reg.core, &reg.settings);
    reg.hold_vault = true;
    for (unsigned i = 0; i <= 1024; i++) {
        fake_device_init(&device, 1000 + i);
        snprintf(name, sizeof name, "user%u", i);
        ticket = fake_ask_signup(&reg, &device, MSG_SIGNUP, name, "correct horse");
    }
    expect_told_error(ticket, "busy");
}

static void
a_door_that_went_away_is_told_nothing_of_what_it_asked(void **state)
{
    enum msg_kind kind;

    (void)state;
    reg.hold_vault = true;
    const uint64_t ticket = fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carol", "correct horse");
    fake_registry_down(&reg, BROKER_LINK_DOOR);
    reg.hold_vault = false;
    fake_registry_pass(&reg, 3000);
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_ACCOUNTS), 3);
    assert_false(fake_registry_told(&reg, ticket, &kind, &any));
}

static void
the_door_says_its_key_itself(void **state)
{
    struct msg_door_policy policy;

    (void)state;
    memset(policy.door.at, 0x77, sizeof policy.door.at);
    fake_registry_hear(&reg, BROKER_LINK_DOOR, NULL, "", MSG_DOOR_POLICY, &policy);
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carol", "correct horse"), "signature");
    reg.settings.door = policy.door;
    assert_true(fake_admit(&reg, &carol, MSG_SIGNUP, "carol", "correct horse"));
}

static void
risen_parameters_rehash_for_a_device_that_is_enrolled_already(void **state)
{
    struct msg_span key, value;
    enum msg_kind kind;

    (void)state;
    reg.vault.params = 2;
    assert_true(fake_admit(&reg, &alice, MSG_ENROL, "alice", "correct horse"));
    assert_int_equal(alice.device, 1);
    assert_true(fake_store_at(reg.store, BROKER_TABLE_ACCOUNTS, 0, &key, &value));
    assert_int_equal(msg_codec_decode(value, &kind, &any), CONCLAVE_OK);
    assert_memory_equal(any.MSG_ANY_REC_ACCOUNT.hash.at, "$fake$2$", 8);
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_DEVICES), 2);
}

static void
an_attempt_that_was_given_up_is_no_failure(void **state)
{
    (void)state;
    reg.hold_vault = true;
    for (int i = 0; i < 5; i++) {
        (void)fake_ask_signup(&reg, &carol, MSG_ENROL, "alice", "correct horse");
        fake_registry_pass(&reg, 25000);
    }
    reg.hold_vault = false;
    fake_registry_pass(&reg, 25000);
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "alice", "correct horse"));
}

static void
a_short_new_password_is_refused(void **state)
{
    (void)state;
    expect_told_error(fake_ask_passwd(&reg, &alice, "alice", "correct horse", "short"), "weak-password");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_password_is_changed_with_the_old_one),
        CASE(a_changed_password_is_answered_when_it_is_stored),
        CASE(an_enrolment_checked_against_a_password_that_changed_meanwhile_is_not_let_in),
        CASE(risen_parameters_rehash_at_the_next_enrolment),
        CASE(a_busy_vault_is_passed_on_with_its_time),
        CASE(a_silent_vault_is_asked_again_and_given_up_after_twenty_seconds),
        CASE(answers_that_come_twice_or_for_nobody_change_nothing),
        CASE(a_full_job_table_is_busy),
        CASE(a_door_that_went_away_is_told_nothing_of_what_it_asked),
        CASE(the_door_says_its_key_itself),
        CASE(risen_parameters_rehash_for_a_device_that_is_enrolled_already),
        CASE(an_attempt_that_was_given_up_is_no_failure),
        CASE(a_short_new_password_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Claims about broker/core/progress: what could not be stored is refused at once,
 * with a sentence, and the registry's memory is as if it had not been asked. */
#include "broker/core/front_state.h"
#include "tests/broker/world.h"

static uint64_t
revoke(const struct fake_device *device, uint64_t number)
{
    static uint64_t req = 50;
    const struct msg_revoke ask = {++req, number};

    fake_say(&reg, device, MSG_REVOKE, &ask);
    return req;
}

static void
limit_accounts(uint64_t accounts)
{
    reg.settings.accounts = accounts;
    broker_front_core_set(reg.core, &reg.settings);
}

static void
a_sign_up_that_cannot_be_stored_is_refused_and_leaves_nothing_behind(void **state)
{
    struct fake_device dave;

    (void)state;
    fake_device_init(&dave, 104);
    limit_accounts(3);
    reg.full = true;
    const uint64_t ticket = fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carol", "correct horse");
    expect_told_error(ticket, "quota-exceeded");
    expect_text(any.MSG_ANY_ERROR.text, "The registry has no room to write this down; nothing was changed. Try "
                                        "again later, or tell its operator.");
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_ACCOUNTS), 2);
    reg.full = false;
    assert_true(fake_admit(&reg, &dave, MSG_SIGNUP, "carol", "correct horse")); /* the name is free */
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carla", "correct horse"), "quota-exceeded");
    limit_accounts(4); /* and it was not counted */
    assert_true(fake_admit(&reg, &carol, MSG_SIGNUP, "carla", "correct horse"));
}

static void
a_number_that_others_took_along_is_put_right_on_disk(void **state)
{
    struct fake_device dave;

    (void)state;
    fake_device_init(&dave, 104);
    reg.hold_store = true;
    (void)fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carol", "correct horse");
    const uint64_t ticket = fake_ask_signup(&reg, &dave, MSG_SIGNUP, "dave", "correct horse");
    /* The first fails, and the second, which counted it, does not. */
    struct msg_event event = {.kind = EVENT_STORED, .err = CONCLAVE_ERR_STORE_FULL};
    assert_true(fake_store_refuse(reg.store, &event.id));
    fake_registry_step(&reg, &event);
    fake_registry_commit(&reg);
    expect_told(ticket, MSG_ADMITTED);
    reg.hold_store = false;
    reg.settings.accounts = 4;
    fake_registry_crash(&reg);
    assert_true(fake_admit(&reg, &carol, MSG_SIGNUP, "carol", "correct horse"));
    fake_device_init(&dave, 105);
    expect_told_error(fake_ask_signup(&reg, &dave, MSG_SIGNUP, "erin", "correct horse"), "quota-exceeded");
}

static void
an_enrolment_that_cannot_be_stored_is_refused_and_can_be_repeated(void **state)
{
    (void)state;
    reg.full = true;
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_ENROL, "alice", "correct horse"), "quota-exceeded");
    reg.full = false;
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "alice", "correct horse"));
    assert_int_equal(carol.device, 2);
}

static void
a_password_that_cannot_be_stored_is_the_old_one_still(void **state)
{
    (void)state;
    reg.full = true;
    expect_told_error(fake_ask_passwd(&reg, &alice, "alice", "correct horse", "another donkey"), "quota-exceeded");
    reg.full = false;
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_ENROL, "alice", "another donkey"), "wrong-credentials");
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "alice", "correct horse"));
}

static void
an_account_whose_end_cannot_be_stored_lives_on(void **state)
{
    const struct msg_done ask = {70};

    (void)state;
    limit_accounts(2);
    assert_true(fake_enter(&reg, &alice));
    fake_registry_clear(&reg);
    reg.full = true;
    fake_say(&reg, &alice, MSG_DELETE_ACCOUNT, &ask);
    expect_error(alice.link, "quota-exceeded");
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_BYE), 0);
    reg.full = false;
    expect_found(&alice, "alice", MSG_STATUS_ONLINE);
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carol", "correct horse"), "quota-exceeded");
    fake_say(&reg, &alice, MSG_DELETE_ACCOUNT, &ask);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_DONE), 1);
    assert_true(fake_admit(&reg, &carol, MSG_SIGNUP, "carol", "correct horse"));
}

static void
a_revocation_that_cannot_be_stored_is_told_and_can_be_repeated(void **state)
{
    (void)state;
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "alice", "correct horse"));
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &carol));
    fake_registry_clear(&reg);
    reg.full = true;
    revoke(&alice, carol.device);
    expect_error(alice.link, "quota-exceeded");
    assert_int_equal(sessions_now(), 2);
    reg.full = false;
    revoke(&alice, carol.device);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_DONE), 1);
    assert_int_equal(sessions_now(), 1);
}

/* A version that no transaction carried would be given again after a restart,
 * and devices that know it would not ask for the list that has it. */
static void
the_version_of_a_revocation_that_failed_is_never_told(void **state)
{
    const struct msg_list_revoked ask = {80, 0};
    struct msg_event event = {.kind = EVENT_STORED, .err = CONCLAVE_ERR_STORE_FULL};
    struct msg_ping ping = {MSG_STATUS_ONLINE};

    (void)state;
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "alice", "correct horse"));
    assert_true(fake_enter(&reg, &alice));
    reg.hold_store = true;
    revoke(&alice, carol.device);
    (void)fake_ask_passwd(&reg, &bob, "Bob", "battery staple", "another donkey");
    assert_true(fake_store_refuse(reg.store, &event.id));
    fake_registry_step(&reg, &event);
    fake_registry_commit(&reg);
    reg.hold_store = false;
    fake_registry_pass(&reg, FAKE_TOLD_MS);
    fake_registry_clear(&reg);
    fake_say(&reg, &alice, MSG_PING, &ping);
    fake_registry_pass(&reg, FAKE_PONG_MS);
    assert_true(fake_registry_sent(&reg, alice.link, MSG_PONG, 0, &any));
    assert_int_equal(any.MSG_ANY_PONG.revoked_version, 0);
    fake_say(&reg, &alice, MSG_LIST_REVOKED, &ask);
    revoke(&alice, carol.device);
    fake_say(&reg, &alice, MSG_PING, &ping);
    fake_registry_pass(&reg, FAKE_PONG_MS);
    assert_true(fake_registry_sent(&reg, alice.link, MSG_PONG, 1, &any));
    assert_in_range(any.MSG_ANY_PONG.revoked_version, 1, 2);
}

static void
who_cannot_have_a_new_certificate_comes_in_with_the_old_one(void **state)
{
    struct msg_cert cert;

    (void)state;
    fake_registry_pass(&reg, MSG_CERT_LIFE_MS - MSG_CERT_RENEW_MS + 1);
    const uint64_t old_ms = FAKE_WALL_MS + MSG_CERT_LIFE_MS;
    reg.full = true;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_registry_sent(&reg, alice.link, MSG_WELCOME, 0, &any));
    assert_int_equal(msg_cert_open(&cert, any.MSG_ANY_WELCOME.certificate, &reg.vault.pub), CONCLAVE_OK);
    assert_in_range(cert.not_after_ms, reg.now.wall_ms, old_ms);
    expect_found(&alice, "bob", MSG_STATUS_OFFLINE); /* reading goes on */
    fake_registry_pass(&reg, MSG_CERT_RENEW_MS);     /* but not for ever */
    assert_false(fake_enter(&reg, &bob));
    expect_error(bob.link, "quota-exceeded");
    reg.full = false;
    assert_true(fake_enter(&reg, &bob));
}

static void
a_registry_that_starts_on_a_full_disk_lets_members_in(void **state)
{
    (void)state;
    reg.full = true;
    fake_registry_crash(&reg);
    assert_true(fake_enter(&reg, &alice));
    expect_found(&alice, "bob", MSG_STATUS_OFFLINE);
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carol", "correct horse"), "quota-exceeded");
    reg.full = false;
    assert_true(fake_admit(&reg, &carol, MSG_SIGNUP, "carol", "correct horse"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_sign_up_that_cannot_be_stored_is_refused_and_leaves_nothing_behind),
        CASE(a_number_that_others_took_along_is_put_right_on_disk),
        CASE(an_enrolment_that_cannot_be_stored_is_refused_and_can_be_repeated),
        CASE(a_password_that_cannot_be_stored_is_the_old_one_still),
        CASE(an_account_whose_end_cannot_be_stored_lives_on),
        CASE(a_revocation_that_cannot_be_stored_is_told_and_can_be_repeated),
        CASE(the_version_of_a_revocation_that_failed_is_never_told),
        CASE(who_cannot_have_a_new_certificate_comes_in_with_the_old_one),
        CASE(a_registry_that_starts_on_a_full_disk_lets_members_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

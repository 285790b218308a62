/* Claims about broker/core/devices: listing, revoking, and the end of an account. */
#include "tests/broker/world.h"

static void
revoke(const struct fake_device *device, uint64_t number)
{
    const struct msg_revoke ask = {31, number};

    fake_say(&reg, device, MSG_REVOKE, &ask);
}

static void
delete_account(const struct fake_device *device)
{
    const struct msg_done ask = {32};

    fake_say(&reg, device, MSG_DELETE_ACCOUNT, &ask);
}

static struct msg_revocations
list_revoked(const struct fake_device *device)
{
    const struct msg_list_revoked ask = {33, 0};
    struct msg_revocations list;

    fake_registry_clear(&reg);
    fake_say(&reg, device, MSG_LIST_REVOKED, &ask);
    assert_true(fake_registry_sent(&reg, device->link, MSG_REVOKED, 0, &any));
    assert_int_equal(any.MSG_ANY_REVOKED.req, 33);
    assert_int_equal(msg_cert_open_revocations(&list, any.MSG_ANY_REVOKED.list, &reg.vault.pub), CONCLAVE_OK);
    return list;
}

/* Alice has two devices: her own and carol's. */
static void
give_alice_two_devices(void)
{
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "alice", "correct horse"));
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &carol));
    fake_registry_clear(&reg);
}

static void
devices_are_listed_with_what_they_are(void **state)
{
    const struct msg_done ask = {30};
    struct msg_device_info info;

    (void)state;
    give_alice_two_devices();
    logout(&carol);
    fake_say(&reg, &alice, MSG_LIST_DEVICES, &ask);
    assert_true(fake_registry_sent(&reg, alice.link, MSG_DEVICES, 0, &any));
    assert_int_equal(any.MSG_ANY_DEVICES.devices.count, 2);
    assert_true(msg_codec_next(&any.MSG_ANY_DEVICES.devices, MSG_DEVICE_INFO, &info));
    assert_true(info.device == 1 && info.online && info.current && !info.revoked);
    assert_true(msg_codec_next(&any.MSG_ANY_DEVICES.devices, MSG_DEVICE_INFO, &info));
    assert_true(info.device == 2 && !info.online && !info.current && !info.revoked);
}

static void
a_revoked_device_is_cut_off_and_comes_back_only_with_the_password(void **state)
{
    struct msg_revocation entry;

    (void)state;
    give_alice_two_devices();
    revoke(&alice, carol.device);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_DONE), 1);
    assert_true(fake_registry_sent(&reg, carol.link, MSG_BYE, 0, &any));
    expect_text(any.MSG_ANY_BYE.code, "revoked");
    assert_true(fake_registry_dropped(&reg, carol.link));
    assert_int_equal(sessions_now(), 1);
    fake_registry_clear(&reg);
    assert_false(fake_enter(&reg, &carol));
    expect_error(carol.link, "unknown-key");
    struct msg_revocations list = list_revoked(&alice);
    assert_int_equal(list.version, 1);
    assert_int_equal(list.entries.count, 1);
    assert_true(msg_codec_next(&list.entries, MSG_REVOCATION, &entry));
    assert_int_equal(entry.account, alice.account);
    assert_int_equal(entry.device, carol.device);
    /* With the password it is a new device, though it holds the same keys. */
    expect_told_error(fake_ask_signup(&reg, &carol, MSG_ENROL, "alice", "wrong password"), "wrong-credentials");
    const uint64_t was = carol.device;
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "alice", "correct horse"));
    assert_true(carol.device > was);
    assert_true(fake_enter(&reg, &carol));
}

static void
nothing_of_a_revocation_is_said_before_it_is_stored(void **state)
{
    const struct msg_ping ping = {MSG_STATUS_ONLINE};

    (void)state;
    give_alice_two_devices();
    fake_registry_pass(&reg, FAKE_TOLD_MS);
    reg.hold_store = true;
    revoke(&alice, carol.device);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_DONE), 0);
    assert_int_equal(fake_registry_sent_count(&reg, carol.link, MSG_BYE), 0);
    fake_say(&reg, &alice, MSG_PING, &ping);
    fake_registry_pass(&reg, FAKE_PONG_MS);
    assert_true(fake_registry_sent(&reg, alice.link, MSG_PONG, 0, &any));
    assert_int_equal(any.MSG_ANY_PONG.revoked_version, 0);
    fake_registry_commit(&reg);
    fake_say(&reg, &alice, MSG_PING, &ping);
    fake_registry_pass(&reg, FAKE_PONG_MS);
    assert_true(fake_registry_sent(&reg, alice.link, MSG_PONG, 1, &any));
    assert_int_equal(any.MSG_ANY_PONG.revoked_version, 1);
}

static void
a_crash_before_the_commit_revokes_nothing_and_half_is_never_there(void **state)
{
    (void)state;
    give_alice_two_devices();
    reg.hold_store = true;
    revoke(&alice, carol.device);
    assert_int_equal(fake_store_pending(reg.store), 1);
    reg.hold_store = false;
    fake_registry_crash(&reg);
    assert_true(fake_enter(&reg, &carol));
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_REVOKED), 0);
    assert_int_equal(list_revoked(&carol).version, 0);
}

static void
revoking_again_is_done_and_revoking_nothing_is_refused(void **state)
{
    (void)state;
    give_alice_two_devices();
    revoke(&alice, carol.device);
    revoke(&alice, carol.device);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_DONE), 2);
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_REVOKED), 1);
    revoke(&alice, 99);
    expect_error(alice.link, "bad-arguments");
}

static void
nobody_revokes_the_device_of_another_account(void **state)
{
    (void)state;
    give_alice_two_devices();
    assert_true(fake_enter(&reg, &bob));
    revoke(&bob, 2); /* a number that alice has and bob has not */
    expect_error(bob.link, "bad-arguments");
    assert_int_equal(sessions_now(), 3);
}

static void
a_login_that_waits_behind_its_revocation_is_refused(void **state)
{
    (void)state;
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "alice", "correct horse"));
    assert_true(fake_enter(&reg, &alice));
    reg.hold_store = true;
    revoke(&alice, carol.device);
    fake_device_new_mail(&carol); /* so that it needs a certificate, and the account */
    assert_false(fake_enter(&reg, &carol));
    fake_registry_commit(&reg);
    assert_int_equal(fake_registry_sent_count(&reg, carol.link, MSG_WELCOME), 0);
    expect_error(carol.link, "unknown-key");
}

static void
a_login_between_revocation_and_commit_is_ended_by_the_commit(void **state)
{
    (void)state;
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "alice", "correct horse"));
    assert_true(fake_enter(&reg, &alice));
    reg.hold_store = true;
    revoke(&alice, carol.device);
    assert_true(fake_enter(&reg, &carol));
    fake_registry_commit(&reg);
    assert_true(fake_registry_dropped(&reg, carol.link));
    assert_int_equal(sessions_now(), 1);
}

static void
the_list_is_signed_once_for_each_version(void **state)
{
    (void)state;
    give_alice_two_devices();
    (void)list_revoked(&alice);
    const uint64_t signs = reg.vault.signs;
    (void)list_revoked(&alice);
    (void)list_revoked(&alice);
    assert_int_equal(reg.vault.signs, signs);
    revoke(&alice, carol.device);
    assert_int_equal(reg.vault.signs, signs + 1);
    assert_int_equal(list_revoked(&alice).version, 1);
    assert_int_equal(reg.vault.signs, signs + 1);
}

static void
who_asks_while_the_list_is_signed_is_answered_then(void **state)
{
    const struct msg_list_revoked ask = {33, 0};

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    reg.hold_vault = true;
    fake_say(&reg, &alice, MSG_LIST_REVOKED, &ask);
    fake_say(&reg, &bob, MSG_LIST_REVOKED, &ask);
    assert_int_equal(fake_registry_sent_count(&reg, BROKER_LINK_VAULT, MSG_VAULT_SIGN), 1);
    logout(&bob);
    reg.hold_vault = false;
    fake_registry_pass(&reg, 2100);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_REVOKED), 1);
    assert_int_equal(fake_registry_sent_count(&reg, bob.link, MSG_REVOKED), 0);
}

static void
entries_leave_the_list_after_forty_days(void **state)
{
    (void)state;
    give_alice_two_devices();
    revoke(&alice, carol.device);
    fake_registry_pass(&reg, 41ull * 24 * 3600 * 1000);
    assert_true(fake_enter(&reg, &bob));
    assert_int_equal(list_revoked(&bob).entries.count, 0);
    assert_true(fake_enter(&reg, &alice));
    revoke(&alice, alice.device);
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_REVOKED), 1); /* the old one is gone */
}

static void
revoked_records_make_room_for_new_devices(void **state)
{
    struct fake_device device;

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    for (unsigned i = 0; i < 40; i++) {
        fake_device_init(&device, 300 + i);
        assert_true(fake_admit(&reg, &device, MSG_ENROL, "alice", "correct horse"));
        assert_int_equal(device.device, 2 + i);
        fake_registry_clear(&reg);
        revoke(&alice, device.device);
        assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_DONE), 1);
    }
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_DEVICES), MSG_DEVICE_COUNT + 1);
}

/* ---- the end of an account ---- */

static void
a_deleted_account_is_gone_and_its_name_is_free(void **state)
{
    struct fake_device eve;

    (void)state;
    give_alice_two_devices();
    assert_true(fake_enter(&reg, &bob));
    watch(&bob, "alice");
    fake_registry_clear(&reg);
    delete_account(&alice);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_DONE), 1);
    assert_true(fake_registry_dropped(&reg, alice.link));
    assert_true(fake_registry_dropped(&reg, carol.link));
    assert_int_equal(sessions_now(), 1);
    expect_presence(&bob, 0, "alice", MSG_STATUS_OFFLINE, "");
    expect_found(&bob, "alice", MSG_STATUS_NOT_FOUND);
    assert_int_equal(list_revoked(&bob).entries.count, 2);
    assert_false(fake_enter(&reg, &alice));
    fake_device_init(&eve, 105);
    assert_true(fake_admit(&reg, &eve, MSG_SIGNUP, "alice", "another one"));
    assert_int_not_equal(eve.account, alice.account);
    assert_true(fake_enter(&reg, &eve));
    fake_registry_pass(&reg, 2000);
    /* Who watched the old account is not told of the new one. */
    assert_int_equal(fake_registry_sent_count(&reg, bob.link, MSG_PRESENCE), 0);
    expect_found(&bob, "alice", MSG_STATUS_ONLINE);
}

static void
the_number_of_accounts_goes_down_again(void **state)
{
    (void)state;
    reg.settings.accounts = 2;
    broker_front_core_set(reg.core, &reg.settings);
    assert_true(fake_enter(&reg, &alice));
    delete_account(&alice);
    fake_registry_crash(&reg);
    assert_true(fake_admit(&reg, &carol, MSG_SIGNUP, "carol", "correct horse"));
    assert_int_equal(carol.account, 3);
}

static void
an_enrolment_that_waits_behind_the_deletion_is_refused(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    reg.hold_store = true;
    delete_account(&alice);
    const uint64_t ticket = fake_ask_signup(&reg, &carol, MSG_ENROL, "alice", "correct horse");
    fake_registry_commit(&reg);
    expect_told(ticket, MSG_ERROR);
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_DEVICES), 1);
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_OWNERS), 1);
}

static void
who_waits_for_the_list_of_a_silent_vault_is_told_busy(void **state)
{
    const struct msg_list_revoked ask = {33, 0};
    const struct msg_ping ping = {MSG_STATUS_ONLINE};

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    reg.hold_vault = true;
    fake_say(&reg, &alice, MSG_LIST_REVOKED, &ask);
    fake_registry_pass(&reg, 15000);
    fake_say(&reg, &alice, MSG_PING, &ping);
    fake_registry_pass(&reg, 8000);
    expect_error(alice.link, "busy");
}

static void
a_list_that_is_outdated_when_it_is_signed_is_made_again_before_it_is_shown(void **state)
{
    const struct msg_list_revoked ask = {33, 0};
    struct msg_revocations list;

    (void)state;
    give_alice_two_devices();
    reg.hold_vault = true;
    fake_say(&reg, &alice, MSG_LIST_REVOKED, &ask);
    revoke(&alice, carol.device);
    reg.hold_vault = false;
    fake_registry_pass(&reg, 2100);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_REVOKED), 1);
    assert_true(fake_registry_sent(&reg, alice.link, MSG_REVOKED, 0, &any));
    assert_int_equal(msg_cert_open_revocations(&list, any.MSG_ANY_REVOKED.list, &reg.vault.pub), CONCLAVE_OK);
    assert_int_equal(list.version, 1);
}

static void
a_session_that_ends_during_its_revocation_does_not_undo_it(void **state)
{
    struct msg_span key, value;
    enum msg_kind kind;

    (void)state;
    give_alice_two_devices();
    reg.hold_store = true;
    revoke(&alice, carol.device);
    fake_registry_down(&reg, carol.link);
    fake_registry_commit(&reg);
    assert_true(fake_store_at(reg.store, BROKER_TABLE_DEVICES, 1, &key, &value));
    assert_int_equal(msg_codec_decode(value, &kind, &any), CONCLAVE_OK);
    assert_int_equal(any.MSG_ANY_REC_DEVICE.device, carol.device);
    assert_int_not_equal(any.MSG_ANY_REC_DEVICE.revoked_ms, 0);
}

static void
a_list_that_is_outdated_is_not_shown(void **state)
{
    const struct msg_list_revoked ask = {33, 0};

    (void)state;
    give_alice_two_devices();
    (void)list_revoked(&alice);
    reg.hold_vault = true;
    fake_registry_clear(&reg);
    revoke(&alice, carol.device);
    fake_say(&reg, &alice, MSG_LIST_REVOKED, &ask);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_REVOKED), 0);
}

static void
who_logged_in_anew_is_not_given_the_answer_of_the_session_before(void **state)
{
    const struct msg_list_revoked ask = {33, 0};

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    reg.hold_vault = true;
    fake_say(&reg, &alice, MSG_LIST_REVOKED, &ask);
    logout(&alice);
    assert_true(fake_enter(&reg, &alice));
    reg.hold_vault = false;
    fake_registry_pass(&reg, 2100);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_REVOKED), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(devices_are_listed_with_what_they_are),
        CASE(a_revoked_device_is_cut_off_and_comes_back_only_with_the_password),
        CASE(nothing_of_a_revocation_is_said_before_it_is_stored),
        CASE(a_crash_before_the_commit_revokes_nothing_and_half_is_never_there),
        CASE(revoking_again_is_done_and_revoking_nothing_is_refused),
        CASE(nobody_revokes_the_device_of_another_account),
        CASE(a_login_that_waits_behind_its_revocation_is_refused),
        CASE(a_login_between_revocation_and_commit_is_ended_by_the_commit),
        CASE(the_list_is_signed_once_for_each_version),
        CASE(who_asks_while_the_list_is_signed_is_answered_then),
        CASE(entries_leave_the_list_after_forty_days),
        CASE(revoked_records_make_room_for_new_devices),
        CASE(a_deleted_account_is_gone_and_its_name_is_free),
        CASE(the_number_of_accounts_goes_down_again),
        CASE(an_enrolment_that_waits_behind_the_deletion_is_refused),
        CASE(who_waits_for_the_list_of_a_silent_vault_is_told_busy),
        CASE(a_list_that_is_outdated_when_it_is_signed_is_made_again_before_it_is_shown),
        CASE(a_session_that_ends_during_its_revocation_does_not_undo_it),
        CASE(a_list_that_is_outdated_is_not_shown),
        CASE(who_logged_in_anew_is_not_given_the_answer_of_the_session_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

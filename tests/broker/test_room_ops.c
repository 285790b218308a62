/* Claims about broker/rooms/room_ops and room_judge: what may be handed in, by whom,
 * and what is said to the rest. */
#include "tests/broker/rooms_world.h"

static const struct msg_id OTHER = {{'o', 't', 'h', 'e', 'r'}};

static void
a_room_is_made_joined_and_left(void **state)
{
    struct msg_rec_room record;

    (void)state;
    DO(create(&alice, &LOBBY, "#Lobby", 0, ""));
    assert_true(room_record(&LOBBY, &record));
    expect_text(record.name, "#Lobby");
    expect_text(record.topic, "what it is about");
    assert_int_equal(record.number, 1);
    assert_int_equal(part_on_disk(&LOBBY, &alice).role, MSG_ROLE_OWNER);
    DO(act(&bob, MSG_ACT_JOIN, NULL));
    assert_int_equal(part_on_disk(&LOBBY, &bob).role, MSG_ROLE_MEMBER);
    DO(act(&bob, MSG_ACT_LEAVE, NULL));
    assert_int_equal(part_on_disk(&LOBBY, &bob).role, MSG_ROLE_NONE);
    assert_true(room_record(&LOBBY, &record));
    assert_int_equal(record.number, 3);
    assert_int_equal(record.epoch, 2);
}

static void
a_name_is_taken_once_and_free_when_its_room_is_gone(void **state)
{
    (void)state;
    DO(create(&alice, &LOBBY, "#Lobby", 0, ""));
    assert_string_equal(create(&bob, &OTHER, "#lobby", 0, ""), "room-exists");
    DO(act(&alice, MSG_ACT_LEAVE, NULL));
    DO(create(&bob, &OTHER, "#lobby", 0, ""));
    assert_string_equal(create(&alice, &LOBBY, "#again", 0, ""), "room-exists"); /* an id is for one room */
    assert_string_equal(create(&bob, &LOBBY, "lobby", 0, ""), "bad-name");
}

static void
the_same_operation_again_is_done_and_counts_once(void **state)
{
    struct msg_rec_room record;

    (void)state;
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    const struct msg_room_op join = an_op(&bob, &LOBBY, MSG_ACT_JOIN, NULL);
    DO(hand_in(&bob, &join, ""));
    DO(hand_in(&bob, &join, ""));
    assert_true(room_record(&LOBBY, &record));
    assert_int_equal(record.number, 2);
    /* But not once it went on: it is no way back in. */
    DO(act(&bob, MSG_ACT_LEAVE, NULL));
    assert_string_equal(hand_in(&bob, &join, ""), "bad-arguments");
    assert_int_equal(part_on_disk(&LOBBY, &bob).role, MSG_ROLE_NONE);
}

static void
an_operation_of_another_key_account_device_or_room_is_refused(void **state)
{
    (void)state;
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    DO(create(&alice, &OTHER, "#other", 0, ""));
    struct msg_room_op op = an_op(&bob, &LOBBY, MSG_ACT_JOIN, NULL);
    assert_string_equal(hand_in_bytes(&bob, &LOBBY, signed_op(&op, &carol.sign_sec), ""), "bad-arguments");
    assert_string_equal(hand_in_bytes(&carol, &LOBBY, signed_op(&op, &bob.sign_sec), ""), "bad-arguments");
    assert_string_equal(hand_in_bytes(&bob, &OTHER, signed_op(&op, &bob.sign_sec), ""), "bad-arguments");
    op.device++;
    assert_string_equal(hand_in(&bob, &op, ""), "bad-arguments");
    struct msg_room_op make = an_op(&bob, &(struct msg_id){{7}}, MSG_ACT_CREATE, NULL);
    make.name = msg_text("#third");
    assert_string_equal(hand_in_bytes(&bob, &LOBBY, signed_op(&make, &bob.sign_sec), ""), "bad-arguments");
    assert_string_equal(hand_in_bytes(&bob, &LOBBY, msg_span("\x93", 1), ""), "bad-arguments");
    assert_int_equal(part_on_disk(&LOBBY, &bob).role, MSG_ROLE_NONE);
    assert_int_equal(part_on_disk(&LOBBY, &carol).role, MSG_ROLE_NONE);
    op.device--;
    DO(hand_in(&bob, &op, "")); /* it was the lies alone */
}

static void
what_was_seen_must_be_there_and_be_so(void **state)
{
    (void)state;
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    struct msg_room_op op = an_op(&bob, &LOBBY, MSG_ACT_JOIN, NULL);
    op.seen++; /* the future */
    assert_string_equal(hand_in(&bob, &op, ""), "bad-arguments");
    op.seen = 0;
    assert_string_equal(hand_in(&bob, &op, ""), "bad-arguments");
    op = an_op(&bob, &LOBBY, MSG_ACT_JOIN, NULL);
    op.seen_head.at[0] ^= 1; /* another history */
    assert_string_equal(hand_in(&bob, &op, ""), "bad-arguments");
    assert_int_equal(part_on_disk(&LOBBY, &bob).role, MSG_ROLE_NONE);
}

static void
what_was_seen_long_ago_is_refused_and_counted(void **state)
{
    (void)state;
    struct broker_front_counts counts;

    reg.settings.requests_burst = reg.settings.requests_per_s = 100000;
    broker_front_core_set(reg.core, &reg.settings);
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    const struct msg_room_op old = an_op(&bob, &LOBBY, MSG_ACT_JOIN, NULL);
    for (unsigned i = 0; i < MSG_ROOM_SEEN_MAX; i++)
        DO(act(&alice, MSG_ACT_TOPIC, NULL));
    assert_string_equal(hand_in(&bob, &old, ""), "bad-arguments");
    broker_front_core_counts(reg.core, &counts);
    assert_int_equal(counts.stale_ops, 1);
    DO(act(&bob, MSG_ACT_JOIN, NULL)); /* signed anew */
    broker_front_core_counts(reg.core, &counts);
    assert_int_equal(counts.stale_ops, 1);
}

static void
nobody_but_the_registry_revokes(void **state)
{
    (void)state;
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    DO(act(&bob, MSG_ACT_JOIN, NULL));
    assert_string_equal(act(&alice, MSG_ACT_REVOKED, &bob), "forbidden");
    struct msg_room_op op = an_op(&alice, &LOBBY, MSG_ACT_REVOKED, &bob);
    op.account = op.device = 0;
    assert_string_equal(hand_in_bytes(&alice, &LOBBY, signed_op(&op, NULL), ""), "forbidden");
    assert_int_equal(part_on_disk(&LOBBY, &bob).role, MSG_ROLE_MEMBER);
}

static void
roles_decide_who_may_do_what(void **state)
{
    (void)state;
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    DO(act(&bob, MSG_ACT_JOIN, NULL));
    assert_string_equal(act(&carol, MSG_ACT_TOPIC, NULL), "not-a-member");
    assert_string_equal(act(&bob, MSG_ACT_KICK, &alice), "forbidden");
    assert_string_equal(act(&bob, MSG_ACT_DELETE, NULL), "forbidden");
    DO(act(&alice, MSG_ACT_BAN, &bob));
    assert_string_equal(act(&bob, MSG_ACT_JOIN, NULL), "forbidden"); /* also from the store: he is no member now */
    fake_registry_crash(&reg);
    assert_true(fake_enter(&reg, &alice) && fake_enter(&reg, &bob));
    assert_string_equal(act(&bob, MSG_ACT_JOIN, NULL), "forbidden");
    DO(act(&alice, MSG_ACT_UNBAN, &bob));
    DO(act(&bob, MSG_ACT_JOIN, NULL));
    struct msg_room_op op = an_op(&alice, &LOBBY, MSG_ACT_INVITE, NULL);
    op.subject = 999;
    assert_string_equal(hand_in(&alice, &op, ""), "no-such-user");
}

static void
nobody_is_drawn_into_a_room_by_an_act_that_is_not_about_them(void **state)
{
    (void)state;
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    assert_string_equal(act(&bob, MSG_ACT_JOIN, &carol), "bad-arguments");
    DO(act(&bob, MSG_ACT_JOIN, NULL));
    assert_string_equal(act(&bob, MSG_ACT_LEAVE, &carol), "bad-arguments");
    assert_string_equal(act(&alice, MSG_ACT_TOPIC, &carol), "bad-arguments");
    assert_string_equal(act(&alice, MSG_ACT_DELETE, &carol), "bad-arguments");
    DO(act(&alice, MSG_ACT_LEAVE, &bob));
    assert_int_equal(part_on_disk(&LOBBY, &bob).role, MSG_ROLE_OWNER);
}

static void
a_device_that_is_revoked_while_its_password_is_checked_does_not_get_in(void **state)
{
    const struct msg_revoke revoke = {30, 2};
    struct fake_device phone;

    (void)state;
    fake_device_init(&phone, 104);
    assert_true(fake_admit(&reg, &phone, MSG_ENROL, "bob", "battery staple"));
    assert_true(fake_enter(&reg, &phone));
    DO(create(&alice, &LOBBY, "#lobby", MSG_ROOM_LOCKED, "open sesame"));
    const struct msg_room_op join = an_op(&phone, &LOBBY, MSG_ACT_JOIN, NULL);
    reg.hold_vault = true;
    hand_in(&phone, &join, "open sesame");
    fake_say(&reg, &bob, MSG_REVOKE, &revoke);
    reg.hold_vault = false;
    fake_registry_pass(&reg, 3000);
    assert_int_equal(part_on_disk(&LOBBY, &bob).role, MSG_ROLE_NONE);
    DO(act(&alice, MSG_ACT_TOPIC, NULL));
}

static void
a_private_room_is_joined_by_invitation_alone(void **state)
{
    (void)state;
    DO(create(&alice, &LOBBY, "#lobby", MSG_ROOM_PRIVATE, ""));
    assert_string_equal(act(&bob, MSG_ACT_JOIN, NULL), "no-such-room"); /* a stranger learns nothing */
    DO(act(&alice, MSG_ACT_INVITE, &bob));
    assert_int_equal(entries_told(&bob, 0), 1);
    DO(act(&bob, MSG_ACT_JOIN, NULL));
    assert_string_equal(act(&bob, MSG_ACT_INVITE, &carol), "forbidden");
}

static void
a_locked_room_opens_to_its_password(void **state)
{
    (void)state;
    assert_string_equal(create(&alice, &LOBBY, "#lobby", MSG_ROOM_LOCKED, ""), "bad-arguments");
    assert_string_equal(create(&alice, &LOBBY, "#lobby", 0, "open sesame"), "bad-arguments");
    DO(create(&alice, &LOBBY, "#lobby", MSG_ROOM_LOCKED, "open sesame"));
    assert_int_equal(reg.vault.hashes, 4); /* three accounts, and this */
    const struct msg_room_op join = an_op(&bob, &LOBBY, MSG_ACT_JOIN, NULL);
    assert_string_equal(hand_in(&bob, &join, "open barley"), "wrong-credentials");
    assert_int_equal(part_on_disk(&LOBBY, &bob).role, MSG_ROLE_NONE);
    DO(hand_in(&bob, &join, "open sesame"));
    DO(hand_in(&bob, &join, "")); /* again: it is done, whatever the password */
    assert_int_equal(part_on_disk(&LOBBY, &bob).role, MSG_ROLE_MEMBER);
    /* It outlives other changes, and a new start. */
    struct msg_room_op op = an_op(&alice, &LOBBY, MSG_ACT_TOPIC, NULL);
    op.text = msg_text("news");
    DO(hand_in(&alice, &op, ""));
    fake_registry_crash(&reg);
    assert_true(fake_enter(&reg, &carol));
    const struct msg_room_op hers = an_op(&carol, &LOBBY, MSG_ACT_JOIN, NULL);
    assert_string_equal(hand_in(&carol, &hers, ""), "wrong-credentials");
    DO(hand_in(&carol, &hers, "open sesame"));
}

static void
wrong_passwords_of_a_room_block_the_account_there_and_nobody_else(void **state)
{
    (void)state;
    DO(create(&alice, &LOBBY, "#lobby", MSG_ROOM_LOCKED, "open sesame"));
    DO(create(&alice, &OTHER, "#other", MSG_ROOM_LOCKED, "open sesame"));
    const struct msg_room_op join = an_op(&bob, &LOBBY, MSG_ACT_JOIN, NULL);
    for (int i = 0; i < 6; i++)
        assert_string_equal(hand_in(&bob, &join, i % 2 == 0 ? "" : "guess"), "wrong-credentials"); /* three guesses */
    assert_string_equal(hand_in(&bob, &join, "open sesame"), "blocked");
    const struct msg_room_op hers = an_op(&carol, &LOBBY, MSG_ACT_JOIN, NULL);
    DO(hand_in(&carol, &hers, "open sesame"));
    const struct msg_room_op there = an_op(&bob, &OTHER, MSG_ACT_JOIN, NULL);
    DO(hand_in(&bob, &there, "open sesame"));
    fake_registry_pass(&reg, 10000);
    const struct msg_room_op later = an_op(&bob, &LOBBY, MSG_ACT_JOIN, NULL);
    DO(hand_in(&bob, &later, "open sesame"));
}

static void
a_password_is_asked_for_once_at_a_time_and_given_up_when_the_vault_is_away(void **state)
{
    (void)state;
    reg.hold_vault = true;
    assert_string_equal(create(&alice, &LOBBY, "#lobby", MSG_ROOM_LOCKED, "open sesame"), "");
    assert_string_equal(create(&alice, &OTHER, "#other", MSG_ROOM_LOCKED, "open sesame"), "busy");
    fake_registry_clear(&reg);
    fake_registry_pass(&reg, 30000);
    assert_string_equal(outcome(&alice), "busy");
    reg.hold_vault = false;
    DO(create(&alice, &LOBBY, "#lobby", MSG_ROOM_LOCKED, "open sesame"));
}

static void
a_room_is_there_once_it_is_on_disk(void **state)
{
    (void)state;
    reg.hold_store = true;
    assert_string_equal(create(&alice, &LOBBY, "#lobby", 0, ""), "");
    assert_string_equal(act(&bob, MSG_ACT_JOIN, NULL), "no-such-room");
    fake_registry_commit(&reg);
    assert_string_equal(outcome(&alice), "done");
    reg.hold_store = false;
    DO(act(&bob, MSG_ACT_JOIN, NULL));
}

static void
quotas_hold_for_rooms_members_and_invitations(void **state)
{
    char name[16];

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct msg_id id = {{(uint8_t)(i + 1)}};
        snprintf(name, sizeof name, "#room%u", i);
        DO(create(&alice, &id, name, 0, ""));
    }
    assert_string_equal(create(&alice, &LOBBY, "#lobby", 0, ""), "quota-exceeded"); /* account_rooms */
    reg.hold_vault = true; /* said before a password is hashed for it */
    assert_string_equal(create(&alice, &LOBBY, "#lobby", MSG_ROOM_LOCKED, "open sesame"), "quota-exceeded");
    reg.hold_vault = false;
    DO(create(&bob, &LOBBY, "#lobby", 0, ""));
    assert_string_equal(act(&alice, MSG_ACT_JOIN, NULL), "quota-exceeded");
    reg.settings.room_members = 2;
    broker_front_core_set(reg.core, &reg.settings);
    DO(act(&carol, MSG_ACT_JOIN, NULL));
    DO(act(&bob, MSG_ACT_INVITE, &alice)); /* invitations are counted apart */
    reg.settings.room_members = 1;
    broker_front_core_set(reg.core, &reg.settings);
    struct fake_device dave;
    fake_device_init(&dave, 104);
    assert_true(fake_admit(&reg, &dave, MSG_SIGNUP, "dave", "yellow parrot"));
    assert_string_equal(act(&bob, MSG_ACT_INVITE, &dave), "quota-exceeded"); /* as many again as members */
    reg.settings.room_members = 2;
    reg.settings.account_rooms = 1;
    broker_front_core_set(reg.core, &reg.settings);
    const struct msg_id first = {{1}};
    const struct msg_room_op once = an_op(&alice, &first, MSG_ACT_INVITE, &dave);
    DO(hand_in(&alice, &once, ""));
    assert_string_equal(act(&bob, MSG_ACT_INVITE, &dave), "quota-exceeded"); /* as many again as rooms */
    reg.settings.account_rooms = 100;
    broker_front_core_set(reg.core, &reg.settings);
    assert_string_equal(act(&alice, MSG_ACT_JOIN, NULL), "quota-exceeded"); /* room_members */
    reg.settings.rooms = 9;
    broker_front_core_set(reg.core, &reg.settings);
    assert_string_equal(create(&carol, &OTHER, "#other", 0, ""), "quota-exceeded"); /* rooms */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ROOMS_CASE(a_room_is_made_joined_and_left),
        ROOMS_CASE(a_name_is_taken_once_and_free_when_its_room_is_gone),
        ROOMS_CASE(the_same_operation_again_is_done_and_counts_once),
        ROOMS_CASE(an_operation_of_another_key_account_device_or_room_is_refused),
        ROOMS_CASE(what_was_seen_must_be_there_and_be_so),
        ROOMS_CASE(what_was_seen_long_ago_is_refused_and_counted),
        ROOMS_CASE(nobody_but_the_registry_revokes),
        ROOMS_CASE(roles_decide_who_may_do_what),
        ROOMS_CASE(nobody_is_drawn_into_a_room_by_an_act_that_is_not_about_them),
        ROOMS_CASE(a_device_that_is_revoked_while_its_password_is_checked_does_not_get_in),
        ROOMS_CASE(a_private_room_is_joined_by_invitation_alone),
        ROOMS_CASE(a_locked_room_opens_to_its_password),
        ROOMS_CASE(wrong_passwords_of_a_room_block_the_account_there_and_nobody_else),
        ROOMS_CASE(a_password_is_asked_for_once_at_a_time_and_given_up_when_the_vault_is_away),
        ROOMS_CASE(a_room_is_there_once_it_is_on_disk),
        ROOMS_CASE(quotas_hold_for_rooms_members_and_invitations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

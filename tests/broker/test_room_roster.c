/* Claims about broker/rooms/room_roster, room_landing and room_seats: entries are
 * told once they are on disk, a store that fails leaves the room as it was,
 * and who is revoked or gone is out of its rooms in the same transaction. */
#include "broker/core/front_state.h"
#include "tests/broker/rooms_world.h"

static const struct msg_id OTHER = {{'o', 't', 'h', 'e', 'r'}};

/* Every entry on disk stands on the one before it, and the room on the last. */
static void
check_chain(const struct msg_id *id)
{
    const struct broker_view view = fake_store_view(reg.store);
    struct msg_room room = {.id = *id};
    struct msg_rec_room_entry entry;
    struct msg_rec_room record;
    struct msg_room_op op;
    uint64_t number = 0;

    while (broker_room_records_entry(&view, id, number + 1, &entry)) {
        const struct msg_entry told = {++number, entry.offset, entry.at_ms, entry.op, entry.certificate};
        msg_room_link(&room, &told, false);
        assert_memory_equal(room.head.at, entry.head.at, sizeof room.head.at);
        assert_int_equal(msg_room_open_op(&op, entry.op, NULL), CONCLAVE_OK);
        struct msg_cert_body body;
        assert_int_equal(broker_accounts_read_certificate(entry.certificate, &body), op.act != MSG_ACT_REVOKED);
        if (op.act != MSG_ACT_REVOKED) {
            assert_int_equal(body.account, op.account);
            assert_int_equal(body.device, op.device);
        }
    }
    if (!room_record(id, &record))
        return;
    assert_int_equal(record.number, number);
    assert_memory_equal(record.head.at, room.head.at, sizeof room.head.at);
}

/* The act of the last entry on disk. */
static uint64_t
last_act(const struct msg_id *id)
{
    const struct broker_view view = fake_store_view(reg.store);
    struct msg_rec_room_entry entry;
    struct msg_room_op op = {.act = 0};

    for (uint64_t number = 1; broker_room_records_entry(&view, id, number, &entry); number++)
        assert_int_equal(msg_room_open_op(&op, entry.op, NULL), CONCLAVE_OK);
    return op.act;
}

static void
lobby_of_three(void)
{
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    DO(act(&bob, MSG_ACT_JOIN, NULL));
    DO(act(&carol, MSG_ACT_JOIN, NULL));
}

static void
nothing_is_said_before_it_is_on_disk_and_then_all_members_are_told(void **state)
{
    (void)state;
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    reg.hold_store = true;
    assert_string_equal(act(&bob, MSG_ACT_JOIN, NULL), "");
    assert_int_equal(reg.sent_count, 0);
    fake_registry_commit(&reg);
    assert_string_equal(outcome(&bob), "done");
    assert_int_equal(entries_told(&alice, 0), 1);
    assert_int_equal(entries_told(&bob, 0), 1);
    assert_int_equal(fake_registry_sent_count(&reg, carol.link, MSG_KIND_NONE), 0);
    struct msg_entry entry;
    assert_true(fake_registry_sent(&reg, alice.link, MSG_ENTRIES, 0, &any));
    assert_int_equal(any.MSG_ANY_ENTRIES.req, 0);
    assert_true(msg_codec_next(&any.MSG_ANY_ENTRIES.entries, MSG_ENTRY, &entry));
    assert_int_equal(entry.number, 2);
    check_chain(&LOBBY);
}

static void
what_comes_while_one_is_stored_makes_the_next_transaction_together(void **state)
{
    (void)state;
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    reg.hold_store = true;
    act(&bob, MSG_ACT_JOIN, NULL);
    act(&carol, MSG_ACT_JOIN, NULL);
    act(&alice, MSG_ACT_TOPIC, NULL);
    fake_registry_clear(&reg);
    const uint64_t before = reg.loops;
    fake_registry_commit(&reg);
    assert_int_equal(reg.loops - before, 2); /* two transactions for three */
    assert_string_equal(outcome(&bob), "done");
    assert_string_equal(outcome(&carol), "done");
    assert_string_equal(outcome(&alice), "done");
    assert_int_equal(entries_told(&carol, 0), 2);
    assert_int_equal(part_on_disk(&LOBBY, &carol).last, 3);
    check_chain(&LOBBY);
}

static void
an_operation_asked_again_while_it_is_stored_is_answered_once_where_it_was_asked_last(void **state)
{
    (void)state;
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    const struct msg_room_op join = an_op(&bob, &LOBBY, MSG_ACT_JOIN, NULL);
    reg.hold_store = true;
    hand_in(&bob, &join, "");
    fake_registry_down(&reg, bob.link);
    bob.link = 202;
    fake_enter(&reg, &bob);
    hand_in(&bob, &join, "");
    fake_registry_commit(&reg);
    assert_int_equal(fake_registry_sent_count(&reg, 202, MSG_DONE), 1);
    assert_int_equal(entries_told(&bob, 0), 1);
    check_chain(&LOBBY);
}

static void
a_store_that_fails_leaves_the_room_as_it_was(void **state)
{
    struct msg_rec_room record;

    (void)state;
    lobby_of_three();
    reg.full = true;
    assert_string_equal(act(&alice, MSG_ACT_KICK, &bob), "quota-exceeded");
    assert_string_equal(act(&bob, MSG_ACT_LEAVE, NULL), "quota-exceeded");
    assert_string_equal(act(&alice, MSG_ACT_DELETE, NULL), "quota-exceeded");
    assert_string_equal(create(&alice, &OTHER, "#other", 0, ""), "quota-exceeded");
    assert_int_equal(entries_told(&bob, 0), 0);
    reg.full = false;
    assert_true(room_record(&LOBBY, &record));
    assert_int_equal(record.number, 3);
    DO(create(&carol, &OTHER, "#other", 0, "")); /* the name was let go */
    DO(act(&bob, MSG_ACT_LEAVE, NULL));          /* he still was in it */
    assert_int_equal(entries_told(&alice, 0), 1);
    check_chain(&LOBBY);
}

static void
what_waits_behind_a_transaction_that_fails_is_decided_anew(void **state)
{
    (void)state;
    lobby_of_three();
    reg.hold_store = true;
    act(&alice, MSG_ACT_KICK, &bob);
    /* While bob is being removed he may say nothing; carol may. */
    assert_string_equal(act(&bob, MSG_ACT_LEAVE, NULL), "not-a-member");
    act(&carol, MSG_ACT_LEAVE, NULL);
    fake_registry_clear(&reg);
    reg.full = true;
    uint64_t id;
    assert_true(fake_store_refuse(reg.store, &id)); /* the first alone */
    reg.full = false;
    const struct msg_event stored = {.kind = EVENT_STORED, .id = id, .err = CONCLAVE_ERR_STORE_IO};
    fake_registry_step(&reg, &stored);
    assert_string_equal(outcome(&alice), "internal");
    fake_registry_commit(&reg);
    assert_string_equal(outcome(&carol), "done");
    assert_int_equal(part_on_disk(&LOBBY, &bob).role, MSG_ROLE_MEMBER);
    check_chain(&LOBBY);
    reg.hold_store = false;
    DO(act(&bob, MSG_ACT_LEAVE, NULL)); /* he was in it all the time */
}

static void
a_crash_between_loses_the_entry_and_nothing_else(void **state)
{
    (void)state;
    lobby_of_three();
    reg.hold_store = true;
    act(&alice, MSG_ACT_BAN, &bob);
    reg.hold_store = false;
    fake_registry_crash(&reg);
    assert_true(fake_enter(&reg, &alice) && fake_enter(&reg, &bob));
    assert_int_equal(part_on_disk(&LOBBY, &bob).role, MSG_ROLE_MEMBER);
    DO(act(&bob, MSG_ACT_LEAVE, NULL));
    check_chain(&LOBBY);
}

static void
who_is_kicked_is_told_and_hears_no_more(void **state)
{
    (void)state;
    lobby_of_three();
    DO(act(&alice, MSG_ACT_KICK, &bob));
    assert_int_equal(entries_told(&bob, 0), 1);
    DO(act(&carol, MSG_ACT_LEAVE, NULL));
    assert_int_equal(entries_told(&alice, 0), 1);
    assert_int_equal(entries_told(&bob, 0), 0);
    assert_int_equal(entries_told(&carol, 0), 1);
}

static void
a_revoked_device_is_an_entry_in_each_of_its_rooms(void **state)
{
    const struct msg_revoke revoke = {30, 2};
    struct fake_device phone;
    struct msg_rec_room record;

    (void)state;
    fake_device_init(&phone, 104);
    assert_true(fake_admit(&reg, &phone, MSG_ENROL, "bob", "battery staple"));
    assert_true(fake_enter(&reg, &phone));
    lobby_of_three();
    DO(create(&bob, &OTHER, "#other", MSG_ROOM_PRIVATE, ""));
    assert_int_equal(phone.device, 2);
    fake_registry_clear(&reg);
    fake_say(&reg, &bob, MSG_REVOKE, &revoke);
    assert_string_equal(outcome(&bob), "done");
    assert_int_equal(last_act(&LOBBY), MSG_ACT_REVOKED);
    assert_int_equal(last_act(&OTHER), MSG_ACT_REVOKED);
    assert_true(room_record(&LOBBY, &record));
    assert_int_equal(record.epoch, 2);
    assert_int_equal(part_on_disk(&LOBBY, &bob).role, MSG_ROLE_MEMBER); /* the account stays */
    assert_int_equal(entries_told(&alice, 0), 1);
    assert_int_equal(entries_told(&phone, 0), 1);
    check_chain(&LOBBY);
    check_chain(&OTHER);
    /* All or nothing, also when the store fails. */
    const struct msg_revoke himself = {31, 1};
    reg.full = true;
    fake_registry_clear(&reg);
    fake_say(&reg, &bob, MSG_REVOKE, &himself);
    assert_string_equal(outcome(&bob), "quota-exceeded");
    reg.full = false;
    assert_true(room_record(&LOBBY, &record));
    assert_int_equal(record.number, 4);
    DO(act(&bob, MSG_ACT_LEAVE, NULL));
    check_chain(&LOBBY);
}

static void
a_deleted_account_leaves_its_rooms_in_the_same_transaction(void **state)
{
    const struct msg_done ask = {32};
    struct msg_rec_room record;

    (void)state;
    lobby_of_three();
    DO(create(&alice, &OTHER, "#other", 0, ""));
    reg.hold_store = true;
    fake_registry_clear(&reg);
    fake_say(&reg, &alice, MSG_DELETE_ACCOUNT, &ask);
    reg.hold_store = false;
    uint64_t id;
    assert_true(fake_store_commit(reg.store, &id)); /* on disk, but the daemon dies before it says so */
    fake_registry_crash(&reg);
    assert_int_equal(last_act(&LOBBY), MSG_ACT_REVOKED);
    assert_false(room_record(&OTHER, &record)); /* the last one went */
    assert_int_equal(part_on_disk(&LOBBY, &alice).role, MSG_ROLE_NONE);
    check_chain(&LOBBY);
    assert_true(fake_enter(&reg, &bob) && fake_enter(&reg, &carol));
    DO(create(&bob, &(struct msg_id){{9}}, "#other", 0, ""));
    assert_string_equal(act(&bob, MSG_ACT_DELETE, NULL), "forbidden"); /* nobody owns it now */
}

static void
a_deletion_waits_for_transactions_of_its_rooms_and_holds_back_the_next(void **state)
{
    const struct msg_done ask = {33};

    (void)state;
    lobby_of_three();
    const struct msg_room_op late = an_op(&carol, &LOBBY, MSG_ACT_LEAVE, NULL);
    reg.hold_store = true;
    act(&alice, MSG_ACT_TOPIC, NULL);
    fake_say(&reg, &bob, MSG_DELETE_ACCOUNT, &ask);
    hand_in(&carol, &late, "");
    assert_string_equal(act(&bob, MSG_ACT_LEAVE, NULL), "busy"); /* he is going already */
    assert_string_equal(act(&alice, MSG_ACT_KICK, &bob), "busy");
    fake_registry_clear(&reg);
    fake_registry_commit(&reg);
    assert_string_equal(outcome(&bob), "done");
    assert_string_equal(outcome(&carol), "done");
    assert_int_equal(part_on_disk(&LOBBY, &bob).role, MSG_ROLE_NONE);
    assert_int_equal(last_act(&LOBBY), MSG_ACT_LEAVE); /* carol's came after the deletion */
    check_chain(&LOBBY);
}

static void
an_answer_is_for_the_session_that_asked(void **state)
{
    (void)state;
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    reg.hold_store = true;
    act(&bob, MSG_ACT_JOIN, NULL);
    logout(&bob);
    fake_enter(&reg, &bob);
    fake_registry_clear(&reg);
    fake_registry_commit(&reg);
    assert_int_equal(fake_registry_sent_count(&reg, bob.link, MSG_DONE), 0);
    assert_int_equal(part_on_disk(&LOBBY, &bob).role, MSG_ROLE_MEMBER);
}

/* What is held back for a deletion goes on when that gives up. */
static void
a_deletion_that_gives_up_lets_go_of_its_rooms(void **state)
{
    const struct msg_done ask = {34};

    (void)state;
    lobby_of_three();
    DO(create(&carol, &OTHER, "#other", 0, ""));
    const struct msg_room_op his = an_op(&bob, &OTHER, MSG_ACT_JOIN, NULL);
    DO(hand_in(&bob, &his, ""));
    reg.hold_store = true;
    act(&alice, MSG_ACT_TOPIC, NULL);
    fake_say(&reg, &bob, MSG_DELETE_ACCOUNT, &ask);
    const struct msg_room_op hers = an_op(&carol, &OTHER, MSG_ACT_TOPIC, NULL);
    assert_string_equal(hand_in(&carol, &hers, ""), "");
    fake_registry_pass(&reg, 22000);
    assert_string_equal(outcome(&bob), "busy");
    fake_registry_commit(&reg);
    assert_string_equal(outcome(&carol), "done");
}

static void
a_revocation_lets_go_of_rooms_that_it_does_not_touch(void **state)
{
    const struct msg_revoke himself = {35, 1};

    (void)state;
    lobby_of_three();
    DO(create(&carol, &OTHER, "#other", 0, ""));
    const struct msg_room_op invite = an_op(&carol, &OTHER, MSG_ACT_INVITE, &bob);
    DO(hand_in(&carol, &invite, ""));
    reg.hold_store = true;
    act(&alice, MSG_ACT_TOPIC, NULL);
    fake_say(&reg, &bob, MSG_REVOKE, &himself);
    const struct msg_room_op hers = an_op(&carol, &OTHER, MSG_ACT_TOPIC, NULL);
    hand_in(&carol, &hers, "");
    fake_registry_commit(&reg);
    assert_string_equal(outcome(&carol), "done");
    check_chain(&LOBBY);
    check_chain(&OTHER);
}

static void
invitations_go_with_the_account(void **state)
{
    const struct msg_done ask = {36};

    (void)state;
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    DO(act(&alice, MSG_ACT_INVITE, &bob));
    assert_int_equal(reg.core->rooms.members_count, 2);
    fake_say(&reg, &bob, MSG_DELETE_ACCOUNT, &ask);
    assert_int_equal(reg.core->rooms.members_count, 1);
    assert_int_equal(part_on_disk(&LOBBY, &bob).standing, 0);
    fake_registry_crash(&reg);
    assert_int_equal(reg.core->rooms.members_count, 1);
}

static void
a_seat_is_for_one_connection_of_one_who_is_in(void **state)
{
    struct fake_device dave;

    (void)state;
    fake_device_init(&dave, 104);
    assert_true(fake_admit(&reg, &dave, MSG_SIGNUP, "dave", "yellow parrot"));
    lobby_of_three();
    assert_int_equal(reg.core->rooms.seats_count, 3);
    for (uint32_t i = 0; i < reg.core->rooms.seats_high; i++)
        reg.core->rooms.seats[i].live = true;
    bob.link = 302;
    assert_true(fake_enter(&reg, &bob));
    const uint32_t session = broker_sessions_by_key(&reg.core->sessions, &bob.transport);
    assert_false(reg.core->rooms.seats[broker_rooms_seats_of(&reg.core->rooms, session) - 1].live);
    DO(act(&alice, MSG_ACT_INVITE, &dave));
    assert_true(fake_enter(&reg, &dave));
    assert_int_equal(reg.core->rooms.seats_count, 3); /* invited is not in */
    DO(act(&dave, MSG_ACT_JOIN, NULL));
    assert_int_equal(reg.core->rooms.seats_count, 4);
    DO(act(&alice, MSG_ACT_BAN, &bob));
    assert_int_equal(reg.core->rooms.seats_count, 3);
    logout(&carol);
    assert_int_equal(reg.core->rooms.seats_count, 2);
    check_chain(&LOBBY);
}

static void
a_log_in_meanwhile_is_told_what_is_on_disk(void **state)
{
    (void)state;
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    DO(act(&bob, MSG_ACT_JOIN, NULL));
    DO(act(&bob, MSG_ACT_LEAVE, NULL));
    reg.hold_store = true;
    act(&bob, MSG_ACT_JOIN, NULL);
    bob.link = 302;
    fake_enter(&reg, &bob);
    assert_true(fake_registry_sent(&reg, 302, MSG_ROOM_STATE, 0, &any));
    assert_int_equal(any.MSG_ANY_ROOM_STATE.rooms.count, 0);
    assert_int_equal(reg.core->rooms.seats_count, 1);
    fake_registry_commit(&reg);
    assert_int_equal(reg.core->rooms.seats_count, 2);
    assert_int_equal(entries_told(&bob, 0), 1);
}

static void
a_member_whose_account_is_gone_is_removed_at_the_start(void **state)
{
    const struct msg_record_key key = msg_record_key1(bob.account);
    struct msg_effects effects;

    (void)state;
    lobby_of_three();
    msg_effects_init(&effects); /* by hand, as no transaction of ours does */
    msg_effects_delete(&effects, BROKER_TABLE_ACCOUNTS, msg_record_key_span(&key));
    msg_effects_store(&effects, 1);
    for (size_t i = 0; i < effects.count; i++)
        assert_true(fake_store_take(reg.store, &effects, &effects.list[i]));
    msg_effects_wipe(&effects);
    uint64_t id;
    assert_true(fake_store_commit(reg.store, &id));
    fake_registry_crash(&reg);
    assert_int_equal(last_act(&LOBBY), MSG_ACT_REVOKED);
    assert_int_equal(part_on_disk(&LOBBY, &bob).role, MSG_ROLE_NONE);
    check_chain(&LOBBY);
}

static void
a_room_that_is_gone_is_kept_for_a_while_and_then_leaves_nothing(void **state)
{
    (void)state;
    DO(create(&bob, &OTHER, "#other", 0, ""));
    lobby_of_three();
    for (int i = 0; i < 150; i++) {
        DO(act(&alice, MSG_ACT_TOPIC, NULL));
        fake_registry_pass(&reg, 20); /* within the rate */
    }
    DO(act(&alice, MSG_ACT_DELETE, NULL));
    fake_registry_pass(&reg, 39ull * 24 * 3600 * 1000);
    assert_true(fake_enter(&reg, &alice));
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_ROOMS), 2);
    assert_string_equal(read_entries(&alice, &LOBBY, 0), "entries");
    for (int i = 0; i < 4; i++) {
        fake_registry_pass(&reg, 24ull * 3600 * 1000);
        assert_true(fake_enter(&reg, &alice));
    }
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_ROOMS), 1);
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_ROOM_ENTRIES), 1);
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_ROOM_MEMBERS), 1);
    assert_string_equal(read_entries(&alice, &LOBBY, 0), "no-such-room");
    check_chain(&OTHER);
}

static void
a_room_of_few_is_a_mesh_and_stays_one_a_while(void **state)
{
    struct fake_device dave;
    struct msg_rec_room record;

    (void)state;
    fake_device_init(&dave, 104);
    assert_true(fake_admit(&reg, &dave, MSG_SIGNUP, "dave", "yellow parrot"));
    assert_true(fake_enter(&reg, &dave));
    lobby_of_three(); /* up to two it becomes one, up to three it stays */
    assert_true(room_record(&LOBBY, &record) && record.mesh);
    DO(act(&dave, MSG_ACT_JOIN, NULL));
    assert_true(room_record(&LOBBY, &record) && !record.mesh);
    DO(act(&dave, MSG_ACT_LEAVE, NULL));
    assert_true(room_record(&LOBBY, &record) && !record.mesh);
    DO(act(&carol, MSG_ACT_LEAVE, NULL));
    assert_true(room_record(&LOBBY, &record) && record.mesh);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ROOMS_CASE(nothing_is_said_before_it_is_on_disk_and_then_all_members_are_told),
        ROOMS_CASE(what_comes_while_one_is_stored_makes_the_next_transaction_together),
        ROOMS_CASE(an_operation_asked_again_while_it_is_stored_is_answered_once_where_it_was_asked_last),
        ROOMS_CASE(a_store_that_fails_leaves_the_room_as_it_was),
        ROOMS_CASE(what_waits_behind_a_transaction_that_fails_is_decided_anew),
        ROOMS_CASE(a_crash_between_loses_the_entry_and_nothing_else),
        ROOMS_CASE(who_is_kicked_is_told_and_hears_no_more),
        ROOMS_CASE(a_revoked_device_is_an_entry_in_each_of_its_rooms),
        ROOMS_CASE(a_deleted_account_leaves_its_rooms_in_the_same_transaction),
        ROOMS_CASE(a_deletion_waits_for_transactions_of_its_rooms_and_holds_back_the_next),
        ROOMS_CASE(an_answer_is_for_the_session_that_asked),
        ROOMS_CASE(a_deletion_that_gives_up_lets_go_of_its_rooms),
        ROOMS_CASE(a_revocation_lets_go_of_rooms_that_it_does_not_touch),
        ROOMS_CASE(invitations_go_with_the_account),
        ROOMS_CASE(a_seat_is_for_one_connection_of_one_who_is_in),
        ROOMS_CASE(a_log_in_meanwhile_is_told_what_is_on_disk),
        ROOMS_CASE(a_member_whose_account_is_gone_is_removed_at_the_start),
        ROOMS_CASE(a_room_that_is_gone_is_kept_for_a_while_and_then_leaves_nothing),
        ROOMS_CASE(a_room_of_few_is_a_mesh_and_stays_one_a_while),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

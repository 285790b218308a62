/* Claims about broker/rooms/room_lists, room_cards, room_seats and room_watch: what
 * can be read of rooms, and by whom. */
#include "tests/broker/rooms_world.h"

static const struct msg_id OTHER = {{'o', 't', 'h', 'e', 'r'}};
static const struct msg_id NOWHERE = {{'n', 'o'}};

static bool
find(const struct fake_device *device, const char *name)
{
    const struct msg_room_find ask = {40, msg_text(name)};

    fake_registry_clear(&reg);
    fake_say(&reg, device, MSG_ROOM_FIND, &ask);
    if (fake_registry_sent(&reg, device->link, MSG_ROOM_FOUND, 0, &any))
        return true;
    assert_string_equal(outcome(device), "no-such-room");
    return false;
}

/* How many rooms the device is listed; one page. */
static uint64_t
list(const struct fake_device *device, bool detailed, const char *after)
{
    const struct msg_room_list ask = {41, detailed, msg_text(after)};

    fake_registry_clear(&reg);
    fake_say(&reg, device, MSG_ROOM_LIST, &ask);
    assert_true(fake_registry_sent(&reg, device->link, MSG_ROOMS, 0, &any));
    return any.MSG_ANY_ROOMS.rooms.count;
}

static const char *
ask_of(const struct fake_device *device, enum msg_kind kind, const struct msg_id *room, uint64_t after)
{
    const struct msg_room_of of = {42, *room, after};

    fake_registry_clear(&reg);
    fake_say(&reg, device, kind, &of);
    return outcome(device);
}

static const char *
ask_cards(const struct fake_device *device, const struct msg_id *room, uint64_t account, uint64_t number)
{
    const struct msg_cards_of of = {43, *room, account, number};

    fake_registry_clear(&reg);
    fake_say(&reg, device, MSG_CARDS_OF, &of);
    return outcome(device);
}

static uint64_t
cards_told(const struct fake_device *device)
{
    assert_true(fake_registry_sent(&reg, device->link, MSG_CARDS, 0, &any));
    return any.MSG_ANY_CARDS.cards.count;
}

static void
enter_anew(const struct fake_device *device)
{
    logout(device);
    fake_registry_clear(&reg);
    assert_true(fake_enter(&reg, device));
}

static void
a_room_is_found_with_what_a_newcomer_must_sign(void **state)
{
    struct msg_rec_room record;

    (void)state;
    DO(create(&alice, &LOBBY, "#Lobby", MSG_ROOM_HISTORY, ""));
    DO(act(&alice, MSG_ACT_BAN, &bob));
    assert_true(find(&bob, "#lobby"));
    const struct msg_room_found *found = &any.MSG_ANY_ROOM_FOUND;
    assert_true(room_record(&LOBBY, &record));
    expect_text(found->name, "#Lobby");
    expect_text(found->topic, "what it is about");
    assert_int_equal(found->flags, MSG_ROOM_HISTORY);
    assert_int_equal(found->members, 1);
    assert_int_equal(found->number, 2);
    assert_memory_equal(found->head.at, record.head.at, sizeof record.head.at);
    assert_int_equal(found->role, MSG_ROLE_NONE);
    assert_int_equal(found->standing, MSG_STANDING_BANNED);
    assert_false(find(&bob, "#nothing"));
    assert_false(find(&bob, "lobby"));
}

static void
a_private_room_is_there_for_members_and_invited_ones_alone(void **state)
{
    (void)state;
    DO(create(&alice, &LOBBY, "#secret", MSG_ROOM_PRIVATE, ""));
    assert_true(find(&alice, "#secret"));
    assert_false(find(&bob, "#secret"));
    assert_int_equal(list(&alice, false, ""), 1);
    assert_int_equal(list(&bob, false, ""), 0);
    assert_string_equal(ask_of(&bob, MSG_MEMBERS_OF, &LOBBY, 0), "no-such-room");
    assert_string_equal(ask_of(&bob, MSG_ENTRIES_OF, &LOBBY, 0), "no-such-room");
    assert_string_equal(ask_cards(&bob, &LOBBY, 0, 0), "no-such-room");
    DO(act(&alice, MSG_ACT_INVITE, &bob));
    assert_true(find(&bob, "#secret"));
    assert_int_equal(any.MSG_ANY_ROOM_FOUND.standing, MSG_STANDING_INVITED);
    assert_int_equal(list(&bob, false, ""), 1);
    assert_string_equal(ask_of(&bob, MSG_MEMBERS_OF, &LOBBY, 0), "no-such-room"); /* not in yet */
    assert_string_equal(read_entries(&bob, &LOBBY, 0), "entries");
}

static void
nothing_of_a_room_is_seen_before_it_is_on_disk(void **state)
{
    (void)state;
    reg.hold_store = true;
    create(&alice, &LOBBY, "#lobby", 0, "");
    assert_false(find(&alice, "#lobby"));
    assert_int_equal(list(&alice, false, ""), 0);
    fake_registry_commit(&reg);
    assert_true(find(&alice, "#lobby"));
    act(&bob, MSG_ACT_JOIN, NULL);
    assert_true(find(&bob, "#lobby"));
    assert_int_equal(any.MSG_ANY_ROOM_FOUND.role, MSG_ROLE_NONE);
    assert_int_equal(any.MSG_ANY_ROOM_FOUND.number, 1);
    assert_string_equal(ask_of(&bob, MSG_MEMBERS_OF, &LOBBY, 0), "not-a-member");
    fake_registry_commit(&reg);
    assert_true(find(&bob, "#lobby"));
    assert_int_equal(any.MSG_ANY_ROOM_FOUND.role, MSG_ROLE_MEMBER);
}

static void
a_list_comes_in_pages_and_has_topics_where_they_are_asked_for(void **state)
{
    struct msg_room_info info;
    char name[16], next[MSG_FOLD_MAX * 2 + 1] = "";
    uint64_t count = 0, pages = 0;

    (void)state;
    reg.settings.account_rooms = reg.settings.rooms = 200;
    reg.settings.memberships = 1000;
    fake_registry_crash(&reg); /* the tables grow at a start */
    assert_true(fake_enter(&reg, &alice));
    for (unsigned i = 0; i < 120; i++) {
        struct msg_id id = {{(uint8_t)(i + 1)}};
        snprintf(name, sizeof name, "#room%u", i);
        if (i % 50 == 0)
            fake_registry_pass(&reg, 3000); /* within the rate */
        DO(create(&alice, &id, name, 0, ""));
        count++;
    }
    uint64_t listed = 0;
    do {
        listed += list(&alice, true, next);
        assert_true(msg_codec_next(&any.MSG_ANY_ROOMS.rooms, MSG_ROOM_INFO, &info));
        expect_text(info.topic, "what it is about");
        msg_text_copy(next, sizeof next, any.MSG_ANY_ROOMS.next);
        pages++;
    } while (next[0] != '\0');
    assert_int_equal(listed, count);
    assert_int_equal(pages, 2);
    list(&alice, false, "");
    assert_true(msg_codec_next(&any.MSG_ANY_ROOMS.rooms, MSG_ROOM_INFO, &info));
    expect_text(info.topic, "");
    const struct msg_room_list bad = {41, false, msg_text("what")};
    fake_registry_clear(&reg);
    fake_say(&reg, &alice, MSG_ROOM_LIST, &bad);
    assert_string_equal(outcome(&alice), "bad-arguments");
}

static void
members_see_members_and_how_they_are(void **state)
{
    struct msg_member member;

    (void)state;
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    DO(act(&bob, MSG_ACT_JOIN, NULL));
    DO(act(&alice, MSG_ACT_BAN, &carol));
    logout(&bob);
    assert_string_equal(ask_of(&carol, MSG_MEMBERS_OF, &LOBBY, 0), "not-a-member");
    assert_string_equal(ask_of(&carol, MSG_MEMBERS_OF, &NOWHERE, 0), "no-such-room");
    ask_of(&alice, MSG_MEMBERS_OF, &LOBBY, 0);
    assert_true(fake_registry_sent(&reg, alice.link, MSG_MEMBERS, 0, &any));
    struct msg_list members = any.MSG_ANY_MEMBERS.members;
    assert_int_equal(any.MSG_ANY_MEMBERS.next, 0);
    assert_true(msg_codec_next(&members, MSG_MEMBER, &member));
    expect_text(member.name, "alice");
    assert_int_equal(member.role, MSG_ROLE_OWNER);
    assert_int_equal(member.status, MSG_STATUS_ONLINE);
    assert_true(msg_codec_next(&members, MSG_MEMBER, &member));
    expect_text(member.name, "Bob");
    assert_int_equal(member.status, MSG_STATUS_OFFLINE);
    assert_true(msg_codec_next(&members, MSG_MEMBER, &member)); /* and who is kept out, or waited for */
    assert_int_equal(member.role, MSG_ROLE_NONE);
    assert_int_equal(member.standing, MSG_STANDING_BANNED);
    assert_false(msg_codec_next(&members, MSG_MEMBER, &member));
    DO(act(&alice, MSG_ACT_INVITE, &carol));
    ask_of(&alice, MSG_MEMBERS_OF, &LOBBY, 2); /* behind the others */
    assert_true(fake_registry_sent(&reg, alice.link, MSG_MEMBERS, 0, &any));
    members = any.MSG_ANY_MEMBERS.members;
    assert_true(msg_codec_next(&members, MSG_MEMBER, &member));
    assert_int_equal(member.standing, MSG_STANDING_INVITED);
    DO(act(&carol, MSG_ACT_JOIN, NULL));
    DO(act(&carol, MSG_ACT_LEAVE, NULL));
    ask_of(&alice, MSG_MEMBERS_OF, &LOBBY, 2);
    assert_true(fake_registry_sent(&reg, alice.link, MSG_MEMBERS, 0, &any));
    assert_int_equal(any.MSG_ANY_MEMBERS.members.count, 0); /* who merely went is nobody's business */
}

static void
members_get_the_cards_of_all_devices_that_are_not_revoked(void **state)
{
    struct fake_device phone;
    const struct msg_revoke revoke = {44, 2};

    (void)state;
    fake_device_init(&phone, 104);
    assert_true(fake_admit(&reg, &phone, MSG_ENROL, "bob", "battery staple"));
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    DO(act(&bob, MSG_ACT_JOIN, NULL));
    ask_cards(&alice, &LOBBY, 0, 0);
    assert_int_equal(cards_told(&alice), 3);
    assert_false(any.MSG_ANY_CARDS.more);
    ask_cards(&alice, &LOBBY, bob.account, 1); /* after bob's first */
    assert_int_equal(cards_told(&alice), 1);
    assert_string_equal(ask_cards(&carol, &LOBBY, 0, 0), "not-a-member");
    fake_say(&reg, &bob, MSG_REVOKE, &revoke);
    ask_cards(&alice, &LOBBY, 0, 0);
    assert_int_equal(cards_told(&alice), 2);
}

static void
one_card_is_for_those_who_share_a_room(void **state)
{
    const struct msg_card_of of = {45, alice.account, alice.device};

    (void)state;
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    DO(act(&bob, MSG_ACT_JOIN, NULL));
    fake_registry_clear(&reg);
    fake_say(&reg, &bob, MSG_CARD_OF, &of);
    assert_int_equal(cards_told(&bob), 1);
    fake_say(&reg, &carol, MSG_CARD_OF, &of);
    assert_int_equal(cards_told(&carol), 0);
    DO(act(&alice, MSG_ACT_INVITE, &carol));
    fake_registry_clear(&reg);
    fake_say(&reg, &carol, MSG_CARD_OF, &of);
    assert_int_equal(cards_told(&carol), 0); /* invited is not in */
    const struct msg_card_of hers = {45, carol.account, carol.device};
    fake_registry_clear(&reg);
    fake_say(&reg, &alice, MSG_CARD_OF, &hers);
    assert_int_equal(cards_told(&alice), 0);
}

/* Good for a day from now on. */
static void
expect_fresh_cards(struct msg_list cards, uint64_t count)
{
    struct msg_card card;
    struct msg_cert_body body;

    assert_int_equal(cards.count, count);
    while (msg_codec_next(&cards, MSG_CARD, &card)) {
        assert_true(broker_accounts_read_certificate(card.certificate, &body));
        assert_true(body.not_after_ms >= reg.now.wall_ms + MSG_CERT_RENEW_MS);
    }
}

static void
cards_of_who_is_away_are_issued_anew(void **state)
{
    (void)state;
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    DO(act(&bob, MSG_ACT_JOIN, NULL));
    DO(act(&carol, MSG_ACT_JOIN, NULL));
    fake_registry_pass(&reg, MSG_CERT_LIFE_MS - MSG_CERT_RENEW_MS + 1000);
    assert_true(fake_enter(&reg, &alice));
    const struct msg_card_of of = {45, carol.account, carol.device};
    fake_registry_clear(&reg);
    fake_say(&reg, &alice, MSG_CARD_OF, &of);
    assert_true(fake_registry_sent(&reg, alice.link, MSG_CARDS, 0, &any));
    expect_fresh_cards(any.MSG_ANY_CARDS.cards, 1);
    ask_cards(&alice, &LOBBY, 0, 0);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_CARDS), 1);
    assert_true(fake_registry_sent(&reg, alice.link, MSG_CARDS, 0, &any));
    expect_fresh_cards(any.MSG_ANY_CARDS.cards, 3);
}

static void
who_went_reads_up_to_where_it_ended_and_a_stranger_nothing(void **state)
{
    (void)state;
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    DO(act(&bob, MSG_ACT_JOIN, NULL));
    DO(act(&alice, MSG_ACT_KICK, &bob));
    DO(act(&alice, MSG_ACT_TOPIC, NULL));
    assert_string_equal(read_entries(&alice, &LOBBY, 0), "entries");
    assert_int_equal(entries_told(&alice, 0), 4);
    assert_string_equal(read_entries(&bob, &LOBBY, 1), "entries");
    assert_int_equal(entries_told(&bob, 0), 2);
    assert_false(any.MSG_ANY_ENTRIES.more);
    assert_string_equal(read_entries(&bob, &LOBBY, 3), "entries");
    assert_int_equal(entries_told(&bob, 0), 0);
    assert_string_equal(read_entries(&carol, &LOBBY, 0), "not-a-member");
    assert_string_equal(read_entries(&carol, &NOWHERE, 0), "no-such-room");
    DO(act(&alice, MSG_ACT_DELETE, NULL));
    assert_string_equal(read_entries(&alice, &LOBBY, 4), "entries"); /* why it is gone */
    assert_int_equal(entries_told(&alice, 0), 1);
    assert_string_equal(read_entries(&bob, &LOBBY, 3), "entries");
    assert_int_equal(entries_told(&bob, 0), 0);
    assert_string_equal(read_entries(&carol, &LOBBY, 0), "no-such-room");
}

static void
a_long_roster_comes_in_pages(void **state)
{
    uint64_t after = 0, pages = 0;
    static char topic[MSG_TOPIC_MAX + 1];

    (void)state;
    memset(topic, 'x', MSG_TOPIC_MAX);
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    for (int i = 0; i < 60; i++) {
        struct msg_room_op op = an_op(&alice, &LOBBY, MSG_ACT_TOPIC, NULL);
        op.text = msg_text(topic);
        DO(hand_in(&alice, &op, ""));
    }
    do {
        assert_string_equal(read_entries(&alice, &LOBBY, after), "entries");
        after += entries_told(&alice, 0);
        pages++;
    } while (any.MSG_ANY_ENTRIES.more && pages < 10);
    assert_int_equal(after, 61);
    assert_true(pages > 1);
}

static void
a_log_in_is_told_where_all_rooms_stand(void **state)
{
    struct msg_room_head head;
    struct msg_list rooms;

    (void)state;
    enter_anew(&bob);
    assert_true(fake_registry_sent(&reg, bob.link, MSG_ROOM_STATE, 0, &any));
    assert_true(any.MSG_ANY_ROOM_STATE.complete);
    assert_int_equal(any.MSG_ANY_ROOM_STATE.rooms.count, 0);
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    DO(create(&alice, &OTHER, "#other", MSG_ROOM_PRIVATE, ""));
    DO(act(&bob, MSG_ACT_JOIN, NULL));
    const struct msg_room_op invite = an_op(&alice, &OTHER, MSG_ACT_INVITE, &bob);
    DO(hand_in(&alice, &invite, ""));
    enter_anew(&bob);
    assert_true(fake_registry_sent(&reg, bob.link, MSG_ROOM_STATE, 0, &any));
    rooms = any.MSG_ANY_ROOM_STATE.rooms;
    assert_int_equal(rooms.count, 2);
    while (msg_codec_next(&rooms, MSG_ROOM_HEAD, &head)) {
        assert_int_equal(head.number, 2);
        const bool lobby = memcmp(head.room.at, LOBBY.at, sizeof LOBBY.at) == 0;
        assert_int_equal(head.role, lobby ? MSG_ROLE_MEMBER : MSG_ROLE_NONE);
        assert_int_equal(head.standing, lobby ? 0 : MSG_STANDING_INVITED);
        assert_true(head.mesh);
    }
    /* From then on it is told what happens, on whatever connection it is. */
    fake_registry_clear(&reg);
    bob.link = 302;
    assert_true(fake_enter(&reg, &bob));
    assert_int_equal(fake_registry_sent_count(&reg, 302, MSG_ROOM_STATE), 1);
    DO(act(&alice, MSG_ACT_TOPIC, NULL));
    assert_int_equal(entries_told(&bob, 0), 1);
    logout(&bob);
    DO(act(&alice, MSG_ACT_TOPIC, NULL));
    assert_int_equal(fake_registry_sent_count(&reg, 302, MSG_KIND_NONE), 0);
}

static void
who_watches_is_told_of_public_rooms_gathered(void **state)
{
    const struct msg_room_watch on = {46, true}, off = {47, false};
    struct msg_room_info info;
    struct msg_room_op op;

    (void)state;
    fake_say(&reg, &carol, MSG_ROOM_WATCH, &on);
    assert_string_equal(outcome(&carol), "done");
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    DO(create(&alice, &OTHER, "#secret", MSG_ROOM_PRIVATE, ""));
    op = an_op(&alice, &LOBBY, MSG_ACT_TOPIC, NULL);
    op.text = msg_text("news");
    DO(hand_in(&alice, &op, ""));
    assert_int_equal(fake_registry_sent_count(&reg, carol.link, MSG_ROOM_CHANGED), 0);
    fake_registry_clear(&reg);
    fake_registry_pass(&reg, 1000);
    assert_int_equal(fake_registry_sent_count(&reg, carol.link, MSG_ROOM_CHANGED), 1);
    assert_int_equal(fake_registry_sent_count(&reg, bob.link, MSG_ROOM_CHANGED), 0);
    assert_true(fake_registry_sent(&reg, carol.link, MSG_ROOM_CHANGED, 0, &any));
    assert_int_equal(any.MSG_ANY_ROOM_CHANGED.act, MSG_ACT_CREATE);
    assert_int_equal(any.MSG_ANY_ROOM_CHANGED.rooms.count, 1);
    assert_true(msg_codec_next(&any.MSG_ANY_ROOM_CHANGED.rooms, MSG_ROOM_INFO, &info));
    expect_text(info.name, "#lobby");
    expect_text(info.topic, "news");
    DO(act(&alice, MSG_ACT_DELETE, NULL));
    fake_registry_clear(&reg);
    fake_registry_pass(&reg, 1000);
    assert_true(fake_registry_sent(&reg, carol.link, MSG_ROOM_CHANGED, 0, &any));
    assert_int_equal(any.MSG_ANY_ROOM_CHANGED.act, MSG_ACT_DELETE);
    assert_true(msg_codec_next(&any.MSG_ANY_ROOM_CHANGED.rooms, MSG_ROOM_INFO, &info));
    expect_text(info.name, "#lobby");
    DO(create(&alice, &(struct msg_id){{7}}, "#brief", 0, ""));
    const struct msg_room_op end = an_op(&alice, &(struct msg_id){{7}}, MSG_ACT_DELETE, NULL);
    DO(hand_in(&alice, &end, ""));
    fake_registry_clear(&reg);
    fake_registry_pass(&reg, 1000);
    assert_int_equal(fake_registry_sent_count(&reg, carol.link, MSG_ROOM_CHANGED), 0); /* it was never there */
    /* A watch ends with its session, and with its connection. */
    carol.link = 303;
    assert_true(fake_enter(&reg, &carol));
    DO(create(&bob, &(struct msg_id){{6}}, "#fourth", 0, ""));
    fake_registry_pass(&reg, 1000);
    assert_int_equal(fake_registry_sent_count(&reg, carol.link, MSG_ROOM_CHANGED), 0);
    fake_say(&reg, &carol, MSG_ROOM_WATCH, &on);
    logout(&carol);
    fake_registry_clear(&reg);
    assert_true(fake_enter(&reg, &carol)); /* in the same slot */
    DO(create(&bob, &(struct msg_id){{5}}, "#fifth", 0, ""));
    fake_registry_pass(&reg, 1000);
    assert_int_equal(fake_registry_sent_count(&reg, carol.link, MSG_ROOM_CHANGED), 0);
    fake_say(&reg, &carol, MSG_ROOM_WATCH, &on);
    fake_say(&reg, &carol, MSG_ROOM_WATCH, &off);
    DO(create(&alice, &(struct msg_id){{8}}, "#third", 0, ""));
    fake_registry_clear(&reg);
    fake_registry_pass(&reg, 2000);
    assert_int_equal(fake_registry_sent_count(&reg, carol.link, MSG_ROOM_CHANGED), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ROOMS_CASE(a_room_is_found_with_what_a_newcomer_must_sign),
        ROOMS_CASE(a_private_room_is_there_for_members_and_invited_ones_alone),
        ROOMS_CASE(nothing_of_a_room_is_seen_before_it_is_on_disk),
        ROOMS_CASE(a_list_comes_in_pages_and_has_topics_where_they_are_asked_for),
        ROOMS_CASE(members_see_members_and_how_they_are),
        ROOMS_CASE(members_get_the_cards_of_all_devices_that_are_not_revoked),
        ROOMS_CASE(one_card_is_for_those_who_share_a_room),
        ROOMS_CASE(cards_of_who_is_away_are_issued_anew),
        ROOMS_CASE(who_went_reads_up_to_where_it_ended_and_a_stranger_nothing),
        ROOMS_CASE(a_long_roster_comes_in_pages),
        ROOMS_CASE(a_log_in_is_told_where_all_rooms_stand),
        ROOMS_CASE(who_watches_is_told_of_public_rooms_gathered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

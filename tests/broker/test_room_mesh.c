/* Claims about broker/rooms/room_mesh: who is told where the XPUB of whom is, and
 * whose frames come to a member by themselves. */
#include "broker/tables/fanout.h"
#include "broker/tables/rooms.h"
#include "tests/broker/posts_world.h"

static void
say_mesh(const struct fake_device *device, uint16_t port)
{
    const struct msg_room_mesh mesh = {LOBBY, port};

    fake_registry_clear(&reg);
    fake_say(&reg, device, MSG_ROOM_MESH, &mesh);
}

/* The device has the frames of these from themselves, and of no others; NULL: of nobody. */
static void
say_routes(const struct fake_device *device, uint64_t version, const struct fake_device *from,
           const struct fake_device *and_from)
{
    uint8_t at[64];
    struct msg_buf list = {at, 0, sizeof at};
    struct msg_room_routes routes = {LOBBY, version, {0}};

    for (int i = 0; i < 2; i++, from = and_from) {
        const struct msg_device_item item = {from != NULL ? from->account : 0, from != NULL ? from->device : 0};
        if (from != NULL)
            assert_int_equal(msg_codec_append(&list, &routes.devices, MSG_DEVICE, &item), CONCLAVE_OK);
    }
    fake_say(&reg, device, MSG_ROOM_ROUTES, &routes);
}

/* Alice, then bob say something; so many of the two are cast to the device,
 * by that version of its routes. */
static void
expect_cast(const struct fake_device *device, uint64_t number, size_t count, uint64_t routes)
{
    fake_registry_clear(&reg);
    post_one(&alice, number);
    post_one(&bob, number);
    assert_int_equal(sent(device, MSG_ROOM_CAST), count);
    for (size_t n = 0; n < count; n++) {
        assert_true(fake_registry_sent(&reg, device->link, MSG_ROOM_CAST, n, &any));
        assert_int_equal(any.MSG_ANY_ROOM_CAST.routes, routes);
    }
}

static uint64_t
peers_told(const struct fake_device *device)
{
    return fake_registry_sent(&reg, device->link, MSG_ROOM_PEERS, 0, &any) ? any.MSG_ANY_ROOM_PEERS.peers.count : 99;
}

/* The device was told of one peer alone, at this endpoint; "": it is gone. */
static void
expect_peer(const struct fake_device *device, const struct fake_device *of, const char *endpoint)
{
    struct msg_device_card card;
    struct msg_address address;
    struct msg_cert_body body;

    assert_int_equal(peers_told(device), 1);
    struct msg_list peers = any.MSG_ANY_ROOM_PEERS.peers;
    assert_true(msg_codec_next(&peers, MSG_DEVICE_CARD, &card));
    assert_true(broker_accounts_read_certificate(card.certificate, &body));
    assert_int_equal(body.account, of->account);
    assert_int_equal(card.endpoints.count, endpoint[0] != '\0' ? 1 : 0);
    if (endpoint[0] != '\0') {
        assert_true(msg_codec_next(&card.endpoints, MSG_ADDRESS, &address));
        expect_text(address.endpoint, endpoint);
    }
}

static void
who_publishes_is_told_to_the_others_and_they_to_it(void **state)
{
    (void)state;
    say_mesh(&alice, 9001);
    assert_int_equal(peers_told(&alice), 0);
    expect_peer(&bob, &alice, "192.0.2.1:9001");
    expect_peer(&carol, &alice, "192.0.2.1:9001");
    say_mesh(&bob, 9002);
    expect_peer(&bob, &alice, "192.0.2.1:9001");
    expect_peer(&alice, &bob, "192.0.2.1:9002");
    say_mesh(&bob, 9002); /* again: it is told all, and nobody else anything */
    expect_peer(&bob, &alice, "192.0.2.1:9001");
    assert_int_equal(sent(&alice, MSG_ROOM_PEERS), 0);
}

static void
who_stops_or_goes_is_told_to_be_gone(void **state)
{
    (void)state;
    say_mesh(&alice, 9001);
    say_mesh(&alice, 0);
    expect_peer(&bob, &alice, "");
    say_mesh(&alice, 9001);
    fake_registry_clear(&reg);
    fake_registry_down(&reg, alice.link);
    expect_peer(&bob, &alice, "");
    say_mesh(&carol, 9003);
    DO(act(&carol, MSG_ACT_LEAVE, NULL));
    expect_peer(&bob, &carol, "");
    assert_int_equal(sent(&carol, MSG_ROOM_PEERS), 0);
    /* On another connection: the old one publishes no more. */
    say_mesh(&bob, 9002);
    assert_true(fake_enter(&reg, &alice));
    fake_registry_clear(&reg);
    bob.link = 302;
    assert_true(fake_enter(&reg, &bob));
    expect_peer(&alice, &bob, "");
}

static void
an_endpoint_is_told_to_those_alone_who_may_see_it(void **state)
{
    (void)state;
    fake_login(&reg, &alice, (struct fake_login){.port = 7000, .direct = MSG_DIRECT_NEVER});
    say_mesh(&alice, 9001);
    assert_int_equal(sent(&bob, MSG_ROOM_PEERS), 0);
    fake_login(&reg, &alice, (struct fake_login){.port = 7000, .direct = MSG_DIRECT_CONTACTS});
    watch(&alice, "bob");
    say_mesh(&alice, 0);
    say_mesh(&alice, 9001);
    expect_peer(&bob, &alice, "192.0.2.1:9001");
    assert_int_equal(sent(&carol, MSG_ROOM_PEERS), 0);
    say_mesh(&carol, 9003);
    assert_int_equal(peers_told(&carol), 0);
}

static void
strangers_are_told_nothing(void **state)
{
    (void)state;
    DO(act(&carol, MSG_ACT_LEAVE, NULL));
    say_mesh(&alice, 9001);
    say_mesh(&carol, 9003);
    expect_error(carol.link, "not-a-member");
    assert_int_equal(sent(&carol, MSG_ROOM_PEERS), 0);
    assert_int_equal(sent(&alice, MSG_ROOM_PEERS), 0);
    fake_registry_clear(&reg);
    say_routes(&carol, 1, &alice, NULL);
    expect_error(carol.link, "not-a-member");
}

/* An address that it has from outside, and those that it has by itself, each once. */
static void
all_addresses_of_a_device_are_told_once(void **state)
{
    (void)state;
    struct msg_device_card card;
    struct msg_address address;

    fake_login(&reg, &alice, (struct fake_login){.port = 7000, .address = "10.1.2.3:7000"});
    say_mesh(&alice, 9001);
    assert_int_equal(peers_told(&bob), 1);
    assert_true(msg_codec_next(&any.MSG_ANY_ROOM_PEERS.peers, MSG_DEVICE_CARD, &card));
    assert_int_equal(card.endpoints.count, 2);
    assert_true(msg_codec_next(&card.endpoints, MSG_ADDRESS, &address));
    expect_text(address.endpoint, "192.0.2.1:9001");
    assert_true(msg_codec_next(&card.endpoints, MSG_ADDRESS, &address));
    expect_text(address.endpoint, "10.1.2.3:9001");
    fake_login(&reg, &alice, (struct fake_login){.port = 7000, .address = "192.0.2.1:7000"});
    say_mesh(&alice, 0);
    say_mesh(&alice, 9001);
    expect_peer(&bob, &alice, "192.0.2.1:9001");
}

/* What the word of a route is worth when it is said too early. */
static void
a_route_from_who_is_no_member_counts_for_nothing_when_it_is_one(void **state)
{
    (void)state;
    DO(act(&bob, MSG_ACT_LEAVE, NULL));
    assert_true(go_live(&carol));
    say_routes(&carol, 1, &bob, NULL);
    DO(act(&bob, MSG_ACT_JOIN, NULL));
    fake_registry_pass(&reg, 2000);
    assert_true(go_live(&carol));
    post_one(&bob, 1);
    assert_int_equal(sent(&carol, MSG_ROOM_CAST), 1);
}

static void
what_comes_by_itself_is_not_cast_and_all_else_without_a_hole(void **state)
{
    (void)state;
    uint64_t prev = 0;

    assert_true(go_live(&carol));
    say_routes(&carol, 1, &alice, NULL);
    post_one(&alice, 1);
    assert_int_equal(sent(&carol, MSG_ROOM_CAST), 0);
    post_one(&bob, 1);
    assert_true(fake_registry_sent(&reg, carol.link, MSG_ROOM_CAST, 0, &any));
    assert_int_equal(any.MSG_ANY_ROOM_CAST.prev, 0); /* it has heard nothing from us: so it has missed nothing */
    assert_int_equal(any.MSG_ANY_ROOM_CAST.posts.count, 1);
    assert_true(msg_codec_next(&any.MSG_ANY_ROOM_CAST.posts, MSG_LOGGED, &logged));
    prev = logged.offset;
    fake_registry_pass(&reg, 2000); /* ... but is told where the log stands, should one have been lost */
    assert_int_equal(sent(&carol, MSG_ROOM_STATE), 1);
    say_routes(&carol, 2, NULL, NULL);
    fake_registry_clear(&reg);
    post_one(&alice, 2);
    assert_true(fake_registry_sent(&reg, carol.link, MSG_ROOM_CAST, 0, &any));
    assert_true(any.MSG_ANY_ROOM_CAST.prev <= prev);
}

static void
what_is_cast_says_by_which_routes_frames_are_left_out(void **state)
{
    (void)state;
    struct msg_room_head head;

    assert_true(go_live(&carol));
    expect_cast(&carol, 1, 2, 0);
    say_routes(&carol, 4, &alice, NULL);
    expect_cast(&carol, 2, 1, 4);
    say_routes(&carol, 5, &alice, &bob);
    expect_cast(&carol, 3, 0, 5);
    fake_registry_clear(&reg);
    fake_registry_pass(&reg, 2000);
    assert_true(fake_registry_sent(&reg, carol.link, MSG_ROOM_STATE, 0, &any)); /* nothing else would tell */
    assert_true(msg_codec_next(&any.MSG_ANY_ROOM_STATE.rooms, MSG_ROOM_HEAD, &head));
    assert_int_equal(head.routes, 5);
    say_routes(&carol, 7, NULL, NULL);
    expect_cast(&carol, 4, 2, 0);
}

static void
routes_of_before_that_come_late_or_again_change_nothing(void **state)
{
    (void)state;
    assert_true(go_live(&carol));
    say_routes(&carol, 2, &bob, NULL); /* the first one was lost, or comes ... */
    say_routes(&carol, 1, &alice, NULL); /* ... now */
    expect_cast(&carol, 1, 1, 2);
    say_routes(&carol, 3, NULL, NULL);
    say_routes(&carol, 2, &bob, NULL);
    expect_cast(&carol, 2, 2, 0);
    say_routes(&carol, 3, NULL, NULL);
    expect_cast(&carol, 3, 2, 0);
}

static void
routes_are_of_members_and_end_with_the_session(void **state)
{
    (void)state;
    uint8_t at[4096];
    struct msg_buf list = {at, 0, sizeof at};
    struct msg_room_routes routes = {LOBBY, 9, {0}};
    struct msg_device_item item = {alice.account, 0};

    assert_true(go_live(&carol));
    while (++item.device <= MSG_ROUTE_COUNT)
        assert_int_equal(msg_codec_append(&list, &routes.devices, MSG_DEVICE, &item), CONCLAVE_OK);
    fake_say(&reg, &carol, MSG_ROOM_ROUTES, &routes);
    expect_cast(&carol, 1, 1, 9);
    fake_registry_down(&reg, carol.link);
    assert_true(fake_enter(&reg, &carol) && go_live(&carol));
    expect_cast(&carol, 2, 2, 0);
    say_routes(&carol, 1, &alice, NULL); /* of another process of the device, perhaps */
    expect_cast(&carol, 3, 1, 1);
    item = (struct msg_device_item){999, 1};
    routes = (struct msg_room_routes){LOBBY, 2, {0}};
    list.len = 0;
    assert_int_equal(msg_codec_append(&list, &routes.devices, MSG_DEVICE, &item), CONCLAVE_OK);
    fake_say(&reg, &carol, MSG_ROOM_ROUTES, &routes); /* of nobody who is in the room */
    expect_cast(&carol, 4, 2, 0);
}

static void
who_changes_its_port_without_end_is_told_to_wait(void **state)
{
    (void)state;
    struct msg_room_mesh mesh = {LOBBY, 0};

    reg.settings.requests_burst = reg.settings.requests_per_s = 100000;
    broker_front_core_set(reg.core, &reg.settings);
    for (unsigned i = 0; i < 1000; i++) {
        mesh.port = 9000 + i % 2;
        fake_say(&reg, &alice, MSG_ROOM_MESH, &mesh);
    }
    expect_error(alice.link, "busy");
    assert_in_range(sent(&bob, MSG_ROOM_PEERS), 1, 300);
}

/* Carol is told who spoke: the numbers of alice and bob, 0 for who did not. */
static void
expect_spoken(uint64_t since, uint64_t offset, uint64_t alices, uint64_t bobs)
{
    struct msg_mark mark;

    fake_registry_clear(&reg);
    fake_registry_pass(&reg, 2000);
    assert_true(fake_registry_sent(&reg, carol.link, MSG_ROOM_SPOKEN, 0, &any));
    const struct msg_room_spoken spoken = any.MSG_ANY_ROOM_SPOKEN;
    struct msg_list marks = spoken.marks;
    assert_int_equal(spoken.since, since);
    assert_int_equal(spoken.offset, offset);
    assert_int_equal(marks.count, (alices != 0) + (bobs != 0));
    while (msg_codec_next(&marks, MSG_MARK, &mark)) {
        const uint64_t number = mark.account == alice.account ? alices : bobs;
        assert_int_equal(mark.account, mark.account == alice.account ? alice.account : bob.account);
        assert_int_equal(mark.incarnation, 1);
        assert_int_equal(mark.number, number);
        assert_int_equal(mark.head.at[0], number);
    }
}

static uint64_t
log_end(void)
{
    struct msg_room_head head;

    assert_true(fake_registry_sent(&reg, carol.link, MSG_ROOM_STATE, 0, &any));
    assert_true(msg_codec_next(&any.MSG_ANY_ROOM_STATE.rooms, MSG_ROOM_HEAD, &head));
    return head.offset;
}

static void
who_has_routes_is_told_who_has_said_what_the_log_has(void **state)
{
    (void)state;
    assert_true(go_live(&carol));
    post_one(&alice, 1);
    fake_registry_pass(&reg, 2000);
    assert_int_equal(sent(&carol, MSG_ROOM_SPOKEN), 0); /* it was cast to her */
    say_routes(&carol, 1, &alice, &bob);
    fake_registry_clear(&reg);
    post_one(&alice, 2);
    post_one(&bob, 1);
    post_one(&alice, 3);
    fake_registry_pass(&reg, 2000);
    const uint64_t offset = log_end();
    fake_registry_clear(&reg);
    post_one(&bob, 2);
    expect_spoken(offset, offset + 1, 0, 2);
    assert_int_equal(log_end(), offset + 1);
    post_one(&bob, 3);
    post_one(&alice, 4);
    expect_spoken(offset + 1, offset + 3, 4, 3);
}

/* More devices than the front keeps in mind. */
static void
who_spoke_and_was_forgotten_is_none_of_those_named(void **state)
{
    static struct fake_device many[BROKER_VOICES];
    char name[8];

    (void)state;
    reg.settings.mesh_join = reg.settings.mesh_stay = reg.settings.room_members = 100;
    broker_front_core_set(reg.core, &reg.settings);
    for (uint32_t i = 0; i < BROKER_VOICES; i++) {
        fake_device_init(&many[i], 110 + i);
        (void)snprintf(name, sizeof name, "m%u", i);
        assert_true(fake_admit(&reg, &many[i], MSG_SIGNUP, name, "correct horse"));
        assert_true(fake_enter(&reg, &many[i]));
        DO(act(&many[i], MSG_ACT_JOIN, NULL));
    }
    assert_true(go_live(&carol));
    say_routes(&carol, 1, &alice, &bob);
    post_one(&alice, 1);
    fake_registry_pass(&reg, 2000);
    const uint64_t offset = log_end();
    post_one(&alice, 2);
    for (uint32_t i = 0; i < BROKER_VOICES; i++)
        post_one(&many[i], 1);
    fake_registry_clear(&reg);
    fake_registry_pass(&reg, 2000);
    assert_true(fake_registry_sent(&reg, carol.link, MSG_ROOM_SPOKEN, 0, &any));
    assert_int_equal(any.MSG_ANY_ROOM_SPOKEN.since, offset + 1); /* not what alice said after that */
    assert_int_equal(any.MSG_ANY_ROOM_SPOKEN.marks.count, BROKER_VOICES);
}

static void
a_room_that_grows_is_a_mesh_no_longer(void **state)
{
    (void)state;
    struct broker_front_settings settings = reg.settings;
    struct msg_room_head head;

    assert_true(go_live(&bob));
    say_mesh(&alice, 9001);
    say_routes(&bob, 1, &alice, NULL);
    settings.mesh_join = settings.mesh_stay = 1;
    broker_front_core_set(reg.core, &settings);
    DO(act(&carol, MSG_ACT_LEAVE, NULL)); /* any entry: it is counted anew */
    fake_registry_pass(&reg, 2000);
    assert_true(fake_registry_sent(&reg, bob.link, MSG_ROOM_STATE, 0, &any));
    assert_true(msg_codec_next(&any.MSG_ANY_ROOM_STATE.rooms, MSG_ROOM_HEAD, &head));
    assert_false(head.mesh);
    fake_registry_clear(&reg);
    post_one(&alice, 1);
    assert_int_equal(sent(&bob, MSG_ROOM_CAST), 1);
    say_routes(&bob, 2, &alice, NULL);
    fake_registry_clear(&reg);
    post_one(&alice, 2);
    assert_int_equal(sent(&bob, MSG_ROOM_CAST), 1);
    say_mesh(&bob, 9002);
    assert_int_equal(sent(&alice, MSG_ROOM_PEERS), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        POSTS_CASE(who_publishes_is_told_to_the_others_and_they_to_it),
        POSTS_CASE(who_stops_or_goes_is_told_to_be_gone),
        POSTS_CASE(an_endpoint_is_told_to_those_alone_who_may_see_it),
        POSTS_CASE(strangers_are_told_nothing),
        POSTS_CASE(all_addresses_of_a_device_are_told_once),
        POSTS_CASE(a_route_from_who_is_no_member_counts_for_nothing_when_it_is_one),
        POSTS_CASE(what_comes_by_itself_is_not_cast_and_all_else_without_a_hole),
        POSTS_CASE(what_is_cast_says_by_which_routes_frames_are_left_out),
        POSTS_CASE(routes_of_before_that_come_late_or_again_change_nothing),
        POSTS_CASE(routes_are_of_members_and_end_with_the_session),
        POSTS_CASE(who_changes_its_port_without_end_is_told_to_wait),
        POSTS_CASE(who_has_routes_is_told_who_has_said_what_the_log_has),
        POSTS_CASE(who_spoke_and_was_forgotten_is_none_of_those_named),
        POSTS_CASE(a_room_that_grows_is_a_mesh_no_longer),
    };

    return cmocka_run_group_tests_name("broker/rooms/room_mesh", tests, NULL, NULL);
}

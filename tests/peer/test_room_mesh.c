/* When a room is a mesh: our XPUB, whom it admits, and what the front is told. */
#include "tests/peer/mesh_world.h"

static void
a_mesh_has_one_xpub_which_is_told_once_its_port_is_known(void **state)
{
    (void)state;
    union msg_any any;
    come_into_the_den();
    front_says_mesh(false);
    assert_int_equal(did(EFFECT_LISTEN, 0), 0);
    front_says_mesh(true);
    assert_int_equal(did(EFFECT_LISTEN, 0), 1);
    assert_int_equal(last(EFFECT_LISTEN)->port, 0); /* any */
    assert_int_equal(said(MSG_ROOM_MESH, NULL), 0);
    bound(XPUB_PORT);
    assert_int_equal(said(MSG_ROOM_MESH, &any), 1);
    assert_int_equal(any.MSG_ANY_ROOM_MESH.port, XPUB_PORT);
    assert_memory_equal(&any.MSG_ANY_ROOM_MESH.room, &w.room.facts.id, sizeof w.room.facts.id);
    front_says_mesh(true);
    pass(1000);
    assert_int_equal(did(EFFECT_LISTEN, 0), 1);
    assert_int_equal(said(MSG_ROOM_MESH, NULL), 1);
}

static void
the_port_of_last_time_is_wished_for_before_the_front_says_a_word(void **state)
{
    (void)state;
    in_a_mesh();
    settle();
    w.done_count = 0;
    restart();
    assert_int_equal(did(EFFECT_LISTEN, 0), 1);
    assert_int_equal(w.done[0].kind, EFFECT_LISTEN);
    assert_int_equal(w.done[0].port, XPUB_PORT);
    bound(XPUB_PORT + 1); /* it was taken */
    settle();
    w.done_count = 0;
    restart();
    assert_int_equal(last(EFFECT_LISTEN)->port, XPUB_PORT + 1);
}

static void
an_xpub_that_cannot_be_bound_is_dropped_and_others_are_heard_all_the_same(void **state)
{
    (void)state;
    union msg_any any;
    come_into_the_den();
    front_says_mesh(true);
    const uint64_t link = bound(0);
    assert_int_equal(did(EFFECT_DROP, link), 1);
    assert_int_equal(did(EFFECT_ADMIT, 0), 0);
    assert_int_equal(said(MSG_ROOM_MESH, &any), 1);
    assert_int_equal(any.MSG_ANY_ROOM_MESH.port, 0);
    publishes(BOB, AT("192.0.2.1:9002"));
    assert_int_equal(did(EFFECT_SUBSCRIBE, 0), 1);
    pass(60000);
    assert_int_equal(did(EFFECT_SEND, 0), 0);
}

static void
who_has_no_inbound_socket_hears_and_is_not_heard(void **state)
{
    (void)state;
    union msg_any any;
    w.port = 0;
    restart();
    come_into_the_den();
    front_says_mesh(true);
    assert_int_equal(did(EFFECT_LISTEN, 0), 0);
    assert_int_equal(said(MSG_ROOM_MESH, &any), 1);
    assert_int_equal(any.MSG_ANY_ROOM_MESH.port, 0);
    publishes(BOB, AT("192.0.2.1:9002"));
    assert_int_equal(did(EFFECT_SUBSCRIBE, 0), 1);
}

static void
who_never_links_directly_takes_no_part(void **state)
{
    (void)state;
    w.direct = MSG_DIRECT_NEVER;
    restart();
    come_into_the_den();
    front_says_mesh(true);
    publishes(BOB, AT("192.0.2.1:9002"));
    assert_int_equal(did(EFFECT_LISTEN, 0) + did(EFFECT_SUBSCRIBE, 0), 0);
    assert_int_equal(said(MSG_ROOM_MESH, NULL), 0);
}

static void
a_mesh_that_ends_is_taken_down_whole(void **state)
{
    (void)state;
    const uint64_t xpub = in_a_mesh();
    publishes(BOB, AT("192.0.2.1:9002"));
    const uint64_t sub = last(EFFECT_SUBSCRIBE)->link;
    front_says_mesh(false);
    assert_int_equal(did(EFFECT_DROP, xpub), 1);
    assert_int_equal(did(EFFECT_DROP, sub), 1);
    w.done_count = 0;
    pass(60000);
    publishes(BOB, AT("192.0.2.1:9002"));
    assert_int_equal(w.done_count, 0);
    settle();
    restart(); /* nor did anything stay on disk: but the port, in case it comes again */
    assert_int_equal(did(EFFECT_SUBSCRIBE, 0), 0);
}

static void
who_leaves_takes_the_mesh_down(void **state)
{
    (void)state;
    const uint64_t xpub = in_a_mesh();
    publishes(BOB, AT("192.0.2.1:9002"));
    const uint64_t sub = last(EFFECT_SUBSCRIBE)->link;
    act(BOB, MSG_ACT_KICK, ADA);
    assert_int_equal(did(EFFECT_DROP, xpub), 1);
    assert_int_equal(did(EFFECT_DROP, sub), 1);
    w.done_count = 0;
    pass(60000);
    assert_int_equal(w.done_count, 0);
}

/* ---- whom it admits ---- */

static void
the_roster_is_admitted_and_nobody_else(void **state)
{
    (void)state;
    w.deaf = true;
    act(BOB, MSG_ACT_CREATE, 0);
    act(DAN, MSG_ACT_JOIN, 0); /* he is known from then on */
    act(DAN, MSG_ACT_LEAVE, DAN);
    act(CAT, MSG_ACT_JOIN, 0);
    act(BOB, MSG_ACT_INVITE, ADA);
    w.deaf = false;
    act(ADA, MSG_ACT_JOIN, 0);
    settle();
    front_says_mesh(true);
    assert_int_equal(did(EFFECT_ADMIT, 0), 0); /* there is no port yet */
    const uint64_t xpub = bound(XPUB_PORT);
    assert_int_equal(did_with(EFFECT_ADMIT, BOB), 1);
    assert_int_equal(did_with(EFFECT_ADMIT, CAT), 1);
    assert_int_equal(did_with(EFFECT_ADMIT, DAN), 0);
    assert_int_equal(did(EFFECT_ADMIT, xpub), did(EFFECT_ADMIT, 0));
    act(BOB, MSG_ACT_INVITE, DAN); /* that is no member */
    pass(1000);
    assert_int_equal(did_with(EFFECT_ADMIT, DAN), 0);
    act(DAN, MSG_ACT_JOIN, 0);
    pass(0);
    assert_int_equal(did_with(EFFECT_ADMIT, DAN), 1);
    pass(1000);
    assert_int_equal(did_with(EFFECT_ADMIT, BOB), 1); /* once is enough */
}

static void
a_certificate_that_ran_out_admits_nobody(void **state)
{
    (void)state;
    w.until_ms = w.now.wall_ms - MSG_CERT_GRACE_MS - MSG_CERT_SKEW_MS + 1000;
    certify(BOB, 1, &w.people[BOB], "bob", 11);
    come_into_the_den();
    pass(2000);
    front_says_mesh(true);
    bound(XPUB_PORT);
    assert_int_equal(did_with(EFFECT_ADMIT, BOB), 0);
    assert_int_equal(did_with(EFFECT_ADMIT, CAT), 1);
    publishes(BOB, AT("192.0.2.1:9002"));
    assert_int_equal(did(EFFECT_SUBSCRIBE, 0), 0);
}

static void
who_goes_is_expelled_and_heard_no_more(void **state)
{
    (void)state;
    const uint64_t xpub = in_a_mesh();
    publishes(BOB, AT("192.0.2.1:9002"));
    publishes(CAT, AT("192.0.2.1:9003"));
    const uint64_t cat = last(EFFECT_SUBSCRIBE)->link;
    act(BOB, MSG_ACT_KICK, CAT);
    assert_int_equal(did_with(EFFECT_EXPEL, CAT), 1);
    assert_int_equal(last(EFFECT_EXPEL)->link, xpub);
    assert_int_equal(did(EFFECT_DROP, cat), 1);
    assert_int_equal(did(EFFECT_EXPEL, 0) + did(EFFECT_DROP, 0), 2); /* and nobody else */
    pass(60000);
    assert_int_equal(did_with(EFFECT_ADMIT, CAT), 1);
    act(CAT, MSG_ACT_JOIN, 0); /* again */
    pass(0);
    assert_int_equal(did_with(EFFECT_ADMIT, CAT), 2);
}

/* ---- the front goes and comes ---- */

static void
each_session_is_told_anew(void **state)
{
    (void)state;
    in_a_mesh();
    publishes(BOB, AT("192.0.2.1:9002"));
    const uint64_t sub = last(EFFECT_SUBSCRIBE)->link;
    link_event(EVENT_LINK_UP, sub);
    pass(0);
    assert_int_equal(said(MSG_ROOM_ROUTES, NULL), 1);
    settle();
    cut();
    assert_int_equal(did(EFFECT_DROP, sub), 0); /* the mesh does without */
    w.asked[MSG_ROOM_MESH] = w.asked[MSG_ROOM_ROUTES] = 0;
    const struct msg_room_beat beat = {w.room.facts.id};
    pass(30000);
    comes(sub, MSG_ROOM_BEAT, &beat);
    connect_front();
    settle();
    pass(0);
    settle();
    assert_int_equal(w.asked[MSG_ROOM_MESH], 1);
    assert_int_equal(w.asked[MSG_ROOM_ROUTES], 1);
    assert_int_equal(did(EFFECT_LISTEN, 0), 1);
}

/* ---- in time ---- */

static void
an_xpub_says_something_every_15_seconds(void **state)
{
    (void)state;
    const uint64_t xpub = in_a_mesh();
    settle();
    union msg_any any;
    enum msg_kind kind;
    pass(14999);
    assert_int_equal(did(EFFECT_SEND, xpub), 0);
    pass(1);
    assert_int_equal(did(EFFECT_SEND, xpub), 1);
    assert_int_equal(msg_codec_decode(msg_span(last(EFFECT_SEND)->bytes.at, last(EFFECT_SEND)->bytes.len), &kind, &any), CONCLAVE_OK);
    assert_int_equal(kind, MSG_ROOM_BEAT);
    assert_memory_equal(&any.MSG_ANY_ROOM_BEAT.room, &w.room.facts.id, sizeof w.room.facts.id);
    pass(10000);
    assert_int_equal(did(EFFECT_SEND, xpub), 1);
    pass(5000);
    assert_int_equal(did(EFFECT_SEND, xpub), 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        MESH_TEST(a_mesh_has_one_xpub_which_is_told_once_its_port_is_known),
        MESH_TEST(the_port_of_last_time_is_wished_for_before_the_front_says_a_word),
        MESH_TEST(an_xpub_that_cannot_be_bound_is_dropped_and_others_are_heard_all_the_same),
        MESH_TEST(who_has_no_inbound_socket_hears_and_is_not_heard),
        MESH_TEST(who_never_links_directly_takes_no_part),
        MESH_TEST(a_mesh_that_ends_is_taken_down_whole),
        MESH_TEST(who_leaves_takes_the_mesh_down),
        MESH_TEST(the_roster_is_admitted_and_nobody_else),
        MESH_TEST(a_certificate_that_ran_out_admits_nobody),
        MESH_TEST(who_goes_is_expelled_and_heard_no_more),
        MESH_TEST(each_session_is_told_anew),
        MESH_TEST(an_xpub_says_something_every_15_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The others' XPUBs: whose are dialled and where, what the front is told of it,
 * and what of that which comes is believed. */
#include "tests/peer/mesh_world.h"

#define ONE "192.0.2.1:9002"
#define TWO "[2001:db8::1]:9002"

static uint64_t
subscribed(void)
{
    return last(EFFECT_SUBSCRIBE)->link;
}

static void
assert_dials(size_t n, uint64_t whom, const char *endpoint)
{
    assert_int_equal(did(EFFECT_SUBSCRIBE, 0), n);
    const struct done *const done = last(EFFECT_SUBSCRIBE);
    assert_memory_equal(&done->key, &w.people[whom].id.transport, sizeof done->key);
    assert_true(reads((struct msg_text){(const char *)done->bytes.at, done->bytes.len}, endpoint));
}

/* So often the front was told all that she hears directly; whether that one is among them. */
static void
assert_route(size_t n, uint64_t whom, bool direct)
{
    union msg_any any;
    struct msg_device_item device;
    bool there = false;
    pass(0);
    assert_int_equal(said(MSG_ROOM_ROUTES, &any), n);
    assert_memory_equal(&any.MSG_ANY_ROOM_ROUTES.room, &w.room.facts.id, sizeof w.room.facts.id);
    while (msg_codec_next(&any.MSG_ANY_ROOM_ROUTES.devices, MSG_DEVICE, &device))
        there = there || (device.account == whom && device.device == 1);
    assert_int_equal(there, direct);
}

/* Ada hears Bob. */
static uint64_t
hears_bob(void)
{
    in_a_mesh();
    publishes(BOB, AT(ONE));
    const uint64_t sub = subscribed();
    link_event(EVENT_LINK_UP, sub);
    pass(0);
    return sub;
}

static void
beat_of(uint64_t link, const struct msg_id *room)
{
    const struct msg_room_beat beat = {*room};
    comes(link, MSG_ROOM_BEAT, &beat);
}

/* ---- whom it dials ---- */

static void
a_member_that_publishes_is_dialled_under_its_key(void **state)
{
    (void)state;
    in_a_mesh();
    publishes(BOB, AT(ONE, TWO));
    assert_dials(1, BOB, ONE);
    publishes(BOB, AT(ONE, TWO)); /* again: it is being dialled */
    assert_int_equal(did(EFFECT_SUBSCRIBE, 0), 1);
    publishes(CAT, AT("192.0.2.3:1"));
    assert_dials(2, CAT, "192.0.2.3:1");
}

static void
nobody_else_is_dialled(void **state)
{
    (void)state;
    struct person forged = w.people[BOB];
    const struct msg_id elsewhere = {{1}};
    come_into_the_den();
    publishes(BOB, AT(ONE)); /* it is no mesh */
    assert_int_equal(did(EFFECT_SUBSCRIBE, 0), 0);
    front_says_mesh(true);
    bound(XPUB_PORT);
    front_says_peer(&elsewhere, msg_span(w.people[BOB].cert, w.people[BOB].cert_len), AT(ONE));
    publishes(DAN, AT(ONE)); /* no member */
    act(CAT, MSG_ACT_LEAVE, CAT);
    publishes(CAT, AT(ONE)); /* no longer one */
    publishes(ADA, AT(ONE)); /* herself */
    forged.cert[forged.cert_len - 1] ^= 1;
    front_says_peer(&w.room.facts.id, msg_span(forged.cert, forged.cert_len), AT(ONE));
    assert_int_equal(did(EFFECT_SUBSCRIBE, 0), 0);
    publishes(BOB, AT(ONE));
    assert_int_equal(did(EFFECT_SUBSCRIBE, 0), 1);
}

static void
a_member_whose_keys_changed_is_not_dialled(void **state)
{
    (void)state;
    struct person other;
    in_a_mesh();
    new_keys(&other);
    certify(BOB, 1, &other, "bob", 99); /* the registry says that he has other keys */
    front_says_peer(&w.room.facts.id, msg_span(other.cert, other.cert_len), AT(ONE));
    assert_int_equal(did(EFFECT_SUBSCRIBE, 0), 0);
}

/* ---- where ---- */

static void
each_endpoint_has_two_seconds_and_then_they_are_tried_again(void **state)
{
    (void)state;
    in_a_mesh();
    publishes(BOB, AT(ONE, TWO));
    const uint64_t first = subscribed();
    pass(1999);
    assert_int_equal(did(EFFECT_SUBSCRIBE, 0), 1);
    pass(1);
    assert_int_equal(did(EFFECT_DROP, first), 1);
    assert_dials(2, BOB, TWO);
    link_event(EVENT_LINK_DOWN, subscribed()); /* refused */
    assert_int_equal(did(EFFECT_SUBSCRIBE, 0), 2); /* after a while */
    assert_int_equal(did(EFFECT_DROP, 0), 1);
    pass(1000);
    assert_dials(3, BOB, ONE);
    link_event(EVENT_LINK_UP, subscribed());
    pass(10000);
    assert_int_equal(did(EFFECT_DROP, 0), 1); /* it came up in time */
    publishes(BOB, AT(TWO)); /* it has a link: that will do */
    assert_int_equal(did(EFFECT_SUBSCRIBE, 0), 3);
    link_event(EVENT_LINK_DOWN, subscribed());
    assert_int_equal(did(EFFECT_SUBSCRIBE, 0), 3);
    pass(1000);
    assert_dials(4, BOB, TWO);
}

static void
who_is_not_there_is_dialled_less_and_less_often(void **state)
{
    (void)state;
    in_a_mesh();
    publishes(BOB, AT(ONE));
    for (unsigned n = 0; n < 12; n++) {
        link_event(EVENT_LINK_DOWN, subscribed());
        pass(30000);
    }
    w.done_count = 0;
    link_event(EVENT_LINK_UP, 0); /* nobody's */
    for (unsigned ms = 0; ms < 300000; ms += 1000) {
        if (did(EFFECT_SUBSCRIBE, 0) > 0)
            link_event(EVENT_LINK_DOWN, subscribed());
        pass(1000);
    }
    assert_in_range(did(EFFECT_SUBSCRIBE, 0), 8, 20);
}

static void
who_the_front_no_longer_speaks_of_is_forgotten_after_five_rounds(void **state)
{
    (void)state;
    in_a_mesh();
    publishes(BOB, AT(ONE));
    settle();
    restart(); /* it is on disk, and the front does not speak of it */
    assert_dials(2, BOB, ONE);
    for (unsigned n = 0; n < 5; n++) {
        link_event(EVENT_LINK_DOWN, subscribed());
        pass(30000);
    }
    w.done_count = 0;
    pass(600000);
    assert_int_equal(did(EFFECT_SUBSCRIBE, 0), 0);
    settle();
    restart();
    assert_int_equal(did(EFFECT_SUBSCRIBE, 0), 0); /* from the disk, too */
}

static void
where_members_are_is_on_disk_and_they_are_dialled_without_the_front(void **state)
{
    (void)state;
    in_a_mesh();
    publishes(BOB, AT(ONE, TWO));
    publishes(CAT, AT("192.0.2.3:1"));
    publishes(CAT, GONE);
    settle();
    w.done_count = 0;
    restart();
    assert_dials(1, BOB, ONE);
    link_event(EVENT_LINK_DOWN, subscribed());
    assert_dials(2, BOB, TWO);
}

/* ---- what the front is told ---- */

static void
a_way_is_told_when_it_is_there_and_when_it_is_gone(void **state)
{
    (void)state;
    union msg_any any;
    in_a_mesh();
    pass(1000);
    assert_int_equal(said(MSG_ROOM_READ, &any), 1); /* what came before we did */
    const struct msg_room_log log = {.req = any.MSG_ANY_ROOM_READ.req, .room = w.room.facts.id, .next = 1, .first = 1, .live = true};
    settle();
    say(MSG_ROOM_LOG, &log);
    publishes(BOB, AT(ONE));
    assert_int_equal(said(MSG_ROOM_ROUTES, NULL), 0);
    link_event(EVENT_LINK_UP, subscribed());
    assert_route(1, BOB, true);
    beat_of(subscribed(), &w.room.facts.id);
    front_says_mesh(true); /* as it was */
    pass(1000);
    assert_int_equal(said(MSG_ROOM_ROUTES, NULL), 1); /* once */
    link_event(EVENT_LINK_DOWN, subscribed());
    assert_route(2, BOB, false);
    assert_int_equal(said(MSG_ROOM_READ, NULL), 0);
    pass(200);
    assert_int_equal(said(MSG_ROOM_READ, NULL), 1); /* what fell between */
}

static void
who_publishes_no_longer_is_dropped_and_heard_through_the_front(void **state)
{
    (void)state;
    const uint64_t sub = hears_bob();
    publishes(BOB, GONE);
    assert_int_equal(did(EFFECT_DROP, sub), 1);
    assert_route(2, BOB, false);
    w.done_count = 0;
    pass(60000);
    assert_int_equal(did(EFFECT_SUBSCRIBE, 0), 0);
}

static void
a_way_counts_for_nothing_before_the_front_knows_of_ours(void **state)
{
    (void)state;
    come_into_the_den();
    front_says_mesh(true);
    publishes(BOB, AT(ONE));
    link_event(EVENT_LINK_UP, subscribed());
    assert_int_equal(said(MSG_ROOM_ROUTES, NULL), 0);
    bound(XPUB_PORT);
    assert_route(1, BOB, true);
}

/* ---- what comes ---- */

static void
assert_cut(uint64_t link)
{
    assert_int_equal(did(EFFECT_DROP, link), 1);
    assert_int_equal(did(EFFECT_DROP, 0), 1);
}

static void
a_member_that_publishes_garbage_is_not_heard_for_a_while(void **state)
{
    (void)state;
    const uint64_t sub = hears_bob();
    feed(&(struct msg_event){.kind = EVENT_FRAME, .link = sub, .bytes = msg_span("garbage", 7)});
    assert_cut(sub);
    assert_route(2, BOB, false);
    pass(1000);
    assert_dials(2, BOB, ONE);
}

static void
what_is_not_of_its_room_is_garbage(void **state)
{
    (void)state;
    const uint64_t sub = hears_bob();
    beat_of(sub, &w.room.facts.id);
    assert_int_equal(did(EFFECT_DROP, 0), 0);
    beat_of(sub, &(struct msg_id){{1}});
    assert_cut(sub);
}

static void
a_tip_of_somebody_else_is_garbage(void **state)
{
    (void)state;
    struct msg_room_tip tip;
    const uint64_t sub = hears_bob();
    tip = (struct msg_room_tip){.room = w.room.facts.id, .account = BOB, .device = 1, .incarnation = 1, .number = 1};
    msg_room_sign_tip(&tip, &w.people[BOB].id.sign_sec);
    comes(sub, MSG_ROOM_TIP, &tip);
    assert_int_equal(did(EFFECT_DROP, 0), 0);
    tip.account = CAT; /* signed by her, and repeated by him */
    msg_room_sign_tip(&tip, &w.people[CAT].id.sign_sec);
    comes(sub, MSG_ROOM_TIP, &tip);
    assert_cut(sub);
}

static void
a_receipt_of_somebody_else_is_garbage(void **state)
{
    (void)state;
    uint8_t at[128];
    struct msg_buf buf = {at, 0, sizeof at};
    const struct msg_mark mark = {.account = ADA, .device = 1, .incarnation = 1, .number = 1};
    struct msg_room_receipt receipt;
    const uint64_t sub = hears_bob();
    receipt = (struct msg_room_receipt){.room = w.room.facts.id, .account = BOB, .device = 2};
    assert_int_equal(msg_codec_append(&buf, &receipt.marks, MSG_MARK, &mark), CONCLAVE_OK);
    msg_room_sign_receipt(&receipt, &w.people[BOB].id.sign_sec);
    comes(sub, MSG_ROOM_RECEIPT, &receipt); /* another device of his */
    assert_cut(sub);
}

static void
a_frame_of_another_room_is_garbage(void **state)
{
    (void)state;
    static uint8_t box[64];
    const uint64_t sub = hears_bob();
    const struct msg_room_frame frame = {.room = {{1}}, .epoch = 1, .account = CAT, .device = 1, .incarnation = 1, .first = 1, .count = 1, .box = {box, sizeof box}};
    comes(sub, MSG_ROOM_FRAME, &frame);
    assert_cut(sub);
}

static void
what_is_for_the_front_is_garbage_on_an_xpub(void **state)
{
    (void)state;
    const uint64_t sub = hears_bob();
    comes(sub, MSG_PING, &(struct msg_ping){MSG_STATUS_ONLINE});
    assert_cut(sub);
}

/* ---- in time ---- */

static void
who_is_silent_for_45_seconds_is_gone(void **state)
{
    (void)state;
    const uint64_t sub = hears_bob();
    pass(44999);
    beat_of(sub, &w.room.facts.id);
    pass(44999);
    assert_int_equal(did(EFFECT_DROP, 0), 0);
    pass(1);
    assert_cut(sub);
    assert_route(2, BOB, false);
    pass(1000);
    assert_dials(2, BOB, ONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        MESH_TEST(a_member_that_publishes_is_dialled_under_its_key),
        MESH_TEST(nobody_else_is_dialled),
        MESH_TEST(a_member_whose_keys_changed_is_not_dialled),
        MESH_TEST(each_endpoint_has_two_seconds_and_then_they_are_tried_again),
        MESH_TEST(who_is_not_there_is_dialled_less_and_less_often),
        MESH_TEST(who_the_front_no_longer_speaks_of_is_forgotten_after_five_rounds),
        MESH_TEST(where_members_are_is_on_disk_and_they_are_dialled_without_the_front),
        MESH_TEST(a_way_is_told_when_it_is_there_and_when_it_is_gone),
        MESH_TEST(who_publishes_no_longer_is_dropped_and_heard_through_the_front),
        MESH_TEST(a_way_counts_for_nothing_before_the_front_knows_of_ours),
        MESH_TEST(a_member_that_publishes_garbage_is_not_heard_for_a_while),
        MESH_TEST(what_is_not_of_its_room_is_garbage),
        MESH_TEST(a_tip_of_somebody_else_is_garbage),
        MESH_TEST(a_receipt_of_somebody_else_is_garbage),
        MESH_TEST(a_frame_of_another_room_is_garbage),
        MESH_TEST(what_is_for_the_front_is_garbage_on_an_xpub),
        MESH_TEST(who_is_silent_for_45_seconds_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

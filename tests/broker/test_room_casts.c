/* Claims about broker/rooms/room_casts and broker/rooms/room_reads: who gets which frames,
 * in how many messages, and what becomes of those who do not keep up. */
#include "tests/broker/posts_world.h"

static uint8_t big_box[60000];

/* The items of the n-th CAST to the device; prev comes back. */
static struct msg_list
cast_posts(const struct fake_device *device, size_t n, uint64_t *prev)
{
    assert_true(fake_registry_sent(&reg, device->link, MSG_ROOM_CAST, n, &any));
    *prev = any.MSG_ANY_ROOM_CAST.prev;
    return any.MSG_ANY_ROOM_CAST.posts;
}

/* The device's n-th CAST is this one message of that sender, and goes on from
 * where the device was; where it is now comes back. */
static uint64_t
expect_cast(const struct fake_device *device, size_t n, const struct fake_device *from, uint64_t number, uint64_t heard)
{
    uint64_t prev;
    struct msg_list posts = cast_posts(device, n, &prev);

    assert_int_equal(posts.count, 1);
    assert_true(prev <= heard);
    assert_true(msg_codec_next(&posts, MSG_LOGGED, &logged));
    const struct msg_room_frame frame = opened(logged.frame);
    assert_int_equal(frame.account, from->account);
    assert_int_equal(frame.first, number);
    return logged.offset;
}

static void
post_big(const struct fake_device *device, uint64_t first)
{
    struct msg_room_frame frame = a_frame(device, first);

    frame.box = msg_span(big_box, sizeof big_box);
    post(device, &frame);
    fake_registry_pass(&reg, 0);
}

static uint64_t
bytes_cast(const struct fake_device *device)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < reg.sent_count; i++)
        if (reg.sent[i].link == device->link && reg.sent[i].kind == MSG_ROOM_CAST)
            bytes += reg.sent[i].len;
    return bytes;
}

static void
take(const struct fake_device *device, uint64_t bytes)
{
    const struct msg_room_taken taken = {bytes};

    fake_say(&reg, device, MSG_ROOM_TAKEN, &taken);
}

/* ---- who gets what ---- */

static void
who_has_read_the_log_gets_what_others_post_and_nobody_else_does(void **state)
{
    (void)state;
    assert_true(go_live(&alice) && go_live(&bob));
    post_one(&alice, 1);
    assert_int_equal(sent(&alice, MSG_ROOM_CAST), 0);
    assert_int_equal(sent(&carol, MSG_ROOM_CAST), 0);
    assert_int_equal(sent(&bob, MSG_ROOM_CAST), 1);
    expect_cast(&bob, 0, &alice, 1, 0);
}

static void
a_turn_is_one_message_and_a_chain_of_offsets_without_a_hole(void **state)
{
    (void)state;
    uint64_t prev, heard = 0;
    size_t count = 0;

    assert_true(go_live(&bob));
    for (unsigned turn = 0; turn < 3; turn++) {
        for (uint64_t n = 1; n <= 4; n++) {
            const struct msg_room_frame frame = a_frame(&alice, n + 4 * turn);
            post(&alice, &frame);
        }
        assert_int_equal(sent(&bob, MSG_ROOM_CAST), turn);
        fake_registry_pass(&reg, 0);
        assert_int_equal(sent(&bob, MSG_ROOM_CAST), turn + 1);
        struct msg_list posts = cast_posts(&bob, turn, &prev);
        assert_int_equal(prev, heard);
        assert_int_equal(posts.count, 4);
        while (msg_codec_next(&posts, MSG_LOGGED, &logged)) {
            assert_true(logged.offset > heard);
            assert_int_equal(opened(logged.frame).first, ++count);
            heard = logged.offset;
        }
    }
}

static void
who_posts_has_no_hole_in_what_it_hears(void **state)
{
    (void)state;
    uint64_t a = 0, b = 0;

    assert_true(go_live(&alice) && go_live(&bob) && go_live(&carol));
    for (uint64_t n = 1; n <= 4; n++) {
        fake_registry_clear(&reg);
        post_one(&alice, n);
        b = expect_cast(&bob, 0, &alice, n, b);
        fake_registry_clear(&reg);
        post_one(&bob, n);
        a = expect_cast(&alice, 0, &bob, n, a); /* its own frame stands between, and is no hole */
        expect_cast(&carol, 0, &bob, n, UINT64_MAX);
    }
    assert_int_equal(sent(&carol, MSG_ROOM_STATE), 0);
}

static void
what_is_more_than_a_message_holds_comes_in_several(void **state)
{
    (void)state;
    uint64_t prev, heard = 0;

    assert_true(go_live(&bob));
    struct msg_room_frame frame = a_frame(&alice, 1);
    frame.box = msg_span(big_box, 25000);
    for (; frame.first <= 5; frame.first++)
        post(&alice, &frame);
    fake_registry_pass(&reg, 0);
    assert_int_equal(sent(&bob, MSG_ROOM_CAST), 3);
    for (size_t n = 0, count = 0; n < 3; n++) {
        struct msg_list posts = cast_posts(&bob, n, &prev);
        assert_int_equal(prev, heard);
        while (msg_codec_next(&posts, MSG_LOGGED, &logged)) {
            assert_int_equal(opened(logged.frame).first, ++count);
            heard = logged.offset;
        }
    }
    assert_int_equal(opened(logged.frame).first, 5);
}

static void
whoever_leaves_hears_no_more(void **state)
{
    (void)state;
    assert_true(go_live(&bob) && go_live(&carol));
    DO(act(&alice, MSG_ACT_KICK, &bob));
    fake_registry_clear(&reg);
    post_one(&alice, 1);
    assert_int_equal(sent(&bob, MSG_ROOM_CAST), 0);
    assert_int_equal(sent(&carol, MSG_ROOM_CAST), 1);
}

static void
who_is_kicked_and_invited_at_once_hears_no_more(void **state)
{
    (void)state;
    assert_true(go_live(&bob));
    DO(act(&alice, MSG_ACT_PROMOTE, &carol));
    reg.hold_store = true;
    (void)act(&carol, MSG_ACT_TOPIC, NULL); /* what is handed in behind it is one transaction */
    const struct msg_room_op kick = an_op(&alice, &LOBBY, MSG_ACT_KICK, &bob);
    (void)hand_in(&alice, &kick, "");
    const struct msg_room_op invite = an_op(&carol, &LOBBY, MSG_ACT_INVITE, &bob);
    (void)hand_in(&carol, &invite, "");
    reg.hold_store = false;
    fake_registry_commit(&reg);
    assert_int_equal(part_on_disk(&LOBBY, &bob).role, MSG_ROLE_NONE);
    fake_registry_clear(&reg);
    post_one(&alice, 1);
    assert_int_equal(sent(&bob, MSG_ROOM_CAST), 0);
    read_from(&bob, 0);
    expect_error(bob.link, "not-a-member");
}

/* ---- what is not kept ---- */

static struct msg_room_tip
a_tip(const struct fake_device *device)
{
    return (struct msg_room_tip){.room = LOBBY, .account = device->account, .device = device->device, .incarnation = 1,
                                 .salt = 7, .number = 1};
}

static void
a_tip_is_passed_on_and_not_kept(void **state)
{
    (void)state;
    struct msg_room_tip tip = a_tip(&alice);
    uint64_t prev;

    assert_true(go_live(&bob));
    post_kind(&alice, MSG_ROOM_TIP, &tip);
    fake_registry_pass(&reg, 0);
    struct msg_list posts = cast_posts(&bob, 0, &prev);
    assert_true(msg_codec_next(&posts, MSG_LOGGED, &logged));
    assert_int_equal(logged.offset, 0);
    assert_int_equal(kept(), 0);
    for (size_t i = 0; i < 3; i++) { /* not as somebody else, nor of another place */
        tip = a_tip(&alice);
        tip.account += i == 0;
        tip.device += i == 1;
        tip.room.at[0] ^= i == 2;
        post_kind(&alice, MSG_ROOM_TIP, &tip);
        expect_refused(&alice, i, "forbidden");
    }
}

static void
tips_beyond_measure_are_passed_over(void **state)
{
    (void)state;
    const struct msg_room_tip tip = a_tip(&alice);
    uint64_t prev, count = 0;

    assert_true(go_live(&bob));
    for (unsigned i = 0; i < 1000; i++)
        post_kind(&alice, MSG_ROOM_TIP, &tip);
    fake_registry_pass(&reg, 0);
    for (size_t n = 0; n < sent(&bob, MSG_ROOM_CAST); n++)
        count += cast_posts(&bob, n, &prev).count;
    assert_in_range(count, 1, 300);
    assert_int_equal(sent(&alice, MSG_ROOM_REFUSED), 0);
}

static void
a_receipt_is_passed_on_in_small_rooms(void **state)
{
    (void)state;
    uint8_t bytes[128];
    struct msg_buf buf = {bytes, 0, sizeof bytes};
    const struct msg_mark mark = {alice.account, alice.device, 1, 1, {{0}}};
    struct msg_room_receipt receipt = {.room = LOBBY, .account = bob.account, .device = bob.device};

    assert_int_equal(msg_codec_append(&buf, &receipt.marks, MSG_MARK, &mark), CONCLAVE_OK);
    assert_true(go_live(&alice));
    post_kind(&bob, MSG_ROOM_RECEIPT, &receipt);
    fake_registry_pass(&reg, 0);
    assert_int_equal(sent(&alice, MSG_ROOM_CAST), 1);
    /* Thirty more members: it is no longer small. */
    struct broker_front_settings settings = reg.settings;
    settings.room_members = 100;
    broker_front_core_set(reg.core, &settings);
    for (unsigned i = 0; i < 30; i++) {
        struct fake_device more;
        char name[16];
        snprintf(name, sizeof name, "more%u", i);
        fake_device_init(&more, 400 + i);
        assert_true(fake_admit(&reg, &more, MSG_SIGNUP, name, "purple monkey") && fake_enter(&reg, &more));
        DO(act(&more, MSG_ACT_JOIN, NULL));
    }
    fake_registry_clear(&reg);
    post_kind(&bob, MSG_ROOM_RECEIPT, &receipt);
    fake_registry_pass(&reg, 0);
    assert_int_equal(sent(&alice, MSG_ROOM_CAST), 0);
}

/* ---- who does not keep up ---- */

static void
who_does_not_take_what_it_was_sent_is_behind_until_it_has(void **state)
{
    (void)state;
    struct broker_front_counts counts;
    uint64_t n = 1;

    assert_true(go_live(&bob) && go_live(&carol));
    for (; n <= 12; n++) {
        post_big(&alice, n);
        take(&carol, UINT64_MAX); /* more than there is counts as all */
    }
    assert_int_equal(sent(&carol, MSG_ROOM_CAST), 12); /* nobody waits for bob */
    const uint64_t bytes = bytes_cast(&bob);
    assert_in_range(bytes, 256 * 1024, 320 * 1024);
    broker_front_core_counts(reg.core, &counts);
    assert_int_equal(counts.behind, 1); /* once, whatever else is said meanwhile */
    read_from(&bob, 0); /* it is not served before it has read what it was sent */
    expect_error(bob.link, "busy");
    take(&bob, bytes - 64 * 1024 - 1);
    assert_int_equal(sent(&bob, MSG_ROOM_STATE), 0);
    take(&bob, bytes - 64 * 1024);
    assert_true(fake_registry_sent(&reg, bob.link, MSG_ROOM_STATE, 0, &any));
    assert_false(any.MSG_ANY_ROOM_STATE.complete);
    struct msg_list rooms = any.MSG_ANY_ROOM_STATE.rooms;
    struct msg_room_head head;
    assert_true(msg_codec_next(&rooms, MSG_ROOM_HEAD, &head));
    assert_memory_equal(head.room.at, LOBBY.at, sizeof LOBBY.at);
    fake_registry_clear(&reg);
    post_one(&alice, n++);
    assert_int_equal(sent(&bob, MSG_ROOM_CAST), 0);
    assert_true(go_live(&bob));
    post_one(&alice, n);
    assert_int_equal(sent(&bob, MSG_ROOM_CAST), 1);
}

static void
who_takes_no_more_is_behind_and_what_it_lost_need_not_be_taken(void **state)
{
    (void)state;
    assert_true(go_live(&bob));
    post_big(&alice, 1);
    post_big(&alice, 2);
    const uint64_t bytes = bytes_cast(&bob);
    const struct msg_event full = {.kind = EVENT_FULL, .link = bob.link, .id = bytes / 2};
    fake_registry_step(&reg, &full);
    post_big(&alice, 3);
    assert_int_equal(sent(&bob, MSG_ROOM_CAST), 2);
    assert_int_equal(sent(&bob, MSG_ROOM_STATE), 0);
    fake_registry_pass(&reg, 2000); /* what is left is no more than one that is behind may have */
    assert_int_equal(sent(&bob, MSG_ROOM_STATE), 1);
    assert_true(go_live(&bob));
}

static void
who_is_not_live_is_told_within_two_seconds_and_once(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 10; n++)
        post_one(&alice, n);
    assert_int_equal(sent(&bob, MSG_ROOM_STATE), 0);
    fake_registry_pass(&reg, 2000);
    assert_int_equal(sent(&bob, MSG_ROOM_STATE), 1);
    assert_true(fake_registry_sent(&reg, bob.link, MSG_ROOM_STATE, 0, &any));
    assert_int_equal(any.MSG_ANY_ROOM_STATE.rooms.count, 1);
    fake_registry_pass(&reg, 10000);
    assert_int_equal(sent(&bob, MSG_ROOM_STATE), 1);
}

/* ---- reading ---- */

static void
the_log_comes_in_pages_and_then_the_session_is_live(void **state)
{
    (void)state;
    uint64_t after = 0, count = 0, pages = 0;
    bool live = false;

    for (uint64_t n = 1; n <= 5; n++)
        post_big(&alice, n);
    while (!live) {
        fake_registry_clear(&reg);
        read_from(&bob, after);
        assert_true(fake_registry_sent(&reg, bob.link, MSG_ROOM_LOG, 0, &any));
        struct msg_list frames = any.MSG_ANY_ROOM_LOG.frames;
        live = any.MSG_ANY_ROOM_LOG.live;
        assert_true(any.MSG_ANY_ROOM_LOG.first > 0);
        after = any.MSG_ANY_ROOM_LOG.next;
        while (msg_codec_next(&frames, MSG_LOGGED, &logged))
            assert_int_equal(opened(logged.frame).first, ++count);
        assert_true(!live || logged.offset == after);
        assert_in_range(++pages, 1, 5);
    }
    assert_int_equal(count, 5);
    fake_registry_clear(&reg);
    post_one(&alice, 6);
    assert_int_equal(expect_cast(&bob, 0, &alice, 6, after) > after, true);
}

static void
nothing_falls_between_the_last_page_and_the_first_cast(void **state)
{
    (void)state;
    uint64_t heard, count = 0;

    post_one(&alice, 1);
    reg.hold_store = true;
    post_one(&alice, 2);         /* on its way to the disk; carol's cast of it is over */
    struct msg_room_frame frame = a_frame(&alice, 3);
    post(&alice, &frame);        /* of this turn */
    fake_registry_clear(&reg);
    read_from(&bob, 0);
    assert_true(fake_registry_sent(&reg, bob.link, MSG_ROOM_LOG, 0, &any));
    assert_true(any.MSG_ANY_ROOM_LOG.live);
    assert_int_equal(any.MSG_ANY_ROOM_LOG.frames.count, 1);
    heard = any.MSG_ANY_ROOM_LOG.next;
    fake_registry_pass(&reg, 0); /* the turn is over */
    for (size_t n = 0; n < sent(&bob, MSG_ROOM_CAST); n++) {
        uint64_t prev;
        struct msg_list posts = cast_posts(&bob, n, &prev);
        assert_true(prev <= heard);
        while (msg_codec_next(&posts, MSG_LOGGED, &logged)) {
            assert_int_equal(opened(logged.frame).first, 2 + count++);
            heard = logged.offset;
        }
    }
    assert_int_equal(count, 2);
}

static void
what_the_reader_has_is_left_out_unless_its_head_differs(void **state)
{
    (void)state;
    uint8_t bytes[256];
    struct msg_mark mark = {alice.account, alice.device, 1, 3, {{3}}};

    for (uint64_t n = 1; n <= 5; n++)
        post_one(&alice, n);
    for (unsigned other = 0; other < 2; other++) {
        struct msg_buf buf = {bytes, 0, sizeof bytes};
        struct msg_room_read ask = {31, LOBBY, 0, {0}};
        assert_int_equal(msg_codec_append(&buf, &ask.have, MSG_MARK, &mark), CONCLAVE_OK);
        fake_registry_clear(&reg);
        fake_say(&reg, &bob, MSG_ROOM_READ, &ask);
        assert_true(fake_registry_sent(&reg, bob.link, MSG_ROOM_LOG, 0, &any));
        assert_int_equal(any.MSG_ANY_ROOM_LOG.frames.count, other == 0 ? 2 : 3);
        assert_true(any.MSG_ANY_ROOM_LOG.live);
        mark.head.at[0] = 99; /* another chain under the same numbers */
    }
}

static void
strangers_read_nothing(void **state)
{
    (void)state;
    struct fake_device dave;
    const struct msg_room_read ask = {31, {{9}}, 0, {0}};

    fake_device_init(&dave, 104);
    assert_true(fake_admit(&reg, &dave, MSG_SIGNUP, "dave", "purple monkey") && fake_enter(&reg, &dave));
    post_one(&alice, 1);
    read_from(&dave, 0);
    expect_error(dave.link, "not-a-member");
    fake_registry_clear(&reg);
    fake_say(&reg, &dave, MSG_ROOM_READ, &ask);
    expect_error(dave.link, "no-such-room");
    DO(act(&bob, MSG_ACT_LEAVE, NULL));
    fake_registry_clear(&reg);
    read_from(&bob, 0);
    expect_error(bob.link, "not-a-member");
    assert_int_equal(sent(&bob, MSG_ROOM_LOG), 0);
}

static void
who_reads_without_end_is_told_to_wait(void **state)
{
    (void)state;
    struct broker_front_settings settings = reg.settings;

    settings.requests_burst = settings.requests_per_s = 1000000;
    broker_front_core_set(reg.core, &settings);
    for (unsigned i = 0; i < 1000; i++)
        read_from(&bob, 0);
    expect_error(bob.link, "busy");
    assert_in_range(sent(&bob, MSG_ROOM_LOG), 1, 500);
}

static void
a_new_session_of_the_device_begins_anew(void **state)
{
    (void)state;
    assert_true(go_live(&bob));
    for (uint64_t n = 1; n <= 6; n++)
        post_big(&alice, n); /* it is behind */
    bob.link = 301;
    assert_true(fake_enter(&reg, &bob));
    assert_true(go_live(&bob));
    post_one(&alice, 7);
    assert_int_equal(sent(&bob, MSG_ROOM_CAST), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        POSTS_CASE(who_has_read_the_log_gets_what_others_post_and_nobody_else_does),
        POSTS_CASE(a_turn_is_one_message_and_a_chain_of_offsets_without_a_hole),
        POSTS_CASE(who_posts_has_no_hole_in_what_it_hears),
        POSTS_CASE(what_is_more_than_a_message_holds_comes_in_several),
        POSTS_CASE(whoever_leaves_hears_no_more),
        POSTS_CASE(who_is_kicked_and_invited_at_once_hears_no_more),
        POSTS_CASE(a_tip_is_passed_on_and_not_kept),
        POSTS_CASE(tips_beyond_measure_are_passed_over),
        POSTS_CASE(a_receipt_is_passed_on_in_small_rooms),
        POSTS_CASE(who_does_not_take_what_it_was_sent_is_behind_until_it_has),
        POSTS_CASE(who_takes_no_more_is_behind_and_what_it_lost_need_not_be_taken),
        POSTS_CASE(who_is_not_live_is_told_within_two_seconds_and_once),
        POSTS_CASE(the_log_comes_in_pages_and_then_the_session_is_live),
        POSTS_CASE(nothing_falls_between_the_last_page_and_the_first_cast),
        POSTS_CASE(what_the_reader_has_is_left_out_unless_its_head_differs),
        POSTS_CASE(strangers_read_nothing),
        POSTS_CASE(who_reads_without_end_is_told_to_wait),
        POSTS_CASE(a_new_session_of_the_device_begins_anew),
    };

    return cmocka_run_group_tests_name("broker/rooms/room_casts", tests, NULL, NULL);
}

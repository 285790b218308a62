/* Claims about broker/rooms/room_casts: who gets which frames, and in how many
 * messages; those who do not keep up are in test_room_reads. */
#include "tests/broker/posts_world.h"

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
    expect_one_cast(&bob, 0, &alice, 1, 0);
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
        b = expect_one_cast(&bob, 0, &alice, n, b);
        fake_registry_clear(&reg);
        post_one(&bob, n);
        a = expect_one_cast(&alice, 0, &bob, n, a); /* its own frame stands between, and is no hole */
        expect_one_cast(&carol, 0, &bob, n, UINT64_MAX);
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

/* The registry is awake then, and need not wake for them. */
static void
pings_that_wait_are_answered_with_the_next_cast(void **state)
{
    const struct msg_ping ping = {MSG_STATUS_ONLINE};

    (void)state;
    assert_true(go_live(&bob));
    fake_registry_pass(&reg, FAKE_TOLD_MS);
    fake_registry_clear(&reg);
    fake_say(&reg, &carol, MSG_PING, &ping);
    fake_registry_pass(&reg, FAKE_PONG_MS / 2);
    assert_int_equal(sent(&carol, MSG_PONG), 0);
    post_one(&alice, 1);
    assert_int_equal(sent(&bob, MSG_ROOM_CAST), 1);
    assert_int_equal(sent(&carol, MSG_PONG), 1);
    fake_registry_pass(&reg, FAKE_PONG_MS);
    assert_int_equal(sent(&carol, MSG_PONG), 1);
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
        POSTS_CASE(pings_that_wait_are_answered_with_the_next_cast),
    };

    return cmocka_run_group_tests_name("broker/rooms/room_casts", tests, NULL, NULL);
}

/* Claims about broker/rooms/room_casts and broker/rooms/room_reads: what becomes
 * of those who do not keep up, and of those who read the log. */
#include "tests/broker/posts_world.h"

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
who_was_behind_and_missed_nothing_meanwhile_goes_on(void **state)
{
    (void)state;
    struct broker_front_counts counts = {0};
    uint64_t n = 1;

    assert_true(go_live(&bob));
    for (; counts.behind == 0; n++) {
        post_big(&alice, n);
        broker_front_core_counts(reg.core, &counts);
    }
    take(&bob, UINT64_MAX);
    fake_registry_clear(&reg);
    post_one(&alice, n++);
    assert_int_equal(sent(&bob, MSG_ROOM_STATE), 0);
    assert_true(expect_one_cast(&bob, 0, &alice, n - 1, UINT64_MAX) > 0);
    /* Not so when something was said before it had caught up. */
    for (; counts.behind == 1; n++) {
        post_big(&alice, n);
        broker_front_core_counts(reg.core, &counts);
    }
    post_one(&alice, n++);
    take(&bob, UINT64_MAX);
    fake_registry_clear(&reg);
    post_one(&alice, n++);
    assert_int_equal(sent(&bob, MSG_ROOM_CAST), 0);
    fake_registry_pass(&reg, 2000);
    assert_int_equal(sent(&bob, MSG_ROOM_STATE), 1);
    /* Nor when it was the connection that took no more: what was cast is lost. */
    assert_true(go_live(&bob));
    post_one(&alice, n++);
    const struct msg_event full = {.kind = EVENT_FULL, .link = bob.link, .id = bytes_cast(&bob)};
    fake_registry_step(&reg, &full);
    fake_registry_pass(&reg, 2000);
    fake_registry_clear(&reg);
    post_one(&alice, n);
    assert_int_equal(sent(&bob, MSG_ROOM_CAST), 0);
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
    assert_int_equal(expect_one_cast(&bob, 0, &alice, 6, after) > after, true);
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
        POSTS_CASE(who_does_not_take_what_it_was_sent_is_behind_until_it_has),
        POSTS_CASE(who_was_behind_and_missed_nothing_meanwhile_goes_on),
        POSTS_CASE(who_takes_no_more_is_behind_and_what_it_lost_need_not_be_taken),
        POSTS_CASE(who_is_not_live_is_told_within_two_seconds_and_once),
        POSTS_CASE(the_log_comes_in_pages_and_then_the_session_is_live),
        POSTS_CASE(nothing_falls_between_the_last_page_and_the_first_cast),
        POSTS_CASE(what_the_reader_has_is_left_out_unless_its_head_differs),
        POSTS_CASE(strangers_read_nothing),
        POSTS_CASE(who_reads_without_end_is_told_to_wait),
        POSTS_CASE(a_new_session_of_the_device_begins_anew),
    };

    return cmocka_run_group_tests_name("broker/rooms/room_reads", tests, NULL, NULL);
}

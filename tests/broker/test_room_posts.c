/* Claims about broker/rooms/room_posts: which frames the registry takes, in which
 * order, and what it says of those that it does not. */
#include "tests/broker/posts_world.h"

#include "broker/core/front_state.h"

static void
a_frame_of_a_member_is_stored_and_then_said_to_be(void **state)
{
    (void)state;
    reg.hold_store = true;
    post_one(&alice, 1);
    assert_int_equal(sent(&alice, MSG_ROOM_STORED), 0);
    fake_registry_commit(&reg);
    assert_true(fake_registry_sent(&reg, alice.link, MSG_ROOM_STORED, 0, &any));
    assert_int_equal(any.MSG_ANY_ROOM_STORED.incarnation, 1);
    assert_int_equal(any.MSG_ANY_ROOM_STORED.number, 1);
    assert_int_equal(kept(), 1);
}

static void
what_came_in_one_turn_is_one_transaction_and_is_answered_once(void **state)
{
    (void)state;
    reg.hold_store = true;
    for (uint64_t n = 1; n <= 5; n++) {
        const struct msg_room_frame frame = a_frame(&alice, n);
        post(&alice, &frame);
    }
    fake_registry_pass(&reg, 0);
    assert_int_equal(fake_store_pending(reg.store), 1);
    fake_registry_commit(&reg);
    assert_int_equal(kept(), 5);
    assert_int_equal(sent(&alice, MSG_ROOM_STORED), 1);
    assert_true(fake_registry_sent(&reg, alice.link, MSG_ROOM_STORED, 0, &any));
    assert_int_equal(any.MSG_ANY_ROOM_STORED.number, 5);
}

static void
a_stranger_is_refused_and_so_is_who_went(void **state)
{
    (void)state;
    struct fake_device dave;
    struct msg_room_frame frame = a_frame(&bob, 1);

    fake_device_init(&dave, 104);
    assert_true(fake_admit(&reg, &dave, MSG_SIGNUP, "dave", "purple monkey") && fake_enter(&reg, &dave));
    frame.account = dave.account;
    frame.device = dave.device;
    post(&dave, &frame);
    expect_refused(&dave, 0, "not-a-member");
    DO(act(&bob, MSG_ACT_LEAVE, NULL));
    frame = a_frame(&bob, 1);
    post(&bob, &frame);
    expect_refused(&bob, 0, "not-a-member");
    fake_registry_pass(&reg, 0);
    assert_int_equal(kept(), 0);
}

static void
a_private_room_is_not_there_for_strangers(void **state)
{
    (void)state;
    const struct msg_id den = {{'d', 'e', 'n'}};
    struct msg_room_frame frame = a_frame(&bob, 1);
    struct msg_buf buf = {frame_bytes, 0, sizeof frame_bytes};

    DO(create(&alice, &den, "#den", MSG_ROOM_PRIVATE, ""));
    frame.room = den;
    assert_int_equal(msg_codec_encode(&buf, MSG_ROOM_FRAME, &frame), CONCLAVE_OK);
    post_bytes(&bob, &den, msg_span_of_buf(&buf));
    expect_refused(&bob, 0, "no-such-room");
    assert_int_equal(any.MSG_ANY_ROOM_REFUSED.epoch, 0);
    assert_int_equal(any.MSG_ANY_ROOM_REFUSED.number, 0);
}

static void
a_header_that_names_another_or_another_room_is_refused(void **state)
{
    (void)state;
    const struct msg_id den = {{'d', 'e', 'n'}};
    struct msg_room_frame frame = a_frame(&alice, 1);

    post(&bob, &frame); /* alice's own, by bob */
    expect_refused(&bob, 0, "forbidden");
    post(&alice, &frame);
    fake_registry_pass(&reg, 0);
    fake_registry_clear(&reg);
    post(&bob, &frame); /* nor is it told how far she is */
    expect_refused(&bob, 0, "forbidden");
    assert_int_equal(sent(&bob, MSG_ROOM_STORED), 0);
    frame = a_frame(&bob, 1);
    frame.device++;
    post(&bob, &frame);
    expect_refused(&bob, 1, "forbidden");
    frame = a_frame(&bob, 1);
    frame.room = den;
    post(&bob, &frame);
    expect_refused(&bob, 2, "forbidden");
    frame = a_frame(&bob, UINT64_MAX);
    post(&bob, &frame);
    expect_refused(&bob, 3, "forbidden");
    fake_registry_pass(&reg, 0);
    assert_int_equal(kept(), 1);
}

/* Even where the chain and its salt are known, of a room that one has left. */
static void
where_the_chain_of_another_stands_is_told_nobody(void **state)
{
    (void)state;
    const struct msg_id den = {{'d', 'e', 'n'}};
    struct msg_room_frame frame = a_frame(&alice, 1);
    struct msg_buf buf = {frame_bytes, 0, sizeof frame_bytes};

    DO(create(&bob, &den, "#den", 0, ""));
    for (uint64_t n = 1; n <= 9; n++)
        post_one(&alice, n);
    DO(act(&bob, MSG_ACT_LEAVE, NULL));
    fake_registry_clear(&reg);
    const uint64_t uses = reg.core->senders.uses;
    for (uint64_t n = 1; n <= 99; n += 49) { /* what was said, and what was not yet */
        frame.first = n;
        buf.len = 0;
        assert_int_equal(msg_codec_encode(&buf, MSG_ROOM_FRAME, &frame), CONCLAVE_OK);
        post_bytes(&bob, &den, msg_span_of_buf(&buf));
        expect_refused(&bob, n / 49, "forbidden");
        assert_int_equal(any.MSG_ANY_ROOM_REFUSED.first, n);
    }
    assert_int_equal(sent(&bob, MSG_ROOM_STORED), 0);
    assert_int_equal(reg.core->senders.uses, uses); /* and nobody is forgotten for it */
}

static void
who_is_muted_is_refused_until_it_is_not(void **state)
{
    (void)state;
    DO(act(&alice, MSG_ACT_MUTE, &bob));
    struct msg_room_frame frame = a_frame(&bob, 1);
    const uint64_t uses = reg.core->senders.uses;
    post(&bob, &frame);
    expect_refused(&bob, 0, "forbidden");
    assert_int_equal(reg.core->senders.uses, uses);
    DO(act(&alice, MSG_ACT_UNMUTE, &bob));
    frame = a_frame(&bob, 1);
    fake_registry_clear(&reg);
    post(&bob, &frame);
    assert_int_equal(sent(&bob, MSG_ROOM_REFUSED), 0);
}

static void
a_frame_of_an_epoch_that_is_over_is_refused_with_where_the_roster_stands(void **state)
{
    (void)state;
    struct msg_room_frame frame = a_frame(&alice, 3);
    struct msg_rec_room record;

    DO(act(&carol, MSG_ACT_LEAVE, NULL));
    assert_true(room_record(&LOBBY, &record));
    fake_registry_clear(&reg);
    post(&alice, &frame);
    expect_refused(&alice, 0, "expired");
    assert_int_equal(any.MSG_ANY_ROOM_REFUSED.first, 3);
    assert_int_equal(any.MSG_ANY_ROOM_REFUSED.epoch, record.epoch);
    assert_int_equal(any.MSG_ANY_ROOM_REFUSED.number, record.number);
    frame = a_frame(&alice, 3);
    frame.epoch_head.at[0] ^= 1;
    post(&alice, &frame);
    expect_refused(&alice, 1, "expired");
    assert_int_equal(kept(), 0);
}

static void
nobody_posts_in_an_epoch_that_ends_in_this_moment(void **state)
{
    (void)state;
    reg.hold_store = true;
    const struct msg_room_frame frame = a_frame(&alice, 1);
    const struct msg_room_op op = an_op(&carol, &LOBBY, MSG_ACT_LEAVE, NULL);
    (void)hand_in(&carol, &op, "");
    post(&alice, &frame);
    expect_refused(&alice, 0, "expired");
}

static void
a_hole_is_refused_with_what_is_missing_and_a_repetition_is_not_kept_twice(void **state)
{
    (void)state;
    post_one(&alice, 5); /* an incarnation that is not known may start anywhere */
    fake_registry_clear(&reg);
    post_one(&alice, 7);
    expect_refused(&alice, 0, "range");
    assert_int_equal(any.MSG_ANY_ROOM_REFUSED.first, 6);
    fake_registry_clear(&reg);
    post_one(&alice, 5);
    assert_int_equal(sent(&alice, MSG_ROOM_REFUSED), 0);
    assert_true(fake_registry_sent(&reg, alice.link, MSG_ROOM_STORED, 0, &any));
    assert_int_equal(any.MSG_ANY_ROOM_STORED.number, 5);
    /* Sealed anew, with more in it than was taken. */
    struct msg_room_frame frame = a_frame(&alice, 4);
    frame.count = 4;
    fake_registry_clear(&reg);
    post(&alice, &frame);
    expect_refused(&alice, 0, "range");
    assert_int_equal(any.MSG_ANY_ROOM_REFUSED.first, 6);
    /* A restored device: the same incarnation, but not the same. */
    frame = a_frame(&alice, 1);
    frame.salt++;
    fake_registry_clear(&reg);
    post(&alice, &frame);
    fake_registry_pass(&reg, 0);
    assert_int_equal(sent(&alice, MSG_ROOM_REFUSED), 0);
    assert_int_equal(kept(), 2);
}

static void
of_what_the_disk_does_not_take_nothing_is_believed_nor_what_came_behind_it(void **state)
{
    (void)state;
    uint64_t id;

    reg.hold_store = true;
    post_one(&alice, 1);
    post_one(&alice, 2);
    post_one(&bob, 1);
    assert_int_equal(fake_store_pending(reg.store), 3);
    assert_true(fake_store_refuse(reg.store, &id));
    const struct msg_event lost = {.kind = EVENT_STORED, .id = id, .err = CONCLAVE_ERR_STORE_FULL};
    fake_registry_step(&reg, &lost);
    expect_refused(&alice, 0, "quota-exceeded");
    assert_int_equal(any.MSG_ANY_ROOM_REFUSED.first, 1);
    reg.hold_store = false;
    fake_registry_commit(&reg);
    /* Number 2 must not stand in the log without number 1. */
    assert_int_equal(sent(&alice, MSG_ROOM_STORED), 0);
    assert_int_equal(sent(&alice, MSG_ROOM_REFUSED), 1);
    assert_int_equal(sent(&bob, MSG_ROOM_STORED), 1);
    assert_int_equal(kept(), 1);
    post_one(&alice, 1);
    post_one(&alice, 2);
    assert_int_equal(sent(&alice, MSG_ROOM_STORED), 2);
    assert_int_equal(kept(), 3);
}

static void
a_device_that_came_back_is_told_what_it_posted_before(void **state)
{
    (void)state;
    reg.hold_store = true;
    post_one(&alice, 1);
    alice.link = 301; /* another connection, while the disk is busy */
    reg.hold_store = false;
    assert_true(fake_enter(&reg, &alice));
    fake_registry_commit(&reg);
    assert_true(fake_registry_sent(&reg, 301, MSG_ROOM_STORED, 0, &any));
    assert_int_equal(any.MSG_ANY_ROOM_STORED.number, 1);
}

static void
offsets_grow_over_restarts_also_over_frames_that_were_lost(void **state)
{
    (void)state;
    uint64_t last = 0;

    for (unsigned run = 0; run < 4; run++) {
        assert_true(fake_enter(&reg, &alice) && fake_enter(&reg, &bob) && go_live(&bob));
        reg.hold_store = run % 2 == 1; /* cast, and then lost with the crash */
        for (uint64_t n = 1; n <= 3; n++) {
            post_one(&alice, n + 3 * run);
            assert_true(fake_registry_sent(&reg, bob.link, MSG_ROOM_CAST, n - 1, &any));
            assert_true(msg_codec_next(&any.MSG_ANY_ROOM_CAST.posts, MSG_LOGGED, &logged));
            assert_true(logged.offset > last);
            last = logged.offset;
        }
        reg.hold_store = false;
        fake_registry_crash(&reg);
    }
    assert_int_equal(kept(), 6);
}

static void
who_posts_too_much_is_told_when_to_go_on(void **state)
{
    (void)state;
    struct broker_front_settings settings = reg.settings;

    settings.posts_per_s = 3;
    broker_front_core_set(reg.core, &settings);
    for (uint64_t n = 1; n <= 4; n++)
        post_one(&alice, n);
    expect_refused(&alice, 0, "busy");
    assert_int_equal(any.MSG_ANY_ROOM_REFUSED.first, 4);
    const uint64_t retry_ms = any.MSG_ANY_ROOM_REFUSED.retry_ms;
    assert_in_range(retry_ms, 1, 1000);
    fake_registry_pass(&reg, retry_ms);
    fake_registry_clear(&reg);
    post_one(&alice, 4);
    assert_int_equal(sent(&alice, MSG_ROOM_REFUSED), 0);
    assert_int_equal(sent(&alice, MSG_ROOM_STORED), 1);
}

static void
who_posts_too_many_bytes_is_told_when_to_go_on(void **state)
{
    (void)state;
    static uint8_t box[40000];
    struct broker_front_settings settings = reg.settings;
    struct msg_room_frame frame = a_frame(&alice, 1);

    settings.post_kib_per_s = 64;
    broker_front_core_set(reg.core, &settings);
    frame.box = msg_span(box, sizeof box);
    post(&alice, &frame);
    assert_int_equal(sent(&alice, MSG_ROOM_REFUSED), 0);
    frame.first = 2;
    post(&alice, &frame);
    expect_refused(&alice, 0, "busy");
    assert_in_range(any.MSG_ANY_ROOM_REFUSED.retry_ms, 1, 1000);
}

static void
more_than_is_under_way_at_once_is_refused_and_none_of_it_lost(void **state)
{
    (void)state;
    static uint8_t box[60000];
    struct broker_front_settings settings = reg.settings;
    struct msg_room_frame frame = a_frame(&alice, 1);
    uint64_t taken = 0;

    settings.posts_per_s = settings.post_kib_per_s = 1000000000;
    broker_front_core_set(reg.core, &settings);
    frame.box = msg_span(box, sizeof box);
    reg.hold_store = true;
    for (; sent(&alice, MSG_ROOM_REFUSED) == 0 && taken < 10000; taken++, frame.first++)
        post(&alice, &frame);
    expect_refused(&alice, 0, "busy");
    assert_in_range(taken, 100, 1000);
    fake_registry_pass(&reg, 0);
    fake_registry_commit(&reg);
    assert_int_equal(kept(), taken - 1);
    reg.hold_store = false;
    fake_registry_clear(&reg);
    frame.first = taken;
    post(&alice, &frame);
    fake_registry_pass(&reg, 0);
    assert_int_equal(sent(&alice, MSG_ROOM_STORED), 1);
}

static void
what_is_no_post_is_garbage(void **state)
{
    (void)state;
    const struct msg_ping ping = {MSG_STATUS_ONLINE};

    post_bytes(&alice, &LOBBY, msg_span("\x93\x01", 2));
    expect_error(alice.link, "short");
    fake_registry_clear(&reg);
    post_kind(&alice, MSG_PING, &ping);
    expect_error(alice.link, "kind");
    for (unsigned i = 0; i < 100 && !fake_registry_dropped(&reg, alice.link); i++)
        post_bytes(&alice, &LOBBY, msg_span("\x93\x01", 2));
    assert_true(fake_registry_dropped(&reg, alice.link));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        POSTS_CASE(a_frame_of_a_member_is_stored_and_then_said_to_be),
        POSTS_CASE(what_came_in_one_turn_is_one_transaction_and_is_answered_once),
        POSTS_CASE(a_stranger_is_refused_and_so_is_who_went),
        POSTS_CASE(a_private_room_is_not_there_for_strangers),
        POSTS_CASE(a_header_that_names_another_or_another_room_is_refused),
        POSTS_CASE(where_the_chain_of_another_stands_is_told_nobody),
        POSTS_CASE(who_is_muted_is_refused_until_it_is_not),
        POSTS_CASE(a_frame_of_an_epoch_that_is_over_is_refused_with_where_the_roster_stands),
        POSTS_CASE(nobody_posts_in_an_epoch_that_ends_in_this_moment),
        POSTS_CASE(a_hole_is_refused_with_what_is_missing_and_a_repetition_is_not_kept_twice),
        POSTS_CASE(of_what_the_disk_does_not_take_nothing_is_believed_nor_what_came_behind_it),
        POSTS_CASE(a_device_that_came_back_is_told_what_it_posted_before),
        POSTS_CASE(offsets_grow_over_restarts_also_over_frames_that_were_lost),
        POSTS_CASE(who_posts_too_much_is_told_when_to_go_on),
        POSTS_CASE(who_posts_too_many_bytes_is_told_when_to_go_on),
        POSTS_CASE(more_than_is_under_way_at_once_is_refused_and_none_of_it_lost),
        POSTS_CASE(what_is_no_post_is_garbage),
    };

    return cmocka_run_group_tests_name("broker/rooms/room_posts", tests, NULL, NULL);
}

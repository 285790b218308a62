/* Receipts in a room: whose count, for what, when they are said, and how often. */
#include "tests/peer/room_rogue.h"

static uint8_t at[512];

/* Ada has said one thing, and neither Bob nor Cat were there. */
static void
said_to_nobody(void)
{
    create(ADA, 0);
    join(BOB);
    join(CAT);
    kill_core(BOB);
    kill_core(CAT);
    say(ADA, "hello");
}

/* A receipt for so many of Ada's. */
static void
receipt(uint64_t from, uint64_t number)
{
    uint8_t list_at[128];
    struct msg_buf list = {list_at, 0, sizeof list_at}, buf = {at, 0, sizeof at};
    const struct msg_mark mark = {ADA, 1, logged_frame(0).incarnation, number, {{0}}};
    struct msg_room_receipt frame = {.room = w.room.id, .account = from, .device = 1};
    assert_int_equal(msg_codec_append(&list, &frame.marks, MSG_MARK, &mark), CONCLAVE_OK);
    msg_room_sign_receipt(&frame, &w.side[from].id.sign_sec);
    assert_int_equal(msg_codec_encode(&buf, MSG_ROOM_RECEIPT, &frame), CONCLAVE_OK);
    front_cast(from, 0, msg_span_of_buf(&buf));
    run(100);
}

static void
a_receipt_ticks_once(void **state)
{
    (void)state;
    said_to_nobody();
    receipt(BOB, 1);
    assert_int_equal(ticks(ADA, MSG_TICK_DELIVERED), 1);
    receipt(BOB, 1);
    assert_int_equal(ticks(ADA, MSG_TICK_DELIVERED), 1);
    receipt(CAT, 1); /* for each member */
    assert_int_equal(ticks(ADA, MSG_TICK_DELIVERED), 2);
}

static void
a_receipt_of_who_went_counts_for_nothing(void **state)
{
    (void)state;
    said_to_nobody();
    act(ADA, MSG_ACT_KICK, CAT);
    receipt(CAT, 1);
    assert_int_equal(ticks(ADA, MSG_TICK_DELIVERED), 0);
}

static void
a_receipt_for_what_was_not_said_counts_for_nothing(void **state)
{
    (void)state;
    said_to_nobody();
    receipt(BOB, 99);
    assert_int_equal(ticks(ADA, MSG_TICK_DELIVERED), 0);
    receipt(BOB, 1); /* and does not stand before a right one */
    assert_int_equal(ticks(ADA, MSG_TICK_DELIVERED), 1);
}

static void
a_receipt_is_for_what_is_on_disk(void **state)
{
    (void)state;
    create(ADA, 0);
    join(BOB);
    say(ADA, "zero");
    run(3000);
    const size_t before = ticks(ADA, MSG_TICK_DELIVERED);
    w.side[BOB].lazy = true;
    say(ADA, "one");
    const size_t stores = w.side[BOB].store_count;
    assert_int_equal(stores, 1);
    say(ADA, "two");
    assert_int_equal(w.side[BOB].store_count, 2);
    world_commit_one(BOB);
    run(3000);
    assert_int_equal(ticks(ADA, MSG_TICK_DELIVERED), before + 1);
    const struct msg_span ticked = told(ADA, MSG_TELL_RECEIPT, count(ADA, MSG_TELL_RECEIPT) - 1)->MSG_ANY_TELL_RECEIPT.ids;
    const struct msg_id shown = told(BOB, MSG_TELL_MESSAGE, count(BOB, MSG_TELL_MESSAGE) - 1)->MSG_ANY_TELL_MESSAGE.id;
    assert_int_equal(ticked.len, sizeof shown);
    assert_memory_equal(ticked.at, &shown, sizeof shown); /* of one, and not of two */
    assert_shown(BOB, "ada: zero|ada: one|");
}

static void
one_receipt_a_second_is_enough(void **state)
{
    (void)state;
    create(ADA, 0);
    join(BOB);
    say(ADA, "hello");
    const size_t before = w.side[BOB].signals;
    for (int i = 0; i < 100; i++) {
        utter(ADA, "on");
        run(50);
    }
    assert_in_range(w.side[BOB].signals - before, 4, 6);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_receipt_ticks_once),
        TEST(a_receipt_of_who_went_counts_for_nothing),
        TEST(a_receipt_for_what_was_not_said_counts_for_nothing),
        TEST(a_receipt_is_for_what_is_on_disk),
        TEST(one_receipt_a_second_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

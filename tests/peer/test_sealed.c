/* Sender keys and questions for them, sealed in the mail: from whom they are
 * taken, and who is answered. */
#include "tests/peer/room_rogue.h"

static uint8_t at[4096];

static void
friends(uint64_t flags)
{
    create(ADA, flags);
    join(BOB);
    join(CAT);
    say(ADA, "hello");
    assert_shown(BOB, "ada: hello|");
}

/* Of which he lacks just that one. */
static void
a_key_that_is_missing_is_taken_from_its_owner_alone(void **state)
{
    (void)state;
    friends(0);
    join(DAN);
    kill_core(BOB);
    act(ADA, MSG_ACT_KICK, DAN);
    say(ADA, "two");
    while (w.side[BOB].box_count > 0)
        free(w.side[BOB].box[--w.side[BOB].box_count].frames.at);
    disconnect(ADA);
    disconnect(CAT);
    start(BOB);
    run(3000);
    const size_t before = records(BOB, PEER_TABLE_ROOM_KEYS);
    struct msg_roomkey wrong = {.tag = logged_frame(1).key};
    hand(CAT, BOB, ADA, 2, &wrong);
    assert_int_equal(records(BOB, PEER_TABLE_ROOM_KEYS), before);
}

/* It answers each question with another key. */
static void
who_answers_with_other_keys_is_asked_no_more(void **state)
{
    (void)state;
    friends(0);
    struct rogue cat = rogue(CAT);
    log_frame(CAT, rogue_frame(&cat, "guess", at));
    for (int i = 0; i < 30 && count(BOB, MSG_TELL_GAP) == 0; i++) {
        const struct rogue other = rogue(CAT);
        hand(CAT, BOB, CAT, 1, &other.key);
        run(60000);
    }
    struct rogue next = rogue(CAT); /* what comes after it is heard */
    next.number = 1;
    hand(CAT, BOB, CAT, 1, &next.key);
    log_frame(CAT, rogue_frame(&next, "go on", at));
    run(1000);
    assert_shown(BOB, "ada: hello|cat: go on|");
}

/* Of which the log has no longer the first: one gap, that ends where the other begins. */
static void
what_is_given_up_after_what_went_from_the_log_is_told_once(void **state)
{
    (void)state;
    friends(0);
    struct rogue cat = rogue(CAT);
    log_frame(CAT, rogue_frame(&cat, "gone", at));
    disconnect(BOB);
    log_frame(CAT, rogue_frame(&cat, "guess", at));
    free(w.log[0].frame.at);
    free(w.log[1].frame.at);
    w.log[0] = w.log[2];
    w.log_count = 1;
    connect(BOB);
    for (int i = 0; i < 30 && count(BOB, MSG_TELL_GAP) == 0; i++) {
        const struct rogue other = rogue(CAT);
        hand(CAT, BOB, CAT, 1, &other.key);
        run(60000);
    }
    struct rogue next = rogue(CAT);
    next.number = 2;
    hand(CAT, BOB, CAT, 1, &next.key);
    log_frame(CAT, rogue_frame(&next, "go on", at));
    run(1000);
    assert_shown(BOB, "ada: hello|cat: go on|");
    assert_int_equal(count(BOB, MSG_TELL_GAP), 2);
    for (size_t n = 0; n < 2; n++) {
        assert_int_equal(told(BOB, MSG_TELL_GAP, n)->MSG_ANY_TELL_GAP.first, n + 1);
        assert_int_equal(told(BOB, MSG_TELL_GAP, n)->MSG_ANY_TELL_GAP.last, n + 1);
    }
}

static void
who_left_answers_nobody(void **state)
{
    (void)state;
    friends(0);
    say(BOB, "I said this");
    const struct msg_tag key = logged_frame(1).key;
    act(BOB, MSG_ACT_LEAVE, BOB);
    disconnect(CAT);
    const size_t cat = w.side[CAT].box_count;
    ask(CAT, BOB, BOB, 1, &key);
    run(5000);
    assert_int_equal(w.side[CAT].box_count, cat);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_that_is_missing_is_taken_from_its_owner_alone),
        TEST(who_answers_with_other_keys_is_asked_no_more),
        TEST(what_is_given_up_after_what_went_from_the_log_is_told_once),
        TEST(who_left_answers_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

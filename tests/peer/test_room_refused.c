/* Posts that the registry refuses: sealed anew, said again, or given up so that
 * it is seen. */
#include "tests/peer/room_rogue.h"

static void
friends(uint64_t flags)
{
    create(ADA, flags);
    join(BOB);
    join(CAT);
}

static void
what_is_refused_goes_again(void **state)
{
    static const enum conclave_err WHY[] = {CONCLAVE_ERR_BUSY, CONCLAVE_ERR_EXPIRED, CONCLAVE_ERR_RANGE, CONCLAVE_ERR_QUOTA_EXCEEDED, CONCLAVE_ERR_FORBIDDEN};
    (void)state;
    friends(0);
    say(ADA, "zero");
    for (size_t i = 0; i < sizeof WHY / sizeof WHY[0]; i++) {
        w.refuses = WHY[i];
        for (int n = 0; n < 20; n++) {
            utter(ADA, "x");
            run(1);
        }
        run(10000);
        assert_int_equal(count(BOB, MSG_TELL_MESSAGE), 1 + 20 * (i + 1));
    }
    assert_int_equal(ticks(ADA, MSG_TICK_STORED), 101);
}

static void
an_epoch_that_ends_unheard_is_sealed_anew(void **state)
{
    (void)state;
    friends(0);
    say(ADA, "one");
    w.side[BOB].deaf = true;
    act(ADA, MSG_ACT_KICK, CAT);
    say(BOB, "two"); /* under the epoch that is over */
    run(2000);
    assert_shown(ADA, "bob: two|");
    assert_shown(CAT, "ada: one|");
}

/* As by a registry that shows another roster: there is nothing to read. */
static void
what_is_refused_for_an_epoch_that_nobody_shows_goes_again_once_a_second(void **state)
{
    (void)state;
    friends(0);
    w.room.epoch++;
    utter(ADA, "one");
    run(10000);
    assert_in_range(w.side[ADA].heard[MSG_ROOM_REFUSED], 5, 12);
    w.room.epoch--;
    run(2000);
    assert_shown(BOB, "ada: one|");
}

static void
what_a_muted_member_had_waiting_fails_visibly(void **state)
{
    (void)state;
    friends(0);
    say(BOB, "one");
    disconnect(BOB);
    utter(BOB, "two");
    act(ADA, MSG_ACT_MUTE, BOB);
    connect(BOB);
    run(2000);
    assert_shown(ADA, "bob: one|");
    assert_int_equal(count(BOB, MSG_TELL_NOTICE), 1);
    utter(BOB, "three");
    assert_int_equal(failure(BOB), CONCLAVE_ERR_FORBIDDEN);
    act(ADA, MSG_ACT_UNMUTE, BOB);
    say(BOB, "four");
    assert_shown(ADA, "bob: one|bob: four|");
    assert_int_equal(count(ADA, MSG_TELL_GAP), 0);
}

static void
an_answer_that_is_lost_repeats_nothing(void **state)
{
    (void)state;
    friends(0);
    say(ADA, "zero");
    w.silent = true;
    say(ADA, "one");
    assert_int_equal(ticks(ADA, MSG_TICK_STORED), 1);
    w.silent = false;
    restart(ADA); /* the log has it */
    assert_int_equal(w.log_count, 2);
    assert_int_equal(ticks(ADA, MSG_TICK_STORED), 2);
    assert_shown(BOB, "ada: zero|ada: one|");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_refused_goes_again),
        TEST(an_epoch_that_ends_unheard_is_sealed_anew),
        TEST(what_is_refused_for_an_epoch_that_nobody_shows_goes_again_once_a_second),
        TEST(what_a_muted_member_had_waiting_fails_visibly),
        TEST(an_answer_that_is_lost_repeats_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

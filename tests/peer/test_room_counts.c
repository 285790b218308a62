/* Claims about peer/core/counts in rooms: routes, what waits, and what became
 * of messages that were missing. */
#include "tests/peer/room_mesh_world.h"

static const struct msg_tell_stats *
stats_of(uint64_t who)
{
    static uint64_t req = 1000000;
    const struct msg_done ask = {++req};
    world_command(who, MSG_CMD_STATS, &ask);
    const struct side *const side = &w.side[who];
    assert_int_equal(side->told[side->told_count - 1].kind, MSG_TELL_STATS);
    return &side->told[side->told_count - 1].any.MSG_ANY_TELL_STATS;
}

static void
a_room_and_who_is_heard_in_it_are_counted(void **state)
{
    (void)state;
    gather(CAT);
    assert_int_equal(stats_of(BOB)->rooms, 1);
    assert_int_equal(stats_of(BOB)->mesh_rooms, 1);
    assert_int_equal(stats_of(BOB)->mesh_heard, 2);
    assert_int_equal(stats_of(BOB)->sent, 1);
    assert_int_equal(stats_of(BOB)->received, 2);
    deafen(BOB, ADA);
    assert_int_equal(stats_of(BOB)->mesh_heard, 1);
    assert_int_equal(stats_of(DAN)->rooms, 0);
}

static void
what_the_registry_has_not_stored_waits(void **state)
{
    (void)state;
    create(ADA, 0);
    disconnect(ADA);
    utter(ADA, "one");
    utter(ADA, "two");
    run(9000);
    assert_int_equal(stats_of(ADA)->waiting_rooms, 2);
    assert_int_equal(stats_of(ADA)->waiting, 0);
    assert_in_range(stats_of(ADA)->waiting_oldest_ms, 9000, 9500);
    assert_int_equal(stats_of(ADA)->mesh_rooms, 0);
    connect(ADA);
    run(3000);
    assert_int_equal(stats_of(ADA)->waiting_rooms, 0);
    assert_int_equal(stats_of(ADA)->waiting_oldest_ms, 0);
}

static void
what_was_missed_of_a_member_and_read_in_the_log_is_one_repaired_gap(void **state)
{
    (void)state;
    gather(CAT);
    assert_int_equal(stats_of(BOB)->gaps_repaired, 0);
    mesh.cut[BOB][ADA] = true;
    say(ADA, "one");
    mesh.cut[BOB][ADA] = false;
    utter(ADA, "two");
    run(20);
    assert_int_equal(stats_of(BOB)->gaps_repaired, 0);
    run(3000);
    assert_shown(BOB, "ada: hello|cat: hello|ada: one|ada: two|");
    assert_int_equal(stats_of(BOB)->gaps_repaired, 1);
    assert_int_equal(stats_of(BOB)->gaps_shown, 0);
    assert_int_equal(stats_of(CAT)->gaps_repaired, 0);
}

static void
what_members_had_while_the_registry_was_away_is_too(void **state)
{
    (void)state;
    gather(CAT);
    for (uint64_t who = ADA; who <= CAT; who++)
        disconnect(who);
    run(100);
    mesh.cut[BOB][ADA] = true;
    say(ADA, "one");
    run(20000);
    assert_shown(BOB, "ada: hello|cat: hello|ada: one|");
    assert_int_equal(stats_of(BOB)->gaps_repaired, 1);
    assert_int_equal(stats_of(CAT)->gaps_repaired, 0);
}

static void
what_was_lost_on_the_way_from_the_registry_is_too(void **state)
{
    (void)state;
    w.mesh = false;
    create(ADA, 0);
    join(BOB);
    say(ADA, "one");
    w.side[BOB].up = false;
    say(ADA, "two");
    w.side[BOB].up = true;
    w.side[BOB].served = w.offset; /* as far as the front knows */
    say(ADA, "three");
    assert_shown(BOB, "ada: one|ada: two|ada: three|");
    assert_int_equal(stats_of(BOB)->gaps_repaired, 1);
    assert_int_equal(stats_of(BOB)->gaps_shown, 0);
}

static void
what_nobody_has_any_more_is_shown_and_not_repaired(void **state)
{
    (void)state;
    w.mesh = false;
    create(ADA, 0);
    join(BOB);
    say(ADA, "one");
    w.side[BOB].up = false;
    say(ADA, "two");
    w.side[BOB].up = true;
    w.side[BOB].served = w.offset;
    free(w.log[--w.log_count].frame.at); /* it has expired */
    say(ADA, "three");
    assert_shown(BOB, "ada: one|ada: three|");
    assert_int_equal(count(BOB, MSG_TELL_GAP), 1);
    assert_int_equal(stats_of(BOB)->gaps_repaired, 0);
    assert_int_equal(stats_of(BOB)->gaps_shown, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        MESH_TEST(a_room_and_who_is_heard_in_it_are_counted),
        MESH_TEST(what_the_registry_has_not_stored_waits),
        MESH_TEST(what_was_missed_of_a_member_and_read_in_the_log_is_one_repaired_gap),
        MESH_TEST(what_members_had_while_the_registry_was_away_is_too),
        MESH_TEST(what_was_lost_on_the_way_from_the_registry_is_too),
        MESH_TEST(what_nobody_has_any_more_is_shown_and_not_repaired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

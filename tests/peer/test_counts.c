/* Claims about peer/core/counts: what a peer tells of itself is what happened. */
#include "tests/peer/registry.h"

static const struct msg_tell_stats *
stats_of(int who)
{
    static uint64_t req = 1000;
    const struct msg_done ask = {++req};
    pair_command(who, MSG_CMD_STATS, &ask);
    const struct msg_tell_stats *const stats = &pair_told(who, MSG_TELL_STATS, pair_count(who, MSG_TELL_STATS) - 1)->MSG_ANY_TELL_STATS;
    assert_int_equal(stats->req, req);
    return stats;
}

static void
messages_are_counted_and_wait_until_a_device_has_them(void **state)
{
    (void)state;
    pair_say(ADA, 1, "one");
    pair_say(ADA, 2, "two");
    pair.now.wall_ms += 5000;
    assert_int_equal(stats_of(ADA)->waiting, 2);
    assert_int_equal(stats_of(ADA)->waiting_oldest_ms, 5000);
    assert_int_equal(stats_of(ADA)->sent, 2);
    pair_settle();
    assert_int_equal(stats_of(ADA)->waiting, 0);
    assert_int_equal(stats_of(ADA)->waiting_oldest_ms, 0);
    assert_int_equal(stats_of(ADA)->sent, 2);
    assert_int_equal(stats_of(ADA)->received, 0);
    assert_int_equal(stats_of(BOB)->sent, 0);
    assert_int_equal(stats_of(BOB)->received, 2);
    assert_int_equal(stats_of(BOB)->gaps_repaired, 0);
}

static void
what_the_registry_keeps_is_counted_until_it_comes(void **state)
{
    (void)state;
    registry_comes(ADA);
    pair_say(ADA, 1, "one");
    registry_passes(3000);
    assert_int_equal(stats_of(ADA)->waiting, 1);
    assert_int_equal(stats_of(ADA)->waiting_stored, 1);
    assert_int_equal(stats_of(ADA)->away, 1);
    registry.mute = true;
    pair_say(ADA, 2, "two");
    registry_passes(3000);
    assert_int_equal(stats_of(ADA)->waiting, 2);
    assert_int_equal(stats_of(ADA)->waiting_stored, 1);
    registry.mute = false;
    registry_comes(BOB);
    registry_passes(120000);
    assert_int_equal(stats_of(ADA)->waiting, 0);
    assert_int_equal(stats_of(ADA)->waiting_stored, 0);
}

static void
what_came_back_is_not_stored(void **state)
{
    (void)state;
    registry_comes(ADA);
    pair_say(ADA, 1, "one");
    registry_passes(3000);
    assert_int_equal(stats_of(ADA)->waiting_stored, 1);
    registry.refuses = "quota-exceeded";
    registry_returns(BOB);
    registry_passes(1000);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_QUEUED), 2);
    assert_int_equal(stats_of(ADA)->waiting, 1);
    assert_int_equal(stats_of(ADA)->waiting_stored, 0);
}

static void
each_device_has_one_route(void **state)
{
    (void)state;
    assert_int_equal(stats_of(ADA)->people, 1);
    assert_int_equal(stats_of(ADA)->idle, 1);
    pair.side[ADA].hides = true;
    pair_say(ADA, 1, "one");
    pair_commit(ADA);
    pair_wake(ADA, 1);
    assert_int_equal(stats_of(ADA)->dialling, 1);
    assert_int_equal(stats_of(ADA)->idle + stats_of(ADA)->direct + stats_of(ADA)->relayed + stats_of(ADA)->away, 0);
    registry_comes(ADA);
    registry_comes(BOB);
    registry_passes(10000);
    assert_int_equal(stats_of(ADA)->relayed, 1);
    assert_int_equal(stats_of(BOB)->relayed, 1);
    pair.side[ADA].hides = false;
    registry_passes(1200000);
    pair_say(ADA, 2, "two");
    registry_passes(5000);
    assert_int_equal(stats_of(ADA)->direct, 1);
    assert_int_equal(stats_of(ADA)->relayed + stats_of(ADA)->dialling + stats_of(ADA)->away + stats_of(ADA)->idle, 0);
    assert_int_equal(stats_of(BOB)->direct, 1);
}

static void
who_is_blocked_is_not_counted(void **state)
{
    const struct msg_cmd_block block = {1, msg_text("bob"), true};
    (void)state;
    pair_command(ADA, MSG_CMD_BLOCK, &block);
    assert_int_equal(stats_of(ADA)->people, 0);
    assert_int_equal(stats_of(ADA)->idle, 0);
}

static void
a_gap_that_is_filled_counts_as_repaired(void **state)
{
    (void)state;
    pair_say(ADA, 1, "one");
    pair_settle();
    pair.side[BOB].deaf = true;
    pair_say(ADA, 2, "two");
    pair_commit(ADA);
    pair_wake(ADA, 1);
    pair.side[BOB].deaf = false;
    pair_say(ADA, 3, "three");
    pair_wake(ADA, 200);
    assert_int_equal(stats_of(BOB)->gaps_repaired, 0); /* it was asked for */
    pair_settle();
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 3);
    assert_int_equal(stats_of(BOB)->gaps_repaired, 1);
    assert_int_equal(stats_of(BOB)->gaps_shown, 0);
    pair_say(ADA, 4, "four");
    pair_settle();
    assert_int_equal(stats_of(BOB)->gaps_repaired, 1);
}

static void
log_ins_and_the_time_since_the_last_are_told(void **state)
{
    (void)state;
    assert_int_equal(stats_of(ADA)->log_ins, 0);
    assert_int_equal(stats_of(ADA)->session_ms, 0);
    registry_comes(ADA);
    assert_int_equal(stats_of(ADA)->session_ms, 1); /* in the same millisecond */
    registry_passes(7000);
    const uint64_t before = stats_of(ADA)->session_ms;
    assert_in_range(before, 7000, 7500);
    assert_int_equal(stats_of(ADA)->log_ins, 1);
    registry_loses(ADA);
    assert_int_equal(stats_of(ADA)->session_ms, 0);
    registry_comes(ADA);
    registry_passes(250);
    assert_in_range(stats_of(ADA)->session_ms, 1, 6000);
    assert_int_equal(stats_of(ADA)->log_ins, 2);
    assert_true(stats_of(ADA)->uptime_ms > before);
}

static void
frames_and_bytes_are_those_that_went_over_links(void **state)
{
    (void)state;
    const struct msg_tell_stats ada = *stats_of(ADA), bob = *stats_of(BOB);
    pair.frames = 0;
    pair_say(ADA, 1, "one");
    for (int i = 0; i < 3 && pair.frames == 0; i++) {
        pair_commit(ADA);
        pair_wake(ADA, 1);
    }
    pair_settle();
    const struct msg_tell_stats ada_now = *stats_of(ADA), bob_now = *stats_of(BOB);
    assert_int_equal(ada_now.frames_out - ada.frames_out, bob_now.frames_in - bob.frames_in);
    assert_int_equal(ada_now.bytes_out - ada.bytes_out, bob_now.bytes_in - bob.bytes_in);
    assert_int_equal(ada_now.frames_out - ada.frames_out + bob_now.frames_out - bob.frames_out, pair.frames);
    assert_true(ada_now.bytes_out - ada.bytes_out > 100 * (ada_now.frames_out - ada.frames_out) / 2);
}

static void
what_is_refused_is_counted_by_where_it_came_from(void **state)
{
    static const uint8_t garbage[] = {0xc1, 0xc1};
    (void)state;
    registry_comes(ADA);
    pair_feed(ADA, &(struct msg_event){.kind = EVENT_FRAME, .link = pair.side[ADA].dialled, .bytes = msg_span(garbage, sizeof garbage)});
    assert_int_equal(stats_of(ADA)->refused_registry, 1);
    pair_say(ADA, 1, "one");
    pair_settle();
    assert_int_equal(stats_of(BOB)->refused_links, 0);
    assert_int_equal(stats_of(BOB)->refused_seals, 0);
    const struct pair_side *const ada = &pair.side[ADA];
    const struct msg_mail mail = {.serial = 1, .account = ADA + 1, .device = 1, .certificate = msg_span(ada->cert, ada->cert_len),
                                  .posted_ms = 1, .frames = msg_span(garbage, sizeof garbage)};
    registry_comes(BOB);
    registry_says(BOB, MSG_MAIL, &mail);
    assert_int_equal(stats_of(BOB)->refused_seals, 1);
    pair_arrive(BOB, msg_span(garbage, sizeof garbage));
    assert_int_equal(stats_of(BOB)->refused_links, 1);
    assert_int_equal(stats_of(BOB)->refused_registry, 0);
}

static int
set_up(void **state)
{
    memset(&registry, 0, sizeof registry);
    return pair_set_up(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, pair_tear_down)
#define HIDDEN(name) cmocka_unit_test_setup_teardown(name, registry_set_up, pair_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(messages_are_counted_and_wait_until_a_device_has_them),
        HIDDEN(what_the_registry_keeps_is_counted_until_it_comes),
        HIDDEN(what_came_back_is_not_stored),
        TEST(each_device_has_one_route),
        TEST(who_is_blocked_is_not_counted),
        TEST(a_gap_that_is_filled_counts_as_repaired),
        TEST(log_ins_and_the_time_since_the_last_are_told),
        TEST(frames_and_bytes_are_those_that_went_over_links),
        TEST(what_is_refused_is_counted_by_where_it_came_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

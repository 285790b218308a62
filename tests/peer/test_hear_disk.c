/* Proves peer/core/hear while the disk is slow: what comes has no room, and is
 * asked for as soon as there is some. */
#include "peer/core/parts.h"
#include "tests/peer/pair.h"

#define RING_BYTES 16384u

/* Bob has said something, and until that is on his disk there is room for a
 * text of so many bytes and not for much more. */
static void
fill(size_t but)
{
    struct peer_core *const core = pair.side[BOB].core;
    const struct msg_tell_ok other = {.req = 1};
    pair_say(BOB, 100, "waits for the disk");
    while (peer_held_fits(core->held, but))
        peer_held_put(core->held, core->next_store, MSG_TELL_OK, &other);
}

static int
set_up(void **state)
{
    if (pair_set_up(state) != 0)
        return -1;
    peer_held_destroy(&pair.side[BOB].core->held);
    pair.side[BOB].core->held = peer_held_new(RING_BYTES);
    pair_say(ADA, 1, "links them");
    pair_settle();
    return pair_count(BOB, MSG_TELL_MESSAGE) == 1 ? 0 : -1;
}

static void
say_alone(uint64_t req, const char *text)
{
    pair_say(ADA, req, text);
    pair_wake(ADA, 1);
    pair_commit(ADA);
}

static void
nothing_more_is_to_be_read_until_the_disk_has_caught_up(void **state)
{
    (void)state;
    assert_true(peer_core_hears(pair.side[BOB].core));
    fill(0);
    assert_false(peer_core_hears(pair.side[BOB].core));
    pair_commit(BOB);
    assert_true(peer_core_hears(pair.side[BOB].core));
}

static void
what_had_no_room_comes_as_soon_as_the_disk_has_caught_up(void **state)
{
    (void)state;
    fill(0);
    say_alone(2, "one"); /* and nothing after it, of which one could tell */
    pair_wake(BOB, 10);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 1);
    const uint64_t began_ms = pair.now.mono_ms;
    pair_commit(BOB);
    for (int i = 0; i < 3; i++) {
        pair_wake(BOB, 5);
        pair_wake(ADA, 5);
        pair_commit(BOB);
    }
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 2);
    assert_in_range(pair.now.mono_ms - began_ms, 0, 50); /* nobody's time-out */
}

/* Each complaint would have all of it sent again. */
static void
what_had_no_room_is_asked_for_once(void **state)
{
    (void)state;
    fill(0);
    say_alone(2, "one");
    for (uint64_t i = 0; i < 8; i++) {
        say_alone(3 + i, "more");
        pair_wake(BOB, 40);
    }
    const size_t before = pair.frames;
    pair_commit(BOB);
    for (int i = 0; i < 5; i++) {
        pair_wake(BOB, 40);
        pair_wake(ADA, 40);
        pair_commit(BOB);
    }
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 10);
    assert_in_range(pair.frames - before, 2, 6);
}

/* Else what was taken would be said again with it. */
static void
what_had_no_room_is_asked_for_when_all_that_was_taken_is_on_disk(void **state)
{
    (void)state;
    uint64_t taken = 0;
    fill(1000);
    while (!pair.side[BOB].core->roster.refused)
        say_alone(2 + taken++, "some");
    assert_in_range(taken, 2, 20);
    const size_t before = pair.frames;
    assert_true(pair.side[BOB].store_count > 1);
    pair_feed(BOB, &(struct msg_event){.kind = EVENT_STORED, .id = pair.side[BOB].stores[0]}); /* what Bob said */
    assert_true(peer_core_hears(pair.side[BOB].core));
    pair_wake(BOB, 1);
    assert_int_equal(pair.frames, before);
    pair_settle();
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 1 + taken);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, pair_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_more_is_to_be_read_until_the_disk_has_caught_up),
        TEST(what_had_no_room_comes_as_soon_as_the_disk_has_caught_up),
        TEST(what_had_no_room_is_asked_for_once),
        TEST(what_had_no_room_is_asked_for_when_all_that_was_taken_is_on_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

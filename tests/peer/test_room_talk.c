/* What is said in a room is shown to its members: once, in order, and to
 * nobody else. */
#include "peer/core/parts.h"
#include "tests/peer/room_people.h"

static void
friends(void)
{
    create(ADA, 0);
    join(BOB);
    join(CAT);
}

static void
what_a_member_says_the_others_are_shown(void **state)
{
    (void)state;
    friends();
    say(ADA, "hello");
    say(BOB, "hi");
    say(ADA, "well?");
    assert_shown(BOB, "ada: hello|ada: well?|");
    assert_shown(CAT, "ada: hello|bob: hi|ada: well?|");
    assert_shown(ADA, "bob: hi|");
    assert_shown(DAN, "");
    assert_int_equal(ticks(ADA, MSG_TICK_QUEUED), 2);
    assert_int_equal(ticks(ADA, MSG_TICK_STORED), 2);
}

static void
who_is_away_reads_the_log_when_they_are_back(void **state)
{
    (void)state;
    friends();
    disconnect(CAT);
    say(ADA, "one");
    say(BOB, "two");
    say(ADA, "three");
    assert_shown(CAT, "");
    connect(CAT);
    assert_shown(CAT, "ada: one|bob: two|ada: three|");
    kill_core(BOB);
    w.page = 1;
    say(ADA, "four");
    say(CAT, "five");
    start(BOB);
    assert_shown(BOB, "ada: one|ada: three|ada: four|cat: five|");
}

static void
who_comes_and_goes_while_others_are_away_is_read_by_them(void **state)
{
    (void)state;
    create(ADA, 0);
    disconnect(ADA);
    join(BOB);
    say(BOB, "hello");
    kill_core(BOB); /* and answers no questions */
    connect(ADA);
    assert_shown(ADA, "bob: hello|");
}

static void
who_joins_is_shown_what_is_said_from_then_on(void **state)
{
    (void)state;
    friends();
    say(ADA, "before");
    join(DAN);
    say(ADA, "after");
    say(DAN, "hello");
    assert_shown(DAN, "ada: after|");
    assert_shown(CAT, "ada: before|ada: after|dan: hello|");
    assert_int_equal(count(DAN, MSG_TELL_GAP), 0);
}

static void
who_is_put_out_is_shown_nothing_more(void **state)
{
    (void)state;
    friends();
    say(ADA, "one");
    act(ADA, MSG_ACT_KICK, CAT);
    say(ADA, "two");
    say(BOB, "three");
    assert_shown(CAT, "ada: one|");
    assert_shown(BOB, "ada: one|ada: two|");
    utter(CAT, "me too");
    run(500);
    assert_int_equal(failure(CAT), CONCLAVE_ERR_NOT_A_MEMBER);
    join(CAT);
    say(BOB, "four");
    assert_shown(CAT, "ada: one|bob: four|");
    assert_int_equal(count(CAT, MSG_TELL_GAP), 0);
}

static void
who_comes_back_to_a_room_with_history_is_shown_nothing_twice(void **state)
{
    (void)state;
    create(ADA, MSG_ROOM_HISTORY);
    join(CAT); /* who only reads */
    say(ADA, "one");
    act(CAT, MSG_ACT_LEAVE, 0);
    say(ADA, "two");
    restart(CAT);
    join(CAT);
    run(20000); /* she asks for keys */
    say(ADA, "three");
    assert_shown(CAT, "ada: one|ada: two|ada: three|");
    act(ADA, MSG_ACT_KICK, CAT);
    join(CAT);
    say(ADA, "four");
    run(20000);
    assert_shown(CAT, "ada: one|ada: two|ada: three|ada: four|");
}

static void
ticks_say_stored_and_then_delivered(void **state)
{
    (void)state;
    friends();
    disconnect(CAT);
    say(ADA, "hello");
    run(2000);
    assert_int_equal(ticks(ADA, MSG_TICK_STORED), 1);
    assert_int_equal(ticks(ADA, MSG_TICK_DELIVERED), 1);
    const struct msg_tell_receipt *tick = &told(ADA, MSG_TELL_RECEIPT, 2)->MSG_ANY_TELL_RECEIPT;
    assert_true(msg_text_equal(tick->to, msg_text("bob")));
    assert_true(msg_text_equal(tick->room, msg_text("#Den")));
    assert_int_equal(tick->others, 2);
    assert_int_equal(told(ADA, MSG_TELL_RECEIPT, 1)->MSG_ANY_TELL_RECEIPT.others, 0); /* stored */
    connect(CAT);
    run(2000);
    assert_int_equal(ticks(ADA, MSG_TICK_DELIVERED), 2);
}

static void
ticks_are_told_when_the_disk_has_caught_up(void **state)
{
    (void)state;
    friends();
    say(ADA, "first"); /* the key is handed */
    struct peer_core *const core = w.side[ADA].core;
    peer_held_destroy(&core->held);
    core->held = peer_held_new(4096);
    w.side[ADA].lazy = true;
    for (int i = 0; i < 7; i++)
        utter(ADA, "hello");
    const struct msg_tell_ok other = {.req = 1};
    while (peer_held_fits(core->held, 0))
        peer_held_put(core->held, core->next_store, MSG_TELL_OK, &other);
    run(3000);
    assert_int_equal(count(BOB, MSG_TELL_MESSAGE), 8);
    assert_int_equal(ticks(ADA, MSG_TICK_STORED), 1);
    w.side[ADA].lazy = false;
    run(3000);
    assert_int_equal(ticks(ADA, MSG_TICK_QUEUED), 8);
    assert_int_equal(ticks(ADA, MSG_TICK_STORED), 8);
    assert_int_equal(ticks(ADA, MSG_TICK_DELIVERED), 4); /* of the first, and of all, by two */
}

static void
what_is_said_at_once_travels_together(void **state)
{
    (void)state;
    char text[32];
    friends();
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        utter(ADA, text);
    }
    run(1000);
    assert_int_equal(w.log_count, 4);
    assert_int_equal(count(BOB, MSG_TELL_MESSAGE), 1000);
    for (size_t i = 0; i < 1000; i++) {
        (void)snprintf(text, sizeof text, "%zu", i);
        assert_true(msg_text_equal(told(BOB, MSG_TELL_MESSAGE, i)->MSG_ANY_TELL_MESSAGE.text, msg_text(text)));
    }
    assert_int_equal(ticks(ADA, MSG_TICK_STORED), 1000);
}

/* Records of batches that somebody has, and the messages in them. */
static size_t
batches(uint64_t who, uint64_t *messages)
{
    union msg_any any;
    enum msg_kind kind;
    size_t n = 0;
    *messages = 0;
    for (size_t i = 0; i < w.side[who].record_count; i++) {
        const struct bytes *bytes = &w.side[who].records[i].bytes;
        assert_int_equal(msg_codec_decode(msg_span(bytes->at, bytes->len), &kind, &any), CONCLAVE_OK);
        if (kind != MSG_REC_INBOX_BATCH)
            continue;
        *messages += any.MSG_ANY_REC_INBOX_BATCH.count;
        n++;
    }
    return n;
}

static void
what_came_together_is_kept_together_and_the_rest_of_it_shown_after_a_restart(void **state)
{
    (void)state;
    char text[8];
    uint64_t messages;
    friends();
    for (int i = 0; i < 60; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        utter(ADA, text);
    }
    run(2000);
    assert_int_equal(count(BOB, MSG_TELL_MESSAGE), 60);
    const size_t n = batches(BOB, &messages);
    assert_in_range(n, 1, 10);
    assert_true(messages > 50);
    const uint64_t last = told(BOB, MSG_TELL_MESSAGE, 59)->MSG_ANY_TELL_MESSAGE.arrival;
    for (uint64_t left = 0; left < 60; left += 7) {
        w.side[BOB].shown = last - left;
        const size_t before = count(BOB, MSG_TELL_MESSAGE);
        restart(BOB);
        assert_int_equal(count(BOB, MSG_TELL_MESSAGE) - before, left);
        for (uint64_t i = 0; i < left; i++) {
            const struct msg_tell_message *tell = &told(BOB, MSG_TELL_MESSAGE, before + i)->MSG_ANY_TELL_MESSAGE;
            (void)snprintf(text, sizeof text, "%d", (int)(60 - left + i));
            assert_int_equal(tell->arrival, last - left + 1 + i);
            assert_true(msg_text_equal(tell->text, msg_text(text)));
        }
    }
    say(ADA, "more");
    assert_int_equal(told(BOB, MSG_TELL_MESSAGE, count(BOB, MSG_TELL_MESSAGE) - 1)->MSG_ANY_TELL_MESSAGE.arrival, last + 1);
}

static void
what_was_said_while_the_registry_was_away_goes_out_when_it_is_back(void **state)
{
    (void)state;
    friends();
    disconnect(ADA);
    say(ADA, "one");
    restart(ADA);
    say(ADA, "two");
    assert_shown(BOB, "ada: one|ada: two|");
    assert_int_equal(count(BOB, MSG_TELL_NOTICE), 0);
}

/* Some of what was given up may have come to others directly. */
static void
what_is_said_after_messages_were_given_up_is_of_an_incarnation_of_its_own(void **state)
{
    (void)state;
    union msg_any any;
    enum msg_kind kind;
    friends();
    disconnect(BOB);
    say(BOB, "one");
    kill_core(BOB);
    boot(BOB); /* in its second incarnation */
    say(BOB, "two");
    act(ADA, MSG_ACT_KICK, BOB);
    w.side[BOB].up = true;
    world_feed(BOB, &(struct msg_event){.kind = EVENT_LINK_UP, .link = w.side[BOB].link});
    run(2000);
    join(BOB);
    say(BOB, "three");
    assert_shown(ADA, "bob: three|");
    assert_int_equal(msg_codec_decode(msg_span(w.log[w.log_count - 1].frame.at, w.log[w.log_count - 1].frame.len), &kind, &any), CONCLAVE_OK);
    assert_int_equal(any.MSG_ANY_ROOM_FRAME.incarnation, 3);
    assert_int_equal(any.MSG_ANY_ROOM_FRAME.first, 1);
}

static void
the_key_outlives_a_restart(void **state)
{
    (void)state;
    friends();
    say(ADA, "one");
    const uint64_t serial = w.serial;
    restart(ADA);
    say(ADA, "two");
    assert_int_equal(w.serial, serial); /* nobody was handed another one */
    assert_shown(BOB, "ada: one|ada: two|");
    restart(BOB);
    say(ADA, "three");
    assert_shown(BOB, "ada: one|ada: two|ada: three|");
}

static void
bytes_that_were_cast_are_told(void **state)
{
    (void)state;
    static char text[30001];
    friends();
    memset(text, 'x', sizeof text - 1);
    for (int i = 0; i < 5; i++)
        say(ADA, text);
    assert_true(w.side[BOB].taken > 0 && w.side[BOB].taken <= w.side[BOB].cast_bytes);
    assert_true(w.side[BOB].cast_bytes - w.side[BOB].taken < 65536);
    assert_int_equal(count(BOB, MSG_TELL_MESSAGE), 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_member_says_the_others_are_shown),
        TEST(who_is_away_reads_the_log_when_they_are_back),
        TEST(who_comes_and_goes_while_others_are_away_is_read_by_them),
        TEST(who_joins_is_shown_what_is_said_from_then_on),
        TEST(who_is_put_out_is_shown_nothing_more),
        TEST(who_comes_back_to_a_room_with_history_is_shown_nothing_twice),
        TEST(ticks_say_stored_and_then_delivered),
        TEST(ticks_are_told_when_the_disk_has_caught_up),
        TEST(what_is_said_at_once_travels_together),
        TEST(what_came_together_is_kept_together_and_the_rest_of_it_shown_after_a_restart),
        TEST(what_was_said_while_the_registry_was_away_goes_out_when_it_is_back),
        TEST(what_is_said_after_messages_were_given_up_is_of_an_incarnation_of_its_own),
        TEST(the_key_outlives_a_restart),
        TEST(bytes_that_were_cast_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Links through the registry: opened when there is no other way, given up for a
 * better one, and never with somebody who is not to be heard. */
#include "tests/peer/registry.h"

static void
both_come(void)
{
    registry_comes(ADA);
    registry_comes(BOB);
}

static void
who_cannot_be_dialled_is_reached_through_the_registry(void **state)
{
    (void)state;
    both_come();
    pair_say(ADA, 1, "hello");
    registry_passes(3000); /* her one candidate does not answer within two seconds */
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 1);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_DELIVERED), 1);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_STORED), 0);
    assert_int_equal(pair.side[BOB].link, 0);
    pair_say(BOB, 1, "and to you");
    registry_passes(250);
    assert_int_equal(pair_count(ADA, MSG_TELL_MESSAGE), 1);
    assert_int_equal(registry.said[ADA][MSG_DEPOSIT] + registry.said[BOB][MSG_DEPOSIT], 0);
}

static void
who_has_no_endpoint_is_not_waited_for(void **state)
{
    (void)state;
    both_come();
    pair_say(BOB, 1, "hello"); /* he knows no endpoint of hers */
    registry_passes(250);
    assert_int_equal(pair_count(ADA, MSG_TELL_MESSAGE), 1);
    assert_int_equal(pair_ticks(BOB, MSG_TICK_DELIVERED), 1);
}

static void
both_may_ask_at_once(void **state)
{
    (void)state;
    both_come();
    registry.parted = true;
    pair_say(BOB, 1, "one");
    registry_passes(250);
    registry.parted = false; /* his HELLO was lost, and hers meets him waiting */
    pair_say(ADA, 1, "two");
    registry_passes(3000);
    assert_int_equal(pair_count(ADA, MSG_TELL_MESSAGE), 1);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 1);
}

static void
answers_to_greetings_come_to_an_end(void **state)
{
    (void)state;
    both_come();
    pair_say(BOB, 1, "hello");
    registry_passes(500);
    const size_t before = registry.said[ADA][MSG_RELAY] + registry.said[BOB][MSG_RELAY];
    const struct msg_hello hello = {msg_span(pair.side[BOB].cert, pair.side[BOB].cert_len), 0};
    uint8_t room[1024];
    struct msg_buf buf = {room, 0, sizeof room};
    assert_int_equal(msg_codec_encode(&buf, MSG_HELLO, &hello), CONCLAVE_OK);
    const struct msg_relay relayed = {BOB + 1, 1, msg_span_of_buf(&buf)};
    registry_passes(6000); /* long after the two greeted */
    registry_says(ADA, MSG_RELAYED, &relayed);
    registry_passes(20000);
    /* her answer, and a receipt from each */
    assert_in_range(registry.said[ADA][MSG_RELAY] + registry.said[BOB][MSG_RELAY], before + 1, before + 3);
}

static void
who_lost_the_link_gets_it_back_from_what_comes_on_it(void **state)
{
    (void)state;
    both_come();
    pair_say(BOB, 1, "one");
    registry_passes(6000);
    peer_core_destroy(&pair.side[ADA].core); /* she is back at once, and he has not noticed */
    registry.online[ADA] = false;
    pair_start(ADA, 5);
    pair_commit(ADA);
    registry_comes(ADA);
    pair_say(BOB, 2, "two");
    registry_passes(1000);
    assert_int_equal(pair_count(ADA, MSG_TELL_MESSAGE), 1); /* of this life */
    assert_int_equal(pair_ticks(BOB, MSG_TICK_DELIVERED), 2);
}

static void
who_never_links_directly_dials_nobody_and_tells_no_port(void **state)
{
    (void)state;
    peer_core_destroy(&pair.side[ADA].core);
    pair_direct = MSG_DIRECT_NEVER;
    pair_start(ADA, 1);
    pair.side[ADA].hides = false;
    pair_commit(ADA);
    both_come();
    registry.port = 1;
    registry_loses(ADA);
    registry_passes(2000);
    registry_comes(ADA);
    assert_int_equal(registry.port, 0);
    pair_say(ADA, 1, "hello");
    registry_passes(500);
    assert_int_equal(pair.side[ADA].link, 0);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 1);
}

static void
the_direct_way_is_tried_again_and_preferred(void **state)
{
    (void)state;
    both_come();
    pair_say(ADA, 1, "one");
    registry_passes(3000);
    pair.side[ADA].hides = false;
    pair_say(ADA, 2, "two");
    registry_passes(1000);
    assert_int_equal(pair.side[ADA].link, 0); /* not within the minute */
    registry_passes(60000);
    pair_say(ADA, 3, "three");
    registry_passes(1000);
    assert_int_not_equal(pair.side[ADA].link, 0);
    const size_t relayed = registry.said[ADA][MSG_RELAY];
    pair_say(ADA, 4, "four");
    registry_passes(1000);
    assert_int_equal(registry.said[ADA][MSG_RELAY], relayed);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 4);
    pair_cut();
    pair.side[ADA].hides = true;
    pair_say(ADA, 5, "five");
    registry_passes(250);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 5); /* it was kept, in case */
}

static void
it_ends_with_the_session(void **state)
{
    (void)state;
    both_come();
    pair_say(BOB, 1, "one");
    registry_passes(500);
    registry.parted = true;
    pair_say(BOB, 2, "two");
    registry_passes(250);
    const size_t before = registry.said[BOB][MSG_RELAY];
    registry_loses(BOB); /* with something under way */
    registry.parted = false;
    registry_passes(400);
    assert_int_equal(registry.said[BOB][MSG_RELAY], before);
    registry_comes(BOB);
    registry_passes(7000);
    assert_int_equal(pair_count(ADA, MSG_TELL_MESSAGE), 2);
}

static void
who_is_blocked_is_passed_over(void **state)
{
    (void)state;
    const struct msg_cmd_block block = {1, msg_text("ada"), true};
    both_come();
    pair_command(BOB, MSG_CMD_BLOCK, &block);
    pair_say(ADA, 1, "hello");
    registry_passes(4000);
    assert_true(registry.said[ADA][MSG_RELAY] > 0);
    assert_int_equal(registry.said[BOB][MSG_RELAY], 0);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 0);
}

static void
who_somebody_is_by_now_is_asked_beside_the_greeting(void **state)
{
    (void)state;
    both_come();
    registry.parted = true; /* the greeting is lost, and nobody says so */
    pair_say(BOB, 1, "one");
    registry_passes(250);
    assert_int_equal(registry.said[BOB][MSG_INTRODUCE], 1);
    for (uint64_t i = 0; i < 8; i++)
        pair_say(BOB, 2 + i, "more");
    registry_passes(2000);
    assert_int_equal(registry.said[BOB][MSG_INTRODUCE], 1);
}

static void
that_somebody_left_is_told_once_whichever_answer_says_so(void **state)
{
    (void)state;
    both_come();
    registry_presence(ADA, MSG_STATUS_ONLINE);
    assert_int_equal(pair_count(ADA, MSG_TELL_PRESENCE), 1);
    registry_loses(BOB);
    pair_say(ADA, 1, "are you there");
    registry_passes(3000); /* INTRODUCED knows it before PRESENCE comes */
    assert_int_equal(pair_count(ADA, MSG_TELL_PRESENCE), 2);
    assert_int_equal(pair_told(ADA, MSG_TELL_PRESENCE, 1)->MSG_ANY_TELL_PRESENCE.status, MSG_STATUS_OFFLINE);
    registry_presence(ADA, MSG_STATUS_OFFLINE);
    assert_int_equal(pair_count(ADA, MSG_TELL_PRESENCE), 2);
}

static void
what_is_no_link_s_ends_it(void **state)
{
    (void)state;
    both_come();
    pair_say(BOB, 1, "one");
    registry_passes(500);
    const struct msg_done ping = {7};
    uint8_t room[64];
    struct msg_buf buf = {room, 0, sizeof room};
    assert_int_equal(msg_codec_encode(&buf, MSG_LIST_DEVICES, &ping), CONCLAVE_OK);
    const struct msg_relay relayed = {BOB + 1, 1, msg_span_of_buf(&buf)};
    registry_says(ADA, MSG_RELAYED, &relayed);
    const size_t before = registry.said[ADA][MSG_RELAY];
    pair_say(ADA, 1, "to a link that is gone");
    registry_passes(250);
    assert_int_equal(registry.said[ADA][MSG_RELAY], before);
    registry_passes(15000);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 1);
}

static void
the_largest_message_fits(void **state)
{
    static char text[MSG_TEXT_MAX + 1];
    static uint8_t room[MSG_FRAME_MAX];
    (void)state;
    both_come();
    memset(text, 'x', MSG_TEXT_MAX);
    const struct msg_cmd_say say = {1, msg_text("ada"), {text, MSG_TEXT_MAX}};
    struct msg_buf buf = {room, 0, sizeof room};
    assert_int_equal(msg_codec_encode(&buf, MSG_CMD_SAY, &say), CONCLAVE_OK);
    pair_feed(BOB, &(struct msg_event){.kind = EVENT_COMMAND, .bytes = msg_span_of_buf(&buf)});
    for (uint64_t i = 0; i < 12; i++) {
        memset(text, 'y', 1000);
        text[1000] = '\0';
        pair_say(BOB, 2 + i, text);
    }
    pair_commit(BOB);
    for (int i = 0; i < 20; i++)
        pair_feed(BOB, &(struct msg_event){.kind = EVENT_WAKE});
    assert_true(registry.said[BOB][MSG_RELAY] >= 2); /* and none of them was larger than a frame: registry_hears */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, registry_set_up, pair_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_cannot_be_dialled_is_reached_through_the_registry),
        TEST(who_has_no_endpoint_is_not_waited_for),
        TEST(both_may_ask_at_once),
        TEST(answers_to_greetings_come_to_an_end),
        TEST(who_lost_the_link_gets_it_back_from_what_comes_on_it),
        TEST(who_never_links_directly_dials_nobody_and_tells_no_port),
        TEST(the_direct_way_is_tried_again_and_preferred),
        TEST(it_ends_with_the_session),
        TEST(who_is_blocked_is_passed_over),
        TEST(who_somebody_is_by_now_is_asked_beside_the_greeting),
        TEST(that_somebody_left_is_told_once_whichever_answer_says_so),
        TEST(what_is_no_link_s_ends_it),
        TEST(the_largest_message_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

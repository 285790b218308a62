/* Mail: deposited when nothing else brings it over, and no tick before it is
 * true; taken once, answered, and collected when that is done. */
#include "peer/core/parts.h"
#include "tests/peer/registry.h"

static void
what_is_said_to_somebody_offline_waits_at_the_registry(void **state)
{
    (void)state;
    registry_comes(ADA);
    pair_say(ADA, 1, "hello");
    registry_passes(3000); /* her dial fails, and the registry says that he is offline */
    assert_int_equal(registry.kept[BOB], 1);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_STORED), 1);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_DELIVERED), 0);
    registry_loses(ADA);
    registry_comes(BOB);
    registry_passes(500);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 1);
    assert_true(msg_text_equal(pair_told(BOB, MSG_TELL_MESSAGE, 0)->MSG_ANY_TELL_MESSAGE.text, msg_text("hello")));
}

static void
what_is_not_acknowledged_in_time_goes_by_mail_whatever_presence_says(void **state)
{
    (void)state;
    registry.online[BOB] = true; /* as far as anybody knows */
    registry.parted = registry.keeps = true;
    registry_comes(ADA);
    registry_passes(10000);
    pair_say(ADA, 1, "hello");
    registry_passes(4500);
    assert_int_equal(registry.kept[BOB], 0);
    registry_passes(1000);
    assert_int_equal(registry.kept[BOB], 1);
    registry_passes(60000);
    assert_int_equal(registry.kept[BOB], 1); /* once */
}

static void
what_a_link_takes_is_not_mailed(void **state)
{
    (void)state;
    pair.side[ADA].hides = false;
    registry_comes(ADA);
    registry_comes(BOB);
    for (uint64_t i = 0; i < 50; i++) {
        pair_say(ADA, 1 + i, "on and on");
        registry_passes(250);
    }
    registry_passes(10000);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_DELIVERED), 50);
    assert_int_equal(registry.said[ADA][MSG_DEPOSIT] + registry.said[BOB][MSG_DEPOSIT], 0);
}

static void
ticks_come_back_by_mail_and_come_to_an_end(void **state)
{
    (void)state;
    registry_comes(ADA);
    pair_say(ADA, 1, "hello");
    registry_passes(3000);
    registry_loses(ADA);
    registry_comes(BOB);
    registry_passes(1000);
    registry_reads_last(BOB);
    registry_passes(6000);
    assert_int_equal(registry.said[BOB][MSG_DEPOSIT], 1);
    registry_loses(BOB);
    registry_comes(ADA);
    registry_passes(1000);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_DELIVERED), 1);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_READ), 1);
    registry_passes(20000);
    assert_int_equal(registry.said[ADA][MSG_DEPOSIT], 1); /* hers of the beginning: a receipt asks for none */
    assert_int_equal(registry.kept[ADA], 0);
}

static void
nothing_is_collected_before_it_is_synced_and_answered(void **state)
{
    (void)state;
    registry_comes(ADA);
    pair_say(ADA, 1, "hello");
    registry_passes(3000);
    registry_loses(ADA);
    registry_comes(BOB);
    for (int i = 0; i < 40; i++) { /* his disk is slow */
        pair.now.mono_ms += 250;
        pair_feed(BOB, &(struct msg_event){.kind = EVENT_WAKE});
    }
    assert_int_equal(registry.said[BOB][MSG_DEPOSIT], 0);
    registry_passes(250);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 1);
    assert_int_equal(registry.said[BOB][MSG_COLLECTED], 0);
    registry_passes(6000);
    assert_int_equal(registry.kept[ADA], 1);
    assert_int_equal(registry.kept[BOB], 0);
    assert_int_equal(registry.said[BOB][MSG_COLLECTED], 1);
}

static void
what_was_not_collected_is_shown_once_and_answered_all_the_same(void **state)
{
    (void)state;
    registry_comes(ADA);
    pair_say(ADA, 1, "hello");
    registry_passes(3000);
    registry_loses(ADA);
    registry_comes(BOB);
    registry_passes(1000);
    registry_loses(BOB); /* before his receipt was due */
    registry_passes(1000);
    registry_comes(BOB);
    registry_passes(8000);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 1);
    assert_int_equal(registry.kept[BOB], 0);
    assert_int_equal(registry.kept[ADA], 1);
}

static void
what_took_both_ways_is_shown_once(void **state)
{
    (void)state;
    registry.keeps = true;
    registry_comes(ADA);
    pair_say(ADA, 1, "hello");
    registry_passes(3000);
    assert_int_equal(registry.kept[BOB], 1);
    pair.side[ADA].hides = false;
    registry_comes(BOB);
    registry_presence(ADA, MSG_STATUS_ONLINE);
    registry_passes(3000);
    pair_say(ADA, 2, "again");
    registry_passes(3000);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 2);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_DELIVERED), 2);
    assert_int_equal(registry.kept[BOB], 0);
}

static void
an_answer_that_is_lost_is_asked_for_again(void **state)
{
    (void)state;
    registry.mute = true;
    registry_comes(ADA);
    pair_say(ADA, 1, "hello");
    registry_passes(3000);
    assert_int_equal(registry.said[ADA][MSG_DEPOSIT], 1);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_STORED), 0);
    registry_loses(ADA);
    registry_passes(2000);
    registry.mute = false;
    registry_comes(ADA);
    registry_passes(250);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_STORED), 1);
    pair_say(ADA, 2, "more");
    registry.mute = true;
    registry_passes(6000);
    registry.mute = false;
    registry_passes(5000);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_STORED), 2);
}

static void
a_full_mailbox_is_told_once_and_tried_again(void **state)
{
    (void)state;
    registry.refuses = "quota-exceeded";
    registry_comes(ADA);
    for (uint64_t i = 0; i < 5; i++) {
        pair_say(ADA, 1 + i, "hello");
        registry_passes(60000);
    }
    assert_int_equal(pair_count(ADA, MSG_TELL_NOTICE), 1);
    assert_in_range(registry.said[ADA][MSG_DEPOSIT], 2, 8);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_STORED), 0);
    registry.refuses = NULL;
    registry_passes(900000);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_STORED), 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, registry_set_up, pair_tear_down)

/* His mailbox has as many keys of rooms as there may be in it. */
static void
what_is_refused_of_rooms_is_no_refusal_of_what_was_said(void **state)
{
    uint64_t ticket;
    struct msg_cert bob;
    const struct msg_room_ask ask = {.account = 2, .device = 1, .epoch = 1};
    uint8_t room[128];
    struct msg_buf batch = {room, 0, sizeof room};
    (void)state;
    registry.refuses = "quota-exceeded";
    registry.refuses_rooms = true;
    registry_comes(ADA);
    assert_int_equal(msg_cert_open(&bob, msg_span(pair.side[BOB].cert, pair.side[BOB].cert_len), &pair.signer), CONCLAVE_OK);
    assert_int_equal(msg_codec_encode(&batch, MSG_ROOM_ASK, &ask), CONCLAVE_OK);
    registry.mute = true; /* what comes after the first one waits, and goes together */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(peer_mail_parcel(pair.side[ADA].core, &bob, msg_span_of_buf(&batch), &ticket), CONCLAVE_OK);
        registry_passes(100);
    }
    pair_say(ADA, 1, "hello");
    registry_passes(6000);
    registry.mute = false;
    registry_passes(30000);
    assert_int_equal(registry.kept[BOB], 1);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_STORED), 1);
    assert_int_equal(pair_count(ADA, MSG_TELL_NOTICE), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_said_to_somebody_offline_waits_at_the_registry),
        TEST(what_is_not_acknowledged_in_time_goes_by_mail_whatever_presence_says),
        TEST(what_a_link_takes_is_not_mailed),
        TEST(ticks_come_back_by_mail_and_come_to_an_end),
        TEST(nothing_is_collected_before_it_is_synced_and_answered),
        TEST(what_was_not_collected_is_shown_once_and_answered_all_the_same),
        TEST(what_took_both_ways_is_shown_once),
        TEST(an_answer_that_is_lost_is_asked_for_again),
        TEST(a_full_mailbox_is_told_once_and_tried_again),
        TEST(what_is_refused_of_rooms_is_no_refusal_of_what_was_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

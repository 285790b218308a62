/* What the registry says of mail that is not as it should be: answers that are
 * not ours, mail again and without end, and what that does to ticks. */
#include "peer/core/parts.h"
#include "tests/peer/registry.h"

/* Ada's DEPOSIT for Bob is at the registry, which has not answered. */
static void
deposited(void)
{
    registry.mute = true;
    registry_comes(ADA);
    pair_say(ADA, 1, "hello");
    registry_passes(3000);
    assert_int_equal(registry.said[ADA][MSG_DEPOSIT], 1);
}

/* The answer to it, which refuses one device. */
static void
answer(uint64_t req, uint64_t account)
{
    uint8_t room[256];
    struct msg_buf buf = {room, 0, sizeof room};
    struct msg_deposited frame = {.req = req};
    const struct msg_refusal refusal = {account, 1, msg_text("quota-exceeded"), false};
    if (account != 0)
        assert_int_equal(msg_codec_append(&buf, &frame.refused, MSG_REFUSAL, &refusal), CONCLAVE_OK);
    registry_says(ADA, MSG_DEPOSITED, &frame);
    registry_passes(500);
}

static void
an_answer_to_something_else_stores_nothing(void **state)
{
    (void)state;
    deposited();
    answer(registry.req + 1, 0);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_STORED), 0);
    answer(registry.req, 0);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_STORED), 1);
    answer(registry.req, 0); /* again */
    assert_int_equal(pair_ticks(ADA, MSG_TICK_STORED), 1);
}

static void
a_refusal_is_for_the_device_that_it_names(void **state)
{
    (void)state;
    deposited();
    answer(registry.req, 99);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_STORED), 1);
    assert_int_equal(pair_count(ADA, MSG_TELL_NOTICE), 0);
}

static void
what_was_not_answered_is_asked_at_once_in_the_next_session(void **state)
{
    (void)state;
    deposited();
    registry_loses(ADA);
    registry_passes(250);
    registry.mute = false;
    const uint64_t now_ms = pair.now.mono_ms;
    registry_comes(ADA);
    assert_true(pair.now.mono_ms < now_ms + 3500); /* so that it is not time which asks again */
    assert_int_equal(registry.said[ADA][MSG_DEPOSIT], 2);
    registry_passes(500);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_STORED), 1);
}

static void
who_is_told_to_wait_waits(void **state)
{
    (void)state;
    deposited();
    const struct msg_error_frame busy = {registry.req, msg_text("busy"), msg_text("Later."), 20000};
    registry_says(ADA, MSG_ERROR, &busy);
    registry_passes(19000);
    assert_int_equal(registry.said[ADA][MSG_DEPOSIT], 1);
    registry_passes(2000);
    assert_int_equal(registry.said[ADA][MSG_DEPOSIT], 2);
}

static void
what_waits_for_somebody_who_is_blocked_is_not_mailed(void **state)
{
    (void)state;
    const struct msg_cmd_block block = {2, msg_text("bob"), true};
    registry.online[BOB] = registry.parted = true;
    registry_comes(ADA);
    pair_say(ADA, 1, "hello");
    registry_passes(2000);
    pair_command(ADA, MSG_CMD_BLOCK, &block);
    registry_passes(60000);
    assert_int_equal(registry.said[ADA][MSG_DEPOSIT], 0);
}

/* ---- what comes ---- */

static struct letter
one_letter(void)
{
    registry_comes(ADA);
    pair_say(ADA, 1, "hello");
    registry_passes(3000);
    registry_loses(ADA);
    return registry.box[BOB][0];
}

static void
the_same_mail_again_is_collected_once(void **state)
{
    (void)state;
    const struct letter letter = one_letter();
    registry_comes(BOB);
    registry_passes(8000);
    assert_int_equal(registry.said[BOB][MSG_COLLECTED], 1);
    registry_mails(BOB, &letter);
    registry_passes(8000);
    assert_int_equal(registry.said[BOB][MSG_COLLECTED], 1);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 1);
}

/* More than can be remembered: nothing of it is lost, it comes in the next session. */
static void
a_flood_is_collected_as_far_as_it_was_taken(void **state)
{
    (void)state;
    struct letter letter = one_letter();
    const uint64_t first = letter.serial;
    registry.keeps = true;
    registry_comes(BOB);
    for (uint64_t i = 0; i < PEER_MAILS + 100; i++) { /* while his disk is slow */
        letter.serial = first + 1 + i;
        registry_mails(BOB, &letter);
    }
    registry_passes(20000);
    assert_int_equal(registry.collected[BOB], first + PEER_MAILS - 1); /* with the first */
    letter.serial += 1; /* what comes after is not taken before what was passed over */
    registry_mails(BOB, &letter);
    registry_passes(20000);
    assert_true(registry.collected[BOB] < letter.serial);
    registry_loses(BOB);
    registry_comes(BOB);
    registry_mails(BOB, &letter);
    registry_passes(20000);
    assert_int_equal(registry.collected[BOB], letter.serial);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 1);
}

static void
what_comes_back_of_what_they_have_is_told_to_nobody(void **state)
{
    (void)state;
    registry_comes(ADA);
    pair_say(ADA, 1, "hello");
    registry_passes(3000);
    registry_comes(BOB);
    registry_passes(8000);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_DELIVERED), 1);
    const struct msg_returned returned = {++registry.serial, BOB + 1, 1, {{0}}, 1};
    registry_says(ADA, MSG_RETURNED, &returned);
    registry_passes(2000);
    assert_int_equal(pair_count(ADA, MSG_TELL_NOTICE), 0);
    assert_int_equal(registry.collected[ADA], registry.serial);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, registry_set_up, pair_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_answer_to_something_else_stores_nothing),
        TEST(a_refusal_is_for_the_device_that_it_names),
        TEST(what_was_not_answered_is_asked_at_once_in_the_next_session),
        TEST(who_is_told_to_wait_waits),
        TEST(what_waits_for_somebody_who_is_blocked_is_not_mailed),
        TEST(the_same_mail_again_is_collected_once),
        TEST(a_flood_is_collected_as_far_as_it_was_taken),
        TEST(what_comes_back_of_what_they_have_is_told_to_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

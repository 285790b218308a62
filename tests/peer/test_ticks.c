/* Ticks: none is lost while much waits for the disk, and what comes back from
 * the registry is told by its message. */
#include "peer/core/parts.h"
#include "tests/peer/registry.h"

/* There is room for a few tells that wait for the disk, and not more. */
static void
small_ring(int who)
{
    peer_held_destroy(&pair.side[who].core->held);
    pair.side[who].core->held = peer_held_new(4096);
    assert_non_null(pair.side[who].core->held);
}

/* Something else waits for the disk, until the transaction after that. */
static void
fill(int who)
{
    struct peer_core *const core = pair.side[who].core;
    const struct msg_tell_ok other = {.req = 1};
    while (peer_held_fits(core->held, 0))
        peer_held_put(core->held, core->next_store + 1, MSG_TELL_OK, &other);
}

static size_t
all_ticks(void)
{
    return pair_ticks(ADA, MSG_TICK_QUEUED) + pair_ticks(ADA, MSG_TICK_STORED) + pair_ticks(ADA, MSG_TICK_DELIVERED) + pair_ticks(ADA, MSG_TICK_READ);
}

/* Whether the n-th tick of all is of that message of hers. */
static bool
is_said(size_t said, size_t tick)
{
    const struct msg_id *const wanted = &pair_told(ADA, MSG_TELL_OK, said)->MSG_ANY_TELL_OK.id;
    struct msg_id id;
    for (size_t n = 0;; n++) {
        struct msg_span ids = pair_told(ADA, MSG_TELL_RECEIPT, n)->MSG_ANY_TELL_RECEIPT.ids;
        while (msg_codec_next_id(&ids, &id))
            if (tick-- == 0)
                return memcmp(&id, wanted, sizeof id) == 0;
    }
}

static void
stored_is_told_when_the_disk_has_caught_up(void **state)
{
    (void)state;
    small_ring(ADA);
    registry.mute = true;
    registry_comes(ADA);
    for (uint64_t i = 0; i < 5; i++) {
        pair_say(ADA, 1 + i, "hello");
        pair_commit(ADA);
    }
    registry_passes(3000);
    const uint64_t req = pair.side[ADA].core->mailing.req;
    assert_int_not_equal(req, 0);
    pair_commit(ADA);
    fill(ADA);
    const struct msg_deposited deposited = {.req = req};
    registry_says(ADA, MSG_DEPOSITED, &deposited);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_STORED), 0);
    registry_passes(1000);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_STORED), 5);
    registry_passes(10000);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_STORED), 5); /* once */
}

static void
a_burst_of_receipts_is_told_as_the_disk_goes(void **state)
{
    const uint64_t many = 300; /* more than the ring has room for */
    (void)state;
    small_ring(ADA);
    for (uint64_t i = 0; i < many; i++) {
        pair_say(ADA, 1 + i, "hello");
        pair_commit(ADA);
    }
    for (int i = 0; i < 3; i++) {
        pair_wake(ADA, 10);
        pair_wake(BOB, 10);
    }
    pair_commit(BOB);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), many);
    const struct msg_cmd_read read = {pair_told(BOB, MSG_TELL_MESSAGE, many - 1)->MSG_ANY_TELL_MESSAGE.arrival};
    pair_command(BOB, MSG_CMD_READ, &read);
    pair_wake(BOB, 10); /* one receipt for all of it */
    for (int i = 0; i < 20; i++)
        pair_settle();
    assert_int_equal(pair_ticks(ADA, MSG_TICK_DELIVERED), many);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_READ), many);
}

static void
what_comes_back_is_queued_again_and_what_still_waits_is_not(void **state)
{
    (void)state;
    registry_comes(ADA);
    pair_say(ADA, 1, "one");
    registry_passes(3000);
    pair_say(ADA, 2, "two");
    registry_passes(3000);
    assert_int_equal(registry.kept[BOB], 2);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_STORED), 2);
    const size_t before = all_ticks();
    registry_returns(BOB);
    registry_passes(1000);
    assert_int_equal(all_ticks(), before + 1);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_QUEUED), 3);
    assert_true(is_said(0, before));
    assert_int_equal(pair_count(ADA, MSG_TELL_NOTICE), 1);
    assert_true(msg_text_equal(pair_told(ADA, MSG_TELL_NOTICE, 0)->MSG_ANY_TELL_NOTICE.code, msg_text("expired")));
    registry_returns(BOB);
    registry_passes(1000);
    assert_true(is_said(1, before + 1));
    assert_int_equal(pair_count(ADA, MSG_TELL_NOTICE), 1); /* people are told once */
    assert_int_equal(registry.kept[BOB], 0);
}

static void
what_another_of_their_devices_has_does_not_come_back(void **state)
{
    (void)state;
    registry_comes(ADA);
    pair_say(ADA, 1, "one");
    registry_passes(3000);
    assert_int_equal(registry.kept[BOB], 1);
    struct peer_core *const core = pair.side[ADA].core;
    const struct peer_device *const device = peer_roster_device(&core->roster, (uint64_t)BOB + 1, pair.side[BOB].device);
    assert_non_null(device);
    peer_outbox_at(core->outbox, peer_roster_contact_of(&core->roster, device)->queue.first)->delivered = true;
    const size_t before = all_ticks();
    registry_returns(BOB);
    registry_passes(1000);
    assert_int_equal(registry.kept[BOB], 0);
    assert_int_equal(all_ticks(), before);
    assert_int_equal(pair_count(ADA, MSG_TELL_NOTICE), 0);
}

static void
what_was_delivered_meanwhile_does_not_come_back(void **state)
{
    (void)state;
    registry.keeps = true;
    registry_comes(ADA);
    pair_say(ADA, 1, "one");
    registry_passes(3000);
    pair.side[ADA].hides = false; /* they meet; the letter waits on */
    registry.kept[BOB] = 0;
    registry_comes(BOB);
    registry.kept[BOB] = 1;
    registry_presence(ADA, MSG_STATUS_ONLINE);
    registry_passes(3000);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_DELIVERED), 1);
    pair.side[ADA].hides = true;
    pair_cut();
    registry_loses(BOB);
    registry_presence(ADA, MSG_STATUS_OFFLINE);
    pair_say(ADA, 2, "two");
    registry_passes(10000);
    assert_int_equal(registry.kept[BOB], 2);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_STORED), 2);
    const size_t before = all_ticks();
    registry_returns(BOB); /* the first one */
    registry_passes(1000);
    assert_int_equal(all_ticks(), before);
    assert_int_equal(pair_count(ADA, MSG_TELL_NOTICE), 0);
    registry_returns(BOB);
    registry_passes(1000);
    assert_true(is_said(1, before));
    assert_int_equal(pair_count(ADA, MSG_TELL_NOTICE), 1);
}

static void
what_came_back_is_collected_when_that_is_on_disk(void **state)
{
    (void)state;
    registry_comes(ADA);
    pair_say(ADA, 1, "one");
    registry_passes(3000);
    const size_t collected = registry.said[ADA][MSG_COLLECTED];
    registry_returns(BOB);
    assert_int_equal(registry.said[ADA][MSG_COLLECTED], collected);
    pair_commit(ADA);
    assert_int_equal(registry.said[ADA][MSG_COLLECTED], collected + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, registry_set_up, pair_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stored_is_told_when_the_disk_has_caught_up),
        cmocka_unit_test_setup_teardown(a_burst_of_receipts_is_told_as_the_disk_goes, pair_set_up, pair_tear_down),
        TEST(what_comes_back_is_queued_again_and_what_still_waits_is_not),
        TEST(what_another_of_their_devices_has_does_not_come_back),
        TEST(what_was_delivered_meanwhile_does_not_come_back),
        TEST(what_came_back_is_collected_when_that_is_on_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

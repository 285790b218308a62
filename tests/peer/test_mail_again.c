/* Mail after something went wrong: who is gone, a restart, a crash, a gap, mail
 * that comes back; order and ticks hold all the same. */
#include "tests/peer/registry.h"

static void
who_is_gone_is_asked_for_anew(void **state)
{
    (void)state;
    registry.refuses = "no-such-user";
    registry_comes(ADA);
    pair_say(ADA, 1, "hello");
    registry_passes(2000);
    const size_t before = registry.said[ADA][MSG_INTRODUCE];
    registry_passes(1000);
    assert_int_equal(registry.said[ADA][MSG_DEPOSIT], 1);
    assert_true(registry.said[ADA][MSG_INTRODUCE] > before);
}

static void
who_restarts_mails_nothing_twice(void **state)
{
    (void)state;
    registry_comes(ADA);
    pair_say(ADA, 1, "hello");
    registry_passes(3000);
    assert_int_equal(registry.said[ADA][MSG_DEPOSIT], 1);
    registry_loses(ADA);
    registry_passes(3000);
    registry_comes(ADA);
    registry_passes(60000);
    assert_int_equal(registry.said[ADA][MSG_DEPOSIT], 1);
}

static void
many_messages_keep_their_order_over_many_parcels(void **state)
{
    static char text[900];
    (void)state;
    memset(text, 'z', sizeof text - 1);
    registry_comes(ADA);
    for (uint64_t i = 0; i < 600; i++)
        pair_say(ADA, 1 + i, i % 2 == 0 ? text : "short");
    registry_passes(5000);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_STORED), 600);
    assert_in_range(registry.kept[BOB], 5, 12);
    pair.side[ADA].told_count = 0;
    registry_loses(ADA);
    registry_comes(BOB);
    registry_passes(10000);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 600);
    registry_comes(ADA);
    registry_passes(2000);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_DELIVERED), 600);
}

static void
who_ends_leaves_at_the_registry_what_no_link_took(void **state)
{
    (void)state;
    registry.parted = true;
    registry_comes(ADA);
    pair_say(ADA, 1, "hello");
    registry_passes(3000);
    registry_loses(ADA);
    registry.online[ADA] = registry.keeps = true; /* as far as anybody knows */
    registry_comes(BOB);
    registry_passes(100);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 1);
    assert_int_equal(registry.said[BOB][MSG_DEPOSIT], 0);
    registry_reads_last(BOB);
    pair_say(BOB, 1, "and good night");
    pair_feed(BOB, &(struct msg_event){.kind = EVENT_STOP});
    registry_passes(0);
    assert_int_equal(registry.said[BOB][MSG_DEPOSIT], 1);
    registry.online[BOB] = false;
    registry_comes(ADA);
    registry_passes(1000);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_DELIVERED), 1);
    assert_int_equal(pair_count(ADA, MSG_TELL_MESSAGE), 1);
}

static void
who_is_known_to_be_away_is_answered_by_mail_at_once(void **state)
{
    (void)state;
    registry_comes(ADA);
    pair_say(ADA, 1, "hello");
    registry_passes(3000);
    registry_loses(ADA);
    registry_comes(BOB);
    registry_presence(BOB, MSG_STATUS_OFFLINE);
    registry_passes(1000);
    assert_int_equal(registry.kept[BOB], 0); /* collected, since it was answered */
    registry_loses(BOB);
    registry_comes(ADA);
    registry_passes(1000);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_DELIVERED), 1);
}

static void
mail_that_does_not_open_is_collected_and_mailed_again_for_the_gap(void **state)
{
    (void)state;
    registry.keeps = true;
    registry_comes(ADA);
    pair_say(ADA, 1, "one");
    registry_passes(3000);
    registry.box[BOB][0].frames[registry.box[BOB][0].len - 1] ^= 1;
    pair_say(ADA, 2, "two");
    registry_passes(1000);
    assert_int_equal(registry.kept[BOB], 2);
    registry_loses(ADA);
    registry.keeps = false;
    registry_comes(BOB);
    registry_passes(8000); /* the second one opens, and shows the gap */
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 0);
    assert_int_equal(registry.kept[BOB], 0);
    registry_loses(BOB);
    registry_comes(ADA);
    registry_passes(40000);
    registry_loses(ADA);
    registry_comes(BOB);
    registry_passes(1000);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 2);
}

/* What her disk has: of what she said, the last one. */
struct ada_disk { struct pair_kept table[PEER_TABLES]; };

static struct ada_disk
ada_crashes(void)
{
    struct ada_disk disk;
    registry_loses(ADA);
    peer_core_destroy(&pair.side[ADA].core);
    memcpy(disk.table, pair.side[ADA].kept, sizeof disk.table);
    return disk;
}

static void
ada_restarts(uint64_t incarnation, struct ada_disk disk)
{
    static const enum peer_table TABLES[] = {PEER_TABLE_DEVICES, PEER_TABLE_OUT, PEER_TABLE_CHAINS_OUT};
    pair_begin(ADA, incarnation);
    for (size_t i = 0; i < sizeof TABLES / sizeof TABLES[0]; i++) {
        const struct pair_kept *const kept = &disk.table[TABLES[i]];
        assert_true(kept->len > 0);
        pair_restore(ADA, TABLES[i], msg_span(kept->at, kept->len));
    }
    pair_feed(ADA, &(struct msg_event){.kind = EVENT_START});
    registry_comes(ADA);
}

/* Mailed, lost on the way to Bob, and asked for again by him; then she crashes:
 * her disk has that it is to be mailed once more. */
static void
mailed_in_vain(void)
{
    registry.keeps = true;
    registry_comes(ADA);
    pair_say(ADA, 1, "one");
    registry_passes(3000);
    registry.box[BOB][0].frames[registry.box[BOB][0].len - 1] ^= 1;
    pair_say(ADA, 2, "two");
    registry_passes(1000);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_STORED), 2);
    registry_loses(ADA);
    registry.keeps = false;
    registry_comes(BOB);
    registry_passes(8000);
    registry_loses(BOB);
    registry_comes(ADA);
    registry_passes(1000); /* she hears of the gap, and rests */
    assert_int_equal(registry.kept[BOB], 0);
}

static void
what_was_told_as_stored_is_not_told_again_after_a_crash(void **state)
{
    (void)state;
    mailed_in_vain();
    ada_restarts(1, ada_crashes());
    registry_passes(10000);
    assert_int_equal(registry.kept[BOB], 1); /* mailed again */
    assert_int_equal(pair_ticks(ADA, MSG_TICK_STORED), 0);
    pair_say(ADA, 3, "three");
    registry_passes(3000);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_STORED), 1);
}

static void
a_life_that_was_mailed_and_forgotten_holds_up_nothing(void **state)
{
    (void)state;
    registry_comes(ADA);
    pair_say(ADA, 1, "one");
    registry_passes(3000);
    const struct ada_disk disk = ada_crashes();
    ada_restarts(1, disk);
    registry_passes(3000);
    pair_say(ADA, 2, "two");
    pair_wake(ADA, 250); /* deposited, and her disk has not committed */
    assert_int_equal(registry.kept[BOB], 2);
    (void)ada_crashes();
    ada_restarts(2, disk);
    registry_passes(3000);
    pair_say(ADA, 3, "three");
    registry_passes(3000);
    assert_int_equal(registry.kept[BOB], 3);
    registry_loses(ADA);
    registry_comes(BOB);
    registry_passes(1000);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 3);
    assert_int_equal(pair_count(BOB, MSG_TELL_NOTICE), 0); /* nothing is missing */
}

static void
mail_of_somebody_unknown_makes_a_contact(void **state)
{
    (void)state;
    const struct msg_search trust = {1, msg_text("ada")};
    registry_comes(ADA);
    pair_say(ADA, 1, "hello");
    registry_passes(3000);
    registry_loses(ADA);
    pair_command(BOB, MSG_CMD_TRUST, &trust); /* he forgets her */
    registry_comes(BOB);
    registry_passes(1000);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 1);
    registry_passes(6000);
    assert_int_equal(registry.kept[ADA], 1);
}

static void
mail_of_somebody_blocked_is_dropped_and_collected(void **state)
{
    (void)state;
    const struct msg_cmd_block block = {1, msg_text("ada"), true};
    registry_comes(ADA);
    pair_say(ADA, 1, "hello");
    registry_passes(3000);
    pair_command(BOB, MSG_CMD_BLOCK, &block);
    registry_comes(BOB);
    registry_passes(6000);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 0);
    assert_int_equal(registry.kept[BOB], 0);
    assert_int_equal(registry.said[BOB][MSG_DEPOSIT], 0);
}

static void
mail_of_a_revoked_device_is_refused(void **state)
{
    uint8_t body[512], list[512], items[128];
    struct msg_buf buf = {body, 0, sizeof body}, out = {list, 0, sizeof list}, rows = {items, 0, sizeof items};
    struct msg_revocations revoked = {1, 1, {0}};
    const struct msg_revocation entry = {1, ADA + 1, 1, 1};
    struct msg_sig sig;
    (void)state;
    assert_int_equal(msg_codec_append(&rows, &revoked.entries, MSG_REVOCATION, &entry), CONCLAVE_OK);
    assert_int_equal(msg_codec_encode(&buf, MSG_REVOCATIONS, &revoked), CONCLAVE_OK);
    assert_int_equal(msg_cert_sign(&sig, msg_span_of_buf(&buf), &pair.signer_sec), CONCLAVE_OK);
    assert_int_equal(msg_cert_wrap(&out, msg_span_of_buf(&buf), &sig), CONCLAVE_OK);
    const struct msg_revoked record = {1, msg_span_of_buf(&out)};
    registry_comes(ADA);
    pair_say(ADA, 1, "hello");
    registry_passes(3000);
    registry_loses(ADA);
    peer_core_destroy(&pair.side[BOB].core);
    pair_start(BOB, 1);
    pair_commit(BOB);
    pair_record(BOB, PEER_TABLE_SELF, MSG_REVOKED, &record);
    registry_comes(BOB);
    registry_passes(2000);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 0);
    assert_int_equal(registry.kept[BOB], 0);
}

static void
a_certificate_of_another_device_is_refused(void **state)
{
    (void)state;
    registry_comes(ADA);
    pair_say(ADA, 1, "hello");
    registry_passes(3000);
    registry_loses(ADA);
    registry.box[BOB][0].from = BOB; /* MAIL names him and brings his certificate, the run is hers */
    registry_comes(BOB);
    registry_passes(2000);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 0);
    assert_int_equal(registry.kept[BOB], 0);
}

static void
what_comes_back_is_told_and_mailed_no_more(void **state)
{
    (void)state;
    registry_comes(ADA);
    pair_say(ADA, 1, "hello");
    registry_passes(3000);
    const struct msg_returned another = {registry.serial + 2, BOB + 1, 1, {{1}}, 1};
    registry_returns(BOB); /* its time is over */
    registry_says(ADA, MSG_RETURNED, &another);
    registry.serial = another.serial;
    registry_passes(60000);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_QUEUED), 2); /* and is nowhere else again */
    assert_int_equal(pair_count(ADA, MSG_TELL_NOTICE), 1);
    assert_int_equal(registry.collected[ADA], registry.serial);
    assert_int_equal(registry.kept[BOB], 0);
    pair.side[ADA].hides = false; /* and they meet */
    registry_comes(BOB);
    registry_presence(ADA, MSG_STATUS_ONLINE);
    registry_passes(5000);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 1);
}


#define TEST(name) cmocka_unit_test_setup_teardown(name, registry_set_up, pair_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_is_gone_is_asked_for_anew),
        TEST(who_restarts_mails_nothing_twice),
        TEST(many_messages_keep_their_order_over_many_parcels),
        TEST(who_ends_leaves_at_the_registry_what_no_link_took),
        TEST(who_is_known_to_be_away_is_answered_by_mail_at_once),
        TEST(mail_that_does_not_open_is_collected_and_mailed_again_for_the_gap),
        TEST(what_was_told_as_stored_is_not_told_again_after_a_crash),
        TEST(a_life_that_was_mailed_and_forgotten_holds_up_nothing),
        TEST(mail_of_somebody_unknown_makes_a_contact),
        TEST(mail_of_somebody_blocked_is_dropped_and_collected),
        TEST(mail_of_a_revoked_device_is_refused),
        TEST(a_certificate_of_another_device_is_refused),
        TEST(what_comes_back_is_told_and_mailed_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

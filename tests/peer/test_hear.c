/* What comes in one envelope: one record and one tell for what is new of it,
 * each message shown once and read by its number. */
#include "tests/peer/pair.h"

#define INCARNATION 9u

/* A batch of SAYs from number `first` on, whose ids begin with their numbers. */
static struct msg_span
says(uint8_t *at, size_t cap, uint64_t first, uint64_t count, const struct msg_head *prev)
{
    struct msg_buf batch = {at, 0, cap};
    const struct msg_chain chain = {.incarnation = INCARNATION, .salt = 9, .base = 1, .number = first, .prev = *prev};
    assert_int_equal(msg_codec_encode(&batch, MSG_CHAIN, &chain), CONCLAVE_OK);
    for (uint64_t i = first; i < first + count; i++) {
        const struct msg_say say = {{{(uint8_t)i, (uint8_t)(i >> 8)}}, msg_text("a line")};
        assert_int_equal(msg_codec_encode(&batch, MSG_SAY, &say), CONCLAVE_OK);
    }
    return msg_span_of_buf(&batch);
}

static void
they_are_linked(void)
{
    pair_say(ADA, 1, "links them");
    pair_settle();
}

/* The last record that Bob put for what he is shown. */
static struct msg_rec_inbox_batch
kept(void)
{
    const struct pair_kept *const record = &pair.side[BOB].kept[PEER_TABLE_INBOX];
    union msg_any any;
    enum msg_kind kind;
    assert_int_equal(msg_codec_decode(msg_span(record->at, record->len), &kind, &any), CONCLAVE_OK);
    assert_int_equal(kind, MSG_REC_INBOX_BATCH);
    return any.MSG_ANY_REC_INBOX_BATCH;
}

static void
what_came_in_one_envelope_is_one_record(void **state)
{
    static uint8_t at[MSG_BATCH_MAX];
    static const struct msg_head none;
    struct msg_run run = {.open = false};
    (void)state;
    they_are_linked();
    pair_arrive_sealed(&run, says(at, sizeof at, 1, 3, &none));
    const struct msg_rec_inbox_batch record = kept();
    assert_int_equal(record.count, 3);
    assert_int_equal(record.first, 1);
    assert_int_equal(record.arrival, 4);
    assert_int_equal(record.room.len, 0);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 4);
    for (uint64_t i = 1; i <= 3; i++) {
        const struct msg_tell_message *const tell = &pair_told(BOB, MSG_TELL_MESSAGE, i)->MSG_ANY_TELL_MESSAGE;
        assert_int_equal(tell->arrival, i + 1);
        assert_int_equal(tell->id.at[0], i);
        assert_true(msg_text_equal(tell->to, msg_text(PAIR_NAMES[BOB])));
    }
    msg_run_wipe(&run);
}

static void
only_what_is_new_of_it_is_kept(void **state)
{
    static uint8_t at[MSG_BATCH_MAX];
    static const struct msg_head none;
    struct msg_run run = {.open = false};
    (void)state;
    they_are_linked();
    pair_arrive_sealed(&run, says(at, sizeof at, 1, 2, &none));
    pair_arrive_sealed(&run, says(at, sizeof at, 1, 5, &none)); /* sent again, and more */
    const struct msg_rec_inbox_batch record = kept();
    assert_int_equal(record.count, 3);
    assert_int_equal(record.first, 3);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 6);
    assert_int_equal(pair_told(BOB, MSG_TELL_MESSAGE, 5)->MSG_ANY_TELL_MESSAGE.id.at[0], 5);
    msg_run_wipe(&run);
}

static void
a_notice_stands_between_what_came_before_and_after_a_gap(void **state)
{
    static uint8_t at[MSG_BATCH_MAX];
    static const struct msg_head none, other = {{1}};
    struct msg_run run = {.open = false};
    (void)state;
    they_are_linked();
    const struct msg_span before = says(at, sizeof at, 1, 2, &none);
    /* a chain that does not go on from there, without a word between them */
    const struct msg_span after = says(at + before.len, sizeof at - before.len, 3, 2, &other);
    pair_arrive_sealed(&run, msg_span(at, before.len + after.len));
    assert_int_equal(kept().count, 2);
    assert_int_equal(kept().first, 3);
    const struct pair_side *const bob = &pair.side[BOB];
    size_t notice = bob->told_count;
    for (size_t i = 0; i < bob->told_count; i++)
        if (bob->told[i].kind == MSG_TELL_NOTICE)
            notice = i;
    assert_true(notice + 2 < bob->told_count);
    assert_int_equal(bob->told[notice - 1].any.MSG_ANY_TELL_MESSAGE.id.at[0], 2);
    assert_int_equal(bob->told[notice + 1].any.MSG_ANY_TELL_MESSAGE.id.at[0], 3);
    msg_run_wipe(&run);
}

/* More than a record takes: ours never send so many, and nothing is lost of it. */
static void
an_envelope_of_very_many_is_several_records(void **state)
{
    static uint8_t at[MSG_BATCH_MAX];
    static const struct msg_head none;
    struct msg_run run = {.open = false};
    (void)state;
    they_are_linked();
    pair_arrive_sealed(&run, says(at, sizeof at, 1, MSG_BATCH_COUNT + 7, &none));
    assert_int_equal(kept().count, 7);
    assert_int_equal(kept().first, MSG_BATCH_COUNT + 1);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 1 + MSG_BATCH_COUNT + 7);
    msg_run_wipe(&run);
}

/* Reading one in the middle tells its sender so many, and no more. */
static void
one_of_them_is_read_by_its_number(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 5; i++)
        pair_say(ADA, i, "a line");
    pair_settle();
    assert_true(kept().count > 1);
    const struct msg_cmd_read read = {pair_told(BOB, MSG_TELL_MESSAGE, 3)->MSG_ANY_TELL_MESSAGE.arrival};
    pair_command(BOB, MSG_CMD_READ, &read);
    pair_settle();
    assert_int_equal(pair_ticks(ADA, MSG_TICK_READ), 4);
}

/* A crash between them: what is on disk of the burst knows their numbers, too. */
static void
one_of_them_is_read_by_its_number_after_a_restart(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 5; i++)
        pair_say(ADA, i, "a line");
    pair_settle();
    const struct pair_kept inbox = pair.side[BOB].kept[PEER_TABLE_INBOX], chain = pair.side[BOB].kept[PEER_TABLE_CHAINS_IN];
    const struct msg_rec_inbox_batch record = kept();
    const struct msg_record_key key = msg_record_key1(record.arrival);
    const struct msg_cmd_read read = {record.arrival - 1};
    assert_true(record.count > 2);
    pair_cut();
    peer_core_destroy(&pair.side[BOB].core);
    pair_begin(BOB, 2);
    pair_restore(BOB, PEER_TABLE_CHAINS_IN, msg_span(chain.at, chain.len));
    pair_feed(BOB, &(struct msg_event){.kind = EVENT_RECORD, .table = PEER_TABLE_INBOX, .record_key = msg_record_key_span(&key), .bytes = msg_span(inbox.at, inbox.len)});
    pair_feed(BOB, &(struct msg_event){.kind = EVENT_START});
    pair_command(BOB, MSG_CMD_READ, &read);
    pair_say(ADA, 6, "dials again");
    pair_wake(ADA, 60000);
    pair_settle();
    assert_int_equal(pair_ticks(ADA, MSG_TICK_READ), 4);
}

/* A disk that was put back: the sender says again what it forgot, and more. */
static void
what_came_under_another_number_leaves_a_hole(void **state)
{
    static uint8_t at[MSG_BATCH_MAX];
    static const struct msg_head none;
    struct msg_run run = {.open = false};
    struct msg_buf again = {at, 0, sizeof at};
    const struct msg_chain chain = {.incarnation = INCARNATION + 1, .salt = 10, .base = 1, .number = 1};
    (void)state;
    they_are_linked();
    pair_arrive_sealed(&run, says(at, sizeof at, 1, 1, &none));
    assert_int_equal(msg_codec_encode(&again, MSG_CHAIN, &chain), CONCLAVE_OK);
    for (uint8_t id = 3; id > 0; id--) { /* 1 is known */
        const struct msg_say say = {{{id == 2 ? 1 : id + 10}}, msg_text("said again")};
        assert_int_equal(msg_codec_encode(&again, MSG_SAY, &say), CONCLAVE_OK);
    }
    pair_arrive_sealed(&run, msg_span_of_buf(&again));
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 4);
    assert_int_equal(pair_told(BOB, MSG_TELL_MESSAGE, 2)->MSG_ANY_TELL_MESSAGE.id.at[0], 13);
    assert_int_equal(pair_told(BOB, MSG_TELL_MESSAGE, 3)->MSG_ANY_TELL_MESSAGE.id.at[0], 11);
    assert_int_equal(kept().first, 3);
    msg_run_wipe(&run);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_came_in_one_envelope_is_one_record, pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(only_what_is_new_of_it_is_kept, pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(a_notice_stands_between_what_came_before_and_after_a_gap, pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(an_envelope_of_very_many_is_several_records, pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(one_of_them_is_read_by_its_number, pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(one_of_them_is_read_by_its_number_after_a_restart, pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(what_came_under_another_number_leaves_a_hole, pair_set_up, pair_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

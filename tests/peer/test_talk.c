/* Chains of messages between two cores: once, in order, and no tick that is
 * not true.  What networks and crashes do to them is the simulator's. */
#include "tests/peer/pair.h"

static void
what_is_said_is_shown_and_ticks_follow(void **state)
{
    (void)state;
    pair_say(ADA, 1, "hello");
    pair_settle();
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 1);
    const struct msg_tell_message *const told =
        &pair_told(BOB, MSG_TELL_MESSAGE, 0)->MSG_ANY_TELL_MESSAGE;
    assert_true(msg_text_equal(told->text, msg_text("hello")));
    assert_true(msg_text_equal(told->from, msg_text("ada")));
    assert_memory_equal(&told->id, &pair_told(ADA, MSG_TELL_OK, 0)->MSG_ANY_TELL_OK.id,
                        sizeof told->id);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_QUEUED), 1);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_DELIVERED), 1);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_READ), 0);
}

static void
it_is_queued_only_when_the_disk_has_it(void **state)
{
    (void)state;
    pair_say(ADA, 1, "hello");
    assert_int_equal(pair_ticks(ADA, MSG_TICK_QUEUED), 0);
    pair_commit(ADA);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_QUEUED), 1);
}

static void
it_is_shown_and_delivered_only_when_their_disk_has_it(void **state)
{
    (void)state;
    pair_say(ADA, 1, "hello");
    for (int i = 0; i < 5; i++) {
        pair_commit(ADA);
        pair_wake(ADA, 10);
        pair_wake(BOB, 10); /* and Bob's disk is slow */
    }
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 0);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_DELIVERED), 0);
    pair_settle();
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 1);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_DELIVERED), 1);
}

static void
it_is_read_when_the_user_says_so(void **state)
{
    (void)state;
    pair_say(ADA, 1, "one");
    pair_say(ADA, 2, "two");
    pair_say(ADA, 3, "three");
    pair_settle();
    const struct msg_cmd_read read = {
        pair_told(BOB, MSG_TELL_MESSAGE, 1)->MSG_ANY_TELL_MESSAGE.arrival};
    pair_command(BOB, MSG_CMD_READ, &read);
    pair_settle();
    assert_int_equal(pair_ticks(ADA, MSG_TICK_READ), 2);
}

static void
what_was_lost_is_sent_again_and_shown_once(void **state)
{
    (void)state;
    pair_say(ADA, 1, "one");
    pair_settle();
    pair.side[BOB].deaf = true;
    pair_say(ADA, 2, "two");
    pair_settle();
    pair.side[BOB].deaf = false;
    pair_wake(ADA, 2500);
    pair_settle();
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 2);
    pair.side[ADA].deaf = true; /* now the receipts are lost */
    pair_say(ADA, 3, "three");
    pair_settle();
    pair.side[ADA].deaf = false;
    pair_wake(ADA, 2500);
    pair_settle();
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 3);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_DELIVERED), 3);
}

static void
a_gap_makes_the_sender_go_back(void **state)
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
    pair_settle(); /* long before anything is sent again for its time-out */
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 3);
    assert_true(msg_text_equal(pair_told(BOB, MSG_TELL_MESSAGE, 1)->MSG_ANY_TELL_MESSAGE.text,
                               msg_text("two")));
}

static void
a_burst_travels_in_few_frames(void **state)
{
    (void)state;
    pair_say(ADA, 1, "first");
    pair_settle();
    pair.frames = 0;
    for (uint64_t i = 0; i < 200; i++)
        pair_say(ADA, 2 + i, "one of many");
    pair_settle();
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 201);
    assert_in_range(pair.frames, 2, 8);
}

/* Bob's disk is slow: nothing of it is acknowledged. */
static void
say_many(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        pair_say(ADA, 1 + i, "one of many");
}

static void
what_waits_behind_plenty_shares_an_envelope_for_a_millisecond(void **state)
{
    (void)state;
    pair_say(ADA, 1, "first");
    pair_settle();
    say_many(600);
    pair_wake(ADA, 0);
    const size_t frames = pair.frames;
    say_many(50); /* with 87 of those before them */
    pair_wake(ADA, 0);
    assert_int_equal(pair.frames, frames); /* they wait, */
    say_many(60);
    pair_wake(ADA, 0);
    assert_int_equal(pair.frames, frames + 1); /* enough for one of their own, */
    say_many(10);
    pair_wake(ADA, 0);
    assert_int_equal(pair.frames, frames + 1);
    pair_wake(ADA, 1);
    assert_int_equal(pair.frames, frames + 2); /* or time goes by, */
    say_many(1);
    pair_feed(ADA, &(struct msg_event){.kind = EVENT_STOP});
    assert_in_range(pair.frames, frames + 3, frames + 5); /* or the end comes */
}

/* Ada says one line, which is sealed at once, and Bob's disk has what came. */
static void
say_alone(uint64_t req, const char *text)
{
    pair_say(ADA, req, text);
    pair_commit(ADA);
    pair_wake(ADA, 1);
    pair_commit(BOB);
}

/* Said, sealed and lost on its way. */
static struct pair_kept
say_in_vain(uint64_t req, const char *text)
{
    pair.side[BOB].deaf = true;
    say_alone(req, text);
    pair.side[BOB].deaf = false;
    assert_true(pair.side[BOB].lost.len > 0);
    return pair.side[BOB].lost;
}

static struct msg_span
span_of_kept(const struct pair_kept *kept)
{
    return msg_span(kept->at, kept->len);
}

static void
expect_shown(size_t count, const char *const texts[])
{
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), count);
    for (size_t i = 0; i < count; i++)
        assert_true(msg_text_equal(pair_told(BOB, MSG_TELL_MESSAGE, i)->MSG_ANY_TELL_MESSAGE.text, msg_text(texts[i])));
}

static void
a_run_says_once_where_it_stands(void **state)
{
    (void)state;
    say_alone(1, "one");
    pair_settle();
    say_alone(2, "two");
    const size_t alone = pair.bytes;
    pair_settle();
    (void)say_in_vain(3, "six");
    pair_wake(ADA, 2500); /* it is sent again */
    assert_true(pair.bytes >= alone + 30);
    pair_settle();
    say_alone(4, "ten");
    assert_true(pair.bytes <= alone + 4);
    pair_settle();
    expect_shown(4, (const char *const[]){"one", "two", "six", "ten"});
}

static void
another_run_says_it_again(void **state)
{
    (void)state;
    say_alone(1, "one");
    pair_settle();
    pair_wake(ADA, MSG_RUN_MS);
    pair_settle();
    say_alone(2, "two"); /* nobody has to ask for it */
    expect_shown(2, (const char *const[]){"one", "two"});
}

static void
an_envelope_that_comes_late_is_not_taken_for_the_next(void **state)
{
    (void)state;
    say_alone(1, "one");
    pair_settle();
    const struct pair_kept two = say_in_vain(2, "two");
    say_alone(3, "three");
    expect_shown(1, (const char *const[]){"one"});
    pair_arrive(BOB, span_of_kept(&two));
    pair_wake(ADA, 200);
    pair_settle();
    expect_shown(3, (const char *const[]){"one", "two", "three"});
}

static void
an_envelope_that_comes_twice_changes_nothing(void **state)
{
    (void)state;
    say_alone(1, "one");
    pair_settle();
    const struct pair_kept two = say_in_vain(2, "two");
    for (int i = 0; i < 2; i++)
        pair_arrive(BOB, span_of_kept(&two));
    say_alone(3, "three");
    expect_shown(3, (const char *const[]){"one", "two", "three"});
}

static void
nothing_goes_on_from_another_run(void **state)
{
    (void)state;
    union msg_any any;
    enum msg_kind kind;
    say_alone(1, "one"); /* envelope 0 of its run: what follows would be 1 */
    pair_settle();
    pair_wake(ADA, MSG_RUN_MS);
    const struct pair_kept two = say_in_vain(2, "two");
    struct msg_span rest = span_of_kept(&two);
    assert_int_equal(msg_codec_next_frame(&rest, &kind, &any), CONCLAVE_OK);
    assert_int_equal(kind, MSG_RUN);
    pair_arrive(BOB, msg_span(two.at, two.len - rest.len)); /* but not what it is the key of */
    say_alone(3, "three"); /* envelope 1 of the new one */
    expect_shown(1, (const char *const[]){"one"});
    pair_wake(ADA, 200);
    pair_settle();
    expect_shown(3, (const char *const[]){"one", "two", "three"});
}

static void
nothing_goes_on_from_what_was_not_understood(void **state)
{
    (void)state;
    uint8_t room[512];
    struct msg_buf batch = {room, 0, sizeof room};
    struct msg_run run = {.open = false};
    const struct msg_chain chain = {.incarnation = 9, .salt = 9, .base = 1, .number = 1};
    struct msg_say say = {{{1}}, msg_text("a line")};
    const struct msg_done other = {1}; /* has no place in a batch */
    say_alone(1, "links them");
    pair_settle();
    assert_int_equal(msg_codec_encode(&batch, MSG_CHAIN, &chain), CONCLAVE_OK);
    assert_int_equal(msg_codec_encode(&batch, MSG_SAY, &say), CONCLAVE_OK);
    pair_arrive_sealed(&run, msg_span_of_buf(&batch));
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 2);
    batch.len = 0;
    say.id.at[0] = 2;
    assert_int_equal(msg_codec_encode(&batch, MSG_SAY, &say), CONCLAVE_OK);
    assert_int_equal(msg_codec_encode(&batch, MSG_DONE, &other), CONCLAVE_OK);
    pair_arrive_sealed(&run, msg_span_of_buf(&batch));
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 3); /* what stood before it counts */
    batch.len = 0;
    say.id.at[0] = 3;
    assert_int_equal(msg_codec_encode(&batch, MSG_SAY, &say), CONCLAVE_OK);
    pair_arrive_sealed(&run, msg_span_of_buf(&batch));
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 3);
    msg_run_wipe(&run);
}

static void
nothing_is_said_before_the_incarnation_is_on_disk(void **state)
{
    (void)state;
    peer_core_destroy(&pair.side[ADA].core);
    pair_start(ADA, 1);
    pair_say(ADA, 1, "hello");
    for (int i = 0; i < 5; i++) {
        pair_wake(ADA, 10);
        pair_wake(BOB, 10);
        pair_commit(BOB);
    }
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 0);
    pair_settle();
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 1);
}

static void
a_disk_that_was_put_back_is_noticed_and_goes_on(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 5; i++)
        pair_say(ADA, 1 + i, "before");
    pair_settle();
    pair_cut();
    peer_core_destroy(&pair.side[ADA].core);
    pair_start(ADA, 0); /* as if none of it had happened: the same incarnation, another salt */
    for (uint64_t i = 0; i < 5; i++)
        pair_say(ADA, 1 + i, "after");
    pair_settle();
    pair_wake(ADA, 2500);
    pair_settle();
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 10);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_DELIVERED), 5);
    assert_true(msg_text_equal(pair_told(BOB, MSG_TELL_MESSAGE, 9)->MSG_ANY_TELL_MESSAGE.text,
                               msg_text("after")));
}

/* The acknowledgement of what an earlier incarnation said is none of what was
 * sent after it. */
static void
what_was_lost_is_sent_again_when_an_earlier_incarnation_is_acknowledged(void **state)
{
    (void)state;
    pair.side[BOB].deaf = true;
    pair_say(ADA, 1, "in one life");
    pair_settle();
    pair_cut();
    const struct pair_kept out = pair.side[ADA].kept[PEER_TABLE_OUT],
                           chain = pair.side[ADA].kept[PEER_TABLE_CHAINS_OUT];
    peer_core_destroy(&pair.side[ADA].core);
    pair.side[BOB].deaf = false;
    pair_begin(ADA, 1);
    pair_restore(ADA, PEER_TABLE_OUT, msg_span(out.at, out.len));
    pair_restore(ADA, PEER_TABLE_CHAINS_OUT, msg_span(chain.at, chain.len));
    pair_feed(ADA, &(struct msg_event){.kind = EVENT_START});
    pair_commit(ADA);
    pair_wake(ADA, 10); /* Bob has the first of them, and his disk is slow */
    pair.side[BOB].deaf = true;
    pair_say(ADA, 2, "in the next");
    pair_commit(ADA);
    pair_wake(ADA, 10);
    pair.side[BOB].deaf = false;
    pair_settle();
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 1);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_DELIVERED), 1);
    pair_wake(ADA, 2500);
    pair_settle();
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 2);
    assert_int_equal(pair_ticks(ADA, MSG_TICK_DELIVERED), 2);
}

static void
both_directions_share_a_link(void **state)
{
    (void)state;
    pair_say(ADA, 1, "ping");
    pair_settle();
    pair_say(BOB, 1, "pong");
    pair_settle();
    assert_int_equal(pair_count(ADA, MSG_TELL_MESSAGE), 1);
    assert_int_equal(pair_ticks(BOB, MSG_TICK_DELIVERED), 1);
}

static void
after_a_cut_the_rest_comes_over_a_new_link(void **state)
{
    (void)state;
    pair_say(ADA, 1, "one");
    pair_settle();
    pair_cut();
    pair_say(ADA, 2, "two");
    pair_settle();
    pair_wake(ADA, 1000);
    pair_settle();
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 2);
}

/* Bob's other device, which ada knows of: as Bob will be when he is on that. */
static struct pair_side
bob_has_another_device(void)
{
    const struct pair_side here = pair.side[BOB];
    pair_keys(BOB);
    pair_certify(BOB, 2, 20);
    const struct pair_side there = pair.side[BOB];
    pair.side[BOB] = here;
    const struct msg_rec_contact_device device = {
        .account = BOB + 1, .device = 2, .certificate = msg_span(there.cert, there.cert_len)};
    pair_record(ADA, PEER_TABLE_DEVICES, MSG_REC_CONTACT_DEVICE, &device);
    return there;
}

static void
a_device_that_never_comes_back_does_not_fill_the_outbox(void **state)
{
    size_t shown = 0;
    (void)state;
    (void)bob_has_another_device(); /* and it is never there */
    for (uint64_t req = 1; req <= 1600; req++) { /* the outbox has room for 1024 */
        pair_say(ADA, req, "on and on");
        if (req % 100 != 0)
            continue;
        pair_settle();
        assert_int_equal(pair_count(ADA, MSG_TELL_FAILED), 0);
        shown += pair_count(BOB, MSG_TELL_MESSAGE);
        pair.side[ADA].told_count = pair.side[BOB].told_count = 0;
    }
    assert_int_equal(shown, 1600);
}

/* To go on where the delivered ones end is right for a device that has them:
 * the next one has still to get what waits there only to be read. */
static void
a_second_device_is_sent_what_the_first_one_has(void **state)
{
    (void)state;
    const struct pair_side there = bob_has_another_device();
    static const char *const texts[] = {"one", "two", "three"};
    for (uint64_t i = 0; i < 3; i++)
        pair_say(ADA, 1 + i, texts[i]);
    pair_settle();
    assert_int_equal(pair_ticks(ADA, MSG_TICK_DELIVERED), 3);
    pair_cut();
    peer_core_destroy(&pair.side[BOB].core);
    pair.side[BOB] = there;
    pair.bob_dials = true;
    pair_start(BOB, 0);
    pair_say(BOB, 1, "now from here");
    pair_settle();
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(msg_text_equal(pair_told(BOB, MSG_TELL_MESSAGE, i)->MSG_ANY_TELL_MESSAGE.text,
                                   msg_text(texts[i])));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_said_is_shown_and_ticks_follow, pair_set_up,
                                        pair_tear_down),
        cmocka_unit_test_setup_teardown(it_is_queued_only_when_the_disk_has_it, pair_set_up,
                                        pair_tear_down),
        cmocka_unit_test_setup_teardown(it_is_shown_and_delivered_only_when_their_disk_has_it,
                                        pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(it_is_read_when_the_user_says_so, pair_set_up,
                                        pair_tear_down),
        cmocka_unit_test_setup_teardown(what_was_lost_is_sent_again_and_shown_once, pair_set_up,
                                        pair_tear_down),
        cmocka_unit_test_setup_teardown(a_gap_makes_the_sender_go_back, pair_set_up,
                                        pair_tear_down),
        cmocka_unit_test_setup_teardown(a_burst_travels_in_few_frames, pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(what_waits_behind_plenty_shares_an_envelope_for_a_millisecond, pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(a_run_says_once_where_it_stands, pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(another_run_says_it_again, pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(an_envelope_that_comes_late_is_not_taken_for_the_next, pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(an_envelope_that_comes_twice_changes_nothing, pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(nothing_goes_on_from_another_run, pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(nothing_goes_on_from_what_was_not_understood, pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_said_before_the_incarnation_is_on_disk,
                                        pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(a_disk_that_was_put_back_is_noticed_and_goes_on,
                                        pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(a_device_that_never_comes_back_does_not_fill_the_outbox,
                                        pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(a_second_device_is_sent_what_the_first_one_has, pair_set_up,
                                        pair_tear_down),
        cmocka_unit_test_setup_teardown(
            what_was_lost_is_sent_again_when_an_earlier_incarnation_is_acknowledged, pair_set_up,
            pair_tear_down),
        cmocka_unit_test_setup_teardown(both_directions_share_a_link, pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(after_a_cut_the_rest_comes_over_a_new_link, pair_set_up,
                                        pair_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Members, former members and strangers that mean harm, and a registry that
 * goes along with them: what they cannot make a peer show, keep, tell or do. */
#include "tests/peer/room_rogue.h"

static uint8_t at[4096];

static void
friends(uint64_t flags)
{
    create(ADA, flags);
    join(BOB);
    join(CAT);
    say(ADA, "hello");
    assert_shown(BOB, "ada: hello|");
}

/* ---- frames ---- */

static void
a_frame_in_the_name_of_another_is_not_shown(void **state)
{
    (void)state;
    friends(0);
    struct rogue cat = rogue(ADA);
    struct msg_room_frame frame = {.epoch = 0};
    hand(CAT, BOB, ADA, 1, &cat.key);
    hand(CAT, BOB, CAT, 1, &cat.key);
    log_frame(CAT, rogue_frame_as(&cat, "I owe cat money", CAT, &frame, at));
    say(ADA, "still here");
    assert_shown(BOB, "ada: hello|ada: still here|");
    assert_int_equal(count(BOB, MSG_TELL_NOTICE), 0); /* nor is ada blamed for it */
}

static void
frames_again_and_in_another_order_are_shown_once_and_in_theirs(void **state)
{
    (void)state;
    friends(0);
    disconnect(BOB);
    for (char text[2] = "a"; text[0] <= 'e'; text[0]++)
        say(ADA, text);
    const size_t first = 1, last = w.log_count - 1;
    assert_int_equal(last, 5);
    /* b and d change places, c comes twice, and all of it again at the end */
    const struct bytes b = w.log[first + 1].frame;
    w.log[first + 1].frame = w.log[first + 3].frame;
    w.log[first + 3].frame = b;
    for (size_t n = 0; n <= last; n++) {
        w.log[w.log_count].offset = ++w.offset;
        w.log[w.log_count].from = ADA;
        w.log[w.log_count++].frame = world_copy(msg_span(w.log[n].frame.at, w.log[n].frame.len));
    }
    connect(BOB);
    assert_shown(BOB, "ada: hello|ada: a|ada: d|ada: e|");
    assert_int_equal(count(BOB, MSG_TELL_GAP), 1); /* what d stands before is not there any more for him */
    const struct msg_tell_gap *gap = &told(BOB, MSG_TELL_GAP, 0)->MSG_ANY_TELL_GAP;
    assert_true(gap->first == 3 && gap->last == 4);
    say(ADA, "f");
    assert_shown(BOB, "ada: hello|ada: a|ada: d|ada: e|ada: f|");
}

static void
what_is_left_out_is_told_as_a_gap(void **state)
{
    (void)state;
    friends(0);
    disconnect(BOB);
    say(ADA, "one");
    say(ADA, "two");
    say(ADA, "three");
    free(w.log[2].frame.at);
    w.log[2] = w.log[3];
    w.log_count = 3;
    connect(BOB);
    assert_shown(BOB, "ada: hello|ada: one|ada: three|");
    assert_int_equal(count(BOB, MSG_TELL_GAP), 1);
    const struct msg_tell_gap *gap = &told(BOB, MSG_TELL_GAP, 0)->MSG_ANY_TELL_GAP;
    assert_true(gap->first == 3 && gap->last == 3);
}

static void
a_frame_of_another_room_is_passed_over(void **state)
{
    (void)state;
    friends(0);
    struct rogue cat = rogue(CAT);
    struct msg_room_frame frame = {.room = {{0xaa}}};
    hand(CAT, BOB, CAT, 1, &cat.key);
    log_frame(CAT, rogue_frame_as(&cat, "from elsewhere", CAT, &frame, at));
    say(ADA, "on");
    assert_shown(BOB, "ada: hello|ada: on|");
}

static void
who_went_is_not_shown_though_the_front_passes_it_on(void **state)
{
    (void)state;
    friends(0);
    struct rogue cat = rogue(CAT);
    hand(CAT, BOB, CAT, w.room.epoch + 1, &cat.key); /* in good time */
    act(ADA, MSG_ACT_KICK, CAT);
    hand(CAT, BOB, CAT, w.room.epoch, &cat.key);
    log_frame(CAT, rogue_frame(&cat, "I am back", at));
    say(ADA, "alone at last");
    assert_shown(BOB, "ada: hello|ada: alone at last|");
}

static void
another_roster_behind_an_epoch_is_told_once(void **state)
{
    (void)state;
    friends(0);
    struct rogue cat = rogue(CAT);
    hand(CAT, BOB, CAT, 1, &cat.key);
    for (int i = 0; i < 3; i++) {
        struct msg_room_frame frame = {.epoch_head = {{0xee}}};
        log_frame(CAT, rogue_frame_as(&cat, "who is dan?", CAT, &frame, at));
    }
    assert_int_equal(notices(BOB, "different rosters"), 1);
    assert_int_equal(notices(ADA, "different rosters"), 1);
}

/* ---- who says one thing here and another there ---- */

static void
two_versions_of_a_message_are_told(void **state)
{
    (void)state;
    friends(0);
    struct rogue one = rogue(CAT), other;
    hand(CAT, BOB, CAT, 1, &one.key);
    other = one;
    log_frame(CAT, rogue_frame(&one, "yes", at));
    assert_int_equal(notices(BOB, "different things"), 0);
    log_frame(CAT, rogue_frame(&other, "no", at));
    log_frame(CAT, rogue_frame(&other, "no!", at));
    assert_int_equal(notices(BOB, "different things"), 1);
    assert_int_equal(notices(ADA, "different things"), 0); /* she has no key of it: nothing yet */
}

static void
a_tip_that_is_not_of_the_chain_that_came_is_told(void **state)
{
    (void)state;
    friends(0);
    struct rogue cat = rogue(CAT);
    uint8_t tip_at[256];
    hand(CAT, BOB, CAT, 1, &cat.key);
    log_frame(CAT, rogue_frame(&cat, "yes", at));
    struct msg_room_tip tip = {.room = w.room.id, .account = CAT, .device = 1, .incarnation = UINT64_C(1) << 50, .salt = 7, .number = 1, .head = cat.head};
    for (int i = 0; i < 4; i++) {
        struct msg_buf buf = {tip_at, 0, sizeof tip_at};
        tip.head.at[0] ^= i > 0; /* the first one is as it should be */
        tip.salt = i == 1 ? 8 : 7; /* of a disk that was put back: its next frames say more */
        msg_room_sign_tip(&tip, &w.side[i == 2 ? ADA : CAT].id.sign_sec);
        assert_int_equal(msg_codec_encode(&buf, MSG_ROOM_TIP, &tip), CONCLAVE_OK);
        front_cast(CAT, 0, msg_span_of_buf(&buf));
        tip.head.at[0] = cat.head.at[0];
        assert_int_equal(notices(BOB, "different things"), i == 3);
    }
}

static void
a_tip_in_the_name_of_another_makes_nobody_read(void **state)
{
    (void)state;
    friends(0);
    uint8_t tip_at[256];
    struct msg_buf buf = {tip_at, 0, sizeof tip_at};
    struct msg_room_tip tip = {.room = w.room.id, .account = ADA, .device = 1, .incarnation = UINT64_MAX, .salt = 7, .number = 1};
    msg_room_sign_tip(&tip, &w.side[CAT].id.sign_sec);
    assert_int_equal(msg_codec_encode(&buf, MSG_ROOM_TIP, &tip), CONCLAVE_OK);
    const size_t pages = w.side[BOB].heard[MSG_ROOM_LOG];
    front_cast(CAT, 0, msg_span_of_buf(&buf));
    run(10000);
    assert_int_equal(w.side[BOB].heard[MSG_ROOM_LOG], pages);
}

/* Tips that say that there is ever more, and never is. */
static void
many_tips_do_not_put_off_what_is_to_be_read(void **state)
{
    (void)state;
    friends(0);
    struct msg_room_tip tip = {.room = w.room.id, .account = CAT, .device = 1, .incarnation = UINT64_C(1) << 50, .salt = 7};
    const size_t pages = w.side[BOB].heard[MSG_ROOM_LOG];
    for (int i = 0; i < 40; i++) {
        uint8_t tip_at[256];
        struct msg_buf buf = {tip_at, 0, sizeof tip_at};
        tip.number++;
        msg_room_sign_tip(&tip, &w.side[CAT].id.sign_sec);
        assert_int_equal(msg_codec_encode(&buf, MSG_ROOM_TIP, &tip), CONCLAVE_OK);
        front_cast(CAT, 0, msg_span_of_buf(&buf));
        if (i == 4) { /* this is lost on its way to him */
            w.side[BOB].up = false;
            say(ADA, "hear me");
            w.side[BOB].up = true;
        }
        run(500);
    }
    assert_shown(BOB, "ada: hello|ada: hear me|");
    assert_true(w.side[BOB].heard[MSG_ROOM_LOG] - pages <= 21); /* nor do they make him read more than once a second */
}

static void
a_receipt_in_the_name_of_another_ticks_nothing(void **state)
{
    (void)state;
    create(ADA, 0);
    join(BOB);
    disconnect(BOB);
    join(CAT);
    disconnect(CAT);
    say(ADA, "hello");
    const struct msg_room_frame frame = logged_frame(0);
    for (uint64_t signer = CAT; signer <= DAN; signer++) { /* as bob; and dan, who is not in the room, as himself */
        uint8_t list_at[128], receipt_at[512];
        struct msg_buf list = {list_at, 0, sizeof list_at}, buf = {receipt_at, 0, sizeof receipt_at};
        const struct msg_mark mark = {ADA, 1, frame.incarnation, 1, {{0}}};
        struct msg_room_receipt receipt = {.room = w.room.id, .account = signer == CAT ? BOB : DAN, .device = 1};
        assert_int_equal(msg_codec_append(&list, &receipt.marks, MSG_MARK, &mark), CONCLAVE_OK);
        msg_room_sign_receipt(&receipt, &w.side[signer].id.sign_sec);
        assert_int_equal(msg_codec_encode(&buf, MSG_ROOM_RECEIPT, &receipt), CONCLAVE_OK);
        front_cast(CAT, 0, msg_span_of_buf(&buf));
        run(2000);
    }
    assert_int_equal(ticks(ADA, MSG_TICK_DELIVERED), 0);
    connect(BOB);
    run(2000);
    assert_int_equal(ticks(ADA, MSG_TICK_DELIVERED), 1);
}

/* ---- keys ---- */

static void
a_stranger_s_keys_are_not_kept(void **state)
{
    (void)state;
    friends(0);
    act(ADA, MSG_ACT_KICK, CAT);
    const size_t before = records(BOB, PEER_TABLE_ROOM_KEYS);
    for (uint64_t epoch = 1; epoch < 5; epoch++) {
        const struct rogue other = rogue(DAN);
        hand(DAN, BOB, DAN, epoch, &other.key);             /* his own, of now and of times to come */
        hand(DAN, BOB, ADA, epoch, &other.key);             /* another's */
        hand(CAT, BOB, CAT, epoch + 2, &other.key);         /* who was here */
        hand(CAT, BOB, BOB, epoch, &other.key);             /* our own */
    }
    assert_int_equal(records(BOB, PEER_TABLE_ROOM_KEYS), before);
    assert_int_equal(count(BOB, MSG_TELL_NOTICE), 0);
}

static void
a_member_s_many_keys_push_out_nobody_else_s(void **state)
{
    (void)state;
    friends(0);
    for (int i = 0; i < 200; i++) {
        const struct rogue cat = rogue(CAT);
        hand(CAT, BOB, CAT, 1, &cat.key);
    }
    const size_t asked = w.side[ADA].box_count;
    say(ADA, "still with you");
    assert_shown(BOB, "ada: hello|ada: still with you|");
    assert_int_equal(w.side[ADA].box_count, asked);
    assert_true(records(BOB, PEER_TABLE_ROOM_KEYS) < 24);
}

static void
nobody_hands_on_a_key_where_there_is_no_history(void **state)
{
    (void)state;
    friends(0);
    disconnect(BOB);
    say(ADA, "one");
    struct msg_roomkey wrong = {.tag = logged_frame(0).key};
    connect(BOB);
    hand(CAT, BOB, ADA, 1, &wrong);
    say(ADA, "two");
    assert_shown(BOB, "ada: hello|ada: one|ada: two|");
}

/* Under the tag of a key that they have, or are about to have. */
static void
a_wrong_key_from_a_member_keeps_nobody_from_reading(void **state)
{
    (void)state;
    friends(MSG_ROOM_HISTORY);
    struct msg_roomkey wrong = {.tag = logged_frame(0).key};
    join(DAN);
    assert_shown(DAN, ""); /* he asks for the key in a second */
    hand(CAT, DAN, ADA, 1, &wrong);
    hand(CAT, BOB, ADA, 1, &wrong);
    run(30000);
    assert_shown(DAN, "ada: hello|");
    say(ADA, "welcome");
    assert_shown(DAN, "ada: hello|ada: welcome|");
    assert_shown(BOB, "ada: hello|ada: welcome|");
    hand(CAT, DAN, ADA, 1, &wrong);
    restart(DAN);
    say(ADA, "again");
    assert_shown(DAN, "ada: hello|ada: welcome|ada: again|");
}

/* Of which he asked for none: they would push out what he has of hers, and end
 * his asking for what he lacks. */
static void
keys_that_a_member_makes_up_for_another_are_not_kept(void **state)
{
    (void)state;
    friends(MSG_ROOM_HISTORY);
    disconnect(ADA); /* who has it cannot be asked */
    disconnect(BOB);
    kill_core(CAT);
    join(DAN);
    const size_t before = records(DAN, PEER_TABLE_ROOM_KEYS);
    for (int i = 0; i < 60; i++) {
        const struct msg_roomkey other = rogue(ADA).key;
        hand(CAT, DAN, ADA, 1, &other);
        run(1000);
    }
    assert_int_equal(records(DAN, PEER_TABLE_ROOM_KEYS), before);
    assert_int_equal(count(DAN, MSG_TELL_GAP), 0);
    connect(ADA); /* and now he is answered */
    run(120000);
    assert_shown(DAN, "ada: hello|");
}

/* Whoever has the key can make the box anew: all that is in it is under the
 * signature, through the head. */
static void
a_box_with_another_id_than_was_signed_is_not_shown(void **state)
{
    (void)state;
    friends(0);
    struct rogue cat = rogue(CAT);
    hand(CAT, BOB, CAT, 1, &cat.key);
    log_frame(CAT, rogue_frame(&cat, "one", at));
    cat.reboxed = true;
    log_frame(CAT, rogue_frame(&cat, "two", at));
    assert_shown(BOB, "ada: hello|cat: one|");
}

/* It answers each question, and no answer opens what it said. */
static void
what_no_key_opens_is_asked_for_a_few_times_and_told_as_a_gap(void **state)
{
    (void)state;
    friends(MSG_ROOM_HISTORY);
    struct rogue cat = rogue(CAT);
    hand(CAT, BOB, CAT, 1, &cat.key);
    log_frame(CAT, rogue_frame(&cat, "one", at));
    assert_shown(BOB, "ada: hello|cat: one|");
    const struct msg_roomkey good = cat.at;
    msg_keys_random(&cat.at.chain, sizeof cat.at.chain);
    log_frame(CAT, rogue_frame(&cat, "two", at));
    const uint64_t serial = w.serial;
    size_t answers = 0;
    for (; answers < 1000 && count(BOB, MSG_TELL_GAP) == 0; answers++) {
        run(answers < 100 ? 1000 : 900000);
        hand(CAT, BOB, CAT, 1, &cat.key);
    }
    assert_int_equal(count(BOB, MSG_TELL_GAP), 1);
    assert_true(w.serial - serial - answers < 420); /* his questions in days, and what others answered */
    cat.at = good;
    assert_int_equal(msg_roomkey_advance(&cat.at, good.counter + 1), CONCLAVE_OK);
    hand(CAT, BOB, CAT, 1, &cat.key);
    say(ADA, "go on");
    assert_shown(BOB, "ada: hello|cat: one|ada: go on|");
}

/* ---- questions ---- */

static void
who_is_no_member_is_answered_nothing(void **state)
{
    (void)state;
    friends(MSG_ROOM_HISTORY);
    const struct msg_tag key = logged_frame(0).key;
    disconnect(DAN); /* what came for him would stay there */
    const size_t dan = w.side[DAN].box_count;
    ask(DAN, ADA, ADA, 1, &key);
    ask(DAN, BOB, ADA, 1, &key);
    run(5000);
    assert_int_equal(w.side[DAN].box_count, dan);
    act(ADA, MSG_ACT_KICK, CAT);
    disconnect(CAT);
    say(ADA, "secret");
    const size_t cat = w.side[CAT].box_count;
    ask(CAT, ADA, ADA, 1, &key);
    ask(CAT, BOB, ADA, 1, &key);
    const struct msg_tag next = logged_frame(w.log_count - 1).key;
    ask(CAT, ADA, ADA, 2, &next);
    run(5000);
    assert_int_equal(w.side[CAT].box_count, cat);
}

static void
who_joined_later_is_not_answered_what_was_said_before(void **state)
{
    (void)state;
    friends(0);
    const struct msg_tag key = logged_frame(0).key;
    join(DAN);
    kill_core(DAN); /* his keys ask for more than his core would */
    struct rogue dan = {.who = DAN};
    ask(DAN, ADA, ADA, 1, &key);
    run(5000);
    union msg_any any;
    for (size_t i = 0; i < w.side[DAN].box_count; i++) {
        struct msg_run in = {0};
        struct msg_cert ada;
        struct msg_span frames = msg_span(w.side[DAN].box[i].frames.at, w.side[DAN].box[i].frames.len);
        struct msg_buf batch = {at, 0, sizeof at};
        enum msg_kind kind;
        assert_int_equal(msg_cert_open(&ada, msg_span(w.side[ADA].cert, w.side[ADA].cert_len), &w.signer), CONCLAVE_OK);
        assert_int_equal(msg_codec_next_frame(&frames, &kind, &any), CONCLAVE_OK);
        assert_int_equal(msg_run_accept(&in, &any.MSG_ANY_RUN, &ada, DAN, 1, &w.side[DAN].mail, &w.side[DAN].mail_sec, 1), CONCLAVE_OK);
        assert_int_equal(msg_codec_decode(frames, &kind, &any), CONCLAVE_OK);
        assert_int_equal(msg_envelope_open(&in, &batch, &any.MSG_ANY_SEALED), CONCLAVE_OK);
        assert_int_equal(msg_codec_decode(msg_span_of_buf(&batch), &kind, &any), CONCLAVE_OK);
        assert_int_equal(kind, MSG_ROOM_KEY);
        assert_true(any.MSG_ANY_ROOM_KEY.counter > logged_frame(0).counter);
        dan.number++;
    }
    assert_true(dan.number > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_frame_in_the_name_of_another_is_not_shown),
        TEST(frames_again_and_in_another_order_are_shown_once_and_in_theirs),
        TEST(what_is_left_out_is_told_as_a_gap),
        TEST(a_frame_of_another_room_is_passed_over),
        TEST(who_went_is_not_shown_though_the_front_passes_it_on),
        TEST(another_roster_behind_an_epoch_is_told_once),
        TEST(two_versions_of_a_message_are_told),
        TEST(a_tip_that_is_not_of_the_chain_that_came_is_told),
        TEST(a_tip_in_the_name_of_another_makes_nobody_read),
        TEST(many_tips_do_not_put_off_what_is_to_be_read),
        TEST(a_receipt_in_the_name_of_another_ticks_nothing),
        TEST(a_stranger_s_keys_are_not_kept),
        TEST(a_member_s_many_keys_push_out_nobody_else_s),
        TEST(nobody_hands_on_a_key_where_there_is_no_history),
        TEST(a_wrong_key_from_a_member_keeps_nobody_from_reading),
        TEST(keys_that_a_member_makes_up_for_another_are_not_kept),
        TEST(a_box_with_another_id_than_was_signed_is_not_shown),
        TEST(what_no_key_opens_is_asked_for_a_few_times_and_told_as_a_gap),
        TEST(who_is_no_member_is_answered_nothing),
        TEST(who_joined_later_is_not_answered_what_was_said_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

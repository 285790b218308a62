/* Frames of a member that are signed and open, and do not hold all the same:
 * what is in them, what they follow, and which key they are under. */
#include "tests/peer/room_rogue.h"

static uint8_t at[4096];
static struct rogue cat;

/* Cat's next frame would be of number cat.number + 1; Bob has her key. */
static void
friends(void)
{
    create(ADA, 0);
    join(BOB);
    join(CAT);
    cat = rogue(CAT);
    hand(CAT, BOB, CAT, 1, &cat.key);
    log_frame(CAT, rogue_frame(&cat, "one", at));
    assert_shown(BOB, "cat: one|");
}

static const struct msg_head none;

static struct msg_say
word(const char *text)
{
    struct msg_say say = {.text = msg_text(text)};
    msg_keys_random(&say.id, sizeof say.id);
    return say;
}

/* Of what cat says from number `first` on, after prev. */
static struct msg_room_frame
header(uint64_t first, const struct msg_head *prev, const struct msg_say *says, size_t count)
{
    struct msg_room_frame frame = {.room = w.room.id, .epoch = w.room.epoch, .epoch_head = w.room.epoch_head, .account = CAT, .device = 1,
                                   .incarnation = UINT64_C(1) << 50, .salt = 7, .first = first, .count = count, .prev = *prev};
    struct msg_place place = msg_chain_begins_frame(&frame);
    for (size_t i = 0; i < count; i++)
        (void)msg_chain_take(&place, &says[i]);
    frame.head = place.prev;
    return frame;
}

/* Cat posts these, under that header, in her name and by her key. */
static void
posts(struct msg_room_frame frame, const struct msg_say *says, size_t count)
{
    uint8_t inside[2048];
    struct msg_buf out = {at, 0, sizeof at}, batch = {inside, 0, sizeof inside};
    for (size_t i = 0; i < count; i++)
        assert_int_equal(msg_codec_encode(&batch, MSG_SAY, &says[i]), CONCLAVE_OK);
    assert_int_equal(msg_roomkey_seal(&cat.at, &out, &frame, msg_span_of_buf(&batch), &w.side[CAT].id.sign_sec), CONCLAVE_OK);
    log_frame(CAT, msg_span_of_buf(&out));
}

/* ---- what is in it ---- */

static void
what_is_not_what_was_signed_is_not_shown(void **state)
{
    (void)state;
    friends();
    const struct msg_say say = word("two");
    struct msg_room_frame frame = header(2, &cat.head, &say, 1);
    frame.head.at[0] ^= 1;
    posts(frame, &say, 1);
    assert_shown(BOB, "cat: one|");
}

static void
what_begins_elsewhere_than_was_signed_is_not_shown(void **state)
{
    (void)state;
    friends();
    const struct msg_say say = word("two");
    struct msg_room_frame frame = header(2, &none, &say, 1);
    frame.prev = cat.head;
    posts(frame, &say, 1);
    assert_shown(BOB, "cat: one|");
}

static void
fewer_or_more_than_it_says_are_not_shown(void **state)
{
    (void)state;
    friends();
    const struct msg_say says[2] = {word("two"), word("three")};
    struct msg_room_frame frame = header(2, &cat.head, says, 1);
    frame.count = 2;
    posts(frame, says, 1);
    assert_shown(BOB, "cat: one|");
    posts(header(2, &cat.head, says, 1), says, 2);
    assert_shown(BOB, "cat: one|");
}

/* ---- what it follows ---- */

static void
what_does_not_follow_what_came_is_told(void **state)
{
    (void)state;
    friends();
    const struct msg_head other = {{9}};
    const struct msg_say say = word("two");
    assert_int_equal(notices(BOB, "different things"), 0);
    posts(header(2, &other, &say, 1), &say, 1);
    assert_int_equal(notices(BOB, "different things"), 1);
}

static void
of_a_frame_that_came_in_part_the_rest_is_shown(void **state)
{
    (void)state;
    friends();
    const struct msg_say says[2] = {word("one again"), word("two")};
    posts(header(1, &none, says, 2), says, 2);
    assert_shown(BOB, "cat: one|cat: two|");
}

/* Its disk is an older copy: it says what it had forgotten, and new things. */
static void
what_an_older_copy_says_again_is_not_shown_again(void **state)
{
    (void)state;
    friends();
    const struct msg_say says[2] = {word("hello"), word("you")};
    struct msg_room_frame frame = header(1, &none, says, 2);
    frame.incarnation++;
    frame.from_incarnation = UINT64_C(1) << 50;
    frame.from_number = 1;
    posts(frame, says, 2);
    assert_shown(BOB, "cat: one|cat: hello|cat: you|");
    frame.incarnation++; /* which knows of nothing before it */
    frame.salt = 8;
    frame.from_incarnation = frame.from_number = 0;
    posts(frame, says, 2);
    assert_shown(BOB, "cat: one|cat: hello|cat: you|");
}

/* The same number of starts, and other random bits: it does not know yet. */
static void
what_an_older_copy_says_in_a_life_that_was_is_not_taken_for_its_chain(void **state)
{
    (void)state;
    friends();
    const struct msg_say say = word("two");
    struct msg_room_frame frame = header(2, &cat.head, &say, 1);
    frame.salt = 8;
    posts(frame, &say, 1);
    assert_shown(BOB, "cat: one|");
}

static void
what_was_said_in_an_earlier_life_is_not_shown_again(void **state)
{
    (void)state;
    create(ADA, 0);
    join(BOB);
    say(ADA, "before");
    restart(ADA);
    say(ADA, "after");
    restart(ADA);
    say(ADA, "and again");
    assert_shown(BOB, "ada: before|ada: after|ada: and again|");
    log_frame(ADA, msg_span(w.log[0].frame.at, w.log[0].frame.len));
    log_frame(ADA, msg_span(w.log[1].frame.at, w.log[1].frame.len));
    say(ADA, "on");
    assert_shown(BOB, "ada: before|ada: after|ada: and again|ada: on|");
    assert_int_equal(count(BOB, MSG_TELL_GAP), 0);
}

/* ---- under which key ---- */

/* Bob has not got her key; what she said first is in the log no longer when he gets it. */
static void
what_went_from_the_log_before_its_key_came_is_told(void **state)
{
    (void)state;
    create(ADA, 0);
    join(BOB);
    join(CAT);
    cat = rogue(CAT);
    log_frame(CAT, rogue_frame(&cat, "one", at));
    log_frame(CAT, rogue_frame(&cat, "two", at));
    disconnect(BOB);
    log_frame(CAT, rogue_frame(&cat, "three", at));
    for (int i = 0; i < 2; i++) {
        free(w.log[0].frame.at);
        memmove(&w.log[0], &w.log[1], --w.log_count * sizeof w.log[0]);
    }
    connect(BOB);
    assert_shown(BOB, "");
    hand(CAT, BOB, CAT, 1, &cat.key);
    assert_shown(BOB, "cat: three|");
    const struct msg_tell_gap *gap = &told(BOB, MSG_TELL_GAP, 0)->MSG_ANY_TELL_GAP;
    assert_int_equal(count(BOB, MSG_TELL_GAP), 1);
    assert_int_equal(gap->first, 1);
    assert_int_equal(gap->last, 2);
    log_frame(CAT, rogue_frame(&cat, "four", at));
    assert_shown(BOB, "cat: three|cat: four|");
    assert_int_equal(count(BOB, MSG_TELL_GAP), 1);
}

static void
a_key_serves_in_its_epoch_alone(void **state)
{
    (void)state;
    friends();
    join(DAN);
    act(ADA, MSG_ACT_KICK, DAN);
    assert_int_equal(w.room.epoch, 2);
    const struct msg_say say = word("dan can read this");
    posts(header(2, &cat.head, &say, 1), &say, 1);
    assert_shown(BOB, "cat: one|");
}

/* ---- more than the disk takes ---- */

static void
a_disk_that_does_not_keep_up_is_waited_for(void **state)
{
    (void)state;
    static char text[40001];
    create(ADA, 0);
    join(BOB);
    say(ADA, "hello");
    memset(text, 'x', sizeof text - 1);
    w.side[BOB].lazy = true;
    for (int i = 0; i < 200; i++)
        say(ADA, text);
    assert_int_equal(count(BOB, MSG_TELL_MESSAGE), 1);
    w.side[BOB].lazy = false;
    run(60000);
    assert_int_equal(count(BOB, MSG_TELL_MESSAGE), 201);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_begins_elsewhere_than_was_signed_is_not_shown),
        TEST(what_is_not_what_was_signed_is_not_shown),
        TEST(fewer_or_more_than_it_says_are_not_shown),
        TEST(what_does_not_follow_what_came_is_told),
        TEST(of_a_frame_that_came_in_part_the_rest_is_shown),
        TEST(what_an_older_copy_says_again_is_not_shown_again),
        TEST(what_an_older_copy_says_in_a_life_that_was_is_not_taken_for_its_chain),
        TEST(what_was_said_in_an_earlier_life_is_not_shown_again),
        TEST(what_went_from_the_log_before_its_key_came_is_told),
        TEST(a_key_serves_in_its_epoch_alone),
        TEST(a_disk_that_does_not_keep_up_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Sender keys: who is handed them, who asks for them, and what cannot be read;
 * chains that do not hold. */
#include "msg/roomkey.h"
#include "tests/peer/room_rogue.h"

static void
friends(uint64_t flags)
{
    create(ADA, flags);
    join(BOB);
    join(CAT);
}

/* Mail that waits for somebody is lost. */
static void
lose_mail(uint64_t who)
{
    while (w.side[who].box_count > 0)
        free(w.side[who].box[--w.side[who].box_count].frames.at);
}

static const struct msg_room_frame *
logged(size_t n)
{
    static union msg_any any;
    enum msg_kind kind;
    assert_int_equal(msg_codec_decode(msg_span(w.log[n].frame.at, w.log[n].frame.len), &kind, &any), CONCLAVE_OK);
    return &any.MSG_ANY_ROOM_FRAME;
}

/* ---- handing ---- */

static void
a_new_epoch_has_a_new_key_and_who_went_is_not_handed_it(void **state)
{
    (void)state;
    friends(0);
    say(ADA, "one");
    const struct msg_tag before = logged(0)->key;
    act(ADA, MSG_ACT_KICK, CAT);
    const size_t mail = w.side[CAT].heard[MSG_MAIL];
    say(ADA, "two");
    assert_int_equal(logged(1)->epoch, 2);
    assert_int_equal(logged(1)->counter, 0);
    assert_memory_not_equal(&logged(1)->key, &before, sizeof before);
    assert_int_equal(w.side[CAT].heard[MSG_MAIL], mail);
    assert_shown(BOB, "ada: one|ada: two|");
}

static void
who_joins_is_handed_the_present_state_of_the_key(void **state)
{
    (void)state;
    friends(0);
    say(ADA, "one");
    say(ADA, "two");
    const struct msg_tag key = logged(0)->key;
    join(DAN);
    const uint64_t serial = w.serial;
    say(ADA, "three");
    assert_memory_equal(&logged(2)->key, &key, sizeof key);
    assert_int_equal(logged(2)->counter, 2);
    assert_int_equal(w.serial, serial + 1); /* a parcel for Dan alone */
    assert_shown(DAN, "ada: three|");
}

static void
a_key_lasts_a_day(void **state)
{
    (void)state;
    friends(0);
    say(ADA, "one");
    const struct msg_tag before = logged(0)->key;
    run(25ull * 3600 * 1000);
    say(ADA, "two");
    assert_memory_not_equal(&logged(1)->key, &before, sizeof before);
    assert_shown(BOB, "ada: one|ada: two|");
}

static void
who_went_is_not_handed_it_though_the_front_names_them(void **state)
{
    (void)state;
    friends(0);
    act(ADA, MSG_ACT_KICK, CAT);
    w.parts[CAT].role = MSG_ROLE_MEMBER; /* as the front has it */
    disconnect(CAT);
    const size_t before = w.side[CAT].box_count;
    say(ADA, "alone");
    assert_shown(BOB, "ada: alone|");
    assert_int_equal(w.side[CAT].box_count, before);
}

static void
a_full_mailbox_holds_nobody_else_up(void **state)
{
    (void)state;
    friends(0);
    w.full = CAT;
    say(ADA, "hello");
    assert_shown(BOB, "ada: hello|");
    w.full = 0;
    run(120000);
    assert_shown(CAT, "ada: hello|"); /* she asked for it */
}

/* ---- asking ---- */

static void
a_key_that_is_missing_is_asked_for(void **state)
{
    (void)state;
    friends(0);
    kill_core(CAT);
    say(ADA, "one");
    say(BOB, "two");
    lose_mail(CAT);
    start(CAT);
    assert_shown(CAT, "");
    run(10000);
    assert_shown(CAT, "ada: one|bob: two|");
}

static void
it_is_asked_for_when_its_owner_is_back_and_after_a_restart(void **state)
{
    (void)state;
    friends(0);
    kill_core(CAT);
    say(ADA, "one");
    say(BOB, "two");
    lose_mail(CAT);
    kill_core(ADA);
    start(CAT);
    run(10000);
    assert_shown(CAT, "bob: two|"); /* the others go on */
    restart(CAT);
    run(10000);
    start(ADA);
    run(60000);
    assert_shown(CAT, "bob: two|ada: one|");
}

static void
who_was_there_before_is_told_keys_from_then(void **state)
{
    (void)state;
    friends(0);
    join(DAN);
    kill_core(CAT);
    act(ADA, MSG_ACT_KICK, DAN); /* an epoch that Cat does not know of yet */
    say(ADA, "one");
    act(ADA, MSG_ACT_TOPIC, 0);
    join(DAN);
    act(ADA, MSG_ACT_KICK, DAN);
    say(ADA, "two");
    lose_mail(CAT);
    start(CAT);
    run(20000);
    assert_shown(CAT, "ada: one|ada: two|");
}

/* Its epoch began before Cat came. */
static void
who_was_there_when_a_key_was_made_is_told_it_when_it_is_over(void **state)
{
    (void)state;
    friends(0);
    join(DAN);
    kill_core(CAT);
    say(ADA, "one");
    act(ADA, MSG_ACT_KICK, DAN);
    say(ADA, "two");
    lose_mail(CAT);
    restart(ADA);
    start(CAT);
    run(60000);
    assert_shown(CAT, "ada: one|ada: two|");
}

/* The n-th gap that was told, of what Ada said. */
static void
assert_gap(uint64_t who, size_t n, uint64_t first, uint64_t last)
{
    const struct msg_tell_gap *gap = &told(who, MSG_TELL_GAP, n)->MSG_ANY_TELL_GAP;
    assert_true(msg_text_equal(gap->from, msg_text("ada")));
    assert_int_equal(gap->first, first);
    assert_int_equal(gap->last, last);
}

/* It was handed a later state, which is gone. */
static void
who_came_when_a_key_was_made_is_not_told_its_first_state(void **state)
{
    (void)state;
    friends(0);
    join(DAN);
    say(ADA, "one");
    act(ADA, MSG_ACT_KICK, CAT);
    say(ADA, "two");
    join(CAT);
    kill_core(CAT);
    say(ADA, "three");
    act(ADA, MSG_ACT_KICK, DAN);
    say(ADA, "four");
    lose_mail(CAT);
    start(CAT);
    run(600000);
    assert_shown(CAT, "ada: one|ada: four|");
    assert_int_equal(count(CAT, MSG_TELL_GAP), 1);
    assert_gap(CAT, 0, 3, 3);
}

/* Nothing of Ada's has come before: Dan is not told less for that. */
static void
who_joined_and_was_not_handed_a_key_that_is_over_is_told_a_gap(void **state)
{
    (void)state;
    friends(0);
    say(ADA, "one");
    w.full = DAN;
    join(DAN);
    say(ADA, "two");
    say(ADA, "three");
    act(ADA, MSG_ACT_KICK, CAT);
    w.full = 0;
    say(ADA, "four");
    run(600000);
    assert_shown(DAN, "ada: four|");
    assert_int_equal(count(DAN, MSG_TELL_GAP), 2);
    assert_gap(DAN, 0, 2, 2);
    assert_gap(DAN, 1, 3, 3);
}

/* What was said before they were known to be there was not for them. */
static void
who_joins_is_told_no_gap_of_what_was_before(void **state)
{
    (void)state;
    friends(0);
    say(ADA, "one");
    w.side[ADA].deaf = true; /* and does not hear who joins */
    join(DAN);
    say(ADA, "two");
    w.side[ADA].deaf = false;
    restart(ADA);
    say(ADA, "three");
    run(600000);
    assert_shown(DAN, "ada: three|");
    assert_int_equal(count(DAN, MSG_TELL_GAP), 0);
}

static void
history_is_handed_on_by_others(void **state)
{
    (void)state;
    friends(MSG_ROOM_HISTORY);
    say(ADA, "one");
    say(BOB, "two");
    kill_core(ADA);
    join(DAN);
    run(60000);
    assert_shown(DAN, "ada: one|bob: two|"); /* Ada's key was handed on by another */
}

static void
without_history_nobody_hands_on_the_key_of_another(void **state)
{
    (void)state;
    friends(0);
    kill_core(CAT);
    say(ADA, "one");
    lose_mail(CAT);
    kill_core(ADA);
    start(CAT);
    run(60000);
    assert_shown(CAT, "");
}

static size_t
keys_on_disk(uint64_t who)
{
    size_t count = 0;
    for (size_t i = 0; i < w.side[who].record_count; i++)
        count += w.side[who].records[i].table == PEER_TABLE_ROOM_KEYS;
    return count;
}

static void
days_pass(uint64_t days)
{
    w.now.mono_ms += days * 24 * 3600 * 1000;
    w.now.wall_ms += days * 24 * 3600 * 1000;
    run(3600 * 1000);
}

static void
who_only_listens_forgets_keys_that_no_log_has_frames_of(void **state)
{
    (void)state;
    friends(0);
    say(ADA, "one");
    assert_shown(BOB, "ada: one|");
    assert_int_equal(keys_on_disk(BOB), 1);
    days_pass(31); /* one for a day, thirty in the log */
    assert_int_equal(keys_on_disk(BOB), 1);
    days_pass(2);
    assert_int_equal(keys_on_disk(BOB), 0);
}

/* ---- frames that do not hold ---- */

/* The registry shows a frame of Ada's with something changed. */
static void
show_changed(size_t n, void (*change)(struct msg_room_frame *frame), bool signs)
{
    static uint8_t at[MSG_FRAME_MAX];
    struct msg_buf buf = {at, 0, sizeof at};
    struct msg_room_frame frame = *logged(n);
    uint8_t box[1024];
    assert_true(frame.box.len <= sizeof box);
    memcpy(box, frame.box.at, frame.box.len);
    frame.box.at = box;
    change(&frame);
    if (signs) { /* by Ada herself: her key is as good as any */
        struct msg_roomkey key = {.tag = frame.key, .counter = frame.counter};
        assert_int_equal(msg_roomkey_seal(&key, &buf, &frame, msg_span(box, 40), &w.side[ADA].id.sign_sec), CONCLAVE_OK);
    } else
        assert_int_equal(msg_codec_encode(&buf, MSG_ROOM_FRAME, &frame), CONCLAVE_OK);
    front_cast(ADA, ++w.offset, msg_span_of_buf(&buf));
    run(100);
}

static void
another_head(struct msg_room_frame *frame)
{
    frame->head.at[0] ^= 1;
}

static void
another_text(struct msg_room_frame *frame)
{
    ((uint8_t *)(uintptr_t)frame->box.at)[3] ^= 1;
    frame->first++;
}

static void
who_tells_members_different_things_is_found_out(void **state)
{
    (void)state;
    friends(0);
    say(ADA, "one");
    show_changed(0, another_head, false); /* not signed by her: nothing is believed */
    assert_int_equal(count(BOB, MSG_TELL_NOTICE), 0);
    show_changed(0, another_head, true);
    show_changed(0, another_head, true);
    assert_int_equal(count(BOB, MSG_TELL_NOTICE), 1);
    assert_shown(BOB, "ada: one|");
}

static void
a_frame_that_was_changed_is_not_taken(void **state)
{
    (void)state;
    friends(0);
    say(ADA, "one");
    show_changed(0, another_text, false);
    say(ADA, "two");
    assert_shown(BOB, "ada: one|ada: two|");
    assert_int_equal(count(BOB, MSG_TELL_GAP), 0);
}

static void
what_the_log_lost_is_told_as_a_gap(void **state)
{
    (void)state;
    friends(0);
    say(ADA, "one");
    disconnect(BOB);
    say(ADA, "two");
    say(ADA, "three");
    say(ADA, "four");
    for (int i = 0; i < 2; i++) { /* retention */
        free(w.log[1].frame.at);
        memmove(&w.log[1], &w.log[2], (--w.log_count - 1) * sizeof w.log[0]);
    }
    connect(BOB);
    assert_shown(BOB, "ada: one|ada: four|");
    const struct msg_tell_gap *gap = &told(BOB, MSG_TELL_GAP, 0)->MSG_ANY_TELL_GAP;
    assert_int_equal(gap->first, 2);
    assert_int_equal(gap->last, 3);
}

static void
somebody_who_is_no_member_is_not_heard(void **state)
{
    (void)state;
    friends(0);
    say(CAT, "one");
    act(ADA, MSG_ACT_KICK, CAT);
    struct msg_room_frame frame = *logged(0);
    frame.epoch = 2; /* when she was out */
    frame.epoch_head = w.room.epoch_head;
    frame.first = 2;
    static uint8_t at[MSG_FRAME_MAX];
    struct msg_buf buf = {at, 0, sizeof at};
    struct msg_roomkey key = {.tag = frame.key, .counter = 1};
    assert_int_equal(msg_roomkey_seal(&key, &buf, &frame, msg_span(at, 40), &w.side[CAT].id.sign_sec), CONCLAVE_OK);
    front_cast(CAT, ++w.offset, msg_span_of_buf(&buf));
    run(10000);
    assert_shown(BOB, "cat: one|");
}

/* The core does all that it can at once, and the front answers so many of its questions. */
static void
wake(uint64_t who, size_t answers)
{
    world_feed(who, &(struct msg_event){.kind = EVENT_WAKE});
    for (; answers > 0 && w.inbox_done < w.inbox_count; answers--) {
        const struct bytes bytes = w.inbox[w.inbox_done].bytes;
        const uint64_t from = w.inbox[w.inbox_done++].from;
        front_hear(from, msg_span(bytes.at, bytes.len));
        free(bytes.at);
    }
    world_commit(who);
}

/* What came after a frame without its key was passed over until now, and is
 * read a second time: not only if nothing happens in between. */
static void
what_was_passed_over_while_a_key_was_missing_is_read_after_a_crash(void **state)
{
    (void)state;
    static uint8_t at[4096];
    friends(0);
    struct rogue cat = rogue(CAT);
    const struct msg_roomkey key = cat.key;
    log_frame(CAT, rogue_frame(&cat, "one", at));
    log_frame(CAT, rogue_frame(&cat, "two", at));
    say(ADA, "three");
    assert_shown(BOB, "ada: three|");
    w.page = 1;
    const size_t pages = w.side[BOB].heard[MSG_ROOM_LOG];
    const struct msg_room_key given = {w.room.id, 1, CAT, 1, key.tag, key.counter, key.chain};
    letter(CAT, BOB, MSG_ROOM_KEY, &given);
    for (int i = 0; i < 100 && w.side[BOB].heard[MSG_ROOM_LOG] == pages; i++) {
        w.now.mono_ms += 10;
        wake(BOB, 1);
    }
    assert_int_equal(w.side[BOB].heard[MSG_ROOM_LOG], pages + 1); /* the first of them, and no more */
    assert_shown(BOB, "ada: three|cat: one|");
    while (w.inbox_done < w.inbox_count)
        free(w.inbox[w.inbox_done++].bytes.at);
    w.inbox_done = w.inbox_count = 0;
    restart(BOB);
    run(2000);
    assert_shown(BOB, "ada: three|cat: one|cat: two|");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_epoch_has_a_new_key_and_who_went_is_not_handed_it),
        TEST(who_joins_is_handed_the_present_state_of_the_key),
        TEST(a_key_lasts_a_day),
        TEST(who_went_is_not_handed_it_though_the_front_names_them),
        TEST(a_full_mailbox_holds_nobody_else_up),
        TEST(a_key_that_is_missing_is_asked_for),
        TEST(it_is_asked_for_when_its_owner_is_back_and_after_a_restart),
        TEST(what_was_passed_over_while_a_key_was_missing_is_read_after_a_crash),
        TEST(who_was_there_before_is_told_keys_from_then),
        TEST(who_only_listens_forgets_keys_that_no_log_has_frames_of),
        TEST(who_was_there_when_a_key_was_made_is_told_it_when_it_is_over),
        TEST(who_came_when_a_key_was_made_is_not_told_its_first_state),
        TEST(who_joined_and_was_not_handed_a_key_that_is_over_is_told_a_gap),
        TEST(who_joins_is_told_no_gap_of_what_was_before),
        TEST(history_is_handed_on_by_others),
        TEST(without_history_nobody_hands_on_the_key_of_another),
        TEST(who_tells_members_different_things_is_found_out),
        TEST(a_frame_that_was_changed_is_not_taken),
        TEST(what_the_log_lost_is_told_as_a_gap),
        TEST(somebody_who_is_no_member_is_not_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

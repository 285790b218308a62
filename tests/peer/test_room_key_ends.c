/* How long a sender key lasts, that none of its states serves twice, and when
 * those of others are forgotten. */
#include "msg/roomkey.h"
#include "tests/peer/room_people.h"

static void
friends(void)
{
    create(ADA, 0);
    join(BOB);
    join(CAT);
}

static const struct msg_room_frame *
logged(size_t n)
{
    static union msg_any any;
    enum msg_kind kind;
    assert_int_equal(msg_codec_decode(msg_span(w.log[n].frame.at, w.log[n].frame.len), &kind, &any), CONCLAVE_OK);
    return &any.MSG_ANY_ROOM_FRAME;
}

static void
a_key_is_used_once_it_is_on_disk(void **state)
{
    (void)state;
    friends();
    w.side[ADA].lazy = true;
    say(ADA, "hello");
    run(5000);
    assert_int_equal(w.log_count, 0);
    w.side[ADA].lazy = false;
    run(1000);
    assert_shown(BOB, "ada: hello|");
}

static void
no_state_of_a_key_is_used_twice_whatever_happens(void **state)
{
    (void)state;
    friends();
    for (unsigned n = 0; n < 150; n++) {
        if (n == 3 || n == 100)
            restart(ADA);
        say(ADA, "again");
    }
    assert_int_equal(w.log_count, 150);
    for (size_t i = 0; i < w.log_count; i++)
        for (size_t j = 0; j < i; j++) {
            const struct msg_tag key = logged(i)->key;
            const uint64_t counter = logged(i)->counter;
            assert_false(memcmp(&key, &logged(j)->key, sizeof key) == 0 && counter == logged(j)->counter);
        }
}

static void
a_key_lasts_ten_thousand_frames(void **state)
{
    (void)state;
    friends();
    say(ADA, "one");
    const struct msg_tag before = logged(0)->key;
    for (size_t i = 0; i < w.side[ADA].record_count; i++) { /* as if she had said so much */
        struct bytes *const bytes = &w.side[ADA].records[i].bytes;
        union msg_any any;
        enum msg_kind kind;
        if (w.side[ADA].records[i].table != PEER_TABLE_ROOM_KEYS)
            continue;
        assert_int_equal(msg_codec_decode(msg_span(bytes->at, bytes->len), &kind, &any), CONCLAVE_OK);
        struct msg_rec_room_key record = any.MSG_ANY_REC_ROOM_KEY;
        record.used = MSG_ROOMKEY_FRAMES - 2;
        struct msg_buf buf = {malloc(512), 0, 512};
        assert_int_equal(msg_codec_encode(&buf, MSG_REC_ROOM_KEY, &record), CONCLAVE_OK);
        free(bytes->at);
        *bytes = (struct bytes){buf.len, buf.at};
    }
    restart(ADA);
    say(ADA, "two");
    assert_memory_equal(&logged(1)->key, &before, sizeof before);
    assert_int_equal(logged(1)->counter, MSG_ROOMKEY_FRAMES - 2);
    say(ADA, "three");
    say(ADA, "four");
    assert_memory_not_equal(&logged(3)->key, &before, sizeof before);
    assert_shown(BOB, "ada: one|ada: two|ada: three|ada: four|");
}

static void
a_key_of_a_time_to_come_is_not_used(void **state)
{
    (void)state;
    friends();
    say(ADA, "one");
    const struct msg_tag before = logged(0)->key;
    w.now.wall_ms -= 3 * 24 * 3600 * 1000ull; /* her clock was wrong */
    say(ADA, "two");
    assert_memory_not_equal(&logged(1)->key, &before, sizeof before);
}

/* ---- keys of others ---- */

/* Keys that `owner` made, on the disk of `who`. */
static size_t
keys(uint64_t who, uint64_t owner)
{
    size_t n = 0;
    for (size_t i = 0; i < w.side[who].record_count; i++) {
        const struct bytes bytes = w.side[who].records[i].bytes;
        union msg_any any;
        enum msg_kind kind;
        if (w.side[who].records[i].table != PEER_TABLE_ROOM_KEYS)
            continue;
        assert_int_equal(msg_codec_decode(msg_span(bytes.at, bytes.len), &kind, &any), CONCLAVE_OK);
        n += any.MSG_ANY_REC_ROOM_KEY.account == owner;
    }
    return n;
}

/* So many epochs, in each of which Ada and Bob say something. */
static void
epochs(unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        join(DAN);
        act(DAN, MSG_ACT_LEAVE, DAN);
        say(ADA, "a");
        say(BOB, "b");
    }
}

static void
what_nothing_unread_is_sealed_with_is_forgotten(void **state)
{
    (void)state;
    friends();
    epochs(6);
    assert_shown(CAT, "ada: a|bob: b|ada: a|bob: b|ada: a|bob: b|ada: a|bob: b|ada: a|bob: b|ada: a|bob: b|");
    assert_in_range(keys(CAT, ADA), 1, 2);
    assert_in_range(keys(CAT, BOB), 1, 2);
    assert_int_equal(keys(ADA, ADA), 6); /* she is asked for hers */
    restart(CAT);
    assert_int_equal(keys(CAT, ADA), 1);
    assert_int_equal(keys(CAT, BOB), 1);
    say(ADA, "c");
    assert_int_equal(count(CAT, MSG_TELL_MESSAGE), 13);
}

static void
in_a_room_with_history_it_is_kept_for_others(void **state)
{
    (void)state;
    create(ADA, MSG_ROOM_HISTORY);
    join(BOB);
    join(CAT);
    epochs(6);
    restart(CAT);
    assert_int_equal(keys(CAT, ADA), 6);
}

static void
what_waits_keeps_the_keys_of_its_sender(void **state)
{
    (void)state;
    friends();
    say(ADA, "first");
    kill_core(CAT);
    epochs(1);
    while (w.side[CAT].box_count > 0) /* the keys of this epoch are lost on their way */
        free(w.side[CAT].box[--w.side[CAT].box_count].frames.at);
    epochs(4);
    kill_core(ADA);
    start(CAT);
    run(20000);
    assert_shown(CAT, "ada: first|bob: b|bob: b|bob: b|bob: b|bob: b|");
    assert_int_equal(keys(CAT, ADA), 5); /* hers wait behind the one that is missing */
    assert_in_range(keys(CAT, BOB), 1, 2);
    start(ADA);
    run(60000);
    assert_shown(CAT, "ada: first|bob: b|bob: b|bob: b|bob: b|bob: b|ada: a|ada: a|ada: a|ada: a|ada: a|");
    assert_in_range(keys(CAT, ADA), 1, 2);
}

static void
the_last_one_of_who_is_silent_is_kept(void **state)
{
    (void)state;
    friends();
    say(CAT, "meow");
    epochs(6);
    restart(BOB);
    assert_int_equal(keys(BOB, CAT), 1);
    assert_int_equal(keys(BOB, ADA), 1);
}

static void
what_is_not_read_yet_is_kept_with_its_keys(void **state)
{
    (void)state;
    friends();
    kill_core(CAT);
    epochs(6);
    start(CAT);
    run(5000);
    assert_shown(CAT, "ada: a|bob: b|ada: a|bob: b|ada: a|bob: b|ada: a|bob: b|ada: a|bob: b|ada: a|bob: b|");
    assert_in_range(keys(CAT, ADA), 1, 2);
}

/* The n-th frame of the log, to Cat alone. */
static void
cast_to_cat(size_t n)
{
    for (uint64_t who = ADA; who < PEOPLE; who++)
        w.side[who].live = who == CAT;
    front_cast(ADA, w.log[n].offset, msg_span(w.log[n].frame.at, w.log[n].frame.len));
    run(100);
}

static void
what_is_still_to_come_is_kept_with_its_key_though_the_epoch_is_over(void **state)
{
    (void)state;
    friends();
    join(DAN);
    w.side[CAT].live = false; /* and does not know: what is cast to her is late */
    say(ADA, "one");
    say(ADA, "two");
    act(DAN, MSG_ACT_LEAVE, DAN);
    say(ADA, "three");
    assert_shown(CAT, "");
    assert_int_equal(keys(CAT, ADA), 2);
    kill_core(ADA); /* nobody can be asked */
    cast_to_cat(0);
    assert_int_equal(keys(CAT, ADA), 2);
    cast_to_cat(1);
    cast_to_cat(2);
    assert_shown(CAT, "ada: one|ada: two|ada: three|");
    assert_int_equal(keys(CAT, ADA), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_is_used_once_it_is_on_disk),
        TEST(no_state_of_a_key_is_used_twice_whatever_happens),
        TEST(a_key_lasts_ten_thousand_frames),
        TEST(a_key_of_a_time_to_come_is_not_used),
        TEST(what_nothing_unread_is_sealed_with_is_forgotten),
        TEST(in_a_room_with_history_it_is_kept_for_others),
        TEST(what_waits_keeps_the_keys_of_its_sender),
        TEST(the_last_one_of_who_is_silent_is_kept),
        TEST(what_is_not_read_yet_is_kept_with_its_keys),
        TEST(what_is_still_to_come_is_kept_with_its_key_though_the_epoch_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

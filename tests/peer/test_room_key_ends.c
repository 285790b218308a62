/* How long a sender key lasts, and that none of its states serves twice. */
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_is_used_once_it_is_on_disk),
        TEST(no_state_of_a_key_is_used_twice_whatever_happens),
        TEST(a_key_lasts_ten_thousand_frames),
        TEST(a_key_of_a_time_to_come_is_not_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

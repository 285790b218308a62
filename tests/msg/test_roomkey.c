/* Proves msg/roomkey.c: a frame opens for whoever has the key at its step or
 * before, as it was sealed, by whom it says, and not otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "msg/codec.h"
#include "msg/roomkey.h"

static struct msg_sign_pub pub;
static struct msg_sign_sec sec;
static uint8_t store[MSG_FRAME_MAX];
static uint8_t opened_at[MSG_BATCH_MAX];

static struct msg_span
text(const char *z)
{
    return msg_span(z, strlen(z));
}

/* The frame as it travels; points into store until the next call. */
static struct msg_room_frame
seal(struct msg_roomkey *key, struct msg_span batch)
{
    struct msg_buf out = {store, 0, sizeof store};
    struct msg_room_frame frame = {.epoch = 300, .account = 7, .device = 2, .incarnation = 70000, .first = 1, .count = 3};
    enum msg_kind kind;
    union msg_any any;
    assert_int_equal(msg_roomkey_seal(key, &out, &frame, batch, &sec), CONCLAVE_OK);
    assert_int_equal(msg_codec_decode(msg_span_of_buf(&out), &kind, &any), CONCLAVE_OK);
    assert_int_equal(kind, MSG_ROOM_FRAME);
    assert_memory_equal(&any.MSG_ANY_ROOM_FRAME.nonce, &frame.nonce, sizeof frame.nonce);
    return any.MSG_ANY_ROOM_FRAME;
}

static void
opens(struct msg_roomkey *key, const struct msg_room_frame *frame, struct msg_span expected)
{
    struct msg_buf out = {opened_at, 0, sizeof opened_at};
    assert_int_equal(msg_roomkey_open(key, &out, frame), CONCLAVE_OK);
    assert_true(msg_span_equal(msg_span_of_buf(&out), expected));
    assert_int_equal(key->counter, frame->counter + 1);
}

static void
refuses(struct msg_roomkey *key, const struct msg_room_frame *frame, enum conclave_err expected)
{
    struct msg_buf out = {opened_at, 0, sizeof opened_at};
    const struct msg_roomkey before = *key;
    assert_int_equal(msg_roomkey_open(key, &out, frame), expected);
    assert_int_equal(out.len, 0);
    assert_memory_equal(key, &before, sizeof before);
}

static void
frames_open_in_order_and_after_a_gap(void **unused)
{
    (void)unused;
    struct msg_roomkey mine;
    msg_roomkey_new(&mine);
    struct msg_roomkey theirs = mine;
    for (unsigned i = 0; i < 5; i++) {
        const struct msg_room_frame frame = seal(&mine, text("hello"));
        assert_int_equal(frame.counter, i);
        if (i == 1 || i == 2)
            continue; /* never came */
        opens(&theirs, &frame, text("hello"));
    }
}

static void
the_largest_batch_fits_a_frame_and_a_larger_one_does_not(void **unused)
{
    (void)unused;
    static uint8_t large[MSG_BATCH_MAX + 1];
    struct msg_roomkey mine;
    struct msg_buf out = {store, 0, sizeof store};
    struct msg_room_frame frame = {.epoch = 1, .account = 1, .device = 1, .incarnation = 1, .first = 1, .count = 256};
    msg_roomkey_new(&mine);
    struct msg_roomkey theirs = mine;
    const struct msg_room_frame sealed = seal(&mine, msg_span(large, MSG_BATCH_MAX));
    opens(&theirs, &sealed, msg_span(large, MSG_BATCH_MAX));
    assert_int_equal(msg_roomkey_seal(&mine, &out, &frame, msg_span(large, sizeof large), &sec), CONCLAVE_ERR_RANGE);
    assert_int_equal(msg_roomkey_seal(&mine, &out, &frame, msg_span(large, 0), &sec), CONCLAVE_ERR_RANGE);
    assert_int_equal(mine.counter, 1);
}

static void
who_has_a_later_state_opens_nothing_earlier(void **unused)
{
    (void)unused;
    struct msg_roomkey mine;
    msg_roomkey_new(&mine);
    struct msg_roomkey late = mine;
    const struct msg_room_frame frame = seal(&mine, text("before they came"));
    assert_int_equal(msg_roomkey_advance(&late, 1), CONCLAVE_OK);
    refuses(&late, &frame, CONCLAVE_ERR_RANGE);
    assert_int_equal(msg_roomkey_advance(&late, 0), CONCLAVE_ERR_RANGE);
    assert_int_equal(msg_roomkey_advance(&late, 1 + MSG_ROOMKEY_FRAMES + 1), CONCLAVE_ERR_RANGE);
    assert_int_equal(late.counter, 1);
    /* nor does a made-up counter help */
    struct msg_room_frame forged = frame;
    forged.counter = 1;
    refuses(&late, &forged, CONCLAVE_ERR_SEAL);
}

static void
another_key_opens_nothing(void **unused)
{
    (void)unused;
    struct msg_roomkey mine, other;
    msg_roomkey_new(&mine);
    msg_roomkey_new(&other);
    const struct msg_room_frame frame = seal(&mine, text("hello"));
    refuses(&other, &frame, CONCLAVE_ERR_SEAL);
    other.tag = mine.tag;
    refuses(&other, &frame, CONCLAVE_ERR_SEAL);
}

/* Each field of the header, the nonce and the box. */
static void
nothing_can_be_changed(void **unused)
{
    (void)unused;
    struct msg_roomkey mine;
    msg_roomkey_new(&mine);
    struct msg_roomkey theirs = mine;
    const struct msg_room_frame good = seal(&mine, text("hello"));
    struct msg_room_frame bad[13];
    uint8_t box[64];
    for (size_t i = 0; i < 13; i++)
        bad[i] = good;
    bad[0].room.at[3] ^= 1;
    bad[1].epoch++;
    bad[2].epoch_head.at[0] ^= 1;
    bad[3].account++;
    bad[4].device++;
    bad[5].incarnation++;
    bad[6].salt++;
    bad[7].from_incarnation++;
    bad[8].from_number++;
    bad[9].first++;
    bad[10].count++;
    bad[11].head.at[15] ^= 1;
    bad[12].counter++;
    assert_int_equal(msg_roomkey_check(&good, &pub), CONCLAVE_OK);
    for (size_t i = 0; i < 13; i++) {
        assert_int_equal(msg_roomkey_check(&bad[i], &pub), CONCLAVE_ERR_SIGNATURE);
        refuses(&theirs, &bad[i], CONCLAVE_ERR_SEAL);
    }
    struct msg_room_frame frame = good;
    frame.nonce.at[0] ^= 1;
    refuses(&theirs, &frame, CONCLAVE_ERR_SEAL);
    frame = good;
    memcpy(box, good.box.at, good.box.len);
    box[2] ^= 1;
    frame.box.at = box;
    refuses(&theirs, &frame, CONCLAVE_ERR_SEAL);
    opens(&theirs, &good, text("hello"));
}

static void
another_device_is_known_by_its_signature(void **unused)
{
    (void)unused;
    struct msg_sign_pub other;
    struct msg_sign_sec other_sec;
    struct msg_roomkey mine;
    msg_keys_new_sign(&other, &other_sec);
    msg_roomkey_new(&mine);
    const struct msg_room_frame frame = seal(&mine, text("hello"));
    assert_int_equal(msg_roomkey_check(&frame, &pub), CONCLAVE_OK);
    assert_int_equal(msg_roomkey_check(&frame, &other), CONCLAVE_ERR_SIGNATURE);
}

/* A frame and the one that its device said next. */
static void
in_a_row(struct msg_room_frame *frame, struct msg_room_frame *next)
{
    *frame = (struct msg_room_frame){.room = {{1}}, .epoch = 3, .epoch_head = {{2}}, .account = 7, .device = 2, .incarnation = 70000, .salt = 5,
                                     .from_incarnation = 60000, .from_number = 9, .first = 11, .count = 4, .prev = {{3}}, .head = {{4}}, .key = {{6}}, .counter = 20};
    *next = *frame;
    next->first = 15;
    next->count = 2;
    next->prev = frame->head;
    next->head.at[0] = 8;
    next->counter = 21;
}

static void
what_goes_on_from_a_frame_vouches_for_it_and_nothing_else_does(void **unused)
{
    (void)unused;
    struct msg_room_frame frame, next;
    in_a_row(&frame, &next);
    assert_true(msg_roomkey_vouches(&next, &frame));
    assert_false(msg_roomkey_vouches(&frame, &frame));
    assert_false(msg_roomkey_vouches(&frame, &next));
    struct { void *at; size_t len; } fields[] = {
        {&next.room, sizeof next.room}, {&next.epoch, sizeof next.epoch}, {&next.epoch_head, sizeof next.epoch_head}, {&next.account, sizeof next.account},
        {&next.device, sizeof next.device}, {&next.incarnation, sizeof next.incarnation}, {&next.salt, sizeof next.salt},
        {&next.from_incarnation, sizeof next.from_incarnation}, {&next.from_number, sizeof next.from_number}, {&next.first, sizeof next.first},
        {&next.prev, sizeof next.prev}, {&next.key, sizeof next.key}, {&next.counter, sizeof next.counter}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        uint8_t *const last = (uint8_t *)fields[i].at + fields[i].len - 1;
        *last ^= 1;
        assert_false(msg_roomkey_vouches(&next, &frame));
        *last ^= 1;
    }
    assert_true(msg_roomkey_vouches(&next, &frame));
    frame.count++;
    assert_false(msg_roomkey_vouches(&next, &frame));
    frame.count--;
    frame.head.at[15] ^= 1;
    assert_false(msg_roomkey_vouches(&next, &frame));
}

static void
no_room_is_said_and_changes_nothing(void **unused)
{
    (void)unused;
    struct msg_roomkey mine;
    msg_roomkey_new(&mine);
    struct msg_roomkey theirs = mine;
    struct msg_buf small = {store, 0, 100};
    struct msg_room_frame frame = {.epoch = 1, .account = 1, .device = 1, .incarnation = 1, .first = 1, .count = 1};
    assert_int_equal(msg_roomkey_seal(&mine, &small, &frame, text("hello"), &sec), CONCLAVE_ERR_SPACE);
    assert_int_equal(mine.counter, 0);
    const struct msg_room_frame good = seal(&mine, text("hello"));
    struct msg_buf none = {opened_at, 0, 3};
    assert_int_equal(msg_roomkey_open(&theirs, &none, &good), CONCLAVE_ERR_SPACE);
    assert_int_equal(theirs.counter, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_open_in_order_and_after_a_gap),
        cmocka_unit_test(the_largest_batch_fits_a_frame_and_a_larger_one_does_not),
        cmocka_unit_test(who_has_a_later_state_opens_nothing_earlier),
        cmocka_unit_test(another_key_opens_nothing),
        cmocka_unit_test(nothing_can_be_changed),
        cmocka_unit_test(another_device_is_known_by_its_signature),
        cmocka_unit_test(what_goes_on_from_a_frame_vouches_for_it_and_nothing_else_does),
        cmocka_unit_test(no_room_is_said_and_changes_nothing),
    };
    if (msg_keys_init() != CONCLAVE_OK)
        return 1;
    msg_keys_new_sign(&pub, &sec);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

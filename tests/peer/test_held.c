/* Tells that wait for their transaction. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "msg/codec.h"
#include "peer/tables/held.h"
#include "tests/told.h"

static char text[MSG_TEXT_MAX];

static void
put(struct peer_held *held, uint64_t store, uint64_t arrival, size_t len)
{
    const struct msg_tell_message tell = {
        .arrival = arrival, .from = msg_text("ada"), .to = msg_text("bob"), .text = {text, len}};
    peer_held_put(held, store, MSG_TELL_MESSAGE, &tell);
}

/* Releases up to `store`; they must be the arrivals from *next on. Their number. */
static size_t
release(struct peer_held *held, uint64_t store, uint64_t *next)
{
    struct msg_effects effects;
    msg_effects_init(&effects);
    peer_held_release(held, store, &effects);
    const size_t count = effects.count;
    for (size_t i = 0; i < count; i++) {
        union msg_any any;
        enum msg_kind kind;
        assert_int_equal(effects.list[i].kind, EFFECT_TELL);
        assert_int_equal(
            msg_codec_decode(told_frame(msg_effects_bytes(&effects, &effects.list[i])), &kind, &any),
            CONCLAVE_OK);
        assert_int_equal(any.MSG_ANY_TELL_MESSAGE.arrival, (*next)++);
    }
    msg_effects_wipe(&effects);
    return count;
}

static void
they_come_out_in_order_and_not_before_their_transaction(void **state)
{
    (void)state;
    struct peer_held *held = peer_held_new(1u << 16);
    uint64_t next = 1;
    put(held, 1, 1, 10);
    put(held, 1, 2, 10);
    put(held, 3, 3, 10);
    assert_int_equal(release(held, 0, &next), 0);
    assert_int_equal(release(held, 2, &next), 2);
    assert_int_equal(release(held, 2, &next), 0);
    assert_int_equal(release(held, 3, &next), 1);
    peer_held_destroy(&held);
    assert_null(held);
}

static void
a_full_ring_takes_no_more_and_loses_nothing(void **state)
{
    (void)state;
    struct peer_held *held = peer_held_new(1u << 16);
    uint64_t next = 1, count = 0;
    while (peer_held_fits(held, 1000)) {
        count++;
        put(held, count, count, 1000);
    }
    assert_in_range(count, 30, 65);
    assert_int_equal(release(held, count, &next), count);
    assert_true(peer_held_fits(held, 1000));
    peer_held_destroy(&held);
}

static void
it_goes_round_and_round(void **state)
{
    (void)state;
    struct peer_held *held = peer_held_new(1u << 17);
    uint64_t next = 1, put_count = 0, released = 0;
    for (uint64_t round = 0; round < 3000; round++) {
        const size_t len = 1 + (size_t)(round * 7919 % 20000);
        while (!peer_held_fits(held, len))
            released += release(held, next, &next);
        put(held, put_count + 1, put_count + 1, len);
        put_count++;
    }
    released += release(held, put_count, &next);
    assert_int_equal(released, put_count);
    peer_held_destroy(&held);
}

/* Ticks of one message each.  What was released, as digits: the count of each frame. */
static void
tick_in(struct peer_held *held, uint64_t store, const char *to, const char *room, enum msg_tick tick, size_t count)
{
    static const struct msg_id id = {"0123456789abcde"};
    for (size_t i = 0; i < count; i++)
        peer_held_tick(held, store, &id, msg_text(to), msg_text(room), tick);
}

static void
tick(struct peer_held *held, uint64_t store, const char *to, enum msg_tick tick, size_t count)
{
    tick_in(held, store, to, "", tick, count);
}

static void
expect_ticks(struct peer_held *held, uint64_t store, const char *expected)
{
    struct msg_effects effects;
    char got[512] = "";
    msg_effects_init(&effects);
    peer_held_release(held, store, &effects);
    for (size_t i = 0; i < effects.count; i++) {
        union msg_any any;
        enum msg_kind kind;
        assert_int_equal(msg_codec_decode(told_frame(msg_effects_bytes(&effects, &effects.list[i])), &kind, &any), CONCLAVE_OK);
        const struct msg_tell_receipt *const tell = &any.MSG_ANY_TELL_RECEIPT;
        const size_t at = strlen(got);
        if (kind == MSG_TELL_RECEIPT)
            (void)snprintf(got + at, sizeof got - at, "%.*s%.*s:%llu x%zu ", (int)tell->to.len, tell->to.at, (int)tell->room.len,
                           tell->room.at, (unsigned long long)tell->tick, tell->ids.len / sizeof(struct msg_id));
        else
            (void)snprintf(got + at, sizeof got - at, "message ");
    }
    assert_string_equal(got, expected);
    msg_effects_wipe(&effects);
}

static void
ticks_in_a_row_are_one_frame_and_keep_their_place(void **state)
{
    (void)state;
    struct peer_held *held = peer_held_new(1u << 16);
    tick(held, 1, "bob", MSG_TICK_QUEUED, 3);
    tick(held, 1, "bob", MSG_TICK_DELIVERED, 1);
    tick(held, 1, "eve", MSG_TICK_DELIVERED, 2);
    put(held, 1, 1, 10);
    tick(held, 1, "eve", MSG_TICK_DELIVERED, MSG_TICK_COUNT + 2);
    expect_ticks(held, 1, "bob:0 x3 bob:2 x1 eve:2 x2 message eve:2 x32 eve:2 x2 ");
    tick(held, 2, "eve", MSG_TICK_DELIVERED, 1); /* nothing else waits */
    expect_ticks(held, 1, "");
    expect_ticks(held, 2, "eve:2 x1 ");
    peer_held_destroy(&held);
}

static void
ticks_of_rooms_are_told_with_those_of_their_room_and_member(void **state)
{
    (void)state;
    struct peer_held *held = peer_held_new(1u << 16);
    tick_in(held, 1, "", "#den", MSG_TICK_STORED, 2);
    tick_in(held, 1, "", "#lab", MSG_TICK_STORED, 1);
    tick_in(held, 1, "", "#laboratory", MSG_TICK_STORED, 1);
    tick_in(held, 1, "bob", "#lab", MSG_TICK_STORED, 2);
    tick(held, 1, "bob", MSG_TICK_STORED, 1);
    expect_ticks(held, 1, "#den:1 x2 #lab:1 x1 #laboratory:1 x1 bob#lab:1 x2 bob:1 x1 ");
    peer_held_destroy(&held);
}

/* However much is said before each transaction is synced. */
static void
ticks_wait_for_their_transaction_and_not_for_all_later_ones(void **state)
{
    (void)state;
    struct peer_held *held = peer_held_new(1u << 16);
    tick(held, 1, "bob", MSG_TICK_QUEUED, 1);
    tick(held, 2, "bob", MSG_TICK_QUEUED, 1);
    expect_ticks(held, 1, "");
    tick(held, 3, "bob", MSG_TICK_QUEUED, 1);
    expect_ticks(held, 2, "bob:0 x2 ");
    expect_ticks(held, 3, "bob:0 x1 ");
    peer_held_destroy(&held);
}

static void
ticks_have_room_in_a_full_ring(void **state)
{
    (void)state;
    struct peer_held *held = peer_held_new(1u << 16);
    struct msg_effects effects;
    msg_effects_init(&effects);
    for (uint64_t store = 1, done = 0; store < 2000; store++) {
        while (!peer_held_fits(held, 700))
            peer_held_release(held, done++, &effects);
        tick(held, store, "bob", MSG_TICK_QUEUED, (size_t)(store * 7919 % (MSG_TICK_COUNT + 1)));
        put(held, store, store, 700);
        msg_effects_clear(&effects);
    }
    msg_effects_wipe(&effects);
    peer_held_destroy(&held);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_come_out_in_order_and_not_before_their_transaction),
        cmocka_unit_test(a_full_ring_takes_no_more_and_loses_nothing),
        cmocka_unit_test(it_goes_round_and_round),
        cmocka_unit_test(ticks_in_a_row_are_one_frame_and_keep_their_place),
        cmocka_unit_test(ticks_of_rooms_are_told_with_those_of_their_room_and_member),
        cmocka_unit_test(ticks_wait_for_their_transaction_and_not_for_all_later_ones),
        cmocka_unit_test(ticks_have_room_in_a_full_ring),
    };
    memset(text, 'x', sizeof text);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

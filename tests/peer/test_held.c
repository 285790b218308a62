/* Tells that wait for their transaction. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "msg/codec.h"
#include "peer/held.h"

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
            msg_codec_decode(msg_effects_bytes(&effects, &effects.list[i]), &kind, &any),
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_come_out_in_order_and_not_before_their_transaction),
        cmocka_unit_test(a_full_ring_takes_no_more_and_loses_nothing),
        cmocka_unit_test(it_goes_round_and_round),
    };
    memset(text, 'x', sizeof text);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

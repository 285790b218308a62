/* The queue of tells: one side fills a buffer while the other empties one; the
 * order stays, and both signs say that something waits exactly while it does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>

#include "peer/tells.h"

static void
put(struct peer_tells *tells, uint32_t number)
{
    peer_tells_put(tells, msg_span(&number, sizeof number));
}

static void
expect(struct peer_tells *tells, uint32_t number)
{
    struct msg_span frame;
    assert_true(peer_tells_take(tells, &frame));
    assert_int_equal(frame.len, sizeof number);
    assert_memory_equal(frame.at, &number, sizeof number);
    peer_tells_taken(tells);
}

static bool
readable(const struct peer_tells *tells)
{
    struct pollfd news = {.fd = tells->fd, .events = POLLIN};
    return poll(&news, 1, 0) == 1;
}

static void
frames_come_out_in_order_while_more_go_in(void **state)
{
    (void)state;
    struct peer_tells tells;
    struct msg_span frame;
    uint32_t in = 0, out = 0;
    assert_int_equal(peer_tells_init(&tells, false, NULL), CONCLAVE_OK);
    for (uint32_t round = 1; round < 200; round++) {
        for (uint32_t i = 0; i < round; i++)
            put(&tells, in++);
        for (uint32_t i = 0; i < round / 2; i++)
            expect(&tells, out++);
    }
    while (out < in)
        expect(&tells, out++);
    assert_false(peer_tells_take(&tells, &frame));
    peer_tells_wipe(&tells);
}

static void
a_frame_stands_until_the_next_is_taken(void **state)
{
    (void)state;
    static uint8_t big[100000];
    struct peer_tells tells;
    struct msg_span frame;
    const uint32_t first = 7;
    assert_int_equal(peer_tells_init(&tells, false, NULL), CONCLAVE_OK);
    put(&tells, first);
    assert_true(peer_tells_take(&tells, &frame));
    peer_tells_put(&tells, msg_span(big, sizeof big));
    assert_memory_equal(frame.at, &first, sizeof first);
    assert_true(peer_tells_take(&tells, &frame));
    assert_int_equal(frame.len, sizeof big);
    assert_false(peer_tells_take(&tells, &frame));
    peer_tells_wipe(&tells);
}

static void
the_descriptor_is_readable_exactly_while_something_waits(void **state)
{
    (void)state;
    struct peer_tells tells;
    assert_int_equal(peer_tells_init(&tells, true, NULL), CONCLAVE_OK);
    assert_false(readable(&tells));
    put(&tells, 1);
    put(&tells, 2);
    expect(&tells, 1);
    assert_true(readable(&tells));
    put(&tells, 3); /* into the other buffer */
    expect(&tells, 2);
    assert_true(readable(&tells));
    expect(&tells, 3);
    assert_false(readable(&tells));
    put(&tells, 4);
    assert_true(readable(&tells));
    expect(&tells, 4);
    assert_false(readable(&tells));
    peer_tells_wipe(&tells);
}

/* One frame may be several events. */
static void
a_frame_that_was_not_given_out_whole_is_still_something(void **state)
{
    (void)state;
    struct peer_tells tells;
    struct msg_span frame;
    assert_int_equal(peer_tells_init(&tells, true, NULL), CONCLAVE_OK);
    put(&tells, 1);
    assert_true(peer_tells_take(&tells, &frame));
    assert_true(readable(&tells));
    peer_tells_taken(&tells);
    assert_false(readable(&tells));
    peer_tells_wipe(&tells);
}

static void
the_loop_counts_the_queues_that_are_not_empty(void **state)
{
    (void)state;
    struct peer_tells one, two;
    size_t waiting = 0;
    assert_int_equal(peer_tells_init(&one, false, &waiting), CONCLAVE_OK);
    assert_int_equal(peer_tells_init(&two, false, &waiting), CONCLAVE_OK);
    put(&one, 1);
    put(&one, 2);
    put(&two, 3);
    assert_int_equal(waiting, 2);
    expect(&one, 1);
    assert_int_equal(waiting, 2);
    expect(&one, 2);
    assert_int_equal(waiting, 1);
    peer_tells_wipe(&one);
    peer_tells_wipe(&two); /* with something in it */
    assert_int_equal(waiting, 0);
}

static void
pass(struct peer_tells *tells, size_t bytes)
{
    static uint8_t frame[1 << 20];
    struct msg_span taken;
    peer_tells_put(tells, msg_span(frame, bytes));
    assert_true(peer_tells_take(tells, &taken));
    assert_int_equal(taken.len, bytes);
    peer_tells_taken(tells);
    assert_false(peer_tells_take(tells, &taken));
}

static void
a_large_buffer_stays_as_long_as_it_is_filled(void **state)
{
    (void)state;
    struct peer_tells tells;
    assert_int_equal(peer_tells_init(&tells, false, NULL), CONCLAVE_OK);
    pass(&tells, 1 << 20);
    const size_t large = tells.coming.cap + tells.going.cap;
    assert_true(large >= 1 << 20);
    pass(&tells, 1 << 19);
    pass(&tells, 1 << 20);
    assert_int_equal(tells.coming.cap + tells.going.cap, large);
    for (int i = 0; i < 3; i++)
        pass(&tells, 1000);
    assert_true(tells.coming.cap + tells.going.cap < 1 << 18);
    peer_tells_wipe(&tells);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_out_in_order_while_more_go_in),
        cmocka_unit_test(a_frame_stands_until_the_next_is_taken),
        cmocka_unit_test(the_descriptor_is_readable_exactly_while_something_waits),
        cmocka_unit_test(a_frame_that_was_not_given_out_whole_is_still_something),
        cmocka_unit_test(the_loop_counts_the_queues_that_are_not_empty),
        cmocka_unit_test(a_large_buffer_stays_as_long_as_it_is_filled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

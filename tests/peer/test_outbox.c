/* The outbox: texts in blocks, queues in order, and room that comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "peer/tables/outbox.h"

static char text[MSG_TEXT_MAX], back[MSG_TEXT_MAX];

static uint32_t
add(struct peer_outbox *outbox, struct peer_queue *queue, uint64_t number, size_t len)
{
    const struct peer_out out = {.mark = {1, number}};
    return peer_outbox_add(outbox, queue, &out, (struct msg_text){text, len});
}

static void
texts_of_every_length_come_back_as_they_were(void **state)
{
    (void)state;
    static const size_t lens[] = {1, 123, 124, 125, 248, 1000, MSG_TEXT_MAX};
    struct peer_outbox *outbox = peer_outbox_new(16, 1u << 20);
    struct peer_queue queue;
    peer_outbox_start(&queue);
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        const uint32_t at = add(outbox, &queue, i + 1, lens[i]);
        const struct msg_text got = peer_outbox_text(outbox, at, back);
        assert_int_equal(got.len, lens[i]);
        assert_memory_equal(got.at, text, lens[i]);
    }
    assert_int_equal(peer_outbox_waiting(outbox), 7);
    peer_outbox_destroy(&outbox);
    assert_null(outbox);
}

static void
queues_keep_their_own_order(void **state)
{
    (void)state;
    struct peer_outbox *outbox = peer_outbox_new(64, 1u << 16);
    struct peer_queue queues[2];
    peer_outbox_start(&queues[0]);
    peer_outbox_start(&queues[1]);
    for (uint64_t i = 1; i <= 20; i++)
        add(outbox, &queues[i % 2], i, 10);
    for (uint64_t i = 1; i <= 20; i++) {
        assert_int_equal(peer_outbox_at(outbox, queues[i % 2].first)->mark.number, i);
        peer_outbox_shift(outbox, &queues[i % 2]);
    }
    assert_int_equal(queues[0].first, PEER_NONE);
    assert_int_equal(queues[0].last, PEER_NONE);
    assert_int_equal(peer_outbox_waiting(outbox), 0);
    peer_outbox_destroy(&outbox);
}

static void
a_full_outbox_takes_no_more_until_something_leaves(void **state)
{
    (void)state;
    struct peer_outbox *outbox = peer_outbox_new(1000, 10000);
    struct peer_queue queue;
    uint64_t count = 0;
    peer_outbox_start(&queue);
    for (int round = 0; round < 50; round++) {
        while (peer_outbox_fits(outbox, 500))
            assert_int_not_equal(add(outbox, &queue, ++count, 500), PEER_NONE);
        assert_int_equal(add(outbox, &queue, 999, 500), PEER_NONE);
        assert_in_range(queue.count, 15, 20);
        peer_outbox_shift(outbox, &queue);
        peer_outbox_shift(outbox, &queue);
    }
    peer_outbox_destroy(&outbox);
}

static void
the_number_of_messages_is_limited_too(void **state)
{
    (void)state;
    struct peer_outbox *outbox = peer_outbox_new(3, 1u << 20);
    struct peer_queue queue;
    peer_outbox_start(&queue);
    for (uint64_t i = 1; i <= 3; i++)
        assert_int_not_equal(add(outbox, &queue, i, 1), PEER_NONE);
    assert_false(peer_outbox_fits(outbox, 1));
    assert_int_equal(add(outbox, &queue, 4, 1), PEER_NONE);
    peer_outbox_destroy(&outbox);
}

static void
a_text_that_is_let_go_makes_room_and_its_message_stays(void **state)
{
    (void)state;
    struct peer_outbox *outbox = peer_outbox_new(10, 1000);
    struct peer_queue queue;
    peer_outbox_start(&queue);
    add(outbox, &queue, 1, 900);
    assert_false(peer_outbox_fits(outbox, 900));
    peer_outbox_deliver(outbox, &queue);
    peer_outbox_let_go(outbox, &queue);
    assert_true(peer_outbox_fits(outbox, 900));
    assert_int_equal(queue.count, 1);
    assert_int_equal(queue.delivered, 1);
    assert_int_equal(peer_outbox_waiting(outbox), queue.count - 1);
    assert_int_equal(peer_outbox_text(outbox, queue.first, back).len, 0);
    peer_outbox_shift(outbox, &queue);
    assert_int_equal(queue.delivered, 0);
    assert_int_equal(peer_outbox_waiting(outbox), 0);
    peer_outbox_destroy(&outbox);
}

static void
what_follows_has_the_next_number_of_the_same_life(void **state)
{
    (void)state;
    const struct peer_out out = {.mark = {3, 8}};
    assert_true(peer_outbox_follows(&out, (struct peer_mark){3, 7}));
    assert_false(peer_outbox_follows(&out, (struct peer_mark){3, 8}));
    assert_false(peer_outbox_follows(&out, (struct peer_mark){3, 6}));
    assert_false(peer_outbox_follows(&out, (struct peer_mark){2, 7}));
    assert_false(peer_outbox_follows(&(struct peer_out){.mark = {3, 1}}, (struct peer_mark){0, 0}));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_of_every_length_come_back_as_they_were),
        cmocka_unit_test(queues_keep_their_own_order),
        cmocka_unit_test(a_full_outbox_takes_no_more_until_something_leaves),
        cmocka_unit_test(the_number_of_messages_is_limited_too),
        cmocka_unit_test(a_text_that_is_let_go_makes_room_and_its_message_stays),
        cmocka_unit_test(what_follows_has_the_next_number_of_the_same_life),
    };
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i % 26);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

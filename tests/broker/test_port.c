/* Proves broker/port.c over real sockets on loopback: what a core is told of
 * connections that come, end, and are dropped. */
#include "tests/broker/port_world.h"

static void
wait_down(struct host_dial *self)
{
    zmq_pollitem_t item = {zsock_resolve(host_dial_monitor(self)), 0, ZMQ_POLLIN, 0};

    while (host_dial_state(self) != HOST_DIAL_DOWN)
        assert_int_equal(zmq_poll(&item, 1, WAIT_MS), 1);
}

static void
a_connection_that_ends_without_a_word_is_down_within_a_second(void **state)
{
    struct fixture *f = *state;
    uint64_t link;
    struct host_dial *peer = come(f, &link);

    const uint64_t since_ms = now_ms();
    host_dial_close(&peer, 0);
    assert_int_equal(expect(f, EVENT_LINK_DOWN), link);
    assert_in_range(now_ms() - since_ms, 0, 1000);
    expect_nothing(f);
}

static void
what_was_said_before_the_end_is_heard_before_it(void **state)
{
    struct fixture *f = *state;
    uint64_t link;
    struct host_dial *peer = come(f, &link);

    say(peer, "goodbye");
    host_dial_close(&peer, 1000);
    assert_int_equal(expect(f, EVENT_FRAME), link);
    assert_int_equal(expect(f, EVENT_LINK_DOWN), link);
}

static void
a_newer_connection_with_the_same_descriptor_stays(void **state)
{
    struct fixture *f = *state;
    uint64_t link, link2 = 0;
    struct host_dial *peer = come(f, &link);
    struct msg_event event;
    unsigned down = 0, frames = 0;

    host_dial_close(&peer, 0);
    peer = dial(f);
    say(peer, "hello again");
    while (down + frames < 2) {
        assert_true(next(f, WAIT_MS, &event));
        if (event.kind == EVENT_LINK_UP)
            link2 = event.link;
        if (event.kind == EVENT_LINK_DOWN) {
            assert_int_equal(event.link, link);
            down++;
        }
        if (event.kind == EVENT_FRAME) {
            assert_int_equal(event.link, link2);
            frames++;
        }
    }
    expect_nothing(f);
    say(peer, "still here");
    assert_int_equal(expect(f, EVENT_FRAME), link2);
    host_dial_close(&peer, 0);
    assert_int_equal(expect(f, EVENT_LINK_DOWN), link2);
}

static void
what_was_sent_before_a_drop_arrives_and_then_it_is_cut(void **state)
{
    struct fixture *f = *state;
    struct host_frame frame;
    struct msg_event event;
    char text[16];
    uint64_t link;

    zmq_msg_init(&frame.body);
    for (unsigned round = 0; round < 10; round++) {
        struct host_dial *peer = come(f, &link);
        for (unsigned i = 0; i < 10; i++) {
            snprintf(text, sizeof text, "%u", i);
            broker_port_send(f->port, link, msg_span_of_text(msg_text(text)));
        }
        broker_port_drop(f->port, link, now_ms());
        assert_int_equal(expect(f, EVENT_LINK_DOWN), link);
        assert_false(next(f, 0, &event)); /* another turn at once */
        for (unsigned i = 0; i < 10; i++) {
            snprintf(text, sizeof text, "%u", i);
            assert_int_equal(hear(peer, &frame), HOST_READ_FRAME);
            assert_true(msg_span_equal(host_frame_bytes(&frame), msg_span_of_text(msg_text(text))));
        }
        while (host_dial_state(peer) != HOST_DIAL_DOWN)
            assert_false(next(f, 20, &event)); /* the loop goes on, and cuts it */
        host_dial_close(&peer, 0);
    }
    zmq_msg_close(&frame.body);
}

static void
what_a_dropped_connection_says_is_not_heard_and_much_of_it_cuts_it_at_once(void **state)
{
    struct fixture *f = *state;
    uint64_t link;
    struct host_dial *peer = come(f, &link);
    struct msg_event event;

    broker_port_drop(f->port, link, now_ms());
    assert_int_equal(expect(f, EVENT_LINK_DOWN), link);
    for (unsigned i = 0; i < 100; i++)
        say(peer, "but");
    /* As if no time passed: only what it says can have cut it. */
    const uint64_t stopped_ms = now_ms();
    zmq_pollitem_t items[] = {{zsock_resolve(broker_port_socket(f->port)), 0, ZMQ_POLLIN, 0},
                              {zsock_resolve(host_dial_monitor(peer)), 0, ZMQ_POLLIN, 0}};
    while (host_dial_state(peer) != HOST_DIAL_DOWN) {
        assert_true(zmq_poll(items, 2, WAIT_MS) > 0);
        assert_false(broker_port_next(f->port, stopped_ms, &event));
    }
    host_dial_close(&peer, 0);
    expect_nothing(f);
}

static void
more_drops_at_once_than_may_wait_cut_the_oldest(void **state)
{
    enum { COUNT = 300 };
    struct fixture *f = *state;
    struct host_dial **peers = calloc(COUNT, sizeof *peers);
    uint64_t *links = calloc(COUNT, sizeof *links);
    struct msg_event event;

    broker_port_close(&f->port, 0);
    open_port(f, 1000);
    for (unsigned i = 0; i < COUNT; i++)
        peers[i] = come(f, &links[i]);
    const uint64_t stopped_ms = now_ms();
    for (unsigned i = 0; i < COUNT; i++)
        broker_port_drop(f->port, links[i], stopped_ms);
    wait_down(peers[0]);
    wait_down(peers[COUNT - 257]);
    assert_int_equal(host_dial_state(peers[COUNT - 1]), HOST_DIAL_UP);
    for (unsigned i = 0; i < COUNT; i++)
        assert_true(broker_port_next(f->port, stopped_ms, &event));
    expect_nothing(f);
    wait_down(peers[COUNT - 1]);
    for (unsigned i = 0; i < COUNT; i++)
        host_dial_close(&peers[i], 0);
    free(peers);
    free(links);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(a_connection_that_ends_without_a_word_is_down_within_a_second),
        CLAIM(what_was_said_before_the_end_is_heard_before_it),
        CLAIM(a_newer_connection_with_the_same_descriptor_stays),
        CLAIM(what_was_sent_before_a_drop_arrives_and_then_it_is_cut),
        CLAIM(what_a_dropped_connection_says_is_not_heard_and_much_of_it_cuts_it_at_once),
        CLAIM(more_drops_at_once_than_may_wait_cut_the_oldest),
    };

    return cmocka_run_group_tests(tests, begin, finish);
}

/* Proves broker/port.c over real sockets on loopback: what a core is told of
 * connections that come, end, and are dropped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "broker/port.h"
#include "host/curve.h"
#include "host/log.h"
#include "host/zap.h"

enum { WAIT_MS = 20000, QUIET_MS = 300 };

struct fixture {
    struct broker_port *port;
    struct msg_box_pub server, client;
    struct msg_box_sec server_sec, client_sec;
};

static enum host_zap_answer
judge(void *arg, const struct msg_box_pub *key, const char *source)
{
    (void)arg;
    (void)key;
    (void)source;
    return HOST_ZAP_ADMIT;
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const struct broker_child child = {.role = BROKER_ROLE_FRONT, .host = "127.0.0.1"};
    const struct host_watchdog_limits limits = {.connections = 100, .connections_per_source = 100};
    char why[256];

    msg_keys_new_box(&f->server, &f->server_sec);
    msg_keys_new_box(&f->client, &f->client_sec);
    assert_int_equal(host_zap_add("test", judge, f), CONCLAVE_OK);
    assert_int_equal(broker_port_open(&f->port, &child, &f->server_sec, "test", 4096, &limits, why,
                                      sizeof why),
                     CONCLAVE_OK);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    broker_port_close(&f->port, 0);
    host_zap_remove("test");
    free(f);
    return 0;
}

static uint64_t
now_ms(void)
{
    struct timespec clock;

    clock_gettime(CLOCK_MONOTONIC, &clock);
    return (uint64_t)clock.tv_sec * 1000 + (uint64_t)clock.tv_nsec / 1000000;
}

/* The next event, as a loop would get it; false: none within wait_ms. */
static bool
next(struct fixture *f, uint64_t wait_ms, struct msg_event *event)
{
    const uint64_t until = now_ms() + wait_ms;
    zmq_pollitem_t items[] = {{zsock_resolve(broker_port_socket(f->port)), 0, ZMQ_POLLIN, 0},
                              {NULL, broker_port_wake(f->port), ZMQ_POLLIN, 0}};

    for (;;) {
        if (broker_port_next(f->port, now_ms(), event))
            return true;
        if (now_ms() >= until)
            return false;
        assert_true(zmq_poll(items, 2, broker_port_timeout_ms(f->port, now_ms(), until)) >= 0);
    }
}

static uint64_t
expect(struct fixture *f, enum msg_event_kind kind)
{
    struct msg_event event;

    assert_true(next(f, WAIT_MS, &event));
    assert_int_equal(event.kind, kind);
    return event.link;
}

static void
expect_nothing(struct fixture *f)
{
    struct msg_event event;

    assert_false(next(f, QUIET_MS, &event));
}

static struct host_dial *
dial(struct fixture *f)
{
    struct host_dial *self;
    char endpoint[64];

    snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", broker_port_number(f->port));
    assert_int_equal(host_dial_open(&self, msg_text(endpoint), &f->server, &f->client, &f->client_sec,
                                    4096),
                     CONCLAVE_OK);
    return self;
}

static void
say(struct host_dial *self, const char *text)
{
    assert_int_equal(
        host_curve_send_dealer(host_dial_socket(self), msg_span_of_text(msg_text(text))),
        CONCLAVE_OK);
}

static enum host_read
hear(struct host_dial *self, struct host_frame *frame)
{
    zmq_pollitem_t item = {zsock_resolve(host_dial_socket(self)), 0, ZMQ_POLLIN, 0};

    if (zmq_poll(&item, 1, WAIT_MS) != 1)
        return HOST_READ_NOTHING;
    return host_curve_read_dealer(host_dial_socket(self), frame);
}

/* Dials, says something, and is heard. */
static struct host_dial *
come(struct fixture *f, uint64_t *link)
{
    struct host_dial *self = dial(f);

    say(self, "hello");
    *link = expect(f, EVENT_LINK_UP);
    assert_int_equal(expect(f, EVENT_FRAME), *link);
    return self;
}

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
    const struct broker_child child = {.role = BROKER_ROLE_FRONT, .host = "127.0.0.1"};
    const struct host_watchdog_limits limits = {.connections = 1000, .connections_per_source = 1000};
    char why[256];
    assert_int_equal(broker_port_open(&f->port, &child, &f->server_sec, "test", 4096, &limits, why,
                                      sizeof why),
                     CONCLAVE_OK);
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

static void
each_frame_has_the_key_of_its_own_connection(void **state)
{
    struct fixture *f = *state;
    struct host_dial *peers[2];
    struct msg_box_pub keys[2];
    struct msg_event event;

    for (unsigned i = 0; i < 2; i++) {
        msg_keys_new_box(&f->client, &f->client_sec);
        keys[i] = f->client;
        peers[i] = dial(f);
    }
    for (unsigned i = 0; i < 8; i++) {
        const unsigned who = i / 2 % 2; /* each twice, in turn */
        say(peers[who], "hello");
        do
            assert_true(next(f, WAIT_MS, &event));
        while (event.kind != EVENT_FRAME);
        assert_memory_equal(&event.key, &keys[who], sizeof event.key);
    }
    host_dial_close(&peers[0], 0);
    host_dial_close(&peers[1], 0);
}

static int
begin(void **state)
{
    (void)state;
    return host_curve_init(1) == CONCLAVE_OK
                   && host_log_open("test", HOST_LOG_FILE, "/dev/null", MSG_LOG_ERROR)
                          == CONCLAVE_OK
               ? 0
               : -1;
}

static int
finish(void **state)
{
    (void)state;
    host_zap_stop();
    return 0;
}

#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void
send_to_all(struct fixture *f, const uint64_t *links, size_t count, zmq_msg_t *body, uint64_t *refused)
{
    for (size_t i = 0; i < count; i++)
        refused[i] += broker_port_cast(f->port, links[i], body) == CONCLAVE_ERR_BUSY;
}

/* A device that takes ten messages ahead and then leaves the rest to the
 * connection, as one does that is stopped. */
static zsock_t *
come_slowly(struct fixture *f, uint64_t *link)
{
    zsock_t *self = zsock_new(ZMQ_DEALER);

    assert_non_null(self);
    zsock_set_rcvhwm(self, 10);
    zsock_set_rcvbuf(self, 4096);
    zsock_set_linger(self, 0);
    zsock_set_curve_serverkey_bin(self, f->server.at);
    zsock_set_curve_publickey_bin(self, f->client.at);
    zsock_set_curve_secretkey_bin(self, f->client_sec.at);
    assert_int_equal(zsock_connect(self, "tcp://127.0.0.1:%u", broker_port_number(f->port)), 0);
    assert_int_equal(zmq_send(zsock_resolve(self), "hello", 5, 0), 5);
    *link = expect(f, EVENT_LINK_UP);
    assert_int_equal(expect(f, EVENT_FRAME), *link);
    return self;
}

static void
one_message_reaches_many_and_who_does_not_read_holds_up_nobody(void **state)
{
    enum { READERS = 5, ALL = READERS + 1, BYTES = 3000, ROUNDS_MAX = 100000 };
    struct fixture *f = *state;
    struct host_dial *peers[READERS];
    uint64_t links[ALL], refused[ALL] = {0}, rounds = 0;
    uint8_t got[BYTES];
    struct host_frame frame;
    struct msg_event event;
    zmq_msg_t body;

    for (size_t i = 0; i < READERS; i++)
        peers[i] = come(f, &links[i]);
    zsock_t *slow = come_slowly(f, &links[READERS]);
    assert_int_equal(zmq_msg_init_size(&body, BYTES), 0);
    memset(zmq_msg_data(&body), 'x', BYTES);
    zmq_msg_init(&frame.body);
    /* What is on its way to the last one fills up, and nothing else does. */
    while (refused[READERS] == 0 && rounds++ < ROUNDS_MAX) {
        send_to_all(f, links, ALL, &body, refused);
        for (size_t i = 0; i < READERS; i++) {
            assert_int_equal(hear(peers[i], &frame), HOST_READ_FRAME);
            assert_int_equal(host_frame_bytes(&frame).len, BYTES);
        }
    }
    assert_int_equal(refused[READERS], 1);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(refused[i], 0);
    /* It is not cut for that; it has lost the last one alone, and takes more when it reads. */
    assert_false(next(f, 0, &event));
    zsock_set_rcvtimeo(slow, WAIT_MS);
    for (uint64_t i = 0; i + 1 < rounds; i++)
        assert_int_equal(zmq_recv(zsock_resolve(slow), got, sizeof got, 0), BYTES);
    while (broker_port_cast(f->port, links[READERS], &body) == CONCLAVE_ERR_BUSY)
        assert_false(next(f, 20, &event));
    assert_int_equal(zmq_recv(zsock_resolve(slow), got, sizeof got, 0), BYTES);
    assert_memory_equal(got, zmq_msg_data(&body), BYTES);
    zmq_msg_close(&frame.body);
    zmq_msg_close(&body);
    zsock_destroy(&slow);
    for (size_t i = 0; i < READERS; i++)
        host_dial_close(&peers[i], 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(one_message_reaches_many_and_who_does_not_read_holds_up_nobody),
        CLAIM(a_connection_that_ends_without_a_word_is_down_within_a_second),
        CLAIM(what_was_said_before_the_end_is_heard_before_it),
        CLAIM(a_newer_connection_with_the_same_descriptor_stays),
        CLAIM(what_was_sent_before_a_drop_arrives_and_then_it_is_cut),
        CLAIM(what_a_dropped_connection_says_is_not_heard_and_much_of_it_cuts_it_at_once),
        CLAIM(more_drops_at_once_than_may_wait_cut_the_oldest),
        CLAIM(each_frame_has_the_key_of_its_own_connection),
    };

    return cmocka_run_group_tests(tests, begin, finish);
}

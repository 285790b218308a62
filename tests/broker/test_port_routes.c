/* Proves broker/port.c over real sockets on loopback: who gets what is sent,
 * and whose what comes is. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "tests/broker/port_world.h"

static void
send_to_all(struct fixture *f, const uint64_t *links, size_t count, zmq_msg_t *body, uint64_t *refused)
{
    for (size_t i = 0; i < count; i++)
        refused[i] += broker_port_cast(f->port, links[i], body) == CONCLAVE_ERR_BUSY;
}

static zsock_t *
new_device(const struct fixture *f)
{
    zsock_t *self = zsock_new(ZMQ_DEALER);

    zsock_set_linger(self, 0);
    zsock_set_rcvtimeo(self, WAIT_MS);
    zsock_set_curve_serverkey_bin(self, f->server.at);
    zsock_set_curve_publickey_bin(self, f->client.at);
    zsock_set_curve_secretkey_bin(self, f->client_sec.at);
    return self;
}

static void
say_hello(const struct fixture *f, zsock_t *device)
{
    assert_int_equal(zsock_connect(device, "tcp://127.0.0.1:%u", broker_port_number(f->port)), 0);
    assert_int_equal(zmq_send(zsock_resolve(device), "hello", 5, 0), 5);
}

/* A device that takes ten messages ahead and then leaves the rest to the
 * connection, as one does that is stopped. */
static zsock_t *
come_slowly(struct fixture *f, uint64_t *link)
{
    zsock_t *self = new_device(f);

    zsock_set_rcvhwm(self, 10);
    zsock_set_rcvbuf(self, 4096);
    say_hello(f, self);
    *link = expect_up(f);
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

/* The descriptor of the port's end of a connection that is not `known`. */
static int
port_end(const struct fixture *f, int known)
{
    for (int fd = 3; fd < 1024; fd++) {
        struct sockaddr_in6 here = {0}, there = {0}; /* the port is where sockaddr_in has it */
        socklen_t here_len = sizeof here, there_len = sizeof there;
        if (fd != known && getsockname(fd, (struct sockaddr *)&here, &here_len) == 0 && ntohs(here.sin6_port) == broker_port_number(f->port)
            && getpeername(fd, (struct sockaddr *)&there, &there_len) == 0)
            return fd;
    }
    fail();
    return -1;
}

/* The loop of the port, until a device that is there has said something and
 * was heard; false: that link was down by then. */
static bool
still_up(struct fixture *f, struct host_dial *device, uint64_t link)
{
    struct msg_event event;
    bool is_up = true;

    say(device, "tick");
    do {
        assert_true(next(f, WAIT_MS, &event));
        is_up = is_up && (event.kind != EVENT_LINK_DOWN || event.link != link);
    } while (event.kind != EVENT_FRAME);
    while (next(f, 0, &event)) /* until the socket says that nothing is there: libzmq has done all that it was told */
        is_up = is_up && (event.kind != EVENT_LINK_DOWN || event.link != link);
    return is_up;
}

/* One that looks like libzmq's making; with another descriptor, for that of the
 * first one is taken.  What the watchdog tells may be faster: then once more. */
static void
who_comes_with_the_routing_id_of_another_hears_nothing_that_was_for_that_one(void **state)
{
    static const char id[] = {0, 'S', 'A', 'M', 'E'};
    struct fixture *f = *state;
    uint64_t link, link2;
    bool was_up;
    char word[16];

    struct host_dial *other = come(f, &link);
    const int known = port_end(f, -1);
    do {
        zsock_t *first = new_device(f), *second = new_device(f);
        assert_int_equal(zmq_setsockopt(zsock_resolve(first), ZMQ_ROUTING_ID, id, sizeof id), 0);
        assert_int_equal(zmq_setsockopt(zsock_resolve(second), ZMQ_ROUTING_ID, id, sizeof id), 0);
        say_hello(f, first);
        link = expect_up(f);
        const int fd = port_end(f, known);
        zsock_destroy(&first);
        for (const uint64_t until = now_ms() + WAIT_MS; fcntl(fd, F_GETFD) != -1; sched_yield())
            assert_true(now_ms() < until);
        assert_int_equal(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, fd), fd);
        /* Twice to the thread of libzmq's sockets and back: it has let go of the routing id. */
        was_up = still_up(f, other, link);
        was_up = still_up(f, other, link) && was_up;
        say_hello(f, second);
        if (was_up)
            assert_int_equal(expect(f, EVENT_LINK_DOWN), link);
        link2 = expect_up(f);
        assert_true(link2 != link);
        broker_port_send(f->port, link, msg_span_of_text(msg_text("for the first")));
        broker_port_send(f->port, link2, msg_span_of_text(msg_text("for the other")));
        assert_int_equal(zmq_recv(zsock_resolve(second), word, sizeof word, 0), 13);
        assert_memory_equal(word, "for the other", 13);
        zsock_destroy(&second);
        assert_int_equal(expect(f, EVENT_LINK_DOWN), link2);
        close(fd);
    } while (!was_up);
    host_dial_close(&other, 0);
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

/* Who could tell the next one from the time, and claim it, would end the process. */
static void
routing_ids_are_not_to_be_foreseen(void **state)
{
    struct fixture *f = *state;
    uint64_t links[2];

    for (size_t i = 0; i < 2; i++) {
        broker_port_close(&f->port, 0);
        srandom(1); /* as libzmq or CZMQ might, both times */
        open_port(f, 100);
        struct host_dial *peer = come(f, &links[i]);
        host_dial_close(&peer, 0);
    }
    assert_int_not_equal((uint32_t)links[0], (uint32_t)links[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(one_message_reaches_many_and_who_does_not_read_holds_up_nobody),
        CLAIM(routing_ids_are_not_to_be_foreseen),
        CLAIM(each_frame_has_the_key_of_its_own_connection),
        CLAIM(who_comes_with_the_routing_id_of_another_hears_nothing_that_was_for_that_one),
    };

    return cmocka_run_group_tests(tests, begin, finish);
}

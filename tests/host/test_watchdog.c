/* Proves host/watchdog on a bound socket: whom it cuts off, and whom it leaves. */
#include "tests/host/sockets.h"

#include "host/watchdog.h"

/* Until the watchdog says so, or the test fails. */
static void
until(struct host_watchdog *dog, struct host_watchdog_counts *now, uint64_t *what, uint64_t least)
{
    for (int i = 0; i < WAIT_MS; i++) {
        host_watchdog_counts(dog, now);
        if (*what >= least)
            return;
        zmq_poll(NULL, 0, 1);
    }
    fail_msg("only %llu of %llu", (unsigned long long)*what, (unsigned long long)least);
}

static void
the_watchdog_caps_the_connections_of_a_source(void **state)
{
    struct fixture *f = *state;
    struct host_watchdog *dog;
    struct host_watchdog_counts now;
    struct host_dial *d[5];

    bind_on(f, "127.0.0.1");
    const struct host_watchdog_limits limits = {.connections = 100, .connections_per_source = 3};
    assert_int_equal(host_watchdog_start(&dog, f->router, &limits), CONCLAVE_OK);
    for (int i = 0; i < 5; i++)
        d[i] = dial(f, "127.0.0.1", &f->server);
    until(dog, &now, &now.cut_source, 2);
    assert_int_equal(now.accepted, 5);
    unsigned up = 0;
    for (int i = 0; i < 5; i++)
        up += settled(d[i]) == HOST_DIAL_UP;
    assert_in_range(up, 3, 5); /* a handshake may be through before the cut */
    for (int i = 0; i < 5; i++)
        host_dial_close(&d[i], 0);
    for (int i = 0; i < WAIT_MS && now.open > 0; i++) {
        host_watchdog_counts(dog, &now);
        zmq_poll(NULL, 0, 1);
    }
    assert_int_equal(now.open, 0);
    struct host_dial *again = dial(f, "127.0.0.1", &f->server);
    assert_int_equal(settled(again), HOST_DIAL_UP);
    host_dial_close(&again, 0);
    host_watchdog_stop(&dog);
    assert_null(dog);
}

static void
the_watchdog_ends_a_silent_connection_and_leaves_one_that_spoke(void **state)
{
    struct fixture *f = *state;
    struct host_watchdog *dog;
    struct host_watchdog_counts now;

    bind_on(f, "127.0.0.1");
    const struct host_watchdog_limits limits = {
        .connections = 100, .connections_per_source = 100, .first_ms = 2000};
    assert_int_equal(host_watchdog_start(&dog, f->router, &limits), CONCLAVE_OK);
    struct host_dial *speaks = dial(f, "127.0.0.1", &f->server);
    say(speaks, "hello");
    assert_int_equal(read_router(f), HOST_READ_FRAME);
    host_watchdog_delivered(dog, f->frame.fd, 5);
    struct host_dial *silent = dial(f, "127.0.0.1", &f->server);
    until(dog, &now, &now.cut_total, 1);
    left(silent, HOST_DIAL_PENDING);
    assert_int_equal(left(silent, HOST_DIAL_UP), HOST_DIAL_DOWN);
    assert_int_equal(settled(speaks), HOST_DIAL_UP);
    say(speaks, "still here");
    assert_int_equal(read_router(f), HOST_READ_FRAME);
    host_watchdog_cut(dog, f->frame.fd);
    assert_int_equal(left(speaks, HOST_DIAL_UP), HOST_DIAL_DOWN);
    host_dial_close(&speaks, 0);
    host_dial_close(&silent, 0);
    host_watchdog_stop(&dog);
}

static void
the_watchdog_ends_a_message_that_does_not_end(void **state)
{
    struct fixture *f = *state;
    struct host_watchdog *dog;
    struct host_watchdog_counts now = {0};
    static const uint8_t part[4000];

    bind_on(f, "127.0.0.1");
    const struct host_watchdog_limits limits = {.connections = 100, .connections_per_source = 100};
    assert_int_equal(host_watchdog_start(&dog, f->router, &limits), CONCLAVE_OK);
    struct host_dial *d = dial(f, "127.0.0.1", &f->server);
    assert_int_equal(settled(d), HOST_DIAL_UP);
    void *raw = zsock_resolve(host_dial_socket(d));
    zsock_set_sndhwm(host_dial_socket(d), 0);
    /* libzmq's client sends a message only once it is complete; to the
     * reader that does not read, it is the same. */
    for (int i = 0; i < 20000; i++)
        zmq_send(raw, part, sizeof part, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    zmq_send(raw, part, 1, ZMQ_DONTWAIT);
    until(dog, &now, &now.cut_flood, 1);
    assert_int_equal(left(d, HOST_DIAL_UP), HOST_DIAL_DOWN);
    host_dial_close(&d, 0);
    host_watchdog_stop(&dog);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(the_watchdog_caps_the_connections_of_a_source),
        CLAIM(the_watchdog_ends_a_silent_connection_and_leaves_one_that_spoke),
        CLAIM(the_watchdog_ends_a_message_that_does_not_end),
    };

    return cmocka_run_group_tests(tests, begin, end);
}

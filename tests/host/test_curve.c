/* Real sockets on loopback: host/curve, host/zap and host/watchdog together,
 * as the broker and the peers use them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "host/curve.h"
#include "host/watchdog.h"
#include "host/zap.h"

enum { WAIT_MS = 20000 };

struct fixture {
    zsock_t *router;
    uint16_t port;
    struct msg_box_pub server, client;
    struct msg_box_sec server_sec, client_sec;
    struct host_frame frame;
};

static enum host_zap_answer zap_says;

static enum host_zap_answer
judge(void *arg, const struct msg_box_pub *key, const char *source)
{
    const struct fixture *f = arg;

    if (strcmp(source, "127.0.0.1") != 0 && strcmp(source, "::1") != 0)
        return HOST_ZAP_DENY;
    return msg_keys_equal(key, &f->client, sizeof *key) ? zap_says : HOST_ZAP_DENY;
}

static void
bind_on(struct fixture *f, const char *host)
{
    f->port = 0;
    assert_int_equal(host_curve_bind(&f->router, host, &f->port, &f->server_sec, "test", 4096),
                     CONCLAVE_OK);
    assert_int_not_equal(f->port, 0);
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    zap_says = HOST_ZAP_ADMIT;
    msg_keys_new_box(&f->server, &f->server_sec);
    msg_keys_new_box(&f->client, &f->client_sec);
    zmq_msg_init(&f->frame.body);
    assert_int_equal(host_zap_add("test", judge, f), CONCLAVE_OK);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    zmq_msg_close(&f->frame.body);
    zsock_destroy(&f->router);
    host_zap_remove("test");
    free(f);
    return 0;
}

static struct host_dial *
dial(struct fixture *f, const char *host, const struct msg_box_pub *server)
{
    struct host_dial *self;
    char endpoint[64];

    snprintf(endpoint, sizeof endpoint, "%s:%u", host, f->port);
    assert_int_equal(host_dial_open(&self, msg_text(endpoint), server, &f->client, &f->client_sec,
                                    4096),
                     CONCLAVE_OK);
    return self;
}

/* Waits until it is no longer in that state. */
static enum host_dial_state
left(struct host_dial *self, enum host_dial_state state)
{
    zmq_pollitem_t item = {zsock_resolve(host_dial_monitor(self)), 0, ZMQ_POLLIN, 0};

    while (host_dial_state(self) == state)
        assert_int_equal(zmq_poll(&item, 1, WAIT_MS), 1);
    return host_dial_state(self);
}

static enum host_dial_state
settled(struct host_dial *self)
{
    return left(self, HOST_DIAL_PENDING);
}

static enum host_read
read_router(struct fixture *f)
{
    zmq_pollitem_t item = {zsock_resolve(f->router), 0, ZMQ_POLLIN, 0};

    assert_int_equal(zmq_poll(&item, 1, WAIT_MS), 1);
    return host_curve_read_router(f->router, &f->frame);
}

static void
say(struct host_dial *self, const char *text)
{
    assert_int_equal(
        host_curve_send_dealer(host_dial_socket(self), msg_span_of_text(msg_text(text))),
        CONCLAVE_OK);
}

static void
talk(struct fixture *f, const char *host, const char *source)
{
    struct host_dial *d = dial(f, host, &f->server);
    struct host_frame answer;

    assert_int_equal(settled(d), HOST_DIAL_UP);
    say(d, "hello");
    assert_int_equal(read_router(f), HOST_READ_FRAME);
    assert_memory_equal(f->frame.from.at, f->client.at, 32);
    assert_string_equal(f->frame.source, source);
    assert_true(f->frame.fd >= 0);
    assert_true(msg_span_equal(host_frame_bytes(&f->frame), msg_span("hello", 5)));
    assert_int_equal(host_curve_read_router(f->router, &f->frame), HOST_READ_NOTHING);
    assert_int_equal(host_curve_send_router(f->router, f->frame.conn, msg_span("you", 3)),
                     CONCLAVE_OK);
    zmq_msg_init(&answer.body);
    zmq_pollitem_t item = {zsock_resolve(host_dial_socket(d)), 0, ZMQ_POLLIN, 0};
    assert_int_equal(zmq_poll(&item, 1, WAIT_MS), 1);
    assert_int_equal(host_curve_read_dealer(host_dial_socket(d), &answer), HOST_READ_FRAME);
    assert_true(msg_span_equal(host_frame_bytes(&answer), msg_span("you", 3)));
    assert_int_equal(host_curve_read_dealer(host_dial_socket(d), &answer), HOST_READ_NOTHING);
    zmq_msg_close(&answer.body);
    host_dial_close(&d, 0);
    assert_null(d);
}

static void
two_sides_talk_and_know_each_other_by_key(void **state)
{
    struct fixture *f = *state;

    bind_on(f, "127.0.0.1");
    talk(f, "127.0.0.1", "127.0.0.1");
}

static void
any_address_serves_both_families(void **state)
{
    struct fixture *f = *state;

    bind_on(f, "0.0.0.0");
    talk(f, "127.0.0.1", "127.0.0.1");
    talk(f, "[::1]", "::1");
}

static void
an_address_of_version_6_alone_serves_it(void **state)
{
    struct fixture *f = *state;

    bind_on(f, "::1");
    talk(f, "[::1]", "::1");
}

static void
a_port_that_is_taken_is_in_use(void **state)
{
    struct fixture *f = *state;
    zsock_t *second;

    bind_on(f, "127.0.0.1");
    assert_int_equal(
        host_curve_bind(&second, "127.0.0.1", &f->port, &f->server_sec, "test", 4096),
        CONCLAVE_ERR_IN_USE);
    assert_null(second);
    assert_int_equal(host_curve_bind(&second, "", &f->port, &f->server_sec, "test", 4096),
                     CONCLAVE_ERR_IN_USE);
}

static void
nobody_there_is_refused_not_denied(void **state)
{
    struct fixture *f = *state;

    bind_on(f, "127.0.0.1");
    zsock_destroy(&f->router);
    struct host_dial *d = dial(f, "127.0.0.1", &f->server);
    assert_int_equal(settled(d), HOST_DIAL_REFUSED);
    host_dial_close(&d, 0);
}

static void
a_wrong_server_key_is_denied(void **state)
{
    struct fixture *f = *state;

    bind_on(f, "127.0.0.1");
    struct host_dial *d = dial(f, "127.0.0.1", &f->client);
    assert_int_equal(settled(d), HOST_DIAL_DENIED);
    host_dial_close(&d, 0);
}

static void
a_key_that_is_not_admitted_is_denied(void **state)
{
    struct fixture *f = *state;

    bind_on(f, "127.0.0.1");
    zap_says = HOST_ZAP_DENY;
    struct host_dial *d = dial(f, "127.0.0.1", &f->server);
    assert_int_equal(settled(d), HOST_DIAL_DENIED);
    host_dial_close(&d, 0);
}

static void
a_domain_that_is_not_there_admits_nobody(void **state)
{
    struct fixture *f = *state;

    bind_on(f, "127.0.0.1");
    host_zap_remove("test");
    struct host_dial *d = dial(f, "127.0.0.1", &f->server);
    assert_int_equal(settled(d), HOST_DIAL_DENIED);
    host_dial_close(&d, 0);
}

static void
the_end_of_a_link_is_seen_on_both_sides(void **state)
{
    struct fixture *f = *state;

    bind_on(f, "127.0.0.1");
    assert_int_equal(host_curve_send_router(f->router, 77, msg_span("x", 1)),
                     CONCLAVE_ERR_NOT_FOUND); /* nobody ever was there */
    struct host_dial *d = dial(f, "127.0.0.1", &f->server);
    assert_int_equal(settled(d), HOST_DIAL_UP);
    say(d, "hello");
    assert_int_equal(read_router(f), HOST_READ_FRAME);
    shutdown(f->frame.fd, SHUT_RDWR);
    assert_int_equal(left(d, HOST_DIAL_UP), HOST_DIAL_DOWN);
    enum conclave_err err = CONCLAVE_OK;
    for (int i = 0; i < 1000 && err == CONCLAVE_OK; i++) {
        err = host_curve_send_router(f->router, f->frame.conn, msg_span("x", 1));
        zmq_poll(NULL, 0, 1);
    }
    assert_int_equal(err, CONCLAVE_ERR_NOT_FOUND);
    host_dial_close(&d, 0);
}

static void
more_than_one_part_is_garbage_and_is_read_to_its_end(void **state)
{
    struct fixture *f = *state;

    bind_on(f, "127.0.0.1");
    struct host_dial *d = dial(f, "127.0.0.1", &f->server);
    void *raw = zsock_resolve(host_dial_socket(d));
    for (int i = 0; i < 5; i++)
        zmq_send(raw, "part", 4, i < 4 ? ZMQ_SNDMORE : 0);
    say(d, "fine");
    assert_int_equal(read_router(f), HOST_READ_GARBAGE);
    assert_true(f->frame.fd >= 0);
    assert_int_equal(read_router(f), HOST_READ_FRAME);
    assert_true(msg_span_equal(host_frame_bytes(&f->frame), msg_span("fine", 4)));
    host_dial_close(&d, 0);
}

/* A client of libzmq's that claims a routing id; it says hi. */
static zsock_t *
claim(struct fixture *f, const void *id, size_t len)
{
    zsock_t *liar = zsock_new(ZMQ_DEALER);
    void *raw = zsock_resolve(liar);
    char endpoint[64];

    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", f->port);
    zsock_set_linger(liar, 0);
    assert_int_equal(zmq_setsockopt(raw, ZMQ_ROUTING_ID, id, len), 0);
    zmq_setsockopt(raw, ZMQ_CURVE_SERVERKEY, f->server.at, 32);
    zmq_setsockopt(raw, ZMQ_CURVE_PUBLICKEY, f->client.at, 32);
    zmq_setsockopt(raw, ZMQ_CURVE_SECRETKEY, f->client_sec.at, 32);
    assert_int_equal(zmq_connect(raw, endpoint), 0);
    zmq_send(raw, "hi", 2, 0);
    return liar;
}

static void
a_foreign_routing_id_is_garbage(void **state)
{
    struct fixture *f = *state;
    static const char *const ids[] = {"alice", "a much longer name for a connection"};

    bind_on(f, "127.0.0.1");
    for (size_t i = 0; i < 2; i++) {
        zsock_t *liar = claim(f, ids[i], strlen(ids[i]));
        assert_int_equal(read_router(f), HOST_READ_GARBAGE);
        assert_true(f->frame.fd >= 0);
        zsock_destroy(&liar);
    }
}

static void
a_routing_id_that_imitates_another_connection_is_never_read(void **state)
{
    struct fixture *f = *state;
    struct host_zap_counts before, now;
    uint8_t id[5];

    bind_on(f, "127.0.0.1");
    struct host_dial *d = dial(f, "127.0.0.1", &f->server);
    say(d, "hello");
    assert_int_equal(read_router(f), HOST_READ_FRAME);
    for (size_t i = 0; i < 5; i++)
        id[i] = (uint8_t)(f->frame.conn >> (32 - 8 * i));
    host_zap_counts(&before);
    zsock_t *liar = claim(f, id, sizeof id);
    now = before;
    for (int ms = 0; ms < WAIT_MS && now.admitted == before.admitted; ms++) {
        zmq_poll(NULL, 0, 1);
        host_zap_counts(&now);
    }
    say(d, "me");
    assert_int_equal(read_router(f), HOST_READ_FRAME);
    assert_true(msg_span_equal(host_frame_bytes(&f->frame), msg_span("me", 2)));
    assert_int_equal(host_curve_send_router(f->router, f->frame.conn, msg_span("you", 3)),
                     CONCLAVE_OK);
    zmq_pollitem_t item = {zsock_resolve(host_dial_socket(d)), 0, ZMQ_POLLIN, 0};
    assert_int_equal(zmq_poll(&item, 1, WAIT_MS), 1); /* to the first, not the second */
    zsock_destroy(&liar);
    host_dial_close(&d, 0);
}

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
        .connections = 100, .connections_per_source = 100, .first_ms = 300};
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

static void
signals_stay_with_the_program(void **state)
{
    struct fixture *f = *state;
    struct sigaction now;

    bind_on(f, "127.0.0.1");
    assert_int_equal(sigaction(SIGINT, NULL, &now), 0);
    assert_true(now.sa_handler == SIG_DFL);
    assert_int_equal(sigaction(SIGTERM, NULL, &now), 0);
    assert_true(now.sa_handler == SIG_DFL);
}

static int
begin(void **state)
{
    (void)state;
    return msg_keys_init() == CONCLAVE_OK && host_curve_init(1) == CONCLAVE_OK ? 0 : -1;
}

static int
end(void **state)
{
    (void)state;
    host_zap_stop();
    return 0;
}

#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(signals_stay_with_the_program),
        CLAIM(two_sides_talk_and_know_each_other_by_key),
        CLAIM(any_address_serves_both_families),
        CLAIM(an_address_of_version_6_alone_serves_it),
        CLAIM(a_port_that_is_taken_is_in_use),
        CLAIM(nobody_there_is_refused_not_denied),
        CLAIM(a_wrong_server_key_is_denied),
        CLAIM(a_key_that_is_not_admitted_is_denied),
        CLAIM(a_domain_that_is_not_there_admits_nobody),
        CLAIM(the_end_of_a_link_is_seen_on_both_sides),
        CLAIM(more_than_one_part_is_garbage_and_is_read_to_its_end),
        CLAIM(a_foreign_routing_id_is_garbage),
        CLAIM(a_routing_id_that_imitates_another_connection_is_never_read),
        CLAIM(the_watchdog_caps_the_connections_of_a_source),
        CLAIM(the_watchdog_ends_a_silent_connection_and_leaves_one_that_spoke),
        CLAIM(the_watchdog_ends_a_message_that_does_not_end),
    };

    return cmocka_run_group_tests(tests, begin, end);
}

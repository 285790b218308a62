/* Proves host/curve and host/zap as the broker and the peers use them. */
#include "tests/host/sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LINKS_MAX = 100 };

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
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    const int fd = socket(AF_INET, SOCK_STREAM, 0); /* has a port and does not listen */

    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    f->port = ntohs(addr.sin_port);
    struct host_dial *d = dial(f, "127.0.0.1", &f->server);
    assert_int_equal(settled(d), HOST_DIAL_REFUSED);
    host_dial_close(&d, 0);
    close(fd);
}

static void
a_name_without_an_address_is_unresolved_and_an_address_is_not(void **state)
{
    struct fixture *f = *state;

    f->port = 1; /* .invalid never resolves (RFC 6761), nor does what is no name */
    static const char *const names[] = {"no-such-host.invalid", "a..b"};
    for (size_t i = 0; i < 2; i++) {
        struct host_dial *d = dial(f, names[i], &f->server);
        assert_int_equal(settled(d), HOST_DIAL_UNRESOLVED);
        host_dial_close(&d, 0);
    }
    struct host_dial *d = dial(f, "1.2.3.4.5", &f->server);
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

/* TCP alone would wait a quarter of an hour for a machine that is gone. */
static void
a_subscriber_that_acknowledges_nothing_is_given_45_seconds(void **state)
{
    struct fixture *f = *state;
    struct host_dial *sub;
    char endpoint[64];
    unsigned timeout_ms = 0;
    socklen_t len = sizeof timeout_ms;

    f->port = 0;
    assert_int_equal(host_curve_bind_xpub(&f->router, "127.0.0.1", &f->port, &f->server_sec, "test", 1024), CONCLAVE_OK);
    snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", f->port);
    assert_int_equal(host_dial_subscribe(&sub, msg_text(endpoint), &f->server, &f->client, &f->client_sec, 4096), CONCLAVE_OK);
    zmq_pollitem_t item = {zsock_resolve(f->router), 0, ZMQ_POLLIN, 0};
    assert_int_equal(zmq_poll(&item, 1, WAIT_MS), 1);
    assert_int_equal(host_curve_read_xpub(f->router, &f->frame), HOST_READ_FRAME);
    assert_int_equal(getsockopt(f->frame.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, &len), 0);
    assert_int_equal(timeout_ms, 45000);
    host_dial_close(&sub, 0);
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

/* As when a mesh is larger than the limit that a shell gives. */
static void
without_descriptors_a_link_is_refused_and_nothing_ends(void **state)
{
    struct fixture *const f = *state;
    struct rlimit before, few;
    struct host_dial *dials[LINKS_MAX] = {NULL};
    char endpoint[64];
    enum conclave_err err = CONCLAVE_OK;
    size_t n = 0;

    snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", (unsigned)f->port);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = (struct rlimit){.rlim_cur = 200, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    while (n < LINKS_MAX && err == CONCLAVE_OK) {
        err = host_dial_open(&dials[n], msg_text(endpoint), &f->server, &f->client, &f->client_sec, 4096);
        n++;
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(err, CONCLAVE_ERR_SYSTEM);
    assert_null(dials[n - 1]);
    assert_true(n > 10);
    while (n > 0)
        host_dial_close(&dials[--n], 0);
}

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
        CLAIM(a_name_without_an_address_is_unresolved_and_an_address_is_not),
        CLAIM(a_wrong_server_key_is_denied),
        CLAIM(a_key_that_is_not_admitted_is_denied),
        CLAIM(a_domain_that_is_not_there_admits_nobody),
        CLAIM(the_end_of_a_link_is_seen_on_both_sides),
        CLAIM(more_than_one_part_is_garbage_and_is_read_to_its_end),
        CLAIM(a_foreign_routing_id_is_garbage),
        CLAIM(a_subscriber_that_acknowledges_nothing_is_given_45_seconds),
        CLAIM(without_descriptors_a_link_is_refused_and_nothing_ends),
        CLAIM(a_routing_id_that_imitates_another_connection_is_never_read),
    };

    return cmocka_run_group_tests(tests, begin, end);
}

/* Real sockets on loopback, for the tests of host/curve, host/zap and
 * host/watchdog: a bound one, whose ZAP admits one client, and links to it. */
#ifndef TESTS_HOST_SOCKETS_H
#define TESTS_HOST_SOCKETS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "host/curve.h"
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

static inline enum host_zap_answer
judge(void *arg, const struct msg_box_pub *key, const char *source)
{
    const struct fixture *f = arg;

    if (strcmp(source, "127.0.0.1") != 0 && strcmp(source, "::1") != 0)
        return HOST_ZAP_DENY;
    return msg_keys_equal(key, &f->client, sizeof *key) ? zap_says : HOST_ZAP_DENY;
}

static inline void
bind_on(struct fixture *f, const char *host)
{
    f->port = 0;
    assert_int_equal(host_curve_bind(&f->router, host, &f->port, &f->server_sec, "test", 4096),
                     CONCLAVE_OK);
    assert_int_not_equal(f->port, 0);
}

static inline int
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

static inline int
tear_down(void **state)
{
    struct fixture *f = *state;

    zmq_msg_close(&f->frame.body);
    zsock_destroy(&f->router);
    host_zap_remove("test");
    free(f);
    return 0;
}

static inline struct host_dial *
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
static inline enum host_dial_state
left(struct host_dial *self, enum host_dial_state state)
{
    zmq_pollitem_t item = {zsock_resolve(host_dial_monitor(self)), 0, ZMQ_POLLIN, 0};

    while (host_dial_state(self) == state)
        assert_int_equal(zmq_poll(&item, 1, WAIT_MS), 1);
    return host_dial_state(self);
}

static inline enum host_dial_state
settled(struct host_dial *self)
{
    return left(self, HOST_DIAL_PENDING);
}

static inline enum host_read
read_router(struct fixture *f)
{
    zmq_pollitem_t item = {zsock_resolve(f->router), 0, ZMQ_POLLIN, 0};

    assert_int_equal(zmq_poll(&item, 1, WAIT_MS), 1);
    return host_curve_read_router(f->router, &f->frame);
}

static inline void
say(struct host_dial *self, const char *text)
{
    assert_int_equal(
        host_curve_send_dealer(host_dial_socket(self), msg_span_of_text(msg_text(text))),
        CONCLAVE_OK);
}

static inline int
begin(void **state)
{
    (void)state;
    return msg_keys_init() == CONCLAVE_OK && host_curve_init(1) == CONCLAVE_OK ? 0 : -1;
}

static inline int
end(void **state)
{
    (void)state;
    host_zap_stop();
    return 0;
}

#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif

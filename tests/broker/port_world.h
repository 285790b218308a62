/* What the tests of broker/port.c share: a port, and devices that dial it. */
#ifndef TESTS_BROKER_PORT_WORLD_H
#define TESTS_BROKER_PORT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

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

static inline enum host_zap_answer
judge(void *arg, const struct msg_box_pub *key, const char *source)
{
    (void)arg;
    (void)key;
    (void)source;
    return HOST_ZAP_ADMIT;
}

static inline void
open_port(struct fixture *f, uint32_t connections)
{
    const struct broker_child child = {.role = BROKER_ROLE_FRONT, .host = "127.0.0.1"};
    const struct host_watchdog_limits limits = {.connections = connections, .connections_per_source = connections};
    char why[256];

    assert_int_equal(broker_port_open(&f->port, &child, &f->server_sec, "test", 4096, &limits, why, sizeof why), CONCLAVE_OK);
}

static inline int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    msg_keys_new_box(&f->server, &f->server_sec);
    msg_keys_new_box(&f->client, &f->client_sec);
    assert_int_equal(host_zap_add("test", judge, f), CONCLAVE_OK);
    open_port(f, 100);
    *state = f;
    return 0;
}

static inline int
tear_down(void **state)
{
    struct fixture *f = *state;

    broker_port_close(&f->port, 0);
    host_zap_remove("test");
    free(f);
    return 0;
}

static inline uint64_t
now_ms(void)
{
    return (uint64_t)zclock_mono();
}

/* The next event, as a loop would get it; false: none within wait_ms. */
static inline bool
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

static inline uint64_t
expect(struct fixture *f, enum msg_event_kind kind)
{
    struct msg_event event;

    assert_true(next(f, WAIT_MS, &event));
    assert_int_equal(event.kind, kind);
    return event.link;
}

static inline void
expect_nothing(struct fixture *f)
{
    struct msg_event event;

    assert_false(next(f, QUIET_MS, &event));
}

static inline struct host_dial *
dial(struct fixture *f)
{
    struct host_dial *self;
    char endpoint[64];

    snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", broker_port_number(f->port));
    assert_int_equal(host_dial_open(&self, msg_text(endpoint), &f->server, &f->client, &f->client_sec, 4096), CONCLAVE_OK);
    return self;
}

static inline void
say(struct host_dial *self, const char *text)
{
    assert_int_equal(host_curve_send_dealer(host_dial_socket(self), msg_span_of_text(msg_text(text))), CONCLAVE_OK);
}

static inline enum host_read
hear(struct host_dial *self, struct host_frame *frame)
{
    zmq_pollitem_t item = {zsock_resolve(host_dial_socket(self)), 0, ZMQ_POLLIN, 0};

    if (zmq_poll(&item, 1, WAIT_MS) != 1)
        return HOST_READ_NOTHING;
    return host_curve_read_dealer(host_dial_socket(self), frame);
}

static inline uint64_t
expect_up(struct fixture *f)
{
    const uint64_t link = expect(f, EVENT_LINK_UP);

    assert_int_equal(expect(f, EVENT_FRAME), link);
    return link;
}

/* Dials, says something, and is heard. */
static inline struct host_dial *
come(struct fixture *f, uint64_t *link)
{
    struct host_dial *self = dial(f);

    say(self, "hello");
    *link = expect_up(f);
    return self;
}

static inline int
begin(void **state)
{
    (void)state;
    return host_curve_init(1) == CONCLAVE_OK && host_log_open("test", HOST_LOG_FILE, "/dev/null", MSG_LOG_ERROR) == CONCLAVE_OK ? 0 : -1;
}

static inline int
finish(void **state)
{
    (void)state;
    host_zap_stop();
    return 0;
}

#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif

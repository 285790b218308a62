/* Dialled links: one connection each, and what libzmq's monitor says of it
 * turned into few words.  Declared in host/curve.h, with the socket options. */
#include "host/curve.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define CONNECT_MS 5000
/* A dialled link is closed long before libzmq would reconnect.  But it must
 * mean to: a name that does not resolve is told by no event but the one that
 * announces the next try (CONNECT_RETRIED). */
#define NEVER_MS (24 * 3600 * 1000)

struct host_dial {
    zsock_t *socket;
    zsock_t *monitor;
    enum host_dial_state state;
    bool named;     /* the host is a name: it is looked up in libzmq's own thread */
    bool connected; /* TCP stands, or stood */
};

static int
set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

static enum conclave_err
watch(struct host_dial *self)
{
    static atomic_uint_fast64_t count;
    char endpoint[64];

    snprintf(endpoint, sizeof endpoint, "inproc://host-dial-%llu",
             (unsigned long long)atomic_fetch_add(&count, 1));
    if (zmq_socket_monitor(zsock_resolve(self->socket), endpoint,
                           ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED
                               | ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED
                               | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
                               | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
                               | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
        != 0)
        return CONCLAVE_ERR_SYSTEM;
    self->monitor = host_curve_socket(ZMQ_PAIR);
    if (self->monitor == NULL)
        return CONCLAVE_ERR_SYSTEM;
    void *raw = zsock_resolve(self->monitor);
    return set_int(raw, ZMQ_LINGER, 0) == 0 && zmq_connect(raw, endpoint) == 0
               ? CONCLAVE_OK
               : CONCLAVE_ERR_SYSTEM;
}

/* Whatever is neither [an address of version 6] nor digits and dots. */
static bool
is_named(const char *endpoint)
{
    return *endpoint != '[' && endpoint[strspn(endpoint, "0123456789.")] != ':';
}

static enum conclave_err
dial_curve(struct host_dial **self_p, int type, struct msg_text endpoint,
           const struct msg_box_pub *server, const struct msg_box_pub *pub,
           const struct msg_box_sec *sec, int64_t max_bytes)
{
    char address[MSG_ENDPOINT_MAX + 16];
    enum conclave_err err = CONCLAVE_ERR_SYSTEM;

    *self_p = NULL;
    if (endpoint.len > MSG_ENDPOINT_MAX)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    snprintf(address, sizeof address, "tcp://%.*s", (int)endpoint.len, endpoint.at);
    struct host_dial *self = calloc(1, sizeof *self);
    if (self == NULL)
        return CONCLAVE_ERR_SYSTEM;
    self->named = is_named(address + strlen("tcp://"));
    self->socket = host_curve_socket(type);
    if (self->socket == NULL)
        goto done;
    void *raw = zsock_resolve(self->socket);
    int rc = host_curve_set_common(raw, max_bytes);
    if (type == ZMQ_SUB)
        rc |= zmq_setsockopt(raw, ZMQ_SUBSCRIBE, "", 0);
    rc |= set_int(raw, ZMQ_RECONNECT_IVL, NEVER_MS);
    rc |= set_int(raw, ZMQ_CONNECT_TIMEOUT, CONNECT_MS);
    rc |= zmq_setsockopt(raw, ZMQ_CURVE_SERVERKEY, server->at, sizeof server->at);
    rc |= zmq_setsockopt(raw, ZMQ_CURVE_PUBLICKEY, pub->at, sizeof pub->at);
    rc |= zmq_setsockopt(raw, ZMQ_CURVE_SECRETKEY, sec->at, sizeof sec->at);
    if (rc != 0)
        goto done;
    err = watch(self);
    if (err == CONCLAVE_OK && zmq_connect(raw, address) != 0)
        err = errno == EINVAL ? CONCLAVE_ERR_BAD_ARGUMENTS : CONCLAVE_ERR_SYSTEM;

done:
    if (err == CONCLAVE_OK)
        *self_p = self;
    else
        host_dial_close(&self, 0);
    return err;
}

enum conclave_err
host_dial_open(struct host_dial **self_p, struct msg_text endpoint,
               const struct msg_box_pub *server, const struct msg_box_pub *pub,
               const struct msg_box_sec *sec, int64_t max_bytes)
{
    return dial_curve(self_p, ZMQ_DEALER, endpoint, server, pub, sec, max_bytes);
}

enum conclave_err
host_dial_subscribe(struct host_dial **self_p, struct msg_text endpoint,
                    const struct msg_box_pub *server, const struct msg_box_pub *pub,
                    const struct msg_box_sec *sec, int64_t max_bytes)
{
    return dial_curve(self_p, ZMQ_SUB, endpoint, server, pub, sec, max_bytes);
}

void
host_dial_close(struct host_dial **self_p, int linger_ms)
{
    struct host_dial *self = *self_p;

    if (self == NULL)
        return;
    if (self->socket != NULL) {
        void *raw = zsock_resolve(self->socket);
        (void)zmq_socket_monitor(raw, NULL, 0); /* it may not have begun */
        (void)set_int(raw, ZMQ_LINGER, linger_ms);
    }
    zsock_destroy(&self->monitor);
    zsock_destroy(&self->socket);
    free(self);
    *self_p = NULL;
}

zsock_t *
host_dial_socket(struct host_dial *self)
{
    return self->socket;
}

zsock_t *
host_dial_monitor(struct host_dial *self)
{
    return self->monitor;
}

/* A link comes up once and goes down once: what is final stays.  Somebody who
 * takes the connection and ends it before the handshake does not have the key
 * that we expect, or does not want ours; libzmq does not say which. */
static enum host_dial_state
after(const struct host_dial *self, unsigned event)
{
    if (self->state != HOST_DIAL_PENDING && self->state != HOST_DIAL_UP)
        return self->state;
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        return HOST_DIAL_UP;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        return HOST_DIAL_DENIED;
    case ZMQ_EVENT_CLOSED:
    case ZMQ_EVENT_DISCONNECTED:
    case ZMQ_EVENT_CONNECT_RETRIED:
        if (self->state == HOST_DIAL_UP)
            return HOST_DIAL_DOWN;
        if (self->connected)
            return HOST_DIAL_DENIED;
        /* no socket was CLOSED before this: there was no address to make one for */
        return self->named && event == ZMQ_EVENT_CONNECT_RETRIED ? HOST_DIAL_UNRESOLVED : HOST_DIAL_REFUSED;
    default:
        return self->state;
    }
}

enum host_dial_state
host_dial_state(struct host_dial *self)
{
    void *raw = zsock_resolve(self->monitor);
    uint8_t head[6]; /* event: 16 bits, value: 32 bits, this machine's order */
    uint16_t event;

    for (;;) {
        const int len = zmq_recv(raw, head, sizeof head, ZMQ_DONTWAIT);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return self->state;
        (void)zmq_recv(raw, NULL, 0, ZMQ_DONTWAIT); /* the endpoint: we know it */
        memcpy(&event, head, sizeof event);
        if (event == ZMQ_EVENT_CONNECTED)
            self->connected = true;
        self->state = after(self, event);
    }
}

/* ZeroMQ sockets with the options that are safe on the packaged libzmq, and
 * the calls of the hot paths, which go to libzmq itself: CZMQ's frames cost
 * several times as much. */
#include "host/curve.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define ID_BYTES 5u /* a routing id of libzmq's making: 0x00 and a counter */
#define SEND_HWM 1000
#define BACKLOG 4096
#define HANDSHAKE_MS 5000
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

enum conclave_err
host_curve_init(int io_threads)
{
    static bool done;

    if (done)
        return CONCLAVE_OK;
    zsys_handler_set(NULL); /* signals belong to the program */
    setenv("ZSYS_SIGHANDLER", "false", 1);
    if (zsys_init() == NULL)
        return CONCLAVE_ERR_SYSTEM;
    zsys_set_io_threads((size_t)io_threads);
    zsys_set_max_sockets(0); /* as many as libzmq allows */
    done = true;
    return CONCLAVE_OK;
}

static int
set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

/* What a bound and a dialled socket have in common.  RCVHWM 0, for a peer that
 * fills a finite pipe and resets ends the process (libzmq 4.3.4); the quotas
 * are the reader's. */
static int
set_common(void *socket, int64_t max_bytes)
{
    int rc = 0;

    rc |= set_int(socket, ZMQ_RCVHWM, 0);
    rc |= set_int(socket, ZMQ_SNDHWM, SEND_HWM);
    rc |= set_int(socket, ZMQ_LINGER, 0);
    rc |= set_int(socket, ZMQ_IPV6, 1);
    rc |= set_int(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    rc |= set_int(socket, ZMQ_TCP_KEEPALIVE, 1);
    rc |= set_int(socket, ZMQ_TCP_KEEPALIVE_IDLE, 60);
    rc |= set_int(socket, ZMQ_TCP_KEEPALIVE_INTVL, 15);
    rc |= set_int(socket, ZMQ_TCP_KEEPALIVE_CNT, 4);
    rc |= zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max_bytes, sizeof max_bytes);
    return rc;
}

static bool
is_any(const char *host)
{
    return *host == '\0' || strcmp(host, "*") == 0 || strcmp(host, "0.0.0.0") == 0
           || strcmp(host, "::") == 0;
}

static int
bind_to(void *socket, const char *host, uint16_t port)
{
    char endpoint[MSG_ENDPOINT_MAX + 16], number[8] = "*";
    const bool v6 = strchr(host, ':') != NULL;

    if (port != 0)
        snprintf(number, sizeof number, "%u", (unsigned)port);
    snprintf(endpoint, sizeof endpoint, "tcp://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "",
             number);
    return zmq_bind(socket, endpoint);
}

/* Any address: the IPv6 wildcard takes IPv4 as well; without IPv6 in the
 * kernel, the other one. */
static int
bind_any(void *socket, uint16_t port)
{
    int rc = bind_to(socket, "::", port);

    if (rc != 0 && errno != EADDRINUSE && errno != EACCES) {
        if (set_int(socket, ZMQ_IPV6, 0) != 0)
            return -1;
        rc = bind_to(socket, "0.0.0.0", port);
    }
    return rc;
}

static enum conclave_err
bound_port(void *socket, uint16_t *port)
{
    char endpoint[MSG_ENDPOINT_MAX + 16] = "";
    size_t len = sizeof endpoint;

    if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &len) != 0)
        return CONCLAVE_ERR_SYSTEM;
    const char *colon = strrchr(endpoint, ':');
    *port = colon != NULL ? (uint16_t)strtoul(colon + 1, NULL, 10) : 0;
    return *port != 0 ? CONCLAVE_OK : CONCLAVE_ERR_SYSTEM;
}

enum conclave_err
host_curve_bind(zsock_t **router_p, const char *host, uint16_t *port, const struct msg_box_sec *sec,
                const char *zap_domain, int64_t max_bytes)
{
    enum conclave_err err = CONCLAVE_ERR_SYSTEM;

    *router_p = NULL;
    zsock_t *router = zsock_new(ZMQ_ROUTER);
    if (router == NULL)
        return CONCLAVE_ERR_SYSTEM;
    void *raw = zsock_resolve(router);
    int rc = set_common(raw, max_bytes);
    rc |= set_int(raw, ZMQ_ROUTER_MANDATORY, 1);
    rc |= set_int(raw, ZMQ_BACKLOG, BACKLOG);
    rc |= set_int(raw, ZMQ_CURVE_SERVER, 1);
    rc |= zmq_setsockopt(raw, ZMQ_CURVE_SECRETKEY, sec->at, sizeof sec->at);
    rc |= zmq_setsockopt(raw, ZMQ_ZAP_DOMAIN, zap_domain, strlen(zap_domain));
    if (rc != 0)
        goto done;
    rc = is_any(host) ? bind_any(raw, *port) : bind_to(raw, host, *port);
    if (rc != 0) {
        err = errno == EADDRINUSE ? CONCLAVE_ERR_IN_USE : CONCLAVE_ERR_SYSTEM;
        goto done;
    }
    err = bound_port(raw, port);

done:
    if (err == CONCLAVE_OK) {
        *router_p = router;
    } else {
        const int reason = errno; /* for the caller's sentence */
        zsock_destroy(&router);
        errno = reason;
    }
    return err;
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
    self->monitor = zsock_new(ZMQ_PAIR);
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

enum conclave_err
host_dial_open(struct host_dial **self_p, struct msg_text endpoint,
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
    self->socket = zsock_new(ZMQ_DEALER);
    if (self->socket == NULL)
        goto done;
    void *raw = zsock_resolve(self->socket);
    int rc = set_common(raw, max_bytes);
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

/* One part; EINTR is not news.  False: nothing there. */
static bool
receive(zmq_msg_t *msg, void *socket)
{
    int rc;

    do
        rc = zmq_msg_recv(msg, socket, ZMQ_DONTWAIT);
    while (rc < 0 && errno == EINTR);
    return rc >= 0;
}

/* Reads the rest of a message of too many parts. */
static void
skip_parts(zmq_msg_t *msg, void *socket)
{
    while (zmq_msg_more(msg) && receive(msg, socket))
        ;
}

static uint64_t
number_of(const uint8_t id[ID_BYTES])
{
    uint64_t number = 0;

    for (size_t i = 0; i < ID_BYTES; i++)
        number = number << 8 | id[i];
    return number;
}

/* Where the connection comes from, as people write it. */
static void
set_source(struct host_frame *frame)
{
    const char *address = zmq_msg_gets(&frame->body, "Peer-Address");

    if (address == NULL)
        address = "";
    if (strncmp(address, "::ffff:", 7) == 0 && strchr(address + 7, '.') != NULL)
        address += 7; /* IPv4 on a socket of both */
    msg_text_copy(frame->source, sizeof frame->source, msg_text(address));
}

/* The key that ZAP vouched for.  Nothing rests on the routing id: a client may
 * claim one that looks like libzmq's, and gains a return path of that number;
 * one that is taken by another connection is never read. */
static bool
is_proven(struct host_frame *frame)
{
    const char *user = zmq_msg_gets(&frame->body, "User-Id");

    if (user == NULL)
        return false;
    if (*user != '\0' && strcmp(user, frame->user) == 0)
        return true;
    frame->user[0] = '\0';
    if (msg_keys_from_hex(frame->from.at, sizeof frame->from.at, msg_text(user)) != CONCLAVE_OK)
        return false;
    memcpy(frame->user, user, sizeof frame->user); /* as long as a key is */
    return true;
}

enum host_read
host_curve_read_router(zsock_t *router, struct host_frame *frame)
{
    void *raw = zsock_resolve(router);
    zmq_msg_t id;

    zmq_msg_init(&id);
    if (!receive(&id, raw)) {
        zmq_msg_close(&id);
        return HOST_READ_NOTHING;
    }
    const uint8_t *at = zmq_msg_data(&id);
    bool good = zmq_msg_size(&id) == ID_BYTES && at[0] == 0 && zmq_msg_more(&id);
    frame->conn = zmq_msg_size(&id) == ID_BYTES ? number_of(at) : 0;
    const bool more = zmq_msg_more(&id);
    zmq_msg_close(&id);
    frame->fd = -1;
    frame->source[0] = '\0';
    if (!more || !receive(&frame->body, raw))
        return HOST_READ_GARBAGE;
    frame->fd = zmq_msg_get(&frame->body, ZMQ_SRCFD);
    set_source(frame);
    good = good && !zmq_msg_more(&frame->body) && is_proven(frame);
    skip_parts(&frame->body, raw);
    return good ? HOST_READ_FRAME : HOST_READ_GARBAGE;
}

enum host_read
host_curve_read_dealer(zsock_t *dealer, struct host_frame *frame)
{
    void *raw = zsock_resolve(dealer);

    if (!receive(&frame->body, raw))
        return HOST_READ_NOTHING;
    if (!zmq_msg_more(&frame->body))
        return HOST_READ_FRAME;
    skip_parts(&frame->body, raw);
    return HOST_READ_GARBAGE;
}

struct msg_span
host_frame_bytes(struct host_frame *frame)
{
    return msg_span(zmq_msg_data(&frame->body), zmq_msg_size(&frame->body));
}

static enum conclave_err
send_part(void *socket, const void *at, size_t len, int flags)
{
    int rc;

    do
        rc = zmq_send(socket, at, len, flags | ZMQ_DONTWAIT);
    while (rc < 0 && errno == EINTR);
    if (rc >= 0)
        return CONCLAVE_OK;
    return errno == EAGAIN ? CONCLAVE_ERR_BUSY : CONCLAVE_ERR_NOT_FOUND;
}

static enum conclave_err
send_id(void *raw, uint64_t conn)
{
    uint8_t id[ID_BYTES];

    for (size_t i = 0; i < ID_BYTES; i++)
        id[i] = (uint8_t)(conn >> (8 * (ID_BYTES - 1 - i)));
    return send_part(raw, id, sizeof id, ZMQ_SNDMORE);
}

enum conclave_err
host_curve_send_router(zsock_t *router, uint64_t conn, struct msg_span bytes)
{
    void *raw = zsock_resolve(router);
    const enum conclave_err err = send_id(raw, conn);

    return err == CONCLAVE_OK ? send_part(raw, bytes.at, bytes.len, 0) : err;
}

enum conclave_err
host_curve_send_shared(zsock_t *router, uint64_t conn, zmq_msg_t *body)
{
    void *raw = zsock_resolve(router);
    const enum conclave_err err = send_id(raw, conn);
    zmq_msg_t copy;
    int rc;

    if (err != CONCLAVE_OK)
        return err;
    zmq_msg_init(&copy);
    if (zmq_msg_copy(&copy, body) != 0)
        abort(); /* out of memory: there is nothing better to do */
    do
        rc = zmq_msg_send(&copy, raw, ZMQ_DONTWAIT);
    while (rc < 0 && errno == EINTR);
    if (rc >= 0)
        return CONCLAVE_OK;
    zmq_msg_close(&copy);
    return errno == EAGAIN ? CONCLAVE_ERR_BUSY : CONCLAVE_ERR_NOT_FOUND;
}

enum conclave_err
host_curve_send_dealer(zsock_t *dealer, struct msg_span bytes)
{
    return send_part(zsock_resolve(dealer), bytes.at, bytes.len, 0);
}

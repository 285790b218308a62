/* ZeroMQ sockets with the options that are safe on the packaged libzmq, and
 * the calls of the hot paths, which go to libzmq itself: CZMQ's frames cost
 * several times as much. */
#include "host/curve.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/descriptors.h"

#define ID_BYTES 5u /* a routing id of libzmq's making: 0x00 and a counter */
#define SEND_HWM 1000
/* Frames that wait for a subscriber who does not read; libzmq shares them
 * between subscribers, so that all the stopped ones together hold as much. */
#define PUBLISH_HWM 256
#define UNHEARD_MS 45000 /* what a subscriber does not acknowledge so long ends it: TCP alone takes a quarter of an hour */
#define BACKLOG 4096
#define HANDSHAKE_MS 5000
#define SPARE 16u /* descriptors: more than a connection takes, and what other threads take meanwhile */
#define UNBIND_MS 500 /* at most, until libzmq has closed the port */

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

zsock_t *
host_curve_socket(int type)
{
    if (!host_descriptors_left(SPARE)) {
        errno = EMFILE;
        return NULL;
    }
    return zsock_new(type);
}

static int
set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

/* What a bound and a dialled socket have in common.  RCVHWM 0, for a peer that
 * fills a finite pipe and resets ends the process (libzmq 4.3.4); the quotas
 * are the reader's. */
int
host_curve_set_common(void *socket, int64_t max_bytes)
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

/* A ROUTER begins to count routing ids at a number of rand(), which libzmq or
 * CZMQ seeds with the time.  Who knows the next one can claim it, and the
 * process aborts (libzmq 4.3.4) when the counter comes there. */
static void
make_ids_unforeseen(void)
{
    srandom((unsigned)msg_keys_random_u64());
}

/* A bound socket of that type, with CURVE. */
static enum conclave_err
bind_curve(zsock_t **socket_p, int type, const char *host, uint16_t *port,
           const struct msg_box_sec *sec, const char *zap_domain, int64_t max_bytes)
{
    enum conclave_err err = CONCLAVE_ERR_SYSTEM;

    *socket_p = NULL;
    if (type == ZMQ_ROUTER)
        make_ids_unforeseen();
    zsock_t *socket = host_curve_socket(type);
    if (socket == NULL)
        return CONCLAVE_ERR_SYSTEM;
    void *raw = zsock_resolve(socket);
    int rc = host_curve_set_common(raw, max_bytes);
    if (type == ZMQ_ROUTER) {
        rc |= set_int(raw, ZMQ_ROUTER_MANDATORY, 1);
    } else {
        rc |= set_int(raw, ZMQ_SNDHWM, PUBLISH_HWM);
        rc |= set_int(raw, ZMQ_TCP_MAXRT, UNHEARD_MS);
        rc |= set_int(raw, ZMQ_XPUB_VERBOSE, 1); /* or the second subscriber would not be told of */
    }
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
        *socket_p = socket;
    } else {
        const int reason = errno; /* for the caller's sentence */
        zsock_destroy(&socket);
        errno = reason;
    }
    return err;
}

enum conclave_err
host_curve_bind(zsock_t **router_p, const char *host, uint16_t *port, const struct msg_box_sec *sec,
                const char *zap_domain, int64_t max_bytes)
{
    return bind_curve(router_p, ZMQ_ROUTER, host, port, sec, zap_domain, max_bytes);
}

enum conclave_err
host_curve_bind_xpub(zsock_t **xpub_p, const char *host, uint16_t *port,
                     const struct msg_box_sec *sec, const char *zap_domain, int64_t max_bytes)
{
    return bind_curve(xpub_p, ZMQ_XPUB, host, port, sec, zap_domain, max_bytes);
}

/* libzmq closes sockets in the background. */
void
host_curve_unbind(zsock_t *socket)
{
    static atomic_uint_fast64_t count;
    void *const raw = zsock_resolve(socket);
    char endpoint[MSG_ENDPOINT_MAX + 16], name[64];
    size_t size = sizeof endpoint;
    zsock_t *monitor = host_curve_socket(ZMQ_PAIR);

    snprintf(name, sizeof name, "inproc://host-unbind-%llu",
             (unsigned long long)atomic_fetch_add(&count, 1));
    if (monitor != NULL && zmq_socket_monitor(raw, name, ZMQ_EVENT_CLOSED) == 0) {
        zsock_set_rcvtimeo(monitor, UNBIND_MS);
        if (zmq_connect(zsock_resolve(monitor), name) == 0
            && zmq_getsockopt(raw, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0
            && zmq_unbind(raw, endpoint) == 0)
            (void)zmq_recv(zsock_resolve(monitor), NULL, 0, 0); /* CLOSED, or the time is over */
        (void)zmq_socket_monitor(raw, NULL, 0);
    }
    zsock_destroy(&monitor);
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

enum host_read
host_curve_read_xpub(zsock_t *xpub, struct host_frame *frame)
{
    void *raw = zsock_resolve(xpub);

    if (!receive(&frame->body, raw))
        return HOST_READ_NOTHING;
    frame->fd = zmq_msg_get(&frame->body, ZMQ_SRCFD);
    if (!is_proven(frame))
        frame->fd = -1;
    const bool good = frame->fd >= 0 && !zmq_msg_more(&frame->body);
    skip_parts(&frame->body, raw);
    return good ? HOST_READ_FRAME : HOST_READ_GARBAGE;
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

void
host_curve_publish(zsock_t *xpub, struct msg_span bytes)
{
    (void)send_part(zsock_resolve(xpub), bytes.at, bytes.len, 0); /* an XPUB takes everything */
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

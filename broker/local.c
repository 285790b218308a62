/* The sockets between vault, door and front. */
#include "broker/local.h"

#include "host/curve.h"

#define RECONNECT_MS 20

static int
set_int(void *raw, int option, int value)
{
    return zmq_setsockopt(raw, option, &value, sizeof value);
}

static enum conclave_err
open_socket(zsock_t **socket_p, int type, const char *endpoint)
{
    zsock_t *socket = host_curve_socket(type);

    *socket_p = NULL;
    if (socket == NULL)
        return CONCLAVE_ERR_SYSTEM;
    void *raw = zsock_resolve(socket);
    int rc = set_int(raw, ZMQ_LINGER, 0) | set_int(raw, ZMQ_RCVHWM, 0) | set_int(raw, ZMQ_SNDHWM, 0);
    if (type == ZMQ_ROUTER) {
        rc |= set_int(raw, ZMQ_ROUTER_MANDATORY, 1);
        rc |= zmq_bind(raw, endpoint);
    } else {
        rc |= set_int(raw, ZMQ_RECONNECT_IVL, RECONNECT_MS);
        rc |= zmq_connect(raw, endpoint);
    }
    if (rc != 0) {
        zsock_destroy(&socket);
        return CONCLAVE_ERR_SYSTEM;
    }
    *socket_p = socket;
    return CONCLAVE_OK;
}

enum conclave_err
broker_local_bind(zsock_t **router_p, const char *endpoint)
{
    return open_socket(router_p, ZMQ_ROUTER, endpoint);
}

enum conclave_err
broker_local_connect(zsock_t **dealer_p, const char *endpoint)
{
    return open_socket(dealer_p, ZMQ_DEALER, endpoint);
}

enum conclave_err
broker_local_watch(zsock_t **monitor_p, zsock_t *dealer)
{
    *monitor_p = NULL;
    if (zmq_socket_monitor(zsock_resolve(dealer), "inproc://local-watch",
                           ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
        != 0)
        return CONCLAVE_ERR_SYSTEM;
    *monitor_p = host_curve_socket(ZMQ_PAIR);
    if (*monitor_p == NULL)
        return CONCLAVE_ERR_SYSTEM;
    zsock_set_linger(*monitor_p, 0);
    return zmq_connect(zsock_resolve(*monitor_p), "inproc://local-watch") == 0
               ? CONCLAVE_OK
               : CONCLAVE_ERR_SYSTEM;
}

bool
broker_local_came_up(zsock_t *monitor)
{
    void *raw = zsock_resolve(monitor);
    bool up = false;

    /* the event, then the endpoint; only one kind of event was asked for */
    for (;;) {
        if (zmq_recv(raw, NULL, 0, ZMQ_DONTWAIT) >= 0)
            up = true;
        else if (errno != EINTR)
            return up;
    }
}

static bool
receive(void *raw, zmq_msg_t *msg)
{
    int rc;

    do
        rc = zmq_msg_recv(msg, raw, ZMQ_DONTWAIT);
    while (rc < 0 && errno == EINTR);
    return rc >= 0;
}

enum conclave_err
broker_local_receive(zsock_t *socket, struct broker_local_id *from, zmq_msg_t *body)
{
    void *raw = zsock_resolve(socket);
    bool good = true;

    if (!receive(raw, body))
        return CONCLAVE_ERR_NOT_FOUND;
    if (zsock_type(socket) == ZMQ_ROUTER) {
        from->len = zmq_msg_size(body);
        good = from->len <= sizeof from->at && zmq_msg_more(body);
        if (good)
            memcpy(from->at, zmq_msg_data(body), from->len);
        if (zmq_msg_more(body) && !receive(raw, body))
            good = false;
    }
    good = good && !zmq_msg_more(body);
    while (zmq_msg_more(body) && receive(raw, body))
        ;
    return good ? CONCLAVE_OK : CONCLAVE_ERR_REFUSED;
}

static enum conclave_err
send_part(void *raw, const void *at, size_t len, int flags)
{
    int rc;

    do
        rc = zmq_send(raw, at, len, flags | ZMQ_DONTWAIT);
    while (rc < 0 && errno == EINTR);
    if (rc >= 0)
        return CONCLAVE_OK;
    return errno == EAGAIN ? CONCLAVE_ERR_BUSY : CONCLAVE_ERR_NOT_FOUND;
}

enum conclave_err
broker_local_send(zsock_t *socket, const struct broker_local_id *to, struct msg_span bytes)
{
    void *raw = zsock_resolve(socket);

    if (to != NULL) {
        const enum conclave_err err = send_part(raw, to->at, to->len, ZMQ_SNDMORE);
        if (err != CONCLAVE_OK)
            return err;
    }
    return send_part(raw, bytes.at, bytes.len, 0);
}

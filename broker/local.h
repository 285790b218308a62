/* ZeroMQ between the processes of the registry: sockets in the data directory
 * (the working directory, which nobody else may enter), without CURVE. */
#ifndef BROKER_LOCAL_H
#define BROKER_LOCAL_H

#include <czmq.h>

#include "msg/base.h"
#include "msg/error.h"

#define BROKER_LOCAL_VAULT "ipc://vault.ipc"
#define BROKER_LOCAL_FRONT "ipc://front.ipc"

/* A bound ROUTER, and a DEALER that comes back by itself. */
enum conclave_err CONCLAVE_CHECK broker_local_bind(zsock_t **router_p, const char *endpoint);
enum conclave_err CONCLAVE_CHECK broker_local_connect(zsock_t **dealer_p, const char *endpoint);

/* On a ROUTER: who spoke, to answer. */
struct broker_local_id {
    uint8_t at[8];
    size_t len;
};

/* A socket that says when a DEALER's other side comes up; read it with
 * broker_local_came_up, which is true when it did since the last call. */
enum conclave_err CONCLAVE_CHECK broker_local_watch(zsock_t **monitor_p, zsock_t *dealer);
bool broker_local_came_up(zsock_t *monitor);

/* One message without blocking, into an initialised *body; NOT_FOUND: none.
 * Of a message that is not one of ours the parts are skipped: GARBAGE is not
 * expected here, and is REFUSED. */
enum conclave_err CONCLAVE_CHECK
broker_local_receive(zsock_t *socket, struct broker_local_id *from, zmq_msg_t *body);

/* Without blocking; `to` is NULL on a DEALER.  NOT_FOUND: the other side is
 * gone; BUSY. */
enum conclave_err CONCLAVE_CHECK
broker_local_send(zsock_t *socket, const struct broker_local_id *to, struct msg_span bytes);

#endif

/* The TCP side of door and front: a ROUTER with CURVE under its watchdog, its
 * connections, and what comes from them as events for a core. */
#ifndef BROKER_PORT_H
#define BROKER_PORT_H

#include <czmq.h>

#include "broker/channel.h"
#include "host/watchdog.h"
#include "msg/step.h"

/* The link of a connection: this bit, so that none is a BROKER_LINK_, and where
 * it is in the tables of this file. */
#define BROKER_PORT_LINK (1ull << 62)

struct broker_port;

/* Binds on the child's host and the first of its ports that is free.  The ZAP
 * domain must be there.  The sentence for the operator comes back in `why`. */
enum conclave_err CONCLAVE_CHECK
broker_port_open(struct broker_port **self_p, const struct broker_child *child,
                 const struct msg_box_sec *sec, const char *zap_domain, int64_t max_bytes,
                 const struct host_watchdog_limits *limits, char *why, size_t why_cap);

/* What is still to be sent may take linger_ms. */
void broker_port_close(struct broker_port **self_p, int linger_ms);

zsock_t *broker_port_socket(struct broker_port *self);
uint16_t broker_port_number(const struct broker_port *self);

/* The next thing that happened, without blocking: LINK_UP before the first
 * FRAME of a connection, LINK_DOWN within half a second of its end, or when it
 * was dropped; nothing of that connection comes after.  What it points to is
 * valid until the next call.  Called in every turn, it also cuts what is due. */
bool broker_port_next(struct broker_port *self, uint64_t now_ms, struct msg_event *event);

/* To poll beside the socket: readable when a connection has ended. */
int broker_port_wake(const struct broker_port *self);

/* There is something to be had of broker_port_next, or to be done by it, that
 * no poll tells. */
bool broker_port_has_news(const struct broker_port *self, uint64_t now_ms);

/* How long a loop may poll that wants to be woken at wake_ms (UINT64_MAX:
 * never) and looks at the news then. */
int broker_port_timeout_ms(const struct broker_port *self, uint64_t now_ms, uint64_t wake_ms);

/* Overwrites the bytes of the last FRAME, which may have held a secret. */
void broker_port_wipe_frame(struct broker_port *self);

/* A connection that does not take it is gone, or is cut: LINK_DOWN follows. */
void broker_port_send(struct broker_port *self, uint64_t link, struct msg_span bytes);

/* One message for many: `body` is shared between them, not copied.  BUSY: that
 * connection takes no more for now, did not get it, and stays. */
enum conclave_err CONCLAVE_CHECK broker_port_cast(struct broker_port *self, uint64_t link, zmq_msg_t *body);

struct broker_port_counts {
    uint64_t frames_in, bytes_in, frames_out, bytes_out;
    uint64_t full;          /* times that a connection took no more */
    uint64_t garbage;       /* messages that are not one frame */
    struct host_watchdog_counts watchdog;
};
void broker_port_counts(const struct broker_port *self, struct broker_port_counts *out);

/* What was sent before still goes out: the connection is cut a moment later,
 * and what it says until then is not heard. */
void broker_port_drop(struct broker_port *self, uint64_t link, uint64_t now_ms);

#endif

/* The TCP side of door and front: a ROUTER with CURVE under its watchdog, its
 * connections, and what comes from them as events for a core. */
#ifndef BROKER_PORT_H
#define BROKER_PORT_H

#include <czmq.h>

#include "broker/channel.h"
#include "host/watchdog.h"
#include "msg/step.h"

/* Links of connections have this bit, so that none is a BROKER_LINK_. */
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
 * FRAME of a connection, LINK_DOWN once it is known to be gone.  What it points
 * to is valid until the next call. */
bool broker_port_next(struct broker_port *self, uint64_t now_ms, struct msg_event *event);
/* There is something to be had of broker_port_next that no poll tells. */
bool broker_port_has_news(const struct broker_port *self);

/* Overwrites the bytes of the last FRAME, which may have held a secret. */
void broker_port_wipe_frame(struct broker_port *self);

/* A connection that does not take it is gone, or is cut: LINK_DOWN follows. */
void broker_port_send(struct broker_port *self, uint64_t link, struct msg_span bytes);
void broker_port_drop(struct broker_port *self, uint64_t link);

#endif

/* Where the front publishes its samples: a socket that the daemon's user alone
 * can reach.  It never waits for a monitor. */
#ifndef BROKER_MONITOR_H
#define BROKER_MONITOR_H

#include <czmq.h>

#include "msg/base.h"
#include "msg/catalog_monitor.h"
#include "msg/error.h"

struct broker_monitor {
    zsock_t *local;             /* XPUB in the data directory; NULL: closed */
    bool wants_rooms, wants_sessions; /* somebody has subscribed to these */
};

/* In the working directory, which nobody else may enter. */
enum conclave_err CONCLAVE_CHECK broker_monitor_open(struct broker_monitor *self);
void broker_monitor_close(struct broker_monitor *self);

/* Reads who has subscribed to what since the last time. */
void broker_monitor_hear(struct broker_monitor *self);

/* One message of a topic; whoever is slow loses it. */
void broker_monitor_publish(struct broker_monitor *self, const char *topic, struct msg_span frame);

#endif

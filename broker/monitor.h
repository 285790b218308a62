/* Where the front publishes its samples: a socket that the daemon's user alone
 * can reach, and, where the configuration says so, ports for monitors with keys
 * that are allowed.  It never waits for a monitor. */
#ifndef BROKER_MONITOR_H
#define BROKER_MONITOR_H

#include <czmq.h>
#include <pthread.h>

#include "broker/settings.h"
#include "host/curve.h"
#include "host/watchdog.h"
#include "msg/catalog_monitor.h"
#include "msg/keys.h"

#define BROKER_MONITOR_KEYS 64u /* that are allowed */

/* The keys of monitors elsewhere, from the file monitor/keys. */
struct broker_monitor_keys {
    struct broker_monitor_key {
        struct msg_box_pub key;
        bool names;             /* it may see names of users and rooms */
    } list[BROKER_MONITOR_KEYS];
    size_t count;
};

/* Reads lines of a key in hex, and the word names where it may see them; a #
 * begins a comment.  CONFIG with the sentence in why, which names the line. */
enum conclave_err CONCLAVE_CHECK
broker_monitor_keys_read(struct broker_monitor_keys *self, struct msg_text text, char *why, size_t why_cap);

/* Whether the key is allowed, and to see names where that is asked. */
bool broker_monitor_keys_admit(const struct broker_monitor_keys *self, const struct msg_box_pub *key, bool names);

enum broker_monitor_place { BROKER_MONITOR_LOCAL, BROKER_MONITOR_FIGURES, BROKER_MONITOR_NAMES, BROKER_MONITOR_PLACES };

enum broker_monitor_topic { BROKER_MONITOR_SAMPLES, BROKER_MONITOR_ROOMS, BROKER_MONITOR_SESSIONS, BROKER_MONITOR_TOPICS };

struct broker_monitor_socket {
    zsock_t *xpub;              /* NULL: closed */
    struct host_watchdog *watchdog;
    uint32_t wants[BROKER_MONITOR_TOPICS]; /* subscriptions, of different prefixes, that a topic comes under */
};

struct broker_monitor {
    struct broker_monitor_socket sockets[BROKER_MONITOR_PLACES];
    pthread_mutex_t lock;       /* over keys: those who connect are judged on another thread */
    struct broker_monitor_keys keys;
    struct host_frame frame;
};

/* What the configuration says of ports; without any it opens none.  pub and sec
 * are the front's; once, and it ends with broker_monitor_close. */
enum conclave_err CONCLAVE_CHECK
broker_monitor_open(struct broker_monitor *self, const struct broker_settings *settings,
                    const struct msg_box_pub *pub, const struct msg_box_sec *sec, char *why, size_t why_cap);
void broker_monitor_close(struct broker_monitor *self);

/* Reads the keys again: from the file that the configuration names now.  Those
 * who are connected come back and are judged by the new ones.  False: they cannot
 * be read, which the log says, and the old ones stay. */
bool broker_monitor_reload(struct broker_monitor *self, const struct broker_settings *settings);

/* Whoever connects from here on is told this first; 0: nothing. */
void broker_monitor_welcome(struct broker_monitor *self, uint64_t interval_ms);

/* The socket in the working directory, which nobody else may enter. */
enum conclave_err CONCLAVE_CHECK broker_monitor_open_local(struct broker_monitor *self);
void broker_monitor_close_local(struct broker_monitor *self);

/* Reads who has subscribed to what since the last time: so many words of each
 * socket that nobody else waits for it.  True: there may be more. */
bool broker_monitor_hear(struct broker_monitor *self);

/* Whether somebody has subscribed who may have the topic: of rooms and sessions,
 * those who may see names; and whether to any, or is connected to a port. */
bool broker_monitor_wants(const struct broker_monitor *self, enum broker_monitor_topic topic);
bool broker_monitor_wants_any(const struct broker_monitor *self);

/* One message of a topic, to those who may have it; whoever is slow loses it. */
void broker_monitor_publish(struct broker_monitor *self, enum broker_monitor_topic topic, struct msg_span frame);

#endif

/* The inside of the front's shell, shared by its files and included by them
 * alone: the loop and its settings (front.c), how it comes up and goes down
 * (front_open.c), what it hears (front_hear.c), what it does (front_perform.c)
 * and what it publishes about itself (front_monitor.c).  What it decides is broker/core/front_core's. */
#ifndef BROKER_FRONT_H
#define BROKER_FRONT_H

#include <czmq.h>

#include "broker/channel.h"
#include "broker/core/front_core.h"
#include "broker/core/sample.h"
#include "broker/local.h"
#include "broker/monitor.h"
#include "broker/port.h"
#include "broker/store.h"
#include "broker/store_view.h"
#include "host/ears.h"

enum broker_front_ear {
    EAR_MEMBERS = 1 << 0, /* frames, and connections that ended */
    EAR_DOOR = 1 << 1,
    EAR_VAULT = 1 << 2,   /* its frames, and that it came up */
    EAR_STORE = 1 << 3,
    EAR_SUPERVISOR = 1 << 4,
    EAR_MONITOR = 1 << 5, /* who subscribed, and that somebody has connected, who is welcomed then */
};

/* A CAST that did not reach a connection: the core is told in a step of its own. */
struct broker_front_full {
    uint64_t link;
    uint64_t id;
};

/* The last COUNTS of a neighbour. */
struct broker_front_told {
    bool fresh;                 /* it is the answer to the last question */
    unsigned missed;            /* questions since it was said */
    size_t len;
    uint8_t at[MSG_FRAME_MAX];
};

/* What is published, while something is. */
struct broker_front_watch {
    struct broker_sample sample;
    uint64_t number;            /* of the last sample */
    uint64_t began_ms;
    uint64_t due_ms;            /* the next sample */
    bool alone;                 /* nobody has subscribed: no samples are made */
    bool asking;                /* door and vault, until: */
    uint64_t answer_ms;
    struct broker_front_told door, vault;
    uint64_t turns, lag_us;
    struct msg_histogram asked[MSG_KIND_LIMIT];
    uint8_t frame[MSG_FRAME_MAX], items[MSG_FRAME_MAX];
};

struct broker_front {
    const struct broker_child *child;
    struct broker_settings settings;
    struct host_store *store;
    struct broker_store *writer;
    struct broker_front_core *core;
    struct broker_store_view reading;
    struct broker_view view;
    struct broker_port *port;
    zsock_t *door;
    struct broker_local_id door_id; /* len 0: it has not spoken yet */
    zsock_t *vault;
    zsock_t *vault_monitor;
    struct host_ears ears;
    struct msg_effects effects;
    struct msg_time now;
    struct broker_front_full *full;
    size_t full_count, full_room;
    struct broker_monitor monitor;
    struct broker_front_watch *watch; /* NULL: nothing is published */
    uint64_t wake_ms; /* on the monotonic clock; UINT64_MAX: never */
};

/* ---- front: the loop ---- */
/* What the core is told of the configuration. */
struct broker_front_settings broker_front_settings(const struct broker_front *self);
enum conclave_err CONCLAVE_CHECK broker_front_log(const struct broker_settings *settings);

/* ---- open: coming up and going down ---- */
/* Everything but the core's START; false: the supervisor was told why not. */
bool CONCLAVE_CHECK broker_front_open(struct broker_front *self);
/* The goodbyes go out, and what was handed in is committed; both bounded. */
void broker_front_close(struct broker_front *self);

/* ---- hear: what came becomes events, one step each ---- */
void broker_front_step(struct broker_front *self, const struct msg_event *event);
void broker_front_hear_store(struct broker_front *self);
void broker_front_hear_vault(struct broker_front *self);
void broker_front_hear_door(struct broker_front *self);
void broker_front_hear_members(struct broker_front *self);

/* ---- monitor: what is published about us ---- */
uint64_t broker_front_now_us(void); /* monotonic, to measure with */
/* Opens or closes it as the settings say. */
void broker_front_monitor_set(struct broker_front *self);
void broker_front_monitor_close(struct broker_front *self);
void broker_front_monitor_hear(struct broker_front *self);
/* One sample more, out of turn: it says that we are about to end. */
void broker_front_monitor_last(struct broker_front *self);
/* When there is something to do next; UINT64_MAX: never. */
uint64_t broker_front_monitor_next(const struct broker_front *self);
void broker_front_monitor_due(struct broker_front *self);
/* Whether the frame of door or vault is for it. */
bool broker_front_monitor_told(struct broker_front *self, uint64_t link, struct msg_span frame);
/* A frame of that kind took so long; a turn of the loop did. */
void broker_front_monitor_asked(struct broker_front *self, uint64_t kind, uint64_t took_us);
void broker_front_monitor_turn(struct broker_front *self, uint64_t took_us);

/* ---- perform: what the core asked for, in the order it was asked ---- */
void broker_front_perform(struct broker_front *self);

#endif

/* The door's mind, pure: strangers knock with SIGNUP, ENROL or PASSWD.  It
 * parses, limits sources, judges names and passwords, and hands well-formed
 * requests to the front; it has no store and no authority.
 *
 * Links: BROKER_LINK_FRONT speaks DOOR_ASK / DOOR_TELL; every other link is a
 * stranger's connection. */
#ifndef BROKER_DOOR_CORE_H
#define BROKER_DOOR_CORE_H

#include "msg/catalog.h"
#include "msg/step.h"

#define BROKER_LINK_FRONT 1u

/* What strangers may ask for, and by which kind of frame. */
enum broker_knock { BROKER_KNOCK_SIGNUP, BROKER_KNOCK_ENROL, BROKER_KNOCK_PASSWD, BROKER_KNOCKS };
enum msg_kind broker_knock_kind(enum broker_knock knock);

/* Judges a password (libpwquality in the door): OK or WEAK_PASSWORD with the
 * reason as a sentence.  Must be a function of its arguments. */
typedef enum conclave_err broker_judge_fn(void *arg, struct msg_text name, struct msg_text password, char why[256]);

struct broker_door_settings {
    uint64_t signups_burst;         /* limits.signups: burst for each source (50) ... */
    uint64_t signups_per_hour;      /* ... and refill */
    uint64_t knocks_burst;          /* limits.knocks: all requests of one source (100) ... */
    uint64_t knocks_per_minute;
    uint64_t pending;               /* requests waiting for the front: 256; beyond: BUSY */
    struct msg_box_pub door;        /* our CURVE key, for proofs */
    broker_judge_fn *judge;
    void *judge_arg;
};

struct broker_door_core;
struct broker_door_core *broker_door_core_new(const struct broker_door_settings *settings);
void broker_door_core_destroy(struct broker_door_core **self_p);
void broker_door_core_set(struct broker_door_core *self, const struct broker_door_settings *settings);
void broker_door_core_step(struct broker_door_core *self, struct msg_time now, const struct msg_event *event, struct msg_effects *out);

struct broker_door_counts {
    uint64_t knocks, refused, limited, garbage, pending;
    struct msg_histogram took[BROKER_KNOCKS];   /* those that the front was asked about: until they were answered */
};
void broker_door_core_counts(const struct broker_door_core *self, struct broker_door_counts *out);

#endif

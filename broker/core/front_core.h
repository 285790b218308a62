/* The registry's mind, pure: accounts, devices, sessions and leases, search
 * and lists, presence, introductions, certificates and revocation.  Driven by
 * broker/front, by the simulator and by the fuzzer.  It never sees a password
 * hash being made (it asks the vault) nor a socket.
 *
 * Links: BROKER_LINK_DOOR speaks DOOR_ASK / DOOR_TELL, BROKER_LINK_VAULT the
 * VAULT_ frames; every other link is a connection of a member, whose FRAME
 * events carry the proven key.  Requests to the vault may be lost (it may
 * restart): they are asked again after 2 s, and given up as BUSY after 20 s. */
#ifndef BROKER_FRONT_CORE_H
#define BROKER_FRONT_CORE_H

#include "broker/tables/mailbox.h"
#include "broker/tables/view.h"
#include "msg/step.h"

#define BROKER_LINK_DOOR 1u
#define BROKER_LINK_VAULT 2u

struct broker_front_settings {
    uint64_t accounts;              /* limits.accounts */
    uint64_t devices;               /* limits.devices, per account */
    uint64_t sessions;              /* limits.sessions, in all */
    uint64_t watches;               /* limits.watches, per session */
    uint64_t rooms;                 /* limits.rooms, in all */
    uint64_t room_members;          /* limits.room_members, of one room; as many again may be invited */
    uint64_t memberships;           /* limits.memberships, in all rooms together, with invitations */
    uint64_t account_rooms;         /* limits.account_rooms, that one account is in; invited to as many again */
    uint64_t mesh_join;             /* rooms.mesh_join: up to so many members a room becomes a mesh ... */
    uint64_t mesh_stay;             /* rooms.mesh_stay: ... and up to so many it stays one */
    uint64_t posts_per_s;           /* limits.posts_per_s: into rooms, per session; as many in a burst */
    uint64_t post_kib_per_s;        /* limits.post_mib_per_s, likewise */
    uint64_t log_frames;            /* rooms.log_frames, of one room */
    uint64_t log_bytes;             /* rooms.log_mib */
    uint64_t log_ms;                /* rooms.log_days */
    uint64_t requests_burst;        /* limits.requests: per session, burst ... */
    uint64_t requests_per_s;        /* ... and refill */
    uint64_t relay_burst_bytes;     /* limits.relay_burst_bytes: per session, and ... */
    uint64_t relay_bytes_per_s;     /* ... limits.relay_bytes_per_s, of what it sends others through us */
    struct broker_mail_limits mail; /* mail. */
    uint64_t lease_ms;              /* lease.ping_ms: 15000 */
    uint64_t expiry_ms;             /* lease.expiry_ms: 45000 */
    uint64_t gather_ms;             /* presence.gather_ms: 1000 */
    bool throttle_account;          /* throttle.scope = account */
    uint64_t throttle_failures;     /* 3 */
    uint64_t throttle_first_ms;     /* 10000 */
    uint64_t throttle_last_ms;      /* 900000 */
    bool registration;              /* may anybody sign up */
    char front_host[MSG_HOST_MAX + 1]; /* told in ADMITTED; "": the link's host */
    uint16_t front_port;
    struct msg_box_pub front;       /* its CURVE key */
    struct msg_box_pub door;        /* the door's, for proofs */
    struct msg_sign_pub signer;     /* the vault's */
};

struct broker_front_core;

/* All memory is taken here; NULL when there is not enough.  The view must
 * outlive the core; counters are read from it at EVENT_START. */
struct broker_front_core *broker_front_core_new(const struct broker_front_settings *settings, const struct broker_view *view);
void broker_front_core_destroy(struct broker_front_core **self_p);

/* New settings from a reload; table sizes stay as they were. */
void broker_front_core_set(struct broker_front_core *self, const struct broker_front_settings *settings);

void broker_front_core_step(struct broker_front_core *self, struct msg_time now, const struct msg_event *event, struct msg_effects *out);

struct broker_front_counts {
    uint64_t sessions, accounts_online, requests, refused, log_ins, log_ins_failed, sign_ups, introductions, presence_sent, garbage;
    uint64_t sessions_most, enrolments; /* at once; devices of accounts that were there */
    uint64_t stale_ops;     /* operations on rooms that have seen nothing lately */
    uint64_t posts, copies; /* frames taken into rooms; posts that were cast, by each who got them */
    uint64_t casts, log_read, log_expired; /* messages that the copies went out in; posts read back, and gone */
    uint64_t behind; /* times that a session fell behind what is cast to it */
    uint64_t relayed, unreached;
    uint64_t mail_stored, mail_refused, mail_pushed, mail_expired, mail_waiting;
    bool mail_counted; /* mail_waiting is all there is, stored or on its way */
    bool broken, stopping;
    uint64_t asked[MSG_KIND_LIMIT];                 /* frames of members and knocks, by kind */
    uint64_t refused_by[CONCLAVE_ERR_TIMEOUT + 1];  /* by error; the last one there is */
};
/* Whether members, or strangers by the door, may ask that: the others are garbage. */
bool broker_front_core_answers(enum msg_kind kind);

void broker_front_core_counts(const struct broker_front_core *self, struct broker_front_counts *out);

/* What is looked up for those who watch: it costs a walk through the tables, so
 * once a second and not with every step. */
struct broker_front_gauges {
    uint64_t accounts, blocked, rooms, members, seats, mail_bytes, mail_oldest_ms;
    uint64_t log_frames, log_bytes, log_oldest_ms;
    bool log_counted; /* of all logs: the first look at them, soon after the start, is over */
};
void broker_front_core_gauges(const struct broker_front_core *self, struct msg_time now, struct broker_front_gauges *out);

/* One page of rows, ROOM_ROW or SESSION_ROW, appended to items and rows, from
 * slot *at on, which moves on; false: that was the last page.  Begin with 0. */
bool broker_front_core_room_rows(const struct broker_front_core *self, uint32_t *at, struct msg_buf *items, struct msg_list *rows);
bool broker_front_core_session_rows(const struct broker_front_core *self, struct msg_time now, uint32_t *at, struct msg_buf *items, struct msg_list *rows);

#endif

/* The peer's mind, pure: it signs up and logs in, finds people, dials them,
 * seals what is said, keeps the outbox until each device said it has it, and
 * shows what came once and in order.  Driven by peer/loop, by the simulator
 * and by the fuzzer.
 *
 * In: CMD_ frames of the user, frames of links.  Out: TELL_s, sends,
 * dials, admissions, records.  Each CMD_ with a `req` is answered by exactly
 * one of TELL_OK, TELL_FAILED, TELL_USERS and TELL_ROOMS (the last page has
 * next ""), TELL_MEMBERS (the last has more false), TELL_USER, TELL_DEVICES,
 * TELL_STATS. */
#ifndef PEER_CORE_H
#define PEER_CORE_H

#include "msg/step.h"
#include "peer/tables/tables.h"

/* Ids of links: the core makes those it dials below this, the shell those it
 * accepts from this on. */
#define PEER_LINK_ACCEPTED (1ull << 63)

/* Who this device is; from the key file. */
struct peer_identity {
    struct msg_sign_pub sign;
    struct msg_sign_sec sign_sec;
    struct msg_box_pub transport;
    struct msg_box_sec transport_sec;
};

struct peer_settings {
    uint32_t contacts;          /* at most this many people */
    uint32_t outbox_count;      /* messages that wait */
    uint64_t outbox_bytes;      /* their texts */
    uint32_t rooms;             /* at most this many rooms */
    uint32_t room_members;      /* members of each, on average */
    uint32_t cards;             /* certificates of people in rooms that are kept */
    uint32_t room_keys;         /* sender keys of rooms that are kept */
    uint16_t port;              /* of the inbound socket; 0: none */
    uint64_t direct;            /* enum msg_direct */
    char link[MSG_LINK_MAX + 1]; /* invite link; "": the remembered one */
    uint32_t addresses_count;   /* further endpoints of the inbound socket */
    char addresses[MSG_ENDPOINT_COUNT][MSG_ENDPOINT_MAX + 1];
};

/* What a settings struct of zeros stands for. */
#define PEER_CONTACTS_DEFAULT 1024u
#define PEER_OUTBOX_COUNT_DEFAULT 8192u
#define PEER_OUTBOX_BYTES_DEFAULT (8ull << 20)
#define PEER_ROOMS_DEFAULT 200u
#define PEER_ROOM_MEMBERS_DEFAULT 1024u

struct peer_core;

/* All memory is taken here (and touched only as it is used). */
struct peer_core *peer_core_new(const struct peer_settings *settings, const struct peer_identity *identity);
void peer_core_destroy(struct peer_core **self_p);

/* First EVENT_RECORD for every record there is, table by table in the order
 * of the enum, then EVENT_START.  Of INBOX come only the records after the
 * shown mark, and before them one with the mark as its key and no bytes. */
void peer_core_step(struct peer_core *self, struct msg_time now, const struct msg_event *event, struct msg_effects *out);

/* False: so much waits for the disk that no frame should be read before some of
 * it is synced.  What comes nevertheless may be passed over, and comes again. */
bool peer_core_hears(const struct peer_core *self);

/* For the shells and for people: what it is doing. */
struct peer_core_state {
    bool enrolled;              /* there is an account for this device */
    bool online;                /* logged in at the registry now */
    bool logged_out;            /* by the user */
    char name[MSG_NAME_MAX + 1];
    char link[MSG_LINK_MAX + 1];
    uint64_t unacknowledged;    /* messages that nobody they are for has yet */
};
void peer_core_state(const struct peer_core *self, struct peer_core_state *out);

#endif

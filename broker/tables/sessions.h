/* Devices that are logged in: who they are, which connection they use, where
 * they can be reached, and their leases.  Ten thousand idle ones cost nothing
 * but their memory.  A pure table of fixed size. */
#ifndef BROKER_SESSIONS_H
#define BROKER_SESSIONS_H

#include "broker/tables/bucket.h"
#include "broker/tables/wheel.h"
#include "msg/catalog.h"
#include "msg/error.h"

#define BROKER_REACH_BYTES 400u /* the endpoints of one device, packed */

/* Where a device can be reached and who may know it, as said in its LOGIN. */
struct broker_reach {
    uint8_t direct; /* enum msg_direct */
    uint8_t status;
    uint8_t count;
    uint16_t len;
    char observed[BROKER_SOURCE_MAX + 1];
    char endpoints[BROKER_REACH_BYTES]; /* each with two bytes of length before it */
};

/* BAD_ARGUMENTS for an endpoint that is none.  Candidates that do not fit are
 * left out: the first ones are the likeliest. */
enum conclave_err CONCLAVE_CHECK
broker_reach_set(struct broker_reach *self, const struct msg_login *login, struct msg_text source);

/* Walks the endpoints: start with *at = 0; false at the end. */
bool broker_reach_next(const struct broker_reach *self, size_t *at, struct msg_text *endpoint);

struct broker_session {
    bool used;
    uint64_t conn;
    struct msg_box_pub key;
    uint64_t account;
    uint64_t device;
    uint64_t generation;
    uint64_t heard_ms;
    uint64_t login_req;             /* of the LOGIN that was answered last */
    uint64_t lease_ms;              /* as it was told */
    uint64_t told_ms;               /* when it was told the clock, and this: */
    uint64_t told_version;          /* of the revocation list */
    struct broker_bucket requests;
    struct broker_bucket calm;      /* for what the first one does not count */
    struct broker_bucket bytes;     /* of what it sends others through us */
    struct broker_reach reach;
    uint32_t next_free;             /* slot + 1 */
    uint32_t person;                /* slot in broker/tables/people */
    uint32_t person_next, person_prev; /* slot + 1: others of the account */
    uint32_t watch_first;           /* slot + 1 in broker/tables/people */
    uint32_t watch_dirty;           /* slot + 1: what is to be told */
    uint32_t watch_count;
    uint64_t mail_sent;             /* serial: pushed up to here */
    uint64_t mail_out;              /* bytes of it that it did not collect */
    uint64_t deposit_last;          /* mark in broker/tables/mailwrites */
    uint32_t deposits;              /* that wait for the disk */
    uint32_t asking;                /* introductions that it waits for */
    uint32_t asked;                 /* introductions that wait for it */
};

struct broker_sessions {
    struct broker_session *list;
    uint32_t capacity;
    uint32_t high;                  /* slots from here on were never used */
    uint32_t free_first;            /* slot + 1 */
    uint32_t count;
    struct broker_index by_key;
    struct broker_index by_conn;
    struct broker_wheel leases;
};

bool CONCLAVE_CHECK
broker_sessions_init(struct broker_sessions *self, uint32_t capacity, uint64_t expiry_ms, uint64_t seed);
void broker_sessions_wipe(struct broker_sessions *self);

/* BROKER_NONE when there is none. */
uint32_t broker_sessions_by_key(const struct broker_sessions *self, const struct msg_box_pub *key);
uint32_t broker_sessions_by_conn(const struct broker_sessions *self, uint64_t conn);

/* A new session on conn, which no other session uses; BROKER_NONE: full. */
uint32_t broker_sessions_add(struct broker_sessions *self, const struct msg_box_pub *key, uint64_t conn);
void broker_sessions_move(struct broker_sessions *self, uint32_t slot, uint64_t conn);
void broker_sessions_remove(struct broker_sessions *self, uint32_t slot);

/* The session was heard from: its lease starts anew. */
void broker_sessions_heard(struct broker_sessions *self, uint32_t slot, uint64_t now_ms, uint64_t expiry_ms);

/* Takes one session whose lease ran out; BROKER_NONE. */
uint32_t broker_sessions_expired(struct broker_sessions *self, uint64_t now_ms, uint64_t expiry_ms);

#endif

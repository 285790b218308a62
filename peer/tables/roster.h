/* The people this device talks with and their devices: pure tables with the
 * state of each conversation, and their records. */
#ifndef PEER_ROSTER_H
#define PEER_ROSTER_H

#include "msg/cert.h"
#include "msg/chain.h"
#include "msg/envelope.h"
#include "msg/name.h"
#include "msg/step.h"
#include "peer/tables/outbox.h"

#define PEER_RUNS_IN 2u     /* runs of one device that may overlap: the last and the one before */
#define PEER_SYNCS 8u       /* transactions under way that advance one chain */

enum peer_link_state { PEER_LINK_NONE, PEER_LINK_DIALLING, PEER_LINK_GREETING, PEER_LINK_UP };

/* One of the three links that there may be with a device: the one that we
 * dialled, the one that they did, and the one through the front. */
struct peer_link {
    uint64_t id;
    enum peer_link_state state;
};

struct peer_chain_in {      /* what came from a device */
    bool known;
    bool anew;              /* it started over: an older copy of their disk was put back */
    struct peer_mark mark;  /* the last accepted */
    uint64_t salt;
    struct msg_head head;
    struct msg_head start;  /* the head before number 1 of its incarnation; zeros: not known */
    struct peer_mark synced; /* the last that is on disk: what we acknowledge */
    uint64_t synced_salt;
    uint64_t read;          /* the last number the user has read, in synced.incarnation */
    uint64_t told;          /* the last of these that was told */
};

/* Where the last batch of a device ended: the next envelope of its run may go
 * on from there without a word. */
struct peer_stand {
    struct msg_tag run;
    uint64_t next;          /* the counter of that envelope */
    struct msg_chain chain; /* incarnation 0: nobody knows where */
    struct msg_place at;
};

struct peer_sync { uint64_t store; struct peer_mark mark; uint64_t salt; };

struct peer_device {
    bool used;
    uint32_t contact;
    uint32_t next;          /* of the same contact */
    struct msg_cert cert;
    uint8_t certificate[MSG_CERT_MAX];
    size_t certificate_len;
    uint32_t endpoint_count;
    char endpoints[MSG_ENDPOINT_COUNT][MSG_ENDPOINT_MAX + 1];

    /* the link */
    struct peer_link dialled;
    struct peer_link accepted;
    uint32_t candidate;     /* endpoint being tried */
    uint64_t dial_until_ms; /* give this candidate up; 0: none is tried */
    uint64_t dial_at_ms;    /* try again; 0: not planned */
    uint32_t dial_failures;
    struct peer_link relayed;   /* peer/core/relay.c */
    uint64_t relay_until_ms;    /* its greeting is given up; 0: none is under way */
    uint64_t relay_at_ms;       /* not opened again before */
    uint64_t greeted_ms;        /* when HELLO was last said on it; 0: never */
    uint64_t direct_at_ms;      /* while it is up: not dialled again before */
    bool away;                  /* not online, as the registry said last */

    /* to the device */
    struct peer_mark acked; /* it has everything up to here, it said */
    struct peer_mark read;
    struct peer_mark read_told; /* ticks were told up to here */
    uint32_t cursor;        /* next message to send; PEER_NONE: all were sent */
    uint32_t in_flight;     /* sent and not acknowledged */
    uint64_t batched_ms;    /* when the last of it was */
    bool gathers;           /* what waits does so for a full envelope, or the next millisecond */
    uint64_t resend_at_ms;  /* 0: nothing is in flight */
    uint64_t resend_ms;     /* the time-out now */
    struct peer_mark sent;  /* the last that was sent */
    struct peer_mark mailed; /* the registry keeps for it what it does not have up to here ... */
    struct peer_mark returned; /* ... but for what came back, as nobody had come for it */
    uint64_t mail_at_ms;    /* see what is to be mailed then; 0: not planned */
    uint64_t mail_rest_ms;  /* not before: the last one was refused, or just came back */
    uint32_t mail_failures;
    bool mail_due;          /* goes with the next DEPOSIT */
    uint64_t progress_ms;   /* when it last acknowledged something */
    uint64_t rewound_ms;    /* when a gap last made us go back */
    struct msg_run run_out;
    struct peer_mark sealed; /* the last message under run_out: the next one goes on from it; 0: none */

    /* from the device */
    struct peer_chain_in in;
    struct peer_sync syncs[PEER_SYNCS];
    uint32_t sync_count;
    bool receipt_due;
    bool gap_due;
    bool gap;               /* something is missing, and was asked for */
    bool refused;           /* something came while too much waited for the disk: to be asked for */
    bool read_due;          /* the user read something that they were not told of */
    uint32_t unreceipted;   /* messages since the last receipt */
    uint64_t receipt_at_ms; /* send it even if nothing else goes; 0: none is due */
    uint64_t told_ms;       /* when a receipt last left, or was deposited */
    uint64_t unlinked_ms;   /* since when it is due and there is no link; 0: it is not, or there is one */
    struct msg_run runs_in[PEER_RUNS_IN];
    uint32_t run_turn;
    struct peer_stand stand;
    uint64_t resealed_ms;   /* when we last asked for a new run */
};

struct peer_contact {
    bool used;
    uint64_t account;
    char name[MSG_NAME_MAX + 1];
    char folded[MSG_FOLD_MAX + 1];
    bool blocked;
    bool watched;
    uint64_t status;        /* enum msg_status, as last heard */
    uint32_t devices;       /* list; PEER_NONE: none known */
    struct peer_queue queue;
    struct peer_mark said;  /* the chain to them: its last number */
    struct msg_head head;
    struct peer_mark from;  /* where the incarnation before ended */
    struct peer_mark delivered; /* the most that any device of theirs has */
    struct peer_mark read;
    struct peer_mark kept;      /* the most that the registry ever kept for any of them ... */
    struct peer_mark stored;    /* ... and up to here the tick was told */
    bool ticks_due;             /* some could not be told yet */
    bool mail_refused;          /* the user was told so */
    bool mail_returned;         /* likewise, since something was said last */
    bool fresh;             /* their list of devices was asked for since we last heard of them */
    struct peer_mark sure;  /* of what was said up to here we know every device it is owed */
    struct peer_mark sure_next; /* the same once the INTRODUCE under way is answered */
    uint64_t introduce_req; /* an INTRODUCE under way; 0: none */
    uint64_t introduce_at_ms; /* ask (again) at; 0: not planned */
    uint32_t introduce_failures;
    enum conclave_err warned;   /* what the user was told of them last, so that each try does not tell it again */
};

struct peer_roster {
    struct peer_contact *contacts;
    uint32_t contact_room;
    uint32_t contact_count; /* slots ever used */
    struct peer_device *devices;
    uint32_t device_room;
    uint32_t device_count;
    uint8_t *dirty;         /* a byte for each device: it has something to send */
    uint8_t *syncing;       /* a byte for each device: its chain waits for the disk */
    bool refused;           /* something of some device was, see there */
    uint32_t last_contact;  /* found last: bursts ask for the same one */
    uint32_t last_device;
    char typed[MSG_NAME_MAX]; /* the name that was parsed last; typed_len 0: none */
    size_t typed_len;
    struct msg_name typed_name;
};

bool peer_roster_init(struct peer_roster *self, uint32_t contacts);
void peer_roster_wipe(struct peer_roster *self);

/* NULL where there is none. */
struct peer_contact *peer_roster_contact(struct peer_roster *self, uint64_t account);
struct peer_contact *peer_roster_named(struct peer_roster *self, const struct msg_name *name);

/* A name as it was typed, parsed; stands until the next call.  NULL: it is none. */
const struct msg_name *peer_roster_typed(struct peer_roster *self, struct msg_text typed);
struct peer_device *peer_roster_device(struct peer_roster *self, uint64_t account, uint64_t device);
struct peer_device *peer_roster_by_key(struct peer_roster *self, const struct msg_box_pub *transport);
struct peer_device *peer_roster_by_link(struct peer_roster *self, uint64_t link);

/* A new or known contact; NULL when the table is full or the name is none. */
struct peer_contact *peer_roster_add(struct peer_roster *self, uint64_t account, struct msg_text name);

/* A new or known device of a contact; NULL when the table is full. */
struct peer_device *peer_roster_add_device(struct peer_roster *self, struct peer_contact *contact, uint64_t device);
void peer_roster_remove_device(struct peer_roster *self, struct peer_device *device);
void peer_roster_remove(struct peer_roster *self, struct peer_contact *contact); /* its devices and queue must be gone */

struct peer_contact *peer_roster_contact_of(struct peer_roster *self, const struct peer_device *device);
uint32_t peer_roster_index(const struct peer_roster *self, const struct peer_contact *contact);

/* Iterate: start with index 0; NULL at the end. */
struct peer_contact *peer_roster_each(struct peer_roster *self, uint32_t *index);
struct peer_device *peer_roster_each_device(struct peer_roster *self, uint32_t *index);
struct peer_device *peer_roster_first_device(struct peer_roster *self, const struct peer_contact *contact);
struct peer_device *peer_roster_next_device(struct peer_roster *self, const struct peer_device *device);

/* The next device whose byte is set in dirty or syncing, from *index on. */
struct peer_device *peer_roster_each_marked(struct peer_roster *self, const uint8_t *marks, uint32_t *index);
uint32_t peer_roster_device_index(const struct peer_roster *self, const struct peer_device *device);

/* Puts an endpoint in front of the candidates. */
void peer_roster_prefer_endpoint(struct peer_device *device, struct msg_text endpoint);

/* The records. */
void peer_roster_put_contact(const struct peer_contact *contact, struct msg_effects *out);
void peer_roster_put_device(const struct peer_device *device, struct msg_effects *out);
void peer_roster_put_chain_out(const struct peer_contact *contact, struct msg_effects *out);
void peer_roster_put_chain_in(const struct peer_device *device, struct msg_effects *out);

#endif

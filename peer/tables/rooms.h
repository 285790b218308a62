/* The rooms this device knows, who is in them, and where the chains in them
 * stand: pure tables with their records.  All memory is taken at init, and
 * touched only as it is used. */
#ifndef PEER_ROOMS_H
#define PEER_ROOMS_H

#include "msg/name.h"
#include "msg/room.h"
#include "msg/roomkey.h"
#include "msg/step.h"
#include "peer/tables/outbox.h"

#define PEER_ROOM_HEADS MSG_ROOM_SEEN_MAX /* heads of the last entries of a roster that are kept, to check what others have seen */

/* Somebody who has, or had, a part in a room. */
struct peer_mate {
    uint32_t room;              /* index */
    uint32_t next;              /* of the same room; PEER_NONE: the last */
    uint32_t chain;             /* of the same bucket: index + 1; 0: the last */
    bool used;
    struct msg_room_part part;
    char name[MSG_NAME_MAX + 1]; /* "": not known */
    uint64_t came;              /* the epoch in which it last came in */
    struct msg_tag handed;      /* the last sender key of ours that the account was handed; zeros: none */
    uint64_t handed_counter;    /* from this step on */
    uint64_t newest;            /* device that it was handed, the highest number; 0: none yet (peer/rooms/room_devices.c) */
    uint64_t devices;           /* bit i: device newest - i was */
    bool meeting;               /* they are being listed for the first time */
    bool kept;                  /* that is on disk: all parcels of it were deposited */
    struct peer_mark delivered; /* of ours, the most that a device of theirs said it has ... */
    struct peer_mark delivered_told; /* ... and up to here the user was told */
};

/* The chain of a device in a room, coming in. */
struct peer_sender {
    uint32_t room;
    uint32_t next;              /* of the same room */
    uint32_t chain;
    bool used;
    uint64_t account;
    uint64_t device;
    struct peer_mark mark;      /* the last accepted; incarnation 0: none yet */
    uint64_t salt;
    struct msg_head head;       /* of its chain up to there; 0: that was before we went, and came back */
    struct peer_mark synced;    /* the last that is on disk: what may be said to have come */
    struct { uint64_t store; struct peer_mark mark; } syncs[2]; /* transactions under way that advance it, oldest first; store 0: none */
    struct peer_mark told;      /* the last that was said to have come */
    uint64_t use;               /* when something of it last came, counted in peer_room.uses; 0: not in this life */
    struct peer_mark spoken;    /* the last that we know to have been said */
    bool warned;                /* the user was told that its chain is broken */
    bool lied;                  /* it published what it had not signed: nothing of it waits for its proof any more */

    /* its frames wait for a key, or its certificate (peer/rooms/room_lack.c) */
    uint64_t waits;             /* from this offset on; 0: none do */
    bool uncertified;           /* it is the certificate that is lacking */
    uint64_t lacks_epoch;
    struct msg_tag lacks;       /* the key */
    struct peer_mark first;     /* message of what waits */
    struct peer_mark lost;      /* from there on it is gone from the log, and nothing came before it; 0: nothing is */
    uint32_t asks;              /* so often it was asked for */
    uint32_t others;            /* and so often another one came */
    uint64_t ask_at_ms;         /* ask (again) then; 0: not planned */
    bool given_up;              /* what is sealed with that key is passed over */
};

/* Whether what comes next of that sender must follow what came: not where
 * nothing came yet (sender may be NULL), and not after we went and came back,
 * when what was said in between is not ours. */
bool peer_rooms_is_chained(const struct peer_sender *sender);

#define PEER_POSTS 32u          /* frames of a room that may be under way */

/* A frame that was posted and is neither stored nor refused. */
struct peer_post {
    uint64_t incarnation;
    uint64_t first;
    uint64_t last;
    bool stale;                 /* what is in it goes again in another */
};

enum peer_key_state {
    PEER_KEY_NONE,              /* none, or not to be used any more */
    PEER_KEY_HANDING,           /* somebody was not handed it yet */
    PEER_KEY_READY
};

struct peer_room {
    bool used;
    struct msg_room facts;      /* of the roster, as far as it was read */
    char name[MSG_ROOM_NAME_MAX + 1];
    char folded[MSG_ROOM_FOLD_MAX + 1];
    char topic[MSG_TOPIC_MAX + 1];
    uint64_t role;              /* ours, enum msg_role */
    uint64_t standing;          /* ours, enum msg_standing */
    uint32_t mates;             /* list */
    uint32_t senders;           /* list */

    /* reading the roster (peer/rooms/room_ops.c) */
    uint64_t history;           /* entries up to this one happened before we came: not told one by one */
    struct { uint64_t act; char user[MSG_NAME_MAX + 1]; char by[MSG_NAME_MAX + 1]; } last;  /* of these, what was done by us or to us; act 0: nothing */
    uint64_t target;            /* the last entry that we heard of */
    bool behind;                /* there is, or may be, more of it than we have */
    bool reading;               /* ENTRIES_OF is under way */
    bool reread;                /* and was asked before somebody wanted to know: once more after it */
    bool listed;                /* in the ROOM_STATE that is being read */
    bool refused;               /* an entry did not hold: nothing more is taken in this session */
    uint64_t warned;            /* the number of the entry whose refusal was told; 0: none */
    uint64_t read_at_ms;        /* read (again) then */
    struct { uint64_t number; struct msg_head head; } proved;   /* a head before those that are kept, shown to be right */
    struct { uint64_t seen; struct msg_head claim; uint64_t number; struct msg_head head; } proof; /* one under way: seen 0: none */

    /* the log */
    uint64_t cursor;            /* read up to here */
    uint64_t offset;            /* where it stands, as the registry said last */
    bool live;                  /* it comes as ROOM_CAST */
    uint64_t epoch_read;        /* of the last frame in it that was read with all before it, in this life */
    bool passing;               /* ROOM_READ is under way */
    uint64_t pass_from;         /* this pass over the log began here, */
    uint64_t pass_at;           /* and has come up to here */
    bool again;                 /* another pass is due, */
    uint64_t again_from;        /* from here on */
    uint64_t pass_at_ms;        /* not before */
    uint64_t kept;              /* the record says that nothing is missing up to here */
    bool gap;                   /* something that was said is missing, and is being had */
    struct { uint64_t offset; uint64_t number; } stuck; /* a frame that waited for the roster, and where that stood */
    bool split;                 /* the user was told that others see another roster */
    uint64_t ask_at_ms;         /* for what senders lack; 0: not planned */
    bool ticks_due;             /* some could not be told yet */
    uint64_t uses;              /* of its senders */
    bool syncing;               /* chains in it, or our key, wait for the disk */
    uint64_t receipt_at_ms;     /* say what has come; 0: nothing is due */
    uint64_t receipt_ms;        /* when that was said last */
    bool receipt_all;           /* also what was said before */

    /* our chain */
    struct peer_mark said;      /* its last number */
    struct msg_head said_head;
    struct peer_mark from;      /* where the incarnation before ended */
    struct peer_queue queue;    /* what waits for being stored */
    uint32_t post_next;         /* of it, the next to post; PEER_NONE: all were */
    bool post_due;              /* look whether something can be posted */
    struct peer_post posts[PEER_POSTS]; /* oldest first */
    uint32_t post_count;
    struct peer_mark posted;    /* the last that was ever posted in this life */
    struct peer_mark stored;    /* the registry has it on disk up to here */
    uint64_t post_known;        /* the incarnation of which something was stored in this session */
    uint64_t post_at_ms;        /* nothing is posted before */
    uint64_t progress_ms;       /* when something was stored last, or the first was posted */
    uint64_t tip_at_ms;         /* say where our chain stands; 0: not due */

    /* our sender key (13.3); tag zeros: none yet */
    enum peer_key_state key_state;
    struct msg_roomkey key;
    uint64_t key_epoch;
    uint64_t key_made_ms;
    uint64_t key_store;         /* used only once this transaction is synced */
    uint64_t key_upto;          /* counters below this are reserved on disk */
    bool unhanded;              /* a member may not have it yet */
    bool hand_asked;            /* CARDS_OF is under way */
    struct { uint64_t account; uint64_t device; } hand_after; /* the next page is after these */
    uint32_t hand_tickets;      /* parcels that are not deposited yet */
    uint64_t hand_at_ms;        /* not before */

    /* and those of others */
    bool keys_over;             /* there may be some that nothing unread is sealed with */

    /* the mesh */
    bool mesh;                  /* the registry says that the room is one */
    uint16_t port;              /* of our XPUB; 0: none yet */
    bool partial;               /* some frames come directly: offsets say nothing of those */
    uint64_t whole;             /* partial: the log was read up to here */
    uint32_t routed;            /* so many devices we hear from themselves, in this session */
    uint64_t routes;            /* version of what the front was told of them last; 0: nothing, in this session */
    bool routes_due;            /* they have changed since */
    uint64_t routes_ms;         /* when that was said */
    uint64_t routes_again_ms;   /* the front goes by another version: say it again then; 0: it does not */

    /* while the registry is away (peer/rooms/room_want.c) */
    uint64_t want_at_ms;        /* ask a member for what is missing then; 0: nothing is known to be */
    uint32_t wants;             /* so often since something of it came */
    uint64_t answer_ms;         /* the second in which members were answered last, */
    size_t answered;            /* and how many bytes in it */
    uint64_t again_ms;          /* when all of our outbox was published again */
    uint64_t heads_at_ms;       /* say where all chains stand then; 0: the registry is there */
};

/* A message of ours that a room's log has. */
struct peer_stored { struct msg_id room; struct peer_mark mark; struct msg_id id; };

/* What came after a frame that is being heard: the rest of its ROOM_CAST or page of the log, then frames of the link. */
struct peer_ahead { struct msg_list posts; const struct msg_span *frames; size_t count; };

/* The header of a room's frame whose signature was checked last. */
struct peer_proof { struct msg_sign_pub device; uint8_t header[32]; struct msg_tag key; uint64_t counter; };

struct peer_rooms {
    struct peer_room *rooms;
    struct msg_id *ids;         /* of the rooms, side by side: what is searched */
    struct msg_head *heads;     /* PEER_ROOM_HEADS of each room, by number modulo that */
    uint64_t *head_numbers;     /* whose they are; 0: of none */
    uint32_t room_room;
    uint32_t room_count;        /* slots ever used */
    uint32_t last;              /* found last */
    struct peer_mate *mates;
    uint32_t *mate_buckets;     /* index + 1; 0: empty */
    uint32_t mate_room;
    uint32_t mate_count;        /* slots ever used */
    uint32_t mate_free;         /* list of those given back: index + 1 */
    struct peer_sender *senders;
    uint32_t *sender_buckets;
    uint32_t sender_room;
    uint32_t sender_count;
    uint32_t sender_free;
    uint32_t bucket_mask;
};

/* rooms * members parts and as many senders are shared by all rooms.  False
 * when there is not enough memory: wipe it then. */
bool CONCLAVE_CHECK peer_rooms_init(struct peer_rooms *self, uint32_t rooms, uint32_t members);
void peer_rooms_wipe(struct peer_rooms *self);

/* NULL where there is none.  A name that is no name finds none. */
struct peer_room *peer_rooms_find(struct peer_rooms *self, const struct msg_id *id);
struct peer_room *peer_rooms_named(struct peer_rooms *self, const struct msg_room_name *name);

/* A new or known room; NULL when the table is full. */
struct peer_room *peer_rooms_add(struct peer_rooms *self, const struct msg_id *id);

/* Gives up a room with its mates and senders; its queue must be empty and its
 * records gone (peer_rooms_delete_records). */
void peer_rooms_remove(struct peer_rooms *self, struct peer_room *room);

/* Takes the name that CREATE gave, in its parsed form. */
void peer_rooms_call(struct peer_room *room, const struct msg_room_name *name);

uint32_t peer_rooms_index(const struct peer_rooms *self, const struct peer_room *room);
struct peer_room *peer_rooms_at(struct peer_rooms *self, uint32_t index); /* of a mate or sender */

/* True when we are a member. */
bool peer_rooms_in(const struct peer_room *room);

/* Who has a part in it, by account.  NULL where there is none; add: a new or
 * known one, NULL when the table is full. */
struct peer_mate *peer_rooms_mate(struct peer_rooms *self, const struct peer_room *room, uint64_t account);
struct peer_mate *peer_rooms_add_mate(struct peer_rooms *self, struct peer_room *room, uint64_t account);

/* The chains coming in, likewise. */
struct peer_sender *peer_rooms_sender(struct peer_rooms *self, const struct peer_room *room, uint64_t account, uint64_t device);
struct peer_sender *peer_rooms_add_sender(struct peer_rooms *self, struct peer_room *room, uint64_t account, uint64_t device);
void peer_rooms_remove_sender(struct peer_rooms *self, struct peer_room *room, struct peer_sender *sender, struct msg_effects *out); /* with its record */

/* Iterate: rooms from index 0 on, the others from the first; NULL at the end. */
struct peer_room *peer_rooms_each(struct peer_rooms *self, uint32_t *index);
struct peer_mate *peer_rooms_first_mate(struct peer_rooms *self, const struct peer_room *room);
struct peer_mate *peer_rooms_next_mate(struct peer_rooms *self, const struct peer_mate *mate);
struct peer_sender *peer_rooms_first_sender(struct peer_rooms *self, const struct peer_room *room);
struct peer_sender *peer_rooms_next_sender(struct peer_rooms *self, const struct peer_sender *sender);

/* The head after an entry: zeros for 0, and NULL when it is not kept (any more). */
const struct msg_head *peer_rooms_head(const struct peer_rooms *self, const struct peer_room *room, uint64_t number);
void peer_rooms_keep_head(struct peer_rooms *self, const struct peer_room *room); /* facts.head, of entry facts.number */

/* Up to where nothing in the log needs to be read again: from there on it is,
 * after a crash.  What a sender's `waits` says is not counted. */
uint64_t peer_rooms_upto(const struct peer_room *room);

/* The records.  A room without entries has none. */
void peer_rooms_put(struct peer_room *room, struct msg_effects *out);
void peer_rooms_put_mate(const struct peer_rooms *self, const struct peer_mate *mate, struct msg_effects *out);
void peer_rooms_put_sender(const struct peer_rooms *self, const struct peer_sender *sender, struct msg_effects *out);
void peer_rooms_delete_records(struct peer_rooms *self, const struct peer_room *room, struct msg_effects *out); /* room, mates, senders */

/* From the records, rooms first; what does not fit is passed over: false.
 * `us` is our account: its mate gives role and standing of the room. */
bool CONCLAVE_CHECK peer_rooms_restore(struct peer_rooms *self, const struct msg_rec_my_room *record);
bool CONCLAVE_CHECK peer_rooms_restore_mate(struct peer_rooms *self, const struct msg_rec_room_mate *record, uint64_t us);
bool CONCLAVE_CHECK peer_rooms_restore_sender(struct peer_rooms *self, const struct msg_rec_room_in *record);

#endif

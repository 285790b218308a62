/* Rooms that exist, who belongs to them, and which sessions sit in them.  A
 * pure table of fixed size: its memory is taken once and touched as it is
 * used, and nothing here costs more with ten thousand rooms than with ten.
 *
 *   room ----> members ("#c": ada, bob, and cyd, who is invited)
 *     |           ^  ^--- the rooms of an account
 *     |           |
 *     '-----> seats, one for each session of a member ----> the session's seats
 *
 * A member here is an account that is in the room or invited to it; those who
 * went, or are banned, stand in the store alone (broker/tables/room_records).  What
 * changes while a transaction is under way is the rules' state at once
 * (`rules`, `part`); `stored` and the seats follow when it is on disk. */
#ifndef BROKER_ROOMS_H
#define BROKER_ROOMS_H

#include "broker/tables/index.h"
#include "broker/tables/room_log.h"
#include "broker/tables/wheel.h"
#include "msg/name.h"
#include "msg/room.h"

struct broker_room {
    bool used;
    bool mesh;                  /* of few members, who publish to one another */
    uint16_t shown_len, folded_len;
    uint32_t next_free;         /* slot + 1 */
    uint32_t member_first;      /* slot + 1 */
    uint32_t member_count;      /* in it and invited */
    uint32_t seat_first;        /* slot + 1 */
    uint32_t seat_count;
    /* operations (broker/rooms/room_ops) */
    uint32_t waiting_first, waiting_last; /* slot + 1 in broker/tables/proposals */
    uint32_t flying;            /* so many of the first ones are in the transaction under way */
    uint32_t flight_next;       /* slot + 1: the next room with one, in the order of transactions */
    uint64_t flight;            /* id of the transaction under way; 0: none */
    uint64_t stored;            /* number of the last entry that is on disk; 0: the room is not, yet */
    struct msg_room rules;      /* as after the transaction under way */
    /* the log and its fan-out (broker/rooms/room_posts) */
    struct broker_room_log log; /* loaded with the first use */
    uint64_t cast;              /* offset of the last frame that was cast; 0: none was, yet */
    uint64_t voices_since;      /* its voices are all who spoke after this offset */
    uint32_t post_first, post_last; /* slot + 1 in broker/tables/posts, while they are cast */
    bool meshed;                /* as its members were told last */
    bool crowded;               /* it was too large for its members to be told who is there */
    char shown[MSG_ROOM_NAME_MAX + 1];
    char folded[MSG_ROOM_FOLD_MAX + 1];
};

/* Somebody who said what a mesh has in its log. */
struct broker_voice {
    uint64_t account, device;
    uint64_t incarnation, number; /* the last of theirs */
    struct msg_head head;
    uint64_t offset;            /* where that stands; 0: nobody */
};
#define BROKER_VOICES 16u       /* of each room, those who spoke last */

struct broker_member {
    struct msg_room_part part;  /* as after the transaction under way */
    uint64_t ended;             /* number of the entry that ended its membership; 0: it is in, or never was */
    bool used;
    uint8_t told;               /* enum msg_status, as all who sit in the room know it; NOT_FOUND: they may not */
    uint32_t room;
    uint32_t room_next, room_prev;       /* slot + 1: others of the room */
    uint32_t account_next, account_prev; /* slot + 1: others of the account */
};

/* One session of one member in one room.  It is there from the moment that
 * JOIN is stored, or the session opened, until the session ends, another
 * connection takes it over, or the entry that ended the membership is stored.
 * A fresh seat has zeros in all that is the fan-out's. */
struct broker_seat {
    bool used;
    uint32_t session;           /* slot in broker/tables/sessions */
    uint32_t room;              /* slot */
    uint32_t member;            /* slot */
    uint32_t room_next, room_prev;       /* slot + 1: others of the room */
    uint32_t session_next, session_prev; /* slot + 1: others of the session */
    /* the fan-out's */
    bool live;                  /* it has read the log to its end, and is cast to */
    bool paused;                /* it was, until its session fell behind */
    bool dirty;                 /* ROOM_STATE is due for this room */
    bool told_mesh;             /* what it said last: the room is one */
    uint64_t told_number;       /* likewise: of the last entry of the roster, */
    uint64_t told_offset;       /* and of the log */
    bool told_present;          /* it was told who is there */
    bool apart;                 /* while something is cast: it gets a message of its own */
    uint16_t port;              /* of its XPUB for the room; 0: none */
    uint32_t routes;            /* slot + 1 in broker/tables/fanout: devices whose frames it has from themselves */
    uint64_t routes_version;    /* of what it said of these last; 0: nothing, yet */
    uint64_t heard;             /* offset that its last CAST or ROOM_LOG went up to */
};

struct broker_rooms_limits {
    uint32_t rooms;
    uint32_t members;           /* in all rooms together: memberships and invitations */
    uint32_t seats;
    uint32_t sessions;          /* slots in broker/tables/sessions */
};

struct broker_rooms {
    struct broker_room *list;
    struct broker_voice *voices;      /* BROKER_VOICES for each; touched for meshes alone */
    uint32_t capacity, high, free_first, count;
    struct broker_index by_id, by_name;
    struct broker_member *members;
    uint32_t members_capacity, members_high, members_free, members_count;
    struct broker_index by_pair;      /* room and account -> member */
    struct broker_index by_account;   /* account -> the first of its members */
    struct broker_seat *seats;
    uint32_t seats_capacity, seats_high, seats_free, seats_count;
    struct broker_index by_seat;      /* room and session -> seat */
    uint32_t *seated;                 /* by session: slot + 1 of its first seat */
    struct broker_wheel stirred;      /* by room: when to tell who came and went */
};

bool CONCLAVE_CHECK broker_rooms_init(struct broker_rooms *self, const struct broker_rooms_limits *limits, uint64_t seed);
void broker_rooms_wipe(struct broker_rooms *self);

/* ---- rooms ---- */

/* BROKER_NONE when there is none. */
uint32_t broker_rooms_by_id(const struct broker_rooms *self, const struct msg_id *id);
uint32_t broker_rooms_by_name(const struct broker_rooms *self, struct msg_text folded);

/* A new room, whose id and name no other has; BROKER_NONE: full. */
uint32_t broker_rooms_add(struct broker_rooms *self, const struct msg_id *id, const struct msg_room_name *name);
/* With its members and seats. */
void broker_rooms_remove(struct broker_rooms *self, uint32_t room);

/* ---- members ---- */

uint32_t broker_rooms_member(const struct broker_rooms *self, uint32_t room, uint64_t account);
/* Somebody who is not one yet, with nothing in its part but the account; BROKER_NONE: full. */
uint32_t broker_rooms_add_member(struct broker_rooms *self, uint32_t room, uint64_t account);
/* With its seats. */
void broker_rooms_remove_member(struct broker_rooms *self, uint32_t member);

/* The first room of an account, as slot + 1 of its member; the others follow
 * by account_next. */
uint32_t broker_rooms_of_account(const struct broker_rooms *self, uint64_t account);
/* How many rooms the account is in, and (invited) to how many it is invited. */
uint32_t broker_rooms_count_of(const struct broker_rooms *self, uint64_t account, uint32_t *invited);

static inline bool
broker_rooms_is_in(const struct broker_member *member)
{
    return member->part.role != MSG_ROLE_NONE;
}

/* ---- seats ---- */

uint32_t broker_rooms_seat(const struct broker_rooms *self, uint32_t room, uint32_t session);
/* Seats the session of a member, if it is not yet; BROKER_NONE: full. */
uint32_t broker_rooms_sit(struct broker_rooms *self, uint32_t member, uint32_t session);
void broker_rooms_stand_up(struct broker_rooms *self, uint32_t seat);
/* The session is gone. */
void broker_rooms_stand_up_all(struct broker_rooms *self, uint32_t session);

/* The version of the routes by which frames are left out for it; 0: none are. */
static inline uint64_t
broker_rooms_routes(const struct broker_seat *seat)
{
    return seat->routes != 0 ? seat->routes_version : 0;
}

/* The session's first seat as slot + 1; the others follow by session_next. */
static inline uint32_t
broker_rooms_seats_of(const struct broker_rooms *self, uint32_t session)
{
    return self->seated[session];
}

#endif

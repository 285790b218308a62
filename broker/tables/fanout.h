/* Who takes what is cast, and how much of it: sessions as listeners, with what
 * they were sent and have taken; devices whose frames a seat has from
 * themselves; and which sessions are told soon where their rooms stand.  A pure
 * table of fixed size; what is in a CAST is put together in broker/rooms/room_casts. */
#ifndef BROKER_FANOUT_H
#define BROKER_FANOUT_H

#include "broker/tables/bucket.h"
#include "broker/tables/wheel.h"

#define BROKER_FANOUT_BEHIND (256u * 1024) /* bytes that were not taken: nothing more is cast to it ... */
#define BROKER_FANOUT_CAUGHT (64u * 1024)  /* ... until no more than these are left */
#define BROKER_FANOUT_GATHER_MS 2000u      /* ROOM_STATE comes within this time */

struct broker_listener {
    uint64_t generation;        /* of the session that this is about */
    uint64_t sent, taken;       /* bytes of CASTs since it began */
    uint64_t round;             /* the last CAST that has a post of its own */
    bool behind;
    bool missed;                /* its connection took no more: something of what it was told is lost */
    uint64_t lease_ms;          /* when it was looked at whether its rooms are as it was told */
    struct broker_bucket posts, post_kib, signals, read_kib;
};

struct broker_route {
    uint64_t account, device;
    uint32_t next;              /* slot + 1: of the same seat, or free */
};

struct broker_fanout {
    struct broker_listener *listeners; /* by session */
    struct broker_route *routes;
    uint32_t routes_capacity, routes_high, routes_free;
    uint64_t round;
    struct broker_wheel gather; /* by session: ROOM_STATE is due */
};

bool CONCLAVE_CHECK broker_fanout_init(struct broker_fanout *self, uint32_t sessions, uint32_t routes);
void broker_fanout_wipe(struct broker_fanout *self);

/* That of a session; a fresh one where the slot had another session before. */
struct broker_listener *broker_fanout_listener(struct broker_fanout *self, uint32_t session, uint64_t generation);

/* ---- what it was sent and has taken; pure functions of one listener ---- */
/* Something is handed to it; true: from now on it is behind. */
bool broker_fanout_send(struct broker_listener *self, uint64_t bytes);
/* It did not get that, and takes no more for now: it is behind. */
void broker_fanout_lose(struct broker_listener *self, uint64_t bytes);
/* It says what it has taken in all; true: it was behind, and has caught up. */
bool broker_fanout_take(struct broker_listener *self, uint64_t bytes);
/* Whether it is behind no longer, or never was. */
bool broker_fanout_catch_up(struct broker_listener *self);

/* The session is told where its rooms stand, within the time above. */
void broker_fanout_gather(struct broker_fanout *self, uint32_t session, uint64_t now_ms);

/* Counts something that is passed on to a whole room, and not kept: 0, or when
 * to try again. */
uint64_t broker_fanout_signal(struct broker_listener *self, uint64_t now_ms);

/* ---- routes of a seat: `first` is where it keeps its list ---- */
/* One more, of at most MSG_ROUTE_COUNT; false: full. */
bool broker_fanout_add_route(struct broker_fanout *self, uint32_t *first, uint64_t account, uint64_t device);
bool broker_fanout_has_route(const struct broker_fanout *self, uint32_t first, uint64_t account, uint64_t device);
void broker_fanout_end_routes(struct broker_fanout *self, uint32_t *first);

#endif

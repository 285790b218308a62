/* The inside of a simulated world: one registry, its network, and peers as light
 * as they can be who speak the real catalog with it.  The parts are world
 * (time, the network), registry (the core in its shell), peer (what a peer says
 * and hears), talk (what they say to one another), play (one thing after the
 * other, and what it costs).  Included by them alone. */
#ifndef TOOLS_SIMNET_WORLD_H
#define TOOLS_SIMNET_WORLD_H

#include "broker/core/front_core.h"
#include "broker/store_view.h"
#include "msg/room.h"
#include "tools/simnet/chance.h"
#include "tools/simnet/queue.h"
#include "tools/simnet/simnet.h"
#include "tools/stress/check.h"

#define SIMNET_MS 1000ull           /* simulated microseconds */
#define SIMNET_SECOND 1000000ull
#define SIMNET_LINK_FIRST 16u       /* link of peer 0; the others follow */

struct simnet;

/* A frame, shared by all to whom it is on its way. */
struct simnet_body {
    uint32_t references, len;
    bool decoded;                   /* the next ones are known */
    enum msg_kind kind;
    union msg_any any;              /* points into the bytes */
    uint8_t bytes[];
};

/* ---- the registry ---- */
struct simnet_meter { uint64_t steps; double cpu_ns; };
struct simnet_arrival { struct simnet_body *body; uint64_t link; };

struct simnet_registry {
    struct broker_front_core *core;
    struct host_store *store;
    struct broker_store_view view;  /* of the store */
    struct msg_effects effects;
    struct msg_sign_pub signer;
    struct msg_sign_sec signer_sec; /* the vault's */
    struct msg_box_pub door;
    struct simnet_arrival *inbox;   /* of the next turn */
    uint32_t inbox_count;
    bool turn_is_due, commit_is_due, gathered; /* gathered: the store has a transaction open */
    uint64_t *store_ids;            /* of what the next commit has */
    size_t store_count, store_room;
    uint64_t wake_us, armed_us;     /* asked for; planned */
    struct simnet_meter meter, pings;
    double clock_ns;                /* what it costs to read the clock */
    uint64_t tables_b;
};

/* ---- peers ---- */
enum simnet_doing { /* what a peer waits for the answer to */
    SIMNET_NOTHING, SIMNET_SIGN_UP, SIMNET_LOG_IN, SIMNET_CREATE, SIMNET_JOIN, SIMNET_READ
};

struct simnet_peer {
    struct msg_sign_pub sign;
    struct msg_sign_sec sign_sec;
    struct msg_box_pub transport;
    struct msg_sig mail_sig;
    uint64_t account, device;
    uint64_t up_us, down_us;        /* the last arrival that is planned, to the registry and back */
    uint64_t heard;                 /* offset in the room's log */
    uint64_t bytes, told;           /* of CASTs that came; and that it said it has taken */
    uint64_t entry;                 /* number of the last entry of the roster that it heard of */
    uint64_t said, stored, whispered; /* in its room; of these, on the registry's disk; to its partner */
    enum simnet_doing doing;
    bool online, live;              /* live: it is cast to */
};

struct simnet_room {
    struct msg_room rules;          /* as its creator has heard */
    struct msg_room_part owner;
};

struct simnet {
    struct simnet_plan plan;
    struct simnet_result *result;
    enum conclave_err err;          /* OK: nothing is wrong */
    char *why;                      /* SIMNET_WHY_MAX bytes */
    struct simnet_chance chance;
    struct simnet_queue queue;
    uint64_t now_us;
    struct simnet_registry registry;
    struct simnet_peer *peers;
    struct simnet_room *rooms;
    struct msg_box_pub mail;        /* of all: nobody reads it */
    struct stress_check *check;
    uint64_t lease_us;
    uint64_t got, whispers_got, doubled, reordered, damaged;
    /* what peers do one after the other, a number of them at once */
    bool (*begin)(struct simnet *self, uint32_t peer); /* false: it has nothing to do */
    uint32_t next, under_way, window;
    uint64_t done;
    /* talk */
    uint32_t *order;                /* of those who talk, as they come */
    uint32_t talkers;
    uint64_t talk_next, talk_count, talk_us; /* the next message, how many, since when */
    bool whispering;
};

/* ---- world.c ---- */
enum simnet_happening { /* high bits of an item's `whose`; the low ones: of which peer */
    SIMNET_TO_PEER, SIMNET_TO_REGISTRY, SIMNET_TURN, SIMNET_COMMIT, SIMNET_VAULT, SIMNET_PING, SIMNET_AGAIN, SIMNET_SAY
};
void simnet_plan_at(struct simnet *self, uint64_t at_us, enum simnet_happening what, uint32_t peer, struct simnet_body *body);
struct simnet_body *simnet_body_new(struct msg_span bytes);
void simnet_body_release(struct simnet_body *body);
/* Decodes it, once; false: it is no frame. */
bool simnet_body_decode(struct simnet_body *body);
/* Takes one reference of the body. */
void simnet_to_peer(struct simnet *self, uint32_t peer, struct simnet_body *body);
void simnet_to_registry(struct simnet *self, uint32_t peer, enum msg_kind kind, const void *message);
/* Something came otherwise than it must (INTERNAL), or cannot be had: the world
 * ends, and says so. */
void simnet_fail(struct simnet *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
void simnet_fail_as(struct simnet *self, enum conclave_err err, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Until `done` says so, or, NULL, until so much time has gone by; false: it failed. */
bool simnet_run(struct simnet *self, bool (*done)(struct simnet *self), uint64_t us);
/* Lets all peers do something, `window` of them at once, until the last is done. */
bool simnet_each(struct simnet *self, bool (*begin)(struct simnet *self, uint32_t peer), uint32_t window);
void simnet_done(struct simnet *self, uint32_t peer);

/* ---- registry.c ---- */
bool simnet_registry_start(struct simnet *self);
void simnet_registry_wipe(struct simnet_registry *self);
void simnet_registry_hear(struct simnet *self, uint64_t link, struct simnet_body *body); /* in its next turn */
void simnet_registry_turn(struct simnet *self);
void simnet_registry_commit(struct simnet *self);
void simnet_registry_vault(struct simnet *self, struct simnet_body *question);
/* What was used since the last call. */
struct simnet_meter simnet_registry_used(struct simnet *self, struct simnet_meter *pings);

/* ---- peer.c ---- */
void simnet_peer_init(struct simnet *self, uint32_t peer);
bool simnet_peer_sign_up(struct simnet *self, uint32_t peer);
bool simnet_peer_log_in(struct simnet *self, uint32_t peer);
bool simnet_peer_create(struct simnet *self, uint32_t peer); /* the first of each room */
bool simnet_peer_join(struct simnet *self, uint32_t peer);   /* the others */
void simnet_peer_hear(struct simnet *self, uint32_t peer, struct simnet_body *body);
void simnet_peer_again(struct simnet *self, uint32_t peer); /* what it was told to try again */
void simnet_peer_ping(struct simnet *self, uint32_t peer);

/* Whose room it is in; SIMNET_NO_ROOM: none. */
#define SIMNET_NO_ROOM UINT32_MAX
static inline uint32_t
simnet_room_of(const struct simnet *self, uint32_t peer)
{
    const uint32_t room = peer / self->plan.members;
    return room < self->plan.rooms ? room : SIMNET_NO_ROOM;
}
/* The name of an account or a room; NUL at the end. */
void simnet_peer_name(char name[32], const char *prefix, uint32_t number);

/* ---- talk.c ---- */
/* Everybody who talks in rooms (or, whispering: to a partner, through the
 * registry) says what the plan has, and all of it arrives. */
bool simnet_talk(struct simnet *self, bool whispering);
void simnet_talk_say(struct simnet *self); /* the next one is due */
void simnet_talk_cast(struct simnet *self, uint32_t peer, struct simnet_body *body);
void simnet_talk_log(struct simnet *self, uint32_t peer, const struct msg_room_log *log);
void simnet_talk_relayed(struct simnet *self, uint32_t peer, struct simnet_body *body);
void simnet_talk_check(struct simnet *self); /* what never came */

#endif

/* One process of the harness from inside: its peers, all in one loop.  The
 * parts are hand (the loop, and orders), peer (one peer), jobs (what takes
 * several requests), talk and search (load). */
#ifndef TOOLS_STRESS_HAND_H
#define TOOLS_STRESS_HAND_H

#include "peer/conclave.h"
#include "tools/stress/check.h"
#include "tools/stress/world.h"

enum stress_what {
    STRESS_ENTER,   /* open, sign up */
    STRESS_MAKE,    /* the first of each room makes it */
    STRESS_JOIN,    /* the others join it */
    STRESS_SETTLE,  /* each asks who is in its room */
    STRESS_ARRIVE,  /* all of these, measured */
    STRESS_AWAY,    /* who GOES, or all, goes */
    STRESS_BACK,    /* and comes back; of all, measured */
    STRESS_RESET,   /* latencies begin anew */
    STRESS_GREET,   /* whoever talks says one thing */
    STRESS_TALK,    /* until the next byte comes */
    STRESS_ANSWER,  /* from now on what comes from a partner is answered */
    STRESS_TRIPS,   /* pairs: there and back, one after the other, until then */
    STRESS_SEARCHES,/* until then */
    STRESS_CHECK,   /* what never came is counted */
    STRESS_QUIT
};

struct stress_order {
    enum stress_what what;
    double rate;            /* of all processes together; 0: as fast as it goes */
    bool all;               /* AWAY, BACK: all of them */
    uint64_t start_ns;      /* TALK, SEARCHES, and measured jobs at a rate */
};

/* Steps of a job, each a request or something to wait for. */
enum stress_step { STRESS_END, STRESS_OPEN, STRESS_REGISTER, STRESS_ONLINE, STRESS_ENTER_ROOM, STRESS_MEMBERS, STRESS_LEAVE_ROOM, STRESS_GO, STRESS_RETURN_AGAIN };

#define STRESS_ASKS 16u     /* searches of one peer under way */

struct stress_peer {
    struct conclave *self;  /* NULL: away */
    struct stress_seat *seat;
    uint32_t index;
    bool online;
    uint64_t back_ns;       /* when it came back; what was said before counts from then */
    /* a job */
    const enum stress_step *step; /* NULL: none */
    uint64_t request;       /* of the step; 0: not asked */
    uint64_t again_ns;      /* it is to be asked again then */
    uint64_t begun_ns;
    bool timed;
    /* its coming and going */
    bool there;
    uint64_t turn_ns;       /* the next one */
    /* searches */
    struct stress_ask { uint64_t request, intended_ns; uint32_t target; } asks[STRESS_ASKS];
};

struct stress_hand {
    struct stress_world *world;
    struct stress_worker *mine;
    uint32_t number;
    int fd;
    struct conclave_loop *loop;
    struct stress_peer *peers;
    uint32_t count;
    struct stress_check *check;
    char *text;
    uint64_t chance;        /* state of stress_pace_random */
    bool tripping;
    uint32_t jobs;          /* peers that have one */
};

/* Lives until QUIT, or until the other end of fd is gone.  Does not return. */
void stress_hand_run(struct stress_world *world, uint32_t number, int fd) __attribute__((noreturn));

/* Tells why in shared memory, and ends the process. */
void stress_hand_die(struct stress_hand *self, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

/* Waits up to timeout_ms, does what there is, and hears all of it. */
void stress_hand_turn(struct stress_hand *self, int timeout_ms);
/* The same until a moment, which may be closer than the loop can wait. */
void stress_hand_turn_until(struct stress_hand *self, uint64_t now_ns, uint64_t until_ns);
/* The parent wants something: of an order that lasts until then, its end, which
 * is taken with the second. */
bool stress_hand_asked(const struct stress_hand *self);
void stress_hand_end(struct stress_hand *self);

/* ---- peer.c ---- */
void stress_peer_name(const struct stress_world *world, uint32_t index, char name[32]);
void stress_peer_room(const struct stress_world *world, uint32_t room, char name[32]);
void stress_peer_open(struct stress_hand *hand, struct stress_peer *self);
void stress_peer_close(struct stress_hand *hand, struct stress_peer *self);
void stress_peer_say(struct stress_hand *hand, struct stress_peer *self, enum stress_channel channel, uint64_t intended_ns);
void stress_peer_hear(struct stress_hand *hand, struct stress_peer *self, const struct conclave_event *event);
/* Whether its outbox takes so many more, with some room left. */
bool stress_peer_has_room(const struct stress_hand *hand, const struct stress_peer *self, uint32_t messages);
/* It was or will be away from its room for a while. */
void stress_peer_pause(struct stress_hand *hand, const struct stress_peer *self);
/* Counts what never came to it. */
void stress_peer_check(struct stress_hand *hand, const struct stress_peer *self);

/* ---- jobs.c ---- */
void stress_jobs_start(struct stress_hand *hand, struct stress_peer *peer, const enum stress_step *steps, bool timed, uint64_t begun_ns);
/* The answer to the request of a job. */
void stress_jobs_answer(struct stress_hand *hand, struct stress_peer *peer, const struct conclave_event *event);
void stress_jobs_turn(struct stress_hand *hand);
/* An order that is one job for each peer, to its end. */
void stress_jobs_run(struct stress_hand *hand, const struct stress_order *order);
/* Coming and going: who GOES or LEAVES does so now and then; and at the end all
 * are there, unless the registry is not. */
void stress_jobs_churn(struct stress_hand *hand, uint64_t now_ns);
void stress_jobs_gather(struct stress_hand *hand);

/* ---- talk.c, search.c ---- */
void stress_talk_greet(struct stress_hand *hand);
void stress_talk_run(struct stress_hand *hand, const struct stress_order *order);
void stress_talk_trips(struct stress_hand *hand);
void stress_search_run(struct stress_hand *hand, const struct stress_order *order);
/* True: it was the answer to a search. */
bool stress_search_answer(struct stress_hand *hand, struct stress_peer *peer, const struct conclave_event *event);

#endif

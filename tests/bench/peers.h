/* Real members of rooms, libconclave all the way: many of them in one thread of
 * each of a few processes.  Whatever comes to one of them is checked: each
 * sender's numbers once, and in order. */
#ifndef TESTS_BENCH_PEERS_H
#define TESTS_BENCH_PEERS_H

#include "peer/conclave.h"
#include "tests/bench/common.h"

#define BENCH_PEERS 1000u
#define BENCH_PEERS_WORKERS 8u
#define BENCH_PEERS_DELAYS (1u << 18) /* kept by each worker */
#define BENCH_PEERS_SENDER BENCH_PEERS /* the index of a sender that is none of them */
#define BENCH_PEERS_TEXT 256u

/* What all processes see. */
struct bench_peers_shared {
    struct bench_peers_worker {
        volatile uint64_t got;          /* messages that came, since the last reset */
        volatile uint64_t said;         /* that these peers said */
        volatile uint64_t delays_count; /* of those that came */
        double delays_s[BENCH_PEERS_DELAYS];
    } workers[BENCH_PEERS_WORKERS];
};

struct bench_peers {
    const char *link;
    char prefix[12];            /* of their names */
    uint32_t count;
    bool on_disk;
    bool direct;                /* they can be reached, and reach others */
    struct bench_peers_shared *shared;
    struct bench_child workers[BENCH_PEERS_WORKERS];
    uint32_t worker;            /* in a worker: which */
};

/* link, prefix, count, on_disk and direct are set.  Opens them all and signs them up;
 * before this process opens a peer or a socket. */
void bench_peers_start(struct bench_peers *self);
void bench_peers_end(struct bench_peers *self);

/* Peer i, from one to before another, joins room "#PREFIX(i / each)", and is in it,
 * with all others, when this returns.  make: the first of each makes it;
 * otherwise the room is there. */
void bench_peers_join(struct bench_peers *self, const char *prefix, uint32_t from, uint32_t to, uint32_t each, bool make);

/* Stops their processes, or lets them go on. */
void bench_peers_stop(struct bench_peers *self, bool stop);

/* Numbers and counts begin anew. */
void bench_peers_reset(struct bench_peers *self);

/* Each of the first `count` says something in its room, every so often, spread
 * evenly over time, until the end is called; then they stay silent. */
void bench_peers_talk(struct bench_peers *self, const char *prefix, uint32_t count, uint32_t each, double every_s);
void bench_peers_talk_end(struct bench_peers *self);

/* Of all workers. */
uint64_t bench_peers_got(const struct bench_peers *self);
uint64_t bench_peers_said(const struct bench_peers *self);
double bench_peers_median_delay_s(const struct bench_peers *self);
double bench_peers_cpu_s(const struct bench_peers *self);

/* A text of BENCH_PEERS_TEXT bytes, with who says it in it, and, for delays, when. */
void bench_peers_write(char *text, uint32_t sender, uint32_t number, bool timed);

/* One peer in this process: opened in the loop and signed up; what a request came to, or the bench ends. */
struct conclave *bench_peer_open(struct conclave_loop *loop, const char *link, const char *name, bool on_disk, bool direct);
void bench_peer_await(struct conclave_loop *loop, struct conclave *self, uint64_t request);

#endif

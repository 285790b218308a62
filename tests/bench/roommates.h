/* Members of a room that only listen and count, a thousand of them played by a
 * few processes: over the front, or over the bare program that relays. */
#ifndef TESTS_BENCH_ROOMMATES_H
#define TESTS_BENCH_ROOMMATES_H

#include "msg/room.h"
#include "tests/bench/bare.h"
#include "tests/bench/members.h"

#define BENCH_MATES 1000u
#define BENCH_MATES_WORKERS 8u
#define BENCH_MATES_DELAYS (1u << 16) /* kept by each worker */

/* What all processes see. */
struct bench_mates_shared {
    volatile uint64_t got[BENCH_MATES_WORKERS];  /* messages that came */
    volatile uint64_t reads[BENCH_MATES_WORKERS]; /* pages of the log that were asked for */
    volatile double said_s;                      /* when the last one was said; 0: nobody asks for delays */
    volatile uint64_t delays_count[BENCH_MATES_WORKERS];
    double delays_s[BENCH_MATES_WORKERS][BENCH_MATES_DELAYS];
};

struct bench_mates {
    const struct bench_member *members; /* BENCH_MATES of them */
    struct bench_front front;
    struct bench_bare bare;
    struct bench_mates_shared *shared;
    struct bench_child workers[BENCH_MATES_WORKERS];
    uint32_t worker;                    /* in a worker: which */
};

/* members and front are set; the bare program runs. */
void bench_mates_start(struct bench_mates *self);
void bench_mates_end(struct bench_mates *self);

/* The first `count` of them: log in to the front; join a room whose first entry
 * has that head, and read its log until they are live in it; join the bare room, or
 * subscribe to the bare publisher. */
void bench_mates_login(struct bench_mates *self, uint32_t count);
void bench_mates_join(struct bench_mates *self, const struct msg_id *room, const struct msg_head *head, uint32_t count);
void bench_mates_join_bare(struct bench_mates *self, uint32_t from, uint32_t to);

/* They listen until the end is called. */
void bench_mates_listen(struct bench_mates *self, bool bare, uint32_t count);
void bench_mates_listen_end(struct bench_mates *self);

/* Of all workers, since listening began. */
uint64_t bench_mates_got(const struct bench_mates *self);
uint64_t bench_mates_reads(const struct bench_mates *self);
double bench_mates_median_delay_s(const struct bench_mates *self);

/* The number of an account and of its device, once it is welcome; what comes
 * besides is passed over. */
void bench_mate_welcome(void *socket, uint64_t *account, uint64_t *device);
/* Hands an operation in and waits until it is done. */
void bench_mate_propose(void *socket, const struct bench_member *member, struct msg_room_op *op);

#endif

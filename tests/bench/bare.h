/* The bare libzmq programs that Conclave is held against: a ROUTER with CURVE
 * that echoes or counts, in a process of its own, and DEALERs that dial it.
 * No identity, no store, no seal: what libzmq itself costs. */
#ifndef TESTS_BENCH_BARE_H
#define TESTS_BENCH_BARE_H

#include "msg/keys.h"
#include "tests/bench/common.h"

enum bench_bare_kind {
    BENCH_BARE_ECHO,    /* waits in zmq_msg_recv */
    BENCH_BARE_POLLING, /* waits in zmq_poll, as programs with more to do must */
    BENCH_BARE_RELAY,   /* what is said goes to all that said "join", message by message; it waits for the slowest */
    BENCH_BARE_PUBLISH, /* an XPUB: as many messages as it is asked for go to all who subscribed; it waits for the slowest */
};

struct bench_bare {
    struct bench_child child;
    enum bench_bare_kind kind;
    bool zap;                   /* a handler that admits every key */
    char endpoint[64];
    struct msg_box_pub pub;
    struct msg_box_sec sec;
    volatile bool *counting;    /* shared: do not answer, count */
    volatile uint64_t *count;   /* shared: messages that came; to an XPUB, subscriptions */
    volatile uint64_t *asked;   /* shared: messages that an XPUB is to publish, in all */
};

void bench_bare_start(struct bench_bare *self, enum bench_bare_kind kind, bool zap);
void bench_bare_end(struct bench_bare *self);

#define BENCH_TIMEOUT_MS 60000 /* of a socket that waits for an answer */

/* The only ZeroMQ context of this process. */
void *bench_context(void);

/* A DEALER with CURVE that dials an endpoint under a server key; its key is
 * pub and sec, a fresh one if these are NULL. */
void *bench_dial(const char *endpoint, const struct msg_box_pub *server, const struct msg_box_pub *pub,
                 const struct msg_box_sec *sec);
/* The same, a SUB that takes everything. */
void *bench_dial_publisher(const char *endpoint, const struct msg_box_pub *server);

#define BENCH_BARE_BYTES 256u /* of a message of an XPUB */

#endif

/* What is behind the handles of the public API; for peer/conclave and
 * peer/asking. */
#ifndef PEER_HANDLE_H
#define PEER_HANDLE_H

#include <pthread.h>

#include "peer/setup.h"

struct _zactor_t;

struct conclave_loop {
    struct peer_loop *loop;
    struct peer_home *homes;
    struct conclave *peers;
    unsigned forks;
};

struct conclave {
    struct peer_setup peer;
    struct conclave_loop *loop;     /* the thread that turns it owns it */
    struct conclave *next;
    struct _zactor_t *actor;                /* NULL: in the caller's thread */
    unsigned forks;
    struct peer_event event;
    struct msg_buf command;
    uint64_t last_request;
    uint64_t given;                 /* arrival of the message handed out last; 0: none */
    pthread_mutex_t state_lock;     /* own thread: over state */
    struct conclave_state state;
};

/* False in a child of the process that opened it. */
static inline bool
peer_handle_is_ours(unsigned forks)
{
    return forks == peer_setup_forks();
}

/* Hands a CMD_ frame to the thread of its own that the peer has. */
void peer_handle_deliver(struct conclave *self, struct msg_span frame);

#endif

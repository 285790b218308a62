/* What the core told its user and the user has not asked for yet: a queue of
 * tells (msg/flat) between the loop and conclave_next, and the descriptor that is
 * readable while it is not empty. */
#ifndef PEER_TELLS_H
#define PEER_TELLS_H

#include <pthread.h>

#include "msg/base.h"
#include "msg/error.h"

/* One side fills a buffer while the other empties the one before: what waits
 * is neither moved nor copied. */
struct peer_tells {
    pthread_mutex_t lock;   /* over coming and waits */
    struct msg_buf coming;  /* length and bytes of each frame, one after the other */
    struct msg_buf going;   /* the same, being taken */
    size_t head;            /* of going: the first that was not taken */
    bool waits;             /* something does, and that was signalled */
    int fd;                 /* an eventfd; -1: nobody polls */
    size_t *waiting;        /* counts queues that are not empty; NULL: nobody counts */
};

/* pollable: with a descriptor.  waiting: for queues that are filled and
 * emptied by one thread; may be NULL. */
enum conclave_err CONCLAVE_CHECK
peer_tells_init(struct peer_tells *self, bool pollable, size_t *waiting);
void peer_tells_wipe(struct peer_tells *self);

void peer_tells_put(struct peer_tells *self, struct msg_span frame);

/* Takes the oldest frame, which stands until the next call. false: none. */
bool peer_tells_take(struct peer_tells *self, struct msg_span *frame);

/* All that is in the frame taken last was given out: without it the queue
 * counts as one where something waits. */
void peer_tells_taken(struct peer_tells *self);

/* Makes room for `more` bytes in a buffer that lives on the heap; out of
 * memory ends the process, as in msg/step. */
void peer_tells_reserve(struct msg_buf *buf, size_t more);

#endif

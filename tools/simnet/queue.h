/* What will happen in a simulated world, in the order of time; what happens at
 * the same time, in the order of `tie`, then as it was put in.  A heap. */
#ifndef TOOLS_SIMNET_QUEUE_H
#define TOOLS_SIMNET_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct simnet_item {
    uint64_t at_us;
    uint64_t tie;
    uint64_t seq;   /* given by simnet_queue_put */
    void *what;     /* the caller's, as are these: */
    uint64_t whose;
};

struct simnet_queue { /* all zero: empty */
    struct simnet_item *heap;
    size_t count, room;
    uint64_t next_seq;
};

void simnet_queue_wipe(struct simnet_queue *self); /* what is in it is the caller's to free */

/* Takes the memory for so many, and touches it: from there on nothing of it is
 * new.  Memory that is short ends the program. */
void simnet_queue_reserve(struct simnet_queue *self, size_t count);

/* The same holds here. */
void simnet_queue_put(struct simnet_queue *self, struct simnet_item item);

/* The next one; NULL: none.  Until the next call. */
const struct simnet_item *simnet_queue_first(const struct simnet_queue *self);
/* Takes it; there is one. */
struct simnet_item simnet_queue_take(struct simnet_queue *self);

#endif

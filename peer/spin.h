/* When a loop had better look again than sleep.
 *
 * To put a thread to sleep and wake it takes longer than an answer that is
 * under way.  A loop that was woken within PEER_SPIN_NS a few times in a row
 * looks that long for news before it sleeps (adaptive spinning, as locks and
 * network stacks do it); each look in vain doubles how many quick wakes it
 * takes to look again.  Somebody who chats by hand never makes it spin.  Pure. */
#ifndef CONCLAVE_PEER_SPIN_H
#define CONCLAVE_PEER_SPIN_H

#include <stdbool.h>
#include <stdint.h>

#define PEER_SPIN_NS 100000u    /* looked for at most, and what counts as quick */
#define PEER_SPIN_QUICK 4u      /* wakes in a row that make it worth while */
#define PEER_SPIN_DOUBT 8u      /* doublings of that at most */

struct peer_spin {              /* zeroed: at the start */
    uint32_t quick;             /* wakes in a row */
    uint32_t doubt;             /* doublings */
};

/* True when the next wait should begin with a look. */
bool peer_spin_worth(const struct peer_spin *self);

/* A wait ended after waited_ns, with news or (came is false) without. */
void peer_spin_waited(struct peer_spin *self, uint64_t waited_ns, bool came);

#endif

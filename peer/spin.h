/* When a loop had better look again than sleep.
 *
 * To put a thread to sleep and wake it takes longer than an answer that is under
 * way.  A loop that was woken within PEER_SPIN_NS some times looks that long for
 * news before it sleeps (adaptive spinning, as locks and network stacks do it),
 * as long as fewer than about one look in nine is in vain.  Somebody who chats
 * by hand never makes it spin.  Pure. */
#ifndef CONCLAVE_PEER_SPIN_H
#define CONCLAVE_PEER_SPIN_H

#include <stdbool.h>
#include <stdint.h>

#define PEER_SPIN_NS 200000u    /* looked for at most, and what counts as quick */
#define PEER_SPIN_WORTH 8u      /* the trust from which on it looks */
#define PEER_SPIN_MOST 32u      /* trust; each quick wake adds one */
#define PEER_SPIN_VAIN 8u       /* and each other wait takes so much */

struct peer_spin {              /* zeroed: at the start */
    uint32_t trust;
};

/* True when the next wait should begin with a look. */
bool peer_spin_worth(const struct peer_spin *self);

/* A wait ended after waited_ns, with news or (came is false) without. */
void peer_spin_waited(struct peer_spin *self, uint64_t waited_ns, bool came);

#endif

/* See spin.h. */
#include "peer/spin.h"

bool
peer_spin_worth(const struct peer_spin *self)
{
    return self->trust >= PEER_SPIN_WORTH;
}

void
peer_spin_waited(struct peer_spin *self, uint64_t waited_ns, bool came)
{
    if (came && waited_ns <= PEER_SPIN_NS)
        self->trust += self->trust < PEER_SPIN_MOST;
    else
        self->trust -= self->trust < PEER_SPIN_VAIN ? self->trust : PEER_SPIN_VAIN;
}

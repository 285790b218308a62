/* See spin.h. */
#include "peer/spin.h"

static uint32_t
needed(const struct peer_spin *self)
{
    return PEER_SPIN_QUICK << self->doubt;
}

bool
peer_spin_worth(const struct peer_spin *self)
{
    return self->quick >= needed(self);
}

void
peer_spin_waited(struct peer_spin *self, uint64_t waited_ns, bool came)
{
    if (came && waited_ns <= PEER_SPIN_NS) {
        self->quick += self->quick < UINT32_MAX;
        self->doubt -= self->doubt > 0 && self->quick >= 2 * needed(self);
        return;
    }
    self->doubt += self->doubt < PEER_SPIN_DOUBT && peer_spin_worth(self);
    self->quick = 0;
}

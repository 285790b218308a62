/* See present.h. */
#include "peer/tables/present.h"

#include <string.h>

/* Where it stands, or would. */
static uint32_t
place(const struct peer_present *self, uint64_t account)
{
    uint32_t low = 0, high = self->count;
    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;
        if (self->list[mid].account < account)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct peer_present_one *
peer_present_find(struct peer_present *self, uint64_t account)
{
    const uint32_t at = place(self, account);
    return at < self->count && self->list[at].account == account ? &self->list[at] : NULL;
}

struct peer_present_one *
peer_present_add(struct peer_present *self, uint64_t account)
{
    const uint32_t at = place(self, account);
    if (at < self->count && self->list[at].account == account)
        return &self->list[at];
    if (self->count == PEER_PRESENT_MAX)
        return NULL;
    memmove(&self->list[at + 1], &self->list[at], (self->count - at) * sizeof self->list[0]);
    self->count++;
    self->list[at] = (struct peer_present_one){.account = account, .told = MSG_STATUS_NOT_FOUND};
    return &self->list[at];
}

void
peer_present_remove(struct peer_present *self, struct peer_present_one *one)
{
    const uint32_t at = (uint32_t)(one - self->list);
    self->count--;
    memmove(one, one + 1, (self->count - at) * sizeof *one);
}

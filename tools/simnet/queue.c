/* See queue.h. */
#include "tools/simnet/queue.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 1024u

static bool
before(const struct simnet_item *a, const struct simnet_item *b)
{
    if (a->at_us != b->at_us)
        return a->at_us < b->at_us;
    return a->tie != b->tie ? a->tie < b->tie : a->seq < b->seq;
}

void
simnet_queue_wipe(struct simnet_queue *self)
{
    free(self->heap);
    *self = (struct simnet_queue){0};
}

static void
grow(struct simnet_queue *self, size_t room)
{
    self->heap = realloc(self->heap, room * sizeof *self->heap);
    if (self->heap == NULL)
        abort(); /* out of memory: there is nothing better to do */
    self->room = room;
}

void
simnet_queue_reserve(struct simnet_queue *self, size_t count)
{
    if (count <= self->room)
        return;
    grow(self, count);
    memset(self->heap + self->count, 0xff, (self->room - self->count) * sizeof *self->heap);
}

void
simnet_queue_put(struct simnet_queue *self, struct simnet_item item)
{
    if (self->count == self->room)
        grow(self, self->room == 0 ? ROOM_FIRST : 2 * self->room);
    item.seq = self->next_seq++;
    size_t at = self->count++;
    for (; at > 0 && before(&item, &self->heap[(at - 1) / 2]); at = (at - 1) / 2)
        self->heap[at] = self->heap[(at - 1) / 2];
    self->heap[at] = item;
}

const struct simnet_item *
simnet_queue_first(const struct simnet_queue *self)
{
    return self->count > 0 ? &self->heap[0] : NULL;
}

struct simnet_item
simnet_queue_take(struct simnet_queue *self)
{
    assert(self->count > 0);
    const struct simnet_item first = self->heap[0];
    const struct simnet_item last = self->heap[--self->count];
    size_t at = 0;

    for (size_t low; (low = 2 * at + 1) < self->count; at = low) {
        low += low + 1 < self->count && before(&self->heap[low + 1], &self->heap[low]);
        if (!before(&self->heap[low], &last))
            break;
        self->heap[at] = self->heap[low];
    }
    if (self->count > 0)
        self->heap[at] = last;
    return first;
}

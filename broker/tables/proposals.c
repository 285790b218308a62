/* See proposals.h. */
#include "broker/tables/proposals.h"

#include <assert.h>
#include <stdlib.h>

bool
broker_proposals_init(struct broker_proposals *self)
{
    *self = (struct broker_proposals){.list = calloc(BROKER_PROPOSALS, sizeof *self->list)};
    return self->list != NULL;
}

void
broker_proposals_wipe(struct broker_proposals *self)
{
    free(self->list);
    self->list = NULL;
}

uint32_t
broker_proposals_add(struct broker_proposals *self, struct msg_span op)
{
    uint32_t slot = self->free_first - 1;

    assert(op.len <= sizeof self->list->op); /* the catalog's bound */
    if (self->free_first != 0)
        self->free_first = self->list[slot].next;
    else if (self->high < BROKER_PROPOSALS)
        slot = self->high++;
    else
        return BROKER_NONE;
    struct broker_proposal *proposal = &self->list[slot];
    proposal->used = true;
    proposal->next = 0;
    proposal->hash[0] = '\0';
    proposal->op_len = op.len;
    memcpy(proposal->op, op.at, op.len);
    self->count++;
    return slot;
}

void
broker_proposals_end(struct broker_proposals *self, uint32_t slot)
{
    struct broker_proposal *proposal = &self->list[slot];

    msg_keys_wipe(proposal->hash, sizeof proposal->hash);
    proposal->used = false;
    proposal->next = self->free_first;
    self->free_first = slot + 1;
    self->count--;
}

void
broker_proposals_queue(struct broker_proposals *self, struct broker_room *room, uint32_t slot)
{
    self->list[slot].next = 0;
    if (room->waiting_last != 0)
        self->list[room->waiting_last - 1].next = slot + 1;
    else
        room->waiting_first = slot + 1;
    room->waiting_last = slot + 1;
}

void
broker_proposals_cut(struct broker_proposals *self, struct broker_room *room, uint32_t before)
{
    uint32_t *link = before != 0 ? &self->list[before - 1].next : &room->waiting_first;
    const uint32_t cut = *link;

    assert(cut != 0);
    *link = self->list[cut - 1].next;
    if (room->waiting_last == cut)
        room->waiting_last = before;
    self->list[cut - 1].next = 0;
}

uint32_t
broker_proposals_unqueue(struct broker_proposals *self, struct broker_room *room)
{
    const uint32_t slot = room->waiting_first - 1;

    broker_proposals_cut(self, room, 0);
    return slot;
}

uint32_t
broker_proposals_same(const struct broker_proposals *self, uint64_t account, struct msg_span op)
{
    uint32_t seen = 0;

    for (uint32_t i = 0; seen < self->count && i < self->high; i++) {
        const struct broker_proposal *proposal = &self->list[i];
        seen += proposal->used;
        if (proposal->used && proposal->account == account
            && msg_span_equal(op, msg_span(proposal->op, proposal->op_len)))
            return i;
    }
    return BROKER_NONE;
}

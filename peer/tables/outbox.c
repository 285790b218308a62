/* The outbox: slots for messages and a pool of blocks for their texts. */
#include "peer/tables/outbox.h"

#include <assert.h>
#include <stdlib.h>

#include "msg/pages.h"

#define BLOCK_BYTES 124u

struct block {
    uint32_t next;
    uint8_t at[BLOCK_BYTES];
};

struct peer_outbox {
    struct peer_out *slots;
    uint32_t slot_room;
    uint32_t slot_used;     /* slots that were ever used: those above are untouched memory */
    uint32_t slot_free;     /* list of freed ones */
    uint32_t count;
    uint32_t delivered;     /* of these */
    struct block *blocks;
    uint32_t block_room;
    uint32_t block_used;
    uint32_t block_free;
    uint32_t block_count;
};

struct peer_outbox *
peer_outbox_new(uint32_t count, uint64_t bytes)
{
    struct peer_outbox *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    const uint64_t blocks = bytes / BLOCK_BYTES + 1;
    self->slot_room = count > 0 ? count : 1;
    self->block_room = blocks < PEER_NONE ? (uint32_t)blocks : PEER_NONE - 1;
    self->slots = msg_pages_new(self->slot_room, sizeof *self->slots);
    self->blocks = msg_pages_new(self->block_room, sizeof *self->blocks);
    self->slot_free = self->block_free = PEER_NONE;
    if (self->slots == NULL || self->blocks == NULL)
        peer_outbox_destroy(&self);
    return self;
}

void
peer_outbox_destroy(struct peer_outbox **self_p)
{
    struct peer_outbox *self = *self_p;
    if (self == NULL)
        return;
    /* what waits to be said is as private as what was */
    if (self->blocks != NULL)
        msg_keys_wipe(self->blocks, self->block_used * sizeof *self->blocks);
    msg_pages_free(self->slots, self->slot_room, sizeof *self->slots);
    msg_pages_free(self->blocks, self->block_room, sizeof *self->blocks);
    free(self);
    *self_p = NULL;
}

void
peer_outbox_start(struct peer_queue *queue)
{
    *queue = (struct peer_queue){.first = PEER_NONE, .last = PEER_NONE, .fresh = PEER_NONE, .held = PEER_NONE};
}

static uint32_t
blocks_for(size_t len)
{
    return (uint32_t)((len + BLOCK_BYTES - 1) / BLOCK_BYTES);
}

bool
peer_outbox_fits(const struct peer_outbox *self, size_t len)
{
    return self->count < self->slot_room && blocks_for(len) <= self->block_room - self->block_count;
}

static uint32_t
take_block(struct peer_outbox *self)
{
    uint32_t at = self->block_free;
    if (at != PEER_NONE)
        self->block_free = self->blocks[at].next;
    else
        at = self->block_used++;
    self->block_count++;
    return at;
}

/* Most blocks are full, and a length that the compiler knows is copied in a
 * few instructions: with the others it takes longer to begin than to copy. */
static void
copy_block(void *to, const void *from, size_t n)
{
    if (n == BLOCK_BYTES)
        memcpy(to, from, BLOCK_BYTES);
    else
        memcpy(to, from, n);
}

static void
take_text(struct peer_outbox *self, struct peer_out *slot, struct msg_text text)
{
    uint32_t *link = &slot->block;
    slot->text_len = (uint32_t)text.len;
    slot->block = slot->block_last = PEER_NONE;
    for (size_t done = 0; done < text.len; done += BLOCK_BYTES) {
        const uint32_t at = take_block(self);
        const size_t n = text.len - done < BLOCK_BYTES ? text.len - done : BLOCK_BYTES;
        copy_block(self->blocks[at].at, text.at + done, n);
        self->blocks[at].next = PEER_NONE;
        *link = slot->block_last = at;
        link = &self->blocks[at].next;
    }
}

uint32_t
peer_outbox_add(struct peer_outbox *self, struct peer_queue *queue, const struct peer_out *out, struct msg_text text)
{
    if (!peer_outbox_fits(self, text.len))
        return PEER_NONE;
    uint32_t at = self->slot_free;
    if (at != PEER_NONE)
        self->slot_free = self->slots[at].next;
    else
        at = self->slot_used++;
    self->count++;
    struct peer_out *slot = &self->slots[at];
    *slot = *out;
    slot->next = PEER_NONE;
    take_text(self, slot, text);
    if (queue->last != PEER_NONE)
        self->slots[queue->last].next = at;
    else
        queue->first = at;
    queue->last = at;
    queue->count++;
    self->delivered += slot->delivered;
    if (slot->delivered)
        queue->delivered++;
    else if (queue->fresh == PEER_NONE)
        queue->fresh = at;
    if (queue->held == PEER_NONE)
        queue->held = at;
    return at;
}

struct peer_out *
peer_outbox_at(struct peer_outbox *self, uint32_t index)
{
    assert(index < self->slot_used);
    return &self->slots[index];
}

struct msg_text
peer_outbox_text(const struct peer_outbox *self, uint32_t index, char out[MSG_TEXT_MAX])
{
    const struct peer_out *slot = &self->slots[index];
    size_t done = 0;
    for (uint32_t at = slot->block; at != PEER_NONE; at = self->blocks[at].next) {
        const size_t left = slot->text_len - done;
        const size_t n = left < BLOCK_BYTES ? left : BLOCK_BYTES;
        copy_block(out + done, self->blocks[at].at, n);
        done += n;
    }
    return (struct msg_text){out, done};
}

/* Its blocks as they hang together: only the last is touched. */
static void
free_text(struct peer_outbox *self, struct peer_out *slot)
{
    if (slot->block == PEER_NONE)
        return;
    self->blocks[slot->block_last].next = self->block_free;
    self->block_free = slot->block;
    self->block_count -= blocks_for(slot->text_len);
    slot->block = PEER_NONE;
}

void
peer_outbox_deliver(struct peer_outbox *self, struct peer_queue *queue)
{
    struct peer_out *slot = peer_outbox_at(self, queue->fresh);
    slot->delivered = true;
    self->delivered++;
    queue->delivered++;
    queue->fresh = slot->next;
}

void
peer_outbox_let_go(struct peer_outbox *self, struct peer_queue *queue)
{
    struct peer_out *slot = peer_outbox_at(self, queue->held);
    free_text(self, slot);
    queue->held = slot->next;
}

void
peer_outbox_shift(struct peer_outbox *self, struct peer_queue *queue)
{
    const uint32_t at = queue->first;
    assert(at != PEER_NONE);
    struct peer_out *slot = &self->slots[at];
    free_text(self, slot);
    if (queue->fresh == at)
        queue->fresh = slot->next;
    if (queue->held == at)
        queue->held = slot->next;
    queue->first = slot->next;
    if (queue->first == PEER_NONE)
        queue->last = PEER_NONE;
    queue->count--;
    self->delivered -= slot->delivered;
    if (slot->delivered)
        queue->delivered--;
    slot->next = self->slot_free;
    self->slot_free = at;
    self->count--;
}

uint32_t
peer_outbox_waiting(const struct peer_outbox *self)
{
    return self->count - self->delivered;
}

bool
peer_outbox_follows(const struct peer_out *out, struct peer_mark last)
{
    return out->mark.incarnation == last.incarnation && out->mark.number == last.number + 1;
}

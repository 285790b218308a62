/* A ring of { transaction, length, tell } kept in one piece of memory. */
#include "peer/tables/held.h"

#include <assert.h>
#include <stdlib.h>

#include "msg/flat.h"
#include "msg/pages.h"

#define ENTRY_BYTES 16u     /* what stands before each frame */
#define TELL_MORE 1024u     /* the most a TELL_ has beside its text */

struct entry {
    uint64_t store;
    uint64_t len;   /* 0: the rest of the ring is unused, go on at its start */
};

/* Ticks that are not in the ring yet, since more of them may come. */
struct ticks {
    uint64_t store;
    enum msg_tick tick;
    uint64_t others; /* as the last of them says */
    size_t count;
    struct msg_id ids[MSG_TICK_COUNT];
    size_t to_len;
    size_t room_len;
    char to[MSG_NAME_MAX];
    char room[MSG_ROOM_NAME_MAX];
};

struct peer_held {
    uint8_t *ring;
    size_t room;
    size_t first;   /* oldest entry */
    size_t end;     /* where the next one goes */
    size_t count;
    struct ticks ticks; /* younger than what is in the ring */
};

struct peer_held *
peer_held_new(size_t bytes)
{
    struct peer_held *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->room = bytes & ~(size_t)7;
    self->ring = msg_pages_new(self->room, 1);
    if (self->ring == NULL)
        peer_held_destroy(&self);
    return self;
}

void
peer_held_destroy(struct peer_held **self_p)
{
    struct peer_held *self = *self_p;
    if (self == NULL)
        return;
    msg_pages_free(self->ring, self->room, 1);
    free(self);
    *self_p = NULL;
}

static size_t
need(size_t len)
{
    return (ENTRY_BYTES + len + TELL_MORE + 7) & ~(size_t)7;
}

/* Free bytes in one piece behind `end`, or at the start of the ring; the ticks
 * that are gathered go first. */
bool
peer_held_fits(const struct peer_held *self, size_t len)
{
    const size_t n = need(sizeof self->ticks.ids) + need(len) + ENTRY_BYTES;
    if (self->count == 0)
        return n <= self->room;
    if (self->end > self->first)
        return n <= self->room - self->end || n <= self->first;
    return n <= self->first - self->end;
}

bool
peer_held_half_free(const struct peer_held *self)
{
    return peer_held_fits(self, self->room / 2);
}

static void
write_entry(struct peer_held *self, size_t at, struct entry entry)
{
    memcpy(self->ring + at, &entry, sizeof entry);
}

static size_t
text_bytes(enum msg_kind kind, const void *message)
{
    const struct msg_tell_message *tell = message;
    const struct msg_tell_room *room = message;
    const struct msg_tell_notice *notice = message;
    const struct msg_tell_receipt *receipt = message;
    const struct msg_tell_messages *messages = message;
    if (kind == MSG_TELL_NOTICE)
        return notice->name.len + notice->text.len;
    if (kind == MSG_TELL_ROOM)
        return room->room.len + room->user.len + room->by.len + room->text.len;
    if (kind == MSG_TELL_RECEIPT)
        return receipt->ids.len;
    if (kind == MSG_TELL_MESSAGES)
        return messages->batch.len;
    return kind == MSG_TELL_MESSAGE ? tell->text.len : 0;
}

static void
add(struct peer_held *self, uint64_t store, enum msg_kind kind, const void *message)
{
    const size_t n = need(text_bytes(kind, message));
    if (self->count == 0)
        self->first = self->end = 0;
    const bool behind = self->count == 0 || self->end > self->first;
    if (behind && n + ENTRY_BYTES > self->room - self->end) {
        if (self->room - self->end >= ENTRY_BYTES)
            write_entry(self, self->end, (struct entry){0, 0});
        self->end = 0;
    }
    assert(n + ENTRY_BYTES <= (self->end < self->first ? self->first : self->room) - self->end);
    struct msg_buf buf = {self->ring + self->end + ENTRY_BYTES, 0, n - ENTRY_BYTES};
    const enum conclave_err err = msg_flat_put(&buf, kind, message);
    assert(err == CONCLAVE_OK);
    (void)err; /* the room was reckoned from the catalog's limits */
    write_entry(self, self->end, (struct entry){store, buf.len});
    self->end += (ENTRY_BYTES + buf.len + 7) & ~(size_t)7;
    self->count++;
}

static struct msg_tell_receipt
receipt_of(const struct ticks *ticks)
{
    return (struct msg_tell_receipt){
        .ids = msg_span(ticks->ids, ticks->count * sizeof ticks->ids[0]),
        .to = {ticks->to, ticks->to_len},
        .room = {ticks->room, ticks->room_len},
        .tick = ticks->tick,
        .others = ticks->others,
    };
}

/* No more join them. */
static void
close_ticks(struct peer_held *self)
{
    struct ticks *const ticks = &self->ticks;
    if (ticks->count == 0)
        return;
    const struct msg_tell_receipt receipt = receipt_of(ticks);
    add(self, ticks->store, MSG_TELL_RECEIPT, &receipt);
    ticks->count = 0;
}

void
peer_held_put(struct peer_held *self, uint64_t store, enum msg_kind kind, const void *message)
{
    assert(peer_held_fits(self, text_bytes(kind, message)));
    close_ticks(self);
    add(self, store, kind, message);
}

static bool
same(const char *at, size_t len, struct msg_text text)
{
    return len == text.len && memcmp(at, text.at, len) == 0;
}

void
peer_held_tick_of(struct peer_held *self, uint64_t store, const struct msg_id *id, struct msg_text to, struct msg_text room, enum msg_tick tick, uint64_t others)
{
    struct ticks *const ticks = &self->ticks;
    assert(peer_held_fits(self, 0) && to.len <= sizeof ticks->to && room.len <= sizeof ticks->room);
    if (ticks->count == MSG_TICK_COUNT || ticks->tick != tick || !same(ticks->to, ticks->to_len, to) || !same(ticks->room, ticks->room_len, room))
        close_ticks(self);
    if (ticks->count == 0) {
        ticks->tick = tick;
        ticks->to_len = to.len;
        ticks->room_len = room.len;
        memcpy(ticks->to, to.at, to.len);
        memcpy(ticks->room, room.at, room.len);
    }
    ticks->others = others;
    ticks->ids[ticks->count++] = *id;
    ticks->store = store;
}

void
peer_held_tick(struct peer_held *self, uint64_t store, const struct msg_id *id, struct msg_text to, struct msg_text room, enum msg_tick tick)
{
    peer_held_tick_of(self, store, id, to, room, tick, 0);
}

static void
release_ticks(struct peer_held *self, uint64_t store, struct msg_effects *out)
{
    if (self->ticks.count == 0)
        return;
    if (self->count > 0 || self->ticks.store > store) {
        close_ticks(self); /* or they would wait for ever later transactions */
        return;
    }
    const struct msg_tell_receipt receipt = receipt_of(&self->ticks);
    msg_effects_tell(out, MSG_TELL_RECEIPT, &receipt);
    self->ticks.count = 0;
}

void
peer_held_release(struct peer_held *self, uint64_t store, struct msg_effects *out)
{
    while (self->count > 0) {
        struct entry entry = {0, 0};
        if (self->room - self->first >= ENTRY_BYTES)
            memcpy(&entry, self->ring + self->first, sizeof entry);
        if (entry.len == 0) {
            self->first = 0;
            continue;
        }
        if (entry.store > store)
            break;
        msg_effects_tell_bytes(out, msg_span(self->ring + self->first + ENTRY_BYTES, entry.len));
        self->first += (ENTRY_BYTES + entry.len + 7) & ~(size_t)7;
        self->count--;
    }
    release_ticks(self, store, out);
}

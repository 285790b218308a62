/* Rooms in a table, their members and senders in two pools that all rooms
 * share, found through buckets of (room, account). */
#include "peer/tables/rooms.h"

#include "msg/codec.h"
#include "msg/pages.h"
#include "peer/tables/tables.h"

bool
peer_rooms_init(struct peer_rooms *self, uint32_t rooms, uint32_t members)
{
    memset(self, 0, sizeof *self);
    const size_t parts = (size_t)rooms * members;
    uint32_t buckets = 1;
    if (parts >= UINT32_MAX / 2)
        return false;
    while (buckets < parts)
        buckets *= 2;
    self->room_room = rooms;
    self->mate_room = self->sender_room = (uint32_t)parts;
    self->bucket_mask = buckets - 1;
    self->rooms = msg_pages_new(rooms, sizeof *self->rooms);
    self->ids = msg_pages_new(rooms, sizeof *self->ids);
    self->heads = msg_pages_new((size_t)rooms * PEER_ROOM_HEADS, sizeof *self->heads);
    self->head_numbers = msg_pages_new((size_t)rooms * PEER_ROOM_HEADS, sizeof *self->head_numbers);
    self->mates = msg_pages_new(parts, sizeof *self->mates);
    self->mate_buckets = msg_pages_new(buckets, sizeof *self->mate_buckets);
    self->senders = msg_pages_new(parts, sizeof *self->senders);
    self->sender_buckets = msg_pages_new(buckets, sizeof *self->sender_buckets);
    return self->rooms != NULL && self->ids != NULL && self->heads != NULL && self->head_numbers != NULL && self->mates != NULL
           && self->mate_buckets != NULL && self->senders != NULL && self->sender_buckets != NULL;
}

void
peer_rooms_wipe(struct peer_rooms *self)
{
    for (uint32_t i = 0; self->rooms != NULL && i < self->room_count; i++)
        msg_keys_wipe(&self->rooms[i].key, sizeof self->rooms[i].key);
    msg_pages_free(self->rooms, self->room_room, sizeof *self->rooms);
    msg_pages_free(self->ids, self->room_room, sizeof *self->ids);
    msg_pages_free(self->heads, (size_t)self->room_room * PEER_ROOM_HEADS, sizeof *self->heads);
    msg_pages_free(self->head_numbers, (size_t)self->room_room * PEER_ROOM_HEADS, sizeof *self->head_numbers);
    msg_pages_free(self->mates, self->mate_room, sizeof *self->mates);
    msg_pages_free(self->mate_buckets, self->bucket_mask + 1, sizeof *self->mate_buckets);
    msg_pages_free(self->senders, self->sender_room, sizeof *self->senders);
    msg_pages_free(self->sender_buckets, self->bucket_mask + 1, sizeof *self->sender_buckets);
    memset(self, 0, sizeof *self);
}

/* ---- rooms ---- */

struct peer_room *
peer_rooms_find(struct peer_rooms *self, const struct msg_id *id)
{
    if (self->last < self->room_count && self->rooms[self->last].used && memcmp(&self->ids[self->last], id, sizeof *id) == 0)
        return &self->rooms[self->last];
    for (uint32_t i = 0; i < self->room_count; i++)
        if (memcmp(&self->ids[i], id, sizeof *id) == 0 && self->rooms[i].used) {
            self->last = i;
            return &self->rooms[i];
        }
    return NULL;
}

/* A name may have gone to another room: the one that we are in comes first. */
struct peer_room *
peer_rooms_named(struct peer_rooms *self, const struct msg_room_name *name)
{
    struct peer_room *other = NULL;
    for (uint32_t i = 0; i < self->room_count; i++) {
        struct peer_room *room = &self->rooms[i];
        if (!room->used || !room->facts.made || strcmp(room->folded, name->folded) != 0)
            continue;
        if (peer_rooms_in(room))
            return room;
        if (other == NULL || (room->standing & MSG_STANDING_INVITED) != 0)
            other = room;
    }
    return other;
}

struct peer_room *
peer_rooms_add(struct peer_rooms *self, const struct msg_id *id)
{
    struct peer_room *room = peer_rooms_find(self, id);
    if (room != NULL)
        return room;
    uint32_t at = 0;
    while (at < self->room_count && self->rooms[at].used)
        at++;
    if (at == self->room_room)
        return NULL;
    if (at == self->room_count)
        self->room_count++;
    room = &self->rooms[at];
    memset(room, 0, sizeof *room);
    memset(self->head_numbers + (size_t)at * PEER_ROOM_HEADS, 0, PEER_ROOM_HEADS * sizeof *self->head_numbers);
    room->used = true;
    room->facts.id = self->ids[at] = *id;
    room->mates = room->senders = PEER_NONE;
    peer_outbox_start(&room->queue);
    room->post_next = PEER_NONE;
    return room;
}

static void forget_mate(struct peer_rooms *self, uint32_t at);
static void forget_sender(struct peer_rooms *self, uint32_t at);

void
peer_rooms_remove(struct peer_rooms *self, struct peer_room *room)
{
    while (room->mates != PEER_NONE) {
        const uint32_t at = room->mates;
        room->mates = self->mates[at].next;
        forget_mate(self, at);
    }
    while (room->senders != PEER_NONE) {
        const uint32_t at = room->senders;
        room->senders = self->senders[at].next;
        forget_sender(self, at);
    }
    msg_keys_wipe(&room->key, sizeof room->key);
    room->used = false;
}

void
peer_rooms_call(struct peer_room *room, const struct msg_room_name *name)
{
    memcpy(room->name, name->shown, sizeof room->name);
    memcpy(room->folded, name->folded, sizeof room->folded);
}

uint32_t
peer_rooms_index(const struct peer_rooms *self, const struct peer_room *room)
{
    return (uint32_t)(room - self->rooms);
}

struct peer_room *
peer_rooms_at(struct peer_rooms *self, uint32_t index)
{
    return &self->rooms[index];
}

bool
peer_rooms_in(const struct peer_room *room)
{
    return room->role != MSG_ROLE_NONE && !room->facts.gone;
}

struct peer_room *
peer_rooms_each(struct peer_rooms *self, uint32_t *index)
{
    while (*index < self->room_count)
        if (self->rooms[(*index)++].used)
            return &self->rooms[*index - 1];
    return NULL;
}

/* ---- members and senders ---- */

static uint32_t
bucket_of(const struct peer_rooms *self, uint32_t room, uint64_t account, uint64_t device)
{
    uint64_t x = account * UINT64_C(0x9e3779b97f4a7c15) + device * UINT64_C(0xc2b2ae3d27d4eb4f) + room;
    x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    return (uint32_t)(x >> 32) & self->bucket_mask;
}

struct peer_mate *
peer_rooms_mate(struct peer_rooms *self, const struct peer_room *room, uint64_t account)
{
    const uint32_t index = peer_rooms_index(self, room);
    for (uint32_t at = self->mate_buckets[bucket_of(self, index, account, 0)]; at != 0; at = self->mates[at - 1].chain)
        if (self->mates[at - 1].room == index && self->mates[at - 1].part.account == account)
            return &self->mates[at - 1];
    return NULL;
}

struct peer_mate *
peer_rooms_add_mate(struct peer_rooms *self, struct peer_room *room, uint64_t account)
{
    struct peer_mate *mate = peer_rooms_mate(self, room, account);
    if (mate != NULL)
        return mate;
    if (self->mate_free == 0 && self->mate_count == self->mate_room)
        return NULL;
    const uint32_t at = self->mate_free != 0 ? self->mate_free - 1 : self->mate_count++;
    mate = &self->mates[at];
    if (self->mate_free != 0)
        self->mate_free = mate->next;
    memset(mate, 0, sizeof *mate);
    mate->used = true;
    mate->room = peer_rooms_index(self, room);
    mate->part.account = account;
    uint32_t *const bucket = &self->mate_buckets[bucket_of(self, mate->room, account, 0)];
    mate->chain = *bucket;
    *bucket = at + 1;
    mate->next = room->mates;
    room->mates = at;
    return mate;
}

static void
forget_mate(struct peer_rooms *self, uint32_t at)
{
    struct peer_mate *const mate = &self->mates[at];
    uint32_t *link = &self->mate_buckets[bucket_of(self, mate->room, mate->part.account, 0)];
    while (*link != at + 1)
        link = &self->mates[*link - 1].chain;
    *link = mate->chain;
    mate->used = false;
    mate->next = self->mate_free;
    self->mate_free = at + 1;
}

struct peer_sender *
peer_rooms_sender(struct peer_rooms *self, const struct peer_room *room, uint64_t account, uint64_t device)
{
    const uint32_t index = peer_rooms_index(self, room);
    for (uint32_t at = self->sender_buckets[bucket_of(self, index, account, device)]; at != 0; at = self->senders[at - 1].chain) {
        struct peer_sender *const sender = &self->senders[at - 1];
        if (sender->room == index && sender->account == account && sender->device == device)
            return sender;
    }
    return NULL;
}

struct peer_sender *
peer_rooms_add_sender(struct peer_rooms *self, struct peer_room *room, uint64_t account, uint64_t device)
{
    struct peer_sender *sender = peer_rooms_sender(self, room, account, device);
    if (sender != NULL)
        return sender;
    if (self->sender_free == 0 && self->sender_count == self->sender_room)
        return NULL;
    const uint32_t at = self->sender_free != 0 ? self->sender_free - 1 : self->sender_count++;
    sender = &self->senders[at];
    if (self->sender_free != 0)
        self->sender_free = sender->next;
    memset(sender, 0, sizeof *sender);
    sender->used = true;
    sender->room = peer_rooms_index(self, room);
    sender->account = account;
    sender->device = device;
    uint32_t *const bucket = &self->sender_buckets[bucket_of(self, sender->room, account, device)];
    sender->chain = *bucket;
    *bucket = at + 1;
    sender->next = room->senders;
    room->senders = at;
    return sender;
}

static void
forget_sender(struct peer_rooms *self, uint32_t at)
{
    struct peer_sender *const sender = &self->senders[at];
    uint32_t *link = &self->sender_buckets[bucket_of(self, sender->room, sender->account, sender->device)];
    while (*link != at + 1)
        link = &self->senders[*link - 1].chain;
    *link = sender->chain;
    sender->used = false;
    sender->next = self->sender_free;
    self->sender_free = at + 1;
}

void
peer_rooms_remove_sender(struct peer_rooms *self, struct peer_room *room, struct peer_sender *sender, struct msg_effects *out)
{
    const uint32_t index = (uint32_t)(sender - self->senders);
    const uint64_t who[] = {sender->account, sender->device};
    const struct msg_record_key key = msg_record_key_room(&room->facts.id, who, 2);
    uint32_t *link = &room->senders;
    while (*link != index)
        link = &self->senders[*link].next;
    *link = sender->next;
    forget_sender(self, index);
    msg_effects_delete(out, PEER_TABLE_ROOM_IN, msg_record_key_span(&key));
}

struct peer_mate *
peer_rooms_first_mate(struct peer_rooms *self, const struct peer_room *room)
{
    return room->mates == PEER_NONE ? NULL : &self->mates[room->mates];
}

struct peer_mate *
peer_rooms_next_mate(struct peer_rooms *self, const struct peer_mate *mate)
{
    return mate->next == PEER_NONE ? NULL : &self->mates[mate->next];
}

struct peer_sender *
peer_rooms_first_sender(struct peer_rooms *self, const struct peer_room *room)
{
    return room->senders == PEER_NONE ? NULL : &self->senders[room->senders];
}

struct peer_sender *
peer_rooms_next_sender(struct peer_rooms *self, const struct peer_sender *sender)
{
    return sender->next == PEER_NONE ? NULL : &self->senders[sender->next];
}

/* ---- heads ---- */

const struct msg_head *
peer_rooms_head(const struct peer_rooms *self, const struct peer_room *room, uint64_t number)
{
    static const struct msg_head NONE;
    const size_t at = (size_t)peer_rooms_index(self, room) * PEER_ROOM_HEADS + number % PEER_ROOM_HEADS;
    if (number == 0)
        return &NONE;
    if (number == room->facts.number)
        return &room->facts.head;
    if (number == room->proved.number)
        return &room->proved.head;
    return self->head_numbers[at] == number ? &self->heads[at] : NULL;
}

void
peer_rooms_keep_head(struct peer_rooms *self, const struct peer_room *room)
{
    const size_t at = (size_t)peer_rooms_index(self, room) * PEER_ROOM_HEADS + room->facts.number % PEER_ROOM_HEADS;
    self->head_numbers[at] = room->facts.number;
    self->heads[at] = room->facts.head;
}

bool
peer_rooms_is_chained(const struct peer_sender *sender)
{
    static const struct msg_head none;
    return sender != NULL && sender->mark.incarnation != 0 && memcmp(&sender->head, &none, sizeof none) != 0;
}

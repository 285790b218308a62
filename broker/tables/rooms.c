/* See rooms.h.  Lists are by slot + 1, so that zeroed memory is empty lists. */
#include "broker/tables/rooms.h"

#include <stdlib.h>

#define STIRRED_TICK_MS 64u

static uint32_t
least_one(uint32_t count)
{
    return count > 0 ? count : 1;
}

bool
broker_rooms_init(struct broker_rooms *self, const struct broker_rooms_limits *limits, uint64_t seed)
{
    *self = (struct broker_rooms){.capacity = limits->rooms,
                                  .members_capacity = limits->members,
                                  .seats_capacity = limits->seats};
    self->list = calloc(least_one(limits->rooms), sizeof *self->list);
    self->voices = calloc(BROKER_VOICES * (size_t)least_one(limits->rooms), sizeof *self->voices);
    self->members = calloc(least_one(limits->members), sizeof *self->members);
    self->seats = calloc(least_one(limits->seats), sizeof *self->seats);
    self->seated = calloc(least_one(limits->sessions), sizeof *self->seated);
    return self->list != NULL && self->voices != NULL && self->members != NULL && self->seats != NULL && self->seated != NULL
           && broker_index_init(&self->by_id, limits->rooms, seed)
           && broker_index_init(&self->by_name, limits->rooms, seed ^ 0x27d4eb2fu)
           && broker_index_init(&self->by_pair, limits->members, seed ^ 0x165667b1u)
           && broker_index_init(&self->by_account, limits->members, seed ^ 0x5bd1e995u)
           && broker_index_init(&self->by_seat, limits->seats, seed ^ 0x9e3779b1u)
           && broker_wheel_init(&self->stirred, limits->rooms, STIRRED_TICK_MS);
}

void
broker_rooms_wipe(struct broker_rooms *self)
{
    free(self->list);
    free(self->voices);
    free(self->members);
    free(self->seats);
    free(self->seated);
    self->list = NULL;
    self->voices = NULL;
    self->members = NULL;
    self->seats = NULL;
    self->seated = NULL;
    broker_index_wipe(&self->by_id);
    broker_index_wipe(&self->by_name);
    broker_index_wipe(&self->by_pair);
    broker_index_wipe(&self->by_account);
    broker_index_wipe(&self->by_seat);
    broker_wheel_wipe(&self->stirred);
}

/* A slot that was given back, or one that was never used. */
static uint32_t
take(uint32_t free_first, uint32_t *high, uint32_t capacity)
{
    if (free_first != 0)
        return free_first - 1;
    return *high < capacity ? (*high)++ : BROKER_NONE;
}

/* ---- rooms ---- */

static uint32_t
id_hash(const struct broker_rooms *self, const struct msg_id *id)
{
    return broker_index_hash(&self->by_id, id->at, sizeof id->at);
}

uint32_t
broker_rooms_by_id(const struct broker_rooms *self, const struct msg_id *id)
{
    const uint32_t hash = id_hash(self, id);
    uint32_t at = hash, slot;

    do
        slot = broker_index_next(&self->by_id, hash, &at);
    while (slot != BROKER_NONE && memcmp(self->list[slot].rules.id.at, id->at, sizeof id->at) != 0);
    return slot;
}

uint32_t
broker_rooms_by_name(const struct broker_rooms *self, struct msg_text folded)
{
    const uint32_t hash = broker_index_hash(&self->by_name, folded.at, folded.len);
    uint32_t at = hash;

    for (;;) {
        const uint32_t slot = broker_index_next(&self->by_name, hash, &at);
        if (slot == BROKER_NONE
            || msg_text_equal(folded, (struct msg_text){self->list[slot].folded, self->list[slot].folded_len}))
            return slot;
    }
}

uint32_t
broker_rooms_add(struct broker_rooms *self, const struct msg_id *id, const struct msg_room_name *name)
{
    const uint32_t slot = take(self->free_first, &self->high, self->capacity);

    if (slot == BROKER_NONE)
        return slot;
    struct broker_room *room = &self->list[slot];
    if (slot + 1 == self->free_first)
        self->free_first = room->next_free;
    *room = (struct broker_room){.used = true, .rules = {.id = *id}};
    room->shown_len = (uint16_t)strlen(name->shown);
    room->folded_len = (uint16_t)name->folded_len;
    memcpy(room->shown, name->shown, room->shown_len);
    memcpy(room->folded, name->folded, room->folded_len);
    broker_index_add(&self->by_id, id_hash(self, id), slot);
    broker_index_add(&self->by_name, broker_index_hash(&self->by_name, room->folded, room->folded_len), slot);
    self->count++;
    return slot;
}

void
broker_rooms_remove(struct broker_rooms *self, uint32_t slot)
{
    struct broker_room *room = &self->list[slot];

    while (room->seat_first != 0)
        broker_rooms_stand_up(self, room->seat_first - 1);
    while (room->member_first != 0)
        broker_rooms_remove_member(self, room->member_first - 1);
    broker_wheel_clear(&self->stirred, slot);
    broker_index_remove(&self->by_id, id_hash(self, &room->rules.id), slot);
    broker_index_remove(&self->by_name, broker_index_hash(&self->by_name, room->folded, room->folded_len), slot);
    struct broker_voice *voices = &self->voices[(size_t)slot * BROKER_VOICES];
    if (voices->offset != 0) /* the first place is taken first */
        memset(voices, 0, BROKER_VOICES * sizeof *voices);
    room->used = false;
    room->next_free = self->free_first;
    self->free_first = slot + 1;
    self->count--;
}

/* ---- members ---- */

static uint32_t
pair_hash(const struct broker_rooms *self, uint32_t room, uint64_t account)
{
    const uint64_t key[2] = {room, account};

    return broker_index_hash(&self->by_pair, key, sizeof key);
}

uint32_t
broker_rooms_member(const struct broker_rooms *self, uint32_t room, uint64_t account)
{
    const uint32_t hash = pair_hash(self, room, account);
    uint32_t at = hash, slot;

    do
        slot = broker_index_next(&self->by_pair, hash, &at);
    while (slot != BROKER_NONE
           && (self->members[slot].room != room || self->members[slot].part.account != account));
    return slot;
}

uint32_t
broker_rooms_of_account(const struct broker_rooms *self, uint64_t account)
{
    const uint32_t hash = broker_index_hash_u64(&self->by_account, account);
    uint32_t at = hash, slot;

    do
        slot = broker_index_next(&self->by_account, hash, &at);
    while (slot != BROKER_NONE && self->members[slot].part.account != account);
    return slot != BROKER_NONE ? slot + 1 : 0;
}

uint32_t
broker_rooms_count_of(const struct broker_rooms *self, uint64_t account, uint32_t *invited)
{
    uint32_t count = 0;

    *invited = 0;
    for (uint32_t at = broker_rooms_of_account(self, account); at != 0; at = self->members[at - 1].account_next) {
        if (broker_rooms_is_in(&self->members[at - 1]))
            count++;
        else
            (*invited)++;
    }
    return count;
}

/* The index knows the first of the account's list: it moves from one to the
 * other, or (BROKER_NONE) is not there. */
static void
move_account(struct broker_rooms *self, uint64_t account, uint32_t from, uint32_t to)
{
    const uint32_t hash = broker_index_hash_u64(&self->by_account, account);

    if (from != BROKER_NONE)
        broker_index_remove(&self->by_account, hash, from);
    if (to != BROKER_NONE)
        broker_index_add(&self->by_account, hash, to);
}

uint32_t
broker_rooms_add_member(struct broker_rooms *self, uint32_t room_slot, uint64_t account)
{
    const uint32_t slot = take(self->members_free, &self->members_high, self->members_capacity);

    if (slot == BROKER_NONE)
        return slot;
    struct broker_room *room = &self->list[room_slot];
    struct broker_member *member = &self->members[slot];
    const uint32_t first = broker_rooms_of_account(self, account);
    if (slot + 1 == self->members_free)
        self->members_free = member->room_next;
    *member = (struct broker_member){.used = true,
                                     .part = {.account = account},
                                     .room = room_slot,
                                     .room_next = room->member_first,
                                     .account_next = first};
    if (member->room_next != 0)
        self->members[member->room_next - 1].room_prev = slot + 1;
    room->member_first = slot + 1;
    room->member_count++;
    if (first != 0)
        self->members[first - 1].account_prev = slot + 1;
    move_account(self, account, first != 0 ? first - 1 : BROKER_NONE, slot);
    broker_index_add(&self->by_pair, pair_hash(self, room_slot, account), slot);
    self->members_count++;
    return slot;
}

/* The seats of one account in a room, by those of its sessions: found from the
 * room's side, since a member does not know its sessions. */
static void
stand_up_member(struct broker_rooms *self, uint32_t member)
{
    uint32_t next;

    for (uint32_t at = self->list[self->members[member].room].seat_first; at != 0; at = next) {
        next = self->seats[at - 1].room_next;
        if (self->seats[at - 1].member == member)
            broker_rooms_stand_up(self, at - 1);
    }
}

void
broker_rooms_remove_member(struct broker_rooms *self, uint32_t slot)
{
    struct broker_member *member = &self->members[slot];
    struct broker_room *room = &self->list[member->room];
    const uint64_t account = member->part.account;

    stand_up_member(self, slot);
    broker_index_remove(&self->by_pair, pair_hash(self, member->room, account), slot);
    if (member->room_prev != 0)
        self->members[member->room_prev - 1].room_next = member->room_next;
    else
        room->member_first = member->room_next;
    if (member->room_next != 0)
        self->members[member->room_next - 1].room_prev = member->room_prev;
    room->member_count--;
    if (member->account_prev != 0)
        self->members[member->account_prev - 1].account_next = member->account_next;
    else
        move_account(self, account, slot, member->account_next != 0 ? member->account_next - 1 : BROKER_NONE);
    if (member->account_next != 0)
        self->members[member->account_next - 1].account_prev = member->account_prev;
    *member = (struct broker_member){.room_next = self->members_free};
    self->members_free = slot + 1;
    self->members_count--;
}

/* ---- seats ---- */

static uint32_t
seat_hash(const struct broker_rooms *self, uint32_t room, uint32_t session)
{
    return broker_index_hash_u64(&self->by_seat, (uint64_t)room << 32 | session);
}

uint32_t
broker_rooms_seat(const struct broker_rooms *self, uint32_t room, uint32_t session)
{
    const uint32_t hash = seat_hash(self, room, session);
    uint32_t at = hash, slot;

    do
        slot = broker_index_next(&self->by_seat, hash, &at);
    while (slot != BROKER_NONE && (self->seats[slot].room != room || self->seats[slot].session != session));
    return slot;
}

uint32_t
broker_rooms_sit(struct broker_rooms *self, uint32_t member, uint32_t session)
{
    const uint32_t room_slot = self->members[member].room;
    uint32_t slot = broker_rooms_seat(self, room_slot, session);

    if (slot != BROKER_NONE)
        return slot;
    slot = take(self->seats_free, &self->seats_high, self->seats_capacity);
    if (slot == BROKER_NONE)
        return slot;
    struct broker_room *room = &self->list[room_slot];
    struct broker_seat *seat = &self->seats[slot];
    if (slot + 1 == self->seats_free)
        self->seats_free = seat->room_next;
    *seat = (struct broker_seat){.used = true,
                                 .session = session,
                                 .room = room_slot,
                                 .member = member,
                                 .room_next = room->seat_first,
                                 .session_next = self->seated[session]};
    if (seat->room_next != 0)
        self->seats[seat->room_next - 1].room_prev = slot + 1;
    room->seat_first = slot + 1;
    room->seat_count++;
    if (seat->session_next != 0)
        self->seats[seat->session_next - 1].session_prev = slot + 1;
    self->seated[session] = slot + 1;
    broker_index_add(&self->by_seat, seat_hash(self, room_slot, session), slot);
    self->seats_count++;
    return slot;
}

void
broker_rooms_stand_up(struct broker_rooms *self, uint32_t slot)
{
    struct broker_seat *seat = &self->seats[slot];
    struct broker_room *room = &self->list[seat->room];

    broker_index_remove(&self->by_seat, seat_hash(self, seat->room, seat->session), slot);
    if (seat->room_prev != 0)
        self->seats[seat->room_prev - 1].room_next = seat->room_next;
    else
        room->seat_first = seat->room_next;
    if (seat->room_next != 0)
        self->seats[seat->room_next - 1].room_prev = seat->room_prev;
    room->seat_count--;
    if (seat->session_prev != 0)
        self->seats[seat->session_prev - 1].session_next = seat->session_next;
    else
        self->seated[seat->session] = seat->session_next;
    if (seat->session_next != 0)
        self->seats[seat->session_next - 1].session_prev = seat->session_prev;
    *seat = (struct broker_seat){.room_next = self->seats_free};
    self->seats_free = slot + 1;
    self->seats_count--;
}

void
broker_rooms_stand_up_all(struct broker_rooms *self, uint32_t session)
{
    while (self->seated[session] != 0)
        broker_rooms_stand_up(self, self->seated[session] - 1);
}

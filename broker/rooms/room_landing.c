/* Entries of a roster are on disk: sessions get seats or lose them, and all
 * whom it concerns are told. */
#include "broker/core/front_state.h"

#include <assert.h>

#include "msg/codec.h"

#define ENTRY_BYTES_MAX (MSG_ROOM_OP_MAX + MSG_CERT_MAX + 64u) /* one ENTRY on the wire, at most */
#define PAGE_BYTES_MAX (MSG_FRAME_MAX - 1024u)                 /* the list in one frame */

bool
broker_landing_append(struct broker_front_core *self, const struct msg_id *room, uint64_t number,
                      struct msg_list *entries)
{
    struct msg_rec_room_entry record;

    if (entries->count == MSG_LIST_PAGE || PAGE_BYTES_MAX - self->items.len < ENTRY_BYTES_MAX
        || !broker_room_records_entry(&self->view, room, number, &record))
        return false;
    const struct msg_entry entry = {number, record.offset, record.at_ms, record.op, record.certificate};
    return msg_codec_append(&self->items, entries, MSG_ENTRY, &entry) == CONCLAVE_OK;
}

/* The operation of an entry; its texts go with the next look into the view. */
static bool
read_op(const struct broker_front_core *self, const struct msg_id *room, uint64_t number, struct msg_room_op *op)
{
    struct msg_rec_room_entry record;

    return broker_room_records_entry(&self->view, room, number, &record)
           && msg_room_open_op(op, record.op, NULL) == CONCLAVE_OK;
}

/* Sessions of an account that have no seat in the room: they are told, too. */
static uint32_t
add_links_of(struct broker_front_core *self, uint32_t room, uint64_t account, uint32_t count)
{
    const uint32_t person = broker_people_by_account(&self->people, account);
    uint32_t at = person != BROKER_NONE ? self->people.list[person].session_first : 0;

    for (; at != 0 && count < self->sessions.capacity; at = self->sessions.list[at - 1].person_next)
        if (broker_rooms_seat(&self->rooms, room, at - 1) == BROKER_NONE)
            self->links[count++] = self->sessions.list[at - 1].conn;
    return count;
}

/* The links of all who are told of the entries from `first` on. */
static uint32_t
gather_links(struct broker_front_core *self, uint32_t slot, uint64_t first)
{
    const struct broker_room *room = &self->rooms.list[slot];
    struct msg_room_op op;
    uint32_t count = 0;

    for (uint32_t at = room->seat_first; at != 0; at = self->rooms.seats[at - 1].room_next)
        self->links[count++] = self->sessions.list[self->rooms.seats[at - 1].session].conn;
    for (uint64_t number = first; number <= room->stored; number++) {
        if (read_op(self, &room->rules.id, number, &op) && op.subject != 0) /* whoever acts has a seat */
            count = add_links_of(self, slot, op.subject, count);
    }
    return count;
}

static void
cast(struct broker_front_core *self, uint32_t links, struct msg_entries *entries)
{
    self->frame.len = 0;
    const enum conclave_err err = msg_codec_encode(&self->frame, MSG_ENTRIES, entries);
    assert(err == CONCLAVE_OK); /* the page's bound */
    (void)err;
    msg_effects_cast(self->out, self->links, links, msg_span_of_buf(&self->frame));
    self->items.len = 0;
    entries->entries = (struct msg_list){0};
}

static void
push(struct broker_front_core *self, uint32_t slot, uint64_t first)
{
    const struct broker_room *room = &self->rooms.list[slot];
    const uint32_t links = gather_links(self, slot, first);
    struct msg_entries entries = {.room = room->rules.id};

    if (links == 0)
        return;
    self->items.len = 0;
    for (uint64_t number = first; number <= room->stored; number++) {
        if (broker_landing_append(self, &room->rules.id, number, &entries.entries))
            continue;
        if (entries.entries.count == 0)
            return; /* it cannot be read: they find out with the next one, and ask */
        cast(self, links, &entries);
        number--;
    }
    if (entries.entries.count > 0)
        cast(self, links, &entries);
}

/* Seats for whoever is in now; none, once they were told, for who is not. */
static void
seat(struct broker_front_core *self, uint32_t room, uint64_t account, bool before)
{
    const uint32_t slot = account != 0 ? broker_rooms_member(&self->rooms, room, account) : BROKER_NONE;

    if (slot == BROKER_NONE)
        return;
    const struct broker_member *member = &self->rooms.members[slot];
    if (broker_rooms_is_in(member)) {
        if (before)
            broker_seats_of_member(self, slot);
    } else if (!before) {
        broker_mesh_end_member(self, slot);
        if ((member->part.standing & MSG_STANDING_INVITED) == 0)
            broker_rooms_remove_member(&self->rooms, slot); /* from here on it stands in the store alone */
    }
}

static void
seat_all(struct broker_front_core *self, uint32_t slot, uint64_t first, bool before)
{
    const struct broker_room *room = &self->rooms.list[slot];
    struct msg_room_op op;

    for (uint64_t number = first; number <= room->stored; number++) {
        if (!read_op(self, &room->rules.id, number, &op))
            continue;
        const uint64_t accounts[2] = {op.account, op.subject};
        seat(self, slot, accounts[0], before);
        seat(self, slot, accounts[1], before);
        if (before && (op.act == MSG_ACT_CREATE || op.act == MSG_ACT_TOPIC))
            broker_room_lists_changed(self, slot, (enum msg_act)op.act);
    }
}

void
broker_landing_tell(struct broker_front_core *self, uint32_t slot, uint64_t first)
{
    seat_all(self, slot, first, true);
    push(self, slot, first);
    seat_all(self, slot, first, false);
    broker_mesh_settle(self, slot);
    broker_presence_settle(self, slot);
    if (self->rooms.list[slot].rules.gone)
        broker_room_lists_changed(self, slot, MSG_ACT_DELETE);
}

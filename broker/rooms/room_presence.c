/* Who is there of those one shares a small room with: told to each session as
 * it comes into its rooms, and then whenever it changes, gathered for each
 * room and in one shared message.  Only whether, never where: that is for
 * those who look somebody up (broker/core/directory). */
#include "broker/core/front_state.h"

#include <assert.h>

#include "msg/codec.h"

#define PAGE_PEOPLE 1000u /* in one ROOM_PRESENCE */

static bool
is_small(const struct broker_room *room)
{
    return room->used && room->stored > 0 && !room->rules.gone && room->rules.members <= MSG_ROOM_SMALL;
}

static uint8_t
status_of(const struct broker_front_core *self, uint64_t account)
{
    const uint32_t person = broker_people_by_account(&self->people, account);

    return person != BROKER_NONE ? self->people.list[person].status : (uint8_t)MSG_STATUS_OFFLINE;
}

static void
add(struct broker_front_core *self, struct msg_room_presence *presence, uint64_t account, uint8_t status)
{
    const struct msg_present present = {account, status};

    if (msg_codec_append(&self->items, &presence->people, MSG_PRESENT, &present) != CONCLAVE_OK)
        assert(false); /* PAGE_PEOPLE of them fit */
}

static void
send(struct broker_front_core *self, uint32_t session, struct msg_room_presence *presence)
{
    broker_front_core_send(self, self->sessions.list[session].conn, MSG_ROOM_PRESENCE, presence);
    presence->people = (struct msg_list){0};
    self->items.len = 0;
}

/* The others of a room, as its members were told last: what has changed since is
 * told to all of them alike.  all: also those who are not there, for the seat
 * may know them from before. */
static void
add_room(struct broker_front_core *self, struct broker_seat *seat, struct msg_room_presence *presence, bool all)
{
    const struct broker_room *room = &self->rooms.list[seat->room];

    seat->told_present = true;
    for (uint32_t at = room->member_first; at != 0; at = self->rooms.members[at - 1].room_next) {
        const struct broker_member *member = &self->rooms.members[at - 1];
        if (!broker_rooms_is_in(member) || at - 1 == seat->member
            || member->told == MSG_STATUS_NOT_FOUND || (!all && member->told == MSG_STATUS_OFFLINE))
            continue;
        if (presence->people.count == PAGE_PEOPLE)
            send(self, seat->session, presence);
        add(self, presence, member->part.account, member->told);
    }
}

void
broker_presence_begin(struct broker_front_core *self, uint32_t session)
{
    struct msg_room_presence presence = {.complete = false};
    bool any = false;

    self->items.len = 0;
    for (uint32_t at = broker_rooms_seats_of(&self->rooms, session); at != 0;
         at = self->rooms.seats[at - 1].session_next) {
        if (!is_small(&self->rooms.list[self->rooms.seats[at - 1].room]))
            continue;
        any = true;
        add_room(self, &self->rooms.seats[at - 1], &presence, false);
    }
    presence.complete = true;
    if (any)
        send(self, session, &presence);
}

static void
stir(struct broker_front_core *self, uint32_t room)
{
    if (!broker_wheel_is_set(&self->rooms.stirred, room))
        broker_wheel_set(&self->rooms.stirred, room, self->now.mono_ms + self->settings.gather_ms);
}

void
broker_presence_changed(struct broker_front_core *self, uint64_t account)
{
    const uint8_t status = status_of(self, account);

    for (uint32_t at = broker_rooms_of_account(&self->rooms, account); at != 0;
         at = self->rooms.members[at - 1].account_next) {
        const struct broker_member *member = &self->rooms.members[at - 1];
        if (member->told != status && broker_rooms_is_in(member) && is_small(&self->rooms.list[member->room]))
            stir(self, member->room);
    }
}

void
broker_presence_settle(struct broker_front_core *self, uint32_t slot)
{
    struct broker_room *room = &self->rooms.list[slot];
    struct msg_room_presence presence = {.complete = false};

    if (!is_small(room)) {
        room->crowded = true;
        return;
    }
    /* What was told before it grew is no longer known to be so. */
    for (uint32_t at = room->member_first; room->crowded && at != 0; at = self->rooms.members[at - 1].room_next)
        self->rooms.members[at - 1].told = MSG_STATUS_NOT_FOUND;
    room->crowded = false;
    self->items.len = 0;
    for (uint32_t at = room->seat_first; at != 0; at = self->rooms.seats[at - 1].room_next) {
        struct broker_seat *seat = &self->rooms.seats[at - 1];
        if (seat->told_present)
            continue;
        add_room(self, seat, &presence, true);
        if (presence.people.count > 0)
            send(self, seat->session, &presence);
    }
    stir(self, slot);
}

/* One message for all who sit in the room: what is otherwise than they were told. */
static void
tell(struct broker_front_core *self, struct broker_room *room)
{
    struct msg_room_presence presence = {.complete = false};
    uint32_t links = 0;

    self->items.len = 0;
    for (uint32_t at = room->member_first; at != 0; at = self->rooms.members[at - 1].room_next) {
        struct broker_member *member = &self->rooms.members[at - 1];
        const uint8_t status = status_of(self, member->part.account);
        if (!broker_rooms_is_in(member) || member->told == status)
            continue;
        member->told = status;
        add(self, &presence, member->part.account, status);
    }
    for (uint32_t at = room->seat_first; at != 0; at = self->rooms.seats[at - 1].room_next)
        self->links[links++] = self->sessions.list[self->rooms.seats[at - 1].session].conn;
    if (presence.people.count == 0 || links == 0)
        return;
    self->frame.len = 0;
    if (msg_codec_encode(&self->frame, MSG_ROOM_PRESENCE, &presence) != CONCLAVE_OK)
        assert(false); /* MSG_ROOM_SMALL of them fit */
    msg_effects_cast(self->out, self->links, links, msg_span_of_buf(&self->frame));
    self->counts.presence_sent += links;
}

void
broker_presence_due(struct broker_front_core *self)
{
    uint32_t room;

    while ((room = broker_wheel_pop(&self->rooms.stirred, self->now.mono_ms)) != BROKER_NONE)
        if (is_small(&self->rooms.list[room]))
            tell(self, &self->rooms.list[room]);
}

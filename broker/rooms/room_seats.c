/* Sessions come into their rooms: seats, and ROOM_STATE, which tells where the
 * rooms stand. */
#include "broker/core/front_state.h"

#include "msg/codec.h"

#define HEADS_MAX 1000u /* in one ROOM_STATE: limits/account_rooms, twice */

void
broker_seats_of_member(struct broker_front_core *self, uint32_t slot)
{
    const uint64_t account = self->rooms.members[slot].part.account;
    const uint32_t person = broker_people_by_account(&self->people, account);
    uint32_t at = person != BROKER_NONE ? self->people.list[person].session_first : 0;

    for (; at != 0; at = self->sessions.list[at - 1].person_next) {
        const uint32_t seat = broker_rooms_sit(&self->rooms, slot, at - 1);
        if (seat != BROKER_NONE)
            broker_casts_mark(self, seat);
        else
            msg_effects_log(self->out, MSG_LOG_WARN, "SEATS-FULL a session of account %llu hears nothing of a room",
                            (unsigned long long)account);
    }
}

/* Seats the session where its account is in on disk, and adds the room to the
 * list; false: the list is full. */
static bool
enter_one(struct broker_front_core *self, uint32_t session, uint32_t slot, struct msg_room_state *state)
{
    const struct broker_member *member = &self->rooms.members[slot];
    const struct broker_room *room = &self->rooms.list[member->room];
    struct msg_room_part part;

    if (room->stored == 0 || !broker_roster_part(self, member->room, member->part.account, &part)
        || (part.role == MSG_ROLE_NONE && (part.standing & MSG_STANDING_INVITED) == 0))
        return true;
    const uint32_t seat = part.role != MSG_ROLE_NONE ? broker_rooms_sit(&self->rooms, slot, session) : BROKER_NONE;
    if (seat != BROKER_NONE) {
        self->rooms.seats[seat].told_mesh = room->mesh;
        self->rooms.seats[seat].told_number = room->stored;
    } else if (part.role != MSG_ROLE_NONE)
        msg_effects_log(self->out, MSG_LOG_WARN, "SEATS-FULL a session of account %llu hears nothing of a room",
                        (unsigned long long)part.account);
    const struct msg_room_head head = {room->rules.id, room->stored,  broker_casts_log(self, member->room)->last,
                                       part.role,      part.standing, room->mesh,
                                       seat != BROKER_NONE ? broker_rooms_routes(&self->rooms.seats[seat]) : 0};
    return state->rooms.count < HEADS_MAX
           && msg_codec_append(&self->items, &state->rooms, MSG_ROOM_HEAD, &head) == CONCLAVE_OK;
}

void
broker_seats_enter(struct broker_front_core *self, uint32_t session)
{
    struct msg_room_state state = {.complete = true};
    const uint64_t account = self->sessions.list[session].account;

    self->items.len = 0;
    for (uint32_t at = broker_rooms_of_account(&self->rooms, account); at != 0;
         at = self->rooms.members[at - 1].account_next)
        if (!enter_one(self, session, at - 1, &state))
            state.complete = false;
    broker_front_core_send(self, self->sessions.list[session].conn, MSG_ROOM_STATE, &state);
}

/* Deletion of an account and the end of its memberships are one transaction:
 * there is nothing to be done here unless the store was put together by hand. */
static void
remove_ghosts(struct broker_front_core *self)
{
    struct msg_rec_account record;

    for (uint32_t slot = 0; slot < self->rooms.members_high; slot++) {
        const struct broker_member *member = &self->rooms.members[slot];
        const uint64_t account = member->part.account;
        if (!member->used || self->rooms.list[member->room].flight != 0
            || broker_accounts_get(&self->view, account, &record) || !broker_roster_revoke(self, account, 0))
            continue;
        const uint64_t id = broker_jobs_store_id(&self->jobs);
        msg_effects_store(self->out, id);
        broker_roster_depart(self, id);
        msg_effects_log(self->out, MSG_LOG_WARN, "ROOM-GHOST account %llu is gone, and leaves its rooms",
                        (unsigned long long)account);
    }
}

void
broker_seats_start(struct broker_front_core *self)
{
    uint64_t left;

    broker_room_records_restore(&self->rooms, &self->view, &left);
    if (left > 0)
        msg_effects_log(self->out, MSG_LOG_ERROR,
                        "ROOMS-LEFT-OUT %llu rooms or members find no place, or cannot be read; raise limits/rooms "
                        "and limits/memberships.",
                        (unsigned long long)left);
    remove_ghosts(self);
    self->sweep_ms = self->now.mono_ms;
}

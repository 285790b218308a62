/* Who is there of those we share small rooms with, as the registry says; told
 * when it changes.  Contacts are told apart (peer/core/people.c), with where
 * they are. */
#include "peer/core/parts.h"

/* Somebody whom we are told of for this room. */
static bool
is_mate(struct peer_core *self, const struct peer_room *room, uint64_t account)
{
    const struct peer_mate *mate;
    if (!peer_rooms_in(room) || room->facts.members > MSG_ROOM_SMALL)
        return false;
    mate = peer_rooms_mate(&self->rooms, room, account);
    return mate != NULL && mate->part.role != MSG_ROLE_NONE;
}

/* The small rooms that we share with them, the first MSG_LIST_PAGE; the name
 * that they have there, "" if there is none. */
static const char *
shared_rooms(struct peer_core *self, uint64_t account, struct msg_list *rooms)
{
    struct msg_buf buf = {self->frame, 0, sizeof self->frame};
    const char *name = "";
    uint32_t at = 0;
    for (struct peer_room *room; rooms->count < MSG_LIST_PAGE && (room = peer_rooms_each(&self->rooms, &at)) != NULL;) {
        if (!is_mate(self, room, account))
            continue;
        const struct msg_room_info info = {room->facts.id, msg_text(room->name), room->facts.members, msg_text(""), room->facts.flags};
        const struct peer_mate *mate = peer_rooms_mate(&self->rooms, room, account);
        if (msg_codec_append(&buf, rooms, MSG_ROOM_INFO, &info) != CONCLAVE_OK)
            break; /* cannot happen: so many fit */
        if (mate->name[0] != '\0')
            name = mate->name;
    }
    return name;
}

/* What the user does not know yet, if it is known who that is; of somebody new
 * it is no news that they are not there. */
static void
tell(struct peer_core *self, struct peer_present_one *one)
{
    struct msg_tell_presence said = {.status = one->status, .fresh = one->told == MSG_STATUS_NOT_FOUND};
    if (one->told == one->status)
        return;
    if (peer_roster_contact(&self->roster, one->account) == NULL) {
        said.name = msg_text(shared_rooms(self, one->account, &said.rooms));
        if (said.name.len == 0)
            return;
        if (!said.fresh || one->status != MSG_STATUS_OFFLINE)
            msg_effects_tell(self->out, MSG_TELL_PRESENCE, &said);
    }
    one->told = one->status;
}

/* Everybody who shares a small room with us is known now: who was not said to
 * be there is not. */
static void
settle(struct peer_core *self)
{
    uint32_t at = 0, i = 0;
    for (struct peer_room *room; (room = peer_rooms_each(&self->rooms, &at)) != NULL;) {
        struct peer_mate *mate = peer_rooms_first_mate(&self->rooms, room);
        for (; mate != NULL; mate = peer_rooms_next_mate(&self->rooms, mate)) {
            if (mate->part.account == self->self.account || !is_mate(self, room, mate->part.account))
                continue;
            struct peer_present_one *one = peer_present_add(&self->present, mate->part.account);
            if (one == NULL)
                return; /* there are too many */
            if (!one->heard)
                one->status = MSG_STATUS_OFFLINE;
            one->heard = true;
            tell(self, one);
        }
    }
    while (i < self->present.count) {
        struct peer_present_one *one = &self->present.list[i];
        if (one->heard || one->told == MSG_STATUS_ONLINE || one->told == MSG_STATUS_AWAY)
            i++;
        else
            peer_present_remove(&self->present, one); /* we share nothing with them any more, and nothing was said that must be taken back */
    }
}

void
peer_room_presence(struct peer_core *self, const struct msg_room_presence *presence)
{
    struct msg_list people = presence->people;
    struct msg_present present;
    while (msg_codec_next(&people, MSG_PRESENT, &present)) {
        if (present.account == self->self.account)
            continue;
        struct peer_present_one *one = peer_present_add(&self->present, present.account);
        if (one == NULL)
            continue; /* there are too many */
        one->status = (uint8_t)present.status;
        one->heard = true;
        tell(self, one);
    }
    if (presence->complete)
        settle(self);
}

void
peer_room_present_online(struct peer_core *self)
{
    for (uint32_t i = 0; i < self->present.count; i++)
        self->present.list[i].heard = false;
}

/* What is known of somebody, and not told as nobody knew who that is. */
static void
tell_of(struct peer_core *self, uint64_t account)
{
    struct peer_present_one *one = peer_present_find(&self->present, account);
    if (one != NULL)
        tell(self, one);
}

void
peer_room_present_came(struct peer_core *self, const struct peer_room *room, uint64_t account)
{
    tell_of(self, account);
    if (account != self->self.account)
        return;
    for (const struct peer_mate *mate = peer_rooms_first_mate(&self->rooms, room); mate != NULL; mate = peer_rooms_next_mate(&self->rooms, mate))
        tell_of(self, mate->part.account); /* the others were there before us */
}

uint64_t
peer_room_present_status(struct peer_core *self, uint64_t account)
{
    const struct peer_present_one *one = peer_present_find(&self->present, account);
    return one != NULL ? one->status : MSG_STATUS_OFFLINE;
}

/* What rosters, sessions and time do to sender keys, frames and the log of
 * rooms.  Those of rosters are called within the step that takes the entry,
 * before it is on disk, and for each entry while a long roster is being read,
 * too: they only note what is to be done.  The room's facts, role and mates
 * are as after the entry. */
#include "peer/core/parts.h"

/* Another epoch began (the first one with CREATE): our sender key is over. */
void
peer_room_epoch_began(struct peer_core *self, struct peer_room *room)
{
    room->key_state = PEER_KEY_NONE;
    room->keys_over = true;
    room->split = false;
    peer_room_post_soon(self, room);
}

/* What came to us before we went belongs to another membership: its chains end,
 * and nothing of them is shown again. */
static void
begin(struct peer_core *self, struct peer_room *room, uint64_t offset)
{
    if ((room->facts.flags & MSG_ROOM_HISTORY) != 0)
        return; /* all of it is ours */
    room->partial = room->again = false;
    if (offset > room->cursor)
        room->cursor = offset;
    for (struct peer_sender *sender = peer_rooms_first_sender(&self->rooms, room); sender != NULL; sender = peer_rooms_next_sender(&self->rooms, sender)) {
        memset(&sender->head, 0, sizeof sender->head);
        sender->spoken = (struct peer_mark){0, 0};
        sender->waits = sender->ask_at_ms = 0;
        sender->given_up = false;
        if (sender->mark.incarnation != 0) {
            peer_rooms_put_sender(&self->rooms, sender, self->out);
            continue;
        }
        const uint64_t who[] = {sender->account, sender->device};
        const struct msg_record_key key = msg_record_key_room(&room->facts.id, who, 2);
        msg_effects_delete(self->out, PEER_TABLE_ROOM_IN, msg_record_key_span(&key));
    }
    (void)peer_step_store(self); /* only marks that this step writes */
}

/* The account came in (with CREATE, too); it may be ours. */
void
peer_room_joined(struct peer_core *self, struct peer_room *room, uint64_t account, uint64_t offset)
{
    struct peer_mate *mate = peer_rooms_mate(&self->rooms, room, account);
    if (account == self->self.account)
        begin(self, room, offset);
    if (mate != NULL) {
        memset(&mate->handed, 0, sizeof mate->handed);
        mate->came = room->facts.number;
        peer_rooms_put_mate(&self->rooms, mate, self->out);
        mate->delivered = mate->delivered_told = (struct peer_mark){0, 0};
    }
    room->unhanded = true;
    (void)peer_step_store(self); /* only marks that this step writes */
    peer_room_present_came(self, room, account);
    peer_room_mesh_admit_soon(self);
    peer_room_post_soon(self, room);
    peer_step_at(self, self->now.mono_ms);
}

/* The account went, or was put out; it may be ours.  A new epoch began, which
 * is said by itself after this. */
void
peer_room_left(struct peer_core *self, struct peer_room *room, uint64_t account)
{
    peer_room_mesh_left(self, room, account);
    if (account != self->self.account)
        return;
    room->live = false;
    peer_room_post_soon(self, room); /* what waits is given up, unless a later entry has us back */
}

/* ROOM_STATE spoke of it: offset and mesh are what the registry says. */
void
peer_room_heard(struct peer_core *self, struct peer_room *room)
{
    peer_room_mesh_heard(self, room);
    if (room->partial && room->offset > room->whole)
        peer_room_log_again(self, room, room->whole, 0); /* what came directly, and what did not */
    else if (room->offset > room->cursor)
        room->live = false;
    peer_step_at(self, self->now.mono_ms);
}

/* It is about to be given up for good: records of it beside those of rooms.h
 * and its outbox (which room_read.c deletes) must go. */
void
peer_room_dropped(struct peer_core *self, struct peer_room *room)
{
    peer_room_mesh_dropped(self, room);
    if (room->facts.gone)
        peer_room_post_end(self, room, CONCLAVE_ERR_NO_SUCH_ROOM);
    const bool kept = peer_kept_drop_room(&self->kept, &room->facts.id, self->out);
    if (peer_keyring_drop_room(&self->keyring, &room->facts.id, self->out) || kept)
        (void)peer_step_store(self); /* only marks that this step writes */
}

/* ---- sessions and time ---- */

void
peer_room_online(struct peer_core *self)
{
    uint32_t at = 0;
    self->cast_bytes = self->cast_told = 0;
    peer_room_present_online(self);
    for (struct peer_room *room; (room = peer_rooms_each(&self->rooms, &at)) != NULL;) {
        room->live = false;
        room->post_known = 0;
        peer_room_want_online(room);
        peer_room_post_anew(self, room);
    }
    peer_step_at(self, self->now.mono_ms);
}

void
peer_room_started(struct peer_core *self)
{
    uint32_t at = 0;
    for (struct peer_room *room; (room = peer_rooms_each(&self->rooms, &at)) != NULL;) {
        peer_room_key_restored(self, room);
        room->keys_over = true;
        peer_room_mesh_started(self, room);
        peer_room_want_away(self, room);
        const struct peer_sender *sender = peer_rooms_first_sender(&self->rooms, room);
        for (; sender != NULL; sender = peer_rooms_next_sender(&self->rooms, sender))
            if (sender->waits != 0)
                peer_room_log_again(self, room, sender->waits - 1, 0);
    }
}

void
peer_room_turn(struct peer_core *self)
{
    uint32_t at = 0;
    for (struct peer_room *room; (room = peer_rooms_each(&self->rooms, &at)) != NULL;) {
        peer_room_mesh_tick(self, room);
        peer_room_routes_tick(self, room);
        peer_room_want_tick(self, room);
        peer_room_log_look(self, room);
        peer_room_post_tick(self, room);
        peer_room_key_tick(self, room);
        peer_room_lack_tick(self, room);
        peer_room_tick_tick(self, room);
    }
}

/* Which devices of a mesh we hear from themselves.  The front is told all of
 * them under a version, leaves their frames out of what it casts to us, and
 * says by which version: where that is not the last one, what we told it was
 * lost or comes late, and what it left out may come from nobody. */
#include "peer/core/parts.h"

#define AGAIN_MS 2000u      /* until the front is told again */
#define LOST_MS 100u        /* until the log is asked for what did not come */
#define DEVICE_BYTES 24u    /* at most, of one in the list */

/* From now on the offsets that it sends say nothing of frames that it leaves
 * out: up to where the log was read as a whole is kept apart. */
static void
part(struct peer_room *room)
{
    if (room->partial)
        return;
    room->partial = true;
    room->whole = room->cursor;
}

void
peer_room_route(struct peer_core *self, struct peer_room *room, struct peer_publisher *publisher, bool direct)
{
    if (publisher->routed == direct)
        return;
    publisher->routed = direct;
    room->routed += direct ? 1u : UINT32_MAX;
    room->routes_due = true;
    peer_step_at(self, self->now.mono_ms);
    if (direct)
        part(room);
    else
        peer_room_log_again(self, room, room->whole, LOST_MS);
}

void
peer_room_routes_heard(struct peer_core *self, struct peer_room *room, uint64_t routes)
{
    if (routes == (room->routed > 0 ? room->routes : 0)) {
        room->routes_again_ms = 0;
        return;
    }
    if (routes != 0) {
        part(room);
        peer_room_log_again(self, room, room->whole, LOST_MS);
    }
    if (room->routes_again_ms == 0)
        room->routes_again_ms = room->routes_ms + AGAIN_MS;
    peer_step_at(self, room->routes_again_ms);
}

void
peer_room_routes_passed(struct peer_core *self, struct peer_room *room, uint64_t from, uint64_t upto)
{
    if (!room->partial || from > room->whole)
        return;
    room->whole = upto < room->cursor ? upto : room->cursor;
    room->partial = room->routed > 0 || room->whole < room->cursor;
    peer_rooms_put(room, self->out);
    (void)peer_step_store(self); /* only marks that this step writes */
}

/* By whatever way: it was taken, or told as a gap, and so was all before it. */
static bool
came(struct peer_core *self, const struct peer_room *room, const struct msg_mark *mark)
{
    const struct peer_sender *sender = peer_rooms_sender(&self->rooms, room, mark->account, mark->device);
    if (mark->account == self->self.account && mark->device == self->self.device)
        return true; /* what becomes of ours is answered */
    if (!peer_rooms_is_chained(sender) || sender->waits != 0 || sender->mark.incarnation != mark->incarnation)
        return false;
    return sender->mark.number > mark->number || (sender->mark.number == mark->number && memcmp(&sender->head, &mark->head, sizeof mark->head) == 0);
}

/* What the log has come to have need not be read where all of it came already. */
void
peer_room_routes_spoken(struct peer_core *self, const struct msg_room_spoken *spoken)
{
    struct peer_room *room = peer_rooms_find(&self->rooms, &spoken->room);
    struct msg_list marks = spoken->marks;
    struct msg_mark mark;
    if (room == NULL || !peer_rooms_in(room) || !room->partial || !room->live || room->passing || room->again || spoken->since > room->whole
        || spoken->offset <= room->whole)
        return;
    while (msg_codec_next(&marks, MSG_MARK, &mark))
        if (!came(self, room, &mark))
            return;
    if (room->cursor < spoken->offset)
        room->cursor = spoken->offset;
    peer_room_routes_passed(self, room, room->whole, spoken->offset);
}

void
peer_room_routes_away(struct peer_core *self)
{
    uint32_t at = 0;
    for (struct peer_room *room; (room = peer_rooms_each(&self->rooms, &at)) != NULL;) {
        room->routed = 0;
        room->routes = room->routes_ms = room->routes_again_ms = 0;
        room->routes_due = false;
    }
}

static void
say(struct peer_core *self, struct peer_room *room)
{
    const struct peer_room_mesh *mesh = peer_meshes_find(&self->meshes, peer_rooms_index(&self->rooms, room));
    struct msg_room_routes said = {room->facts.id, ++self->room_routes, {0}};
    uint8_t bytes[MSG_ROUTE_COUNT * DEVICE_BYTES];
    struct msg_buf list = {bytes, 0, sizeof bytes};
    uint32_t at = 0;
    for (struct peer_publisher *one; mesh != NULL && said.devices.count < MSG_ROUTE_COUNT && (one = peer_meshes_each(&self->meshes, mesh, &at)) != NULL;) {
        const struct msg_device_item device = {one->account, one->device};
        if (one->routed && msg_codec_append(&list, &said.devices, MSG_DEVICE, &device) != CONCLAVE_OK)
            break; /* cannot happen: they fit */
    }
    room->routes = said.version;
    room->routes_ms = self->now.mono_ms;
    room->routes_again_ms = 0;
    room->routes_due = false;
    peer_session_send(self, MSG_ROOM_ROUTES, &said);
}

void
peer_room_routes_tick(struct peer_core *self, struct peer_room *room)
{
    const bool again = room->routes_again_ms != 0 && self->now.mono_ms >= room->routes_again_ms;
    if (!peer_session_online(self) || !peer_rooms_in(room))
        return;
    if (room->routes_due || again)
        say(self, room);
    else if (room->routes_again_ms != 0)
        peer_step_at(self, room->routes_again_ms);
}

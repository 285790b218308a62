/* Which rooms there are, and reading what we lack of their rosters: some at a
 * time, page by page, from wherever we are. */
#include "peer/core/parts.h"

#include <stdio.h>

#define READS_MAX 8u        /* rosters that are read at a time */
#define AGAIN_MS 5000u      /* when one could not be read */

/* ---- rooms in our table ---- */

void
peer_room_drop(struct peer_core *self, struct peer_room *room)
{
    peer_room_dropped(self, room);
    while (room->queue.count > 0) {
        const struct peer_out *out = peer_outbox_at(self->outbox, room->queue.first);
        const uint64_t mark[] = {out->mark.incarnation, out->mark.number};
        const struct msg_record_key key = msg_record_key_room(&room->facts.id, mark, 2);
        msg_effects_delete(self->out, PEER_TABLE_ROOM_OUT, msg_record_key_span(&key));
        peer_outbox_shift(self->outbox, &room->queue);
    }
    peer_rooms_delete_records(&self->rooms, room, self->out);
    (void)peer_step_store(self); /* only marks that this step writes */
    peer_rooms_remove(&self->rooms, room);
}

void
peer_room_forget(struct peer_core *self)
{
    uint32_t at = 0;
    self->present.count = 0;
    for (struct peer_room *room; (room = peer_rooms_each(&self->rooms, &at)) != NULL;)
        peer_room_drop(self, room);
    peer_cards_clear(&self->cards, self->out);
    self->room_watch = false;
}

bool
peer_room_concerns_us(const struct peer_room *room)
{
    return peer_rooms_in(room) || (room->standing & MSG_STANDING_INVITED) != 0;
}

/* A room that can be forgotten: we are not in it, and said nothing in it in
 * this incarnation (the numbers of our chain would start over). */
static bool
is_idle(const struct peer_core *self, const struct peer_room *room, bool invited)
{
    return !peer_rooms_in(room) && (invited || !peer_room_concerns_us(room)) && !room->reading && room->queue.count == 0
           && (room->said.incarnation == 0 || room->said.incarnation != self->self.incarnation);
}

struct peer_room *
peer_room_make(struct peer_core *self, const struct msg_id *id)
{
    struct peer_room *room = peer_rooms_add(&self->rooms, id);
    for (int invited = 0; room == NULL && invited < 2; invited++) {
        uint32_t at = 0;
        struct peer_room *old;
        do
            old = peer_rooms_each(&self->rooms, &at);
        while (old != NULL && !is_idle(self, old, invited != 0));
        if (old == NULL)
            continue;
        peer_room_drop(self, old);
        room = peer_rooms_add(&self->rooms, id);
    }
    if (room == NULL && !self->rooms_full) {
        self->rooms_full = true;
        peer_step_notice(self, CONCLAVE_ERR_QUOTA_EXCEEDED, msg_text("This device is in as many rooms as it can follow; leave some."));
    }
    return room;
}

/* ---- pages of entries ---- */

/* A head that is no longer kept is right if it leads, over the entries after
 * it, to the one that we have.  False: it is not. */
static bool
prove(struct peer_core *self, struct peer_room *room, const struct msg_entries *page)
{
    const uint64_t before = room->proof.number;
    struct msg_list entries = page->entries;
    struct msg_entry entry;
    while (room->proof.number < room->facts.number && msg_codec_next(&entries, MSG_ENTRY, &entry)) {
        if (entry.number != room->proof.number + 1)
            continue;
        struct msg_room at = {.head = room->proof.head};
        msg_room_link(&at, &entry, false);
        room->proof.head = at.head;
        room->proof.number++;
    }
    if (room->proof.number < room->facts.number && room->proof.number > before)
        return true; /* more of it comes */
    if (room->proof.number == room->facts.number && memcmp(&room->proof.head, &room->facts.head, sizeof room->proof.head) == 0) {
        room->proved.number = room->proof.seen;
        room->proved.head = room->proof.claim;
        room->proof.seen = 0;
        return true;
    }
    peer_room_disbelieve(self, room, room->facts.number + 1, msg_text(""), CONCLAVE_ERR_BAD_ARGUMENTS);
    return false;
}

/* Whether anything was said or heard there: numbers of our chain, and marks of
 * others'.  What came directly may be logged when we are back. */
static bool
has_talked(struct peer_core *self, const struct peer_room *room)
{
    bool heard = false;
    for (const struct peer_sender *sender = peer_rooms_first_sender(&self->rooms, room); sender != NULL && !heard; sender = peer_rooms_next_sender(&self->rooms, sender))
        heard = sender->mark.incarnation != 0;
    return heard || room->said.incarnation != 0;
}

/* After some of a roster was taken: what there is to keep of the room. */
static void
settle(struct peer_core *self, struct peer_room *room, bool whole)
{
    const struct msg_id id = room->facts.id;
    if (room->facts.made) {
        peer_rooms_put(room, self->out);
        (void)peer_step_store(self); /* only marks that this step writes */
    }
    const bool nothing = !room->facts.made || (!peer_room_concerns_us(room) && !has_talked(self, room));
    const bool over = room->facts.gone || (whole && nothing && !room->refused);
    if (over && !room->reading)
        peer_room_drop(self, room);
    peer_room_was_read(self, &id, whole || room->refused);
}

void
peer_room_entries(struct peer_core *self, struct peer_request *request, const struct msg_entries *page)
{
    struct peer_room *room = peer_rooms_find(&self->rooms, &page->room);
    struct msg_list entries = page->entries;
    struct msg_entry entry;
    if (room == NULL && request == NULL && page->entries.count > 0 && (room = peer_room_make(self, &page->room)) != NULL) {
        struct msg_list first = entries;
        if (msg_codec_next(&first, MSG_ENTRY, &entry))
            room->history = entry.number - 1;
    }
    if (room == NULL || room->refused || (request == NULL && room->proof.seen != 0)) {
        if (request != NULL) {
            self->room_reads--;
            if (room != NULL)
                room->reading = false;
            peer_requests_end(self, request);
        }
        return;
    }
    const uint64_t number = room->facts.number, proven = room->proof.number;
    if (request != NULL && request->order.proof && room->proof.seen != 0 && !prove(self, room, page))
        entries.count = 0;
    while (room->proof.seen == 0 && !room->refused && !room->facts.gone && entries.count > 0 && msg_codec_next(&entries, MSG_ENTRY, &entry))
        if (!peer_room_take(self, room, &entry))
            break;
    const bool moved = room->facts.number != number || room->proof.number != proven || room->proof.seen != 0;
    if (request == NULL)
        room->behind = room->behind || page->more;
    else {
        const bool waits = room->read_at_ms > self->now.mono_ms;
        room->behind = !room->refused && (waits || (moved && (page->more || room->proof.seen != 0 || room->facts.number < room->target)));
        if (!room->behind)
            room->target = room->facts.number;
        room->behind = room->behind || (room->reread && !room->refused);
        room->reading = room->reread = false;
        self->room_reads--;
        peer_requests_end(self, request);
    }
    settle(self, room, !room->behind && !room->reading);
    peer_step_at(self, self->now.mono_ms); /* its log may go on */
    peer_room_tick(self);
}

void
peer_room_unread(struct peer_core *self, struct peer_request *request, enum conclave_err err)
{
    struct peer_room *room = peer_rooms_find(&self->rooms, &request->order.room);
    self->room_reads--;
    if (room == NULL)
        return;
    const bool none = err == CONCLAVE_ERR_NO_SUCH_ROOM || err == CONCLAVE_ERR_NOT_A_MEMBER || err == CONCLAVE_ERR_FORBIDDEN;
    room->reading = room->reread = false;
    room->read_at_ms = self->now.mono_ms + AGAIN_MS;
    if (!none) {
        peer_step_at(self, room->read_at_ms);
        return;
    }
    room->behind = false;
    room->target = room->facts.number;
    if (room->facts.made && peer_room_concerns_us(room) && err != CONCLAVE_ERR_NO_SUCH_ROOM) {
        peer_step_log(self, MSG_LOG_WARN, "ROSTER-DENIED the registry does not show the roster of a room that we are in:", msg_error_sentence(err));
        peer_room_was_read(self, &request->order.room, true);
        return;
    }
    if (room->facts.made && peer_room_concerns_us(room)) {
        char text[MSG_ROOM_NAME_MAX + 64];
        (void)snprintf(text, sizeof text, "The registry does not know %s any more.", room->name);
        peer_step_notice_about(self, msg_text(room->name), err, msg_text(text));
    }
    if (!room->facts.made || err == CONCLAVE_ERR_NO_SUCH_ROOM)
        peer_room_drop(self, room);
    peer_room_was_read(self, &request->order.room, true);
}

void
peer_room_read(struct peer_core *self, struct peer_room *room)
{
    if (room->refused)
        return;
    room->behind = true;
    room->reread = room->reading;
    room->read_at_ms = 0;
    peer_room_tick(self);
}

/* Starts reading what is behind, some at a time. */
void
peer_room_tick(struct peer_core *self)
{
    uint32_t at = 0;
    if (!peer_session_online(self))
        return;
    for (struct peer_room *room; self->room_reads < READS_MAX && (room = peer_rooms_each(&self->rooms, &at)) != NULL;) {
        if (!room->behind || room->reading || room->refused)
            continue;
        if (room->read_at_ms > self->now.mono_ms) {
            peer_step_at(self, room->read_at_ms);
            continue;
        }
        struct peer_request *request = peer_requests_add(self, MSG_ENTRIES_OF, 0, msg_text(""));
        if (request == NULL) {
            peer_step_at(self, self->now.mono_ms + AGAIN_MS);
            return;
        }
        request->order.step = ROOM_STEP_ROSTER;
        request->order.room = room->facts.id;
        request->order.proof = room->proof.seen != 0;
        request->number = request->order.proof ? room->proof.number : room->facts.number;
        room->reading = true;
        self->room_reads++;
        peer_requests_go(self, request);
    }
}

/* ---- what the front says of rooms by itself ---- */

static void
hear_of(struct peer_core *self, const struct msg_room_head *head)
{
    struct peer_room *room = peer_rooms_find(&self->rooms, &head->room);
    if (room == NULL && head->role == MSG_ROLE_NONE && (head->standing & MSG_STANDING_INVITED) == 0)
        return;
    if (room == NULL) {
        room = peer_room_make(self, &head->room);
        if (room == NULL)
            return;
        room->history = head->number;
    }
    room->listed = true;
    room->offset = head->offset;
    room->mesh = head->mesh;
    peer_room_routes_heard(self, room, head->routes);
    if (head->number > room->facts.number && !room->refused) {
        room->target = head->number;
        room->behind = true;
    } else if (head->number < room->facts.number)
        peer_step_log(self, MSG_LOG_WARN, "ROSTER-OLDER", "the registry knows less of the roster of a room than we do; it may have been restored from an older copy");
    peer_room_heard(self, room);
}

static void
state(struct peer_core *self, const struct msg_room_state *state)
{
    struct msg_list heads = state->rooms;
    struct msg_room_head head;
    uint32_t at = 0;
    for (struct peer_room *room; state->complete && (room = peer_rooms_each(&self->rooms, &at)) != NULL;)
        room->listed = room->refused = false;
    while (msg_codec_next(&heads, MSG_ROOM_HEAD, &head))
        hear_of(self, &head);
    at = 0;
    for (struct peer_room *room; state->complete && (room = peer_rooms_each(&self->rooms, &at)) != NULL;)
        room->behind = room->behind || (!room->listed && peer_room_concerns_us(room)); /* why, its roster says */
    self->rooms_stated = self->rooms_stated || state->complete;
    peer_room_tick(self);
}

/* Somewhere in the list of rooms; of ours the roster tells. */
static void
changed(struct peer_core *self, const struct msg_room_changed *changed)
{
    struct msg_list rooms = changed->rooms;
    struct msg_room_info info;
    while (msg_codec_next(&rooms, MSG_ROOM_INFO, &info)) {
        struct peer_room *room = peer_rooms_find(&self->rooms, &info.room);
        if (room != NULL && peer_rooms_in(room))
            continue;
        const struct msg_tell_room said = {.room = info.name, .act = changed->act, .text = info.topic};
        msg_effects_tell(self->out, MSG_TELL_ROOM, &said);
    }
}

bool
peer_room_frame(struct peer_core *self, enum msg_kind kind, const union msg_any *any)
{
    if (kind == MSG_ENTRIES && any->MSG_ANY_ENTRIES.req == 0)
        peer_room_entries(self, NULL, &any->MSG_ANY_ENTRIES);
    else if (kind == MSG_ROOM_STATE)
        state(self, &any->MSG_ANY_ROOM_STATE);
    else if (kind == MSG_ROOM_SPOKEN)
        peer_room_routes_spoken(self, &any->MSG_ANY_ROOM_SPOKEN);
    else if (kind == MSG_ROOM_CAST)
        peer_room_cast(self, &any->MSG_ANY_ROOM_CAST);
    else if (kind == MSG_ROOM_STORED)
        peer_room_stored(self, &any->MSG_ANY_ROOM_STORED);
    else if (kind == MSG_ROOM_REFUSED)
        peer_room_post_refused(self, &any->MSG_ANY_ROOM_REFUSED);
    else if (kind == MSG_ROOM_PEERS)
        peer_room_publishers_heard(self, &any->MSG_ANY_ROOM_PEERS);
    else if (kind == MSG_ROOM_PRESENCE)
        peer_room_presence(self, &any->MSG_ANY_ROOM_PRESENCE);
    else if (kind == MSG_ROOM_CHANGED)
        changed(self, &any->MSG_ANY_ROOM_CHANGED);
    else
        return false;
    return true;
}

void
peer_room_away(struct peer_core *self)
{
    uint32_t at = 0;
    self->rooms_full = self->rooms_stated = false;
    peer_room_mesh_away(self);
    for (struct peer_room *room; (room = peer_rooms_each(&self->rooms, &at)) != NULL;) {
        room->live = false;
        peer_room_want_away(self, room);
    }
}

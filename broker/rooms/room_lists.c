/* What can be read of rooms: one by its name, the list, the roster; and what
 * those who watch the list are told. */
#include "broker/core/front_state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "msg/codec.h"

#define INFO_BYTES_MAX (MSG_ROOM_NAME_MAX + MSG_TOPIC_MAX + 64u) /* one ROOM_INFO on the wire, at most */
#define PAGE_BYTES_MAX (MSG_FRAME_MAX - 1024u)                   /* the list in one frame */
#define LOOKED_AT_MAX 4096u                                      /* rooms, for one page */

/* True when the account may know that there is such a room. */
static bool
is_visible(const struct broker_front_core *self, uint32_t slot, uint64_t account)
{
    const struct broker_room *room = &self->rooms.list[slot];
    struct msg_room_part part;

    if (!room->used || room->stored == 0)
        return false;
    if ((room->rules.flags & MSG_ROOM_PRIVATE) == 0)
        return true;
    if (broker_rooms_member(&self->rooms, slot, account) == BROKER_NONE)
        return false; /* who is in it stands in the table, also while that is being stored */
    return broker_roster_part(self, slot, account, &part)
           && (part.role != MSG_ROLE_NONE || (part.standing & MSG_STANDING_INVITED) != 0);
}

/* ---- ROOM_FIND ---- */

void
broker_room_lists_find(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    const struct msg_room_find *find = &any->MSG_ANY_ROOM_FIND;
    const uint64_t account = self->sessions.list[ask->session].account;
    struct msg_rec_room record;
    struct msg_room_name name;
    struct msg_room_part part;
    uint32_t slot = BROKER_NONE;

    if (msg_room_name_parse(&name, find->name) == CONCLAVE_OK)
        slot = broker_rooms_by_name(&self->rooms, (struct msg_text){name.folded, name.folded_len});
    if (slot == BROKER_NONE || !is_visible(self, slot, account)) {
        broker_front_core_refuse(self, ask->link, find->req, CONCLAVE_ERR_NO_SUCH_ROOM, NULL, 0);
        return;
    }
    const struct broker_room *room = &self->rooms.list[slot];
    (void)broker_roster_part(self, slot, account, &part); /* none: zeros */
    if (!broker_room_records_room(&self->view, &room->rules.id, &record)) {
        broker_front_core_refuse(self, ask->link, find->req, CONCLAVE_ERR_NO_SUCH_ROOM, NULL, 0);
        return;
    }
    const struct msg_room_found found = {
        .req = find->req,
        .room = record.room,
        .name = record.name,
        .topic = record.topic,
        .flags = record.flags,
        .members = room->rules.members,
        .number = record.number,
        .head = record.head,
        .role = part.role,
        .standing = part.standing,
    };
    broker_front_core_send(self, ask->link, MSG_ROOM_FOUND, &found);
}

/* ---- ROOM_LIST ---- */

/* The cursor is the slot to go on from: a room that stays keeps its own. */
static bool
read_cursor(struct msg_text text, uint32_t *from)
{
    char copy[16], *end;

    *from = 0;
    if (text.len == 0)
        return true;
    if (text.len >= sizeof copy)
        return false;
    msg_text_copy(copy, sizeof copy, text);
    const unsigned long long value = strtoull(copy, &end, 16);
    if (*end != '\0' || copy[0] == '-' || copy[0] == '+' || copy[0] == ' ' || value >= BROKER_NONE)
        return false;
    *from = (uint32_t)value;
    return true;
}

/* Appends a room; its topic comes from the store. */
static bool
append_info(struct broker_front_core *self, struct msg_list *list, uint32_t slot, bool detailed)
{
    const struct broker_room *room = &self->rooms.list[slot];
    struct msg_rec_room record = {.topic = {NULL, 0}};

    if (detailed)
        (void)broker_room_records_room(&self->view, &room->rules.id, &record); /* none: it has no topic */
    const struct msg_room_info info = {room->rules.id, {room->shown, room->shown_len}, room->rules.members,
                                       record.topic, room->rules.flags};
    return msg_codec_append(&self->items, list, MSG_ROOM_INFO, &info) == CONCLAVE_OK;
}

void
broker_room_lists_list(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    const struct msg_room_list *list = &any->MSG_ANY_ROOM_LIST;
    const uint64_t account = self->sessions.list[ask->session].account;
    struct msg_rooms rooms = {.req = list->req};
    char next[16];
    uint32_t slot;

    if (!read_cursor(list->after, &slot)) {
        broker_front_core_refuse(self, ask->link, list->req, CONCLAVE_ERR_BAD_ARGUMENTS,
                                 "That is not where a page of the list ended.", 0);
        return;
    }
    self->items.len = 0;
    for (uint32_t looked_at = 0; slot < self->rooms.high; slot++, looked_at++) {
        if (rooms.rooms.count == MSG_LIST_PAGE || PAGE_BYTES_MAX - self->items.len < INFO_BYTES_MAX
            || looked_at == LOOKED_AT_MAX) {
            snprintf(next, sizeof next, "%x", slot);
            rooms.next = msg_text(next);
            break;
        }
        if (is_visible(self, slot, account) && !append_info(self, &rooms.rooms, slot, list->detailed))
            break;
    }
    broker_front_core_send(self, ask->link, MSG_ROOMS, &rooms);
}

/* ---- ENTRIES_OF ---- */

/* The last entry that the account may read; NO_SUCH_ROOM, NOT_A_MEMBER. */
static enum conclave_err
last_readable(const struct broker_front_core *self, const struct msg_id *id, uint64_t account, uint64_t *last)
{
    const uint32_t slot = broker_rooms_by_id(&self->rooms, id);
    struct msg_room_part part;
    uint64_t ended;

    *last = slot != BROKER_NONE ? self->rooms.list[slot].stored : UINT64_MAX; /* gone: all that there was */
    (void)broker_room_records_part(&self->view, id, account, &part, &ended); /* none: zeros */
    if (part.role != MSG_ROLE_NONE || (part.standing & MSG_STANDING_INVITED) != 0)
        return CONCLAVE_OK;
    if (ended != 0) {
        *last = ended;
        return CONCLAVE_OK;
    }
    return slot != BROKER_NONE && is_visible(self, slot, account) ? CONCLAVE_ERR_NOT_A_MEMBER
                                                                 : CONCLAVE_ERR_NO_SUCH_ROOM;
}

void
broker_room_lists_entries(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    const struct msg_room_of *of = &any->MSG_ANY_ENTRIES_OF;
    struct msg_entries entries = {.req = of->req, .room = of->room};
    struct msg_rec_room_entry record;
    uint64_t last, number;

    const enum conclave_err err = last_readable(self, &of->room, self->sessions.list[ask->session].account, &last);
    if (err != CONCLAVE_OK) {
        broker_front_core_refuse(self, ask->link, of->req, err, NULL, 0);
        return;
    }
    self->items.len = 0;
    for (number = of->after; number < last; number++)
        if (!broker_landing_append(self, &of->room, number + 1, &entries.entries))
            break;
    entries.more = entries.entries.count > 0 && number < last
                   && broker_room_records_entry(&self->view, &of->room, number + 1, &record);
    broker_front_core_send(self, ask->link, MSG_ENTRIES, &entries);
}

/* ---- ROOM_WATCH and ROOM_CHANGED ---- */

void
broker_room_lists_watch(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    const struct msg_done done = {any->MSG_ANY_ROOM_WATCH.req};

    broker_room_watch_set(&self->room_watch, ask->session, any->MSG_ANY_ROOM_WATCH.on);
    broker_front_core_send(self, ask->link, MSG_DONE, &done);
}

static void
cast_changed(struct broker_front_core *self, struct msg_room_changed *changed)
{
    uint32_t count = 0;

    if (changed->rooms.count == 0)
        return;
    for (uint32_t at = self->room_watch.first; at != 0; at = self->room_watch.next[at - 1])
        self->links[count++] = self->sessions.list[at - 1].conn;
    self->frame.len = 0;
    const enum conclave_err err = msg_codec_encode(&self->frame, MSG_ROOM_CHANGED, changed);
    assert(err == CONCLAVE_OK); /* the page's bound */
    (void)err;
    msg_effects_cast(self->out, self->links, count, msg_span_of_buf(&self->frame));
    self->items.len = 0;
    changed->rooms = (struct msg_list){0};
}

static void
append_change(struct broker_front_core *self, struct msg_room_changed *changed, const struct broker_room_change *change)
{
    const uint32_t slot = broker_rooms_by_id(&self->rooms, &change->room);
    const struct msg_room_info gone = {.room = change->room, .name = msg_text(change->name), .flags = change->flags};
    bool ok;

    if (PAGE_BYTES_MAX - self->items.len < INFO_BYTES_MAX)
        cast_changed(self, changed);
    if (change->act == MSG_ACT_DELETE || slot == BROKER_NONE)
        ok = msg_codec_append(&self->items, &changed->rooms, MSG_ROOM_INFO, &gone) == CONCLAVE_OK;
    else
        ok = append_info(self, &changed->rooms, slot, true);
    assert(ok);
    (void)ok;
}

static void
tell_changes(struct broker_front_core *self)
{
    static const enum msg_act acts[] = {MSG_ACT_CREATE, MSG_ACT_TOPIC, MSG_ACT_DELETE};
    struct broker_room_watch *watch = &self->room_watch;

    for (size_t i = 0; watch->count > 0 && i < sizeof acts / sizeof acts[0]; i++) {
        struct msg_room_changed changed = {.act = acts[i]};
        self->items.len = 0;
        for (uint32_t j = 0; j < watch->changes; j++)
            if (watch->list[j].act == acts[i])
                append_change(self, &changed, &watch->list[j]);
        cast_changed(self, &changed);
    }
    watch->changes = 0;
    watch->due_ms = BROKER_NEVER;
}

void
broker_room_lists_changed(struct broker_front_core *self, uint32_t slot, enum msg_act act)
{
    const struct broker_room *room = &self->rooms.list[slot];
    struct broker_room_change change = {.act = act, .room = room->rules.id, .flags = room->rules.flags};

    if (self->room_watch.count == 0 || (room->rules.flags & MSG_ROOM_PRIVATE) != 0)
        return;
    memcpy(change.name, room->shown, (size_t)room->shown_len + 1);
    bool noted = broker_room_watch_note(&self->room_watch, &change);
    if (!noted) {
        tell_changes(self);
        noted = broker_room_watch_note(&self->room_watch, &change);
    }
    assert(noted); /* there is space now */
    if (self->room_watch.due_ms == BROKER_NEVER)
        self->room_watch.due_ms = self->now.mono_ms + self->settings.gather_ms;
}

void
broker_room_lists_due(struct broker_front_core *self)
{
    if (self->room_watch.due_ms <= self->now.mono_ms)
        tell_changes(self);
}

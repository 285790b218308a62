/* See room_records.h. */
#include "broker/tables/room_records.h"

#include "msg/codec.h"

#define ACCOUNT_INDEX 2u /* in a record key: the room's 16 bytes come before it */

static bool
read_record(struct msg_span value, enum msg_kind wanted, void *out, size_t size)
{
    union msg_any any;
    enum msg_kind kind;

    if (msg_codec_decode(value, &kind, &any) != CONCLAVE_OK || kind != wanted)
        return false;
    memcpy(out, &any, size);
    return true;
}

bool
broker_room_records_read(struct msg_span value, struct msg_rec_room *out)
{
    return read_record(value, MSG_REC_ROOM, out, sizeof *out);
}

bool
broker_room_records_room(const struct broker_view *view, const struct msg_id *room, struct msg_rec_room *out)
{
    struct msg_span value;

    return view->get(view->self, BROKER_TABLE_ROOMS, msg_span(room->at, sizeof room->at), &value)
           && read_record(value, MSG_REC_ROOM, out, sizeof *out);
}

bool
broker_room_records_entry(const struct broker_view *view, const struct msg_id *room, uint64_t number,
                          struct msg_rec_room_entry *out)
{
    const struct msg_record_key key = msg_record_key_room(room, &number, 1);
    struct msg_span value;

    return view->get(view->self, BROKER_TABLE_ROOM_ENTRIES, msg_record_key_span(&key), &value)
           && read_record(value, MSG_REC_ROOM_ENTRY, out, sizeof *out);
}

static struct msg_room_part
part_of(const struct msg_rec_room_member *record)
{
    return (struct msg_room_part){record->account, record->role,  record->standing,
                                  record->last,    record->since, record->until};
}

bool
broker_room_records_part(const struct broker_view *view, const struct msg_id *room, uint64_t account,
                         struct msg_room_part *out, uint64_t *ended)
{
    const struct msg_record_key key = msg_record_key_room(room, &account, 1);
    struct msg_rec_room_member record;
    struct msg_span value;

    *out = (struct msg_room_part){.account = account};
    *ended = 0;
    if (!view->get(view->self, BROKER_TABLE_ROOM_MEMBERS, msg_record_key_span(&key), &value)
        || !read_record(value, MSG_REC_ROOM_MEMBER, &record, sizeof record))
        return false;
    *out = part_of(&record);
    *ended = record.ended;
    return true;
}

bool
broker_room_records_next_part(const struct broker_view *view, const struct msg_id *room, uint64_t *account,
                              struct msg_rec_room_member *out)
{
    for (;;) {
        const struct msg_record_key after = msg_record_key_room(room, account, 1);
        struct msg_record_key key;
        struct msg_span value;
        if (!view->next(view->self, BROKER_TABLE_ROOM_MEMBERS, msg_record_key_span(&after), &key, &value)
            || key.len < sizeof room->at || memcmp(key.at, room->at, sizeof room->at) != 0)
            return false;
        *account = msg_record_key_u64(msg_record_key_span(&key), ACCOUNT_INDEX);
        if (read_record(value, MSG_REC_ROOM_MEMBER, out, sizeof *out))
            return true;
    }
}

void
broker_room_records_put_part(struct msg_effects *out, const struct msg_id *room, const struct broker_member *member)
{
    const struct msg_room_part *part = &member->part;
    const struct msg_record_key key = msg_record_key_room(room, &part->account, 1);
    const struct msg_rec_room_member record = {*room,       part->account, part->role,  part->standing,
                                               part->last, part->since,   part->until, member->ended};

    msg_effects_put(out, BROKER_TABLE_ROOM_MEMBERS, msg_record_key_span(&key), MSG_REC_ROOM_MEMBER, &record);
}

/* ---- the table ---- */

static void
take_room(struct broker_room *room, const struct msg_rec_room *record)
{
    room->mesh = record->mesh;
    room->stored = record->number;
    room->rules.made = true;
    room->rules.gone = false;
    room->rules.flags = record->flags;
    room->rules.number = record->number;
    room->rules.head = record->head;
    room->rules.epoch = record->epoch;
    room->rules.epoch_head = record->epoch_head;
    room->rules.members = 0; /* counted as they come */
    room->rules.owner = 0;
}

static void
count_in(struct broker_room *room, const struct msg_room_part *part)
{
    if (part->role == MSG_ROLE_NONE)
        return;
    room->rules.members++;
    if (part->role == MSG_ROLE_OWNER)
        room->rules.owner = part->account;
}

static bool
belongs(const struct msg_room_part *part)
{
    return part->role != MSG_ROLE_NONE || (part->standing & MSG_STANDING_INVITED) != 0;
}

static bool
restore_room(struct broker_rooms *rooms, struct msg_span value)
{
    struct msg_rec_room record;
    struct msg_room_name name;

    if (!read_record(value, MSG_REC_ROOM, &record, sizeof record)
        || msg_room_name_parse(&name, record.name) != CONCLAVE_OK)
        return false;
    if (record.gone_ms != 0)
        return true;
    const uint32_t slot = broker_rooms_add(rooms, &record.room, &name);
    if (slot == BROKER_NONE)
        return false;
    take_room(&rooms->list[slot], &record);
    return true;
}

static bool
restore_part(struct broker_rooms *rooms, struct msg_span value)
{
    struct msg_rec_room_member record;

    if (!read_record(value, MSG_REC_ROOM_MEMBER, &record, sizeof record))
        return false;
    const struct msg_room_part part = part_of(&record);
    const uint32_t room = broker_rooms_by_id(rooms, &record.room);
    if (room == BROKER_NONE || !belongs(&part))
        return true; /* of a room that is gone; or somebody who went */
    const uint32_t slot = broker_rooms_add_member(rooms, room, part.account);
    if (slot == BROKER_NONE)
        return false;
    rooms->members[slot].part = part;
    rooms->members[slot].ended = record.ended;
    count_in(&rooms->list[room], &part);
    return true;
}

void
broker_room_records_restore(struct broker_rooms *rooms, const struct broker_view *view, uint64_t *left)
{
    struct msg_record_key after = {.len = 0}, key;
    struct msg_span value;

    *left = 0;
    for (; view->next(view->self, BROKER_TABLE_ROOMS, msg_record_key_span(&after), &key, &value); after = key)
        *left += !restore_room(rooms, value);
    after.len = 0;
    for (; view->next(view->self, BROKER_TABLE_ROOM_MEMBERS, msg_record_key_span(&after), &key, &value); after = key)
        *left += !restore_part(rooms, value);
}

bool
broker_room_records_reload(struct broker_rooms *rooms, const struct broker_view *view, uint32_t slot)
{
    struct broker_room *room = &rooms->list[slot];
    struct msg_rec_room record;
    uint32_t next;

    if (!broker_room_records_room(view, &room->rules.id, &record))
        return false;
    take_room(room, &record);
    for (uint32_t at = room->member_first; at != 0; at = next) {
        struct broker_member *member = &rooms->members[at - 1];
        const uint64_t account = member->part.account;
        next = member->room_next;
        (void)broker_room_records_part(view, &room->rules.id, account, &member->part, &member->ended); /* none: zeros */
        if (belongs(&member->part))
            count_in(room, &member->part);
        else
            broker_rooms_remove_member(rooms, at - 1);
    }
    return true;
}

/* The records of rooms, their members and the chains in them. */
#include "msg/codec.h"
#include "peer/tables/rooms.h"
#include "peer/tables/tables.h"

uint64_t
peer_rooms_upto(const struct peer_room *room)
{
    uint64_t upto = room->partial && room->whole < room->cursor ? room->whole : room->cursor;
    if (room->passing && room->pass_at < upto)
        upto = room->pass_at;
    return room->again && room->again_from < upto ? room->again_from : upto;
}

void
peer_rooms_put(struct peer_room *room, struct msg_effects *out)
{
    if (!room->facts.made)
        return;
    room->kept = peer_rooms_upto(room);
    const struct msg_rec_my_room record = {
        .room = room->facts.id,
        .name = msg_text(room->name),
        .topic = msg_text(room->topic),
        .flags = room->facts.flags,
        .number = room->facts.number,
        .head = room->facts.head,
        .epoch = room->facts.epoch,
        .epoch_head = room->facts.epoch_head,
        .cursor = room->kept,
        .port = room->port,
        .said_incarnation = room->said.incarnation,
        .said_number = room->said.number,
        .said_head = room->said_head,
        .from_incarnation = room->from.incarnation,
        .from_number = room->from.number,
    };
    const struct msg_record_key key = msg_record_key_room(&room->facts.id, NULL, 0);
    msg_effects_put(out, PEER_TABLE_ROOMS, msg_record_key_span(&key), MSG_REC_MY_ROOM, &record);
}

void
peer_rooms_put_mate(const struct peer_rooms *self, const struct peer_mate *mate, struct msg_effects *out)
{
    const struct msg_rec_room_mate record = {
        .room = self->ids[mate->room],
        .account = mate->part.account,
        .name = msg_text(mate->name),
        .role = mate->part.role,
        .standing = mate->part.standing,
        .last = mate->part.last,
        .since = mate->part.since,
        .until = mate->part.until,
        .came = mate->came,
        .handed = mate->handed,
        .handed_counter = mate->handed_counter,
        .newest = mate->newest,
        .devices = mate->devices,
    };
    const struct msg_record_key key = msg_record_key_room(&record.room, &record.account, 1);
    msg_effects_put(out, PEER_TABLE_ROOM_MATES, msg_record_key_span(&key), MSG_REC_ROOM_MATE, &record);
}

void
peer_rooms_put_sender(const struct peer_rooms *self, const struct peer_sender *sender, struct msg_effects *out)
{
    if (sender->mark.incarnation == 0 && sender->waits == 0)
        return; /* nothing of it was taken yet, and nothing waits */
    const struct msg_rec_room_in record = {
        .room = self->ids[sender->room],
        .account = sender->account,
        .device = sender->device,
        .incarnation = sender->mark.incarnation,
        .salt = sender->salt,
        .number = sender->mark.number,
        .head = sender->head,
        .waits = sender->waits,
    };
    const uint64_t who[] = {sender->account, sender->device};
    const struct msg_record_key key = msg_record_key_room(&record.room, who, 2);
    msg_effects_put(out, PEER_TABLE_ROOM_IN, msg_record_key_span(&key), MSG_REC_ROOM_IN, &record);
}

void
peer_rooms_delete_records(struct peer_rooms *self, const struct peer_room *room, struct msg_effects *out)
{
    const struct msg_record_key ours = msg_record_key_room(&room->facts.id, NULL, 0);
    msg_effects_delete(out, PEER_TABLE_ROOMS, msg_record_key_span(&ours));
    for (const struct peer_mate *mate = peer_rooms_first_mate(self, room); mate != NULL; mate = peer_rooms_next_mate(self, mate)) {
        const struct msg_record_key key = msg_record_key_room(&room->facts.id, &mate->part.account, 1);
        msg_effects_delete(out, PEER_TABLE_ROOM_MATES, msg_record_key_span(&key));
    }
    for (const struct peer_sender *sender = peer_rooms_first_sender(self, room); sender != NULL; sender = peer_rooms_next_sender(self, sender)) {
        const uint64_t who[] = {sender->account, sender->device};
        const struct msg_record_key key = msg_record_key_room(&room->facts.id, who, 2);
        msg_effects_delete(out, PEER_TABLE_ROOM_IN, msg_record_key_span(&key));
    }
}

bool
peer_rooms_restore(struct peer_rooms *self, const struct msg_rec_my_room *record)
{
    struct msg_room_name name;
    if (msg_room_name_parse(&name, record->name) != CONCLAVE_OK)
        return false;
    struct peer_room *room = peer_rooms_add(self, &record->room);
    if (room == NULL)
        return false;
    peer_rooms_call(room, &name);
    msg_text_copy(room->topic, sizeof room->topic, record->topic);
    room->facts.made = true;
    room->facts.flags = record->flags;
    room->facts.number = record->number;
    room->facts.head = record->head;
    room->facts.epoch = record->epoch;
    room->facts.epoch_head = record->epoch_head;
    room->cursor = room->offset = room->kept = record->cursor;
    room->port = (uint16_t)record->port;
    room->said = (struct peer_mark){record->said_incarnation, record->said_number};
    room->said_head = record->said_head;
    room->from = (struct peer_mark){record->from_incarnation, record->from_number};
    peer_rooms_keep_head(self, room);
    return true;
}

bool
peer_rooms_restore_mate(struct peer_rooms *self, const struct msg_rec_room_mate *record, uint64_t us)
{
    struct peer_room *room = peer_rooms_find(self, &record->room);
    struct peer_mate *mate = room != NULL ? peer_rooms_add_mate(self, room, record->account) : NULL;
    if (mate == NULL)
        return false;
    msg_text_copy(mate->name, sizeof mate->name, record->name);
    mate->part = (struct msg_room_part){
        .account = record->account,
        .role = record->role,
        .standing = record->standing,
        .last = record->last,
        .since = record->since,
        .until = record->until,
    };
    mate->came = record->came;
    mate->handed = record->handed;
    mate->handed_counter = record->handed_counter;
    mate->newest = record->newest;
    mate->devices = record->devices;
    mate->kept = true;
    room->facts.members += record->role != MSG_ROLE_NONE;
    if (record->role == MSG_ROLE_OWNER)
        room->facts.owner = record->account;
    if (record->account == us) {
        room->role = record->role;
        room->standing = record->standing;
    }
    return true;
}

bool
peer_rooms_restore_sender(struct peer_rooms *self, const struct msg_rec_room_in *record)
{
    struct peer_room *room = peer_rooms_find(self, &record->room);
    struct peer_sender *sender = room != NULL ? peer_rooms_add_sender(self, room, record->account, record->device) : NULL;
    if (sender == NULL)
        return false;
    sender->mark = sender->synced = sender->told = (struct peer_mark){record->incarnation, record->number};
    sender->salt = record->salt;
    sender->head = record->head;
    sender->waits = record->waits;
    return true;
}

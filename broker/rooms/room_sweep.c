/* What is left of rooms that are gone.  Their rosters stay for a while, so that
 * members who were away learn what became of them; then they go, some records
 * at a time, at whatever pace nobody notices. */
#include "broker/core/front_state.h"

#define SWEEP_EVERY_MS (600u * 1000u)
#define KEEP_MS (40ull * 24 * 3600 * 1000) /* as revocations */
#define LOOKED_AT_MAX 256u                 /* rooms, at one time */
#define DELETED_MAX 256u                   /* records, at one time */

/* Deletes records of a room from a table; how many. */
static uint32_t
sweep_table(struct broker_front_core *self, enum broker_table table, const struct msg_id *room, uint32_t most)
{
    struct msg_record_key after = msg_record_key_room(room, NULL, 0), key;
    struct msg_span value;
    uint32_t count = 0;

    for (; count < most && self->view.next(self->view.self, table, msg_record_key_span(&after), &key, &value)
           && key.len > sizeof room->at && memcmp(key.at, room->at, sizeof room->at) == 0;
         after = key, count++)
        msg_effects_delete(self->out, table, msg_record_key_span(&key));
    return count;
}

/* Deletes some of a room that is gone, the room itself last. */
static uint32_t
sweep_room(struct broker_front_core *self, const struct msg_id *room)
{
    static const enum broker_table tables[] = {BROKER_TABLE_ROOM_LOG, BROKER_TABLE_ROOM_ENTRIES,
                                               BROKER_TABLE_ROOM_MEMBERS};
    uint32_t count = 0;

    for (size_t i = 0; count < DELETED_MAX && i < sizeof tables / sizeof tables[0]; i++)
        count += sweep_table(self, tables[i], room, DELETED_MAX - count);
    if (count < DELETED_MAX) {
        msg_effects_delete(self->out, BROKER_TABLE_ROOMS, msg_span(room->at, sizeof room->at));
        count++;
    }
    return count;
}

void
broker_room_sweep_due(struct broker_front_core *self)
{
    struct msg_rec_room record;
    struct msg_span value;
    uint32_t deleted = 0;

    /* No timer of its own: where nothing happens, nothing grows. */
    if (self->now.mono_ms < self->sweep_ms || self->broken || self->stopping)
        return;
    self->sweep_ms = self->now.mono_ms + SWEEP_EVERY_MS;
    for (uint32_t i = 0; deleted == 0 && i < LOOKED_AT_MAX; i++) {
        struct msg_record_key key;
        if (!self->view.next(self->view.self, BROKER_TABLE_ROOMS, msg_record_key_span(&self->sweep_at), &key, &value)) {
            self->sweep_at.len = 0; /* from the beginning, next time */
            break;
        }
        if (broker_room_records_read(value, &record) && record.gone_ms != 0
            && self->now.wall_ms > record.gone_ms && self->now.wall_ms - record.gone_ms > KEEP_MS) {
            const struct msg_id room = record.room;
            deleted = sweep_room(self, &room);
        } else {
            self->sweep_at = key;
        }
    }
    if (deleted == 0)
        return;
    msg_effects_store(self->out, broker_jobs_store_id(&self->jobs));
    self->sweep_ms = self->now.mono_ms + (deleted == DELETED_MAX ? 1000u : SWEEP_EVERY_MS);
}

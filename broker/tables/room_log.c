/* See room_log.h. */
#include "broker/tables/room_log.h"

#include "msg/codec.h"

#define OFFSET_INDEX 2u /* in a record key: the room's 16 bytes come before it */

static bool
read_frame(struct msg_span value, struct msg_rec_room_frame *out)
{
    union msg_any any;
    enum msg_kind kind;

    if (msg_codec_decode(value, &kind, &any) != CONCLAVE_OK || kind != MSG_REC_ROOM_FRAME)
        return false;
    *out = any.MSG_ANY_REC_ROOM_FRAME;
    return true;
}

bool
broker_room_log_next(const struct broker_view *view, const struct msg_id *room, uint64_t after, uint64_t *offset,
                     struct msg_rec_room_frame *out)
{
    struct msg_record_key key = msg_record_key_room(room, &after, 1);
    struct msg_span value;

    while (view->next(view->self, BROKER_TABLE_ROOM_LOG, msg_record_key_span(&key), &key, &value)
           && key.len > sizeof room->at && memcmp(key.at, room->at, sizeof room->at) == 0) {
        *offset = msg_record_key_u64(msg_record_key_span(&key), OFFSET_INDEX);
        if (read_frame(value, out))
            return true;
    }
    return false;
}

bool
broker_room_log_next_room(const struct broker_view *view, struct msg_id *room)
{
    static const struct msg_id none;
    const uint64_t end = UINT64_MAX;
    struct msg_record_key key = msg_record_key_room(room, &end, 1);
    struct msg_span value;

    if (memcmp(room, &none, sizeof none) == 0)
        key.len = 0;
    if (!view->next(view->self, BROKER_TABLE_ROOM_LOG, msg_record_key_span(&key), &key, &value)
        || key.len < sizeof room->at)
        return false;
    memcpy(room->at, key.at, sizeof room->at);
    return true;
}

static void
begin_with(struct broker_room_log *self, uint64_t first, const struct msg_rec_room_frame *record)
{
    self->first = first;
    self->first_ms = record->at_ms;
    self->gone_frames = record->frames - 1;
    self->gone_bytes = record->bytes - record->frame.len;
}

/* The view walks forward alone: goes on in growing steps, then halves what may
 * be behind the last one known. */
static void
find_last(struct broker_room_log *self, const struct broker_view *view, const struct msg_id *room, uint64_t *last)
{
    struct msg_rec_room_frame record;
    uint64_t end = UINT64_MAX, step = 1;

    while (end - *last > 1) {
        const uint64_t half = (end - *last) / 2, middle = *last + (step < half ? step : half);
        if (!broker_room_log_next(view, room, middle - 1, last, &record)) {
            end = middle;
            step = UINT64_MAX;
            continue;
        }
        step = step > UINT64_MAX / 2 ? UINT64_MAX : 2 * step;
        self->frames = record.frames;
        self->bytes = record.bytes;
    }
}

void
broker_room_log_load(struct broker_room_log *self, const struct broker_view *view, const struct msg_id *room,
                     uint64_t at_least)
{
    struct msg_rec_room_frame record;
    uint64_t last;

    if (self->loaded)
        return;
    *self = (struct broker_room_log){.loaded = true, .last = at_least};
    if (!broker_room_log_next(view, room, 0, &last, &record))
        return;
    begin_with(self, last, &record);
    self->frames = record.frames;
    self->bytes = record.bytes;
    find_last(self, view, room, &last);
    if (self->last < last)
        self->last = last;
}

uint64_t
broker_room_log_give(struct broker_room_log *self, uint64_t run_first, uint64_t wall_ms, size_t bytes)
{
    self->last = self->last + 1 > run_first ? self->last + 1 : run_first;
    if (self->first == 0) {
        self->first = self->last;
        self->first_ms = wall_ms;
    }
    self->frames++;
    self->bytes += bytes;
    return self->last;
}

void
broker_room_log_put(struct msg_effects *out, const struct msg_id *room, uint64_t offset, uint64_t wall_ms,
                    uint64_t frames, uint64_t bytes, struct msg_span frame)
{
    const struct msg_record_key key = msg_record_key_room(room, &offset, 1);
    const struct msg_rec_room_frame record = {wall_ms, frames, bytes, frame};

    msg_effects_put(out, BROKER_TABLE_ROOM_LOG, msg_record_key_span(&key), MSG_REC_ROOM_FRAME, &record);
}

void
broker_room_log_delete(struct msg_effects *out, const struct msg_id *room, uint64_t offset)
{
    const struct msg_record_key key = msg_record_key_room(room, &offset, 1);

    msg_effects_delete(out, BROKER_TABLE_ROOM_LOG, msg_record_key_span(&key));
}

static bool
is_old(const struct broker_room_log *self, const struct broker_room_log_limits *limits, uint64_t wall_ms)
{
    return self->first_ms < wall_ms && wall_ms - self->first_ms > limits->age_ms;
}

/* How many frames more than the limit stay until they go together: finding out
 * what is left then costs one read for all of them. */
static uint64_t
slack(const struct broker_room_log_limits *limits, uint32_t most)
{
    return limits->frames / 64 >= most ? most - 1 : 0;
}

/* How many of the oldest are too many; one at a time where it is for their size. */
static uint64_t
surplus(const struct broker_room_log *self, const struct broker_room_log_limits *limits, uint32_t most)
{
    const uint64_t kept = self->frames - self->gone_frames;

    if (kept > limits->frames + slack(limits, most))
        return kept - limits->frames;
    return self->bytes - self->gone_bytes > limits->bytes;
}

/* What has the oldest `run` offsets goes, if one more is on disk, which tells
 * how much is left: over a hole in the offsets it is fewer frames. */
static bool
drop(struct broker_room_log *self, const struct broker_view *view, const struct msg_id *room, uint64_t run,
     struct msg_effects *out)
{
    struct msg_rec_room_frame record;
    uint64_t offset;

    if (!broker_room_log_next(view, room, self->first + run - 1, &offset, &record))
        return false;
    for (uint64_t i = 0; i < run; i++)
        broker_room_log_delete(out, room, self->first + i);
    begin_with(self, offset, &record);
    return true;
}

uint32_t
broker_room_log_trim(struct broker_room_log *self, const struct broker_view *view, const struct msg_id *room,
                     const struct broker_room_log_limits *limits, uint64_t wall_ms, uint32_t most,
                     struct msg_effects *out)
{
    uint32_t gone = 0;

    while (gone < most && self->first != 0) {
        uint64_t run = surplus(self, limits, most);
        if (run == 0 && is_old(self, limits, wall_ms))
            run = 1;
        if (run > most - gone)
            run = most - gone;
        /* The last ones may be on their way to the disk. */
        if (run == 0 || !(drop(self, view, room, run, out) || (run > 1 && drop(self, view, room, 1, out))))
            break;
        gone += (uint32_t)run;
    }
    return gone;
}

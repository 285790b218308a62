/* Logs of rooms that nobody posts in: from time to time all logs are looked at,
 * a few at once, for what is too old, and for those whose room is gone.  What
 * is to go is found in the store, so that no crash leaves anything behind.  The
 * first round, right after the start, also makes known how much there is. */
#include "broker/core/front_state.h"

#define SWEEP_FIRST_MS 1000u    /* after the start */
#define SWEEP_STEP_MS 20u       /* between two looks */
#define SWEEP_EVERY_MS 3600000u /* between two rounds */
#define SWEEP_ROOMS 4u          /* in one look: some 50 reads each, the first time */

void
broker_log_sweep_start(struct broker_front_core *self)
{
    self->log_sweep = (struct broker_log_sweep){.due_ms = self->now.mono_ms + SWEEP_FIRST_MS};
}

/* The log of a room that is gone; how many of its frames went. */
static uint32_t
bury(struct broker_front_core *self, const struct msg_id *room)
{
    struct msg_rec_room_frame record;
    uint64_t offset = 0;
    uint32_t gone = 0;

    while (gone < BROKER_ROOM_LOG_SWEEP && broker_room_log_next(&self->view, room, offset, &offset, &record)) {
        broker_room_log_delete(self->out, room, offset);
        gone++;
    }
    return gone;
}

/* How many of the frames of a room went, BROKER_ROOM_LOG_SWEEP at most. */
static uint32_t
look(struct broker_front_core *self, const struct msg_id *id)
{
    const struct broker_room_log_limits limits = {self->settings.log_frames, self->settings.log_bytes,
                                                  self->settings.log_ms};
    const uint32_t room = broker_rooms_by_id(&self->rooms, id);
    struct msg_rec_room record;

    /* The store decides: the table may have had no place for it. */
    if (!broker_room_records_room(&self->view, id, &record) || record.gone_ms != 0)
        return bury(self, id);
    if (room == BROKER_NONE)
        return 0;
    const uint32_t gone = broker_room_log_trim(broker_casts_log(self, room), &self->view, id, &limits,
                                               self->now.wall_ms, BROKER_ROOM_LOG_SWEEP, self->out);
    self->counts.log_expired += gone;
    return gone;
}

void
broker_log_sweep_due(struct broker_front_core *self)
{
    struct broker_log_sweep *sweep = &self->log_sweep;
    uint32_t gone = 0;
    bool more = true;

    if (sweep->due_ms > self->now.mono_ms)
        return;
    for (uint32_t i = 0; i < SWEEP_ROOMS && gone < BROKER_ROOM_LOG_SWEEP && more; i++) {
        const struct msg_id before = sweep->room;
        more = broker_room_log_next_room(&self->view, &sweep->room);
        const uint32_t went = more ? look(self, &sweep->room) : 0;
        if (went == BROKER_ROOM_LOG_SWEEP)
            sweep->room = before; /* there may be more of it, once these are gone from the disk */
        gone += went;
    }
    if (gone > 0)
        msg_effects_store(self->out, broker_jobs_store_id(&self->jobs));
    if (!more) {
        sweep->room = (struct msg_id){{0}};
        sweep->counted = true;
    }
    sweep->due_ms = self->now.mono_ms + (more ? SWEEP_STEP_MS : SWEEP_EVERY_MS);
}

/* What those who watch the registry are told of its mind: what was counted,
 * what is looked up for them, and the rows of rooms and sessions. */
#include "broker/core/front_state.h"
#include "msg/codec.h"

void
broker_counting_refused(struct broker_front_core *self, enum conclave_err err)
{
    self->counts.refused++;
    self->counts.refused_by[err]++;
}

void
broker_front_core_counts(const struct broker_front_core *self, struct broker_front_counts *out)
{
    *out = self->counts;
    out->sessions = self->sessions.count;
    out->accounts_online = self->people.online_count;
    out->mail_waiting = self->mail.boxes.count;
    out->mail_counted = broker_clearing_counted(self);
    out->broken = self->broken;
    out->stopping = self->stopping;
}

static void
count_logs(const struct broker_rooms *rooms, uint64_t wall_ms, struct broker_front_gauges *out)
{
    uint64_t oldest_ms = wall_ms;

    for (uint32_t i = 0; i < rooms->high; i++) {
        const struct broker_room_log *log = &rooms->list[i].log;
        if (!rooms->list[i].used || !log->loaded || log->first == 0)
            continue;
        out->log_frames += log->frames - log->gone_frames;
        out->log_bytes += log->bytes - log->gone_bytes;
        if (log->first_ms < oldest_ms)
            oldest_ms = log->first_ms;
    }
    out->log_oldest_ms = wall_ms - oldest_ms;
}

static uint64_t
oldest_mail_ms(const struct broker_mailboxes *boxes, uint64_t wall_ms)
{
    uint64_t oldest_ms = wall_ms;

    for (uint32_t i = 0; i < boxes->high; i++)
        if (!broker_mailbox_is_empty(&boxes->list[i]) && boxes->list[i].first_ms != 0 && boxes->list[i].first_ms < oldest_ms)
            oldest_ms = boxes->list[i].first_ms;
    return wall_ms - oldest_ms;
}

void
broker_front_core_gauges(const struct broker_front_core *self, struct msg_time now, struct broker_front_gauges *out)
{
    *out = (struct broker_front_gauges){
        .accounts = self->counters.accounts,
        .rooms = self->rooms.count,
        .members = self->rooms.members_count,
        .seats = self->rooms.seats_count,
        .mail_bytes = self->mail.boxes.bytes,
        .mail_oldest_ms = oldest_mail_ms(&self->mail.boxes, now.wall_ms),
        .log_counted = self->log_sweep.counted,
    };
    for (uint32_t i = 0; i < BROKER_THROTTLE_SETS * BROKER_THROTTLE_WAYS; i++)
        out->blocked += self->throttle.cells[i].blocked_until_ms > now.mono_ms;
    count_logs(&self->rooms, now.wall_ms, out);
}

bool
broker_front_core_room_rows(const struct broker_front_core *self, uint32_t *at, struct msg_buf *items,
                            struct msg_list *rows)
{
    const struct broker_rooms *rooms = &self->rooms;

    for (; *at < rooms->high; ++*at) {
        const struct broker_room *room = &rooms->list[*at];
        if (!room->used || room->stored == 0) /* nobody was told yet that there is one */
            continue;
        const struct msg_room_row row = {{room->shown, room->shown_len}, room->member_count, room->seat_count,
                                         room->mesh, room->log.frames, room->log.bytes};
        if (rows->count == MSG_ROWS_MAX || msg_codec_append(items, rows, MSG_ROOM_ROW, &row) != CONCLAVE_OK)
            return true;
    }
    return false;
}

/* Sent to it from rooms, and not acknowledged. */
static uint64_t
pending(const struct broker_front_core *self, uint32_t slot, bool *behind)
{
    const struct broker_listener *listener = &self->fanout.listeners[slot];
    const bool its = listener->generation == self->sessions.list[slot].generation;

    *behind = its && listener->behind;
    return its && listener->sent > listener->taken ? listener->sent - listener->taken : 0;
}

bool
broker_front_core_session_rows(const struct broker_front_core *self, struct msg_time now, uint32_t *at,
                               struct msg_buf *items, struct msg_list *rows)
{
    const struct broker_sessions *sessions = &self->sessions;

    for (; *at < sessions->high; ++*at) {
        const struct broker_session *session = &sessions->list[*at];
        if (!session->used)
            continue;
        const struct broker_person *person = &self->people.list[session->person];
        struct msg_session_row row = {
            .name = {person->shown, person->shown_len},
            .device = session->device,
            .source = msg_text(session->reach.observed),
            .idle_ms = now.mono_ms > session->heard_ms ? now.mono_ms - session->heard_ms : 0,
        };
        for (uint32_t i = broker_rooms_seats_of(&self->rooms, *at); i != 0; i = self->rooms.seats[i - 1].session_next)
            row.rooms++;
        row.pending_bytes = pending(self, *at, &row.behind);
        if (rows->count == MSG_ROWS_MAX || msg_codec_append(items, rows, MSG_SESSION_ROW, &row) != CONCLAVE_OK)
            return true;
    }
    return false;
}

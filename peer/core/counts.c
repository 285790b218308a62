/* What is counted while the core does its work, and the figures of its tables,
 * which are counted when somebody asks.  Changes nothing. */
#include "peer/core/parts.h"

void
peer_counts_send(struct peer_core *self, uint64_t link, enum msg_kind kind, const void *message)
{
    const size_t before = self->out->arena.len;
    msg_effects_send(self->out, link, kind, message);
    self->counts.frames_out++;
    self->counts.bytes_out += self->out->arena.len - before;
}

void
peer_counts_send_bytes(struct peer_core *self, uint64_t link, struct msg_span bytes)
{
    msg_effects_send_bytes(self->out, link, bytes);
    self->counts.frames_out++;
    self->counts.bytes_out += bytes.len;
}

void
peer_counts_refused(struct peer_core *self, enum peer_refused whose, const char *what, const char *detail)
{
    self->counts.refused[whose]++;
    peer_step_log(self, MSG_LOG_WARN, what, detail);
}

void
peer_counts_gap(struct peer_room *room)
{
    room->gap = true;
}

void
peer_counts_gap_closed(struct peer_core *self, struct peer_room *room)
{
    self->counts.gaps_repaired += room->gap;
    room->gap = false;
}

/* ---- the answer ---- */

static void
add_routes(struct peer_core *self, struct msg_tell_stats *stats)
{
    uint32_t at = 0;
    for (const struct peer_contact *contact; (contact = peer_roster_each(&self->roster, &at)) != NULL;) {
        struct peer_device *device = contact->blocked ? NULL : peer_roster_first_device(&self->roster, contact);
        stats->people += !contact->blocked;
        for (; device != NULL; device = peer_roster_next_device(&self->roster, device)) {
            if (peer_links_direct(self, device) != NULL)
                stats->direct++;
            else if (device->relayed.state == PEER_LINK_UP)
                stats->relayed++;
            else if (peer_links_reaching(device))
                stats->dialling++;
            else if (device->away)
                stats->away++;
            else
                stats->idle++;
        }
    }
}

static void
add_rooms(struct peer_core *self, struct msg_tell_stats *stats)
{
    uint32_t at = 0;
    for (const struct peer_room *room; (room = peer_rooms_each(&self->rooms, &at)) != NULL;) {
        if (!peer_rooms_in(room))
            continue;
        stats->rooms++;
        stats->mesh_rooms += room->mesh;
        stats->waiting_rooms += room->queue.count;
    }
    at = 0;
    for (const struct peer_publisher *one; (one = peer_meshes_each(&self->meshes, NULL, &at)) != NULL;)
        stats->mesh_heard += one->up;
}

static uint64_t
age_of(const struct peer_core *self, const struct peer_out *out)
{
    return self->now.wall_ms > out->ts_ms ? self->now.wall_ms - out->ts_ms : 0;
}

static void
add_outbox(struct peer_core *self, struct msg_tell_stats *stats)
{
    uint32_t at = 0;
    for (const struct peer_contact *contact; (contact = peer_roster_each(&self->roster, &at)) != NULL;)
        for (uint32_t i = contact->queue.fresh; i != PEER_NONE; i = peer_outbox_at(self->outbox, i)->next) {
            const struct peer_out *out = peer_outbox_at(self->outbox, i);
            if (out->delivered)
                continue;
            stats->waiting++;
            stats->waiting_stored += peer_ticks_kept(self, contact, out->mark);
            if (age_of(self, out) > stats->waiting_oldest_ms)
                stats->waiting_oldest_ms = age_of(self, out);
        }
    at = 0;
    for (const struct peer_room *room; (room = peer_rooms_each(&self->rooms, &at)) != NULL;)
        if (room->queue.count > 0 && age_of(self, peer_outbox_at(self->outbox, room->queue.first)) > stats->waiting_oldest_ms)
            stats->waiting_oldest_ms = age_of(self, peer_outbox_at(self->outbox, room->queue.first));
    for (uint32_t i = 0; i < PEER_REQUESTS; i++) /* to somebody who is still being looked for */
        stats->waiting += self->requests[i].used ? self->requests[i].said.count : 0;
}

/* 0 is for who is not logged in. */
static uint64_t
session_ms(const struct peer_core *self)
{
    if (!peer_session_online(self))
        return 0;
    return self->now.mono_ms > self->counts.online_ms ? self->now.mono_ms - self->counts.online_ms : 1;
}

void
peer_counts_tell(struct peer_core *self, uint64_t req)
{
    const struct peer_counts *const counts = &self->counts;
    struct msg_tell_stats stats = {
        .req = req,
        .uptime_ms = self->now.mono_ms - counts->started_ms,
        .session_ms = session_ms(self),
        .log_ins = counts->log_ins,
        .sent = counts->sent,
        .received = counts->received,
        .gaps_repaired = counts->gaps_repaired,
        .gaps_shown = counts->gaps_shown,
        .frames_in = counts->frames_in,
        .bytes_in = counts->bytes_in,
        .frames_out = counts->frames_out,
        .bytes_out = counts->bytes_out,
        .refused_registry = counts->refused[PEER_REFUSED_REGISTRY],
        .refused_links = counts->refused[PEER_REFUSED_LINKS],
        .refused_seals = counts->refused[PEER_REFUSED_SEALS],
        .refused_rooms = counts->refused[PEER_REFUSED_ROOMS],
    };
    add_routes(self, &stats);
    add_rooms(self, &stats);
    add_outbox(self, &stats);
    msg_effects_tell(self->out, MSG_TELL_STATS, &stats);
}

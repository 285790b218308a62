/* What became of what the user said to people, told as ticks: each once it is
 * true, and as far as there is room among what waits for the disk; the rest
 * when the disk has caught up. */
#include "peer/core/parts.h"

/* False: no room now. */
static bool
tell(struct peer_core *self, struct peer_contact *contact, const struct peer_out *out, enum msg_tick tick)
{
    if (!peer_held_fits(self->held, 0)) {
        contact->ticks_due = self->ticks_due = true;
        return false;
    }
    peer_talk_tell(self, contact, &out->id, tick);
    return true;
}

/* What the first of their devices has now, then what was read on this one: not
 * what came before it joined.  One kind after the other, so that many are told
 * together. */
static void
tell_had(struct peer_core *self, struct peer_contact *contact, struct peer_device *device)
{
    for (uint32_t at = contact->queue.fresh; at != PEER_NONE; at = peer_outbox_at(self->outbox, at)->next) {
        const struct peer_out *out = peer_outbox_at(self->outbox, at);
        if (peer_mark_before(contact->delivered, out->mark))
            break;
        if (!tell(self, contact, out, MSG_TICK_DELIVERED))
            return;
        peer_outbox_deliver(self->outbox, &contact->queue);
    }
    if (!peer_mark_before(device->read_told, device->read))
        return;
    for (uint32_t at = contact->queue.first; at != PEER_NONE; at = peer_outbox_at(self->outbox, at)->next) {
        struct peer_out *out = peer_outbox_at(self->outbox, at);
        if (peer_mark_before(device->read, out->mark))
            break;
        if (out->read || !peer_mark_before(device->read_told, out->mark))
            continue;
        if (!tell(self, contact, out, MSG_TICK_READ))
            return;
        out->read = true;
    }
    device->read_told = device->read;
}

/* What the registry's disk keeps for some device of theirs. */
static void
tell_stored(struct peer_core *self, struct peer_contact *contact)
{
    const struct peer_mark before = contact->stored;
    if (!peer_mark_before(before, contact->kept))
        return;
    for (uint32_t at = contact->queue.fresh; at != PEER_NONE; at = peer_outbox_at(self->outbox, at)->next) {
        const struct peer_out *out = peer_outbox_at(self->outbox, at);
        if (peer_mark_before(contact->kept, out->mark))
            break;
        const bool had = out->delivered || !peer_mark_before(contact->delivered, out->mark); /* which says more */
        if (had || !peer_mark_before(before, out->mark))
            continue;
        if (!tell(self, contact, out, MSG_TICK_STORED))
            goto done;
        contact->stored = out->mark;
    }
    contact->stored = contact->kept;

done: /* of its own: what they have to be mailed again goes back */
    if (!peer_mark_before(before, contact->stored))
        return;
    peer_roster_put_chain_out(contact, self->out);
    (void)peer_step_store(self); /* only marks that this step writes */
}

bool
peer_ticks_kept(struct peer_core *self, const struct peer_contact *contact, struct peer_mark mark)
{
    struct peer_device *device = peer_roster_first_device(&self->roster, contact);
    for (; device != NULL; device = peer_roster_next_device(&self->roster, device))
        if (peer_mark_before(device->acked, mark) && peer_mark_before(device->returned, mark) && !peer_mark_before(device->mailed, mark))
            return true;
    return false;
}

/* What came back is queued here and nowhere else again. */
static void
tell_returned(struct peer_core *self, struct peer_contact *contact)
{
    for (uint32_t at = contact->queue.fresh; at != PEER_NONE; at = peer_outbox_at(self->outbox, at)->next) {
        struct peer_out *out = peer_outbox_at(self->outbox, at);
        if (!out->returned)
            continue;
        const bool had = out->delivered || !peer_mark_before(contact->delivered, out->mark);
        if (!had && !tell(self, contact, out, MSG_TICK_QUEUED))
            return;
        out->returned = false;
    }
}

void
peer_ticks_had(struct peer_core *self, struct peer_contact *contact, struct peer_device *device)
{
    tell_had(self, contact, device);
}

void
peer_ticks_stored(struct peer_core *self, struct peer_contact *contact, struct peer_mark upto)
{
    if (peer_mark_before(contact->kept, upto))
        contact->kept = upto;
    tell_stored(self, contact);
}

bool
peer_ticks_returned(struct peer_core *self, struct peer_contact *contact, struct peer_device *device, struct peer_mark upto)
{
    const struct peer_mark before = device->returned;
    bool any = false;
    if (!peer_mark_before(before, upto))
        return false;
    device->returned = upto;
    for (uint32_t at = contact->queue.fresh; at != PEER_NONE; at = peer_outbox_at(self->outbox, at)->next) {
        struct peer_out *out = peer_outbox_at(self->outbox, at);
        if (peer_mark_before(upto, out->mark))
            break;
        if (out->delivered || !peer_mark_before(contact->delivered, out->mark) || !peer_mark_before(before, out->mark)
            || peer_ticks_kept(self, contact, out->mark))
            continue;
        out->returned = any = true;
    }
    tell_returned(self, contact);
    return any;
}

void
peer_ticks_go_on(struct peer_core *self)
{
    uint32_t at = 0;
    if (!self->ticks_due)
        return;
    self->ticks_due = false;
    peer_room_ticks_go_on(self);
    for (struct peer_contact *contact; (contact = peer_roster_each(&self->roster, &at)) != NULL;) {
        if (!contact->ticks_due)
            continue;
        contact->ticks_due = false;
        tell_stored(self, contact);
        tell_returned(self, contact);
        struct peer_device *device = peer_roster_first_device(&self->roster, contact);
        for (; device != NULL; device = peer_roster_next_device(&self->roster, device))
            tell_had(self, contact, device);
        peer_talk_settle(self, contact);
    }
}

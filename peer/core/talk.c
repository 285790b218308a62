/* Chains of messages, going out: what the user says gets a number and a link
 * in its chain, waits in the outbox, is sent, sent again, and is let go of when
 * every device of the other side has it. */
#include "peer/core/parts.h"

#include <stdlib.h>

#define WINDOW 8192u            /* messages in flight to one device */
#define RESEND_FIRST_MS 2000u   /* no progress: send again from what is acknowledged */
#define RESEND_LAST_MS 30000u
#define RESEND_DROP_MS 8000u    /* after the time-out has grown to this, the link is not believed in */
#define REWIND_MS 100u          /* one gap, many complaints: go back once */
#define KEEP_UNREAD 256u        /* delivered messages that wait for their read tick */
#define PLENTY (2u * MSG_BATCH_COUNT)       /* in flight to one device: a millisecond more makes no difference */
#define FULL (MSG_BATCH_COUNT / 4u * 3u)    /* messages that are worth an envelope then */

/* Every start is an incarnation of its own: numbers that were given out and
 * not synced before a crash are never given out again for something else. */
void
peer_talk_reincarnate(struct peer_core *self)
{
    self->self.incarnation++;
    do
        self->self.salt = msg_keys_random_u64();
    while (self->self.salt == 0);
    self->self.incarnation_synced = false;
    peer_self_put(self);
    self->self.incarnation_store = peer_step_store(self);
}

void
peer_talk_dirty(struct peer_core *self, struct peer_device *device)
{
    self->roster.dirty[peer_roster_device_index(&self->roster, device)] = 1;
    self->dirty = true;
}

bool
peer_talk_device_waits(const struct peer_core *self, const struct peer_device *device)
{
    const struct peer_contact *contact = &self->roster.contacts[device->contact];
    if (device->read_due)
        return true;
    return contact->queue.count > 0 && peer_mark_before(device->acked, peer_outbox_at(self->outbox, contact->queue.last)->mark);
}

bool
peer_talk_waits(const struct peer_core *self, const struct peer_contact *contact)
{
    if (contact->devices == PEER_NONE)
        return contact->queue.count > 0;
    for (uint32_t at = contact->devices; at != PEER_NONE; at = self->roster.devices[at].next)
        if (peer_talk_device_waits(self, &self->roster.devices[at]))
            return true;
    return false;
}

/* The first message that the device has not acknowledged. */
static uint32_t
first_unacked(struct peer_core *self, const struct peer_device *device)
{
    const struct peer_contact *contact = peer_roster_contact_of(&self->roster, device);
    /* one that has all that any device has need not be led past what waits to be read */
    uint32_t at = peer_mark_before(device->acked, contact->delivered) ? contact->queue.first : contact->queue.fresh;
    while (at != PEER_NONE && !peer_mark_before(device->acked, peer_outbox_at(self->outbox, at)->mark))
        at = peer_outbox_at(self->outbox, at)->next;
    return at;
}

void
peer_talk_rewind(struct peer_core *self, struct peer_device *device)
{
    device->cursor = first_unacked(self, device);
    device->sent = device->acked;
    device->in_flight = 0;
    device->resend_at_ms = 0;
    device->resend_ms = RESEND_FIRST_MS;
    if (device->cursor != PEER_NONE)
        peer_talk_dirty(self, device);
}

/* A device that is new starts with the first message that may have been said
 * since it was enrolled, or that no other device has: where the list of devices
 * was last known to be complete. */
void
peer_talk_joined(struct peer_core *self, struct peer_device *device)
{
    const struct peer_contact *contact = peer_roster_contact_of(&self->roster, device);
    const struct peer_mark after = peer_mark_before(contact->sure, contact->delivered) ? contact->sure : contact->delivered;
    device->acked = contact->delivered;
    for (uint32_t at = contact->queue.first; at != PEER_NONE; at = peer_outbox_at(self->outbox, at)->next) {
        const struct peer_out *out = peer_outbox_at(self->outbox, at);
        if (out->block == PEER_NONE || !peer_mark_before(after, out->mark))
            continue;
        device->acked = (struct peer_mark){out->mark.incarnation, out->mark.number - 1};
        break;
    }
    device->read = device->read_told = device->acked;
    peer_talk_rewind(self, device);
}

static void
put_out(struct peer_core *self, const struct peer_contact *contact, const struct peer_out *out, struct msg_text text)
{
    const struct msg_rec_out record = {
        .account = contact->account,
        .incarnation = out->mark.incarnation,
        .salt = out->salt,
        .from_incarnation = out->from.incarnation,
        .from_number = out->from.number,
        .number = out->mark.number,
        .id = out->id,
        .prev = out->prev,
        .ts_ms = out->ts_ms,
        .text = text,
    };
    const struct msg_record_key key = msg_record_key3(contact->account, out->mark.incarnation, out->mark.number);
    msg_effects_put(self->out, PEER_TABLE_OUT, msg_record_key_span(&key), MSG_REC_OUT, &record);
}

static void
delete_out(struct peer_core *self, const struct peer_contact *contact, struct peer_mark mark)
{
    const struct msg_record_key key = msg_record_key3(contact->account, mark.incarnation, mark.number);
    msg_effects_delete(self->out, PEER_TABLE_OUT, msg_record_key_span(&key));
}

/* Asking the system for randomness costs more than the rest of a new id: a
 * handful at once. */
struct msg_id
peer_talk_new_id(struct peer_core *self)
{
    if (self->ids_left == 0) {
        msg_keys_random_many(self->ids, sizeof self->ids);
        self->ids_left = PEER_IDS;
    }
    return msg_chain_id(self->ids[--self->ids_left], self->now.wall_ms);
}

/* The next place in the chain to a contact: fills mark, salt, from, prev, and
 * moves the chain on. */
static void
link_on(struct peer_core *self, struct peer_contact *contact, struct peer_out *out, struct msg_text text)
{
    if (contact->said.incarnation != self->self.incarnation) {
        contact->from = contact->said;
        contact->said = (struct peer_mark){self->self.incarnation, 0};
    }
    contact->said.number++;
    out->mark = contact->said;
    out->salt = self->self.salt;
    out->from = contact->from;
    out->prev = contact->head;
    msg_chain_head(&contact->head, &out->prev, &out->id, text);
}

void
peer_talk_tell(struct peer_core *self, const struct peer_contact *contact, const struct msg_id *id, enum msg_tick tick)
{
    peer_held_tick(self->held, peer_step_store(self), id, msg_text(contact->name), msg_text(""), tick);
}

/* Lets go of the oldest message to a contact, which some device of theirs has. */
static void
drop_first(struct peer_core *self, struct peer_contact *contact)
{
    const uint32_t first = contact->queue.first;
    const struct peer_out *out = peer_outbox_at(self->outbox, first);
    struct peer_device *device = peer_roster_first_device(&self->roster, contact);
    for (; device != NULL; device = peer_roster_next_device(&self->roster, device))
        if (device->cursor == first)
            device->cursor = out->next;
    delete_out(self, contact, out->mark);
    (void)peer_step_store(self); /* only marks that this step writes */
    peer_outbox_shift(self->outbox, &contact->queue);
}

/* A device that never comes back must not fill the outbox for ever: when it is
 * full, what another device of theirs has goes first.  If it does come back, it
 * is told that something is missing. */
static void
make_room(struct peer_core *self, size_t len)
{
    uint32_t at = 0;
    for (struct peer_contact *contact; (contact = peer_roster_each(&self->roster, &at)) != NULL;)
        while (!peer_outbox_fits(self->outbox, len) && contact->queue.count > 0
               && peer_outbox_at(self->outbox, contact->queue.first)->delivered)
            drop_first(self, contact);
}

bool
peer_talk_say(struct peer_core *self, struct peer_contact *contact, uint64_t cmd, struct msg_text text)
{
    struct peer_out out = {.said_ms = self->now.mono_ms};
    if (!peer_outbox_fits(self->outbox, text.len))
        make_room(self, text.len);
    if (!peer_outbox_fits(self->outbox, text.len) || !peer_held_fits(self->held, 0)) {
        peer_step_failed(self, cmd, CONCLAVE_ERR_QUOTA_EXCEEDED, msg_text("Too many messages wait to be sent; try again when some were delivered."), 1000);
        return false;
    }
    out.id = peer_talk_new_id(self);
    out.ts_ms = msg_chain_ts_ms(&out.id);
    self->counts.sent++;
    link_on(self, contact, &out, text);
    const uint32_t at = peer_outbox_add(self->outbox, &contact->queue, &out, text);
    put_out(self, contact, &out, text);
    peer_roster_put_chain_out(contact, self->out);
    peer_step_ok(self, cmd, &out.id);
    peer_talk_tell(self, contact, &out.id, MSG_TICK_QUEUED);
    bool up = false;
    struct peer_device *device = peer_roster_first_device(&self->roster, contact);
    for (; device != NULL; device = peer_roster_next_device(&self->roster, device)) {
        if (device->cursor == PEER_NONE)
            device->cursor = at;
        if (peer_links_best(self, device) != NULL) {
            up = true;
            self->flush_now = self->flush_now || device->in_flight == 0; /* there is nothing to wait for and go with */
            peer_talk_dirty(self, device);
        }
        peer_mail_said(self, device);
    }
    contact->mail_returned = false;
    if (!up)
        peer_links_want(self, contact);
    if (!contact->fresh && contact->introduce_at_ms == 0)
        peer_people_introduce(self, contact); /* they may have a device by now that we do not know */
    return true;
}

/* True while the registry is being asked which devices they have: one that we
 * do not know yet may be owed this message, too. */
static bool
awaits_devices(const struct peer_contact *contact, struct peer_mark mark)
{
    return contact->introduce_req != 0 && peer_mark_before(contact->sure, mark);
}

/* Removes what nobody needs any more from the front of the queue. */
void
peer_talk_settle(struct peer_core *self, struct peer_contact *contact)
{
    if (contact->devices == PEER_NONE)
        return;
    struct peer_mark all = {UINT64_MAX, UINT64_MAX}; /* what every device has */
    struct peer_device *device = peer_roster_first_device(&self->roster, contact);
    for (; device != NULL; device = peer_roster_next_device(&self->roster, device))
        if (peer_mark_before(device->acked, all))
            all = device->acked;
    while (contact->queue.count > 0) {
        const struct peer_out *out = peer_outbox_at(self->outbox, contact->queue.first);
        const bool had = !peer_mark_before(all, out->mark);
        if (!out->delivered || !had || awaits_devices(contact, out->mark) || !(out->read || (contact->queue.delivered > KEEP_UNREAD && !contact->ticks_due)))
            break;
        delete_out(self, contact, out->mark);
        (void)peer_step_store(self); /* only marks that this step writes */
        peer_outbox_shift(self->outbox, &contact->queue);
    }
    while (contact->queue.held != PEER_NONE) {
        const struct peer_out *out = peer_outbox_at(self->outbox, contact->queue.held);
        if (!out->delivered || peer_mark_before(all, out->mark) || awaits_devices(contact, out->mark))
            break;
        peer_outbox_let_go(self->outbox, &contact->queue);
    }
}

/* The other side knows a later incarnation of us than we do: our disk was put
 * back to an earlier state.  What waits is numbered anew, after that one. */
void
peer_talk_renumber(struct peer_core *self, uint64_t incarnation)
{
    if (incarnation > self->self.incarnation)
        self->self.incarnation = incarnation;
    peer_talk_reincarnate(self);
    uint32_t at = 0;
    for (struct peer_contact *contact; (contact = peer_roster_each(&self->roster, &at)) != NULL;) {
        struct peer_queue old = contact->queue;
        peer_outbox_start(&contact->queue);
        memset(&contact->head, 0, sizeof contact->head);
        contact->said = contact->from = (struct peer_mark){0, 0};
        while (old.count > 0) {
            struct peer_out out = *peer_outbox_at(self->outbox, old.first);
            delete_out(self, contact, out.mark);
            const struct msg_text text = peer_outbox_text(self->outbox, old.first, self->text);
            const bool waits = !out.delivered;
            peer_outbox_shift(self->outbox, &old);
            if (!waits)
                continue;
            link_on(self, contact, &out, text);
            (void)peer_outbox_add(self->outbox, &contact->queue, &out, text); /* it was in there a moment ago */
            put_out(self, contact, &out, text);
        }
        peer_roster_put_chain_out(contact, self->out);
        struct peer_device *device = peer_roster_first_device(&self->roster, contact);
        for (; device != NULL; device = peer_roster_next_device(&self->roster, device))
            peer_talk_rewind(self, device);
    }
    peer_room_renumber(self);
}

/* Messages that were sent and are not acknowledged. */
static uint32_t
sent_since(struct peer_core *self, const struct peer_device *device)
{
    if (!peer_mark_before(device->acked, device->sent))
        return 0;
    if (device->sent.incarnation == device->acked.incarnation)
        return (uint32_t)(device->sent.number - device->acked.number);
    uint32_t count = 0;
    for (uint32_t at = first_unacked(self, device); at != PEER_NONE; at = peer_outbox_at(self->outbox, at)->next)
        if (!peer_mark_before(device->sent, peer_outbox_at(self->outbox, at)->mark))
            count++;
    return count;
}

/* True when the device knows of a future of ours that we do not remember. */
static bool
forked(struct peer_core *self, const struct peer_contact *contact, const struct msg_receipt *receipt)
{
    if (receipt->incarnation >= self->self.incarnation)
        return receipt->incarnation > self->self.incarnation || receipt->salt != self->self.salt;
    for (uint32_t at = contact->queue.first; at != PEER_NONE; at = peer_outbox_at(self->outbox, at)->next) {
        const struct peer_out *out = peer_outbox_at(self->outbox, at);
        if (out->mark.incarnation == receipt->incarnation)
            return out->salt != receipt->salt; /* all of one incarnation have one salt */
    }
    return false;
}

/* What a device says that it has. */
void
peer_talk_acked(struct peer_core *self, struct peer_device *device, const struct msg_receipt *receipt)
{
    struct peer_contact *contact = peer_roster_contact_of(&self->roster, device);
    struct peer_mark delivered = {receipt->incarnation, receipt->delivered};
    struct peer_mark read = {receipt->incarnation, receipt->read < receipt->delivered ? receipt->read : receipt->delivered};
    if (forked(self, contact, receipt)) {
        peer_step_log(self, MSG_LOG_WARN, "RESTORED", "a contact knows a later incarnation of this device: its disk is an older copy; waiting messages are numbered anew");
        peer_talk_renumber(self, receipt->incarnation);
        return;
    }
    if (receipt->incarnation < self->self.incarnation && peer_mark_before(contact->said, delivered)) {
        delivered = contact->said; /* the rest was said, and forgotten in a crash */
        read = read.number > 0 && peer_mark_before(delivered, read) ? delivered : read;
    }
    if (peer_mark_before(contact->said, delivered))
        return; /* it cannot have what was never said */
    const bool more = peer_mark_before(device->acked, delivered);
    const bool seen = read.number > 0 && peer_mark_before(device->read, read);
    if (more) {
        device->acked = delivered;
        device->progress_ms = self->now.mono_ms;
        device->in_flight = sent_since(self, device);
        device->resend_ms = RESEND_FIRST_MS;
        device->resend_at_ms = device->in_flight > 0 ? self->now.mono_ms + RESEND_FIRST_MS : 0;
        if (device->cursor != PEER_NONE && !peer_mark_before(delivered, peer_outbox_at(self->outbox, device->cursor)->mark))
            device->cursor = first_unacked(self, device);
        if (device->resend_at_ms != 0)
            peer_step_at(self, device->resend_at_ms);
        peer_talk_dirty(self, device); /* the window has moved */
    }
    if (seen)
        device->read = read;
    if (more || seen) {
        if (peer_mark_before(contact->delivered, device->acked))
            contact->delivered = device->acked;
        if (peer_mark_before(contact->read, device->read))
            contact->read = device->read;
        peer_roster_put_device(device, self->out);
        (void)peer_step_store(self); /* only marks that this step writes */
        peer_ticks_had(self, contact, device);
        peer_talk_settle(self, contact);
    }
    if (receipt->gap && peer_mark_before(device->acked, device->sent) && self->now.mono_ms >= device->rewound_ms + REWIND_MS) {
        device->rewound_ms = self->now.mono_ms;
        peer_talk_rewind(self, device);
    }
    if (receipt->gap)
        peer_mail_gap(self, device, delivered);
}

/* The first number of this incarnation that the device has not acknowledged;
 * 0 while something of an earlier one is missing there. */
static uint64_t
base_of(struct peer_core *self, const struct peer_device *device, uint64_t incarnation)
{
    if (device->acked.incarnation == incarnation && peer_mark_before(device->acked, device->sent))
        return device->acked.number + 1; /* what goes on from something in flight has a place to go on from */
    const uint32_t at = first_unacked(self, device);
    if (at == PEER_NONE || peer_outbox_at(self->outbox, at)->mark.incarnation != incarnation)
        return 0;
    return peer_outbox_at(self->outbox, at)->mark.number;
}

bool
peer_talk_put(struct peer_core *self, const struct peer_device *device, uint32_t at, struct peer_mark *last, struct msg_buf *batch)
{
    const struct peer_out *out = peer_outbox_at(self->outbox, at);
    const size_t before = batch->len;
    if (!peer_outbox_follows(out, *last)) {
        const struct msg_chain chain = {
            .incarnation = out->mark.incarnation,
            .salt = out->salt,
            .from_incarnation = out->from.incarnation,
            .from_number = out->from.number,
            .base = base_of(self, device, out->mark.incarnation),
            .number = out->mark.number,
            .prev = out->prev,
        };
        if (msg_codec_encode(batch, MSG_CHAIN, &chain) != CONCLAVE_OK)
            return false;
    }
    const struct msg_say say = {out->id, peer_outbox_text(self->outbox, at, self->text)};
    if (msg_codec_encode(batch, MSG_SAY, &say) != CONCLAVE_OK) {
        batch->len = before;
        return false;
    }
    *last = out->mark;
    return true;
}

static bool
put_next(struct peer_core *self, struct peer_device *device, struct msg_buf *batch)
{
    const struct peer_out *out = peer_outbox_at(self->outbox, device->cursor);
    if (!peer_talk_put(self, device, device->cursor, &device->sealed, batch))
        return false;
    device->sent = out->mark;
    device->in_flight++;
    device->cursor = out->next;
    return true;
}

/* While plenty is under way, what is said next waits for more to share its
 * envelope with. */
static bool
gathers(struct peer_core *self, struct peer_device *device)
{
    const struct peer_mark said = peer_roster_contact_of(&self->roster, device)->said;
    device->gathers = device->cursor != PEER_NONE && device->in_flight >= PLENTY && self->now.mono_ms == device->batched_ms
                      && said.incarnation == device->sent.incarnation && said.number - device->sent.number < FULL;
    if (device->gathers)
        peer_step_at(self, self->now.mono_ms + 1);
    return device->gathers;
}

/* Adds nothing to an empty batch while more is gathered for it. */
void
peer_talk_batch(struct peer_core *self, struct peer_device *device, struct msg_buf *batch)
{
    uint32_t count = 0;
    if (batch->len == 0 && gathers(self, device))
        return;
    while (self->self.incarnation_synced && device->cursor != PEER_NONE && count < MSG_BATCH_COUNT && device->in_flight < WINDOW
           && put_next(self, device, batch))
        count++;
    if (count > 0)
        device->batched_ms = self->now.mono_ms;
    if (count > 0 && device->resend_at_ms == 0) {
        device->resend_at_ms = self->now.mono_ms + device->resend_ms;
        peer_step_at(self, device->resend_at_ms);
    }
}

static void
tick_one(struct peer_core *self, struct peer_device *device)
{
    const uint64_t now = self->now.mono_ms;
    if (device->gathers)
        peer_talk_dirty(self, device);
    if (device->receipt_at_ms != 0 && now >= device->receipt_at_ms) {
        device->receipt_at_ms = 0;
        peer_talk_dirty(self, device);
    } else if (device->receipt_at_ms != 0)
        peer_step_at(self, device->receipt_at_ms);
    if (device->resend_at_ms == 0)
        return;
    if (now < device->resend_at_ms) {
        peer_step_at(self, device->resend_at_ms);
        return;
    }
    const uint64_t waited_ms = device->resend_ms;
    if (waited_ms >= RESEND_DROP_MS) {
        peer_links_drop(self, device);
        peer_links_want(self, peer_roster_contact_of(&self->roster, device));
        return;
    }
    /* a link through the registry does not break: who refuses us by now is asked */
    if (peer_links_best(self, device) == &device->relayed)
        peer_people_introduce(self, peer_roster_contact_of(&self->roster, device));
    peer_talk_rewind(self, device);
    device->resend_ms = waited_ms * 2 < RESEND_LAST_MS ? waited_ms * 2 : RESEND_LAST_MS;
}

void
peer_talk_tick(struct peer_core *self)
{
    uint32_t at = 0;
    for (struct peer_device *device; (device = peer_roster_each_device(&self->roster, &at)) != NULL;)
        tick_one(self, device);
}

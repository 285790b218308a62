/* Chains of messages, coming in: each is accepted once and in order, goes to
 * disk, is shown and acknowledged after that, and told as read when it was. */
#include "peer/core/parts.h"

#define RECEIPT_MS 5u       /* an answer may carry the receipt along */
#define RECEIPT_COUNT 128u  /* or so many messages wait for it */
#define NOTICE_BYTES 4096u  /* of the notice of a gap, in what is held */

enum verdict { ACCEPT, ACCEPT_AFTER_GAP, SEEN, MISSING };

/* Where a message stands against what came before it.  Pure. */
static enum verdict
judge(const struct peer_chain_in *in, const struct msg_chain *chain, const struct msg_place *at)
{
    const bool starts = chain->base != 0 && at->number == chain->base;
    if (!in->known)
        return starts ? ACCEPT : MISSING;
    if (chain->incarnation < in->mark.incarnation)
        return SEEN;
    if (chain->incarnation == in->mark.incarnation && chain->salt == in->salt) {
        if (at->number <= in->mark.number)
            return SEEN;
        if (at->number == in->mark.number + 1)
            return memcmp(&at->prev, &in->head, sizeof in->head) == 0 ? ACCEPT : ACCEPT_AFTER_GAP;
        return starts ? ACCEPT_AFTER_GAP : MISSING;
    }
    if (chain->incarnation == in->mark.incarnation)
        return MISSING; /* their disk was put back and they do not know it yet: our receipt tells them */
    const bool follows = chain->incarnation > in->mark.incarnation && at->number == 1 && chain->from_incarnation == in->mark.incarnation
                         && in->mark.number >= chain->from_number;
    if (follows) /* beyond from_number: what the sender sent and forgot in a crash */
        return in->mark.number > chain->from_number || memcmp(&at->prev, &in->head, sizeof in->head) == 0 ? ACCEPT : ACCEPT_AFTER_GAP;
    const bool instead = chain->incarnation > in->mark.incarnation && at->number == 1 && chain->from_incarnation != 0
                         && memcmp(&at->prev, &in->start, sizeof in->start) == 0;
    if (instead) /* both go on from the same message: the sender sent the incarnation before, and forgot all of it in a crash */
        return ACCEPT;
    if (starts)
        return chain->from_incarnation == 0 ? ACCEPT : ACCEPT_AFTER_GAP;
    return MISSING;
}

void
peer_hear_arrived(struct peer_core *self, const struct peer_arrival *arrival)
{
    self->arrivals[arrival->arrival % PEER_ARRIVALS] = *arrival;
    self->counts.received++;
}

/* A sender whose disk was put back says again what it had forgotten to have
 * said: of the last messages we know which came already. */
static bool
came_already(const struct peer_core *self, const struct peer_device *device, const struct msg_id *id)
{
    for (size_t i = 0; i < PEER_ARRIVALS; i++) {
        const struct peer_arrival *was = &self->arrivals[i];
        if (was->arrival != 0 && was->account == device->cert.account && was->device == device->cert.device
            && memcmp(&was->id, id, sizeof *id) == 0)
            return true;
    }
    return false;
}

static void
move_on(struct peer_chain_in *in, const struct msg_chain *chain, const struct msg_place *at, const struct msg_head *head)
{
    if (in->known && in->mark.incarnation != chain->incarnation)
        in->read = in->told = 0;
    if (in->known && (in->mark.incarnation != chain->incarnation || in->salt != chain->salt))
        in->anew = chain->from_incarnation == 0;
    if (at->number == 1)
        in->start = at->prev;
    else if (!in->known || in->mark.incarnation != chain->incarnation || in->salt != chain->salt)
        memset(&in->start, 0, sizeof in->start);
    in->known = true;
    in->mark = (struct peer_mark){chain->incarnation, at->number};
    in->salt = chain->salt;
    in->head = *head;
}

/* A run: messages of one envelope that stand there side by side, each going on
 * from the one before; all of it is one record, and told as one. */
static void
keep(struct peer_core *self, struct msg_rec_inbox_batch *run)
{
    if (run->count == 0)
        return;
    const struct msg_record_key key = msg_record_key1(run->arrival);
    msg_effects_put(self->out, PEER_TABLE_INBOX, msg_record_key_span(&key), MSG_REC_INBOX_BATCH, run);
    const struct msg_tell_messages tell = {run->arrival - run->count + 1, run->name, msg_text(self->self.name.shown), run->room, run->batch};
    peer_held_put(self->held, peer_step_store(self), MSG_TELL_MESSAGES, &tell);
    run->count = 0;
}

/* frame: the message as it came. */
static void
add_to_run(struct peer_core *self, const struct peer_device *device, struct msg_rec_inbox_batch *run, uint64_t incarnation, const struct msg_said *said, struct msg_span frame)
{
    if (run->count == MSG_BATCH_COUNT || (run->count > 0 && run->batch.at + run->batch.len != frame.at))
        keep(self, run);
    if (run->count == 0)
        *run = (struct msg_rec_inbox_batch){
            .account = device->cert.account,
            .device = device->cert.device,
            .incarnation = incarnation,
            .first = said->at.number,
            .name = msg_text(peer_roster_contact_of(&self->roster, device)->name),
            .room = msg_text(""),
            .batch = {frame.at, 0},
        };
    run->arrival = self->next_arrival++;
    run->count++;
    run->batch.len += frame.len;
    peer_hear_arrived(self, &(struct peer_arrival){run->arrival, run->account, run->device, {incarnation, said->at.number}, said->id});
}

/* It stands where `stand` says, which goes on to the next one.  False: stop with
 * this batch, the rest comes again. */
static bool
hear(struct peer_core *self, struct peer_device *device, struct peer_stand *stand, const struct msg_say *say, struct msg_span frame, struct msg_rec_inbox_batch *run, bool *kept)
{
    const struct msg_chain *const chain = &stand->chain;
    const struct msg_said said = msg_chain_take(&stand->at, say);
    const enum verdict verdict = chain->incarnation != 0 ? judge(&device->in, chain, &said.at) : MISSING;
    if (verdict == SEEN) {
        device->receipt_due = true;
        peer_talk_dirty(self, device);
        return true;
    }
    if (verdict == MISSING && device->refused)
        return false; /* after what was refused: asked for with it */
    if (verdict == MISSING) {
        device->receipt_due = device->gap_due = device->gap = true;
        peer_talk_dirty(self, device);
        return false;
    }
    if (!peer_held_fits(self->held, run->batch.len + frame.len + (verdict == ACCEPT_AFTER_GAP ? NOTICE_BYTES : 0))) {
        device->refused = self->roster.refused = true; /* the disk must catch up */
        return false;
    }
    device->refused = false;
    if (verdict == ACCEPT_AFTER_GAP) {
        keep(self, run); /* stands before the notice */
        peer_step_log(self, MSG_LOG_WARN, "CHAIN-BROKEN", "messages before this one are missing and cannot come any more");
        self->counts.gaps_shown++;
        device->gap = false;
        peer_step_notice_kept(self, msg_text(peer_roster_contact_of(&self->roster, device)->name), CONCLAVE_OK, msg_text("Some messages before the next one are missing: this device, or the sender's, lost part of its state."));
    }
    if (device->gap) {
        self->counts.gaps_repaired++;
        device->gap = false;
    }
    move_on(&device->in, chain, &said.at, &stand->at.prev);
    if (!device->in.anew || !came_already(self, device, &said.id))
        add_to_run(self, device, run, chain->incarnation, &said, frame);
    *kept = true;
    device->unreceipted++;
    return true;
}

/* This step's transaction brings the chain up to its mark. */
static void
await_sync(struct peer_core *self, struct peer_device *device)
{
    const struct peer_sync sync = {peer_step_store(self), device->in.mark, device->in.salt};
    peer_roster_put_chain_in(device, self->out);
    self->roster.syncing[peer_roster_device_index(&self->roster, device)] = 1;
    if (device->sync_count == PEER_SYNCS)
        device->sync_count--; /* the last two become one: both are synced when the later one is */
    device->syncs[device->sync_count++] = sync;
}

void
peer_hear_take(struct peer_core *self, struct peer_device *device, struct msg_span batch, struct peer_stand *stand)
{
    struct msg_rec_inbox_batch run = {.count = 0};
    bool kept = false, going = true;
    while (going && batch.len > 0) {
        union msg_any any;
        enum msg_kind kind;
        const uint8_t *const at = batch.at;
        if (msg_codec_next_frame(&batch, &kind, &any) != CONCLAVE_OK) {
            peer_counts_refused(self, PEER_REFUSED_SEALS, "BATCH-GARBAGE", "the inside of an envelope was not understood; the rest of it was passed over");
            going = false;
            break;
        }
        if (kind != MSG_SAY)
            keep(self, &run);
        if (kind == MSG_CHAIN) {
            stand->chain = any.MSG_ANY_CHAIN;
            stand->at = msg_chain_begins(&stand->chain);
        } else if (kind == MSG_SAY)
            going = hear(self, device, stand, &any.MSG_ANY_SAY, msg_span(at, (size_t)(batch.at - at)), &run, &kept);
        else if (kind == MSG_RECEIPT)
            peer_talk_acked(self, device, &any.MSG_ANY_RECEIPT);
        else if (kind == MSG_ROOM_KEY || kind == MSG_ROOM_ASK)
            peer_rooms_sealed(self, &device->cert, kind, &any);
        else
            going = false;
    }
    keep(self, &run);
    if (!going)
        stand->chain.incarnation = 0; /* what comes next would go on from what was passed over */
    if (kept)
        await_sync(self, device);
}

static void
receipt_soon(struct peer_core *self, struct peer_device *device)
{
    device->receipt_due = true;
    if (device->unreceipted >= RECEIPT_COUNT)
        peer_talk_dirty(self, device);
    else if (device->receipt_at_ms == 0) {
        device->receipt_at_ms = self->now.mono_ms + RECEIPT_MS;
        peer_step_at(self, device->receipt_at_ms);
    }
}

void
peer_hear_synced(struct peer_core *self, uint64_t store)
{
    uint32_t at = 0;
    for (struct peer_device *device; (device = peer_roster_each_marked(&self->roster, self->roster.syncing, &at)) != NULL;) {
        uint32_t done = 0;
        for (; done < device->sync_count && device->syncs[done].store <= store; done++) {
            device->in.synced = device->syncs[done].mark;
            device->in.synced_salt = device->syncs[done].salt;
        }
        if (done == 0)
            continue;
        device->sync_count -= done;
        memmove(device->syncs, device->syncs + done, device->sync_count * sizeof device->syncs[0]);
        if (device->sync_count == 0)
            self->roster.syncing[at - 1] = 0;
        receipt_soon(self, device);
    }
}

/* Who waits for an answer to what was refused would find out late.  They are
 * told when all that was taken is synced, and so from where on to say it again. */
void
peer_hear_go_on(struct peer_core *self)
{
    uint32_t at = 0;
    if (!self->roster.refused || !peer_core_hears(self))
        return;
    self->roster.refused = false;
    for (struct peer_device *device; (device = peer_roster_each_device(&self->roster, &at)) != NULL;) {
        if (device->refused && device->sync_count > 0)
            self->roster.refused = true;
        if (!device->refused || device->sync_count > 0)
            continue;
        device->refused = false;
        device->receipt_due = device->gap_due = true;
        peer_talk_dirty(self, device);
    }
}

void
peer_hear_read(struct peer_core *self, uint64_t arrival)
{
    const struct peer_arrival *was = &self->arrivals[arrival % PEER_ARRIVALS];
    if (was->arrival != arrival)
        return; /* long ago: later ones of the same sender cover it */
    struct peer_device *device = peer_roster_device(&self->roster, was->account, was->device);
    if (device == NULL || device->in.mark.incarnation != was->mark.incarnation || was->mark.number <= device->in.read)
        return;
    device->in.read = was->mark.number;
    device->read_due = true;
    receipt_soon(self, device);
    if (peer_links_best(self, device) == NULL)
        peer_links_want(self, peer_roster_contact_of(&self->roster, device));
}

/* What was read, and whether they were told, outlives the process: somebody
 * may read without anybody to tell it to. */
void
peer_hear_keep_read(struct peer_core *self, const struct peer_device *device)
{
    peer_roster_put_chain_in(device, self->out);
    (void)peer_step_store(self); /* only marks that this step writes */
}

bool
peer_hear_owes(const struct peer_device *device)
{
    return device->receipt_due && (device->in.known || device->gap_due);
}

struct msg_receipt
peer_hear_receipt_now(const struct peer_device *device)
{
    const struct peer_chain_in *in = &device->in;
    const bool same = in->synced.incarnation == in->mark.incarnation;
    return (struct msg_receipt){
        .incarnation = in->synced.incarnation,
        .salt = in->synced_salt,
        .delivered = in->synced.number,
        .read = same ? in->read : 0,
        .gap = device->gap_due,
    };
}

void
peer_hear_told(struct peer_core *self, struct peer_device *device, const struct msg_receipt *receipt)
{
    const struct msg_receipt now = peer_hear_receipt_now(device);
    device->told_ms = self->now.mono_ms;
    if (now.incarnation != receipt->incarnation || now.delivered != receipt->delivered || now.read != receipt->read || now.gap != receipt->gap)
        return; /* there is more to tell by now */
    device->receipt_due = device->gap_due = false;
    if (device->read_due && device->in.synced.incarnation == device->in.mark.incarnation) {
        device->read_due = false;
        device->in.told = device->in.read;
        peer_hear_keep_read(self, device);
    }
    device->receipt_at_ms = device->unlinked_ms = 0;
    device->unreceipted = 0;
}

/* Appends a RECEIPT when one is due. */
void
peer_hear_receipt(struct peer_core *self, struct peer_device *device, struct msg_buf *batch)
{
    if (!peer_hear_owes(device))
        return;
    const struct msg_receipt receipt = peer_hear_receipt_now(device);
    if (msg_codec_encode(batch, MSG_RECEIPT, &receipt) != CONCLAVE_OK)
        return; /* it goes with the next batch */
    peer_hear_told(self, device, &receipt);
    peer_mailbox_answered(self, device, &receipt, UINT64_MAX);
}

/* What has come, in small rooms: said once it is synced, at most once a second,
 * and heard of others, whose word ticks our messages as delivered. */
#include "peer/core/parts.h"

#define RECEIPT_MS 1000u
#define SOON_MS 20u         /* one receipt for what comes together */

/* ---- what is on our disk ---- */

void
peer_room_took(struct peer_core *self, struct peer_room *room, struct peer_sender *sender)
{
    const uint64_t store = peer_step_store(self);
    const size_t at = sender->syncs[0].store == 0 || sender->syncs[0].store == store ? 0 : 1;
    sender->use = ++room->uses;
    peer_rooms_put_sender(&self->rooms, sender, self->out);
    sender->syncs[at].store = store;
    sender->syncs[at].mark = sender->mark;
    room->syncing = self->rooms_syncing = true;
}

static bool
sync_sender(struct peer_sender *sender, uint64_t store)
{
    while (sender->syncs[0].store != 0 && sender->syncs[0].store <= store) {
        sender->synced = sender->syncs[0].mark;
        sender->syncs[0] = sender->syncs[1];
        sender->syncs[1].store = 0;
    }
    return sender->syncs[0].store != 0;
}

static bool
owes(const struct peer_sender *sender)
{
    return !sender->lied && sender->synced.number != 0 && peer_mark_before(sender->told, sender->synced);
}

void
peer_room_synced(struct peer_core *self, uint64_t store)
{
    uint32_t at = 0;
    if (!self->rooms_syncing)
        return;
    self->rooms_syncing = false;
    for (struct peer_room *room; (room = peer_rooms_each(&self->rooms, &at)) != NULL;) {
        if (!room->syncing)
            continue;
        bool due = false;
        room->syncing = room->key_store > store;
        if (room->post_next != PEER_NONE)
            peer_room_post_soon(self, room);
        for (struct peer_sender *sender = peer_rooms_first_sender(&self->rooms, room); sender != NULL; sender = peer_rooms_next_sender(&self->rooms, sender)) {
            room->syncing = sync_sender(sender, store) || room->syncing;
            due = due || owes(sender);
        }
        self->rooms_syncing = self->rooms_syncing || room->syncing;
        if (!due || room->facts.members > MSG_ROOM_SMALL || room->receipt_at_ms != 0)
            continue;
        const uint64_t soon_ms = self->now.mono_ms + SOON_MS, next_ms = room->receipt_ms + RECEIPT_MS;
        room->receipt_at_ms = room->receipt_ms != 0 && next_ms > soon_ms ? next_ms : soon_ms;
        peer_step_at(self, room->receipt_at_ms);
    }
}

/* ---- telling the others ---- */

static void
send_receipt(struct peer_core *self, struct peer_room *room)
{
    uint8_t at[MSG_MARK_COUNT * 64u];
    struct msg_buf list = {at, 0, sizeof at}, buf = {self->frame, 0, MSG_FRAME_MAX};
    struct msg_room_receipt receipt = {.room = room->facts.id, .account = self->self.account, .device = self->self.device};
    peer_room_publishers_prove(self, room);
    for (struct peer_sender *sender = peer_rooms_first_sender(&self->rooms, room); sender != NULL && receipt.marks.count < MSG_MARK_COUNT;
         sender = peer_rooms_next_sender(&self->rooms, sender)) {
        const struct msg_mark mark = {.account = sender->account, .device = sender->device, .incarnation = sender->synced.incarnation, .number = sender->synced.number};
        if ((!owes(sender) && !room->receipt_all) || sender->synced.number == 0 || sender->lied || msg_codec_append(&list, &receipt.marks, MSG_MARK, &mark) != CONCLAVE_OK)
            continue;
        sender->told = sender->synced;
    }
    room->receipt_at_ms = 0;
    room->receipt_all = false;
    room->receipt_ms = self->now.mono_ms;
    if (receipt.marks.count == 0)
        return;
    msg_room_sign_receipt(&receipt, &self->identity.sign_sec);
    if (msg_codec_encode(&buf, MSG_ROOM_RECEIPT, &receipt) != CONCLAVE_OK)
        return; /* cannot happen: its marks are bounded */
    const struct msg_room_post post = {room->facts.id, msg_span_of_buf(&buf)};
    if (peer_session_online(self))
        peer_session_send(self, MSG_ROOM_POST, &post);
    peer_room_mesh_publish(self, room, post.frame);
}

void
peer_room_tick_tick(struct peer_core *self, struct peer_room *room)
{
    if (room->receipt_at_ms == 0 || !peer_rooms_in(room) || (!peer_session_online(self) && !peer_room_mesh_talks(self, room)))
        return;
    if (self->now.mono_ms < room->receipt_at_ms)
        peer_step_at(self, room->receipt_at_ms);
    else
        send_receipt(self, room);
}

/* ---- hearing of them ---- */

/* The last of our messages up to there whose identity is known. */
static const struct msg_id *
message_at(struct peer_core *self, const struct peer_room *room, struct peer_mark upto)
{
    const struct msg_id *found = NULL;
    struct peer_mark best = {0, 0};
    for (size_t i = 0; i < PEER_STORED; i++) {
        const struct peer_stored *was = &self->room_stored[i];
        if (memcmp(&was->room, &room->facts.id, sizeof was->room) != 0 || peer_mark_before(upto, was->mark) || !peer_mark_before(best, was->mark))
            continue;
        best = was->mark;
        found = &was->id;
    }
    for (uint32_t at = room->queue.first; at != PEER_NONE; at = peer_outbox_at(self->outbox, at)->next) {
        const struct peer_out *out = peer_outbox_at(self->outbox, at);
        if (peer_mark_before(upto, out->mark))
            break;
        found = &out->id;
    }
    return found;
}

/* That it has come to this member; false: no room now. */
static bool
tell_delivered(struct peer_core *self, struct peer_room *room, struct peer_mate *mate)
{
    if (!peer_held_fits(self->held, 0)) {
        room->ticks_due = self->ticks_due = true;
        return false;
    }
    const struct msg_id *id = message_at(self, room, mate->delivered);
    mate->delivered_told = mate->delivered;
    if (id == NULL)
        return true; /* said in an earlier life */
    peer_held_tick_of(self->held, self->next_store + (self->writes ? 1 : 0), id, msg_text(mate->name), msg_text(room->name), MSG_TICK_DELIVERED,
                      room->facts.members - 1);
    return true;
}

void
peer_room_ticks_go_on(struct peer_core *self)
{
    uint32_t at = 0;
    for (struct peer_room *room; (room = peer_rooms_each(&self->rooms, &at)) != NULL;) {
        if (!room->ticks_due)
            continue;
        room->ticks_due = false;
        peer_room_settle_out(self, room);
        for (struct peer_mate *mate = peer_rooms_first_mate(&self->rooms, room); mate != NULL; mate = peer_rooms_next_mate(&self->rooms, mate))
            if (peer_mark_before(mate->delivered_told, mate->delivered) && !tell_delivered(self, room, mate))
                break;
    }
    peer_held_release(self->held, self->synced_store, self->out);
}

void
peer_room_receipt(struct peer_core *self, struct peer_room *room, const struct msg_room_receipt *receipt)
{
    struct peer_mate *mate = peer_rooms_mate(&self->rooms, room, receipt->account);
    const struct msg_cert *cert = peer_room_cert(self, receipt->account, receipt->device);
    struct msg_list marks = receipt->marks;
    struct msg_mark mark;
    struct peer_mark ours = {0, 0};
    peer_room_heads(self, room, receipt);
    while (msg_codec_next(&marks, MSG_MARK, &mark))
        if (mark.account == self->self.account && mark.device == self->self.device)
            ours = (struct peer_mark){mark.incarnation, mark.number};
    if (mate == NULL || mate->part.role == MSG_ROLE_NONE || receipt->account == self->self.account || cert == NULL || ours.number == 0
        || peer_mark_before(room->said, ours) || !peer_mark_before(mate->delivered, ours)
        || msg_room_check_receipt(receipt, &cert->sign) != CONCLAVE_OK)
        return;
    mate->delivered = ours;
    (void)tell_delivered(self, room, mate); /* later, if there is no room now */
    peer_held_release(self->held, self->synced_store, self->out);
}

/* Where a member's chain stands: what we lack of it is in the log.  What we
 * have of it is the same. */
void
peer_room_tip(struct peer_core *self, struct peer_room *room, const struct msg_room_tip *tip)
{
    struct peer_sender *sender = peer_rooms_sender(&self->rooms, room, tip->account, tip->device);
    const struct msg_cert *cert = peer_room_cert(self, tip->account, tip->device);
    const struct peer_mark mark = {tip->incarnation, tip->number};
    const bool ours = tip->account == self->self.account && tip->device == self->self.device;
    const bool more = sender == NULL || peer_mark_before(sender->mark, mark);
    const bool forked = peer_rooms_is_chained(sender) && !more && !peer_mark_before(mark, sender->mark) && sender->salt == tip->salt
                        && memcmp(&sender->head, &tip->head, sizeof tip->head) != 0;
    if (ours || cert == NULL || (sender != NULL && sender->waits != 0) || (!more && !forked) || msg_room_check_tip(tip, &cert->sign) != CONCLAVE_OK)
        return;
    if (forked) {
        peer_room_broken(self, room, sender);
        return;
    }
    peer_room_spoken(self, room, tip->account, tip->device, mark);
    peer_room_log_again(self, room, room->partial ? room->whole : room->cursor, 1000);
}

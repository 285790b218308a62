/* The core as it was: takes one record after the other, as the store gives
 * them, table by table.  A record that is not understood is passed over and
 * logged; nothing is deleted for it. */
#include "peer/core/parts.h"
#include "peer/tables/batch.h"

static void
restore_self(struct peer_core *self, const struct msg_rec_self *record)
{
    struct peer_self *me = &self->self;
    msg_text_copy(me->link_text, sizeof me->link_text, record->link);
    me->account = record->account;
    me->device = record->device;
    if (record->name.len == 0 || msg_name_parse(&me->name, record->name) != CONCLAVE_OK)
        memset(&me->name, 0, sizeof me->name);
    me->signer = record->signer;
    msg_text_copy(me->front_host, sizeof me->front_host, record->front_host);
    me->front_port = (uint16_t)record->front_port;
    me->front = record->front;
    me->certificate_len = record->certificate.len <= MSG_CERT_MAX ? record->certificate.len : 0;
    if (me->certificate_len > 0)
        memcpy(me->certificate, record->certificate.at, me->certificate_len);
    me->logged_out = record->logged_out;
    me->incarnation = record->incarnation;
    me->salt = record->salt;
    me->clock_ms = (int64_t)record->now_offset_ms - (INT64_C(1) << 62);
}

static void
restore_mail_key(struct peer_core *self, const struct msg_rec_mail_key *record)
{
    if (self->mail_count == PEER_MAIL_KEYS)
        self->mail_count--; /* they come oldest first: the oldest falls out at the end of the list */
    memmove(&self->mail[1], &self->mail[0], self->mail_count * sizeof self->mail[0]);
    self->mail[0] = (struct peer_mail_key){record->pub, record->sec, record->created_ms, record->retired_ms};
    self->mail_count++;
}

static void
restore_contact_device(struct peer_core *self, const struct msg_rec_contact_device *record)
{
    struct peer_contact *contact = peer_roster_contact(&self->roster, record->account);
    struct msg_cert cert;
    if (contact == NULL || record->certificate.len > MSG_CERT_MAX
        || msg_cert_open(&cert, record->certificate, &self->self.signer) != CONCLAVE_OK)
        return;
    struct peer_device *device = peer_roster_add_device(&self->roster, contact, record->device);
    if (device == NULL)
        return;
    device->cert = cert;
    memcpy(device->certificate, record->certificate.at, record->certificate.len);
    device->certificate_len = record->certificate.len;
    struct msg_list endpoints = record->endpoints;
    struct msg_address address;
    while (device->endpoint_count < MSG_ENDPOINT_COUNT && msg_codec_next(&endpoints, MSG_ADDRESS, &address))
        msg_text_copy(device->endpoints[device->endpoint_count++], sizeof device->endpoints[0], address.endpoint);
    device->acked = (struct peer_mark){record->incarnation, record->delivered};
    device->read = (struct peer_mark){record->incarnation, record->read};
    device->read_told = device->read;
    device->mailed = (struct peer_mark){record->mailed_incarnation, record->mailed_number};
    device->returned = (struct peer_mark){record->returned_incarnation, record->returned_number};
    if (peer_mark_before(contact->kept, device->mailed))
        contact->kept = device->mailed;
    if (peer_mark_before(contact->delivered, device->acked))
        contact->delivered = device->acked;
    if (peer_mark_before(contact->read, device->read))
        contact->read = device->read;
}

static void
restore_out(struct peer_core *self, const struct msg_rec_out *record)
{
    struct peer_contact *contact = peer_roster_contact(&self->roster, record->account);
    if (contact == NULL)
        return;
    const struct peer_out out = {
        .queued = true,
        .mark = {record->incarnation, record->number},
        .salt = record->salt,
        .from = {record->from_incarnation, record->from_number},
        .id = record->id,
        .prev = record->prev,
        .ts_ms = record->ts_ms,
        .said_ms = self->now.mono_ms,
        .read = !peer_mark_before(contact->read, (struct peer_mark){record->incarnation, record->number}),
        .delivered = !peer_mark_before(contact->delivered, (struct peer_mark){record->incarnation, record->number}),
    };
    if (peer_outbox_add(self->outbox, &contact->queue, &out, record->text) == PEER_NONE)
        peer_step_log(self, MSG_LOG_ERROR, "OUTBOX-FULL", "some waiting messages stay on disk until there is room; raise the outbox limits");
}

static void
restore_room_out(struct peer_core *self, const struct msg_rec_room_out *record)
{
    struct peer_room *room = peer_rooms_find(&self->rooms, &record->room);
    const struct peer_out out = {
        .queued = true,
        .mark = {record->incarnation, record->number},
        .salt = record->salt,
        .from = {record->from_incarnation, record->from_number},
        .id = record->id,
        .prev = record->prev,
        .ts_ms = record->ts_ms,
    };
    if (room == NULL)
        return;
    const uint32_t at = peer_outbox_add(self->outbox, &room->queue, &out, record->text);
    if (at == PEER_NONE)
        peer_step_log(self, MSG_LOG_ERROR, "OUTBOX-FULL", "some waiting messages stay on disk until there is room; raise the outbox limits");
    else if (room->post_next == PEER_NONE)
        room->post_next = at;
}

static void
restore_chain_out(struct peer_core *self, const struct msg_rec_chain_out *record)
{
    struct peer_contact *contact = peer_roster_contact(&self->roster, record->account);
    if (contact == NULL)
        return;
    contact->said = (struct peer_mark){record->incarnation, record->number};
    contact->head = record->head;
    contact->from = (struct peer_mark){record->from_incarnation, record->from_number};
    contact->stored = (struct peer_mark){record->stored_incarnation, record->stored_number};
}

static void
restore_chain_in(struct peer_core *self, const struct msg_rec_chain_in *record)
{
    struct peer_device *device = peer_roster_device(&self->roster, record->account, record->device);
    if (device == NULL)
        return;
    device->in = (struct peer_chain_in){
        .known = true,
        .mark = {record->incarnation, record->number},
        .salt = record->salt,
        .head = record->head,
        .synced = {record->incarnation, record->number},
        .synced_salt = record->salt,
        .read = record->read,
        .told = record->told,
        .start = record->start,
    };
    device->read_due = device->receipt_due = record->read > record->told;
}

/* A place in what is shown to the user. */
static void
restore_arrival(struct peer_core *self, const struct msg_event *event)
{
    const uint64_t arrival = msg_record_key_u64(event->record_key, 0);
    if (arrival >= self->next_arrival)
        self->next_arrival = arrival + 1;
}

static void
restore_inbox(struct peer_core *self, const struct msg_rec_inbox *record)
{
    peer_hear_arrived(self, &(struct peer_arrival){.arrival = record->arrival, .account = record->account, .device = record->device, .id = record->id});
    const struct msg_tell_message tell = {
        .arrival = record->arrival,
        .id = record->id,
        .from = record->name,
        .to = msg_text(""),
        .room = record->room,
        .ts_ms = record->ts_ms,
        .text = record->text,
    };
    msg_effects_tell(self->out, MSG_TELL_MESSAGE, &tell);
}

/* Some of them may have been shown: they come before what is expected next. */
static void
restore_inbox_batch(struct peer_core *self, uint64_t expected, const struct msg_rec_inbox_batch *record)
{
    const bool direct = record->room.len == 0;
    struct msg_tell_messages rest = {record->arrival - record->count + 1, record->name, msg_text(direct ? self->self.name.shown : ""), record->room, record->batch};
    struct msg_tell_message tell;
    for (uint64_t number = record->first; peer_batch_next(&rest, &tell); number++) {
        const struct peer_mark none = {0, 0}, mark = {record->incarnation, number};
        peer_hear_arrived(self, &(struct peer_arrival){tell.arrival, record->account, record->device, direct ? mark : none, tell.id});
        if (tell.arrival >= expected)
            msg_effects_tell(self->out, MSG_TELL_MESSAGE, &tell);
    }
}

static void
restore_card(struct peer_core *self, const struct msg_rec_card *record)
{
    struct msg_cert cert;
    if (msg_cert_open(&cert, record->certificate, &self->self.signer) == CONCLAVE_OK)
        peer_cards_restore(&self->cards, &cert, record->certificate);
}

/* False: it is none of a room, or not taken. */
static bool
restore_room(struct peer_core *self, enum msg_kind kind, const union msg_any *any)
{
    if (kind == MSG_REC_MY_ROOM)
        return peer_rooms_restore(&self->rooms, &any->MSG_ANY_REC_MY_ROOM);
    if (kind == MSG_REC_ROOM_MATE)
        return peer_rooms_restore_mate(&self->rooms, &any->MSG_ANY_REC_ROOM_MATE, self->self.account);
    if (kind == MSG_ROOM_PEERS) {
        peer_room_publisher_restore(self, &any->MSG_ANY_ROOM_PEERS);
        return true;
    }
    if (kind == MSG_ROOM_FRAME) {
        peer_kept_restore(&self->kept, &any->MSG_ANY_ROOM_FRAME);
        return true;
    }
    if (kind == MSG_REC_ROOM_OUT)
        restore_room_out(self, &any->MSG_ANY_REC_ROOM_OUT);
    if (kind == MSG_REC_ROOM_KEY)
        peer_keyring_restore(&self->keyring, &any->MSG_ANY_REC_ROOM_KEY);
    return kind != MSG_REC_ROOM_IN || peer_rooms_restore_sender(&self->rooms, &any->MSG_ANY_REC_ROOM_IN);
}

void
peer_restore_record(struct peer_core *self, const struct msg_event *event)
{
    union msg_any any;
    enum msg_kind kind;
    const uint64_t expected = self->next_arrival;
    if (event->table == PEER_TABLE_INBOX)
        restore_arrival(self, event);
    if (event->table == PEER_TABLE_INBOX && event->bytes.len == 0)
        return; /* up to there it was shown */
    if (msg_codec_decode(event->bytes, &kind, &any) != CONCLAVE_OK) {
        peer_step_log(self, MSG_LOG_ERROR, "RECORD-DAMAGED", "a record of this home does not decode and was passed over");
        return;
    }
    if (kind == MSG_REC_SELF)
        restore_self(self, &any.MSG_ANY_REC_SELF);
    else if (kind == MSG_REVOKED)
        peer_trust_revoked(self, any.MSG_ANY_REVOKED.list);
    else if (kind == MSG_REC_MAIL_KEY)
        restore_mail_key(self, &any.MSG_ANY_REC_MAIL_KEY);
    else if (kind == MSG_REC_CONTACT) {
        struct peer_contact *contact = peer_roster_add(&self->roster, any.MSG_ANY_REC_CONTACT.account, any.MSG_ANY_REC_CONTACT.name);
        if (contact != NULL)
            contact->blocked = any.MSG_ANY_REC_CONTACT.blocked;
    } else if (kind == MSG_REC_CONTACT_DEVICE)
        restore_contact_device(self, &any.MSG_ANY_REC_CONTACT_DEVICE);
    else if (kind == MSG_REC_OUT)
        restore_out(self, &any.MSG_ANY_REC_OUT);
    else if (kind == MSG_REC_CHAIN_OUT)
        restore_chain_out(self, &any.MSG_ANY_REC_CHAIN_OUT);
    else if (kind == MSG_REC_CHAIN_IN)
        restore_chain_in(self, &any.MSG_ANY_REC_CHAIN_IN);
    else if (kind == MSG_REC_INBOX)
        restore_inbox(self, &any.MSG_ANY_REC_INBOX);
    else if (kind == MSG_REC_INBOX_BATCH)
        restore_inbox_batch(self, expected, &any.MSG_ANY_REC_INBOX_BATCH);
    else if (kind == MSG_TELL_ROOM || kind == MSG_TELL_GAP || kind == MSG_TELL_NOTICE)
        msg_effects_tell(self->out, kind, &any); /* it was not shown yet */
    else if (kind == MSG_REC_CARD)
        restore_card(self, &any.MSG_ANY_REC_CARD);
    else if (!restore_room(self, kind, &any))
        peer_step_log(self, MSG_LOG_ERROR, "ROOMS-FULL", "a record of a room was passed over; raise the limits of rooms");
}

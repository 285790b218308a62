/* Mail: sealed parcels for devices that are away.  A deposit is one
 * transaction, and many are under way at once; a mailbox is pushed from its
 * beginning at log-in and as mail arrives, within a window, and what its
 * device has on disk is deleted.  How mail ends otherwise: broker/core/clearing. */
#include <assert.h>

#include "broker/core/front_state.h"
#include "msg/codec.h"

#define WINDOW_BYTES (256u * 1024u)     /* pushed and not collected */
#define DEPOSITS_PER_SESSION 256u       /* that wait for the disk */
#define WAITING_BYTES (64u << 20)       /* of all deposits that do */

static_assert(MSG_LIST_PAGE * 32u < MSG_FRAME_MAX, "a refusal of each parcel fits into DEPOSITED");

uint64_t
broker_mailing_serial(struct broker_front_core *self)
{
    return self->mail.next_serial++;
}

void
broker_mailing_store(struct broker_front_core *self, const struct broker_mailwrite *write)
{
    /* The serials of this run are used up once one of them is on disk. */
    if (!self->mail.numbered)
        broker_progress_put_counters(self);
    msg_effects_store(self->out, write->id);
}

bool
broker_mailing_read_run(struct msg_span frames, struct msg_run_frame *run)
{
    union msg_any any;
    enum msg_kind kind;

    if (msg_codec_next_frame(&frames, &kind, &any) != CONCLAVE_OK || kind != MSG_RUN)
        return false;
    *run = any.MSG_ANY_RUN;
    return msg_codec_next_frame(&frames, &kind, &any) == CONCLAVE_OK && kind == MSG_SEALED && frames.len == 0
           && memcmp(any.MSG_ANY_SEALED.run.at, run->run.at, sizeof run->run.at) == 0;
}

bool
broker_mailing_alive(const struct broker_front_core *self, uint64_t account, uint64_t device)
{
    struct msg_rec_device record;

    return broker_accounts_device(&self->view, account, device, &record) && record.revoked_ms == 0;
}

/* ---- DEPOSIT ---- */

/* Why a parcel is not taken; when it is, it is counted in. */
static enum conclave_err
take_in(struct broker_front_core *self, const struct broker_session *from, const struct msg_parcel *parcel,
        uint64_t bytes)
{
    struct msg_run_frame run;

    if (!broker_mailing_read_run(parcel->frames, &run) || run.from_account != from->account
        || run.from_device != from->device || run.to_account != parcel->account || run.to_device != parcel->device)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    if (!broker_mailing_alive(self, parcel->account, parcel->device))
        return CONCLAVE_ERR_NO_SUCH_USER;
    return broker_mailboxes_add(&self->mail.boxes, &self->settings.mail, parcel->account, parcel->device,
                                from->account, parcel->rooms, bytes);
}

static bool
is_alike(const struct broker_mailwrite_item *a, const struct broker_mailwrite_item *b)
{
    return a->account == b->account && a->device == b->device && a->rooms == b->rooms;
}

/* Whether an earlier parcel is for the same device and of the same kind; that
 * one in *earlier. */
static bool
came_before(const struct broker_mailwrites *writes, const struct broker_mailwrite *write, uint32_t index,
            struct broker_mailwrite_item **earlier)
{
    const struct broker_mailwrite_item *item = broker_mailwrites_item(writes, write, index);

    for (uint32_t i = 0; i < index; i++) {
        *earlier = broker_mailwrites_item(writes, write, i);
        if (is_alike(*earlier, item))
            return true;
    }
    return false;
}

/* Decides about each parcel.  A refusal names a device and a kind, so it is for
 * all such parcels of this deposit. */
static uint32_t
decide(struct broker_front_core *self, const struct broker_session *from, struct broker_mailwrite *write,
       struct msg_list parcels, size_t certificate)
{
    const struct broker_mailwrites *writes = &self->mail.writes;
    struct broker_mailwrite_item *earlier;
    struct msg_parcel parcel;
    uint32_t taken = 0;

    for (uint32_t i = 0; msg_codec_next(&parcels, MSG_PARCEL, &parcel); i++) {
        struct broker_mailwrite_item *item = broker_mailwrites_item(writes, write, i);
        *item = (struct broker_mailwrite_item){parcel.account, parcel.device,
                                               broker_letter_bytes(parcel.frames.len, certificate), parcel.rooms,
                                               CONCLAVE_OK};
        const bool again = came_before(writes, write, i, &earlier);
        if (again && earlier->err != CONCLAVE_OK)
            item->err = earlier->err;
        else
            item->err = take_in(self, from, &parcel, item->bytes);
        taken += item->err == CONCLAVE_OK;
        for (uint32_t before = 0; again && item->err != CONCLAVE_OK && before < i; before++) {
            earlier = broker_mailwrites_item(writes, write, before);
            if (!is_alike(earlier, item) || earlier->err != CONCLAVE_OK)
                continue;
            broker_mailboxes_take(&self->mail.boxes, item->account, item->device, from->account, item->rooms,
                                  earlier->bytes);
            earlier->err = item->err;
            taken--;
        }
    }
    return taken;
}

/* The mailboxes that a refusal emptied again are forgotten, the others wait
 * for the disk. */
static void
put_parcels(struct broker_front_core *self, const struct broker_session *from, const struct broker_mailwrite *write,
            struct msg_list parcels, struct msg_span certificate)
{
    struct msg_parcel parcel;

    for (uint32_t i = 0; msg_codec_next(&parcels, MSG_PARCEL, &parcel); i++) {
        struct broker_mailbox *box = broker_mailboxes_find(&self->mail.boxes, parcel.account, parcel.device);
        if (broker_mailwrites_item(&self->mail.writes, write, i)->err != CONCLAVE_OK) {
            broker_mailboxes_settle(&self->mail.boxes, box);
            self->counts.mail_refused++;
            continue;
        }
        const struct msg_record_key key =
            msg_record_key3(parcel.account, parcel.device, broker_mailing_serial(self));
        const struct msg_rec_mail record = {from->account, from->device, certificate, self->now.wall_ms,
                                            parcel.frames, parcel.rooms};
        msg_effects_put(self->out, BROKER_TABLE_MAIL, msg_record_key_span(&key), MSG_REC_MAIL, &record);
        box->writes++;
        broker_clearing_watch(self, box, self->now.wall_ms);
    }
}

static void
send_deposited(struct broker_front_core *self, uint64_t conn, const struct broker_mailwrite *write)
{
    struct msg_deposited deposited = {.req = write->req};
    struct broker_mailwrite_item *earlier;

    self->items.len = 0;
    for (uint32_t i = 0; i < write->item_count; i++) {
        const struct broker_mailwrite_item *item = broker_mailwrites_item(&self->mail.writes, write, i);
        if (item->err == CONCLAVE_OK || came_before(&self->mail.writes, write, i, &earlier))
            continue;
        const struct msg_refusal refusal = {item->account, item->device, msg_text(msg_error_code(item->err)),
                                            item->rooms};
        if (msg_codec_append(&self->items, &deposited.refused, MSG_REFUSAL, &refusal) != CONCLAVE_OK)
            assert(false); /* the bound above leaves room */
    }
    broker_front_core_send(self, conn, MSG_DEPOSITED, &deposited);
}

/* The same deposit over the same connection while it waits: it will be
 * answered once. */
static bool
waits_already(const struct broker_front_core *self, const struct broker_session *session, uint64_t req)
{
    const struct broker_mailwrite *write = broker_mailwrites_marked(&self->mail.writes, session->deposit_last);

    while (write != NULL && write->req != req)
        write = broker_mailwrites_marked(&self->mail.writes, write->session_before);
    return write != NULL;
}

/* Whether it is to be tried again later, as the asker was told then. */
static bool
too_much(struct broker_front_core *self, const struct broker_ask *ask, const struct msg_deposit *deposit)
{
    const struct broker_session *session = &self->sessions.list[ask->session];
    uint64_t retry_ms = 0;

    if (!broker_clearing_counted(self) || session->deposits >= DEPOSITS_PER_SESSION
        || self->mail.writes.bytes + deposit->parcels.len > WAITING_BYTES)
        retry_ms = BROKER_BUSY_MS;
    else
        retry_ms = broker_relaying_charge(self, ask->session, deposit->parcels.len);
    if (retry_ms > 0)
        broker_front_core_refuse(self, ask->link, deposit->req, CONCLAVE_ERR_BUSY, NULL, retry_ms);
    return retry_ms > 0;
}

void
broker_mailing_deposit(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    const struct msg_deposit *deposit = &any->MSG_ANY_DEPOSIT;
    struct broker_session *session = &self->sessions.list[ask->session];
    struct msg_rec_device device;
    uint8_t certificate[MSG_CERT_MAX];

    if (waits_already(self, session, deposit->req) || too_much(self, ask, deposit))
        return;
    if (!broker_accounts_device(&self->view, session->account, session->device, &device)
        || device.certificate.len == 0 || device.certificate.len > sizeof certificate) {
        broker_front_core_refuse(self, ask->link, deposit->req, CONCLAVE_ERR_INTERNAL, NULL, 0);
        return;
    }
    const size_t len = device.certificate.len;
    memcpy(certificate, device.certificate.at, len); /* the record goes with the next look into the view */
    struct broker_mailwrite *write =
        broker_mailwrites_add(&self->mail.writes, BROKER_MAILWRITE_DEPOSIT, broker_jobs_store_id(&self->jobs),
                              (uint32_t)deposit->parcels.count);
    if (write == NULL) {
        broker_front_core_refuse(self, ask->link, deposit->req, CONCLAVE_ERR_BUSY, NULL, BROKER_BUSY_MS);
        return;
    }
    write->conn = ask->link;
    write->generation = session->generation;
    write->req = deposit->req;
    write->sender = session->account;
    const uint32_t taken = decide(self, session, write, deposit->parcels, len);
    put_parcels(self, session, write, deposit->parcels, msg_span(certificate, len));
    if (taken == 0) {
        send_deposited(self, ask->link, write);
        broker_mailwrites_done(&self->mail.writes, write);
        return;
    }
    write->bytes = deposit->parcels.len;
    self->mail.writes.bytes += write->bytes;
    write->session_before = session->deposit_last;
    session->deposit_last = broker_mailwrites_mark(&self->mail.writes, write);
    session->deposits++;
    broker_mailing_store(self, write);
}

/* ---- MAIL, RETURNED ---- */

static void
send_letter(struct broker_front_core *self, uint64_t conn, uint64_t serial, const struct broker_letter *letter)
{
    if (letter->kind == MSG_REC_MAIL) {
        const struct msg_mail mail = {serial, letter->mail.account, letter->mail.device, letter->mail.certificate,
                                      letter->mail.posted_ms, letter->mail.frames};
        self->counts.mail_pushed++;
        broker_front_core_send(self, conn, MSG_MAIL, &mail);
    } else if (letter->kind == MSG_REC_RETURN) {
        const struct msg_returned returned = {serial, letter->returned.account, letter->returned.device,
                                              letter->returned.run, letter->returned.posted_ms};
        broker_front_core_send(self, conn, MSG_RETURNED, &returned);
    }
}

void
broker_mailing_push(struct broker_front_core *self, uint32_t slot)
{
    struct broker_session *session = &self->sessions.list[slot];
    const struct broker_mailbox *box =
        broker_mailboxes_find(&self->mail.boxes, session->account, session->device);
    struct broker_letter letter;

    if (!broker_clearing_counted(self) || (box == NULL && !self->mail.boxes.overflowed))
        return;
    if (box != NULL && session->mail_sent < box->gone)
        session->mail_sent = box->gone;
    uint64_t serial = session->mail_sent;
    while (session->mail_out < WINDOW_BYTES
           && broker_letter_next(&self->view, session->account, session->device, &serial, &letter)) {
        if (session->mail_out > 0 && letter.bytes > WINDOW_BYTES - session->mail_out)
            return;
        send_letter(self, session->conn, serial, &letter);
        session->mail_out += letter.bytes;
        session->mail_sent = serial;
    }
}

void
broker_mailing_begin(struct broker_front_core *self, uint32_t slot)
{
    struct broker_session *session = &self->sessions.list[slot];

    session->mail_sent = session->mail_out = 0;
    session->deposits = 0;
    session->deposit_last = 0;
    broker_mailing_push(self, slot);
}

/* ---- COLLECTED ---- */

uint64_t
broker_mailing_delete(struct broker_front_core *self, struct broker_mailwrite *write, uint64_t last, uint32_t most)
{
    struct broker_mailbox *box = broker_mailboxes_find(&self->mail.boxes, write->account, write->device);
    struct broker_letter letter;
    uint64_t serial = write->after, bytes = 0, left_ms = self->now.wall_ms;

    while (most-- > 0 && broker_letter_next(&self->view, write->account, write->device, &serial, &letter)) {
        if (serial > last) {
            left_ms = broker_letter_posted_ms(&letter);
            break;
        }
        const struct msg_record_key key = msg_record_key3(write->account, write->device, serial);
        msg_effects_delete(self->out, BROKER_TABLE_MAIL, msg_record_key_span(&key));
        broker_mailboxes_take(&self->mail.boxes, write->account, write->device, letter.sender, letter.rooms,
                              letter.bytes);
        bytes += letter.bytes;
        write->last = serial;
    }
    if (box != NULL) {
        box->gone = write->last > box->gone ? write->last : box->gone;
        box->first_ms = left_ms; /* now, where what is left is on its way to the disk */
        box->writes++;
    }
    return bytes;
}

void
broker_mailing_collected(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    struct broker_session *session = &self->sessions.list[ask->session];
    const struct broker_mailbox *box =
        broker_mailboxes_find(&self->mail.boxes, session->account, session->device);
    /* No more than was pushed: what it did not get, it cannot have. */
    const uint64_t serial = any->MSG_ANY_COLLECTED.serial < session->mail_sent ? any->MSG_ANY_COLLECTED.serial
                                                                               : session->mail_sent;

    if (serial == session->mail_sent)
        session->mail_out = 0;
    if (serial == 0 || (box == NULL ? !self->mail.boxes.overflowed : serial <= box->gone)) {
        broker_mailing_push(self, ask->session);
        return;
    }
    struct broker_mailwrite *write = broker_mailwrites_add(&self->mail.writes, BROKER_MAILWRITE_COLLECT,
                                                           broker_jobs_store_id(&self->jobs), 0);
    if (write == NULL) {
        /* It gets all of it anew, and knows it. */
        msg_effects_drop(self->out, ask->link);
        broker_login_end(self, ask->session, false);
        return;
    }
    write->account = session->account;
    write->device = session->device;
    write->after = write->last = box != NULL ? box->gone : 0;
    const uint64_t bytes = broker_mailing_delete(self, write, serial, UINT32_MAX);
    session->mail_out -= session->mail_out < bytes ? session->mail_out : bytes;
    broker_mailing_store(self, write);
    broker_mailing_push(self, ask->session);
}

void
broker_mailing_full(struct broker_front_core *self, uint64_t link)
{
    const uint32_t slot = broker_sessions_by_conn(&self->sessions, link);

    /* Mail was lost on the way, and what is collected after it would take it
     * along: it is pushed anew over another connection. */
    if (slot == BROKER_NONE || self->sessions.list[slot].mail_out == 0)
        return;
    msg_effects_drop(self->out, link);
    broker_login_end(self, slot, false);
}

/* ---- STORED ---- */

/* Letters that were put: told to who is there, or counted out again. */
static void
settle_items(struct broker_front_core *self, const struct broker_mailwrite *write, bool stored)
{
    for (uint32_t i = 0; i < write->item_count; i++) {
        const struct broker_mailwrite_item *item = broker_mailwrites_item(&self->mail.writes, write, i);
        if (item->err != CONCLAVE_OK)
            continue;
        struct broker_mailbox *box = broker_mailboxes_find(&self->mail.boxes, item->account, item->device);
        assert(box != NULL); /* it waits for this */
        box->writes--;
        if (!stored)
            broker_mailboxes_take(&self->mail.boxes, item->account, item->device, write->sender, item->rooms,
                                  item->bytes);
        broker_mailboxes_settle(&self->mail.boxes, box);
        if (!stored)
            continue;
        const uint32_t slot = broker_people_session(&self->people, item->account, item->device);
        if (slot != BROKER_NONE)
            broker_mailing_push(self, slot);
        else if (write->id < self->mail.closed_id && !broker_mailing_alive(self, item->account, item->device))
            broker_clearing_empty(self, item->account, item->device); /* it was revoked meanwhile */
    }
}

/* Letters that were deleted: done, or back where they were. */
static void
settle_range(struct broker_front_core *self, const struct broker_mailwrite *write, bool stored)
{
    struct broker_mailbox *box = broker_mailboxes_find(&self->mail.boxes, write->account, write->device);
    struct broker_letter letter;
    uint64_t serial = write->after;

    if (box == NULL)
        return; /* not counted */
    while (!stored && broker_letter_next(&self->view, write->account, write->device, &serial, &letter)
           && serial <= write->last) {
        if (broker_mailboxes_add(&self->mail.boxes, NULL, write->account, write->device, letter.sender,
                                 letter.rooms, letter.bytes) != CONCLAVE_OK)
            self->mail.boxes.overflowed = true;
        broker_mailboxes_posted(box, broker_letter_posted_ms(&letter));
    }
    if (!stored && box->gone > write->after)
        box->gone = write->after;
    if (!stored)
        broker_clearing_watch(self, box, self->now.wall_ms);
    box->writes--;
    broker_mailboxes_settle(&self->mail.boxes, box);
}

static void
answer_deposit(struct broker_front_core *self, const struct broker_mailwrite *write, enum conclave_err err)
{
    const uint32_t slot = broker_sessions_by_conn(&self->sessions, write->conn);
    struct broker_session *session = slot != BROKER_NONE ? &self->sessions.list[slot] : NULL;

    for (uint32_t i = 0; i < write->item_count; i++) {
        struct broker_mailwrite_item *item = broker_mailwrites_item(&self->mail.writes, write, i);
        if (item->err != CONCLAVE_OK)
            continue;
        item->err = err;
        if (err == CONCLAVE_OK)
            self->counts.mail_stored++;
        else
            self->counts.mail_refused++;
    }
    if (session == NULL || session->generation != write->generation)
        return; /* it asks again, over its next connection */
    session->deposits--;
    if (err == CONCLAVE_OK || err == CONCLAVE_ERR_STORE_FULL)
        send_deposited(self, write->conn, write);
    else
        broker_front_core_refuse(self, write->conn, write->req, err, NULL, 0);
}

void
broker_mailing_stored(struct broker_front_core *self, const struct msg_event *event)
{
    struct broker_mailwrite *write = broker_mailwrites_find(&self->mail.writes, event->id);
    const bool stored = event->err == CONCLAVE_OK;

    if (write == NULL)
        return; /* nobody waits for it */
    self->mail.numbered |= stored;
    settle_items(self, write, stored);
    if (write->kind == BROKER_MAILWRITE_DEPOSIT)
        answer_deposit(self, write, event->err);
    else
        settle_range(self, write, stored);
    const struct broker_mailwrite was = *write;
    broker_mailwrites_done(&self->mail.writes, write);
    broker_clearing_go_on_after(self, &was, stored);
}

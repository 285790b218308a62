/* What waits at the registry for a device of somebody: what it has not
 * acknowledged in time is sealed for it and deposited, one DEPOSIT at a time, so
 * that order is kept; so are receipts that no link takes, and the parcels of
 * rooms.  What came for this device is mailbox.c's. */
#include "peer/core/parts.h"

#include <assert.h>

#define LATE_MS 5000u           /* said, or due, so long ago: by mail */
#define GATHER_MS 200u          /* a receipt for somebody known to be away: for others to come along */
#define ANSWER_MS 4000u         /* no DEPOSITED: ask once more */
#define REST_FIRST_MS 30000u    /* after a refusal, or a gap that was filled by mail */
#define REST_LAST_MS 900000u
#define PARCEL_MORE 512u        /* of a parcel, around its batch: RUN, SEALED, PARCEL */
#define PARCEL_LEAST 2048u      /* less room is not worth a parcel */
#define LIST_BYTES (MSG_FRAME_MAX - 64u)

static_assert(MSG_BATCH_MAX + PARCEL_MORE <= LIST_BYTES, "the largest batch fits into a DEPOSIT");
static_assert(MSG_BATCH_MAX + PARCEL_MORE + MSG_CERT_MAX + 64u <= MSG_FRAME_MAX, "and into the MAIL that comes of it");

/* The first message that neither the device has nor the registry keeps for it. */
static uint32_t
first_unmailed(struct peer_core *self, const struct peer_device *device)
{
    const struct peer_contact *contact = peer_roster_contact_of(&self->roster, device);
    const struct peer_mark after = peer_mark_before(device->acked, device->mailed) ? device->mailed : device->acked;
    uint32_t at = peer_mark_before(after, contact->said) ? contact->queue.first : PEER_NONE;
    while (at != PEER_NONE && !peer_mark_before(after, peer_outbox_at(self->outbox, at)->mark))
        at = peer_outbox_at(self->outbox, at)->next;
    return at;
}

static uint64_t
later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* When something is to go by mail to the device; PEER_NEVER: nothing is. */
static uint64_t
due_at(struct peer_core *self, struct peer_device *device)
{
    const bool linked = peer_links_best(self, device) != NULL;
    const uint32_t at = first_unmailed(self, device);
    uint64_t due_ms = PEER_NEVER;
    if (at != PEER_NONE && device->away)
        due_ms = 0;
    else if (at != PEER_NONE) {
        /* a link that brings something over has time */
        const uint64_t since_ms = later(peer_outbox_at(self->outbox, at)->said_ms, linked ? device->progress_ms : 0);
        due_ms = later(since_ms, self->mailing.online_ms) + LATE_MS;
    }
    if (!linked && device->unlinked_ms != 0 && peer_hear_owes(device)) {
        const uint64_t wait_ms = device->away ? GATHER_MS : LATE_MS;
        const uint64_t receipt_ms = peer_mailbox_presses(self) ? 0 : later(device->unlinked_ms, self->mailing.online_ms) + wait_ms;
        due_ms = receipt_ms < due_ms ? receipt_ms : due_ms;
    }
    return due_ms == PEER_NEVER ? due_ms : later(due_ms, device->mail_rest_ms);
}

void
peer_mail_look(struct peer_core *self, struct peer_device *device)
{
    if (!peer_session_online(self) || peer_roster_contact_of(&self->roster, device)->blocked)
        return;
    const uint64_t due_ms = due_at(self, device);
    device->mail_at_ms = 0;
    if (due_ms <= self->now.mono_ms) {
        device->mail_due = self->mailing.due = true;
        peer_step_at(self, self->now.mono_ms);
    } else if (due_ms != PEER_NEVER) {
        device->mail_at_ms = due_ms;
        peer_step_at(self, due_ms);
    }
}

/* With each message: whether there is anything to do is seen when it is late. */
void
peer_mail_said(struct peer_core *self, struct peer_device *device)
{
    if (device->mail_at_ms != 0 || !peer_session_online(self))
        return;
    device->mail_at_ms = self->now.mono_ms + (device->away ? 0 : LATE_MS);
    peer_step_at(self, device->mail_at_ms);
}

void
peer_mail_unlinked(struct peer_core *self, struct peer_device *device)
{
    if (!peer_hear_owes(device))
        return;
    if (device->unlinked_ms == 0)
        device->unlinked_ms = self->now.mono_ms;
    peer_mail_look(self, device);
}

/* Mail that did not open, or was taken for read and forgotten: what is owed is
 * mailed again, but not for every complaint, and for none that is out of date. */
void
peer_mail_gap(struct peer_core *self, struct peer_device *device, struct peer_mark delivered)
{
    const bool stale = delivered.incarnation != 0 && peer_mark_before(delivered, device->acked);
    if (stale || !peer_mark_before(device->acked, device->mailed) || self->now.mono_ms < device->mail_rest_ms)
        return;
    device->mailed = device->acked;
    device->mail_rest_ms = self->now.mono_ms + REST_FIRST_MS;
    peer_roster_put_device(device, self->out);
    (void)peer_step_store(self); /* only marks that this step writes */
    peer_mail_look(self, device);
}

/* ---- parcels ---- */

/* The tag of the run of a parcel whose last message is there: when RETURNED
 * names it, it tells which messages came back, and nothing needs to be kept for
 * that.  To anybody else it is random. */
static struct msg_tag
tag_of(const struct peer_core *self, const struct peer_device *device, struct peer_mark upto)
{
    const uint64_t about[] = {device->cert.account, device->cert.device, upto.incarnation, upto.number};
    uint8_t body[sizeof self->identity.sign_sec + sizeof about];
    struct msg_head hash;
    struct msg_tag tag;
    memcpy(body, &self->identity.sign_sec, sizeof self->identity.sign_sec);
    memcpy(body + sizeof self->identity.sign_sec, about, sizeof about);
    msg_keys_hash(hash.at, sizeof hash.at, "conclave mail run 1", msg_span(body, sizeof body));
    memcpy(tag.at, hash.at, sizeof tag.at);
    msg_keys_wipe(body, sizeof body);
    return tag;
}

struct peer_mark
peer_mail_of_run(struct peer_core *self, const struct peer_device *device, const struct msg_tag *run)
{
    const struct peer_contact *contact = peer_roster_contact_of(&self->roster, device);
    for (uint32_t at = contact->queue.first; at != PEER_NONE; at = peer_outbox_at(self->outbox, at)->next) {
        const struct peer_mark mark = peer_outbox_at(self->outbox, at)->mark;
        if (peer_mark_before(device->mailed, mark))
            break;
        const struct msg_tag tag = tag_of(self, device, mark);
        if (memcmp(&tag, run, sizeof tag) == 0)
            return mark;
    }
    return (struct peer_mark){0, 0};
}

/* Appends RUN and SEALED, of a run for this parcel alone; tag NULL: a random
 * one.  SEAL: a mail key that is none. */
static enum conclave_err
seal(struct peer_core *self, struct msg_buf *out, const struct msg_tag *tag, const struct msg_cert *to, struct msg_span batch)
{
    struct msg_run run = {0};
    struct msg_tag random;
    const size_t before = out->len;
    if (tag == NULL)
        msg_keys_random(random.at, sizeof random.at);
    enum conclave_err err = msg_run_start_as(&run, out, tag != NULL ? tag : &random, self->self.account, self->self.device, &self->identity.sign_sec, to, self->now.mono_ms);
    if (err == CONCLAVE_OK)
        err = msg_envelope_seal(&run, out, batch);
    msg_run_wipe(&run);
    if (err != CONCLAVE_OK)
        out->len = before;
    return err;
}

static bool
put_parcel(struct peer_mailing *mailing, const struct peer_parcel *parcel, struct msg_span frames)
{
    struct msg_buf buf = {mailing->at, mailing->list.len, LIST_BYTES};
    const struct msg_parcel item = {parcel->account, parcel->device, frames, parcel->ticket != 0};
    if (msg_codec_append(&buf, &mailing->list, MSG_PARCEL, &item) != CONCLAVE_OK)
        return false;
    mailing->parcels[mailing->parcel_count++] = *parcel;
    return true;
}

enum conclave_err
peer_mail_parcel(struct peer_core *self, const struct msg_cert *to, struct msg_span batch, uint64_t *ticket)
{
    struct peer_mailing *mailing = &self->mailing;
    struct msg_buf buf = {mailing->waiting_at, mailing->waiting_len, sizeof mailing->waiting_at};
    *ticket = 0;
    if (batch.len == 0 || batch.len > MSG_BATCH_MAX)
        return CONCLAVE_ERR_TOO_LARGE;
    if (mailing->waiting_count == PEER_PARCELS || buf.cap - buf.len < batch.len + PARCEL_MORE)
        return CONCLAVE_ERR_BUSY;
    const enum conclave_err err = seal(self, &buf, NULL, to, batch);
    if (err != CONCLAVE_OK)
        return err;
    *ticket = ++mailing->next_ticket;
    mailing->waiting[mailing->waiting_count++] =
        (struct peer_parcel){.account = to->account, .device = to->device, .ticket = *ticket, .len = buf.len - mailing->waiting_len};
    mailing->waiting_len = buf.len;
    peer_step_at(self, self->now.mono_ms);
    return CONCLAVE_OK;
}

/* As many of those that wait as fit. */
static void
take_waiting(struct peer_mailing *mailing)
{
    size_t taken = 0, bytes = 0;
    while (taken < mailing->waiting_count && mailing->parcel_count < MSG_LIST_PAGE
           && put_parcel(mailing, &mailing->waiting[taken], msg_span(mailing->waiting_at + bytes, mailing->waiting[taken].len)))
        bytes += mailing->waiting[taken++].len;
    if (taken == 0)
        return;
    mailing->waiting_count -= taken;
    mailing->waiting_len -= bytes;
    memmove(mailing->waiting, mailing->waiting + taken, mailing->waiting_count * sizeof mailing->waiting[0]);
    memmove(mailing->waiting_at, mailing->waiting_at + bytes, mailing->waiting_len);
}

/* What is owed to a device, as much as fits.  False: no more fits. */
static bool
put_talk(struct peer_core *self, struct peer_device *device)
{
    struct peer_mailing *mailing = &self->mailing;
    const size_t room = LIST_BYTES - mailing->list.len;
    struct peer_parcel parcel = {.account = device->cert.account, .device = device->cert.device, .serial = mailing->serial};
    if (room < PARCEL_LEAST || mailing->parcel_count == MSG_LIST_PAGE)
        return false;
    struct msg_buf batch = {self->batch, 0, room - PARCEL_MORE < MSG_BATCH_MAX ? room - PARCEL_MORE : MSG_BATCH_MAX};
    if (peer_hear_owes(device) && peer_links_best(self, device) == NULL) {
        parcel.told = peer_hear_receipt_now(device);
        parcel.receipt = msg_codec_encode(&batch, MSG_RECEIPT, &parcel.told) == CONCLAVE_OK;
    }
    struct peer_mark last = {0, 0};
    uint32_t at = first_unmailed(self, device);
    for (uint32_t count = 0; at != PEER_NONE && count < MSG_BATCH_COUNT && peer_talk_put(self, device, at, &last, &batch); count++) {
        parcel.upto = peer_outbox_at(self->outbox, at)->mark;
        at = peer_outbox_at(self->outbox, at)->next;
    }
    if (batch.len == 0 && at != PEER_NONE)
        return false; /* even the first one needs more room */
    device->mail_due = false;
    if (batch.len == 0)
        return true; /* it was acknowledged meanwhile */
    struct msg_buf frames = {self->frame, 0, PEER_LINK_BYTES};
    const struct msg_tag tag = tag_of(self, device, parcel.upto);
    const enum conclave_err err = seal(self, &frames, parcel.upto.number != 0 ? &tag : NULL, &device->cert, msg_span_of_buf(&batch));
    msg_keys_wipe(self->batch, batch.len);
    const bool fits = err == CONCLAVE_OK && put_parcel(mailing, &parcel, msg_span_of_buf(&frames));
    assert(fits || err == CONCLAVE_ERR_SEAL); /* the room was reckoned; a bad mail key is theirs */
    if (!fits)
        device->mail_rest_ms = self->now.mono_ms + REST_LAST_MS;
    return true;
}

static void
send_deposit(struct peer_core *self)
{
    struct peer_mailing *mailing = &self->mailing;
    const struct msg_deposit deposit = {mailing->req, mailing->list};
    mailing->sent_ms = self->now.mono_ms;
    peer_step_at(self, mailing->sent_ms + ANSWER_MS);
    peer_session_send(self, MSG_DEPOSIT, &deposit);
}

void
peer_mail_flush(struct peer_core *self)
{
    struct peer_mailing *mailing = &self->mailing;
    if (mailing->req != 0 || (!mailing->due && mailing->waiting_count == 0) || !self->self.incarnation_synced || !peer_session_online(self))
        return;
    if (self->now.mono_ms < mailing->again_ms) {
        peer_step_at(self, mailing->again_ms);
        return;
    }
    mailing->list = (struct msg_list){mailing->at, 0, 0};
    take_waiting(mailing);
    const uint32_t count = self->roster.device_count;
    bool fits = true;
    for (uint32_t i = 0; mailing->due && fits && i < count; i++) {
        struct peer_device *device = &self->roster.devices[(mailing->turn + i) % count];
        if (!device->used || !device->mail_due)
            continue;
        fits = put_talk(self, device);
        if (!fits)
            mailing->turn = (mailing->turn + i) % count; /* first of the next */
    }
    mailing->due = mailing->due && !fits;
    if (mailing->parcel_count == 0)
        return;
    mailing->req = peer_step_req(self);
    send_deposit(self);
}

/* The process ends: what no link took is deposited while there is a session, and
 * nobody waits for the answer.  What that one would have settled is done once
 * more in the next session; recipients pass doubles over. */
void
peer_mail_stop(struct peer_core *self)
{
    uint32_t at = 0;
    for (struct peer_device *device; (device = peer_roster_each_device(&self->roster, &at)) != NULL;) {
        const bool owed = first_unmailed(self, device) != PEER_NONE || peer_hear_owes(device);
        const bool rests = self->now.mono_ms < device->mail_rest_ms || peer_roster_contact_of(&self->roster, device)->blocked;
        device->mail_due = owed && !rests && peer_links_best(self, device) == NULL;
        self->mailing.due = self->mailing.due || device->mail_due;
    }
    self->mailing.req = 0;
    peer_mail_flush(self);
}

/* ---- answers ---- */

static void
deposited(struct peer_core *self, const struct peer_parcel *parcel, struct peer_device *device)
{
    struct peer_contact *contact = peer_roster_contact_of(&self->roster, device);
    device->mail_failures = 0;
    contact->mail_refused = false;
    if (parcel->receipt) {
        peer_hear_told(self, device, &parcel->told);
        peer_mailbox_answered(self, device, &parcel->told, parcel->serial);
    }
    if (peer_mark_before(device->mailed, parcel->upto)) {
        device->mailed = parcel->upto;
        peer_roster_put_device(device, self->out);
        (void)peer_step_store(self); /* only marks that this step writes */
        peer_ticks_stored(self, contact, parcel->upto);
    }
}

static void
refused(struct peer_core *self, const struct peer_parcel *parcel, struct peer_device *device, enum conclave_err err)
{
    struct peer_contact *contact = peer_roster_contact_of(&self->roster, device);
    device->mail_failures++;
    device->mail_rest_ms = self->now.mono_ms + peer_step_backoff(REST_FIRST_MS, REST_LAST_MS, device->mail_failures);
    if (parcel->receipt)
        peer_mailbox_answered(self, device, &parcel->told, parcel->serial); /* their mailbox must not keep ours full */
    if (err == CONCLAVE_ERR_NO_SUCH_USER)
        peer_people_introduce(self, contact); /* that device is gone; they may have another */
    const bool full = err == CONCLAVE_ERR_QUOTA_EXCEEDED || err == CONCLAVE_ERR_STORE_FULL;
    if (full && parcel->upto.number != 0 && !contact->mail_refused) {
        contact->mail_refused = true;
        peer_step_notice_about(self, msg_text(contact->name), err,
                               msg_text("The registry takes no more mail from you for them until they have collected some. What you said waits here, and goes out then, or when you meet; "
                                        "wait, or ask its operator to raise the quotas of mail."));
    }
}

/* Each parcel comes to its end: refused with the others of its device, or stored. */
static void
settle(struct peer_core *self, const struct msg_deposited *answer, enum conclave_err whole)
{
    struct peer_mailing *mailing = &self->mailing;
    const size_t count = mailing->parcel_count;
    mailing->req = 0;
    mailing->parcel_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct peer_parcel *parcel = &mailing->parcels[i];
        enum conclave_err err = whole;
        struct msg_list list = answer != NULL ? answer->refused : (struct msg_list){0};
        struct msg_refusal refusal;
        while (err == CONCLAVE_OK && msg_codec_next(&list, MSG_REFUSAL, &refusal))
            if (refusal.account == parcel->account && refusal.device == parcel->device && refusal.rooms == (parcel->ticket != 0))
                err = msg_error_from_code(refusal.code.at, refusal.code.len);
        if (parcel->ticket != 0) {
            peer_rooms_mailed(self, parcel->ticket, err);
            continue;
        }
        struct peer_device *device = peer_roster_device(&self->roster, parcel->account, parcel->device);
        if (device == NULL)
            continue; /* revoked, or forgotten */
        if (err == CONCLAVE_OK)
            deposited(self, parcel, device);
        else
            refused(self, parcel, device, err);
        peer_mail_look(self, device); /* there may be more */
    }
    peer_mailbox_collect(self);
    peer_step_at(self, self->now.mono_ms);
}

static void
denied(struct peer_core *self, const struct msg_error_frame *error)
{
    const enum conclave_err err = msg_error_from_code(error->code.at, error->code.len);
    struct peer_mailing *mailing = &self->mailing;
    if (err == CONCLAVE_ERR_BUSY) { /* asked again when that time is over */
        const uint64_t wait_ms = later(error->retry_ms, 1000);
        mailing->sent_ms = self->now.mono_ms + wait_ms - ANSWER_MS;
        peer_step_at(self, self->now.mono_ms + wait_ms);
        return;
    }
    peer_step_log(self, MSG_LOG_WARN, "DEPOSIT-REFUSED the registry does not take mail:", msg_error_sentence(err));
    mailing->again_ms = self->now.mono_ms + REST_FIRST_MS;
    settle(self, NULL, err == CONCLAVE_OK ? CONCLAVE_ERR_INTERNAL : err);
}

bool
peer_mail_frame(struct peer_core *self, enum msg_kind kind, const union msg_any *any)
{
    const uint64_t req = self->mailing.req;
    if (kind == MSG_MAIL)
        peer_mailbox_take(self, &any->MSG_ANY_MAIL);
    else if (kind == MSG_RETURNED)
        peer_mailbox_returned(self, &any->MSG_ANY_RETURNED);
    else if (kind == MSG_DEPOSITED && req != 0 && any->MSG_ANY_DEPOSITED.req == req)
        settle(self, &any->MSG_ANY_DEPOSITED, CONCLAVE_OK);
    else if (kind == MSG_ERROR && req != 0 && any->MSG_ANY_ERROR.req == req)
        denied(self, &any->MSG_ANY_ERROR);
    else
        return kind == MSG_DEPOSITED; /* a late one */
    return true;
}

/* ---- the session ---- */

void
peer_mail_online(struct peer_core *self)
{
    struct peer_mailing *mailing = &self->mailing;
    mailing->online_ms = self->now.mono_ms;
    mailing->again_ms = 0;
    if (mailing->parcel_count > 0) { /* its answer was lost with the session before */
        mailing->req = peer_step_req(self);
        send_deposit(self);
    }
    uint32_t at = 0;
    for (struct peer_device *device; (device = peer_roster_each_device(&self->roster, &at)) != NULL;) {
        if (device->receipt_due && peer_links_best(self, device) == NULL)
            device->unlinked_ms = self->now.mono_ms;
        device->mail_due = false;
        peer_mail_look(self, device);
    }
}

void
peer_mail_away(struct peer_core *self)
{
    struct peer_mailing *mailing = &self->mailing;
    /* what was not collected comes again */
    mailing->in_count = 0;
    mailing->in_bytes = 0;
    mailing->serial = 0;
    mailing->flooded = false;
    for (size_t i = 0; i < mailing->parcel_count; i++)
        mailing->parcels[i].serial = 0;
}

void
peer_mail_forget(struct peer_core *self)
{
    struct peer_mailing *mailing = &self->mailing;
    peer_mail_away(self);
    for (size_t i = 0; i < mailing->parcel_count; i++)
        if (mailing->parcels[i].ticket != 0)
            peer_rooms_mailed(self, mailing->parcels[i].ticket, CONCLAVE_ERR_NOT_LOGGED_IN);
    for (size_t i = 0; i < mailing->waiting_count; i++)
        peer_rooms_mailed(self, mailing->waiting[i].ticket, CONCLAVE_ERR_NOT_LOGGED_IN);
    mailing->req = 0;
    mailing->parcel_count = mailing->waiting_count = mailing->waiting_len = 0;
    mailing->due = false;
}

void
peer_mail_tick(struct peer_core *self)
{
    const uint64_t now = self->now.mono_ms;
    if (!peer_session_online(self))
        return; /* seen to when there is one again */
    uint32_t at = 0;
    for (struct peer_device *device; (device = peer_roster_each_device(&self->roster, &at)) != NULL;)
        if (device->mail_at_ms != 0 && now >= device->mail_at_ms)
            peer_mail_look(self, device);
        else if (device->mail_at_ms != 0)
            peer_step_at(self, device->mail_at_ms);
    if (self->mailing.req == 0)
        return;
    if (now >= self->mailing.sent_ms + ANSWER_MS)
        send_deposit(self);
    else
        peer_step_at(self, self->mailing.sent_ms + ANSWER_MS);
}

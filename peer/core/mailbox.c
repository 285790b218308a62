/* What waited at the registry for this device: opened as on a link, and
 * collected once it is done with: synced, and where it asks for a receipt, that
 * one said on a link or deposited.  So a crash loses no receipt: what was not
 * collected comes again. */
#include "peer/core/parts.h"

#define PRESSING_BYTES (128u << 10) /* of the 256 KiB that the front has under way */

bool
peer_mailbox_presses(const struct peer_core *self)
{
    return self->mailing.in_bytes >= PRESSING_BYTES;
}

/* An answer that nobody waits for any more holds nothing up. */
static bool
answered(struct peer_core *self, const struct peer_mail_in *in)
{
    if (!in->asks)
        return true;
    const struct peer_device *device = peer_roster_device(&self->roster, in->account, in->device);
    return device == NULL || peer_roster_contact_of(&self->roster, device)->blocked;
}

void
peer_mailbox_collect(struct peer_core *self)
{
    struct peer_mailing *mailing = &self->mailing;
    size_t done = 0;
    while (done < mailing->in_count && mailing->in[done].store <= self->synced_store && answered(self, &mailing->in[done]))
        mailing->in_bytes -= mailing->in[done++].len;
    if (done == 0)
        return;
    const struct msg_collected collected = {mailing->in[done - 1].serial};
    mailing->in_count -= done;
    memmove(mailing->in, mailing->in + done, mailing->in_count * sizeof mailing->in[0]);
    if (peer_session_online(self))
        peer_session_send(self, MSG_COLLECTED, &collected);
}

void
peer_mailbox_answered(struct peer_core *self, const struct peer_device *device, const struct msg_receipt *receipt, uint64_t serial)
{
    const struct peer_mark told = {receipt->incarnation, receipt->delivered};
    for (size_t i = 0; i < self->mailing.in_count; i++) {
        struct peer_mail_in *in = &self->mailing.in[i];
        if (in->asks && in->serial <= serial && in->account == device->cert.account && in->device == device->cert.device
            && !peer_mark_before(told, in->mark))
            in->asks = false;
    }
    if (self->mailing.in_count > 0)
        peer_mailbox_collect(self);
}

/* Opens RUN and SEALED into self->batch. */
static enum conclave_err
open_frames(struct peer_core *self, const struct msg_cert *from, struct msg_span frames, struct msg_buf *batch)
{
    union msg_any first, second;
    enum msg_kind kind;
    enum conclave_err err = msg_codec_next_frame(&frames, &kind, &first);
    if (err == CONCLAVE_OK && kind != MSG_RUN)
        err = CONCLAVE_ERR_KIND;
    if (err == CONCLAVE_OK)
        err = msg_codec_decode(frames, &kind, &second);
    if (err == CONCLAVE_OK && kind != MSG_SEALED)
        err = CONCLAVE_ERR_KIND;
    if (err != CONCLAVE_OK)
        return err;
    struct msg_run run = {0};
    err = CONCLAVE_ERR_UNKNOWN_KEY; /* its key is gone */
    for (uint32_t i = 0; i < self->mail_count; i++)
        if (memcmp(&self->mail[i].pub, &first.MSG_ANY_RUN.mail, sizeof self->mail[i].pub) == 0)
            err = msg_run_accept(&run, &first.MSG_ANY_RUN, from, self->self.account, self->self.device, &self->mail[i].pub, &self->mail[i].sec, self->now.mono_ms);
    if (err == CONCLAVE_OK)
        err = msg_envelope_open(&run, batch, &second.MSG_ANY_SEALED);
    msg_run_wipe(&run);
    return err;
}

/* True for what two people say to each other; what is for rooms alone makes
 * nobody a contact. */
static bool
is_talk(struct msg_span batch)
{
    union msg_any any;
    enum msg_kind kind;
    while (batch.len > 0 && msg_codec_next_frame(&batch, &kind, &any) == CONCLAVE_OK)
        if (kind != MSG_ROOM_KEY && kind != MSG_ROOM_ASK)
            return true;
    return false;
}

static void
take_sealed(struct peer_core *self, const struct msg_cert *from, struct msg_span batch)
{
    union msg_any any;
    enum msg_kind kind;
    while (batch.len > 0 && msg_codec_next_frame(&batch, &kind, &any) == CONCLAVE_OK)
        peer_rooms_sealed(self, from, kind, &any);
}

/* Hands a batch to the chains; notes whether it asks for a receipt. */
static void
take_talk(struct peer_core *self, struct peer_device *device, struct msg_span batch, struct peer_mail_in *in)
{
    const struct peer_mark before = device->in.mark;
    const bool due = device->receipt_due;
    device->receipt_due = false;
    struct peer_stand nowhere = {.next = 0}; /* each parcel is a run of its own */
    if (peer_held_fits(self->held, batch.len))
        peer_hear_take(self, device, batch, &nowhere);
    else /* the disk must catch up; they hear that it is missing, and mail it again */
        device->receipt_due = device->gap_due = true;
    const bool more = peer_mark_before(before, device->in.mark);
    in->asks = device->receipt_due || more;
    in->account = device->cert.account;
    in->device = device->cert.device;
    in->mark = device->in.mark;
    if (device->receipt_due)
        peer_talk_dirty(self, device);
    device->receipt_due = device->receipt_due || due;
}

static enum conclave_err
take(struct peer_core *self, const struct msg_mail *mail, struct peer_mail_in *in)
{
    struct msg_cert cert;
    enum conclave_err err = mail->certificate.len <= MSG_CERT_MAX ? msg_cert_open(&cert, mail->certificate, &self->self.signer) : CONCLAVE_ERR_TOO_LARGE;
    if (err != CONCLAVE_OK)
        return err;
    if (cert.account != mail->account || cert.device != mail->device)
        return CONCLAVE_ERR_UNKNOWN_KEY;
    if (peer_trust_is_revoked(self, cert.account, cert.device))
        return CONCLAVE_ERR_REVOKED;
    struct peer_contact *contact = peer_roster_contact(&self->roster, cert.account);
    if (contact != NULL && contact->blocked)
        return CONCLAVE_ERR_REFUSED;
    struct msg_buf batch = {self->batch, 0, sizeof self->batch};
    err = open_frames(self, &cert, mail->frames, &batch);
    if (err == CONCLAVE_OK && is_talk(msg_span_of_buf(&batch))) {
        struct peer_device *device;
        err = peer_people_meet(self, mail->certificate, &device);
        if (err == CONCLAVE_OK)
            take_talk(self, device, msg_span_of_buf(&batch), in);
        else if (err == CONCLAVE_ERR_PEER_KEY_CHANGED && contact != NULL)
            peer_people_warn(self, contact, err, msg_text(""));
        else if (err == CONCLAVE_ERR_PEER_KEY_CHANGED)
            peer_step_notice_about(self, msg_text(cert.name), err, msg_text(""));
    } else if (err == CONCLAVE_OK)
        take_sealed(self, &cert, msg_span_of_buf(&batch));
    msg_keys_wipe(self->batch, batch.len);
    return err;
}

/* The place of something that came in the order of serials; NULL: it is to be
 * passed over. */
static struct peer_mail_in *
next_in(struct peer_core *self, uint64_t serial, size_t len)
{
    struct peer_mailing *mailing = &self->mailing;
    if (serial <= mailing->serial || mailing->flooded)
        return NULL; /* known; or what stands before it was not taken */
    if (mailing->in_count == PEER_MAILS) {
        mailing->flooded = true;
        peer_counts_refused(self, PEER_REFUSED_REGISTRY, "MAIL-FLOOD", "the registry sends more mail than was collected; the rest is passed over until the next session");
        return NULL;
    }
    mailing->serial = serial;
    struct peer_mail_in *in = &mailing->in[mailing->in_count++];
    *in = (struct peer_mail_in){.serial = serial, .store = PEER_NEVER, .len = len};
    mailing->in_bytes += len;
    return in;
}

void
peer_mailbox_take(struct peer_core *self, const struct msg_mail *mail)
{
    struct peer_mail_in *in = next_in(self, mail->serial, mail->frames.len);
    if (in == NULL)
        return;
    const enum conclave_err err = take(self, mail, in);
    if (err != CONCLAVE_OK)
        peer_counts_refused(self, PEER_REFUSED_SEALS, "MAIL-REFUSED mail was not taken:", msg_error_sentence(err));
    in->store = self->next_store + (self->writes ? 1 : 0); /* all that was written up to now */
    if (peer_mailbox_presses(self))
        for (size_t i = 0; i < self->mailing.in_count; i++) {
            struct peer_device *device = self->mailing.in[i].asks ? peer_roster_device(&self->roster, self->mailing.in[i].account, self->mailing.in[i].device) : NULL;
            if (device != NULL)
                peer_mail_look(self, device);
        }
    peer_mailbox_collect(self);
}

void
peer_mailbox_returned(struct peer_core *self, const struct msg_returned *returned)
{
    struct peer_mail_in *in = next_in(self, returned->serial, 0);
    if (in == NULL)
        return;
    struct peer_device *device = peer_roster_device(&self->roster, returned->account, returned->device);
    struct peer_contact *contact = device != NULL ? peer_roster_contact_of(&self->roster, device) : NULL;
    /* a receipt comes back as well: of that nobody needs to know */
    const struct peer_mark upto = device != NULL ? peer_mail_of_run(self, device, &returned->run) : (struct peer_mark){0, 0};
    const bool news = upto.number != 0 && peer_ticks_returned(self, contact, device, upto);
    if (upto.number != 0) {
        peer_roster_put_device(device, self->out);
        (void)peer_step_store(self); /* only marks that this step writes */
    }
    if (news && !contact->mail_returned) {
        contact->mail_returned = true;
        peer_step_notice_kept(self, msg_text(contact->name), CONCLAVE_ERR_EXPIRED,
                              msg_text("Some of what you said to them waited at the registry until its time was over. It is queued here again, and delivered when you meet."));
    }
    in->store = self->next_store + (self->writes ? 1 : 0); /* all that was written up to now */
    peer_mailbox_collect(self);
}

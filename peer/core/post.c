/* Batches sealed and opened: starts runs, seals what is to be sent to a device
 * as one envelope, opens what comes, and asks for a new run where the old one
 * cannot be opened. */
#include "peer/core/parts.h"

#include <assert.h>

#define BATCHES_MAX 16u     /* envelopes to one device in one go */
#define RESEAL_MS 500u      /* ask for a new run at most this often */

/* One envelope, and the RUN before it if one is due. */
static void
seal(struct peer_core *self, struct peer_device *device, const struct peer_link *link, struct msg_span batch)
{
    struct msg_buf frame = {self->frame, 0, PEER_LINK_BYTES};
    enum conclave_err err = CONCLAVE_OK;
    if (msg_run_spent(&device->run_out, self->now.mono_ms))
        err = msg_run_start(&device->run_out, &frame, self->self.account, self->self.device, &self->identity.sign_sec, &device->cert, self->now.mono_ms);
    if (err == CONCLAVE_OK)
        err = msg_envelope_seal(&device->run_out, &frame, batch);
    assert(err == CONCLAVE_OK || err == CONCLAVE_ERR_SEAL); /* the room was reckoned; a bad mail key is theirs */
    if (err == CONCLAVE_OK)
        peer_links_send_bytes(self, device, link->id, msg_span_of_buf(&frame));
}

static void
flush(struct peer_core *self, struct peer_device *device)
{
    struct peer_link *link = peer_links_best(self, device);
    if (link == NULL) {
        if (device->read_due)
            peer_hear_keep_read(self, device);
        struct peer_contact *contact = peer_roster_contact_of(&self->roster, device);
        if (peer_talk_waits(self, contact))
            peer_links_want(self, contact);
        peer_mail_unlinked(self, device);
        return;
    }
    if (link == &device->relayed)
        peer_links_dial(self, device); /* when its time is there */
    for (uint32_t i = 0; i < BATCHES_MAX; i++) {
        struct msg_buf batch = {self->batch, 0, sizeof self->batch};
        if (msg_run_spent(&device->run_out, self->now.mono_ms))
            device->sealed = (struct peer_mark){0, 0}; /* nothing stands before the first envelope of a run */
        peer_hear_receipt(self, device, &batch);
        peer_talk_batch(self, device, &batch);
        if (batch.len == 0)
            return;
        seal(self, device, link, msg_span_of_buf(&batch));
        msg_keys_wipe(self->batch, batch.len);
    }
    peer_talk_dirty(self, device); /* more is there: after the others had their turn */
}

void
peer_post_flush(struct peer_core *self)
{
    if (!self->dirty)
        return;
    self->dirty = false;
    uint32_t at = 0;
    for (struct peer_device *device; (device = peer_roster_each_marked(&self->roster, self->roster.dirty, &at)) != NULL;) {
        self->roster.dirty[at - 1] = 0;
        flush(self, device);
    }
}

static void
ask_reseal(struct peer_core *self, struct peer_device *device, uint64_t link, const struct msg_tag *run)
{
    if (device->resealed_ms != 0 && self->now.mono_ms < device->resealed_ms + RESEAL_MS)
        return;
    device->resealed_ms = self->now.mono_ms;
    const struct msg_reseal reseal = {*run, msg_span(self->self.certificate, self->self.certificate_len)};
    peer_links_send(self, device, link, MSG_RESEAL, &reseal);
}

void
peer_post_run(struct peer_core *self, struct peer_device *device, uint64_t link, const struct msg_run_frame *frame)
{
    for (uint32_t r = 0; r < PEER_RUNS_IN; r++)
        if (device->runs_in[r].open && memcmp(&device->runs_in[r].tag, &frame->run, sizeof frame->run) == 0)
            return; /* the same run again: its counters stay as they are */
    for (uint32_t i = 0; i < self->mail_count; i++) {
        const struct peer_mail_key *mail = &self->mail[i];
        if (memcmp(&mail->pub, &frame->mail, sizeof mail->pub) != 0)
            continue;
        struct msg_run run = {0};
        const enum conclave_err err = msg_run_accept(&run, frame, &device->cert, self->self.account, self->self.device, &mail->pub, &mail->sec, self->now.mono_ms);
        if (err != CONCLAVE_OK) {
            peer_counts_refused(self, PEER_REFUSED_SEALS, "RUN-REFUSED", msg_error_sentence(err));
            return;
        }
        device->run_turn = (device->run_turn + 1) % PEER_RUNS_IN;
        msg_run_wipe(&device->runs_in[device->run_turn]);
        device->runs_in[device->run_turn] = run;
        msg_run_wipe(&run);
        return;
    }
    ask_reseal(self, device, link, &frame->run);
}

/* A batch goes on from the one of the envelope before it, if that was opened. */
static void
take(struct peer_core *self, struct peer_device *device, const struct msg_sealed *frame, struct msg_span batch)
{
    struct peer_stand *const stand = &device->stand;
    if (stand->next != frame->counter || memcmp(&stand->run, &frame->run, sizeof frame->run) != 0)
        stand->chain.incarnation = 0;
    stand->run = frame->run;
    stand->next = frame->counter + 1;
    peer_hear_take(self, device, batch, stand);
}

void
peer_post_sealed(struct peer_core *self, struct peer_device *device, uint64_t link, const struct msg_sealed *frame)
{
    struct msg_run *run = NULL;
    for (uint32_t r = 0; r < PEER_RUNS_IN; r++)
        if (device->runs_in[r].open && memcmp(&device->runs_in[r].tag, &frame->run, sizeof frame->run) == 0)
            run = &device->runs_in[r];
    if (run == NULL) {
        ask_reseal(self, device, link, &frame->run);
        return;
    }
    struct msg_buf batch = {self->batch, 0, sizeof self->batch};
    const enum conclave_err err = msg_envelope_open(run, &batch, frame);
    if (err == CONCLAVE_OK)
        take(self, device, frame, msg_span_of_buf(&batch));
    else if (err == CONCLAVE_ERR_REPLAY) /* sent again, and had already */
        peer_step_log(self, MSG_LOG_DEBUG, "ENVELOPE-REFUSED", msg_error_sentence(err));
    else
        peer_counts_refused(self, PEER_REFUSED_SEALS, "ENVELOPE-REFUSED", msg_error_sentence(err));
    msg_keys_wipe(self->batch, batch.len);
}

/* They cannot open the run, since they have not seen its start or no longer
 * have that mail key: another run, to the key of the certificate they send. */
void
peer_post_reseal(struct peer_core *self, struct peer_device *device, const struct msg_reseal *frame)
{
    struct msg_cert cert;
    if (!device->run_out.open || memcmp(&device->run_out.tag, &frame->run, sizeof frame->run) != 0)
        return;
    if (frame->certificate.len <= MSG_CERT_MAX && msg_cert_open(&cert, frame->certificate, &self->self.signer) == CONCLAVE_OK
        && cert.account == device->cert.account && cert.device == device->cert.device
        && peer_people_take_cert(self, device, frame->certificate, &cert) != CONCLAVE_OK) {
        peer_step_notice_about(self, msg_text(peer_roster_contact_of(&self->roster, device)->name), CONCLAVE_ERR_PEER_KEY_CHANGED, msg_text(""));
        return;
    }
    msg_run_wipe(&device->run_out);
    device->receipt_due = device->receipt_due || device->in.known;
    peer_talk_rewind(self, device);
    peer_talk_dirty(self, device);
}

/* What this device keeps of itself: its record and its mail keys; and how it
 * forgets its account. */
#include "peer/core/parts.h"

#include <stdlib.h>

#define MAIL_LIFE_MS (7ull * 24 * 3600 * 1000)    /* a mail key is replaced after */
#define MAIL_KEEP_MS (40ull * 24 * 3600 * 1000)   /* and kept after that for */

void
peer_self_put(struct peer_core *self)
{
    struct peer_self *me = &self->self;
    me->clock_ms = (int64_t)peer_step_registry_ms(self) - (int64_t)self->now.wall_ms;
    const struct msg_rec_self record = {
        .link = msg_text(me->link_text),
        .account = me->account,
        .device = me->device,
        .name = msg_text(me->name.shown),
        .signer = me->signer,
        .front_host = msg_text(me->front_host),
        .front_port = me->front_port,
        .front = me->front,
        .certificate = msg_span(me->certificate, me->certificate_len),
        .logged_out = me->logged_out,
        .incarnation = me->incarnation,
        .salt = me->salt,
        .now_offset_ms = (uint64_t)(me->clock_ms + (INT64_C(1) << 62)),
    };
    const struct msg_record_key key = msg_record_key1(0);
    msg_effects_put(self->out, PEER_TABLE_SELF, msg_record_key_span(&key), MSG_REC_SELF, &record);
    (void)peer_step_store(self); /* only marks that this step writes */
}

static void
put_mail_key(struct peer_core *self, const struct peer_mail_key *mail)
{
    const struct msg_rec_mail_key record = {mail->pub, mail->sec, mail->created_ms, mail->retired_ms};
    const struct msg_record_key key = msg_record_key1(mail->created_ms);
    msg_effects_put(self->out, PEER_TABLE_MAIL_KEYS, msg_record_key_span(&key), MSG_REC_MAIL_KEY, &record);
    (void)peer_step_store(self); /* only marks that this step writes */
}

/* A weekly new mail key, so that a stolen disk opens little of what was sent;
 * retired ones are kept as long as something sealed to them may be under way. */
void
peer_self_renew_mail(struct peer_core *self)
{
    while (self->mail_count > 0) {
        const struct peer_mail_key *oldest = &self->mail[self->mail_count - 1];
        if (oldest->retired_ms == 0 || oldest->retired_ms + MAIL_KEEP_MS > self->now.wall_ms)
            break;
        const struct msg_record_key key = msg_record_key1(oldest->created_ms);
        msg_effects_delete(self->out, PEER_TABLE_MAIL_KEYS, msg_record_key_span(&key));
        (void)peer_step_store(self); /* only marks that this step writes */
        self->mail_count--;
    }
    if (self->mail_count > 0 && self->mail[0].created_ms + MAIL_LIFE_MS > self->now.wall_ms)
        return;
    if (self->mail_count > 0) {
        self->mail[0].retired_ms = self->now.wall_ms;
        put_mail_key(self, &self->mail[0]);
    }
    if (self->mail_count == PEER_MAIL_KEYS)
        self->mail_count--;
    memmove(&self->mail[1], &self->mail[0], self->mail_count * sizeof self->mail[0]);
    self->mail_count++;
    struct peer_mail_key *fresh = &self->mail[0];
    msg_keys_new_box(&fresh->pub, &fresh->sec);
    fresh->created_ms = self->now.wall_ms > self->mail[1].created_ms || self->mail_count == 1 ? self->now.wall_ms : self->mail[1].created_ms + 1;
    fresh->retired_ms = 0;
    put_mail_key(self, fresh);
}

/* The account is gone from this home: contacts and what waited for them too. */
void
peer_self_forget(struct peer_core *self)
{
    uint32_t at = 0;
    for (struct peer_device *device; (device = peer_roster_each_device(&self->roster, &at)) != NULL;) {
        const struct msg_record_key key = msg_record_key2(device->cert.account, device->cert.device);
        peer_links_drop(self, device);
        msg_effects_expel(self->out, &device->cert.transport);
        msg_effects_delete(self->out, PEER_TABLE_DEVICES, msg_record_key_span(&key));
        msg_effects_delete(self->out, PEER_TABLE_CHAINS_IN, msg_record_key_span(&key));
    }
    at = 0;
    for (struct peer_contact *contact; (contact = peer_roster_each(&self->roster, &at)) != NULL;) {
        while (contact->queue.count > 0) {
            const struct peer_out *out = peer_outbox_at(self->outbox, contact->queue.first);
            const struct msg_record_key key = msg_record_key3(contact->account, out->mark.incarnation, out->mark.number);
            msg_effects_delete(self->out, PEER_TABLE_OUT, msg_record_key_span(&key));
            peer_outbox_shift(self->outbox, &contact->queue);
        }
        const struct msg_record_key key = msg_record_key1(contact->account);
        msg_effects_delete(self->out, PEER_TABLE_CHAINS_OUT, msg_record_key_span(&key));
        msg_effects_delete(self->out, PEER_TABLE_CONTACTS, msg_record_key_span(&key));
    }
    peer_room_forget(self);
    peer_roster_wipe(&self->roster);
    if (!peer_roster_init(&self->roster, self->settings.contacts))
        abort(); /* the memory was just given back */
    self->dirty = false;
    peer_mail_forget(self);
    self->self.account = self->self.device = 0;
    self->self.certificate_len = 0;
    self->self.logged_out = false;
    memset(&self->self.name, 0, sizeof self->self.name);
    peer_self_put(self);
}

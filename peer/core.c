/* The peer's core: restores itself from records, then turns events into
 * effects by handing each to the part that knows it. */
#include "peer/core.h"

#include <stdio.h>
#include <stdlib.h>

#include "peer/parts.h"

#define HELD_BYTES (2u << 20)               /* tells that wait for the disk */
#define MAIL_LIFE_MS (7ull * 24 * 3600 * 1000)    /* a mail key is replaced after */
#define MAIL_KEEP_MS (40ull * 24 * 3600 * 1000)   /* and kept after that for */

struct peer_core *
peer_core_new(const struct peer_settings *settings, const struct peer_identity *identity)
{
    struct peer_core *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->settings = *settings;
    if (self->settings.contacts == 0)
        self->settings.contacts = PEER_CONTACTS_DEFAULT;
    if (self->settings.outbox_count == 0)
        self->settings.outbox_count = PEER_OUTBOX_COUNT_DEFAULT;
    if (self->settings.outbox_bytes == 0)
        self->settings.outbox_bytes = PEER_OUTBOX_BYTES_DEFAULT;
    self->identity = *identity;
    self->outbox = peer_outbox_new(self->settings.outbox_count, self->settings.outbox_bytes);
    self->held = peer_held_new(HELD_BYTES);
    self->due_ms = self->asked_ms = PEER_NEVER;
    self->next_arrival = 1;
    self->session.status = MSG_STATUS_ONLINE;
    if (!peer_roster_init(&self->roster, self->settings.contacts) || self->outbox == NULL || self->held == NULL)
        peer_core_destroy(&self);
    return self;
}

void
peer_core_destroy(struct peer_core **self_p)
{
    struct peer_core *self = *self_p;
    if (self == NULL)
        return;
    peer_roster_wipe(&self->roster);
    peer_outbox_destroy(&self->outbox);
    peer_held_destroy(&self->held);
    msg_keys_wipe(self, sizeof *self);
    free(self);
    *self_p = NULL;
}

uint64_t
peer_core_req(struct peer_core *self)
{
    return ++self->next_req;
}

uint64_t
peer_core_link(struct peer_core *self)
{
    return ++self->next_link;
}

void
peer_core_at(struct peer_core *self, uint64_t at_ms)
{
    if (at_ms < self->due_ms)
        self->due_ms = at_ms;
}

uint64_t
peer_core_hurry(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

uint64_t
peer_core_store(struct peer_core *self)
{
    self->writes = true;
    return self->next_store + 1;
}

uint64_t
peer_core_registry_ms(const struct peer_core *self)
{
    if (self->self.steady_ms != 0)
        return (uint64_t)((int64_t)self->now.mono_ms + self->self.steady_ms);
    return (uint64_t)((int64_t)self->now.wall_ms + self->self.clock_ms);
}

void
peer_core_heard_ms(struct peer_core *self, uint64_t registry_ms)
{
    self->self.steady_ms = (int64_t)registry_ms - (int64_t)self->now.mono_ms;
}

uint64_t
peer_core_backoff(uint64_t first_ms, uint64_t last_ms, uint32_t failures)
{
    uint64_t ms = first_ms;
    for (uint32_t i = 1; i < failures && ms < last_ms; i++)
        ms *= 2;
    if (ms > last_ms)
        ms = last_ms;
    return ms / 2 + msg_keys_random_u64() % (ms / 2 + 1);
}

void
peer_core_ok(struct peer_core *self, uint64_t cmd, const struct msg_id *id)
{
    if (cmd == 0)
        return;
    struct msg_tell_ok ok = {.req = cmd};
    if (id != NULL)
        ok.id = *id;
    /* What this step changes is done when it is on disk; what is said has its
     * own tick for that. */
    if (id == NULL && self->writes && peer_held_fits(self->held, 0))
        peer_held_put(self->held, peer_core_store(self), MSG_TELL_OK, &ok);
    else
        msg_effects_tell(self->out, MSG_TELL_OK, &ok);
}

void
peer_core_failed(struct peer_core *self, uint64_t cmd, enum conclave_err err, struct msg_text text, uint64_t retry_ms)
{
    if (cmd == 0)
        return;
    const struct msg_error_frame failed = {
        .req = cmd,
        .code = msg_text(msg_error_code(err)),
        .text = text.len > 0 ? text : msg_text(msg_error_sentence(err)),
        .retry_ms = retry_ms,
    };
    msg_effects_tell(self->out, MSG_TELL_FAILED, &failed);
}

void
peer_core_notice(struct peer_core *self, enum conclave_err err, struct msg_text text)
{
    peer_core_notice_about(self, msg_text(""), err, text);
}

void
peer_core_notice_about(struct peer_core *self, struct msg_text name, enum conclave_err err, struct msg_text text)
{
    const struct msg_tell_notice notice = {
        .name = name,
        .code = msg_text(msg_error_code(err)),
        .text = text.len > 0 ? text : msg_text(msg_error_sentence(err)),
    };
    msg_effects_tell(self->out, MSG_TELL_NOTICE, &notice);
}

void
peer_core_session(struct peer_core *self, enum msg_session_state state, enum conclave_err err, struct msg_text text)
{
    const struct msg_tell_session tell = {
        .state = state,
        .name = msg_text(self->self.name.shown),
        .code = msg_text(err == CONCLAVE_OK ? "" : msg_error_code(err)),
        .text = text,
    };
    msg_effects_tell(self->out, MSG_TELL_SESSION, &tell);
}

void
peer_core_log(struct peer_core *self, enum msg_log_level level, const char *what, const char *detail)
{
    msg_effects_log(self->out, level, "%s %s", what, detail);
}

void
peer_core_put_self(struct peer_core *self)
{
    struct peer_self *me = &self->self;
    me->clock_ms = (int64_t)peer_core_registry_ms(self) - (int64_t)self->now.wall_ms;
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
    (void)peer_core_store(self); /* only marks that this step writes */
}

static void
put_mail_key(struct peer_core *self, const struct peer_mail_key *mail)
{
    const struct msg_rec_mail_key record = {mail->pub, mail->sec, mail->created_ms, mail->retired_ms};
    const struct msg_record_key key = msg_record_key1(mail->created_ms);
    msg_effects_put(self->out, PEER_TABLE_MAIL_KEYS, msg_record_key_span(&key), MSG_REC_MAIL_KEY, &record);
    (void)peer_core_store(self); /* only marks that this step writes */
}

/* A weekly new mail key, so that a stolen disk opens little of what was sent;
 * retired ones are kept as long as something sealed to them may be under way. */
void
peer_core_renew_mail(struct peer_core *self)
{
    while (self->mail_count > 0) {
        const struct peer_mail_key *oldest = &self->mail[self->mail_count - 1];
        if (oldest->retired_ms == 0 || oldest->retired_ms + MAIL_KEEP_MS > self->now.wall_ms)
            break;
        const struct msg_record_key key = msg_record_key1(oldest->created_ms);
        msg_effects_delete(self->out, PEER_TABLE_MAIL_KEYS, msg_record_key_span(&key));
        (void)peer_core_store(self); /* only marks that this step writes */
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

static void
start(struct peer_core *self)
{
    struct peer_self *me = &self->self;
    if (self->settings.link[0] != '\0' && me->account == 0)
        memcpy(me->link_text, self->settings.link, sizeof me->link_text);
    if (me->link_text[0] != '\0' && msg_link_parse(&me->link, msg_text(me->link_text)) != CONCLAVE_OK)
        me->link_text[0] = '\0';
    self->started = true;
    peer_core_renew_mail(self);
    peer_talk_reincarnate(self);
    uint32_t at = 0;
    for (struct peer_contact *contact; (contact = peer_roster_each(&self->roster, &at)) != NULL;) {
        struct peer_device *device = peer_roster_first_device(&self->roster, contact);
        for (; device != NULL; device = peer_roster_next_device(&self->roster, device)) {
            if (!contact->blocked)
                msg_effects_admit(self->out, &device->cert.transport);
            peer_talk_rewind(self, device);
        }
        peer_talk_settle(self, contact);
        if (peer_talk_waits(self, contact))
            peer_links_want(self, contact);
    }
    if (me->account != 0 && !me->logged_out)
        peer_session_want(self, 0);
}

/* The account is gone from this home: contacts and what waited for them too. */
void
peer_core_forget(struct peer_core *self)
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
    peer_roster_wipe(&self->roster);
    if (!peer_roster_init(&self->roster, self->settings.contacts))
        abort(); /* the memory was just given back */
    self->dirty = false;
    peer_mail_forget(self);
    self->self.account = self->self.device = 0;
    self->self.certificate_len = 0;
    self->self.logged_out = false;
    memset(&self->self.name, 0, sizeof self->self.name);
    peer_core_put_self(self);
}

static void
frame(struct peer_core *self, const struct msg_event *event)
{
    const bool door = self->door.state != DOOR_CLOSED && event->link == self->door.link;
    const bool front = self->session.state != SESSION_OFF && event->link == self->session.link;
    if (!door && !front) {
        peer_links_frames(self, event);
        return;
    }
    union msg_any any;
    enum msg_kind kind;
    const enum conclave_err err = msg_codec_decode(event->bytes, &kind, &any);
    if (err != CONCLAVE_OK)
        peer_core_log(self, MSG_LOG_WARN, "REGISTRY-GARBAGE a frame of the registry was not understood:", msg_error_sentence(err));
    else if (door)
        peer_door_frame(self, kind, &any);
    else
        peer_session_frame(self, kind, &any);
}

static void
link_up(struct peer_core *self, const struct msg_event *event)
{
    if (self->door.state == DOOR_DIALLING && event->link == self->door.link)
        peer_door_up(self);
    else if (self->session.state == SESSION_DIALLING && event->link == self->session.link)
        peer_session_up(self);
    else
        peer_links_up(self, event->link, &event->key);
}

static void
link_down(struct peer_core *self, const struct msg_event *event)
{
    if (self->door.state != DOOR_CLOSED && self->door.state != DOOR_RESTING && event->link == self->door.link)
        peer_door_down(self, event->err);
    else if (self->session.state >= SESSION_DIALLING && event->link == self->session.link)
        peer_session_down(self, event->err);
    else
        peer_links_down(self, event->link, event->err);
}

static void
stored(struct peer_core *self, uint64_t store)
{
    if (store > self->synced_store)
        self->synced_store = store;
    if (!self->self.incarnation_synced && store >= self->self.incarnation_store) {
        self->self.incarnation_synced = true;
        uint32_t at = 0;
        for (struct peer_device *device; (device = peer_roster_each_device(&self->roster, &at)) != NULL;)
            peer_talk_dirty(self, device);
        peer_core_at(self, self->now.mono_ms); /* mail, too, has waited for it */
    }
    peer_hear_synced(self, store);
    peer_mailbox_collect(self);
    peer_held_release(self->held, store, self->out);
}

static void
tick(struct peer_core *self)
{
    self->asked_ms = PEER_NEVER;
    self->flush_asked = false;
    if (self->now.mono_ms >= self->due_ms) {
        self->due_ms = PEER_NEVER;
        peer_door_tick(self);
        peer_session_tick(self);
        peer_requests_tick(self);
        peer_people_tick(self);
        peer_links_tick(self);
        peer_relay_tick(self);
        peer_talk_tick(self);
        peer_mail_tick(self);
    }
    peer_post_flush(self);
    peer_mail_flush(self);
}

static void
stop(struct peer_core *self)
{
    /* what can still be said and acknowledged: nobody should wait for us */
    uint32_t at = 0;
    for (struct peer_device *device; (device = peer_roster_each_device(&self->roster, &at)) != NULL;)
        if (device->receipt_due)
            peer_talk_dirty(self, device);
    peer_post_flush(self);
    peer_session_stop(self);
    self->stopped = true;
}

/* What every step ends with: its writes become one transaction, and the shell
 * is asked to come back in time. */
static void
finish(struct peer_core *self)
{
    if (self->writes) {
        self->writes = false;
        msg_effects_store(self->out, ++self->next_store);
    }
    if (self->dirty && !self->flush_asked && !self->stopped) {
        self->flush_asked = true;
        msg_effects_wake(self->out, 0);
    }
    if (self->due_ms < self->asked_ms && !self->stopped) {
        self->asked_ms = self->due_ms;
        msg_effects_wake(self->out, self->due_ms > self->now.mono_ms ? self->due_ms - self->now.mono_ms : 1);
    }
}

void
peer_core_step(struct peer_core *self, struct msg_time now, const struct msg_event *event, struct msg_effects *out)
{
    self->now = now;
    self->out = out;
    switch (event->kind) {
    case EVENT_RECORD:
        peer_restore_record(self, event);
        break;
    case EVENT_START:
        start(self);
        break;
    case EVENT_FRAME:
        frame(self, event);
        break;
    case EVENT_LINK_UP:
        link_up(self, event);
        break;
    case EVENT_LINK_DOWN:
        link_down(self, event);
        break;
    case EVENT_STORED:
        stored(self, event->id);
        break;
    case EVENT_COMMAND:
        peer_commands_take(self, event->bytes);
        break;
    case EVENT_WAKE:
        tick(self);
        break;
    case EVENT_FULL:
    case EVENT_BOUND:
        break;
    case EVENT_STOP:
        stop(self);
        break;
    }
    finish(self);
    self->out = NULL;
}

void
peer_core_state(const struct peer_core *self, struct peer_core_state *out)
{
    memset(out, 0, sizeof *out);
    out->enrolled = self->self.account != 0;
    out->online = peer_session_online(self);
    out->logged_out = self->self.logged_out;
    memcpy(out->name, self->self.name.shown, sizeof out->name);
    memcpy(out->link, self->self.link_text, sizeof out->link);
    out->unacknowledged = peer_outbox_count(self->outbox);
}

/* The peer's core: restores itself from records, then turns events into
 * effects by handing each to the part that knows it. */
#include "peer/core/core.h"

#include "msg/pages.h"
#include "peer/core/parts.h"

#define HELD_BYTES (2u << 20)               /* tells that wait for the disk */

struct peer_core *
peer_core_new(const struct peer_settings *settings, const struct peer_identity *identity)
{
    struct peer_core *self = msg_pages_new(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->settings = *settings;
    if (self->settings.contacts == 0)
        self->settings.contacts = PEER_CONTACTS_DEFAULT;
    if (self->settings.outbox_count == 0)
        self->settings.outbox_count = PEER_OUTBOX_COUNT_DEFAULT;
    if (self->settings.outbox_bytes == 0)
        self->settings.outbox_bytes = PEER_OUTBOX_BYTES_DEFAULT;
    if (self->settings.rooms == 0)
        self->settings.rooms = PEER_ROOMS_DEFAULT;
    if (self->settings.room_members == 0)
        self->settings.room_members = PEER_ROOM_MEMBERS_DEFAULT;
    if (self->settings.cards == 0)
        self->settings.cards = PEER_CARDS_DEFAULT;
    if (self->settings.room_keys == 0)
        self->settings.room_keys = PEER_KEYS_DEFAULT;
    self->identity = *identity;
    self->outbox = peer_outbox_new(self->settings.outbox_count, self->settings.outbox_bytes);
    self->held = peer_held_new(HELD_BYTES);
    self->due_ms = self->asked_ms = PEER_NEVER;
    self->next_arrival = 1;
    self->session.status = MSG_STATUS_ONLINE;
    const bool rooms = peer_rooms_init(&self->rooms, self->settings.rooms, self->settings.room_members);
    const bool cards = peer_cards_init(&self->cards, self->settings.cards);
    const bool keys = peer_keyring_init(&self->keyring, self->settings.room_keys);
    const bool meshes = peer_meshes_init(&self->meshes);
    const bool kept = peer_kept_init(&self->kept);
    if (!peer_roster_init(&self->roster, self->settings.contacts) || !meshes || !kept || !rooms || !cards || !keys || self->outbox == NULL || self->held == NULL)
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
    peer_rooms_wipe(&self->rooms);
    peer_meshes_wipe(&self->meshes);
    peer_cards_wipe(&self->cards);
    peer_keyring_wipe(&self->keyring);
    peer_kept_wipe(&self->kept);
    peer_outbox_destroy(&self->outbox);
    peer_held_destroy(&self->held);
    msg_keys_wipe(self, sizeof *self);
    msg_pages_free(self, 1, sizeof *self);
    *self_p = NULL;
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
    self->counts = (struct peer_counts){.started_ms = self->now.mono_ms};
    peer_self_renew_mail(self);
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
        contact->ticks_due = peer_mark_before(contact->stored, contact->kept);
        self->ticks_due = self->ticks_due || contact->ticks_due;
        if (peer_talk_waits(self, contact))
            peer_links_want(self, contact);
    }
    peer_room_started(self);
    if (me->account != 0 && !me->logged_out)
        peer_session_want(self, 0);
}

static void
frame(struct peer_core *self, const struct msg_event *event)
{
    const bool door = self->door.state != DOOR_CLOSED && event->link == self->door.link;
    const bool front = self->session.state != SESSION_OFF && event->link == self->session.link;
    if (!door && !front) {
        if (!peer_room_publisher_frame(self, event->link, event->bytes))
            peer_links_frames(self, event);
        return;
    }
    union msg_any any;
    enum msg_kind kind;
    self->heard_len = event->bytes.len;
    const enum conclave_err err = msg_codec_decode(event->bytes, &kind, &any);
    if (err != CONCLAVE_OK)
        peer_counts_refused(self, PEER_REFUSED_REGISTRY, "REGISTRY-GARBAGE a frame of the registry was not understood:", msg_error_sentence(err));
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
    else if (!peer_room_publisher_up(self, event->link))
        peer_links_up(self, event->link, &event->key);
}

static void
link_down(struct peer_core *self, const struct msg_event *event)
{
    if (self->door.state != DOOR_CLOSED && self->door.state != DOOR_RESTING && event->link == self->door.link)
        peer_door_down(self, event->err);
    else if (self->session.state >= SESSION_DIALLING && event->link == self->session.link)
        peer_session_down(self, event->err);
    else if (!peer_room_publisher_down(self, event->link))
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
        peer_step_at(self, self->now.mono_ms); /* mail and rooms, too, have waited for it */
    }
    peer_hear_synced(self, store);
    peer_room_synced(self, store);
    peer_mailbox_collect(self);
    peer_held_release(self->held, store, self->out);
    peer_ticks_go_on(self);
    peer_hear_go_on(self);
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
        peer_room_tick(self);
        peer_room_turn(self);
        peer_room_keys_tick(self);
        peer_links_tick(self);
        peer_relay_tick(self);
        peer_talk_tick(self);
        peer_mail_tick(self);
    }
    peer_post_flush(self);
    peer_room_flush(self);
    peer_mail_flush(self);
}

static void
stop(struct peer_core *self)
{
    /* what can still be said and acknowledged: nobody should wait for us */
    uint32_t at = 0;
    for (struct peer_device *device; (device = peer_roster_each_device(&self->roster, &at)) != NULL;) {
        device->batched_ms = 0; /* nothing is gathered any more */
        if (device->receipt_due || device->gathers)
            peer_talk_dirty(self, device);
    }
    peer_post_flush(self);
    peer_room_publishers_stop(self);
    peer_mail_stop(self);
    peer_session_stop(self);
    self->stopped = true;
}

/* What every step ends with: its writes become one transaction, and the shell
 * is asked to come back in time. */
static void
finish(struct peer_core *self)
{
    if (self->flush_now && !self->stopped)
        peer_post_flush(self);
    self->flush_now = false;
    if (self->writes) {
        self->writes = false;
        msg_effects_store(self->out, ++self->next_store);
    }
    if ((self->dirty || self->room_posts_due) && !self->flush_asked && !self->stopped) {
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
        self->counts.frames_in++;
        self->counts.bytes_in += event->bytes.len;
        self->ahead = (struct peer_ahead){.frames = event->ahead, .count = event->ahead_count};
        frame(self, event);
        self->ahead = (struct peer_ahead){.count = 0};
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
        peer_commands_take(self, event);
        break;
    case EVENT_WAKE:
        tick(self);
        break;
    case EVENT_BOUND:
        peer_room_mesh_bound(self, event->link, (uint16_t)event->id);
        break;
    case EVENT_FULL:
        break;
    case EVENT_STOP:
        stop(self);
        break;
    }
    finish(self);
    self->out = NULL;
}

bool
peer_core_hears(const struct peer_core *self)
{
    return peer_held_half_free(self->held);
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
    out->unacknowledged = peer_outbox_waiting(self->outbox);
}

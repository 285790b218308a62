/* Links that go through the front: for two devices that cannot dial each other,
 * or do not want to.  Frames go out as RELAY and come as RELAYED; greeting, runs
 * and receipts are those of any link, and the front cannot read them.  Ends with
 * the session, or when the front says that the device is not there. */
#include "peer/core/parts.h"

#include <assert.h>

#define GREETING_MS 5000u   /* for the HELLO of the other side */
#define CROSSING_MS 2000u   /* what comes so soon after our own HELLO is its answer, or crossed it */
#define AGAIN_MS 10000u     /* nobody answered, or is there: not tried again before */
#define SOON_MS 1000u       /* the link was up and ended */
#define DIRECT_MS 60000u    /* while one is up the direct way is tried once in */

static_assert(MSG_BATCH_MAX + 1024u <= PEER_LINK_BYTES, "a sealed batch with its RUN goes through the front");
static_assert(PEER_REVOCATIONS_MAX + 64u <= PEER_LINK_BYTES, "so does the revocation list");

void
peer_relay_send(struct peer_core *self, const struct peer_device *device, struct msg_span frames)
{
    const struct msg_relay relay = {device->cert.account, device->cert.device, frames};
    assert(frames.len <= PEER_LINK_BYTES);
    peer_session_send(self, MSG_RELAY, &relay);
}

static void
greet(struct peer_core *self, struct peer_device *device)
{
    device->greeted_ms = self->now.mono_ms;
    peer_links_greet(self, device, &device->relayed);
}

void
peer_relay_want(struct peer_core *self, struct peer_device *device)
{
    const uint64_t now = self->now.mono_ms;
    if (device->relayed.state != PEER_LINK_NONE || device->away || !peer_session_online(self) || self->self.certificate_len == 0
        || peer_roster_contact_of(&self->roster, device)->blocked)
        return;
    if (now < device->relay_at_ms)
        return; /* tried again then */
    device->relayed = (struct peer_link){peer_step_link(self), PEER_LINK_GREETING};
    device->relay_until_ms = now + GREETING_MS;
    peer_step_at(self, device->relay_until_ms);
    greet(self, device);
}

bool
peer_relay_may_dial(struct peer_core *self, struct peer_device *device)
{
    if (device->relayed.state != PEER_LINK_UP)
        return true;
    if (self->now.mono_ms < device->direct_at_ms)
        return false;
    device->direct_at_ms = self->now.mono_ms + DIRECT_MS;
    return true;
}

static void
end_link(struct peer_core *self, struct peer_device *device)
{
    const bool used = peer_links_best(self, device) == &device->relayed;
    device->relayed = (struct peer_link){0, PEER_LINK_NONE};
    device->relay_until_ms = 0;
    device->greeted_ms = 0;
    if (used)
        peer_links_start_over(self, device);
}

/* Not there, as far as anybody knows: the registry may know better, or know
 * other devices of theirs; what is owed to this one goes by mail. */
static void
unreached(struct peer_core *self, struct peer_device *device, uint64_t again_ms)
{
    struct peer_contact *contact = peer_roster_contact_of(&self->roster, device);
    end_link(self, device);
    device->relay_at_ms = self->now.mono_ms + again_ms;
    peer_step_at(self, device->relay_at_ms);
    if (peer_talk_waits(self, contact))
        peer_links_want(self, contact);
    peer_mail_look(self, device);
}

/* Who has not asked answers, and so does who asked so long ago that it was lost.
 * On a link that is up it comes of a side that lost it; but two sides do not
 * answer each other's answers. */
static bool
hello(struct peer_core *self, struct peer_device *device, const struct msg_hello *frame)
{
    const bool soon = device->greeted_ms != 0 && self->now.mono_ms < device->greeted_ms + CROSSING_MS;
    const bool asked = device->relayed.state == PEER_LINK_GREETING && soon;
    if (device->relayed.state == PEER_LINK_UP && soon)
        return true;
    if (!asked)
        device->relayed = (struct peer_link){device->relayed.state != PEER_LINK_NONE ? device->relayed.id : peer_step_link(self), PEER_LINK_GREETING};
    device->direct_at_ms = device->dial_failures > 0 ? self->now.mono_ms + DIRECT_MS : device->direct_at_ms;
    device->relay_until_ms = 0;
    if (!peer_links_hello(self, device, &device->relayed, frame, !asked))
        return false;
    if (!asked)
        device->greeted_ms = self->now.mono_ms;
    return true;
}

/* False: it ends here. */
static bool
take(struct peer_core *self, struct peer_device *device, enum msg_kind kind, const union msg_any *any)
{
    if (kind == MSG_HELLO)
        return hello(self, device, &any->MSG_ANY_HELLO);
    if (device->relayed.state == PEER_LINK_UP)
        return peer_links_take(self, device, &device->relayed, kind, any);
    /* they think that there is one; now there will be */
    if (device->relayed.state == PEER_LINK_NONE)
        peer_relay_want(self, device);
    else if (self->now.mono_ms >= device->greeted_ms + CROSSING_MS)
        greet(self, device);
    return true;
}

static void
relayed(struct peer_core *self, const struct msg_relay *frame)
{
    struct msg_span in = frame->frames;
    while (in.len > 0) {
        union msg_any any;
        enum msg_kind kind;
        /* looked up each time: a frame may end the device */
        struct peer_device *device = peer_roster_device(&self->roster, frame->account, frame->device);
        if (device == NULL || peer_roster_contact_of(&self->roster, device)->blocked)
            return; /* nobody we know, or want to know */
        const enum conclave_err err = msg_codec_next_frame(&in, &kind, &any);
        if (err != CONCLAVE_OK || !take(self, device, kind, &any)) {
            peer_counts_refused(self, PEER_REFUSED_LINKS, "LINK-GARBAGE a link through the registry carried what it should not and ends:", msg_error_sentence(err == CONCLAVE_OK ? CONCLAVE_ERR_KIND : err));
            unreached(self, device, AGAIN_MS);
            return;
        }
    }
}

bool
peer_relay_frame(struct peer_core *self, enum msg_kind kind, const union msg_any *any)
{
    if (kind == MSG_RELAYED) {
        relayed(self, &any->MSG_ANY_RELAYED);
        return true;
    }
    if (kind != MSG_UNREACHED)
        return false;
    struct peer_device *device = peer_roster_device(&self->roster, any->MSG_ANY_UNREACHED.account, any->MSG_ANY_UNREACHED.device);
    if (device == NULL || device->relayed.state == PEER_LINK_NONE)
        return true;
    /* a link that was up may have been too fast: whether they are there is seen
     * by the next HELLO */
    const bool was_up = device->relayed.state == PEER_LINK_UP;
    device->away = !was_up && peer_links_direct(self, device) == NULL;
    unreached(self, device, was_up ? SOON_MS : AGAIN_MS);
    return true;
}

/* Somebody came or went: which of their devices is not said. */
void
peer_relay_presence(struct peer_core *self, struct peer_contact *contact)
{
    const bool there = contact->status == MSG_STATUS_ONLINE || contact->status == MSG_STATUS_AWAY;
    struct peer_device *device = peer_roster_first_device(&self->roster, contact);
    for (; device != NULL; device = peer_roster_next_device(&self->roster, device)) {
        device->away = !there && peer_links_direct(self, device) == NULL;
        device->relay_at_ms = there ? 0 : device->relay_at_ms;
        if (!device->away)
            continue;
        end_link(self, device);
        peer_mail_look(self, device);
    }
}

void
peer_relay_away(struct peer_core *self)
{
    uint32_t at = 0;
    for (struct peer_device *device; (device = peer_roster_each_device(&self->roster, &at)) != NULL;) {
        const bool was = device->relayed.state != PEER_LINK_NONE;
        end_link(self, device);
        device->away = false; /* nobody says so any more */
        device->relay_at_ms = 0;
        if (was && self->started && !self->stopped && peer_talk_device_waits(self, device))
            peer_links_want(self, peer_roster_contact_of(&self->roster, device));
    }
}

void
peer_relay_tick(struct peer_core *self)
{
    uint32_t at = 0;
    for (struct peer_device *device; (device = peer_roster_each_device(&self->roster, &at)) != NULL;) {
        if (device->relay_until_ms != 0 && self->now.mono_ms >= device->relay_until_ms)
            unreached(self, device, AGAIN_MS);
        if (device->relay_until_ms != 0)
            peer_step_at(self, device->relay_until_ms);
        if (device->relay_at_ms == 0)
            continue;
        if (self->now.mono_ms < device->relay_at_ms) {
            peer_step_at(self, device->relay_at_ms);
            continue;
        }
        device->relay_at_ms = 0;
        if (!peer_links_reaching(device) && peer_talk_device_waits(self, device))
            peer_links_want(self, peer_roster_contact_of(&self->roster, device));
    }
}

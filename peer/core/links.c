/* Links with devices of contacts: dial their candidates one after the other,
 * greet with certificates, keep one of two when both sides dialled, drop.
 * What goes through the front instead is relay.c's; all that is sent on a link
 * leaves here, and is wrapped where it has to be. */
#include "peer/core/parts.h"

#define CANDIDATE_MS 2000u  /* for each endpoint: connect and handshake */
#define GREETING_MS 5000u   /* for the HELLO of the other side */
#define RECEIPT_MS 10000u   /* what was told so long before a link went has arrived */
#define REDIAL_FIRST_MS 250u
#define REDIAL_LAST_MS 10000u

/* When both sides dialled, the link that the smaller key dialled wins. */
static bool
ours_wins(const struct peer_core *self, const struct peer_device *device)
{
    return memcmp(&self->identity.transport, &device->cert.transport, sizeof device->cert.transport) < 0;
}

struct peer_link *
peer_links_direct(const struct peer_core *self, struct peer_device *device)
{
    const bool dialled = device->dialled.state == PEER_LINK_UP;
    const bool accepted = device->accepted.state == PEER_LINK_UP;
    if (dialled && (!accepted || ours_wins(self, device)))
        return &device->dialled;
    return accepted ? &device->accepted : NULL;
}

struct peer_link *
peer_links_best(const struct peer_core *self, struct peer_device *device)
{
    struct peer_link *const direct = peer_links_direct(self, device);
    return direct != NULL || device->relayed.state != PEER_LINK_UP ? direct : &device->relayed;
}

bool
peer_links_reaching(const struct peer_device *device)
{
    return device->dialled.state != PEER_LINK_NONE || device->accepted.state != PEER_LINK_NONE || device->relayed.state != PEER_LINK_NONE;
}

void
peer_links_send_bytes(struct peer_core *self, const struct peer_device *device, uint64_t link, struct msg_span frames)
{
    if (device->relayed.state != PEER_LINK_NONE && device->relayed.id == link)
        peer_relay_send(self, device, frames);
    else
        peer_counts_send_bytes(self, link, frames);
}

void
peer_links_send(struct peer_core *self, const struct peer_device *device, uint64_t link, enum msg_kind kind, const void *message)
{
    struct msg_buf frame = {self->frame, 0, PEER_LINK_BYTES};
    if (msg_codec_encode(&frame, kind, message) == CONCLAVE_OK) /* none of them is so large */
        peer_links_send_bytes(self, device, link, msg_span_of_buf(&frame));
}

static void
end_link(struct peer_core *self, struct peer_link *link)
{
    if (link->state != PEER_LINK_NONE)
        msg_effects_drop(self->out, link->id);
    *link = (struct peer_link){0, PEER_LINK_NONE};
}

/* What was on its way is sent again, under a run of its own. */
void
peer_links_start_over(struct peer_core *self, struct peer_device *device)
{
    msg_run_wipe(&device->run_out);
    peer_talk_rewind(self, device);
}

void
peer_links_drop(struct peer_core *self, struct peer_device *device)
{
    end_link(self, &device->dialled);
    end_link(self, &device->accepted);
    device->relayed = (struct peer_link){0, PEER_LINK_NONE};
    device->dial_until_ms = device->dial_at_ms = device->relay_until_ms = 0;
    peer_links_start_over(self, device);
}

static void
dial_candidate(struct peer_core *self, struct peer_device *device)
{
    device->dialled = (struct peer_link){peer_step_link(self), PEER_LINK_DIALLING};
    device->dial_until_ms = self->now.mono_ms + CANDIDATE_MS;
    device->dial_at_ms = 0;
    msg_effects_dial(self->out, device->dialled.id, &device->cert.transport, msg_text(device->endpoints[device->candidate]));
    peer_step_at(self, device->dial_until_ms);
}

/* None of its endpoints answered: the front reaches it, and may know a better
 * one. */
static void
dial_failed(struct peer_core *self, struct peer_device *device)
{
    struct peer_contact *contact = peer_roster_contact_of(&self->roster, device);
    device->candidate = 0;
    device->dial_failures++;
    if (peer_talk_device_waits(self, device))
        peer_relay_want(self, device);
    if (!peer_talk_waits(self, contact) || device->relayed.state == PEER_LINK_UP)
        return;
    if (!peer_session_online(self)) {
        device->dial_at_ms = self->now.mono_ms + peer_step_backoff(REDIAL_FIRST_MS, REDIAL_LAST_MS, device->dial_failures);
        peer_step_at(self, device->dial_at_ms);
    } else if (device->dial_failures <= 1)
        peer_people_introduce(self, contact);
    else
        peer_people_introduce_later(self, contact);
}

static void
next_candidate(struct peer_core *self, struct peer_device *device)
{
    device->dialled = (struct peer_link){0, PEER_LINK_NONE};
    device->dial_until_ms = 0;
    if (++device->candidate < device->endpoint_count && peer_links_direct(self, device) == NULL)
        dial_candidate(self, device);
    else
        dial_failed(self, device);
}

void
peer_links_dial(struct peer_core *self, struct peer_device *device)
{
    if (device->dialled.state != PEER_LINK_NONE || device->endpoint_count == 0 || self->self.certificate_len == 0
        || self->settings.direct == MSG_DIRECT_NEVER || peer_roster_contact_of(&self->roster, device)->blocked
        || !peer_relay_may_dial(self, device))
        return;
    if (device->candidate >= device->endpoint_count)
        device->candidate = 0;
    dial_candidate(self, device);
}

void
peer_links_want(struct peer_core *self, struct peer_contact *contact)
{
    bool lacks = contact->devices == PEER_NONE; /* a device is neither linked nor being dialled */
    if (contact->blocked || self->self.account == 0 || self->self.logged_out || !self->started || self->stopped)
        return;
    struct peer_device *device = peer_roster_first_device(&self->roster, contact);
    for (; device != NULL; device = peer_roster_next_device(&self->roster, device)) {
        if (peer_links_best(self, device) != NULL)
            peer_talk_dirty(self, device);
        else if (device->dialled.state == PEER_LINK_NONE && device->accepted.state == PEER_LINK_NONE && device->dial_at_ms == 0
                 && (device->dial_failures == 0 || !peer_session_online(self)))
            peer_links_dial(self, device);
        if (!peer_links_reaching(device) && (device->dial_at_ms == 0 || device->dial_failures > 0))
            peer_relay_want(self, device); /* there was nothing to dial, or nobody answered there */
        /* a greeting through the front says nothing yet of who they are by now */
        const bool greeting = !contact->fresh && device->relayed.state == PEER_LINK_GREETING && device->dialled.state == PEER_LINK_NONE && device->accepted.state == PEER_LINK_NONE;
        lacks = lacks || ((!peer_links_reaching(device) || greeting) && peer_talk_device_waits(self, device));
    }
    if (lacks && contact->introduce_at_ms == 0)
        peer_people_introduce(self, contact);
}

void
peer_links_greet(struct peer_core *self, const struct peer_device *device, const struct peer_link *link)
{
    const struct msg_hello hello = {msg_span(self->self.certificate, self->self.certificate_len), self->revoked_version};
    peer_links_send(self, device, link->id, MSG_HELLO, &hello);
}

void
peer_links_up(struct peer_core *self, uint64_t link, const struct msg_box_pub *key)
{
    struct peer_device *device = peer_roster_by_link(&self->roster, link);
    if (device != NULL && device->dialled.id == link) {
        device->dialled.state = PEER_LINK_GREETING;
        device->dial_until_ms = self->now.mono_ms + GREETING_MS;
        peer_step_at(self, device->dial_until_ms);
        peer_links_greet(self, device, &device->dialled);
        return;
    }
    device = link >= PEER_LINK_ACCEPTED ? peer_roster_by_key(&self->roster, key) : NULL;
    if (device == NULL || peer_roster_contact_of(&self->roster, device)->blocked || self->self.logged_out) {
        msg_effects_drop(self->out, link);
        return;
    }
    if (device->accepted.state != PEER_LINK_NONE && device->accepted.id != link)
        end_link(self, &device->accepted); /* it came back before we saw it go */
    device->accepted = (struct peer_link){link, PEER_LINK_GREETING};
}

/* A link that carries messages from now on. */
static void
ready(struct peer_core *self, struct peer_device *device, struct peer_link *link)
{
    struct peer_contact *contact = peer_roster_contact_of(&self->roster, device);
    link->state = PEER_LINK_UP;
    if (link == &device->dialled) {
        device->dial_until_ms = 0;
        peer_roster_prefer_endpoint(device, msg_text(device->endpoints[device->candidate]));
        device->candidate = 0;
    }
    device->dial_failures = link == &device->relayed ? device->dial_failures : 0;
    device->away = false;
    device->unlinked_ms = 0;
    contact->introduce_failures = 0;
    if (device->dialled.state == PEER_LINK_UP && device->accepted.state == PEER_LINK_UP && !ours_wins(self, device))
        end_link(self, &device->dialled);
    if (link == &device->relayed && peer_links_direct(self, device) != NULL)
        return; /* only in case that one ends */
    peer_links_start_over(self, device);
    device->receipt_due = device->in.known;
    peer_talk_dirty(self, device);
}

bool
peer_links_hello(struct peer_core *self, struct peer_device *device, struct peer_link *link, const struct msg_hello *frame, bool answer)
{
    struct msg_cert cert;
    const uint64_t grace_ms = peer_session_online(self) ? 0 : MSG_CERT_GRACE_MS;
    enum conclave_err err = frame->certificate.len <= MSG_CERT_MAX ? msg_cert_open(&cert, frame->certificate, &self->self.signer) : CONCLAVE_ERR_TOO_LARGE;
    if (err == CONCLAVE_OK && (cert.account != device->cert.account || cert.device != device->cert.device))
        err = CONCLAVE_ERR_UNKNOWN_KEY;
    if (err == CONCLAVE_OK)
        err = msg_cert_check_time(&cert, peer_step_registry_ms(self), grace_ms);
    if (err == CONCLAVE_OK)
        err = peer_people_take_cert(self, device, frame->certificate, &cert);
    if (err != CONCLAVE_OK) {
        peer_step_log(self, MSG_LOG_WARN, "HELLO-REFUSED", msg_error_sentence(err));
        return false;
    }
    if (answer)
        peer_links_greet(self, device, link);
    if (frame->revoked_version < self->revoked_version && self->revocations_len > 0) {
        const struct msg_revoked list = {1, msg_span(self->revocations, self->revocations_len)};
        peer_links_send(self, device, link->id, MSG_REVOKED, &list);
    }
    ready(self, device, link);
    return true;
}

/* False: the link is not worth keeping. */
bool
peer_links_take(struct peer_core *self, struct peer_device *device, struct peer_link *link, enum msg_kind kind, const union msg_any *any)
{
    if (kind == MSG_HELLO)
        return link->state == PEER_LINK_UP || peer_links_hello(self, device, link, &any->MSG_ANY_HELLO, link == &device->accepted);
    if (link->state != PEER_LINK_UP)
        return false;
    if (kind == MSG_SEALED)
        peer_post_sealed(self, device, link->id, &any->MSG_ANY_SEALED);
    else if (kind == MSG_RUN)
        peer_post_run(self, device, link->id, &any->MSG_ANY_RUN);
    else if (kind == MSG_RESEAL)
        peer_post_reseal(self, device, &any->MSG_ANY_RESEAL);
    else if (kind == MSG_REVOKED)
        peer_trust_revoked(self, any->MSG_ANY_REVOKED.list);
    else
        return false;
    return true;
}

void
peer_links_frames(struct peer_core *self, const struct msg_event *event)
{
    struct msg_span in = event->bytes;
    const uint64_t id = event->link;
    while (in.len > 0) {
        union msg_any any;
        enum msg_kind kind;
        /* looked up each time: a frame may end the link, or its device */
        struct peer_device *device = peer_roster_by_link(&self->roster, id);
        if (device == NULL) {
            msg_effects_drop(self->out, id);
            return;
        }
        struct peer_link *link = device->dialled.id == id ? &device->dialled : &device->accepted;
        const enum conclave_err err = msg_codec_next_frame(&in, &kind, &any);
        if (err != CONCLAVE_OK || !peer_links_take(self, device, link, kind, &any)) {
            peer_counts_refused(self, PEER_REFUSED_LINKS, "LINK-GARBAGE a link sent what it should not and was cut:", msg_error_sentence(err == CONCLAVE_OK ? CONCLAVE_ERR_KIND : err));
            peer_links_down(self, id, CONCLAVE_ERR_KIND);
            msg_effects_drop(self->out, id);
            return;
        }
    }
}

/* A receipt that left just before the link went may not have arrived. */
static void
lost_receipt(struct peer_core *self, struct peer_device *device)
{
    if (!device->in.known || device->told_ms == 0 || self->now.mono_ms >= device->told_ms + RECEIPT_MS)
        return;
    device->receipt_due = true;
    peer_talk_dirty(self, device);
}

void
peer_links_down(struct peer_core *self, uint64_t id, enum conclave_err err)
{
    struct peer_device *device = peer_roster_by_link(&self->roster, id);
    if (device == NULL)
        return;
    struct peer_link *link = device->dialled.id == id ? &device->dialled : &device->accepted;
    const enum peer_link_state was = link->state;
    if (was == PEER_LINK_DIALLING || (was == PEER_LINK_GREETING && link == &device->dialled)) {
        (void)err; /* refused, denied or silent: the next candidate may be better */
        next_candidate(self, device);
        return;
    }
    *link = (struct peer_link){0, PEER_LINK_NONE};
    lost_receipt(self, device);
    peer_links_start_over(self, device);
    if (peer_links_best(self, device) != NULL)
        peer_talk_dirty(self, device);
    else if (was == PEER_LINK_UP) {
        device->dial_at_ms = self->now.mono_ms + peer_step_backoff(REDIAL_FIRST_MS, REDIAL_LAST_MS, device->dial_failures + 1);
        peer_step_at(self, device->dial_at_ms);
    }
}

static void
tick_one(struct peer_core *self, struct peer_device *device)
{
    const uint64_t now = self->now.mono_ms;
    if (device->dial_until_ms != 0 && now >= device->dial_until_ms) {
        msg_effects_drop(self->out, device->dialled.id);
        next_candidate(self, device);
    }
    if (device->dial_at_ms != 0 && now >= device->dial_at_ms) {
        struct peer_contact *contact = peer_roster_contact_of(&self->roster, device);
        device->dial_at_ms = 0;
        if (peer_talk_waits(self, contact))
            peer_links_want(self, contact);
    }
    if (device->dial_until_ms != 0)
        peer_step_at(self, device->dial_until_ms);
    if (device->dial_at_ms != 0)
        peer_step_at(self, device->dial_at_ms);
}

void
peer_links_tick(struct peer_core *self)
{
    uint32_t at = 0;
    for (struct peer_device *device; (device = peer_roster_each_device(&self->roster, &at)) != NULL;)
        tick_one(self, device);
}

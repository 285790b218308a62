/* People: who they are (introductions, certificates, pins) and whether they
 * are there (presence). */
#include "peer/core/parts.h"

#include <stdio.h>

#define INTRODUCE_FIRST_MS 1000u
#define INTRODUCE_LAST_MS 30000u
#define WATCH_LATE_MS 3000u

/* Takes a certificate that was opened for a device of the roster.  A device
 * keeps its signing and transport keys for life: others under its number are a
 * changed key, told and refused. */
enum conclave_err
peer_people_take_cert(struct peer_core *self, struct peer_device *device, struct msg_span certificate, const struct msg_cert *cert)
{
    const bool fresh = device->certificate_len == 0;
    if (!fresh && (!msg_keys_equal(&device->cert.sign, &cert->sign, sizeof cert->sign)
                   || !msg_keys_equal(&device->cert.transport, &cert->transport, sizeof cert->transport)))
        return CONCLAVE_ERR_PEER_KEY_CHANGED;
    if (!fresh && cert->serial <= device->cert.serial)
        return CONCLAVE_OK; /* an older one says nothing new */
    const bool other_mail = !msg_keys_equal(&device->cert.mail, &cert->mail, sizeof cert->mail);
    device->cert = *cert;
    memcpy(device->certificate, certificate.at, certificate.len);
    device->certificate_len = certificate.len;
    if (other_mail)
        msg_run_wipe(&device->run_out);
    peer_roster_put_device(device, self->out);
    (void)peer_step_store(self); /* only marks that this step writes */
    return CONCLAVE_OK;
}

static bool
is_us(const struct peer_core *self, const struct msg_cert *cert)
{
    return cert->account == self->self.account && cert->device == self->self.device;
}

/* The contact that a certificate speaks of, made if need be.  A known name
 * under another account is a changed key. */
static enum conclave_err
contact_for(struct peer_core *self, const struct msg_cert *cert, struct peer_contact **contact_p)
{
    struct msg_name name;
    *contact_p = NULL;
    if (msg_name_parse(&name, msg_text(cert->name)) != CONCLAVE_OK)
        return CONCLAVE_ERR_BAD_NAME;
    struct peer_contact *contact = peer_roster_named(&self->roster, &name);
    if (contact != NULL && contact->account != cert->account)
        return CONCLAVE_ERR_PEER_KEY_CHANGED;
    if (contact == NULL) {
        contact = peer_roster_add(&self->roster, cert->account, msg_text(cert->name));
        if (contact == NULL)
            return CONCLAVE_ERR_QUOTA_EXCEEDED;
        contact->status = peer_room_present_status(self, cert->account);
        peer_roster_put_contact(contact, self->out);
        (void)peer_step_store(self); /* only marks that this step writes */
        if (peer_session_online(self))
            peer_people_watch(self);
    }
    *contact_p = contact;
    return CONCLAVE_OK;
}

static enum conclave_err
device_for(struct peer_core *self, struct peer_contact *contact, const struct msg_cert *cert, struct msg_span certificate, struct peer_device **device_p)
{
    struct peer_device *device = peer_roster_device(&self->roster, cert->account, cert->device);
    const bool fresh = device == NULL;
    struct peer_device *const before = fresh ? peer_roster_by_key(&self->roster, &cert->transport) : NULL;
    *device_p = NULL;
    if (before != NULL) { /* a home that forgot its account and has another: one key is one device */
        struct peer_contact *const owner = peer_roster_contact_of(&self->roster, before);
        if (cert->serial <= before->cert.serial)
            return CONCLAVE_ERR_REVOKED;
        peer_trust_drop(self, before);
        peer_talk_settle(self, owner);
    }
    const bool others = contact->devices != PEER_NONE;
    if (fresh)
        device = peer_roster_add_device(&self->roster, contact, cert->device);
    *device_p = device;
    if (device == NULL)
        return CONCLAVE_ERR_QUOTA_EXCEEDED;
    const enum conclave_err err = peer_people_take_cert(self, device, certificate, cert);
    if (err != CONCLAVE_OK || !fresh)
        return err;
    peer_talk_joined(self, device);
    if (!contact->blocked)
        msg_effects_admit(self->out, &device->cert.transport);
    if (others) {
        char text[MSG_NAME_MAX + 128];
        (void)snprintf(text, sizeof text, "%s has a new device (number %llu) that nobody has confirmed.", contact->name, (unsigned long long)cert->device);
        peer_step_notice(self, CONCLAVE_OK, msg_text(text));
    }
    return CONCLAVE_OK;
}

/* A certificate from the registry: pins its device. */
enum conclave_err
peer_people_meet(struct peer_core *self, struct msg_span certificate, struct peer_device **device_p)
{
    struct msg_cert cert;
    struct peer_contact *contact = NULL;
    *device_p = NULL;
    if (certificate.len > MSG_CERT_MAX)
        return CONCLAVE_ERR_TOO_LARGE;
    enum conclave_err err = msg_cert_open(&cert, certificate, &self->self.signer);
    if (err == CONCLAVE_OK && is_us(self, &cert))
        err = CONCLAVE_ERR_REPLAY;
    if (err == CONCLAVE_OK)
        err = contact_for(self, &cert, &contact);
    if (err == CONCLAVE_OK)
        err = device_for(self, contact, &cert, certificate, device_p);
    return err;
}

/* The same is not told again with every try. */
void
peer_people_warn(struct peer_core *self, struct peer_contact *contact, enum conclave_err err, struct msg_text text)
{
    if (contact->warned != err)
        peer_step_notice_about(self, msg_text(contact->name), err, text);
    contact->warned = err;
}

/* An INTRODUCE for somebody we know, unless one is under way. */
void
peer_people_introduce(struct peer_core *self, struct peer_contact *contact)
{
    if (contact->introduce_req != 0 || contact->blocked || !peer_session_online(self))
        return;
    struct peer_request *request = peer_requests_add(self, MSG_INTRODUCE, 0, msg_text(contact->name));
    if (request == NULL) {
        contact->introduce_at_ms = self->now.mono_ms + INTRODUCE_FIRST_MS;
        peer_step_at(self, contact->introduce_at_ms);
        return;
    }
    request->number = (uint64_t)peer_roster_index(&self->roster, contact) + 1;
    contact->introduce_req = request->req;
    contact->introduce_at_ms = 0;
    contact->sure_next = contact->said;
    contact->fresh = true;
    peer_requests_go(self, request);
}

static struct peer_contact *
contact_of_request(struct peer_core *self, const struct peer_request *request)
{
    if (request->number == 0 || request->number > self->roster.contact_count)
        return NULL;
    struct peer_contact *contact = &self->roster.contacts[request->number - 1];
    return contact->used && contact->introduce_req == request->req ? contact : NULL;
}

void
peer_people_introduce_later(struct peer_core *self, struct peer_contact *contact)
{
    contact->introduce_failures++;
    contact->introduce_at_ms = self->now.mono_ms + peer_step_backoff(INTRODUCE_FIRST_MS, INTRODUCE_LAST_MS, contact->introduce_failures);
    peer_step_at(self, contact->introduce_at_ms);
}

/* Devices that the registry no longer lists were revoked. */
void
peer_people_keep_only(struct peer_core *self, struct peer_contact *contact, const uint64_t *listed, size_t count)
{
    struct peer_device *device = peer_roster_first_device(&self->roster, contact);
    while (device != NULL) {
        struct peer_device *next = peer_roster_next_device(&self->roster, device);
        bool there = false;
        for (size_t i = 0; i < count; i++)
            there = there || listed[i] == device->cert.device;
        if (!there)
            peer_trust_drop(self, device);
        device = next;
    }
}

static enum conclave_err
take_cards(struct peer_core *self, const struct msg_introduced *answer)
{
    uint64_t listed[MSG_DEVICE_COUNT];
    size_t count = 0;
    struct msg_list cards = answer->devices;
    struct msg_device_card card;
    enum conclave_err worst = CONCLAVE_OK;
    while (count < MSG_DEVICE_COUNT && msg_codec_next(&cards, MSG_DEVICE_CARD, &card)) {
        struct peer_device *device;
        const enum conclave_err err = peer_people_meet(self, card.certificate, &device);
        if (err != CONCLAVE_OK && err != CONCLAVE_ERR_REPLAY)
            worst = err;
        if (err != CONCLAVE_OK || device->cert.account != answer->account)
            continue;
        listed[count++] = device->cert.device;
        struct msg_address address;
        char order[MSG_ENDPOINT_COUNT][MSG_ENDPOINT_MAX + 1];
        size_t n = 0;
        while (n < MSG_ENDPOINT_COUNT && msg_codec_next(&card.endpoints, MSG_ADDRESS, &address))
            msg_text_copy(order[n++], sizeof order[0], address.endpoint);
        const bool other = n > 0 && strcmp(order[0], device->endpoints[0]) != 0;
        for (size_t i = n; i > 0; i--)
            peer_roster_prefer_endpoint(device, msg_text(order[i - 1]));
        if (n > 0) {
            device->direct_at_ms = other ? 0 : device->direct_at_ms;
            peer_roster_put_device(device, self->out);
            (void)peer_step_store(self); /* only marks that this step writes */
            device->candidate = 0;
        }
        device->away = !card.online && peer_links_best(self, device) == NULL;
        if (card.online && n > 0 && peer_links_direct(self, device) == NULL)
            peer_links_dial(self, device);
        if (card.online && !peer_links_reaching(device) && peer_talk_device_waits(self, device))
            peer_relay_want(self, device);
        peer_mail_look(self, device);
    }
    struct peer_contact *contact = peer_roster_contact(&self->roster, answer->account);
    if (contact != NULL && worst == CONCLAVE_OK && count > 0)
        peer_people_keep_only(self, contact, listed, count);
    return worst;
}

/* The request that asks who somebody is, to whom something was said; NULL: none. */
static struct peer_request *
asking_for(struct peer_core *self, const struct msg_name *name)
{
    struct msg_name other;
    if (self->requests_count == 0)
        return NULL; /* as nearly always, and with each message that is said */
    for (size_t i = 0; i < PEER_REQUESTS; i++) {
        struct peer_request *request = &self->requests[i];
        if (request->used && request->said.count > 0 && msg_name_parse(&other, msg_text(request->name)) == CONCLAVE_OK
            && strcmp(other.folded, name->folded) == 0)
            return request;
    }
    return NULL;
}

/* Everything that was said to somebody before they were known, in its order. */
static void
say_all(struct peer_core *self, struct peer_request *request, struct peer_contact *contact, enum conclave_err err, struct msg_text why)
{
    while (request != NULL && request->said.count > 0) {
        const uint64_t cmd = peer_outbox_at(self->outbox, request->said.first)->cmd;
        const struct msg_text text = peer_outbox_text(self->outbox, request->said.first, self->text);
        peer_outbox_shift(self->outbox, &request->said);
        if (contact != NULL && err == CONCLAVE_OK)
            (void)peer_talk_say(self, contact, cmd, text); /* it tells what became of it */
        else
            peer_step_failed(self, cmd, err, why, 0);
    }
}

/* True when something waits for a device that is not being reached. */
static bool
lacks_link(struct peer_core *self, struct peer_contact *contact)
{
    struct peer_device *device = peer_roster_first_device(&self->roster, contact);
    if (device == NULL)
        return peer_talk_waits(self, contact);
    for (; device != NULL; device = peer_roster_next_device(&self->roster, device))
        if (!peer_links_reaching(device) && peer_talk_device_waits(self, device))
            return true;
    return false;
}

/* Each change is told once, whichever answer brings it. */
static void
set_status(struct peer_core *self, struct peer_contact *contact, uint64_t status)
{
    const struct msg_tell_presence tell = {.name = msg_text(contact->name), .status = status};
    if (contact->status != status)
        msg_effects_tell(self->out, MSG_TELL_PRESENCE, &tell);
    contact->status = status;
}

void
peer_people_introduced(struct peer_core *self, struct peer_request *request, const struct msg_introduced *answer)
{
    struct msg_name name;
    struct peer_contact *asked = contact_of_request(self, request);
    if (asked != NULL)
        asked->introduce_req = 0;
    enum conclave_err err = msg_name_parse(&name, answer->name);
    if (err == CONCLAVE_OK && asked != NULL && asked->account != answer->account)
        err = CONCLAVE_ERR_PEER_KEY_CHANGED;
    if (err == CONCLAVE_OK)
        err = take_cards(self, answer);
    struct peer_contact *contact = peer_roster_contact(&self->roster, answer->account);
    if (asked != NULL && err == CONCLAVE_ERR_PEER_KEY_CHANGED)
        peer_people_warn(self, asked, err, msg_text(""));
    else if (asked != NULL)
        asked->warned = CONCLAVE_OK;
    if (contact != NULL)
        set_status(self, contact, answer->status);
    if (contact != NULL && contact == asked) {
        if (err == CONCLAVE_OK)
            contact->sure = contact->sure_next;
        peer_talk_settle(self, contact);
    } else if (contact != NULL && err == CONCLAVE_OK)
        contact->fresh = true;
    if (contact != NULL && lacks_link(self, contact))
        peer_people_introduce_later(self, contact);
    say_all(self, request, contact, contact == NULL && err == CONCLAVE_OK ? CONCLAVE_ERR_NO_SUCH_USER : err, msg_text(""));
}

void
peer_people_not_introduced(struct peer_core *self, struct peer_request *request, enum conclave_err err, struct msg_text text)
{
    struct peer_contact *contact = contact_of_request(self, request);
    if (contact != NULL) {
        contact->introduce_req = 0;
        contact->fresh = false;
        peer_talk_settle(self, contact);
        if (err == CONCLAVE_ERR_REFUSED || err == CONCLAVE_ERR_FORBIDDEN || err == CONCLAVE_ERR_NO_SUCH_USER)
            peer_people_warn(self, contact, err, text);
        if (peer_talk_waits(self, contact))
            peer_people_introduce_later(self, contact);
    }
    struct msg_name name;
    if (request->said.count == 0 || msg_name_parse(&name, msg_text(request->name)) != CONCLAVE_OK)
        return;
    contact = peer_roster_named(&self->roster, &name); /* they may have become known by themselves */
    const bool known = contact != NULL && !contact->blocked;
    say_all(self, request, known ? contact : NULL, known ? CONCLAVE_OK : err, text);
}

/* Somebody wants to dial us: pin and admit them, unless they are blocked. */
void
peer_people_introduction(struct peer_core *self, const struct msg_introduction *introduction)
{
    struct peer_device *device;
    const enum conclave_err err = peer_people_meet(self, introduction->certificate, &device);
    bool yes = err == CONCLAVE_OK;
    if (yes) {
        struct peer_contact *contact = peer_roster_contact_of(&self->roster, device);
        yes = !contact->blocked;
        if (yes)
            msg_effects_admit(self->out, &device->cert.transport);
    } else if (err == CONCLAVE_ERR_PEER_KEY_CHANGED) {
        struct msg_cert cert;
        struct msg_name name;
        struct peer_contact *contact = NULL;
        if (msg_cert_open(&cert, introduction->certificate, &self->self.signer) == CONCLAVE_OK && msg_name_parse(&name, msg_text(cert.name)) == CONCLAVE_OK)
            contact = peer_roster_named(&self->roster, &name);
        if (contact != NULL)
            peer_people_warn(self, contact, err, msg_text(""));
        else
            peer_step_notice(self, err, msg_text(""));
    }
    const struct msg_consent consent = {introduction->intro, yes};
    peer_session_send(self, MSG_CONSENT, &consent);
}

/* What is said goes to a contact at once; somebody unknown is looked up first. */
void
peer_people_say(struct peer_core *self, const struct msg_cmd_say *say)
{
    if (say->name.len > 0 && say->name.at[0] == '#') {
        peer_room_said(self, say);
        return;
    }
    if (say->text.len > MSG_TEXT_MAX) {
        peer_step_failed(self, say->req, CONCLAVE_ERR_TOO_LARGE, msg_text(""), 0);
        return;
    }
    if (say->text.len == 0) {
        peer_step_failed(self, say->req, CONCLAVE_ERR_BAD_ARGUMENTS, msg_text("There is nothing to say: the text is empty."), 0);
        return;
    }
    const struct msg_name *const name = peer_roster_typed(&self->roster, say->name);
    if (name == NULL) {
        peer_step_failed(self, say->req, CONCLAVE_ERR_NO_SUCH_USER, msg_text(""), 0);
        return;
    }
    if (strcmp(name->folded, self->self.name.folded) == 0) {
        peer_step_failed(self, say->req, CONCLAVE_ERR_BAD_ARGUMENTS, msg_text("That is you."), 0);
        return;
    }
    struct peer_contact *contact = peer_roster_named(&self->roster, name);
    if (contact != NULL) {
        if (contact->blocked)
            peer_step_failed(self, say->req, CONCLAVE_ERR_FORBIDDEN, msg_text("You have blocked that user; unblock them first."), 0);
        else {
            contact->warned = CONCLAVE_OK; /* what goes wrong with this one is told */
            /* they may have become known by themselves while we were asking who they are */
            say_all(self, asking_for(self, name), contact, CONCLAVE_OK, msg_text(""));
            (void)peer_talk_say(self, contact, say->req, say->text); /* it tells what became of it */
        }
        return;
    }
    if (!peer_outbox_fits(self->outbox, say->text.len)) {
        peer_step_failed(self, say->req, CONCLAVE_ERR_QUOTA_EXCEEDED, msg_text("Too many messages wait to be sent."), 0);
        return;
    }
    struct peer_request *request = asking_for(self, name);
    const bool asked = request != NULL;
    if (!asked)
        request = peer_requests_add(self, MSG_INTRODUCE, 0, say->name);
    if (request == NULL) {
        peer_step_failed(self, say->req, CONCLAVE_ERR_BUSY, msg_text("Too many requests wait for the registry; wait for some answers."), 1000);
        return;
    }
    const struct peer_out out = {.cmd = say->req, .ts_ms = self->now.wall_ms};
    (void)peer_outbox_add(self->outbox, &request->said, &out, say->text); /* it fits: asked above */
    if (!asked)
        peer_requests_go(self, request);
}

void
peer_people_presence(struct peer_core *self, const struct msg_presence *presence)
{
    struct msg_list changes = presence->changes;
    struct msg_user user;
    while (msg_codec_next(&changes, MSG_USER, &user)) {
        struct msg_name name;
        struct peer_contact *contact = msg_name_parse(&name, user.name) == CONCLAVE_OK ? peer_roster_named(&self->roster, &name) : NULL;
        if (contact == NULL)
            continue;
        contact->fresh = false;
        set_status(self, contact, user.status);
        peer_relay_presence(self, contact);
        if (user.status != MSG_STATUS_OFFLINE && user.status != MSG_STATUS_NOT_FOUND && peer_talk_waits(self, contact)) {
            contact->introduce_failures = 0;
            contact->introduce_at_ms = 0;
            peer_people_introduce(self, contact);
        }
    }
}

/* Subscribes to the presence of contacts, a page at a time. */
void
peer_people_watch(struct peer_core *self)
{
    uint8_t room[MSG_WATCH_PAGE * (MSG_NAME_MAX + 8)];
    struct msg_buf buf = {room, 0, sizeof room};
    struct msg_watch watch = {0};
    uint32_t at = 0;
    for (struct peer_contact *contact; watch.names.count < MSG_WATCH_PAGE && (contact = peer_roster_each(&self->roster, &at)) != NULL;) {
        const struct msg_name_item item = {msg_text(contact->name)};
        if (!contact->watched && msg_codec_append(&buf, &watch.names, MSG_NAME, &item) != CONCLAVE_OK)
            break; /* cannot happen: the room is for the most there can be */
    }
    self->watch_req = 0;
    self->watch_at_ms = 0;
    if (watch.names.count == 0 || !peer_session_online(self))
        return;
    watch.req = self->watch_req = peer_step_req(self);
    self->watch_at_ms = self->now.mono_ms + WATCH_LATE_MS;
    peer_step_at(self, self->watch_at_ms);
    peer_session_send(self, MSG_WATCH, &watch);
}

void
peer_people_watched(struct peer_core *self)
{
    uint32_t at = 0, count = 0;
    for (struct peer_contact *contact; count < MSG_WATCH_PAGE && (contact = peer_roster_each(&self->roster, &at)) != NULL;)
        if (!contact->watched) {
            contact->watched = true;
            count++;
        }
    peer_people_watch(self);
}

void
peer_people_away(struct peer_core *self)
{
    uint32_t at = 0;
    self->watch_req = 0;
    peer_room_away(self);
    for (struct peer_contact *contact; (contact = peer_roster_each(&self->roster, &at)) != NULL;)
        contact->watched = contact->fresh = false;
}

void
peer_people_tick(struct peer_core *self)
{
    const uint64_t now = self->now.mono_ms;
    uint32_t at = 0;
    for (struct peer_contact *contact; (contact = peer_roster_each(&self->roster, &at)) != NULL;) {
        if (contact->introduce_at_ms == 0)
            continue;
        if (now < contact->introduce_at_ms)
            peer_step_at(self, contact->introduce_at_ms);
        else {
            contact->introduce_at_ms = 0;
            if (peer_talk_waits(self, contact))
                peer_links_want(self, contact);
        }
    }
    if (self->watch_at_ms != 0 && now >= self->watch_at_ms)
        peer_people_watch(self);
    else if (self->watch_at_ms != 0)
        peer_step_at(self, self->watch_at_ms);
}

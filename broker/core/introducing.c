/* Introductions: who wants to talk to somebody asks here; every device of the
 * other account that is online is asked first.  The asker is told where those
 * are that consent and let themselves be seen; to others it talks by relay. */
#include <assert.h>

#include "broker/core/front_state.h"
#include "msg/codec.h"

static_assert(MSG_DEVICE_COUNT * (MSG_CERT_MAX + BROKER_REACH_BYTES + 64u) < MSG_FRAME_MAX - 1024u,
              "the cards of one account fit into a frame");

/* Adds the device's card to the list; online when it consented, and with its
 * endpoints when they may be seen. */
static void
add_card(struct broker_front_core *self, const struct msg_rec_device *device, const struct broker_session *session,
         uint64_t asker, struct msg_list *cards)
{
    struct msg_device_card card = {.certificate = device->certificate, .online = session != NULL};
    const bool shown = session != NULL
                       && broker_people_permits(&self->people, (uint32_t)(session - self->sessions.list), asker);
    struct msg_address address;
    size_t at = 0;

    self->nested.len = 0;
    while (shown && broker_reach_next(&session->reach, &at, &address.endpoint))
        if (msg_codec_append(&self->nested, &card.endpoints, MSG_ADDRESS, &address) != CONCLAVE_OK)
            break;
    if (msg_codec_append(&self->items, cards, MSG_DEVICE_CARD, &card) != CONCLAVE_OK)
        assert(false); /* the bounds above leave room */
}

/* The session of the device, if it consented. */
static const struct broker_session *
consented(const struct broker_front_core *self, const struct broker_introduction *introduction, uint64_t device)
{
    for (uint32_t i = 0; introduction != NULL && i < introduction->count; i++)
        if (introduction->asked[i].device == device && introduction->asked[i].consent == BROKER_CONSENT_YES)
            return &self->sessions.list[introduction->asked[i].session];
    return NULL;
}

/* INTRODUCED with all devices of the account but the asker's own one. */
static void
answer(struct broker_front_core *self, const struct broker_session *asker, uint64_t req, uint64_t account,
       const struct broker_introduction *introduction)
{
    struct msg_introduced introduced = {.req = req, .account = account, .status = MSG_STATUS_OFFLINE};
    struct msg_rec_account record;
    struct msg_rec_device device;
    char name[MSG_NAME_MAX + 1];
    uint64_t at = 0;

    if (!broker_accounts_get(&self->view, account, &record)) {
        broker_front_core_refuse(self, asker->conn, req, CONCLAVE_ERR_NO_SUCH_USER, NULL, 0);
        return;
    }
    msg_text_copy(name, sizeof name, record.name);
    introduced.name = msg_text(name);
    self->items.len = 0;
    while (introduced.devices.count < MSG_DEVICE_COUNT
           && broker_accounts_next_device(&self->view, account, &at, &device)) {
        if (device.revoked_ms != 0 || device.certificate.len == 0
            || (account == asker->account && device.device == asker->device))
            continue;
        const struct broker_session *session = consented(self, introduction, device.device);
        if (session != NULL && introduced.status != MSG_STATUS_ONLINE)
            introduced.status = session->reach.status;
        add_card(self, &device, session, asker->account, &introduced.devices);
    }
    self->counts.introductions++;
    broker_front_core_send(self, asker->conn, MSG_INTRODUCED, &introduced);
}

/* All have answered, or their time is over. */
static void
conclude(struct broker_front_core *self, struct broker_introduction *introduction)
{
    struct broker_session *asker = &self->sessions.list[introduction->session];
    bool yes = false, no = false;

    asker->asking--;
    for (uint32_t i = 0; i < introduction->count; i++) {
        yes |= introduction->asked[i].consent == BROKER_CONSENT_YES;
        no |= introduction->asked[i].consent == BROKER_CONSENT_NO;
        if (introduction->asked[i].session != BROKER_NONE)
            self->sessions.list[introduction->asked[i].session].asked--;
    }
    if (no && !yes)
        broker_front_core_refuse(self, asker->conn, introduction->req, CONCLAVE_ERR_REFUSED, NULL, 0);
    else
        answer(self, asker, introduction->req, introduction->account, introduction);
    broker_introductions_end(&self->introductions, introduction);
}

/* Asks every device of the person that is online, but the asker itself. */
static void
ask_devices(struct broker_front_core *self, const struct broker_ask *ask, struct broker_introduction *introduction,
            uint32_t person)
{
    struct broker_session *asker = &self->sessions.list[ask->session];
    struct msg_rec_device device;
    uint32_t at = self->people.list[person].session_first;

    if (!broker_accounts_device(&self->view, asker->account, asker->device, &device))
        return;
    const struct msg_introduction message = {introduction->id, device.certificate};
    for (; at != 0 && introduction->count < BROKER_INTRODUCTION_DEVICES;
         at = self->sessions.list[at - 1].person_next) {
        struct broker_session *session = &self->sessions.list[at - 1];
        if (session == asker)
            continue;
        introduction->asked[introduction->count].device = session->device;
        introduction->asked[introduction->count].session = at - 1;
        introduction->count++;
        introduction->pending++;
        session->asked++;
        broker_front_core_send(self, session->conn, MSG_INTRODUCTION, &message);
    }
}

/* The same question over the same connection while it waits: it will be
 * answered once. */
static bool
waits_already(const struct broker_front_core *self, uint32_t session, uint64_t req)
{
    const struct broker_introductions *all = &self->introductions;

    if (self->sessions.list[session].asking == 0)
        return false;
    for (uint32_t i = 0; i < all->high; i++)
        if (all->list[i].id != 0 && all->list[i].session == session && all->list[i].req == req)
            return true;
    return false;
}

void
broker_introducing_ask(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    const struct msg_search *introduce = &any->MSG_ANY_INTRODUCE;
    struct broker_session *asker = &self->sessions.list[ask->session];
    struct msg_name name;
    uint64_t account;

    if (waits_already(self, ask->session, introduce->req))
        return;
    if (msg_name_parse(&name, introduce->name) != CONCLAVE_OK
        || !broker_accounts_by_name(&self->view, &name, &account)) {
        broker_front_core_refuse(self, ask->link, introduce->req, CONCLAVE_ERR_NO_SUCH_USER, NULL, 0);
        return;
    }
    if (broker_renewing_holds(self, ask, MSG_INTRODUCE, introduce, account))
        return;
    const uint32_t person = broker_people_by_account(&self->people, account);
    const uint32_t others = person != BROKER_NONE ? self->people.list[person].session_first : 0;
    /* Nobody there, or nobody but the asker itself. */
    const bool alone = others == 0
                       || (others - 1 == ask->session && asker->person_next == 0 && account == asker->account);
    if (alone) {
        answer(self, asker, introduce->req, account, NULL);
        return;
    }
    struct broker_introduction *introduction = NULL;
    if (asker->asking < BROKER_INTRODUCTIONS_PER_SESSION)
        introduction = broker_introductions_add(&self->introductions, self->now.mono_ms);
    if (introduction == NULL) {
        broker_front_core_refuse(self, ask->link, introduce->req, CONCLAVE_ERR_BUSY, NULL, BROKER_BUSY_MS);
        return;
    }
    introduction->req = introduce->req;
    introduction->account = account;
    introduction->session = ask->session;
    ask_devices(self, ask, introduction, person);
    if (introduction->count > 0) {
        asker->asking++;
        return;
    }
    broker_introductions_end(&self->introductions, introduction);
    answer(self, asker, introduce->req, account, NULL);
}

void
broker_introducing_consent(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    const struct msg_consent *consent = &any->MSG_ANY_CONSENT;
    struct broker_introduction *introduction = broker_introductions_find(&self->introductions, consent->intro);

    /* One that is over, or was never asked of this session: too late to matter. */
    for (uint32_t i = 0; introduction != NULL && i < introduction->count; i++) {
        if (introduction->asked[i].session != ask->session
            || introduction->asked[i].consent != BROKER_CONSENT_PENDING)
            continue;
        introduction->asked[i].consent = consent->yes ? BROKER_CONSENT_YES : BROKER_CONSENT_NO;
        if (--introduction->pending == 0)
            conclude(self, introduction);
        return;
    }
}

void
broker_introducing_forget(struct broker_front_core *self, uint32_t slot)
{
    struct broker_introductions *all = &self->introductions;
    struct broker_session *session = &self->sessions.list[slot];

    for (uint32_t at = 0; (session->asking > 0 || session->asked > 0) && at < all->high; at++) {
        struct broker_introduction *introduction = &all->list[at];
        if (introduction->id == 0)
            continue;
        for (uint32_t i = 0; i < introduction->count; i++) {
            if (introduction->asked[i].session != slot)
                continue;
            /* It cannot be reached any more, whatever it said. */
            if (introduction->asked[i].consent == BROKER_CONSENT_PENDING)
                introduction->pending--;
            introduction->asked[i].consent = BROKER_CONSENT_PENDING;
            introduction->asked[i].session = BROKER_NONE;
            session->asked--;
        }
        if (introduction->session == slot) {
            for (uint32_t i = 0; i < introduction->count; i++)
                if (introduction->asked[i].session != BROKER_NONE)
                    self->sessions.list[introduction->asked[i].session].asked--;
            session->asking--;
            broker_introductions_end(all, introduction);
        } else if (introduction->pending == 0) {
            conclude(self, introduction);
        }
    }
}

void
broker_introducing_due(struct broker_front_core *self)
{
    struct broker_introduction *introduction;

    while ((introduction = broker_introductions_due(&self->introductions, self->now.mono_ms)) != NULL)
        conclude(self, introduction);
}

/* The people this device talks with: tables with room taken at the start. */
#include "peer/tables/roster.h"

#include "msg/codec.h"
#include "msg/pages.h"
#include "peer/tables/tables.h"

#define DEVICES_PER_CONTACT 4u  /* on average; the table is shared */

bool
peer_roster_init(struct peer_roster *self, uint32_t contacts)
{
    memset(self, 0, sizeof *self);
    self->contact_room = contacts;
    self->device_room = contacts * DEVICES_PER_CONTACT;
    self->contacts = msg_pages_new(self->contact_room, sizeof *self->contacts);
    self->devices = msg_pages_new(self->device_room, sizeof *self->devices);
    self->dirty = msg_pages_new(self->device_room, 1);
    self->syncing = msg_pages_new(self->device_room, 1);
    return self->contacts != NULL && self->devices != NULL && self->dirty != NULL && self->syncing != NULL;
}

void
peer_roster_wipe(struct peer_roster *self)
{
    for (uint32_t i = 0; self->devices != NULL && i < self->device_count; i++) {
        msg_run_wipe(&self->devices[i].run_out);
        for (size_t r = 0; r < PEER_RUNS_IN; r++)
            msg_run_wipe(&self->devices[i].runs_in[r]);
    }
    msg_pages_free(self->contacts, self->contact_room, sizeof *self->contacts);
    msg_pages_free(self->devices, self->device_room, sizeof *self->devices);
    msg_pages_free(self->dirty, self->device_room, 1);
    msg_pages_free(self->syncing, self->device_room, 1);
    memset(self, 0, sizeof *self);
}

struct peer_contact *
peer_roster_contact(struct peer_roster *self, uint64_t account)
{
    for (uint32_t i = 0; i < self->contact_count; i++)
        if (self->contacts[i].used && self->contacts[i].account == account)
            return &self->contacts[i];
    return NULL;
}

struct peer_contact *
peer_roster_named(struct peer_roster *self, const struct msg_name *name)
{
    if (self->last_contact < self->contact_count) {
        struct peer_contact *last = &self->contacts[self->last_contact];
        if (last->used && strcmp(last->folded, name->folded) == 0)
            return last;
    }
    for (uint32_t i = 0; i < self->contact_count; i++)
        if (self->contacts[i].used && strcmp(self->contacts[i].folded, name->folded) == 0) {
            self->last_contact = i;
            return &self->contacts[i];
        }
    return NULL;
}

/* Who says much says it to one: the name of the last time need not be parsed
 * again. */
const struct msg_name *
peer_roster_typed(struct peer_roster *self, struct msg_text typed)
{
    if (typed.len > 0 && msg_text_equal(typed, (struct msg_text){self->typed, self->typed_len}))
        return &self->typed_name;
    self->typed_len = 0;
    if (msg_name_parse(&self->typed_name, typed) != CONCLAVE_OK)
        return NULL;
    if (typed.len <= sizeof self->typed) {
        memcpy(self->typed, typed.at, typed.len);
        self->typed_len = typed.len;
    }
    return &self->typed_name;
}

struct peer_device *
peer_roster_device(struct peer_roster *self, uint64_t account, uint64_t device)
{
    struct peer_contact *contact = peer_roster_contact(self, account);
    if (contact == NULL)
        return NULL;
    for (uint32_t i = contact->devices; i != PEER_NONE; i = self->devices[i].next)
        if (self->devices[i].cert.device == device)
            return &self->devices[i];
    return NULL;
}

struct peer_device *
peer_roster_by_key(struct peer_roster *self, const struct msg_box_pub *transport)
{
    for (uint32_t i = 0; i < self->device_count; i++)
        if (self->devices[i].used && memcmp(&self->devices[i].cert.transport, transport, sizeof *transport) == 0)
            return &self->devices[i];
    return NULL;
}

static bool
has_link(const struct peer_device *device, uint64_t link)
{
    return device->used
           && ((device->dialled.state != PEER_LINK_NONE && device->dialled.id == link)
               || (device->accepted.state != PEER_LINK_NONE && device->accepted.id == link)
               || (device->relayed.state != PEER_LINK_NONE && device->relayed.id == link));
}

struct peer_device *
peer_roster_by_link(struct peer_roster *self, uint64_t link)
{
    if (self->last_device < self->device_count && has_link(&self->devices[self->last_device], link))
        return &self->devices[self->last_device];
    for (uint32_t i = 0; i < self->device_count; i++)
        if (has_link(&self->devices[i], link)) {
            self->last_device = i;
            return &self->devices[i];
        }
    return NULL;
}

struct peer_contact *
peer_roster_add(struct peer_roster *self, uint64_t account, struct msg_text name)
{
    struct peer_contact *contact = peer_roster_contact(self, account);
    if (contact != NULL)
        return contact;
    struct msg_name parsed;
    if (msg_name_parse(&parsed, name) != CONCLAVE_OK)
        return NULL;
    uint32_t at = 0;
    while (at < self->contact_count && self->contacts[at].used)
        at++;
    if (at == self->contact_room)
        return NULL;
    if (at == self->contact_count)
        self->contact_count++;
    contact = &self->contacts[at];
    memset(contact, 0, sizeof *contact);
    contact->used = true;
    contact->account = account;
    memcpy(contact->name, parsed.shown, sizeof contact->name);
    memcpy(contact->folded, parsed.folded, sizeof contact->folded);
    contact->devices = PEER_NONE;
    peer_outbox_start(&contact->queue);
    return contact;
}

struct peer_device *
peer_roster_add_device(struct peer_roster *self, struct peer_contact *contact, uint64_t number)
{
    struct peer_device *device = peer_roster_device(self, contact->account, number);
    if (device != NULL)
        return device;
    uint32_t at = 0;
    while (at < self->device_count && self->devices[at].used)
        at++;
    if (at == self->device_room)
        return NULL;
    if (at == self->device_count)
        self->device_count++;
    device = &self->devices[at];
    memset(device, 0, sizeof *device);
    device->used = true;
    device->contact = peer_roster_index(self, contact);
    device->cert.account = contact->account;
    device->cert.device = number;
    device->next = contact->devices;
    device->cursor = PEER_NONE;
    contact->devices = at;
    return device;
}

void
peer_roster_remove_device(struct peer_roster *self, struct peer_device *device)
{
    const uint32_t at = (uint32_t)(device - self->devices);
    uint32_t *link = &self->contacts[device->contact].devices;
    while (*link != PEER_NONE && *link != at)
        link = &self->devices[*link].next;
    if (*link == at)
        *link = device->next;
    msg_run_wipe(&device->run_out);
    for (size_t r = 0; r < PEER_RUNS_IN; r++)
        msg_run_wipe(&device->runs_in[r]);
    self->dirty[at] = self->syncing[at] = 0;
    device->used = false;
}

void
peer_roster_remove(struct peer_roster *self, struct peer_contact *contact)
{
    (void)self; /* the slot is free once it is not used */
    contact->used = false;
}

struct peer_contact *
peer_roster_contact_of(struct peer_roster *self, const struct peer_device *device)
{
    return &self->contacts[device->contact];
}

uint32_t
peer_roster_index(const struct peer_roster *self, const struct peer_contact *contact)
{
    return (uint32_t)(contact - self->contacts);
}

struct peer_contact *
peer_roster_each(struct peer_roster *self, uint32_t *index)
{
    while (*index < self->contact_count)
        if (self->contacts[(*index)++].used)
            return &self->contacts[*index - 1];
    return NULL;
}

struct peer_device *
peer_roster_each_device(struct peer_roster *self, uint32_t *index)
{
    while (*index < self->device_count)
        if (self->devices[(*index)++].used)
            return &self->devices[*index - 1];
    return NULL;
}

struct peer_device *
peer_roster_first_device(struct peer_roster *self, const struct peer_contact *contact)
{
    return contact->devices == PEER_NONE ? NULL : &self->devices[contact->devices];
}

struct peer_device *
peer_roster_next_device(struct peer_roster *self, const struct peer_device *device)
{
    return device->next == PEER_NONE ? NULL : &self->devices[device->next];
}

struct peer_device *
peer_roster_each_marked(struct peer_roster *self, const uint8_t *marks, uint32_t *index)
{
    if (*index >= self->device_count)
        return NULL;
    const uint8_t *at = memchr(marks + *index, 1, self->device_count - *index);
    if (at == NULL)
        return NULL;
    *index = (uint32_t)(at - marks) + 1;
    return &self->devices[*index - 1];
}

uint32_t
peer_roster_device_index(const struct peer_roster *self, const struct peer_device *device)
{
    return (uint32_t)(device - self->devices);
}

void
peer_roster_prefer_endpoint(struct peer_device *device, struct msg_text endpoint)
{
    if (endpoint.len == 0 || endpoint.len > MSG_ENDPOINT_MAX)
        return;
    char text[MSG_ENDPOINT_MAX + 1];
    msg_text_copy(text, sizeof text, endpoint);
    uint32_t at = 0;
    while (at < device->endpoint_count && strcmp(device->endpoints[at], text) != 0)
        at++;
    if (at == device->endpoint_count && device->endpoint_count < MSG_ENDPOINT_COUNT)
        device->endpoint_count++;
    if (at == MSG_ENDPOINT_COUNT)
        at--;
    memmove(device->endpoints[1], device->endpoints[0], at * sizeof device->endpoints[0]);
    memcpy(device->endpoints[0], text, sizeof text);
}

void
peer_roster_put_contact(const struct peer_contact *contact, struct msg_effects *out)
{
    const struct msg_rec_contact record = {contact->account, msg_text(contact->name), contact->blocked};
    const struct msg_record_key key = msg_record_key1(contact->account);
    msg_effects_put(out, PEER_TABLE_CONTACTS, msg_record_key_span(&key), MSG_REC_CONTACT, &record);
}

void
peer_roster_put_device(const struct peer_device *device, struct msg_effects *out)
{
    uint8_t room[MSG_ENDPOINT_COUNT * (MSG_ENDPOINT_MAX + 8)];
    struct msg_buf buf = {room, 0, sizeof room};
    struct msg_list endpoints = {0};
    for (uint32_t i = 0; i < device->endpoint_count; i++) {
        const struct msg_address address = {msg_text(device->endpoints[i])};
        if (msg_codec_append(&buf, &endpoints, MSG_ADDRESS, &address) != CONCLAVE_OK)
            break; /* cannot happen: the room is for the most there can be */
    }
    const struct msg_rec_contact_device record = {
        .account = device->cert.account,
        .device = device->cert.device,
        .certificate = msg_span(device->certificate, device->certificate_len),
        .endpoints = endpoints,
        .incarnation = device->acked.incarnation,
        .delivered = device->acked.number,
        .read = device->read.incarnation == device->acked.incarnation ? device->read.number : 0,
        .mailed_incarnation = device->mailed.incarnation,
        .mailed_number = device->mailed.number,
        .returned_incarnation = device->returned.incarnation,
        .returned_number = device->returned.number,
    };
    const struct msg_record_key key = msg_record_key2(device->cert.account, device->cert.device);
    msg_effects_put(out, PEER_TABLE_DEVICES, msg_record_key_span(&key), MSG_REC_CONTACT_DEVICE, &record);
}

void
peer_roster_put_chain_out(const struct peer_contact *contact, struct msg_effects *out)
{
    const struct msg_rec_chain_out record = {
        .account = contact->account,
        .incarnation = contact->said.incarnation,
        .number = contact->said.number,
        .head = contact->head,
        .from_incarnation = contact->from.incarnation,
        .from_number = contact->from.number,
        .stored_incarnation = contact->stored.incarnation,
        .stored_number = contact->stored.number,
    };
    const struct msg_record_key key = msg_record_key1(contact->account);
    msg_effects_put(out, PEER_TABLE_CHAINS_OUT, msg_record_key_span(&key), MSG_REC_CHAIN_OUT, &record);
}

void
peer_roster_put_chain_in(const struct peer_device *device, struct msg_effects *out)
{
    const struct msg_rec_chain_in record = {
        .account = device->cert.account,
        .device = device->cert.device,
        .incarnation = device->in.mark.incarnation,
        .salt = device->in.salt,
        .number = device->in.mark.number,
        .head = device->in.head,
        .read = device->in.read,
        .told = device->in.told,
        .start = device->in.start,
    };
    const struct msg_record_key key = msg_record_key2(device->cert.account, device->cert.device);
    msg_effects_put(out, PEER_TABLE_CHAINS_IN, msg_record_key_span(&key), MSG_REC_CHAIN_IN, &record);
}

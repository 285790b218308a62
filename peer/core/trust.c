/* Whom we refuse: blocked people, revoked devices, and names whose keys the
 * user no longer holds for theirs. */
#include "peer/core/parts.h"

/* A device is gone for good: its links, its admission, its records. */
void
peer_trust_drop(struct peer_core *self, struct peer_device *device)
{
    const struct msg_record_key key = msg_record_key2(device->cert.account, device->cert.device);
    peer_links_drop(self, device);
    msg_effects_expel(self->out, &device->cert.transport);
    msg_effects_delete(self->out, PEER_TABLE_DEVICES, msg_record_key_span(&key));
    msg_effects_delete(self->out, PEER_TABLE_CHAINS_IN, msg_record_key_span(&key));
    (void)peer_step_store(self); /* only marks that this step writes */
    peer_roster_remove_device(&self->roster, device);
}

static struct peer_contact *
named(struct peer_core *self, uint64_t cmd, struct msg_text typed)
{
    struct msg_name name;
    struct peer_contact *contact = msg_name_parse(&name, typed) == CONCLAVE_OK ? peer_roster_named(&self->roster, &name) : NULL;
    if (contact == NULL)
        peer_step_failed(self, cmd, CONCLAVE_ERR_NO_SUCH_USER, msg_text("You have not talked with a user of that name."), 0);
    return contact;
}

void
peer_trust_block(struct peer_core *self, uint64_t cmd, struct msg_text name, bool on)
{
    struct peer_contact *contact = named(self, cmd, name);
    if (contact == NULL)
        return;
    contact->blocked = on;
    peer_roster_put_contact(contact, self->out);
    (void)peer_step_store(self); /* only marks that this step writes */
    struct peer_device *device = peer_roster_first_device(&self->roster, contact);
    for (; device != NULL; device = peer_roster_next_device(&self->roster, device)) {
        if (on) {
            peer_links_drop(self, device);
            msg_effects_expel(self->out, &device->cert.transport);
        } else {
            msg_effects_admit(self->out, &device->cert.transport);
            device->relay_at_ms = 0;
            peer_relay_want(self, device); /* what waits over there need not wait for their next try */
        }
    }
    peer_step_ok(self, cmd, NULL);
}

/* Forgets whom a name stood for: the next introduction pins it anew. */
void
peer_trust_renew(struct peer_core *self, uint64_t cmd, struct msg_text name)
{
    struct peer_contact *contact = named(self, cmd, name);
    if (contact == NULL)
        return;
    peer_people_keep_only(self, contact, NULL, 0);
    while (contact->queue.count > 0) {
        const struct peer_out *out = peer_outbox_at(self->outbox, contact->queue.first);
        const struct msg_record_key key = msg_record_key3(contact->account, out->mark.incarnation, out->mark.number);
        msg_effects_delete(self->out, PEER_TABLE_OUT, msg_record_key_span(&key));
        peer_outbox_shift(self->outbox, &contact->queue);
    }
    const struct msg_record_key key = msg_record_key1(contact->account);
    msg_effects_delete(self->out, PEER_TABLE_CHAINS_OUT, msg_record_key_span(&key));
    msg_effects_delete(self->out, PEER_TABLE_CONTACTS, msg_record_key_span(&key));
    (void)peer_step_store(self); /* only marks that this step writes */
    peer_roster_remove(&self->roster, contact);
    peer_step_ok(self, cmd, NULL);
}

void
peer_trust_revoked_version(struct peer_core *self, uint64_t version)
{
    if (version <= self->revoked_version)
        return;
    for (size_t i = 0; i < PEER_REQUESTS; i++)
        if (self->requests[i].used && self->requests[i].kind == MSG_LIST_REVOKED)
            return;
    struct peer_request *request = peer_requests_add(self, MSG_LIST_REVOKED, 0, msg_text(""));
    if (request != NULL)
        peer_requests_go(self, request);
}

/* The signed list, from the registry or passed on by a contact. */
void
peer_trust_revoked(struct peer_core *self, struct msg_span list)
{
    struct msg_revocations revoked;
    if (list.len > sizeof self->revocations || msg_cert_open_revocations(&revoked, list, &self->self.signer) != CONCLAVE_OK) {
        peer_counts_refused(self, PEER_REFUSED_REGISTRY, "REVOCATIONS-FORGED", "a revocation list that the registry did not sign was passed over");
        return;
    }
    if (revoked.version <= self->revoked_version)
        return;
    self->revoked_version = revoked.version;
    if (list.at != self->revocations)
        memcpy(self->revocations, list.at, list.len);
    self->revocations_len = list.len;
    if (!self->started)
        return; /* it comes from our own disk; devices were dropped when it was new */
    const struct msg_revoked record = {1, list};
    const struct msg_record_key key = msg_record_key1(1);
    msg_effects_put(self->out, PEER_TABLE_SELF, msg_record_key_span(&key), MSG_REVOKED, &record);
    (void)peer_step_store(self); /* only marks that this step writes */
    struct msg_list entries = revoked.entries;
    struct msg_revocation entry;
    while (msg_codec_next(&entries, MSG_REVOCATION, &entry)) {
        peer_room_mesh_revoked(self, entry.account, entry.device);
        if (peer_cards_drop(&self->cards, entry.account, entry.device, self->out))
            (void)peer_step_store(self); /* only marks that this step writes */
        struct peer_device *device = peer_roster_device(&self->roster, entry.account, entry.device);
        if (device == NULL)
            continue;
        struct peer_contact *contact = peer_roster_contact_of(&self->roster, device);
        peer_trust_drop(self, device);
        peer_talk_settle(self, contact);
    }
}

bool
peer_trust_is_revoked(const struct peer_core *self, uint64_t account, uint64_t device)
{
    struct msg_revocations revoked;
    struct msg_revocation entry;
    if (self->revocations_len == 0
        || msg_cert_open_revocations(&revoked, msg_span(self->revocations, self->revocations_len), &self->self.signer) != CONCLAVE_OK)
        return false;
    while (msg_codec_next(&revoked.entries, MSG_REVOCATION, &entry))
        if (entry.account == account && entry.device == device)
            return true;
    return false;
}

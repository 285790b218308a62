/* Rosters, entry by entry: each is checked as the registry did (it could make
 * up, leave out or swap entries: it cannot sign them), applied, and told once
 * that is on disk. */
#include "peer/core/parts.h"

#include <stdio.h>

#define HELD_MS 50u         /* when too much waits for the disk to be told */
#define TELL_BYTES (MSG_ROOM_NAME_MAX + 2 * MSG_NAME_MAX + MSG_TOPIC_MAX)

/* ---- certificates ---- */

enum conclave_err
peer_room_card(struct peer_core *self, const struct msg_cert *cert, struct msg_span certificate)
{
    bool written = false;
    if (cert->account == self->self.account && cert->device == self->self.device) {
        const bool same = msg_keys_equal(&cert->sign, &self->identity.sign, sizeof cert->sign)
                          && msg_keys_equal(&cert->transport, &self->identity.transport, sizeof cert->transport);
        return same ? CONCLAVE_OK : CONCLAVE_ERR_PEER_KEY_CHANGED;
    }
    struct peer_device *device = peer_roster_device(&self->roster, cert->account, cert->device);
    enum conclave_err err = device != NULL ? peer_people_take_cert(self, device, certificate, cert) : CONCLAVE_OK;
    if (err == CONCLAVE_OK && peer_cards_find(&self->cards, cert->account, cert->device) == NULL
        && peer_trust_is_revoked(self, cert->account, cert->device))
        return CONCLAVE_ERR_REVOKED;
    if (err == CONCLAVE_OK)
        err = peer_cards_take(&self->cards, cert, certificate, self->out, &written);
    if (written) {
        (void)peer_step_store(self); /* only marks that this step writes */
        peer_room_mesh_admit_soon(self);
    }
    return err;
}

/* ---- one entry ---- */

/* What an entry says, and who says it. */
struct claim {
    const struct msg_entry *entry;
    struct msg_room_op op;
    struct msg_cert cert;       /* of the actor's device */
    bool by_registry;
    struct msg_room_name name;  /* CREATE: the room's */
};

/* The certificate of the actor's device: as we have it, or opened. */
static enum conclave_err
open_cert(struct peer_core *self, struct claim *claim)
{
    const struct peer_card *card = peer_cards_find(&self->cards, claim->op.account, claim->op.device);
    if (card != NULL && msg_span_equal(claim->entry->certificate, msg_span(card->certificate, card->certificate_len))) {
        claim->cert = card->cert;
        return CONCLAVE_OK;
    }
    const enum conclave_err err = msg_cert_open(&claim->cert, claim->entry->certificate, &self->self.signer);
    if (err != CONCLAVE_OK)
        return err;
    return claim->cert.account == claim->op.account && claim->cert.device == claim->op.device ? CONCLAVE_OK : CONCLAVE_ERR_SIGNATURE;
}

static enum conclave_err
open_entry(struct peer_core *self, const struct msg_entry *entry, struct claim *claim)
{
    memset(claim, 0, sizeof *claim);
    claim->entry = entry;
    claim->by_registry = entry->certificate.len == 0;
    enum conclave_err err = msg_room_open_op(&claim->op, entry->op, NULL);
    if (err != CONCLAVE_OK || claim->by_registry)
        return err;
    err = open_cert(self, claim);
    if (err == CONCLAVE_OK)
        err = msg_room_open_op(&claim->op, entry->op, &claim->cert.sign);
    if (err == CONCLAVE_OK)
        err = peer_room_card(self, &claim->cert, entry->certificate);
    if (err == CONCLAVE_ERR_REVOKED)
        err = CONCLAVE_OK; /* it was not then */
    if (err == CONCLAVE_OK && claim->op.act == MSG_ACT_CREATE)
        err = msg_room_name_parse(&claim->name, claim->op.name);
    return err;
}

/* NOT_FOUND: the head there is not kept any more; it must be proved first. */
static enum conclave_err
check_seen(const struct peer_core *self, const struct peer_room *room, const struct claim *claim)
{
    if (claim->by_registry)
        return CONCLAVE_OK;
    if (claim->op.seen > room->facts.number || (claim->op.act != MSG_ACT_CREATE && !msg_room_saw_lately(&room->facts, &claim->op)))
        return CONCLAVE_ERR_BAD_ARGUMENTS; /* and nothing is read to find out */
    const struct msg_head *head = peer_rooms_head(&self->rooms, room, claim->op.seen);
    if (head == NULL)
        return CONCLAVE_ERR_NOT_FOUND;
    return memcmp(head, &claim->op.seen_head, sizeof *head) == 0 ? CONCLAVE_OK : CONCLAVE_ERR_BAD_ARGUMENTS;
}

/* The name that the registry certified for who acts; what the actor says of a
 * subject that has not acted yet. */
static void
name_them(struct peer_core *self, struct peer_mate *actor, struct peer_mate *subject, const struct claim *claim)
{
    struct msg_name name;
    if (actor != NULL && strcmp(actor->name, claim->cert.name) != 0) {
        memcpy(actor->name, claim->cert.name, sizeof actor->name);
        struct peer_contact *contact = msg_name_parse(&name, msg_text(actor->name)) == CONCLAVE_OK ? peer_roster_named(&self->roster, &name) : NULL;
        if (contact != NULL && contact->account != actor->part.account)
            peer_step_notice_about(self, msg_text(actor->name), CONCLAVE_ERR_PEER_KEY_CHANGED, msg_text(""));
    }
    if (subject != NULL && subject->name[0] == '\0' && msg_name_parse(&name, claim->op.name) == CONCLAVE_OK)
        memcpy(subject->name, name.shown, sizeof subject->name);
}

/* Tells of an entry.  What happened before we came is not told one by one: of
 * that only the last that was done by us, or to us. */
static void
tell(struct peer_core *self, struct peer_room *room, const struct claim *claim, const struct peer_mate *actor, const struct peer_mate *subject, bool ours)
{
    char device[24] = "";
    const uint64_t act = claim->op.act;
    const bool alone = act == MSG_ACT_CREATE || act == MSG_ACT_JOIN || act == MSG_ACT_LEAVE;
    const char *by = actor != NULL ? actor->name : "";
    const char *whom = subject != NULL ? subject->name : "";
    const uint64_t arrival = self->next_arrival; /* as a message it is kept until it was shown */
    struct msg_tell_room said = {.arrival = arrival, .room = msg_text(room->name), .act = act, .user = msg_text(alone ? by : whom), .by = msg_text(by)};
    const bool came = act == MSG_ACT_JOIN && actor != NULL && actor->part.account == self->self.account;
    if (act == MSG_ACT_CREATE || act == MSG_ACT_TOPIC || came)
        said.text = msg_text(room->topic);
    else if (act == MSG_ACT_LEAVE)
        said.text = msg_text(whom);
    else if (act == MSG_ACT_REVOKED && claim->op.subject_device != 0) {
        (void)snprintf(device, sizeof device, "%llu", (unsigned long long)claim->op.subject_device);
        said.text = msg_text(device);
    }
    if (room->facts.number > room->history) {
        self->next_arrival++;
        peer_step_keep(self, arrival, MSG_TELL_ROOM, &said);
        return;
    }
    if (ours) {
        room->last.act = act;
        msg_text_copy(room->last.user, sizeof room->last.user, said.user);
        msg_text_copy(room->last.by, sizeof room->last.by, said.by);
    }
    if (room->facts.number < room->history || room->last.act == 0 || !peer_room_concerns_us(room))
        return;
    const char *topic = room->last.act == MSG_ACT_JOIN ? room->topic : ""; /* that was us */
    const struct msg_tell_room last = {arrival, msg_text(room->name), room->last.act, msg_text(room->last.user), msg_text(room->last.by), msg_text(topic)};
    self->next_arrival++;
    peer_step_keep(self, arrival, MSG_TELL_ROOM, &last);
}

/* What the roster does to the rest, once the entry is applied. */
static void
follow(struct peer_core *self, struct peer_room *room, const struct claim *claim, uint64_t epoch_before)
{
    const uint64_t act = claim->op.act;
    if (act == MSG_ACT_CREATE || act == MSG_ACT_JOIN)
        peer_room_joined(self, room, claim->op.account, claim->entry->offset);
    else if (act == MSG_ACT_LEAVE)
        peer_room_left(self, room, claim->op.account);
    else if (room->facts.epoch != epoch_before && act != MSG_ACT_DELETE && claim->op.subject_device == 0)
        peer_room_left(self, room, claim->op.subject);
    if (act == MSG_ACT_REVOKED && claim->op.subject_device != 0)
        peer_room_mesh_revoked(self, claim->op.subject, claim->op.subject_device);
    if (act == MSG_ACT_REVOKED && claim->op.subject_device != 0
        && peer_cards_drop(&self->cards, claim->op.subject, claim->op.subject_device, self->out))
        (void)peer_step_store(self); /* only marks that this step writes */
    if (room->facts.epoch != epoch_before)
        peer_room_epoch_began(self, room);
}

static enum conclave_err
apply(struct peer_core *self, struct peer_room *room, const struct claim *claim)
{
    const uint64_t us = self->self.account, epoch = room->facts.epoch;
    const bool was_in = peer_rooms_in(room);
    struct peer_mate *actor = claim->by_registry ? NULL : peer_rooms_add_mate(&self->rooms, room, claim->op.account);
    struct peer_mate *subject = claim->op.subject != 0 ? peer_rooms_add_mate(&self->rooms, room, claim->op.subject) : NULL;
    if ((actor == NULL && !claim->by_registry) || (subject == NULL && claim->op.subject != 0))
        return CONCLAVE_ERR_QUOTA_EXCEEDED;
    const enum conclave_err err = msg_room_apply(&room->facts, &claim->op, actor != NULL ? &actor->part : NULL,
                                                 subject != NULL ? &subject->part : NULL, claim->by_registry);
    if (err != CONCLAVE_OK)
        return err;
    msg_room_link(&room->facts, claim->entry, room->facts.epoch != epoch);
    peer_rooms_keep_head(&self->rooms, room);
    if (claim->op.act == MSG_ACT_CREATE)
        peer_rooms_call(room, &claim->name);
    if (claim->op.act == MSG_ACT_CREATE || claim->op.act == MSG_ACT_TOPIC)
        msg_text_copy(room->topic, sizeof room->topic, claim->op.text);
    name_them(self, actor, subject, claim);
    const struct peer_mate *mine = peer_rooms_mate(&self->rooms, room, us);
    room->role = mine != NULL ? mine->part.role : MSG_ROLE_NONE;
    room->standing = mine != NULL ? mine->part.standing : 0;
    if (actor != NULL)
        peer_rooms_put_mate(&self->rooms, actor, self->out);
    if (subject != NULL && subject != actor)
        peer_rooms_put_mate(&self->rooms, subject, self->out);
    (void)peer_step_store(self); /* only marks that this step writes */
    const bool ours = (actor != NULL && actor == mine) || (subject != NULL && subject == mine);
    if (was_in || peer_rooms_in(room) || ours || room->facts.number <= room->history)
        tell(self, room, claim, actor, subject, ours);
    follow(self, room, claim, epoch);
    peer_room_ordered(self, room, claim->entry->op);
    return CONCLAVE_OK;
}

void
peer_room_disbelieve(struct peer_core *self, struct peer_room *room, uint64_t number, struct msg_text who, enum conclave_err err)
{
    char text[MSG_ROOM_NAME_MAX + 400];
    room->refused = true;
    room->behind = false;
    room->proof.seen = 0;
    if (room->warned == number)
        return;
    room->warned = number;
    const char *name = room->facts.made ? room->name : "a room";
    if (err == CONCLAVE_ERR_QUOTA_EXCEEDED)
        (void)snprintf(text, sizeof text, "%s has more people than this device can follow.", name);
    else
        (void)snprintf(text, sizeof text, "What the registry says has happened in %s does not hold (entry %llu: %s) It is not believed, nor what comes after it; ask the others over another channel.",
                       name, (unsigned long long)number, msg_error_sentence(err));
    const bool as_it_is = err == CONCLAVE_ERR_QUOTA_EXCEEDED || err == CONCLAVE_ERR_PEER_KEY_CHANGED;
    peer_step_notice_about(self, who, as_it_is ? err : CONCLAVE_ERR_SIGNATURE, msg_text(text));
}

bool
peer_room_take(struct peer_core *self, struct peer_room *room, const struct msg_entry *entry)
{
    if (entry->number <= room->facts.number)
        return true; /* we have it */
    if (entry->number > room->target)
        room->target = entry->number;
    if (entry->number != room->facts.number + 1) {
        room->behind = true;
        return false;
    }
    if (!peer_held_fits(self->held, TELL_BYTES)) {
        room->behind = true;
        room->read_at_ms = self->now.mono_ms + HELD_MS;
        return false;
    }
    struct claim claim;
    enum conclave_err err = open_entry(self, entry, &claim);
    if (err == CONCLAVE_OK)
        err = check_seen(self, room, &claim);
    if (err == CONCLAVE_ERR_NOT_FOUND) {
        room->proof.seen = room->proof.number = claim.op.seen;
        room->proof.claim = room->proof.head = claim.op.seen_head;
        room->behind = true;
        return false;
    }
    if (err == CONCLAVE_OK)
        err = apply(self, room, &claim);
    if (err != CONCLAVE_OK)
        peer_room_disbelieve(self, room, entry->number, msg_text(claim.cert.name), err);
    return err == CONCLAVE_OK;
}

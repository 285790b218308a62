/* What came sealed for this device and is no talk between two people: sender
 * keys of rooms, which are kept, and questions for them, which are answered as
 * far as the asker may know. */
#include "peer/core/parts.h"

static bool
is_member(struct peer_core *self, const struct peer_room *room, uint64_t account)
{
    const struct peer_mate *mate = peer_rooms_mate(&self->rooms, room, account);
    return mate != NULL && mate->part.role != MSG_ROLE_NONE;
}

/* A key may come before the roster that tells of its epoch, or of the room:
 * what is sealed with it is judged by the roster then.  Not taken is one of
 * somebody who never had a part, or of a time to come by somebody who is out,
 * and another's only while we ask for it; not many are of rooms that we do not
 * know. */
static bool
acceptable(struct peer_core *self, const struct peer_room *room, const struct msg_cert *from, const struct msg_room_key *key)
{
    const bool own = from->account == key->account && from->device == key->device;
    if (key->account == self->self.account && key->device == self->self.device)
        return false;
    const bool unread = room == NULL || !room->facts.made || (!self->rooms_stated && !is_member(self, room, key->account));
    if (unread)
        return own && self->keyring.count < self->keyring.room / 2;
    if (!own && ((room->facts.flags & MSG_ROOM_HISTORY) == 0 || !is_member(self, room, from->account) || !peer_room_lacks_key(self, room, key)))
        return false;
    const struct peer_mate *mate = peer_rooms_mate(&self->rooms, room, key->account);
    return room->behind || (mate != NULL && (key->epoch <= room->facts.epoch || mate->part.role != MSG_ROLE_NONE));
}

static void
take_key(struct peer_core *self, const struct msg_cert *from, const struct msg_room_key *key)
{
    struct peer_room *room = peer_rooms_find(&self->rooms, &key->room);
    const struct peer_key kept = {.room = key->room, .account = key->account, .device = key->device, .epoch = key->epoch,
                                  .first = {key->key, key->counter, key->chain}, .made_ms = self->now.wall_ms};
    if (!acceptable(self, room, from, key)) {
        peer_counts_refused(self, PEER_REFUSED_ROOMS, "ROOM-KEY-REFUSED", "a key of a room came from somebody who may not hand it out");
        return;
    }
    const bool own = from->account == key->account && from->device == key->device;
    if (peer_keyring_add(&self->keyring, &kept, own, self->out))
        (void)peer_step_store(self); /* only marks that this step writes */
    if (room != NULL)
        peer_room_found_key(self, room, key);
}

/* Of one of our keys, the state from which on it is theirs.  False: they have
 * no part in it, or none that is known any more. */
static bool
state_of(const struct peer_mate *mate, const struct peer_key *key, struct msg_roomkey *state)
{
    const bool was_there = key != NULL && mate->came <= key->number; /* when it was made */
    if (key == NULL || (!was_there && memcmp(&mate->handed, &key->first.tag, sizeof mate->handed) != 0))
        return false;
    *state = key->first;
    return was_there || msg_roomkey_advance(state, mate->handed_counter) == CONCLAVE_OK;
}

/* The state that may be told.  False: none. */
static bool
state_for(struct peer_core *self, struct peer_room *room, const struct msg_cert *asker, const struct msg_room_ask *ask, struct msg_roomkey *state, uint64_t *epoch)
{
    const bool history = (room->facts.flags & MSG_ROOM_HISTORY) != 0;
    const bool ours = ask->account == self->self.account && ask->device == self->self.device;
    const struct peer_key *key = peer_keyring_find(&self->keyring, &room->facts.id, ask->account, ask->device, &ask->key);
    struct peer_mate *mate = peer_rooms_mate(&self->rooms, room, asker->account);
    if (key != NULL && (history || (ours && asker->account == self->self.account))) {
        *state = key->first;
        *epoch = key->epoch;
        return true;
    }
    if (!ours)
        return false;
    if (state_of(mate, key, state)) {
        *epoch = key->epoch;
        return true;
    }
    if (room->key_state == PEER_KEY_NONE || room->key_epoch != room->facts.epoch)
        return false; /* it is handed the next one with all others */
    *epoch = room->key_epoch;
    if (state_of(mate, peer_keyring_find(&self->keyring, &room->facts.id, ask->account, ask->device, &room->key.tag), state))
        return true;
    *state = room->key;
    mate->handed = room->key.tag;
    mate->handed_counter = room->key.counter;
    return true;
}

static void
answer(struct peer_core *self, const struct msg_cert *from, const struct msg_room_ask *ask)
{
    uint8_t at[256];
    struct msg_buf batch = {at, 0, sizeof at};
    struct msg_roomkey state;
    uint64_t ticket, epoch;
    struct peer_room *room = peer_rooms_find(&self->rooms, &ask->room);
    if (room == NULL || !peer_rooms_in(room) || !is_member(self, room, from->account) || !state_for(self, room, from, ask, &state, &epoch)) {
        peer_step_log(self, MSG_LOG_DEBUG, "ROOM-ASK-REFUSED", "somebody asked for a key of a room that is not for them, or not known here");
        return;
    }
    peer_room_device(self, room, peer_rooms_mate(&self->rooms, room, from->account), from, false);
    const struct msg_room_key key = {room->facts.id, epoch, ask->account, ask->device, state.tag, state.counter, state.chain};
    enum conclave_err err = msg_codec_encode(&batch, MSG_ROOM_KEY, &key);
    if (err == CONCLAVE_OK)
        err = peer_mail_parcel(self, from, msg_span_of_buf(&batch), &ticket);
    if (err != CONCLAVE_OK)
        peer_step_log(self, MSG_LOG_DEBUG, "ROOM-ASK-LATER they will ask again:", msg_error_sentence(err));
    msg_keys_wipe(at, sizeof at);
    msg_roomkey_wipe(&state);
}

/* ROOM_KEY or ROOM_ASK of a device, by a link or by mail.  The certificate is
 * the registry's and its device is not revoked.  What this stores is synced
 * before the mail is collected. */
void
peer_rooms_sealed(struct peer_core *self, const struct msg_cert *from, enum msg_kind kind, const union msg_any *any)
{
    if (kind == MSG_ROOM_KEY)
        take_key(self, from, &any->MSG_ANY_ROOM_KEY);
    else if (kind == MSG_ROOM_ASK)
        answer(self, from, &any->MSG_ANY_ROOM_ASK);
}

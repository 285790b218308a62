/* Our sender keys in rooms: a new one for each epoch, day and ten thousand
 * frames, handed to every device of every member by parcel, and used when all
 * of those are on the registry's disk.  Who joins meanwhile is handed the
 * present state, before the next frame.  And when those of others go. */
#include "peer/core/parts.h"

#define RESERVE 64u         /* counters that one write of the record covers */
#define AGAIN_MS 2000u
#define KEPT_MS (32ull * 24 * 3600 * 1000) /* a key lasts a day, and what it sealed a month in the log */
#define SWEEP_MS 3600000u   /* between two looks for those that are older, */
#define SWEEP_KEYS 256u     /* of which so many go in one step, */
#define SWEEP_NEXT_MS 1000u /* and the others then */

static bool
is_us(const struct peer_core *self, uint64_t account, uint64_t device)
{
    return account == self->self.account && device == self->self.device;
}

/* ---- making ---- */

static bool
spent(const struct peer_core *self, const struct peer_room *room)
{
    return room->key_epoch != room->facts.epoch || room->key.counter >= MSG_ROOMKEY_FRAMES
           || self->now.wall_ms >= room->key_made_ms + MSG_ROOMKEY_MS || self->now.wall_ms + MSG_ROOMKEY_MS < room->key_made_ms;
}

static void
start_handing(struct peer_core *self, struct peer_room *room)
{
    room->key_state = PEER_KEY_HANDING;
    room->unhanded = false;
    room->hand_after.account = room->hand_after.device = 0;
    room->hand_at_ms = 0;
    (void)self;
}

static void
make(struct peer_core *self, struct peer_room *room)
{
    msg_roomkey_new(&room->key);
    room->key_epoch = room->facts.epoch;
    room->key_made_ms = self->now.wall_ms;
    room->key_upto = 0;
    room->hand_tickets = 0;
    const struct peer_key key = {.room = room->facts.id, .account = self->self.account, .device = self->self.device,
                                 .epoch = room->key_epoch, .first = room->key, .made_ms = room->key_made_ms, .number = room->facts.number};
    (void)peer_keyring_add(&self->keyring, &key, true, self->out);
    room->key_store = peer_step_store(self);
    start_handing(self, room);
}

void
peer_room_keys_tick(struct peer_core *self)
{
    if (self->now.mono_ms >= self->keys_swept_ms) {
        const uint64_t before_ms = self->now.wall_ms > KEPT_MS ? self->now.wall_ms - KEPT_MS : 0;
        const uint32_t dropped = peer_keyring_drop_old(&self->keyring, before_ms, SWEEP_KEYS, self->out);
        if (dropped > 0)
            (void)peer_step_store(self);
        self->keys_swept_ms = self->now.mono_ms + (dropped == SWEEP_KEYS ? SWEEP_NEXT_MS : SWEEP_MS);
    }
    peer_step_at(self, self->keys_swept_ms);
}

/* The log was read up to a frame of the present epoch, or to its end: of those
 * that ended nothing comes any more.  In a room with history others may ask us
 * for their keys; elsewhere only their owners are asked, and what somebody who
 * was away still seals with his last one can be read. */
void
peer_room_keys_read(struct peer_core *self, struct peer_room *room)
{
    uint32_t at = 0, dropped = 0;
    if (!room->keys_over || (room->facts.flags & MSG_ROOM_HISTORY) != 0)
        return;
    for (struct peer_key *key; dropped < SWEEP_KEYS && (key = peer_keyring_over(&self->keyring, &room->facts.id, room->facts.epoch, &at)) != NULL;) {
        const struct peer_sender *sender = peer_rooms_sender(&self->rooms, room, key->account, key->device);
        if (is_us(self, key->account, key->device) || (sender != NULL && sender->waits != 0))
            continue; /* we are asked for ours; what waits is read again */
        peer_keyring_drop(&self->keyring, key, self->out);
        dropped++;
    }
    room->keys_over = dropped == SWEEP_KEYS;
    if (dropped > 0)
        (void)peer_step_store(self); /* only marks that this step writes */
}

/* What was made in an earlier life, and handed to everybody. */
void
peer_room_key_restored(struct peer_core *self, struct peer_room *room)
{
    const struct peer_key *key = peer_keyring_last(&self->keyring, &room->facts.id, self->self.account, self->self.device);
    if (key == NULL || key->upto == 0 || key->epoch != room->facts.epoch)
        return;
    room->key = key->first;
    if (msg_roomkey_advance(&room->key, key->upto) != CONCLAVE_OK)
        return;
    room->key_epoch = key->epoch;
    room->key_made_ms = key->made_ms;
    room->key_upto = key->upto;
    room->key_store = 0;
    start_handing(self, room); /* whoever was not handed it, is now */
}

static void
reserve(struct peer_core *self, struct peer_room *room)
{
    struct peer_key *key = peer_keyring_find(&self->keyring, &room->facts.id, self->self.account, self->self.device, &room->key.tag);
    if (key == NULL)
        return; /* it made room for others: another one is made in the next life */
    key->upto = room->key_upto = room->key.counter + RESERVE;
    peer_keyring_put(key, self->out);
    (void)peer_step_store(self); /* only marks that this step writes */
}

void
peer_room_key_used(struct peer_core *self, struct peer_room *room)
{
    if (room->key.counter >= room->key_upto)
        reserve(self, room);
}

/* ---- handing ---- */

static bool
handed(const struct peer_room *room, const struct peer_mate *mate)
{
    return memcmp(&mate->handed, &room->key.tag, sizeof mate->handed) == 0;
}

/* The smallest account of a member that was not handed it; 0: none. */
static uint64_t
next_unhanded(struct peer_core *self, const struct peer_room *room)
{
    uint64_t least = 0;
    for (const struct peer_mate *mate = peer_rooms_first_mate(&self->rooms, room); mate != NULL; mate = peer_rooms_next_mate(&self->rooms, mate))
        if (mate->part.role != MSG_ROLE_NONE && !handed(room, mate) && (least == 0 || mate->part.account < least))
            least = mate->part.account;
    return least;
}

/* These accounts have what they can have. */
static void
set_handed(struct peer_core *self, struct peer_room *room, uint64_t from, uint64_t before)
{
    for (struct peer_mate *mate = peer_rooms_first_mate(&self->rooms, room); mate != NULL; mate = peer_rooms_next_mate(&self->rooms, mate)) {
        if (mate->part.role == MSG_ROLE_NONE || handed(room, mate) || mate->part.account < from || mate->part.account >= before)
            continue;
        mate->handed = room->key.tag;
        mate->handed_counter = room->key.counter;
        mate->kept = mate->meeting = false;
    }
}

/* Everybody was, and all of it is deposited. */
static void
ready(struct peer_core *self, struct peer_room *room)
{
    for (struct peer_mate *mate = peer_rooms_first_mate(&self->rooms, room); mate != NULL; mate = peer_rooms_next_mate(&self->rooms, mate))
        if (!mate->kept && handed(room, mate)) {
            mate->kept = true;
            peer_rooms_put_mate(&self->rooms, mate, self->out);
        }
    room->key_state = PEER_KEY_READY;
    reserve(self, room);
    room->key_store = peer_step_store(self);
    room->syncing = self->rooms_syncing = true;
}

static void
hand_on(struct peer_core *self, struct peer_room *room)
{
    if (room->hand_asked || !peer_session_online(self))
        return;
    if (self->now.mono_ms < room->hand_at_ms) {
        peer_step_at(self, room->hand_at_ms);
        return;
    }
    const uint64_t account = next_unhanded(self, room);
    if (account == 0) {
        if (room->hand_tickets == 0)
            ready(self, room);
        return;
    }
    if (room->hand_after.account != account) {
        room->hand_after.account = account - 1;
        room->hand_after.device = account > 1 ? UINT64_MAX : 0;
    }
    struct peer_request *request = peer_requests_add(self, MSG_CARDS_OF, 0, msg_text(""));
    if (request == NULL) {
        room->hand_at_ms = self->now.mono_ms + AGAIN_MS;
        peer_step_at(self, room->hand_at_ms);
        return;
    }
    request->order.step = ROOM_STEP_CARDS;
    request->order.room = room->facts.id;
    request->order.key = room->key.tag;
    request->number = room->hand_after.account;
    request->order.subject = room->hand_after.device;
    room->hand_asked = true;
    peer_requests_go(self, request);
}

bool
peer_room_key_ready(struct peer_core *self, struct peer_room *room)
{
    if (room->key_state == PEER_KEY_NONE || spent(self, room))
        make(self, room);
    else if (room->unhanded && room->key_state == PEER_KEY_READY)
        start_handing(self, room);
    if (room->key_state == PEER_KEY_HANDING)
        hand_on(self, room);
    return room->key_state == PEER_KEY_READY && room->key_store <= self->synced_store;
}

/* By our disk: in this life it may not have been looked at yet. */
static bool
was_handed(struct peer_core *self, const struct peer_room *room)
{
    for (const struct peer_mate *mate = peer_rooms_first_mate(&self->rooms, room); mate != NULL; mate = peer_rooms_next_mate(&self->rooms, mate))
        if (mate->part.role != MSG_ROLE_NONE && mate->part.account != self->self.account
            && memcmp(&mate->handed, &room->key.tag, sizeof mate->handed) != 0)
            return false;
    return true;
}

/* Nothing is begun where that is not so. */
bool
peer_room_key_usable(struct peer_core *self, const struct peer_room *room)
{
    const bool handed = (room->key_state == PEER_KEY_READY && !room->unhanded) || was_handed(self, room);
    return room->key_state != PEER_KEY_NONE && handed && !spent(self, room) && room->key_store <= self->synced_store;
}

/* A parcel for one device.  BUSY: when others have come to their end. */
static enum conclave_err
hand(struct peer_core *self, struct peer_room *room, const struct msg_cert *cert)
{
    uint8_t at[256];
    struct msg_buf batch = {at, 0, sizeof at};
    struct peer_ticket *ticket = NULL;
    for (size_t i = 0; i < PEER_TICKETS && ticket == NULL; i++)
        if (self->room_tickets[i].ticket == 0)
            ticket = &self->room_tickets[i];
    if (ticket == NULL)
        return CONCLAVE_ERR_BUSY;
    const struct msg_room_key key = {room->facts.id, room->key_epoch, self->self.account, self->self.device, room->key.tag, room->key.counter, room->key.chain};
    enum conclave_err err = msg_codec_encode(&batch, MSG_ROOM_KEY, &key);
    uint64_t number = 0;
    if (err == CONCLAVE_OK)
        err = peer_mail_parcel(self, cert, msg_span_of_buf(&batch), &number);
    msg_keys_wipe(at, sizeof at);
    if (err != CONCLAVE_OK)
        return err;
    *ticket = (struct peer_ticket){number, room->facts.id, cert->account, room->key.tag};
    room->hand_tickets++;
    return CONCLAVE_OK;
}

/* A page of certificates.  Accounts come in order: with each one the ones
 * before it are done. */
static void
take_cards(struct peer_core *self, struct peer_room *room, const struct peer_request *request, const struct msg_cards *page)
{
    struct msg_list cards = page->cards;
    struct msg_card card;
    uint64_t from = request->order.subject == UINT64_MAX ? request->number + 1 : request->number; /* who is being handed it */
    while (msg_codec_next(&cards, MSG_CARD, &card)) {
        struct msg_cert cert;
        if (card.certificate.len > MSG_CERT_MAX || msg_cert_open(&cert, card.certificate, &self->self.signer) != CONCLAVE_OK || cert.account < from)
            continue;
        set_handed(self, room, from, cert.account);
        from = cert.account;
        struct peer_mate *mate = peer_rooms_mate(&self->rooms, room, cert.account);
        const bool theirs = mate != NULL && mate->part.role != MSG_ROLE_NONE && !handed(room, mate);
        enum conclave_err err = is_us(self, cert.account, cert.device) || !theirs ? CONCLAVE_ERR_REPLAY : peer_room_card(self, &cert, card.certificate);
        if (err == CONCLAVE_ERR_PEER_KEY_CHANGED)
            peer_step_notice_about(self, msg_text(cert.name), err, msg_text(""));
        if (err == CONCLAVE_OK)
            err = hand(self, room, &cert);
        if (err == CONCLAVE_ERR_BUSY) {
            room->hand_at_ms = self->now.mono_ms + AGAIN_MS; /* or when a parcel comes to its end */
            return;
        }
        if (theirs && (err == CONCLAVE_OK || is_us(self, cert.account, cert.device)))
            peer_room_device(self, room, mate, &cert, true);
        room->hand_after.account = cert.account;
        room->hand_after.device = cert.device;
    }
    if (!page->more)
        set_handed(self, room, from, UINT64_MAX);
}

void
peer_room_cards(struct peer_core *self, struct peer_request *request, const struct msg_cards *page)
{
    struct peer_room *room = peer_rooms_find(&self->rooms, &request->order.room);
    if (room != NULL) {
        room->hand_asked = false;
        if (memcmp(&request->order.key, &room->key.tag, sizeof room->key.tag) == 0)
            take_cards(self, room, request, page);
        peer_room_post_soon(self, room);
    }
    peer_requests_end(self, request);
}

void
peer_room_no_cards(struct peer_core *self, const struct peer_request *request)
{
    struct peer_room *room = peer_rooms_find(&self->rooms, &request->order.room);
    if (room == NULL)
        return;
    room->hand_asked = false;
    room->hand_at_ms = self->now.mono_ms + AGAIN_MS;
    peer_step_at(self, room->hand_at_ms);
}

/* A parcel of peer_mail_parcel was deposited, or refused.  Whoever's mailbox is
 * full, or who is gone, holds nobody up: they ask for the key when they miss it. */
void
peer_rooms_mailed(struct peer_core *self, uint64_t number, enum conclave_err err)
{
    struct peer_ticket *ticket = NULL;
    for (size_t i = 0; i < PEER_TICKETS && ticket == NULL; i++)
        if (self->room_tickets[i].ticket == number)
            ticket = &self->room_tickets[i];
    if (ticket == NULL)
        return; /* a question: when it is not answered, it is asked again */
    struct peer_room *room = peer_rooms_find(&self->rooms, &ticket->room);
    struct peer_mate *mate = room != NULL ? peer_rooms_mate(&self->rooms, room, ticket->account) : NULL;
    ticket->ticket = 0;
    if (room == NULL || memcmp(&ticket->key, &room->key.tag, sizeof ticket->key) != 0)
        return;
    const bool done = err == CONCLAVE_OK || err == CONCLAVE_ERR_NO_SUCH_USER || err == CONCLAVE_ERR_QUOTA_EXCEEDED || err == CONCLAVE_ERR_STORE_FULL;
    room->hand_tickets--;
    room->hand_at_ms = done ? 0 : self->now.mono_ms + AGAIN_MS;
    if (!done && mate != NULL)
        memset(&mate->handed, 0, sizeof mate->handed);
    peer_room_post_soon(self, room);
}

/* ---- what the roster does ---- */

void
peer_room_key_tick(struct peer_core *self, struct peer_room *room)
{
    if (room->key_state == PEER_KEY_HANDING && room->post_next == PEER_NONE && room->hand_tickets == 0)
        return; /* nothing is to be said: it has time */
    if (room->key_state == PEER_KEY_HANDING)
        peer_room_post_soon(self, room);
}

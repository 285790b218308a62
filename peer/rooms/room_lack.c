/* Frames that cannot be opened yet: the key is asked for, or the certificate of
 * who sent them, again and again and ever more rarely; what comes after them
 * from the same device waits.  Once it is there, the log is read from them on. */
#include "peer/core/parts.h"

#define FIRST_MS 1000u      /* a key that is on its way by mail may come by itself */
#define NEXT_MS 4000u
#define LAST_MS 60000u
#define OFTEN 12u           /* after so many times, */
#define RARE_MS 3600000u    /* once an hour: questions wait in a mailbox, too */
#define ASKS_MAX 100u       /* some days: then they are told as a gap */
#define OTHERS_MAX 4u       /* so often another key was the answer: that one is not for us, or lost */

/* No account takes more places than it can have devices: of those that it had
 * before, the one that was silent for longest is forgotten. */
struct peer_sender *
peer_room_sender(struct peer_core *self, struct peer_room *room, uint64_t account, uint64_t device)
{
    struct peer_sender *sender = peer_rooms_sender(&self->rooms, room, account, device), *oldest = NULL;
    uint32_t count = 0;
    if (sender != NULL)
        return sender;
    for (struct peer_sender *at = peer_rooms_first_sender(&self->rooms, room); at != NULL; at = peer_rooms_next_sender(&self->rooms, at)) {
        if (at->account != account)
            continue;
        count++;
        if (oldest == NULL || at->use < oldest->use || (at->use == oldest->use && at->device < oldest->device))
            oldest = at;
    }
    if (count >= MSG_DEVICE_COUNT) {
        peer_rooms_remove_sender(&self->rooms, room, oldest, self->out);
        (void)peer_step_store(self); /* only marks that this step writes */
    }
    sender = peer_rooms_add_sender(&self->rooms, room, account, device);
    if (sender == NULL)
        peer_step_log(self, MSG_LOG_ERROR, "ROOMS-FULL", "a frame was passed over: there are more senders than this device can follow; raise the limits of rooms");
    return sender;
}

static void
plan(struct peer_core *self, struct peer_room *room, struct peer_sender *sender, uint64_t wait_ms)
{
    sender->ask_at_ms = self->now.mono_ms + wait_ms;
    room->ask_at_ms = peer_step_hurry(room->ask_at_ms, sender->ask_at_ms);
    peer_step_at(self, room->ask_at_ms);
}

void
peer_room_lacks(struct peer_core *self, struct peer_room *room, uint64_t offset, const struct msg_room_frame *frame, bool certificate)
{
    struct peer_sender *sender = peer_room_sender(self, room, frame->account, frame->device);
    if (sender == NULL)
        return;
    const bool same = sender->waits == offset && sender->uncertified == certificate && memcmp(&sender->lacks, &frame->key, sizeof frame->key) == 0;
    sender->waits = offset;
    sender->uncertified = certificate;
    sender->lacks = frame->key;
    sender->lacks_epoch = frame->epoch;
    sender->first = (struct peer_mark){frame->incarnation, frame->first};
    peer_rooms_put_sender(&self->rooms, sender, self->out);
    (void)peer_step_store(self); /* only marks that this step writes */
    if (same && sender->ask_at_ms != 0)
        return;
    if (!same) {
        sender->asks = sender->others = 0;
        sender->given_up = false;
    }
    plan(self, room, sender, certificate ? 0 : FIRST_MS);
}

/* Whether that helps is seen then: what is planned stays planned. */
static void
found(struct peer_core *self, struct peer_room *room, const struct peer_sender *sender)
{
    peer_room_log_again(self, room, sender->waits - 1, 0);
}

/* It is passed over from now on, and its numbers are told as a gap. */
static void
give_up(struct peer_core *self, struct peer_room *room, struct peer_sender *sender)
{
    sender->given_up = true;
    sender->ask_at_ms = 0;
    peer_room_log_again(self, room, sender->waits - 1, 0);
}

static struct peer_sender *
who_waits(struct peer_core *self, const struct peer_room *room, const struct msg_room_key *key)
{
    struct peer_sender *sender = peer_rooms_sender(&self->rooms, room, key->account, key->device);
    return sender != NULL && sender->waits != 0 && !sender->uncertified ? sender : NULL;
}

bool
peer_room_lacks_key(struct peer_core *self, const struct peer_room *room, const struct msg_room_key *key)
{
    const struct peer_sender *sender = who_waits(self, room, key);
    return sender != NULL && memcmp(&sender->lacks, &key->key, sizeof sender->lacks) == 0;
}

void
peer_room_found_key(struct peer_core *self, struct peer_room *room, const struct msg_room_key *key)
{
    struct peer_sender *sender = who_waits(self, room, key);
    if (sender == NULL)
        return;
    if (memcmp(&sender->lacks, &key->key, sizeof sender->lacks) == 0)
        found(self, room, sender);
    else if (sender->asks >= OTHERS_MAX && ++sender->others >= OTHERS_MAX)
        give_up(self, room, sender);
}

/* ---- asking ---- */

static void
ask_card(struct peer_core *self, struct peer_room *room, struct peer_sender *sender)
{
    struct peer_request *request = peer_requests_add(self, MSG_CARD_OF, 0, msg_text(""));
    if (request == NULL)
        return;
    request->order.step = ROOM_STEP_CARD;
    request->order.room = room->facts.id;
    request->order.subject = sender->account;
    request->order.subject_device = sender->device;
    peer_requests_go(self, request);
}

void
peer_room_card_of(struct peer_core *self, struct peer_request *request, const struct msg_cards *answer)
{
    struct peer_room *room = peer_rooms_find(&self->rooms, &request->order.room);
    const uint64_t account = request->order.subject, device = request->order.subject_device;
    struct msg_list cards = answer->cards;
    struct msg_card card;
    struct msg_cert cert;
    while (msg_codec_next(&cards, MSG_CARD, &card))
        if (card.certificate.len <= MSG_CERT_MAX && msg_cert_open(&cert, card.certificate, &self->self.signer) == CONCLAVE_OK
            && cert.account == account && cert.device == device && peer_room_card(self, &cert, card.certificate) == CONCLAVE_ERR_PEER_KEY_CHANGED)
            peer_step_notice_about(self, msg_text(cert.name), CONCLAVE_ERR_PEER_KEY_CHANGED, msg_text(""));
    peer_requests_end(self, request);
    struct peer_sender *sender = room != NULL ? peer_rooms_sender(&self->rooms, room, account, device) : NULL;
    if (sender != NULL && sender->waits != 0 && peer_room_cert(self, account, device) != NULL)
        found(self, room, sender);
}

/* A parcel with the question for one device. */
static void
ask_device(struct peer_core *self, const struct peer_room *room, const struct peer_sender *sender, const struct msg_cert *whom)
{
    uint8_t at[128];
    struct msg_buf batch = {at, 0, sizeof at};
    const struct msg_room_ask ask = {room->facts.id, sender->lacks_epoch, sender->account, sender->device, sender->lacks};
    uint64_t ticket;
    enum conclave_err err = msg_codec_encode(&batch, MSG_ROOM_ASK, &ask);
    if (err == CONCLAVE_OK)
        err = peer_mail_parcel(self, whom, msg_span_of_buf(&batch), &ticket);
    if (err != CONCLAVE_OK)
        peer_step_log(self, MSG_LOG_DEBUG, "ROOM-ASK-WAITS", msg_error_sentence(err));
}

/* Some other member whose card we have, another one each time. */
static const struct msg_cert *
somebody(struct peer_core *self, const struct peer_room *room, const struct peer_sender *but)
{
    const struct msg_cert *found = NULL;
    uint64_t seen = 0;
    for (const struct peer_mate *mate = peer_rooms_first_mate(&self->rooms, room); mate != NULL; mate = peer_rooms_next_mate(&self->rooms, mate)) {
        if (mate->part.role == MSG_ROLE_NONE || mate->part.account == self->self.account)
            continue;
        for (const struct peer_card *card = peer_cards_next(&self->cards, mate->part.account, NULL); card != NULL;
             card = peer_cards_next(&self->cards, mate->part.account, card))
            if ((card->cert.account != but->account || card->cert.device != but->device) && msg_keys_random_u64() % ++seen == 0)
                found = &card->cert;
    }
    return found;
}

static void
ask(struct peer_core *self, struct peer_room *room, struct peer_sender *sender)
{
    const struct msg_cert *cert = peer_room_cert(self, sender->account, sender->device);
    if (sender->asks++ == ASKS_MAX) {
        give_up(self, room, sender);
        return;
    }
    if (sender->uncertified)
        ask_card(self, room, sender);
    else if (cert != NULL)
        ask_device(self, room, sender, cert);
    if (!sender->uncertified && (room->facts.flags & MSG_ROOM_HISTORY) != 0 && (cert = somebody(self, room, sender)) != NULL)
        ask_device(self, room, sender, cert);
    plan(self, room, sender, sender->asks < OFTEN ? peer_step_backoff(NEXT_MS, LAST_MS, sender->asks) : RARE_MS);
}

void
peer_room_lack_tick(struct peer_core *self, struct peer_room *room)
{
    if (room->ask_at_ms == 0 || !peer_session_online(self))
        return;
    if (self->now.mono_ms < room->ask_at_ms) {
        peer_step_at(self, room->ask_at_ms);
        return;
    }
    room->ask_at_ms = 0;
    for (struct peer_sender *sender = peer_rooms_first_sender(&self->rooms, room); sender != NULL; sender = peer_rooms_next_sender(&self->rooms, sender)) {
        if (sender->waits == 0 || sender->ask_at_ms == 0)
            continue;
        if (sender->ask_at_ms <= self->now.mono_ms)
            ask(self, room, sender);
        else
            room->ask_at_ms = peer_step_hurry(room->ask_at_ms, sender->ask_at_ms);
    }
    if (room->ask_at_ms != 0)
        peer_step_at(self, room->ask_at_ms);
}

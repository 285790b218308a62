/* The others' XPUBs in a mesh: where they are, dialling them, and what comes
 * from them.  What comes this way is only faster: the log has all of it, and
 * is read wherever something may be missing. */
#include "peer/core/parts.h"

#include <stdio.h>

#define CANDIDATE_MS 2000u  /* for each endpoint: connect and handshake */
#define SILENT_MS 45000u    /* three beats (room_mesh.c) were not heard: it is gone */
#define AGAIN_FIRST_MS 500u
#define AGAIN_LAST_MS 30000u
#define LOST_MS 100u        /* until the log is asked for what did not come */
#define UNLISTED_MAX 5u     /* rounds of dialling somebody that the front does not speak of */
#define RECORD_BYTES (MSG_CERT_MAX + MSG_ENDPOINT_COUNT * (MSG_ENDPOINT_MAX + 16u) + 128u)

static struct peer_room *
room_of(struct peer_core *self, const struct peer_room_mesh *mesh)
{
    return peer_rooms_at(&self->rooms, mesh->room);
}

/* ---- whom we hear ---- */

static void
put(struct peer_core *self, const struct peer_room *room, const struct peer_publisher *publisher, struct msg_span certificate)
{
    uint8_t at[2 * RECORD_BYTES];
    struct msg_buf nested = {at, 0, RECORD_BYTES}, items = {at + RECORD_BYTES, 0, RECORD_BYTES};
    struct msg_device_card card = {.certificate = certificate};
    struct msg_room_peers record = {.room = room->facts.id};
    const uint64_t who[] = {publisher->account, publisher->device};
    const struct msg_record_key key = msg_record_key_room(&room->facts.id, who, 2);
    for (size_t i = 0; i < publisher->endpoint_count; i++) {
        const struct msg_address address = {msg_text(publisher->endpoints[i])};
        if (msg_codec_append(&nested, &card.endpoints, MSG_ADDRESS, &address) != CONCLAVE_OK)
            return; /* cannot happen: they fit */
    }
    if (msg_codec_append(&items, &record.peers, MSG_DEVICE_CARD, &card) != CONCLAVE_OK)
        return;
    msg_effects_put(self->out, PEER_TABLE_PUBLISHERS, msg_record_key_span(&key), MSG_ROOM_PEERS, &record);
    (void)peer_step_store(self); /* only marks that this step writes */
}

/* What it said is shown, since it came from it; but nobody else would believe
 * that, and the log may have something else.  The notice stands behind it. */
static void
tell_lied(struct peer_core *self, struct peer_room *room, struct peer_publisher *publisher)
{
    char text[MSG_NOTICE_MAX + 1];
    const struct peer_mate *mate = peer_rooms_mate(&self->rooms, room, publisher->account);
    struct peer_sender *sender = peer_rooms_sender(&self->rooms, room, publisher->account, publisher->device);
    const char *name = mate != NULL && mate->name[0] != '\0' ? mate->name : "somebody";
    publisher->lied = false;
    if (sender != NULL)
        sender->lied = true;
    (void)snprintf(text, sizeof text, "What %s said last in %s is not signed by their device: others may have got something else, or the registry gave you a wrong certificate. Ask them over another channel.",
                   name, room->name);
    peer_counts_refused(self, PEER_REFUSED_ROOMS, "ROOM-FRAME-FORGED", "frames of a room that came directly are not signed by the device that sent them");
    peer_step_notice_kept(self, msg_text(name), CONCLAVE_ERR_SIGNATURE, msg_text(text));
    if (peer_kept_drop_sender(&self->kept, &room->facts.id, publisher->account, publisher->device, self->out))
        (void)peer_step_store(self); /* only marks that this step writes */
}

/* Its connection is over, or was never made. */
static void
hang_up(struct peer_core *self, struct peer_room *room, struct peer_publisher *publisher, bool drop)
{
    if (!peer_room_proves(publisher))
        tell_lied(self, room, publisher);
    uint64_t *const link = peer_meshes_link(&self->meshes, publisher);
    if (*link != 0 && drop)
        msg_effects_drop(self->out, *link);
    *link = 0;
    publisher->up = false;
    publisher->until_ms = 0;
    peer_room_route(self, room, publisher, false);
}

void
peer_room_publisher_forget(struct peer_core *self, struct peer_room *room, struct peer_publisher *publisher)
{
    const uint64_t who[] = {publisher->account, publisher->device};
    const struct msg_record_key key = msg_record_key_room(&room->facts.id, who, 2);
    hang_up(self, room, publisher, true);
    peer_meshes_remove_publisher(&self->meshes, publisher);
    msg_effects_delete(self->out, PEER_TABLE_PUBLISHERS, msg_record_key_span(&key));
    (void)peer_step_store(self); /* only marks that this step writes */
}

void
peer_room_publisher_dial(struct peer_core *self, struct peer_publisher *publisher)
{
    const struct msg_cert *cert = peer_room_cert(self, publisher->account, publisher->device);
    uint64_t *const link = peer_meshes_link(&self->meshes, publisher);
    publisher->at_ms = 0;
    if (cert == NULL || publisher->endpoint_count == 0 || msg_cert_check_time(cert, peer_step_registry_ms(self), MSG_CERT_GRACE_MS) != CONCLAVE_OK)
        return; /* until the front speaks of it again */
    *link = peer_step_link(self);
    publisher->until_ms = self->now.mono_ms + CANDIDATE_MS;
    msg_effects_subscribe(self->out, *link, &cert->transport, msg_text(publisher->endpoints[publisher->candidate]));
    peer_step_at(self, publisher->until_ms);
}

/* The next of its endpoints, or all of them again after a while. */
static void
dial_on(struct peer_core *self, struct peer_room *room, struct peer_publisher *publisher)
{
    if (++publisher->candidate < publisher->endpoint_count) {
        peer_room_publisher_dial(self, publisher);
        return;
    }
    publisher->candidate = 0;
    publisher->failures++;
    if (publisher->failures >= UNLISTED_MAX && !publisher->listed && peer_session_online(self)) {
        peer_room_publisher_forget(self, room, publisher);
        return;
    }
    publisher->at_ms = self->now.mono_ms + peer_step_backoff(AGAIN_FIRST_MS, AGAIN_LAST_MS, publisher->failures);
    peer_step_at(self, publisher->at_ms);
}

/* Others than it had?  Those first that the front named first. */
static bool
take_endpoints(struct peer_publisher *publisher, struct msg_list endpoints)
{
    const size_t before = publisher->endpoint_count;
    struct msg_address address;
    bool changed = false;
    size_t count = 0;
    while (count < MSG_ENDPOINT_COUNT && msg_codec_next(&endpoints, MSG_ADDRESS, &address)) {
        changed = changed || count >= before || !msg_text_equal(msg_text(publisher->endpoints[count]), address.endpoint);
        msg_text_copy(publisher->endpoints[count++], sizeof publisher->endpoints[0], address.endpoint);
    }
    publisher->endpoint_count = count;
    return changed || count != before;
}

static void
take(struct peer_core *self, struct peer_room *room, struct peer_room_mesh *mesh, const struct msg_device_card *card)
{
    struct msg_cert cert;
    const struct peer_mate *mate;
    if (card->certificate.len > MSG_CERT_MAX || msg_cert_open(&cert, card->certificate, &self->self.signer) != CONCLAVE_OK
        || (cert.account == self->self.account && cert.device == self->self.device)
        || (mate = peer_rooms_mate(&self->rooms, room, cert.account)) == NULL || mate->part.role == MSG_ROLE_NONE)
        return; /* our roster may be behind: whoever publishes is spoken of again */
    struct peer_publisher *publisher = peer_meshes_publisher(&self->meshes, mesh, cert.account, cert.device);
    if (card->endpoints.count == 0) {
        if (publisher != NULL)
            peer_room_publisher_forget(self, room, publisher);
        return;
    }
    if (peer_room_card(self, &cert, card->certificate) != CONCLAVE_OK)
        return; /* other keys, or revoked */
    publisher = peer_meshes_add_publisher(&self->meshes, mesh, cert.account, cert.device);
    if (publisher == NULL)
        return; /* too many: it is heard through the front */
    publisher->listed = true;
    publisher->failures = 0;
    if (take_endpoints(publisher, card->endpoints)) {
        put(self, room, publisher, card->certificate);
        publisher->candidate = 0;
    }
    if (*peer_meshes_link(&self->meshes, publisher) == 0)
        peer_room_publisher_dial(self, publisher);
}

void
peer_room_publishers_heard(struct peer_core *self, const struct msg_room_peers *peers)
{
    struct peer_room *room = peer_rooms_find(&self->rooms, &peers->room);
    struct peer_room_mesh *mesh = room != NULL ? peer_meshes_find(&self->meshes, peer_rooms_index(&self->rooms, room)) : NULL;
    struct msg_list cards = peers->peers;
    struct msg_device_card card;
    while (mesh != NULL && mesh->open && msg_codec_next(&cards, MSG_DEVICE_CARD, &card))
        take(self, room, mesh, &card);
}

void
peer_room_publisher_restore(struct peer_core *self, const struct msg_room_peers *record)
{
    struct peer_room *room = peer_rooms_find(&self->rooms, &record->room);
    struct msg_list peers = record->peers;
    struct msg_device_card card;
    struct msg_cert cert;
    struct peer_room_mesh *mesh = room != NULL ? peer_meshes_add(&self->meshes, peer_rooms_index(&self->rooms, room)) : NULL;
    if (mesh == NULL || !msg_codec_next(&peers, MSG_DEVICE_CARD, &card) || msg_cert_open(&cert, card.certificate, &self->self.signer) != CONCLAVE_OK)
        return;
    struct peer_publisher *publisher = peer_meshes_add_publisher(&self->meshes, mesh, cert.account, cert.device);
    if (publisher != NULL)
        (void)take_endpoints(publisher, card.endpoints); /* there were none before */
}

/* ---- links ---- */

bool
peer_room_publisher_up(struct peer_core *self, uint64_t link)
{
    struct peer_publisher *publisher = peer_meshes_linked(&self->meshes, link);
    if (publisher == NULL)
        return false;
    publisher->up = true;
    publisher->heard_ms = self->now.mono_ms;
    publisher->until_ms = 0;
    publisher->failures = 0;
    peer_room_want_came(self, room_of(self, &self->meshes.list[publisher->mesh]));
    peer_room_mesh_say(self, &self->meshes.list[publisher->mesh]);
    return true;
}

/* It was connected: after a while it is dialled again, from the first endpoint on. */
static void
lose(struct peer_core *self, struct peer_room *room, struct peer_publisher *publisher, bool drop)
{
    hang_up(self, room, publisher, drop);
    publisher->candidate = publisher->endpoint_count;
    dial_on(self, room, publisher);
}

bool
peer_room_publisher_down(struct peer_core *self, uint64_t link)
{
    struct peer_publisher *publisher = peer_meshes_linked(&self->meshes, link);
    if (publisher == NULL)
        return false;
    struct peer_room *room = room_of(self, &self->meshes.list[publisher->mesh]);
    if (publisher->up) {
        lose(self, room, publisher, false);
        return true;
    }
    hang_up(self, room, publisher, false);
    dial_on(self, room, publisher);
    return true;
}

/* Checks what waits; false: it was wrong, and its link is gone. */
static bool
prove(struct peer_core *self, struct peer_room *room, struct peer_publisher *publisher)
{
    if (peer_room_proves(publisher))
        return true;
    lose(self, room, publisher, true); /* which tells */
    return false;
}

void
peer_room_publishers_prove(struct peer_core *self, struct peer_room *room)
{
    const struct peer_room_mesh *mesh = peer_meshes_find(&self->meshes, peer_rooms_index(&self->rooms, room));
    uint32_t at = 0;
    for (struct peer_publisher *one; mesh != NULL && (one = peer_meshes_each(&self->meshes, mesh, &at)) != NULL;)
        (void)prove(self, room, one);
}

void
peer_room_publishers_stop(struct peer_core *self)
{
    uint32_t at = 0;
    for (struct peer_publisher *one; (one = peer_meshes_each(&self->meshes, NULL, &at)) != NULL;)
        if (!peer_room_proves(one))
            tell_lied(self, room_of(self, &self->meshes.list[one->mesh]), one);
}

/* Its own frame, by its own link. */
static void
hear_publisher(struct peer_core *self, struct peer_room *room, struct peer_publisher *publisher, const struct msg_room_frame *frame)
{
    self->meshes.speaking = publisher;
    peer_room_hear_direct(self, room, frame);
    self->meshes.speaking = NULL;
    if (publisher->lied)
        lose(self, room, publisher, true);
}

/* Of that device, in that room: else it says what is not its to say. */
static bool
is_its(const struct peer_publisher *publisher, const struct peer_room *room, const struct msg_id *id, uint64_t account, uint64_t device)
{
    return memcmp(id, &room->facts.id, sizeof *id) == 0 && account == publisher->account && device == publisher->device;
}

void
peer_room_hear_direct(struct peer_core *self, struct peer_room *room, const struct msg_room_frame *frame)
{
    const enum peer_heard heard = peer_room_hear(self, room, 0, frame);
    if (heard == HEARD)
        return;
    peer_room_spoken(self, room, frame->account, frame->device, (struct peer_mark){frame->incarnation, frame->first + frame->count - 1});
    if (heard == HEARD_WAIT_ROSTER)
        peer_room_read(self, room);
    peer_room_log_again(self, room, room->partial ? room->whole : room->cursor, LOST_MS);
}

bool
peer_room_publisher_frame(struct peer_core *self, uint64_t link, struct msg_span bytes)
{
    struct peer_publisher *publisher = peer_meshes_linked(&self->meshes, link);
    union msg_any any;
    enum msg_kind kind;
    if (publisher == NULL)
        return false;
    struct peer_room *room = room_of(self, &self->meshes.list[publisher->mesh]);
    publisher->heard_ms = self->now.mono_ms;
    const bool fine = peer_rooms_in(room) && msg_codec_decode(bytes, &kind, &any) == CONCLAVE_OK;
    if (fine && kind == MSG_ROOM_FRAME && is_its(publisher, room, &any.MSG_ANY_ROOM_FRAME.room, any.MSG_ANY_ROOM_FRAME.account, any.MSG_ANY_ROOM_FRAME.device))
        hear_publisher(self, room, publisher, &any.MSG_ANY_ROOM_FRAME);
    else if (fine && kind == MSG_ROOM_TIP && is_its(publisher, room, &any.MSG_ANY_ROOM_TIP.room, any.MSG_ANY_ROOM_TIP.account, any.MSG_ANY_ROOM_TIP.device))
        peer_room_tip(self, room, &any.MSG_ANY_ROOM_TIP);
    else if (fine && kind == MSG_ROOM_RECEIPT
             && is_its(publisher, room, &any.MSG_ANY_ROOM_RECEIPT.room, any.MSG_ANY_ROOM_RECEIPT.account, any.MSG_ANY_ROOM_RECEIPT.device))
        peer_room_receipt(self, room, &any.MSG_ANY_ROOM_RECEIPT);
    else if (fine && kind == MSG_ROOM_FRAME && memcmp(&any.MSG_ANY_ROOM_FRAME.room, &room->facts.id, sizeof room->facts.id) == 0)
        peer_room_passed_on(self, room, &any.MSG_ANY_ROOM_FRAME);
    else if (fine && kind == MSG_ROOM_WANT && memcmp(&any.MSG_ANY_ROOM_WANT.room, &room->facts.id, sizeof room->facts.id) == 0)
        peer_room_wanted(self, room, publisher, &any.MSG_ANY_ROOM_WANT);
    else if (fine && kind == MSG_ROOM_BEAT && is_its(publisher, room, &any.MSG_ANY_ROOM_BEAT.room, publisher->account, publisher->device))
        return true;
    else {
        peer_counts_refused(self, PEER_REFUSED_ROOMS, "MESH-GARBAGE", "a member published what is not its frame of the room, and is not heard for a while");
        lose(self, room, publisher, true);
    }
    return true;
}

/* ---- in time ---- */

void
peer_room_publishers_tick(struct peer_core *self, struct peer_room *room, const struct peer_room_mesh *mesh)
{
    uint32_t at = 0;
    for (struct peer_publisher *one; (one = peer_meshes_each(&self->meshes, mesh, &at)) != NULL;) {
        if (one->owes > 0 && self->now.mono_ms < one->owes_ms)
            peer_step_at(self, one->owes_ms);
        else if (!prove(self, room, one))
            continue;
        if (one->until_ms != 0 && self->now.mono_ms >= one->until_ms) {
            hang_up(self, room, one, true);
            dial_on(self, room, one);
        } else if (one->at_ms != 0 && self->now.mono_ms >= one->at_ms)
            peer_room_publisher_dial(self, one);
        else if (one->until_ms != 0 || one->at_ms != 0)
            peer_step_at(self, one->until_ms != 0 ? one->until_ms : one->at_ms);
        else if (one->up && self->now.mono_ms >= one->heard_ms + SILENT_MS)
            lose(self, room, one, true);
        else if (one->up)
            peer_step_at(self, one->heard_ms + SILENT_MS);
    }
}

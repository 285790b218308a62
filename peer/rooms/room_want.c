/* While the registry is away: what was missed of what members published is
 * asked of who said it, then of others whom we hear, and answered from what is
 * kept (peer/tables/kept) by publishing it once more.  That there is something to ask
 * for is known by TIPs and RECEIPTs, which stand in for the registry's word of
 * where the log is.  Once it is back, the log has all of it. */
#include "peer/core/parts.h"

#define FIRST_MS 300u               /* it may just be late */
#define NEXT_MS 1000u
#define LAST_MS 15000u
#define ANSWER_MS 500u              /* one device is answered that often, */
#define ANSWER_BYTES (128u * 1024)  /* and so much at a time */
#define SECOND_BYTES (256u * 1024)  /* and all of a room so much in a second */
#define AGAIN_MS 10000u             /* what of our outbox is not kept is sealed again that often */
#define HEADS_FIRST_MS 1000u        /* after the registry went */
#define HEADS_MS 15000u             /* as with a lease */

/* ---- what is missing ---- */

static bool
lacks(const struct peer_sender *sender)
{
    return sender->waits == 0 && peer_mark_before(sender->mark, sender->spoken);
}

/* Whoever asked in vain waits ever longer, but not where something changes. */
static void
hurry(struct peer_core *self, struct peer_room *room)
{
    room->want_at_ms = peer_step_hurry(room->want_at_ms, self->now.mono_ms + (room->want_at_ms != 0 ? NEXT_MS : FIRST_MS));
    room->wants = 0;
    peer_step_at(self, room->want_at_ms);
}

void
peer_room_spoken(struct peer_core *self, struct peer_room *room, uint64_t account, uint64_t device, struct peer_mark mark)
{
    const struct peer_mate *mate = peer_rooms_mate(&self->rooms, room, account);
    const bool ours = account == self->self.account && device == self->self.device;
    if (ours || mate == NULL || mate->part.role == MSG_ROLE_NONE || peer_room_cert(self, account, device) == NULL)
        return;
    struct peer_sender *sender = peer_room_sender(self, room, account, device);
    if (sender == NULL)
        return; /* too many: told when something of it comes */
    const bool news = peer_mark_before(sender->spoken, mark);
    if (news)
        sender->spoken = mark;
    if (lacks(sender) && (news || room->want_at_ms == 0) && !peer_session_online(self))
        hurry(self, room);
}

void
peer_room_heads(struct peer_core *self, struct peer_room *room, const struct msg_room_receipt *receipt)
{
    const struct peer_mate *mate = peer_rooms_mate(&self->rooms, room, receipt->account);
    const struct msg_cert *cert = peer_room_cert(self, receipt->account, receipt->device);
    struct msg_list marks = receipt->marks;
    struct msg_mark mark;
    if (peer_session_online(self) || mate == NULL || mate->part.role == MSG_ROLE_NONE || cert == NULL || msg_room_check_receipt(receipt, &cert->sign) != CONCLAVE_OK)
        return;
    while (msg_codec_next(&marks, MSG_MARK, &mark))
        peer_room_spoken(self, room, mark.account, mark.device, (struct peer_mark){mark.incarnation, mark.number});
}

/* ---- asking ---- */

static const struct peer_sender *
first_lacking(struct peer_core *self, const struct peer_room *room)
{
    const struct peer_sender *sender = peer_rooms_first_sender(&self->rooms, room);
    while (sender != NULL && !lacks(sender))
        sender = peer_rooms_next_sender(&self->rooms, sender);
    return sender;
}

/* Who said it, every other time, and if we hear it; else any of those we hear. */
static const struct peer_publisher *
whom(struct peer_core *self, const struct peer_room *room, const struct peer_sender *lacking)
{
    const struct peer_room_mesh *mesh = peer_meshes_find(&self->meshes, peer_rooms_index(&self->rooms, room));
    const struct peer_publisher *found = NULL;
    uint64_t seen = 0;
    uint32_t at = 0;
    for (const struct peer_publisher *one; mesh != NULL && (one = peer_meshes_each(&self->meshes, mesh, &at)) != NULL;) {
        const bool said_it = one->account == lacking->account && one->device == lacking->device;
        if (one->up && said_it && room->wants % 2 == 0)
            return one;
        if (one->up && !said_it && msg_keys_random_u64() % ++seen == 0)
            found = one;
    }
    return found;
}

static void
ask(struct peer_core *self, struct peer_room *room)
{
    uint8_t at[MSG_MARK_COUNT * 64u];
    struct msg_buf list = {at, 0, sizeof at}, buf = {self->frame, 0, MSG_FRAME_MAX};
    const struct peer_sender *lacking = first_lacking(self, room);
    if (lacking == NULL) {
        peer_counts_gap_closed(self, room);
        room->want_at_ms = room->wants = 0;
        return;
    }
    peer_counts_gap(room);
    const struct peer_publisher *publisher = whom(self, room, lacking);
    room->want_at_ms = self->now.mono_ms + peer_step_backoff(NEXT_MS, LAST_MS, ++room->wants);
    peer_step_at(self, room->want_at_ms);
    if (publisher == NULL)
        return;
    struct msg_room_want want = {.room = room->facts.id, .account = publisher->account, .device = publisher->device};
    peer_room_have(self, room, &list, &want.have);
    if (msg_codec_encode(&buf, MSG_ROOM_WANT, &want) == CONCLAVE_OK)
        peer_room_mesh_publish(self, room, msg_span_of_buf(&buf));
}

/* Somebody publishes what another one said: an answer, to us or to others. */
void
peer_room_passed_on(struct peer_core *self, struct peer_room *room, const struct msg_room_frame *frame)
{
    if (room->want_at_ms != 0 && !peer_session_online(self) && peer_room_hear(self, room, 0, frame) == HEARD_AHEAD)
        peer_room_want_came(self, room); /* what stands before it was lost on the way */
}

/* ---- answering ---- */

void
peer_room_keep(struct peer_core *self, const struct peer_room *room, const struct msg_room_frame *frame, bool ours)
{
    const bool store = !ours && !peer_session_online(self); /* ours are in the outbox, the others in the log */
    if (peer_room_mesh_talks(self, room) && peer_kept_add(&self->kept, frame, store, self->out))
        (void)peer_step_store(self); /* only marks that this step writes */
}

/* What is published comes to all who are in the room now. */
static bool
is_for_all(struct peer_core *self, const struct peer_room *room, uint64_t epoch)
{
    for (const struct peer_mate *mate = peer_rooms_first_mate(&self->rooms, room); mate != NULL; mate = peer_rooms_next_mate(&self->rooms, mate))
        if (mate->part.role != MSG_ROLE_NONE && !msg_room_was_in(&mate->part, epoch))
            return false;
    return true;
}

/* Zeros: nothing. */
static struct peer_mark
mark_of(struct msg_list have, uint64_t account, uint64_t device)
{
    struct msg_mark mark;
    while (msg_codec_next(&have, MSG_MARK, &mark))
        if (mark.account == account && mark.device == device)
            return (struct peer_mark){mark.incarnation, mark.number};
    return (struct peer_mark){0, 0};
}

/* Publishers are devices of members: who goes is forgotten. */
static bool
may_answer(struct peer_core *self, struct peer_room *room, const struct peer_publisher *asker)
{
    const uint64_t now = self->now.mono_ms;
    if (!peer_room_mesh_talks(self, room))
        return false;
    if (asker->answered_ms != 0 && now < asker->answered_ms + ANSWER_MS)
        return false;
    if (room->answer_ms == 0 || now >= room->answer_ms + 1000) {
        room->answer_ms = now;
        room->answered = 0;
    }
    return room->answered < SECOND_BYTES;
}

void
peer_room_wanted(struct peer_core *self, struct peer_room *room, struct peer_publisher *asker, const struct msg_room_want *want)
{
    const struct peer_mark ours = mark_of(want->have, self->self.account, self->self.device);
    bool covered = false; /* of ours, what comes next is among what is kept */
    size_t sent = 0;
    uint32_t at = 0;
    if (want->account != self->self.account || want->device != self->self.device || !may_answer(self, room, asker))
        return;
    asker->answered_ms = self->now.mono_ms;
    peer_room_publishers_prove(self, room);
    for (const struct peer_kept_frame *one; sent < ANSWER_BYTES && (one = peer_kept_each(&self->kept, &at)) != NULL;) {
        const struct peer_mark has = mark_of(want->have, one->account, one->device), last = {one->incarnation, one->last};
        const bool its_own = one->account == asker->account && one->device == asker->device;
        if (memcmp(&one->room, &room->facts.id, sizeof one->room) != 0 || its_own || !peer_mark_before(has, last) || !is_for_all(self, room, one->epoch))
            continue;
        const bool next = one->incarnation == ours.incarnation ? one->first <= ours.number + 1 : one->first == 1;
        covered = covered || (one->account == self->self.account && one->device == self->self.device && next);
        sent += one->len;
        peer_room_mesh_publish(self, room, peer_kept_bytes(&self->kept, one));
    }
    room->answered += sent;
    if (covered || !peer_mark_before(ours, room->said) || (room->again_ms != 0 && self->now.mono_ms < room->again_ms + AGAIN_MS))
        return;
    room->again_ms = self->now.mono_ms;
    peer_room_publish_again(self, room, ours);
}

/* ---- sessions and time ---- */

void
peer_room_want_away(struct peer_core *self, struct peer_room *room)
{
    if (room->heads_at_ms != 0)
        return; /* it was away before */
    room->want_at_ms = self->now.mono_ms + FIRST_MS;
    room->heads_at_ms = self->now.mono_ms + HEADS_FIRST_MS;
    room->wants = 0;
    peer_step_at(self, room->want_at_ms);
}

void
peer_room_want_online(struct peer_room *room)
{
    room->want_at_ms = room->heads_at_ms = 0;
}

void
peer_room_want_came(struct peer_core *self, struct peer_room *room)
{
    if (room->want_at_ms != 0)
        hurry(self, room); /* more may be on its way */
}

void
peer_room_want_tick(struct peer_core *self, struct peer_room *room)
{
    const uint64_t now = self->now.mono_ms;
    if (peer_session_online(self) || !peer_rooms_in(room) || !peer_room_mesh_talks(self, room))
        return;
    if (room->heads_at_ms != 0 && now >= room->heads_at_ms) {
        room->heads_at_ms = now + HEADS_MS;
        room->tip_at_ms = room->receipt_at_ms = now;
        room->receipt_all = true;
    }
    if (room->want_at_ms != 0 && now >= room->want_at_ms)
        ask(self, room);
    else if (room->want_at_ms != 0)
        peer_step_at(self, room->want_at_ms);
    if (room->heads_at_ms != 0)
        peer_step_at(self, room->heads_at_ms);
}

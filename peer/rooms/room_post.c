/* What this device says in rooms: linked into its chain there, kept until the
 * registry's disk has it, sealed in frames, posted, and posted again. */
#include "peer/core/parts.h"

#include <assert.h>
#include <stdio.h>

#define GROWTH 2u           /* with each frame under way, the next one waits for 2^GROWTH times as many messages */
#define TURN_MAX 16u        /* frames of one room in one go */
#define SILENCE_MS 5000u    /* nothing is stored: all is posted again */
#define BUSY_MS 1000u
#define TIP_MS 500u
#define TIP_MEMBERS 32u     /* in larger rooms all comes through the registry */

void
peer_room_post_soon(struct peer_core *self, struct peer_room *room)
{
    room->post_due = self->room_posts_due = true;
}

/* ---- saying ---- */

/* The next place in our chain in the room. */
static void
link_on(struct peer_core *self, struct peer_room *room, struct peer_out *out, struct msg_text text)
{
    if (room->said.incarnation != self->self.incarnation) {
        room->from = room->said;
        room->said = (struct peer_mark){self->self.incarnation, 0};
    }
    room->said.number++;
    out->mark = room->said;
    out->salt = self->self.salt;
    out->from = room->from;
    out->prev = room->said_head;
    msg_chain_head(&room->said_head, &out->prev, &out->id, text);
}

static struct msg_record_key
key_of(const struct peer_room *room, struct peer_mark mark)
{
    const uint64_t numbers[] = {mark.incarnation, mark.number};
    return msg_record_key_room(&room->facts.id, numbers, 2);
}

/* Appends it to the queue, and puts its record. */
static void
enqueue(struct peer_core *self, struct peer_room *room, const struct peer_out *out, struct msg_text text)
{
    const struct msg_rec_room_out record = {
        .room = room->facts.id,
        .incarnation = out->mark.incarnation,
        .salt = out->salt,
        .from_incarnation = out->from.incarnation, .from_number = out->from.number,
        .number = out->mark.number, .id = out->id, .prev = out->prev,
        .ts_ms = out->ts_ms,
        .text = text,
    };
    const struct msg_record_key key = key_of(room, out->mark);
    const uint32_t at = peer_outbox_add(self->outbox, &room->queue, out, text);
    assert(at != PEER_NONE);
    if (room->post_next == PEER_NONE)
        room->post_next = at;
    msg_effects_put(self->out, PEER_TABLE_ROOM_OUT, msg_record_key_span(&key), MSG_REC_ROOM_OUT, &record);
    (void)peer_step_store(self); /* only marks that this step writes */
}

static void
tell_tick(struct peer_core *self, const struct peer_room *room, const struct msg_id *id, enum msg_tick tick)
{
    peer_held_tick(self->held, peer_step_store(self), id, msg_text(""), msg_text(room->name), tick);
}

void
peer_room_say(struct peer_core *self, struct peer_room *room, uint64_t cmd, struct msg_text text)
{
    struct peer_out out = {0};
    if ((room->standing & MSG_STANDING_MUTED) != 0) {
        peer_step_failed(self, cmd, CONCLAVE_ERR_FORBIDDEN, msg_text("You are muted in that room."), 0);
        return;
    }
    if (!peer_outbox_fits(self->outbox, text.len) || !peer_held_fits(self->held, 0)) {
        peer_step_failed(self, cmd, CONCLAVE_ERR_QUOTA_EXCEEDED, msg_text("Too many messages wait to be sent; try again when some were delivered."), 1000);
        return;
    }
    out.id = peer_talk_new_id(self);
    out.ts_ms = msg_chain_ts_ms(&out.id);
    self->counts.sent++;
    link_on(self, room, &out, text);
    enqueue(self, room, &out, text);
    peer_rooms_put(room, self->out);
    peer_step_ok(self, cmd, &out.id);
    tell_tick(self, room, &out.id, MSG_TICK_QUEUED);
    peer_room_post_soon(self, room);
}

/* ---- posting ---- */

/* The registry takes the first frame of a chain that it does not know wherever
 * it begins: so nothing goes after it before it is stored, or the first one
 * could be lost unseen. */
static bool
must_wait(struct peer_core *self, const struct peer_room *room)
{
    return room->post_count > 0 && peer_outbox_at(self->outbox, room->post_next)->mark.incarnation != room->post_known;
}

static bool
may_post(struct peer_core *self, struct peer_room *room)
{
    if (room->post_next == PEER_NONE || !peer_rooms_in(room) || (room->standing & MSG_STANDING_MUTED) != 0 || !self->self.incarnation_synced)
        return false;
    if (!peer_session_online(self)) /* a mesh does without; all of it is posted later */
        return peer_room_mesh_talks(self, room) && !room->behind && !room->refused && peer_room_key_usable(self, room);
    if (room->post_count == PEER_POSTS || must_wait(self, room) || !room->live || room->behind || room->refused)
        return false; /* the log may know more of our chain than we do, the roster of who is in */
    if (self->now.mono_ms < room->post_at_ms) {
        peer_step_at(self, room->post_at_ms);
        return false;
    }
    return peer_room_key_ready(self, room);
}

/* What goes into one frame, from post_next on. */
struct load {
    struct msg_buf batch;
    struct peer_out first;      /* the first of it */
    uint32_t count;
    uint32_t next;              /* what follows it in the queue */
    bool full;
    struct msg_head head;
};

static void
gather(struct peer_core *self, const struct peer_room *room, struct load *load)
{
    struct peer_mark last = {0, 0};
    uint32_t at = room->post_next;
    load->batch = (struct msg_buf){self->batch, 0, sizeof self->batch};
    load->first = *peer_outbox_at(self->outbox, at);
    load->count = 0;
    load->full = false;
    while (at != PEER_NONE && !load->full) {
        const struct peer_out *out = peer_outbox_at(self->outbox, at);
        const struct msg_say say = {out->id, peer_outbox_text(self->outbox, at, self->text)};
        load->full = load->count == MSG_BATCH_COUNT || (load->count > 0 && !peer_outbox_follows(out, last))
                     || msg_codec_encode(&load->batch, MSG_SAY, &say) != CONCLAVE_OK;
        if (load->full)
            break;
        load->count++;
        last = out->mark;
        at = out->next;
    }
    load->next = at;
    load->head = at != PEER_NONE ? peer_outbox_at(self->outbox, at)->prev : room->said_head;
}

static void
post(struct peer_core *self, struct peer_room *room, const struct load *load)
{
    static uint8_t none;
    struct msg_buf buf = {self->frame, 0, MSG_FRAME_MAX};
    struct msg_room_frame frame = {
        .room = room->facts.id,
        .epoch = room->facts.epoch,
        .epoch_head = room->facts.epoch_head,
        .account = self->self.account,
        .device = self->self.device,
        .incarnation = load->first.mark.incarnation,
        .salt = load->first.salt,
        .from_incarnation = load->first.from.incarnation, .from_number = load->first.from.number,
        .first = load->first.mark.number, .count = load->count,
        .prev = load->first.prev, .head = load->head,
        .box = {&none, 0},
    };
    const enum conclave_err err = msg_roomkey_seal(&room->key, &buf, &frame, msg_span_of_buf(&load->batch), &self->identity.sign_sec);
    assert(err == CONCLAVE_OK);
    (void)err; /* the room was reckoned */
    const struct msg_room_post post = {room->facts.id, msg_span_of_buf(&buf)};
    if (peer_session_online(self))
        peer_session_send(self, MSG_ROOM_POST, &post);
    peer_room_mesh_publish(self, room, post.frame);
    peer_room_keep(self, room, &frame, true);
    peer_room_key_used(self, room);
    room->post_next = load->next;
    room->tip_at_ms = self->now.mono_ms + TIP_MS;
    peer_step_at(self, room->tip_at_ms);
    if (!peer_session_online(self))
        return;
    const struct peer_mark last = {frame.incarnation, frame.first + frame.count - 1};
    if (room->post_count == 0)
        room->progress_ms = self->now.mono_ms;
    room->posts[room->post_count++] = (struct peer_post){frame.incarnation, frame.first, last.number, false};
    if (peer_mark_before(room->posted, last))
        room->posted = last;
    peer_step_at(self, room->progress_ms + SILENCE_MS);
}

/* It fails where its user can see it, and the chain goes on as if it had not
 * been said: in an incarnation of its own, since some may have it. */
static void
give_up(struct peer_core *self, struct peer_room *room, enum conclave_err err)
{
    char text[MSG_ROOM_NAME_MAX + 224];
    const char *const why = err == CONCLAVE_ERR_FORBIDDEN ? "you are muted there" : err == CONCLAVE_ERR_NOT_A_MEMBER ? "you are not in it any more" : "the room is gone";
    const uint32_t count = room->queue.count;
    if (count == 0)
        return;
    const struct peer_out first = *peer_outbox_at(self->outbox, room->queue.first);
    const bool ours = room->said.incarnation == self->self.incarnation; /* the last of them, though the first may be of a life before */
    (void)snprintf(text, sizeof text, "%u message%s that you said in %s waited to be posted, and cannot be any more, since %s; others may not have seen %s.", count,
                   count == 1 ? "" : "s", room->name, why, count == 1 ? "it" : "them");
    peer_step_notice_about(self, msg_text(room->name), err, msg_text(text));
    while (room->queue.count > 0) {
        const struct msg_record_key key = key_of(room, peer_outbox_at(self->outbox, room->queue.first)->mark);
        msg_effects_delete(self->out, PEER_TABLE_ROOM_OUT, msg_record_key_span(&key));
        peer_outbox_shift(self->outbox, &room->queue);
    }
    room->said = first.mark.number > 1 ? (struct peer_mark){first.mark.incarnation, first.mark.number - 1} : first.from;
    room->said_head = first.prev;
    peer_room_post_anew(self, room);
    peer_rooms_put(room, self->out);
    if (ours)
        peer_talk_reincarnate(self);
    (void)peer_step_store(self); /* only marks that this step writes */
}

void
peer_room_post_end(struct peer_core *self, struct peer_room *room, enum conclave_err err)
{
    peer_room_settle_out(self, room);
    give_up(self, room, err);
}

/* What comes alone goes at once; under a backlog frames grow until they are full. */
static bool
is_worth(const struct peer_room *room, const struct load *load)
{
    return load->full || (room->post_count < 32 / GROWTH && load->count >= 1u << GROWTH * room->post_count);
}

static void
flush(struct peer_core *self, struct peer_room *room)
{
    struct load load;
    room->post_due = false;
    peer_room_settle_out(self, room);
    if (room->facts.made && !room->behind && !room->reading && (!peer_rooms_in(room) || (room->standing & MSG_STANDING_MUTED) != 0))
        give_up(self, room, peer_rooms_in(room) ? CONCLAVE_ERR_FORBIDDEN : CONCLAVE_ERR_NOT_A_MEMBER);
    for (uint32_t i = 0; may_post(self, room); i++) {
        if (i == TURN_MAX) {
            peer_room_post_soon(self, room); /* after the others had their turn */
            return;
        }
        gather(self, room, &load);
        const bool goes = is_worth(room, &load);
        if (goes)
            post(self, room, &load);
        msg_keys_wipe(self->batch, load.batch.len);
        if (!goes)
            return; /* with the next STORED */
    }
}

void
peer_room_flush(struct peer_core *self)
{
    uint32_t at = 0;
    if (!self->room_posts_due)
        return;
    self->room_posts_due = false;
    for (struct peer_room *room; (room = peer_rooms_each(&self->rooms, &at)) != NULL;)
        if (room->post_due)
            flush(self, room);
}

/* ---- what became of it ---- */

/* From the first message at or after that place on, all goes again. */
static void
rewind_to(struct peer_core *self, struct peer_room *room, struct peer_mark from)
{
    uint32_t at = room->queue.first;
    while (at != PEER_NONE && peer_mark_before(peer_outbox_at(self->outbox, at)->mark, from))
        at = peer_outbox_at(self->outbox, at)->next;
    room->post_next = at;
    for (uint32_t i = 0; i < room->post_count; i++)
        if (!peer_mark_before((struct peer_mark){room->posts[i].incarnation, room->posts[i].last}, from))
            room->posts[i].stale = true;
    peer_room_post_soon(self, room);
}

void
peer_room_publish_again(struct peer_core *self, struct peer_room *room, struct peer_mark after)
{
    const struct peer_mark from = {after.incarnation, after.number + 1};
    const bool published = room->post_next == PEER_NONE || peer_mark_before(from, peer_outbox_at(self->outbox, room->post_next)->mark);
    if (!peer_session_online(self) && published)
        rewind_to(self, room, from);
}

void
peer_room_post_anew(struct peer_core *self, struct peer_room *room)
{
    room->post_count = 0;
    room->post_next = room->queue.first;
    room->progress_ms = self->now.mono_ms;
    peer_room_post_soon(self, room);
}

static void
remove_post(struct peer_room *room, uint32_t at)
{
    room->post_count--;
    memmove(&room->posts[at], &room->posts[at + 1], (room->post_count - at) * sizeof room->posts[0]);
}

static void
remember(struct peer_core *self, const struct peer_room *room, const struct peer_out *out)
{
    self->room_stored[self->room_stored_turn++ % PEER_STORED] = (struct peer_stored){room->facts.id, out->mark, out->id};
}

void
peer_room_settle_out(struct peer_core *self, struct peer_room *room)
{
    while (room->queue.count > 0) {
        const uint32_t at = room->queue.first;
        const struct peer_out *out = peer_outbox_at(self->outbox, at);
        if (peer_mark_before(room->stored, out->mark))
            break;
        if (!peer_held_fits(self->held, 0)) {
            room->ticks_due = self->ticks_due = true; /* the rest when the disk has caught up */
            break;
        }
        const struct msg_record_key key = key_of(room, out->mark);
        tell_tick(self, room, &out->id, MSG_TICK_STORED);
        msg_effects_delete(self->out, PEER_TABLE_ROOM_OUT, msg_record_key_span(&key));
        remember(self, room, out);
        room->post_next = room->post_next == at ? out->next : room->post_next;
        peer_outbox_shift(self->outbox, &room->queue);
        room->progress_ms = self->now.mono_ms;
    }
}

void
peer_room_stored(struct peer_core *self, const struct msg_room_stored *answer)
{
    struct peer_room *room = peer_rooms_find(&self->rooms, &answer->room);
    struct peer_mark mark = {answer->incarnation, answer->number};
    if (room == NULL)
        return;
    if (peer_mark_before(room->posted, mark))
        mark = room->posted; /* it cannot have what was never posted */
    if (peer_mark_before(room->stored, mark))
        room->stored = mark;
    room->post_known = answer->incarnation;
    for (uint32_t i = room->post_count; i-- > 0;)
        if (!peer_mark_before(mark, (struct peer_mark){room->posts[i].incarnation, room->posts[i].last}))
            remove_post(room, i);
    peer_room_post_soon(self, room);
}

/* One of our own frames, in the log: nothing that it has needs to be posted. */
void
peer_room_own_logged(struct peer_core *self, struct peer_room *room, const struct msg_room_frame *frame)
{
    const struct peer_mark last = {frame->incarnation, frame->first + frame->count - 1};
    uint32_t at = room->queue.first;
    if (frame->incarnation > self->self.incarnation || (frame->incarnation == self->self.incarnation && frame->salt != self->self.salt)) {
        peer_step_log(self, MSG_LOG_WARN, "RESTORED", "a room knows a later incarnation of this device: its disk is an older copy; waiting messages are numbered anew");
        peer_talk_renumber(self, frame->incarnation);
        return;
    }
    while (at != PEER_NONE && peer_outbox_at(self->outbox, at)->mark.incarnation != frame->incarnation)
        at = peer_outbox_at(self->outbox, at)->next;
    if (at == PEER_NONE || peer_outbox_at(self->outbox, at)->salt != frame->salt || peer_mark_before(last, room->stored))
        return;
    room->stored = last;
    if (peer_mark_before(room->posted, last))
        room->posted = last;
    peer_room_post_soon(self, room);
}

/* ---- what is not taken ---- */

/* The oldest frame under way that begins there; PEER_NONE: none does. */
static uint32_t
find_post(const struct peer_room *room, uint64_t incarnation, uint64_t first, bool stale)
{
    for (uint32_t i = 0; i < room->post_count; i++)
        if (room->posts[i].incarnation == incarnation && room->posts[i].first == first && (stale || !room->posts[i].stale))
            return i;
    return PEER_NONE;
}

/* Not in this frame, but from `first` on again. */
static void
again(struct peer_core *self, struct peer_room *room, const struct msg_room_refused *answer, bool hole)
{
    const uint32_t at = find_post(room, answer->incarnation, answer->first, true);
    const struct peer_mark from = {answer->incarnation, answer->first};
    if (!hole && at != PEER_NONE) {
        const bool stale = room->posts[at].stale;
        remove_post(room, at);
        if (stale)
            return; /* it is in another one by now */
    }
    if (hole && find_post(room, answer->incarnation, answer->first, false) != PEER_NONE)
        return; /* it has gone out since */
    if (room->post_next == PEER_NONE || peer_mark_before(from, peer_outbox_at(self->outbox, room->post_next)->mark))
        rewind_to(self, room, from);
}

void
peer_room_post_refused(struct peer_core *self, const struct msg_room_refused *answer)
{
    struct peer_room *room = peer_rooms_find(&self->rooms, &answer->room);
    const enum conclave_err err = msg_error_from_code(answer->code.at, answer->code.len);
    if (room == NULL || answer->incarnation == 0)
        return; /* a TIP or a RECEIPT */
    peer_step_log(self, MSG_LOG_DEBUG, "POST-REFUSED", msg_error_sentence(err));
    if (err == CONCLAVE_ERR_FORBIDDEN || err == CONCLAVE_ERR_NOT_A_MEMBER || err == CONCLAVE_ERR_NO_SUCH_ROOM) {
        peer_room_read(self, room); /* it says why, or that it is not so */
        again(self, room, answer, false);
        room->post_at_ms = self->now.mono_ms + BUSY_MS;
        peer_step_at(self, room->post_at_ms);
        return;
    }
    if (err == CONCLAVE_ERR_EXPIRED && answer->number > room->facts.number)
        peer_room_read(self, room);
    again(self, room, answer, err == CONCLAVE_ERR_RANGE);
    if ((err == CONCLAVE_ERR_EXPIRED && answer->number > room->facts.number) || err == CONCLAVE_ERR_RANGE)
        return; /* else there is nothing to read that would make it fit */
    room->post_at_ms = self->now.mono_ms + (answer->retry_ms > 0 ? answer->retry_ms : BUSY_MS);
    peer_step_at(self, room->post_at_ms);
}

/* Our disk was put back: what waits is numbered anew, in an incarnation that
 * was never used. */
void
peer_room_renumber(struct peer_core *self)
{
    uint32_t index = 0;
    for (struct peer_room *room; (room = peer_rooms_each(&self->rooms, &index)) != NULL;) {
        struct peer_queue old = room->queue;
        peer_outbox_start(&room->queue);
        room->said = room->from = room->posted = room->stored = (struct peer_mark){0, 0};
        memset(&room->said_head, 0, sizeof room->said_head);
        room->post_next = PEER_NONE;
        room->post_count = 0;
        while (old.count > 0) {
            struct peer_out out = *peer_outbox_at(self->outbox, old.first);
            const struct msg_record_key key = key_of(room, out.mark);
            msg_effects_delete(self->out, PEER_TABLE_ROOM_OUT, msg_record_key_span(&key));
            const struct msg_text text = peer_outbox_text(self->outbox, old.first, self->text);
            peer_outbox_shift(self->outbox, &old);
            link_on(self, room, &out, text);
            enqueue(self, room, &out, text);
        }
        peer_rooms_put(room, self->out);
        peer_room_post_soon(self, room);
    }
}

/* ---- in time ---- */

static void
tip(struct peer_core *self, struct peer_room *room)
{
    struct msg_buf buf = {self->frame, 0, MSG_FRAME_MAX};
    struct msg_room_tip tip = {.room = room->facts.id, .account = self->self.account, .device = self->self.device, .incarnation = room->said.incarnation,
                               .salt = self->self.salt, .number = room->said.number, .head = room->said_head};
    room->tip_at_ms = 0;
    if (room->said.incarnation != self->self.incarnation || room->post_next != PEER_NONE || room->facts.members > TIP_MEMBERS)
        return; /* there is more to come; or nobody gets frames on two ways */
    msg_room_sign_tip(&tip, &self->identity.sign_sec);
    if (msg_codec_encode(&buf, MSG_ROOM_TIP, &tip) != CONCLAVE_OK)
        return; /* cannot happen: it is short */
    if (peer_session_online(self))
        peer_session_send(self, MSG_ROOM_POST, &(struct msg_room_post){room->facts.id, msg_span_of_buf(&buf)});
    peer_room_mesh_publish(self, room, msg_span_of_buf(&buf));
}

void
peer_room_post_tick(struct peer_core *self, struct peer_room *room)
{
    const uint64_t now = self->now.mono_ms;
    if (room->post_count > 0 && now >= room->progress_ms + SILENCE_MS)
        peer_room_post_anew(self, room);
    else if (room->post_count > 0)
        peer_step_at(self, room->progress_ms + SILENCE_MS);
    if (room->tip_at_ms != 0 && now >= room->tip_at_ms && (peer_session_online(self) || peer_room_mesh_talks(self, room)))
        tip(self, room);
    else if (room->tip_at_ms > now)
        peer_step_at(self, room->tip_at_ms);
    if (room->post_next != PEER_NONE)
        peer_room_post_soon(self, room);
}

/* ROOM_POST: what members say in rooms.  A frame is checked in the order of
 * what it costs, gets its offset, and waits for the end of the turn, when all
 * that came is handed to the disk as one transaction and cast
 * (broker/rooms/room_casts).  ROOM_STORED follows when it is on disk.  Seals and
 * signatures are the members' to check. */
#include "broker/core/front_state.h"

#include "msg/codec.h"

struct posting {
    uint32_t room;              /* slot */
    struct broker_session *session;
    const struct msg_room_post *post;
};

static void
refuse(struct broker_front_core *self, const struct posting *posting, enum conclave_err err, uint64_t incarnation,
       uint64_t first, uint64_t retry_ms)
{
    const struct broker_room *room = posting->room != BROKER_NONE ? &self->rooms.list[posting->room] : NULL;
    const struct msg_room_refused refused = {
        .room = posting->post->room,
        .code = msg_text(msg_error_code(err)),
        .incarnation = incarnation,
        .first = first,
        .epoch = room != NULL ? room->rules.epoch : 0,
        .number = room != NULL ? room->rules.number : 0,
        .retry_ms = retry_ms,
    };

    broker_counting_refused(self, err);
    broker_front_core_send(self, posting->session->conn, MSG_ROOM_REFUSED, &refused);
}

static void
say_stored(struct broker_front_core *self, uint64_t conn, const struct msg_id *room, uint64_t incarnation,
           uint64_t number)
{
    const struct msg_room_stored stored = {*room, incarnation, number};

    broker_front_core_send(self, conn, MSG_ROOM_STORED, &stored);
}

/* ---- what it costs ---- */

/* 0, or when to try again. */
static uint64_t
charge(struct broker_front_core *self, struct broker_listener *listener, size_t bytes)
{
    const struct broker_rate frames = {self->settings.posts_per_s, self->settings.posts_per_s, 1000};
    const struct broker_rate kib = {self->settings.post_kib_per_s, self->settings.post_kib_per_s, 1000};
    uint64_t retry_ms = broker_bucket_take(&listener->posts, &frames, self->now.mono_ms);

    if (retry_ms == 0)
        retry_ms = broker_bucket_take_many(&listener->post_kib, &kib, 1 + bytes / 1024, self->now.mono_ms);
    return retry_ms;
}

/* ---- frames ---- */

/* Whether the frame goes on from what was taken; if not, whoever posted is told. */
static bool
goes_on(struct broker_front_core *self, const struct posting *posting, const struct msg_room_frame *frame,
        const struct broker_sender *sender)
{
    const uint64_t last = frame->first + frame->count - 1;

    if (sender == NULL || sender->incarnation != frame->incarnation || sender->salt != frame->salt || frame->first == sender->number + 1)
        return true;
    if (frame->first <= sender->number && sender->stored > 0)
        say_stored(self, posting->session->conn, &frame->room, sender->incarnation, sender->stored);
    if (last > sender->number)
        refuse(self, posting, CONCLAVE_ERR_RANGE, frame->incarnation, sender->number + 1, 0);
    return false; /* all of it was taken before: STORED was said, or will be */
}

/* Whether the header is about this room and this device, whose own it is then
 * to be told of. */
static bool
is_own(const struct posting *posting, const struct msg_room_frame *frame)
{
    return frame->account == posting->session->account && frame->device == posting->session->device
           && memcmp(frame->room.at, posting->post->room.at, sizeof frame->room.at) == 0
           && frame->first <= UINT64_MAX - frame->count;
}

static enum conclave_err
judge(const struct broker_front_core *self, const struct posting *posting, const struct msg_room_frame *frame)
{
    const struct broker_room *room = &self->rooms.list[posting->room];
    const uint32_t seat = broker_rooms_seat(&self->rooms, posting->room,
                                            (uint32_t)(posting->session - self->sessions.list));
    const struct broker_member *member = &self->rooms.members[self->rooms.seats[seat].member];

    if ((member->part.standing & MSG_STANDING_MUTED) != 0)
        return CONCLAVE_ERR_FORBIDDEN;
    /* Also when the entry that ends it, and maybe the membership, is on its way to the disk. */
    if (frame->epoch != room->rules.epoch
        || memcmp(frame->epoch_head.at, room->rules.epoch_head.at, sizeof frame->epoch_head.at) != 0)
        return CONCLAVE_ERR_EXPIRED;
    return CONCLAVE_OK;
}

static struct broker_post *
queue(struct broker_front_core *self, const struct posting *posting, struct msg_span bytes)
{
    struct broker_post *post = broker_posts_add(&self->posts, bytes);

    if (post == NULL)
        return NULL;
    post->room = posting->post->room;
    post->room_slot = posting->room;
    post->account = posting->session->account;
    post->device = posting->session->device;
    return post;
}

static void
take_frame(struct broker_front_core *self, const struct posting *posting, const struct msg_room_frame *frame)
{
    const struct msg_span bytes = posting->post->frame;

    if (!is_own(posting, frame)) {
        refuse(self, posting, CONCLAVE_ERR_FORBIDDEN, frame->incarnation, frame->first, 0);
        return;
    }
    const uint32_t known = broker_senders_find(&self->senders, &frame->room, frame->account, frame->device);
    if (!goes_on(self, posting, frame, known != BROKER_NONE ? &self->senders.list[known] : NULL))
        return;
    const enum conclave_err err = judge(self, posting, frame);
    if (err != CONCLAVE_OK) {
        refuse(self, posting, err, frame->incarnation, frame->first, 0);
        return;
    }
    struct broker_post *post = queue(self, posting, bytes);
    if (post == NULL) {
        refuse(self, posting, CONCLAVE_ERR_BUSY, frame->incarnation, frame->first, BROKER_BUSY_MS);
        return;
    }
    /* only now: who is not heard does not take the place of somebody who is */
    const uint32_t slot = broker_senders_hold(&self->senders, &frame->room, frame->account, frame->device);
    struct broker_sender *sender = &self->senders.list[slot];
    struct broker_room_log *log = broker_casts_log(self, posting->room);
    post->offset = broker_room_log_give(log, self->run_first, self->now.wall_ms, bytes.len);
    post->log_frames = log->frames;
    post->log_bytes = log->bytes;
    post->sender = slot;
    post->incarnation = frame->incarnation;
    post->salt = frame->salt;
    post->first = frame->first;
    post->last = frame->first + frame->count - 1;
    post->head = frame->head;
    if (sender->incarnation != frame->incarnation || sender->salt != frame->salt)
        sender->stored = 0;
    sender->incarnation = frame->incarnation;
    sender->salt = frame->salt;
    sender->number = post->last;
    self->counts.posts++;
}

/* ---- what is passed on and not kept ---- */

static void
take_signal(struct broker_front_core *self, const struct posting *posting, struct broker_listener *listener,
            const struct msg_id *room, uint64_t account, uint64_t device, bool receipt)
{
    if (account != posting->session->account || device != posting->session->device
        || memcmp(room->at, posting->post->room.at, sizeof room->at) != 0) {
        refuse(self, posting, CONCLAVE_ERR_FORBIDDEN, 0, 0, 0);
        return;
    }
    /* Beyond the measure they are passed over: the next one says the same, and more. */
    if (receipt && self->rooms.list[posting->room].rules.members > MSG_ROOM_SMALL)
        return;
    if (broker_fanout_signal(listener, self->now.mono_ms) > 0)
        return;
    (void)broker_casts_log(self, posting->room); /* a CAST says where the log stands */
    struct broker_post *post = queue(self, posting, posting->post->frame);
    if (post != NULL)
        post->over = true;
}

/* ---- ROOM_POST ---- */

static bool
is_secret(const struct broker_front_core *self, uint32_t room, uint64_t account)
{
    struct msg_room_part part;

    (void)broker_roster_part(self, room, account, &part); /* none: zeros */
    return (self->rooms.list[room].rules.flags & MSG_ROOM_PRIVATE) != 0 && part.since == 0
           && (part.standing & MSG_STANDING_INVITED) == 0;
}

enum conclave_err
broker_posts_admit(const struct broker_front_core *self, uint32_t session, const struct msg_id *id, uint32_t *room,
                   uint32_t *seat)
{
    *seat = BROKER_NONE;
    *room = broker_rooms_by_id(&self->rooms, id);
    if (*room == BROKER_NONE || self->rooms.list[*room].stored == 0)
        return CONCLAVE_ERR_NO_SUCH_ROOM;
    *seat = broker_rooms_seat(&self->rooms, *room, session);
    if (*seat != BROKER_NONE)
        return CONCLAVE_OK;
    return is_secret(self, *room, self->sessions.list[session].account) ? CONCLAVE_ERR_NO_SUCH_ROOM
                                                                         : CONCLAVE_ERR_NOT_A_MEMBER;
}

void
broker_posts_hear(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    struct posting posting = {BROKER_NONE, &self->sessions.list[ask->session], &any->MSG_ANY_ROOM_POST};
    struct broker_listener *listener =
        broker_fanout_listener(&self->fanout, ask->session, posting.session->generation);
    union msg_any inner;
    enum msg_kind kind;
    uint32_t seat;

    const uint64_t retry_ms = charge(self, listener, posting.post->frame.len);
    enum conclave_err err = retry_ms > 0 ? CONCLAVE_ERR_BUSY
                                         : broker_posts_admit(self, ask->session, &posting.post->room, &posting.room, &seat);
    if (err != CONCLAVE_OK) {
        if (err == CONCLAVE_ERR_NO_SUCH_ROOM)
            posting.room = BROKER_NONE; /* nothing of it is told */
        const struct msg_room_frame *frame = &inner.MSG_ANY_ROOM_FRAME;
        const bool known = msg_codec_decode(posting.post->frame, &kind, &inner) == CONCLAVE_OK && kind == MSG_ROOM_FRAME;
        refuse(self, &posting, err, known ? frame->incarnation : 0, known ? frame->first : 0, retry_ms);
        return;
    }
    err = msg_codec_decode(posting.post->frame, &kind, &inner);
    if (err == CONCLAVE_OK && kind == MSG_ROOM_FRAME)
        take_frame(self, &posting, &inner.MSG_ANY_ROOM_FRAME);
    else if (err == CONCLAVE_OK && kind == MSG_ROOM_TIP)
        take_signal(self, &posting, listener, &inner.MSG_ANY_ROOM_TIP.room, inner.MSG_ANY_ROOM_TIP.account,
                    inner.MSG_ANY_ROOM_TIP.device, false);
    else if (err == CONCLAVE_OK && kind == MSG_ROOM_RECEIPT)
        take_signal(self, &posting, listener, &inner.MSG_ANY_ROOM_RECEIPT.room, inner.MSG_ANY_ROOM_RECEIPT.account,
                    inner.MSG_ANY_ROOM_RECEIPT.device, true);
    else
        broker_front_core_garbage(self, ask, err != CONCLAVE_OK ? err : CONCLAVE_ERR_KIND);
}

/* ---- on disk, or not ---- */

/* Where the device is now: it may have come back on another connection. */
static struct broker_session *
session_of(struct broker_front_core *self, const struct broker_post *post)
{
    const uint32_t session = broker_people_session(&self->people, post->account, post->device);

    return session != BROKER_NONE ? &self->sessions.list[session] : NULL;
}

static struct broker_sender *
sender_of(struct broker_front_core *self, const struct broker_post *post)
{
    struct broker_sender *sender = &self->senders.list[post->sender];

    return broker_senders_is(&self->senders, post->sender, &post->room, post->account, post->device)
                   && sender->incarnation == post->incarnation && sender->salt == post->salt
               ? sender
               : NULL;
}

static bool
is_same_chain(const struct broker_post *a, const struct broker_post *b)
{
    return a->sender == b->sender && a->incarnation == b->incarnation && a->salt == b->salt
           && a->account == b->account && a->device == b->device && memcmp(a->room.at, b->room.at, sizeof a->room.at) == 0;
}

/* It is not on disk: nothing of it is believed, nor of what came after it,
 * which is on its way there. */
static void
fail(struct broker_front_core *self, uint32_t index, enum conclave_err err)
{
    const struct broker_post *post = broker_posts_at(&self->posts, index);
    struct broker_session *session = session_of(self, post);
    struct broker_sender *sender = sender_of(self, post);
    const char *text = NULL;

    if (post->doomed)
        return; /* one before it was told */
    for (uint32_t i = index + 1; i < self->posts.count; i++) {
        struct broker_post *later = broker_posts_at(&self->posts, i);
        if (later->offset != 0 && is_same_chain(post, later))
            later->doomed = true;
    }
    if (sender != NULL)
        sender->number = post->first - 1;
    if (session == NULL)
        return;
    const struct msg_room_post about = {.room = post->room};
    const uint32_t room = broker_rooms_by_id(&self->rooms, &post->room);
    broker_front_core_soften(&err, &text);
    refuse(self, &(struct posting){room, session, &about}, err, post->incarnation, post->first, BROKER_BUSY_MS);
}

static void
succeed(struct broker_front_core *self, const struct broker_post *post)
{
    struct broker_session *session = session_of(self, post);
    struct broker_sender *sender = sender_of(self, post);

    if (sender != NULL && sender->stored < post->last)
        sender->stored = post->last;
    if (session != NULL && !post->quiet)
        say_stored(self, session->conn, &post->room, post->incarnation, post->last);
}

void
broker_posts_stored(struct broker_front_core *self, uint64_t id, enum conclave_err err)
{
    bool deletes = false;

    for (uint32_t i = 0; i < self->posts.count; i++) {
        struct broker_post *post = broker_posts_at(&self->posts, i);
        if (post->over)
            continue;
        if (post->store != id)
            break; /* transactions are answered in their order */
        post->over = true;
        if (err != CONCLAVE_OK) {
            fail(self, i, err);
        } else if (post->doomed) {
            broker_room_log_delete(self->out, &post->room, post->offset);
            deletes = true;
        } else {
            succeed(self, post);
        }
    }
    if (deletes)
        msg_effects_store(self->out, broker_jobs_store_id(&self->jobs));
    broker_posts_settle(&self->posts);
}

/* Whose a frame is.  Checking its signature costs as much as opening it, so of
 * frames that came together and go on from one another the last one's is
 * checked, which vouches for those before it; nothing is shown unproved.  Of
 * long ones by their sender's own XPUB, where CURVE proves the sender, it is
 * put off: it is for others. */
#include "peer/core/parts.h"

#define AHEAD 16u
#define LONG_BYTES 32768u   /* of a box: more than a hundred messages of one sender, and more to come */
#define OWED_MAX 16u
#define OWED_MS 1000u

/* The next frame of a room among those that came already. */
static bool
next_ahead(struct peer_ahead *ahead, struct msg_room_frame *frame)
{
    union msg_any any;
    enum msg_kind kind;
    for (;;) {
        struct msg_logged logged;
        if (!msg_codec_next(&ahead->posts, MSG_LOGGED, &logged)) {
            if (ahead->count == 0)
                return false;
            logged.frame = *ahead->frames++;
            ahead->count--;
        }
        if (msg_codec_decode(logged.frame, &kind, &any) != CONCLAVE_OK)
            return false;
        if (kind == MSG_ROOM_CAST)
            ahead->posts = any.MSG_ANY_ROOM_CAST.posts;
        if (kind != MSG_ROOM_FRAME)
            continue;
        *frame = any.MSG_ANY_ROOM_FRAME;
        return true;
    }
}

/* It seems so; is_proved makes sure. */
static bool
was_checked(const struct peer_core *self, const struct msg_room_frame *frame)
{
    return frame->counter == self->proof.counter && memcmp(&frame->key, &self->proof.key, sizeof frame->key) == 0;
}

/* The last of those that go on from a frame, one from another, or the one that
 * was checked before; not more than AHEAD further on, lest a page of the log be
 * read as often as it has frames. */
static struct msg_room_frame
last_of_run(const struct peer_core *self, const struct msg_room_frame *frame)
{
    struct peer_ahead ahead = self->ahead;
    struct msg_room_frame last = *frame, next;
    for (size_t i = 0; i < AHEAD && !was_checked(self, &last) && next_ahead(&ahead, &next); i++)
        if (msg_roomkey_vouches(&next, &last))
            last = next;
    return last;
}

/* A header that was checked is known again: the frames of a run come to the
 * same one, and it comes itself. */
static bool
is_proved(struct peer_core *self, const struct msg_room_frame *frame, const struct msg_sign_pub *device)
{
    struct peer_proof proof = {.device = *device, .key = frame->key, .counter = frame->counter};
    msg_roomkey_about(proof.header, frame);
    if (memcmp(&self->proof, &proof, sizeof proof) == 0)
        return true;
    if (msg_roomkey_check(frame, device) != CONCLAVE_OK)
        return false;
    self->proof = proof;
    return true;
}

static bool
is_signed(struct peer_core *self, const struct msg_room_frame *frame, const struct msg_sign_pub *device)
{
    const struct msg_room_frame last = last_of_run(self, frame);
    return is_proved(self, &last, device) || (last.counter != frame->counter && is_proved(self, frame, device));
}

bool
peer_room_proves(struct peer_publisher *publisher)
{
    if (publisher->owes > 0)
        publisher->lied = msg_roomkey_check(&publisher->owed, &publisher->owed_by) != CONCLAVE_OK;
    publisher->owes = 0;
    return !publisher->lied;
}

/* With a registry there is a log, where others find what they miss; without
 * one it is we who hand it on. */
static bool
may_put_off(struct peer_core *self, const struct peer_publisher *publisher, const struct msg_room_frame *frame)
{
    const struct peer_room *room = peer_rooms_at(&self->rooms, self->meshes.list[publisher->mesh].room);
    const struct peer_sender *sender = peer_rooms_sender(&self->rooms, room, frame->account, frame->device);
    return frame->box.len >= LONG_BYTES && publisher->owes + 1 < OWED_MAX && sender != NULL && !sender->lied && peer_session_online(self);
}

static void
put_off(struct peer_core *self, struct peer_publisher *publisher, const struct msg_room_frame *frame, const struct msg_sign_pub *device)
{
    if (publisher->owes++ == 0) {
        publisher->owes_ms = self->now.mono_ms + OWED_MS;
        peer_step_at(self, publisher->owes_ms);
    }
    publisher->owed = *frame;
    publisher->owed.box = (struct msg_span){0};
    publisher->owed_by = *device;
}

bool
peer_room_is_signed(struct peer_core *self, const struct msg_room_frame *frame, const struct msg_sign_pub *device)
{
    struct peer_publisher *publisher = self->meshes.speaking;
    if (publisher == NULL)
        return is_signed(self, frame, device);
    const bool follows = publisher->owes > 0 && msg_roomkey_vouches(frame, &publisher->owed);
    if (!follows && !peer_room_proves(publisher))
        return false;
    if (may_put_off(self, publisher, frame)) {
        put_off(self, publisher, frame, device);
        return true;
    }
    if (!is_signed(self, frame, device))
        return false; /* what it should have vouched for is checked by itself */
    publisher->owes = 0;
    return true;
}

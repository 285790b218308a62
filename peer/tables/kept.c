/* See kept.h.  A forgotten frame leaves its place with length 0 until the ring
 * comes round. */
#include "peer/tables/kept.h"

#include "msg/codec.h"
#include "msg/pages.h"
#include "peer/tables/tables.h"

#define HEAD_BYTES 512u     /* of a frame beside its box, at most */

bool
peer_kept_init(struct peer_kept *self)
{
    *self = (struct peer_kept){.frames = msg_pages_new(PEER_KEPT_COUNT, sizeof *self->frames), .bytes = msg_pages_new(PEER_KEPT_BYTES, 1)};
    return self->frames != NULL && self->bytes != NULL;
}

void
peer_kept_wipe(struct peer_kept *self)
{
    msg_pages_free(self->frames, PEER_KEPT_COUNT, sizeof *self->frames);
    msg_pages_free(self->bytes, PEER_KEPT_BYTES, 1);
    *self = (struct peer_kept){0};
}

static struct peer_kept_frame *
nth(const struct peer_kept *self, uint32_t index)
{
    return &self->frames[(self->oldest + index) % PEER_KEPT_COUNT];
}

const struct peer_kept_frame *
peer_kept_each(const struct peer_kept *self, uint32_t *index)
{
    while (*index < self->count) {
        const struct peer_kept_frame *const frame = nth(self, (*index)++);
        if (frame->len > 0)
            return frame;
    }
    return NULL;
}

struct msg_span
peer_kept_bytes(const struct peer_kept *self, const struct peer_kept_frame *frame)
{
    return msg_span(self->bytes + frame->at, frame->len);
}

/* ---- records ---- */

static struct msg_record_key
key_of(const struct peer_kept_frame *frame)
{
    const uint64_t numbers[] = {frame->account, frame->device, frame->incarnation, frame->first};
    return msg_record_key_room(&frame->room, numbers, 4);
}

static bool
unstore(struct peer_kept *self, struct peer_kept_frame *frame, struct msg_effects *out)
{
    const struct msg_record_key key = key_of(frame);
    if (!frame->stored)
        return false;
    frame->stored = false;
    self->stored -= frame->len;
    msg_effects_delete(out, PEER_TABLE_ROOM_FRAMES, msg_record_key_span(&key));
    return true;
}

/* Counts a frame as one that is on disk, and the oldest of these no longer
 * where they are too many. */
static bool
count_stored(struct peer_kept *self, struct peer_kept_frame *frame, struct msg_effects *out)
{
    bool written = false;
    for (uint32_t i = 0; i < self->count && self->stored + frame->len > PEER_KEPT_STORED; i++)
        written = unstore(self, nth(self, i), out) || written;
    frame->stored = true;
    self->stored += frame->len;
    return written;
}

/* ---- the ring ---- */

static bool
drop_oldest(struct peer_kept *self, struct msg_effects *out)
{
    const bool written = unstore(self, nth(self, 0), out);
    self->oldest = (self->oldest + 1) % PEER_KEPT_COUNT;
    self->count--;
    return written;
}

/* Room for so many bytes at `next`, in one part. */
static bool
make_room(struct peer_kept *self, size_t len, struct msg_effects *out)
{
    bool written = false;
    if (self->count == PEER_KEPT_COUNT)
        written = drop_oldest(self, out);
    if (PEER_KEPT_BYTES - self->next < len) {
        while (self->count > 0 && nth(self, 0)->at >= self->next)
            written = drop_oldest(self, out) || written;
        self->next = 0;
    }
    while (self->count > 0 && nth(self, 0)->at >= self->next && nth(self, 0)->at - self->next < len)
        written = drop_oldest(self, out) || written;
    return written;
}

static struct peer_kept_frame
describe(const struct msg_room_frame *frame)
{
    return (struct peer_kept_frame){.room = frame->room, .epoch = frame->epoch, .account = frame->account, .device = frame->device,
                                    .incarnation = frame->incarnation, .first = frame->first, .last = frame->first + frame->count - 1};
}

/* The one that begins with the same message; NULL: there is none. */
static struct peer_kept_frame *
same_begin(const struct peer_kept *self, const struct peer_kept_frame *as)
{
    for (uint32_t i = self->count; i-- > 0;) {
        struct peer_kept_frame *const frame = nth(self, i);
        if (frame->len > 0 && frame->first == as->first && frame->incarnation == as->incarnation && frame->account == as->account && frame->device == as->device
            && memcmp(&frame->room, &as->room, sizeof as->room) == 0)
            return frame;
    }
    return NULL;
}

/* Writes it after the others, where there is room for it; NULL: it does not
 * encode, which cannot happen: it was decoded, or made here. */
static struct peer_kept_frame *
append(struct peer_kept *self, const struct msg_room_frame *frame)
{
    struct msg_buf buf = {self->bytes + self->next, 0, frame->box.len + HEAD_BYTES};
    struct peer_kept_frame *const fresh = nth(self, self->count);
    if (msg_codec_encode(&buf, MSG_ROOM_FRAME, frame) != CONCLAVE_OK)
        return NULL;
    *fresh = describe(frame);
    fresh->at = self->next;
    fresh->len = buf.len;
    self->next += buf.len;
    self->count++;
    return fresh;
}

/* Where it was written; NULL: it is there already. */
static struct peer_kept_frame *
add(struct peer_kept *self, const struct msg_room_frame *frame, bool *written, struct msg_effects *out)
{
    const struct peer_kept_frame fresh = describe(frame);
    struct peer_kept_frame *known = same_begin(self, &fresh);
    if (known != NULL && known->last >= fresh.last && known->epoch == fresh.epoch)
        return NULL;
    if (known != NULL) {
        *written = unstore(self, known, out);
        known->len = 0; /* the new one has more, or is sealed for those who are there now */
    }
    *written = make_room(self, frame->box.len + HEAD_BYTES, out) || *written;
    return append(self, frame);
}

bool
peer_kept_add(struct peer_kept *self, const struct msg_room_frame *frame, bool store, struct msg_effects *out)
{
    bool written = false;
    struct peer_kept_frame *fresh = add(self, frame, &written, out);
    if (fresh == NULL || !store)
        return written;
    const struct msg_record_key key = key_of(fresh);
    (void)count_stored(self, fresh, out); /* written in any case */
    msg_effects_put(out, PEER_TABLE_ROOM_FRAMES, msg_record_key_span(&key), MSG_ROOM_FRAME, frame);
    return true;
}

void
peer_kept_restore(struct peer_kept *self, const struct msg_room_frame *frame)
{
    const struct peer_kept_frame as = describe(frame);
    if (self->count == PEER_KEPT_COUNT || PEER_KEPT_BYTES - self->next < frame->box.len + HEAD_BYTES || same_begin(self, &as) != NULL)
        return; /* more than this puts there, or twice: some other hand did */
    struct peer_kept_frame *const fresh = append(self, frame);
    if (fresh == NULL || self->stored + fresh->len > PEER_KEPT_STORED)
        return;
    fresh->stored = true;
    self->stored += fresh->len;
}

static bool
is_in(const struct peer_kept_frame *frame, const struct msg_id *room)
{
    return memcmp(&frame->room, room, sizeof *room) == 0;
}

bool
peer_kept_settle(struct peer_kept *self, const struct msg_id *room, struct msg_effects *out)
{
    bool written = false;
    for (uint32_t i = 0; i < self->count; i++)
        if (is_in(nth(self, i), room))
            written = unstore(self, nth(self, i), out) || written;
    return written;
}

/* account 0: everybody's */
static bool
drop(struct peer_kept *self, const struct msg_id *room, uint64_t account, uint64_t device, struct msg_effects *out)
{
    bool written = false;
    for (uint32_t i = 0; i < self->count; i++) {
        struct peer_kept_frame *const frame = nth(self, i);
        if (!is_in(frame, room) || (account != 0 && (frame->account != account || frame->device != device)))
            continue;
        written = unstore(self, frame, out) || written;
        frame->len = 0;
    }
    return written;
}

bool
peer_kept_drop_room(struct peer_kept *self, const struct msg_id *room, struct msg_effects *out)
{
    return drop(self, room, 0, 0, out);
}

bool
peer_kept_drop_sender(struct peer_kept *self, const struct msg_id *room, uint64_t account, uint64_t device, struct msg_effects *out)
{
    return drop(self, room, account, device, out);
}

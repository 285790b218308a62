/* The log of rooms: read in passes, page by page, from where we stood to its
 * end; then it comes by itself.  A pass over what was read before fetches what
 * could not be opened then. */
#include "peer/core/parts.h"

#define PASSES_MAX 8u       /* logs that are read at a time */
#define AGAIN_MS 2000u      /* when one could not be read */
#define DISK_MS 50u         /* when too much waits for the disk */
#define TAKEN_BYTES 65536u  /* of ROOM_CASTs: tell that they were read */

void
peer_room_log_again(struct peer_core *self, struct peer_room *room, uint64_t from, uint64_t wait_ms)
{
    const bool planned = room->again || !room->live;
    if (!room->again || from < room->again_from)
        room->again_from = from;
    room->again = true;
    if (wait_ms > 0 && !planned) /* nobody puts off for long what is due */
        room->pass_at_ms = self->now.mono_ms + wait_ms;
    peer_step_at(self, self->now.mono_ms + wait_ms);
}

void
peer_room_log_look(struct peer_core *self, struct peer_room *room)
{
    if (room->passing || (room->live && !room->again) || !peer_rooms_in(room) || room->behind || room->reading || room->refused
        || !peer_session_online(self))
        return;
    if (self->now.mono_ms < room->pass_at_ms || self->room_passes == PASSES_MAX) {
        peer_step_at(self, self->room_passes == PASSES_MAX ? self->now.mono_ms + DISK_MS : room->pass_at_ms);
        return;
    }
    struct peer_request *request = peer_requests_add(self, MSG_ROOM_READ, 0, msg_text(""));
    if (request == NULL) {
        room->pass_at_ms = self->now.mono_ms + AGAIN_MS;
        peer_step_at(self, room->pass_at_ms);
        return;
    }
    room->pass_from = room->again && room->again_from < room->cursor ? room->again_from : room->cursor;
    if (room->partial && room->whole < room->pass_from)
        room->pass_from = room->whole;
    room->pass_at = room->pass_from;
    room->again = false;
    room->passing = true;
    self->room_passes++;
    request->order.step = ROOM_STEP_LOG;
    request->order.room = room->facts.id;
    request->number = room->pass_at;
    peer_requests_go(self, request);
}

/* What need not be sent: where we read before, all that came and was taken. */
void
peer_room_have(struct peer_core *self, const struct peer_room *room, struct msg_buf *buf, struct msg_list *have)
{
    for (const struct peer_sender *sender = peer_rooms_first_sender(&self->rooms, room); sender != NULL && have->count < MSG_MARK_COUNT;
         sender = peer_rooms_next_sender(&self->rooms, sender)) {
        if (!peer_rooms_is_chained(sender) || sender->mark.number == 0)
            continue;
        const struct msg_mark mark = {sender->account, sender->device, sender->mark.incarnation, sender->mark.number, sender->head};
        if (msg_codec_append(buf, have, MSG_MARK, &mark) != CONCLAVE_OK)
            return; /* the rest comes, and is passed over */
    }
}

void
peer_room_read_log(struct peer_core *self, struct peer_request *request)
{
    const struct peer_room *room = peer_rooms_find(&self->rooms, &request->order.room);
    struct msg_buf buf = {self->frame, 0, MSG_FRAME_MAX / 2};
    struct msg_room_read read = {.req = request->req, .room = request->order.room, .after = request->number};
    if (room != NULL && (request->number < room->cursor || room->partial))
        peer_room_have(self, room, &buf, &read.have);
    peer_session_send(self, MSG_ROOM_READ, &read);
}

/* A pass ends after that offset: what is left of it is read later. */
static void
break_off(struct peer_core *self, struct peer_room *room, uint64_t after, uint64_t wait_ms)
{
    room->live = false;
    room->pass_at_ms = self->now.mono_ms + wait_ms;
    peer_step_at(self, room->pass_at_ms);
    if (after < room->cursor)
        peer_room_log_again(self, room, after, wait_ms);
}

/* Not at this offset: soon, or when the roster was read. */
static void
stop(struct peer_core *self, struct peer_room *room, uint64_t after, enum peer_heard why)
{
    break_off(self, room, after, DISK_MS);
    if (why == HEARD_WAIT_ROSTER)
        peer_room_read(self, room);
}

/* What is kept comes in order of offsets.  False: no further. */
static bool
take_logged(struct peer_core *self, struct peer_room *room, const struct msg_logged *logged, bool cast)
{
    union msg_any any;
    enum msg_kind kind;
    const bool fine = msg_codec_decode(logged->frame, &kind, &any) == CONCLAVE_OK;
    if (!fine || memcmp(&any.MSG_ANY_ROOM_FRAME.room, &room->facts.id, sizeof room->facts.id) != 0) {
        peer_counts_refused(self, PEER_REFUSED_REGISTRY, "ROOM-LOG-GARBAGE", "the registry passed on what is no frame of the room");
        return true;
    }
    if (logged->offset == 0 && kind == MSG_ROOM_TIP)
        peer_room_tip(self, room, &any.MSG_ANY_ROOM_TIP);
    else if (logged->offset == 0 && kind == MSG_ROOM_RECEIPT)
        peer_room_receipt(self, room, &any.MSG_ANY_ROOM_RECEIPT);
    else if (cast && room->partial && kind == MSG_ROOM_FRAME)
        peer_room_hear_direct(self, room, &any.MSG_ANY_ROOM_FRAME);
    else if (logged->offset != 0 && kind == MSG_ROOM_FRAME) {
        const enum peer_heard heard = peer_room_hear(self, room, logged->offset, &any.MSG_ANY_ROOM_FRAME);
        if (heard != HEARD) {
            stop(self, room, logged->offset - 1, heard);
            return false;
        }
    }
    if (logged->offset <= room->cursor)
        return true;
    room->cursor = logged->offset;
    if (kind == MSG_ROOM_FRAME && !room->partial)
        room->epoch_read = any.MSG_ANY_ROOM_FRAME.epoch;
    return true;
}

/* In the transaction of what was taken: a chain that does not wait any more has
 * frames in the log that were passed over while it did. */
static void
keep_cursor(struct peer_core *self, struct peer_room *room)
{
    if (peer_rooms_upto(room) == room->kept)
        return;
    peer_rooms_put(room, self->out);
    (void)peer_step_store(self); /* only marks that this step writes */
}

/* What waits for a frame that the log has no longer waits in vain. */
static void
forget_waits(struct peer_core *self, struct peer_room *room, uint64_t oldest)
{
    for (struct peer_sender *sender = peer_rooms_first_sender(&self->rooms, room); sender != NULL; sender = peer_rooms_next_sender(&self->rooms, sender))
        if (sender->waits != 0 && sender->waits < oldest) {
            sender->waits = sender->ask_at_ms = 0;
            if (!peer_rooms_is_chained(sender) && sender->lost.number == 0)
                sender->lost = sender->first;
            peer_rooms_put_sender(&self->rooms, sender, self->out);
            (void)peer_step_store(self); /* only marks that this step writes */
        }
}

static void
end_pass(struct peer_core *self, struct peer_room *room, struct peer_request *request)
{
    self->room_passes--;
    if (room != NULL)
        room->passing = false;
    peer_requests_end(self, request);
}

void
peer_room_log_page(struct peer_core *self, struct peer_request *request, const struct msg_room_log *page)
{
    struct peer_room *room = peer_rooms_find(&self->rooms, &request->order.room);
    struct msg_list frames = page->frames;
    struct msg_logged logged;
    bool whole = true;
    if (room == NULL || !peer_rooms_in(room)) {
        end_pass(self, room, request);
        return;
    }
    if (page->first > request->number + 1)
        forget_waits(self, room, page->first);
    while (whole && msg_codec_next(&frames, MSG_LOGGED, &logged)) {
        self->ahead.posts = frames;
        whole = take_logged(self, room, &logged, false);
    }
    if (whole && page->next > room->cursor)
        room->cursor = page->next;
    const bool moves = page->next > request->number;
    if (whole && !page->live && moves) {
        room->pass_at = request->number = page->next;
        keep_cursor(self, room);
        peer_requests_again(self, request, MSG_ROOM_READ);
        return;
    }
    if (whole && page->live) {
        room->live = true;
        if (!room->again)
            peer_counts_gap_closed(self, room);
        if (page->next < room->cursor) /* what was read before may have waited for what is in this */
            peer_room_log_again(self, room, page->next, DISK_MS);
        peer_room_routes_passed(self, room, room->pass_from, page->next);
        peer_room_keys_read(self, room); /* it was sent after all that we know of the roster */
        if (peer_kept_settle(&self->kept, &room->facts.id, self->out))
            (void)peer_step_store(self); /* only marks that this step writes */
    } else if (whole)
        break_off(self, room, page->next, AGAIN_MS); /* it says that there is more, and does not show it */
    end_pass(self, room, request);
    keep_cursor(self, room);
    peer_room_post_soon(self, room);
    peer_room_log_look(self, room);
}

void
peer_room_no_log(struct peer_core *self, const struct peer_request *request, enum conclave_err err)
{
    struct peer_room *room = peer_rooms_find(&self->rooms, &request->order.room);
    self->room_passes--;
    if (room == NULL)
        return;
    room->passing = false;
    break_off(self, room, request->number, AGAIN_MS);
    if (err == CONCLAVE_ERR_NOT_A_MEMBER || err == CONCLAVE_ERR_NO_SUCH_ROOM || err == CONCLAVE_ERR_FORBIDDEN)
        peer_room_read(self, room); /* it says why */
}

/* ---- as it comes ---- */

static void
count_bytes(struct peer_core *self)
{
    self->cast_bytes += self->heard_len;
    if (self->cast_bytes - self->cast_told < TAKEN_BYTES)
        return;
    self->cast_told = self->cast_bytes;
    const struct msg_room_taken taken = {self->cast_bytes};
    peer_session_send(self, MSG_ROOM_TAKEN, &taken);
}

void
peer_room_cast(struct peer_core *self, const struct msg_room_cast *cast)
{
    struct peer_room *room = peer_rooms_find(&self->rooms, &cast->room);
    struct msg_list posts = cast->posts;
    struct msg_logged logged;
    count_bytes(self);
    if (room == NULL || !peer_rooms_in(room))
        return;
    peer_room_routes_heard(self, room, cast->routes);
    /* something is missing before it, or is being read: then it is read after that */
    const bool missed = cast->prev > room->cursor, waits = room->passing || (room->again && room->again_from < room->cursor);
    if (missed && !waits) {
        peer_counts_gap(room);
        room->live = false;
        peer_room_log_look(self, room);
    }
    while (msg_codec_next(&posts, MSG_LOGGED, &logged)) {
        self->ahead.posts = posts;
        if (logged.offset > room->cursor && waits)
            peer_room_log_again(self, room, room->cursor, 0);
        else if ((!missed || logged.offset == 0) && !take_logged(self, room, &logged, true))
            break;
    }
    if (room->epoch_read == room->facts.epoch)
        peer_room_keys_read(self, room);
    keep_cursor(self, room);
}

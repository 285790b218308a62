/* ROOM_READ: a page of a room's log.  When it reaches the end, the session is
 * live from the next frame on: what is on its way to the disk, and was cast to
 * the others before, is cast to it at once. */
#include "broker/core/front_state.h"

#include <assert.h>

#include "msg/codec.h"

#define PAGE_BYTES_MAX 61440u  /* of the frames in one page, unless it has a single one */
#define LOOKS_MAX 512u         /* frames looked at for one page, */
#define LOOK_BYTES_MAX (1u << 20) /* and their bytes */
#define READ_KIB_BURST 16384u  /* pages of one session: a burst, */
#define READ_KIB_PER_S 131072u /* and what is given back */
#define BUSY_MS 100u

struct page {
    struct msg_room_log answer;
    uint32_t looks;
    size_t looked_bytes;
};

/* ---- what the reader has ---- */

static uint32_t
read_marks(const struct msg_room_read *read, struct msg_mark *marks)
{
    struct msg_list list = read->have;
    uint32_t count = 0;

    while (count < MSG_MARK_COUNT && msg_codec_next(&list, MSG_MARK, &marks[count]))
        count++;
    return count;
}

/* Whether the reader has all that is in the frame, and the same: a frame that
 * ends where the reader's chain does must have its head. */
static bool
is_had(struct msg_span bytes, const struct msg_mark *marks, uint32_t count)
{
    union msg_any any;
    enum msg_kind kind;

    if (count == 0 || msg_codec_decode(bytes, &kind, &any) != CONCLAVE_OK || kind != MSG_ROOM_FRAME)
        return false;
    const struct msg_room_frame *frame = &any.MSG_ANY_ROOM_FRAME;
    const uint64_t last = frame->first + frame->count - 1;
    for (uint32_t i = 0; i < count; i++)
        if (marks[i].account == frame->account && marks[i].device == frame->device
            && marks[i].incarnation == frame->incarnation)
            return last < marks[i].number
                   || (last == marks[i].number && memcmp(marks[i].head.at, frame->head.at, sizeof frame->head.at) == 0);
    return false;
}

/* ---- a page ---- */

/* Adds the frame, or passes over it; false: it is for the next page. */
static bool
add_frame(struct broker_front_core *self, struct page *page, uint64_t offset, struct msg_span frame,
          const struct msg_mark *marks, uint32_t count)
{
    const struct msg_logged logged = {offset, frame};

    if (page->looks == LOOKS_MAX || page->looked_bytes > LOOK_BYTES_MAX)
        return false;
    page->looks++;
    page->looked_bytes += frame.len;
    if (!is_had(frame, marks, count)) {
        if (page->answer.frames.count == MSG_BATCH_COUNT
            || (page->answer.frames.count > 0 && self->items.len + frame.len > PAGE_BYTES_MAX))
            return false;
        if (msg_codec_append(&self->items, &page->answer.frames, MSG_LOGGED, &logged) != CONCLAVE_OK)
            assert(false); /* POST_MAX fits */
        self->counts.log_read++;
    }
    page->answer.next = offset;
    return true;
}

/* true: that was all there is on disk. */
static bool
fill(struct broker_front_core *self, const struct msg_room_read *read, uint64_t first, struct page *page)
{
    const uint32_t count = read_marks(read, self->marks);
    struct msg_rec_room_frame record;
    uint64_t offset;

    page->answer.next = read->after;
    /* What is gone, or going, is not told again. */
    uint64_t after = first > 0 && read->after < first - 1 ? first - 1 : read->after;
    self->items.len = 0;
    while (broker_room_log_next(&self->view, &read->room, after, &offset, &record)) {
        if (!add_frame(self, page, offset, record.frame, self->marks, count))
            return false;
        after = offset;
    }
    return true;
}

static void
answer(struct broker_front_core *self, const struct broker_ask *ask, const struct msg_room_read *read, uint32_t room,
       uint32_t slot)
{
    const struct broker_room_log *log = broker_casts_log(self, room);
    struct broker_seat *seat = &self->rooms.seats[slot];
    struct page page = {.answer = {.req = read->req, .room = read->room, .first = log->first}};

    page.answer.live = fill(self, read, log->first, &page);
    seat->live = page.answer.live;
    seat->heard = page.answer.next;
    broker_front_core_send(self, ask->link, MSG_ROOM_LOG, &page.answer);
    if (!seat->live)
        return;
    seat->dirty = seat->told_mesh != self->rooms.list[seat->room].mesh; /* where the log stands, it knows */
    broker_casts_pending(self, slot, seat->heard);
}

void
broker_reads_ask(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    const struct broker_rate kib = {READ_KIB_BURST, READ_KIB_PER_S, 1000};
    const struct msg_room_read *read = &any->MSG_ANY_ROOM_READ;
    struct broker_listener *listener =
        broker_fanout_listener(&self->fanout, ask->session, self->sessions.list[ask->session].generation);
    uint32_t room, seat;

    const enum conclave_err err = broker_posts_admit(self, ask->session, &read->room, &room, &seat);
    if (err != CONCLAVE_OK) {
        broker_front_core_refuse(self, ask->link, ask->req, err, NULL, 0);
        return;
    }
    /* What was cast to it comes first. */
    const uint64_t retry_ms = !broker_fanout_catch_up(listener)
                                  ? BUSY_MS
                                  : broker_bucket_take_many(&listener->read_kib, &kib, 1 + PAGE_BYTES_MAX / 1024,
                                                            self->now.mono_ms);
    if (retry_ms > 0)
        broker_front_core_refuse(self, ask->link, ask->req, CONCLAVE_ERR_BUSY, NULL, retry_ms);
    else
        answer(self, ask, read, room, seat);
}

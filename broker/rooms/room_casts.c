/* What goes out to rooms at the end of a turn: the frames that came are handed
 * to the disk as one transaction, and to the sessions that are live in their
 * rooms, one shared message for all who get the same.  Who does not keep up is
 * told later where its rooms stand (ROOM_STATE), and reads the log. */
#include "broker/core/front_state.h"

#include <assert.h>

#include "msg/codec.h"

#define CAST_BYTES_MAX 61440u /* of the posts in one CAST, unless it has a single one */
#define MARK_BYTES 64u        /* one MARK on the wire, at most */
#define HEADS_MAX 1000u       /* in one ROOM_STATE */

struct broker_room_log *
broker_casts_log(struct broker_front_core *self, uint32_t slot)
{
    struct broker_room *room = &self->rooms.list[slot];
    struct msg_rec_room_entry entry;

    if (room->log.loaded)
        return &room->log;
    const bool known = room->stored > 0 && broker_room_records_entry(&self->view, &room->rules.id, room->stored, &entry);
    broker_room_log_load(&room->log, &self->view, &room->rules.id, known ? entry.offset : 0);
    room->cast = room->voices_since = room->log.last;
    return &room->log;
}

/* ---- who has spoken last ---- */

static struct broker_voice *
voices_of(const struct broker_front_core *self, const struct broker_room *room)
{
    return &self->rooms.voices[(size_t)(room - self->rooms.list) * BROKER_VOICES];
}

/* The place of that device, or of whoever was silent for longest. */
static struct broker_voice *
place_of(struct broker_voice *voices, const struct broker_post *post)
{
    struct broker_voice *place = &voices[0];

    for (uint32_t i = 0; i < BROKER_VOICES; i++) {
        if (voices[i].account == post->account && voices[i].device == post->device)
            return &voices[i];
        if (voices[i].offset < place->offset)
            place = &voices[i];
    }
    return place;
}

/* Only where many have direct routes there is somebody to be told. */
static void
note_voice(struct broker_front_core *self, struct broker_room *room, const struct broker_post *post)
{
    if (!room->mesh) {
        room->voices_since = post->offset;
        return;
    }
    struct broker_voice *place = place_of(voices_of(self, room), post);
    const bool same = place->account == post->account && place->device == post->device;
    if (!same && place->offset > room->voices_since)
        room->voices_since = place->offset;
    *place = (struct broker_voice){post->account, post->device, post->incarnation, post->last, post->head, post->offset};
}

/* To a seat with direct routes, before it is told how long the log is. */
static void
tell_spoken(struct broker_front_core *self, const struct broker_seat *seat)
{
    const struct broker_room *room = &self->rooms.list[seat->room];
    const struct broker_voice *voices = voices_of(self, room);
    struct msg_room_spoken spoken = {.room = room->rules.id, .offset = room->cast};
    uint8_t bytes[BROKER_VOICES * MARK_BYTES];
    struct msg_buf list = {bytes, 0, sizeof bytes};

    spoken.since = seat->told_offset > room->voices_since ? seat->told_offset : room->voices_since;
    for (uint32_t i = 0; room->mesh && i < BROKER_VOICES; i++) {
        const struct broker_voice *voice = &voices[i];
        const struct msg_mark mark = {voice->account, voice->device, voice->incarnation, voice->number, voice->head};
        if (voice->offset > spoken.since && msg_codec_append(&list, &spoken.marks, MSG_MARK, &mark) != CONCLAVE_OK)
            assert(false); /* they fit */
    }
    if (spoken.marks.count > 0)
        broker_front_core_send(self, self->sessions.list[seat->session].conn, MSG_ROOM_SPOKEN, &spoken);
}

/* ---- who is told where its rooms stand ---- */

static struct broker_listener *
listener_of(struct broker_front_core *self, uint32_t session)
{
    return broker_fanout_listener(&self->fanout, session, self->sessions.list[session].generation);
}

void
broker_casts_mark(struct broker_front_core *self, uint32_t slot)
{
    struct broker_seat *seat = &self->rooms.seats[slot];

    seat->dirty = true;
    broker_fanout_gather(&self->fanout, seat->session, self->now.mono_ms);
}

/* Nothing more is cast to it. */
static void
fall_behind(struct broker_front_core *self, uint32_t session)
{
    bool was_live = false;

    for (uint32_t at = broker_rooms_seats_of(&self->rooms, session); at != 0;
         at = self->rooms.seats[at - 1].session_next) {
        if (!self->rooms.seats[at - 1].live)
            continue;
        was_live = true;
        self->rooms.seats[at - 1].live = false;
        self->rooms.seats[at - 1].paused = true;
        broker_casts_mark(self, at - 1);
    }
    self->counts.behind += was_live;
}

/* It has caught up: where nothing was cast meanwhile it goes on as if it had
 * never been behind, for it has no reason to read. */
static void
resume(struct broker_front_core *self, uint32_t session)
{
    for (uint32_t at = broker_rooms_seats_of(&self->rooms, session); at != 0;
         at = self->rooms.seats[at - 1].session_next) {
        struct broker_seat *seat = &self->rooms.seats[at - 1];
        seat->live = seat->live || (seat->paused && seat->heard == self->rooms.list[seat->room].cast);
        seat->paused = false;
    }
}

void
broker_casts_tell(struct broker_front_core *self, uint32_t session)
{
    struct msg_room_state state = {.complete = false};

    resume(self, session);
    broker_wheel_clear(&self->fanout.gather, session);
    self->items.len = 0;
    for (uint32_t at = broker_rooms_seats_of(&self->rooms, session); at != 0 && state.rooms.count < HEADS_MAX;
         at = self->rooms.seats[at - 1].session_next) {
        struct broker_seat *seat = &self->rooms.seats[at - 1];
        const struct broker_room *room = &self->rooms.list[seat->room];
        const struct msg_room_part *part = &self->rooms.members[seat->member].part;
        if (!seat->dirty)
            continue;
        const struct msg_room_head head = {room->rules.id, room->stored,   broker_casts_log(self, seat->room)->last,
                                           part->role,     part->standing, room->mesh,
                                           broker_rooms_routes(seat)};
        if (seat->routes != 0)
            tell_spoken(self, seat);
        seat->dirty = false;
        seat->told_offset = room->cast;
        seat->told_mesh = room->mesh;
        seat->told_number = room->stored;
        if (msg_codec_append(&self->items, &state.rooms, MSG_ROOM_HEAD, &head) != CONCLAVE_OK)
            assert(false); /* HEADS_MAX of them fit */
    }
    if (state.rooms.count > 0)
        broker_front_core_send(self, self->sessions.list[session].conn, MSG_ROOM_STATE, &state);
    if (listener_of(self, session)->missed)
        broker_presence_begin(self, session);
    listener_of(self, session)->missed = false;
}

void
broker_casts_due(struct broker_front_core *self)
{
    uint32_t session;

    while ((session = broker_wheel_pop(&self->fanout.gather, self->now.mono_ms)) != BROKER_NONE)
        if (self->sessions.list[session].used && broker_fanout_catch_up(listener_of(self, session)))
            broker_casts_tell(self, session);
}

/* What it was told may have been lost, entries of rosters as well, and of what it
 * has directly it is told nothing else. */
void
broker_casts_lease(struct broker_front_core *self, uint32_t session)
{
    listener_of(self, session)->lease_ms = self->now.mono_ms;
    for (uint32_t at = broker_rooms_seats_of(&self->rooms, session); at != 0;
         at = self->rooms.seats[at - 1].session_next) {
        const struct broker_seat *seat = &self->rooms.seats[at - 1];
        const struct broker_room *room = &self->rooms.list[seat->room];
        if (seat->told_number != room->stored
            || (room->log.loaded && room->cast > seat->heard && (!seat->live || seat->routes != 0)))
            broker_casts_mark(self, at - 1);
    }
}

void
broker_casts_heard(struct broker_front_core *self, uint32_t session)
{
    if (self->now.mono_ms - listener_of(self, session)->lease_ms >= self->settings.lease_ms)
        broker_casts_lease(self, session);
}

void
broker_casts_taken(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    if (broker_fanout_take(listener_of(self, ask->session), any->MSG_ANY_ROOM_TAKEN.bytes))
        broker_casts_tell(self, ask->session);
}

void
broker_casts_full(struct broker_front_core *self, const struct msg_event *event)
{
    const uint32_t session = broker_sessions_by_conn(&self->sessions, event->link);

    if (session == BROKER_NONE)
        return;
    broker_fanout_lose(listener_of(self, session), event->id);
    fall_behind(self, session);
    /* It may be a CAST or a roster that it has missed, or who is there: all are told anew. */
    listener_of(self, session)->missed = true;
    for (uint32_t at = broker_rooms_seats_of(&self->rooms, session); at != 0;
         at = self->rooms.seats[at - 1].session_next) {
        self->rooms.seats[at - 1].paused = false;
        broker_casts_mark(self, at - 1);
    }
}

/* ---- one message ---- */

/* Posts of one room, from one on, as far as they go into one message. */
struct page {
    struct msg_room_cast cast;
    uint64_t last;              /* offset of its last frame; 0: it has none */
    uint32_t next;              /* slot + 1: the first post that is not in it; 0: it has all */
};

static bool
is_for(const struct broker_front_core *self, const struct broker_post *post, const struct broker_seat *seat)
{
    const struct broker_session *session = &self->sessions.list[seat->session];

    if (session->account == post->account && session->device == post->device)
        return false;
    return seat->routes == 0 || !broker_fanout_has_route(&self->fanout, seat->routes, post->account, post->device);
}

/* The message from post `at` (slot + 1) on in self->frame; seat NULL: for all. */
static bool
make_page(struct broker_front_core *self, const struct broker_room *room, const struct broker_seat *seat, uint32_t at,
          uint64_t prev, struct page *page)
{
    *page = (struct page){.cast = {.room = room->rules.id, .prev = prev, .routes = seat != NULL ? broker_rooms_routes(seat) : 0}};
    self->items.len = 0;
    for (; at != 0 && page->cast.posts.count < MSG_BATCH_COUNT; at = self->posts.list[at - 1].next) {
        const struct broker_post *post = &self->posts.list[at - 1];
        const struct msg_logged logged = {post->offset, broker_posts_bytes(&self->posts, post)};
        if (seat != NULL && !is_for(self, post, seat))
            continue;
        if (page->cast.posts.count > 0 && self->items.len + post->len > CAST_BYTES_MAX)
            break;
        if (msg_codec_append(&self->items, &page->cast.posts, MSG_LOGGED, &logged) != CONCLAVE_OK)
            assert(false); /* POST_MAX fits */
        if (post->offset != 0)
            page->last = post->offset;
    }
    page->next = at;
    self->frame.len = 0;
    if (page->cast.posts.count > 0 && msg_codec_encode(&self->frame, MSG_ROOM_CAST, &page->cast) != CONCLAVE_OK)
        assert(false); /* likewise */
    return page->cast.posts.count > 0;
}

/* Counts what is sent to a seat. */
static void
note_sent(struct broker_front_core *self, struct broker_seat *seat, const struct page *page)
{
    if (page->last != 0)
        seat->heard = page->last;
    self->counts.copies += page->cast.posts.count;
    self->counts.casts++;
    if (broker_fanout_send(listener_of(self, seat->session), self->frame.len))
        fall_behind(self, seat->session);
}

/* To one seat alone: what it gets differs from what others get. */
static void
cast_apart(struct broker_front_core *self, const struct broker_room *room, struct broker_seat *seat, uint32_t at)
{
    const uint64_t link = self->sessions.list[seat->session].conn;
    struct page page;

    while (at != 0 && seat->live && make_page(self, room, seat, at, seat->heard, &page)) {
        msg_effects_cast_as(self->out, self->frame.len, &link, 1, msg_span_of_buf(&self->frame));
        note_sent(self, seat, &page);
        at = page.next;
    }
}

/* To all seats that have heard what was cast before, and get all of it. */
static void
cast_shared(struct broker_front_core *self, const struct broker_room *room, uint32_t at)
{
    uint64_t prev = room->cast;
    struct page page;

    for (; at != 0 && make_page(self, room, NULL, at, prev, &page); at = page.next) {
        uint32_t links = 0;
        for (uint32_t i = room->seat_first; i != 0; i = self->rooms.seats[i - 1].room_next) {
            struct broker_seat *seat = &self->rooms.seats[i - 1];
            if (!seat->live || seat->apart)
                continue;
            self->links[links++] = self->sessions.list[seat->session].conn;
            note_sent(self, seat, &page);
        }
        if (links == 0)
            return;
        msg_effects_cast_as(self->out, self->frame.len, self->links, links, msg_span_of_buf(&self->frame));
        prev = page.last != 0 ? page.last : prev;
    }
}

static void
cast_room(struct broker_front_core *self, struct broker_room *room)
{
    const uint64_t round = ++self->fanout.round;
    uint64_t last = room->cast;
    uint32_t shared = 0;

    for (uint32_t at = room->post_first; at != 0; at = self->posts.list[at - 1].next) {
        const struct broker_post *post = &self->posts.list[at - 1];
        const uint32_t session = broker_people_session(&self->people, post->account, post->device);
        if (session != BROKER_NONE)
            listener_of(self, session)->round = round;
        last = post->offset != 0 ? post->offset : last;
        if (post->offset != 0)
            note_voice(self, room, post);
    }
    for (uint32_t at = room->seat_first; at != 0; at = self->rooms.seats[at - 1].room_next) {
        struct broker_seat *seat = &self->rooms.seats[at - 1];
        if ((!seat->live || seat->routes != 0) && last != room->cast)
            broker_casts_mark(self, at - 1);
        seat->apart = seat->routes != 0 || seat->heard != room->cast || listener_of(self, seat->session)->round == round;
        shared += seat->live && !seat->apart;
        if (seat->live && seat->apart)
            cast_apart(self, room, seat, room->post_first);
    }
    if (shared > 0)
        cast_shared(self, room, room->post_first);
    room->cast = last;
}

/* ---- the end of the turn ---- */

/* Whoever says STORED for the chain of this one, in this transaction. */
static void
follow(struct broker_front_core *self, struct broker_post *post)
{
    struct broker_sender *sender = &self->senders.list[post->sender];
    struct broker_post *before = sender->post != 0 ? &self->posts.list[sender->post - 1] : NULL;

    if (before != NULL && before != post && !before->over && before->store == post->store
        && before->sender == post->sender && before->incarnation == post->incarnation && before->salt == post->salt
        && memcmp(before->room.at, post->room.at, sizeof post->room.at) == 0 && before->account == post->account
        && before->device == post->device)
        before->quiet = true;
    sender->post = broker_posts_slot(&self->posts, post) + 1;
}

/* To the disk, and away from it what it pushes out. */
static void
store(struct broker_front_core *self, struct broker_post *post, struct broker_room *room)
{
    const struct broker_room_log_limits limits = {self->settings.log_frames, self->settings.log_bytes,
                                                  self->settings.log_ms};

    broker_room_log_put(self->out, &post->room, post->offset, self->now.wall_ms, post->log_frames, post->log_bytes,
                        broker_posts_bytes(&self->posts, post));
    self->counts.log_expired += broker_room_log_trim(&room->log, &self->view, &post->room, &limits, self->now.wall_ms,
                                                     BROKER_ROOM_LOG_TRIM, self->out);
    follow(self, post);
}

/* NULL: it is gone since that was posted. */
static struct broker_room *
room_of(struct broker_front_core *self, const struct broker_post *post)
{
    struct broker_room *room = &self->rooms.list[post->room_slot];

    return room->used && memcmp(room->rules.id.at, post->room.at, sizeof post->room.at) == 0 ? room : NULL;
}

static void
join_room(struct broker_front_core *self, struct broker_room *room, struct broker_post *post)
{
    const uint32_t at = broker_posts_slot(&self->posts, post) + 1;

    post->next = 0;
    if (room->post_first == 0)
        room->post_first = at;
    else
        self->posts.list[room->post_last - 1].next = at;
    room->post_last = at;
}

void
broker_casts_flush(struct broker_front_core *self)
{
    struct broker_posts *posts = &self->posts;
    const uint32_t from = posts->count - posts->fresh;
    const uint64_t id = posts->fresh > 0 ? broker_jobs_store_id(&self->jobs) : 0;
    bool kept = false;

    for (uint32_t i = from; i < posts->count; i++) {
        struct broker_post *post = broker_posts_at(posts, i);
        struct broker_room *room = room_of(self, post);
        post->cast = true;
        if (room == NULL) {
            post->over = true; /* the room's end was told */
        } else if (post->offset != 0) {
            post->store = id;
            store(self, post, room);
            kept = true;
        }
        if (room != NULL)
            join_room(self, room, post);
    }
    if (kept)
        msg_effects_store(self->out, id);
    posts->fresh = 0;
    for (uint32_t i = from; i < posts->count; i++) {
        struct broker_room *room = room_of(self, broker_posts_at(posts, i));
        if (room == NULL || room->post_first == 0)
            continue;
        cast_room(self, room);
        room->post_first = room->post_last = 0;
    }
    if (from < posts->count)
        broker_leases_pong_along(self);
    broker_posts_settle(posts);
}

void
broker_casts_pending(struct broker_front_core *self, uint32_t slot, uint64_t after)
{
    struct broker_seat *seat = &self->rooms.seats[slot];
    struct broker_room *room = &self->rooms.list[seat->room];

    room->post_first = room->post_last = 0;
    for (uint32_t i = 0; i + self->posts.fresh < self->posts.count; i++) {
        struct broker_post *post = broker_posts_at(&self->posts, i);
        if (post->offset > after && !post->over && !post->doomed && room_of(self, post) == room)
            join_room(self, room, post);
    }
    cast_apart(self, room, seat, room->post_first);
    room->post_first = room->post_last = 0;
}

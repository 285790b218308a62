/* From tells to struct conclave_event. */
#include "peer/event.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "msg/flat.h"
#include "peer/tables/batch.h"
#include "peer/tells.h"

/* Copies a text behind the others and ends it.  Room was made before: each
 * text took at least one byte more in its frame than it has, so the bytes of
 * the frames are enough and nothing moves. */
static const char *
keep(struct peer_event *self, struct msg_text text)
{
    char *const z = (char *)self->texts.at + self->texts.len;
    msg_text_copy(z, text.len + 1, text);
    self->texts.len += text.len + 1;
    return z;
}

static enum conclave_err
error_of(struct msg_text code)
{
    return code.len == 0 ? CONCLAVE_OK : msg_error_from_code(code.at, code.len);
}

static void
keep_reason(struct peer_event *self, struct msg_text code, struct msg_text text)
{
    self->event.err = error_of(code);
    if (text.len > 0) {
        self->event.text = keep(self, text);
        self->event.text_bytes = text.len;
    } else if (self->event.err != CONCLAVE_OK) {
        self->event.text = msg_error_sentence(self->event.err);
        self->event.text_bytes = strlen(self->event.text);
    }
}

/* The eight hexadecimal digits of a number, a byte each: every event has an
 * id, and a digit at a time is what takes longest of it. */
static uint64_t
digits_of(uint32_t number)
{
    uint64_t d = number;
    d = (d << 16 | d) & 0x0000ffff0000ffffull;
    d = (d << 8 | d) & 0x00ff00ff00ff00ffull;
    d = (d << 4 | d) & 0x0f0f0f0f0f0f0f0full;
    const uint64_t letters = (d + 0x0606060606060606ull) >> 4 & 0x0101010101010101ull; /* 1 where it is above 9 */
    return d + 0x3030303030303030ull + letters * ('a' - '0' - 10);
}

static void
keep_id(struct peer_event *self, const struct msg_id *id)
{
    static const struct msg_id none;
    if (memcmp(id, &none, sizeof none) == 0)
        return;
    for (size_t i = 0; i < sizeof id->at; i += sizeof(uint32_t)) {
        uint32_t word;
        memcpy(&word, id->at + i, sizeof word);
        const uint64_t eight = htobe64(digits_of(be32toh(word)));
        memcpy(self->event.id + 2 * i, &eight, sizeof eight);
    }
    self->event.id[2 * sizeof id->at] = '\0';
}

static struct conclave_user
keep_user(struct peer_event *self, struct msg_text name, uint64_t status, struct msg_text endpoint)
{
    return (struct conclave_user){.name = keep(self, name), .status = (enum conclave_status)status,
                                  .endpoint = keep(self, endpoint)};
}

static struct peer_event_pages *
pages_of(struct peer_event *self, uint64_t request)
{
    struct peer_event_pages *pages = self->pages;
    while (pages != NULL && pages->request != request)
        pages = pages->next;
    if (pages == NULL) {
        pages = calloc(1, sizeof *pages);
        if (pages == NULL)
            abort();
        pages->request = request;
        pages->next = self->pages;
        self->pages = pages;
    }
    return pages;
}

static void
drop_pages(struct peer_event *self, uint64_t request)
{
    for (struct peer_event_pages **at = &self->pages; *at != NULL; at = &(*at)->next) {
        struct peer_event_pages *const pages = *at;
        if (pages->request == request) {
            *at = pages->next;
            free(pages->frames.at);
            free(pages);
            return;
        }
    }
}

/* Adds a page to those of its request. */
static struct peer_event_pages *
gather(struct peer_event *self, uint64_t request, const struct msg_list *page)
{
    struct peer_event_pages *const pages = pages_of(self, request);
    peer_tells_reserve(&pages->frames, page->len);
    if (page->len > 0)
        memcpy(pages->frames.at + pages->frames.len, page->at, page->len);
    pages->frames.len += page->len;
    pages->count += page->count;
    return pages;
}

/* An array for the items of all pages, in the place of the one before. */
static void *
array_of(void *before, uint64_t count, size_t size)
{
    free(before);
    void *const array = calloc(count + 1, size);
    if (array == NULL)
        abort();
    return array;
}

static int
by_name(const void *a, const void *b)
{
    const struct conclave_user *const left = a, *const right = b;
    return strcmp(left->name, right->name);
}

/* The owner first, those who are not in the room last. */
static int
by_role(const void *a, const void *b)
{
    const struct conclave_member *const left = a, *const right = b;
    if (left->role != right->role)
        return left->role > right->role ? -1 : 1;
    return strcmp(left->name, right->name);
}

static int
by_room(const void *a, const void *b)
{
    const struct conclave_room *const left = a, *const right = b;
    return strcmp(left->name, right->name);
}

/* Each of these gathers the pages of a list; true with the last one. */
static bool
read_users(struct peer_event *self, const struct msg_users *page)
{
    struct peer_event_pages *const pages = gather(self, page->req, &page->users);
    if (page->next.len > 0)
        return false;

    peer_tells_reserve(&self->texts, pages->frames.len);
    self->users = array_of(self->users, pages->count, sizeof *self->users);
    struct msg_list list = {pages->frames.at, pages->frames.len, pages->count};
    struct msg_user user;
    size_t n = 0;
    while (n < pages->count && msg_codec_next(&list, MSG_USER, &user))
        self->users[n++] = keep_user(self, user.name, user.status, user.endpoint);
    if (n > 1)
        qsort(self->users, n, sizeof *self->users, by_name);
    self->event.kind = CONCLAVE_EVENT_USERS;
    self->event.request = page->req;
    self->event.users = self->users;
    self->event.users_count = n;
    drop_pages(self, page->req);
    return true;
}

static struct conclave_room
room_of(struct peer_event *self, const struct msg_room_info *info)
{
    return (struct conclave_room){.name = keep(self, info->name), .members = info->members,
                                  .topic = keep(self, info->topic), .flags = (unsigned)info->flags};
}

static bool
read_rooms(struct peer_event *self, const struct msg_rooms *page)
{
    struct peer_event_pages *const pages = gather(self, page->req, &page->rooms);
    if (page->next.len > 0)
        return false;

    peer_tells_reserve(&self->texts, pages->frames.len);
    self->rooms = array_of(self->rooms, pages->count, sizeof *self->rooms);
    struct msg_list list = {pages->frames.at, pages->frames.len, pages->count};
    struct msg_room_info info;
    size_t n = 0;
    while (n < pages->count && msg_codec_next(&list, MSG_ROOM_INFO, &info))
        self->rooms[n++] = room_of(self, &info);
    if (n > 1)
        qsort(self->rooms, n, sizeof *self->rooms, by_room);
    self->event.kind = CONCLAVE_EVENT_ROOMS;
    self->event.request = page->req;
    self->event.rooms = self->rooms;
    self->event.rooms_count = n;
    drop_pages(self, page->req);
    return true;
}

static bool
read_members(struct peer_event *self, const struct msg_tell_members *page)
{
    struct peer_event_pages *const pages = gather(self, page->req, &page->members);
    if (page->more)
        return false;

    peer_tells_reserve(&self->texts, page->room.len + 1 + pages->frames.len);
    self->members = array_of(self->members, pages->count, sizeof *self->members);
    struct msg_list list = {pages->frames.at, pages->frames.len, pages->count};
    struct msg_member member;
    size_t n = 0;
    while (n < pages->count && msg_codec_next(&list, MSG_MEMBER, &member))
        self->members[n++] = (struct conclave_member){.name = keep(self, member.name),
                                                      .role = (enum conclave_role)member.role,
                                                      .status = (enum conclave_status)member.status,
                                                      .muted = (member.standing & MSG_STANDING_MUTED) != 0,
                                                      .banned = (member.standing & MSG_STANDING_BANNED) != 0,
                                                      .invited = (member.standing & MSG_STANDING_INVITED) != 0};
    if (n > 1)
        qsort(self->members, n, sizeof *self->members, by_role);
    self->event.kind = CONCLAVE_EVENT_MEMBERS;
    self->event.request = page->req;
    self->event.room = keep(self, page->room);
    self->event.members = self->members;
    self->event.members_count = n;
    drop_pages(self, page->req);
    return true;
}

static void
read_devices(struct peer_event *self, const struct msg_devices *devices)
{
    self->devices = array_of(self->devices, devices->devices.count, sizeof *self->devices);
    struct msg_list list = devices->devices;
    struct msg_device_info info;
    size_t n = 0;
    while (n < devices->devices.count && msg_codec_next(&list, MSG_DEVICE_INFO, &info))
        self->devices[n++] = (struct conclave_device){
            .device = info.device, .created_ms = info.created_ms, .seen_ms = info.seen_ms,
            .online = info.online, .revoked = info.revoked, .current = info.current};
    self->event.kind = CONCLAVE_EVENT_DEVICES;
    self->event.request = devices->req;
    self->event.devices = self->devices;
    self->event.devices_count = n;
}

/* What differs from one message to the next. */
static void
read_text(struct peer_event *self, const struct msg_tell_message *message)
{
    self->event.kind = CONCLAVE_EVENT_MESSAGE;
    self->event.arrival = message->arrival;
    self->event.ts_ms = message->ts_ms;
    keep_id(self, &message->id);
    self->event.text = keep(self, message->text);
    self->event.text_bytes = message->text.len;
}

static void
read_message(struct peer_event *self, const struct msg_tell_message *message)
{
    self->event.from = keep(self, message->from);
    self->event.to = keep(self, message->to);
    self->event.room = keep(self, message->room);
    read_text(self, message);
}

static bool
next_message(struct peer_event *self)
{
    struct msg_tell_message message;
    if (!peer_batch_next(&self->rest, &message)) {
        peer_event_skip(self);
        return false;
    }
    self->texts.len = self->rest_texts;
    read_text(self, &message);
    return true;
}

static bool
read_messages(struct peer_event *self, const struct msg_tell_messages *messages)
{
    self->event.from = keep(self, messages->from);
    self->event.to = keep(self, messages->to);
    self->event.room = keep(self, messages->room);
    self->rest = *messages;
    self->rest_texts = self->texts.len;
    return next_message(self);
}

bool
peer_event_next(struct peer_event *self)
{
    struct msg_id id = {0};
    if (self->rest.batch.len > 0)
        return next_message(self);
    if (!msg_codec_next_id(&self->ids, &id))
        self->ids = (struct msg_span){0}; /* less than one is none */
    keep_id(self, &id);
    return true;
}

void
peer_event_skip(struct peer_event *self)
{
    self->ids = (struct msg_span){0};
    self->rest = (struct msg_tell_messages){.arrival = 0};
}

static void
read_receipt(struct peer_event *self, const struct msg_tell_receipt *receipt)
{
    self->event.kind = CONCLAVE_EVENT_RECEIPT;
    self->event.to = keep(self, receipt->to);
    self->event.room = keep(self, receipt->room);
    self->event.tick = (enum conclave_tick)receipt->tick;
    self->event.others = receipt->others;
    self->ids = receipt->ids;
    (void)peer_event_next(self); /* the ids are 16 bytes each, and one at least */
}

static void
read_room(struct peer_event *self, const struct msg_tell_room *room)
{
    self->event.kind = CONCLAVE_EVENT_ROOM;
    self->event.arrival = room->arrival;
    self->event.act = (enum conclave_act)room->act;
    self->event.room = keep(self, room->room);
    self->event.user = keep_user(self, room->user, MSG_STATUS_OFFLINE, msg_text(""));
    self->event.by = keep(self, room->by);
    self->event.text = keep(self, room->text);
    self->event.text_bytes = room->text.len;
}

static void
read_presence(struct peer_event *self, const struct msg_tell_presence *presence)
{
    struct msg_list list = presence->rooms;
    struct msg_room_info info;
    size_t n = 0;
    peer_tells_reserve(&self->texts, presence->name.len + presence->endpoint.len + list.len + 2);
    self->rooms = array_of(self->rooms, list.count, sizeof *self->rooms);
    while (n < presence->rooms.count && msg_codec_next(&list, MSG_ROOM_INFO, &info))
        self->rooms[n++] = room_of(self, &info);
    self->event.kind = CONCLAVE_EVENT_PRESENCE;
    self->event.user = keep_user(self, presence->name, presence->status, presence->endpoint);
    self->event.rooms = self->rooms;
    self->event.rooms_count = n;
    self->event.fresh = presence->fresh;
}

static void
read_gap(struct peer_event *self, const struct msg_tell_gap *gap)
{
    self->event.kind = CONCLAVE_EVENT_GAP;
    self->event.arrival = gap->arrival;
    self->event.room = keep(self, gap->room);
    self->event.from = keep(self, gap->from);
    self->event.first = gap->first;
    self->event.last = gap->last;
}

/* Memory is filled in by who hands it out. */
static void
read_stats(struct peer_event *self, const struct msg_tell_stats *stats)
{
    self->stats = (struct conclave_stats){0};
#define COPY(name) self->stats.name = stats->name;
    MSG_STATS(COPY)
#undef COPY
    self->event.kind = CONCLAVE_EVENT_STATS;
    self->event.request = stats->req;
    self->event.stats = &self->stats;
}

bool
peer_event_read(struct peer_event *self, struct msg_span tell)
{
    union msg_any any;

    self->event = (struct conclave_event){.name = "", .from = "", .to = "", .text = "", .room = "", .by = ""};
    self->event.user = (struct conclave_user){.name = "", .endpoint = ""};
    self->texts.len = 0;
    peer_event_skip(self);
    peer_tells_reserve(&self->texts, tell.len + 1);

    switch ((int)msg_flat_get(tell, &any)) { /* kinds that are no TELL_ have one answer: not shown */
    case MSG_TELL_SESSION:
        self->event.kind = CONCLAVE_EVENT_SESSION;
        self->event.state = (enum conclave_session)any.MSG_ANY_TELL_SESSION.state;
        self->event.name = keep(self, any.MSG_ANY_TELL_SESSION.name);
        keep_reason(self, any.MSG_ANY_TELL_SESSION.code, any.MSG_ANY_TELL_SESSION.text);
        return true;
    case MSG_TELL_MESSAGE:
        read_message(self, &any.MSG_ANY_TELL_MESSAGE);
        return true;
    case MSG_TELL_MESSAGES:
        return read_messages(self, &any.MSG_ANY_TELL_MESSAGES);
    case MSG_TELL_RECEIPT:
        read_receipt(self, &any.MSG_ANY_TELL_RECEIPT);
        return true;
    case MSG_TELL_PRESENCE:
        read_presence(self, &any.MSG_ANY_TELL_PRESENCE);
        return true;
    case MSG_TELL_OK:
        self->event.kind = CONCLAVE_EVENT_OK;
        self->event.request = any.MSG_ANY_TELL_OK.req;
        self->event.text = keep(self, any.MSG_ANY_TELL_OK.text);
        self->event.text_bytes = any.MSG_ANY_TELL_OK.text.len;
        keep_id(self, &any.MSG_ANY_TELL_OK.id);
        return true;
    case MSG_TELL_FAILED:
        self->event.kind = CONCLAVE_EVENT_FAILED;
        self->event.request = any.MSG_ANY_TELL_FAILED.req;
        self->event.retry_ms = any.MSG_ANY_TELL_FAILED.retry_ms;
        keep_reason(self, any.MSG_ANY_TELL_FAILED.code, any.MSG_ANY_TELL_FAILED.text);
        drop_pages(self, self->event.request); /* a list that failed half way */
        return true;
    case MSG_TELL_USERS:
        return read_users(self, &any.MSG_ANY_TELL_USERS);
    case MSG_TELL_USER:
        self->event.kind = CONCLAVE_EVENT_USER;
        self->event.request = any.MSG_ANY_TELL_USER.req;
        self->event.user = keep_user(self, any.MSG_ANY_TELL_USER.name, any.MSG_ANY_TELL_USER.status,
                                     any.MSG_ANY_TELL_USER.endpoint);
        return true;
    case MSG_TELL_DEVICES:
        read_devices(self, &any.MSG_ANY_TELL_DEVICES);
        return true;
    case MSG_TELL_NOTICE:
        self->event.kind = CONCLAVE_EVENT_NOTICE;
        self->event.arrival = any.MSG_ANY_TELL_NOTICE.arrival;
        keep_reason(self, any.MSG_ANY_TELL_NOTICE.code, any.MSG_ANY_TELL_NOTICE.text);
        self->event.name = keep(self, any.MSG_ANY_TELL_NOTICE.name);
        return true;
    case MSG_TELL_ROOMS:
        return read_rooms(self, &any.MSG_ANY_TELL_ROOMS);
    case MSG_TELL_MEMBERS:
        return read_members(self, &any.MSG_ANY_TELL_MEMBERS);
    case MSG_TELL_ROOM:
        read_room(self, &any.MSG_ANY_TELL_ROOM);
        return true;
    case MSG_TELL_GAP:
        read_gap(self, &any.MSG_ANY_TELL_GAP);
        return true;
    case MSG_TELL_STATS:
        read_stats(self, &any.MSG_ANY_TELL_STATS);
        return true;
    default:
        return false;
    }
}

void
peer_event_wipe(struct peer_event *self)
{
    while (self->pages != NULL)
        drop_pages(self, self->pages->request);
    if (self->texts.at != NULL)
        msg_keys_wipe(self->texts.at, self->texts.cap);
    free(self->texts.at);
    free(self->users);
    free(self->devices);
    free(self->rooms);
    free(self->members);
    *self = (struct peer_event){0};
}

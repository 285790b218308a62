/* The rooms of peer/conclave.h, played by rules. */
#include <stdio.h>
#include <string.h>

#include "tests/cli/fake_inner.h"

void
fake_happen(struct conclave *self)
{
    const struct conclave_event room = {.kind = CONCLAVE_EVENT_ROOM, .room = "#lab", .by = "", .text = ""};
    static const struct {
        enum conclave_act act;
        const char *user, *by, *text;
    } rows[] = {
        {CONCLAVE_ACT_JOIN, "bob", "bob", ""},        {CONCLAVE_ACT_KICK, "carol", "bob", ""},
        {CONCLAVE_ACT_MUTE, "alice", "bob", ""},      {CONCLAVE_ACT_TOPIC, "", "bob", "red\x1b[31m\nline"},
        {CONCLAVE_ACT_INVITE, "alice", "bob", ""},    {CONCLAVE_ACT_LEAVE, "b\xe2\x80\xaeob", "", ""},
        {CONCLAVE_ACT_LEAVE, "eve", "eve", "alice"},  {CONCLAVE_ACT_REVOKED, "dave", "", "2"},
        {CONCLAVE_ACT_REVOKED, "dave", "", ""},       {CONCLAVE_ACT_CREATE, "", "", "about"},
        {CONCLAVE_ACT_TOPIC, "", "", "news"},         {CONCLAVE_ACT_DELETE, "", "", ""},
        {CONCLAVE_ACT_BAN, "carol", "bob", ""},
        {CONCLAVE_ACT_UNBAN, "carol", "alice", ""},   {CONCLAVE_ACT_DELETE, "", "bob", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct conclave_event event = room;
        event.act = rows[i].act;
        event.user.name = rows[i].user;
        event.by = rows[i].by;
        event.text = rows[i].text;
        fake_add(self, &event);
    }
    struct conclave_event gap = {.kind = CONCLAVE_EVENT_GAP, .room = "#lab", .from = "bob", .first = 17, .last = 19};
    fake_add(self, &gap);
    gap.last = 17;
    fake_add(self, &gap);
}

void
fake_mates(struct conclave *self)
{
    static const struct conclave_room lab[] = {{"#big", 3, "", 0}, {"#lab", 3, "", 0}}, far[] = {{"#far", 2, "", 0}};
    static const struct {
        const char *name;
        enum conclave_status status;
        const struct conclave_room *rooms;
        size_t rooms_count;
        bool fresh;
    } rows[] = {
        {"bob", CONCLAVE_STATUS_OFFLINE, NULL, 0, false}, /* a contact */
        {"carol", CONCLAVE_STATUS_ONLINE, lab, 2, true},
        {"dave", CONCLAVE_STATUS_OFFLINE, lab, 2, false},
        {"eve", CONCLAVE_STATUS_ONLINE, far, 1, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct conclave_event event = {.kind = CONCLAVE_EVENT_PRESENCE, .user = {rows[i].name, rows[i].status, ""},
                                             .rooms = rows[i].rooms, .rooms_count = rows[i].rooms_count, .fresh = rows[i].fresh};
        fake_add(self, &event);
    }
}

static bool
is_room(const char *room)
{
    static const char *const rooms[] = {"#lab", "#far", "#big", "#den", "#cave"};
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++)
        if (strcmp(rooms[i], room) == 0)
            return true;
    return false;
}

/* What a request about a room meets first; 0: go on. */
static uint64_t
refuse_room(struct conclave *self, const char *room)
{
    const uint64_t refused = fake_refuse(self);
    if (refused != 0)
        return refused;
    if (strchr(room, ' ') != NULL)
        return fake_fail(self, CONCLAVE_ERR_BAD_NAME, "");
    return is_room(room) ? 0 : fake_fail(self, CONCLAVE_ERR_NO_SUCH_ROOM, "");
}

uint64_t
conclave_room_create(struct conclave *self, const char *room, unsigned flags, const char *password, const char *topic)
{
    fake_trace_line("create %s %u <%s> <%s>\n", room, flags, password, topic);
    if (strchr(room, ' ') != NULL)
        return fake_fail(self, CONCLAVE_ERR_BAD_NAME, "");
    if (is_room(room))
        return fake_fail(self, CONCLAVE_ERR_ROOM_EXISTS, "");
    return fake_answer(self, (struct conclave_event){.kind = CONCLAVE_EVENT_OK});
}

uint64_t
conclave_room_join(struct conclave *self, const char *room, const char *password)
{
    fake_trace_line("join %s <%s>\n", room, password);
    const uint64_t refused = refuse_room(self, room);
    if (refused != 0)
        return refused;
    if (strcmp(room, "#cave") == 0)
        return fake_fail(self, CONCLAVE_ERR_FORBIDDEN, "");
    if (strcmp(room, "#den") == 0 && strcmp(password, "open sesame") != 0)
        return fake_fail(self, CONCLAVE_ERR_WRONG_CREDENTIALS, "");
    const struct conclave_event joined = {.kind = CONCLAVE_EVENT_ROOM, .room = "#Big", .act = CONCLAVE_ACT_JOIN, .by = "alice",
                                          .user = {.name = "alice"}, .text = "new\x1bs"};
    if (strcmp(room, "#big") == 0)
        fake_add(self, &joined);
    return fake_answer(self, (struct conclave_event){.kind = CONCLAVE_EVENT_OK});
}

uint64_t
conclave_room_act(struct conclave *self, const char *room, enum conclave_act act, const char *user, const char *text)
{
    fake_trace_line("act %d %s <%s> <%s>\n", (int)act, room, user != NULL ? user : "-", text != NULL ? text : "-");
    const uint64_t refused = refuse_room(self, room);
    if (refused != 0)
        return refused;
    if (strcmp(room, "#den") == 0)
        return fake_fail(self, CONCLAVE_ERR_NOT_A_MEMBER, "");
    if (strcmp(room, "#cave") == 0)
        return fake_fail(self, CONCLAVE_ERR_FORBIDDEN, "");
    if (user != NULL && strcmp(user, "bob") != 0)
        return fake_fail(self, CONCLAVE_ERR_NO_SUCH_USER, "");
    if (act == CONCLAVE_ACT_INVITE && strcmp(room, "#far") == 0)
        return fake_answer(self, (struct conclave_event){.kind = CONCLAVE_EVENT_OK, .text = "b\x1bob is already in #far."});
    const struct conclave_event event = {.kind = CONCLAVE_EVENT_ROOM, .room = "#lab", .act = act, .by = "alice",
                                         .user = {.name = user != NULL ? user : ""}, .text = text != NULL ? text : ""};
    const uint64_t request = fake_answer(self, (struct conclave_event){.kind = CONCLAVE_EVENT_OK});
    fake_add(self, &event);
    return request;
}

uint64_t
conclave_rooms(struct conclave *self, bool detailed)
{
    static const struct conclave_room rooms[] = {{"#lab", 3, "what we \x1b[7mmeasure\nhere", 0},
                                                 {"#den", 12, "", CONCLAVE_ROOM_LOCKED},
                                                 {"#cave", 1, "dark", CONCLAVE_ROOM_PRIVATE | CONCLAVE_ROOM_HISTORY}};
    const uint64_t refused = fake_refuse(self);
    fake_trace_line("rooms %d\n", detailed ? 1 : 0);
    return refused != 0 ? refused
                        : fake_answer(self, (struct conclave_event){
                                           .kind = CONCLAVE_EVENT_ROOMS, .rooms = rooms, .rooms_count = 3});
}

uint64_t
conclave_room_info(struct conclave *self, const char *room)
{
    static const struct conclave_room lab = {"#lab", 3, "what we \x1b[7mmeasure", 0}, far = {"#far", 2, "", 0};
    const uint64_t refused = refuse_room(self, room);
    fake_trace_line("info %s\n", room);
    return refused != 0 ? refused
                        : fake_answer(self, (struct conclave_event){
                                           .kind = CONCLAVE_EVENT_ROOMS, .rooms = strcmp(room, "#lab") == 0 ? &lab : &far, .rooms_count = 1});
}

uint64_t
conclave_rooms_watch(struct conclave *self, bool on)
{
    const struct conclave_event event = {.kind = CONCLAVE_EVENT_ROOM, .room = "#new", .act = CONCLAVE_ACT_CREATE, .by = "",
                                         .user = {.name = ""}, .text = "for all"};
    fake_trace_line("watch %s\n", on ? "on" : "off");
    const uint64_t refused = fake_refuse(self);
    if (refused != 0)
        return refused;
    const uint64_t request = fake_answer(self, (struct conclave_event){.kind = CONCLAVE_EVENT_OK});
    if (on)
        fake_add(self, &event);
    return request;
}

uint64_t
conclave_members(struct conclave *self, const char *room)
{
    static const struct conclave_member members[] = {
        {"alice", CONCLAVE_ROLE_OWNER, CONCLAVE_STATUS_ONLINE, false, false, false},
        {"bob", CONCLAVE_ROLE_MODERATOR, CONCLAVE_STATUS_AWAY, false, false, false},
        {"carol", CONCLAVE_ROLE_MEMBER, CONCLAVE_STATUS_OFFLINE, true, false, false},
        {"dave", CONCLAVE_ROLE_NONE, CONCLAVE_STATUS_OFFLINE, false, false, true}};
    const uint64_t refused = refuse_room(self, room);
    return refused != 0 ? refused
                        : fake_answer(self, (struct conclave_event){.kind = CONCLAVE_EVENT_MEMBERS, .room = "#lab",
                                                               .members = members, .members_count = 4});
}

uint64_t
fake_send_to_room(struct conclave *self, const char *room, const char *text, size_t text_bytes)
{
    static const char *const members[] = {"bob", "carol", "dave", "eve", "frank"};
    static unsigned sent;
    const uint64_t refused = refuse_room(self, room);
    if (refused != 0)
        return refused;
    if (strcmp(room, "#den") == 0)
        return fake_fail(self, CONCLAVE_ERR_NOT_A_MEMBER, "");
    fake_trace_line("send %s %.*s\n", room, (int)text_bytes, text);
    struct conclave_event event = {.kind = CONCLAVE_EVENT_OK};
    (void)snprintf(event.id, sizeof event.id, "%032llx", 0xabcULL + sent++);
    const uint64_t request = fake_answer(self, event);
    event.kind = CONCLAVE_EVENT_RECEIPT;
    event.request = 0;
    event.to = "";
    event.room = strcmp(room, "#lab") == 0 ? "#lab" : strcmp(room, "#far") == 0 ? "#far" : "#big";
    event.tick = CONCLAVE_TICK_QUEUED;
    fake_add(self, &event);
    event.tick = CONCLAVE_TICK_STORED;
    if (strcmp(room, "#far") != 0)
        fake_add(self, &event);
    event.tick = CONCLAVE_TICK_DELIVERED;
    const size_t upto = text_bytes == 4 && memcmp(text, "part", 4) == 0 ? 4 : sizeof members / sizeof *members;
    for (size_t i = 0; strcmp(room, "#lab") == 0 && i < upto; i++) {
        event.to = members[i];
        event.others = 5;
        fake_add(self, &event);
    }
    return request;
}

/* Rooms for tests/fuzz/fuzz_peer.c: a registry that orders what its people
 * sign, and now and then shows an entry that does not hold.  Whatever it shows,
 * what the core keeps of the roster is what was ordered.  For that file alone. */
#ifndef TESTS_FUZZ_PEER_ROOMS_H
#define TESTS_FUZZ_PEER_ROOMS_H

#include "msg/room.h"
#include "tests/fuzz/peer_shell.h"

#define ENTRIES_MAX 24u

static struct {
    struct msg_room facts;
    struct msg_room_part parts[2 + CONTACTS];
    struct msg_head heads[ENTRIES_MAX + 1];
    struct {
        uint8_t op[MSG_ROOM_OP_MAX];
        size_t op_len;
        uint64_t actor; /* 0: the registry */
    } entries[ENTRIES_MAX];
} roster;

static void
rooms_begin(void)
{
    memset(&roster, 0, sizeof roster);
    roster.facts.id = (struct msg_id){{0xde}};
    for (uint64_t account = 1; account <= 1 + CONTACTS; account++)
        roster.parts[account].account = account;
}

static struct msg_span
cert_of(uint64_t account)
{
    return account == 0 ? msg_span(NULL, 0)
                        : msg_span(people[account - 1].cert, people[account - 1].cert_len);
}

static struct msg_entry
entry_at(uint64_t number)
{
    const uint64_t at = number - 1;
    return (struct msg_entry){number, 0, number,
                              msg_span(roster.entries[at].op, roster.entries[at].op_len),
                              cert_of(roster.entries[at].actor)};
}

/* Puts a signed operation in order; false: it is not permitted. */
static bool
order(struct msg_span signed_op, uint64_t actor)
{
    struct msg_room_op op;
    const uint64_t epoch = roster.facts.epoch, at = roster.facts.number;
    if (at == ENTRIES_MAX || signed_op.len > MSG_ROOM_OP_MAX ||
        msg_room_open_op(&op, signed_op, NULL) != CONCLAVE_OK || op.subject > 1 + CONTACTS ||
        op.seen > at ||
        (actor != 0 &&
         memcmp(&op.seen_head, &roster.heads[op.seen], sizeof op.seen_head) != 0))
        return false;
    if (msg_room_apply(&roster.facts, &op, &roster.parts[actor],
                       op.subject != 0 ? &roster.parts[op.subject] : NULL,
                       actor == 0) != CONCLAVE_OK)
        return false;
    memcpy(roster.entries[at].op, signed_op.at, signed_op.len);
    roster.entries[at].op_len = signed_op.len;
    roster.entries[at].actor = actor;
    const struct msg_entry entry = entry_at(at + 1);
    msg_room_link(&roster.facts, &entry, roster.facts.epoch != epoch);
    roster.heads[at + 1] = roster.facts.head;
    return true;
}

static void
say_front(enum msg_kind kind, const void *message)
{
    static uint8_t room[MSG_SOCKET_MAX];
    struct msg_buf buf = {room, 0, sizeof room};
    if (link_count == 0 || msg_codec_encode(&buf, kind, message) != CONCLAVE_OK)
        return;
    struct msg_event event = {.kind = EVENT_FRAME,
                              .link = links[link_count - 1 - take() % link_count],
                              .key = front_key,
                              .bytes = msg_span_of_buf(&buf)};
    step(&event);
}

static uint64_t
some_req(void)
{
    const uint8_t how = take();
    return how < 200 && last_req != 0 ? last_req : 1u + how % 8u;
}

/* An operation as somebody would sign it; what is wrong with it, if anything,
 * is in `how`. */
static void
sign(struct msg_buf *out, uint64_t actor, uint8_t how)
{
    const uint64_t seen = (how & 3) == 0 && roster.facts.number > 0 ? roster.facts.number - 1
                                                                    : roster.facts.number;
    struct msg_room_op op = {.room = roster.facts.id,
                             .act = 1 + take() % MSG_ACT_REVOKED,
                             .account = actor,
                             .device = 1,
                             .subject = take() % (2 + CONTACTS),
                             .subject_device = take() & 1,
                             .text = msg_text("topic"),
                             .flags = take() & MSG_ROOM_FLAGS,
                             .seen = seen,
                             .seen_head = roster.heads[seen]};
    if (op.act == MSG_ACT_CREATE)
        op.name = msg_text("#den");
    else if (op.subject != 0)
        op.name = msg_text(names[op.subject - 1]);
    if (how >= 200 && how < 220)
        op.seen_head.at[3] ^= 1;
    const uint64_t self = actor == 0 ? 0 : actor - 1, other = actor % (1 + CONTACTS);
    const struct contact *const by = &people[how >= 220 && how < 235 ? other : self];
    if (msg_room_sign_op(out, &op, &by->id.sign_sec) != CONCLAVE_OK)
        out->len = 0;
}

/* Entries from somewhere on, and perhaps one that was never ordered. */
static void
show(uint64_t req)
{
    static uint8_t items[MSG_SOCKET_MAX], op[MSG_ROOM_OP_MAX];
    struct msg_buf buf = {items, 0, sizeof items}, false_op = {op, 0, sizeof op};
    struct msg_entries page = {.req = req, .room = roster.facts.id};
    const uint64_t from = take() % (roster.facts.number + 1);
    const uint64_t count = 1 + take() % 8;
    for (uint64_t n = from + 1; n <= roster.facts.number && n <= from + count; n++) {
        const struct msg_entry entry = entry_at(n);
        if (msg_codec_append(&buf, &page.entries, MSG_ENTRY, &entry) != CONCLAVE_OK)
            return;
    }
    page.more = from + count < roster.facts.number || take() > 250;
    const uint8_t how = take();
    if (how >= 180) {
        /* nobody may, nobody signed it, or it was seen otherwise: the next entry is none of these */
        const struct msg_room before = roster.facts;
        struct msg_room_part parts[2 + CONTACTS];
        memcpy(parts, roster.parts, sizeof parts);
        const uint64_t actor = take() % (2 + CONTACTS);
        sign(&false_op, actor, how);
        const bool holds = order(msg_span_of_buf(&false_op), actor) && (how < 220 || how >= 235);
        roster.facts = before;
        memcpy(roster.parts, parts, sizeof parts);
        struct msg_entry entry = {before.number + 1, 0, 1, msg_span_of_buf(&false_op),
                                  cert_of(actor)};
        if (how >= 235 && false_op.len > 0 && actor != 0)
            op[false_op.len - 1] ^= 1;
        else if (holds)
            return;
        if (actor == 0 && how >= 235)
            return;
        if (msg_codec_append(&buf, &page.entries, MSG_ENTRY, &entry) != CONCLAVE_OK)
            return;
    }
    say_front(MSG_ENTRIES, &page);
}

static void
room_command(void)
{
    static const char *const rooms[] = {"#den", "#Den", "#lab", "den"};
    static uint8_t room[4096];
    struct msg_buf buf = {room, 0, sizeof room};
    union msg_any any = {0};
    const enum msg_kind kind = MSG_CMD_ROOM_CREATE + take() % 6;
    if (next_cmd + 1 >= COMMANDS_MAX)
        return;
    const struct msg_text name = msg_text(rooms[take() % 4]);
    any.MSG_ANY_DONE.req = ++next_cmd;
    if (kind == MSG_CMD_ROOM_CREATE)
        any.MSG_ANY_CMD_ROOM_CREATE = (struct msg_cmd_room_create){
            next_cmd, name, take() & MSG_ROOM_FLAGS, msg_text("secret"), msg_text("topic")};
    else if (kind == MSG_CMD_ROOM_JOIN)
        any.MSG_ANY_CMD_ROOM_JOIN.name = name;
    else if (kind == MSG_CMD_ROOM_ACT)
        any.MSG_ANY_CMD_ROOM_ACT = (struct msg_cmd_room_act){
            next_cmd, name, 1 + take() % MSG_ACT_REVOKED, msg_text(names[take() % 6]),
            msg_text("topic")};
    else if (kind == MSG_CMD_MEMBERS)
        any.MSG_ANY_CMD_MEMBERS.name = name;
    else
        any.MSG_ANY_CMD_ROOM_WATCH.on = (take() & 1) != 0;
    if (msg_codec_encode(&buf, kind, &any) == CONCLAVE_OK)
        step(&(struct msg_event){.kind = EVENT_COMMAND, .bytes = msg_span_of_buf(&buf)});
}

/* Answers and news about rooms. */
static void
room_news(void)
{
    uint8_t items[600];
    struct msg_buf buf = {items, 0, sizeof items};
    union msg_any any = {0};
    const uint8_t dice = take(), what = dice % 5;
    const struct msg_room_part *const ours = &roster.parts[1];
    if (dice == UINT8_MAX) {
        const struct msg_present present = {1 + take() % 8, take() % 3};
        any.MSG_ANY_ROOM_PRESENCE.complete = (take() & 1) != 0;
        if (msg_codec_append(&buf, &any.MSG_ANY_ROOM_PRESENCE.people, MSG_PRESENT, &present) == CONCLAVE_OK)
            say_front(MSG_ROOM_PRESENCE, &any);
    } else if (what == 0) {
        const struct msg_room_head head = {roster.facts.id, take() % ENTRIES_MAX, 0, ours->role,
                                           ours->standing, false, 0};
        any.MSG_ANY_ROOM_STATE.complete = (take() & 1) != 0;
        if ((take() & 3) == 0 ||
            msg_codec_append(&buf, &any.MSG_ANY_ROOM_STATE.rooms, MSG_ROOM_HEAD, &head) ==
                CONCLAVE_OK)
            say_front(MSG_ROOM_STATE, &any);
    } else if (what == 1) {
        any.MSG_ANY_ROOM_FOUND = (struct msg_room_found){
            .req = some_req(),
            .room = roster.facts.id,
            .name = msg_text(take() < 230 ? "#den" : "#lab"),
            .number = roster.facts.number == 0 ? 1 : roster.facts.number,
            .head = roster.facts.head,
            .role = take() < 200 ? ours->role : MSG_ROLE_MEMBER};
        say_front(MSG_ROOM_FOUND, &any);
    } else if (what == 2) {
        const struct msg_member member = {1 + take() % 4, msg_text("bob"), take() % 4, 0, 1};
        any.MSG_ANY_MEMBERS = (struct msg_members){.req = some_req(), .room = roster.facts.id, .next = take() % 4};
        if (msg_codec_append(&buf, &any.MSG_ANY_MEMBERS.members, MSG_MEMBER, &member) == CONCLAVE_OK)
            say_front(MSG_MEMBERS, &any);
    } else {
        const struct msg_room_info info = {roster.facts.id, msg_text("#den"), 1, msg_text(""), 0};
        any.MSG_ANY_ROOMS = (struct msg_rooms){.req = some_req(), .next = msg_text(take() & 1 ? "x" : "")};
        if (what == 4)
            any.MSG_ANY_ROOM_CHANGED = (struct msg_room_changed){.act = MSG_ACT_TOPIC};
        if (msg_codec_append(&buf, what == 4 ? &any.MSG_ANY_ROOM_CHANGED.rooms : &any.MSG_ANY_ROOMS.rooms, MSG_ROOM_INFO, &info) == CONCLAVE_OK)
            say_front(what == 4 ? MSG_ROOM_CHANGED : MSG_ROOMS, &any);
    }
}

static void
rooms(void)
{
    static uint8_t op[MSG_ROOM_OP_MAX];
    struct msg_buf buf = {op, 0, sizeof op};
    const uint8_t what = take() % 8;
    if (what < 2)
        room_command();
    else if (what == 2) { /* what the core proposed last */
        const uint64_t req = proposed_req;
        union msg_any any = {.MSG_ANY_DONE = {req == 0 ? 1 : req}};
        struct msg_room_op asked;
        if (msg_room_open_op(&asked, msg_span(proposed, proposed_len), NULL) == CONCLAVE_OK && asked.act == MSG_ACT_CREATE && !roster.facts.made)
            roster.facts.id = asked.room;
        if (order(msg_span(proposed, proposed_len), 1))
            say_front(MSG_DONE, &any);
    } else if (what == 3) { /* what somebody else does */
        const uint64_t actor = 2 + take() % CONTACTS;
        sign(&buf, actor, take() % 200);
        (void)order(msg_span_of_buf(&buf), actor);
    } else if (what < 6)
        show((take() & 1) != 0 ? 0 : some_req());
    else
        room_news();
}

/* The core keeps what was ordered, and nothing else. */
static void
rooms_check(const union msg_any *record)
{
    const struct msg_rec_my_room *const mine = &record->MSG_ANY_REC_MY_ROOM;
    if (memcmp(&mine->room, &roster.facts.id, sizeof mine->room) != 0)
        return;
    FUZZ_CLAIM(mine->number <= roster.facts.number && memcmp(&mine->head, &roster.heads[mine->number], sizeof mine->head) == 0);
}

#endif

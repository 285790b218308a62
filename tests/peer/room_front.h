/* A front that is made up, with one room, and people whose devices sign what
 * the test wants.  The test says when it answers. */
#ifndef TESTS_PEER_ROOM_FRONT_H
#define TESTS_PEER_ROOM_FRONT_H

#include "tests/peer/room_world.h"

/* ---- the front ---- */

static inline void
error(uint64_t req, enum conclave_err err)
{
    const struct msg_error_frame frame = {req, msg_text(msg_error_code(err)), msg_text(msg_error_sentence(err)), 0};
    say(MSG_ERROR, &frame);
}

static inline void
entries(uint64_t req, uint64_t after, uint64_t upto)
{
    static uint8_t at[MSG_FRAME_MAX];
    struct msg_buf buf = {at, 0, sizeof at};
    struct msg_entries frame = {.req = req, .room = w.room.facts.id, .more = upto < w.room.facts.number && req != 0};
    for (uint64_t n = after + 1; n <= upto; n++)
        assert_int_equal(msg_codec_append(&buf, &frame.entries, MSG_ENTRY, &w.room.entries[n - 1].entry), CONCLAVE_OK);
    say(MSG_ENTRIES, &frame);
}

/* An entry as it stands, whatever it says; pushed if the core is up. */
static inline void
append(struct msg_span op, struct msg_span certificate, bool epoch)
{
    struct entry *entry = &w.room.entries[w.room.facts.number - 1];
    assert_true(w.room.facts.number <= ROOM_MAX);
    memcpy(entry->op, op.at, op.len);
    if (certificate.len > 0)
        memcpy(entry->certificate, certificate.at, certificate.len);
    entry->entry = (struct msg_entry){w.room.facts.number, 0, 1000 + w.room.facts.number, msg_span(entry->op, op.len), msg_span(entry->certificate, certificate.len)};
    msg_room_link(&w.room.facts, &entry->entry, epoch);
    w.room.heads[w.room.facts.number] = w.room.facts.head;
    if (w.up && !w.deaf)
        entries(0, w.room.facts.number - 1, w.room.facts.number);
}

static inline enum conclave_err
order(struct msg_span signed_op, struct msg_span certificate)
{
    struct msg_room_op op;
    assert_int_equal(msg_room_open_op(&op, signed_op, NULL), CONCLAVE_OK);
    const uint64_t epoch = w.room.facts.epoch;
    if (op.act == MSG_ACT_CREATE) {
        memset(&w.room, 0, sizeof w.room);
        w.room.facts.id = op.room;
        msg_text_copy(w.room.name, sizeof w.room.name, op.name);
    }
    w.room.parts[op.account].account = op.account;
    w.room.parts[op.subject].account = op.subject;
    if (op.seen <= w.room.facts.number && memcmp(&op.seen_head, &w.room.heads[op.seen], sizeof op.seen_head) != 0)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    const enum conclave_err err = msg_room_apply(&w.room.facts, &op, &w.room.parts[op.account], op.subject != 0 ? &w.room.parts[op.subject] : NULL, certificate.len == 0);
    if (err == CONCLAVE_OK)
        append(signed_op, certificate, w.room.facts.epoch != epoch);
    return err;
}

/* Signs an operation of somebody's as they would now. */
static inline struct msg_span
sign(uint64_t who, struct msg_room_op op, uint8_t at[MSG_ROOM_OP_MAX])
{
    struct msg_buf buf = {at, 0, MSG_ROOM_OP_MAX};
    op.room = op.act == MSG_ACT_CREATE ? DEN : w.room.facts.id;
    op.account = who;
    op.device = 1;
    op.seen = op.act == MSG_ACT_CREATE ? 0 : w.room.facts.number;
    op.seen_head = w.room.heads[op.seen];
    op.ts_ms = w.now.wall_ms;
    if (op.subject != 0)
        op.name = msg_text(op.subject < PEOPLE ? NAMES[op.subject] : "stranger");
    assert_int_equal(msg_room_sign_op(&buf, &op, &w.people[who].id.sign_sec), CONCLAVE_OK);
    return msg_span_of_buf(&buf);
}

static inline void
act(uint64_t who, enum msg_act act, uint64_t subject)
{
    uint8_t at[MSG_ROOM_OP_MAX];
    const struct msg_room_op op = {.act = act, .subject = subject, .name = msg_text("#Den"), .text = msg_text(act == MSG_ACT_TOPIC || act == MSG_ACT_CREATE ? "lions" : "")};
    assert_int_equal(order(sign(who, op, at), msg_span(w.people[who].cert, w.people[who].cert_len)), CONCLAVE_OK);
}

static inline void
room_state(bool complete)
{
    uint8_t at[256];
    struct msg_buf buf = {at, 0, sizeof at};
    struct msg_room_state state = {.complete = complete};
    const struct msg_room_part *mine = &w.room.parts[ADA];
    const struct msg_room_head head = {w.room.facts.id, w.room.facts.number, 0, mine->role, mine->standing, false, 0};
    if (w.room.facts.made && !w.room.facts.gone && (mine->role != MSG_ROLE_NONE || (mine->standing & MSG_STANDING_INVITED) != 0))
        assert_int_equal(msg_codec_append(&buf, &state.rooms, MSG_ROOM_HEAD, &head), CONCLAVE_OK);
    say(MSG_ROOM_STATE, &state);
}

static inline void
answer_propose(const struct msg_room_propose *propose)
{
    const uint64_t req = propose->req;
    const bool deaf = w.deaf;
    uint8_t at[MSG_ROOM_OP_MAX];
    if (w.refusals > 0) {
        w.refusals--;
        error(req, CONCLAVE_ERR_BAD_ARGUMENTS);
        return;
    }
    const size_t len = propose->op.len;
    memcpy(at, propose->op.at, len);
    w.deaf = deaf || !w.push_first;
    const enum conclave_err err = order(msg_span(at, len), msg_span(w.people[ADA].cert, w.people[ADA].cert_len));
    const struct msg_done done = {req};
    if (err != CONCLAVE_OK)
        error(req, err);
    else
        say(MSG_DONE, &done);
    w.deaf = deaf;
    if (err == CONCLAVE_OK && !w.push_first && !w.deaf)
        entries(0, w.room.facts.number - 1, w.room.facts.number);
}

static inline void
answer_members(const struct msg_room_of *of)
{
    uint8_t at[4096];
    struct msg_buf buf = {at, 0, sizeof at};
    struct msg_members frame = {.req = of->req, .room = of->room};
    for (uint64_t account = of->after + 1; account < PEOPLE && frame.next == 0; account++) {
        const struct msg_member member = {account, msg_text(NAMES[account]), w.room.parts[account].role, w.room.parts[account].standing, MSG_STATUS_ONLINE};
        if (member.role == MSG_ROLE_NONE)
            continue;
        assert_int_equal(msg_codec_append(&buf, &frame.members, MSG_MEMBER, &member), CONCLAVE_OK);
        if (frame.members.count == w.page)
            frame.next = account;
    }
    say(MSG_MEMBERS, &frame);
}

static inline void
answer_find(const struct msg_room_find *find)
{
    const struct msg_room_part *mine = &w.room.parts[ADA];
    struct msg_room_name name, asked;
    const struct msg_room_found found = {.req = find->req, .room = w.room.facts.id, .name = msg_text(w.room.name), .flags = w.room.facts.flags,
                                         .members = w.room.facts.members, .number = w.room.facts.number, .head = w.room.facts.head,
                                         .role = mine->role, .standing = mine->standing};
    if (w.invited_only || !w.room.facts.made || w.room.facts.gone || msg_room_name_parse(&name, found.name) != CONCLAVE_OK
        || msg_room_name_parse(&asked, find->name) != CONCLAVE_OK || strcmp(name.folded, asked.folded) != 0)
        error(find->req, CONCLAVE_ERR_NO_SUCH_ROOM);
    else
        say(MSG_ROOM_FOUND, &found);
}

static inline void
answer_search(const struct msg_search *search)
{
    struct msg_found found = {.req = search->req, .name = search->name, .status = MSG_STATUS_NOT_FOUND};
    for (uint64_t account = 1; account < PEOPLE; account++)
        if (msg_text_equal(search->name, msg_text(NAMES[account]))) {
            found.account = account;
            found.status = MSG_STATUS_ONLINE;
        }
    say(MSG_FOUND, &found);
}

static inline void
answer_list(const struct msg_room_list *list)
{
    uint8_t at[512];
    struct msg_buf buf = {at, 0, sizeof at};
    const bool first = list->after.len == 0;
    struct msg_rooms frame = {.req = list->req, .next = msg_text(first ? "#den" : "")};
    const struct msg_room_info info = {.room = {{1}}, .name = msg_text(first ? "#Den" : "#other"), .members = 1};
    assert_int_equal(msg_codec_append(&buf, &frame.rooms, MSG_ROOM_INFO, &info), CONCLAVE_OK);
    say(MSG_ROOMS, &frame);
}

/* Answers one frame; false: none waits. */
static inline bool
answer_one(void)
{
    union msg_any any;
    enum msg_kind kind;
    if (w.sent_done == w.sent_count)
        return false;
    const struct bytes *bytes = &w.sent[w.sent_done++];
    assert_int_equal(msg_codec_decode(msg_span(bytes->at, bytes->len), &kind, &any), CONCLAVE_OK);
    w.asked[kind]++;
    if (kind == MSG_LOGIN) {
        const struct msg_welcome welcome = {.req = any.MSG_ANY_LOGIN.req, .account = ADA, .device = 1, .name = msg_text("ada"), .generation = 1,
                                            .lease_ms = 3600000, .now_ms = w.now.wall_ms, .certificate = msg_span(w.people[ADA].cert, w.people[ADA].cert_len)};
        say(MSG_WELCOME, &welcome);
        room_state(true);
    } else if (kind == MSG_ENTRIES_OF) {
        const struct msg_room_of *of = &any.MSG_ANY_ENTRIES_OF;
        if (memcmp(&of->room, &w.room.facts.id, sizeof of->room) != 0)
            error(of->req, CONCLAVE_ERR_NO_SUCH_ROOM);
        else
            entries(of->req, of->after, of->after + w.page < w.room.facts.number ? of->after + w.page : w.room.facts.number);
    } else if (kind == MSG_ROOM_PROPOSE)
        answer_propose(&any.MSG_ANY_ROOM_PROPOSE);
    else if (kind == MSG_ROOM_FIND)
        answer_find(&any.MSG_ANY_ROOM_FIND);
    else if (kind == MSG_SEARCH)
        answer_search(&any.MSG_ANY_SEARCH);
    else if (kind == MSG_MEMBERS_OF)
        answer_members(&any.MSG_ANY_MEMBERS_OF);
    else if (kind == MSG_ROOM_LIST)
        answer_list(&any.MSG_ANY_ROOM_LIST);
    else if (kind == MSG_ROOM_WATCH || kind == MSG_WATCH || kind == MSG_DELETE_ACCOUNT || kind == MSG_REVOKE || kind == MSG_LOGOUT)
        say(MSG_DONE, &(struct msg_done){any.MSG_ANY_DONE.req});
    return true;
}

/* The front answers and the disk syncs until both are quiet. */
static inline void
settle(void)
{
    do {
        while (answer_one())
            ;
        commit();
    } while (w.sent_done < w.sent_count);
    w.sent_count = w.sent_done = 0;
}

/* ---- coming up ---- */

static inline void
connect_front(void)
{
    w.up = true;
    feed(&(struct msg_event){.kind = EVENT_LINK_UP, .link = w.link});
}

static inline void
cut(void)
{
    w.up = false;
    w.sent_count = w.sent_done = 0;
    feed(&(struct msg_event){.kind = EVENT_LINK_DOWN, .link = w.link});
}

/* Waits for the next dial, which is answered. */
static inline void
come_back(void)
{
    pass(60000);
    connect_front();
    settle();
}

/* The process ends and comes back with what is on disk. */
static inline void
restart(void)
{
    const struct peer_settings settings = {.contacts = 8, .rooms = 4, .room_members = 64, .cards = 16};
    peer_core_destroy(&w.core);
    w.gathered_count = w.store_count = w.told_count = w.sent_count = w.sent_done = 0;
    w.up = false;
    w.core = peer_core_new(&settings, &w.people[ADA].id);
    assert_non_null(w.core);
    for (uint32_t table = 0; table < PEER_TABLES; table++)
        for (size_t i = 0; i < w.record_count; i++)
            if (w.records[i].table == table)
                feed(&(struct msg_event){.kind = EVENT_RECORD, .table = table, .record_key = msg_record_key_span(&w.records[i].key),
                                         .bytes = msg_span(w.records[i].bytes.at, w.records[i].bytes.len)});
    feed(&(struct msg_event){.kind = EVENT_START});
    connect_front();
    settle();
}

static inline void
record(enum peer_table table, enum msg_kind kind, const void *message)
{
    struct change change = {.put = true, .table = table, .key = msg_record_key1(0)};
    struct msg_buf buf = {change.bytes.at, 0, sizeof change.bytes.at};
    assert_int_equal(msg_codec_encode(&buf, kind, message), CONCLAVE_OK);
    change.bytes.len = buf.len;
    keep(&change);
}

static inline int
set_up(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    w.now = (struct msg_time){100000, 1750000000000};
    w.page = 100;
    w.push_first = true;
    if (msg_keys_init() != CONCLAVE_OK)
        return -1;
    msg_keys_new_sign(&w.signer, &w.signer_sec);
    for (uint64_t who = ADA; who < PEOPLE; who++) {
        new_keys(&w.people[who]);
        certify(who, 1, &w.people[who], NAMES[who], who);
    }
    const struct msg_rec_self self = {.account = ADA, .device = 1, .name = msg_text("ada"), .signer = w.signer, .front_host = msg_text("registry"),
                                      .front_port = 15601, .certificate = msg_span(w.people[ADA].cert, w.people[ADA].cert_len),
                                      .now_offset_ms = UINT64_C(1) << 62};
    const struct msg_rec_mail_key mail = {w.people[ADA].mail, w.people[ADA].mail_sec, w.now.wall_ms, 0};
    record(PEER_TABLE_SELF, MSG_REC_SELF, &self);
    record(PEER_TABLE_MAIL_KEYS, MSG_REC_MAIL_KEY, &mail);
    restart();
    w.told_count = 0;
    return 0;
}

static inline int
tear_down(void **state)
{
    (void)state;
    peer_core_destroy(&w.core);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
